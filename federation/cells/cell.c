#include "federation/cells/cell.h"

#include "federation/cells/cell_find.h"
#include "federation/cells/mutant.h"
#include "proto/arith.h"
#include "proto/check.h"

#ifdef WEFT_CELL_MUTANTS_PLANTED
struct weft_digest weft_cell_last_added;
#endif

/* --- words ----------------------------------------------------------------------------------- */

static const char *const verdict_names[WEFT_VERDICTS] = {
    [WEFT_VERDICT_PASS] = "PASS",
    [WEFT_VERDICT_CONDITIONAL] = "CONDITIONAL",
    [WEFT_VERDICT_FAIL] = "FAIL",
    [WEFT_VERDICT_BLOCK] = "BLOCK",
};

const char *weft_verdict_name(enum weft_verdict verdict)
{
    weft_assert((unsigned)verdict < WEFT_VERDICTS); /* FED-103 */
    return verdict_names[verdict];
}

enum weft_verdict weft_verdict_of(struct weft_text word, bool *ret_is_unknown)
{
    *ret_is_unknown = false;
    for (int v = 0; v < WEFT_VERDICTS; v++) {
        if (weft_text_is(word, verdict_names[v])) {
            return (enum weft_verdict)v;
        }
    }
    *ret_is_unknown = true;
    return WEFT_VERDICT_BLOCK; /* FED-103 */
}

bool weft_cell_is_of(struct weft_text author, struct weft_text party)
{
    return party.size > 0 && author.size >= party.size &&
           memcmp(author.data, party.data, party.size) == 0 &&
           (author.size == party.size || author.data[party.size] == '/');
}

/* --- the set --------------------------------------------------------------------------------- */

/* Where it is, or where it would go. */
static uint32_t place_of(const struct weft_cell_set *set, const struct weft_digest *digest)
{
    uint32_t low = 0, high = set->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(set->statements[middle].digest.bytes, digest->bytes, WEFT_DIGEST_SIZE) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool weft_cell_find(
    const struct weft_cell_set *set, const struct weft_digest *digest, uint32_t *ret_at)
{
    uint32_t at = place_of(set, digest);
    if (weft_cell_mutant(WEFT_CELL_MUTANT_SET_UNSORTED)) {
        at = 0;
        while (at < set->count && !weft_digest_equal(&set->statements[at].digest, digest)) {
            at++;
        }
    }
    *ret_at = at;
    return at < set->count && weft_digest_equal(&set->statements[at].digest, digest);
}

static bool has_sound_names(const struct weft_cell_statement *s)
{
    if ((s->act == WEFT_CELL_SAY) != (s->name_count == 0)) {
        return false;
    }
    for (uint32_t i = 1; i < s->name_count; i++) {
        if (memcmp(s->names[i - 1].bytes, s->names[i].bytes, WEFT_DIGEST_SIZE) >= 0) {
            return false;
        }
    }
    return true;
}

enum weft_err weft_cell_add(struct weft_cell_set *set, const struct weft_cell_statement *statement)
{
    uint32_t at;
    if (!has_sound_names(statement)) {
        return WEFT_EINVAL;
    }
#ifdef WEFT_CELL_MUTANTS_PLANTED
    weft_cell_last_added = statement->digest;
#endif
    if (weft_cell_find(set, &statement->digest, &at)) {
        return WEFT_OK;
    }
    if (set->count >= set->capacity || set->count >= WEFT_CELL_STATEMENTS_MAX ||
        statement->name_count > WEFT_CELL_NAMES_MAX ||
        set->name_count + statement->name_count > WEFT_CELL_NAMES_TOTAL_MAX) {
        return WEFT_ETOOBIG;
    }
    memmove(set->statements + at + 1, set->statements + at,
        (size_t)(set->count - at) * sizeof(*set->statements));
    set->statements[at] = *statement;
    set->count++;
    set->name_count += statement->name_count;
    return WEFT_OK;
}

void weft_cell_check(const struct weft_cell_set *set)
{
    weft_assert(set->count <= WEFT_CELL_STATEMENTS_MAX); /* FED-104 */
    for (uint32_t i = 1; i < set->count; i++) {
        bool is_ascending = memcmp(set->statements[i - 1].digest.bytes,
                                set->statements[i].digest.bytes, WEFT_DIGEST_SIZE) < 0;
        weft_assert(is_ascending || weft_cell_mutant(WEFT_CELL_MUTANT_SET_UNSORTED)); /* FED-104 */
    }
}

/* --- names of cells and of what they hold ---------------------------------------------------- */

static void hash_number(struct weft_sha256 *h, uint32_t number)
{
    uint8_t bytes[4];
    weft_put_be32(bytes, number);
    weft_sha256_update(h, bytes, sizeof(bytes));
}

static void hash_text(struct weft_sha256 *h, struct weft_text text)
{
    hash_number(h, (uint32_t)text.size);
    weft_sha256_update(h, text.data, text.size);
}

struct weft_digest weft_cell_id(
    const struct weft_digest *subject, struct weft_text kind, struct weft_text group)
{
    static const char domain[] = "weft-cell/v1\n";
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, domain, sizeof(domain) - 1);
    weft_sha256_update(&h, subject->bytes, WEFT_DIGEST_SIZE);
    hash_text(&h, kind);
    hash_text(&h, group);
    return weft_sha256_final(&h);
}

struct weft_digest weft_cell_state(const struct weft_digest *cell, const struct weft_cell_set *set,
    const struct weft_cell_answer *answer)
{
    static const char domain[] = "weft-cell-state/v1\n";
    struct weft_sha256 h;
    uint8_t flags = (uint8_t)((answer->has_value ? 1 : 0) | (answer->is_disputed ? 2 : 0) |
                              (answer->is_awaited ? 4 : 0) | (answer->has_unknown_word ? 8 : 0));
    weft_assert(answer->count == set->count); /* FED-104 */
    weft_sha256_init(&h);
    weft_sha256_update(&h, domain, sizeof(domain) - 1);
    weft_sha256_update(&h, cell->bytes, WEFT_DIGEST_SIZE);
    weft_sha256_update(&h, &flags, 1);
    hash_text(&h, answer->value);
    weft_sha256_update(&h, answer->dispute.bytes, WEFT_DIGEST_SIZE);
    hash_number(&h, set->count);
    for (uint32_t i = 0; i < set->count; i++) {
        uint8_t line[WEFT_DIGEST_SIZE + 2];
        memcpy(line, set->statements[i].digest.bytes, WEFT_DIGEST_SIZE);
        line[WEFT_DIGEST_SIZE] = (uint8_t)(answer->claims[i] >> 8);
        line[WEFT_DIGEST_SIZE + 1] = (uint8_t)answer->claims[i];
        weft_sha256_update(&h, line, sizeof(line));
    }
    return weft_sha256_final(&h);
}
