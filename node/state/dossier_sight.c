/* What a dossier shows whoever asks: node/state/README.md, Reading. */
#include "node/state/dossier_sight.h"

#include "node/mutant.h"

enum weft_err weft_dossier_step(struct weft_dossier *d)
{
    if (d->steps_left == 0) {
        return weft_fail(d->msg, WEFT_ETOOBIG, "too much is known of the asset to look through");
    }
    d->steps_left--;
    return WEFT_OK;
}

/* Are records of this kind on this asset seen, and is their time if it is asked for? */
static bool may_see(struct weft_dossier *d, struct weft_text kind, struct weft_text asset)
{
    return weft_reveal_is_permitted(d->reveal, kind, asset) &&
           (d->at_ns == INT64_MAX || weft_reveal_shows(d->reveal, kind, asset, WEFT_TEXT("@at")));
}

/* The record at a place, of which kind and asset stand in its own bytes. */
static enum weft_err peek(struct weft_dossier *d, const struct weft_moment *moment,
    struct weft_stored_head *ret_head, int64_t *ret_time_ns)
{
    struct weft_bytes bytes;
    enum weft_err rv =
        weft_loader_find(d->loader, moment->index, moment->ordinal, &bytes, ret_time_ns, d->msg);
    if (rv == WEFT_OK && weft_stored_peek(bytes, ret_head) != WEFT_OK) {
        rv = weft_fail(d->msg, WEFT_ECORRUPT, "a record in the state is damaged");
    }
    return rv == WEFT_OK ? weft_dossier_step(d) : rv;
}

enum weft_err weft_dossier_may_see_place(
    struct weft_dossier *d, const struct weft_moment *moment, struct weft_text rel, bool *ret_may)
{
    struct weft_stored_head head;
    int64_t time_ns;
    *ret_may = true;
    if (weft_reveal_shows_all(d->reveal)) {
        return WEFT_OK;
    }
    enum weft_err rv = peek(d, moment, &head, &time_ns);
    *ret_may = rv == WEFT_OK && may_see(d, head.kind, head.asset) &&
               (rel.size == 0 || weft_reveal_shows_link(d->reveal, head.kind, head.asset, rel));
    return rv;
}

enum weft_err weft_dossier_hide_time(struct weft_dossier *d, struct weft_moment *moment)
{
    struct weft_stored_head head;
    int64_t time_ns;
    if (weft_reveal_shows_all(d->reveal)) {
        return WEFT_OK;
    }
    enum weft_err rv = peek(d, moment, &head, &time_ns);
    if (rv == WEFT_OK && !weft_reveal_shows(d->reveal, head.kind, head.asset, WEFT_TEXT("@at"))) {
        moment->at_ns = time_ns;
    }
    return rv;
}

enum weft_err weft_dossier_strip(struct weft_dossier *d, struct weft_stored_record *stored)
{
    struct weft_record *record = &stored->record;
    bool is_permitted;
    if (weft_reveal_shows_all(d->reveal) || may_see(d, record->kind, record->asset)) {
        weft_labels_note(d->tally, record->asset, (struct weft_text){NULL, 0});
    }
    if (weft_reveal_shows_all(d->reveal) || weft_node_mutant(WEFT_NODE_MUTANT_TWIN_UNFILTERED)) {
        return WEFT_OK;
    }
    if (!may_see(d, record->kind, record->asset)) {
        *record = (struct weft_record){.has_at = true, .at_ns = stored->time_ns};
        return WEFT_OK;
    }
    return weft_reveal_strip(d->reveal, record, stored->time_ns, d->arena, &is_permitted, d->msg);
}

/* Has it a link by one of these rels still, now that what is hidden is left out? */
static bool has_link(
    const struct weft_record *record, const struct weft_text *rels, uint32_t rel_count)
{
    for (uint32_t i = 0; i < record->link_count; i++) {
        for (uint32_t j = 0; j < rel_count; j++) {
            if (weft_text_equal(record->links[i].rel, rels[j])) {
                return true;
            }
        }
    }
    return false;
}

uint32_t weft_dossier_keep_linking(struct weft_dossier *d, struct weft_stored_record *records,
    uint32_t count, const struct weft_text *rels, uint32_t rel_count)
{
    uint32_t kept = 0;
    if (weft_reveal_shows_all(d->reveal)) {
        return count;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (has_link(&records[i].record, rels, rel_count)) {
            records[kept++] = records[i];
        }
    }
    return kept;
}
