/* ops/gateway/memo.h: what a gateway's journal holds: one thing after another that it must know
 * again when it was killed.
 *
 * A frame of the journal is a run of entries that are there together or not at all. Bytes of our
 * own, varints and texts behind their sizes (proto/octets.h); pure. Who reads them in which order:
 * ops/gateway/actor.h. */
#ifndef WEFT_OPS_GATEWAY_MEMO_H
#define WEFT_OPS_GATEWAY_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/command/envelope_note.h"
#include "policy/command/fence.h"
#include "policy/command/receipt_note.h"

enum {
    WEFT_MEMO_FORMAT = 1,           /* First byte of each entry; another one is not guessed at. */
    WEFT_MEMO_SAFE_SIZE_MAX = 4096, /* chosen: a verb with 16 arguments takes 3 KiB */
    WEFT_MEMO_RECEIPT_SIZE_MAX = 16 * 1024, /* 16 readings, and the rest; as a command's text */
};

/* The numbers are on disk and never change. */
enum weft_memo_kind {
    WEFT_MEMO_CHANNEL = 1, /* What is known of a channel, in place of what was known before. */
    WEFT_MEMO_COMMAND = 2, /* The same of a command. */
    WEFT_MEMO_RECEIPT = 3, /* A receipt that was made, or that is kept. */
    WEFT_MEMO_SETTLED = 4, /* The plant has it. */
};

/* Texts borrow. */
struct weft_memo_channel {
    struct weft_text name;
    struct weft_fence fence; /* The highest token that was acted on, or was about to be. */
    uint32_t move_count;     /* Newest last. */
    int64_t moves_ns[WEFT_ENVELOPE_MOVES_MAX];
    struct weft_text safe; /* "": hold. Else a verb, and lines "name value". */
    bool has_safe;         /* False: it was never commanded, and nothing is to be done. */
};

struct weft_memo_command {
    struct weft_text channel;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    bool is_shadow; /* Carried out on the shadow device: a life of its own. */
    struct weft_digest digest;
    enum weft_command_class class;
    enum weft_receipt_state state;
    struct weft_fence fence; /* Under which it was, or is, carried out. */
    struct weft_fence asked; /* Below it, it never will be. */
    int64_t at_ns;           /* Of its state. */
    int64_t not_after_ns;
    struct weft_text text; /* The command's; empty: not needed any more. */
};

struct weft_memo_receipt {
    struct weft_text channel;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    bool is_shadow;
    bool is_settled;
    uint64_t counter;
    struct weft_text text;
};

struct weft_memo {
    enum weft_memo_kind kind; /* The tag of the union. */
    union {
        struct weft_memo_channel channel;
        struct weft_memo_command command;
        struct weft_memo_receipt receipt;
        uint64_t settled; /* A receipt's counter. */
    };
};

/* Append. WEFT_ETOOBIG: a text over its limit; WEFT_ENOMEM. On failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_memo_encode(
    const struct weft_memo *entry, struct weft_buffer *out);
/* Take the next entry off `rest`. WEFT_EMALFORMED: these are no entries of ours. WEFT_EVERSION. */
WEFT_MUST_USE enum weft_err weft_memo_decode(
    struct weft_bytes *rest, struct weft_memo *ret_entry, struct weft_msg *msg);

#endif
