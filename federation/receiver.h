/* federation/receiver.h: what a consumer does with what comes from one connected provider.
 *
 * State of one connection, held by the node that leads; nothing of it is replicated. It judges
 * ahead: what was proposed and is not applied yet counts as taken here, so that several entries are
 * under way. Where that turns out wrong (another entry came first) it begins again with a hello. A
 * provider that sends what no honest one sends gets a few more chances and is then left alone. */
#ifndef WEFT_FEDERATION_RECEIVER_H
#define WEFT_FEDERATION_RECEIVER_H

#include "federation/consumer.h"
#include "federation/credit.h"
#include "federation/window.h"

enum {
    WEFT_RECEIVER_STRIKES_MAX = 3, /* bad transfers in a row; chosen: a damaged link may do two */
    /* Leaves for which it is worth it to begin anew, with windows; chosen: four batches. */
    WEFT_RECEIVER_AGAIN_LEAVES = 4 * WEFT_WINDOW_PART_LEAVES,
};

/* What the driver does next. */
enum weft_receiver_act {
    WEFT_RECEIVER_WAITS,    /* Nothing. */
    WEFT_RECEIVER_PROPOSES, /* What was judged, as one entry; a window as its parts. */
    WEFT_RECEIVER_HOLDS,    /* Keeps what was judged until its proof comes. */
    WEFT_RECEIVER_GREETS,   /* Says hello anew: weft_receiver_hello. */
    WEFT_RECEIVER_RECEIPTS, /* Signs a receipt for what is applied: weft_receiver_grant. */
    WEFT_RECEIVER_SHOWS,    /* Sends the provider the newest head of it that it knows. */
    WEFT_RECEIVER_ASKS,     /* Asks where the two trees part: fork.h. */
    WEFT_RECEIVER_FREEZES,  /* Proposes the evidence and a freeze: two heads that cannot both be. */
    WEFT_RECEIVER_STOPS,    /* Closes the connection and tells operators. */
    WEFT_RECEIVER_ACTS
};

/* Embed by value; zero-initialized says hello first. */
struct weft_receiver {
    bool is_open;
    bool is_explicit;           /* The next hello asks for explicit items. */
    bool is_plain;              /* The next hello wants no windows: one was not taken whole. */
    uint64_t plain_until;       /* With so many leaves it wants them again; of others no matter. */
    uint64_t session;           /* Of the last hello: answers to others are late, and dropped. */
    uint32_t strikes;           /* Bad transfers since the last one that was applied. */
    struct weft_consumer ahead; /* As it is when all that was proposed is applied. */
    struct weft_credit credit;
    uint64_t window_max;            /* Bytes that it holds without a proof; 0: none. */
    uint64_t window_bytes;          /* That it does hold: weft_window_cost. */
    struct weft_merkle_right right; /* Of what is proven, under the head; first 0: not known. */
};

/* By what leaves are judged behind those of that version; ctx is the caller's. False: a version
 * that is not in force here yet. */
typedef bool weft_receiver_terms(
    void *ctx, uint64_t version, struct weft_consumer_terms *ret_terms);

/* What is proposed: a head, or a batch. */
struct weft_receiver_entry {
    bool is_batch;
    struct weft_merkle_head known, head; /* A head: weft_consumer_take_head. */
    /* A head that came with what is right of the own leaves: the message as it would have come with
     * its whole proof, which is the entry's. */
    bool is_completed;
    struct weft_merkle_proof proof;
    struct weft_batch batch; /* Else: weft_consumer_take. */
};

/* The connection begins, or begins anew. `consumer` is the replicated state as it is applied;
 * `room`: statements that the consumer's queue has room for; `window_bytes`: that may be held
 * without a proof. */
struct weft_stream_hello weft_receiver_hello(struct weft_receiver *receiver,
    const struct weft_consumer *consumer, const struct weft_contract_side *side, uint64_t room,
    uint64_t window_bytes);

/* A message came. PROPOSES: *ret_entry is judged, and counts as taken here. `msg` names the fault,
 * if there is one, which is *ret_fault. */
/* A head with `right` that is at fault: the next hello wants the whole proof, by which two trees
 * are told from a wrong proof. */
enum weft_receiver_act weft_receiver_hear_head(struct weft_receiver *receiver,
    const struct weft_stream_head *message, const struct weft_stream_signers *signers,
    struct weft_receiver_entry *ret_entry, enum weft_stream_fault *ret_fault, struct weft_msg *msg);
/* `quarantine_max` as weft_consumer_take. The batch is in `arena`, and borrows the message. */
enum weft_receiver_act weft_receiver_hear_batch(struct weft_receiver *receiver,
    const struct weft_consumer_terms *terms, const struct weft_stream_batch *message,
    uint32_t quarantine_max, struct weft_arena *arena, struct weft_receiver_entry *ret_entry,
    enum weft_stream_fault *ret_fault, struct weft_msg *msg);
/* FED-34: leaves that are proven later. HOLDS: they are in `run`, which keeps nothing of `message`,
 * and count as taken here; `run` is empty before, and is destroyed by the caller whatever comes.
 * `arena` is scratch. Whatever is not taken whole begins anew with a hello without windows, where
 * the same is judged batch by batch. */
enum weft_receiver_act weft_receiver_hear_more(struct weft_receiver *receiver,
    weft_receiver_terms *get_terms, void *ctx, const struct weft_stream_more *message,
    struct weft_arena *arena, struct weft_window_run *run, enum weft_stream_fault *ret_fault,
    struct weft_msg *msg);
/* PROPOSES: all that is held is proven, and *ret_right is what weft_window_prove takes. */
enum weft_receiver_act weft_receiver_hear_proof(struct weft_receiver *receiver,
    const struct weft_stream_proof *message, struct weft_merkle_right *ret_right,
    enum weft_stream_fault *ret_fault, struct weft_msg *msg);
/* Both in one message: HOLDS or PROPOSES. */
enum weft_receiver_act weft_receiver_hear_leaves(struct weft_receiver *receiver,
    weft_receiver_terms *get_terms, void *ctx, const struct weft_stream_leaves *message,
    struct weft_arena *arena, struct weft_window_run *run, struct weft_merkle_right *ret_right,
    enum weft_stream_fault *ret_fault, struct weft_msg *msg);
/* The provider says why nothing comes. */
enum weft_receiver_act weft_receiver_hear_notice(
    struct weft_receiver *receiver, const struct weft_stream_notice *notice);

/* An entry that was proposed has been applied; `err` is what weft_consumer_take or take_head said.
 * GREETS: it failed, or what a window was given up for is behind, and much waits. */
enum weft_receiver_act weft_receiver_applied(
    struct weft_receiver *receiver, const struct weft_receiver_entry *entry, enum weft_err err);
/* Credit for a receipt. */
void weft_receiver_grant(struct weft_receiver *receiver, const struct weft_contract_side *side,
    uint64_t room, uint64_t *ret_statements_until, uint64_t *ret_bytes_until);

/* FED-29: what follows from each fault; strikes are counted by the functions above. */
enum weft_receiver_act weft_receiver_react(enum weft_stream_fault fault);
/* Does an honest provider on a sound link never send it? */
bool weft_receiver_is_strike(enum weft_stream_fault fault);

#endif
