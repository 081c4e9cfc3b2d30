#include <stdio.h>
#include <string.h>

#include "jepsen/core/table.h"
#include "jepsen/work/plan.h"
#include "jepsen/work/profile.h"
#include "tests/lib/test.h"

/* Plans: the same from the same seed (JEP-60), within their bounds, and kept whole in schedule.edn;
 * a history held against one (JEP-61). */

static struct jep_message message;

static struct jep_plan make(const char *workload, const char *nemeses, uint64_t seed)
{
    struct jep_run_options options;
    struct jep_plan plan;
    jep_run_options_init(&options);
    options.workload = jep_workload_find(workload);
    EXPECT_TRUE(options.workload != NULL);
    options.nemeses = nemeses;
    options.rate = options.workload->rate;
    options.time_limit_s = 30;
    options.seed = seed;
    EXPECT_TRUE(jep_plan_make(&options, &plan, &message));
    return plan;
}

static bool is_same_step(const struct jep_step *a, const struct jep_step *b)
{
    return strcmp(a->f, b->f) == 0 && jep_edn_equal(&a->value, &b->value);
}

static bool is_same(const struct jep_plan *a, const struct jep_plan *b)
{
    bool is_same = a->fault_count == b->fault_count && a->final_count == b->final_count;
    for (unsigned w = 0; is_same && w < a->options.concurrency; w++) {
        is_same = a->workers[w].count == b->workers[w].count;
        for (size_t i = 0; is_same && i < a->workers[w].count; i++) {
            const struct jep_planned *x = &a->workers[w].items[i], *y = &b->workers[w].items[i];
            is_same = x->at_ns == y->at_ns && x->is_stubborn == y->is_stubborn &&
                      x->is_echoed == y->is_echoed && is_same_step(&x->step, &y->step);
        }
    }
    for (size_t i = 0; is_same && i < a->fault_count; i++) {
        const struct jep_planned_fault *x = &a->faults[i], *y = &b->faults[i];
        is_same = x->start_ns == y->start_ns && x->stop_ns == y->stop_ns &&
                  x->nemesis == y->nemesis && jep_edn_equal(&x->plan, &y->plan);
    }
    for (size_t i = 0; is_same && i < a->final_count; i++) {
        is_same = is_same_step(&a->finals[i], &b->finals[i]);
    }
    return is_same;
}

/* The i-th workload that is not only a slot. */
static const struct jep_workload *workload_at(size_t *i)
{
    const struct jep_workload *workload = jep_workload_at((*i)++);
    while (workload != NULL && workload->check == NULL) {
        workload = jep_workload_at((*i)++);
    }
    return workload;
}

TEST(plan, one_seed_is_one_plan_and_another_seed_another)
{
    const struct jep_workload *workload;
    size_t at = 0;
    while ((workload = workload_at(&at)) != NULL) {
        struct jep_plan a = make(workload->name, "all", 7), b = make(workload->name, "all", 7);
        struct jep_plan c = make(workload->name, "all", 8);
        EXPECT_TRUE(is_same(&a, &b));
        EXPECT_TRUE(!is_same(&a, &c));
        EXPECT_TRUE(a.fault_count > 2);
        jep_plan_destroy(&a);
        jep_plan_destroy(&b);
        jep_plan_destroy(&c);
    }
}

TEST(plan, schedule_that_was_written_is_read_as_it_was)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/schedule.edn", test_directory());
    const struct jep_workload *workload;
    size_t at = 0;
    while ((workload = workload_at(&at)) != NULL) {
        struct jep_plan a = make(workload->name, "all", test_seed()), b;
        EXPECT_TRUE(jep_plan_write(&a, path, &message));
        EXPECT_TRUE(jep_plan_read(path, &b, &message));
        EXPECT_TRUE(is_same(&a, &b));
        EXPECT_TRUE(b.options.workload == workload);
        EXPECT_EQ(a.options.seed, b.options.seed);
        EXPECT_EQ(a.options.time_limit_s, b.options.time_limit_s);
        EXPECT_TEXT(a.options.nemeses, b.options.nemeses);
        jep_plan_destroy(&a);
        jep_plan_destroy(&b);
    }
}

TEST(plan, damaged_schedule_is_refused)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/schedule.edn", test_directory());
    static const char *const bad[] = {"", "{:options", "{:options {}}",
        "{:options {:concurrency 2} :workers [[]] :faults [] :final []}",
        "{:options {:concurrency 1} :workers [[{:f :read}]] :faults [] :final []}",
        ("{:options {:concurrency 1} :workers [[]] :faults [{:time 1 :until 2 :nemesis \"sing\" "
         ":plan nil}] :final []}"),
        "{:options {:workload \"sing\"} :workers [[]] :faults [] :final []}",
        "{:options {:concurrency 1000} :workers [[]] :faults [] :final []}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct jep_plan plan;
        FILE *file = fopen(path, "wb");
        EXPECT_TRUE(file != NULL && fputs(bad[i], file) >= 0 && fclose(file) == 0);
        EXPECT_TRUE(!jep_plan_read(path, &plan, &message));
    }
}

/* Keys of registers: at most so many operations, written values unique. */
TEST(plan, keys_rotate_and_values_are_unique)
{
    struct jep_plan plan = make("register", "", 3);
    struct jep_table values = {0}, keys = {0};
    unsigned ops[1000] = {0};
    for (unsigned w = 0; w < plan.options.concurrency; w++) {
        for (size_t i = 0; i < plan.workers[w].count; i++) {
            const struct jep_step *step = &plan.workers[w].items[i].step;
            struct jep_edn value = step->value.items[1];
            uint32_t key = jep_table_put(&keys, &step->value.items[0]);
            EXPECT_TRUE(key < 1000 && ++ops[key] <= JEP_KEY_OPS);
            if (strcmp(step->f, "read") != 0) {
                value = strcmp(step->f, "cas") == 0 ? value.items[1] : value;
                uint32_t before = values.count;
                EXPECT_EQ(before, jep_table_put(&values, &value));
            }
        }
    }
    EXPECT_EQ(30, keys.count); /* 100 operations a second for 30 s */
    jep_table_free(&values);
    jep_table_free(&keys);
    jep_plan_destroy(&plan);
}

TEST(plan, faults_lie_within_the_run_and_inner_ones_within_outer_ones)
{
    unsigned inner = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct jep_plan plan = make("set", "all", seed);
        for (size_t i = 0; i < plan.fault_count; i++) {
            const struct jep_planned_fault *f = &plan.faults[i];
            EXPECT_TRUE(0 < f->start_ns && f->start_ns < f->stop_ns);
            EXPECT_TRUE(f->stop_ns <= 27 * (int64_t)1000000000); /* Load goes on behind it. */
            if (i > 0 && f->start_ns < plan.faults[i - 1].stop_ns) {
                const struct jep_planned_fault *outer = &plan.faults[i - 1];
                EXPECT_EQ(outer->stop_ns, f->stop_ns);
                EXPECT_TRUE(strcmp(outer->nemesis->family, f->nemesis->family) != 0);
                EXPECT_EQ(0, (outer->nemesis->flags | f->nemesis->flags) & JEP_NEMESIS_MAJORITY);
                inner++;
            }
        }
        jep_plan_destroy(&plan);
    }
    EXPECT_TRUE(inner > 10); /* The case was reached. */
}

/* --- a history held against a plan ------------------------------------------------------- */

/* Everything as planned; operations of one worker after those of another. */
static struct jep_history *follow(const struct jep_plan *plan)
{
    struct jep_history *history = jep_history_create();
    for (unsigned w = 0; w < plan->options.concurrency; w++) {
        for (size_t i = 0; i < plan->workers[w].count; i++) {
            const struct jep_step *step = &plan->workers[w].items[i].step;
            struct jep_op op = {
                .type = JEP_INVOKE, .process = w, .f = step->f, .value = step->value};
            jep_history_add(history, &op);
            op.type = JEP_OK;
            jep_history_add(history, &op);
        }
    }
    for (size_t i = 0; i < plan->fault_count; i++) {
        char f[64];
        (void)snprintf(f, sizeof(f), "start-%s", plan->faults[i].nemesis->name);
        struct jep_op op = {
            .type = JEP_INFO, .process = JEP_NEMESIS, .f = f, .value = plan->faults[i].plan};
        jep_history_add(history, &op);
        op.value = jep_edn_nil();
        jep_history_add(history, &op);
    }
    return history;
}

TEST(plan, history_that_did_something_else_is_told)
{
    struct jep_plan plan = make("register", "kill", 5);
    struct jep_history *history = follow(&plan);
    EXPECT_TRUE(jep_plan_is_followed(&plan, history, &message));
    struct jep_edn other = jep_edn_int(-1), kept = history->ops[20].value;
    history->ops[20].value = other; /* another value */
    EXPECT_TRUE(!jep_plan_is_followed(&plan, history, &message));
    history->ops[20].value = kept;
    const char *f = history->ops[40].f;
    history->ops[40].f = "sing"; /* another operation */
    EXPECT_TRUE(!jep_plan_is_followed(&plan, history, &message));
    history->ops[40].f = f;
    EXPECT_TRUE(plan.fault_count > 0);
    history->count -= 2; /* the last fault was not made */
    EXPECT_TRUE(!jep_plan_is_followed(&plan, history, &message));
    EXPECT_TRUE(strstr(message.text, "faults were made") != NULL);
    history->count += 2;
    plan.workers[0].count++; /* an operation was not made */
    EXPECT_TRUE(!jep_plan_is_followed(&plan, history, &message));
    jep_history_destroy(history);
    jep_plan_destroy(&plan);
}

TEST(plan, what_the_plan_leaves_open_may_be_anything)
{
    struct jep_plan plan = make("as-of", "", 5);
    struct jep_history *history = follow(&plan);
    struct jep_edn items[] = {jep_edn_int(1), jep_edn_int(2), jep_edn_nil()};
    unsigned opened = 0;
    for (size_t i = 0; i < history->count; i++) {
        if (strcmp(history->ops[i].f, "as-of") == 0) {
            history->ops[i].value = jep_edn_vector(history->arena, items, 3);
            opened++;
        }
    }
    EXPECT_TRUE(opened > 100);
    EXPECT_TRUE(jep_plan_is_followed(&plan, history, &message));
    jep_history_destroy(history);
    jep_plan_destroy(&plan);
}

/* --- profiles ---------------------------------------------------------------------------- */

TEST(profile, bouts_name_what_there_is)
{
    static const char *const profiles[] = {"ci", "nightly", "soak", "mutants", "controls"};
    for (size_t p = 0; p < sizeof(profiles) / sizeof(profiles[0]); p++) {
        size_t count = 0;
        for (uint64_t seed = 20000; seed < 20030; seed++) {
            struct jep_bout bout;
            for (size_t i = 0; jep_profile_bout(profiles[p], seed, i, &bout); i++) {
                const struct jep_nemesis *nemeses[JEP_NEMESES_MAX];
                size_t selected;
                count++;
                if (bout.kind != JEP_BOUT_SIM) {
                    const struct jep_workload *workload = jep_workload_find(bout.workload);
                    EXPECT_TRUE(workload != NULL && workload->check != NULL);
                    EXPECT_TRUE(jep_nemesis_select(bout.nemesis, nemeses, &selected, &message));
                }
                EXPECT_EQ(bout.kind == JEP_BOUT_MUTANT, bout.mutant != NULL);
            }
        }
        EXPECT_TRUE(count >= 30);
    }
}

TEST(profile, ci_has_seeds_six_different_runs_and_two_mutants)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct jep_bout bouts[16];
        size_t count = 0;
        while (jep_profile_bout("ci", seed, count, &bouts[count])) {
            count++;
        }
        EXPECT_EQ(9, count);
        EXPECT_EQ(JEP_BOUT_SIM, bouts[0].kind);
        EXPECT_TRUE(bouts[0].seeds >= 500);
        for (size_t i = 1; i < 7; i++) {
            EXPECT_EQ(JEP_BOUT_RUN, bouts[i].kind);
            for (size_t j = 1; j < i; j++) {
                EXPECT_TRUE(strcmp(bouts[i].workload, bouts[j].workload) != 0 ||
                            strcmp(bouts[i].nemesis, bouts[j].nemesis) != 0);
            }
        }
        EXPECT_EQ(JEP_BOUT_MUTANT, bouts[7].kind);
        EXPECT_EQ(JEP_BOUT_MUTANT, bouts[8].kind);
        EXPECT_TRUE(strcmp(bouts[7].mutant, bouts[8].mutant) != 0);
    }
}
