/* proto/model/model.h: the declared type of a record kind, read from DTDL v3.
 *
 * A model says which attributes a record of its kind has, of what type and unit, which of them
 * it must have, and what it may link to. Its text is DTDL v3 in JSON: the subset, our terms with
 * the prefix weft:, and the rules that a record is held to stand in proto/model/README.md.
 * Everything here is pure: the same text and record give the same answer on every replica. */
#ifndef WEFT_PROTO_MODEL_H
#define WEFT_PROTO_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"
#include "proto/record.h"

/* What a value is: DTDL's primitive and complex schemas. */
enum weft_model_type {
    WEFT_MODEL_BOOLEAN,
    WEFT_MODEL_DATE,
    WEFT_MODEL_DATE_TIME,
    WEFT_MODEL_DOUBLE,
    WEFT_MODEL_DURATION,
    WEFT_MODEL_FLOAT,
    WEFT_MODEL_INTEGER,
    WEFT_MODEL_LONG,
    WEFT_MODEL_STRING,
    WEFT_MODEL_TIME,
    WEFT_MODEL_ENUM,
    WEFT_MODEL_OBJECT,
    WEFT_MODEL_MAP,
    WEFT_MODEL_ARRAY,
};

struct weft_model_property;

/* Members by name, in the order of their bytes. */
struct weft_model_object {
    const struct weft_model_property *properties;
    uint32_t count;
    bool is_closed; /* Members that are not declared are refused. */
};

struct weft_model_schema {
    enum weft_model_type type;
    uint32_t depth;                  /* Complex schemas from here down; 0: a primitive one. */
    const struct weft_text *values;  /* ENUM: as declared; a text, or the literal of a number. */
    const uint16_t *sorted;          /* ENUM: places in `values` by their bytes. */
    uint32_t value_count;            /* ENUM */
    bool is_text;                    /* ENUM */
    struct weft_model_object object; /* OBJECT */
    const struct weft_model_property *element; /* MAP, ARRAY: of its values. */
};

struct weft_model_property {
    struct weft_text name; /* Empty: of an ARRAY's elements. */
    struct weft_text title;
    struct weft_text description;
    const struct weft_model_schema *schema;
    const struct weft_text *units; /* UCUM codes that a value may carry, the declared one first. */
    uint32_t unit_count;           /* 0: not a quantity. */
    bool is_required;
};

/* A rel that a record of the kind has links of. */
struct weft_model_link {
    struct weft_text rel;
    struct weft_text title;
    struct weft_text description;
    struct weft_text target;          /* DTMI of the target's interface; empty: any. */
    const struct weft_text *prefixes; /* One of which the target's id begins with; none: any. */
    uint32_t prefix_count;
    uint32_t count_max; /* 0: any number. */
    bool is_required;   /* At least one. */
    struct weft_model_object properties;
};

struct weft_model {
    struct weft_text kind;
    struct weft_text id; /* DTMI of the interface, with the version. */
    uint32_t version;    /* 1 to 999,999,999. */
    struct weft_text title;
    struct weft_text description;
    struct weft_model_object attributes;
    const struct weft_model_link *links; /* By rel, in the order of its bytes. */
    uint32_t link_count;
    bool is_closed_links;             /* Links of other rels are refused. */
    const struct weft_text *prefixes; /* One of which the asset's id begins with; none: any. */
    uint32_t prefix_count;
};

/* Compile the text of a model. What *ret_model points to is in `arena`, a copy of everything;
 * `scratch` holds the parsed text meanwhile and is not reset. `msg` starts with "line L, column C
 * (pointer): " wherever there is a place, and ends with what to do.
 *
 * WEFT_EMALFORMED: not JSON. WEFT_EINVAL: not a model of the subset. WEFT_ETOOBIG: a limit.
 * WEFT_ENOMEM: no memory (an arena at its limit is WEFT_ETOOBIG). */
WEFT_MUST_USE enum weft_err weft_model_parse(struct weft_text text, struct weft_arena *arena,
    struct weft_arena *scratch, struct weft_model *ret_model, struct weft_msg *msg);

/* Hold a record, which has passed weft_record_check, to the model of its kind. `ret_pointer` (may
 * be NULL) receives an RFC 6901 pointer to the culprit in the record's JSON form, such as
 * "/attrs/flatness/unit" or "/links/2/rel"; `msg` says what was expected.
 *
 * Allocates nothing; O(n log n) for n fields. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_model_check_record(const struct weft_model *model,
    const struct weft_record *record, char ret_pointer[256], struct weft_msg *msg);

/* --- versions ---------------------------------------------------------------------------- */

/* One difference between two versions. */
struct weft_model_change {
    bool is_breaking;
    struct weft_text where; /* "/attrs/flatness/unit", "/links/consumes"; empty: the whole. */
    struct weft_text what;  /* "unit in addition: [in_i]" */
};

enum {
    WEFT_MODEL_CHANGES_MAX = 256 /* kept; further ones are counted; chosen: a long screen */
};

struct weft_model_changes {
    const struct weft_model_change *changes;
    uint32_t count; /* Of `changes`. */
    uint32_t found; /* All of them. */
    uint32_t breaking;
};

/* What has changed from `old` to `new`, two versions of one kind. Breaking is what refuses a
 * declared thing that was accepted before, or takes away what readers were promised (README).
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_model_compare(const struct weft_model *old,
    const struct weft_model *new, struct weft_arena *arena, struct weft_model_changes *ret_changes);

/* DTDL's name of a type: "double", "Enum". Static storage. */
const char *weft_model_type_name(enum weft_model_type type);
/* NULL: there is no such member. */
const struct weft_model_property *weft_model_find(
    const struct weft_model_object *object, struct weft_text name);
const struct weft_model_link *weft_model_find_link(
    const struct weft_model *model, struct weft_text rel);

#endif
