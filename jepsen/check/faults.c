#include "jepsen/check/faults.h"

#include <stdlib.h>
#include <string.h>

enum {
    UNDER_WAY_MAX = 64 /* at one time; plans have a few */
};

/* Chosen: what a node, or a connection, takes to be found and made again. */
#define SETTLE_NS ((int64_t)2 * 1000000000)

static struct jep_fault *find_open(struct jep_faults *faults, const char *name)
{
    for (size_t i = faults->count; i-- > 0;) {
        if (!faults->faults[i].is_stopped && strcmp(faults->faults[i].name, name) == 0) {
            return &faults->faults[i];
        }
    }
    return NULL;
}

static void add_quorum(struct jep_faults *faults, int64_t at_ns, bool is_there)
{
    size_t count = faults->quorums_count + 1;
    faults->quorums = jep_realloc(faults->quorums, count, sizeof(*faults->quorums));
    faults->quorums[count - 1] = (struct jep_quorum){at_ns, is_there};
    faults->quorums_count = count;
}

static bool is_set(const struct jep_edn *value, const char *keyword, bool otherwise)
{
    const struct jep_edn *found = jep_edn_get(value, keyword);
    return found != NULL && found->type == JEP_EDN_BOOL ? found->boolean : otherwise;
}

static void start(struct jep_faults *faults, const struct jep_op *op, const char *name)
{
    struct jep_fault *fault = find_open(faults, name);
    if (fault == NULL) {
        faults->faults = jep_realloc(faults->faults, faults->count + 1, sizeof(*fault));
        fault = &faults->faults[faults->count++];
        *fault = (struct jep_fault){.name = name, .begin_ns = op->time_ns, .active_ns = -1};
    } else if (fault->active_ns < 0) {
        fault->active_ns = op->time_ns;
        fault->started = &op->value;
        fault->took_effect = is_set(&op->value, "took-effect", false);
        fault->is_skipped = jep_edn_get(&op->value, "skipped") != NULL;
        fault->is_quorum_kept = is_set(&op->value, "quorum", false);
    }
}

static void stop(struct jep_faults *faults, const struct jep_op *op, const char *name)
{
    struct jep_fault *fault = find_open(faults, name);
    if (fault == NULL) {
        return;
    }
    if (fault->heal_ns == 0) {
        fault->heal_ns = op->time_ns;
        return;
    }
    fault->end_ns = op->time_ns;
    fault->stopped = &op->value;
    fault->took_effect = fault->took_effect || is_set(&op->value, "took-effect", false);
    fault->is_stopped = true;
}

/* Operations of the nemesis that have begun and not ended. */
struct under_way {
    const char *names[UNDER_WAY_MAX];
    size_t count;
    bool quorum; /* as the last one that ended said */
};

/* The first line of an operation begins it; the second, of the same :f, ends it. */
static void take(struct jep_faults *faults, const struct jep_op *op, struct under_way *under_way)
{
    size_t i = 0;
    while (i < under_way->count && under_way->names[i] != op->f) {
        i++;
    }
    if (i < under_way->count) {
        under_way->names[i] = under_way->names[--under_way->count];
        under_way->quorum = is_set(&op->value, "quorum", under_way->quorum);
    } else if (under_way->count < UNDER_WAY_MAX) {
        under_way->names[under_way->count++] = op->f;
    }
    add_quorum(faults, op->time_ns, under_way->count == 0 && under_way->quorum);
    if (strncmp(op->f, "start-", 6) == 0) {
        start(faults, op, op->f + 6);
    } else {
        stop(faults, op, op->f + 5);
    }
}

struct jep_faults jep_faults_find(const struct jep_history *history)
{
    struct jep_faults faults = {0};
    struct under_way under_way = {.quorum = true};
    add_quorum(&faults, 0, true);
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        faults.end_ns = op->time_ns;
        if (op->process == JEP_NEMESIS &&
            (strncmp(op->f, "start-", 6) == 0 || strncmp(op->f, "stop-", 5) == 0)) {
            take(&faults, op, &under_way);
        }
    }
    for (size_t i = 0; i < faults.count; i++) {
        struct jep_fault *fault = &faults.faults[i];
        fault->active_ns = fault->active_ns < 0 ? faults.end_ns : fault->active_ns;
        fault->heal_ns = fault->heal_ns == 0 ? faults.end_ns : fault->heal_ns;
        fault->end_ns = fault->is_stopped ? fault->end_ns : faults.end_ns;
    }
    return faults;
}

void jep_faults_free(struct jep_faults *faults)
{
    free(faults->faults);
    free(faults->quorums);
    *faults = (struct jep_faults){0};
}

bool jep_faults_any(const struct jep_faults *faults, int64_t at_ns)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (faults->faults[i].begin_ns <= at_ns && at_ns < faults->faults[i].end_ns) {
            return true;
        }
    }
    return false;
}

int64_t jep_faults_peace_ns(const struct jep_faults *faults, int64_t from_ns, int64_t until_ns)
{
    int64_t peace_ns = 0;
    if (faults->count == 0) {
        return 0;
    }
    for (size_t i = 0; i < faults->count && from_ns < until_ns; i++) {
        const struct jep_fault *fault = &faults->faults[i];
        const int64_t settled_ns = fault->end_ns + SETTLE_NS;
        if (i > 0 && fault->begin_ns > from_ns) {
            peace_ns += (fault->begin_ns < until_ns ? fault->begin_ns : until_ns) - from_ns;
        }
        from_ns = settled_ns > from_ns ? settled_ns : from_ns;
    }
    return peace_ns + (until_ns > from_ns ? until_ns - from_ns : 0);
}

bool jep_is_write(const struct jep_op *op)
{
    static const char *const names[] = {
        "write", "cas", "add", "transfer", "append-commit", "assemble", "inspect"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(op->f, names[i]) == 0) {
            return true;
        }
    }
    if (strcmp(op->f, "txn") != 0 || !jep_edn_is_sequence(&op->value)) {
        return false;
    }
    for (uint32_t i = 0; i < op->value.count; i++) {
        const struct jep_edn *mop = &op->value.items[i];
        if (jep_edn_is_vector(mop, 3) && jep_edn_is_keyword(&mop->items[0], "append")) {
            return true;
        }
    }
    return false;
}

int64_t jep_write_gap_ns(
    const struct jep_history *history, int64_t from_ns, int64_t until_ns, int64_t *ret_at_ns)
{
    int64_t last_ns = from_ns, gap_ns = 0;
    bool is_asked = false; /* a write was invoked in the gap: silence alone is not a stop */
    *ret_at_ns = from_ns;
    for (size_t i = 0; i < history->count && history->ops[i].time_ns <= until_ns; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->time_ns < from_ns || op->process == JEP_NEMESIS || !jep_is_write(op)) {
            continue;
        }
        if (op->type == JEP_OK) {
            if (op->time_ns - last_ns > gap_ns && is_asked) {
                gap_ns = op->time_ns - last_ns;
                *ret_at_ns = last_ns;
            }
            last_ns = op->time_ns;
        }
        is_asked = op->type != JEP_OK;
    }
    if (is_asked && until_ns - last_ns > gap_ns) {
        gap_ns = until_ns - last_ns;
        *ret_at_ns = last_ns;
    }
    return gap_ns;
}
