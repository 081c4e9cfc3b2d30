/* The links around an asset from the keys of the store: slower, and the same. */
#include <stdlib.h>

#include "node/state/lineage/around.h"
#include "node/state/walks.h"
#include "proto/check.h"

struct weft_found {
    struct weft_ref record;
    uint32_t peer;
    uint32_t link; /* Its place in the record, if the record's own links told. */
    uint8_t rel;
};

/* What is looked for around which asset. */
struct search {
    struct weft_around *around;
    struct weft_edges *edges;
    uint64_t asset;
    bool is_forward;
};

static enum weft_err no_memory(const struct weft_around *around)
{
    return weft_fail(around->run->msg, WEFT_ENOMEM, "the links of a trace");
}

static enum weft_err keep(
    struct search *s, const struct weft_ref *record, uint8_t rel, uint64_t peer, uint32_t link)
{
    struct weft_around *a = s->around;
    if (a->found_count == a->found_capacity) {
        uint32_t capacity = a->found_capacity == 0 ? 64 : 2 * a->found_capacity;
        struct weft_found *found = realloc(a->found, capacity * sizeof(*found));
        if (found == NULL) {
            return no_memory(a);
        }
        a->found = found;
        a->found_capacity = capacity;
    }
    struct weft_found *f = &a->found[a->found_count++];
    *f = (struct weft_found){.record = *record, .link = link, .rel = rel};
    return weft_around_number(a, peer, &f->peer);
}

static enum weft_err reserve_links(struct weft_around *a, uint32_t count)
{
    if (count <= a->link_capacity) {
        return WEFT_OK;
    }
    free(a->links);
    free(a->relations);
    free(a->link_rels);
    a->links = calloc(count, sizeof(*a->links));
    a->relations = calloc(count, sizeof(*a->relations));
    a->link_rels = calloc(count, sizeof(*a->link_rels));
    a->link_capacity = count;
    if (a->links == NULL || a->relations == NULL || a->link_rels == NULL) {
        a->link_capacity = 0;
        return no_memory(a);
    }
    return WEFT_OK;
}

/* The rel of an edge that bears this word; 0: none that matters. */
static uint8_t rel_of(const struct weft_around *a, uint16_t word)
{
    for (uint32_t rel = 1; rel < a->rel_count; rel++) {
        if (a->rels[rel].word == word && word != 0) {
            return (uint8_t)rel;
        }
    }
    return 0;
}

/* What was opened into a->links and a->link_rels. */
static enum weft_err read_links(struct weft_around *a, struct weft_links *links)
{
    enum weft_err rv = reserve_links(a, links->count);
    for (uint32_t i = 0; i < links->count && rv == WEFT_OK; i++) {
        uint16_t word;
        if (!weft_links_next(links, &word, &a->links[i].to)) {
            return weft_run_damaged(a->run, "a record's links");
        }
        a->link_rels[i] = rel_of(a, word);
        a->links[i].rel = word == a->parent_word && word != 0 ? WEFT_REL_PARENT
                          : a->link_rels[i] <= WEFT_REL_LINEAGE_LAST
                              ? (enum weft_rel)a->link_rels[i]
                              : WEFT_REL_OTHER;
    }
    return rv;
}

/* --- records of the asset itself ------------------------------------------------------------- */

/* What the record in a->links says of its own asset. */
static enum weft_err take_own(struct search *s, const struct weft_ref *record, uint32_t link_count)
{
    struct weft_around *a = s->around;
    enum weft_err rv = WEFT_OK;
    uint32_t count = weft_relations_of(s->asset, a->links, link_count, a->relations);
    for (uint32_t i = 0; i < count && rv == WEFT_OK; i++) {
        const struct weft_relation *r = &a->relations[i];
        if (s->is_forward && r->child_link == WEFT_RELATION_OF_ASSET) {
            rv = keep(s, record, (uint8_t)r->rel, r->parent, r->link);
        } else if (!s->is_forward && r->parent_link == WEFT_RELATION_OF_ASSET) {
            rv = keep(s, record, (uint8_t)r->rel, r->child, r->link);
        }
    }
    for (uint32_t i = 0; i < link_count && rv == WEFT_OK; i++) {
        uint8_t rel = a->link_rels[i];
        if (rel >= WEFT_AROUND_OTHER_FIRST && a->rels[rel].is_asset_inside == s->is_forward) {
            rv = keep(s, record, rel, a->links[i].to, i);
        }
    }
    return rv;
}

static enum weft_err on_own(
    void *ctx, const struct weft_ref *record, struct weft_links *links, bool *ret_ends)
{
    struct search *s = ctx;
    if (record->index > s->around->run->as_of) {
        *ret_ends = true;
        return WEFT_OK;
    }
    enum weft_err rv = read_links(s->around, links);
    if (rv != WEFT_OK) {
        return rv;
    }
    s->edges->looked += links->count;
    return links->at_ns <= s->around->question.at_ns ? take_own(s, record, links->count) : WEFT_OK;
}

/* --- records that link to the asset ---------------------------------------------------------- */

/* Records that link to the asset by one word. */
struct mirror {
    struct search *search;
    uint64_t owner; /* Of the record that is looked at. */
    uint8_t rel;    /* Of the edge; 0: look at the record's links (parent). */
    bool is_relayed;
};

/* A record whose `parent` may take the place of its asset: look at all its links. */
static enum weft_err on_relayed(
    void *ctx, const struct weft_ref *record, struct weft_links *links, bool *ret_ends)
{
    const struct mirror *m = ctx;
    struct search *s = m->search;
    struct weft_around *a = s->around;
    enum weft_err rv = read_links(a, links);
    (void)ret_ends;
    if (rv != WEFT_OK) {
        return rv;
    }
    s->edges->looked += links->count;
    uint32_t count = weft_relations_of(m->owner, a->links, links->count, a->relations);
    for (uint32_t i = 0; i < count && rv == WEFT_OK; i++) {
        const struct weft_relation *r = &a->relations[i];
        if (s->is_forward && r->child == s->asset && r->child_link != WEFT_RELATION_OF_ASSET &&
            (uint8_t)r->rel == m->rel) {
            rv = keep(s, record, (uint8_t)r->rel, r->parent, r->link);
        } else if (!s->is_forward && r->parent == s->asset &&
                   r->parent_link != WEFT_RELATION_OF_ASSET &&
                   weft_thread_rel_traits(r->rel)->uses_parent) {
            rv = keep(s, record, (uint8_t)r->rel, r->child, r->link);
        }
    }
    return rv;
}

static enum weft_err on_mirror(
    void *ctx, const struct weft_ref *record, uint64_t owner, bool *ret_ends)
{
    struct mirror *m = ctx;
    struct search *s = m->search;
    struct weft_run *run = s->around->run;
    s->edges->looked++;
    *ret_ends = record->at_ns > s->around->question.at_ns;
    if (*ret_ends || record->index > run->as_of) {
        return WEFT_OK;
    }
    m->owner = owner;
    return m->is_relayed ? weft_walk_links_of(run, owner, record, on_relayed, m)
                         : keep(s, record, m->rel, owner, 0);
}

/* All records that link to the asset by this word and that the question sees. `rel`: of the
 * edge; 0: look at the record's links (parent). */
static enum weft_err search_mirror(struct search *s, uint16_t word, uint8_t rel)
{
    struct mirror mirror = {.search = s,
        .rel = rel,
        .is_relayed = rel == 0 || (rel <= WEFT_REL_LINEAGE_LAST &&
                                      weft_thread_rel_traits((enum weft_rel)rel)->uses_parent)};
    return weft_walk_mirror(s->around->run, s->asset, word, INT64_MIN, on_mirror, &mirror);
}

static enum weft_err search_others(struct search *s)
{
    const struct weft_around *a = s->around;
    enum weft_err rv = WEFT_OK;
    for (uint32_t rel = 1; rel < a->rel_count && rv == WEFT_OK; rel++) {
        if (a->rels[rel].word != 0 && a->rels[rel].is_asset_inside != s->is_forward) {
            rv = search_mirror(s, a->rels[rel].word, (uint8_t)rel);
        }
    }
    if (rv == WEFT_OK && !s->is_forward && a->parent_word != 0) {
        rv = search_mirror(s, a->parent_word, 0);
    }
    return rv;
}

/* --- the answer ------------------------------------------------------------------------------ */

static int compare_found(const void *a, const void *b)
{
    const struct weft_found *x = a, *y = b;
    if (x->record.index != y->record.index) {
        return x->record.index < y->record.index ? -1 : 1;
    }
    if (x->record.ordinal != y->record.ordinal) {
        return x->record.ordinal < y->record.ordinal ? -1 : 1;
    }
    if (x->rel != y->rel) {
        return x->rel < y->rel ? -1 : 1;
    }
    return x->link < y->link ? -1 : x->link > y->link;
}

static bool is_end(uint8_t rel)
{
    return rel > WEFT_REL_MATERIAL_LAST && rel <= WEFT_REL_LINEAGE_LAST;
}

static enum weft_err take_ends(struct search *s)
{
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; i < s->around->found_count && rv == WEFT_OK; i++) {
        const struct weft_found *f = &s->around->found[i];
        uint32_t peer = f->rel == WEFT_REL_EMPTIES ? WEFT_EDGES_ALL : f->peer;
        if (is_end(f->rel)) {
            rv = weft_edges_add_end(s->edges, &(struct weft_edge_end){peer, f->record});
        }
    }
    weft_edges_order_ends(s->edges);
    return rv;
}

static enum weft_err add_place(struct weft_around *a, const struct weft_ref *place)
{
    if (a->place_count == a->place_capacity) {
        uint32_t capacity = a->place_capacity == 0 ? 256 : 2 * a->place_capacity;
        struct weft_ref *places = realloc(a->places, capacity * sizeof(*places));
        if (places == NULL) {
            return WEFT_ENOMEM;
        }
        a->places = places;
        a->place_capacity = capacity;
    }
    a->places[a->place_count++] = *place;
    return WEFT_OK;
}

/* Has the container been emptied since the record? Its EMPTIES stand in order of time. */
static enum weft_err find_emptied(
    struct search *s, const struct weft_found *f, bool *ret_is_emptied)
{
    struct weft_run *run = s->around->run;
    uint64_t parent = weft_around_asset(s->around, f->peer);
    uint16_t word = s->around->rels[WEFT_REL_EMPTIES].word;
    struct weft_key key =
        weft_key_mirror(parent, word, f->record.at_ns, f->record.index, f->record.ordinal);
    struct weft_bytes prefix = {key.bytes, WEFT_KEY_MIRROR_PREFIX_SIZE};
    for (weft_store_walk_to(run->walk, &key);
         !*ret_is_emptied && weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        struct weft_ref record;
        uint64_t owner;
        enum weft_err rv = weft_run_mirror(
            run, weft_store_walk_key(run->walk), weft_store_walk_value(run->walk), &record, &owner);
        if (rv != WEFT_OK) {
            return rv;
        }
        s->edges->looked++;
        if (record.at_ns > s->around->question.at_ns) {
            break;
        }
        *ret_is_emptied = record.index <= run->as_of && weft_edges_is_behind(&record, &f->record);
    }
    return weft_store_walk_err(run->walk, run->msg);
}

static enum weft_err take_edge(struct search *s, const struct weft_found *f)
{
    struct weft_around *a = s->around;
    struct weft_edge edge = {.peer = f->peer, .evidence = a->place_count, .rel = f->rel};
    if ((a->question.rels >> f->rel & 1) == 0) {
        return WEFT_OK;
    }
    if (f->rel <= WEFT_REL_LINEAGE_LAST) {
        bool can_end = (a->question.ending >> f->rel & 1) != 0;
        edge.has_ended = weft_edges_has_ended(s->edges, f->peer, &f->record);
        bool is_out = edge.has_ended || weft_edges_has_ended(s->edges, WEFT_EDGES_ALL, &f->record);
        if (can_end && s->is_forward && !is_out && a->rels[WEFT_REL_EMPTIES].word != 0) {
            enum weft_err rv = find_emptied(s, f, &is_out);
            if (rv != WEFT_OK) {
                return rv;
            }
        }
        if (can_end && is_out) {
            return WEFT_OK;
        }
    }
    enum weft_err rv = add_place(a, &f->record);
    rv = rv == WEFT_OK ? weft_edges_add(s->edges, &edge) : rv;
    return rv == WEFT_OK ? rv : no_memory(a);
}

enum weft_err weft_around_from_store(
    struct weft_around *around, uint32_t number, bool is_forward, struct weft_edges *ret_edges)
{
    struct search s = {.around = around,
        .edges = ret_edges,
        .asset = weft_around_asset(around, number),
        .is_forward = is_forward};
    ret_edges->count = ret_edges->end_count = 0;
    around->found_count = 0;
    enum weft_err rv = weft_walk_links(around->run, s.asset, on_own, &s);
    if (rv == WEFT_OK) {
        rv = search_others(&s);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    if (around->found_count > 1) {
        qsort(around->found, around->found_count, sizeof(*around->found), compare_found);
    }
    rv = take_ends(&s);
    if (rv != WEFT_OK) {
        return no_memory(around);
    }
    for (uint32_t i = 0; i < around->found_count && rv == WEFT_OK; i++) {
        rv = take_edge(&s, &around->found[i]);
    }
    return rv;
}
