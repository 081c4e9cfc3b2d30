#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"
#include "proto/limits.h"
#include "tests/lib/sample.h"
#include "tests/lib/test.h"

/* Both doors behind one face: messages as JSON, kinds as numbers. */
struct door {
    const enum weft_message_kind *kinds;
    void (*make)(struct sample *s, enum weft_message_kind kind, struct weft_buffer *json,
        struct weft_buffer *out);
    enum weft_err (*read)(
        struct weft_bytes message, struct weft_arena *arena, struct weft_buffer *json);
};

static void make_peer(struct sample *s, enum weft_message_kind kind, struct weft_buffer *json,
    struct weft_buffer *out)
{
    struct weft_peer_message m;
    sample_peer(s, kind, &m);
    sample_peer_json(&m, json);
    EXPECT_EQ(WEFT_OK, weft_peer_encode(&m, out));
}

static enum weft_err read_peer(
    struct weft_bytes message, struct weft_arena *arena, struct weft_buffer *json)
{
    struct weft_peer_message m;
    enum weft_err err = weft_peer_decode(message, arena, &m);
    if (err == WEFT_OK) {
        EXPECT_EQ(weft_get_le32(message.data + 4) & 0xffff, m.kind);
        sample_peer_json(&m, json);
    }
    return err;
}

static void make_client(struct sample *s, enum weft_message_kind kind, struct weft_buffer *json,
    struct weft_buffer *out)
{
    struct weft_client_message m;
    sample_client(s, kind, &m);
    sample_client_json(&m, json);
    EXPECT_EQ(WEFT_OK, weft_client_encode(&m, out));
}

static enum weft_err read_client(
    struct weft_bytes message, struct weft_arena *arena, struct weft_buffer *json)
{
    struct weft_client_message m;
    struct weft_bytes body = {NULL, 0};
    struct weft_msg msg = {""};
    enum weft_err err = weft_client_decode(message, arena, &m, &body, &msg);
    if (err == WEFT_OK) {
        EXPECT_EQ(weft_get_le32(message.data + 4) & 0xffff, m.kind);
        EXPECT_EQ(weft_get_le64(message.data + 8), m.request_id);
        EXPECT_EQ(message.size - WEFT_ENVELOPE_SIZE, body.size);
        sample_client_json(&m, json);
    } else {
        EXPECT_TRUE(msg.text[0] != '\0'); /* Every refusal says why. */
    }
    return err;
}

static const struct door peer = {sample_peer_kinds, make_peer, read_peer};
static const struct door client = {sample_client_kinds, make_client, read_client};

static void expect_same_json(const struct weft_buffer *expected, const struct weft_buffer *actual)
{
    EXPECT_EQ(expected->size, actual->size);
    EXPECT_MEM(expected->data, actual->data, expected->size);
}

/* --- round trips ----------------------------------------------------------------------------- */

static void come_back(const struct door *door, int rounds)
{
    struct weft_arena made = {.size_max = 64 << 20}, read = {.size_max = 64 << 20};
    struct weft_buffer out = {0}, before = {0}, after = {0};
    for (const enum weft_message_kind *kind = door->kinds; *kind != 0; kind++) {
        for (int i = 0; i < rounds; i++) {
            struct sample s = {test_random(0), &made};
            weft_buffer_clear(&before);
            weft_buffer_clear(&after);
            weft_buffer_clear(&out);
            door->make(&s, *kind, &before, &out);
            EXPECT_EQ(0, out.size & 7);
            EXPECT_EQ(WEFT_OK, door->read((struct weft_bytes){out.data, out.size}, &read, &after));
            expect_same_json(&before, &after);
            weft_arena_reset(&made);
            weft_arena_reset(&read);
        }
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&before);
    weft_buffer_destroy(&after);
    weft_arena_destroy(&made);
    weft_arena_destroy(&read);
}

TEST(codec, brings_peer_messages_back_as_they_were)
{
    come_back(&peer, 200);
}

TEST(codec, brings_client_messages_back_as_they_were)
{
    come_back(&client, 200);
}

TEST(codec, brings_records_commits_and_manifests_back_as_they_were)
{
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer out = {0}, before = {0}, after = {0};
    for (int i = 0; i < 600; i++) {
        struct sample s = {test_random(0), &arena};
        struct weft_msg msg = {""};
        weft_buffer_clear(&before);
        weft_buffer_clear(&after);
        weft_buffer_clear(&out);
        if (i % 3 == 0) {
            struct weft_record record, back;
            sample_record(&s, &record);
            sample_record_json(&record, &before);
            EXPECT_EQ(WEFT_OK, weft_record_encode(&record, &out));
            EXPECT_EQ(WEFT_OK,
                weft_record_decode((struct weft_bytes){out.data, out.size}, &arena, &back));
            sample_record_json(&back, &after);
        } else if (i % 3 == 1) {
            struct weft_commit commit, back;
            sample_commit(&s, &commit);
            sample_commit_json(&commit, &before);
            EXPECT_EQ(WEFT_OK, weft_commit_encode(&commit, &out));
            EXPECT_EQ(WEFT_OK,
                weft_commit_decode((struct weft_bytes){out.data, out.size}, &arena, &back, &msg));
            sample_commit_json(&back, &after);
        } else {
            struct weft_manifest manifest, back;
            sample_manifest(&s, &manifest);
            sample_manifest_json(&manifest, &before);
            EXPECT_EQ(WEFT_OK, weft_manifest_encode(&manifest, &out));
            EXPECT_EQ(WEFT_OK,
                weft_manifest_decode((struct weft_bytes){out.data, out.size}, &arena, &back));
            sample_manifest_json(&back, &after);
        }
        expect_same_json(&before, &after);
        weft_arena_reset(&arena);
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&before);
    weft_buffer_destroy(&after);
    weft_arena_destroy(&arena);
}

TEST(codec, appends_messages_one_behind_the_other)
{
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer out = {0}, json = {0};
    struct sample s = {test_random(0), &arena};
    size_t starts[21] = {0};
    for (int i = 0; i < 20; i++) {
        make_client(&s, sample_client_kinds[i % 21], &json, &out);
        starts[i + 1] = out.size;
        EXPECT_EQ(starts[i + 1] - starts[i], weft_get_le32(out.data + starts[i]));
    }
    for (int i = 0; i < 20; i++) {
        struct weft_bytes message = {out.data + starts[i], starts[i + 1] - starts[i]};
        EXPECT_EQ(WEFT_OK, read_client(message, &arena, &json));
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
}

/* What replicas store must be the same bytes, whatever the thread encoded before. */
TEST(codec, encodes_a_record_the_same_way_every_time)
{
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer first = {0}, again = {0}, other = {0}, json = {0};
    for (int i = 0; i < 200; i++) {
        struct sample s = {test_random(0), &arena};
        struct weft_record record;
        sample_record(&s, &record);
        weft_buffer_clear(&first);
        weft_buffer_clear(&again);
        weft_buffer_clear(&other);
        EXPECT_EQ(WEFT_OK, weft_record_encode(&record, &first));
        make_client(&s, WEFT_KIND_PAGE, &json, &other);
        make_peer(&s, WEFT_KIND_APPEND_ENTRIES, &json, &other);
        EXPECT_EQ(WEFT_OK, weft_record_encode(&record, &again));
        EXPECT_EQ(first.size, again.size);
        EXPECT_MEM(first.data, again.data, first.size);
        weft_buffer_clear(&json);
        weft_arena_reset(&arena);
    }
    weft_buffer_destroy(&first);
    weft_buffer_destroy(&again);
    weft_buffer_destroy(&other);
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
}

/* --- hostile bytes: PRO-7 ------------------------------------------------------------------- */

/* In a block of exactly its size, so that a sanitizer sees a read past it. */
static enum weft_err read_exactly(const struct door *door, const uint8_t *data, size_t size,
    struct weft_arena *arena, struct weft_buffer *json)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    EXPECT_TRUE(exact != NULL);
    memcpy(exact, data, size);
    weft_buffer_clear(json);
    enum weft_err err = door->read((struct weft_bytes){exact, size}, arena, json);
    free(exact);
    weft_arena_reset(arena);
    return err;
}

static void survive_truncation(const struct door *door)
{
    struct weft_arena arena = {.size_max = 64 << 20}, made = {.size_max = 64 << 20};
    struct weft_buffer out = {0}, json = {0};
    for (const enum weft_message_kind *kind = door->kinds; *kind != 0; kind++) {
        struct sample s = {test_random(0), &made};
        uint32_t refused = 0;
        weft_buffer_clear(&out);
        weft_buffer_clear(&json);
        door->make(&s, *kind, &json, &out);
        size_t step = 1 + out.size / 2000;
        for (size_t size = 0; size < out.size; size += step) {
            EXPECT_EQ(WEFT_EMALFORMED, read_exactly(door, out.data, size, &arena, &json));
            if (size >= WEFT_ENVELOPE_SIZE) { /* And with an envelope that agrees. */
                uint8_t *cut = malloc(size);
                memcpy(cut, out.data, size);
                weft_put_le32(cut, (uint32_t)size);
                refused += read_exactly(door, cut, size, &arena, &json) != WEFT_OK;
                free(cut);
            }
        }
        EXPECT_TRUE(refused > 0);
        weft_arena_reset(&made);
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
    weft_arena_destroy(&made);
}

TEST(codec, survives_truncated_peer_messages)
{
    survive_truncation(&peer);
}

TEST(codec, survives_truncated_client_messages)
{
    survive_truncation(&client);
}

/* Flips bits of the table, and words, which are offsets and sizes more often than not. */
static void damage(uint8_t *data, size_t size)
{
    for (uint64_t i = 1 + test_random(4); i > 0; i--) {
        size_t at = WEFT_ENVELOPE_SIZE + test_random(size - WEFT_ENVELOPE_SIZE);
        if (test_random(2) == 0) {
            data[at] ^= (uint8_t)(1u << test_random(8));
        } else {
            at &= ~(size_t)3;
            weft_put_le32(data + at, (uint32_t)(test_random(2) ? test_random(64) : test_random(0)));
        }
    }
}

static void survive_damage(const struct door *door, int rounds)
{
    struct weft_arena arena = {.size_max = 64 << 20}, made = {.size_max = 64 << 20};
    struct weft_buffer out = {0}, json = {0};
    for (const enum weft_message_kind *kind = door->kinds; *kind != 0; kind++) {
        uint32_t refused = 0, taken = 0;
        for (int i = 0; i < rounds; i++) {
            struct sample s = {test_random(0), &made};
            weft_buffer_clear(&out);
            weft_buffer_clear(&json);
            door->make(&s, *kind, &json, &out);
            for (int j = 0; j < 20; j++) {
                damage(out.data, out.size);
                enum weft_err err = read_exactly(door, out.data, out.size, &arena, &json);
                refused += err != WEFT_OK;
                taken += err == WEFT_OK;
            }
            weft_arena_reset(&made);
        }
        EXPECT_TRUE(refused > 0 && taken > 0); /* Both were reached. */
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
    weft_arena_destroy(&made);
}

TEST(codec, survives_damaged_peer_messages)
{
    survive_damage(&peer, 60);
}

TEST(codec, survives_damaged_client_messages)
{
    survive_damage(&client, 60);
}

TEST(codec, survives_random_bytes)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_buffer json = {0};
    uint8_t data[512];
    for (int i = 0; i < 20000; i++) {
        size_t size = WEFT_ENVELOPE_SIZE + 8 * test_random(62);
        for (size_t j = 0; j < size; j++) {
            data[j] = test_random(3) == 0 ? (uint8_t)test_random(0) : (uint8_t)test_random(32);
        }
        weft_put_le32(data, (uint32_t)size);
        weft_put_le32(data + 4, (uint32_t)(16 + test_random(64)) | (1u << 16));
        (void)read_exactly(i & 1 ? &peer : &client, data, size, &arena, &json);
    }
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
}

/* --- envelope -------------------------------------------------------------------------------- */

static bool is_of(const struct door *door, uint32_t kind)
{
    for (const enum weft_message_kind *k = door->kinds; *k != 0; k++) {
        if (*k == kind) {
            return true;
        }
    }
    return false;
}

static void refuse_unknown_kinds(const struct door *door)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_buffer out = {0}, json = {0};
    struct sample s = {test_random(0), &arena};
    door->make(&s, door->kinds[0], &json, &out);
    uint32_t known = 0;
    for (uint32_t kind = 0; kind <= UINT16_MAX; kind++) {
        weft_put_le32(out.data + 4, kind | (uint32_t)WEFT_ENVELOPE_VERSION << 16);
        weft_buffer_clear(&json);
        enum weft_err err = door->read((struct weft_bytes){out.data, out.size}, &arena, &json);
        known += is_of(door, kind);
        EXPECT_EQ(is_of(door, kind), err != WEFT_EVERSION);
        weft_arena_reset(&arena);
    }
    EXPECT_TRUE(known >= 12);
    for (uint32_t version = 0; version <= UINT16_MAX; version++) {
        weft_put_le32(out.data + 4, (uint32_t)door->kinds[0] | version << 16);
        weft_buffer_clear(&json);
        enum weft_err err = door->read((struct weft_bytes){out.data, out.size}, &arena, &json);
        EXPECT_EQ(version == WEFT_ENVELOPE_VERSION ? WEFT_OK : WEFT_EVERSION, err);
        weft_arena_reset(&arena);
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
}

TEST(codec, refuses_kinds_and_versions_that_the_peer_door_does_not_know)
{
    refuse_unknown_kinds(&peer);
}

TEST(codec, refuses_kinds_and_versions_that_the_client_door_does_not_know)
{
    refuse_unknown_kinds(&client);
}

TEST(codec, refuses_an_envelope_that_says_another_size)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_buffer out = {0}, json = {0};
    struct sample s = {test_random(0), &arena};
    make_peer(&s, WEFT_KIND_PING, &json, &out);
    struct weft_bytes message = {out.data, out.size};
    for (int delta = -8; delta <= 8; delta++) {
        weft_put_le32(out.data, (uint32_t)((int)out.size + delta));
        EXPECT_EQ(delta == 0 ? WEFT_OK : WEFT_EMALFORMED, read_peer(message, &arena, &json));
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
}

/* --- alignment ------------------------------------------------------------------------------- */

static void read_anywhere(const struct door *door)
{
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer out = {0}, before = {0}, after = {0};
    for (const enum weft_message_kind *kind = door->kinds; *kind != 0; kind++) {
        struct sample s = {test_random(0), &arena};
        weft_buffer_clear(&out);
        weft_buffer_clear(&before);
        door->make(&s, *kind, &before, &out);
        uint8_t *block = malloc(out.size + 8);
        for (size_t shift = 0; shift < 8; shift++) {
            memcpy(block + shift, out.data, out.size);
            weft_buffer_clear(&after);
            EXPECT_EQ(
                WEFT_OK, door->read((struct weft_bytes){block + shift, out.size}, &arena, &after));
            expect_same_json(&before, &after);
        }
        free(block);
        weft_arena_reset(&arena);
    }
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&before);
    weft_buffer_destroy(&after);
    weft_arena_destroy(&arena);
}

TEST(codec, reads_messages_at_any_address)
{
    read_anywhere(&peer);
    read_anywhere(&client);
}

/* --- memory ---------------------------------------------------------------------------------- */

static void need_arena(const struct door *door, enum weft_message_kind kind, uint64_t units)
{
    struct weft_arena made = {.size_max = 64 << 20};
    struct weft_buffer out = {0}, json = {0};
    uint32_t failed = 0;
    for (int i = 0; i < 200; i++) {
        struct sample s = {test_random(0), &made};
        struct weft_arena arena = {.size_max = 16 * test_random(units)};
        weft_buffer_clear(&out);
        weft_buffer_clear(&json);
        door->make(&s, kind, &json, &out);
        weft_buffer_clear(&json);
        enum weft_err err = door->read((struct weft_bytes){out.data, out.size}, &arena, &json);
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_ENOMEM);
        failed += err == WEFT_ENOMEM;
        weft_arena_destroy(&arena);
        weft_arena_reset(&made);
    }
    EXPECT_TRUE(failed > 10 && failed < 190); /* Both were reached. */
    weft_buffer_destroy(&out);
    weft_buffer_destroy(&json);
    weft_arena_destroy(&made);
}

TEST(codec, fails_without_room_in_the_arena)
{
    need_arena(&peer, WEFT_KIND_APPEND_ENTRIES, 10);
    need_arena(&client, WEFT_KIND_COMMIT_RESULT, 20);
    need_arena(&client, WEFT_KIND_STATUS_RESULT, 160);
}
