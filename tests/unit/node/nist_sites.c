/* tests/unit/node/nist_sites.c: nist_sites DIRECTORY MAP DOCUMENT... -- MAP DOCUMENT...
 *
 * Two sites import their own QIF results (the supplier's first, then the customer's) and state each
 * inspection under one agreement; each keeps cells in a store of its own below DIRECTORY. While
 * they are parted each has its own statements alone, then the other's come too, in orders drawn
 * from a seed. The customer says which of its units is which of the supplier's, as its map infers,
 * and the supplier confirms. Printed as tests/unit/federation/cells/nist_cells.c does: how many
 * units of each wait for somebody to say which they are, and of each unit that both judged what
 * counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/import/qif.h"
#include "tests/unit/node/cells_rig.h"

enum {
    ORDERS = 3,
    STATED_MAX = 1024,
};

/* In the order of the command line; parties of the agreement are sorted. */
static const uint32_t parties[2] = {RIG_SUPPLIER, RIG_OEM};

static struct weft_contract contract;
static struct cells_stated stated[STATED_MAX];
static char *assets[STATED_MAX]; /* Of inspections; NULL: an alias. */
static uint32_t stated_count;
static uint64_t next_index = 1;

static void must(bool is_so, const char *what)
{
    if (!is_so) {
        (void)fprintf(stderr, "nist_sites: %s\n", what);
        exit(1);
    }
}

/* --- stating --------------------------------------------------------------------------------- */

static void add(struct cells_stated one, const char *asset)
{
    must(stated_count < STATED_MAX, "too many statements");
    assets[stated_count] = asset != NULL ? strdup(asset) : NULL;
    stated[stated_count++] = one;
}

static void add_alias(uint32_t party, struct weft_text asset)
{
    const struct weft_act act = {.kind = WEFT_ACT_ALIAS,
        .alias = {{weft_text_of(rig_site(RIG_OEM)), WEFT_TEXT("serial"), asset},
            {weft_text_of(rig_site(RIG_SUPPLIER)), WEFT_TEXT("serial"), asset}, true}};
    add(cells_state_act(&contract, party, next_index++, &act), NULL);
}

static bool has_serial(const struct weft_record *record)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, "identity/serial_missing")) {
            return false;
        }
    }
    return true;
}

static void state(uint32_t party, const struct weft_record *record)
{
    char asset[WEFT_ASSET_SIZE_MAX + 1];
    (void)snprintf(asset, sizeof(asset), "%.*s", (int)record->asset.size, record->asset.data);
    add(cells_state(&contract, party, next_index++, *record), asset);
    if (party == RIG_OEM && has_serial(record)) {
        add_alias(RIG_OEM, record->asset);
        add_alias(RIG_SUPPLIER, record->asset);
    }
}

/* --- importing ------------------------------------------------------------------------------- */

static struct weft_buffer read_file(const char *path)
{
    struct weft_buffer content = {.size_max = 256 << 20};
    char chunk[65536];
    size_t size;
    FILE *file = fopen(path, "rb");
    must(file != NULL, path);
    while ((size = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        must(weft_buffer_append(&content, chunk, size) == WEFT_OK, "memory");
    }
    (void)fclose(file);
    return content;
}

static void import_document(uint32_t party, const char *map_path, const char *path)
{
    struct weft_buffer map = read_file(map_path), document = read_file(path);
    const char *slash = strrchr(path, '/');
    const struct weft_import_options options = {
        .name = weft_text_of(slash != NULL ? slash + 1 : path),
        .option = weft_buffer_as_text(&map)};
    struct weft_importer *importer;
    struct weft_import_item item;
    struct weft_msg msg = {""};
    bool is_fed_again = false;
    must(weft_importer_create(&weft_qif_importer, &options, &importer, &msg) == WEFT_OK, msg.text);
    weft_importer_feed(importer, (struct weft_bytes){document.data, document.size}, true);
    while (!importer->is_over) {
        enum weft_err err = weft_importer_next(importer, &item, &msg);
        if (err == WEFT_ENOTFOUND && importer->wants_again && !is_fed_again) {
            is_fed_again = true;
            weft_importer_feed(importer, (struct weft_bytes){document.data, document.size}, true);
            continue;
        }
        if (err == WEFT_ENOTFOUND) {
            break;
        }
        must(err == WEFT_OK, msg.text);
        for (uint32_t i = 0; i < item.record_count; i++) {
            if (weft_text_is(item.records[i].kind, "inspection")) {
                state(party, &item.records[i]);
            }
        }
    }
    weft_importer_destroy(importer);
    weft_buffer_destroy(&map);
    weft_buffer_destroy(&document);
}

/* --- exchanging ------------------------------------------------------------------------------ */

static uint64_t random_state = 1;

/* xorshift64* (Vigna, 2014). */
static uint32_t draw(uint32_t bound)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)(random_state * 0x2545f4914f6cdd1dU >> 33) % bound;
}

static void take(struct cells_side *side, uint32_t party)
{
    uint32_t order[STATED_MAX];
    for (uint32_t i = 0; i < stated_count; i++) {
        uint32_t k = draw(i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    for (uint32_t i = 0; i < stated_count; i++) {
        if (stated[order[i]].party != party) {
            continue;
        }
        cells_take(side, &contract, &stated[order[i]], order[i]);
        if (draw(8) == 0) {
            cells_end_entry(side);
            cells_write(side);
        }
        if (draw(64) == 0) {
            cells_end_entry(side);
            cells_write(side);
            cells_reopen(side);
        }
    }
    do {
        cells_end_entry(side);
        cells_write(side);
    } while (!cells_sum(side).is_settled);
}

/* What was its own first; `ret_unnamed`: how many of these wait. */
static void exchange(struct cells_side *side, const char *directory, uint32_t n, uint32_t party,
    uint64_t *ret_unnamed)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "side%u.%u", party, n);
    cells_open(side, directory, name);
    cells_agree(side, &contract);
    take(side, party);
    *ret_unnamed = cells_sum(side).unnamed;
    take(side, 1 - party);
}

/* --- printing -------------------------------------------------------------------------------- */

static void print_unit(struct cells_side *side, const char *asset)
{
    char id[WEFT_DIGEST_TEXT_SIZE] = "-";
    struct weft_cells_judged j =
        cells_judge(side, rig_site(RIG_SUPPLIER), asset, "inspection", "verdict");
    if (j.set.count < 2) {
        return;
    }
    if (j.answer.is_disputed) {
        weft_digest_format(&j.answer.dispute, id);
    }
    (void)printf("%s %.*s %s %s", asset, (int)j.answer.value.size, j.answer.value.data,
        j.answer.is_disputed ? "disputed" : "agreed", id);
    for (unsigned party = 0; party < 2; party++) {
        for (uint32_t k = 0; k < j.set.count; k++) {
            const struct weft_cell_statement *s = &j.set.statements[k];
            if (weft_text_is(s->author, rig_site(parties[party]))) {
                weft_digest_format(&s->digest, id);
                (void)printf(" %.*s=%s", (int)s->value.size, s->value.data, id);
            }
        }
    }
    (void)printf("\n");
}

int main(int argc, char **argv)
{
    static struct cells_side sides[2];
    uint64_t unnamed[2] = {0, 0};
    unsigned party = 0;
    must(argc > 4, "usage: nist_sites DIRECTORY MAP DOCUMENT... -- MAP DOCUMENT...");
    contract = cells_contract();
    const char *map = argv[2];
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            party = 1;
            map = argv[++i];
            continue;
        }
        import_document(parties[party], map, argv[i]);
    }
    struct weft_cells_sum first = {.statements = 0};
    for (uint32_t n = 0; n < ORDERS; n++) {
        for (unsigned side = 0; side < 2; side++) {
            exchange(&sides[side], argv[1], n, parties[side], &unnamed[side]);
            struct weft_cells_sum sum = cells_sum(&sides[side]);
            first = n == 0 && side == 0 ? sum : first;
            must(weft_digest_equal(&first.shared, &sum.shared), "the sides differ");
            must(sum.statements == stated_count && sum.left_over == 0, "something is lost");
            must(sum.unnamed == 4, "units without a serial are lost");
            if (n + 1 < ORDERS || side == 0) {
                cells_close(&sides[side]);
            }
        }
    }
    (void)printf("unconfirmed %u %u\n", (unsigned)unnamed[0], (unsigned)unnamed[1]);
    for (uint32_t i = 0; i < stated_count; i++) {
        if (assets[i] != NULL && stated[i].party == RIG_SUPPLIER &&
            strstr(assets[i], "no-serial") == NULL) {
            print_unit(&sides[1], assets[i]);
        }
    }
    cells_close(&sides[1]);
    for (uint32_t i = 0; i < stated_count; i++) {
        cells_stated_destroy(&stated[i]);
        free(assets[i]);
    }
    return 0;
}
