/* ops/import/mtconnect.h: a machine's adapter log as a process run and blocks of telemetry.
 *
 * One document is one run of one part. Takes a map (ops/import/map.h) and a device model
 * (--devices). Gives the blocks first, then the record that names them by their digests. What
 * becomes what: ops/import/README.md. */
#ifndef WEFT_OPS_IMPORT_MTCONNECT_H
#define WEFT_OPS_IMPORT_MTCONNECT_H

#include "ops/import/importer.h"

enum {
    WEFT_RUN_BLOCKS_MAX = 400, /* of one run; 3 GiB of lines. One field each */
};

extern const struct weft_importer_type weft_mtconnect_importer;

#endif
