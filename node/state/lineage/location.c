/* Where an asset is now: the newest statement of a place. */
#include "node/mutant.h"
#include "node/state/lineage/trace.h"
#include "node/state/walks.h"
#include "proto/thread.h"

enum {
    EVENTS_LOOKED_MAX = 256, /* of one rel, newest first, for one that names a place; about 1 ms */
};

/* What its own records may say, and by what an event names it. */
static const enum weft_rel own_rels[] = {
    WEFT_REL_LOCATION, WEFT_REL_SHIPPED_TO, WEFT_REL_INSTALLED_IN, WEFT_REL_BIZ_LOCATION};
static const enum weft_rel event_rels[] = {WEFT_REL_ABOUT, WEFT_REL_CONTAINS, WEFT_REL_OUTPUT};

enum {
    OWN_RELS = sizeof(own_rels) / sizeof(own_rels[0]),
    EVENT_RELS = sizeof(event_rels) / sizeof(event_rels[0]),
};

_Static_assert(OWN_RELS == sizeof(((struct weft_trace_words *)0)->own) / sizeof(uint16_t) &&
                   EVENT_RELS == sizeof(((struct weft_trace_words *)0)->events) / sizeof(uint16_t),
    "each has its word");

struct search {
    struct weft_run *run;
    const struct weft_trace_words *words;
    uint64_t asset;
    struct weft_text by; /* The rel by which an event names the asset; empty: its own record. */
    bool has_one;
    struct weft_ref newest;
    uint64_t to;
    enum weft_rel rel;
};

static struct weft_text name_of(enum weft_rel rel)
{
    return weft_text_of(weft_thread_rel_traits(rel)->name);
}

static enum weft_err find_words(struct weft_run *run, struct weft_trace_words *words)
{
    enum weft_err rv = WEFT_OK;
    for (int i = 0; i < OWN_RELS && rv == WEFT_OK; i++) {
        rv = weft_run_word(run, 'r', name_of(own_rels[i]), &words->own[i]);
    }
    for (int i = 0; i < EVENT_RELS && rv == WEFT_OK; i++) {
        rv = weft_run_word(run, 'r', name_of(event_rels[i]), &words->events[i]);
    }
    words->is_known = rv == WEFT_OK;
    return rv;
}

static bool is_newer(const struct search *s, const struct weft_ref *ref)
{
    if (!s->has_one || ref->at_ns != s->newest.at_ns) {
        return !s->has_one || ref->at_ns > s->newest.at_ns;
    }
    return ref->index != s->newest.index ? ref->index > s->newest.index
                                         : ref->ordinal > s->newest.ordinal;
}

/* May it be told where the asset is, by this record and link? And by what names the asset in an
 * event. One whose time is hidden is not the newest of anything. */
static enum weft_err may_tell(
    struct search *s, const struct weft_ref *ref, enum weft_rel rel, bool *ret_may)
{
    struct weft_run *run = s->run;
    struct weft_bytes bytes;
    struct weft_stored_head head;
    int64_t time_ns;
    enum weft_err rv = weft_run_may_see_link(run, ref, name_of(rel), ret_may);
    *ret_may = *ret_may || weft_node_mutant(WEFT_NODE_MUTANT_LOCATION_UNFILTERED);
    if (rv != WEFT_OK || run->reveal == NULL || !*ret_may) {
        return rv;
    }
    rv = weft_loader_get(&run->loader, ref, &bytes, &time_ns, run->msg);
    if (rv == WEFT_OK && weft_stored_peek(bytes, &head) != WEFT_OK) {
        rv = weft_run_damaged(run, "a record");
    }
    *ret_may =
        rv == WEFT_OK && weft_reveal_shows(run->reveal, head.kind, head.asset, WEFT_TEXT("@at")) &&
        (s->by.size == 0 || weft_reveal_shows_link(run->reveal, head.kind, head.asset, s->by));
    return rv;
}

/* The first of the record's links that names a place. `only`: this rel of own_rels; -1: any. */
static enum weft_err take(
    struct search *s, const struct weft_ref *ref, struct weft_links *links, int only)
{
    uint16_t word;
    uint64_t to;
    while (links->left > 0) {
        bool may_see;
        if (!weft_links_next(links, &word, &to)) {
            return weft_run_damaged(s->run, "a record's links");
        }
        for (int i = 0; i < OWN_RELS; i++) {
            if (word == s->words->own[i] && word != 0 && (only < 0 || only == i)) {
                enum weft_err rv = may_tell(s, ref, own_rels[i], &may_see);
                if (rv != WEFT_OK) {
                    return rv;
                }
                if (!may_see) {
                    continue;
                }
                s->has_one = true;
                s->newest = *ref;
                s->to = to;
                s->rel = own_rels[i];
                return WEFT_OK;
            }
        }
    }
    return WEFT_OK;
}

static enum weft_err on_own(
    void *ctx, const struct weft_ref *ref, struct weft_links *links, bool *ret_ends)
{
    struct search *s = ctx;
    (void)ret_ends;
    return weft_run_sees(s->run, ref->index, ref->at_ns) && is_newer(s, ref)
               ? take(s, ref, links, -1)
               : WEFT_OK;
}

/* The event's biz_location, if it names one: the last of own_rels. */
static enum weft_err on_links_of_event(
    void *ctx, const struct weft_ref *ref, struct weft_links *links, bool *ret_ends)
{
    (void)ret_ends;
    return take(ctx, ref, links, OWN_RELS - 1);
}

/* Newest first, until one names a place or is older than what there is. */
static enum weft_err on_event(void *ctx, const struct weft_ref *ref, uint64_t owner, bool *ret_ends)
{
    struct search *s = ctx;
    *ret_ends = !is_newer(s, ref);
    return !*ret_ends && weft_run_sees(s->run, ref->index, ref->at_ns)
               ? weft_walk_links_of(s->run, owner, ref, on_links_of_event, s)
               : WEFT_OK;
}

enum weft_err weft_trace_locate(
    struct weft_trace *trace, uint64_t asset, struct weft_trace_step *step)
{
    struct search s = {.run = trace->run, .words = &trace->words, .asset = asset};
    enum weft_err rv = trace->words.is_known ? WEFT_OK : find_words(trace->run, &trace->words);
    if (rv == WEFT_OK) {
        rv = weft_walk_links(s.run, asset, on_own, &s);
    }
    for (int i = 0; i < EVENT_RELS && rv == WEFT_OK; i++) {
        s.by = name_of(event_rels[i]);
        rv = s.words->events[i] != 0 ? weft_walk_mirror_back(s.run, asset, s.words->events[i],
                                           s.run->query->has_at ? s.run->query->at_ns : INT64_MAX,
                                           EVENTS_LOOKED_MAX, on_event, &s)
                                     : WEFT_OK;
    }
    if (rv != WEFT_OK || !s.has_one) {
        return rv;
    }
    uint32_t number;
    rv = weft_around_number(&trace->around, s.to, &number);
    if (rv == WEFT_OK) {
        rv = weft_around_name(&trace->around, number, &step->location);
    }
    step->location_rel = name_of(s.rel);
    step->location_index = s.newest.index;
    step->location_ordinal = s.newest.ordinal;
    step->location_at_ns = s.newest.at_ns;
    return rv;
}

enum weft_err weft_trace_check_start(struct weft_trace *trace)
{
    struct weft_run *run = trace->run;
    bool is_known = true;
    if (run->reveal == NULL || trace->search.count != 1) {
        return WEFT_OK;
    }
    enum weft_err rv =
        weft_around_is_known(&trace->around, trace->search.reached[0].number, false, &is_known);
    return rv == WEFT_OK && !is_known ? weft_fail(run->msg, WEFT_ENOTFOUND, "nothing to be seen")
                                      : rv;
}
