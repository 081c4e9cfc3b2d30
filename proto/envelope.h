/* proto/envelope.h: the 16 bytes in front of every message, on every door and link.
 *
 *     0   4   length of the whole message, envelope included, bytes, little-endian
 *     4   2   kind (enum weft_message_kind)
 *     6   2   version (WEFT_ENVELOPE_VERSION)
 *     8   8   request id: an answer carries that of its request; 0 on the peer door
 *
 * It is both the frame of the byte stream and the tag of the root table that follows at an
 * 8-byte boundary. Checked before anything behind it is looked at. */
#ifndef WEFT_PROTO_ENVELOPE_H
#define WEFT_PROTO_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_ENVELOPE_SIZE = 16,
    WEFT_ENVELOPE_VERSION = 1
};

/* The numbers are on the wire: they never change, and a number is never used again. From 128 on
 * they are the partner door's (proto/partner.h). */
enum weft_message_kind {
    /* Any door: the link's own heartbeat, without a table. Never reaches the user of a link. */
    WEFT_KIND_HEARTBEAT = 1,

    /* Peer door, proto/peer.h. */
    WEFT_KIND_REQUEST_VOTE = 16,
    WEFT_KIND_REQUEST_VOTE_RESULT = 17,
    WEFT_KIND_APPEND_ENTRIES = 18,
    WEFT_KIND_APPEND_ENTRIES_RESULT = 19,
    WEFT_KIND_INSTALL_SNAPSHOT = 20,
    WEFT_KIND_TIMEOUT_NOW = 21,
    WEFT_KIND_PING = 22,
    WEFT_KIND_PONG = 23,
    WEFT_KIND_READ_INDEX = 24,
    WEFT_KIND_READ_INDEX_RESULT = 25,
    WEFT_KIND_FETCH = 26, /* bulk link only */
    WEFT_KIND_CHUNK = 27, /* bulk link only */
    WEFT_KIND_AUDIT_LINE = 28,

    /* Client door, proto/client.h. */
    WEFT_KIND_COMMIT = 64,
    WEFT_KIND_COMMIT_RESULT = 65,
    WEFT_KIND_QUERY = 66,
    WEFT_KIND_PAGE = 67,
    WEFT_KIND_STATUS = 68,
    WEFT_KIND_STATUS_RESULT = 69,
    WEFT_KIND_MEMBER = 70,
    WEFT_KIND_MEMBER_RESULT = 71,
    WEFT_KIND_DIGEST = 72,
    WEFT_KIND_DIGEST_RESULT = 73,
    WEFT_KIND_CHECKPOINT = 74,
    WEFT_KIND_CHECKPOINT_RESULT = 75,
    WEFT_KIND_FILE = 76,
    WEFT_KIND_FILE_RESULT = 77,
    WEFT_KIND_ERROR = 78,
    WEFT_KIND_TRACE_RESULT = 80,
    WEFT_KIND_DOCUMENT = 82,
    WEFT_KIND_BLOCK_PUT = 84,
    WEFT_KIND_BLOCK_PUT_RESULT = 85,
    WEFT_KIND_BLOCK_GET = 86,
    WEFT_KIND_BLOCK_RESULT = 87,
    WEFT_KIND_FORWARD = 88, /* answered as COMMIT is */
    WEFT_KIND_AUDIT_RESULT = 90,
    WEFT_KIND_AUTHORIZED = 94, /* answered as the request in it is */
    WEFT_KIND_CARRY = 96,      /* answered as COMMIT is */
};

struct weft_envelope {
    uint32_t size_bytes; /* Whole message. */
    uint16_t kind;       /* Not yet known to be one of the enum. */
    uint16_t version;
    uint64_t request_id;
};

void weft_envelope_encode(const struct weft_envelope *e, uint8_t ret_frame[WEFT_ENVELOPE_SIZE]);

/* WEFT_EMALFORMED: shorter than an envelope, or size_bytes below its own size.
 * WEFT_EVERSION: another version. WEFT_ETOOBIG: size_bytes over size_max. */
WEFT_MUST_USE enum weft_err weft_envelope_decode(
    struct weft_bytes frame, size_t size_max, struct weft_envelope *ret_e);

#endif
