/* jepsen/forge/edit.h: what the mutations (mutate_*.c) share: a history with its spans at hand,
 * candidates drawn by seed, values put back. */
#ifndef WEFT_JEPSEN_FORGE_EDIT_H
#define WEFT_JEPSEN_FORGE_EDIT_H

#include "jepsen/check/span.h"
#include "jepsen/core/rng.h"
#include "jepsen/forge/forge.h"

struct jep_edit {
    struct jep_history *history;
    struct jep_arena *arena;
    struct jep_rng rng;
    struct jep_span *spans;
    size_t count;
    size_t *order; /* of spans, by chance */
};

void jep_edit_begin(struct jep_edit *edit, struct jep_history *history, uint64_t seed);
void jep_edit_end(struct jep_edit *edit);

/* The spans by chance: the i-th of them. */
const struct jep_span *jep_edit_at(const struct jep_edit *edit, size_t i);
/* Gives the end of a call another value. */
void jep_edit_value(struct jep_edit *edit, const struct jep_span *span, struct jep_edn value);
void jep_edit_type(struct jep_edit *edit, const struct jep_span *span, enum jep_op_type type);
/* A copy of a sequence without its item at, and with one more at that place. */
struct jep_edn jep_edit_without(struct jep_edit *edit, const struct jep_edn *sequence, size_t at);
struct jep_edn jep_edit_with(
    struct jep_edit *edit, const struct jep_edn *sequence, size_t at, struct jep_edn item);
/* A copy of a sequence or map with the item replaced (of a map: items[at], keys count too). */
struct jep_edn jep_edit_replaced(
    struct jep_edit *edit, const struct jep_edn *sequence, size_t at, struct jep_edn item);
bool jep_edit_has(const struct jep_edn *sequence, const struct jep_edn *item);

/* Each takes the history apart, breaks one thing and returns whether it found a place. */
typedef bool jep_break(struct jep_history *history, uint64_t seed);

jep_break jep_break_stale_read, jep_break_lost_write, jep_break_dirty_read, jep_break_phantom_read,
    jep_break_future_read, jep_break_empty_read, jep_break_nil_read, jep_break_wrong_cas,
    jep_break_failed_but_seen;
jep_break jep_break_append_lost, jep_break_append_stale, jep_break_append_aborted,
    jep_break_append_intermediate, jep_break_append_order, jep_break_append_duplicate,
    jep_break_append_phantom, jep_break_append_internal, jep_break_append_failed_but_seen,
    jep_break_write_skew, jep_break_lost_update, jep_break_dirty_write, jep_break_circular_flow,
    jep_break_fractured_read, jep_break_long_fork;
jep_break jep_break_set_lost, jep_break_set_stale, jep_break_set_phantom, jep_break_set_duplicate,
    jep_break_set_failed_but_seen;
jep_break jep_break_bank_torn, jep_break_bank_lost_transfer, jep_break_bank_negative,
    jep_break_bank_missing;
jep_break jep_break_counter_lost, jep_break_counter_twice;
jep_break jep_break_watch_gap, jep_break_watch_twice, jep_break_watch_order,
    jep_break_watch_disagree, jep_break_watch_phantom, jep_break_watch_index,
    jep_break_watch_failed_but_seen;
jep_break jep_break_as_of_changed, jep_break_as_of_phantom;
jep_break jep_break_lineage_half, jep_break_lineage_vanished, jep_break_lineage_phantom,
    jep_break_lineage_failed_but_seen;
jep_break jep_break_digest;
jep_break jep_break_no_evidence, jep_break_too_few;

#endif
