/* ops/weft/import.h: what every `weft import FORMAT` does: files or stdin through an importer,
 * its items into commits, each item counted once, what is refused named, the rest reported.
 *
 * Nothing of an import is remembered beside the records themselves: an import that was broken
 * off is resumed by running it again. What is there already is found by asking for it, which
 * is quicker than stating it (OPS-103). */
#ifndef WEFT_OPS_WEFT_IMPORT_H
#define WEFT_OPS_WEFT_IMPORT_H

#include "ops/import/importer.h"
#include "ops/weft/args.h"
#include "ops/weft/command.h"

/* Operands: the files, "-" for stdin. Options: dry-run, batch, outstanding, output, and map. */
enum weft_exit weft_import_run(const struct weft_args *args, const struct weft_importer_type *type);

#endif
