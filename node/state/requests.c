#include "node/state/requests.h"

#include <stdlib.h>

#include "node/state/names.h"
#include "proto/arith.h"
#include "proto/check.h"

enum {
    LINE_WORDS = 16,    /* A line of the filter is a cache line... */
    LINES = 256 * 1024, /* ...and there are two for each id of a generation: 16 MiB. */
    PROBES = 4,         /* Measured: 0.1 % of new ids look known per generation. */
    PENDING_FIRST = 1024,
};

#define NS_PER_S INT64_C(1000000000)

struct pending {
    struct weft_request_id id;
    struct weft_request_place place;
};

/* Bit g of a word stands for the generation with g = generation % WEFT_GENERATIONS_MAX, so one
 * cache line tells for all generations at once which of them may know an id. */
struct weft_requests {
    struct weft_store *store;
    uint64_t secret;
    struct weft_request_window window;
    int64_t closed_ns[WEFT_GENERATIONS_MAX]; /* Last request of each closed generation. */
    uint32_t *filter;
    struct pending *pending; /* Added by the apply under way. */
    uint32_t pending_count;
    uint32_t pending_capacity;
    uint32_t *table; /* Of pending: place + 1; 0: free. Twice the capacity. */
};

static uint64_t hash_of(const struct weft_requests *r, const struct weft_request_id *id)
{
    return weft_name_hash(r->secret, id->bytes, sizeof(id->bytes));
}

static uint32_t *line_of(const struct weft_requests *r, uint64_t hash)
{
    return &r->filter[(hash >> 32) % LINES * LINE_WORDS];
}

static uint32_t generations_of(const struct weft_requests *r, uint64_t hash)
{
    const uint32_t *line = line_of(r, hash);
    uint32_t bits = UINT32_MAX;
    for (unsigned i = 0; i < PROBES; i++) {
        bits &= line[(hash >> (4 * i)) % LINE_WORDS];
    }
    return bits;
}

static void filter_add(struct weft_requests *r, uint64_t hash, uint32_t generation)
{
    uint32_t *line = line_of(r, hash);
    for (unsigned i = 0; i < PROBES; i++) {
        line[(hash >> (4 * i)) % LINE_WORDS] |= UINT32_C(1) << generation % WEFT_GENERATIONS_MAX;
    }
}

static void filter_forget(struct weft_requests *r, uint32_t generation)
{
    uint32_t keep = ~(UINT32_C(1) << generation % WEFT_GENERATIONS_MAX);
    for (size_t i = 0; i < (size_t)LINES * LINE_WORDS; i++) {
        r->filter[i] &= keep;
    }
}

enum weft_err weft_request_place_decode(
    struct weft_bytes bytes, struct weft_request_place *ret_place)
{
    if (bytes.size != WEFT_REQUEST_PLACE_SIZE) {
        return WEFT_ECORRUPT;
    }
    ret_place->index = weft_get_be48(bytes.data);
    ret_place->first_ordinal = weft_get_be24(bytes.data + 6);
    ret_place->record_count = weft_get_be16(bytes.data + 9);
    return WEFT_OK;
}

/* --- open ------------------------------------------------------------------------------------ */

static enum weft_err load_key(struct weft_requests *r, struct weft_bytes key,
    struct weft_bytes value, uint32_t *current_count)
{
    uint32_t generation = weft_get_be32(key.data + 1);
    if (generation > r->window.current) {
        return WEFT_ECORRUPT;
    }
    if (key.size == 5 && value.size == 8) {
        r->closed_ns[generation % WEFT_GENERATIONS_MAX] = weft_get_time(value.data);
        return generation < r->window.current ? WEFT_OK : WEFT_ECORRUPT;
    }
    if (key.size != WEFT_KEY_REQUEST_SIZE || value.size != WEFT_REQUEST_PLACE_SIZE) {
        return WEFT_ECORRUPT;
    }
    struct weft_request_id id;
    memcpy(id.bytes, key.data + 5, sizeof(id.bytes));
    filter_add(r, hash_of(r, &id), generation);
    *current_count += generation == r->window.current;
    return WEFT_OK;
}

static enum weft_err load(struct weft_requests *r, struct weft_msg *msg)
{
    struct weft_store_walk *walk = weft_store_walk_create(r->store, NULL, true);
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "load request ids");
    }
    const uint8_t prefix[1] = {WEFT_KEY_REQUEST};
    struct weft_key from = weft_key_request(r->window.oldest, NULL);
    uint32_t current_count = 0;
    enum weft_err rv = WEFT_OK;
    weft_store_walk_to(walk, &from);
    while (rv == WEFT_OK && weft_store_walk_is_below(walk, (struct weft_bytes){prefix, 1})) {
        rv = load_key(r, weft_store_walk_key(walk), weft_store_walk_value(walk), &current_count);
        weft_store_walk_next(walk);
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(walk, msg);
    } else {
        (void)weft_fail(msg, rv, "a request id's key or value is damaged");
    }
    if (rv == WEFT_OK && current_count != r->window.count) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "%u request ids in generation %u, expected %u",
            current_count, r->window.current, r->window.count);
    }
    weft_store_walk_destroy(walk);
    return rv;
}

enum weft_err weft_requests_create(struct weft_store *store, uint64_t secret,
    const struct weft_request_window *window, struct weft_requests **ret_requests,
    struct weft_msg *msg)
{
    struct weft_requests *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "request ids");
    }
    r->store = store;
    r->secret = secret;
    r->window = *window;
    r->pending_capacity = PENDING_FIRST;
    r->filter = calloc((size_t)LINES * LINE_WORDS, sizeof(*r->filter));
    r->pending = calloc(PENDING_FIRST, sizeof(*r->pending));
    r->table = calloc(2 * (size_t)PENDING_FIRST, sizeof(*r->table));
    enum weft_err rv = r->filter != NULL && r->pending != NULL && r->table != NULL
                           ? load(r, msg)
                           : weft_fail(msg, WEFT_ENOMEM, "request ids");
    if (rv != WEFT_OK) {
        weft_requests_destroy(r);
        return rv;
    }
    *ret_requests = r;
    return WEFT_OK;
}

void weft_requests_destroy(struct weft_requests *requests)
{
    if (requests != NULL) {
        free(requests->table);
        free(requests->pending);
        free(requests->filter);
        free(requests);
    }
}

const struct weft_request_window *weft_requests_window(const struct weft_requests *requests)
{
    return &requests->window;
}

/* --- the window moves ------------------------------------------------------------------------ */

void weft_requests_begin_entry(
    struct weft_requests *r, int64_t time_ns, struct weft_store_batch *batch)
{
    struct weft_request_window *w = &r->window;
    uint32_t oldest = w->oldest;
    while (w->oldest < w->current) {
        int64_t closed_ns = r->closed_ns[w->oldest % WEFT_GENERATIONS_MAX];
        bool is_old = time_ns - closed_ns >= WEFT_REQUEST_SECONDS * NS_PER_S;
        if (!is_old && w->current - w->oldest < WEFT_GENERATIONS_MAX - 1) {
            break;
        }
        filter_forget(r, w->oldest);
        w->oldest++;
    }
    if (w->oldest != oldest) {
        struct weft_key from = weft_key_request(oldest, NULL);
        struct weft_key to = weft_key_request(w->oldest, NULL);
        weft_store_batch_forget(batch, &from, &to);
    }
}

/* Give the next request a generation that has room and is not too old. One that passes the
 * number of generations waits for the next entry's begin: it is larger than its size by at
 * most the requests of one entry. */
static void make_room(struct weft_requests *r, int64_t time_ns, struct weft_store_batch *batch)
{
    struct weft_request_window *w = &r->window;
    bool is_full = w->count >= WEFT_GENERATION_REQUESTS;
    bool is_old = w->count > 0 && time_ns - w->started_ns >= WEFT_GENERATION_SECONDS * NS_PER_S;
    if ((is_full || is_old) && w->current - w->oldest < WEFT_GENERATIONS_MAX - 1) {
        uint8_t value[8];
        weft_put_time(value, w->last_ns);
        struct weft_key key = weft_key_request(w->current, NULL);
        weft_store_batch_put(batch, &key, value, sizeof(value));
        r->closed_ns[w->current % WEFT_GENERATIONS_MAX] = w->last_ns;
        w->current++;
        w->count = 0;
    }
    if (w->count == 0) {
        w->started_ns = time_ns;
    }
}

/* --- ids ------------------------------------------------------------------------------------- */

static uint32_t slot_of(
    const struct weft_requests *r, uint64_t hash, const struct weft_request_id *id)
{
    uint32_t mask = r->pending_capacity * 2 - 1;
    uint32_t slot = (uint32_t)(hash >> 16) & mask;
    while (r->table[slot] != 0 &&
           memcmp(r->pending[r->table[slot] - 1].id.bytes, id->bytes, sizeof(id->bytes)) != 0) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

enum weft_err weft_requests_find(struct weft_requests *r, const struct weft_request_id *id,
    struct weft_request_place *ret_place, struct weft_msg *msg)
{
    uint64_t hash = hash_of(r, id);
    uint32_t slot = slot_of(r, hash, id);
    if (r->table[slot] != 0) {
        *ret_place = r->pending[r->table[slot] - 1].place;
        return WEFT_OK;
    }
    uint32_t bits = generations_of(r, hash);
    if (bits == 0) {
        return WEFT_ENOTFOUND;
    }
    for (uint32_t g = r->window.oldest; g <= r->window.current; g++) {
        if ((bits >> g % WEFT_GENERATIONS_MAX & 1) == 0) {
            continue;
        }
        struct weft_key key = weft_key_request(g, id);
        struct weft_store_value value = {.handle = NULL};
        enum weft_err rv = weft_store_get(r->store, NULL, &key, &value, msg);
        if (rv == WEFT_OK && weft_request_place_decode(value.bytes, ret_place) != WEFT_OK) {
            rv = weft_fail(msg, WEFT_ECORRUPT, "the place of a request's answer is damaged");
        }
        weft_store_release(&value);
        if (rv != WEFT_ENOTFOUND) {
            return rv;
        }
    }
    return WEFT_ENOTFOUND;
}

static enum weft_err grow_pending(struct weft_requests *r)
{
    uint32_t capacity = r->pending_capacity * 2;
    struct pending *pending = realloc(r->pending, capacity * sizeof(*pending));
    if (pending == NULL) {
        return WEFT_ENOMEM;
    }
    r->pending = pending;
    uint32_t *table = calloc(2 * (size_t)capacity, sizeof(*table));
    if (table == NULL) {
        return WEFT_ENOMEM;
    }
    free(r->table);
    r->table = table;
    r->pending_capacity = capacity;
    for (uint32_t i = 0; i < r->pending_count; i++) {
        const struct weft_request_id *id = &r->pending[i].id;
        r->table[slot_of(r, hash_of(r, id), id)] = i + 1;
    }
    return WEFT_OK;
}

enum weft_err weft_requests_add(struct weft_requests *r, const struct weft_request_id *id,
    const struct weft_request_place *place, int64_t time_ns, struct weft_store_batch *batch)
{
    if (r->pending_count == r->pending_capacity) {
        enum weft_err rv = grow_pending(r);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    make_room(r, time_ns, batch);
    uint64_t hash = hash_of(r, id);
    uint32_t slot = slot_of(r, hash, id);
    weft_assert(r->table[slot] == 0); /* NOD-106 */
    r->pending[r->pending_count] = (struct pending){*id, *place};
    r->table[slot] = ++r->pending_count;
    filter_add(r, hash, r->window.current);
    uint8_t value[WEFT_REQUEST_PLACE_SIZE];
    weft_put_be48(value, place->index);
    weft_put_be24(value + 6, place->first_ordinal);
    weft_put_be16(value + 9, (uint16_t)place->record_count);
    struct weft_key key = weft_key_request(r->window.current, id);
    weft_store_batch_put(batch, &key, value, sizeof(value));
    r->window.count++;
    r->window.last_ns = time_ns;
    return WEFT_OK;
}

void weft_requests_settle(struct weft_requests *r)
{
    if (r->pending_count * 8 > r->pending_capacity) {
        memset(r->table, 0, 2 * (size_t)r->pending_capacity * sizeof(*r->table));
    } else {
        for (uint32_t i = 0; i < r->pending_count; i++) {
            const struct weft_request_id *id = &r->pending[i].id;
            uint32_t mask = r->pending_capacity * 2 - 1;
            uint32_t slot = (uint32_t)(hash_of(r, id) >> 16) & mask;
            while (r->table[slot] != i + 1) {
                slot = (slot + 1) & mask;
            }
            r->table[slot] = 0;
        }
    }
    r->pending_count = 0;
}
