/* bench_gateway: a gateway alone, with its journal on a disk and machines that answer at once.
 *
 *     bench_gateway DIRECTORY [CHANNELS [PER_SECOND [SECONDS]]]     (100 10 4)
 *
 * Bundles are made before, each for its time: a command with one approval under one node's
 * signature. Told: what was carried out, the time from a bundle to the machine, syncs, and what the
 * processor spent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/gateway/gateway.h"
#include "tests/unit/ops/gateway/gateway_rig.h"

enum {
    COMMANDS_MAX = 65536,
    LEAD_MS = 200, /* From the last bundle made to the first one given. */
};

struct sent {
    struct weft_buffer bundle;
    int64_t at_ns;    /* When it is given. */
    int64_t given_ns; /* When it was. */
    int64_t acted_ns;
};

static struct sent sent[COMMANDS_MAX];
static uint32_t sent_count, acted_count;
static struct weft_gateway *gateway;
static struct weft_machine_callbacks to_gateway;
static struct weft_plant_callbacks plant_to;
static uint64_t counters[4 * COMMANDS_MAX];
static uint32_t counter_count;

static int64_t wall_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void must(enum weft_err err, const char *what, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s: %s\n", what, weft_err_name(err), msg->text);
        exit(1);
    }
}

/* --- machines and a plant that answer in the next turn ---------------------------------------- */

struct bench_machine {
    struct weft_machine machine;
    uint32_t channel;
    bool wants_values;
    bool is_acting;
    uint64_t act;
};

static struct bench_machine machines[WEFT_ACTOR_CHANNELS_MAX];

static void on_read(struct weft_machine *machine, bool is_shadow)
{
    (void)is_shadow;
    ((struct bench_machine *)machine)->wants_values = true;
}

static void on_act(struct weft_machine *machine, uint64_t number,
    const struct weft_command_note *command, bool is_shadow)
{
    struct bench_machine *m = (struct bench_machine *)machine;
    uint32_t which;
    (void)is_shadow;
    memcpy(&which, command->id + 8, sizeof(which));
    sent[which].acted_ns = wall_ns();
    acted_count++;
    m->is_acting = true;
    m->act = number;
}

static void on_safe(struct weft_machine *machine, struct weft_text safe)
{
    (void)machine, (void)safe;
}

static void on_close(struct weft_machine *machine)
{
    (void)machine;
}

static const struct weft_machine_type machine_type = {"bench", on_read, on_act, on_safe, on_close};

static void answer(struct bench_machine *m)
{
    int64_t at_ns = wall_ns() / 1000000 * 1000000;
    const struct weft_reading readings[2] = {
        {WEFT_TEXT("guard/closed"), {.type = WEFT_SCALAR_TRUTH, .truth = true}, at_ns},
        {WEFT_TEXT("speed"),
            {.type = WEFT_SCALAR_NUMBER, .number = 42 * WEFT_SCALAR_ONE, .unit = WEFT_TEXT("rpm")},
            at_ns},
    };
    if (m->wants_values) {
        const struct weft_actor_values values = {m->channel, false, readings, 2};
        m->wants_values = false;
        to_gateway.on_values(to_gateway.ctx, &values);
    }
    if (m->is_acting) {
        const struct weft_actor_acted acted = {.channel = m->channel,
            .act = m->act,
            .result = WEFT_ACTOR_RESULT_DONE,
            .readings = readings,
            .count = 2};
        m->is_acting = false;
        to_gateway.on_acted(to_gateway.ctx, &acted);
    }
}

static void on_send(struct weft_plant *plant, uint64_t counter,
    const uint8_t id[WEFT_COMMAND_ID_SIZE], struct weft_text note)
{
    (void)plant, (void)id, (void)note;
    counters[counter_count++] = counter;
}

static void on_plant_close(struct weft_plant *plant)
{
    (void)plant;
}

static const struct weft_plant_type plant_type = {
    .name = "bench", .send = on_send, .close = on_plant_close};
static struct weft_plant plant = {&plant_type};

static void on_log(void *ctx, const char *level, const char *word, const char *text)
{
    (void)ctx;
    if (strcmp(level, "info") != 0) {
        (void)fprintf(stderr, "%s %s %s\n", level, word, text);
    }
}

static void on_end(void *ctx, enum weft_err err, const char *text)
{
    (void)ctx;
    (void)fprintf(stderr, "ends: %s: %s\n", weft_err_name(err), text);
    exit(1);
}

/* --- the load --------------------------------------------------------------------------------- */

static void make_bundles(char names[][WEFT_CHANNEL_SIZE_MAX + 1], uint32_t channels,
    uint32_t per_second, uint32_t seconds)
{
    uint32_t count = channels * per_second * seconds;
    int64_t step_ns = INT64_C(1000000000) / (channels * per_second);
    /* 1 ms each is more than it takes; a leaf may be ahead of its time by 2 s at most. */
    int64_t start_ns = wall_ns() + (int64_t)count * 1000000 + LEAD_MS * INT64_C(1000000);
    for (uint32_t i = 0; i < count; i++) {
        struct weft_envelope_note envelope = rig_envelope();
        struct weft_command_note command = rig_command((uint8_t)(i % 251), WEFT_COMMAND_CLASS_A);
        const struct weft_fence fence = {3, 100 + i};
        int64_t at_ns = (start_ns + i * step_ns) / 1000000 * 1000000;
        envelope.link.issued_ns = at_ns - SIGNERS_DAY_NS;
        envelope.link.expires_ns = at_ns + SIGNERS_DAY_NS;
        command.channel = weft_text_of(names[i % channels]);
        memcpy(command.id + 8, &i, sizeof(i));
        command.not_before_ns = at_ns - SIGNERS_SECOND_NS;
        command.not_after_ns = at_ns + 60 * SIGNERS_SECOND_NS;
        command.signed_ns = at_ns - SIGNERS_SECOND_NS;
        sent[i].bundle = rig_make_bundle(at_ns, &command, &envelope, &fence, false);
        sent[i].at_ns = at_ns;
    }
    sent_count = count;
}

static void on_wakeup(uv_timer_t *timer)
{
    (void)timer;
}

static void run(uv_loop_t *loop, uint32_t channels)
{
    uint32_t next = 0, settled = 0;
    uv_timer_t timer;
    int64_t end_ns = sent[sent_count - 1].at_ns + 3 * SIGNERS_SECOND_NS;
    (void)uv_timer_init(loop, &timer);
    while (wall_ns() < end_ns && (acted_count < sent_count || settled < counter_count)) {
        while (next < sent_count && sent[next].at_ns <= wall_ns()) {
            sent[next].given_ns = wall_ns();
            plant_to.on_bundle(plant_to.ctx, weft_buffer_as_text(&sent[next].bundle));
            next++;
        }
        for (uint32_t i = 0; i < channels; i++) {
            answer(&machines[i]);
        }
        while (settled < counter_count) {
            plant_to.on_settled(plant_to.ctx, counters[settled++], NULL);
        }
        (void)uv_timer_start(&timer, on_wakeup, 1, 0);
        (void)uv_run(loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void report(double cpu_s)
{
    static int64_t took_ns[COMMANDS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < sent_count; i++) {
        if (sent[i].acted_ns != 0) {
            took_ns[count++] = sent[i].acted_ns - sent[i].given_ns;
        }
    }
    qsort(took_ns, count, sizeof(took_ns[0]), compare);
    struct weft_gateway_counts counts = weft_gateway_count(gateway);
    (void)printf("given %u, carried out %u, receipts %u, refused %" PRIu64 "\n", sent_count, count,
        counter_count, counts.refusals);
    if (count > 0) {
        const uint32_t median = count / 2, p99 = count * 99 / 100;
        (void)printf("bundle to machine, ms: p50 %.2f, p99 %.2f, max %.2f\n",
            (double)took_ns[median] / 1e6, (double)took_ns[p99] / 1e6,
            (double)took_ns[count - 1] / 1e6);
    }
    (void)printf("syncs %" PRIu64 ", journal %.1f MiB, processor %.2f s\n", counts.frames,
        (double)counts.journal_bytes / 1048576.0, cpu_s);
}

int main(int argc, char **argv)
{
    static char names[WEFT_ACTOR_CHANNELS_MAX][WEFT_CHANNEL_SIZE_MAX + 1];
    struct weft_gateway_channel list[WEFT_ACTOR_CHANNELS_MAX];
    uint32_t channels = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100;
    uint32_t per_second = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 10;
    uint32_t seconds = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 4;
    struct weft_msg msg = {""};
    uv_loop_t loop;
    if (argc < 2 || channels == 0 || channels > WEFT_ACTOR_CHANNELS_MAX ||
        channels * per_second * seconds == 0 || channels * per_second * seconds > COMMANDS_MAX) {
        (void)fputs("usage: bench_gateway DIRECTORY [CHANNELS [PER_SECOND [SECONDS]]]\n", stderr);
        return 2;
    }
    struct weft_principal self = signers_principal(COMMANDS_GATEWAY);
    struct weft_signer signer = signers_make(COMMANDS_GATEWAY);
    struct weft_keyring ring = signers_ring();
    const struct weft_proof_trust trust = {.origin = WEFT_TEXT(COMMANDS_ORIGIN),
        .logs = commands_logs(),
        .log_count = COMMANDS_NODES,
        .log_needed = 1,
        .ring = &ring,
        .ring_index = 20,
        .gateway = &self};
    for (uint32_t i = 0; i < channels; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "plant1/gw1/m%u", i);
        list[i] = (struct weft_gateway_channel){.name = weft_text_of(names[i]), .lost_ms = 60000};
    }
    make_bundles(names, channels, per_second, seconds);
    (void)uv_loop_init(&loop);
    const struct weft_gateway_options options = {.loop = &loop,
        .directory = argv[1],
        .trust = &trust,
        .signer = &signer,
        .channels = list,
        .channel_count = channels,
        .on_log = on_log,
        .on_end = on_end};
    must(weft_gateway_open(&options, &gateway, &msg), "gateway", &msg);
    to_gateway = weft_gateway_machine_callbacks(gateway);
    plant_to = weft_gateway_plant_callbacks(gateway);
    for (uint32_t i = 0; i < channels; i++) {
        machines[i] = (struct bench_machine){{&machine_type}, i, false, false, 0};
        weft_gateway_set_machine(gateway, i, &machines[i].machine);
    }
    weft_gateway_set_plant(gateway, &plant);
    plant_to.on_plant(plant_to.ctx, true);
    clock_t before = clock();
    run(&loop, channels);
    report((double)(clock() - before) / CLOCKS_PER_SEC);
    weft_gateway_close(gateway);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return acted_count == sent_count ? 0 : 1;
}
