#include "federation/sender.h"

#include "proto/check.h"
#include "proto/limits.h"

void weft_sender_open(struct weft_sender *sender, const struct weft_stream_hello *hello)
{
    *sender = (struct weft_sender){.is_open = true,
        .is_explicit = hello->is_explicit,
        .session = hello->session,
        .head_size = hello->head_size};
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
    const uint64_t size = provider->signed_head.size;
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
    if (leaves == 0 || sender->head_size != size) {
        return effect;
    }
    effect.act = WEFT_SENDER_BATCH;
    effect.first = sender->credit.next;
    effect.count_max = (uint32_t)least(leaves, WEFT_STREAM_ITEMS_MAX);
    effect.bytes_max =
        (size_t)least(weft_credit_bytes(&sender->credit), WEFT_STREAM_ITEMS_SIZE_MAX);
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
