#include "tests/unit/proto/raw_message.h"

/* Limits are tried from both sides, when encoding and when decoding. What the encoder refuses
 * to write, these tests write with the face itself. */

/* --- the peer door --------------------------------------------------------------------------- */

TEST(codec_peer_limits, hold_the_entries_of_an_append)
{
    static struct weft_peer_entry entries[WEFT_APPEND_ENTRIES_MAX + 1];
    for (size_t i = 0; i <= WEFT_APPEND_ENTRIES_MAX; i++) {
        entries[i].type = WEFT_ENTRY_BARRIER;
    }
    for (uint32_t over = 0; over < 2; over++) {
        enum weft_err expected = over ? WEFT_ETOOBIG : WEFT_OK;
        struct weft_peer_message m = {.kind = WEFT_KIND_APPEND_ENTRIES,
            .append_entries = {.entries = entries, .entry_count = WEFT_APPEND_ENTRIES_MAX + over}};
        EXPECT_EQ(expected, encode_peer(&m));
        struct weft_wire_builder *b = begin();
        struct weft_wire_log_entry_refs e = {.entry_type = WEFT_ENTRY_BARRIER};
        struct weft_wire_append_entries_refs a = {
            .entries = repeat(b, weft_wire_log_entry_write(b, &e), WEFT_APPEND_ENTRIES_MAX + over),
            .header = weft_wire_peer_header_write(b, &(struct weft_wire_peer_header_refs){0})};
        EXPECT_EQ(expected,
            send_peer(b, WEFT_KIND_APPEND_ENTRIES, weft_wire_append_entries_write(b, &a)));
    }
}

/* `count` entries of `size` bytes, which are written once. */
static enum weft_err send_entries(uint32_t count, size_t size)
{
    struct weft_wire_builder *b = begin();
    struct weft_bytes content = {(const uint8_t *)letters, size};
    struct weft_wire_log_entry_refs e = {
        .entry_type = WEFT_ENTRY_COMMAND, .content = weft_wire_bytes(b, content)};
    struct weft_wire_append_entries_refs a = {
        .entries = repeat(b, weft_wire_log_entry_write(b, &e), count),
        .header = weft_wire_peer_header_write(b, &(struct weft_wire_peer_header_refs){0})};
    return send_peer(b, WEFT_KIND_APPEND_ENTRIES, weft_wire_append_entries_write(b, &a));
}

TEST(codec_peer_limits, hold_the_bytes_of_an_append)
{
    struct weft_peer_entry entries[5];
    for (size_t i = 0; i < 5; i++) {
        entries[i] = (struct weft_peer_entry){
            1, WEFT_ENTRY_COMMAND, {(const uint8_t *)letters, WEFT_ENTRY_SIZE_MAX}};
    }
    struct weft_peer_message m = {
        .kind = WEFT_KIND_APPEND_ENTRIES, .append_entries = {.entries = entries, .entry_count = 4}};
    EXPECT_EQ(WEFT_OK, encode_peer(&m));
    m.append_entries.entry_count = 5;
    entries[4].data.size = 1;
    EXPECT_EQ(WEFT_ETOOBIG, encode_peer(&m));
    m.append_entries.entry_count = 1;
    entries[0].data.size = WEFT_ENTRY_SIZE_MAX + 1;
    EXPECT_EQ(WEFT_ETOOBIG, encode_peer(&m));
    EXPECT_EQ(WEFT_OK, send_entries(1, WEFT_ENTRY_SIZE_MAX));
    EXPECT_EQ(WEFT_ETOOBIG, send_entries(1, WEFT_ENTRY_SIZE_MAX + 1));
    EXPECT_EQ(WEFT_OK, send_entries(4, WEFT_ENTRY_SIZE_MAX));
    EXPECT_EQ(WEFT_ETOOBIG, send_entries(5, WEFT_ENTRY_SIZE_MAX));
}

TEST(codec_peer_limits, hold_configuration_manifest_and_chunk_of_the_peer_door)
{
    const uint8_t *data = (const uint8_t *)letters;
    for (size_t over = 0; over < 2; over++) {
        enum weft_err expected = over ? WEFT_ETOOBIG : WEFT_OK;
        struct weft_peer_message m = {.kind = WEFT_KIND_INSTALL_SNAPSHOT};
        m.install_snapshot.configuration =
            (struct weft_bytes){data, WEFT_CONFIGURATION_SIZE_MAX + over};
        EXPECT_EQ(expected, encode_peer(&m));
        struct weft_wire_builder *b = begin();
        struct weft_wire_install_snapshot_refs s = {
            .configuration = weft_wire_bytes(b, m.install_snapshot.configuration),
            .header = weft_wire_peer_header_write(b, &(struct weft_wire_peer_header_refs){0})};
        EXPECT_EQ(expected,
            send_peer(b, WEFT_KIND_INSTALL_SNAPSHOT, weft_wire_install_snapshot_write(b, &s)));

        m.install_snapshot.configuration.size = 0;
        m.install_snapshot.manifest = (struct weft_bytes){data, WEFT_MANIFEST_SIZE_MAX + over};
        EXPECT_EQ(expected, encode_peer(&m));
        b = begin();
        s = (struct weft_wire_install_snapshot_refs){
            .manifest = weft_wire_bytes(b, m.install_snapshot.manifest),
            .header = weft_wire_peer_header_write(b, &(struct weft_wire_peer_header_refs){0})};
        EXPECT_EQ(expected,
            send_peer(b, WEFT_KIND_INSTALL_SNAPSHOT, weft_wire_install_snapshot_write(b, &s)));

        m = (struct weft_peer_message){.kind = WEFT_KIND_CHUNK,
            .chunk = {.checkpoint = WEFT_TEXT("c"),
                .file = WEFT_TEXT("f"),
                .data = {data, WEFT_CHUNK_SIZE_MAX + over}}};
        EXPECT_EQ(expected, encode_peer(&m));
        m = (struct weft_peer_message){.kind = WEFT_KIND_FETCH,
            .fetch = {.checkpoint = WEFT_TEXT("c"),
                .file = WEFT_TEXT("f"),
                .size_bytes = WEFT_CHUNK_SIZE_MAX + (uint32_t)over}};
        EXPECT_EQ(expected, encode_peer(&m));
    }
}

TEST(codec_peer_limits, admit_only_known_enumerators_of_the_peer_door)
{
    for (unsigned v = 0; v < 256; v++) {
        struct weft_wire_builder *b = begin();
        struct weft_wire_log_entry_refs e = {.entry_type = (uint8_t)v};
        struct weft_wire_append_entries_refs a = {
            .entries = repeat(b, weft_wire_log_entry_write(b, &e), 1),
            .header = weft_wire_peer_header_write(b, &(struct weft_wire_peer_header_refs){0})};
        EXPECT_EQ(v >= 1 && v <= 3 ? WEFT_OK : WEFT_EMALFORMED,
            send_peer(b, WEFT_KIND_APPEND_ENTRIES, weft_wire_append_entries_write(b, &a)));
        b = begin();
        struct weft_wire_read_index_result_refs r = {.outcome = (uint8_t)v,
            .header = weft_wire_peer_header_write(b, &(struct weft_wire_peer_header_refs){0})};
        EXPECT_EQ(v <= 19 ? WEFT_OK : WEFT_EMALFORMED,
            send_peer(b, WEFT_KIND_READ_INDEX_RESULT, weft_wire_read_index_result_write(b, &r)));
    }
}

TEST(codec_peer_limits, refuse_a_peer_message_without_header_or_body)
{
    struct weft_wire_builder *b = begin();
    EXPECT_EQ(WEFT_EMALFORMED,
        send_peer(b, WEFT_KIND_PING, weft_wire_ping_write(b, &(struct weft_wire_ping_refs){0})));
    b = begin();
    struct weft_wire_fetch_refs f = {
        .header = weft_wire_peer_header_write(b, &(struct weft_wire_peer_header_refs){0})};
    EXPECT_EQ(WEFT_EMALFORMED, send_peer(b, WEFT_KIND_FETCH, weft_wire_fetch_write(b, &f)));
    b = begin();
    struct weft_wire_chunk_refs c = {
        .header = weft_wire_peer_header_write(b, &(struct weft_wire_peer_header_refs){0})};
    EXPECT_EQ(WEFT_EMALFORMED, send_peer(b, WEFT_KIND_CHUNK, weft_wire_chunk_write(b, &c)));
}

/* Without 64-bit fields a message may be moved by 4 bytes and stay valid, but the entry in it
 * is no longer aligned to 8, as the schema demands. */
TEST(codec_peer_limits, refuse_entries_that_are_not_aligned)
{
    EXPECT_EQ(WEFT_OK, send_entries(1, 8));
    struct weft_peer_message m = {0};
    EXPECT_EQ(WEFT_OK, decode_peer(&m));
    EXPECT_EQ(0, (uintptr_t)m.append_entries.entries[0].data.data & 7);
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, "0000", 4));
    uint8_t *body = out.data + WEFT_ENVELOPE_SIZE;
    memmove(body + 8, body + 4, out.size - WEFT_ENVELOPE_SIZE - 8);
    weft_put_le32(body, weft_get_le32(body) + 4);
    weft_put_le32(out.data, (uint32_t)out.size);
    EXPECT_EQ(WEFT_EMALFORMED, decode_peer(NULL));
}

/* --- manifests ------------------------------------------------------------------------------- */

static enum weft_err manifest_of(struct weft_text name, struct weft_text file, uint32_t count)
{
    struct weft_wire_builder *b = begin();
    struct weft_wire_checkpoint_file_refs f = {.name = weft_wire_text(b, file)};
    struct weft_wire_ref table = weft_wire_checkpoint_file_write(b, &f);
    struct weft_wire_manifest_refs m = {
        .name = weft_wire_text(b, name), .files = repeat(b, table, count)};
    struct weft_manifest decoded;
    EXPECT_EQ(WEFT_OK, weft_wire_finish(b, weft_wire_manifest_write(b, &m), "WCM1", 0, &out));
    return weft_manifest_decode((struct weft_bytes){out.data, out.size}, &arena, &decoded);
}

TEST(codec_peer_limits, hold_the_files_and_names_of_a_manifest)
{
    struct weft_text name = WEFT_TEXT("7-2"), file = WEFT_TEXT("000012.sst");
    EXPECT_EQ(WEFT_OK, manifest_of(name, file, WEFT_CHECKPOINT_FILES_MAX));
    EXPECT_EQ(WEFT_ETOOBIG, manifest_of(name, file, WEFT_CHECKPOINT_FILES_MAX + 1));
    EXPECT_EQ(WEFT_OK, manifest_of(text_of_size(WEFT_FILE_NAME_SIZE_MAX), file, 1));
    EXPECT_EQ(WEFT_ETOOBIG, manifest_of(text_of_size(WEFT_FILE_NAME_SIZE_MAX + 1), file, 1));
    EXPECT_EQ(WEFT_OK, manifest_of(name, text_of_size(WEFT_FILE_NAME_SIZE_MAX), 1));
    EXPECT_EQ(WEFT_ETOOBIG, manifest_of(name, text_of_size(WEFT_FILE_NAME_SIZE_MAX + 1), 1));
    static const struct weft_text bad[] = {WEFT_TEXT(""), WEFT_TEXT("."), WEFT_TEXT(".."),
        WEFT_TEXT("../x"), WEFT_TEXT("x/"), WEFT_TEXT("\xff"), WEFT_TEXT("x\0")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EMALFORMED, manifest_of(bad[i], file, 1));
        EXPECT_EQ(WEFT_EMALFORMED, manifest_of(name, bad[i], 1));
    }
}

TEST(codec_peer_limits, know_a_manifest_of_another_version)
{
    struct weft_manifest decoded;
    EXPECT_EQ(WEFT_OK, manifest_of(WEFT_TEXT("7-2"), WEFT_TEXT("f"), 1));
    struct weft_bytes bytes = {out.data, out.size};
    out.data[7] = '2';
    EXPECT_EQ(WEFT_EVERSION, weft_manifest_decode(bytes, &arena, &decoded));
    out.data[4] = 'X';
    EXPECT_EQ(WEFT_EMALFORMED, weft_manifest_decode(bytes, &arena, &decoded));
    for (size_t size = 0; size < 8; size++) {
        bytes.size = size;
        EXPECT_EQ(WEFT_EMALFORMED, weft_manifest_decode(bytes, &arena, &decoded));
    }
}

TEST(codec_peer_limits, hold_a_manifest_to_its_size)
{
    static uint8_t zeros[WEFT_MANIFEST_SIZE_MAX];
    struct weft_manifest decoded;
    EXPECT_EQ(WEFT_OK, manifest_of(WEFT_TEXT("7-2"), WEFT_TEXT("f"), 1));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, zeros, WEFT_MANIFEST_SIZE_MAX - out.size));
    struct weft_bytes bytes = {out.data, out.size};
    EXPECT_EQ(WEFT_OK, weft_manifest_decode(bytes, &arena, &decoded));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&out, zeros, 1));
    bytes = (struct weft_bytes){out.data, out.size};
    EXPECT_EQ(WEFT_ETOOBIG, weft_manifest_decode(bytes, &arena, &decoded));
    static struct weft_checkpoint_file files[WEFT_CHECKPOINT_FILES_MAX + 1];
    for (size_t i = 0; i <= WEFT_CHECKPOINT_FILES_MAX; i++) {
        files[i].name = text_of_size(WEFT_FILE_NAME_SIZE_MAX);
        files[i].digest.bytes[0] = 1;
        files[i].size_bytes = 1;
    }
    struct weft_manifest manifest = {
        .name = WEFT_TEXT("n"), .files = files, .file_count = WEFT_CHECKPOINT_FILES_MAX};
    weft_buffer_clear(&out);
    EXPECT_EQ(WEFT_ETOOBIG, weft_manifest_encode(&manifest, &out)); /* Over 768 KiB. */
    manifest.file_count = 3500;
    EXPECT_EQ(WEFT_OK, weft_manifest_encode(&manifest, &out));
}
