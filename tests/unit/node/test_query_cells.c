/* What is told of cells, and of that nothing that the policy hides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/projection.h"
#include "node/state/machine.h"
#include "tests/lib/test.h"
#include "tests/unit/node/reveal_rig.h"

enum {
    STATEMENTS = 48,
    UNITS = 4,
    FIELDS = 3,
    KINDS = 2,
    PLANS = 25,
};

#define BO "spiffe://" RIG_BO
#define PIN "sha256:0000000000000000000000000000000000000000000000000000000000000000\n"

static const char agreement[] =
    "weft-agreement/v1\n"
    "agreement box\n"
    "version 1\nprev none\n"
    "issued 2026-03-01T08:00:00.000Z\n"
    "expires 2026-04-01T08:00:00.000Z\n"
    "party oem.example/plant1 " PIN "party supplier.example/west " PIN
    "cell inspection JOIN verdict\n"
    "cell inspection MATCH note\n"
    "cell inspection UNION *\n"
    "cell route UNION *\n"
    "provider oem.example/plant1\nthreshold 1\n"
    "kind alias disclosed\nkind inspection disclosed\nkind route disclosed\n"
    "depth any\nforward no\nretain 0\nrate 1000\nbytes 1000000\nqueue 1000\nquarantine 10\n"
    "provider supplier.example/west\nthreshold 1\n"
    "kind alias disclosed\nkind inspection disclosed\nkind route disclosed\n"
    "depth any\nforward no\nretain 0\nrate 1000\nbytes 1000000\nqueue 1000\nquarantine 10\n";

static const char *const sites[] = {"oem.example/plant1", "supplier.example/west"};
static const char *const kinds[KINDS] = {"inspection", "route"};
static const char *const paths[FIELDS] = {"note", "operator/name", "verdict"};

/* A statement, and what only those see who may. */
struct stated {
    uint32_t kind;
    uint32_t unit;
    char marks[FIELDS][20];
};

struct cells_fixture {
    struct fixture state;
    struct weft_arena arena; /* Of the contract. */
    struct weft_contract contract;
    struct stated stated[STATEMENTS];
    struct weft_digest digest; /* Of the policy in force. */
    uint64_t version;
    uint64_t index[2];
};

static void name_unit(uint32_t unit, char text[32])
{
    if (unit == 0) {
        (void)snprintf(text, 32, "serial:box/no-serial/c7");
    } else {
        (void)snprintf(text, 32, "serial:box/%u", 10 + unit);
    }
}

/* --- statements ------------------------------------------------------------------------------ */

static void tell(struct cells_fixture *f, uint32_t party, struct weft_record record)
{
    uint8_t seed[WEFT_SALT_SEED_SIZE] = {(uint8_t)party, (uint8_t)f->index[party]};
    struct weft_arena arena = {.size_max = 4 << 20};
    struct weft_buffer bytes = {0};
    struct weft_msg msg = {""};
    struct weft_cells_statement statement = {
        .contract = &f->contract, .party = party, .sequence = f->index[party]};
    const struct weft_statement_place place = {.authority = weft_text_of(sites[party]),
        .authority_epoch = 1,
        .index = ++f->index[party],
        .time_ns = SIGNERS_NOW_NS,
        .salt_seed = seed};
    record.author = weft_text_of(sites[party]);
    record.has_at = true;
    EXPECT_EQ(WEFT_OK, weft_projection_make(&record, &place, &f->contract.sides[party], &arena,
                           &bytes, &statement.digest));
    statement.projection = (struct weft_bytes){bytes.data, bytes.size};
    EXPECT_EQ(WEFT_OK, weft_cells_take(f->state.state->cells, &statement, &msg));
    weft_buffer_destroy(&bytes);
    weft_arena_destroy(&arena);
}

static void tell_fields(struct cells_fixture *f, uint32_t party, struct stated *s)
{
    char unit[32];
    struct weft_field fields[FIELDS + 1];
    for (int i = 0; i < FIELDS; i++) {
        unsigned long long number = test_random(0);
        (void)snprintf(s->marks[i], sizeof(s->marks[i]), "m%016llx", number);
        fields[i] =
            (struct weft_field){weft_text_of(paths[i]), weft_text_of(s->marks[i]), WEFT_VALUE_TEXT};
    }
    name_unit(s->unit, unit);
    fields[FIELDS] = (struct weft_field){
        WEFT_TEXT("identity/serial_missing"), WEFT_TEXT("true"), WEFT_VALUE_BOOL};
    tell(f, party,
        (struct weft_record){.kind = weft_text_of(kinds[s->kind]),
            .asset = weft_text_of(unit),
            .fields = fields,
            .field_count = s->unit == 0 ? FIELDS + 1 : FIELDS});
}

static void tell_alias(struct cells_fixture *f, uint32_t party, uint32_t unit)
{
    char name[32];
    name_unit(unit, name);
    const struct weft_field fields[] = {
        {WEFT_TEXT("a/authority"), weft_text_of(sites[0]), WEFT_VALUE_TEXT},
        {WEFT_TEXT("a/kind"), WEFT_TEXT("serial"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("a/key"), weft_text_of(name), WEFT_VALUE_TEXT},
        {WEFT_TEXT("b/authority"), weft_text_of(sites[1]), WEFT_VALUE_TEXT},
        {WEFT_TEXT("b/kind"), WEFT_TEXT("serial"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("b/key"), weft_text_of(name), WEFT_VALUE_TEXT},
        {WEFT_TEXT("same"), WEFT_TEXT("true"), WEFT_VALUE_BOOL},
    };
    tell(f, party,
        (struct weft_record){.kind = WEFT_TEXT("alias"),
            .asset = WEFT_TEXT("alias:1"),
            .fields = fields,
            .field_count = sizeof(fields) / sizeof(fields[0])});
}

static void set_policy(struct cells_fixture *f, const char *rest)
{
    static const char *const by_ann[] = {RIG_ANN, NULL};
    char text[2048];
    (void)snprintf(text, sizeof(text),
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
        "permit write\n  who op ann op cy\n  do write create\n"
        "permit see\n  who op bo\n  do read\n%s",
        rest);
    struct weft_digest next;
    struct weft_record policy = rig_policy(++f->version, &f->digest, text, by_ann, &next);
    EXPECT_EQ(WEFT_OK, rig_commit(&f->state, RIG_BO, &policy, 1)->err);
    f->digest = next;
}

/* Units 1 and on are joined but the last, which one side proposes. */
static void start(struct cells_fixture *f)
{
    struct weft_msg msg = {""};
    *f = (struct cells_fixture){.arena = {.size_max = WEFT_CONTRACT_MEMORY_MAX}, .version = 1};
    reveal_arena.size_max = 64 << 20;
    rig_start(&f->state, "state");
    f->digest = rig_govern(&f->state);
    enum weft_err err =
        weft_contract_decode(weft_text_of(agreement), &f->arena, &f->contract, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    EXPECT_EQ(WEFT_OK, weft_cells_agree(f->state.state->cells, weft_text_of(agreement), &msg));
    for (uint32_t i = 0; i < STATEMENTS; i++) {
        struct stated *s = &f->stated[i];
        s->kind = (uint32_t)test_random(KINDS);
        s->unit = (uint32_t)test_random(UNITS);
        tell_fields(f, (uint32_t)test_random(2), s);
    }
    for (uint32_t unit = 1; unit < UNITS; unit++) {
        tell_alias(f, 0, unit);
        if (unit + 1 < UNITS) {
            tell_alias(f, 1, unit);
        }
    }
    set_policy(f, "");
}

static void finish(struct cells_fixture *f)
{
    weft_arena_destroy(&f->arena);
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f->state);
}

/* --- asking ---------------------------------------------------------------------------------- */

static const char *const files[] = {"cells", "cells/box", "cells/box/disputes", "cells/box/aliases",
    "cells/box/unnamed", "cells/box/left-over", "cells/box/asset/serial:box/11",
    "cells/box/asset/serial:box/no-serial/c7", "cells/*/asset/serial:box/12",
    "cells/*/asset/serial:box/13"};

static const struct reveal_answer *ask(struct cells_fixture *f, const char *path, const char *who)
{
    static struct reveal_answer a;
    const struct weft_query q = {.type = WEFT_QUERY_AUDIT, .asset = weft_text_of(path)};
    reveal_ask(&f->state, q, who, &a);
    return &a;
}

static uint32_t count_lines(const struct reveal_answer *a, const char *head)
{
    const struct weft_bytes content = a->message.audit.content;
    struct weft_text rest = {(const char *)content.data, content.size}, line;
    uint32_t count = 0;
    while (rest.size > 0) {
        (void)weft_text_cut(&rest, '\n', &line);
        count += weft_text_starts(line, head);
    }
    return count;
}

TEST(query_cells, tell_disputes_claims_aliases_and_what_waits_to_whom_may_see_all)
{
    static struct cells_fixture f;
    start(&f);
    const struct reveal_answer *a = ask(&f, "cells", BO);
    EXPECT_EQ(WEFT_OK, a->err);
    EXPECT_TRUE(reveal_has_text(a, "agreement box version 1 shared sha256:"));
    EXPECT_TRUE(reveal_has_text(a, " settled statements 53 "));
    a = ask(&f, "cells/box/disputes", BO);
    struct weft_cells_sum sum;
    EXPECT_EQ(
        WEFT_OK, weft_cells_get_sum(f.state.state->cells, WEFT_TEXT("box"), &sum, &f.state.msg));
    EXPECT_EQ(sum.disputes, count_lines(a, "state disputed sha256:"));
    EXPECT_TRUE(sum.disputes >= 1);
    EXPECT_EQ(0, count_lines(a, "state @hidden"));
    EXPECT_EQ(1, count_lines(ask(&f, "cells/box/aliases", BO), "alias "));
    EXPECT_EQ(sum.unnamed, count_lines(ask(&f, "cells/box/unnamed", BO), "unnamed "));
    EXPECT_EQ(2, sum.unnamed);
    /* Each statement of a unit is a claim of its cells, whoever has stated it. */
    for (uint32_t unit = 1; unit < UNITS; unit++) {
        char path[64] = "cells/*/asset/";
        name_unit(unit, path + strlen(path));
        a = ask(&f, path, BO);
        for (uint32_t i = 0; i < STATEMENTS; i++) {
            for (int k = 0; k < FIELDS && f.stated[i].unit == unit; k++) {
                EXPECT_TRUE(reveal_has_text(a, f.stated[i].marks[k]));
            }
        }
    }
    EXPECT_EQ(WEFT_ENOTFOUND, ask(&f, "cells/other", BO)->err);
    EXPECT_EQ(WEFT_EINVAL, ask(&f, "cells/box/other", BO)->err);
    finish(&f);
}

/* NOD-224: of a random policy, nothing that it hides stands in any file. */
struct plan {
    bool may_read[KINDS];
    bool hides[FIELDS];
    bool may_read_aliases;
};

static void permit(char text[1024], const char *kind, const char *hides)
{
    size_t size = strlen(text);
    (void)snprintf(text + size, 1024 - size,
        "permit robot-%s\n  who svc robot\n  do read\n  on kind %s\n%s", kind, kind, hides);
}

static void draw_plan(struct cells_fixture *f, struct plan *p)
{
    char text[1024] = "", hides[128] = "";
    for (int i = 0; i < FIELDS; i++) {
        size_t size = strlen(hides);
        p->hides[i] = test_random(2) == 0;
        if (p->hides[i]) {
            (void)snprintf(
                hides + size, sizeof(hides) - size, "%s %s", size == 0 ? "  hide" : "", paths[i]);
        }
    }
    if (hides[0] != '\0') {
        (void)snprintf(hides + strlen(hides), sizeof(hides) - strlen(hides), "\n");
    }
    permit(text, "agreement", "");
    for (int i = 0; i < KINDS; i++) {
        p->may_read[i] = test_random(4) != 0;
        if (p->may_read[i]) {
            permit(text, kinds[i], hides);
        }
    }
    p->may_read_aliases = test_random(2) == 0;
    if (p->may_read_aliases) {
        permit(text, "alias", "");
    }
    set_policy(f, text);
}

TEST(query_cells, tell_nothing_that_the_policy_hides)
{
    static struct cells_fixture f;
    uint32_t shown = 0, hidden = 0;
    start(&f);
    for (int n = 0; n < PLANS; n++) {
        struct plan plan;
        draw_plan(&f, &plan);
        for (size_t at = 0; at < sizeof(files) / sizeof(files[0]); at++) {
            const struct reveal_answer *a = ask(&f, files[at], ROBOT_URI);
            EXPECT_EQ(WEFT_OK, a->err);
            for (uint32_t i = 0; i < STATEMENTS; i++) {
                for (int k = 0; k < FIELDS; k++) {
                    bool has = reveal_has_text(a, f.stated[i].marks[k]);
                    bool may = plan.may_read[f.stated[i].kind] && !plan.hides[k];
                    EXPECT_TRUE(may || !has);
                    shown += has;
                    hidden += !may;
                }
            }
            EXPECT_TRUE(plan.may_read_aliases || count_lines(a, "alias ") == 0);
        }
    }
    EXPECT_TRUE(shown > 500 && hidden > 500);
    set_policy(&f, "");
    EXPECT_EQ(WEFT_ENOTFOUND, ask(&f, "cells/box", ROBOT_URI)->err);
    EXPECT_TRUE(!reveal_has_text(ask(&f, "cells", ROBOT_URI), "agreement box"));
    finish(&f);
}
