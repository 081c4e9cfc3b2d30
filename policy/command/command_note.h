/* policy/command/command_note.h: a command to a machine, as the person or program signs it.
 *
 *     weft-command/v1
 *     id 6f1d0c9a4be24f0d9b0e8c6a1f3c2e77          random, once and for ever
 *     origin oem.example/plant1/audit              the log that will prove it
 *     target oem.example/plant1/line2/press7       organization and asset
 *     channel plant1/gw2/press7                    site, gateway and the machine's name there
 *     class A | B | C                              how often it may be carried out
 *     tier 2                                       0 to 9: how much can go wrong
 *     mode live | shadow
 *     verb set-speed
 *     arg speed 42.5 rpm                           0 to 16, sorted by name
 *     pre rev 8812                                 at most one: the asset's revision
 *     pre field guard/closed = true                0 to 16, sorted by path and sign
 *     post field speed = 42.5 +- 0.5 rpm by 20s    0 to 16, sorted by path
 *     envelope press7-speed 17 sha256:...          1 to 4, sorted: each that applies
 *     policy 42 sha256:...                         which was in force when it was signed
 *     seq 1187                                     above all before of this key on this channel
 *     nonce 9f3b6c1e77d04a5a8e21c4f0b7d6a913
 *     not-before <time>
 *     not-after <time>                             a day later at most
 *     on-unknown hold | safe                       what the gateway does if it cannot go on
 *     proposer oem.example/plant1/op/ann
 *     printed-name Ann Example
 *     meaning propose | break-glass
 *     reason raise speed for batch 1187 after die change
 *     signed-at <time>
 *
 * Its digest is the SHA-256 of the text; approvals, receipts and leaves name it. Pure text: who
 * signed it is judged by policy/keyring.h. Rules: policy/command/README.md. */
#ifndef WEFT_POLICY_COMMAND_COMMAND_NOTE_H
#define WEFT_POLICY_COMMAND_COMMAND_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/command/demand.h"
#include "policy/document.h"
#include "policy/principal.h"
#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_COMMAND_ID_SIZE = WEFT_DOCUMENT_NONCE_SIZE,
    WEFT_COMMAND_ARGS_MAX = 16, /* chosen, as the next two: what a person can still read */
    WEFT_COMMAND_PRES_MAX = 16,
    WEFT_COMMAND_POSTS_MAX = 16,
    WEFT_COMMAND_ENVELOPES_MAX = 4, /* specified: builder, site, partner; and one to spare */
    WEFT_COMMAND_TIER_MAX = 9,
    WEFT_COMMAND_LIFE_MAX_S = 24 * 3600, /* chosen: a command is of a shift, with room */
    WEFT_COMMAND_PRINTED_SIZE_MAX = 127, /* chosen: a person's name */
    WEFT_COMMAND_SIZE_MAX = 16 * 1024, /* chosen: of the text; the largest that reads has 14 KiB */
    /* site/gateway/machine */
    WEFT_CHANNEL_SIZE_MAX = 3 * WEFT_PRINCIPAL_PART_SIZE_MAX + 2,
};

/* The letters are in texts and never change. */
enum weft_command_class {
    WEFT_COMMAND_CLASS_A, /* The gateway knows each id for ever: sent as often as need be. */
    WEFT_COMMAND_CLASS_B, /* Absolute and idempotent: twice is as once. */
    WEFT_COMMAND_CLASS_C, /* A pulse, a jog: one send. */
    WEFT_COMMAND_CLASSES
};

struct weft_command_arg {
    struct weft_text name;
    struct weft_scalar value;
};

/* An envelope as a command names it. */
struct weft_envelope_ref {
    struct weft_text name;
    uint64_t version;
    struct weft_digest digest; /* Of its text. */
};

/* Texts borrow. */
struct weft_command_note {
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    struct weft_text origin;
    struct weft_text target;
    struct weft_text channel;
    enum weft_command_class class;
    uint32_t tier;
    bool is_shadow; /* Mode shadow: never on the machine itself. */
    struct weft_text verb;
    uint32_t arg_count;
    uint32_t pre_count;
    uint32_t post_count;
    uint32_t envelope_count;
    struct weft_command_arg args[WEFT_COMMAND_ARGS_MAX];
    bool has_rev;
    uint64_t rev;
    struct weft_demand pres[WEFT_COMMAND_PRES_MAX];
    struct weft_outcome posts[WEFT_COMMAND_POSTS_MAX];
    struct weft_envelope_ref envelopes[WEFT_COMMAND_ENVELOPES_MAX];
    uint64_t policy_version;
    struct weft_digest policy_digest;
    uint64_t seq;
    uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE];
    int64_t not_before_ns;
    int64_t not_after_ns;           /* The last ns at which it may be sent. */
    bool is_safe_on_unknown;        /* Else hold. */
    struct weft_principal proposer; /* A person or a program. */
    struct weft_text printed_name;
    bool is_break_glass; /* Of a person alone. */
    struct weft_text reason;
    int64_t signed_ns;
    struct weft_digest digest; /* Of the text; not read by encode. */
};

/* WEFT_EMALFORMED, WEFT_EINVAL, WEFT_EVERSION, WEFT_ETOOBIG: `msg` names the line. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_command_note_decode(
    struct weft_text text, struct weft_command_note *ret_command, struct weft_msg *msg);
/* What comes out decodes, or: WEFT_EINVAL with what decode says of it. WEFT_ETOOBIG, WEFT_ENOMEM.
 * On failure `out` is as before. Lists must be sorted. */
WEFT_MUST_USE enum weft_err weft_command_note_encode(
    const struct weft_command_note *command, struct weft_buffer *out, struct weft_msg *msg);

const char *weft_command_class_name(enum weft_command_class class);

/* The asset's name in its site's state: the target behind its organization. */
struct weft_text weft_command_note_asset(const struct weft_command_note *command);
/* Of the arguments; NULL: none of that name. */
const struct weft_command_arg *weft_command_note_arg(
    const struct weft_command_note *command, struct weft_text name);

/* "site/gateway/machine": is it one? */
bool weft_channel_is_valid(struct weft_text channel);
/* Who carries out what comes on a channel: <org>/<site>/gw/<gateway>. False: it is no channel. */
bool weft_channel_gateway(
    struct weft_text channel, struct weft_text org, struct weft_principal *ret_gateway);

/* The line "printed-name", which other notes of policy/command have too. Errors as
 * weft_document_read. */
WEFT_MUST_USE enum weft_err weft_command_note_read_printed(
    struct weft_document_reader *reader, struct weft_text *ret_name, struct weft_msg *msg);

#endif
