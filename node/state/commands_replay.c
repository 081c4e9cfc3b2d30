/* Commands made again from their records, for the offline check: by the code that made them, in
 * memory, beside a store that is at the end of it all. What ended is put out when it has, the rest
 * when all records are through; so what is made is what the store has to hold. */
#include <stdlib.h>

#include "node/state/audit_read.h"
#include "node/state/commands_parts.h"
#include "proto/check.h"

void weft_commands_begin_replay(struct weft_commands *c)
{
    c->is_replay = true;
}

/* By whose leaf the last stage or intent is proved: of the store, if the audit log has it there. */
static enum weft_err read_leaf(
    struct weft_commands *c, struct weft_command_live *live, struct weft_msg *msg)
{
    struct weft_store_value stored = {.handle = NULL};
    struct weft_command_value value = {.leaf = 0};
    struct weft_audit_reader reader;
    struct weft_buffer leaves = {0};
    struct weft_audit_leaf leaf;
    struct weft_bytes rest, one = {NULL, 0};
    char subject[WEFT_COMMAND_SUBJECT_SIZE];
    struct weft_key key = weft_key_command(live->id, 0);
    enum weft_err err = weft_store_get(c->store, NULL, &key, &stored, msg);
    if (err == WEFT_OK) {
        err = weft_command_value_decode(stored.bytes, &value);
    }
    weft_store_release(&stored);
    live->value.leaf = value.leaf;
    if (err != WEFT_OK || weft_fence_is_none(&live->value.machine.fence)) {
        return err == WEFT_EIO || err == WEFT_ENOMEM ? err : WEFT_OK; /* The sums will tell. */
    }
    weft_command_subject(live->id, subject);
    weft_audit_reader_init(&reader, c->store, NULL);
    err = weft_audit_read_leaves(&reader, value.leaf, 1, &leaves, msg);
    rest = (struct weft_bytes){leaves.data, leaves.size};
    if (err == WEFT_OK) {
        err = weft_bundle_next(&rest, &one);
    }
    if (err == WEFT_OK) {
        err =
            weft_audit_leaf_parse((struct weft_text){(const char *)one.data, one.size}, &leaf, msg);
    }
    if (err == WEFT_OK &&
        (!weft_text_is(leaf.subject, subject) || leaf.index != live->value.machine.fence.index ||
            leaf.term != live->value.machine.fence.term)) {
        err = weft_fail(msg, WEFT_ECORRUPT, "leaf %llu of the audit log is not of the intent of %s",
            (unsigned long long)value.leaf, subject);
    }
    weft_buffer_destroy(&leaves);
    weft_audit_reader_close(&reader);
    return err;
}

static enum weft_err put_live(struct weft_commands *c, struct weft_command_live *live,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    enum weft_err err = read_leaf(c, live, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_buffer_clear(&c->value);
    if (weft_command_value_encode(&live->value, &c->value) != WEFT_OK) {
        return weft_fail(msg, WEFT_ENOMEM, "make a command again");
    }
    struct weft_key key = weft_key_command(live->id, 0);
    weft_store_batch_put(batch, &key, c->value.data, c->value.size);
    weft_commands_is_put(c, live);
    return WEFT_OK;
}

enum weft_err weft_commands_replay(struct weft_commands *c, const struct weft_record *record,
    const struct weft_commands_place *place, struct weft_store_batch *batch, struct weft_msg *msg)
{
    const struct weft_commit commit = {.records = record, .record_count = 1};
    struct weft_refusal refusal;
    enum weft_policy_action action;
    weft_assert(c->is_replay); /* NOD-146 */
    if (!weft_commands_is_kind(record->kind)) {
        return WEFT_OK;
    }
    enum weft_err err = weft_commands_check(c, &commit, place, &refusal, &action, msg);
    if (err == WEFT_OK && refusal.err != WEFT_OK) {
        return weft_fail(msg, WEFT_ECORRUPT, "%.*s could not have been taken: %s",
            (int)record->asset.size, record->asset.data, refusal.detail.text);
    }
    return err == WEFT_OK ? weft_commands_accept(c, NULL, batch, msg) : err;
}

enum weft_err weft_commands_replay_settle(
    struct weft_commands *c, struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct weft_command_live *live;
    enum weft_err err = WEFT_OK;
    TAILQ_FOREACH(live, &c->ended, in_ended)
    {
        if (err == WEFT_OK && live->is_changed &&
            weft_command_state_is_end(live->value.machine.state) &&
            !weft_command_machine_holds(&live->value.machine)) {
            err = put_live(c, live, batch, msg);
        }
    }
    weft_commands_settle(c);
    return err;
}

enum weft_err weft_commands_replay_end(
    struct weft_commands *c, struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct weft_command_live *live;
    enum weft_err err = WEFT_OK;
    uint8_t number[8];
    TAILQ_FOREACH(live, &c->all, in_all)
    {
        if (err == WEFT_OK && live->is_changed) {
            err = put_live(c, live, batch, msg);
        }
    }
    for (uint32_t i = 0; i < c->seq_count; i++) {
        struct weft_key key = weft_key_seq(c->seqs[i].digest);
        weft_put_be64(number, c->seqs[i].seq);
        weft_store_batch_put(batch, &key, number, sizeof(number));
    }
    weft_envelopes_put(c->envelopes, batch);
    /* Channels, and how many are open, as apply puts them. */
    return err == WEFT_OK ? weft_commands_put(c, batch, msg) : err;
}
