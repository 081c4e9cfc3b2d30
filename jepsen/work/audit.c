#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/work/workload.h"

/* A set of which every fourth element is forbidden by the plant's policy (cluster/layout.c): its
 * add is refused, no read shows it, and the audit log counts each refusal. Which they are stands in
 * jepsen/check/audit.c again. */

enum {
    ONE_IS_FORBIDDEN_IN = 4
};

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    (void)worker;
    if (jep_rng_below(&gen->rng, 100) < 10) {
        *ret_step = (struct jep_step){"read", jep_edn_nil()};
    } else {
        *ret_step = (struct jep_step){"add", jep_edn_int(gen->next_value++)};
    }
}

static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    (void)gen;
    *ret_step = (struct jep_step){"read", jep_edn_nil()};
    return i == 0;
}

static void add(struct jep_call *call)
{
    struct jep_text line = {0};
    char attrs[64], asset[JEP_ASSET_BYTES];
    int64_t element = call->step->value.integer;
    (void)snprintf(attrs, sizeof(attrs), "{\"e\":%" PRId64 "}", element);
    jep_client_asset(
        call->client, element % ONE_IS_FORBIDDEN_IN == 0 ? "sealed" : "open", element, asset);
    jep_commit_begin(&line);
    jep_commit_record(&line, "jepsen.audit", asset, attrs, NULL, -1);
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
    jep_call_commit_outcome(call, &answer);
    jep_text_free(&line);
}

static void apply(struct jep_call *call)
{
    static const char *const kinds[] = {"open", "sealed"};
    struct jep_edn_list elements = {0};
    if (strcmp(call->step->f, "add") == 0) {
        add(call);
        return;
    }
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        char all[JEP_ASSET_BYTES];
        struct jep_seen seen;
        jep_client_asset(call->client, kinds[k], -1, all);
        struct jep_answer answer =
            jep_client_find(call->client, &(struct jep_read){.asset = all}, call->arena, &seen);
        jep_call_read_outcome(call, &answer);
        if (call->type != JEP_OK) {
            return;
        }
        for (size_t i = 0; i < seen.records.count; i++) {
            jep_edn_push(&elements, jep_edn_int(jep_record_int(&seen.records.items[i], "e", -1)));
        }
    }
    call->value = jep_edn_take_set(&elements, call->arena);
}

const struct jep_workload jep_workload_audit = {.name = "audit",
    .what = "a set of which a part is forbidden, and the audit log that has each act once",
    .check = "audit",
    .wants_plant = true,
    .rate = 80,
    .next = next,
    .final = final,
    .apply = apply};
