/* What whoever asks may see: random policies over random histories, against the unfiltered answer
 * filtered by plain rules; and that no way out gives a byte of what is hidden. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/warrant.h"
#include "tests/lib/test.h"
#include "tests/unit/node/reveal_rig.h"

enum {
    POLICIES = 16
};

static const struct reveal_written *written_at(uint64_t index)
{
    for (uint32_t i = 0; i < REVEAL_RECORDS; i++) {
        if (reveal_history[i].index == index) {
            return &reveal_history[i];
        }
    }
    return NULL;
}

/* --- records --------------------------------------------------------------------------------- */

/* What a story tells of: what may be seen to be inside it, and to link to it. */
static bool is_in_story(
    const struct weft_query *q, const struct reveal_plan *p, const struct reveal_written *w)
{
    bool inside[REVEAL_ASSETS] = {false}, has_new = !q->no_inside;
    uint32_t asset = (uint32_t)strtoul(q->asset.data + sizeof("line1/u") - 1, NULL, 10);
    inside[asset] = true;
    while (has_new) {
        has_new = false;
        for (uint32_t i = 0; i < REVEAL_RECORDS; i++) {
            const struct reveal_written *other = &reveal_history[i];
            if (other->lot < REVEAL_ASSETS && reveal_may_see(p, other) && p->consumes &&
                inside[other->asset] && !inside[other->lot]) {
                inside[other->lot] = has_new = true;
            }
        }
    }
    return inside[w->asset] || (w->lot == asset && p->consumes);
}

/* The unfiltered answer, filtered by hand. `op` on price, where it is asked. */
static void expect_filtered(
    struct fixture *f, const struct weft_query *q, const struct reveal_plan *p)
{
    static struct reveal_answer all, found;
    struct weft_query plain = *q;
    uint32_t count = 0;
    plain.where_op = WEFT_OP_NONE;
    plain.where_path = plain.where_value = (struct weft_text){NULL, 0};
    reveal_ask(f, plain, NODE_URI, &all);
    reveal_ask(f, *q, ROBOT_URI, &found);
    reveal_expect_hidden(&found, p);
    for (uint32_t i = 0; all.err == WEFT_OK && i < all.count; i++) {
        const struct reveal_written *w = written_at(all.index_room[i]);
        bool fits = w != NULL && reveal_may_see(p, w);
        fits = fits && (q->type != WEFT_QUERY_STORY || is_in_story(q, p, w));
        if (fits && q->where_op != WEFT_OP_NONE) {
            bool is_equal = weft_text_is(q->where_value, w->marks[0]);
            fits = p->fields[0] && is_equal == (q->where_op == WEFT_OP_EQ); /* NOD-171 */
        }
        if (fits) {
            EXPECT_TRUE(count < found.count);
            EXPECT_EQ(all.index_room[i], found.index_room[count]);
            count++;
        }
    }
    bool is_direct = q->type == WEFT_QUERY_ASSET || q->type == WEFT_QUERY_STORY;
    EXPECT_EQ(count, found.count);
    if (is_direct && count == 0) {
        EXPECT_TRUE(found.err == WEFT_EREFUSED || found.err == WEFT_ENOTFOUND);
    } else {
        EXPECT_EQ(WEFT_OK, found.err);
    }
}

static void check_records(struct fixture *f, const struct reveal_plan *p)
{
    char name[32];
    for (uint32_t asset = 0; asset < REVEAL_ASSETS; asset++) {
        reveal_unit(asset, name);
        struct weft_query q = {.type = WEFT_QUERY_ASSET, .asset = weft_text_of(name)};
        q.limit = (uint32_t)test_random(4);
        expect_filtered(f, &q, p);
        q.type = WEFT_QUERY_STORY;
        expect_filtered(f, &q, p);
        q.no_inside = true;
        expect_filtered(f, &q, p);
    }
    struct weft_query find = {.type = WEFT_QUERY_FIND, .limit = (uint32_t)test_random(9)};
    expect_filtered(f, &find, p);
    find.asset_glob = WEFT_TEXT("line1/*");
    expect_filtered(f, &find, p);
    find.asset_glob = (struct weft_text){NULL, 0};
    find.kind = weft_text_of(reveal_kinds[test_random(REVEAL_KINDS)]);
    expect_filtered(f, &find, p);
    for (int i = 0; i < 6; i++) {
        find.kind.size = i < 3 ? find.kind.size : 0;
        find.where_path = WEFT_TEXT("price");
        find.where_op = i % 2 == 0 ? WEFT_OP_EQ : WEFT_OP_NE;
        find.where_value = weft_text_of(reveal_history[test_random(REVEAL_RECORDS)].marks[0]);
        expect_filtered(f, &find, p);
    }
    const struct weft_query feed = {.type = WEFT_QUERY_COMMITS, .limit = (uint32_t)test_random(9)};
    expect_filtered(f, &feed, p);
}

/* --- traces ---------------------------------------------------------------------------------- */

static bool is_edge_seen(
    const struct reveal_plan *p, const struct reveal_written *w, bool is_forward)
{
    uint32_t step = is_forward ? w->asset : w->lot;
    return w->lot < REVEAL_ASSETS && reveal_may_see(p, w) && p->consumes &&
           reveal_may_see_asset(p, step);
}

/* Names of what is reached, by going round until nothing is new. */
static void expect_trace(
    struct fixture *f, const struct reveal_plan *p, uint32_t from, bool is_forward)
{
    static struct reveal_answer a;
    bool reached[REVEAL_ASSETS] = {false}, has_new = true;
    char name[32], line[40];
    reached[from] = true;
    while (has_new) {
        has_new = false;
        for (uint32_t i = 0; i < REVEAL_RECORDS; i++) {
            const struct reveal_written *w = &reveal_history[i];
            uint32_t start = is_forward ? w->lot : w->asset, end = is_forward ? w->asset : w->lot;
            if (is_edge_seen(p, w, is_forward) && reached[start] && !reached[end]) {
                reached[end] = has_new = true;
            }
        }
    }
    reveal_unit(from, name);
    struct weft_query q = {.type = is_forward ? WEFT_QUERY_TRACE_FORWARD : WEFT_QUERY_TRACE_BACK,
        .asset = weft_text_of(name),
        .limit = 1 + (uint32_t)test_random(3)};
    for (int form = 0; form < 3; form++) {
        q.ids_only = form == 0;
        q.with_records = form == 2;
        reveal_ask(f, q, ROBOT_URI, &a);
        reveal_expect_hidden(&a, p);
        for (uint32_t i = 0; i < REVEAL_ASSETS && q.ids_only; i++) {
            reveal_unit(i, name);
            (void)snprintf(line, sizeof(line), "%s\n", name);
            EXPECT_EQ(i != from && reached[i], reveal_has_text(&a, line)); /* NOD-170 */
        }
    }
    reveal_unit(from, name); /* The query's own, again. */
}

/* --- everything ------------------------------------------------------------------------------ */

/* A question about an asset, of any type and form, as of any time. */
static struct weft_query any_query(struct weft_text asset, enum weft_query_type type)
{
    static const char *const rels[] = {"", "consumes", "supplied_by", "location,consumes"};
    const struct reveal_written *some = &reveal_history[test_random(REVEAL_RECORDS)];
    struct weft_query q = {.type = type,
        .asset = asset,
        .with_records = test_random(2) == 0,
        .ids_only = test_random(4) == 0,
        .no_inside = test_random(4) == 0,
        .limit = (uint32_t)test_random(5),
        .as_of = test_random(3) == 0 ? some->index : 0,
        .has_at = test_random(3) == 0,
        .at_ns = some->at_ns,
        .other_as_of = type == WEFT_QUERY_DIFF && test_random(2) == 0 ? some->index : 0,
        .other_has_at = type == WEFT_QUERY_DIFF && test_random(3) == 0,
        .other_at_ns = reveal_history[test_random(REVEAL_RECORDS)].at_ns};
    if (type == WEFT_QUERY_TRACE_FORWARD || type == WEFT_QUERY_TRACE_BACK) {
        q.rels = weft_text_of(rels[test_random(4)]);
    }
    return q;
}

/* Who names a time knows it. */
static bool names_time(const struct weft_query *q)
{
    return q->has_at || q->other_has_at;
}

/* Every type of query (NOD-170): resource_of has them all. */
static void check_leaks(struct fixture *f, const struct reveal_plan *p)
{
    static struct reveal_answer a;
    static struct reveal_plan with_time;
    char name[32];
    for (uint32_t asset = 0; asset < REVEAL_ASSETS; asset++) {
        reveal_unit(asset, name);
        for (int type = WEFT_QUERY_ASSET; type < WEFT_QUERY_AUDIT; type++) {
            const struct weft_query q = any_query(weft_text_of(name), (enum weft_query_type)type);
            reveal_ask(f, q, ROBOT_URI, &a);
            with_time = *p;
            with_time.names_time = names_time(&q);
            reveal_expect_hidden(&a, &with_time);
        }
        expect_trace(f, p, asset, true);
        expect_trace(f, p, asset, false);
    }
    static const char *const by[] = {"author", "source", "detail/deep"};
    for (int i = 0; i < 3; i++) {
        const struct weft_query q = {.type = WEFT_QUERY_FIND,
            .kind = weft_text_of(reveal_kinds[i]),
            .differs_path = weft_text_of(reveal_paths[i == 2 ? 0 : 2]),
            .differs_by = weft_text_of(by[i])};
        reveal_ask(f, q, ROBOT_URI, &a);
        reveal_expect_hidden(&a, p);
    }
    const struct weft_query below = {.type = WEFT_QUERY_TWIN, .asset = WEFT_TEXT("line2")};
    reveal_ask(f, below, ROBOT_URI, &a);
    reveal_expect_hidden(&a, p);
    const struct weft_query audit = {
        .type = WEFT_QUERY_AUDIT, .asset = WEFT_TEXT("tile/entries/000.p/9")};
    reveal_ask(f, audit, ROBOT_URI, &a);
    EXPECT_EQ(WEFT_OK, a.err);
    reveal_expect_hidden(&a, p);
}

static void check_policies(struct fixture *f, struct weft_digest *digest, uint32_t count)
{
    reveal_shown = reveal_hidden = reveal_reported = 0;
    for (uint32_t n = 0; n < count; n++) {
        struct reveal_plan plan = reveal_make_plan();
        plan.forbids_label = n % 2 == 1; /* Both, however few policies there are. */
        struct weft_record record = reveal_policy(&plan, 2 + n, digest);
        const struct weft_applied_item *item = rig_commit(f, RIG_BO, &record, 1);
        EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
        for (uint32_t i = 0; n > 0 && i < 2; i++) {
            reveal_relabel(f, (uint32_t)test_random(REVEAL_ASSETS));
        }
        check_records(f, &plan);
        check_leaks(f, &plan);
    }
    EXPECT_TRUE(reveal_shown > 1000 && reveal_hidden > 1000 && reveal_reported > 0);
}

TEST(reveal, answers_are_the_unfiltered_ones_filtered_and_hold_no_byte_of_what_is_hidden)
{
    struct fixture f;
    struct weft_digest digest = reveal_start(&f, "state");
    fixture_close(&f);
    f.options.lineage_bytes = 64 << 20;
    fixture_open(&f);
    check_policies(&f, &digest, POLICIES);
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}

/* The same without the index of lineage. */
TEST(reveal, answers_from_the_store_are_filtered_alike)
{
    struct fixture f;
    struct weft_digest digest = reveal_start(&f, "state");
    fixture_close(&f);
    f.options.lineage_bytes = 0;
    fixture_open(&f);
    check_policies(&f, &digest, POLICIES / 3);
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}

/* What stands between units, and has a story itself. */
TEST(reveal, events_between_units_give_no_byte_of_what_is_hidden)
{
    static struct reveal_answer a;
    static struct reveal_plan with_time;
    struct fixture f;
    char name[32];
    struct weft_digest digest = reveal_start(&f, "state");
    reveal_add_events(&f);
    reveal_shown = reveal_hidden = reveal_reported = 0;
    for (uint32_t n = 0; n < POLICIES / 4; n++) {
        struct reveal_plan plan = reveal_make_plan();
        plan.forbids_label = n % 2 == 1;
        struct weft_record record = reveal_policy(&plan, 2 + n, &digest);
        EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
        for (int i = 0; i < 4; i++) {
            reveal_relabel(&f, (uint32_t)test_random(REVEAL_NAMES));
        }
        for (uint32_t asset = 0; asset < REVEAL_NAMES; asset++) {
            reveal_unit(asset, name);
            for (int type = WEFT_QUERY_ASSET; type < WEFT_QUERY_AUDIT; type++) {
                const struct weft_query q =
                    any_query(weft_text_of(name), (enum weft_query_type)type);
                reveal_ask(&f, q, ROBOT_URI, &a);
                with_time = plan;
                with_time.names_time = names_time(&q);
                reveal_expect_hidden(&a, &with_time);
            }
        }
    }
    EXPECT_TRUE(reveal_shown > 100 && reveal_hidden > 1000 && reveal_reported > 0);
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}

TEST(reveal, whoever_may_see_nothing_is_not_told_whether_there_is_something)
{
    static struct reveal_answer there, not_there;
    static const enum weft_query_type types[] = {WEFT_QUERY_ASSET, WEFT_QUERY_STORY,
        WEFT_QUERY_TWIN, WEFT_QUERY_DIFF, WEFT_QUERY_TRACE_FORWARD, WEFT_QUERY_RECALL};
    struct fixture f;
    struct weft_digest digest = reveal_start(&f, "state");
    const struct reveal_plan plan = {
        .kinds = {true, true, true, true}, .is_line1 = true, .at = true};
    struct weft_record record = reveal_policy(&plan, 2, &digest);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct weft_query q = {.type = types[i], .asset = WEFT_TEXT("line2/u1")};
        reveal_ask(&f, q, ROBOT_URI, &there);
        q.asset = WEFT_TEXT("line2/none");
        reveal_ask(&f, q, ROBOT_URI, &not_there);
        EXPECT_EQ(WEFT_EREFUSED, there.err); /* NOD-173 */
        EXPECT_EQ(WEFT_EREFUSED, not_there.err);
        EXPECT_EQ(there.bytes.size, not_there.bytes.size);
        EXPECT_TRUE(reveal_has_text(&there, "not permitted (correlation "));
        /* Nobody's principal, another site's node, and whoever no permit is of: the same. */
        q.asset = WEFT_TEXT("line1/u2");
        reveal_ask(&f, q, "", &there);
        EXPECT_EQ(WEFT_EREFUSED, there.err);
        reveal_ask(&f, q, "spiffe://oem.example/plant2/node/n1", &there);
        EXPECT_EQ(WEFT_EREFUSED, there.err);
        reveal_ask(&f, q, "spiffe://" RIG_CY, &there);
        EXPECT_EQ(WEFT_EREFUSED, there.err);
        reveal_ask(&f, q, NODE_URI, &there);
        EXPECT_EQ(WEFT_OK, there.err);
    }
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}

TEST(reveal, who_may_not_read_is_not_told_the_revision_that_stood_in_the_way)
{
    struct fixture f;
    struct weft_digest digest = reveal_start(&f, "state");
    struct reveal_plan plan = {.kinds = {true}};
    struct weft_record record = reveal_policy(&plan, 2, &digest);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
    struct weft_record stale = fixture_record("line2/u1");
    stale.has_expect = true;
    stale.expect_rev = 1;
    const struct weft_applied_item *item = rig_commit(&f, RIG_CY, &stale, 1);
    EXPECT_EQ(WEFT_ECONFLICT, item->err);
    EXPECT_EQ(0, item->error.present_rev); /* NOD-174 */
    EXPECT_TEXT("the asset is not at the revision that was expected", item->error.detail.data);
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}

/* A hidden field stands in its place, as its leaf. */
TEST(reveal, a_hidden_field_is_replaced_by_its_commitment)
{
    static struct reveal_answer a;
    struct fixture f;
    struct weft_digest digest = reveal_start(&f, "state");
    struct reveal_plan plan = {.kinds = {true, true, true, true},
        .fields = {false, true, true},
        .at = true,
        .source = true,
        .consumes = true,
        .place = true,
        .quantity = true};
    struct weft_record policy = reveal_policy(&plan, 2, &digest);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &policy, 1)->err);
    const struct weft_query q = {.type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("line1/u0")};
    reveal_ask(&f, q, ROBOT_URI, &a);
    EXPECT_EQ(WEFT_OK, a.err);
    const struct weft_record *record = &a.message.page.records[0].record;
    EXPECT_EQ(REVEAL_FIELDS, record->field_count);
    EXPECT_TRUE(weft_text_is(record->fields[0].path, "price/@hidden"));
    EXPECT_EQ(7 + 64, record->fields[0].value.size);
    EXPECT_TRUE(memcmp(record->fields[0].value.data, "sha256:", 7) == 0);
    EXPECT_TRUE(weft_text_is(record->fields[1].path, "detail/deep"));
    EXPECT_TRUE(memcmp(record->links[0].to.data, "@hidden:sha256:", 15) == 0);
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}

static enum weft_err read_by_note(
    struct fixture *f, const struct weft_warrant *warrant, int64_t now_ns)
{
    struct weft_view *view;
    struct weft_msg msg = {""};
    struct weft_client_message message;
    const struct weft_query q = {.type = WEFT_QUERY_ASSET,
        .asset = WEFT_TEXT("serial:1"),
        .principal = WEFT_TEXT("spiffe://" RIG_ANN),
        .now_ns = now_ns,
        .has_warrant = true,
        .warrant = *warrant};
    EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &msg));
    enum weft_err err = weft_view_query(view, &q, &reveal_arena, &message, &msg);
    weft_view_close(view);
    return err;
}

/* NOD-18: a node that has not heard of a revocation yet takes a token at its door; the view that is
 * read, which may be newer, does not. */
TEST(reveal, what_came_by_a_note_is_held_to_the_keyring_of_the_view_that_is_read)
{
    static const char *const by_ann[] = {RIG_ANN, NULL};
    static const char *const by_roots[] = {RIG_ROOT_A, RIG_ROOT_B, NULL};
    struct fixture f;
    struct weft_chain_link link;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    struct weft_record record =
        rig_policy(2, &digest, RIG_POLICY "permit see\n  who op ann\n  do read\n", by_ann, &digest);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
    record = fixture_record("serial:1");
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_ANN, &record, 1)->err);
    struct weft_warrant warrant = {
        signers_make(RIG_ANN).verifier.key_id, WEFT_WARRANT_ANY, SIGNERS_NOW_NS};
    EXPECT_EQ(WEFT_OK, read_by_note(&f, &warrant, SIGNERS_NOW_NS));
    EXPECT_EQ(WEFT_EREFUSED, read_by_note(&f, &warrant, SIGNERS_NOW_NS + 1)); /* Over. */
    warrant.key_id ^= 1;
    EXPECT_EQ(WEFT_EREFUSED, read_by_note(&f, &warrant, SIGNERS_NOW_NS));
    warrant.key_id ^= 1;
    record = rig_revoke(RIG_ANN, NULL, by_roots, &link);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &record, 1)->err);
    EXPECT_EQ(WEFT_EREFUSED, read_by_note(&f, &warrant, SIGNERS_NOW_NS));
    weft_arena_destroy(&reveal_arena);
    fixture_destroy(&f);
}
