#include "ops/gateway/gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/crypto/random.h"
#include "policy/note.h"
#include "policy/together.h"
#include "proto/check.h"

enum {
    /* chosen: a journal is written anew when it is so much larger than what is known */
    REWRITE_MIN_BYTES = 32 * 1024 * 1024,
    REWRITE_TIMES = 4,
    TICK_MAX_MS = 1000, /* chosen: a clock that was set is seen by then */
};

struct channel {
    struct weft_machine *machine;
    char asset[WEFT_CHANNEL_SIZE_MAX + 1];
    uint64_t show_ms;
    uint64_t shown_ms; /* When it was shown last. */
};

/* A receipt that is signed at the end of the turn, with the others. */
struct parcel {
    uint64_t counter;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    struct weft_buffer text;
};

struct weft_gateway {
    uv_loop_t *loop;
    uv_timer_t timer;
    uv_prepare_t prepare; /* Carries out what the turn's events have led to. */
    uv_idle_t idle;       /* Runs while something is to be done: poll does not wait. */
    uint32_t handles;
    struct weft_actor actor;
    struct weft_journal *journal;
    const struct weft_signer *signer;
    struct weft_plant *plant;
    struct channel channels[WEFT_ACTOR_CHANNELS_MAX];
    struct weft_alarms alarms; /* For the plant. */
    bool is_plant_up;
    weft_gateway_on_log *on_log;
    weft_gateway_on_end *on_end;
    void *ctx;
    struct parcel parcels[WEFT_TOGETHER_TEXTS_MAX];
    uint32_t parcel_count;
    uint64_t frames;
    uint64_t rewritten_bytes; /* Size of the journal when it was written anew. */
    bool has_ended;
    bool is_closing;
};

static int64_t wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t mono_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void end(struct weft_gateway *g, enum weft_err err, const char *text)
{
    if (!g->has_ended) {
        g->has_ended = true;
        g->on_end(g->ctx, err, text);
    }
}

static void log_line(struct weft_gateway *g, const char *level, const char *word, const char *text)
{
    g->on_log(g->ctx, level, word, text);
}

/* --- events ---------------------------------------------------------------------------------- */

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* It only keeps the loop from waiting. */
}

static void step(struct weft_gateway *g, struct weft_actor_event *event)
{
    if (g->has_ended || g->is_closing) {
        return;
    }
    event->now_ns = wall_ns();
    event->mono_ms = mono_ms();
    enum weft_err err = weft_actor_step(&g->actor, event);
    if (err != WEFT_OK) {
        end(g, err, "the gateway has no memory for what it has to remember");
    }
    (void)uv_idle_start(&g->idle, on_idle);
}

static void on_values(void *ctx, const struct weft_actor_values *values)
{
    struct weft_gateway *g = ctx;
    struct weft_actor_event event = {.type = WEFT_ACTOR_VALUES, .values = *values};
    struct channel *channel = &g->channels[values->channel];
    step(g, &event);
    uint64_t now_ms = mono_ms();
    if (g->plant != NULL && g->plant->type->show != NULL && channel->asset[0] != '\0' &&
        !values->is_shadow && values->count > 0 && now_ms >= channel->shown_ms + channel->show_ms) {
        channel->shown_ms = now_ms;
        g->plant->type->show(
            g->plant, weft_text_of(channel->asset), values->readings, values->count);
    }
}

static void on_acted(void *ctx, const struct weft_actor_acted *acted)
{
    struct weft_actor_event event = {.type = WEFT_ACTOR_ACTED, .acted = *acted};
    step(ctx, &event);
}

static void on_machine_notice(void *ctx, uint32_t channel, const char *word, const char *text)
{
    struct weft_gateway *g = ctx;
    char line[512];
    (void)snprintf(line, sizeof(line), "channel=%s %s", g->actor.channels[channel].name, text);
    log_line(g, "info", word, line);
}

static void on_plant(void *ctx, bool is_up)
{
    struct weft_actor_event event = {.type = WEFT_ACTOR_PLANT, .is_plant_up = is_up};
    ((struct weft_gateway *)ctx)->is_plant_up = is_up;
    log_line(ctx, "info", is_up ? "plant-up" : "plant-down", "");
    step(ctx, &event);
}

static void on_bundle(void *ctx, struct weft_text bundle)
{
    struct weft_actor_event event = {.type = WEFT_ACTOR_BUNDLE, .bundle = bundle};
    step(ctx, &event);
}

static void on_ask(void *ctx, const struct weft_actor_ask *ask)
{
    struct weft_actor_event event = {.type = WEFT_ACTOR_ASK, .ask = *ask};
    step(ctx, &event);
}

static void on_settled(void *ctx, uint64_t counter, const char *why)
{
    struct weft_actor_event event = {.type = WEFT_ACTOR_SETTLED, .counter = counter};
    if (why != NULL) {
        log_line(ctx, "alarm", "receipt-refused", why);
    }
    step(ctx, &event);
}

/* One at a time, while there is a plant. */
static void send_alarm(struct weft_gateway *g)
{
    if (g->plant == NULL || g->plant->type->alarm == NULL || !g->is_plant_up || g->is_closing) {
        return;
    }
    const struct weft_alarm *alarm = weft_alarms_next(&g->alarms, mono_ms());
    if (alarm != NULL &&
        !g->plant->type->alarm(g->plant, weft_text_of(g->channels[alarm->channel].asset),
            weft_text_of(g->actor.channels[alarm->channel].name), alarm)) {
        weft_alarms_settle(&g->alarms, false, mono_ms());
    }
}

static void on_alarmed(void *ctx, const char *why)
{
    struct weft_gateway *g = ctx;
    bool is_over = why == NULL || why[0] != '\0';
    if (why != NULL && is_over) {
        log_line(g, "info", "alarm-not-taken", why);
    }
    weft_alarms_settle(&g->alarms, is_over, mono_ms());
}

/* One of no channel, a bundle that proves nothing, stands on the first machine that is shown. */
static void raise_alarm(struct weft_gateway *g, const struct weft_actor_effect *effect)
{
    struct weft_alarm alarm = {.channel = effect->channel};
    const char *word, *code;
    if (alarm.channel >= g->actor.channel_count) {
        alarm.channel = 0;
        while (
            alarm.channel < g->actor.channel_count && g->channels[alarm.channel].asset[0] == '\0') {
            alarm.channel++;
        }
    }
    if (alarm.channel >= g->actor.channel_count || g->channels[alarm.channel].asset[0] == '\0' ||
        !weft_alarms_is_told(effect->word, &word, &code) ||
        weft_random_bytes(alarm.id.bytes, sizeof(alarm.id.bytes), NULL) != WEFT_OK) {
        return;
    }
    (void)snprintf(alarm.word, sizeof(alarm.word), "%s", word);
    (void)snprintf(alarm.code, sizeof(alarm.code), "%s", code);
    struct weft_text text = effect->text;
    text.size = text.size < sizeof(alarm.text) ? text.size : sizeof(alarm.text) - 1;
    memcpy(alarm.text, text.data, text.size);
    alarm.text[weft_text_utf8_prefix(weft_text_of(alarm.text))] = '\0';
    weft_alarms_raise(&g->alarms, &alarm, mono_ms());
    send_alarm(g);
}

static void on_plant_notice(void *ctx, const char *word, const char *text)
{
    log_line(ctx, "info", word, text);
}

struct weft_machine_callbacks weft_gateway_machine_callbacks(struct weft_gateway *gateway)
{
    return (struct weft_machine_callbacks){.ctx = gateway,
        .on_values = on_values,
        .on_acted = on_acted,
        .on_notice = on_machine_notice};
}

struct weft_plant_callbacks weft_gateway_plant_callbacks(struct weft_gateway *gateway)
{
    return (struct weft_plant_callbacks){.ctx = gateway,
        .on_plant = on_plant,
        .on_bundle = on_bundle,
        .on_ask = on_ask,
        .on_settled = on_settled,
        .on_notice = on_plant_notice,
        .on_alarmed = on_alarmed};
}

/* --- effects --------------------------------------------------------------------------------- */

/* GW-2: synced before anything else is done. */
static void write_frame(struct weft_gateway *g, const struct weft_actor_effect *effect)
{
    struct weft_msg msg = {""};
    enum weft_err err = weft_journal_append(g->journal, effect->frame, &msg);
    if (err != WEFT_OK) {
        end(g, err, msg.text);
        return;
    }
    g->frames++;
    struct weft_actor_event event = {.type = WEFT_ACTOR_SYNCED, .frame = effect->number};
    step(g, &event);
}

/* One signature for all: what is verified on every node is one signature too. */
static void send_receipts(struct weft_gateway *g)
{
    struct weft_text texts[WEFT_TOGETHER_TEXTS_MAX];
    struct weft_buffer notes[WEFT_TOGETHER_TEXTS_MAX];
    struct weft_msg msg = {""};
    uint32_t count = g->parcel_count;
    g->parcel_count = 0;
    if (count == 0) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = weft_buffer_as_text(&g->parcels[i].text);
        notes[i] = (struct weft_buffer){0};
    }
    enum weft_err err = weft_together_sign(texts, count, g->signer, notes, &msg);
    if (err != WEFT_OK) {
        end(g, err, msg.text);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct parcel *parcel = &g->parcels[i];
        if (err == WEFT_OK && g->plant != NULL) {
            g->plant->type->send(
                g->plant, parcel->counter, parcel->id, weft_buffer_as_text(&notes[i]));
        }
        weft_buffer_destroy(&notes[i]);
    }
    if (err == WEFT_OK && g->plant != NULL && g->plant->type->flush != NULL) {
        g->plant->type->flush(g->plant);
    }
}

/* It is durable (GW-2), and lost here it is sent again. */
static void gather_receipt(struct weft_gateway *g, const struct weft_actor_effect *effect)
{
    struct parcel *parcel = &g->parcels[g->parcel_count];
    struct weft_receipt_note receipt;
    struct weft_msg msg = {""};
    enum weft_err err = weft_receipt_note_decode(effect->text, &receipt, &msg);
    weft_buffer_clear(&parcel->text);
    if (err == WEFT_OK) {
        err = weft_buffer_text(&parcel->text, effect->text);
    }
    if (err != WEFT_OK) {
        end(g, err, msg.text);
        return;
    }
    parcel->counter = effect->number;
    memcpy(parcel->id, receipt.id, sizeof(parcel->id));
    if (++g->parcel_count == WEFT_TOGETHER_TEXTS_MAX) {
        send_receipts(g);
    }
}

static void tell_alarm(struct weft_gateway *g, const struct weft_actor_effect *effect)
{
    char line[512];
    bool is_of_channel = effect->channel < g->actor.channel_count;
    (void)snprintf(line, sizeof(line), "%s%s%s%.*s", is_of_channel ? "channel=" : "",
        is_of_channel ? g->actor.channels[effect->channel].name : "", is_of_channel ? " " : "",
        (int)effect->text.size, effect->text.data);
    log_line(g, "alarm", effect->word, line);
    raise_alarm(g, effect);
}

/* How old the plant's decision is when the machine is told: 5 s are all there are. */
static void log_act(struct weft_gateway *g, const struct weft_actor_effect *effect)
{
    char line[512], subject[WEFT_COMMAND_SUBJECT_SIZE];
    const struct weft_actor_channel *channel = &g->actor.channels[effect->channel];
    int64_t age_ms = (wall_ns() - channel->job->proof.leaf.time_ns) / 1000000;
    weft_command_subject(effect->command->id, subject);
    (void)snprintf(line, sizeof(line), "channel=%s %s shadow=%d age_ms=%" PRId64, channel->name,
        subject, effect->is_shadow, age_ms);
    log_line(g, "info", "act", line);
}

static void carry_out(struct weft_gateway *g, const struct weft_actor_effect *effect)
{
    struct weft_machine *machine =
        effect->channel < WEFT_ACTOR_CHANNELS_MAX ? g->channels[effect->channel].machine : NULL;
    switch (effect->type) {
    case WEFT_ACTOR_FRAME:
        write_frame(g, effect);
        return;
    case WEFT_ACTOR_READ:
        if (machine != NULL) {
            machine->type->read(machine, effect->is_shadow);
        }
        return;
    case WEFT_ACTOR_ACT:
        weft_assert(machine != NULL); /* GW-1: a channel that is not retired has one */
        machine->type->act(machine, effect->number, effect->command, effect->is_shadow);
        log_act(g, effect);
        return;
    case WEFT_ACTOR_SAFE:
        if (machine != NULL) {
            machine->type->safe(machine, effect->safe);
        }
        return;
    case WEFT_ACTOR_RECEIPT:
        gather_receipt(g, effect);
        return;
    case WEFT_ACTOR_ALARM:
        tell_alarm(g, effect);
        return;
    }
    weft_unreachable("GW-3: an effect is of a type that there is");
}

/* --- the journal, in fewer words ------------------------------------------------------------- */

struct saving {
    const struct weft_actor *actor;
    uint64_t cursor;
};

static enum weft_err next_saved(void *ctx, struct weft_buffer *out, bool *ret_is_last)
{
    struct saving *saving = ctx;
    return weft_actor_save(saving->actor, &saving->cursor, out, ret_is_last);
}

static void rewrite(struct weft_gateway *g)
{
    struct saving saving = {.actor = &g->actor};
    struct weft_msg msg = {""};
    uint64_t size = weft_journal_size(g->journal);
    if (size < REWRITE_MIN_BYTES || size < REWRITE_TIMES * g->rewritten_bytes) {
        return;
    }
    enum weft_err err = weft_journal_rewrite(g->journal, next_saved, &saving, &msg);
    g->rewritten_bytes = weft_journal_size(g->journal);
    if (err != WEFT_OK) {
        g->rewritten_bytes =
            size; /* Not again at once; whether it goes on, the next frame tells. */
        log_line(g, "alarm", "journal", msg.text);
    }
}

/* --- turns ----------------------------------------------------------------------------------- */

/* What a machine shows while it is not commanded: what is desired of it is to be seen met. */
static void look(struct weft_gateway *g)
{
    uint64_t now_ms = mono_ms();
    for (uint32_t i = 0; i < g->actor.channel_count; i++) {
        struct channel *channel = &g->channels[i];
        if (channel->machine != NULL && channel->asset[0] != '\0' &&
            g->actor.channels[i].job == NULL && now_ms >= channel->shown_ms + channel->show_ms) {
            channel->machine->type->read(channel->machine, false);
        }
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct weft_actor_event event = {.type = WEFT_ACTOR_TICK};
    step(timer->data, &event);
    look(timer->data);
    send_alarm(timer->data);
}

static void wait(struct weft_gateway *g)
{
    uint64_t wake_ms = weft_actor_wake_ms(&g->actor), now_ms = mono_ms();
    uint64_t left_ms = wake_ms > now_ms ? wake_ms - now_ms : 0;
    uv_update_time(g->loop);
    (void)uv_timer_start(&g->timer, on_timer, left_ms < TICK_MAX_MS ? left_ms : TICK_MAX_MS, 0);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct weft_gateway *g = prepare->data;
    struct weft_actor_effect effect;
    if (!uv_is_active((uv_handle_t *)&g->idle)) {
        return;
    }
    while (!g->has_ended && !g->is_closing && weft_actor_next(&g->actor, &effect)) {
        carry_out(g, &effect);
    }
    (void)uv_idle_stop(&g->idle);
    if (!g->has_ended && !g->is_closing) {
        send_receipts(g);
        rewrite(g);
        wait(g);
    }
}

/* --- life ------------------------------------------------------------------------------------ */

static enum weft_err on_frame(void *ctx, struct weft_bytes frame, struct weft_msg *msg)
{
    return weft_actor_load(ctx, frame, msg);
}

static enum weft_err open_actor(
    struct weft_gateway *g, const struct weft_gateway_options *options, struct weft_msg *msg)
{
    struct weft_journal_start start;
    char text[160];
    enum weft_err err = WEFT_OK;
    weft_actor_init(&g->actor, options->trust);
    for (uint32_t i = 0; i < options->channel_count && err == WEFT_OK; i++) {
        const struct weft_gateway_channel *channel = &options->channels[i];
        err = weft_actor_add_channel(&g->actor, channel->name, channel->lost_ms, msg);
        (void)snprintf(g->channels[i].asset, sizeof(g->channels[i].asset), "%.*s",
            (int)channel->asset.size, channel->asset.data != NULL ? channel->asset.data : "");
        g->channels[i].show_ms = channel->show_ms;
    }
    if (err == WEFT_OK) {
        err = weft_journal_open(options->directory, on_frame, &g->actor, &g->journal, &start, msg);
    }
    if (err == WEFT_OK) {
        err = weft_actor_start(&g->actor, wall_ns(), mono_ms(), msg);
    }
    if (err == WEFT_OK) {
        (void)snprintf(text, sizeof(text), "frames=%" PRIu64 " torn_bytes=%" PRIu64, start.frames,
            start.torn_bytes);
        log_line(g, start.torn_bytes > 0 ? "alarm" : "info", "journal", text);
    }
    return err;
}

enum weft_err weft_gateway_open(const struct weft_gateway_options *options,
    struct weft_gateway **ret_gateway, struct weft_msg *msg)
{
    struct weft_gateway *g = calloc(1, sizeof(*g));
    if (g == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a gateway");
    }
    g->loop = options->loop;
    g->signer = options->signer;
    g->on_log = options->on_log;
    g->on_end = options->on_end;
    g->ctx = options->ctx;
    enum weft_err err = open_actor(g, options, msg);
    if (err != WEFT_OK) {
        weft_journal_close(g->journal);
        weft_actor_destroy(&g->actor);
        free(g);
        return err;
    }
    (void)uv_timer_init(g->loop, &g->timer);
    (void)uv_prepare_init(g->loop, &g->prepare);
    (void)uv_idle_init(g->loop, &g->idle);
    g->timer.data = g->prepare.data = g->idle.data = g;
    g->handles = 3;
    (void)uv_prepare_start(&g->prepare, on_prepare);
    (void)uv_idle_start(&g->idle, on_idle); /* What the journal left to be done. */
    *ret_gateway = g;
    return WEFT_OK;
}

void weft_gateway_set_machine(
    struct weft_gateway *gateway, uint32_t channel, struct weft_machine *machine)
{
    weft_assert(channel < gateway->actor.channel_count); /* GW-1 */
    gateway->channels[channel].machine = machine;
}

void weft_gateway_set_plant(struct weft_gateway *gateway, struct weft_plant *plant)
{
    gateway->plant = plant;
}

static void on_closed(uv_handle_t *handle)
{
    struct weft_gateway *g = handle->data;
    if (--g->handles == 0) {
        for (uint32_t i = 0; i < WEFT_TOGETHER_TEXTS_MAX; i++) {
            weft_buffer_destroy(&g->parcels[i].text);
        }
        weft_journal_close(g->journal);
        weft_actor_destroy(&g->actor);
        free(g);
    }
}

void weft_gateway_close(struct weft_gateway *g)
{
    g->is_closing = true;
    if (g->plant != NULL) {
        g->plant->type->close(g->plant);
    }
    for (uint32_t i = 0; i < g->actor.channel_count; i++) {
        if (g->channels[i].machine != NULL) {
            g->channels[i].machine->type->close(g->channels[i].machine);
        }
    }
    uv_close((uv_handle_t *)&g->timer, on_closed);
    uv_close((uv_handle_t *)&g->prepare, on_closed);
    uv_close((uv_handle_t *)&g->idle, on_closed);
}

struct weft_gateway_counts weft_gateway_count(const struct weft_gateway *g)
{
    return (struct weft_gateway_counts){.acts = g->actor.acts,
        .refusals = g->actor.refusals,
        .frames = g->frames,
        .journal_bytes = weft_journal_size(g->journal),
        .unsettled = g->actor.outbox.unsettled,
        .commands = g->actor.ledger.count};
}
