/* ops/weft/import_batch.h: items of an importer on their way into one commit. Pure.
 *
 * Keeps copies, since an importer's item lives until the next one. Within one commit no two
 * records may expect the same asset not to exist: the state looks at all preconditions before
 * it changes anything, so such a commit would state both (OPS-102). */
#ifndef WEFT_OPS_IMPORT_BATCH_H
#define WEFT_OPS_IMPORT_BATCH_H

#include "ops/import/importer.h"

struct weft_import_batch_item {
    uint32_t first_record; /* The marker, if there is one. */
    uint32_t record_count;
    struct weft_request_id id;
    const char *place; /* "FILE: line L, column C (pointer)", for a message. */
};

struct weft_import_batch {
    struct weft_arena arena;
    struct weft_record *records;
    struct weft_import_batch_item *items;
    uint64_t *guards; /* Hashes of the assets that are expected not to exist. */
    uint32_t record_count, item_count, guard_count;
    uint32_t items_max;
    size_t size_bytes; /* Of the commit, estimated from above. */
    size_t size_max;
    uint32_t references; /* The owner's. */
};

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_import_batch_create(
    uint32_t items_max, size_t size_max, struct weft_import_batch **ret_batch);
void weft_import_batch_clear(struct weft_import_batch *batch);
/* Accepts NULL. */
void weft_import_batch_destroy(struct weft_import_batch *batch);

/* Copy one item in. WEFT_EBUSY: it does not fit behind what is there: send that first;
 * WEFT_ETOOBIG: it fits into no commit; WEFT_ENOMEM. Unchanged on failure. */
WEFT_MUST_USE enum weft_err weft_import_batch_add(struct weft_import_batch *batch,
    const struct weft_importer_type *type, const struct weft_import_item *item,
    const char *file_name);

/* The request id of a commit of these items: theirs if it is one, else made of them all. */
struct weft_request_id weft_import_batch_id(
    const struct weft_import_batch *batch, uint32_t first, uint32_t count);

#endif
