#include "node/state/portrait.h"

#include <stdlib.h>

#include "proto/check.h"
#include "proto/thread.h"

static enum weft_err no_memory(struct weft_portrait *p)
{
    return weft_fail(p->dossier->msg, WEFT_ENOMEM, "a twin");
}

/* --- who it is ------------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    const struct weft_stored_record *x = *(const struct weft_stored_record *const *)a;
    const struct weft_stored_record *y = *(const struct weft_stored_record *const *)b;
    struct weft_moment mx = weft_moment_of(x), my = weft_moment_of(y);
    return weft_moment_compare(&my, &mx);
}

static enum weft_err read_newest(struct weft_portrait *p)
{
    uint16_t *kinds = NULL;
    uint32_t count = 0;
    enum weft_err rv = weft_dossier_kinds(p->dossier, p->asset, &kinds, &count);
    if (rv != WEFT_OK) {
        return rv;
    }
    p->newest = weft_arena_array(p->dossier->arena, count, sizeof(*p->newest));
    if (p->newest == NULL) {
        return no_memory(p);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t rev = 0;
        const struct weft_stored_record *record = NULL;
        rv = weft_dossier_newest(p->dossier, p->asset, kinds[i], &record, &rev);
        if (rv != WEFT_OK) {
            return rv;
        }
        p->rev = rev > p->rev ? rev : p->rev;
        if (record != NULL) {
            p->newest[p->newest_count++] = record;
        }
    }
    if (p->newest_count > 0) {
        qsort(p->newest, p->newest_count, sizeof(*p->newest), newest_first);
    }
    return WEFT_OK;
}

static const struct weft_stored_record *newest_of(
    const struct weft_portrait *p, enum weft_thread_kind kind)
{
    for (uint32_t i = 0; i < p->newest_count; i++) {
        if (weft_thread_kind(p->newest[i]->record.kind) == kind) {
            return p->newest[i];
        }
    }
    return NULL;
}

/* The link that tells what a record says the asset is: `instance_of`, else `implements` if that
 * is a revision. */
static enum weft_err read_instance(struct weft_portrait *p, const struct weft_record *record,
    struct weft_part *ret_part, bool *ret_found)
{
    const struct weft_link *link = weft_fact_link(record, "instance_of", 0);
    const struct weft_link *other = weft_fact_link(record, "implements", 0);
    enum weft_err rv = WEFT_OK;
    *ret_found = false;
    if (link != NULL) {
        *ret_found = true;
        rv = weft_blueprint_part(p->dossier, link->to, ret_part);
    }
    if (rv == WEFT_OK && other != NULL && (link == NULL || ret_part->revision.size == 0)) {
        struct weft_part part;
        rv = weft_blueprint_part(p->dossier, other->to, &part);
        if (rv == WEFT_OK && part.revision.size > 0) {
            *ret_part = part;
            *ret_found = true;
        }
    }
    return rv;
}

/* Lots that it is of, by any record that links so. */
static enum weft_err read_lots(struct weft_portrait *p)
{
    static const struct weft_text rels[] = {{"of_lot", 6}};
    const struct weft_stored_record *records = NULL;
    uint32_t count = 0, lots = 0;
    enum weft_err rv = weft_dossier_linking(p->dossier, p->asset, rels, 1, &records, &count);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        lots += records[i].record.link_count;
    }
    struct weft_text *names =
        rv == WEFT_OK ? weft_arena_array(p->dossier->arena, lots, sizeof(*names)) : NULL;
    if (names == NULL) {
        return rv == WEFT_OK ? no_memory(p) : rv;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_link *link;
        for (uint32_t n = 0; (link = weft_fact_link(&records[i].record, "of_lot", n)) != NULL;
             n++) {
            bool is_known = false;
            for (uint32_t j = 0; j < p->unit.lot_count; j++) {
                is_known = is_known || weft_text_equal(names[j], link->to);
            }
            if (!is_known) {
                names[p->unit.lot_count++] = link->to;
            }
        }
    }
    p->unit.lots = names;
    return WEFT_OK;
}

/* What it was built as and what it is now, by its records that say so in the order of truth. */
static enum weft_err read_parts(struct weft_portrait *p)
{
    static const struct weft_text rels[] = {{"instance_of", 11}, {"implements", 10}};
    const struct weft_stored_record *records = NULL;
    uint32_t count = 0;
    struct weft_moment first = {.at_ns = 0}, last = {.at_ns = 0};
    bool has_first_built = false, has_any = false;
    enum weft_err rv = weft_dossier_linking(p->dossier, p->asset, rels, 2, &records, &count);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        struct weft_part part;
        bool found;
        struct weft_moment moment = weft_moment_of(&records[i]);
        bool is_built = weft_thread_kind(records[i].record.kind) == WEFT_THREAD_AS_BUILT;
        rv = read_instance(p, &records[i].record, &part, &found);
        if (rv != WEFT_OK || !found) {
            continue;
        }
        /* The first as-built record says what it was built as; without one, the newest. */
        bool is_better =
            is_built ? !has_first_built || weft_moment_compare(&moment, &first) < 0
                     : !has_first_built && (!has_any || weft_moment_compare(&moment, &first) > 0);
        if (is_better) {
            p->part = part;
            first = moment;
        }
        has_first_built = has_first_built || is_built;
        if (part.revision.size > 0 &&
            (p->revision.size == 0 || weft_moment_compare(&moment, &last) > 0)) {
            p->revision = part.revision;
            last = moment;
        }
        has_any = true;
    }
    return rv;
}

enum weft_err weft_portrait_identify(struct weft_portrait *p)
{
    struct weft_moment *moments = NULL;
    uint32_t count = 0;
    p->unit.asset = p->name;
    enum weft_err rv = weft_dossier_find(p->dossier, p->name, &p->asset);
    if (rv != WEFT_OK || p->asset == 0) {
        return rv;
    }
    rv = read_newest(p);
    if (rv != WEFT_OK || p->rev == 0) {
        return rv;
    }
    p->retirement = newest_of(p, WEFT_THREAD_RETIREMENT);
    if (p->retirement != NULL && weft_fact_is_true(&p->retirement->record, "revoked")) {
        p->retirement = NULL;
    }
    rv = weft_dossier_moments(p->dossier, p->asset, WEFT_TEXT("as_built"), &moments, &count);
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        if (!p->unit.is_built || weft_moment_compare(&moments[i], &p->unit.built) < 0) {
            p->unit.built = moments[i];
            p->unit.is_built = true;
        }
    }
    if (rv == WEFT_OK) {
        rv = read_lots(p);
    }
    return rv == WEFT_OK ? read_parts(p) : rv;
}

/* --- all of it ------------------------------------------------------------------------------- */

enum weft_err weft_portrait_take(struct weft_portrait *p, struct weft_dossier *dossier,
    struct weft_text name, int64_t now_ns, uint64_t steps_max)
{
    static enum weft_err (*const steps[])(struct weft_portrait *) = {weft_portrait_identify,
        weft_portrait_unpack, weft_portrait_compare, weft_portrait_measure, weft_portrait_worry};
    *p = (struct weft_portrait){.dossier = dossier, .name = name, .now_ns = now_ns};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && (i == 0 || p->rev != 0); i++) {
        dossier->steps_left = steps_max;
        enum weft_err rv = steps[i](p);
        p->steps += steps_max - dossier->steps_left;
        p->is_cut = p->is_cut || rv == WEFT_ETOOBIG;
        if (rv != WEFT_OK && rv != WEFT_ETOOBIG) {
            return rv;
        }
    }
    return WEFT_OK;
}
