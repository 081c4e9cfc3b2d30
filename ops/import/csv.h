/* ops/import/csv.h: tables of comma-separated values as records, by a mapping file.
 *
 * A row is an item. What a mapping may say is told in ops/import/README.md. */
#ifndef WEFT_OPS_IMPORT_CSV_H
#define WEFT_OPS_IMPORT_CSV_H

#include "ops/import/importer.h"

/* options.option is the mapping; without one creating it is refused. */
extern const struct weft_importer_type weft_csv_importer;

#endif
