/* Agreements, partners and acts of operators as records: what is taken, what is refused and how it
 * is said, and that a state that was opened anew has the same. */
#include <stdio.h>
#include <string.h>

#include "node/state/machine.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

#define AGREEMENT "agreement:" RIG_NAME

static void expect_refused(
    struct rig_site *site, struct weft_record record, enum weft_err err, const char *words)
{
    EXPECT_EQ(err, rig_commit(site, record));
    if (strstr(site->msg.text, words) == NULL) {
        EXPECT_TEXT(words, site->msg.text);
    }
}

static enum weft_err bring(struct rig_pair *pair, uint32_t party, struct weft_contract *contract,
    bool by_oem, bool by_supplier)
{
    struct weft_buffer note = rig_contract_note(pair, contract, by_oem, by_supplier);
    enum weft_err err = rig_commit(
        &pair->sites[party], rig_note("agreement", AGREEMENT, weft_buffer_as_text(&note)));
    weft_buffer_destroy(&note);
    return err;
}

TEST(agreements, are_offered_by_one_side_and_in_force_by_both)
{
    static struct rig_pair pair;
    struct weft_contract contract = rig_contract();
    rig_pair_start(&pair, "offered");
    struct rig_site *oem = &pair.sites[RIG_OEM];
    EXPECT_EQ(WEFT_OK, bring(&pair, RIG_OEM, &contract, true, false));
    for (int i = 0; i < 2; i++) {
        const struct weft_agreement offered = rig_agreement(oem);
        EXPECT_EQ(WEFT_AGREEMENT_OFFERED, offered.state);
        EXPECT_TRUE(offered.terms == NULL);
        EXPECT_TRUE(offered.offer.note.size > 0);
        rig_reopen(oem);
    }
    EXPECT_EQ(WEFT_OK, bring(&pair, RIG_OEM, &contract, true, true));
    for (int i = 0; i < 2; i++) {
        const struct weft_agreement agreed = rig_agreement(oem);
        EXPECT_EQ(WEFT_AGREEMENT_IN_FORCE, agreed.state);
        EXPECT_EQ(0, agreed.offer.note.size);
        EXPECT_EQ(1, agreed.terms->newest->link.version);
        EXPECT_EQ(1, agreed.terms->sent->link.version);
        EXPECT_TRUE(agreed.terms->received == NULL);
        EXPECT_EQ(1, agreed.terms->next->link.version);
        EXPECT_TRUE(weft_text_is(agreed.terms->partner, "supplier.example/west"));
        EXPECT_EQ(RIG_NODES, agreed.terms->their_heads.verifier_count);
        EXPECT_EQ(RIG_NODES, agreed.terms->their_receipts.threshold);
        EXPECT_TEXT("oem.example/plant1/sent/" RIG_NAME, agreed.terms->own_heads.origin);
        /* The first leaf says so. */
        EXPECT_EQ(1, agreed.provider->stream.tree.size);
        rig_reopen(oem);
    }
    EXPECT_EQ(WEFT_ECONFLICT, bring(&pair, RIG_OEM, &contract, true, true));
    rig_expect_sound(oem);
    rig_pair_stop(&pair);
}

TEST(agreements, are_refused_by_name)
{
    static struct rig_pair pair;
    struct weft_contract contract = rig_contract();
    rig_pair_start(&pair, "refused");
    struct rig_site *oem = &pair.sites[RIG_OEM];
    EXPECT_EQ(WEFT_OK, bring(&pair, RIG_OEM, &contract, true, true));
    pair.contract = contract;
    pair.digest = contract.link.digest;
    /* A version left out; one that is of other documents; one that ran out. */
    struct weft_contract next = rig_contract();
    pair.contract.link.version = 2;
    EXPECT_EQ(WEFT_ECONFLICT, bring(&pair, RIG_OEM, &next, true, true));
    pair.contract.link.version = 1;
    next = rig_contract();
    next.parties[1].pin = weft_sha256("x", 1);
    EXPECT_EQ(WEFT_EPEER, bring(&pair, RIG_OEM, &next, true, true));
    next = rig_contract();
    next.link.issued_ns = SIGNERS_NOW_NS - 2 * SIGNERS_DAY_NS;
    next.link.expires_ns = SIGNERS_NOW_NS - SIGNERS_DAY_NS;
    EXPECT_EQ(WEFT_EREFUSED, bring(&pair, RIG_OEM, &next, true, true));
    EXPECT_TRUE(strstr(oem->msg.text, "freeze") != NULL);
    EXPECT_TRUE(strstr(oem->msg.text, "/records/0/attrs/note") != NULL);
    expect_refused(
        oem, rig_note("agreement", AGREEMENT, WEFT_TEXT("no note\n")), WEFT_EMALFORMED, "note");
    expect_refused(oem, rig_act("dance"), WEFT_EINVAL, "act:");
    expect_refused(oem, rig_act("resume"), WEFT_ESTATE, "not as this act wants");
    expect_refused(oem, rig_act("unhold"), WEFT_ESTATE, "not as this act wants");
    EXPECT_EQ(1, rig_agreement(oem).terms->newest->link.version);
    rig_expect_sound(oem);
    rig_pair_stop(&pair);
}

/* FED-2, with the place. */
TEST(agreements, with_overlapping_authority_are_refused_with_both_lines)
{
    static struct rig_pair pair;
    static const char text[] = "weft-agreement/v1\nagreement box-2026\nversion 1\nprev none\n";
    rig_pair_start(&pair, "overlap");
    struct rig_site *oem = &pair.sites[RIG_OEM];
    struct weft_contract contract = rig_contract();
    struct weft_buffer note = rig_contract_note(&pair, &contract, true, true);
    struct weft_buffer twice = {0};
    /* One line more: the same kind, of the other party, a group within all of it. */
    struct weft_text rest = weft_buffer_as_text(&note), line;
    (void)text;
    while (weft_text_cut(&rest, '\n', &line)) {
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&twice, "%.*s\n", (int)line.size, line.data));
        if (weft_text_starts(line, "authority inspection")) {
            EXPECT_EQ(WEFT_OK,
                weft_buffer_format(&twice, "authority inspection supplier.example/west verdict\n"));
        }
    }
    EXPECT_TRUE(
        rig_commit(oem, rig_note("agreement", AGREEMENT, weft_buffer_as_text(&twice))) != WEFT_OK);
    if (strstr(oem->msg.text, "line") == NULL) {
        EXPECT_TEXT("the line", oem->msg.text);
    }
    EXPECT_EQ(0, weft_streams_count(weft_state_streams(oem->f.state)));
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&twice);
    rig_pair_stop(&pair);
}

TEST(agreements, have_partners_who_are_pinned)
{
    static struct rig_pair pair;
    struct weft_partner partner;
    rig_pair_start(&pair, "pinned");
    struct rig_site *oem = &pair.sites[RIG_OEM];
    for (int i = 0; i < 2; i++) {
        const struct weft_streams *streams = weft_state_streams(oem->f.state);
        EXPECT_EQ(2, weft_streams_partner_count(streams));
        EXPECT_TRUE(
            weft_streams_find_partner(streams, WEFT_TEXT("supplier.example/west"), &partner));
        EXPECT_EQ(RIG_NODES, partner.key_count);
        EXPECT_TRUE(weft_text_is(partner.endpoints, "127.0.0.1:9000\n"));
        EXPECT_TRUE(weft_text_is(partner.org->org, "supplier.example"));
        EXPECT_TRUE(weft_streams_find_partner(streams, WEFT_TEXT("oem.example/plant1"), &partner));
        EXPECT_TRUE(partner.org == NULL);
        EXPECT_TRUE(!weft_streams_find_partner(streams, WEFT_TEXT("oem.example/x"), &partner));
        rig_reopen(oem);
    }
    struct weft_record record = rig_partner(RIG_SUPPLIER, false);
    record.asset = WEFT_TEXT("partner:supplier.example");
    expect_refused(oem, record, WEFT_EINVAL, "ORG/SITE");
    record.asset = WEFT_TEXT("partner:other.example/west");
    expect_refused(oem, record, WEFT_EPEER, "the document of the partner's organization");
    record = rig_partner(RIG_OEM, false);
    expect_refused(oem, record, WEFT_EINVAL, "keys and endpoints alone");
    record = rig_partner(RIG_SUPPLIER, false);
    ((struct weft_field *)(uintptr_t)record.fields)[0].value = WEFT_TEXT("nonsense\n");
    expect_refused(oem, record, WEFT_EMALFORMED, "key 1");
    rig_must(oem, rig_partner(RIG_SUPPLIER, false)); /* The same once more. */
    rig_expect_sound(oem);
    rig_pair_stop(&pair);
}

TEST(agreements, are_alone_in_their_commits)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "alone");
    struct rig_site *oem = &pair.sites[RIG_OEM];
    const struct weft_record records[] = {
        rig_inspection(1, "PASS"), rig_partner(RIG_SUPPLIER, false)};
    struct weft_commit commit = {.records = records, .record_count = 2};
    test_entry_begin(&oem->f.entry);
    EXPECT_TRUE(test_entry_commit(&oem->f.entry, "spiffe://oem.example/plant1/op/ann", &commit));
    fixture_apply(&oem->f);
    EXPECT_EQ(WEFT_EINVAL, oem->f.items[0].err);
    EXPECT_TRUE(weft_text_is(oem->f.items[0].error.pointer, "/records/1/attrs"));
    rig_pair_stop(&pair);
}

TEST(agreements, are_suspended_resumed_held_and_ended_by_operators)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "acts");
    rig_pair_agree(&pair);
    struct rig_site *oem = &pair.sites[RIG_OEM];
    rig_must(oem, rig_act("suspend"));
    EXPECT_EQ(WEFT_AGREEMENT_SUSPENDED, rig_agreement(oem).state);
    expect_refused(oem, rig_act("suspend"), WEFT_ESTATE, "");
    rig_reopen(oem);
    EXPECT_EQ(WEFT_AGREEMENT_SUSPENDED, rig_agreement(oem).state);
    rig_must(oem, rig_act("resume"));
    EXPECT_EQ(WEFT_AGREEMENT_IN_FORCE, rig_agreement(oem).state);
    rig_must(oem, rig_act("hold"));
    EXPECT_EQ(WEFT_CONSUMER_HELD, rig_consumer(oem)->hold);
    rig_reopen(oem);
    EXPECT_EQ(WEFT_CONSUMER_HELD, rig_consumer(oem)->hold);
    rig_must(oem, rig_act("unhold"));
    EXPECT_EQ(WEFT_CONSUMER_TAKES, rig_consumer(oem)->hold);
    rig_must(oem, rig_act("end"));
    EXPECT_EQ(WEFT_AGREEMENT_ENDED, rig_agreement(oem).state);
    EXPECT_EQ(4, rig_provider(oem)->stream.tree.size);
    struct weft_contract next = rig_contract();
    EXPECT_EQ(WEFT_ESTATE, bring(&pair, RIG_OEM, &next, true, true));
    rig_expect_sound(oem);
    rig_pair_stop(&pair);
}

/* NOD-190 */
TEST(agreements, are_the_same_on_every_replica_however_often_it_was_opened)
{
    static struct rig_pair a, b;
    rig_pair_start(&a, "replica-a");
    rig_pair_start(&b, "replica-b");
    for (int round = 0; round < 20; round++) {
        static const char *const acts[] = {"suspend", "resume", "hold", "unhold", "unfreeze"};
        uint64_t what = test_random(8);
        struct weft_contract contract = rig_contract();
        struct weft_record record = what < 5    ? rig_act(acts[what])
                                    : what == 5 ? rig_partner(RIG_SUPPLIER, false)
                                                : rig_inspection(test_random(5), "PASS");
        bool both = test_random(3) > 0;
        if (what == 7) {
            EXPECT_EQ(bring(&a, RIG_OEM, &contract, true, both),
                bring(&b, RIG_OEM, &contract, true, both));
            if (both) {
                a.contract = b.contract = contract;
                a.digest = b.digest = contract.link.digest;
            }
        } else {
            EXPECT_EQ(rig_commit(&a.sites[RIG_OEM], record), rig_commit(&b.sites[RIG_OEM], record));
        }
        rig_reopen(&b.sites[RIG_OEM]);
        const struct weft_digest_result x = fixture_digest(&a.sites[RIG_OEM].f);
        const struct weft_digest_result y = fixture_digest(&b.sites[RIG_OEM].f);
        EXPECT_TRUE(weft_digest_equal(&x.digest, &y.digest));
    }
    EXPECT_TRUE(a.contract.link.version > 0);
    rig_expect_sound(&a.sites[RIG_OEM]);
    rig_pair_stop(&a);
    rig_pair_stop(&b);
}

static bool warns(struct rig_site *site, const char *path, const char *line)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    const struct weft_text file = rig_file(site, path, &arena);
    EXPECT_TRUE(file.size > 0);
    const bool is_there = memmem(file.data, file.size, line, strlen(line)) != NULL;
    weft_arena_destroy(&arena);
    return is_there;
}

/* A side of which fewer keys are known than have to sign is waited for in vain. */
TEST(agreements, tell_of_keys_that_are_not_known)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "unknown");
    rig_pair_agree(&pair);
    struct rig_site *oem = &pair.sites[RIG_OEM];
    static const char theirs[] = "received.warning " RIG_NAME
                                 ": keys of supplier.example/west: 0 known here, 2 have to sign";
    static const char own[] =
        "sent.warning " RIG_NAME ": keys of oem.example/plant1: 0 known here, 2 have to sign";
    EXPECT_TRUE(!warns(oem, "partner/" RIG_NAME, ".warning"));
    rig_must(oem, rig_former(RIG_SUPPLIER, false, " until lid 9 9"));
    EXPECT_TRUE(warns(oem, "partner/" RIG_NAME, theirs));
    EXPECT_TRUE(warns(oem, "partner", theirs));
    EXPECT_TRUE(!warns(oem, "partner", own));
    rig_must(oem, rig_former(RIG_OEM, true, " until lid 9 9"));
    EXPECT_TRUE(warns(oem, "partner/" RIG_NAME, own));
    rig_pair_stop(&pair);
}

/* FED-33: what keys signed up to where they ended stands, and nothing larger. */
TEST(agreements, former_keys_of_a_partner_count_up_to_where_they_ended)
{
    static struct rig_pair pair;
    rig_pair_start(&pair, "former");
    rig_pair_agree(&pair);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    (void)rig_step(west);
    rig_must(west, rig_inspection(1, "PASS"));
    rig_sign(west);
    rig_must(oem, rig_former(RIG_SUPPLIER, false, " until lid 9 9 " RIG_NAME " 1 0"));
    EXPECT_EQ(WEFT_EREFUSED, rig_send_head(&pair, RIG_SUPPLIER)); /* Two leaves. */
    rig_must(oem, rig_former(RIG_SUPPLIER, false, " until lid 9 9"));
    EXPECT_EQ(WEFT_EREFUSED, rig_send_head(&pair, RIG_SUPPLIER));
    rig_must(oem, rig_former(RIG_SUPPLIER, false, " until " RIG_NAME " 2 0"));
    EXPECT_EQ(WEFT_OK, rig_send_head(&pair, RIG_SUPPLIER));
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 10));
    rig_must(west, rig_former(RIG_OEM, false, " until " RIG_NAME " 9 1"));
    EXPECT_EQ(WEFT_EREFUSED, rig_send_receipt(&pair, RIG_SUPPLIER));
    rig_must(west, rig_former(RIG_OEM, false, " until " RIG_NAME " 0 2"));
    rig_reopen(west);
    EXPECT_EQ(WEFT_OK, rig_send_receipt(&pair, RIG_SUPPLIER));
    static const char *const bad[] = {" ", " until", " until ", " until a", " until a 1",
        " until a 1 x", " until a 1 2 ", " until a 01 2", " until a 1 2 b", " from a 1 2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EQ(WEFT_EINVAL, rig_commit(oem, rig_former(RIG_SUPPLIER, false, bad[i])));
    }
    rig_pair_stop(&pair);
}
