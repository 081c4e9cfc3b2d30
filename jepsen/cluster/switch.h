/* jepsen/cluster/switch.h: the switch between the ports, in user space: a thread that reads frames
 * from each port, asks the directed link what becomes of them (link.h), and writes them, at once or
 * later, to the port that their hardware address names. So every fault of a link is ours, seeded,
 * counted, and gone with the process; the kernel needs neither netem nor a packet filter. */
#ifndef WEFT_JEPSEN_CLUSTER_SWITCH_H
#define WEFT_JEPSEN_CLUSTER_SWITCH_H

#include <stdbool.h>
#include <stdint.h>

#include "jepsen/cluster/link.h"
#include "jepsen/cluster/port.h"

struct jep_switch;

/* Borrows the ports' descriptors until jep_switch_close; addresses[i] is that of ports[i]. */
bool jep_switch_start(const struct jep_port *ports, const struct jep_address *addresses,
    unsigned count, uint64_t seed, struct jep_switch **ret_switch, struct jep_message *message)
    __attribute__((warn_unused_result));
/* Takes NULL too. Frames that wait are dropped. */
void jep_switch_close(struct jep_switch *sw);

/* Any thread, these three. From port to port, from != to. */
void jep_switch_set(
    struct jep_switch *sw, unsigned from, unsigned to, const struct jep_link_rule *rule);
void jep_switch_rule(
    struct jep_switch *sw, unsigned from, unsigned to, struct jep_link_rule *ret_rule);
void jep_switch_counts(
    struct jep_switch *sw, unsigned from, unsigned to, struct jep_link_counts *ret_counts);

#endif
