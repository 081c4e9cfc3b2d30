/* federation/provider.h: the side of a stream that states: what goes into it, what may be signed,
 * what is owed to a partner who comes back, and what a backup has lost.
 *
 * Replicated state of the provider's site, stepped in apply (federation/README.md, "Provider").
 * The leaves and projections are kept by the caller under their sequence, the tree's tiles as
 * policy/tile_builder.h makes them; whoever has them can answer a partner at any time. */
#ifndef WEFT_FEDERATION_PROVIDER_H
#define WEFT_FEDERATION_PROVIDER_H

#include "federation/lost.h"
#include "federation/mutant.h"
#include "federation/projection.h"
#include "federation/stream.h"
#include "proto/partner.h"

/* Embed by value; zero-initialized is a stream without a leaf. */
struct weft_provider {
    struct weft_stream stream;
    struct weft_merkle_head signed_head; /* Newest that its keys signed; size 0: none. */
    struct weft_merkle_head receipt;     /* Newest that the partner has committed. */
    /* A head that its keys signed and that its state does not know any more, since it came from a
     * backup; size 0: none. Until the tree has grown into it nothing of its own is appended. */
    struct weft_merkle_head fence;
    bool is_unsure; /* From a backup, and nobody has said yet what was signed since. */
    struct weft_lost lost;
    /* Heads of no more leaves are settled with those that are lost: what its keys had signed up to
     * then. However large a lost one says that it is, what is signed behind that is not settled. */
    uint64_t settled;
    bool is_owed; /* The newest of them was lost here, and the partner may still hold to it. */
    /* A head that its keys signed beside another one that its state knows, as the partner has
     * shown or proven: it was set back and did not know, or somebody else has the keys. Nothing is
     * stated until it is lost; size 0: none. */
    struct weft_merkle_head rival;
};

/* --- what goes in, in apply ------------------------------------------------------------------- */

/* FED-11: is the record a statement for the other party? A pure function of contract, record and
 * facts. If so its projection is appended to `out`, and *ret_leaf is what to append. `arena` is
 * scratch. WEFT_ENOTFOUND: it is not; `out` is as before, as after any error.
 * WEFT_ETOOBIG, WEFT_EINVAL: it has no projection; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_provider_select(const struct weft_contract *contract,
    uint32_t party, const struct weft_record *record, const struct weft_statement_place *place,
    const struct weft_contract_facts *facts, struct weft_arena *arena, struct weft_buffer *out,
    struct weft_stream_leaf *ret_leaf);

/* The same of a statement that is there whole; the record is its. */
WEFT_MUST_USE enum weft_err weft_provider_select_made(const struct weft_contract *contract,
    uint32_t party, const struct weft_record *record, const struct weft_statement *statement,
    const struct weft_contract_facts *facts, struct weft_arena *arena, struct weft_buffer *out,
    struct weft_stream_leaf *ret_leaf);

/* As weft_stream_append; WEFT_STREAM_BEHIND: it is fenced. */
enum weft_stream_fault weft_provider_append(
    struct weft_provider *provider, const struct weft_stream_leaf *leaf, struct weft_msg *msg);
static inline bool weft_provider_is_behind(const struct weft_provider *provider)
{
    return provider->fence.size > 0;
}
/* Nothing of its own is appended or signed. */
static inline bool weft_provider_is_fenced(const struct weft_provider *provider)
{
    return (provider->is_unsure || weft_provider_is_behind(provider) || provider->rival.size > 0) &&
           !weft_stream_mutant(WEFT_STREAM_MUTANT_UNFENCED);
}

/* --- heads and receipts ----------------------------------------------------------------------- */

/* The root of the first `size` leaves. An error of it is passed on. */
typedef enum weft_err weft_provider_root(
    void *ctx, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg);

/* FED-12: may its tree be signed as it is? What was signed is its beginning, and it is not fenced.
 * WEFT_ESTATE: not now; WEFT_ECONFLICT: never; and what `root` says. */
WEFT_MUST_USE enum weft_err weft_provider_may_sign(const struct weft_provider *provider,
    weft_provider_root *root, void *ctx, struct weft_msg *msg);
/* Its keys are to sign that head, which is the tree as it is or was. In apply, before a signature
 * leaves. */
void weft_provider_sign(struct weft_provider *provider, const struct weft_merkle_head *head);

/* A receipt of the partner. `signers` are the partner's. MALFORMED, ORIGIN, UNSIGNED;
 * SEQUENCE: it is for more than was signed; FORKED: for another tree. An older one than is known
 * is SOUND and changes nothing. Errors of `root` are PROOF. */
enum weft_stream_fault weft_provider_acknowledge(struct weft_provider *provider,
    struct weft_text note, const struct weft_stream_signers *signers, weft_provider_root *root,
    void *ctx, struct weft_msg *msg);

/* --- a partner comes back --------------------------------------------------------------------- */

/* FED-13: can what the partner has be gone on with? SOUND: from hello->next on. BEHIND: it has more
 * than there is, or knows a newer head: it is to send that head (weft_provider_fence). FORKED: its
 * tree is another one, or the head that it knows is of another one. UNKNOWN: it means another
 * agreement. */
enum weft_stream_fault weft_provider_greet(const struct weft_provider *provider,
    const struct weft_stream_hello *hello, weft_provider_root *root, void *ctx,
    struct weft_msg *msg);

/* The state came from a backup: it is fenced until its partner has said where it stands (sure), or
 * it has recovered. */
void weft_provider_restore(struct weft_provider *provider);
/* A hello that was greeted is from a partner who knows of nothing newer. */
void weft_provider_sure(struct weft_provider *provider);

/* The partner shows a head of this stream, `signers` are its own keys. SOUND: the tree is its
 * continuation, or it is fenced until it has grown into that head. MALFORMED, ORIGIN, UNSIGNED.
 * SPLIT: by what its own state knows, its keys have signed another tree too: it is fenced until
 * that head is lost. BEHIND: it is lost, and the partner has not said so yet. PROOF: as
 * acknowledge. */
enum weft_stream_fault weft_provider_fence(struct weft_provider *provider, struct weft_text note,
    const struct weft_stream_signers *signers, weft_provider_root *root, void *ctx,
    struct weft_msg *msg);
/* FED-38: it was proven (equivocation.h) that its keys signed both of these, which are of no one
 * log. SPLIT: by what its own state knows to be signed the one is its own, and the other one not:
 * it is fenced until that is lost. SOUND: nothing to fence by: both are of its own tree (two
 * statements), or what is not is no larger than a head that was lost and than the own tree was
 * then, and settled with it; of neither it knows that it was signed: then it is unsure, until a
 * partner is greeted. PROOF: as acknowledge. */
enum weft_stream_fault weft_provider_contradict(struct weft_provider *provider,
    const struct weft_merkle_head heads[2], weft_provider_root *root, void *ctx,
    struct weft_msg *msg);
/* FED-32: an operator says that a head which its keys signed is lost, since nobody has its leaves,
 * and that the stream goes on from `base`, what the partner has. It is fenced until it has grown
 * into `base` if it has not, and until a partner is greeted who does not hold to the lost head.
 * WEFT_EINVAL: the base is as large, and not of its own tree; WEFT_ESTATE: it has the leaves;
 * WEFT_ECONFLICT: the base is not what was signed or acknowledged as its own state knows it;
 * WEFT_ETOOBIG: it has lost too many. Errors of `root` are passed on. */
WEFT_MUST_USE enum weft_err weft_provider_lose(struct weft_provider *provider,
    const struct weft_merkle_head *lost, const struct weft_merkle_head *base,
    weft_provider_root *root, void *ctx, struct weft_msg *msg);
/* Go back to the leaves that the fence's tree has too (fork.h finds how many): `stream` is the
 * machine as it was with that many. Only while it is fenced, and never behind what its own state
 * knows to be signed: that would be equivocation. WEFT_ESTATE. */
WEFT_MUST_USE enum weft_err weft_provider_rewind(
    struct weft_provider *provider, const struct weft_stream *stream, struct weft_msg *msg);
/* Leaves of its own that the partner sends back, each as it was: weft_batch_verify has verified
 * that they are in the fence's tree. SOUND, OUT_OF_TURN; HELD: it is not behind. */
enum weft_stream_fault weft_provider_recover(
    struct weft_provider *provider, const struct weft_stream_leaf *leaf, struct weft_msg *msg);

void weft_provider_check(const struct weft_provider *provider);

#endif
