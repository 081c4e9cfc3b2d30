/* ops/gateway/sparkplug.h: messages of Sparkplug B: topics and payloads; protobuf-c's owner.
 *
 * Specification: Eclipse Sparkplug 3.0.0. Numbers become scaled integers here, or nothing: what is
 * not finite, too large, or of a type that a machine's value cannot have is no value. Pure. */
#ifndef WEFT_OPS_GATEWAY_SPARKPLUG_H
#define WEFT_OPS_GATEWAY_SPARKPLUG_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/command/scalar.h"
#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_SPARKPLUG_SIZE_MAX = 256 * 1024, /* chosen: a birth of some thousand metrics */
    WEFT_SPARKPLUG_METRICS_MAX = 4096,    /* chosen */
    WEFT_SPARKPLUG_TOPIC_SIZE_MAX = 512,
};

/* Chapter 6.4.16, "datatype": numbers of the specification. */
enum weft_sparkplug_datatype {
    WEFT_SPARKPLUG_UNKNOWN = 0,
    WEFT_SPARKPLUG_INT8 = 1,
    WEFT_SPARKPLUG_INT16 = 2,
    WEFT_SPARKPLUG_INT32 = 3,
    WEFT_SPARKPLUG_INT64 = 4,
    WEFT_SPARKPLUG_UINT8 = 5,
    WEFT_SPARKPLUG_UINT16 = 6,
    WEFT_SPARKPLUG_UINT32 = 7,
    WEFT_SPARKPLUG_UINT64 = 8,
    WEFT_SPARKPLUG_FLOAT = 9,
    WEFT_SPARKPLUG_DOUBLE = 10,
    WEFT_SPARKPLUG_BOOLEAN = 11,
    WEFT_SPARKPLUG_STRING = 12,
    WEFT_SPARKPLUG_TEXT = 14,
};

/* Which member of the metric's oneof is there. */
enum weft_sparkplug_value {
    WEFT_SPARKPLUG_NONE,
    WEFT_SPARKPLUG_INTEGER, /* int_value, long_value */
    WEFT_SPARKPLUG_REAL,    /* float_value, double_value */
    WEFT_SPARKPLUG_TRUTH,
    WEFT_SPARKPLUG_WORDS, /* string_value */
};

/* Texts borrow. */
struct weft_sparkplug_metric {
    struct weft_text name; /* Empty: by its alias. */
    bool has_alias;
    uint64_t alias;
    uint64_t time_ms;  /* Its own, else the payload's, else 0. */
    uint32_t datatype; /* 0: as its birth said. */
    bool is_null;
    bool is_historical;
    enum weft_sparkplug_value value;
    uint64_t integer; /* Bits, as they came. */
    double real;
    bool truth;
    struct weft_text words;
};

struct weft_sparkplug_payload {
    uint64_t time_ms; /* 0: it does not say. */
    bool has_seq;
    uint64_t seq;
    uint32_t metric_count;
    const struct weft_sparkplug_metric *metrics; /* In the arena. */
};

/* WEFT_EMALFORMED: not one; WEFT_ETOOBIG: over a limit, or the arena's. */
WEFT_MUST_USE enum weft_err weft_sparkplug_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_sparkplug_payload *ret_payload, struct weft_msg *msg);
/* Append. WEFT_ENOMEM, WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_sparkplug_encode(
    const struct weft_sparkplug_payload *payload, struct weft_buffer *out);

/* "spBv1.0/<group>/<type>/<node>[/<device>]". False: another topic. */
struct weft_sparkplug_topic {
    struct weft_text group;
    struct weft_text type; /* "NBIRTH", "DDATA", ... */
    struct weft_text node;
    struct weft_text device; /* Empty: of the node. */
};
bool weft_sparkplug_topic_parse(struct weft_text topic, struct weft_sparkplug_topic *ret_topic);

/* As a machine's value, by the datatype of its birth. `unit` empty: a truth or a word, else a
 * number. False: it has none. The word borrows. */
bool weft_sparkplug_read(const struct weft_sparkplug_metric *metric, uint32_t datatype,
    struct weft_text unit, struct weft_scalar *ret_scalar);
/* The other way. False: the datatype does not hold it without loss (reals: nearest). */
bool weft_sparkplug_write(
    const struct weft_scalar *scalar, uint32_t datatype, struct weft_sparkplug_metric *ret_metric);

#endif
