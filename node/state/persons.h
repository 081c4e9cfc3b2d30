/* node/state/persons.h: who commits, as what governs knows him: the last ones are remembered.
 *
 * Reading a principal's URI, looking for what the org document says of him and for the key of his
 * note takes as long as a decision. Nothing of it outlives the authority that it was found under,
 * so an answer is the same whether it was remembered or not (NOD-145). One thread. */
#ifndef WEFT_NODE_STATE_PERSONS_H
#define WEFT_NODE_STATE_PERSONS_H

#include "node/state/authority.h"
#include "policy/warrant.h"

struct weft_persons;

/* As long as no other is asked for. */
struct weft_person {
    bool is_somebody; /* False: the text is nobody's URI, and nothing else is set. */
    struct weft_principal principal;
    struct weft_policy_subject subject; /* Of the principal, which it borrows. */
    uint32_t key_id;
    const struct weft_keyring_key *key; /* Of a warrant; NULL: he has none of its id. */
};

/* NULL: no memory. */
struct weft_persons *weft_persons_create(void);
void weft_persons_destroy(struct weft_persons *persons); /* Accepts NULL. */
/* `warrant` NULL: he came by a certificate, and `key` says nothing. */
const struct weft_person *weft_persons_find(struct weft_persons *persons,
    const struct weft_authority *authority, struct weft_text uri,
    const struct weft_warrant *warrant);

#endif
