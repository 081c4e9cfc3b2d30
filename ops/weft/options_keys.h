/* ops/weft/options_keys.h: options of the commands on keys, org documents and policies: lists for
 * the rows of commands.c, each with its end. */
#ifndef WEFT_OPS_OPTIONS_KEYS_H
#define WEFT_OPS_OPTIONS_KEYS_H

#include "ops/weft/command.h"

extern const struct weft_option weft_pki_init_options[];
extern const struct weft_option weft_pki_node_options[];
extern const struct weft_option weft_pki_person_options[];
extern const struct weft_option weft_pki_enroll_options[];
extern const struct weft_option weft_pki_rotate_options[];
extern const struct weft_option weft_pki_revoke_options[];
extern const struct weft_option weft_policy_show_options[];
extern const struct weft_option weft_policy_sign_options[];
extern const struct weft_option weft_policy_apply_options[];
extern const struct weft_option weft_policy_why_options[];
extern const struct weft_option weft_policy_who_can_options[];
extern const struct weft_option weft_policy_what_if_options[];
extern const struct weft_option weft_pki_org_options[];
extern const struct weft_option weft_pki_token_options[];

#endif
