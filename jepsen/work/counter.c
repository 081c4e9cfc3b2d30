#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/work/workload.h"

/* A sum: each addition is a record on one asset, unconditionally; a read adds all of them up. What
 * is applied twice counts twice. */

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    (void)worker;
    if (jep_rng_below(&gen->rng, 100) < 15) {
        *ret_step = (struct jep_step){"read", jep_edn_nil()};
    } else {
        *ret_step = (struct jep_step){"add", jep_edn_int(jep_rng_between(&gen->rng, 1, 5))};
    }
}

static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    (void)gen;
    *ret_step = (struct jep_step){"read", jep_edn_nil()};
    return i == 0;
}

static void apply(struct jep_call *call)
{
    char asset[JEP_ASSET_BYTES];
    struct jep_seen seen;
    struct jep_answer answer;
    jep_client_asset(call->client, "counter", 1, asset);
    if (strcmp(call->step->f, "add") == 0) {
        struct jep_text line = {0};
        char attrs[64];
        (void)snprintf(attrs, sizeof(attrs), "{\"n\":%" PRId64 "}", call->step->value.integer);
        jep_commit_begin(&line);
        jep_commit_record(&line, "jepsen.counter", asset, attrs, NULL, -1);
        jep_commit_end(&line);
        answer = jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
        jep_call_commit_outcome(call, &answer);
        jep_text_free(&line);
        return;
    }
    answer = jep_client_find(call->client, &(struct jep_read){.asset = asset}, call->arena, &seen);
    jep_call_read_outcome(call, &answer);
    if (call->type == JEP_OK) {
        int64_t sum = 0;
        for (size_t i = 0; i < seen.records.count; i++) {
            sum += jep_record_int(&seen.records.items[i], "n", 0);
        }
        call->value = jep_edn_int(sum);
    }
}

const struct jep_workload jep_workload_counter = {.name = "counter",
    .what = "additions, each counted once",
    .check = "counter",
    .rate = 80,
    .next = next,
    .final = final,
    .apply = apply};
