#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/work/workload.h"

/* Sets that only grow: each element is an asset of its own; a read is all of them. */

enum {
    READS_PERCENT = 15,       /* A read costs as much as 50 additions. */
    AUDIT_READS_PERCENT = 10, /* Of two kinds of assets. */
    ONE_IS_FORBIDDEN_IN = 4
};

static void choose(struct jep_gen *gen, unsigned reads_percent, struct jep_step *ret_step)
{
    if (jep_rng_below(&gen->rng, 100) < reads_percent) {
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

/* As a record of `kind` on an asset below `place`. */
static void add(struct jep_call *call, const char *kind, const char *place)
{
    struct jep_text line = {0};
    char attrs[64], asset[JEP_ASSET_BYTES];
    int64_t element = call->step->value.integer;
    (void)snprintf(attrs, sizeof(attrs), "{\"e\":%" PRId64 "}", element);
    jep_client_asset(call->client, place, element, asset);
    jep_commit_begin(&line);
    jep_commit_record(&line, kind, asset, attrs, NULL, -1);
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
    jep_call_commit_outcome(call, &answer);
    jep_text_free(&line);
}

/* What is below each of the places. */
static void read_all(struct jep_call *call, const char *const *places, size_t count)
{
    struct jep_edn_list elements = {0};
    for (size_t k = 0; k < count; k++) {
        char all[JEP_ASSET_BYTES];
        struct jep_seen seen;
        jep_client_asset(call->client, places[k], -1, all);
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

static bool is_add(const struct jep_call *call)
{
    return strcmp(call->step->f, "add") == 0;
}

/* --- all of it permitted --------------------------------------------------------------------- */

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    (void)worker;
    choose(gen, READS_PERCENT, ret_step);
}

static void apply(struct jep_call *call)
{
    static const char *const places[] = {"set"};
    if (is_add(call)) {
        add(call, "jepsen.set", places[0]);
    } else {
        read_all(call, places, 1);
    }
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

/* --- a part of it forbidden ------------------------------------------------------------------ */

/* Every fourth element is forbidden by the plant's policy (cluster/layout.c): its add is refused,
 * no read shows it, and the audit log counts each refusal. Which they are stands in
 * jepsen/check/audit.c again. */

static void next_audited(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    (void)worker;
    choose(gen, AUDIT_READS_PERCENT, ret_step);
}

static void apply_audited(struct jep_call *call)
{
    static const char *const places[] = {"open", "sealed"};
    if (is_add(call)) {
        bool is_forbidden = call->step->value.integer % ONE_IS_FORBIDDEN_IN == 0;
        add(call, "jepsen.audit", places[is_forbidden ? 1 : 0]);
    } else {
        read_all(call, places, sizeof(places) / sizeof(places[0]));
    }
}

const struct jep_workload jep_workload_audit = {.name = "audit",
    .what = "a set of which a part is forbidden, and the audit log that has each act once",
    .check = "audit",
    .wants_plant = true,
    .rate = 80,
    .next = next_audited,
    .final = final,
    .apply = apply_audited};
