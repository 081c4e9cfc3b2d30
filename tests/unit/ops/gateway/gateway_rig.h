/* tests/unit/ops/gateway/gateway_rig.h: a gateway's actor between a plant, a disk and a machine
 * that are models, and that remember everything.
 *
 * The disk holds what was synced, byte for byte; the machine counts what it was told; the plant
 * keeps the receipts. All three outlive the actor, which may be killed in front of, within or
 * behind any effect. A judge that shares no code with the actor looks at each effect and at the
 * end. */
#ifndef WEFT_TESTS_UNIT_OPS_GATEWAY_RIG_H
#define WEFT_TESTS_UNIT_OPS_GATEWAY_RIG_H

#include "ops/gateway/actor.h"
#include "tests/lib/commands.h"
#include "tests/lib/test.h"

enum {
    RIG_RECEIPTS_MAX = 256,
    RIG_COMMANDS_MAX = 8, /* Told apart by the first byte of the id. */
    RIG_LOST_MS = 30000,
};

/* What the model machine does when it is told something. */
enum rig_mood {
    RIG_FOLLOWS,
    RIG_FAILS,
    RIG_UNREACHABLE, /* It certainly was not told. */
    RIG_SILENT,      /* It acts, and never answers. */
    RIG_UNSURE,
};

struct rig_receipt {
    struct weft_receipt_note note; /* Borrows `text`. */
    char text[2048];
    size_t size;
};

struct rig {
    struct weft_actor actor;
    struct weft_proof_trust trust;
    struct weft_proof_seen seen;
    struct weft_keyring ring;
    struct weft_principal gateway;

    struct weft_buffer disk; /* Frames that are durable, sizes of 4 bytes in front. */

    enum rig_mood mood;
    bool guard_is_closed;
    bool is_dumb;                       /* The machine says no values. */
    int64_t speed;                      /* As a scalar's number. */
    uint32_t told[RIG_COMMANDS_MAX][2]; /* How often, on the machine and on its shadow. */
    struct weft_fence told_fence[RIG_COMMANDS_MAX];
    uint32_t safes;
    char safe[256];

    bool takes_receipts; /* The plant's log does. */
    uint32_t receipt_count;
    struct rig_receipt receipts[RIG_RECEIPTS_MAX];
    uint32_t alarm_count;
    char alarm[32];       /* The newest one's word. */
    char alarm_text[256]; /* And text. */

    int64_t now_ns;
    uint64_t mono_ms;
    /* A kill in front of boundary number `kill_at`, once; 0: never. */
    uint32_t boundary;
    uint32_t kill_at;
    uint32_t kill_again_at; /* The same once more, counted on. */
    uint32_t kills;
    bool is_torn; /* A kill within a FRAME leaves half of it on the disk. */
    bool is_dead; /* Was killed, and is to be started. */
    uint64_t next_frame;
};

/* One channel, COMMANDS_CHANNEL; the plant is there. The speed is 40 rpm, the guard closed. */
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);
/* The process again: a new actor from what is on the disk. */
void rig_restart(struct rig *rig);

/* Command number n, class as given: set-speed 42.5 rpm, on-unknown hold. */
struct weft_command_note rig_command(uint8_t number, enum weft_command_class class);
/* A bundle of it with this envelope, whose digest the command gets; NULL: rig_envelope. One
 * approval, one node's signature. At rig->now_ns. */
struct weft_buffer rig_bundle(struct rig *rig, struct weft_command_note *command,
    const struct weft_envelope_note *envelope, uint64_t term, uint64_t index, bool is_shadow);
/* The same at any time; of one node, whose key is the first of commands_logs. */
struct weft_buffer rig_make_bundle(int64_t now_ns, struct weft_command_note *command,
    const struct weft_envelope_note *envelope, const struct weft_fence *fence, bool is_shadow);
/* As commands_envelope; safe state set-speed 0 rpm. */
struct weft_envelope_note rig_envelope(void);

/* Events, each with all that follows from it. Nothing happens to a dead actor. */
void rig_give(struct rig *rig, const struct weft_buffer *bundle);
void rig_give_command(
    struct rig *rig, uint8_t number, enum weft_command_class class, uint64_t term, uint64_t index);
void rig_ask(
    struct rig *rig, uint8_t number, enum weft_command_class class, uint64_t term, uint64_t index);
void rig_plant(struct rig *rig, bool is_up);
/* So many ms go by, in steps of 100. */
void rig_wait(struct rig *rig, uint64_t ms);
void rig_values(struct rig *rig);

/* Receipts of command `number` with this outcome that the plant has seen. */
uint32_t rig_count(const struct rig *rig, uint8_t number, enum weft_receipt_outcome outcome);
/* The newest of them; fails without one. */
const struct weft_receipt_note *rig_last(
    const struct rig *rig, uint8_t number, enum weft_receipt_outcome outcome);
/* What has to be true whatever happened: GW-1 to GW-4, GW-8. */
void rig_judge(const struct rig *rig);

#endif
