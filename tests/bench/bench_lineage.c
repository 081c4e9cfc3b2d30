/* What the index of lineage takes and gives, on a generated genealogy.
 *
 * usage: bench_lineage [--parts N] [--dir DIR] [--keep] [--no-index] [--seed N]
 *
 * N parts over ten levels of assembly, each with a record of how it was built, an inspection and a
 * run; lots are shared. Built batch by batch, in each the lowest level first, as a plant does.
 * Traces go forward from lots that reach about 10,000 and 100,000 parts, and back from a unit. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "node/state/state.h"
#include "proto/arith.h"
#include "tests/lib/entries.h"

enum {
    LEVELS = 10,
    BATCH_UNITS = 500,
    COMMIT_RECORDS = 64,
    LINKS_MAX = 24,
    LEAVES_PER_LOT = 500,
    ROUNDS = 9,
};

#define TIME_FIRST INT64_C(1700000000000000000)
#define GROWTH 1.3 /* Each level has so many times the parts of the one above it. */

struct options {
    uint32_t parts;
    uint64_t seed;
    const char *directory;
    bool keep;
    bool no_index;
};

struct genealogy {
    const struct options *o;
    struct weft_state *state;
    uint32_t counts[LEVELS];
    uint32_t special[2]; /* Leaves with the lots that are traced. */
    struct test_entry entry;
    struct weft_arena records; /* Of the commit under way. */
    struct weft_arena arena;
    struct weft_record commit[COMMIT_RECORDS];
    uint32_t commit_count;
    uint64_t index;
    uint64_t made;
    double apply_s;
};

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "bench_lineage: %s: %s\n", weft_err_name(err), msg->text);
        exit(1);
    }
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static struct weft_state *open_state(const struct options *o)
{
    struct weft_state *state;
    struct weft_msg msg;
    const struct weft_state_options options = {.directory = o->directory,
        .site = "plant1",
        .org = "acme.example",
        .cluster = 1,
        .cache_bytes = 256 << 20,
        .memtable_bytes = 32 << 20,
        .lineage_bytes = o->no_index ? 0 : UINT64_C(1) << 32};
    must(weft_state_open(&options, &state, &msg), &msg);
    return state;
}

/* --- the history ----------------------------------------------------------------------------- */

static void flush(struct genealogy *g)
{
    struct weft_commit commit = {.records = g->commit, .record_count = g->commit_count};
    struct weft_applied_item *items;
    uint32_t count;
    struct weft_msg msg;
    if (g->commit_count == 0) {
        return;
    }
    g->index++;
    test_entry_begin(&g->entry);
    if (!test_entry_commit(&g->entry, "spiffe://plant1.example/service/mes", &commit)) {
        must(WEFT_ETOOBIG, &(struct weft_msg){"a commit"});
    }
    struct weft_log_entry entry =
        test_entry_end(&g->entry, g->index, 1, TIME_FIRST + (int64_t)g->index * 1000000);
    double from = cpu_seconds();
    must(weft_state_apply(g->state, &entry, 1, false, &g->arena, &items, &count, &msg), &msg);
    g->apply_s += cpu_seconds() - from;
    must(items[0].err, &(struct weft_msg){"refused"});
    weft_arena_reset(&g->arena);
    weft_arena_reset(&g->records);
    g->commit_count = 0;
}

static struct weft_text name(struct genealogy *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct weft_text name(struct genealogy *g, const char *format, ...)
{
    char text[64];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return weft_arena_text(&g->records, weft_text_of(text));
}

static struct weft_text part_name(struct genealogy *g, uint32_t level, uint32_t number)
{
    return name(g, "serial:g%u/%07u", level, number);
}

static void add_record(struct genealogy *g, const char *kind, struct weft_text asset,
    const struct weft_link *links, uint32_t link_count)
{
    struct weft_field *fields = weft_arena_array(&g->records, 4, sizeof(*fields));
    struct weft_link *copy = weft_arena_array(&g->records, link_count + 1, sizeof(*copy));
    memcpy(copy, links, link_count * sizeof(*copy));
    fields[0] = (struct weft_field){
        WEFT_TEXT("station"), name(g, "st-%u", (uint32_t)(g->made % 24)), WEFT_VALUE_TEXT};
    fields[1] = (struct weft_field){WEFT_TEXT("flatness/value"),
        name(g, "%u.%03u", (uint32_t)(g->made % 7), (uint32_t)(g->made % 1000)), WEFT_VALUE_REAL};
    fields[2] = (struct weft_field){WEFT_TEXT("flatness/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT};
    fields[3] = (struct weft_field){WEFT_TEXT("verdict"), WEFT_TEXT("PASS"), WEFT_VALUE_TEXT};
    g->commit[g->commit_count++] = (struct weft_record){.kind = weft_text_of(kind),
        .asset = asset,
        .fields = fields,
        .field_count = 4,
        .links = copy,
        .link_count = link_count};
    g->made++;
    if (g->commit_count == COMMIT_RECORDS) {
        flush(g);
    }
}

/* The first of the parts below `number` of this level. */
static uint32_t first_below(const struct genealogy *g, uint32_t level, uint32_t number)
{
    return (uint32_t)((uint64_t)number * g->counts[level + 1] / g->counts[level]);
}

static void add_part(struct genealogy *g, uint32_t level, uint32_t number)
{
    static const struct weft_field quantity = {
        WEFT_TEXT("quantity"), WEFT_TEXT("1"), WEFT_VALUE_INT};
    struct weft_link links[LINKS_MAX];
    uint32_t count = 0;
    struct weft_text asset = part_name(g, level, number);
    if (level + 1 < LEVELS) {
        uint32_t end = first_below(g, level, number + 1);
        for (uint32_t i = first_below(g, level, number); i < end && count < LINKS_MAX - 4; i++) {
            links[count++] =
                (struct weft_link){WEFT_TEXT("consumes"), part_name(g, level + 1, i), &quantity, 1};
        }
    } else {
        links[count++] = (struct weft_link){
            .rel = WEFT_TEXT("uses_lot"), .to = name(g, "lot:raw/%u", number / LEAVES_PER_LOT)};
        for (uint32_t i = 0; i < 2; i++) {
            if (number < g->special[i]) {
                links[count++] = (struct weft_link){
                    .rel = WEFT_TEXT("uses_lot"), .to = name(g, "lot:wide/%u", i)};
            }
        }
    }
    if (mix(number ^ g->o->seed) % 2 == 0) {
        links[count++] = (struct weft_link){
            .rel = WEFT_TEXT("uses_lot"), .to = name(g, "lot:glue%u/%u", level, number / 2000)};
    }
    links[count++] = (struct weft_link){
        .rel = WEFT_TEXT("made_on"), .to = name(g, "plant1/line%u/mill-%u", level, number % 8)};
    add_record(g, "as_built", asset, links, count);
    asset = part_name(g, level, number);
    add_record(g, "inspection", asset, NULL, 0);
    asset = part_name(g, level, number);
    add_record(g, "process_run", asset, &links[count - 1], 0);
}

static void build(struct genealogy *g)
{
    uint32_t done[LEVELS] = {0};
    double share = 0, part = 1;
    for (int level = 0; level < LEVELS; level++) {
        share += part;
        part *= GROWTH;
    }
    part = 1;
    for (int level = 0; level < LEVELS; level++) {
        g->counts[level] = (uint32_t)(g->o->parts * part / share);
        part *= GROWTH;
    }
    for (uint32_t i = 0; i < 2; i++) {
        g->special[i] = (uint32_t)((i == 0 ? 10000 : 100000) * part / GROWTH / share);
    }
    for (uint32_t to = BATCH_UNITS; done[0] < g->counts[0]; to += BATCH_UNITS) {
        uint32_t ends[LEVELS] = {to < g->counts[0] ? to : g->counts[0]};
        for (uint32_t level = 0; level + 1 < LEVELS; level++) {
            ends[level + 1] = ends[level] == g->counts[level] ? g->counts[level + 1]
                                                              : first_below(g, level, ends[level]);
        }
        for (uint32_t level = LEVELS; level-- > 0;) {
            for (; done[level] < ends[level]; done[level]++) {
                add_part(g, level, done[level]);
            }
        }
    }
    flush(g);
}

/* --- questions ------------------------------------------------------------------------------- */

struct outcome {
    uint64_t assets;
    uint64_t records;
    uint64_t bytes; /* Encoded. */
    uint32_t pages;
};

static struct outcome ask(struct weft_state *state, struct weft_query query)
{
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_buffer out = {.size_max = 16 << 20};
    struct outcome outcome = {0};
    uint8_t cursor[64];
    do {
        struct weft_view *view;
        struct weft_client_message m;
        struct weft_msg msg;
        weft_arena_reset(&arena);
        weft_buffer_clear(&out);
        must(weft_view_open(state, &view, &msg), &msg);
        must(weft_view_query(view, &query, &arena, &m, &msg), &msg);
        weft_view_close(view);
        m.request_id = 1;
        must(weft_client_encode(&m, &out), &(struct weft_msg){"encode"});
        outcome.assets = m.trace.answers_total;
        outcome.records += m.trace.records.count;
        outcome.bytes += out.size;
        outcome.pages++;
        memcpy(cursor, m.trace.cursor.data, m.trace.cursor.size);
        query.cursor = (struct weft_bytes){cursor, m.trace.cursor.size};
    } while (query.cursor.size > 0);
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&out);
    return outcome;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(struct weft_state *state, const char *what, const struct weft_query *query)
{
    double times[ROUNDS], cpu[ROUNDS];
    struct outcome outcome = {0};
    for (int i = 0; i < ROUNDS; i++) {
        double from = seconds(), cpu_from = cpu_seconds();
        outcome = ask(state, *query);
        times[i] = (seconds() - from) * 1e3;
        cpu[i] = (cpu_seconds() - cpu_from) * 1e3;
    }
    double first = times[0];
    qsort(times, ROUNDS, sizeof(times[0]), compare_doubles);
    qsort(cpu, ROUNDS, sizeof(cpu[0]), compare_doubles);
    (void)printf("%-32s %7" PRIu64 " assets %7" PRIu64
                 " records %5.1f MB %3u pages: median %8.2f ms, "
                 "CPU %8.2f ms; first %.2f ms\n",
        what, outcome.assets, outcome.records, (double)outcome.bytes / 1e6, outcome.pages,
        times[ROUNDS / 2], cpu[ROUNDS / 2], first);
    (void)fflush(stdout);
}

static void measure_all(const struct genealogy *g, struct weft_state *state)
{
    static const char *const lots[] = {"lot:raw/3", "lot:wide/0", "lot:wide/1"};
    char what[80];
    for (size_t i = 0; i < sizeof(lots) / sizeof(lots[0]); i++) {
        struct weft_query q = {
            .type = WEFT_QUERY_TRACE_FORWARD, .asset = weft_text_of(lots[i]), .ids_only = true};
        (void)snprintf(what, sizeof(what), "forward %s, ids", lots[i]);
        measure(state, what, &q);
        q.as_of = g->index - 1;
        (void)snprintf(what, sizeof(what), "forward %s, ids, as of", lots[i]);
        measure(state, what, &q);
        q.as_of = 0;
        q.has_at = true;
        q.at_ns = TIME_FIRST + (int64_t)g->index * 1000000;
        (void)snprintf(what, sizeof(what), "forward %s, ids, at", lots[i]);
        measure(state, what, &q);
        q.has_at = q.ids_only = false;
        (void)snprintf(what, sizeof(what), "forward %s, steps", lots[i]);
        measure(state, what, &q);
        q.with_records = true;
        (void)snprintf(what, sizeof(what), "forward %s, records", lots[i]);
        measure(state, what, &q);
        q = (struct weft_query){.type = WEFT_QUERY_RECALL, .asset = weft_text_of(lots[i])};
        (void)snprintf(what, sizeof(what), "recall %s", lots[i]);
        measure(state, what, &q);
    }
    struct weft_query back = {
        .type = WEFT_QUERY_TRACE_BACK, .asset = WEFT_TEXT("serial:g0/0000100")};
    measure(state, "back unit 100, steps", &back);
    back.with_records = true;
    measure(state, "back unit 100, records", &back);
}

/* --- main ------------------------------------------------------------------------------------ */

static void report_index(const struct genealogy *g, struct weft_state *state)
{
    struct weft_lineage_stats stats;
    weft_state_lineage(state, &stats);
    (void)printf("%u parts, %" PRIu64 " records: index %.1f MB, %.1f bytes per part; %" PRIu64
                 " nodes, %" PRIu64 " groups, %" PRIu64 " edges\n",
        g->o->parts, g->made, (double)stats.used_bytes / 1e6,
        (double)stats.used_bytes / g->o->parts, stats.nodes, stats.groups, stats.edges);
}

static void run(const struct options *o)
{
    struct genealogy *g = calloc(1, sizeof(*g));
    g->o = o;
    g->arena.size_max = g->records.size_max = 64 << 20;
    g->state = open_state(o);
    build(g);
    (void)printf("apply: %.2f us CPU per record\n", g->apply_s * 1e6 / (double)g->made);
    report_index(g, g->state);
    weft_state_close(g->state);
    double from = seconds();
    g->state = open_state(o);
    (void)printf("restart: %.2f s\n", seconds() - from);
    report_index(g, g->state);
    measure_all(g, g->state);
    weft_state_close(g->state);
    weft_arena_destroy(&g->arena);
    weft_arena_destroy(&g->records);
    test_entry_destroy(&g->entry);
    free(g);
}

int main(int argc, char **argv)
{
    struct options o = {.parts = 100000, .seed = 1, .directory = "/tmp/bench_lineage"};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--parts") == 0 && i + 1 < argc) {
            o.parts = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            o.seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
            o.directory = argv[++i];
        } else if (strcmp(argv[i], "--keep") == 0) {
            o.keep = true;
        } else if (strcmp(argv[i], "--no-index") == 0) {
            o.no_index = true;
        } else {
            (void)fprintf(stderr,
                "usage: bench_lineage [--parts N] [--dir DIR] [--keep] [--no-index] [--seed N]\n");
            return 2;
        }
    }
    char command[600];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", o.directory);
    if (system(command) != 0) {
        return 1;
    }
    run(&o);
    return o.keep || system(command) == 0 ? 0 : 1;
}
