/* federation/sender.h: what a provider sends next to one connected consumer.
 *
 * State of one connection, held by the node that leads; nothing of it is replicated: a new one
 * begins with a hello. The driver asks what is next, does it, and says that it did, until there is
 * nothing; and asks again when the head moved or credit came. */
#ifndef WEFT_FEDERATION_SENDER_H
#define WEFT_FEDERATION_SENDER_H

#include "federation/credit.h"
#include "federation/provider.h"
#include "federation/window.h"

enum weft_sender_act {
    WEFT_SENDER_WAITS,  /* For a hello, a head, or credit. */
    WEFT_SENDER_HEAD,   /* Send the signed head and a proof from `old_size`. */
    WEFT_SENDER_BATCH,  /* Send leaves from `first` on, and a proof from their end to the head. */
    WEFT_SENDER_MORE,   /* Send leaves from `first` on: they are proven later. */
    WEFT_SENDER_PROOF,  /* Send what leads from the first `first` leaves to the head. */
    WEFT_SENDER_LEAVES, /* MORE, and PROOF if weft_sender_cut says so, in one message. */
};

struct weft_sender_effect {
    enum weft_sender_act act;
    uint64_t old_size;  /* HEAD: what the consumer knows; 0: nothing, without a proof. */
    bool is_right;      /* HEAD: he has all leaves of that, and takes what is right of them. */
    uint64_t first;     /* BATCH, MORE, LEAVES: of at most count_max leaves in at most bytes_max of
                           items, ... */
    uint32_t count_max; /* ...but one at least. */
    size_t bytes_max;
    uint64_t head_size; /* All: of the head. */
    bool is_explicit;
};

/* Embed by value; zero-initialized waits for a hello. */
struct weft_sender {
    bool is_open;
    bool is_explicit;
    uint64_t session;   /* Of the hello: every message says it again. */
    uint64_t head_size; /* Of the newest head that the consumer has or was sent. */
    struct weft_credit credit;
    uint64_t window_max; /* Bytes that the consumer holds without a proof (weft_window_cost), ... */
    uint64_t window_limit; /* ...that this window may have, ... */
    uint64_t window_bytes; /* ...and that it has; 0: none is open. */
    uint64_t window_first; /* Its first leaf. */
    uint64_t frame_max;    /* Bytes of items in a message that the consumer takes as LEAVES. */
    uint64_t known; /* What is right of so many leaves he knows, under the head; 0: nothing. */
};

/* The hello was greeted (weft_provider_greet says SOUND). */
void weft_sender_open(struct weft_sender *sender, const struct weft_stream_hello *hello);
void weft_sender_close(struct weft_sender *sender);
/* Credit came; that of another session is not for this one. */
void weft_sender_grant(struct weft_sender *sender, const struct weft_stream_receipt *receipt);
/* FED-28: nothing above the signed head, nothing beyond the credit, nothing twice. */
struct weft_sender_effect weft_sender_next(
    const struct weft_sender *sender, const struct weft_provider *provider);
void weft_sender_sent_head(struct weft_sender *sender, uint64_t head_size);
/* As is_right has it; then it was sent_head. */
void weft_sender_sent_right(struct weft_sender *sender);
/* As it was asked for. */
void weft_sender_sent_batch(struct weft_sender *sender, const struct weft_stream_batch *batch);
void weft_sender_sent_more(struct weft_sender *sender, const struct weft_stream_batch *leaves);
void weft_sender_sent_proof(struct weft_sender *sender);
/* LEAVES: how many of `leaves`, from `first` on in so many bytes, are sent now, and whether the
 * window ends with them: then as the proof what a consumer who knows what is right of `known` lacks
 * of their end. */
uint32_t weft_sender_cut(
    const struct weft_sender *sender, const struct weft_stream_batch *leaves, bool *ret_is_end);
void weft_sender_sent_leaves(
    struct weft_sender *sender, const struct weft_stream_batch *leaves, bool is_end);

#endif
