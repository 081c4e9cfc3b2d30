/* ops/import/qif_record.h: one result of a QIF document as inspection records. */
#ifndef WEFT_OPS_IMPORT_QIF_RECORD_H
#define WEFT_OPS_IMPORT_QIF_RECORD_H

#include "ops/import/importer.h"
#include "ops/import/map.h"
#include "ops/import/qif_document.h"

enum {
    WEFT_QIF_CHARACTERISTICS_MAX = 112, /* in one record: 8 fields each, 1,024 in a record */
    WEFT_QIF_ITEM_RECORDS_MAX = 6,      /* in one item: below a commit, however long the names */
};

struct weft_qif_maker {
    const struct weft_qif_document *document;
    const struct weft_map *map;
    struct weft_text name; /* Of the document. */
    struct weft_arena *arena;
};

/* All records of the document's result: for its first component the inspection, as many more as
 * its characteristics need, and one for each further component. In the maker's arena.
 * WEFT_EINVAL, WEFT_ETOOBIG, WEFT_ENOMEM: `msg` says what, without the place. */
WEFT_MUST_USE enum weft_err weft_qif_records(const struct weft_qif_maker *maker,
    struct weft_record **ret_records, uint32_t *ret_count, struct weft_msg *msg);

#endif
