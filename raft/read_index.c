#include "raft/read_index.h"

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"
#include "raft/mutant.h"

/*  Leader:    REGISTER            TICK, term committed     PONGs of a majority     applied
 *  Follower:  REGISTER            TICK, leader known       ANSWER                  applied
 *      (new) ---------> WAITING ----------------> IN ROUND ----------> CONFIRMED ---------> pop
 *                        ^  |                       |  |                  |
 *                        |  |     term or leader    |  |                  |
 *                        |  |     changed, ANSWER   |  |                  |
 *                        +--|---- without index ----+  |                  |
 *                           +--------- timeout --------+------------------+----> pop, failed
 */
struct weft_read {
    uint64_t id;
    uint64_t deadline_ms;
    uint64_t index; /* Once confirmed. */
};

static void check(const struct weft_read_rounds *m)
{
    weft_assert(m->confirmed + m->in_round + m->waiting <= m->capacity); /* RFT-40 */
    weft_assert(m->is_open || m->in_round == 0);                         /* RFT-41 */
    weft_assert(m->ask_count <= WEFT_MEMBERS_MAX);
}

void weft_read_index_init(
    struct weft_read_rounds *m, const struct weft_read_options *options, uint64_t first_round)
{
    *m = (struct weft_read_rounds){.options = *options, .round = first_round};
}

void weft_read_index_close(struct weft_read_rounds *m)
{
    free(m->reads);
    free(m->refused);
    m->reads = NULL;
    m->refused = NULL;
}

uint32_t weft_read_index_count(const struct weft_read_rounds *m)
{
    return m->confirmed + m->in_round + m->waiting;
}

static struct weft_read *at(struct weft_read_rounds *m, uint32_t place)
{
    return &m->reads[(m->head + place) % m->capacity];
}

static void grow(struct weft_read_rounds *m)
{
    uint32_t count = weft_read_index_count(m);
    uint32_t capacity = m->capacity > 0 ? 2 * m->capacity : 64;
    struct weft_read *reads = calloc(capacity, sizeof(*reads));
    weft_assert(reads != NULL);
    for (uint32_t i = 0; i < count; i++) {
        reads[i] = *at(m, i);
    }
    free(m->reads);
    m->reads = reads;
    m->capacity = capacity;
    m->head = 0;
}

static void refuse(struct weft_read_rounds *m, uint64_t read_id)
{
    if (m->refused_count == m->refused_capacity) {
        uint32_t capacity = 2 * m->refused_capacity + 64;
        uint64_t *more = realloc(m->refused, capacity * sizeof(*more));
        weft_assert(more != NULL);
        m->refused = more;
        m->refused_capacity = capacity;
    }
    m->refused[m->refused_count++] = read_id;
}

static void add_read(struct weft_read_rounds *m, const struct weft_read_event *event)
{
    uint32_t count = weft_read_index_count(m);
    if (count >= WEFT_READS_MAX) {
        refuse(m, event->read_id);
        return;
    }
    if (count == m->capacity) {
        grow(m);
    }
    *at(m, count) = (struct weft_read){event->read_id, event->now_ms + m->options.timeout_ms, 0};
    if (m->is_open && weft_mutant(WEFT_MUTANT_READ_JOINS_ROUND) && m->waiting == 0) {
        m->in_round++;
    } else {
        m->waiting++; /* RFT-42: never the round under way. */
    }
}

/* One question for each member that asks: a newer one replaces it. */
static void add_ask(struct weft_read_rounds *m, const struct weft_read_event *event)
{
    uint32_t place = 0;
    while (place < m->ask_count && m->asks[place].reply.member != event->member) {
        place++;
    }
    if (place == WEFT_MEMBERS_MAX) {
        return; /* More members than there can be: it asks again. */
    }
    bool is_repeated = place < m->ask_count && m->asks[place].reply.round == event->round;
    bool is_in_round = is_repeated && m->asks[place].is_in_round;
    m->asks[place].reply = (struct weft_read_reply){.member = event->member, .round = event->round};
    m->asks[place].reply.request = event->request;
    m->asks[place].deadline_ms = event->now_ms + m->options.timeout_ms;
    m->asks[place].is_in_round = is_in_round;
    if (place == m->ask_count) {
        m->ask_count++;
    }
}

static void reply(struct weft_read_rounds *m, uint32_t place, enum weft_err err, uint64_t index,
    struct weft_read_update *update)
{
    struct weft_read_reply *r = &update->replies[update->reply_count++];
    *r = m->asks[place].reply;
    r->err = err;
    r->index = index;
    m->asks[place] = m->asks[--m->ask_count];
}

/* The round or question leads to nothing: its reads wait for another. */
static void abandon(struct weft_read_rounds *m)
{
    m->is_open = false;
    m->waiting += m->in_round;
    m->in_round = 0;
    for (uint32_t i = 0; i < m->ask_count; i++) {
        m->asks[i].is_in_round = false;
    }
}

static void confirm(struct weft_read_rounds *m, uint64_t index, struct weft_read_update *update)
{
    for (uint32_t i = 0; i < m->in_round; i++) {
        at(m, m->confirmed + i)->index = index;
    }
    m->confirmed += m->in_round;
    m->in_round = 0;
    m->is_open = false;
    for (uint32_t i = m->ask_count; i > 0; i--) {
        if (m->asks[i - 1].is_in_round) {
            reply(m, i - 1, WEFT_OK, index, update);
        }
    }
}

static bool has_asks_waiting(const struct weft_read_rounds *m)
{
    for (uint32_t i = 0; i < m->ask_count; i++) {
        if (!m->asks[i].is_in_round) {
            return true;
        }
    }
    return false;
}

static void open_round(
    struct weft_read_rounds *m, const struct weft_read_context *context, uint64_t now_ms)
{
    m->round++;
    m->is_open = true;
    m->open_term = context->term;
    m->open_leader = context->leader_id;
    m->open_index = context->commit_index;
    m->acknowledged_count = 0;
    m->sent_ms = now_ms;
    m->in_round = m->waiting;
    m->waiting = 0;
    for (uint32_t i = 0; i < m->ask_count; i++) {
        m->asks[i].is_in_round = true;
    }
}

/* RFT-43: a majority of the voters of the newest configuration was of our term after the round
 * began, so nobody led a later one before it. We count only if we are a voter ourselves. */
static bool has_majority(const struct weft_read_rounds *m, const struct weft_read_context *context)
{
    uint32_t count = weft_configuration_is_voter(context->configuration, context->id) ? 1 : 0;
    for (uint32_t i = 0; i < m->acknowledged_count; i++) {
        count += weft_configuration_is_voter(context->configuration, m->acknowledged[i]) ? 1 : 0;
    }
    return count > weft_configuration_voters(context->configuration) / 2 ||
           weft_mutant(WEFT_MUTANT_READ_WITHOUT_ROUND);
}

static void acknowledge(struct weft_read_rounds *m, const struct weft_read_event *event)
{
    if (!m->is_open || event->round != m->round || m->acknowledged_count >= WEFT_MEMBERS_MAX) {
        return;
    }
    for (uint32_t i = 0; i < m->acknowledged_count; i++) {
        if (m->acknowledged[i] == event->member) {
            return;
        }
    }
    m->acknowledged[m->acknowledged_count++] = event->member;
}

static void lead(struct weft_read_rounds *m, const struct weft_read_context *context,
    uint64_t now_ms, struct weft_read_update *update)
{
    if (m->is_open && has_majority(m, context)) {
        confirm(m, m->open_index, update);
    }
    /* RFT-44: "the leader needs to have the latest information on which entries are committed
     * [...] at the start of its term, it may not know which those are" (6.4, step 1). */
    if (!m->is_open && (m->waiting > 0 || has_asks_waiting(m)) &&
        (context->is_term_committed || weft_mutant(WEFT_MUTANT_READ_WITHOUT_TERM))) {
        open_round(m, context, now_ms);
        if (has_majority(m, context)) {
            confirm(m, m->open_index, update);
            return;
        }
        update->ping_round = m->round;
    } else if (m->is_open && now_ms >= m->sent_ms + m->options.retry_ms) {
        m->sent_ms = now_ms;
        update->ping_round = m->round;
    }
}

static void follow(struct weft_read_rounds *m, const struct weft_read_context *context,
    uint64_t now_ms, struct weft_read_update *update)
{
    for (uint32_t i = m->ask_count; i > 0; i--) {
        reply(m, i - 1, WEFT_ENOTLEADER, 0, update);
    }
    if (context->leader_id == 0) {
        return;
    }
    if (!m->is_open && m->waiting > 0 && now_ms >= m->not_before_ms) {
        open_round(m, context, now_ms);
        update->ask_round = m->round;
    } else if (m->is_open && now_ms >= m->sent_ms + m->options.retry_ms) {
        m->sent_ms = now_ms;
        update->ask_round = m->round;
    }
}

static void handle(struct weft_read_rounds *m, const struct weft_read_event *event,
    const struct weft_read_context *context, struct weft_read_update *update)
{
    bool is_leader = context->leader_id == context->id;
    switch (event->type) {
    case WEFT_READ_TICK:
        return;
    case WEFT_READ_REGISTER:
        add_read(m, event);
        return;
    case WEFT_READ_ASK:
        add_ask(m, event);
        return;
    case WEFT_READ_PONG:
        if (is_leader) {
            acknowledge(m, event);
        }
        return;
    case WEFT_READ_ANSWER:
        if (is_leader || !m->is_open || event->round != m->round ||
            event->member != m->open_leader) {
            return; /* RFT-45: of a question that we have given up. */
        }
        if (event->err == WEFT_OK) {
            confirm(m, event->index, update);
        } else {
            abandon(m);
            m->not_before_ms = event->now_ms + m->options.retry_ms;
        }
        return;
    }
    weft_unreachable("event types are our own");
}

static void drop_late_asks(struct weft_read_rounds *m, uint64_t now_ms)
{
    for (uint32_t i = m->ask_count; i > 0; i--) {
        if (now_ms >= m->asks[i - 1].deadline_ms) {
            m->asks[i - 1] = m->asks[--m->ask_count]; /* It has stopped waiting itself. */
        }
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t deadline(
    struct weft_read_rounds *m, const struct weft_read_context *context, uint64_t now_ms)
{
    uint64_t when = UINT64_MAX;
    if (weft_read_index_count(m) > 0) {
        when = at(m, 0)->deadline_ms;
    }
    if (m->refused_count > 0) {
        return now_ms;
    }
    if (m->is_open) {
        return earlier(when, m->sent_ms + m->options.retry_ms);
    }
    bool is_leader = context->leader_id == context->id;
    if (m->waiting > 0 && is_leader && context->is_term_committed) {
        return now_ms;
    }
    if (m->waiting > 0 && !is_leader && context->leader_id != 0) {
        return earlier(when, m->not_before_ms > now_ms ? m->not_before_ms : now_ms);
    }
    return when;
}

void weft_read_index_step(struct weft_read_rounds *m, const struct weft_read_event *event,
    const struct weft_read_context *context, struct weft_read_update *ret_update)
{
    check(m);
    ret_update->ping_round = 0;
    ret_update->ask_round = 0;
    ret_update->reply_count = 0;
    if (m->is_open && (context->term != m->open_term || context->leader_id != m->open_leader)) {
        abandon(m); /* RFT-46 */
        m->not_before_ms = 0;
    }
    handle(m, event, context, ret_update);
    if (event->type != WEFT_READ_REGISTER) {
        drop_late_asks(m, event->now_ms);
        if (context->leader_id == context->id) {
            lead(m, context, event->now_ms, ret_update);
        } else {
            follow(m, context, event->now_ms, ret_update);
        }
    }
    ret_update->has_done = m->confirmed > 0 || m->refused_count > 0 ||
                           (weft_read_index_count(m) > 0 && event->now_ms >= at(m, 0)->deadline_ms);
    ret_update->deadline_ms = deadline(m, context, event->now_ms);
    check(m);
}

bool weft_read_index_pop(struct weft_read_rounds *m, const struct weft_read_context *context,
    uint64_t now_ms, struct weft_read_done *ret_done)
{
    if (m->refused_count > 0) {
        *ret_done = (struct weft_read_done){m->refused[--m->refused_count], WEFT_EBUSY, 0};
        return true;
    }
    if (weft_read_index_count(m) == 0) {
        return false;
    }
    /* Indexes and deadlines both rise along the ring: if the first one waits, all do. */
    struct weft_read r = *at(m, 0);
    r.index = weft_mutant(WEFT_MUTANT_READ_BEFORE_APPLIED) ? 0 : r.index;
    bool may_go_on = m->confirmed > 0 && r.index <= context->applied_index;
    if (!may_go_on && now_ms < r.deadline_ms) {
        return false;
    }
    uint32_t *group = m->confirmed > 0  ? &m->confirmed
                      : m->in_round > 0 ? &m->in_round
                                        : &m->waiting;
    (*group)--;
    m->head = (m->head + 1) % m->capacity;
    *ret_done = may_go_on ? (struct weft_read_done){r.id, WEFT_OK, r.index}
                          : (struct weft_read_done){r.id, WEFT_EUNAVAILABLE, 0};
    return true;
}
