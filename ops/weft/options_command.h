/* ops/weft/options_command.h: options of the commands on machines and envelopes: lists for the rows
 * of commands.c, each with its end. */
#ifndef WEFT_OPS_OPTIONS_COMMAND_H
#define WEFT_OPS_OPTIONS_COMMAND_H

#include "ops/weft/command.h"

extern const struct weft_option weft_command_propose_options[];
extern const struct weft_option weft_shadow_options[];
extern const struct weft_option weft_command_say_options[];
extern const struct weft_option weft_command_resolve_options[];
extern const struct weft_option weft_command_list_options[];
extern const struct weft_option weft_command_handover_options[];
extern const struct weft_option weft_envelope_apply_options[];
extern const struct weft_option weft_envelope_show_options[];

#endif
