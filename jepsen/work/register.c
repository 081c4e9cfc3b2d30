#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/work/workload.h"

/* One value per key: read, write, compare and set. A compare-and-set reads the value with its
 * revision and commits under `expect`, so that the product decides it. */

static struct jep_edn keyed(struct jep_gen *gen, int64_t key, struct jep_edn value)
{
    return jep_edn_pair(gen->arena, jep_edn_int(key), value);
}

/* A value that the key may have: mostly the newest that was planned for it. */
static int64_t guess(struct jep_gen *gen, unsigned group)
{
    const int64_t *recent = gen->groups[group].recent;
    unsigned count = gen->groups[group].recent_count;
    uint64_t roll = jep_rng_below(&gen->rng, 100);
    unsigned at = roll < 60 ? 0 : roll < 85 ? 1 : (unsigned)jep_rng_below(&gen->rng, count);
    return recent[at < count ? at : count - 1];
}

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    unsigned group = worker / JEP_KEY_WORKERS % JEP_GROUPS_MAX;
    int64_t key = jep_gen_key(gen, worker);
    uint64_t roll = jep_rng_below(&gen->rng, 100);
    if (roll < 45) {
        *ret_step = (struct jep_step){"read", keyed(gen, key, jep_edn_nil())};
    } else if (roll < 72 || gen->groups[group].recent_count == 0) {
        int64_t value = jep_gen_value(gen, worker);
        *ret_step = (struct jep_step){"write", keyed(gen, key, jep_edn_int(value))};
    } else {
        int64_t old = guess(gen, group);
        int64_t value = jep_gen_value(gen, worker);
        struct jep_edn pair = jep_edn_pair(gen->arena, jep_edn_int(old), jep_edn_int(value));
        *ret_step = (struct jep_step){"cas", keyed(gen, key, pair)};
    }
}

static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    *ret_step = (struct jep_step){"read", keyed(gen, (int64_t)i, jep_edn_nil())};
    return (int64_t)i < gen->next_key;
}

static struct jep_edn value_of(const struct jep_seen *seen)
{
    return seen->records.count > 0 ? jep_edn_int(jep_record_int(&seen->records.items[0], "v", -1))
                                   : jep_edn_keyword("absent");
}

static void commit(struct jep_call *call, const char *asset, int64_t value, int64_t expect_rev)
{
    struct jep_text line = {0};
    char attrs[64];
    (void)snprintf(attrs, sizeof(attrs), "{\"v\":%" PRId64 "}", value);
    jep_commit_begin(&line);
    jep_commit_record(&line, "jepsen.register", asset, attrs, NULL, expect_rev);
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
    jep_call_commit_outcome(call, &answer);
    jep_text_free(&line);
}

static void apply(struct jep_call *call)
{
    const struct jep_edn *value = call->step->value.items;
    const char *f = call->step->f;
    char asset[JEP_ASSET_BYTES];
    jep_client_asset(call->client, "register", value[0].integer, asset);
    if (strcmp(f, "write") == 0) {
        commit(call, asset, value[1].integer, -1);
        return;
    }
    struct jep_seen seen;
    struct jep_answer answer =
        jep_client_read(call->client, &(struct jep_read){.asset = asset}, call->arena, &seen);
    jep_call_read_outcome(call, &answer);
    struct jep_edn found = value_of(&seen);
    if (call->type != JEP_OK) {
        return;
    }
    if (strcmp(f, "read") == 0) {
        call->value = jep_edn_pair(call->arena, value[0], found);
    } else if (!jep_edn_equal(&found, &value[1].items[0])) {
        jep_call_fail(call, "another-value");
    } else {
        commit(call, asset, value[1].items[1].integer, seen.rev);
    }
}

const struct jep_workload jep_workload_register = {.name = "register",
    .what = "a value per key: read, write, compare and set",
    .check = "register",
    .rate = 100,
    .next = next,
    .final = final,
    .apply = apply};

const struct jep_workload jep_workload_membership = {.name = "membership",
    .what = "a value per key while members come, go and lose their disks",
    .check = "register",
    .nemeses = "member",
    .rate = 100,
    .next = next,
    .final = final,
    .apply = apply};
