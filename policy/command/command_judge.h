/* policy/command/command_judge.h: what keys, policy, envelopes and channel say of a command.
 *
 * At one index, by what governs there: asked when it is proposed, with each approval, and once more
 * when it is about to be sent (ACT-9). What comes out is data for the machine (command_machine.h).
 * Pure: whoever applies gathers what is in force. */
#ifndef WEFT_POLICY_COMMAND_COMMAND_JUDGE_H
#define WEFT_POLICY_COMMAND_COMMAND_JUDGE_H

#include "policy/command/command_machine.h"
#include "policy/decide.h"
#include "policy/keyring.h"
#include "policy/subjects.h"

#define WEFT_COMMAND_OPTIMIZER_ROLE "optimizer"

struct weft_command_law;

/* How many machines below the group were verified with the same verb and arguments, and have
 * soaked for as long. */
typedef uint32_t weft_command_count_canaries(const struct weft_command_law *law,
    const struct weft_command_note *command, const struct weft_envelope_note *envelope);

/* What is in force. Borrowed. */
struct weft_command_law {
    const struct weft_policy *policy; /* NULL: nothing is permitted. */
    const struct weft_keyring *ring;
    const struct weft_subjects *subjects;
    struct weft_text org;
    struct weft_text site;
    uint64_t index;
    int64_t now_ns;
    /* Each in force that is about the target and verb, sorted by name. */
    const struct weft_envelope_note *const *envelopes;
    uint32_t envelope_count;
    struct weft_command_authority authority; /* Over the channel. */
    const int64_t *moves_ns;                 /* Of the channel. */
    uint32_t move_count;
    uint64_t rev;                   /* Of the target's asset; 0: it is not there. */
    uint64_t last_seq;              /* Of this key on the channel; 0: none. */
    const struct weft_text *labels; /* Of the target's asset; of a hand-over the channel's. */
    uint32_t label_count;
    weft_command_count_canaries *count_canaries; /* NULL: there are none. */
    const void *ctx;                             /* Of count_canaries. */
};

/* `more`: an approval that is about to be added, or NULL. `msg` says what the fault is, if one is
 * (may be NULL). */
void weft_command_judge(const struct weft_command_law *law, const struct weft_command_machine *m,
    const struct weft_command_note *command, uint32_t key_id,
    const struct weft_command_approval *more, struct weft_command_judgement *ret_judgement,
    struct weft_msg *msg);

/* What proposing it still waits for, if that is all that lacks, as weft_policy_next_unmet. */
bool weft_command_next_unmet(const struct weft_command_law *law,
    const struct weft_command_machine *m, const struct weft_command_note *command, uint32_t from,
    struct weft_policy_requirement *ret_requirement);

/* May somebody do this to the command, by the policy in force? */
bool weft_command_may(const struct weft_command_law *law, const struct weft_principal *principal,
    enum weft_policy_action action, const struct weft_command_note *command);

/* Over a channel: WEFT_ACTION_TAKE_AUTHORITY, on the asset "channel:<channel>". */
bool weft_command_may_take(const struct weft_command_law *law,
    const struct weft_principal *principal, struct weft_text channel_asset);

/* A person is an operator, a program automation, or an optimizer by its role; of another
 * organization everybody is a partner. */
enum weft_command_rank weft_command_rank_of(
    const struct weft_command_law *law, const struct weft_principal *principal);

/* By which of his keys, valid at the index, he signed the note: the first in its lines. False: by
 * none. Signatures are not verified here. */
bool weft_command_signer_key(const struct weft_keyring *ring, const struct weft_note *note,
    const struct weft_principal *signer, uint64_t index, uint32_t *ret_key_id);

#endif
