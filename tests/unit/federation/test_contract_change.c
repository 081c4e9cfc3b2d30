/* What an amendment widens and narrows: told line by line, and never the wrong way. */
#include <stdio.h>
#include <string.h>

#include "federation/contract_change.h"
#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_arena arena = {.size_max = WEFT_CONTRACT_CHANGE_MEMORY_MAX};

static struct weft_contract_differences diff(
    const struct weft_contract *old, const struct weft_contract *new)
{
    struct weft_contract_differences found;
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_contract_diff(old, new, &arena, &found));
    return found;
}

/* Exactly that one line. */
static void expect_one(const struct weft_contract *old, const struct weft_contract *new,
    enum weft_policy_direction direction, const char *what)
{
    struct weft_contract_differences found = diff(old, new);
    EXPECT_EQ(1, found.count);
    EXPECT_TEXT(what, found.items[0].what.data);
    EXPECT_EQ(direction, found.items[0].direction);
    EXPECT_EQ(direction, found.direction);
}

TEST(contract_change, same_text_has_no_difference)
{
    struct weft_contract contract = rig_contract();
    struct weft_contract_differences found = diff(&contract, &contract);
    EXPECT_EQ(0, found.count);
    EXPECT_EQ(WEFT_DIRECTION_NONE, found.direction);
}

TEST(contract_change, first_version_widens_by_all_that_it_shares)
{
    struct weft_contract contract = rig_contract();
    struct weft_contract_differences found = diff(NULL, &contract);
    bool is_told = false, is_masked = false;
    for (uint32_t i = 0; i < found.count; i++) {
        is_told = is_told || weft_text_is(found.items[i].what, "supplier.example/west: inspection: "
                                                               "disclosed, was not shared");
        is_masked = is_masked || weft_text_is(found.items[i].what,
                                     "supplier.example/west: inspection cost: hidden, was not "
                                     "shared");
    }
    EXPECT_TRUE(is_told && is_masked);
    EXPECT_EQ(WEFT_DIRECTION_BOTH, found.direction); /* Whose authority it is changes too. */
}

TEST(contract_change, fields_that_are_shown_or_withheld_are_named_with_both_words)
{
    struct weft_contract old = rig_contract(), new = rig_contract();
    struct weft_contract_mask masks[6];
    memcpy(masks, old.sides[RIG_SUPPLIER].masks, sizeof(masks));
    new.sides[RIG_SUPPLIER].masks = masks;
    masks[4].disclosure = WEFT_DISCLOSED;
    expect_one(&old, &new, WEFT_DIRECTION_WIDENS,
        "supplier.example/west: inspection cost: disclosed, was hidden");
    expect_one(&new, &old, WEFT_DIRECTION_NARROWS,
        "supplier.example/west: inspection cost: hidden, was disclosed");
    masks[4].disclosure = WEFT_HIDDEN;
    new.sides[RIG_SUPPLIER].mask_count = 5; /* flatness: as the kind, but not flatness/max. */
    expect_one(&old, &new, WEFT_DIRECTION_WIDENS,
        "supplier.example/west: inspection flatness: disclosed, was hidden");
    new.sides[RIG_SUPPLIER].mask_count = 6;
    masks[2].disclosure = WEFT_HIDDEN; /* flatness/max, which flatness hides besides. */
    expect_one(&old, &new, WEFT_DIRECTION_NARROWS,
        "supplier.example/west: inspection flatness/max: hidden, was disclosed");
}

TEST(contract_change, scope_and_limits_are_named)
{
    struct weft_contract old = rig_contract(), new = rig_contract();
    struct weft_contract_side *side = &new.sides[RIG_SUPPLIER];
    side->depth = WEFT_CONTRACT_DEPTH_ANY;
    expect_one(&old, &new, WEFT_DIRECTION_WIDENS, "supplier.example/west: depth any, was 2");
    side->depth = 1;
    expect_one(&old, &new, WEFT_DIRECTION_NARROWS, "supplier.example/west: depth 1, was 2");
    side->depth = 2;
    side->retain_days = 0;
    expect_one(
        &old, &new, WEFT_DIRECTION_WIDENS, "supplier.example/west: retain for ever, was 3650");
    expect_one(
        &new, &old, WEFT_DIRECTION_NARROWS, "supplier.example/west: retain 3650, was for ever");
    side->retain_days = 3650;
    side->may_forward = true;
    expect_one(&old, &new, WEFT_DIRECTION_WIDENS, "supplier.example/west: forward yes, was no");
    side->may_forward = false;
    side->threshold = 1;
    expect_one(&old, &new, WEFT_DIRECTION_BOTH, "supplier.example/west: threshold 1, was 2");
    side->threshold = 2;
    side->part_count = 1;
    expect_one(
        &old, &new, WEFT_DIRECTION_NARROWS, "supplier.example/west: part removed: part:box/rev/B");
    side->part_count = 0;
    expect_one(&old, &new, WEFT_DIRECTION_WIDENS, "supplier.example/west: of any part");
    expect_one(&new, &old, WEFT_DIRECTION_NARROWS, "supplier.example/west: of 2 parts, was of any");
    side->part_count = 2;
    side->queue_statements = 5;
    expect_one(&old, &new, WEFT_DIRECTION_NARROWS, "supplier.example/west: queue 5, was 100000");
    side->queue_statements = old.sides[RIG_SUPPLIER].queue_statements;
    side->kind_count = 0;
    struct weft_contract_differences found = diff(&old, &new);
    EXPECT_EQ(WEFT_DIRECTION_NARROWS, found.direction);
    EXPECT_TEXT(
        "supplier.example/west: inspection: not shared, was disclosed", found.items[0].what.data);
}

TEST(contract_change, authority_rules_and_org_documents_change)
{
    struct weft_contract old = rig_contract(), new = rig_contract();
    struct weft_contract_authority authorities[3];
    memcpy(authorities, old.authorities, sizeof(authorities));
    new.authorities = authorities;
    authorities[1].party = RIG_OEM;
    expect_one(&old, &new, WEFT_DIRECTION_BOTH,
        "authority inspection: oem.example/plant1, was supplier.example/west");
    new.authority_count = 1;
    struct weft_contract_differences found = diff(&old, &new);
    EXPECT_EQ(2, found.count);
    EXPECT_TEXT(
        "authority inspection: nobody, was supplier.example/west", found.items[0].what.data);
    new = rig_contract();
    new.cell_count = 1;
    expect_one(&old, &new, WEFT_DIRECTION_BOTH, "cell inspection: OWNER, was UNION");
    new = rig_contract();
    new.template_count = 0;
    expect_one(&old, &new, WEFT_DIRECTION_NARROWS, "template where-used: not allowed, was 5");
    expect_one(&new, &old, WEFT_DIRECTION_WIDENS, "template where-used: 5, was not allowed");
    new = rig_contract();
    new.parties[RIG_OEM].pin.bytes[0] ^= 1;
    found = diff(&old, &new);
    EXPECT_EQ(1, found.count);
    EXPECT_TRUE(weft_text_starts(
        found.items[0].what, "oem.example/plant1: judged by another org document: sha256:"));
}

/* --- random sides: what is said is compared with what goes out ---------------------------------
 */

enum {
    PATHS = 6,
    KINDS = 3,
    ROUNDS = 3000,
};

static const struct weft_text paths[PATHS] = {WEFT_TEXT("a"), WEFT_TEXT("a/b"), WEFT_TEXT("a/b/c"),
    WEFT_TEXT("ab"), WEFT_TEXT("d"), WEFT_TEXT("d/e")};
static const struct weft_text kind_names[KINDS] = {
    WEFT_TEXT("bom"), WEFT_TEXT("inspection"), WEFT_TEXT("service")};

struct drawn {
    struct weft_contract_kind kinds[KINDS];
    struct weft_contract_mask masks[KINDS * PATHS];
    struct weft_text parts[2];
};

static enum weft_disclosure draw_disclosure(void)
{
    return (enum weft_disclosure)test_random(WEFT_DISCLOSURES);
}

static void draw(struct drawn *d, struct weft_contract_side *side)
{
    side->kind_count = side->mask_count = side->part_count = 0;
    for (uint32_t i = 0; i < KINDS; i++) {
        if (test_random(4) == 0) {
            continue;
        }
        d->kinds[side->kind_count++] =
            (struct weft_contract_kind){kind_names[i], draw_disclosure()};
        for (uint32_t j = 0; j < PATHS; j++) {
            if (test_random(3) == 0) {
                d->masks[side->mask_count++] =
                    (struct weft_contract_mask){kind_names[i], paths[j], draw_disclosure()};
            }
        }
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (test_random(2) == 0) {
            d->parts[side->part_count++] =
                i == 0 ? WEFT_TEXT("part:box/rev/A") : WEFT_TEXT("part:box/rev/B");
        }
    }
    uint64_t depth = test_random(3);
    side->depth = depth == 2 ? WEFT_CONTRACT_DEPTH_ANY : (uint32_t)depth;
    side->kinds = d->kinds;
    side->masks = d->masks;
    side->parts = d->parts;
}

/* A step from `old`: one thing else, so that some of them only widen or only narrow. */
static void step(struct drawn *d, const struct drawn *before, struct weft_contract_side *side)
{
    *d = *before;
    side->kinds = d->kinds;
    side->masks = d->masks;
    side->parts = d->parts;
    if (test_random(2) == 0 && side->mask_count > 0) {
        uint64_t which = test_random(side->mask_count);
        d->masks[which].disclosure = draw_disclosure();
    } else if (side->kind_count > 0) {
        uint64_t which = test_random(side->kind_count);
        d->kinds[which].disclosure = draw_disclosure();
    }
}

/* How much of a field of such a record goes out: 0 nothing, not even its hash. */
static int goes_out(const struct weft_contract_side *side, struct weft_text kind,
    struct weft_text path, const struct weft_contract_facts *facts)
{
    if (!weft_contract_is_in_scope(side, kind, facts)) {
        return 0;
    }
    return 3 - (int)weft_contract_disclosure(side, kind, path);
}

/* Over all kinds, paths (and one below each), parts and depths: is there more, is there less? */
static unsigned judge(const struct weft_contract_side *old, const struct weft_contract_side *new)
{
    static const struct weft_text a = WEFT_TEXT("part:box/rev/A"), b = WEFT_TEXT("part:box/rev/B");
    unsigned found = 0;
    for (uint32_t i = 0; i < KINDS * 2 * PATHS * 3 * 4; i++) {
        uint32_t part = i % 3, depth = i / 3 % 4, path = i / 12 % PATHS, kind = i / 12 / PATHS;
        char below[16];
        (void)snprintf(below, sizeof(below), "%s/z", paths[path].data);
        struct weft_text field = kind >= KINDS ? weft_text_of(below) : paths[path];
        struct weft_contract_facts facts = {.parts = part == 0 ? &a : &b,
            .part_count = part == 2 ? 0 : 1,
            .is_unit = true,
            .depth = depth == 3 ? WEFT_CONTRACT_DEPTH_ANY : depth};
        int was = goes_out(old, kind_names[kind % KINDS], field, &facts);
        int is = goes_out(new, kind_names[kind % KINDS], field, &facts);
        found |= is > was ? (unsigned)WEFT_DIRECTION_WIDENS : 0U;
        found |= is < was ? (unsigned)WEFT_DIRECTION_NARROWS : 0U;
    }
    return found;
}

TEST(contract_change, what_goes_out_never_changes_in_a_direction_that_is_not_told)
{
    static struct drawn first, second;
    uint32_t counts[4] = {0};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct weft_contract old = rig_contract(), new = rig_contract();
        draw(&first, &old.sides[RIG_SUPPLIER]);
        new.sides[RIG_SUPPLIER] = old.sides[RIG_SUPPLIER];
        if (round % 2 == 0) {
            draw(&second, &new.sides[RIG_SUPPLIER]);
        } else {
            step(&second, &first, &new.sides[RIG_SUPPLIER]);
        }
        unsigned is = judge(&old.sides[RIG_SUPPLIER], &new.sides[RIG_SUPPLIER]);
        unsigned told = (unsigned)diff(&old, &new).direction;
        EXPECT_EQ(0, is & ~told); /* FED-31 */
        counts[told]++;
    }
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_TRUE(counts[i] > ROUNDS / 50); /* Each of them has happened. */
    }
}

TEST(contract_change, says_that_there_is_no_room)
{
    struct weft_contract contract = rig_contract();
    struct weft_contract_differences found;
    struct weft_arena small = {.size_max = 64};
    EXPECT_EQ(WEFT_ETOOBIG, weft_contract_diff(NULL, &contract, &small, &found));
    weft_arena_destroy(&small);
}
