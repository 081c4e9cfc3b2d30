#include "federation/receiver.h"

#include <inttypes.h>

#include "federation/mutant.h"
#include "proto/check.h"
#include "proto/limits.h"

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
    [WEFT_STREAM_DECLINED] = {WEFT_RECEIVER_WAITS, false},
    [WEFT_STREAM_WITHDRAWN] = {WEFT_RECEIVER_WAITS, false},
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

/* FED-29: what an honest provider may send is judged again, a batch at a time, up to there. */
static enum weft_receiver_act give_up(
    struct weft_receiver *receiver, enum weft_stream_fault fault, uint64_t until)
{
    enum weft_receiver_act act = react(receiver, fault);
    receiver->is_plain = true;
    receiver->plain_until = until;
    receiver->is_open = false;
    return act == WEFT_RECEIVER_STOPS ? act : WEFT_RECEIVER_GREETS;
}

/* --- the connection -------------------------------------------------------------------------- */

struct weft_stream_hello weft_receiver_hello(struct weft_receiver *receiver,
    const struct weft_consumer *consumer, const struct weft_contract_side *side, uint64_t room,
    uint64_t window_bytes)
{
    struct weft_stream_hello hello = weft_consumer_hello(consumer);
    weft_credit_window(side, hello.next, 0, room, &hello.statements_until, &hello.bytes_until);
    hello.is_explicit = receiver->is_explicit;
    hello.session = ++receiver->session;
    hello.window_bytes = receiver->is_plain || receiver->is_explicit ? 0 : window_bytes;
    hello.frame_bytes = hello.window_bytes > 0 ? WEFT_STREAM_LEAVES_SIZE_MAX : 0;
    receiver->plain_until = receiver->is_plain ? receiver->plain_until : UINT64_MAX;
    receiver->window_max = hello.window_bytes;
    receiver->window_bytes = 0;
    receiver->right.first = 0;
    receiver->ahead = *consumer;
    receiver->is_open = true;
    weft_credit_open(&receiver->credit, &hello);
    return hello;
}

/* FED-34: of the proof that a head comes with the hashes on the left are here. What it leads to is
 * judged as ever. */
static enum weft_stream_fault complete(const struct weft_receiver *receiver,
    struct weft_stream_head *message, struct weft_receiver_entry *entry,
    struct weft_merkle_right *right, struct weft_msg *msg)
{
    const struct weft_merkle_range *range = &receiver->ahead.stream.tree;
    struct weft_checkpoint_note checkpoint;
    struct weft_merkle_proof hashes;
    struct weft_note note;
    struct weft_msg why = {""};
    if (message->old_size != range->size) {
        return weft_stream_fail(msg, WEFT_STREAM_SEQUENCE,
            "right of %" PRIu64 " leaves, and there are %" PRIu64, message->old_size, range->size);
    }
    if (weft_note_parse(message->note, &note, &why) != WEFT_OK ||
        weft_checkpoint_note_parse(note.text, &checkpoint, &why) != WEFT_OK) {
        return weft_stream_fail(msg, WEFT_STREAM_MALFORMED, "%s", why.text);
    }
    right->first = 0;
    right->size = checkpoint.head.size;
    if (weft_stream_proof_parse(message->right, &hashes) != WEFT_OK ||
        weft_merkle_right_move(right, range->size, &hashes, &why) != WEFT_OK) {
        return weft_stream_fail(msg, WEFT_STREAM_PROOF, "of a head: %s", why.text);
    }
    weft_merkle_right_prove(right, range, &entry->proof);
    entry->is_completed = true;
    message->proof = weft_stream_proof_bytes(&entry->proof);
    return WEFT_STREAM_SOUND;
}

static enum weft_stream_fault judge_head(const struct weft_receiver *receiver,
    const struct weft_stream_head *message, const struct weft_stream_signers *signers,
    struct weft_receiver_entry *entry, struct weft_merkle_right *right, struct weft_msg *msg)
{
    struct weft_stream_head whole = *message;
    enum weft_stream_fault fault = WEFT_STREAM_SOUND;
    if (receiver->window_bytes > 0) {
        return weft_stream_fail(msg, WEFT_STREAM_SEQUENCE,
            "a window is open, and ends under the head that it began under");
    }
    if (message->right.size > 0) {
        fault = complete(receiver, &whole, entry, right, msg);
    }
    return fault == WEFT_STREAM_SOUND
               ? weft_consumer_judge_head(&receiver->ahead, &whole, signers, &entry->head, msg)
               : fault;
}

enum weft_receiver_act weft_receiver_hear_head(struct weft_receiver *receiver,
    const struct weft_stream_head *message, const struct weft_stream_signers *signers,
    struct weft_receiver_entry *ret_entry, enum weft_stream_fault *ret_fault, struct weft_msg *msg)
{
    struct weft_receiver_entry entry = {.is_batch = false, .known = receiver->ahead.head};
    struct weft_merkle_right right = {.first = 0};
    *ret_fault = WEFT_STREAM_SOUND;
    if (!receiver->is_open || message->session != receiver->session) {
        return WEFT_RECEIVER_WAITS;
    }
    *ret_fault = judge_head(receiver, message, signers, &entry, &right, msg);
    if (*ret_fault != WEFT_STREAM_SOUND) {
        if (message->right.size > 0 && !receiver->is_plain) {
            receiver->is_plain = true;
            receiver->plain_until = receiver->ahead.stream.tree.size;
        }
        return react(receiver, *ret_fault);
    }
    if (entry.head.size == entry.known.size) {
        return WEFT_RECEIVER_WAITS; /* The one that is known. */
    }
    receiver->ahead.head = entry.head;
    receiver->right = right;
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
    *ret_fault = receiver->window_bytes > 0
                     ? weft_stream_fail(msg, WEFT_STREAM_SEQUENCE,
                           "what came before it is not proven, and no batch proves that")
                     : weft_credit_take(&receiver->credit, message, msg);
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

/* --- windows ---------------------------------------------------------------------------------- */

static enum weft_stream_fault hold_part(struct weft_receiver *receiver,
    const struct weft_consumer_terms *terms, const struct weft_stream_batch *part, size_t at,
    struct weft_arena *arena, struct weft_window_run *run, struct weft_msg *msg)
{
    const struct weft_contract *contract = terms->contract != NULL ? terms->contract : terms->next;
    struct weft_batch batch;
    enum weft_stream_fault fault =
        weft_consumer_judge_more(&receiver->ahead, terms, part, arena, &batch, msg);
    if (fault != WEFT_STREAM_SOUND) {
        return fault;
    }
    if (batch.count < part->count) {
        return weft_stream_fail(
            msg, WEFT_STREAM_SEQUENCE, "%u of %u leaves can be taken", batch.count, part->count);
    }
    weft_assert(contract != NULL); /* FED-34 */
    enum weft_err err = weft_consumer_take(
        &receiver->ahead, &batch, contract->sides[terms->party].quarantine_statements);
    weft_assert(err == WEFT_OK || weft_stream_mutant(WEFT_STREAM_MUTANT_CURSOR_KEPT)); /* FED-34 */
    return weft_window_add(run, &batch, at, part->items.size) == WEFT_OK
               ? WEFT_STREAM_SOUND
               : weft_stream_fail(msg, WEFT_STREAM_SEQUENCE, "no memory for a window");
}

static enum weft_stream_fault open_more(struct weft_receiver *receiver,
    const struct weft_stream_more *message, uint32_t *ret_count, struct weft_msg *msg)
{
    enum weft_err err = weft_window_count(message->items, ret_count);
    if (err != WEFT_OK) {
        return weft_stream_fail(msg,
            err == WEFT_ETOOBIG ? WEFT_STREAM_TOO_BIG : WEFT_STREAM_MALFORMED,
            "leaves that are proven later: %s", weft_err_name(err));
    }
    if (receiver->window_bytes >= receiver->window_max) {
        return weft_stream_fail(
            msg, WEFT_STREAM_FLOOD, "more than is held without a proof came without one");
    }
    const struct weft_stream_batch all = {
        .first = message->first, .count = *ret_count, .items = message->items};
    return weft_credit_take(&receiver->credit, &all, msg);
}

enum weft_receiver_act weft_receiver_hear_more(struct weft_receiver *receiver,
    weft_receiver_terms *get_terms, void *ctx, const struct weft_stream_more *message,
    struct weft_arena *arena, struct weft_window_run *run, enum weft_stream_fault *ret_fault,
    struct weft_msg *msg)
{
    struct weft_stream_batch part = {.head_size = receiver->ahead.head.size};
    struct weft_bytes rest = message->items;
    uint32_t count = 0;
    *ret_fault = WEFT_STREAM_SOUND;
    if (!receiver->is_open || message->session != receiver->session) {
        return WEFT_RECEIVER_WAITS;
    }
    *ret_fault = open_more(receiver, message, &count, msg);
    while (*ret_fault == WEFT_STREAM_SOUND && rest.size > 0) {
        struct weft_consumer_terms terms;
        const size_t at = message->items.size - rest.size;
        weft_arena_reset(arena);
        part.first = receiver->ahead.stream.tree.size;
        part.items = weft_window_take_part(&rest, &part.count);
        *ret_fault = get_terms(ctx, receiver->ahead.stream.version, &terms)
                         ? hold_part(receiver, &terms, &part, at, arena, run, msg)
                         : weft_stream_fail(msg, WEFT_STREAM_SEQUENCE,
                               "a version of the agreement is not applied here yet");
    }
    if (*ret_fault != WEFT_STREAM_SOUND) { /* In the next part at the latest. */
        return give_up(
            receiver, *ret_fault, receiver->ahead.stream.tree.size + WEFT_WINDOW_PART_LEAVES);
    }
    receiver->window_bytes += weft_window_cost(count, message->items.size);
    return WEFT_RECEIVER_HOLDS;
}

/* `right` is of an earlier place under the head, or of none. */
static enum weft_stream_fault check_right(const struct weft_receiver *receiver, uint64_t head_size,
    struct weft_bytes bytes, struct weft_merkle_right *right, struct weft_msg *msg)
{
    const struct weft_merkle_range *range = &receiver->ahead.stream.tree;
    const struct weft_merkle_head *head = &receiver->ahead.head;
    struct weft_merkle_proof hashes;
    struct weft_msg why = {""};
    if (head_size != head->size) {
        return weft_stream_fail(msg, WEFT_STREAM_HEAD,
            "under a head of %" PRIu64 " leaves, and that of %" PRIu64 " is known", head_size,
            head->size);
    }
    right->size = head->size;
    if (weft_stream_proof_parse(bytes, &hashes) != WEFT_OK ||
        weft_merkle_right_move(right, range->size, &hashes, &why) != WEFT_OK) {
        return weft_stream_fail(msg, WEFT_STREAM_PROOF, "of a window: %s", why.text);
    }
    const struct weft_digest root = weft_merkle_right_root(right, range);
    return weft_digest_equal(&root, &head->root) || weft_stream_mutant(WEFT_STREAM_MUTANT_UNPROVEN)
               ? WEFT_STREAM_SOUND
               : weft_stream_fail(msg, WEFT_STREAM_PROOF,
                     "of a window: it leads to another root of %" PRIu64 " leaves", head->size);
}

enum weft_receiver_act weft_receiver_hear_proof(struct weft_receiver *receiver,
    const struct weft_stream_proof *message, struct weft_merkle_right *ret_right,
    enum weft_stream_fault *ret_fault, struct weft_msg *msg)
{
    const uint64_t size = receiver->ahead.stream.tree.size;
    *ret_fault = WEFT_STREAM_SOUND;
    if (!receiver->is_open || message->session != receiver->session) {
        return WEFT_RECEIVER_WAITS;
    }
    ret_right->first = 0;
    *ret_fault =
        receiver->window_bytes == 0 || message->size != size
            ? weft_stream_fail(msg, WEFT_STREAM_SEQUENCE,
                  "a proof of %" PRIu64 " leaves, and there are %" PRIu64, message->size, size)
            : check_right(receiver, message->head_size, message->hashes, ret_right, msg);
    if (*ret_fault != WEFT_STREAM_SOUND) {
        return give_up(receiver, *ret_fault, size);
    }
    receiver->window_bytes = 0;
    return WEFT_RECEIVER_PROPOSES;
}

enum weft_receiver_act weft_receiver_hear_leaves(struct weft_receiver *receiver,
    weft_receiver_terms *get_terms, void *ctx, const struct weft_stream_leaves *message,
    struct weft_arena *arena, struct weft_window_run *run, struct weft_merkle_right *ret_right,
    enum weft_stream_fault *ret_fault, struct weft_msg *msg)
{
    const struct weft_stream_more more = {
        .first = message->first, .items = message->items, .session = message->session};
    enum weft_receiver_act act =
        weft_receiver_hear_more(receiver, get_terms, ctx, &more, arena, run, ret_fault, msg);
    if (act != WEFT_RECEIVER_HOLDS || !message->is_proven) {
        return act;
    }
    *ret_right = receiver->right;
    *ret_fault = check_right(receiver, message->head_size, message->hashes, ret_right, msg);
    if (*ret_fault != WEFT_STREAM_SOUND) {
        return give_up(receiver, *ret_fault, receiver->ahead.stream.tree.size);
    }
    receiver->right = *ret_right;
    receiver->window_bytes = 0;
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
    receiver->is_explicit = receiver->is_plain = false;
    const uint64_t size = receiver->ahead.stream.tree.size;
    if (size >= receiver->plain_until &&
        receiver->ahead.head.size - size >= WEFT_RECEIVER_AGAIN_LEAVES) {
        receiver->is_open = false; /* Else all that waits would come batch by batch. */
        return WEFT_RECEIVER_GREETS;
    }
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
