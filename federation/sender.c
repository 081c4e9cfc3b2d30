#include "federation/sender.h"

#include "proto/check.h"
#include "proto/limits.h"

void weft_sender_open(struct weft_sender *sender, const struct weft_stream_hello *hello)
{
    *sender = (struct weft_sender){.is_open = true,
        .is_explicit = hello->is_explicit,
        .session = hello->session,
        .head_size = hello->head_size,
        .window_max = hello->window_bytes,
        .frame_max = hello->frame_bytes};
    weft_credit_open(&sender->credit, hello);
}

void weft_sender_close(struct weft_sender *sender)
{
    *sender = (struct weft_sender){.is_open = false};
}

void weft_sender_grant(struct weft_sender *sender, const struct weft_stream_receipt *receipt)
{
    if (sender->is_open && receipt->session == sender->session) {
        weft_credit_grant(&sender->credit, receipt->statements_until, receipt->bytes_until);
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Leaves that may be sent now under a head of so many. */
static uint64_t leaves_left(const struct weft_sender *sender, uint64_t size)
{
    const uint64_t leaves = sender->credit.next < size ? size - sender->credit.next : 0;
    return least(leaves, weft_credit_leaves(&sender->credit));
}

/* As much as one message may have: at first little, since a slow link is told by that. */
static void size_more(const struct weft_sender *sender, uint64_t leaves, bool is_window,
    struct weft_sender_effect *effect)
{
    const bool is_more = is_window || (sender->window_max > 0 && leaves >= WEFT_WINDOW_OPEN_LEAVES);
    uint32_t count_max = is_more ? WEFT_WINDOW_MESSAGE_LEAVES : WEFT_STREAM_ITEMS_MAX;
    uint64_t bytes_max = is_more ? WEFT_STREAM_MORE_SIZE_MAX : WEFT_STREAM_ITEMS_SIZE_MAX;
    effect->act = is_more ? WEFT_SENDER_MORE : WEFT_SENDER_BATCH;
    if (is_more && sender->frame_max > 0) {
        const uint64_t came = sender->credit.bytes;
        const uint64_t frame = least(sender->frame_max, WEFT_STREAM_LEAVES_SIZE_MAX);
        bytes_max = came > bytes_max ? came : bytes_max;
        bytes_max = least(bytes_max, frame);
        count_max = WEFT_WINDOW_FRAME_LEAVES;
        effect->act = WEFT_SENDER_LEAVES;
    }
    effect->count_max = (uint32_t)least(leaves, count_max);
    effect->bytes_max = (size_t)least(weft_credit_bytes(&sender->credit), bytes_max);
}

struct weft_sender_effect weft_sender_next(
    const struct weft_sender *sender, const struct weft_provider *provider)
{
    struct weft_sender_effect effect = {
        .act = WEFT_SENDER_WAITS, .is_explicit = sender->is_explicit};
    const bool is_window = sender->window_bytes > 0;
    /* A window ends under the head that it began under. */
    const uint64_t size = is_window ? sender->head_size : provider->signed_head.size;
    if (!sender->is_open || weft_provider_is_fenced(provider)) {
        return effect;
    }
    effect.head_size = size;
    if (size > sender->head_size) {
        effect.act = WEFT_SENDER_HEAD;
        effect.old_size = sender->head_size;
        effect.is_right =
            sender->frame_max > 0 && effect.old_size > 0 && effect.old_size == sender->credit.next;
        return effect;
    }
    /* FED-28: the head that the consumer knows is the signed one. */
    const uint64_t leaves = leaves_left(sender, size);
    if (!is_window && (leaves == 0 || sender->head_size != size)) {
        return effect;
    }
    effect.first = sender->credit.next;
    if (is_window && (leaves == 0 || sender->window_bytes >= sender->window_limit)) {
        effect.act = WEFT_SENDER_PROOF;
        return effect;
    }
    size_more(sender, leaves, is_window, &effect);
    return effect;
}

void weft_sender_sent_head(struct weft_sender *sender, uint64_t head_size)
{
    weft_assert(head_size >= sender->head_size); /* FED-28 */
    sender->head_size = head_size;
    sender->known = 0;
}

void weft_sender_sent_right(struct weft_sender *sender)
{
    sender->known = sender->credit.next;
}

void weft_sender_sent_batch(struct weft_sender *sender, const struct weft_stream_batch *batch)
{
    enum weft_stream_fault fault = weft_credit_take(&sender->credit, batch, NULL);
    weft_assert(fault == WEFT_STREAM_SOUND); /* FED-28 */
}

/* As much again as came already: on a slow link nothing waits for its proof for longer than twice
 * what it waited for the link. */
static uint64_t limit_of(const struct weft_sender *sender)
{
    return sender->window_bytes > 0 ? sender->window_limit
                                    : least(sender->credit.bytes, sender->window_max);
}

void weft_sender_sent_more(struct weft_sender *sender, const struct weft_stream_batch *leaves)
{
    weft_assert(sender->window_max > 0); /* FED-28: it was asked for */
    if (sender->window_bytes == 0) {
        sender->window_limit = limit_of(sender);
        sender->window_first = leaves->first;
    }
    weft_sender_sent_batch(sender, leaves);
    sender->window_bytes += weft_window_cost(leaves->count, leaves->items.size);
}

void weft_sender_sent_proof(struct weft_sender *sender)
{
    weft_assert(sender->window_bytes > 0); /* FED-28 */
    sender->window_bytes = 0;
}

uint32_t weft_sender_cut(
    const struct weft_sender *sender, const struct weft_stream_batch *leaves, bool *ret_is_end)
{
    const uint64_t end = leaves->first + leaves->count, limit = limit_of(sender);
    const uint64_t first = sender->window_bytes > 0 ? sender->window_first : leaves->first;
    const uint64_t cost =
        sender->window_bytes + weft_window_cost(leaves->count, leaves->items.size);
    uint64_t rounded = weft_window_round_end(end - first, end);
    *ret_is_end = true;
    if (leaves->count == leaves_left(sender, sender->head_size)) {
        return leaves->count;
    }
    if (cost >= limit / 2 && rounded > leaves->first) { /* So round an end comes soon. */
        return (uint32_t)(rounded - leaves->first);
    }
    *ret_is_end = cost >= limit;
    rounded = end & ~(weft_window_round(leaves->count) - 1);
    return *ret_is_end && rounded > leaves->first ? (uint32_t)(rounded - leaves->first)
                                                  : leaves->count;
}

void weft_sender_sent_leaves(
    struct weft_sender *sender, const struct weft_stream_batch *leaves, bool is_end)
{
    weft_assert(sender->frame_max > 0); /* FED-28: it was asked for */
    weft_sender_sent_more(sender, leaves);
    if (is_end) {
        weft_sender_sent_proof(sender);
        sender->known = sender->credit.next;
    }
}
