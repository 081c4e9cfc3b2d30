/* tests/unit/federation/cells/nist_cells.c: nist_cells MAP DOCUMENT... -- MAP DOCUMENT...
 *
 * Two organizations import their own QIF results (the supplier's first, then the customer's), state
 * each verdict, and exchange what they stated after a partition, in orders drawn from a seed. The
 * customer states which of its spellings is which of the supplier's units, as its map infers, and
 * the supplier confirms. Printed, line by line: how many units wait for somebody to say which they
 * are, and of each unit that both judged what counts: "UNIT VALUE disputed|agreed ID VERDICT...".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/import/qif.h"
#include "proto/statement.h"
#include "tests/unit/federation/cells/desk.h"

enum {
    ORDERS = 20,
    SUPPLIER = 0,
    CUSTOMER = 1,
};

static const struct weft_text sites[2] = {
    WEFT_TEXT("supplier.example/p1"), WEFT_TEXT("customer.example/p1")};
static const struct weft_text parties[2] = {
    WEFT_TEXT("supplier.example"), WEFT_TEXT("customer.example")};

static struct desk_item items[DESK_ITEMS_MAX];
static struct weft_subject_name names[DESK_ITEMS_MAX]; /* Of the item's subject. */
static uint32_t item_count;
static uint32_t unconfirmed[2];
static struct weft_arena arena = {.size_max = 256 << 20};

static void must(bool is_so, const char *what)
{
    if (!is_so) {
        (void)fprintf(stderr, "nist_cells: %s\n", what);
        exit(1);
    }
}

static char *keep(struct weft_text text)
{
    struct weft_text copy = weft_arena_text(&arena, text);
    must(copy.data != NULL, "memory");
    return (char *)copy.data;
}

static struct weft_text field(const struct weft_record *record, const char *path)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, path)) {
            return record->fields[i].value;
        }
    }
    return (struct weft_text){NULL, 0};
}

static struct desk_item *add_item(void)
{
    must(item_count < DESK_ITEMS_MAX, "too many items");
    return &items[item_count++];
}

/* The name by which the supplier knows the unit: as its own importer makes it, "serial:box/7". */
static void add_alias(unsigned party, const struct weft_subject_name *spelled,
    const struct weft_subject_name *known, uint64_t index)
{
    struct desk_item *item = add_item();
    *item = (struct desk_item){.is_alias = true,
        .names = {*spelled, *known},
        .subjects = {weft_subject_of(spelled), weft_subject_of(known)}};
    item->word = (struct weft_alias_word){.digest = weft_sha256(&index, sizeof(index)),
        .author = sites[party],
        .revision = {1, index, 0}};
}

static void state(unsigned party, struct weft_record *record, uint64_t index)
{
    static const uint8_t seed[WEFT_SALT_SEED_SIZE];
    const struct weft_statement_place place = {.authority = sites[party],
        .authority_epoch = 1,
        .index = index,
        .time_ns = (int64_t)index,
        .salt_seed = seed};
    struct desk_item *item = add_item();
    struct weft_subject_name *name = &names[item - items];
    struct weft_arena scratch = {.size_max = 16 << 20};
    record->author = WEFT_TEXT("importer");
    record->at_ns = record->has_at ? record->at_ns : 0;
    record->has_at = true;
    *item = (struct desk_item){.statement = {.act = WEFT_CELL_SAY,
                                   .author = sites[party],
                                   .revision = {1, index, 0},
                                   .value = weft_text_of(keep(field(record, "verdict")))}};
    must(weft_statement_digest(record, &place, &scratch, NULL, &item->statement.digest) == WEFT_OK,
        "digest");
    weft_arena_destroy(&scratch);
    /* The unit as the document spells it; what the map made of it is an inference. */
    bool has_serial = field(record, "identity/serial_missing").size == 0;
    struct weft_text spelled =
        party == CUSTOMER && has_serial ? field(record, "identity/serial") : record->asset;
    enum weft_subject_place where = weft_subject_admit(sites[party], WEFT_TEXT("serial"), spelled,
        has_serial, &item->statement.digest, weft_arena_alloc(&arena, WEFT_SUBJECT_KEY_SIZE), name);
    must(where != WEFT_SUBJECT_TO_QUARANTINE, "a unit without a name");
    unconfirmed[party] += where == WEFT_SUBJECT_TO_CONFIRM;
    item->subject = weft_subject_of(name);
    if (party == CUSTOMER && has_serial) {
        const struct weft_subject_name known = {
            sites[SUPPLIER], WEFT_TEXT("serial"), weft_text_of(keep(record->asset))};
        add_alias(CUSTOMER, name, &known, index + 1);
        add_alias(SUPPLIER, name, &known, index + 100000);
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

static void import_document(unsigned party, const char *map_path, const char *path, uint64_t base)
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
            struct weft_record record = item.records[i];
            if (weft_text_is(record.kind, "inspection")) {
                state(party, &record, base + 10 * (uint64_t)item_count + i);
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

static bool is_of(const struct desk_item *item, unsigned party)
{
    struct weft_text author = item->is_alias ? item->word.author : item->statement.author;
    return weft_text_equal(author, sites[party]);
}

/* First what is its own, then, after the partition, what is the other's; each in some order. */
static void exchange(struct desk *desk, unsigned own)
{
    uint32_t order[DESK_ITEMS_MAX];
    for (uint32_t i = 0; i < item_count; i++) {
        uint32_t k = draw(i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    desk_open(desk, WEFT_CELL_JOIN, parties[0], parties[1], WEFT_TEXT("inspection"),
        WEFT_TEXT("verdict"));
    for (unsigned turn = 0; turn < 2; turn++) {
        for (uint32_t i = 0; i < item_count; i++) {
            if (is_of(&items[order[i]], own) == (turn == 0)) {
                desk_take(desk, &items[order[i]]);
            }
        }
    }
}

static void print_unit(struct desk *desk, uint32_t i)
{
    char id[WEFT_DIGEST_TEXT_SIZE] = "-";
    struct desk_cell cell;
    must(desk_judge(desk, &items[i].subject, &cell), "a cell");
    if (cell.set.count < 2) {
        return;
    }
    if (cell.answer.is_disputed) {
        weft_digest_format(&cell.answer.dispute, id);
    }
    (void)printf("%.*s %.*s %s %s", (int)names[i].key.size, names[i].key.data,
        (int)cell.answer.value.size, cell.answer.value.data,
        cell.answer.is_disputed ? "disputed" : "agreed", id);
    for (unsigned party = 0; party < 2; party++) {
        for (uint32_t k = 0; k < cell.set.count; k++) {
            const struct weft_cell_statement *s = &cell.set.statements[k];
            if (weft_text_equal(s->author, sites[party])) {
                weft_digest_format(&s->digest, id);
                (void)printf(" %.*s=%s", (int)s->value.size, s->value.data, id);
            }
        }
    }
    (void)printf("\n");
}

int main(int argc, char **argv)
{
    static struct desk desks[2];
    unsigned party = SUPPLIER;
    must(argc > 3, "usage: nist_cells MAP DOCUMENT... -- MAP DOCUMENT...");
    const char *map = argv[1];
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            party = CUSTOMER;
            map = argv[++i];
            continue;
        }
        import_document(party, map, argv[i], 1 + 1000000 * (uint64_t)party);
    }
    struct weft_digest first = {{0}};
    for (uint32_t n = 0; n < ORDERS; n++) {
        for (unsigned side = 0; side < 2; side++) {
            exchange(&desks[side], side);
            first = n == 0 && side == 0 ? desks[0].root : first;
            must(weft_digest_equal(&first, &desks[side].root), "the sides differ");
            if (n + 1 < ORDERS || side == 0) {
                desk_close(&desks[side]);
            }
        }
    }
    (void)printf("unconfirmed %u %u\n", unconfirmed[SUPPLIER], unconfirmed[CUSTOMER]);
    for (uint32_t i = 0; i < item_count; i++) {
        if (!items[i].is_alias && is_of(&items[i], SUPPLIER)) {
            print_unit(&desks[CUSTOMER], i);
        }
    }
    desk_close(&desks[CUSTOMER]);
    weft_arena_destroy(&arena);
    return 0;
}
