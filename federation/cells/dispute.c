#include "federation/cells/dispute.h"

#include <stdlib.h>

#include "proto/check.h"

struct weft_digest weft_dispute_id(const struct weft_digest *digests, uint32_t count)
{
    static const char domain[] = "weft-dispute/v1\n";
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, domain, sizeof(domain) - 1);
    weft_sha256_update(&h, digests, (size_t)count * sizeof(*digests));
    return weft_sha256_final(&h);
}

_Static_assert(
    sizeof(struct weft_digest) == WEFT_DIGEST_SIZE, "an array of digests is hashed as it lies");

enum weft_err weft_dispute_statements(const struct weft_cell_set *set,
    const struct weft_cell_answer *answer, struct weft_arena *arena,
    struct weft_digest **ret_digests, uint32_t *ret_count)
{
    if (!answer->is_disputed) {
        return WEFT_ENOTFOUND;
    }
    weft_assert(answer->count == set->count); /* FED-104 */
    struct weft_digest *digests = weft_arena_array(arena, answer->open_count, sizeof(*digests));
    if (digests == NULL) {
        return WEFT_ENOMEM;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if ((answer->claims[i] & WEFT_CLAIM_OPEN) != 0) {
            digests[count++] = set->statements[i].digest;
        }
    }
    weft_assert(count == answer->open_count); /* FED-104 */
    *ret_digests = digests;
    *ret_count = count;
    return WEFT_OK;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

enum weft_err weft_dispute_check(const struct weft_cell_set *set,
    const struct weft_cell_answer *answer, const struct weft_digest *names, uint32_t name_count,
    struct weft_digest *ret_left_out)
{
    if (!answer->is_disputed) {
        return WEFT_ENOTFOUND;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const struct weft_digest *digest = &set->statements[i].digest;
        if ((answer->claims[i] & WEFT_CLAIM_OPEN) != 0 &&
            (name_count == 0 ||
                bsearch(digest, names, name_count, sizeof(*names), compare) == NULL)) {
            *ret_left_out = *digest;
            return WEFT_ECONFLICT;
        }
    }
    return WEFT_OK;
}
