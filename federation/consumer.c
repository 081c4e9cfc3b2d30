#include "federation/consumer.h"

#include <inttypes.h>

#include "federation/mutant.h"
#include "proto/check.h"

void weft_consumer_check(const struct weft_consumer *consumer)
{
    weft_stream_check(&consumer->stream);
    weft_assert((unsigned)consumer->hold < WEFT_CONSUMER_HOLDS);            /* FED-18 */
    weft_assert(consumer->stream.tree.size <= consumer->head.size);         /* FED-17 */
    weft_assert(consumer->quarantined <= consumer->stream.statement_count); /* FED-16 */
    weft_assert(consumer->lost.count <= WEFT_LOST_MAX);                     /* FED-32 */
}

/* --- heads ----------------------------------------------------------------------------------- */

/* A proof that holds for another beginning proves two stories; any other proves nothing. */
static enum weft_stream_fault judge_proof(const struct weft_merkle_head *known,
    const struct weft_merkle_head *head, const struct weft_merkle_proof *proof,
    const struct weft_msg *why, struct weft_msg *msg)
{
    struct weft_msg more = {""};
    return weft_merkle_verify_inconsistency(
               known->size, head->size, &known->root, proof, &head->root, &more) == WEFT_OK
               ? weft_stream_fail(msg, WEFT_STREAM_SPLIT,
                     "a signed tree of %" PRIu64
                     " leaves that began otherwise than the one of %" PRIu64,
                     head->size, known->size)
               : weft_stream_fail(msg, WEFT_STREAM_PROOF, "%s", why->text);
}

enum weft_stream_fault weft_consumer_judge_head(const struct weft_consumer *consumer,
    const struct weft_stream_head *message, const struct weft_stream_signers *signers,
    struct weft_merkle_head *ret_head, struct weft_msg *msg)
{
    const struct weft_merkle_head *known = &consumer->head;
    struct weft_merkle_head head;
    struct weft_merkle_proof proof;
    struct weft_msg why = {""};
    enum weft_stream_fault fault = weft_stream_verify_head(message->note, signers, &head, msg);
    if (fault != WEFT_STREAM_SOUND) {
        return fault;
    }
    if (weft_lost_has(&consumer->lost, &head) &&
        !weft_stream_mutant(WEFT_STREAM_MUTANT_LOST_BACK)) {
        return weft_stream_fail(msg, WEFT_STREAM_ROLLED_BACK,
            "the head of %" PRIu64 " leaves is lost, as operators said", head.size);
    }
    if (head.size < known->size) {
        return weft_stream_fail(msg, WEFT_STREAM_ROLLED_BACK,
            "%" PRIu64 " leaves, and %" PRIu64 " were signed before", head.size, known->size);
    }
    if (head.size == known->size && head.size > 0 && !weft_digest_equal(&head.root, &known->root)) {
        return weft_stream_fail(
            msg, WEFT_STREAM_SPLIT, "two signed trees of %" PRIu64 " leaves", head.size);
    }
    if (head.size > known->size && known->size > 0) {
        if (message->old_size != known->size) {
            return weft_stream_fail(msg, WEFT_STREAM_SEQUENCE,
                "a proof from %" PRIu64 " leaves, and %" PRIu64 " are known", message->old_size,
                known->size);
        }
        if (weft_stream_proof_parse(message->proof, &proof) != WEFT_OK) {
            return weft_stream_fail(msg, WEFT_STREAM_PROOF, "%s", "no hashes");
        }
        if (weft_merkle_verify_consistency(
                known->size, head.size, &known->root, &proof, &head.root, &why) != WEFT_OK) {
            return judge_proof(known, &head, &proof, &why, msg);
        }
    }
    *ret_head = head;
    return WEFT_STREAM_SOUND;
}

static bool is_same_head(const struct weft_merkle_head *a, const struct weft_merkle_head *b)
{
    return a->size == b->size && (a->size == 0 || weft_digest_equal(&a->root, &b->root));
}

enum weft_err weft_consumer_take_head(struct weft_consumer *consumer,
    const struct weft_merkle_head *known, const struct weft_merkle_head *head)
{
    weft_consumer_check(consumer);
    if (!is_same_head(&consumer->head, known) &&
        !weft_stream_mutant(WEFT_STREAM_MUTANT_HEAD_BACK)) {
        return WEFT_ECONFLICT;
    }
    weft_assert(head->size >= known->size); /* FED-17 */
    consumer->head = *head;
    return WEFT_OK;
}

enum weft_err weft_consumer_lose(struct weft_consumer *consumer,
    const struct weft_merkle_head *lost, const struct weft_merkle_head *base, struct weft_msg *msg)
{
    struct weft_merkle_head tree = weft_stream_tree(&consumer->stream);
    weft_consumer_check(consumer);
    if (!is_same_head(&consumer->head, lost) && !weft_stream_mutant(WEFT_STREAM_MUTANT_LOSES_ANY)) {
        return weft_fail(msg, WEFT_ECONFLICT, "the newest head that is known is another one");
    }
    if (!is_same_head(&tree, base)) {
        return weft_fail(
            msg, WEFT_ECONFLICT, "another tree was taken: %" PRIu64 " leaves", tree.size);
    }
    if (tree.size >= lost->size) {
        return weft_fail(msg, WEFT_EINVAL, "nothing is lost: all leaves of that head are here");
    }
    if (weft_lost_add(&consumer->lost, lost) != WEFT_OK) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "%d heads of it are lost: a new agreement is wanted", WEFT_LOST_MAX);
    }
    consumer->head = tree;
    weft_consumer_check(consumer);
    return WEFT_OK;
}

/* --- statements ------------------------------------------------------------------------------ */

/* FED-19: whose it is. */
static enum weft_stream_fault judge_authority(const struct weft_contract *contract, uint32_t party,
    struct weft_batch_entry *entry, struct weft_msg *why)
{
    const struct weft_statement_header *header = &entry->projection.header;
    struct weft_text provider = contract->parties[party].site;
    struct weft_text receiver = contract->parties[1 - party].site;
    bool is_own = weft_text_equal(header->authority, provider);
    bool is_ours = weft_text_equal(header->authority, receiver);
    if (!is_own && (is_ours || !contract->sides[party].may_forward)) {
        return weft_stream_fail(why, WEFT_STREAM_UNAUTHORIZED, "%.*s states as %.*s",
            (int)provider.size, provider.data, (int)header->authority.size, header->authority.data);
    }
    entry->is_forwarded = !is_own;
    entry->is_claim =
        is_own && weft_contract_authority(contract, header->kind, header->group) != party;
    return WEFT_STREAM_SOUND;
}

void weft_consumer_judge_statement(const struct weft_contract *contract, uint32_t party,
    struct weft_arena *arena, struct weft_batch_entry *entry)
{
    struct weft_msg why = {""};
    struct weft_msg more = {""};
    struct weft_text kind = entry->projection.header.kind;
    const struct weft_contract_side *side = &contract->sides[party];
    enum weft_stream_fault fault = WEFT_STREAM_SOUND;
    if (entry->fault != WEFT_STREAM_SOUND) {
        return;
    }
    if (!weft_contract_has_kind(side, kind)) {
        fault =
            weft_stream_fail(&why, WEFT_STREAM_OUTSIDE, "kind \"%.*s\" is not in version %" PRIu64,
                (int)kind.size, kind.data, contract->link.version);
    } else if (weft_projection_check_mask(&entry->projection, side, &more) != WEFT_OK) {
        fault = weft_stream_fail(&why, WEFT_STREAM_MASK, "%s", more.text);
    } else {
        fault = judge_authority(contract, party, entry, &why);
    }
    if (fault != WEFT_STREAM_SOUND) {
        weft_batch_blame(entry, fault, arena, &why);
    }
}

void weft_consumer_refuse(
    struct weft_batch_entry *entry, struct weft_arena *arena, const struct weft_msg *why)
{
    weft_assert(entry->leaf.kind == WEFT_STREAM_STATEMENT); /* FED-16 */
    if (entry->fault == WEFT_STREAM_SOUND) {
        weft_batch_blame(entry, WEFT_STREAM_POLICY, arena, why);
    }
}

/* A version of another agreement may be signed as well as one can wish. */
static bool is_of_stream(
    const struct weft_consumer_terms *terms, const struct weft_contract *contract)
{
    return weft_text_equal(contract->name, terms->stream.agreement) &&
           weft_contract_party(contract, terms->stream.provider) == terms->party;
}

static bool was_withdrawn(const struct weft_consumer_terms *terms, const struct weft_digest *digest)
{
    uint32_t i = 0;
    while (i < terms->withdrawn_count && !weft_digest_equal(&terms->withdrawn[i], digest)) {
        i++;
    }
    return i < terms->withdrawn_count;
}

/* FED-20: an amendment is in force here only as both have signed it. */
static enum weft_stream_fault judge_contract(const struct weft_consumer_terms *terms,
    const struct weft_contract *current, struct weft_batch_entry *entry, struct weft_arena *arena,
    struct weft_msg *msg)
{
    struct weft_note note;
    struct weft_contract again;
    struct weft_msg why = {""};
    enum weft_chain_fault fault = WEFT_CHAIN_SOUND;
    const struct weft_text text = {(const char *)entry->content.data, entry->content.size};
    if (!is_of_stream(terms, entry->contract)) {
        return weft_stream_fail(msg, WEFT_STREAM_UNSIGNED_CONTRACT,
            "version %" PRIu64 " is of another agreement", entry->leaf.version);
    }
    if (terms->next != NULL && weft_digest_equal(&terms->next->link.digest, &entry->leaf.digest)) {
        return WEFT_STREAM_SOUND;
    }
    if (was_withdrawn(terms, &entry->leaf.digest)) {
        return weft_stream_fail(msg, WEFT_STREAM_WITHDRAWN,
            "version %" PRIu64 " was offered by this site and taken back", entry->leaf.version);
    }
    if (weft_note_parse(text, &note, &why) == WEFT_OK &&
        weft_contract_accept(
            &note, current, terms->orgs, terms->now_ns, arena, &again, &fault, &why) == WEFT_OK) {
        return WEFT_STREAM_SOUND;
    }
    return weft_stream_fail(msg,
        fault == WEFT_CHAIN_FREEZE ? WEFT_STREAM_EXPIRED_CONTRACT : WEFT_STREAM_UNSIGNED_CONTRACT,
        "version %" PRIu64 ": %s", entry->leaf.version, why.text);
}

/* --- batches --------------------------------------------------------------------------------- */

static enum weft_stream_fault check_hold(const struct weft_consumer *consumer, struct weft_msg *msg)
{
    switch (consumer->hold) {
    case WEFT_CONSUMER_TAKES:
        return WEFT_STREAM_SOUND;
    case WEFT_CONSUMER_FULL:
        return weft_stream_fail(
            msg, WEFT_STREAM_HELD, "%u statements are in quarantine", consumer->quarantined);
    case WEFT_CONSUMER_HELD:
        return weft_stream_fail(msg, WEFT_STREAM_HELD, "by an operator");
    case WEFT_CONSUMER_FROZEN:
        return weft_stream_fail(msg, WEFT_STREAM_FROZEN, "after an equivocation");
    case WEFT_CONSUMER_HOLDS:
        break;
    }
    weft_unreachable("FED-18: a hold");
}

/* How the leaves come out of a message: with their proof, or without. */
typedef enum weft_stream_fault open_batch(const struct weft_stream *stream,
    const struct weft_merkle_head *head, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg);

static enum weft_stream_fault judge_leaves(open_batch *open, const struct weft_consumer *consumer,
    const struct weft_consumer_terms *terms, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg)
{
    const struct weft_contract *contract = terms->contract;
    uint32_t quarantined = consumer->quarantined, taken = 0;
    bool is_full = false;
    struct weft_batch batch;
    weft_consumer_check(consumer);
    weft_assert(terms->party < WEFT_CONTRACT_PARTIES); /* FED-19 */
    enum weft_stream_fault fault = check_hold(consumer, msg);
    if (fault == WEFT_STREAM_SOUND) {
        fault = open(&consumer->stream, &consumer->head, message, arena, &batch, msg);
    }
    if (fault != WEFT_STREAM_SOUND) {
        return fault;
    }
    for (; !is_full && taken < batch.count; taken++) {
        struct weft_batch_entry *entry = &batch.entries[taken];
        if (entry->leaf.kind == WEFT_STREAM_CONTRACT) {
            fault = judge_contract(terms, contract, entry, arena, msg);
            if (fault != WEFT_STREAM_SOUND) {
                break;
            }
            contract = entry->contract;
        } else if (entry->leaf.kind == WEFT_STREAM_STATEMENT) {
            weft_assert(contract != NULL); /* FED-8: the first leaf is a contract */
            weft_consumer_judge_statement(contract, terms->party, arena, entry);
            quarantined += entry->fault != WEFT_STREAM_SOUND ? 1 : 0;
        }
        /* FED-16: what is behind it may be refused in apply, and has no room any more. */
        is_full =
            contract != NULL && quarantined >= contract->sides[terms->party].quarantine_statements;
    }
    if (taken == 0) {
        return fault;
    }
    if (taken < batch.count) {
        weft_batch_cut(&batch, &consumer->stream, taken);
    }
    *ret_batch = batch;
    return WEFT_STREAM_SOUND;
}

enum weft_stream_fault weft_consumer_judge_batch(const struct weft_consumer *consumer,
    const struct weft_consumer_terms *terms, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg)
{
    return judge_leaves(weft_batch_verify, consumer, terms, message, arena, ret_batch, msg);
}

enum weft_stream_fault weft_consumer_judge_more(const struct weft_consumer *consumer,
    const struct weft_consumer_terms *terms, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, struct weft_msg *msg)
{
    return judge_leaves(weft_batch_open, consumer, terms, message, arena, ret_batch, msg);
}

static enum weft_consumer_hold hold_of(uint32_t quarantined, uint32_t quarantine_max)
{
    return quarantined >= quarantine_max ? WEFT_CONSUMER_FULL : WEFT_CONSUMER_TAKES;
}

enum weft_err weft_consumer_take(
    struct weft_consumer *consumer, const struct weft_batch *batch, uint32_t quarantine_max)
{
    weft_consumer_check(consumer);
    struct weft_merkle_head tree = weft_stream_tree(&consumer->stream);
    bool is_next = is_same_head(&tree, &batch->before) &&
                   is_same_head(&consumer->head, &batch->head); /* Its head got in before it. */
    if (!is_next && !weft_stream_mutant(WEFT_STREAM_MUTANT_CURSOR_OUTSIDE)) {
        return WEFT_ECONFLICT;
    }
    if (consumer->hold != WEFT_CONSUMER_TAKES) {
        return WEFT_ESTATE;
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        consumer->quarantined += batch->entries[i].fault != WEFT_STREAM_SOUND ? 1 : 0;
    }
    if (!weft_stream_mutant(WEFT_STREAM_MUTANT_CURSOR_KEPT)) {
        consumer->stream = batch->after;
    }
    consumer->hold = hold_of(consumer->quarantined, quarantine_max);
    weft_consumer_check(consumer);
    return WEFT_OK;
}

/* --- holds ----------------------------------------------------------------------------------- */

enum weft_err weft_consumer_release(
    struct weft_consumer *consumer, uint32_t count, uint32_t quarantine_max)
{
    weft_consumer_check(consumer);
    if (count > consumer->quarantined) {
        return WEFT_EINVAL;
    }
    consumer->quarantined -= count;
    if (consumer->hold == WEFT_CONSUMER_FULL) {
        consumer->hold = hold_of(consumer->quarantined, quarantine_max);
    }
    return WEFT_OK;
}

void weft_consumer_freeze(struct weft_consumer *consumer)
{
    consumer->hold = WEFT_CONSUMER_FROZEN;
}

void weft_consumer_hold(struct weft_consumer *consumer, bool is_held, uint32_t quarantine_max)
{
    consumer->hold = is_held ? WEFT_CONSUMER_HELD : hold_of(consumer->quarantined, quarantine_max);
}

/* --- answers --------------------------------------------------------------------------------- */

struct weft_stream_hello weft_consumer_hello(const struct weft_consumer *consumer)
{
    struct weft_merkle_head tree = weft_stream_tree(&consumer->stream);
    return (struct weft_stream_hello){
        .version = consumer->stream.version,
        .agreement_digest = consumer->stream.contract,
        .next = tree.size,
        .root = tree.root,
        .head_size = consumer->head.size,
        .head_root = consumer->head.root,
    };
}

enum weft_err weft_consumer_receipt(const struct weft_consumer *consumer, struct weft_text receiver,
    struct weft_text agreement, struct weft_buffer *out, struct weft_msg *msg)
{
    char origin[WEFT_STREAM_ORIGIN_SIZE];
    if (consumer->stream.tree.size == 0) {
        return weft_fail(msg, WEFT_ESTATE, "nothing was received");
    }
    weft_stream_receipt_origin(receiver, agreement, origin);
    const struct weft_checkpoint_note receipt = {
        .origin = weft_text_of(origin), .head = weft_stream_tree(&consumer->stream)};
    return weft_checkpoint_note_encode(&receipt, out, msg);
}
