#include "jepsen/forge/forge.h"

#include <stdlib.h>
#include <string.h>

#include "jepsen/forge/model.h"

enum {
    EVENTS_MAX_MEANS = 20,
    UNKNOWN_IN_1000 = 15,
    REFUSED_IN_1000 = 30,
    FAULT_EDGES = 8,   /* chosen: four cuts, however long the history */
    LATE_IN_1000 = 300 /* of what is unknown: takes effect after the client has given up */
};

#define MEAN_NS ((int64_t)4000000)          /* chosen: of a step's parts */
#define TIMEOUT_NS ((int64_t)200 * 1000000) /* chosen: a client gives up */

enum event_kind {
    BEGIN,  /* a worker invokes */
    EFFECT, /* it happens */
    END     /* the worker hears */
};

struct event {
    int64_t time_ns;
    uint64_t number; /* of two at one time, the one made first */
    enum event_kind kind;
    uint32_t worker;
    struct jep_step *step;
};

struct worker {
    int64_t process;
    enum jep_op_type outcome; /* of the step under way */
};

struct forge {
    const struct jep_forge_options *options;
    struct jep_history *history;
    const struct jep_model_kind *kind;
    struct jep_model model;
    struct jep_rng rng;
    struct worker *workers;
    struct event *heap;
    size_t heap_count;
    size_t heap_capacity;
    uint64_t events_made;
    uint64_t left;
    uint32_t concurrency;
    uint32_t nodes;
    const char **node_names;
    int64_t fault_ns; /* between the edges of faults */
    int64_t next_fault_ns;
    bool is_broken;
};

static bool is_earlier(const struct event *a, const struct event *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->number < b->number;
}

static void push(struct forge *forge, struct event event)
{
    if (forge->heap_count == forge->heap_capacity) {
        forge->heap_capacity = forge->heap_capacity > 0 ? forge->heap_capacity * 2 : 64;
        forge->heap = jep_realloc(forge->heap, forge->heap_capacity, sizeof(*forge->heap));
    }
    event.number = forge->events_made++;
    size_t at = forge->heap_count++;
    while (at > 0 && is_earlier(&event, &forge->heap[(at - 1) / 2])) {
        forge->heap[at] = forge->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    forge->heap[at] = event;
}

static struct event pop(struct forge *forge)
{
    struct event first = forge->heap[0], last = forge->heap[--forge->heap_count];
    size_t at = 0, child = 1;
    while (child < forge->heap_count) {
        if (child + 1 < forge->heap_count &&
            is_earlier(&forge->heap[child + 1], &forge->heap[child])) {
            child++;
        }
        if (!is_earlier(&forge->heap[child], &last)) {
            break;
        }
        forge->heap[at] = forge->heap[child];
        at = child;
        child = 2 * at + 1;
    }
    forge->heap[at] = last;
    return first;
}

/* A thread speaks with one node for all its processes. */
static const char *node_of(const struct forge *forge, int64_t process)
{
    uint32_t threads = forge->concurrency > 0 ? forge->concurrency : 1;
    uint32_t nodes = forge->nodes > 0 ? forge->nodes : 1;
    return forge->node_names[process % threads % nodes];
}

static void put(struct forge *forge, int64_t time_ns, enum jep_op_type type, int64_t process,
    const char *f, const struct jep_edn *value, const char *error)
{
    struct jep_op op = {.time_ns = time_ns,
        .type = type,
        .process = process,
        .f = f,
        .value = *value,
        .error = error != NULL ? jep_edn_keyword(error) : jep_edn_nil(),
        .node = process == JEP_NEMESIS ? NULL : node_of(forge, process)};
    jep_history_add(forge->history, &op);
}

/* A cut of a minority, as jepsen/cluster would write it. */
static void play_fault(struct forge *forge, int64_t time_ns)
{
    const char *f = forge->is_broken ? "stop-partition-minority" : "start-partition-minority";
    struct jep_edn_list evidence = {0}, map = {0};
    struct jep_edn node = jep_edn_string(forge->node_names[0]), nothing = jep_edn_nil();
    int64_t dropped = jep_rng_between(&forge->rng, 100, 2000);
    jep_edn_put(&evidence, "dropped", jep_edn_int(dropped));
    jep_edn_put(&map, "nodes", jep_edn_vector(forge->history->arena, &node, 1));
    jep_edn_put(&map, "took-effect", jep_edn_bool(true));
    jep_edn_put(&map, "quorum", jep_edn_bool(true));
    jep_edn_put(&map, "evidence", jep_edn_take_map(&evidence, forge->history->arena));
    struct jep_edn gave = jep_edn_take_map(&map, forge->history->arena);
    put(forge, time_ns, JEP_INFO, JEP_NEMESIS, f, &nothing, NULL);
    put(forge, time_ns, JEP_INFO, JEP_NEMESIS, f, &gave, NULL);
    forge->is_broken = !forge->is_broken;
    forge->next_fault_ns = time_ns + forge->fault_ns;
}

static int64_t part(struct forge *forge)
{
    return jep_rng_wait_ns(&forge->rng, MEAN_NS);
}

/* When it takes effect, and what the client will hear and when. */
static void begin(struct forge *forge, const struct event *event, const struct jep_step *planned)
{
    struct jep_step *step = jep_arena_alloc(forge->history->arena, sizeof(*step));
    struct worker *worker = &forge->workers[event->worker];
    *step = *planned;
    bool is_first = forge->history->count == 0; /* the bank's first read: what there is */
    uint64_t chance = forge->options->is_calm || is_first ? 1000 : jep_rng_below(&forge->rng, 1000);
    put(forge, event->time_ns, JEP_INVOKE, worker->process, step->f, &step->value, NULL);
    int64_t effect_ns = event->time_ns + part(forge);
    int64_t end_ns = effect_ns + part(forge);
    bool happens = true;
    worker->outcome = JEP_OK;
    if (chance < UNKNOWN_IN_1000 && !step->is_read) {
        worker->outcome = JEP_INFO;
        end_ns = event->time_ns + TIMEOUT_NS;
        if (jep_rng_below(&forge->rng, 1000) < LATE_IN_1000) {
            effect_ns = end_ns + part(forge) * EVENTS_MAX_MEANS;
        } else {
            happens = jep_rng_chance(&forge->rng, 1, 2);
        }
    } else if (chance < UNKNOWN_IN_1000 + REFUSED_IN_1000) {
        worker->outcome = JEP_FAIL;
        happens = false;
    }
    if (happens) {
        push(forge, (struct event){.time_ns = effect_ns, .kind = EFFECT, .step = step});
    }
    push(forge,
        (struct event){.time_ns = end_ns, .kind = END, .worker = event->worker, .step = step});
}

static void end(struct forge *forge, const struct event *event)
{
    struct worker *worker = &forge->workers[event->worker];
    const struct jep_step *step = event->step;
    bool is_refused = worker->outcome == JEP_OK && step->is_refused;
    enum jep_op_type type = is_refused ? JEP_FAIL : worker->outcome;
    const struct jep_edn *value =
        type == JEP_OK && !jep_edn_is_nil(&step->result) ? &step->result : &step->value;
    put(forge, event->time_ns, type, worker->process, step->f, value,
        type == JEP_INFO   ? "timeout"
        : is_refused       ? "conflict"
        : type == JEP_FAIL ? "no-leader"
                           : NULL);
    worker->process += type == JEP_INFO ? forge->concurrency : 0;
    push(forge,
        (struct event){
            .time_ns = event->time_ns + part(forge), .kind = BEGIN, .worker = event->worker});
}

static int64_t play(struct forge *forge)
{
    int64_t time_ns = 0;
    for (uint32_t w = 0; w < forge->concurrency; w++) {
        forge->workers[w].process = w;
        /* The bank's first read ends before the others begin. */
        push(forge,
            (struct event){
                .time_ns = w == 0 ? 0 : 100 * MEAN_NS + part(forge), .kind = BEGIN, .worker = w});
    }
    while (forge->heap_count > 0) {
        struct event event = pop(forge);
        time_ns = event.time_ns;
        if (!forge->options->is_calm && time_ns >= forge->next_fault_ns && forge->left > 0) {
            play_fault(forge, time_ns);
        }
        if (event.kind == EFFECT) {
            forge->kind->apply(&forge->model, event.step);
        } else if (event.kind == END) {
            end(forge, &event);
        } else if (forge->left > 0) {
            struct jep_step step;
            forge->left--;
            forge->kind->plan(&forge->model, &forge->rng, &step);
            begin(forge, &event, &step);
        }
    }
    return time_ns;
}

/* All faults healed, everything settled: each node is asked for everything. */
static void play_last(struct forge *forge, int64_t time_ns)
{
    if (forge->is_broken) {
        play_fault(forge, time_ns);
    }
    for (uint32_t n = 0; n < forge->nodes && n < forge->concurrency; n++) {
        struct jep_step step;
        for (uint64_t i = 0; forge->kind->last(&forge->model, i, &step); i++) {
            int64_t process = forge->workers[n].process;
            put(forge, ++time_ns, JEP_INVOKE, process, step.f, &step.value, NULL);
            forge->kind->apply(&forge->model, &step);
            put(forge, ++time_ns, JEP_OK, process, step.f, &step.result, NULL);
        }
    }
}

static const struct jep_mutation *find_mutation(const char *workload, const char *name)
{
    for (const struct jep_mutation *m = jep_forge_mutations(); m->name != NULL; m++) {
        if (strcmp(m->name, name) == 0 &&
            (m->workload == NULL || strcmp(m->workload, workload) == 0)) {
            return m;
        }
    }
    return NULL;
}

static bool mutate(struct jep_history *history, const struct jep_forge_options *options,
    struct jep_message *message)
{
    if (options->mutation == NULL) {
        return true;
    }
    const struct jep_mutation *mutation = find_mutation(options->workload, options->mutation);
    if (mutation == NULL) {
        return jep_failed(
            message, "workload %s has no mutation '%s'", options->workload, options->mutation);
    }
    return mutation->break_it(history, options->seed) ||
           jep_failed(message, "seed %llu has no place for %s: more operations help",
               (unsigned long long)options->seed, options->mutation);
}

bool jep_forge(const struct jep_forge_options *options, struct jep_history **ret_history,
    struct jep_message *message)
{
    const struct jep_model_kind *kind = jep_model_kinds();
    while (kind->name != NULL && strcmp(kind->name, options->workload) != 0) {
        kind++;
    }
    if (kind->name == NULL) {
        return jep_failed(message, "no model of workload '%s'", options->workload);
    }
    struct forge forge = {.options = options,
        .history = jep_history_create(),
        .kind = kind,
        .rng = jep_rng_stream(options->seed, "forge"),
        .left = options->ops,
        .concurrency = options->concurrency > 0 ? options->concurrency : 10,
        .nodes = options->nodes > 0 ? options->nodes : 5};
    forge.fault_ns = 1 + (int64_t)options->ops * 3 * MEAN_NS / forge.concurrency / FAULT_EDGES;
    forge.next_fault_ns = forge.fault_ns / 2;
    forge.workers = jep_alloc(forge.concurrency, sizeof(*forge.workers));
    forge.node_names = jep_alloc(forge.nodes, sizeof(*forge.node_names));
    for (uint32_t n = 0; n < forge.nodes; n++) {
        forge.node_names[n] = jep_arena_format(forge.history->arena, "n%u", n + 1);
    }
    jep_model_init(
        &forge.model, forge.history->arena, options->keys > 0 ? options->keys : 10, forge.nodes);
    play_last(&forge, play(&forge) + TIMEOUT_NS);
    jep_model_free(&forge.model);
    free(forge.workers);
    free(forge.heap);
    free(forge.node_names);
    if (!jep_history_check(forge.history, message) || !mutate(forge.history, options, message) ||
        !jep_history_check(forge.history, message)) {
        jep_history_destroy(forge.history);
        return false;
    }
    *ret_history = forge.history;
    return true;
}

const char *const *jep_forge_workloads(void)
{
    static const char *names[16];
    const struct jep_model_kind *kinds = jep_model_kinds();
    for (size_t i = 0; i < 15 && kinds[i].name != NULL; i++) {
        names[i] = kinds[i].name;
    }
    return names;
}
