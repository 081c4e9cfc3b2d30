/* A statement that stands in a stream is filed once more (imports.h). */
#include <inttypes.h>

#include "node/state/imports.h"
#include "node/state/store.h"
#include "proto/check.h"

struct refiling {
    struct weft_streams *s;
    struct weft_accord *accord;
    enum weft_direction direction;
    uint64_t sequence;
    struct weft_digest digest;
    struct weft_bytes content; /* As whoever has it gave it. */
    const struct weft_exports_place *place;
    struct weft_refusal *r;
    struct weft_msg *msg;
};

static struct weft_flow *flow_of(const struct refiling *f)
{
    return &f->accord->flows[f->direction];
}

/* FED-36: the tree that both sides have signed has the statement's leaf there. */
static enum weft_err check_leaf(const struct refiling *f)
{
    const struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_STATEMENT, .digest = f->digest};
    const struct weft_digest hash = weft_stream_leaf_hash(&leaf);
    struct weft_digest there = {{0}};
    enum weft_err err = WEFT_OK;
    bool is_there = f->sequence < weft_flow_size(flow_of(f));
    if (is_there) {
        err = weft_flow_node(weft_flow_tile, flow_of(f), 0, f->sequence, &there, f->msg);
    }
    if (err == WEFT_OK && (!is_there || !weft_digest_equal(&hash, &there))) {
        f->r->err = weft_fail(
            &f->r->detail, WEFT_ECONFLICT, "leaf %" PRIu64 " is not that statement's", f->sequence);
    }
    return err;
}

/* Its one item is the statement, whose hashes lead to its digest. */
static bool read_item(struct refiling *f, const struct weft_stream_batch *batch,
    struct weft_projection *ret_projection)
{
    struct weft_bytes rest = batch->items;
    struct weft_stream_item item;
    struct weft_digest digest;
    struct weft_msg why = {""};
    if (batch->count != 1 || weft_stream_item_next(&rest, &item) != WEFT_OK || rest.size > 0 ||
        item.kind != WEFT_STREAM_STATEMENT) {
        f->r->err = weft_fail(&f->r->detail, WEFT_EREFUSED, "malformed: not one statement");
        return false;
    }
    f->content = item.content;
    enum weft_err err = weft_projection_decode(item.content, &f->s->arena, ret_projection, &why);
    if (err == WEFT_OK) {
        err = weft_projection_verify(ret_projection, &digest, &why);
    }
    if (err == WEFT_OK && !weft_digest_equal(&digest, &f->digest)) {
        err = weft_fail(&why, WEFT_EBADSIG, "it is another statement");
    }
    if (err != WEFT_OK) {
        weft_streams_refuse(f->r, WEFT_STREAM_DIGEST, &why);
    }
    return err == WEFT_OK;
}

/* What was refused here is so without its row, too: it is in quarantine, or the policy says no. */
static enum weft_err check_refused(
    struct refiling *f, const struct weft_projection *projection, struct weft_batch_entry *entry)
{
    struct weft_policy_decision decision;
    struct weft_msg why = {""};
    uint64_t count = 0;
    enum weft_err err =
        weft_imports_quarantined(f->s, f->accord, f->sequence, f->sequence, &count, f->msg);
    if (err == WEFT_OK && (count > 0 || weft_imports_refuses(f->s, f->accord, projection, false,
                                            f->place, &decision))) {
        (void)weft_fail(&why, WEFT_EREFUSED, "it is in quarantine, or the policy refuses it");
        weft_consumer_refuse(entry, &f->s->arena, &why);
    }
    return err;
}

/* Its row is lost: it is made anew of what came, which is held to the agreement as it is now, and
 * of a partner's to what this site refuses. */
static enum weft_err restore_row(struct refiling *f, const struct weft_projection *projection)
{
    struct weft_batch_entry entry = {.leaf = {.kind = WEFT_STREAM_STATEMENT, .digest = f->digest},
        .content = f->content,
        .projection = *projection};
    const bool is_own = f->direction == WEFT_SENT;
    const uint32_t party = f->accord->row.party;
    const struct weft_deed *deed =
        f->accord->deeds[is_own ? WEFT_ACCORD_SENT : WEFT_ACCORD_RECEIVED];
    if (deed != NULL) {
        weft_consumer_judge_statement(
            &deed->contract, is_own ? party : 1 - party, &f->s->arena, &entry);
    }
    enum weft_err err = is_own ? WEFT_OK : check_refused(f, projection, &entry);
    if (err != WEFT_OK) {
        return err;
    }
    if (entry.fault != WEFT_STREAM_SOUND) {
        struct weft_msg why = {""};
        (void)weft_fail(&why, WEFT_EREFUSED, "%.*s", (int)entry.reason.size, entry.reason.data);
        weft_streams_refuse(f->r, entry.fault, &why);
        return WEFT_OK;
    }
    const struct weft_flow_leaf row = {.leaf = entry.leaf,
        .is_claim = !is_own && entry.is_claim,
        .is_forwarded = !is_own && entry.is_forwarded,
        .time_ns = f->place->time_ns,
        .content = f->content};
    uint64_t last = 0;
    err = weft_flow_place(flow_of(f), &f->digest, &last, f->msg);
    if (err == WEFT_ENOTFOUND || (err == WEFT_OK && last < f->sequence)) {
        uint8_t at[8];
        struct weft_key key = weft_key_of_statement(f->accord->number, f->direction, &f->digest);
        weft_put_be64(at, f->sequence);
        weft_store_batch_put(f->place->batch, &key, at, sizeof(at));
        err = WEFT_OK;
    } /* Else it was told again since, and stands there (NOD-291). */
    if (err != WEFT_OK) {
        return err;
    }
    return weft_flow_replace(flow_of(f), f->sequence, &row, f->place->batch, f->msg);
}

/* Of the own row what was taken; where there is none that can be read, of what came. */
static enum weft_err find_content(
    struct refiling *f, const struct weft_projection *projection, struct weft_buffer *ret_kept)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf;
    struct weft_msg why = {""};
    enum weft_err err = weft_flow_now(flow_of(f), f->sequence, &value, &leaf, &why);
    if (err == WEFT_ECORRUPT && weft_store_is_damaged(flow_of(f)->store)) {
        return weft_fail(f->msg, err, "%s", why.text); /* This node's alone: NOD-21. */
    }
    bool is_lost = err == WEFT_ECORRUPT ||
                   (err == WEFT_OK && (leaf.leaf.kind != WEFT_STREAM_STATEMENT ||
                                          !weft_digest_equal(&leaf.leaf.digest, &f->digest)));
    if (is_lost) {
        err = restore_row(f, projection);
    } else if (err == WEFT_OK && leaf.fault != WEFT_STREAM_SOUND) {
        struct weft_msg reason = {""};
        (void)weft_fail(&reason, WEFT_EREFUSED, "it is in quarantine, or was");
        weft_streams_refuse(f->r, leaf.fault, &reason);
    } else if (err == WEFT_OK) {
        f->content = (struct weft_bytes){NULL, 0};
        err = weft_buffer_append(ret_kept, leaf.content.data, leaf.content.size);
        f->content = (struct weft_bytes){ret_kept->data, ret_kept->size}; /* Rows move. */
    }
    weft_store_release(&value);
    return err == WEFT_OK ? err : weft_fail(f->msg, err, "a row of a stream: %s", why.text);
}

enum weft_err weft_streams_refile(struct weft_streams *streams, struct weft_accord *accord,
    const struct weft_stream_entry *entry, const struct weft_partner_message *message,
    const struct weft_exports_place *place, struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    const bool is_own = weft_text_equal(message->stream.provider, weft_accord_terms(accord)->site);
    struct refiling f = {.s = streams,
        .accord = accord,
        .direction = is_own ? WEFT_SENT : WEFT_RECEIVED,
        .sequence = entry->number,
        .digest = entry->root,
        .place = place,
        .r = ret_refusal,
        .msg = msg};
    struct weft_buffer kept = {.size_max = WEFT_PROJECTION_SIZE_MAX};
    struct weft_projection projection;
    ret_refusal->err = WEFT_OK;
    enum weft_err err = check_leaf(&f);
    if (err != WEFT_OK || ret_refusal->err != WEFT_OK ||
        !read_item(&f, &message->batch, &projection)) {
        return streams->arena.is_starved ? weft_fail(msg, WEFT_ENOMEM, "read a statement") : err;
    }
    err = find_content(&f, &projection, &kept);
    if (err == WEFT_OK && ret_refusal->err == WEFT_OK) {
        weft_streams_touch_flow(streams, accord, f.direction);
        err = weft_streams_tell_statement(
            streams, accord, f.direction, f.sequence, &f.digest, f.content, false, msg);
    }
    weft_buffer_destroy(&kept);
    return err;
}
