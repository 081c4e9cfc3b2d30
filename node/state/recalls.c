/* What was stated of recalls: by partners, as the cells have it, and by this site, as its records
 * have it. */
#include "node/state/recalls.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/state/deed.h"
#include "node/state/machine.h"
#include "node/state/stream_keys.h"
#include "node/state/walks.h"
#include "proto/arith.h"
#include "proto/thread.h"

static enum weft_err no_memory(struct weft_recalls *r)
{
    return weft_fail(r->run->msg, WEFT_ENOMEM, "the recalls of a site");
}

/* --- agreements and partners ----------------------------------------------------------------- */

/* Ids of cells, one after the other, as put_all of query_cells.c walks them. */
static enum weft_err next_agreement(
    struct weft_recalls *r, uint8_t id[WEFT_CELLS_AGREEMENT_SIZE], bool *ret_is_there)
{
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_key_single(WEFT_KEY_CELLS), from = prefix;
    weft_cells_key_add(&from, id, WEFT_CELLS_AGREEMENT_SIZE);
    enum weft_err err = weft_cells_cursor_open(&r->rows, &prefix, &from, &cursor, r->run->msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_is_there =
        weft_cells_cursor_next(&cursor) && cursor.key.size > 1 + WEFT_CELLS_AGREEMENT_SIZE;
    if (*ret_is_there) {
        memcpy(id, cursor.key.data + 1, WEFT_CELLS_AGREEMENT_SIZE);
    }
    return weft_cells_cursor_close(&cursor, WEFT_OK);
}

static bool step_id(uint8_t id[WEFT_CELLS_AGREEMENT_SIZE])
{
    size_t i = WEFT_CELLS_AGREEMENT_SIZE;
    while (i > 0 && ++id[i - 1] == 0) {
        i--;
    }
    return i > 0;
}

static enum weft_err load_agreements(struct weft_recalls *r)
{
    uint8_t id[WEFT_CELLS_AGREEMENT_SIZE] = {0};
    bool is_there = true;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && is_there) {
        err = next_agreement(r, id, &is_there);
        if (err != WEFT_OK || !is_there) {
            break;
        }
        struct weft_cells_agreement *more =
            realloc(r->agreements, (r->agreement_count + 1) * sizeof(*more));
        if (more == NULL) {
            return no_memory(r);
        }
        r->agreements = more;
        more[r->agreement_count] = (struct weft_cells_agreement){.next = NULL};
        memcpy(more[r->agreement_count].id, id, sizeof(id));
        err = weft_cells_agreement_load(&r->rows, &more[r->agreement_count], r->run->msg);
        r->agreement_count++;
        is_there = step_id(id) && r->agreement_count < WEFT_RECALLS_PARTNERS_MAX;
    }
    return err;
}

/* The place of the partner of that site; UINT32_MAX: none. */
static uint32_t find_partner(const struct weft_recalls *r, struct weft_text site)
{
    for (uint32_t i = 0; i < r->partner_count; i++) {
        if (weft_text_equal(r->partners[i].site, site)) {
            return i;
        }
    }
    return UINT32_MAX;
}

static enum weft_err add_id(
    struct weft_recalls *r, struct weft_recalls_partner *p, struct weft_text name)
{
    struct weft_head head;
    enum weft_err err =
        p->id_count < WEFT_RECALLS_NAMES_MAX ? weft_run_head(r->run, name, &head) : WEFT_ENOTFOUND;
    if (err == WEFT_OK) {
        p->ids[p->id_count++] = head.id;
    }
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

/* What units are shipped to, when they are shipped to him. */
static enum weft_err add_names(struct weft_recalls *r, struct weft_recalls_partner *p)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_pinned *pinned = NULL;
    struct weft_text line;
    const struct weft_key key = weft_key_of_partner(p->site);
    enum weft_err err = add_id(r, p, p->asset);
    if (err == WEFT_OK) {
        err = weft_store_get(r->run->view->store, r->run->snapshot, &key, &value, r->run->msg);
        err = err == WEFT_OK ? weft_pinned_decode(p->site, value.bytes, &pinned, r->run->msg) : err;
        weft_store_release(&value);
        err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    struct weft_text rest = pinned != NULL ? pinned->texts.names : (struct weft_text){NULL, 0};
    while (err == WEFT_OK && weft_pinned_line(&rest, &line)) {
        err = add_id(r, p, line);
    }
    weft_pinned_release(pinned);
    return err;
}

static enum weft_err add_partner(struct weft_recalls *r, const struct weft_contract *c)
{
    const uint32_t party = weft_contract_party(c, r->site);
    if (party == WEFT_CONTRACT_NOBODY) {
        return WEFT_OK;
    }
    const struct weft_contract_side *own = &c->sides[party], *other = &c->sides[1 - party];
    uint32_t at = find_partner(r, c->parties[1 - party].site);
    enum weft_err err = WEFT_OK;
    if (at == UINT32_MAX) {
        char asset[sizeof("partner:") + WEFT_STREAM_NAME_SIZE_MAX];
        at = r->partner_count++;
        r->partners[at] = (struct weft_recalls_partner){.site = c->parties[1 - party].site};
        int size = snprintf(asset, sizeof(asset), "partner:%.*s", (int)r->partners[at].site.size,
            r->partners[at].site.data);
        r->partners[at].asset = weft_arena_text(&r->kept, (struct weft_text){asset, (size_t)size});
        err = r->partners[at].asset.data != NULL ? add_names(r, &r->partners[at]) : no_memory(r);
    }
    struct weft_recalls_partner *p = &r->partners[at];
    p->tells |= weft_contract_has_kind(own, WEFT_TEXT("impact"));
    p->acknowledges |= weft_contract_has_kind(own, WEFT_TEXT("acknowledgement"));
    p->hears |= weft_contract_has_kind(other, WEFT_TEXT("acknowledgement"));
    return err;
}

static enum weft_err load_partners(struct weft_recalls *r)
{
    enum weft_err err = load_agreements(r);
    r->partners = weft_arena_array(&r->kept, r->agreement_count, sizeof(*r->partners));
    if (err == WEFT_OK && r->partners == NULL) {
        return no_memory(r);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < r->agreement_count; i++) {
        err = add_partner(r, &r->agreements[i].contract);
    }
    return err;
}

/* --- acts ------------------------------------------------------------------------------------ */

static enum weft_err add_act(struct weft_recalls *r, const struct weft_recalls_act *act)
{
    if (r->act_count == WEFT_RECALLS_ACTS_MAX) {
        return weft_fail(r->run->msg, WEFT_ETOOBIG, "over %d impacts and acknowledgements",
            WEFT_RECALLS_ACTS_MAX);
    }
    if (r->act_count == r->act_capacity) {
        uint32_t capacity = r->act_capacity == 0 ? 64 : 2 * r->act_capacity;
        struct weft_recalls_act *acts = realloc(r->acts, capacity * sizeof(*acts));
        if (acts == NULL) {
            return no_memory(r);
        }
        r->acts = acts;
        r->act_capacity = capacity;
    }
    r->acts[r->act_count++] = *act;
    return WEFT_OK;
}

/* A row that a partner's statement is filed in. */
static enum weft_err add_row(
    struct weft_recalls *r, uint32_t agreement, const struct weft_cells_cursor *row)
{
    struct weft_cells_word word;
    struct weft_cells_place place;
    const struct weft_cells_agreement *a = &r->agreements[agreement];
    const struct weft_cells_desk desk = {
        .rows = &r->rows, .agreement = a, .arena = &r->kept, .msg = r->run->msg};
    struct weft_bytes rest = weft_cells_cursor_rest(row);
    uint8_t *copy = weft_arena_alloc(&r->kept, row->value.size + 1);
    struct weft_recalls_act act = {.agreement = agreement};
    if (rest.size != 2 * WEFT_DIGEST_SIZE || copy == NULL) {
        return copy == NULL ? no_memory(r) : weft_run_damaged(r->run, "a recall");
    }
    memcpy(copy, row->value.data, row->value.size);
    memcpy(act.recall.bytes, rest.data, WEFT_DIGEST_SIZE);
    memcpy(act.statement.bytes, rest.data + WEFT_DIGEST_SIZE, WEFT_DIGEST_SIZE);
    enum weft_err err = weft_cells_word_decode(
        (struct weft_bytes){copy, row->value.size}, &r->kept, &word, r->run->msg);
    err = err == WEFT_OK ? weft_cells_place(&desk, &act.statement, &place) : err;
    if (err != WEFT_OK) {
        return err == WEFT_ENOTFOUND ? weft_run_damaged(r->run, "a recall") : err;
    }
    act.kind = weft_act_kind_of(word.kind);
    act.partner = find_partner(r, word.statement.author);
    act.revision = word.statement.revision;
    act.asset = place.asset;
    act.subjects = (struct weft_act_digests){word.statement.names, word.statement.name_count};
    if (act.kind == WEFT_ACT_RECALL) {
        act.action = word.statement.value;
        act.reason = word.group;
    }
    act.counts.recall = act.recall;
    bool counts = act.partner != UINT32_MAX && act.kind != WEFT_ACT_KINDS &&
                  (act.kind != WEFT_ACT_ACKNOWLEDGEMENT ||
                      weft_cells_counts_parse(word.statement.value, &act.counts));
    return counts ? add_act(r, &act) : WEFT_OK;
}

static enum weft_err load_rows(struct weft_recalls *r, uint32_t agreement)
{
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_key(r->agreements[agreement].id, WEFT_CELLS_RECALLS);
    enum weft_err err = weft_cells_cursor_open(&r->rows, &prefix, NULL, &cursor, r->run->msg);
    if (err != WEFT_OK) {
        return err;
    }
    while (err == WEFT_OK && weft_cells_cursor_next(&cursor)) {
        err = add_row(r, agreement, &cursor);
        err = err == WEFT_OK ? weft_run_yield(r->run, 1) : err;
    }
    return weft_cells_cursor_close(&cursor, err);
}

/* A record of one's own. What is no act is none here either. */
static enum weft_err add_record(
    struct weft_recalls *r, struct weft_bytes bytes, uint64_t index, uint32_t partner)
{
    struct weft_record record;
    struct weft_act decoded;
    struct weft_msg why;
    struct weft_recalls_act act = {
        .is_own = true, .partner = partner, .agreement = UINT32_MAX, .revision = {0, index, 0}};
    uint8_t *copy = weft_arena_alloc(&r->kept, bytes.size);
    if (copy == NULL) {
        return no_memory(r);
    }
    memcpy(copy, bytes.data, bytes.size);
    if (weft_stored_decode(
            (struct weft_bytes){copy, bytes.size}, &r->kept, &act.statement, &record) != WEFT_OK) {
        return weft_run_damaged(r->run, "a record");
    }
    if (weft_act_decode(&record, &r->kept, &decoded, &why) != WEFT_OK) {
        return WEFT_OK;
    }
    act.kind = decoded.kind;
    act.asset = record.asset;
    act.links = record.links;
    act.link_count = record.link_count;
    if (act.kind == WEFT_ACT_RECALL) {
        act.recall = act.statement;
        act.action = decoded.recall.action;
        act.reason = decoded.recall.reason;
        act.subjects = decoded.recall.subjects;
    } else if (act.kind == WEFT_ACT_IMPACT) {
        act.recall = decoded.impact.recall;
        act.subjects = decoded.impact.subjects;
    } else {
        act.recall = decoded.acknowledgement.recall;
        act.counts = decoded.acknowledgement;
    }
    return add_act(r, &act);
}

/* A partner that was told. */
struct told {
    struct weft_recalls *r;
    uint32_t partner;
};

static enum weft_err on_told(
    void *ctx, const struct weft_ref *ref, struct weft_bytes stored, bool *ret_ends)
{
    const struct told *t = ctx;
    (void)ret_ends;
    return add_record(t->r, stored, ref->index, t->partner);
}

/* What this site has told that partner. */
static enum weft_err load_told(struct weft_recalls *r, uint32_t partner, uint16_t kind)
{
    struct told told = {r, partner};
    struct weft_head head;
    enum weft_err err = weft_run_head(r->run, r->partners[partner].asset, &head);
    if (err != WEFT_OK || kind == 0) {
        return err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    return weft_walk_versions(r->run, head.id, kind, on_told, &told);
}

static enum weft_err load_entry(
    struct weft_recalls *r, struct weft_bytes key, struct weft_bytes value)
{
    const uint8_t *p = value.data, *end = value.data + value.size;
    uint64_t ordinal = 0, step;
    enum weft_err err = WEFT_OK;
    if (key.size != WEFT_KEY_KIND_SIZE) {
        return weft_run_damaged(r->run, "the index of kinds");
    }
    const uint64_t index = weft_get_be48(key.data + 3);
    while (err == WEFT_OK && p < end) {
        struct weft_bytes bytes;
        int64_t time_ns;
        p = weft_get_varint(p, end, &step);
        if (p == NULL || !weft_add_u64(ordinal, step, &ordinal) ||
            ordinal > WEFT_STATE_ORDINAL_MAX) {
            return weft_run_damaged(r->run, "the index of kinds");
        }
        err = weft_loader_find(
            &r->run->loader, index, (uint32_t)ordinal, &bytes, &time_ns, r->run->msg);
        err = err == WEFT_OK ? add_record(r, bytes, index, UINT32_MAX) : err;
    }
    return err;
}

/* Recalls of this site's own. */
static enum weft_err load_own(struct weft_recalls *r, uint16_t kind)
{
    struct weft_run *run = r->run;
    struct weft_key key = weft_key_kind(kind, 0);
    const struct weft_bytes prefix = {key.bytes, 1 + WEFT_WORD_ID_SIZE};
    enum weft_err err = WEFT_OK;
    if (kind == 0) {
        return WEFT_OK;
    }
    for (weft_store_walk_to(run->walk, &key);
         err == WEFT_OK && weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        err = load_entry(r, weft_store_walk_key(run->walk), weft_store_walk_value(run->walk));
    }
    return err == WEFT_OK ? weft_store_walk_err(run->walk, run->msg) : err;
}

static int compare_acts(const void *a, const void *b)
{
    const struct weft_recalls_act *x = a, *y = b;
    int order = memcmp(x->recall.bytes, y->recall.bytes, WEFT_DIGEST_SIZE);
    if (order == 0) {
        order = weft_cell_revision_compare(x->revision, y->revision);
    }
    return order != 0 ? order : memcmp(x->statement.bytes, y->statement.bytes, WEFT_DIGEST_SIZE);
}

static enum weft_err find_words(struct weft_recalls *r, uint16_t kinds[3])
{
    static const char *const acts[] = {"recall", "impact", "acknowledgement"};
    static const char *const events[] = {"about", "contains", "output"};
    enum weft_err err = weft_run_word(r->run, 'r', WEFT_TEXT("shipped_to"), &r->shipped_to);
    for (int i = 0; err == WEFT_OK && i < 3; i++) {
        err = weft_run_word(r->run, 'r', weft_text_of(events[i]), &r->events[i]);
        err = err == WEFT_OK ? weft_run_word(r->run, 'k', weft_text_of(acts[i]), &kinds[i]) : err;
    }
    err =
        err == WEFT_OK ? weft_run_word(r->run, 'k', WEFT_TEXT("nonconformance"), &r->blocks) : err;
    return err == WEFT_OK ? weft_run_word(r->run, 'k', WEFT_TEXT("disposition"), &r->disposes)
                          : err;
}

enum weft_err weft_recalls_open_site(struct weft_recalls *r, struct weft_run *run)
{
    *r = (struct weft_recalls){.run = run,
        .kept = {.size_max = WEFT_RECALLS_MEMORY_MAX},
        .arena = {.size_max = WEFT_RECALLS_MEMORY_MAX},
        .rows = {.store = run->view->store, .snapshot = run->snapshot},
        .site = weft_buffer_as_text(&run->view->state->authority)};
    run->arena = &r->arena;
    return load_partners(r);
}

enum weft_err weft_recalls_open(struct weft_recalls *r, struct weft_run *run)
{
    uint16_t kinds[3] = {0};
    enum weft_err err = weft_recalls_open_site(r, run);
    err = err == WEFT_OK ? find_words(r, kinds) : err;
    err = err == WEFT_OK ? load_own(r, kinds[0]) : err;
    for (uint32_t i = 0; err == WEFT_OK && i < r->agreement_count; i++) {
        err = load_rows(r, i);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < r->partner_count; i++) {
        err = load_told(r, i, kinds[1]);
        err = err == WEFT_OK ? load_told(r, i, kinds[2]) : err;
    }
    if (r->act_count > 1) {
        qsort(r->acts, r->act_count, sizeof(*r->acts), compare_acts);
    }
    return err;
}

void weft_recalls_close(struct weft_recalls *r)
{
    for (uint32_t i = 0; i < r->agreement_count; i++) {
        weft_cells_agreement_close(&r->agreements[i]);
    }
    free(r->agreements);
    free(r->acts);
    weft_cells_rows_destroy(&r->rows);
    weft_arena_destroy(&r->kept);
    weft_arena_destroy(&r->arena);
    *r = (struct weft_recalls){.run = NULL};
}

static bool is_start(const struct weft_recalls_act *act)
{
    return act->kind == WEFT_ACT_RECALL || (act->kind == WEFT_ACT_IMPACT && !act->is_own);
}

bool weft_recalls_next(
    const struct weft_recalls *r, uint32_t *place, struct weft_digest *ret_recall)
{
    uint32_t i = *place;
    while (i < r->act_count && !is_start(&r->acts[i])) {
        i++;
    }
    if (i == r->act_count) {
        return false;
    }
    *ret_recall = r->acts[i].recall;
    while (i < r->act_count && weft_digest_equal(&r->acts[i].recall, ret_recall)) {
        i++;
    }
    *place = i;
    return true;
}

/* --- for whoever leads ------------------------------------------------------------------------ */

enum weft_err weft_recalls_begin(struct weft_run *run)
{
    struct weft_view *view = run->view;
    if (view->walk == NULL) {
        view->walk = weft_store_walk_create(view->store, run->snapshot, false);
    }
    if (view->walk == NULL) {
        return weft_fail(run->msg, WEFT_ENOMEM, "a walk");
    }
    run->walk = view->walk;
    weft_store_walk_yield_with(run->walk, view->yield);
    run->as_of = view->index;
    run->steps_max = WEFT_RUN_STEPS_MAX;
    run->loaded_bytes_max = WEFT_RUN_LOADED_BYTES_MAX;
    weft_loader_init(&run->loader, view->store, run->snapshot);
    weft_run_begin_tally(run);
    enum weft_err err = weft_run_find_reveal(run);
    if (err != WEFT_OK) {
        weft_loader_close(&run->loader);
    }
    return err;
}

enum weft_err weft_view_recalls(struct weft_view *view, struct weft_text principal,
    weft_recalls_on_due *on_due, void *ctx, uint32_t *ret_recalls, struct weft_msg *msg)
{
    const struct weft_query query = {.type = WEFT_QUERY_AUDIT, .principal = principal};
    struct weft_recalls recalls;
    struct weft_run run = {.view = view, .snapshot = view->snapshot, .query = &query, .msg = msg};
    struct weft_digest recall;
    uint32_t place = 0;
    *ret_recalls = 0;
    enum weft_err err = weft_recalls_begin(&run);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_recalls_open(&recalls, &run);
    while (err == WEFT_OK && weft_recalls_next(&recalls, &place, &recall)) {
        struct weft_recalls_account account;
        struct weft_record *records;
        uint32_t count = 0;
        err = weft_recalls_judge(&recalls, &recall, &account);
        err = err == WEFT_OK ? weft_recalls_due(&recalls, &account, &records, &count) : err;
        err = err == WEFT_OK && count > 0 ? on_due(ctx, &recall, &account, records, count) : err;
        ++*ret_recalls;
    }
    weft_recalls_close(&recalls);
    weft_loader_close(&run.loader);
    return err;
}
