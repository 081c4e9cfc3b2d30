#include "node/state/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"

enum {
    FIRST = 1024,
    VALUE_SIZE_MAX = 64, /* measured: heads, versions, links; a pack, copied, would cost more */
    LISTS = 6,
};

/* In the order of keys: so are the lists, one behind the other. */
static const char types[LISTS] = {WEFT_KEY_LINKS, WEFT_KEY_MIRROR, WEFT_KEY_NAME, WEFT_KEY_LATE,
    WEFT_KEY_VERSION, WEFT_KEY_STATEMENT};

struct put {
    uint64_t head; /* Bytes of the key behind its type, as a number. */
    uint32_t offset;
    uint16_t key_size, value_size;
};
_Static_assert(sizeof(struct put) == 16, "four to a cache line");
_Static_assert(WEFT_KEY_SIZE_MAX <= UINT16_MAX, "NOD-101");

struct list {
    struct put *puts;
    uint32_t count, capacity;
};

struct weft_waiting {
    struct weft_buffer bytes; /* Keys and values. */
    struct list lists[LISTS];
};

struct weft_waiting *weft_waiting_create(void)
{
    return calloc(1, sizeof(struct weft_waiting));
}

void weft_waiting_destroy(struct weft_waiting *waiting)
{
    if (waiting != NULL) {
        weft_buffer_destroy(&waiting->bytes);
        for (uint32_t i = 0; i < LISTS; i++) {
            free(waiting->lists[i].puts);
        }
        free(waiting);
    }
}

static bool grow(struct list *list)
{
    if (list->count < list->capacity) {
        return true;
    }
    uint32_t capacity = list->capacity == 0 ? FIRST : list->capacity * 2;
    struct put *puts = realloc(list->puts, capacity * sizeof(*puts));
    if (puts == NULL) {
        return false;
    }
    list->puts = puts;
    list->capacity = capacity;
    return true;
}

static struct list *list_of(struct weft_waiting *waiting, uint8_t type)
{
    const char *at = memchr(types, type, LISTS);
    return at != NULL ? &waiting->lists[at - types] : NULL;
}

bool weft_waiting_take(
    struct weft_waiting *waiting, const struct weft_key *key, const void *value, size_t size)
{
    struct list *list = size <= VALUE_SIZE_MAX ? list_of(waiting, key->bytes[0]) : NULL;
    if (list == NULL || !grow(list) || waiting->bytes.size > UINT32_MAX - WEFT_KEY_SIZE_MAX ||
        weft_buffer_reserve(&waiting->bytes, key->size + size) != WEFT_OK) {
        return false;
    }
    uint8_t *to = waiting->bytes.data + waiting->bytes.size;
    memcpy(to, key->bytes, key->size);
    if (size > 0) {
        memcpy(to + key->size, value, size);
    }
    uint8_t head[sizeof(uint64_t)] = {0};
    memcpy(head, to + 1, key->size - 1 < sizeof(head) ? key->size - 1 : sizeof(head));
    list->puts[list->count++] = (struct put){
        weft_get_be64(head), (uint32_t)waiting->bytes.size, (uint16_t)key->size, (uint16_t)size};
    waiting->bytes.size += key->size + size;
    return true;
}

/* --- order ----------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b, void *ctx)
{
    const struct put *x = a, *y = b;
    const uint8_t *bytes = ctx;
    if (x->head != y->head) {
        return x->head < y->head ? -1 : 1;
    }
    uint16_t size = x->key_size < y->key_size ? x->key_size : y->key_size;
    int order = memcmp(bytes + x->offset, bytes + y->offset, size);
    order = order != 0 ? order : x->key_size - y->key_size;
    /* Of one key the later put is behind. */
    return order != 0 ? order : (x->offset > y->offset) - (x->offset < y->offset);
}

static void sort(struct list *list, uint8_t *bytes)
{
    uint32_t i = 1;
    while (i < list->count && by_key(&list->puts[i - 1], &list->puts[i], bytes) < 0) {
        i++;
    }
    if (i < list->count) {
        qsort_r(list->puts, list->count, sizeof(*list->puts), by_key, bytes);
    }
}

void weft_waiting_end(struct weft_waiting *waiting,
    void (*on_put)(void *ctx, struct weft_bytes key, struct weft_bytes value), void *ctx)
{
    for (uint32_t i = 0; i < LISTS; i++) {
        struct list *list = &waiting->lists[i];
        sort(list, waiting->bytes.data);
        for (uint32_t j = 0; j < list->count; j++) {
            const struct put *put = &list->puts[j];
            const uint8_t *key = waiting->bytes.data + put->offset;
            on_put(ctx, (struct weft_bytes){key, put->key_size},
                (struct weft_bytes){key + put->key_size, put->value_size});
        }
        list->count = 0;
    }
    weft_buffer_clear(&waiting->bytes);
}
