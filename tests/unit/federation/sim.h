/* tests/unit/federation/sim.h: both sides of a transfer as drivers would run them, for simulations.
 *
 * The provider is a rig_plant with its connection, the consumer its state, what it has proposed and
 * not yet committed, and what it keeps. Messages are encoded and wait in two wires. Expectations
 * that hold whatever the faults are looked at on the way. */
#ifndef WEFT_TESTS_UNIT_FEDERATION_SIM_H
#define WEFT_TESTS_UNIT_FEDERATION_SIM_H

#include "federation/receiver.h"
#include "federation/recovery.h"
#include "federation/sender.h"
#include "tests/unit/federation/rig.h"

enum {
    MESSAGES_MAX = 32, /* under way in one direction */
    PENDING_MAX = 6,   /* entries of the consumer's log that are not committed yet */
    HELD_MAX = 4,      /* messages that came without a proof */
    STATEMENTS_MAX = 400,
};

/* What happened: each must have, or the test guards nothing. */
enum event {
    LOST,
    DOUBLED,
    REORDERED,
    PROVIDER_CRASHED,
    CONSUMER_CRASHED,
    PROVIDER_RESTORED,
    CONSUMER_RESTORED,
    UNNOTICED, /* A provider that was set back and does not know. */
    REWOUND,
    RECOVERED,
    HEAD_LOST,  /* Neither side has the leaves of one that was signed. */
    CONFLICTED, /* An entry found the cursor elsewhere. */
    PROVEN,     /* A window, and taken as its batches. */
    GIVEN_UP,   /* A window, of which something was missing. */
    EVENTS
};

struct wire {
    struct weft_buffer messages[MESSAGES_MAX];
    uint32_t count;
};

/* An entry that was proposed, with its memory. */
struct pending {
    struct weft_receiver_entry entry;
    bool is_of_window; /* Judged as it is applied, with the proof that was made here. */
    uint64_t session;  /* It was judged in. */
    struct weft_buffer message;
    struct weft_arena arena;
};

/* Of a window that is not proven yet. */
struct held {
    struct weft_buffer message;
    struct weft_bytes items; /* In the message. */
    struct weft_window_run run;
};

struct sim {
    struct rig_plant *plant;
    struct weft_sender sender;
    struct weft_recovery recovery;
    bool may_sign;
    struct weft_provider provider_backup; /* Leaves are never overwritten below what is signed. */
    uint64_t next_statement;
    struct weft_merkle_head lost;     /* That operators are to agree on; size 0: none. */
    bool is_lost_here, is_lost_there; /* They did, of the provider, the consumer. */

    struct weft_consumer consumer, consumer_backup;
    struct weft_receiver receiver;
    struct weft_digest taken[RIG_LEAVES_MAX]; /* Hashes of leaves, by sequence. */
    struct weft_buffer heads[RIG_LEAVES_MAX]; /* Signed notes, by size. */
    struct weft_buffer contents[RIG_LEAVES_MAX];
    enum weft_stream_leaf_kind kinds[RIG_LEAVES_MAX];
    struct pending pending[PENDING_MAX];
    uint32_t pending_count;
    struct held held[HELD_MAX];
    uint32_t held_count;
    bool wants_hello;

    struct wire to_consumer, to_provider;
    struct weft_digest truth[RIG_LEAVES_MAX]; /* What was signed and somebody has. */
    uint64_t truth_size;
    uint64_t committed_max; /* Leaves that the consumer had at some time. */
    uint32_t happened[EVENTS];
};

void sim_send(struct wire *wire, struct weft_partner_message *m);

/* The consumer: forget what is proposed; connect; hear; the oldest entry is committed; answer. */
void sim_drop_pending(struct sim *s);
void sim_drop_held(struct sim *s);
void sim_say_hello(struct sim *s);
void sim_consumer_hears(struct sim *s, const struct weft_buffer *bytes);
void sim_commit(struct sim *s);
void sim_send_receipt(struct sim *s);

/* The provider: one statement more; its tree is signed; hear; send what is next. */
void sim_state(struct sim *s);
void sim_sign(struct sim *s);
void sim_provider_hears(struct sim *s, const struct weft_buffer *bytes);
void sim_send_next(struct sim *s);

/* Operators of either side say that a head is lost, now or later. */
void sim_operate(struct sim *s);

/* weft_fork_node over an array of leaf hashes. */
enum weft_err sim_node_of_taken(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg);

#endif
