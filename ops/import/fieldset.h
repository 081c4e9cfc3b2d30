/* ops/import/fieldset.h: the fields of a record while an importer makes it.
 *
 * Adding keeps the first error, so that a record is a list of lines; it is looked at once, at
 * the end. Paths are literals of the importer's own, or made with weft_path_add. */
#ifndef WEFT_OPS_IMPORT_FIELDSET_H
#define WEFT_OPS_IMPORT_FIELDSET_H

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/record.h"

struct weft_fieldset {
    struct weft_arena *arena; /* Paths and values are copied into it. */
    struct weft_field *list;
    uint32_t count;
    enum weft_err err;
};

/* An empty text is left out: nothing was said. */
void weft_fieldset_text(struct weft_fieldset *f, const char *path, struct weft_text value);
void weft_fieldset_count(struct weft_fieldset *f, const char *path, uint64_t count);
void weft_fieldset_bool(struct weft_fieldset *f, const char *path, bool value);

/* The same below a prefix: "<prefix>/<name>", where the name is escaped. */
struct weft_text weft_fieldset_below(
    struct weft_fieldset *f, struct weft_text prefix, struct weft_text name);
void weft_fieldset_add(struct weft_fieldset *f, struct weft_text prefix, const char *name,
    struct weft_text value, enum weft_value_type type);

/* What a record says, without its source, into a hash: for the id of an item. */
void weft_fieldset_hash(struct weft_sha256 *hash, const struct weft_record *record);

#endif
