/* ops/weft/command_draft.h: a command as the command line says it, under what is in force.
 *
 * Verb and asset are the operands, the rest options (options_command.c). Nothing is signed
 * here. */
#ifndef WEFT_OPS_COMMAND_DRAFT_H
#define WEFT_OPS_COMMAND_DRAFT_H

#include "ops/weft/args.h"
#include "ops/weft/command_source.h"
#include "ops/weft/policy_source.h"

/* Zero-initialized is none; owns what it points to. The command borrows from it, from the command
 * line, and from its maker's printed name and reason. */
struct weft_command_draft {
    const struct weft_args *args;
    struct weft_command_note command;
    struct weft_policy_source policy;      /* In force. */
    struct weft_envelope_source envelopes; /* About it, each named. */
    char target[WEFT_ASSET_SIZE_MAX + WEFT_PRINCIPAL_PART_SIZE_MAX + 2];
    char origin[3 * WEFT_PRINCIPAL_PART_SIZE_MAX + 8];
};

/* The proposer is set before: of his organization the target is. WEFT_EINVAL: an option;
 * WEFT_EREFUSED: no envelope is about it, or too many. As weft_client_call. */
WEFT_MUST_USE enum weft_err weft_command_draft_make(const struct weft_args *args,
    struct weft_client *client, struct weft_command_draft *draft, struct weft_msg *msg);
/* Advice: what the site would refuse is told before it is signed. WEFT_EREFUSED. */
WEFT_MUST_USE enum weft_err weft_command_draft_check(
    const struct weft_command_draft *draft, struct weft_msg *msg);
void weft_command_draft_destroy(struct weft_command_draft *draft);

#endif
