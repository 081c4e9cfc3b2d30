#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/gateway/actor_parts.h"
#include "proto/check.h"

static const int64_t ms_ns = 1000000;

int64_t weft_actor_whole_ms(int64_t ns)
{
    return ns - ns % ms_ns;
}

uint32_t weft_actor_number(const struct weft_actor *actor, const struct weft_actor_channel *c)
{
    return (uint32_t)(c - actor->channels);
}

struct weft_actor_channel *weft_actor_find_channel(struct weft_actor *actor, struct weft_text name)
{
    for (uint32_t i = 0; i < actor->channel_count; i++) {
        if (weft_text_is(name, actor->channels[i].name)) {
            return &actor->channels[i];
        }
    }
    return NULL;
}

/* The proof has been held against it: its leaf is the entry of this token (ACT-11). */
struct weft_fence weft_actor_job_fence(const struct weft_actor_job *job)
{
    return (struct weft_fence){job->proof.leaf.term, job->proof.leaf.index};
}

void weft_actor_end_job(struct weft_actor_channel *channel)
{
    if (channel->job != NULL) {
        weft_buffer_destroy(&channel->job->bundle);
        free(channel->job);
    }
    channel->job = NULL;
    channel->stage = WEFT_ACTOR_IDLE;
    channel->wants_read = channel->wants_act = false;
}

/* --- entries --------------------------------------------------------------------------------- */

struct weft_memo weft_actor_channel_memo(const struct weft_actor_channel *c)
{
    struct weft_memo entry = {.kind = WEFT_MEMO_CHANNEL};
    entry.channel = (struct weft_memo_channel){.name = weft_text_of(c->name),
        .fence = c->fence,
        .move_count = c->move_count,
        .safe = weft_buffer_as_text(&c->safe),
        .has_safe = c->has_safe};
    memcpy(entry.channel.moves_ns, c->moves_ns, sizeof(c->moves_ns));
    return entry;
}

struct weft_memo weft_actor_command_memo(
    const struct weft_actor *actor, const struct weft_ledger_item *item, struct weft_text text)
{
    struct weft_memo entry = {.kind = WEFT_MEMO_COMMAND};
    entry.command =
        (struct weft_memo_command){.channel = weft_text_of(actor->channels[item->channel].name),
            .is_shadow = item->is_shadow,
            .digest = item->digest,
            .class = item->class,
            .state = item->state,
            .fence = item->fence,
            .asked = item->asked,
            .at_ns = item->at_ns,
            .not_after_ns = item->not_after_ns,
            .text = text};
    memcpy(entry.command.id, item->id, sizeof(item->id));
    return entry;
}

struct weft_memo weft_actor_receipt_memo(
    const struct weft_actor *actor, const struct weft_outbox_receipt *receipt)
{
    struct weft_memo entry = {.kind = WEFT_MEMO_RECEIPT};
    entry.receipt =
        (struct weft_memo_receipt){.channel = weft_text_of(actor->channels[receipt->channel].name),
            .is_shadow = receipt->is_shadow,
            .is_settled = receipt->is_settled,
            .counter = receipt->counter,
            .text = receipt->text};
    memcpy(entry.receipt.id, receipt->id, sizeof(receipt->id));
    return entry;
}

enum weft_err weft_actor_put_channel(
    struct weft_actor *actor, const struct weft_actor_channel *channel)
{
    const struct weft_memo entry = weft_actor_channel_memo(channel);
    actor->needs_sync = true;
    return weft_memo_encode(&entry, &actor->gathering);
}

enum weft_err weft_actor_put_command(
    struct weft_actor *actor, const struct weft_ledger_item *item, struct weft_text text)
{
    const struct weft_memo entry = weft_actor_command_memo(actor, item, text);
    actor->needs_sync = true;
    return weft_memo_encode(&entry, &actor->gathering);
}

/* It may come with the next frame that has to be there: lost, the receipt is sent once more. */
enum weft_err weft_actor_put_settled(struct weft_actor *actor, uint64_t counter)
{
    const struct weft_memo entry = {.kind = WEFT_MEMO_SETTLED, .settled = counter};
    return weft_memo_encode(&entry, &actor->gathering);
}

/* --- receipts -------------------------------------------------------------------------------- */

static bool is_asked_of(const struct weft_command_note *command, struct weft_text path)
{
    for (uint32_t i = 0; i < command->post_count; i++) {
        if (weft_text_equal(command->posts[i].path, path)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < command->pre_count; i++) {
        if (weft_text_equal(command->pres[i].path, path)) {
            return true;
        }
    }
    return false;
}

/* In their order, each path once: what the command speaks of. */
static void add_readings(struct weft_receipt_note *note, const struct weft_actor_says *says)
{
    for (uint32_t i = 0; says->command != NULL && i < says->reading_count; i++) {
        const struct weft_reading *reading = &says->readings[i];
        uint32_t at = note->reading_count;
        if (note->reading_count == WEFT_RECEIPT_READINGS_MAX ||
            !is_asked_of(says->command, reading->path) ||
            weft_reading_find(says->readings, says->reading_count, reading->path) != reading) {
            continue;
        }
        while (at > 0 && weft_text_compare(note->readings[at - 1].path, reading->path) > 0) {
            note->readings[at] = note->readings[at - 1];
            at--;
        }
        note->readings[at] = *reading;
        note->reading_count++;
    }
}

/* A detail that can stand in a document, whatever a machine said. */
static struct weft_text clean(struct weft_text detail, char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < detail.size && used + 1 < size; i++) {
        char c = detail.data[i];
        bool is_blank = c == ' ' && (used == 0 || text[used - 1] == ' ');
        if (!is_blank) {
            text[used++] = c >= ' ' && c <= '~' ? c : '?';
        }
    }
    while (used > 0 && text[used - 1] == ' ') {
        used--;
    }
    return used > 0 ? (struct weft_text){text, used} : WEFT_TEXT("-");
}

static enum weft_err encode(struct weft_actor *actor, const struct weft_ledger_item *item,
    const struct weft_fence *fence, const struct weft_actor_says *says, struct weft_buffer *out)
{
    char detail[256];
    struct weft_msg msg = {""};
    struct weft_receipt_note note = {.command = item->digest,
        .channel = weft_text_of(actor->channels[item->channel].name),
        .fence = *fence,
        .outcome = says->outcome,
        .state = says->state,
        .code = weft_text_of(says->code != NULL ? says->code : "-"),
        .detail = clean(says->detail, detail, sizeof(detail)),
        .gateway = *actor->trust->gateway,
        .counter = actor->receipt_counter + 1,
        .signed_ns = actor->now_ns};
    memcpy(note.id, item->id, sizeof(item->id));
    add_readings(&note, says);
    if (note.outcome == WEFT_RECEIPT_MEASURED && note.reading_count == 0) {
        return WEFT_ENOTFOUND; /* There is nothing to tell. */
    }
    enum weft_err err = weft_receipt_note_encode(&note, out, &msg);
    if (err != WEFT_OK && err != WEFT_ENOMEM) {
        weft_actor_raise_alarm(actor, item->channel, "receipt", "%s", msg.text);
        note.reading_count = 0; /* What a machine said is not worth a receipt. */
        note.outcome = note.outcome == WEFT_RECEIPT_MEASURED ? WEFT_RECEIPT_STATE : note.outcome;
        note.state = item->state;
        err = weft_receipt_note_encode(&note, out, &msg);
    }
    return err;
}

/* Into the next frame, and the outbox. */
static enum weft_err post(
    struct weft_actor *actor, const struct weft_ledger_item *item, struct weft_text text)
{
    struct weft_outbox_receipt receipt = {.counter = actor->receipt_counter + 1,
        .frame = actor->frame_number,
        .channel = item->channel,
        .is_shadow = item->is_shadow,
        .text = text};
    memcpy(receipt.id, item->id, sizeof(item->id));
    const struct weft_memo entry = weft_actor_receipt_memo(actor, &receipt);
    enum weft_err err = weft_memo_encode(&entry, &actor->gathering);
    if (err == WEFT_OK) {
        err = weft_outbox_add(&actor->outbox, &receipt);
        actor->receipt_counter++;
        actor->needs_sync = true;
    }
    return err;
}

enum weft_err weft_actor_put_receipt(struct weft_actor *actor, const struct weft_ledger_item *item,
    const struct weft_fence *fence, const struct weft_actor_says *says)
{
    struct weft_buffer text = {.size_max = WEFT_MEMO_RECEIPT_SIZE_MAX};
    enum weft_err err = encode(actor, item, fence, says, &text);
    if (err == WEFT_OK) {
        err = post(actor, item, weft_buffer_as_text(&text));
    }
    weft_buffer_destroy(&text);
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

enum weft_err weft_actor_put_again(
    struct weft_actor *actor, const struct weft_ledger_item *item, struct weft_text receipt)
{
    struct weft_receipt_note note;
    struct weft_buffer text = {.size_max = WEFT_MEMO_RECEIPT_SIZE_MAX};
    if (weft_receipt_note_decode(receipt, &note, NULL) != WEFT_OK ||
        note.outcome == WEFT_RECEIPT_STATE || weft_fence_compare(&note.fence, &item->fence) >= 0) {
        return WEFT_OK; /* The answer to a question stands by itself. */
    }
    note.fence = item->fence;
    note.counter = actor->receipt_counter + 1;
    enum weft_err err = weft_receipt_note_encode(&note, &text, NULL);
    if (err == WEFT_OK) {
        err = post(actor, item, weft_buffer_as_text(&text));
    }
    weft_buffer_destroy(&text);
    return err;
}

/* --- alarms ---------------------------------------------------------------------------------- */

void weft_actor_raise_alarm(
    struct weft_actor *actor, uint32_t channel, const char *word, const char *format, ...)
{
    if (actor->alarm_count == WEFT_ACTOR_ALARMS_MAX) {
        actor->alarm_first = (actor->alarm_first + 1) % WEFT_ACTOR_ALARMS_MAX;
        actor->alarm_count--;
        actor->alarms_lost++;
    }
    uint32_t place = (actor->alarm_first + actor->alarm_count++) % WEFT_ACTOR_ALARMS_MAX;
    struct weft_actor_alarm *alarm = &actor->alarms[place];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(alarm->text, sizeof(alarm->text), format, args);
    va_end(args);
    alarm->word = word;
    alarm->channel = channel;
}

/* --- what envelopes and outcomes say --------------------------------------------------------- */

enum weft_err weft_actor_keep_safe(
    struct weft_actor_channel *channel, const struct weft_proof *proof)
{
    const struct weft_envelope_note *safe = NULL;
    weft_buffer_clear(&channel->safe);
    channel->safe.size_max = WEFT_MEMO_SAFE_SIZE_MAX;
    channel->has_safe = true;
    for (uint32_t i = 0; i < proof->envelope_count && safe == NULL; i++) {
        safe = proof->envelopes[i].safe_verb.size > 0 ? &proof->envelopes[i] : NULL;
    }
    if (safe == NULL) {
        return WEFT_OK; /* Each says: hold. */
    }
    enum weft_err err = weft_buffer_text(&channel->safe, safe->safe_verb);
    for (uint32_t i = 0; err == WEFT_OK && i < safe->safe_count; i++) {
        err = weft_buffer_text(&channel->safe, WEFT_TEXT("\n"));
        if (err == WEFT_OK) {
            err = weft_buffer_text(&channel->safe, safe->safe_args[i].name);
        }
        if (err == WEFT_OK) {
            err = weft_buffer_text(&channel->safe, WEFT_TEXT(" "));
        }
        if (err == WEFT_OK) {
            err = weft_scalar_format(&safe->safe_args[i].value, &channel->safe);
        }
    }
    return err;
}

bool weft_actor_is_shown(const struct weft_command_note *command,
    const struct weft_reading *readings, uint32_t count, int64_t done_ns)
{
    for (uint32_t i = 0; i < command->post_count; i++) {
        const struct weft_reading *reading =
            weft_reading_find(readings, count, command->posts[i].path);
        if (reading == NULL || !weft_outcome_is_shown(&command->posts[i], reading, done_ns)) {
            return false;
        }
    }
    return true;
}

uint64_t weft_actor_measure_ms(const struct weft_command_note *command)
{
    uint64_t longest_ms = 0;
    for (uint32_t i = 0; i < command->post_count; i++) {
        uint64_t by_ms = command->posts[i].by_ms;
        longest_ms = by_ms > longest_ms ? by_ms : longest_ms;
    }
    return longest_ms;
}
