#include "jepsen/work/accounts.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/accord.h"
#include "jepsen/cluster/files.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/process.h"
#include "jepsen/work/tides.h"

enum {
    EVEN_TRIES = 240, /* a minute: far above what recovery is judged by */
    EVEN_MS = 250,
    EXPORT_MS = 60000,
    EXPORT_TRIES = 6,
    FILE_BYTES_MAX = 64 << 20,
    LEAF_SIZE_MAX = 256,
    SALT_SIZE = 16,
    HASH_SIZE = 32,
    LEAKS_SHOWN = 8
};

struct account {
    struct jep_worker *worker;
    const struct jep_plant *plant;
    const char *out;
    unsigned site, agreement, other;
    bool is_even;
    struct jep_arena *arena;
};

/* --- projections ------------------------------------------------------------------------- */

/* What is left of a projection; at == NULL: it could not be read. */
struct rest {
    const uint8_t *at, *end;
};

static uint64_t take_number(struct rest *r)
{
    uint64_t number = 0;
    for (unsigned shift = 0; r->at != NULL && shift < 64; shift += 7) {
        if (r->at == r->end) {
            break;
        }
        uint8_t byte = *r->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return number;
        }
    }
    r->at = NULL;
    return 0;
}

static const uint8_t *take(struct rest *r, uint64_t size)
{
    const uint8_t *at = r->at;
    if (at == NULL || size > (uint64_t)(r->end - at)) {
        r->at = NULL;
        return NULL;
    }
    r->at += size;
    return at;
}

static const char *take_text(struct rest *r, struct jep_arena *arena)
{
    uint64_t size = take_number(r);
    const uint8_t *at = take(r, size);
    return at != NULL ? jep_arena_text(arena, (const char *)at, size) : "";
}

/* One item: shown, named, blind or erased. */
static void take_item(
    struct rest *r, struct jep_arena *arena, const char **ret_path, const char **ret_value)
{
    const uint8_t *shape = take(r, 1);
    *ret_path = *ret_value = "";
    if (shape == NULL) {
        return;
    }
    if (*shape == 0) {
        (void)take(r, SALT_SIZE + 1);
        *ret_path = take_text(r, arena);
        *ret_value = take_text(r, arena);
    } else if (*shape == 1 || *shape == 3) {
        (void)take_text(r, arena);
        (void)take(r, HASH_SIZE);
    } else if (*shape == 2) {
        (void)take(r, 1 + HASH_SIZE);
    } else {
        r->at = NULL;
    }
}

/* [digest unit e verdict shown] of a statement; unit -1: it cannot be read. */
static struct jep_edn row_of(struct account *a, const char *digest, const struct jep_text *bytes)
{
    struct rest r = {(const uint8_t *)bytes->bytes, (const uint8_t *)bytes->bytes + bytes->size};
    const char *verdict = "", *shown = "";
    int64_t unit = -1, e = -1;
    (void)take(&r, take_number(&r));
    const char *asset = take_text(&r, a->arena);
    uint64_t count = take_number(&r);
    for (uint64_t i = 0; i < count && r.at != NULL; i++) {
        const char *path, *value;
        take_item(&r, a->arena, &path, &value);
        e = strcmp(path, "e") == 0 ? strtoll(value, NULL, 10) : e;
        verdict = strcmp(path, "verdict") == 0 ? value : verdict;
        shown = strstr(value, JEP_HIDDEN) != NULL ? value : shown;
    }
    if (r.at == r.end) {
        (void)sscanf(asset, JEP_UNIT "%" SCNd64, &unit);
    }
    struct jep_edn row[] = {jep_edn_string_copy(a->arena, digest), jep_edn_int(unit),
        jep_edn_int(e), jep_edn_string_copy(a->arena, verdict), jep_edn_string(shown)};
    return jep_edn_vector(a->arena, row, 5);
}

/* --- streams ----------------------------------------------------------------------------- */

static bool read_file(const char *path, struct jep_text *text)
{
    struct jep_message ignored;
    jep_text_free(text);
    *text = (struct jep_text){0};
    return jep_text_read_file(text, path, FILE_BYTES_MAX, &ignored);
}

/* ["contract 1 sha256:..."] or a statement's row. */
static struct jep_edn leaf_of(struct account *a, const char *directory, const char *leaf)
{
    static const char statement[] = "statement sha256:";
    struct jep_text bytes = {0};
    struct jep_edn row;
    if (strncmp(leaf, statement, sizeof(statement) - 1) != 0) {
        struct jep_edn line = jep_edn_string_copy(a->arena, leaf);
        return jep_edn_vector(a->arena, &line, 1);
    }
    const char *digest = leaf + sizeof(statement) - 1;
    (void)read_file(jep_arena_format(a->arena, "%s/statement/%s", directory, digest), &bytes);
    row = row_of(a, digest, &bytes);
    jep_text_free(&bytes);
    return row;
}

/* Leaves of one bundle: two bytes of size, then the leaf. */
static void add_bundle(struct account *a, const char *directory, const struct jep_text *bundle,
    struct jep_edn_list *rows)
{
    const uint8_t *at = (const uint8_t *)bundle->bytes;
    size_t left = bundle->size;
    while (left >= 2) {
        size_t size = (size_t)at[0] << 8 | at[1];
        if (size > left - 2 || size > LEAF_SIZE_MAX) {
            jep_edn_push(rows, jep_edn_string("a bundle that cannot be read"));
            return;
        }
        char *leaf = jep_arena_text(a->arena, (const char *)at + 2, size);
        leaf[strcspn(leaf, "\n")] = '\0';
        jep_edn_push(rows, leaf_of(a, directory, leaf));
        at += 2 + size;
        left -= 2 + size;
    }
}

/* Bundles by their paths: tile/entries/000, 001 ..., the last one with .p/N behind it. */
static struct jep_edn read_stream(struct account *a, const char *directory)
{
    struct jep_edn_list rows = {0};
    struct jep_files files =
        jep_files_list(jep_arena_format(a->arena, "%s/tile/entries", directory), a->arena);
    for (size_t i = 0; i < files.count; i++) {
        struct jep_text bundle = {0};
        if (read_file(files.items[i].path, &bundle)) {
            add_bundle(a, directory, &bundle, &rows);
        }
        jep_text_free(&bundle);
    }
    return jep_edn_take_vector(&rows, a->arena);
}

static const char *directory_of(const struct account *a, bool is_received)
{
    return jep_arena_format(a->arena, "%s/account-%u-%s-%s", a->out, a->site,
        jep_accord_name(a->agreement), is_received ? "received" : "sent");
}

static bool start_export(
    struct account *a, bool is_received, unsigned node, struct jep_capture *capture)
{
    const struct jep_site *site = a->worker->client.site;
    const char *directory = directory_of(a, is_received);
    const char *const argv[] = {site->weft, "partner", "export", jep_accord_name(a->agreement),
        directory, "--endpoint", site->nodes[node % site->count].endpoint, "--identity",
        site->identity, "-q", is_received ? "--received" : NULL, NULL};
    struct jep_message ignored;
    return jep_files_remove(directory, &ignored) &&
           jep_capture_start(capture, argv, jep_layout_env, NULL, &ignored);
}

/* JEP-71. Both streams, at once. False: one was not given. */
static bool export(struct account *a, unsigned node)
{
    struct jep_capture captures[2];
    bool is_given = true, is_started[2];
    for (unsigned i = 0; i < 2; i++) {
        is_started[i] = start_export(a, i == 1, node, &captures[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        int64_t until_ns = jep_now_ns() + (int64_t)EXPORT_MS * 1000000;
        is_given = is_started[i] && jep_capture_finish(&captures[i], until_ns) == 0 && is_given;
        if (is_started[i]) {
            jep_capture_free(&captures[i]);
        }
    }
    return is_given;
}

/* --- what both come to ------------------------------------------------------------------- */

static const char *word_behind(struct account *a, const char *text, const char *key)
{
    return jep_tide_word(text, key, a->arena);
}

static const char *sum_of(struct account *a)
{
    return jep_tide_file(&a->worker->client,
        jep_arena_format(a->arena, "cells/%s", jep_accord_name(a->agreement)), a->arena);
}

/* [unit value state] of the cell in which verdicts meet. */
static struct jep_edn cell_of(struct account *a, int64_t unit)
{
    struct jep_client *client = &a->worker->client;
    const char *cell = NULL;
    for (unsigned n = 0; n < client->site->count && cell == NULL; n++) {
        cell = jep_tide_cell(client, a->agreement, unit, a->arena);
        client->home = (client->home + (cell == NULL ? 1 : 0)) % client->site->count;
    }
    struct jep_edn row[] = {jep_edn_int(unit), jep_edn_string(word_behind(a, cell, "\nvalue ")),
        jep_edn_string(word_behind(a, cell, "\nstate "))};
    return jep_edn_vector(a->arena, row, 3);
}

static int by_number(const void *x, const void *y)
{
    const int64_t *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

static void add_units(const struct jep_edn *rows, int64_t *units, size_t *count)
{
    for (uint32_t i = 0; rows->type == JEP_EDN_VECTOR && i < rows->count; i++) {
        const struct jep_edn *row = &rows->items[i];
        if (row->type == JEP_EDN_VECTOR && row->count == 5 && row->items[1].integer >= 0) {
            units[(*count)++] = row->items[1].integer;
        }
    }
}

/* Of each unit that either stream is about. */
static struct jep_edn cells_of(
    struct account *a, const struct jep_edn *sent, const struct jep_edn *received)
{
    struct jep_edn_list cells = {0};
    size_t count = 0;
    int64_t *units = jep_alloc((size_t)sent->count + received->count + 1, sizeof(*units));
    add_units(sent, units, &count);
    add_units(received, units, &count);
    qsort(units, count, sizeof(*units), by_number);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || units[i] != units[i - 1]) {
            jep_edn_push(&cells, cell_of(a, units[i]));
        }
    }
    free(units);
    return jep_edn_take_vector(&cells, a->arena);
}

/* --- what is hidden ---------------------------------------------------------------------- */

static void search(
    struct account *a, const char *directory, const char *what, struct jep_edn_list *leaks)
{
    struct jep_files files = jep_files_list(directory, a->arena);
    for (size_t i = 0; i < files.count && leaks->count < LEAKS_SHOWN; i++) {
        struct jep_text text = {0};
        if (read_file(files.items[i].path, &text) && text.size > 0 &&
            memmem(text.bytes, text.size, what, strlen(what)) != NULL) {
            jep_edn_push(leaks, jep_edn_string(files.items[i].path));
        }
        jep_text_free(&text);
    }
}

/* Files of this site's nodes that hold what the other one hides. */
static struct jep_edn leaks_of(struct account *a)
{
    struct jep_edn_list leaks = {0};
    const char *what = jep_arena_format(a->arena, JEP_HIDDEN "%u-", a->other);
    for (unsigned i = 0; i < jep_plant_count(a->plant); i++) {
        const struct jep_node_info *node = jep_plant_node(a->plant, i);
        if (node->cluster == a->site) {
            search(a, node->data, what, &leaks);
            search(a, node->home, what, &leaks);
        }
    }
    return jep_edn_take_vector(&leaks, a->arena);
}

/* --- the operation ----------------------------------------------------------------------- */

static bool is_same(
    const struct jep_edn *a, const char *of_a, const struct jep_edn *b, const char *of_b)
{
    const struct jep_edn *x = jep_edn_get(a, of_a), *y = jep_edn_get(b, of_b);
    return x != NULL && y != NULL && jep_edn_equal(x, y);
}

/* Each has all that the other stated, and the other knows it; and both come to the same. */
static bool are_even(struct jep_worker *const *workers, unsigned agreement)
{
    struct jep_arena *arena = jep_arena_create();
    const unsigned sites[] = {0, agreement};
    struct jep_edn stands[2];
    const char *shared[2];
    for (unsigned i = 0; i < 2; i++) {
        struct account a = {.worker = workers[sites[i]], .agreement = agreement, .arena = arena};
        stands[i] = jep_tide_read(&a.worker->client, sites[i], agreement, arena);
        shared[i] = word_behind(&a, sum_of(&a), " shared ");
    }
    bool is_even = strcmp(shared[0], shared[1]) == 0;
    for (unsigned i = 0; i < 2; i++) {
        is_even = is_even && is_same(&stands[i], "sent", &stands[i], "acknowledged") &&
                  is_same(&stands[i], "sent", &stands[i], "signed") &&
                  is_same(&stands[i], "sent", &stands[1 - i], "received");
    }
    jep_arena_destroy(arena);
    return is_even;
}

static void tell(struct account *a)
{
    struct jep_edn_list value = {0};
    bool is_given = false;
    jep_worker_write(a->worker, &(struct jep_op){.type = JEP_INVOKE, .f = "account"});
    for (unsigned n = 0; n < EXPORT_TRIES && !is_given; n++) {
        is_given = export(a, n);
    }
    const char *sum = is_given ? sum_of(a) : NULL;
    if (sum != NULL) {
        struct jep_edn sent = read_stream(a, directory_of(a, false));
        struct jep_edn received = read_stream(a, directory_of(a, true));
        jep_edn_put(&value, "site", jep_edn_int(a->site));
        jep_edn_put(&value, "agreement", jep_edn_int(a->agreement));
        jep_edn_put(&value, "other", jep_edn_int(a->other));
        jep_edn_put(&value, "even", jep_edn_bool(a->is_even));
        jep_edn_put(&value, "sent", sent);
        jep_edn_put(&value, "received", received);
        jep_edn_put(&value, "shared", jep_edn_string(word_behind(a, sum, " shared ")));
        jep_edn_put(&value, "cells", cells_of(a, &sent, &received));
        jep_edn_put(&value, "leaks", leaks_of(a));
    }
    struct jep_op end = {.type = sum != NULL ? JEP_OK : JEP_FAIL, .f = "account"};
    end.value = jep_edn_take_map(&value, a->arena);
    end.error = sum != NULL ? jep_edn_nil() : jep_edn_keyword("not-told");
    jep_worker_write(a->worker, &end);
    jep_arena_destroy(a->arena);
}

/* Sites give their accounts at the same time. */
static void *tell_one(void *ctx)
{
    struct account *a = ctx;
    tell(a);
    return NULL;
}

static void tell_both(struct account accounts[2])
{
    pthread_t thread;
    bool is_started = pthread_create(&thread, NULL, tell_one, &accounts[0]) == 0;
    (void)tell_one(&accounts[1]);
    if (is_started) {
        (void)pthread_join(thread, NULL);
    } else {
        (void)tell_one(&accounts[0]);
    }
}

void jep_accounts_tell(struct jep_worker *const *workers, unsigned sites,
    const struct jep_plant *plant, const char *out)
{
    for (unsigned agreement = 1; agreement < sites; agreement++) {
        bool is_even = are_even(workers, agreement);
        for (int tries = 1; tries < EVEN_TRIES && !is_even; tries++) {
            jep_sleep_ms(EVEN_MS);
            is_even = are_even(workers, agreement);
        }
        struct account accounts[2];
        for (unsigned side = 0; side < 2; side++) {
            unsigned site = side == 0 ? 0 : agreement;
            accounts[side] = (struct account){.worker = workers[site],
                .plant = plant,
                .out = out,
                .site = site,
                .agreement = agreement,
                .other = side == 0 ? agreement : 0,
                .is_even = is_even,
                .arena = jep_arena_create()};
        }
        tell_both(accounts);
    }
}
