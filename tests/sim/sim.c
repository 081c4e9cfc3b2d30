#include "tests/sim/check.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *const sim_count_names[SIM_COUNTS] = {
    [SIM_LOST] = "lost messages",
    [SIM_DUPLICATED] = "duplicated messages",
    [SIM_OVERTAKEN] = "slow messages",
    [SIM_PARTITION] = "partitions",
    [SIM_ONE_WAY] = "one-way cuts",
    [SIM_CRASH] = "crashes",
    [SIM_LOST_WRITES] = "crashes with unsynced writes",
    [SIM_TORN_WRITES] = "torn writes",
    [SIM_STATE_AHEAD] = "states ahead of their log",
    [SIM_DISK_ERROR] = "disk errors",
    [SIM_DISK_FULL] = "full disks",
    [SIM_PAUSE] = "pauses",
    [SIM_ADDED] = "members added",
    [SIM_PROMOTED] = "members promoted",
    [SIM_DEMOTED] = "members demoted",
    [SIM_REMOVED] = "members removed",
    [SIM_LEADER_REMOVED] = "leaders removed",
    [SIM_CHECKPOINT] = "checkpoints",
    [SIM_INSTALL] = "installs",
    [SIM_TRANSFER] = "transfers",
    [SIM_PROPOSED] = "proposals",
    [SIM_ACKNOWLEDGED] = "acknowledged",
    [SIM_READ] = "reads",
    [SIM_READ_FAILED] = "failed reads",
    [SIM_LEADER] = "leaders",
    [SIM_TRUNCATED] = "truncations",
    [SIM_MINORITY_HEAL] = "heals of a bare majority",
    [SIM_ALARM] = "alarms",
};

/* splitmix64 (Steele, Lea, Flood, 2014). */
uint64_t sim_random(struct sim *s, uint64_t bound)
{
    uint64_t z = (s->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return bound == 0 ? z : z % bound;
}

bool sim_chance(struct sim *s, uint32_t permille)
{
    return sim_random(s, 1000) < permille;
}

static void dump(struct sim *s)
{
    for (uint64_t id = 1; id <= s->node_count; id++) {
        struct weft_replica_status t;
        const struct sim_node *n = &s->nodes[id];
        if (n->replica == NULL) {
            (void)fprintf(s->options.trace, "       node %" PRIu64 " is down\n", id);
            continue;
        }
        weft_replica_status(n->replica, &t);
        (void)fprintf(s->options.trace,
            "       node %" PRIu64 " %s role %d term %" PRIu64 " leader %" PRIu64 " log %" PRIu64
            " to %" PRIu64 " commit %" PRIu64 " applied %" PRIu64 " checkpoint %" PRIu64
            " last drop '%s' members of %" PRIu64 ":",
            id, t.state, (int)t.role, t.term, t.leader_id, t.first_index, t.last_index,
            t.commit_index, t.applied_index, n->checkpoint_index, t.dropped_reason,
            weft_replica_configuration(n->replica)->index);
        const struct weft_configuration *c = weft_replica_configuration(n->replica);
        for (uint32_t i = 0; i < c->count; i++) {
            (void)fprintf(s->options.trace, " %" PRIu64 "%s", c->members[i].id,
                c->members[i].role == WEFT_ROLE_VOTER     ? ""
                : c->members[i].role == WEFT_ROLE_STANDBY ? "-"
                                                          : "?");
        }
        (void)fprintf(s->options.trace, "\n");
    }
}

void sim_fail(struct sim *s, const char *format, ...)
{
    va_list args;
    if (s->has_failed) {
        return;
    }
    s->has_failed = true;
    va_start(args, format);
    (void)vsnprintf(s->failure, sizeof(s->failure), format, args);
    va_end(args);
    if (s->options.trace != NULL) {
        (void)fprintf(s->options.trace, "%6" PRIu64 " FAILED: %s\n", s->now_ms, s->failure);
        dump(s);
    }
}

/* FNV-1a over every line of the trace: two runs of a seed must say the same. */
void sim_note(struct sim *s, const char *format, ...)
{
    char line[300];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    size = size < (int)sizeof(line) ? size : (int)sizeof(line) - 1;
    for (int i = 0; i < size; i++) {
        s->trace_hash = (s->trace_hash ^ (uint8_t)line[i]) * UINT64_C(1099511628211);
    }
    s->trace_hash = (s->trace_hash ^ s->now_ms) * UINT64_C(1099511628211);
    if (s->options.trace != NULL) {
        (void)fprintf(s->options.trace, "%6" PRIu64 " %s\n", s->now_ms, line);
    }
}

const struct sim_state *sim_node_state(const struct sim_node *n)
{
    return &n->states[n->state_count - 1];
}

bool sim_node_is_leader(const struct sim_node *n)
{
    struct weft_replica_status status;
    if (n->replica == NULL) {
        return false;
    }
    weft_replica_status(n->replica, &status);
    return strcmp(status.state, "leader") == 0;
}

struct sim_node *sim_leader(struct sim *s)
{
    struct sim_node *leader = NULL;
    uint64_t term = 0;
    for (uint64_t id = 1; id <= s->node_count; id++) {
        struct weft_replica_status status;
        if (sim_node_is_leader(&s->nodes[id])) {
            weft_replica_status(s->nodes[id].replica, &status);
            if (status.term > term) {
                term = status.term;
                leader = &s->nodes[id];
            }
        }
    }
    return leader;
}

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->time_ms < b->time_ms || (a->time_ms == b->time_ms && a->order < b->order);
}

void sim_plan(struct sim *s, const struct sim_event *event, uint64_t delay_ms)
{
    if (s->event_count == s->event_capacity) {
        s->event_capacity = 2 * s->event_capacity + 256;
        s->events = realloc(s->events, s->event_capacity * sizeof(*s->events));
        if (s->events == NULL) {
            abort();
        }
    }
    size_t at = s->event_count++;
    s->events[at] = *event;
    s->events[at].time_ms = s->now_ms + delay_ms;
    s->events[at].order = s->event_order++;
    while (at > 0 && is_before(&s->events[at], &s->events[(at - 1) / 2])) {
        struct sim_event parent = s->events[(at - 1) / 2];
        s->events[(at - 1) / 2] = s->events[at];
        s->events[at] = parent;
        at = (at - 1) / 2;
    }
}

static struct sim_event take_event(struct sim *s)
{
    struct sim_event first = s->events[0];
    size_t at = 0;
    s->events[0] = s->events[--s->event_count];
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < s->event_count; child++) {
            least = is_before(&s->events[child], &s->events[least]) ? child : least;
        }
        if (least == at) {
            return first;
        }
        struct sim_event moved = s->events[least];
        s->events[least] = s->events[at];
        s->events[at] = moved;
        at = least;
    }
}

static void drop(const struct sim_event *event)
{
    if (event->message != NULL) {
        sim_message_free(event->message);
    }
    sim_kind_drop(event);
}

static void handle(struct sim *s, struct sim_event *event)
{
    struct sim_node *n = &s->nodes[event->node];
    if (event->type == SIM_EVENT_CLIENT || event->type == SIM_EVENT_ANSWER) {
        sim_client(s, event);
        sim_kind_drop(event);
        return;
    }
    if (event->type == SIM_EVENT_NEMESIS) {
        sim_nemesis(s);
        return;
    }
    if (n->paused_until_ms > s->now_ms && event->type != SIM_EVENT_RESTART) {
        sim_plan(s, event, n->paused_until_ms - s->now_ms);
        return;
    }
    sim_node_event(n, event);
    drop(event);
}

void sim_run_until(struct sim *s, uint64_t end_ms)
{
    while (!s->has_failed && s->event_count > 0 && s->events[0].time_ms <= end_ms) {
        struct sim_event event = take_event(s);
        s->now_ms = event.time_ms;
        handle(s, &event);
    }
    s->now_ms = end_ms > s->now_ms ? end_ms : s->now_ms;
}

static struct weft_replica_member member_of(uint64_t id)
{
    struct weft_replica_member m = {.id = id, .role = WEFT_ROLE_VOTER, .wants_vote = true};
    (void)snprintf(m.name, sizeof(m.name), "n%" PRIu64, id);
    (void)snprintf(m.peer_address, sizeof(m.peer_address), "p%" PRIu64, id);
    (void)snprintf(m.client_address, sizeof(m.client_address), "c%" PRIu64, id);
    return m;
}

static void init(struct sim *s, const struct sim_options *options)
{
    struct weft_configuration first = {.index = 1, .count = options->voters};
    s->options = *options;
    s->random = options->seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
    s->trace_hash = UINT64_C(14695981039346656037);
    s->now_ms = 1000;
    s->next_value = 1;
    s->node_count = options->voters + SIM_EXTRA_NODES;
    s->check = sim_check_create();
    sim_kind_open(s);
    for (uint32_t i = 0; i < options->voters; i++) {
        first.members[i] = member_of(i + 1);
    }
    for (uint64_t id = 1; id <= s->node_count; id++) {
        sim_node_init(s, id, id <= options->voters ? &first : NULL);
    }
    for (uint64_t id = 1; id <= options->voters; id++) {
        sim_node_start(&s->nodes[id]);
    }
}

/* After the last fault: a leader within a few elections, a proposal acknowledged, and everybody
 * who is a member equal. */
static void await_progress(struct sim *s, const char *who)
{
    uint64_t acknowledged = s->counts[SIM_ACKNOWLEDGED];
    uint64_t end_ms = s->now_ms + 60 * SIM_ELECTION_MS;
    while (!s->has_failed && s->counts[SIM_ACKNOWLEDGED] == acknowledged) {
        struct sim_node *leader = sim_leader(s);
        if (s->now_ms >= end_ms) {
            sim_fail(s, "no progress of %s within %d ms after healing", who, 60 * SIM_ELECTION_MS);
            return;
        }
        if (leader != NULL) {
            sim_kind_probe(leader);
        }
        sim_run_until(s, s->now_ms + SIM_HEARTBEAT_MS);
    }
}

static bool is_level(struct sim *s, char *ret_why, size_t size)
{
    const struct weft_configuration *c = sim_check_configuration(s);
    uint64_t applied = sim_check_applied_max(s);
    for (uint32_t i = 0; i < c->count; i++) {
        struct sim_node *n = &s->nodes[c->members[i].id];
        if (c->members[i].role != WEFT_ROLE_SPARE && sim_node_state(n)->index < applied) {
            (void)snprintf(ret_why, size, "node %" PRIu64 " is at %" PRIu64 " of %" PRIu64, n->id,
                sim_node_state(n)->index, applied);
            return false;
        }
    }
    return true;
}

/* A node that was added by a change whose asker saw it fail. */
static void start_members(struct sim *s)
{
    const struct weft_configuration *c = sim_check_configuration(s);
    for (uint32_t i = 0; i < c->count; i++) {
        struct sim_node *n = &s->nodes[c->members[i].id];
        if (n->replica == NULL) {
            sim_node_start(n);
        }
    }
}

static void await_level(struct sim *s)
{
    char why[100] = "";
    uint64_t end_ms = s->now_ms + 60 * SIM_ELECTION_MS;
    while (!s->has_failed && !is_level(s, why, sizeof(why))) {
        if (s->now_ms >= end_ms) {
            sim_fail(s, "not level %d ms after healing: %s", 60 * SIM_ELECTION_MS, why);
            return;
        }
        start_members(s);
        sim_run_until(s, s->now_ms + SIM_HEARTBEAT_MS);
    }
    uint64_t chain = 0;
    const struct weft_configuration *c = sim_check_configuration(s);
    for (uint32_t i = 0; i < c->count && !s->has_failed; i++) {
        const struct sim_state *state = sim_node_state(&s->nodes[c->members[i].id]);
        if (c->members[i].role == WEFT_ROLE_SPARE || state->index != sim_check_applied_max(s)) {
            continue;
        }
        if (chain != 0 && state->chain != chain) {
            sim_fail(s, "states differ at the end: node %" PRIu64, c->members[i].id);
        }
        chain = state->chain;
    }
}

/* Everybody up but a minority of the voters, if the seed says so. */
static uint32_t heal(struct sim *s, bool leave_minority)
{
    const struct weft_configuration *c = sim_check_configuration(s);
    uint32_t voters = 0, down = 0;
    for (uint32_t i = 0; c != NULL && i < c->count; i++) {
        voters += c->members[i].role == WEFT_ROLE_VOTER;
    }
    for (uint64_t id = 1; id <= s->node_count; id++) {
        struct sim_node *n = &s->nodes[id];
        bool is_voter = false;
        for (uint32_t i = 0; c != NULL && i < c->count; i++) {
            is_voter =
                is_voter || (c->members[i].id == id && c->members[i].role == WEFT_ROLE_VOTER);
        }
        n->paused_until_ms = 0;
        if (leave_minority && is_voter && down < (voters - 1) / 2 &&
            (n->replica == NULL || sim_chance(s, 500))) {
            down++;
            if (n->replica != NULL) {
                sim_node_crash(n, UINT64_MAX);
            }
        } else if (n->replica == NULL && n->is_used) {
            sim_node_start(n);
        }
    }
    return down;
}

/* A configuration that was not yet applied anywhere may ask for a voter that is down. */
static bool has_settled_members(struct sim *s)
{
    struct sim_node *leader = sim_leader(s);
    const struct weft_configuration *c = sim_check_configuration(s);
    return leader != NULL && c != NULL &&
           weft_replica_configuration(leader->replica)->index == c->index;
}

/* A node counts votes by the newest configuration in its log (Raft, 6), committed or not: one that
 * never was may ask for a voter that is down, and its log may be needed by all the others. */
static bool is_majority_to_all(struct sim *s)
{
    const struct weft_configuration *settled = sim_check_configuration(s);
    for (uint64_t id = 1; id <= s->node_count; id++) {
        const struct weft_replica *replica = s->nodes[id].replica;
        const struct weft_configuration *c =
            replica != NULL ? weft_replica_configuration(replica) : NULL;
        uint32_t voters = 0, up = 0;
        if (c == NULL || settled == NULL || c->index <= settled->index) {
            continue;
        }
        for (uint32_t i = 0; i < c->count; i++) {
            bool is_voter = c->members[i].role == WEFT_ROLE_VOTER;
            voters += is_voter;
            up += is_voter && s->nodes[c->members[i].id].replica != NULL;
        }
        if (2 * up <= voters) {
            return false;
        }
    }
    return true;
}

static void finish(struct sim *s)
{
    s->is_healing = true;
    sim_calm(s);
    if (sim_chance(s, 600) && has_settled_members(s) && heal(s, true) > 0 &&
        is_majority_to_all(s)) {
        s->counts[SIM_MINORITY_HEAL]++;
        await_progress(s, "a bare majority");
    }
    (void)heal(s, false);
    await_progress(s, "all");
    await_level(s);
    if (!s->has_failed) {
        sim_kind_end(s);
    }
}

void sim_run(const struct sim_options *options, struct sim_result *ret_result)
{
    struct sim *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        abort();
    }
    init(s, options);
    struct sim_event nemesis = {.type = SIM_EVENT_NEMESIS};
    sim_kind_begin(s);
    sim_plan(s, &nemesis, 2 * SIM_ELECTION_MS);
    sim_run_until(s, s->now_ms + options->duration_ms);
    if (!s->has_failed) {
        finish(s);
    }
    *ret_result = (struct sim_result){.has_failed = s->has_failed, .trace_hash = s->trace_hash};
    memcpy(ret_result->failure, s->failure, sizeof(s->failure));
    memcpy(ret_result->counts, s->counts, sizeof(s->counts));
    for (uint64_t id = 1; id <= s->node_count; id++) {
        sim_node_close(&s->nodes[id]);
    }
    for (size_t i = 0; i < s->event_count; i++) {
        drop(&s->events[i]);
    }
    sim_kind_close(s);
    sim_check_destroy(s->check);
    free(s->events);
    free(s);
}
