/* node/state/ask.h: what this site answers of its own when it is asked what is inside of a thing,
 * and whom it would ask on, as a view has it.
 *
 * NOD-276: a partner is told of a thing of which this site has stated something to him, and of what
 * this site's own records say is in it, as far as the agreement discloses the link and the policy
 * shares the record: what other partners stated they are asked for. Rules: node/state/README.md,
 * Asked across. Any thread; long. */
#ifndef WEFT_NODE_STATE_ASK_H
#define WEFT_NODE_STATE_ASK_H

#include "federation/cells/ask.h"
#include "node/state/view.h"

enum {
    WEFT_ASK_ONWARD_MAX = 256, /* things that partners are asked of, by one answer; chosen */
};

/* One's own question about `asset`, or the one of a partner under `agreement`. */
struct weft_ask_look {
    /* Of a client: all that he may see counts as for any other query, his warrant, too; its time is
     * now. Else NULL, and a node of this site asks. */
    const struct weft_query *query;
    struct weft_text principal; /* Who asks here, then. */
    struct weft_text asset;
    struct weft_text agreement; /* Empty: one's own. */
    const struct weft_ask_question *question;
    uint64_t now_ms; /* Since 1970. */
};

/* A thing that a partner is to be asked of. */
struct weft_ask_onward {
    struct weft_text agreement;
    struct weft_text partner; /* "<org>/<site>" */
    struct weft_subject_name name;
    struct weft_digest subject;
    uint32_t depth; /* Tiers behind him. */
};

struct weft_ask_found {
    uint64_t index;
    struct weft_tiers_answer parts; /* Own ones; of a question of one's own none. */
    struct weft_ask_onward onward[WEFT_ASK_ONWARD_MAX];
    uint32_t onward_count;
};

/* Everything is in the arena. WEFT_ENOTFOUND, WEFT_EREFUSED: as for a tree across. WEFT_ECORRUPT,
 * WEFT_EIO, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_view_ask(struct weft_view *view, const struct weft_ask_look *look,
    struct weft_arena *arena, struct weft_ask_found *ret_found, struct weft_msg *msg);
/* One's own question has been answered: "across/ASSET" with what partners said (query_across.c). */
WEFT_MUST_USE enum weft_err weft_ask_put_hole(
    struct weft_buffer *out, struct weft_text who, enum weft_ask_fault fault);

#endif
