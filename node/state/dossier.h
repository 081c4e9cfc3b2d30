/* node/state/dossier.h: reads what is known of single assets: their statements by kind, and what
 * links to them.
 *
 * The same reader serves a view (what a question sees: index and time) and the apply under way
 * (the present, and over it what is not written yet). Everything that it returns is in its
 * arena. Each key looked at is a step of its budget. */
#ifndef WEFT_NODE_STATE_DOSSIER_H
#define WEFT_NODE_STATE_DOSSIER_H

#include "node/state/loader.h"
#include "node/state/names.h"
#include "node/state/reveal.h"
#include "node/state/twin/fact.h"

enum {
    WEFT_DOSSIER_WORDS = 64, /* kinds and rels that are asked for by name */
};

/* A statement that the store does not hold yet. */
struct weft_overlay_item {
    uint64_t asset;
    const uint64_t *targets; /* Of its links, in order. */
    struct weft_stored_record stored;
    uint32_t older; /* Place + 1 of the next in its chain; 0: the last. */
};

struct weft_overlay_target {
    uint64_t target;
    uint32_t item;
    uint32_t older;
};

/* In order of agreement; chains by asset and by target of links, newest first. */
struct weft_overlay {
    struct weft_overlay_item *items;
    struct weft_overlay_target *targets;
    uint32_t *chains; /* Of items, then of targets. */
    uint32_t count;
    uint32_t capacity;
    uint32_t target_count;
    uint32_t target_capacity;
};
enum {
    WEFT_OVERLAY_CHAINS = 1024 /* of each sort; chosen: an apply holds few thousand items */
};

struct weft_mention {
    struct weft_moment moment;
    uint64_t asset; /* Of the record that has the link. */
};

struct weft_dossier {
    struct weft_store *store;
    const struct weft_store_snapshot *snapshot; /* NULL: the present. */
    struct weft_names *names;                   /* NULL: names are looked up in the store. */
    const struct weft_overlay *overlay;         /* NULL: none. */
    struct weft_reveal *reveal;      /* Nothing else is read; NULL: all is. Not for an apply. */
    struct weft_labels_tally *tally; /* Of what is read; NULL: nobody asks. */
    struct weft_store_walk *walk;
    struct weft_loader *loader;
    struct weft_arena *arena;
    struct weft_msg *msg;
    uint64_t as_of;
    int64_t at_ns; /* Nothing that became true later; INT64_MAX: everything. */
    uint64_t steps_left;
    struct {
        struct weft_text name;
        uint16_t id;
        char letter;
    } words[WEFT_DOSSIER_WORDS];
    uint32_t word_count;
};

/* All: WEFT_ETOOBIG (the budget), WEFT_ECORRUPT, WEFT_EIO, WEFT_ENOMEM. */

/* *ret_asset 0: never mentioned. */
WEFT_MUST_USE enum weft_err weft_dossier_find(
    struct weft_dossier *dossier, struct weft_text name, uint64_t *ret_asset);
/* Its statements of one kind, in order of agreement. */
WEFT_MUST_USE enum weft_err weft_dossier_history(struct weft_dossier *dossier, uint64_t asset,
    struct weft_text kind, const struct weft_stored_record **ret_records, uint32_t *ret_count);
/* The statement of the kind that was agreed on last; NULL: there is none. */
WEFT_MUST_USE enum weft_err weft_dossier_current(struct weft_dossier *dossier, uint64_t asset,
    struct weft_text kind, const struct weft_stored_record **ret_record);
/* Places only, in order of agreement. */
WEFT_MUST_USE enum weft_err weft_dossier_moments(struct weft_dossier *dossier, uint64_t asset,
    struct weft_text kind, struct weft_moment **ret_moments, uint32_t *ret_count);
/* Records that link to the asset by this rel, in order of truth; the overlay's at the end. */
WEFT_MUST_USE enum weft_err weft_dossier_mentions(struct weft_dossier *dossier, uint64_t asset,
    struct weft_text rel, struct weft_mention **ret_mentions, uint32_t *ret_count);
/* Kinds of which the asset has statements in the store, seen by the question or not. */
WEFT_MUST_USE enum weft_err weft_dossier_kinds(
    struct weft_dossier *dossier, uint64_t asset, uint16_t **ret_kinds, uint32_t *ret_count);
/* As weft_dossier_current, of a kind by its id. Not of the overlay. *ret_rev (may be NULL): the
 * index of its last statement, whenever that became true; 0: none. */
WEFT_MUST_USE enum weft_err weft_dossier_newest(struct weft_dossier *dossier, uint64_t asset,
    uint16_t kind, const struct weft_stored_record **ret_record, uint64_t *ret_rev);
/* The asset's own records that have a link by one of these rels, in order of agreement. */
WEFT_MUST_USE enum weft_err weft_dossier_linking(struct weft_dossier *dossier, uint64_t asset,
    const struct weft_text *rels, uint32_t rel_count, const struct weft_stored_record **ret_records,
    uint32_t *ret_count);
/* The newest of them, by one rel; NULL: there is none. */
WEFT_MUST_USE enum weft_err weft_dossier_linking_last(struct weft_dossier *dossier, uint64_t asset,
    struct weft_text rel, const struct weft_stored_record **ret_record);
WEFT_MUST_USE enum weft_err weft_dossier_load(struct weft_dossier *dossier,
    const struct weft_moment *moment, const struct weft_stored_record **ret_record);

/* Overlay: node/state/overlay.c. Which chain an asset's items are in. */
static inline uint32_t weft_overlay_chain(uint64_t asset)
{
    return (uint32_t)(asset * UINT64_C(0x9e3779b97f4a7c15) >> 54);
}
_Static_assert(WEFT_OVERLAY_CHAINS == 1 << 10, "weft_overlay_chain gives 10 bits");

/* The item's arrays and record outlive it. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_overlay_add(
    struct weft_overlay *overlay, const struct weft_overlay_item *item);
/* Forget the newest until `count` are left. */
void weft_overlay_cut(struct weft_overlay *overlay, uint32_t count);
void weft_overlay_destroy(struct weft_overlay *overlay);

#endif
