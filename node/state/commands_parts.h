/* node/state/commands_parts.h: what struct weft_commands holds: for commands*.c alone. */
#ifndef WEFT_NODE_STATE_COMMANDS_PARTS_H
#define WEFT_NODE_STATE_COMMANDS_PARTS_H

#include <sys/queue.h>

#include "node/state/commands.h"
#include "policy/together.h"

enum {
    WEFT_COMMANDS_BUCKETS = 4096,
    WEFT_COMMANDS_SEQS = 1024, /* That are kept of the store's: 24 KiB; a channel and a key each. */
};

/* One command in memory. */
struct weft_command_live {
    struct weft_command_live *next; /* Of its bucket. */
    TAILQ_ENTRY(weft_command_live) in_all;
    TAILQ_ENTRY(weft_command_live) in_changed; /* While is_changed. */
    TAILQ_ENTRY(weft_command_live) in_ended;   /* While may_have_ended. */
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    struct weft_buffer note;          /* Whole. */
    struct weft_command_note command; /* Borrows the note. */
    struct weft_command_value value;
    TAILQ_ENTRY(weft_command_live) in_to_look; /* While is_to_look. */
    TAILQ_ENTRY(weft_command_live) in_waiting; /* Of waits_for. */
    bool is_changed;                           /* Since the last put. */
    bool may_have_ended;                       /* Since the last settle. */
    /* Of whoever leads, and no part of the state. */
    uint64_t looked_index; /* What was looked at, in this term; nothing is due before when_ns. */
    uint64_t looked_term;
    int64_t when_ns;
    bool is_told;                           /* A step was due. */
    bool is_to_look;                        /* Since the last look. */
    struct weft_command_channel *waits_for; /* Approved; else NULL. */
};

struct weft_command_channel {
    struct weft_command_channel *next;
    TAILQ_ENTRY(weft_command_channel) in_changed; /* While is_changed. */
    uint16_t name_size;
    char name[WEFT_CHANNEL_SIZE_MAX];
    struct weft_channel_value value;
    bool is_changed;
    TAILQ_HEAD(weft_commands_waiting, weft_command_live) waiting; /* The first goes first. */
};

/* A seq that the batch holds and the store not yet, or that the store holds. */
struct weft_command_seq {
    uint8_t digest[16];
    uint64_t seq;
};

enum weft_commands_pending {
    WEFT_COMMANDS_NOTHING,
    WEFT_COMMANDS_COMMAND,
    WEFT_COMMANDS_ENVELOPE,
    WEFT_COMMANDS_HANDOVER,
};

/* What a law borrows. */
struct weft_commands_room {
    const struct weft_envelope_note *envelopes[WEFT_COMMAND_ENVELOPES_MAX];
    struct weft_text labels[WEFT_LABELS_MAX];
};

/* What was checked last. */
struct weft_commands_checked {
    enum weft_commands_pending what;
    struct weft_commands_place place;
    struct weft_principal signer; /* Of a step the node. */
    struct weft_command_live *live;
    bool is_new; /* `live` is in no bucket yet, and is this struct's. */
    struct weft_command_channel *channel;
    struct weft_command_channel fresh;   /* What `channel` is of one that nobody has used yet. */
    struct weft_command_machine machine; /* The next one. */
    struct weft_command_act act;
    struct weft_command_judgement judgement;
    bool is_judged;
    struct weft_digest evidence; /* Of the note, if it is not the command. */
    bool has_evidence;
    struct weft_buffer approval; /* A note to be kept; empty: none. */
    uint8_t seq[16];
    struct weft_command_authority authority; /* Of a hand-over. */
    char asset[WEFT_ASSET_SIZE_MAX + 1];
};

struct weft_commands {
    bool is_replay; /* commands_replay.c: the store is at the end of all that is made again. */
    struct weft_text site;
    struct weft_store *store;
    struct weft_names *names;
    struct weft_envelopes *envelopes;
    struct weft_command_live *commands[WEFT_COMMANDS_BUCKETS];
    TAILQ_HEAD(weft_commands_all, weft_command_live) all; /* As they came. */
    /* An apply changes a few of many. */
    TAILQ_HEAD(weft_commands_changed, weft_command_live) changed;
    TAILQ_HEAD(weft_commands_ended, weft_command_live) ended;
    TAILQ_HEAD(weft_commands_to_look, weft_command_live) to_look;
    TAILQ_HEAD(weft_channels_changed, weft_command_channel) changed_channels;
    struct weft_command_channel *channels[WEFT_COMMANDS_BUCKETS];
    uint32_t command_count; /* In memory. */
    uint32_t channel_count; /* All that there are. */
    uint64_t open_count;    /* Commands that have not ended, or hold their channel: replicated. */
    struct weft_command_seq *seqs; /* Of the batch. */
    uint32_t seq_count;
    uint32_t seq_capacity;
    struct weft_command_seq known_seqs[WEFT_COMMANDS_SEQS]; /* By digest; seq 0: none. */
    struct weft_commands_checked checked;
    struct weft_together together;         /* Receipts whose signature was verified. */
    struct weft_buffer value;              /* Under construction. */
    uint64_t alarms[WEFT_COMMANDS_ALARMS]; /* Since it was opened. */
    bool is_changed;                       /* Since the last put. */
    /* Of whoever leads: when all have to be looked at again, in which term they were. */
    int64_t when_ns;
    uint64_t looked_term;
    uint64_t proof_leaf; /* The newest that waits for its proof, or did of late. */
};

/* What was checked is not taken, or has been. */
void weft_commands_forget(struct weft_commands *c);

/* In memory, or read from the store into it; NULL: there is none. WEFT_ECORRUPT, WEFT_EIO,
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_commands_find(struct weft_commands *c,
    const uint8_t id[WEFT_COMMAND_ID_SIZE], struct weft_command_live **ret_live,
    struct weft_msg *msg);
/* A new one, in no bucket. WEFT_ENOMEM; what is wrong with the note. */
WEFT_MUST_USE enum weft_err weft_commands_read_note(
    struct weft_text note, struct weft_command_live **ret_live, struct weft_msg *msg);
/* Of those in memory alone; NULL: none. */
struct weft_command_live *weft_commands_in_memory(
    const struct weft_commands *c, const uint8_t id[WEFT_COMMAND_ID_SIZE]);
void weft_commands_insert(struct weft_commands *c, struct weft_command_live *live);
void weft_command_live_destroy(struct weft_command_live *live); /* Accepts NULL. */
/* Is put with the batch; was put; is looked at by the next settle. */
void weft_commands_change(struct weft_commands *c, struct weft_command_live *live);
void weft_commands_is_put(struct weft_commands *c, struct weft_command_live *live);
void weft_commands_may_end(struct weft_commands *c, struct weft_command_live *live);
/* A step of it may be due; it goes. */
void weft_commands_look_at(struct weft_commands *c, struct weft_command_live *live);
void weft_commands_look_away(struct weft_commands *c, struct weft_command_live *live);
/* Its state, or its channel (NULL: nobody has used it), has changed: who waits, who is first? */
void weft_commands_wait(
    struct weft_commands *c, struct weft_command_live *live, struct weft_command_channel *channel);
void weft_commands_change_channel(struct weft_commands *c, struct weft_command_channel *channel);
/* NULL: nobody has used it yet. */
struct weft_command_channel *weft_commands_channel(
    struct weft_commands *c, struct weft_text channel);
/* A copy of it is kept from now on. NULL: no memory. */
struct weft_command_channel *weft_commands_keep_channel(
    struct weft_commands *c, const struct weft_command_channel *channel);
/* What tells verb and arguments of one command from those of another. */
struct weft_digest weft_commands_what(const struct weft_command_note *command);
/* The key of a seq, and the last one. */
WEFT_MUST_USE enum weft_err weft_commands_last_seq(struct weft_commands *c,
    struct weft_text channel, const struct weft_principal *proposer, uint32_t key_id,
    uint8_t ret_digest[16], uint64_t *ret_seq, struct weft_msg *msg);
/* All that a judgement of the command wants; it borrows `room`. WEFT_ECORRUPT, WEFT_EIO,
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_commands_law(struct weft_commands *c,
    const struct weft_authority *authority, uint64_t index, int64_t time_ns,
    const struct weft_command_note *command, const struct weft_command_channel *channel,
    struct weft_commands_room *room, struct weft_command_law *ret_law, struct weft_msg *msg);
/* The labels that the asset has. */
void weft_commands_ask_of(const struct weft_authority *authority, struct weft_text asset,
    struct weft_commands_room *room, struct weft_command_law *law);

#endif
