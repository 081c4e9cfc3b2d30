#include "policy/audit_evidence.h"

#include <inttypes.h>
#include <stdlib.h>

#include "policy/evidence.h"

void weft_audit_evidence_close(struct weft_audit_evidence *e)
{
    free(e->missing);
    weft_buffer_destroy(&e->file);
    e->missing = NULL;
    e->missing_count = e->capacity = 0;
}

/* *ret_file: NULL if there is none. */
static enum weft_err read_file(struct weft_audit_evidence *e, const char *path,
    struct weft_bytes *bytes, const struct weft_bytes **ret_file, struct weft_msg *msg)
{
    e->file.size_max = WEFT_EVIDENCE_SALT_SIZE + WEFT_EVIDENCE_SIZE_MAX;
    weft_buffer_clear(&e->file);
    enum weft_err err = e->read(e->ctx, path, &e->file, msg);
    *bytes = (struct weft_bytes){e->file.data, e->file.size};
    *ret_file = err == WEFT_OK ? bytes : NULL;
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

static enum weft_err add_missing(struct weft_audit_evidence *e, uint64_t leaf,
    const struct weft_digest *commitment, struct weft_msg *msg)
{
    if (e->missing_count == WEFT_AUDIT_MISSING_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG,
            "over %d blobs of evidence are missing, from leaf "
            "%" PRIu64 " on",
            WEFT_AUDIT_MISSING_MAX, e->missing[0].leaf);
    }
    if (e->missing_count == e->capacity) {
        uint32_t capacity = e->capacity == 0 ? 64 : 2 * e->capacity;
        struct weft_audit_missing *more = realloc(e->missing, capacity * sizeof(*more));
        if (more == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "evidence that is missing");
        }
        e->missing = more;
        e->capacity = capacity;
    }
    e->missing[e->missing_count++] = (struct weft_audit_missing){leaf, *commitment};
    return WEFT_OK;
}

/* The leaves keep their order: the first one that lacks something is told. */
static bool take_missing(struct weft_audit_evidence *e, const struct weft_digest *commitment)
{
    for (uint32_t i = 0; i < e->missing_count; i++) {
        if (weft_digest_equal(&e->missing[i].commitment, commitment)) {
            e->missing_count--;
            memmove(
                &e->missing[i], &e->missing[i + 1], (e->missing_count - i) * sizeof(e->missing[i]));
            return true;
        }
    }
    return false;
}

/* POL-56 */
static enum weft_err look(struct weft_audit_evidence *e, const struct weft_audit_leaf *leaf,
    const struct weft_digest *commitment, bool is_redacted, struct weft_msg *msg)
{
    char path[WEFT_EVIDENCE_PATH_SIZE];
    struct weft_bytes bytes;
    const struct weft_bytes *file;
    weft_evidence_format_path(commitment, path);
    enum weft_err err = read_file(e, path, &bytes, &file, msg);
    if (err != WEFT_OK) {
        return err;
    }
    switch (weft_evidence_judge(commitment, file, is_redacted)) {
    case WEFT_EVIDENCE_SOUND:
        e->sound++;
        return WEFT_OK;
    case WEFT_EVIDENCE_MISSING:
        return add_missing(e, leaf->number, commitment, msg);
    case WEFT_EVIDENCE_REDACTED:
        e->redacted++;
        return take_missing(e, commitment)
                   ? WEFT_OK
                   : weft_fail(
                         msg, WEFT_EMALFORMED, "%s: no leaf before has it, or none any more", path);
    case WEFT_EVIDENCE_SWAPPED:
        return weft_fail(msg, WEFT_EBADSIG, "%s is not what the leaf commits to", path);
    case WEFT_EVIDENCE_UNDEAD:
        return weft_fail(
            msg, WEFT_EBADSIG, "%s is there, but was redacted: whoever copied it removes it", path);
    case WEFT_EVIDENCE_FINDINGS:
        break;
    }
    return WEFT_ESTATE;
}

enum weft_err weft_audit_evidence_step(
    struct weft_audit_evidence *e, const struct weft_audit_leaf *leaf, struct weft_msg *msg)
{
    bool is_redaction = weft_audit_leaf_redacts_blobs(leaf);
    enum weft_err err = WEFT_OK;
    if (!is_redaction && !weft_audit_leaf_keeps_blobs(leaf)) {
        return WEFT_OK;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < leaf->evidence_count; i++) {
        err = look(e, leaf, &leaf->evidence[i], is_redaction, msg);
    }
    return err == WEFT_OK ? err : weft_wrap(msg, err, "leaf %" PRIu64, leaf->number);
}

enum weft_err weft_audit_evidence_end(const struct weft_audit_evidence *e, struct weft_msg *msg)
{
    char path[WEFT_EVIDENCE_PATH_SIZE];
    if (e->missing_count == 0) {
        return WEFT_OK;
    }
    weft_evidence_format_path(&e->missing[0].commitment, path);
    return weft_fail(msg, WEFT_ENOTFOUND,
        "leaf %" PRIu64 ": %s is missing, and no leaf says that it was redacted (%" PRIu32
        " of them)",
        e->missing[0].leaf, path, e->missing_count);
}
