/* ops/import/telemetry_block.h: blocks of telemetry: the lines of a log, compressed; zstd's owner.
 *
 * A block is one zstd frame (RFC 8878) of whole lines, byte for byte as they came, with their
 * size in its header. The blocks of a run, unpacked one behind the other, are its log again.
 * A node keeps a block by its SHA-256 and does not look into it (node/telemetry.h). */
#ifndef WEFT_OPS_IMPORT_TELEMETRY_BLOCK_H
#define WEFT_OPS_IMPORT_TELEMETRY_BLOCK_H

#include "proto/bytes.h"
#include "proto/limits.h"

enum {
    WEFT_BLOCK_RAW_SIZE_MAX = 8 * 1024 * 1024, /* unpacked; chosen: 0.4 MiB of machine data */
};

/* Compress as much of `raw`, from its start and up to an end of line, as fits into a block; all
 * of it if that fits. A line that alone fits into none is cut. `out` is replaced. `raw` is at
 * most WEFT_BLOCK_RAW_SIZE_MAX and not empty. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_block_pack(
    struct weft_bytes raw, struct weft_buffer *out, size_t *ret_packed);

/* Appends what is in a block. WEFT_EMALFORMED: not one whole frame, or one that does not say its
 * size; WEFT_ETOOBIG: unpacked it is more than WEFT_BLOCK_RAW_SIZE_MAX; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_block_unpack(struct weft_bytes block, struct weft_buffer *out);

#endif
