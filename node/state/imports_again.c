/* Statements of a partner that are told again (imports.h): fields disclosed later are filled in,
 * fields that he erased are erased here. */
#include "node/state/imports.h"
#include "proto/check.h"

/* One of them. */
struct again {
    struct weft_streams *s;
    struct weft_accord *accord;
    struct weft_batch_entry *entry;
    const struct weft_exports_place *place;
    struct weft_imports_again *totals;
    struct weft_msg *msg;
};

static void blame(struct again *g, enum weft_stream_fault fault, const char *text)
{
    struct weft_msg why = {""};
    (void)weft_stream_fail(&why, fault, "%s", text);
    weft_batch_blame(g->entry, fault, &g->s->arena, &why);
}

static enum weft_err no_memory(const struct again *g)
{
    return weft_fail(g->msg, WEFT_ENOMEM, "a statement that is told again");
}

/* The row's content and what came, in s->projection. WEFT_EREFUSED: they do not go together. */
static enum weft_err merge(struct again *g, struct weft_bytes content,
    struct weft_projection_change *ret_change, struct weft_msg *why)
{
    struct weft_streams *s = g->s;
    struct weft_projection known;
    weft_arena_reset(&s->again);
    weft_buffer_clear(&s->projection);
    enum weft_err err = weft_projection_decode(content, &s->again, &known, g->msg);
    if (err != WEFT_OK) {
        return err == WEFT_ENOMEM ? err : weft_wrap(g->msg, WEFT_ECORRUPT, "a partner's statement");
    }
    err = weft_projection_merge(
        &known, &g->entry->projection, false, &s->again, &s->projection, ret_change, why);
    return err == WEFT_ENOMEM ? no_memory(g) : err;
}

/* Small ones cost a look, too: so many rows go through, whatever is in them. */
static void charge(struct again *g, size_t size)
{
    g->totals->bytes += size > WEFT_IMPORTS_AGAIN_ROW ? size : WEFT_IMPORTS_AGAIN_ROW;
}

/* Of what is in quarantine, in s->projection: what may stay of it beside what is erased. Of what
 * cannot be read nothing may, since nobody can tell what is in it. */
static enum weft_err erase_apart(struct again *g, const struct weft_projection *told,
    struct weft_bytes content, bool *ret_changed)
{
    struct weft_streams *s = g->s;
    struct weft_projection kept;
    struct weft_msg why = {""};
    uint32_t count = 0;
    charge(g, content.size);
    weft_buffer_clear(&s->projection);
    enum weft_err err = weft_projection_decode(content, &s->again, &kept, &why);
    if (err == WEFT_OK) {
        err = weft_projection_erase_told(&kept, told, &s->again, &s->projection, &count);
        *ret_changed = count > 0;
    }
    if (err != WEFT_OK && err != WEFT_ENOMEM) {
        weft_buffer_clear(&s->projection);
        *ret_changed = content.size > 0;
        err = WEFT_OK;
    }
    return err == WEFT_OK ? err : no_memory(g);
}

/* NOD-291: value and salt of what was erased go wherever it was told. A row that has no room for
 * what stands in place of them has what the last one has, of the same statement. */
static enum weft_err erase_before(struct again *g, uint64_t from, bool *ret_changed)
{
    struct weft_flow *flow = &g->accord->flows[WEFT_RECEIVED];
    uint64_t earlier = from + 1;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && earlier > 0) {
        const uint64_t sequence = earlier - 1;
        struct weft_store_value value = {.handle = NULL};
        struct weft_projection_change change = {.erased_count = 0};
        struct weft_flow_leaf leaf = {.told = 0};
        struct weft_msg why = {""};
        bool is_huge = false, is_changed = false;
        err = weft_flow_now(flow, sequence, &value, &leaf, g->msg);
        earlier = leaf.earlier;
        if (err == WEFT_OK && leaf.fault == WEFT_STREAM_SOUND) {
            charge(g, leaf.content.size);
            err = merge(g, leaf.content, &change, &why);
            is_huge = err == WEFT_ETOOBIG;
            err = err == WEFT_EREFUSED || is_huge ? WEFT_OK : err;
            is_changed = change.erased_count > 0 || is_huge;
        } else if (err == WEFT_OK) {
            weft_arena_reset(&g->s->again);
            err = erase_apart(g, &g->entry->projection, leaf.content, &is_changed);
        }
        if (err == WEFT_OK && is_changed) {
            const struct weft_buffer *content = is_huge ? &g->totals->content : &g->s->projection;
            leaf.content = (struct weft_bytes){content->data, content->size};
            err = weft_flow_replace(flow, sequence, &leaf, g->place->batch, g->msg);
            *ret_changed = true;
        }
        weft_store_release(&value);
    }
    return err;
}

enum sound {
    IS_NOWHERE,
    IS_FOUND,
    IS_FAR, /* Behind more that is at fault than is looked at. */
};

/* The last row of it that is sound. */
static enum weft_err find_sound(
    struct again *g, uint64_t last, uint64_t *ret_sequence, enum sound *ret_sound)
{
    struct weft_flow *flow = &g->accord->flows[WEFT_RECEIVED];
    uint64_t earlier = last + 1;
    enum weft_err err = WEFT_OK;
    *ret_sound = IS_NOWHERE;
    for (int i = 0; err == WEFT_OK && *ret_sound == IS_NOWHERE && earlier > 0; i++) {
        struct weft_store_value value = {.handle = NULL};
        struct weft_flow_leaf leaf = {.told = 0};
        if (i == WEFT_FLOW_TOLD_MAX) {
            *ret_sound = IS_FAR;
            break;
        }
        *ret_sequence = earlier - 1;
        err = weft_flow_now(flow, *ret_sequence, &value, &leaf, g->msg);
        if (err == WEFT_OK && leaf.fault == WEFT_STREAM_SOUND) {
            *ret_sound = IS_FOUND;
        }
        earlier = leaf.earlier;
        weft_store_release(&value);
    }
    return err;
}

/* Fields that what came erases, each leaf's hash. */
static enum weft_err note_erased(struct again *g)
{
    const struct weft_projection *told = &g->entry->projection;
    struct weft_digest *erased = weft_arena_array(&g->s->again, told->item_count, sizeof(*erased));
    uint32_t count = 0;
    if (erased == NULL) {
        return no_memory(g);
    }
    for (uint32_t i = 0; i < told->item_count; i++) {
        if (told->items[i].shape == WEFT_PROJECTION_ERASED) {
            erased[count++] = told->items[i].hash;
        }
    }
    return weft_streams_note(
        g->s, g->accord, WEFT_RECEIVED, g->totals->at, WEFT_STREAMS_ERASED, erased, count, g->msg);
}

/* Rows of it up to `last`; of which leaves it is noted, unless it was. */
static enum weft_err erase_all(struct again *g, uint64_t last, bool is_noted)
{
    bool is_changed = false;
    enum weft_err err = erase_before(g, last, &is_changed);
    g->totals->erased += is_changed || is_noted ? 1 : 0;
    return err == WEFT_OK && is_changed && !is_noted ? note_erased(g) : err;
}

/* One that is at fault, and was told before: it brings nothing back that was erased. */
static enum weft_err erase_late(struct again *g, uint64_t last, struct weft_bytes *content)
{
    struct weft_flow *flow = &g->accord->flows[WEFT_RECEIVED];
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf = {.told = 0};
    struct weft_projection known;
    uint64_t sequence = last;
    bool is_changed = false;
    enum sound sound;
    enum weft_err err = find_sound(g, last, &sequence, &sound);
    if (err != WEFT_OK || sound == IS_NOWHERE) {
        return err;
    }
    if (sound == IS_FAR) {
        content->size = 0;
        return WEFT_OK;
    }
    err = weft_flow_now(flow, sequence, &value, &leaf, g->msg);
    weft_arena_reset(&g->s->again);
    if (err == WEFT_OK &&
        weft_projection_decode(leaf.content, &g->s->again, &known, g->msg) != WEFT_OK) {
        err = weft_wrap(g->msg, WEFT_ECORRUPT, "a partner's statement");
    }
    if (err == WEFT_OK && weft_imports_erases(&known)) {
        err = erase_apart(g, &known, *content, &is_changed);
    }
    weft_store_release(&value);
    weft_buffer_clear(&g->totals->content);
    if (err == WEFT_OK && is_changed) {
        err = weft_buffer_append(&g->totals->content, g->s->projection.data, g->s->projection.size);
        *content = (struct weft_bytes){g->totals->content.data, g->totals->content.size};
        err = err == WEFT_OK ? err : no_memory(g);
    }
    return err;
}

/* Of a sound one that was told before, with what was known of it: the content of its row. */
static enum weft_err take_again(struct again *g, uint64_t last, struct weft_bytes *ret_content)
{
    struct weft_flow *flow = &g->accord->flows[WEFT_RECEIVED];
    struct weft_store_value value = {.handle = NULL};
    struct weft_flow_leaf leaf = {.told = 0};
    struct weft_projection_change change = {.erased_count = 0};
    struct weft_msg why = {""};
    uint64_t sequence = last;
    enum sound sound;
    enum weft_err err = find_sound(g, last, &sequence, &sound);
    g->totals->is_first = err == WEFT_OK && sound == IS_NOWHERE;
    if (err != WEFT_OK || sound != IS_FOUND) {
        return err == WEFT_OK && weft_imports_erases(&g->entry->projection)
                   ? erase_all(g, last, false)
                   : err;
    }
    err = weft_flow_now(flow, sequence, &value, &leaf, g->msg);
    if (err == WEFT_OK) {
        charge(g, leaf.content.size);
        err = merge(g, leaf.content, &change, &why);
    }
    weft_store_release(&value);
    if (err == WEFT_EREFUSED || err == WEFT_ETOOBIG) {
        blame(g, err == WEFT_ETOOBIG ? WEFT_STREAM_HUGE : WEFT_STREAM_BAD_PROJECTION, why.text);
        return WEFT_OK;
    }
    const uint64_t at = g->totals->at;
    weft_buffer_clear(&g->totals->content);
    if (err == WEFT_OK && weft_buffer_append(&g->totals->content, g->s->projection.data,
                              g->s->projection.size) != WEFT_OK) {
        err = no_memory(g);
    }
    if (err != WEFT_OK) {
        return err;
    }
    *ret_content = (struct weft_bytes){g->totals->content.data, g->totals->content.size};
    err = weft_streams_note(g->s, g->accord, WEFT_RECEIVED, at, WEFT_STREAMS_DISCLOSED,
        change.shown, change.shown_count, g->msg);
    if (err == WEFT_OK) {
        err = weft_streams_note(g->s, g->accord, WEFT_RECEIVED, at, WEFT_STREAMS_ERASED,
            change.erased, change.erased_count, g->msg);
    }
    return err == WEFT_OK && change.is_erasing ? erase_all(g, last, change.erased_count > 0) : err;
}

static bool is_shown(const struct weft_batch_entry *entry)
{
    return entry->fault != WEFT_STREAM_DIGEST && entry->fault != WEFT_STREAM_BAD_PROJECTION &&
           entry->fault != WEFT_STREAM_HUGE;
}

/* Of one that is the partner's own, and is what its leaf says. */
static bool has_revision(const struct weft_accord *accord, const struct weft_batch_entry *entry,
    struct weft_cell_revision *ret_revision)
{
    const struct weft_statement_header *h = &entry->projection.header;
    const struct weft_contract *contract = &accord->deeds[WEFT_ACCORD_RECEIVED]->contract;
    const struct weft_text partner = contract->parties[1 - accord->row.party].site;
    if (!is_shown(entry) || !weft_text_equal(h->authority, partner)) {
        return false;
    }
    *ret_revision = (struct weft_cell_revision){h->epoch, h->index, h->ordinal};
    return true;
}

/* Where it was told last. What is behind all that was told can not have been. */
static enum weft_err find_last(struct again *g, uint64_t *ret_last, uint32_t *ret_told)
{
    struct weft_cell_revision *newest = &g->accord->received.newest, revision;
    const bool is_own = has_revision(g->accord, g->entry, &revision);
    const bool is_new = is_own && weft_cell_revision_compare(revision, *newest) > 0;
    if (is_new) {
        *newest = revision;
        return WEFT_ENOTFOUND;
    }
    if (!is_shown(g->entry)) {
        *newest = (struct weft_cell_revision){UINT64_MAX, UINT64_MAX, UINT32_MAX};
    }
    return weft_flow_last(
        &g->accord->flows[WEFT_RECEIVED], &g->entry->leaf.digest, ret_last, ret_told, g->msg);
}

enum weft_err weft_imports_again(struct weft_streams *streams, struct weft_accord *accord,
    struct weft_batch_entry *entry, const struct weft_exports_place *place,
    struct weft_imports_again *totals, struct weft_flow_leaf *row, struct weft_msg *msg)
{
    struct again g = {.s = streams,
        .accord = accord,
        .entry = entry,
        .place = place,
        .totals = totals,
        .msg = msg};
    uint64_t last;
    uint32_t told;
    enum weft_err err = find_last(&g, &last, &told);
    const bool is_again = err == WEFT_OK;
    if (is_again || err == WEFT_ENOTFOUND) {
        err = weft_imports_ask(streams, accord, entry, is_again, place, msg);
    }
    totals->is_first = err == WEFT_OK && !is_again && entry->fault == WEFT_STREAM_SOUND;
    if (err != WEFT_OK || !is_again) {
        return err;
    }
    const bool is_spent = told >= WEFT_FLOW_TOLD_MAX || totals->bytes > WEFT_IMPORTS_AGAIN_BYTES;
    row->earlier = last + 1;
    row->told = told < WEFT_FLOW_TOLD_MAX ? told : WEFT_FLOW_TOLD_MAX - 1;
    if (entry->fault == WEFT_STREAM_SOUND && is_spent) {
        blame(&g, WEFT_STREAM_REPEATED,
            told >= WEFT_FLOW_TOLD_MAX ? "one statement, time and again"
                                       : "more of what was told before than one batch may");
    } else if (entry->fault == WEFT_STREAM_SOUND) {
        err = take_again(&g, last, &row->content);
    }
    return err == WEFT_OK && entry->fault != WEFT_STREAM_SOUND ? erase_late(&g, last, &row->content)
                                                               : err;
}
