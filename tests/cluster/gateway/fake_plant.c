#include "tests/cluster/gateway/fake_plant.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ops/weft/files.h"
#include "policy/note.h"

static void must(enum weft_err err, const char *what, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", what, weft_err_name(err), msg->text);
        abort();
    }
}

static int64_t wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- the plant ------------------------------------------------------------------------------- */

static void on_send(struct weft_plant *plant, uint64_t counter,
    const uint8_t id[WEFT_COMMAND_ID_SIZE], struct weft_text text)
{
    struct fake *fake = (struct fake *)plant;
    struct weft_note note;
    struct weft_note_mark mark;
    struct weft_msg msg = {""};
    EXPECT_TRUE(fake->receipt_count < FAKE_RECEIPTS_MAX);
    struct fake_receipt *receipt = &fake->receipts[fake->receipt_count++];
    must(weft_note_parse(text, &note, &msg), "receipt", &msg);
    note.together = &fake->together;
    must(weft_note_verify(&note, &fake->signer.verifier, 1, &mark, &msg), "receipt", &msg);
    EXPECT_TRUE(note.text.size < sizeof(receipt->text));
    memcpy(receipt->text, note.text.data, note.text.size);
    must(weft_receipt_note_decode(
             (struct weft_text){receipt->text, note.text.size}, &receipt->note, &msg),
        "receipt", &msg);
    EXPECT_MEM(id, receipt->note.id, WEFT_COMMAND_ID_SIZE);
    receipt->counter = counter;
    if (fake->may_die && receipt->note.outcome == fake->dies_at) {
        (void)kill(getpid(), SIGKILL);
    }
}

static void on_show(struct weft_plant *plant, struct weft_text asset,
    const struct weft_reading *readings, uint32_t count)
{
    struct fake *fake = (struct fake *)plant;
    const struct weft_reading *guard =
        weft_reading_find(readings, count, WEFT_TEXT("guard/closed"));
    (void)asset;
    fake->shows++;
    fake->guard_is_closed = guard != NULL && guard->value.truth;
}

static void on_close(struct weft_plant *plant)
{
    (void)plant;
}

static const struct weft_plant_type fake_type = {
    .name = "fake", .send = on_send, .show = on_show, .close = on_close};

static void on_log(void *ctx, const char *level, const char *word, const char *text)
{
    struct fake *fake = ctx;
    (void)text;
    if (strcmp(level, "alarm") == 0) {
        (void)snprintf(fake->alarm, sizeof(fake->alarm), "%s", word);
    }
}

static void on_end(void *ctx, enum weft_err err, const char *text)
{
    (void)fprintf(stderr, "ends: %s: %s\n", weft_err_name(err), text);
    ((struct fake *)ctx)->has_ended = true;
}

/* --- life ------------------------------------------------------------------------------------ */

static struct weft_machine *open_press(struct fake *fake)
{
    struct weft_msg msg = {""};
    struct weft_machine *machine = NULL;
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/press7", fake->directory);
    const struct weft_machine_sim_options options = {.loop = &fake->loop,
        .directory = path,
        .kind = WEFT_TEXT("press"),
        .answer_ms = WEFT_MACHINE_SIM_ANSWER_MS,
        .callbacks = weft_gateway_machine_callbacks(fake->gateway)};
    must(weft_machine_sim_open(&options, &machine, &msg), "machine", &msg);
    return machine;
}

void fake_open(struct fake *fake, const char *directory)
{
    fake_open_with(fake, directory, open_press);
}

void fake_open_with(struct fake *fake, const char *directory,
    struct weft_machine *(*open_machine)(struct fake *fake))
{
    struct weft_msg msg = {""};
    char path[600];
    memset(fake, 0, sizeof(*fake));
    fake->plant.type = &fake_type;
    (void)snprintf(fake->directory, sizeof(fake->directory), "%s", directory);
    (void)snprintf(path, sizeof(path), "%s/gw", directory);
    fake->self = signers_principal(COMMANDS_GATEWAY);
    fake->signer = signers_make(COMMANDS_GATEWAY);
    fake->ring = signers_ring();
    fake->trust = (struct weft_proof_trust){.origin = WEFT_TEXT(COMMANDS_ORIGIN),
        .logs = commands_logs(),
        .log_count = COMMANDS_NODES,
        .log_needed = 1,
        .ring = &fake->ring,
        .ring_index = 20,
        .gateway = &fake->self};
    const struct weft_gateway_channel channel = {.name = WEFT_TEXT(COMMANDS_CHANNEL),
        .asset = WEFT_TEXT("plant1/line2/press7"),
        .lost_ms = FAKE_LOST_MS};
    const struct weft_gateway_options options = {.loop = &fake->loop,
        .directory = path,
        .trust = &fake->trust,
        .signer = &fake->signer,
        .channels = &channel,
        .channel_count = 1,
        .on_log = on_log,
        .on_end = on_end,
        .ctx = fake};
    EXPECT_EQ(0, uv_loop_init(&fake->loop));
    must(weft_gateway_open(&options, &fake->gateway, &msg), "gateway", &msg);
    weft_gateway_set_machine(fake->gateway, 0, open_machine(fake));
    weft_gateway_set_plant(fake->gateway, &fake->plant);
    fake->to = weft_gateway_plant_callbacks(fake->gateway);
    fake->to.on_plant(fake->to.ctx, true);
}

void fake_close(struct fake *fake)
{
    weft_gateway_close(fake->gateway);
    (void)uv_run(&fake->loop, UV_RUN_DEFAULT);
    EXPECT_EQ(0, uv_loop_close(&fake->loop));
    weft_keyring_destroy(&fake->ring);
    EXPECT_TRUE(!fake->has_ended);
}

/* --- turns ----------------------------------------------------------------------------------- */

static void on_wakeup(uv_timer_t *timer)
{
    (void)timer;
}

static void turn(struct fake *fake)
{
    uv_timer_t timer;
    (void)uv_timer_init(&fake->loop, &timer);
    (void)uv_timer_start(&timer, on_wakeup, 10, 0);
    (void)uv_run(&fake->loop, UV_RUN_ONCE);
    while (fake->settled < fake->receipt_count) {
        fake->to.on_settled(fake->to.ctx, fake->receipts[fake->settled++].counter, NULL);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(&fake->loop, UV_RUN_NOWAIT);
}

static const struct weft_receipt_note *find(
    const struct fake *fake, uint8_t number, enum weft_receipt_outcome outcome)
{
    for (uint32_t i = 0; i < fake->receipt_count; i++) {
        const struct weft_receipt_note *note = &fake->receipts[i].note;
        if (note->id[0] == number && note->outcome == outcome) {
            return note;
        }
    }
    return NULL;
}

const struct weft_receipt_note *fake_await(
    struct fake *fake, uint8_t number, enum weft_receipt_outcome outcome)
{
    uint64_t end_ms = uv_hrtime() / 1000000 + 20000;
    while (find(fake, number, outcome) == NULL && uv_hrtime() / 1000000 < end_ms) {
        turn(fake);
    }
    return find(fake, number, outcome);
}

void fake_turn(struct fake *fake, uint64_t ms)
{
    uint64_t end_ms = uv_hrtime() / 1000000 + ms;
    while (uv_hrtime() / 1000000 < end_ms) {
        turn(fake);
    }
}

/* --- documents and files --------------------------------------------------------------------- */

void fake_give(struct fake *fake, uint8_t number, enum weft_command_class class, const char *verb,
    int64_t speed, uint64_t index, bool is_shadow)
{
    int64_t now_ns = wall_ns() / 1000000 * 1000000;
    const struct weft_fence fence = {3, index};
    struct weft_envelope_note envelope = rig_envelope();
    struct weft_command_note command = rig_command(number, class);
    envelope.link.issued_ns = now_ns - SIGNERS_DAY_NS;
    envelope.link.expires_ns = now_ns + SIGNERS_DAY_NS;
    envelope.verbs[0] = weft_text_of(verb);
    command.verb = envelope.verbs[0];
    command.not_before_ns = now_ns - SIGNERS_SECOND_NS;
    command.not_after_ns = now_ns + 120 * SIGNERS_SECOND_NS;
    command.signed_ns = now_ns - SIGNERS_SECOND_NS;
    command.args[0].value.number = speed * WEFT_SCALAR_ONE;
    command.posts[0].value.number = speed * WEFT_SCALAR_ONE;
    if (strcmp(verb, "jog") == 0) {
        command.arg_count = command.post_count = 0;
        envelope.verify_count = envelope.hard_count = envelope.normal_count = 0;
        envelope.safe_verb = WEFT_TEXT("");
        envelope.safe_count = 0;
    }
    struct weft_buffer bundle = rig_make_bundle(now_ns, &command, &envelope, &fence, is_shadow);
    fake->to.on_bundle(fake->to.ctx, weft_buffer_as_text(&bundle));
    weft_buffer_destroy(&bundle);
}

void fake_write_inputs(const struct fake *fake, const char *text)
{
    struct weft_msg msg = {""};
    char path[600];
    (void)snprintf(path, sizeof(path), "%s/press7/inputs", fake->directory);
    must(weft_files_write(
             path, (struct weft_bytes){(const uint8_t *)text, strlen(text)}, 0644, true, &msg),
        "inputs", &msg);
}

uint32_t fake_told(const struct fake *fake, const char *what)
{
    struct weft_msg msg = {""};
    struct weft_buffer file = {0};
    char path[600];
    uint32_t count = 0;
    (void)snprintf(path, sizeof(path), "%s/press7/told", fake->directory);
    must(weft_files_read(path, &file, &msg), "told", &msg);
    struct weft_text rest = weft_buffer_as_text(&file), line;
    while (weft_text_cut(&rest, '\n', &line)) {
        count += memmem(line.data, line.size, what, strlen(what)) != NULL;
    }
    weft_buffer_destroy(&file);
    return count;
}
