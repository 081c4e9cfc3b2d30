/* Recalls that cross companies: what a site finds, tells on and acknowledges, and how it adds up.
 */
#include <stdio.h>
#include <string.h>

#include "node/state/machine.h"
#include "node/state/recalls.h"
#include "proto/codec.h"
#include "tests/lib/test.h"
#include "tests/unit/node/stream_rig.h"

#define LOT "urn:epc:class:lgtin:lot.1"
#define TO_OEM "partner:oem.example/plant1"
#define TO_WEST "partner:supplier.example/west"

enum {
    DUE_MAX = 16,
};

/* What was due, kept: the view is closed before anything is committed. */
static struct weft_arena kept = {.size_max = 64 << 20};
static struct weft_buffer bodies[DUE_MAX];
static struct weft_record due[DUE_MAX];
static uint32_t body_count, due_count;

static enum weft_err on_due(void *ctx, const struct weft_digest *recall,
    const struct weft_recalls_account *account, const struct weft_record *records, uint32_t count)
{
    const struct weft_commit commit = {.records = records, .record_count = count};
    (void)ctx, (void)recall, (void)account;
    EXPECT_TRUE(body_count < DUE_MAX);
    bodies[body_count] = (struct weft_buffer){0};
    EXPECT_EQ(WEFT_OK, weft_commit_encode(&commit, &bodies[body_count++]));
    return WEFT_OK;
}

static void forget(void)
{
    while (body_count > 0) {
        weft_buffer_destroy(&bodies[--body_count]);
    }
    weft_arena_reset(&kept);
    due_count = 0;
}

/* What is due at a site now; how many records. */
static uint32_t look(struct rig_site *site)
{
    struct weft_view *view;
    char uri[128];
    uint32_t recalls;
    forget();
    (void)snprintf(uri, sizeof(uri), "spiffe://%s/node/n1", rig_site_of(site->party));
    EXPECT_EQ(WEFT_OK, weft_view_open(site->f.state, &view, &site->msg));
    enum weft_err err =
        weft_view_recalls(view, weft_text_of(uri), on_due, NULL, &recalls, &site->msg);
    EXPECT_TEXT("", err == WEFT_OK ? "" : site->msg.text);
    EXPECT_EQ(WEFT_OK, err);
    weft_view_close(view);
    for (uint32_t i = 0; i < body_count; i++) {
        struct weft_commit commit;
        EXPECT_EQ(WEFT_OK, weft_commit_decode((struct weft_bytes){bodies[i].data, bodies[i].size},
                               &kept, &commit, &site->msg));
        for (uint32_t k = 0; k < commit.record_count; k++) {
            EXPECT_TRUE(due_count < DUE_MAX);
            due[due_count++] = commit.records[k];
        }
    }
    return due_count;
}

/* Whoever leads proposes what is due; how many records that was. */
static uint32_t tell(struct rig_site *site)
{
    const uint32_t count = look(site);
    for (uint32_t i = 0; i < count; i++) {
        rig_must(site, due[i]);
    }
    return count;
}

static struct weft_act act_of(const struct weft_record *record)
{
    struct weft_act act;
    struct weft_msg msg;
    EXPECT_EQ(WEFT_OK, weft_act_decode(record, &kept, &act, &msg));
    return act;
}

static struct weft_digest subject_of(const char *site, const char *asset)
{
    static const struct weft_digest none;
    char key[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name name;
    EXPECT_EQ(WEFT_SUBJECT_TO_CELL,
        weft_cells_name_thing(weft_text_of(site), weft_text_of(asset), true, &none, key, &name));
    return weft_subject_of(&name);
}

static void start(struct rig_pair *pair, const char *name)
{
    static const struct weft_contract_kind kinds[] = {
        {WEFT_TEXT("acknowledgement"), WEFT_DISCLOSED}, {WEFT_TEXT("impact"), WEFT_DISCLOSED}};
    rig_pair_start(pair, name);
    struct weft_contract contract = rig_contract();
    for (int i = 0; i < 2; i++) {
        contract.sides[i].kinds = kinds;
        contract.sides[i].kind_count = 2;
        contract.sides[i].mask_count = 0;
    }
    contract.authority_count = contract.cell_count = 0;
    rig_amend(pair, &contract, true, true);
    (void)rig_step(&pair->sites[0]);
    (void)rig_step(&pair->sites[1]);
}

static void build(struct rig_site *site, const char *unit, const char *from)
{
    rig_must(site, rig_link("as_built", unit, "consumes", from));
}

static void ship(struct rig_site *site, const char *unit, const char *to)
{
    rig_must(site, rig_link("shipment", unit, "shipped_to", to));
}

/* A recall of the lot; the subjects' texts live as long as the test. */
static void recall_lot(struct rig_site *site, const char *asset)
{
    static char text[WEFT_DIGEST_TEXT_SIZE];
    static struct weft_field fields[3];
    struct weft_digest subject = subject_of(rig_site_of(site->party), asset);
    weft_digest_format(&subject, text);
    fields[0] = (struct weft_field){WEFT_TEXT("action"), WEFT_TEXT("stop"), WEFT_VALUE_TEXT};
    fields[1] = (struct weft_field){WEFT_TEXT("reason"), WEFT_TEXT("cracks"), WEFT_VALUE_TEXT};
    fields[2] = (struct weft_field){WEFT_TEXT("subjects/[0]"), weft_text_of(text), WEFT_VALUE_TEXT};
    rig_must(site, (struct weft_record){.kind = WEFT_TEXT("recall"),
                       .asset = weft_text_of(asset),
                       .fields = fields,
                       .field_count = 3});
}

/* The answer to that path. To be destroyed. */
static struct weft_buffer ask(struct rig_site *site, const char *path)
{
    struct weft_view *view;
    struct weft_client_message answer;
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer text = {0};
    char uri[128];
    (void)snprintf(uri, sizeof(uri), "spiffe://%s/node/n1", rig_site_of(site->party));
    const struct weft_query query = {
        .type = WEFT_QUERY_AUDIT, .asset = weft_text_of(path), .principal = weft_text_of(uri)};
    EXPECT_EQ(WEFT_OK, weft_view_open(site->f.state, &view, &site->msg));
    EXPECT_EQ(WEFT_OK, weft_view_query(view, &query, &arena, &answer, &site->msg));
    EXPECT_EQ(
        WEFT_OK, weft_buffer_append(&text, answer.audit.content.data, answer.audit.content.size));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&text, "", 1));
    weft_arena_destroy(&arena);
    weft_view_close(view);
    return text;
}

static void expect_lines(struct rig_site *site, const char *path, const char *const *lines)
{
    struct weft_buffer text = ask(site, path);
    for (size_t i = 0; lines[i] != NULL; i++) {
        if (strstr((const char *)text.data, lines[i]) == NULL) {
            EXPECT_TEXT(lines[i], (const char *)text.data);
        }
    }
    weft_buffer_destroy(&text);
}

/* "recalls/sha256:..." of the only recall. */
static const char *path_of_only(struct rig_site *site)
{
    static char path[16 + WEFT_DIGEST_TEXT_SIZE];
    struct weft_buffer text = ask(site, "recalls");
    EXPECT_EQ(0, strncmp("recall sha256:", (const char *)text.data, 14));
    (void)snprintf(path, sizeof(path), "recalls/%.*s", 7 + 64, (const char *)text.data + 7);
    weft_buffer_destroy(&text);
    return path;
}

static uint64_t statements(struct rig_site *site)
{
    return rig_provider(site)->stream.statement_count;
}

/* NOD-270 */
TEST(recalls, what_is_about_a_partner_goes_to_him_alone_whatever_the_scope)
{
    static struct rig_pair pair;
    static const struct weft_contract_kind kinds[] = {{WEFT_TEXT("note"), WEFT_DISCLOSED}};
    static const struct weft_text part = WEFT_TEXT("part:box");
    rig_pair_start(&pair, "addressed");
    struct rig_site *west = &pair.sites[RIG_SUPPLIER];
    struct weft_contract contract = rig_contract();
    contract.sides[RIG_SUPPLIER].kinds = kinds;
    contract.sides[RIG_SUPPLIER].kind_count = 1;
    contract.sides[RIG_SUPPLIER].parts = &part;
    contract.sides[RIG_SUPPLIER].part_count = 1;
    contract.sides[RIG_SUPPLIER].mask_count = 0;
    rig_must(west, rig_link("note", TO_OEM, "about", "x:1")); /* Before it is agreed. */
    rig_must(west, rig_link("note", "partner:other.example/p", "about", "x:1"));
    rig_amend(&pair, &contract, true, true);
    (void)rig_step(west);
    EXPECT_EQ(1, statements(west));
    rig_must(west, rig_link("note", TO_OEM, "about", "x:2"));
    EXPECT_EQ(2, statements(west));
    rig_must(west, rig_link("note", "partner:other.example/p", "about", "x:2"));
    rig_must(west, rig_link("note", "x:1", "about", "x:2")); /* Of another part. */
    EXPECT_EQ(2, statements(west));
    rig_expect_sound(west);
    rig_pair_stop(&pair);
}

/* NOD-271, NOD-272: what comes back to where it began is told once more around, and no more. */
TEST(recalls, a_ring_of_deliveries_ends_and_adds_up)
{
    static struct rig_pair pair;
    start(&pair, "ring");
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    build(west, "urn:epc:id:sgtin:p.1", LOT);
    ship(west, "urn:epc:id:sgtin:p.1", TO_OEM);
    build(oem, "urn:epc:id:sgtin:a.1", "urn:epc:id:sgtin:p.1");
    ship(oem, "urn:epc:id:sgtin:a.1", TO_WEST);
    build(west, "urn:epc:id:sgtin:b.1", "urn:epc:id:sgtin:a.1");
    ship(west, "urn:epc:id:sgtin:b.1", TO_OEM);
    recall_lot(west, LOT);
    uint32_t told = 0;
    for (int round = 0; round < 6; round++) {
        told += tell(west);
        rig_transfer(&pair, RIG_SUPPLIER, 100);
        told += tell(oem);
        rig_transfer(&pair, RIG_OEM, 100);
    }
    EXPECT_EQ(0, look(west) + look(oem));
    EXPECT_EQ(
        6, told); /* Two impacts and an acknowledgement of west's, one and two of the OEM's. */
    /* West has p.1 and b.1, the OEM a.1 and b.1; b.1 came back by a path of its own. */
    expect_lines(west, path_of_only(west),
        (const char *const[]){
            "own stop cracks 5 4 0 0 0", "tier 0 2 0\ntier 1 2 0\ntier 2 1 0\n", NULL});
    rig_expect_sound(west);
    forget();
    weft_arena_destroy(&kept);
    rig_pair_stop(&pair);
}

TEST(recalls, who_got_something_of_the_lot_is_told_once_and_what_he_counts_comes_back)
{
    static struct rig_pair pair;
    start(&pair, "recalls");
    struct rig_site *west = &pair.sites[RIG_SUPPLIER], *oem = &pair.sites[RIG_OEM];
    build(west, "urn:epc:id:sgtin:p.1", LOT);
    build(west, "urn:epc:id:sgtin:p.2", LOT);
    build(west, "urn:epc:id:sgtin:p.3", LOT);
    ship(west, "urn:epc:id:sgtin:p.1", TO_OEM);
    ship(west, "urn:epc:id:sgtin:p.2", TO_OEM);
    build(oem, "urn:epc:id:sgtin:v.1", "urn:epc:id:sgtin:p.1");
    ship(oem, "urn:epc:id:sgtin:v.1", "customer:fleet-9");
    EXPECT_EQ(0, look(west));
    recall_lot(west, LOT);
    EXPECT_EQ(1, tell(west));
    EXPECT_TRUE(weft_text_is(due[0].asset, TO_OEM));
    EXPECT_EQ(2, act_of(&due[0]).impact.subjects.count);
    EXPECT_EQ(0, look(west)); /* FED-126 */
    rig_reopen(west);
    EXPECT_EQ(0, look(west));
    const char *path = path_of_only(west);
    expect_lines(west, path,
        (const char *const[]){"own stop cracks 3 2 0 0 1", "here 3 2 0 0 0",
            "customer oem.example/plant1 2 2 silent",
            "hole oem.example/plant1 2 told,%20and%20silent", NULL});

    rig_transfer(&pair, RIG_SUPPLIER, 100);
    EXPECT_EQ(1, tell(oem)); /* Nobody below: an acknowledgement alone. */
    EXPECT_TRUE(weft_text_is(due[0].asset, TO_WEST));
    struct weft_acknowledgement counts = act_of(&due[0]).acknowledgement;
    EXPECT_EQ(2, counts.affected); /* p.2 is nothing that is known there: it counts, not located. */
    EXPECT_EQ(1, counts.located);
    EXPECT_EQ(0, look(oem));
    expect_lines(oem, path,
        (const char *const[]){"upstream supplier.example/west 2 1 first acknowledged",
            "hole customer:fleet-9 1 there%20is%20no%20agreement",
            "hole oem.example/plant1 1 nothing", NULL});
    rig_transfer(&pair, RIG_OEM, 100);
    EXPECT_EQ(0, look(west));
    expect_lines(west, path,
        (const char *const[]){"own stop cracks 5 3 0 0 0", "tier 0 3 0\ntier 1 2 0\n",
            "customer oem.example/plant1 2 2 answered 2 1 0 0 0", NULL});

    ship(west, "urn:epc:id:sgtin:p.3", TO_OEM); /* What the index learns later is due later. */
    EXPECT_EQ(1, tell(west));
    EXPECT_EQ(1, act_of(&due[0]).impact.subjects.count);
    rig_expect_sound(west);
    rig_expect_sound(oem);
    forget();
    weft_arena_destroy(&kept);
    rig_pair_stop(&pair);
}
