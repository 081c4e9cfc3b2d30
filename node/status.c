#include <stdio.h>
#include <string.h>

#include "node/governing.h"
#include "node/node.h"
#include "node/state/cells.h"
#include "node/state/commands.h"
#include "node/wall.h"

enum {
    PARTNERS_MAX = 50, /* Agreements that are shown; chosen. */
    SPACE_MS = 250,    /* Between two looks at the data directory; chosen. */
    GAUGES_MAX = 120 + 28 * PARTNERS_MAX,
};
_Static_assert((int)GAUGES_MAX <= (int)WEFT_GAUGES_MAX, "a status holds them");

struct gauges {
    struct weft_gauge *list;
    uint32_t count;
    uint32_t max;
};

static void add(struct gauges *g, const char *name, uint64_t value)
{
    if (g->count < g->max) {
        g->list[g->count++] = (struct weft_gauge){weft_text_of(name), value};
    }
}

static void add_link(struct gauges *g, const char *const names[8], const struct weft_link *link)
{
    struct weft_link_stats s;
    weft_link_stats(link, &s);
    add(g, names[0], s.accepted);
    add(g, names[1], s.refused_tls + s.refused_identity + s.refused_limit);
    add(g, names[2], s.dropped_malformed + s.dropped_oversized);
    add(g, names[3], s.dropped_silent + s.dropped_slow);
    add(g, names[4], s.messages_in);
    add(g, names[5], s.messages_out);
    add(g, names[6], s.bytes_in);
    add(g, names[7], s.bytes_out);
}

static void add_log(struct gauges *g, const struct weft_node *node)
{
    struct weft_log_stats s;
    node->log->engine->stats(node->log, &s);
    add(g, "log_disk_bytes", s.disk_bytes);
    add(g, "log_used_bytes", s.used_bytes);
    add(g, "log_cached_bytes", s.cached_bytes);
    add(g, "log_syncs_total", s.syncs);
    add(g, "log_sync_ns_mean", s.syncs > 0 ? s.sync_ns_total / s.syncs : 0);
    add(g, "log_appended_bytes_total", s.appended_bytes);
}

static void add_lineage(struct gauges *g, const struct weft_state *state)
{
    struct weft_lineage_stats s;
    weft_state_lineage(state, &s);
    add(g, "lineage_bytes", s.used_bytes);
    add(g, "lineage_limit_bytes", s.limit_bytes);
    add(g, "lineage_nodes", s.nodes);
    add(g, "lineage_edges", s.edges);
    add(g, "lineage_given_up", s.is_given_up ? 1 : 0);
}

/* Wall clock against the time of an entry, both of which are wall clocks. */
static uint64_t age_s(int64_t time_ns)
{
    int64_t now_s = weft_wall_ns() / 1000000000, then_s = time_ns / 1000000000;
    return now_s > then_s ? (uint64_t)(now_s - then_s) : 0;
}

static void add_warrants(struct gauges *g, const struct weft_warrants *warrants)
{
    struct weft_warrants_figures figures;
    weft_warrants_figures(warrants, &figures);
    add(g, "notes_verified_total", figures.verified);
    add(g, "notes_refused_total", figures.refused);
    add(g, "notes_recalled_total", figures.recalled);
    add(g, "notes_dropped_total", figures.dropped);
    add(g, "notes_waiting", figures.waiting);
}

static void add_commands(struct gauges *g, const struct weft_commands *commands)
{
    static const char *const names[WEFT_COMMANDS_ALARMS] = {"alarm_unknown_total",
        "alarm_deviation_total", "alarm_interlock_total", "alarm_failed_total",
        "alarm_break_glass_total", "alarm_gateway_lost_total", "alarm_fence_total",
        "alarm_signature_total", "alarm_plant_lost_total", "alarm_other_total"};
    add(g, "commands_open", weft_commands_open(commands));
    for (uint32_t i = 0; i < WEFT_COMMANDS_ALARMS; i++) {
        add(g, names[i], weft_commands_alarms(commands, i));
    }
}

static void add_http(struct gauges *g, const struct weft_http_stats *s)
{
    add(g, "http_connections", s->connections);
    add(g, "http_streams", s->streams);
    add(g, "http_events_total", s->events);
    add(g, "http_refused_identity_total", s->refused_peer);
    add(g, "http_dropped_slow_total", s->dropped_slow);
    add(g, "http_dropped_gone_total", s->dropped_gone);
    add(g, "http_dropped_endless_total", s->dropped_endless);
}

/* "partner/<agreement>/<direction>/<figure>": node/api/http/metrics.c makes labels of it. */
static void add_partner(struct gauges *g, struct weft_arena *arena,
    const struct weft_text agreement, const char *direction, const char *figure, uint64_t value)
{
    char name[160];
    (void)snprintf(name, sizeof(name), "partner/%.*s/%s/%s", (int)agreement.size, agreement.data,
        direction, figure);
    const struct weft_text kept = weft_arena_text(arena, weft_text_of(name));
    if (kept.data != NULL && g->count < g->max) {
        g->list[g->count++] = (struct weft_gauge){kept, value};
    }
}

static void add_direction(struct gauges *g, struct weft_arena *arena,
    const struct weft_partner_figures *f, enum weft_direction direction)
{
    bool is_sent = direction == WEFT_SENT;
    const char *word = is_sent ? "sent" : "received";
    add_partner(g, arena, f->agreement, word, "up", f->is_connected ? 1 : 0);
    add_partner(g, arena, f->agreement, word, "leaves", f->leaves);
    add_partner(g, arena, f->agreement, word, "lag_statements", f->lag);
    add_partner(g, arena, f->agreement, word, "lag_ms", f->lag_ms);
    add_partner(g, arena, f->agreement, word, "bytes_total", f->bytes);
    add_partner(
        g, arena, f->agreement, word, is_sent ? "refused_total" : "faults_total", f->refused);
    if (is_sent) {
        add_partner(g, arena, f->agreement, word, "fenced", f->is_fenced ? 1 : 0);
        add_partner(g, arena, f->agreement, word, "split", f->is_split ? 1 : 0);
        if (f->evidence > 0) {
            add_partner(g, arena, f->agreement, word, "evidence_total", f->evidence);
        }
    } else {
        add_partner(g, arena, f->agreement, word, "quarantined", f->quarantined);
        add_partner(g, arena, f->agreement, word, "offered", f->is_offered ? 1 : 0);
        add_partner(g, arena, f->agreement, word, "held", f->hold != WEFT_CONSUMER_TAKES ? 1 : 0);
    }
}

/* What both sides make of it: the same figures there, once they have the same statements. */
static void add_shared(struct gauges *g, struct weft_arena *arena, const struct weft_node *node,
    struct weft_text agreement)
{
    struct weft_cells_sum sum;
    struct weft_msg msg = {""};
    if (weft_state_cells_sum(node->state, agreement, &sum, &msg) == WEFT_OK) {
        add_partner(g, arena, agreement, "shared", "disputes", sum.disputes);
        add_partner(g, arena, agreement, "shared", "aliases", sum.proposed);
        add_partner(g, arena, agreement, "shared", "unnamed", sum.unnamed);
    }
}

/* Whether both have filed the same, and what was lacking here. */
static void add_sets(struct gauges *g, struct weft_arena *arena, const struct weft_node *node,
    uint32_t number, struct weft_text agreement)
{
    const struct weft_partner_set_figures s = weft_partners_set_figures(node->partners, number);
    add_partner(g, arena, agreement, "both", "set_differs", s.differs ? 1 : 0);
    add_partner(g, arena, agreement, "both", "set_compared_total", s.compared);
    add_partner(g, arena, agreement, "both", "set_lacking_total", s.lacked);
    add_partner(g, arena, agreement, "both", "set_filed_total", s.filed);
    add_partner(g, arena, agreement, "both", "set_faults_total", s.faults);
}

/* What was refused of his questions and answers. */
static void add_questions(struct gauges *g, struct weft_arena *arena, const struct weft_node *node,
    uint32_t number, struct weft_text agreement)
{
    const struct weft_question_partner p =
        weft_question_gate_figures(&node->questions.gate, number);
    add_partner(g, arena, agreement, "both", "questions_refused_total", p.questions_refused);
    add_partner(g, arena, agreement, "both", "answers_refused_total", p.answers_refused);
}

static void add_partners(struct gauges *g, struct weft_arena *arena, const struct weft_node *node)
{
    static const char *const names[8] = {"partner_accepted_total", "partner_refused_total",
        "partner_dropped_malformed_total", "partner_dropped_silent_total",
        "partner_messages_in_total", "partner_messages_out_total", "partner_bytes_in_total",
        "partner_bytes_out_total"};
    struct weft_partner_figures figures;
    uint64_t beside;
    const struct weft_link *link =
        node->partner_door != NULL ? weft_partner_door_of(node->partner_door) : NULL;
    if (link != NULL) {
        add_link(g, names, link);
    }
    for (uint32_t i = 0; i < PARTNERS_MAX && node->partners != NULL; i++) {
        beside = 0;
        for (int d = 0; d < WEFT_DIRECTIONS; d++) {
            enum weft_direction direction = (enum weft_direction)d;
            if (!weft_partners_figures(node->partners, i, direction, &figures)) {
                return;
            }
            add_direction(g, arena, &figures, direction);
            beside += figures.beside;
        }
        add_partner(g, arena, figures.agreement, "both", "beside_bytes_total", beside);
        add_questions(g, arena, node, i, figures.agreement);
        add_sets(g, arena, node, i, figures.agreement);
        add_shared(g, arena, node, figures.agreement);
    }
}

/* Each file of the directory is looked at, which who asks again and again need not pay for. */
static void look_at_space(struct weft_node *node)
{
    struct weft_node_space *s = &node->space;
    const uint64_t now_ms = uv_now(&node->loop);
    if (!s->is_known || now_ms - s->looked_ms >= SPACE_MS) {
        s->is_known =
            weft_datadir_space(node->config.node.data, &s->free_bytes, &s->used_bytes) == WEFT_OK;
        s->looked_ms = now_ms;
    }
}

static void add_all(struct gauges *g, const struct weft_node *node,
    const struct weft_replica_status *raft, const struct weft_state_position *position)
{
    static const char *const client[8] = {"client_accepted_total", "client_refused_total",
        "client_dropped_malformed_total", "client_dropped_silent_total", "client_messages_in_total",
        "client_messages_out_total", "client_bytes_in_total", "client_bytes_out_total"};
    static const char *const peer[8] = {"peer_accepted_total", "peer_refused_total",
        "peer_dropped_malformed_total", "peer_dropped_silent_total", "peer_messages_in_total",
        "peer_messages_out_total", "peer_bytes_in_total", "peer_bytes_out_total"};
    struct weft_telemetry_counts telemetry;
    struct weft_long_reads_figures reads;
    struct weft_denials denials;
    add(g, "records", position->records);
    add(g, "assets", position->assets);
    add(g, "audit_signed_leaves", weft_audit_sign_note_size(node->audit_sign));
    add_lineage(g, node->state);
    add(g, "commits_total", node->commits);
    add(g, "refusals_total", node->refusals);
    weft_state_denials(node->state, &denials);
    add(g, "denials_total", denials.commits);
    add(g, "refusals_paced_total", node->patience.paced);
    add_warrants(g, node->warrants);
    add(g, "requests_total", weft_native_requests(node->native));
    add(g, "clients", weft_native_clients(node->native));
    add(g, "proposals_in_flight", node->proposer.proposed_count);
    add(g, "proposals_waiting_bytes", node->proposer.waiting_bytes);
    add(g, "notices_waiting", weft_notices_is_telling(&node->notices) ? 1 : 0);
    add(g, "reads_total", node->reads.served);
    add(g, "reads_waiting", node->reads.count);
    weft_long_reads_figures(node->reads.long_reads, &reads);
    add(g, "long_reads_waiting", reads.waiting);
    add(g, "long_reads_running", reads.running);
    add(g, "long_reads_total", reads.answered);
    add(g, "long_reads_refused_total", reads.refused);
    add(g, "long_reads_cancelled_total", reads.cancelled);
    add(g, "long_reads_paced_ns_total", reads.rested_ns);
    add(g, "elections_total", raft->elections);
    add(g, "raft_dropped_messages_total", raft->dropped_messages);
    add(g, "raft_alarms_total", raft->alarms);
    add(g, "peer_unsent_messages_total", weft_peers_dropped(node->peers));
    add(g, "checkpoints_taken_total", node->checkpoints.taken);
    add(g, "checkpoints_installed_total", node->checkpoints.installed);
    weft_telemetry_counts(node->telemetry, &telemetry);
    add(g, "telemetry_blocks_put_total", telemetry.put);
    add(g, "telemetry_blocks_got_total", telemetry.got);
    add(g, "telemetry_blocks_fetched_total", telemetry.fetched);
    add(g, "telemetry_blocks_damaged_total", telemetry.damaged);
    if (node->checkpoints.newest_index > 0) {
        add(g, "checkpoint_age_s", age_s(node->checkpoints.newest_time_ns));
    }
    add(g, "lag_entries",
        raft->commit_index > position->index ? raft->commit_index - position->index : 0);
    add(g, "alarms_total", node->alarms);
    add_commands(g, weft_state_commands(node->state));
    add(g, "slow_turns_total", node->slow_turns);
    add(g, "log_lines_suppressed_total", weft_log_suppressed());
    if (node->space.is_known) {
        add(g, "disk_free_bytes", node->space.free_bytes);
        add(g, "disk_used_bytes", node->space.used_bytes);
    }
    add_log(g, node);
    add_link(g, client, weft_native_link(node->native));
    add_link(g, peer, weft_peers_link(node->peers));
    if (node->http != NULL) {
        add_http(g, weft_http_stats(node->http));
    }
}

enum weft_err weft_node_status(
    struct weft_node *node, struct weft_arena *arena, struct weft_status *ret_status)
{
    struct weft_replica_status raft;
    struct weft_state_position position;
    struct gauges g = {
        weft_arena_array(arena, GAUGES_MAX, sizeof(struct weft_gauge)), 0, GAUGES_MAX};
    struct weft_status status = {0};
    status.members = weft_membership_list(node, arena, &status.member_count);
    if (g.list == NULL || status.members == NULL) {
        return WEFT_ENOMEM;
    }
    weft_replica_status(node->replica, &raft);
    weft_state_position(node->state, &position);
    look_at_space(node);
    add_all(&g, node, &raft, &position);
    add_partners(&g, arena, node);
    status.site = weft_text_of(node->config.node.site);
    status.org = weft_text_of(node->config.node.org);
    status.node = weft_text_of(node->config.node.name);
    status.version = weft_text_of(WEFT_VERSION);
    status.state = weft_text_of(raft.state);
    status.node_id = node->datadir.identity.member_id;
    status.cluster = node->datadir.identity.cluster;
    status.leader_id = raft.leader_id;
    status.term = raft.term;
    status.commit_index = raft.commit_index;
    status.applied_index = position.index;
    status.first_log_index = raft.first_index;
    status.last_log_index = raft.last_index;
    status.checkpoint_index = node->checkpoints.newest_index;
    status.chain = position.chain;
    status.policy = weft_governing_name(node, arena);
    const struct weft_merkle_head audit = weft_state_audit(node->state);
    status.audit_size = audit.size;
    status.audit_root = audit.root;
    status.gauges = g.list;
    status.gauge_count = g.count;
    *ret_status = status;
    return WEFT_OK;
}
