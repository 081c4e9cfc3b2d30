/* node/audit_lines.h: signature lines of members, until a majority of them makes a checkpoint.
 *
 * Pure. Each member has one line of each tree, by a key that it names and that the line verifies
 * under; whether that key is trusted is for whoever verifies the note (policy/audit_verify.h). */
#ifndef WEFT_NODE_AUDIT_LINES_H
#define WEFT_NODE_AUDIT_LINES_H

#include "policy/merkle.h"
#include "policy/note.h"
#include "proto/peer.h"
#include "raft/configuration.h"

enum {
    WEFT_AUDIT_TREES_MAX = 8, /* Collected at once; the smallest gives way. Chosen: 0.8 s. */
};

struct weft_audit_signed {
    uint64_t member;
    char line[WEFT_AUDIT_LINE_SIZE_MAX + 1]; /* Terminated. */
};

struct weft_audit_tree {
    struct weft_merkle_head head;
    uint32_t count; /* 0: free. */
    struct weft_audit_signed lines[WEFT_MEMBERS_MAX];
};

struct weft_audit_lines {
    const char *origin;
    struct weft_audit_tree trees[WEFT_AUDIT_TREES_MAX];
    struct weft_merkle_head head; /* Of the note. */
    uint32_t signed_by;           /* Voters. */
    struct weft_buffer note;      /* The newest of a majority; empty: none. */
};

/* `origin` is borrowed. */
void weft_audit_lines_init(struct weft_audit_lines *lines, const char *origin);
void weft_audit_lines_destroy(struct weft_audit_lines *lines);
/* The text that lines of this log sign, behind what stands in `out`. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_audit_lines_text(const struct weft_audit_lines *lines,
    const struct weft_merkle_head *head, struct weft_buffer *out, struct weft_msg *msg);
/* WEFT_EBADSIG, WEFT_EMALFORMED, WEFT_EPEER (another origin): not a line of this log.
 * WEFT_ECONFLICT: another root was signed for this size; it is kept. WEFT_ESTATE: too old.
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_audit_lines_add(struct weft_audit_lines *lines, uint64_t member,
    const struct weft_audit_line *line, struct weft_msg *msg);
/* The same of a line that was signed here just now, and verifies. */
WEFT_MUST_USE enum weft_err weft_audit_lines_add_own(struct weft_audit_lines *lines,
    uint64_t member, const struct weft_audit_line *line, struct weft_msg *msg);
/* Make the note of the largest tree that a majority of the voters has signed, if it is newer, or
 * more of them have. */
void weft_audit_lines_settle(
    struct weft_audit_lines *lines, const struct weft_configuration *configuration);

#endif
