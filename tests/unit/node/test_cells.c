/* What partners and this site state, kept in the state: two sides, any order, any batching. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/node/cells_rig.h"

enum {
    POOL_MAX = 400,
    UNITS = 12,
    CASES = 8, /* Random sets; each is fed to three sides. */
};

static const char *const sites[] = {"oem.example/plant1", "supplier.example/west"};
static const char *const verdicts[] = {"PASS", "CONDITIONAL", "FAIL", "BLOCK", "odd"};

struct pool {
    struct weft_contract contract;
    struct cells_stated stated[POOL_MAX];
    uint32_t count;
    uint64_t index[2]; /* The next one of each party. */
};

/* --- statements ------------------------------------------------------------------------------ */

static char *unit_text(char text[64], uint64_t unit)
{
    const char *head = unit < 9 ? "serial:box/" : unit < 11 ? "serial:box/no-serial/c" : "lot:al/";
    (void)snprintf(text, 64, "%s%llu", head, (unsigned long long)unit);
    return text;
}

static struct cells_stated *add(struct pool *p, uint32_t party, struct weft_record record)
{
    p->stated[p->count] = cells_state(&p->contract, party, ++p->index[party], record);
    return &p->stated[p->count++];
}

static struct cells_stated *add_act(struct pool *p, uint32_t party, const struct weft_act *act)
{
    p->stated[p->count] = cells_state_act(&p->contract, party, ++p->index[party], act);
    return &p->stated[p->count++];
}

static struct cells_stated *inspect(
    struct pool *p, uint32_t party, const char *asset, const char *verdict, const char *operator)
{
    const struct weft_field fields[] = {
        {WEFT_TEXT("verdict"), weft_text_of(verdict), WEFT_VALUE_TEXT},
        {WEFT_TEXT("operator"), weft_text_of(operator), WEFT_VALUE_TEXT},
        {WEFT_TEXT("identity/serial_missing"), WEFT_TEXT("true"), WEFT_VALUE_BOOL},
    };
    bool has_none = strstr(asset, "no-serial") != NULL;
    return add(p, party,
        (struct weft_record){.kind = WEFT_TEXT("inspection"),
            .asset = weft_text_of(asset),
            .fields = fields,
            .field_count = has_none ? 3 : 2});
}

static struct cells_stated *route(
    struct pool *p, uint32_t party, const char *asset, const char *value)
{
    const struct weft_field field = {WEFT_TEXT("step"), weft_text_of(value), WEFT_VALUE_TEXT};
    return add(p, party,
        (struct weft_record){.kind = WEFT_TEXT("route"),
            .asset = weft_text_of(asset),
            .fields = &field,
            .field_count = 1});
}

static struct cells_stated *build(struct pool *p, uint32_t party, const char *kind,
    const char *asset, const char *rel, const char *to)
{
    const struct weft_link link = {weft_text_of(rel), weft_text_of(to), NULL, 0};
    return add(p, party,
        (struct weft_record){.kind = weft_text_of(kind),
            .asset = weft_text_of(asset),
            .links = &link,
            .link_count = 1});
}

static struct weft_subject_name name_of(uint32_t party, const char *asset)
{
    const char *colon = strchr(asset, ':');
    return (struct weft_subject_name){
        weft_text_of(sites[party]), {asset, (size_t)(colon - asset)}, weft_text_of(asset)};
}

static struct cells_stated *alias(struct pool *p, uint32_t party, uint32_t party_a, const char *a,
    uint32_t party_b, const char *b, bool is_same)
{
    const struct weft_act act = {
        .kind = WEFT_ACT_ALIAS, .alias = {name_of(party_a, a), name_of(party_b, b), is_same}};
    return add_act(p, party, &act);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

static struct cells_stated *resolve(struct pool *p, uint32_t party, const char *kind,
    const char *group, const char *value, struct weft_digest *names, uint32_t count)
{
    qsort(names, count, sizeof(*names), by_bytes);
    const struct weft_act act = {.kind = WEFT_ACT_RESOLUTION,
        .resolution = {
            weft_text_of(kind), weft_text_of(group), weft_text_of(value), {names, count}}};
    return add_act(p, party, &act);
}

static struct cells_stated *retract(struct pool *p, uint32_t party, const struct weft_digest *name)
{
    const struct weft_act act = {
        .kind = WEFT_ACT_RETRACT, .retract = {WEFT_TEXT("mistaken"), {name, 1}, {NULL, 0}}};
    return add_act(p, party, &act);
}

static struct cells_stated *hand_over(struct pool *p, uint32_t party, uint32_t from, uint64_t epoch)
{
    const struct weft_act act = {.kind = WEFT_ACT_HANDOFF,
        .handoff = {WEFT_TEXT("route"), WEFT_TEXT(""), weft_text_of(sites[from]),
            weft_text_of(sites[1 - from]), epoch, {1, 40, 0}}};
    return add_act(p, party, &act);
}

/* --- random sets ----------------------------------------------------------------------------- */

/* Draws one at a time: the order of arguments is nobody's. */
static uint32_t draw(uint32_t bound)
{
    return (uint32_t)test_random(bound);
}

static void draw_act(struct pool *p, uint32_t party)
{
    char a[64], b[64];
    struct weft_digest names[2];
    uint32_t what = draw(10), first = draw(p->count), second = draw(p->count);
    uint32_t unit_a = draw(UNITS), unit_b = draw(UNITS), party_b = draw(2);
    names[0] = p->stated[first].digest;
    names[1] = p->stated[second].digest;
    if (what < 5 && (unit_a != unit_b || party != party_b)) {
        bool is_same = draw(4) != 0, is_said_by_both = draw(2) == 0;
        unit_b = draw(3) != 0 && party != party_b ? unit_a : unit_b;
        (void)unit_text(a, unit_a);
        (void)unit_text(b, unit_b);
        (void)alias(p, party, party, a, party_b, b, is_same);
        if (is_said_by_both && p->count < POOL_MAX) {
            (void)alias(p, 1 - party, party, a, party_b, b, true);
        }
    } else if (what < 7 && first != second) {
        (void)resolve(p, party, "inspection", "verdict", verdicts[draw(4)], names, 2);
    } else if (what < 9) {
        (void)retract(p, party, &names[0]);
    } else {
        uint32_t from = draw(2);
        (void)hand_over(p, party, from, 2 + draw(2));
    }
}

static void draw_pool(struct pool *p, uint32_t count)
{
    char a[64], b[64];
    *p = (struct pool){.contract = cells_contract()};
    while (p->count < count) {
        uint32_t party = draw(2), what = draw(10), unit = draw(UNITS), other = draw(UNITS);
        (void)unit_text(a, unit);
        (void)unit_text(b, other);
        if (what < 3 || p->count < 10) {
            uint32_t verdict = draw(5);
            (void)inspect(p, party, a, verdicts[verdict], draw(2) == 0 ? "op/1" : "op/2");
        } else if (what < 4) {
            (void)route(p, party, a, draw(2) == 0 ? "mill" : "turn");
        } else if (what < 6) {
            static const char *const rels[] = {"consumes", "installed_in", "removes"};
            const char *kind = draw(3) == 0 ? "route" : "as_built";
            (void)build(p, party, kind, a, rels[draw(3)], b);
        } else {
            draw_act(p, party);
        }
    }
}

static void drop_pool(struct pool *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        cells_stated_destroy(&p->stated[i]);
    }
}

/* In some order, in some entries and batches, opened anew here and there. */
static void feed(struct cells_side *s, const struct pool *p)
{
    uint32_t order[POOL_MAX];
    for (uint32_t i = 0; i < p->count; i++) {
        uint32_t k = draw(i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    cells_agree(s, &p->contract);
    for (uint32_t i = 0; i < p->count; i++) {
        const struct cells_stated *stated = &p->stated[order[i]];
        cells_take(s, &p->contract, stated, order[i]);
        bool is_entry = draw(3) == 0, is_batch = draw(3) == 0, is_reopened = draw(40) == 0;
        if (is_entry) {
            cells_end_entry(s);
        }
        if (is_entry && is_batch) {
            cells_write(s);
        }
        if (is_entry && is_batch && is_reopened) {
            cells_reopen(s);
        }
    }
    do {
        cells_end_entry(s);
        cells_write(s);
    } while (!cells_sum(s).is_settled);
}

static void expect_same(struct cells_side *a, struct cells_side *b)
{
    struct weft_cells_sum x = cells_sum(a), y = cells_sum(b);
    EXPECT_TRUE(x.is_settled && y.is_settled);
    EXPECT_EQ(x.statements, y.statements);
    EXPECT_EQ(x.disputes, y.disputes);
    EXPECT_EQ(x.proposed, y.proposed);
    EXPECT_EQ(x.unnamed, y.unnamed);
    EXPECT_EQ(x.left_over, y.left_over);
    EXPECT_EQ(x.dangling, y.dangling);
    EXPECT_MEM(&x.shared, &y.shared, sizeof(x.shared));
}

TEST(cells, two_sides_that_were_told_the_same_in_any_order_have_one_digest)
{
    static struct pool pool;
    uint64_t disputes = 0, joined = 0, dangling = 0;
    for (uint32_t i = 0; i < CASES; i++) {
        struct cells_side sides[3];
        char name[32];
        draw_pool(&pool, 40 + 20 * i);
        for (int k = 0; k < 3; k++) {
            (void)snprintf(name, sizeof(name), "side%u.%d", i, k);
            cells_open(&sides[k], test_directory(), name);
            feed(&sides[k], &pool);
            cells_check(&sides[k]);
        }
        expect_same(&sides[0], &sides[1]);
        expect_same(&sides[0], &sides[2]);
        struct weft_cells_sum sum = cells_sum(&sides[0]);
        disputes += sum.disputes;
        joined += sum.proposed;
        dangling += sum.dangling;
        for (int k = 0; k < 3; k++) {
            cells_close(&sides[k]);
        }
        drop_pool(&pool);
    }
    EXPECT_TRUE(disputes > 10 && joined > 5 && dangling > 0);
}

/* --- what it comes to ------------------------------------------------------------------------ */

static void tell(struct cells_side *s, struct pool *p, uint32_t from)
{
    for (uint32_t i = from; i < p->count; i++) {
        cells_take(s, &p->contract, &p->stated[i], i);
        cells_end_entry(s);
        cells_write(s);
    }
}

static void open_pool(struct cells_side *s, struct pool *p, const char *name)
{
    *p = (struct pool){.contract = cells_contract()};
    cells_open(s, test_directory(), name);
    cells_agree(s, &p->contract);
}

TEST(cells, the_stricter_verdict_counts_and_both_claims_stay_until_both_resolve)
{
    static struct pool p;
    struct cells_side s;
    open_pool(&s, &p, "join");
    struct weft_digest names[2] = {
        inspect(&p, RIG_SUPPLIER, "serial:box/7", "PASS", "op/1")->digest};
    tell(&s, &p, 0);
    EXPECT_EQ(0, cells_sum(&s).disputes);
    names[1] = inspect(&p, RIG_OEM, "serial:box/7", "FAIL", "op/1")->digest;
    (void)alias(&p, RIG_OEM, RIG_OEM, "serial:box/7", RIG_SUPPLIER, "serial:box/7", true);
    tell(&s, &p, 1);
    EXPECT_EQ(1, cells_sum(&s).proposed);
    EXPECT_EQ(1, cells_judge(&s, sites[0], "serial:box/7", "inspection", "verdict").set.count);
    (void)alias(&p, RIG_SUPPLIER, RIG_OEM, "serial:box/7", RIG_SUPPLIER, "serial:box/7", true);
    tell(&s, &p, 3);
    struct weft_cells_judged j = cells_judge(&s, sites[1], "serial:box/7", "inspection", "verdict");
    EXPECT_EQ(2, j.set.count);
    EXPECT_TRUE(j.answer.is_disputed && weft_text_is(j.answer.value, "FAIL"));
    EXPECT_EQ(0, cells_sum(&s).proposed);
    EXPECT_EQ(1, cells_sum(&s).disputes);
    (void)resolve(&p, RIG_SUPPLIER, "inspection", "verdict", "CONDITIONAL", names, 2);
    tell(&s, &p, 4);
    EXPECT_EQ(1, cells_sum(&s).disputes);
    (void)resolve(&p, RIG_OEM, "inspection", "verdict", "CONDITIONAL", names, 2);
    tell(&s, &p, 5);
    j = cells_judge(&s, sites[1], "serial:box/7", "inspection", "verdict");
    EXPECT_TRUE(!j.answer.is_disputed && weft_text_is(j.answer.value, "CONDITIONAL"));
    EXPECT_EQ(4, j.set.count);
    EXPECT_EQ(0, cells_sum(&s).disputes);
    cells_check(&s);
    cells_close(&s);
    drop_pool(&p);
}

TEST(cells, a_handoff_moves_authority_and_what_was_early_counts_from_then_on)
{
    static struct pool p;
    struct cells_side s;
    open_pool(&s, &p, "handoff");
    (void)route(&p, RIG_SUPPLIER, "serial:box/7", "mill");
    (void)hand_over(&p, RIG_SUPPLIER, RIG_SUPPLIER, 2);
    (void)hand_over(&p, RIG_OEM, RIG_SUPPLIER, 2);
    p.index[RIG_SUPPLIER] = 50;
    (void)route(&p, RIG_SUPPLIER, "serial:box/7", "turn");
    tell(&s, &p, 0);
    struct weft_cells_judged j = cells_judge(&s, sites[1], "serial:box/7", "route", "");
    EXPECT_EQ(2, j.set.count);
    bool is_fenced = false;
    for (uint32_t i = 0; i < j.answer.count; i++) {
        is_fenced = is_fenced || (j.answer.claims[i] & WEFT_CLAIM_FENCED) != 0;
    }
    EXPECT_TRUE(is_fenced && j.answer.has_value);
    EXPECT_TRUE(cells_sum(&s).is_settled);
    cells_check(&s);
    cells_close(&s);
    drop_pool(&p);
}

TEST(cells, an_edge_that_both_ends_state_is_one_and_dangles_until_both_are_known)
{
    static struct pool p;
    struct cells_side s;
    open_pool(&s, &p, "edge");
    (void)build(&p, RIG_OEM, "as_built", "serial:car/1", "consumes", "serial:box/7");
    tell(&s, &p, 0);
    EXPECT_EQ(1, cells_sum(&s).dangling);
    (void)alias(&p, RIG_OEM, RIG_OEM, "serial:box/7", RIG_SUPPLIER, "serial:box/7", true);
    (void)alias(&p, RIG_SUPPLIER, RIG_OEM, "serial:box/7", RIG_SUPPLIER, "serial:box/7", true);
    tell(&s, &p, 1);
    EXPECT_EQ(1, cells_sum(&s).dangling);
    (void)inspect(&p, RIG_SUPPLIER, "serial:box/7", "PASS", "op/1");
    tell(&s, &p, 3);
    EXPECT_EQ(0, cells_sum(&s).dangling);
    /* The other end says the same of its own name, once it knows whose inside it is. */
    (void)build(&p, RIG_SUPPLIER, "as_built", "serial:box/7", "installed_in", "serial:car/1");
    (void)alias(&p, RIG_SUPPLIER, RIG_OEM, "serial:car/1", RIG_SUPPLIER, "serial:car/1", true);
    (void)alias(&p, RIG_OEM, RIG_OEM, "serial:car/1", RIG_SUPPLIER, "serial:car/1", true);
    tell(&s, &p, 4);
    EXPECT_EQ(0, cells_sum(&s).dangling);
    EXPECT_EQ(0, cells_sum(&s).disputes);
    (void)build(&p, RIG_SUPPLIER, "as_built", "serial:box/7", "removed_from", "serial:car/1");
    tell(&s, &p, 7);
    EXPECT_EQ(1, cells_sum(&s).disputes); /* In for one, out for the other: MATCH. */
    cells_check(&s);
    cells_close(&s);
    drop_pool(&p);
}

TEST(cells, what_has_no_serial_waits_and_what_has_no_name_is_left_over_none_is_lost)
{
    static struct pool p;
    struct cells_side s;
    open_pool(&s, &p, "unnamed");
    (void)inspect(&p, RIG_SUPPLIER, "serial:box/no-serial/c1", "FAIL", "op/1");
    (void)inspect(&p, RIG_SUPPLIER, "serial:box/unknown", "FAIL", "op/1");
    (void)inspect(&p, RIG_OEM, "serial:box/7", "PASS", "op/1");
    tell(&s, &p, 0);
    EXPECT_EQ(2, cells_sum(&s).unnamed);
    EXPECT_EQ(3, cells_sum(&s).statements);
    (void)alias(
        &p, RIG_OEM, RIG_OEM, "serial:box/7", RIG_SUPPLIER, "serial:box/no-serial/c1", true);
    (void)alias(
        &p, RIG_SUPPLIER, RIG_OEM, "serial:box/7", RIG_SUPPLIER, "serial:box/no-serial/c1", true);
    tell(&s, &p, 3);
    EXPECT_EQ(1, cells_sum(&s).unnamed);
    EXPECT_EQ(1, cells_sum(&s).disputes);
    (void)alias(
        &p, RIG_OEM, RIG_OEM, "serial:box/7", RIG_SUPPLIER, "serial:box/no-serial/c1", false);
    tell(&s, &p, 5);
    EXPECT_EQ(2, cells_sum(&s).unnamed);
    EXPECT_EQ(0, cells_sum(&s).disputes);
    cells_check(&s);
    cells_close(&s);
    drop_pool(&p);
}

TEST(cells, an_amendment_judges_all_again_a_piece_with_each_entry)
{
    static struct pool p;
    struct cells_side s, fresh;
    enum {
        UNITS_MANY = 1500
    };
    open_pool(&s, &p, "amended");
    cells_open(&fresh, test_directory(), "fresh");
    struct weft_buffer note = rig_contract_note(&p.contract, WEFT_CONTRACT_PARTIES);
    struct weft_contract next = rig_amend(&p.contract, &note);
    static const struct weft_contract_cell cells[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT("verdict"), WEFT_CELL_MATCH},
        {WEFT_TEXT("inspection"), WEFT_TEXT(""), WEFT_CELL_UNION},
    };
    next.cells = cells;
    next.cell_count = 2;
    cells_agree(&fresh, &p.contract);
    cells_agree(&fresh, &next);
    for (uint32_t i = 0; i < UNITS_MANY; i++) {
        char asset[64];
        (void)snprintf(asset, sizeof(asset), "serial:box/%u", 1000 + i);
        p.count = 0;
        struct cells_stated *stated = inspect(&p, RIG_SUPPLIER, asset, "PASS", "op/1");
        cells_take(&s, &p.contract, stated, i);
        cells_take(&fresh, &p.contract, stated, i);
        cells_stated_destroy(stated);
    }
    cells_end_entry(&s);
    cells_end_entry(&fresh);
    cells_write(&s);
    cells_write(&fresh);
    cells_agree(&s, &next);
    cells_end_entry(&s);
    EXPECT_TRUE(!cells_sum(&s).is_settled);
    cells_write(&s);
    cells_reopen(&s);
    uint32_t entries = 1;
    for (; !cells_sum(&s).is_settled; entries++) {
        cells_end_entry(&s);
        cells_write(&s);
    }
    /* Two cells of each. */
    EXPECT_EQ(2 * UNITS_MANY / WEFT_CELLS_TASK_BUDGET + 1, entries);
    for (int i = 0; i < 9 && !cells_sum(&fresh).is_settled; i++) {
        cells_end_entry(&fresh);
        cells_write(&fresh);
    }
    expect_same(&s, &fresh);
    cells_check(&s);
    weft_buffer_destroy(&note);
    cells_close(&s);
    cells_close(&fresh);
}

TEST(cells, a_statement_told_again_without_a_field_withholds_it_and_back)
{
    static struct pool p;
    struct cells_side s;
    struct weft_arena arena = {.size_max = 16 << 20};
    struct weft_projection projection;
    struct weft_buffer erased = {0};
    open_pool(&s, &p, "again");
    struct cells_stated *stated = inspect(&p, RIG_SUPPLIER, "serial:box/7", "PASS", "op/1");
    tell(&s, &p, 0);
    struct weft_cells_sum before = cells_sum(&s);
    EXPECT_EQ(
        WEFT_OK, weft_projection_decode((struct weft_bytes){stated->bytes.data, stated->bytes.size},
                     &arena, &projection, &s.msg));
    EXPECT_EQ(WEFT_OK, weft_projection_erase(&projection, WEFT_TEXT("verdict"), &arena, &erased));
    struct cells_stated again = {.party = RIG_SUPPLIER, .bytes = erased, .digest = stated->digest};
    cells_take(&s, &p.contract, &again, 0);
    cells_end_entry(&s);
    struct weft_cells_judged j = cells_judge(&s, sites[1], "serial:box/7", "inspection", "verdict");
    EXPECT_TRUE(j.set.count == 1 && j.set.statements[0].is_withheld);
    EXPECT_EQ(1, cells_sum(&s).statements);
    cells_check(&s);
    cells_write(&s);
    cells_take(&s, &p.contract, stated, 0);
    cells_end_entry(&s);
    struct weft_cells_sum after = cells_sum(&s);
    EXPECT_MEM(&before.shared, &after.shared, sizeof(before.shared));
    cells_write(&s);
    cells_close(&s);
    weft_buffer_destroy(&erased);
    weft_arena_destroy(&arena);
    drop_pool(&p);
}
