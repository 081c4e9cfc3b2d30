/* Offers in the state: they come by a link or a record, are signed, declined and withdrawn; what is
 * at fault has a name; so many are kept, and a state that was opened anew has the same. */
#include <stdio.h>
#include <string.h>

#include "node/state/machine.h"
#include "node/state/offers.h"
#include "node/state/stream_code.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

static struct rig_pair pair; /* Large. */
static struct rig_site *const oem = &pair.sites[RIG_OEM], *const west = &pair.sites[RIG_SUPPLIER];

/* A message about that agreement, said by that party. */
static enum weft_err hear(struct rig_site *site, enum weft_stream_act act, struct weft_text name,
    struct weft_text provider, struct weft_partner_message *m)
{
    struct weft_buffer bytes = {0};
    m->stream = (struct weft_stream_name){name, provider};
    EXPECT_EQ(WEFT_OK, weft_partner_encode(m, &bytes));
    const struct weft_stream_entry entry = {
        .act = act, .agreement = name, .message = {bytes.data, bytes.size}};
    enum weft_err err = rig_item(site, &entry);
    weft_buffer_destroy(&bytes);
    return err;
}

static enum weft_err offer(
    struct rig_site *to, struct weft_contract *contract, bool by_oem, bool by_supplier)
{
    struct weft_buffer note = rig_contract_note(&pair, contract, by_oem, by_supplier);
    struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_OFFER, .text = weft_buffer_as_text(&note)};
    enum weft_err err = hear(
        to, WEFT_STREAM_ACT_OFFER, contract->name, weft_text_of(rig_site_of(1 - to->party)), &m);
    weft_buffer_destroy(&note);
    return err;
}

static enum weft_err bring(
    struct rig_site *site, struct weft_contract *contract, bool by_oem, bool by_supplier)
{
    struct weft_buffer note = rig_contract_note(&pair, contract, by_oem, by_supplier);
    char asset[100];
    (void)snprintf(
        asset, sizeof(asset), "agreement:%.*s", (int)contract->name.size, contract->name.data);
    enum weft_err err = rig_commit(site, rig_note("agreement", asset, weft_buffer_as_text(&note)));
    weft_buffer_destroy(&note);
    return err;
}

/* The partner says that it declines or withdraws. */
static enum weft_err end(struct rig_site *to, const struct weft_digest *digest,
    enum weft_stream_fault fault, const char *reason)
{
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_NOTICE,
        .notice = {.fault = (uint16_t)fault, .reason = weft_text_of(reason), .offer = *digest}};
    return hear(to, WEFT_STREAM_ACT_OFFER_END, WEFT_TEXT(RIG_NAME),
        weft_text_of(rig_site_of(1 - to->party)), &m);
}

static bool says(struct rig_site *site, const char *words)
{
    return strstr(site->msg.text, words) != NULL;
}

static bool has_line(struct rig_site *site, const char *path, const char *line)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    const struct weft_text file = rig_file(site, path, &arena);
    bool is_there = file.size > 0 && memmem(file.data, file.size, line, strlen(line)) != NULL;
    weft_arena_destroy(&arena);
    return is_there;
}

TEST(offers, come_by_the_link_and_change_nothing_until_the_own_roots_sign)
{
    struct weft_contract contract = rig_contract();
    rig_pair_start(&pair, "offers-come");
    EXPECT_EQ(WEFT_OK, bring(west, &contract, false, true));
    EXPECT_EQ(WEFT_OK, offer(oem, &contract, false, true));
    for (int i = 0; i < 2; i++) {
        const struct weft_agreement a = rig_agreement(oem), own = rig_agreement(west);
        EXPECT_TRUE(a.terms == NULL && own.terms == NULL);
        EXPECT_EQ(WEFT_AGREEMENT_OFFERED, a.state);
        EXPECT_TRUE(!a.offer.is_ours && own.offer.is_ours);
        EXPECT_TRUE(weft_text_is(a.offer.partner, "supplier.example/west"));
        EXPECT_TRUE(weft_digest_equal(&a.offer.digest, &contract.link.digest));
        EXPECT_EQ(contract.link.expires_ns, a.offer.until_ns);
        rig_reopen(oem);
        rig_reopen(west);
    }
    EXPECT_TRUE(has_line(oem, "partner", "agreement " RIG_NAME " offered 0 partner 0 "));
    EXPECT_TRUE(has_line(west, "partner", "agreement " RIG_NAME " offered 0 own 0 "));
    EXPECT_TRUE(has_line(oem, "partner/" RIG_NAME, "\noffer.by supplier.example/west\n"));
    /* Once more it is nothing new, and no item. */
    EXPECT_EQ(WEFT_EREFUSED, offer(oem, &contract, false, true));
    /* As both have signed it: here by a record, there by the link, which nobody had to ask. */
    EXPECT_EQ(WEFT_OK, bring(oem, &contract, true, true));
    EXPECT_EQ(WEFT_OK, offer(west, &contract, true, true));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(1, rig_agreement(oem).terms->newest->link.version);
        EXPECT_EQ(1, rig_agreement(west).terms->newest->link.version);
        EXPECT_EQ(0, rig_agreement(west).offer.note.size);
        /* Whose offer it was is shown it; nobody shows him his own. */
        EXPECT_TRUE(rig_agreement(oem).note.size > 0);
        EXPECT_EQ(0, rig_agreement(west).note.size);
        rig_reopen(oem);
        rig_reopen(west);
    }
    EXPECT_EQ(WEFT_EREFUSED, offer(west, &contract, true, true)); /* It does not follow. */
    rig_expect_sound(oem);
    rig_expect_sound(west);
    rig_expect_replayed(oem, "offers-come-again", 5);
    rig_pair_stop(&pair);
}

/* NOD-340 */
TEST(offers, are_declined_and_withdrawn_by_whom_they_concern)
{
    struct weft_contract contract = rig_contract();
    rig_pair_start(&pair, "offers-end");
    EXPECT_EQ(WEFT_OK, bring(west, &contract, false, true));
    EXPECT_EQ(WEFT_OK, offer(oem, &contract, false, true));
    const struct weft_digest first = contract.link.digest, other = weft_sha256("x", 1);
    EXPECT_EQ(WEFT_ESTATE, rig_commit(oem, rig_act("withdraw")));
    EXPECT_EQ(WEFT_ESTATE, rig_commit(west, rig_act("decline")));
    EXPECT_EQ(WEFT_ENOTFOUND, end(oem, &other, WEFT_STREAM_WITHDRAWN, "another"));
    EXPECT_EQ(WEFT_ENOTFOUND, end(oem, &first, WEFT_STREAM_DECLINED, "not his to decline"));
    EXPECT_EQ(WEFT_ENOTFOUND, end(west, &first, WEFT_STREAM_WITHDRAWN, "not his to withdraw"));
    EXPECT_EQ(WEFT_ENOTFOUND, end(west, &first, WEFT_STREAM_FLOOD, "no end at all"));
    rig_must(oem, rig_act("decline"));
    EXPECT_EQ(WEFT_OK, end(west, &first, WEFT_STREAM_DECLINED, "a\x1b[2J\nb\xc2\x9bz"));
    EXPECT_EQ(WEFT_ENOTFOUND, end(west, &first, WEFT_STREAM_DECLINED, "twice"));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(WEFT_OFFER_DECLINED, rig_agreement(oem).offer.end);
        EXPECT_EQ(WEFT_OFFER_DECLINED, rig_agreement(west).offer.end);
        EXPECT_TRUE(weft_text_is(rig_agreement(west).offer.reason, "a [2J b  z"));
        rig_reopen(oem);
        rig_reopen(west);
    }
    EXPECT_TRUE(has_line(oem, "partner", "agreement " RIG_NAME " declined 0 declined 0 "));
    EXPECT_TRUE(has_line(west, "partner/" RIG_NAME, "\noffer.reason a [2J b  z\n"));
    EXPECT_EQ(WEFT_ENOTFOUND, rig_commit(oem, rig_act("decline")));
    EXPECT_EQ(WEFT_EREFUSED, offer(oem, &contract, false, true)); /* It was declined. */
    EXPECT_TRUE(says(oem, "declined"));
    /* Another one, which is taken back. */
    contract.link.expires_ns += SIGNERS_DAY_NS;
    EXPECT_EQ(WEFT_OK, bring(west, &contract, false, true));
    EXPECT_EQ(WEFT_OK, offer(oem, &contract, false, true));
    rig_must(west, rig_act("withdraw"));
    EXPECT_EQ(WEFT_OK, end(oem, &contract.link.digest, WEFT_STREAM_WITHDRAWN, "wrong"));
    rig_reopen(oem);
    rig_reopen(west);
    EXPECT_EQ(WEFT_ESTATE, bring(oem, &contract, true, true)); /* Not even as both sign. */
    EXPECT_TRUE(says(oem, "the partner took that offer back"));
    EXPECT_EQ(WEFT_EREFUSED, offer(west, &contract, true, true));
    EXPECT_TRUE(says(west, "withdrawn: "));
    EXPECT_EQ(WEFT_ESTATE, bring(west, &contract, false, true));
    EXPECT_EQ(WEFT_OK, bring(west, &contract, true, true)); /* Its operators know better. */
    EXPECT_EQ(1, rig_agreement(west).terms->newest->link.version);
    rig_expect_sound(oem);
    rig_expect_sound(west);
    rig_expect_replayed(west, "offers-end-again", 3);
    rig_pair_stop(&pair);
}

/* What was withdrawn does not come by the stream either. */
TEST(offers, amendment_that_was_withdrawn_is_none_though_the_stream_has_it)
{
    rig_pair_start(&pair, "offers-stream");
    rig_pair_agree(&pair);
    (void)rig_step(oem);
    rig_transfer(&pair, RIG_OEM, 100);
    struct weft_contract next = rig_contract();
    next.sides[RIG_SUPPLIER].depth = 3;
    EXPECT_EQ(WEFT_OK, bring(west, &next, false, true));
    EXPECT_EQ(WEFT_OK, offer(oem, &next, false, true));
    rig_must(west, rig_act("withdraw"));
    struct weft_contract anew = rig_contract();
    anew.sides[RIG_SUPPLIER].depth = 2;
    EXPECT_EQ(WEFT_OK, bring(west, &anew, false, true)); /* Proposed anew. */
    EXPECT_EQ(WEFT_OK, bring(oem, &next, true, true));   /* It has not heard of it. */
    (void)rig_step(oem);
    rig_sign(oem);
    EXPECT_EQ(WEFT_OK, rig_send_head(&pair, RIG_OEM));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(WEFT_EREFUSED, rig_send_batch(&pair, RIG_OEM, 100));
        EXPECT_TRUE(says(west, "withdrawn"));
        rig_reopen(west);
    }
    EXPECT_EQ(1, rig_agreement(west).terms->newest->link.version);
    EXPECT_EQ(WEFT_OK, bring(west, &next, true, true)); /* Its operators take it after all. */
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_OEM, 100));
    EXPECT_EQ(2, rig_agreement(west).terms->received->link.version);
    rig_pair_stop(&pair);
}

/* NOD-340: what was withdrawn stays so whatever is offered since, by whomever, until it expires. */
TEST(offers, that_were_withdrawn_stay_so_whatever_is_offered_since)
{
    struct weft_contract first = rig_contract(), second = rig_contract(), third = rig_contract();
    rig_pair_start(&pair, "offers-since");
    second.link.expires_ns += SIGNERS_DAY_NS;
    third.link.expires_ns += 2 * SIGNERS_DAY_NS;
    EXPECT_EQ(WEFT_OK, bring(west, &first, false, true));
    rig_must(west, rig_act("withdraw"));
    EXPECT_EQ(WEFT_OK, bring(west, &second, false, true)); /* Proposed anew, */
    EXPECT_EQ(WEFT_EREFUSED, offer(west, &first, true, true));
    rig_must(west, rig_act("withdraw"));
    EXPECT_EQ(WEFT_OK, offer(west, &third, true, false)); /* ...and another by the partner. */
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(WEFT_EREFUSED, offer(west, &first, true, true));
        EXPECT_TRUE(says(west, "withdrawn: "));
        EXPECT_EQ(WEFT_EREFUSED, offer(west, &second, true, true));
        EXPECT_EQ(WEFT_ESTATE, bring(west, &first, false, true));
        rig_reopen(west);
    }
    EXPECT_TRUE(rig_agreement(west).terms == NULL);
    EXPECT_EQ(WEFT_OK, bring(west, &first, true, true)); /* Its operators know better. */
    EXPECT_EQ(1, rig_agreement(west).terms->newest->link.version);
    EXPECT_EQ(2, rig_agreement(west).terms->withdrawn_count);
    rig_expect_sound(west);
    rig_expect_replayed(west, "offers-since-again", 3);
    rig_pair_stop(&pair);
}

/* So many are remembered of a name, each until it expires; then there is room again. */
TEST(offers, that_were_withdrawn_are_bounded_and_expire)
{
    rig_pair_start(&pair, "offers-bound");
    for (int64_t i = 0; i < WEFT_TAKEN_BACK_MAX; i++) {
        struct weft_contract c = rig_contract();
        c.link.expires_ns += i * INT64_C(1000000000);
        EXPECT_EQ(WEFT_OK, bring(west, &c, false, true));
        rig_must(west, rig_act("withdraw"));
    }
    struct weft_contract more = rig_contract();
    more.link.expires_ns += SIGNERS_DAY_NS;
    EXPECT_EQ(WEFT_ETOOBIG, bring(west, &more, false, true));
    EXPECT_TRUE(says(west, "taken back"));
    EXPECT_EQ(WEFT_OK, offer(west, &more, true, false)); /* The partner's takes none of them. */
    west->f.time_ns = rig_contract().link.expires_ns + SIGNERS_DAY_NS / 2;
    more.link.expires_ns += SIGNERS_DAY_NS;
    rig_must(west, rig_act("decline"));
    EXPECT_EQ(WEFT_OK, bring(west, &more, false, true));
    rig_must(west, rig_act("withdraw"));
    rig_expect_sound(west);
    rig_pair_stop(&pair);
}

/* The partner's do not push another partner's out: here two sites of one organization. */
TEST(offers, of_another_partner_stay_where_they_wait)
{
    struct weft_contract theirs = rig_contract(), others = rig_contract();
    struct weft_record second = rig_partner(RIG_OEM, false);
    rig_pair_start(&pair, "offers-two");
    second.asset = WEFT_TEXT("partner:oem.example/plant2");
    rig_must(west, second);
    EXPECT_EQ(WEFT_OK, offer(west, &theirs, true, false));
    others.parties[RIG_OEM].site = WEFT_TEXT("oem.example/plant2");
    struct weft_buffer note = rig_contract_note(&pair, &others, true, false);
    struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_OFFER, .text = weft_buffer_as_text(&note)};
    EXPECT_EQ(WEFT_EREFUSED,
        hear(west, WEFT_STREAM_ACT_OFFER, others.name, WEFT_TEXT("oem.example/plant2"), &m));
    EXPECT_TRUE(says(west, "another site's offer waits"));
    const struct weft_agreement a = rig_agreement(west);
    EXPECT_TRUE(weft_digest_equal(&theirs.link.digest, &a.offer.digest));
    rig_must(west, rig_act("decline"));
    EXPECT_EQ(WEFT_OK,
        hear(west, WEFT_STREAM_ACT_OFFER, others.name, WEFT_TEXT("oem.example/plant2"), &m));
    weft_buffer_destroy(&note);
    rig_pair_stop(&pair);
}

/* --- refused by name -------------------------------------------------------------------------- */

static struct weft_offer_verdict judge(
    struct rig_site *site, struct weft_text name, const char *provider, struct weft_text note)
{
    const struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_OFFER, .stream = {name, weft_text_of(provider)}, .text = note};
    struct weft_offer_verdict v;
    EXPECT_EQ(WEFT_OK, weft_offers_judge(site->f.state, &m, SIGNERS_NOW_NS, &v));
    return v;
}

static struct weft_offer_verdict judge_of(
    struct weft_contract *contract, const char *provider, bool by_oem, bool by_supplier)
{
    struct weft_buffer note = rig_contract_note(&pair, contract, by_oem, by_supplier);
    struct weft_offer_verdict v = judge(oem, contract->name, provider, weft_buffer_as_text(&note));
    weft_buffer_destroy(&note);
    return v;
}

static void expect_fault(
    enum weft_stream_fault fault, const char *words, const struct weft_offer_verdict *v)
{
    EXPECT_EQ(fault, v->fault);
    EXPECT_TRUE(!v->is_known);
    if (strstr(v->reason.text, words) == NULL) {
        EXPECT_TEXT(words, v->reason.text);
    }
}

TEST(offers, at_fault_are_refused_by_name)
{
    static const char them[] = "supplier.example/west";
    struct weft_offer_verdict v;
    rig_pair_start(&pair, "offers-fault");
    struct weft_contract c = rig_contract();
    v = judge_of(&c, them, false, true);
    EXPECT_EQ(WEFT_STREAM_SOUND, v.fault);
    EXPECT_TRUE(weft_digest_equal(&v.digest, &c.link.digest));
    v = judge_of(&c, "other.example/site", false, true);
    expect_fault(WEFT_STREAM_ORIGIN, "wrong-origin: ", &v);
    v = judge_of(&c, them, true, false); /* By this site's own roots alone. */
    expect_fault(WEFT_STREAM_UNSIGNED, "unsigned: who offers it", &v);
    v = judge(oem, WEFT_TEXT(RIG_NAME), them, WEFT_TEXT("no note\n"));
    expect_fault(WEFT_STREAM_MALFORMED, "malformed: ", &v);
    c.parties[1].pin = weft_sha256("x", 1);
    v = judge_of(&c, them, false, true);
    expect_fault(WEFT_STREAM_UNSIGNED, "org document", &v);
    c = rig_contract();
    c.link.issued_ns = SIGNERS_NOW_NS - 2 * SIGNERS_DAY_NS;
    c.link.expires_ns = SIGNERS_NOW_NS - SIGNERS_DAY_NS;
    v = judge_of(&c, them, false, true);
    expect_fault(WEFT_STREAM_EXPIRED_CONTRACT, "expired-amendment: ", &v);
    c = rig_contract();
    c.parties[RIG_OEM].site = WEFT_TEXT("oem.example/another");
    v = judge_of(&c, them, false, true);
    expect_fault(WEFT_STREAM_UNKNOWN, "none of its parties", &v);
    c = rig_contract();
    c.parties[RIG_SUPPLIER].site = WEFT_TEXT("supplier.example/x");
    v = judge_of(&c, them, false, true);
    expect_fault(WEFT_STREAM_UNKNOWN, "nothing is pinned", &v);
    c = rig_contract();
    pair.contract.link.version = 1;
    v = judge_of(&c, them, false, true);
    expect_fault(WEFT_STREAM_SEQUENCE, "wrong-sequence: ", &v);
    pair.contract.link.version = 0;
    /* Under another name than its own. */
    struct weft_buffer note = rig_contract_note(&pair, &c, false, true);
    v = judge(oem, WEFT_TEXT("lid-2026"), them, weft_buffer_as_text(&note));
    expect_fault(WEFT_STREAM_MALFORMED, "another agreement", &v);
    weft_buffer_destroy(&note);
    /* An own one waits there; and one that ended. */
    EXPECT_EQ(WEFT_OK, bring(oem, &c, true, false));
    c.link.expires_ns += SIGNERS_DAY_NS;
    v = judge_of(&c, them, false, true);
    expect_fault(WEFT_STREAM_OUT_OF_TURN, "out-of-turn: ", &v);
    rig_must(oem, rig_act("withdraw"));
    v = judge_of(&c, them, false, true);
    EXPECT_EQ(WEFT_STREAM_SOUND, v.fault);
    c = rig_contract();
    EXPECT_EQ(WEFT_OK, bring(oem, &c, true, true));
    rig_must(oem, rig_act("end"));
    pair.contract = c;
    pair.digest = c.link.digest;
    c = rig_contract();
    v = judge_of(&c, them, false, true);
    expect_fault(WEFT_STREAM_ENDED, "ended: ", &v);
    rig_pair_stop(&pair);
}

/* FED-2: with both lines. */
TEST(offers, with_overlapping_authority_are_refused_with_both_lines)
{
    static const char more[] = "authority inspection oem.example/plant1 verdict\n";
    struct weft_contract c = rig_contract();
    struct weft_buffer twice = {0};
    rig_pair_start(&pair, "offers-overlap");
    struct weft_buffer note = rig_contract_note(&pair, &c, false, true);
    struct weft_text rest = weft_buffer_as_text(&note), line;
    while (weft_text_cut(&rest, '\n', &line)) {
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&twice, "%s%.*s\n",
                               weft_text_starts(line, "authority inspection") ? more : "",
                               (int)line.size, line.data));
    }
    struct weft_offer_verdict v =
        judge(oem, WEFT_TEXT(RIG_NAME), "supplier.example/west", weft_buffer_as_text(&twice));
    expect_fault(WEFT_STREAM_MALFORMED, "overlapping-authority: line ", &v);
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&twice);
    rig_pair_stop(&pair);
}

/* --- so many ---------------------------------------------------------------------------------- */

static struct weft_contract named(uint32_t number, char ret_name[16])
{
    struct weft_contract c = rig_contract();
    (void)snprintf(ret_name, 16, "offer-%u", number);
    c.name = weft_text_of(ret_name);
    return c;
}

/* NOD-341 */
TEST(offers, of_a_partner_are_bounded_and_what_ended_gives_its_place_up)
{
    char name[16], asset[40];
    rig_pair_start(&pair, "offers-many");
    const struct weft_streams *streams = weft_state_streams(oem->f.state);
    for (uint32_t i = 0; i < 3 * WEFT_OFFERS_MAX; i++) {
        struct weft_contract c = named(i, name);
        if (i >= WEFT_OFFERS_STANDING_MAX) {
            EXPECT_EQ(WEFT_EREFUSED, offer(oem, &c, false, true));
            EXPECT_TRUE(says(oem, "flood: "));
            /* The oldest is declined: then there is room. */
            struct weft_field fields[] = {
                {WEFT_TEXT("act"), WEFT_TEXT("decline"), WEFT_VALUE_TEXT}};
            struct weft_record act = rig_act("decline");
            (void)snprintf(
                asset, sizeof(asset), "agreement:offer-%u", i - WEFT_OFFERS_STANDING_MAX);
            act.asset = weft_text_of(asset);
            act.fields = fields;
            rig_must(oem, act);
        }
        c = named(i, name);
        EXPECT_EQ(WEFT_OK, offer(oem, &c, false, true));
        EXPECT_TRUE(weft_streams_count(streams) <= WEFT_OFFERS_MAX);
    }
    EXPECT_EQ(WEFT_OFFERS_MAX, weft_streams_count(streams));
    struct weft_agreement a;
    EXPECT_TRUE(!weft_streams_find(streams, WEFT_TEXT("offer-0"), &a));
    EXPECT_TRUE(weft_streams_find(streams, weft_text_of(name), &a));
    /* A newer one of a name that stands takes its place, and none is lost for it. */
    struct weft_contract c = named(3 * WEFT_OFFERS_MAX - 1, name);
    c.link.expires_ns += SIGNERS_DAY_NS;
    EXPECT_EQ(WEFT_OK, offer(oem, &c, false, true));
    EXPECT_EQ(WEFT_OFFERS_MAX, weft_streams_count(streams));
    rig_expect_sound(oem);
    rig_expect_replayed(oem, "offers-many-again", 7);
    rig_pair_stop(&pair);
}

/* The place of an own one that was taken back is nobody's while it could be signed yet. */
TEST(offers, that_were_withdrawn_keep_their_place_until_they_expire)
{
    char name[16];
    rig_pair_start(&pair, "offers-place");
    struct weft_contract first = rig_contract();
    EXPECT_EQ(WEFT_OK, bring(west, &first, false, true));
    rig_must(west, rig_act("withdraw"));
    for (uint32_t i = 0; i < 2 * WEFT_OFFERS_MAX; i++) {
        struct weft_contract c = named(i, name);
        EXPECT_EQ(WEFT_OK, offer(west, &c, true, false));
        char asset[40];
        struct weft_record act = rig_act("decline");
        (void)snprintf(asset, sizeof(asset), "agreement:offer-%u", i);
        act.asset = weft_text_of(asset);
        rig_must(west, act);
    }
    EXPECT_EQ(WEFT_OFFERS_MAX, weft_streams_count(weft_state_streams(west->f.state)));
    EXPECT_EQ(WEFT_EREFUSED, offer(west, &first, true, true));
    EXPECT_TRUE(says(west, "withdrawn: "));
    rig_pair_stop(&pair);
}

/* Nothing but a whole message of the right kind and name is taken, and by a node of the site. */
TEST(offers, items_that_are_none_are_refused)
{
    struct weft_contract c = rig_contract();
    rig_pair_start(&pair, "offers-items");
    struct weft_buffer note = rig_contract_note(&pair, &c, false, true), bytes = {0};
    struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_OFFER,
        .stream = {WEFT_TEXT(RIG_NAME), WEFT_TEXT("supplier.example/west")},
        .text = weft_buffer_as_text(&note)};
    EXPECT_EQ(WEFT_OK, weft_partner_encode(&m, &bytes));
    struct weft_stream_entry entry = {.act = WEFT_STREAM_ACT_OFFER,
        .agreement = WEFT_TEXT("lid-2026"),
        .message = {bytes.data, bytes.size}};
    EXPECT_EQ(WEFT_EPEER, rig_item(oem, &entry));
    entry.agreement = WEFT_TEXT(RIG_NAME);
    entry.act = WEFT_STREAM_ACT_OFFER_END;
    EXPECT_EQ(WEFT_EINVAL, rig_item(oem, &entry));
    entry.act = WEFT_STREAM_ACT_OFFER;
    entry.message.size -= 9;
    EXPECT_EQ(WEFT_EMALFORMED, rig_item(oem, &entry));
    entry.message.size = 0;
    EXPECT_TRUE(rig_item(oem, &entry) != WEFT_OK);
    EXPECT_EQ(0, weft_streams_count(weft_state_streams(oem->f.state)));
    entry.message.size = bytes.size;
    EXPECT_EQ(WEFT_OK, rig_item(oem, &entry));
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&bytes);
    rig_pair_stop(&pair);
}
