#include "federation/provider.h"

#include <inttypes.h>

#include "proto/check.h"

void weft_provider_check(const struct weft_provider *provider)
{
    weft_stream_check(&provider->stream);
    weft_assert(provider->receipt.size <= provider->signed_head.size);     /* FED-12 */
    weft_assert(provider->signed_head.size <= provider->stream.tree.size); /* FED-12 */
    weft_assert(provider->fence.size == 0 ||
                provider->signed_head.size < provider->fence.size); /* FED-14 */
    weft_assert(provider->lost.count <= WEFT_LOST_MAX);             /* FED-32 */
}

/* --- what goes in ---------------------------------------------------------------------------- */

static bool is_for(const struct weft_contract *contract, uint32_t party,
    const struct weft_record *record, struct weft_text authority,
    const struct weft_contract_facts *facts)
{
    weft_assert(party < WEFT_CONTRACT_PARTIES); /* FED-11 */
    const struct weft_contract_side *side = &contract->sides[party];
    bool is_own = weft_text_equal(authority, contract->parties[party].site);
    return (is_own || side->may_forward) && weft_contract_is_in_scope(side, record->kind, facts);
}

enum weft_err weft_provider_select(const struct weft_contract *contract, uint32_t party,
    const struct weft_record *record, const struct weft_statement_place *place,
    const struct weft_contract_facts *facts, struct weft_arena *arena, struct weft_buffer *out,
    struct weft_stream_leaf *ret_leaf)
{
    struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_STATEMENT};
    if (!is_for(contract, party, record, place->authority, facts)) {
        return WEFT_ENOTFOUND;
    }
    enum weft_err err =
        weft_projection_make(record, place, &contract->sides[party], arena, out, &leaf.digest);
    if (err == WEFT_OK) {
        *ret_leaf = leaf;
    }
    return err;
}

enum weft_err weft_provider_select_made(const struct weft_contract *contract, uint32_t party,
    const struct weft_record *record, const struct weft_statement *statement,
    const struct weft_contract_facts *facts, struct weft_arena *arena, struct weft_buffer *out,
    struct weft_stream_leaf *ret_leaf)
{
    if (!is_for(contract, party, record, statement->header.authority, facts)) {
        return WEFT_ENOTFOUND;
    }
    enum weft_err err = weft_projection_of(record, statement, &contract->sides[party], arena, out);
    if (err == WEFT_OK) {
        *ret_leaf =
            (struct weft_stream_leaf){.kind = WEFT_STREAM_STATEMENT, .digest = statement->digest};
    }
    return err;
}

enum weft_stream_fault weft_provider_append(
    struct weft_provider *provider, const struct weft_stream_leaf *leaf, struct weft_msg *msg)
{
    weft_provider_check(provider);
    if (weft_provider_is_fenced(provider)) {
        return weft_stream_fail(msg, WEFT_STREAM_BEHIND,
            "%" PRIu64 " leaves were signed, and there are %" PRIu64 "%s%s", provider->fence.size,
            provider->stream.tree.size, provider->is_unsure ? ", from a backup" : "",
            provider->rival.size > 0 ? ", and another tree was signed too" : "");
    }
    return weft_stream_append(&provider->stream, leaf, msg);
}

/* --- heads and receipts ---------------------------------------------------------------------- */

enum weft_err weft_provider_may_sign(
    const struct weft_provider *provider, weft_provider_root *root, void *ctx, struct weft_msg *msg)
{
    struct weft_merkle_head tree = weft_stream_tree(&provider->stream);
    const struct weft_merkle_head *last = &provider->signed_head;
    struct weft_digest own = tree.root;
    if (weft_provider_is_fenced(provider)) {
        return weft_fail(
            msg, WEFT_ESTATE, "it is behind what it has signed, or has signed another tree too");
    }
    if (tree.size == 0) {
        return weft_fail(msg, WEFT_ESTATE, "a stream without a leaf has no head");
    }
    if (last->size == 0) {
        return WEFT_OK;
    }
    enum weft_err err = last->size < tree.size ? root(ctx, last->size, &own, msg) : WEFT_OK;
    return err == WEFT_OK ? weft_checkpoint_note_may_sign(last, &own, &tree, msg) : err;
}

void weft_provider_sign(struct weft_provider *provider, const struct weft_merkle_head *head)
{
    weft_assert(head->size <= provider->stream.tree.size); /* FED-12 */
    weft_assert(!weft_provider_is_fenced(provider));       /* FED-12 */
    if (head->size > provider->signed_head.size) {
        provider->signed_head = *head;
    }
    weft_provider_check(provider);
}

enum weft_stream_fault weft_provider_acknowledge(struct weft_provider *provider,
    struct weft_text note, const struct weft_stream_signers *signers, weft_provider_root *root,
    void *ctx, struct weft_msg *msg)
{
    struct weft_merkle_head head;
    struct weft_digest own;
    enum weft_stream_fault fault = weft_stream_verify_head(note, signers, &head, msg);
    if (fault != WEFT_STREAM_SOUND || head.size == 0) {
        return fault;
    }
    if (head.size > provider->signed_head.size) {
        return weft_stream_fail(msg, WEFT_STREAM_SEQUENCE,
            "a receipt for %" PRIu64 " leaves, and %" PRIu64 " were signed", head.size,
            provider->signed_head.size);
    }
    if (root(ctx, head.size, &own, msg) != WEFT_OK) {
        return WEFT_STREAM_PROOF;
    }
    if (!weft_digest_equal(&own, &head.root)) {
        return weft_stream_fail(
            msg, WEFT_STREAM_FORKED, "a receipt for another tree of %" PRIu64 " leaves", head.size);
    }
    if (head.size > provider->receipt.size) {
        provider->receipt = head;
    }
    weft_provider_check(provider);
    return WEFT_STREAM_SOUND;
}

/* --- a partner comes back -------------------------------------------------------------------- */

static bool tells_root(const struct weft_stream_hello *hello)
{
    const struct weft_digest none = {{0}};
    return hello->head_size > 0 && !weft_digest_equal(&hello->head_root, &none);
}

/* FED-32: where the head's root is not told, none of that size is believed until the partner comes
 * with another one. */
static bool holds_to_lost(
    const struct weft_provider *provider, const struct weft_stream_hello *hello)
{
    const struct weft_merkle_head head = {.size = hello->head_size, .root = hello->head_root};
    return provider->is_owed && provider->lost.count > 0 &&
           (tells_root(hello) ? weft_lost_has(&provider->lost, &head)
                              : head.size == provider->lost.heads[provider->lost.count - 1].size);
}

/* FED-13: the partner's tree, and the head that he knows, are of the own tree. */
static enum weft_stream_fault greet_trees(const struct weft_stream_hello *hello,
    weft_provider_root *root, void *ctx, struct weft_msg *msg)
{
    struct weft_digest own = weft_merkle_empty();
    if (hello->next > 0 && root(ctx, hello->next, &own, msg) != WEFT_OK) {
        return WEFT_STREAM_PROOF;
    }
    if (!weft_digest_equal(&own, &hello->root)) {
        return weft_stream_fail(
            msg, WEFT_STREAM_FORKED, "another tree of %" PRIu64 " leaves", hello->next);
    }
    if (!tells_root(hello) || weft_stream_mutant(WEFT_STREAM_MUTANT_HEAD_BELIEVED)) {
        return WEFT_STREAM_SOUND;
    }
    if (root(ctx, hello->head_size, &own, msg) != WEFT_OK) {
        return WEFT_STREAM_PROOF;
    }
    return weft_digest_equal(&own, &hello->head_root)
               ? WEFT_STREAM_SOUND
               : weft_stream_fail(msg, WEFT_STREAM_FORKED,
                     "it knows of a head of another tree of %" PRIu64 " leaves", hello->head_size);
}

enum weft_stream_fault weft_provider_greet(const struct weft_provider *provider,
    const struct weft_stream_hello *hello, weft_provider_root *root, void *ctx,
    struct weft_msg *msg)
{
    const struct weft_stream *stream = &provider->stream;
    if (weft_stream_mutant(WEFT_STREAM_MUTANT_GREETS_ALL)) {
        return WEFT_STREAM_SOUND;
    }
    if (hello->next > stream->tree.size || hello->head_size > stream->tree.size ||
        weft_provider_is_behind(provider) || holds_to_lost(provider, hello)) {
        return weft_stream_fail(msg, WEFT_STREAM_BEHIND,
            "it has %" PRIu64 " leaves and knows of %" PRIu64 ", and there are %" PRIu64,
            hello->next, hello->head_size, stream->tree.size);
    }
    enum weft_stream_fault fault = greet_trees(hello, root, ctx, msg);
    if (fault != WEFT_STREAM_SOUND) {
        return fault;
    }
    if (hello->version > stream->version ||
        (hello->version == stream->version && hello->version > 0 &&
            !weft_digest_equal(&hello->agreement_digest, &stream->contract))) {
        return weft_stream_fail(msg, WEFT_STREAM_UNKNOWN,
            "version %" PRIu64 " of the agreement is not known here", hello->version);
    }
    return WEFT_STREAM_SOUND;
}

void weft_provider_restore(struct weft_provider *provider)
{
    provider->is_unsure = !weft_stream_mutant(WEFT_STREAM_MUTANT_UNFENCED);
    weft_provider_check(provider);
}

void weft_provider_sure(struct weft_provider *provider)
{
    provider->is_unsure = false;
    provider->is_owed = false;
    weft_provider_check(provider);
}

enum weft_stream_fault weft_provider_fence(struct weft_provider *provider, struct weft_text note,
    const struct weft_stream_signers *signers, weft_provider_root *root, void *ctx,
    struct weft_msg *msg)
{
    struct weft_merkle_head head;
    struct weft_digest own;
    enum weft_stream_fault fault = weft_stream_verify_head(note, signers, &head, msg);
    if (fault != WEFT_STREAM_SOUND || head.size == 0) {
        return fault;
    }
    if (weft_lost_has(&provider->lost, &head)) {
        return weft_stream_fail(msg, WEFT_STREAM_BEHIND,
            "the head of %" PRIu64 " leaves is lost: the partner's operators have to say so too",
            head.size);
    }
    own = head.root;
    if (head.size <= provider->stream.tree.size && root(ctx, head.size, &own, msg) != WEFT_OK) {
        return WEFT_STREAM_PROOF;
    }
    bool is_known = head.size <= provider->stream.tree.size && weft_digest_equal(&own, &head.root);
    if (!is_known && head.size <= provider->signed_head.size) {
        provider->rival = provider->rival.size > 0 ? provider->rival : head;
        return weft_stream_fail(msg, WEFT_STREAM_SPLIT,
            "its keys signed another tree of %" PRIu64 " leaves too", head.size);
    }
    /* Of leaves that it has not, or has others of: in no head that its state knows of. Whether the
     * rest is the beginning of that tree fork.h finds out. */
    if (!is_known && head.size > provider->fence.size) {
        provider->fence = head;
    } else if (is_known && head.size > provider->signed_head.size) {
        provider->signed_head = head; /* A backup knew the leaves, and not that they were signed. */
        if (provider->fence.size <= head.size) {
            provider->fence.size = 0;
        }
    }
    provider->is_owed = provider->is_owed && !is_known; /* It holds to another one. */
    weft_provider_check(provider);
    return WEFT_STREAM_SOUND;
}

enum weft_stream_fault weft_provider_contradict(struct weft_provider *provider,
    const struct weft_merkle_head heads[2], weft_provider_root *root, void *ctx,
    struct weft_msg *msg)
{
    bool is_known[2], is_signed[2];
    for (int i = 0; i < 2; i++) {
        struct weft_digest own = weft_merkle_empty();
        const bool has = heads[i].size <= provider->stream.tree.size;
        if (has && root(ctx, heads[i].size, &own, msg) != WEFT_OK) {
            return WEFT_STREAM_PROOF;
        }
        is_known[i] = has && weft_digest_equal(&own, &heads[i].root);
        is_signed[i] = is_known[i] && heads[i].size <= provider->signed_head.size;
    }
    bool is_open = false;
    for (int i = 0; i < 2; i++) {
        if (is_known[i] || heads[i].size <= provider->settled) {
            continue;
        }
        if (heads[i].size <= provider->signed_head.size || is_signed[1 - i]) {
            provider->rival = provider->rival.size > 0 ? provider->rival : heads[i];
            return weft_stream_fail(msg, WEFT_STREAM_SPLIT,
                "its keys signed another tree of %" PRIu64 " leaves too", heads[i].size);
        }
        is_open = true;
    }
    provider->is_unsure = provider->is_unsure || is_open;
    return WEFT_STREAM_SOUND;
}

/* What its own state knows to be signed, or acknowledged, stands before and behind the base. */
static enum weft_err check_base(const struct weft_provider *provider,
    const struct weft_merkle_head *base, weft_provider_root *root, void *ctx, bool *ret_known,
    struct weft_msg *msg)
{
    struct weft_digest own = weft_merkle_empty();
    *ret_known = base->size == 0;
    if (base->size < provider->receipt.size) {
        return weft_fail(
            msg, WEFT_ECONFLICT, "%" PRIu64 " leaves were acknowledged", provider->receipt.size);
    }
    if (base->size > 0 && base->size <= provider->stream.tree.size) {
        enum weft_err err = root(ctx, base->size, &own, msg);
        if (err != WEFT_OK) {
            return err;
        }
        *ret_known = weft_digest_equal(&own, &base->root);
    }
    return *ret_known || base->size > provider->signed_head.size
               ? WEFT_OK
               : weft_fail(msg, WEFT_ECONFLICT,
                     "another tree of %" PRIu64 " leaves is in a head that was signed", base->size);
}

/* What a backup forgot nobody can be asked about, so an operator's word is enough for a head that
 * is not of the own tree. */
static enum weft_err check_lost(const struct weft_provider *provider,
    const struct weft_merkle_head *lost, weft_provider_root *root, void *ctx, struct weft_msg *msg)
{
    struct weft_digest own;
    if (lost->size > provider->stream.tree.size ||
        weft_stream_mutant(WEFT_STREAM_MUTANT_LOSES_ANY)) {
        return WEFT_OK;
    }
    enum weft_err err = root(ctx, lost->size, &own, msg);
    if (err == WEFT_OK && weft_digest_equal(&own, &lost->root)) {
        err = weft_fail(msg, WEFT_ESTATE, "nothing is lost: all leaves of that head are here");
    }
    return err;
}

enum weft_err weft_provider_lose(struct weft_provider *provider,
    const struct weft_merkle_head *lost, const struct weft_merkle_head *base,
    weft_provider_root *root, void *ctx, struct weft_msg *msg)
{
    const uint64_t size = provider->stream.tree.size;
    const uint64_t settled = lost->size < size ? lost->size : size;
    bool is_known;
    weft_provider_check(provider);
    enum weft_err err = check_lost(provider, lost, root, ctx, msg);
    err = err == WEFT_OK ? check_base(provider, base, root, ctx, &is_known, msg) : err;
    if (err == WEFT_OK && base->size >= lost->size && !is_known) {
        err = weft_fail(msg, WEFT_EINVAL, "a head is lost if its leaves are: fewer are left");
    }
    if (err == WEFT_OK && weft_lost_add(&provider->lost, lost) != WEFT_OK) {
        err = weft_fail(
            msg, WEFT_ETOOBIG, "%d heads of it are lost: a new agreement is wanted", WEFT_LOST_MAX);
    }
    if (err == WEFT_OK) {
        provider->fence = is_known ? (struct weft_merkle_head){.size = 0} : *base;
        provider->is_unsure = provider->is_owed = true;
        provider->settled = settled > provider->settled ? settled : provider->settled;
        if (weft_lost_has(&provider->lost, &provider->rival)) {
            provider->rival.size = 0;
        }
        weft_provider_check(provider);
    }
    return err;
}

enum weft_err weft_provider_rewind(
    struct weft_provider *provider, const struct weft_stream *stream, struct weft_msg *msg)
{
    if (!weft_provider_is_behind(provider) || stream->tree.size > provider->stream.tree.size ||
        stream->tree.size < provider->signed_head.size) {
        return weft_fail(
            msg, WEFT_ESTATE, "only what is in no signed head goes, and only behind a fence");
    }
    provider->stream = *stream;
    weft_provider_check(provider);
    return WEFT_OK;
}

enum weft_stream_fault weft_provider_recover(
    struct weft_provider *provider, const struct weft_stream_leaf *leaf, struct weft_msg *msg)
{
    weft_provider_check(provider);
    if (provider->fence.size <= provider->stream.tree.size) {
        return weft_stream_fail(msg, WEFT_STREAM_HELD, "there is nothing to recover");
    }
    enum weft_stream_fault fault = weft_stream_append(&provider->stream, leaf, msg);
    struct weft_merkle_head tree = weft_stream_tree(&provider->stream);
    if (fault == WEFT_STREAM_SOUND && tree.size == provider->fence.size) {
        /* FED-14: verified against the fence's head, so nothing else can come out. */
        weft_assert(weft_digest_equal(&tree.root, &provider->fence.root)); /* FED-14 */
        provider->signed_head = tree;
        provider->fence.size = 0;
        provider->is_unsure = false;
        provider->is_owed = false; /* Who gave them back knows of this head and no other. */
    }
    weft_provider_check(provider);
    return fault;
}
