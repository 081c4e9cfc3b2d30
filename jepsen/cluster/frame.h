/* jepsen/cluster/frame.h: the little of an Ethernet frame that the switch looks at: pure. Foreign
 * bytes: every offset is checked. */
#ifndef WEFT_JEPSEN_CLUSTER_FRAME_H
#define WEFT_JEPSEN_CLUSTER_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    JEP_FRAME_BYTES_MAX = 1600 /* JEP_MTU_BYTES, an Ethernet header, a tag, and room */
};

/* IPv4 in Ethernet II, whole. Others (IPv6's chatter, ARP) are none of the switch's business. */
bool jep_frame_is_ipv4(const uint8_t *frame, size_t size);
/* Flips one bit of what TCP carries and makes TCP's checksum right again, so that the receiver's
 * kernel believes it: what a broken router's memory does. True: there was a payload. place: any
 * number, taken modulo the bits of the payload. */
bool jep_frame_corrupt(uint8_t *frame, size_t size, uint32_t place);

#endif
