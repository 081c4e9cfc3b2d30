/* node/checkpoint/fetcher.h: decides how a checkpoint is downloaded. A pure machine: no I/O, no
 * clock, no memory of its own. Its driver is node/checkpoint/download.h.
 *
 * It asks for pieces, several ahead, file after file; accepts only what it asked for; has each
 * file verified as a whole; changes the source after silence or bad pieces; and gives up when
 * nothing moves any more. Diagram, table and invariants NOD-21n: node/checkpoint/README.md. */
#ifndef WEFT_NODE_CHECKPOINT_FETCHER_H
#define WEFT_NODE_CHECKPOINT_FETCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/checkpoint.h"
#include "proto/err.h"
#include "proto/limits.h"

enum {
    WEFT_FETCHER_WINDOW_MAX = 8,           /* pieces asked for ahead; chosen */
    WEFT_FETCHER_PIECE_BYTES = 256 * 1024, /* chosen: 8 of them fill a 1 Gbit/s link at 16 ms */
    WEFT_FETCHER_SOURCES_MAX = 16,         /* members of a site */
    WEFT_FETCHER_SILENCE_MS = 30 * 1000,   /* a source that answers nothing; chosen */
    WEFT_FETCHER_BACKOFF_MIN_MS = 200,     /* before the next connection; doubles */
    WEFT_FETCHER_BACKOFF_MAX_MS = 5 * 1000,
    WEFT_FETCHER_STALL_MS = 10 * 60 * 1000, /* no file got further: give up; chosen */
    WEFT_FETCHER_STRIKES_MAX = 3,           /* bad pieces before a source is left */
    WEFT_FETCHER_MISMATCHES_MAX = 3,        /* whole-file digests that were wrong, per file */
};

_Static_assert((int)WEFT_FETCHER_PIECE_BYTES <= (int)WEFT_CHUNK_SIZE_MAX, "it fits in a chunk");

enum weft_fetcher_state {
    WEFT_FETCHER_IDLE,
    WEFT_FETCHER_CONNECTING, /* Waits for the link, or for the end of a backoff. */
    WEFT_FETCHER_FETCHING,
    WEFT_FETCHER_VERIFYING, /* Everything is written; digests are still being computed. */
    WEFT_FETCHER_STAGED,
    WEFT_FETCHER_FAILED,
    WEFT_FETCHER_STATES,
};

enum weft_fetcher_event_type {
    WEFT_FETCHER_START, /* `files` says what is here already. */
    WEFT_FETCHER_LINK_UP,
    WEFT_FETCHER_LINK_DOWN,
    WEFT_FETCHER_CHUNK,
    WEFT_FETCHER_WRITTEN,  /* The driver wrote what update->write said. */
    WEFT_FETCHER_VERIFIED, /* The driver hashed what update->verify said. */
    WEFT_FETCHER_TICK,
    WEFT_FETCHER_EVENTS,
};

enum weft_fetcher_file_state {
    WEFT_FETCHER_FILE_MISSING, /* `written_bytes` of it are here. */
    WEFT_FETCHER_FILE_HASHING,
    WEFT_FETCHER_FILE_DONE,
};

/* One per file of the manifest, in its order; the caller's memory. */
struct weft_fetcher_file {
    uint64_t size_bytes;
    uint64_t asked_bytes;   /* Asked for up to here. */
    uint64_t written_bytes; /* Written, in whole; pieces may arrive in any order. */
    enum weft_fetcher_file_state state;
    uint32_t mismatches;
};

/* A piece that was asked for. */
struct weft_fetcher_piece {
    uint32_t file;
    uint64_t offset;
    uint32_t size_bytes;
    bool is_lost;    /* To be asked for again: its connection is gone. */
    bool is_writing; /* Arrived; the driver has it. */
    uint64_t deadline_ms;
};

struct weft_fetcher {
    enum weft_fetcher_state state;
    uint64_t now_ms;
    uint64_t deadline_ms; /* 0 in IDLE, STAGED, FAILED. */
    struct weft_fetcher_file *files;
    uint32_t file_count;
    uint32_t next_file; /* First that may still have something to ask for. */
    uint32_t done_count;
    uint32_t hashing_count;
    struct weft_fetcher_piece pieces[WEFT_FETCHER_WINDOW_MAX];
    uint32_t piece_count;
    uint32_t source_count;
    uint32_t source;  /* Present one. */
    uint32_t refused; /* Bit per source: it does not have the checkpoint. */
    uint32_t strikes; /* Of the present source. */
    bool is_up;
    bool is_connecting;
    uint32_t backoff_ms;
    uint64_t connect_ms;  /* CONNECTING: when to connect, or to give up connecting. */
    uint64_t progress_ms; /* When something was last written or verified. */
    uint64_t fetched_bytes;
    enum weft_err err; /* FAILED: why. */
};

struct weft_fetcher_event {
    enum weft_fetcher_event_type type;
    uint64_t now_ms; /* Monotonic. */
    /* START */
    struct weft_fetcher_file *files;
    uint32_t file_count;
    uint32_t source_count;
    /* CHUNK: which file of the manifest, and that names, size and checksum were looked at. */
    uint32_t file;
    uint64_t offset;
    uint32_t size_bytes;
    enum weft_err err; /* CHUNK: the source's; WRITTEN: the disk's. */
    bool is_intact;    /* CHUNK: crc32c is right. VERIFIED: the digest is. */
};

/* What the driver does, in this order. */
struct weft_fetcher_update {
    bool disconnect;
    bool connect; /* To `source`. */
    uint32_t source;
    bool write;  /* The event's data, at its file and offset; then WRITTEN. */
    bool verify; /* File `verify_file` as a whole; then VERIFIED. */
    uint32_t verify_file;
    bool restart; /* `restart_file` was not what the manifest says: cut it to nothing. */
    uint32_t restart_file;
    struct {
        uint32_t file;
        uint64_t offset;
        uint32_t size_bytes;
    } requests[WEFT_FETCHER_WINDOW_MAX];
    uint32_t request_count;
    bool staged;          /* Entered STAGED: all files are here and verified. */
    bool failed;          /* Entered FAILED: f->err says why. */
    uint64_t deadline_ms; /* When TICK is due; 0: never. */
};

void weft_fetcher_init(struct weft_fetcher *f);

/* WEFT_ESTATE: the state does not admit the event. WEFT_EMALFORMED: a chunk that was not asked
 * for, or damaged; counted against the source. Everything else is in the update. */
WEFT_MUST_USE enum weft_err weft_fetcher_step(struct weft_fetcher *f,
    const struct weft_fetcher_event *event, struct weft_fetcher_update *ret_update);

#endif
