#include "ops/weft/options_command.h"

#include "ops/weft/consent.h"
#include "ops/weft/keys.h"

/* Options of the commands on machines and envelopes: see commands.c. */

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NULL, NULL                                                                        \
    }

/* Of what a command is. */
#define DRAFT_OPTIONS                                                                              \
    {"channel", 0, "CHANNEL", "SITE/GATEWAY/MACHINE: by whom it is carried out"},                  \
        {"arg", 0, "NAME=VALUE",                                                                   \
            "an argument, such as 'speed=42.5 rpm', 'clamp=true', 'mode=auto'; may\n"              \
            "be repeated"},                                                                        \
        {"pre", 0, "DEMAND",                                                                       \
            "what has to hold when it is sent, such as 'guard/closed = true'; may be\n"            \
            "repeated"},                                                                           \
        {"pre-rev", 0, "REV", "the machine's revision has to be this one"},                        \
        {"post", 0, "OUTCOME",                                                                     \
            "what is measured then, such as 'speed = 42.5 +- 0.5 rpm by 20s'; may be\n"            \
            "repeated"},                                                                           \
        {"class", 0, "CLASS",                                                                      \
            "A: the gateway knows it for ever; B: twice is as once; C: a pulse, sent\n"            \
            "once (C)"},                                                                           \
        {"tier", 0, "N", "0 to 9: how much can go wrong (9)"},                                     \
        {"for", 0, "DURATION", "how long it may be sent (5m)"},                                    \
        {"not-before", 0, "TIME", "from when on; default: now"},                                   \
        {"seq", 0, "N", "above all before of this key on the channel; default: by the clock"},     \
        {"on-unknown", 0, "WHAT",                                                                  \
            "hold or safe: what the gateway does if it cannot go on (hold)"},                      \
        {"shadow", 0, NULL, "on the shadow device alone"},                                         \
    {                                                                                              \
        "break-glass", 0, NULL, "without approvals and beyond what is normal; an alarm"            \
    }

const struct weft_option weft_command_propose_options[] = {
    DRAFT_OPTIONS, WEFT_CONSENT_OPTIONS, WEFT_KEYS_OPTIONS, END};
const struct weft_option weft_shadow_options[] = {
    {"who", 0, "NAME", "who would propose it: ann, svc/mes"}, DRAFT_OPTIONS, END};
const struct weft_option weft_command_say_options[] = {
    {"for", 0, "DURATION", "how long it counts (5m)"}, WEFT_CONSENT_OPTIONS, WEFT_KEYS_OPTIONS,
    END};
const struct weft_option weft_command_resolve_options[] = {
    WEFT_CONSENT_OPTIONS, WEFT_KEYS_OPTIONS, END};
const struct weft_option weft_command_handover_options[] = {
    {"to", 0, "RANK",
        "operator, automation, optimizer or partner; default of take: the signer's own,\n"
        "of give-back: operator"},
    WEFT_CONSENT_OPTIONS, WEFT_KEYS_OPTIONS, END};
const struct weft_option weft_command_list_options[] = {
    {"open", 0, NULL, "those alone that have not ended, or are unknown and not resolved"}, END};
const struct weft_option weft_envelope_apply_options[] = {
    {"key", 0, "FILE", "NAME.key of an admin, NAME.vkey beside it; may be repeated"},
    {"yes", 'y', NULL, "somebody has read what is signed: ask nobody"}, WEFT_KEYS_OPTIONS, END};
const struct weft_option weft_envelope_show_options[] = {
    {"next", 0, NULL, "with the head of the next version: to be edited and applied"}, END};
