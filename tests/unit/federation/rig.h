/* tests/unit/federation/rig.h: two sites with keys of their own making, an agreement between them,
 * and a plant that provides: its stream, what is in it, and the messages that it sends.
 *
 * Party 0 is oem.example/plant1, party 1 is supplier.example/west, which provides unless said
 * otherwise. What cannot fail here ends the process when it does. */
#ifndef WEFT_TESTS_UNIT_FEDERATION_RIG_H
#define WEFT_TESTS_UNIT_FEDERATION_RIG_H

#include "federation/consumer.h"
#include "federation/provider.h"

enum {
    RIG_OEM = 0,
    RIG_SUPPLIER = 1,
    RIG_NODES = 3,
    RIG_LEAVES_MAX = 4096,
};

#define RIG_NOW_NS INT64_C(1772352000000000000) /* 2026-03-01T08:00:00Z */
#define RIG_DAY_NS (INT64_C(24) * 3600 * 1000 * 1000 * 1000)

/* Organizations, in the order of the parties: one root each. */
const struct weft_org *rig_orgs(void);
const char *rig_site(uint32_t party);
/* Node keys of a party, as those of heads and receipts of the agreement "box-2026". */
struct weft_stream_signers rig_heads_of(uint32_t provider);
struct weft_stream_signers rig_receipts_of(uint32_t receiver);

/* The agreement "box-2026" as its first version: inspections of both, hiding what costs and
 * committing to the operator; part revisions and change orders of the OEM. Static. */
struct weft_contract rig_contract(void);
/* Its text as a note, signed by both roots, or by one of them (party, else WEFT_CONTRACT_PARTIES).
 * To be destroyed. */
struct weft_buffer rig_contract_text(const struct weft_contract *contract);
struct weft_buffer rig_contract_note(const struct weft_contract *contract, uint32_t signer);
/* The next version of what the note is. */
struct weft_contract rig_amend(
    const struct weft_contract *contract, const struct weft_buffer *note);

/* A text, signed by `count` node keys of the party. To be destroyed. */
struct weft_buffer rig_sign(uint32_t party, uint32_t count, struct weft_text text);

/* An inspection of serial:box/<number>, with a seed for its salts. Static texts. */
struct weft_record rig_record(uint64_t number);
struct weft_statement_place rig_place(uint32_t party, uint64_t index);

/* What a plant keeps of a stream: by sequence. */
struct rig_plant {
    uint32_t party;
    struct weft_provider provider;
    struct weft_contract contract;
    struct weft_buffer contract_note;
    struct weft_stream_leaf leaves[RIG_LEAVES_MAX];
    struct weft_digest hashes[RIG_LEAVES_MAX];
    struct weft_buffer contents[RIG_LEAVES_MAX];
    struct weft_buffer head; /* The newest, signed. */
    struct weft_arena arena; /* Of a contract that was read. */
};

/* A plant with the first contract as its first leaf. */
struct rig_plant *rig_plant_create(uint32_t party);
/* The same under a version that came as a note, signed by whoever it is. */
struct rig_plant *rig_plant_create_of(uint32_t party, struct weft_text note);
void rig_plant_destroy(struct rig_plant *plant);
/* One leaf more, with its content. */
void rig_plant_add(struct rig_plant *plant, const struct weft_stream_leaf *leaf,
    const struct weft_buffer *content);
/* The statement of rig_record(number) under the plant's contract. */
void rig_plant_state(struct rig_plant *plant, uint64_t number);
/* Sign the tree as it is, by all nodes. */
void rig_plant_sign(struct rig_plant *plant);
/* weft_provider_root over the plant's leaves. */
enum weft_err rig_plant_root(
    void *ctx, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg);
struct weft_digest rig_plant_root_at(const struct rig_plant *plant, uint64_t size);
/* The tree of the plant's first `size` leaves as a checkpoint, signed by all nodes. */
struct weft_buffer rig_plant_head_at(const struct rig_plant *plant, uint64_t size);

/* The signed head as a message, for who knows `old_size`. Borrows the plant and static memory. */
struct weft_stream_head rig_plant_head(const struct rig_plant *plant, uint64_t old_size);
/* Leaves [first, first + count) under the signed head, explicit or not. */
struct weft_stream_batch rig_plant_batch(
    const struct rig_plant *plant, uint64_t first, uint32_t count, bool is_explicit);

/* The proof of a leaf under such a head, as a text (C2SP tlog-proof). To be destroyed. */
struct weft_buffer rig_plant_proof(const struct rig_plant *plant, uint64_t index, uint64_t size);

/* A proof between two sizes of the tree over `hashes`. */
struct weft_merkle_proof rig_consistency(
    const struct weft_digest *hashes, uint64_t old_size, uint64_t size);

#endif
