/* node/state/lineage/trace.h: what a search has reached as an answer: steps, or names alone.
 *
 * An answer takes several pages; each does the search again, which costs a few ms, and goes on
 * at the step where the last one stopped. */
#ifndef WEFT_NODE_STATE_LINEAGE_TRACE_H
#define WEFT_NODE_STATE_LINEAGE_TRACE_H

#include "node/state/lineage/search.h"

struct weft_trace {
    struct weft_run *run;
    struct weft_search *search;
    bool wants_locations; /* Of finished units. */
    uint32_t *places;     /* By step: its place in the search. */
    uint32_t count;
    uint32_t answer_count;
    uint32_t *steps; /* By place: its step; UINT32_MAX: it is none. */
};

/* Choose the steps: those that are answers, and, unless names alone are asked for, what stands
 * between them and the start. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_trace_open(
    struct weft_trace *trace, struct weft_run *run, struct weft_search *search);
void weft_trace_close(struct weft_trace *trace);
/* The page that the run's cursor asks for, into run->trace. */
WEFT_MUST_USE enum weft_err weft_trace_page(struct weft_trace *trace);

/* Where an asset is: the newest statement that the run sees, of its own (location, shipped_to,
 * installed_in, biz_location) or of an event that concerns it (biz_location).
 * node/state/lineage/location.c */
WEFT_MUST_USE enum weft_err weft_trace_locate(
    struct weft_around *around, uint64_t asset, struct weft_trace_step *step);

#endif
