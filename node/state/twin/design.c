#include "node/state/twin/design.h"

static const char *const status_names[] = {"unknown", "draft", "released", "obsolete"};

const char *weft_revision_status_name(enum weft_revision_status status)
{
    return status_names[status];
}

/* A revision whose status is not stated, or by a word of its own, is taken to be released. */
enum weft_revision_status weft_revision_status_of(const struct weft_record *record)
{
    struct weft_text text = weft_fact_text(record, "status");
    return weft_text_is(text, "draft")      ? WEFT_REVISION_DRAFT
           : weft_text_is(text, "obsolete") ? WEFT_REVISION_OBSOLETE
                                            : WEFT_REVISION_RELEASED;
}

static bool is_before(const struct weft_moment *moment, const struct weft_moment *until)
{
    return until == NULL || weft_moment_compare(moment, until) < 0;
}

static const struct weft_revision *find_revision(
    const struct weft_design *design, struct weft_text asset)
{
    for (uint32_t i = 0; i < design->revision_count; i++) {
        if (weft_text_equal(design->revisions[i].asset, asset)) {
            return &design->revisions[i];
        }
    }
    return NULL;
}

static enum weft_revision_status status_of(
    const struct weft_revision *revision, const struct weft_moment *until)
{
    for (uint32_t i = revision != NULL ? revision->state_count : 0; i > 0; i--) {
        if (is_before(&revision->states[i - 1].moment, until)) {
            return revision->states[i - 1].status;
        }
    }
    return WEFT_REVISION_UNKNOWN;
}

/* A draft introduces nothing yet. */
static bool is_introduced(const struct weft_design *design, struct weft_text revision)
{
    for (uint32_t i = 0; i < design->change_count; i++) {
        for (uint32_t j = 0; j < design->changes[i].count; j++) {
            const struct weft_change *change = &design->changes[i].changes[j];
            if (change->status == WEFT_CHANGE_RELEASED &&
                weft_fact_links_to(change->record, "introduces", revision)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_below(struct weft_text asset, struct weft_text part)
{
    return asset.size > part.size && asset.data[part.size] == '/' &&
           memcmp(asset.data, part.data, part.size) == 0;
}

/* Of what a change order links to, that which is a revision of this part type: an order about
 * several part types links to a revision of each. */
static struct weft_text own_revision(
    const struct weft_design *design, const struct weft_record *record, const char *rel)
{
    const struct weft_link *link, *first = weft_fact_link(record, rel, 0);
    for (uint32_t i = 0; (link = weft_fact_link(record, rel, i)) != NULL; i++) {
        if (find_revision(design, link->to) != NULL) {
            return link->to;
        }
    }
    for (uint32_t i = 0; (link = weft_fact_link(record, rel, i)) != NULL; i++) {
        if (is_below(link->to, design->part)) {
            return link->to;
        }
    }
    bool is_alone = weft_fact_link(record, "about", 1) == NULL;
    return first != NULL && is_alone ? first->to : (struct weft_text){NULL, 0};
}

/* The moment at which the revision became released, if it ever was. */
static const struct weft_moment *released_at(
    const struct weft_revision *revision, const struct weft_moment *until)
{
    for (uint32_t i = 0; i < revision->state_count; i++) {
        const struct weft_revision_state *state = &revision->states[i];
        if (state->status == WEFT_REVISION_RELEASED && is_before(&state->moment, until)) {
            return &state->moment;
        }
    }
    return NULL;
}

/* The revision that was released first, of those that no change order introduces: a later one
 * counts for nobody until a change order says for whom. Of one commit the first by name. */
static bool find_base(const struct weft_design *design, const struct weft_moment *until,
    struct weft_effective *ret_effective)
{
    bool is_found = false;
    for (uint32_t i = 0; i < design->revision_count; i++) {
        const struct weft_revision *revision = &design->revisions[i];
        const struct weft_moment *at = released_at(revision, until);
        if (at == NULL || is_introduced(design, revision->asset)) {
            continue;
        }
        bool is_first = !is_found || at->index < ret_effective->since.index;
        if (is_found && at->index == ret_effective->since.index) {
            is_first = weft_natural_compare(revision->asset, ret_effective->revision) < 0;
        }
        if (is_first) {
            *ret_effective = (struct weft_effective){.revision = revision->asset,
                .status = status_of(revision, until),
                .since = *at,
                .has_since = true};
            is_found = true;
        }
    }
    return is_found;
}

/* What the change order agreed on first replaces: what there was before all of them. */
static struct weft_text first_replaced(const struct weft_design *design)
{
    struct weft_text replaced = {NULL, 0};
    const struct weft_moment *first = NULL;
    for (uint32_t i = 0; i < design->change_count; i++) {
        const struct weft_change *release = weft_change_release(&design->changes[i], NULL);
        if (release == NULL ||
            (first != NULL && weft_moment_compare_place(&release->moment, first) > 0)) {
            continue;
        }
        struct weft_text revision = own_revision(design, release->record, "replaces");
        if (revision.size > 0) {
            replaced = revision;
            first = &release->moment;
        }
    }
    return replaced;
}

static bool holds(const struct weft_change *current, const struct weft_unit *unit,
    const struct weft_moment *release)
{
    for (uint32_t i = 0; i < current->effectivity_count; i++) {
        if (weft_effectivity_holds(&current->effectivity[i], unit, release)) {
            return true;
        }
    }
    return false;
}

struct weft_effective weft_design_effective(
    const struct weft_design *design, const struct weft_unit *unit, const struct weft_moment *until)
{
    struct weft_effective best = {.order = NULL};
    for (uint32_t i = 0; i < design->change_count; i++) {
        const struct weft_change_history *history = &design->changes[i];
        const struct weft_change *release = weft_change_release(history, until);
        const struct weft_change *current = weft_change_current(history, until);
        if (release == NULL || !weft_fact_links_to(current->record, "about", design->part) ||
            !holds(current, unit, &release->moment)) {
            continue;
        }
        struct weft_text revision = own_revision(design, current->record, "introduces");
        if (revision.size > 0 &&
            (best.order == NULL || weft_moment_compare_place(&release->moment, &best.since) > 0)) {
            best = (struct weft_effective){.revision = revision,
                .status = status_of(find_revision(design, revision), until),
                .order = history,
                .release = release,
                .since = release->moment,
                .has_since = true};
        }
    }
    if (best.order != NULL || find_base(design, until, &best)) {
        return best;
    }
    if (until != NULL && find_base(design, NULL, &best)) {
        return best;
    }
    best.revision = first_replaced(design);
    best.status = status_of(find_revision(design, best.revision), until);
    return best;
}
