#include "node/state/audit_read.h"
#include "node/state/machine.h"
#include "node/state/view.h"
#include "policy/evidence.h"

/* Evidence that was kept, and not redacted. */
static enum weft_err read_evidence(struct weft_audit_reader *reader,
    const struct weft_digest *commitment, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_bytes file;
    uint64_t index;
    const struct weft_key key = weft_key_evidence(commitment);
    enum weft_err rv = weft_store_get(reader->store, reader->snapshot, &key, &value, msg);
    if (rv == WEFT_OK) {
        rv = weft_audit_open_evidence(value.bytes, &index, &file, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_buffer_append(out, file.data, file.size);
    } else if (rv == WEFT_ENOTFOUND) {
        rv = weft_fail(msg, rv, "no such evidence is kept here: it was redacted, or never was");
    }
    weft_store_release(&value);
    return rv;
}

/* The file in `out`. `size`: leaves of the log. */
static enum weft_err read_file(struct weft_audit_reader *reader, struct weft_text path,
    uint64_t size, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_tile tile;
    struct weft_digest commitment;
    if (weft_evidence_parse_path(path, &commitment) == WEFT_OK) {
        return read_evidence(reader, &commitment, out, msg);
    }
    if (weft_tile_parse(path, &tile) != WEFT_OK) {
        return weft_fail(msg, WEFT_EINVAL,
            "'%.*s' is no file of an audit log: tile/<L>/<N>[.p/<W>], tile/entries/<N>[.p/<W>], "
            "evidence/<sha256>",
            (int)path.size, path.data);
    }
    /* Partial ones also as they were: a checkpoint of a smaller log is good for long. */
    if (tile.width > weft_tile_width(size, tile.level, tile.index)) {
        return weft_fail(msg, WEFT_ENOTFOUND, "the audit log has no %.*s: it has %llu leaves",
            (int)path.size, path.data, (unsigned long long)size);
    }
    if (tile.is_bundle) {
        return weft_audit_read_leaves(reader, tile.index * WEFT_TILE_WIDTH, tile.width, out, msg);
    }
    struct weft_digest hashes[WEFT_TILE_WIDTH];
    enum weft_err rv = weft_audit_read_tile(reader, &tile, hashes, msg);
    return rv == WEFT_OK ? weft_buffer_append(out, hashes, (size_t)tile.width * WEFT_DIGEST_SIZE)
                         : rv;
}

enum weft_err weft_query_audit(struct weft_view *view, struct weft_text path,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    struct weft_audit_reader reader;
    struct weft_audit_head head = {.first_index = 0};
    struct weft_buffer file = {.size_max = WEFT_ANSWER_SIZE_MAX - 1024};
    uint8_t *copy = NULL;
    weft_audit_reader_init(&reader, view->store, view->snapshot);
    reader.roots = &view->state->audit_roots;
    enum weft_err rv = weft_audit_read_head(&reader, &head, msg);
    if (rv == WEFT_ENOTFOUND) {
        rv = WEFT_OK; /* Nothing was applied: an empty log. */
    }
    if (rv == WEFT_OK && path.size > 0) {
        rv = read_file(&reader, path, head.range.size, &file, msg);
    }
    if (rv == WEFT_OK && file.size > 0) {
        copy = weft_arena_alloc(arena, file.size);
        if (copy == NULL) {
            rv = weft_fail(msg, WEFT_ENOMEM, "a file of the audit log");
        } else {
            memcpy(copy, file.data, file.size);
        }
    }
    if (rv == WEFT_OK) {
        *ret_answer = (struct weft_client_message){.kind = WEFT_KIND_AUDIT_RESULT,
            .audit = {.index = view->index,
                .first_index = head.first_index,
                .size = head.range.size,
                .root = weft_merkle_root(&head.range),
                .content = {copy, file.size}}};
    }
    weft_audit_reader_close(&reader);
    weft_buffer_destroy(&file);
    return rv;
}
