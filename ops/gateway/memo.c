#include "ops/gateway/memo.h"

#include <string.h>

#include "proto/check.h"
#include "proto/octets.h"

enum {
    /* Of an entry without its texts: kind, numbers, an id, a digest, moves. */
    FIXED_SIZE_MAX = 2048,
};

_Static_assert(FIXED_SIZE_MAX > WEFT_ENVELOPE_MOVES_MAX * 8 + 16 * WEFT_VARINT_SIZE_MAX + 256,
    "an entry fits into what is reserved for it");

static uint8_t *put_fence(uint8_t *p, const struct weft_fence *fence)
{
    return weft_put_varint(weft_put_varint(p, fence->term), fence->index);
}

static struct weft_fence get_fence(struct weft_octets *r)
{
    struct weft_fence fence = {.term = weft_octets_varint(r)};
    fence.index = weft_octets_varint(r);
    return fence;
}

static uint8_t *put_bytes(uint8_t *p, const void *data, size_t size)
{
    memcpy(p, data, size);
    return p + size;
}

static void get_bytes(struct weft_octets *r, void *ret_data, size_t size)
{
    const uint8_t *p = weft_octets_bytes(r, size);
    if (p != NULL) {
        memcpy(ret_data, p, size);
    }
}

/* One byte, below `count`. */
static uint8_t get_choice(struct weft_octets *r, unsigned count)
{
    const uint8_t *p = weft_octets_bytes(r, 1);
    if (p == NULL || *p >= count) {
        r->is_bad = true;
        return 0;
    }
    return *p;
}

static struct weft_text get_text(struct weft_octets *r, size_t size_max)
{
    struct weft_text text = weft_octets_text(r);
    r->is_bad = r->is_bad || text.size > size_max;
    return text;
}

/* --- a channel ------------------------------------------------------------------------------- */

static uint8_t *put_channel(uint8_t *p, const struct weft_memo_channel *c)
{
    p = weft_octets_put_text(p, c->name);
    p = put_fence(p, &c->fence);
    p = weft_put_varint(p, c->move_count);
    for (uint32_t i = 0; i < c->move_count; i++) {
        p = weft_octets_put_le64(p, (uint64_t)c->moves_ns[i]);
    }
    *p++ = c->has_safe;
    return weft_octets_put_text(p, c->safe);
}

static void get_channel(struct weft_octets *r, struct weft_memo_channel *c)
{
    c->name = get_text(r, WEFT_CHANNEL_SIZE_MAX);
    c->fence = get_fence(r);
    c->move_count = weft_octets_count(r, 8);
    r->is_bad = r->is_bad || c->move_count > WEFT_ENVELOPE_MOVES_MAX;
    for (uint32_t i = 0; i < c->move_count && !r->is_bad; i++) {
        c->moves_ns[i] = (int64_t)weft_octets_le64(r);
    }
    c->has_safe = get_choice(r, 2);
    c->safe = get_text(r, WEFT_MEMO_SAFE_SIZE_MAX);
}

/* --- a command ------------------------------------------------------------------------------- */

static uint8_t *put_command(uint8_t *p, const struct weft_memo_command *c)
{
    p = weft_octets_put_text(p, c->channel);
    p = put_bytes(p, c->id, sizeof(c->id));
    p = put_bytes(p, c->digest.bytes, sizeof(c->digest.bytes));
    *p++ = c->is_shadow;
    *p++ = (uint8_t)c->class;
    *p++ = (uint8_t)c->state;
    p = put_fence(p, &c->fence);
    p = put_fence(p, &c->asked);
    p = weft_octets_put_le64(p, (uint64_t)c->at_ns);
    p = weft_octets_put_le64(p, (uint64_t)c->not_after_ns);
    return weft_octets_put_text(p, c->text);
}

static void get_command(struct weft_octets *r, struct weft_memo_command *c)
{
    c->channel = get_text(r, WEFT_CHANNEL_SIZE_MAX);
    get_bytes(r, c->id, sizeof(c->id));
    get_bytes(r, c->digest.bytes, sizeof(c->digest.bytes));
    c->is_shadow = get_choice(r, 2);
    c->class = (enum weft_command_class)get_choice(r, WEFT_COMMAND_CLASSES);
    c->state = (enum weft_receipt_state)get_choice(r, WEFT_RECEIPT_STATES);
    c->fence = get_fence(r);
    c->asked = get_fence(r);
    c->at_ns = (int64_t)weft_octets_le64(r);
    c->not_after_ns = (int64_t)weft_octets_le64(r);
    c->text = get_text(r, WEFT_COMMAND_SIZE_MAX);
}

/* --- a receipt ------------------------------------------------------------------------------- */

static uint8_t *put_receipt(uint8_t *p, const struct weft_memo_receipt *e)
{
    p = weft_octets_put_text(p, e->channel);
    p = put_bytes(p, e->id, sizeof(e->id));
    *p++ = e->is_shadow;
    *p++ = e->is_settled;
    p = weft_put_varint(p, e->counter);
    return weft_octets_put_text(p, e->text);
}

static void get_receipt(struct weft_octets *r, struct weft_memo_receipt *e)
{
    e->channel = get_text(r, WEFT_CHANNEL_SIZE_MAX);
    get_bytes(r, e->id, sizeof(e->id));
    e->is_shadow = get_choice(r, 2);
    e->is_settled = get_choice(r, 2);
    e->counter = weft_octets_varint(r);
    e->text = get_text(r, WEFT_MEMO_RECEIPT_SIZE_MAX);
}

/* --- entries --------------------------------------------------------------------------------- */

static bool is_within(const struct weft_memo *e, size_t *ret_size)
{
    switch (e->kind) {
    case WEFT_MEMO_CHANNEL:
        *ret_size = e->channel.name.size + e->channel.safe.size;
        return e->channel.name.size <= WEFT_CHANNEL_SIZE_MAX &&
               e->channel.safe.size <= WEFT_MEMO_SAFE_SIZE_MAX &&
               e->channel.move_count <= WEFT_ENVELOPE_MOVES_MAX;
    case WEFT_MEMO_COMMAND:
        *ret_size = e->command.channel.size + e->command.text.size;
        return e->command.channel.size <= WEFT_CHANNEL_SIZE_MAX &&
               e->command.text.size <= WEFT_COMMAND_SIZE_MAX;
    case WEFT_MEMO_RECEIPT:
        *ret_size = e->receipt.channel.size + e->receipt.text.size;
        return e->receipt.channel.size <= WEFT_CHANNEL_SIZE_MAX &&
               e->receipt.text.size <= WEFT_MEMO_RECEIPT_SIZE_MAX;
    case WEFT_MEMO_SETTLED:
        *ret_size = 0;
        return true;
    }
    weft_unreachable("GW-6: an entry is of a kind that there is");
}

enum weft_err weft_memo_encode(const struct weft_memo *entry, struct weft_buffer *out)
{
    size_t size;
    if (!is_within(entry, &size)) {
        return WEFT_ETOOBIG;
    }
    enum weft_err err = weft_buffer_reserve(out, size + FIXED_SIZE_MAX);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *p = out->data + out->size;
    *p++ = WEFT_MEMO_FORMAT;
    *p++ = (uint8_t)entry->kind;
    switch (entry->kind) {
    case WEFT_MEMO_CHANNEL:
        p = put_channel(p, &entry->channel);
        break;
    case WEFT_MEMO_COMMAND:
        p = put_command(p, &entry->command);
        break;
    case WEFT_MEMO_RECEIPT:
        p = put_receipt(p, &entry->receipt);
        break;
    case WEFT_MEMO_SETTLED:
        p = weft_put_varint(p, entry->settled);
        break;
    }
    out->size = (size_t)(p - out->data);
    weft_assert(out->size <= out->capacity); /* GW-6 */
    return WEFT_OK;
}

enum weft_err weft_memo_decode(
    struct weft_bytes *rest, struct weft_memo *ret_entry, struct weft_msg *msg)
{
    struct weft_octets r = weft_octets_of(*rest);
    struct weft_memo entry;
    memset(&entry, 0, sizeof(entry));
    const uint8_t *head = weft_octets_bytes(&r, 2);
    if (head != NULL && head[0] != WEFT_MEMO_FORMAT) {
        return weft_fail(msg, WEFT_EVERSION, "an entry of format %u, this program knows %d",
            head[0], WEFT_MEMO_FORMAT);
    }
    switch (head != NULL ? head[1] : 0) {
    case WEFT_MEMO_CHANNEL:
        entry.kind = WEFT_MEMO_CHANNEL;
        get_channel(&r, &entry.channel);
        break;
    case WEFT_MEMO_COMMAND:
        entry.kind = WEFT_MEMO_COMMAND;
        get_command(&r, &entry.command);
        break;
    case WEFT_MEMO_RECEIPT:
        entry.kind = WEFT_MEMO_RECEIPT;
        get_receipt(&r, &entry.receipt);
        break;
    case WEFT_MEMO_SETTLED:
        entry.kind = WEFT_MEMO_SETTLED;
        entry.settled = weft_octets_varint(&r);
        break;
    default:
        return weft_fail(msg, WEFT_EMALFORMED, "not an entry of a gateway's journal");
    }
    if (r.is_bad) {
        return weft_fail(msg, WEFT_EMALFORMED, "an entry that ends early, or is over a limit");
    }
    *rest = (struct weft_bytes){r.p, (size_t)(r.end - r.p)};
    *ret_entry = entry;
    return WEFT_OK;
}
