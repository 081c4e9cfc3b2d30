#include "node/state/packs.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "proto/check.h"

enum {
    SHARDS = 64,          /* Locks; chosen: far more than threads that read. */
    WAYS = 4,             /* Of a bucket; measured: with one, a tenth is pushed out by another. */
    BYTES_PER_WAY = 2048, /* Chosen: half of a pack, so that buckets are half full. */
    OVERHEAD_BYTES = 256, /* Of a pack: what is here, and RocksDB's handle, about. */
    BUCKETS_MIN = SHARDS, /* A power of two, as the number of buckets always is. */
};

struct bucket {
    uint32_t tags[WAYS];               /* Of the hash, so that others are not looked at. */
    uint32_t next;                     /* The way to push out when all are taken. */
    struct weft_kept_pack *kept[WAYS]; /* NULL: free. */
};

struct weft_packs {
    pthread_mutex_t locks[SHARDS];
    struct bucket *buckets;
    uint64_t mask;
    uint64_t bytes_max;
    atomic_uint_fast64_t bytes;
    atomic_uint_fast64_t generation; /* Changes before what is kept is taken out. */
};

struct weft_packs *weft_packs_create(uint64_t bytes_max)
{
    struct weft_packs *packs = calloc(1, sizeof(*packs));
    uint64_t buckets = BUCKETS_MIN;
    if (packs == NULL) {
        return NULL;
    }
    while (buckets < bytes_max / BYTES_PER_WAY / WAYS && buckets < UINT64_C(1) << 32) {
        buckets *= 2;
    }
    packs->buckets = calloc(buckets, sizeof(*packs->buckets));
    if (packs->buckets == NULL) {
        free(packs);
        return NULL;
    }
    packs->mask = buckets - 1;
    packs->bytes_max = bytes_max;
    for (int i = 0; i < SHARDS; i++) {
        int status = pthread_mutex_init(&packs->locks[i], NULL);
        weft_assert(status == 0);
    }
    return packs;
}

void weft_packs_destroy(struct weft_packs *packs)
{
    if (packs == NULL) {
        return;
    }
    for (uint64_t i = 0; i < (packs->mask + 1) * WAYS; i++) {
        struct weft_kept_pack *kept = packs->buckets[i / WAYS].kept[i % WAYS];
        if (kept != NULL) {
            weft_assert(atomic_load(&kept->references) == 1); /* NOD-109 */
            weft_packs_release(kept);
        }
    }
    for (int i = 0; i < SHARDS; i++) {
        (void)pthread_mutex_destroy(&packs->locks[i]);
    }
    free(packs->buckets);
    free(packs);
}

/* Of a place: packs of one index lie some records apart. */
static uint64_t hash_of(uint64_t index, uint32_t first)
{
    uint64_t hash = (index << 20 ^ first) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

static uint64_t bytes_of(const struct weft_kept_pack *kept)
{
    return kept->value.bytes.size + OVERHEAD_BYTES;
}

/* False: another thread has it, and whoever asks must not wait. */
static bool lock(struct weft_packs *packs, uint64_t hash, bool may_wait)
{
    pthread_mutex_t *mutex = &packs->locks[hash % SHARDS];
    int status = may_wait ? pthread_mutex_lock(mutex) : pthread_mutex_trylock(mutex);
    weft_assert(status == 0 || (!may_wait && status == EBUSY));
    return status == 0;
}

static void unlock(struct weft_packs *packs, uint64_t hash)
{
    int status = pthread_mutex_unlock(&packs->locks[hash % SHARDS]);
    weft_assert(status == 0);
}

struct weft_kept_pack *weft_packs_find(
    struct weft_packs *packs, uint64_t index, uint32_t first, bool may_wait)
{
    uint64_t hash = hash_of(index, first);
    const struct bucket *bucket = &packs->buckets[hash & packs->mask];
    struct weft_kept_pack *found = NULL;
    if (!lock(packs, hash, may_wait)) {
        return NULL;
    }
    for (int i = 0; i < WAYS && found == NULL; i++) {
        struct weft_kept_pack *kept = bucket->kept[i];
        if (bucket->tags[i] == tag_of(hash) && kept != NULL && kept->index == index &&
            kept->first == first) {
            atomic_fetch_add_explicit(&kept->references, 1, memory_order_relaxed);
            found = kept;
        }
    }
    unlock(packs, hash);
    return found;
}

/* A way for one more: a free one, or that of which it is the turn. */
static uint32_t choose_way(struct bucket *bucket)
{
    for (uint32_t i = 0; i < WAYS; i++) {
        if (bucket->kept[i] == NULL) {
            return i;
        }
    }
    bucket->next = (bucket->next + 1) % WAYS;
    return bucket->next;
}

/* Into its bucket, instead of another one if it is full, if there is room. What left it. That a
 * pack may be there twice, since two threads read it at once, costs its bytes alone. */
static struct weft_kept_pack *put(
    struct weft_packs *packs, uint64_t generation, struct weft_kept_pack *kept)
{
    uint64_t hash = hash_of(kept->index, kept->first);
    struct bucket *bucket = &packs->buckets[hash & packs->mask];
    (void)lock(packs, hash, true);
    uint32_t way = choose_way(bucket);
    struct weft_kept_pack *before = bucket->kept[way];
    uint64_t less = before != NULL ? bytes_of(before) : 0;
    if (atomic_load(&packs->generation) == generation &&
        atomic_load(&packs->bytes) - less + bytes_of(kept) <= packs->bytes_max) {
        atomic_fetch_add(&kept->references, 1);
        bucket->kept[way] = kept;
        bucket->tags[way] = tag_of(hash);
        atomic_fetch_add(&packs->bytes, bytes_of(kept));
        atomic_fetch_sub(&packs->bytes, less);
    } else {
        before = NULL; /* It stays. */
    }
    unlock(packs, hash);
    return before;
}

uint64_t weft_packs_generation(const struct weft_packs *packs)
{
    return atomic_load(&packs->generation);
}

void weft_packs_forget(struct weft_packs *packs)
{
    (void)atomic_fetch_add(&packs->generation, 1);
    for (uint64_t i = 0; i <= packs->mask; i++) {
        struct bucket *bucket = &packs->buckets[i];
        (void)lock(packs, i, true); /* Shards are fewer than buckets, and both powers of two. */
        for (int way = 0; way < WAYS; way++) {
            struct weft_kept_pack *kept = bucket->kept[way];
            bucket->kept[way] = NULL;
            if (kept != NULL) {
                atomic_fetch_sub(&packs->bytes, bytes_of(kept));
                weft_packs_release(kept);
            }
        }
        unlock(packs, i);
    }
}

struct weft_kept_pack *weft_packs_keep(struct weft_packs *packs, uint64_t generation,
    uint64_t index, uint32_t first, struct weft_store_value *value, const struct weft_pack *pack)
{
    struct weft_kept_pack *kept = malloc(sizeof(*kept));
    if (kept == NULL) {
        return NULL;
    }
    *kept = (struct weft_kept_pack){.index = index, .first = first, .value = *value, .pack = *pack};
    atomic_init(&kept->references, 1);
    *value = (struct weft_store_value){.handle = NULL};
    struct weft_kept_pack *before =
        kept->value.bytes.size <= WEFT_PACKS_PACK_MAX ? put(packs, generation, kept) : NULL;
    if (before != NULL) {
        weft_packs_release(before);
    }
    return kept;
}

void weft_packs_release(struct weft_kept_pack *kept)
{
    if (atomic_fetch_sub_explicit(&kept->references, 1, memory_order_acq_rel) == 1) {
        weft_store_release(&kept->value);
        free(kept);
    }
}
