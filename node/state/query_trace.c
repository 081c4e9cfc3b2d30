/* TRACE_FORWARD and TRACE_BACK: where an asset went, what it is made of. */
#include "node/state/machine.h"

/* May records of to_kind on the asset be seen? */
static enum weft_err may_see_kind(struct weft_around *around, uint32_t number, bool *ret_may)
{
    struct weft_run *run = around->run;
    struct weft_text name;
    *ret_may = true;
    if (run->reveal == NULL) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_around_name(around, number, &name);
    *ret_may = rv == WEFT_OK && weft_run_may_see(run, run->query->to_kind, name);
    return rv;
}

/* Does the run see a record of this kind about the asset? */
static enum weft_err has_kind(
    struct weft_around *around, uint32_t number, uint16_t kind, bool *ret_has)
{
    struct weft_run *run = around->run;
    struct weft_key key = weft_key_version(weft_around_asset(around, number), kind, 0, 0);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    bool may_see;
    enum weft_err err = may_see_kind(around, number, &may_see);
    *ret_has = false;
    if (err != WEFT_OK || !may_see) {
        return err;
    }
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
            rv = has_kind(search->around, r->number, kind, &has);
        }
        r->is_answer = r->is_answer && has;
    }
    return rv;
}

static enum weft_err search_all(struct weft_trace *trace)
{
    struct weft_run *run = trace->run;
    const struct weft_query *q = run->query;
    struct weft_search *search = &trace->search;
    struct weft_head head;
    enum weft_err rv = weft_run_head(run, q->asset, &head);
    if (rv != WEFT_OK) {
        return rv;
    }
    search->depth_max = q->depth_max;
    search->wants_leaves = search->wants_cycles = !q->ids_only;
    rv = weft_around_open(&trace->around, run, q->rels);
    if (rv == WEFT_OK) {
        rv = weft_search_enter(search, head.id);
    }
    if (rv == WEFT_OK) {
        rv = weft_search_run(search);
        search->reached[0].is_answer = false; /* It was asked from, not for. */
    }
    if (rv == WEFT_OK) {
        rv = weft_trace_check_start(trace);
    }
    return rv == WEFT_OK && q->to_kind.size > 0 ? keep_kind(search) : rv;
}

enum weft_err weft_query_paged(
    struct weft_run *run, enum weft_err (*search)(struct weft_trace *trace), bool is_forward)
{
    struct weft_shelf *shelf = &run->view->state->shelf;
    uint64_t key = weft_run_hash(run->query);
    struct weft_trace *trace = run->has_after ? weft_shelf_take(shelf, key, run->as_of) : NULL;
    uint64_t authority_index =
        run->view->authority != NULL ? weft_authority_index(run->view->authority) : 0;
    if (trace != NULL &&
        (trace->authority_index != authority_index ||
            (trace->around.lineage != NULL && trace->around.lineage != run->view->lineage))) {
        /* The answer's names stand where the view keeps them; and who may see what is another. */
        weft_trace_destroy(trace);
        trace = NULL;
    }
    enum weft_err rv = WEFT_OK;
    if (trace != NULL) {
        weft_trace_resume(trace, run);
    } else {
        trace = weft_trace_create(run, is_forward);
        if (trace == NULL) {
            return weft_fail(run->msg, WEFT_ENOMEM, "a trace");
        }
        rv = search(trace);
        rv = rv == WEFT_OK ? weft_trace_choose(trace) : rv;
    }
    if (rv == WEFT_OK) {
        rv = weft_trace_page(trace);
    }
    bool is_stopped = run->view->yield != NULL && run->view->yield->err != WEFT_OK;
    if (rv != WEFT_OK || is_stopped || run->page->cursor.size == 0) {
        weft_trace_destroy(trace);
        return rv;
    }
    trace->key = key;
    trace->as_of = run->as_of;
    trace->authority_index = authority_index;
    weft_shelf_put(shelf, trace);
    return WEFT_OK;
}

enum weft_err weft_query_trace(struct weft_run *run)
{
    return weft_query_paged(run, search_all, run->query->type == WEFT_QUERY_TRACE_FORWARD);
}
