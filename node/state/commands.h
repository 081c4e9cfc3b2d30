/* node/state/commands.h: commands to machines as the site has agreed on them.
 *
 * Records of kind `command` on `command:<id>` carry one signed note (a command, an approval, a
 * receipt, a resolution) or a step of the leader; of kind `handover` on `channel:<channel>` who may
 * command a channel. Each is judged by what governs at its index and stepped through the pure
 * machine of policy/command; a commit that has such a record has no other. State: keys F, G, H, J
 * and O (node/state/README.md, Commands). One thread, apply's. In an ungoverned site nothing is a
 * command. */
#ifndef WEFT_NODE_STATE_COMMANDS_H
#define WEFT_NODE_STATE_COMMANDS_H

#include "node/state/audit.h"
#include "node/state/authority.h"
#include "node/state/commands_code.h"
#include "node/state/envelopes.h"
#include "node/state/names.h"
#include "node/state/store.h"
#include "policy/command/command_judge.h"

#define WEFT_COMMAND_KIND "command"
#define WEFT_COMMAND_ASSET "command:"
#define WEFT_HANDOVER_KIND "handover"
#define WEFT_CHANNEL_ASSET "channel:"
/* Of records that follow from them, and of what gateways tell. */
#define WEFT_DESIRED_KIND "desired"
#define WEFT_ALARM_KIND "alarm"

enum {
    WEFT_COMMANDS_OPEN_MAX = 8192, /* before their ends, in memory; chosen: 300 MiB at worst */
    WEFT_CHANNELS_MAX = 4096,      /* chosen */
    WEFT_COMMANDS_FOLLOW_MAX = 1,  /* records of the state's own with a commit */
    WEFT_COMMANDS_ALARMS = 10,     /* words of alarms that are counted, "other" the last */
};

struct weft_commands;

/* `site` is "<org>/<site>", borrowed until destroy, as are the store and names. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_commands_create(struct weft_text site, struct weft_store *store,
    struct weft_names *names, struct weft_commands **ret_commands, struct weft_msg *msg);
void weft_commands_destroy(struct weft_commands *commands); /* Accepts NULL. */
/* What is open, of a state whose last entry was of time_ns. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM.
 */
WEFT_MUST_USE enum weft_err weft_commands_load(
    struct weft_commands *commands, int64_t time_ns, struct weft_msg *msg);

/* Is it of kind command, envelope or handover? */
bool weft_commands_is_kind(struct weft_text kind);

/* Whose record, where. */
struct weft_commands_place {
    const struct weft_authority *authority; /* In force at the index. */
    uint64_t term;
    uint64_t index;
    int64_t time_ns;
    struct weft_text principal; /* URI of who brings it: of steps, a node of the site. */
};

/* Would the commit be taken? Nothing is changed. *ret_action: what its author asked for, if it is
 * refused. WEFT_OK, and the refusal's err: those of policy/command; WEFT_EINVAL: the record is none
 * of these. WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM: nothing is decided. */
WEFT_MUST_USE enum weft_err weft_commands_check(struct weft_commands *commands,
    const struct weft_commit *commit, const struct weft_commands_place *place,
    struct weft_refusal *ret_refusal, enum weft_policy_action *ret_action, struct weft_msg *msg);
/* What follows from the commit that was checked last for its machine: what is desired from now on,
 * or an alarm (NOD-147). Without author: of who commits. In the arena; assets live until settle.
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_commands_follow(struct weft_commands *commands,
    struct weft_arena *arena, struct weft_record ret_records[WEFT_COMMANDS_FOLLOW_MAX],
    uint32_t *ret_count, struct weft_msg *msg);
/* The commit that was checked last is accepted: notes into the batch, its leaf into the log
 * (`audit` NULL: none).
 * WEFT_ENOMEM, WEFT_ETOOBIG: the apply has failed. */
WEFT_MUST_USE enum weft_err weft_commands_accept(struct weft_commands *commands,
    struct weft_audit *audit, struct weft_store_batch *batch, struct weft_msg *msg);
/* Once for each write of the batch: what has changed. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_commands_put(
    struct weft_commands *commands, struct weft_store_batch *batch, struct weft_msg *msg);
/* The batch is written. */
void weft_commands_settle(struct weft_commands *commands);

/* For the offline check: from here on everything is made again, from records alone. */
void weft_commands_begin_replay(struct weft_commands *commands);
/* The next record that was accepted; others than these are passed over. Notes into the batch.
 * WEFT_ECORRUPT: it could not have been taken. WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_commands_replay(struct weft_commands *commands,
    const struct weft_record *record, const struct weft_commands_place *place,
    struct weft_store_batch *batch, struct weft_msg *msg);
/* An entry is through: what has ended for good into the batch. */
WEFT_MUST_USE enum weft_err weft_commands_replay_settle(
    struct weft_commands *commands, struct weft_store_batch *batch, struct weft_msg *msg);
/* All are: the rest. */
WEFT_MUST_USE enum weft_err weft_commands_replay_end(
    struct weft_commands *commands, struct weft_store_batch *batch, struct weft_msg *msg);

/* A step that is due, for whoever leads. Borrowed until the call returns. */
struct weft_commands_step {
    const uint8_t *id;
    struct weft_text channel;
    enum weft_command_event_kind kind;
};
typedef void weft_commands_on_step(void *ctx, const struct weft_commands_step *step);
enum {
    WEFT_COMMANDS_AGAIN_MS = 1000, /* until a step that did nothing is told of again; chosen */
};
/* Tells of each, and gives when to look again at the latest, if nothing is applied before.
 * `authority`: in force. *ret_leaf: of the newest intent that a machine waits for; 0: none does. */
int64_t weft_commands_due(struct weft_commands *commands, const struct weft_authority *authority,
    uint64_t term, int64_t now_ns, weft_commands_on_step *on_step, void *ctx, uint64_t *ret_leaf);
/* A record was accepted: alarms are counted, since the state was opened. */
void weft_commands_hear(struct weft_commands *commands, const struct weft_record *record);
uint64_t weft_commands_alarms(const struct weft_commands *commands, uint32_t alarm);
/* Is this one at an intent or a stage here, for whose proof a machine waits? */
bool weft_commands_wants_proof(const struct weft_commands *commands,
    const uint8_t id[WEFT_COMMAND_ID_SIZE], uint64_t *ret_leaf);
/* Commands that have not ended, or whose outcome nobody has looked for. */
uint64_t weft_commands_open(const struct weft_commands *commands);

#endif
