/* ops/gateway/outbox.h: receipts that were made, until the plant has them, and the newest beyond.
 *
 * A receipt is due only when the frame that holds it is durable (GW-2); it comes again when it is
 * asked for, or when the plant is back and has not said that it has it. Owns its receipts. Pure. */
#ifndef WEFT_OPS_GATEWAY_OUTBOX_H
#define WEFT_OPS_GATEWAY_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "policy/command/command_note.h"

enum {
    WEFT_OUTBOX_UNSETTLED_MAX = 4096, /* chosen: a shift without its plant; 4 MiB */
    WEFT_OUTBOX_KEPT = 16,            /* chosen: of each channel: some four commands' */
    WEFT_OUTBOX_CHANNELS_MAX = 128,
};

struct weft_outbox_receipt {
    TAILQ_ENTRY(weft_outbox_receipt) next; /* In the order of their counters. */
    uint64_t counter;
    uint64_t frame;   /* That holds it; 0: it is durable. */
    uint32_t channel; /* Below WEFT_OUTBOX_CHANNELS_MAX. */
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    bool is_shadow;
    bool is_settled;
    bool is_due;
    struct weft_text text; /* Unsigned; ours. */
};

struct weft_outbox {
    TAILQ_HEAD(weft_outbox_receipts, weft_outbox_receipt) receipts;
    struct weft_outbox_receipt *due; /* None before it is due; NULL: none at all. */
    uint64_t counter;                /* Of the newest. */
    uint32_t count;
    uint32_t counts[WEFT_OUTBOX_CHANNELS_MAX]; /* Of each channel. */
    uint32_t unsettled;
};

void weft_outbox_init(struct weft_outbox *outbox);
void weft_outbox_destroy(struct weft_outbox *outbox);

/* Copies the text. Those of the channel that are settled and beyond WEFT_OUTBOX_KEPT go. `frame` 0:
 * it was on disk already, and is not due if it is settled. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_outbox_add(
    struct weft_outbox *outbox, const struct weft_outbox_receipt *receipt);
/* False: there is none of that counter, or it was settled. */
bool weft_outbox_settle(struct weft_outbox *outbox, uint64_t counter);
/* Frames up to this one are durable. */
void weft_outbox_synced(struct weft_outbox *outbox, uint64_t frame);
/* Those of the command, and those that the plant has not got. */
void weft_outbox_repeat(
    struct weft_outbox *outbox, const uint8_t id[WEFT_COMMAND_ID_SIZE], bool is_shadow);
void weft_outbox_repeat_unsettled(struct weft_outbox *outbox);
/* The oldest that is due, which is then due no more; NULL: none. Borrowed until the next add. */
const struct weft_outbox_receipt *weft_outbox_next(struct weft_outbox *outbox);

#endif
