#include "jepsen/work/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "jepsen/cluster/accord.h"
#include "jepsen/cluster/enclosure.h"
#include "jepsen/cluster/gate.h"
#include "jepsen/cluster/json.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/nemesis.h"
#include "jepsen/cluster/process.h"
#include "jepsen/work/accounts.h"
#include "jepsen/work/ends.h"
#include "jepsen/work/judge.h"
#include "jepsen/work/observer.h"
#include "jepsen/work/pulse.h"
#include "jepsen/work/tides.h"
#include "jepsen/work/trail.h"
#include "jepsen/work/worker.h"

enum {
    WHOLE_MS = 60000,   /* chosen: a node that lost its disk fetches a checkpoint */
    SUPERVISE_MS = 200, /* chosen: a node that ended is down about so long */
    MESSAGE_CUT = 400
};

struct run {
    const struct jep_plan *plan;
    struct jep_plant *plant; /* NULL: one that is there already */
    struct jep_site sites[JEP_CLUSTERS_MAX];
    struct jep_history_writer *history;
    struct jep_observer *observer; /* of the first site */
    struct jep_tides *tides;
    struct jep_pulse *pulse;
    struct jep_shared shared;
    struct jep_worker workers[JEP_WORKERS_MAX];
    unsigned worker_count;
    struct jep_worker *firsts[JEP_CLUSTERS_MAX]; /* of each site: who asks it at the end */
    bool is_member[JEP_CLUSTERS_MAX][JEP_SITE_NODES_MAX];
    bool is_whole; /* after the faults; a plant that is not is asked nothing more */
    int log;
    struct jep_arena *arena;
    struct jep_edn_list checks; /* beside those of the history: name, {:valid? ...} */
    const char *scratch;
    char weft[4096];
};

static const char *in_out(const struct run *r, const char *name)
{
    return jep_arena_format(r->arena, "%s/%s", r->plan->options.out, name);
}

static void say(const struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(const struct run *r, const char *format, ...)
{
    va_list arguments;
    if (!r->plan->options.quiet) {
        va_start(arguments, format);
        (void)vfprintf(stderr, format, arguments);
        va_end(arguments);
    }
}

/* --- a plant ----------------------------------------------------------------------------- */

/* The test build of weftd, where a fault is planted in it or is a place in its code. NULL: there is
 * none, and a planted fault needs it; a place is left out. */
static const char *choose_bin(struct run *r, struct jep_message *message)
{
    const struct jep_run_options *o = &r->plan->options;
    char bin[1100];
    if (o->mutant == NULL && !jep_nemesis_wants_test_build(o->nemeses)) {
        return o->bin;
    }
    /* Absolute: the links are read from another directory. */
    char *whole = realpath(o->bin, NULL);
    bool is_made = whole != NULL && jep_layout_test_build(whole, o->out, bin, sizeof(bin), message);
    free(whole);
    if (!is_made) {
        return o->mutant == NULL ? o->bin : NULL;
    }
    return jep_arena_text(r->arena, bin, strlen(bin));
}

static bool make_plant(struct run *r, struct jep_message *message)
{
    const struct jep_run_options *o = &r->plan->options;
    const char *bin = choose_bin(r, message);
    struct jep_plant_options options = {.bin = bin,
        .old_bin = o->old_bin,
        .shims = o->shims,
        .scratch = r->scratch,
        .out = o->out,
        .clusters = o->clusters,
        .nodes = o->nodes,
        .partner_nodes = o->partner_nodes,
        .spares = jep_run_options_spares(o),
        .mutants = o->mutant,
        .election_ms = o->election_ms,
        .seed = o->seed,
        .gates = o->workload->gates};
    r->plant = bin != NULL ? jep_plant_create(&options, message) : NULL;
    return r->plant != NULL && jep_plant_start(r->plant, JEP_PLANT_START_MS, message) &&
           jep_gates_open(r->plant, message) && jep_accords_make(r->plant, message);
}

static void add_node(struct jep_site *site, const char *name, const char *endpoint)
{
    if (site->count < JEP_SITE_NODES_MAX) {
        site->nodes[site->count].name = name;
        site->nodes[site->count].endpoint = endpoint;
        site->count++;
    }
}

/* A plant that is there already. */
static void find_given(struct run *r)
{
    const struct jep_run_options *o = &r->plan->options;
    struct jep_site *site = &r->sites[0];
    /* It may have seen such a run before. */
    site->prefix = jep_arena_format(r->arena, "jepsen-%llx/", (long long)time(NULL));
    char *list = jep_arena_text(r->arena, o->endpoints, strlen(o->endpoints)), *rest;
    site->identity = o->identity;
    for (char *at = strtok_r(list, ",", &rest); at != NULL; at = strtok_r(NULL, ",", &rest)) {
        add_node(site, at, at);
    }
}

static void find_sites(struct run *r)
{
    const struct jep_run_options *o = &r->plan->options;
    for (unsigned s = 0; s < o->clusters; s++) {
        r->sites[s] = (struct jep_site){
            .number = s, .weft = r->weft, .prefix = "", .timeout_ms = o->timeout_ms};
        if (r->plant != NULL) {
            r->sites[s].identity = jep_plant_identity(r->plant, s);
            r->sites[s].plant = r->plant;
        }
    }
    if (r->plant == NULL) {
        find_given(r);
        return;
    }
    for (unsigned i = 0; i < jep_plant_count(r->plant); i++) {
        const struct jep_node_info *node = jep_plant_node(r->plant, i);
        if (!node->is_spare) {
            add_node(&r->sites[node->cluster], node->name, node->client);
        }
    }
}

static void find_members(struct run *r)
{
    for (unsigned s = 0; s < r->plan->options.clusters; s++) {
        for (unsigned i = 0; i < r->sites[s].count; i++) {
            int node = r->plant != NULL ? jep_plant_find(r->plant, r->sites[s].nodes[i].name) : -1;
            r->is_member[s][i] = node < 0 || jep_node_is_member(r->plant, (unsigned)node);
        }
    }
}

/* --- faults ------------------------------------------------------------------------------ */

static void write_nemesis(struct run *r, const char *what, const char *name, struct jep_edn value)
{
    char f[128];
    (void)snprintf(f, sizeof(f), "%s%s", what, name);
    struct jep_op op = {
        .type = JEP_INFO, .time_ns = -1, .process = JEP_NEMESIS, .f = f, .value = value};
    jep_history_write(r->history, &op, NULL);
}

/* Meanwhile nodes that end by themselves are started again, as by an init system. */
static bool wait_until(struct run *r, int64_t at_ns, struct jep_message *message)
{
    int64_t left_ns;
    while ((left_ns = at_ns - jep_history_writer_now_ns(r->history)) > 0) {
        int64_t left_ms = left_ns / 1000000 + 1;
        if (r->plant != NULL && !jep_plant_supervise(r->plant, message)) {
            return false;
        }
        jep_sleep_ms((unsigned)(left_ms < SUPERVISE_MS ? left_ms : SUPERVISE_MS));
    }
    return true;
}

static bool play_event(struct run *r, const struct jep_planned_fault *fault, bool is_start,
    int64_t at_ns, struct jep_message *message)
{
    const struct jep_nemesis *nemesis = fault->nemesis;
    struct jep_edn value = jep_edn_nil();
    if (!wait_until(r, at_ns, message)) {
        return false;
    }
    say(r, "%6.1f s  %s %s\n", (double)jep_history_writer_now_ns(r->history) / 1e9,
        is_start ? "start" : "stop", nemesis->name);
    write_nemesis(r, is_start ? "start-" : "stop-", nemesis->name, fault->plan);
    bool is_done = (is_start ? nemesis->start : nemesis->stop)(
        r->plant, &fault->plan, r->arena, &value, message);
    if (!is_done) {
        char why[MESSAGE_CUT];
        (void)snprintf(why, sizeof(why), "%s", message->text);
        return jep_failed(message, "%s %s: %s", is_start ? "start" : "stop", nemesis->name, why);
    }
    write_nemesis(r, is_start ? "start-" : "stop-", nemesis->name, value);
    return true;
}

static bool begin_fault(
    struct run *r, const struct jep_planned_fault *fault, struct jep_message *message)
{
    return play_event(r, fault, true, fault->start_ns, message);
}

/* One that began late, since the one before it took its time, lasts half as long as it was to. */
static bool end_fault(struct run *r, const struct jep_planned_fault *fault, int64_t started_ns,
    struct jep_message *message)
{
    int64_t least_ns = started_ns + (fault->stop_ns - fault->start_ns) / 2;
    return play_event(
        r, fault, false, least_ns > fault->stop_ns ? least_ns : fault->stop_ns, message);
}

/* Faults lie one behind the other, or a second one within the first: both end together. */
static bool play_faults(struct run *r, struct jep_message *message)
{
    const struct jep_plan *plan = r->plan;
    for (size_t i = 0; i < plan->fault_count; i++) {
        const struct jep_planned_fault *fault = &plan->faults[i];
        bool has_inner = i + 1 < plan->fault_count && plan->faults[i + 1].start_ns < fault->stop_ns;
        if (!begin_fault(r, fault, message)) {
            return false;
        }
        int64_t started_ns = jep_history_writer_now_ns(r->history);
        if (has_inner && !begin_fault(r, fault + 1, message)) {
            return false;
        }
        int64_t inner_ns = jep_history_writer_now_ns(r->history);
        if ((has_inner && !end_fault(r, fault + 1, inner_ns, message)) ||
            !end_fault(r, fault, started_ns, message)) {
            return false;
        }
        i += has_inner ? 1 : 0;
    }
    return true;
}

/* --- the end ----------------------------------------------------------------------------- */

static void add_check(struct run *r, const char *name, struct jep_result *result)
{
    jep_edn_put(&r->checks, name, jep_result_take(result, r->arena));
}

/* JEP-64. Not coming back is the product's failure, not the harness's. */
static bool heal(struct run *r, struct jep_message *message)
{
    struct jep_result result = {0};
    if (r->plant == NULL) {
        r->is_whole = true;
        return true;
    }
    write_nemesis(r, "heal", "", jep_edn_nil());
    if (!jep_plant_heal(r->plant, message)) {
        return false;
    }
    struct jep_edn items[] = {jep_edn_keyword("quorum"), jep_edn_bool(true)};
    write_nemesis(r, "heal", "", jep_edn_map(r->arena, items, 1));
    int64_t begun_ns = jep_now_ns();
    r->is_whole = jep_plant_wait_whole(r->plant, WHOLE_MS, message);
    if (!r->is_whole) {
        jep_result_because(
            &result, r->arena, JEP_INVALID, "after all faults had ended: %s", message->text);
    }
    jep_result_put(&result, "waited-ms", jep_edn_int((jep_now_ns() - begun_ns) / 1000000));
    add_check(r, "whole", &result);
    return true;
}

static void look_for_deaths(struct run *r)
{
    struct jep_result result = {0};
    if (r->plant == NULL) {
        return;
    }
    struct jep_edn deaths = jep_plant_deaths(r->plant, r->arena);
    if (deaths.count > 0) {
        jep_result_because(
            &result, r->arena, JEP_INVALID, "%u nodes ended by themselves", (unsigned)deaths.count);
    }
    jep_result_put(&result, "deaths", deaths);
    add_check(r, "deaths", &result);
}

/* --- clients ----------------------------------------------------------------------------- */

static bool each_worker(struct run *r, bool (*start)(struct jep_worker *, struct jep_message *),
    struct jep_message *message)
{
    for (unsigned i = 0; i < r->worker_count; i++) {
        if (!start(&r->workers[i], message)) {
            return false;
        }
    }
    return true;
}

static void join_workers(struct run *r)
{
    for (unsigned i = 0; i < r->worker_count; i++) {
        jep_worker_join(&r->workers[i]);
    }
}

static bool are_workers_well(const struct run *r, struct jep_message *message)
{
    for (unsigned i = 0; i < r->worker_count; i++) {
        if (r->workers[i].client.is_broken) {
            *message = r->workers[i].client.why;
            return false;
        }
    }
    return true;
}

static bool set_up(struct run *r, struct jep_message *message)
{
    const struct jep_plan *plan = r->plan;
    struct jep_client client;
    bool is_set_up = true;
    jep_client_init(&client, &r->sites[0], 0, r->log);
    client.ledger = &r->shared.ledger;
    struct jep_answer status = jep_client_ask(&client, 0, "{\"op\":\"status\"}", r->arena);
    r->shared.ledger.from = jep_json_int(&status.body, "applied_index", 0);
    if (plan->options.workload->setup != NULL) {
        is_set_up = plan->options.workload->setup(&client, r->arena, message);
    }
    jep_client_close(&client);
    if (!is_set_up || !jep_history_writer_create(in_out(r, "history.edn"), &r->history, message)) {
        return false;
    }
    r->observer = jep_observer_start(&r->sites[0], r->history, r->log);
    if (plan->options.workload->is_federated) {
        r->tides = jep_tides_start(r->sites, plan->options.clusters, r->history, r->log);
    }
    r->pulse = jep_pulse_start(r->history);
    r->worker_count = plan->options.concurrency;
    for (unsigned i = 0; i < r->worker_count; i++) {
        unsigned s = i % plan->options.clusters;
        jep_worker_init(&r->workers[i], plan, &r->sites[s], r->history, &r->shared, i, r->log);
        r->workers[i].is_member = r->is_member[s];
        r->firsts[s] = r->firsts[s] != NULL ? r->firsts[s] : &r->workers[i];
    }
    return true;
}

/* Load and faults, then peace and the last questions. */
static bool play(struct run *r, struct jep_message *message)
{
    bool is_good = set_up(r, message) && each_worker(r, jep_worker_start, message);
    int64_t end_ns = (int64_t)r->plan->options.time_limit_s * 1000000000;
    is_good =
        is_good && play_faults(r, message) && wait_until(r, end_ns, message) && heal(r, message);
    atomic_store(&r->shared.is_over, !is_good); /* JEP-66: it ends now, not with the plan */
    join_workers(r);
    if (is_good && r->is_whole) {
        find_members(r);
        say(r, "%6.1f s  the last questions\n",
            (double)jep_history_writer_now_ns(r->history) / 1e9);
        is_good = each_worker(r, jep_worker_start_finals, message);
        join_workers(r);
    }
    if (is_good && r->is_whole && r->tides != NULL) {
        jep_accounts_tell(r->firsts, r->plan->options.clusters, r->plant, r->plan->options.out);
    }
    jep_tides_stop(r->tides);
    jep_observer_stop(r->observer);
    jep_pulse_stop(r->pulse);
    r->tides = NULL;
    r->observer = NULL;
    r->pulse = NULL;
    if (is_good && r->is_whole && r->plant != NULL && jep_gates_count(r->plant) > 0) {
        jep_ends_tell(&r->workers[0]);
    }
    if (is_good && r->is_whole) {
        jep_worker_digests(&r->workers[0]);
        if (r->plant != NULL && jep_plant_is_governed(r->plant) &&
            !jep_plant_was_restored(r->plant, 0)) {
            jep_trail_tell(&r->workers[0]);
        }
    }
    if (is_good) {
        look_for_deaths(r);
    }
    return is_good && are_workers_well(r, message);
}

/* --- from the plan to the verdict -------------------------------------------------------- */

static bool open_run(struct run *r, struct jep_message *message)
{
    const struct jep_run_options *o = &r->plan->options;
    r->arena = jep_arena_create();
    (void)snprintf(r->weft, sizeof(r->weft), "%s/weft", o->bin);
    (void)pthread_mutex_init(&r->shared.mutex, NULL);
    jep_ledger_init(&r->shared.ledger);
    jep_orders_init(&r->shared.orders);
    r->log = open(in_out(r, "sessions.log"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (r->log < 0) {
        return jep_failed(message, "%s: %s", o->out, strerror(errno));
    }
    return jep_plan_write(r->plan, in_out(r, "schedule.edn"), message) &&
           (o->endpoints != NULL || make_plant(r, message));
}

static void close_run(struct run *r)
{
    for (unsigned i = 0; i < r->worker_count; i++) {
        jep_worker_close(&r->workers[i]);
    }
    jep_tides_stop(r->tides);
    jep_observer_stop(r->observer);
    jep_pulse_stop(r->pulse);
    jep_history_writer_destroy(r->history);
    jep_plant_destroy(r->plant);
    if (r->log > 0) {
        (void)close(r->log);
    }
    jep_ledger_destroy(&r->shared.ledger);
    jep_orders_destroy(&r->shared.orders);
    jep_arena_destroy(r->arena);
    free(r);
}

static enum jep_exit play_and_judge(
    const struct jep_plan *plan, const struct jep_enclosure *enclosure)
{
    struct run *r = jep_alloc(1, sizeof(*r));
    struct jep_message message;
    memset(r, 0, sizeof(*r));
    r->plan = plan;
    r->scratch = enclosure->scratch;
    bool is_good = open_run(r, &message);
    if (is_good) {
        find_sites(r);
        is_good = play(r, &message);
    }
    enum jep_exit exit_code = JEP_EXIT_HARNESS;
    if (is_good) {
        struct jep_edn checks = jep_edn_take_map(&r->checks, r->arena);
        exit_code = jep_judge(plan, plan->options.out, &checks, &message);
    }
    if (exit_code == JEP_EXIT_HARNESS) {
        (void)fprintf(stderr, "jepsen: %s\n", message.text);
    }
    close_run(r);
    return exit_code;
}

/* jepsen-out/WORKLOAD-TIME-SEED. */
static const char *make_out(struct jep_run_options *options, char path[4096])
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm utc;
    (void)gmtime_r(&now, &utc);
    (void)strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
    if (options->out == NULL) {
        (void)mkdir("jepsen-out", 0755);
        (void)snprintf(path, 4096, "jepsen-out/%s-%s-%llu", options->workload->name, stamp,
            (unsigned long long)options->seed);
        options->out = path;
    }
    return options->out;
}

/* 77 or 3: told on stderr. 0: go on, in the enclosure if a plant is to be made. */
static enum jep_exit enter(struct jep_run_options *options, struct jep_enclosure *ret_enclosure)
{
    static char out[4096], whole[4096], bin[4096], mount_point[4200];
    struct jep_message message;
    if (options->workload->wants_plant && options->endpoints != NULL) {
        (void)fprintf(stderr, "jepsen: %s: wants a plant of its own\n", options->workload->name);
        return JEP_EXIT_CANNOT_RUN;
    }
    if (options->clusters > 1 && !options->workload->is_federated) {
        (void)fprintf(stderr, "jepsen: %s: is of one site\n", options->workload->name);
        return JEP_EXIT_CANNOT_RUN;
    }
    if (options->concurrency < options->clusters) {
        (void)fprintf(stderr, "jepsen: each site wants a client\n");
        return JEP_EXIT_HARNESS;
    }
    if (mkdir(make_out(options, out), 0755) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "jepsen: %s: %s\n", options->out, strerror(errno));
        return JEP_EXIT_HARNESS;
    }
    if (realpath(options->out, whole) != NULL) {
        options->out = whole;
    }
    if (realpath(options->bin, bin) != NULL) {
        options->bin = bin;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (options->endpoints != NULL) {
        if (options->identity == NULL || options->nemeses[0] != '\0') {
            (void)fprintf(stderr, "jepsen: --endpoints wants --identity and takes no --nemesis\n");
            return JEP_EXIT_HARNESS;
        }
        return JEP_EXIT_VALID;
    }
    (void)snprintf(mount_point, sizeof(mount_point), "%s/scratch", options->out);
    if (mkdir(mount_point, 0755) != 0 && errno != EEXIST) {
        (void)fprintf(stderr, "jepsen: %s: %s\n", mount_point, strerror(errno));
        return JEP_EXIT_HARNESS;
    }
    if (!jep_enclosure_enter(mount_point, ret_enclosure, &message)) {
        (void)fprintf(stderr, "jepsen: cannot run here: %s\n", message.text);
        return JEP_EXIT_CANNOT_RUN;
    }
    return JEP_EXIT_VALID;
}

enum jep_exit jep_run_options_play(const struct jep_run_options *options)
{
    struct jep_run_options own = *options;
    struct jep_enclosure enclosure = {.is_root = false};
    struct jep_message message;
    struct jep_plan plan;
    enum jep_exit exit_code = enter(&own, &enclosure);
    if (exit_code != JEP_EXIT_VALID) {
        return exit_code;
    }
    if (!jep_plan_make(&own, &plan, &message)) {
        (void)fprintf(stderr, "jepsen: %s\n", message.text);
        return JEP_EXIT_HARNESS;
    }
    exit_code = play_and_judge(&plan, &enclosure);
    jep_plan_destroy(&plan);
    return exit_code;
}

enum jep_exit jep_run_schedule_play(const char *schedule, const struct jep_run_options *machine)
{
    struct jep_enclosure enclosure = {.is_root = false};
    struct jep_message message;
    struct jep_plan plan;
    if (!jep_plan_read(schedule, &plan, &message)) {
        (void)fprintf(stderr, "jepsen: %s: %s\n", schedule, message.text);
        return JEP_EXIT_HARNESS;
    }
    jep_run_options_take_machine(&plan.options, machine);
    enum jep_exit exit_code = enter(&plan.options, &enclosure);
    if (exit_code == JEP_EXIT_VALID) {
        exit_code = play_and_judge(&plan, &enclosure);
    }
    jep_plan_destroy(&plan);
    return exit_code;
}
