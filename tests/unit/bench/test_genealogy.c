#include "tests/bench/genealogy.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/digest.h"
#include "tests/bench/thread_answer.h"
#include "tests/lib/test.h"

enum {
    UNITS = 200,
    PARTS = UNITS * GENEALOGY_UNIT_PARTS,
    NOBODY = -1,
};

/* All of it, read once. */
struct history {
    struct genealogy g;
    struct weft_arena arena;
    uint32_t first[GENEALOGY_LEVELS + 1]; /* The number of each level's first part. */
    int statements[PARTS];                /* Records of each part. */
    int parent[PARTS];
    bool has_big[PARTS], has_mid[PARTS]; /* As itself says. */
    uint64_t records, receipts;
    bool is_in_order; /* What a part is made of was built before, and times rise. */
    int64_t at_ns;
    struct weft_sha256 digest;
};

static struct history history;

/* NOBODY: not a part. */
static int number_of(const struct history *h, struct weft_text asset)
{
    char name[64];
    unsigned level, number;
    (void)snprintf(name, sizeof(name), "%.*s", (int)asset.size, asset.data);
    if (sscanf(name, "serial:p%u/%u", &level, &number) != 2) {
        return NOBODY;
    }
    return level < GENEALOGY_LEVELS && number < genealogy_parts(&h->g, level)
               ? (int)(h->first[level] + number)
               : NOBODY;
}

static void take_link(struct history *h, int part, const struct weft_link *link)
{
    h->has_big[part] |= weft_text_is(link->to, GENEALOGY_LOT_BIG);
    h->has_mid[part] |= weft_text_is(link->to, GENEALOGY_LOT_MID);
    if (weft_text_is(link->rel, "consumes")) {
        int child = number_of(h, link->to);
        EXPECT_TRUE(child != NOBODY && h->parent[child] == NOBODY);
        h->is_in_order = h->is_in_order && h->statements[child] == GENEALOGY_PART_RECORDS;
        h->parent[child] = part;
    }
}

static void take(struct history *h, const struct weft_record *record)
{
    int part = number_of(h, record->asset);
    struct weft_buffer body = {0};
    EXPECT_EQ(WEFT_OK, weft_record_check(record, NULL, NULL));
    h->is_in_order = h->is_in_order && record->at_ns > h->at_ns;
    h->at_ns = record->at_ns;
    h->records++;
    if (part == NOBODY) {
        EXPECT_TRUE(weft_text_is(record->kind, "receipt"));
        h->receipts++;
    } else {
        h->statements[part]++;
        for (uint32_t i = 0; i < record->link_count; i++) {
            take_link(h, part, &record->links[i]);
        }
    }
    thread_body(record, &h->arena, &body);
    weft_sha256_update(&h->digest, record->asset.data, record->asset.size);
    weft_sha256_update(&h->digest, body.data, body.size);
    weft_buffer_destroy(&body);
}

static struct weft_digest read_all(struct history *h, uint64_t seed)
{
    struct weft_record record;
    *h = (struct history){.arena = {.size_max = 1 << 20}, .is_in_order = true};
    genealogy_init(&h->g, UNITS, seed);
    for (uint32_t level = 0; level < GENEALOGY_LEVELS; level++) {
        h->first[level + 1] = h->first[level] + genealogy_parts(&h->g, level);
    }
    for (int i = 0; i < PARTS; i++) {
        h->parent[i] = NOBODY;
    }
    weft_sha256_init(&h->digest);
    while (genealogy_next(&h->g, &h->arena, &record)) {
        take(h, &record);
        weft_arena_reset(&h->arena);
    }
    weft_arena_destroy(&h->arena);
    return weft_sha256_final(&h->digest);
}

/* Parts that have it inside. */
static int reach_of(const struct history *h, const bool *has)
{
    static bool is_reached[PARTS];
    int count = 0;
    memset(is_reached, 0, sizeof(is_reached));
    for (int i = 0; i < PARTS; i++) {
        for (int part = has[i] ? i : NOBODY; part != NOBODY && !is_reached[part];
             part = h->parent[part]) {
            is_reached[part] = true;
            count++;
        }
    }
    return count;
}

TEST(genealogy, every_part_is_built_inspected_and_moved_after_what_it_is_made_of)
{
    (void)read_all(&history, test_seed());
    EXPECT_EQ(PARTS, history.first[GENEALOGY_LEVELS]);
    EXPECT_TRUE(history.is_in_order);
    EXPECT_EQ(genealogy_lots(&history.g), history.receipts);
    EXPECT_EQ(genealogy_records(&history.g), history.records);
    EXPECT_EQ(PARTS * GENEALOGY_PART_RECORDS + history.receipts, history.records);
    for (int i = 0; i < PARTS; i++) {
        EXPECT_EQ(GENEALOGY_PART_RECORDS, history.statements[i]);
        EXPECT_EQ(i < UNITS, history.parent[i] == NOBODY); /* Finished units are level 0. */
    }
}

TEST(genealogy, the_traced_lots_reach_exactly_their_share)
{
    (void)read_all(&history, test_seed());
    EXPECT_EQ(PARTS / 10, reach_of(&history, history.has_big));
    EXPECT_EQ(PARTS / 100, reach_of(&history, history.has_mid));
}

TEST(genealogy, the_seed_alone_decides)
{
    struct weft_digest one = read_all(&history, 7), again = read_all(&history, 7);
    struct weft_digest other = read_all(&history, 8);
    EXPECT_TRUE(weft_digest_equal(&one, &again));
    EXPECT_TRUE(!weft_digest_equal(&one, &other));
}
