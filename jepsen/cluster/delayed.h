/* jepsen/cluster/delayed.h: frames that wait for their time: a heap by due time, then by arrival,
 * so that frames of one time keep their order. Pure. */
#ifndef WEFT_JEPSEN_CLUSTER_DELAYED_H
#define WEFT_JEPSEN_CLUSTER_DELAYED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/cluster/frame.h"

enum {
    JEP_DELAYED_MAX = 65536 /* chosen: 100 MiB; a second of 600 Mbit/s in full frames */
};

struct jep_delayed_frame {
    int64_t due_ns;
    uint64_t number;
    unsigned to; /* port */
    size_t size;
    uint8_t bytes[JEP_FRAME_BYTES_MAX];
};

/* Zeroed to start. */
struct jep_delayed {
    struct jep_delayed_frame **heap;
    size_t count;
    size_t capacity;
    uint64_t next_number;
};

/* Copies the bytes. False: JEP_DELAYED_MAX wait already, or size above JEP_FRAME_BYTES_MAX. */
bool jep_delayed_put(
    struct jep_delayed *d, int64_t due_ns, unsigned to, const uint8_t *bytes, size_t size);
/* -1: none waits. */
int64_t jep_delayed_next_ns(const struct jep_delayed *d);
/* The first frame that is due at now_ns, which the caller frees with free(3); NULL: none is. */
struct jep_delayed_frame *jep_delayed_take(struct jep_delayed *d, int64_t now_ns);
void jep_delayed_free(struct jep_delayed *d);

#endif
