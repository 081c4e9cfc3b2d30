/* A text that is there whole, and keys that are there twice. */
#include "proto/json.h"

#include <stdlib.h>

#include "proto/check.h"
#include "proto/json_reader.h"

enum {
    PAIRWISE_MAX = 12, /* Members that are compared each with each; more are sorted. */
};

/* --- duplicate keys -------------------------------------------------------------------------- */

/* Without such a key every one, the empty one too, may be there only once. */
static bool is_repeatable(struct weft_text key, struct weft_text repeatable)
{
    return repeatable.data != NULL && weft_text_equal(key, repeatable);
}

/* By key, then by place. */
static int compare_members(const void *a, const void *b)
{
    const struct weft_json *ma = *(const struct weft_json *const *)a;
    const struct weft_json *mb = *(const struct weft_json *const *)b;
    int order = weft_text_compare(ma->key, mb->key);
    if (order != 0) {
        return order;
    }
    if (ma->line != mb->line) {
        return ma->line < mb->line ? -1 : 1;
    }
    return ma->column < mb->column ? -1 : ma->column > mb->column;
}

/* Sorting rather than hashing: no choice of keys makes it slow. */
static enum weft_err find_twin_sorted(
    const struct weft_json *object, struct weft_text repeatable, const struct weft_json **ret_twin)
{
    const struct weft_json **members = calloc(object->count, sizeof(struct weft_json *));
    if (members == NULL) {
        return WEFT_ENOMEM;
    }
    uint32_t n = 0;
    for (const struct weft_json *m = object->first; m != NULL; m = m->next) {
        members[n++] = m;
    }
    qsort(members, n, sizeof(struct weft_json *), compare_members);
    for (uint32_t i = 1; i < n && *ret_twin == NULL; i++) {
        if (weft_text_equal(members[i - 1]->key, members[i]->key) &&
            !is_repeatable(members[i]->key, repeatable)) {
            *ret_twin = members[i];
        }
    }
    free(members);
    return WEFT_OK;
}

enum weft_err weft_json_find_twin(
    const struct weft_json *object, struct weft_text repeatable, const struct weft_json **ret_twin)
{
    if (object->count > PAIRWISE_MAX) {
        return find_twin_sorted(object, repeatable, ret_twin);
    }
    for (const struct weft_json *a = object->first; a != NULL; a = a->next) {
        for (const struct weft_json *b = a->next; b != NULL; b = b->next) {
            if (weft_text_equal(a->key, b->key) && !is_repeatable(a->key, repeatable)) {
                *ret_twin = b;
                return WEFT_OK;
            }
        }
    }
    return WEFT_OK;
}

/* --- parsing --------------------------------------------------------------------------------- */

enum weft_err weft_json_parse(struct weft_text text, uint32_t first_line, struct weft_arena *arena,
    struct weft_json **ret_root, struct weft_msg *msg)
{
    return weft_json_parse_foreign(text, first_line, NULL, arena, ret_root, msg);
}

enum weft_err weft_json_parse_foreign(struct weft_text text, uint32_t first_line,
    const char *repeatable, struct weft_arena *arena, struct weft_json **ret_root,
    struct weft_msg *msg)
{
    struct weft_json_reader reader;
    struct weft_json *none = NULL;
    weft_json_reader_init(&reader, arena, first_line, repeatable, NULL, NULL);
    weft_json_reader_feed(&reader, text, true);
    enum weft_err err = weft_json_reader_next(&reader, &none, msg);
    if (err == WEFT_ENOTFOUND) {
        weft_assert(reader.is_done && reader.root != NULL); /* PRO-5 */
        *ret_root = reader.root;
        err = WEFT_OK;
    }
    weft_json_reader_close(&reader);
    return err;
}
