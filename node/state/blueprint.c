#include "node/state/blueprint.h"

#include <stdlib.h>

static enum weft_err no_memory(struct weft_dossier *d)
{
    return weft_fail(d->msg, WEFT_ENOMEM, "read a design");
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The assets whose records link to `part` by `rel`, each once. */
static enum weft_err assets_of(struct weft_dossier *d, uint64_t part, struct weft_text rel,
    uint64_t **ret_assets, uint32_t *ret_count)
{
    struct weft_mention *mentions = NULL;
    uint32_t count = 0, kept = 0;
    enum weft_err rv = weft_dossier_mentions(d, part, rel, &mentions, &count);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint64_t *assets = weft_arena_array(d->arena, count, sizeof(*assets));
    if (assets == NULL) {
        return no_memory(d);
    }
    for (uint32_t i = 0; i < count; i++) {
        assets[i] = mentions[i].asset;
    }
    if (count > 1) {
        qsort(assets, count, sizeof(*assets), compare_ids);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || assets[kept - 1] != assets[i]) {
            assets[kept++] = assets[i];
        }
    }
    *ret_assets = assets;
    *ret_count = kept;
    return WEFT_OK;
}

/* --- change orders --------------------------------------------------------------------------- */

enum weft_err weft_blueprint_history(
    struct weft_dossier *d, uint64_t asset, struct weft_change_history *ret_history)
{
    const struct weft_stored_record *records;
    uint32_t count;
    enum weft_err rv =
        weft_dossier_history(d, asset, WEFT_TEXT(WEFT_KIND_CHANGE_ORDER), &records, &count);
    *ret_history = (struct weft_change_history){.count = 0};
    if (rv != WEFT_OK || count == 0) {
        return rv;
    }
    struct weft_change *changes = weft_arena_array(d->arena, count, sizeof(*changes));
    if (changes == NULL) {
        return no_memory(d);
    }
    for (uint32_t i = 0; i < count; i++) {
        char pointer[256];
        struct weft_moment moment = weft_moment_of(&records[i]);
        rv = weft_change_read(&records[i].record, &moment, d->arena, &changes[i], pointer, NULL);
        if (rv == WEFT_ENOMEM) {
            return no_memory(d);
        }
        if (rv != WEFT_OK) {
            /* Apply lets none such pass (NOD-304): it counts for nothing. */
            changes[i] = (struct weft_change){.moment = moment, .record = &records[i].record};
        }
    }
    *ret_history = (struct weft_change_history){
        .asset = records[0].record.asset, .changes = changes, .count = count};
    return WEFT_OK;
}

enum weft_err weft_blueprint_changes(struct weft_dossier *d, uint64_t part,
    struct weft_change_history **ret_histories, uint32_t *ret_count)
{
    uint64_t *assets = NULL;
    uint32_t count = 0;
    *ret_count = 0;
    enum weft_err rv = assets_of(d, part, WEFT_TEXT("about"), &assets, &count);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint32_t room = count < WEFT_BLUEPRINT_ORDERS_MAX ? count : WEFT_BLUEPRINT_ORDERS_MAX;
    *ret_histories = weft_arena_array(d->arena, room, sizeof(**ret_histories));
    if (*ret_histories == NULL) {
        return no_memory(d);
    }
    for (uint32_t i = 0; i < count; i++) {
        struct weft_change_history history;
        rv = weft_blueprint_history(d, assets[i], &history);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (history.count == 0) {
            continue;
        }
        if (*ret_count == room) {
            return weft_fail(d->msg, WEFT_ETOOBIG, "over %d change orders are about one part type",
                WEFT_BLUEPRINT_ORDERS_MAX);
        }
        (*ret_histories)[(*ret_count)++] = history;
    }
    return WEFT_OK;
}

/* --- revisions ------------------------------------------------------------------------------- */

/* A revision that is still one of `part` by its newest statement. */
static enum weft_err read_revision(struct weft_dossier *d, uint64_t asset, struct weft_text part,
    struct weft_revision *ret_revision, bool *ret_is_one)
{
    const struct weft_stored_record *records;
    uint32_t count;
    enum weft_err rv = weft_dossier_history(d, asset, WEFT_TEXT("part_revision"), &records, &count);
    *ret_is_one = rv == WEFT_OK && count > 0 &&
                  weft_fact_links_to(&records[count - 1].record, "revision_of", part);
    if (!*ret_is_one) {
        return rv;
    }
    struct weft_revision_state *states = weft_arena_array(d->arena, count, sizeof(*states));
    if (states == NULL) {
        return no_memory(d);
    }
    for (uint32_t i = 0; i < count; i++) {
        states[i].moment = weft_moment_of(&records[i]);
        states[i].status = weft_revision_status_of(&records[i].record);
    }
    *ret_revision = (struct weft_revision){
        .asset = records[0].record.asset, .states = states, .state_count = count};
    return WEFT_OK;
}

enum weft_err weft_blueprint_design(
    struct weft_dossier *d, struct weft_text part, struct weft_design *ret_design)
{
    struct weft_change_history *histories = NULL;
    uint64_t asset, *assets = NULL;
    uint32_t count = 0;
    *ret_design = (struct weft_design){.part = part};
    enum weft_err rv = weft_dossier_find(d, part, &asset);
    if (rv != WEFT_OK || asset == 0) {
        return rv;
    }
    rv = weft_blueprint_changes(d, asset, &histories, &ret_design->change_count);
    if (rv == WEFT_OK) {
        rv = assets_of(d, asset, WEFT_TEXT("revision_of"), &assets, &count);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    struct weft_revision *revisions = weft_arena_array(d->arena, count, sizeof(*revisions));
    if (revisions == NULL) {
        return no_memory(d);
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_one;
        rv = read_revision(d, assets[i], part, &revisions[ret_design->revision_count], &is_one);
        if (rv != WEFT_OK) {
            return rv;
        }
        ret_design->revision_count += is_one;
    }
    ret_design->changes = histories;
    ret_design->revisions = revisions;
    return WEFT_OK;
}

enum weft_err weft_blueprint_part(
    struct weft_dossier *d, struct weft_text asset, struct weft_part *ret_part)
{
    const struct weft_stored_record *revision = NULL;
    uint64_t id;
    enum weft_err rv = weft_dossier_find(d, asset, &id);
    if (rv == WEFT_OK) {
        rv = weft_dossier_current(d, id, WEFT_TEXT("part_revision"), &revision);
    }
    const struct weft_link *link =
        revision != NULL ? weft_fact_link(&revision->record, "revision_of", 0) : NULL;
    *ret_part = link != NULL ? (struct weft_part){.type = link->to, .revision = asset}
                             : (struct weft_part){.type = asset};
    return rv;
}

/* --- BOMs ------------------------------------------------------------------------------------ */

/* The moments are few: a BOM is restated when it changes. */
static enum weft_err choose_bom(struct weft_dossier *d, uint64_t revision,
    const struct weft_moment *until, const struct weft_stored_record **ret_record)
{
    const struct weft_stored_record *records;
    uint32_t count;
    if (until == NULL) {
        return weft_dossier_current(d, revision, WEFT_TEXT("bom"), ret_record);
    }
    enum weft_err rv = weft_dossier_history(d, revision, WEFT_TEXT("bom"), &records, &count);
    *ret_record = rv == WEFT_OK && count > 0 ? &records[0] : NULL;
    for (uint32_t i = rv == WEFT_OK ? count : 0; i > 0; i--) {
        struct weft_moment moment = weft_moment_of(&records[i - 1]);
        if (weft_moment_compare(&moment, until) < 0) {
            *ret_record = &records[i - 1];
            break;
        }
    }
    return rv;
}

enum weft_err weft_blueprint_bom(struct weft_dossier *d, struct weft_text revision,
    const struct weft_moment *until, struct weft_bom *ret_bom, bool *ret_found)
{
    const struct weft_stored_record *record = NULL;
    uint64_t id;
    *ret_found = false;
    enum weft_err rv = weft_dossier_find(d, revision, &id);
    if (rv == WEFT_OK) {
        rv = choose_bom(d, id, until, &record);
    }
    if (rv != WEFT_OK || record == NULL) {
        return rv;
    }
    struct weft_moment moment = weft_moment_of(record);
    rv = weft_bom_read(&record->record, &moment, d->arena, ret_bom);
    if (rv != WEFT_OK) {
        return no_memory(d);
    }
    for (uint32_t i = 0; i < ret_bom->line_count && rv == WEFT_OK; i++) {
        rv = weft_blueprint_part(d, ret_bom->lines[i].to, &ret_bom->lines[i].part);
    }
    for (uint32_t i = 0; i < ret_bom->alternate_count && rv == WEFT_OK; i++) {
        rv = weft_blueprint_part(d, ret_bom->alternates[i].to, &ret_bom->alternates[i].part);
    }
    *ret_found = rv == WEFT_OK;
    return rv;
}
