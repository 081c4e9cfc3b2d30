#include <string.h>

#include "jepsen/forge/edit.h"

static bool is_watch(const struct jep_span *span)
{
    return span->type == JEP_OK && jep_span_is(span, "watch");
}

static void set_events(struct jep_edit *edit, const struct jep_span *span, struct jep_edn events)
{
    jep_edit_value(edit, span, jep_edit_replaced(edit, span->value, 3, events));
}

typedef bool change(
    struct jep_edit *edit, const struct jep_span *span, const struct jep_edn *events, size_t at);

/* Some watch of at least three events, some place in the midst of it. */
static bool change_some_watch(struct jep_history *history, uint64_t seed, change *change_it)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *span = jep_edit_at(&edit, i);
        const struct jep_edn *events = is_watch(span) ? jep_edn_get(span->value, "events") : NULL;
        if (events != NULL && events->count >= 3) {
            size_t at = 1 + jep_rng_below(&edit.rng, events->count - 2);
            is_found = change_it(&edit, span, events, at);
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

/* Every commit is shown at the end by every node: what one leaves out is known to be there. */
static bool leave_out(
    struct jep_edit *edit, const struct jep_span *span, const struct jep_edn *events, size_t at)
{
    set_events(edit, span, jep_edit_without(edit, events, at));
    return true;
}

bool jep_break_watch_gap(struct jep_history *history, uint64_t seed)
{
    return change_some_watch(history, seed, leave_out);
}

static bool show_twice(
    struct jep_edit *edit, const struct jep_span *span, const struct jep_edn *events, size_t at)
{
    set_events(edit, span, jep_edit_with(edit, events, at, events->items[at]));
    return true;
}

bool jep_break_watch_twice(struct jep_history *history, uint64_t seed)
{
    return change_some_watch(history, seed, show_twice);
}

static bool swap(
    struct jep_edit *edit, const struct jep_span *span, const struct jep_edn *events, size_t at)
{
    struct jep_edn swapped = jep_edit_replaced(edit, events, at, events->items[at + 1]);
    set_events(edit, span, jep_edit_replaced(edit, &swapped, at + 1, events->items[at]));
    return true;
}

bool jep_break_watch_order(struct jep_history *history, uint64_t seed)
{
    return change_some_watch(history, seed, swap);
}

static bool show_other(
    struct jep_edit *edit, const struct jep_span *span, const struct jep_edn *events, size_t at)
{
    struct jep_edn event =
        jep_edit_replaced(edit, &events->items[at], 1, events->items[at - 1].items[1]);
    set_events(edit, span, jep_edit_replaced(edit, events, at, event));
    return true;
}

bool jep_break_watch_disagree(struct jep_history *history, uint64_t seed)
{
    return change_some_watch(history, seed, show_other);
}

static bool invent(
    struct jep_edit *edit, const struct jep_span *span, const struct jep_edn *events, size_t at)
{
    struct jep_edn id = jep_edn_int(-77), ids = jep_edn_vector(edit->arena, &id, 1);
    struct jep_edn event = jep_edit_replaced(edit, &events->items[at], 1, ids);
    set_events(edit, span, jep_edit_replaced(edit, events, at, event));
    return true;
}

bool jep_break_watch_phantom(struct jep_history *history, uint64_t seed)
{
    return change_some_watch(history, seed, invent);
}

/* An acknowledgement that names another index than the feed. */
bool jep_break_watch_index(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *span = jep_edit_at(&edit, i);
        if (span->type == JEP_OK && jep_span_is(span, "append-commit")) {
            struct jep_edn index = jep_edn_int(span->value->items[0].integer + 1);
            jep_edit_value(&edit, span, jep_edit_replaced(&edit, span->value, 0, index));
            is_found = true;
        }
    }
    jep_edit_end(&edit);
    return is_found;
}
