#include "federation/cells/intake.h"

#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_arena arena = {.size_max = 16 << 20};
static struct weft_msg msg;

/* A projection and what it is of, as either side has it. */
struct stated {
    struct weft_buffer bytes;
    struct weft_digest digest;
    struct weft_projection projection;
};

static struct stated state(const struct weft_record *record, const struct weft_contract_side *side,
    uint32_t party, uint64_t index)
{
    struct stated s = {.bytes = {0}};
    struct weft_digest verified;
    struct weft_statement_place place = rig_place(party, index);
    EXPECT_EQ(WEFT_OK, weft_projection_make(record, &place, side, &arena, &s.bytes, &s.digest));
    EXPECT_EQ(WEFT_OK, weft_projection_decode((struct weft_bytes){s.bytes.data, s.bytes.size},
                           &arena, &s.projection, &msg));
    EXPECT_EQ(WEFT_OK, weft_projection_verify(&s.projection, &verified, &msg));
    EXPECT_MEM(&s.digest, &verified, sizeof(verified));
    return s;
}

static struct weft_intake_part *parts;
static uint32_t part_count;

static void part(const struct weft_contract *contract, const struct stated *s)
{
    EXPECT_EQ(WEFT_OK,
        weft_intake_parts(contract, &s->projection, &s->digest, &arena, &parts, &part_count, &msg));
}

static const struct weft_intake_part *part_named(const char *group)
{
    for (uint32_t i = 0; i < part_count; i++) {
        if (weft_text_is(parts[i].group, group)) {
            return &parts[i];
        }
    }
    test_expect_true(false, "there is such a part", __FILE__, __LINE__);
    return NULL;
}

static bool holds(struct weft_text text, const char *piece)
{
    return memmem(text.data, text.size, piece, strlen(piece)) != NULL;
}

TEST(intake, parts_a_statement_by_the_contracts_cells_and_shows_nothing_that_is_hidden)
{
    struct weft_contract contract = rig_contract();
    struct weft_record record = rig_record(7);
    struct stated s = state(&record, &contract.sides[RIG_SUPPLIER], RIG_SUPPLIER, 3);
    part(&contract, &s);
    EXPECT_EQ(2, part_count);
    const struct weft_intake_part *verdict = part_named("verdict"), *rest = part_named("");
    EXPECT_EQ(WEFT_CELL_JOIN, verdict->rule);
    EXPECT_TRUE(weft_text_is(verdict->statement.value, "FAIL"));
    EXPECT_EQ(RIG_SUPPLIER, verdict->authority);
    EXPECT_EQ(3, verdict->statement.revision.index);
    EXPECT_TRUE(weft_text_is(verdict->statement.author, rig_site(RIG_SUPPLIER)));
    EXPECT_EQ(WEFT_CELL_UNION, rest->rule);
    EXPECT_TRUE(holds(rest->statement.value, "flatness/max"));
    EXPECT_TRUE(holds(rest->statement.value, "@link/uses_lot"));
    EXPECT_TRUE(
        !holds(rest->statement.value, "SECRET") && !holds(rest->statement.value, "secret-mill"));
    EXPECT_TRUE(!holds(rest->statement.value, "operator") && !holds(rest->statement.value, "FAIL"));
    weft_buffer_destroy(&s.bytes);
    weft_arena_destroy(&arena);
}

TEST(intake, a_group_whose_fields_are_committed_alone_is_withheld)
{
    static const struct weft_contract_cell cells[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT("operator"), WEFT_CELL_MATCH}};
    struct weft_contract contract = rig_contract();
    struct weft_record record = rig_record(7);
    contract.cells = cells;
    contract.cell_count = 1;
    struct stated s = state(&record, &contract.sides[RIG_SUPPLIER], RIG_SUPPLIER, 3);
    part(&contract, &s);
    const struct weft_intake_part *withheld = part_named("operator");
    EXPECT_TRUE(withheld->statement.is_withheld && withheld->statement.value.size == 0);
    EXPECT_EQ(WEFT_CELL_OWNER, part_named("")->rule);
    weft_buffer_destroy(&s.bytes);
    weft_arena_destroy(&arena);
}

TEST(intake, a_field_is_in_the_longest_group_that_a_cell_or_an_authority_makes)
{
    static const struct weft_contract_authority authorities[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT("flatness/max"), RIG_OEM},
        {WEFT_TEXT("inspection"), WEFT_TEXT("verdict"), RIG_SUPPLIER}};
    static const struct weft_contract_cell cells[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT("flatness"), WEFT_CELL_MATCH}};
    static const struct weft_contract_kind kinds[] = {{WEFT_TEXT("inspection"), WEFT_DISCLOSED}};
    const struct weft_contract_side side = {.kinds = kinds, .kind_count = 1};
    struct weft_contract contract = rig_contract();
    struct weft_record record = rig_record(7);
    contract.authorities = authorities;
    contract.authority_count = 2;
    contract.cells = cells;
    contract.cell_count = 1;
    struct stated s = state(&record, &side, RIG_SUPPLIER, 3);
    part(&contract, &s);
    EXPECT_EQ(4, part_count);
    EXPECT_EQ(RIG_OEM, part_named("flatness/max")->authority);
    EXPECT_EQ(WEFT_CELL_MATCH, part_named("flatness/max")->rule);
    EXPECT_TRUE(weft_text_is(part_named("flatness/max")->statement.value, "0.010"));
    EXPECT_EQ(WEFT_CONTRACT_NOBODY, part_named("flatness")->authority);
    EXPECT_TRUE(!holds(part_named("flatness")->statement.value, "flatness/max"));
    EXPECT_EQ(RIG_SUPPLIER, part_named("verdict")->authority);
    EXPECT_EQ(WEFT_CELL_OWNER, part_named("verdict")->rule);
    weft_buffer_destroy(&s.bytes);
    weft_arena_destroy(&arena);
}

TEST(intake, what_both_sites_inspected_is_one_dispute_on_both_sides)
{
    struct weft_contract contract = rig_contract();
    struct weft_record theirs = rig_record(7);
    struct weft_field passed = {WEFT_TEXT("verdict"), WEFT_TEXT("PASS"), WEFT_VALUE_TEXT};
    struct weft_record ours = theirs;
    ours.fields = &passed;
    ours.field_count = 1;
    struct stated a = state(&theirs, &contract.sides[RIG_SUPPLIER], RIG_SUPPLIER, 3);
    struct stated b = state(&ours, &contract.sides[RIG_OEM], RIG_OEM, 9);
    struct weft_cell_statement memory[2];
    struct weft_digest states[2], cell = {{0}};
    const struct weft_cell_terms terms = {
        WEFT_CELL_JOIN, {contract.parties[0].site, contract.parties[1].site}, NULL};
    for (int side = 0; side < 2; side++) {
        struct weft_cell_set set = {memory, 0, 2, 0};
        struct weft_cell_answer answer;
        for (int i = 0; i < 2; i++) {
            part(&contract, i == side ? &a : &b);
            EXPECT_EQ(WEFT_OK, weft_cell_add(&set, &part_named("verdict")->statement));
        }
        EXPECT_EQ(WEFT_OK, weft_cell_judge(&terms, &set, &arena, &answer));
        EXPECT_TRUE(answer.is_disputed && weft_text_is(answer.value, "FAIL"));
        states[side] = weft_cell_state(&cell, &set, &answer);
    }
    EXPECT_MEM(&states[0], &states[1], sizeof(states[0]));
    weft_buffer_destroy(&a.bytes);
    weft_buffer_destroy(&b.bytes);
    weft_arena_destroy(&arena);
}

/* --- acts ------------------------------------------------------------------------------------ */

static struct stated state_act(const struct weft_act *act, enum weft_disclosure disclosure)
{
    struct weft_contract_kind kind = {weft_text_of(weft_act_kind_name(act->kind)), disclosure};
    const struct weft_contract_side side = {.kinds = &kind, .kind_count = 1};
    struct weft_field *fields = NULL;
    struct weft_record record = rig_record(7);
    record.kind = kind.kind;
    record.asset = WEFT_TEXT("act:1");
    record.link_count = 0;
    EXPECT_EQ(WEFT_OK, weft_act_encode(act, &arena, &fields, &record.field_count, &msg));
    record.fields = fields;
    return state(&record, &side, RIG_OEM, 5);
}

TEST(intake, of_acts_is_what_cells_take)
{
    const struct weft_digest one = {{1}};
    const struct weft_act_digests names = {&one, 1};
    const struct weft_act acts[] = {
        {.kind = WEFT_ACT_RESOLUTION,
            .resolution = {WEFT_TEXT("inspection"), WEFT_TEXT("verdict"), WEFT_TEXT("PASS"),
                names}},
        {.kind = WEFT_ACT_RETRACT, .retract = {WEFT_TEXT("wrong unit"), names, {NULL, 0}}},
        {.kind = WEFT_ACT_HANDOFF,
            .handoff = {WEFT_TEXT("inspection"), WEFT_TEXT(""), WEFT_TEXT("a.example/p1"),
                WEFT_TEXT("b.example/q1"), 2, {77, 3, 0}}},
        {.kind = WEFT_ACT_ALIAS,
            .alias = {{WEFT_TEXT("a.example/p1"), WEFT_TEXT("serial"), WEFT_TEXT("box/7")},
                {WEFT_TEXT(""), WEFT_TEXT("uuid"), WEFT_TEXT("urn:uuid:7")}, false}},
        {.kind = WEFT_ACT_STEP,
            .step = {WEFT_TEXT("change_order"), one, WEFT_TEXT("accept"), names}},
        {.kind = WEFT_ACT_RECALL, .recall = {WEFT_TEXT("stop"), WEFT_TEXT("cracks"), names}},
        {.kind = WEFT_ACT_IMPACT, .impact = {one, names}},
        {.kind = WEFT_ACT_ACKNOWLEDGEMENT,
            .acknowledgement = {one, 7, 6, 5, 4, 3, {{7}, 1}, {.count = 0}}},
    };
    for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
        struct weft_intake_act a;
        struct stated s = state_act(&acts[i], WEFT_DISCLOSED);
        EXPECT_EQ(WEFT_OK, weft_intake_act(&s.projection, &s.digest, &arena, &a, &msg));
        EXPECT_EQ(acts[i].kind, a.act.kind);
        EXPECT_MEM(&s.digest, &a.statement.digest, sizeof(s.digest));
        bool is_of_cell =
            a.statement.act == WEFT_CELL_RESOLVE || a.statement.act == WEFT_CELL_RETRACT;
        EXPECT_EQ(i < 2, is_of_cell);
        EXPECT_EQ(i < 2 ? 1 : 0, a.statement.name_count);
        EXPECT_EQ(i == 2 ? 2 : 0, a.handoff.handoff.epoch);
        EXPECT_EQ(i == 3, a.word.is_denied);
        EXPECT_EQ(i == 4 ? 1 : 0, a.step.after.count);
        weft_buffer_destroy(&s.bytes);
    }
    struct weft_intake_act a;
    struct stated s = state_act(&acts[0], WEFT_COMMITTED); /* Nothing of it is shown. */
    EXPECT_EQ(WEFT_EMALFORMED, weft_intake_act(&s.projection, &s.digest, &arena, &a, &msg));
    weft_buffer_destroy(&s.bytes);
    struct weft_contract contract = rig_contract();
    struct weft_record record = rig_record(7);
    s = state(&record, &contract.sides[RIG_SUPPLIER], RIG_SUPPLIER, 3);
    EXPECT_EQ(WEFT_EINVAL, weft_intake_act(&s.projection, &s.digest, &arena, &a, &msg));
    weft_buffer_destroy(&s.bytes);
    weft_arena_destroy(&arena);
}

/* --- edges ----------------------------------------------------------------------------------- */

static struct weft_intake_edge *edges;
static uint32_t edge_count;
static struct stated source; /* That the edges borrow from. */

static void find_edges(const char *kind, const struct weft_link *links, uint32_t count)
{
    static const struct weft_contract_cell cells[] = {
        {WEFT_TEXT("as_built"), WEFT_TEXT("@link/contains"), WEFT_CELL_MATCH}};
    struct weft_contract_kind disclosed = {weft_text_of(kind), WEFT_DISCLOSED};
    const struct weft_contract_side side = {.kinds = &disclosed, .kind_count = 1};
    struct weft_contract contract = rig_contract();
    struct weft_record record = rig_record(7);
    contract.cells = cells;
    contract.cell_count = 1;
    record.kind = disclosed.kind;
    record.links = links;
    record.link_count = count;
    weft_buffer_destroy(&source.bytes);
    source = state(&record, &side, RIG_OEM, 5);
    EXPECT_EQ(WEFT_OK, weft_intake_edges(&contract, &source.projection, &source.digest, &arena,
                           &edges, &edge_count, &msg));
}

TEST(intake, edges_are_the_same_from_either_end)
{
    static const char child[] = "urn:uuid:0733946c-59c6-41ae-9570-cb43a6e4c79e";
    const struct weft_link of_parent[] = {
        {WEFT_TEXT("contains"), WEFT_TEXT("urn:uuid:0733946c-59c6-41ae-9570-cb43a6e4c79e"), NULL,
            0},
        {WEFT_TEXT("made_on"), WEFT_TEXT("machine:1"), NULL, 0},
        {WEFT_TEXT("releases"), WEFT_TEXT("serial:lid/1"), NULL, 0},
        {WEFT_TEXT("empties"), WEFT_TEXT("serial:lid/1"), NULL, 0},
        {WEFT_TEXT("contains"), WEFT_TEXT("serial:lid/n/a"), NULL, 0}};
    const struct weft_link of_child[] = {
        {WEFT_TEXT("part_of"), WEFT_TEXT("serial:box/8"), NULL, 0}};
    find_edges("as_built", of_parent, 5);
    EXPECT_EQ(2, edge_count); /* What has no usable serial is no edge's end. */
    EXPECT_TRUE(weft_text_is(edges[0].parent.key, "serial:box/7"));
    EXPECT_TRUE(weft_text_is(edges[0].parent.kind, "serial"));
    EXPECT_TRUE(weft_text_is(edges[0].child.key, child) && edges[0].child.authority.size == 0);
    EXPECT_EQ(WEFT_CELL_MATCH, edges[0].rule);
    EXPECT_TRUE(weft_text_is(edges[0].statement.value, "in"));
    EXPECT_TRUE(weft_text_is(edges[1].statement.value, "out"));
    find_edges("genealogy", of_child, 1);
    EXPECT_EQ(1, edge_count);
    EXPECT_TRUE(weft_text_is(edges[0].parent.key, "serial:box/8"));
    EXPECT_TRUE(weft_text_is(edges[0].child.key, "serial:box/7"));
    struct weft_digest a = {{1}}, b = {{2}};
    struct weft_digest ab = weft_intake_edge_subject(&a, &b), ba = weft_intake_edge_subject(&b, &a);
    EXPECT_TRUE(!weft_digest_equal(&ab, &ba));
    weft_buffer_destroy(&source.bytes);
    weft_arena_destroy(&arena);
}

TEST(intake, an_events_parent_stands_for_it)
{
    const struct weft_link one[] = {{WEFT_TEXT("parent"), WEFT_TEXT("lot:pallet/3"), NULL, 0},
        {WEFT_TEXT("contains"), WEFT_TEXT("serial:box/9"), NULL, 0}};
    const struct weft_link two[] = {{WEFT_TEXT("parent"), WEFT_TEXT("lot:pallet/3"), NULL, 0},
        {WEFT_TEXT("parent"), WEFT_TEXT("lot:pallet/4"), NULL, 0},
        {WEFT_TEXT("contains"), WEFT_TEXT("serial:box/9"), NULL, 0}};
    find_edges("epcis.aggregation", one, 2);
    EXPECT_EQ(1, edge_count);
    EXPECT_TRUE(weft_text_is(edges[0].parent.key, "lot:pallet/3"));
    find_edges("epcis.aggregation", two, 3);
    EXPECT_EQ(0, edge_count);
    weft_buffer_destroy(&source.bytes);
    weft_arena_destroy(&arena);
}

TEST(intake, takes_no_more_memory_than_there_is)
{
    struct weft_contract contract = rig_contract();
    struct weft_record record = rig_record(7);
    struct stated s = state(&record, &contract.sides[RIG_SUPPLIER], RIG_SUPPLIER, 3);
    uint32_t refused = 0;
    for (size_t size = 16; size < 8192; size += 512) {
        struct weft_arena small = {.size_max = size};
        enum weft_err err = weft_intake_parts(
            &contract, &s.projection, &s.digest, &small, &parts, &part_count, &msg);
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_ENOMEM);
        refused += err != WEFT_OK;
        weft_arena_destroy(&small);
    }
    EXPECT_TRUE(refused > 0);
    weft_buffer_destroy(&s.bytes);
    weft_arena_destroy(&arena);
}
