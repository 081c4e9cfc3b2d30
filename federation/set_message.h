/* federation/set_message.h: what two partners say to each other about what both have filed under an
 * agreement: the content of STREAM_SET (proto/partner.h).
 *
 *     what, 1 byte   session, be64   then of
 *     COMPARE        sent, received, be64 each; shared digest, 32 bytes; a turn (reconcile.h)
 *     WANT           digests, 32 bytes each, ascending
 *     GIVE           digest, party + 1 (1 byte; 0: it is in no stream here, and nothing follows),
 *                    sequence (be64), size (be32), so many bytes: an item (stream.h); once or more
 *     END            enum weft_set_end, 1 byte
 *
 * Who may say what when: README.md, "Set". */
#ifndef WEFT_FEDERATION_SET_MESSAGE_H
#define WEFT_FEDERATION_SET_MESSAGE_H

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_SET_WANT_MAX = 16,              /* Statements in one message; chosen: as entries go. */
    WEFT_SET_GIVE_BYTES_MAX = 96 * 1024, /* Of items in one, but one at least. Chosen. */
};

/* The numbers are on the wire. */
enum weft_set_what {
    WEFT_SET_COMPARE = 1,
    WEFT_SET_WANT = 2,
    WEFT_SET_GIVE = 3,
    WEFT_SET_END = 4,
};

/* Why a comparison is over. */
enum weft_set_end {
    WEFT_SET_DONE = 0,   /* Neither side has anything more to say. */
    WEFT_SET_BUSY = 1,   /* Another one is under way, or one was a moment ago. */
    WEFT_SET_MOVED = 2,  /* The streams are not where whoever asked says that they are. */
    WEFT_SET_LARGE = 3,  /* More statements, or more differences, than are compared. */
    WEFT_SET_FAULT = 4,  /* What came cannot be read, or was not its turn. */
    WEFT_SET_CLOSED = 5, /* This side compares nothing: its state cannot be read, or it stops. */
    WEFT_SET_ENDS
};

struct weft_set_message {
    enum weft_set_what what;
    uint64_t session;
    /* COMPARE: leaves that the speaker has sent and taken, and his shared digest there. */
    uint64_t sent, received;
    struct weft_digest shared;
    struct weft_bytes turn;
    struct weft_bytes list; /* WANT: digests. GIVE: what weft_set_given_next goes through. */
    enum weft_set_end end;  /* END. */
};

/* A statement as it stands in a stream. */
struct weft_set_given {
    struct weft_digest digest;
    bool is_there;
    uint32_t party; /* Whose stream it is, ... */
    uint64_t sequence;
    struct weft_bytes item; /* ...and what is there. */
};

/* Append it; of GIVE the list is what weft_set_give made. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_set_encode(
    const struct weft_set_message *message, struct weft_buffer *out);
/* Exactly what encode gives; borrows. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_set_decode(
    struct weft_bytes bytes, struct weft_set_message *ret_message);
/* Append one of GIVE's list. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_set_give(
    const struct weft_set_given *given, struct weft_buffer *out);
/* The next of a list that decode let through, which it takes from *list. False: there is none. */
bool weft_set_given_next(struct weft_bytes *list, struct weft_set_given *ret_given);
const char *weft_set_end_name(enum weft_set_end end);

#endif
