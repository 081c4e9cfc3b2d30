#include <string.h>

#include "jepsen/forge/edit.h"

static bool is_read(const struct jep_span *span)
{
    return span->type == JEP_OK && jep_span_is(span, "read");
}

static bool is_write(const struct jep_span *span)
{
    return jep_span_is(span, "write") || jep_span_is(span, "cas");
}

static struct jep_edn written(const struct jep_span *span)
{
    const struct jep_edn *argument = &span->value->items[1];
    return jep_span_is(span, "cas") ? argument->items[1] : *argument;
}

static bool is_same_key(const struct jep_span *a, const struct jep_span *b)
{
    return jep_edn_equal(&a->value->items[0], &b->value->items[0]);
}

static void set_read(struct jep_edit *edit, const struct jep_span *read, struct jep_edn value)
{
    jep_edit_value(edit, read, jep_edn_pair(edit->arena, read->value->items[0], value));
}

/* The certain write of the span's key that was over before it and began last. */
static const struct jep_span *find_last_before(
    const struct jep_edit *edit, const struct jep_span *span)
{
    const struct jep_span *last = NULL;
    for (size_t i = 0; i < edit->count; i++) {
        const struct jep_span *write = &edit->spans[i];
        if (is_write(write) && write->type == JEP_OK && is_same_key(write, span) &&
            jep_span_before(write, span) &&
            (last == NULL || jep_span_from(write) > jep_span_from(last))) {
            last = write;
        }
    }
    return last;
}

/* A write whose value was certainly overwritten before the span began. */
static const struct jep_span *find_overwritten(
    const struct jep_edit *edit, const struct jep_span *span)
{
    const struct jep_span *last = find_last_before(edit, span);
    for (size_t i = edit->count; i-- > 0 && last != NULL;) {
        const struct jep_span *write = &edit->spans[i];
        if (is_write(write) && write->type == JEP_OK && is_same_key(write, span) &&
            jep_span_before(write, last)) {
            return write;
        }
    }
    return NULL;
}

bool jep_break_stale_read(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    const struct jep_span *old = NULL;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && old == NULL; i++) {
        const struct jep_span *read = jep_edit_at(&edit, i);
        old = is_read(read) ? find_overwritten(&edit, read) : NULL;
        if (old != NULL) {
            set_read(&edit, read, written(old));
        }
    }
    jep_edit_end(&edit);
    return old != NULL;
}

/* A write that was acknowledged, and that every later read of it forgets. */
bool jep_break_lost_write(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    size_t changed = 0;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && changed == 0; i++) {
        const struct jep_span *write = jep_edit_at(&edit, i);
        const struct jep_span *old = NULL;
        if (!is_write(write) || write->type != JEP_OK) {
            continue;
        }
        struct jep_edn value = written(write);
        old = find_last_before(&edit, write);
        for (size_t r = 0; r < edit.count && old != NULL; r++) {
            const struct jep_span *read = &edit.spans[r];
            if (is_read(read) && is_same_key(read, write) && jep_span_before(write, read) &&
                jep_edn_equal(&read->value->items[1], &value)) {
                set_read(&edit, read, written(old));
                changed++;
            }
        }
    }
    jep_edit_end(&edit);
    return changed > 0;
}

bool jep_break_dirty_read(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *write = jep_edit_at(&edit, i);
        for (size_t r = 0; r < edit.count && !is_found; r++) {
            const struct jep_span *read = jep_edit_at(&edit, r);
            if (is_write(write) && write->type == JEP_FAIL && is_read(read) &&
                is_same_key(write, read) && jep_span_from(write) < jep_span_until(read)) {
                set_read(&edit, read, written(write));
                is_found = true;
            }
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

static bool set_some_read(
    struct jep_history *history, uint64_t seed, struct jep_edn value, bool needs_write_before)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *read = jep_edit_at(&edit, i);
        if (is_read(read) && (!needs_write_before || find_last_before(&edit, read) != NULL)) {
            set_read(&edit, read, value);
            is_found = true;
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

bool jep_break_phantom_read(struct jep_history *history, uint64_t seed)
{
    return set_some_read(history, seed, jep_edn_int(-77), false);
}

bool jep_break_empty_read(struct jep_history *history, uint64_t seed)
{
    return set_some_read(history, seed, jep_edn_keyword("absent"), true);
}

bool jep_break_nil_read(struct jep_history *history, uint64_t seed)
{
    return set_some_read(history, seed, jep_edn_nil(), true);
}

bool jep_break_future_read(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *read = jep_edit_at(&edit, i);
        for (size_t w = 0; w < edit.count && !is_found && is_read(read); w++) {
            const struct jep_span *write = jep_edit_at(&edit, w);
            if (is_write(write) && write->type == JEP_OK && is_same_key(read, write) &&
                jep_span_before(read, write)) {
                set_read(&edit, read, written(write));
                is_found = true;
            }
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

/* A compare-and-set that found another value, as it seems, succeeds. */
bool jep_break_wrong_cas(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *cas = jep_edit_at(&edit, i);
        const struct jep_span *last =
            jep_span_is(cas, "cas") && cas->type != JEP_INFO ? find_last_before(&edit, cas) : NULL;
        for (size_t w = 0; w < edit.count && last != NULL && !is_found; w++) {
            const struct jep_span *write = &edit.spans[w];
            if (is_write(write) && write->type == JEP_OK && is_same_key(write, cas) &&
                jep_span_before(write, last)) {
                struct jep_edn pair = jep_edn_pair(edit.arena, written(write), written(cas));
                set_read(&edit, cas, pair);
                edit.history->ops[cas->invoke->index].value =
                    edit.history->ops[cas->end->index].value;
                edit.history->ops[cas->end->index].error = jep_edn_nil();
                jep_edit_type(&edit, cas, JEP_OK);
                is_found = true;
            }
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

/* A client that calls an unknown outcome failed: what it wrote was seen. */
bool jep_break_failed_but_seen(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *write = jep_edit_at(&edit, i);
        if (!is_write(write) || write->type == JEP_FAIL || write->end == NULL) {
            continue;
        }
        struct jep_edn value = written(write);
        for (size_t r = 0; r < edit.count && !is_found; r++) {
            const struct jep_span *read = &edit.spans[r];
            if (is_read(read) && is_same_key(read, write) &&
                jep_edn_equal(&read->value->items[1], &value)) {
                jep_edit_type(&edit, write, JEP_FAIL);
                is_found = true;
            }
        }
    }
    jep_edit_end(&edit);
    return is_found;
}
