/* federation/fault.h: what is wrong with what a partner sent, by name.
 *
 * Faults of a transfer refuse it whole: the cursor stays, and what was sent may come again. Faults
 * of a statement are no reason to stop: it goes to quarantine as it came, and the cursor goes on.
 */
#ifndef WEFT_FEDERATION_FAULT_H
#define WEFT_FEDERATION_FAULT_H

#include <stdbool.h>

#include "proto/bytes.h"
#include "proto/err.h"

/* The numbers are on the wire, the words in refusals: neither changes. */
enum weft_stream_fault {
    WEFT_STREAM_SOUND = 0,

    /* Of a transfer. */
    WEFT_STREAM_MALFORMED = 1,          /* Not what its kind says. */
    WEFT_STREAM_UNKNOWN = 2,            /* No such agreement, or none of its parties. */
    WEFT_STREAM_SEQUENCE = 3,           /* It does not begin at the cursor. */
    WEFT_STREAM_UNSIGNED = 4,           /* A head or receipt that too few of its keys signed. */
    WEFT_STREAM_ORIGIN = 5,             /* A head of another stream. */
    WEFT_STREAM_PROOF = 6,              /* A proof that does not lead there. */
    WEFT_STREAM_HEAD = 7,               /* A batch under a head that is not known here. */
    WEFT_STREAM_ROLLED_BACK = 8,        /* A head below one that was signed. */
    WEFT_STREAM_SPLIT = 9,              /* Two heads that no log can have: equivocation. */
    WEFT_STREAM_FLOOD = 10,             /* More than there was credit for. */
    WEFT_STREAM_TOO_BIG = 11,           /* Over a limit. */
    WEFT_STREAM_OUT_OF_TURN = 12,       /* A leaf that its stream does not admit here; no hello. */
    WEFT_STREAM_ENDED = 13,             /* The stream has ended. */
    WEFT_STREAM_HELD = 14,              /* Held here: quarantine is full, or by an operator. */
    WEFT_STREAM_FROZEN = 15,            /* After an equivocation. */
    WEFT_STREAM_BEHIND = 16,            /* The provider has less than it once signed: restored. */
    WEFT_STREAM_FORKED = 17,            /* The provider has another tree. */
    WEFT_STREAM_NEEDS_EXPLICIT = 18,    /* An item from which its leaf does not follow. */
    WEFT_STREAM_UNSIGNED_CONTRACT = 19, /* An amendment that is not what both have signed. */
    WEFT_STREAM_EXPIRED_CONTRACT = 20,  /* One that ran out before it was heard of here. */

    /* Of an offer. */
    WEFT_STREAM_DECLINED = 21,  /* Who was to sign it said no. */
    WEFT_STREAM_WITHDRAWN = 22, /* Who made it took it back. */

    /* Of a statement. */
    WEFT_STREAM_BAD_PROJECTION = 32, /* It cannot be read. */
    WEFT_STREAM_DIGEST = 33,         /* It is not the statement that its leaf names. */
    WEFT_STREAM_OUTSIDE = 34,        /* Outside the contract: a kind that is not in it. */
    WEFT_STREAM_MASK = 35,           /* It shows more or less than the contract says. */
    WEFT_STREAM_UNAUTHORIZED = 36,   /* In the name of somebody else. */
    WEFT_STREAM_HUGE = 37,           /* A field, or all of it, is over a limit. */
    WEFT_STREAM_POLICY = 38,         /* Local policy said no. */
    WEFT_STREAM_REPEATED = 39,       /* The same statement again, too often or too much. */
    WEFT_STREAM_FAULTS = 40
};

/* "wrong-sequence", "without-authority", ... Static storage; "unknown-fault" for other numbers. */
const char *weft_stream_fault_name(unsigned fault);
/* False: no such fault. */
bool weft_stream_fault_parse(struct weft_text name, enum weft_stream_fault *ret_fault);
/* Of a statement alone: it is quarantined. */
bool weft_stream_fault_is_of_statement(enum weft_stream_fault fault);

/* "<name>: <reason>", and returns `fault`. */
enum weft_stream_fault weft_stream_fail(struct weft_msg *msg, enum weft_stream_fault fault,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
