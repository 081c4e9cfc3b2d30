/* jepsen/cluster/damage.h: what a bad disk does to one file of a node that is down. What it did is
 * told exactly; that the file is otherwise than before is looked at. */
#ifndef WEFT_JEPSEN_CLUSTER_DAMAGE_H
#define WEFT_JEPSEN_CLUSTER_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "jepsen/core/arena.h"
#include "jepsen/core/text.h"

enum jep_damage_part {
    JEP_DAMAGE_LOG,        /* DATA/raft/segment-*: the one that holds most */
    JEP_DAMAGE_META,       /* DATA/raft/meta: term and vote */
    JEP_DAMAGE_STATE,      /* DATA/state: the largest table */
    JEP_DAMAGE_CHECKPOINT, /* DATA/checkpoints: the largest table */
    JEP_DAMAGE_PARTS
};

enum jep_damage_how {
    JEP_DAMAGE_FLIP,     /* one bit */
    JEP_DAMAGE_BLOCK,    /* 512 bytes of nonsense */
    JEP_DAMAGE_TRUNCATE, /* everything behind the place is gone */
    JEP_DAMAGE_DIGIT     /* the next digit is another one: no form is broken, only the content */
};

struct jep_damage {
    char file[512]; /* below the data directory; "": there is no such file yet */
    uint64_t offset;
    uint64_t bytes; /* changed, or cut off */
};

/* part_ppm: how far into what the file holds, per million. Files that are hard links get a copy of
 * their own first, as one bad sector hits one file. meta is damaged whole: it keeps what it says
 * more than once. True with file "": nothing to damage. */
bool jep_damage_do(const char *data, enum jep_damage_part part, enum jep_damage_how how,
    uint32_t part_ppm, struct jep_damage *ret_damage, struct jep_message *message)
    __attribute__((warn_unused_result));

const char *jep_damage_part_name(enum jep_damage_part part);

#endif
