/* ops/gateway/sim_model.h: how the simulated machines move: a press and a pump.
 *
 * A machine is what it was told, when, and its time: the value of its one moving field follows what
 * was set with first-order inertia, and cannot be set beyond what the machine stands. So it goes on
 * while nobody looks, as machines do. Pure; doubles, since nothing here has authority. */
#ifndef WEFT_OPS_GATEWAY_SIM_MODEL_H
#define WEFT_OPS_GATEWAY_SIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/command/command_note.h"
#include "policy/command/demand.h"

struct weft_sim_kind {
    const char *name;  /* "press", "pump" */
    const char *verb;  /* "set-speed": sets the field; its argument has the field's name. */
    const char *field; /* "speed" */
    const char *unit;
    double max;    /* The machine itself stands no more. */
    double tau_ms; /* After so long 63 % of the way are gone. */
};

enum {
    WEFT_SIM_READINGS = 4, /* the field, strokes, mode, moving */
};

struct weft_sim_state {
    const struct weft_sim_kind *kind;
    double from;   /* The field's value when it was told last... */
    double target; /* ...and what it was told. */
    int64_t since_ms;
    uint64_t strokes; /* Of the verb "jog": what must not happen twice shows. */
    bool is_manual;
};

/* NULL: there is none of that name. */
const struct weft_sim_kind *weft_sim_kind_find(struct weft_text name);
void weft_sim_init(struct weft_sim_state *state, const struct weft_sim_kind *kind);
/* The field's verb, "jog", "set-mode" with mode auto or manual, "stop". False: it does not follow;
 * `*ret_why` says why. */
bool weft_sim_tell(struct weft_sim_state *state, struct weft_text verb,
    const struct weft_command_arg *args, uint32_t arg_count, int64_t now_ms, const char **ret_why);
/* Texts are static. */
uint32_t weft_sim_read(const struct weft_sim_state *state, int64_t now_ms,
    struct weft_reading ret_readings[WEFT_SIM_READINGS]);

#endif
