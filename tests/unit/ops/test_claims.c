#include "ops/weft/claims.h"

#include <stdio.h>

#include "tests/lib/test.h"

static struct weft_claims claims;

static void state(const char *asset, const char *rel, const char *to, const char *quantity)
{
    const struct weft_field field = {WEFT_TEXT("quantity"), weft_text_of(quantity), WEFT_VALUE_INT};
    const struct weft_link link = {weft_text_of(rel), weft_text_of(to),
        quantity != NULL ? &field : NULL, quantity != NULL ? 1 : 0};
    const struct weft_record record = {
        .asset = weft_text_of(asset), .links = &link, .link_count = 1};
    EXPECT_EQ(WEFT_OK, weft_claims_add(&claims, &record));
}

static enum weft_claim_verdict verdict(const char *whole, const char *part)
{
    for (uint32_t i = 0; i < claims.count; i++) {
        const struct weft_claim *c = &claims.list[i];
        if (weft_text_is(claims.assets[c->whole].name, whole) &&
            weft_text_is(claims.assets[c->part].name, part)) {
            return weft_claims_judge(&claims, c);
        }
    }
    EXPECT_TRUE(false);
    return WEFT_CLAIM_CONFIRMED;
}

TEST(claims, an_edge_is_confirmed_when_both_sides_state_it)
{
    weft_claims_init(&claims);
    state("car", "contains", "door", "2");
    state("door", "part_of", "car", "2");
    state("car", "contains", "seat", NULL);
    state("seat", "installed_in", "car", "4");
    state("car", "contains", "wheel", "4");
    state("wheel", "part_of", "car", "5");
    EXPECT_EQ(WEFT_CLAIM_CONFIRMED, verdict("car", "door"));
    EXPECT_EQ(WEFT_CLAIM_CONFIRMED, verdict("car", "seat"));
    EXPECT_EQ(WEFT_CLAIM_QUANTITY, verdict("car", "wheel"));
    EXPECT_EQ(3, claims.count);
    weft_claims_destroy(&claims);
}

TEST(claims, silence_does_not_confirm_and_another_statement_contradicts)
{
    weft_claims_init(&claims);
    state("car1", "contains", "silent", NULL);
    state("car1", "contains", "talker", NULL);
    state("talker", "part_of", "car2", NULL);
    EXPECT_EQ(WEFT_CLAIM_UNCONFIRMED, verdict("car1", "silent"));
    EXPECT_EQ(WEFT_CLAIM_CONTRADICTED, verdict("car1", "talker"));
    EXPECT_EQ(WEFT_CLAIM_UNCONFIRMED, verdict("car2", "talker"));
    state("car2", "consumes", "glue", NULL);
    EXPECT_EQ(WEFT_CLAIM_CONTRADICTED, verdict("car2", "talker"));
    weft_claims_destroy(&claims);
}

TEST(claims, what_is_not_material_is_no_claim)
{
    weft_claims_init(&claims);
    state("car", "instance_of", "part:car", NULL);
    state("car", "about", "door", NULL);
    state("car", "removes", "door", NULL);
    EXPECT_EQ(0, claims.count);
    weft_claims_destroy(&claims);
}

TEST(claims, many_are_held_against_each_other)
{
    enum {
        COUNT = 5000
    };
    char whole[32], part[32];
    weft_claims_init(&claims);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(whole, sizeof(whole), "w%d", i / 10);
        (void)snprintf(part, sizeof(part), "p%d", i);
        state(whole, "contains", part, NULL);
    }
    for (int i = 0; i < COUNT; i += 2) {
        (void)snprintf(whole, sizeof(whole), "w%d", i / 10);
        (void)snprintf(part, sizeof(part), "p%d", i);
        state(part, "part_of", whole, NULL);
    }
    uint32_t confirmed = 0;
    for (uint32_t i = 0; i < claims.count; i++) {
        confirmed += weft_claims_judge(&claims, &claims.list[i]) == WEFT_CLAIM_CONFIRMED;
    }
    EXPECT_EQ(COUNT, claims.count);
    EXPECT_EQ(COUNT / 2, confirmed);
    weft_claims_destroy(&claims);
}
