#include "node/state/requests.h"

#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/names.h"
#include "proto/arith.h"
#include "proto/check.h"

enum {
    RING_SIZE = WEFT_REQUESTS_KEPT + WEFT_REQUESTS_SLACK + WEFT_ENTRY_COMMITS_MAX,
    HEADS = 1 << 20,
    PENDING_FIRST = 1024,
    ID_SIZE = 16,
    ITEM_SIZE = ID_SIZE + WEFT_ORDINAL_SIZE + 2,
};

struct pending {
    struct weft_request_id id;
    struct weft_request_place place;
};

/* A request is a node of the ring, at its number modulo the ring's size. Chains lead from a
 * hash to older and older nodes; one that was overwritten or is out of the window is told by
 * its number, so nothing is ever unlinked. */
struct weft_requests {
    struct weft_store *store;
    uint64_t secret;
    struct weft_request_window window;
    uint32_t *heads;         /* Low half of the newest number. */
    uint32_t *older;         /* By node: the next of its chain, likewise. */
    uint64_t *places;        /* By node: index, and 16 bits of the hash above it. */
    struct pending *pending; /* Added by the apply under way. */
    uint32_t pending_count;
    uint32_t pending_capacity;
    uint32_t entry_first; /* Place in pending of the entry under way. */
    struct weft_buffer value;
};

static uint64_t hash_of(const struct weft_requests *r, const struct weft_request_id *id)
{
    return weft_name_hash(r->secret, id->bytes, sizeof(id->bytes));
}

static uint64_t index_of(const struct weft_requests *r, uint64_t number)
{
    return r->places[number % RING_SIZE] & WEFT_STATE_INDEX_MAX;
}

static void link_node(struct weft_requests *r, uint64_t hash, uint64_t index)
{
    uint32_t *head = &r->heads[hash % HEADS];
    size_t node = r->window.next % RING_SIZE;
    r->older[node] = *head;
    r->places[node] = index | hash >> 48 << 48;
    *head = (uint32_t)r->window.next;
    r->window.next++;
}

/* The number that a link of `from` (or a head: from is the next number) leads to. Links hold 32
 * bits; what is in the window is less than that behind. One that was never set leads to a number
 * whose low half is 0: a node of another chain, whose id is another, and whose chain ends.
 * False: out of the window. */
static bool follow(
    const struct weft_requests *r, uint32_t link, uint64_t from, uint64_t *ret_number)
{
    uint32_t back = (uint32_t)from - link;
    if (back == 0 || back > from || from - back < r->window.oldest) {
        return false;
    }
    *ret_number = from - back;
    return true;
}

enum weft_err weft_requests_read(struct weft_bytes value, uint64_t index, uint32_t n,
    struct weft_request_id *ret_id, struct weft_request_place *ret_place)
{
    if (value.size == 0 || value.size % ITEM_SIZE != 0) {
        return WEFT_ECORRUPT;
    }
    if (n >= value.size / ITEM_SIZE) {
        return WEFT_ENOTFOUND;
    }
    const uint8_t *p = value.data + (size_t)n * ITEM_SIZE;
    memcpy(ret_id->bytes, p, ID_SIZE);
    ret_place->index = index;
    ret_place->first_ordinal = weft_get_be24(p + ID_SIZE);
    ret_place->record_count = weft_get_be16(p + ID_SIZE + WEFT_ORDINAL_SIZE);
    return WEFT_OK;
}

/* --- open ------------------------------------------------------------------------------------ */

static enum weft_err load_entry(
    struct weft_requests *r, struct weft_bytes key, struct weft_bytes value)
{
    if (key.size != WEFT_KEY_REQUESTS_SIZE || r->window.next - r->window.oldest > RING_SIZE) {
        return WEFT_ECORRUPT;
    }
    uint64_t index = weft_get_be48(key.data + 1);
    struct weft_request_id id;
    struct weft_request_place place;
    enum weft_err rv;
    for (uint32_t n = 0; (rv = weft_requests_read(value, index, n, &id, &place)) == WEFT_OK; n++) {
        link_node(r, hash_of(r, &id), index);
    }
    return rv == WEFT_ENOTFOUND ? WEFT_OK : rv;
}

static enum weft_err load(struct weft_requests *r, uint64_t next, struct weft_msg *msg)
{
    if (weft_node_mutant(WEFT_NODE_MUTANT_REQUESTS_FORGOTTEN) ||
        weft_node_mutant(WEFT_NODE_MUTANT_APPLY_TWICE)) {
        r->window = (struct weft_request_window){next, next};
        return WEFT_OK;
    }
    struct weft_store_walk *walk = weft_store_walk_create(r->store, NULL, true);
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "load request ids");
    }
    const uint8_t prefix[1] = {WEFT_KEY_REQUESTS};
    struct weft_key from = weft_key_requests(0);
    enum weft_err rv = WEFT_OK;
    for (weft_store_walk_to(walk, &from);
         rv == WEFT_OK && weft_store_walk_is_below(walk, (struct weft_bytes){prefix, 1});
         weft_store_walk_next(walk)) {
        rv = load_entry(r, weft_store_walk_key(walk), weft_store_walk_value(walk));
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(walk, msg);
    } else {
        (void)weft_fail(msg, rv, "the request ids are damaged");
    }
    if (rv == WEFT_OK && r->window.next != next) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "%llu request ids, expected %llu",
            (unsigned long long)(r->window.next - r->window.oldest),
            (unsigned long long)(next - r->window.oldest));
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
    r->window = (struct weft_request_window){window->oldest, window->oldest};
    r->pending_capacity = PENDING_FIRST;
    r->heads = calloc(HEADS, sizeof(*r->heads));
    r->older = calloc(RING_SIZE, sizeof(*r->older));
    r->places = calloc(RING_SIZE, sizeof(*r->places));
    r->pending = calloc(PENDING_FIRST, sizeof(*r->pending));
    bool has_memory =
        r->heads != NULL && r->older != NULL && r->places != NULL && r->pending != NULL;
    enum weft_err rv =
        has_memory ? load(r, window->next, msg) : weft_fail(msg, WEFT_ENOMEM, "request ids");
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
        weft_buffer_destroy(&requests->value);
        free(requests->pending);
        free(requests->places);
        free(requests->older);
        free(requests->heads);
        free(requests);
    }
}

const struct weft_request_window *weft_requests_window(const struct weft_requests *requests)
{
    return &requests->window;
}

/* --- ids ------------------------------------------------------------------------------------- */

/* Is it `id` that stands at this number? */
static enum weft_err look_at(struct weft_requests *r, uint64_t number,
    const struct weft_request_id *id, struct weft_request_place *ret_place, struct weft_msg *msg)
{
    uint64_t pending_first = r->window.next - r->pending_count;
    if (number >= pending_first) {
        const struct pending *pending = &r->pending[number - pending_first];
        *ret_place = pending->place;
        return memcmp(pending->id.bytes, id->bytes, ID_SIZE) == 0 ? WEFT_OK : WEFT_ENOTFOUND;
    }
    struct weft_key key = weft_key_requests(index_of(r, number));
    struct weft_store_value value = {.handle = NULL};
    enum weft_err rv = weft_store_get(r->store, NULL, &key, &value, msg);
    if (rv == WEFT_ENOTFOUND) {
        return weft_fail(msg, WEFT_ECORRUPT, "the request ids of index %llu are missing",
            (unsigned long long)index_of(r, number));
    }
    struct weft_request_id found;
    for (uint32_t n = 0; rv == WEFT_OK; n++) {
        rv = weft_requests_read(value.bytes, index_of(r, number), n, &found, ret_place);
        if (rv == WEFT_OK && memcmp(found.bytes, id->bytes, ID_SIZE) == 0) {
            break;
        }
    }
    weft_store_release(&value);
    if (rv == WEFT_ECORRUPT) {
        return weft_fail(msg, rv, "the request ids of index %llu are damaged",
            (unsigned long long)index_of(r, number));
    }
    return rv;
}

enum weft_err weft_requests_find(struct weft_requests *r, const struct weft_request_id *id,
    struct weft_request_place *ret_place, struct weft_msg *msg)
{
    uint64_t hash = hash_of(r, id);
    uint64_t number = r->window.next;
    if (weft_node_mutant(WEFT_NODE_MUTANT_RETRY_TWICE)) {
        return WEFT_ENOTFOUND;
    }
    uint32_t link = r->heads[hash % HEADS];
    while (follow(r, link, number, &number)) {
        if (r->places[number % RING_SIZE] >> 48 == hash >> 48) {
            enum weft_err rv = look_at(r, number, id, ret_place, msg);
            if (rv != WEFT_ENOTFOUND) {
                return rv;
            }
        }
        link = r->older[number % RING_SIZE];
    }
    return WEFT_ENOTFOUND;
}

enum weft_err weft_requests_add(struct weft_requests *r, const struct weft_request_id *id,
    const struct weft_request_place *place)
{
    if (r->pending_count == r->pending_capacity) {
        uint32_t capacity = r->pending_capacity * 2;
        struct pending *pending = realloc(r->pending, capacity * sizeof(*pending));
        if (pending == NULL) {
            return WEFT_ENOMEM;
        }
        r->pending = pending;
        r->pending_capacity = capacity;
    }
    weft_assert(r->window.next - r->window.oldest < RING_SIZE); /* NOD-106 */
    r->pending[r->pending_count++] = (struct pending){*id, *place};
    link_node(r, hash_of(r, id), place->index);
    return WEFT_OK;
}

/* --- the window moves ------------------------------------------------------------------------ */

/* Whole entries leave, never a part of one: what an index holds stays one value. */
static void forget_old(struct weft_requests *r, struct weft_store_batch *batch)
{
    struct weft_request_window *w = &r->window;
    if (w->next - w->oldest <= WEFT_REQUESTS_KEPT + WEFT_REQUESTS_SLACK) {
        return;
    }
    uint64_t keep = w->next - WEFT_REQUESTS_KEPT;
    uint64_t index = index_of(r, keep);
    while (keep > w->oldest && index_of(r, keep - 1) == index) {
        keep--;
    }
    struct weft_key from = weft_key_requests(index_of(r, w->oldest));
    struct weft_key to = weft_key_requests(index);
    weft_store_batch_forget(batch, &from, &to);
    w->oldest = keep;
}

enum weft_err weft_requests_end_entry(struct weft_requests *r, struct weft_store_batch *batch)
{
    uint32_t count = r->pending_count - r->entry_first;
    if (count == 0) {
        return WEFT_OK;
    }
    weft_buffer_clear(&r->value);
    enum weft_err rv = weft_buffer_reserve(&r->value, (size_t)count * ITEM_SIZE);
    if (rv != WEFT_OK) {
        return rv;
    }
    const struct pending *pending = &r->pending[r->entry_first];
    uint8_t *p = r->value.data;
    for (uint32_t i = 0; i < count; i++, p += ITEM_SIZE) {
        memcpy(p, pending[i].id.bytes, ID_SIZE);
        weft_put_be24(p + ID_SIZE, pending[i].place.first_ordinal);
        weft_put_be16(p + ID_SIZE + WEFT_ORDINAL_SIZE, (uint16_t)pending[i].place.record_count);
    }
    struct weft_key key = weft_key_requests(pending[0].place.index);
    weft_store_batch_put(batch, &key, r->value.data, (size_t)count * ITEM_SIZE);
    r->entry_first = r->pending_count;
    forget_old(r, batch);
    return WEFT_OK;
}

void weft_requests_settle(struct weft_requests *r)
{
    r->pending_count = 0;
    r->entry_first = 0;
}
