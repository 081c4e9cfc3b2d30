#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/faults.h"
#include "jepsen/check/findings.h"

/* JEP-18. After the last of several faults is healed, each node answers a client within a time, and
 * a leader is seen within three election timeouts; while a majority is up and connected, no fault
 * stops writes for longer than a time. What the next fault or the end of the run cut short is
 * judged by the peace between faults: who is asked then answers before so much of it is over. */

enum {
    NODES_MAX = 64
};

#define RECOVERY_NS ((int64_t)10 * 1000000000)
#define WRITE_GAP_NS ((int64_t)5 * 1000000000)
#define AGAIN_NS ((int64_t)1 * 1000000000) /* who is refused and asks again so soon waits */

struct recovery {
    struct jep_findings findings;
    const struct jep_history *history;
    const struct jep_check_options *options;
    struct jep_faults faults;
    const char *nodes[NODES_MAX];
    size_t nodes_count;
    uint64_t heals;
    uint64_t judged; /* heals times nodes */
    int64_t slowest_node_ns;
    int64_t slowest_leader_ns;
    int64_t longest_wait_ns; /* in peace */
    uint64_t leaders_judged;
    uint64_t leaders_starved; /* late, while the harness itself did not get the processor */
    struct jep_edn_list leaders_ms;
};

static struct jep_edn seconds(int64_t ns)
{
    int64_t ms = ns / 1000000; /* three places are enough */
    return jep_edn_float((double)ms / 1e3);
}

static void find_nodes(struct recovery *recovery)
{
    const struct jep_history *history = recovery->history;
    for (size_t i = 0; i < history->count; i++) {
        const char *node = history->ops[i].node;
        bool is_new = node != NULL && recovery->nodes_count < NODES_MAX;
        for (size_t n = 0; n < recovery->nodes_count && is_new; n++) {
            is_new = recovery->nodes[n] != node;
        }
        if (is_new) {
            recovery->nodes[recovery->nodes_count++] = node;
        }
    }
}

/* Until when what happens after a heal can be laid at its door. */
static int64_t next_begin(const struct recovery *recovery, int64_t heal_ns)
{
    int64_t next_ns = recovery->faults.end_ns;
    for (size_t i = 0; i < recovery->faults.count; i++) {
        int64_t begin_ns = recovery->faults.faults[i].begin_ns;
        next_ns = begin_ns >= heal_ns && begin_ns < next_ns ? begin_ns : next_ns;
    }
    return next_ns;
}

static void judge_node(struct recovery *recovery, const char *node, int64_t heal_ns,
    int64_t until_ns, int64_t allowed_ns)
{
    const struct jep_history *history = recovery->history;
    bool is_asked = false;
    for (size_t i = 0; i < history->count && history->ops[i].time_ns <= until_ns; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->time_ns < heal_ns || op->node != node) {
            continue;
        }
        is_asked = is_asked || (op->type != JEP_OK && op->time_ns - heal_ns < allowed_ns);
        if (op->type == JEP_OK) {
            int64_t took_ns = op->time_ns - heal_ns;
            recovery->judged++;
            recovery->slowest_node_ns =
                took_ns > recovery->slowest_node_ns ? took_ns : recovery->slowest_node_ns;
            if (took_ns > allowed_ns && is_asked) {
                jep_found(&recovery->findings, JEP_INVALID, "node-late",
                    "%s answered %.1f s after the heal at %.1f s", node, (double)took_ns / 1e9,
                    (double)heal_ns / 1e9);
            }
            return;
        }
    }
    if (until_ns - heal_ns > allowed_ns && is_asked) {
        recovery->judged++;
        jep_found(&recovery->findings, JEP_INVALID, "node-lost",
            "%s did not answer after the heal at %.1f s, although asked, until %.1f s", node,
            (double)heal_ns / 1e9, (double)until_ns / 1e9);
    }
}

static bool is_seen(const struct jep_op *op, const char *f)
{
    return op->process == JEP_NEMESIS && strcmp(op->f, f) == 0;
}

static int64_t int_in(const struct jep_edn *value, const char *key)
{
    const struct jep_edn *found = jep_edn_get(value, key);
    return found != NULL && jep_edn_is_int(found) ? found->integer : 0;
}

/* :f :answering {:count 2, :of 3}: since when, at until_ns, a majority of the nodes answers; not
 * before the heal, which it is where nobody looked; until_ns: it does not. A process that has just
 * been started cannot vote yet; how long that may take is judged by each node's own answer. */
static int64_t majority_ns(const struct recovery *recovery, int64_t heal_ns, int64_t until_ns)
{
    const struct jep_history *history = recovery->history;
    int64_t since_ns = heal_ns;
    for (size_t i = 0; i < history->count && history->ops[i].time_ns <= until_ns; i++) {
        const struct jep_op *op = &history->ops[i];
        if (is_seen(op, "answering")) {
            bool is_there = 2 * int_in(&op->value, "count") > int_in(&op->value, "of");
            int64_t at_ns = op->time_ns > heal_ns ? op->time_ns : heal_ns;
            since_ns = !is_there ? until_ns : since_ns == until_ns ? at_ns : since_ns;
        }
    }
    return since_ns;
}

/* :f :starved {:late-ms 80}: until then the harness did not get the processor for so long. */
static bool is_starved(const struct recovery *recovery, int64_t from_ns, int64_t until_ns)
{
    const struct jep_history *history = recovery->history;
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        if (is_seen(op, "starved") && op->time_ns >= from_ns &&
            op->time_ns - int_in(&op->value, "late-ms") * 1000000 <= until_ns) {
            return true;
        }
    }
    return false;
}

/* A leader is late: invalid, unless the harness knows that the machine was busy with others. */
static void tell_late(
    struct recovery *recovery, int64_t from_ns, int64_t took_ns, bool is_seen_then)
{
    bool starved = is_starved(recovery, from_ns, from_ns + took_ns);
    recovery->leaders_starved += starved ? 1 : 0;
    jep_found(&recovery->findings, starved ? JEP_UNKNOWN : JEP_INVALID,
        starved ? "leader-late-while-starved" : "leader-late",
        "from %.1f s on a majority answered, and %s for %.2f s", (double)from_ns / 1e9,
        is_seen_then ? "there was no leader" : "no leader was seen", (double)took_ns / 1e9);
}

/* :f :leader {:leader "n1", :term 3}, by the nemesis, whenever what is seen changes: from heal_ns
 * on, the first time that there is one. -1: never, until until_ns; -2: nobody looked. */
static int64_t leader_seen_ns(const struct recovery *recovery, int64_t heal_ns, int64_t until_ns)
{
    const struct jep_history *history = recovery->history;
    int64_t leader_ns = -2;
    for (size_t i = 0; i < history->count && history->ops[i].time_ns <= until_ns; i++) {
        const struct jep_op *op = &history->ops[i];
        if (!is_seen(op, "leader")) {
            continue;
        }
        const struct jep_edn *leader = jep_edn_get(&op->value, "leader");
        bool is_there = leader != NULL && !jep_edn_is_nil(leader);
        if (op->time_ns <= heal_ns) {
            leader_ns = is_there ? heal_ns : -1;
        } else if (leader_ns < 0) {
            leader_ns = is_there ? op->time_ns : -1;
        }
    }
    return leader_ns;
}

static void judge_leader(struct recovery *recovery, int64_t heal_ns, int64_t until_ns)
{
    int64_t allowed_ns = 3 * recovery->options->election_timeout_ns;
    int64_t leader_ns = leader_seen_ns(recovery, heal_ns, until_ns);
    int64_t end_ns = leader_ns < 0 ? until_ns : leader_ns;
    int64_t took_ns = end_ns - majority_ns(recovery, heal_ns, end_ns);
    if (leader_ns == -2 || (leader_ns == -1 && took_ns <= allowed_ns)) {
        return;
    }
    recovery->leaders_judged++;
    recovery->slowest_leader_ns =
        took_ns > recovery->slowest_leader_ns ? took_ns : recovery->slowest_leader_ns;
    /* From the heal itself, processes' starts and all: for the record. */
    jep_edn_push(&recovery->leaders_ms, jep_edn_int((end_ns - heal_ns) / 1000000));
    if (allowed_ns > 0 && took_ns > allowed_ns) {
        tell_late(recovery, end_ns - took_ns, took_ns, leader_ns >= 0);
    }
}

/* What is asked of that node, or of whichever one by writes (NULL), succeeds; else the time in
 * which somebody waits for it, in peace, adds up. */
static void judge_waits(struct recovery *recovery, const char *node, int64_t allowed_ns)
{
    const struct jep_history *history = recovery->history;
    int64_t idle_ns = 0, last_ns = 0;
    uint64_t open = 0;
    bool is_told = false, is_refused = false;
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->process == JEP_NEMESIS || (node != NULL ? op->node != node : !jep_is_write(op))) {
            continue;
        }
        if (open > 0 || (is_refused && op->time_ns - last_ns <= AGAIN_NS)) {
            idle_ns += jep_faults_peace_ns(&recovery->faults, last_ns, op->time_ns);
        }
        recovery->longest_wait_ns =
            idle_ns > recovery->longest_wait_ns ? idle_ns : recovery->longest_wait_ns;
        if (idle_ns > allowed_ns && !is_told) {
            is_told = true;
            jep_found(&recovery->findings, JEP_INVALID,
                node != NULL ? "node-stalled" : "writes-stalled",
                "%s until %.1f s, in %.1f s between faults in which it was asked for",
                node != NULL ? jep_arena_format(history->arena, "no success at %s", node)
                             : "no write succeeded",
                (double)op->time_ns / 1e9, (double)idle_ns / 1e9);
        }
        open = op->type == JEP_INVOKE ? open + 1 : open > 0 ? open - 1 : 0;
        is_refused = op->type != JEP_OK;
        idle_ns = is_refused ? idle_ns : 0;
        last_ns = op->time_ns;
    }
}

static void judge_heals(struct recovery *recovery)
{
    int64_t allowed_ns =
        recovery->options->recovery_ns > 0 ? recovery->options->recovery_ns : RECOVERY_NS;
    for (size_t i = 0; i < recovery->faults.count; i++) {
        const struct jep_fault *fault = &recovery->faults.faults[i];
        if (!fault->is_stopped || fault->is_skipped ||
            jep_faults_any(&recovery->faults, fault->end_ns)) {
            continue;
        }
        int64_t until_ns = next_begin(recovery, fault->end_ns);
        recovery->heals++;
        for (size_t n = 0; n < recovery->nodes_count; n++) {
            judge_node(recovery, recovery->nodes[n], fault->end_ns, until_ns, allowed_ns);
        }
        judge_leader(recovery, fault->end_ns, until_ns);
    }
    for (size_t n = 0; n < recovery->nodes_count; n++) {
        judge_waits(recovery, recovery->nodes[n], allowed_ns);
    }
    judge_waits(recovery, NULL, allowed_ns);
}

static void judge_writes(struct recovery *recovery, struct jep_edn_list *ret_gaps)
{
    const struct jep_faults *faults = &recovery->faults;
    int64_t allowed_ns =
        recovery->options->write_gap_ns > 0 ? recovery->options->write_gap_ns : WRITE_GAP_NS;
    int64_t at_ns = 0;
    jep_edn_put(
        ret_gaps, "all", seconds(jep_write_gap_ns(recovery->history, 0, faults->end_ns, &at_ns)));
    for (size_t i = 0; i < faults->count; i++) {
        int64_t longest_ns = 0;
        bool is_told = false;
        for (size_t j = 0; j < i && !is_told; j++) {
            is_told = strcmp(faults->faults[j].name, faults->faults[i].name) == 0;
        }
        for (size_t j = i; j < faults->count && !is_told; j++) {
            const struct jep_fault *fault = &faults->faults[j];
            if (strcmp(fault->name, faults->faults[i].name) != 0) {
                continue;
            }
            int64_t gap_ns =
                jep_write_gap_ns(recovery->history, fault->active_ns, fault->heal_ns, &at_ns);
            longest_ns = gap_ns > longest_ns ? gap_ns : longest_ns;
            bool is_kept = fault->is_quorum_kept;
            for (size_t q = 0; q < faults->quorums_count && is_kept; q++) {
                /* Another fault may have taken the quorum away meanwhile. */
                is_kept = faults->quorums[q].is_there || faults->quorums[q].at_ns <= at_ns ||
                          faults->quorums[q].at_ns >= at_ns + gap_ns;
            }
            if (gap_ns > allowed_ns && is_kept) {
                jep_found(&recovery->findings, JEP_INVALID, "writes-stopped",
                    "%s left a majority, but no write succeeded from %.1f s for %.1f s",
                    fault->name, (double)at_ns / 1e9, (double)gap_ns / 1e9);
            }
        }
        if (!is_told) {
            jep_edn_put(ret_gaps, faults->faults[i].name, seconds(longest_ns));
        }
    }
}

void jep_check_recovery(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)limits;
    struct jep_edn_list gaps = {0};
    struct recovery recovery = {.findings = {.arena = history->arena, .result = ret_result},
        .history = history,
        .options = options,
        .faults = jep_faults_find(history)};
    find_nodes(&recovery);
    judge_heals(&recovery);
    judge_writes(&recovery, &gaps);
    jep_result_put(ret_result, "heals", jep_edn_int((int64_t)recovery.heals));
    jep_result_put(ret_result, "answers-judged", jep_edn_int((int64_t)recovery.judged));
    jep_result_put(ret_result, "slowest-node-s", seconds(recovery.slowest_node_ns));
    jep_result_put(ret_result, "longest-wait-s", seconds(recovery.longest_wait_ns));
    jep_result_put(ret_result, "leaders-judged", jep_edn_int((int64_t)recovery.leaders_judged));
    jep_result_put(ret_result, "slowest-leader-s", seconds(recovery.slowest_leader_ns));
    jep_result_put(ret_result, "leaders-starved", jep_edn_int((int64_t)recovery.leaders_starved));
    jep_result_put(
        ret_result, "leaders-ms", jep_edn_take_vector(&recovery.leaders_ms, history->arena));
    jep_result_put(ret_result, "leader-allowed-s", seconds(3 * options->election_timeout_ns));
    jep_result_put(ret_result, "longest-without-write-s", jep_edn_take_map(&gaps, history->arena));
    jep_findings_put(&recovery.findings);
    jep_faults_free(&recovery.faults);
}
