/* policy/command/envelope_note.h: within what a machine may be commanded: a versioned note.
 *
 *     weft-envelope/v1
 *     name press7-speed
 *     party builder | site | partner
 *     version 17                                   as all versions: previous plus 1, its digest
 *     prev none | sha256:...
 *     issued <time>
 *     expires <time>
 *     target oem.example/plant1/line2/press7       or "oem.example/plant1/line2/..."
 *     verb set-speed                               1 to 16, sorted
 *     hard speed 0 .. 60 rpm                       numbers: never outside; each has one
 *     normal speed 10 .. 50 rpm                    outside only with break-glass
 *     step speed 5 rpm                             from what is read of the field, at once
 *     rate speed 10 rpm per 1m                     and for each time since the last move
 *     allow mode auto manual                       words and truths: one of these
 *     moves 12 per 1h                              at most one line; 1 to 64
 *     dwell 30s                                    at most one: between two moves
 *     interlock guard/closed = true fresh 2s       is to hold, also while it acts
 *     require state/mode = auto fresh 5s           is to hold
 *     deny alarm/active = true fresh 5s            is to be read, and not to hold
 *     stage shadow                                 at most one: a shadow device first
 *     stage canary 1 of plant1/line2 soak 10m      at most one: so many machines below it first
 *     verify speed within 0.5 rpm by 20s           a command has such an outcome, or a stricter one
 *     finish 1m                                    from accepted to done
 *     safe hold | VERB                             what the gateway does without its plant
 *     safe-arg speed 0 rpm                         of a verb, sorted
 *
 * Lists have up to 16 lines, sorted by name, or by path and sign. Where several apply to a command,
 * it has to pass each: their intersection (envelope_check.h). Rules: policy/command/README.md. */
#ifndef WEFT_POLICY_COMMAND_ENVELOPE_NOTE_H
#define WEFT_POLICY_COMMAND_ENVELOPE_NOTE_H

#include "policy/chain.h"
#include "policy/command/command_note.h"

enum {
    WEFT_ENVELOPE_LIST_MAX = 16,  /* chosen: of each list */
    WEFT_ENVELOPE_WORDS_MAX = 16, /* that one argument may be */
    WEFT_ENVELOPE_MOVES_MAX = 64, /* chosen: that a channel remembers */
};

/* The words are in texts and never change. */
enum weft_envelope_party {
    WEFT_ENVELOPE_BUILDER,
    WEFT_ENVELOPE_SITE,
    WEFT_ENVELOPE_PARTNER,
    WEFT_ENVELOPE_PARTIES
};

/* Texts borrow, in all below. */
struct weft_envelope_range {
    struct weft_text name; /* Of an argument. */
    int64_t low;           /* Both inclusive. */
    int64_t high;
    struct weft_text unit;
};

struct weft_envelope_change {
    struct weft_text name;
    int64_t amount; /* Above 0. */
    struct weft_text unit;
    uint64_t per_ms; /* Of a rate. */
};

struct weft_envelope_allow {
    struct weft_text name;
    uint32_t word_count;
    struct weft_text words[WEFT_ENVELOPE_WORDS_MAX]; /* As scalars: "auto", "true". */
};

struct weft_envelope_demand {
    struct weft_demand demand;
    uint64_t fresh_ms;
};

struct weft_envelope_verify {
    struct weft_text path;
    bool has_tolerance; /* Of numbers. */
    int64_t tolerance;
    struct weft_text unit;
    uint64_t by_ms;
};

struct weft_envelope_demands {
    uint32_t count;
    struct weft_envelope_demand list[WEFT_ENVELOPE_LIST_MAX];
};

struct weft_envelope_note {
    struct weft_text name;
    enum weft_envelope_party party;
    struct weft_chain_link link; /* Its digest: of the text; not read by encode. */
    struct weft_text target;
    uint32_t verb_count;
    uint32_t hard_count;
    uint32_t normal_count;
    uint32_t step_count;
    uint32_t rate_count;
    uint32_t allow_count;
    uint32_t verify_count;
    uint32_t safe_count;
    struct weft_text verbs[WEFT_ENVELOPE_LIST_MAX];
    struct weft_envelope_range hard[WEFT_ENVELOPE_LIST_MAX];
    struct weft_envelope_range normal[WEFT_ENVELOPE_LIST_MAX];
    struct weft_envelope_change steps[WEFT_ENVELOPE_LIST_MAX];
    struct weft_envelope_change rates[WEFT_ENVELOPE_LIST_MAX];
    struct weft_envelope_allow allows[WEFT_ENVELOPE_LIST_MAX];
    uint32_t moves; /* 0: any number. */
    uint64_t moves_per_ms;
    uint64_t dwell_ms; /* 0: none. */
    struct weft_envelope_demands interlocks;
    struct weft_envelope_demands requires;
    struct weft_envelope_demands denies;
    bool has_shadow;
    uint32_t canary_count;         /* 0: none. */
    struct weft_text canary_group; /* Of assets. */
    uint64_t canary_soak_ms;
    struct weft_envelope_verify verifies[WEFT_ENVELOPE_LIST_MAX];
    uint64_t finish_ms;
    struct weft_text safe_verb; /* Empty: hold. */
    struct weft_command_arg safe_args[WEFT_ENVELOPE_LIST_MAX];
};

const char *weft_envelope_party_name(enum weft_envelope_party party);

/* As weft_command_note_decode and weft_command_note_encode. */
WEFT_MUST_USE enum weft_err weft_envelope_note_decode(
    struct weft_text text, struct weft_envelope_note *ret_envelope, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_envelope_note_encode(
    const struct weft_envelope_note *envelope, struct weft_buffer *out, struct weft_msg *msg);

/* Is it about this target ("<org>/<asset>") and verb? */
bool weft_envelope_note_is_about(
    const struct weft_envelope_note *envelope, struct weft_text target, struct weft_text verb);

#endif
