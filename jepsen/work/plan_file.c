#include <string.h>

#include "jepsen/work/plan.h"

/* schedule.edn, and a history held against it (JEP-61). */

enum {
    SCHEDULE_BYTES_MAX = 1 << 30
};

/* --- writing ----------------------------------------------------------------------------- */

static void put_step(struct jep_edn_list *map, const struct jep_step *step)
{
    jep_edn_put(map, "f", jep_edn_keyword(step->f));
    jep_edn_put(map, "value", step->value);
}

static void write_line(
    struct jep_text *text, const char *before, struct jep_edn_list *map, struct jep_arena *arena)
{
    struct jep_edn value = jep_edn_take_map(map, arena);
    jep_text_puts(text, before);
    jep_edn_write(text, &value);
    jep_text_puts(text, "\n");
}

static void write_workers(
    struct jep_text *text, const struct jep_plan *plan, struct jep_arena *arena)
{
    jep_text_puts(text, " :workers [\n");
    for (unsigned w = 0; w < plan->options.concurrency; w++) {
        jep_text_puts(text, "[\n");
        for (size_t i = 0; i < plan->workers[w].count; i++) {
            const struct jep_planned *planned = &plan->workers[w].items[i];
            struct jep_edn_list map = {0};
            jep_edn_put(&map, "time", jep_edn_int(planned->at_ns));
            put_step(&map, &planned->step);
            if (planned->is_stubborn) {
                jep_edn_put(&map, "stubborn", jep_edn_bool(true));
            }
            if (planned->is_echoed) {
                jep_edn_put(&map, "echoed", jep_edn_bool(true));
            }
            write_line(text, "  ", &map, arena);
        }
        jep_text_puts(text, " ]\n");
    }
    jep_text_puts(text, "]\n");
}

bool jep_plan_write(const struct jep_plan *plan, const char *path, struct jep_message *message)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_text text = {0};
    struct jep_edn options = jep_run_options_edn(&plan->options, arena);
    jep_text_puts(&text, "{:options ");
    jep_edn_write(&text, &options);
    jep_text_puts(&text, "\n :faults [\n");
    for (size_t i = 0; i < plan->fault_count; i++) {
        const struct jep_planned_fault *fault = &plan->faults[i];
        struct jep_edn_list map = {0};
        jep_edn_put(&map, "time", jep_edn_int(fault->start_ns));
        jep_edn_put(&map, "until", jep_edn_int(fault->stop_ns));
        jep_edn_put(&map, "nemesis", jep_edn_string(fault->nemesis->name));
        jep_edn_put(&map, "plan", fault->plan);
        write_line(&text, "  ", &map, arena);
    }
    jep_text_puts(&text, " ]\n");
    write_workers(&text, plan, arena);
    jep_text_puts(&text, " :final [\n");
    for (size_t i = 0; i < plan->final_count; i++) {
        struct jep_edn_list map = {0};
        put_step(&map, &plan->finals[i]);
        write_line(&text, "  ", &map, arena);
    }
    jep_text_puts(&text, " ]}\n");
    bool is_written = jep_text_write_file(&text, path, message);
    jep_text_free(&text);
    jep_arena_destroy(arena);
    return is_written;
}

/* --- reading ----------------------------------------------------------------------------- */

static bool read_step(
    const struct jep_edn *map, struct jep_step *ret_step, struct jep_message *message)
{
    const struct jep_edn *f = jep_edn_get(map, "f"), *value = jep_edn_get(map, "value");
    if (f == NULL || f->type != JEP_EDN_KEYWORD || value == NULL) {
        return jep_failed(message, "an operation has no :f or no :value");
    }
    *ret_step = (struct jep_step){f->text, *value};
    return true;
}

static bool read_time(
    const struct jep_edn *map, const char *key, int64_t *ret_ns, struct jep_message *message)
{
    const struct jep_edn *time = jep_edn_get(map, key);
    if (time == NULL || !jep_edn_is_int(time)) {
        return jep_failed(message, "something has no :%s", key);
    }
    *ret_ns = time->integer;
    return true;
}

static bool read_workers(
    struct jep_plan *plan, const struct jep_edn *workers, struct jep_message *message)
{
    if (workers == NULL || !jep_edn_is_vector(workers, plan->options.concurrency)) {
        return jep_failed(message, ":workers is no vector with :concurrency items");
    }
    for (unsigned w = 0; w < plan->options.concurrency; w++) {
        const struct jep_edn *operations = &workers->items[w];
        struct jep_planned *items = jep_arena_array(plan->arena, operations->count, sizeof(*items));
        plan->workers[w].items = items;
        plan->workers[w].count = operations->count;
        for (size_t i = 0; i < operations->count; i++) {
            const struct jep_edn *map = &operations->items[i];
            items[i].is_stubborn = jep_edn_get(map, "stubborn") != NULL;
            items[i].is_echoed = jep_edn_get(map, "echoed") != NULL;
            if (!read_time(map, "time", &items[i].at_ns, message) ||
                !read_step(map, &items[i].step, message)) {
                return false;
            }
        }
    }
    return true;
}

static bool read_faults(
    struct jep_plan *plan, const struct jep_edn *faults, struct jep_message *message)
{
    if (faults == NULL || !jep_edn_is_sequence(faults)) {
        return jep_failed(message, ":faults is no vector");
    }
    plan->faults = jep_arena_array(plan->arena, faults->count, sizeof(*plan->faults));
    plan->fault_count = faults->count;
    for (size_t i = 0; i < faults->count; i++) {
        const struct jep_edn *map = &faults->items[i];
        const struct jep_edn *name = jep_edn_get(map, "nemesis");
        const struct jep_edn *value = jep_edn_get(map, "plan");
        if (!read_time(map, "time", &plan->faults[i].start_ns, message) ||
            !read_time(map, "until", &plan->faults[i].stop_ns, message)) {
            return false;
        }
        if (name == NULL || name->type != JEP_EDN_STRING || value == NULL) {
            return jep_failed(message, "a fault has no :nemesis or no :plan");
        }
        plan->faults[i].nemesis = jep_nemesis_find(name->text);
        plan->faults[i].plan = *value;
        if (plan->faults[i].nemesis == NULL) {
            return jep_failed(message, "there is no nemesis %s", name->text);
        }
    }
    return true;
}

static bool read_finals(
    struct jep_plan *plan, const struct jep_edn *finals, struct jep_message *message)
{
    if (finals == NULL || !jep_edn_is_sequence(finals)) {
        return jep_failed(message, ":final is no vector");
    }
    plan->finals = jep_arena_array(plan->arena, finals->count, sizeof(*plan->finals));
    plan->final_count = finals->count;
    for (size_t i = 0; i < finals->count; i++) {
        if (!read_step(&finals->items[i], &plan->finals[i], message)) {
            return false;
        }
    }
    return true;
}

bool jep_plan_read(const char *path, struct jep_plan *ret_plan, struct jep_message *message)
{
    struct jep_plan plan = {.arena = jep_arena_create()};
    struct jep_text text = {0};
    struct jep_edn root;
    jep_run_options_init(&plan.options);
    bool is_read = jep_text_read_file(&text, path, SCHEDULE_BYTES_MAX, message) &&
                   jep_edn_parse(plan.arena, text.bytes, text.size, &root, message);
    if (is_read) {
        const struct jep_edn *options = jep_edn_get(&root, "options");
        is_read = options != NULL && jep_run_options_read(options, &plan.options, message) &&
                  read_workers(&plan, jep_edn_get(&root, "workers"), message) &&
                  read_faults(&plan, jep_edn_get(&root, "faults"), message) &&
                  read_finals(&plan, jep_edn_get(&root, "final"), message);
    }
    jep_text_free(&text);
    if (is_read) {
        *ret_plan = plan;
    } else {
        jep_plan_destroy(&plan);
    }
    return is_read;
}

/* --- a history held against it ----------------------------------------------------------- */

/* nil in the plan stands for what only the run can know. */
static bool fits(const struct jep_edn *planned, const struct jep_edn *done)
{
    if (jep_edn_is_nil(planned)) {
        return true;
    }
    bool is_vector = planned->type == JEP_EDN_VECTOR && done->type == JEP_EDN_VECTOR;
    if (!is_vector || planned->count != done->count) {
        return jep_edn_equal(planned, done);
    }
    for (size_t i = 0; i < planned->count; i++) {
        if (!fits(&planned->items[i], &done->items[i])) {
            return false;
        }
    }
    return true;
}

struct following {
    const struct jep_plan *plan;
    size_t done[JEP_WORKERS_MAX]; /* of the worker's operations */
};

/* They are asked again until they are answered, so that their number differs. */
static bool is_final(const struct jep_plan *plan, const struct jep_op *op)
{
    bool is_found = strcmp(op->f, "digest") == 0 || strcmp(op->f, "audit") == 0 ||
                    strcmp(op->f, "actuation") == 0 || strcmp(op->f, "account") == 0;
    for (size_t i = 0; i < plan->final_count && !is_found; i++) {
        is_found =
            strcmp(plan->finals[i].f, op->f) == 0 && fits(&plan->finals[i].value, &op->value);
    }
    return is_found;
}

static bool follow_client(struct following *f, const struct jep_op *op, struct jep_message *message)
{
    const struct jep_plan *plan = f->plan;
    unsigned worker = (unsigned)(op->process % plan->options.concurrency);
    size_t at = f->done[worker]++;
    if (at >= plan->workers[worker].count) {
        return is_final(plan, op) ||
               jep_failed(message, "operation %llu: %s is none of the last questions",
                   (unsigned long long)op->index, op->f);
    }
    const struct jep_step *step = &plan->workers[worker].items[at].step;
    if (strcmp(step->f, op->f) != 0 || !fits(&step->value, &op->value)) {
        return jep_failed(message,
            "operation %llu, the %zu. of worker %u: %s is not what was planned",
            (unsigned long long)op->index, at, worker, op->f);
    }
    return true;
}

/* The nemesis writes each of its operations twice, the plan first. */
static bool follow_nemesis(struct following *f, const struct jep_op *op, size_t *starts,
    bool *is_second, struct jep_message *message)
{
    static const char prefix[] = "start-";
    if (strncmp(op->f, prefix, sizeof(prefix) - 1) != 0) {
        return true;
    }
    bool is_plan = !*is_second;
    *is_second = is_plan;
    if (!is_plan) {
        return true;
    }
    size_t at = (*starts)++;
    const struct jep_planned_fault *fault = at < f->plan->fault_count ? &f->plan->faults[at] : NULL;
    if (fault == NULL || strcmp(fault->nemesis->name, op->f + sizeof(prefix) - 1) != 0 ||
        !jep_edn_equal(&fault->plan, &op->value)) {
        return jep_failed(message, "operation %llu: the %zu. fault is not the one that was planned",
            (unsigned long long)op->index, at);
    }
    return true;
}

bool jep_plan_is_followed(
    const struct jep_plan *plan, const struct jep_history *history, struct jep_message *message)
{
    struct following f = {.plan = plan};
    size_t starts = 0;
    bool is_second = false;
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        bool is_good = true;
        if (op->process == JEP_NEMESIS) {
            is_good = follow_nemesis(&f, op, &starts, &is_second, message);
        } else if (op->type == JEP_INVOKE) {
            is_good = follow_client(&f, op, message);
        }
        if (!is_good) {
            return false;
        }
    }
    for (unsigned w = 0; w < plan->options.concurrency; w++) {
        if (f.done[w] < plan->workers[w].count) {
            return jep_failed(message, "worker %u did %zu of %zu operations", w, f.done[w],
                plan->workers[w].count);
        }
    }
    return starts == plan->fault_count ||
           jep_failed(message, "%zu of %zu faults were made", starts, plan->fault_count);
}
