/* Which edges whoever asks may see: node/state/README.md, Reading. */
#include "node/mutant.h"
#include "node/state/lineage/around.h"
#include "proto/thread.h"

enum {
    RECORD_STEPS = 16, /* to read a record takes about as long as to follow so many links */
    SCRATCH_SIZE_MAX = 1024 * 1024,
    EXPECTED_MAX =
        512, /* Records that are read ahead; chosen: a few times what the loader holds. */
};

/* What is decided for all edges of a rel at once, where the policy tells no records apart. */
enum {
    UNDECIDED = 0,
    SEEN,
    HIDDEN,
    BY_RECORD,
};

struct sight {
    struct weft_around *around;
    const struct weft_edges *edges;
    struct weft_ref expected[EXPECTED_MAX];
    uint32_t expected_end;   /* Edges before it were expected. */
    struct weft_arena froms; /* Names that stand in the store. */
    struct weft_arena peers;
    struct weft_text from;
    bool is_forward;
    bool is_simple;    /* No event stands between two assets. */
    uint8_t from_seen; /* What is decided of records on `from`, by this rel. */
    uint8_t of_from;
};

static enum weft_err name_of(struct weft_around *around, uint32_t number, struct weft_arena *arena,
    struct weft_text *ret_name)
{
    struct weft_run *run = around->run;
    struct weft_arena *kept = run->arena;
    weft_arena_reset(arena);
    run->arena = arena;
    enum weft_err rv = weft_around_name(around, number, ret_name);
    run->arena = kept;
    return rv;
}

/* An event stands between the two: it names the container as its parent, the product as output. */
static struct weft_text second_rel(struct weft_text rel)
{
    enum weft_rel what = weft_thread_rel(rel);
    bool is_made = what == WEFT_REL_INPUT || what == WEFT_REL_CONSUMES || what == WEFT_REL_USES_LOT;
    return is_made ? WEFT_TEXT("output") : WEFT_TEXT("parent");
}

/* Once for a question: it is asked of each edge. */
static uint8_t decide_rel(struct weft_around *around, uint8_t rel)
{
    struct weft_run *run = around->run;
    const struct weft_text none = {NULL, 0};
    struct weft_text name = around->rels[rel].name;
    struct weft_reveal *reveal = run->reveal;
    if (!weft_reveal_is_of_all(reveal)) {
        return BY_RECORD;
    }
    if (!weft_run_may_see(run, none, none) || !weft_reveal_shows_link(reveal, none, none, name)) {
        return HIDDEN;
    }
    return weft_reveal_shows_link(reveal, none, none, second_rel(name)) ? SEEN : BY_RECORD;
}

/* The records behind this edge and those after it, many of which are read at once. */
static void expect_from(struct sight *s, uint32_t edge)
{
    uint32_t count = 0;
    for (uint32_t i = edge; i < s->edges->count && count < EXPECTED_MAX; i++) {
        s->expected[count++] = weft_around_place(s->around, s->edges->items[i].evidence);
    }
    s->expected_end = edge + count;
    weft_loader_expect(&s->around->run->loader, s->expected, count);
}

static enum weft_err may_see_record(struct sight *s, uint32_t number, bool *ret_may)
{
    struct weft_run *run = s->around->run;
    struct weft_reveal *reveal = run->reveal;
    const struct weft_edge *edge = &s->edges->items[number];
    const struct weft_ref ref = weft_around_place(s->around, edge->evidence);
    struct weft_bytes bytes;
    struct weft_stored_head head;
    struct weft_text peer;
    int64_t time_ns;
    if (number >= s->expected_end) {
        expect_from(s, number);
    }
    enum weft_err rv = weft_run_yield(run, RECORD_STEPS);
    rv = rv == WEFT_OK ? name_of(s->around, edge->peer, &s->peers, &peer) : rv;
    rv = rv == WEFT_OK ? weft_loader_get(&run->loader, &ref, &bytes, &time_ns, run->msg) : rv;
    if (rv == WEFT_OK && weft_stored_peek(bytes, &head) != WEFT_OK) {
        rv = weft_run_damaged(run, "a record");
    }
    if (rv != WEFT_OK || !weft_run_may_see(run, head.kind, head.asset) ||
        !weft_reveal_is_permitted(reveal, head.kind, peer)) {
        return rv;
    }
    struct weft_text rel = s->around->rels[edge->rel].name;
    bool is_event = !weft_text_equal(head.asset, peer) && !weft_text_equal(head.asset, s->from);
    *ret_may =
        weft_reveal_shows_link(reveal, head.kind, head.asset, rel) &&
        (!is_event || weft_reveal_shows_link(reveal, head.kind, head.asset, second_rel(rel)));
    return WEFT_OK;
}

/* Of records on the asset, whatever their kind: is a link by `rel` seen? */
static uint8_t decide_asset(const struct sight *s, struct weft_text asset, struct weft_text rel)
{
    struct weft_reveal *reveal = s->around->run->reveal;
    char path[WEFT_REVEAL_LINK_PATH_SIZE];
    const struct weft_policy_decision *d = weft_reveal_of_asset(reveal, asset);
    if (d == NULL) {
        s->around->kind_matters = true; /* As a rule of all: no more is asked without one. */
        return BY_RECORD;
    }
    bool is_seen =
        d->effect == WEFT_EFFECT_ALLOW &&
        (!s->around->run->query->has_at || weft_reveal_tells(reveal, d, WEFT_TEXT("@at"))) &&
        weft_reveal_tells(reveal, d, weft_reveal_link_path(path, rel));
    return is_seen ? SEEN : HIDDEN;
}

/* Where no event stands between two assets the record is on one of them, as its rel tells, and what
 * is decided of them may hold for whatever kind: then the record need not be read. */
static enum weft_err decide_assets(struct sight *s, const struct weft_edge *edge, uint8_t *ret_seen)
{
    const struct weft_around_rel *rel = &s->around->rels[edge->rel];
    struct weft_text peer;
    *ret_seen = BY_RECORD;
    if (!s->is_simple || s->around->kind_matters) {
        return WEFT_OK;
    }
    enum weft_err rv = name_of(s->around, edge->peer, &s->peers, &peer);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (rel->is_asset_inside != s->is_forward) {
        *ret_seen = decide_asset(s, peer, rel->name);
        return WEFT_OK;
    }
    if (s->of_from != edge->rel) {
        s->of_from = edge->rel;
        s->from_seen = decide_asset(s, s->from, rel->name);
    }
    const struct weft_policy_decision *d =
        s->from_seen == SEEN ? weft_reveal_of_asset(s->around->run->reveal, peer) : NULL;
    *ret_seen = d == NULL                        ? s->from_seen == HIDDEN ? HIDDEN : BY_RECORD
                : d->effect == WEFT_EFFECT_ALLOW ? SEEN
                                                 : HIDDEN;
    return WEFT_OK;
}

static enum weft_err may_see(struct sight *s, uint32_t number, bool *ret_may)
{
    const struct weft_edge *edge = &s->edges->items[number];
    uint8_t *of_rel = &s->around->seen[edge->rel];
    *of_rel = *of_rel == UNDECIDED ? decide_rel(s->around, edge->rel) : *of_rel;
    uint8_t seen = *of_rel;
    enum weft_err rv = seen == BY_RECORD ? decide_assets(s, edge, &seen) : WEFT_OK;
    *ret_may = seen == SEEN;
    return rv == WEFT_OK && seen == BY_RECORD ? may_see_record(s, number, ret_may) : rv;
}

enum weft_err weft_sight_edges(struct weft_around *around, const uint32_t *numbers, bool is_forward,
    struct weft_edges *edges, uint32_t *ends, uint32_t done)
{
    struct weft_run *run = around->run;
    uint32_t kept = 0, from = 0;
    if (run->reveal == NULL || edges->count == 0 ||
        weft_node_mutant(WEFT_NODE_MUTANT_EDGES_UNFILTERED)) {
        return WEFT_OK;
    }
    struct sight s = {.around = around,
        .edges = edges,
        .is_forward = is_forward,
        .is_simple = around->lineage != NULL && !weft_lineage_has_events(around->lineage),
        .froms = {.size_max = SCRATCH_SIZE_MAX},
        .peers = {.size_max = SCRATCH_SIZE_MAX}};
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; i < done && rv == WEFT_OK; i++) {
        uint32_t end = ends[i];
        s.of_from = WEFT_AROUND_RELS; /* Of none yet. */
        rv = from < end ? name_of(around, numbers[i], &s.froms, &s.from) : WEFT_OK;
        for (; from < end && rv == WEFT_OK; from++) {
            bool may = false;
            rv = may_see(&s, from, &may);
            if (may) {
                edges->items[kept++] = edges->items[from];
            }
        }
        ends[i] = kept;
    }
    edges->count = kept;
    weft_loader_expect(&run->loader, NULL, 0);
    weft_arena_destroy(&s.froms);
    weft_arena_destroy(&s.peers);
    return rv;
}
