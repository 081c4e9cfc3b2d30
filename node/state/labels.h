/* node/state/labels.h: which labels assets have.
 *
 * A record of kind `access_label` says which labels its asset has, and everything below it
 * (node/state/README.md, Labels). A registry is an immutable, counted snapshot: a change makes a
 * new one that shares all but a path of the tree that it is, so that whoever decides on another
 * thread keeps his. Pure but for memory. */
#ifndef WEFT_NODE_STATE_LABELS_H
#define WEFT_NODE_STATE_LABELS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"
#include "proto/read_report.h"
#include "proto/record.h"

#define WEFT_LABELS_KIND "access_label"

enum {
    /* Different ones that a site has named, ever: a set is a word. Chosen: controls are few. */
    WEFT_LABELS_MAX = WEFT_READ_LABELS_MAX,
    /* Chosen: some 25 MB with names of 150 bytes. */
    WEFT_LABELLED_ASSETS_MAX = 100 * 1000,
};

struct weft_labels;

/* What a record of the kind says; its texts are the record's. */
struct weft_labels_said {
    struct weft_text names[WEFT_LABELS_MAX];
    uint32_t count;
};

/* Attribute `labels`, an array of 0 to 64 names (1 to 48 of a-z 0-9 . -, a letter or digit first),
 * and `reason`, a text that may be left out. False: the record says something else, `ret_pointer`
 * where: "/records/2", which is `base`, and "/attrs/labels/3". */
bool weft_labels_read(const struct weft_record *record, const char *base,
    struct weft_labels_said *ret_said, char ret_pointer[256], struct weft_msg *msg);

/* From now on the asset has these and no others. `before`: NULL, none. *ret_labels has one holder.
 * WEFT_ETOOBIG: a limit. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_labels_set(const struct weft_labels *before,
    struct weft_text asset, const struct weft_labels_said *said, struct weft_labels **ret_labels,
    struct weft_msg *msg);
/* Any thread. Accept NULL; retain gives what it got. */
struct weft_labels *weft_labels_retain(struct weft_labels *labels);
void weft_labels_release(struct weft_labels *labels);

/* How many assets are labelled. NULL: none. */
uint32_t weft_labels_count(const struct weft_labels *labels);
/* The asset's own and those of what it is below, as bits; 0: none. */
uint64_t weft_labels_of(const struct weft_labels *labels, struct weft_text asset);
/* By number, below WEFT_LABELS_MAX, of a bit of a set. Lives as long as the registry. */
struct weft_text weft_labels_name(const struct weft_labels *labels, uint32_t number);
/* Of all bits; how many. */
uint32_t weft_labels_names(
    const struct weft_labels *labels, uint64_t set, struct weft_text ret_names[WEFT_LABELS_MAX]);

/* What of an answer is labelled: how many of its records, or steps of a trace. */
struct weft_labels_tally {
    const struct weft_labels *labels; /* Borrowed; NULL: nothing is counted. */
    uint64_t set;                     /* Those that came up. */
    uint64_t records[WEFT_LABELS_MAX];
};

void weft_labels_begin(struct weft_labels_tally *tally, const struct weft_labels *labels);
/* One of this asset; `other` too if it is not empty, and both count once. */
void weft_labels_note(
    struct weft_labels_tally *tally, struct weft_text asset, struct weft_text other);
void weft_labels_report(const struct weft_labels_tally *tally, enum weft_read_act act,
    struct weft_read_report *ret_report);

#endif
