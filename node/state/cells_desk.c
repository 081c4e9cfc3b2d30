#include "node/state/cells_desk.h"

#include <stdlib.h>

#include "proto/check.h"

/* --- agreements ------------------------------------------------------------------------------ */

void weft_cells_agreement_id(struct weft_text name, uint8_t ret_id[WEFT_CELLS_AGREEMENT_SIZE])
{
    struct weft_digest digest = weft_sha256(name.data, name.size);
    memcpy(ret_id, digest.bytes, WEFT_CELLS_AGREEMENT_SIZE);
}

void weft_cells_agreement_close(struct weft_cells_agreement *a)
{
    weft_buffer_destroy(&a->text);
    weft_arena_destroy(&a->arena);
}

enum weft_err weft_cells_agreement_read(
    struct weft_cells_agreement *a, struct weft_text text, struct weft_msg *msg)
{
    struct weft_contract *c = &a->contract;
    weft_buffer_clear(&a->text);
    weft_arena_reset(&a->arena);
    a->arena.size_max = WEFT_CONTRACT_MEMORY_MAX;
    enum weft_err err = weft_buffer_text(&a->text, text);
    if (err != WEFT_OK) {
        return weft_fail(msg, WEFT_ENOMEM, "an agreement's cells");
    }
    err = weft_contract_decode(weft_buffer_as_text(&a->text), &a->arena, c, msg);
    if (err != WEFT_OK) {
        return err == WEFT_ENOMEM ? err : weft_wrap(msg, WEFT_ECORRUPT, "an agreement's cells");
    }
    bool is_one = weft_text_equal(c->parties[0].org, c->parties[1].org);
    for (int i = 0; i < WEFT_CELL_PARTIES; i++) {
        a->parties[i] = is_one ? c->parties[i].site : c->parties[i].org;
    }
    weft_cells_agreement_id(c->name, a->id);
    return WEFT_OK;
}

enum weft_err weft_cells_agreement_load(
    struct weft_cells_rows *rows, struct weft_cells_agreement *a, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_cells_key(a->id, WEFT_CELLS_TEXT);
    enum weft_err err = weft_cells_rows_get(rows, &key, &value, msg);
    if (err == WEFT_OK) {
        err = weft_cells_agreement_read(
            a, (struct weft_text){(const char *)value.bytes.data, value.bytes.size}, msg);
        weft_store_release(&value);
    }
    if (err != WEFT_OK) {
        return err;
    }
    key = weft_cells_key(a->id, WEFT_CELLS_COUNTS);
    err = weft_cells_rows_get(rows, &key, &value, msg);
    if (err == WEFT_OK) {
        err = weft_cells_counts_decode(value.bytes, &a->arena, &a->counts, msg);
        weft_store_release(&value);
    }
    return err == WEFT_ENOTFOUND
               ? weft_fail(msg, WEFT_ECORRUPT, "an agreement's cells are not counted")
               : err;
}

/* --- names ----------------------------------------------------------------------------------- */

void weft_cells_kg(
    struct weft_text kind, struct weft_text group, uint8_t ret_kg[WEFT_CELLS_KG_SIZE])
{
    struct weft_sha256 h;
    uint8_t size[4];
    weft_sha256_init(&h);
    weft_put_be32(size, (uint32_t)kind.size);
    weft_sha256_update(&h, size, sizeof(size));
    weft_sha256_update(&h, kind.data, kind.size);
    weft_put_be32(size, (uint32_t)group.size);
    weft_sha256_update(&h, size, sizeof(size));
    weft_sha256_update(&h, group.data, group.size);
    struct weft_digest digest = weft_sha256_final(&h);
    memcpy(ret_kg, digest.bytes, WEFT_CELLS_KG_SIZE);
}

struct weft_key weft_cells_key_of(const struct weft_cells_desk *desk, enum weft_cells_table table,
    const struct weft_digest *a, const struct weft_digest *b)
{
    struct weft_key key = weft_cells_desk_key(desk, table);
    weft_cells_key_digest(&key, a);
    if (b != NULL) {
        weft_cells_key_digest(&key, b);
    }
    return key;
}

/* As federation/cells/intake.c names what links lead to: of its kind is what stands before the
 * first ':'. */
enum weft_subject_place weft_cells_name_thing(struct weft_text authority, struct weft_text asset,
    bool has_serial, const struct weft_digest *digest, char ret_key[WEFT_SUBJECT_KEY_SIZE],
    struct weft_subject_name *ret_name)
{
    struct weft_text rest = asset, kind;
    if (!weft_text_cut(&rest, ':', &kind) || !weft_name_is_valid(kind)) {
        kind = WEFT_TEXT("asset");
    }
    return weft_subject_admit(authority, kind, asset, has_serial, digest, ret_key, ret_name);
}

/* --- rows ------------------------------------------------------------------------------------ */

/* A row's bytes in the desk's arena. WEFT_ENOTFOUND. */
static enum weft_err read_row(
    const struct weft_cells_desk *desk, const struct weft_key *key, struct weft_bytes *ret_bytes)
{
    struct weft_store_value value = {.handle = NULL};
    enum weft_err err = weft_cells_rows_get(desk->rows, key, &value, desk->msg);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *copy = weft_arena_alloc(desk->arena, value.bytes.size + 1);
    if (copy == NULL) {
        err = weft_fail(desk->msg, WEFT_ENOMEM, "a row of cells");
    } else if (value.bytes.size > 0) {
        memcpy(copy, value.bytes.data, value.bytes.size);
    }
    *ret_bytes = (struct weft_bytes){copy, value.bytes.size};
    weft_store_release(&value);
    return err;
}

enum weft_err weft_cells_subject(const struct weft_cells_desk *desk,
    const struct weft_digest *subject, struct weft_cells_subject *ret_subject)
{
    struct weft_bytes bytes;
    struct weft_key key = weft_cells_key_of(desk, WEFT_CELLS_SUBJECTS, subject, NULL);
    enum weft_err err = read_row(desk, &key, &bytes);
    return err == WEFT_OK ? weft_cells_subject_decode(bytes, desk->arena, ret_subject, desk->msg)
                          : err;
}

enum weft_err weft_cells_place(const struct weft_cells_desk *desk,
    const struct weft_digest *statement, struct weft_cells_place *ret_place)
{
    struct weft_bytes bytes;
    struct weft_key key = weft_cells_key_of(desk, WEFT_CELLS_STATEMENTS, statement, NULL);
    enum weft_err err = read_row(desk, &key, &bytes);
    return err == WEFT_OK ? weft_cells_place_decode(bytes, desk->arena, ret_place, desk->msg) : err;
}

enum weft_err weft_cells_group(const struct weft_cells_desk *desk,
    const uint8_t kg[WEFT_CELLS_KG_SIZE], struct weft_text *ret_kind, struct weft_text *ret_group)
{
    struct weft_bytes bytes;
    struct weft_key key = weft_cells_desk_key(desk, WEFT_CELLS_GROUPS);
    weft_cells_key_add(&key, kg, WEFT_CELLS_KG_SIZE);
    enum weft_err err = read_row(desk, &key, &bytes);
    if (err == WEFT_OK) {
        /* kind, newline, group: neither holds one. */
        *ret_group = (struct weft_text){(const char *)bytes.data, bytes.size};
        (void)weft_text_cut(ret_group, '\n', ret_kind);
    }
    return err;
}

enum weft_err weft_cells_groups_open(const struct weft_cells_desk *desk,
    const struct weft_digest *subject, struct weft_cells_groups *ret_groups)
{
    const struct weft_key prefix = weft_cells_key_of(desk, WEFT_CELLS_WORDS, subject, NULL);
    ret_groups->has_kg = false;
    return weft_cells_cursor_open(desk->rows, &prefix, NULL, &ret_groups->cursor, desk->msg);
}

enum weft_err weft_cells_groups_next(struct weft_cells_groups *groups, bool *ret_has)
{
    struct weft_cells_cursor *cursor = &groups->cursor;
    while (weft_cells_cursor_next(cursor)) {
        const struct weft_bytes rest = weft_cells_cursor_rest(cursor);
        if (rest.size != WEFT_CELLS_KG_SIZE + WEFT_DIGEST_SIZE) {
            return weft_fail(cursor->msg, WEFT_ECORRUPT, "a cell in the state is damaged");
        }
        if (!groups->has_kg || memcmp(groups->kg, rest.data, WEFT_CELLS_KG_SIZE) != 0) {
            memcpy(groups->kg, rest.data, WEFT_CELLS_KG_SIZE);
            groups->has_kg = *ret_has = true;
            return WEFT_OK;
        }
    }
    *ret_has = false;
    return WEFT_OK;
}

enum weft_err weft_cells_groups_close(struct weft_cells_groups *groups, enum weft_err err)
{
    return weft_cells_cursor_close(&groups->cursor, err);
}

static enum weft_err neighbours(void *ctx, const struct weft_digest *subject, uint32_t max,
    struct weft_digest *ret_subjects, uint32_t *ret_count)
{
    const struct weft_cells_desk *desk = ctx;
    struct weft_cells_cursor cursor;
    struct weft_key prefix = weft_cells_key_of(desk, WEFT_CELLS_JOINED, subject, NULL);
    uint32_t count = 0;
    enum weft_err err = weft_cells_cursor_open(desk->rows, &prefix, NULL, &cursor, desk->msg);
    if (err != WEFT_OK) {
        return err;
    }
    while (err == WEFT_OK && weft_cells_cursor_next(&cursor)) {
        struct weft_bytes rest = weft_cells_cursor_rest(&cursor);
        if (rest.size != WEFT_DIGEST_SIZE) {
            err = weft_fail(desk->msg, WEFT_ECORRUPT, "an alias in the state is damaged");
        } else if (count == max) {
            err = WEFT_ETOOBIG; /* Of weft_alias_find: the set stands apart. */
        } else {
            memcpy(ret_subjects[count++].bytes, rest.data, WEFT_DIGEST_SIZE);
        }
    }
    *ret_count = count;
    return weft_cells_cursor_close(&cursor, err);
}

enum weft_err weft_cells_set(const struct weft_cells_desk *desk, const struct weft_digest *subject,
    struct weft_alias_set *ret_set)
{
    struct weft_cells_desk copy = *desk;
    if (desk->agreement->counts.joined == 0) { /* Nothing to look for: the usual case. */
        *ret_set = (struct weft_alias_set){.count = 1, .subjects = {*subject}};
        return WEFT_OK;
    }
    return weft_alias_find(subject, neighbours, &copy, ret_set);
}

/* --- the shared digest ----------------------------------------------------------------------- */

struct weft_key weft_cells_shared_key(
    const struct weft_cells_desk *desk, const struct weft_shared_path *path)
{
    struct weft_key key = weft_cells_desk_key(desk, WEFT_CELLS_SHARED);
    uint8_t depth = (uint8_t)path->depth;
    weft_cells_key_add(&key, &depth, 1);
    weft_cells_key_digest(&key, &path->prefix);
    return key;
}

enum weft_err weft_cells_shared_node(const struct weft_cells_desk *desk,
    const struct weft_shared_path *path, struct weft_shared_node *ret_node)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_cells_shared_key(desk, path);
    enum weft_err err = weft_cells_rows_get(desk->rows, &key, &value, desk->msg);
    if (err == WEFT_OK) {
        err = weft_shared_decode(value.bytes, path, ret_node, desk->msg);
        weft_store_release(&value);
        err = err == WEFT_EMALFORMED
                  ? weft_wrap(desk->msg, WEFT_ECORRUPT, "a node of the shared digest")
                  : err;
    }
    return err;
}
