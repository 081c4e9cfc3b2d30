#include "jepsen/check/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static uint64_t count_one(struct jep_findings *findings, const char *name)
{
    size_t i = 0;
    while (i < findings->names_count && strcmp(findings->counts[i].name, name) != 0) {
        i++;
    }
    if (i == findings->names_count) {
        if (i == JEP_FINDING_NAMES_MAX) {
            i--;
        } else {
            findings->names_count++;
            findings->counts[i].name = name;
        }
    }
    return findings->counts[i].count++;
}

static void add(struct jep_findings *findings, enum jep_verdict verdict, const char *name,
    const char *why, const char *keyword, const struct jep_edn *value)
{
    jep_result_because(findings->result, findings->arena, verdict, "%s: %s", name, why);
    if (count_one(findings, name) >= JEP_FINDINGS_SHOWN) {
        return;
    }
    struct jep_edn_list map = {0};
    jep_edn_put(&map, "anomaly", jep_edn_keyword(name));
    jep_edn_put(&map, "why", jep_edn_string(why));
    if (keyword != NULL) {
        jep_edn_put(&map, keyword, *value);
    }
    jep_edn_push(&findings->shown, jep_edn_take_map(&map, findings->arena));
}

void jep_found_with(struct jep_findings *findings, enum jep_verdict verdict, const char *name,
    const char *why, const char *keyword, struct jep_edn value)
{
    add(findings, verdict, name, why, keyword, &value);
}

void jep_found(struct jep_findings *findings, enum jep_verdict verdict, const char *name,
    const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    add(findings, verdict, name, jep_arena_text(findings->arena, text, strlen(text)), NULL, NULL);
}

void jep_findings_put(struct jep_findings *findings)
{
    struct jep_edn_list counts = {0};
    for (size_t i = 0; i < findings->names_count; i++) {
        jep_edn_put(
            &counts, findings->counts[i].name, jep_edn_int((int64_t)findings->counts[i].count));
    }
    jep_result_put(findings->result, "anomaly-counts", jep_edn_take_map(&counts, findings->arena));
    jep_result_put(
        findings->result, "anomalies", jep_edn_take_vector(&findings->shown, findings->arena));
}
