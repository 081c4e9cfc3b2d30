/* node/state/reveal_parts.h: what a reveal is made of: for reveal*.c alone. */
#ifndef WEFT_NODE_STATE_REVEAL_PARTS_H
#define WEFT_NODE_STATE_REVEAL_PARTS_H

#include "node/state/reveal.h"
#include "node/state/salts.h"

enum {
    WEFT_REVEAL_DECISIONS_MAX = 64, /* Different ones that are kept, 1 KiB each; chosen. */
};

struct weft_reveal_slot;

struct weft_reveal {
    struct weft_authority *authority;
    const struct weft_policy *policy; /* NULL: nothing is permitted, or all is. */
    struct weft_text site;
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    size_t uri_size;
    struct weft_principal principal;
    struct weft_policy_subject subject;
    struct weft_policy_request request;
    struct weft_text labels[WEFT_LABELS_MAX]; /* Of the asset that was asked of last. */
    bool shows_all;
    bool is_somebody;
    struct weft_policy_decision everything; /* Holds for all unless it has doubt. */
    struct weft_policy_decision other;      /* One that there was no room to keep. */
    struct weft_policy_decision *decisions[WEFT_REVEAL_DECISIONS_MAX];
    uint32_t decision_count;
    /* Who was decided of last, and how: a record is asked for several times in a row. */
    const struct weft_reveal_slot *last; /* NULL: nobody. */
    struct weft_reveal_slot *slots;      /* NULL: none was needed yet, or there was no memory. */
    struct weft_salts salts;             /* Of the index that was asked for last. */
};

/* "@link/REL", or "@link/REL/PATH", in `text`. */
struct weft_text weft_reveal_path(
    char text[WEFT_REVEAL_LINK_PATH_SIZE], struct weft_text rel, struct weft_text path);

#endif
