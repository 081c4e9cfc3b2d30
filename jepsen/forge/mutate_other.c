#include <string.h>

#include "jepsen/forge/edit.h"

/* --- set --------------------------------------------------------------------------------- */

static bool is_ok(const struct jep_span *span, const char *f)
{
    return span->type == JEP_OK && jep_span_is(span, f);
}

static size_t place_of(const struct jep_edn *sequence, const struct jep_edn *item)
{
    size_t i = 0;
    while (i < sequence->count && !jep_edn_equal(&sequence->items[i], item)) {
        i++;
    }
    return i;
}

/* Takes an acknowledged element out of reads that began after its add: of all, or of the first. */
static bool hide_element(struct jep_history *history, uint64_t seed, bool of_all)
{
    struct jep_edit edit;
    size_t hidden = 0;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && hidden == 0; i++) {
        const struct jep_span *add = jep_edit_at(&edit, i);
        size_t readers = 0;
        for (size_t r = 0; is_ok(add, "add") && r < edit.count; r++) {
            readers += is_ok(&edit.spans[r], "read") && jep_span_before(add, &edit.spans[r]);
        }
        for (size_t r = 0; is_ok(add, "add") && readers >= 2 && r < edit.count; r++) {
            const struct jep_span *read = &edit.spans[r];
            if (!is_ok(read, "read") || !jep_edit_has(read->value, &add->invoke->value) ||
                (!of_all && (hidden > 0 || !jep_span_before(add, read)))) {
                continue;
            }
            jep_edit_value(&edit, read,
                jep_edit_without(&edit, read->value, place_of(read->value, &add->invoke->value)));
            hidden++;
        }
    }
    jep_edit_end(&edit);
    return hidden > 0;
}

bool jep_break_set_lost(struct jep_history *history, uint64_t seed)
{
    return hide_element(history, seed, true);
}

bool jep_break_set_stale(struct jep_history *history, uint64_t seed)
{
    return hide_element(history, seed, false);
}

/* Gives some read of f one more item: item, or nil for one it has already. */
static bool add_to_read(
    struct jep_history *history, uint64_t seed, const char *f, bool is_keyed, struct jep_edn item)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *read = jep_edit_at(&edit, i);
        const struct jep_edn *items = is_keyed ? &read->value->items[1] : read->value;
        if (!is_ok(read, f) || items->count == 0) {
            continue;
        }
        struct jep_edn more = jep_edit_with(
            &edit, items, items->count, jep_edn_is_nil(&item) ? items->items[0] : item);
        more.type = JEP_EDN_VECTOR; /* a set that holds a thing twice cannot be written */
        jep_edit_value(
            &edit, read, is_keyed ? jep_edn_pair(edit.arena, read->value->items[0], more) : more);
        is_found = true;
    }
    jep_edit_end(&edit);
    return is_found;
}

bool jep_break_set_phantom(struct jep_history *history, uint64_t seed)
{
    return add_to_read(history, seed, "read", false, jep_edn_int(-77));
}

bool jep_break_set_duplicate(struct jep_history *history, uint64_t seed)
{
    return add_to_read(history, seed, "read", false, jep_edn_nil());
}

/* Something that was seen is said to have failed. item: what a read shows of it. */
static bool fail_seen(struct jep_history *history, uint64_t seed, const char *f,
    bool (*is_seen)(const struct jep_span *writer, const struct jep_span *reader))
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *writer = jep_edit_at(&edit, i);
        for (size_t r = 0; is_ok(writer, f) && r < edit.count && !is_found; r++) {
            if (edit.spans[r].type == JEP_OK && is_seen(writer, &edit.spans[r])) {
                edit.history->ops[writer->end->index].value = writer->invoke->value;
                jep_edit_type(&edit, writer, JEP_FAIL);
                is_found = true;
            }
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

static bool is_element_seen(const struct jep_span *writer, const struct jep_span *reader)
{
    return jep_span_is(reader, "read") && jep_edit_has(reader->value, &writer->invoke->value);
}

bool jep_break_set_failed_but_seen(struct jep_history *history, uint64_t seed)
{
    return fail_seen(history, seed, "add", is_element_seen);
}

/* --- bank -------------------------------------------------------------------------------- */

/* Whether no transfer of the account was under way, or in doubt, while the span lasted. */
static bool is_quiet(
    const struct jep_edit *edit, const struct jep_span *span, const struct jep_edn *account)
{
    for (size_t i = 0; i < edit->count; i++) {
        const struct jep_span *other = &edit->spans[i];
        if (other->type != JEP_FAIL && jep_span_is(other, "transfer") &&
            jep_span_from(other) < jep_span_until(span) && !jep_span_before(other, span) &&
            (jep_edn_equal(jep_edn_get(&other->invoke->value, "from"), account) ||
                jep_edn_equal(jep_edn_get(&other->invoke->value, "to"), account))) {
            return false;
        }
    }
    return true;
}

enum movement {
    VANISHES, /* from one account to none */
    IS_MOVED, /* between two accounts whose balances are certain */
    OVERDRAWS /* more than there is */
};

static bool move_in(struct jep_edit *edit, const struct jep_span *read, enum movement movement)
{
    const struct jep_edn *items = read->value->items;
    uint32_t count = read->value->count, first = (uint32_t)jep_rng_below(&edit->rng, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t from = (first + i) % count, to = (from + 1) % count;
        int64_t source = items[2 * from + 1].integer, target = items[2 * to + 1].integer;
        int64_t moved = movement == OVERDRAWS ? source + 1 : 1;
        if ((movement != OVERDRAWS && source < moved) ||
            (movement == IS_MOVED && !is_quiet(edit, read, &items[2 * from]))) {
            continue;
        }
        struct jep_edn map =
            jep_edit_replaced(edit, read->value, 2 * from + 1, jep_edn_int(source - moved));
        map = jep_edit_replaced(
            edit, &map, 2 * to + 1, jep_edn_int(target + (movement == VANISHES ? 0 : moved)));
        jep_edit_value(edit, read, map);
        return true;
    }
    return false;
}

static bool move(struct jep_history *history, uint64_t seed, enum movement movement)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *read = jep_edit_at(&edit, i);
        /* The first read is what the others are compared with. */
        is_found = is_ok(read, "read") && read->end->index != 1 && move_in(&edit, read, movement);
    }
    jep_edit_end(&edit);
    return is_found;
}

bool jep_break_bank_torn(struct jep_history *history, uint64_t seed)
{
    return move(history, seed, VANISHES);
}

bool jep_break_bank_lost_transfer(struct jep_history *history, uint64_t seed)
{
    return move(history, seed, IS_MOVED);
}

bool jep_break_bank_negative(struct jep_history *history, uint64_t seed)
{
    return move(history, seed, OVERDRAWS);
}

bool jep_break_bank_missing(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *read = jep_edit_at(&edit, i);
        if (is_ok(read, "read") && read->end->index != 1) {
            struct jep_edn map = *read->value;
            map.count--;
            jep_edit_value(&edit, read, map);
            is_found = true;
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

/* --- counter ----------------------------------------------------------------------------- */

/* A read one below, or above, all that could be. */
static bool shift(struct jep_history *history, uint64_t seed, bool is_up)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *read = jep_edit_at(&edit, i);
        int64_t low = 0, high = 0;
        for (size_t a = 0; is_ok(read, "read") && a < edit.count; a++) {
            const struct jep_span *add = &edit.spans[a];
            if (jep_span_is(add, "add") && add->type != JEP_FAIL &&
                jep_span_from(add) < jep_span_until(read)) {
                high += add->invoke->value.integer;
                low += jep_span_before(add, read) ? add->invoke->value.integer : 0;
            }
        }
        if (is_ok(read, "read") && low > 0) {
            jep_edit_value(&edit, read, jep_edn_int(is_up ? high + 1 : low - 1));
            is_found = true;
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

bool jep_break_counter_lost(struct jep_history *history, uint64_t seed)
{
    return shift(history, seed, false);
}

bool jep_break_counter_twice(struct jep_history *history, uint64_t seed)
{
    return shift(history, seed, true);
}

/* --- as-of ------------------------------------------------------------------------------- */

/* Of a question that was asked more than once, one answer is another. */
bool jep_break_as_of_changed(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *one = jep_edit_at(&edit, i);
        for (size_t j = 0; is_ok(one, "as-of") && j < edit.count && !is_found; j++) {
            const struct jep_span *other = &edit.spans[j];
            const struct jep_edn *a = one->value->items, *b = other->value->items;
            if (other != one && is_ok(other, "as-of") && jep_edn_equal(&a[0], &b[0]) &&
                jep_edn_equal(&a[1], &b[1]) && jep_edn_is_int(&a[2])) {
                jep_edit_value(
                    &edit, one, jep_edit_replaced(&edit, one->value, 2, jep_edn_keyword("absent")));
                is_found = true;
            }
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

bool jep_break_as_of_phantom(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *one = jep_edit_at(&edit, i);
        if (is_ok(one, "as-of")) {
            jep_edit_value(&edit, one, jep_edit_replaced(&edit, one->value, 2, jep_edn_int(-77)));
            is_found = true;
        }
    }
    jep_edit_end(&edit);
    return is_found;
}

/* --- lineage ----------------------------------------------------------------------------- */

static bool cut_trace(struct jep_history *history, uint64_t seed, bool is_whole)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *trace = jep_edit_at(&edit, i);
        bool is_known = !is_whole;
        for (size_t a = 0; is_ok(trace, "trace") && a < edit.count; a++) {
            const struct jep_span *assembly = &edit.spans[a];
            is_known =
                is_known || (is_ok(assembly, "assemble") && jep_span_before(assembly, trace) &&
                                jep_edn_equal(&assembly->value->items[0], &trace->value->items[0]));
        }
        if (!is_ok(trace, "trace") || trace->value->items[1].count < 2 || !is_known) {
            continue;
        }
        struct jep_edn rest = jep_edit_without(&edit, &trace->value->items[1], 0);
        rest.count = is_whole ? 0 : rest.count;
        jep_edit_value(&edit, trace, jep_edn_pair(edit.arena, trace->value->items[0], rest));
        is_found = true;
    }
    jep_edit_end(&edit);
    return is_found;
}

bool jep_break_lineage_half(struct jep_history *history, uint64_t seed)
{
    return cut_trace(history, seed, false);
}

bool jep_break_lineage_vanished(struct jep_history *history, uint64_t seed)
{
    return cut_trace(history, seed, true);
}

bool jep_break_lineage_phantom(struct jep_history *history, uint64_t seed)
{
    return add_to_read(history, seed, "trace", true, jep_edn_int(-77));
}

static bool is_assembly_seen(const struct jep_span *writer, const struct jep_span *reader)
{
    return jep_span_is(reader, "trace") &&
           jep_edit_has(&reader->value->items[1], &writer->invoke->value.items[1].items[0]);
}

bool jep_break_lineage_failed_but_seen(struct jep_history *history, uint64_t seed)
{
    return fail_seen(history, seed, "assemble", is_assembly_seen);
}

static bool is_commit_seen(const struct jep_span *writer, const struct jep_span *reader)
{
    const struct jep_edn *events = jep_edn_get(reader->value, "events");
    for (uint32_t i = 0; events != NULL && i < events->count; i++) {
        if (jep_edit_has(&events->items[i].items[1], &writer->invoke->value)) {
            return true;
        }
    }
    return false;
}

bool jep_break_watch_failed_but_seen(struct jep_history *history, uint64_t seed)
{
    return fail_seen(history, seed, "append-commit", is_commit_seen);
}

/* --- digest ------------------------------------------------------------------------------ */

bool jep_break_digest(struct jep_history *history, uint64_t seed)
{
    struct jep_edit edit;
    bool is_found = false;
    jep_edit_begin(&edit, history, seed);
    for (size_t i = 0; i < edit.count && !is_found; i++) {
        const struct jep_span *span = jep_edit_at(&edit, i);
        if (is_ok(span, "digest") && span->value->count >= 2) {
            /* The first two nodes of the model stand at one index. */
            struct jep_edn pair =
                jep_edn_pair(edit.arena, span->value->items[1].items[0], jep_edn_string("broken"));
            jep_edit_value(&edit, span, jep_edit_replaced(&edit, span->value, 1, pair));
            is_found = true;
        }
    }
    jep_edit_end(&edit);
    return is_found;
}
