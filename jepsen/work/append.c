#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/work/workload.h"

/* Transactions over lists, one list per key. An append is a record on the key's asset, and the list
 * is all of them in order. What a transaction reads it reads at one index: the first list as it is
 * now, the others as of the index that answered. If it writes too, every asset that it read is
 * expected at the revision read; one that it does not append to is touched for that, by a record
 * without a value. A transaction that only appends expects nothing. */

enum {
    LIST_APPENDS = 40, /* chosen: of a key, then the next one; lists stay short enough to compare */
    MOPS_MAX = 4,      /* planned */
};

/* --- planning ---------------------------------------------------------------------------- */

static struct jep_edn mop(struct jep_gen *gen, const char *f, int64_t key, struct jep_edn value)
{
    struct jep_edn items[] = {jep_edn_keyword(f), jep_edn_int(key), value};
    return jep_edn_vector(gen->arena, items, 3);
}

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    struct jep_edn mops[MOPS_MAX];
    size_t count = 1 + (size_t)jep_rng_below(&gen->rng, MOPS_MAX);
    (void)worker;
    for (size_t i = 0; i < count; i++) {
        uint64_t slot = jep_rng_below(&gen->rng, JEP_APPEND_KEYS);
        bool is_append = jep_rng_chance(&gen->rng, 1, 2);
        if (gen->lists[slot].appends == 0) {
            gen->lists[slot].key = gen->next_key++;
            gen->lists[slot].appends = LIST_APPENDS;
        }
        gen->lists[slot].appends -= is_append ? 1 : 0;
        int64_t key = gen->lists[slot].key;
        mops[i] = is_append ? mop(gen, "append", key, jep_edn_int(gen->next_value++))
                            : mop(gen, "r", key, jep_edn_nil());
    }
    *ret_step = (struct jep_step){"txn", jep_edn_vector(gen->arena, mops, count)};
}

static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    struct jep_edn mops[MOPS_MAX];
    size_t count = 0;
    int64_t first = (int64_t)i * MOPS_MAX;
    while (count < MOPS_MAX && first + (int64_t)count < gen->next_key) {
        mops[count] = mop(gen, "r", first + (int64_t)count, jep_edn_nil());
        count++;
    }
    *ret_step = (struct jep_step){"txn", jep_edn_vector(gen->arena, mops, count)};
    return count > 0;
}

/* --- carrying out ------------------------------------------------------------------------ */

/* One key of a transaction. */
struct list {
    int64_t key;
    bool is_read;
    bool is_appended;
    bool is_expected;           /* Its expectation stands in the commit already. */
    struct jep_edn_list values; /* As read, and what the transaction itself appends. */
    int64_t rev;
};

struct txn {
    struct jep_call *call;
    struct list lists[JEP_TXN_MOPS_MAX];
    size_t count;
};

static bool is_append(const struct jep_edn *m)
{
    return jep_edn_is_keyword(&m->items[0], "append");
}

static struct list *list_of(struct txn *t, int64_t key)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->lists[i].key == key) {
            return &t->lists[i];
        }
    }
    t->lists[t->count] = (struct list){.key = key};
    return &t->lists[t->count++];
}

/* All that are read, at one index. False: the call has its outcome. */
static bool read_lists(struct txn *t)
{
    int64_t as_of = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct list *list = &t->lists[i];
        struct jep_seen seen;
        char asset[JEP_ASSET_BYTES];
        if (!list->is_read) {
            continue;
        }
        jep_client_asset(t->call->client, "list", list->key, asset);
        struct jep_answer answer = jep_client_find(t->call->client,
            &(struct jep_read){.asset = asset, .as_of = as_of}, t->call->arena, &seen);
        jep_call_read_outcome(t->call, &answer);
        if (t->call->type != JEP_OK) {
            return false;
        }
        as_of = as_of == 0 ? seen.index : as_of;
        list->rev = seen.rev;
        for (size_t r = 0; r < seen.records.count; r++) {
            int64_t value = jep_record_int(&seen.records.items[r], "v", -1);
            if (value >= 0) { /* A touch has none. */
                jep_edn_push(&list->values, jep_edn_int(value));
            }
        }
    }
    return true;
}

/* The first record on an asset carries its expectation: the commit is what changes the revision. */
static int64_t expectation(struct list *list)
{
    bool is_first = !list->is_expected;
    list->is_expected = true;
    return list->is_read && is_first ? list->rev : -1;
}

static void commit_lists(struct txn *t, const struct jep_edn *mops)
{
    struct jep_text line = {0};
    char attrs[64], asset[JEP_ASSET_BYTES];
    jep_commit_begin(&line);
    for (size_t i = 0; i < mops->count; i++) {
        const struct jep_edn *m = &mops->items[i];
        if (is_append(m)) {
            struct list *list = list_of(t, m->items[1].integer);
            jep_client_asset(t->call->client, "list", list->key, asset);
            (void)snprintf(attrs, sizeof(attrs), "{\"v\":%" PRId64 "}", m->items[2].integer);
            jep_commit_record(&line, "jepsen.append", asset, attrs, NULL, expectation(list));
        }
    }
    for (size_t i = 0; i < t->count; i++) {
        struct list *list = &t->lists[i];
        if (list->is_read && !list->is_appended) {
            jep_client_asset(t->call->client, "list", list->key, asset);
            jep_commit_record(&line, "jepsen.touch", asset, NULL, NULL, expectation(list));
        }
    }
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(t->call->client, line.bytes, t->call->is_stubborn, t->call->arena);
    jep_call_commit_outcome(t->call, &answer);
    jep_text_free(&line);
}

/* The reads filled in, each with what the transaction appended before it. */
static struct jep_edn fill_in(struct txn *t, const struct jep_edn *mops)
{
    struct jep_arena *arena = t->call->arena;
    struct jep_edn filled[JEP_TXN_MOPS_MAX];
    for (size_t i = 0; i < mops->count && i < JEP_TXN_MOPS_MAX; i++) {
        const struct jep_edn *m = &mops->items[i];
        struct list *list = list_of(t, m->items[1].integer);
        filled[i] = *m;
        if (is_append(m)) {
            jep_edn_push(&list->values, m->items[2]);
        } else if (list->values.count > 0) {
            struct jep_edn items[] = {m->items[0], m->items[1],
                jep_edn_vector(arena, list->values.items, list->values.count)};
            filled[i] = jep_edn_vector(arena, items, 3);
        }
    }
    return jep_edn_vector(arena, filled, mops->count);
}

static void apply(struct jep_call *call)
{
    const struct jep_edn *mops = &call->step->value;
    struct txn t = {.call = call};
    bool has_appends = false, has_reads = false;
    for (size_t i = 0; i < mops->count; i++) {
        struct list *list = list_of(&t, mops->items[i].items[1].integer);
        bool is_one = is_append(&mops->items[i]);
        list->is_appended = list->is_appended || is_one;
        list->is_read = list->is_read || !is_one;
        has_appends = has_appends || is_one;
        has_reads = has_reads || !is_one;
    }
    bool is_read = !has_reads || read_lists(&t);
    if (is_read && has_appends) {
        commit_lists(&t, mops);
    }
    if (is_read && call->type == JEP_OK) {
        call->value = fill_in(&t, mops);
    }
    for (size_t i = 0; i < t.count; i++) {
        struct jep_edn_list *values = &t.lists[i].values;
        (void)jep_edn_take_vector(values, call->arena);
    }
}

const struct jep_workload jep_workload_append = {.name = "append",
    .what = "transactions over lists: appends of several assets in one commit, reads at one index",
    .check = "append",
    .rate = 80,
    .next = next,
    .final = final,
    .apply = apply};
