/* federation/cells/subject.h: what a statement is about, before anybody has met it.
 *
 * A subject is SHA-256(authority, kind, natural key) (proto/statement.h): whoever knows how its
 * maker calls a thing can refer to it before the maker's record arrives. Names that are the
 * world's and nobody's (UUIDs, EPC URIs) have no authority, so everybody derives the same subject.
 * A unit without a usable serial gets a subject of its own: it is kept, and waits for somebody to
 * say which unit it is (alias.h). Rules: README.md, "Subjects". */
#ifndef WEFT_FEDERATION_CELLS_SUBJECT_H
#define WEFT_FEDERATION_CELLS_SUBJECT_H

#include <stdbool.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"
#include "proto/limits.h"

enum {
    WEFT_SUBJECT_KEY_SIZE = WEFT_ASSET_SIZE_MAX + 1, /* Terminated. */
};

/* How a subject is called. Borrows. */
struct weft_subject_name {
    struct weft_text authority; /* "<org>/<site>"; empty: it is nobody's. */
    struct weft_text kind;      /* Of thing: "serial", "lot"; of nobody's names "uuid", "epc". */
    struct weft_text key;
};

struct weft_digest weft_subject_of(const struct weft_subject_name *name);

enum weft_subject_fault {
    WEFT_SUBJECT_SOUND,
    WEFT_SUBJECT_EMPTY,
    WEFT_SUBJECT_PLACEHOLDER, /* "n/a", "unknown", "000": written where a serial should be. */
    WEFT_SUBJECT_INVALID,     /* No asset may be called so. */
};

/* A key is as its maker has it; only its last segment (behind the last '/', without one behind the
 * last ':') is looked at for placeholders. */
enum weft_subject_fault weft_subject_key_fault(struct weft_text key);

/* Where what is said of a thing goes. */
enum weft_subject_place {
    WEFT_SUBJECT_TO_CELL,       /* To its subject's cells. */
    WEFT_SUBJECT_TO_CONFIRM,    /* The same, of a subject of its own: an alias may say which. */
    WEFT_SUBJECT_TO_QUARANTINE, /* It has no name at all. */
};

/* The name of what `authority` calls `key`, in its one spelling: a UUID, with or without
 * "urn:uuid:", in lower case behind it; "urn:epc:" in lower case before the rest. `has_serial`:
 * whoever stated it knew its serial number; if not (QIF's components without one), or if the key is
 * empty or a placeholder (its name is then made of the statement's digest), it is TO_CONFIRM.
 * `ret_key` is the name's memory; `authority` and `kind` are borrowed. Of TO_QUARANTINE *ret_name
 * is untouched. */
enum weft_subject_place weft_subject_admit(struct weft_text authority, struct weft_text kind,
    struct weft_text key, bool has_serial, const struct weft_digest *statement,
    char ret_key[WEFT_SUBJECT_KEY_SIZE], struct weft_subject_name *ret_name);

#endif
