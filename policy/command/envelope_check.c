#include "policy/command/envelope_check.h"

#include "proto/check.h"

static const uint64_t ms_ns = 1000 * 1000;
/* How long a value that a step is measured from may be old, where no line says so. Chosen. */
static const uint64_t step_fresh_ms = 5000;

static const char *const faults[WEFT_ENVELOPE_FAULTS] = {
    [WEFT_ENVELOPE_PASSED] = "passed",
    [WEFT_ENVELOPE_EXPIRED] = "expired",
    [WEFT_ENVELOPE_ABOUT] = "about",
    [WEFT_ENVELOPE_ARG] = "arg",
    [WEFT_ENVELOPE_HARD] = "hard",
    [WEFT_ENVELOPE_NORMAL] = "normal",
    [WEFT_ENVELOPE_VERIFY] = "verify",
    [WEFT_ENVELOPE_MOVES] = "moves",
    [WEFT_ENVELOPE_DWELL] = "dwell",
    [WEFT_ENVELOPE_STEP] = "step",
    [WEFT_ENVELOPE_RATE] = "rate",
    [WEFT_ENVELOPE_INTERLOCK] = "interlock",
    [WEFT_ENVELOPE_REQUIRE] = "require",
    [WEFT_ENVELOPE_DENY] = "deny",
    [WEFT_ENVELOPE_PRE] = "pre",
};

const char *weft_envelope_fault_name(enum weft_envelope_fault fault)
{
    weft_assert((unsigned)fault < WEFT_ENVELOPE_FAULTS); /* ACT-5 */
    return faults[fault];
}

/* One check of one envelope. */
struct check {
    const struct weft_envelope_note *envelope;
    const struct weft_command_note *command;
    const struct weft_envelope_facts *facts;
    struct weft_msg *msg;
};

static enum weft_envelope_fault fail(
    const struct check *c, enum weft_envelope_fault fault, struct weft_text what)
{
    (void)weft_fail(c->msg, WEFT_EREFUSED, "%s: %.*s (envelope %.*s, version %llu)", faults[fault],
        (int)what.size, what.data, (int)c->envelope->name.size, c->envelope->name.data,
        (unsigned long long)c->envelope->link.version);
    return fault;
}

/* --- what the command says ------------------------------------------------------------------- */

static const struct weft_envelope_range *find_range(
    const struct weft_envelope_range *ranges, uint32_t count, struct weft_text name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (weft_text_equal(ranges[i].name, name)) {
            return &ranges[i];
        }
    }
    return NULL;
}

static enum weft_envelope_fault check_word(
    const struct check *c, const struct weft_command_arg *arg)
{
    struct weft_text word = arg->value.type == WEFT_SCALAR_WORD ? arg->value.word
                            : arg->value.truth                  ? WEFT_TEXT("true")
                                                                : WEFT_TEXT("false");
    for (uint32_t i = 0; i < c->envelope->allow_count; i++) {
        const struct weft_envelope_allow *allow = &c->envelope->allows[i];
        if (!weft_text_equal(allow->name, arg->name)) {
            continue;
        }
        for (uint32_t k = 0; k < allow->word_count; k++) {
            if (weft_text_equal(allow->words[k], word)) {
                return WEFT_ENVELOPE_PASSED;
            }
        }
        return fail(c, WEFT_ENVELOPE_HARD, arg->name);
    }
    return fail(c, WEFT_ENVELOPE_ARG, arg->name);
}

/* ACT-2: of the very unit, or it is not compared. ACT-5: hard first, whoever asks. */
static enum weft_envelope_fault check_number(
    const struct check *c, const struct weft_command_arg *arg)
{
    const struct weft_envelope_note *e = c->envelope;
    const struct weft_envelope_range *hard = find_range(e->hard, e->hard_count, arg->name);
    const struct weft_envelope_range *normal = find_range(e->normal, e->normal_count, arg->name);
    int64_t number = arg->value.number;
    if (hard == NULL || !weft_text_equal(hard->unit, arg->value.unit) ||
        (normal != NULL && !weft_text_equal(normal->unit, arg->value.unit))) {
        return fail(c, WEFT_ENVELOPE_ARG, arg->name);
    }
    if (number < hard->low || number > hard->high) {
        return fail(c, WEFT_ENVELOPE_HARD, arg->name);
    }
    if (normal != NULL && !c->command->is_break_glass &&
        (number < normal->low || number > normal->high)) {
        return fail(c, WEFT_ENVELOPE_NORMAL, arg->name);
    }
    return WEFT_ENVELOPE_PASSED;
}

static enum weft_envelope_fault check_args(const struct check *c)
{
    for (uint32_t i = 0; i < c->command->arg_count; i++) {
        const struct weft_command_arg *arg = &c->command->args[i];
        enum weft_envelope_fault fault =
            arg->value.type == WEFT_SCALAR_NUMBER ? check_number(c, arg) : check_word(c, arg);
        if (fault != WEFT_ENVELOPE_PASSED) {
            return fault;
        }
    }
    return WEFT_ENVELOPE_PASSED;
}

static bool has_outcome(
    const struct weft_command_note *command, const struct weft_envelope_verify *verify)
{
    for (uint32_t i = 0; i < command->post_count; i++) {
        const struct weft_outcome *post = &command->posts[i];
        bool is_number = post->value.type == WEFT_SCALAR_NUMBER;
        if (weft_text_equal(post->path, verify->path)) {
            return post->by_ms <= verify->by_ms && is_number == verify->has_tolerance &&
                   (!is_number || (post->tolerance <= verify->tolerance &&
                                      weft_text_equal(post->value.unit, verify->unit)));
        }
    }
    return false;
}

static enum weft_envelope_fault check_outcomes(const struct check *c)
{
    for (uint32_t i = 0; i < c->envelope->verify_count; i++) {
        if (!has_outcome(c->command, &c->envelope->verifies[i])) {
            return fail(c, WEFT_ENVELOPE_VERIFY, c->envelope->verifies[i].path);
        }
    }
    return WEFT_ENVELOPE_PASSED;
}

/* --- what happened before -------------------------------------------------------------------- */

/* A move of the future counts as one of now: clocks of the log never go back. */
static uint64_t since_ns(const struct weft_envelope_facts *facts, int64_t then_ns)
{
    return facts->now_ns > then_ns ? (uint64_t)facts->now_ns - (uint64_t)then_ns : 0;
}

/* False: there was none. */
static bool find_last_move(const struct weft_envelope_facts *facts, uint64_t *ret_since_ns)
{
    *ret_since_ns = UINT64_MAX;
    for (uint32_t i = 0; i < facts->move_count; i++) {
        uint64_t since = since_ns(facts, facts->moves_ns[i]);
        *ret_since_ns = since < *ret_since_ns ? since : *ret_since_ns;
    }
    return facts->move_count > 0;
}

static enum weft_envelope_fault check_moves(const struct check *c)
{
    const struct weft_envelope_note *e = c->envelope;
    uint64_t last_ns;
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->facts->move_count; i++) {
        count += since_ns(c->facts, c->facts->moves_ns[i]) < e->moves_per_ms * ms_ns;
    }
    if (e->moves > 0 && count >= e->moves) {
        return fail(c, WEFT_ENVELOPE_MOVES, WEFT_TEXT("as many moves as it allows in the time"));
    }
    if (find_last_move(c->facts, &last_ns) && last_ns < e->dwell_ms * ms_ns) {
        return fail(c, WEFT_ENVELOPE_DWELL, WEFT_TEXT("too soon behind the last move"));
    }
    return WEFT_ENVELOPE_PASSED;
}

/* --- what is read ---------------------------------------------------------------------------- */

/* The argument that a line is about, and the value that is there now. NULL: the command has no such
 * argument. *ret_is_known false: nothing fresh of that unit was read. */
static const struct weft_command_arg *find_change(const struct check *c,
    const struct weft_envelope_change *change, int64_t *ret_now, bool *ret_is_known)
{
    const struct weft_command_arg *arg = weft_command_note_arg(c->command, change->name);
    const struct weft_reading *reading =
        weft_reading_find(c->facts->readings, c->facts->reading_count, change->name);
    *ret_is_known = arg != NULL && arg->value.type == WEFT_SCALAR_NUMBER && reading != NULL &&
                    weft_text_equal(arg->value.unit, change->unit) &&
                    weft_scalar_is_alike(&arg->value, &reading->value) &&
                    weft_reading_is_fresh(reading, c->facts->now_ns, step_fresh_ms);
    *ret_now = *ret_is_known ? reading->value.number : 0;
    return arg;
}

/* amount * since / per, at most amount, without overflow. */
static int64_t allowed_by(const struct weft_envelope_change *rate, uint64_t elapsed_ns)
{
    uint64_t per_ns = rate->per_ms * ms_ns;
    if (elapsed_ns >= per_ns) {
        return rate->amount;
    }
    return (int64_t)((unsigned __int128)(uint64_t)rate->amount * elapsed_ns / per_ns);
}

static enum weft_envelope_fault check_changes(const struct check *c)
{
    const struct weft_envelope_note *e = c->envelope;
    uint64_t last_ns;
    int64_t now;
    bool is_known;
    bool has_moved = find_last_move(c->facts, &last_ns);
    for (uint32_t i = 0; i < e->step_count; i++) {
        const struct weft_command_arg *arg = find_change(c, &e->steps[i], &now, &is_known);
        if (arg != NULL &&
            (!is_known || !weft_scalar_is_within(arg->value.number, now, e->steps[i].amount))) {
            return fail(c, WEFT_ENVELOPE_STEP, e->steps[i].name);
        }
    }
    for (uint32_t i = 0; i < e->rate_count; i++) {
        const struct weft_command_arg *arg = find_change(c, &e->rates[i], &now, &is_known);
        int64_t allowed = allowed_by(&e->rates[i], has_moved ? last_ns : UINT64_MAX);
        if (arg != NULL && (!is_known || !weft_scalar_is_within(arg->value.number, now, allowed))) {
            return fail(c, WEFT_ENVELOPE_RATE, e->rates[i].name);
        }
    }
    return WEFT_ENVELOPE_PASSED;
}

/* ACT-3: what was not read holds nothing, and is denied by nothing. */
static enum weft_envelope_fault check_demands(const struct check *c,
    const struct weft_envelope_demands *demands, enum weft_demand_verdict wanted,
    enum weft_envelope_fault fault)
{
    for (uint32_t i = 0; i < demands->count; i++) {
        const struct weft_envelope_demand *demand = &demands->list[i];
        if (weft_demand_judge(&demand->demand, c->facts->readings, c->facts->reading_count,
                c->facts->now_ns, demand->fresh_ms) != wanted) {
            return fail(c, fault, demand->demand.path);
        }
    }
    return WEFT_ENVELOPE_PASSED;
}

static enum weft_envelope_fault check_live(const struct check *c)
{
    enum weft_envelope_fault fault = check_changes(c);
    if (fault == WEFT_ENVELOPE_PASSED) {
        fault =
            check_demands(c, &c->envelope->interlocks, WEFT_DEMAND_MET, WEFT_ENVELOPE_INTERLOCK);
    }
    if (fault == WEFT_ENVELOPE_PASSED) {
        fault = check_demands(c, &c->envelope->requires, WEFT_DEMAND_MET, WEFT_ENVELOPE_REQUIRE);
    }
    return fault == WEFT_ENVELOPE_PASSED
               ? check_demands(c, &c->envelope->denies, WEFT_DEMAND_UNMET, WEFT_ENVELOPE_DENY)
               : fault;
}

/* --- all ------------------------------------------------------------------------------------- */

static enum weft_envelope_fault check_one(const struct check *c)
{
    const struct weft_chain_link *link = &c->envelope->link;
    if (c->facts->now_ns < link->issued_ns || c->facts->now_ns >= link->expires_ns) {
        return fail(c, WEFT_ENVELOPE_EXPIRED, c->envelope->name);
    }
    if (!weft_envelope_note_is_about(c->envelope, c->command->target, c->command->verb)) {
        return fail(c, WEFT_ENVELOPE_ABOUT, c->command->verb);
    }
    enum weft_envelope_fault fault = check_args(c);
    if (fault == WEFT_ENVELOPE_PASSED) {
        fault = check_outcomes(c);
    }
    if (fault == WEFT_ENVELOPE_PASSED) {
        fault = check_moves(c);
    }
    return fault == WEFT_ENVELOPE_PASSED && c->facts->has_live ? check_live(c) : fault;
}

/* The command's own preconditions, which have no freshness of their own: as a step's value. */
static enum weft_envelope_fault check_pres(const struct weft_command_note *command,
    const struct weft_envelope_facts *facts, struct weft_msg *msg)
{
    for (uint32_t i = 0; i < command->pre_count; i++) {
        const struct weft_demand *pre = &command->pres[i];
        if (weft_demand_judge(pre, facts->readings, facts->reading_count, facts->now_ns,
                step_fresh_ms) != WEFT_DEMAND_MET) {
            (void)weft_fail(msg, WEFT_EREFUSED, "pre: %.*s is not so, or was not read of late",
                (int)pre->path.size, pre->path.data);
            return WEFT_ENVELOPE_PRE;
        }
    }
    return WEFT_ENVELOPE_PASSED;
}

enum weft_envelope_fault weft_envelope_check(const struct weft_envelope_note *envelopes,
    uint32_t count, const struct weft_command_note *command,
    const struct weft_envelope_facts *facts, struct weft_msg *msg)
{
    weft_assert(count > 0); /* ACT-5: no command is without one */
    for (uint32_t i = 0; i < count; i++) {
        const struct check c = {
            .envelope = &envelopes[i], .command = command, .facts = facts, .msg = msg};
        enum weft_envelope_fault fault = check_one(&c);
        if (fault != WEFT_ENVELOPE_PASSED) {
            return fault;
        }
    }
    return facts->has_live ? check_pres(command, facts, msg) : WEFT_ENVELOPE_PASSED;
}

enum weft_envelope_fault weft_envelope_check_interlocks(const struct weft_envelope_note *envelope,
    const struct weft_envelope_facts *facts, struct weft_msg *msg)
{
    const struct check c = {.envelope = envelope, .facts = facts, .msg = msg};
    return check_demands(&c, &envelope->interlocks, WEFT_DEMAND_MET, WEFT_ENVELOPE_INTERLOCK);
}

uint64_t weft_envelope_finish_ms(const struct weft_envelope_note *envelopes, uint32_t count)
{
    uint64_t finish_ms = UINT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        finish_ms = envelopes[i].finish_ms < finish_ms ? envelopes[i].finish_ms : finish_ms;
    }
    return finish_ms;
}
