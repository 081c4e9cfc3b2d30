/* node/state/names.h: names to dense ids, and the head of each asset: the state that apply reads.
 *
 * Three layers, asked in this order: what the apply under way has changed (exact, cleared when
 * its batch is written), a cache of fixed size that only apply writes (so it is never stale),
 * the store. Kinds and rels are few and all in memory. One thread: apply's. */
#ifndef WEFT_NODE_STATE_NAMES_H
#define WEFT_NODE_STATE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/store.h"
#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

/* What the state knows of an asset besides its records. */
struct weft_head {
    uint64_t id;    /* From 1, in order of first mention; 0: never mentioned. */
    uint64_t since; /* Index of the first mention. */
    uint64_t rev;   /* 0: only links name it. The rest is of its records. */
    int64_t at_max_ns;
    struct weft_digest digest; /* Of its last statement. */
};

enum {
    WEFT_HEAD_SIZE_MAX = 5 + 6 + 6 + 8 + WEFT_DIGEST_SIZE
};

size_t weft_head_encode(const struct weft_head *head, uint8_t ret_bytes[WEFT_HEAD_SIZE_MAX]);
WEFT_MUST_USE enum weft_err weft_head_decode(struct weft_bytes bytes, struct weft_head *ret_head);

/* An asset that the apply under way has looked at. */
struct weft_name {
    struct weft_text text; /* Borrowed from the entry, which outlives the apply. */
    uint64_t hash;
    struct weft_head head;
    bool is_changed;
    bool is_cached; /* The cache has the head as it was before the apply. */
};

struct weft_word { /* A kind or rel. */
    uint64_t hash;
    uint8_t size;
    char text[WEFT_KIND_SIZE_MAX];
};

struct weft_words {
    uint64_t secret;
    char letter; /* 'k', 'r' */
    uint32_t count;
    uint32_t capacity;
    struct weft_word *words; /* The word of id n stands at n - 1. */
    uint32_t *table;         /* Ids by hash; 0: free. */
    uint32_t table_size;
};

struct weft_names;

/* `store` NULL: an empty world in memory, which keeps copies of its texts and is never settled.
 * Else loads kinds, rels and the filter of the names of `assets` assets. `cache_bytes`: of heads;
 * memory is taken as it fills.
 * WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_names_create(struct weft_store *store, uint64_t cache_bytes,
    uint64_t assets, uint64_t secret, struct weft_names **ret_names, struct weft_msg *msg);
void weft_names_destroy(struct weft_names *names);

/* The head as the apply under way has left it; `text` is not kept. id 0: never mentioned. */
WEFT_MUST_USE enum weft_err weft_names_peek(struct weft_names *names, struct weft_text text,
    struct weft_head *ret_head, struct weft_msg *msg);
/* It will be asked for soon: begin to fetch what that needs from memory. */
void weft_names_expect(const struct weft_names *names, struct weft_text text);
/* The name's place in the apply's own table, read from cache or store if need be. `text` is kept
 * until the table is cleared (NOD-102). */
WEFT_MUST_USE enum weft_err weft_names_find(
    struct weft_names *names, struct weft_text text, uint32_t *ret_place, struct weft_msg *msg);
/* Valid until the next weft_names_find. */
struct weft_name *weft_names_at(struct weft_names *names, uint32_t place);
/* The name was given its id. */
void weft_names_is_new(struct weft_names *names, const struct weft_name *name);
uint32_t weft_names_count(const struct weft_names *names);
/* Heads of those that changed. */
void weft_names_put(struct weft_names *names, struct weft_store_batch *batch);
/* The batch with the changed heads is written: keep them in the cache, clear the table. */
void weft_names_settle(struct weft_names *names);

struct weft_words *weft_names_kinds(struct weft_names *names);
struct weft_words *weft_names_rels(struct weft_names *names);
/* 0: there is no such word. */
uint16_t weft_words_find(const struct weft_words *words, struct weft_text text);
/* Find, or give it the next id and put that into the batch.
 * WEFT_ETOOBIG: WEFT_STATE_WORDS_MAX. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_words_intern(struct weft_words *words, struct weft_text text,
    struct weft_store_batch *batch, uint16_t *ret_id);

/* Of memory's tables alone, never in the state. `secret` keeps clients from choosing names
 * that collide. */
uint64_t weft_name_hash(uint64_t secret, const void *data, size_t size);

#endif
