#include "node/api/http/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct metric {
    const char *gauge;  /* Of the node's status. */
    const char *name;   /* Without "weft_". */
    const char *labels; /* "" or {a="b"}; lines of one name stand together. */
    double scale;       /* From the gauge's unit to the base unit. */
    const char *help;
};

static const struct metric metrics[] = {
    {"records", "records", "", 1, "Records in the state."},
    {"assets", "assets", "", 1, "Assets in the state."},
    {"commits_total", "commits_total", "", 1, "Commits that this node has applied."},
    {"refusals_total", "commits_refused_total", "", 1,
        "Commits in the log that were refused when they were applied."},
    {"denials_total", "commits_denied_total", "", 1,
        "Of these, commits that the policy in force does not permit."},
    {"refusals_paced_total", "refusals_paced_total", "", 1,
        "Requests refused by the policy after which their principal had to wait."},
    {"notes_verified_total", "notes_verified_total", "", 1,
        "Tokens and signed requests that were verified and count."},
    {"notes_refused_total", "notes_refused_total", "", 1, "Of these, those that do not count."},
    {"notes_recalled_total", "notes_recalled_total", "", 1,
        "Requests with a token that was verified before."},
    {"notes_dropped_total", "notes_dropped_total", "", 1,
        "Notes that were not looked at, since too many came or did not count."},
    {"notes_waiting", "notes_waiting", "", 1, "Notes that wait to be verified."},
    {"requests_total", "client_requests_total", "", 1, "Requests on the native client door."},
    {"clients", "client_connections", "", 1, "Connections on the native client door."},
    {"proposals_in_flight", "proposals_in_flight", "", 1,
        "Raft entries proposed and not yet applied."},
    {"proposals_waiting_bytes", "proposals_waiting_bytes", "", 1,
        "Commits that wait to be proposed."},
    {"notices_waiting", "notices_waiting", "", 1,
        "1: the audit log does not have yet that this node started, or that its clock jumped."},
    {"reads_total", "queries_total", "", 1, "Queries answered."},
    {"reads_waiting", "queries_waiting", "", 1, "Queries that wait, parked ones included."},
    {"long_reads_waiting", "long_reads_waiting", "", 1, "Long queries that wait for a thread."},
    {"long_reads_running", "long_reads_running", "", 1, "Long queries that a thread works at."},
    {"long_reads_total", "long_reads_total", "", 1, "Long queries answered, errors included."},
    {"long_reads_refused_total", "long_reads_refused_total", "", 1,
        "Long queries that found the queue full."},
    {"long_reads_cancelled_total", "long_reads_cancelled_total", "", 1,
        "Long queries ended because nobody waited any more or their time was up."},
    {"long_reads_paced_ns_total", "long_reads_paced_seconds_total", "", 1e-9,
        "Time that long queries rested to let commits pass."},
    {"elections_total", "raft_elections_total", "", 1, "Elections that this node has started."},
    {"raft_dropped_messages_total", "raft_dropped_messages_total", "", 1,
        "Messages between nodes that a guard has dropped."},
    {"raft_alarms_total", "raft_alarms_total", "", 1, "Broken promises of other nodes."},
    {"alarms_total", "alarms_total", "", 1, "Lines in the log that ask to be reported."},
    {"commands_open", "commands_open", "", 1,
        "Commands to machines that have not ended, or whose outcome nobody has looked for."},
    {"alarm_unknown_total", "machine_alarms_total", "{alarm=\"unknown\"}", 1,
        "Alarms about machines that this node has applied since it started."},
    {"alarm_deviation_total", "machine_alarms_total", "{alarm=\"deviation\"}", 1, NULL},
    {"alarm_interlock_total", "machine_alarms_total", "{alarm=\"interlock\"}", 1, NULL},
    {"alarm_failed_total", "machine_alarms_total", "{alarm=\"failed\"}", 1, NULL},
    {"alarm_break_glass_total", "machine_alarms_total", "{alarm=\"break-glass\"}", 1, NULL},
    {"alarm_gateway_lost_total", "machine_alarms_total", "{alarm=\"gateway-lost\"}", 1, NULL},
    {"alarm_fence_total", "machine_alarms_total", "{alarm=\"fence\"}", 1, NULL},
    {"alarm_signature_total", "machine_alarms_total", "{alarm=\"signature\"}", 1, NULL},
    {"alarm_plant_lost_total", "machine_alarms_total", "{alarm=\"plant-lost\"}", 1, NULL},
    {"alarm_other_total", "machine_alarms_total", "{alarm=\"other\"}", 1, NULL},
    {"peer_unsent_messages_total", "peer_unsent_messages_total", "", 1,
        "Messages to other nodes that found no connection or a full queue."},
    {"checkpoints_taken_total", "checkpoints_taken_total", "", 1, "Checkpoints taken."},
    {"checkpoints_installed_total", "checkpoints_installed_total", "", 1,
        "Checkpoints of other nodes installed here."},
    {"checkpoint_age_s", "checkpoint_age_seconds", "", 1,
        "Age of the last entry in the newest checkpoint."},
    {"lag_entries", "lag_entries", "", 1, "Committed entries that are not applied yet."},
    {"slow_turns_total", "slow_turns_total", "", 1, "Turns of the loop of 100 ms and more."},
    {"log_lines_suppressed_total", "log_lines_suppressed_total", "", 1,
        "Lines of the log left out because there were too many."},
    {"disk_free_bytes", "disk_free_bytes", "", 1, "Free space where the data directory is."},
    {"disk_used_bytes", "disk_used_bytes", "", 1, "Size of the data directory."},
    {"log_disk_bytes", "raft_log_disk_bytes", "", 1, "Raft log on disk, spare segments included."},
    {"log_used_bytes", "raft_log_bytes", "", 1, "Raft log in use."},
    {"log_cached_bytes", "raft_log_cached_bytes", "", 1, "Raft log in memory."},
    {"log_syncs_total", "raft_log_syncs_total", "", 1, "Times the Raft log was made durable."},
    {"log_sync_ns_mean", "raft_log_sync_mean_seconds", "", 1e-9,
        "Mean time to make the Raft log durable."},
    {"log_appended_bytes_total", "raft_log_appended_bytes_total", "", 1,
        "Bytes appended to the Raft log."},
    {"client_accepted_total", "link_accepted_total", "{door=\"client\"}", 1,
        "Connections accepted."},
    {"peer_accepted_total", "link_accepted_total", "{door=\"peer\"}", 1, NULL},
    {"partner_accepted_total", "link_accepted_total", "{door=\"partner\"}", 1, NULL},
    {"client_refused_total", "link_refused_total", "{door=\"client\"}", 1,
        "Connections refused: TLS, identity, limit."},
    {"peer_refused_total", "link_refused_total", "{door=\"peer\"}", 1, NULL},
    {"partner_refused_total", "link_refused_total", "{door=\"partner\"}", 1, NULL},
    {"client_dropped_malformed_total", "link_dropped_malformed_total", "{door=\"client\"}", 1,
        "Connections dropped for bytes that are no message."},
    {"peer_dropped_malformed_total", "link_dropped_malformed_total", "{door=\"peer\"}", 1, NULL},
    {"partner_dropped_malformed_total", "link_dropped_malformed_total", "{door=\"partner\"}", 1,
        NULL},
    {"client_dropped_silent_total", "link_dropped_silent_total", "{door=\"client\"}", 1,
        "Connections dropped for silence or a full queue."},
    {"peer_dropped_silent_total", "link_dropped_silent_total", "{door=\"peer\"}", 1, NULL},
    {"partner_dropped_silent_total", "link_dropped_silent_total", "{door=\"partner\"}", 1, NULL},
    {"client_messages_in_total", "link_messages_in_total", "{door=\"client\"}", 1,
        "Messages received."},
    {"peer_messages_in_total", "link_messages_in_total", "{door=\"peer\"}", 1, NULL},
    {"partner_messages_in_total", "link_messages_in_total", "{door=\"partner\"}", 1, NULL},
    {"client_messages_out_total", "link_messages_out_total", "{door=\"client\"}", 1,
        "Messages sent."},
    {"peer_messages_out_total", "link_messages_out_total", "{door=\"peer\"}", 1, NULL},
    {"partner_messages_out_total", "link_messages_out_total", "{door=\"partner\"}", 1, NULL},
    {"client_bytes_in_total", "link_bytes_in_total", "{door=\"client\"}", 1, "Bytes received."},
    {"peer_bytes_in_total", "link_bytes_in_total", "{door=\"peer\"}", 1, NULL},
    {"partner_bytes_in_total", "link_bytes_in_total", "{door=\"partner\"}", 1, NULL},
    {"client_bytes_out_total", "link_bytes_out_total", "{door=\"client\"}", 1, "Bytes sent."},
    {"peer_bytes_out_total", "link_bytes_out_total", "{door=\"peer\"}", 1, NULL},
    {"partner_bytes_out_total", "link_bytes_out_total", "{door=\"partner\"}", 1, NULL},
    {"http_connections", "http_connections", "", 1, "Connections on the HTTP door."},
    {"http_streams", "http_streams", "", 1, "Event streams on the HTTP door."},
    {"http_events_total", "http_events_total", "", 1, "Events sent on streams."},
    {"http_refused_identity_total", "http_refused_identity_total", "", 1,
        "Requests whose certificate or token is nobody's."},
    {"http_dropped_slow_total", "http_dropped_slow_total", "", 1,
        "Connections hung up on: head or body took too long."},
    {"http_dropped_gone_total", "http_dropped_gone_total", "", 1,
        "Requests whose client went away before the answer."},
    {"http_dropped_endless_total", "http_dropped_endless_total", "", 1,
        "Bodies that went on past every limit."},
};

enum {
    METRICS = sizeof(metrics) / sizeof(metrics[0])
};

/* Steps of a longer text: the first error stays. */
struct sink {
    struct weft_buffer *out;
    enum weft_err err;
};

static void put(struct sink *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct sink *s, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (s->err == WEFT_OK && size > 0) {
        s->err = weft_buffer_append(
            s->out, text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
    }
}

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);
    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

static void put_head(struct sink *s, const char *name, const char *type, const char *help)
{
    put(s, "# HELP weft_%s %s\n# TYPE weft_%s %s\n", name, help, name, type);
}

static void put_one(struct sink *s, const char *name, const char *help, uint64_t value)
{
    put_head(s, name, ends_with(name, "_total") ? "counter" : "gauge", help);
    put(s, "weft_%s %" PRIu64 "\n", name, value);
}

static const struct weft_gauge *find(const struct weft_status *status, const char *name)
{
    for (uint32_t i = 0; i < status->gauge_count; i++) {
        if (weft_text_is(status->gauges[i].name, name)) {
            return &status->gauges[i];
        }
    }
    return NULL;
}

static void put_gauges(struct sink *s, const struct weft_status *status)
{
    const char *headed = "";
    for (size_t i = 0; i < METRICS; i++) {
        const struct metric *m = &metrics[i];
        const struct weft_gauge *gauge = find(status, m->gauge);
        if (gauge == NULL) {
            continue;
        }
        if (strcmp(headed, m->name) != 0) {
            headed = m->name;
            put_head(s, m->name, ends_with(m->name, "_total") ? "counter" : "gauge",
                m->help != NULL ? m->help : "See the door of the same name.");
        }
        if (m->scale == 1) {
            put(s, "weft_%s%s %" PRIu64 "\n", m->name, m->labels, gauge->value);
        } else {
            put(s, "weft_%s%s %.9g\n", m->name, m->labels, (double)gauge->value * m->scale);
        }
    }
}

/* Gauges "partner/<agreement>/<direction>/<figure>", by figure. */
static const struct {
    const char *figure, *name;
    double scale;
    const char *help;
} partner_metrics[] = {
    {"up", "partner_up", 1, "1: the partner is spoken with. On the leader."},
    {"leaves", "partner_leaves", 1, "Of the stream."},
    {"lag_statements", "partner_lag_statements", 1,
        "Sent: not acknowledged. Received: known of and not taken."},
    {"lag_ms", "partner_lag_seconds", 1e-3, "For so long there has been a lag."},
    {"bytes_total", "partner_bytes_total", 1, "Of statements, while this node has led."},
    {"beside_bytes_total", "partner_beside_bytes_total", 1,
        "Of all else that was said of both streams, while this node has led."},
    {"questions_refused_total", "partner_questions_refused_total", 1,
        "Of what the partner asked: too much, a loop, no such question agreed on."},
    {"answers_refused_total", "partner_answers_refused_total", 1,
        "Of what the partner answered: what does not count, or nobody waits for."},
    {"set_differs", "partner_set_differs", 1,
        "1: both sides have filed other statements, or come to other values. On the leader."},
    {"set_compared_total", "partner_set_compared_total", 1, "Comparisons of what both filed."},
    {"set_lacking_total", "partner_set_lacking_total", 1, "Statements that were lacking here."},
    {"set_filed_total", "partner_set_filed_total", 1, "Of them, those that were filed then."},
    {"set_faults_total", "partner_set_faults_total", 1,
        "What the partner said of sets that was malformed, false or out of turn."},
    {"refused_total", "partner_refused_total", 1, "Statements that the partner refused."},
    {"evidence_total", "partner_evidence_total", 1, "Proofs that own keys signed two stories."},
    {"faults_total", "partner_faults_total", 1, "Faults of what the partner sent."},
    {"quarantined", "partner_quarantined", 1, "Statements of the partner in quarantine."},
    {"offered", "partner_offered", 1, "1: an offer of the partner's waits to be signed."},
    {"disputes", "partner_disputes", 1, "Cells on which the statements of both sides differ."},
    {"aliases", "partner_aliases_proposed", 1, "Pairs of subjects that await confirmation."},
    {"unnamed", "partner_subjects_unnamed", 1, "Subjects without a usable serial."},
    {"fenced", "partner_fenced", 1, "1: nothing is stated: behind what was signed, or split."},
    {"split", "partner_split", 1, "1: its keys signed two trees: a head is to be given up."},
    {"held", "partner_held", 1, "1: nothing more is taken: quarantine, an operator, a fork."},
};

/* False: it is no figure of a partner. */
static bool read_partner(const struct weft_gauge *gauge, struct weft_text *ret_agreement,
    struct weft_text *ret_direction, struct weft_text *ret_figure)
{
    struct weft_text rest = gauge->name, first;
    return weft_text_cut(&rest, '/', &first) && weft_text_is(first, "partner") &&
           weft_text_cut(&rest, '/', ret_agreement) && weft_text_cut(&rest, '/', ret_direction) &&
           !weft_text_cut(&rest, '/', ret_figure);
}

static void put_partners(struct sink *s, const struct weft_status *status)
{
    struct weft_text agreement, direction, figure;
    for (size_t m = 0; m < sizeof(partner_metrics) / sizeof(partner_metrics[0]); m++) {
        bool is_headed = false;
        for (uint32_t i = 0; i < status->gauge_count; i++) {
            const struct weft_gauge *gauge = &status->gauges[i];
            if (!read_partner(gauge, &agreement, &direction, &figure) ||
                !weft_text_is(figure, partner_metrics[m].figure)) {
                continue;
            }
            const char *name = partner_metrics[m].name;
            if (!is_headed) {
                put_head(s, name, ends_with(name, "_total") ? "counter" : "gauge",
                    partner_metrics[m].help);
                is_headed = true;
            }
            put(s, "weft_%s{agreement=\"%.*s\",direction=\"%.*s\"} %.15g\n", name,
                (int)agreement.size, agreement.data, (int)direction.size, direction.data,
                (double)gauge->value * partner_metrics[m].scale);
        }
    }
}

/* What the table does not know. */
static void put_others(struct sink *s, const struct weft_status *status)
{
    for (uint32_t i = 0; i < status->gauge_count; i++) {
        char name[64];
        struct weft_text unused;
        bool is_known = read_partner(&status->gauges[i], &unused, &unused, &unused);
        (void)snprintf(name, sizeof(name), "%.*s", (int)status->gauges[i].name.size,
            status->gauges[i].name.data);
        for (size_t k = 0; k < METRICS; k++) {
            is_known = is_known || strcmp(metrics[k].gauge, name) == 0;
        }
        if (!is_known) {
            put_one(s, name, "A figure of weft status.", status->gauges[i].value);
        }
    }
}

static void put_latency(
    struct sink *s, const char *name, const char *help, const struct weft_latency *l)
{
    uint64_t below = 0;
    put_head(s, name, "histogram", help);
    for (int i = 0; i < WEFT_LATENCY_CLASSES; i++) {
        below += l->counts[i];
        put(s, "weft_%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", name,
            (double)weft_latency_bounds_ns[i] / 1e9, below);
    }
    put(s, "weft_%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, l->count);
    put(s, "weft_%s_sum %.9f\nweft_%s_count %" PRIu64 "\n", name, (double)l->sum_ns / 1e9, name,
        l->count);
}

static void put_raft(struct sink *s, const struct weft_status *status)
{
    static const char *const roles[] = {"leader", "follower", "candidate", "unavailable"};
    put_head(s, "node_info", "gauge", "Who this is; always 1.");
    /* Names are of letters, digits, '.', '-', '_': nothing to escape. */
    put(s, "weft_node_info{org=\"%.*s\",site=\"%.*s\",node=\"%.*s\",version=\"%.*s\"} 1\n",
        (int)status->org.size, status->org.data, (int)status->site.size, status->site.data,
        (int)status->node.size, status->node.data, (int)status->version.size, status->version.data);
    put_head(s, "node_role", "gauge", "1 for the role that the node has in Raft.");
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        put(s, "weft_node_role{role=\"%s\"} %d\n", roles[i],
            weft_text_is(status->state, roles[i]) ? 1 : 0);
    }
    put_one(s, "raft_term", "The term that the node is in.", status->term);
    put_one(s, "raft_leader_known", "1 while the node knows a leader.", status->leader_id != 0);
    put_one(s, "raft_members", "Members of the group, voters and others.", status->member_count);
    put_one(s, "raft_commit_index", "Last entry known to be committed.", status->commit_index);
    put_one(s, "applied_index", "Last entry applied to the state.", status->applied_index);
    put_one(s, "raft_first_index", "First entry in the log.", status->first_log_index);
    put_one(s, "raft_last_index", "Last entry in the log.", status->last_log_index);
    put_one(
        s, "checkpoint_index", "Last entry in the newest checkpoint.", status->checkpoint_index);
}

static void put_counts(struct sink *s, const struct weft_http_metrics *m)
{
    put_head(s, "errors_total", "counter", "Requests answered with an error, by its code.");
    for (int i = WEFT_OK + 1; i < WEFT_ERRS; i++) {
        put(s, "weft_errors_total{reason=\"%s\"} %" PRIu64 "\n", weft_err_name((enum weft_err)i),
            m->refused[i]);
    }
    put_head(s, "http_requests_total", "counter", "Requests on the HTTP door, by status.");
    for (unsigned i = 0; i < sizeof(m->http->requests) / sizeof(m->http->requests[0]); i++) {
        if (m->http->requests[i] > 0) {
            put(s, "weft_http_requests_total{code=\"%u\"} %" PRIu64 "\n", i, m->http->requests[i]);
        }
    }
}

enum weft_err weft_http_metrics_write(const struct weft_http_metrics *m, struct weft_buffer *out)
{
    struct sink s = {out, WEFT_OK};
    put_raft(&s, m->status);
    put_gauges(&s, m->status);
    put_partners(&s, m->status);
    put_others(&s, m->status);
    put_latency(&s, "commit_duration_seconds",
        "From the arrival of a commit at this node to its answer.", m->commit);
    put_latency(&s, "query_duration_seconds",
        "From the arrival of a query at this node to its answer.", m->read);
    put_counts(&s, m);
    return s.err;
}
