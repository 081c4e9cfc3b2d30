/* ops/gateway/actor.h: the machine that decides what a gateway does; nothing here touches anything.
 *
 *             bundle, sound, above the fence        values, within the limits
 *     IDLE ---------------------------------> CHECKING ----------------> BEGINNING
 *      ^                                         | refused                   | its frame is durable
 *      +-----------------------------------------+                           v
 *      ^               failed, refused, unknown; every outcome shown      ACTING
 *      +-------------------------------------------------------------------+ |
 *      +---------------- outcomes shown, or their time over ---- MEASURING <-+ done
 *
 * A driver steps events in, then takes effects out with weft_actor_next until there are none, and
 * carries each out before it takes the next. What a gateway must know again after it was killed is
 * in frames: on start the driver gives the journal's entries to weft_actor_load, in order, and
 * calls weft_actor_start. Rules GW-1 to GW-10: ops/gateway/README.md. */
#ifndef WEFT_OPS_GATEWAY_ACTOR_H
#define WEFT_OPS_GATEWAY_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/gateway/memo.h"
#include "ops/gateway/ledger.h"
#include "ops/gateway/outbox.h"
#include "policy/command/envelope_check.h"
#include "policy/command/proof_bundle.h"

enum {
    WEFT_ACTOR_CHANNELS_MAX = WEFT_OUTBOX_CHANNELS_MAX,
    WEFT_ACTOR_READINGS_MAX = 64, /* chosen: fields of one machine */
    WEFT_ACTOR_READ_MS = 200,     /* chosen: how often values are read while it acts or measures */
    WEFT_ACTOR_CHECK_MS = 2000,   /* chosen: from a bundle to the values that it is judged by */
    WEFT_ACTOR_ALARMS_MAX = 64,   /* That wait to be told; older ones give way, and are counted. */
    WEFT_ACTOR_ASKED_MAX = 4096,  /* chosen: commands that were asked about and never came */
};

/* --- what happens ---------------------------------------------------------------------------- */

enum weft_actor_event_type {
    WEFT_ACTOR_BUNDLE,  /* A plant gave it. */
    WEFT_ACTOR_ASK,     /* A plant asks what became of a command, and binds us by a token. */
    WEFT_ACTOR_VALUES,  /* Read from a machine, asked for or not. */
    WEFT_ACTOR_ACTED,   /* What became of an ACT. */
    WEFT_ACTOR_SYNCED,  /* A frame is durable. */
    WEFT_ACTOR_SETTLED, /* A receipt stands in the plant's log. */
    WEFT_ACTOR_PLANT,   /* There is one, or none. */
    WEFT_ACTOR_TICK,    /* Time has passed. */
};

struct weft_actor_ask {
    struct weft_text channel;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    bool is_shadow;
    struct weft_digest digest;
    struct weft_fence fence;
};

/* Times of readings: when the machine said it, or when it came, whichever is earlier. */
struct weft_actor_values {
    uint32_t channel;
    bool is_shadow;
    const struct weft_reading *readings;
    uint32_t count;
};

enum weft_actor_result {
    WEFT_ACTOR_RESULT_DONE,   /* Done, and read back. */
    WEFT_ACTOR_RESULT_FAILED, /* The machine was told, and did not follow. */
    WEFT_ACTOR_RESULT_UNSENT, /* It was certainly not told. */
    WEFT_ACTOR_RESULT_UNKNOWN,
};

struct weft_actor_acted {
    uint32_t channel;
    uint64_t act; /* As in the effect. */
    enum weft_actor_result result;
    struct weft_text detail;
    const struct weft_reading *readings;
    uint32_t count;
};

struct weft_actor_event {
    enum weft_actor_event_type type;
    int64_t now_ns;   /* By the clock on the wall, ns since 1970. */
    uint64_t mono_ms; /* By one that is never set. */
    union {
        struct weft_text bundle; /* Borrowed, as all texts and readings. */
        struct weft_actor_ask ask;
        struct weft_actor_values values;
        struct weft_actor_acted acted;
        uint64_t frame;   /* SYNCED */
        uint64_t counter; /* SETTLED */
        bool is_plant_up; /* PLANT */
    };
};

/* --- what is to be done ---------------------------------------------------------------------- */

enum weft_actor_effect_type {
    WEFT_ACTOR_FRAME,   /* Append to the journal, sync, then say SYNCED. */
    WEFT_ACTOR_READ,    /* Read all values of a machine, then say VALUES. */
    WEFT_ACTOR_ACT,     /* Carry the command out, then say ACTED. */
    WEFT_ACTOR_SAFE,    /* Bring the machine into its safe state; nothing comes back. */
    WEFT_ACTOR_RECEIPT, /* Sign, send, and say SETTLED once it stands in the plant's log. */
    WEFT_ACTOR_ALARM,   /* Tell people. */
};

/* Everything is borrowed until the next call. */
struct weft_actor_effect {
    enum weft_actor_effect_type type;
    uint32_t channel; /* Not of FRAME; of ALARM WEFT_ACTOR_CHANNELS_MAX if it is of none. */
    bool is_shadow;   /* READ, ACT */
    uint64_t number;  /* FRAME: its; ACT: its; RECEIPT: its counter. */
    struct weft_bytes frame;
    const struct weft_command_note *command; /* ACT */
    struct weft_text safe;                   /* SAFE: as weft_memo_channel. */
    struct weft_text text;                   /* RECEIPT: unsigned. ALARM: for people. */
    const char *word;                        /* ALARM: what it is; never changes. */
};

enum weft_actor_stage {
    WEFT_ACTOR_IDLE,
    WEFT_ACTOR_CHECKING,
    WEFT_ACTOR_BEGINNING,
    WEFT_ACTOR_ACTING,
    WEFT_ACTOR_MEASURING,
};

struct weft_actor_job {
    struct weft_buffer bundle; /* Or, after a start, the command's text alone. */
    struct weft_proof proof;   /* Borrows it. */
    int64_t done_ns;
};

struct weft_actor_channel {
    char name[WEFT_CHANNEL_SIZE_MAX + 1];
    uint64_t lost_ms; /* So long without a plant, and it is brought into its safe state. */
    struct weft_fence fence;
    uint32_t move_count;
    int64_t moves_ns[WEFT_ENVELOPE_MOVES_MAX]; /* Oldest first. */
    bool has_safe;
    struct weft_buffer safe;
    bool is_retired; /* In the journal alone. */
    enum weft_actor_stage stage;
    struct weft_actor_job *job; /* Not while IDLE. */
    uint64_t frame;             /* BEGINNING: which has to be durable. */
    uint64_t act;               /* ACTING: of the effect. */
    uint64_t deadline_ms;       /* Of the stage. */
    uint64_t read_ms;           /* When to read next. */
    bool wants_read;
    bool wants_act;
    bool wants_safe;
    bool is_safe; /* Was brought there for want of a plant, since it was last here. */
};

struct weft_actor_alarm {
    const char *word;
    uint32_t channel;
    char text[200];
};
/* Opaque in spirit; embed it, and look at nothing but counters. */
struct weft_actor {
    const struct weft_proof_trust *trust; /* Kept. May be changed between steps. */
    uint32_t channel_count;
    struct weft_actor_channel channels[WEFT_ACTOR_CHANNELS_MAX];
    struct weft_ledger ledger;
    struct weft_outbox outbox;
    uint32_t asked_count;         /* In the ledger: asked about and never seen. */
    struct weft_buffer gathering; /* The next frame. */
    struct weft_buffer flying;    /* The one that is being made durable. */
    uint64_t frame_number;        /* Of `gathering`, from 1. */
    uint64_t synced_number;
    bool needs_sync;
    bool is_flying;

    bool is_plant_up;
    uint64_t plant_ms; /* Since when. */
    uint64_t act_number;
    uint64_t receipt_counter;
    int64_t now_ns;
    uint64_t mono_ms;
    struct weft_actor_alarm alarms[WEFT_ACTOR_ALARMS_MAX];
    uint32_t alarm_first, alarm_count;
    uint64_t alarms_lost;
    uint64_t acts;     /* Effects ACT so far. */
    uint64_t refusals; /* Bundles that were not sound. */
};

void weft_actor_init(struct weft_actor *actor, const struct weft_proof_trust *trust);
/* A channel that the gateway has; before load. WEFT_EINVAL: not a channel of the gateway that
 * `trust` names, or there already. WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_actor_add_channel(
    struct weft_actor *actor, struct weft_text name, uint64_t lost_ms, struct weft_msg *msg);
void weft_actor_destroy(struct weft_actor *actor);

/* A frame of the journal. Channels that the gateway does not have any more are kept, and not acted
 * on. WEFT_EMALFORMED, WEFT_EVERSION, WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_actor_load(
    struct weft_actor *actor, struct weft_bytes frame, struct weft_msg *msg);
/* All frames are loaded: what was begun and is not done is unknown from now on (GW-4). */
WEFT_MUST_USE enum weft_err weft_actor_start(
    struct weft_actor *actor, int64_t now_ns, uint64_t mono_ms, struct weft_msg *msg);

/* WEFT_ENOMEM, WEFT_ETOOBIG: the gateway has to stop and start again from its journal; nothing was
 * done that it does not know. What others send wrong is an alarm, not an error. */
WEFT_MUST_USE enum weft_err weft_actor_step(
    struct weft_actor *actor, const struct weft_actor_event *event);
/* False: nothing is to be done. */
bool weft_actor_next(struct weft_actor *actor, struct weft_actor_effect *ret_effect);
/* When a TICK is due, by the clock that is never set; UINT64_MAX: there is nothing to wait for. */
uint64_t weft_actor_wake_ms(const struct weft_actor *actor);

/* All that the actor knows as frames of a new journal, a part with each call; *cursor 0 at first.
 * *ret_is_last: that was the last. Between steps, when nothing is to be done. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_actor_save(
    const struct weft_actor *actor, uint64_t *cursor, struct weft_buffer *out, bool *ret_is_last);

/* Invariants of the README, on entry and exit of step. */
void weft_actor_check(const struct weft_actor *actor);

#endif
