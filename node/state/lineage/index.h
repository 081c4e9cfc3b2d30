/* node/state/lineage/index.h: who is inside whom, in memory: the adjacency index.
 *
 * Append-only. One thread adds (apply's), any number read beside it without locks: what a reader
 * may see is fixed by the span that it took on the adding thread, and everything in the span was
 * published before. Assets that lineage touches are nodes, numbered from 1. A statement of a
 * record about one parent and its children is a group; groups lie in the order of the log, so
 * "known at an index" is "below an offset". Layout, memory and rules: node/state/README.md. */
#ifndef WEFT_NODE_STATE_LINEAGE_INDEX_H
#define WEFT_NODE_STATE_LINEAGE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "node/state/keys.h"
#include "node/state/lineage/relation.h"
#include "proto/bytes.h"
#include "proto/err.h"

struct weft_lineage;

#define WEFT_LINEAGE_NODES_MAX ((UINT32_C(1) << 28) - 1)
#define WEFT_LINEAGE_ASSETS_MAX ((UINT64_C(1) << 32) - 1)
/* A place in the log, in 64 bits: index and ordinal. Beyond this index there is no index. */
#define WEFT_LINEAGE_INDEX_MAX ((UINT64_C(1) << 40) - 1)

struct weft_lineage_stats {
    uint64_t used_bytes;
    uint64_t limit_bytes;
    uint64_t nodes;
    uint64_t groups;
    uint64_t edges;
    bool is_given_up; /* It met its limit, or memory ran out: answers come from the store. */
};

/* One end of a relation: its name, and whether a record of its own is known by now. */
struct weft_lineage_end {
    struct weft_text name; /* Borrowed until published; empty while loading. */
    bool is_known;
};

/* NULL: no memory. */
struct weft_lineage *weft_lineage_create(uint64_t limit_bytes);
/* Readers on other threads keep it by a reference of their own. release accepts NULL. */
void weft_lineage_retain(struct weft_lineage *lineage);
void weft_lineage_release(struct weft_lineage *lineage);
void weft_lineage_stats(const struct weft_lineage *lineage, struct weft_lineage_stats *ret_stats);

/* --- the adding thread ----------------------------------------------------------------------- */

/* What the apply under way will add once its batch is written, in order. Where the record's pack
 * begins is not known yet. Without memory the index is given up at the next publish. */
void weft_lineage_stage(struct weft_lineage *lineage, const struct weft_ref *place,
    const struct weft_relation *relation, const struct weft_lineage_end *parent,
    const struct weft_lineage_end *child);
/* The record of that place is one about `asset`: behind its relations. */
void weft_lineage_stage_record(
    struct weft_lineage *lineage, const struct weft_ref *place, uint64_t asset);
/* The batch is written. `first` tells where the pack of the n-th record of stage_record begins.
 * False: the index has just been given up; it stays so. */
bool weft_lineage_publish(
    struct weft_lineage *lineage, uint32_t (*first)(void *ctx, uint32_t record), void *ctx);

/* Loading: what publish does, without what is staged. */
void weft_lineage_add(struct weft_lineage *lineage, const struct weft_ref *place,
    const struct weft_relation *relations, uint32_t relation_count);
void weft_lineage_set_name(struct weft_lineage *lineage, uint64_t asset, struct weft_text name);
/* Of each asset with an id up to asset_max the index of its first own record, 0: none. */
void weft_lineage_set_known(
    struct weft_lineage *lineage, const uint64_t *first_index, uint64_t asset_max);

/* From now on there are records that name a `parent`: EPCIS events, which stand between a container
 * and what is in it. The index has what they relate, not them. */
void weft_lineage_note_events(struct weft_lineage *lineage);

enum {
    WEFT_LINEAGE_BATCH = 16 /* nodes; measured: fewer wait for memory, more push each other out */
};

/* --- readers --------------------------------------------------------------------------------- */

/* What a reader sees: nodes and groups that existed when it was taken, on the adding thread. */
struct weft_lineage_span {
    uint32_t nodes;  /* Numbers up to this one. */
    uint32_t groups; /* Offsets below this one. */
};

struct weft_lineage_span weft_lineage_span(const struct weft_lineage *lineage);
/* The part of it that was known at an index. */
struct weft_lineage_span weft_lineage_span_as_of(
    const struct weft_lineage *lineage, struct weft_lineage_span span, uint64_t index);

/* Does a record that any reader may see name a `parent`? */
bool weft_lineage_has_events(const struct weft_lineage *lineage);

/* 0: lineage does not touch this asset. */
uint32_t weft_lineage_node(
    const struct weft_lineage *lineage, struct weft_lineage_span span, uint64_t asset);
uint64_t weft_lineage_asset(const struct weft_lineage *lineage, uint32_t node);
struct weft_text weft_lineage_name(const struct weft_lineage *lineage, uint32_t node);
enum weft_lineage_known {
    WEFT_LINEAGE_KNOWN,
    WEFT_LINEAGE_UNKNOWN,
    WEFT_LINEAGE_UNSURE /* The versions in the store tell. */
};

/* Had a record of the node's own arrived at the span's end? Only of a node that an edge of the span
 * leads to: NOD-112. */
enum weft_lineage_known weft_lineage_is_known(
    const struct weft_lineage *lineage, struct weft_lineage_span span, uint32_t node);

/* A link from a parent to a child; `peer` is the one that was not asked for. */
struct weft_edge {
    uint32_t peer;
    uint32_t evidence; /* Its group. */
    uint8_t rel;       /* enum weft_rel, or more: node/state/lineage/around.h. */
    bool has_ended;    /* Of a kind that lasts for good, but taken out again later. */
};

/* Its memory is kept from one use to the next. Zero-initialized is ready. */
struct weft_edges {
    struct weft_edge *items;
    uint32_t count;
    uint32_t capacity;
    uint64_t looked; /* Links looked at so far, over all uses. */
    uint32_t *refs;  /* Scratch. */
    uint32_t ref_capacity;
    struct weft_edge_end *ends;
    uint32_t end_count;
    uint32_t end_capacity;
};

enum {
    WEFT_EDGES_ALL = 0 /* The number of no node. */
};

struct weft_edge_end { /* An END, while edges are collected. */
    uint32_t peer;     /* WEFT_EDGES_ALL: of all children at once. */
    struct weft_ref place;
};

void weft_edges_destroy(struct weft_edges *edges);
WEFT_MUST_USE enum weft_err weft_edges_add(struct weft_edges *edges, const struct weft_edge *edge);
WEFT_MUST_USE enum weft_err weft_edges_add_end(
    struct weft_edges *edges, const struct weft_edge_end *end);
/* All ENDs are there: bring them in order. */
void weft_edges_order_ends(struct weft_edges *edges);
/* Has what began so been ended, as far as the ENDs go? For WEFT_EDGES_ALL: by one of all. */
bool weft_edges_has_ended(
    const struct weft_edges *edges, uint32_t peer, const struct weft_ref *place);
/* Does the END at `end` come behind what began at `begin`: by time, index and ordinal? */
bool weft_edges_is_behind(const struct weft_ref *end, const struct weft_ref *begin);

/* Bits of all rels that carry material. */
#define WEFT_LINEAGE_MATERIAL ((UINT32_C(2) << WEFT_REL_MATERIAL_LAST) - 2)

struct weft_lineage_question {
    struct weft_lineage_span span;
    uint32_t rels;   /* Bit of each enum weft_rel to follow. */
    uint32_t ending; /* Of those that an END ends; 0: what ever was counts. */
    int64_t at_ns;   /* INT64_MAX: whenever. */
};

/* The edges from each of some nodes (0: no node, which has none) to its parents (forward) or to its
 * children: in order of the nodes, then of the log, then as weft_relations_of orders them. Those of
 * nodes[i] end at ret_ends[i] in ret_edges; *ret_done nodes were looked at, at least one and fewer
 * than `count`, which is at most WEFT_LINEAGE_BATCH, if they have many. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_lineage_edges(const struct weft_lineage *lineage,
    const struct weft_lineage_question *question, const uint32_t *nodes, uint32_t count,
    bool is_forward, struct weft_edges *ret_edges, uint32_t *ret_ends, uint32_t *ret_done);

/* For those who look at many nodes in turn, where waiting for memory takes longest: ask for the
 * node itself some turns before it is looked at, and later for what it refers to. */
void weft_lineage_prefetch(const struct weft_lineage *lineage, uint32_t node);
void weft_lineage_prefetch_links(const struct weft_lineage *lineage,
    const struct weft_lineage_question *question, uint32_t node, bool is_forward);
void weft_lineage_prefetch_name(const struct weft_lineage *lineage, uint32_t node);
void weft_lineage_prefetch_evidence(const struct weft_lineage *lineage, uint32_t evidence);

/* The record behind an edge. */
struct weft_ref weft_lineage_evidence(const struct weft_lineage *lineage, uint32_t evidence);

#endif
