/* What queries read of late: packs, and where the records of single assets stand. */
#include <stdio.h>
#include <string.h>

#include "node/state/histories.h"
#include "node/state/packs.h"
#include "tests/lib/test.h"

enum {
    PACKS = 2000,
    RECORD_SIZE = 700,
};

/* --- packs ----------------------------------------------------------------------------------- */

struct shop {
    struct weft_store *store;
    struct weft_packs *packs;
    uint64_t generation; /* Of the view that is thought to read. */
    struct weft_msg msg;
};

static void put_pack(struct shop *s, uint64_t index, uint32_t first, uint32_t size)
{
    struct weft_buffer value = {.size = 0};
    struct weft_store_batch *batch = weft_store_batch_create();
    struct weft_key key = weft_key_records(index, first);
    EXPECT_EQ(WEFT_OK, weft_pack_begin((int64_t)index, NULL, &size, 1, &value));
    for (uint32_t i = 0; i < size; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_append(&value, &index, 1));
    }
    weft_store_batch_put(batch, &key, value.data, value.size);
    EXPECT_EQ(WEFT_OK, weft_store_write(s->store, batch, &s->msg));
    weft_store_batch_destroy(batch);
    weft_buffer_destroy(&value);
}

static void shop_open(struct shop *s, const char *name, uint64_t bytes_max)
{
    char directory[600];
    bool is_created;
    (void)snprintf(directory, sizeof(directory), "%s/%s", test_directory(), name);
    const struct weft_store_options options = {
        .directory = directory, .cache_bytes = 1 << 20, .memtable_bytes = 64 << 20};
    EXPECT_EQ(WEFT_OK, weft_store_open(&options, &s->store, &is_created, &s->msg));
    s->packs = weft_packs_create(bytes_max);
    EXPECT_TRUE(s->packs != NULL);
    s->generation = weft_packs_generation(s->packs);
}

static void shop_close(struct shop *s)
{
    weft_packs_destroy(s->packs);
    weft_store_close(s->store);
}

static struct weft_kept_pack *keep(struct shop *s, uint64_t index, uint32_t first)
{
    struct weft_key key = weft_key_records(index, first);
    struct weft_store_value value;
    struct weft_pack pack;
    EXPECT_EQ(WEFT_OK, weft_store_get(s->store, NULL, &key, &value, &s->msg));
    EXPECT_EQ(WEFT_OK, weft_pack_open(value.bytes, &pack));
    struct weft_kept_pack *kept =
        weft_packs_keep(s->packs, s->generation, index, first, &value, &pack);
    EXPECT_TRUE(kept != NULL && value.handle == NULL);
    return kept;
}

static void expect_pack(const struct weft_kept_pack *kept, uint64_t index, uint32_t first)
{
    EXPECT_EQ(index, kept->index);
    EXPECT_EQ(first, kept->first);
    EXPECT_EQ((int64_t)index, kept->pack.time_ns);
    EXPECT_EQ((uint8_t)index, kept->pack.records.data[RECORD_SIZE - 1]);
}

TEST(state_kept, packs_are_found_again_and_take_no_more_than_their_share)
{
    enum {
        BYTES_MAX = 256 * 1024
    };
    struct shop s;
    uint32_t found = 0;
    shop_open(&s, "share", BYTES_MAX);
    for (uint32_t i = 0; i < PACKS; i++) {
        put_pack(&s, i / 4, i % 4 * 12, RECORD_SIZE);
        weft_packs_release(keep(&s, i / 4, i % 4 * 12));
    }
    for (uint32_t i = 0; i < PACKS; i++) {
        struct weft_kept_pack *kept = weft_packs_find(s.packs, i / 4, i % 4 * 12, i % 2 == 0);
        EXPECT_TRUE(weft_packs_find(s.packs, i / 4, i % 4 * 12 + 1, true) == NULL);
        if (kept != NULL) {
            expect_pack(kept, i / 4, i % 4 * 12);
            weft_packs_release(kept);
            found++;
        }
    }
    EXPECT_TRUE(found * RECORD_SIZE <= BYTES_MAX);
    EXPECT_TRUE(found * RECORD_SIZE >= BYTES_MAX / 4);
    shop_close(&s);
}

TEST(state_kept, packs_that_are_pushed_out_or_too_large_stay_for_who_has_them)
{
    struct shop s;
    shop_open(&s, "out", 4 * 1024);
    put_pack(&s, 7, 0, RECORD_SIZE);
    put_pack(&s, 8, 0, WEFT_PACKS_PACK_MAX + 1);
    struct weft_kept_pack *large = keep(&s, 8, 0);
    EXPECT_TRUE(weft_packs_find(s.packs, 8, 0, true) == NULL);
    struct weft_kept_pack *mine = keep(&s, 7, 0);
    for (uint32_t i = 100; i < 1000; i++) { /* Some come into its bucket. */
        put_pack(&s, i, 0, RECORD_SIZE);
        weft_packs_release(keep(&s, i, 0));
    }
    expect_pack(mine, 7, 0);
    EXPECT_EQ(8, large->pack.records.data[WEFT_PACKS_PACK_MAX]);
    weft_packs_release(mine);
    weft_packs_release(large);
    shop_close(&s);
}

/* A pack is written anew: a view of before reads on in what it has, and puts nothing in the way of
 * those that come. */
TEST(state_kept, packs_are_forgotten_when_some_have_changed)
{
    struct shop s;
    shop_open(&s, "redacted", 1 << 20);
    put_pack(&s, 7, 0, RECORD_SIZE);
    struct weft_kept_pack *mine = keep(&s, 7, 0);
    struct weft_kept_pack *found = weft_packs_find(s.packs, 7, 0, true);
    EXPECT_TRUE(found == mine);
    weft_packs_release(found);
    weft_packs_forget(s.packs);
    EXPECT_TRUE(weft_packs_find(s.packs, 7, 0, true) == NULL);
    expect_pack(mine, 7, 0);
    weft_packs_release(mine);
    weft_packs_release(keep(&s, 7, 0));
    EXPECT_TRUE(weft_packs_find(s.packs, 7, 0, true) == NULL); /* Of a view of before. */
    s.generation = weft_packs_generation(s.packs);
    weft_packs_release(keep(&s, 7, 0));
    found = weft_packs_find(s.packs, 7, 0, true);
    EXPECT_TRUE(found != NULL);
    weft_packs_release(found);
    shop_close(&s);
}

/* --- histories ------------------------------------------------------------------------------- */

static bool is_kept(struct weft_histories *h, uint64_t asset, uint32_t count)
{
    struct weft_history *history = weft_histories_find(h, asset);
    bool is_there = history != NULL;
    if (is_there) {
        EXPECT_EQ(asset, history->asset);
        EXPECT_EQ(count, history->count);
        EXPECT_EQ(asset, history->refs[0].index);
    }
    weft_histories_release(history);
    return is_there;
}

TEST(state_kept, a_history_is_found_until_a_record_of_its_asset_is_applied)
{
    struct weft_histories *h = weft_histories_create(1 << 20);
    const struct weft_ref refs[2] = {{.index = 5}, {.index = 6}};
    EXPECT_TRUE(!is_kept(h, 5, 2));
    weft_histories_note(h, 5, 6);
    weft_histories_keep(h, 5, 6, refs, 2);
    EXPECT_TRUE(is_kept(h, 5, 2));
    EXPECT_TRUE(!is_kept(h, 6, 2));
    weft_histories_note(h, 5, 7);
    EXPECT_TRUE(!is_kept(h, 5, 2));
    weft_histories_keep(h, 5, 6, refs, 2); /* By a view that does not have the third. */
    EXPECT_TRUE(!is_kept(h, 5, 2));
    weft_histories_keep(h, 5, 9, refs, 2);
    EXPECT_TRUE(is_kept(h, 5, 2));
    weft_histories_destroy(h);
}

TEST(state_kept, of_a_long_history_it_is_kept_that_it_is_long)
{
    struct weft_histories *h = weft_histories_create(1 << 20);
    struct weft_ref refs[WEFT_HISTORY_REFS_MAX + 1] = {{.index = 5}};
    weft_histories_keep(h, 5, 9, refs, WEFT_HISTORY_REFS_MAX + 1);
    struct weft_history *history = weft_histories_find(h, 5);
    EXPECT_EQ(WEFT_HISTORY_REFS_MAX + 1, history->count);
    weft_histories_release(history);
    weft_histories_keep(h, 5, 9, refs, WEFT_HISTORY_REFS_MAX);
    EXPECT_TRUE(is_kept(h, 5, WEFT_HISTORY_REFS_MAX));
    weft_histories_destroy(h);
}

TEST(state_kept, histories_take_no_more_than_their_share)
{
    enum {
        ASSETS = 20000,
        BYTES_MAX = 64 * 1024
    };
    struct weft_histories *h = weft_histories_create(BYTES_MAX);
    size_t found = 0;
    for (uint64_t asset = 1; asset <= ASSETS; asset++) {
        const struct weft_ref refs[3] = {{.index = asset}};
        weft_histories_prefetch(h, asset);
        weft_histories_keep(h, asset, ASSETS, refs, 3);
    }
    for (uint64_t asset = 1; asset <= ASSETS; asset++) {
        found += is_kept(h, asset, 3);
    }
    EXPECT_TRUE(found * 3 * sizeof(struct weft_ref) <= BYTES_MAX);
    EXPECT_TRUE(found * 3 * sizeof(struct weft_ref) >= BYTES_MAX / 4);
    weft_histories_destroy(h);
}
