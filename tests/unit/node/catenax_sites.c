/* tests/unit/node/catenax_sites.c: catenax_sites DIRECTORY CONTAINER
 *
 * The owners of a container's parts as so many sites, each with the cells of its agreements in a
 * store of its own below DIRECTORY. Whoever builds one's part into something of his own has an
 * agreement with him, and states each such edge there; each states its parts that the other uses.
 * What is stated comes to either side in an order drawn from a seed, after links were down for a
 * while and sites were started anew. Printed, line by line:
 *
 *     side OWNER WHOLE>PART...    edges that the site has in its cells, of all of its agreements
 *     tree PART WHOLE>PART...     of each part that nobody uses: what is inside, site by site
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/import/catenax.h"
#include "proto/thread.h"
#include "tests/unit/node/cells_rig.h"

enum {
    PARTS_MAX = 256,
    EDGES_MAX = 512,
    SITES_MAX = 16,
    STATED_MAX = 2048,
    NAME_SIZE = 80,
    START_ANEW = 40, /* One statement in so many is followed by that. */
};

static struct part {
    char name[NAME_SIZE];
    struct weft_digest subject;
    uint32_t owner;
} parts[PARTS_MAX];
static uint32_t part_count;

static struct edge {
    uint32_t whole;
    uint32_t part;
} edges[EDGES_MAX];
static uint32_t edge_count;

static struct site {
    char owner[NAME_SIZE]; /* As the container has it. */
    char org[NAME_SIZE];
    char name[NAME_SIZE];
    uint64_t index;
    struct cells_side side;
} sites[SITES_MAX];
static uint32_t site_count;

/* Of two sites, in the order of their names. */
static struct agreement {
    char name[NAME_SIZE];
    uint32_t sites[2];
    struct weft_contract contract;
} agreements[SITES_MAX * SITES_MAX];
static uint32_t agreement_count;

/* A statement under an agreement, and to whom it has come. */
static struct told {
    uint32_t agreement;
    struct cells_stated stated;
    bool is_told[2];
} told[STATED_MAX];
static uint32_t told_count;

static void must(bool is_so, const char *what)
{
    if (!is_so) {
        (void)fprintf(stderr, "catenax_sites: %s\n", what);
        exit(1);
    }
}

static uint64_t random_state = 11;

/* xorshift64* (Vigna, 2014). */
static uint32_t draw(uint32_t bound)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)(random_state * 0x2545f4914f6cdd1dU >> 33) % bound;
}

/* --- what the container has ------------------------------------------------------------------ */

static void keep(char to[NAME_SIZE], struct weft_text text)
{
    must(text.size < NAME_SIZE, "a long name");
    memcpy(to, text.data, text.size);
    to[text.size] = '\0';
}

static uint32_t part_of(struct weft_text name)
{
    char key[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name subject;
    struct weft_digest none = {{0}};
    for (uint32_t i = 0; i < part_count; i++) {
        if (weft_text_is(name, parts[i].name)) {
            return i;
        }
    }
    must(part_count < PARTS_MAX, "too many parts");
    keep(parts[part_count].name, name);
    parts[part_count].owner = SITES_MAX; /* Nobody's, until its own record comes. */
    must(weft_cells_name_thing(WEFT_TEXT("any.example/p1"), name, true, &none, key, &subject) ==
             WEFT_SUBJECT_TO_CELL,
        "no name");
    parts[part_count].subject = weft_subject_of(&subject);
    return part_count++;
}

static uint32_t site_of(struct weft_text owner)
{
    for (uint32_t i = 0; i < site_count; i++) {
        if (weft_text_is(owner, sites[i].owner)) {
            return i;
        }
    }
    must(site_count < SITES_MAX, "too many owners");
    struct site *site = &sites[site_count];
    keep(site->owner, owner);
    (void)snprintf(site->org, sizeof(site->org), "o%02u.example", site_count);
    (void)snprintf(site->name, sizeof(site->name), "o%02u.example/p1", site_count);
    return site_count++;
}

static void take(const struct weft_record *record)
{
    if (!weft_text_is(record->kind, "as_built")) {
        return;
    }
    uint32_t whole = part_of(record->asset);
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, "owner")) {
            parts[whole].owner = site_of(record->fields[i].value);
        }
    }
    for (uint32_t i = 0; i < record->link_count; i++) {
        if (weft_thread_rel(record->links[i].rel) == WEFT_REL_CONTAINS) {
            must(edge_count < EDGES_MAX, "too many edges");
            edges[edge_count++] = (struct edge){whole, part_of(record->links[i].to)};
        }
    }
}

static void import_container(const char *path)
{
    static char text[8 << 20];
    const struct weft_import_options options = {.name = WEFT_TEXT("container")};
    struct weft_importer *importer;
    struct weft_import_item item;
    struct weft_msg msg = {""};
    enum weft_err err = WEFT_OK;
    FILE *file = fopen(path, "rb");
    must(file != NULL, path);
    size_t size = fread(text, 1, sizeof(text), file);
    (void)fclose(file);
    must(weft_importer_create(&weft_catenax_importer, &options, &importer, &msg) == WEFT_OK,
        msg.text);
    weft_importer_feed(importer, (struct weft_bytes){(const uint8_t *)text, size}, true);
    while (err != WEFT_ENOTFOUND) {
        err = weft_importer_next(importer, &item, &msg);
        must(err == WEFT_OK || err == WEFT_ENOTFOUND, msg.text);
        for (uint32_t i = 0; err == WEFT_OK && i < item.record_count; i++) {
            take(&item.records[i]);
        }
    }
    weft_importer_destroy(importer);
}

/* --- agreements and statements --------------------------------------------------------------- */

static uint32_t agreement_of(uint32_t a, uint32_t b)
{
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    for (uint32_t i = 0; i < agreement_count; i++) {
        if (agreements[i].sites[0] == low && agreements[i].sites[1] == high) {
            return i;
        }
    }
    struct agreement *made = &agreements[agreement_count];
    made->sites[0] = low;
    made->sites[1] = high;
    (void)snprintf(made->name, sizeof(made->name), "parts-%u-%u", low, high);
    made->contract = cells_contract();
    made->contract.name = weft_text_of(made->name);
    for (int i = 0; i < 2; i++) {
        struct site *site = &sites[made->sites[i]];
        made->contract.parties[i] = (struct weft_contract_party){weft_text_of(site->name),
            weft_text_of(site->org), weft_sha256(site->org, strlen(site->org))};
    }
    cells_agree(&sites[low].side, &made->contract);
    cells_agree(&sites[high].side, &made->contract);
    return agreement_count++;
}

static void state(uint32_t at, uint32_t by, uint32_t part, const struct weft_link *link)
{
    static const uint8_t seed[WEFT_SALT_SEED_SIZE];
    struct weft_arena arena = {.size_max = 1 << 20};
    struct told *t = &told[told_count++];
    struct agreement *agreement = &agreements[at];
    must(told_count < STATED_MAX, "too many statements");
    const struct weft_statement_place place = {.authority = weft_text_of(sites[by].name),
        .authority_epoch = 1,
        .index = ++sites[by].index,
        .time_ns = RIG_NOW_NS,
        .salt_seed = seed};
    const struct weft_record record = {.kind = WEFT_TEXT("as_built"),
        .asset = weft_text_of(parts[part].name),
        .author = weft_text_of(sites[by].name),
        .at_ns = RIG_NOW_NS,
        .has_at = true,
        .links = link,
        .link_count = link != NULL ? 1 : 0};
    *t = (struct told){.agreement = at, .stated = {.party = agreement->sites[1] == by}};
    must(weft_projection_make(&record, &place, &agreement->contract.sides[t->stated.party], &arena,
             &t->stated.bytes, &t->stated.digest) == WEFT_OK,
        "a statement");
    weft_arena_destroy(&arena);
}

static void state_all(void)
{
    for (uint32_t e = 0; e < edge_count; e++) {
        const struct edge *edge = &edges[e];
        uint32_t by = parts[edge->whole].owner, of = parts[edge->part].owner;
        if (by != of) {
            const struct weft_link link = {
                WEFT_TEXT("contains"), weft_text_of(parts[edge->part].name), NULL, 0};
            uint32_t at = agreement_of(by, of);
            state(at, by, edge->whole, &link);
            state(at, of, edge->part, NULL);
        }
    }
}

/* --- telling --------------------------------------------------------------------------------- */

static void start_anew(struct cells_side *side)
{
    cells_end_entry(side);
    cells_write(side);
    cells_reopen(side);
}

/* What is not told yet, each to one of its sides, in some order; `is_down`: links of some
 * agreements do not carry anything. */
static void tell(bool is_down)
{
    uint32_t order[2 * STATED_MAX];
    for (uint32_t i = 0; i < 2 * told_count; i++) {
        uint32_t k = draw(i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    for (uint32_t i = 0; i < 2 * told_count; i++) {
        struct told *t = &told[order[i] / 2];
        uint32_t to = order[i] % 2;
        struct agreement *agreement = &agreements[t->agreement];
        bool is_own = t->stated.party == to;
        if (t->is_told[to] || (is_down && !is_own && t->agreement % 2 == 0)) {
            continue;
        }
        struct cells_side *side = &sites[agreement->sites[to]].side;
        t->is_told[to] = true;
        cells_take(side, &agreement->contract, &t->stated, order[i] / 2);
        if (draw(4) == 0) {
            cells_end_entry(side);
        }
        if (draw(START_ANEW) == 0) {
            start_anew(side);
        }
    }
}

/* --- what came of it ------------------------------------------------------------------------- */

static struct weft_cells_work work_of(uint32_t site, const struct agreement *agreement)
{
    struct weft_cells_work w;
    struct weft_cells *cells = sites[site].side.cells;
    struct weft_cells_agreement *a = cells->agreements;
    while (a != NULL && !weft_text_is(a->contract.name, agreement->name)) {
        a = a->next;
    }
    must(a != NULL, "an agreement is lost");
    weft_cells_begin(cells, a, &w, &sites[site].side.msg);
    return w;
}

static void compare(const struct agreement *agreement)
{
    struct weft_cells_sum sums[2];
    for (int i = 0; i < 2; i++) {
        struct cells_side *side = &sites[agreement->sites[i]].side;
        must(weft_cells_get_sum(side->cells, weft_text_of(agreement->name), &sums[i], &side->msg) ==
                 WEFT_OK,
            side->msg.text);
        must(sums[i].is_settled && sums[i].left_over == 0, "something is left over");
        must(sums[i].dangling == 0, "an edge dangles");
    }
    must(weft_digest_equal(&sums[0].shared, &sums[1].shared), "the sides differ");
}

static const char *name_of(const uint8_t *subject)
{
    for (uint32_t i = 0; i < part_count; i++) {
        if (memcmp(parts[i].subject.bytes, subject, WEFT_DIGEST_SIZE) == 0) {
            return parts[i].name;
        }
    }
    must(false, "a subject that no part has");
    return NULL;
}

/* The site's edges under the agreement, below `whole` alone if it is given. */
static void print_edges(
    uint32_t site, const struct agreement *agreement, const struct weft_digest *whole)
{
    struct weft_cells_cursor cursor;
    struct weft_cells_work w = work_of(site, agreement);
    struct weft_key prefix = weft_cells_desk_key(&w.desk, WEFT_CELLS_EDGES);
    size_t known = prefix.size;
    if (whole != NULL) {
        weft_cells_key_digest(&prefix, whole);
    }
    must(weft_cells_cursor_open(&w.cells->rows, &prefix, NULL, &cursor, w.msg) == WEFT_OK,
        "a cursor");
    while (weft_cells_cursor_next(&cursor)) {
        (void)printf(" %s>%s", name_of(cursor.key.data + known),
            name_of(cursor.key.data + known + WEFT_DIGEST_SIZE));
    }
    must(weft_cells_cursor_close(&cursor, WEFT_OK) == WEFT_OK, "a cursor");
}

/* Of an owner's own edges his own records, of those to others' parts his cells. */
static void print_inside(uint32_t whole, bool is_printed[PARTS_MAX])
{
    uint32_t owner = parts[whole].owner;
    if (is_printed[whole]) {
        return;
    }
    is_printed[whole] = true;
    for (uint32_t i = 0; i < agreement_count; i++) {
        if (agreements[i].sites[0] == owner || agreements[i].sites[1] == owner) {
            print_edges(owner, &agreements[i], &parts[whole].subject);
        }
    }
    for (uint32_t e = 0; e < edge_count; e++) {
        if (edges[e].whole == whole && parts[edges[e].part].owner == owner) {
            (void)printf(" %s>%s", parts[whole].name, parts[edges[e].part].name);
        }
    }
    for (uint32_t e = 0; e < edge_count; e++) {
        if (edges[e].whole == whole) {
            print_inside(edges[e].part, is_printed);
        }
    }
}

static void print_trees(void)
{
    for (uint32_t i = 0; i < part_count; i++) {
        bool is_printed[PARTS_MAX] = {false}, is_used = false;
        for (uint32_t e = 0; e < edge_count; e++) {
            is_used = is_used || edges[e].part == i;
        }
        if (!is_used) {
            (void)printf("tree %s", parts[i].name);
            print_inside(i, is_printed);
            (void)printf("\n");
        }
    }
}

int main(int argc, char **argv)
{
    must(argc == 3, "usage: catenax_sites DIRECTORY CONTAINER");
    import_container(argv[2]);
    for (uint32_t i = 0; i < site_count; i++) {
        cells_open(&sites[i].side, argv[1], sites[i].org);
    }
    state_all();
    tell(true);
    tell(false);
    for (uint32_t i = 0; i < site_count; i++) {
        start_anew(&sites[i].side);
    }
    for (uint32_t i = 0; i < agreement_count; i++) {
        compare(&agreements[i]);
    }
    for (uint32_t i = 0; i < site_count; i++) {
        (void)printf("side %s", sites[i].owner);
        for (uint32_t k = 0; k < agreement_count; k++) {
            if (agreements[k].sites[0] == i || agreements[k].sites[1] == i) {
                print_edges(i, &agreements[k], NULL);
            }
        }
        (void)printf("\n");
    }
    print_trees();
    for (uint32_t i = 0; i < told_count; i++) {
        cells_stated_destroy(&told[i].stated);
    }
    for (uint32_t i = 0; i < site_count; i++) {
        cells_close(&sites[i].side);
    }
    return 0;
}
