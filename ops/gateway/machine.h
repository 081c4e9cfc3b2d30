/* ops/gateway/machine.h: a machine as the gateway's driver sees it: read, act, safe.
 *
 * A driver is a table of functions, a machine what its `open` gives. Everything runs on the loop's
 * thread; no callback runs inside the call that caused it. What a driver reports is what it knows:
 * "done" is what the machine itself has said, "unsent" what has certainly not left, and all between
 * is unknown. */
#ifndef WEFT_OPS_GATEWAY_MACHINE_H
#define WEFT_OPS_GATEWAY_MACHINE_H

#include <uv.h>

#include "ops/gateway/actor.h"

struct weft_machine; /* Starts with a pointer to its type. */

/* What a machine tells. Readings and texts are borrowed. */
struct weft_machine_callbacks {
    void *ctx;
    /* All that is known now: the answer to read, and whenever something has changed. */
    void (*on_values)(void *ctx, const struct weft_actor_values *values);
    /* What became of act: exactly once, unless the machine is closed before. */
    void (*on_acted)(void *ctx, const struct weft_actor_acted *acted);
    /* For people: it can be reached, it cannot, and why. */
    void (*on_notice)(void *ctx, uint32_t channel, const char *word, const char *text);
};

struct weft_machine_type {
    const char *name;
    void (*read)(struct weft_machine *machine, bool is_shadow);
    /* One at a time on the machine, and one on its shadow. The command is borrowed. */
    void (*act)(struct weft_machine *machine, uint64_t number,
        const struct weft_command_note *command, bool is_shadow);
    /* Into the safe state (struct weft_memo_channel), whatever it does. "": hold. */
    void (*safe)(struct weft_machine *machine, struct weft_text safe);
    /* Frees it once its handles are closed, in a later turn. */
    void (*close)(struct weft_machine *machine);
};

struct weft_machine {
    const struct weft_machine_type *type;
};

enum {
    WEFT_MACHINE_SAFE_ARGS_MAX = WEFT_ENVELOPE_LIST_MAX,
};

/* A safe state taken apart. False: it is not one, or it is hold. */
bool weft_machine_parse_safe(struct weft_text safe, struct weft_text *ret_verb,
    struct weft_command_arg ret_args[WEFT_MACHINE_SAFE_ARGS_MAX], uint32_t *ret_count);

#endif
