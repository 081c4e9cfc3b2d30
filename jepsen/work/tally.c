#include "jepsen/work/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/core/arena.h"

/* --- adding ------------------------------------------------------------------------------ */

static int64_t int_of(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = map != NULL ? jep_edn_get(map, key) : NULL;
    return found != NULL && jep_edn_is_int(found) ? found->integer : 0;
}

static void add_fault(struct jep_tally *t, const char *name, const struct jep_edn *figures)
{
    size_t i = 0;
    while (i < t->fault_count && strcmp(t->faults[i].name, name) != 0) {
        i++;
    }
    if (i == JEP_TALLY_FAULTS_MAX) {
        return; /* there are no more nemeses */
    }
    struct jep_tally_fault *f = &t->faults[i];
    if (i == t->fault_count) {
        *f = (struct jep_tally_fault){.made = 0};
        (void)snprintf(f->name, sizeof(f->name), "%s", name);
        t->fault_count++;
    }
    int64_t gap_ms = int_of(figures, "write-gap-ms");
    f->made += int_of(figures, "made");
    f->seen += int_of(figures, "seen");
    f->skipped += int_of(figures, "skipped");
    f->gap_ms = gap_ms > f->gap_ms ? gap_ms : f->gap_ms;
}

static void add_summary(
    struct jep_tally *t, const struct jep_edn *summary, struct jep_tally_run *ret_run)
{
    const struct jep_edn *faults = jep_edn_get(summary, "faults");
    *ret_run = (struct jep_tally_run){
        int_of(summary, "ok"), int_of(summary, "fail"), int_of(summary, "info"), 0, 0};
    for (size_t i = 0; faults != NULL && i < faults->count; i++) {
        const struct jep_edn *figures = &faults->items[2 * i + 1];
        ret_run->made += int_of(figures, "made");
        ret_run->seen += int_of(figures, "seen");
        add_fault(t, faults->items[2 * i].text, figures);
    }
    t->invoked += int_of(summary, "invoked");
    t->ok += ret_run->ok;
    t->fail += ret_run->fail;
    t->info += ret_run->info;
}

/* A check of a results map; NULL: its i-th member is something else. */
static const struct jep_edn *check_at(const struct jep_edn *results, size_t i)
{
    const struct jep_edn *check = &results->items[2 * i + 1];
    bool is_check = check->type == JEP_EDN_MAP && jep_edn_get(check, "valid?") != NULL;
    return is_check ? check : NULL;
}

static void add_checks(struct jep_tally *t, const struct jep_edn *results)
{
    for (size_t i = 0; i < results->count; i++) {
        const struct jep_edn *check = check_at(results, i);
        size_t k = 0;
        if (check == NULL || jep_verdict_of(check) != JEP_INVALID) {
            continue;
        }
        t->anomalies++;
        while (k < t->check_count && strcmp(t->checks[k].name, results->items[2 * i].text) != 0) {
            k++;
        }
        if (k == JEP_TALLY_CHECKS_MAX) {
            continue;
        }
        if (k == t->check_count) {
            (void)snprintf(
                t->checks[k].name, sizeof(t->checks[k].name), "%s", results->items[2 * i].text);
            t->checks[k].count = 0;
            t->check_count++;
        }
        t->checks[k].count++;
    }
}

static int64_t ms_of(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = jep_edn_get(map, key);
    bool is_told = found != NULL && found->type == JEP_EDN_FLOAT;
    return is_told ? (int64_t)(found->real * 1000 + 0.5) : 0;
}

static void add_recovery(struct jep_tally *t, const struct jep_edn *recovery)
{
    const struct jep_edn *leaders = jep_edn_get(recovery, "leaders-ms");
    int64_t node_ms = ms_of(recovery, "slowest-node-s");
    int64_t leader_ms = ms_of(recovery, "slowest-leader-s");
    t->heals += int_of(recovery, "heals");
    t->answered += int_of(recovery, "answers-judged");
    t->leaders_starved += int_of(recovery, "leaders-starved");
    t->slowest_node_ms = node_ms > t->slowest_node_ms ? node_ms : t->slowest_node_ms;
    t->slowest_leader_ms = leader_ms > t->slowest_leader_ms ? leader_ms : t->slowest_leader_ms;
    for (size_t i = 0; leaders != NULL && i < leaders->count; i++) {
        t->leaders_ms = jep_realloc(t->leaders_ms, t->leader_count + 1, sizeof(t->leaders_ms[0]));
        t->leaders_ms[t->leader_count++] = leaders->items[i].integer;
    }
}

void jep_tally_add(
    struct jep_tally *t, int code, const struct jep_edn *results, struct jep_tally_run *ret_run)
{
    *ret_run = (struct jep_tally_run){0};
    t->runs++;
    t->valid += code == JEP_EXIT_VALID ? 1 : 0;
    t->invalid += code == JEP_EXIT_INVALID ? 1 : 0;
    t->unknown += code == JEP_EXIT_UNKNOWN ? 1 : 0;
    t->cannot += code == JEP_EXIT_CANNOT_RUN ? 1 : 0;
    bool is_told = code == JEP_EXIT_VALID || code == JEP_EXIT_INVALID || code == JEP_EXIT_UNKNOWN ||
                   code == JEP_EXIT_CANNOT_RUN;
    t->harness += is_told ? 0 : 1;
    if (results == NULL) {
        return;
    }
    const struct jep_edn *summary = jep_edn_get(results, "summary");
    const struct jep_edn *recovery = jep_edn_get(results, "recovery");
    if (summary != NULL) {
        add_summary(t, summary, ret_run);
    }
    if (recovery != NULL) {
        add_recovery(t, recovery);
    }
    add_checks(t, results);
}

void jep_tally_why(const struct jep_edn *results, char ret_why[JEP_TALLY_WHY_BYTES])
{
    enum jep_verdict worst = JEP_VALID;
    ret_why[0] = '\0';
    for (size_t i = 0; i < results->count; i++) {
        const struct jep_edn *check = check_at(results, i);
        enum jep_verdict verdict = check != NULL ? jep_verdict_of(check) : JEP_VALID;
        const struct jep_edn *why = check != NULL ? jep_edn_get(check, "why") : NULL;
        if (verdict > worst) {
            worst = verdict;
            (void)snprintf(ret_why, JEP_TALLY_WHY_BYTES, "%s: %.300s", results->items[2 * i].text,
                why != NULL && why->type == JEP_EDN_STRING ? why->text : "");
        }
    }
}

bool jep_tally_adds_up(const struct jep_tally *t, struct jep_message *message)
{
    int64_t verdicts = t->valid + t->invalid + t->unknown + t->harness + t->cannot;
    if (verdicts != t->runs) {
        return jep_failed(message, "%" PRId64 " runs, %" PRId64 " verdicts", t->runs, verdicts);
    }
    if (t->invoked != t->ok + t->fail + t->info) {
        return jep_failed(message, "%" PRId64 " operations were begun, %" PRId64 " have a result",
            t->invoked, t->ok + t->fail + t->info);
    }
    for (size_t i = 0; i < t->fault_count; i++) {
        const struct jep_tally_fault *f = &t->faults[i];
        if (f->seen + f->skipped > f->made) {
            return jep_failed(message, "%s: more were seen than made", f->name);
        }
    }
    return true;
}

/* --- telling ----------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

/* In ms: the smallest that so many per cent do not exceed. */
static int64_t leader_ms(const struct jep_tally *t, size_t percent)
{
    size_t rank = (t->leader_count * percent + 99) / 100;
    return t->leader_count == 0 ? 0 : t->leaders_ms[rank > 0 ? rank - 1 : 0];
}

static void sort_leaders(struct jep_tally *t)
{
    if (t->leader_count > 0) {
        qsort(t->leaders_ms, t->leader_count, sizeof(t->leaders_ms[0]), by_size);
    }
}

void jep_tally_print(struct jep_tally *t, const char *what, FILE *out)
{
    sort_leaders(t);
    (void)fprintf(out, "\n%-24s %6s %6s %9s %8s  %s\n", what, "made", "seen", "no effect",
        "left out", "longest time without a write, ms");
    for (size_t i = 0; i < t->fault_count; i++) {
        const struct jep_tally_fault *f = &t->faults[i];
        (void)fprintf(out,
            "%-24s %6" PRId64 " %6" PRId64 " %9" PRId64 " %8" PRId64 "  %" PRId64 "\n", f->name,
            f->made, f->seen, f->made - f->seen - f->skipped, f->skipped, f->gap_ms);
    }
    (void)fprintf(out,
        "runs        %" PRId64 " = %" PRId64 " valid + %" PRId64 " invalid + %" PRId64
        " unknown + %" PRId64 " harness error + %" PRId64 " cannot run here\n",
        t->runs, t->valid, t->invalid, t->unknown, t->harness, t->cannot);
    (void)fprintf(out,
        "operations  %" PRId64 " = %" PRId64 " ok + %" PRId64 " refused + %" PRId64 " in doubt\n",
        t->invoked, t->ok, t->fail, t->info);
    (void)fprintf(out, "anomalies   %" PRId64 " checks invalid", t->anomalies);
    for (size_t i = 0; i < t->check_count; i++) {
        (void)fprintf(
            out, "%s %s %" PRId64, i == 0 ? ":" : ",", t->checks[i].name, t->checks[i].count);
    }
    (void)fprintf(out,
        "\nheals       %" PRId64 "; %" PRId64 " answers of nodes judged, the slowest after %" PRId64
        " ms\nleaders     %zu heals judged: half within %" PRId64 " ms, nine of ten within %" PRId64
        " ms, the slowest %" PRId64 " ms (%" PRId64 " ms from when a majority answered); %" PRId64
        " late while the harness was starved\n",
        t->heals, t->answered, t->slowest_node_ms, t->leader_count, leader_ms(t, 50),
        leader_ms(t, 90), leader_ms(t, 100), t->slowest_leader_ms, t->leaders_starved);
}

static struct jep_edn faults_edn(const struct jep_tally *t, struct jep_arena *arena)
{
    struct jep_edn_list list = {0};
    for (size_t i = 0; i < t->fault_count; i++) {
        const struct jep_tally_fault *f = &t->faults[i];
        struct jep_edn_list map = {0};
        jep_edn_put(&map, "made", jep_edn_int(f->made));
        jep_edn_put(&map, "seen", jep_edn_int(f->seen));
        jep_edn_put(&map, "no-effect", jep_edn_int(f->made - f->seen - f->skipped));
        jep_edn_put(&map, "skipped", jep_edn_int(f->skipped));
        jep_edn_put(&map, "write-gap-ms", jep_edn_int(f->gap_ms));
        jep_edn_push(&list, jep_edn_string_copy(arena, f->name));
        jep_edn_push(&list, jep_edn_take_map(&map, arena));
    }
    return jep_edn_take_map(&list, arena);
}

struct jep_edn jep_tally_edn(struct jep_tally *t, struct jep_arena *arena)
{
    struct jep_edn_list map = {0}, checks = {0}, leaders = {0};
    const struct {
        const char *name;
        int64_t count;
    } counts[] = {{"runs", t->runs}, {"valid", t->valid}, {"invalid", t->invalid},
        {"unknown", t->unknown}, {"harness-error", t->harness}, {"cannot-run", t->cannot},
        {"operations", t->invoked}, {"ok", t->ok}, {"fail", t->fail}, {"info", t->info},
        {"anomalies", t->anomalies}, {"heals", t->heals}, {"answers-judged", t->answered},
        {"slowest-node-ms", t->slowest_node_ms}, {"leaders-starved", t->leaders_starved},
        {"slowest-leader-ms", t->slowest_leader_ms}};
    sort_leaders(t);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        jep_edn_put(&map, counts[i].name, jep_edn_int(counts[i].count));
    }
    for (size_t i = 0; i < t->check_count; i++) {
        jep_edn_push(&checks, jep_edn_keyword_copy(arena, t->checks[i].name));
        jep_edn_push(&checks, jep_edn_int(t->checks[i].count));
    }
    for (size_t i = 0; i < t->leader_count; i++) {
        jep_edn_push(&leaders, jep_edn_int(t->leaders_ms[i]));
    }
    jep_edn_put(&map, "checks-invalid", jep_edn_take_map(&checks, arena));
    jep_edn_put(&map, "leaders-ms", jep_edn_take_vector(&leaders, arena));
    jep_edn_put(&map, "faults", faults_edn(t, arena));
    return jep_edn_take_map(&map, arena);
}

void jep_tally_free(struct jep_tally *t)
{
    free(t->leaders_ms);
    *t = (struct jep_tally){.runs = 0};
}
