#include <stdlib.h>
#include <string.h>

#include "proto/octets.h"
#include "proto/packed.h"
#include "tests/lib/sample.h"
#include "tests/lib/test.h"

/* Packed steps and records: what was written comes back, and bytes of strangers end in an error
 * or in slices of themselves. */

static struct weft_arena arena = {.size_max = 64 << 20};
static struct weft_buffer out;
static char letters[WEFT_VALUE_SIZE_MAX + 2];

static struct weft_text text_of_size(size_t size)
{
    memset(letters, 'a', sizeof(letters));
    return (struct weft_text){letters, size};
}

static struct weft_packed packed(uint32_t count)
{
    return (struct weft_packed){{out.data, out.size}, count};
}

/* --- steps ----------------------------------------------------------------------------------- */

TEST(packed, gives_back_the_steps_of_an_answer)
{
    const struct weft_trace_step steps[] = {{.asset = WEFT_TEXT("lot:1"), .from_step = 7},
        {.asset = WEFT_TEXT("serial:a"),
            .from_step = 7,
            .depth = 1,
            .flags = WEFT_STEP_ANSWER | WEFT_STEP_LEAF,
            .rel = WEFT_TEXT("uses_lot"),
            .quantity = WEFT_TEXT("0.25"),
            .unit = WEFT_TEXT("kg"),
            .kind = WEFT_TEXT("as_built"),
            .index = UINT64_MAX,
            .ordinal = UINT32_MAX,
            .at_ns = INT64_MIN},
        {.asset = WEFT_TEXT("serial:b"),
            .from_step = 8,
            .depth = UINT32_MAX,
            .flags = UINT32_MAX,
            .rel = WEFT_TEXT("uses_lot"),
            .kind = WEFT_TEXT("as_built"),
            .location = WEFT_TEXT("customer:north"),
            .location_rel = WEFT_TEXT("shipped_to"),
            .location_index = 3,
            .location_ordinal = 4,
            .location_at_ns = -5}};
    struct weft_packed_steps writing = {.number = 7};
    weft_buffer_clear(&out);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(WEFT_OK, weft_packed_add_step(&out, &writing, &steps[i]));
    }
    const struct weft_trace_result trace = {.first_step = 7, .steps = packed(3)};
    EXPECT_EQ(WEFT_OK, weft_packed_check_steps(&trace.steps));
    struct weft_packed_steps reading = weft_packed_read_steps(&trace);
    struct weft_trace_step s;
    for (int i = 0; i < 3; i++) {
        EXPECT_TRUE(weft_packed_next_step(&reading, &s));
        EXPECT_TRUE(weft_text_equal(steps[i].asset, s.asset));
        EXPECT_TRUE(weft_text_equal(steps[i].rel, s.rel) && weft_text_equal(steps[i].kind, s.kind));
        EXPECT_TRUE(weft_text_equal(steps[i].quantity, s.quantity));
        EXPECT_TRUE(weft_text_equal(steps[i].unit, s.unit));
        EXPECT_TRUE(weft_text_equal(steps[i].location, s.location));
        EXPECT_TRUE(weft_text_equal(steps[i].location_rel, s.location_rel));
        EXPECT_EQ(steps[i].from_step, s.from_step);
        EXPECT_EQ(steps[i].depth, s.depth);
        EXPECT_EQ(steps[i].flags, s.flags);
        EXPECT_TRUE(steps[i].index == s.index && steps[i].ordinal == s.ordinal);
        EXPECT_TRUE(steps[i].at_ns == s.at_ns && steps[i].location_index == s.location_index);
        EXPECT_TRUE(steps[i].location_ordinal == s.location_ordinal);
        EXPECT_TRUE(steps[i].location_at_ns == s.location_at_ns);
    }
    EXPECT_TRUE(!weft_packed_next_step(&reading, &s));
}

/* A step of these texts as only a stranger writes it. */
static enum weft_err send_step(const struct weft_text texts[7])
{
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_OK, weft_buffer_reserve(&out, 4096));
    uint8_t *p = out.data;
    *p++ = 1 | 4; /* evidence and location */
    *p++ = 0;
    *p++ = 1;
    for (int i = 0; i < 7; i++) {
        p = weft_octets_put_text(p, texts[i]);
        if (i == 2 || i == 6) { /* a place behind rel and kind, and at the end */
            memset(p, 0, 10);
            p += 10;
        }
    }
    out.size = (size_t)(p - out.data);
    const struct weft_packed steps = packed(1);
    return weft_packed_check_steps(&steps);
}

TEST(packed, holds_every_text_of_a_step)
{
    static const size_t size_max[7] = {WEFT_ASSET_SIZE_MAX, WEFT_REL_SIZE_MAX, WEFT_KIND_SIZE_MAX,
        WEFT_PATH_SIZE_MAX, WEFT_PATH_SIZE_MAX, WEFT_ASSET_SIZE_MAX, WEFT_REL_SIZE_MAX};
    for (int i = 0; i < 7; i++) {
        for (size_t over = 0; over < 2; over++) {
            struct weft_text texts[7] = {{NULL, 0}};
            texts[i] = text_of_size(size_max[i] + over);
            EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK, send_step(texts));
            const struct weft_trace_step step = {.asset = texts[0],
                .rel = texts[1],
                .kind = texts[2],
                .quantity = texts[3],
                .unit = texts[4],
                .location = texts[5],
                .location_rel = texts[6]};
            struct weft_packed_steps writing = {.number = 0};
            weft_buffer_clear(&out);
            EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK, weft_packed_add_step(&out, &writing, &step));
            texts[i] = WEFT_TEXT("a\xc3");
            EXPECT_EQ(WEFT_EMALFORMED, send_step(texts));
        }
    }
}

/* --- records --------------------------------------------------------------------------------- */

TEST(packed, gives_back_the_records_of_an_answer)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct sample s = {seed, &arena};
        struct weft_packed records;
        struct weft_packed_record record;
        struct weft_stored_record stored;
        uint32_t count = 0;
        weft_arena_reset(&arena);
        weft_buffer_clear(&out);
        sample_packed_records(&s, &records);
        EXPECT_EQ(WEFT_OK, weft_packed_check_records(&records));
        struct weft_bytes rest = records.bytes;
        while (weft_packed_next_record(&rest, &record)) {
            EXPECT_EQ(WEFT_OK, weft_packed_open_record(&record, &arena, &stored));
            EXPECT_EQ(record.index, stored.index);
            EXPECT_EQ(WEFT_OK, weft_packed_add_stored(&out, &stored));
            count++;
        }
        EXPECT_EQ(records.count, count);
        EXPECT_EQ(records.bytes.size, out.size);
        EXPECT_TRUE(out.size == 0 || memcmp(out.data, records.bytes.data, out.size) == 0);
    }
}

static enum weft_err open_one(const struct weft_record *record)
{
    const struct weft_stored_record stored = {.record = *record};
    struct weft_packed_record read;
    struct weft_stored_record ignored;
    weft_arena_reset(&arena);
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_OK, weft_packed_add_stored(&out, &stored));
    const struct weft_packed records = packed(1);
    EXPECT_EQ(WEFT_OK, weft_packed_check_records(&records));
    struct weft_bytes rest = records.bytes;
    EXPECT_TRUE(weft_packed_next_record(&rest, &read));
    return weft_packed_open_record(&read, &arena, &ignored);
}

TEST(packed, holds_every_text_of_a_record_that_is_looked_into)
{
    static struct weft_field fields[WEFT_RECORD_FIELDS_MAX + 1];
    static struct weft_link links[WEFT_RECORD_LINKS_MAX + 1];
    struct weft_field field = {.path = WEFT_TEXT("a")};
    struct weft_link link = {.rel = WEFT_TEXT("r"), .to = WEFT_TEXT("t")};
    struct weft_record r = {.kind = WEFT_TEXT("k"), .asset = WEFT_TEXT("a"), .has_at = true};
    struct weft_text *const texts[] = {
        &r.author, &r.source, &field.path, &field.value, &link.rel, &link.to};
    static const size_t size_max[] = {WEFT_PRINCIPAL_SIZE_MAX, WEFT_SOURCE_SIZE_MAX,
        WEFT_PATH_SIZE_MAX, WEFT_VALUE_SIZE_MAX, WEFT_REL_SIZE_MAX, WEFT_ASSET_SIZE_MAX};
    r.fields = &field;
    r.links = &link;
    r.field_count = r.link_count = 1;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct weft_text before = *texts[i];
        *texts[i] = text_of_size(size_max[i]);
        EXPECT_EQ(WEFT_OK, open_one(&r));
        *texts[i] = text_of_size(size_max[i] + 1);
        EXPECT_EQ(WEFT_ETOOBIG, open_one(&r));
        *texts[i] = WEFT_TEXT("\xff");
        EXPECT_EQ(WEFT_EMALFORMED, open_one(&r));
        *texts[i] = before;
    }
    for (uint32_t over = 0; over < 2; over++) {
        enum weft_err expected = over ? WEFT_ETOOBIG : WEFT_OK;
        struct weft_record many = r;
        many.fields = fields;
        many.field_count = WEFT_RECORD_FIELDS_MAX + over;
        EXPECT_EQ(expected, open_one(&many));
        many = r;
        many.links = links;
        many.link_count = WEFT_RECORD_LINKS_MAX + over;
        EXPECT_EQ(expected, open_one(&many));
    }
    r.kind = WEFT_TEXT("");
    EXPECT_EQ(WEFT_EMALFORMED, open_one(&r));
}

TEST(packed, a_record_that_would_be_too_large_is_none)
{
    weft_buffer_clear(&out);
    for (size_t over = 0; over < 2; over++) {
        uint8_t *bytes = calloc(1, WEFT_COMMIT_SIZE_MAX + 1);
        const struct weft_packed_record record = {1, 2, 3, {bytes, WEFT_COMMIT_SIZE_MAX + over}};
        weft_buffer_clear(&out);
        EXPECT_EQ(WEFT_OK, weft_packed_add_record(&out, &record));
        const struct weft_packed records = packed(1);
        EXPECT_EQ(over ? WEFT_ETOOBIG : WEFT_OK, weft_packed_check_records(&records));
        free(bytes);
    }
}

/* --- damage ---------------------------------------------------------------------------------- */

static void read_all(const struct weft_packed *records, const struct weft_packed *steps)
{
    struct weft_packed_record record;
    struct weft_stored_record stored;
    struct weft_trace_step step;
    struct weft_bytes rest = records->bytes;
    weft_arena_reset(&arena);
    while (
        weft_packed_check_records(records) == WEFT_OK && weft_packed_next_record(&rest, &record)) {
        (void)!weft_packed_open_record(&record, &arena, &stored);
    }
    const struct weft_trace_result trace = {.steps = *steps};
    struct weft_packed_steps reading = weft_packed_read_steps(&trace);
    while (weft_packed_check_steps(steps) == WEFT_OK && weft_packed_next_step(&reading, &step)) {
        EXPECT_TRUE(step.asset.size <= WEFT_ASSET_SIZE_MAX);
    }
}

TEST(packed, survives_any_damage)
{
    struct sample s = {test_random(0), &arena};
    struct weft_client_message m;
    int broken = 0;
    for (int i = 0; i < 20000; i++) {
        weft_arena_reset(&arena);
        sample_client(&s, WEFT_KIND_TRACE_RESULT, &m);
        struct weft_packed *parts[2] = {&m.trace.records, &m.trace.steps};
        uint8_t *copies[2];
        for (int part = 0; part < 2; part++) {
            size_t size = parts[part]->bytes.size;
            size = test_random(4) == 0 ? test_random(size + 1) : size;
            copies[part] = malloc(size > 0 ? size : 1); /* ASan sees any step beyond. */
            memcpy(copies[part], size > 0 ? parts[part]->bytes.data : copies[part], size);
            for (uint64_t n = test_random(3); n > 0 && size > 0; n--) {
                copies[part][test_random(size)] = (uint8_t)test_random(256);
            }
            parts[part]->bytes = (struct weft_bytes){copies[part], size};
        }
        broken += weft_packed_check_records(parts[0]) != WEFT_OK;
        read_all(parts[0], parts[1]);
        free(copies[0]);
        free(copies[1]);
    }
    EXPECT_TRUE(broken > 1000);
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
}
