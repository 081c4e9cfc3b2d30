/* federation/cells/ask.h: what is inside of a thing, asked of a partner: the bytes of question and
 * answer, and the text that an organization answers of one thing with.
 *
 *     at <ms since 1970>             when it was answered
 *     in <rel> <authority> <kind> <key>   a thing that is in it: a line each; rel may be "-"
 *     made                           nothing else is
 *     hole <site> <why>              somebody knows more, perhaps; site may be "-"
 *
 * Words are parted by tabs and hold no control characters. It is the content of a part
 * (tiers.h); an answer is signed by a key of the site that gives it, over weft_ask_text. Pure.
 * Rules: README.md, "Questions across tiers". */
#ifndef WEFT_FEDERATION_CELLS_ASK_H
#define WEFT_FEDERATION_CELLS_ASK_H

#include "federation/cells/subject.h"
#include "federation/cells/tiers.h"

enum {
    WEFT_ASK_WAIT_MS_MAX = 60000,
    WEFT_ASK_PARTS_SIZE_MAX = 512 * 1024, /* of an answer; chosen: thousands of things */
    WEFT_ASK_LINE_SIZE_MAX = 512,         /* a signature's */
    WEFT_ASK_WORDS_MAX = 5,
};

/* Why a question, or one thing of it, was not answered. The numbers are on the wire. */
enum weft_ask_fault {
    WEFT_ASK_ANSWERED = 0,
    WEFT_ASK_CLOSED = 1,   /* Not disclosed, or no such question is agreed on. */
    WEFT_ASK_BUSY = 2,     /* Too many questions at once, or in a second. */
    WEFT_ASK_DEEP = 3,     /* It may go no tier further. */
    WEFT_ASK_MANY = 4,     /* More than an answer may hold. */
    WEFT_ASK_SILENT = 5,   /* Not answered in time. */
    WEFT_ASK_APART = 6,    /* Not connected. */
    WEFT_ASK_STRANGER = 7, /* No agreement with whoever made it. */
    WEFT_ASK_UNKNOWN = 8,  /* Nobody has stated anything of it. */
    WEFT_ASK_LOOP = 9,     /* Answered already, to this question. */
    WEFT_ASK_WRONG = 10,   /* What was answered does not count. */
    WEFT_ASK_OLD = 11,     /* His node knows no questions. */
    WEFT_ASK_FAULTS
};
/* "closed", "busy", ...; and back: WEFT_ASK_FAULTS: no such word. */
const char *weft_ask_fault_word(enum weft_ask_fault fault);
enum weft_ask_fault weft_ask_fault_of(struct weft_text word);
/* For people. */
const char *weft_ask_fault_reason(enum weft_ask_fault fault);

/* Borrows. */
struct weft_ask_question {
    uint64_t id; /* Of whoever asks; the answer says it again. */
    uint32_t wait_ms;
    struct weft_subject_name name;
    struct weft_tiers_question tiers; /* Its subject is the name's. */
};

struct weft_ask_answer {
    uint64_t id;
    enum weft_ask_fault fault;
    uint64_t index;          /* Of the log, as it was answered. */
    uint64_t time_ms;        /* Since 1970. */
    struct weft_bytes parts; /* weft_tiers_encode */
    struct weft_text line;   /* Signature of weft_ask_text. */
};

/* WEFT_EINVAL: of sizes that none has. WEFT_ETOOBIG, WEFT_ENOMEM. On failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_ask_question_encode(
    const struct weft_ask_question *question, struct weft_buffer *out);
WEFT_MUST_USE enum weft_err weft_ask_answer_encode(
    const struct weft_ask_answer *answer, struct weft_buffer *out);
/* All of `bytes`, in their one form. FED-134: of a question the subject is that of its name.
 * WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_ask_question_decode(
    struct weft_bytes bytes, struct weft_ask_question *ret_question, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_ask_answer_decode(
    struct weft_bytes bytes, struct weft_ask_answer *ret_answer, struct weft_msg *msg);

/* What is signed: who answers whom, what, at which head and with which parts. WEFT_ENOMEM. */
struct weft_ask_deed {
    struct weft_text agreement, provider, asker;
    struct weft_digest query, subject;
};
WEFT_MUST_USE enum weft_err weft_ask_text(const struct weft_ask_deed *deed,
    const struct weft_ask_answer *answer, struct weft_buffer *out);

/* --- the text of a part ----------------------------------------------------------------------- */

struct weft_ask_line {
    struct weft_text words[WEFT_ASK_WORDS_MAX];
    uint32_t count;
};

/* Take the next line off `rest`. False: there is none that is one of the above; *rest is empty if
 * all of it was. */
bool weft_ask_next(struct weft_text *rest, struct weft_ask_line *ret_line);
/* A word of a line; "-" stands for nothing. */
struct weft_text weft_ask_said(struct weft_text word);
/* Of an "in" line: what is in there. */
struct weft_subject_name weft_ask_named(const struct weft_ask_line *line);
/* Is all of it lines, and the first one its time? */
bool weft_ask_is_content(struct weft_text content);
/* May it be a word? */
bool weft_ask_is_word(struct weft_text word);

/* FED-135: what came from a partner is sound if each content is one, and each part is of the thing
 * that was asked of, as one of them is, or of one that the answer says is in it: he has no say in
 * any other. What is
 * in the name of who asked, as where deliveries are a ring, is left out, with what only that leads
 * to. NULL: sound; else what is wrong, static. Works, and keeps *parts, in the arena. */
const char *weft_ask_parts_fault(struct weft_tiers_answer *parts, struct weft_text asker,
    const struct weft_digest *subject, struct weft_arena *arena);

#endif
