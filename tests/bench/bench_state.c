/* How fast the replicated state applies, how it grows, how soon it is back.
 *
 * usage: bench_state [--records N] [--per-entry N] [--entries-per-apply N] [--existing PERCENT]
 *                    [--links N] [--dir DIR] [--keep]
 *
 * Applies N records of about 300 bytes (as a request), one to a commit, packed into entries as a
 * leader under load packs them; then flushes, opens anew, reads. Its peer in the same run is
 * RocksDB alone: one key per record with as many bytes, in batches of the same size. */
#include <inttypes.h>
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "node/state/state.h"
#include "proto/arith.h"
#include "tests/lib/entries.h"

struct options {
    uint32_t records;
    uint32_t per_entry;
    uint32_t entries_per_apply;
    uint32_t existing; /* Percent of records that go to an asset there is. */
    uint32_t links;
    const char *directory;
    bool keep;
};

static double seconds(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double rss_mb(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;
    if (f != NULL) {
        (void)!fscanf(f, "%ld %ld", &size, &resident);
        (void)fclose(f);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static uint64_t disk_bytes(const char *directory)
{
    char command[600];
    uint64_t size = 0;
    (void)snprintf(command, sizeof(command), "du -sb --apparent-size '%s'", directory);
    FILE *f = popen(command, "r");
    if (f != NULL) {
        (void)!fscanf(f, "%" SCNu64, &size);
        (void)pclose(f);
    }
    return size;
}

static void must(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "bench_state: %s: %s\n", weft_err_name(err), msg->text);
        exit(1);
    }
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The n-th record: five fields, and a text that brings the request to about 300 bytes. */
static bool add_record(struct test_entry *e, const struct options *o, uint32_t n)
{
    char asset[64], value[32], to[2][64];
    bool is_new = mix(n) % 100 >= o->existing || n < 100;
    uint64_t number = is_new ? n : mix(n + 7) % n;
    (void)snprintf(asset, sizeof(asset), "serial:box/%08" PRIx64, mix(number) & 0xffffffff);
    (void)snprintf(value, sizeof(value), "%u.%03u", n % 97, n % 1000);
    const struct weft_field fields[] = {
        {WEFT_TEXT("flatness/value"), weft_text_of(value), WEFT_VALUE_REAL},
        {WEFT_TEXT("flatness/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("verdict"), WEFT_TEXT("PASS"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("run"), weft_text_of(value), WEFT_VALUE_REAL},
        {WEFT_TEXT("note"), WEFT_TEXT("turned, deburred, washed and measured at station 4"),
            WEFT_VALUE_TEXT},
    };
    struct weft_link links[2] = {{.rel = WEFT_TEXT("made_on")}, {.rel = WEFT_TEXT("uses_lot")}};
    (void)snprintf(to[0], sizeof(to[0]), "plant1/line%u/mill-%u", n % 4, n % 40);
    (void)snprintf(to[1], sizeof(to[1]), "lot:AL6061/%u", n / 500);
    links[0].to = weft_text_of(to[0]);
    links[1].to = weft_text_of(to[1]);
    const struct weft_record record = {.kind = WEFT_TEXT("inspection"),
        .asset = weft_text_of(asset),
        .source = WEFT_TEXT("mes:station-4"),
        .fields = fields,
        .field_count = sizeof(fields) / sizeof(fields[0]),
        .links = links,
        .link_count = o->links};
    struct weft_commit commit = {.records = &record, .record_count = 1};
    weft_put_le64(commit.request_id.bytes, mix(n));
    weft_put_le64(commit.request_id.bytes + 8, n + 1);
    return test_entry_commit(e, "spiffe://plant1.example/service/mes", &commit);
}

struct run {
    const struct options *o;
    struct weft_state *state;
    struct test_entry *entries; /* entries_per_apply of them. */
    struct weft_arena arena;
    uint64_t index;
    uint32_t made; /* Records so far. */
    double cpu_s;  /* Of the applying thread, in apply. */
    double wall_s;
    double longest_s;
    uint64_t request_bytes;
};

static void apply_some(struct run *r)
{
    struct weft_log_entry log[256];
    uint32_t count = 0;
    while (count < r->o->entries_per_apply && r->made < r->o->records) {
        struct test_entry *e = &r->entries[count];
        test_entry_begin(e);
        for (uint32_t i = 0; i < r->o->per_entry && r->made < r->o->records; i++, r->made++) {
            if (!add_record(e, r->o, r->made)) {
                break;
            }
        }
        r->index++;
        log[count] = test_entry_end(
            e, r->index, 1, INT64_C(1700000000000000000) + (int64_t)r->index * 1000000);
        r->request_bytes += log[count++].data.size;
    }
    struct weft_applied_item *items;
    uint32_t item_count;
    struct weft_msg msg;
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
    must(weft_state_apply(r->state, log, count, true, &r->arena, &items, &item_count, &msg), &msg);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    r->cpu_s += seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    r->wall_s += wall;
    r->longest_s = wall > r->longest_s ? wall : r->longest_s;
    for (uint32_t i = 0; i < item_count; i++) {
        must(items[i].err, &(struct weft_msg){"refused"});
    }
    weft_arena_reset(&r->arena);
}

static struct weft_state *open_state(const char *directory)
{
    struct weft_state *state;
    struct weft_msg msg;
    const struct weft_state_options options = {.directory = directory,
        .site = "plant1",
        .org = "acme.example",
        .cluster = 1,
        .cache_bytes = 64 << 20,
        .memtable_bytes = 32 << 20};
    must(weft_state_open(&options, &state, &msg), &msg);
    return state;
}

static double process_cpu(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

static void report(const char *what, uint32_t records, double wall, double cpu, double process)
{
    (void)printf("%-34s %9u %9.0f %8.2f %8.2f %8.2f %7.0f\n", what, records, (double)records / wall,
        wall * 1e6 / records, cpu * 1e6 / records, process * 1e6 / records, rss_mb());
    (void)fflush(stdout);
}

static void bench_state(const struct options *o, const char *directory, double *ret_bytes)
{
    struct run r = {.o = o, .state = open_state(directory), .arena = {.size_max = 1 << 28}};
    r.entries = calloc(o->entries_per_apply, sizeof(*r.entries));
    uint32_t marks[] = {10000, o->records / 2, o->records};
    uint32_t from = 0, mark = 0;
    double made_cpu = 0, process = process_cpu();
    while (r.made < o->records) {
        while (mark < 3 && marks[mark] <= from) {
            mark++;
        }
        double before = seconds(CLOCK_THREAD_CPUTIME_ID), in_apply = r.cpu_s;
        apply_some(&r);
        made_cpu += seconds(CLOCK_THREAD_CPUTIME_ID) - before - (r.cpu_s - in_apply);
        if (r.made >= marks[mark]) {
            char what[64];
            (void)snprintf(what, sizeof(what), "state: records %u to %u", from, r.made);
            double now = process_cpu();
            report(what, r.made - from, r.wall_s, r.cpu_s, now - process - made_cpu);
            from = r.made;
            r.wall_s = r.cpu_s = made_cpu = 0;
            process = now;
        }
    }
    struct weft_msg msg;
    double wall = seconds(CLOCK_MONOTONIC);
    must(weft_state_flush(r.state, &msg), &msg);
    (void)printf("longest apply %.1f ms; flush %.0f ms; durable index %" PRIu64 " of %" PRIu64
                 "; %.0f bytes/request\n",
        r.longest_s * 1e3, (seconds(CLOCK_MONOTONIC) - wall) * 1e3,
        weft_state_durable_index(r.state), r.index, (double)r.request_bytes / o->records);
    weft_state_close(r.state);
    *ret_bytes = (double)disk_bytes(directory) / o->records;
    for (uint32_t i = 0; i < o->entries_per_apply; i++) {
        test_entry_destroy(&r.entries[i]);
    }
    free(r.entries);
    weft_arena_destroy(&r.arena);
}

/* Questions as a node answers them: a view for each, a page of one asset's records. */
static void bench_reads(const struct options *o, struct weft_state *state)
{
    enum {
        READS = 50000
    };
    static const struct {
        enum weft_query_type type;
        const char *what;
    } questions[] = {{WEFT_QUERY_ASSET, "ASSET"}, {WEFT_QUERY_STORY, "STORY"}};
    struct weft_arena arena = {.size_max = 16 << 20};
    struct weft_msg msg;
    for (int round = 0; round < 4; round++) {
        double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
        for (uint32_t i = 0; i < READS; i++) {
            char asset[64];
            struct weft_view *view;
            struct weft_client_message answer;
            uint64_t number = mix(i + 1000 * (uint32_t)round) % o->records;
            (void)snprintf(asset, sizeof(asset), "serial:box/%08" PRIx64, mix(number) & 0xffffffff);
            const struct weft_query query = {
                .type = questions[round % 2].type, .asset = weft_text_of(asset)};
            must(weft_view_open(state, &view, &msg), &msg);
            enum weft_err err = weft_view_query(view, &query, &arena, &answer, &msg);
            if (err != WEFT_ENOTFOUND || o->existing == 0) {
                must(err, &msg);
            }
            weft_view_close(view);
            weft_arena_reset(&arena);
        }
        (void)printf("%s of a random asset, %s: %.1f us wall, %.1f us CPU\n",
            questions[round % 2].what, round < 2 ? "cold cache" : "again",
            (seconds(CLOCK_MONOTONIC) - wall) * 1e6 / READS,
            (seconds(CLOCK_THREAD_CPUTIME_ID) - cpu) * 1e6 / READS);
    }
    weft_arena_destroy(&arena);
}

static void bench_again(const struct options *o, const char *directory)
{
    double wall = seconds(CLOCK_MONOTONIC);
    struct weft_state *state = open_state(directory);
    double opened = seconds(CLOCK_MONOTONIC);
    struct weft_view *view;
    struct weft_msg msg;
    struct weft_digest_result digest;
    must(weft_view_open(state, &view, &msg), &msg);
    must(weft_view_digest(view, NULL, &digest, &msg), &msg);
    (void)printf("restart %.2f s; digest of %" PRIu64 " keys %.2f s; RSS %.0f MB\n", opened - wall,
        digest.keys, seconds(CLOCK_MONOTONIC) - opened, rss_mb());
    weft_view_close(view);
    bench_reads(o, state);
    weft_state_close(state);
}

/* One put per record: what any store on RocksDB pays at least. */
static void bench_peer(const struct options *o, const char *directory, double bytes_per_record)
{
    char *error = NULL;
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(options, 1);
    rocksdb_options_set_write_buffer_size(options, 32 << 20);
    rocksdb_options_set_max_write_buffer_number(options, 3);
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0);
    rocksdb_t *db = rocksdb_open(options, directory, &error);
    rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(write, 1);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    char value[4096];
    size_t size = bytes_per_record < 64 ? 64 : (size_t)bytes_per_record;
    for (size_t i = 0; i < sizeof(value); i++) {
        value[i] = (char)mix(i / 3);
    }
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
    double process = process_cpu();
    for (uint32_t n = 0; n < o->records && error == NULL; n++) {
        char key[16];
        weft_put_be64((uint8_t *)key, mix(n));
        weft_put_be64((uint8_t *)key + 8, n);
        rocksdb_writebatch_put(batch, key, sizeof(key), value + n % 512, size);
        if ((n + 1) % (o->per_entry * o->entries_per_apply) == 0 || n + 1 == o->records) {
            rocksdb_write(db, write, batch, &error);
            rocksdb_writebatch_clear(batch);
        }
    }
    report("peer: RocksDB, one key a record", o->records, seconds(CLOCK_MONOTONIC) - wall,
        seconds(CLOCK_THREAD_CPUTIME_ID) - cpu, process_cpu() - process);
    if (error != NULL) {
        (void)fprintf(stderr, "bench_state: peer: %s\n", error);
        exit(1);
    }
    rocksdb_writebatch_destroy(batch);
    rocksdb_writeoptions_destroy(write);
    rocksdb_close(db);
    rocksdb_options_destroy(options);
}

static void parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(name, "--keep") == 0) {
            o->keep = true;
            continue;
        }
        uint32_t number = (uint32_t)strtoul(value, NULL, 10);
        if (strcmp(name, "--records") == 0) {
            o->records = number;
        } else if (strcmp(name, "--per-entry") == 0) {
            o->per_entry = number;
        } else if (strcmp(name, "--entries-per-apply") == 0) {
            o->entries_per_apply = number;
        } else if (strcmp(name, "--existing") == 0) {
            o->existing = number;
        } else if (strcmp(name, "--links") == 0) {
            o->links = number;
        } else if (strcmp(name, "--dir") == 0) {
            o->directory = value;
        } else {
            (void)fprintf(stderr, "bench_state: unknown option %s\n", name);
            exit(2);
        }
        i++;
    }
    if (o->records < 20000 || o->per_entry == 0 || o->entries_per_apply == 0 ||
        o->entries_per_apply > 256 || o->links > 2 || o->existing > 100) {
        (void)fprintf(stderr, "bench_state: a number is out of range (at least 20000 records, "
                              "1 to 256 entries per apply, 0 to 2 links)\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.records = 1000000, .per_entry = 128, .entries_per_apply = 1};
    char base[512] = "/tmp/weft-bench-XXXXXX", directory[600], peer[600], command[700];
    parse(argc, argv, &o);
    if (o.directory != NULL) {
        (void)snprintf(base, sizeof(base), "%s", o.directory);
        (void)mkdir(base, 0700);
    } else if (mkdtemp(base) == NULL) {
        perror("bench_state");
        return 1;
    }
    (void)snprintf(directory, sizeof(directory), "%s/state", base);
    (void)snprintf(peer, sizeof(peer), "%s/peer", base);
    (void)printf("%u records, %u to an entry, %u entries to an apply, %u %% on assets there are, "
                 "%u links\n%-34s %9s %9s %8s %8s %8s %7s\n",
        o.records, o.per_entry, o.entries_per_apply, o.existing, o.links, "", "records",
        "records/s", "us wall", "us apply", "us CPU", "RSS MB");
    double bytes = 0;
    bench_state(&o, directory, &bytes);
    (void)printf("%.0f bytes on disk per record\n", bytes);
    bench_again(&o, directory);
    bench_peer(&o, peer, bytes);
    if (!o.keep) {
        (void)snprintf(command, sizeof(command), "rm -rf '%s'", base);
        return system(command) == 0 ? 0 : 1;
    }
    (void)printf("kept in %s\n", base);
    return 0;
}
