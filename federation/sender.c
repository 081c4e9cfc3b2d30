#include "federation/sender.h"

#include "proto/check.h"
#include "proto/limits.h"

void weft_sender_open(struct weft_sender *sender, const struct weft_stream_hello *hello)
{
    *sender = (struct weft_sender){.is_open = true,
        .is_explicit = hello->is_explicit,
        .session = hello->session,
        .head_size = hello->head_size,
        .window_max = hello->window_bytes};
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
        return effect;
    }
    /* FED-28: the head that the consumer knows is the signed one. */
    uint64_t leaves = sender->credit.next < size ? size - sender->credit.next : 0;
    leaves = least(leaves, weft_credit_leaves(&sender->credit));
    if (!is_window && (leaves == 0 || sender->head_size != size)) {
        return effect;
    }
    effect.first = sender->credit.next;
    if (is_window && (leaves == 0 || sender->window_bytes >= sender->window_limit)) {
        effect.act = WEFT_SENDER_PROOF;
        return effect;
    }
    const bool is_more = is_window || (sender->window_max > 0 && leaves >= WEFT_WINDOW_OPEN_LEAVES);
    const uint32_t count_max = is_more ? WEFT_WINDOW_MESSAGE_LEAVES : WEFT_STREAM_ITEMS_MAX;
    const size_t bytes_max = is_more ? WEFT_STREAM_MORE_SIZE_MAX : WEFT_STREAM_ITEMS_SIZE_MAX;
    effect.act = is_more ? WEFT_SENDER_MORE : WEFT_SENDER_BATCH;
    effect.count_max = (uint32_t)least(leaves, count_max);
    effect.bytes_max = (size_t)least(weft_credit_bytes(&sender->credit), bytes_max);
    return effect;
}

void weft_sender_sent_head(struct weft_sender *sender, uint64_t head_size)
{
    weft_assert(head_size >= sender->head_size); /* FED-28 */
    sender->head_size = head_size;
}

void weft_sender_sent_batch(struct weft_sender *sender, const struct weft_stream_batch *batch)
{
    enum weft_stream_fault fault = weft_credit_take(&sender->credit, batch, NULL);
    weft_assert(fault == WEFT_STREAM_SOUND); /* FED-28 */
}

void weft_sender_sent_more(struct weft_sender *sender, const struct weft_stream_batch *leaves)
{
    weft_assert(sender->window_max > 0); /* FED-28: it was asked for */
    if (sender->window_bytes == 0) {
        /* As much again as came already: on a slow link nothing waits for its proof for longer than
         * twice what it waited for the link. */
        const uint64_t came = sender->credit.bytes;
        sender->window_limit = least(came, sender->window_max);
    }
    weft_sender_sent_batch(sender, leaves);
    sender->window_bytes += weft_window_cost(leaves->count, leaves->items.size);
}

void weft_sender_sent_proof(struct weft_sender *sender)
{
    weft_assert(sender->window_bytes > 0); /* FED-28 */
    sender->window_bytes = 0;
}
