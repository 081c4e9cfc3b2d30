/* raft/log_slots.h: the files that segments live in, made ready ahead by a thread of its own.
 *
 * A slot is a file "segment-NNNN", pre-zeroed and synced before it gets that name. Which
 * segment it holds is in its header, so that handing a slot on needs no directory operation.
 * Trimmed slots are used again as they are, or, while what was in them must go, removed; the
 * thread keeps one ready and removes what is more than WEFT_LOG_SPARES_MAX. */
#ifndef WEFT_RAFT_LOG_SLOTS_H
#define WEFT_RAFT_LOG_SLOTS_H

#include "raft/log_file.h"

enum {
    WEFT_LOG_SPARES_MIN = 1,
    WEFT_LOG_SPARES_MAX = 4, /* chosen: a trim gives back more than soon is used again */
    WEFT_LOG_SLOTS_MAX = 9999,
    WEFT_LOG_SLOT_NAME_SIZE = 24,
};

struct weft_log_slot {
    uint32_t number; /* In its name; says nothing of the order of the log. */
    int fd;
};

struct weft_log_slots;

/* "segment-0001" */
void weft_log_slot_name(uint32_t number, char ret_name[WEFT_LOG_SLOT_NAME_SIZE]);
/* 0: not the name of a slot. */
uint32_t weft_log_slot_parse(const char *name);

/* `numbers_used` is the highest slot number there is. WEFT_ENOMEM, WEFT_EIO (no thread). */
WEFT_MUST_USE enum weft_err weft_log_slots_create(const struct weft_log_directory *directory,
    uint32_t size_bytes, uint32_t numbers_used, struct weft_log_slots **ret_slots,
    struct weft_msg *msg);
/* Waits for the thread; closes spare slots. */
void weft_log_slots_destroy(struct weft_log_slots *slots);

/* A slot of `size_bytes` that nothing refers to any more; taken. Any thread. */
void weft_log_slots_give(
    struct weft_log_slots *slots, struct weft_log_slot slot, uint32_t size_bytes);
/* Waits until one is ready. WEFT_ENOSPC, WEFT_EIO: none can be made. WEFT_ECLOSED. Any thread. */
WEFT_MUST_USE enum weft_err weft_log_slots_take(
    struct weft_log_slots *slots, struct weft_log_slot *ret_slot, struct weft_msg *msg);
/* Waiting ones give up. */
void weft_log_slots_stop(struct weft_log_slots *slots);
/* Removes the spare ones, and, as long as it is on, each that is given. Any thread. */
void weft_log_slots_scrub(struct weft_log_slots *slots, bool is_on);
uint64_t weft_log_slots_spare_bytes(struct weft_log_slots *slots);

#endif
