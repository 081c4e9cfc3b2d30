/* node/state/apply_parts.h: what the files of weft_state_apply share. Private to apply*.c. */
#ifndef WEFT_NODE_STATE_APPLY_PARTS_H
#define WEFT_NODE_STATE_APPLY_PARTS_H

#include "node/state/audit_acts.h"
#include "node/state/machine.h"
#include "node/state/redact.h"
#include "proto/entry.h"

/* One call of weft_state_apply. */
struct weft_apply {
    struct weft_state *state;
    struct weft_position position; /* Becomes the state's when the batch is written. */
    bool with_results;
    struct weft_arena *arena;
    struct weft_applied_item *items;
    uint32_t item_count;
    struct weft_msg *msg;
    /* Of the entry under way. */
    struct weft_sha256 chain;
    bool has_chain;
    uint32_t ordinal; /* Of the next record. */
    int64_t time_ns;
    const uint8_t *seed;
    bool is_alone;   /* In its batch: no other entry redacts, and the store has all before it. */
    bool may_redact; /* It is alone since it may hold a redaction. */
    bool has_redacted;
    /* Of the item under way. */
    struct weft_text principal;
    struct weft_redacted redacted;
    struct weft_ground ground;
};

/* The item is refused, with nothing changed. `present_rev` 0: not told. */
void weft_apply_refuse(struct weft_apply *a, struct weft_applied_item *item, enum weft_err err,
    const char *detail, const char *pointer, uint64_t present_rev);
/* WEFT_ENOMEM, with the entry under way in the message. */
enum weft_err weft_apply_no_memory(struct weft_apply *a);
struct weft_audit_acts weft_apply_acts(const struct weft_apply *a);

/* apply_check.c: may it be, and can it? Nothing is changed; *ret_ok false: the item is refused. The
 * permit first (NOD-145), then every precondition. *ret_names: where the records' assets stand in
 * weft_names, in the item's arena. */
WEFT_MUST_USE enum weft_err weft_apply_check_permit(struct weft_apply *a,
    const struct weft_commit *commit, const struct weft_entry_item *entry_item,
    struct weft_applied_item *item, bool *ret_ok);
WEFT_MUST_USE enum weft_err weft_apply_check_commit(struct weft_apply *a,
    const struct weft_commit *commit, struct weft_applied_item *item, uint32_t **ret_names,
    bool *ret_ok);
/* The commit with what follows from it (node/state/commands.h), in the item's arena; without, if
 * the state has no room for that. */
WEFT_MUST_USE enum weft_err weft_apply_follow(
    struct weft_apply *a, struct weft_commit *commit, uint32_t **names);

/* apply_stream.c: of agreements and their streams. An item; *ret_done false: it is refused. */
WEFT_MUST_USE enum weft_err weft_apply_stream(struct weft_apply *a,
    const struct weft_entry_item *entry_item, struct weft_applied_item *item, bool *ret_done);
/* A record was staged, with those previous statement and place. */
WEFT_MUST_USE enum weft_err weft_apply_export(struct weft_apply *a,
    const struct weft_record *record, const struct weft_statement_place *place,
    const struct weft_statement *statement, uint64_t asset);
/* What a redaction struck goes from streams too. */
WEFT_MUST_USE enum weft_err weft_apply_erase(
    struct weft_apply *a, const struct weft_redacted *redacted);
/* As weft_apply_check_commit, of agreements alone; and once the commit is accepted. */
WEFT_MUST_USE enum weft_err weft_apply_check_agreement(struct weft_apply *a,
    const struct weft_commit *commit, struct weft_applied_item *item, bool *ret_ok);
WEFT_MUST_USE enum weft_err weft_apply_accept_agreement(struct weft_apply *a);

#endif
