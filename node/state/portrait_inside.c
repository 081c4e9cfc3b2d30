/* What is inside an asset, and how that differs from its design. */
#include "node/state/portrait.h"
#include "proto/thread.h"

static enum weft_err no_memory(struct weft_portrait *p)
{
    return weft_fail(p->dossier->msg, WEFT_ENOMEM, "what is inside an asset");
}

/* --- events ---------------------------------------------------------------------------------- */

struct unpacking {
    struct weft_portrait *portrait;
    uint32_t capacity;
};

static enum weft_err add_event(struct unpacking *u, const struct weft_stored_record *stored,
    const struct weft_link *link, struct weft_text component, bool is_end)
{
    struct weft_portrait *p = u->portrait;
    if (p->event_count == u->capacity) {
        uint32_t capacity = u->capacity == 0 ? 32 : u->capacity * 2;
        struct weft_material *events =
            weft_arena_array(p->dossier->arena, capacity, sizeof(*events));
        if (events == NULL) {
            return no_memory(p);
        }
        if (p->event_count > 0) {
            memcpy(events, p->events, p->event_count * sizeof(*events));
        }
        p->events = events;
        u->capacity = capacity;
    }
    p->events[p->event_count++] = (struct weft_material){.moment = weft_moment_of(stored),
        .component = component,
        .evidence = stored->record.asset,
        .link = link,
        .is_end = is_end,
        .is_build = weft_material_is_build(stored->record.kind, link->rel)};
    return WEFT_OK;
}

static bool has_one_parent(const struct weft_record *record)
{
    return weft_fact_link(record, "parent", 0) != NULL &&
           weft_fact_link(record, "parent", 1) == NULL;
}

/* Its own records: what they put into it and take out of it. One that speaks for a parent says
 * nothing of its own contents. */
static enum weft_err unpack_own(struct unpacking *u, const struct weft_stored_record *stored)
{
    const struct weft_record *record = &stored->record;
    bool is_event = has_one_parent(record);
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && i < record->link_count; i++) {
        const struct weft_link *link = &record->links[i];
        const struct weft_rel_traits *traits = weft_thread_rel_traits(weft_thread_rel(link->rel));
        bool is_lineage =
            traits->rel_class == WEFT_REL_CLASS_MATERIAL || traits->rel_class == WEFT_REL_CLASS_END;
        if (is_lineage && !traits->is_asset_inside && !(is_event && traits->uses_parent)) {
            rv = add_event(u, stored, link, link->to, traits->rel_class == WEFT_REL_CLASS_END);
        }
    }
    return rv;
}

/* Records of others that name this asset by `rel`. */
static enum weft_err unpack_other(
    struct unpacking *u, const struct weft_stored_record *stored, enum weft_rel rel)
{
    const struct weft_record *record = &stored->record;
    const struct weft_rel_traits *traits = weft_thread_rel_traits(rel);
    bool is_third = rel == WEFT_REL_PARENT || rel == WEFT_REL_OUTPUT;
    enum weft_err rv = WEFT_OK;
    if (rel == WEFT_REL_PARENT && !has_one_parent(record)) {
        return WEFT_OK;
    }
    if (!is_third) {
        const struct weft_link *link;
        for (uint32_t i = 0; (link = weft_fact_link(record, traits->name, i)) != NULL; i++) {
            if (weft_text_equal(link->to, u->portrait->name)) {
                rv = add_event(
                    u, stored, link, record->asset, traits->rel_class == WEFT_REL_CLASS_END);
                if (rv == WEFT_OK) {
                    u->portrait->events[u->portrait->event_count - 1].is_end_of_all =
                        rel == WEFT_REL_EMPTIES;
                }
                return rv;
            }
        }
        return WEFT_OK;
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < record->link_count; i++) {
        const struct weft_link *link = &record->links[i];
        enum weft_rel what = weft_thread_rel(link->rel);
        bool is_part =
            rel == WEFT_REL_OUTPUT
                ? what == WEFT_REL_INPUT || what == WEFT_REL_CONSUMES || what == WEFT_REL_USES_LOT
                : what == WEFT_REL_CONTAINS || what == WEFT_REL_RELEASES;
        if (is_part) {
            rv = add_event(u, stored, link, link->to, what == WEFT_REL_RELEASES);
        }
    }
    return rv;
}

static enum weft_err unpack_mentions(struct unpacking *u, enum weft_rel rel)
{
    struct weft_dossier *d = u->portrait->dossier;
    struct weft_mention *mentions = NULL;
    uint32_t count = 0;
    enum weft_err rv = weft_dossier_mentions(
        d, u->portrait->asset, weft_text_of(weft_thread_rel_traits(rel)->name), &mentions, &count);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        const struct weft_stored_record *stored = NULL;
        rv = weft_dossier_load(d, &mentions[i].moment, &stored);
        if (rv == WEFT_OK) {
            rv = unpack_other(u, stored, rel);
        }
    }
    return rv;
}

/* --- components ------------------------------------------------------------------------------ */

/* What a component is: an instance of something, or itself a part type or revision. */
static enum weft_err read_part(
    struct weft_portrait *p, struct weft_text name, struct weft_part *ret_part)
{
    const struct weft_stored_record *stored = NULL;
    uint64_t asset;
    enum weft_err rv = weft_dossier_find(p->dossier, name, &asset);
    if (rv == WEFT_OK) {
        rv = weft_dossier_linking_last(p->dossier, asset, WEFT_TEXT("instance_of"), &stored);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    if (stored != NULL) {
        name = weft_fact_link(&stored->record, "instance_of", 0)->to;
    }
    return weft_blueprint_part(p->dossier, name, ret_part);
}

static enum weft_err fold(struct weft_portrait *p, bool built_only, struct weft_contents *contents)
{
    if (weft_configuration_fold(p->events, p->event_count, built_only, p->dossier->arena,
            &contents->components, &contents->component_count) != WEFT_OK) {
        return no_memory(p);
    }
    return WEFT_OK;
}

/* Most components are in both configurations: as built they are looked up, as maintained only
 * those that came later. */
static enum weft_err read_component_parts(struct weft_portrait *p)
{
    uint32_t next = 0;
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && i < p->built.component_count; i++) {
        rv = read_part(p, p->built.components[i].asset, &p->built.components[i].part);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < p->maintained.component_count; i++) {
        struct weft_component *c = &p->maintained.components[i];
        uint32_t at = next;
        while (at < p->built.component_count &&
               !weft_text_equal(p->built.components[at].asset, c->asset)) {
            at++;
        }
        if (at < p->built.component_count) {
            c->part = p->built.components[at].part;
            next = at + 1;
        } else {
            rv = read_part(p, c->asset, &c->part);
        }
    }
    return rv;
}

enum weft_err weft_portrait_unpack(struct weft_portrait *p)
{
    static const enum weft_rel others[] = {WEFT_REL_PART_OF, WEFT_REL_INSTALLED_IN,
        WEFT_REL_REMOVED_FROM, WEFT_REL_EMPTIES, WEFT_REL_OUTPUT, WEFT_REL_PARENT};
    struct weft_text rels[WEFT_RELS];
    const struct weft_stored_record *records;
    struct unpacking u = {.portrait = p};
    uint32_t rel_count = 0, count;
    for (int rel = WEFT_REL_OTHER + 1; rel <= (int)WEFT_REL_LINEAGE_LAST; rel++) {
        if (!weft_thread_rel_traits((enum weft_rel)rel)->is_asset_inside) {
            rels[rel_count++] = weft_text_of(weft_thread_rel_traits((enum weft_rel)rel)->name);
        }
    }
    enum weft_err rv =
        weft_dossier_linking(p->dossier, p->asset, rels, rel_count, &records, &count);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        rv = unpack_own(&u, &records[i]);
    }
    for (size_t i = 0; rv == WEFT_OK && i < sizeof(others) / sizeof(others[0]); i++) {
        rv = unpack_mentions(&u, others[i]);
    }
    if (rv == WEFT_OK) {
        rv = fold(p, true, &p->built);
    }
    if (rv == WEFT_OK) {
        rv = fold(p, false, &p->maintained);
    }
    return rv == WEFT_OK && p->part.type.size > 0 ? read_component_parts(p) : rv;
}

/* --- against the design ---------------------------------------------------------------------- */

static enum weft_err add_differences(struct weft_portrait *p, const struct weft_bom *bom,
    const struct weft_contents *contents, const struct weft_difference *first,
    struct weft_difference **ret_differences, uint32_t *ret_count)
{
    struct weft_difference *found = NULL;
    uint32_t count = 0;
    /* Where nothing was recorded of what it was made of, nothing is known to be missing. */
    if (bom != NULL && p->built.component_count > 0 &&
        weft_bom_compare(bom, contents->components, contents->component_count, p->dossier->arena,
            &found, &count) != WEFT_OK) {
        return no_memory(p);
    }
    struct weft_difference *all =
        weft_arena_array(p->dossier->arena, (size_t)count + 1, sizeof(*all));
    if (all == NULL) {
        return no_memory(p);
    }
    *ret_count = 0;
    if (first->kind != 0) {
        all[(*ret_count)++] = *first;
    }
    for (uint32_t i = 0; i < count; i++) {
        all[(*ret_count)++] = found[i];
    }
    *ret_differences = all;
    return WEFT_OK;
}

/* Built to another revision than the one that counted then, or of other parts than the BOM of
 * the revision that it was built to calls for. */
static enum weft_err find_deviations(struct weft_portrait *p)
{
    struct weft_difference first = {.covered_by = {NULL, 0}};
    struct weft_text then = p->designed_then.revision;
    struct weft_text built = p->part.revision.size > 0 ? p->part.revision : then;
    struct weft_bom bom;
    bool has_bom = false;
    enum weft_err rv = WEFT_OK;
    if (then.size > 0 && !weft_text_equal(built, then)) {
        first = (struct weft_difference){.kind = WEFT_DIFFERENCE_REVISION,
            .wanted = {p->part.type, then},
            .found = {p->part.type, built}};
    }
    if (built.size > 0 && p->built.component_count > 0) {
        rv = weft_blueprint_bom(p->dossier, built, &p->unit.built, &bom, &has_bom);
    }
    return rv == WEFT_OK ? add_differences(p, has_bom ? &bom : NULL, &p->built, &first,
                               &p->deviations, &p->deviation_count)
                         : rv;
}

static bool is_same(const struct weft_difference *a, const struct weft_difference *b)
{
    return a->kind == b->kind && weft_text_equal(a->find, b->find) &&
           weft_text_equal(a->wanted.type, b->wanted.type) &&
           weft_text_equal(a->wanted.revision, b->wanted.revision) &&
           weft_text_equal(a->found.revision, b->found.revision) &&
           weft_text_equal(a->component, b->component) && a->quantity_found >= b->quantity_found &&
           a->quantity_found <= b->quantity_found;
}

/* What differed from its design when it was built is a deviation and not out of date. */
static bool is_deviation(const struct weft_portrait *p, const struct weft_difference *difference)
{
    for (uint32_t i = 0; i < p->deviation_count; i++) {
        if (is_same(&p->deviations[i], difference)) {
            return true;
        }
    }
    return false;
}

/* A part that differs differs since the design changed; if that stood already when the unit was
 * built, since something in the unit changed last. */
static struct weft_moment parts_since(const struct weft_portrait *p)
{
    if (p->has_design_since && weft_moment_compare(&p->design_since, &p->unit.built) > 0) {
        return p->design_since;
    }
    for (uint32_t i = p->event_count; i > 0; i--) {
        if (!p->events[i - 1].is_build) {
            return p->events[i - 1].moment;
        }
    }
    return p->unit.built;
}

static enum weft_err find_outdated(struct weft_portrait *p)
{
    struct weft_difference first = {.covered_by = {NULL, 0}};
    if (p->designed.revision.size > 0 && p->revision.size > 0 &&
        !weft_text_equal(p->designed.revision, p->revision)) {
        first = (struct weft_difference){.kind = WEFT_DIFFERENCE_REVISION,
            .wanted = {p->part.type, p->designed.revision},
            .found = {p->part.type, p->revision}};
    }
    enum weft_err rv = add_differences(
        p, p->has_bom ? &p->bom : NULL, &p->maintained, &first, &p->outdated, &p->outdated_count);
    if (rv != WEFT_OK) {
        return rv;
    }
    p->outdated_since =
        weft_arena_array(p->dossier->arena, p->outdated_count, sizeof(*p->outdated_since));
    if (p->outdated_since == NULL) {
        return no_memory(p);
    }
    uint32_t kept = 0;
    struct weft_moment since = parts_since(p);
    for (uint32_t i = 0; i < p->outdated_count; i++) {
        bool is_revision = p->outdated[i].kind == WEFT_DIFFERENCE_REVISION;
        if (is_deviation(p, &p->outdated[i])) {
            continue;
        }
        p->outdated_since[kept] = is_revision && p->designed.has_since ? p->designed.since : since;
        p->outdated[kept++] = p->outdated[i];
    }
    p->outdated_count = kept;
    return WEFT_OK;
}

/* --- concessions ----------------------------------------------------------------------------- */

static bool allows(const struct weft_record *concession, const struct weft_difference *d)
{
    struct weft_text wanted = d->wanted.revision.size > 0 ? d->wanted.revision : d->wanted.type;
    switch (d->kind) {
    case WEFT_DIFFERENCE_REVISION:
        return weft_fact_links_to(concession, "allows", d->found.revision);
    case WEFT_DIFFERENCE_UNEXPECTED:
    case WEFT_DIFFERENCE_COMPONENT:
        return weft_fact_links_to(concession, "allows", d->component) ||
               weft_fact_links_to(concession, "allows", d->found.type) ||
               (d->found.revision.size > 0 &&
                   weft_fact_links_to(concession, "allows", d->found.revision));
    case WEFT_DIFFERENCE_MISSING:
    case WEFT_DIFFERENCE_QUANTITY:
        return weft_fact_links_to(concession, "allows", wanted);
    }
    return false;
}

/* A concession counts while it is released and for what was built before its end. */
static bool is_valid(const struct weft_portrait *p, const struct weft_record *concession)
{
    struct weft_text status = weft_fact_text(concession, "status");
    int64_t until_ns;
    if (status.size > 0 && !weft_text_is(status, "released")) {
        return false;
    }
    return !weft_fact_time(concession, "until", &until_ns) || p->unit.built.at_ns < until_ns;
}

static enum weft_err cover_by(struct weft_portrait *p, struct weft_text covered)
{
    struct weft_mention *mentions = NULL;
    uint32_t count = 0;
    uint64_t asset;
    enum weft_err rv = weft_dossier_find(p->dossier, covered, &asset);
    if (rv == WEFT_OK) {
        rv = weft_dossier_mentions(p->dossier, asset, WEFT_TEXT("covers"), &mentions, &count);
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        const struct weft_stored_record *concession = NULL;
        rv = weft_dossier_current(
            p->dossier, mentions[i].asset, WEFT_TEXT("concession"), &concession);
        if (rv != WEFT_OK || concession == NULL || !is_valid(p, &concession->record) ||
            !weft_fact_links_to(&concession->record, "covers", covered)) {
            continue;
        }
        for (uint32_t j = 0; j < p->deviation_count; j++) {
            if (p->deviations[j].covered_by.size == 0 &&
                allows(&concession->record, &p->deviations[j])) {
                p->deviations[j].covered_by = concession->record.asset;
            }
        }
    }
    return rv;
}

static enum weft_err cover(struct weft_portrait *p)
{
    enum weft_err rv = p->deviation_count > 0 ? cover_by(p, p->name) : WEFT_OK;
    if (rv == WEFT_OK && p->deviation_count > 0) {
        rv = cover_by(p, p->part.type);
    }
    for (uint32_t i = 0; rv == WEFT_OK && p->deviation_count > 0 && i < p->unit.lot_count; i++) {
        rv = cover_by(p, p->unit.lots[i]);
    }
    for (uint32_t i = 0; i < p->deviation_count; i++) {
        p->uncovered_count += p->deviations[i].covered_by.size == 0;
    }
    return rv;
}

/* --- all of it ------------------------------------------------------------------------------- */

static void date_design(struct weft_portrait *p)
{
    p->design_since = p->designed.since;
    p->has_design_since = p->designed.has_since;
    if (p->has_bom &&
        (!p->has_design_since || weft_moment_compare_place(&p->bom.moment, &p->design_since) > 0)) {
        p->design_since = p->bom.moment;
        p->has_design_since = true;
    }
}

enum weft_err weft_portrait_compare(struct weft_portrait *p)
{
    if (p->part.type.size == 0) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_blueprint_design(p->dossier, p->part.type, &p->design);
    if (rv != WEFT_OK) {
        return rv;
    }
    p->designed = weft_design_effective(&p->design, &p->unit, NULL);
    if (p->designed.revision.size > 0) {
        rv = weft_blueprint_bom(p->dossier, p->designed.revision, NULL, &p->bom, &p->has_bom);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    date_design(p);
    if (!p->unit.is_built) {
        return WEFT_OK;
    }
    p->designed_then = weft_design_effective(&p->design, &p->unit, &p->unit.built);
    if (p->revision.size == 0) {
        p->revision = p->designed_then.revision;
        p->is_assumed = true;
    }
    rv = find_deviations(p);
    if (rv == WEFT_OK) {
        rv = cover(p);
    }
    return rv == WEFT_OK ? find_outdated(p) : rv;
}
