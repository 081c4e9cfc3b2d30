/* stranger_export DIRECTORY: writes what a partner would export for a stranger: a redacted
 * statement, the same whole, its proof under a signed head, and the keys. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/federation/rig.h"

static const char *root;

static void must(bool is_done, const char *what)
{
    if (!is_done) {
        (void)fprintf(stderr, "stranger_export: %s\n", what);
        exit(1);
    }
}

static void save(const char *name, const struct weft_buffer *content)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "wb");
    must(file != NULL && fwrite(content->data, 1, content->size, file) == content->size &&
             fclose(file) == 0,
        path);
}

static void save_statement(const char *name, struct weft_bytes bytes)
{
    struct weft_arena arena = {.size_max = WEFT_PROJECTION_MEMORY_MAX};
    struct weft_projection projection;
    struct weft_buffer text = {0};
    must(weft_projection_decode(bytes, &arena, &projection, NULL) == WEFT_OK, name);
    must(weft_projection_format(&projection, &text) == WEFT_OK, name);
    save(name, &text);
    weft_buffer_destroy(&text);
    weft_arena_destroy(&arena);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    root = argv[1];
    struct rig_plant *plant = rig_plant_create(RIG_SUPPLIER);
    for (uint64_t i = 0; i < 12; i++) {
        rig_plant_state(plant, i);
    }
    struct weft_buffer proof = rig_plant_proof(plant, 8, 13), other = rig_plant_proof(plant, 9, 13);
    save("proof", &proof);
    save("other-proof", &other);
    save_statement(
        "redacted", (struct weft_bytes){plant->contents[8].data, plant->contents[8].size});
    /* The same statement as its own site sees it: the eighth is of record 7. */
    struct weft_arena arena = {.size_max = WEFT_PROJECTION_MEMORY_MAX};
    struct weft_record record = rig_record(7);
    struct weft_statement_place place = rig_place(RIG_SUPPLIER, 8);
    struct weft_buffer whole = {0}, keys = {0};
    struct weft_digest digest;
    must(weft_projection_make(
             &record, &place, &plant->contract.sides[RIG_OEM], &arena, &whole, &digest) == WEFT_OK,
        "whole");
    save_statement("whole", (struct weft_bytes){whole.data, whole.size});
    for (uint32_t party = 0; party < WEFT_CONTRACT_PARTIES; party++) {
        struct weft_stream_signers signers = rig_heads_of(party);
        char vkey[WEFT_VKEY_TEXT_SIZE];
        weft_verifier_format(&signers.verifiers[0], vkey);
        weft_buffer_clear(&keys);
        must(weft_buffer_text(&keys, weft_text_of(vkey)) == WEFT_OK, "keys");
        save(party == RIG_SUPPLIER ? "key" : "other-key", &keys);
    }
    weft_buffer_destroy(&proof);
    weft_buffer_destroy(&other);
    weft_buffer_destroy(&whole);
    weft_buffer_destroy(&keys);
    weft_arena_destroy(&arena);
    rig_plant_destroy(plant);
    return 0;
}
