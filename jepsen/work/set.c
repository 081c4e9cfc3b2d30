#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/work/workload.h"

/* A set that only grows: each element is an asset of its own; a read is all of them. */

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    (void)worker;
    if (jep_rng_below(&gen->rng, 100) < 15) { /* A read costs as much as 50 additions. */
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
    jep_client_asset(call->client, "set", element, asset);
    jep_commit_begin(&line);
    jep_commit_record(&line, "jepsen.set", asset, attrs, NULL, -1);
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
    jep_call_commit_outcome(call, &answer);
    jep_text_free(&line);
}

static void apply(struct jep_call *call)
{
    struct jep_seen seen;
    char all[JEP_ASSET_BYTES];
    if (strcmp(call->step->f, "add") == 0) {
        add(call);
        return;
    }
    jep_client_asset(call->client, "set", -1, all);
    struct jep_answer answer =
        jep_client_find(call->client, &(struct jep_read){.asset = all}, call->arena, &seen);
    jep_call_read_outcome(call, &answer);
    if (call->type != JEP_OK) {
        return;
    }
    struct jep_edn_list elements = {0};
    for (size_t i = 0; i < seen.records.count; i++) {
        jep_edn_push(&elements, jep_edn_int(jep_record_int(&seen.records.items[i], "e", -1)));
    }
    call->value = jep_edn_take_set(&elements, call->arena);
}

const struct jep_workload jep_workload_set = {.name = "set",
    .what = "elements are added, and none is lost or comes from nowhere",
    .check = "set",
    .rate = 80,
    .next = next,
    .final = final,
    .apply = apply};

const struct jep_workload jep_workload_checkpoint = {.name = "checkpoint",
    .what = "a set while nodes fall so far behind that they catch up by checkpoint",
    .check = "set",
    .nemeses = "checkpoint",
    .rate = 120,
    .next = next,
    .final = final,
    .apply = apply};
