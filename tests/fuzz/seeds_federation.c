/* tests/fuzz/seeds_federation.c: writes the corpus of federation's decoders:
 * fuzz_seeds_federation DIRECTORY
 *
 * DIRECTORY/<decoder>/<name>: what our encoders write for the parties of the unit tests' rig. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "federation/equivocation.h"
#include "federation/reconcile.h"
#include "federation/set_message.h"
#include "federation/refusal.h"
#include "tests/unit/federation/rig.h"

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

static void save(const char *decoder, const char *name, struct weft_bytes content)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", root, decoder);
    make_directory(path);
    (void)snprintf(path, sizeof(path), "%s/%s/%s", root, decoder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(content.data, 1, content.size, file) != content.size ||
        fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void save_buffer(const char *decoder, const char *name, struct weft_buffer *content)
{
    save(decoder, name, (struct weft_bytes){content->data, content->size});
    weft_buffer_destroy(content);
}

static void save_message(const char *name, const struct weft_partner_message *message)
{
    struct weft_buffer out = {0};
    must(weft_partner_encode(message, &out), name);
    save_buffer("partner", name, &out);
}

static void save_messages(struct rig_plant *plant)
{
    struct weft_partner_message m = {
        .stream = {plant->contract.name, weft_text_of(rig_site(RIG_SUPPLIER))}};
    m.kind = WEFT_KIND_STREAM_HELLO;
    m.hello = (struct weft_stream_hello){.next = 1, .head_size = 2, .root = {{1}}};
    save_message("hello", &m);
    m.kind = WEFT_KIND_STREAM_HEAD;
    m.head = rig_plant_head(plant, 2);
    save_message("head", &m);
    m.kind = WEFT_KIND_STREAM_BATCH;
    m.batch = rig_plant_batch(plant, 0, 3, true);
    save_message("batch", &m);
    save("stream_items", "explicit", m.batch.items);
    m.batch = rig_plant_batch(plant, 1, 3, false);
    save("stream_items", "plain", m.batch.items);
    m.kind = WEFT_KIND_STREAM_MORE;
    m.more = (struct weft_stream_more){1, m.batch.items, 6};
    save_message("more", &m);
    m.kind = WEFT_KIND_STREAM_PROOF;
    m.proof = (struct weft_stream_proof){1, 2, {(const uint8_t[32]){1}, 32}, 6};
    save_message("proof", &m);
    m.kind = WEFT_KIND_STREAM_RECEIPT;
    m.receipt = (struct weft_stream_receipt){weft_buffer_as_text(&plant->head), 3, 4, 5};
    save_message("receipt", &m);
    m.kind = WEFT_KIND_STREAM_NOTICE;
    m.notice = (struct weft_stream_notice){9, 10, WEFT_TEXT("split-view: two trees"), {{15}}};
    save_message("notice", &m);
    m.kind = WEFT_KIND_STREAM_OFFER;
    m.text = weft_buffer_as_text(&plant->contract_note);
    save_message("offer", &m);
    m.kind = WEFT_KIND_STREAM_SET;
    m.body = (struct weft_bytes){plant->contents[1].data, plant->contents[1].size};
    save_message("set", &m);
    save("projection", "half", m.body);
}

/* Two of one statement, as its target takes them. */
static void save_pair(const char *name, const struct weft_buffer *known,
    const struct weft_buffer *told, bool keeps_erased)
{
    struct weft_buffer pair = {0};
    const uint8_t head[] = {
        (uint8_t)(known->size >> 8), (uint8_t)known->size, (uint8_t)keeps_erased};
    must(weft_buffer_append(&pair, head, sizeof(head)), name);
    must(weft_buffer_append(&pair, known->data, known->size), name);
    must(weft_buffer_append(&pair, told->data, told->size), name);
    save_buffer("projection_merge", name, &pair);
}

static void save_statements(void)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_contract contract = rig_contract();
    struct weft_record record = rig_record(1);
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 2);
    struct weft_buffer out = {0};
    struct weft_digest digest, basis[2] = {{{1}}, {{2}}};
    must(weft_projection_make(&record, &place, &contract.sides[RIG_OEM], &arena, &out, &digest),
        "projection");
    struct weft_projection whole;
    struct weft_buffer erased = {0};
    must(weft_projection_decode((struct weft_bytes){out.data, out.size}, &arena, &whole, NULL),
        "projection");
    must(weft_projection_erase(&whole, WEFT_TEXT("verdict"), &arena, &erased), "projection");
    struct weft_buffer half = {0};
    must(weft_projection_make(
             &record, &place, &contract.sides[RIG_SUPPLIER], &arena, &half, &digest),
        "projection");
    save_pair("disclosed", &half, &out, false);
    save_pair("erased", &out, &erased, false);
    save_pair("erased-kept", &out, &erased, true);
    save_pair("erased-half", &erased, &half, false);
    weft_buffer_destroy(&half);
    save_buffer("projection", "erased", &erased);
    save_buffer("projection", "whole", &out);
    const struct weft_statement_header header = {.kind = WEFT_TEXT("bom"),
        .authority = WEFT_TEXT("oem.example/plant1"),
        .epoch = 1,
        .index = 1,
        .basis = basis,
        .basis_count = 2,
        .leaf_count = 3};
    must(weft_statement_header_encode(&header, &out), "header");
    save_buffer("statement_header", "basis", &out);
    weft_arena_destroy(&arena);
}

static void save_repair(void)
{
    static const uint8_t peaks[] = {1, 0xac, 2}, nodes[] = {2, 6, 1};
    static const uint8_t want[] = {0, 5, 0, 5, 1, 0x30}, list[] = {1, 3, 2, 0x12, 0};
    struct weft_trie trie = {0};
    struct weft_trie_view view = weft_trie_view_of(&trie);
    struct weft_reconcile machine;
    struct weft_buffer out = {0}, next = {0};
    bool is_new;
    save("fork", "peaks", (struct weft_bytes){peaks, sizeof(peaks)});
    save("fork", "nodes", (struct weft_bytes){nodes, sizeof(nodes)});
    save("reconcile", "want", (struct weft_bytes){want, sizeof(want)});
    save("reconcile", "list", (struct weft_bytes){list, sizeof(list)});
    for (uint64_t i = 0; i < 40; i++) {
        struct weft_digest member = weft_sha256(&i, sizeof(i));
        must(weft_trie_add(&trie, &member, &is_new), "trie");
    }
    weft_reconcile_init(&machine, &view, NULL, NULL);
    must(weft_reconcile_begin(&machine, &out, NULL), "reconcile");
    out.data[5] ^= 1;
    must(weft_reconcile_step(&machine, (struct weft_bytes){out.data, out.size}, &next, NULL),
        "reconcile");
    save_buffer("reconcile", "root", &out);
    save_buffer("reconcile", "node", &next);
    weft_reconcile_destroy(&machine);
    weft_trie_destroy(&trie);
}

static void save_evidence(const struct rig_plant *plant)
{
    struct weft_arena arena = {.size_max = 1 << 20};
    const struct weft_refusal_line lines[] = {
        {3, {{1}}, WEFT_STREAM_UNAUTHORIZED, WEFT_TEXT("in the name of somebody else")},
        {9, {{2}}, WEFT_STREAM_BAD_PROJECTION, WEFT_TEXT("")},
    };
    const struct weft_refusal refusal = {.agreement = plant->contract.name,
        .provider = weft_text_of(rig_site(RIG_SUPPLIER)),
        .receiver = weft_text_of(rig_site(RIG_OEM)),
        .lines = lines,
        .line_count = 2};
    struct weft_buffer out = {0};
    must(weft_refusal_encode(&refusal, &arena, &out, NULL), "refusal");
    save_buffer("refusal", "two", &out);
    struct weft_buffer proof = rig_plant_proof(plant, 2, 4), head = rig_plant_head_at(plant, 4);
    struct weft_equivocation e = {.kind = WEFT_EQUIVOCATION_HEADS,
        .parts = {weft_buffer_as_text(&head), weft_buffer_as_text(&head)},
        .part_count = 2};
    must(weft_equivocation_encode(&e, &out), "heads");
    save_buffer("equivocation", "heads", &out);
    char leaf[WEFT_STREAM_LEAF_SIZE];
    size_t size = weft_stream_leaf_format(&plant->leaves[2], leaf);
    e = (struct weft_equivocation){.kind = WEFT_EQUIVOCATION_LEAVES,
        .parts = {{leaf, size}, weft_buffer_as_text(&proof), {leaf, size},
            weft_buffer_as_text(&proof)},
        .part_count = 4};
    must(weft_equivocation_encode(&e, &out), "leaves");
    save_buffer("equivocation", "leaves", &out);
    e.kind = WEFT_EQUIVOCATION_STATEMENTS;
    e.parts[0] = e.parts[2] = WEFT_TEXT("0100");
    must(weft_equivocation_encode(&e, &out), "statements");
    save_buffer("equivocation", "statements", &out);
    struct weft_buffer hashes = {0};
    const struct weft_merkle_proof consistency = rig_consistency(plant->hashes, 3, 4);
    must(weft_equivocation_proof_encode(&consistency, &hashes), "a proof");
    e = (struct weft_equivocation){.kind = WEFT_EQUIVOCATION_BEGINNINGS,
        .parts = {weft_buffer_as_text(&head), weft_buffer_as_text(&head),
            weft_buffer_as_text(&hashes)},
        .part_count = 3};
    must(weft_equivocation_encode(&e, &out), "beginnings");
    save_buffer("equivocation", "beginnings", &out);
    weft_buffer_destroy(&hashes);
    weft_buffer_destroy(&proof);
    weft_buffer_destroy(&head);
    weft_arena_destroy(&arena);
}

static void save_contracts(struct rig_plant *plant)
{
    struct weft_buffer out = rig_contract_text(&plant->contract);
    save_buffer("contract", "first", &out);
    struct weft_contract next = rig_amend(&plant->contract, &plant->contract_note);
    next.sides[RIG_OEM].depth = 0;
    next.sides[RIG_OEM].may_forward = true;
    next.authority_count = next.cell_count = next.template_count = 0;
    out = rig_contract_text(&next);
    save_buffer("contract", "second", &out);
}

static void save_set_message(const char *name, const struct weft_set_message *m)
{
    struct weft_buffer out = {.size_max = SIZE_MAX / 2};
    must(weft_set_encode(m, &out), "set_message");
    save_buffer("set_message", name, &out);
}

static void save_sets(void)
{
    static const uint8_t bytes[64] = {[32] = 1};
    struct weft_buffer list = {.size_max = SIZE_MAX / 2};
    const struct weft_set_given none = {.digest = {{1}}};
    const struct weft_set_given given = {
        .digest = {{2}}, .is_there = true, .party = 1, .sequence = 3, .item = {bytes, 5}};
    must(weft_set_give(&none, &list), "set_message");
    must(weft_set_give(&given, &list), "set_message");
    save_set_message("compare",
        &(struct weft_set_message){
            .what = WEFT_SET_COMPARE, .session = 1, .sent = 2, .received = 3, .turn = {bytes, 1}});
    save_set_message(
        "want", &(struct weft_set_message){.what = WEFT_SET_WANT, .list = {bytes, sizeof(bytes)}});
    save_set_message(
        "give", &(struct weft_set_message){.what = WEFT_SET_GIVE, .list = {list.data, list.size}});
    save_set_message("end", &(struct weft_set_message){.what = WEFT_SET_END, .end = WEFT_SET_BUSY});
    weft_buffer_destroy(&list);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    root = argv[1];
    make_directory(root);
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    for (uint64_t i = 0; i < 4; i++) {
        rig_plant_state(plant, i);
    }
    rig_plant_sign(plant);
    save_contracts(plant);
    save_messages(plant);
    save_statements();
    save_repair();
    save_sets();
    save_evidence(plant);
    rig_plant_destroy(plant);
    return 0;
}
