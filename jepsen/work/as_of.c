#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/json.h"
#include "jepsen/work/workload.h"

/* The past does not change: what was known at an index is the same at every node and ever after.
 * Who names an index that it has heard of (`after`) gets a state of that index or a later one, from
 * the node's own, without anybody being asked. The indexes are those at which writes were
 * acknowledged; the plan leaves open which, since it cannot know them. */

enum {
    FINAL_QUESTIONS = 40, /* chosen: for each node */
    RECENT = 8,           /* chosen: of the last 0.2 s */
    OLD_STEP = 16
};

/* [k index answer], of `after` [k index answer index-of-the-state]. */
static struct jep_edn question(struct jep_gen *gen, unsigned count)
{
    struct jep_edn items[] = {jep_edn_nil(), jep_edn_nil(), jep_edn_nil(), jep_edn_nil()};
    return jep_edn_vector(gen->arena, items, count);
}

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    uint64_t roll = jep_rng_below(&gen->rng, 100);
    if (roll < 55) {
        *ret_step = roll < 30 ? (struct jep_step){"as-of", question(gen, 3)}
                              : (struct jep_step){"after", question(gen, 4)};
        return;
    }
    int64_t key = jep_gen_key(gen, worker);
    int64_t value = jep_gen_value(gen, worker);
    *ret_step =
        (struct jep_step){"write", jep_edn_pair(gen->arena, jep_edn_int(key), jep_edn_int(value))};
}

static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    *ret_step = (struct jep_step){"as-of", question(gen, 3)};
    return i < FINAL_QUESTIONS;
}

static void remember(struct jep_shared *shared, struct jep_rng *rng, int64_t key, int64_t index)
{
    (void)pthread_mutex_lock(&shared->mutex);
    size_t at = shared->known_count < JEP_KNOWN_MAX ? shared->known_count++
                                                    : (size_t)jep_rng_below(rng, JEP_KNOWN_MAX);
    shared->known[at].key = key;
    shared->known[at].index = index;
    if (index > shared->newest.index) {
        shared->newest = shared->known[at];
    }
    (void)pthread_mutex_unlock(&shared->mutex);
}

static void write_value(struct jep_call *call)
{
    const struct jep_edn *value = call->step->value.items;
    struct jep_text line = {0};
    char attrs[64], asset[JEP_ASSET_BYTES];
    jep_client_asset(call->client, "past", value[0].integer, asset);
    (void)snprintf(attrs, sizeof(attrs), "{\"v\":%" PRId64 "}", value[1].integer);
    jep_commit_begin(&line);
    jep_commit_record(&line, "jepsen.past", asset, attrs, NULL, -1);
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
    jep_call_commit_outcome(call, &answer);
    jep_text_free(&line);
    if (call->type == JEP_OK) {
        int64_t index = jep_json_int(&answer.body, "index", 0);
        remember(call->shared, call->rng, value[0].integer, index);
    }
}

/* Few different questions, so that each is asked often and at every node: half of the time one of
 * the newest, which a node may not have yet, else every sixteenth of the old ones. The index of
 * another key's write is as good a question as that of the key's own. False: nothing is known yet.
 */
static bool choose(struct jep_call *call, int64_t *ret_key, int64_t *ret_index)
{
    struct jep_shared *shared = call->shared;
    (void)pthread_mutex_lock(&shared->mutex);
    size_t count = shared->known_count;
    bool is_recent = jep_rng_chance(call->rng, 1, 2) && count > RECENT;
    bool is_own = jep_rng_chance(call->rng, 1, 2);
    if (count > 0) {
        size_t at = is_recent ? count - 1 - (size_t)jep_rng_below(call->rng, RECENT)
                              : (size_t)jep_rng_below(call->rng, count) / OLD_STEP * OLD_STEP;
        *ret_index = shared->known[at].index;
        *ret_key = shared->known[is_own || at == 0 ? at : at - 1].key;
    }
    (void)pthread_mutex_unlock(&shared->mutex);
    return count > 0;
}

static struct jep_edn value_of(const struct jep_seen *seen)
{
    return seen->records.count > 0 ? jep_edn_int(jep_record_int(&seen->records.items[0], "v", -1))
                                   : jep_edn_keyword("absent");
}

static void ask(struct jep_call *call)
{
    int64_t key = 0, index = 0;
    struct jep_seen seen;
    char asset[JEP_ASSET_BYTES];
    if (!choose(call, &key, &index)) {
        jep_call_fail(call, "nothing-known");
        return;
    }
    jep_client_asset(call->client, "past", key, asset);
    struct jep_answer answer = jep_client_read(
        call->client, &(struct jep_read){.asset = asset, .as_of = index}, call->arena, &seen);
    jep_call_read_outcome(call, &answer);
    struct jep_edn items[] = {jep_edn_int(key), jep_edn_int(index),
        call->type == JEP_OK ? value_of(&seen) : jep_edn_nil()};
    call->value = jep_edn_vector(call->arena, items, 3);
}

/* The newest write that anybody was told of: where it was not made, it may not have come yet. */
static void ask_after(struct jep_call *call)
{
    struct jep_shared *shared = call->shared;
    int64_t key = 0, index = 0;
    struct jep_seen seen;
    char asset[JEP_ASSET_BYTES];
    (void)pthread_mutex_lock(&shared->mutex);
    key = shared->newest.key;
    index = shared->newest.index;
    (void)pthread_mutex_unlock(&shared->mutex);
    if (index == 0) {
        jep_call_fail(call, "nothing-known");
        return;
    }
    jep_client_asset(call->client, "past", key, asset);
    struct jep_answer answer = jep_client_read(
        call->client, &(struct jep_read){.asset = asset, .min_index = index}, call->arena, &seen);
    jep_call_read_outcome(call, &answer);
    if (call->type == JEP_OK) {
        struct jep_edn items[] = {
            jep_edn_int(key), jep_edn_int(index), value_of(&seen), jep_edn_int(seen.index)};
        call->value = jep_edn_vector(call->arena, items, 4);
    }
}

static void apply(struct jep_call *call)
{
    if (strcmp(call->step->f, "as-of") == 0) {
        ask(call);
    } else if (strcmp(call->step->f, "after") == 0) {
        ask_after(call);
    } else {
        write_value(call);
    }
}

const struct jep_workload jep_workload_as_of = {.name = "as-of",
    .what = "answers for a past index never change, at any node",
    .check = "as-of",
    .rate = 100,
    .next = next,
    .final = final,
    .apply = apply};
