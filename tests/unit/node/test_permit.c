/* Which commits the policy in force lets through: against plain rules, whatever the batching. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/audit_read.h"
#include "node/state/machine.h"
#include "node/state/permit.h"
#include "policy/audit_leaf.h"
#include "tests/lib/test.h"
#include "tests/unit/node/authority_rig.h"

static const char *const by_ann[] = {RIG_ANN, NULL};
static const char *const roots[] = {RIG_ROOT_A, RIG_ROOT_B, NULL};

static enum weft_err commit_by(struct fixture *f, const char *who, struct weft_record record)
{
    return rig_commit(f, who, &record, 1)->err;
}

static struct weft_record of_kind(const char *kind, const char *asset)
{
    return (struct weft_record){.kind = weft_text_of(kind), .asset = weft_text_of(asset)};
}

/* A policy that lets ann and bo administer, and has these lines besides. */
static struct weft_digest next_policy(
    struct fixture *f, uint64_t version, const struct weft_digest *prev, const char *lines)
{
    char rest[1024];
    struct weft_digest digest;
    (void)snprintf(rest, sizeof(rest),
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n%s", lines);
    struct weft_record record = rig_policy(version, prev, rest, by_ann, &digest);
    const struct weft_applied_item *item = rig_commit(f, RIG_BO, &record, 1);
    EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
    return digest;
}

TEST(permit, ungoverned_everybody_may)
{
    struct fixture f;
    struct weft_denials denials;
    rig_start(&f, "state");
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_BO, fixture_record("serial:1")));
    struct weft_record record = fixture_record("serial:1");
    EXPECT_EQ(WEFT_OK, fixture_commit(&f, 99, &record, 1)->err); /* person/17 is nobody. */
    weft_state_denials(f.state, &denials);
    EXPECT_EQ(0, denials.commits);
    fixture_destroy(&f);
}

TEST(permit, governed_only_whom_the_policy_lets)
{
    struct fixture f;
    struct weft_denials denials;
    rig_start(&f, "state");
    (void)rig_govern(&f);
    struct weft_record record = fixture_record("serial:1");
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ANN, record));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, record));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ROBOT, record));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_BO, record));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, "oem.example/plant1/node/n1", record));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, "oem.example/plant2/op/ann", record));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, "supplier.example/plant1/op/ann", record));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, "oem.example", record));
    EXPECT_EQ(WEFT_EREFUSED, fixture_commit(&f, 99, &record, 1)->err);
    weft_state_denials(f.state, &denials);
    EXPECT_EQ(6, denials.commits);
    EXPECT_EQ(6, denials.by_action[WEFT_ACTION_WRITE]);
    struct weft_state_position position;
    weft_state_position(f.state, &position);
    EXPECT_EQ(4 + 3, position.records);
    /* What nodes tell partners of recalls is theirs to say, if nothing forbids it. */
    const char *node = "oem.example/plant1/node/n1";
    EXPECT_EQ(WEFT_OK, commit_by(&f, node, of_kind("impact", "partner:y.org/w")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, node, of_kind("inspection", "partner:y.org/w")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, node, of_kind("impact", "serial:1")));
    fixture_destroy(&f);
}

TEST(permit, each_kind_of_record_asks_for_its_action)
{
    static const struct {
        const char *kind;
        uint64_t rev;
        enum weft_policy_action action;
    } cases[] = {{"test", 0, WEFT_ACTION_CREATE}, {"test", 5, WEFT_ACTION_WRITE},
        {"retirement", 5, WEFT_ACTION_RETIRE}, {"agreement", 0, WEFT_ACTION_SHARE},
        {"model", 0, WEFT_ACTION_ADMIN_POLICY}, {"site_setting", 3, WEFT_ACTION_ADMIN_POLICY},
        {"twin_policy", 0, WEFT_ACTION_ADMIN_POLICY},
        {"access_label", 3, WEFT_ACTION_ADMIN_POLICY}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weft_record record = of_kind(cases[i].kind, "x");
        EXPECT_EQ(cases[i].action, weft_permit_action(&record, cases[i].rev));
    }
}

TEST(permit, create_is_of_new_assets_and_write_of_all_others)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    digest = next_policy(&f, 2, &digest,
        "permit new\n  who op cy\n  do create\n  on asset line2/...\n"
        "permit old\n  who svc robot\n  do write\n  on kind test\n");
    struct weft_record record = fixture_record("line2/press7");
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, record));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, record));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_CY, record));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ROBOT, record));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, of_kind("note", "line2/press7")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_CY, fixture_record("line3/press1")));
    /* One that is not permitted refuses the commit. */
    const struct weft_record both[] = {
        fixture_record("line2/press8"), fixture_record("line3/press1")};
    EXPECT_EQ(WEFT_EREFUSED, rig_commit(&f, RIG_CY, both, 2)->err);
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, fixture_record("line2/press8")));
    /* Records of a commit do not see each other: both are new. */
    const struct weft_record twice[] = {
        fixture_record("line2/press9"), fixture_record("line2/press9")};
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_CY, twice, 2)->err);
    fixture_destroy(&f);
}

TEST(permit, roles_and_attributes_of_the_org_document_count)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    digest = next_policy(&f, 2, &digest,
        "permit line\n  who role operator @ plant1/line2\n  do create write\n"
        "forbid itar\n  who not attr us-person = true\n  do any\n  on asset itar/...\n"
        "permit itar-new\n  who any\n  do create\n  on asset itar/...\n");
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, fixture_record("plant1/line2/x")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ANN, fixture_record("plant1/line2/x")));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, fixture_record("itar/1")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, fixture_record("itar/2")));
    fixture_destroy(&f);
}

static enum weft_err label(struct fixture *f, const char *who, const char *asset, const char *first)
{
    const char *const labels[] = {first, NULL};
    struct weft_record record = rig_labels(asset, labels);
    return rig_commit(f, who, &record, 1)->err;
}

/* NOD-181 */
TEST(permit, what_an_asset_is_labelled_with_decides_on_it_and_what_is_below_it)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    (void)next_policy(&f, 2, &digest,
        "permit write\n  who op cy svc robot\n  do write create\n"
        "permit officer\n  who op cy\n  do admin-policy\n  on kind access_label\n"
        "forbid itar\n  who not attr us-person = true\n  do any\n  on label itar\n");
    struct weft_record below = fixture_record("line2/press7/axis1");
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ROBOT, below));
    EXPECT_EQ(WEFT_EREFUSED, label(&f, RIG_ROBOT, "line2/press7", "itar")); /* He may only write. */
    EXPECT_EQ(WEFT_OK, label(&f, RIG_BO, "line2/press7", "itar"));
    for (int opened = 0; opened < 2; opened++) {
        EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, below));
        EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, fixture_record("line2/press7")));
        EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ROBOT, fixture_record("line2/press70")));
        EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, below));
        fixture_close(&f);
        fixture_open(&f);
    }
    /* Who is forbidden by a label does not take it off, whatever else he may. */
    EXPECT_EQ(WEFT_EREFUSED, label(&f, RIG_BO, "line2/press7", NULL));
    EXPECT_EQ(WEFT_EREFUSED, label(&f, RIG_BO, "line2/press7/axis1", NULL));
    /* Nor does a label below open what is above. */
    EXPECT_EQ(WEFT_OK, label(&f, RIG_CY, "line2/press7/axis1", "public"));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, below));
    EXPECT_EQ(WEFT_OK, label(&f, RIG_CY, "line2/press7", NULL));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ROBOT, below));
    fixture_close(&f);
    struct weft_state_check check = {.directory = f.directory};
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &f.msg));
    fixture_open(&f);
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ROBOT, below));
    fixture_destroy(&f);
}

/* Commits of one entry are decided by what was there before it: NOD-141. */
TEST(permit, a_label_is_in_force_from_the_next_index_on)
{
    struct fixture f;
    const char *const itar[] = {"itar", NULL};
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    (void)next_policy(&f, 2, &digest,
        "permit write\n  who svc robot\n  do write create\n"
        "forbid itar\n  who any\n  do write create\n  on label itar\n");
    const struct weft_record records[] = {
        rig_labels("line2", itar), rig_labels("line3", itar), fixture_record("line3/x")};
    const char *const who[] = {RIG_BO, RIG_BO, RIG_ROBOT};
    test_entry_begin(&f.entry);
    for (int i = 0; i < 3; i++) {
        const struct weft_commit commit = {.records = &records[i], .record_count = 1};
        char uri[WEFT_PRINCIPAL_URI_SIZE];
        (void)snprintf(uri, sizeof(uri), "spiffe://%s", who[i]);
        EXPECT_TRUE(test_entry_commit(&f.entry, uri, &commit));
    }
    fixture_apply(&f);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(WEFT_OK, f.items[i].err);
    }
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, fixture_record("line2/x")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, records[2]));
    fixture_destroy(&f);
}

TEST(permit, a_record_of_labels_that_says_something_else_is_refused_with_its_place)
{
    struct fixture f;
    const char *const bad[] = {"ITAR", NULL};
    const char *const none[] = {NULL};
    rig_start(&f, "ungoverned");
    struct weft_record record = rig_labels("line2", bad);
    /* Where nothing is governed, the kind is anybody's. */
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
    fixture_destroy(&f);
    rig_start(&f, "state");
    (void)rig_govern(&f);
    const struct weft_record both[] = {rig_labels("line2", none), record};
    const struct weft_applied_item *item = rig_commit(&f, RIG_BO, both, 2);
    EXPECT_EQ(WEFT_EINVAL, item->err);
    EXPECT_TEXT("/records/1/attrs/labels/0", item->error.pointer.data);
    fixture_destroy(&f);
}

/* Until federation gives agreements, none is known: what grants by one does not, what forbids or
 * requires by one does, and who is of another organization is let in by none. */
TEST(permit, agreements_are_not_known_so_that_they_grant_nothing)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    digest = next_policy(&f, 2, &digest,
        "permit agreed\n  who op cy\n  do write create\n  when agreement supplier-oem >= 1\n"
        "permit not-agreed\n  who op cy\n  do write create\n"
        "  when not agreement supplier-oem >= 1\n"
        "permit abroad\n  who partner supplier.example\n  do write create\n"
        "permit robot\n  who svc robot\n  do write create\n");
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_CY, fixture_record("x")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, "supplier.example/plant1/op/ann", fixture_record("x")));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ROBOT, fixture_record("x")));
    (void)next_policy(&f, 3, &digest,
        "permit robot\n  who svc robot\n  do write create\n"
        "forbid agreed\n  do write\n  when agreement supplier-oem >= 1\n");
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ROBOT, fixture_record("x")));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ROBOT, fixture_record("y")));
    fixture_destroy(&f);
}

/* NOD-18 */
TEST(permit, what_came_by_a_note_is_held_to_the_keyring_and_time_of_its_own_entry)
{
    static const char *const by_roots[] = {RIG_ROOT_A, RIG_ROOT_B, NULL};
    struct fixture f;
    struct weft_chain_link link;
    rig_start(&f, "state");
    (void)rig_govern(&f);
    struct weft_record record = fixture_record("serial:1");
    struct weft_warrant warrant = {
        signers_make(RIG_ANN).verifier.key_id, WEFT_WARRANT_ANY, f.time_ns + 1000};
    EXPECT_EQ(WEFT_OK, rig_commit_by_note(&f, RIG_ANN, &warrant, &record)->err);
    EXPECT_EQ(WEFT_EREFUSED, rig_commit_by_note(&f, RIG_ANN, &warrant, &record)->err); /* Over. */
    warrant.until_ns = INT64_MAX;
    EXPECT_EQ(WEFT_OK, rig_commit_by_note(&f, RIG_ANN, &warrant, &record)->err);
    /* Of an asset that is there, and of a new one. */
    warrant.actions = 1u << WEFT_ACTION_WRITE;
    EXPECT_EQ(WEFT_OK, rig_commit_by_note(&f, RIG_ANN, &warrant, &record)->err);
    struct weft_record other = fixture_record("serial:2");
    EXPECT_EQ(WEFT_EREFUSED, rig_commit_by_note(&f, RIG_ANN, &warrant, &other)->err);
    warrant.actions = WEFT_WARRANT_ANY;
    EXPECT_EQ(WEFT_OK, rig_commit_by_note(&f, RIG_ANN, &warrant, &other)->err);
    /* Somebody else's key; nobody's; of somebody whom the policy does not let. */
    EXPECT_EQ(WEFT_EREFUSED, rig_commit_by_note(&f, RIG_CY, &warrant, &record)->err);
    warrant.key_id ^= 1;
    EXPECT_EQ(WEFT_EREFUSED, rig_commit_by_note(&f, RIG_ANN, &warrant, &record)->err);
    warrant.key_id = signers_make(RIG_BO).verifier.key_id;
    EXPECT_EQ(WEFT_EREFUSED, rig_commit_by_note(&f, RIG_BO, &warrant, &record)->err);
    /* Revoked between the door and the log. */
    warrant.key_id = signers_make(RIG_ANN).verifier.key_id;
    EXPECT_EQ(WEFT_OK, rig_commit_by_note(&f, RIG_ANN, &warrant, &record)->err);
    struct weft_record revoke = rig_revoke(RIG_ANN, NULL, by_roots, &link);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &revoke, 1)->err);
    const struct weft_applied_item *item = rig_commit_by_note(&f, RIG_ANN, &warrant, &record);
    EXPECT_EQ(WEFT_EREFUSED, item->err);
    EXPECT_EQ(0, strncmp(item->error.detail.data, "not permitted (correlation ", 27));
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_ANN, &record, 1)->err); /* Her certificate is another. */
    fixture_destroy(&f);
}

TEST(permit, a_refusal_is_opaque_but_to_who_may_read_the_policy)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    (void)next_policy(
        &f, 2, &digest, "permit see\n  who op bo\n  do read\n  on asset weft:policy\n");
    struct weft_record record = fixture_record("serial:1");
    record.has_expect = true; /* Which does not hold, and is not told. */
    record.expect_rev = 7;
    const struct weft_applied_item *item = rig_commit(&f, RIG_CY, &record, 1);
    EXPECT_EQ(WEFT_EREFUSED, item->err);
    EXPECT_TEXT("not permitted (correlation e72cf625d74f7662)", item->error.detail.data);
    EXPECT_TEXT("", item->error.pointer.data);
    EXPECT_EQ(0, item->error.present_rev);
    item = rig_commit(&f, RIG_BO, &record, 1);
    EXPECT_EQ(WEFT_EREFUSED, item->err);
    EXPECT_TRUE(strstr(item->error.detail.data, "): ") != NULL);
    EXPECT_TEXT("/records/0", item->error.pointer.data);
    fixture_destroy(&f);
}

TEST(permit, a_repeated_request_is_answered_as_before)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    struct weft_record record = fixture_record("serial:1");
    struct weft_commit commit = {.records = &record, .record_count = 1};
    commit.request_id.bytes[3] = 9;
    for (int i = 0; i < 2; i++) {
        test_entry_begin(&f.entry);
        EXPECT_TRUE(test_entry_commit(&f.entry, "spiffe://" RIG_CY, &commit));
        fixture_apply(&f);
        EXPECT_EQ(WEFT_OK, f.items[0].err);
        EXPECT_EQ(i == 1, f.items[0].result.repeated);
        if (i == 0) {
            (void)next_policy(&f, 2, &digest, "");
        }
    }
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_CY, record));
    fixture_destroy(&f);
}

TEST(permit, without_a_policy_nothing_is_permitted)
{
    struct fixture f;
    struct weft_org org = signers_org();
    rig_start(&f, "state");
    struct weft_record record = rig_org(&org, roots);
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ANN, record));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_ANN, fixture_record("serial:1")));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, rig_key(RIG_ANN, false, &org, roots)));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, rig_policy(1, NULL, RIG_POLICY, by_ann, NULL)));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_ANN, fixture_record("serial:1")));
    fixture_destroy(&f);
}

/* --- the audit log --------------------------------------------------------------------------- */

/* What the audit log says of an act and the statement that decided; "" and NULL: of any. */
struct tally {
    uint64_t leaves;
    uint64_t count;              /* In leaves. */
    uint64_t pending;            /* Of a second that is not over. */
    struct weft_audit_leaf last; /* Its texts are not there any more. */
};

static struct tally tally(
    struct fixture *f, enum weft_audit_effect effect, const char *act, const char *statement)
{
    static struct weft_audit_head head;
    struct weft_audit_reader reader;
    struct weft_buffer log = {.size_max = 16 << 20};
    struct tally t = {.leaves = 0};
    weft_audit_reader_init(&reader, f->state->store, NULL);
    EXPECT_EQ(WEFT_OK, weft_audit_read_head(&reader, &head, &f->msg));
    EXPECT_EQ(WEFT_OK, weft_audit_read_leaves(&reader, 0, head.range.size, &log, &f->msg));
    weft_audit_reader_close(&reader);
    struct weft_bytes rest = {log.data, log.size}, bytes;
    while (rest.size > 0) {
        struct weft_audit_leaf leaf;
        EXPECT_EQ(WEFT_OK, weft_bundle_next(&rest, &bytes));
        struct weft_text text = {(const char *)bytes.data, bytes.size};
        EXPECT_EQ(WEFT_OK, weft_audit_leaf_parse(text, &leaf, &f->msg));
        if (leaf.effect == effect && (act[0] == '\0' || weft_text_is(leaf.act, act)) &&
            (statement == NULL || weft_text_is(leaf.statement, statement))) {
            t.leaves++;
            t.count += leaf.count;
            t.last = leaf;
        }
    }
    for (uint32_t i = 0; effect == WEFT_AUDIT_DENY && i < head.pending_count; i++) {
        t.pending += head.pending[i].count;
    }
    weft_buffer_destroy(&log);
    return t;
}

/* Line of a statement of the policy in force. */
static uint32_t line_of(struct fixture *f, const char *name)
{
    const struct weft_policy *policy = weft_authority_policy(weft_state_authority(f->state));
    uint32_t i = 0;
    while (!weft_text_is(weft_policy_statement(policy, i).name, name)) {
        i++;
    }
    return weft_policy_statement(policy, i).line;
}

TEST(permit, a_leaf_of_an_accepted_commit_names_the_statement_that_permitted_it)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    /* Its records were asked by their signatures. */
    struct tally t = tally(&f, WEFT_AUDIT_NO_DECISION, "commit", "");
    EXPECT_EQ(1, t.leaves);
    EXPECT_EQ(4, t.count);
    (void)next_policy(&f, 2, &digest,
        "permit new\n  who op cy\n  do create\n"
        "permit old\n  who op cy\n  do write\n");
    EXPECT_EQ(2, tally(&f, WEFT_AUDIT_NO_DECISION, "commit", "").leaves);
    const struct weft_record records[] = {fixture_record("serial:1"), fixture_record("serial:2")};
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_CY, records, 2)->err);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_CY, records, 1)->err);
    t = tally(&f, WEFT_AUDIT_ALLOW, "commit", "new");
    EXPECT_EQ(1, t.leaves);
    EXPECT_EQ(2, t.count);
    EXPECT_EQ(2, t.last.version);
    EXPECT_EQ(line_of(&f, "new"), t.last.line);
    t = tally(&f, WEFT_AUDIT_ALLOW, "commit", "old");
    EXPECT_EQ(1, t.leaves);
    EXPECT_EQ(line_of(&f, "old"), t.last.line);
    EXPECT_EQ(0, tally(&f, WEFT_AUDIT_DENY, "", NULL).leaves);
    fixture_destroy(&f);
}

TEST(permit, a_refused_commit_is_in_the_count_of_exactly_one_leaf)
{
    struct fixture f;
    struct weft_denials denials;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    (void)next_policy(&f, 2, &digest,
        "permit new\n  who op cy\n  do create\n"
        "forbid line3\n  who any\n  do any\n  on asset line3/...\n");
    f.time_ns = SIGNERS_NOW_NS + INT64_C(5000000000);
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_CY, fixture_record("line3/a")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_CY, fixture_record("line3/b")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_BO, fixture_record("line2/a")));
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, fixture_record("line2/a")));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_CY, fixture_record("line2/a")));
    struct tally t = tally(&f, WEFT_AUDIT_DENY, "", NULL);
    EXPECT_EQ(0, t.leaves);
    EXPECT_EQ(4, t.pending);
    f.time_ns += INT64_C(2000000000);
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, fixture_record("line2/b")));
    t = tally(&f, WEFT_AUDIT_DENY, "commit.create", "line3");
    EXPECT_EQ(1, t.leaves);
    EXPECT_EQ(2, t.count);
    EXPECT_EQ(2, t.last.version);
    EXPECT_EQ(line_of(&f, "line3"), t.last.line);
    EXPECT_TRUE(t.last.has_actor);
    EXPECT_EQ(1, tally(&f, WEFT_AUDIT_DENY, "commit.create", "").count);
    EXPECT_EQ(1, tally(&f, WEFT_AUDIT_DENY, "commit.write", "").count);
    t = tally(&f, WEFT_AUDIT_DENY, "", NULL);
    weft_state_denials(f.state, &denials);
    EXPECT_EQ(3, t.leaves);
    EXPECT_EQ(denials.commits, t.count); /* NOD-153 */
    EXPECT_EQ(0, t.pending);
    fixture_close(&f);
    struct weft_state_check check = {.directory = f.directory};
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &f.msg));
    fixture_destroy(&f);
}

static enum weft_err read_by(
    struct fixture *f, const char *who, enum weft_read_act act, const char *label, uint64_t count)
{
    struct weft_read_report report = {.act = act};
    struct weft_buffer body = {0};
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    (void)snprintf(uri, sizeof(uri), "spiffe://%s", who);
    EXPECT_TRUE(weft_read_report_add(&report, weft_text_of(label), count));
    EXPECT_TRUE(weft_read_report_add(&report, WEFT_TEXT("public"), 1));
    EXPECT_EQ(WEFT_OK, weft_read_report_encode(&report, &body));
    test_entry_begin(&f->entry);
    test_entry_item(&f->entry, WEFT_ITEM_READS, uri, body.data, body.size);
    fixture_apply(f);
    weft_buffer_destroy(&body);
    EXPECT_EQ(1, f->item_count);
    return f->items[0].err;
}

/* NOD-182 */
TEST(permit, reads_of_labelled_records_are_in_leaves_with_exact_counts)
{
    struct fixture f;
    rig_start(&f, "state");
    (void)rig_govern(&f);
    f.time_ns = SIGNERS_NOW_NS + INT64_C(5000000000);
    EXPECT_EQ(WEFT_OK, read_by(&f, RIG_CY, WEFT_READ_ACT_READ, "itar", 7));
    EXPECT_EQ(WEFT_OK, read_by(&f, RIG_CY, WEFT_READ_ACT_READ, "itar", 5));
    EXPECT_EQ(WEFT_OK, read_by(&f, RIG_CY, WEFT_READ_ACT_SUBSCRIBE, "itar", 3));
    EXPECT_EQ(WEFT_OK, read_by(&f, RIG_ROBOT, WEFT_READ_ACT_READ, "itar", 2));
    EXPECT_EQ(WEFT_EREFUSED, commit_by(&f, RIG_BO, fixture_record("x")));
    fixture_close(&f); /* What is still counted is in the state. */
    fixture_open(&f);
    EXPECT_EQ(WEFT_OK, read_by(&f, RIG_CY, WEFT_READ_ACT_READ, "itar", 1));
    EXPECT_EQ(0, tally(&f, WEFT_AUDIT_ALLOW, "read.itar", NULL).leaves);
    f.time_ns += INT64_C(2000000000);
    EXPECT_EQ(WEFT_OK, commit_by(&f, RIG_CY, fixture_record("x")));
    struct tally t = tally(&f, WEFT_AUDIT_ALLOW, "read.itar", "");
    EXPECT_EQ(2, t.leaves);
    EXPECT_EQ(7 + 5 + 1 + 2, t.count);
    EXPECT_EQ(2, t.last.count);
    EXPECT_TRUE(t.last.has_actor);
    EXPECT_EQ(3, tally(&f, WEFT_AUDIT_ALLOW, "subscribe.itar", "").count);
    EXPECT_EQ(4, tally(&f, WEFT_AUDIT_ALLOW, "read.public", "").count);
    EXPECT_EQ(1, tally(&f, WEFT_AUDIT_DENY, "", NULL).count);
    /* What is no report changes nothing, and is refused alike everywhere. */
    test_entry_begin(&f.entry);
    test_entry_item(&f.entry, WEFT_ITEM_READS, "spiffe://" RIG_CY, "x", 1);
    fixture_apply(&f);
    EXPECT_EQ(WEFT_EMALFORMED, f.items[0].err);
    fixture_close(&f);
    struct weft_state_check check = {.directory = f.directory};
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &f.msg));
    fixture_destroy(&f);
}

/* --- random histories ------------------------------------------------------------------------ */

enum {
    WRITERS = 4,
    ENTRIES = 150,
    ENTRY_COMMITS = 5,
    ASSETS = 12,
};

static const char *const writers[WRITERS] = {RIG_ANN, RIG_BO, RIG_CY, RIG_ROBOT};
static const char *const words[WRITERS] = {"op ann", "op bo", "op cy", "svc robot"};

/* What one commit of the history is: everything follows from the seed. */
struct plan {
    uint32_t who;
    uint32_t asset;
    bool is_policy;    /* Then `masks`. */
    uint32_t masks[2]; /* Who may create, who may write: a bit for each. */
};

/* Who may do what, by plain rules. */
struct plain {
    uint32_t in_force[2];
    uint32_t coming[2];
    bool exists[ASSETS];
    uint64_t version;
    struct weft_digest digest;
    uint32_t allowed;
    uint32_t denied;
};

static struct weft_record policy_of(struct plain *p, const struct plan *plan)
{
    char rest[400];
    size_t size =
        (size_t)snprintf(rest, sizeof(rest), "permit admin\n  who op ann\n  do admin-policy\n");
    for (int k = 0; k < 2; k++) {
        size += (size_t)snprintf(rest + size, sizeof(rest) - size, "permit p%d\n  who svc none", k);
        for (int i = 0; i < WRITERS; i++) {
            if ((plan->masks[k] & 1u << i) != 0) {
                size += (size_t)snprintf(rest + size, sizeof(rest) - size, " %s", words[i]);
            }
        }
        size += (size_t)snprintf(
            rest + size, sizeof(rest) - size, "\n  do %s\n", k == 0 ? "create" : "write");
    }
    return rig_policy(++p->version, &p->digest, rest, by_ann, &p->digest);
}

static void plan_entry(struct plan plans[ENTRY_COMMITS], uint32_t *ret_count)
{
    *ret_count = 1 + (uint32_t)test_random(ENTRY_COMMITS);
    for (uint32_t i = 0; i < *ret_count; i++) {
        plans[i] = (struct plan){.who = (uint32_t)test_random(WRITERS),
            .asset = (uint32_t)test_random(ASSETS),
            .is_policy = test_random(10) == 0,
            .masks = {(uint32_t)test_random(16), (uint32_t)test_random(16)}};
    }
}

/* An entry as bytes of its own, aligned as a log's are, and what is expected of its items. */
struct kept {
    struct weft_log_entry entry;
    bool is_good[ENTRY_COMMITS];
};

static void keep_entry(struct kept *k, struct test_entry *e, struct plain *p, uint64_t index)
{
    struct plan plans[ENTRY_COMMITS];
    uint32_t count;
    char name[32];
    plan_entry(plans, &count);
    test_entry_begin(e);
    memcpy(p->in_force, p->coming, sizeof(p->in_force));
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof(name), "serial:%u", plans[i].asset);
        struct weft_record record =
            plans[i].is_policy ? policy_of(p, &plans[i]) : fixture_record(name);
        struct weft_commit commit = {.records = &record, .record_count = 1};
        char uri[WEFT_PRINCIPAL_URI_SIZE];
        (void)snprintf(uri, sizeof(uri), "spiffe://%s", writers[plans[i].who]);
        EXPECT_TRUE(test_entry_commit(e, uri, &commit));
        uint32_t mask = p->in_force[p->exists[plans[i].asset] ? 1 : 0];
        k->is_good[i] = plans[i].is_policy || (mask & 1u << plans[i].who) != 0;
        if (plans[i].is_policy) {
            memcpy(p->coming, plans[i].masks, sizeof(p->coming));
        } else {
            p->exists[plans[i].asset] = p->exists[plans[i].asset] || k->is_good[i];
            p->allowed += k->is_good[i];
            p->denied += !k->is_good[i];
        }
    }
    k->entry = test_entry_end(e, index, 1, SIGNERS_NOW_NS + (int64_t)index * 100000000);
    void *bytes = aligned_alloc(8, (k->entry.data.size + 7) / 8 * 8);
    EXPECT_TRUE(bytes != NULL);
    memcpy(bytes, k->entry.data.data, k->entry.data.size);
    k->entry.data.data = bytes;
}

/* Entries from the second on, `step` at once; opened anew behind each `reopen` (0: never). */
static void play(struct fixture *f, const struct kept *kept, uint32_t step, uint32_t reopen)
{
    struct weft_log_entry entries[ENTRIES];
    for (uint32_t at = 0; at < ENTRIES; at += step) {
        uint32_t count = at + step <= ENTRIES ? step : ENTRIES - at;
        for (uint32_t i = 0; i < count; i++) {
            entries[i] = kept[at + i].entry;
        }
        weft_arena_reset(&f->arena);
        EXPECT_EQ(WEFT_OK, weft_state_apply(f->state, entries, count, at % 2 == 0, &f->arena,
                               &f->items, &f->item_count, &f->msg));
        for (uint32_t i = 0; i < f->item_count; i++) {
            const struct kept *k = &kept[f->items[i].entry_index - entries[0].index + at];
            EXPECT_EQ(k->is_good[f->items[i].item], f->items[i].err == WEFT_OK);
        }
        if (reopen != 0 && at / step % reopen == 0) {
            fixture_close(f);
            fixture_open(f);
        }
    }
    f->index = 1 + ENTRIES;
}

TEST(permit, decisions_are_the_plain_rules_whatever_the_batching_of_applies)
{
    static struct kept kept[ENTRIES];
    static const struct {
        const char *name;
        uint32_t step;
        uint32_t reopen;
    } replicas[] = {{"a", 1, 0}, {"b", 7, 0}, {"c", ENTRIES, 0}, {"d", 3, 4}};
    struct test_entry e = {0};
    struct weft_digest chain = {{0}}, digest = {{0}};
    struct plain p = {.coming = {13, 13}, .version = 1};
    for (size_t i = 0; i < sizeof(replicas) / sizeof(replicas[0]); i++) {
        struct fixture f;
        struct weft_state_position position;
        rig_start(&f, replicas[i].name);
        struct weft_digest first = rig_govern(&f);
        if (i == 0) {
            p.digest = first;
            for (uint32_t n = 0; n < ENTRIES; n++) {
                keep_entry(&kept[n], &e, &p, f.index + 1 + n);
            }
        }
        play(&f, kept, replicas[i].step, replicas[i].reopen);
        weft_state_position(f.state, &position);
        struct weft_digest_result result = fixture_digest(&f);
        EXPECT_TRUE(i == 0 || weft_digest_equal(&chain, &position.chain)); /* NOD-7, NOD-145 */
        EXPECT_TRUE(i == 0 || weft_digest_equal(&digest, &result.digest));
        struct tally denied = tally(&f, WEFT_AUDIT_DENY, "", NULL);
        EXPECT_EQ(p.denied, denied.count + denied.pending); /* NOD-153 */
        EXPECT_TRUE(denied.leaves > 20);
        EXPECT_EQ(p.allowed, tally(&f, WEFT_AUDIT_ALLOW, "commit", NULL).leaves);
        chain = position.chain;
        digest = result.digest;
        fixture_destroy(&f);
    }
    EXPECT_TRUE(p.allowed > 100 && p.denied > 100 && p.version > 20);
    for (uint32_t n = 0; n < ENTRIES; n++) {
        free((void *)kept[n].entry.data.data);
    }
    test_entry_destroy(&e);
}
