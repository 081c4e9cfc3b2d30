/* jepsen/cluster/port.h: a network namespace with one interface, whose cable we hold: what its
 * processes send is read from a file descriptor, what is written there they receive (TAP, a tunnel
 * device of the kernel). No bridge, no rules, no names outside: closing the descriptors and ending
 * its processes ends it.
 *
 * Addresses are fixed: port N of cluster C has 10.9.(C+1).(N+1) and a hardware address made of it;
 * every port knows all others beforehand (JEP-45), so that a cut never shows as "no route to host"
 * but as the silence that it is. IPv6 is off. */
#ifndef WEFT_JEPSEN_CLUSTER_PORT_H
#define WEFT_JEPSEN_CLUSTER_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "jepsen/core/text.h"

enum {
    JEP_PORTS_MAX = 19, /* JEP_NODES_MAX, JEP_GATES_MAX, and the clients */
    JEP_HARDWARE_BYTES = 6,
    JEP_ADDRESS_BYTES = 16, /* "255.255.255.255" and a zero byte */
    JEP_MTU_BYTES = 1500
};

struct jep_address {
    uint8_t ip[4];
    uint8_t hardware[JEP_HARDWARE_BYTES];
};

struct jep_port {
    int tap;   /* reads and writes whole Ethernet frames; does not block */
    int netns; /* keeps the namespace alive */
};

/* Pure. The clients' port is jep_address_of(-1, 0): 10.9.0.1. */
struct jep_address jep_address_of(int cluster, unsigned number);
void jep_address_print(const struct jep_address *address, char ret_text[JEP_ADDRESS_BYTES]);

/* In the calling thread's network namespace: 127.0.0.1 answers. */
bool jep_port_raise_loopback(struct jep_message *message) __attribute__((warn_unused_result));
/* all: the addresses of all ports of the switch; own: which of them this one is. A new namespace is
 * made (is_new) or the calling thread's taken. */
bool jep_port_open(struct jep_port *port, const struct jep_address *all, unsigned count,
    unsigned own, bool is_new, struct jep_message *message) __attribute__((warn_unused_result));
void jep_port_close(struct jep_port *port);

#endif
