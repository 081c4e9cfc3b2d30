/* What governs a site: which documents follow which, from when on; the same on every replica,
 * after every restart. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/authority.h"
#include "tests/lib/test.h"
#include "tests/unit/node/authority_rig.h"

#define NODE "oem.example/plant1/node/n1"

static const char *const roots[] = {RIG_ROOT_A, RIG_ROOT_B, NULL};
static const char *const by_ann[] = {RIG_ANN, NULL};
static const char *const by_bo[] = {RIG_BO, NULL};
static const char *const by_cy[] = {RIG_CY, NULL};

static void expect_taken(struct fixture *f, struct weft_record record)
{
    const struct weft_applied_item *item = rig_commit(f, NODE, &record, 1);
    EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
}

static void expect_refused(struct fixture *f, struct weft_record record, enum weft_err err,
    const char *pointer, const char *detail)
{
    const struct weft_applied_item *item = rig_commit(f, NODE, &record, 1);
    EXPECT_EQ(err, item->err);
    EXPECT_TEXT(detail, item->error.detail.data);
    EXPECT_TEXT(pointer, item->error.pointer.data);
}

static struct weft_org next_org(const struct weft_org *org)
{
    struct weft_org next = *org;
    next.link.prev = rig_org_digest(org);
    next.link.version++;
    return next;
}

static struct weft_policy_head policy_of(struct fixture *f)
{
    const struct weft_policy *policy = weft_authority_policy(weft_state_authority(f->state));
    struct weft_policy_head none = {.version = 0};
    return policy != NULL ? *weft_policy_head(policy) : none;
}

static void expect_sound(struct fixture *f)
{
    struct weft_state_check check = {.directory = f->directory};
    struct weft_msg msg = {""};
    fixture_close(f);
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &msg));
    EXPECT_TEXT("", msg.text);
    fixture_open(f);
}

/* --- how a site begins ----------------------------------------------------------------------- */

TEST(authority, a_site_is_governed_by_its_first_commit)
{
    struct fixture f;
    rig_start(&f, "state");
    EXPECT_TRUE(weft_authority_org(weft_state_authority(f.state)) == NULL);
    struct weft_digest digest = rig_govern(&f);
    const struct weft_authority *a = weft_state_authority(f.state);
    EXPECT_EQ(1, weft_authority_index(a));
    EXPECT_EQ(1, weft_authority_org(a)->link.version);
    EXPECT_EQ(2, weft_authority_keyring(a)->count);
    EXPECT_EQ(1, policy_of(&f).version);
    EXPECT_TRUE(weft_digest_equal(&digest, &weft_policy_head(weft_authority_policy(a))->digest));
    fixture_destroy(&f);
}

TEST(authority, a_site_with_records_is_not_governed_later)
{
    struct fixture f;
    struct weft_org org = signers_org();
    rig_start(&f, "state");
    expect_refused(&f, rig_policy(1, NULL, RIG_POLICY, by_ann, NULL), WEFT_ESTATE,
        "/records/0/attrs/note", "the site has no org document: it is ungoverned");
    const struct weft_record behind[] = {fixture_record("serial:1"), rig_org(&org, roots)};
    EXPECT_EQ(WEFT_ESTATE, rig_commit(&f, NODE, behind, 2)->err);
    expect_taken(&f, fixture_record("serial:1"));
    expect_refused(&f, rig_org(&org, roots), WEFT_ESTATE, "/records/0/attrs/note",
        "a site is governed from its first commit on, or not at all");
    EXPECT_EQ(0, weft_authority_index(weft_state_authority(f.state)));
    fixture_destroy(&f);
}

TEST(authority, what_is_no_document_is_refused_with_its_place)
{
    struct fixture f;
    struct weft_org org = signers_org();
    rig_start(&f, "state");
    struct weft_record record = rig_org(&org, roots);
    struct weft_field two[2] = {record.fields[0], record.fields[0]};
    two[0].path = WEFT_TEXT("hint");
    record.asset = WEFT_TEXT("authority:roots");
    expect_refused(&f, record, WEFT_EINVAL, "/records/0/asset",
        "a record of kind authority stands on authority:org, authority:policy, "
        "authority:key/CLASS/NAME or authority:revoke/N");
    record.asset = WEFT_TEXT("org");
    EXPECT_EQ(WEFT_EINVAL, rig_commit(&f, NODE, &record, 1)->err);
    record.asset = WEFT_TEXT("authority:org");
    record.fields = two;
    record.field_count = 2;
    expect_refused(&f, record, WEFT_EINVAL, "/records/0/attrs",
        "a signed note as attribute note, and nothing else");
    record.fields = two + 1;
    record.field_count = 1;
    two[1].value.size -= 4;
    expect_refused(
        &f, record, WEFT_EMALFORMED, "/records/0/attrs/note", "line 23: no newline at the end");
    fixture_destroy(&f);
}

TEST(authority, the_first_org_document_is_ours_and_signed_by_enough_roots)
{
    struct fixture f;
    struct weft_org org = signers_org();
    static const char *const one_root[] = {RIG_ROOT_A, NULL};
    rig_start(&f, "state");
    expect_refused(&f, rig_org(&org, one_root), WEFT_EREFUSED, "/records/0/attrs/note",
        "threshold: 1 of 3 roots of this version have signed, 2 have to");
    struct weft_org late = org;
    late.link.expires_ns = SIGNERS_NOW_NS + 1000000;
    f.time_ns += 2000000;
    expect_refused(&f, rig_org(&late, roots), WEFT_EREFUSED, "/records/0/attrs/note",
        "freeze: version 1 is out of date");
    fixture_close(&f);
    fixture_destroy(&f);
    fixture_init(&f, "other");
    f.time_ns = SIGNERS_NOW_NS;
    fixture_open(&f);
    expect_refused(&f, rig_org(&org, roots), WEFT_EPEER, "/records/0/attrs/note",
        "the document of another organization");
    fixture_destroy(&f);
}

/* --- policies -------------------------------------------------------------------------------- */

TEST(authority, policies_follow_each_other)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest one = rig_govern(&f), two, other;
    expect_refused(&f, rig_policy(3, &one, RIG_POLICY, by_ann, NULL), WEFT_ECONFLICT,
        "/records/0/attrs/note", "fast-forward: version 3 follows 1");
    expect_taken(&f, rig_policy(2, &one, RIG_POLICY "# two\n", by_bo, &two));
    EXPECT_EQ(2, policy_of(&f).version);
    expect_refused(&f, rig_policy(1, NULL, RIG_POLICY, by_ann, NULL), WEFT_ECONFLICT,
        "/records/0/attrs/note", "rollback: version 1, and 2 is in force");
    expect_refused(&f, rig_policy(2, &one, RIG_POLICY "# two\n", by_ann, NULL), WEFT_ECONFLICT,
        "/records/0/attrs/note", "repeated: version 2 is in force");
    expect_refused(&f, rig_policy(2, &one, RIG_POLICY "# 2\n", by_ann, &other), WEFT_ECONFLICT,
        "/records/0/attrs/note", "fork: another version 2 is in force");
    expect_refused(&f, rig_policy(3, &other, RIG_POLICY, by_ann, NULL), WEFT_ECONFLICT,
        "/records/0/attrs/note", "fork: version 3 follows another version 2 than the one in force");
    expect_taken(&f, rig_policy(3, &two, RIG_POLICY, by_ann, NULL));
    EXPECT_EQ(3, policy_of(&f).version);
    fixture_destroy(&f);
}

TEST(authority, a_policy_is_signed_by_admins_that_it_allows_and_locks_nobody_out)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest one = rig_govern(&f), two;
    expect_refused(&f, rig_policy(2, &one, RIG_POLICY, by_cy, NULL), WEFT_EREFUSED,
        "/records/0/attrs/note", "threshold: 0 admins have signed, 1 have to");
    expect_refused(&f, rig_policy(2, &one, RIG_POLICY, roots, NULL), WEFT_EREFUSED,
        "/records/0/attrs/note", "threshold: 0 admins have signed, 1 have to");
    expect_refused(&f, rig_policy(2, &one, "permit all\n  who op cy\n  do any\n", by_ann, NULL),
        WEFT_EREFUSED, "/records/0/attrs/note",
        "lock-out: none of the 2 admins could change the policy again");
    expect_refused(&f, rig_policy(2, &one, "permit all\n  do any\n", by_ann, NULL), WEFT_EINVAL,
        "/records/0/attrs/note",
        "policy:5:1: expected a line \"who ...\" in permit all (\"who any\": everybody), found the "
        "end "
        "of the text");
    expect_taken(
        &f, rig_policy(2, &one, "permit admin\n  who op bo\n  do admin-policy\n", by_ann, &two));
    expect_refused(&f, rig_policy(3, &two, RIG_POLICY, by_ann, NULL), WEFT_EREFUSED,
        "/records/0/attrs/note",
        "not-permitted: admin-policy is not for those who have signed, under the policy in force");
    expect_taken(&f, rig_policy(3, &two, RIG_POLICY, by_bo, NULL));
    fixture_destroy(&f);
}

TEST(authority, signers_approve_for_each_other)
{
    static const char *const both[] = {RIG_ANN, RIG_BO, NULL};
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest one = rig_govern(&f), two;
    expect_taken(&f, rig_policy(2, &one,
                         "group admins = op ann, op bo\n" RIG_POLICY
                         "require two\n  do admin-policy\n  need 1 of admins not proposer\n",
                         by_ann, &two));
    EXPECT_EQ(WEFT_EREFUSED, ({
        struct weft_record r = rig_policy(3, &two, RIG_POLICY, by_ann, NULL);
        rig_commit(&f, NODE, &r, 1)->err;
    }));
    expect_taken(&f, rig_policy(3, &two, RIG_POLICY, both, NULL));
    fixture_destroy(&f);
}

/* --- keys and org documents ------------------------------------------------------------------ */

TEST(authority, keys_come_and_go)
{
    struct fixture f;
    struct weft_org org = signers_org();
    struct weft_chain_link first, second;
    rig_start(&f, "state");
    struct weft_digest one = rig_govern(&f);
    expect_taken(&f, rig_key(RIG_CY, false, &org, by_ann));
    expect_refused(&f, rig_key(RIG_CY, false, &org, by_ann), WEFT_EREFUSED, "/records/0/attrs/note",
        "another nonce than the site's: the org document or a key of op/cy has changed");
    struct weft_record wrong = rig_key(RIG_ROBOT, false, &org, by_ann);
    wrong.asset = WEFT_TEXT("authority:key/op/robot");
    expect_refused(&f, wrong, WEFT_EINVAL, "/records/0/attrs/note", "the key is of svc/robot");
    expect_refused(&f, rig_revoke(RIG_ANN, NULL, by_bo, &first), WEFT_EREFUSED,
        "/records/0/attrs/note",
        "threshold: an admin's keys come and go by the roots: 0 (of 2 needed) have signed");
    expect_taken(&f, rig_revoke(RIG_ANN, NULL, roots, &first));
    expect_refused(&f, rig_policy(2, &one, RIG_POLICY, by_ann, NULL), WEFT_EREFUSED,
        "/records/0/attrs/note", "threshold: 0 admins have signed, 1 have to");
    expect_refused(&f, rig_key(RIG_ROBOT, false, &org, by_ann), WEFT_EREFUSED,
        "/records/0/attrs/note",
        "threshold: 0 admins (of 1 needed) and 0 roots (of 2 needed) have signed");
    expect_taken(&f, rig_revoke(RIG_CY, &first, by_bo, &second));
    /* Roots replace what is lost. */
    expect_taken(&f, rig_next_key(&f, RIG_ANN, false, &org, roots));
    EXPECT_EQ(4, weft_authority_keyring(weft_state_authority(f.state))->count);
    EXPECT_EQ(2, weft_authority_revoked(weft_state_authority(f.state))->version);
    expect_sound(&f);
    EXPECT_EQ(2, weft_authority_revoked(weft_state_authority(f.state))->version);
    fixture_destroy(&f);
}

TEST(authority, a_key_is_rotated_by_itself_whatever_the_policy_says_of_keys)
{
    static const char *const by_robot[] = {RIG_ROBOT, NULL};
    struct fixture f;
    struct weft_org org = signers_org();
    struct weft_digest two;
    rig_start(&f, "state");
    struct weft_digest one = rig_govern(&f);
    expect_taken(&f, rig_key(RIG_ROBOT, false, &org, by_ann));
    expect_taken(&f, rig_policy(2, &one, "permit admin\n  who  op ann op bo\n  do admin-policy\n",
                         by_ann, &two));
    expect_refused(&f, rig_next_key(&f, RIG_ROBOT, true, &org, by_ann), WEFT_EREFUSED,
        "/records/0/attrs/note",
        "not-permitted: admin-keys is not for those who have signed, under the policy in force");
    expect_taken(&f, rig_next_key(&f, RIG_ROBOT, true, &org, by_robot)); /* POL-32 */
    expect_taken(&f, rig_next_key(&f, RIG_ANN, true, &org, by_ann));
    /* The old key has ended. */
    expect_refused(&f, rig_policy(3, &two, RIG_POLICY, by_ann, NULL), WEFT_EREFUSED,
        "/records/0/attrs/note", "threshold: 0 admins have signed, 1 have to");
    expect_taken(&f, rig_policy(3, &two, RIG_POLICY, by_bo, NULL));
    expect_sound(&f);
    fixture_destroy(&f);
}

TEST(authority, org_documents_follow_each_other_and_old_enrolments_say_nothing)
{
    struct fixture f;
    struct weft_org org = signers_org(), next = next_org(&org);
    rig_start(&f, "state");
    (void)rig_govern(&f);
    expect_refused(&f, rig_org(&org, roots), WEFT_ECONFLICT, "/records/0/attrs/note",
        "repeated: version 1 is in force");
    expect_taken(&f, rig_org(&next, roots));
    expect_refused(&f, rig_org(&org, roots), WEFT_ECONFLICT, "/records/0/attrs/note",
        "rollback: version 1, and 2 is in force");
    expect_refused(&f, rig_key(RIG_CY, false, &org, by_ann), WEFT_EREFUSED, "/records/0/attrs/note",
        "another nonce than the site's: the org document or a key of op/cy has changed");
    expect_taken(&f, rig_key(RIG_CY, false, &next, by_ann));
    /* The policy names ann and bo alone. */
    struct weft_org third = next_org(&next);
    struct weft_principal cy = signers_principal(RIG_CY);
    third.admins = &cy;
    third.admin_count = 1;
    expect_refused(&f, rig_org(&third, roots), WEFT_EREFUSED, "/records/0/attrs/note",
        "lock-out: none of the 1 admins could change the policy again");
    fixture_destroy(&f);
}

TEST(authority, facts_of_principals_are_those_of_the_org_document)
{
    struct fixture f;
    rig_start(&f, "state");
    (void)rig_govern(&f);
    const struct weft_authority *a = weft_state_authority(f.state);
    struct weft_principal cy = signers_principal(RIG_CY), bo = signers_principal(RIG_BO);
    struct weft_policy_subject subject;
    weft_authority_subject(a, &cy, &subject);
    EXPECT_EQ(1, subject.role_count);
    EXPECT_TRUE(weft_text_is(subject.roles[0].name, "operator"));
    EXPECT_TRUE(weft_text_is(subject.roles[0].place, "plant1/line2"));
    EXPECT_EQ(2, subject.attr_count);
    EXPECT_EQ(WEFT_ATTR_TEXT, subject.attrs[0].type);
    EXPECT_EQ(WEFT_ATTR_BOOL, subject.attrs[1].type);
    EXPECT_EQ(1, subject.attrs[1].number);
    weft_authority_subject(a, &bo, &subject);
    EXPECT_EQ(0, subject.role_count);
    EXPECT_EQ(0, subject.attr_count);
    fixture_destroy(&f);
}

/* --- when it is in force, and for whom ------------------------------------------------------- */

TEST(authority, a_view_keeps_its_own)
{
    struct fixture f;
    struct weft_view *view;
    rig_start(&f, "state");
    struct weft_digest one = rig_govern(&f);
    struct weft_authority *before = weft_authority_retain(weft_state_authority(f.state));
    EXPECT_EQ(WEFT_OK, weft_view_open(f.state, &view, &f.msg));
    expect_taken(&f, rig_policy(2, &one, RIG_POLICY, by_ann, NULL));
    EXPECT_EQ(1, weft_policy_head(weft_authority_policy(before))->version);
    EXPECT_EQ(2, policy_of(&f).version);
    weft_view_close(view);
    fixture_close(&f);
    EXPECT_EQ(1, weft_policy_head(weft_authority_policy(before))->version);
    weft_authority_release(before);
    fixture_open(&f);
    fixture_destroy(&f);
}

TEST(authority, what_apply_would_not_have_taken_is_damage)
{
    struct weft_authority *a, *next = NULL;
    struct weft_refusal refusal;
    struct weft_org org = signers_org();
    const struct weft_authority_place place = {
        WEFT_TEXT("oem.example/plant1"), 7, SIGNERS_NOW_NS, false};
    struct weft_record record = rig_org(&org, roots);
    EXPECT_EQ(WEFT_OK, weft_authority_create(&a));
    EXPECT_EQ(WEFT_OK, weft_authority_next(a, &record, 3, &place, &next, &refusal, NULL));
    EXPECT_EQ(WEFT_ESTATE, refusal.err);
    EXPECT_TEXT("/records/3/attrs/note", refusal.pointer);
    EXPECT_TRUE(next == NULL);
    weft_authority_release(a);
}

/* --- random histories ------------------------------------------------------------------------ */

enum {
    STEPS = 160,
    PERSONS = 6,
};

/* What a history of documents comes to, kept by plain rules. */
struct plain {
    struct weft_org org;
    struct weft_digest org_digest;
    uint64_t policy_version;
    struct weft_digest policy;
    struct weft_digest policy_before;
    bool is_enrolled[PERSONS]; /* Once: also those whose key is gone. */
    bool is_revoked[PERSONS];
    struct weft_chain_link revoked;
    uint32_t taken;
    uint32_t refused;
};

/* The first two are the admins. */
static const char *const persons[PERSONS] = {
    RIG_ANN, RIG_BO, RIG_CY, RIG_ROBOT, "oem.example/plant1/op/dee", "oem.example/plant1/gw/gw1"};

/* Who signs: an admin's key counts while it is not revoked. */
static const char *const *some_signer(const struct plain *p, bool *ret_counts)
{
    uint64_t who = test_random(4);
    *ret_counts = who == 3 || (who < 2 && !p->is_revoked[who]);
    return who == 0 ? by_ann : who == 1 ? by_bo : who == 2 ? by_cy : roots;
}

static struct weft_record org_step(struct plain *p, bool *ret_is_good)
{
    struct weft_org next = next_org(&p->org);
    switch (test_random(4)) {
    case 0:
        next.link.version++;
        break;
    case 1:
        next.link.prev.bytes[7] ^= 1;
        break;
    default:
        *ret_is_good = true;
        p->org = next;
        p->org_digest = rig_org_digest(&next);
    }
    return rig_org(&next, roots);
}

static struct weft_record policy_step(struct plain *p, bool *ret_is_good)
{
    bool counts;
    char rest[400];
    const char *const *names = some_signer(p, &counts);
    uint64_t version = p->policy_version + 1;
    struct weft_digest prev = p->policy, digest;
    counts = counts && names != roots;
    (void)snprintf(
        rest, sizeof(rest), RIG_POLICY "# %llu\n", (unsigned long long)test_random(9999));
    switch (test_random(6)) {
    case 0:
        version = 1 + test_random(version - 1);
        counts = false;
        break;
    case 1:
        prev = p->policy_before;
        counts = false;
        break;
    case 2:
        (void)snprintf(rest, sizeof(rest), "permit none\n  who op zoe\n  do any\n");
        counts = false;
        break;
    }
    struct weft_record record = rig_policy(version, &prev, rest, names, &digest);
    if (counts) {
        p->policy_before = p->policy;
        p->policy = digest;
        p->policy_version = version;
    }
    *ret_is_good = counts;
    return record;
}

static struct weft_record key_step(struct plain *p, bool *ret_is_good)
{
    uint64_t who = test_random(PERSONS);
    const char *const *names = some_signer(p, ret_is_good);
    *ret_is_good = *ret_is_good && !p->is_enrolled[who];
    p->is_enrolled[who] = p->is_enrolled[who] || *ret_is_good;
    return rig_key(persons[who], false, &p->org, names);
}

/* Of the admins one stays, since nothing would happen any more; the other goes by the roots. */
static struct weft_record revoke_step(struct plain *p, bool *ret_is_good)
{
    uint64_t who = test_random(2) == 0 ? 1 + test_random(PERSONS - 1) : 2;
    struct weft_chain_link link;
    bool is_second = p->revoked.version > 0 && test_random(5) > 0;
    const char *const *names = some_signer(p, ret_is_good);
    *ret_is_good = *ret_is_good && p->is_enrolled[who] && !p->is_revoked[who] &&
                   (who > 1 || names == roots) && is_second == (p->revoked.version > 0);
    struct weft_record record =
        rig_revoke(persons[who], is_second ? &p->revoked : NULL, names, &link);
    if (*ret_is_good) {
        p->is_revoked[who] = true;
        p->revoked = link;
    }
    return record;
}

static struct weft_record some_record(struct plain *p, bool *ret_is_good)
{
    *ret_is_good = false;
    switch (test_random(9)) {
    case 0:
        return org_step(p, ret_is_good);
    case 1:
    case 2:
    case 3:
        return policy_step(p, ret_is_good);
    case 4:
    case 5:
        return key_step(p, ret_is_good);
    case 6:
        return revoke_step(p, ret_is_good);
    default:
        *ret_is_good = true;
        return fixture_record("serial:1");
    }
}

/* Two commits to an entry, one of them of two records, on a replica that stays open and one that
 * is opened anew now and then. */
static void step_both(struct plain *p, struct fixture *a, struct fixture *b, uint64_t n)
{
    bool is_good[2] = {true, true};
    struct weft_record records[2][2];
    uint32_t counts[2] = {1 + (n % 3 == 0), 1};
    struct weft_commit commits[2];
    struct fixture *const both[2] = {a, b};
    for (uint32_t i = 0; i < 2; i++) {
        struct plain before = *p;
        for (uint32_t k = 0; k < counts[i]; k++) {
            bool is_one_good;
            records[i][k] = some_record(p, &is_one_good);
            is_good[i] = is_good[i] && is_one_good;
        }
        if (!is_good[i]) {
            *p = before; /* Whole, or not at all. */
        }
        commits[i] = (struct weft_commit){.records = records[i], .record_count = counts[i]};
        memcpy(commits[i].request_id.bytes, &n, sizeof(n));
        commits[i].request_id.bytes[15] = (uint8_t)(i + 1);
        p->taken += is_good[i];
        p->refused += !is_good[i];
    }
    for (uint32_t i = 0; i < 2; i++) {
        test_entry_begin(&both[i]->entry);
        EXPECT_TRUE(test_entry_commit(&both[i]->entry, "spiffe://" RIG_ANN, &commits[0]));
        EXPECT_TRUE(test_entry_commit(&both[i]->entry, "spiffe://" RIG_ANN, &commits[1]));
        fixture_apply(both[i]);
        EXPECT_EQ(is_good[0], both[i]->items[0].err == WEFT_OK);
        EXPECT_EQ(is_good[1], both[i]->items[1].err == WEFT_OK);
    }
}

TEST(authority, replicas_agree_with_the_plain_rules_whenever_they_were_opened)
{
    struct fixture a, b;
    rig_start(&b, "other");
    struct weft_digest digest = rig_govern(&b);
    rig_start(&a, "state");
    (void)rig_govern(&a);
    struct plain p = {.org = signers_org(), .policy_version = 1, .policy = digest};
    p.is_enrolled[0] = p.is_enrolled[1] = true;
    for (uint64_t n = 1; n <= STEPS; n++) {
        step_both(&p, &a, &b, n);
        if (n % 7 == 0) {
            fixture_close(&b);
            fixture_open(&b);
        }
    }
    struct fixture *const both[2] = {&a, &b};
    for (uint32_t i = 0; i < 2; i++) {
        const struct weft_authority *now = weft_state_authority(both[i]->state);
        EXPECT_EQ(p.org.link.version, weft_authority_org(now)->link.version);
        EXPECT_EQ(p.policy_version, policy_of(both[i]).version);
        const struct weft_chain_link *revoked = weft_authority_revoked(now);
        EXPECT_EQ(p.revoked.version, revoked != NULL ? revoked->version : 0);
    }
    EXPECT_TRUE(p.taken > 60 && p.refused > 60 && p.policy_version > 5 && p.org.link.version > 3);
    struct weft_state_position pa, pb;
    weft_state_position(a.state, &pa);
    weft_state_position(b.state, &pb);
    EXPECT_TRUE(weft_digest_equal(&pa.chain, &pb.chain)); /* NOD-7, NOD-144 */
    struct weft_digest_result da = fixture_digest(&a), db = fixture_digest(&b);
    EXPECT_TRUE(weft_digest_equal(&da.digest, &db.digest));
    expect_sound(&b);
    fixture_destroy(&a);
    fixture_destroy(&b);
}
