#include "jepsen/check/linear.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/configs.h"
#include "jepsen/core/arena.h"

/* A register is worth little to a search that does not know what a register is. Four rules, each of
 * which keeps an answer exact (tests/unit/jepsen/check compares with every permutation):
 *
 * JEP-11 (drop) What is unknown and whose value nobody saw or expected need not have happened: take
 *   it out of any explanation, and the explanation still holds.
 * JEP-12 (see early) A pending read of the present value takes effect at once: it changes nothing,
 *   and a configuration that owes less can do all that one that owes more can.
 * JEP-13 (lock) A value that only one operation can write does not come again. While reads of it
 *   are still to be invoked, or an operation that must have happened expects it, it is not left.
 * JEP-14 (hide) A pending write of a value that nobody will ask for any more, all its reads being
 *   pending and nobody expecting it, takes effect with those reads just before any other write:
 *   nothing later can tell, and it is off the list. As a state such a value is as good as any. */

#define GONE (UINT32_MAX - 1) /* state: a value that nobody will ever ask for */

struct value {
    uint32_t writers;       /* operations that may write it, the initial value is one */
    uint32_t observers;     /* reads and compare-and-sets that need it */
    uint32_t reads_ahead;   /* reads of it that are still to be invoked */
    uint32_t expected_left; /* compare-and-sets that expect it and are not yet behind */
    uint32_t must_left;     /* those of them that certainly happened */
};

struct pending {
    uint32_t op;
    bool is_used;
    uint32_t twin; /* slot + 1 of an optional one that does the same and goes first */
};

struct search {
    const struct jep_linear_history *history;
    struct jep_limits *limits;
    struct value *values;
    bool *is_dropped;
    bool *is_certain; /* happened, although its end is unknown */
    uint32_t *slot_of;
    struct pending pending[JEP_LINEAR_PENDING_MAX];
    size_t pending_end; /* slots in use lie below */
    size_t open_pending;
    size_t words;
    struct jep_configs now;  /* explain all that lies behind */
    struct jep_configs next; /* being made */
    struct jep_configs seen; /* looked at on the way from now to next */
    uint64_t *optional;      /* pending operations that need not have happened */
    uint64_t *mask;          /* scratch */
    struct jep_linear_answer *answer;
};

static bool is_single(const struct search *search, uint32_t value)
{
    return search->values[value].writers == 1;
}

static bool get_bit(const uint64_t *mask, size_t slot)
{
    return (mask[slot / 64] >> (slot % 64) & 1u) != 0;
}

static void set_bit(uint64_t *mask, size_t slot)
{
    mask[slot / 64] |= (uint64_t)1 << (slot % 64);
}

/* --- Before the search: who writes what, what can be dropped (JEP-11), what is certain. --- */

static bool is_open(const struct jep_linear_op *op)
{
    return op->end == JEP_LINEAR_OPEN;
}

static void drop_unseen(struct search *search)
{
    const struct jep_linear_history *history = search->history;
    bool is_changed = true;
    while (is_changed) { /* a dropped compare-and-set no longer expects: once more */
        is_changed = false;
        for (size_t i = history->count; i-- > 0;) {
            const struct jep_linear_op *op = &history->ops[i];
            if (search->is_dropped[i] || !is_open(op) || search->values[op->value].observers > 0) {
                continue;
            }
            search->is_dropped[i] = true;
            search->answer->dropped++;
            search->values[op->value].writers--;
            if (op->kind == JEP_LINEAR_CAS) {
                search->values[op->expected].observers--;
                search->values[op->expected].expected_left--;
                is_changed = true;
            }
        }
    }
}

/* An unknown write is certain if it is the only one of a value that a certain operation saw. */
static void find_certain(struct search *search)
{
    const struct jep_linear_history *history = search->history;
    bool *is_needed = jep_alloc(history->values_count, sizeof(*is_needed));
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_linear_op *op = &history->ops[i];
        search->is_certain[i] = !is_open(op);
        if (!is_open(op) && op->kind != JEP_LINEAR_WRITE) {
            is_needed[op->kind == JEP_LINEAR_READ ? op->value : op->expected] = true;
        }
    }
    bool is_changed = true;
    while (is_changed) {
        is_changed = false;
        for (size_t i = history->count; i-- > 0;) {
            const struct jep_linear_op *op = &history->ops[i];
            if (!search->is_certain[i] && !search->is_dropped[i] && is_needed[op->value] &&
                is_single(search, op->value)) {
                search->is_certain[i] = true;
                if (op->kind == JEP_LINEAR_CAS && !is_needed[op->expected]) {
                    is_needed[op->expected] = true;
                    is_changed = true;
                }
            }
        }
    }
    for (size_t i = 0; i < history->count; i++) {
        if (history->ops[i].kind == JEP_LINEAR_CAS && search->is_certain[i]) {
            search->values[history->ops[i].expected].must_left++;
        }
    }
    free(is_needed);
}

static void count_values(struct search *search)
{
    const struct jep_linear_history *history = search->history;
    search->values[history->initial].writers = 1;
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_linear_op *op = &history->ops[i];
        if (op->kind == JEP_LINEAR_READ) {
            search->values[op->value].observers++;
            search->values[op->value].reads_ahead++;
            continue;
        }
        search->values[op->value].writers++;
        if (op->kind == JEP_LINEAR_CAS) {
            search->values[op->expected].observers++;
            search->values[op->expected].expected_left++;
        }
    }
    drop_unseen(search);
    find_certain(search);
}

/* --- Steps of the search. --- */

static uint32_t settle(const struct search *search, uint32_t state)
{
    if (state != GONE && search->values[state].reads_ahead == 0 &&
        search->values[state].expected_left == 0) {
        return GONE; /* JEP-14 */
    }
    return state;
}

/* JEP-12 */
static void see(const struct search *search, uint32_t state, uint64_t *mask)
{
    for (size_t slot = 0; slot < search->pending_end; slot++) {
        if (search->pending[slot].is_used) {
            const struct jep_linear_op *op = &search->history->ops[search->pending[slot].op];
            if (op->kind == JEP_LINEAR_READ && op->value == state) {
                set_bit(mask, slot);
            }
        }
    }
}

/* Whether a pending read still waits for the value. */
static bool is_wanted(const struct search *search, uint32_t value, const uint64_t *mask)
{
    for (size_t slot = 0; slot < search->pending_end; slot++) {
        if (search->pending[slot].is_used && !get_bit(mask, slot)) {
            const struct jep_linear_op *op = &search->history->ops[search->pending[slot].op];
            if (op->kind == JEP_LINEAR_READ && op->value == value) {
                return true;
            }
        }
    }
    return false;
}

/* What need not have happened, and whose value nobody asks for, is left alone (JEP-11 once more).
 */
static bool is_useless(const struct search *search, size_t slot, const uint64_t *mask)
{
    uint32_t value = search->history->ops[search->pending[slot].op].value;
    return get_bit(search->optional, slot) && settle(search, value) == GONE &&
           !is_wanted(search, value, mask);
}

/* JEP-14 */
static void hide(const struct search *search, uint64_t *mask)
{
    for (size_t slot = 0; slot < search->pending_end; slot++) {
        if (!search->pending[slot].is_used || get_bit(mask, slot)) {
            continue;
        }
        const struct jep_linear_op *op = &search->history->ops[search->pending[slot].op];
        if (op->kind == JEP_LINEAR_WRITE && settle(search, op->value) == GONE &&
            !is_useless(search, slot, mask)) {
            set_bit(mask, slot);
            see(search, op->value, mask);
        }
    }
}

/* JEP-13 */
static bool may_leave(const struct search *search, uint32_t state, bool by_expecting)
{
    if (state == GONE || !is_single(search, state)) {
        return true;
    }
    return search->values[state].reads_ahead == 0 &&
           (by_expecting || search->values[state].must_left == 0);
}

/* Fills search->mask and the state with what follows when the operation in slot takes effect. */
static bool take_effect(
    struct search *search, uint32_t state, const uint64_t *mask, size_t slot, uint32_t *ret_state)
{
    const struct jep_linear_op *op = &search->history->ops[search->pending[slot].op];
    bool is_cas = op->kind == JEP_LINEAR_CAS;
    if (op->kind == JEP_LINEAR_READ || !may_leave(search, state, is_cas) ||
        (is_cas && state != op->expected)) {
        return false; /* a read of the present value has taken effect already */
    }
    uint32_t twin = search->pending[slot].twin;
    if ((twin != 0 && !get_bit(mask, twin - 1)) || is_useless(search, slot, mask)) {
        return false;
    }
    memcpy(search->mask, mask, search->words * sizeof(*mask));
    set_bit(search->mask, slot);
    if (!is_cas) {
        hide(search, search->mask);
    }
    see(search, op->value, search->mask);
    *ret_state = settle(search, op->value);
    return true;
}

static bool has_room(struct search *search)
{
    size_t bytes = jep_configs_bytes(&search->now) + jep_configs_bytes(&search->next) +
                   jep_configs_bytes(&search->seen);
    if (bytes > search->limits->memory_bytes) {
        search->answer->limit = "memory";
        return false;
    }
    return true;
}

/* Every configuration from which the operation in slot has taken effect goes to next. */
static bool reach(struct search *search, size_t slot)
{
    size_t words = search->words;
    jep_configs_clear(&search->next);
    jep_configs_clear(&search->seen);
    for (size_t i = 0; i < search->now.count; i++) {
        const uint64_t *mask = search->now.masks + i * words;
        struct jep_configs *into = get_bit(mask, slot) ? &search->next : &search->seen;
        (void)jep_configs_add(
            into, search->optional, search->now.states[i], search->now.shown[i], mask);
    }
    for (size_t i = 0; i < search->seen.count; i++) {
        for (size_t other = 0; other < search->pending_end; other++) {
            if (!search->pending[other].is_used || get_bit(search->seen.masks + i * words, other)) {
                continue;
            }
            uint32_t state = 0;
            if (!take_effect(search, search->seen.states[i], search->seen.masks + i * words, other,
                    &state)) {
                continue;
            }
            uint32_t shown = search->history->ops[search->pending[other].op].value;
            struct jep_configs *into = get_bit(search->mask, slot) ? &search->next : &search->seen;
            if (jep_configs_add(into, search->optional, state, shown, search->mask)) {
                search->answer->looked_at++;
            }
        }
        if (!jep_limits_step(search->limits, 1)) {
            search->answer->limit = jep_limits_reached(search->limits);
            return false;
        }
        if (i % 1024 == 0 && !has_room(search)) {
            return false;
        }
    }
    return true;
}

/* Takes slots out of every configuration: what they held is behind all of them. */
static void release(struct search *search, const uint64_t *gone)
{
    size_t words = search->words;
    jep_configs_clear(&search->now);
    for (size_t i = 0; i < search->next.count; i++) {
        for (size_t word = 0; word < words; word++) {
            search->mask[word] = search->next.masks[i * words + word] & ~gone[word];
        }
        uint32_t state = settle(search, search->next.states[i]);
        (void)jep_configs_add(
            &search->now, search->optional, state, search->next.shown[i], search->mask);
    }
    if (search->now.count > search->answer->width) {
        search->answer->width = (uint32_t)search->now.count;
    }
}

static bool does_same(const struct search *search, size_t slot, size_t other)
{
    const struct jep_linear_op *a = &search->history->ops[search->pending[slot].op];
    const struct jep_linear_op *b = &search->history->ops[search->pending[other].op];
    return a->kind == b->kind && a->value == b->value &&
           (a->kind != JEP_LINEAR_CAS || a->expected == b->expected);
}

/* JEP-20. Of optional operations that do the same, the one in the lower slot goes first: it does
 * not matter which. Called when an optional one comes or goes. */
static void find_twins(struct search *search)
{
    for (size_t slot = 0; slot < search->pending_end; slot++) {
        search->pending[slot].twin = 0;
        for (size_t other = 0; other < slot && get_bit(search->optional, slot); other++) {
            if (get_bit(search->optional, other) && does_same(search, slot, other)) {
                search->pending[slot].twin = (uint32_t)other + 1;
            }
        }
    }
}

static void leave_slot(struct search *search, size_t slot)
{
    const struct jep_linear_op *op = &search->history->ops[search->pending[slot].op];
    if (op->kind == JEP_LINEAR_CAS) {
        struct value *expected = &search->values[op->expected];
        expected->expected_left--;
        expected->must_left -= search->is_certain[search->pending[slot].op] ? 1 : 0;
    }
    search->open_pending -= is_open(op) ? 1 : 0;
    search->pending[slot].is_used = false;
    while (search->pending_end > 0 && !search->pending[search->pending_end - 1].is_used) {
        search->pending_end--;
    }
    if (get_bit(search->optional, slot)) {
        search->optional[slot / 64] &= ~((uint64_t)1 << (slot % 64));
        find_twins(search);
    }
}

static void show_states(const struct jep_configs *set, struct jep_linear_answer *answer)
{
    answer->states_count = 0;
    for (size_t i = 0; i < set->count; i++) {
        bool is_new = answer->states_count < JEP_LINEAR_STATES_SHOWN;
        for (size_t j = 0; j < answer->states_count && is_new; j++) {
            is_new = answer->states[j] != set->shown[i];
        }
        if (is_new) {
            answer->states[answer->states_count++] = set->shown[i];
        }
    }
}

/* The operation has ended: it is behind every configuration, or there is none. */
static bool end_op(struct search *search, uint32_t number)
{
    size_t slot = search->slot_of[number];
    uint64_t gone[JEP_LINEAR_PENDING_MAX / 64] = {0};
    if (!reach(search, slot)) {
        search->answer->verdict = JEP_UNKNOWN;
        return false;
    }
    if (search->next.count == 0) {
        search->answer->verdict = JEP_INVALID;
        search->answer->failing = number;
        return false;
    }
    set_bit(gone, slot);
    leave_slot(search, slot);
    for (size_t other = 0; other < search->pending_end && search->open_pending > 0; other++) {
        if (!search->pending[other].is_used ||
            !is_open(&search->history->ops[search->pending[other].op])) {
            continue;
        }
        bool is_behind = true;
        for (size_t i = 0; i < search->next.count && is_behind; i++) {
            is_behind = get_bit(search->next.masks + i * search->words, other);
        }
        if (is_behind) {
            set_bit(gone, other);
            leave_slot(search, other);
        }
    }
    release(search, gone);
    return true;
}

static bool begin_op(struct search *search, uint32_t number)
{
    const struct jep_linear_op *op = &search->history->ops[number];
    size_t slot = 0;
    while (slot < search->pending_end && search->pending[slot].is_used) {
        slot++;
    }
    if (slot == JEP_LINEAR_PENDING_MAX) {
        search->answer->verdict = JEP_UNKNOWN;
        search->answer->limit = "pending operations";
        return false;
    }
    if (slot / 64 >= search->words) {
        search->words++;
        jep_configs_widen(&search->now, search->words);
        jep_configs_widen(&search->next, search->words);
        jep_configs_widen(&search->seen, search->words);
    }
    search->pending[slot] = (struct pending){.op = number, .is_used = true};
    search->pending_end = slot >= search->pending_end ? slot + 1 : search->pending_end;
    search->open_pending += is_open(op) ? 1 : 0;
    search->slot_of[number] = (uint32_t)slot;
    if (!search->is_certain[number]) {
        set_bit(search->optional, slot);
        find_twins(search);
    }
    if (op->kind != JEP_LINEAR_READ) {
        return true;
    }
    search->values[op->value].reads_ahead--;
    for (size_t i = 0; i < search->now.count;
         i++) { /* the set is made anew before it is searched */
        if (search->now.states[i] == op->value) {
            set_bit(search->now.masks + i * search->words, slot);
            search->now.states[i] = settle(search, op->value);
        }
    }
    return true;
}

struct event {
    uint32_t position;
    uint32_t op;
    bool is_end;
};

static int by_position(const void *a, const void *b)
{
    const struct event *one = a, *other = b;
    return (one->position > other->position) - (one->position < other->position);
}

static size_t list_events(const struct search *search, struct event *events)
{
    size_t count = 0;
    for (size_t i = 0; i < search->history->count; i++) {
        const struct jep_linear_op *op = &search->history->ops[i];
        if (!search->is_dropped[i]) {
            events[count++] = (struct event){op->invoke, (uint32_t)i, false};
            if (!is_open(op)) {
                events[count++] = (struct event){op->end, (uint32_t)i, true};
            }
        }
    }
    qsort(events, count, sizeof(*events), by_position);
    return count;
}

static void run(const struct jep_linear_history *history, struct jep_limits *limits,
    struct jep_linear_answer *ret_answer)
{
    *ret_answer = (struct jep_linear_answer){.verdict = JEP_VALID};
    struct search *search = jep_alloc(1, sizeof(*search));
    search->history = history;
    search->limits = limits;
    search->answer = ret_answer;
    search->values = jep_alloc(history->values_count, sizeof(*search->values));
    search->is_dropped = jep_alloc(history->count, sizeof(*search->is_dropped));
    search->is_certain = jep_alloc(history->count, sizeof(*search->is_certain));
    search->slot_of = jep_alloc(history->count, sizeof(*search->slot_of));
    search->mask = jep_alloc(JEP_LINEAR_PENDING_MAX / 64, sizeof(*search->mask));
    search->optional = jep_alloc(JEP_LINEAR_PENDING_MAX / 64, sizeof(*search->optional));
    search->words = search->now.words = search->next.words = search->seen.words = 1;
    count_values(search);
    struct event *events = jep_alloc(history->count * 2, sizeof(*events));
    size_t count = list_events(search, events);
    (void)jep_configs_add(&search->now, search->optional, settle(search, history->initial),
        history->initial, search->mask);
    bool is_going = true;
    for (size_t i = 0; i < count && is_going; i++) {
        is_going = events[i].is_end ? end_op(search, events[i].op) : begin_op(search, events[i].op);
    }
    if (is_going) {
        show_states(&search->now, ret_answer);
    }
    free(events);
    jep_configs_free(&search->now);
    jep_configs_free(&search->next);
    jep_configs_free(&search->seen);
    free(search->mask);
    free(search->optional);
    free(search->slot_of);
    free(search->is_certain);
    free(search->is_dropped);
    free(search->values);
    free(search);
}

/* The history as it stood when position was the last that had happened. */
static struct jep_linear_history cut(const struct jep_linear_history *history, uint32_t position,
    struct jep_linear_op *ops, uint32_t *numbers)
{
    struct jep_linear_history before = *history;
    before.ops = ops;
    before.count = 0;
    for (size_t i = 0; i < history->count && history->ops[i].invoke <= position; i++) {
        struct jep_linear_op op = history->ops[i];
        if (op.end > position) {
            op.end = JEP_LINEAR_OPEN;
            if (op.kind == JEP_LINEAR_READ) {
                continue;
            }
        }
        numbers[before.count] = (uint32_t)i;
        ops[before.count++] = op;
    }
    return before;
}

/* JEP-13 looks ahead and so fails early. The operation to name is the one whose end nothing
 * explains any more: prefixes of a linearizable history are linearizable, so it is searched for by
 * halves. ends: positions of ends, rising; what stood at ends[low - 1] was good. */
static void locate(const struct jep_linear_history *history, struct jep_limits *limits,
    const uint32_t *ends, size_t low, size_t high, struct jep_linear_answer *answer)
{
    struct jep_linear_op *ops = jep_alloc(history->count, sizeof(*ops));
    uint32_t *numbers = jep_alloc(history->count, sizeof(*numbers));
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct jep_linear_history before = cut(history, ends[middle], ops, numbers);
        struct jep_linear_answer there;
        run(&before, limits, &there);
        if (there.verdict == JEP_INVALID) {
            high = middle;
        } else {
            low = middle + 1; /* or a limit: then a later one is named, which is not wrong either */
        }
    }
    struct jep_linear_history before = cut(history, low > 0 ? ends[low - 1] : 0, ops, numbers);
    struct jep_linear_answer there;
    run(&before, limits, &there);
    memcpy(answer->states, there.states, sizeof(there.states));
    answer->states_count = there.states_count;
    for (size_t i = 0; i < history->count; i++) {
        if (history->ops[i].end == ends[low]) {
            answer->failing = (uint32_t)i;
        }
    }
    free(numbers);
    free(ops);
}

static int by_number(const void *a, const void *b)
{
    const uint32_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

void jep_linear_check(const struct jep_linear_history *history, struct jep_limits *limits,
    struct jep_linear_answer *ret_answer)
{
    run(history, limits, ret_answer);
    if (ret_answer->verdict != JEP_INVALID) {
        return;
    }
    uint32_t *ends = jep_alloc(history->count, sizeof(*ends));
    size_t count = 0, low = 0;
    for (size_t i = 0; i < history->count; i++) {
        if (!is_open(&history->ops[i])) {
            ends[count++] = history->ops[i].end;
        }
    }
    qsort(ends, count, sizeof(*ends), by_number);
    while (ends[low] < history->ops[ret_answer->failing].end) {
        low++;
    }
    locate(history, limits, ends, low, count - 1, ret_answer);
    free(ends);
}
