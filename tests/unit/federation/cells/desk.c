#include "tests/unit/federation/cells/desk.h"

#include <string.h>

#include "proto/check.h"

/* FED-100: what a driver keeps within the limits cannot fail. */
static void must(enum weft_err err)
{
    weft_assert(err == WEFT_OK); /* FED-100 */
}

void desk_open(struct desk *desk, enum weft_cell_rule rule, struct weft_text party_a,
    struct weft_text party_b, struct weft_text kind, struct weft_text group)
{
    desk->rule = rule;
    desk->parties[0] = party_a;
    desk->parties[1] = party_b;
    desk->kind = kind;
    desk->group = group;
    desk->count = 0;
    desk->shelf.count = 0;
    desk->arena = (struct weft_arena){.size_max = 1 << 20};
}

void desk_close(struct desk *desk)
{
    weft_arena_destroy(&desk->arena);
}

static bool is_pair(
    const struct desk_item *item, const struct weft_digest *a, const struct weft_digest *b)
{
    return item->is_alias && ((weft_digest_equal(&item->subjects[0], a) &&
                                  weft_digest_equal(&item->subjects[1], b)) ||
                                 (weft_digest_equal(&item->subjects[0], b) &&
                                     weft_digest_equal(&item->subjects[1], a)));
}

static bool is_joined(const struct desk *desk, const struct desk_item *of)
{
    struct weft_alias_word words[WEFT_ALIAS_WORDS_MAX];
    const struct weft_alias_terms terms = {{desk->parties[0], desk->parties[1]}, false};
    enum weft_alias_status status;
    uint32_t count = 0;
    for (uint32_t i = 0; i < desk->count; i++) {
        if (is_pair(desk->items[i], &of->subjects[0], &of->subjects[1])) {
            words[count++] = desk->items[i]->word;
        }
    }
    must(weft_alias_judge(&terms, &of->names[0], &of->names[1], words, count, &status));
    return status == WEFT_ALIAS_JOINED;
}

static enum weft_err neighbours(void *ctx, const struct weft_digest *subject, uint32_t max,
    struct weft_digest *ret_subjects, uint32_t *ret_count)
{
    const struct desk *desk = ctx;
    uint32_t count = 0;
    for (uint32_t i = 0; i < desk->count && count < max; i++) {
        const struct desk_item *item = desk->items[i];
        for (int side = 0; item->is_alias && side < 2 && count < max; side++) {
            if (weft_digest_equal(&item->subjects[side], subject) && is_joined(desk, item)) {
                ret_subjects[count++] = item->subjects[1 - side];
            }
        }
    }
    *ret_count = count;
    return WEFT_OK;
}

struct weft_alias_set desk_set(struct desk *desk, const struct weft_digest *subject)
{
    struct weft_alias_set set;
    must(weft_alias_find(subject, neighbours, desk, &set));
    return set;
}

bool desk_judge(struct desk *desk, const struct weft_digest *subject, struct desk_cell *ret_cell)
{
    const struct weft_cell_terms terms = {
        .rule = desk->rule, .parties = {desk->parties[0], desk->parties[1]}};
    struct weft_alias_set subjects = desk_set(desk, subject);
    ret_cell->set = (struct weft_cell_set){ret_cell->memory, 0, DESK_SET_MAX, 0};
    for (uint32_t i = 0; i < desk->count; i++) {
        for (uint32_t k = 0; !desk->items[i]->is_alias && k < subjects.count; k++) {
            if (weft_digest_equal(&desk->items[i]->subject, &subjects.subjects[k])) {
                must(weft_cell_add(&ret_cell->set, &desk->items[i]->statement));
            }
        }
    }
    weft_arena_reset(&desk->arena);
    must(weft_cell_judge(&terms, &ret_cell->set, &desk->arena, &ret_cell->answer));
    return ret_cell->set.count > 0;
}

/* The cell of the subject's set anew, and none of the other subjects of it. */
static void settle(struct desk *desk, const struct weft_digest *subject)
{
    struct weft_shared_store store = shelf_store(&desk->shelf);
    struct weft_alias_set set = desk_set(desk, subject);
    struct desk_cell cell;
    bool is_there = desk_judge(desk, subject, &cell);
    for (uint32_t i = 0; i < set.count; i++) {
        struct weft_digest id = weft_cell_id(&set.subjects[i], desk->kind, desk->group);
        struct weft_digest state = weft_cell_state(&id, &cell.set, &cell.answer);
        struct weft_digest leaf = weft_shared_leaf(&set.subjects[i], &state, 1);
        must(weft_shared_put(
            &store, &set.subjects[i], i == 0 && is_there ? &leaf : NULL, &desk->root));
    }
}

void desk_take(struct desk *desk, const struct desk_item *item)
{
    for (uint32_t i = 0; i < desk->count; i++) {
        if (desk->items[i] == item) {
            return;
        }
    }
    struct weft_alias_set before[2];
    for (int side = 0; item->is_alias && side < 2; side++) {
        before[side] = desk_set(desk, &item->subjects[side]);
    }
    weft_assert(desk->count < DESK_ITEMS_MAX); /* FED-104 */
    desk->items[desk->count++] = item;
    if (!item->is_alias) {
        settle(desk, &item->subject);
        return;
    }
    /* What was one set may be two now, and the other way round. */
    for (int side = 0; side < 2; side++) {
        for (uint32_t i = 0; i < before[side].count; i++) {
            settle(desk, &before[side].subjects[i]);
        }
    }
}
