/* What becomes of bundles, questions, values and answers of machines. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/gateway/actor_parts.h"
#include "ops/gateway/mutant.h"
#include "policy/note.h"
#include "proto/check.h"

static const int64_t ms_ns = 1000000;
static const int64_t day_ns = INT64_C(24) * 3600 * 1000000000;

/* --- ends ------------------------------------------------------------------------------------ */

static const struct weft_command_note *command_of(const struct weft_actor_channel *channel)
{
    return &channel->job->proof.command;
}

static struct weft_ledger_item *item_of(
    struct weft_actor *actor, const struct weft_actor_channel *channel)
{
    return weft_ledger_find(&actor->ledger, command_of(channel)->id, channel->job->proof.is_shadow);
}

struct weft_text weft_actor_text(const struct weft_actor_channel *channel)
{
    struct weft_proof_bundle bundle;
    struct weft_note note;
    struct weft_text whole = weft_buffer_as_text(&channel->job->bundle);
    if (weft_proof_bundle_parse(whole, &bundle, NULL) != WEFT_OK) {
        return whole; /* After a start it is the text alone. */
    }
    enum weft_err err = weft_note_parse(bundle.command, &note, NULL);
    weft_assert(err == WEFT_OK); /* GW-1: it was sound */
    return note.text;
}

static enum weft_receipt_state state_after(enum weft_receipt_outcome outcome)
{
    switch (outcome) {
    case WEFT_RECEIPT_DONE:
        return WEFT_RECEIPT_STATE_DONE;
    case WEFT_RECEIPT_FAILED:
        return WEFT_RECEIPT_STATE_FAILED;
    case WEFT_RECEIPT_REFUSED:
        return WEFT_RECEIPT_STATE_REFUSED;
    case WEFT_RECEIPT_UNKNOWN:
        return WEFT_RECEIPT_STATE_UNKNOWN;
    case WEFT_RECEIPT_ACCEPTED:
    case WEFT_RECEIPT_MEASURED:
    case WEFT_RECEIPT_STATE:
    case WEFT_RECEIPT_OUTCOMES:
        break;
    }
    weft_unreachable("GW-3: a command ends in one of four ways");
}

static void raise_end_alarm(
    struct weft_actor *actor, const struct weft_actor_channel *c, const struct weft_actor_says *s)
{
    if (s->outcome != WEFT_RECEIPT_DONE) {
        weft_actor_raise_alarm(actor, weft_actor_number(actor, c),
            weft_receipt_outcome_name(s->outcome), "%s: %.*s", s->code, (int)s->detail.size,
            s->detail.data);
    }
}

/* What is begun, or is judged by its values, ends as `says` says; a frame tells so. */
static enum weft_err end(
    struct weft_actor *actor, struct weft_actor_channel *channel, struct weft_actor_says *says)
{
    struct weft_actor_job *job = channel->job;
    struct weft_ledger_item *item = item_of(actor, channel);
    weft_assert(item != NULL); /* GW-3 */
    says->command = command_of(channel);
    item->state = state_after(says->outcome);
    item->at_ns = actor->now_ns;
    job->done_ns = weft_actor_whole_ms(actor->now_ns);
    bool is_done = says->outcome == WEFT_RECEIPT_DONE;
    bool is_shown =
        weft_actor_is_shown(says->command, says->readings, says->reading_count, job->done_ns);
    enum weft_err err = weft_actor_put_command(
        actor, item, is_done && !is_shown ? weft_actor_text(channel) : WEFT_TEXT(""));
    if (err == WEFT_OK) {
        err = weft_actor_put_receipt(actor, item, &item->fence, says);
    }
    raise_end_alarm(actor, channel, says);
    channel->wants_safe =
        channel->wants_safe || (says->outcome == WEFT_RECEIPT_UNKNOWN && !job->proof.is_shadow &&
                                   says->command->is_safe_on_unknown);
    if (err == WEFT_OK && is_done && !is_shown) {
        channel->stage = WEFT_ACTOR_MEASURING;
        channel->deadline_ms = actor->mono_ms + weft_actor_measure_ms(says->command);
        channel->read_ms = actor->mono_ms;
    } else {
        weft_actor_end_job(channel);
    }
    return err;
}

enum weft_err weft_actor_end_as(struct weft_actor *actor, struct weft_actor_channel *channel,
    enum weft_receipt_outcome outcome, const char *code, const char *detail)
{
    struct weft_actor_says says = {
        .outcome = outcome, .code = code, .detail = weft_text_of(detail)};
    return end(actor, channel, &says);
}

/* A command that is to be in the ledger under the job's token. False: there is no room, and it is
 * as if it had never come. */
static enum weft_err enter(
    struct weft_actor *actor, struct weft_actor_channel *channel, bool *ret_is_in)
{
    const struct weft_command_note *command = command_of(channel);
    struct weft_ledger_item *item = NULL;
    enum weft_err err = weft_ledger_put(
        &actor->ledger, command->id, channel->job->proof.is_shadow, actor->now_ns, &item);
    *ret_is_in = err == WEFT_OK;
    if (err == WEFT_ETOOBIG) {
        weft_actor_raise_alarm(actor, weft_actor_number(actor, channel), "full",
            "no room for another command within its time");
        weft_actor_end_job(channel);
        return WEFT_OK;
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_assert(item->state == WEFT_RECEIPT_STATE_NONE); /* GW-3 */
    actor->asked_count -= !weft_fence_is_none(&item->asked);
    item->channel = (uint16_t)weft_actor_number(actor, channel);
    item->class = command->class;
    item->digest = command->digest;
    item->fence = weft_actor_job_fence(channel->job);
    item->at_ns = actor->now_ns;
    item->not_after_ns = command->not_after_ns;
    return WEFT_OK;
}

/* It was not begun, and will not be. */
enum weft_err weft_actor_refuse(struct weft_actor *actor, struct weft_actor_channel *channel,
    const char *code, const char *detail)
{
    bool is_in;
    enum weft_err err = enter(actor, channel, &is_in);
    return err == WEFT_OK && is_in
               ? weft_actor_end_as(actor, channel, WEFT_RECEIPT_REFUSED, code, detail)
               : err;
}

/* --- begins ---------------------------------------------------------------------------------- */

/* The same as when it was verified, some time later. */
static bool is_in_time(const struct weft_actor *actor, const struct weft_actor_job *job)
{
    int64_t age_ns = actor->now_ns - job->proof.leaf.time_ns;
    return age_ns <= WEFT_PROOF_AGE_MAX_MS * ms_ns && age_ns >= -WEFT_PROOF_AHEAD_MAX_MS * ms_ns &&
           actor->now_ns <= job->proof.command.not_after_ns;
}

static void add_move(struct weft_actor_channel *channel, int64_t now_ns)
{
    if (channel->move_count == WEFT_ENVELOPE_MOVES_MAX) {
        memmove(channel->moves_ns, channel->moves_ns + 1,
            (WEFT_ENVELOPE_MOVES_MAX - 1) * sizeof(channel->moves_ns[0]));
        channel->move_count--;
    }
    channel->moves_ns[channel->move_count++] = now_ns;
}

static enum weft_err act(struct weft_actor *actor, struct weft_actor_channel *channel)
{
    const struct weft_proof *proof = &channel->job->proof;
    if (!is_in_time(actor, channel->job)) {
        return weft_actor_end_as(actor, channel, WEFT_RECEIPT_FAILED, "stale",
            "not told: the journal was too slow, the intent is over 5 s old");
    }
    channel->stage = WEFT_ACTOR_ACTING;
    channel->act = ++actor->act_number;
    channel->wants_act = true;
    channel->deadline_ms =
        actor->mono_ms + weft_envelope_finish_ms(proof->envelopes, proof->envelope_count);
    channel->read_ms = actor->mono_ms + WEFT_ACTOR_READ_MS;
    return WEFT_OK;
}

/* GW-2: token and "begun" are durable before anything moves, and before anybody is told. */
static enum weft_err begin(struct weft_actor *actor, struct weft_actor_channel *channel)
{
    struct weft_actor_says says = {.outcome = WEFT_RECEIPT_ACCEPTED};
    struct weft_fence fence = weft_actor_job_fence(channel->job);
    bool is_in;
    enum weft_err err = enter(actor, channel, &is_in);
    if (err != WEFT_OK || !is_in) {
        return err;
    }
    bool may_be_below = weft_gate_mutant(WEFT_GATE_MUTANT_NO_FENCE);
    weft_assert(weft_fence_compare(&fence, &channel->fence) > 0 || may_be_below); /* ACT-12 */
    struct weft_ledger_item *item = item_of(actor, channel);
    item->state = WEFT_RECEIPT_STATE_BEGUN;
    channel->fence = fence;
    if (!channel->job->proof.is_shadow) {
        add_move(channel, actor->now_ns);
        err = weft_actor_keep_safe(channel, &channel->job->proof);
    }
    if (err == WEFT_OK) {
        err = weft_actor_put_channel(actor, channel);
    }
    if (err == WEFT_OK) {
        err = weft_actor_put_command(actor, item, weft_actor_text(channel));
    }
    if (err == WEFT_OK) {
        err = weft_actor_put_receipt(actor, item, &fence, &says);
    }
    channel->stage = WEFT_ACTOR_BEGINNING;
    channel->frame = actor->frame_number;
    return err == WEFT_OK && weft_gate_mutant(WEFT_GATE_MUTANT_ACTS_FIRST) ? act(actor, channel)
                                                                           : err;
}

/* --- bundles --------------------------------------------------------------------------------- */

static void free_job(struct weft_actor_job *job)
{
    weft_buffer_destroy(&job->bundle);
    free(job);
}

/* GW-1. WEFT_EREFUSED: not sound, and told so. */
static enum weft_err verify(
    struct weft_actor *actor, struct weft_text text, struct weft_actor_job *job)
{
    struct weft_msg msg = {""};
    struct weft_proof_bundle bundle;
    enum weft_proof_fault fault = WEFT_PROOF_MALFORMED;
    job->bundle.size_max = WEFT_PROOF_BUNDLE_SIZE_MAX;
    enum weft_err err = weft_buffer_text(&job->bundle, text);
    if (err == WEFT_OK) {
        err = weft_proof_bundle_parse(weft_buffer_as_text(&job->bundle), &bundle, &msg);
    }
    if (err == WEFT_OK) {
        err = weft_proof_bundle_verify(
            &bundle, actor->trust, actor->now_ns, &job->proof, &fault, &msg);
    }
    if (err != WEFT_OK && err != WEFT_ENOMEM) {
        actor->refusals++;
        weft_actor_raise_alarm(
            actor, WEFT_ACTOR_NOBODY, weft_proof_fault_name(fault), "%s", msg.text);
        return WEFT_EREFUSED;
    }
    return err;
}

/* It was seen before: what came of it is told again. */
static enum weft_err repeat(
    struct weft_actor *actor, const struct weft_ledger_item *item, const struct weft_fence *asks)
{
    struct weft_actor_says says = {.outcome = WEFT_RECEIPT_STATE, .state = item->state};
    weft_outbox_repeat(&actor->outbox, item->id, item->is_shadow);
    return asks != NULL ? weft_actor_put_receipt(actor, item, asks, &says) : WEFT_OK;
}

/* The same under a later token, as the plant has sent it once more and hears no older one: what it
 * was, with the time at which it was. */
static enum weft_err answer_again(struct weft_actor *actor, struct weft_actor_channel *channel,
    struct weft_ledger_item *item, const struct weft_fence *fence)
{
    uint64_t last = actor->receipt_counter;
    const struct weft_outbox_receipt *receipt;
    item->fence = *fence;
    if (weft_fence_compare(fence, &channel->fence) > 0) {
        channel->fence = *fence;
    }
    bool is_its = channel->job != NULL && item_of(actor, channel) == item;
    enum weft_err err = weft_actor_put_channel(actor, channel);
    if (err == WEFT_OK) {
        err =
            weft_actor_put_command(actor, item, is_its ? weft_actor_text(channel) : WEFT_TEXT(""));
    }
    TAILQ_FOREACH(receipt, &actor->outbox.receipts, next)
    {
        if (err == WEFT_OK && receipt->counter <= last && receipt->is_shadow == item->is_shadow &&
            memcmp(receipt->id, item->id, sizeof(item->id)) == 0) {
            err = weft_actor_put_again(actor, item, receipt->text);
        }
    }
    return err;
}

/* GW-3, ACT-12: may this sound bundle be carried out at all? */
static enum weft_err admit(struct weft_actor *actor, struct weft_actor_channel *channel,
    const struct weft_actor_job *job, bool *ret_is_new)
{
    const struct weft_command_note *command = &job->proof.command;
    struct weft_fence fence = weft_actor_job_fence(job);
    uint32_t number = weft_actor_number(actor, channel);
    struct weft_ledger_item *item =
        weft_ledger_find(&actor->ledger, command->id, job->proof.is_shadow);
    *ret_is_new = false;
    if (item != NULL && !weft_digest_equal(&item->digest, &command->digest)) {
        weft_actor_raise_alarm(actor, number, "id-conflict", "another command has this id");
        return WEFT_OK;
    }
    if (item != NULL && item->state != WEFT_RECEIPT_STATE_NONE) {
        return weft_fence_compare(&fence, &item->fence) > 0
                   ? answer_again(actor, channel, item, &fence)
                   : repeat(actor, item, NULL);
    }
    bool is_below = weft_fence_compare(&fence, &channel->fence) <= 0 ||
                    (item != NULL && weft_fence_compare(&fence, &item->asked) <= 0);
    if (is_below && !weft_gate_mutant(WEFT_GATE_MUTANT_NO_FENCE)) {
        weft_actor_raise_alarm(actor, number, "fence",
            "token %" PRIu64 " %" PRIu64 " is not above %" PRIu64 " %" PRIu64, fence.term,
            fence.index, channel->fence.term, channel->fence.index);
        return WEFT_OK;
    }
    *ret_is_new = true;
    return WEFT_OK;
}

/* A channel in the midst of an act takes nothing, nor does one whose receipts nobody fetches: not
 * refused, for a refusal is for ever; the plant will ask. */
static bool is_free(struct weft_actor *actor, const struct weft_actor_channel *channel)
{
    const char *why = NULL;
    if (channel->is_retired) {
        why = "a channel that this gateway has no more";
    } else if (channel->stage == WEFT_ACTOR_BEGINNING || channel->stage == WEFT_ACTOR_ACTING) {
        why = "it acts";
    } else if (actor->outbox.unsettled >= WEFT_OUTBOX_UNSETTLED_MAX) {
        why = "too many receipts that the plant has not taken";
    }
    if (why != NULL) {
        weft_actor_raise_alarm(actor, weft_actor_number(actor, channel), "busy", "%s", why);
    }
    return why == NULL;
}

enum weft_err weft_actor_on_bundle(struct weft_actor *actor, struct weft_text text)
{
    struct weft_actor_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return WEFT_ENOMEM;
    }
    enum weft_err err = verify(actor, text, job);
    struct weft_actor_channel *channel =
        err == WEFT_OK ? weft_actor_find_channel(actor, job->proof.command.channel) : NULL;
    bool is_new = false;
    if (err == WEFT_OK && channel == NULL) {
        weft_actor_raise_alarm(actor, WEFT_ACTOR_NOBODY, "elsewhere", "%.*s: no such channel here",
            (int)job->proof.command.channel.size, job->proof.command.channel.data);
    } else if (err == WEFT_OK) {
        err = admit(actor, channel, job, &is_new);
    }
    if (err == WEFT_OK && is_new && is_free(actor, channel)) {
        weft_actor_end_job(channel); /* What it checked or measured is of an earlier decision. */
        channel->job = job;
        channel->stage = WEFT_ACTOR_CHECKING;
        channel->wants_read = true;
        channel->deadline_ms = actor->mono_ms + WEFT_ACTOR_CHECK_MS;
        return WEFT_OK;
    }
    free_job(job);
    return err == WEFT_EREFUSED ? WEFT_OK : err;
}

/* --- questions ------------------------------------------------------------------------------- */

/* GW-8: from now on the command is not carried out under a token that is not above the question's.
 * That binds this command alone: nobody can shut a channel by asking. */
static enum weft_err bind(struct weft_actor *actor, struct weft_actor_channel *channel,
    const struct weft_actor_ask *ask, struct weft_ledger_item *item)
{
    if (item->state == WEFT_RECEIPT_STATE_NONE) {
        actor->asked_count += weft_fence_is_none(&item->asked);
        item->channel = (uint16_t)weft_actor_number(actor, channel);
        item->digest = ask->digest;
        item->at_ns = actor->now_ns;
        item->not_after_ns = actor->now_ns + day_ns;
    }
    if (weft_fence_compare(&ask->fence, &item->asked) > 0) {
        item->asked = ask->fence;
    }
    bool is_ours = channel->job != NULL && channel->job->proof.is_shadow == ask->is_shadow &&
                   memcmp(command_of(channel)->id, ask->id, sizeof(ask->id)) == 0;
    if (is_ours && channel->stage == WEFT_ACTOR_CHECKING) {
        struct weft_fence fence = weft_actor_job_fence(channel->job);
        if (weft_fence_compare(&fence, &item->asked) <= 0) {
            weft_actor_end_job(channel);
            is_ours = false;
        }
    }
    bool is_kept = is_ours && channel->stage != WEFT_ACTOR_CHECKING;
    return weft_actor_put_command(actor, item, is_kept ? weft_actor_text(channel) : WEFT_TEXT(""));
}

enum weft_err weft_actor_on_ask(struct weft_actor *actor, const struct weft_actor_ask *ask)
{
    struct weft_actor_channel *channel = weft_actor_find_channel(actor, ask->channel);
    struct weft_ledger_item *item = weft_ledger_find(&actor->ledger, ask->id, ask->is_shadow);
    if (channel == NULL || ask->fence.term == 0 || ask->fence.index == 0) {
        weft_actor_raise_alarm(
            actor, WEFT_ACTOR_NOBODY, "elsewhere", "asked about another channel");
        return WEFT_OK;
    }
    if (item != NULL && !weft_digest_equal(&item->digest, &ask->digest)) {
        weft_actor_raise_alarm(actor, weft_actor_number(actor, channel), "id-conflict",
            "asked about another command of this id");
        return WEFT_OK;
    }
    enum weft_err err = WEFT_OK;
    if (item == NULL) {
        err = actor->asked_count >= WEFT_ACTOR_ASKED_MAX
                  ? WEFT_ETOOBIG
                  : weft_ledger_put(&actor->ledger, ask->id, ask->is_shadow, actor->now_ns, &item);
    }
    if (err == WEFT_ETOOBIG) {
        weft_actor_raise_alarm(actor, weft_actor_number(actor, channel), "full",
            "asked about too many commands that never came");
        return WEFT_OK;
    }
    if (err == WEFT_OK) {
        err = bind(actor, channel, ask, item);
    }
    return err == WEFT_OK ? repeat(actor, item, &ask->fence) : err;
}

/* --- values ---------------------------------------------------------------------------------- */

static struct weft_envelope_facts facts_of(const struct weft_actor *actor,
    const struct weft_actor_channel *channel, const struct weft_actor_values *values)
{
    bool is_shadow = channel->job->proof.is_shadow;
    return (struct weft_envelope_facts){.now_ns = actor->now_ns,
        .has_live = true,
        .readings = values->readings,
        .reading_count = values->count,
        .moves_ns = channel->moves_ns,
        .move_count = is_shadow ? 0 : channel->move_count};
}

/* GW-5: the last word, by what the machine has just said. */
static enum weft_err check(struct weft_actor *actor, struct weft_actor_channel *channel,
    const struct weft_actor_values *values)
{
    struct weft_msg msg = {""};
    const struct weft_proof *proof = &channel->job->proof;
    const struct weft_envelope_facts facts = facts_of(actor, channel, values);
    if (!is_in_time(actor, channel->job)) {
        weft_actor_raise_alarm(actor, weft_actor_number(actor, channel), "stale",
            "the machine was too slow to say its values");
        weft_actor_end_job(channel); /* As if it had never come: the plant will ask. */
        return WEFT_OK;
    }
    enum weft_envelope_fault fault =
        weft_envelope_check(proof->envelopes, proof->envelope_count, &proof->command, &facts, &msg);
    return fault == WEFT_ENVELOPE_PASSED
               ? begin(actor, channel)
               : weft_actor_refuse(actor, channel, weft_envelope_fault_name(fault), msg.text);
}

static enum weft_err watch(struct weft_actor *actor, struct weft_actor_channel *channel,
    const struct weft_actor_values *values)
{
    const struct weft_proof *proof = &channel->job->proof;
    const struct weft_envelope_facts facts = facts_of(actor, channel, values);
    struct weft_msg msg = {""};
    for (uint32_t i = 0; i < proof->envelope_count; i++) {
        if (weft_envelope_check_interlocks(&proof->envelopes[i], &facts, &msg) !=
            WEFT_ENVELOPE_PASSED) {
            channel->wants_safe = !proof->is_shadow;
            return weft_actor_end_as(actor, channel, WEFT_RECEIPT_FAILED, "interlock", msg.text);
        }
    }
    return WEFT_OK;
}

/* What was read since, told once: when all is as it was to be, or when the time is over. */
enum weft_err weft_actor_measure(struct weft_actor *actor, struct weft_actor_channel *channel,
    const struct weft_actor_values *values)
{
    struct weft_actor_says says = {.outcome = WEFT_RECEIPT_MEASURED,
        .readings = values->readings,
        .reading_count = values->count,
        .command = command_of(channel)};
    bool is_shown =
        weft_actor_is_shown(says.command, values->readings, values->count, channel->job->done_ns);
    if (!is_shown && actor->mono_ms < channel->deadline_ms) {
        return WEFT_OK;
    }
    if (!is_shown) {
        weft_actor_raise_alarm(actor, weft_actor_number(actor, channel), "deviation",
            "an outcome was not read in its time");
    }
    struct weft_ledger_item *item = item_of(actor, channel);
    weft_assert(item != NULL && item->state == WEFT_RECEIPT_STATE_DONE); /* GW-3 */
    enum weft_err err = weft_actor_put_receipt(actor, item, &item->fence, &says);
    weft_actor_end_job(channel);
    return err;
}

enum weft_err weft_actor_on_values(struct weft_actor *actor, const struct weft_actor_values *values)
{
    if (values->channel >= actor->channel_count) {
        return WEFT_OK;
    }
    struct weft_actor_channel *channel = &actor->channels[values->channel];
    if (channel->job == NULL || channel->job->proof.is_shadow != values->is_shadow) {
        return WEFT_OK;
    }
    switch (channel->stage) {
    case WEFT_ACTOR_CHECKING:
        return check(actor, channel, values);
    case WEFT_ACTOR_ACTING:
        return watch(actor, channel, values);
    case WEFT_ACTOR_MEASURING:
        return weft_actor_measure(actor, channel, values);
    case WEFT_ACTOR_IDLE:
    case WEFT_ACTOR_BEGINNING:
        return WEFT_OK;
    }
    weft_unreachable("GW-3: a channel is in one of five stages");
}

/* --- acts ------------------------------------------------------------------------------------ */

enum weft_err weft_actor_on_acted(struct weft_actor *actor, const struct weft_actor_acted *acted)
{
    struct weft_actor_says says = {.outcome = WEFT_RECEIPT_UNKNOWN,
        .code = "machine",
        .detail = acted->detail,
        .readings = acted->readings,
        .reading_count = acted->count};
    if (acted->channel >= actor->channel_count) {
        return WEFT_OK;
    }
    struct weft_actor_channel *channel = &actor->channels[acted->channel];
    if (channel->stage != WEFT_ACTOR_ACTING || channel->act != acted->act || channel->wants_act) {
        weft_actor_raise_alarm(
            actor, acted->channel, "late", "a machine answered what has ended already");
        return WEFT_OK;
    }
    switch (acted->result) {
    case WEFT_ACTOR_RESULT_DONE:
        says.outcome = WEFT_RECEIPT_DONE;
        break;
    case WEFT_ACTOR_RESULT_FAILED:
        says.outcome = WEFT_RECEIPT_FAILED;
        break;
    case WEFT_ACTOR_RESULT_UNSENT: /* It was accepted: a plant hears no refusal any more. */
        says.outcome = WEFT_RECEIPT_FAILED;
        says.code = "unsent";
        break;
    case WEFT_ACTOR_RESULT_UNKNOWN:
        break;
    }
    return end(actor, channel, &says);
}

enum weft_err weft_actor_on_synced(struct weft_actor *actor, uint64_t frame)
{
    enum weft_err err = WEFT_OK;
    weft_assert(actor->is_flying && frame + 1 == actor->frame_number); /* GW-2 */
    actor->is_flying = false;
    actor->synced_number = frame;
    weft_outbox_synced(&actor->outbox, frame);
    for (uint32_t i = 0; i < actor->channel_count && err == WEFT_OK; i++) {
        struct weft_actor_channel *channel = &actor->channels[i];
        if (channel->stage == WEFT_ACTOR_BEGINNING && channel->frame <= frame) {
            err = act(actor, channel);
        }
    }
    return err;
}

enum weft_err weft_actor_on_settled(struct weft_actor *actor, uint64_t counter)
{
    return weft_outbox_settle(&actor->outbox, counter) ? weft_actor_put_settled(actor, counter)
                                                       : WEFT_OK;
}
