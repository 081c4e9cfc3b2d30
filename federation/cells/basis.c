#include "federation/cells/basis.h"

#include <stdlib.h>

#include "federation/cells/dispute.h"
#include "federation/cells/mutant.h"
#include "proto/check.h"

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

static bool names(const struct weft_act_digests *list, const struct weft_digest *digest)
{
    return list->count > 0 &&
           bsearch(digest, list->items, list->count, sizeof(*list->items), compare_digests) != NULL;
}

/* Does another one that counts take its place? */
static bool is_superseded(
    const struct weft_basis_change *changes, uint32_t count, const struct weft_basis_change *of)
{
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].effect == WEFT_BASIS_EFFECTIVE &&
            names(&changes[i].supersedes, &of->digest)) {
            return true;
        }
    }
    return false;
}

/* What the releases that count come to. */
struct heads {
    struct weft_digest *digests; /* Of the build too, at [count]. */
    uint32_t count;
    struct weft_text revision; /* Of one of them. */
    bool differ;
    bool has_unknown; /* One that may count for the unit. */
    bool is_known;    /* The build relied on one of them. */
};

static void find_heads(const struct weft_basis_build *build,
    const struct weft_basis_change *changes, uint32_t count, struct heads *heads)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_basis_change *c = &changes[i];
        if (c->effect == WEFT_BASIS_NOT_EFFECTIVE || is_superseded(changes, count, c)) {
            continue;
        }
        if (c->effect == WEFT_BASIS_UNKNOWN) {
            heads->has_unknown = true;
            continue;
        }
        heads->differ =
            heads->differ || (heads->count > 0 && !weft_text_equal(c->revision, heads->revision));
        heads->revision = c->revision;
        heads->is_known = heads->is_known || names(&build->basis, &c->digest);
        heads->digests[heads->count++] = c->digest;
    }
}

static enum weft_basis_finding find_out(
    const struct weft_basis_build *build, const struct heads *heads, struct weft_text counts)
{
    if (heads->has_unknown) {
        return WEFT_BASIS_AWAITED;
    }
    if (heads->differ) {
        return WEFT_BASIS_DISPUTED;
    }
    if (counts.size == 0) {
        return WEFT_BASIS_AWAITED;
    }
    if (weft_text_equal(build->revision, counts)) {
        return WEFT_BASIS_CONFORMS;
    }
    if (build->is_allowed) {
        return WEFT_BASIS_PERMITTED;
    }
    /* FED-124: what it did not know crossed it; what it knew it set aside, and where nothing was
     * changed it was built to something else. */
    bool has_crossed =
        heads->count > 0 && (!heads->is_known || weft_cell_mutant(WEFT_CELL_MUTANT_BUILD_EXCUSED));
    return has_crossed ? WEFT_BASIS_DEVIATES : WEFT_BASIS_DISPUTED;
}

enum weft_err weft_basis_judge(const struct weft_basis_build *build, struct weft_text initial,
    const struct weft_basis_change *changes, uint32_t count, struct weft_arena *arena,
    struct weft_basis_answer *ret_answer)
{
    struct weft_basis_answer answer = {.count = 0};
    struct heads heads = {.count = 0};
    if (count > WEFT_BASIS_CHANGES_MAX) {
        return WEFT_ETOOBIG;
    }
    heads.digests = weft_arena_array(arena, count, sizeof(*heads.digests));
    struct weft_digest *all = weft_arena_array(arena, (size_t)count + 1, sizeof(*all));
    if (heads.digests == NULL || all == NULL) {
        return WEFT_ENOMEM;
    }
    find_heads(build, changes, count, &heads);
    answer.revision = heads.differ      ? (struct weft_text){NULL, 0}
                      : heads.count > 0 ? heads.revision
                                        : initial;
    answer.finding = find_out(build, &heads, answer.revision);
    if (heads.count > 0) {
        qsort(heads.digests, heads.count, sizeof(*heads.digests), compare_digests);
        memcpy(all, heads.digests, heads.count * sizeof(*all));
    }
    all[heads.count] = build->digest;
    qsort(all, (size_t)heads.count + 1, sizeof(*all), compare_digests);
    if (answer.finding != WEFT_BASIS_CONFORMS && answer.finding != WEFT_BASIS_AWAITED) {
        answer.dispute = weft_dispute_id(all, heads.count + 1);
    }
    answer.count = heads.count;
    answer.digests = heads.digests;
    weft_assert(answer.count <= count); /* FED-124 */
    *ret_answer = answer;
    return WEFT_OK;
}
