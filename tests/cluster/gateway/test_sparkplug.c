/* A gateway, a real broker, and an edge node of other people's MQTT and protobuf: started by
 * sparkplug_peer.py, which says in WEFT_MQTT_HOST, _PORT and _WORK where they are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/gateway/machine_sparkplug.h"
#include "ops/weft/files.h"
#include "tests/cluster/gateway/fake_plant.h"

static struct fake fake;

static const struct weft_machine_sparkplug_read reads[] = {
    {WEFT_TEXT("Outputs/Speed"), WEFT_TEXT("speed"), WEFT_TEXT("rpm")},
    {WEFT_TEXT("Outputs/Strokes"), WEFT_TEXT("strokes"), WEFT_TEXT("1")},
    {WEFT_TEXT("Guard/Closed"), WEFT_TEXT("guard/closed"), WEFT_TEXT("")},
};
static const struct weft_machine_sparkplug_write writes[] = {
    {WEFT_TEXT("set-speed"), WEFT_TEXT("speed"), WEFT_TEXT("Inputs/Speed"),
        WEFT_TEXT("Outputs/Speed")},
    {WEFT_TEXT("jog"), WEFT_TEXT(""), WEFT_TEXT("Inputs/Jog"), WEFT_TEXT("Outputs/Strokes")},
};

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        test_skip("%s is not set: started by sparkplug_peer.py", name);
    }
    return value;
}

static struct weft_machine *open_spark(struct fake *f)
{
    struct weft_msg msg = {""};
    struct weft_machine *machine = NULL;
    const struct weft_machine_sparkplug_options options = {.loop = &f->loop,
        .host = environment("WEFT_MQTT_HOST"),
        .port = (uint16_t)strtoul(environment("WEFT_MQTT_PORT"), NULL, 10),
        .client_id = "gateway",
        .username = "gateway",
        .host_id = WEFT_TEXT("gw1"),
        .group = WEFT_TEXT("line2"),
        .node = WEFT_TEXT("cell"),
        .device = WEFT_TEXT("press7"),
        .reads = reads,
        .read_count = sizeof(reads) / sizeof(reads[0]),
        .writes = writes,
        .write_count = sizeof(writes) / sizeof(writes[0]),
        .answer_ms = 4000,
        .callbacks = weft_gateway_machine_callbacks(f->gateway)};
    EXPECT_EQ(WEFT_OK, weft_machine_sparkplug_open(&options, &machine, &msg));
    return machine;
}

static const char *path_of(const char *name)
{
    static char path[WEFT_FILES_PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/%s", environment("WEFT_MQTT_WORK"), name);
    return path;
}

static void order(const char *word)
{
    FILE *file = fopen(path_of("orders"), "a");
    EXPECT_TRUE(file != NULL);
    (void)fprintf(file, "%s\n", word);
    (void)fclose(file);
}

static uint32_t count_told(const char *what)
{
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    uint32_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_files_read(path_of("told"), &text, &msg));
    struct weft_text rest = weft_buffer_as_text(&text), line;
    while (weft_text_cut(&rest, '\n', &line)) {
        count += weft_text_is(line, what);
    }
    weft_buffer_destroy(&text);
    return count;
}

static bool await_guard(bool is_closed)
{
    for (int i = 0; i < 400 && (fake.shows == 0 || fake.guard_is_closed != is_closed); i++) {
        fake_turn(&fake, 50);
    }
    return fake.shows > 0 && fake.guard_is_closed == is_closed;
}

/* Until the press has been heard, and has done all that it was ordered before. */
static void settle(void)
{
    order("open");
    EXPECT_TRUE(await_guard(false));
    order("closed");
    EXPECT_TRUE(await_guard(true));
}

static void begin(void)
{
    (void)environment("WEFT_MQTT_WORK");
    fake_open_with(&fake, test_directory(), open_spark);
    order("hear");
    settle();
}

TEST(sparkplug, command_reaches_the_press_once_and_its_data_confirm_it)
{
    begin();
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_B, "set-speed", 42, 100, false);
    const struct weft_receipt_note *done = fake_await(&fake, 1, WEFT_RECEIPT_DONE);
    EXPECT_TRUE(done != NULL && done->reading_count == 2);
    EXPECT_EQ(42 * WEFT_SCALAR_ONE, done->readings[1].value.number);
    EXPECT_EQ(1, count_told("speed 42"));
    fake_give(&fake, 2, WEFT_COMMAND_CLASS_C, "jog", 0, 101, false);
    EXPECT_TRUE(fake_await(&fake, 2, WEFT_RECEIPT_DONE) != NULL);
    EXPECT_EQ(1, count_told("jog"));
    EXPECT_TEXT("", fake.alarm);
    fake_close(&fake);
}

TEST(sparkplug, open_guard_of_the_press_keeps_it_still)
{
    begin();
    order("open");
    EXPECT_TRUE(await_guard(false));
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_B, "set-speed", 41, 100, false);
    const struct weft_receipt_note *refused = fake_await(&fake, 1, WEFT_RECEIPT_REFUSED);
    EXPECT_TRUE(refused != NULL && weft_text_is(refused->code, "interlock"));
    EXPECT_EQ(0, count_told("speed 41"));
    fake_close(&fake);
}

TEST(sparkplug, press_that_does_not_confirm_leaves_the_outcome_unknown)
{
    begin();
    order("deaf");
    settle();
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_C, "jog", 0, 100, false);
    uint32_t before = count_told("jog");
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_UNKNOWN) != NULL);
    EXPECT_EQ(before + 1, count_told("jog"));
    fake_close(&fake);
}

TEST(sparkplug, shadow_that_there_is_not_is_not_told)
{
    begin();
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_B, "set-speed", 39, 100, true);
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_REFUSED) != NULL);
    EXPECT_EQ(0, count_told("speed 39"));
    fake_close(&fake);
}

TEST(sparkplug, nobody_but_the_gateway_may_tell_the_press)
{
    begin();
    order("intrude");
    settle();
    EXPECT_EQ(0, count_told("speed 55"));
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_B, "set-speed", 37, 100, false);
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_DONE) != NULL);
    EXPECT_EQ(1, count_told("speed 37"));
    EXPECT_EQ(0, count_told("speed 55"));
    fake_close(&fake);
}

static void await_rebirth(const char *word)
{
    uint32_t births = count_told("rebirth");
    order(word);
    for (int i = 0; i < 400 && count_told("rebirth") == births; i++) {
        fake_turn(&fake, 50);
    }
    EXPECT_TRUE(count_told("rebirth") > births);
}

TEST(sparkplug, lost_message_and_death_make_the_press_unknown_until_it_is_born_again)
{
    begin();
    await_rebirth("gap");
    settle();
    fake_give(&fake, 1, WEFT_COMMAND_CLASS_B, "set-speed", 38, 100, false);
    EXPECT_TRUE(fake_await(&fake, 1, WEFT_RECEIPT_DONE) != NULL);
    EXPECT_EQ(1, count_told("speed 38"));
    await_rebirth("death");
    fake_close(&fake);
}
