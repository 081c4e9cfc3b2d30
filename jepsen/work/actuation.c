#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/gate.h"
#include "jepsen/cluster/json.h"
#include "jepsen/work/orders.h"
#include "jepsen/work/workload.h"

/* Orders to machines, from proposal to end: people sign, the leader sends, gateways carry out. Each
 * worker has a channel. Most orders are approved by two; some are cancelled or rejected on the way,
 * some have one approver who comes twice and the proposer for the second, some come too late. Now
 * and then all that was ever said of an order is said again, in another order. */

enum {
    CHANNELS = JEP_GATES_MAX * JEP_GATE_MACHINES,
    APPROVE_PERCENT = 66,
    CANCEL_PERCENT = 14,
    REJECT_PERCENT = 6,
    LONE_PERCENT = 8, /* the rest: late */
    AGAIN_PERCENT = 15,
    POST_PERCENT = 12,
    HAND_MS = 3000,
    WATCH_MS = 5000, /* chosen: where nothing is broken an order takes 0.1 s */
    NOTES_MAX = 24
};

static const char *choose_script(struct jep_rng *rng)
{
    uint64_t percent = jep_rng_below(rng, 100);
    if (percent < APPROVE_PERCENT) {
        return "approve";
    }
    percent -= APPROVE_PERCENT;
    if (percent < CANCEL_PERCENT) {
        return "cancel";
    }
    percent -= CANCEL_PERCENT;
    if (percent < REJECT_PERCENT) {
        return "reject";
    }
    return percent - REJECT_PERCENT < LONE_PERCENT ? "lone" : "late";
}

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    static const char *const classes[] = {"A", "B", "C"};
    struct jep_edn_list map = {0};
    struct jep_rng *rng = &gen->rng;
    uint64_t class = jep_rng_below(rng, 4); /* Half of them C. */
    int64_t speed = jep_rng_between(rng, 5, 55);
    uint64_t after = jep_rng_below(rng, 3);
    bool is_again = jep_rng_below(rng, 100) < AGAIN_PERCENT;
    bool has_post = class < 2 && jep_rng_below(rng, 100) < POST_PERCENT;
    jep_edn_put(&map, "order", jep_edn_int(gen->next_value++));
    jep_edn_put(&map, "channel", jep_edn_int(worker % CHANNELS));
    jep_edn_put(&map, "class", jep_edn_string(classes[class < 2 ? class : 2]));
    jep_edn_put(&map, "script", jep_edn_string(choose_script(rng)));
    jep_edn_put(&map, "after", jep_edn_int((int64_t)after)); /* so many approvals */
    jep_edn_put(&map, "speed", jep_edn_int(speed));
    jep_edn_put(&map, "post", jep_edn_bool(has_post));
    jep_edn_put(&map, "again", jep_edn_bool(is_again));
    *ret_step = (struct jep_step){"order", jep_edn_take_map(&map, gen->arena)};
}

static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    (void)gen, (void)i, (void)ret_step;
    return false; /* See ends.c. */
}

/* --- one order --------------------------------------------------------------------------- */

struct order {
    struct jep_call *call;
    const struct jep_site *site;
    const struct jep_edn *plan;
    unsigned channel;
    const char *id;
    struct jep_edn_list said; /* [who what exit-code] */
    int64_t repeated, taken;
};

static int64_t number(const struct order *o, const char *key)
{
    return jep_edn_get(o->plan, key)->integer;
}

static bool is_set(const struct order *o, const char *key)
{
    return jep_edn_get(o->plan, key)->boolean;
}

static const char *text(const struct order *o, const char *key)
{
    return jep_edn_get(o->plan, key)->text;
}

static bool is_script(const struct order *o, const char *script)
{
    return strcmp(text(o, "script"), script) == 0;
}

static void note(struct order *o, const char *who, const char *what, int code)
{
    struct jep_edn items[] = {jep_edn_string(who), jep_edn_string(what), jep_edn_int(code)};
    jep_edn_push(&o->said, jep_edn_vector(o->call->arena, items, 3));
}

/* Exit codes of weft: what certainly was not taken. */
static bool is_refusal(int code)
{
    return code == 1 || code == 2 || code == 4 || code == 5;
}

/* False: there is no order, or nobody knows. */
static bool propose(struct order *o)
{
    struct jep_arena *arena = o->call->arena;
    struct jep_edn said;
    bool is_jog = strcmp(text(o, "class"), "C") == 0;
    bool is_short = is_script(o, "lone") || is_script(o, "late");
    const char *argv[JEP_HAND_ARGS_MAX] = {"command", "propose", is_jog ? "jog" : "set-speed",
        jep_order_asset(o->channel, arena), "--channel", jep_order_channel(o->channel, arena),
        "--class", text(o, "class"), "--tier", "2", "--for", is_short ? "3s" : "20s", "--reason",
        jep_arena_format(arena, "order %" PRId64, number(o, "order")), "--yes", "-o", "json"};
    size_t count = 0;
    while (argv[count] != NULL) {
        count++;
    }
    if (!is_jog) {
        argv[count++] = "--arg";
        argv[count++] = jep_arena_format(arena, "speed=%" PRId64 " rpm", number(o, "speed"));
    }
    if (is_set(o, "post")) {
        argv[count++] = "--post";
        argv[count++] =
            jep_arena_format(arena, "speed = %" PRId64 " +- 0.5 rpm by 8s", number(o, "speed"));
    }
    int code = jep_hand(o->site, "ann", argv, HAND_MS, arena, &said);
    note(o, "ann", "propose", code);
    o->id = jep_json_text(&said, "id");
    if (code == 0 && o->id[0] != '\0') {
        jep_orders_add(&o->call->shared->orders, o->id, o->channel);
        return true;
    }
    o->call->type = is_refusal(code) ? JEP_FAIL : JEP_INFO;
    o->call->error = jep_edn_pair(arena, jep_edn_keyword("weft"), jep_edn_int(code));
    return false;
}

static void say(struct order *o, const char *who, const char *what)
{
    struct jep_edn ignored;
    const char *const argv[] = {
        "command", what, o->id, "--reason", "seen", "--yes", "-o", "json", NULL};
    note(o, who, what, jep_hand(o->site, who, argv, HAND_MS, o->call->arena, &ignored));
}

/* Two who differ, chosen by the order's number. */
static void approve(struct order *o, int64_t approvals)
{
    static const char *const approvers[] = {"bo", "cy", "di"};
    for (int64_t i = 0; i < approvals; i++) {
        say(o, approvers[(number(o, "order") + i) % 3], "approve");
    }
}

static void act_script(struct order *o)
{
    if (is_script(o, "approve")) {
        approve(o, 2);
    } else if (is_script(o, "cancel")) {
        approve(o, number(o, "after"));
        say(o, "ann", "cancel");
    } else if (is_script(o, "reject")) {
        approve(o, number(o, "after") % 2);
        say(o, "di", "reject");
    } else if (is_script(o, "lone")) {
        say(o, "bo", "approve");
        say(o, "bo", "approve");
        say(o, "ann", "approve");
    } else {
        approve(o, 1);
    }
}

/* All that was ever said of it, by anybody, once more: what is newest first. */
static void repeat(struct order *o)
{
    struct jep_call *call = o->call;
    struct jep_seen seen;
    struct jep_edn notes[NOTES_MAX];
    size_t count = 0;
    const char *asset = jep_arena_format(call->arena, "command:%s", o->id);
    struct jep_answer answer =
        jep_client_find(call->client, &(struct jep_read){.asset = asset}, call->arena, &seen);
    for (size_t i = 0; answer.kind == JEP_ANSWER_OK && i < seen.records.count; i++) {
        const struct jep_edn *attrs = jep_json_get(&seen.records.items[i], "attrs");
        const struct jep_edn *found = attrs != NULL ? jep_json_get(attrs, "note") : NULL;
        if (found != NULL && found->type == JEP_EDN_STRING && count < NOTES_MAX) {
            notes[count++] = *found;
        }
    }
    while (count-- > 0) {
        struct jep_text line = {0}, attrs = {0};
        jep_text_puts(&attrs, "{\"note\":");
        jep_json_quote(&attrs, notes[count].text);
        jep_text_puts(&attrs, "}");
        jep_commit_begin(&line);
        jep_commit_record(&line, "command", asset, attrs.bytes, NULL, -1);
        jep_commit_end(&line);
        answer = jep_client_commit(call->client, line.bytes, false, call->arena);
        o->repeated++;
        o->taken += answer.kind == JEP_ANSWER_OK;
        jep_text_free(&line);
        jep_text_free(&attrs);
    }
}

static const char *watch(struct order *o)
{
    struct jep_edn said;
    const char *const argv[] = {"command", "watch", o->id, "-o", "jsonl", NULL};
    int code = jep_hand(o->site, NULL, argv, WATCH_MS, o->call->arena, &said);
    const char *state = jep_json_text(&said, "state");
    if ((code == 0 || code == 1) && strcmp(state, "UNKNOWN") != 0 && state[0] != '\0') {
        jep_orders_end(&o->call->shared->orders, o->id);
    }
    return state;
}

static void apply(struct jep_call *call)
{
    struct order o = {.call = call,
        .site = call->client->site,
        .plan = &call->step->value,
        .channel = (unsigned)jep_edn_get(&call->step->value, "channel")->integer};
    const char *state = "";
    call->type = JEP_OK;
    (void)jep_orders_look_after(o.site, &call->shared->orders, o.channel, call->arena);
    if (!propose(&o)) {
        struct jep_edn_list none = o.said;
        (void)jep_edn_take_vector(&none, call->arena);
        return;
    }
    act_script(&o);
    if (is_set(&o, "again")) {
        repeat(&o);
    }
    if (!is_script(&o, "lone") && !is_script(&o, "late")) {
        state = watch(&o);
    }
    if (is_set(&o, "again") && is_script(&o, "approve")) {
        repeat(&o);
    }
    struct jep_edn_list map = {0};
    for (uint32_t i = 0; i < o.plan->count; i++) {
        jep_edn_push(&map, o.plan->items[2 * i]);
        jep_edn_push(&map, o.plan->items[2 * i + 1]);
    }
    jep_edn_put(&map, "id", jep_edn_string(o.id));
    jep_edn_put(&map, "state", jep_edn_string(state));
    jep_edn_put(&map, "said", jep_edn_take_vector(&o.said, call->arena));
    jep_edn_put(&map, "repeated", jep_edn_int(o.repeated));
    jep_edn_put(&map, "taken", jep_edn_int(o.taken));
    call->value = jep_edn_take_map(&map, call->arena);
}

const struct jep_workload jep_workload_actuation = {.name = "actuation",
    .what = "orders to machines: each ends in one way, and moves its machine at most once",
    .check = "actuation",
    .wants_plant = true,
    .is_nodeless = true,
    .gates = JEP_GATES_MAX,
    .nemeses = "gateway,arrow,kill-leader,pause-leader,partition-leader,clock-seconds",
    .rate = 2,
    .next = next,
    .final = final,
    .apply = apply};
