/* Terms: counted snapshots of what one agreement is judged by (streams.h). */
#include <stdlib.h>

#include "node/state/streams_parts.h"
#include "proto/check.h"

struct weft_terms_box {
    struct weft_terms terms; /* First: whoever has the one has the other. */
    struct weft_holders holders;
    struct weft_deed *deeds[WEFT_ACCORD_VERSIONS];
    struct weft_pinned *own;
    struct weft_pinned *partner;
    struct weft_authority *authority;
    struct weft_digest withdrawn[WEFT_TAKEN_BACK_MAX];
    uint64_t ends[3][WEFT_PINNED_KEYS_MAX]; /* Of own_heads, their_heads, their_receipts. */
    char own_origin[WEFT_STREAM_ORIGIN_SIZE];
    char their_origin[WEFT_STREAM_ORIGIN_SIZE];
    char receipt_origin[WEFT_STREAM_ORIGIN_SIZE];
};

void weft_terms_box_release(struct weft_terms_box *box)
{
    if (box == NULL || !weft_holders_drop(&box->holders)) {
        return;
    }
    for (unsigned i = 0; i < WEFT_ACCORD_VERSIONS; i++) {
        weft_deed_release(box->deeds[i]);
    }
    weft_pinned_release(box->own);
    weft_pinned_release(box->partner);
    weft_authority_release(box->authority);
    free(box);
}

const struct weft_terms *weft_terms_retain(const struct weft_terms *terms)
{
    /* What is counted is ours, whatever the caller may do with the rest. */
    struct weft_terms_box *box = (struct weft_terms_box *)(uintptr_t)terms;
    if (box != NULL) {
        weft_holders_add(&box->holders);
    }
    return terms;
}

void weft_terms_release(const struct weft_terms *terms)
{
    weft_terms_box_release((struct weft_terms_box *)(uintptr_t)terms);
}

const struct weft_terms *weft_accord_terms(const struct weft_accord *accord)
{
    weft_assert(accord->terms != NULL); /* NOD-191: refreshed before anything is judged */
    return &accord->terms->terms;
}

static const struct weft_contract *contract_of(
    const struct weft_terms_box *box, enum weft_accord_version which)
{
    return box->deeds[which] != NULL ? &box->deeds[which]->contract : NULL;
}

/* Signers of heads of what `provider` sends, or of receipts: those of `party`, as the version in
 * force there has it, or the first one that will be. */
static struct weft_stream_signers signers_of(const struct weft_terms_box *box, const char *origin,
    const struct weft_contract *in_force, const struct weft_pinned *pinned, uint32_t party,
    uint64_t *ends)
{
    const struct weft_contract *contract = in_force != NULL ? in_force : box->terms.newest;
    struct weft_stream_signers signers = {.origin = origin, .threshold = 1};
    if (contract != NULL && pinned != NULL) {
        signers.verifiers = pinned->keys;
        signers.verifier_count = pinned->key_count;
        signers.threshold = contract->sides[party].threshold;
        signers.ends = ends;
        for (uint32_t i = 0; i < pinned->key_count; i++) {
            ends[i] = weft_pinned_end(pinned, i, box->terms.name, origin == box->receipt_origin);
        }
    }
    return signers;
}

static void fill_in(struct weft_terms_box *box, const struct weft_streams *streams,
    const struct weft_accord *accord)
{
    struct weft_terms *t = &box->terms;
    t->number = accord->number;
    t->party = accord->row.party;
    t->newest = contract_of(box, WEFT_ACCORD_NEWEST);
    t->sent = contract_of(box, WEFT_ACCORD_SENT);
    t->received = contract_of(box, WEFT_ACCORD_RECEIVED);
    t->next = contract_of(box, WEFT_ACCORD_NEXT);
    t->name = t->newest->name;
    for (uint32_t i = 0; i < accord->row.taken_back_count; i++) {
        box->withdrawn[i] = accord->row.taken_back[i].digest;
    }
    t->withdrawn = box->withdrawn;
    t->withdrawn_count = accord->row.taken_back_count;
    t->site = t->newest->parties[t->party].site;
    t->partner = t->newest->parties[1 - t->party].site;
    box->own = weft_pinned_retain(weft_streams_pinned(streams, t->site));
    box->partner = weft_pinned_retain(weft_streams_pinned(streams, t->partner));
    if (streams->authority != NULL && weft_authority_org(streams->authority) != NULL) {
        box->authority = weft_authority_retain(streams->authority);
        t->orgs[t->party] = *weft_authority_org(box->authority);
    }
    if (box->partner != NULL && box->partner->has_org) {
        t->orgs[1 - t->party] = box->partner->org;
    }
    weft_stream_origin(t->site, t->name, box->own_origin);
    weft_stream_origin(t->partner, t->name, box->their_origin);
    weft_stream_receipt_origin(t->partner, t->name, box->receipt_origin);
    t->own_heads = signers_of(box, box->own_origin, t->sent, box->own, t->party, box->ends[0]);
    t->their_heads =
        signers_of(box, box->their_origin, t->received, box->partner, 1 - t->party, box->ends[1]);
    t->their_receipts =
        signers_of(box, box->receipt_origin, t->sent, box->partner, 1 - t->party, box->ends[2]);
}

enum weft_err weft_terms_make(
    struct weft_streams *streams, struct weft_accord *accord, struct weft_msg *msg)
{
    if (accord->terms != NULL || accord->deeds[WEFT_ACCORD_NEWEST] == NULL) {
        return WEFT_OK;
    }
    struct weft_terms_box *box = calloc(1, sizeof(*box));
    if (box == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "the terms of an agreement");
    }
    weft_holders_init(&box->holders);
    for (unsigned i = 0; i < WEFT_ACCORD_VERSIONS; i++) {
        box->deeds[i] = weft_deed_retain(accord->deeds[i]);
    }
    fill_in(box, streams, accord);
    accord->terms = box;
    return WEFT_OK;
}

struct weft_consumer_terms weft_terms_of_consumer(const struct weft_terms *terms, int64_t now_ns)
{
    return (struct weft_consumer_terms){.stream = {terms->name, terms->partner},
        .contract = terms->received,
        .next = terms->next,
        .orgs = terms->orgs,
        .party = 1 - terms->party,
        .now_ns = now_ns,
        .withdrawn = terms->withdrawn,
        .withdrawn_count = terms->withdrawn_count};
}
