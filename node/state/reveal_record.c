/* What of a record whoever asks may see: node/state/README.md, Reading. */
#include <stdio.h>

#include "node/mutant.h"
#include "node/state/reveal_parts.h"
#include "proto/arith.h"
#include "proto/digest.h"
#include "proto/statement.h"

enum {
    NUMBERED_PATH_SIZE = sizeof(WEFT_REVEAL_HIDDEN ".4294967295"),
};

/* A record, what is decided of it, and where what replaces its parts is kept. */
struct rewriting {
    struct weft_reveal *reveal;
    const struct weft_policy_decision *decision;
    struct weft_arena *arena;
    struct weft_record *record;
    /* By leaf: is it needed in the place of something? Fields, reserved ones, links. */
    bool *is_hidden;
    const struct weft_digest *leaves; /* Of those; NULL: what is hidden is left out. */
    size_t more;
    bool has_memory;
};

static bool shows(const struct rewriting *w, struct weft_text path)
{
    return weft_policy_shows(w->reveal->policy, w->decision, path);
}

static bool shows_link(const struct rewriting *w, const struct weft_link *link)
{
    char path[WEFT_REVEAL_LINK_PATH_SIZE];
    return shows(w, weft_reveal_path(path, link->rel, (struct weft_text){NULL, 0}));
}

static bool shows_all_of_link(const struct rewriting *w, const struct weft_link *link)
{
    char path[WEFT_REVEAL_LINK_PATH_SIZE];
    bool shows_all = shows_link(w, link);
    for (uint32_t i = 0; shows_all && i < link->field_count; i++) {
        shows_all = shows(w, weft_reveal_path(path, link->rel, link->fields[i].path));
    }
    return shows_all;
}

/* Leaves cost two hashes each: those of what is hidden alone are made. */
static void mark_hidden(struct rewriting *w)
{
    const struct weft_record *r = w->record;
    bool *reserved = w->is_hidden + r->field_count, *links = reserved + WEFT_LEAVES_RESERVED;
    for (uint32_t i = 0; i < r->field_count; i++) {
        w->is_hidden[i] = !shows(w, r->fields[i].path);
    }
    reserved[0] = false; /* In the place of a time no leaf is given. */
    reserved[1] = r->author.size > 0 && !shows(w, WEFT_TEXT("@author"));
    reserved[2] = r->source.size > 0 && !shows(w, WEFT_TEXT("@source"));
    for (uint32_t i = 0; i < r->link_count; i++) {
        links[i] = !shows_all_of_link(w, &r->links[i]);
    }
}

/* "@hidden:sha256..." or, of a field of its own, the digest alone. */
static struct weft_text commitment(struct rewriting *w, uint32_t leaf, bool is_marked)
{
    static const char mark[] = WEFT_REVEAL_HIDDEN ":";
    size_t mark_size = is_marked ? sizeof(mark) - 1 : 0;
    char *text = weft_arena_alloc(w->arena, mark_size + WEFT_DIGEST_TEXT_SIZE);
    if (text == NULL) {
        w->has_memory = false;
        return (struct weft_text){NULL, 0};
    }
    memcpy(text, mark, mark_size);
    weft_digest_format(&w->leaves[leaf], text + mark_size);
    w->more += mark_size + WEFT_DIGEST_TEXT_SIZE;
    return weft_text_of(text);
}

/* "cost" becomes "cost/@hidden", so that no value can be taken for a commitment. Of a path that
 * would be too long for an answer the number of the field is told instead. */
static struct weft_text hidden_path(struct rewriting *w, struct weft_text path, uint32_t field)
{
    static const char tail[] = "/" WEFT_REVEAL_HIDDEN;
    bool fits = path.size + sizeof(tail) - 1 <= WEFT_PATH_SIZE_MAX;
    size_t size = fits ? path.size + sizeof(tail) : NUMBERED_PATH_SIZE;
    char *text = weft_arena_alloc(w->arena, size);
    if (text == NULL) {
        w->has_memory = false;
        return path;
    }
    if (fits) {
        memcpy(text, path.data, path.size);
        memcpy(text + path.size, tail, sizeof(tail));
    } else {
        (void)snprintf(text, size, WEFT_REVEAL_HIDDEN ".%u", field);
    }
    w->more += sizeof(tail);
    return weft_text_of(text);
}

static void rewrite_fields(struct rewriting *w)
{
    struct weft_record *r = w->record;
    struct weft_field *fields = weft_arena_array(w->arena, r->field_count, sizeof(*fields));
    uint32_t count = 0;
    if (fields == NULL) {
        w->has_memory = false;
        return;
    }
    for (uint32_t i = 0; i < r->field_count; i++) {
        struct weft_field field = r->fields[i];
        bool is_shown = !w->is_hidden[i];
        if (!is_shown && w->leaves == NULL) {
            continue;
        }
        if (!is_shown) {
            field.value = commitment(w, i, false);
            field.type = WEFT_VALUE_TEXT;
            field.path = hidden_path(w, field.path, i);
        }
        fields[count++] = field;
    }
    r->fields = fields;
    r->field_count = count;
}

/* Fields of a link that is shown. Its leaf is of the whole link: it stands for those left out. */
static void rewrite_link(struct rewriting *w, struct weft_link *link, uint32_t leaf)
{
    char path[WEFT_REVEAL_LINK_PATH_SIZE];
    uint32_t count = 0;
    struct weft_field *fields =
        weft_arena_array(w->arena, (size_t)link->field_count + 1, sizeof(*fields));
    if (fields == NULL) {
        w->has_memory = false;
        return;
    }
    for (uint32_t i = 0; i < link->field_count; i++) {
        if (shows(w, weft_reveal_path(path, link->rel, link->fields[i].path))) {
            fields[count++] = link->fields[i];
        }
    }
    if (count < link->field_count && w->leaves != NULL) {
        fields[count++] = (struct weft_field){.path = WEFT_TEXT(WEFT_REVEAL_HIDDEN),
            .value = commitment(w, leaf, false),
            .type = WEFT_VALUE_TEXT};
    }
    link->fields = fields;
    link->field_count = count;
}

static void rewrite_links(struct rewriting *w)
{
    struct weft_record *r = w->record;
    struct weft_link *links = weft_arena_array(w->arena, r->link_count, sizeof(*links));
    uint32_t first_leaf = r->field_count + WEFT_LEAVES_RESERVED, count = 0;
    if (links == NULL) {
        w->has_memory = false;
        return;
    }
    for (uint32_t i = 0; i < r->link_count; i++) {
        struct weft_link link = r->links[i];
        bool is_touched = w->is_hidden[first_leaf + i];
        bool is_shown = !is_touched || shows_link(w, &link);
        if (!is_shown && w->leaves == NULL) {
            continue;
        }
        if (is_shown && is_touched) {
            rewrite_link(w, &link, first_leaf + i);
        } else if (is_touched) {
            link.to = commitment(w, first_leaf + i, true);
            link.fields = NULL;
            link.field_count = 0;
        }
        links[count++] = link;
    }
    r->links = links;
    r->link_count = count;
}

enum weft_err weft_reveal_link(struct weft_reveal *reveal, struct weft_text kind,
    struct weft_text asset, struct weft_arena *arena, struct weft_link *link)
{
    if (weft_reveal_shows_record(reveal, kind, asset) ||
        weft_node_mutant(WEFT_NODE_MUTANT_QUANTITY_UNFILTERED)) {
        return WEFT_OK;
    }
    struct rewriting w = {.reveal = reveal,
        .decision = weft_reveal_decide(reveal, kind, asset),
        .arena = arena,
        .has_memory = true};
    rewrite_link(&w, link, 0);
    return w.has_memory ? WEFT_OK : WEFT_ENOMEM;
}

static enum weft_err begin_rewriting(struct rewriting *w, struct weft_msg *msg)
{
    w->is_hidden =
        weft_arena_array(w->arena, weft_statement_leaf_count(w->record), sizeof(*w->is_hidden));
    if (w->is_hidden == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "hide fields of a record");
    }
    mark_hidden(w);
    return WEFT_OK;
}

/* Links first: numbers of leaves count the record's fields. */
static enum weft_err rewrite(struct rewriting *w, int64_t commit_ns, struct weft_msg *msg)
{
    struct weft_record *r = w->record;
    const uint32_t reserved = r->field_count;
    const struct weft_text none = {NULL, 0};
    w->has_memory = true;
    rewrite_links(w);
    if (w->is_hidden[reserved + 1]) {
        r->author = w->leaves != NULL ? commitment(w, reserved + 1, true) : none;
    }
    if (w->is_hidden[reserved + 2]) {
        r->source = w->leaves != NULL ? commitment(w, reserved + 2, true) : none;
    }
    if (!shows(w, WEFT_TEXT("@at"))) {
        r->at_ns = commit_ns; /* Which is told anyway. */
        r->has_at = w->leaves == NULL;
    }
    rewrite_fields(w);
    return w->has_memory ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "hide fields of a record");
}

enum weft_err weft_reveal_place_key(struct weft_reveal *reveal, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint64_t index, const uint64_t numbers[3],
    struct weft_digest *ret_key, struct weft_msg *msg)
{
    static const char label[] = "weft-place-key/v1\n";
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, label, sizeof(label) - 1);
    enum weft_err rv = weft_salts_read(&reveal->salts, store, snapshot, index, msg);
    if (rv == WEFT_OK) {
        rv = weft_salts_update(&reveal->salts, store, snapshot, (uint32_t)numbers[0], &hash, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    for (int i = 0; i < 3; i++) {
        uint8_t number[8];
        weft_put_be64(number, numbers[i]);
        weft_sha256_update(&hash, number, sizeof(number));
    }
    *ret_key = weft_sha256_final(&hash);
    return WEFT_OK;
}

/* Those that are wanted. */
static enum weft_err find_leaves(struct weft_reveal *r, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, const struct weft_stored_record *stored,
    const bool *is_wanted, struct weft_arena *arena, struct weft_digest **ret_leaves,
    struct weft_msg *msg)
{
    const struct weft_record *record = &stored->record;
    struct weft_statement_place place;
    struct weft_digest *leaves =
        weft_arena_array(arena, weft_statement_leaf_count(record), sizeof(*leaves));
    enum weft_err rv = weft_salts_read(&r->salts, store, snapshot, stored->index, msg);
    if (rv == WEFT_OK) {
        rv = weft_salts_place(
            &r->salts, store, snapshot, record, stored->ordinal, arena, &place, msg);
    }
    if (rv == WEFT_OK && (leaves == NULL || weft_statement_leaves(record, &place, is_wanted, arena,
                                                leaves) != WEFT_OK)) {
        rv = weft_fail(msg, WEFT_ENOMEM, "hide fields of a record");
    }
    *ret_leaves = leaves;
    return rv;
}

enum weft_err weft_reveal_record(struct weft_reveal *reveal, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, struct weft_stored_record *stored,
    struct weft_arena *arena, size_t *ret_more, struct weft_msg *msg)
{
    struct weft_record *record = &stored->record;
    *ret_more = 0;
    if (weft_reveal_shows_all(reveal)) {
        return WEFT_OK;
    }
    const struct weft_policy_decision *d = weft_reveal_decide(reveal, record->kind, record->asset);
    if (d->effect != WEFT_EFFECT_ALLOW) {
        return weft_reveal_refuse(reveal, record->asset, stored->index, msg);
    }
    if (weft_policy_shows_all(d)) {
        return WEFT_OK;
    }
    struct rewriting w = {.reveal = reveal, .decision = d, .arena = arena, .record = record};
    struct weft_digest *leaves = NULL;
    enum weft_err rv = begin_rewriting(&w, msg);
    if (rv == WEFT_OK) {
        rv = find_leaves(reveal, store, snapshot, stored, w.is_hidden, arena, &leaves, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    w.leaves = leaves;
    rv = rewrite(&w, stored->time_ns, msg);
    *ret_more = w.more;
    return rv;
}

enum weft_err weft_reveal_strip(struct weft_reveal *reveal, struct weft_record *record,
    int64_t commit_ns, struct weft_arena *arena, bool *ret_is_permitted, struct weft_msg *msg)
{
    *ret_is_permitted = true;
    if (weft_reveal_shows_all(reveal)) {
        return WEFT_OK;
    }
    const struct weft_policy_decision *d = weft_reveal_decide(reveal, record->kind, record->asset);
    if (d->effect != WEFT_EFFECT_ALLOW) {
        *ret_is_permitted = false;
        *record = (struct weft_record){.has_at = true, .at_ns = commit_ns};
        return WEFT_OK;
    }
    if (weft_policy_shows_all(d)) {
        return WEFT_OK;
    }
    struct rewriting w = {.reveal = reveal, .decision = d, .arena = arena, .record = record};
    enum weft_err rv = begin_rewriting(&w, msg);
    return rv == WEFT_OK ? rewrite(&w, commit_ns, msg) : rv;
}
