#include "tests/unit/ops/epcis_rig.h"
#include "tests/unit/ops/import_rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ASSETS_MAX = 256
};

/* What the example documents are found to hold. */
struct tally {
    uint32_t documents;
    uint32_t events;  /* That the importer gives. */
    uint32_t counted; /* That the text shows. */
    uint32_t assets;
    char names[ASSETS_MAX][300];
};

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Counts events without parsing: "type" : "<Xyz>Event". */
static uint32_t count_events(const char *text)
{
    uint32_t count = 0;
    for (const char *p = strstr(text, "\"type\""); p != NULL; p = strstr(p + 1, "\"type\"")) {
        const char *value = skip_space(p + 6);
        value = *value == ':' ? skip_space(value + 1) : "";
        const char *end = *value == '"' ? strchr(value + 1, '"') : NULL;
        count += end != NULL && end - value > 6 && memcmp(end - 5, "Event", 5) == 0;
    }
    return count;
}

/* The value stands in a field of that path, or in a link or its attributes. */
static bool is_kept(const struct weft_record *record, const char *path, struct weft_text value)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, path) &&
            weft_text_equal(record->fields[i].value, value)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < record->link_count; i++) {
        const struct weft_link *link = &record->links[i];
        if (weft_text_equal(link->to, value)) {
            return true;
        }
        for (uint32_t j = 0; j < link->field_count; j++) {
            if (weft_text_equal(link->fields[j].value, value)) {
                return true;
            }
        }
    }
    return false;
}

/* Nothing that an event says is lost. Returns how many values were looked at. */
static uint32_t expect_all_kept(
    const struct weft_record *record, const struct weft_json *value, const char *path)
{
    uint32_t count = 0, index = 0;
    if (value->type == WEFT_JSON_STRING || value->type == WEFT_JSON_NUMBER) {
        if (!is_kept(record, path, value->text)) {
            (void)fprintf(stderr, "lost: %s = %s\n", path, value->text.data);
        }
        EXPECT_TRUE(is_kept(record, path, value->text));
        return 1;
    }
    for (const struct weft_json *v = value->first; v != NULL; v = v->next, index++) {
        char below[512];
        if (*path == '\0' && (weft_text_is(v->key, "type") || weft_text_is(v->key, "@context"))) {
            continue;
        }
        if (value->type == WEFT_JSON_ARRAY) {
            (void)snprintf(below, sizeof(below), "%s/[%u]", path, index);
        } else {
            (void)snprintf(
                below, sizeof(below), "%s%s%s", path, *path != '\0' ? "/" : "", v->key.data);
        }
        count += expect_all_kept(record, v, below);
    }
    return count;
}

static void note_asset(struct tally *tally, struct weft_text asset)
{
    for (uint32_t i = 0; i < tally->assets; i++) {
        if (weft_text_is(asset, tally->names[i])) {
            return;
        }
    }
    EXPECT_TRUE(tally->assets < ASSETS_MAX);
    (void)snprintf(tally->names[tally->assets++], 300, "%.*s", (int)asset.size, asset.data);
}

static void import_file(struct tally *tally, const char *path)
{
    FILE *f = fopen(path, "r");
    EXPECT_TRUE(f != NULL);
    char *text = calloc(1, 1024 * 1024);
    EXPECT_TRUE(text != NULL);
    size_t size = fread(text, 1, 1024 * 1024 - 1, f);
    (void)fclose(f);
    struct weft_epcis e;
    struct weft_epcis_event event;
    struct weft_msg msg = {""};
    enum weft_err err = open_text(&e, (struct weft_text){text, size}, path, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    uint32_t counted = count_events(text), before = tally->events;
    while ((err = weft_epcis_next(&e, &event_arena, &event, &msg)) != WEFT_ENOTFOUND) {
        EXPECT_TEXT("", msg.text);
        EXPECT_EQ(WEFT_OK, err);
        EXPECT_EQ(WEFT_OK, weft_record_check(&event.record, NULL, NULL));
        EXPECT_TRUE(expect_all_kept(&event.record, e.places[e.next - 1].event, "") >= 6);
        note_asset(tally, event.record.asset);
        tally->events++;
        weft_arena_reset(&event_arena);
    }
    EXPECT_TRUE(counted > 0);
    EXPECT_EQ(counted, tally->events - before);
    struct imported im = import_text(
        &weft_epcis_importer, (struct weft_text){text, size}, path, NULL, 1 + test_random(4000));
    EXPECT_EQ(counted, im.items);
    EXPECT_EQ(0, im.refused);
    free_imported(&im);
    expect_same_in_pieces(&weft_epcis_importer, (struct weft_text){text, size}, NULL, 1);
    tally->documents++;
    tally->counted += counted;
    free(text);
}

static void import_directory(struct tally *tally, const char *directory)
{
    DIR *d = opendir(directory);
    EXPECT_TRUE(d != NULL);
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        char path[2048];
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (entry->d_type == DT_DIR) {
            import_directory(tally, path);
        } else if (strstr(entry->d_name, ".jsonld") != NULL) {
            import_file(tally, path);
        }
    }
    (void)closedir(d);
}

TEST(epcis, every_event_of_every_gs1_example_becomes_one_record_and_nothing_is_lost)
{
    static struct tally tally;
    char directory[1024];
    (void)snprintf(directory, sizeof(directory), "%s", test_data("epcis/examples"));
    import_directory(&tally, directory);
    EXPECT_EQ(47, tally.documents);
    EXPECT_EQ(56, tally.counted);
    EXPECT_EQ(56, tally.events);
    /* Two events stand in seven documents, word for word. */
    EXPECT_EQ(51, tally.assets);
    import_directory(&tally, directory);
    EXPECT_EQ(112, tally.events);
    EXPECT_EQ(51, tally.assets);
    free_arenas();
}
