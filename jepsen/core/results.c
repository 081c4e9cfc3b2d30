#include "jepsen/core/results.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum jep_verdict jep_verdict_worse(enum jep_verdict a, enum jep_verdict b)
{
    return a > b ? a : b;
}

struct jep_edn jep_verdict_edn(enum jep_verdict verdict)
{
    return verdict == JEP_UNKNOWN ? jep_edn_keyword("unknown") : jep_edn_bool(verdict == JEP_VALID);
}

const char *jep_verdict_name(enum jep_verdict verdict)
{
    static const char *const names[] = {"valid", "unknown", "INVALID"};
    return names[verdict];
}

enum jep_exit jep_verdict_exit(enum jep_verdict verdict)
{
    static const enum jep_exit codes[] = {JEP_EXIT_VALID, JEP_EXIT_UNKNOWN, JEP_EXIT_INVALID};
    return codes[verdict];
}

enum jep_verdict jep_verdict_of(const struct jep_edn *results)
{
    const struct jep_edn *valid = jep_edn_get(results, "valid?");
    if (valid == NULL || valid->type != JEP_EDN_BOOL) {
        return JEP_UNKNOWN;
    }
    return valid->boolean ? JEP_VALID : JEP_INVALID;
}

void jep_result_lower(struct jep_result *result, enum jep_verdict verdict)
{
    result->verdict = jep_verdict_worse(result->verdict, verdict);
}

static struct jep_edn *find_why(struct jep_result *result)
{
    for (size_t i = 0; i + 1 < result->details.count; i += 2) {
        if (jep_edn_is_keyword(&result->details.items[i], "why")) {
            return &result->details.items[i + 1];
        }
    }
    return NULL;
}

void jep_result_because(struct jep_result *result, struct jep_arena *arena,
    enum jep_verdict verdict, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct jep_edn *why = find_why(result);
    if (why == NULL) {
        jep_edn_put(&result->details, "why", jep_edn_string_copy(arena, text));
    } else if (verdict > result->verdict) {
        *why = jep_edn_string_copy(arena, text);
    }
    jep_result_lower(result, verdict);
}

void jep_result_put(struct jep_result *result, const char *keyword, struct jep_edn value)
{
    jep_edn_put(&result->details, keyword, value);
}

struct jep_edn jep_result_take(struct jep_result *result, struct jep_arena *arena)
{
    struct jep_edn_list all = {0};
    jep_edn_put(&all, "valid?", jep_verdict_edn(result->verdict));
    for (size_t i = 0; i < result->details.count; i++) {
        jep_edn_push(&all, result->details.items[i]);
    }
    free(result->details.items);
    *result = (struct jep_result){0};
    return jep_edn_take_map(&all, arena);
}

void jep_results_add(struct jep_results *results, struct jep_arena *arena, const char *name,
    struct jep_result *result)
{
    results->verdict = jep_verdict_worse(results->verdict, result->verdict);
    jep_edn_put(&results->checks, name, jep_result_take(result, arena));
}

struct jep_edn jep_results_take(struct jep_results *results, struct jep_arena *arena)
{
    struct jep_result whole = {.verdict = results->verdict, .details = results->checks};
    *results = (struct jep_results){0};
    return jep_result_take(&whole, arena);
}

bool jep_results_write(const struct jep_edn *results, const char *path, struct jep_message *message)
{
    struct jep_text text = {0};
    jep_edn_write_pretty(&text, results);
    jep_text_puts(&text, "\n");
    bool good = jep_text_write_file(&text, path, message);
    jep_text_free(&text);
    return good;
}
