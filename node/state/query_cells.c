/* Cells, asked for as files beside the audit log's: AUDIT with one of these paths.
 *
 *     cells                             the agreements that have cells: one line each
 *     cells/NAME                        one of them
 *     cells/NAME/disputes[/<cell>]      disputed cells; behind that one
 *     cells/NAME/asset/ASSET            all cells and edges of what either party calls so
 *     cells/NAME/aliases[/<pair>]       pairs to be confirmed
 *     cells/NAME/unnamed[/<subject>]    without a usable serial, and not joined
 *     cells/NAME/left-over[/<digest>]   what is in no cell, and why
 *     cells/NAME/recalls[/<place>]      recalls, whom they reached, and what was acknowledged
 *     cells/NAME/workflow/WORKFLOW/<subject>  its status, and its steps
 *
 * NAME `*` with `asset`: of each agreement. What has more ends with "next <place>". */
#include "node/state/query_cells.h"

#include <inttypes.h>
#include <stdio.h>

#include "node/state/machine.h"
#include "node/state/query_file.h"

static const char stem[] = "cells";

static enum weft_err no_such(struct weft_cells_asking *a)
{
    return weft_fail(a->msg, WEFT_ENOTFOUND, "no such agreement");
}

/* --- pages ----------------------------------------------------------------------------------- */

/* A list of one table, from behind a place on. */
struct page {
    enum weft_cells_table table;
    uint32_t count;
    enum weft_err (*put)(
        struct weft_cells_asking *a, const struct weft_cells_cursor *row, bool *ret_is_told);
};

static bool parse_place(struct weft_text text, struct weft_key *key)
{
    for (size_t i = 0; i + 1 < text.size; i += 2) {
        uint8_t byte = 0;
        for (size_t k = i; k < i + 2; k++) {
            char c = text.data[k];
            bool is_digit = c >= '0' && c <= '9', is_letter = c >= 'a' && c <= 'f';
            if (!is_digit && !is_letter) {
                return false;
            }
            byte = (uint8_t)(byte << 4 | (is_digit ? c - '0' : c - 'a' + 10));
        }
        if (key->size >= sizeof(key->bytes) - 1) {
            return false;
        }
        weft_cells_key_add(key, &byte, 1);
    }
    const uint8_t zero = 0; /* What comes first behind it. */
    if (text.size > 0) {
        weft_cells_key_add(key, &zero, 1);
    }
    return text.size % 2 == 0;
}

static enum weft_err put_next(struct weft_cells_asking *a, struct weft_bytes place)
{
    enum weft_err err = weft_buffer_text(&a->out, WEFT_TEXT("next "));
    for (size_t i = 0; err == WEFT_OK && i < place.size; i++) {
        err = weft_buffer_format(&a->out, "%02x", place.data[i]);
    }
    return err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("\n")) : err;
}

static enum weft_err put_page(struct weft_cells_asking *a, struct page *page, struct weft_text from)
{
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_desk_key(&a->desk, page->table), first = prefix;
    if (!parse_place(from, &first)) {
        return weft_fail(a->msg, WEFT_EINVAL, "no place of a list");
    }
    enum weft_err err = weft_cells_cursor_open(&a->rows, &prefix, &first, &cursor, a->msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_key last = {.size = 0};
    while (err == WEFT_OK && weft_cells_cursor_next(&cursor)) {
        bool is_told = false;
        if (last.size > 0 &&
            (page->count >= WEFT_CELLS_PAGE_MAX || a->out.size >= WEFT_CELLS_PAGE_BYTES)) {
            err = put_next(a, (struct weft_bytes){last.bytes, last.size});
            break;
        }
        struct weft_bytes rest = weft_cells_cursor_rest(&cursor);
        last = (struct weft_key){.size = rest.size};
        memcpy(last.bytes, rest.data, rest.size);
        weft_arena_reset(&a->arena);
        err = weft_run_yield(a->run, 1);
        err = err == WEFT_OK ? page->put(a, &cursor, &is_told) : err;
        page->count += is_told;
    }
    return weft_cells_cursor_close(&cursor, err);
}

static struct weft_digest digest_of(struct weft_bytes rest, size_t offset)
{
    struct weft_digest digest = {{0}};
    if (rest.size >= offset + WEFT_DIGEST_SIZE) {
        memcpy(digest.bytes, rest.data + offset, WEFT_DIGEST_SIZE);
    }
    return digest;
}

/* --- rows of pages --------------------------------------------------------------------------- */

static enum weft_err put_edge_cell(
    struct weft_cells_asking *a, const struct weft_digest ends[2], bool *ret_is_told)
{
    struct weft_cells_judged judged;
    enum weft_err err = weft_cells_judge_edge(&a->desk, &ends[0], &ends[1], &judged);
    return err == WEFT_OK && judged.set.count > 0
               ? weft_cells_put_cell(a, &judged, ends, 2, ret_is_told)
               : err;
}

static enum weft_err put_dispute(
    struct weft_cells_asking *a, const struct weft_cells_cursor *row, bool *ret_is_told)
{
    struct weft_cells_dispute dispute;
    struct weft_cells_judged judged;
    struct weft_alias_set set;
    uint8_t kg[WEFT_CELLS_KG_SIZE];
    enum weft_err err = weft_cells_dispute_decode(row->value, &a->arena, &dispute, a->msg);
    if (err == WEFT_OK && dispute.is_edge) {
        const struct weft_digest ends[2] = {dispute.subject, dispute.child};
        return put_edge_cell(a, ends, ret_is_told);
    }
    if (err == WEFT_OK) {
        weft_cells_kg(dispute.kind, dispute.group, kg);
        err = weft_cells_judge(&a->desk, &dispute.subject, kg, &set, &judged);
    }
    return err == WEFT_OK && judged.set.count > 0
               ? weft_cells_put_cell(a, &judged, set.subjects, set.count, ret_is_told)
               : err;
}

/* May any of the words on the pair be seen? */
static enum weft_err may_see_pair(
    struct weft_cells_asking *a, const struct weft_digest pair[2], bool *ret_may)
{
    struct weft_cells_cursor cursor;
    struct weft_key prefix =
        weft_cells_key_of(&a->desk, WEFT_CELLS_ALIAS_WORDS, &pair[0], &pair[1]);
    enum weft_err err = weft_cells_cursor_open(&a->rows, &prefix, NULL, &cursor, a->msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_may = false;
    while (err == WEFT_OK && !*ret_may && weft_cells_cursor_next(&cursor)) {
        struct weft_cells_place place;
        struct weft_digest digest = digest_of(weft_cells_cursor_rest(&cursor), 0);
        err = weft_cells_place(&a->desk, &digest, &place);
        *ret_may = err == WEFT_OK && weft_cells_may_see_all(a, place.kind, place.asset);
    }
    return weft_cells_cursor_close(&cursor, err);
}

static enum weft_err put_pair(
    struct weft_cells_asking *a, const struct weft_cells_cursor *row, bool *ret_is_told)
{
    struct weft_bytes rest = weft_cells_cursor_rest(row);
    const struct weft_digest pair[2] = {digest_of(rest, 0), digest_of(rest, WEFT_DIGEST_SIZE)};
    struct weft_store_value value = {.handle = NULL};
    struct weft_cells_pair names;
    struct weft_key key = weft_cells_key_of(&a->desk, WEFT_CELLS_PAIRS, &pair[0], &pair[1]);
    enum weft_err err = may_see_pair(a, pair, ret_is_told);
    if (err != WEFT_OK || !*ret_is_told) {
        return err;
    }
    err = weft_cells_rows_get(&a->rows, &key, &value, a->msg);
    if (err == WEFT_OK) {
        err = weft_cells_pair_decode(value.bytes, &a->arena, &names, a->msg);
    }
    for (int i = 0; err == WEFT_OK && i < 2; i++) {
        weft_labels_note(&a->run->view->tally, names.names[i].key, (struct weft_text){NULL, 0});
        err = weft_cells_put_name(a, i == 0 ? "alias" : "and", &pair[i], &names.names[i]);
    }
    weft_store_release(&value);
    return err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("\n")) : err;
}

/* A statement of the subject that may be seen. */
static enum weft_err find_seen(struct weft_cells_asking *a, const struct weft_digest *subject,
    struct weft_cells_place *ret_place, bool *ret_is_found)
{
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_key_of(&a->desk, WEFT_CELLS_WORDS, subject, NULL);
    enum weft_err err = weft_cells_cursor_open(&a->rows, &prefix, NULL, &cursor, a->msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_is_found = false;
    while (err == WEFT_OK && !*ret_is_found && weft_cells_cursor_next(&cursor)) {
        struct weft_digest digest = digest_of(weft_cells_cursor_rest(&cursor), WEFT_CELLS_KG_SIZE);
        err = weft_run_yield(a->run, 1);
        err = err == WEFT_OK ? weft_cells_place(&a->desk, &digest, ret_place) : err;
        *ret_is_found = err == WEFT_OK && weft_cells_may_see(a, ret_place->kind, ret_place->asset);
    }
    return weft_cells_cursor_close(&cursor, err);
}

static enum weft_err put_unnamed(
    struct weft_cells_asking *a, const struct weft_cells_cursor *row, bool *ret_is_told)
{
    struct weft_digest subject = digest_of(weft_cells_cursor_rest(row), 0);
    struct weft_cells_subject known;
    struct weft_cells_place place;
    enum weft_err err = find_seen(a, &subject, &place, ret_is_told);
    if (err != WEFT_OK || !*ret_is_told) {
        return err;
    }
    weft_labels_note(&a->run->view->tally, place.asset, (struct weft_text){NULL, 0});
    err = weft_cells_subject(&a->desk, &subject, &known);
    err = err == WEFT_OK ? weft_cells_put_name(a, "unnamed", &subject, &known.name) : err;
    err = err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("as")) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, place.kind) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, place.asset) : err;
    return err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("\n\n")) : err;
}

static enum weft_err put_left_over(
    struct weft_cells_asking *a, const struct weft_cells_cursor *row, bool *ret_is_told)
{
    struct weft_digest digest = digest_of(weft_cells_cursor_rest(row), 0);
    struct weft_cells_place place;
    enum weft_err err = weft_cells_place(&a->desk, &digest, &place);
    *ret_is_told = err == WEFT_OK && weft_cells_may_see_all(a, place.kind, place.asset);
    if (!*ret_is_told) {
        return err;
    }
    weft_labels_note(&a->run->view->tally, place.asset, (struct weft_text){NULL, 0});
    err = weft_buffer_text(&a->out, WEFT_TEXT("left-over"));
    err = err == WEFT_OK ? weft_cells_put_digest(a, &digest) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, place.kind) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, place.asset) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a,
                               (struct weft_text){(const char *)row->value.data, row->value.size})
                         : err;
    return err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("\n")) : err;
}

/* "recall <recall> <statement> <author> <action> <reason>", "impact <recall> <statement> <author>",
 * "acknowledgement <recall> <statement> <author> <five counts>"; then the subjects that are named.
 */
static enum weft_err put_recall(
    struct weft_cells_asking *a, const struct weft_cells_cursor *row, bool *ret_is_told)
{
    struct weft_bytes rest = weft_cells_cursor_rest(row);
    struct weft_digest recall = digest_of(rest, 0), digest = digest_of(rest, WEFT_DIGEST_SIZE);
    struct weft_cells_word word;
    struct weft_cells_place place;
    enum weft_err err = weft_cells_word_decode(row->value, &a->arena, &word, a->msg);
    err = err == WEFT_OK ? weft_cells_place(&a->desk, &digest, &place) : err;
    *ret_is_told = err == WEFT_OK && weft_cells_may_see_all(a, place.kind, place.asset);
    if (!*ret_is_told) {
        return err;
    }
    weft_labels_note(&a->run->view->tally, place.asset, (struct weft_text){NULL, 0});
    err = weft_buffer_text(&a->out, word.kind);
    err = err == WEFT_OK ? weft_cells_put_digest(a, &recall) : err;
    err = err == WEFT_OK ? weft_cells_put_digest(a, &digest) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, word.statement.author) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, word.statement.value) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, word.group) : err;
    err = err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("\n")) : err;
    for (uint32_t i = 0; err == WEFT_OK && i < word.statement.name_count; i++) {
        struct weft_cells_subject subject = {.is_known = false};
        err = weft_cells_subject(&a->desk, &word.statement.names[i], &subject);
        err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
        err = err == WEFT_OK
                  ? weft_cells_put_name(a, "subject", &word.statement.names[i], &subject.name)
                  : err;
    }
    return err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("\n")) : err;
}

/* --- an asset -------------------------------------------------------------------------------- */

/* What was told of one asset: no cell twice, though several names lead to it. */
struct asset_page {
    struct weft_cells_asking *a;
    struct weft_digest cells[WEFT_CELLS_PAGE_MAX];
    uint32_t count;
};

static bool is_new(struct asset_page *p, const struct weft_digest *cell)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (weft_digest_equal(&p->cells[i], cell)) {
            return false;
        }
    }
    bool has_room = p->count < WEFT_CELLS_PAGE_MAX && p->a->out.size < WEFT_CELLS_PAGE_BYTES;
    if (has_room) {
        p->cells[p->count++] = *cell;
    }
    return has_room;
}

static enum weft_err put_groups(struct asset_page *p, const struct weft_digest *subject)
{
    struct weft_cells_asking *a = p->a;
    struct weft_cells_groups groups;
    bool has;
    enum weft_err err = weft_cells_groups_open(&a->desk, subject, &groups);
    if (err != WEFT_OK) {
        return err;
    }
    while ((err = weft_cells_groups_next(&groups, &has)) == WEFT_OK && has) {
        struct weft_cells_judged judged;
        struct weft_alias_set set;
        bool is_told;
        weft_arena_reset(&a->arena);
        err = weft_run_yield(a->run, 1);
        err = err == WEFT_OK ? weft_cells_judge(&a->desk, subject, groups.kg, &set, &judged) : err;
        if (err == WEFT_OK && judged.set.count > 0 && is_new(p, &judged.cell)) {
            err = weft_cells_put_cell(a, &judged, set.subjects, set.count, &is_told);
        }
        if (err != WEFT_OK) {
            break;
        }
    }
    return weft_cells_groups_close(&groups, err);
}

static enum weft_err put_edges(
    struct asset_page *p, enum weft_cells_table table, const struct weft_digest *subject)
{
    struct weft_cells_asking *a = p->a;
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_key_of(&a->desk, table, subject, NULL);
    enum weft_err err = weft_cells_cursor_open(&a->rows, &prefix, NULL, &cursor, a->msg);
    if (err != WEFT_OK) {
        return err;
    }
    while (err == WEFT_OK && p->count < WEFT_CELLS_PAGE_MAX && weft_cells_cursor_next(&cursor)) {
        struct weft_store_value value = {.handle = NULL};
        struct weft_cells_edge edge;
        bool is_told, is_up = table == WEFT_CELLS_EDGES_UP;
        struct weft_digest other = digest_of(weft_cells_cursor_rest(&cursor), 0);
        struct weft_key key = weft_cells_key_of(
            &a->desk, WEFT_CELLS_EDGES, is_up ? &other : subject, is_up ? subject : &other);
        weft_arena_reset(&a->arena);
        err = weft_run_yield(a->run, 1);
        err = err == WEFT_OK ? weft_cells_rows_get(&a->rows, &key, &value, a->msg) : err;
        err = err == WEFT_OK ? weft_cells_edge_decode(value.bytes, &a->arena, &edge, a->msg) : err;
        weft_store_release(&value);
        const struct weft_digest ends[2] = {edge.parent, edge.child};
        struct weft_digest cell = weft_intake_edge_subject(&ends[0], &ends[1]);
        if (err == WEFT_OK && is_new(p, &cell)) {
            err = put_edge_cell(a, ends, &is_told);
        }
    }
    return weft_cells_cursor_close(&cursor, err);
}

static enum weft_err put_subject(struct asset_page *p, const struct weft_digest *subject)
{
    struct weft_alias_set set;
    enum weft_err err = weft_cells_set(&p->a->desk, subject, &set);
    for (uint32_t i = 0; err == WEFT_OK && i < set.count; i++) {
        err = put_groups(p, &set.subjects[i]);
        err = err == WEFT_OK ? put_edges(p, WEFT_CELLS_EDGES, &set.subjects[i]) : err;
        err = err == WEFT_OK ? put_edges(p, WEFT_CELLS_EDGES_UP, &set.subjects[i]) : err;
    }
    return err;
}

static enum weft_err put_asset(struct weft_cells_asking *a, struct weft_text asset)
{
    static const struct weft_digest none;
    struct asset_page page = {.a = a};
    enum weft_err err = WEFT_OK;
    for (int i = 0; err == WEFT_OK && i < WEFT_CELL_PARTIES; i++) {
        char key[WEFT_SUBJECT_KEY_SIZE];
        struct weft_subject_name name;
        if (weft_cells_name_thing(a->agreement.contract.parties[i].site, asset, true, &none, key,
                &name) == WEFT_SUBJECT_TO_CELL) {
            struct weft_digest subject = weft_subject_of(&name);
            err = put_subject(&page, &subject);
        }
    }
    if (err == WEFT_OK && page.count == WEFT_CELLS_PAGE_MAX) {
        err = weft_buffer_text(&a->out, WEFT_TEXT("more\n"));
    }
    return err;
}

/* --- agreements ------------------------------------------------------------------------------ */

static bool may_see_agreement(struct weft_cells_asking *a)
{
    char asset[sizeof("agreement:") + WEFT_CONTRACT_NAME_SIZE_MAX];
    struct weft_text name = a->agreement.contract.name;
    int size = snprintf(asset, sizeof(asset), "agreement:%.*s", (int)name.size, name.data);
    return weft_cells_may_see(a, WEFT_TEXT("agreement"), (struct weft_text){asset, (size_t)size});
}

static enum weft_err put_agreement(struct weft_cells_asking *a)
{
    const struct weft_shared_path top = {.depth = 0};
    struct weft_shared_node node = {.slots = {{.type = WEFT_SHARED_EMPTY}}};
    const struct weft_cells_counts *c = &a->agreement.counts;
    enum weft_err err = weft_cells_shared_node(&a->desk, &top, &node);
    if (err != WEFT_OK && err != WEFT_ENOTFOUND) {
        return err;
    }
    struct weft_digest shared = weft_shared_digest(&node);
    err = weft_buffer_text(&a->out, WEFT_TEXT("agreement"));
    err = err == WEFT_OK ? weft_cells_put_word(a, a->agreement.contract.name) : err;
    if (err == WEFT_OK) {
        err = weft_buffer_format(
            &a->out, " version %" PRIu64 " shared", a->agreement.contract.link.version);
    }
    err = err == WEFT_OK ? weft_cells_put_digest(a, &shared) : err;
    return err == WEFT_OK ? weft_buffer_format(&a->out,
                                " %s statements %" PRIu64 " disputes %" PRIu64 " aliases %" PRIu64
                                " unnamed %" PRIu64 " left-over %" PRIu64 " dangling %" PRIu64 "\n",
                                c->tasks == 0 ? "settled" : "unsettled", c->statements, c->disputes,
                                c->proposed, c->unnamed, c->left_over, c->dangling)
                          : err;
}

/* One that is not there, and one that may not be seen, are refused alike: NOD-173. */
static enum weft_err open_agreement(
    struct weft_cells_asking *a, const uint8_t id[WEFT_CELLS_AGREEMENT_SIZE])
{
    memcpy(a->agreement.id, id, WEFT_CELLS_AGREEMENT_SIZE);
    enum weft_err err = weft_cells_agreement_load(&a->rows, &a->agreement, a->msg);
    return err == WEFT_ENOTFOUND || (err == WEFT_OK && !may_see_agreement(a)) ? no_such(a) : err;
}

/* Each agreement that may be seen; `asset` empty: its line. */
static enum weft_err put_all(struct weft_cells_asking *a, struct weft_text asset)
{
    uint8_t id[WEFT_CELLS_AGREEMENT_SIZE] = {0};
    struct weft_key prefix = weft_key_single(WEFT_KEY_CELLS);
    enum weft_err err = WEFT_OK;
    for (bool is_over = false; err == WEFT_OK && !is_over;) {
        struct weft_cells_cursor cursor;
        struct weft_key from = prefix;
        weft_cells_key_add(&from, id, sizeof(id));
        err = weft_cells_cursor_open(&a->rows, &prefix, &from, &cursor, a->msg);
        if (err != WEFT_OK) {
            return err;
        }
        is_over = !weft_cells_cursor_next(&cursor) || cursor.key.size <= sizeof(id);
        if (!is_over) {
            memcpy(id, cursor.key.data + 1, sizeof(id));
        }
        err = weft_cells_cursor_close(&cursor, WEFT_OK);
        if (err == WEFT_OK && !is_over) {
            err = open_agreement(a, id);
            err = err == WEFT_OK ? (asset.size > 0 ? put_asset(a, asset) : put_agreement(a)) : err;
            err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
        }
        size_t i = sizeof(id);
        while (i > 0 && ++id[i - 1] == 0) {
            i--;
        }
        is_over = is_over || i == 0;
    }
    return err;
}

/* --- the question ---------------------------------------------------------------------------- */

static enum weft_err put_part(
    struct weft_cells_asking *a, struct weft_text what, struct weft_text rest)
{
    static const struct {
        const char *name;
        struct page page;
    } pages[] = {
        {"disputes", {WEFT_CELLS_DISPUTES, 0, put_dispute}},
        {"aliases", {WEFT_CELLS_PROPOSED, 0, put_pair}},
        {"unnamed", {WEFT_CELLS_UNNAMED, 0, put_unnamed}},
        {"left-over", {WEFT_CELLS_LEFT_OVER, 0, put_left_over}},
        {"recalls", {WEFT_CELLS_RECALLS, 0, put_recall}},
    };
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (weft_text_is(what, pages[i].name)) {
            struct page page = pages[i].page;
            return put_page(a, &page, rest);
        }
    }
    if (weft_text_is(what, "workflow")) {
        return weft_cells_put_workflow(a, rest);
    }
    return weft_text_is(what, "asset") && rest.size > 0
               ? put_asset(a, rest)
               : weft_fail(a->msg, WEFT_EINVAL,
                     "cells/NAME/: disputes, asset/ASSET, aliases, unnamed, left-over, recalls, "
                     "workflow/WORKFLOW/SUBJECT");
}

static enum weft_err answer(struct weft_cells_asking *a, struct weft_text path)
{
    struct weft_text rest = path, word, name, what;
    uint8_t id[WEFT_CELLS_AGREEMENT_SIZE];
    if (!weft_text_cut(&rest, '/', &word)) {
        return put_all(a, (struct weft_text){NULL, 0});
    }
    bool has_part = weft_text_cut(&rest, '/', &name);
    (void)weft_text_cut(&rest, '/', &what);
    if (weft_text_is(name, "*") && weft_text_is(what, "asset") && rest.size > 0) {
        return put_all(a, rest);
    }
    weft_cells_agreement_id(name, id);
    enum weft_err err = open_agreement(a, id);
    if (err != WEFT_OK) {
        return err;
    }
    return has_part ? put_part(a, what, rest) : put_agreement(a);
}

bool weft_state_is_cells_path(struct weft_text path)
{
    return weft_query_file_is(path, stem);
}

enum weft_err weft_query_cells(struct weft_run *run, struct weft_client_message *ret_answer)
{
    struct weft_view *view = run->view;
    struct weft_cells_asking a = {.run = run,
        .rows = {.store = view->store, .snapshot = view->snapshot},
        .arena = {.size_max = WEFT_STATE_ARENA_SIZE_MAX},
        .out = {.size_max = WEFT_ANSWER_SIZE_MAX - 1024},
        .msg = run->msg};
    a.desk = (struct weft_cells_desk){
        .rows = &a.rows, .agreement = &a.agreement, .arena = &a.arena, .msg = run->msg};
    weft_run_begin_tally(run);
    enum weft_err err = weft_run_find_reveal(run);
    err = err == WEFT_OK ? answer(&a, run->query->asset) : err;
    err = weft_query_file_end(view, err, &a.out, run->arena, ret_answer, run->msg);
    weft_cells_agreement_close(&a.agreement);
    weft_cells_rows_destroy(&a.rows);
    weft_arena_destroy(&a.arena);
    weft_buffer_destroy(&a.out);
    return err;
}
