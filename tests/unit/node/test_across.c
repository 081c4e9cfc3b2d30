/* What an asset is made of across organizations: own records, what the partner has stated, and
 * holes by name. */
#include <stdio.h>
#include <string.h>

#include "node/state/across.h"
#include "node/state/ask.h"
#include "node/state/machine.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

#define CAR "urn:epc:id:sgtin:c.1"
#define AXLE "urn:epc:id:sgtin:a.1"
#define BOLT "urn:epc:id:sgtin:b.1"
#define NUT "urn:epc:id:sgtin:n.1"
#define GLASS "serial:glass/1"

static const struct weft_contract_kind kinds[] = {{WEFT_TEXT("as_built"), WEFT_DISCLOSED}};
static const struct weft_contract_template inside = {WEFT_TEXT(WEFT_ACROSS_TEMPLATE), 3};

static void start(struct rig_pair *pair, const char *name, bool has_template, bool shows_links)
{
    static const struct weft_contract_mask hidden = {
        WEFT_TEXT("as_built"), WEFT_TEXT("@link/consumes"), WEFT_HIDDEN};
    rig_pair_start(pair, name);
    struct weft_contract contract = rig_contract();
    for (int i = 0; i < 2; i++) {
        contract.sides[i].kinds = kinds;
        contract.sides[i].kind_count = 1;
        contract.sides[i].masks = &hidden;
        contract.sides[i].mask_count = shows_links ? 0 : 1;
    }
    contract.authority_count = contract.cell_count = 0;
    contract.templates = &inside;
    contract.template_count = has_template ? 1 : 0;
    rig_amend(pair, &contract, true, true);
    (void)rig_step(&pair->sites[0]);
    (void)rig_step(&pair->sites[1]);
}

static void build(struct rig_site *site, const char *unit, const char *from)
{
    rig_must(site, rig_link("as_built", unit, "consumes", from));
}

static struct weft_text told_here; /* What partners answered; empty: nobody was asked. */
static uint64_t labels_told;       /* A bit for each, of the last answer. */

/* The answer; "" if there is none, "refused". Static. */
static const char *ask_by(struct rig_site *site, const char *path, const char *who)
{
    static char text[4096];
    struct weft_view *view;
    struct weft_client_message answer;
    struct weft_arena arena = {.size_max = 64 << 20};
    char uri[128];
    (void)snprintf(uri, sizeof(uri), "spiffe://%s/%s", rig_site_of(site->party), who);
    const struct weft_query query = {.type = WEFT_QUERY_AUDIT,
        .asset = weft_text_of(path),
        .principal = weft_text_of(uri),
        .where_value = told_here};
    EXPECT_EQ(WEFT_OK, weft_view_open(site->f.state, &view, &site->msg));
    enum weft_err err = weft_view_query(view, &query, &arena, &answer, &site->msg);
    EXPECT_TRUE(err == WEFT_OK || err == WEFT_ENOTFOUND || err == WEFT_EREFUSED);
    labels_told = view->tally.set;
    (void)snprintf(text, sizeof(text), "%.*s", err == WEFT_OK ? (int)answer.audit.content.size : 0,
        err == WEFT_OK ? (const char *)answer.audit.content.data : "");
    if (err == WEFT_EREFUSED) {
        (void)snprintf(text, sizeof(text), "refused");
    }
    weft_arena_destroy(&arena);
    weft_view_close(view);
    return text;
}

static const char *ask(struct rig_site *site, const char *path)
{
    return ask_by(site, path, "node/n1");
}

TEST(across, a_tree_goes_on_with_what_the_partner_stated)
{
    static struct rig_pair pair;
    start(&pair, "across", true, true);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    build(oem, CAR, AXLE);
    build(oem, CAR, GLASS);
    EXPECT_TEXT("tree 3 2\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "node 1 0 consumes oem.example/plant1 agreed - epc " AXLE "\n"
                "node 2 0 consumes oem.example/plant1 agreed oem.example/plant1 serial " GLASS "\n"
                "hole - 1 nobody%20has%20stated%20anything%20of%20it\n"
                "hole - 2 nobody%20has%20stated%20anything%20of%20it\n",
        ask(oem, "across/" CAR));
    build(west, AXLE, BOLT);
    build(west, AXLE, NUT);
    rig_must(west, rig_link("as_built", NUT, "made_on", "west/press"));
    rig_transfer(&pair, RIG_SUPPLIER, 100);
    /* NOD-275: of the nut he says all that it is made of; of the bolt that it is there. */
    EXPECT_TEXT("tree 5 2\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "node 1 0 consumes oem.example/plant1 agreed - epc " AXLE "\n"
                "node 2 0 consumes oem.example/plant1 agreed oem.example/plant1 serial " GLASS "\n"
                "node 3 1 - supplier.example/west agreed - epc " BOLT "\n"
                "node 4 1 - supplier.example/west agreed - epc " NUT "\n"
                "hole - 2 nobody%20has%20stated%20anything%20of%20it\n"
                "hole supplier.example/west 3 what%20is%20inside%20was%20not%20disclosed;"
                "%20the%20agreement%20lets%20us%20ask\n",
        ask(oem, "across/" CAR));
    /* Who made it has it from his own records alone, and no hole where he made it. */
    EXPECT_TEXT("tree 1 0\nnode 0 0 - - agreed - epc " NUT "\n", ask(west, "across/" NUT));
    EXPECT_TEXT("", ask(oem, "across/serial:none/1"));
    rig_reopen(oem);
    EXPECT_TRUE(strstr(ask(oem, "across/" AXLE), "tree 3 1\n") != NULL);
    rig_pair_stop(&pair);
}

/* Own records alone, a partner's alone, and both say so of one edge. */
TEST(across, what_is_in_two_things_stands_once_and_is_in_both)
{
    static struct rig_pair pair;
    start(&pair, "across", true, true);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    build(oem, CAR, AXLE);
    build(oem, CAR, BOLT);
    build(west, AXLE, BOLT);
    build(west, AXLE, NUT);
    build(west, BOLT, NUT);
    EXPECT_TEXT("tree 3 1\n"
                "node 0 0 - - agreed - epc " AXLE "\n"
                "node 1 0 consumes supplier.example/west agreed - epc " BOLT "\n"
                "node 2 0 consumes supplier.example/west agreed - epc " NUT "\n"
                "way 2 1 consumes supplier.example/west agreed\n"
                "hole - 2 nobody%20has%20stated%20anything%20of%20it\n",
        ask(west, "across/" AXLE));
    rig_transfer(&pair, RIG_SUPPLIER, 100);
    EXPECT_TEXT("tree 4 1\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "node 1 0 consumes oem.example/plant1 agreed - epc " AXLE "\n"
                "node 2 0 consumes oem.example/plant1 agreed - epc " BOLT "\n"
                "node 3 1 - supplier.example/west agreed - epc " NUT "\n"
                "way 2 1 - supplier.example/west agreed\n"
                "way 3 2 - supplier.example/west agreed\n"
                "hole supplier.example/west 3 what%20is%20inside%20was%20not%20disclosed;"
                "%20the%20agreement%20lets%20us%20ask\n",
        ask(oem, "across/" CAR));
    build(oem, AXLE, BOLT); /* The way is there already, by his word: now it is by ours. */
    EXPECT_TRUE(strstr(ask(oem, "across/" CAR), "\nway 2 1 consumes oem.example/plant1 agreed\n"
                                                "way 3 2 - ") != NULL);
    rig_pair_stop(&pair);
}

TEST(across, what_is_withheld_is_a_hole_that_says_whether_one_may_ask)
{
    static struct rig_pair pair;
    start(&pair, "withheld", false, false);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    build(oem, CAR, AXLE);
    build(west, AXLE, BOLT);
    rig_must(west, rig_note("as_built", AXLE, WEFT_TEXT("line 1")));
    rig_transfer(&pair, RIG_SUPPLIER, 100);
    EXPECT_TEXT("tree 2 1\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "node 1 0 consumes oem.example/plant1 agreed - epc " AXLE "\n"
                "hole supplier.example/west 1 what%20is%20inside%20was%20not%20disclosed;"
                "%20the%20agreement%20answers%20no%20such%20question\n",
        ask(oem, "across/" CAR));
    rig_pair_stop(&pair);
}

/* NOD-275: who made it, as far as this site's own records say so. */
TEST(across, who_made_what_nobody_states_is_named)
{
    static struct rig_pair pair;
    start(&pair, "maker", true, true);
    struct rig_site *oem = &pair.sites[RIG_OEM];
    build(oem, CAR, AXLE);
    build(oem, CAR, GLASS);
    rig_must(oem, rig_link("note", AXLE, "made_by", "partner:supplier.example/west"));
    rig_must(oem, rig_link("note", GLASS, "made_by", "partner:glass.example/p1"));
    EXPECT_TRUE(strstr(ask(oem, "across/" CAR),
                    "hole supplier.example/west 1 whoever%20made%20it%20has%20stated%20nothing"
                    "%20of%20it\n"
                    "hole partner:glass.example/p1 2 there%20is%20no%20agreement%20with%20whoever"
                    "%20made%20it\n") != NULL);
    rig_pair_stop(&pair);
}

static void label(struct rig_site *site, const char *asset, const char *name)
{
    const struct weft_field field = {WEFT_TEXT("labels/[0]"), weft_text_of(name), WEFT_VALUE_TEXT};
    const struct weft_record record = {.kind = WEFT_TEXT("access_label"),
        .asset = weft_text_of(asset),
        .fields = &field,
        .field_count = 1};
    rig_must(site, record);
}

/* NOD-173: who may read nothing of it is told what he is told of what is not there. */
TEST(across, who_may_read_nothing_is_not_told_whether_there_is_such_a_thing)
{
    static struct rig_pair pair;
    start(&pair, "unread", true, true);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    build(oem, CAR, AXLE);
    build(west, AXLE, BOLT);
    rig_transfer(&pair, RIG_SUPPLIER, 100);
    label(oem, AXLE, "secret");
    EXPECT_TEXT("refused", ask_by(oem, "across/" CAR, "op/eve"));
    EXPECT_TEXT("refused", ask_by(oem, "across/serial:none", "op/eve"));
    EXPECT_TEXT("refused", ask_by(oem, "across/" AXLE, "op/cy"));
    EXPECT_TEXT("refused", ask_by(oem, "across/" NUT, "op/dee")); /* Perhaps of another kind. */
    EXPECT_TEXT("", ask_by(oem, "across/" NUT, "op/cy"));
    EXPECT_TEXT("", ask(oem, "across/" NUT));
    rig_pair_stop(&pair);
}

#define WITHHELD "the%20policy%20withholds%20more%20of%20what%20is%20in%20it:%20"
#define BY_BUILDS "%20by%20records%20of%20kind%20as_built"

/* NOD-280, of what this site has: all but a cost is seen as all is; of what is secret, and of a
 * kind that he may not read, he is told that there is more. */
TEST(across, who_may_not_read_all_is_told_how_much_of_his_own_site_is_withheld)
{
    static struct rig_pair pair;
    static char all[4096];
    start(&pair, "withheld-own", true, true);
    struct rig_site *oem = &pair.sites[RIG_OEM];
    build(oem, CAR, AXLE);
    build(oem, CAR, GLASS);
    build(oem, CAR, NUT);
    build(oem, AXLE, BOLT);
    rig_must(oem, rig_link("note", GLASS, "consumes", NUT));
    (void)snprintf(all, sizeof(all), "%s", ask(oem, "across/" CAR));
    EXPECT_TEXT(all, ask_by(oem, "across/" CAR, "op/cy"));
    EXPECT_TEXT("tree 5 3\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "node 1 0 consumes oem.example/plant1 agreed - epc " AXLE "\n"
                "node 2 0 consumes oem.example/plant1 agreed oem.example/plant1 serial " GLASS "\n"
                "node 3 0 consumes oem.example/plant1 agreed - epc " NUT "\n"
                "node 4 1 consumes oem.example/plant1 agreed - epc " BOLT "\n"
                "hole - 3 nobody%20has%20stated%20anything%20of%20it\n"
                "hole - 4 nobody%20has%20stated%20anything%20of%20it\n"
                "hole oem.example/plant1 2 " WITHHELD
                "1%20by%20records%20of%20kind%20note 1 note\n",
        ask_by(oem, "across/" CAR, "op/dee"));
    label(oem, AXLE, "secret");
    label(oem, NUT, "secret");
    EXPECT_TEXT("tree 2 2\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "node 1 0 consumes oem.example/plant1 agreed oem.example/plant1 serial " GLASS "\n"
                "hole oem.example/plant1 0 " WITHHELD "2" BY_BUILDS " 2 as_built\n"
                "hole oem.example/plant1 1 " WITHHELD
                "1%20by%20records%20of%20kind%20note 1 note\n",
        ask_by(oem, "across/" CAR, "op/cy"));
    EXPECT_TRUE(strncmp(all, ask(oem, "across/" CAR), 30) == 0);
    rig_pair_stop(&pair);
}

/* NOD-280, of what the partner stated. */
TEST(across, who_may_not_read_all_is_told_how_much_of_a_partner_is_withheld)
{
    static struct rig_pair pair;
    static char all[4096];
    start(&pair, "withheld-their", true, true);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    build(oem, CAR, AXLE);
    build(west, AXLE, BOLT);
    build(west, AXLE, NUT);
    build(west, BOLT, "serial:steel/1");
    rig_transfer(&pair, RIG_SUPPLIER, 100);
    (void)snprintf(all, sizeof(all), "%s", ask(oem, "across/" CAR));
    EXPECT_TRUE(strstr(all, "tree 5 ") != NULL);
    EXPECT_TEXT(all, ask_by(oem, "across/" CAR, "op/cy"));
    EXPECT_TEXT(all, ask_by(oem, "across/" CAR, "op/dee"));
    label(oem, BOLT, "secret");
    EXPECT_TEXT("tree 3 2\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "node 1 0 consumes oem.example/plant1 agreed - epc " AXLE "\n"
                "node 2 1 - supplier.example/west agreed - epc " NUT "\n"
                "hole supplier.example/west 2 what%20is%20inside%20was%20not%20disclosed;"
                "%20the%20agreement%20lets%20us%20ask\n"
                "hole oem.example/plant1 1 " WITHHELD "1" BY_BUILDS " 1 as_built\n",
        ask_by(oem, "across/" CAR, "op/dee"));
    label(oem, AXLE, "secret"); /* Now not even who stated something of it. */
    EXPECT_TEXT("tree 1 1\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "hole oem.example/plant1 0 " WITHHELD "1" BY_BUILDS " 1 as_built\n",
        ask_by(oem, "across/" CAR, "op/cy"));
    EXPECT_TEXT(all, ask(oem, "across/" CAR));
    rig_pair_stop(&pair);
}

/* NOD-280, of what a partner answered: no kind of record stands there. */
TEST(across, what_partners_answered_is_withheld_too)
{
    static struct rig_pair pair;
    start(&pair, "withheld-told", true, true);
    struct rig_site *oem = &pair.sites[RIG_OEM];
    struct weft_buffer told = {.size_max = WEFT_TIERS_SIZE_MAX};
    const struct weft_subject_name axle = {{"", 0}, {"epc", 3}, {AXLE, sizeof(AXLE) - 1}};
    const struct weft_tiers_part part = {.organization = WEFT_TEXT("supplier.example/west"),
        .subject = weft_subject_of(&axle),
        .head = 9,
        .content = WEFT_TEXT("at\t1\nin\tconsumes\t-\tepc\t" BOLT "\n"
                             "in\tconsumes\t-\tepc\t" NUT "\n")};
    struct weft_tiers_part room[1];
    struct weft_tiers_answer answer = {room, 0, 1};
    build(oem, CAR, AXLE);
    label(oem, BOLT, "secret");
    EXPECT_EQ(WEFT_OK, weft_tiers_add(&answer, &part));
    EXPECT_EQ(WEFT_OK, weft_tiers_encode(&answer, &told));
    told_here = weft_buffer_as_text(&told);
    EXPECT_TRUE(strstr(ask(oem, "across/" CAR), "epc " BOLT "\n") != NULL);
    EXPECT_TEXT("tree 3 2\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "node 1 0 consumes oem.example/plant1 agreed - epc " AXLE "\n"
                "node 2 1 consumes supplier.example/west agreed - epc " NUT "\n"
                "hole - 2 nobody%20has%20stated%20anything%20of%20it\n"
                "hole oem.example/plant1 1 " WITHHELD "1%20as%20partners%20have%20answered 1 -\n"
                "told supplier.example/west 9 1\n",
        ask_by(oem, "across/" CAR, "op/cy"));
    EXPECT_TEXT("tree 2 1\n"
                "node 0 0 - - agreed - epc " CAR "\n"
                "node 1 0 consumes oem.example/plant1 agreed - epc " AXLE "\n"
                "hole oem.example/plant1 1 " WITHHELD "2%20as%20partners%20have%20answered 2 -\n",
        ask_by(oem, "across/" CAR, "op/dee"));
    told_here = (struct weft_text){NULL, 0};
    weft_buffer_destroy(&told);
    rig_pair_stop(&pair);
}

/* NOD-182, of own records and of what a partner has stated. */
TEST(across, labels_of_what_is_told_are_counted)
{
    static struct rig_pair pair;
    start(&pair, "labels", true, true);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    static const char *const labelled[] = {AXLE, BOLT};
    build(oem, CAR, AXLE);
    build(west, AXLE, BOLT);
    rig_transfer(&pair, RIG_SUPPLIER, 100);
    (void)ask(oem, "across/" CAR);
    EXPECT_EQ(0, labels_told);
    for (uint64_t i = 0; i < 2; i++) {
        const struct weft_field field = {
            WEFT_TEXT("labels/[0]"), weft_text_of(i == 0 ? "own" : "theirs"), WEFT_VALUE_TEXT};
        const struct weft_record label = {.kind = WEFT_TEXT("access_label"),
            .asset = weft_text_of(labelled[i]),
            .fields = &field,
            .field_count = 1};
        rig_must(oem, label);
        (void)ask(oem, "across/" CAR);
        EXPECT_EQ((UINT64_C(2) << i) - 1, labels_told);
    }
    rig_pair_stop(&pair);
}

/* --- asked ------------------------------------------------------------------------------------ */

static uint32_t steps;

static enum weft_err count_step(void *ctx, struct weft_msg *msg)
{
    (void)ctx, (void)msg;
    steps++;
    return WEFT_OK;
}

static enum weft_err stop(void *ctx, struct weft_msg *msg)
{
    (void)ctx;
    return ++steps < 100 ? WEFT_OK : weft_fail(msg, WEFT_ETIMEDOUT, "too long");
}

/* What the site answers its partner of that thing; static. */
static const char *answer_of(struct rig_site *site, const char *key)
{
    static struct weft_ask_found found;
    static char text[4096];
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_yield yield = {.ask = count_step, .every = 1, .left = 1};
    struct weft_view *view;
    struct weft_ask_question question = {.id = 1,
        .name = {{"", 0}, WEFT_TEXT("epc"), weft_text_of(key)},
        .tiers = {.template = WEFT_TEXT(WEFT_ACROSS_TEMPLATE), .depth = 1}};
    question.tiers.subject = weft_subject_of(&question.name);
    const struct weft_contract contract = rig_contract();
    const struct weft_ask_look look = {
        .principal = WEFT_TEXT("spiffe://oem.example/plant1/node/n1"),
        .agreement = contract.name,
        .question = &question,
        .now_ms = 1};
    EXPECT_EQ(WEFT_OK, weft_view_open(site->f.state, &view, &site->msg));
    weft_view_yield_with(view, &yield);
    steps = 0;
    EXPECT_EQ(WEFT_OK, weft_view_ask(view, &look, &arena, &found, &site->msg));
    text[0] = '\0';
    for (uint32_t i = 0; i < found.parts.count; i++) {
        const struct weft_text content = found.parts.parts[i].content;
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s", (int)content.size,
            content.data);
    }
    weft_arena_destroy(&arena);
    weft_view_close(view);
    return text;
}

/* NOD-276, NOD-277: nor does it cost what a tree costs. */
TEST(across, a_partner_who_was_told_nothing_is_answered_before_the_tree_is_built)
{
    static struct rig_pair pair;
    start(&pair, "untold", true, true);
    struct rig_site *oem = &pair.sites[RIG_OEM];
    for (int i = 0; i < 40; i++) {
        char part[64];
        (void)snprintf(part, sizeof(part), "urn:epc:id:sgtin:p.%d", i);
        rig_must(oem, rig_link("part_of_plan", CAR, "consumes", part));
    }
    EXPECT_TEXT("at\t1\nhole\toem.example/plant1\tclosed\n", answer_of(oem, CAR));
    EXPECT_TRUE(steps < 10);
    EXPECT_TEXT("at\t1\nhole\toem.example/plant1\tclosed\n", answer_of(oem, BOLT));
    build(oem, CAR, AXLE);
    rig_transfer(&pair, RIG_OEM, 100);
    EXPECT_TRUE(strstr(answer_of(oem, CAR), "in\tconsumes\t-\tepc\t" AXLE "\n") != NULL);
    EXPECT_TRUE(steps > 40);
    rig_pair_stop(&pair);
}

TEST(across, a_question_to_partners_has_the_warrant_of_who_asks)
{
    static struct rig_pair pair;
    static struct weft_ask_found found;
    start(&pair, "warrant", true, true);
    struct rig_site *oem = &pair.sites[RIG_OEM];
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_view *view;
    build(oem, CAR, AXLE);
    struct weft_query query = {
        .type = WEFT_QUERY_AUDIT, .principal = WEFT_TEXT("spiffe://oem.example/plant1/node/n1")};
    const struct weft_ask_look look = {.query = &query, .asset = WEFT_TEXT(CAR), .now_ms = 1};
    EXPECT_EQ(WEFT_OK, weft_view_open(oem->f.state, &view, &oem->msg));
    EXPECT_EQ(WEFT_OK, weft_view_ask(view, &look, &arena, &found, &oem->msg));
    query.has_warrant = true; /* Of no key, and over. */
    query.warrant = (struct weft_warrant){.until_ns = 1};
    EXPECT_EQ(WEFT_EREFUSED, weft_view_ask(view, &look, &arena, &found, &oem->msg));
    weft_arena_destroy(&arena);
    weft_view_close(view);
    rig_pair_stop(&pair);
}

enum {
    LINES = 4000, /* of one part: its 64 KiB */
    TELLERS = 4,
};

/* What `TELLERS` say is in the car: things of their own, all together more than a tree has. */
static void tell(struct weft_arena *arena, struct weft_buffer *out)
{
    static const struct weft_subject_name car = {{"", 0}, {"epc", 3}, {CAR, sizeof(CAR) - 1}};
    static struct weft_tiers_part room[TELLERS];
    struct weft_tiers_answer told = {room, 0, TELLERS};
    for (int t = 0; t < TELLERS; t++) {
        char organization[32];
        struct weft_buffer text = {.size_max = WEFT_TIERS_CONTENT_SIZE_MAX};
        (void)snprintf(organization, sizeof(organization), "t%d.example/p", t);
        EXPECT_EQ(WEFT_OK, weft_buffer_format(&text, "at\t1\n"));
        for (int i = 0; i < LINES; i++) {
            EXPECT_EQ(WEFT_OK, weft_buffer_format(&text, "in\t-\t-\tk\t%d%03x\n", t, i));
        }
        const struct weft_tiers_part part = {
            .organization = weft_arena_text(arena, weft_text_of(organization)),
            .subject = weft_subject_of(&car),
            .head = 1,
            .content = weft_arena_text(arena, weft_buffer_as_text(&text))};
        EXPECT_EQ(WEFT_OK, weft_tiers_add(&told, &part));
        weft_buffer_destroy(&text);
    }
    EXPECT_EQ(WEFT_OK, weft_tiers_encode(&told, out));
}

TEST(across, what_partners_told_gives_way_and_ends_where_the_tree_is_full)
{
    static struct rig_pair pair;
    start(&pair, "told", true, true);
    struct rig_site *oem = &pair.sites[RIG_OEM];
    struct weft_arena arena = {.size_max = 64 << 20}, kept = {.size_max = 64 << 20};
    struct weft_buffer told = {.size_max = WEFT_TIERS_SIZE_MAX};
    struct weft_client_message answer;
    struct weft_view *view;
    build(oem, CAR, AXLE);
    tell(&kept, &told);
    const struct weft_query query = {.type = WEFT_QUERY_AUDIT,
        .asset = WEFT_TEXT("across/" CAR),
        .principal = WEFT_TEXT("spiffe://oem.example/plant1/node/n1"),
        .where_value = weft_buffer_as_text(&told)};
    struct weft_yield yield = {.ask = stop, .every = 1, .left = 1};
    EXPECT_EQ(WEFT_OK, weft_view_open(oem->f.state, &view, &oem->msg));
    weft_view_yield_with(view, &yield);
    steps = 0;
    EXPECT_EQ(WEFT_ETIMEDOUT, weft_view_query(view, &query, &arena, &answer, &oem->msg));
    EXPECT_EQ(100, steps);
    weft_view_close(view);
    EXPECT_EQ(WEFT_OK, weft_view_open(oem->f.state, &view, &oem->msg));
    yield = (struct weft_yield){.ask = count_step, .every = 1, .left = 1};
    weft_view_yield_with(view, &yield);
    steps = 0;
    EXPECT_EQ(WEFT_OK, weft_view_query(view, &query, &arena, &answer, &oem->msg));
    EXPECT_TRUE(strstr((const char *)answer.audit.content.data, "tree 4096 ") != NULL);
    /* A step for each thing, and one for each line that led to it. */
    EXPECT_TRUE(steps > WEFT_ACROSS_NODES_MAX * 3 / 2 && steps < LINES * TELLERS);
    weft_view_close(view);
    weft_buffer_destroy(&told);
    weft_arena_destroy(&arena);
    weft_arena_destroy(&kept);
    rig_pair_stop(&pair);
}

/* What the site answers the other one about `key`; "" if nothing. Static. */
static const char *answer_partner(struct rig_site *site, const char *key)
{
    static char text[4096];
    static struct weft_ask_found found;
    struct weft_view *view;
    struct weft_arena arena = {.size_max = 64 << 20};
    char uri[128];
    (void)snprintf(uri, sizeof(uri), "spiffe://%s/node/n1", rig_site_of(site->party));
    struct weft_ask_question question = {.name = {.kind = WEFT_TEXT("epc")},
        .tiers = {.template = WEFT_TEXT(WEFT_ACROSS_TEMPLATE), .depth = 1}};
    question.name.key = weft_text_of(key);
    question.tiers.subject = weft_subject_of(&question.name);
    const struct weft_ask_look look = {.principal = weft_text_of(uri),
        .agreement = WEFT_TEXT(RIG_NAME),
        .question = &question,
        .now_ms = 7};
    EXPECT_EQ(WEFT_OK, weft_view_open(site->f.state, &view, &site->msg));
    EXPECT_EQ(WEFT_OK, weft_view_ask(view, &look, &arena, &found, &site->msg));
    text[0] = '\0';
    if (found.parts.count > 0) {
        (void)snprintf(text, sizeof(text), "%.*s", (int)found.parts.parts[0].content.size,
            found.parts.parts[0].content.data);
    }
    weft_arena_destroy(&arena);
    weft_view_close(view);
    return text;
}

/* NOD-276: that it was made there is a word of the record, which the policy may keep back. */
TEST(across, that_it_was_made_here_is_told_where_the_policy_shares_the_record)
{
    static struct rig_pair pair;
    start(&pair, "made", true, true);
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    static const struct weft_field itar = {
        WEFT_TEXT("labels/[0]"), WEFT_TEXT("itar"), WEFT_VALUE_TEXT};
    const struct weft_record label = {.kind = WEFT_TEXT("access_label"),
        .asset = WEFT_TEXT(NUT),
        .fields = &itar,
        .field_count = 1};
    rig_must(west, rig_link("as_built", NUT, "made_on", "west/press"));
    (void)rig_step(west);
    EXPECT_TEXT("at\t7\nmade\n", answer_partner(west, NUT));
    EXPECT_TEXT("at\t7\nhole\tsupplier.example/west\tclosed\n", answer_partner(west, BOLT));
    rig_must(west, label);
    EXPECT_TEXT("at\t7\nhole\tsupplier.example/west\tclosed\n", answer_partner(west, NUT));
    rig_pair_stop(&pair);
}
