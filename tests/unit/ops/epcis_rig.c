#include "tests/unit/ops/epcis_rig.h"

enum {
    ARENA_SIZE_MAX = 256 * 1024 * 1024
};

struct weft_arena document_arena, event_arena;

void free_arenas(void)
{
    weft_arena_destroy(&document_arena);
    weft_arena_destroy(&event_arena);
}

enum weft_err open_text(
    struct weft_epcis *e, struct weft_text text, const char *name, struct weft_msg *msg)
{
    free_arenas();
    document_arena.size_max = ARENA_SIZE_MAX;
    event_arena.size_max = ARENA_SIZE_MAX;
    return weft_epcis_open(e, text, weft_text_of(name), &document_arena, msg);
}

struct weft_epcis_event only_event(const char *text)
{
    struct weft_epcis e;
    struct weft_epcis_event event, none;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, open_text(&e, weft_text_of(text), "", &msg));
    EXPECT_EQ(1, e.count);
    enum weft_err err = weft_epcis_next(&e, &event_arena, &event, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_epcis_next(&e, &event_arena, &none, &msg));
    return event;
}

void expect_not_opened(const char *text, enum weft_err expected, const char *reason)
{
    struct weft_epcis e = {.count = 77};
    struct weft_msg msg = {""};
    enum weft_err err = open_text(&e, weft_text_of(text), "", &msg);
    EXPECT_TEXT(reason, msg.text);
    EXPECT_EQ(expected, err);
    EXPECT_EQ(77, e.count);
    free_arenas();
}
