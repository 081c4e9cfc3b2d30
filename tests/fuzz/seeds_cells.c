/* tests/fuzz/seeds_cells.c: writes the corpus of the decoders of cells: fuzz_seeds_cells DIRECTORY
 *
 * DIRECTORY/<decoder>/<name>: what our encoders write, the same each time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "federation/cells/act.h"
#include "federation/cells/ask.h"
#include "federation/cells/omission.h"
#include "federation/cells/shared.h"
#include "federation/cells/tiers.h"
#include "federation/projection.h"
#include "proto/stored.h"

static const char *root;

static void must(enum weft_err err, const char *what)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s\n", what, weft_err_name(err));
        exit(1);
    }
}

static void make_directory(const char *path)
{
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        perror(path);
        exit(1);
    }
}

static void save(const char *decoder, const char *name, const void *data, size_t size)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", root, decoder);
    make_directory(path);
    (void)snprintf(path, sizeof(path), "%s/%s/%s", root, decoder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static struct weft_digest digest_of(uint32_t n)
{
    return weft_sha256(&n, sizeof(n));
}

/* --- acts ------------------------------------------------------------------------------------ */

/* All of the record, as a partner sees it. */
static void save_projection(const struct weft_record *record, const char *name)
{
    static const uint8_t seed[WEFT_SALT_SEED_SIZE];
    const struct weft_contract_kind kind = {record->kind, WEFT_DISCLOSED};
    const struct weft_contract_side side = {.kinds = &kind, .kind_count = 1};
    const struct weft_statement_place place = {.authority = WEFT_TEXT("supplier.example/west"),
        .authority_epoch = 1,
        .index = 7,
        .salt_seed = seed};
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_buffer out = {0};
    struct weft_digest digest;
    must(weft_projection_make(record, &place, &side, &arena, &out, &digest), "projection");
    save("intake", name, out.data, out.size);
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
}

static void save_records(void)
{
    static const struct weft_field fields[] = {
        {WEFT_TEXT("verdict"), WEFT_TEXT("FAIL"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("flatness/value"), WEFT_TEXT("0.014"), WEFT_VALUE_REAL}};
    static const struct weft_link links[] = {
        {WEFT_TEXT("contains"), WEFT_TEXT("serial:lid/1"), NULL, 0},
        {WEFT_TEXT("parent"), WEFT_TEXT("lot:pallet/3"), NULL, 0},
        {WEFT_TEXT("part_of"), WEFT_TEXT("serial:car/1"), NULL, 0}};
    const struct weft_record record = {.kind = WEFT_TEXT("inspection"),
        .asset = WEFT_TEXT("serial:box/7"),
        .author = WEFT_TEXT("supplier.example/west/op/kim"),
        .has_at = true,
        .fields = fields,
        .field_count = 2,
        .links = links,
        .link_count = 3};
    save_projection(&record, "inspection");
}

static void save_act(const struct weft_act *act)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_buffer out = {0};
    struct weft_field *fields = NULL;
    struct weft_record record = {.kind = weft_text_of(weft_act_kind_name(act->kind)),
        .asset = WEFT_TEXT("act:1"),
        .author = WEFT_TEXT("a.example/p1/op/kim"),
        .has_at = true};
    struct weft_digest digest = digest_of(1);
    must(weft_act_encode(act, &arena, &fields, &record.field_count, NULL), "act");
    record.fields = fields;
    must(weft_stored_encode(&record, &digest, &out), "act");
    save("act", weft_act_kind_name(act->kind), out.data, out.size);
    save_projection(&record, weft_act_kind_name(act->kind));
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
}

static void save_acts(void)
{
    struct weft_digest two[2] = {digest_of(1), digest_of(2)};
    if (memcmp(&two[0], &two[1], sizeof(two[0])) > 0) {
        two[0] = two[1];
        two[1] = digest_of(1);
    }
    const struct weft_act_digests names = {two, 2}, one = {two, 1};
    const struct weft_act acts[] = {
        {.kind = WEFT_ACT_RESOLUTION,
            .resolution = {WEFT_TEXT("inspection"), WEFT_TEXT("verdict"), WEFT_TEXT("PASS"),
                names}},
        {.kind = WEFT_ACT_RETRACT, .retract = {WEFT_TEXT("wrong unit"), one, names}},
        {.kind = WEFT_ACT_HANDOFF,
            .handoff = {WEFT_TEXT("inspection"), WEFT_TEXT(""), WEFT_TEXT("a.example/p1"),
                WEFT_TEXT("b.example/q1"), 2, {1, 77, 3}}},
        {.kind = WEFT_ACT_ALIAS,
            .alias = {{WEFT_TEXT("a.example/p1"), WEFT_TEXT("serial"), WEFT_TEXT("box/7")},
                {WEFT_TEXT(""), WEFT_TEXT("uuid"), WEFT_TEXT("urn:uuid:7")}, true}},
        {.kind = WEFT_ACT_RECALL, .recall = {WEFT_TEXT("stop"), WEFT_TEXT("cracks"), names}},
        {.kind = WEFT_ACT_IMPACT, .impact = {two[0], names}},
        {.kind = WEFT_ACT_ACKNOWLEDGEMENT,
            .acknowledgement = {two[0], 7, 6, 5, 4, 3, {{5, 2}, 2}, {{0, 3}, 2}}},
        {.kind = WEFT_ACT_STEP,
            .step = {WEFT_TEXT("change_order"), two[0], WEFT_TEXT("accept"), one}},
    };
    for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
        save_act(&acts[i]);
    }
}

/* --- the others ------------------------------------------------------------------------------ */

static void save_node(void)
{
    struct weft_shared_node node = {.slots = {{.type = WEFT_SHARED_EMPTY}}};
    uint8_t bytes[1 + WEFT_DIGEST_SIZE + WEFT_SHARED_NODE_SIZE_MAX] = {0};
    for (uint32_t i = 0; i < 20; i++) {
        struct weft_digest cell = digest_of(i);
        node.slots[cell.bytes[0] >> 4] =
            (struct weft_shared_slot){WEFT_SHARED_LEAF, cell, digest_of(100 + i)};
    }
    node.slots[3] = (struct weft_shared_slot){.type = WEFT_SHARED_NODE, .digest = digest_of(7)};
    size_t size = weft_shared_encode(&node, bytes + 1 + WEFT_DIGEST_SIZE);
    save("cell_shared", "root", bytes, 1 + WEFT_DIGEST_SIZE + size);
}

static void save_section(void)
{
    const struct weft_omission_entry entries[2] = {
        {WEFT_TEXT("lot:1"), WEFT_TEXT("serial:7")}, {WEFT_TEXT("lot:1"), WEFT_TEXT("serial:8")}};
    struct weft_omission_section section = {
        .size = 5, .first = 2, .count = 2, .entries = entries, .hash_count = 2};
    struct weft_buffer out = {0};
    section.hashes[0] = digest_of(1);
    section.hashes[1] = digest_of(2);
    must(weft_omission_encode(&section, &out), "section");
    save("omission", "two", out.data, out.size);
    weft_buffer_destroy(&out);
}

static void save_answer(void)
{
    struct weft_tiers_part parts[2];
    struct weft_tiers_answer answer = {parts, 0, 2};
    struct weft_buffer out = {0};
    const struct weft_tiers_part said = {.organization = WEFT_TEXT("b.example"),
        .subject = digest_of(1),
        .head = 7,
        .content = WEFT_TEXT("{\"inside\": 3}")};
    const struct weft_tiers_part missed = {
        .organization = WEFT_TEXT("c.example"), .subject = digest_of(2), .was_missed = true};
    must(weft_tiers_add(&answer, &said), "answer");
    must(weft_tiers_add(&answer, &missed), "answer");
    must(weft_tiers_encode(&answer, &out), "answer");
    save("tiers", "two", out.data, out.size);
    weft_buffer_clear(&out);
    const struct weft_tiers_question question = {.template = WEFT_TEXT("inside"),
        .query = digest_of(1),
        .subject = digest_of(2),
        .depth = 3};
    must(weft_tiers_question_encode(&question, &out), "question");
    save("tiers", "question", out.data, out.size);
    weft_buffer_destroy(&out);
}

/* A question to a partner, and an answer that leads from one thing to another. */
static void save_ask(void)
{
    const struct weft_subject_name name = {{"", 0}, WEFT_TEXT("epc"), WEFT_TEXT("b")};
    struct weft_ask_question question = {.id = 7,
        .wait_ms = 1000,
        .name = name,
        .tiers = {WEFT_TEXT("inside"), digest_of(1), weft_subject_of(&name), 3}};
    struct weft_tiers_part said[2];
    struct weft_tiers_answer answer = {said, 0, 2};
    struct weft_buffer parts = {0}, out = {0};
    must(weft_ask_question_encode(&question, &out), "question");
    save("ask", "question", out.data, out.size);
    weft_buffer_clear(&out);
    struct weft_tiers_part part = {.organization = WEFT_TEXT("b.example/x"),
        .subject = digest_of(2),
        .head = 7,
        .content = WEFT_TEXT("at\t1\nin\tconsumes\t-\tepc\tb\nhole\tc.example/y\tsilent\n")};
    must(weft_tiers_add(&answer, &part), "answer");
    part.subject = question.tiers.subject;
    part.content = WEFT_TEXT("at\t1\nmade\n");
    must(weft_tiers_add(&answer, &part), "answer");
    must(weft_tiers_encode(&answer, &parts), "answer");
    const struct weft_ask_answer whole = {.id = 7,
        .index = 9,
        .time_ms = 1,
        .parts = {parts.data, parts.size},
        .line = WEFT_TEXT("a line")};
    must(weft_ask_answer_encode(&whole, &out), "answer");
    save("ask", "answer", out.data, out.size);
    weft_buffer_destroy(&parts);
    weft_buffer_destroy(&out);
}

/* Of each rule two verdicts, what both resolve, and one that comes behind. */
static void save_cells(void)
{
    static const uint8_t statements[] = {0, 0, 0x41, 0, 0, 0, 0, 2, 0x41, 2, 0, 0, 1, 0, 0x42, 1, 0,
        3, 1, 2, 0x42, 1, 0, 3, 0, 2, 0x43, 3, 0, 0, 2, 2, 0x44, 0, 0, 16};
    uint8_t bytes[1 + sizeof(statements)];
    memcpy(bytes + 1, statements, sizeof(statements));
    for (int rule = 0; rule < WEFT_CELL_RULES; rule++) {
        bytes[0] = (uint8_t)rule;
        save("cell", weft_cell_rule_name((enum weft_cell_rule)rule), bytes, sizeof(bytes));
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    root = argv[1];
    make_directory(root);
    save_acts();
    save_cells();
    save_records();
    save_node();
    save_section();
    save_answer();
    save_ask();
    return 0;
}
