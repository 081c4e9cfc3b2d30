/* jepsen/cluster/gate.h: gateways beside the first site of a plant, each with simulated presses, in
 * a network namespace of its own; and the people who command them. A press remembers what it was
 * really told: that file is what a checker believes.
 *
 * Ann proposes, bo, cy and di approve, two of them for tier 2. One thread at a time, as plant.h. */
#ifndef WEFT_JEPSEN_CLUSTER_GATE_H
#define WEFT_JEPSEN_CLUSTER_GATE_H

#include <stdbool.h>

#include "jepsen/cluster/port.h"
#include "jepsen/core/text.h"

enum {
    JEP_GATES_MAX = 2,
    JEP_GATE_MACHINES = 4, /* of each gateway: press1 .. press4 */
};

/* Names of faults that are planted in gateways begin so; all others are the nodes'. */
#define JEP_GATE_MUTANT "gate_"

struct jep_plant;
struct jep_plant_options;

/* For jep_plant_create: names, ports' places and pages; the ports are opened by the plant. */
bool jep_gates_make(struct jep_plant *plant, struct jep_message *message)
    __attribute__((warn_unused_result));
bool jep_gate_has_mutant(const char *mutants);
struct jep_address jep_gate_address(unsigned gate);
/* What a site's policy says of them; "" without gateways. */
const char *jep_gates_policy(const struct jep_plant_options *options);
/* Once the plant serves: enrols people and gateways, brings the envelope, starts the gateways. */
bool jep_gates_open(struct jep_plant *plant, struct jep_message *message)
    __attribute__((warn_unused_result));
void jep_gates_close(struct jep_plant *plant);
/* Whole again: clocks, processes. Links are the plant's. */
bool jep_gates_heal(struct jep_plant *plant, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Starts again what ended by itself; see jep_plant_supervise. */
bool jep_gates_supervise(struct jep_plant *plant, struct jep_message *message)
    __attribute__((warn_unused_result));

/* Any thread, these. */
unsigned jep_gates_count(const struct jep_plant *plant);
/* How often one ended that nobody here asked to. */
unsigned jep_gates_ends(const struct jep_plant *plant);
/* "gw1"; its directory, in which press1/told is. */
const char *jep_gate_name(const struct jep_plant *plant, unsigned gate);
const char *jep_gate_home(const struct jep_plant *plant, unsigned gate);
/* Environment of what people sign with, by the nodes' time; ends with NULL. */
void jep_people_env(const struct jep_plant *plant, const char *ret_env[8]);
/* PATH of "ann"'s key. */
void jep_people_key(const struct jep_plant *plant, const char *who, char *ret_path, size_t size);

bool jep_gate_start(struct jep_plant *plant, unsigned gate, struct jep_message *message)
    __attribute__((warn_unused_result));
/* SIGKILL, and waits for its end. True: there was a process. */
bool jep_gate_kill(struct jep_plant *plant, unsigned gate);
/* True: it is stopped, or goes on. */
bool jep_gate_pause(struct jep_plant *plant, unsigned gate);
bool jep_gate_resume(struct jep_plant *plant, unsigned gate);

#endif
