#include "ops/gateway/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

void weft_outbox_init(struct weft_outbox *outbox)
{
    *outbox = (struct weft_outbox){.count = 0};
    TAILQ_INIT(&outbox->receipts);
}

static void drop(struct weft_outbox *outbox, struct weft_outbox_receipt *receipt)
{
    outbox->due = outbox->due == receipt ? TAILQ_NEXT(receipt, next) : outbox->due;
    TAILQ_REMOVE(&outbox->receipts, receipt, next);
    outbox->count--;
    outbox->counts[receipt->channel]--;
    free(receipt);
}

void weft_outbox_destroy(struct weft_outbox *outbox)
{
    struct weft_outbox_receipt *receipt = TAILQ_FIRST(&outbox->receipts), *next;
    for (; receipt != NULL; receipt = next) {
        next = TAILQ_NEXT(receipt, next);
        free(receipt);
    }
    weft_outbox_init(outbox);
}

static void make_due(struct weft_outbox *outbox, struct weft_outbox_receipt *receipt)
{
    receipt->is_due = true;
    if (outbox->due == NULL || receipt->counter < outbox->due->counter) {
        outbox->due = receipt;
    }
}

/* The oldest of the channel, beyond those that are kept. */
static void trim(struct weft_outbox *outbox, uint32_t channel)
{
    struct weft_outbox_receipt *receipt = TAILQ_FIRST(&outbox->receipts), *next;
    uint32_t kept = WEFT_OUTBOX_KEPT, count = outbox->counts[channel];
    for (; receipt != NULL && count > kept; receipt = next) {
        next = TAILQ_NEXT(receipt, next);
        count -= receipt->channel == channel;
        if (receipt->channel == channel && receipt->is_settled && !receipt->is_due) {
            drop(outbox, receipt);
        }
    }
}

enum weft_err weft_outbox_add(struct weft_outbox *outbox, const struct weft_outbox_receipt *receipt)
{
    struct weft_outbox_receipt *own = malloc(sizeof(*own) + receipt->text.size + 1);
    if (own == NULL) {
        return WEFT_ENOMEM;
    }
    char *text = (char *)(own + 1);
    *own = *receipt;
    memcpy(text, receipt->text.data, receipt->text.size);
    text[receipt->text.size] = '\0';
    own->text = (struct weft_text){text, receipt->text.size};
    own->is_due = false;
    TAILQ_INSERT_TAIL(&outbox->receipts, own, next);
    if (own->frame == 0 && !own->is_settled) {
        make_due(outbox, own);
    }
    outbox->count++;
    outbox->counts[own->channel]++;
    outbox->unsettled += !own->is_settled;
    outbox->counter = own->counter > outbox->counter ? own->counter : outbox->counter;
    trim(outbox, own->channel);
    return WEFT_OK;
}

bool weft_outbox_settle(struct weft_outbox *outbox, uint64_t counter)
{
    struct weft_outbox_receipt *receipt;
    TAILQ_FOREACH_REVERSE(receipt, &outbox->receipts, weft_outbox_receipts, next)
    {
        if (receipt->counter == counter && receipt->frame == 0 && !receipt->is_settled) {
            receipt->is_settled = true;
            receipt->is_due = false;
            outbox->unsettled--;
            return true;
        }
    }
    return false;
}

void weft_outbox_synced(struct weft_outbox *outbox, uint64_t frame)
{
    struct weft_outbox_receipt *receipt;
    TAILQ_FOREACH_REVERSE(receipt, &outbox->receipts, weft_outbox_receipts, next)
    {
        if (receipt->frame == 0) {
            return; /* Those before it came earlier. */
        }
        if (receipt->frame <= frame) {
            receipt->frame = 0;
            make_due(outbox, receipt);
        }
    }
}

void weft_outbox_repeat(
    struct weft_outbox *outbox, const uint8_t id[WEFT_COMMAND_ID_SIZE], bool is_shadow)
{
    struct weft_outbox_receipt *receipt;
    TAILQ_FOREACH(receipt, &outbox->receipts, next)
    {
        if (receipt->frame == 0 && receipt->is_shadow == is_shadow &&
            memcmp(receipt->id, id, sizeof(receipt->id)) == 0) {
            make_due(outbox, receipt);
        }
    }
}

void weft_outbox_repeat_unsettled(struct weft_outbox *outbox)
{
    struct weft_outbox_receipt *receipt;
    TAILQ_FOREACH(receipt, &outbox->receipts, next)
    {
        if (receipt->frame == 0 && !receipt->is_settled) {
            make_due(outbox, receipt);
        }
    }
}

const struct weft_outbox_receipt *weft_outbox_next(struct weft_outbox *outbox)
{
    struct weft_outbox_receipt *receipt = outbox->due;
    while (receipt != NULL && !receipt->is_due) {
        receipt = TAILQ_NEXT(receipt, next);
    }
    outbox->due = receipt;
    if (receipt != NULL) {
        weft_assert(receipt->frame == 0); /* GW-2 */
        receipt->is_due = false;
        outbox->due = TAILQ_NEXT(receipt, next);
    }
    return receipt;
}
