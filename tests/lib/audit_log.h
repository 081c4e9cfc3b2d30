/* tests/lib/audit_log.h: audit logs for tests: sample leaves in tiles, under a signed checkpoint.
 *
 * Where the files go is the caller's: into memory (struct audit_files) or a directory. */
#ifndef WEFT_TESTS_LIB_AUDIT_LOG_H
#define WEFT_TESTS_LIB_AUDIT_LOG_H

#include "policy/audit_leaf.h"
#include "policy/note.h"
#include "policy/tile_builder.h"

typedef void audit_put(void *ctx, const char *path, struct weft_bytes data);

struct audit_log {
    struct weft_tile_builder tree;
    struct weft_buffer bundle;
    audit_put *put;
    void *ctx;
};

/* `log` is large: not for the stack. */
void audit_log_init(struct audit_log *log, audit_put *put, void *ctx);
void audit_log_add(struct audit_log *log, struct weft_bytes leaf);
/* A leaf "weft-audit/v1" with the next number; what else it says follows from that. */
void audit_log_add_sample(struct audit_log *log);
/* The partial tiles and bundle, and the checkpoint. Returns its head; more may be added. */
struct weft_merkle_head audit_log_publish(struct audit_log *log, const char *origin,
    const struct weft_signer *signers, uint32_t signer_count);
void audit_log_destroy(struct audit_log *log);

/* A key of a seed that everybody knows, by its number. */
struct weft_signer audit_signer(const char *name, enum weft_signer_type type, uint8_t number);

enum {
    AUDIT_FILES_MAX = 16384
};

struct audit_file {
    char path[WEFT_TILE_PATH_SIZE];
    uint8_t *data;
    size_t size;
};

/* A directory in memory. */
struct audit_files {
    struct audit_file files[AUDIT_FILES_MAX];
    size_t count;
    size_t missed; /* Reads of what is not there. */
};

void audit_files_put(void *ctx, const char *path, struct weft_bytes data); /* Replaces. */
struct audit_file *audit_files_find(struct audit_files *files, const char *path);
/* As weft_audit_read. */
enum weft_err audit_files_read(
    void *ctx, const char *path, struct weft_buffer *ret_data, struct weft_msg *msg);
void audit_files_destroy(struct audit_files *files);

#endif
