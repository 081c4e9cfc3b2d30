#include "ops/gateway/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

enum {
    CAPACITY_MIN = 64,
};

static const int64_t second_ns = 1000000000;

void weft_ledger_destroy(struct weft_ledger *ledger)
{
    free(ledger->items);
    *ledger = (struct weft_ledger){.items = NULL};
}

/* Ids are random; their first bytes are as good as any hash of them. Somebody who chose his ids to
 * collide would have had each of them signed and approved. */
static uint32_t place_of(const uint8_t id[WEFT_COMMAND_ID_SIZE], uint32_t capacity)
{
    uint32_t hash;
    memcpy(&hash, id, sizeof(hash));
    return (hash * UINT32_C(2654435769) ^ hash >> 15) & (capacity - 1);
}

/* The item, or the free place where it would be. */
static struct weft_ledger_item *probe(
    const struct weft_ledger *ledger, const uint8_t id[WEFT_COMMAND_ID_SIZE], bool is_shadow)
{
    uint32_t place = place_of(id, ledger->capacity);
    for (;;) {
        struct weft_ledger_item *item = &ledger->items[place];
        if (!item->is_used ||
            (item->is_shadow == is_shadow && memcmp(item->id, id, WEFT_COMMAND_ID_SIZE) == 0)) {
            return item;
        }
        place = (place + 1) & (ledger->capacity - 1);
    }
}

struct weft_ledger_item *weft_ledger_find(
    const struct weft_ledger *ledger, const uint8_t id[WEFT_COMMAND_ID_SIZE], bool is_shadow)
{
    if (ledger->capacity == 0) {
        return NULL;
    }
    struct weft_ledger_item *item = probe(ledger, id, is_shadow);
    return item->is_used ? item : NULL;
}

/* GW-9: no bundle about it can be sound: the leaf would have to be in the command's own time, and
 * at most 5 s old. */
static bool may_forget(const struct weft_ledger_item *item, int64_t now_ns)
{
    return item->state != WEFT_RECEIPT_STATE_BEGUN &&
           item->not_after_ns < now_ns - WEFT_LEDGER_FORGET_S * second_ns;
}

static enum weft_err rebuild(
    struct weft_ledger *ledger, uint32_t capacity, bool forgets, int64_t now_ns)
{
    struct weft_ledger next = {.items = calloc(capacity, sizeof(*next.items)),
        .capacity = capacity,
        .count_max = ledger->count_max};
    if (next.items == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < ledger->capacity; i++) {
        const struct weft_ledger_item *item = &ledger->items[i];
        if (item->is_used && !(forgets && may_forget(item, now_ns))) {
            *probe(&next, item->id, item->is_shadow) = *item;
            next.count++;
        }
    }
    weft_assert(next.count <= ledger->count); /* GW-9 */
    free(ledger->items);
    *ledger = next;
    return WEFT_OK;
}

enum weft_err weft_ledger_put(struct weft_ledger *ledger, const uint8_t id[WEFT_COMMAND_ID_SIZE],
    bool is_shadow, int64_t now_ns, struct weft_ledger_item **ret_item)
{
    uint32_t max = ledger->count_max != 0 ? ledger->count_max : WEFT_LEDGER_ITEMS_MAX;
    struct weft_ledger_item *item = weft_ledger_find(ledger, id, is_shadow);
    enum weft_err err = WEFT_OK;
    if (item != NULL) {
        *ret_item = item;
        return WEFT_OK;
    }
    if (ledger->count >= max) {
        err = rebuild(ledger, ledger->capacity, true, now_ns);
        if (err == WEFT_OK && ledger->count >= max) {
            return WEFT_ETOOBIG;
        }
    }
    if (err == WEFT_OK && (ledger->count + 1) * 4 > ledger->capacity * 3) {
        uint32_t capacity = ledger->capacity == 0 ? CAPACITY_MIN : ledger->capacity * 2;
        err = rebuild(ledger, capacity, false, now_ns);
    }
    if (err != WEFT_OK) {
        return err;
    }
    item = probe(ledger, id, is_shadow);
    *item = (struct weft_ledger_item){.is_used = true, .is_shadow = is_shadow};
    memcpy(item->id, id, WEFT_COMMAND_ID_SIZE);
    ledger->count++;
    *ret_item = item;
    return WEFT_OK;
}
