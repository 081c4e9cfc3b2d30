/* proto/entry.h: what one Raft entry of type COMMAND holds: a batch of requests (group commit).
 *
 *     0   4   magic and version "WB1\0"      header, 48 bytes, little-endian
 *     4   4   number of items
 *     8   8   entry time, ns since 1970, strictly above every earlier entry's
 *    16  32   salt seed: random, drawn by the leader
 *    then per item, each starting at a multiple of 8:
 *     0   4   type (enum weft_item_type)
 *     4   4   size of principal
 *     8   4   size of body
 *    12   4   size of warrant: 0, or 16
 *    16       principal, zeros to a multiple of 8, warrant, body, zeros to a multiple of 8
 * and of a warrant:
 *     0   4   key id
 *     4   4   actions
 *     8   8   until, ns since 1970
 *
 * A commit's body is the record-schema table CommitRequest exactly as the client sent it, so
 * the leader neither decodes nor encodes what it only forwards. */
#ifndef WEFT_PROTO_ENTRY_H
#define WEFT_PROTO_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_SALT_SEED_SIZE = 32,
    WEFT_ENTRY_HEADER_SIZE = 48,
    WEFT_ENTRY_WARRANT_SIZE = 16
};

enum weft_item_type {
    WEFT_ITEM_COMMIT = 1, /* body: CommitRequest */
    WEFT_ITEM_DIGEST = 2, /* body: 8 bytes; every replica digests its state at this index */
    WEFT_ITEM_READS = 3,  /* body: what the principal read of labelled records (read_report.h) */
    WEFT_ITEM_STREAM = 4, /* body: of a partner, or for a stream to him (stream_entry.h) */
};

/* By what the principal of an item was known, where it was not a certificate: a note that this key
 * of his has signed. Apply holds it to the keyring of the entry's index and to the entry's time. */
struct weft_warrant {
    uint32_t key_id;
    uint32_t actions; /* Bits 1 << enum weft_policy_action; all: any. */
    int64_t until_ns; /* The last ns at which it counts. */
};

struct weft_entry_item {
    enum weft_item_type type;
    bool has_warrant;
    struct weft_warrant warrant; /* Read only if has_warrant. */
    struct weft_text principal;
    struct weft_bytes body; /* Aligned to 8 if the entry is. */
};

struct weft_entry_reader {
    struct weft_bytes entry;
    size_t offset;
    uint32_t left;
    int64_t time_ns;
    const uint8_t *salt_seed; /* WEFT_SALT_SEED_SIZE bytes, borrowed from the entry. */
};

/* Clear `out` and write the header of an empty batch. Time and seed may be set later. */
WEFT_MUST_USE enum weft_err weft_entry_init(struct weft_buffer *out);
/* WEFT_ETOOBIG: the batch would pass WEFT_ENTRY_SIZE_MAX or WEFT_ENTRY_COMMITS_MAX; unchanged. */
WEFT_MUST_USE enum weft_err weft_entry_add(
    struct weft_buffer *out, const struct weft_entry_item *item);
uint32_t weft_entry_count(const struct weft_buffer *out);
void weft_entry_seal(
    struct weft_buffer *out, int64_t time_ns, const uint8_t salt_seed[WEFT_SALT_SEED_SIZE]);

/* WEFT_EMALFORMED, WEFT_EVERSION. */
WEFT_MUST_USE enum weft_err weft_entry_open(
    struct weft_bytes entry, struct weft_entry_reader *ret_reader);
/* WEFT_ENOTFOUND: no more items. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_entry_next(
    struct weft_entry_reader *reader, struct weft_entry_item *ret_item);

#endif
