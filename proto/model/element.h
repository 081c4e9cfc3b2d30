/* proto/model/element.h: the parts that all elements of a DTDL text have: types, names, labels.
 *
 * For the files of proto/model that read a text; everything that is refused is named by line,
 * column and pointer. */
#ifndef WEFT_PROTO_MODEL_ELEMENT_H
#define WEFT_PROTO_MODEL_ELEMENT_H

#include "proto/json.h"
#include "proto/model/model.h"
#include "proto/model/unit.h"

/* A complex schema of an interface's `schemas`, read when it is first named. */
struct weft_model_named {
    const struct weft_json *at;
    struct weft_text id;
    const struct weft_model_schema *schema; /* NULL: not yet read. */
    bool is_open;                           /* Being read: naming it again is a cycle. */
};

struct weft_model_reader {
    struct weft_arena *arena;   /* The model's: texts are copied into it. */
    struct weft_arena *scratch; /* The tree's. */
    struct weft_msg *msg;
    /* Of the interface under way. */
    bool has_quantities; /* Its @context names the extension of semantic types. */
    bool has_weft;       /* ... and our terms. */
    struct weft_model_named *named;
    uint32_t named_count;
    uint32_t depth; /* Complex schemas around the one under way. */
};

/* NULL: no memory within the arena's limit, and `msg` says so. */
void *weft_element_alloc(struct weft_model_reader *r, const struct weft_json *at, size_t count,
    size_t size, enum weft_err *ret_err);
WEFT_MUST_USE enum weft_err weft_element_copy(struct weft_model_reader *r,
    const struct weft_json *at, struct weft_text text, struct weft_text *ret_copy);

/* An object whose members are among `allowed` (ends with NULL), or are those that every element
 * may have: @type, @id, comment, description, displayName, which are checked here. */
WEFT_MUST_USE enum weft_err weft_element_check(
    struct weft_model_reader *r, const struct weft_json *element, const char *const *allowed);

/* Does "@type" name this class? */
bool weft_element_is(const struct weft_json *element, const char *class);
/* "@type" is `class`, and beside it at most one semantic type if `may_be_quantity`. Absent is
 * fine if `may_be_absent`. */
WEFT_MUST_USE enum weft_err weft_element_type(struct weft_model_reader *r,
    const struct weft_json *element, const char *class, bool may_be_absent, bool may_be_quantity,
    struct weft_unit_type *ret_quantity);

/* Required. */
WEFT_MUST_USE enum weft_err weft_element_name(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_text *ret_name);
/* displayName and description: a text, or a map of languages, of which English is taken. */
WEFT_MUST_USE enum weft_err weft_element_labels(struct weft_model_reader *r,
    const struct weft_json *element, struct weft_text *ret_title,
    struct weft_text *ret_description);
/* Absent: false. */
WEFT_MUST_USE enum weft_err weft_element_bool(struct weft_model_reader *r,
    const struct weft_json *element, const char *member, bool *ret_value);
/* A text or an array of texts; absent: none. What each is, `check` says (WEFT_EINVAL, reason). */
WEFT_MUST_USE enum weft_err weft_element_texts(struct weft_model_reader *r,
    const struct weft_json *element, const char *member, uint32_t count_max,
    enum weft_err (*check)(struct weft_text text, struct weft_msg *msg),
    struct weft_text **ret_texts, uint32_t *ret_count);

/* A text for a message: cut at 64 bytes. Use as: (int)s.size, s.data */
struct weft_text weft_element_shown(struct weft_text text);

#endif
