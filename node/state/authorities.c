#include "node/state/authorities.h"

#include <stdlib.h>

#include "node/state/authority_parts.h"
#include "node/state/loader.h"
#include "proto/check.h"

enum {
    RECORD_ARENA_SIZE_MAX = 1024 * 1024, /* chosen: a note of 64 KiB, decoded */
};

struct weft_authorities {
    struct weft_text site;
    struct weft_authority *in_force;
    struct weft_authority *coming; /* Of the newest index that changed it; NULL: none. */
    struct weft_authority *staged; /* Of the commit that was checked last; NULL: no change. */
    struct weft_arena record;      /* Of the record being loaded. */
};

static void drop(struct weft_authority **authority)
{
    weft_authority_release(*authority);
    *authority = NULL;
}

enum weft_err weft_authorities_create(
    struct weft_text site, struct weft_authorities **ret_authorities, struct weft_msg *msg)
{
    struct weft_authorities *a = calloc(1, sizeof(*a));
    if (a == NULL || weft_authority_create(&a->in_force) != WEFT_OK) {
        free(a);
        return weft_fail(msg, WEFT_ENOMEM, "open the registry of authority");
    }
    a->site = site;
    a->record.size_max = RECORD_ARENA_SIZE_MAX;
    *ret_authorities = a;
    return WEFT_OK;
}

void weft_authorities_destroy(struct weft_authorities *a)
{
    if (a == NULL) {
        return;
    }
    drop(&a->staged);
    drop(&a->coming);
    drop(&a->in_force);
    weft_arena_destroy(&a->record);
    free(a);
}

struct weft_authority *weft_authorities_at(struct weft_authorities *a, uint64_t index)
{
    if (a->coming != NULL && weft_authority_index(a->coming) < index) {
        drop(&a->in_force);
        a->in_force = a->coming;
        a->coming = NULL;
    }
    weft_assert(weft_authority_index(a->in_force) < index || index == 0); /* NOD-144 */
    return a->in_force;
}

/* The end of the chain: what a further document follows. */
static const struct weft_authority *newest(const struct weft_authorities *a)
{
    return a->staged != NULL ? a->staged : a->coming != NULL ? a->coming : a->in_force;
}

/* Where nothing is governed, labels say nothing. */
static bool is_step(const struct weft_authorities *a, struct weft_text kind)
{
    return weft_text_is(kind, WEFT_AUTHORITY_KIND) ||
           (weft_text_is(kind, WEFT_LABELS_KIND) && weft_authority_org(newest(a)) != NULL);
}

static enum weft_err stage(struct weft_authorities *a, const struct weft_record *record,
    uint32_t number, const struct weft_authority_place *place, struct weft_refusal *r,
    struct weft_msg *msg)
{
    struct weft_authority *next = NULL;
    enum weft_err err = weft_authority_next(newest(a), record, number, place, &next, r, msg);
    if (next != NULL) {
        drop(&a->staged);
        a->staged = next;
    }
    return err;
}

enum weft_err weft_authorities_check(struct weft_authorities *a, const struct weft_commit *commit,
    uint64_t index, int64_t time_ns, bool is_empty, struct weft_refusal *ret_refusal,
    struct weft_msg *msg)
{
    struct weft_authority_place place = {.site = a->site, .index = index, .time_ns = time_ns};
    enum weft_err err = WEFT_OK;
    (void)weft_authorities_at(a, index);
    drop(&a->staged);
    ret_refusal->err = WEFT_OK;
    for (uint32_t i = 0; i < commit->record_count && err == WEFT_OK && ret_refusal->err == WEFT_OK;
         i++) {
        if (is_step(a, commit->records[i].kind)) {
            place.is_beginning = is_empty && i == 0;
            err = stage(a, &commit->records[i], i, &place, ret_refusal, msg);
        }
    }
    if (ret_refusal->err != WEFT_OK) {
        drop(&a->staged);
    }
    return err;
}

void weft_authorities_accept(struct weft_authorities *a)
{
    if (a->staged != NULL) {
        drop(&a->coming);
        a->coming = a->staged;
        a->staged = NULL;
    }
}

/* --- from records that there are ------------------------------------------------------------- */

enum weft_err weft_authorities_learn(struct weft_authorities *a, const struct weft_record *record,
    uint64_t index, int64_t time_ns, struct weft_msg *msg)
{
    struct weft_refusal refusal = {.err = WEFT_OK};
    const struct weft_authority_place place = {
        .site = a->site, .index = index, .time_ns = time_ns, .is_beginning = true};
    bool is_label = weft_text_is(record->kind, WEFT_LABELS_KIND);
    if (!is_step(a, record->kind)) {
        return WEFT_OK;
    }
    (void)weft_authorities_at(a, index);
    drop(&a->staged);
    enum weft_err err = stage(a, record, 0, &place, &refusal, msg);
    if (err == WEFT_OK && refusal.err != WEFT_OK && is_label) {
        return WEFT_OK; /* Of a time when the kind was anybody's: it labels nothing. */
    }
    if (err == WEFT_OK && refusal.err != WEFT_OK) { /* It was taken once, by the same rules. */
        err = weft_fail(msg, WEFT_ECORRUPT, "%.*s at index %llu: %s", (int)record->asset.size,
            record->asset.data, (unsigned long long)index, refusal.detail.text);
    }
    if (err == WEFT_OK) {
        weft_authorities_accept(a);
    }
    return err;
}

static enum weft_err on_stored(void *ctx, const struct weft_stored *stored, struct weft_msg *msg)
{
    return weft_authorities_learn(ctx, &stored->record, stored->index, stored->time_ns, msg);
}

/* Records of one kind after those of the other, so that their places do not rise. */
struct labelling {
    struct weft_labels *labels;
    uint64_t index;
};

static enum weft_err on_label(void *ctx, const struct weft_stored *stored, struct weft_msg *msg)
{
    struct labelling *l = ctx;
    struct weft_labels_said said;
    struct weft_labels *next = NULL;
    char pointer[256];
    struct weft_msg detail;
    if (!weft_labels_read(&stored->record, "", &said, pointer, &detail)) {
        return WEFT_OK; /* As above. */
    }
    enum weft_err err = weft_labels_set(l->labels, stored->record.asset, &said, &next, msg);
    if (err == WEFT_OK) {
        weft_labels_release(l->labels);
        l->labels = next;
        l->index = stored->index > l->index ? stored->index : l->index;
    }
    return err == WEFT_ETOOBIG ? WEFT_OK : err;
}

static enum weft_err load_labels(struct weft_authorities *a, struct weft_names *names,
    struct weft_store *store, struct weft_msg *msg)
{
    const struct weft_authority *before = newest(a);
    struct labelling l = {.index = weft_authority_index(before)};
    struct weft_authority *next = NULL;
    uint16_t kind = weft_words_find(weft_names_kinds(names), WEFT_TEXT(WEFT_LABELS_KIND));
    if (kind == 0 || weft_authority_org(before) == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_loader_each(store, kind, &a->record, on_label, &l, msg);
    if (err == WEFT_OK) {
        err = weft_authority_relabel(before, l.index, l.labels, &next);
        err = err == WEFT_OK ? err : weft_fail(msg, err, "open the registry of labels");
    }
    weft_labels_release(l.labels);
    if (err == WEFT_OK) {
        drop(&a->coming);
        a->coming = next;
    }
    return err;
}

enum weft_err weft_authorities_load(struct weft_authorities *a, struct weft_names *names,
    struct weft_store *store, struct weft_msg *msg)
{
    uint16_t kind = weft_words_find(weft_names_kinds(names), WEFT_TEXT(WEFT_AUTHORITY_KIND));
    enum weft_err err = weft_loader_each(store, kind, &a->record, on_stored, a, msg);
    return err == WEFT_OK ? load_labels(a, names, store, msg) : err;
}
