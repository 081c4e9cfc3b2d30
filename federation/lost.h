/* federation/lost.h: heads that a provider signed and whose leaves neither side has any more.
 *
 * Both sides' operators have said of each that it is lost, by its size and root. What is in the
 * list is superseded, for this stream and this one head; it stays a head that the provider's keys
 * have signed (federation/README.md, "Lost heads"). */
#ifndef WEFT_FEDERATION_LOST_H
#define WEFT_FEDERATION_LOST_H

#include "policy/merkle_proof.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_LOST_MAX = 8,        /* of one stream; chosen: who loses more needs another agreement */
    WEFT_LOST_TEXT_SIZE = 96, /* "18446744073709551615 sha256:<64>", terminated */
};

/* Embed by value; zero-initialized is empty. */
struct weft_lost {
    uint32_t count;
    struct weft_merkle_head heads[WEFT_LOST_MAX];
};

bool weft_lost_has(const struct weft_lost *lost, const struct weft_merkle_head *head);
/* WEFT_ETOOBIG: there are as many as there may be. One that is there already is OK. */
WEFT_MUST_USE enum weft_err weft_lost_add(
    struct weft_lost *lost, const struct weft_merkle_head *head);

/* A tree as operators name it: "12 sha256:...", or "0" of no leaf. */
void weft_lost_format(const struct weft_merkle_head *head, char ret_text[WEFT_LOST_TEXT_SIZE]);
/* Exactly what format gives. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_lost_parse(
    struct weft_text text, struct weft_merkle_head *ret_head);

#endif
