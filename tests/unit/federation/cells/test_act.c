#include "federation/cells/act.h"

#include <stdlib.h>
#include <string.h>

#include "proto/record.h"
#include "tests/lib/test.h"

static struct weft_arena arena = {.size_max = 4 << 20};
static struct weft_msg msg;

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

static struct weft_act_digests digests(uint32_t count, uint64_t seed)
{
    struct weft_digest *list = weft_arena_array(&arena, count, sizeof(*list));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = seed + i;
        list[i] = weft_sha256(&number, sizeof(number));
    }
    qsort(list, count, sizeof(*list), compare_digests);
    return (struct weft_act_digests){list, count};
}

static struct weft_act sample(enum weft_act_kind kind)
{
    struct weft_act act;
    memset(&act, 0, sizeof(act));
    act.kind = kind;
    switch (kind) {
    case WEFT_ACT_RESOLUTION:
        act.resolution = (struct weft_resolution){
            WEFT_TEXT("inspection"), WEFT_TEXT("verdict"), WEFT_TEXT("PASS"), digests(2, 1)};
        break;
    case WEFT_ACT_RETRACT:
        act.retract = (struct weft_retract){WEFT_TEXT("wrong unit"), digests(1, 3), digests(2, 9)};
        break;
    case WEFT_ACT_HANDOFF:
        act.handoff = (struct weft_handoff){WEFT_TEXT("inspection"), WEFT_TEXT(""),
            WEFT_TEXT("a.example/p1"), WEFT_TEXT("b.example/q1"), 2, {1, 77, 3}};
        break;
    case WEFT_ACT_ALIAS:
        act.alias = (struct weft_alias){
            {WEFT_TEXT("a.example/p1"), WEFT_TEXT("serial"), WEFT_TEXT("box/7")},
            {WEFT_TEXT(""), WEFT_TEXT("uuid"), WEFT_TEXT("urn:uuid:7")}, true};
        break;
    case WEFT_ACT_RECALL:
        act.recall = (struct weft_recall){WEFT_TEXT("stop"), WEFT_TEXT("cracks"), digests(3, 20)};
        break;
    case WEFT_ACT_IMPACT:
        act.impact = (struct weft_impact){digests(1, 5).items[0], digests(2, 30)};
        break;
    case WEFT_ACT_ACKNOWLEDGEMENT:
        act.acknowledgement = (struct weft_acknowledgement){
            digests(1, 5).items[0], 7, 6, 5, 4, INT64_MAX, {{5, 2}, 2}, {{4}, 1}};
        break;
    case WEFT_ACT_STEP:
        act.step = (struct weft_step){
            WEFT_TEXT("change_order"), digests(1, 6).items[0], WEFT_TEXT("accept"), digests(1, 40)};
        break;
    case WEFT_ACT_KINDS:
        break;
    }
    return act;
}

static struct weft_record record_of(const struct weft_act *act)
{
    struct weft_field *fields = NULL;
    uint32_t count = 0;
    EXPECT_EQ(WEFT_OK, weft_act_encode(act, &arena, &fields, &count, &msg));
    return (struct weft_record){.kind = weft_text_of(weft_act_kind_name(act->kind)),
        .asset = WEFT_TEXT("act"),
        .fields = fields,
        .field_count = count};
}

/* Fields of both, in their order. */
static void expect_same_fields(const struct weft_record *a, const struct weft_record *b)
{
    EXPECT_EQ(a->field_count, b->field_count);
    for (uint32_t i = 0; i < a->field_count; i++) {
        EXPECT_TRUE(weft_text_equal(a->fields[i].path, b->fields[i].path));
        EXPECT_TRUE(weft_text_equal(a->fields[i].value, b->fields[i].value));
        EXPECT_EQ(a->fields[i].type, b->fields[i].type);
    }
}

TEST(act, of_each_kind_is_a_sound_record_and_comes_back)
{
    for (int kind = 0; kind < WEFT_ACT_KINDS; kind++) {
        char pointer[256];
        struct weft_act act = sample((enum weft_act_kind)kind), again;
        struct weft_record record = record_of(&act);
        EXPECT_EQ(WEFT_OK, weft_record_check(&record, pointer, &msg));
        EXPECT_EQ(WEFT_OK, weft_act_decode(&record, &arena, &again, &msg));
        EXPECT_EQ(kind, again.kind);
        struct weft_record twice = record_of(&again);
        expect_same_fields(&record, &twice);
        EXPECT_EQ(kind, weft_act_kind_of(record.kind));
        weft_arena_reset(&arena);
    }
    EXPECT_EQ(WEFT_ACT_KINDS, weft_act_kind_of(WEFT_TEXT("inspection")));
    weft_arena_destroy(&arena);
}

static void expect_refused(const struct weft_record *record, enum weft_err expected)
{
    struct weft_act act;
    msg.text[0] = '\0';
    EXPECT_EQ(expected, weft_act_decode(record, &arena, &act, &msg));
    EXPECT_TRUE(msg.text[0] != '\0');
}

TEST(act, lacks_no_field_that_it_has_to_have_and_has_no_other)
{
    for (int kind = 0; kind < WEFT_ACT_KINDS; kind++) {
        struct weft_act act = sample((enum weft_act_kind)kind), again;
        struct weft_record record = record_of(&act);
        struct weft_field *fields = weft_arena_array(&arena, 32, sizeof(*fields));
        uint32_t refused = 0;
        for (uint32_t left_out = 0; left_out < record.field_count; left_out++) {
            struct weft_record less = record;
            uint32_t count = 0;
            for (uint32_t i = 0; i < record.field_count; i++) {
                if (i != left_out) {
                    fields[count++] = record.fields[i];
                }
            }
            less.fields = fields;
            less.field_count = count;
            refused += weft_act_decode(&less, &arena, &again, &msg) != WEFT_OK;
        }
        EXPECT_TRUE(refused > 0);
        memcpy(fields, record.fields, record.field_count * sizeof(*fields));
        fields[record.field_count] =
            (struct weft_field){WEFT_TEXT("note"), WEFT_TEXT("x"), WEFT_VALUE_TEXT};
        record.fields = fields;
        record.field_count++;
        expect_refused(&record, WEFT_EMALFORMED);
        fields[record.field_count - 1] = fields[0]; /* One twice. */
        expect_refused(&record, WEFT_EMALFORMED);
        weft_arena_reset(&arena);
    }
    weft_arena_destroy(&arena);
}

TEST(act, has_one_form)
{
    struct weft_act act = sample(WEFT_ACT_HANDOFF);
    struct weft_record record = record_of(&act);
    struct weft_field *fields = (struct weft_field *)record.fields;
    for (uint32_t i = 0; i < record.field_count; i++) {
        if (fields[i].type == WEFT_VALUE_INT) {
            static const char *const bad[] = {"-1", "007", "18446744073709551616", "1.0", ""};
            for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
                struct weft_text sound = fields[i].value;
                fields[i].value = weft_text_of(bad[k]);
                expect_refused(&record, WEFT_EMALFORMED);
                fields[i].value = sound;
            }
        }
        fields[i].type = WEFT_VALUE_NULL;
        expect_refused(&record, WEFT_EMALFORMED);
        fields[i].type =
            weft_text_starts(fields[i].path, "until") || weft_text_is(fields[i].path, "epoch")
                ? WEFT_VALUE_INT
                : WEFT_VALUE_TEXT;
    }
    record.kind = WEFT_TEXT("inspection");
    expect_refused(&record, WEFT_EINVAL);
    weft_arena_destroy(&arena);
}

TEST(act, names_digests_ascending_each_once_and_not_too_many)
{
    struct weft_field *fields = NULL;
    uint32_t count = 0;
    struct weft_act act = sample(WEFT_ACT_RECALL);
    struct weft_digest *list = (struct weft_digest *)act.recall.subjects.items;
    struct weft_digest first = list[0];
    list[0] = list[1];
    EXPECT_EQ(WEFT_EINVAL, weft_act_encode(&act, &arena, &fields, &count, &msg));
    list[0] = list[2];
    EXPECT_EQ(WEFT_EINVAL, weft_act_encode(&act, &arena, &fields, &count, &msg));
    list[0] = first;
    act.recall.subjects = digests(WEFT_CELL_NAMES_MAX, 1);
    EXPECT_EQ(WEFT_OK, weft_act_encode(&act, &arena, &fields, &count, &msg));
    EXPECT_EQ(WEFT_CELL_NAMES_MAX + 2, count);
    act.recall.subjects = digests(WEFT_CELL_NAMES_MAX + 1, 1);
    EXPECT_EQ(WEFT_ETOOBIG, weft_act_encode(&act, &arena, &fields, &count, &msg));
    act.recall.subjects.count = 0;
    EXPECT_EQ(WEFT_EINVAL, weft_act_encode(&act, &arena, &fields, &count, &msg));
    act = sample(WEFT_ACT_RECALL);
    struct weft_record record = record_of(&act);
    struct weft_field *last = (struct weft_field *)&record.fields[record.field_count - 1];
    last->path = WEFT_TEXT("subjects/[3]"); /* A gap. */
    expect_refused(&record, WEFT_EMALFORMED);
    last->path = WEFT_TEXT("subjects/[02]");
    expect_refused(&record, WEFT_EMALFORMED);
    last->path = WEFT_TEXT("subjects");
    expect_refused(&record, WEFT_EMALFORMED);
    weft_arena_destroy(&arena);
}

TEST(act, that_contradicts_itself_is_refused)
{
    struct weft_field *fields = NULL;
    uint32_t count = 0;
    struct weft_act act = sample(WEFT_ACT_HANDOFF);
    act.handoff.to = act.handoff.from;
    EXPECT_EQ(WEFT_EINVAL, weft_act_encode(&act, &arena, &fields, &count, &msg));
    act = sample(WEFT_ACT_HANDOFF);
    act.handoff.epoch = 1;
    EXPECT_EQ(WEFT_EINVAL, weft_act_encode(&act, &arena, &fields, &count, &msg));
    act = sample(WEFT_ACT_HANDOFF);
    act.handoff.until.epoch = 0;
    EXPECT_EQ(WEFT_EINVAL, weft_act_encode(&act, &arena, &fields, &count, &msg));
    act = sample(WEFT_ACT_ALIAS);
    act.alias.b = act.alias.a;
    EXPECT_EQ(WEFT_EINVAL, weft_act_encode(&act, &arena, &fields, &count, &msg));
    static char text[WEFT_ACT_TEXT_SIZE_MAX + 1];
    memset(text, 'x', sizeof(text));
    act = sample(WEFT_ACT_RETRACT);
    act.retract.reason = (struct weft_text){text, WEFT_ACT_TEXT_SIZE_MAX};
    EXPECT_EQ(WEFT_OK, weft_act_encode(&act, &arena, &fields, &count, &msg));
    act.retract.reason.size++;
    EXPECT_EQ(WEFT_ETOOBIG, weft_act_encode(&act, &arena, &fields, &count, &msg));
    weft_arena_destroy(&arena);
}

TEST(act, takes_no_more_memory_than_there_is)
{
    struct weft_arena small = {.size_max = 64};
    struct weft_field *fields = NULL;
    uint32_t count = 0;
    struct weft_act act = sample(WEFT_ACT_RECALL);
    EXPECT_EQ(WEFT_ENOMEM, weft_act_encode(&act, &small, &fields, &count, &msg));
    weft_arena_destroy(&small);
    weft_arena_destroy(&arena);
}
