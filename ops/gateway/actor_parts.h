/* ops/gateway/actor_parts.h: the inside of the actor: frames, receipts, alarms, jobs.
 *
 * Private to ops/gateway/actor*.c. */
#ifndef WEFT_OPS_GATEWAY_ACTOR_PARTS_H
#define WEFT_OPS_GATEWAY_ACTOR_PARTS_H

#include "ops/gateway/actor.h"

enum {
    WEFT_ACTOR_NOBODY = WEFT_ACTOR_CHANNELS_MAX, /* An alarm of no channel. */
};

/* What a receipt says besides what is known of its command. */
struct weft_actor_says {
    enum weft_receipt_outcome outcome;
    enum weft_receipt_state state; /* Of outcome STATE. */
    const char *code;
    struct weft_text detail;
    const struct weft_reading *readings;
    uint32_t reading_count;
    const struct weft_command_note *command; /* Whose fields are shown; NULL: none. */
};

/* NULL: the gateway has no such channel. */
struct weft_actor_channel *weft_actor_find_channel(struct weft_actor *actor, struct weft_text name);
uint32_t weft_actor_number(const struct weft_actor *actor, const struct weft_actor_channel *c);
struct weft_fence weft_actor_job_fence(const struct weft_actor_job *job);
/* The command's text, as it was signed. Of a channel with a job. */
struct weft_text weft_actor_text(const struct weft_actor_channel *channel);
/* Frees the job: IDLE. */
void weft_actor_end_job(struct weft_actor_channel *channel);

/* Into the next frame. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_actor_put_channel(
    struct weft_actor *actor, const struct weft_actor_channel *channel);
WEFT_MUST_USE enum weft_err weft_actor_put_command(
    struct weft_actor *actor, const struct weft_ledger_item *item, struct weft_text text);
WEFT_MUST_USE enum weft_err weft_actor_put_settled(struct weft_actor *actor, uint64_t counter);
/* The same, and into the outbox. */
WEFT_MUST_USE enum weft_err weft_actor_put_receipt(struct weft_actor *actor,
    const struct weft_ledger_item *item, const struct weft_fence *fence,
    const struct weft_actor_says *says);

/* A receipt of the command once more, under the token that it has now. */
WEFT_MUST_USE enum weft_err weft_actor_put_again(
    struct weft_actor *actor, const struct weft_ledger_item *item, struct weft_text receipt);

void weft_actor_raise_alarm(struct weft_actor *actor, uint32_t channel, const char *word,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* An entry of each sort, of what is known now. */
struct weft_memo weft_actor_channel_memo(const struct weft_actor_channel *channel);
struct weft_memo weft_actor_command_memo(
    const struct weft_actor *actor, const struct weft_ledger_item *item, struct weft_text text);
struct weft_memo weft_actor_receipt_memo(
    const struct weft_actor *actor, const struct weft_outbox_receipt *receipt);

/* What the gateway does on the channel without its plant, from what its commands' envelopes say. */
WEFT_MUST_USE enum weft_err weft_actor_keep_safe(
    struct weft_actor_channel *channel, const struct weft_proof *proof);
/* Is every outcome of the command shown by these? */
bool weft_actor_is_shown(const struct weft_command_note *command,
    const struct weft_reading *readings, uint32_t count, int64_t done_ns);
/* The longest time that an outcome has, ms. */
uint64_t weft_actor_measure_ms(const struct weft_command_note *command);
/* When it was carried out: whole ms, as the receipt will say it. */
int64_t weft_actor_whole_ms(int64_t ns);

/* --- what becomes of events (actor_decide.c): WEFT_ENOMEM, WEFT_ETOOBIG ---------------------- */

WEFT_MUST_USE enum weft_err weft_actor_on_bundle(struct weft_actor *actor, struct weft_text text);
WEFT_MUST_USE enum weft_err weft_actor_on_ask(
    struct weft_actor *actor, const struct weft_actor_ask *ask);
WEFT_MUST_USE enum weft_err weft_actor_on_values(
    struct weft_actor *actor, const struct weft_actor_values *values);
WEFT_MUST_USE enum weft_err weft_actor_on_acted(
    struct weft_actor *actor, const struct weft_actor_acted *acted);
WEFT_MUST_USE enum weft_err weft_actor_on_synced(struct weft_actor *actor, uint64_t frame);
WEFT_MUST_USE enum weft_err weft_actor_on_settled(struct weft_actor *actor, uint64_t counter);

/* What is judged by its values is not begun, and will not be. */
WEFT_MUST_USE enum weft_err weft_actor_refuse(struct weft_actor *actor,
    struct weft_actor_channel *channel, const char *code, const char *detail);
/* What is begun, or judged by its values, ends so. */
WEFT_MUST_USE enum weft_err weft_actor_end_as(struct weft_actor *actor,
    struct weft_actor_channel *channel, enum weft_receipt_outcome outcome, const char *code,
    const char *detail);
/* Outcomes of what is done, by these values. */
WEFT_MUST_USE enum weft_err weft_actor_measure(struct weft_actor *actor,
    struct weft_actor_channel *channel, const struct weft_actor_values *values);

#endif
