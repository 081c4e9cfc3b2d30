#include "node/state/govern.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/state/blueprint.h"
#include "node/state/twin/ring.h"
#include "proto/check.h"
#include "proto/thread.h"

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
    LINKS_MAX = 20 * 1000, /* of BOMs, looked at for one ring */
};

struct weft_govern {
    struct weft_store *store;
    struct weft_names *names;
    struct weft_overlay overlay; /* Of the apply; behind `settled`, of the commit. */
    uint32_t settled;
    struct weft_arena pending; /* Texts of the overlay's accepted part. */
    struct weft_arena scratch; /* Of one check. */
    struct weft_store_walk *walk;
    struct weft_loader loader;
    bool is_open; /* The walk and loader see the store as this apply found it. */
};

/* One check. */
struct check {
    struct weft_govern *govern;
    struct weft_dossier dossier;
    struct weft_ring *ring; /* Made when first needed. */
    uint32_t links_left;
    uint32_t record; /* The one under way. */
    struct weft_stored_record stored;
    uint64_t asset;
    struct weft_refusal *refusal;
    struct weft_msg *msg;
};

enum weft_err weft_govern_create(
    struct weft_store *store, struct weft_names *names, struct weft_govern **ret_govern)
{
    struct weft_govern *g = calloc(1, sizeof(*g));
    if (g == NULL) {
        return WEFT_ENOMEM;
    }
    g->store = store;
    g->names = names;
    g->pending.size_max = ARENA_SIZE_MAX;
    g->scratch.size_max = ARENA_SIZE_MAX;
    *ret_govern = g;
    return WEFT_OK;
}

void weft_govern_settle(struct weft_govern *g)
{
    if (g->is_open) {
        weft_store_walk_destroy(g->walk);
        weft_loader_close(&g->loader);
        g->is_open = false;
    }
    weft_overlay_cut(&g->overlay, 0);
    g->settled = 0;
    weft_arena_reset(&g->pending);
    weft_arena_reset(&g->scratch);
}

void weft_govern_destroy(struct weft_govern *g)
{
    if (g == NULL) {
        return;
    }
    weft_govern_settle(g);
    weft_overlay_destroy(&g->overlay);
    weft_arena_destroy(&g->pending);
    weft_arena_destroy(&g->scratch);
    free(g);
}

/* --- which records --------------------------------------------------------------------------- */

/* The kind, if it is one of those that are looked at here: asked for every record of every
 * commit, so by size first. */
static enum weft_thread_kind kind_of(struct weft_text name)
{
    static const enum weft_thread_kind kinds[] = {WEFT_THREAD_BOM, WEFT_THREAD_CHANGE_ORDER,
        WEFT_THREAD_PART_REVISION, WEFT_THREAD_AS_BUILT, WEFT_THREAD_INSTALLATION,
        WEFT_THREAD_REPLACEMENT, WEFT_THREAD_RETIREMENT};
    static const uint8_t sizes[] = {3, 12, 13, 8, 12, 11, 10};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (name.size == sizes[i] && weft_text_is(name, weft_thread_kind_traits(kinds[i])->name)) {
            return kinds[i];
        }
    }
    return WEFT_THREAD_OTHER;
}

/* Kinds whose records later checks look at. */
static bool is_document(enum weft_thread_kind kind)
{
    return kind == WEFT_THREAD_CHANGE_ORDER || kind == WEFT_THREAD_BOM ||
           kind == WEFT_THREAD_PART_REVISION || kind == WEFT_THREAD_RETIREMENT;
}

/* Kinds that say that something is put into something. */
static bool is_making(enum weft_thread_kind kind)
{
    return kind == WEFT_THREAD_AS_BUILT || kind == WEFT_THREAD_INSTALLATION ||
           kind == WEFT_THREAD_REPLACEMENT;
}

static enum weft_err no_memory(struct check *c)
{
    return weft_fail(c->msg, WEFT_ENOMEM, "check a commit");
}

static enum weft_err refuse(struct check *c, enum weft_err err, const char *pointer)
{
    c->refusal->err = err;
    (void)snprintf(
        c->refusal->pointer, sizeof(c->refusal->pointer), "/records/%u%s", c->record, pointer);
    return WEFT_OK;
}

/* What a search gave up on refuses the commit; what broke stops the node. */
static enum weft_err settle(struct check *c, enum weft_err rv)
{
    if (rv != WEFT_ETOOBIG) {
        return rv;
    }
    (void)weft_fail(&c->refusal->detail, rv,
        "the design around it is too large to be checked within the limits of one commit");
    return refuse(c, WEFT_ETOOBIG, "");
}

/* --- change orders --------------------------------------------------------------------------- */

static enum weft_err check_transition(struct check *c, const struct weft_change *change,
    const struct weft_change_history *before, bool *ret_is_release)
{
    const struct weft_change *last = weft_change_current(before, NULL);
    *ret_is_release = change->status == WEFT_CHANGE_RELEASED;
    if (last == NULL) {
        return WEFT_OK;
    }
    if (!weft_change_may_follow(last->status, change->status)) {
        (void)weft_fail(&c->refusal->detail, WEFT_ECONFLICT,
            "a change order that is %s cannot become %s", weft_change_status_name(last->status),
            weft_change_status_name(change->status));
        return refuse(c, WEFT_ECONFLICT, "/attrs/status");
    }
    if (*ret_is_release && last->status == WEFT_CHANGE_RELEASED) {
        *ret_is_release = false;
        if (!weft_change_is_same(last, change)) {
            (void)weft_fail(&c->refusal->detail, WEFT_ECONFLICT,
                "it is released: what it changes and for which units stands; another change order "
                "can supersede it");
            return refuse(c, WEFT_ECONFLICT, "/attrs/effectivity");
        }
    }
    return WEFT_OK;
}

static enum weft_err check_against(struct check *c, const struct weft_change *change,
    const struct weft_change_history *histories, uint32_t count, bool *scratch)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_change *release = weft_change_release(&histories[i], NULL);
        if (release == NULL || weft_text_equal(histories[i].asset, c->stored.record.asset)) {
            continue;
        }
        const struct weft_change *other = weft_change_current(&histories[i], NULL);
        const struct weft_effectivity *shared =
            weft_change_overlap(change, change->moment.at_ns, other, release->moment.at_ns);
        if (shared == NULL ||
            weft_change_supersedes(histories, count, change, histories[i].asset, scratch)) {
            continue;
        }
        char pointer[64];
        (void)snprintf(pointer, sizeof(pointer), "/attrs/effectivity/%u",
            (unsigned)(shared - change->effectivity));
        (void)weft_fail(&c->refusal->detail, WEFT_ECONFLICT,
            "its effectivity overlaps that of '%.*s', which was released at index %llu: it "
            "'supersedes' that, or leaves its units out",
            (int)histories[i].asset.size, histories[i].asset.data,
            (unsigned long long)release->moment.index);
        return refuse(c, WEFT_ECONFLICT, pointer);
    }
    return WEFT_OK;
}

static enum weft_err check_overlaps(struct check *c, const struct weft_change *change)
{
    const struct weft_link *about;
    for (uint32_t i = 0; (about = weft_fact_link(change->record, "about", i)) != NULL; i++) {
        struct weft_change_history *histories;
        uint64_t part;
        uint32_t count;
        enum weft_err rv = weft_dossier_find(&c->dossier, about->to, &part);
        if (rv == WEFT_OK) {
            rv = weft_blueprint_changes(&c->dossier, part, &histories, &count);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        bool *scratch = weft_arena_array(c->dossier.arena, count, sizeof(*scratch));
        if (scratch == NULL) {
            return no_memory(c);
        }
        rv = check_against(c, change, histories, count, scratch);
        if (rv != WEFT_OK || c->refusal->err != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}

static enum weft_err check_change(struct check *c)
{
    struct weft_change change;
    struct weft_change_history before;
    char pointer[256];
    struct weft_moment moment = weft_moment_of(&c->stored);
    enum weft_err rv = weft_change_read(
        &c->stored.record, &moment, c->dossier.arena, &change, pointer, &c->refusal->detail);
    if (rv == WEFT_EINVAL || rv == WEFT_ETOOBIG) {
        return refuse(c, rv, pointer);
    }
    if (rv == WEFT_OK) {
        rv = weft_blueprint_history(&c->dossier, c->asset, &before);
    }
    bool is_release = false;
    if (rv == WEFT_OK) {
        rv = check_transition(c, &change, &before, &is_release);
    }
    return rv == WEFT_OK && is_release && c->refusal->err == WEFT_OK ? check_overlaps(c, &change)
                                                                     : rv;
}

/* --- rings of BOMs --------------------------------------------------------------------------- */

static enum weft_err enter_link(struct check *c, struct weft_ring *ring, struct weft_text to)
{
    uint64_t node;
    if (c->links_left-- == 0) {
        c->links_left = 0;
        return WEFT_ETOOBIG;
    }
    enum weft_err rv = weft_dossier_find(&c->dossier, to, &node);
    if (rv == WEFT_OK) {
        weft_ring_enter(ring, node);
    }
    return rv;
}

/* The part type of a revision that is in use; NULL: it is none. */
static enum weft_err type_of(struct check *c, uint64_t node, const struct weft_link **ret_type)
{
    const struct weft_stored_record *record;
    enum weft_err rv = weft_dossier_current(&c->dossier, node, WEFT_TEXT("part_revision"), &record);
    bool is_used = rv == WEFT_OK && record != NULL &&
                   weft_revision_status_of(&record->record) != WEFT_REVISION_OBSOLETE;
    *ret_type = is_used ? weft_fact_link(&record->record, "revision_of", 0) : NULL;
    return rv;
}

/* A revision contains what its BOM lists; a part type, each of its revisions in use. */
static enum weft_err enter_below(struct check *c, struct weft_ring *ring, uint64_t node)
{
    const struct weft_stored_record *bom;
    struct weft_mention *mentions = NULL;
    uint32_t count = 0;
    enum weft_err rv = weft_dossier_current(&c->dossier, node, WEFT_TEXT("bom"), &bom);
    for (uint32_t i = 0; rv == WEFT_OK && bom != NULL && i < bom->record.link_count; i++) {
        const struct weft_link *link = &bom->record.links[i];
        if (weft_thread_rel(link->rel) == WEFT_REL_BOM_LINE) {
            rv = enter_link(c, ring, link->to);
        }
    }
    if (rv == WEFT_OK) {
        rv = weft_dossier_mentions(&c->dossier, node, WEFT_TEXT("revision_of"), &mentions, &count);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        const struct weft_link *type;
        uint64_t id = 0;
        rv = type_of(c, mentions[i].asset, &type);
        if (rv == WEFT_OK && type != NULL) {
            rv = weft_dossier_find(&c->dossier, type->to, &id);
        }
        if (rv == WEFT_OK && id == node) {
            weft_ring_enter(ring, mentions[i].asset);
        }
    }
    return rv;
}

static enum weft_err enter_above(struct check *c, struct weft_ring *ring, uint64_t node)
{
    struct weft_mention *mentions;
    uint32_t count;
    const struct weft_link *type;
    enum weft_err rv =
        weft_dossier_mentions(&c->dossier, node, WEFT_TEXT("bom_line"), &mentions, &count);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        const struct weft_stored_record *bom;
        rv = weft_dossier_current(&c->dossier, mentions[i].asset, WEFT_TEXT("bom"), &bom);
        if (rv == WEFT_OK && bom != NULL && bom->index == mentions[i].moment.index &&
            bom->ordinal == mentions[i].moment.ordinal) {
            weft_ring_enter(ring, mentions[i].asset);
        }
    }
    if (rv == WEFT_OK) {
        rv = type_of(c, node, &type);
    }
    return rv == WEFT_OK && type != NULL ? enter_link(c, ring, type->to) : rv;
}

static enum weft_err neighbours(void *ctx, struct weft_ring *ring, uint64_t node, bool is_down)
{
    struct check *c = ctx;
    return is_down ? enter_below(c, ring, node) : enter_above(c, ring, node);
}

/* Its record is in the overlay already: the edges that it states lead from `above` to `below`. */
static enum weft_err search(
    struct check *c, uint64_t above, const uint64_t *below, uint32_t below_count, bool *ret_closes)
{
    if (c->ring == NULL) {
        c->ring = weft_arena_alloc(c->dossier.arena, sizeof(*c->ring));
        if (c->ring == NULL || weft_ring_init(c->ring, c->dossier.arena) != WEFT_OK) {
            return no_memory(c);
        }
    }
    return weft_ring_search(c->ring, &above, 1, below, below_count, neighbours, c, ret_closes);
}

static enum weft_err refuse_ring(struct check *c, const char *pointer)
{
    struct weft_text asset = c->stored.record.asset;
    (void)weft_fail(&c->refusal->detail, WEFT_ECONFLICT, "'%.*s' would contain itself",
        (int)asset.size, asset.data);
    return refuse(c, WEFT_ECONFLICT, pointer);
}

/* The first line that closes a ring, by halving: the lines up to it close one, those before it
 * do not. Too far to tell: the place of all lines has to do. */
static enum weft_err refuse_line(
    struct check *c, const uint64_t *below, const uint32_t *places, uint32_t count)
{
    uint32_t low = 0, high = count;
    char pointer[64];
    while (high - low > 1) {
        bool closes = false;
        uint32_t middle = low + (high - low) / 2;
        enum weft_err rv = search(c, c->asset, below, middle, &closes);
        if (rv == WEFT_ETOOBIG) {
            return refuse_ring(c, "/links");
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        low = closes ? low : middle;
        high = closes ? middle : high;
    }
    (void)snprintf(pointer, sizeof(pointer), "/links/%u/to", places[low]);
    return refuse_ring(c, pointer);
}

static enum weft_err check_bom(struct check *c)
{
    const struct weft_record *record = &c->stored.record;
    uint32_t count = 0;
    bool closes = false;
    uint64_t *below = weft_arena_array(c->dossier.arena, record->link_count, sizeof(*below));
    uint32_t *places = weft_arena_array(c->dossier.arena, record->link_count, sizeof(*places));
    enum weft_err rv = WEFT_OK;
    if (below == NULL || places == NULL) {
        return no_memory(c);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < record->link_count; i++) {
        if (weft_thread_rel(record->links[i].rel) == WEFT_REL_BOM_LINE) {
            places[count] = i;
            rv = weft_dossier_find(&c->dossier, record->links[i].to, &below[count++]);
        }
    }
    if (rv == WEFT_OK && count > 0) {
        rv = search(c, c->asset, below, count, &closes);
    }
    return rv == WEFT_OK && closes ? refuse_line(c, below, places, count) : rv;
}

static enum weft_err check_revision(struct check *c)
{
    const struct weft_link *type = weft_fact_link(&c->stored.record, "revision_of", 0);
    uint64_t above;
    bool closes = false;
    if (type == NULL || weft_revision_status_of(&c->stored.record) == WEFT_REVISION_OBSOLETE) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_dossier_find(&c->dossier, type->to, &above);
    if (rv == WEFT_OK) {
        rv = search(c, above, &c->asset, 1, &closes);
    }
    return rv == WEFT_OK && closes ? refuse_ring(c, "/links") : rv;
}

/* --- what is retired ------------------------------------------------------------------------- */

/* A later statement of the retirement can revoke it. */
static enum weft_err check_retired(struct check *c)
{
    const struct weft_record *record = &c->stored.record;
    for (uint32_t i = 0; i < record->link_count; i++) {
        const struct weft_stored_record *retirement;
        uint64_t target;
        if (weft_thread_rel_traits(weft_thread_rel(record->links[i].rel))->rel_class ==
            WEFT_REL_CLASS_END) {
            continue; /* What is retired may well be taken out. */
        }
        enum weft_err rv = weft_dossier_find(&c->dossier, record->links[i].to, &target);
        if (rv == WEFT_OK) {
            rv = weft_dossier_current(&c->dossier, target, WEFT_TEXT("retirement"), &retirement);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
        if (retirement == NULL || weft_fact_is_true(&retirement->record, "revoked") ||
            retirement->record.at_ns > record->at_ns) {
            continue;
        }
        char pointer[64];
        (void)snprintf(pointer, sizeof(pointer), "/links/%u/to", i);
        (void)weft_fail(&c->refusal->detail, WEFT_ECONFLICT, "'%.*s' is retired, since index %llu",
            (int)record->links[i].to.size, record->links[i].to.data,
            (unsigned long long)retirement->index);
        return refuse(c, WEFT_ECONFLICT, pointer);
    }
    return WEFT_OK;
}

/* --- a commit -------------------------------------------------------------------------------- */

static enum weft_err add_to_overlay(struct check *c)
{
    struct weft_overlay_item item = {.asset = c->asset, .stored = c->stored};
    const struct weft_record *record = &c->stored.record;
    uint64_t *targets = weft_arena_array(c->dossier.arena, record->link_count, sizeof(*targets));
    enum weft_err rv = targets != NULL ? WEFT_OK : WEFT_ENOMEM;
    for (uint32_t i = 0; rv == WEFT_OK && i < record->link_count; i++) {
        rv = weft_dossier_find(&c->dossier, record->links[i].to, &targets[i]);
    }
    item.targets = targets;
    return rv == WEFT_OK ? weft_overlay_add(&c->govern->overlay, &item) : rv;
}

static enum weft_err check_record(struct check *c, enum weft_thread_kind kind)
{
    enum weft_err rv = weft_dossier_find(&c->dossier, c->stored.record.asset, &c->asset);
    if (rv == WEFT_OK && kind == WEFT_THREAD_CHANGE_ORDER) {
        rv = check_change(c);
    }
    if (rv == WEFT_OK && is_making(kind)) {
        rv = check_retired(c);
    }
    if (rv == WEFT_OK && c->refusal->err == WEFT_OK && is_document(kind)) {
        rv = add_to_overlay(c);
    }
    if (rv == WEFT_OK && kind == WEFT_THREAD_BOM) {
        rv = check_bom(c);
    } else if (rv == WEFT_OK && kind == WEFT_THREAD_PART_REVISION) {
        rv = check_revision(c);
    }
    return settle(c, rv);
}

/* The store does not change during an apply: one walk serves all of its checks. */
static enum weft_err open_store(struct weft_govern *g, struct weft_msg *msg)
{
    if (g->is_open) {
        return WEFT_OK;
    }
    g->walk = weft_store_walk_create(g->store, NULL, false);
    if (g->walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "check a commit");
    }
    weft_loader_init(&g->loader, g->store, NULL);
    g->is_open = true;
    return WEFT_OK;
}

static struct weft_dossier dossier_of(
    struct weft_govern *g, struct weft_arena *arena, struct weft_msg *msg)
{
    return (struct weft_dossier){.store = g->store,
        .names = g->names,
        .overlay = &g->overlay,
        .walk = g->walk,
        .loader = &g->loader,
        .arena = arena,
        .msg = msg,
        .as_of = UINT64_MAX,
        .at_ns = INT64_MAX,
        .steps_left = WEFT_GOVERN_STEPS_MAX};
}

enum weft_err weft_govern_check(struct weft_govern *g, const struct weft_commit *commit,
    int64_t time_ns, struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    struct check c = {.govern = g, .links_left = LINKS_MAX, .refusal = ret_refusal, .msg = msg};
    bool is_begun = false;
    enum weft_err rv = WEFT_OK;
    ret_refusal->err = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && ret_refusal->err == WEFT_OK && i < commit->record_count;
         i++) {
        const struct weft_record *record = &commit->records[i];
        enum weft_thread_kind kind = kind_of(record->kind);
        if (!is_document(kind) && !(is_making(kind) && record->link_count > 0)) {
            continue;
        }
        if (!is_begun) {
            rv = open_store(g, msg);
            weft_arena_reset(&g->scratch);
            c.dossier = dossier_of(g, &g->scratch, msg);
            is_begun = true;
        }
        c.record = i;
        /* Behind everything there is, in the order of the commit. */
        c.stored = (struct weft_stored_record){
            .index = WEFT_STATE_INDEX_MAX + 1, .ordinal = i, .time_ns = time_ns, .record = *record};
        c.stored.record.at_ns = record->has_at ? record->at_ns : time_ns;
        if (rv == WEFT_OK) {
            rv = check_record(&c, kind);
        }
    }
    weft_overlay_cut(&g->overlay, g->settled);
    return rv == WEFT_ENOMEM ? no_memory(&c) : rv;
}

enum weft_err weft_govern_note(struct weft_govern *g, const struct weft_stage *stage,
    const struct weft_record *record, struct weft_msg *msg)
{
    if (!is_document(kind_of(record->kind))) {
        return WEFT_OK;
    }
    const struct weft_staged *staged = &stage->records[stage->count - 1];
    struct weft_bytes bytes = weft_staged_bytes(stage, staged);
    struct weft_overlay_item item = {.asset = staged->asset,
        .stored = {.index = staged->index, .ordinal = staged->ordinal, .time_ns = staged->time_ns}};
    uint8_t *copy = weft_arena_alloc(&g->pending, bytes.size);
    uint64_t *targets = weft_arena_array(&g->pending, staged->link_count, sizeof(*targets));
    enum weft_err rv = copy != NULL && targets != NULL ? WEFT_OK : WEFT_ENOMEM;
    if (rv == WEFT_OK) {
        memcpy(copy, bytes.data, bytes.size);
        rv = weft_stored_decode((struct weft_bytes){copy, bytes.size}, &g->pending,
            &item.stored.digest, &item.stored.record);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < staged->link_count; i++) {
        targets[i] = stage->links[staged->links + i].to;
    }
    item.targets = targets;
    if (rv == WEFT_OK) {
        rv = weft_overlay_add(&g->overlay, &item);
    }
    g->settled = g->overlay.count;
    return rv == WEFT_OK ? WEFT_OK : weft_fail(msg, rv, "note a record of an accepted commit");
}
