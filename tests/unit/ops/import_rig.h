/* tests/unit/ops/import_rig.h: what an importer makes of a text, as one text to compare. */
#ifndef WEFT_TESTS_UNIT_OPS_IMPORT_RIG_H
#define WEFT_TESTS_UNIT_OPS_IMPORT_RIG_H

#include "ops/import/importer.h"
#include "tests/lib/test.h"

struct imported {
    struct weft_buffer lines; /* Of each record "ID ONCE JSON", of each refusal "! MESSAGE". */
    uint32_t items, records, refused;
    const char *notice;
};

/* Feed it in pieces of at random up to `piece_max` bytes, each in memory of its own. Every record
 * must pass its check, every place and id must be set. `map` may be NULL. */
struct imported import_text(const struct weft_importer_type *type, struct weft_text text,
    const char *name, const char *map, uint64_t piece_max);
void free_imported(struct imported *imported);
/* The same lines, whatever the pieces. */
void expect_same_in_pieces(
    const struct weft_importer_type *type, struct weft_text text, const char *map, int rounds);
/* The whole output; for short texts. */
void expect_imported(
    const struct weft_importer_type *type, const char *text, const char *map, const char *expected);
/* What creating it says about a map. */
void expect_map_refused(
    const struct weft_importer_type *type, const char *map, const char *expected);

#endif
