#include "node/proposer.h"

#include <stdlib.h>

#include <sys/random.h>

#include "node/mutant.h"
#include "proto/check.h"
#include "proto/stream_entry.h"

enum {
    SPARES_MAX = 8,
    WAITERS_FIRST = 64,
};

void weft_proposer_init(struct weft_proposer *p, uint64_t waiting_bytes_max, uint32_t inflight_max)
{
    *p = (struct weft_proposer){
        .waiting_bytes_max = waiting_bytes_max, .inflight_max = inflight_max};
}

static void batch_free(struct weft_proposal *batch)
{
    weft_buffer_destroy(&batch->entry);
    free(batch->waiters);
    free(batch);
}

static void list_free(struct weft_proposal *batch)
{
    while (batch != NULL) {
        struct weft_proposal *next = batch->next;
        batch_free(batch);
        batch = next;
    }
}

void weft_proposer_close(struct weft_proposer *p)
{
    list_free(p->waiting_head);
    list_free(p->proposed_head);
    list_free(p->spare);
    *p = (struct weft_proposer){0};
}

static struct weft_proposal *batch_create(struct weft_proposer *p)
{
    struct weft_proposal *batch = p->spare;
    if (batch != NULL) {
        p->spare = batch->next;
        p->spare_count--;
        batch->next = NULL;
        batch->waiter_count = 0;
        batch->body_bytes = 0;
        batch->index = batch->term = 0;
    } else {
        batch = calloc(1, sizeof(*batch));
        if (batch == NULL) {
            return NULL;
        }
        batch->entry.size_max = WEFT_ENTRY_SIZE_MAX;
    }
    if (weft_entry_init(&batch->entry) != WEFT_OK) {
        batch_free(batch);
        return NULL;
    }
    return batch;
}

void weft_proposer_done(struct weft_proposer *p, struct weft_proposal *batch)
{
    if (p->spare_count == SPARES_MAX) {
        batch_free(batch);
        return;
    }
    batch->next = p->spare;
    p->spare = batch;
    p->spare_count++;
}

static enum weft_err batch_add(struct weft_proposal *batch, const struct weft_entry_item *item,
    const struct weft_waiter *waiter)
{
    if (batch->waiter_count == batch->waiter_capacity) {
        uint32_t capacity =
            batch->waiter_capacity == 0 ? WAITERS_FIRST : batch->waiter_capacity * 2;
        struct weft_waiter *grown = realloc(batch->waiters, capacity * sizeof(*grown));
        if (grown == NULL) {
            return WEFT_ENOMEM;
        }
        batch->waiters = grown;
        batch->waiter_capacity = capacity;
    }
    enum weft_err rv = weft_entry_add(&batch->entry, item);
    if (rv != WEFT_OK) {
        return rv;
    }
    batch->waiters[batch->waiter_count++] = *waiter;
    batch->body_bytes += item->body.size + item->principal.size;
    return WEFT_OK;
}

static void append_waiting(struct weft_proposer *p, struct weft_proposal *batch)
{
    if (p->waiting_tail != NULL) {
        p->waiting_tail->next = batch;
    } else {
        p->waiting_head = batch;
    }
    p->waiting_tail = batch;
}

/* NOD-4, and what is owed to a stream is looked at before anything else of its entry is. */
static bool is_alone(const struct weft_entry_item *item)
{
    struct weft_stream_entry entry;
    return item->type == WEFT_ITEM_DIGEST ||
           (item->type == WEFT_ITEM_STREAM &&
               weft_stream_entry_decode(item->body, &entry) == WEFT_OK &&
               entry.act == WEFT_STREAM_ACT_STEP);
}

enum weft_err weft_proposer_add(
    struct weft_proposer *p, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    size_t size = item->body.size + item->principal.size;
    bool alone = is_alone(item);
    if (p->waiting_bytes + size > p->waiting_bytes_max) {
        return WEFT_EBUSY;
    }
    if (p->waiting_tail != NULL && !alone) {
        enum weft_err rv = batch_add(p->waiting_tail, item, waiter);
        if (rv != WEFT_ETOOBIG) {
            p->waiting_bytes += rv == WEFT_OK ? size : 0;
            return rv;
        }
    }
    struct weft_proposal *batch = batch_create(p);
    if (batch == NULL) {
        return WEFT_ENOMEM;
    }
    enum weft_err rv = batch_add(batch, item, waiter);
    if (rv != WEFT_OK) {
        weft_proposer_done(p, batch);
        return rv;
    }
    append_waiting(p, batch);
    p->waiting_bytes += size;
    if (alone) {
        /* NOD-4: nothing may join the entry behind the marker. */
        struct weft_proposal *next = batch_create(p);
        if (next != NULL) {
            append_waiting(p, next);
        }
    }
    return WEFT_OK;
}

static struct weft_proposal *pop_waiting(struct weft_proposer *p)
{
    struct weft_proposal *batch = p->waiting_head;
    p->waiting_head = batch->next;
    if (p->waiting_head == NULL) {
        p->waiting_tail = NULL;
    }
    batch->next = NULL;
    weft_assert(p->waiting_bytes >= batch->body_bytes); /* NOD-3 */
    p->waiting_bytes -= batch->body_bytes;
    return batch;
}

/* A few requests wait for the entry in flight, and for those that come meanwhile: whatever becomes
 * of that entry, the turn in which it does flushes again. */
static bool is_worth_it(const struct weft_proposer *p)
{
    const struct weft_proposal *batch = p->waiting_head;
    return p->proposed_count == 0 || batch->next != NULL ||
           batch->waiter_count >= WEFT_PROPOSER_WORTH_ITEMS ||
           batch->body_bytes >= WEFT_PROPOSER_WORTH_BYTES;
}

enum weft_err weft_proposer_flush(struct weft_proposer *p, struct weft_replica *replica,
    int64_t now_ns, uint64_t now_ms, struct weft_msg *msg)
{
    while (p->waiting_head != NULL && p->proposed_count < p->inflight_max) {
        struct weft_proposal *batch = p->waiting_head;
        if (batch->waiter_count == 0) { /* Opened behind a marker, nothing came. */
            weft_proposer_done(p, pop_waiting(p));
            continue;
        }
        if (!is_worth_it(p)) {
            return WEFT_OK;
        }
        uint8_t seed[WEFT_SALT_SEED_SIZE];
        if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
            return weft_fail(msg, WEFT_EIO, "no random bytes for the entry's salts");
        }
        /* NOD-2: a clock that steps back must not order entries backwards. */
        int64_t time_ns = now_ns > p->last_time_ns ? now_ns : p->last_time_ns + 1;
        weft_entry_seal(&batch->entry, time_ns, seed);
        struct weft_bytes data = {batch->entry.data, batch->entry.size};
        enum weft_err rv =
            weft_replica_propose(replica, data, now_ms, &batch->index, &batch->term, msg);
        if (rv != WEFT_OK) {
            return weft_err_class(rv) == WEFT_CLASS_RETRY ? WEFT_OK : rv;
        }
        p->last_time_ns = time_ns;
        batch = pop_waiting(p);
        if (p->proposed_tail != NULL) {
            p->proposed_tail->next = batch;
        } else {
            p->proposed_head = batch;
        }
        p->proposed_tail = batch;
        p->proposed_count++;
    }
    return WEFT_OK;
}

static struct weft_proposal *pop_proposed(struct weft_proposer *p)
{
    struct weft_proposal *batch = p->proposed_head;
    p->proposed_head = batch->next;
    if (p->proposed_head == NULL) {
        p->proposed_tail = NULL;
    }
    batch->next = NULL;
    p->proposed_count--;
    return batch;
}

struct weft_proposal *weft_proposer_take(struct weft_proposer *p, uint64_t index, uint64_t term)
{
    struct weft_proposal *head = p->proposed_head;
    if (head == NULL || head->index != index ||
        (head->term != term && !weft_node_mutant(WEFT_NODE_MUTANT_NO_FENCING))) {
        return NULL;
    }
    return pop_proposed(p);
}

struct weft_proposal *weft_proposer_take_lost(struct weft_proposer *p, bool *ret_is_unknown)
{
    if (p->waiting_head != NULL) {
        *ret_is_unknown = false;
        return pop_waiting(p);
    }
    if (p->proposed_head != NULL) {
        *ret_is_unknown = true;
        return pop_proposed(p);
    }
    return NULL;
}
