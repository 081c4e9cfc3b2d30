#include "node/state/answer.h"

#include "node/state/loader.h"

/* A record of the answer that stands at `place`: from the batch under way, else the store. */
static enum weft_err find_stored(struct weft_state *s, struct weft_loader *loader, uint64_t index,
    uint32_t ordinal, struct weft_bytes *ret_bytes, int64_t *ret_time_ns, struct weft_msg *msg)
{
    const struct weft_staged *staged = weft_stage_find(&s->stage, index, ordinal);
    if (staged != NULL) {
        *ret_bytes = weft_staged_bytes(&s->stage, staged);
        *ret_time_ns = staged->time_ns;
        return WEFT_OK;
    }
    return weft_loader_find(loader, index, ordinal, ret_bytes, ret_time_ns, msg);
}

/* Give the receipts of the request at `place`. */
enum weft_err weft_answer_read(struct weft_state *s, const struct weft_request_id *id,
    const struct weft_request_place *place, struct weft_arena *arena,
    struct weft_commit_result *ret_result, struct weft_msg *msg)
{
    struct weft_receipt *receipts = weft_arena_array(arena, place->record_count, sizeof(*receipts));
    if (receipts == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "answer of a repeated request");
    }
    struct weft_loader loader;
    weft_loader_init(&loader, s->store, NULL);
    enum weft_err rv = WEFT_OK;
    int64_t time_ns = 0;
    for (uint32_t i = 0; i < place->record_count && rv == WEFT_OK; i++) {
        struct weft_bytes bytes;
        struct weft_stored_head head;
        rv = find_stored(s, &loader, place->index, place->first_ordinal + i, &bytes, &time_ns, msg);
        if (rv == WEFT_OK && weft_stored_peek(bytes, &head) != WEFT_OK) {
            rv = weft_fail(msg, WEFT_ECORRUPT, "record %llu/%u is damaged",
                (unsigned long long)place->index, place->first_ordinal + i);
        }
        if (rv == WEFT_OK) {
            receipts[i].asset = weft_arena_text(arena, head.asset);
            receipts[i].rev = place->index;
            receipts[i].digest = head.digest;
            if (receipts[i].asset.data == NULL) {
                rv = weft_fail(msg, WEFT_ENOMEM, "answer of a repeated request");
            }
        }
    }
    weft_loader_close(&loader);
    if (rv != WEFT_OK) {
        return rv;
    }
    *ret_result = (struct weft_commit_result){.request_id = *id,
        .index = place->index,
        .time_ns = time_ns,
        .repeated = true,
        .receipts = receipts,
        .receipt_count = place->record_count};
    return WEFT_OK;
}

void weft_answer_fill_in(struct weft_record *record, struct weft_text principal, int64_t time_ns)
{
    if (record->author.size == 0) {
        record->author = principal;
    }
    if (!record->has_at) {
        record->has_at = true;
        record->at_ns = time_ns;
    }
}

enum weft_err weft_answer_is_same(struct weft_state *s, const struct weft_request_place *place,
    const struct weft_commit *commit, struct weft_text principal, bool *ret_same,
    struct weft_msg *msg)
{
    struct weft_loader loader;
    const struct weft_digest none = {{0}};
    bool same = commit->record_count == place->record_count;
    enum weft_err rv = WEFT_OK;
    weft_loader_init(&loader, s->store, NULL);
    for (uint32_t i = 0; i < commit->record_count && same && rv == WEFT_OK; i++) {
        struct weft_bytes bytes;
        int64_t time_ns;
        struct weft_record record = commit->records[i];
        struct weft_buffer *value = &s->stage.value;
        rv = find_stored(s, &loader, place->index, place->first_ordinal + i, &bytes, &time_ns, msg);
        if (rv != WEFT_OK) {
            break;
        }
        weft_answer_fill_in(&record, principal, time_ns);
        weft_buffer_clear(value);
        if (weft_stored_encode(&record, &none, value) != WEFT_OK) {
            rv = weft_fail(msg, WEFT_ENOMEM, "compare a repeated request");
            break;
        }
        same = bytes.size == value->size &&
               memcmp(bytes.data + WEFT_DIGEST_SIZE, value->data + WEFT_DIGEST_SIZE,
                   bytes.size - WEFT_DIGEST_SIZE) == 0;
    }
    weft_loader_close(&loader);
    *ret_same = same;
    return rv;
}

enum weft_err weft_state_find_request(struct weft_state *state, const struct weft_request_id *id,
    struct weft_arena *arena, struct weft_commit_result *ret_result, struct weft_msg *msg)
{
    struct weft_request_place place;
    if (state->is_read_only || weft_request_id_is_none(id)) {
        return WEFT_ENOTFOUND;
    }
    enum weft_err rv = weft_requests_find(state->requests, id, &place, msg);
    return rv == WEFT_OK ? weft_answer_read(state, id, &place, arena, ret_result, msg) : rv;
}
