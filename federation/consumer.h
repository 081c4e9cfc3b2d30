/* federation/consumer.h: the side of a stream that receives: what is taken, what goes to
 * quarantine, what is acknowledged, and when no more is taken.
 *
 * Replicated state of the receiving site. Judging changes nothing and may be done on any thread,
 * and for many statements at once; what was judged is proposed as one entry, and taking it in apply
 * is a compare-and-swap of the cursor, so that each leaf is taken exactly once
 * (federation/README.md, "Consumer"). */
#ifndef WEFT_FEDERATION_CONSUMER_H
#define WEFT_FEDERATION_CONSUMER_H

#include "federation/batch.h"
#include "federation/lost.h"

/* Why no more is taken. */
enum weft_consumer_hold {
    WEFT_CONSUMER_TAKES,
    WEFT_CONSUMER_FULL,   /* Quarantine is at the contract's bound; ends as it is emptied. */
    WEFT_CONSUMER_HELD,   /* By an operator. */
    WEFT_CONSUMER_FROZEN, /* After an equivocation; ends by an operator alone. */
    WEFT_CONSUMER_HOLDS
};

/* Embed by value; zero-initialized has received nothing. */
struct weft_consumer {
    struct weft_stream stream;    /* What was committed: the cursor. */
    struct weft_merkle_head head; /* Newest head known, at least as large; size 0: none. */
    uint32_t quarantined;         /* Statements that are in quarantine. */
    enum weft_consumer_hold hold;
    struct weft_lost lost; /* Heads that count no more: their leaves are nowhere. */
};

/* By what a batch is judged. Borrowed. */
struct weft_consumer_terms {
    struct weft_stream_name stream;       /* Of which agreement, and who provides. */
    const struct weft_contract *contract; /* In force at the cursor; NULL: none yet. */
    const struct weft_contract *next;     /* The version after it, if it was accepted here; NULL. */
    const struct weft_org
        *orgs;      /* Of the parties, in their order: for amendments not yet heard of. */
    uint32_t party; /* Which of them provides. */
    int64_t now_ns; /* For those amendments alone. */
    /* Of those that this site offered and took back: they are none, whoever signed them. */
    const struct weft_digest *withdrawn;
    uint32_t withdrawn_count;
};

/* --- heads ------------------------------------------------------------------------------------ */

/* FED-17: a head that came. SOUND: it is `*ret_head`, to be taken in apply (it may be the one that
 * is known). MALFORMED, ORIGIN, UNSIGNED: not the provider's. SPLIT: with the known one it proves
 * equivocation (equivocation.h). ROLLED_BACK: below the known one; by itself it proves nothing,
 * repair.h finds out; or lost, for which nothing counts. SEQUENCE: its proof is from elsewhere;
 * PROOF: it does not hold. */
enum weft_stream_fault weft_consumer_judge_head(const struct weft_consumer *consumer,
    const struct weft_stream_head *message, const struct weft_stream_signers *signers,
    struct weft_merkle_head *ret_head, struct weft_msg *msg);
/* In apply. WEFT_ECONFLICT: a newer one came first; nothing changed. */
WEFT_MUST_USE enum weft_err weft_consumer_take_head(struct weft_consumer *consumer,
    const struct weft_merkle_head *known, const struct weft_merkle_head *head);

/* FED-32: an operator says that the newest head is lost: nobody has the leaves behind `base`, the
 * tree as it was taken. Then it is superseded, that one and no other, and the newest head known is
 * `base`. A hold stays. WEFT_ECONFLICT: head or tree are others; WEFT_EINVAL: nothing of it is
 * missing; WEFT_ETOOBIG: too many were lost. */
WEFT_MUST_USE enum weft_err weft_consumer_lose(struct weft_consumer *consumer,
    const struct weft_merkle_head *lost, const struct weft_merkle_head *base, struct weft_msg *msg);

/* --- batches ---------------------------------------------------------------------------------- */

/* As weft_batch_verify, and each statement is held to the contract in force at its place: kind,
 * mask, authority. Perhaps not all of its entries are in the answer: it ends where quarantine would
 * pass its bound, and before an amendment that is refused. HELD, FROZEN; UNSIGNED_CONTRACT,
 * EXPIRED_CONTRACT, WITHDRAWN: the first leaf is such an amendment. `arena` keeps what is in the
 * batch. */
enum weft_stream_fault weft_consumer_judge_batch(const struct weft_consumer *consumer,
    const struct weft_consumer_terms *terms, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg);
/* FED-34: the same of leaves that are proven later: nothing of it may be taken before. */
enum weft_stream_fault weft_consumer_judge_more(const struct weft_consumer *consumer,
    const struct weft_consumer_terms *terms, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg);
/* One statement by itself: is it of a kind that is agreed, in a mask that is, in whose name it may
 * be? One without a fault may get one. */
void weft_consumer_judge_statement(const struct weft_contract *contract, uint32_t party,
    struct weft_arena *arena, struct weft_batch_entry *entry);
/* Local policy refuses a statement that was judged: in apply, before the batch is taken. */
void weft_consumer_refuse(
    struct weft_batch_entry *entry, struct weft_arena *arena, const struct weft_msg *why);

/* FED-18: in apply, with what is stored in the same write. WEFT_ECONFLICT: the cursor is not where
 * the batch begins, since it was taken already, or another one was; or the head under which it is
 * proven is not the one that is known. WEFT_ESTATE: it is held. Nothing
 * changed then. `quarantine_max` is the contract's. */
WEFT_MUST_USE enum weft_err weft_consumer_take(
    struct weft_consumer *consumer, const struct weft_batch *batch, uint32_t quarantine_max);

/* --- holds ------------------------------------------------------------------------------------ */

/* So many statements left quarantine. WEFT_EINVAL: there are not as many. */
WEFT_MUST_USE enum weft_err weft_consumer_release(
    struct weft_consumer *consumer, uint32_t count, uint32_t quarantine_max);
void weft_consumer_freeze(struct weft_consumer *consumer);
/* An operator holds it, or lets it go on. */
void weft_consumer_hold(struct weft_consumer *consumer, bool is_held, uint32_t quarantine_max);

/* --- answers ---------------------------------------------------------------------------------- */

/* Where it stands, for a hello; credit is the caller's (credit.h). */
struct weft_stream_hello weft_consumer_hello(const struct weft_consumer *consumer);
/* Append the text of a receipt, to be signed once the state that says so is durable.
 * WEFT_ESTATE: nothing was received; WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_consumer_receipt(const struct weft_consumer *consumer,
    struct weft_text receiver, struct weft_text agreement, struct weft_buffer *out,
    struct weft_msg *msg);

void weft_consumer_check(const struct weft_consumer *consumer);

#endif
