/* ops/import/qif.h: QIF 2.1 and 3.0 results (ANSI/DMSC) as inspection records.
 *
 * One MeasurementResults is one item: the unit's inspection with its verdict and each measured
 * characteristic. Takes a map (ops/import/map.h). A document is read twice (`wants_again`). What
 * becomes what, and what is an inference: ops/import/README.md. */
#ifndef WEFT_OPS_IMPORT_QIF_H
#define WEFT_OPS_IMPORT_QIF_H

#include "ops/import/importer.h"

extern const struct weft_importer_type weft_qif_importer;

#endif
