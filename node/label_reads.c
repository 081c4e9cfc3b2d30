#include "node/label_reads.h"

#include <stdlib.h>

#include "policy/principal.h"
#include "proto/check.h"
#include "proto/read_report.h"

static const char not_logged[] = "it could not be put into the audit log that what is labelled was "
                                 "read; try again, at the leader if there is one";

/* An answer that waits. */
struct held {
    struct held *next;
    struct weft_waiter waiter;
    struct weft_buffer answer;
    bool is_json;
    uint64_t index;
};

struct queue {
    struct held *head;
    struct held **tail;
};

/* Of one principal and act. */
struct group {
    bool is_taken;
    bool is_under_way; /* `sent` waits for what was proposed. */
    uint32_t generation;
    size_t principal_size;
    char principal[WEFT_PRINCIPAL_URI_SIZE];
    struct weft_read_report report; /* Of `waiting`. */
    struct queue sent;
    struct queue waiting;
};

struct weft_label_reads {
    struct weft_label_reads_options options;
    uint32_t waiting;
    size_t bytes;
    struct weft_buffer body;
    struct group groups[WEFT_LABEL_READS_GROUPS_MAX];
};

/* --- queues ---------------------------------------------------------------------------------- */

static void clear(struct queue *q)
{
    q->head = NULL;
    q->tail = &q->head;
}

static void push(struct queue *q, struct held *held)
{
    held->next = NULL;
    *q->tail = held;
    q->tail = &held->next;
}

static struct held *take_all(struct queue *q)
{
    struct held *first = q->head;
    clear(q);
    return first;
}

static void free_held(struct weft_label_reads *l, struct held *held)
{
    l->waiting--;
    l->bytes -= held->answer.capacity;
    weft_buffer_destroy(&held->answer);
    free(held);
}

static void refuse_all(struct weft_label_reads *l, struct held *first, enum weft_err err)
{
    while (first != NULL) {
        struct held *held = first;
        first = held->next;
        l->options.refuse(l->options.ctx, &held->waiter, err, not_logged);
        free_held(l, held);
    }
}

static void give_all(struct weft_label_reads *l, struct held *first)
{
    const struct weft_read_door *door = &l->options.door;
    while (first != NULL) {
        struct held *held = first;
        first = held->next;
        size_t size = held->answer.capacity; /* The door may take it. */
        if (held->is_json) {
            door->give_json(door->ctx, &held->waiter, held->index, &held->answer);
        } else {
            door->give(door->ctx, &held->waiter, &held->answer);
        }
        l->bytes -= size - held->answer.capacity;
        free_held(l, held);
    }
}

/* --- groups ---------------------------------------------------------------------------------- */

static struct group *find(
    struct weft_label_reads *l, struct weft_text principal, enum weft_read_act act)
{
    struct group *unused = NULL;
    for (uint32_t i = 0; i < WEFT_LABEL_READS_GROUPS_MAX; i++) {
        struct group *g = &l->groups[i];
        if (!g->is_taken) {
            unused = unused == NULL ? g : unused;
        } else if (g->report.act == act &&
                   weft_text_equal(
                       (struct weft_text){g->principal, g->principal_size}, principal)) {
            return g;
        }
    }
    if (unused == NULL || principal.size > sizeof(unused->principal)) {
        return NULL;
    }
    unused->is_taken = true;
    unused->is_under_way = false;
    unused->principal_size = principal.size;
    if (principal.size > 0) {
        memcpy(unused->principal, principal.data, principal.size);
    }
    unused->report.act = act;
    unused->report.count = 0;
    clear(&unused->sent);
    clear(&unused->waiting);
    return unused;
}

/* What waits goes on its way, or is refused. */
static void propose(struct weft_label_reads *l, struct group *g)
{
    const struct weft_waiter waiter = {.client = (uint32_t)(g - l->groups),
        .generation = ++g->generation,
        .door = WEFT_DOOR_READS};
    weft_buffer_clear(&l->body);
    enum weft_err err = weft_read_report_encode(&g->report, &l->body);
    const struct weft_entry_item item = {.type = WEFT_ITEM_READS,
        .principal = {g->principal, g->principal_size},
        .body = {l->body.data, l->body.size}};
    err = err == WEFT_OK ? l->options.propose(l->options.ctx, &item, &waiter) : err;
    struct held *first = take_all(&g->waiting);
    g->report.count = 0;
    if (err != WEFT_OK) {
        g->is_taken = false;
        refuse_all(l, first, err);
        return;
    }
    g->is_under_way = true;
    while (first != NULL) {
        struct held *next = first->next;
        push(&g->sent, first);
        first = next;
    }
}

/* --- the door -------------------------------------------------------------------------------- */

void weft_label_reads_hold(struct weft_label_reads *l, const struct weft_waiter *waiter,
    const struct weft_read_note *note, struct weft_buffer *answer, bool is_json, uint64_t index)
{
    struct weft_read_report report;
    enum weft_err err = weft_read_report_decode(note->report, &report);
    weft_assert(err == WEFT_OK); /* NOD-182: it was made here. */
    struct group *g = l->bytes + answer->capacity <= l->options.bytes_max
                          ? find(l, note->principal, report.act)
                          : NULL;
    struct held *held = g != NULL ? calloc(1, sizeof(*held)) : NULL;
    if (held == NULL || !weft_read_report_merge(&g->report, &report)) {
        free(held);
        if (g != NULL && !g->is_under_way && g->waiting.head == NULL) {
            g->is_taken = false;
        }
        l->options.refuse(l->options.ctx, waiter, WEFT_EBUSY, not_logged);
        return;
    }
    *held = (struct held){.waiter = *waiter, .answer = *answer, .is_json = is_json, .index = index};
    *answer = (struct weft_buffer){.data = NULL};
    l->waiting++;
    l->bytes += held->answer.capacity;
    push(&g->waiting, held);
    if (!g->is_under_way) {
        propose(l, g);
    }
}

void weft_label_reads_done(
    struct weft_label_reads *l, const struct weft_waiter *waiter, enum weft_err err)
{
    struct group *g =
        waiter->client < WEFT_LABEL_READS_GROUPS_MAX ? &l->groups[waiter->client] : NULL;
    if (g == NULL || !g->is_taken || !g->is_under_way || g->generation != waiter->generation) {
        return;
    }
    struct held *first = take_all(&g->sent);
    g->is_under_way = false;
    if (g->waiting.head != NULL) {
        propose(l, g);
    } else {
        g->is_taken = false;
    }
    if (err == WEFT_OK) {
        give_all(l, first);
    } else {
        refuse_all(l, first, err);
    }
}

uint32_t weft_label_reads_waiting(const struct weft_label_reads *reads)
{
    return reads != NULL ? reads->waiting : 0;
}

/* --- open and close -------------------------------------------------------------------------- */

enum weft_err weft_label_reads_open(
    const struct weft_label_reads_options *options, struct weft_label_reads **ret_reads)
{
    struct weft_label_reads *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return WEFT_ENOMEM;
    }
    l->options = *options;
    l->body.size_max = WEFT_READ_REPORT_SIZE_MAX;
    *ret_reads = l;
    return WEFT_OK;
}

void weft_label_reads_close(struct weft_label_reads *l)
{
    if (l == NULL) {
        return;
    }
    for (uint32_t i = 0; i < WEFT_LABEL_READS_GROUPS_MAX; i++) {
        struct group *g = &l->groups[i];
        if (g->is_taken) {
            refuse_all(l, take_all(&g->sent), WEFT_ECLOSED);
            refuse_all(l, take_all(&g->waiting), WEFT_ECLOSED);
        }
    }
    weft_assert(l->waiting == 0 && l->bytes == 0); /* NOD-182 */
    weft_buffer_destroy(&l->body);
    free(l);
}
