#include "jepsen/forge/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BALANCE = 100,
    ACCOUNTS = 8,
    APPENDS_PER_KEY = 64, /* then the key is left alone: lists of some length, not of any */
    MOPS_MAX = 4,
    PARTS_MAX = 6
};

static struct jep_step step_of(const char *f, struct jep_edn value, bool is_read)
{
    return (struct jep_step){.f = f, .value = value, .is_read = is_read};
}

static struct jep_edn keyed(struct jep_model *model, int64_t key, struct jep_edn value)
{
    return jep_edn_pair(model->arena, jep_edn_int(key), value);
}

static struct jep_edn number_or_absent(int64_t number)
{
    return number == 0 ? jep_edn_keyword("absent") : jep_edn_int(number);
}

static struct jep_edn_list *list_of(struct jep_model *model, int64_t key)
{
    while ((size_t)key >= model->lists_count) {
        size_t count = model->lists_count > 0 ? model->lists_count * 2 : 16;
        model->lists = jep_realloc(model->lists, count, sizeof(*model->lists));
        memset(model->lists + model->lists_count, 0,
            (count - model->lists_count) * sizeof(*model->lists));
        model->lists_count = count;
    }
    return &model->lists[key];
}

static struct jep_edn show(struct jep_model *model, const struct jep_edn_list *list)
{
    return list->count > 0 ? jep_edn_vector(model->arena, list->items, list->count) : jep_edn_nil();
}

/* --- register ---------------------------------------------------------------------------- */

static void register_plan(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step)
{
    int64_t key = (int64_t)jep_rng_below(rng, model->keys);
    uint64_t kind = jep_rng_below(rng, 10);
    if (kind < 4) {
        *ret_step = step_of("read", keyed(model, key, jep_edn_nil()), true);
    } else if (kind < 8) {
        *ret_step = step_of("write", keyed(model, key, jep_edn_int(++model->next_value)), false);
    } else {
        /* Often what is there now, so that some succeed; else some value of before. */
        int64_t old = jep_rng_chance(rng, 2, 3) || model->next_value == 0
                          ? model->numbers[key]
                          : jep_rng_between(rng, 1, model->next_value);
        struct jep_edn pair =
            jep_edn_pair(model->arena, number_or_absent(old), jep_edn_int(++model->next_value));
        *ret_step = step_of("cas", keyed(model, key, pair), false);
    }
}

static void register_apply(struct jep_model *model, struct jep_step *step)
{
    int64_t key = step->value.items[0].integer;
    const struct jep_edn *argument = &step->value.items[1];
    if (step->is_read) {
        step->result = keyed(model, key, number_or_absent(model->numbers[key]));
    } else if (strcmp(step->f, "write") == 0) {
        model->numbers[key] = argument->integer;
    } else {
        struct jep_edn present = number_or_absent(model->numbers[key]);
        if (jep_edn_equal(&argument->items[0], &present)) {
            model->numbers[key] = argument->items[1].integer;
        } else {
            step->is_refused = true;
        }
    }
}

static bool register_last(struct jep_model *model, uint64_t i, struct jep_step *ret_step)
{
    *ret_step = step_of("read", keyed(model, (int64_t)i, jep_edn_nil()), true);
    return i < model->keys;
}

/* --- append ------------------------------------------------------------------------------ */

static struct jep_edn mop(struct jep_model *model, const char *f, int64_t key, struct jep_edn value)
{
    const struct jep_edn items[] = {jep_edn_keyword(f), jep_edn_int(key), value};
    return jep_edn_vector(model->arena, items, 3);
}

static void append_plan(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step)
{
    struct jep_edn mops[MOPS_MAX];
    size_t count = 1 + jep_rng_below(rng, MOPS_MAX);
    bool is_read = true;
    for (size_t i = 0; i < count; i++) {
        int64_t key = model->next_key + (int64_t)jep_rng_below(rng, model->keys);
        bool is_append = jep_rng_chance(rng, 1, 2);
        is_read = is_read && !is_append;
        mops[i] = is_append ? mop(model, "append", key, jep_edn_int(++model->next_value))
                            : mop(model, "r", key, jep_edn_nil());
    }
    if (list_of(model, model->next_key)->count >= APPENDS_PER_KEY) {
        model->next_key++;
    }
    *ret_step = step_of("txn", jep_edn_vector(model->arena, mops, count), is_read);
}

static void append_apply(struct jep_model *model, struct jep_step *step)
{
    struct jep_edn mops[MOPS_MAX * 4];
    size_t count = step->value.count;
    for (size_t i = 0; i < count; i++) {
        const struct jep_edn *items = step->value.items[i].items;
        struct jep_edn_list *list = list_of(model, items[1].integer);
        mops[i] = step->value.items[i];
        if (jep_edn_is_keyword(&items[0], "append")) {
            jep_edn_push(list, items[2]);
        } else {
            mops[i] = mop(model, "r", items[1].integer, show(model, list));
        }
    }
    step->result = jep_edn_vector(model->arena, mops, count);
}

static bool append_last(struct jep_model *model, uint64_t i, struct jep_step *ret_step)
{
    int64_t keys = model->next_key + (int64_t)model->keys, first = (int64_t)i * MOPS_MAX;
    struct jep_edn mops[MOPS_MAX];
    size_t count = 0;
    while (count < MOPS_MAX && first + (int64_t)count < keys) {
        mops[count] = mop(model, "r", first + (int64_t)count, jep_edn_nil());
        count++;
    }
    *ret_step = step_of("txn", jep_edn_vector(model->arena, mops, count), true);
    return count > 0;
}

/* --- set and counter --------------------------------------------------------------------- */

static void set_plan(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step)
{
    *ret_step = jep_rng_chance(rng, 1, 5) ? step_of("read", jep_edn_nil(), true)
                                          : step_of("add", jep_edn_int(++model->next_value), false);
}

static void set_apply(struct jep_model *model, struct jep_step *step)
{
    if (step->is_read) {
        step->result = jep_edn_set(model->arena, model->elements.items, model->elements.count);
    } else {
        jep_edn_push(&model->elements, step->value);
    }
}

static bool one_read(struct jep_model *model, uint64_t i, struct jep_step *ret_step)
{
    (void)model;
    *ret_step = step_of("read", jep_edn_nil(), true);
    return i == 0;
}

static void counter_plan(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step)
{
    (void)model;
    *ret_step = jep_rng_chance(rng, 1, 2)
                    ? step_of("read", jep_edn_nil(), true)
                    : step_of("add", jep_edn_int(jep_rng_between(rng, 1, 5)), false);
}

static void counter_apply(struct jep_model *model, struct jep_step *step)
{
    if (step->is_read) {
        step->result = jep_edn_int(model->sum);
    } else {
        model->sum += step->value.integer;
    }
}

/* --- bank -------------------------------------------------------------------------------- */

static struct jep_edn balances(struct jep_model *model)
{
    struct jep_edn items[2 * ACCOUNTS];
    for (int64_t a = 0; a < ACCOUNTS; a++) {
        items[2 * a] = jep_edn_int(a);
        items[2 * a + 1] = jep_edn_int(BALANCE + model->numbers[a]);
    }
    return jep_edn_map(model->arena, items, ACCOUNTS);
}

static void bank_plan(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step)
{
    bool is_first = model->next_value++ == 0; /* what the accounts hold at the start */
    if (is_first || jep_rng_chance(rng, 1, 2)) {
        *ret_step = step_of("read", jep_edn_nil(), true);
        return;
    }
    int64_t from = (int64_t)jep_rng_below(rng, ACCOUNTS);
    int64_t to = (from + 1 + (int64_t)jep_rng_below(rng, ACCOUNTS - 1)) % ACCOUNTS;
    struct jep_edn items[] = {jep_edn_keyword("from"), jep_edn_int(from), jep_edn_keyword("to"),
        jep_edn_int(to), jep_edn_keyword("amount"), jep_edn_int(jep_rng_between(rng, 1, 20))};
    *ret_step = step_of("transfer", jep_edn_map(model->arena, items, 3), false);
}

static void bank_apply(struct jep_model *model, struct jep_step *step)
{
    if (step->is_read) {
        step->result = balances(model);
        return;
    }
    int64_t amount = jep_edn_get(&step->value, "amount")->integer;
    int64_t *from = &model->numbers[jep_edn_get(&step->value, "from")->integer];
    if (BALANCE + *from < amount) {
        step->is_refused = true;
        return;
    }
    *from -= amount;
    model->numbers[jep_edn_get(&step->value, "to")->integer] += amount;
}

/* --- watch ------------------------------------------------------------------------------- */

static struct jep_edn from_map(struct jep_model *model, int64_t from, const struct jep_edn *events)
{
    struct jep_edn items[] = {jep_edn_keyword("from"), jep_edn_int(from), jep_edn_keyword("events"),
        events != NULL ? *events : jep_edn_nil()};
    return jep_edn_map(model->arena, items, events != NULL ? 2 : 1);
}

static void watch_plan(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step)
{
    if (jep_rng_chance(rng, 1, 3)) {
        int64_t back = (int64_t)jep_rng_below(rng, 40);
        int64_t from = model->commits > back ? model->commits - back : 1;
        *ret_step = step_of("watch", from_map(model, from, NULL), true);
    } else {
        *ret_step = step_of("append-commit", jep_edn_int(++model->next_value), false);
    }
}

static void watch_apply(struct jep_model *model, struct jep_step *step)
{
    if (!step->is_read) {
        /* Indexes are not dense: other commits take some too. */
        model->commits += 1 + step->value.integer % 3;
        struct jep_edn index = jep_edn_int(model->commits);
        struct jep_edn ids = jep_edn_vector(model->arena, &step->value, 1);
        step->result = jep_edn_pair(model->arena, index, step->value);
        jep_edn_push(&model->elements, jep_edn_pair(model->arena, index, ids));
        return;
    }
    int64_t from = jep_edn_get(&step->value, "from")->integer;
    size_t first = model->elements.count;
    while (first > 0 && model->elements.items[first - 1].items[0].integer >= from) {
        first--;
    }
    size_t count = model->elements.count - first;
    struct jep_edn events =
        jep_edn_vector(model->arena, count > 0 ? &model->elements.items[first] : NULL, count);
    step->result = from_map(model, from, &events);
}

static bool watch_last(struct jep_model *model, uint64_t i, struct jep_step *ret_step)
{
    *ret_step = step_of("watch", from_map(model, 1, NULL), true);
    return i == 0;
}

/* --- as-of ------------------------------------------------------------------------------- */

static struct jep_edn question(struct jep_model *model, int64_t key, int64_t index)
{
    struct jep_edn items[] = {jep_edn_int(key), jep_edn_int(index), jep_edn_nil()};
    return jep_edn_vector(model->arena, items, 3);
}

static void as_of_plan(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step)
{
    int64_t key = (int64_t)jep_rng_below(rng, model->keys);
    if (model->commits > 0 && jep_rng_chance(rng, 1, 2)) {
        int64_t most = model->commits < 40 ? model->commits : 40;
        int64_t index = jep_rng_between(rng, 1, most) * model->commits / most;
        *ret_step = step_of("as-of", question(model, key, index), true);
    } else {
        *ret_step = step_of("write", keyed(model, key, jep_edn_int(++model->next_value)), false);
    }
}

static void as_of_apply(struct jep_model *model, struct jep_step *step)
{
    const struct jep_edn *items = step->value.items;
    if (!step->is_read) {
        if ((model->past_count & (model->past_count - 1)) == 0) {
            size_t capacity = model->past_count > 0 ? model->past_count * 2 : 1;
            model->past = jep_realloc(model->past, capacity, sizeof(*model->past));
        }
        model->past[model->past_count++] =
            (struct past){items[0].integer, items[1].integer, ++model->commits};
        return;
    }
    int64_t found = 0;
    for (size_t i = 0; i < model->past_count && model->past[i].index <= items[1].integer; i++) {
        found = model->past[i].key == items[0].integer ? model->past[i].value : found;
    }
    struct jep_edn answer[] = {items[0], items[1], number_or_absent(found)};
    step->result = jep_edn_vector(model->arena, answer, 3);
}

static bool as_of_last(struct jep_model *model, uint64_t i, struct jep_step *ret_step)
{
    *ret_step = step_of("as-of", question(model, (int64_t)(i % model->keys), model->commits), true);
    return model->commits > 0 && i < model->keys;
}

/* --- lineage and digest ------------------------------------------------------------------ */

static void lineage_plan(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step)
{
    if (model->next_key > 0 && jep_rng_chance(rng, 1, 2)) {
        int64_t back = (int64_t)jep_rng_below(rng, 8);
        int64_t unit = back < model->next_key ? model->next_key - 1 - back : 0;
        *ret_step = step_of("trace", keyed(model, unit, jep_edn_nil()), true);
        return;
    }
    struct jep_edn parts[PARTS_MAX];
    size_t count = 2 + jep_rng_below(rng, PARTS_MAX - 1);
    for (size_t i = 0; i < count; i++) {
        parts[i] = jep_edn_int(++model->next_value);
    }
    struct jep_edn vector = jep_edn_vector(model->arena, parts, count);
    *ret_step = step_of("assemble", keyed(model, model->next_key++, vector), false);
}

static void lineage_apply(struct jep_model *model, struct jep_step *step)
{
    struct jep_edn_list *parts = list_of(model, step->value.items[0].integer);
    if (step->is_read) {
        struct jep_edn all = jep_edn_vector(model->arena, parts->items, parts->count);
        step->result = keyed(model, step->value.items[0].integer, all);
        return;
    }
    for (uint32_t i = 0; i < step->value.items[1].count; i++) {
        jep_edn_push(parts, step->value.items[1].items[i]);
    }
}

static bool lineage_last(struct jep_model *model, uint64_t i, struct jep_step *ret_step)
{
    *ret_step = step_of("trace", keyed(model, (int64_t)i, jep_edn_nil()), true);
    return (int64_t)i < model->next_key;
}

static void digest_plan(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step)
{
    (void)model, (void)rng;
    *ret_step = step_of("digest", jep_edn_nil(), true);
}

/* Nodes lag a little, by their number. */
static void digest_apply(struct jep_model *model, struct jep_step *step)
{
    struct jep_edn_list map = {0};
    model->commits++;
    for (uint32_t n = 0; n < model->nodes; n++) {
        int64_t index = model->commits > (int64_t)n / 2 ? model->commits - (int64_t)n / 2 : 1;
        const char *digest = jep_arena_format(
            model->arena, "%016llx", (unsigned long long)index * 0x9e3779b97f4a7c15u);
        jep_edn_push(&map, jep_edn_string(jep_arena_format(model->arena, "n%u", n + 1)));
        jep_edn_push(&map, jep_edn_pair(model->arena, jep_edn_int(index), jep_edn_string(digest)));
    }
    step->result = jep_edn_take_map(&map, model->arena);
}

static bool digest_last(struct jep_model *model, uint64_t i, struct jep_step *ret_step)
{
    (void)model;
    *ret_step = step_of("digest", jep_edn_nil(), true);
    return i == 0;
}

const struct jep_model_kind *jep_model_kinds(void)
{
    static const struct jep_model_kind kinds[] = {
        {"register", register_plan, register_apply, register_last},
        {"append", append_plan, append_apply, append_last},
        {"set", set_plan, set_apply, one_read},
        {"bank", bank_plan, bank_apply, one_read},
        {"counter", counter_plan, counter_apply, one_read},
        {"watch", watch_plan, watch_apply, watch_last},
        {"as-of", as_of_plan, as_of_apply, as_of_last},
        {"lineage", lineage_plan, lineage_apply, lineage_last},
        {"digest", digest_plan, digest_apply, digest_last},
        {NULL, NULL, NULL, NULL},
    };
    return kinds;
}

void jep_model_init(struct jep_model *model, struct jep_arena *arena, uint64_t keys, uint32_t nodes)
{
    *model = (struct jep_model){.arena = arena, .keys = keys, .nodes = nodes};
    model->numbers = jep_alloc(keys > ACCOUNTS ? keys : ACCOUNTS, sizeof(*model->numbers));
}

void jep_model_free(struct jep_model *model)
{
    for (size_t i = 0; i < model->lists_count; i++) {
        free(model->lists[i].items);
    }
    free(model->lists);
    free(model->numbers);
    free(model->elements.items);
    free(model->past);
}
