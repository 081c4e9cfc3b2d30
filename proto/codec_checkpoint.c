#include "proto/codec.h"

#include "proto/check.h"

/* Manifest and the pieces of files. Names become paths on the receiver's disk: they are held to
 * be plain wherever they come in. */

static const char identifier[] = "WCM1";

/* --- manifest -------------------------------------------------------------------------------- */

enum weft_err weft_manifest_encode(const struct weft_manifest *m, struct weft_buffer *out)
{
    struct weft_wire_builder *b = weft_wire_begin(WEFT_WIRE_OUTER, WEFT_MANIFEST_SIZE_MAX);
    uint32_t count = weft_codec_put_count(b, m->file_count, WEFT_CHECKPOINT_FILES_MAX);
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_wire_checkpoint_file_refs f = {
            .name = weft_codec_put_file_name(b, m->files[i].name),
            .size_bytes = m->files[i].size_bytes,
            .digest = weft_codec_put_digest(b, &m->files[i].digest),
        };
        weft_wire_push(b, weft_wire_checkpoint_file_write(b, &f));
    }
    const struct weft_wire_manifest_refs refs = {
        .files = weft_wire_take(b, mark),
        .name = weft_codec_put_file_name(b, m->name),
        .site = weft_codec_put_text(b, m->site, WEFT_ASSET_SIZE_MAX),
        .cluster = m->cluster,
        .index = m->index,
        .term = m->term,
        .time_ns = m->time_ns,
        .conf_index = m->conf_index,
        .configuration = weft_codec_put_bytes(b, m->configuration, WEFT_CONFIGURATION_SIZE_MAX),
        .chain = weft_codec_put_digest(b, &m->chain),
        .format = m->format,
    };
    return weft_wire_finish(b, weft_wire_manifest_write(b, &refs), identifier, 0, out);
}

static void read_manifest(
    struct weft_codec_in *in, const void *table, struct weft_manifest *ret_manifest)
{
    struct weft_wire_manifest m;
    weft_wire_manifest_read(table, &m);
    struct weft_manifest manifest = {
        .name = weft_codec_file_name(in, m.name, "name"),
        .site = weft_codec_text(in, m.site, WEFT_ASSET_SIZE_MAX, "site"),
        .cluster = m.cluster,
        .index = m.index,
        .term = m.term,
        .time_ns = m.time_ns,
        .conf_index = m.conf_index,
        .configuration =
            weft_codec_bytes(in, m.configuration, WEFT_CONFIGURATION_SIZE_MAX, "configuration"),
        .chain = weft_codec_digest(in, m.chain, "chain"),
        .format = m.format,
        .file_count = m.files.count,
    };
    struct weft_checkpoint_file *files =
        weft_codec_array(in, m.files, WEFT_CHECKPOINT_FILES_MAX, sizeof(*files), "files");
    for (uint32_t i = 0; i < m.files.count && in->err == WEFT_OK; i++) {
        struct weft_wire_checkpoint_file f;
        weft_wire_checkpoint_file_read(weft_wire_at(m.files, i), &f);
        files[i] = (struct weft_checkpoint_file){
            .name = weft_codec_file_name(in, f.name, "file"),
            .size_bytes = f.size_bytes,
            .digest = weft_codec_digest(in, f.digest, "digest"),
        };
    }
    manifest.files = files;
    if (in->err == WEFT_OK) {
        *ret_manifest = manifest;
    }
}

enum weft_err weft_manifest_decode(
    struct weft_bytes bytes, struct weft_arena *arena, struct weft_manifest *ret_manifest)
{
    struct weft_codec_in in = {
        .arena = arena, .budget_bytes = WEFT_MANIFEST_SIZE_MAX, .bad_value = WEFT_EMALFORMED};
    if (bytes.size > WEFT_MANIFEST_SIZE_MAX) {
        return WEFT_ETOOBIG;
    }
    /* The identifier stands behind the root's offset; its last character is the version. */
    if (bytes.size < 8 || memcmp(bytes.data + 4, identifier, 3) != 0) {
        return WEFT_EMALFORMED;
    }
    if (bytes.data[7] != (uint8_t)identifier[3]) {
        return WEFT_EVERSION;
    }
    bytes = weft_codec_aligned(&in, bytes);
    if (in.err != WEFT_OK) {
        return in.err;
    }
    const void *table = weft_wire_manifest_open(bytes, identifier);
    if (table == NULL) {
        return WEFT_EMALFORMED;
    }
    read_manifest(&in, table, ret_manifest);
    return in.err;
}

/* --- pieces of files ------------------------------------------------------------------------- */

void weft_codec_read_fetch(
    struct weft_codec_in *in, const void *table, struct weft_fetch *ret_fetch)
{
    struct weft_wire_file_request f;
    weft_wire_file_request_read(table, &f);
    *ret_fetch = (struct weft_fetch){
        .checkpoint = weft_codec_file_name(in, f.checkpoint, "checkpoint"),
        .file = weft_codec_file_name(in, f.file_name, "file_name"),
        .offset = f.offset_bytes,
        .size_bytes = f.size_bytes,
    };
    if (f.size_bytes > WEFT_CHUNK_SIZE_MAX) {
        weft_codec_fail(
            in, WEFT_ETOOBIG, "size_bytes", "%u, at most %d", f.size_bytes, WEFT_CHUNK_SIZE_MAX);
    }
}

struct weft_wire_ref weft_codec_put_fetch(
    struct weft_wire_builder *b, const struct weft_fetch *fetch)
{
    if (fetch->size_bytes > WEFT_CHUNK_SIZE_MAX) {
        weft_wire_fail(b, WEFT_ETOOBIG);
    }
    const struct weft_wire_file_request_refs f = {
        .checkpoint = weft_codec_put_file_name(b, fetch->checkpoint),
        .file_name = weft_codec_put_file_name(b, fetch->file),
        .offset_bytes = fetch->offset,
        .size_bytes = fetch->size_bytes,
    };
    return weft_wire_file_request_write(b, &f);
}

void weft_codec_read_chunk(
    struct weft_codec_in *in, const void *table, struct weft_chunk *ret_chunk)
{
    struct weft_wire_file_result f;
    weft_wire_file_result_read(table, &f);
    *ret_chunk = (struct weft_chunk){
        .checkpoint = weft_codec_file_name(in, f.checkpoint, "checkpoint"),
        .file = weft_codec_file_name(in, f.file_name, "file_name"),
        .offset = f.offset_bytes,
        .err = weft_codec_outcome(in, f.outcome),
        .crc32c = f.crc32c,
        .data = weft_codec_bytes(in, f.content, WEFT_CHUNK_SIZE_MAX, "content"),
    };
    if (ret_chunk->err != WEFT_OK && ret_chunk->data.size > 0) {
        weft_codec_fail(in, in->bad_value, "content", "not empty in a refusal");
    }
}

struct weft_wire_ref weft_codec_put_chunk(
    struct weft_wire_builder *b, const struct weft_chunk *chunk)
{
    weft_assert(chunk->err == WEFT_OK || chunk->data.size == 0); /* PRO-9 */
    const struct weft_wire_file_result_refs f = {
        .checkpoint = weft_codec_put_file_name(b, chunk->checkpoint),
        .file_name = weft_codec_put_file_name(b, chunk->file),
        .offset_bytes = chunk->offset,
        .outcome = weft_codec_put_outcome(chunk->err),
        .crc32c = chunk->crc32c,
        .content = weft_codec_put_bytes(b, chunk->data, WEFT_CHUNK_SIZE_MAX),
    };
    return weft_wire_file_result_write(b, &f);
}
