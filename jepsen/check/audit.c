#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"

/* The audit log against what clients were told. Every member has one root and the same leaves at
 * one index; every acknowledged commit has a leaf of its own, at its index, with the number of its
 * records; refusals are counted exactly; what is left over is no more than what was in doubt. In a
 * workload of which every fourth element is forbidden, those are refused and the others are not. */

enum {
    ONE_IS_FORBIDDEN_IN = 4, /* as in jepsen/work/set.c */
    NODE_ITEMS = 4,          /* applied, leaves, root, hash of all leaves */
    ROW_ITEMS = 5,           /* index, act, effect, count, second */
    KEY_ACTS = 4             /* of keys-revoke: enrolled, written, revoked, refused */
};

struct act {
    int64_t index, count;
};

struct audit {
    struct jep_findings findings;
    struct jep_arena *arena;
    const struct jep_edn *value; /* of the operation that is looked at */
    int64_t refusals;            /* that leaves stand for */
    int64_t extras;              /* leaves of commits that nobody was told of */
    int64_t of_keys;             /* at most: acts of the nemesis, which are in no ledger */
    int64_t compared;
};

static int by_place(const void *a, const void *b)
{
    const struct act *x = a, *y = b;
    if (x->index != y->index) {
        return x->index < y->index ? -1 : 1;
    }
    return x->count < y->count ? -1 : x->count > y->count;
}

static int64_t number(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = jep_edn_get(map, key);
    return found != NULL && jep_edn_is_int(found) ? found->integer : -1;
}

static const struct jep_edn *vector(const struct jep_edn *map, const char *key)
{
    static const struct jep_edn none = {.type = JEP_EDN_VECTOR};
    const struct jep_edn *found = jep_edn_get(map, key);
    return found != NULL && found->type == JEP_EDN_VECTOR ? found : &none;
}

/* --- one log ----------------------------------------------------------------------------- */

static void compare_nodes(struct audit *a)
{
    const struct jep_edn *nodes = jep_edn_get(a->value, "nodes");
    for (size_t i = 0; nodes != NULL && nodes->type == JEP_EDN_MAP && i < nodes->count; i++) {
        const struct jep_edn *first = &nodes->items[1], *said = &nodes->items[2 * i + 1];
        if (!jep_edn_is_vector(said, NODE_ITEMS) || !jep_edn_is_vector(first, NODE_ITEMS)) {
            jep_found(&a->findings, JEP_UNKNOWN, "not-understood", "a node says %s",
                jep_edn_show(a->arena, said, 80));
            return;
        }
        if (i == 0 || !jep_edn_equal(&first->items[0], &said->items[0])) {
            continue;
        }
        a->compared++;
        if (!jep_edn_equal(&first->items[1], &said->items[1]) ||
            !jep_edn_equal(&first->items[2], &said->items[2])) {
            jep_found(&a->findings, JEP_INVALID, "other-root", "%s says %s, %s says %s",
                jep_edn_show(a->arena, &nodes->items[0], 40), jep_edn_show(a->arena, first, 200),
                jep_edn_show(a->arena, &nodes->items[2 * i], 40),
                jep_edn_show(a->arena, said, 200));
        } else if (!jep_edn_equal(&first->items[3], &said->items[3])) {
            jep_found(&a->findings, JEP_INVALID, "other-leaves", "of %s and of %s",
                jep_edn_show(a->arena, &nodes->items[0], 40),
                jep_edn_show(a->arena, &nodes->items[2 * i], 40));
        }
    }
}

/* --- each act once ----------------------------------------------------------------------- */

/* Leaves of commits behind `from`, for free(). */
static struct act *take_leaves(struct audit *a, size_t *ret_count)
{
    const struct jep_edn *rows = vector(a->value, "leaves");
    struct act *acts = jep_alloc(rows->count + 1, sizeof(*acts));
    int64_t from = number(a->value, "from"), last = -1;
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct jep_edn *row = &rows->items[i];
        if (!jep_edn_is_vector(row, ROW_ITEMS) || !jep_edn_is_int(&row->items[0]) ||
            row->items[1].type != JEP_EDN_STRING || row->items[2].type != JEP_EDN_STRING ||
            !jep_edn_is_int(&row->items[3])) {
            jep_found(&a->findings, JEP_UNKNOWN, "not-understood", "leaf %zu: %s", i,
                jep_edn_show(a->arena, row, 80));
            break;
        }
        int64_t index = row->items[0].integer;
        if (index < last) {
            jep_found(&a->findings, JEP_INVALID, "out-of-order",
                "leaf %zu is of index %" PRId64 ", the one before it of %" PRId64, i, index, last);
        }
        last = index;
        if (index <= from) {
            continue;
        }
        if (strcmp(row->items[2].text, "deny") == 0) {
            a->refusals += row->items[3].integer;
        } else if (strcmp(row->items[1].text, "commit") == 0) {
            acts[count++] = (struct act){.index = index, .count = row->items[3].integer};
        }
    }
    qsort(acts, count, sizeof(*acts), by_place);
    *ret_count = count;
    return acts;
}

static struct act *take_acked(struct audit *a, size_t *ret_count)
{
    const struct jep_edn *acked = vector(a->value, "acked");
    struct act *acts = jep_alloc(acked->count + 1, sizeof(*acts));
    size_t count = 0;
    for (size_t i = 0; i < acked->count; i++) {
        const struct jep_edn *one = &acked->items[i];
        if (!jep_edn_is_vector(one, 2) || !jep_edn_is_int(&one->items[0]) ||
            !jep_edn_is_int(&one->items[1])) {
            jep_found(&a->findings, JEP_UNKNOWN, "not-understood", "an acknowledgement %s",
                jep_edn_show(a->arena, one, 80));
            break;
        }
        acts[count++] =
            (struct act){.index = one->items[0].integer, .count = one->items[1].integer};
    }
    qsort(acts, count, sizeof(*acts), by_place);
    *ret_count = count;
    return acts;
}

/* Both are in order: they are walked side by side. */
static void match(struct audit *a)
{
    size_t leaf_count, acked_count, leaf = 0;
    struct act *leaves = take_leaves(a, &leaf_count), *acked = take_acked(a, &acked_count);
    for (size_t i = 0; i < acked_count; i++) {
        while (leaf < leaf_count && by_place(&leaves[leaf], &acked[i]) < 0) {
            a->extras++;
            leaf++;
        }
        if (leaf < leaf_count && by_place(&leaves[leaf], &acked[i]) == 0) {
            leaf++;
        } else {
            jep_found(&a->findings, JEP_INVALID, "no-leaf",
                "a commit of %" PRId64 " records was acknowledged at %" PRId64
                " and has no leaf of its own",
                acked[i].count, acked[i].index);
        }
    }
    a->extras += (int64_t)(leaf_count - leaf);
    free(leaves);
    free(acked);
}

/* Is a leaf of one index of a later second than those of another? */
static bool is_flushed(const struct audit *a)
{
    const struct jep_edn *rows = vector(a->value, "leaves"), *flush = vector(a->value, "flush");
    const char *seconds[2] = {"", ""};
    for (size_t i = 0; i < rows->count && flush->count == 2; i++) {
        for (size_t k = 0; k < 2 && jep_edn_is_vector(&rows->items[i], ROW_ITEMS); k++) {
            const struct jep_edn *second = &rows->items[i].items[4];
            if (jep_edn_equal(&rows->items[i].items[0], &flush->items[k]) &&
                second->type == JEP_EDN_STRING) {
                seconds[k] = second->text;
            }
        }
    }
    return strcmp(seconds[0], seconds[1]) < 0;
}

/* Gateways, people and leaders commit too, and are in no ledger: then nothing comes from nowhere.
 */
static bool has_others(const struct audit *a)
{
    const struct jep_edn *others = jep_edn_get(a->value, "others");
    return others != NULL && others->type == JEP_EDN_BOOL && others->boolean;
}

static void count_refusals(struct audit *a)
{
    int64_t refused = number(a->value, "refused"), doubt = number(a->value, "doubt");
    if (refused < 0 || doubt < 0) {
        jep_found(&a->findings, JEP_UNKNOWN, "not-understood", "no number of refusals");
    } else if (a->refusals < refused && !is_flushed(a)) {
        jep_found(&a->findings, JEP_UNKNOWN, "not-flushed",
            "%" PRId64 " refusals of %" PRId64 ", and no entry of a later second", a->refusals,
            refused);
    } else if (a->refusals < refused) {
        jep_found(&a->findings, JEP_INVALID, "refusal-lost",
            "%" PRId64 " commits were refused, leaves stand for %" PRId64, refused, a->refusals);
    } else if (a->refusals - refused + a->extras > doubt + a->of_keys && !has_others(a)) {
        jep_found(&a->findings, JEP_INVALID, "from-nowhere",
            "%" PRId64 " leaves and %" PRId64 " refusals more than were told, %" PRId64 " in doubt",
            a->extras, a->refusals - refused, doubt + a->of_keys);
    }
}

static int64_t count_acts_of_keys(const struct jep_history *history)
{
    int64_t written = 0; /* each start twice */
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        written += op->process == JEP_NEMESIS && strcmp(op->f, "start-keys-revoke") == 0;
    }
    return written / 2 * KEY_ACTS;
}

/* --- the workload ------------------------------------------------------------------------ */

static void judge_add(struct audit *a, const struct jep_history *history, const struct jep_op *op,
    uint32_t pair, int64_t *refused)
{
    const struct jep_edn *element = pair != JEP_UNPAIRED ? &history->ops[pair].value : &op->value;
    if (!jep_edn_is_int(element)) {
        return;
    }
    bool is_forbidden = element->integer % ONE_IS_FORBIDDEN_IN == 0;
    bool is_refused = op->type == JEP_FAIL && jep_edn_is_vector(&op->error, 2) &&
                      jep_edn_is_keyword(&op->error.items[0], "refused");
    *refused += is_refused ? 1 : 0;
    if (is_forbidden && op->type == JEP_OK) {
        jep_found(&a->findings, JEP_INVALID, "permitted",
            "element %" PRId64 " is forbidden and was added (%" PRIu64 ")", element->integer,
            op->index);
    } else if (!is_forbidden && is_refused) {
        jep_found(&a->findings, JEP_INVALID, "refused",
            "element %" PRId64 " is permitted and was refused (%" PRIu64 ")", element->integer,
            op->index);
    }
}

static void judge_workload(struct audit *a, const struct jep_history *history)
{
    int64_t refused = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->process != JEP_NEMESIS && op->type != JEP_INVOKE && strcmp(op->f, "add") == 0) {
            judge_add(a, history, op, history->pairs[i], &refused);
        }
    }
    if (refused == 0) {
        jep_found(&a->findings, JEP_UNKNOWN, "vacuous", "nothing was refused");
    } else if (a->value != NULL && refused != number(a->value, "refused")) {
        jep_found(&a->findings, JEP_UNKNOWN, "not-understood",
            "%" PRId64 " adds were refused, the ledger has %" PRId64, refused,
            number(a->value, "refused"));
    }
}

void jep_check_audit(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)limits;
    struct audit a = {.findings = {.arena = history->arena, .result = ret_result},
        .arena = history->arena,
        .of_keys = count_acts_of_keys(history)};
    struct jep_span *spans = NULL;
    size_t count = jep_spans(history, &spans);
    for (size_t i = 0; i < count; i++) {
        if (jep_span_is(&spans[i], "audit") && spans[i].type == JEP_OK &&
            spans[i].value->type == JEP_EDN_MAP) {
            a.value = spans[i].value;
            a.refusals = a.extras = 0;
            compare_nodes(&a);
            match(&a);
            count_refusals(&a);
        }
    }
    if (options->workload != NULL && strcmp(options->workload, "audit") == 0) {
        judge_workload(&a, history);
    }
    if (a.compared == 0) {
        jep_found(&a.findings, JEP_UNKNOWN, "vacuous", "no two audit logs were compared");
    }
    if (a.value != NULL) {
        jep_result_put(
            ret_result, "leaves", jep_edn_int((int64_t)vector(a.value, "leaves")->count));
        jep_result_put(ret_result, "acked", jep_edn_int((int64_t)vector(a.value, "acked")->count));
        jep_result_put(ret_result, "refusals", jep_edn_int(a.refusals));
        jep_result_put(ret_result, "in-doubt-and-there", jep_edn_int(a.extras));
    }
    jep_findings_put(&a.findings);
    free(spans);
}
