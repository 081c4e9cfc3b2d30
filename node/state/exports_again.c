/* Statements that are told again (exports.h): what was redacted is erased from what is sent, and
 * partners are told; fields that were committed are disclosed. A step does the telling. */
#include <inttypes.h>

#include "node/state/exports.h"
#include "proto/check.h"

/* --- what is owed ----------------------------------------------------------------------------- */

/* `path` empty: as it stands. */
static void owe(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_digest *statement, struct weft_text path,
    const struct weft_exports_place *place)
{
    const struct weft_digest of_path = weft_sha256(path.data, path.size);
    const struct weft_key key =
        weft_key_of_again(accord->number, statement, path.size > 0 ? &of_path : NULL);
    weft_store_batch_put(place->batch, &key, path.size > 0 ? path.data : "", path.size);
    accord->sent.owes_assets = true;
    weft_streams_touch_flow(s, accord, WEFT_SENT);
}

/* What that leaf told that the one before it did not. */
static enum weft_err owe_leaf(struct weft_streams *s, struct weft_accord *accord,
    const struct weft_flow_leaf *leaf, const struct weft_exports_place *place, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf before;
    struct weft_projection told, known;
    bool is_erased = false;
    weft_arena_reset(&s->arena);
    enum weft_err err =
        weft_flow_now(&accord->flows[WEFT_SENT], leaf->earlier - 1, &value, &before, msg);
    if (err == WEFT_OK) {
        err = weft_projection_decode(leaf->content, &s->arena, &told, msg);
        err = err == WEFT_OK ? weft_projection_decode(before.content, &s->arena, &known, msg) : err;
        err = err == WEFT_OK || err == WEFT_ENOMEM
                  ? err
                  : weft_wrap(msg, WEFT_ECORRUPT, "a stream's statement");
    }
    for (uint32_t i = 0; err == WEFT_OK && i < told.item_count; i++) {
        const struct weft_projection_item *item = &told.items[i], *was;
        is_erased = is_erased || item->shape == WEFT_PROJECTION_ERASED;
        if (item->shape == WEFT_PROJECTION_SHOWN && !weft_text_starts(item->path, "@link/")) {
            was = weft_projection_find(&known, item->path);
            if (was == NULL || was->shape == WEFT_PROJECTION_NAMED) {
                owe(s, accord, &leaf->leaf.digest, item->path, place);
            }
        }
    }
    if (err == WEFT_OK && is_erased) {
        owe(s, accord, &leaf->leaf.digest, (struct weft_text){NULL, 0}, place);
    }
    weft_store_release(&value);
    return err;
}

enum weft_err weft_exports_owe_again(struct weft_streams *streams, struct weft_accord *accord,
    uint64_t size, const struct weft_exports_place *place, struct weft_msg *msg)
{
    struct weft_flow *flow = &accord->flows[WEFT_SENT];
    enum weft_err err = WEFT_OK;
    for (uint64_t i = size; err == WEFT_OK && i < weft_flow_size(flow); i++) {
        struct weft_store_value value = {.handle = NULL};
        struct weft_flow_leaf leaf;
        err = weft_flow_now(flow, i, &value, &leaf, msg);
        if (err == WEFT_OK && leaf.earlier > 0) {
            err = owe_leaf(streams, accord, &leaf, place, msg);
        }
        weft_store_release(&value);
    }
    return err;
}

/* --- redaction -------------------------------------------------------------------------------- */

/* The leaf's content without the fields; *ret_erased false: it shows none of them. */
static enum weft_err erase(struct weft_streams *s, struct weft_bytes content,
    const struct weft_text *paths, uint32_t path_count, bool *ret_erased, struct weft_msg *msg)
{
    struct weft_projection projection;
    enum weft_err err = WEFT_OK;
    *ret_erased = false;
    weft_buffer_clear(&s->projection);
    for (uint32_t i = 0; err == WEFT_OK && i < path_count; i++) {
        struct weft_bytes now =
            *ret_erased ? (struct weft_bytes){s->projection.data, s->projection.size} : content;
        struct weft_bytes kept = {weft_arena_alloc(&s->arena, now.size), now.size};
        if (kept.data == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "redact in a stream");
        }
        memcpy((uint8_t *)(uintptr_t)kept.data, now.data, now.size);
        err = weft_projection_decode(kept, &s->arena, &projection, msg);
        if (err != WEFT_OK) {
            return err == WEFT_ENOMEM ? err : weft_wrap(msg, WEFT_ECORRUPT, "a stream's statement");
        }
        weft_buffer_clear(&s->projection);
        err = weft_projection_erase(&projection, paths[i], &s->arena, &s->projection);
        if (err == WEFT_ENOTFOUND) {
            err = weft_buffer_append(&s->projection, kept.data, kept.size);
        } else if (err == WEFT_OK) {
            *ret_erased = true;
        }
    }
    return err;
}

/* Of the statement at that sequence; *ret_earlier: where it was told before, as in its row. */
static enum weft_err erase_leaf(struct weft_streams *s, struct weft_accord *accord,
    uint64_t sequence, const struct weft_text *paths, uint32_t path_count,
    const struct weft_exports_place *place, uint64_t *ret_earlier, bool *ret_erased,
    struct weft_msg *msg)
{
    struct weft_flow *flow = &accord->flows[WEFT_SENT];
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    bool is_erased = false;
    weft_arena_reset(&s->arena);
    enum weft_err err = weft_flow_now(flow, sequence, &value, &leaf, msg);
    if (err == WEFT_OK) {
        *ret_earlier = leaf.earlier;
        err = erase(s, leaf.content, paths, path_count, &is_erased, msg);
    }
    if (err == WEFT_OK && is_erased) {
        leaf.content = (struct weft_bytes){s->projection.data, s->projection.size};
        err = weft_flow_replace(flow, sequence, &leaf, place->batch, msg);
        *ret_erased = true;
    }
    weft_store_release(&value);
    return err;
}

/* Wherever it was told. The listener hears of it as it was told last. */
static enum weft_err erase_everywhere(struct weft_streams *s, struct weft_accord *accord,
    uint64_t last, const struct weft_text *paths, uint32_t path_count,
    const struct weft_exports_place *place, struct weft_msg *msg)
{
    uint64_t earlier = last + 1;
    bool is_erased = false;
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && earlier > 0) {
        err =
            erase_leaf(s, accord, earlier - 1, paths, path_count, place, &earlier, &is_erased, msg);
    }
    if (err != WEFT_OK || !is_erased) {
        return err;
    }
    err = weft_flow_now(&accord->flows[WEFT_SENT], last, &value, &leaf, msg);
    if (err == WEFT_OK) {
        err = weft_streams_tell_statement(
            s, accord, WEFT_SENT, last, &leaf.leaf.digest, leaf.content, false, msg);
        owe(s, accord, &leaf.leaf.digest, (struct weft_text){NULL, 0}, place);
    }
    weft_store_release(&value);
    return err;
}

enum weft_err weft_exports_erase(struct weft_streams *streams, const struct weft_digest *statement,
    const struct weft_text *paths, uint32_t path_count, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < streams->count; i++) {
        struct weft_accord *accord = streams->accords[i];
        uint64_t last;
        uint32_t told;
        err = weft_flow_last(&accord->flows[WEFT_SENT], statement, &last, &told, msg);
        if (err == WEFT_OK) {
            err = erase_everywhere(streams, accord, last, paths, path_count, place, msg);
        } else if (err == WEFT_ENOTFOUND) {
            err = WEFT_OK;
        }
    }
    return err;
}

/* --- disclosure ------------------------------------------------------------------------------- */

/* Is anything withheld whose path was not told? */
static bool has_blind(const struct weft_projection *projection)
{
    for (uint32_t i = 0; i < projection->item_count; i++) {
        if (projection->items[i].shape == WEFT_PROJECTION_BLIND) {
            return true;
        }
    }
    return false;
}

/* As it was told last. */
static enum weft_err may_show(struct weft_streams *s, struct weft_accord *accord,
    struct weft_bytes content, struct weft_text path, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    const struct weft_contract_side *side =
        &accord->deeds[WEFT_ACCORD_SENT]->contract.sides[accord->row.party];
    struct weft_projection projection;
    enum weft_err err = weft_projection_decode(content, &s->arena, &projection, msg);
    if (err != WEFT_OK) {
        return err == WEFT_ENOMEM ? err : weft_wrap(msg, WEFT_ECORRUPT, "a stream's statement");
    }
    const struct weft_projection_item *item = weft_projection_find(&projection, path);
    const struct weft_text kind = projection.header.kind;
    if (item != NULL && item->shape != WEFT_PROJECTION_NAMED) {
        return weft_fail(msg, WEFT_ESTATE, "%.*s is %s there already", (int)path.size, path.data,
            item->shape == WEFT_PROJECTION_SHOWN ? "shown" : "erased");
    }
    if (weft_text_starts(path, "@link/") ||
        weft_contract_disclosure(side, kind, path) == WEFT_HIDDEN) {
        return weft_fail(msg, WEFT_EREFUSED,
            "the agreement hides %.*s of kind %.*s: it does not say that it may be disclosed",
            (int)path.size, path.data, (int)kind.size, kind.data);
    }
    if (item == NULL && !has_blind(&projection)) {
        return weft_fail(msg, WEFT_ENOTFOUND, "the statement has no field %.*s that is withheld",
            (int)path.size, path.data);
    }
    return weft_exports_is_shared(s, accord, kind, projection.asset, place)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EREFUSED, "the policy does not let the partner have %.*s",
                     (int)projection.asset.size, projection.asset.data);
}

/* The statement of that leaf, as it was told last; to be released. */
static enum weft_err find_statement(struct weft_accord *accord, uint64_t sequence,
    struct weft_store_value *ret_value, struct weft_flow_leaf *ret_leaf, struct weft_msg *msg)
{
    struct weft_flow *flow = &accord->flows[WEFT_SENT];
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf = {.told = 0};
    uint64_t last = 0;
    uint32_t told;
    if (sequence >= weft_flow_size(flow)) {
        return weft_fail(
            msg, WEFT_ENOTFOUND, "the stream has %" PRIu64 " leaves so far", weft_flow_size(flow));
    }
    enum weft_err err = weft_flow_now(flow, sequence, &value, &leaf, msg);
    const struct weft_digest statement = leaf.leaf.digest;
    if (err == WEFT_OK && leaf.leaf.kind != WEFT_STREAM_STATEMENT) {
        err = weft_fail(msg, WEFT_ENOTFOUND, "leaf %" PRIu64 " is no statement", sequence);
    }
    weft_store_release(&value);
    err = err == WEFT_OK ? weft_flow_last(flow, &statement, &last, &told, msg) : err;
    if (err == WEFT_OK && told >= WEFT_FLOW_TOLD_MAX) {
        err = weft_fail(msg, WEFT_ESTATE, "it was told %d times: no more", (int)WEFT_FLOW_TOLD_MAX);
    }
    return err == WEFT_OK ? weft_flow_now(flow, last, ret_value, ret_leaf, msg) : err;
}

enum weft_err weft_exports_may_disclose(struct weft_streams *streams, struct weft_accord *accord,
    uint64_t sequence, struct weft_text path, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    weft_arena_reset(&streams->arena);
    enum weft_err err = find_statement(accord, sequence, &value, &leaf, msg);
    if (err == WEFT_OK) {
        err = may_show(streams, accord, leaf.content, path, place, msg);
    }
    weft_store_release(&value);
    return err;
}

enum weft_err weft_exports_disclose(struct weft_streams *streams, struct weft_accord *accord,
    uint64_t sequence, struct weft_text path, const struct weft_exports_place *place,
    struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    enum weft_err err = find_statement(accord, sequence, &value, &leaf, msg);
    if (err == WEFT_OK) {
        owe(streams, accord, &leaf.leaf.digest, path, place);
    }
    weft_store_release(&value);
    return err;
}
