/* node/checkpoint/record.h: one local checkpoint on disk and its manifest, read and checked.
 *
 * The file `manifest` is 8 bytes of magic, the size and the CRC32C of what follows (4 bytes
 * each, little-endian), and the encoded manifest (proto/checkpoint.h). */
#ifndef WEFT_NODE_CHECKPOINT_RECORD_H
#define WEFT_NODE_CHECKPOINT_RECORD_H

#include "node/checkpoint/keeper.h"

struct weft_record {
    struct weft_record *next;
    char name[WEFT_CHECKPOINT_NAME_SIZE];
    char directory[WEFT_CHECKPOINT_PATH_SIZE]; /* Of the checkpoint. */
    char files[WEFT_CHECKPOINT_PATH_SIZE];     /* "<directory>/files" */
    struct weft_arena arena;
    struct weft_buffer encoded;
    struct weft_manifest manifest; /* Its slices borrow from both. */
    uint64_t file_bytes;
    uint64_t pinned_ms; /* Monotonic; kept until then. */
};

/* "<index>-<term>"; false: not such a name. */
bool weft_record_parse_name(const char *name, uint64_t *ret_index, uint64_t *ret_term);
void weft_record_format_name(
    uint64_t index, uint64_t term, char ret_name[WEFT_CHECKPOINT_NAME_SIZE]);

/* WEFT_EMALFORMED, WEFT_EVERSION, WEFT_ETOOBIG, WEFT_ENOMEM: the manifest. `path` is where the
 * checkpoint is, or will be. */
WEFT_MUST_USE enum weft_err weft_record_create(const char *path, struct weft_bytes manifest,
    struct weft_record **ret_record, struct weft_msg *msg);
/* Read the manifest of the checkpoint at `path`. WEFT_ECORRUPT: it is damaged, or none. */
WEFT_MUST_USE enum weft_err weft_record_load(
    const char *path, struct weft_record **ret_record, struct weft_msg *msg);
void weft_record_destroy(struct weft_record *record);

/* Every file is there with its size, and nothing else. WEFT_ECORRUPT names what is not. */
WEFT_MUST_USE enum weft_err weft_record_check_files(
    const struct weft_record *record, struct weft_msg *msg);

/* Write "<path>/manifest" and sync it. */
WEFT_MUST_USE enum weft_err weft_record_write_manifest(
    const char *path, struct weft_bytes encoded, struct weft_msg *msg);

/* NULL: no such file. */
const struct weft_checkpoint_file *weft_record_find(
    const struct weft_manifest *manifest, struct weft_text name);

/* "<directory>/<name>". WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_record_join(const char *directory, struct weft_text name,
    char ret_path[WEFT_CHECKPOINT_PATH_SIZE], struct weft_msg *msg);

#endif
