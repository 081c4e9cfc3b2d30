/* ops/import/qif_document.h: the tags of a QIF 2.1 or 3.0 document into tables and results.
 *
 * Results name characteristics that stand in front of them and components that stand behind
 * them, so a document is read twice: the first time fills the tables, the second one stops at
 * each MeasurementResults. Memory grows with the number of different characteristics and of
 * components, and with one result, each of which is bounded, not with the document. */
#ifndef WEFT_OPS_IMPORT_QIF_DOCUMENT_H
#define WEFT_OPS_IMPORT_QIF_DOCUMENT_H

#include "ops/import/xml.h"

enum {
    WEFT_QIF_TABLE_MAX = 1 << 20, /* entries of one table; chosen: 1,000 features of 1,000 parts */
    WEFT_QIF_TABLES_SIZE_MAX = 256 * 1024 * 1024,
    WEFT_QIF_ACTUALS_MAX = 64 * 1024, /* of one result */
    WEFT_QIF_RESULT_SIZE_MAX = 64 * 1024 * 1024,
    WEFT_QIF_RESULT_IDS_MAX = 64, /* components of one result */
};

/* A characteristic's definition, nominal or item: what of it goes into records. */
struct weft_qif_entry {
    struct weft_text type; /* "Flatness" of FlatnessCharacteristicDefinition. */
    struct weft_text name;
    struct weft_text max, min, tolerance, target, as_limit; /* As written. */
    uint64_t next;    /* Id of the nominal (item) or definition (nominal); 0: none. */
    bool is_namesake; /* An item before it has the same name. */
    uint32_t seen;    /* Measurements of the item in the result at hand, */
    uint64_t seen_in; /* which has this number. */
};

struct weft_qif_component {
    struct weft_text serial;
    struct weft_text status;
};

/* By id. Open addressing. */
struct weft_qif_table {
    uint64_t *ids; /* 0: free. */
    void *values;
    size_t value_size;
    uint32_t count, capacity;
};

/* A measured characteristic. */
struct weft_qif_actual {
    struct weft_text type;
    struct weft_text value, status, unit;
    uint64_t item;   /* 0: none. */
    uint32_t repeat; /* It is the n-th of its item in the result, from 1. */
};

struct weft_qif_result {
    uint64_t id;
    uint64_t line;
    uint32_t column;
    struct weft_text status;
    struct weft_text start, end; /* Of the inspection, as written. */
    struct weft_text uri;        /* Of the first file that it refers to. */
    uint64_t components[WEFT_QIF_RESULT_IDS_MAX];
    uint32_t component_count;
    struct weft_qif_actual *actuals;
    uint32_t actual_count, actual_capacity;
};

/* What is said once, for all results. */
struct weft_qif_head {
    struct weft_text version; /* "2.1.0" */
    struct weft_text qpid;
    struct weft_text linear_unit, angular_unit; /* As named: "mm", "degree". */
    struct weft_text created, reported;
    struct weft_text organization, mode, scope;
    struct weft_text device; /* Of the first. */
    struct weft_text part;   /* Name, of the first part. */
    struct weft_text drawing;
    bool has_features, has_statistics;
};

struct weft_qif_document {
    struct weft_arena arena; /* Head and tables. */
    struct weft_qif_head head;
    struct weft_qif_table definitions, nominals, items, components;
    struct weft_qif_table names; /* Of items, by hash. */
    uint32_t result_count;
    bool is_second; /* Reading: tables are full, results are wanted. */

    struct weft_arena result_arena;
    uint64_t result_number; /* Counts, from 1. */
    struct weft_qif_result result;
    bool has_result; /* `result` is whole: weft_xml_pause was called. */

    struct weft_xml *xml; /* The owner's; set before it runs. */
    /* What is open. */
    uint16_t tags[WEFT_XML_DEPTH_MAX + 2];
    uint32_t depth;
    uint64_t open_id;
    struct weft_qif_entry open;
    struct weft_qif_component open_component;
    struct weft_qif_actual actual;
};

void weft_qif_document_init(struct weft_qif_document *d);
void weft_qif_document_destroy(struct weft_qif_document *d);
/* From the start again: the second reading. */
void weft_qif_document_again(struct weft_qif_document *d);
/* Callbacks for weft_xml_create; ctx is the document. Errors are placed by the XML layer.
 * WEFT_EINVAL: not QIF, or of a version that is not read, an id that is none or stands twice.
 * WEFT_ETOOBIG, WEFT_ENOMEM. */
struct weft_xml_handler weft_qif_document_handler(struct weft_qif_document *d);

/* NULL: there is none. */
const struct weft_qif_entry *weft_qif_entry_find(const struct weft_qif_table *table, uint64_t id);
const struct weft_qif_component *weft_qif_component_find(
    const struct weft_qif_document *d, uint64_t id);

#endif
