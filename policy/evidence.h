/* policy/evidence.h: what leaves of the audit log commit to, kept beside it, and how it goes.
 *
 * A leaf has the salted digest of a blob (a note, a hidden value, a principal's name). Who is shown
 * salt and blob can check it; who is not learns nothing, not even by guessing. Redaction destroys
 * both; the leaf and every proof stay as they are. Holds win over redaction. Pure: salts and
 * times are given, files are the caller's. */
#ifndef WEFT_POLICY_EVIDENCE_H
#define WEFT_POLICY_EVIDENCE_H

#include <stdbool.h>

#include "proto/digest.h"

enum {
    WEFT_EVIDENCE_SALT_SIZE = 16,          /* as crypto/random gives: 128 bits are not guessed */
    WEFT_EVIDENCE_SIZE_MAX = 1024 * 1024,  /* bytes of a blob; chosen: the largest message */
    WEFT_EVIDENCE_PATH_SIZE = 9 + 64 + 1,  /* "evidence/", hexadecimal, zero */
    WEFT_EVIDENCE_HOLDS_MAX = 8,           /* on one blob; chosen: few parties to a dispute */
    WEFT_EVIDENCE_HOLD_NAME_SIZE_MAX = 63, /* as principals' parts */
};

/* A hold without an end. */
#define WEFT_EVIDENCE_FOREVER INT64_MAX

/* What a commitment is about: a salted digest of one cannot be shown as one of another. The words
 * are hashed, and never change. */
enum weft_evidence_domain {
    WEFT_EVIDENCE_BLOB,  /* "blob": a file of evidence/ */
    WEFT_EVIDENCE_ACTOR, /* "actor": a principal's URI; the salt is its own, so that it is the same
                            pseudonym each time, and nobody's when the salt is destroyed */
    WEFT_EVIDENCE_FIELD, /* "field": a value that was hidden from a reader */
    WEFT_EVIDENCE_DOMAINS
};

struct weft_evidence_salt {
    uint8_t bytes[WEFT_EVIDENCE_SALT_SIZE];
};

/* SHA-256("weft-commitment/v1 " || word || 0x0A || salt || blob). */
struct weft_digest weft_evidence_commit(enum weft_evidence_domain domain,
    const struct weft_evidence_salt *salt, struct weft_bytes blob);
/* WEFT_EBADSIG: it is another's. */
WEFT_MUST_USE enum weft_err weft_evidence_verify(enum weft_evidence_domain domain,
    const struct weft_evidence_salt *salt, struct weft_bytes blob,
    const struct weft_digest *commitment, struct weft_msg *msg);

/* --- files: evidence/<commitment>, a salt and the blob behind it -------------------------------
 */

/* Terminated. */
void weft_evidence_format_path(
    const struct weft_digest *commitment, char ret_path[WEFT_EVIDENCE_PATH_SIZE]);
/* Exactly what format gives. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_evidence_parse_path(
    struct weft_text path, struct weft_digest *ret_commitment);
/* Append a file's content. WEFT_ETOOBIG: the blob, or the buffer; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_evidence_encode(
    const struct weft_evidence_salt *salt, struct weft_bytes blob, struct weft_buffer *out);
/* The blob of a file, which it borrows. WEFT_EMALFORMED: no file of evidence; WEFT_ETOOBIG;
 * WEFT_EBADSIG: not what the commitment is to. */
WEFT_MUST_USE enum weft_err weft_evidence_open(struct weft_bytes file,
    const struct weft_digest *commitment, struct weft_bytes *ret_blob, struct weft_msg *msg);

/* --- what may go -------------------------------------------------------------------------------
 */

/* Nobody may redact before that. */
struct weft_evidence_hold {
    char name[WEFT_EVIDENCE_HOLD_NAME_SIZE_MAX + 1]; /* Terminated. */
    int64_t until_ns; /* It ends with this time; or WEFT_EVIDENCE_FOREVER. */
};

/* Replicated; times are those of entries. Zero-initialized: there, without holds. */
struct weft_evidence_record {
    bool is_redacted;
    uint64_t leaf; /* Redacted: the leaf that says so. */
    uint32_t hold_count;
    struct weft_evidence_hold holds[WEFT_EVIDENCE_HOLDS_MAX]; /* By name, each once. */
};

/* A hold, or a longer one of that name; a shorter one changes nothing: who may end a hold says so
 * (release). WEFT_ESTATE: redacted. WEFT_EINVAL: the name (1 to 63 of A-Z a-z 0-9 . - _).
 * WEFT_ETOOBIG: too many. */
WEFT_MUST_USE enum weft_err weft_evidence_hold(struct weft_evidence_record *record,
    struct weft_text name, int64_t until_ns, struct weft_msg *msg);
/* WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_evidence_release(
    struct weft_evidence_record *record, struct weft_text name, struct weft_msg *msg);
/* The caller destroys salt and blob once this is durable, with the leaf that says so.
 * WEFT_EREFUSED: a hold lasts, `msg` names it; WEFT_ESTATE: redacted already. */
WEFT_MUST_USE enum weft_err weft_evidence_redact(
    struct weft_evidence_record *record, int64_t now_ns, uint64_t leaf, struct weft_msg *msg);

/* --- what an auditor finds ---------------------------------------------------------------------
 */

enum weft_evidence_finding {
    WEFT_EVIDENCE_SOUND,    /* The file is there and is what the leaf commits to. */
    WEFT_EVIDENCE_REDACTED, /* The log says so, and there is no file. */
    WEFT_EVIDENCE_MISSING,  /* Neither: not exported, or destroyed without a word. */
    WEFT_EVIDENCE_UNDEAD,   /* The log says that it was redacted, and here it is. */
    WEFT_EVIDENCE_SWAPPED,  /* A file that is something else. */
    WEFT_EVIDENCE_FINDINGS
};

/* "sound", "redacted" and so on. Static storage. */
const char *weft_evidence_finding_name(enum weft_evidence_finding finding);
/* `file` is NULL if there is none. */
enum weft_evidence_finding weft_evidence_judge(
    const struct weft_digest *commitment, const struct weft_bytes *file, bool is_redacted);

#endif
