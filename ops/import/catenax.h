/* ops/import/catenax.h: Catena-X test data containers as records: twins, what is in them, what
 * they are in.
 *
 * A twin of the container is one item: its records are committed together. What becomes what,
 * and why the two sides of an edge stay two claims, is told in ops/import/README.md. */
#ifndef WEFT_OPS_IMPORT_CATENAX_H
#define WEFT_OPS_IMPORT_CATENAX_H

#include "ops/import/importer.h"

extern const struct weft_importer_type weft_catenax_importer;

#endif
