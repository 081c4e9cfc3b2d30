/* node/state/stage.h: accepted records on their way into the batch: encoded, not yet packed.
 *
 * A commit is decided before anything is staged, so nothing staged is ever taken back. The keys
 * of an entry are made when it ends, since packs and kind lists span its commits. */
#ifndef WEFT_NODE_STATE_STAGE_H
#define WEFT_NODE_STATE_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/histories.h"
#include "node/state/lineage/feed.h"
#include "node/state/names.h"
#include "node/state/store.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/statement.h"

struct weft_staged {
    uint64_t index;
    uint64_t asset;
    int64_t at_ns;
    int64_t time_ns; /* Of its commit. */
    struct weft_digest digest;
    size_t offset; /* In weft_stage.bytes. */
    uint32_t size;
    uint32_t ordinal;
    uint32_t links; /* Place of the first in weft_stage.links. */
    uint32_t link_count;
    uint32_t first; /* Ordinal that its pack begins with. */
    uint16_t kind;
    bool ends_pack; /* Looked at if stage->is_split. */
    bool is_late;   /* `at` is before that of an earlier record of the asset. */
};

/* Memory that is kept from one apply to the next. */
struct weft_stage {
    struct weft_arena arena;     /* Of one item: its decoded commit and scratch. */
    struct weft_arena statement; /* Of one record: its statement. */
    struct weft_buffer bytes;    /* Encoded records. */
    struct weft_buffer value;    /* Under construction. */
    struct weft_staged *records;
    uint32_t count;
    uint32_t capacity;
    uint32_t entry_first; /* Place of the first record of the entry under way. */
    struct weft_staged_link *links;
    uint32_t link_count;
    uint32_t link_capacity;
    uint32_t *scratch;        /* As many words as `capacity`. */
    struct weft_buffer names; /* Of the assets that the entry under way mentions first. */
    uint64_t names_first;     /* Id of the first of them; 0: none. */
    bool is_split;            /* Packs end where weft_stage_end_pack says, whatever their size. */
};

/* What a record is staged with besides itself. */
struct weft_stage_context {
    struct weft_names *names;
    struct weft_feed *feed; /* Of the index of lineage. */
    struct weft_store_batch *batch;
    struct weft_statement_place place; /* previous is set from the head. */
    uint64_t *assets;                  /* Number of assets so far: the next id less 1. */
};

enum {
    WEFT_STATE_ARENA_SIZE_MAX = 64 * 1024 * 1024
};

/* `record`: author and at filled in; `name`: of its asset, in weft_names. The head is brought
 * forward, ids are given. *ret_statement (NULL: its digest is enough) borrows the record and lasts
 * until the next one is staged. WEFT_ENOMEM, WEFT_ECORRUPT, WEFT_EIO: the apply has failed. */
WEFT_MUST_USE enum weft_err weft_stage_record(struct weft_stage *stage,
    const struct weft_stage_context *context, const struct weft_record *record, uint32_t name,
    struct weft_digest *ret_digest, struct weft_statement *ret_statement, struct weft_msg *msg);
/* Put records, versions, links, kinds and new names of the entry under way into the batch. */
WEFT_MUST_USE enum weft_err weft_stage_end_entry(struct weft_stage *stage, const uint8_t *seed,
    struct weft_store_batch *batch, struct weft_msg *msg);
/* The pack under way ends with the last record that was staged. */
void weft_stage_end_pack(struct weft_stage *stage);
/* The staged record of that place, NULL if it was not staged since the last clear. */
const struct weft_staged *weft_stage_find(
    const struct weft_stage *stage, uint64_t index, uint32_t ordinal);
struct weft_bytes weft_staged_bytes(
    const struct weft_stage *stage, const struct weft_staged *staged);

void weft_stage_clear(struct weft_stage *stage);
void weft_stage_destroy(struct weft_stage *stage);

/* With which ordinal the record's pack begins; for weft_feed_publish. */
uint32_t weft_stage_first_of_pack(void *stage, uint32_t record);
/* What was found of the assets of these records has to be found again. */
void weft_stage_note(const struct weft_stage *stage, struct weft_histories *histories);

#endif
