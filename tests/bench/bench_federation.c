/* What a statement costs from one plant's apply to the other's, and what travels besides it.
 *
 * usage: bench_federation [STATEMENTS]
 *
 * One core, processor time: selecting and projecting a record of 13 fields of which half are
 * disclosed; judging it as its consumer does, in batches; signing and verifying heads. Bytes: of a
 * statement, of a batch beside its statements, of coming back after a partition. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "federation/sender.h"
#include "proto/limits.h"
#include "tests/unit/federation/rig.h"

enum {
    FIELDS = 13,
    STATEMENTS_MAX = 1000 * 1000,
    LEVELS = 24,
};

struct kept {
    size_t offset, size;
};

static struct weft_buffer contents = {.size_max = SIZE_MAX};
static struct kept *kept;
static struct weft_digest *levels[LEVELS];
static uint64_t leaf_count;

/* Processor time, since a machine may be busy with others. */
static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void must(bool is_done, const char *what)
{
    if (!is_done) {
        (void)fprintf(stderr, "bench_federation: %s\n", what);
        exit(1);
    }
}

/* --- proofs, from all full subtrees ----------------------------------------------------------- */

static void grow_levels(void)
{
    for (unsigned h = 1; h < LEVELS && leaf_count >> h > 0; h++) {
        uint64_t count = leaf_count >> h;
        levels[h] = malloc(count * sizeof(struct weft_digest));
        must(levels[h] != NULL, "memory");
        for (uint64_t i = 0; i < count; i++) {
            levels[h][i] = weft_merkle_node(&levels[h - 1][2 * i], &levels[h - 1][2 * i + 1]);
        }
    }
}

static uint64_t split_of(uint64_t count) /* RFC 6962, 2.1: the largest power of two below it */
{
    return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

static struct weft_digest hash_of(uint64_t from, uint64_t until)
{
    uint64_t count = until - from;
    if ((count & (count - 1)) == 0) {
        unsigned height = (unsigned)__builtin_ctzll(count);
        return levels[height][from >> height];
    }
    uint64_t split = split_of(count);
    struct weft_digest left = hash_of(from, from + split), right = hash_of(from + split, until);
    return weft_merkle_node(&left, &right);
}

/* RFC 6962, 2.1.2: SUBPROOF(m, D[from:until], is_whole). */
static void prove(
    uint64_t m, uint64_t from, uint64_t until, bool is_whole, struct weft_merkle_proof *proof)
{
    uint64_t count = until - from;
    if (m == count) {
        if (!is_whole) {
            proof->hashes[proof->count++] = hash_of(from, until);
        }
        return;
    }
    uint64_t split = split_of(count);
    if (m <= split) {
        prove(m, from, from + split, is_whole, proof);
        proof->hashes[proof->count++] = hash_of(from + split, until);
    } else {
        prove(m - split, from + split, until, false, proof);
        proof->hashes[proof->count++] = hash_of(from, from + split);
    }
}

/* --- the provider ----------------------------------------------------------------------------- */

static struct weft_record record_of(uint64_t number)
{
    static char asset[64], values[FIELDS][32], paths[FIELDS][32];
    static struct weft_field fields[FIELDS];
    (void)snprintf(asset, sizeof(asset), "serial:pump/%012llu", (unsigned long long)number);
    for (unsigned i = 0; i < FIELDS; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/f%02u", i % 2 == 0 ? "open" : "shut", i);
        (void)snprintf(values[i], sizeof(values[i]), "%llu.%u", (unsigned long long)number * 7, i);
        fields[i] =
            (struct weft_field){weft_text_of(paths[i]), weft_text_of(values[i]), WEFT_VALUE_REAL};
    }
    return (struct weft_record){.kind = WEFT_TEXT("inspection"),
        .asset = weft_text_of(asset),
        .source = WEFT_TEXT("qif:results"),
        .author = WEFT_TEXT("supplier.example/west/svc/qa"),
        .at_ns = RIG_NOW_NS,
        .has_at = true,
        .fields = fields,
        .field_count = FIELDS};
}

static void state_all(
    struct rig_plant *plant, const struct weft_contract *contract, uint64_t statements)
{
    struct weft_arena arena = {.size_max = WEFT_PROJECTION_MEMORY_MAX};
    const struct weft_contract_facts facts = {.is_unit = true, .depth = 0};
    struct weft_provider *p = &plant->provider;
    uint64_t spent = 0;
    for (uint64_t i = 0; i < statements; i++) {
        struct weft_record record = record_of(i);
        struct weft_statement_place place = rig_place(RIG_SUPPLIER, i + 1);
        struct weft_stream_leaf leaf;
        kept[leaf_count].offset = contents.size;
        uint64_t before = now_ns();
        must(weft_provider_select(contract, RIG_SUPPLIER, &record, &place, &facts, &arena,
                 &contents, &leaf) == WEFT_OK,
            "select");
        must(weft_provider_append(p, &leaf, NULL) == WEFT_STREAM_SOUND, "append");
        spent += now_ns() - before;
        kept[leaf_count].size = contents.size - kept[leaf_count].offset;
        levels[0][leaf_count++] = weft_stream_leaf_hash(&leaf);
        weft_arena_reset(&arena);
    }
    (void)printf("state   %8.2f us a statement: select, project, append; %zu bytes each\n",
        (double)spent / 1000.0 / (double)statements, contents.size / statements);
    weft_arena_destroy(&arena);
}

/* --- the consumer ----------------------------------------------------------------------------- */

static size_t message_size(const struct weft_partner_message *m)
{
    struct weft_buffer out = {0};
    must(weft_partner_encode(m, &out) == WEFT_OK, "encode");
    size_t size = out.size;
    weft_buffer_destroy(&out);
    return size;
}

static void make_batch(uint64_t first, uint32_t count, struct weft_buffer *items,
    struct weft_merkle_proof *proof, const struct weft_buffer *contract_note)
{
    weft_buffer_clear(items);
    for (uint64_t i = first; i < first + count; i++) {
        struct weft_stream_item item = {.kind = WEFT_STREAM_STATEMENT,
            .content = {contents.data + kept[i].offset, kept[i].size}};
        if (i == 0) {
            item.kind = WEFT_STREAM_CONTRACT;
            item.content = (struct weft_bytes){contract_note->data, contract_note->size};
        }
        must(weft_stream_item_append(items, &item) == WEFT_OK, "item");
    }
    proof->count = 0;
    prove(first + count, 0, leaf_count, true, proof);
}

static void judge_all(struct rig_plant *plant, const struct weft_contract *contract, uint32_t most)
{
    struct weft_arena arena = {.size_max = WEFT_BATCH_MEMORY_MAX};
    struct weft_consumer consumer = {.head = {leaf_count, hash_of(0, leaf_count)}};
    struct weft_consumer_terms terms = {
        .stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))},
        .orgs = rig_orgs(),
        .party = RIG_SUPPLIER,
        .now_ns = RIG_NOW_NS};
    struct weft_buffer items = {0};
    struct weft_merkle_proof proof;
    uint64_t spent = 0, overhead = 0, batches = 0;
    for (uint64_t first = 0; first < leaf_count; batches++) {
        uint64_t left = leaf_count - first;
        uint32_t count = (uint32_t)(left < most ? left : most);
        struct weft_batch batch;
        struct weft_msg msg = {""};
        make_batch(first, count, &items, &proof, &plant->contract_note);
        const struct weft_partner_message m = {.kind = WEFT_KIND_STREAM_BATCH,
            .stream = terms.stream,
            .batch = {first, count, {items.data, items.size}, leaf_count,
                weft_stream_proof_bytes(&proof), 1}};
        overhead += message_size(&m) - items.size;
        terms.contract = first > 0 ? contract : NULL;
        uint64_t before = now_ns();
        enum weft_stream_fault fault =
            weft_consumer_judge_batch(&consumer, &terms, &m.batch, &arena, &batch, &msg);
        must(fault == WEFT_STREAM_SOUND && batch.count == count, msg.text);
        must(weft_consumer_take(&consumer, &batch, 1) == WEFT_OK, "take");
        spent += now_ns() - before;
        weft_arena_reset(&arena);
        first += count;
    }
    must(consumer.stream.tree.size == leaf_count && consumer.quarantined == 0, "all are taken");
    (void)printf("judge   %8.2f us a statement, in batches of %u; %.0f bytes a batch beside them\n",
        (double)spent / 1000.0 / (double)leaf_count, most, (double)overhead / (double)batches);
    weft_buffer_destroy(&items);
    weft_arena_destroy(&arena);
}

/* --- coming back ------------------------------------------------------------------------------ */

static struct weft_buffer head_note(const struct weft_merkle_head *head)
{
    struct weft_buffer text = {0};
    const struct weft_checkpoint_note note = {
        .origin = weft_text_of(rig_heads_of(RIG_SUPPLIER).origin), .head = *head};
    must(weft_checkpoint_note_encode(&note, &text, NULL) == WEFT_OK, "head");
    struct weft_buffer signed_note = rig_sign(RIG_SUPPLIER, RIG_NODES, weft_buffer_as_text(&text));
    weft_buffer_destroy(&text);
    return signed_note;
}

static void come_back(uint64_t missed)
{
    const struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    const struct weft_merkle_head head = {leaf_count, hash_of(0, leaf_count)};
    const struct weft_merkle_head old = {leaf_count - missed, hash_of(0, leaf_count - missed)};
    struct weft_consumer consumer = {.head = old};
    struct weft_merkle_proof proof = {.count = 0};
    struct weft_merkle_head heard;
    struct weft_msg msg = {""};
    struct weft_partner_message m = {
        .stream = {WEFT_TEXT("box-2026"), weft_text_of(rig_site(RIG_SUPPLIER))}};
    m.kind = WEFT_KIND_STREAM_HELLO;
    m.hello = (struct weft_stream_hello){.version = 1,
        .agreement_digest = head.root,
        .next = old.size,
        .root = old.root,
        .head_size = old.size,
        .statements_until = 1000,
        .bytes_until = 1000,
        .session = 1};
    size_t size = message_size(&m);
    uint64_t before = now_ns();
    struct weft_buffer note = head_note(&head);
    uint64_t signing = now_ns() - before;
    prove(old.size, 0, leaf_count, true, &proof);
    m.kind = WEFT_KIND_STREAM_HEAD;
    m.head = (struct weft_stream_head){.note = weft_buffer_as_text(&note),
        .old_size = old.size,
        .proof = weft_stream_proof_bytes(&proof),
        .session = 1};
    size_t head_size = message_size(&m);
    before = now_ns();
    must(weft_consumer_judge_head(&consumer, &m.head, &signers, &heard, &msg) == WEFT_STREAM_SOUND,
        msg.text);
    (void)printf("back    %zu + %zu bytes (hello, head of %d keys) after %llu statements missed of "
                 "%llu; signing %.0f us, verifying %.0f us\n",
        size, head_size, RIG_NODES, (unsigned long long)missed, (unsigned long long)leaf_count,
        (double)signing / 1000.0, (double)(now_ns() - before) / 1000.0);
    weft_buffer_destroy(&note);
}

int main(int argc, char **argv)
{
    uint64_t statements = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    must(statements >= 1000 && statements <= STATEMENTS_MAX, "1,000 to 1,000,000 statements");
    static const struct weft_contract_mask masks[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT("shut"), WEFT_HIDDEN}};
    kept = calloc(statements + 1, sizeof(*kept));
    levels[0] = calloc(statements + 1, sizeof(struct weft_digest));
    must(kept != NULL && levels[0] != NULL, "memory");
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    /* The rig's contract, signed anew with a mask of the bench's. */
    struct weft_contract contract = rig_contract();
    contract.sides[RIG_SUPPLIER].masks = masks;
    contract.sides[RIG_SUPPLIER].mask_count = 1;
    contract.sides[RIG_SUPPLIER].part_count = 0;
    weft_buffer_destroy(&plant->contract_note);
    plant->contract_note = rig_contract_note(&contract, WEFT_CONTRACT_PARTIES);
    struct weft_buffer text = rig_contract_text(&contract);
    const struct weft_stream_leaf first = {
        .kind = WEFT_STREAM_CONTRACT, .version = 1, .digest = weft_sha256(text.data, text.size)};
    plant->provider = (struct weft_provider){.is_unsure = false};
    must(weft_provider_append(&plant->provider, &first, NULL) == WEFT_STREAM_SOUND, "contract");
    levels[0][leaf_count++] = weft_stream_leaf_hash(&first);
    state_all(plant, &contract, statements);
    grow_levels();
    judge_all(plant, &contract, 64);
    judge_all(plant, &contract, 1000);
    come_back(statements - 1);
    come_back(1);
    weft_buffer_destroy(&text);
    rig_plant_destroy(plant);
    return 0;
}
