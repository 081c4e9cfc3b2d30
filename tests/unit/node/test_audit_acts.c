/* Which leaves the audit log has of what apply did: documents that govern, taken and refused, with
 * their notes as evidence; what nodes tell; clocks; and that counts are exact. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/audit_read.h"
#include "node/state/machine.h"
#include "node/state/notice.h"
#include "policy/evidence.h"
#include "proto/time.h"
#include "tests/lib/test.h"
#include "tests/unit/node/authority_rig.h"

#define NODE "oem.example/plant1/node/n1"

static const char *const by_ann[] = {RIG_ANN, NULL};
static const char *const by_cy[] = {RIG_CY, NULL};

enum {
    LEAVES_MAX = 4096
};

/* All leaves. Texts of the leaves are in `bytes`. */
struct log {
    struct weft_buffer bytes;
    struct weft_audit_leaf leaves[LEAVES_MAX];
    uint32_t count;
};

static void read_log(struct fixture *f, struct log *log)
{
    static struct weft_audit_head head;
    struct weft_audit_reader reader;
    *log = (struct log){.bytes = {.size_max = 16 << 20}};
    weft_audit_reader_init(&reader, f->state->store, NULL);
    EXPECT_EQ(WEFT_OK, weft_audit_read_head(&reader, &head, &f->msg));
    EXPECT_EQ(WEFT_OK, weft_audit_read_leaves(&reader, 0, head.range.size, &log->bytes, &f->msg));
    weft_audit_reader_close(&reader);
    struct weft_bytes rest = {log->bytes.data, log->bytes.size}, bytes;
    while (rest.size > 0 && log->count < LEAVES_MAX) {
        EXPECT_EQ(WEFT_OK, weft_bundle_next(&rest, &bytes));
        EXPECT_EQ(
            WEFT_OK, weft_audit_leaf_parse((struct weft_text){(const char *)bytes.data, bytes.size},
                         &log->leaves[log->count++], &f->msg));
    }
    EXPECT_EQ(0, rest.size);
}

/* The n-th leaf of this act, from 0; NULL: there are not so many. Valid until the next call. */
static const struct weft_audit_leaf *leaf_of(struct fixture *f, const char *act, uint32_t n)
{
    static struct log log;
    weft_buffer_destroy(&log.bytes);
    read_log(f, &log);
    for (uint32_t i = 0; i < log.count; i++) {
        if (weft_text_is(log.leaves[i].act, act) && n-- == 0) {
            return &log.leaves[i];
        }
    }
    return NULL;
}

/* Its evidence is a blob that is kept, with this text. */
static void expect_evidence(
    struct fixture *f, const struct weft_audit_leaf *leaf, struct weft_text text)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_bytes file, blob;
    uint64_t index;
    EXPECT_EQ(1, leaf->evidence_count);
    const struct weft_key key = weft_key_evidence(&leaf->evidence[0]);
    EXPECT_EQ(WEFT_OK, weft_store_get(f->state->store, NULL, &key, &value, &f->msg));
    EXPECT_EQ(WEFT_OK, weft_audit_open_evidence(value.bytes, &index, &file, &f->msg));
    EXPECT_TRUE(index > 0 && index <= f->index);
    EXPECT_EQ(WEFT_OK, weft_evidence_open(file, &leaf->evidence[0], &blob, &f->msg));
    EXPECT_EQ(text.size, blob.size);
    EXPECT_MEM(text.data, blob.data, blob.size);
    weft_store_release(&value);
}

static void expect_sound(struct fixture *f)
{
    struct weft_state_check check = {.directory = f->directory};
    fixture_close(f);
    enum weft_err err = weft_state_check(&check, &f->msg);
    EXPECT_TEXT("", err == WEFT_OK ? "" : f->msg.text);
    fixture_open(f);
}

/* --- documents ------------------------------------------------------------------------------- */

TEST(audit_acts, each_document_that_is_taken_has_a_leaf_and_its_note_is_kept)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    EXPECT_TRUE(leaf_of(&f, "authority.org", 0) != NULL);
    EXPECT_TRUE(leaf_of(&f, "authority.key", 1) != NULL);
    EXPECT_TRUE(leaf_of(&f, "authority.key", 2) == NULL);
    struct weft_record record = rig_policy(2, &digest, RIG_POLICY, by_ann, NULL);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
    const struct weft_audit_leaf *leaf = leaf_of(&f, "authority.policy", 1);
    EXPECT_TRUE(leaf != NULL);
    EXPECT_EQ(2, leaf->index);
    EXPECT_EQ(WEFT_AUDIT_ALLOW, leaf->effect);
    EXPECT_EQ(0, leaf->statement.size);
    expect_evidence(&f, leaf, record.fields[0].value);
    expect_sound(&f);
    fixture_destroy(&f);
}

TEST(audit_acts, a_refused_document_is_counted_under_its_fault_and_its_note_is_kept)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f), other = {{1}};
    struct weft_record next = rig_policy(2, &digest, RIG_POLICY, by_ann, NULL);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &next, 1)->err);
    struct weft_record rollback = rig_policy(1, NULL, RIG_POLICY, by_ann, NULL);
    struct weft_record fork = rig_policy(3, &other, RIG_POLICY, by_ann, NULL);
    struct weft_record unsigned_by = rig_policy(3, &digest, RIG_POLICY, by_cy, NULL);
    struct weft_record nothing = {
        .kind = WEFT_TEXT("authority"), .asset = WEFT_TEXT("authority:zoo")};
    f.time_ns = SIGNERS_NOW_NS + INT64_C(5000000000);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(WEFT_ECONFLICT, rig_commit(&f, RIG_BO, &rollback, 1)->err);
    }
    const struct weft_record both[] = {fixture_record("serial:1"), fork};
    EXPECT_EQ(WEFT_ECONFLICT, rig_commit(&f, RIG_ANN, both, 2)->err);
    EXPECT_TRUE(rig_commit(&f, RIG_BO, &unsigned_by, 1)->err != WEFT_OK);
    EXPECT_EQ(WEFT_EINVAL, rig_commit(&f, RIG_BO, &nothing, 1)->err);
    EXPECT_TRUE(leaf_of(&f, "authority.policy.rollback", 0) == NULL); /* Still being counted. */
    expect_sound(&f);
    f.time_ns += INT64_C(2000000000);
    struct weft_record record = fixture_record("serial:2");
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_ANN, &record, 1)->err);
    const struct weft_audit_leaf *leaf = leaf_of(&f, "authority.policy.rollback", 0);
    EXPECT_TRUE(leaf != NULL);
    EXPECT_EQ(3, leaf->count);
    EXPECT_EQ(WEFT_AUDIT_DENY, leaf->effect);
    expect_evidence(&f, leaf, rollback.fields[0].value);
    leaf = leaf_of(&f, "authority.policy.fork", 0);
    EXPECT_TRUE(leaf != NULL);
    EXPECT_EQ(1, leaf->count);
    expect_evidence(&f, leaf, fork.fields[0].value);
    EXPECT_TRUE(leaf_of(&f, "authority.other.invalid", 0) != NULL);
    EXPECT_EQ(0, leaf_of(&f, "authority.other.invalid", 0)->evidence_count);
    expect_sound(&f);
    fixture_destroy(&f);
}

/* --- nodes ----------------------------------------------------------------------------------- */

static const struct weft_applied_item *tell(
    struct fixture *f, const char *who, const char *act, const char *subject)
{
    static struct weft_field fields[2];
    fields[0] = (struct weft_field){WEFT_TEXT("act"), weft_text_of(act), WEFT_VALUE_TEXT};
    fields[1] = (struct weft_field){WEFT_TEXT("subject"), weft_text_of(subject), WEFT_VALUE_TEXT};
    const struct weft_record record = {.kind = WEFT_TEXT(WEFT_NOTICE_KIND),
        .asset = WEFT_TEXT("weft:node"),
        .fields = fields,
        .field_count = 2};
    return rig_commit(f, who, &record, 1);
}

TEST(audit_acts, a_node_tells_its_start_and_nobody_else_does)
{
    struct fixture f;
    struct weft_state_position position;
    rig_start(&f, "state");
    (void)rig_govern(&f);
    weft_state_position(f.state, &position);
    uint64_t records = position.records;
    EXPECT_EQ(WEFT_OK, tell(&f, NODE, "start", "weftd 1.2.3")->err);
    const struct weft_audit_leaf *leaf = leaf_of(&f, "start", 0);
    EXPECT_TRUE(leaf != NULL && leaf->has_actor);
    EXPECT_TRUE(weft_text_is(leaf->subject, "weftd 1.2.3"));
    EXPECT_EQ(WEFT_AUDIT_NO_DECISION, leaf->effect);
    EXPECT_EQ(WEFT_OK, tell(&f, NODE, "clock.step", "-3600.001 s")->err);
    EXPECT_TRUE(leaf_of(&f, "clock.step", 0) != NULL);
    EXPECT_EQ(WEFT_EREFUSED, tell(&f, RIG_ANN, "start", "weftd 1.2.3")->err);
    EXPECT_EQ(WEFT_EREFUSED, tell(&f, "oem.example/plant2/node/n1", "start", "x")->err);
    EXPECT_EQ(WEFT_EREFUSED, tell(&f, "oem.example/plant10/node/n1", "start", "x")->err);
    EXPECT_EQ(WEFT_EINVAL, tell(&f, NODE, "commit", "x")->err);
    EXPECT_EQ(WEFT_EINVAL, tell(&f, NODE, "start", "")->err);
    EXPECT_EQ(WEFT_EINVAL, tell(&f, NODE, "start", "a\nb")->err);
    EXPECT_TRUE(leaf_of(&f, "start", 1) == NULL);
    weft_state_position(f.state, &position);
    EXPECT_EQ(records, position.records); /* Nothing is there but the leaf. */
    expect_sound(&f);
    fixture_destroy(&f);
}

TEST(audit_acts, entries_of_a_clock_that_is_behind_are_counted)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_record record = fixture_record("serial:1");
    f.time_ns = SIGNERS_NOW_NS + INT64_C(100000000000);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_ANN, &record, 1)->err);
    for (int i = 0; i < 4; i++) {
        f.time_ns = SIGNERS_NOW_NS + INT64_C(50000000000) + i;
        EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_ANN, &record, 1)->err);
    }
    f.time_ns = SIGNERS_NOW_NS + INT64_C(99999999999); /* By a little: no step. */
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_ANN, &record, 1)->err);
    EXPECT_TRUE(leaf_of(&f, "clock.behind", 0) == NULL);
    f.time_ns = SIGNERS_NOW_NS + INT64_C(102000000000);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_ANN, &record, 1)->err);
    const struct weft_audit_leaf *leaf = leaf_of(&f, "clock.behind", 0);
    EXPECT_TRUE(leaf != NULL);
    EXPECT_EQ(4, leaf->count);
    EXPECT_TRUE(!leaf->has_actor);
    EXPECT_TRUE(leaf_of(&f, "clock.behind", 1) == NULL);
    expect_sound(&f);
    fixture_destroy(&f);
}

/* --- counts ---------------------------------------------------------------------------------- */

enum {
    WHO = 9,
    RULES = 9, /* Together more than are told apart at once. */
    SECONDS = 40,
    ROUNDS = 4000
};

static uint64_t counted[SECONDS][WHO][RULES], found[SECONDS][WHO][RULES];

static void tally(struct fixture *f, const struct weft_digest *actors, int64_t first_second)
{
    static struct log log;
    read_log(f, &log);
    EXPECT_TRUE(log.count < LEAVES_MAX);
    for (uint32_t i = 0; i < log.count; i++) {
        const struct weft_audit_leaf *leaf = &log.leaves[i];
        int64_t at_ns = 0;
        uint32_t who = 0;
        EXPECT_EQ(WEFT_OK, weft_time_parse(leaf->subject, &at_ns, &f->msg));
        while (who < WHO && !weft_digest_equal(&leaf->actor, &actors[who])) {
            who++;
        }
        EXPECT_TRUE(who < WHO && leaf->statement.size == 1);
        found[at_ns / 1000000000 - first_second][who][leaf->statement.data[0] - 'a'] += leaf->count;
    }
    weft_buffer_destroy(&log.bytes);
}

/* NOD-153, against a tally by plain arrays, over restarts. */
TEST(audit_acts, refusals_are_counted_exactly_for_each_principal_rule_and_second)
{
    static struct weft_audit_head head;
    const int64_t first = SIGNERS_NOW_NS / 1000000000 + 10;
    const uint8_t seed[WEFT_SALT_SEED_SIZE] = {7};
    struct weft_digest actors[WHO];
    struct fixture f;
    int64_t second = 0;
    rig_start(&f, "state");
    memset(counted, 0, sizeof(counted));
    memset(found, 0, sizeof(found));
    for (uint32_t i = 1; i <= ROUNDS + 1; i++) {
        struct weft_state *s = f.state;
        second += test_random(100) == 0 && second < SECONDS - 1;
        second = i > ROUNDS ? SECONDS : second; /* The last one ends what is counted. */
        const struct weft_audit_entry entry = {
            .term = 1, .index = i, .time_ns = (first + second) * 1000000000 + i, .seed = seed};
        EXPECT_EQ(WEFT_OK, weft_audit_begin(s->audit, &entry, s->batch, &f.msg));
        for (uint64_t n = i > ROUNDS ? 0 : test_random(4); n > 0; n--) {
            uint64_t who = test_random(WHO), rule = test_random(RULES);
            const char name[2] = {(char)('a' + (char)rule), '\0'};
            char principal[2] = {(char)('A' + (char)who), '\0'};
            const struct weft_audit_act act = {.act = "commit.write",
                .principal = weft_text_of(principal),
                .effect = WEFT_AUDIT_DENY,
                .statement = weft_text_of(name),
                .version = 1,
                .line = 1,
                .count = 1 + test_random(3)};
            counted[second][who][rule] += act.count;
            EXPECT_EQ(WEFT_OK, weft_audit_count(s->audit, &act, s->batch, &f.msg));
        }
        weft_audit_end(s->audit, s->batch);
        weft_audit_put(s->audit, s->batch);
        EXPECT_EQ(WEFT_OK, weft_store_write(s->store, s->batch, &f.msg));
        if (test_random(400) == 0) {
            fixture_close(&f);
            fixture_open(&f);
        }
    }
    struct weft_audit_reader reader;
    weft_audit_reader_init(&reader, f.state->store, NULL);
    EXPECT_EQ(WEFT_OK, weft_audit_read_head(&reader, &head, &f.msg));
    weft_audit_reader_close(&reader);
    EXPECT_EQ(0, head.pending_count);
    for (uint32_t who = 0; who < WHO; who++) {
        char principal[2] = {(char)('A' + (char)who), '\0'};
        actors[who] = weft_audit_actor(&head.secret, weft_text_of(principal));
    }
    tally(&f, actors, first);
    EXPECT_MEM(counted, found, sizeof(counted));
    fixture_destroy(&f);
}
