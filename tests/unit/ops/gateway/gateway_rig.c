#include "tests/unit/ops/gateway/gateway_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/audit_leaf.h"

#define MS_NS INT64_C(1000000)

static void must(enum weft_err err, const char *what, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", what, weft_err_name(err), msg->text);
        abort();
    }
}

/* --- documents ------------------------------------------------------------------------------- */

struct weft_envelope_note rig_envelope(void)
{
    struct weft_envelope_note envelope = commands_envelope();
    envelope.safe_verb = WEFT_TEXT("set-speed");
    envelope.safe_count = 1;
    envelope.safe_args[0] = (struct weft_command_arg){
        WEFT_TEXT("speed"), {.type = WEFT_SCALAR_NUMBER, .unit = WEFT_TEXT("rpm")}};
    return envelope;
}

static void seal(struct weft_command_note *command, const struct weft_envelope_note *envelope)
{
    struct weft_buffer text = commands_envelope_text(envelope);
    command->envelopes[0].digest = weft_sha256(text.data, text.size);
    weft_buffer_destroy(&text);
    commands_seal(command);
}

struct weft_command_note rig_command(uint8_t number, enum weft_command_class class)
{
    struct weft_command_note command = commands_command();
    struct weft_envelope_note envelope = rig_envelope();
    command.id[0] = number;
    command.class = class;
    seal(&command, &envelope);
    return command;
}

static struct weft_buffer make_leaf(int64_t now_ns, const struct weft_command_note *command,
    const struct weft_approval_note *approval, const struct weft_fence *fence, bool is_shadow)
{
    struct weft_msg msg = {""};
    struct weft_buffer out = {0};
    char subject[WEFT_COMMAND_SUBJECT_SIZE];
    weft_command_subject(command->id, subject);
    bool is_first = memcmp(&command->digest, &approval->digest, sizeof(command->digest)) < 0;
    const struct weft_audit_leaf leaf = {.number = COMMANDS_LEAF,
        .term = fence->term,
        .index = fence->index,
        .time_ns = now_ns,
        .act = weft_text_of(is_shadow ? WEFT_PROOF_ACT_SHADOW : WEFT_PROOF_ACT_INTENT),
        .subject = weft_text_of(subject),
        .effect = WEFT_AUDIT_ALLOW,
        .statement = WEFT_TEXT("setpoint"),
        .version = 42,
        .line = 17,
        .count = 1,
        .from = WEFT_TEXT("SELECTED"),
        .to = weft_text_of(is_shadow ? WEFT_PROOF_STATE_SHADOW : WEFT_PROOF_STATE_INTENT),
        .evidence_count = 2,
        .evidence = {is_first ? command->digest : approval->digest,
            is_first ? approval->digest : command->digest}};
    must(weft_audit_leaf_encode(&leaf, &out, &msg), "leaf", &msg);
    return out;
}

static struct weft_approval_note approve(const struct weft_command_note *command, int64_t now_ns)
{
    struct weft_msg msg = {""};
    struct weft_buffer text = {0};
    struct weft_approval_note approval = commands_approval(command, COMMANDS_BO);
    approval.signed_ns = now_ns;
    approval.expires_ns = now_ns + 60 * SIGNERS_SECOND_NS;
    must(weft_approval_note_encode(&approval, &text, &msg), "approval", &msg);
    approval.digest = weft_sha256(text.data, text.size);
    weft_buffer_destroy(&text);
    return approval;
}

struct weft_buffer rig_make_bundle(int64_t now_ns, struct weft_command_note *command,
    const struct weft_envelope_note *envelope, const struct weft_fence *fence, bool is_shadow)
{
    struct weft_msg msg = {""};
    seal(command, envelope);
    struct weft_approval_note approval = approve(command, now_ns);
    struct weft_buffer own = commands_note(command), other = commands_approval_note(&approval);
    struct weft_buffer limits = commands_envelope_text(envelope);
    struct weft_buffer leaf = make_leaf(now_ns, command, &approval, fence, is_shadow);
    struct weft_buffer proof = commands_proof(&leaf, 1), out = {0};
    const struct weft_proof_bundle bundle = {.fence = *fence,
        .command = weft_buffer_as_text(&own),
        .approval_count = 1,
        .approvals = {weft_buffer_as_text(&other)},
        .envelope_count = 1,
        .envelopes = {weft_buffer_as_text(&limits)},
        .leaf = weft_buffer_as_text(&leaf),
        .proof = weft_buffer_as_text(&proof)};
    must(weft_proof_bundle_encode(&bundle, &out, &msg), "bundle", &msg);
    weft_buffer_destroy(&own);
    weft_buffer_destroy(&other);
    weft_buffer_destroy(&limits);
    weft_buffer_destroy(&leaf);
    weft_buffer_destroy(&proof);
    return out;
}

struct weft_buffer rig_bundle(struct rig *rig, struct weft_command_note *command,
    const struct weft_envelope_note *envelope, uint64_t term, uint64_t index, bool is_shadow)
{
    struct weft_envelope_note usual = rig_envelope();
    const struct weft_fence fence = {term, index};
    return rig_make_bundle(
        rig->now_ns, command, envelope != NULL ? envelope : &usual, &fence, is_shadow);
}

/* --- the disk -------------------------------------------------------------------------------- */

static void start(struct rig *rig)
{
    struct weft_msg msg = {""};
    weft_actor_init(&rig->actor, &rig->trust);
    must(weft_actor_add_channel(&rig->actor, WEFT_TEXT(COMMANDS_CHANNEL), RIG_LOST_MS, &msg),
        "channel", &msg);
    for (size_t at = 0; at + 4 <= rig->disk.size;) {
        uint32_t size;
        memcpy(&size, rig->disk.data + at, sizeof(size));
        if (size > rig->disk.size - at - 4) {
            rig->disk.size = at; /* Torn. The journal's own tests are in test_journal.c. */
            break;
        }
        must(weft_actor_load(&rig->actor, (struct weft_bytes){rig->disk.data + at + 4, size}, &msg),
            "load", &msg);
        at += 4 + size;
    }
    rig->is_dead = false;
    rig->next_frame = 1;
    must(weft_actor_start(&rig->actor, rig->now_ns, rig->mono_ms, &msg), "start", &msg);
}

static void write_disk(struct rig *rig, struct weft_bytes frame, size_t part)
{
    struct weft_msg msg = {""};
    uint32_t size = (uint32_t)frame.size;
    must(weft_buffer_append(&rig->disk, &size, sizeof(size)), "disk", &msg);
    must(weft_buffer_append(&rig->disk, frame.data, part), "disk", &msg);
}

/* Does the disk say that this command was begun under this token? */
static bool disk_has_begun(
    const struct rig *rig, const struct weft_command_note *command, const struct weft_fence *fence)
{
    struct weft_msg msg = {""};
    bool has = false, is_fenced = false;
    for (size_t at = 0; at + 4 <= rig->disk.size;) {
        uint32_t size;
        memcpy(&size, rig->disk.data + at, sizeof(size));
        struct weft_bytes frame = {rig->disk.data + at + 4, size};
        while (frame.size > 0) {
            struct weft_memo entry;
            must(weft_memo_decode(&frame, &entry, &msg), "entry", &msg);
            if (entry.kind == WEFT_MEMO_COMMAND &&
                memcmp(entry.command.id, command->id, sizeof(command->id)) == 0) {
                has = entry.command.state == WEFT_RECEIPT_STATE_BEGUN &&
                      weft_fence_compare(&entry.command.fence, fence) == 0;
            }
            if (entry.kind == WEFT_MEMO_CHANNEL) {
                is_fenced = weft_fence_compare(&entry.channel.fence, fence) == 0;
            }
        }
        at += 4 + size;
    }
    return has && is_fenced;
}

/* --- life ------------------------------------------------------------------------------------ */

/* Made once: keys take longer than most tests. */
static struct weft_keyring ring;

void rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->gateway = signers_principal(COMMANDS_GATEWAY);
    if (ring.count == 0) {
        ring = signers_ring();
    }
    rig->ring = ring;
    rig->trust = (struct weft_proof_trust){.seen = &rig->seen,
        .origin = WEFT_TEXT(COMMANDS_ORIGIN),
        .logs = commands_logs(),
        .log_count = COMMANDS_NODES,
        .log_needed = 1,
        .ring = &rig->ring,
        .ring_index = 20,
        .gateway = &rig->gateway};
    rig->now_ns = SIGNERS_NOW_NS;
    rig->mono_ms = 1000;
    rig->guard_is_closed = true;
    rig->takes_receipts = true;
    rig->speed = 40 * WEFT_SCALAR_ONE;
    start(rig);
    rig_plant(rig, true);
}

void rig_close(struct rig *rig)
{
    weft_actor_destroy(&rig->actor);
    weft_buffer_destroy(&rig->disk);
}

void rig_restart(struct rig *rig)
{
    weft_actor_destroy(&rig->actor);
    start(rig);
    rig_plant(rig, true);
}

/* True: here it ends. */
static bool is_killed(struct rig *rig)
{
    rig->boundary++;
    bool is_now = rig->boundary == rig->kill_at || rig->boundary == rig->kill_again_at;
    if (is_now) {
        rig->kills++;
        rig->is_dead = true;
    }
    return is_now;
}

/* --- the machine ----------------------------------------------------------------------------- */

static uint32_t read_values(const struct rig *rig, struct weft_reading ret_readings[2])
{
    int64_t at_ns = rig->now_ns - rig->now_ns % MS_NS;
    ret_readings[0] = (struct weft_reading){WEFT_TEXT("guard/closed"),
        {.type = WEFT_SCALAR_TRUTH, .truth = rig->guard_is_closed}, at_ns};
    ret_readings[1] = (struct weft_reading){WEFT_TEXT("speed"),
        {.type = WEFT_SCALAR_NUMBER, .number = rig->speed, .unit = WEFT_TEXT("rpm")}, at_ns};
    return 2;
}

static void step(struct rig *rig, struct weft_actor_event *event)
{
    struct weft_msg msg = {""};
    event->now_ns = rig->now_ns;
    event->mono_ms = rig->mono_ms;
    must(weft_actor_step(&rig->actor, event), "step", &msg);
}

static void say_values(struct rig *rig, bool is_shadow)
{
    struct weft_reading readings[2];
    struct weft_actor_event event = {.type = WEFT_ACTOR_VALUES};
    event.values = (struct weft_actor_values){0, is_shadow, readings, read_values(rig, readings)};
    step(rig, &event);
}

static void say_acted(struct rig *rig, uint64_t number, enum weft_actor_result result)
{
    struct weft_reading readings[2];
    struct weft_actor_event event = {.type = WEFT_ACTOR_ACTED};
    event.acted = (struct weft_actor_acted){.act = number,
        .result = result,
        .detail = WEFT_TEXT("said the machine"),
        .readings = readings,
        .count = read_values(rig, readings)};
    step(rig, &event);
}

static bool act(struct rig *rig, const struct weft_actor_effect *effect)
{
    uint8_t number = effect->command->id[0];
    EXPECT_TRUE(number < RIG_COMMANDS_MAX);
    const struct weft_fence fence = rig->actor.channels[0].fence;
    /* GW-2: nothing moves that is not durably begun. */
    EXPECT_TRUE(disk_has_begun(rig, effect->command, &fence));
    if (rig->mood != RIG_UNREACHABLE) {
        rig->told[number][effect->is_shadow]++;
        rig->told_fence[number] = fence;
    }
    if (is_killed(rig)) {
        return false;
    }
    switch (rig->mood) {
    case RIG_FOLLOWS:
        say_acted(rig, effect->number, WEFT_ACTOR_RESULT_DONE);
        break;
    case RIG_FAILS:
        say_acted(rig, effect->number, WEFT_ACTOR_RESULT_FAILED);
        break;
    case RIG_UNREACHABLE:
        say_acted(rig, effect->number, WEFT_ACTOR_RESULT_UNSENT);
        break;
    case RIG_UNSURE:
        say_acted(rig, effect->number, WEFT_ACTOR_RESULT_UNKNOWN);
        break;
    case RIG_SILENT:
        break;
    }
    return true;
}

/* --- effects --------------------------------------------------------------------------------- */

static void take_receipt(struct rig *rig, const struct weft_actor_effect *effect)
{
    struct weft_msg msg = {""};
    EXPECT_TRUE(rig->receipt_count < RIG_RECEIPTS_MAX);
    struct rig_receipt *receipt = &rig->receipts[rig->receipt_count++];
    EXPECT_TRUE(effect->text.size < sizeof(receipt->text));
    memcpy(receipt->text, effect->text.data, effect->text.size);
    receipt->size = effect->text.size;
    must(weft_receipt_note_decode(
             (struct weft_text){receipt->text, receipt->size}, &receipt->note, &msg),
        "receipt", &msg);
    EXPECT_EQ(effect->number, receipt->note.counter);
    /* GW-2: what is told is durable. */
    EXPECT_TRUE(memmem(rig->disk.data, rig->disk.size, receipt->text, receipt->size) != NULL);
}

/* False: it was killed meanwhile. */
static bool carry_out(struct rig *rig, const struct weft_actor_effect *effect)
{
    struct weft_actor_event event = {.type = WEFT_ACTOR_SYNCED, .frame = effect->number};
    switch (effect->type) {
    case WEFT_ACTOR_FRAME:
        EXPECT_EQ(rig->next_frame++, effect->number);
        if (is_killed(rig)) {
            if (rig->is_torn) {
                write_disk(rig, effect->frame, effect->frame.size / 2);
            }
            return false;
        }
        write_disk(rig, effect->frame, effect->frame.size);
        if (is_killed(rig)) {
            return false;
        }
        step(rig, &event);
        return true;
    case WEFT_ACTOR_READ:
        if (!rig->is_dumb) {
            say_values(rig, effect->is_shadow);
        }
        return true;
    case WEFT_ACTOR_ACT:
        return act(rig, effect);
    case WEFT_ACTOR_SAFE:
        rig->safes++;
        (void)snprintf(
            rig->safe, sizeof(rig->safe), "%.*s", (int)effect->safe.size, effect->safe.data);
        return true;
    case WEFT_ACTOR_RECEIPT:
        take_receipt(rig, effect);
        if (is_killed(rig)) {
            return false;
        }
        event = (struct weft_actor_event){.type = WEFT_ACTOR_SETTLED, .counter = effect->number};
        if (rig->takes_receipts) {
            step(rig, &event);
        }
        return true;
    case WEFT_ACTOR_ALARM:
        rig->alarm_count++;
        (void)snprintf(rig->alarm, sizeof(rig->alarm), "%s", effect->word);
        (void)snprintf(rig->alarm_text, sizeof(rig->alarm_text), "%.*s", (int)effect->text.size,
            effect->text.data);
        return true;
    }
    return true;
}

static void pump(struct rig *rig)
{
    struct weft_actor_effect effect;
    while (!rig->is_dead && weft_actor_next(&rig->actor, &effect)) {
        if (is_killed(rig) || !carry_out(rig, &effect)) {
            return;
        }
    }
}

/* --- events ---------------------------------------------------------------------------------- */

static void happen(struct rig *rig, struct weft_actor_event *event)
{
    if (!rig->is_dead) {
        step(rig, event);
        pump(rig);
    }
}

void rig_give(struct rig *rig, const struct weft_buffer *bundle)
{
    struct weft_actor_event event = {
        .type = WEFT_ACTOR_BUNDLE, .bundle = weft_buffer_as_text(bundle)};
    happen(rig, &event);
}

/* Signing takes most of a run's time: bundles are made once for each place and time. */
static const struct weft_buffer *usual_bundle(
    struct rig *rig, uint8_t number, enum weft_command_class class, const struct weft_fence *fence)
{
    static struct {
        uint8_t number;
        enum weft_command_class class;
        struct weft_fence fence;
        int64_t now_ns;
        struct weft_buffer bundle;
    } made[64];
    static uint32_t count;
    for (uint32_t i = 0; i < 64 && i < count; i++) {
        if (made[i].number == number && made[i].class == class && made[i].now_ns == rig->now_ns &&
            weft_fence_compare(&made[i].fence, fence) == 0) {
            return &made[i].bundle;
        }
    }
    uint32_t place = count++ % 64;
    struct weft_command_note command = rig_command(number, class);
    weft_buffer_destroy(&made[place].bundle);
    made[place].number = number;
    made[place].class = class;
    made[place].fence = *fence;
    made[place].now_ns = rig->now_ns;
    made[place].bundle = rig_bundle(rig, &command, NULL, fence->term, fence->index, false);
    return &made[place].bundle;
}

void rig_give_command(
    struct rig *rig, uint8_t number, enum weft_command_class class, uint64_t term, uint64_t index)
{
    const struct weft_fence fence = {term, index};
    rig_give(rig, usual_bundle(rig, number, class, &fence));
}

void rig_ask(
    struct rig *rig, uint8_t number, enum weft_command_class class, uint64_t term, uint64_t index)
{
    struct weft_command_note command = rig_command(number, class);
    struct weft_actor_event event = {.type = WEFT_ACTOR_ASK};
    event.ask = (struct weft_actor_ask){
        .channel = command.channel, .digest = command.digest, .fence = {term, index}};
    memcpy(event.ask.id, command.id, sizeof(command.id));
    happen(rig, &event);
}

void rig_plant(struct rig *rig, bool is_up)
{
    struct weft_actor_event event = {.type = WEFT_ACTOR_PLANT, .is_plant_up = is_up};
    happen(rig, &event);
}

void rig_values(struct rig *rig)
{
    if (!rig->is_dead) {
        say_values(rig, false);
        pump(rig);
    }
}

void rig_wait(struct rig *rig, uint64_t ms)
{
    for (uint64_t gone = 0; gone < ms; gone += 100) {
        struct weft_actor_event event = {.type = WEFT_ACTOR_TICK};
        rig->mono_ms += 100;
        rig->now_ns += 100 * MS_NS;
        happen(rig, &event);
    }
}

/* --- judging --------------------------------------------------------------------------------- */

uint32_t rig_count(const struct rig *rig, uint8_t number, enum weft_receipt_outcome outcome)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig->receipt_count; i++) {
        count += rig->receipts[i].note.id[0] == number && rig->receipts[i].note.outcome == outcome;
    }
    return count;
}

const struct weft_receipt_note *rig_last(
    const struct rig *rig, uint8_t number, enum weft_receipt_outcome outcome)
{
    const struct weft_receipt_note *last = NULL;
    for (uint32_t i = 0; i < rig->receipt_count; i++) {
        const struct weft_receipt_note *note = &rig->receipts[i].note;
        last = note->id[0] == number && note->outcome == outcome ? note : last;
    }
    EXPECT_TRUE(last != NULL);
    return last;
}

static void judge_receipts(const struct rig *rig)
{
    for (uint32_t i = 0; i < rig->receipt_count; i++) {
        const struct weft_receipt_note *a = &rig->receipts[i].note;
        for (uint32_t k = 0; k < i; k++) {
            const struct weft_receipt_note *b = &rig->receipts[k].note;
            bool is_one = a->counter == b->counter;
            bool is_same =
                rig->receipts[i].size == rig->receipts[k].size &&
                memcmp(rig->receipts[i].text, rig->receipts[k].text, rig->receipts[i].size) == 0;
            EXPECT_EQ(is_one, is_same);
        }
        /* GW-8: who was told "none" is not contradicted by an act under an older token. */
        if (a->outcome == WEFT_RECEIPT_STATE && a->state == WEFT_RECEIPT_STATE_NONE &&
            rig->told[a->id[0]][0] > 0) {
            EXPECT_TRUE(weft_fence_compare(&rig->told_fence[a->id[0]], &a->fence) > 0);
        }
    }
}

void rig_judge(const struct rig *rig)
{
    judge_receipts(rig);
    for (unsigned number = 0; number < RIG_COMMANDS_MAX; number++) {
        uint8_t n = (uint8_t)number;
        uint32_t done = 0, ends = 0;
        bool seen[WEFT_RECEIPT_OUTCOMES] = {false};
        for (int o = 0; o < WEFT_RECEIPT_OUTCOMES; o++) {
            seen[o] = rig_count(rig, n, (enum weft_receipt_outcome)o) > 0;
        }
        done = seen[WEFT_RECEIPT_DONE];
        ends = done + seen[WEFT_RECEIPT_FAILED] + seen[WEFT_RECEIPT_REFUSED] +
               seen[WEFT_RECEIPT_UNKNOWN];
        EXPECT_TRUE(rig->told[n][0] <= 1); /* GW-3: whatever the class */
        if (rig->told[n][1] == 0) {
            EXPECT_TRUE(ends <= 1);                     /* GW-3: it ends in one way */
            EXPECT_TRUE(!done || rig->told[n][0] == 1); /* Done is done. */
            EXPECT_TRUE(!seen[WEFT_RECEIPT_REFUSED] || rig->told[n][0] == 0);
            EXPECT_TRUE(rig->told[n][0] == 0 || seen[WEFT_RECEIPT_ACCEPTED] || rig->is_dead ||
                        !rig->takes_receipts);
        }
    }
}
