/* The puts of a batch that wait for their place in the order of keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/stream_keys.h"
#include "node/state/waiting.h"
#include "tests/lib/test.h"

enum {
    KEYS_MAX = 5000
};

struct got {
    struct weft_key keys[KEYS_MAX];
    uint32_t values[KEYS_MAX];
    uint32_t count;
};

static void on_put(void *ctx, struct weft_bytes key, struct weft_bytes value)
{
    struct got *got = ctx;
    EXPECT_TRUE(got->count < KEYS_MAX);
    EXPECT_EQ(sizeof(got->values[0]), value.size);
    got->keys[got->count].size = key.size;
    memcpy(got->keys[got->count].bytes, key.data, key.size);
    memcpy(&got->values[got->count++], value.data, value.size);
}

static int compare_keys(const void *a, const void *b)
{
    const struct weft_key *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->size < y->size ? x->size : y->size);
    return order != 0 ? order : (int)x->size - (int)y->size;
}

/* Names share long beginnings, ids are near each other: what decides lies anywhere in a key. */
static struct weft_key some_key(uint32_t *seed)
{
    char name[64];
    uint32_t r = *seed = *seed * 1664525 + 1013904223;
    uint32_t number = (r >> 8) % 700;
    switch (r >> 29) {
    case 0:
    case 1:
        return weft_key_mirror(
            number % 50, (uint16_t)(r & 3), (int64_t)(r >> 16) - 30000, r & 7, 1);
    case 2:
        return weft_key_links(number, 7, r & 1);
    case 3:
        return weft_key_version(number, (uint16_t)(r & 1), 7, 1);
    case 5: {
        const struct weft_digest statement = weft_sha256(&number, sizeof(number));
        return weft_key_of_statement(number % 3, r & 1, &statement);
    }
    case 4:
        return weft_key_late(number % 9, (int64_t)number - 350, r & 7, 0);
    default:
        (void)snprintf(
            name, sizeof(name), "urn:epc:id:sgtin:9521321.%u%.*s", number, (int)(r & 7), "-------");
        return weft_key_name(weft_text_of(name));
    }
}

TEST(waiting, hands_out_what_waits_by_its_key_and_of_one_key_the_last_put_last)
{
    struct weft_waiting *waiting = weft_waiting_create();
    struct got *got = calloc(1, sizeof(*got));
    struct weft_key *keys = calloc(KEYS_MAX, sizeof(*keys));
    uint32_t seed = 21, twice = 0;
    EXPECT_TRUE(waiting != NULL && got != NULL && keys != NULL);
    for (uint32_t count = 0; count <= KEYS_MAX; count = count < 40 ? count + 1 : count * 5) {
        for (uint32_t i = 0; i < count; i++) {
            keys[i] = some_key(&seed);
            EXPECT_TRUE(weft_waiting_take(waiting, &keys[i], &i, sizeof(i)));
        }
        got->count = 0;
        weft_waiting_end(waiting, on_put, got);
        EXPECT_EQ(count, got->count);
        for (uint32_t i = 0; i < count; i++) {
            int order = i > 0 ? compare_keys(&got->keys[i - 1], &got->keys[i]) : -1;
            EXPECT_TRUE(order < 0 || (order == 0 && got->values[i - 1] < got->values[i]));
            EXPECT_EQ(0, compare_keys(&got->keys[i], &keys[got->values[i]]));
            twice += order == 0;
        }
    }
    EXPECT_TRUE(twice > 10);
    free(keys);
    free(got);
    weft_waiting_destroy(waiting);
}

TEST(waiting, leaves_other_types_and_large_values_to_be_put_at_once)
{
    static const uint8_t value[65] = {0};
    struct weft_waiting *waiting = weft_waiting_create();
    struct got *got = calloc(1, sizeof(*got));
    struct weft_key key = weft_key_name(WEFT_TEXT("lot:1"));
    struct weft_key other = weft_key_records(1, 0);
    EXPECT_TRUE(waiting != NULL && got != NULL);
    EXPECT_TRUE(!weft_waiting_take(waiting, &key, value, 65));
    EXPECT_TRUE(!weft_waiting_take(waiting, &other, value, 4));
    EXPECT_TRUE(weft_waiting_take(waiting, &key, value, 4));
    weft_waiting_end(waiting, on_put, got);
    EXPECT_EQ(1, got->count);
    weft_waiting_end(waiting, on_put, got);
    EXPECT_EQ(1, got->count);
    free(got);
    weft_waiting_destroy(waiting);
    weft_waiting_destroy(NULL);
}
