/* federation/contract_change.h: what an amendment widens and what it narrows, for who signs it.
 *
 * Line by line in the words of contract.h. Directions are about what a party lets the other have
 * and do: who reads them needs to compare nothing. Of rules and authority it is said that they
 * change. Pure; rules: federation/README.md, "Contract". */
#ifndef WEFT_FEDERATION_CONTRACT_CHANGE_H
#define WEFT_FEDERATION_CONTRACT_CHANGE_H

#include "federation/contract.h"
#include "policy/policy_change.h"

enum {
    /* chosen: a line for each of two texts that a note can hold, and its bytes */
    WEFT_CONTRACT_CHANGE_MEMORY_MAX = 4 * 1024 * 1024,
};

struct weft_contract_difference {
    enum weft_policy_direction direction;
    struct weft_text what; /* "supplier.example/west: inspection cost: hidden, was disclosed" */
};

struct weft_contract_differences {
    const struct weft_contract_difference *items; /* Common lines, then by party. */
    uint32_t count;
    enum weft_policy_direction direction; /* Of all together. */
};

/* `old` NULL: `new` is the first, and before it nothing was shared. Texts and array lie in
 * `arena`. If the whole only narrows, nothing goes out under `new` that did not under `old`, and
 * the other way round (FED-31). WEFT_ETOOBIG: over the arena's limit. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_contract_diff(const struct weft_contract *old,
    const struct weft_contract *new, struct weft_arena *arena,
    struct weft_contract_differences *ret_differences);

#endif
