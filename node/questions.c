#include "node/question_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/state/across.h"
#include "proto/check.h"

enum {
    YIELD_EVERY = 4096,
};

static const char stem[] = "ask/";

static void free_ask(struct weft_ask *ask)
{
    struct weft_questions *r = &ask->node->questions;
    TAILQ_REMOVE(&r->asks, ask, next);
    r->count--;
    if (ask->is_counted) {
        weft_question_gate_end(&r->gate, ask->number);
    }
    free(ask->answer.parts);
    free(ask->relayed.parts);
    weft_arena_destroy(&ask->arena);
    free(ask);
}

static struct weft_ask *make_ask(struct weft_node *node, uint64_t now_ms, uint64_t wait_ms)
{
    struct weft_principal self;
    struct weft_ask *ask = calloc(1, sizeof(*ask));
    if (ask == NULL) {
        return NULL;
    }
    if (weft_principal_make(WEFT_PRINCIPAL_NODE, node->config.node.org, node->config.node.site,
            node->config.node.name, &self, &ask->msg) != WEFT_OK) {
        free(ask);
        return NULL;
    }
    weft_principal_format_uri(&self, ask->principal);
    ask->node = node;
    ask->arena.size_max = WEFT_QUESTION_MEMORY_MAX;
    ask->term = node->term;
    ask->deadline_ms = now_ms + (wait_ms < WEFT_ASK_WAIT_MS_MAX ? wait_ms : WEFT_ASK_WAIT_MS_MAX);
    TAILQ_INSERT_TAIL(&node->questions.asks, ask, next);
    node->questions.count++;
    return ask;
}

/* --- the end of one --------------------------------------------------------------------------- */

static void answer_client(struct weft_ask *ask, uint64_t now_ms)
{
    struct weft_buffer told = {.size_max = WEFT_TIERS_SIZE_MAX};
    char path[sizeof("across/") + WEFT_ASSET_SIZE_MAX];
    struct weft_query query = ask->query;
    (void)snprintf(
        path, sizeof(path), "across/%.*s", (int)ask->look.asset.size, ask->look.asset.data);
    enum weft_err err = weft_tiers_encode(&ask->answer, &told);
    query.asset = weft_text_of(path);
    query.wait_ms = 0;
    query.where_value = weft_buffer_as_text(&told);
    err = err == WEFT_OK ? weft_reads_add(&ask->node->reads, &query, &ask->waiter, now_ms) : err;
    if (err != WEFT_OK) {
        weft_reply_refuse(ask->node, &ask->waiter, err, "what partners answered; try again");
    }
    weft_buffer_destroy(&told);
}

struct to_partner {
    struct weft_text agreement;
    uint64_t id;
    struct weft_digest query, subject;
};

static void answer_partner(struct weft_node *node, const struct to_partner *to,
    enum weft_ask_fault fault, const struct weft_tiers_answer *parts, uint64_t index)
{
    struct weft_agreement a;
    struct weft_buffer encoded = {.size_max = WEFT_ASK_PARTS_SIZE_MAX}, text = {.size_max = 4096},
                       line = {.size_max = 4096}, body = {.size_max = WEFT_STREAM_BODY_SIZE_MAX};
    if (node->partners == NULL ||
        !weft_streams_find(weft_state_streams(node->state), to->agreement, &a) || a.terms == NULL) {
        return;
    }
    if (fault == WEFT_ASK_ANSWERED && weft_tiers_encode(parts, &encoded) != WEFT_OK) {
        fault = WEFT_ASK_MANY;
        weft_buffer_clear(&encoded);
    }
    struct weft_ask_answer answer = {.id = to->id,
        .fault = fault,
        .index = index,
        .time_ms = weft_question_wall_ms(),
        .parts = {encoded.data, encoded.size}};
    const struct weft_ask_deed deed = {
        a.name, a.terms->site, a.terms->partner, to->query, to->subject};
    enum weft_err err = weft_ask_text(&deed, &answer, &text);
    err = err == WEFT_OK
              ? weft_partners_sign_answer(node->partners, weft_buffer_as_text(&text), &line)
              : err;
    answer.line = weft_buffer_as_text(&line);
    err = err == WEFT_OK ? weft_ask_answer_encode(&answer, &body) : err;
    err = err == WEFT_OK ? weft_partners_ask(
                               node->partners, &a, false, (struct weft_bytes){body.data, body.size})
                         : err;
    node->questions.answered += err == WEFT_OK;
    weft_buffer_destroy(&encoded);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&line);
    weft_buffer_destroy(&body);
}

static enum weft_ask_fault fault_of(enum weft_err err)
{
    return err == WEFT_OK                              ? WEFT_ASK_ANSWERED
           : err == WEFT_ETIMEDOUT                     ? WEFT_ASK_SILENT
           : err == WEFT_EBUSY                         ? WEFT_ASK_BUSY
           : err == WEFT_ETOOBIG || err == WEFT_ENOMEM ? WEFT_ASK_MANY
                                                       : WEFT_ASK_CLOSED;
}

static void finish(struct weft_ask *ask, uint64_t now_ms)
{
    ask->err = ask->err == WEFT_OK ? weft_question_add_relayed(ask) : ask->err;
    if (ask->is_own && ask->err != WEFT_OK) {
        weft_reply_refuse(ask->node, &ask->waiter, ask->err,
            ask->msg.text[0] != '\0' ? ask->msg.text : "more than an answer may hold");
    } else if (ask->is_own) {
        answer_client(ask, now_ms);
    } else {
        const struct to_partner to = {
            ask->agreement, ask->question.id, ask->root, ask->question.tiers.subject};
        if (ask->err != WEFT_OK) {
            weft_question_count_refused(ask->node, ask->number, true);
        }
        answer_partner(ask->node, &to, fault_of(ask->err), &ask->answer, ask->found.index);
    }
    free_ask(ask);
}

void weft_question_yield(struct weft_ask *ask)
{
    ask->err = weft_fail(&ask->msg, WEFT_EBUSY, "others have less under way");
    finish(ask, uv_now(&ask->node->loop));
}

/* It will not be answered by this node. */
static void drop(struct weft_ask *ask)
{
    if (ask->is_own) {
        weft_reply_not_leader(ask->node, &ask->waiter);
    }
    free_ask(ask);
}

/* --- asking on -------------------------------------------------------------------------------- */

static void ask_one(struct weft_ask *ask, uint32_t i, uint64_t left_ms)
{
    struct weft_node *node = ask->node;
    const struct weft_ask_onward *on = &ask->found.onward[i];
    struct weft_buffer body = {.size_max = WEFT_STREAM_BODY_SIZE_MAX};
    struct weft_agreement a;
    const uint64_t wait_ms = left_ms - left_ms / 8;
    const struct weft_ask_question question = {.id = ++node->questions.next_id,
        .wait_ms =
            (uint32_t)(wait_ms > WEFT_QUESTIONS_MARGIN_MS ? wait_ms - WEFT_QUESTIONS_MARGIN_MS : 0),
        .name = on->name,
        .tiers = {WEFT_TEXT(WEFT_ACROSS_TEMPLATE), ask->root, on->subject, on->depth}};
    if (left_ms < WEFT_QUESTIONS_LEAST_MS) {
        weft_question_leave(ask, on, WEFT_ASK_SILENT);
        return;
    }
    if (!ask->is_own && /* NOD-277: what is asked for a partner is of his share. */
        !weft_question_gate_take(&node->questions.gate, ask->number, uv_now(&node->loop))) {
        weft_question_leave(ask, on, WEFT_ASK_BUSY);
        return;
    }
    enum weft_err err = weft_ask_question_encode(&question, &body);
    bool is_there = err == WEFT_OK && node->partners != NULL &&
                    weft_streams_find(weft_state_streams(node->state), on->agreement, &a) &&
                    a.terms != NULL;
    err = is_there ? weft_partners_ask(
                         node->partners, &a, true, (struct weft_bytes){body.data, body.size})
                   : WEFT_EUNAVAILABLE;
    weft_buffer_destroy(&body);
    if (err != WEFT_OK) {
        weft_question_leave(ask, on,
            err == WEFT_EBUSY      ? WEFT_ASK_BUSY
            : err == WEFT_EVERSION ? WEFT_ASK_OLD
                                   : WEFT_ASK_APART);
        return;
    }
    node->questions.asked++;
    ask->asked[i] = (struct asked){question.id, true};
    ask->open++;
}

static void ask_on(struct weft_ask *ask, uint64_t now_ms)
{
    for (uint32_t i = 0; i < ask->found.parts.count; i++) {
        if (weft_question_add(&ask->answer, &ask->found.parts.parts[i]) != WEFT_OK) {
            ask->err = WEFT_ENOMEM;
        }
    }
    for (uint32_t i = 0; i < ask->found.onward_count && ask->err == WEFT_OK; i++) {
        ask_one(ask, i, ask->deadline_ms > now_ms ? ask->deadline_ms - now_ms : 0);
    }
    if (ask->open == 0) {
        finish(ask, now_ms);
    }
}

/* --- the look --------------------------------------------------------------------------------- */

static const char too_late[] = "what is inside was not found in the time that was given";

static enum weft_err should_end(void *ctx, struct weft_msg *msg)
{
    const struct weft_ask *ask = ctx;
    if (ask->node->questions.is_closed) {
        return weft_fail(msg, WEFT_ECLOSED, "the node stops");
    }
    return uv_hrtime() / 1000000 >= ask->deadline_ms
               ? weft_fail(msg, WEFT_ETIMEDOUT, "%s", too_late)
               : WEFT_OK;
}

static void on_work(uv_work_t *work)
{
    struct weft_ask *ask = work->data;
    ask->err = weft_view_ask(ask->view, &ask->look, &ask->arena, &ask->found, &ask->msg);
    if (ask->yield.err != WEFT_OK) { /* Whatever came of that. */
        ask->err = weft_fail(&ask->msg, ask->yield.err, "%s", ask->yield.msg.text);
    }
    ask->err = weft_read_err(ask->view, ask->err, &ask->msg);
}

static void on_worked(uv_work_t *work, int status)
{
    struct weft_ask *ask = work->data;
    struct weft_node *node = ask->node;
    struct weft_questions *r = &node->questions;
    const uint64_t now_ms = uv_now(&node->loop);
    (void)status;
    weft_view_close(ask->view);
    ask->is_looking = false;
    ask->has_looked = true;
    r->jobs--;
    const bool is_over = r->is_closed || !node->is_leader || node->term != ask->term;
    if (!is_over && ask->err == WEFT_OK && !weft_question_has_room(ask, 0)) {
        ask->err = weft_fail(&ask->msg, WEFT_ETOOBIG, "more than questions may take");
    }
    if (is_over) {
        drop(ask);
    } else if (ask->err != WEFT_OK) {
        finish(ask, now_ms);
    } else {
        ask_on(ask, now_ms);
    }
    if (r->is_closed && r->jobs == 0) {
        r->on_closed(r->ctx);
    } else if (!r->is_closed) {
        weft_node_wake(node);
    }
}

static void begin(struct weft_ask *ask)
{
    struct weft_node *node = ask->node;
    if (weft_view_open(node->state, &ask->view, &ask->msg) != WEFT_OK) {
        drop(ask);
        return;
    }
    ask->yield = (struct weft_yield){
        .ctx = ask, .ask = should_end, .every = YIELD_EVERY, .left = YIELD_EVERY};
    weft_view_yield_with(ask->view, &ask->yield);
    ask->look.query = ask->is_own ? &ask->query : NULL;
    ask->look.principal = weft_text_of(ask->principal);
    ask->look.now_ms = weft_question_wall_ms();
    if (!ask->is_own) {
        weft_question_gate_look(&node->questions.gate, ask->number, uv_now(&node->loop));
    }
    ask->work.data = ask;
    ask->is_looking = true;
    node->questions.jobs++;
    int status = uv_queue_work(&node->loop, &ask->work, on_work, on_worked);
    weft_assert(status == 0);
}

/* --- questions -------------------------------------------------------------------------------- */

static uint32_t count_of(const struct weft_questions *r, bool is_own, struct weft_text agreement)
{
    const struct weft_ask *ask;
    uint32_t count = 0;
    TAILQ_FOREACH(ask, &r->asks, next)
    {
        count += ask->is_own == is_own && (is_own || weft_text_equal(ask->agreement, agreement));
    }
    return count;
}

/* One that nobody else has: who asks, of what, when. */
static struct weft_digest root_of(const struct weft_node *node, const struct weft_query *query)
{
    struct weft_sha256 h;
    const uint64_t places[] = {uv_hrtime(), (uint64_t)weft_wall_ns(), node->questions.next_id,
        node->datadir.identity.member_id};
    const struct weft_question_site own = weft_question_own_site(node);
    weft_sha256_init(&h);
    weft_sha256_update(&h, own.text, strlen(own.text));
    weft_sha256_update(&h, query->principal.data, query->principal.size);
    weft_sha256_update(&h, query->asset.data, query->asset.size);
    weft_sha256_update(&h, places, sizeof(places));
    return weft_sha256_final(&h);
}

bool weft_questions_hold(struct weft_node *node, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms)
{
    struct weft_questions *r = &node->questions;
    if (!weft_text_starts(query->asset, stem)) {
        return false;
    }
    if (!node->is_leader || node->state == NULL || r->is_closed) {
        weft_reply_not_leader(node, waiter);
        return true;
    }
    const uint64_t wait_ms = query->wait_ms > 0 ? query->wait_ms : WEFT_QUESTIONS_WAIT_MS;
    struct weft_ask *ask = NULL;
    if (r->count < WEFT_QUESTIONS_MAX &&
        count_of(r, true, (struct weft_text){NULL, 0}) < WEFT_QUESTIONS_CLIENTS_MAX) {
        ask = make_ask(node, now_ms, wait_ms);
    }
    if (ask == NULL || weft_read_copy(&ask->arena, query, &ask->query) != WEFT_OK) {
        if (ask != NULL) {
            free_ask(ask);
        }
        weft_reply_refuse(
            node, waiter, WEFT_EBUSY, "too many questions to partners are under way; try again");
        return true;
    }
    ask->is_own = true;
    ask->waiter = *waiter;
    ask->root = root_of(node, query);
    ask->look.asset = (struct weft_text){
        ask->query.asset.data + sizeof(stem) - 1, ask->query.asset.size - (sizeof(stem) - 1)};
    weft_node_wake(node);
    return true;
}

static bool copy_question(
    struct weft_ask *ask, const struct weft_agreement *a, const struct weft_ask_question *question)
{
    struct weft_ask_question *copy = &ask->question;
    *copy = *question;
    ask->agreement = weft_arena_text(&ask->arena, a->name);
    copy->name.authority = weft_arena_text(&ask->arena, question->name.authority);
    copy->name.kind = weft_arena_text(&ask->arena, question->name.kind);
    copy->name.key = weft_arena_text(&ask->arena, question->name.key);
    copy->tiers.template = weft_arena_text(&ask->arena, question->tiers.template);
    return ask->agreement.data != NULL && copy->name.authority.data != NULL &&
           copy->name.kind.data != NULL && copy->name.key.data != NULL &&
           copy->tiers.template.data != NULL;
}

/* Of that agreement, the newest that nobody looks at just now; NULL: there is none. */
static struct weft_ask *newest_of(struct weft_questions *r, uint32_t number)
{
    struct weft_ask *ask;
    TAILQ_FOREACH_REVERSE(ask, &r->asks, weft_asks, next)
    {
        if (ask->is_counted && ask->number == number && !ask->is_looking) {
            break;
        }
    }
    return ask;
}

/* NOD-277: is there a place for one more of his? *ret_yields: that one has to give it up. */
static bool has_place(
    struct weft_questions *r, const struct weft_agreement *a, struct weft_ask **ret_yields)
{
    const bool is_full = r->count - count_of(r, true, a->name) >= WEFT_QUESTIONS_PARTNERS_MAX;
    *ret_yields = is_full ? newest_of(r, weft_question_gate_yields(&r->gate, a->number)) : NULL;
    return count_of(r, false, a->name) < WEFT_QUESTIONS_PARTNER_MAX &&
           (!is_full || *ret_yields != NULL);
}

/* NOD-277: what is too much of one partner is refused, by name. */
static enum weft_ask_fault admit(struct weft_node *node, const struct weft_agreement *a,
    const struct weft_ask_question *question, uint64_t now_ms)
{
    struct weft_questions *r = &node->questions;
    struct weft_ask *yields;
    if (!weft_question_gate_take(&r->gate, a->number, now_ms) || !has_place(r, a, &yields)) {
        return WEFT_ASK_BUSY;
    }
    if (a->state != WEFT_AGREEMENT_IN_FORCE ||
        !weft_text_is(question->tiers.template, WEFT_ACROSS_TEMPLATE)) {
        return WEFT_ASK_CLOSED;
    }
    if (!weft_question_gate_visit(&r->gate, a->number, &question->tiers)) {
        return WEFT_ASK_LOOP;
    }
    if (yields != NULL) {
        weft_question_yield(yields);
    }
    return WEFT_ASK_ANSWERED;
}

static bool hear_question(
    struct weft_node *node, const struct weft_agreement *a, struct weft_bytes body)
{
    const uint64_t now_ms = uv_now(&node->loop);
    struct weft_ask_question question;
    struct weft_msg msg = {""};
    if (weft_ask_question_decode(body, &question, &msg) != WEFT_OK) {
        return false;
    }
    enum weft_ask_fault fault = admit(node, a, &question, now_ms);
    struct weft_ask *ask =
        fault == WEFT_ASK_ANSWERED ? make_ask(node, now_ms, question.wait_ms) : NULL;
    if (ask != NULL && !copy_question(ask, a, &question)) {
        free_ask(ask);
        ask = NULL;
    }
    if (ask == NULL) {
        const struct to_partner to = {
            a->name, question.id, question.tiers.query, question.tiers.subject};
        weft_question_count_refused(node, a->number, true);
        answer_partner(node, &to, fault == WEFT_ASK_ANSWERED ? WEFT_ASK_BUSY : fault, NULL, 0);
        return true;
    }
    ask->root = question.tiers.query;
    ask->number = a->number;
    ask->is_counted = true;
    weft_question_gate_open(&node->questions.gate, a->number, now_ms);
    ask->look.agreement = ask->agreement;
    ask->look.question = &ask->question;
    weft_node_wake(node);
    return true;
}

/* --- answers ---------------------------------------------------------------------------------- */

static struct weft_ask *find_asked(struct weft_questions *r, uint64_t id, uint32_t *ret_place)
{
    struct weft_ask *ask;
    TAILQ_FOREACH(ask, &r->asks, next)
    {
        for (uint32_t i = 0; ask->open > 0 && i < ask->found.onward_count; i++) {
            if (ask->asked[i].is_open && ask->asked[i].id == id) {
                *ret_place = i;
                return ask;
            }
        }
    }
    return NULL;
}

static bool hear_answer(
    struct weft_node *node, const struct weft_agreement *a, struct weft_bytes body)
{
    struct weft_ask_answer answer;
    struct weft_msg msg = {""};
    uint32_t place = 0;
    if (weft_ask_answer_decode(body, &answer, &msg) != WEFT_OK) {
        return false;
    }
    struct weft_ask *ask = find_asked(&node->questions, answer.id, &place);
    if (ask == NULL || !weft_text_equal(ask->found.onward[place].agreement, a->name)) {
        weft_question_count_refused(
            node, a->number, false); /* NOD-279: late, or nobody has asked. */
        return true;
    }
    (void)snprintf(ask->msg.text, sizeof(ask->msg.text), "%.*s", (int)a->name.size, a->name.data);
    ask->asked[place].is_open = false;
    ask->open--;
    weft_question_take(ask, place, a, &answer);
    if (ask->open == 0) {
        finish(ask, uv_now(&node->loop));
    }
    return true;
}

bool weft_questions_hear(struct weft_node *node, const struct weft_agreement *agreement,
    bool is_question, struct weft_bytes body)
{
    if (!node->is_leader || node->state == NULL || node->questions.is_closed) {
        return true;
    }
    return is_question ? hear_question(node, agreement, body) : hear_answer(node, agreement, body);
}

/* --- turns ------------------------------------------------------------------------------------ */

static void give_up(struct weft_ask *ask, uint64_t now_ms)
{
    for (uint32_t i = 0; i < ask->found.onward_count; i++) {
        if (ask->asked[i].is_open) {
            ask->asked[i].is_open = false;
            weft_question_leave(ask, &ask->found.onward[i], WEFT_ASK_SILENT);
        }
    }
    ask->open = 0;
    finish(ask, now_ms);
}

/* NOD-277: clients' as they came, then partners' in turn. NULL: none waits. */
static struct weft_ask *next_look(struct weft_questions *r)
{
    struct weft_ask *ask, *first = NULL;
    TAILQ_FOREACH(ask, &r->asks, next)
    {
        if (ask->is_looking || ask->has_looked) {
            continue;
        }
        if (ask->is_own) {
            return ask;
        }
        if (first == NULL || weft_question_gate_is_before(&r->gate, ask->number, first->number)) {
            first = ask;
        }
    }
    return first;
}

void weft_questions_turn(struct weft_node *node, uint64_t now_ms)
{
    struct weft_questions *r = &node->questions;
    struct weft_ask *ask = TAILQ_FIRST(&r->asks), *next;
    for (; ask != NULL; ask = next) {
        next = TAILQ_NEXT(ask, next);
        if (ask->is_looking) {
            continue;
        }
        if (!node->is_leader || node->term != ask->term || r->is_closed) {
            drop(ask);
        } else if (!ask->has_looked && ask->deadline_ms <= now_ms) {
            ask->err = weft_fail(&ask->msg, WEFT_ETIMEDOUT, "%s", too_late);
            finish(ask, now_ms);
        } else if (ask->has_looked && ask->deadline_ms <= now_ms) {
            give_up(ask, now_ms);
        }
    }
    while (!r->is_closed && r->jobs < WEFT_QUESTIONS_JOBS && node->state != NULL &&
           (ask = next_look(r)) != NULL) {
        begin(ask);
    }
}

uint64_t weft_questions_deadline(const struct weft_node *node)
{
    const struct weft_ask *ask;
    uint64_t deadline_ms = UINT64_MAX;
    TAILQ_FOREACH(ask, &node->questions.asks, next)
    {
        if (!ask->is_looking && ask->deadline_ms < deadline_ms) {
            deadline_ms = ask->deadline_ms;
        }
    }
    return deadline_ms;
}

bool weft_questions_is_idle(const struct weft_node *node)
{
    return node->questions.jobs == 0;
}

void weft_questions_init(struct weft_questions *questions)
{
    TAILQ_INIT(&questions->asks);
}

void weft_questions_close(struct weft_node *node, void (*on_closed)(void *ctx), void *ctx)
{
    struct weft_questions *r = &node->questions;
    r->is_closed = true;
    r->on_closed = on_closed;
    r->ctx = ctx;
    weft_questions_turn(node, 0);
    weft_question_gate_close(&r->gate);
    if (r->jobs == 0) {
        on_closed(ctx);
    }
}
