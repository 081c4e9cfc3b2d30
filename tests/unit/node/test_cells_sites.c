/* Two whole sites with an agreement: what each commits and gets comes to the same cells. */
#include <stdio.h>
#include <string.h>

#include "federation/cells/act.h"
#include "node/state/machine.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

enum {
    ACTS = 60,
    UNITS = 5,
};

static struct weft_contract cells_contract(void)
{
    static const struct weft_contract_kind kinds[] = {{WEFT_TEXT("alias"), WEFT_DISCLOSED},
        {WEFT_TEXT("inspection"), WEFT_DISCLOSED}, {WEFT_TEXT("resolution"), WEFT_DISCLOSED}};
    struct weft_contract contract = rig_contract();
    for (int i = 0; i < 2; i++) {
        contract.sides[i].kinds = kinds;
        contract.sides[i].kind_count = sizeof(kinds) / sizeof(kinds[0]);
    }
    return contract;
}

static struct weft_cells_sum sum_of(struct rig_site *site)
{
    struct weft_cells_sum sum;
    EXPECT_EQ(
        WEFT_OK, weft_cells_get_sum(site->f.state->cells, WEFT_TEXT(RIG_NAME), &sum, &site->f.msg));
    return sum;
}

static void commit_act(struct rig_site *site, const char *asset, const struct weft_act *act)
{
    static struct weft_arena arenas[8]; /* As long as the rig keeps texts, and longer. */
    static uint32_t used;
    struct weft_arena *arena = &arenas[used++ % 8];
    struct weft_field *fields;
    struct weft_msg msg = {""};
    struct weft_record record = {
        .kind = weft_text_of(weft_act_kind_name(act->kind)), .asset = weft_text_of(asset)};
    weft_arena_destroy(arena);
    arena->size_max = 1 << 20;
    EXPECT_EQ(WEFT_OK, weft_act_encode(act, arena, &fields, &record.field_count, &msg));
    record.fields = fields;
    rig_must(site, record);
    weft_arena_destroy(arena);
}

static void join(struct rig_site *site, uint64_t unit)
{
    char asset[32], name[32];
    (void)snprintf(asset, sizeof(asset), "serial:box/%llu", (unsigned long long)unit);
    (void)snprintf(name, sizeof(name), "alias:%llu", (unsigned long long)unit);
    const struct weft_act act = {.kind = WEFT_ACT_ALIAS,
        .alias = {{weft_text_of(rig_site_of(0)), WEFT_TEXT("serial"), weft_text_of(asset)},
            {weft_text_of(rig_site_of(1)), WEFT_TEXT("serial"), weft_text_of(asset)}, true}};
    commit_act(site, name, &act);
}

static void expect_same(struct rig_pair *pair)
{
    struct weft_cells_sum a = sum_of(&pair->sites[0]), b = sum_of(&pair->sites[1]);
    EXPECT_TRUE(a.is_settled && b.is_settled);
    EXPECT_MEM(&a.shared, &b.shared, sizeof(a.shared));
    EXPECT_EQ(a.statements, b.statements);
    EXPECT_EQ(a.disputes, b.disputes);
    EXPECT_EQ(a.proposed, b.proposed);
}

static void start(struct rig_pair *pair, const char *name)
{
    struct weft_contract contract = cells_contract();
    rig_pair_start(pair, name);
    rig_amend(pair, &contract, true, true);
    (void)rig_step(&pair->sites[0]);
    (void)rig_step(&pair->sites[1]);
}

/* Parted for a while, or not: what one has not got yet, the other's digest has. */
TEST(cells_sites, come_to_one_digest_however_their_commits_and_batches_cross)
{
    static const char *const verdicts[] = {"PASS", "CONDITIONAL", "FAIL", "BLOCK"};
    static struct rig_pair pair;
    start(&pair, "crossed");
    for (int i = 0; i < ACTS; i++) {
        uint32_t party = (uint32_t)test_random(2), what = (uint32_t)test_random(12);
        struct rig_site *site = &pair.sites[party];
        uint64_t unit = 1 + test_random(UNITS);
        if (what < 6) {
            rig_must(site, rig_inspection(unit, verdicts[test_random(4)]));
        } else if (what < 9) {
            join(site, unit);
        } else if (what < 11) {
            rig_transfer(&pair, party, 1 + (uint32_t)test_random(5));
        } else {
            rig_reopen(site);
        }
    }
    for (uint64_t unit = 1; unit <= UNITS; unit++) {
        rig_must(&pair.sites[0], rig_inspection(unit, "PASS"));
        rig_must(&pair.sites[1], rig_inspection(unit, "FAIL"));
        join(&pair.sites[0], unit);
        join(&pair.sites[1], unit);
    }
    rig_transfer(&pair, 0, 7);
    rig_transfer(&pair, 1, 7);
    expect_same(&pair);
    struct weft_cells_sum sum = sum_of(&pair.sites[0]);
    EXPECT_EQ(UNITS, sum.disputes);
    EXPECT_EQ(0, sum.proposed);
    rig_expect_sound(&pair.sites[0]);
    rig_expect_sound(&pair.sites[1]);
    expect_same(&pair);
    rig_pair_stop(&pair);
}

/* The id that both derived is what both resolve. */
TEST(cells_sites, resolve_a_dispute_when_both_have_said_so)
{
    static struct rig_pair pair;
    struct weft_digest names[2];
    start(&pair, "resolved");
    for (uint32_t i = 0; i < 2; i++) {
        rig_must(&pair.sites[i], rig_inspection(1, i == 0 ? "PASS" : "FAIL"));
        struct weft_view *view;
        struct weft_arena arena = {.size_max = 1 << 20};
        struct weft_client_message answer;
        const struct weft_query q = {
            .type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("serial:box/1"), .limit = 1};
        EXPECT_EQ(WEFT_OK, weft_view_open(pair.sites[i].f.state, &view, &pair.sites[i].msg));
        struct weft_query by_node = q;
        char uri[96];
        (void)snprintf(uri, sizeof(uri), "spiffe://%s/node/n1", rig_site_of(i));
        by_node.principal = weft_text_of(uri);
        EXPECT_EQ(WEFT_OK, weft_view_query(view, &by_node, &arena, &answer, &pair.sites[i].msg));
        EXPECT_EQ(1, answer.page.record_count);
        names[i] = answer.page.records[0].digest;
        weft_view_close(view);
        weft_arena_destroy(&arena);
        join(&pair.sites[i], 1);
    }
    rig_transfer(&pair, 0, 3);
    rig_transfer(&pair, 1, 3);
    expect_same(&pair);
    EXPECT_EQ(1, sum_of(&pair.sites[0]).disputes);
    if (memcmp(&names[0], &names[1], sizeof(names[0])) > 0) {
        struct weft_digest first = names[1];
        names[1] = names[0];
        names[0] = first;
    }
    const struct weft_act act = {.kind = WEFT_ACT_RESOLUTION,
        .resolution = {
            WEFT_TEXT("inspection"), WEFT_TEXT("verdict"), WEFT_TEXT("PASS"), {names, 2}}};
    for (uint32_t i = 0; i < 2; i++) {
        commit_act(&pair.sites[i], "resolution:1", &act);
        rig_transfer(&pair, i, 3);
        expect_same(&pair);
        EXPECT_EQ(i == 0 ? 1 : 0, sum_of(&pair.sites[0]).disputes);
    }
    rig_pair_stop(&pair);
}
