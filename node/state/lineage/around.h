/* node/state/lineage/around.h: the links around an asset, for one question.
 *
 * One face for two sources with equal answers: the index in memory where the view has it and the
 * question asks for material links alone, the LINKS and MIRROR keys of the store otherwise.
 * Assets are numbered for the question: nodes of the index by their number, others above. */
#ifndef WEFT_NODE_STATE_LINEAGE_AROUND_H
#define WEFT_NODE_STATE_LINEAGE_AROUND_H

#include "node/state/lineage/index.h"
#include "node/state/view.h"

enum {
    /* The rel of an edge: enum weft_rel up to WEFT_REL_LINEAGE_LAST, or one of these. */
    WEFT_AROUND_OTHER_FIRST = 16,
    WEFT_AROUND_OTHERS_MAX = 16, /* Rels of one question that carry no material. */
    WEFT_AROUND_RELS = WEFT_AROUND_OTHER_FIRST + WEFT_AROUND_OTHERS_MAX,
};

struct weft_around_rel {
    struct weft_text name; /* In rel_names, or of the vocabulary. */
    uint16_t word;         /* Its id in the store; 0: no link has it. */
    bool is_asset_inside;  /* The record's asset is below the link's target. */
};

struct weft_found; /* An edge on its way from the store. */

struct weft_around {
    struct weft_run *run;
    struct weft_lineage *lineage; /* A reference; NULL: from the store. */
    struct weft_lineage_question question;
    uint32_t base; /* Numbers above it are of `assets`. */
    struct weft_around_rel rels[WEFT_AROUND_RELS];
    uint32_t rel_count;
    char *rel_names; /* A copy of the query's: it may live longer. */
    uint16_t parent_word;
    uint64_t *assets; /* Those that the index does not number. */
    uint32_t asset_count;
    uint32_t asset_capacity;
    uint32_t *table; /* Place in `assets` + 1, by hash; 0: free. */
    uint32_t table_size;
    /* Of the store. */
    struct weft_ref *places; /* By evidence. */
    uint32_t place_count;
    uint32_t place_capacity;
    struct weft_found *found;
    uint32_t found_count;
    uint32_t found_capacity;
    struct weft_relation_link *links;
    struct weft_relation *relations;
    uint8_t *link_rels;
    uint32_t link_capacity;
    bool kind_matters; /* What is decided of an asset is not the same for whatever kind. */
    uint8_t seen[WEFT_AROUND_RELS]; /* node/state/lineage/sight.c: of edges by each rel. */
};

/* `rels`: names with commas between; empty: all that carry material. WEFT_EINVAL: not that, or
 * an END, which leads nowhere. */
WEFT_MUST_USE enum weft_err weft_around_open(
    struct weft_around *around, struct weft_run *run, struct weft_text rels);
void weft_around_close(struct weft_around *around);

/* Bytes of memory that it holds. */
size_t weft_around_size(const struct weft_around *around);

/* The number of an asset. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_around_number(
    struct weft_around *around, uint64_t asset, uint32_t *ret_number);
uint64_t weft_around_asset(const struct weft_around *around, uint32_t number);
/* From the index, or a copy in the run's arena. */
WEFT_MUST_USE enum weft_err weft_around_name(
    struct weft_around *around, uint32_t number, struct weft_text *ret_name);
/* Has a record about the asset itself arrived? `is_reached`: by an edge that the question sees. */
WEFT_MUST_USE enum weft_err weft_around_is_known(
    struct weft_around *around, uint32_t number, bool is_reached, bool *ret_known);
/* Is what an edge leads to the asset of the record behind it, for sure? */
bool weft_around_is_own_record(const struct weft_around *around, uint8_t rel, bool is_forward);

/* Edges of each of some to parents (forward) or children: as weft_lineage_edges. */
WEFT_MUST_USE enum weft_err weft_around_edges(struct weft_around *around, const uint32_t *numbers,
    uint32_t count, bool is_forward, struct weft_edges *ret_edges, uint32_t *ret_ends,
    uint32_t *ret_done);
/* The record behind an edge. */
struct weft_ref weft_around_place(const struct weft_around *around, uint32_t evidence);

/* node/state/lineage/sight.c: of edges as weft_around_edges gave them, leave those that whoever
 * asks may see: the record behind it and the links that say so, and the asset that it leads to.
 * NOD-170. */
WEFT_MUST_USE enum weft_err weft_sight_edges(struct weft_around *around, const uint32_t *numbers,
    bool is_forward, struct weft_edges *edges, uint32_t *ends, uint32_t done);

/* node/state/lineage/around_store.c */
WEFT_MUST_USE enum weft_err weft_around_from_store(
    struct weft_around *around, uint32_t number, bool is_forward, struct weft_edges *ret_edges);

#endif
