/* federation/cells/tiers.h: a question that travels tier by tier, and the answer that grows.
 *
 * Under the contracts between them, each organization answers from its own state at a stated head
 * and passes the question on; who cannot be reached is a hole {organization, since head}. Answers
 * merge in whatever order they come, and a merged answer never loses what it had. Cycles are cut
 * by (query, subject). Pure: who is asked, and what of, is the driver's. Rules: README.md,
 * "Questions across tiers". */
#ifndef WEFT_FEDERATION_CELLS_TIERS_H
#define WEFT_FEDERATION_CELLS_TIERS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/err.h"

enum {
    WEFT_TIERS_PARTS_MAX = 4096,         /* of one answer; chosen: a deep vehicle's suppliers */
    WEFT_TIERS_CONTENT_SIZE_MAX = 65536, /* bytes of one part; chosen: as a field's value */
    WEFT_TIERS_SIZE_MAX =
        3 * 1024 * 1024,            /* bytes of an answer, encoded; chosen: under a message */
    WEFT_TIERS_DEPTH_MAX = 16,      /* chosen: raw material to vehicle is 5 to 8 */
    WEFT_TIERS_NAME_SIZE_MAX = 255, /* of an organization, as principals' texts */
};

/* Which question of whom about what: SHA-256("weft-tier/v1" || newline || query || subject). An
 * organization that has answered it for this asker's question answers it no second time. */
struct weft_digest weft_tiers_visit(
    const struct weft_digest *query, const struct weft_digest *subject);

/* A question under a contract's template. Borrows. */
struct weft_tiers_question {
    struct weft_text template; /* "inside", "where_used": a name (proto/record.h). */
    struct weft_digest query;  /* Of whoever asked first: the same on all tiers. */
    struct weft_digest subject;
    uint32_t depth; /* Tiers that it may still go down, 0: none. At most WEFT_TIERS_DEPTH_MAX. */
};

/* What to do with a question. */
enum weft_tiers_turn {
    WEFT_TIERS_CUT,     /* Answered already: an answer without parts. */
    WEFT_TIERS_ANSWER,  /* From one's own state alone. */
    WEFT_TIERS_PASS_ON, /* The same, and *ret_next to the tier below. */
};

/* `was_visited`: is weft_tiers_visit of it among what was answered? `depth_max`: what the contract
 * with the asker allows for the template. *ret_next is the question to pass on. */
enum weft_tiers_turn weft_tiers_take(const struct weft_tiers_question *question, bool was_visited,
    uint32_t depth_max, struct weft_tiers_question *ret_next);

/* Template behind its size, query, subject, varint of depth. WEFT_EINVAL: no name, or too deep;
 * WEFT_ETOOBIG (the buffer), WEFT_ENOMEM. On failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_tiers_question_encode(
    const struct weft_tiers_question *question, struct weft_buffer *out);
/* All of `bytes`, in the one form of it. WEFT_EMALFORMED. */
WEFT_MUST_USE enum weft_err weft_tiers_question_decode(
    struct weft_bytes bytes, struct weft_tiers_question *ret_question, struct weft_msg *msg);

/* What one organization says of one subject. Borrows. */
struct weft_tiers_part {
    struct weft_text organization;
    struct weft_digest subject;
    /* Its answer: at this head of its log, this content. head 0: it has never answered. */
    uint64_t head;
    struct weft_text content;
    /* It could not be reached by somebody who knew its answer of the head `since` (0: none). */
    bool was_missed;
    uint64_t since;
    /* It gave two contents at one head: the lower by bytes is kept, this says so. */
    bool is_equivocal;
};

/* Is it a hole now: missed, and nothing newer than what was known then has come? */
static inline bool weft_tiers_is_hole(const struct weft_tiers_part *part)
{
    return part->was_missed && part->head <= part->since;
}

/* Ascending by organization, then subject; each pair once. In the caller's memory. */
struct weft_tiers_answer {
    struct weft_tiers_part *parts;
    uint32_t count;
    uint32_t capacity;
};

/* FED-128: the same in whatever order and however often parts come, and never less than before.
 * WEFT_ETOOBIG: no capacity, or over WEFT_TIERS_PARTS_MAX; the answer is then as before.
 * WEFT_EINVAL: a content at head 0, or of a size that none has, or a name that none has. */
WEFT_MUST_USE enum weft_err weft_tiers_add(
    struct weft_tiers_answer *answer, const struct weft_tiers_part *part);
uint32_t weft_tiers_holes(const struct weft_tiers_answer *answer);

/* varint of parts; of each: organization behind its size, subject, flags (1 missed, 2 equivocal),
 * varints of head and since, content behind its size. WEFT_ETOOBIG, WEFT_ENOMEM. On failure `out`
 * is as before. */
WEFT_MUST_USE enum weft_err weft_tiers_encode(
    const struct weft_tiers_answer *answer, struct weft_buffer *out);
/* All of `bytes`, in the one form of it; parts are in the arena, without room for more.
 * WEFT_EMALFORMED, WEFT_ETOOBIG, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_tiers_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_tiers_answer *ret_answer, struct weft_msg *msg);

#endif
