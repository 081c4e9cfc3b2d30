/* What the leader has to propose: of each command the next step, as soon as it is due.
 *
 * Many commands wait and few change, so only those are looked at that have changed, or that stand
 * first where a channel is free; and all of them when the earliest of their times has come. */
#include "node/state/commands_parts.h"
#include "proto/check.h"

static const uint64_t ms_ns = 1000 * 1000;

/* --- who waits ------------------------------------------------------------------------------- */

void weft_commands_look_at(struct weft_commands *c, struct weft_command_live *live)
{
    if (!live->is_to_look) {
        live->is_to_look = true;
        TAILQ_INSERT_TAIL(&c->to_look, live, in_to_look);
    }
}

static void is_looked_at(struct weft_commands *c, struct weft_command_live *live)
{
    if (live->is_to_look) {
        live->is_to_look = false;
        TAILQ_REMOVE(&c->to_look, live, in_to_look);
    }
}

static void leave(struct weft_command_live *live)
{
    if (live->waits_for != NULL) {
        TAILQ_REMOVE(&live->waits_for->waiting, live, in_waiting);
        live->waits_for = NULL;
    }
}

void weft_commands_look_away(struct weft_commands *c, struct weft_command_live *live)
{
    is_looked_at(c, live);
    leave(live);
}

/* Of two commands that wait for a channel the one that changed first goes first. */
static bool goes_first(const struct weft_command_live *a, const struct weft_command_live *b)
{
    return a->value.index < b->value.index ||
           (a->value.index == b->value.index && memcmp(a->id, b->id, sizeof(a->id)) < 0);
}

void weft_commands_wait(
    struct weft_commands *c, struct weft_command_live *live, struct weft_command_channel *channel)
{
    struct weft_command_live *at;
    leave(live);
    if (channel == NULL) {
        return;
    }
    if (live->value.machine.state == WEFT_COMMAND_APPROVED) {
        TAILQ_FOREACH_REVERSE(at, &channel->waiting, weft_commands_waiting, in_waiting)
        {
            if (goes_first(at, live)) {
                break;
            }
        }
        if (at != NULL) {
            TAILQ_INSERT_AFTER(&channel->waiting, at, live, in_waiting);
        } else {
            TAILQ_INSERT_HEAD(&channel->waiting, live, in_waiting);
        }
        live->waits_for = channel;
    }
    at = TAILQ_FIRST(&channel->waiting);
    if (at != NULL && !channel->value.is_held) {
        weft_commands_look_at(c, at);
    }
}

/* --- what is due ----------------------------------------------------------------------------- */

static struct weft_command_hints hints_of(struct weft_commands *c,
    const struct weft_command_live *live, const struct weft_authority *authority, uint64_t term,
    int64_t now_ns)
{
    struct weft_commands_room room;
    struct weft_command_hints hints = {.term = term, .has_canary = true};
    struct weft_command_law law;
    struct weft_command_judgement judgement;
    enum weft_command_state state = live->value.machine.state;
    const struct weft_command_channel *channel = weft_commands_channel(c, live->command.channel);
    if (channel == NULL || state == WEFT_COMMAND_PROPOSED) {
        return hints;
    }
    hints.is_channel_free = live->waits_for != NULL && !channel->value.is_held &&
                            TAILQ_FIRST(&channel->waiting) == live;
    if (state == WEFT_COMMAND_APPROVED || state == WEFT_COMMAND_DISPATCHED ||
        state == WEFT_COMMAND_ACKED ||
        weft_commands_law(c, authority, UINT64_MAX - 1, now_ns, &live->command, channel, &room,
            &law, NULL) != WEFT_OK) {
        return hints;
    }
    weft_command_judge(&law, &live->value.machine, &live->command, live->value.machine.key_id, NULL,
        &judgement, NULL);
    hints.has_canary = judgement.has_canary;
    hints.is_too_soon =
        judgement.fault == WEFT_ENVELOPE_MOVES || judgement.fault == WEFT_ENVELOPE_DWELL;
    return hints;
}

/* Nothing has changed since it was looked at, and it is not yet time. */
static bool is_quiet(
    struct weft_commands *c, const struct weft_command_live *live, uint64_t term, int64_t now_ns)
{
    bool is_waiting = live->value.machine.state == WEFT_COMMAND_APPROVED;
    const struct weft_command_channel *channel =
        is_waiting ? weft_commands_channel(c, live->command.channel) : NULL;
    return live->looked_index == live->value.index && live->looked_term == term &&
           now_ns < live->when_ns && (channel == NULL || channel->value.is_held || live->is_told);
}

/* False: nothing is due. */
static bool tell(struct weft_commands *c, struct weft_command_live *live,
    const struct weft_command_hints *hints, int64_t now_ns, struct weft_commands_step *step,
    weft_commands_on_step *on_step, void *ctx)
{
    step->id = live->id;
    step->channel = live->command.channel;
    live->looked_index = live->value.index;
    live->looked_term = hints->term;
    live->is_told = weft_command_machine_due(
        &live->value.machine, &live->command, hints, now_ns, &step->kind, &live->when_ns);
    if (live->is_told) {
        on_step(ctx, step);
        live->when_ns = now_ns + WEFT_COMMANDS_AGAIN_MS * (int64_t)ms_ns;
    }
    c->when_ns = live->when_ns < c->when_ns ? live->when_ns : c->when_ns;
    return live->is_told;
}

/* Behind `verify`, which frees the channel, comes the `select` of who waits for it: in one entry,
 * so that the channel stands still for a round less. If it is not free in spite of that, ACT-7
 * refuses it, and it comes again. */
static void look(struct weft_commands *c, struct weft_command_live *live,
    const struct weft_authority *authority, uint64_t term, int64_t now_ns,
    weft_commands_on_step *on_step, void *ctx)
{
    const struct weft_command_hints hints = hints_of(c, live, authority, term, now_ns);
    const struct weft_command_hints freed = {
        .term = term, .has_canary = true, .is_channel_free = true};
    const struct weft_command_channel *channel;
    struct weft_commands_step step;
    if (tell(c, live, &hints, now_ns, &step, on_step, ctx) && step.kind == WEFT_COMMAND_VERIFY) {
        channel = weft_commands_channel(c, live->command.channel);
        if (channel != NULL && !TAILQ_EMPTY(&channel->waiting)) {
            (void)tell(c, TAILQ_FIRST(&channel->waiting), &freed, now_ns, &step, on_step, ctx);
        }
    }
}

static bool wants_proof(const struct weft_command_live *live)
{
    enum weft_command_state state = live->value.machine.state;
    return state == WEFT_COMMAND_INTENT || state == WEFT_COMMAND_SHADOW;
}

bool weft_commands_wants_proof(
    const struct weft_commands *c, const uint8_t id[WEFT_COMMAND_ID_SIZE], uint64_t *ret_leaf)
{
    const struct weft_command_live *live = weft_commands_in_memory(c, id);
    *ret_leaf = live != NULL ? live->value.leaf : 0;
    return live != NULL && wants_proof(live);
}

/* Everything, or what may have come due since. */
static void look_if_due(struct weft_commands *c, struct weft_command_live *live,
    const struct weft_authority *authority, int64_t now_ns, weft_commands_on_step *on_step,
    void *ctx)
{
    is_looked_at(c, live);
    if (!is_quiet(c, live, c->looked_term, now_ns)) {
        look(c, live, authority, c->looked_term, now_ns, on_step, ctx);
    }
    uint64_t leaf = wants_proof(live) ? live->value.leaf : 0;
    c->proof_leaf = leaf > c->proof_leaf ? leaf : c->proof_leaf;
    c->when_ns = live->when_ns < c->when_ns ? live->when_ns : c->when_ns; /* Of a quiet one, too. */
}

int64_t weft_commands_due(struct weft_commands *c, const struct weft_authority *authority,
    uint64_t term, int64_t now_ns, weft_commands_on_step *on_step, void *ctx, uint64_t *ret_leaf)
{
    struct weft_command_live *live, *next;
    if (c->looked_term != term || now_ns >= c->when_ns) {
        c->looked_term = term;
        c->when_ns = INT64_MAX;
        c->proof_leaf = 0;
        TAILQ_FOREACH(live, &c->all, in_all)
        {
            look_if_due(c, live, authority, now_ns, on_step, ctx);
        }
    }
    for (live = TAILQ_FIRST(&c->to_look); live != NULL; live = next) {
        next = TAILQ_NEXT(live, in_to_look);
        look_if_due(c, live, authority, now_ns, on_step, ctx);
    }
    *ret_leaf = c->proof_leaf;
    return c->when_ns;
}
