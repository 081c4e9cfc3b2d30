#include "federation/credit.h"

#include <inttypes.h>

#include "proto/check.h"

/* Grants are foreign numbers. */
static uint64_t plus(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void weft_credit_open(struct weft_credit *credit, const struct weft_stream_hello *hello)
{
    *credit = (struct weft_credit){.next = hello->next,
        .statements_until = hello->statements_until,
        .bytes_until = hello->bytes_until};
}

void weft_credit_grant(struct weft_credit *credit, uint64_t statements_until, uint64_t bytes_until)
{
    if (statements_until > credit->statements_until) {
        credit->statements_until = statements_until;
    }
    if (bytes_until > credit->bytes_until) {
        credit->bytes_until = bytes_until;
    }
}

uint64_t weft_credit_leaves(const struct weft_credit *credit)
{
    bool has_bytes = credit->bytes < credit->bytes_until;
    return has_bytes && credit->statements_until > credit->next
               ? credit->statements_until - credit->next
               : 0;
}

uint64_t weft_credit_bytes(const struct weft_credit *credit)
{
    return credit->bytes_until > credit->bytes ? credit->bytes_until - credit->bytes : 0;
}

enum weft_stream_fault weft_credit_take(
    struct weft_credit *credit, const struct weft_stream_batch *batch, struct weft_msg *msg)
{
    if (batch->first != credit->next) {
        return weft_stream_fail(msg, WEFT_STREAM_SEQUENCE,
            "it begins with %" PRIu64 ", and %" PRIu64 " is next", batch->first, credit->next);
    }
    /* The last leaf that began within the bytes may end behind them. */
    bool is_within = batch->count <= weft_credit_leaves(credit) &&
                     (batch->count == 1 || batch->items.size <= weft_credit_bytes(credit));
    if (!is_within) {
        return weft_stream_fail(msg, WEFT_STREAM_FLOOD,
            "%u leaves of %zu bytes, and %" PRIu64 " of %" PRIu64 " may come", batch->count,
            batch->items.size, weft_credit_leaves(credit), weft_credit_bytes(credit));
    }
    credit->next += batch->count;
    credit->bytes = plus(credit->bytes, batch->items.size);
    weft_assert(credit->next <= credit->statements_until); /* FED-27 */
    return WEFT_STREAM_SOUND;
}

void weft_credit_window(const struct weft_contract_side *side, uint64_t taken, uint64_t bytes,
    uint64_t room, uint64_t *ret_statements_until, uint64_t *ret_bytes_until)
{
    uint64_t window = room < side->queue_statements ? room : side->queue_statements;
    *ret_statements_until = plus(taken, window);
    *ret_bytes_until = plus(bytes, side->rate_bytes);
}
