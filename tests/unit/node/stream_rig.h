/* tests/unit/node/stream_rig.h: two governed sites, each with roots, an admin and nodes of its own,
 * and an agreement between them, for tests of streams in the state.
 *
 * Party 0 is oem.example/plant1, party 1 is supplier.example/west. Each site is a fixture: its
 * entries are applied one by one, or several at once (rig_apply). What a record points to lives
 * until RIG_TEXTS further ones were made. What cannot fail here ends the test when it does. */
#ifndef WEFT_TESTS_UNIT_NODE_STREAM_RIG_H
#define WEFT_TESTS_UNIT_NODE_STREAM_RIG_H

#include "node/state/agreements.h"
#include "node/state/view.h"
#include "tests/lib/signers.h"
#include "tests/unit/node/state_fixture.h"

enum {
    RIG_OEM = 0,
    RIG_SUPPLIER = 1,
    RIG_TEXTS = 64,
    RIG_NODES = 2,
};

#define RIG_NAME "box-2026"
#ifndef RIG_PART
#define RIG_PART 1 /* Of random histories one in so many steps: where faults are planted. */
#endif

enum {
    RIG_TAPE_MAX = 4096
};

struct rig_site {
    struct fixture f;
    uint32_t party;
    uint64_t requests;
    struct weft_buffer tape[RIG_TAPE_MAX]; /* Its entries from the first one on. */
    uint32_t taped;
    struct weft_msg msg; /* Why the last commit or item was refused; empty: it was not. */
};

struct rig_pair {
    struct rig_site sites[2];
    struct weft_contract contract; /* The newest that both have. */
    struct weft_digest digest;     /* Of its text. */
    bool is_explicit;              /* Batches say the digests of their leaves. */
};

const char *rig_site_of(uint32_t party); /* "oem.example/plant1" */

/* Both sites, governed, each with the other and itself pinned; directories "<name>0", "<name>1".
 * At each op/cy reads all but costs, op/dee builds, and both nothing with the label `secret`. */
void rig_pair_start(struct rig_pair *pair, const char *name);
/* And the agreement, accepted by both. */
void rig_pair_agree(struct rig_pair *pair);
void rig_pair_stop(struct rig_pair *pair);
/* Close and open: what is in memory is read anew. */
void rig_reopen(struct rig_site *site);

/* The first version: inspections of both, part revisions of the OEM; of the supplier's inspections
 * the cost is hidden and the operator committed. Static. */
struct weft_contract rig_contract(void);
/* The note of `contract` as the version after what the pair has, signed by these. To be destroyed;
 * `contract` has its link then. */
struct weft_buffer rig_contract_note(
    const struct rig_pair *pair, struct weft_contract *contract, bool by_oem, bool by_supplier);
/* Accepted by those sites of the two. */
void rig_amend(
    struct rig_pair *pair, struct weft_contract *contract, bool by_oem, bool by_supplier);

/* Records. */
struct weft_record rig_note(const char *kind, const char *asset, struct weft_text note);
struct weft_record rig_partner(uint32_t party, bool is_own);
/* The same, each key with what stands behind it: " until NAME SENT RECEIVED". */
struct weft_record rig_former(uint32_t party, bool is_own, const char *ends);
struct weft_record rig_act(const char *act);
/* Of a head that is lost, and what is left: "lose", "supersede". */
struct weft_record rig_lost(
    const char *act, const struct weft_merkle_head *head, const struct weft_merkle_head *base);
/* An inspection of serial:box/<number>: a verdict, its operator, "SECRET" as its cost. */
struct weft_record rig_inspection(uint64_t number, const char *verdict);
/* A record of `kind` on `asset` with one link. */
struct weft_record rig_link(const char *kind, const char *asset, const char *rel, const char *to);

/* A commit by an operator of the site, alone in its entry. Its error; site->msg says why. */
enum weft_err rig_commit(struct rig_site *site, struct weft_record record);
/* Must be accepted. */
void rig_must(struct rig_site *site, struct weft_record record);
/* An item by its node, alone in its entry. */
enum weft_err rig_item(struct rig_site *site, const struct weft_stream_entry *entry);
/* The same of a message about the stream that `provider` sends. */
enum weft_err rig_message(struct rig_site *site, enum weft_stream_act act, uint64_t number,
    uint32_t provider, struct weft_partner_message *message);

/* A file beside its audit log, as a node of it is told; empty: there is none. In the arena. */
struct weft_text rig_file(struct rig_site *site, const char *path, struct weft_arena *arena);
struct weft_agreement rig_agreement(struct rig_site *site);
const struct weft_provider *rig_provider(struct rig_site *site);
const struct weft_consumer *rig_consumer(struct rig_site *site);
/* STEPs until nothing is due; how many. */
uint32_t rig_step(struct rig_site *site);

/* A tree under that origin, signed by all nodes of the party. To be destroyed. */
struct weft_buffer rig_head_note(
    uint32_t party, const char *origin, const struct weft_merkle_head *head);
/* A signs its tree, B takes the head, batches of at most `count_max` leaves, and A the receipt. */
void rig_sign(struct rig_site *from);
enum weft_err rig_send_head(struct rig_pair *pair, uint32_t from);
enum weft_err rig_send_batch(struct rig_pair *pair, uint32_t from, uint32_t count_max);
enum weft_err rig_send_receipt(struct rig_pair *pair, uint32_t from);
void rig_transfer(struct rig_pair *pair, uint32_t from, uint32_t count_max);
/* Trees, versions and counts of what `from` sends and the other has are the same. */
void rig_expect_equal(struct rig_pair *pair, uint32_t from);
/* Another state of the site, from its entries, at most `batch_max` at once, opened anew now and
 * then: it is the same, byte for byte. */
void rig_expect_replayed(struct rig_site *site, const char *name, uint32_t batch_max);
/* The state as it is checks out offline; it is closed and opened. */
void rig_expect_sound(struct rig_site *site);

#endif
