/* ops/gateway/machine_sim.h: a simulated machine in a directory, that a test can look into.
 *
 *     DIRECTORY/told      what it was really told, a line each, in order; it is told by that line
 *     DIRECTORY/inputs    read at every look: "guard/closed = true", or with the time at which it
 *                         was read, " at 2026-03-01T08:00:04.250Z"; lines with '#' are comments
 *
 *     1772352000123 live 6f1d... set-speed speed=42.5 rpm
 *
 * A line of `told` has ms since 1970, whether the machine, its shadow or the safe state was meant,
 * the command's id, verb and arguments. The machine's motion follows from it alone (sim_model.h),
 * so a gateway that was killed finds it where it is by now. Inputs that are the simulation's own:
 * "sim/answers = false" (it acts and says nothing), "sim/reachable = false". */
#ifndef WEFT_OPS_GATEWAY_MACHINE_SIM_H
#define WEFT_OPS_GATEWAY_MACHINE_SIM_H

#include "ops/gateway/machine.h"

enum {
    WEFT_MACHINE_SIM_ANSWER_MS = 20, /* chosen: a PLC's cycle */
};

struct weft_machine_sim_options {
    uv_loop_t *loop;
    const char *directory; /* Made if there is none. */
    struct weft_text kind; /* "press", "pump" */
    uint32_t channel;
    uint32_t answer_ms; /* From told to answered. */
    struct weft_machine_callbacks callbacks;
};

/* WEFT_EINVAL: the kind; WEFT_EMALFORMED: what is in `told`; WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_machine_sim_open(const struct weft_machine_sim_options *options,
    struct weft_machine **ret_machine, struct weft_msg *msg);

#endif
