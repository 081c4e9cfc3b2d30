#include "jepsen/forge/selftest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/forge/forge.h"

enum {
    EXPECTED_BYTES_MAX = 1 << 20
};

static enum jep_verdict judge(struct jep_history *history, const char *workload, bool has_coverage,
    struct jep_edn *ret_results)
{
    struct jep_check_options options = {.workload = workload, .is_coverage_off = !has_coverage};
    struct jep_message message;
    if (!jep_check_history(history, &options, ret_results, &message)) {
        *ret_results = jep_edn_string_copy(history->arena, message.text);
        return JEP_UNKNOWN;
    }
    return jep_verdict_of(ret_results);
}

/* The first reason in the results that is not told of the whole. */
static const char *reason_in(const struct jep_edn *results, enum jep_verdict verdict)
{
    for (uint32_t i = 0; results->type == JEP_EDN_MAP && i < results->count; i++) {
        const struct jep_edn *check = &results->items[2 * i + 1];
        const struct jep_edn *why = jep_edn_get(check, "why");
        if (why != NULL && jep_verdict_of(check) == verdict) {
            return why->text;
        }
    }
    return "no reason";
}

/* One history; true if the verdict is the expected one. */
static bool judge_one(const struct jep_selftest_options *options, const char *workload,
    const struct jep_mutation *mutation, uint64_t seed, bool *ret_has_place)
{
    struct jep_forge_options forge = {.workload = workload,
        .ops = options->ops,
        .seed = seed,
        .keys = 4,
        .concurrency = 5 + (uint32_t)(seed % 6),
        .mutation = mutation != NULL ? mutation->name : NULL};
    enum jep_verdict expected = mutation != NULL ? mutation->expected : JEP_VALID;
    struct jep_history *history = NULL;
    struct jep_message message;
    struct jep_edn results;
    *ret_has_place = jep_forge(&forge, &history, &message);
    if (!*ret_has_place) {
        return false;
    }
    bool has_coverage = expected != JEP_INVALID;
    enum jep_verdict verdict = judge(history, workload, has_coverage, &results);
    if (verdict != expected) {
        (void)fprintf(options->out, "  %s %s seed %" PRIu64 ": %s, expected %s: %s\n", workload,
            mutation != NULL ? mutation->name : "good", seed, jep_verdict_name(verdict),
            jep_verdict_name(expected), reason_in(&results, verdict));
    }
    jep_history_destroy(history);
    return verdict == expected;
}

static bool judge_series(const struct jep_selftest_options *options, const char *workload,
    const struct jep_mutation *mutation)
{
    uint64_t right = 0, places = 0;
    for (uint64_t i = 0; i < options->seeds; i++) {
        bool has_place = false;
        right += judge_one(options, workload, mutation, options->first_seed + i, &has_place);
        places += has_place ? 1 : 0;
    }
    if (places == 0 && mutation != NULL && mutation->workload == NULL) {
        return true; /* not of this workload */
    }
    if (!options->is_quiet || right != options->seeds) {
        (void)fprintf(options->out, "%-9s %-20s %" PRIu64 " of %" PRIu64 " %s\n", workload,
            mutation != NULL ? mutation->name : "(good)", right, options->seeds,
            mutation == NULL                    ? "pass"
            : mutation->expected == JEP_INVALID ? "caught"
                                                : "not believed");
    }
    return right == options->seeds;
}

static bool judge_workload(const struct jep_selftest_options *options, const char *workload)
{
    bool good = judge_series(options, workload, NULL);
    for (const struct jep_mutation *m = jep_forge_mutations(); m->name != NULL; m++) {
        if (m->workload == NULL || strcmp(m->workload, workload) == 0) {
            good = judge_series(options, workload, m) && good;
        }
    }
    return good;
}

/* --- hand-made ones ---------------------------------------------------------------------- */

/* Whether the keyword, or a string that holds the text, stands anywhere in a value. */
static bool is_said(const struct jep_edn *value, const struct jep_edn *what)
{
    switch (value->type) {
    case JEP_EDN_KEYWORD:
        return jep_edn_equal(value, what);
    case JEP_EDN_STRING:
        return what->type == JEP_EDN_STRING && strstr(value->text, what->text) != NULL;
    case JEP_EDN_LIST:
    case JEP_EDN_VECTOR:
    case JEP_EDN_SET:
    case JEP_EDN_MAP:
        for (uint32_t i = 0; i < value->count * (value->type == JEP_EDN_MAP ? 2 : 1); i++) {
            if (is_said(&value->items[i], what)) {
                return true;
            }
        }
        return false;
    case JEP_EDN_NIL:
    case JEP_EDN_BOOL:
    case JEP_EDN_INT:
    case JEP_EDN_FLOAT:
    case JEP_EDN_SYMBOL:
    case JEP_EDN_TAGGED:
        return false;
    }
    return false;
}

static bool judge_fixture(
    const struct jep_selftest_options *options, const struct jep_edn *expected)
{
    const struct jep_edn *file = jep_edn_get(expected, "file");
    const struct jep_edn *workload = jep_edn_get(expected, "workload");
    const struct jep_edn *said = jep_edn_get(expected, "said");
    const struct jep_edn *coverage = jep_edn_get(expected, "coverage?");
    struct jep_history *history = NULL;
    struct jep_message message;
    struct jep_edn results;
    char path[4096];
    if (file == NULL || workload == NULL || jep_edn_get(expected, "valid?") == NULL) {
        (void)fprintf(options->out, "  expected.edn: an entry without :file, :workload, :valid?\n");
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", options->fixtures, file->text);
    if (!jep_history_read(path, &history, &message)) {
        (void)fprintf(options->out, "  %s\n", message.text);
        return false;
    }
    enum jep_verdict wanted = jep_verdict_of(expected);
    enum jep_verdict verdict = judge(history, workload->text, coverage != NULL, &results);
    bool good = verdict == wanted && (said == NULL || is_said(&results, said));
    if (!good) {
        (void)fprintf(options->out, "  %s: %s, expected %s%s%s: %s\n", file->text,
            jep_verdict_name(verdict), jep_verdict_name(wanted), said != NULL ? " and " : "",
            said != NULL ? said->text : "", reason_in(&results, verdict));
    }
    jep_history_destroy(history);
    return good;
}

static bool judge_fixtures(const struct jep_selftest_options *options)
{
    struct jep_arena *arena = jep_arena_create();
    struct jep_text text = {0};
    struct jep_message message;
    struct jep_edn all;
    char path[4096];
    uint32_t right = 0;
    (void)snprintf(path, sizeof(path), "%s/expected.edn", options->fixtures);
    bool good = jep_text_read_file(&text, path, EXPECTED_BYTES_MAX, &message) &&
                jep_edn_parse(arena, text.bytes, text.size, &all, &message) &&
                (all.type == JEP_EDN_VECTOR || jep_failed(&message, "%s: no vector", path));
    if (!good) {
        (void)fprintf(options->out, "  %s\n", message.text);
    } else {
        for (uint32_t i = 0; i < all.count; i++) {
            right += judge_fixture(options, &all.items[i]) ? 1 : 0;
        }
        (void)fprintf(options->out, "fixtures  %u of %u as theory has it\n", right, all.count);
        good = right == all.count && right > 0;
    }
    jep_text_free(&text);
    jep_arena_destroy(arena);
    return good;
}

bool jep_selftest(const struct jep_selftest_options *options)
{
    bool good = options->fixtures == NULL || judge_fixtures(options);
    for (const char *const *workload = jep_forge_workloads();
         *workload != NULL && options->seeds > 0; workload++) {
        if (options->workload == NULL || strcmp(options->workload, *workload) == 0) {
            good = judge_workload(options, *workload) && good;
        }
    }
    return good;
}
