/* tests/bench/thread_postgres.c: PostgreSQL's side of the `thread` measurement: the generated
 * history by COPY, and questions as prepared statements with binary results over one connection,
 * so that the client costs PostgreSQL as little as can be.
 *
 * The tables are those of postgres_tables.sql. `reached` and `inside` go over indexes alone, and
 * UNION does away with what was found before. Of depth and path, which Weft tells, nothing is
 * asked. */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"
#include "proto/thread.h"
#include "tests/bench/genealogy.h"
#include "tests/bench/thread_answer.h"

enum {
    WORDS_MAX = 16,
    COPY_SIZE = 256 * 1024, /* of what is sent at once, bytes */
    ARENA_SIZE_MAX = 64 << 20,
};

#define EPOCH_US INT64_C(946684800000000) /* 2000-01-01, PostgreSQL's zero, in us since 1970 */

static void must_be(PGconn *connection, PGresult *result, ExecStatusType wanted, const char *what)
{
    ExecStatusType status = PQresultStatus(result);
    thread_must(status == wanted, "%s: %s", what, PQerrorMessage(connection));
}

static PGconn *connect_to(const char *where)
{
    PGconn *connection = PQconnectdb(where);
    thread_must(PQstatus(connection) == CONNECTION_OK, "%s", PQerrorMessage(connection));
    return connection;
}

/* --- load: ids for names --------------------------------------------------------------------- */

struct name {
    struct weft_text text; /* NULL: free. */
    int64_t id;
};

struct names {
    struct name *slots;
    size_t mask;
    int64_t count;
    struct weft_arena texts;
};

static void names_open(struct names *names, uint64_t expected)
{
    size_t capacity = 1024;
    while (capacity < 2 * expected) {
        capacity *= 2;
    }
    *names = (struct names){.slots = calloc(capacity, sizeof(*names->slots)),
        .mask = capacity - 1,
        .texts = {.size_max = SIZE_MAX / 2}};
    thread_must(names->slots != NULL, "no memory for names");
}

static void names_close(struct names *names)
{
    free(names->slots);
    weft_arena_destroy(&names->texts);
}

/* *ret_is_new: it had none. */
static int64_t id_of(struct names *names, struct weft_text text, bool *ret_is_new)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ (uint8_t)text.data[i]) * UINT64_C(0x100000001b3);
    }
    size_t at = genealogy_mix(hash) & names->mask;
    while (names->slots[at].text.data != NULL && !weft_text_equal(names->slots[at].text, text)) {
        at = (at + 1) & names->mask;
    }
    struct name *slot = &names->slots[at];
    *ret_is_new = slot->text.data == NULL;
    if (*ret_is_new) {
        slot->text = weft_arena_text(&names->texts, text);
        slot->id = ++names->count;
        thread_must(slot->text.data != NULL && (size_t)names->count < names->mask, "no memory");
    }
    return slot->id;
}

/* --- load: rows ------------------------------------------------------------------------------ */

/* COPY ... (FORMAT binary), on a connection of its own. */
struct copy {
    PGconn *connection;
    struct weft_buffer rows;
};

static void send_rows(struct copy *c)
{
    thread_must(PQputCopyData(c->connection, (const char *)c->rows.data, (int)c->rows.size) == 1,
        "COPY: %s", PQerrorMessage(c->connection));
    weft_buffer_clear(&c->rows);
}

static void put_bytes(struct copy *c, const void *data, size_t size)
{
    thread_must(weft_buffer_append(&c->rows, data, size) == WEFT_OK, "no memory for rows");
}

static void copy_start(struct copy *c, const char *where, const char *table)
{
    char statement[80];
    static const char head[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
    *c = (struct copy){.connection = connect_to(where)};
    (void)snprintf(statement, sizeof(statement), "COPY %s FROM STDIN (FORMAT binary)", table);
    PGresult *result = PQexec(c->connection, statement);
    must_be(c->connection, result, PGRES_COPY_IN, statement);
    PQclear(result);
    put_bytes(c, head, 19);
}

static void put_number(struct copy *c, uint64_t number, uint32_t size)
{
    uint8_t bytes[8];
    weft_put_be64(bytes, number);
    put_bytes(c, bytes + 8 - size, size);
}

static void row(struct copy *c, uint32_t fields)
{
    if (c->rows.size >= COPY_SIZE) {
        send_rows(c);
    }
    put_number(c, fields, 2);
}

static void whole(struct copy *c, uint64_t number, uint32_t size)
{
    put_number(c, size, 4);
    put_number(c, number, size);
}

static void characters(struct copy *c, const void *data, size_t size)
{
    put_number(c, size, 4);
    put_bytes(c, data, size);
}

static void copy_finish(struct copy *c)
{
    put_number(c, UINT16_MAX, 2);
    send_rows(c);
    thread_must(PQputCopyEnd(c->connection, NULL) == 1, "COPY: %s", PQerrorMessage(c->connection));
    PGresult *result = PQgetResult(c->connection);
    must_be(c->connection, result, PGRES_COMMAND_OK, "COPY");
    PQclear(result);
    PQfinish(c->connection);
    weft_buffer_destroy(&c->rows);
}

/* --- load ------------------------------------------------------------------------------------ */

struct load {
    struct copy assets, records, links;
    struct names names;
    const char *kinds[WORDS_MAX], *rels[WORDS_MAX]; /* By id, from 1. */
    FILE *indexes;
    uint64_t last_record, index; /* Under which the records up to that one were agreed. */
    struct weft_arena arena;
    struct weft_buffer body;
};

/* The generator's words are literals, so they need no copy. */
static uint64_t id_of_word(const char **words, struct weft_text word)
{
    for (uint64_t id = 1; id < WORDS_MAX; id++) {
        if (words[id] == NULL) {
            words[id] = word.data;
        }
        if (weft_text_is(word, words[id])) {
            return id;
        }
    }
    thread_must(false, "too many kinds or rels");
    return 0;
}

static uint64_t id_of_asset(struct load *load, struct weft_text name)
{
    bool is_new;
    uint64_t id = (uint64_t)id_of(&load->names, name, &is_new);
    if (is_new) {
        row(&load->assets, 2);
        whole(&load->assets, id, 8);
        characters(&load->assets, name.data, name.size);
    }
    return id;
}

static uint64_t index_of_record(struct load *load, uint64_t record)
{
    while (record > load->last_record) {
        thread_must(
            fscanf(load->indexes, "%" SCNu64 " %" SCNu64, &load->last_record, &load->index) == 2,
            "the file of indexes is too short");
    }
    return load->index;
}

static void add_links(
    struct load *load, const struct weft_record *record, uint64_t id, uint64_t from)
{
    for (uint32_t i = 0; i < record->link_count; i++) {
        const struct weft_link *l = &record->links[i];
        const struct weft_rel_traits *rel = weft_thread_rel_traits(weft_thread_rel(l->rel));
        bool is_material = rel->rel_class == WEFT_REL_CLASS_MATERIAL;
        thread_must(!is_material || !rel->is_asset_inside, "a rel of the other direction");
        uint64_t to = id_of_asset(load, l->to);
        row(&load->links, 6);
        whole(&load->links, id, 8);
        whole(&load->links, from, 8);
        whole(&load->links, to, 8);
        whole(&load->links, load->index, 8);
        whole(&load->links, id_of_word(load->rels, l->rel), 2);
        whole(&load->links, is_material, 1);
    }
}

static void add_record(struct load *load, const struct weft_record *record, uint64_t id)
{
    uint64_t asset = id_of_asset(load, record->asset);
    weft_buffer_clear(&load->body);
    thread_body(record, &load->arena, &load->body);
    row(&load->records, 6);
    whole(&load->records, id, 8);
    whole(&load->records, asset, 8);
    whole(&load->records, index_of_record(load, id), 8);
    whole(&load->records, (uint64_t)(record->at_ns / 1000 - EPOCH_US), 8);
    whole(&load->records, id_of_word(load->kinds, record->kind), 2);
    characters(&load->records, load->body.data, load->body.size);
    add_links(load, record, id, asset);
}

static void add_words(const char *where, const char *table, const char *const *words)
{
    PGconn *connection = connect_to(where);
    for (int id = 1; id < WORDS_MAX && words[id] != NULL; id++) {
        char statement[160];
        (void)snprintf(
            statement, sizeof(statement), "INSERT INTO %s VALUES (%d, '%s')", table, id, words[id]);
        PGresult *result = PQexec(connection, statement);
        must_be(connection, result, PGRES_COMMAND_OK, statement);
        PQclear(result);
    }
    PQfinish(connection);
}

static void load_all(const struct thread_options *o)
{
    struct load load = {.indexes = fopen(o->indexes, "r"), .arena = {.size_max = ARENA_SIZE_MAX}};
    struct genealogy g;
    struct weft_record record;
    thread_must(load.indexes != NULL, "%s cannot be read", o->indexes);
    double from_s = thread_seconds();
    genealogy_init(&g, o->units, o->seed);
    names_open(&load.names, genealogy_records(&g) / GENEALOGY_PART_RECORDS + genealogy_lots(&g));
    copy_start(&load.assets, o->connect, "asset");
    copy_start(&load.records, o->connect, "record");
    copy_start(&load.links, o->connect, "link");
    while (genealogy_next(&g, &load.arena, &record)) {
        add_record(&load, &record, g.made);
        weft_arena_reset(&load.arena);
    }
    copy_finish(&load.assets);
    copy_finish(&load.records);
    copy_finish(&load.links);
    add_words(o->connect, "kind", load.kinds);
    add_words(o->connect, "rel", load.rels);
    (void)printf("{\"records\": %" PRIu64 ", \"assets\": %" PRId64 ", \"seconds\": %.1f}\n", g.made,
        load.names.count, thread_seconds() - from_s);
    (void)fclose(load.indexes);
    names_close(&load.names);
    weft_arena_destroy(&load.arena);
    weft_buffer_destroy(&load.body);
}

/* --- ask ------------------------------------------------------------------------------------- */

/* By enum thread_what: now, and as of an index ($2). */
#define INSIDE(AS_OF)                                                                              \
    "WITH RECURSIVE start(id) AS MATERIALIZED (SELECT id FROM asset WHERE name = $1), "            \
    "inside(asset) AS (SELECT id FROM start UNION "                                                \
    "SELECT l.to_asset FROM inside i JOIN link l ON l.from_asset = i.asset AND "                   \
    "l.is_material " AS_OF(                                                                        \
        "l") "), "                                                                                 \
             "about(record) AS (SELECT l.record FROM start JOIN link l ON l.to_asset = start.id "  \
             "AND l.is_material " AS_OF(                                                           \
                 "l") " UNION SELECT l.record FROM start JOIN link l ON l.to_asset = start.id "    \
                      "AND NOT l.is_material " AS_OF("l") ") "
#define STORY(AS_OF)                                                                               \
    INSIDE(AS_OF)                                                                                  \
    "SELECT a.name, s.kind, s.at, s.body FROM (SELECT r.asset, r.kind, r.at, r.body, r.idx, r.id " \
    "FROM inside i JOIN record r ON r.asset = i.asset " AS_OF(                                     \
        "r") " UNION ALL SELECT r.asset, r.kind, r.at, r.body, r.idx, r.id FROM about b "          \
             "JOIN record r ON r.id = b.record WHERE r.asset NOT IN (SELECT asset FROM inside)) "  \
             "s "                                                                                  \
             "JOIN asset a ON a.id = s.asset ORDER BY s.at, s.idx, s.id"
#define IDS(AS_OF)                                                                                 \
    "WITH RECURSIVE reached(asset) AS (SELECT id FROM asset WHERE name = $1 UNION "                \
    "SELECT l.from_asset FROM reached r JOIN link l ON l.to_asset = r.asset AND "                  \
    "l.is_material " AS_OF(                                                                        \
        "l") ") "                                                                                  \
             "SELECT a.name FROM reached r JOIN asset a ON a.id = r.asset WHERE a.name <> $1"
#define RECORDS(AS_OF)                                                                             \
    "WITH RECURSIVE reached(asset, record) AS "                                                    \
    "(SELECT id, NULL::bigint FROM asset WHERE name = $1 UNION "                                   \
    "SELECT l.from_asset, l.record FROM reached r JOIN link l ON l.to_asset = r.asset "            \
    "AND l.is_material " AS_OF("l") ") "                                                           \
                                    "SELECT a.name, r.kind, r.at, r.body FROM reached e JOIN "     \
                                    "record r ON r.id = e.record "                                 \
                                    "JOIN asset a ON a.id = r.asset"
#define PATHS(AS_OF)                                                                               \
    "WITH RECURSIVE reached(asset, below, record, rel, depth) AS "                                 \
    "(SELECT id, NULL::bigint, NULL::bigint, NULL::smallint, 0 FROM asset WHERE name = $1 UNION "  \
    "SELECT l.from_asset, l.to_asset, l.record, l.rel, r.depth + 1 FROM reached r "                \
    "JOIN link l ON l.to_asset = r.asset AND l.is_material " AS_OF(                                \
        "l") "), "                                                                                 \
             "chosen AS (SELECT DISTINCT ON (asset) * FROM reached WHERE depth > 0 ORDER BY "      \
             "asset, depth) "                                                                      \
             "SELECT a.name, r.kind, r.at, r.body, c.rel, c.depth, b.name FROM chosen c "          \
             "JOIN record r ON r.id = c.record JOIN asset a ON a.id = c.asset "                    \
             "JOIN asset b ON b.id = c.below"
#define NOW(TABLE) ""
#define AS_OF_2(TABLE) "AND " TABLE ".idx <= $2 "

static const char *const statements[THREAD_WHATS][2] = {
    {STORY(NOW), STORY(AS_OF_2)},
    {IDS(NOW), IDS(AS_OF_2)},
    {RECORDS(NOW), RECORDS(AS_OF_2)},
    {PATHS(NOW), PATHS(AS_OF_2)},
};

struct side {
    PGconn *connection;
    struct weft_text kinds[WORDS_MAX], rels[WORDS_MAX];
    struct weft_arena words;
};

static struct weft_text value_of(const PGresult *result, int row_number, int column)
{
    return (struct weft_text){
        PQgetvalue(result, row_number, column), (size_t)PQgetlength(result, row_number, column)};
}

static void read_words(struct side *side, const char *statement, struct weft_text *words)
{
    PGresult *result = PQexec(side->connection, statement);
    must_be(side->connection, result, PGRES_TUPLES_OK, statement);
    for (int i = 0; i < PQntuples(result); i++) {
        long id = strtol(PQgetvalue(result, i, 0), NULL, 10);
        thread_must(id > 0 && id < WORDS_MAX, "%s: a strange id", statement);
        words[id] = weft_arena_text(&side->words, value_of(result, i, 1));
    }
    PQclear(result);
}

static void side_open(struct side *side, const char *where)
{
    *side = (struct side){.connection = connect_to(where), .words = {.size_max = 1 << 20}};
    for (int what = 0; what < THREAD_WHATS; what++) {
        for (int as_of = 0; as_of < 2; as_of++) {
            char name[8];
            (void)snprintf(name, sizeof(name), "q%d%d", what, as_of);
            PGresult *result = PQprepare(side->connection, name, statements[what][as_of], 0, NULL);
            must_be(side->connection, result, PGRES_COMMAND_OK, name);
            PQclear(result);
        }
    }
    read_words(side, "SELECT id, name FROM kind", side->kinds);
    read_words(side, "SELECT id, name FROM rel", side->rels);
}

/* Of any size. */
static int64_t number_of(const PGresult *result, int row_number, int column)
{
    struct weft_text value = value_of(result, row_number, column);
    uint64_t number = 0;
    for (size_t i = 0; i < value.size; i++) {
        number = number << 8 | (uint8_t)value.data[i];
    }
    return (int64_t)number;
}

static struct weft_text word_of(
    const struct weft_text *words, const PGresult *result, int row_number, int column)
{
    int64_t id = number_of(result, row_number, column);
    thread_must(id > 0 && id < WORDS_MAX, "a strange kind or rel");
    return words[id];
}

static void sum_row(const struct side *side, const PGresult *result, int i, enum thread_what what,
    struct thread_sum *sum)
{
    struct weft_text asset = value_of(result, i, 0);
    if (what == THREAD_IDS) {
        thread_sum_name(sum, asset);
        return;
    }
    thread_sum_record(sum, what == THREAD_STORY, asset, word_of(side->kinds, result, i, 1),
        number_of(result, i, 2) + EPOCH_US, value_of(result, i, 3));
    if (what == THREAD_PATHS) {
        thread_sum_step(
            sum, asset, word_of(side->rels, result, i, 4), (uint32_t)number_of(result, i, 5));
    }
}

static void ask(void *ctx, enum thread_what what, struct weft_text asset, uint64_t as_of,
    struct thread_sum *sum)
{
    struct side *side = ctx;
    char name[8];
    uint8_t index[8];
    const char *values[] = {asset.data, (const char *)index};
    const int sizes[] = {(int)asset.size, sizeof(index)};
    const int formats[] = {1, 1};
    weft_put_be64(index, as_of);
    (void)snprintf(name, sizeof(name), "q%d%d", (int)what, as_of != 0);
    PGresult *result =
        PQexecPrepared(side->connection, name, as_of != 0 ? 2 : 1, values, sizes, formats, 1);
    must_be(side->connection, result, PGRES_TUPLES_OK, name);
    for (int i = 0; sum != NULL && i < PQntuples(result); i++) {
        sum_row(side, result, i, what, sum);
    }
    PQclear(result);
}

int main(int argc, char **argv)
{
    struct thread_options o;
    struct side side;
    thread_options_read(argc, argv, &o);
    if (strcmp(o.operation, "load") == 0) {
        load_all(&o);
        return 0;
    }
    side_open(&side, o.connect);
    thread_ask_all(&o, ask, &side);
    PQfinish(side.connection);
    weft_arena_destroy(&side.words);
    return 0;
}
