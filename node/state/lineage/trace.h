/* node/state/lineage/trace.h: what a search has reached as an answer: steps, or names alone.
 *
 * An answer takes several pages. What was searched for the first is kept for the next, on the
 * state's shelf (shelf.h), or searched again: an answer speaks for one index, so both are the
 * same. */
#ifndef WEFT_NODE_STATE_LINEAGE_TRACE_H
#define WEFT_NODE_STATE_LINEAGE_TRACE_H

#include "node/state/lineage/search.h"

/* Rels that say where something is. */
struct weft_trace_words {
    bool is_known;
    uint16_t own[4];    /* In an asset's own record. */
    uint16_t events[3]; /* By which an event names it. */
};

struct weft_trace {
    struct weft_run *run;
    struct weft_around around;
    struct weft_search search;
    bool wants_locations; /* Of finished units. */
    struct weft_trace_words words;
    uint32_t *places; /* By step: its place in the search. */
    uint32_t count;
    uint32_t answer_count;
    uint32_t depth_reached;
    uint32_t *steps; /* By place: its step; UINT32_MAX: it is none. NULL for names alone. */
    /* On the shelf. */
    uint64_t key;
    uint64_t as_of;
    uint64_t authority_index; /* Under which it was searched; 0: the site is ungoverned. */
    size_t bytes;
};

/* `around` is opened by the caller. NULL: no memory. */
struct weft_trace *weft_trace_create(struct weft_run *run, bool is_forward);
void weft_trace_destroy(struct weft_trace *trace); /* Accepts NULL. */
/* Choose the steps: those that are answers, and, unless names alone are asked for, what stands
 * between them and the start. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_trace_choose(struct weft_trace *trace);
/* WEFT_ENOTFOUND: whoever asks may see nothing of what was asked from, and nothing that leads on:
 * as if it were not there. Where all is shown: never. node/state/lineage/location.c */
WEFT_MUST_USE enum weft_err weft_trace_check_start(struct weft_trace *trace);
/* The page that the run's cursor asks for, into run->trace. */
WEFT_MUST_USE enum weft_err weft_trace_page(struct weft_trace *trace);

/* Give back what only the search needed; what is left, in bytes. */
size_t weft_trace_settle(struct weft_trace *trace);
/* Another run of the same question goes on with it. */
void weft_trace_resume(struct weft_trace *trace, struct weft_run *run);

/* Where an asset is: the newest statement that the run sees, of its own (location, shipped_to,
 * installed_in, biz_location) or of an event that concerns it (biz_location).
 * node/state/lineage/location.c */
WEFT_MUST_USE enum weft_err weft_trace_locate(
    struct weft_trace *trace, uint64_t asset, struct weft_trace_step *step);

#endif
