#include "tests/bench/thread_answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/arith.h"
#include "proto/digest.h"
#include "proto/record_json.h"
#include "proto/writer.h"
#include "tests/bench/genealogy.h"

enum {
    ASSETS_MAX = 100 * 1000,
    LINE_SIZE = 1024,
};

/* One line of the input. */
struct question {
    char label[64];
    enum thread_what what;
    uint32_t rounds;
    uint64_t as_of;
    struct weft_text *assets;
    uint32_t asset_count;
    struct weft_arena arena;
};

void thread_must(bool is_true, const char *format, ...)
{
    if (!is_true) {
        va_list args;
        va_start(args, format);
        (void)vfprintf(stderr, format, args);
        va_end(args);
        (void)fputc('\n', stderr);
        exit(1);
    }
}

static double clock_of(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double thread_seconds(void)
{
    return clock_of(CLOCK_MONOTONIC);
}

/* --- sums ------------------------------------------------------------------------------------ */

/* Of the item in `sum->text`, so that the order in which items come does not matter. */
static void add_item(struct thread_sum *sum)
{
    struct weft_digest digest = weft_sha256(sum->text.data, sum->text.size);
    sum->words[0] += weft_get_be64(digest.bytes);
    sum->words[1] += weft_get_be64(digest.bytes + 8);
}

static void put(struct thread_sum *sum, struct weft_text text)
{
    sum->bytes += text.size;
    thread_must(weft_buffer_text(&sum->text, text) == WEFT_OK &&
                    weft_buffer_text(&sum->text, WEFT_TEXT("\n")) == WEFT_OK,
        "no memory for an item");
}

void thread_sum_name(struct thread_sum *sum, struct weft_text name)
{
    weft_buffer_clear(&sum->text);
    put(sum, name);
    add_item(sum);
    sum->count++;
}

void thread_sum_step(
    struct thread_sum *sum, struct weft_text asset, struct weft_text rel, uint32_t depth)
{
    weft_buffer_clear(&sum->text);
    put(sum, asset);
    put(sum, rel);
    thread_must(weft_buffer_format(&sum->text, "%" PRIu32, depth) == WEFT_OK, "no memory");
    add_item(sum);
}

void thread_sum_record(struct thread_sum *sum, bool is_ordered, struct weft_text asset,
    struct weft_text kind, int64_t at_us, struct weft_text body)
{
    weft_buffer_clear(&sum->text);
    put(sum, asset);
    put(sum, kind);
    put(sum, body);
    enum weft_err err =
        weft_buffer_format(&sum->text, "%" PRId64 "\n%" PRIu64, at_us, is_ordered ? sum->count : 0);
    thread_must(err == WEFT_OK, "no memory for an item");
    add_item(sum);
    sum->count++;
}

void thread_body(
    const struct weft_record *record, struct weft_arena *scratch, struct weft_buffer *out)
{
    struct weft_writer w = {.out = *out};
    weft_writer_open(&w, NULL, '{');
    weft_writer_raw(&w, "attrs", WEFT_TEXT(""));
    enum weft_err err = weft_fields_to_json(record->fields, record->field_count, scratch, &w.out);
    weft_writer_open(&w, "links", '[');
    for (uint32_t i = 0; err == WEFT_OK && i < record->link_count; i++) {
        const struct weft_link *l = &record->links[i];
        weft_writer_open(&w, NULL, '{');
        weft_writer_text(&w, "rel", l->rel);
        weft_writer_text(&w, "to", l->to);
        if (l->field_count > 0) {
            weft_writer_raw(&w, "attrs", WEFT_TEXT(""));
            err = weft_fields_to_json(l->fields, l->field_count, scratch, &w.out);
        }
        weft_writer_close(&w, '}');
    }
    weft_writer_close(&w, ']');
    weft_writer_close(&w, '}');
    thread_must(err == WEFT_OK && !w.is_broken, "a record's text: %s", weft_err_name(err));
    *out = w.out;
}

/* --- questions ------------------------------------------------------------------------------- */

static void draw_assets(
    struct question *q, const struct thread_options *o, bool is_unit, uint32_t count)
{
    struct genealogy g;
    genealogy_init(&g, o->units, o->seed);
    thread_must(count > 0 && count <= ASSETS_MAX, "%s: so many assets", q->label);
    q->assets = weft_arena_array(&q->arena, count, sizeof(*q->assets));
    thread_must(q->assets != NULL, "no memory for a question");
    for (uint32_t i = 0; i < count; i++) {
        uint64_t random = genealogy_mix(o->seed ^ genealogy_mix(i + 1));
        uint32_t level = 0, number = (uint32_t)(random % o->units);
        if (!is_unit) {
            number = (uint32_t)(random % ((uint64_t)o->units * GENEALOGY_UNIT_PARTS));
            while (number >= genealogy_parts(&g, level)) {
                number -= genealogy_parts(&g, level++);
            }
        }
        q->assets[i] = genealogy_part(&q->arena, level, number);
    }
    q->asset_count = count;
}

static void read_question(const struct thread_options *o, char *line, struct question *ret_question)
{
    static const char *const names[] = {"story", "ids", "records", "paths"};
    struct question q = {.arena = {.size_max = 64 << 20}};
    char what[16], asset[LINE_SIZE];
    uint32_t count;
    int found = sscanf(line, "%63s %15s %" SCNu32 " %" SCNu64 " %1000s", q.label, what, &q.rounds,
        &q.as_of, asset);
    thread_must(found == 5, "not a question: %s", line);
    uint32_t number = 0;
    while (number < THREAD_WHATS && strcmp(names[number], what) != 0) {
        number++;
    }
    thread_must(number < THREAD_WHATS, "not a question: %s", line);
    q.what = (enum thread_what)number;
    if (sscanf(asset, "@unit:%" SCNu32, &count) == 1) {
        draw_assets(&q, o, true, count);
    } else if (sscanf(asset, "@part:%" SCNu32, &count) == 1) {
        draw_assets(&q, o, false, count);
    } else {
        q.assets = weft_arena_array(&q.arena, 1, sizeof(*q.assets));
        thread_must(q.assets != NULL, "no memory for a question");
        q.assets[0] = weft_arena_text(&q.arena, weft_text_of(asset));
        q.asset_count = 1;
    }
    *ret_question = q;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* --- the clock ------------------------------------------------------------------------------- */

static void report(const struct question *q, const struct thread_sum *sum, double *times,
    uint32_t count, double cpu_s)
{
    struct weft_writer w = {.is_broken = false};
    char digest[40];
    (void)snprintf(
        digest, sizeof(digest), "%016" PRIx64 "%016" PRIx64, sum->words[0], sum->words[1]);
    qsort(times, count, sizeof(*times), compare_doubles);
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "label", weft_text_of(q->label));
    weft_writer_unsigned(&w, "count", sum->count);
    weft_writer_unsigned(&w, "bytes", sum->bytes);
    weft_writer_text(&w, "sum", weft_text_of(digest));
    if (count > 0) {
        weft_writer_real(&w, "min_us", times[0] * 1e6, 1);
        weft_writer_real(&w, "p50_us", times[count / 2] * 1e6, 1);
        weft_writer_real(&w, "p90_us", times[(uint64_t)count * 9 / 10] * 1e6, 1);
        weft_writer_real(&w, "max_us", times[count - 1] * 1e6, 1);
        weft_writer_real(&w, "client_cpu_us", cpu_s * 1e6 / count, 1);
    }
    weft_writer_close(&w, '}');
    weft_writer_end_line(&w);
    thread_must(!w.is_broken && fwrite(w.out.data, 1, w.out.size, stdout) == w.out.size &&
                    fflush(stdout) == 0,
        "nobody reads the answers");
    weft_writer_destroy(&w);
}

static void ask_one(struct question *q, thread_ask *ask, void *ctx)
{
    struct thread_sum sum = {.count = 0};
    uint32_t count = 0;
    double *times = malloc(((size_t)q->rounds * q->asset_count + 1) * sizeof(*times));
    thread_must(times != NULL, "no memory for the times");
    for (uint32_t i = 0; i < q->asset_count; i++) {
        ask(ctx, q->what, q->assets[i], q->as_of, &sum);
    }
    double cpu_s = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    for (uint32_t round = 0; round < q->rounds; round++) {
        for (uint32_t i = 0; i < q->asset_count; i++) {
            double from_s = thread_seconds();
            ask(ctx, q->what, q->assets[i], q->as_of, NULL);
            times[count++] = thread_seconds() - from_s;
        }
    }
    report(q, &sum, times, count, clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_s);
    weft_buffer_destroy(&sum.text);
    free(times);
}

void thread_ask_all(const struct thread_options *options, thread_ask *ask, void *ctx)
{
    char line[LINE_SIZE];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        struct question q;
        read_question(options, line, &q);
        ask_one(&q, ask, ctx);
        weft_arena_destroy(&q.arena);
    }
}

/* --- the command line ------------------------------------------------------------------------ */

void thread_options_read(int argc, char **argv, struct thread_options *ret_options)
{
    struct thread_options o = {.operation = argc > 1 ? argv[1] : "", .seed = 1};
    bool is_fine = strcmp(o.operation, "load") == 0 || strcmp(o.operation, "ask") == 0;
    for (int i = 2; is_fine && i < argc; i += 2) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value == NULL) {
            is_fine = false;
        } else if (strcmp(name, "--connect") == 0) {
            o.connect = value;
        } else if (strcmp(name, "--identity") == 0) {
            o.identity = value;
        } else if (strcmp(name, "--indexes") == 0) {
            o.indexes = value;
        } else if (strcmp(name, "--seed") == 0) {
            o.seed = strtoull(value, NULL, 10);
        } else if (strcmp(name, "--units") == 0) {
            o.units = (uint32_t)strtoul(value, NULL, 10);
        } else {
            is_fine = false;
        }
    }
    is_fine = is_fine && o.connect != NULL && o.units > 0 && o.units <= GENEALOGY_UNITS_MAX &&
              o.units % GENEALOGY_UNITS_STEP == 0;
    is_fine = is_fine && (strcmp(o.operation, "ask") == 0 || o.indexes != NULL);
    thread_must(is_fine,
        "usage: %s load|ask --connect WHERE [--identity DIR] --units N "
        "[--seed N] [--indexes FILE]",
        argv[0]);
    *ret_options = o;
}
