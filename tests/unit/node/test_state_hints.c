/* Memtables with hints for some types of key: whatever is put, removed and forgotten, in whatever
 * order and however batches are cut, the store has what a plain table has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/store.h"
#include "tests/lib/test.h"

enum {
    NUMBERS = 600, /* Keys of each type. */
    BATCHES = 400,
};

/* The last three are forgotten by range. */
static const uint8_t types[] = {WEFT_KEY_CELLS, WEFT_KEY_NAME, WEFT_KEY_VERSION, WEFT_KEY_STATEMENT,
    WEFT_KEY_LEAF, WEFT_KEY_REQUESTS, WEFT_KEY_OWED};
enum {
    TYPES = sizeof(types),
    RANGED = 4,
};

/* What is there: 0 nothing, else the value. */
static uint32_t model[TYPES][NUMBERS];

static struct weft_key key_of(unsigned type, uint32_t number)
{
    struct weft_key key = {.size = 9 + number % 3, .bytes = {types[type]}};
    weft_put_be32(key.bytes + 1, number / 7);
    weft_put_be32(key.bytes + 5, number);
    return key;
}

static struct weft_store *open_store(const char *directory)
{
    struct weft_store *store;
    struct weft_msg msg = {""};
    bool created;
    const struct weft_store_options options = {
        .directory = directory, .cache_bytes = 8 << 20, .memtable_bytes = 1 << 20};
    EXPECT_EQ(WEFT_OK, weft_store_open(&options, &store, &created, &msg));
    return store;
}

static void put_some(struct weft_store_batch *batch, uint32_t stamp)
{
    const unsigned type = (unsigned)test_random(TYPES);
    uint32_t number = (uint32_t)test_random(NUMBERS);
    const uint32_t count = (uint32_t)test_random(20);
    const bool is_rising = test_random(2) == 0;
    for (uint32_t i = 0; i < count; i++) {
        number = is_rising ? (number + 1) % NUMBERS : (uint32_t)test_random(NUMBERS);
        const struct weft_key key = key_of(type, number);
        weft_store_batch_put(batch, &key, &stamp, sizeof(stamp));
        model[type][number] = stamp;
    }
}

/* Not in a batch that has put anything before: puts of some types wait. */
static void remove_some(struct weft_store_batch *batch)
{
    const unsigned type = (unsigned)test_random(TYPES);
    const uint32_t from = (uint32_t)test_random(NUMBERS), count = (uint32_t)test_random(30);
    const uint32_t to = from + count < NUMBERS ? from + count : NUMBERS;
    struct weft_key begin = key_of(type, from), end = key_of(type, to);
    begin.size = end.size = 9;
    if (type >= RANGED) {
        weft_store_batch_forget(batch, &begin, &end);
    }
    for (uint32_t i = from; i < to; i++) {
        const struct weft_key key = key_of(type, i);
        if (type < RANGED) {
            weft_store_batch_remove(batch, &key);
        }
        model[type][i] = 0;
    }
}

static void compare(struct weft_store *store)
{
    struct weft_msg msg = {""};
    struct weft_store_walk *walk = weft_store_walk_create(store, NULL, false);
    EXPECT_TRUE(walk != NULL);
    for (unsigned type = 0; type < TYPES; type++) {
        const struct weft_key prefix = {.size = 1, .bytes = {types[type]}};
        weft_store_walk_to(walk, &prefix);
        for (uint32_t i = 0; i < NUMBERS; i++) {
            const struct weft_key key = key_of(type, i);
            struct weft_store_value value = {.handle = NULL};
            uint32_t stamp = 0;
            enum weft_err err = weft_store_get(store, NULL, &key, &value, &msg);
            EXPECT_EQ(model[type][i] != 0 ? WEFT_OK : WEFT_ENOTFOUND, err);
            if (err == WEFT_OK) {
                memcpy(&stamp, value.bytes.data, sizeof(stamp));
                EXPECT_EQ(model[type][i], stamp);
                const struct weft_bytes at = weft_store_walk_key(walk);
                EXPECT_EQ(key.size, at.size);
                EXPECT_MEM(key.bytes, at.data, key.size);
                weft_store_walk_next(walk);
            }
            weft_store_release(&value);
        }
        EXPECT_TRUE(!weft_store_walk_is_below(walk, weft_key_bytes(&prefix)));
    }
    weft_store_walk_destroy(walk);
}

TEST(hints, of_types_of_which_no_range_is_forgotten_leave_the_store_as_it_would_be)
{
    char directory[600];
    struct weft_msg msg = {""};
    (void)snprintf(directory, sizeof(directory), "%s/store", test_directory());
    struct weft_store *store = open_store(directory);
    struct weft_store_batch *batch = weft_store_batch_create();
    for (unsigned type = 0; type < TYPES; type++) {
        EXPECT_EQ(type < RANGED, weft_key_is_never_ranged(types[type]));
    }
    for (uint32_t i = 1; i <= BATCHES; i++) {
        if (test_random(2) == 0) {
            remove_some(batch);
        }
        for (uint64_t puts = test_random(12); puts > 0; puts--) {
            put_some(batch, i);
        }
        EXPECT_EQ(WEFT_OK, weft_store_write(store, batch, &msg));
        if (i % 100 == 0) {
            compare(store);
        }
        if (i % 150 == 0) {
            EXPECT_EQ(WEFT_OK, weft_store_flush(store, &msg));
        }
    }
    EXPECT_EQ(WEFT_OK, weft_store_flush(store, &msg));
    weft_store_close(store);
    store = open_store(directory);
    compare(store);
    weft_store_batch_destroy(batch);
    weft_store_close(store);
}
