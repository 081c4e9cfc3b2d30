/* policy/command/envelope_check.h: is a command within all envelopes that apply?
 *
 * Asked three times: before it is proposed (advice), when its intent is applied (without live
 * values: those are not the log's), and at the gateway with what it has just read (last word). Each
 * envelope has to let it pass, so what several allow is their intersection; nothing in one widens
 * another, and nothing whatever opens a hard range (ACT-5). Pure. */
#ifndef WEFT_POLICY_COMMAND_ENVELOPE_CHECK_H
#define WEFT_POLICY_COMMAND_ENVELOPE_CHECK_H

#include "policy/command/envelope_note.h"

/* What is wrong. The words are codes of receipts and refusals and never change. */
enum weft_envelope_fault {
    WEFT_ENVELOPE_PASSED,
    WEFT_ENVELOPE_EXPIRED, /* The envelope is out of date, or not yet valid. */
    WEFT_ENVELOPE_ABOUT,   /* It is about another target or verb. */
    WEFT_ENVELOPE_ARG,     /* An argument that no line of it bounds, or of another type or unit. */
    WEFT_ENVELOPE_HARD,    /* Outside the hard range, or not an allowed word. */
    WEFT_ENVELOPE_NORMAL,  /* Outside the normal range, and the glass is not broken. */
    WEFT_ENVELOPE_VERIFY,  /* Without an outcome that it demands. */
    WEFT_ENVELOPE_MOVES,   /* Too many moves in the time. */
    WEFT_ENVELOPE_DWELL,   /* Too soon behind the last one. */
    WEFT_ENVELOPE_STEP,    /* Too far from the value that is there, or that is not known. */
    WEFT_ENVELOPE_RATE,    /* Too far in the time since the last move. */
    WEFT_ENVELOPE_INTERLOCK, /* An interlock does not hold, or was not read freshly enough. */
    WEFT_ENVELOPE_REQUIRE,   /* The same of a required state. */
    WEFT_ENVELOPE_DENY,      /* A denied state holds, or is not known. */
    WEFT_ENVELOPE_PRE,       /* A precondition of the command itself. */
    WEFT_ENVELOPE_FAULTS
};

/* "passed", "expired", "about", ... Static storage. */
const char *weft_envelope_fault_name(enum weft_envelope_fault fault);

/* What is known. Borrowed. */
struct weft_envelope_facts {
    int64_t now_ns;
    /* Live values. False: steps, interlocks, states and preconditions of fields are not judged. */
    bool has_live;
    const struct weft_reading *readings;
    uint32_t reading_count;
    /* Times of earlier moves on the channel, of which the newest WEFT_ENVELOPE_MOVES_MAX suffice.
     */
    const int64_t *moves_ns;
    uint32_t move_count;
};

/* Of `count` envelopes (at least one), the first fault in their order; `msg` says of which and
 * what. */
WEFT_MUST_USE enum weft_envelope_fault weft_envelope_check(
    const struct weft_envelope_note *envelopes, uint32_t count,
    const struct weft_command_note *command, const struct weft_envelope_facts *facts,
    struct weft_msg *msg);

/* Do all interlocks hold now? Also while a gateway acts. */
WEFT_MUST_USE enum weft_envelope_fault weft_envelope_check_interlocks(
    const struct weft_envelope_note *envelope, const struct weft_envelope_facts *facts,
    struct weft_msg *msg);

/* From accepted to done, of all of them: the shortest; ms. */
uint64_t weft_envelope_finish_ms(const struct weft_envelope_note *envelopes, uint32_t count);

#endif
