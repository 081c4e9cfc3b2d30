#include "jepsen/work/plan.h"

#include <stdlib.h>
#include <string.h>

/* Making a plan (JEP-60): see plan_file.c for its file. */

enum {
    SECOND_NS = 1000000000,
    FAULTS_MAX = 4096,
    FINALS_MAX = 100000,
    STUBBORN_OF = 8, /* one write in so many */
    ECHOED_OF = 10   /* one operation in so many */
};

#define TAIL_NS ((int64_t)3 * SECOND_NS) /* chosen: elections take 0.5 s */

/* --- operations -------------------------------------------------------------------------- */

static void add_planned(struct jep_plan *plan, unsigned worker, const struct jep_planned *planned)
{
    size_t count = plan->workers[worker].count;
    size_t capacity = count < 64 ? 64 : count;
    if (count % capacity == 0) { /* At 0, and at every power of two from 64 on. */
        struct jep_planned *grown = jep_arena_array(plan->arena, 2 * capacity, sizeof(*grown));
        if (count > 0) {
            memcpy(grown, plan->workers[worker].items, count * sizeof(*grown));
        }
        plan->workers[worker].items = grown;
    }
    plan->workers[worker].items[count] = *planned;
    plan->workers[worker].count++;
}

/* One after the other at the rate, each within its share of a second; of `concurrency` in a row
 * each worker has one. */
static void plan_operations(struct jep_plan *plan, struct jep_gen *gen)
{
    const struct jep_run_options *o = &plan->options;
    struct jep_rng times = jep_rng_stream(o->seed, "times");
    uint64_t total = (uint64_t)o->rate * o->time_limit_s;
    unsigned order[JEP_WORKERS_MAX];
    if (o->concurrency == 0 || o->rate == 0) {
        return; /* options.c admits neither */
    }
    for (unsigned i = 0; i < o->concurrency; i++) {
        order[i] = i;
    }
    for (uint64_t i = 0; i < total; i++) {
        unsigned turn = (unsigned)(i % o->concurrency);
        if (turn == 0) {
            jep_rng_shuffle(&times, order, o->concurrency, sizeof(order[0]));
        }
        uint64_t within = jep_rng_below(&times, SECOND_NS);
        struct jep_planned planned = {.at_ns = (int64_t)((i * SECOND_NS + within) / o->rate),
            .is_stubborn = jep_rng_chance(&times, 1, STUBBORN_OF),
            .is_echoed = jep_rng_chance(&times, 1, ECHOED_OF)};
        o->workload->next(gen, order[turn], &planned.step);
        add_planned(plan, order[turn], &planned);
    }
}

static void plan_finals(struct jep_plan *plan, struct jep_gen *gen)
{
    struct jep_step step;
    size_t count = 0;
    while (count < FINALS_MAX && plan->options.workload->final(gen, (unsigned)count, &step)) {
        count++;
    }
    plan->finals = jep_arena_array(plan->arena, count, sizeof(*plan->finals));
    plan->final_count = count;
    for (size_t i = 0; i < count; i++) {
        (void)plan->options.workload->final(gen, (unsigned)i, &plan->finals[i]);
    }
}

/* --- faults ------------------------------------------------------------------------------ */

struct deck {
    const struct jep_nemesis *cards[JEP_NEMESES_MAX];
    size_t count, at;
};

/* Each once before any comes again. */
static const struct jep_nemesis *draw(struct deck *deck, struct jep_rng *rng)
{
    if (deck->at == deck->count) {
        jep_rng_shuffle(rng, deck->cards, deck->count, sizeof(deck->cards[0]));
        deck->at = 0;
    }
    return deck->cards[deck->at++];
}

static void add_fault(
    struct jep_plan *plan, const struct jep_nemesis *nemesis, int64_t start_ns, int64_t stop_ns)
{
    const struct jep_run_options *o = &plan->options;
    struct jep_shape shape = {.clusters = o->clusters,
        .nodes = o->nodes,
        .spares = jep_run_options_spares(o),
        .partner_nodes = o->partner_nodes};
    struct jep_rng rng = jep_rng_stream_at(o->seed, nemesis->name, plan->fault_count);
    struct jep_planned_fault *fault = &plan->faults[plan->fault_count++];
    *fault =
        (struct jep_planned_fault){.start_ns = start_ns, .stop_ns = stop_ns, .nemesis = nemesis};
    fault->plan = nemesis->plan(&rng, &shape, plan->arena);
}

static int64_t part_of(struct jep_rng *rng, int64_t whole_ns, int64_t low, int64_t high)
{
    return whole_ns / 100 * jep_rng_between(rng, low, high);
}

static bool is_of_links(const struct jep_nemesis *nemesis)
{
    return strcmp(nemesis->family, "partition") == 0 || strcmp(nemesis->family, "link") == 0 ||
           strcmp(nemesis->family, "partner") == 0;
}

/* A fault of links together with one of nodes: two of nodes may hit the same node, and then one of
 * them does nothing; so does any where most nodes are gone. */
static bool do_mix(const struct jep_nemesis *a, const struct jep_nemesis *b)
{
    bool leaves_majority = ((a->flags | b->flags) & JEP_NEMESIS_MAJORITY) == 0;
    return leaves_majority && is_of_links(a) != is_of_links(b);
}

static void plan_faults(struct jep_plan *plan, struct deck *deck)
{
    const struct jep_run_options *o = &plan->options;
    struct jep_rng rng = jep_rng_stream(o->seed, "faults");
    int64_t interval_ns = (int64_t)o->nemesis_interval_s * SECOND_NS;
    int64_t limit_ns = (int64_t)o->time_limit_s * SECOND_NS;
    /* Load goes on after the last of them, so that recovery is seen. */
    int64_t end_ns = limit_ns - (limit_ns > 15 * (int64_t)SECOND_NS ? TAIL_NS : limit_ns / 5);
    int64_t at_ns = part_of(&rng, interval_ns, 20, 60);
    deck->at = deck->count;
    plan->faults = jep_arena_array(plan->arena, FAULTS_MAX, sizeof(*plan->faults));
    while (deck->count > 0 && plan->fault_count + 2 <= FAULTS_MAX) {
        const struct jep_nemesis *nemesis = draw(deck, &rng);
        bool is_instant = (nemesis->flags & JEP_NEMESIS_INSTANT) != 0;
        int64_t hold_ns = is_instant ? interval_ns / 4 : part_of(&rng, interval_ns, 60, 140);
        if (at_ns + hold_ns > end_ns) {
            return;
        }
        add_fault(plan, nemesis, at_ns, at_ns + hold_ns);
        const struct jep_nemesis *other = deck->cards[jep_rng_below(&rng, deck->count)];
        if (jep_rng_chance(&rng, 1, 3) && do_mix(nemesis, other)) {
            /* A second one on top of it, in its second half. */
            add_fault(plan, other, at_ns + hold_ns / 2, at_ns + hold_ns);
        }
        at_ns += hold_ns + part_of(&rng, interval_ns, 40, 90);
    }
}

bool jep_plan_make(
    const struct jep_run_options *options, struct jep_plan *ret_plan, struct jep_message *message)
{
    struct jep_plan plan = {.options = *options};
    struct deck deck = {.count = 0};
    struct jep_gen gen;
    if (options->nemeses[0] != '\0' &&
        !jep_nemesis_select(options->nemeses, deck.cards, &deck.count, message)) {
        return false;
    }
    plan.arena = jep_arena_create();
    jep_gen_init(&gen, plan.arena, options->seed, options->concurrency);
    gen.sites = options->clusters;
    plan_operations(&plan, &gen);
    plan_finals(&plan, &gen);
    plan_faults(&plan, &deck);
    *ret_plan = plan;
    return true;
}

void jep_plan_destroy(struct jep_plan *plan)
{
    jep_arena_destroy(plan->arena);
    plan->arena = NULL;
}
