/* proto/checkpoint.h: the manifest of a checkpoint: what Raft's snapshot holds instead of data.
 *
 * A checkpoint is a directory of immutable files; the manifest names each with size and
 * digest, and the index it speaks for. Schema: proto/schema/checkpoint.fbs. */
#ifndef WEFT_PROTO_CHECKPOINT_H
#define WEFT_PROTO_CHECKPOINT_H

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

struct weft_checkpoint_file {
    struct weft_text name; /* Plain file name: no '/', not "." or "..". */
    uint64_t size_bytes;
    struct weft_digest digest;
};

struct weft_manifest {
    struct weft_text name; /* Of the checkpoint's directory: "<index>-<term>". */
    struct weft_text site;
    uint64_t cluster;
    uint64_t index;  /* Last applied entry. */
    uint64_t term;   /* Its term. */
    int64_t time_ns; /* Time of that entry. */
    uint64_t conf_index;
    struct weft_bytes configuration; /* Encoded by the raft layer; in force at `index`. */
    struct weft_digest chain;        /* State chain at `index` (node/state/README.md). */
    uint32_t format;                 /* Of the state's keys and values. */
    const struct weft_checkpoint_file *files;
    uint32_t file_count;
};

/* A piece of a checkpoint's file: between peers (FETCH, CHUNK) and to clients (FILE, FILE_RESULT).
 */
struct weft_fetch {
    struct weft_text checkpoint; /* Name in the manifest. */
    struct weft_text file;
    uint64_t offset;
    uint32_t size_bytes; /* At most WEFT_CHUNK_SIZE_MAX. */
};

struct weft_chunk {
    struct weft_text checkpoint;
    struct weft_text file;
    uint64_t offset;
    enum weft_err err; /* Not WEFT_OK: data is empty, e.g. the checkpoint is gone. */
    uint32_t crc32c;   /* Of data. */
    struct weft_bytes data;
};

WEFT_MUST_USE enum weft_err weft_manifest_encode(
    const struct weft_manifest *manifest, struct weft_buffer *out);

/* Names are checked to be plain. WEFT_EMALFORMED, WEFT_EVERSION, WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_manifest_decode(
    struct weft_bytes bytes, struct weft_arena *arena, struct weft_manifest *ret_manifest);

#endif
