#include <string.h>

#include "jepsen/forge/edit.h"

static bool is_txn(const struct jep_span *span)
{
    return jep_span_is(span, "txn");
}

static bool is_append(const struct jep_edn *mop)
{
    return jep_edn_is_keyword(&mop->items[0], "append");
}

static uint32_t length(const struct jep_edn *list)
{
    return jep_edn_is_nil(list) ? 0 : list->count;
}

static bool touches(const struct jep_span *span, const struct jep_edn *key, bool by_append)
{
    for (uint32_t i = 0; i < span->value->count; i++) {
        const struct jep_edn *mop = &span->value->items[i];
        if (is_append(mop) == by_append && jep_edn_equal(&mop->items[1], key)) {
            return true;
        }
    }
    return false;
}

static void set_mop(
    struct jep_edit *edit, const struct jep_span *span, size_t at, struct jep_edn list)
{
    struct jep_edn mop = jep_edit_replaced(edit, &span->value->items[at], 2, list);
    jep_edit_value(edit, span, jep_edit_replaced(edit, span->value, at, mop));
}

/* Goes through the reads of committed transactions by chance until `change` has changed one. */
typedef bool change(struct jep_edit *edit, const struct jep_span *span, size_t at);

static bool change_some_read(struct jep_history *history, uint64_t seed, change *try_it)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *span = jep_edit_at(&edit, i);
        for (uint32_t m = 0; is_txn(span) && span->type == JEP_OK && m < span->value->count; m++) {
            if (!is_append(&span->value->items[m]) && !is_found) {
                is_found = try_it(&edit, span, m);
            }
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

/* The certain append of an item that had ended before the span began. */
static bool is_older(const struct jep_edit *edit, const struct jep_span *span,
    const struct jep_edn *key, const struct jep_edn *item)
{
    for (size_t i = 0; i < edit->count; i++) {
        const struct jep_span *other = &edit->spans[i];
        for (uint32_t m = 0; is_txn(other) && other->type == JEP_OK && m < other->value->count;
             m++) {
            const struct jep_edn *mop = &other->value->items[m];
            if (is_append(mop) && jep_edn_equal(&mop->items[1], key) &&
                jep_edn_equal(&mop->items[2], item)) {
                return jep_span_before(other, span);
            }
        }
    }
    return false;
}

/* An append that was over is not there: the read ends before it. */
static bool shorten(struct jep_edit *edit, const struct jep_span *span, size_t at)
{
    const struct jep_edn *mop = &span->value->items[at], *list = &mop->items[2];
    for (uint32_t i = length(list); i-- > 0 && !touches(span, &mop->items[1], true);) {
        if (is_older(edit, span, &mop->items[1], &list->items[i])) {
            struct jep_edn head =
                i > 0 ? jep_edn_vector(edit->arena, list->items, i) : jep_edn_nil();
            set_mop(edit, span, at, head);
            return true;
        }
    }
    return false;
}

bool jep_break_append_stale(struct jep_history *history, uint64_t seed)
{
    return change_some_read(history, seed, shorten);
}

/* An acknowledged append that no read shows any more. */
static bool forget(struct jep_edit *edit, const struct jep_span *span, size_t at)
{
    const struct jep_edn key = span->value->items[at].items[1];
    const struct jep_edn *list = &span->value->items[at].items[2];
    uint32_t i = length(list);
    while (i > 0 && !is_older(edit, span, &key, &list->items[i - 1])) {
        i--;
    }
    if (i == 0) {
        return false;
    }
    struct jep_edn item = list->items[i - 1];
    for (size_t s = 0; s < edit->count; s++) {
        const struct jep_span *other = &edit->spans[s];
        for (uint32_t m = 0; is_txn(other) && other->type == JEP_OK && m < other->value->count;
             m++) {
            const struct jep_edn *mop = &other->value->items[m];
            for (uint32_t j = 0; !is_append(mop) && jep_edn_equal(&mop->items[1], &key) &&
                                 j < length(&mop->items[2]);
                 j++) {
                if (jep_edn_equal(&mop->items[2].items[j], &item)) {
                    struct jep_edn rest = jep_edit_without(edit, &mop->items[2], j);
                    set_mop(edit, other, m, rest.count > 0 ? rest : jep_edn_nil());
                    break;
                }
            }
        }
    }
    return true;
}

bool jep_break_append_lost(struct jep_history *history, uint64_t seed)
{
    return change_some_read(history, seed, forget);
}

/* What certainly did not happen is read at the end of the key's last read. */
static bool show_aborted(struct jep_edit *edit, const struct jep_span *span, size_t at)
{
    const struct jep_edn *mop = &span->value->items[at];
    for (size_t s = 0; s < edit->count; s++) {
        const struct jep_span *other = jep_edit_at(edit, s);
        for (uint32_t m = 0; is_txn(other) && other->type == JEP_FAIL && m < other->value->count;
             m++) {
            const struct jep_edn *append = &other->value->items[m];
            if (is_append(append) && jep_edn_equal(&append->items[1], &mop->items[1]) &&
                jep_span_from(other) < jep_span_until(span)) {
                set_mop(edit, span, at,
                    jep_edit_with(edit, &mop->items[2], length(&mop->items[2]), append->items[2]));
                return true;
            }
        }
    }
    return false;
}

bool jep_break_append_aborted(struct jep_history *history, uint64_t seed)
{
    return change_some_read(history, seed, show_aborted);
}

/* The read ends between two appends of one transaction. */
static bool cut_within(struct jep_edit *edit, const struct jep_span *span, size_t at)
{
    const struct jep_edn *mop = &span->value->items[at], *list = &mop->items[2];
    if (length(list) == 0 || touches(span, &mop->items[1], true)) {
        return false;
    }
    for (size_t s = 0; s < edit->count; s++) {
        const struct jep_span *other = jep_edit_at(edit, s);
        const struct jep_edn *first = NULL;
        for (uint32_t m = 0; is_txn(other) && other->type == JEP_OK && m < other->value->count;
             m++) {
            const struct jep_edn *append = &other->value->items[m];
            if (!is_append(append) || !jep_edn_equal(&append->items[1], &mop->items[1])) {
                continue;
            }
            for (uint32_t i = 0; first != NULL && i < list->count; i++) {
                if (jep_edn_equal(&list->items[i], &append->items[2])) {
                    set_mop(edit, span, at, jep_edn_vector(edit->arena, list->items, i));
                    return true;
                }
            }
            first = append;
        }
    }
    return false;
}

bool jep_break_append_intermediate(struct jep_history *history, uint64_t seed)
{
    return change_some_read(history, seed, cut_within);
}

/* Two items change places; another read shows them as they were. */
static bool swap(struct jep_edit *edit, const struct jep_span *span, size_t at)
{
    const struct jep_edn *mop = &span->value->items[at], *list = &mop->items[2];
    for (size_t s = 0; s < edit->count && length(list) >= 2; s++) {
        const struct jep_span *other = &edit->spans[s];
        for (uint32_t m = 0;
             other != span && is_txn(other) && other->type == JEP_OK && m < other->value->count;
             m++) {
            const struct jep_edn *read = &other->value->items[m];
            if (!is_append(read) && jep_edn_equal(&read->items[1], &mop->items[1]) &&
                length(&read->items[2]) >= 2) {
                struct jep_edn swapped = jep_edit_replaced(edit, list, 0, list->items[1]);
                set_mop(edit, span, at, jep_edit_replaced(edit, &swapped, 1, list->items[0]));
                return true;
            }
        }
    }
    return false;
}

bool jep_break_append_order(struct jep_history *history, uint64_t seed)
{
    return change_some_read(history, seed, swap);
}

static bool repeat(struct jep_edit *edit, const struct jep_span *span, size_t at)
{
    const struct jep_edn *list = &span->value->items[at].items[2];
    if (length(list) == 0) {
        return false;
    }
    set_mop(edit, span, at, jep_edit_with(edit, list, list->count, list->items[0]));
    return true;
}

bool jep_break_append_duplicate(struct jep_history *history, uint64_t seed)
{
    return change_some_read(history, seed, repeat);
}

static bool invent(struct jep_edit *edit, const struct jep_span *span, size_t at)
{
    const struct jep_edn *list = &span->value->items[at].items[2];
    set_mop(edit, span, at, jep_edit_with(edit, list, length(list), jep_edn_int(-77)));
    return true;
}

bool jep_break_append_phantom(struct jep_history *history, uint64_t seed)
{
    return change_some_read(history, seed, invent);
}

/* A transaction does not see what it appended itself. */
static bool blind(struct jep_edit *edit, const struct jep_span *span, size_t at)
{
    const struct jep_edn *mop = &span->value->items[at];
    for (size_t m = 0; m < at; m++) {
        const struct jep_edn *before = &span->value->items[m];
        if (is_append(before) && jep_edn_equal(&before->items[1], &mop->items[1])) {
            set_mop(edit, span, at, jep_edn_nil());
            return true;
        }
    }
    return false;
}

bool jep_break_append_internal(struct jep_history *history, uint64_t seed)
{
    return change_some_read(history, seed, blind);
}

bool jep_break_append_failed_but_seen(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *span = jep_edit_at(&edit, i);
        for (uint32_t m = 0; is_txn(span) && span->type != JEP_FAIL && span->end != NULL &&
                             m < span->value->count && !is_found;
             m++) {
            const struct jep_edn *append = &span->value->items[m];
            for (size_t s = 0; s < edit.count && is_append(append) && !is_found; s++) {
                const struct jep_span *other = &edit.spans[s];
                for (uint32_t r = 0; other != span && is_txn(other) && other->type == JEP_OK &&
                                     r < other->value->count;
                     r++) {
                    const struct jep_edn *read = &other->value->items[r];
                    is_found = is_found || (!is_append(read) &&
                                               jep_edn_equal(&read->items[1], &append->items[1]) &&
                                               jep_edit_has(&read->items[2], &append->items[2]));
                }
            }
        }
        if (is_found) {
            jep_edit_type(&edit, span, JEP_FAIL);
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

/* --- Anomalies of isolation, as the books draw them: transactions of their own at the end. Written
 * as "process mops" with keys x, y, z for three new ones; all but the last are concurrent. */

static struct jep_edn parse(struct jep_history *history, const char *text)
{
    struct jep_edn value = jep_edn_nil();
    bool good = jep_edn_parse(history->arena, text, strlen(text), &value, NULL);
    return good ? value : jep_edn_nil();
}

static struct jep_edn without_answers(struct jep_history *history, const struct jep_edn *mops)
{
    struct jep_edn_list list = {0};
    for (uint32_t i = 0; i < mops->count; i++) {
        struct jep_edn items[3];
        memcpy(items, mops->items[i].items, sizeof(items));
        items[2] = is_append(&mops->items[i]) ? items[2] : jep_edn_nil();
        jep_edn_push(&list, jep_edn_vector(history->arena, items, 3));
    }
    return jep_edn_take_vector(&list, history->arena);
}

static bool inject(struct jep_history *history, const char *const *txns, size_t count)
{
    int64_t process = 0, time_ns = 0;
    for (size_t i = 0; i < history->count; i++) {
        process = history->ops[i].process >= process ? history->ops[i].process + 1 : process;
        time_ns = history->ops[i].time_ns;
    }
    for (size_t pass = 0; pass < 4; pass++) {
        for (size_t i = 0; i < count; i++) {
            bool is_last = i == count - 1;
            if (is_last != (pass >= 2)) {
                continue;
            }
            struct jep_edn mops = parse(history, txns[i]);
            struct jep_op op = {.time_ns = ++time_ns,
                .type = pass % 2 == 0 ? JEP_INVOKE : JEP_OK,
                .process = process + (int64_t)i,
                .f = "txn",
                .value = pass % 2 == 0 ? without_answers(history, &mops) : mops};
            jep_history_add(history, &op);
        }
    }
    return true;
}

#define INJECT(history, ...)                                                                       \
    inject((history), (const char *const[]){__VA_ARGS__},                                          \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

bool jep_break_write_skew(struct jep_history *history, uint64_t seed)
{
    (void)seed;
    return INJECT(history, "[[:r :x nil] [:append :y 1]]", "[[:r :y nil] [:append :x 2]]",
        "[[:r :x [2]] [:r :y [1]]]");
}

bool jep_break_lost_update(struct jep_history *history, uint64_t seed)
{
    (void)seed;
    return INJECT(
        history, "[[:r :x nil] [:append :x 1]]", "[[:r :x nil] [:append :x 2]]", "[[:r :x [1 2]]]");
}

bool jep_break_dirty_write(struct jep_history *history, uint64_t seed)
{
    (void)seed;
    return INJECT(history, "[[:append :x 1] [:append :y 1]]", "[[:append :x 2] [:append :y 2]]",
        "[[:r :x [1 2]] [:r :y [2 1]]]");
}

bool jep_break_circular_flow(struct jep_history *history, uint64_t seed)
{
    (void)seed;
    return INJECT(history, "[[:append :x 1] [:r :y [2]]]", "[[:append :y 2] [:r :x [1]]]",
        "[[:r :x [1]] [:r :y [2]]]");
}

bool jep_break_fractured_read(struct jep_history *history, uint64_t seed)
{
    (void)seed;
    return INJECT(history, "[[:append :x 1] [:append :y 1]]", "[[:r :x [1]] [:r :y nil]]",
        "[[:r :x [1]] [:r :y [1]]]");
}

bool jep_break_long_fork(struct jep_history *history, uint64_t seed)
{
    (void)seed;
    return INJECT(history, "[[:append :x 1]]", "[[:append :y 1]]", "[[:r :x [1]] [:r :y nil]]",
        "[[:r :x nil] [:r :y [1]]]", "[[:r :x [1]] [:r :y [1]]]");
}
