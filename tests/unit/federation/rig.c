#include "tests/unit/federation/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/tlog_proof.h"
#include "tests/lib/signers.h"

static const char *const sites[WEFT_CONTRACT_PARTIES] = {
    "oem.example/plant1", "supplier.example/west"};
static const char *const names[WEFT_CONTRACT_PARTIES] = {"oem.example", "supplier.example"};

static void must(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "rig: %s: %s\n", weft_err_name(err), msg->text);
        abort();
    }
}

/* --- keys ------------------------------------------------------------------------------------ */

static struct weft_signer root_of(uint32_t party)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s/root/a", names[party]);
    return signers_make(name);
}

static struct weft_signer node_of(uint32_t party, uint32_t node)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s/node%u", sites[party], node);
    return signers_make(name);
}

const struct weft_org *rig_orgs(void)
{
    static struct weft_org orgs[WEFT_CONTRACT_PARTIES];
    static struct weft_verifier roots[WEFT_CONTRACT_PARTIES];
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        roots[i] = root_of(i).verifier;
        orgs[i] = (struct weft_org){.org = weft_text_of(names[i]),
            .link = {.version = 1, .digest = weft_sha256(names[i], strlen(names[i]))},
            .root_threshold = 1,
            .root_count = 1,
            .roots = &roots[i]};
    }
    return orgs;
}

const char *rig_site(uint32_t party)
{
    return sites[party];
}

static struct weft_stream_signers signers_of(uint32_t party, bool is_receipt)
{
    static struct weft_verifier verifiers[WEFT_CONTRACT_PARTIES][RIG_NODES];
    static char origins[2 * WEFT_CONTRACT_PARTIES][WEFT_STREAM_ORIGIN_SIZE];
    char *origin = origins[2 * party + (is_receipt ? 1 : 0)];
    for (uint32_t i = 0; i < RIG_NODES; i++) {
        if (verifiers[party][i].name[0] == '\0') {
            verifiers[party][i] = node_of(party, i).verifier;
        }
    }
    if (is_receipt) {
        weft_stream_receipt_origin(weft_text_of(sites[party]), WEFT_TEXT("box-2026"), origin);
    } else {
        weft_stream_origin(weft_text_of(sites[party]), WEFT_TEXT("box-2026"), origin);
    }
    return (struct weft_stream_signers){.origin = origin,
        .verifiers = verifiers[party],
        .verifier_count = RIG_NODES,
        .threshold = 2};
}

struct weft_stream_signers rig_heads_of(uint32_t provider)
{
    return signers_of(provider, false);
}

struct weft_stream_signers rig_receipts_of(uint32_t receiver)
{
    return signers_of(receiver, true);
}

struct weft_buffer rig_sign(uint32_t party, uint32_t count, struct weft_text text)
{
    struct weft_signer signers[RIG_NODES];
    struct weft_buffer note = {0};
    struct weft_msg msg = {""};
    for (uint32_t i = 0; i < count; i++) {
        signers[i] = node_of(party, i);
    }
    must(weft_note_sign(text, signers, count, &note, &msg), &msg);
    return note;
}

/* --- the agreement --------------------------------------------------------------------------- */

struct weft_contract rig_contract(void)
{
    static const struct weft_contract_authority authorities[] = {
        {WEFT_TEXT("change_order"), WEFT_TEXT(""), RIG_OEM},
        {WEFT_TEXT("inspection"), WEFT_TEXT(""), RIG_SUPPLIER},
        {WEFT_TEXT("part_revision"), WEFT_TEXT(""), RIG_OEM},
    };
    static const struct weft_contract_cell cells[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT("verdict"), WEFT_CELL_JOIN},
        {WEFT_TEXT("inspection"), WEFT_TEXT(""), WEFT_CELL_UNION},
    };
    static const struct weft_contract_template templates[] = {{WEFT_TEXT("where-used"), 5}};
    static const struct weft_contract_kind oem_kinds[] = {
        {WEFT_TEXT("change_order"), WEFT_DISCLOSED},
        {WEFT_TEXT("inspection"), WEFT_DISCLOSED},
        {WEFT_TEXT("part_revision"), WEFT_DISCLOSED},
    };
    static const struct weft_contract_kind supplier_kinds[] = {
        {WEFT_TEXT("inspection"), WEFT_DISCLOSED}};
    static const struct weft_contract_mask masks[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT("@author"), WEFT_COMMITTED},
        {WEFT_TEXT("inspection"), WEFT_TEXT("operator"), WEFT_COMMITTED},
        {WEFT_TEXT("inspection"), WEFT_TEXT("flatness/max"), WEFT_DISCLOSED},
        {WEFT_TEXT("inspection"), WEFT_TEXT("@link/made_on"), WEFT_HIDDEN},
        {WEFT_TEXT("inspection"), WEFT_TEXT("cost"), WEFT_HIDDEN},
        {WEFT_TEXT("inspection"), WEFT_TEXT("flatness"), WEFT_HIDDEN},
    };
    static const struct weft_text parts[] = {
        WEFT_TEXT("part:box/rev/A"), WEFT_TEXT("part:box/rev/B")};
    const struct weft_org *orgs = rig_orgs();
    struct weft_contract contract = {.name = WEFT_TEXT("box-2026"),
        .link = {.version = 1, .issued_ns = RIG_NOW_NS, .expires_ns = RIG_NOW_NS + 30 * RIG_DAY_NS},
        .authorities = authorities,
        .authority_count = 3,
        .cells = cells,
        .cell_count = 2,
        .templates = templates,
        .template_count = 1};
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        contract.parties[i] = (struct weft_contract_party){
            weft_text_of(sites[i]), weft_text_of(names[i]), orgs[i].link.digest};
        contract.sides[i] = (struct weft_contract_side){.threshold = 2,
            .kinds = i == RIG_OEM ? oem_kinds : supplier_kinds,
            .kind_count = i == RIG_OEM ? 3 : 1,
            .depth = i == RIG_OEM ? WEFT_CONTRACT_DEPTH_ANY : 2,
            .retain_days = 3650,
            .rate_statements = 10000,
            .rate_bytes = 20000000,
            .queue_statements = 100000,
            .quarantine_statements = 3};
    }
    contract.sides[RIG_SUPPLIER].masks = masks;
    contract.sides[RIG_SUPPLIER].mask_count = 6;
    contract.sides[RIG_SUPPLIER].parts = parts;
    contract.sides[RIG_SUPPLIER].part_count = 2;
    return contract;
}

struct weft_buffer rig_contract_text(const struct weft_contract *contract)
{
    struct weft_arena arena = {.size_max = WEFT_CONTRACT_MEMORY_MAX};
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    must(weft_contract_encode(contract, &arena, &text, &msg), &msg);
    weft_arena_destroy(&arena);
    return text;
}

struct weft_buffer rig_contract_note(const struct weft_contract *contract, uint32_t signer)
{
    struct weft_buffer text = rig_contract_text(contract), note = {0};
    struct weft_msg msg = {""};
    struct weft_signer signers[WEFT_CONTRACT_PARTIES] = {root_of(RIG_OEM), root_of(RIG_SUPPLIER)};
    bool is_one = signer < WEFT_CONTRACT_PARTIES;
    must(weft_note_sign(weft_buffer_as_text(&text), is_one ? &signers[signer] : signers,
             is_one ? 1 : WEFT_CONTRACT_PARTIES, &note, &msg),
        &msg);
    weft_buffer_destroy(&text);
    return note;
}

struct weft_contract rig_amend(const struct weft_contract *contract, const struct weft_buffer *note)
{
    struct weft_contract next = *contract;
    struct weft_note parsed;
    struct weft_msg msg = {""};
    must(weft_note_parse(weft_buffer_as_text(note), &parsed, &msg), &msg);
    next.link.version = contract->link.version + 1;
    next.link.prev = weft_sha256(parsed.text.data, parsed.text.size);
    return next;
}

/* --- records --------------------------------------------------------------------------------- */

struct weft_record rig_record(uint64_t number)
{
    static char assets[64][32];
    static const struct weft_field fields[] = {
        {WEFT_TEXT("verdict"), WEFT_TEXT("FAIL"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("flatness/value"), WEFT_TEXT("0.014"), WEFT_VALUE_REAL},
        {WEFT_TEXT("flatness/note"), WEFT_TEXT("by hand"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("flatness/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("flatness/max"), WEFT_TEXT("0.010"), WEFT_VALUE_REAL},
        {WEFT_TEXT("operator"), WEFT_TEXT("op/17"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("cost"), WEFT_TEXT("SECRET-12.50"), WEFT_VALUE_TEXT},
    };
    static const struct weft_field quantity[] = {
        {WEFT_TEXT("quantity"), WEFT_TEXT("2"), WEFT_VALUE_INT},
        {WEFT_TEXT("unit"), WEFT_TEXT("kg"), WEFT_VALUE_TEXT},
    };
    static const struct weft_link links[] = {
        {WEFT_TEXT("made_on"), WEFT_TEXT("west/secret-mill"), NULL, 0},
        {WEFT_TEXT("uses_lot"), WEFT_TEXT("lot:AL6061/22"), quantity, 2},
    };
    char *asset = assets[number % 64];
    (void)snprintf(asset, sizeof(assets[0]), "serial:box/%" PRIu64, number);
    return (struct weft_record){.kind = WEFT_TEXT("inspection"),
        .asset = weft_text_of(asset),
        .source = WEFT_TEXT("qif:results#7"),
        .author = WEFT_TEXT("supplier.example/west/svc/qa"),
        .at_ns = RIG_NOW_NS,
        .has_at = true,
        .fields = fields,
        .field_count = 7,
        .links = links,
        .link_count = 2};
}

struct weft_statement_place rig_place(uint32_t party, uint64_t index)
{
    static uint8_t seed[WEFT_SALT_SEED_SIZE];
    memset(seed, (int)(index & 0xff), sizeof(seed));
    return (struct weft_statement_place){.authority = weft_text_of(sites[party]),
        .authority_epoch = 1,
        .index = index,
        .ordinal = 0,
        .time_ns = RIG_NOW_NS + (int64_t)index,
        .schema = WEFT_TEXT("dtmi:example:Inspection;1"),
        .salt_seed = seed};
}

/* --- trees ----------------------------------------------------------------------------------- */

struct tree {
    const struct weft_digest *hashes;
};

/* RFC 6962's tiles from leaves alone: of level 1 over again each time. */
static enum weft_err get_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    const struct tree *tree = ctx;
    (void)msg;
    for (unsigned i = 0; i < tile->width; i++) {
        uint64_t place = tile->index * WEFT_TILE_WIDTH + i;
        if (tile->level == 0) {
            ret_hashes[i] = tree->hashes[place];
            continue;
        }
        struct weft_digest below[WEFT_TILE_WIDTH];
        memcpy(below, tree->hashes + place * WEFT_TILE_WIDTH, sizeof(below));
        ret_hashes[i] = weft_merkle_fold(below, WEFT_TILE_WIDTH);
    }
    return WEFT_OK;
}

struct weft_merkle_proof rig_consistency(
    const struct weft_digest *hashes, uint64_t old_size, uint64_t size)
{
    static struct weft_merkle_prover prover;
    struct weft_merkle_proof proof = {.count = 0};
    struct weft_msg msg = {""};
    struct tree tree = {hashes};
    weft_merkle_prover_init(&prover, size, get_tile, &tree);
    must(weft_merkle_prove_consistency(&prover, old_size, &proof, &msg), &msg);
    return proof;
}

/* --- a plant --------------------------------------------------------------------------------- */

struct rig_plant *rig_plant_create(uint32_t party)
{
    struct rig_plant *plant = calloc(1, sizeof(*plant));
    must(plant != NULL ? WEFT_OK : WEFT_ENOMEM, &(struct weft_msg){"plant"});
    plant->party = party;
    plant->contract = rig_contract();
    plant->contract_note = rig_contract_note(&plant->contract, WEFT_CONTRACT_PARTIES);
    struct weft_buffer text = rig_contract_text(&plant->contract);
    plant->contract.link.digest = weft_sha256(text.data, text.size);
    const struct weft_stream_leaf leaf = {
        .kind = WEFT_STREAM_CONTRACT, .version = 1, .digest = plant->contract.link.digest};
    rig_plant_add(plant, &leaf, &plant->contract_note);
    weft_buffer_destroy(&text);
    return plant;
}

struct rig_plant *rig_plant_create_of(uint32_t party, struct weft_text note)
{
    struct rig_plant *plant = calloc(1, sizeof(*plant));
    struct weft_note parsed;
    struct weft_msg msg = {"plant"};
    must(plant != NULL ? WEFT_OK : WEFT_ENOMEM, &msg);
    plant->party = party;
    plant->arena.size_max = WEFT_CONTRACT_MEMORY_MAX;
    must(weft_buffer_text(&plant->contract_note, note), &msg);
    must(weft_note_parse(weft_buffer_as_text(&plant->contract_note), &parsed, &msg), &msg);
    must(weft_contract_decode(parsed.text, &plant->arena, &plant->contract, &msg), &msg);
    plant->contract.link.digest = weft_sha256(parsed.text.data, parsed.text.size);
    const struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_CONTRACT,
        .version = plant->contract.link.version,
        .digest = plant->contract.link.digest};
    rig_plant_add(plant, &leaf, &plant->contract_note);
    return plant;
}

void rig_plant_destroy(struct rig_plant *plant)
{
    for (size_t i = 0; i < RIG_LEAVES_MAX; i++) {
        weft_buffer_destroy(&plant->contents[i]);
    }
    weft_buffer_destroy(&plant->contract_note);
    weft_buffer_destroy(&plant->head);
    weft_arena_destroy(&plant->arena);
    free(plant);
}

void rig_plant_add(
    struct rig_plant *plant, const struct weft_stream_leaf *leaf, const struct weft_buffer *content)
{
    uint64_t place = plant->provider.stream.tree.size;
    struct weft_msg msg = {""};
    must(place < RIG_LEAVES_MAX ? WEFT_OK : WEFT_ETOOBIG, &msg);
    enum weft_stream_fault fault = weft_provider_append(&plant->provider, leaf, &msg);
    must(fault == WEFT_STREAM_SOUND ? WEFT_OK : WEFT_EREFUSED, &msg);
    plant->leaves[place] = *leaf;
    plant->hashes[place] = weft_stream_leaf_hash(leaf);
    weft_buffer_clear(&plant->contents[place]);
    if (content != NULL) {
        must(weft_buffer_append(&plant->contents[place], content->data, content->size), &msg);
    }
}

void rig_plant_state(struct rig_plant *plant, uint64_t number)
{
    static struct weft_arena arena = {.size_max = WEFT_PROJECTION_MEMORY_MAX};
    const struct weft_text parts[] = {WEFT_TEXT("part:box/rev/B")};
    const struct weft_contract_facts facts = {
        .parts = parts, .part_count = 1, .is_unit = true, .depth = 0};
    struct weft_record record = rig_record(number);
    struct weft_statement_place place = rig_place(plant->party, number + 1);
    struct weft_buffer content = {0};
    struct weft_stream_leaf leaf;
    struct weft_msg msg = {""};
    must(weft_provider_select(
             &plant->contract, plant->party, &record, &place, &facts, &arena, &content, &leaf),
        &msg);
    rig_plant_add(plant, &leaf, &content);
    weft_buffer_destroy(&content);
    weft_arena_reset(&arena);
}

struct weft_digest rig_plant_root_at(const struct rig_plant *plant, uint64_t size)
{
    struct weft_merkle_range range = {.size = 0};
    struct weft_msg msg = {""};
    for (uint64_t i = 0; i < size; i++) {
        must(weft_merkle_append(&range, &plant->hashes[i]), &msg);
    }
    return weft_merkle_root(&range);
}

enum weft_err rig_plant_root(
    void *ctx, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg)
{
    (void)msg;
    *ret_root = rig_plant_root_at(ctx, size);
    return WEFT_OK;
}

struct weft_buffer rig_plant_head_at(const struct rig_plant *plant, uint64_t size)
{
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    const struct weft_checkpoint_note head = {
        .origin = weft_text_of(rig_heads_of(plant->party).origin),
        .head = {size, rig_plant_root_at(plant, size)}};
    must(weft_checkpoint_note_encode(&head, &text, &msg), &msg);
    struct weft_buffer note = rig_sign(plant->party, RIG_NODES, weft_buffer_as_text(&text));
    weft_buffer_destroy(&text);
    return note;
}

struct weft_buffer rig_plant_proof(const struct rig_plant *plant, uint64_t index, uint64_t size)
{
    static struct weft_merkle_prover prover;
    struct weft_buffer head = rig_plant_head_at(plant, size), out = {0};
    struct weft_tlog_proof proof = {.index = index, .checkpoint = weft_buffer_as_text(&head)};
    struct weft_msg msg = {""};
    struct tree tree = {plant->hashes};
    weft_merkle_prover_init(&prover, size, get_tile, &tree);
    must(weft_merkle_prove_inclusion(&prover, index, &proof.proof, &msg), &msg);
    must(weft_tlog_proof_encode(&proof, &out), &msg);
    weft_buffer_destroy(&head);
    return out;
}

void rig_plant_sign(struct rig_plant *plant)
{
    struct weft_msg msg = {""};
    struct weft_merkle_head tree = weft_stream_tree(&plant->provider.stream);
    must(weft_provider_may_sign(&plant->provider, rig_plant_root, plant, &msg), &msg);
    weft_provider_sign(&plant->provider, &tree);
    weft_buffer_destroy(&plant->head);
    plant->head = rig_plant_head_at(plant, tree.size);
}

struct weft_stream_head rig_plant_head(const struct rig_plant *plant, uint64_t old_size)
{
    static struct weft_merkle_proof proof;
    uint64_t size = plant->provider.signed_head.size;
    proof.count = 0;
    if (old_size > 0 && old_size < size) {
        proof = rig_consistency(plant->hashes, old_size, size);
    }
    return (struct weft_stream_head){.note = weft_buffer_as_text(&plant->head),
        .old_size = old_size,
        .proof = weft_stream_proof_bytes(&proof)};
}

struct weft_stream_batch rig_plant_batch(
    const struct rig_plant *plant, uint64_t first, uint32_t count, bool is_explicit)
{
    static struct weft_merkle_proof proof;
    static struct weft_buffer items;
    struct weft_msg msg = {""};
    uint64_t size = plant->provider.signed_head.size;
    weft_buffer_clear(&items);
    for (uint64_t i = first; i < first + count; i++) {
        const struct weft_stream_item item = {.kind = plant->leaves[i].kind,
            .has_digest = is_explicit && plant->leaves[i].kind == WEFT_STREAM_STATEMENT,
            .digest = plant->leaves[i].digest,
            .content = {plant->contents[i].data, plant->contents[i].size}};
        must(weft_stream_item_append(&items, &item), &msg);
    }
    proof = rig_consistency(plant->hashes, first + count, size);
    return (struct weft_stream_batch){.first = first,
        .count = count,
        .items = {items.data, items.size},
        .head_size = size,
        .proof = weft_stream_proof_bytes(&proof)};
}
