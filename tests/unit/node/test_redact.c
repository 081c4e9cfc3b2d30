/* Redaction: who may, holds, what is left, that replicas and the offline check agree, and that no
 * byte of the value, of its salt or of the seed stays in the files. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/audit_read.h"
#include "node/state/loader.h"
#include "node/state/machine.h"
#include "node/state/redaction.h"
#include "policy/evidence.h"
#include "proto/statement.h"
#include "proto/stored.h"
#include "tests/lib/test.h"
#include "tests/unit/node/authority_rig.h"

/* Nothing that is said elsewhere: blobs are compressed, and only what is new in them stands there
 * as it is. */
#define SECRET "Zwx7Qk4Jv93Tn8RfHb2"
#define OTHER "Qvj1Lm6Yd05Pc"

static const char *const by_ann[] = {RIG_ANN, NULL};
static const volatile bool never = false;

static struct weft_field fields[8][6];
static uint32_t next_fields;

/* A record of kind `inspection` with these texts at operator/name and health, and a number. */
static struct weft_record inspection(const char *asset, const char *name, const char *health)
{
    struct weft_field *f = fields[next_fields++ % 8];
    f[0] = (struct weft_field){WEFT_TEXT("operator/name"), weft_text_of(name), WEFT_VALUE_TEXT};
    f[1] = (struct weft_field){WEFT_TEXT("health"), weft_text_of(health), WEFT_VALUE_TEXT};
    f[2] = (struct weft_field){WEFT_TEXT("diameter"), WEFT_TEXT("12.5"), WEFT_VALUE_REAL};
    return (struct weft_record){.kind = WEFT_TEXT("inspection"),
        .asset = weft_text_of(asset),
        .fields = f,
        .field_count = 3};
}

static struct weft_record redaction(const char *asset, const char *index, const char *path)
{
    struct weft_field *f = fields[next_fields++ % 8];
    f[0] = (struct weft_field){WEFT_TEXT("kind"), WEFT_TEXT("inspection"), WEFT_VALUE_TEXT};
    f[1] = (struct weft_field){WEFT_TEXT("index"), weft_text_of(index), WEFT_VALUE_INT};
    f[2] = (struct weft_field){WEFT_TEXT("path"), weft_text_of(path), WEFT_VALUE_TEXT};
    f[3] = (struct weft_field){WEFT_TEXT("reason"), WEFT_TEXT("was asked to"), WEFT_VALUE_TEXT};
    return (struct weft_record){.kind = WEFT_TEXT("redaction"),
        .asset = weft_text_of(asset),
        .fields = f,
        .field_count = 4};
}

static struct weft_record hold(const char *asset, const char *name, const char *until, bool is_over)
{
    struct weft_field *f = fields[next_fields++ % 8];
    uint32_t count = 0;
    f[count++] = (struct weft_field){WEFT_TEXT("name"), weft_text_of(name), WEFT_VALUE_TEXT};
    if (until != NULL) {
        f[count++] = (struct weft_field){WEFT_TEXT("until"), weft_text_of(until), WEFT_VALUE_TEXT};
    }
    if (is_over) {
        f[count++] = (struct weft_field){WEFT_TEXT("released"), WEFT_TEXT("true"), WEFT_VALUE_BOOL};
    }
    return (struct weft_record){.kind = WEFT_TEXT("retention_hold"),
        .asset = weft_text_of(asset),
        .fields = f,
        .field_count = count};
}

static enum weft_err commit(struct fixture *f, const char *who, struct weft_record record)
{
    return rig_commit(f, who, &record, 1)->err;
}

/* Governed; ann may all, cy writes. The next index is 3. */
static void start(struct fixture *f, const char *name)
{
    rig_start(f, name);
    struct weft_digest digest = rig_govern(f);
    struct weft_record policy = rig_policy(2, &digest,
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
        "permit write\n  who op ann op cy\n  do write create\n"
        "permit redact\n  who op ann\n  do redact\n  on kind inspection\n"
        "permit evidence\n  who op ann\n  do redact\n  on asset weft:audit kind audit\n",
        by_ann, NULL);
    EXPECT_EQ(WEFT_OK, rig_commit(f, RIG_BO, &policy, 1)->err);
}

static void expect_sound(struct fixture *f)
{
    struct weft_state_check check = {.directory = f->directory};
    fixture_close(f);
    enum weft_err err = weft_state_check(&check, &f->msg);
    EXPECT_TEXT("", err == WEFT_OK ? "" : f->msg.text);
    fixture_open(f);
}

/* The record at that place as the store has it; borrows the fixture's arena. */
static struct weft_record stored(
    struct fixture *f, uint64_t index, uint32_t ordinal, struct weft_digest *ret_digest)
{
    struct weft_loader loader;
    struct weft_bytes bytes;
    struct weft_record record;
    int64_t time_ns;
    weft_loader_init(&loader, f->state->store, NULL);
    EXPECT_EQ(WEFT_OK, weft_loader_find(&loader, index, ordinal, &bytes, &time_ns, &f->msg));
    uint8_t *copy = weft_arena_alloc(&f->arena, bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    EXPECT_EQ(WEFT_OK,
        weft_stored_decode((struct weft_bytes){copy, bytes.size}, &f->arena, ret_digest, &record));
    weft_loader_close(&loader);
    return record;
}

static struct weft_audit_leaf last_leaf(struct fixture *f)
{
    static uint8_t bytes[WEFT_LEAF_SIZE_MAX];
    struct weft_buffer log = {.size_max = sizeof(bytes)};
    struct weft_audit_reader reader;
    struct weft_audit_leaf leaf;
    weft_audit_reader_init(&reader, f->state->store, NULL);
    EXPECT_EQ(WEFT_OK,
        weft_audit_read_leaves(&reader, weft_state_audit(f->state).size - 1, 1, &log, &f->msg));
    weft_audit_reader_close(&reader);
    memcpy(bytes, log.data, log.size);
    struct weft_text text = {(const char *)bytes + 2, log.size - 2};
    EXPECT_EQ(WEFT_OK, weft_audit_leaf_parse(text, &leaf, &f->msg));
    weft_buffer_destroy(&log);
    return leaf;
}

static bool has_seed(struct fixture *f, uint64_t index)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_records(index, 0);
    struct weft_pack pack;
    EXPECT_EQ(WEFT_OK, weft_store_get(f->state->store, NULL, &key, &value, &f->msg));
    EXPECT_EQ(WEFT_OK, weft_pack_open(value.bytes, &pack));
    bool has = pack.seed != NULL;
    weft_store_release(&value);
    return has;
}

/* In how many files of the state these bytes are. */
static unsigned files_with(struct fixture *f, const void *needle, size_t size)
{
    unsigned count = 0;
    DIR *directory = opendir(f->directory);
    EXPECT_TRUE(directory != NULL);
    for (const struct dirent *e; (e = readdir(directory)) != NULL;) {
        char path[1200];
        (void)snprintf(path, sizeof(path), "%s/%s", f->directory, e->d_name);
        FILE *file = fopen(path, "rb");
        static uint8_t content[8 << 20];
        size_t got = file != NULL ? fread(content, 1, sizeof(content), file) : 0;
        count += got > 0 && memmem(content, got, needle, size) != NULL;
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    (void)closedir(directory);
    return count;
}

/* --- what is left ---------------------------------------------------------------------------- */

TEST(redact, a_field_goes_and_its_leaf_stands_for_it)
{
    struct fixture f;
    struct weft_digest before, after, leaf;
    start(&f, "state");
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_CY, inspection("box:1", SECRET, OTHER)));
    (void)stored(&f, 3, 0, &before);
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_ANN, redaction("box:1", "3", "operator/name")));
    struct weft_record record = stored(&f, 3, 0, &after);
    EXPECT_MEM(before.bytes, after.bytes, WEFT_DIGEST_SIZE);
    EXPECT_EQ(WEFT_VALUE_REDACTED, record.fields[0].type);
    EXPECT_TRUE(weft_text_is(record.fields[1].value, OTHER));
    EXPECT_EQ(WEFT_OK, weft_digest_parse(record.fields[0].value, &leaf));
    struct weft_audit_leaf said = last_leaf(&f);
    EXPECT_TRUE(weft_text_is(said.act, "redact"));
    EXPECT_TRUE(weft_text_is(said.subject, "index 3"));
    EXPECT_TRUE(weft_text_is(said.statement, "redact"));
    EXPECT_EQ(1, said.evidence_count);
    EXPECT_MEM(leaf.bytes, said.evidence[0].bytes, WEFT_DIGEST_SIZE);
    EXPECT_EQ(4, weft_state_redacted(f.state));
    expect_sound(&f);
    EXPECT_EQ(4, weft_state_redacted(f.state));
    /* Once more, and the rest of it. */
    EXPECT_EQ(WEFT_ESTATE, commit(&f, RIG_ANN, redaction("box:1", "3", "operator")));
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_ANN, redaction("box:1", "3", "health")));
    record = stored(&f, 3, 0, &after);
    EXPECT_EQ(WEFT_VALUE_REDACTED, record.fields[1].type);
    EXPECT_MEM(before.bytes, after.bytes, WEFT_DIGEST_SIZE);
    EXPECT_TRUE(weft_text_is(record.fields[2].value, "12.5"));
    expect_sound(&f);
    fixture_destroy(&f);
}

/* NOD-156 */
TEST(redact, no_byte_of_value_salt_or_seed_stays_in_the_files)
{
    struct fixture f;
    struct weft_record records[40];
    uint8_t seed[WEFT_SALT_SEED_SIZE];
    start(&f, "state");
    for (uint32_t i = 0; i < 40; i++) { /* Of one entry, in several packs. */
        static char names[40][32];
        static char filler[40][400];
        (void)snprintf(names[i], sizeof(names[i]), "box:%u", i);
        memset(filler[i], 'a' + (int)(i % 26), sizeof(filler[i]) - 1);
        static struct weft_field many[40][3];
        struct weft_record one = inspection(names[i], i == 17 ? SECRET : "somebody", filler[i]);
        memcpy(many[i], one.fields, sizeof(many[i]));
        one.fields = many[i];
        records[i] = one;
    }
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_CY, records, 40)->err);
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_records(3, 0);
    struct weft_pack pack;
    EXPECT_EQ(WEFT_OK, weft_store_get(f.state->store, NULL, &key, &value, &f.msg));
    EXPECT_EQ(WEFT_OK, weft_pack_open(value.bytes, &pack));
    memcpy(seed, pack.seed, sizeof(seed));
    weft_store_release(&value);
    struct weft_digest digest;
    struct weft_record record = stored(&f, 3, 17, &digest);
    uint32_t leaves[3];
    EXPECT_EQ(WEFT_OK, weft_statement_field_leaves(&record, &f.arena, leaves));
    struct weft_salt salt = weft_statement_salt(seed, 17, leaves[0]);
    EXPECT_EQ(WEFT_OK, weft_state_flush(f.state, &f.msg));
    EXPECT_TRUE(files_with(&f, SECRET, sizeof(SECRET) - 1) > 0);
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_ANN, redaction("box:17", "3", "operator/name")));
    EXPECT_EQ(WEFT_OK, weft_state_purge(f.state, &never, &f.msg));
    EXPECT_EQ(0, files_with(&f, SECRET, sizeof(SECRET) - 1));
    EXPECT_EQ(WEFT_OK, weft_store_get(f.state->store, NULL, &key, &value, &f.msg));
    EXPECT_TRUE(memmem(value.bytes.data, value.bytes.size, seed, sizeof(seed)) == NULL);
    weft_store_release(&value);
    EXPECT_EQ(0, files_with(&f, salt.bytes, sizeof(salt.bytes)));
    EXPECT_TRUE(files_with(&f, "somebody", 8) > 0); /* The others are there. */
    expect_sound(&f);
    fixture_destroy(&f);
}

/* --- who, and what not ----------------------------------------------------------------------- */

TEST(redact, only_whom_the_policy_lets_and_what_there_is)
{
    struct fixture f;
    start(&f, "state");
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_CY, inspection("box:1", SECRET, OTHER)));
    EXPECT_EQ(WEFT_EREFUSED, commit(&f, RIG_CY, redaction("box:1", "3", "health")));
    struct weft_record other = redaction("box:1", "3", "health");
    fields[(next_fields - 1) % 8][0].value = WEFT_TEXT("test"); /* ann: inspections alone. */
    EXPECT_EQ(WEFT_EREFUSED, commit(&f, RIG_ANN, other));
    EXPECT_EQ(WEFT_ENOTFOUND, commit(&f, RIG_ANN, redaction("box:1", "3", "heal")));
    EXPECT_EQ(WEFT_ENOTFOUND, commit(&f, RIG_ANN, redaction("box:1", "2", "health")));
    EXPECT_EQ(WEFT_ENOTFOUND, commit(&f, RIG_ANN, redaction("box:1", "99", "health")));
    EXPECT_EQ(WEFT_ENOTFOUND, commit(&f, RIG_ANN, redaction("box:2", "3", "health")));
    EXPECT_EQ(WEFT_EINVAL, commit(&f, RIG_ANN, redaction("box:1", "-3", "health")));
    EXPECT_EQ(WEFT_EINVAL, commit(&f, RIG_ANN, redaction("box:1", "3", "")));
    const struct weft_record both[] = {
        redaction("box:1", "3", "health"), redaction("box:1", "3", "operator")};
    EXPECT_EQ(WEFT_EINVAL, rig_commit(&f, RIG_ANN, both, 2)->err);
    EXPECT_EQ(0, weft_state_redacted(f.state));
    expect_sound(&f);
    fixture_destroy(&f);
}

TEST(redact, what_governs_and_what_redacts_is_never_redacted)
{
    struct fixture f;
    rig_start(&f, "state"); /* Ungoverned: policy is not what refuses. */
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_CY, inspection("box:1", SECRET, OTHER)));
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_CY, redaction("box:1", "1", "health")));
    static const char *const kinds[] = {"redaction", "authority", "model", "retention_hold"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct weft_record record = redaction("box:1", "2", "reason");
        fields[(next_fields - 1) % 8][0].value = weft_text_of(kinds[i]);
        EXPECT_EQ(WEFT_EREFUSED, commit(&f, RIG_CY, record));
    }
    fixture_destroy(&f);
}

TEST(redact, a_hold_wins_until_it_ends_or_is_released)
{
    struct fixture f;
    start(&f, "state");
    f.time_ns = SIGNERS_NOW_NS;
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_CY, inspection("box:1", SECRET, OTHER)));
    EXPECT_EQ(WEFT_EREFUSED, commit(&f, RIG_CY, hold("box:1", "case-7", NULL, false)));
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_ANN, hold("box:1", "case-7", NULL, false)));
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_ANN, hold("box:1", "tax", "2000-01-01T00:00:00Z", false)));
    struct weft_record record = redaction("box:1", "3", "health");
    const struct weft_applied_item *item = rig_commit(&f, RIG_ANN, &record, 1);
    EXPECT_EQ(WEFT_EREFUSED, item->err);
    EXPECT_TRUE(strstr(item->error.detail.data, "case-7") != NULL);
    EXPECT_EQ(WEFT_EINVAL, commit(&f, RIG_ANN, hold("box:1", "", NULL, false)));
    EXPECT_EQ(WEFT_EINVAL, commit(&f, RIG_ANN, hold("box:1", "x", "soon", false)));
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_ANN, hold("box:1", "case-7", NULL, true)));
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_ANN, redaction("box:1", "3", "health")));
    expect_sound(&f);
    fixture_destroy(&f);
}

TEST(redact, evidence_goes_and_the_leaf_that_commits_to_it_stays)
{
    struct fixture f;
    static struct weft_field evidence[2];
    char text[WEFT_DIGEST_TEXT_SIZE];
    start(&f, "state");
    struct weft_record bad = rig_policy(1, NULL, RIG_POLICY, by_ann, NULL);
    struct weft_record good = inspection("box:1", SECRET, OTHER);
    const struct weft_commit two[] = {
        {.records = &bad, .record_count = 1}, {.records = &good, .record_count = 1}};
    test_entry_begin(&f.entry);
    EXPECT_TRUE(test_entry_commit(&f.entry, "spiffe://" RIG_ANN, &two[0]));
    EXPECT_TRUE(test_entry_commit(&f.entry, "spiffe://" RIG_CY, &two[1]));
    fixture_apply(&f);
    EXPECT_EQ(WEFT_ECONFLICT, f.items[0].err);
    EXPECT_EQ(WEFT_OK, f.items[1].err);
    EXPECT_TRUE(has_seed(&f, f.index));
    const uint64_t index = f.index;
    f.time_ns += INT64_C(2000000000);
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_CY, fixture_record("box:9")));
    /* The counted refusal became a leaf in front of the commit's. */
    struct weft_audit_reader reader;
    struct weft_buffer log = {.size_max = 1 << 20};
    struct weft_audit_leaf leaf;
    weft_audit_reader_init(&reader, f.state->store, NULL);
    EXPECT_EQ(WEFT_OK,
        weft_audit_read_leaves(&reader, weft_state_audit(f.state).size - 2, 1, &log, &f.msg));
    weft_audit_reader_close(&reader);
    EXPECT_EQ(
        WEFT_OK, weft_audit_leaf_parse(
                     (struct weft_text){(const char *)log.data + 2, log.size - 2}, &leaf, &f.msg));
    EXPECT_EQ(1, leaf.evidence_count);
    weft_digest_format(&leaf.evidence[0], text);
    evidence[0] = (struct weft_field){WEFT_TEXT("evidence"), weft_text_of(text), WEFT_VALUE_TEXT};
    evidence[1] = (struct weft_field){WEFT_TEXT("reason"), WEFT_TEXT("asked"), WEFT_VALUE_TEXT};
    const struct weft_record record = {.kind = WEFT_TEXT("redaction"),
        .asset = WEFT_TEXT("weft:audit"),
        .fields = evidence,
        .field_count = 2};
    EXPECT_EQ(WEFT_EREFUSED, commit(&f, RIG_CY, record));
    EXPECT_EQ(WEFT_OK, commit(&f, RIG_ANN, record));
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_evidence(&leaf.evidence[0]);
    EXPECT_EQ(WEFT_ENOTFOUND, weft_store_get(f.state->store, NULL, &key, &value, &f.msg));
    struct weft_audit_leaf said = last_leaf(&f);
    EXPECT_TRUE(weft_text_is(said.act, "redact") && weft_text_is(said.subject, "evidence"));
    EXPECT_MEM(leaf.evidence[0].bytes, said.evidence[0].bytes, WEFT_DIGEST_SIZE);
    EXPECT_EQ(WEFT_ENOTFOUND, commit(&f, RIG_ANN, record));
    EXPECT_TRUE(!has_seed(&f, index)); /* From which its salt would follow. */
    weft_buffer_destroy(&log);
    expect_sound(&f);
    fixture_destroy(&f);
}

/* NOD-155 */
TEST(redact, an_entry_that_may_hold_one_is_told_wherever_it_stands_in_it)
{
    static struct test_entry e;
    char asset[220] = "";
    struct weft_record record;
    for (size_t size = 1; size + 1 < sizeof(asset); size++) {
        asset[size - 1] = (char)('a' + (int)(size % 26));
        for (int is_redaction = 0; is_redaction < 2; is_redaction++) {
            struct weft_record records[2] = {
                inspection(asset, SECRET, OTHER), inspection(asset, OTHER, SECRET)};
            record = redaction(asset, "3", "health");
            records[size % 2] = is_redaction ? record : records[size % 2];
            struct weft_commit one = {.records = records, .record_count = 2};
            test_entry_begin(&e);
            EXPECT_TRUE(test_entry_commit(&e, "spiffe://" RIG_ANN, &one));
            struct weft_log_entry entry = test_entry_end(&e, 1, 1, SIGNERS_NOW_NS);
            EXPECT_EQ(is_redaction, weft_redaction_may_be(entry.data));
            for (size_t cut = 0; cut < 80 && cut < entry.data.size; cut++) { /* Within it. */
                (void)weft_redaction_may_be((struct weft_bytes){entry.data.data, cut});
            }
        }
    }
}

/* --- replicas -------------------------------------------------------------------------------- */

enum {
    ENTRIES = 120
};

/* The n-th entry of a history, from 1: inspections, and redactions of earlier ones. */
static struct weft_log_entry entry_of(struct test_entry *e, uint64_t n, int64_t time_ns)
{
    test_entry_begin(e);
    uint32_t count = n % 5 == 0 ? 2 : 1;
    for (uint32_t i = 0; i < count; i++) {
        char asset[24], index[24];
        uint64_t back = 1 + n * 5 % 20;
        uint64_t about = n % 3 != 0 ? n : n > back ? n - back : 1;
        (void)snprintf(asset, sizeof(asset), "box:%llu", (unsigned long long)(about % 9));
        (void)snprintf(index, sizeof(index), "%llu", (unsigned long long)about);
        struct weft_record record =
            n % 3 == 0 ? redaction(asset, index, n % 2 == 0 ? "health" : "operator")
                       : inspection(asset, SECRET, OTHER);
        struct weft_commit one = {.records = &record, .record_count = 1};
        EXPECT_TRUE(test_entry_commit(e, "spiffe://oem.example/plant1/op/ann", &one));
    }
    return test_entry_end(e, n, 1, time_ns);
}

static void play(struct fixture *f, uint32_t batch_max, bool with_results)
{
    static struct test_entry entries[16];
    while (f->index < ENTRIES) {
        struct weft_log_entry batch[16];
        uint64_t step = 1 + test_random(batch_max);
        uint32_t count = (uint32_t)(f->index + step <= ENTRIES ? step : ENTRIES - f->index);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t n = ++f->index;
            batch[i] = entry_of(&entries[i], n, SIGNERS_NOW_NS + (int64_t)n * 1000);
        }
        weft_arena_reset(&f->arena);
        EXPECT_EQ(WEFT_OK, weft_state_apply(f->state, batch, count, with_results, &f->arena,
                               &f->items, &f->item_count, &f->msg));
    }
}

TEST(redact, replicas_are_the_same_bytes_whatever_the_batching)
{
    struct fixture a, b;
    rig_start(&a, "a");
    rig_start(&b, "b");
    play(&a, 1, true);
    play(&b, 16, false);
    EXPECT_TRUE(weft_state_redacted(a.state) > ENTRIES / 2);
    struct weft_digest_result x = fixture_digest(&a), y = fixture_digest(&b);
    EXPECT_EQ(x.keys, y.keys);
    EXPECT_MEM(x.digest.bytes, y.digest.bytes, WEFT_DIGEST_SIZE);
    struct weft_merkle_head r = weft_state_audit(a.state), s = weft_state_audit(b.state);
    EXPECT_MEM(r.root.bytes, s.root.bytes, WEFT_DIGEST_SIZE);
    expect_sound(&a);
    fixture_destroy(&a);
    fixture_destroy(&b);
}
