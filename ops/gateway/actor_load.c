/* What a gateway knows again when it starts, and how it writes that down in fewer words. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/gateway/actor_parts.h"
#include "proto/check.h"

enum {
    SAVE_FRAME_SIZE = 256 * 1024, /* chosen: of a new journal */
};

/* A channel that the configuration does not have any more keeps what it knows: it may be back. */
static enum weft_err channel_of(struct weft_actor *actor, struct weft_text name,
    struct weft_actor_channel **ret_channel, struct weft_msg *msg)
{
    *ret_channel = weft_actor_find_channel(actor, name);
    if (*ret_channel != NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_actor_add_channel(actor, name, UINT64_MAX, msg);
    if (err != WEFT_OK) {
        return err == WEFT_EINVAL ? weft_wrap(msg, WEFT_EPEER, "the journal of another gateway")
                                  : err;
    }
    *ret_channel = weft_actor_find_channel(actor, name);
    (*ret_channel)->is_retired = true;
    return WEFT_OK;
}

static enum weft_err load_channel(
    struct weft_actor *actor, const struct weft_memo_channel *entry, struct weft_msg *msg)
{
    struct weft_actor_channel *channel = NULL;
    enum weft_err err = channel_of(actor, entry->name, &channel, msg);
    if (err != WEFT_OK) {
        return err;
    }
    channel->fence = entry->fence;
    channel->move_count = entry->move_count;
    memcpy(channel->moves_ns, entry->moves_ns, sizeof(channel->moves_ns));
    channel->has_safe = entry->has_safe;
    weft_buffer_clear(&channel->safe);
    return weft_buffer_text(&channel->safe, entry->safe);
}

/* The text of the newest command of a channel, for its outcomes; it goes with its last entry. */
static enum weft_err load_text(
    struct weft_actor_channel *channel, const struct weft_memo_command *entry)
{
    if (channel->job == NULL) {
        channel->job = calloc(1, sizeof(*channel->job));
        if (channel->job == NULL) {
            return WEFT_ENOMEM;
        }
    }
    struct weft_proof *proof = &channel->job->proof;
    bool is_its = proof->is_shadow == entry->is_shadow &&
                  memcmp(proof->command.id, entry->id, sizeof(entry->id)) == 0;
    if (entry->text.size == 0 && !is_its) {
        return WEFT_OK;
    }
    proof->is_shadow = entry->is_shadow;
    memcpy(proof->command.id, entry->id, sizeof(entry->id));
    weft_buffer_clear(&channel->job->bundle);
    return weft_buffer_text(&channel->job->bundle, entry->text);
}

static enum weft_err load_command(
    struct weft_actor *actor, const struct weft_memo_command *entry, struct weft_msg *msg)
{
    struct weft_actor_channel *channel = NULL;
    struct weft_ledger_item *item = NULL;
    enum weft_err err = channel_of(actor, entry->channel, &channel, msg);
    if (err == WEFT_OK) {
        /* No clock yet: nothing is forgotten. */
        err = weft_ledger_put(&actor->ledger, entry->id, entry->is_shadow, INT64_MIN / 2, &item);
    }
    if (err != WEFT_OK) {
        return err;
    }
    bool was_asked = item->state == WEFT_RECEIPT_STATE_NONE && !weft_fence_is_none(&item->asked);
    bool is_asked = entry->state == WEFT_RECEIPT_STATE_NONE && !weft_fence_is_none(&entry->asked);
    actor->asked_count = actor->asked_count - was_asked + is_asked;
    item->channel = (uint16_t)weft_actor_number(actor, channel);
    item->class = entry->class;
    item->state = entry->state;
    item->digest = entry->digest;
    item->fence = entry->fence;
    item->asked = entry->asked;
    item->at_ns = entry->at_ns;
    item->not_after_ns = entry->not_after_ns;
    return entry->state == WEFT_RECEIPT_STATE_NONE ? WEFT_OK : load_text(channel, entry);
}

static enum weft_err load_receipt(
    struct weft_actor *actor, const struct weft_memo_receipt *entry, struct weft_msg *msg)
{
    struct weft_actor_channel *channel = NULL;
    enum weft_err err = channel_of(actor, entry->channel, &channel, msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_outbox_receipt receipt = {.counter = entry->counter,
        .channel = weft_actor_number(actor, channel),
        .is_shadow = entry->is_shadow,
        .is_settled = entry->is_settled,
        .text = entry->text};
    memcpy(receipt.id, entry->id, sizeof(receipt.id));
    actor->receipt_counter =
        entry->counter > actor->receipt_counter ? entry->counter : actor->receipt_counter;
    return weft_outbox_add(&actor->outbox, &receipt);
}

static enum weft_err load_one(
    struct weft_actor *actor, const struct weft_memo *entry, struct weft_msg *msg)
{
    switch (entry->kind) {
    case WEFT_MEMO_CHANNEL:
        return load_channel(actor, &entry->channel, msg);
    case WEFT_MEMO_COMMAND:
        return load_command(actor, &entry->command, msg);
    case WEFT_MEMO_RECEIPT:
        return load_receipt(actor, &entry->receipt, msg);
    case WEFT_MEMO_SETTLED:
        (void)weft_outbox_settle(&actor->outbox, entry->settled);
        return WEFT_OK;
    }
    weft_unreachable("GW-6: an entry is of a kind that there is");
}

enum weft_err weft_actor_load(
    struct weft_actor *actor, struct weft_bytes frame, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && frame.size > 0) {
        struct weft_memo entry;
        err = weft_memo_decode(&frame, &entry, msg);
        if (err == WEFT_OK) {
            err = load_one(actor, &entry, msg);
        }
    }
    return err;
}

/* --- start ----------------------------------------------------------------------------------- */

/* GW-4: whether the machine was told, nobody knows; it is not told again. */
static enum weft_err give_up(struct weft_actor *actor, struct weft_ledger_item *item)
{
    struct weft_actor_channel *channel = &actor->channels[item->channel];
    struct weft_command_note command;
    const struct weft_actor_says says = {.outcome = WEFT_RECEIPT_UNKNOWN,
        .code = "restart",
        .detail = WEFT_TEXT("the gateway ended while it acted")};
    item->state = WEFT_RECEIPT_STATE_UNKNOWN;
    item->at_ns = actor->now_ns;
    enum weft_err err = weft_actor_put_command(actor, item, WEFT_TEXT(""));
    if (err == WEFT_OK) {
        err = weft_actor_put_receipt(actor, item, &item->fence, &says);
    }
    weft_actor_raise_alarm(actor, item->channel, "unknown", "the gateway ended while it acted");
    if (channel->job != NULL && !item->is_shadow &&
        weft_command_note_decode(weft_buffer_as_text(&channel->job->bundle), &command, NULL) ==
            WEFT_OK) {
        channel->wants_safe = command.is_safe_on_unknown;
    }
    return err;
}

/* Outcomes of what was done before, as long as they have time. */
static void resume(struct weft_actor *actor, struct weft_actor_channel *channel)
{
    struct weft_actor_job *job = channel->job;
    struct weft_command_note *command = &job->proof.command;
    if (weft_command_note_decode(weft_buffer_as_text(&job->bundle), command, NULL) != WEFT_OK) {
        weft_actor_end_job(channel);
        return;
    }
    struct weft_ledger_item *item =
        weft_ledger_find(&actor->ledger, command->id, job->proof.is_shadow);
    int64_t end_ns =
        item == NULL ? 0 : item->at_ns + (int64_t)weft_actor_measure_ms(command) * 1000000;
    if (item == NULL || item->state != WEFT_RECEIPT_STATE_DONE || end_ns <= actor->now_ns ||
        item->at_ns > actor->now_ns) {
        weft_actor_end_job(channel);
        return;
    }
    job->done_ns = weft_actor_whole_ms(item->at_ns);
    channel->stage = WEFT_ACTOR_MEASURING;
    channel->deadline_ms = actor->mono_ms + (uint64_t)(end_ns - actor->now_ns) / 1000000;
    channel->read_ms = actor->mono_ms;
}

enum weft_err weft_actor_start(
    struct weft_actor *actor, int64_t now_ns, uint64_t mono_ms, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    actor->now_ns = now_ns;
    actor->mono_ms = actor->plant_ms = mono_ms;
    for (uint32_t i = 0; i < actor->ledger.capacity && err == WEFT_OK; i++) {
        struct weft_ledger_item *item = &actor->ledger.items[i];
        if (item->is_used && item->state == WEFT_RECEIPT_STATE_BEGUN) {
            err = give_up(actor, item);
        }
    }
    for (uint32_t i = 0; i < actor->channel_count; i++) {
        if (actor->channels[i].job != NULL) {
            resume(actor, &actor->channels[i]);
        }
    }
    return err == WEFT_OK ? WEFT_OK : weft_fail(msg, err, "start from the journal");
}

/* --- save ------------------------------------------------------------------------------------ */

static struct weft_text kept_text(
    const struct weft_actor *actor, const struct weft_ledger_item *item)
{
    const struct weft_actor_channel *channel = &actor->channels[item->channel];
    bool is_its = channel->job != NULL && channel->stage == WEFT_ACTOR_MEASURING &&
                  channel->job->proof.is_shadow == item->is_shadow &&
                  memcmp(channel->job->proof.command.id, item->id, sizeof(item->id)) == 0;
    return is_its ? weft_actor_text(channel) : WEFT_TEXT("");
}

/* Places: first the channels, then the ledger's, then the receipts in one. */
enum weft_err weft_actor_save(
    const struct weft_actor *actor, uint64_t *cursor, struct weft_buffer *out, bool *ret_is_last)
{
    uint64_t items = actor->channel_count + (uint64_t)actor->ledger.capacity;
    enum weft_err err = WEFT_OK;
    for (; err == WEFT_OK && *cursor < items && out->size < SAVE_FRAME_SIZE; ++*cursor) {
        struct weft_memo entry;
        if (*cursor < actor->channel_count) {
            entry = weft_actor_channel_memo(&actor->channels[*cursor]);
            err = weft_memo_encode(&entry, out);
            continue;
        }
        const struct weft_ledger_item *item = &actor->ledger.items[*cursor - actor->channel_count];
        if (item->is_used) {
            entry = weft_actor_command_memo(actor, item, kept_text(actor, item));
            err = weft_memo_encode(&entry, out);
        }
    }
    const struct weft_outbox_receipt *receipt;
    uint64_t place = items;
    TAILQ_FOREACH(receipt, &actor->outbox.receipts, next)
    {
        if (err == WEFT_OK && place == *cursor && out->size < SAVE_FRAME_SIZE) {
            const struct weft_memo entry = weft_actor_receipt_memo(actor, receipt);
            err = weft_memo_encode(&entry, out);
            ++*cursor;
        }
        place++;
    }
    *ret_is_last = *cursor == place;
    return err;
}
