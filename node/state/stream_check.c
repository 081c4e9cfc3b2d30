#include "node/state/stream_check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "node/state/deed.h"
#include "node/state/flow.h"
#include "node/state/stream_code.h"
#include "node/state/stream_keys.h"
#include "node/state/streams_parts.h"
#include "proto/check.h"

/* What the leaves of one stream made. */
struct made {
    uint32_t number;
    unsigned direction;
    struct weft_stream stream;
    uint64_t faults;
    bool has_row;
};

struct weft_stream_check {
    struct made *streams; /* In the order of their keys. */
    uint32_t count;
    uint32_t capacity;
    struct weft_tile_builder tree; /* Of the last of them. */
    struct weft_arena arena;
    uint64_t quarantined[WEFT_AGREEMENTS_MAX];
    uint32_t agreements;
    /* Of the leaf that was looked at last: its statement stood there before. */
    bool is_again;
    struct weft_key again_key;
    uint8_t again_place[8];
};

enum weft_err weft_stream_check_create(struct weft_stream_check **ret_check, struct weft_msg *msg)
{
    struct weft_stream_check *check = calloc(1, sizeof(*check));
    if (check == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "check streams");
    }
    check->arena.size_max = 2 * WEFT_PROJECTION_MEMORY_MAX;
    *ret_check = check;
    return WEFT_OK;
}

void weft_stream_check_destroy(struct weft_stream_check *check)
{
    if (check != NULL) {
        weft_arena_destroy(&check->arena);
        free(check->streams);
        free(check);
    }
}

bool weft_stream_check_is_key(uint8_t type)
{
    return type == WEFT_KEY_AGREEMENT || type == WEFT_KEY_PARTNER ||
           type == WEFT_KEY_VERSION_NOTE || type == WEFT_KEY_LEAF || type == WEFT_KEY_OWED ||
           type == WEFT_KEY_REACHED || type == WEFT_KEY_QUARANTINE || type == WEFT_KEY_STREAM ||
           type == WEFT_KEY_AGAIN;
}

static enum weft_err damaged(const char *what, struct weft_bytes key, struct weft_msg *msg)
{
    const uint32_t number = key.size >= 5 ? weft_get_be32(key.data + 1) : 0;
    return weft_fail(msg, WEFT_ECORRUPT, "%s of agreement %u", what, number);
}

/* --- leaves ---------------------------------------------------------------------------------- */

struct growing {
    struct weft_store_batch *batch;
    uint32_t number;
    unsigned direction;
};

static enum weft_err on_tile(
    void *ctx, const struct weft_tile *tile, const struct weft_digest *hashes, struct weft_msg *msg)
{
    const struct growing *to = ctx;
    const struct weft_key key =
        weft_key_of_tile(to->number, to->direction, tile->level, tile->index);
    (void)msg;
    weft_store_batch_put(to->batch, &key, hashes, WEFT_TILE_SIZE);
    return WEFT_OK;
}

/* The stream of the key, which is the last one or a new one. NULL: no memory. */
static struct made *stream_of(struct weft_stream_check *check, uint32_t number, unsigned direction)
{
    struct made *last = check->count > 0 ? &check->streams[check->count - 1] : NULL;
    if (last != NULL && last->number == number && last->direction == direction) {
        return last;
    }
    if (check->streams == NULL || check->count == check->capacity) {
        uint32_t capacity = check->capacity == 0 ? 16 : check->capacity * 2;
        struct made *streams = realloc(check->streams, capacity * sizeof(*streams));
        if (streams == NULL) {
            return NULL;
        }
        check->streams = streams;
        check->capacity = capacity;
    }
    memset(&check->tree, 0, sizeof(check->tree));
    last = &check->streams[check->count++];
    *last = (struct made){.number = number, .direction = direction};
    return last;
}

/* Of a sound statement: its digest. */
static enum weft_err check_statement(struct weft_stream_check *check,
    const struct weft_flow_leaf *leaf, struct weft_bytes key, struct weft_msg *msg)
{
    struct weft_projection projection;
    struct weft_digest digest;
    weft_arena_reset(&check->arena);
    enum weft_err err = weft_projection_decode(leaf->content, &check->arena, &projection, msg);
    if (err == WEFT_OK) {
        err = weft_projection_verify(&projection, &digest, msg);
    }
    if (err != WEFT_OK || !weft_digest_equal(&digest, &leaf->leaf.digest)) {
        return err == WEFT_ENOMEM ? err
                                  : damaged("a statement is not what its leaf says", key, msg);
    }
    return WEFT_OK;
}

static enum weft_err check_leaf(struct weft_stream_check *check, struct weft_bytes key,
    struct weft_bytes value, struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct weft_flow_leaf leaf;
    struct weft_msg why = {""};
    if (key.size != WEFT_KEY_LEAF_SIZE || key.data[5] >= WEFT_DIRECTIONS ||
        weft_flow_leaf_decode(value, &leaf) != WEFT_OK) {
        return damaged("a leaf is damaged", key, msg);
    }
    const uint32_t number = weft_get_be32(key.data + 1);
    const unsigned direction = key.data[5];
    struct made *made = stream_of(check, number, direction);
    if (made == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "check streams");
    }
    const uint64_t sequence = weft_get_be64(key.data + WEFT_KEY_STREAM_SIZE);
    if (sequence != made->stream.tree.size ||
        weft_stream_append(&made->stream, &leaf.leaf, &why) != WEFT_STREAM_SOUND) {
        return damaged("a leaf is missing, or not admitted there", key, msg);
    }
    if (leaf.earlier > sequence) {
        return damaged("a statement was told before behind itself", key, msg);
    }
    struct growing to = {batch, number, direction};
    const struct weft_digest hash = weft_stream_leaf_hash(&leaf.leaf);
    enum weft_err err = weft_tile_builder_append(&check->tree, &hash, on_tile, &to, msg);
    const bool is_sound = leaf.fault == WEFT_STREAM_SOUND;
    made->faults += is_sound ? 0 : 1;
    if (err != WEFT_OK || leaf.leaf.kind != WEFT_STREAM_STATEMENT) {
        return err;
    }
    uint8_t place[8];
    weft_put_be64(place, sequence);
    const struct weft_key found = weft_key_of_statement(number, direction, &leaf.leaf.digest);
    weft_store_batch_put(batch, &found, place, sizeof(place));
    if (leaf.earlier > 0) {
        check->is_again = true;
        check->again_key = found;
        weft_put_be64(check->again_place, leaf.earlier - 1);
    }
    return is_sound ? check_statement(check, &leaf, key, msg) : WEFT_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

static struct made *find(struct weft_stream_check *check, uint32_t number, unsigned direction)
{
    for (uint32_t i = 0; i < check->count; i++) {
        if (check->streams[i].number == number && check->streams[i].direction == direction) {
            return &check->streams[i];
        }
    }
    return NULL;
}

static enum weft_err compare(struct weft_stream_check *check, const struct weft_stream *stream,
    struct weft_bytes key, struct weft_msg *msg)
{
    static const struct weft_stream none;
    struct made *made = find(check, weft_get_be32(key.data + 1), key.data[5]);
    const struct weft_stream *is = made != NULL ? &made->stream : &none;
    const struct weft_merkle_head a = weft_stream_tree(is), b = weft_stream_tree(stream);
    if (made != NULL) {
        made->has_row = true;
    }
    return a.size == b.size && weft_digest_equal(&a.root, &b.root) && is->phase == stream->phase &&
                   is->version == stream->version &&
                   is->statement_count == stream->statement_count &&
                   weft_digest_equal(&is->contract, &stream->contract)
               ? WEFT_OK
               : damaged("leaves make another stream than the row says", key, msg);
}

static enum weft_err check_stream(struct weft_stream_check *check, struct weft_bytes key,
    struct weft_bytes value, struct weft_msg *msg)
{
    struct weft_sent_row sent = {.kept = 0};
    struct weft_received_row received = {.claim_count = 0};
    if (key.size != WEFT_KEY_STREAM_SIZE || key.data[5] >= WEFT_DIRECTIONS ||
        weft_get_be32(key.data + 1) >= check->agreements) {
        return damaged("the row of a stream is damaged", key, msg);
    }
    enum weft_err err = key.data[5] == WEFT_SENT ? weft_sent_row_decode(value, &sent)
                                                 : weft_received_row_decode(value, &received);
    if (err != WEFT_OK) {
        err = err == WEFT_ENOMEM ? err : damaged("the row of a stream is damaged", key, msg);
    } else if (key.data[5] == WEFT_SENT) {
        err = compare(check, &sent.provider.stream, key, msg);
    } else {
        err = compare(check, &received.consumer.stream, key, msg);
        if (err == WEFT_OK &&
            check->quarantined[weft_get_be32(key.data + 1)] != received.consumer.quarantined) {
            err =
                damaged("quarantine has another number of statements than the row says", key, msg);
        }
    }
    weft_buffer_destroy(&sent.receipt);
    weft_buffer_destroy(&received.head);
    return err;
}

/* After the leaves: 'l' is before 'q'. */
static enum weft_err check_quarantine(
    struct weft_stream_check *check, struct weft_bytes key, struct weft_msg *msg)
{
    const uint32_t number =
        key.size == WEFT_KEY_AGREEMENT_SIZE + 8 ? weft_get_be32(key.data + 1) : UINT32_MAX;
    const struct made *made = find(check, number, WEFT_RECEIVED);
    if (made == NULL || number >= WEFT_AGREEMENTS_MAX ||
        weft_get_be64(key.data + WEFT_KEY_AGREEMENT_SIZE) >= made->stream.tree.size ||
        ++check->quarantined[number] > made->faults) {
        return damaged("what is in quarantine is damaged", key, msg);
    }
    return WEFT_OK;
}

static enum weft_err check_agreement(struct weft_stream_check *check, struct weft_bytes key,
    struct weft_bytes value, struct weft_msg *msg)
{
    struct weft_accord_row row;
    enum weft_err err = weft_accord_row_decode(value, &row);
    weft_accord_row_destroy(&row);
    if (err == WEFT_ENOMEM) {
        return weft_fail(msg, err, "check streams");
    }
    return err == WEFT_OK && key.size == WEFT_KEY_AGREEMENT_SIZE &&
                   weft_get_be32(key.data + 1) == check->agreements++ &&
                   check->agreements <= WEFT_AGREEMENTS_MAX
               ? WEFT_OK
               : damaged("the row is damaged", key, msg);
}

static enum weft_err check_document(
    struct weft_bytes key, struct weft_bytes value, struct weft_msg *msg)
{
    if (key.data[0] == WEFT_KEY_PARTNER) {
        struct weft_pinned *pinned = NULL;
        const struct weft_text site = {(const char *)key.data + 1, key.size - 1};
        enum weft_err err = weft_pinned_decode(site, value, &pinned, msg);
        weft_pinned_release(pinned);
        return err;
    }
    struct weft_deed *deed = NULL;
    const struct weft_text note = {(const char *)value.data, value.size};
    enum weft_err err = weft_deed_read(note, &deed, msg);
    bool is_its = err == WEFT_OK && key.size == WEFT_KEY_VERSION_NOTE_SIZE &&
                  deed->contract.link.version == weft_get_be32(key.data + 5);
    weft_deed_release(deed);
    return is_its || err == WEFT_ENOMEM ? err : damaged("a version is damaged", key, msg);
}

enum weft_err weft_stream_check_row(struct weft_stream_check *check, struct weft_bytes key,
    struct weft_bytes value, struct weft_store_batch *batch, struct weft_msg *msg)
{
    check->is_again = false;
    switch (key.data[0]) {
    case WEFT_KEY_AGREEMENT:
        return check_agreement(check, key, value, msg);
    case WEFT_KEY_PARTNER:
    case WEFT_KEY_VERSION_NOTE:
        return check_document(key, value, msg);
    case WEFT_KEY_LEAF:
        return check_leaf(check, key, value, batch, msg);
    case WEFT_KEY_QUARANTINE:
        return check_quarantine(check, key, msg);
    case WEFT_KEY_STREAM:
        return check_stream(check, key, value, msg);
    case WEFT_KEY_AGAIN:
        return key.size == WEFT_KEY_AGAIN_SIZE || key.size == WEFT_KEY_SHOWN_SIZE
                   ? WEFT_OK
                   : damaged("a statement that is to be told again", key, msg);
    case WEFT_KEY_OWED:
    case WEFT_KEY_REACHED:
        return key.size == WEFT_KEY_OWED_SIZE ? WEFT_OK
                                              : damaged("an asset that is owed", key, msg);
    }
    return WEFT_OK;
}

bool weft_stream_check_replaces(
    struct weft_stream_check *check, struct weft_key *ret_key, struct weft_bytes *ret_value)
{
    if (check->is_again) {
        *ret_key = check->again_key;
        *ret_value = (struct weft_bytes){check->again_place, sizeof(check->again_place)};
    }
    return check->is_again;
}

enum weft_err weft_stream_check_end(struct weft_stream_check *check, struct weft_msg *msg)
{
    for (uint32_t i = 0; i < check->count; i++) {
        if (!check->streams[i].has_row) {
            return weft_fail(msg, WEFT_ECORRUPT, "stream %u/%u has leaves and no row",
                check->streams[i].number, check->streams[i].direction);
        }
    }
    return WEFT_OK;
}
