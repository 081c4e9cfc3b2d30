#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/proto/raw_message.h"

/* Limits are tried from both sides, when encoding and when decoding. What the encoder refuses
 * to write, these tests write with the face itself. */

/* --- commits and records --------------------------------------------------------------------- */

static struct weft_wire_ref record_of(
    struct weft_wire_builder *b, struct weft_wire_ref fields, struct weft_wire_ref links)
{
    const struct weft_wire_record_refs r = {
        .kind = weft_wire_text(b, WEFT_TEXT("k")),
        .asset = weft_wire_text(b, WEFT_TEXT("a")),
        .fields = fields,
        .links = links,
    };
    return weft_wire_record_write(b, &r);
}

static enum weft_err send_commit(
    struct weft_wire_builder *b, struct weft_wire_ref record, uint32_t count, struct weft_msg *msg)
{
    const uint8_t id[16] = {1};
    const struct weft_wire_commit_request_refs c = {
        .records = repeat(b, record, count),
        .request_id = weft_wire_bytes(b, (struct weft_bytes){id, sizeof(id)}),
    };
    EXPECT_EQ(WEFT_OK,
        weft_codec_finish(b, weft_wire_commit_request_write(b, &c), WEFT_KIND_COMMIT, 0, &out));
    return decode_client(msg);
}

static const struct weft_wire_ref nothing = {0};

TEST(codec_record_limits, hold_the_records_of_a_commit)
{
    static struct weft_record records[WEFT_COMMIT_RECORDS_MAX + 1];
    for (size_t i = 0; i <= WEFT_COMMIT_RECORDS_MAX; i++) {
        records[i].kind = records[i].asset = WEFT_TEXT("a");
    }
    static const struct {
        uint32_t count;
        enum weft_err encoded, decoded;
    } cases[] = {{0, WEFT_EINVAL, WEFT_EINVAL}, {1, WEFT_OK, WEFT_OK},
        {WEFT_COMMIT_RECORDS_MAX, WEFT_OK, WEFT_OK},
        {WEFT_COMMIT_RECORDS_MAX + 1, WEFT_ETOOBIG, WEFT_ETOOBIG}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_client_message m = {.kind = WEFT_KIND_COMMIT,
            .commit = {.records = records, .record_count = cases[i].count}};
        EXPECT_EQ(cases[i].encoded, encode_client(&m));
        struct weft_wire_builder *b = begin();
        EXPECT_EQ(
            cases[i].decoded, send_commit(b, record_of(b, nothing, nothing), cases[i].count, NULL));
    }
}

TEST(codec_record_limits, hold_every_record_of_a_commit_to_its_rules_and_say_which)
{
    struct weft_field field = {WEFT_TEXT("flatness/value"), WEFT_TEXT("x"), WEFT_VALUE_REAL};
    struct weft_record records[2] = {{.kind = WEFT_TEXT("k"), .asset = WEFT_TEXT("a")},
        {.kind = WEFT_TEXT("k"), .asset = WEFT_TEXT("a"), .fields = &field, .field_count = 1}};
    struct weft_client_message m = {
        .kind = WEFT_KIND_COMMIT, .commit = {.records = records, .record_count = 2}};
    EXPECT_EQ(WEFT_EINVAL, encode_client(&m));
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_EINVAL, decode_client(&msg));
    EXPECT_TRUE(strncmp(msg.text, "/records/1/attrs/flatness/value: ", 33) == 0);
    field.value = WEFT_TEXT("0.1");
    EXPECT_EQ(WEFT_OK, encode_client(&m));
}

static enum weft_err record_alone(struct weft_wire_builder *b, struct weft_wire_ref record)
{
    struct weft_record decoded;
    EXPECT_EQ(WEFT_OK, weft_wire_finish(b, record, NULL, 0, &out));
    return weft_record_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded);
}

TEST(codec_record_limits, hold_fields_and_links_of_a_record)
{
    for (uint32_t over = 0; over < 2; over++) {
        enum weft_err expected = over ? WEFT_ETOOBIG : WEFT_OK;
        struct weft_wire_builder *b = begin();
        struct weft_wire_ref field = weft_wire_field_write(b, &(struct weft_wire_field_refs){0});
        struct weft_wire_ref fields = repeat(b, field, WEFT_RECORD_FIELDS_MAX + over);
        EXPECT_EQ(expected, record_alone(b, record_of(b, fields, nothing)));
        b = begin();
        struct weft_wire_ref link = weft_wire_link_write(b, &(struct weft_wire_link_refs){0});
        struct weft_wire_ref links = repeat(b, link, WEFT_RECORD_LINKS_MAX + over);
        EXPECT_EQ(expected, record_alone(b, record_of(b, nothing, links)));
        b = begin();
        field = weft_wire_field_write(b, &(struct weft_wire_field_refs){0});
        fields = repeat(b, field, WEFT_RECORD_FIELDS_MAX + over);
        link = weft_wire_link_write(b, &(struct weft_wire_link_refs){.fields = fields});
        EXPECT_EQ(expected, record_alone(b, record_of(b, nothing, repeat(b, link, 1))));
    }
    static struct weft_field fields[WEFT_RECORD_FIELDS_MAX + 1];
    static struct weft_link links[WEFT_RECORD_LINKS_MAX + 1];
    struct weft_record record = {.fields = fields,
        .field_count = WEFT_RECORD_FIELDS_MAX,
        .links = links,
        .link_count = WEFT_RECORD_LINKS_MAX};
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_OK, weft_record_encode(&record, &out));
    record.field_count++;
    EXPECT_EQ(WEFT_ETOOBIG, weft_record_encode(&record, &out));
    record.field_count--;
    record.link_count++;
    EXPECT_EQ(WEFT_ETOOBIG, weft_record_encode(&record, &out));
}

TEST(codec_record_limits, hold_the_texts_of_a_record)
{
    static const size_t sizes[] = {WEFT_KIND_SIZE_MAX, WEFT_ASSET_SIZE_MAX, WEFT_SOURCE_SIZE_MAX,
        WEFT_PRINCIPAL_SIZE_MAX, WEFT_PATH_SIZE_MAX, WEFT_VALUE_SIZE_MAX, WEFT_REL_SIZE_MAX,
        WEFT_ASSET_SIZE_MAX};
    for (size_t i = 0; i < 8; i++) {
        for (size_t over = 0; over < 3; over++) {
            static const char bad[] = "\xc0\x80";
            enum weft_err expected = over == 0   ? WEFT_OK
                                     : over == 1 ? WEFT_ETOOBIG
                                                 : WEFT_EMALFORMED;
            struct weft_wire_builder *b = begin();
            struct weft_text text =
                over == 2 ? (struct weft_text){bad, 2} : text_of_size(sizes[i] + over);
            struct weft_wire_ref ref = weft_wire_text(b, text);
            struct weft_wire_field_refs f = {
                .path = i == 4 ? ref : nothing, .value = i == 5 ? ref : nothing};
            struct weft_wire_link_refs l = {
                .rel = i == 6 ? ref : nothing, .target = i == 7 ? ref : nothing};
            struct weft_wire_ref field = weft_wire_field_write(b, &f);
            struct weft_wire_ref link = weft_wire_link_write(b, &l);
            struct weft_wire_record_refs r = {.kind = i == 0 ? ref : nothing,
                .asset = i == 1 ? ref : nothing,
                .source = i == 2 ? ref : nothing,
                .author = i == 3 ? ref : nothing,
                .fields = repeat(b, field, 1),
                .links = repeat(b, link, 1)};
            EXPECT_EQ(expected, record_alone(b, weft_wire_record_write(b, &r)));
        }
    }
}

TEST(codec_record_limits, admit_only_known_value_types)
{
    for (unsigned type = 0; type < 256; type++) {
        struct weft_wire_builder *b = begin();
        struct weft_wire_ref field =
            weft_wire_field_write(b, &(struct weft_wire_field_refs){.value_type = (uint8_t)type});
        EXPECT_EQ(type <= WEFT_VALUE_REDACTED ? WEFT_OK : WEFT_EMALFORMED,
            record_alone(b, record_of(b, repeat(b, field, 1), nothing)));
    }
}

TEST(codec_record_limits, hold_a_record_to_its_size)
{
    struct weft_record record = {.kind = WEFT_TEXT("k"), .asset = WEFT_TEXT("a")}, decoded;
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_OK, weft_record_encode(&record, &out));
    static const uint8_t zeros[WEFT_COMMIT_SIZE_MAX];
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, zeros, WEFT_COMMIT_SIZE_MAX - out.size));
    EXPECT_EQ(
        WEFT_OK, weft_record_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, zeros, 1));
    EXPECT_EQ(WEFT_ETOOBIG,
        weft_record_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded));
}

/* The largest record that weft_record_check admits still encodes. */
TEST(codec_record_limits, encode_every_record_that_is_admitted)
{
    enum {
        FIELDS = 1000
    };
    static struct weft_link links[WEFT_RECORD_LINKS_MAX];
    static struct weft_field fields[16 * FIELDS];
    static char paths[16 * FIELDS][8];
    struct weft_record record = {.kind = WEFT_TEXT("k"), .asset = WEFT_TEXT("a"), .links = links};
    /* Many small fields cost most beside their texts. */
    for (uint32_t i = 0; i < 16; i++) {
        for (uint32_t j = 0; j < FIELDS; j++) {
            struct weft_field *f = &fields[i * FIELDS + j];
            char *path = paths[i * FIELDS + j];
            path[0] = (char)('a' + j / 40);
            path[1] = (char)('0' + j % 40);
            f->path = (struct weft_text){path, 2};
        }
        links[i] = (struct weft_link){WEFT_TEXT("r"), WEFT_TEXT("t"), &fields[i * FIELDS], FIELDS};
    }
    record.link_count = 16;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_ETOOBIG, weft_record_check(&record, NULL, &msg));
    record.link_count = 15; /* 15,000 fields that weigh 34 bytes are within half a megabyte. */
    EXPECT_EQ(WEFT_OK, weft_record_check(&record, NULL, &msg));
    struct weft_record decoded;
    weft_buffer_clear(&out);
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_record_encode(&record, &out));
    EXPECT_TRUE(out.size > WEFT_RECORD_SIZE_MAX / 2 && out.size < WEFT_COMMIT_SIZE_MAX);
    EXPECT_EQ(
        WEFT_OK, weft_record_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded));
}

/* --- PRO-8: what a message unfolds to is bounded -------------------------------------------- */

TEST(codec_record_limits, bound_what_many_offsets_to_one_text_unfold_to)
{
    for (uint32_t count = 1; count <= 64; count *= 2) {
        struct weft_wire_builder *b = begin();
        struct weft_wire_field_refs f = {.path = weft_wire_text(b, WEFT_TEXT("v")),
            .value = weft_wire_text(b, text_of_size(WEFT_VALUE_SIZE_MAX)),
            .value_type = WEFT_VALUE_TEXT};
        struct weft_wire_ref fields = repeat(b, weft_wire_field_write(b, &f), 1);
        struct weft_msg msg = {""};
        /* A commit holds 13 such values. The message itself is never much longer than one. */
        EXPECT_EQ(count <= 8 ? WEFT_OK : WEFT_ETOOBIG,
            send_commit(b, record_of(b, fields, nothing), count, &msg));
        EXPECT_TRUE(out.size < WEFT_VALUE_SIZE_MAX + 1024);
        EXPECT_TRUE(count <= 8 || strstr(msg.text, "unfolded") != NULL);
    }
}

TEST(codec_record_limits, bound_the_tables_of_a_message)
{
    struct weft_wire_builder *b = begin();
    struct weft_wire_ref field = weft_wire_field_write(b, &(struct weft_wire_field_refs){0});
    struct weft_wire_ref fields = repeat(b, field, WEFT_RECORD_FIELDS_MAX);
    /* 1024 * 1024 tables in a few kilobytes: the verifier itself must not follow them all. */
    EXPECT_EQ(WEFT_EMALFORMED,
        send_commit(b, record_of(b, fields, nothing), WEFT_COMMIT_RECORDS_MAX, NULL));
    EXPECT_TRUE(out.size < 16 * 1024);
    EXPECT_TRUE(WEFT_COMMIT_RECORDS_MAX * WEFT_RECORD_FIELDS_MAX > WEFT_MESSAGE_TABLES_MAX);
}

TEST(codec_record_limits, bound_what_the_records_of_a_page_unfold_to)
{
    struct weft_field field = {WEFT_TEXT("v"), text_of_size(WEFT_VALUE_SIZE_MAX), WEFT_VALUE_TEXT};
    struct weft_record record = {
        .kind = WEFT_TEXT("k"), .asset = WEFT_TEXT("a"), .fields = &field, .field_count = 1};
    struct weft_buffer encoded = {0};
    EXPECT_EQ(WEFT_OK, weft_record_encode(&record, &encoded));
    for (uint32_t count = 32; count <= 128; count *= 2) {
        struct weft_wire_builder *b = begin();
        struct weft_wire_stored_record_refs s = {
            .encoded = weft_wire_bytes(b, (struct weft_bytes){encoded.data, encoded.size})};
        struct weft_wire_page_refs p = {
            .records = repeat(b, weft_wire_stored_record_write(b, &s), count)};
        EXPECT_EQ(count == 32 ? WEFT_OK : WEFT_ETOOBIG,
            send_client(b, WEFT_KIND_PAGE, weft_wire_page_write(b, &p)));
    }
    weft_buffer_destroy(&encoded);
}

TEST(codec_record_limits, write_what_the_records_of_a_commit_have_in_common_once)
{
    enum {
        RECORDS = 64
    };
    struct weft_field fields[] = {
        {WEFT_TEXT("readings/temperature"), WEFT_TEXT("21.5"), WEFT_VALUE_REAL},
        {WEFT_TEXT("step"), WEFT_TEXT("receiving"), WEFT_VALUE_TEXT}};
    struct weft_link links[] = {{WEFT_TEXT("contains"), WEFT_TEXT("lot:5500"), fields, 2},
        {WEFT_TEXT("contains"), WEFT_TEXT("lot:5501"), NULL, 0}};
    static struct weft_record records[RECORDS];
    static char assets[RECORDS][8];
    for (uint32_t i = 0; i < RECORDS; i++) {
        (void)snprintf(assets[i], sizeof(assets[i]), "box/%u", i);
        records[i] = (struct weft_record){.kind = WEFT_TEXT("k"),
            .asset = weft_text_of(assets[i]),
            .fields = fields,
            .field_count = 2,
            .links = links,
            .link_count = 2};
    }
    const struct weft_commit commit = {.records = records, .record_count = RECORDS};
    const struct weft_commit one = {.records = records, .record_count = 1};
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_OK, weft_commit_encode(&one, &out));
    size_t alone = out.size;
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_OK, weft_commit_encode(&commit, &out));
    EXPECT_TRUE(out.size < RECORDS * alone * 2 / 3);
    struct weft_commit decoded;
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK,
        weft_commit_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded, NULL));
    EXPECT_EQ(RECORDS, decoded.record_count);
    struct weft_buffer stated = {0}, read = {0};
    for (uint32_t i = 0; i < RECORDS; i++) {
        EXPECT_EQ(WEFT_OK, weft_record_encode(&records[i], &stated));
        EXPECT_EQ(WEFT_OK, weft_record_encode(&decoded.records[i], &read));
    }
    EXPECT_EQ(stated.size, read.size);
    EXPECT_MEM(stated.data, read.data, stated.size);
    weft_buffer_destroy(&stated);
    weft_buffer_destroy(&read);
}

/* PRO-9: what is written once counts as often as it is read, so the largest commit that is written
 * is one that is read. */
TEST(codec_record_limits, refuse_a_commit_that_is_small_but_unfolds_to_more_than_one)
{
    static struct weft_link links[100];
    static struct weft_record records[WEFT_COMMIT_RECORDS_MAX];
    for (size_t size = 1; size <= 96; size += 19) {
        struct weft_text text = text_of_size(size);
        for (size_t i = 0; i < 100; i++) {
            links[i] = (struct weft_link){WEFT_TEXT("r"), text, NULL, 0};
        }
        for (size_t i = 0; i < WEFT_COMMIT_RECORDS_MAX; i++) {
            records[i] = (struct weft_record){
                .kind = WEFT_TEXT("k"), .asset = text, .links = links, .link_count = 100};
        }
        uint32_t admitted = 2, refused = WEFT_COMMIT_RECORDS_MAX;
        while (refused - admitted > 1) {
            uint32_t count = (admitted + refused) / 2;
            struct weft_client_message m = {
                .kind = WEFT_KIND_COMMIT, .commit = {.records = records, .record_count = count}};
            enum weft_err err = encode_client(&m); /* And decode. */
            EXPECT_TRUE(err == WEFT_OK || (err == WEFT_ETOOBIG && out.size == 0));
            admitted = err == WEFT_OK ? count : admitted;
            refused = err == WEFT_OK ? refused : count;
        }
        EXPECT_TRUE(admitted > 50 && refused < WEFT_COMMIT_RECORDS_MAX);
    }
}

/* --- a commit's texts: checked once, by weft_record_check ------------------------------------ */

TEST(codec_record_limits, refuse_every_text_of_a_commit_that_is_not_utf8)
{
    struct weft_text bad = WEFT_TEXT("a\xff");
    for (int i = 0; i < 10; i++) {
        struct weft_field field = {WEFT_TEXT("p"), WEFT_TEXT("v"), WEFT_VALUE_TEXT};
        struct weft_field of_link = field;
        struct weft_link link = {WEFT_TEXT("r"), WEFT_TEXT("t"), &of_link, 1};
        struct weft_record record = {.kind = WEFT_TEXT("k"),
            .asset = WEFT_TEXT("a"),
            .fields = &field,
            .field_count = 1,
            .links = &link,
            .link_count = 1};
        struct weft_text *const texts[] = {&record.kind, &record.asset, &record.source,
            &record.author, &field.path, &field.value, &link.rel, &link.to, &of_link.path,
            &of_link.value};
        struct weft_commit commit = {.records = &record, .record_count = 1}, decoded;
        for (int is_bad = 0; is_bad < 2; is_bad++) {
            weft_arena_reset(&arena);
            weft_buffer_clear(&out);
            *texts[i] = is_bad ? bad : WEFT_TEXT("a");
            EXPECT_EQ(WEFT_OK, weft_commit_encode(&commit, &out));
            enum weft_err err =
                weft_commit_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded, NULL);
            EXPECT_EQ(is_bad == 0, err == WEFT_OK);
            EXPECT_TRUE(err == WEFT_OK || err == WEFT_EMALFORMED || err == WEFT_EINVAL);
        }
    }
}

/* proto/README.md says so; the callers size their arenas by it. */
TEST(codec_record_limits, decode_any_commit_in_an_arena_of_4_mib)
{
    struct weft_arena small = {.size_max = 4 << 20};
    struct weft_wire_builder *b = begin();
    const struct weft_wire_link_refs l = {
        .rel = weft_wire_text(b, WEFT_TEXT("r")), .target = weft_wire_text(b, WEFT_TEXT("t"))};
    struct weft_wire_ref links = repeat(b, weft_wire_link_write(b, &l), WEFT_RECORD_LINKS_MAX);
    EXPECT_EQ(WEFT_OK, send_commit(b, record_of(b, nothing, links), 12, NULL));
    struct weft_commit commit;
    uint8_t *block = malloc(out.size + 1); /* At an odd address: the message is copied as well. */
    memcpy(block + 1, out.data + WEFT_ENVELOPE_SIZE, out.size - WEFT_ENVELOPE_SIZE);
    EXPECT_EQ(
        WEFT_OK, weft_commit_decode((struct weft_bytes){block + 1, out.size - WEFT_ENVELOPE_SIZE},
                     &small, &commit, NULL));
    EXPECT_TRUE(small.used_bytes > 2 << 20);
    b = begin();
    const struct weft_wire_link_refs again = {
        .rel = weft_wire_text(b, WEFT_TEXT("r")), .target = weft_wire_text(b, WEFT_TEXT("t"))};
    links = repeat(b, weft_wire_link_write(b, &again), WEFT_RECORD_LINKS_MAX);
    EXPECT_EQ(WEFT_ETOOBIG, send_commit(b, record_of(b, nothing, links), 14, NULL));
    free(block);
    weft_arena_destroy(&small);
}
