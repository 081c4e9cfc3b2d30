/* jepsen/cluster/shim/page.h: what harness and preloaded libraries share: one page of memory per
 * node and library, a file on the enclosure's scratch that both map. The harness writes the wishes,
 * the library counts what it did, which is the evidence. Every field is read and written with
 * relaxed atomics: a wish is seen by the next call, and that is all that is promised. */
#ifndef WEFT_JEPSEN_CLUSTER_SHIM_PAGE_H
#define WEFT_JEPSEN_CLUSTER_SHIM_PAGE_H

#include <stdint.h>

#define JEP_CLOCK_ENV "JEPSEN_CLOCK" /* path of the page; without it the library does nothing */
#define JEP_DISK_ENV "JEPSEN_DISK"
#define JEP_MEMORY_ENV "JEPSEN_MEMORY"
#define JEP_FAIL_ENV "WEFT_FAILPOINTS" /* of test builds of the product: no library of ours */

enum {
    JEP_PAGE_BYTES = 4096
};

/* Offset of the wall clock, in ns: offset + drift_ppm of the time since `since`, and, every other
 * strobe_ms, strobe. The monotonic clock is never touched: timers stay true. */
struct jep_clock_page {
    int64_t offset_ns;
    int64_t drift_ppm;
    int64_t drift_since_ns; /* CLOCK_MONOTONIC */
    int64_t strobe_ns;
    int64_t strobe_ms; /* 0: none */
    /* Evidence. */
    uint64_t reads;         /* times the process read its wall clock */
    int64_t last_offset_ns; /* what it was told last, less what was true */
    uint64_t changes;       /* readings with another offset than the reading before */
};

enum jep_disk_area {
    JEP_AREA_NONE,  /* sockets, logs of the harness ... */
    JEP_AREA_LOG,   /* DATA/raft/ */
    JEP_AREA_STATE, /* anything else below the node's disk */
};

enum jep_disk_calls {
    JEP_CALL_WRITE = 1 << 0,
    JEP_CALL_SYNC = 1 << 1,
    JEP_CALL_ALLOCATE = 1 << 2
};

struct jep_disk_page {
    /* Wishes. */
    uint32_t calls;         /* bits of jep_disk_calls: these fail */
    uint32_t areas;         /* bits 1 << jep_disk_area: there */
    uint32_t error;         /* with this errno */
    uint32_t per_million;   /* of the calls */
    uint32_t sync_delay_us; /* before each sync of such an area */
    uint32_t torn;      /* 1: the next write to the log is torn, synced, and the process killed */
    uint32_t torn_part; /* of the write's bytes are there afterwards, per million */
    /* Evidence. */
    uint64_t writes;
    uint64_t write_bytes;
    uint64_t syncs;
    uint64_t failed;        /* calls that were made to fail */
    uint64_t delayed;       /* syncs */
    uint64_t torn_bytes;    /* that are missing from the torn write */
    uint64_t no_space;      /* calls that the kernel itself refused: ENOSPC */
    uint64_t io_errors;     /* EIO */
    uint64_t read_only;     /* EROFS */
    uint64_t no_descriptor; /* EMFILE, of whatever would have made one */
};

/* Of the allocations of at least so many bytes, some are passed and the next ones are refused. */
struct jep_memory_page {
    uint64_t at_least; /* bytes; written before passes, passes before left */
    uint32_t passes;
    uint32_t left; /* refusals to come; 0: none */
    /* Evidence. */
    uint64_t refused;
};

/* The same layout as the product's test build has (raft/failpoint.h), with which this shares no
 * code. */
enum {
    JEP_FAIL_NAME_BYTES = 32
};

struct jep_fail_page {
    char armed[JEP_FAIL_NAME_BYTES]; /* place; written before left */
    uint32_t left;                   /* times until the process ends there; 0: it does not */
    uint32_t present;                /* evidence: a process that knows such places */
    char ended_at[JEP_FAIL_NAME_BYTES];
};

#endif
