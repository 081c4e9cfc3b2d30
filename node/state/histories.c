#include "node/state/histories.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

enum {
    SHARDS = 64,          /* Locks; chosen: far more than threads that read. */
    WAYS = 4,             /* Of a bucket; measured: with one, a tenth is pushed out by another. */
    BYTES_PER_WAY = 128,  /* Less than a history of three records takes: buckets are not full. */
    BUCKETS_MIN = SHARDS, /* A power of two, as the number of buckets always is. */
    CHANGES = 1 << 18,    /* 2 MiB; at 20,000 records/s each is changed every 13 s. */
};

struct bucket {
    uint32_t tags[WAYS];             /* Of the hash, so that others are not looked at. */
    uint32_t next;                   /* The way to push out when all are taken. */
    struct weft_history *kept[WAYS]; /* NULL: free. */
};

struct weft_histories {
    pthread_mutex_t locks[SHARDS];
    struct bucket *buckets;
    uint64_t mask;
    uint64_t bytes_max;
    atomic_uint_fast64_t bytes;
    atomic_uint_fast64_t
        changes[CHANGES]; /* By hash: the last index with a record of its assets. */
};

struct weft_histories *weft_histories_create(uint64_t bytes_max)
{
    struct weft_histories *h = calloc(1, sizeof(*h));
    uint64_t buckets = BUCKETS_MIN;
    if (h == NULL) {
        return NULL;
    }
    while (buckets < bytes_max / BYTES_PER_WAY / WAYS && buckets < UINT64_C(1) << 32) {
        buckets *= 2;
    }
    h->buckets = calloc(buckets, sizeof(*h->buckets));
    if (h->buckets == NULL) {
        free(h);
        return NULL;
    }
    h->mask = buckets - 1;
    h->bytes_max = bytes_max;
    for (int i = 0; i < SHARDS; i++) {
        int status = pthread_mutex_init(&h->locks[i], NULL);
        weft_assert(status == 0);
    }
    return h;
}

void weft_histories_destroy(struct weft_histories *h)
{
    if (h == NULL) {
        return;
    }
    for (uint64_t i = 0; i < (h->mask + 1) * WAYS; i++) {
        weft_histories_release(h->buckets[i / WAYS].kept[i % WAYS]);
    }
    for (int i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_destroy(&h->locks[i]);
    }
    free(h->buckets);
    free(h);
}

static uint64_t hash_of(uint64_t asset)
{
    uint64_t hash = asset * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static size_t bytes_of(const struct weft_history *history)
{
    size_t kept = history->count <= WEFT_HISTORY_REFS_MAX ? history->count : 0;
    return sizeof(*history) + kept * sizeof(history->refs[0]);
}

static void lock(struct weft_histories *h, uint64_t hash)
{
    int status = pthread_mutex_lock(&h->locks[hash % SHARDS]);
    weft_assert(status == 0);
}

static void unlock(struct weft_histories *h, uint64_t hash)
{
    int status = pthread_mutex_unlock(&h->locks[hash % SHARDS]);
    weft_assert(status == 0);
}

void weft_histories_note(struct weft_histories *h, uint64_t asset, uint64_t index)
{
    atomic_store_explicit(&h->changes[hash_of(asset) % CHANGES], index, memory_order_release);
}

/* A view that is open was opened after all that it has was noted, so whoever reads for it sees a
 * change that a history lacks of what the view has (NOD-114). */
static bool is_whole(struct weft_histories *h, uint64_t hash, uint64_t index)
{
    return atomic_load_explicit(&h->changes[hash % CHANGES], memory_order_acquire) <= index;
}

void weft_histories_prefetch(struct weft_histories *h, uint64_t asset)
{
    uint64_t hash = hash_of(asset);
    __builtin_prefetch(&h->buckets[hash & h->mask]);
    __builtin_prefetch(&h->changes[hash % CHANGES]);
}

/* The way that the asset has; WAYS: none. */
static uint32_t way_of(const struct bucket *bucket, uint64_t hash, uint64_t asset)
{
    uint32_t way = 0;
    while (way < WAYS && (bucket->tags[way] != hash >> 32 || bucket->kept[way] == NULL ||
                             bucket->kept[way]->asset != asset)) {
        way++;
    }
    return way;
}

struct weft_history *weft_histories_find(struct weft_histories *h, uint64_t asset)
{
    uint64_t hash = hash_of(asset);
    const struct bucket *bucket = &h->buckets[hash & h->mask];
    lock(h, hash);
    uint32_t way = way_of(bucket, hash, asset);
    struct weft_history *history = way < WAYS ? bucket->kept[way] : NULL;
    if (history != NULL && is_whole(h, hash, history->index)) {
        atomic_fetch_add_explicit(&history->references, 1, memory_order_relaxed);
    } else {
        history = NULL;
    }
    unlock(h, hash);
    return history;
}

/* Its own way, so that an asset has one history at most; else one that is free, else that of which
 * it is the turn. */
static uint32_t choose_way(struct bucket *bucket, uint64_t hash, uint64_t asset)
{
    uint32_t way = way_of(bucket, hash, asset);
    for (uint32_t i = 0; i < WAYS && way == WAYS; i++) {
        way = bucket->kept[i] == NULL ? i : WAYS;
    }
    if (way == WAYS) {
        bucket->next = (bucket->next + 1) % WAYS;
        way = bucket->next;
    }
    return way;
}

void weft_histories_keep(struct weft_histories *h, uint64_t asset, uint64_t index,
    const struct weft_ref *refs, uint32_t count)
{
    uint32_t kept = count <= WEFT_HISTORY_REFS_MAX ? count : 0;
    uint64_t hash = hash_of(asset);
    struct weft_history *history =
        is_whole(h, hash, index) ? malloc(sizeof(*history) + kept * sizeof(*refs)) : NULL;
    if (history == NULL) {
        return;
    }
    atomic_init(&history->references, 1);
    history->asset = asset;
    history->index = index;
    history->count = count;
    if (kept > 0) {
        memcpy(history->refs, refs, kept * sizeof(*refs));
    }
    struct bucket *bucket = &h->buckets[hash & h->mask];
    lock(h, hash);
    uint32_t way = choose_way(bucket, hash, asset);
    struct weft_history *before = bucket->kept[way];
    uint64_t less = before != NULL ? bytes_of(before) : 0;
    if (atomic_load(&h->bytes) - less + bytes_of(history) <= h->bytes_max) {
        bucket->kept[way] = history;
        bucket->tags[way] = (uint32_t)(hash >> 32);
        atomic_fetch_add(&h->bytes, bytes_of(history));
        atomic_fetch_sub(&h->bytes, less);
    } else {
        before = history; /* No room for it. */
    }
    unlock(h, hash);
    weft_histories_release(before);
}

void weft_histories_release(struct weft_history *history)
{
    if (history != NULL &&
        atomic_fetch_sub_explicit(&history->references, 1, memory_order_acq_rel) == 1) {
        free(history);
    }
}
