#include "federation/cells/recall.h"

#include <stdlib.h>

#include "federation/cells/mutant.h"

static int compare_deliveries(const void *a, const void *b)
{
    const struct weft_recall_delivery *x = a, *y = b;
    int order = weft_text_compare(x->customer, y->customer);
    return order != 0 ? order : memcmp(x->subject.bytes, y->subject.bytes, WEFT_DIGEST_SIZE);
}

/* FED-126: each once, and none that was told. Returns how many are left, at the beginning. */
static uint32_t leave_due(const struct weft_digest *recall, struct weft_recall_delivery *sorted,
    uint32_t count, weft_recall_was_told *was_told, void *ctx)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_repeated = left > 0 && compare_deliveries(&sorted[left - 1], &sorted[i]) == 0;
        if (!is_repeated && (weft_cell_mutant(WEFT_CELL_MUTANT_RECALL_REPEATED) ||
                                !was_told(ctx, recall, sorted[i].customer, &sorted[i].subject))) {
            sorted[left++] = sorted[i];
        }
    }
    return left;
}

/* The run of one customer's that begins at `from`, as far as one Impact has room. */
static uint32_t run_of(const struct weft_recall_delivery *due, uint32_t count, uint32_t from)
{
    uint32_t to = from;
    while (to < count && to - from < WEFT_RECALL_SUBJECTS_MAX &&
           weft_text_equal(due[to].customer, due[from].customer)) {
        to++;
    }
    return to;
}

static enum weft_err make_impacts(const struct weft_digest *recall,
    const struct weft_recall_delivery *due, uint32_t count, struct weft_arena *arena,
    struct weft_recall_impact *impacts)
{
    uint32_t at = 0, to;
    for (uint32_t from = 0; from < count; from = to) {
        to = run_of(due, count, from);
        struct weft_digest *subjects = weft_arena_array(arena, to - from, sizeof(*subjects));
        if (subjects == NULL) {
            return WEFT_ENOMEM;
        }
        for (uint32_t i = from; i < to; i++) {
            subjects[i - from] = due[i].subject;
        }
        impacts[at++] =
            (struct weft_recall_impact){due[from].customer, {*recall, {subjects, to - from}}};
    }
    return WEFT_OK;
}

enum weft_err weft_recall_reach(const struct weft_digest *recall,
    const struct weft_recall_delivery *deliveries, uint32_t count, weft_recall_was_told *was_told,
    void *ctx, struct weft_arena *arena, struct weft_recall_impact **ret_impacts,
    uint32_t *ret_count)
{
    uint32_t impact_count = 0, customers = 0, to;
    struct weft_recall_delivery *due = weft_arena_array(arena, count, sizeof(*due));
    if (due == NULL) {
        return WEFT_ENOMEM;
    }
    if (count > 0) {
        memcpy(due, deliveries, count * sizeof(*due));
        qsort(due, count, sizeof(*due), compare_deliveries);
    }
    uint32_t due_count = leave_due(recall, due, count, was_told, ctx);
    for (uint32_t from = 0; from < due_count; from = to) {
        to = run_of(due, due_count, from);
        impact_count++;
        customers += from == 0 || !weft_text_equal(due[from].customer, due[from - 1].customer);
    }
    if (customers > WEFT_RECALL_CUSTOMERS_MAX) {
        return WEFT_ETOOBIG;
    }
    struct weft_recall_impact *impacts = weft_arena_array(arena, impact_count, sizeof(*impacts));
    enum weft_err err =
        impacts != NULL ? make_impacts(recall, due, due_count, arena, impacts) : WEFT_ENOMEM;
    if (err == WEFT_OK) {
        *ret_impacts = impacts;
        *ret_count = impact_count;
    }
    return err;
}

/* --- acknowledgements ------------------------------------------------------------------------ */

/* FED-127: what a partner counts does not overflow here. */
static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    bool is_over = __builtin_add_overflow(a, b, &sum) || sum > INT64_MAX;
    return is_over ? INT64_MAX : sum;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Does this reply count: is it of the recall, and the newest of its site? */
static bool counts(const struct weft_digest *recall, const struct weft_recall_reply *replies,
    uint32_t count, uint32_t i)
{
    if (!weft_digest_equal(&replies[i].acknowledgement.recall, recall)) {
        return false;
    }
    for (uint32_t k = 0; k < count; k++) {
        if (weft_digest_equal(&replies[k].acknowledgement.recall, recall) &&
            weft_text_equal(replies[k].author, replies[i].author)) {
            int order = weft_cell_revision_compare(replies[k].revision, replies[i].revision);
            if (order > 0 || (order == 0 && k < i)) {
                return false; /* Of two of one revision one: both are merged into it. */
            }
        }
    }
    return true;
}

static void merge_tiers(struct weft_act_counts *a, const struct weft_act_counts *b)
{
    for (uint32_t k = 0; k < b->count; k++) {
        a->items[k] = k < a->count ? larger(a->items[k], b->items[k]) : b->items[k];
    }
    a->count = a->count > b->count ? a->count : b->count;
}

/* One tier further down; what is below the last tier is in it. Of somebody who says nothing of
 * tiers all is his own. */
static void add_below(
    struct weft_act_counts *sum, const struct weft_act_counts *tiers, uint64_t total)
{
    const struct weft_act_counts own = {{total}, 1};
    const struct weft_act_counts *from = tiers->count > 0 ? tiers : &own;
    for (uint32_t k = 0; k < from->count; k++) {
        uint32_t to = k + 1 < WEFT_ACT_TIERS_MAX ? k + 1 : WEFT_ACT_TIERS_MAX - 1;
        while (sum->count <= to) {
            sum->items[sum->count++] = 0;
        }
        sum->items[to] = add(sum->items[to], from->items[k]);
    }
}

/* Of the replies of that site and revision the larger of each count. */
static struct weft_acknowledgement merge(
    const struct weft_recall_reply *replies, uint32_t count, uint32_t i)
{
    struct weft_acknowledgement a = replies[i].acknowledgement;
    for (uint32_t k = 0; k < count; k++) {
        const struct weft_acknowledgement *b = &replies[k].acknowledgement;
        if (weft_digest_equal(&b->recall, &a.recall) &&
            weft_text_equal(replies[k].author, replies[i].author) &&
            weft_cell_revision_compare(replies[k].revision, replies[i].revision) == 0) {
            a.affected = larger(a.affected, b->affected);
            a.located = larger(a.located, b->located);
            a.blocked = larger(a.blocked, b->blocked);
            a.done = larger(a.done, b->done);
            a.awaited = larger(a.awaited, b->awaited);
            merge_tiers(&a.tiers, &b->tiers);
            merge_tiers(&a.silent, &b->silent);
        }
    }
    return a;
}

static bool was_told(struct weft_text author, const struct weft_text *told, uint32_t told_count)
{
    uint32_t t = 0;
    while (t < told_count && !weft_cell_is_of(author, told[t])) {
        t++;
    }
    return t < told_count;
}

/* Customers without a reply. */
static uint64_t count_silent(const struct weft_digest *recall, const struct weft_text *told,
    uint32_t told_count, const struct weft_recall_reply *replies, uint32_t reply_count)
{
    uint64_t silent = 0;
    for (uint32_t t = 0; t < told_count; t++) {
        uint32_t i = 0;
        while (
            i < reply_count && !(weft_cell_is_of(replies[i].author, told[t]) &&
                                   weft_digest_equal(&replies[i].acknowledgement.recall, recall))) {
            i++;
        }
        silent += i == reply_count;
    }
    return silent;
}

void weft_recall_roll_up(const struct weft_acknowledgement *own, const struct weft_text *told,
    uint32_t told_count, const struct weft_recall_reply *replies, uint32_t reply_count,
    struct weft_acknowledgement *ret_sum)
{
    struct weft_acknowledgement sum = *own;
    const uint64_t silent = count_silent(&own->recall, told, told_count, replies, reply_count);
    sum.tiers = (struct weft_act_counts){{own->affected}, 1};
    sum.silent = (struct weft_act_counts){{add(own->awaited, silent)}, 1};
    for (uint32_t i = 0; i < reply_count; i++) {
        if (!was_told(replies[i].author, told, told_count) ||
            !counts(&own->recall, replies, reply_count, i)) {
            continue;
        }
        struct weft_acknowledgement a = merge(replies, reply_count, i);
        sum.affected = add(sum.affected, a.affected);
        sum.located = add(sum.located, a.located);
        sum.blocked = add(sum.blocked, a.blocked);
        sum.done = add(sum.done, a.done);
        sum.awaited = add(sum.awaited, a.awaited);
        add_below(&sum.tiers, &a.tiers, a.affected);
        add_below(&sum.silent, &a.silent, a.awaited);
    }
    sum.awaited = add(sum.awaited, silent);
    *ret_sum = sum;
}
