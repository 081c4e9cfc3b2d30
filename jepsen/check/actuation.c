#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/faults.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"

/* Orders to machines, by three witnesses: the leaves of the audit log (`:arrows`), what machines
 * were really told (`:told`), and what nodes say at the end (`:states`). Each order takes the
 * arrows of the table to exactly one end; nothing moves without an intent, behind an end, or twice;
 * nobody counts twice; and what is unknown has a fault of its gateway that explains it. */

enum {
    ARROW_ITEMS = 7, /* index, time, id, actor, act, from, to */
    TOLD_ITEMS = 5,  /* machine, ms, where, id, verb */
    STATE_ITEMS = 4, /* id, state, code, node */
    MACHINES = 4     /* of a gateway: as in jepsen/cluster/gate.h */
};

/* How long behind its operation an order may still be under way: its life of 20 s, and 35 s without
 * an answer. */
#define TAIL_NS ((int64_t)60 * 1000000000)

struct arrow {
    const char *id, *act, *from, *to, *actor;
    int64_t index;
    size_t place;
};

struct order {
    const char *id;
    size_t first, count; /* of its arrows */
    uint64_t told;       /* on the machine itself */
    const char *shown, *code, *node;
    const struct jep_span *span; /* NULL: nobody was told of its id */
};

struct actuation {
    struct jep_findings findings;
    struct jep_history *history;
    struct jep_faults faults;
    struct arrow *arrows;
    size_t arrow_count;
    struct order *orders;
    size_t order_count;
    int64_t ends[6], told, resolved;
};

static const char *const ends[] = {
    "VERIFIED", "FAILED", "REJECTED", "CANCELLED", "EXPIRED", "UNKNOWN"};

enum {
    ENDS = sizeof(ends) / sizeof(ends[0])
};

static int end_number(const char *state)
{
    for (int i = 0; i < ENDS; i++) {
        if (strcmp(state, ends[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static const char *text_in(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = jep_edn_get(map, key);
    return found != NULL && found->type == JEP_EDN_STRING ? found->text : "";
}

static int64_t int_in(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = jep_edn_get(map, key);
    return found != NULL && jep_edn_is_int(found) ? found->integer : 0;
}

static const struct jep_edn *vector_in(const struct jep_edn *map, const char *key)
{
    static const struct jep_edn none = {.type = JEP_EDN_VECTOR};
    const struct jep_edn *found = map != NULL ? jep_edn_get(map, key) : NULL;
    return found != NULL && found->type == JEP_EDN_VECTOR ? found : &none;
}

/* A row whose items are texts, but for one that is a number. */
static bool is_row(const struct jep_edn *row, size_t items, size_t number)
{
    bool is_good = jep_edn_is_vector(row, items);
    for (size_t i = 0; is_good && i < items; i++) {
        is_good =
            i == number ? jep_edn_is_int(&row->items[i]) : row->items[i].type == JEP_EDN_STRING;
    }
    return is_good;
}

static void not_understood(struct actuation *a, const struct jep_edn *row)
{
    jep_found(&a->findings, JEP_UNKNOWN, "not-understood", "%s",
        jep_edn_show(a->findings.arena, row, 120));
}

/* --- gathering --------------------------------------------------------------------------- */

static int by_id_and_place(const void *x, const void *y)
{
    const struct arrow *a = x, *b = y;
    int by_id = strcmp(a->id, b->id);
    return by_id != 0 ? by_id : a->place < b->place ? -1 : a->place > b->place;
}

static void take_arrows(struct actuation *a, const struct jep_edn *rows)
{
    a->arrows = jep_alloc(rows->count + 1, sizeof(*a->arrows));
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct jep_edn *row = &rows->items[i];
        if (!is_row(row, ARROW_ITEMS, 0)) {
            not_understood(a, row);
            continue;
        }
        a->arrows[a->arrow_count++] = (struct arrow){.index = row->items[0].integer,
            .id = row->items[2].text,
            .actor = row->items[3].text,
            .act = row->items[4].text,
            .from = row->items[5].text,
            .to = row->items[6].text,
            .place = i};
    }
    qsort(a->arrows, a->arrow_count, sizeof(*a->arrows), by_id_and_place);
    a->orders = jep_alloc(a->arrow_count + 1, sizeof(*a->orders));
    for (size_t i = 0; i < a->arrow_count; i++) {
        if (i == 0 || strcmp(a->arrows[i].id, a->arrows[i - 1].id) != 0) {
            a->orders[a->order_count++] = (struct order){
                .id = a->arrows[i].id, .first = i, .shown = "", .code = "", .node = ""};
        }
        a->orders[a->order_count - 1].count++;
    }
}

static int compare_order(const void *key, const void *item)
{
    return strcmp(key, ((const struct order *)item)->id);
}

static struct order *find(const struct actuation *a, const char *id)
{
    return bsearch(id, a->orders, a->order_count, sizeof(*a->orders), compare_order);
}

static void take_told(struct actuation *a, const struct jep_edn *rows)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct jep_edn *row = &rows->items[i];
        if (!is_row(row, TOLD_ITEMS, 1)) {
            not_understood(a, row);
            continue;
        }
        struct order *order = find(a, row->items[3].text);
        bool is_live = strcmp(row->items[2].text, "live") == 0;
        a->told += is_live ? 1 : 0;
        if (order != NULL && is_live) {
            order->told++;
        } else if (is_live) {
            jep_found(&a->findings, JEP_INVALID, "actuated-from-nowhere",
                "%s was told %s, and no leaf knows that order", row->items[0].text,
                row->items[3].text);
        }
    }
}

static void take_states(struct actuation *a, const struct jep_edn *rows)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct jep_edn *row = &rows->items[i];
        struct order *order =
            is_row(row, STATE_ITEMS, STATE_ITEMS) ? find(a, row->items[0].text) : NULL;
        if (order != NULL) {
            order->shown = row->items[1].text;
            order->code = row->items[2].text;
            order->node = row->items[3].text;
        }
    }
}

/* Whoever was told of an order finds it in the log. */
static void take_spans(struct actuation *a, const struct jep_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!jep_span_is(&spans[i], "order") || spans[i].type != JEP_OK) {
            continue;
        }
        struct order *order = find(a, text_in(spans[i].value, "id"));
        if (order != NULL) {
            order->span = &spans[i];
        } else {
            jep_found(&a->findings, JEP_INVALID, "no-leaf",
                "%s was acknowledged, and no leaf is of it",
                jep_span_words(a->findings.arena, &spans[i]));
        }
    }
}

/* --- the path ---------------------------------------------------------------------------- */

/* As the design's table has them; "-" is before all. */
static const struct {
    const char *from, *to;
} table[] = {
    {"NONE", "PROPOSED"},
    {"NONE", "APPROVED"},
    {"PROPOSED", "PROPOSED"},
    {"PROPOSED", "APPROVED"},
    {"PROPOSED", "REJECTED"},
    {"PROPOSED", "CANCELLED"},
    {"PROPOSED", "EXPIRED"},
    {"APPROVED", "APPROVED"},
    {"APPROVED", "SELECTED"},
    {"APPROVED", "CANCELLED"},
    {"APPROVED", "EXPIRED"},
    {"SELECTED", "INTENT"},
    {"SELECTED", "SHADOW"},
    {"SELECTED", "CANARY"},
    {"SELECTED", "CANCELLED"},
    {"SELECTED", "EXPIRED"},
    {"INTENT", "INTENT"},
    {"INTENT", "DISPATCHED"},
    {"INTENT", "FAILED"},
    {"INTENT", "UNKNOWN"},
    {"DISPATCHED", "ACKED"},
    {"DISPATCHED", "FAILED"},
    {"DISPATCHED", "UNKNOWN"},
    {"ACKED", "ACKED"},
    {"ACKED", "VERIFIED"},
    {"ACKED", "FAILED"},
    {"UNKNOWN", "UNKNOWN"},
};

static bool is_in_table(const struct arrow *arrow)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].from, arrow->from) == 0 && strcmp(table[i].to, arrow->to) == 0) {
            return strcmp(arrow->from, "UNKNOWN") != 0 ||
                   strcmp(arrow->act, "command.resolve") == 0;
        }
    }
    return false;
}

static const char *last_state(const struct actuation *a, const struct order *o)
{
    return a->arrows[o->first + o->count - 1].to;
}

static void judge_path(struct actuation *a, const struct order *o)
{
    const char *state = "NONE";
    int resolved = 0;
    for (size_t i = o->first; i < o->first + o->count; i++) {
        const struct arrow *arrow = &a->arrows[i];
        if (strcmp(arrow->from, state) != 0) {
            jep_found(&a->findings, JEP_INVALID, "arrow-without-leaf",
                "%s was %s, and the leaf at %" PRId64 " goes from %s to %s", o->id, state,
                arrow->index, arrow->from, arrow->to);
        } else if (!is_in_table(arrow)) {
            jep_found(&a->findings, JEP_INVALID,
                end_number(arrow->from) >= 0 ? "two-ends" : "not-in-table",
                "%s went from %s to %s by %s at %" PRId64, o->id, arrow->from, arrow->to,
                arrow->act, arrow->index);
        }
        resolved += strcmp(arrow->act, "command.resolve") == 0 ? 1 : 0;
        state = arrow->to;
    }
    a->resolved += resolved;
    int end = end_number(state);
    if (end < 0) {
        jep_found(&a->findings, JEP_INVALID, "no-end", "%s is still %s", o->id, state);
    } else {
        a->ends[end]++;
    }
    if (resolved > 1) {
        jep_found(&a->findings, JEP_INVALID, "resolved-twice", "%s", o->id);
    }
    if (o->shown[0] != '\0' && strcmp(o->shown, state) != 0) {
        jep_found(&a->findings, JEP_INVALID, "other-state", "%s is %s by its leaves, %s at %s",
            o->id, state, o->shown, o->node);
    }
}

/* --- people ------------------------------------------------------------------------------ */

static bool is_act(const struct arrow *arrow, const char *act)
{
    return strcmp(arrow->act, act) == 0;
}

/* Two who differ, and differ from who proposed it, in front of APPROVED. */
static void judge_people(struct actuation *a, const struct order *o)
{
    const char *proposer = "", *approvers[2] = {"", ""};
    int count = 0;
    for (size_t i = o->first; i < o->first + o->count; i++) {
        const struct arrow *arrow = &a->arrows[i];
        proposer = is_act(arrow, "command.propose") ? arrow->actor : proposer;
        if (!is_act(arrow, "command.approve")) {
            if (strcmp(arrow->to, "SELECTED") == 0 && count < 2) {
                jep_found(&a->findings, JEP_INVALID, "approved-by-one",
                    "%s was selected at %" PRId64 " behind %d approvals of two", o->id,
                    arrow->index, count);
            }
            continue;
        }
        if (strcmp(arrow->actor, proposer) == 0) {
            jep_found(&a->findings, JEP_INVALID, "approved-own", "%s", o->id);
        } else if ((count > 0 && strcmp(arrow->actor, approvers[0]) == 0) ||
                   (count > 1 && strcmp(arrow->actor, approvers[1]) == 0)) {
            jep_found(&a->findings, JEP_INVALID, "person-twice",
                "one person counts twice for %s, at %" PRId64, o->id, arrow->index);
        } else if (count < 2) {
            approvers[count++] = arrow->actor;
        }
    }
}

/* --- machines ---------------------------------------------------------------------------- */

static bool has_step(
    const struct actuation *a, const struct order *o, const char *from, const char *to)
{
    for (size_t i = o->first; i < o->first + o->count; i++) {
        if ((from == NULL || strcmp(a->arrows[i].from, from) == 0) &&
            strcmp(a->arrows[i].to, to) == 0) {
            return true;
        }
    }
    return false;
}

static int count_sends(const struct actuation *a, const struct order *o)
{
    int sends = 0;
    for (size_t i = o->first; i < o->first + o->count; i++) {
        sends += strcmp(a->arrows[i].to, "INTENT") == 0 && !is_act(&a->arrows[i], "command.ask") &&
                         !is_act(&a->arrows[i], "command.receipt")
                     ? 1
                     : 0;
    }
    return sends;
}

static bool is_class_c(const struct order *o)
{
    return o->span != NULL && strcmp(text_in(o->span->value, "class"), "C") == 0;
}

static void judge_machine(struct actuation *a, const struct order *o)
{
    bool was_sent = has_step(a, o, NULL, "INTENT");
    bool was_not_begun = has_step(a, o, "INTENT", "FAILED");
    bool was_done = has_step(a, o, NULL, "ACKED");
    if (o->told > 1) {
        jep_found(&a->findings, JEP_INVALID, is_class_c(o) ? "class-c-twice" : "actuated-twice",
            "%s moved its machine %" PRIu64 " times", o->id, o->told);
    }
    if (o->told > 0 && !was_sent) {
        jep_found(&a->findings, JEP_INVALID, "actuated-without-intent",
            "%s moved its machine, ended as %s, and has no intent", o->id, last_state(a, o));
    }
    if (o->told > 0 && was_not_begun) {
        jep_found(&a->findings, JEP_INVALID, "actuated-though-not-begun",
            "%s moved its machine, and FAILED before it was begun (%s)", o->id, o->code);
    }
    if (o->told == 0 && was_done) {
        jep_found(&a->findings, JEP_INVALID, "done-without-act",
            "%s is told to be done, and its machine was told nothing", o->id);
    }
    if (is_class_c(o) && count_sends(a, o) > 1) {
        jep_found(&a->findings, JEP_INVALID, "class-c-sent-twice", "%s has %d intents", o->id,
            count_sends(a, o));
    }
}

/* --- what is unknown --------------------------------------------------------------------- */

/* Does the fault concern the gateway "gw1"? Faults of nodes concern all. */
static bool concerns(const struct jep_fault *fault, const char *gateway)
{
    const struct jep_edn *names =
        fault->started != NULL ? jep_edn_get(fault->started, "gateways") : NULL;
    if (strncmp(fault->name, "gateway-", 8) != 0 || names == NULL) {
        return true;
    }
    for (uint32_t i = 0; jep_edn_is_sequence(names) && i < names->count; i++) {
        if (names->items[i].type == JEP_EDN_STRING && strcmp(names->items[i].text, gateway) == 0) {
            return true;
        }
    }
    return false;
}

/* A gateway says unknown once it was killed, or slept while its machine answered; the site once it
 * heard nothing for half a minute, for which gateway or majority have to have been away. */
static bool is_explained(const struct actuation *a, const struct order *o, bool by_gateway)
{
    char gateway[8] = "";
    int64_t from_ns = 0, until_ns = INT64_MAX;
    if (o->span != NULL) {
        int64_t channel = int_in(o->span->value, "channel");
        (void)snprintf(gateway, sizeof(gateway), "gw%d", (int)(channel / MACHINES % 8) + 1);
        from_ns = o->span->invoke->time_ns;
        until_ns = o->span->end->time_ns + TAIL_NS;
    }
    for (size_t i = 0; i < a->faults.count; i++) {
        const struct jep_fault *fault = &a->faults.faults[i];
        bool is_of_process = strcmp(fault->name, "gateway-kill") == 0 ||
                             strcmp(fault->name, "gateway-step") == 0 ||
                             strcmp(fault->name, "gateway-pause") == 0;
        if (fault->begin_ns <= until_ns && fault->end_ns >= from_ns &&
            (gateway[0] == '\0' || concerns(fault, gateway)) && (is_of_process || !by_gateway)) {
            return true;
        }
    }
    return false;
}

static void judge_unknown(struct actuation *a, const struct order *o)
{
    for (size_t i = o->first; i < o->first + o->count; i++) {
        const struct arrow *arrow = &a->arrows[i];
        bool by_gateway = is_act(arrow, "command.receipt");
        if (strcmp(arrow->to, "UNKNOWN") == 0 && strcmp(arrow->from, "UNKNOWN") != 0 &&
            !is_explained(a, o, by_gateway)) {
            jep_found(&a->findings, JEP_INVALID, "unknown-without-cause",
                "%s is UNKNOWN at %" PRId64 " by %s, and nothing that was broken explains it",
                o->id, arrow->index, arrow->act);
        }
    }
}

/* --- all --------------------------------------------------------------------------------- */

static const struct jep_edn *last_value(const struct jep_span *spans, size_t count, const char *f)
{
    const struct jep_edn *value = NULL;
    for (size_t i = 0; i < count; i++) {
        if (jep_span_is(&spans[i], f) && spans[i].type == JEP_OK &&
            spans[i].value->type == JEP_EDN_MAP) {
            value = spans[i].value;
        }
    }
    return value;
}

static void tell(struct actuation *a, struct jep_result *result)
{
    struct jep_edn_list by_end = {0};
    for (int i = 0; i < ENDS; i++) {
        jep_edn_put(&by_end, ends[i], jep_edn_int(a->ends[i]));
    }
    jep_result_put(result, "orders", jep_edn_int((int64_t)a->order_count));
    jep_result_put(result, "arrows", jep_edn_int((int64_t)a->arrow_count));
    jep_result_put(result, "told", jep_edn_int(a->told));
    jep_result_put(result, "ends", jep_edn_take_map(&by_end, a->findings.arena));
    jep_result_put(result, "resolved", jep_edn_int(a->resolved));
}

void jep_check_actuation(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)limits, (void)options;
    struct actuation a = {.findings = {.arena = history->arena, .result = ret_result},
        .history = history,
        .faults = jep_faults_find(history)};
    struct jep_span *spans = NULL;
    size_t count = jep_spans(history, &spans);
    const struct jep_edn *audit = last_value(spans, count, "audit");
    const struct jep_edn *ended = last_value(spans, count, "actuation");
    take_arrows(&a, vector_in(audit, "arrows"));
    if (audit != NULL && ended != NULL) { /* Else there is nothing to hold them against. */
        take_told(&a, vector_in(ended, "told"));
        take_states(&a, vector_in(ended, "states"));
        take_spans(&a, spans, count);
    }
    for (size_t i = 0; i < a.order_count; i++) {
        judge_path(&a, &a.orders[i]);
        judge_people(&a, &a.orders[i]);
        judge_machine(&a, &a.orders[i]);
        judge_unknown(&a, &a.orders[i]);
    }
    if (audit == NULL || ended == NULL || a.order_count == 0 || a.told == 0) {
        jep_found(&a.findings, JEP_UNKNOWN, "vacuous", "%zu orders, %" PRId64 " acts",
            a.order_count, a.told);
    }
    if (ended != NULL && int_in(ended, "gateway-ends") != 0) {
        jep_found(&a.findings, JEP_INVALID, "gateway-ended",
            "gateways ended by themselves %" PRId64 " times", int_in(ended, "gateway-ends"));
    }
    tell(&a, ret_result);
    jep_findings_put(&a.findings);
    jep_faults_free(&a.faults);
    free(a.arrows);
    free(a.orders);
    free(spans);
}
