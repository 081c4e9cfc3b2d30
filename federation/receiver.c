#include "federation/receiver.h"

#include "federation/mutant.h"
#include "proto/check.h"

/* --- what follows from a fault --------------------------------------------------------------- */

static const struct {
    enum weft_receiver_act act;
    bool is_strike;
} reactions[WEFT_STREAM_FAULTS] = {
    [WEFT_STREAM_SOUND] = {WEFT_RECEIVER_PROPOSES, false},
    /* Damaged, or not honest. */
    [WEFT_STREAM_MALFORMED] = {WEFT_RECEIVER_GREETS, true},
    [WEFT_STREAM_UNSIGNED] = {WEFT_RECEIVER_GREETS, true},
    [WEFT_STREAM_ORIGIN] = {WEFT_RECEIVER_GREETS, true},
    [WEFT_STREAM_PROOF] = {WEFT_RECEIVER_GREETS, true},
    [WEFT_STREAM_FLOOD] = {WEFT_RECEIVER_GREETS, true},
    [WEFT_STREAM_TOO_BIG] = {WEFT_RECEIVER_GREETS, true},
    [WEFT_STREAM_OUT_OF_TURN] = {WEFT_RECEIVER_GREETS, true},
    /* Late, or of a connection before. */
    [WEFT_STREAM_SEQUENCE] = {WEFT_RECEIVER_GREETS, false},
    [WEFT_STREAM_HEAD] = {WEFT_RECEIVER_GREETS, false},
    [WEFT_STREAM_ROLLED_BACK] = {WEFT_RECEIVER_GREETS, false},
    [WEFT_STREAM_NEEDS_EXPLICIT] = {WEFT_RECEIVER_GREETS, false},
    /* Nothing that a transfer can mend. */
    [WEFT_STREAM_UNKNOWN] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_ENDED] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_HELD] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_FROZEN] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_UNSIGNED_CONTRACT] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_EXPIRED_CONTRACT] = {WEFT_RECEIVER_WAITS, false},
    /* Two histories, or less of one. */
    [WEFT_STREAM_SPLIT] = {WEFT_RECEIVER_FREEZES, false},
    [WEFT_STREAM_FORKED] = {WEFT_RECEIVER_ASKS, false},
    [WEFT_STREAM_BEHIND] = {WEFT_RECEIVER_SHOWS, false},
    /* Of statements: they are in the entry, and stop nothing. */
    [WEFT_STREAM_BAD_PROJECTION] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_DIGEST] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_OUTSIDE] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_MASK] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_UNAUTHORIZED] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_HUGE] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_POLICY] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_REPEATED] = {WEFT_RECEIVER_WAITS, false},
};

enum weft_receiver_act weft_receiver_react(enum weft_stream_fault fault)
{
    weft_assert((unsigned)fault < WEFT_STREAM_FAULTS); /* FED-29 */
    return reactions[fault].act;
}

bool weft_receiver_is_strike(enum weft_stream_fault fault)
{
    weft_assert((unsigned)fault < WEFT_STREAM_FAULTS); /* FED-29 */
    return reactions[fault].is_strike;
}

static enum weft_receiver_act react(struct weft_receiver *receiver, enum weft_stream_fault fault)
{
    enum weft_receiver_act act = weft_receiver_react(fault);
    if (fault == WEFT_STREAM_NEEDS_EXPLICIT) {
        /* Asked for and not given: that is no honest provider. */
        receiver->strikes += receiver->is_explicit ? 1 : 0;
        receiver->is_explicit = true;
    }
    receiver->strikes += weft_receiver_is_strike(fault) ? 1 : 0;
    if (receiver->strikes >= WEFT_RECEIVER_STRIKES_MAX) {
        act = WEFT_RECEIVER_STOPS;
    }
    if (act != WEFT_RECEIVER_PROPOSES) {
        receiver->is_open = false; /* What comes yet is of before. */
    }
    return act;
}

/* --- the connection -------------------------------------------------------------------------- */

struct weft_stream_hello weft_receiver_hello(struct weft_receiver *receiver,
    const struct weft_consumer *consumer, const struct weft_contract_side *side, uint64_t room)
{
    struct weft_stream_hello hello = weft_consumer_hello(consumer);
    weft_credit_window(side, hello.next, 0, room, &hello.statements_until, &hello.bytes_until);
    hello.is_explicit = receiver->is_explicit;
    hello.session = ++receiver->session;
    receiver->ahead = *consumer;
    receiver->is_open = true;
    weft_credit_open(&receiver->credit, &hello);
    return hello;
}

enum weft_receiver_act weft_receiver_hear_head(struct weft_receiver *receiver,
    const struct weft_stream_head *message, const struct weft_stream_signers *signers,
    struct weft_receiver_entry *ret_entry, enum weft_stream_fault *ret_fault, struct weft_msg *msg)
{
    struct weft_receiver_entry entry = {.is_batch = false, .known = receiver->ahead.head};
    *ret_fault = WEFT_STREAM_SOUND;
    if (!receiver->is_open || message->session != receiver->session) {
        return WEFT_RECEIVER_WAITS;
    }
    *ret_fault = weft_consumer_judge_head(&receiver->ahead, message, signers, &entry.head, msg);
    if (*ret_fault != WEFT_STREAM_SOUND) {
        return react(receiver, *ret_fault);
    }
    if (entry.head.size == entry.known.size) {
        return WEFT_RECEIVER_WAITS; /* The one that is known. */
    }
    receiver->ahead.head = entry.head;
    *ret_entry = entry;
    return WEFT_RECEIVER_PROPOSES;
}

enum weft_receiver_act weft_receiver_hear_batch(struct weft_receiver *receiver,
    const struct weft_consumer_terms *terms, const struct weft_stream_batch *message,
    uint32_t quarantine_max, struct weft_arena *arena, struct weft_receiver_entry *ret_entry,
    enum weft_stream_fault *ret_fault, struct weft_msg *msg)
{
    struct weft_receiver_entry entry = {.is_batch = true};
    *ret_fault = WEFT_STREAM_SOUND;
    if (!receiver->is_open || message->session != receiver->session) {
        return WEFT_RECEIVER_WAITS;
    }
    *ret_fault = weft_credit_take(&receiver->credit, message, msg);
    if (*ret_fault == WEFT_STREAM_SOUND) {
        *ret_fault =
            weft_consumer_judge_batch(&receiver->ahead, terms, message, arena, &entry.batch, msg);
    }
    if (*ret_fault != WEFT_STREAM_SOUND) {
        return react(receiver, *ret_fault);
    }
    enum weft_err err = weft_consumer_take(&receiver->ahead, &entry.batch, quarantine_max);
    weft_assert(err == WEFT_OK || weft_stream_mutant(WEFT_STREAM_MUTANT_CURSOR_KEPT)); /* FED-29 */
    *ret_entry = entry;
    return WEFT_RECEIVER_PROPOSES;
}

enum weft_receiver_act weft_receiver_hear_notice(
    struct weft_receiver *receiver, const struct weft_stream_notice *notice)
{
    bool is_known = notice->fault == WEFT_STREAM_BEHIND || notice->fault == WEFT_STREAM_FORKED;
    if (!receiver->is_open || !is_known) {
        return WEFT_RECEIVER_WAITS; /* For people: it is logged. */
    }
    receiver->is_open = false;
    /* A partner's word for a fork is not believed: it is shown what it signed, and answers. */
    return WEFT_RECEIVER_SHOWS;
}

enum weft_receiver_act weft_receiver_applied(
    struct weft_receiver *receiver, const struct weft_receiver_entry *entry, enum weft_err err)
{
    if (err != WEFT_OK) {
        receiver->is_open = false;
        return WEFT_RECEIVER_GREETS;
    }
    if (!entry->is_batch) {
        return WEFT_RECEIVER_WAITS;
    }
    receiver->strikes = 0;
    receiver->is_explicit = false;
    return WEFT_RECEIVER_RECEIPTS;
}

void weft_receiver_grant(struct weft_receiver *receiver, const struct weft_contract_side *side,
    uint64_t room, uint64_t *ret_statements_until, uint64_t *ret_bytes_until)
{
    uint64_t statements, bytes;
    weft_credit_window(
        side, receiver->ahead.stream.tree.size, receiver->credit.bytes, room, &statements, &bytes);
    weft_credit_grant(&receiver->credit, statements, bytes);
    *ret_statements_until = receiver->credit.statements_until;
    *ret_bytes_until = receiver->credit.bytes_until;
}
