/* hostile_supplier NOTE: makes what a partner that is not honest sends: supplier.example/west under
 * the agreement of the note (box-2026, with oem.example/plant1), with keys of its own.
 *
 * Reads lines, writes whole messages (proto/envelope.h); who carries them is
 * tests/cluster/test_partner_hostile.py. A message answers the hello of SESSION.
 *
 *     keys                           vkeys, one to a line, and an empty one
 *     state COUNT                    statements as agreed
 *     about ASSET                    one of that asset
 *     spoil WORD                     one that is not: see spoil()
 *     amend FILE                     a version that came as a note
 *     other                          the last leaf was another one all the time
 *     head SESSION OLD SIGNERS       the tree as it is, signed, for who knows OLD leaves
 *     rolled SESSION SIZE            a head of so many leaves
 *     batch SESSION FIRST COUNT      leaves under that head
 *     bent SESSION FIRST COUNT       the same with a proof that leads elsewhere
 *     cut SESSION FIRST COUNT        the same and not all of it
 *     answer HOW QUESTION            to those octets, in hexadecimal: rig_answer.h */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/federation/rig_answer.h"

enum {
    LINE_MAX_SIZE = 2048
};

static struct rig_plant *plant;
static uint64_t numbers; /* Of records that were stated. */

static void must(bool is_done, const char *what)
{
    if (!is_done) {
        (void)fprintf(stderr, "hostile_supplier: %s\n", what);
        exit(1);
    }
}

static struct weft_buffer load(const char *path)
{
    struct weft_buffer text = {0};
    char block[4096];
    size_t size;
    FILE *file = fopen(path, "rb");
    must(file != NULL, path);
    while ((size = fread(block, 1, sizeof(block), file)) > 0) {
        must(weft_buffer_append(&text, block, size) == WEFT_OK, path);
    }
    (void)fclose(file);
    return text;
}

/* --- what is said ---------------------------------------------------------------------------- */

static void say(struct weft_partner_message *message)
{
    struct weft_buffer bytes = {0};
    message->stream =
        (struct weft_stream_name){plant->contract.name, plant->contract.parties[RIG_SUPPLIER].site};
    must(weft_partner_encode(message, &bytes) == WEFT_OK, "a message");
    must(fwrite(bytes.data, 1, bytes.size, stdout) == bytes.size && fflush(stdout) == 0, "stdout");
    weft_buffer_destroy(&bytes);
}

/* Any tree is signed, whatever was signed before. */
static void sign(uint64_t size, uint32_t signers)
{
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    const struct weft_checkpoint_note head = {
        .origin = weft_text_of(rig_heads_of(RIG_SUPPLIER).origin),
        .head = {size, rig_plant_root_at(plant, size)}};
    must(weft_checkpoint_note_encode(&head, &text, &msg) == WEFT_OK, msg.text);
    weft_buffer_destroy(&plant->head);
    plant->head = rig_sign(RIG_SUPPLIER, signers, weft_buffer_as_text(&text));
    plant->provider.signed_head = head.head;
    weft_buffer_destroy(&text);
}

static void say_head(uint64_t session, uint64_t old_size, uint64_t size, uint32_t signers)
{
    sign(size, signers);
    struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_HEAD, .head = rig_plant_head(plant, old_size)};
    m.head.session = session;
    say(&m);
}

static void say_batch(uint64_t session, uint64_t first, uint32_t count, const char *how)
{
    struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_BATCH, .batch = rig_plant_batch(plant, first, count, true)};
    uint8_t proof[WEFT_STREAM_PROOF_SIZE_MAX];
    m.batch.session = session;
    if (strcmp(how, "bent") == 0) {
        must(m.batch.proof.size > 0, "a batch that ends with its head");
        memcpy(proof, m.batch.proof.data, m.batch.proof.size);
        proof[0] ^= 1;
        m.batch.proof.data = proof;
    }
    m.batch.items.size -= strcmp(how, "cut") == 0 ? 1 : 0;
    say(&m);
}

/* --- statements ------------------------------------------------------------------------------ */

static void add_statement(struct weft_buffer *content, const struct weft_digest *digest)
{
    const struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_STATEMENT, .digest = *digest};
    rig_plant_add(plant, &leaf, content);
    weft_buffer_destroy(content);
}

/* Under that side's mask, in somebody's name. */
static struct weft_digest make(const struct weft_record *record, const char *authority,
    const struct weft_contract_side *side, struct weft_buffer *ret_content)
{
    struct weft_arena arena = {.size_max = WEFT_PROJECTION_MEMORY_MAX};
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, ++numbers);
    struct weft_digest digest;
    place.authority = weft_text_of(authority);
    must(weft_projection_make(record, &place, side, &arena, ret_content, &digest) == WEFT_OK,
        "a projection");
    weft_arena_destroy(&arena);
    return digest;
}

/* A value of `size` bytes in it. */
static void inflate(struct weft_buffer *content, size_t size)
{
    struct weft_arena arena = {.size_max = WEFT_PROJECTION_MEMORY_MAX};
    struct weft_projection projection;
    struct weft_projection_item items[64];
    struct weft_buffer large = {0};
    struct weft_msg msg = {""};
    char *value = calloc(1, size);
    must(value != NULL, "memory");
    memset(value, 'a', size);
    must(weft_projection_decode((struct weft_bytes){content->data, content->size}, &arena,
             &projection, &msg) == WEFT_OK &&
             projection.item_count <= 64,
        msg.text);
    memcpy(items, projection.items, projection.item_count * sizeof(items[0]));
    for (uint32_t i = 0; i < projection.item_count; i++) {
        if (weft_text_is(items[i].path, "verdict")) {
            items[i].value = (struct weft_text){value, size};
        }
    }
    projection.items = items;
    must(weft_projection_encode(&projection, &large) == WEFT_OK, "a large projection");
    weft_buffer_destroy(content);
    *content = large;
    free(value);
    weft_arena_destroy(&arena);
}

static void spoil(const char *word)
{
    const struct weft_contract_side *side = &plant->contract.sides[RIG_SUPPLIER];
    struct weft_contract_side open = *side;
    struct weft_record record = rig_record(numbers + 1);
    struct weft_buffer content = {0};
    const char *authority = rig_site(RIG_SUPPLIER);
    open.mask_count = 0;
    if (strcmp(word, "outside") == 0) { /* A kind that nobody agreed on. */
        record.kind = WEFT_TEXT("payroll");
        open.kinds = &(struct weft_contract_kind){record.kind, WEFT_DISCLOSED};
        open.kind_count = 1;
        side = &open;
    } else if (strcmp(word, "mask") == 0) { /* Shows what is hidden. */
        side = &open;
    } else if (strcmp(word, "authority") == 0) { /* In the name of who receives. */
        authority = rig_site(RIG_OEM);
    } else if (strcmp(word, "stranger") == 0) { /* Of somebody else, without a right to. */
        authority = "bystander.example/hall";
    }
    struct weft_digest digest = make(&record, authority, side, &content);
    if (strcmp(word, "value") == 0) { /* Another value than was signed. */
        uint8_t *value = memmem(content.data, content.size, "FAIL", 4);
        must(value != NULL, "no verdict");
        value[0] = 'P'; /* "PAIL" */
    } else if (strcmp(word, "garbage") == 0) {
        memset(content.data, 0xff, content.size);
    } else if (strcmp(word, "huge") == 0) {
        inflate(&content, WEFT_VALUE_SIZE_MAX + 1);
    }
    add_statement(&content, &digest);
}

static void state(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct weft_record record = rig_record(numbers + 1);
        struct weft_buffer content = {0};
        struct weft_digest digest =
            make(&record, rig_site(RIG_SUPPLIER), &plant->contract.sides[RIG_SUPPLIER], &content);
        add_statement(&content, &digest);
    }
}

static void about(const char *asset)
{
    struct weft_record record = rig_record(numbers + 1);
    struct weft_buffer content = {0};
    record.asset = weft_text_of(asset);
    record.link_count = 0; /* It is of nothing. */
    struct weft_digest digest =
        make(&record, rig_site(RIG_SUPPLIER), &plant->contract.sides[RIG_SUPPLIER], &content);
    add_statement(&content, &digest);
}

static void amend(const char *path)
{
    struct weft_buffer note = load(path);
    struct weft_note parsed;
    struct weft_msg msg = {""};
    must(weft_note_parse(weft_buffer_as_text(&note), &parsed, &msg) == WEFT_OK, msg.text);
    const struct weft_stream_leaf leaf = {.kind = WEFT_STREAM_CONTRACT,
        .version = plant->provider.stream.version + 1,
        .digest = weft_sha256(parsed.text.data, parsed.text.size)};
    rig_plant_add(plant, &leaf, &note);
    weft_buffer_destroy(&note);
}

static void say_keys(void)
{
    struct weft_stream_signers signers = rig_heads_of(RIG_SUPPLIER);
    for (uint32_t i = 0; i < signers.verifier_count; i++) {
        char vkey[WEFT_VKEY_TEXT_SIZE];
        weft_verifier_format(&signers.verifiers[i], vkey);
        (void)printf("%s\n", vkey);
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

static void say_answer(const char *how, const char *hex)
{
    uint8_t octets[LINE_MAX_SIZE / 2];
    size_t size = 0;
    unsigned octet;
    for (; sscanf(hex, "%2x", &octet) == 1; hex += 2) {
        octets[size++] = (uint8_t)octet;
    }
    struct weft_buffer body =
        rig_answer(plant->contract.name, how, (struct weft_bytes){octets, size});
    struct weft_partner_message m = {
        .kind = WEFT_KIND_STREAM_ANSWER, .body = {body.data, body.size}};
    say(&m);
    weft_buffer_destroy(&body);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void obey(const char *line)
{
    char word[16] = "", what[LINE_MAX_SIZE] = "", question[LINE_MAX_SIZE] = "";
    uint64_t a = 0, b = 0, c = 0;
    const uint64_t size = plant->provider.stream.tree.size;
    int count = sscanf(line, "%15s %" SCNu64 " %" SCNu64 " %" SCNu64, word, &a, &b, &c);
    if (strcmp(word, "keys") == 0) {
        say_keys();
    } else if (strcmp(word, "state") == 0 && count == 2) {
        state(a);
    } else if (strcmp(word, "spoil") == 0 && sscanf(line, "%*s %2047s", what) == 1) {
        spoil(what);
    } else if (strcmp(word, "amend") == 0 && sscanf(line, "%*s %2047s", what) == 1) {
        amend(what);
    } else if (strcmp(word, "about") == 0 && sscanf(line, "%*s %2047s", what) == 1) {
        about(what);
    } else if (strcmp(word, "answer") == 0 &&
               sscanf(line, "%*s %2047s %2047s", what, question) == 2) {
        say_answer(what, question);
    } else if (strcmp(word, "other") == 0) {
        plant->hashes[size - 1].bytes[0] ^= 1;
    } else if (strcmp(word, "head") == 0 && count == 4) {
        say_head(a, b, size, (uint32_t)c);
    } else if (strcmp(word, "rolled") == 0 && count == 3) {
        say_head(a, 0, b, RIG_NODES);
    } else if (count == 4) {
        say_batch(a, b, (uint32_t)c, word);
    } else {
        must(false, line);
    }
}

int main(int argc, char **argv)
{
    char line[LINE_MAX_SIZE];
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s NOTE\n", argv[0]);
        return 2;
    }
    struct weft_buffer note = load(argv[1]);
    plant = rig_plant_create_of(RIG_SUPPLIER, weft_buffer_as_text(&note));
    while (fgets(line, sizeof(line), stdin) != NULL) {
        obey(line);
    }
    weft_buffer_destroy(&note);
    rig_plant_destroy(plant);
    return 0;
}
