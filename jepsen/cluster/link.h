/* jepsen/cluster/link.h: what becomes of a frame on one directed link: pure. A rule says what the
 * link does to frames; the state is the link's own chance (seeded per directed link), when its wire
 * is free again, and what it has done so far, which is a fault's evidence. Both directions of a
 * pair are links of their own, so that a cut in one direction is nothing special. */
#ifndef WEFT_JEPSEN_CLUSTER_LINK_H
#define WEFT_JEPSEN_CLUSTER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/core/rng.h"

enum {
    JEP_PPM = 1000000,
    /* A frame that would wait longer for its wire is dropped, as a router with a full queue does.
     * Chosen: above the longest delay and rate that a nemesis uses together. */
    JEP_LINK_QUEUE_MS = 1000
};

/* Zeroed: a whole link, which delivers at once. */
struct jep_link_rule {
    bool is_cut;
    uint32_t flap_ms;       /* with is_cut: cut for so long, whole for so long; 0: cut */
    uint32_t delay_us;      /* each frame */
    uint32_t jitter_us;     /* uniform, more; keeps the order */
    uint32_t loss_ppm;      /* dropped, per million frames */
    uint32_t duplicate_ppm; /* delivered twice */
    uint32_t reorder_ppm;   /* held back by reorder_us, so that others overtake it */
    uint32_t reorder_us;
    uint32_t corrupt_ppm;      /* a bit of the payload flipped, checksums made right again */
    uint64_t rate_bytes_per_s; /* 0: no limit */
};

/* Frames, from the start of the plant. */
struct jep_link_counts {
    uint64_t passed; /* delivered at least once */
    uint64_t bytes;  /* of these */
    uint64_t cut;
    uint64_t lost;
    uint64_t overflowed; /* dropped since the wire was busy for JEP_LINK_QUEUE_MS */
    uint64_t delayed;
    uint64_t delay_us; /* sum over those delayed */
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t corrupted;
};

struct jep_link {
    struct jep_link_rule rule;
    struct jep_link_counts counts;
    struct jep_rng rng;
    int64_t rule_since_ns; /* flapping counts from here */
    int64_t wire_free_ns;  /* by the rate */
    int64_t last_due_ns;   /* no later frame overtakes it, unless reordered */
};

enum jep_link_fate_kind {
    JEP_LINK_DROP,
    JEP_LINK_DELIVER,
    JEP_LINK_DELIVER_TWICE
};

struct jep_link_fate {
    enum jep_link_fate_kind kind;
    int64_t due_ns;      /* not before; now_ns for at once */
    int64_t twin_due_ns; /* of the second copy */
    bool is_corrupt;
    uint32_t corrupt_at; /* any number; the place is taken modulo the payload's bits */
};

void jep_link_init(struct jep_link *link, uint64_t seed, unsigned from, unsigned to);
/* Frames that wait already keep their time. */
void jep_link_set(struct jep_link *link, const struct jep_link_rule *rule, int64_t now_ns);
/* size: of the frame, in bytes. now_ns: a monotonic clock, never falling. Counts what it decides;
 * is_corrupt is counted by whoever finds a payload to corrupt. */
struct jep_link_fate jep_link_decide(struct jep_link *link, size_t size, int64_t now_ns);
/* Cut as of now: a rule that flaps is, every other time. */
bool jep_link_is_cut(const struct jep_link *link, int64_t now_ns);

#endif
