/* jepsen/cluster/probe.h: the controls behind `jepsen env`: each does a thing with a fault and
 * without it, and says whether it saw what it should. */
#ifndef WEFT_JEPSEN_CLUSTER_PROBE_H
#define WEFT_JEPSEN_CLUSTER_PROBE_H

#include <stdbool.h>

#include "jepsen/core/text.h"

struct jep_probe_place {
    char scratch[256]; /* a directory of this control's own */
    const char *shims;
};

/* is_faulty: the fault is on. True: the fault was seen if it was on, and was not if it was off;
 * told says what was seen. False: told says why, or what was seen instead. */
typedef bool jep_probe(
    const struct jep_probe_place *place, bool is_faulty, struct jep_message *told);

jep_probe jep_probe_enclose;  /* the processes of an enclosure whose shell was killed */
jep_probe jep_probe_cut;      /* a frame over a link, cut in one direction */
jep_probe jep_probe_delay;    /* the time that a frame takes over a link */
jep_probe jep_probe_signal;   /* a process that is paused */
jep_probe jep_probe_full;     /* a write to a full tmpfs */
jep_probe jep_probe_ext4;     /* a file system on a loop device, full */
jep_probe jep_probe_power;    /* bytes that were not synced, after a power cut */
jep_probe jep_probe_readonly; /* a write to a file system that found an error */
jep_probe jep_probe_clock;    /* what date(1) thinks the time is */
jep_probe jep_probe_disk;     /* a sync of dd(1) */
jep_probe jep_probe_torn;     /* a write of dd(1), torn */
jep_probe jep_probe_memory;   /* the buffer of dd(1) */
jep_probe jep_probe_files;    /* a file more than a process may open */
jep_probe jep_probe_quota;    /* a loop in a control group with a quota */

#endif
