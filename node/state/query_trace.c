/* TRACE_FORWARD and TRACE_BACK: where an asset went, what it is made of. */
#include "node/state/lineage/trace.h"

/* Does the run see a record of this kind about the asset? */
static enum weft_err has_kind(struct weft_run *run, uint64_t asset, uint16_t kind, bool *ret_has)
{
    struct weft_key key = weft_key_version(asset, kind, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    *ret_has = false;
    for (weft_store_walk_to(run->walk, &key);
         !*ret_has && weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        struct weft_ref ref;
        bool is_late;
        enum weft_err rv = weft_run_version(run, weft_store_walk_key(run->walk),
            weft_store_walk_value(run->walk), &ref, &kind, &is_late);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (ref.index > run->as_of) {
            break;
        }
        *ret_has = weft_run_sees(run, ref.index, ref.at_ns);
    }
    return weft_store_walk_err(run->walk, run->msg);
}

/* Of what was reached, those that have a record of the kind that was asked for. */
static enum weft_err keep_kind(struct weft_search *search)
{
    struct weft_run *run = search->around->run;
    uint16_t kind;
    enum weft_err rv = weft_run_word(run, 'k', run->query->to_kind, &kind);
    for (uint32_t i = 0; i < search->count && rv == WEFT_OK; i++) {
        struct weft_reached *r = &search->reached[i];
        bool has = false;
        if (r->is_answer && kind != 0) {
            rv = has_kind(run, weft_around_asset(search->around, r->number), kind, &has);
        }
        r->is_answer = r->is_answer && has;
    }
    return rv;
}

static enum weft_err answer(struct weft_run *run, struct weft_search *search)
{
    struct weft_trace trace;
    enum weft_err rv = weft_search_run(search);
    search->reached[0].is_answer = false; /* It was asked from, not for. */
    if (rv == WEFT_OK && run->query->to_kind.size > 0) {
        rv = keep_kind(search);
    }
    if (rv == WEFT_OK) {
        rv = weft_trace_open(&trace, run, search);
    }
    if (rv == WEFT_OK) {
        rv = weft_trace_page(&trace);
        weft_trace_close(&trace);
    }
    return rv;
}

enum weft_err weft_query_trace(struct weft_run *run)
{
    const struct weft_query *q = run->query;
    struct weft_head head;
    struct weft_around around;
    struct weft_search search;
    enum weft_err rv = weft_run_head(run, q->asset, &head);
    if (rv != WEFT_OK) {
        return rv;
    }
    rv = weft_around_open(&around, run, q->rels);
    weft_search_init(&search, &around, q->type == WEFT_QUERY_TRACE_FORWARD);
    search.depth_max = q->depth_max;
    search.wants_leaves = search.wants_cycles = !q->ids_only;
    if (rv == WEFT_OK) {
        rv = weft_search_enter(&search, head.id);
    }
    if (rv == WEFT_OK) {
        rv = answer(run, &search);
    }
    weft_search_close(&search);
    weft_around_close(&around);
    return rv;
}
