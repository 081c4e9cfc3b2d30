/* Agreements: one text each, refused by name and line, in force when both have signed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/test.h"
#include "tests/unit/federation/rig.h"

static struct weft_arena arena = {.size_max = 4 * WEFT_CONTRACT_MEMORY_MAX};

static const char example[] =
    "weft-agreement/v1\n"
    "agreement box-2026\n"
    "version 1\n"
    "prev none\n"
    "issued 2026-03-01T08:00:00.000Z\n"
    "expires 2026-04-01T08:00:00.000Z\n"
    "party oem.example/plant1 "
    "sha256:1111111111111111111111111111111111111111111111111111111111111111\n"
    "party supplier.example/west "
    "sha256:2222222222222222222222222222222222222222222222222222222222222222\n"
    "authority inspection oem.example/plant1 results/final\n"
    "authority inspection supplier.example/west results/first\n"
    "cell inspection JOIN verdict\n"
    "cell inspection UNION *\n"
    "template where-used 5\n"
    "provider oem.example/plant1\n"
    "threshold 2\n"
    "depth any\n"
    "forward no\n"
    "retain 0\n"
    "rate 10000\n"
    "bytes 20000000\n"
    "queue 100000\n"
    "quarantine 1000\n"
    "provider supplier.example/west\n"
    "threshold 1\n"
    "kind inspection disclosed\n"
    "mask inspection hidden cost\n"
    "mask inspection hidden the price of it\n"
    "part part:box/rev/B\n"
    "depth 2\n"
    "forward yes\n"
    "retain 3650\n"
    "rate 1\n"
    "bytes 1\n"
    "queue 1\n"
    "quarantine 1\n";

TEST(contract, has_one_text)
{
    struct weft_contract contract;
    struct weft_buffer out = {0};
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_contract_decode(weft_text_of(example), &arena, &contract, &msg));
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_CONTRACT_DEPTH_ANY, contract.sides[0].depth);
    EXPECT_EQ(2, contract.sides[1].depth);
    EXPECT_EQ(2, contract.sides[1].mask_count);
    EXPECT_EQ(WEFT_OK, weft_contract_encode(&contract, &arena, &out, &msg));
    EXPECT_EQ(sizeof(example) - 1, out.size);
    EXPECT_MEM(example, out.data, out.size);
    weft_buffer_destroy(&out);
}

/* `from` is replaced by `to` in the example, once. */
static char *changed(const char *from, const char *to)
{
    static char text[sizeof(example) + 1024];
    const char *at = strstr(example, from);
    EXPECT_TRUE(at != NULL);
    (void)snprintf(
        text, sizeof(text), "%.*s%s%s", (int)(at - example), example, to, at + strlen(from));
    return text;
}

TEST(contract, is_refused_with_the_line_and_the_reason)
{
    static const struct {
        const char *from, *to;
        enum weft_err err;
        const char *why;
    } cases[] = {
        {"weft-agreement/v1", "weft-agreement/v2", WEFT_EVERSION, "line 1: "},
        {"agreement box-2026", "agreement a box", WEFT_EINVAL, "line 2: an agreement's name"},
        {"version 1\n", "version 0\n", WEFT_EMALFORMED, "line 3: "},
        {"expires 2026-04", "expires 2026-02", WEFT_EMALFORMED, "line 6: it expires before"},
        {"party oem.example/plant1 sha256:1", "party oem.example/plant1 sha256:x", WEFT_EMALFORMED,
            "line 7: "},
        {"party oem.example/plant1 ", "party oem.example ", WEFT_EINVAL, "line 7: a party is"},
        {"party oem.example/plant1 ", "party supplier.example/west ", WEFT_EINVAL,
            "line 8: a site has no agreement with itself"},
        {"authority inspection oem.example/plant1 results/final",
            "authority inspection oem.example/plant2 results/final", WEFT_EINVAL,
            "line 9: authority of somebody who is no party"},
        {"supplier.example/west results/first", "supplier.example/west results/final/x",
            WEFT_EINVAL, "line 10: overlapping-authority: line 9"},
        {"supplier.example/west results/first", "supplier.example/west results", WEFT_EINVAL,
            "line 10: overlapping-authority: line 9"},
        {"supplier.example/west results/first", "supplier.example/west *", WEFT_EINVAL,
            "line 10: overlapping-authority: line 9"},
        {"supplier.example/west results/first", "supplier.example/west results/final", WEFT_EINVAL,
            "line 10: overlapping-authority: line 9"},
        {"authority inspection oem", "authority Inspection oem", WEFT_EINVAL, "line 9: not a kind"},
        {"results/first", "results/first/", WEFT_EINVAL, "line 10: a path is"},
        {"cell inspection JOIN verdict", "cell inspection JOIN", WEFT_EMALFORMED,
            "line 11: a word is missing"},
        {"cell inspection JOIN verdict", "cell inspection BEST verdict", WEFT_EINVAL,
            "line 11: one of OWNER"},
        {"cell inspection UNION *", "cell inspection UNION verdict", WEFT_EINVAL,
            "line 12: a second rule"},
        {"template where-used 5", "template where-used 0", WEFT_EINVAL, "line 13: a template's"},
        {"template where-used 5", "template where-used 65", WEFT_EINVAL, "line 13: a template's"},
        {"provider oem.example/plant1", "provider supplier.example/west", WEFT_EINVAL,
            "line 14: each party provides"},
        {"threshold 2", "threshold 0", WEFT_EINVAL, "line 15: \"threshold\" is at least 1"},
        {"threshold 2", "threshold 65", WEFT_EINVAL, "line 15: more keys than"},
        {"depth any", "depth 65", WEFT_EINVAL, "line 16: \"depth\" is 0 to 64"},
        {"forward no", "forward perhaps", WEFT_EINVAL, "line 17: \"forward\" is yes or no"},
        {"rate 10000", "rate 0", WEFT_EINVAL, "line 19: \"rate\" is at least 1"},
        {"queue 100000", "queue 1000000001", WEFT_EINVAL, "line 21: \"queue\" is at most"},
        {"quarantine 1000\n", "", WEFT_EMALFORMED, "line 22: expected \"quarantine"},
        {"kind inspection disclosed", "kind inspection shown", WEFT_EINVAL,
            "line 25: one of disclosed, committed, hidden"},
        {"kind inspection disclosed\n", "kind inspection committed\nkind inspection disclosed\n",
            WEFT_EINVAL, "line 26: a second disclosure of one kind"},
        {"mask inspection hidden cost", "mask bom hidden cost", WEFT_EINVAL,
            "line 26: a mask of a kind that is not provided"},
        {"mask inspection hidden cost\n",
            "mask inspection committed cost\nmask inspection hidden cost\n", WEFT_EINVAL,
            "line 27: a second disclosure of one path"},
        {"mask inspection hidden cost", "mask inspection hidden *", WEFT_EINVAL,
            "line 26: a mask's path"},
        {"mask inspection hidden cost", "mask inspection hidden zebra", WEFT_EMALFORMED,
            "line 27: \"mask\" is not in order"},
        {"retain 3650\n", "retain 3650\nretain 3650\n", WEFT_EMALFORMED, "line 32: expected"},
        {"queue 1\nquarantine 1\n", "queue 1\nquarantine 1\nmore 1\n", WEFT_EMALFORMED,
            "line 36: a line that does not belong here"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_contract contract;
        struct weft_msg msg = {""};
        weft_arena_reset(&arena);
        const char *text = changed(cases[i].from, cases[i].to);
        EXPECT_EQ(cases[i].err, weft_contract_decode(weft_text_of(text), &arena, &contract, &msg));
        if (strncmp(msg.text, cases[i].why, strlen(cases[i].why)) != 0) {
            EXPECT_TEXT(cases[i].why, msg.text);
        }
    }
}

TEST(contract, says_nothing_without_memory)
{
    struct weft_contract contract;
    struct weft_msg msg = {""};
    struct weft_arena small = {.size_max = 64};
    EXPECT_EQ(WEFT_ENOMEM, weft_contract_decode(weft_text_of(example), &small, &contract, &msg));
    weft_arena_destroy(&small);
}

static enum weft_disclosure of(const struct weft_contract *contract, const char *path)
{
    return weft_contract_disclosure(
        &contract->sides[RIG_SUPPLIER], WEFT_TEXT("inspection"), weft_text_of(path));
}

TEST(contract, discloses_by_the_longest_path_of_whole_segments)
{
    struct weft_contract contract = rig_contract();
    EXPECT_EQ(WEFT_DISCLOSED, of(&contract, "verdict"));
    EXPECT_EQ(WEFT_HIDDEN, of(&contract, "flatness"));
    EXPECT_EQ(WEFT_HIDDEN, of(&contract, "flatness/value"));
    EXPECT_EQ(WEFT_DISCLOSED, of(&contract, "flatness/max"));
    EXPECT_EQ(WEFT_DISCLOSED, of(&contract, "flatness/max/unit"));
    EXPECT_EQ(WEFT_HIDDEN, of(&contract, "flatness/maximum"));
    EXPECT_EQ(WEFT_DISCLOSED, of(&contract, "flatnesses"));
    EXPECT_EQ(WEFT_HIDDEN, weft_contract_disclosure(&contract.sides[RIG_SUPPLIER], WEFT_TEXT("bom"),
                               WEFT_TEXT("verdict")));
    EXPECT_TRUE(
        weft_contract_can(&contract.sides[RIG_SUPPLIER], WEFT_TEXT("inspection"), WEFT_COMMITTED));
    EXPECT_TRUE(
        !weft_contract_can(&contract.sides[RIG_OEM], WEFT_TEXT("inspection"), WEFT_COMMITTED));
}

TEST(contract, is_about_its_kinds_parts_and_shipped_units)
{
    struct weft_contract contract = rig_contract();
    const struct weft_contract_side *side = &contract.sides[RIG_SUPPLIER];
    const struct weft_text parts[] = {WEFT_TEXT("part:lid"), WEFT_TEXT("part:box/rev/A")};
    struct weft_contract_facts facts = {
        .parts = parts, .part_count = 2, .is_unit = true, .depth = 2};
    const struct weft_text kind = WEFT_TEXT("inspection");
    EXPECT_TRUE(weft_contract_is_in_scope(side, kind, &facts));
    facts.depth = 3;
    EXPECT_TRUE(!weft_contract_is_in_scope(side, kind, &facts));
    facts.depth = WEFT_CONTRACT_DEPTH_ANY;
    EXPECT_TRUE(!weft_contract_is_in_scope(side, kind, &facts));
    facts.is_unit = false;
    EXPECT_TRUE(weft_contract_is_in_scope(side, kind, &facts));
    EXPECT_TRUE(!weft_contract_is_in_scope(side, WEFT_TEXT("bom"), &facts));
    facts.part_count = 1;
    EXPECT_TRUE(!weft_contract_is_in_scope(side, kind, &facts));
    facts.is_unit = true;
    EXPECT_TRUE(weft_contract_is_in_scope(&contract.sides[RIG_OEM], kind, &facts));
}

TEST(contract, names_authority_rule_and_depth_of_templates)
{
    struct weft_contract contract;
    struct weft_msg msg = {""};
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, weft_contract_decode(weft_text_of(example), &arena, &contract, &msg));
    const struct weft_text kind = WEFT_TEXT("inspection");
    EXPECT_EQ(0, weft_contract_authority(&contract, kind, WEFT_TEXT("results/final")));
    EXPECT_EQ(1, weft_contract_authority(&contract, kind, WEFT_TEXT("results/first/x")));
    EXPECT_EQ(WEFT_CONTRACT_NOBODY,
        weft_contract_authority(&contract, kind, WEFT_TEXT("results/finally")));
    EXPECT_EQ(WEFT_CONTRACT_NOBODY, weft_contract_authority(&contract, kind, WEFT_TEXT("")));
    EXPECT_EQ(WEFT_CELL_JOIN, weft_contract_rule(&contract, kind, WEFT_TEXT("verdict")));
    EXPECT_EQ(WEFT_CELL_UNION, weft_contract_rule(&contract, kind, WEFT_TEXT("flatness")));
    EXPECT_EQ(WEFT_CELL_OWNER, weft_contract_rule(&contract, WEFT_TEXT("bom"), WEFT_TEXT("a")));
    EXPECT_EQ(5, weft_contract_template_depth(&contract, WEFT_TEXT("where-used")));
    EXPECT_EQ(0, weft_contract_template_depth(&contract, WEFT_TEXT("recall")));
    EXPECT_EQ(WEFT_CONTRACT_NOBODY, weft_contract_party(&contract, WEFT_TEXT("other.example/x")));
}

/* --- in force -------------------------------------------------------------------------------- */

static enum weft_err accept(const struct weft_buffer *note, const struct weft_contract *current,
    int64_t now_ns, enum weft_chain_fault *fault, struct weft_contract *contract)
{
    struct weft_note parsed;
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_note_parse(weft_buffer_as_text(note), &parsed, &msg));
    return weft_contract_accept(
        &parsed, current, rig_orgs(), now_ns, &arena, contract, fault, &msg);
}

TEST(contract, is_in_force_when_both_have_signed_and_not_before)
{
    struct weft_contract first = rig_contract(), accepted;
    enum weft_chain_fault fault;
    weft_arena_reset(&arena);
    for (uint32_t signer = 0; signer <= WEFT_CONTRACT_PARTIES; signer++) {
        struct weft_buffer note = rig_contract_note(&first, signer);
        bool is_both = signer == WEFT_CONTRACT_PARTIES;
        EXPECT_EQ(
            is_both ? WEFT_OK : WEFT_EREFUSED, accept(&note, NULL, RIG_NOW_NS, &fault, &accepted));
        EXPECT_EQ(is_both ? WEFT_CHAIN_SOUND : WEFT_CHAIN_THRESHOLD, fault);
        if (is_both) { /* One bit of a signature. */
            note.data[note.size - 20] ^= 1;
            EXPECT_EQ(WEFT_EBADSIG, accept(&note, NULL, RIG_NOW_NS, &fault, &accepted));
        }
        weft_buffer_destroy(&note);
    }
}

TEST(contract, that_ran_out_is_refused_as_freeze)
{
    struct weft_contract first = rig_contract(), accepted;
    struct weft_buffer note = rig_contract_note(&first, WEFT_CONTRACT_PARTIES);
    enum weft_chain_fault fault;
    weft_arena_reset(&arena);
    EXPECT_EQ(WEFT_OK, accept(&note, NULL, first.link.expires_ns - 1, &fault, &accepted));
    EXPECT_EQ(WEFT_EREFUSED, accept(&note, NULL, first.link.expires_ns, &fault, &accepted));
    EXPECT_EQ(WEFT_CHAIN_FREEZE, fault);
    weft_buffer_destroy(&note);
}

TEST(contract, is_amended_by_the_next_version_of_the_same_chain_alone)
{
    struct weft_contract contract = rig_contract(), first, second, amended;
    enum weft_chain_fault fault;
    weft_arena_reset(&arena);
    struct weft_buffer note = rig_contract_note(&contract, WEFT_CONTRACT_PARTIES);
    EXPECT_EQ(WEFT_OK, accept(&note, NULL, RIG_NOW_NS, &fault, &first));
    EXPECT_EQ(WEFT_ECONFLICT, accept(&note, &first, RIG_NOW_NS, &fault, &second));
    EXPECT_EQ(WEFT_CHAIN_REPEATED, fault);
    amended = rig_amend(&contract, &note);
    amended.sides[RIG_SUPPLIER].depth = 3;
    struct weft_buffer next = rig_contract_note(&amended, WEFT_CONTRACT_PARTIES);
    EXPECT_EQ(WEFT_OK, accept(&next, &first, RIG_NOW_NS, &fault, &second));
    EXPECT_EQ(3, second.sides[RIG_SUPPLIER].depth);
    EXPECT_EQ(WEFT_ECONFLICT, accept(&next, NULL, RIG_NOW_NS, &fault, &second));
    EXPECT_EQ(WEFT_CHAIN_FAST_FORWARD, fault);
    EXPECT_EQ(WEFT_OK, accept(&next, &first, RIG_NOW_NS, &fault, &second));
    EXPECT_EQ(WEFT_ECONFLICT, accept(&note, &second, RIG_NOW_NS, &fault, &first));
    EXPECT_EQ(WEFT_CHAIN_ROLLBACK, fault);
    weft_buffer_destroy(&next);
    EXPECT_EQ(WEFT_OK, accept(&note, NULL, RIG_NOW_NS, &fault, &first));
    amended.link.prev.bytes[0] ^= 1;
    next = rig_contract_note(&amended, WEFT_CONTRACT_PARTIES);
    EXPECT_EQ(WEFT_ECONFLICT, accept(&next, &first, RIG_NOW_NS, &fault, &second));
    EXPECT_EQ(WEFT_CHAIN_FORK, fault);
    weft_buffer_destroy(&next);
    weft_buffer_destroy(&note);
}

TEST(contract, has_the_parties_that_it_had_and_the_org_documents_that_it_pins)
{
    struct weft_contract contract = rig_contract(), first, other;
    enum weft_chain_fault fault;
    weft_arena_reset(&arena);
    struct weft_buffer note = rig_contract_note(&contract, WEFT_CONTRACT_PARTIES);
    EXPECT_EQ(WEFT_OK, accept(&note, NULL, RIG_NOW_NS, &fault, &first));
    other = rig_amend(&contract, &note);
    other.name = WEFT_TEXT("lid-2026");
    struct weft_buffer next = rig_contract_note(&other, WEFT_CONTRACT_PARTIES);
    EXPECT_EQ(WEFT_EPEER, accept(&next, &first, RIG_NOW_NS, &fault, &other));
    weft_buffer_destroy(&next);
    other = rig_amend(&contract, &note);
    other.parties[RIG_SUPPLIER].site = WEFT_TEXT("supplier.example/wild");
    next = rig_contract_note(&other, WEFT_CONTRACT_PARTIES);
    EXPECT_EQ(WEFT_EPEER, accept(&next, &first, RIG_NOW_NS, &fault, &other));
    weft_buffer_destroy(&next);
    other = rig_amend(&contract, &note);
    other.parties[RIG_SUPPLIER].pin.bytes[0] ^= 1;
    next = rig_contract_note(&other, WEFT_CONTRACT_PARTIES);
    EXPECT_EQ(WEFT_EPEER, accept(&next, &first, RIG_NOW_NS, &fault, &other));
    weft_buffer_destroy(&next);
    weft_buffer_destroy(&note);
}

TEST(contract, rules_have_names_that_read_back)
{
    for (unsigned i = 0; i < WEFT_CELL_RULES; i++) {
        enum weft_cell_rule rule;
        const char *name = weft_cell_rule_name((enum weft_cell_rule)i);
        EXPECT_TRUE(weft_cell_rule_parse(weft_text_of(name), &rule));
        EXPECT_EQ(i, rule);
    }
    for (unsigned i = 0; i < WEFT_STREAM_FAULTS; i++) {
        enum weft_stream_fault fault;
        if (strcmp(weft_stream_fault_name(i), "unknown-fault") != 0) { /* FED-1 */
            EXPECT_TRUE(weft_stream_fault_parse(weft_text_of(weft_stream_fault_name(i)), &fault));
            EXPECT_EQ(i, fault);
        }
    }
    EXPECT_TEXT("unknown-fault", weft_stream_fault_name(31));
    EXPECT_TEXT("unknown-fault", weft_stream_fault_name(70000));
}
