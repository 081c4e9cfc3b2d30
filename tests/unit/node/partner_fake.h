/* tests/unit/node/partner_fake.h: two sites with an agreement, without disks, sockets or clocks.
 *
 * Each site has one fake state (streams.h, as small as the driver needs), three nodes with a driver
 * each, of which one leads, and a log of what was proposed. Connections are two queues of messages;
 * what is lost, doubled or swapped on them the test says. */
#ifndef WEFT_TESTS_UNIT_NODE_PARTNER_FAKE_H
#define WEFT_TESTS_UNIT_NODE_PARTNER_FAKE_H

#include "node/partners.h"
#include "tests/unit/federation/rig.h"

enum {
    FAKE_NODES = 3,
    FAKE_LOG_MAX = 256,
    FAKE_WIRE_MAX = 256,
};

struct fake_site;

struct weft_state { /* Of one site. */
    uint32_t party;
    struct rig_plant *plant; /* What it sends. */
    struct weft_consumer consumer;
    uint64_t received_count;
    struct weft_stream_leaf leaves[RIG_LEAVES_MAX];
    struct weft_digest hashes[RIG_LEAVES_MAX];
    struct weft_buffer contents[RIG_LEAVES_MAX];
    enum weft_stream_fault faults[RIG_LEAVES_MAX];
    struct weft_contract contract;
    struct weft_verifier keys[2][FAKE_NODES]; /* Own, theirs. */
    char origins[3][WEFT_STREAM_ORIGIN_SIZE]; /* Own heads, their heads, their receipts. */
    struct weft_terms terms;
    const struct weft_terms *older; /* Those that still hold; NULL: terms do. */
    struct weft_buffer head_note;
    uint32_t refusals, evidence;
    uint64_t refused; /* Statements that refusals name. */
    /* A leaf that its policy refuses as it is applied; 0: none. */
    uint64_t unwanted;
    /* What is filed: sound statements of both streams, but for these. */
    bool has_sets;
    struct weft_digest unfiled[64];
    uint32_t unfiled_count, filed_again;
};

struct fake_item {
    struct weft_buffer body;
    struct weft_waiter waiter;
    uint32_t node;  /* That proposed it. */
    bool is_orphan; /* Its leader is gone: nobody hears of it. */
};

/* One end of a connection. */
struct fake_conn {
    bool is_up;
    struct fake_site *site; /* Whose end it is. */
    uint32_t node;
    struct fake_conn *other;
    bool is_dialled, is_paused, is_full;
    struct weft_buffer wire[FAKE_WIRE_MAX]; /* To this end. */
    uint32_t wire_count;
};

struct fake_site {
    struct weft_state state;
    struct weft_partners *nodes[FAKE_NODES];
    struct fake_node {
        struct fake_site *site;
        uint32_t number;
    } names[FAKE_NODES];
    uint32_t leader; /* FAKE_NODES: none. */
    struct fake_item log[FAKE_LOG_MAX];
    uint32_t log_count;
    struct { /* Between members. */
        uint64_t from, to;
        struct weft_audit_line line;
        char texts[3][WEFT_AUDIT_LINE_SIZE_MAX + 1];
    } lines[64];
    uint32_t line_count;
    uint32_t proposed;
};

struct fake {
    struct fake_site sites[2];
    struct fake_conn ends[2];
    uint64_t now_ms;
};

/* One item of the log. */
enum weft_err fake_apply(struct weft_state *s, struct weft_bytes body);

void fake_open(struct fake *f, struct rig_plant *(*make_plant)(uint32_t party));
void fake_close(struct fake *f);

void fake_connect(struct fake *f);
void fake_disconnect(struct fake *f);
/* Another node leads; of what is proposed and not committed, the rest of the log from `keep` on is
 * lost. */
void fake_lead(struct fake *f, struct fake_site *site, uint32_t node, uint32_t keep);
/* The oldest proposed item is applied. False: there is none. */
bool fake_commit(struct fake_site *site);
/* All proposed items are applied, and then each is told of, as after one sync. */
void fake_commit_all(struct fake_site *site);
/* The message at that place of the wire to an end arrives. False: it was not taken. */
bool fake_deliver(struct fake_conn *end, uint32_t place);
/* Put a message on the wire to an end. */
void fake_put(struct fake_conn *end, const struct weft_partner_message *m);
/* One line between members arrives. */
bool fake_tell(struct fake_site *site);
/* A turn of every node; time passes. */
void fake_turn(struct fake *f, uint64_t ms);
/* Everything happens until nothing does, in order, for at most so many turns. */
void fake_settle(struct fake *f, uint32_t turns);
/* The site states something. */
void fake_state(struct fake_site *site, uint64_t number);
/* The keys of a party's first nodes. */
void fake_signers(uint32_t party, uint32_t count, struct weft_signer *ret_signers);
/* Both have all that the other states, and know that it was acknowledged. */
bool fake_is_even(const struct fake *f);

#endif
