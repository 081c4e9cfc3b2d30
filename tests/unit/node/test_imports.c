/* What is received: taken once and as one, what is at fault in quarantine, nothing of it a record
 * of this site. */
#include <stdio.h>
#include <string.h>

#include "node/state/machine.h"
#include "node/state/streams_parts.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

static void agree(struct rig_pair *pair, const char *name)
{
    rig_pair_start(pair, name);
    rig_pair_agree(pair);
    (void)rig_step(&pair->sites[RIG_OEM]);
    (void)rig_step(&pair->sites[RIG_SUPPLIER]);
}

/* NOD-197 */
TEST(imports, statements_of_a_partner_are_no_records_of_the_site)
{
    static struct rig_pair pair;
    struct weft_state_position before, after;
    agree(&pair, "foreign");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    weft_state_position(oem->f.state, &before);
    for (uint64_t i = 0; i < 5; i++) {
        rig_must(west, rig_inspection(i, "PASS"));
    }
    rig_transfer(&pair, RIG_SUPPLIER, 2);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    weft_state_position(oem->f.state, &after);
    EXPECT_EQ(before.records, after.records);
    EXPECT_EQ(before.assets, after.assets);
    EXPECT_EQ(5, rig_consumer(oem)->stream.statement_count);
    rig_expect_sound(oem);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_pair_stop(&pair);
}

/* NOD-196 */
TEST(imports, a_batch_is_taken_once)
{
    static struct rig_pair pair;
    agree(&pair, "once");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "PASS"));
    rig_must(west, rig_inspection(2, "PASS"));
    rig_sign(west);
    struct weft_buffer items = {0};
    struct weft_stream_source source;
    struct weft_merkle_proof proof = {.count = 0};
    uint32_t count;
    EXPECT_EQ(WEFT_OK, weft_stream_source(west->f.state, 0, WEFT_SENT, &source));
    EXPECT_EQ(WEFT_OK,
        weft_stream_source_items(&source, 0, 2, 100000, false, &items, &count, &west->msg));
    EXPECT_EQ(WEFT_OK, weft_stream_source_consistency(&source, 2, 3, &proof, &west->msg));
    struct weft_partner_message batch = {.kind = WEFT_KIND_STREAM_BATCH,
        .batch = {.first = 0,
            .count = count,
            .items = {items.data, items.size},
            .head_size = 3,
            .proof = weft_stream_proof_bytes(&proof)}};
    /* No head that is known; then another number of leaves than was judged; then as it is. */
    EXPECT_EQ(WEFT_ECONFLICT, rig_message(oem, WEFT_STREAM_ACT_BATCH, 2, RIG_SUPPLIER, &batch));
    EXPECT_EQ(WEFT_OK, rig_send_head(&pair, RIG_SUPPLIER));
    EXPECT_EQ(WEFT_ECONFLICT, rig_message(oem, WEFT_STREAM_ACT_BATCH, 3, RIG_SUPPLIER, &batch));
    EXPECT_EQ(0, rig_consumer(oem)->stream.tree.size);
    proof.hashes[0].bytes[3] ^= 1; /* It leads elsewhere. */
    EXPECT_EQ(WEFT_EREFUSED, rig_message(oem, WEFT_STREAM_ACT_BATCH, 2, RIG_SUPPLIER, &batch));
    EXPECT_EQ(0, rig_consumer(oem)->stream.tree.size);
    proof.hashes[0].bytes[3] ^= 1;
    EXPECT_EQ(WEFT_OK, rig_message(oem, WEFT_STREAM_ACT_BATCH, 2, RIG_SUPPLIER, &batch));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(2, rig_consumer(oem)->stream.tree.size);
        EXPECT_EQ(WEFT_ECONFLICT, rig_message(oem, WEFT_STREAM_ACT_BATCH, 2, RIG_SUPPLIER, &batch));
        rig_reopen(oem);
    }
    /* Of the other direction, of another sender. */
    EXPECT_EQ(WEFT_EPEER, rig_message(oem, WEFT_STREAM_ACT_BATCH, 2, RIG_OEM, &batch));
    items.data[items.size / 2] ^= 1;
    batch.batch.first = 2;
    EXPECT_TRUE(rig_message(oem, WEFT_STREAM_ACT_BATCH, 4, RIG_SUPPLIER, &batch) != WEFT_OK);
    EXPECT_EQ(2, rig_consumer(oem)->stream.tree.size);
    weft_buffer_destroy(&items);
    rig_pair_stop(&pair);
}

#if RIG_PART == 1 /* Not where faults are planted: the others find them. */
struct listed {
    uint32_t count;
    uint64_t sequences[16];
    char reason[160];
};

static enum weft_err on_received(
    void *ctx, const struct weft_received *received, struct weft_msg *msg)
{
    struct listed *listed = ctx;
    (void)msg;
    EXPECT_TRUE(listed->count < 16);
    EXPECT_TRUE(received->content.size > 0);
    listed->sequences[listed->count++] = received->sequence;
    (void)snprintf(listed->reason, sizeof(listed->reason), "%.*s", (int)received->reason.size,
        received->reason.data);
    return WEFT_OK;
}

static struct listed quarantine(struct rig_site *site)
{
    struct listed listed = {.count = 0};
    struct weft_stream_source source;
    struct weft_view *view;
    EXPECT_EQ(WEFT_OK, weft_view_open(site->f.state, &view, &site->msg));
    EXPECT_EQ(WEFT_OK, weft_view_stream_source(view, 0, WEFT_RECEIVED, &source, &site->msg));
    EXPECT_EQ(WEFT_OK, weft_stream_source_quarantine(&source, 0, on_received, &listed, &site->msg));
    weft_view_close(view);
    return listed;
}

/* The OEM holds version 1, in which there is no more than the contract of the supplier's later
 * version shows: his mask makes every statement one at fault here. */
TEST(imports, what_is_at_fault_is_in_quarantine_and_stops_nothing_up_to_its_bound)
{
    static struct rig_pair pair;
    agree(&pair, "fault");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    /* A stranger's projections in a sound stream: the supplier's site has a contract that the OEM
     * has another text of. Made here by changing what the supplier's machine believes. */
    struct weft_accord *accord = weft_streams_accord(west->f.state->streams, WEFT_TEXT(RIG_NAME));
    struct weft_contract *lie = &accord->deeds[WEFT_ACCORD_SENT]->contract;
    const struct weft_contract truth = *lie;
    rig_must(west, rig_inspection(1, "PASS"));
    lie->sides[RIG_SUPPLIER].mask_count = 0;
    for (uint64_t i = 2; i < 6; i++) {
        rig_must(west, rig_inspection(i, "PASS"));
    }
    *lie = truth;
    rig_sign(west);
    EXPECT_EQ(WEFT_OK, rig_send_head(&pair, RIG_SUPPLIER));
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 3)); /* Contract, sound, at fault. */
    struct listed listed = quarantine(oem);
    EXPECT_EQ(1, listed.count);
    EXPECT_EQ(2, listed.sequences[0]);
    EXPECT_TRUE(strlen(listed.reason) > 0);
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 2));
    EXPECT_EQ(WEFT_CONSUMER_FULL, rig_consumer(oem)->hold); /* Three of at most three. */
    EXPECT_EQ(WEFT_ESTATE, rig_send_batch(&pair, RIG_SUPPLIER, 1));
    rig_reopen(oem);
    EXPECT_EQ(3, rig_consumer(oem)->quarantined);
    rig_expect_sound(oem);
    /* An operator empties a part of it. */
    struct weft_field fields[] = {{WEFT_TEXT("act"), WEFT_TEXT("release"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("from"), WEFT_TEXT("2"), WEFT_VALUE_INT},
        {WEFT_TEXT("until"), WEFT_TEXT("3"), WEFT_VALUE_INT}};
    struct weft_record release = rig_act("release");
    release.fields = fields;
    release.field_count = 3;
    rig_must(oem, release);
    EXPECT_EQ(WEFT_ENOTFOUND, rig_commit(oem, release));
    EXPECT_EQ(1, quarantine(oem).count);
    EXPECT_EQ(WEFT_CONSUMER_TAKES, rig_consumer(oem)->hold);
    EXPECT_EQ(WEFT_OK, rig_send_batch(&pair, RIG_SUPPLIER, 1));
    EXPECT_EQ(2, rig_consumer(oem)->quarantined);
    EXPECT_EQ(WEFT_OK, rig_send_receipt(&pair, RIG_SUPPLIER));
    rig_expect_equal(&pair, RIG_SUPPLIER);
    rig_expect_sound(oem);
    rig_pair_stop(&pair);
}

TEST(imports, streams_are_files_that_are_the_same_on_both_sides)
{
    static struct rig_pair pair;
    agree(&pair, "found");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    for (uint64_t i = 0; i < 600; i++) {
        rig_must(west, rig_inspection(i % 200, i < 200 ? "PASS" : "FAIL"));
    }
    rig_transfer(&pair, RIG_SUPPLIER, 300);
    struct weft_stream_source sources[3];
    struct weft_view *view;
    EXPECT_EQ(WEFT_OK, weft_view_open(oem->f.state, &view, &oem->msg));
    EXPECT_EQ(WEFT_OK, weft_view_stream_source(view, 0, WEFT_RECEIVED, &sources[0], &oem->msg));
    EXPECT_EQ(WEFT_OK, weft_stream_source(oem->f.state, 0, WEFT_RECEIVED, &sources[1]));
    EXPECT_EQ(WEFT_OK, weft_stream_source(west->f.state, 0, WEFT_SENT, &sources[2]));
    /* Files of all sizes are the same on both sides; so are roots, nodes and proofs. */
    static const char *const paths[] = {"tile/0/000", "tile/0/001", "tile/0/002.p/89",
        "tile/1/000.p/2", "tile/entries/001", "contract/1"};
    for (size_t p = 0; p < sizeof(paths) / sizeof(paths[0]); p++) {
        struct weft_buffer files[3] = {{0}, {0}, {0}};
        for (int i = 0; i < 3; i++) {
            EXPECT_EQ(WEFT_OK, weft_stream_source_file(
                                   &sources[i], 601, weft_text_of(paths[p]), &files[i], &oem->msg));
            EXPECT_EQ(files[0].size, files[i].size);
            EXPECT_MEM(files[0].data, files[i].data, files[0].size);
        }
        for (int i = 0; i < 3; i++) {
            weft_buffer_destroy(&files[i]);
        }
    }
    struct weft_buffer none = {0};
    EXPECT_EQ(WEFT_ENOTFOUND,
        weft_stream_source_file(&sources[0], 601, WEFT_TEXT("tile/0/002.p/90"), &none, &oem->msg));
    EXPECT_EQ(WEFT_ENOTFOUND,
        weft_stream_source_file(&sources[0], 601, WEFT_TEXT("statement/00"), &none, &oem->msg));
    for (int round = 0; round < 50; round++) {
        uint64_t size = 1 + test_random(601);
        uint64_t old = 1 + test_random(size);
        struct weft_digest roots[3];
        struct weft_merkle_proof proofs[3];
        for (int i = 0; i < 3; i++) {
            EXPECT_EQ(WEFT_OK, weft_stream_source_root(&sources[i], size, &roots[i], &oem->msg));
            EXPECT_EQ(WEFT_OK,
                weft_stream_source_consistency(&sources[i], old, size, &proofs[i], &oem->msg));
            EXPECT_TRUE(weft_digest_equal(&roots[0], &roots[i]));
            EXPECT_EQ(proofs[0].count, proofs[i].count);
            EXPECT_MEM(proofs[0].hashes, proofs[i].hashes, proofs[0].count * WEFT_DIGEST_SIZE);
        }
        unsigned height = (unsigned)test_random(9);
        struct weft_digest nodes[2];
        uint64_t node = test_random(601u >> height);
        EXPECT_EQ(
            WEFT_OK, weft_stream_source_node(&sources[0], height, node, &nodes[0], &oem->msg));
        EXPECT_EQ(
            WEFT_OK, weft_stream_source_node(&sources[2], height, node, &nodes[1], &oem->msg));
        EXPECT_TRUE(weft_digest_equal(&nodes[0], &nodes[1]));
    }
    weft_view_close(view);
    rig_expect_sound(oem);
    rig_expect_sound(west);
    rig_pair_stop(&pair);
}

/* FED-26, kept and frozen. */
TEST(imports, two_heads_of_one_size_freeze_the_stream)
{
    static struct rig_pair pair;
    agree(&pair, "split");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "PASS"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    struct weft_merkle_head other = rig_consumer(oem)->head;
    other.root.bytes[0] ^= 1;
    struct weft_buffer note =
        rig_head_note(RIG_SUPPLIER, "supplier.example/west/sent/" RIG_NAME, &other);
    struct weft_partner_message split = {
        .kind = WEFT_KIND_STREAM_HEAD, .head = {.note = weft_buffer_as_text(&note)}};
    EXPECT_EQ(WEFT_EREFUSED, rig_message(oem, WEFT_STREAM_ACT_HEAD, 0, RIG_SUPPLIER, &split));
    struct weft_buffer text = {0};
    struct weft_text known = rig_agreement(oem).head_note;
    EXPECT_EQ(WEFT_OK,
        weft_buffer_format(&text, "weft-equivocation/v1 heads\npart %zu\n%.*s\npart %zu\n%.*s\n",
            known.size, (int)known.size, known.data, note.size, (int)note.size,
            (const char *)note.data));
    struct weft_partner_message evidence = {
        .kind = WEFT_KIND_STREAM_EVIDENCE, .text = weft_buffer_as_text(&text)};
    enum weft_err err = rig_message(oem, WEFT_STREAM_ACT_EVIDENCE, 0, RIG_SUPPLIER, &evidence);
    EXPECT_TEXT("", oem->msg.text);
    EXPECT_EQ(WEFT_OK, err);
    EXPECT_EQ(WEFT_CONSUMER_FROZEN, rig_consumer(oem)->hold);
    rig_reopen(oem);
    EXPECT_EQ(WEFT_CONSUMER_FROZEN, rig_consumer(oem)->hold);
    rig_must(oem, rig_act("unfreeze"));
    EXPECT_EQ(WEFT_CONSUMER_TAKES, rig_consumer(oem)->hold);
    weft_buffer_destroy(&note);
    weft_buffer_destroy(&text);
    rig_pair_stop(&pair);
}

/* Two heads as a proof. To be destroyed. */
static struct weft_buffer two_heads(
    const struct weft_merkle_head *one, const struct weft_merkle_head *other)
{
    const char *origin = "supplier.example/west/sent/" RIG_NAME;
    struct weft_buffer notes[2] = {
        rig_head_note(RIG_SUPPLIER, origin, one), rig_head_note(RIG_SUPPLIER, origin, other)};
    struct weft_buffer text = {0};
    EXPECT_EQ(WEFT_OK, weft_buffer_text(&text, WEFT_TEXT("weft-equivocation/v1 heads\n")));
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&text, "part %zu\n%.*s\n", notes[i].size,
                               (int)notes[i].size, (const char *)notes[i].data));
        weft_buffer_destroy(&notes[i]);
    }
    return text;
}

static enum weft_err prove(struct rig_site *site, const struct weft_buffer *text)
{
    struct weft_partner_message evidence = {
        .kind = WEFT_KIND_STREAM_EVIDENCE, .text = weft_buffer_as_text(text)};
    return rig_message(site, WEFT_STREAM_ACT_EVIDENCE, 0, RIG_SUPPLIER, &evidence);
}

/* NOD-296, FED-38: until operators give the other head up. The partner has all of the own tree. */
TEST(imports, evidence_against_own_keys_fences_once_and_is_settled_for_good)
{
    static struct rig_pair pair;
    agree(&pair, "settled");
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    for (uint64_t i = 1; i < 5; i++) {
        rig_must(west, rig_inspection(i, "PASS"));
        rig_transfer(&pair, RIG_SUPPLIER, 10);
    }
    const struct weft_merkle_head own = rig_provider(west)->signed_head;
    struct weft_merkle_head rival = own, older = own, smaller = own;
    rival.root.bytes[0] ^= 1;
    smaller.size--;
    smaller.root.bytes[0] ^= 2;
    older = smaller;
    older.root.bytes[1] ^= 2;
    struct weft_buffer proof = two_heads(&own, &rival), old = two_heads(&smaller, &older);
    EXPECT_EQ(WEFT_OK, prove(west, &proof));
    EXPECT_TRUE(weft_digest_equal(&rival.root, &rig_provider(west)->rival.root));
    EXPECT_TRUE(weft_provider_is_fenced(rig_provider(west)));
    rig_must(west, rig_inspection(9, "FAIL")); /* The plant goes on. */
    (void)rig_step(west);
    EXPECT_EQ(own.size, rig_provider(west)->stream.tree.size);
    EXPECT_EQ(WEFT_ESTATE, rig_commit(west, rig_act("suspend")));
    rig_must(west, rig_lost("lose", &rival, &own));
    EXPECT_EQ(0, rig_provider(west)->rival.size);
    EXPECT_EQ(WEFT_EREFUSED, prove(west, &proof)); /* The same again. */
    EXPECT_EQ(WEFT_OK, prove(west, &old));         /* Before it: kept, and settled. */
    EXPECT_EQ(2, rig_agreement(west).evidence_count);
    EXPECT_EQ(0, rig_provider(west)->rival.size);
    struct weft_partner_message hello = {
        .kind = WEFT_KIND_STREAM_HELLO, .hello = weft_consumer_hello(rig_consumer(oem))};
    EXPECT_EQ(WEFT_OK, rig_message(west, WEFT_STREAM_ACT_SURE, 0, RIG_SUPPLIER, &hello));
    EXPECT_TRUE(!weft_provider_is_fenced(rig_provider(west)));
    (void)rig_step(west);
    rig_transfer(&pair, RIG_SUPPLIER, 10); /* What was committed meanwhile. */
    EXPECT_EQ(own.size + 1, rig_consumer(oem)->stream.tree.size);
    rig_expect_equal(&pair, RIG_SUPPLIER);
    /* FED-33: keys that ended before it prove nothing, whoever has them now. */
    struct weft_merkle_head late = rig_provider(west)->signed_head, forged = late;
    forged.root.bytes[0] ^= 1;
    struct weft_buffer theirs = two_heads(&late, &forged);
    rig_must(west, rig_former(RIG_SUPPLIER, true, " until " RIG_NAME " 2 2"));
    EXPECT_TRUE(prove(west, &theirs) != WEFT_OK);
    EXPECT_EQ(0, rig_provider(west)->rival.size);
    rig_expect_sound(west);
    rig_expect_replayed(west, "settled2", 13);
    weft_buffer_destroy(&proof);
    weft_buffer_destroy(&old);
    weft_buffer_destroy(&theirs);
    rig_pair_stop(&pair);
}

/* NOD-296: a partner proves that own keys have signed two trees. Nothing of it is his fault. */
TEST(imports, evidence_against_own_keys_is_kept_and_counted_once)
{
    static struct rig_pair pair;
    struct weft_arena arena = {.size_max = 1 << 20};
    agree(&pair, "own");
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    rig_must(west, rig_inspection(1, "PASS"));
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    const char *origin = "supplier.example/west/sent/" RIG_NAME;
    struct weft_merkle_head head = rig_provider(west)->signed_head;
    struct weft_buffer one = rig_head_note(RIG_SUPPLIER, origin, &head);
    head.root.bytes[0] ^= 1;
    struct weft_buffer two = rig_head_note(RIG_SUPPLIER, origin, &head), text = {0}, none = {0};
    for (int i = 0; i < 2; i++) {
        const struct weft_buffer *other = i == 0 ? &two : &one;
        EXPECT_EQ(WEFT_OK, weft_buffer_format(i == 0 ? &text : &none,
                               "weft-equivocation/v1 heads\npart %zu\n%.*s\npart %zu\n%.*s\n",
                               one.size, (int)one.size, (const char *)one.data, other->size,
                               (int)other->size, (const char *)other->data));
    }
    struct weft_partner_message evidence = {
        .kind = WEFT_KIND_STREAM_EVIDENCE, .text = weft_buffer_as_text(&none)};
    EXPECT_EQ(
        WEFT_EREFUSED, rig_message(west, WEFT_STREAM_ACT_EVIDENCE, 0, RIG_SUPPLIER, &evidence));
    EXPECT_EQ(0, rig_agreement(west).evidence_count);
    evidence.text = weft_buffer_as_text(&text);
    for (int i = 0; i < 2; i++) {
        enum weft_err err = rig_message(west, WEFT_STREAM_ACT_EVIDENCE, 0, RIG_SUPPLIER, &evidence);
        EXPECT_TEXT("", west->msg.text);
        EXPECT_EQ(WEFT_OK, err);
        EXPECT_EQ(1, rig_agreement(west).evidence_count);
        rig_reopen(west);
    }
    EXPECT_EQ(WEFT_CONSUMER_TAKES, rig_consumer(west)->hold); /* What he sends is his own. */
    const struct weft_text shown = rig_file(west, "partner/" RIG_NAME "/sent/evidence", &arena);
    EXPECT_EQ(text.size, shown.size);
    EXPECT_MEM(text.data, shown.data, text.size);
    struct weft_text status = rig_file(west, "partner/" RIG_NAME, &arena);
    EXPECT_TRUE(status.size > 0);
    EXPECT_TRUE(memmem(status.data, status.size, "sent.evidence 1\n", 16) != NULL);
    EXPECT_EQ(0, rig_file(west, "partner/" RIG_NAME "/received/evidence", &arena).size);
    rig_expect_sound(west);
    rig_expect_replayed(west, "own2", 13);
    weft_buffer_destroy(&one);
    weft_buffer_destroy(&two);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&none);
    weft_arena_destroy(&arena);
    rig_pair_stop(&pair);
}

/* An amendment that one side hears of by the stream alone. */
TEST(imports, an_amendment_is_heard_of_by_the_stream)
{
    static struct rig_pair pair;
    agree(&pair, "amended");
    struct rig_site *oem = &pair.sites[RIG_OEM], *west = &pair.sites[RIG_SUPPLIER];
    struct weft_contract next = rig_contract();
    next.sides[RIG_SUPPLIER].quarantine_statements = 77;
    rig_amend(&pair, &next, false, true);
    EXPECT_EQ(2, rig_provider(west)->stream.version);
    EXPECT_EQ(1, rig_agreement(oem).terms->newest->link.version);
    rig_transfer(&pair, RIG_SUPPLIER, 10);
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(2, rig_agreement(oem).terms->newest->link.version);
        EXPECT_EQ(2, rig_agreement(oem).terms->received->link.version);
        rig_reopen(oem);
    }
    EXPECT_TRUE(rig_step(oem) > 0); /* Its own stream says so, too. */
    EXPECT_EQ(2, rig_provider(oem)->stream.version);
    rig_transfer(&pair, RIG_OEM, 10);
    rig_expect_equal(&pair, RIG_OEM);
    rig_expect_sound(oem);
    rig_pair_stop(&pair);
}

#endif

/* Two states back to back, both directions, everything reopened at random. */
TEST(imports, two_sites_back_to_back_have_equal_trees)
{
    static struct rig_pair pair;
    uint64_t sent[2] = {0, 0};
    agree(&pair, "random");
    for (int round = 0; round < 40 / RIG_PART; round++) {
        const uint32_t from = (uint32_t)test_random(2);
        for (uint64_t n = test_random(4); n > 0; n--) {
            rig_must(&pair.sites[from], rig_inspection(test_random(9), "PASS"));
            sent[from]++;
        }
        if (test_random(3) == 0) {
            rig_transfer(&pair, from, 1 + (uint32_t)test_random(3));
            rig_expect_equal(&pair, from);
        }
        rig_reopen(&pair.sites[test_random(2)]);
    }
    for (uint32_t from = 0; from < 2; from++) {
        rig_transfer(&pair, from, 5);
        rig_expect_equal(&pair, from);
        EXPECT_EQ(sent[from], rig_consumer(&pair.sites[1 - from])->stream.statement_count);
        EXPECT_TRUE(RIG_PART > 1 || sent[from] > 0);
        rig_expect_sound(&pair.sites[from]);
    }
    struct weft_cells_sum sums[2];
    for (uint32_t i = 0; i < 2; i++) {
        EXPECT_EQ(WEFT_OK, weft_cells_get_sum(pair.sites[i].f.state->cells, WEFT_TEXT(RIG_NAME),
                               &sums[i], &pair.sites[i].msg));
        EXPECT_EQ(sent[0] + sent[1], sums[i].statements);
        EXPECT_TRUE(sums[i].is_settled);
    }
    EXPECT_TRUE(weft_digest_equal(&sums[0].shared, &sums[1].shared));
    rig_expect_replayed(&pair.sites[0], "twin0", 9);
    rig_expect_replayed(&pair.sites[1], "twin1", 40);
    rig_pair_stop(&pair);
}
