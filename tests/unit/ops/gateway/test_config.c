/* The configuration of weft-gateway, and what it reads of a node's answers. */
#include <stdio.h>
#include <string.h>

#include "ops/gateway/config.h"
#include "ops/gateway/plant_client.h"
#include "ops/weft/files.h"
#include "tests/lib/commands.h"
#include "tests/lib/test.h"

static struct weft_msg message;

/* The sample with `from` replaced. */
static enum weft_err load(const char *from, const char *to, struct weft_gateway_config **ret_config)
{
    struct weft_buffer text = {0}, changed = {0};
    char path[512];
    EXPECT_EQ(WEFT_OK, weft_files_read(WEFT_SAMPLES "/gateway.yaml", &text, &message));
    changed = from != NULL ? commands_replace(&text, from, to) : (struct weft_buffer){0};
    const struct weft_buffer *used = from != NULL ? &changed : &text;
    (void)snprintf(path, sizeof(path), "%s/gateway.yaml", test_directory());
    EXPECT_EQ(WEFT_OK,
        weft_files_write(path, (struct weft_bytes){used->data, used->size}, 0644, true, &message));
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&changed);
    return weft_gateway_config_load(path, ret_config, &message);
}

TEST(config, sample_is_read_with_its_paths_made_absolute)
{
    struct weft_gateway_config *config = NULL;
    EXPECT_EQ(WEFT_OK, load(NULL, NULL, &config));
    EXPECT_TEXT("gw1", config->gateway.name);
    EXPECT_EQ(3, config->trust.logs_count);
    EXPECT_EQ(2, config->trust.approvals[9]);
    EXPECT_EQ(2, config->channels_count);
    EXPECT_EQ(3, config->channels[0].sparkplug->reads_count);
    EXPECT_TEXT("rpm", config->channels[0].sparkplug->reads[0].unit);
    EXPECT_TRUE(config->channels[0].sparkplug->reads[2].unit == NULL);
    EXPECT_TRUE(config->channels[0].sim == NULL && config->channels[1].sparkplug == NULL);
    EXPECT_TRUE(config->gateway.data[0] == '/' && config->channels[1].sim->directory[0] == '/');
    EXPECT_TRUE(strstr(config->trust.keys, "/persons") != NULL);
    weft_gateway_config_destroy(config);
}

TEST(config, mistake_is_refused_with_its_place_or_its_setting)
{
    static const struct {
        const char *from, *to, *said;
    } cases[] = {
        {"  needed: 2", "  needed: 1", "trust.needed"},
        {"  needed: 2", "  needed: 4", "trust.needed"},
        {"  needed: 2", "  neded: 2", "gateway.yaml:"},
        {"  needed: 2", "  needed: many", "gateway.yaml:"},
        {"  port: 1883", "  port: 70000", "mqtt.port"},
        {"approvals: [0, 1, 2,", "approvals: [0, 1, 200,", "trust.approvals"},
        {"- machine: pump1", "- machine: press7", "given twice"},
        {"    sim:\n      kind: pump\n      directory: pump1\n", "", "either sim or sparkplug"},
        {"mqtt:\n  host: 127.0.0.1\n  port: 1883\n  # ca", "  # ca", "gateway.yaml:"},
        {"  data: data\n", "", "gateway.yaml:"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_gateway_config *config = NULL;
        EXPECT_EQ(WEFT_EINVAL, load(cases[i].from, cases[i].to, &config));
        EXPECT_TRUE(strstr(message.text, cases[i].said) != NULL);
        EXPECT_TRUE(config == NULL);
    }
    struct weft_gateway_config *config = NULL;
    EXPECT_EQ(WEFT_ENOTFOUND, weft_gateway_config_load("/nowhere.yaml", &config, &message));
}

/* --- answers of nodes ------------------------------------------------------------------------ */

TEST(plant, line_of_the_list_has_id_state_and_channel)
{
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    struct weft_text state, channel;
    EXPECT_TRUE(weft_plant_line_parse(
        WEFT_TEXT("6f1d0c9a4be24f0d9b0e8c6a1f3c2e77 INTENT - 812 2026-03-01T08:00:00.000Z "
                  "plant1/gw1/press7 plant1/line2/press7 set-speed -"),
        id, &state, &channel));
    EXPECT_TRUE(weft_text_is(state, "INTENT") && weft_text_is(channel, "plant1/gw1/press7"));
    EXPECT_EQ(0x77, id[15]);
    EXPECT_TRUE(!weft_plant_line_parse(WEFT_TEXT(""), id, &state, &channel));
    EXPECT_TRUE(!weft_plant_line_parse(WEFT_TEXT("6f INTENT - 8 x y z"), id, &state, &channel));
    EXPECT_TRUE(
        !weft_plant_line_parse(WEFT_TEXT("6f1d0c9a4be24f0d9b0e8c6a1f3c2e7X INTENT - 812 t c a v -"),
            id, &state, &channel));
}

TEST(plant, command_is_read_with_the_question_about_it)
{
    struct weft_plant_command found;
    struct weft_command_note command = commands_command();
    struct weft_buffer note = commands_note(&command), text = {0};
    char digest[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&command.digest, digest);
    EXPECT_EQ(WEFT_OK,
        weft_buffer_format(&text,
            "state INTENT\nsince 2026-03-01T08:00:00.000Z\nindex 812\ndigest %s\ntoken 3 800\n"
            "asked 4 812\nsends 1\n\n%.*s",
            digest, (int)note.size, (const char *)note.data));
    EXPECT_TRUE(weft_plant_command_parse(weft_buffer_as_text(&text), &found));
    EXPECT_TRUE(
        weft_text_is(found.state, "INTENT") && weft_text_is(found.channel, COMMANDS_CHANNEL));
    EXPECT_EQ(4, found.asked.term);
    EXPECT_EQ(812, found.asked.index);
    EXPECT_MEM(command.digest.bytes, found.digest.bytes, WEFT_DIGEST_SIZE);
    EXPECT_TRUE(!weft_plant_command_parse(weft_buffer_as_text(&note), &found));
    struct weft_buffer bad = commands_replace(&text, "asked 4 812", "asked 4");
    EXPECT_TRUE(!weft_plant_command_parse(weft_buffer_as_text(&bad), &found));
    weft_buffer_destroy(&bad);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
}
