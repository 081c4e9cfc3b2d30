#include "ops/gateway/actor.h"

#include <inttypes.h>
#include <string.h>

#include "ops/gateway/actor_parts.h"
#include "ops/gateway/mutant.h"
#include "proto/check.h"

void weft_actor_init(struct weft_actor *actor, const struct weft_proof_trust *trust)
{
    memset(actor, 0, sizeof(*actor));
    actor->trust = trust;
    actor->frame_number = 1;
    weft_outbox_init(&actor->outbox);
}

enum weft_err weft_actor_add_channel(
    struct weft_actor *actor, struct weft_text name, uint64_t lost_ms, struct weft_msg *msg)
{
    const struct weft_principal *self = actor->trust->gateway;
    struct weft_principal gateway;
    if (!weft_channel_gateway(name, weft_text_of(self->org), &gateway) ||
        !weft_principal_equal(&gateway, self) || weft_actor_find_channel(actor, name) != NULL) {
        return weft_fail(msg, WEFT_EINVAL, "%.*s: not a channel of this gateway, or given twice",
            (int)name.size, name.data);
    }
    if (actor->channel_count == WEFT_ACTOR_CHANNELS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "at most %d channels", WEFT_ACTOR_CHANNELS_MAX);
    }
    struct weft_actor_channel *channel = &actor->channels[actor->channel_count++];
    memcpy(channel->name, name.data, name.size);
    channel->lost_ms = lost_ms;
    return WEFT_OK;
}

void weft_actor_destroy(struct weft_actor *actor)
{
    for (uint32_t i = 0; i < actor->channel_count; i++) {
        weft_actor_end_job(&actor->channels[i]);
        weft_buffer_destroy(&actor->channels[i].safe);
    }
    weft_ledger_destroy(&actor->ledger);
    weft_outbox_destroy(&actor->outbox);
    weft_buffer_destroy(&actor->gathering);
    weft_buffer_destroy(&actor->flying);
}

/* --- time ------------------------------------------------------------------------------------ */

static void on_plant(struct weft_actor *actor, bool is_up)
{
    if (is_up && !actor->is_plant_up) {
        weft_outbox_repeat_unsettled(&actor->outbox);
        for (uint32_t i = 0; i < actor->channel_count; i++) {
            actor->channels[i].is_safe = false;
        }
    }
    if (!is_up && actor->is_plant_up) {
        actor->plant_ms = actor->mono_ms;
    }
    actor->is_plant_up = is_up;
}

/* When the channel is brought into its safe state for want of a plant; UINT64_MAX: not at all. An
 * act that is under way has its own end. */
static uint64_t lost_ms(const struct weft_actor *actor, const struct weft_actor_channel *channel)
{
    bool may_be = !actor->is_plant_up && channel->has_safe && !channel->is_safe &&
                  !channel->is_retired && channel->stage != WEFT_ACTOR_BEGINNING &&
                  channel->stage != WEFT_ACTOR_ACTING;
    return may_be && channel->lost_ms < UINT64_MAX - actor->plant_ms
               ? actor->plant_ms + channel->lost_ms
               : UINT64_MAX;
}

/* GW-10 */
static void lose_plant(struct weft_actor *actor, struct weft_actor_channel *channel)
{
    weft_actor_raise_alarm(actor, weft_actor_number(actor, channel), "plant-lost",
        "no plant for %" PRIu64 " ms: into its safe state", actor->mono_ms - actor->plant_ms);
    weft_actor_end_job(channel);
    channel->is_safe = true;
    channel->wants_safe = true;
}

/* A last reading of what is measured comes a little behind its time. */
static uint64_t slack_ms(const struct weft_actor_channel *channel)
{
    return channel->stage == WEFT_ACTOR_MEASURING ? WEFT_ACTOR_READ_MS : 0;
}

static enum weft_err on_deadline(struct weft_actor *actor, struct weft_actor_channel *channel)
{
    const struct weft_actor_values none = {.channel = weft_actor_number(actor, channel)};
    switch (channel->stage) {
    case WEFT_ACTOR_CHECKING:
        return weft_actor_refuse(actor, channel, "machine", "it did not say its values in 2 s");
    case WEFT_ACTOR_ACTING:
        channel->wants_act = false;
        return weft_actor_end_as(actor, channel, WEFT_RECEIPT_UNKNOWN, "deadline",
            "the machine did not answer in the time that the envelope allows");
    case WEFT_ACTOR_MEASURING:
        return weft_actor_measure(actor, channel, &none);
    case WEFT_ACTOR_IDLE:
    case WEFT_ACTOR_BEGINNING:
        return WEFT_OK;
    }
    weft_unreachable("GW-3: a channel is in one of five stages");
}

static enum weft_err on_time(struct weft_actor *actor, struct weft_actor_channel *channel)
{
    bool has_deadline = channel->stage != WEFT_ACTOR_IDLE && channel->stage != WEFT_ACTOR_BEGINNING;
    bool is_read = channel->stage == WEFT_ACTOR_ACTING || channel->stage == WEFT_ACTOR_MEASURING;
    if (actor->mono_ms >= lost_ms(actor, channel)) {
        lose_plant(actor, channel);
        return WEFT_OK;
    }
    if (is_read && actor->mono_ms >= channel->read_ms) {
        channel->wants_read = true;
        channel->read_ms = actor->mono_ms + WEFT_ACTOR_READ_MS;
    }
    return has_deadline && actor->mono_ms >= channel->deadline_ms + slack_ms(channel)
               ? on_deadline(actor, channel)
               : WEFT_OK;
}

uint64_t weft_actor_wake_ms(const struct weft_actor *actor)
{
    uint64_t wake_ms = UINT64_MAX;
    for (uint32_t i = 0; i < actor->channel_count; i++) {
        const struct weft_actor_channel *channel = &actor->channels[i];
        uint64_t mine_ms = lost_ms(actor, channel);
        if (channel->stage == WEFT_ACTOR_CHECKING && channel->deadline_ms < mine_ms) {
            mine_ms = channel->deadline_ms;
        } else if (channel->stage == WEFT_ACTOR_ACTING || channel->stage == WEFT_ACTOR_MEASURING) {
            uint64_t end_ms = channel->deadline_ms + slack_ms(channel);
            uint64_t next_ms = channel->read_ms < end_ms ? channel->read_ms : end_ms;
            mine_ms = next_ms < mine_ms ? next_ms : mine_ms;
        }
        wake_ms = mine_ms < wake_ms ? mine_ms : wake_ms;
    }
    return wake_ms;
}

/* --- step and next --------------------------------------------------------------------------- */

static enum weft_err decide(struct weft_actor *actor, const struct weft_actor_event *event)
{
    enum weft_err err = WEFT_OK;
    switch (event->type) {
    case WEFT_ACTOR_BUNDLE:
        return weft_actor_on_bundle(actor, event->bundle);
    case WEFT_ACTOR_ASK:
        return weft_actor_on_ask(actor, &event->ask);
    case WEFT_ACTOR_VALUES:
        return weft_actor_on_values(actor, &event->values);
    case WEFT_ACTOR_ACTED:
        return weft_actor_on_acted(actor, &event->acted);
    case WEFT_ACTOR_SYNCED:
        return weft_actor_on_synced(actor, event->frame);
    case WEFT_ACTOR_SETTLED:
        return weft_actor_on_settled(actor, event->counter);
    case WEFT_ACTOR_PLANT:
        on_plant(actor, event->is_plant_up);
        return WEFT_OK;
    case WEFT_ACTOR_TICK:
        for (uint32_t i = 0; i < actor->channel_count && err == WEFT_OK; i++) {
            err = on_time(actor, &actor->channels[i]);
        }
        return err;
    }
    weft_unreachable("GW-3: an event is of a type that there is");
}

enum weft_err weft_actor_step(struct weft_actor *actor, const struct weft_actor_event *event)
{
    weft_actor_check(actor);
    actor->now_ns = event->now_ns;
    actor->mono_ms = event->mono_ms > actor->mono_ms ? event->mono_ms : actor->mono_ms;
    enum weft_err err = decide(actor, event);
    weft_actor_check(actor);
    return err;
}

static bool next_of_channel(
    struct weft_actor_channel *channel, uint32_t number, struct weft_actor_effect *effect)
{
    *effect = (struct weft_actor_effect){.channel = number};
    if (channel->wants_safe) {
        channel->wants_safe = false;
        effect->type = WEFT_ACTOR_SAFE;
        effect->safe = weft_buffer_as_text(&channel->safe);
        return true;
    }
    if (channel->job == NULL) {
        return false;
    }
    effect->is_shadow = channel->job->proof.is_shadow;
    if (channel->wants_act) {
        weft_assert(channel->stage == WEFT_ACTOR_ACTING); /* GW-2 */
        channel->wants_act = false;
        effect->type = WEFT_ACTOR_ACT;
        effect->number = channel->act;
        effect->command = &channel->job->proof.command;
        return true;
    }
    if (channel->wants_read) {
        channel->wants_read = false;
        effect->type = WEFT_ACTOR_READ;
        return true;
    }
    return false;
}

static void next_frame(struct weft_actor *actor, struct weft_actor_effect *effect)
{
    struct weft_buffer empty = actor->flying;
    weft_buffer_clear(&empty);
    actor->flying = actor->gathering;
    actor->gathering = empty;
    actor->needs_sync = false;
    actor->is_flying = true;
    *effect = (struct weft_actor_effect){.type = WEFT_ACTOR_FRAME,
        .channel = WEFT_ACTOR_NOBODY,
        .number = actor->frame_number++,
        .frame = {actor->flying.data, actor->flying.size}};
}

bool weft_actor_next(struct weft_actor *actor, struct weft_actor_effect *ret_effect)
{
    bool has_frame = actor->needs_sync && !actor->is_flying;
    if (has_frame && !weft_gate_mutant(WEFT_GATE_MUTANT_ACTS_FIRST)) {
        next_frame(actor, ret_effect);
        return true;
    }
    for (uint32_t i = 0; i < actor->channel_count; i++) {
        if (next_of_channel(&actor->channels[i], i, ret_effect)) {
            actor->acts += ret_effect->type == WEFT_ACTOR_ACT;
            return true;
        }
    }
    if (has_frame) { /* The fault: behind what has to be behind it. */
        next_frame(actor, ret_effect);
        return true;
    }
    const struct weft_outbox_receipt *receipt =
        actor->is_plant_up ? weft_outbox_next(&actor->outbox) : NULL;
    if (receipt != NULL) {
        *ret_effect = (struct weft_actor_effect){.type = WEFT_ACTOR_RECEIPT,
            .channel = receipt->channel,
            .is_shadow = receipt->is_shadow,
            .number = receipt->counter,
            .text = receipt->text};
        return true;
    }
    if (actor->alarm_count > 0) {
        const struct weft_actor_alarm *alarm = &actor->alarms[actor->alarm_first];
        actor->alarm_first = (actor->alarm_first + 1) % WEFT_ACTOR_ALARMS_MAX;
        actor->alarm_count--;
        *ret_effect = (struct weft_actor_effect){.type = WEFT_ACTOR_ALARM,
            .channel = alarm->channel,
            .text = weft_text_of(alarm->text),
            .word = alarm->word};
        return true;
    }
    return false;
}

/* --- check ----------------------------------------------------------------------------------- */

static void check_channel(const struct weft_actor *actor, const struct weft_actor_channel *c)
{
    /* Outside the assert, whose text is in the product. */
    bool may_be_first = weft_gate_mutant(WEFT_GATE_MUTANT_ACTS_FIRST);
    weft_assert((c->stage == WEFT_ACTOR_IDLE) == (c->job == NULL)); /* GW-3 */
    weft_assert(!c->wants_act || c->stage == WEFT_ACTOR_ACTING);    /* GW-2 */
    if (c->stage == WEFT_ACTOR_BEGINNING || c->stage == WEFT_ACTOR_ACTING) {
        const struct weft_proof *proof = &c->job->proof;
        const struct weft_ledger_item *item =
            weft_ledger_find(&actor->ledger, proof->command.id, proof->is_shadow);
        weft_assert(item != NULL && item->state == WEFT_RECEIPT_STATE_BEGUN); /* GW-2 */
        weft_assert(weft_fence_compare(&item->fence, &c->fence) == 0);        /* ACT-12 */
    }
    if (c->stage == WEFT_ACTOR_ACTING) {
        weft_assert(c->frame <= actor->synced_number || may_be_first); /* GW-2 */
    }
}

void weft_actor_check(const struct weft_actor *actor)
{
    for (uint32_t i = 0; i < actor->channel_count; i++) {
        check_channel(actor, &actor->channels[i]);
    }
    weft_assert(actor->synced_number < actor->frame_number); /* GW-2 */
}
