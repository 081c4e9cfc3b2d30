/* tests/unit/raft/faulty_disk.h: the disk log's file operations on a disk that forgets.
 *
 * Writes go to real files in `directory`, as into the page cache of a running machine; beside
 * them the layer keeps what the platter holds: only what was synced. A power cut puts the
 * platter in the place of the files, with a random choice of the unsynced sectors and of the
 * unsynced directory operations (in order, as a journal has them). Faults strike on the n-th
 * operation of a kind. Thread safe. */
#ifndef WEFT_TESTS_FAULTY_DISK_H
#define WEFT_TESTS_FAULTY_DISK_H

#include "raft/log_file.h"

enum faulty_op {
    FAULTY_OPEN,
    FAULTY_WRITE,
    FAULTY_SHORT_WRITE, /* Half of it is written, and says so; the next one fails. */
    FAULTY_SYNC,
    FAULTY_ALLOCATE,
    FAULTY_RENAME,
    FAULTY_SYNC_DIRECTORY,
    FAULTY_READ,
    FAULTY_OPS,
};

struct faulty_disk;

struct faulty_disk *faulty_disk_create(const char *directory);
void faulty_disk_destroy(struct faulty_disk *d);
const struct weft_log_file_ops *faulty_disk_ops(struct faulty_disk *d);

/* The n-th operation from now (making spare segments not counted) fails with `error` (an errno);
 * all later ones of its kind too if it `stays`. 0: none. */
void faulty_disk_fail(
    struct faulty_disk *d, enum faulty_op op, uint64_t nth, int error, bool stays);
/* Faults of writes and syncs strike only files whose name begins so. "": all. */
void faulty_disk_aim(struct faulty_disk *d, const char *prefix);
/* Writes past so many bytes in all files fail with ENOSPC. 0: no limit. */
void faulty_disk_limit(struct faulty_disk *d, uint64_t bytes);
/* From now on a sync says done and leaves a part on its way: what no log can survive. */
void faulty_disk_lie(struct faulty_disk *d);
/* Syncs wait (those of spare segments do not) until they are let go: a disk of any slowness. */
void faulty_disk_hold_syncs(struct faulty_disk *d, bool holds);
uint64_t faulty_disk_syncs(const struct faulty_disk *d);

/* The process is killed: from here on every operation fails. Then close the log. */
void faulty_disk_freeze(struct faulty_disk *d);
/* The same, right after the n-th operation from now that changes anything; 0: not at all. */
void faulty_disk_freeze_after(struct faulty_disk *d, uint64_t nth);
/* After freeze and close. thaw: the files are as the process left them. cut: the power went,
 * they are what the platter has, and what `seed` adds. Clears faults. */
void faulty_disk_thaw(struct faulty_disk *d);
void faulty_disk_cut(struct faulty_disk *d, uint64_t seed);

#endif
