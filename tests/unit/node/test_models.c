/* Registered models: what registers them, what they refuse, from when on; the same on every
 * replica, after every restart, whatever the batching. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/statement.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_fixture.h"

/* ' stands for ". Version, then contents. */
#define MODEL(kind, version, rest)                                                                 \
    "{'@context':['dtmi:dtdl:context;3','dtmi:dtdl:extension:quantitativeTypes;1',"                \
    "'dtmi:weft:context;1'],'@id':'dtmi:example:" kind ";" version                                 \
    "','@type':'Interface','weft:kind':'" kind "'," rest "}"
#define LENGTH(name)                                                                               \
    "{'@type':['Property','Length'],'name':'" name "','schema':'double','unit':'millimetre'}"
#define ENUM(values)                                                                               \
    "{'@type':'Property','name':'verdict','weft:required':true,'schema':{'@type':'Enum',"          \
    "'valueSchema':'string','enumValues':[" values "]}}"
#define VALUE(name) "{'name':'" name "','enumValue':'" name "'}"
#define BOX_1 MODEL("box", "1", "'contents':[" ENUM(VALUE("PASS") "," VALUE("FAIL")) "]")
#define BOX_2                                                                                      \
    MODEL("box", "2",                                                                              \
        "'contents':[" ENUM(VALUE("PASS") "," VALUE("FAIL")) "," LENGTH("flatness") "]")
#define BOX_3 MODEL("box", "3", "'contents':[" ENUM(VALUE("PASS")) "]")

enum {
    TEXTS = 8,
    TEXT_SIZE = 70 * 1024
};

static char texts[TEXTS][TEXT_SIZE];
static struct weft_field fields[TEXTS][3];
static uint32_t used;

static struct weft_text quoted(const char *text)
{
    char *out = texts[used % TEXTS];
    size_t size = strlen(text);
    EXPECT_TRUE(size < TEXT_SIZE);
    for (size_t i = 0; i <= size; i++) {
        out[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    }
    return (struct weft_text){out, size};
}

/* `version` "": none. */
static struct weft_record model_record(
    const char *asset, const char *dtdl, const char *version, bool is_breaking)
{
    struct weft_field *f = fields[used % TEXTS];
    f[0] = (struct weft_field){WEFT_TEXT("dtdl"), quoted(dtdl), WEFT_VALUE_TEXT};
    f[1] = (struct weft_field){WEFT_TEXT("version"), weft_text_of(version), WEFT_VALUE_INT};
    f[2] = (struct weft_field){WEFT_TEXT("breaking"), WEFT_TEXT("true"), WEFT_VALUE_BOOL};
    used++;
    return (struct weft_record){.kind = WEFT_TEXT("model"),
        .asset = weft_text_of(asset),
        .fields = f,
        .field_count = is_breaking ? 3 : 2};
}

static struct weft_record text_record(
    const char *kind, const char *asset, const char *path, const char *value)
{
    struct weft_field *f = fields[used++ % TEXTS];
    f[0] = (struct weft_field){weft_text_of(path), weft_text_of(value), WEFT_VALUE_TEXT};
    return (struct weft_record){
        .kind = weft_text_of(kind), .asset = weft_text_of(asset), .fields = f, .field_count = 1};
}

static struct weft_record verdict(const char *value)
{
    return text_record("box", "serial:1", "verdict", value);
}

static uint64_t request;

static const struct weft_applied_item *commit(struct fixture *f, struct weft_record record)
{
    return fixture_commit(f, ++request, &record, 1);
}

static void expect_taken(struct fixture *f, struct weft_record record)
{
    const struct weft_applied_item *item = commit(f, record);
    EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
}

static void expect_refused(struct fixture *f, struct weft_record record, enum weft_err err,
    const char *pointer, const char *detail)
{
    const struct weft_applied_item *item = commit(f, record);
    EXPECT_EQ(err, item->err);
    EXPECT_TEXT(detail, item->error.detail.data);
    EXPECT_TEXT(pointer, item->error.pointer.data);
}

static void start(struct fixture *f)
{
    request = 0;
    used = 0;
    fixture_init(f, "state");
    fixture_open(f);
}

/* --- registering ----------------------------------------------------------------------------- */

TEST(models, a_record_of_a_registered_kind_is_held_to_its_model)
{
    struct fixture f;
    start(&f);
    expect_taken(&f, verdict("whatever"));
    expect_taken(&f, model_record("kind:box", BOX_1, "1", false));
    expect_refused(&f, verdict("whatever"), WEFT_EINVAL, "/records/0/attrs/verdict",
        "\"whatever\" is no Enum of PASS, FAIL");
    expect_taken(&f, verdict("PASS"));
    const struct weft_record records[] = {
        verdict("PASS"), fixture_record("serial:2"), text_record("box", "serial:3", "note", "x")};
    const struct weft_applied_item *item = fixture_commit(&f, ++request, records, 3);
    EXPECT_EQ(WEFT_EINVAL, item->err);
    EXPECT_TEXT("/records/2/attrs/verdict", item->error.pointer.data);
    EXPECT_TEXT("'verdict' is missing: Enum of PASS, FAIL is required", item->error.detail.data);
    struct weft_state_position position;
    weft_state_position(f.state, &position);
    EXPECT_EQ(3, position.records); /* Nothing of what was refused. */
    fixture_destroy(&f);
}

TEST(models, what_does_not_register_a_model_is_refused_with_its_place)
{
    struct fixture f;
    start(&f);
    expect_refused(&f, model_record("box", BOX_1, "1", false), WEFT_EINVAL, "/records/0/asset",
        "a model stands on the asset kind:NAME of its kind");
    expect_refused(&f, model_record("kind:Box", BOX_1, "1", false), WEFT_EINVAL, "/records/0/asset",
        "'Box' is not a kind that may be registered: 1 to 63 of a-z 0-9 _ . -, none of model, "
        "site_setting, authority and access_label");
    expect_refused(&f, model_record("kind:model", MODEL("model", "1", "'contents':[]"), "1", false),
        WEFT_EINVAL, "/records/0/asset",
        "'model' is not a kind that may be registered: 1 to 63 of a-z 0-9 _ . -, none of model, "
        "site_setting, authority and access_label");
    expect_refused(&f, model_record("kind:lot", BOX_1, "1", false), WEFT_EINVAL, "/records/0/asset",
        "the text is a model of kind box");
    expect_refused(&f, model_record("kind:box", BOX_1, "2", false), WEFT_EINVAL,
        "/records/0/attrs/version", "the text is version 1 of its model");
    expect_refused(&f, model_record("kind:box", BOX_1, "-1", false), WEFT_EINVAL,
        "/records/0/attrs/version",
        "the version of the model, a whole number from 1 on, was expected");
    expect_refused(&f, model_record("kind:box", "{", "1", false), WEFT_EMALFORMED,
        "/records/0/attrs/dtdl", "line 1, column 2: the text ends too early");
    expect_refused(&f, model_record("kind:box", MODEL("box", "1", "'contents':[7]"), "1", false),
        WEFT_EINVAL, "/records/0/attrs/dtdl",
        "line 1, column 178 (/contents/0): must be an object, is a number");
    expect_refused(&f, text_record("model", "kind:box", "text", "x"), WEFT_EINVAL,
        "/records/0/attrs/dtdl", "the text of the model, DTDL v3, was expected");
    struct weft_record record = model_record("kind:box", BOX_1, "1", true);
    fields[(used - 1) % TEXTS][2] =
        (struct weft_field){WEFT_TEXT("breaking"), WEFT_TEXT("1"), WEFT_VALUE_INT};
    expect_refused(
        &f, record, WEFT_EINVAL, "/records/0/attrs/breaking", "true or false was expected");
    expect_taken(&f, verdict("free")); /* Nothing was registered. */
    fixture_destroy(&f);
}

TEST(models, versions_rise_and_breaking_is_said)
{
    struct fixture f;
    start(&f);
    expect_taken(&f, model_record("kind:box", BOX_2, "2", false));
    expect_taken(&f, model_record("kind:box", BOX_2, "2", false)); /* The same once more. */
    expect_refused(&f, model_record("kind:box", BOX_1, "1", false), WEFT_ECONFLICT,
        "/records/0/attrs/version", "kind box is at version 2: give the model version 3 or above");
    expect_refused(&f, model_record("kind:box", MODEL("box", "2", "'contents':[]"), "2", true),
        WEFT_ECONFLICT, "/records/0/attrs/version",
        "kind box is at version 2: give the model version 3 or above");
    expect_refused(&f, model_record("kind:box", BOX_3, "3", false), WEFT_ECONFLICT,
        "/records/0/attrs/dtdl",
        "version 3 of kind box breaks version 2 in 2 ways, of which the first: /attrs/flatness: "
        "removed; if that is meant, say \"breaking\": true");
    expect_taken(&f, verdict("FAIL"));
    expect_taken(&f, model_record("kind:box", BOX_3, "3", true));
    expect_refused(&f, verdict("FAIL"), WEFT_EINVAL, "/records/0/attrs/verdict",
        "\"FAIL\" is no Enum of PASS");
    fixture_destroy(&f);
}

/* --- when it is in force --------------------------------------------------------------------- */

TEST(models, a_commit_is_held_to_what_earlier_indexes_registered)
{
    struct fixture f;
    start(&f);
    /* A model and a record of its kind together: the record is free. */
    const struct weft_record together[] = {
        model_record("kind:box", BOX_1, "1", false), verdict("free")};
    EXPECT_EQ(WEFT_OK, fixture_commit(&f, ++request, together, 2)->err);
    expect_refused(&f, verdict("free"), WEFT_EINVAL, "/records/0/attrs/verdict",
        "\"free\" is no Enum of PASS, FAIL");
    /* Another commit of the same entry: free too; from the next index on it is not. */
    const struct weft_record lot = model_record(
        "kind:lot", MODEL("lot", "1", "'contents':[" ENUM(VALUE("PASS")) "]"), "1", false);
    const struct weft_record first = text_record("lot", "lot:1", "verdict", "free");
    struct weft_commit commits[] = {
        {.records = &lot, .record_count = 1}, {.records = &first, .record_count = 1}};
    commits[0].request_id.bytes[0] = 77;
    commits[1].request_id.bytes[0] = 78;
    test_entry_begin(&f.entry);
    EXPECT_TRUE(test_entry_commit(&f.entry, "person/17", &commits[0]));
    EXPECT_TRUE(test_entry_commit(&f.entry, "person/17", &commits[1]));
    fixture_apply(&f);
    EXPECT_EQ(2, f.item_count);
    EXPECT_EQ(WEFT_OK, f.items[0].err);
    EXPECT_EQ(WEFT_OK, f.items[1].err);
    EXPECT_EQ(WEFT_EINVAL, commit(&f, text_record("lot", "lot:1", "verdict", "free"))->err);
    fixture_destroy(&f);
}

TEST(models, two_versions_in_one_commit_follow_each_other)
{
    struct fixture f;
    start(&f);
    const struct weft_record both[] = {
        model_record("kind:box", BOX_1, "1", false), model_record("kind:box", BOX_2, "2", false)};
    EXPECT_EQ(WEFT_OK, fixture_commit(&f, ++request, both, 2)->err);
    expect_refused(&f, model_record("kind:box", BOX_1, "1", false), WEFT_ECONFLICT,
        "/records/0/attrs/version", "kind box is at version 2: give the model version 3 or above");
    const struct weft_record wrong[] = {
        model_record("kind:box", BOX_3, "3", true), model_record("kind:box", BOX_2, "2", false)};
    EXPECT_EQ(WEFT_ECONFLICT, fixture_commit(&f, ++request, wrong, 2)->err);
    expect_taken(&f, verdict("FAIL")); /* Version 3 went with its commit. */
    fixture_destroy(&f);
}

/* --- settings -------------------------------------------------------------------------------- */

TEST(models, kinds_without_a_model_are_refused_if_the_site_says_so)
{
    struct fixture f;
    start(&f);
    expect_taken(&f, fixture_record("serial:1"));
    expect_taken(&f, text_record("site_setting", "site:settings", "unregistered_kinds", "refuse"));
    expect_refused(&f, fixture_record("serial:1"), WEFT_EINVAL, "/records/0/kind",
        "kind 'test' is not registered, and the site refuses such kinds: register a model of it "
        "(weft model add), or set unregistered_kinds to allow");
    expect_taken(&f, model_record("kind:box", BOX_1, "1", false));
    expect_taken(&f, verdict("PASS"));
    fixture_close(&f);
    fixture_open(&f);
    EXPECT_EQ(WEFT_EINVAL, commit(&f, fixture_record("serial:1"))->err);
    expect_taken(&f, text_record("site_setting", "site:settings", "unregistered_kinds", "allow"));
    expect_taken(&f, fixture_record("serial:1"));
    fixture_destroy(&f);
}

TEST(models, settings_are_known_and_stand_on_their_asset)
{
    struct fixture f;
    start(&f);
    expect_refused(&f, text_record("site_setting", "site", "unregistered_kinds", "refuse"),
        WEFT_EINVAL, "/records/0/asset", "the settings of a site stand on the asset site:settings");
    expect_refused(&f, text_record("site_setting", "site:settings", "unregistered_kinds", "no"),
        WEFT_EINVAL, "/records/0/attrs/unregistered_kinds", "\"allow\" or \"refuse\" was expected");
    expect_refused(&f, text_record("site_setting", "site:settings", "unregisteredKinds", "allow"),
        WEFT_EINVAL, "/records/0/attrs", "unknown setting: unregistered_kinds is what can be set");
    fixture_destroy(&f);
}

/* --- restarts, replicas, the offline check --------------------------------------------------- */

TEST(models, a_state_that_is_opened_again_knows_them)
{
    struct fixture f;
    start(&f);
    expect_taken(&f, model_record("kind:box", BOX_1, "1", false));
    expect_taken(&f, model_record("kind:box", BOX_2, "2", false));
    fixture_close(&f);
    fixture_open(&f);
    expect_refused(&f, verdict("free"), WEFT_EINVAL, "/records/0/attrs/verdict",
        "\"free\" is no Enum of PASS, FAIL");
    expect_refused(&f, model_record("kind:box", BOX_1, "1", false), WEFT_ECONFLICT,
        "/records/0/attrs/version", "kind box is at version 2: give the model version 3 or above");
    struct weft_state_check check = {.directory = f.directory};
    fixture_close(&f);
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &msg));
    EXPECT_TEXT("", msg.text);
    fixture_open(&f);
    fixture_destroy(&f);
}

/* One of a random history of models, settings and records, the same whenever it is asked for. */
static struct weft_record random_record(uint64_t n)
{
    static const char *const verdicts[] = {"PASS", "FAIL", "free"};
    static const char *const models[] = {BOX_1, BOX_2, BOX_3};
    static const char *const versions[] = {"1", "2", "3"};
    uint64_t x = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 32;
    uint64_t which = (x >> 8) % 3;
    switch (x % 12) {
    case 0:
        return model_record("kind:box", models[which], versions[which], (x >> 20) % 2 == 0);
    case 1:
        return text_record("site_setting", "site:settings", "unregistered_kinds",
            (x >> 20) % 2 == 0 ? "refuse" : "allow");
    case 2:
    case 3:
    case 4:
        return text_record("other", "serial:9", "note", "x");
    default:
        return verdict(verdicts[which]);
    }
}

/* Entries of one to four commits, some of two records; reopened now and then if `reopens`.
 * Returns how many commits were refused. */
static uint32_t replay(struct fixture *f, uint64_t entries, bool reopens)
{
    uint32_t refused = 0;
    for (uint64_t i = 0; i < entries; i++) {
        test_entry_begin(&f->entry);
        for (uint64_t n = 0; n <= i * 7 % 4; n++) {
            uint64_t id = i * 8 + n * 2;
            const struct weft_record records[] = {random_record(id), random_record(id + 1)};
            struct weft_commit c = {.records = records, .record_count = 1 + (id % 6 == 0)};
            memcpy(c.request_id.bytes, &id, sizeof(id));
            c.request_id.bytes[15] = 1;
            EXPECT_TRUE(test_entry_commit(&f->entry, "person/17", &c));
        }
        fixture_apply(f);
        for (uint32_t n = 0; n < f->item_count; n++) {
            refused += f->items[n].err != WEFT_OK;
        }
        if (reopens && i % 5 == 4) {
            fixture_close(f);
            fixture_open(f);
        }
    }
    return refused;
}

TEST(models, replicas_agree_whenever_they_were_opened)
{
    struct fixture a, b;
    start(&a);
    fixture_init(&b, "other");
    fixture_open(&b);
    uint32_t refused = replay(&a, 120, false);
    EXPECT_EQ(refused, replay(&b, 120, true));
    EXPECT_TRUE(refused > 40); /* And as many were taken: */
    struct weft_state_position pa, pb;
    weft_state_position(a.state, &pa);
    weft_state_position(b.state, &pb);
    EXPECT_TRUE(pa.records > 100);
    EXPECT_EQ(pa.records, pb.records);
    EXPECT_TRUE(weft_digest_equal(&pa.chain, &pb.chain)); /* NOD-7, NOD-141 */
    struct weft_digest_result da = fixture_digest(&a), db = fixture_digest(&b);
    EXPECT_TRUE(weft_digest_equal(&da.digest, &db.digest));
    fixture_close(&b);
    struct weft_state_check check = {.directory = b.directory};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &msg));
    EXPECT_TEXT("", msg.text);
    fixture_open(&b);
    fixture_destroy(&a);
    fixture_destroy(&b);
}

/* Digest of the first record of kind "box" in a state where `model` came before it. */
static struct weft_digest digest_behind(const char *name, struct weft_record model)
{
    struct fixture f;
    request = 0;
    fixture_init(&f, name);
    fixture_open(&f);
    expect_taken(&f, model);
    struct weft_digest digest = commit(&f, verdict("PASS"))->result.receipts[0].digest;
    fixture_destroy(&f);
    return digest;
}

TEST(models, the_model_in_force_is_part_of_the_statement)
{
    used = 0;
    struct weft_digest with = digest_behind("a", model_record("kind:box", BOX_1, "1", false));
    struct weft_digest other = digest_behind(
        "b", model_record("kind:lot", MODEL("lot", "1", "'contents':[]"), "1", false));
    struct weft_digest none = digest_behind("c", fixture_record("serial:2"));
    EXPECT_TRUE(!weft_digest_equal(&with, &none)); /* NOD-141 */
    EXPECT_TRUE(weft_digest_equal(&other, &none)); /* Nothing else differs. */
}

TEST(models, a_site_has_room_for_a_thousand_kinds)
{
    struct fixture f;
    start(&f);
    char kind[32], asset[32], text[512];
    for (int i = 0; i < WEFT_MODELS_MAX; i++) {
        (void)snprintf(kind, sizeof(kind), "k%d", i);
        (void)snprintf(asset, sizeof(asset), "kind:%s", kind);
        (void)snprintf(text, sizeof(text),
            "{'@context':['dtmi:dtdl:context;3','dtmi:weft:context;1'],'@id':'dtmi:e:%s;1',"
            "'@type':'Interface','weft:kind':'%s'}",
            kind, kind);
        EXPECT_EQ(WEFT_OK, commit(&f, model_record(asset, text, "1", false))->err);
    }
    expect_refused(&f, model_record("kind:box", BOX_1, "1", false), WEFT_ETOOBIG, "/records/0",
        "1024 kinds are registered, which is the limit");
    EXPECT_EQ(WEFT_OK, commit(&f, model_record(asset, text, "1", false))->err);
    fixture_close(&f);
    fixture_open(&f);
    EXPECT_EQ(WEFT_ETOOBIG, commit(&f, model_record("kind:box", BOX_1, "1", false))->err);
    fixture_destroy(&f);
}
