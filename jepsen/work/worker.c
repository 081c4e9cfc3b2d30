#include "jepsen/work/worker.h"

#include <inttypes.h>
#include <string.h>

#include "jepsen/cluster/json.h"
#include "jepsen/cluster/process.h"

enum {
    GIVE_UP_S = 30, /* chosen: behind the time limit; ten clients of a plant that answers nothing
                     * would need minutes for what is left, and JEP-18 has judged it long before */
    FINAL_TRIES = 20,
    LOOK_MS = 200, /* until it is seen that the run is over */
    FINAL_WAIT_MS = 500,
    DIGEST_TRIES = 60,
    DIGEST_WAIT_MS = 250
};

void jep_worker_init(struct jep_worker *worker, const struct jep_plan *plan,
    const struct jep_site *site, struct jep_history_writer *history, struct jep_shared *shared,
    unsigned number, int log)
{
    *worker = (struct jep_worker){.plan = plan,
        .history = history,
        .shared = shared,
        .number = number,
        .process = number,
        .rng = jep_rng_stream_at(plan->options.seed, "worker", number)};
    const unsigned sites = plan->options.clusters;
    worker->rank = number / sites;
    worker->ranks = (plan->options.concurrency - number % sites + sites - 1) / sites;
    jep_client_init(&worker->client, site, worker->rank % site->count, log);
    /* The trail is of the first site. */
    worker->client.ledger = number % sites == 0 ? &shared->ledger : NULL;
}

void jep_worker_close(struct jep_worker *worker)
{
    jep_client_close(&worker->client);
}

/* --- one operation ----------------------------------------------------------------------- */

void jep_worker_write(struct jep_worker *w, const struct jep_op *op)
{
    struct jep_op own = *op;
    own.time_ns = -1;
    own.process = w->process;
    jep_history_write(w->history, &own, NULL);
}

static enum jep_op_type perform(
    struct jep_worker *w, const struct jep_step *step, bool is_stubborn, bool is_final)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_call call = {.client = &w->client,
        .shared = w->shared,
        .arena = arena,
        .rng = &w->rng,
        .watcher = &w->watcher,
        .step = step,
        .is_stubborn = is_stubborn,
        .is_final = is_final,
        .type = JEP_OK,
        .value = step->value};
    bool is_nodeless = w->plan->options.workload->is_nodeless;
    w->client.spoke_with = is_nodeless ? NULL : w->client.site->nodes[w->client.home].name;
    jep_worker_write(w,
        &(struct jep_op){
            .type = JEP_INVOKE, .f = step->f, .value = step->value, .node = w->client.spoke_with});
    w->plan->options.workload->apply(&call);
    jep_worker_write(w, &(struct jep_op){.type = call.type,
                            .f = step->f,
                            .value = call.value,
                            .error = call.error,
                            .node = is_nodeless ? NULL : w->client.spoke_with});
    if (call.type == JEP_INFO) {
        w->process += w->plan->options.concurrency;
    }
    jep_arena_destroy(arena);
    return call.type;
}

static void wait_until(const struct jep_worker *w, int64_t at_ns)
{
    int64_t left_ns;
    while ((left_ns = at_ns - jep_history_writer_now_ns(w->history)) > 0 &&
           !atomic_load(&w->shared->is_over)) {
        int64_t left_ms = left_ns / 1000000 + 1;
        jep_sleep_ms((unsigned)(left_ms < LOOK_MS ? left_ms : LOOK_MS));
    }
}

/* --- threads ----------------------------------------------------------------------------- */

/* What is left undone makes the verdict :unknown at best (JEP-61). */
static bool may_go_on(const struct jep_worker *w)
{
    int64_t end_ns = (int64_t)(w->plan->options.time_limit_s + GIVE_UP_S) * 1000000000;
    return !w->client.is_broken && !atomic_load(&w->shared->is_over) &&
           jep_history_writer_now_ns(w->history) < end_ns;
}

static void *work(void *ctx)
{
    struct jep_worker *w = ctx;
    size_t count = w->plan->workers[w->number].count;
    for (size_t i = 0; i < count && may_go_on(w); i++) {
        const struct jep_planned *planned = &w->plan->workers[w->number].items[i];
        wait_until(w, planned->at_ns);
        if (planned->is_echoed) {
            struct jep_arena *arena = jep_arena_create();
            jep_client_echo(&w->client, &w->rng, arena);
            jep_arena_destroy(arena);
        }
        (void)perform(w, &planned->step, planned->is_stubborn, false);
    }
    return NULL;
}

/* False: the node does not answer it, however often it is asked. */
static bool ask_final(struct jep_worker *w, const struct jep_step *step)
{
    for (int tries = 0; tries < FINAL_TRIES && !w->client.is_broken; tries++) {
        if (perform(w, step, false, true) == JEP_OK) {
            return true;
        }
        jep_sleep_ms(FINAL_WAIT_MS);
    }
    return false;
}

static void *ask_finals(void *ctx)
{
    struct jep_worker *w = ctx;
    const struct jep_plan *plan = w->plan;
    for (unsigned n = w->rank; n < w->client.site->count; n += w->ranks) {
        w->client.home = n;
        bool is_answering = w->is_member[n];
        for (size_t i = 0; is_answering && i < plan->final_count; i++) {
            is_answering = ask_final(w, &plan->finals[i]);
        }
    }
    return NULL;
}

static bool start(struct jep_worker *w, void *(*run)(void *), struct jep_message *message)
{
    int error = pthread_create(&w->thread, NULL, run, w);
    w->is_running = error == 0;
    return w->is_running || jep_failed(message, "a thread: %s", strerror(error));
}

bool jep_worker_start(struct jep_worker *worker, struct jep_message *message)
{
    return start(worker, work, message);
}

bool jep_worker_start_finals(struct jep_worker *worker, struct jep_message *message)
{
    return start(worker, ask_finals, message);
}

void jep_worker_join(struct jep_worker *worker)
{
    if (worker->is_running) {
        (void)pthread_join(worker->thread, NULL);
        worker->is_running = false;
    }
}

/* --- digests ----------------------------------------------------------------------------- */

/* An index at which every node computes its digest; 0: nobody leads. */
static int64_t mark(struct jep_worker *w, struct jep_arena *arena)
{
    for (int tries = 0; tries < DIGEST_TRIES; tries++) {
        struct jep_answer answer =
            jep_client_commit(&w->client, "{\"op\":\"digest\"}", false, arena);
        if (answer.kind == JEP_ANSWER_OK) {
            return jep_json_int(&answer.body, "index", 0);
        }
        if (answer.kind != JEP_ANSWER_REFUSED || w->client.leader < 0) {
            w->client.home = (w->client.home + 1) % w->client.site->count;
            jep_sleep_ms(DIGEST_WAIT_MS);
        }
    }
    return 0;
}

/* "" : it does not tell. */
static const char *digest_of(
    struct jep_worker *w, unsigned node, int64_t index, struct jep_arena *arena)
{
    char *line = jep_arena_format(arena, "{\"op\":\"digest\",\"index\":%" PRId64 "}", index);
    for (int tries = 0; tries < DIGEST_TRIES; tries++) {
        struct jep_answer answer = jep_client_ask(&w->client, node, line, arena);
        const struct jep_edn *is_done = jep_json_get(&answer.body, "is_done");
        if (answer.kind == JEP_ANSWER_OK && is_done != NULL && is_done->boolean) {
            return jep_json_text(&answer.body, "digest");
        }
        jep_sleep_ms(DIGEST_WAIT_MS);
    }
    return "";
}

void jep_worker_digests(struct jep_worker *w)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_edn_list digests = {0};
    bool is_whole = true;
    jep_worker_write(w, &(struct jep_op){.type = JEP_INVOKE, .f = "digest"});
    int64_t index = mark(w, arena);
    for (unsigned n = 0; index > 0 && n < w->client.site->count; n++) {
        if (w->is_member[n]) {
            const char *digest = digest_of(w, n, index, arena);
            is_whole = is_whole && digest[0] != '\0';
            jep_edn_push(&digests, jep_edn_string(w->client.site->nodes[n].name));
            jep_edn_push(&digests, jep_edn_pair(arena, jep_edn_int(index), jep_edn_string(digest)));
        }
    }
    struct jep_op end = {.type = index > 0 && is_whole ? JEP_OK : JEP_FAIL, .f = "digest"};
    end.value = jep_edn_take_map(&digests, arena);
    if (end.type != JEP_OK) {
        end.error = jep_edn_keyword(index > 0 ? "no-digest" : "no-leader");
    }
    jep_worker_write(w, &end);
    jep_arena_destroy(arena);
}
