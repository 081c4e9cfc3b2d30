/* What was redacted, to those who may see the field and to those who may not. */
#include "policy/evidence.h"
#include "proto/statement.h"
#include "tests/lib/test.h"
#include "tests/unit/node/reveal_rig.h"

#define SECRET "Zwx7Qk4Jv93Tn8RfHb2"
#define OTHER "Qvj1Lm6Yd05Pc"
#define BO "spiffe://" RIG_BO

static const char *const by_ann[] = {RIG_ANN, NULL};

static struct weft_record inspection(const char *asset, struct weft_field fields[3])
{
    fields[0] = (struct weft_field){WEFT_TEXT("operator/name"), WEFT_TEXT(SECRET), WEFT_VALUE_TEXT};
    fields[1] = (struct weft_field){WEFT_TEXT("health"), WEFT_TEXT(OTHER), WEFT_VALUE_TEXT};
    fields[2] = (struct weft_field){WEFT_TEXT("diameter"), WEFT_TEXT("12.5"), WEFT_VALUE_REAL};
    return (struct weft_record){.kind = WEFT_TEXT("inspection"),
        .asset = weft_text_of(asset),
        .fields = fields,
        .field_count = 3};
}

/* Bo sees all, the robot neither who it was nor when it was true; two boxes of one commit at 3. */
static void start(struct fixture *f)
{
    struct weft_field fields[2][3];
    reveal_arena.size_max = 64 << 20;
    rig_start(f, "state");
    struct weft_digest digest = rig_govern(f);
    struct weft_record policy = rig_policy(2, &digest,
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
        "permit write\n  who op ann op cy\n  do write create\n"
        "permit redact\n  who op ann\n  do redact\n"
        "permit see\n  who op bo\n  do read subscribe\n"
        "permit robot\n  who svc robot\n  do read subscribe\n  hide operator/name health @at\n",
        by_ann, NULL);
    EXPECT_EQ(WEFT_OK, rig_commit(f, RIG_BO, &policy, 1)->err);
    const struct weft_record both[] = {
        inspection("box:1", fields[0]), inspection("box:2", fields[1])};
    EXPECT_EQ(WEFT_OK, rig_commit(f, RIG_CY, both, 2)->err);
}

static void redact(struct fixture *f, const char *path)
{
    struct weft_field fields[] = {{WEFT_TEXT("kind"), WEFT_TEXT("inspection"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("index"), WEFT_TEXT("3"), WEFT_VALUE_INT},
        {WEFT_TEXT("path"), weft_text_of(path), WEFT_VALUE_TEXT},
        {WEFT_TEXT("reason"), WEFT_TEXT("was asked to"), WEFT_VALUE_TEXT}};
    const struct weft_record record = {.kind = WEFT_TEXT("redaction"),
        .asset = WEFT_TEXT("box:1"),
        .fields = fields,
        .field_count = 4};
    EXPECT_EQ(WEFT_OK, rig_commit(f, RIG_ANN, &record, 1)->err);
}

/* The field of the asset's inspection, as `who` is told of it. */
static struct weft_field told(
    struct fixture *f, const char *who, const char *asset, const char *path, char ret_text[80])
{
    static struct reveal_answer a;
    const struct weft_query q = {.type = WEFT_QUERY_FIND,
        .asset_glob = weft_text_of(asset),
        .kind = WEFT_TEXT("inspection")};
    reveal_ask(f, q, who, &a);
    EXPECT_EQ(WEFT_OK, a.err);
    EXPECT_EQ(1, a.message.page.record_count);
    const struct weft_record *r = &a.message.page.records[0].record;
    for (uint32_t i = 0; i < r->field_count; i++) {
        if (weft_text_is(r->fields[i].path, path)) {
            struct weft_field field = r->fields[i];
            EXPECT_TRUE(field.value.size < 80);
            memcpy(ret_text, field.value.data, field.value.size);
            field.value.data = ret_text;
            return field;
        }
    }
    EXPECT_TRUE(false);
    return (struct weft_field){.type = WEFT_VALUE_NULL};
}

static const char *const hidden[] = {"operator/name/@hidden", "health/@hidden"};

TEST(redact_reveal, shows_what_was_redacted_as_such_and_commits_to_the_rest_as_before)
{
    static const char *const assets[] = {"box:1", "box:2"};
    struct fixture f;
    char before[2][2][80], text[80];
    struct weft_field field, was[2][2];
    start(&f);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            was[i][j] = told(&f, ROBOT_URI, assets[i], hidden[j], before[i][j]);
        }
    }
    for (int round = 0; round < 2; round++) {
        redact(&f, round == 0 ? "operator/name" : "health");
        /* Whom it is hidden from is told what he was told before: NOD-170. */
        for (int i = 0; i < 2; i++) {
            for (int j = 0; j < 2; j++) {
                field = told(&f, ROBOT_URI, assets[i], hidden[j], text);
                EXPECT_EQ(WEFT_VALUE_TEXT, field.type);
                EXPECT_TRUE(weft_text_equal(was[i][j].value, field.value));
            }
        }
        field = told(&f, BO, "box:1", "operator/name", text);
        EXPECT_EQ(WEFT_VALUE_REDACTED, field.type);
        EXPECT_TRUE(weft_text_equal(was[0][0].value, field.value));
        field = told(&f, BO, "box:1", "health", text);
        EXPECT_EQ(round == 0 ? WEFT_VALUE_TEXT : WEFT_VALUE_REDACTED, field.type);
        EXPECT_TRUE(weft_text_equal(round == 0 ? WEFT_TEXT(OTHER) : was[0][1].value, field.value));
        field = told(&f, BO, "box:2", "operator/name", text);
        EXPECT_TRUE(weft_text_is(field.value, SECRET));
    }
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}

/* NOD-170 */
TEST(redact_reveal, gives_evidence_to_whom_the_audit_log_is_permitted)
{
    static struct reveal_answer a;
    struct fixture f;
    char path[WEFT_EVIDENCE_PATH_SIZE];
    struct weft_digest digest, commitment = {{0}};
    struct weft_query q = {.type = WEFT_QUERY_AUDIT, .asset = WEFT_TEXT("tile/entries/000.p/1")};
    reveal_arena.size_max = 64 << 20;
    rig_start(&f, "state");
    digest = rig_govern(&f);
    struct weft_record policy = rig_policy(2, &digest,
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys read\n"
        "permit robot\n  who svc robot\n  do read\n  on kind inspection\n",
        by_ann, NULL);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &policy, 1)->err);
    reveal_ask(&f, q, ROBOT_URI, &a);
    EXPECT_EQ(WEFT_OK, a.err);
    weft_evidence_format_path(&commitment, path);
    q.asset = weft_text_of(path);
    reveal_ask(&f, q, BO, &a);
    EXPECT_EQ(WEFT_ENOTFOUND, a.err);
    reveal_ask(&f, q, ROBOT_URI, &a); /* Nor whether there is such a one. */
    EXPECT_EQ(WEFT_EREFUSED, a.err);
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}

TEST(redact_reveal, nothing_holds_of_what_is_not_there_and_no_answer_has_it)
{
    static struct reveal_answer a;
    static const enum weft_query_type types[] = {
        WEFT_QUERY_ASSET, WEFT_QUERY_STORY, WEFT_QUERY_COMMITS, WEFT_QUERY_FIND};
    static const enum weft_operator ops[] = {WEFT_OP_EQ, WEFT_OP_NE, WEFT_OP_LT, WEFT_OP_GE};
    struct fixture f;
    start(&f);
    redact(&f, "operator");
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct weft_query q = {.type = types[i], .asset = WEFT_TEXT("box:1"), .limit = 1};
        reveal_ask(&f, q, BO, &a);
        EXPECT_EQ(WEFT_OK, a.err);
        EXPECT_TRUE(reveal_has_text(&a, "@redacted"));
        /* Pages whose cursors are covered by salts, where the seed is gone: NOD-175. */
        reveal_ask(&f, q, ROBOT_URI, &a);
        EXPECT_EQ(WEFT_OK, a.err);
        EXPECT_TRUE(reveal_has_text(&a, "@hidden") && !reveal_has_text(&a, "@redacted"));
        EXPECT_TRUE(!reveal_has_text(&a, OTHER));
    }
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        struct weft_query q = {.type = WEFT_QUERY_FIND,
            .asset_glob = WEFT_TEXT("box:1"),
            .where_path = WEFT_TEXT("operator/name"),
            .where_op = ops[i],
            .where_value = WEFT_TEXT(SECRET)};
        reveal_ask(&f, q, BO, &a);
        EXPECT_EQ(WEFT_OK, a.err);
        EXPECT_EQ(0, a.count);
    }
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}
