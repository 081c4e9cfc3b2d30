/* tests/unit/ops/document_rig.h: an importer run over a text, its items as lines of JSON. */
#ifndef WEFT_TESTS_UNIT_OPS_DOCUMENT_RIG_H
#define WEFT_TESTS_UNIT_OPS_DOCUMENT_RIG_H

#include "ops/import/importer.h"
#include "tests/lib/test.h"

enum {
    RIG_IMPORTS_MAX = 64,
    RIG_BLOCKS_MAX = 64,
};

/* What came out. Freed by the next run and by rig_free. */
struct rig {
    struct weft_buffer records; /* One JSON object per line. */
    uint32_t item_count, record_count;
    struct weft_request_id ids[RIG_IMPORTS_MAX];
    struct weft_import_place places[RIG_IMPORTS_MAX];
    struct weft_buffer blocks[RIG_BLOCKS_MAX];
    struct weft_digest digests[RIG_BLOCKS_MAX];
    uint32_t block_count;
    uint32_t refused;
    enum weft_err err; /* Of the last refusal. */
    struct weft_msg msg;
    const char *notice;
};

extern struct rig rig;

struct rig_options {
    const char *name, *map, *model;
    size_t step; /* Fed so many bytes at a time; 0: all. */
};

/* The whole document, twice if the importer wants it. Checks what holds for every importer: each
 * record passes the check, each block has its digest, ids are not zero. False: it could not be
 * created (rig.err, rig.msg). */
bool rig_run(const struct weft_importer_type *type, struct weft_text text,
    const struct rig_options *options);
void rig_free(void);

/* "records" as a terminated text. */
const char *rig_records(void);
void rig_expect_holds(const char *piece);
void rig_expect_lacks(const char *piece);
/* The document is refused at its start or on its way. */
void rig_expect_refused(const struct weft_importer_type *type, const char *text,
    const struct rig_options *options, enum weft_err expected, const char *reason);

#endif
