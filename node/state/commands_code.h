/* node/state/commands_code.h: commands and channels as values of the state: bytes of one form.
 *
 * Fixed order, big-endian, so that equal states are equal bytes. Pure. */
#ifndef WEFT_NODE_STATE_COMMANDS_CODE_H
#define WEFT_NODE_STATE_COMMANDS_CODE_H

#include "policy/command/command_machine.h"
#include "proto/limits.h"

/* One command, without its notes. */
struct weft_command_value {
    struct weft_command_machine machine;
    uint64_t index; /* Of the entry that changed it last. */
    int64_t time_ns;
    uint64_t leaf; /* Number of the audit leaf of the last stage or intent. */
};

/* One channel. */
struct weft_channel_value {
    struct weft_command_authority authority;
    bool is_held;
    uint8_t holder[WEFT_COMMAND_ID_SIZE]; /* The command in flight. */
    uint32_t move_count;
    int64_t moves_ns[WEFT_ENVELOPE_MOVES_MAX]; /* The newest, oldest first. */
    /* What was verified last, for canaries: verb and arguments; zeros: nothing, or it failed. */
    struct weft_digest what;
    int64_t verified_ns;
    uint16_t asset_size;
    char asset[WEFT_ASSET_SIZE_MAX]; /* Of which machine. */
};

/* Append. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_command_value_encode(
    const struct weft_command_value *value, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_channel_value_encode(
    const struct weft_channel_value *value, struct weft_buffer *out);
/* WEFT_ECORRUPT. */
WEFT_MUST_USE enum weft_err weft_command_value_decode(
    struct weft_bytes bytes, struct weft_command_value *ret_value);
WEFT_MUST_USE enum weft_err weft_channel_value_decode(
    struct weft_bytes bytes, struct weft_channel_value *ret_value);

#endif
