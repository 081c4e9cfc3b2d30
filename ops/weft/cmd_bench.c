#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "ops/weft/committer.h"
#include "ops/weft/histogram.h"
#include "proto/check.h"
#include "proto/limits.h"

/* bench: a closed loop, or with a rate an open one, whose latencies count from when a request was
 * due: a stall is not hidden by requests that were never sent in it. Every request is a template
 * encoded once, in which the assets' numbers and the request id are written over: the load must
 * not be the bottleneck. */

enum {
    DIGITS = 10, /* Of the asset's number. */
    CLIENTS_MAX = 1024,
    PREPARE_BATCH = 500,
    RECORDS_MAX = 500, /* In a commit: as many as imports put into one. */
    RECORDS_BYTES_MAX = 64 * 1024 * 1024,
    TURN_MS = 50,
    RATE_MAX = 10000000,
    KINDS_MAX = 1000,
};

#define KIND "bench.load"

struct bench;

/* One connection, with so many requests in flight. */
struct connection {
    struct bench *bench;
    struct weft_client *client;
    char kind[32]; /* Of its records. */
    struct weft_buffer template;
    size_t digits_at[RECORDS_MAX];
    uint32_t digits_count; /* Places with an asset's number; 0: every request is the same. */
    size_t id_at;          /* SIZE_MAX: the message has no request id. */
};

/* One request in flight: the slot goes on for ever. */
struct slot {
    struct connection *connection;
    struct slot *next; /* Among the idle ones. */
    uint64_t sent_ns;  /* With a rate: when it was due. */
};

struct bench {
    bool is_read, is_stale, is_spread;
    const struct weft_args *trace; /* A load of traces; NULL: of commits or reads. */
    uint64_t clients, outstanding, size_bytes, assets, count_max;
    uint64_t records; /* In a commit. */
    uint64_t kinds;   /* 0: all are KIND; else connections have KIND.0, KIND.1, ... in turn. */
    uint64_t rate;    /* Per second; 0: as fast as they are answered. */
    uint64_t warmup_ms, measure_ms;
    const char *prefix;
    struct weft_context context;
    struct weft_net *net;
    struct connection *connections;
    struct slot *slots, *idle;
    uint64_t random;
    uint64_t sequence;
    uint64_t id_high;
    uint64_t start_ns, from_ns, end_ns, last_ns;
    uint64_t started, completed, errors;
    struct weft_histogram *histogram; /* ns */
    struct weft_msg error;            /* The first. */
    enum weft_err err;
    bool is_over;
};

/* xorshift64* (Vigna, 2016). */
static uint64_t next_random(struct bench *b)
{
    b->random ^= b->random >> 12;
    b->random ^= b->random << 25;
    b->random ^= b->random >> 27;
    return b->random * 0x2545f4914f6cdd1du;
}

static const char *what_of(const struct bench *b)
{
    return b->trace != NULL ? "traces" : b->is_read ? "reads" : "commits";
}

/* --- templates --------------------------------------------------------------------------- */

static void put_digits(uint8_t *at, uint64_t number)
{
    for (int i = DIGITS - 1; i >= 0; i--) {
        at[i] = (uint8_t)('0' + number % 10);
        number /= 10;
    }
}

/* What stands in a template in the place of an asset's number: another one for each record, since
 * equal texts of one message are sent once. */
static void put_pattern(uint8_t *at, uint64_t record)
{
    put_digits(at, UINT64_C(7319246805) + record);
}

/* About size_bytes of each: what the fixed part does not take is filled with text. */
static struct weft_record *make_records(const struct connection *c, uint64_t count,
    const char *asset, uint32_t filler, struct weft_arena *arena)
{
    const struct weft_text prefix = weft_text_of(asset);
    struct weft_record *records = weft_arena_array(arena, count, sizeof(*records));
    for (uint64_t i = 0; records != NULL && i < count; i++) {
        struct weft_field *fields = weft_arena_array(arena, 3, sizeof(*fields));
        char *name = weft_arena_alloc(arena, prefix.size + DIGITS);
        char *text = weft_arena_alloc(arena, filler + DIGITS);
        if (fields == NULL || name == NULL || text == NULL) {
            return NULL;
        }
        memcpy(name, prefix.data, prefix.size);
        put_pattern((uint8_t *)name + prefix.size, i);
        memset(text, 'x', filler);
        if (count > 1 && filler > DIGITS) {
            put_digits((uint8_t *)text, i);
        }
        fields[0] =
            (struct weft_field){WEFT_TEXT("load/value"), WEFT_TEXT("0.014"), WEFT_VALUE_REAL};
        fields[1] = (struct weft_field){WEFT_TEXT("load/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT};
        fields[2] = (struct weft_field){WEFT_TEXT("text"), {text, filler}, WEFT_VALUE_TEXT};
        records[i] = (struct weft_record){.kind = weft_text_of(c->kind),
            .asset = {name, prefix.size + DIGITS},
            .fields = fields,
            .field_count = 3};
    }
    return records;
}

static enum weft_err encode_write(const struct connection *c, uint64_t records, const char *asset,
    uint32_t filler, struct weft_buffer *out)
{
    struct weft_arena arena = {.size_max = RECORDS_BYTES_MAX};
    struct weft_client_message message = {.kind = WEFT_KIND_COMMIT,
        .request_id = 1,
        .commit = {.records = make_records(c, records, asset, filler, &arena),
            .record_count = (uint32_t)records}};
    /* Found again by its bytes, below. */
    memset(message.commit.request_id.bytes, 0xa7, sizeof(message.commit.request_id.bytes));
    enum weft_err err =
        message.commit.records != NULL ? weft_client_encode(&message, out) : WEFT_ENOMEM;
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err encode_read(const struct bench *b, const char *asset, struct weft_buffer *out)
{
    struct weft_client_message message = {.kind = WEFT_KIND_QUERY,
        .request_id = 1,
        .query = {.type = WEFT_QUERY_ASSET,
            .consistency = b->is_stale ? WEFT_STALE : WEFT_LINEARIZABLE,
            .asset = weft_text_of(asset),
            .limit = 1}};
    return weft_client_encode(&message, out);
}

/* The first page of one and the same trace. */
static enum weft_err encode_trace(const struct bench *b, struct weft_buffer *out)
{
    struct weft_client_message message = {.kind = WEFT_KIND_QUERY,
        .request_id = 1,
        .query = {.type = weft_args_has(b->trace, "back") ? WEFT_QUERY_TRACE_BACK
                                                          : WEFT_QUERY_TRACE_FORWARD,
            .consistency = b->is_stale ? WEFT_STALE : WEFT_LINEARIZABLE,
            .asset = weft_text_of(b->trace->operands[0]),
            .ids_only = weft_args_has(b->trace, "ids"),
            .with_records = weft_args_has(b->trace, "records")}};
    return weft_client_encode(&message, out);
}

/* The one place where `pattern` stands. */
static enum weft_err find_once(
    const struct weft_buffer *in, const void *pattern, size_t size, size_t *ret_at)
{
    uint8_t *first = memmem(in->data, in->size, pattern, size);
    if (first == NULL) {
        return WEFT_ENOTFOUND;
    }
    size_t behind = (size_t)(first - in->data) + 1;
    *ret_at = behind - 1;
    return memmem(in->data + behind, in->size - behind, pattern, size) == NULL ? WEFT_OK
                                                                               : WEFT_EINVAL;
}

static enum weft_err encode_load(
    const struct connection *c, const char *asset, struct weft_buffer *out)
{
    const struct bench *b = c->bench;
    if (b->is_read) {
        char first[WEFT_ASSET_SIZE_MAX + 1] = {0};
        struct weft_text prefix = weft_text_of(asset);
        memcpy(first, prefix.data, prefix.size);
        put_pattern((uint8_t *)first + prefix.size, 0);
        return encode_read(b, first, out);
    }
    uint32_t filler = 1;
    enum weft_err err = encode_write(c, 1, asset, filler, out);
    if (err == WEFT_OK && (out->size < b->size_bytes || b->records > 1)) {
        filler += out->size < b->size_bytes ? (uint32_t)(b->size_bytes - out->size) : 0;
        weft_buffer_clear(out);
        err = encode_write(c, b->records, asset, filler, out);
    }
    return err;
}

static enum weft_err find_places(struct connection *c)
{
    const struct bench *b = c->bench;
    uint8_t pattern[DIGITS], id[16];
    enum weft_err err = WEFT_OK;
    memset(id, 0xa7, sizeof(id));
    c->digits_count = b->is_read ? 1 : (uint32_t)b->records;
    for (uint32_t i = 0; err == WEFT_OK && i < c->digits_count; i++) {
        put_pattern(pattern, i);
        err = find_once(&c->template, pattern, sizeof(pattern), &c->digits_at[i]);
    }
    return err == WEFT_OK && !b->is_read ? find_once(&c->template, id, sizeof(id), &c->id_at) : err;
}

static enum weft_err make_template(struct connection *c, struct weft_msg *msg)
{
    const struct bench *b = c->bench;
    char asset[WEFT_ASSET_SIZE_MAX + 1]; /* Without its number. */
    (void)snprintf(asset, sizeof(asset), "%s/", b->prefix);
    c->id_at = SIZE_MAX;
    enum weft_err err =
        b->trace != NULL ? encode_trace(b, &c->template) : encode_load(c, asset, &c->template);
    if (err == WEFT_OK && b->trace == NULL) {
        err = find_places(c);
    }
    return err == WEFT_OK ? WEFT_OK : weft_fail(msg, err, "make a request: %s", weft_err_name(err));
}

/* --- the loop ---------------------------------------------------------------------------- */

static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg);

static void start_one(struct slot *slot, uint64_t now_ns)
{
    struct connection *c = slot->connection;
    weft_assert(c != NULL);
    struct bench *b = c->bench;
    if (b->is_over || (b->count_max > 0 && b->started >= b->count_max)) {
        return;
    }
    for (uint32_t i = 0; i < c->digits_count; i++) {
        uint64_t number = b->is_read ? next_random(b) : b->sequence * b->records + i;
        put_digits(c->template.data + c->digits_at[i], number % b->assets);
    }
    b->sequence++;
    b->started++;
    if (c->id_at != SIZE_MAX) {
        memcpy(c->template.data + c->id_at, &b->id_high, sizeof(b->id_high));
        memcpy(c->template.data + c->id_at + 8, &b->sequence, sizeof(b->sequence));
    }
    slot->sent_ns = now_ns;
    enum weft_err err = weft_client_submit_raw(
        c->client, (struct weft_bytes){c->template.data, c->template.size}, on_answer, slot);
    if (err != WEFT_OK && b->err == WEFT_OK) {
        b->err = weft_fail(&b->error, err, "send a request: %s", weft_err_name(err));
        b->is_over = true;
    }
}

/* When the next request is due: only with a rate. */
static uint64_t next_due_ns(const struct bench *b)
{
    uint64_t seconds = b->started / b->rate;
    return b->start_ns + seconds * 1000000000 + b->started % b->rate * 1000000000 / b->rate;
}

/* The slot is free: with a rate it waits until a request is due. */
static void go_on(struct slot *slot, uint64_t now_ns)
{
    weft_assert(slot->connection != NULL);
    struct bench *b = slot->connection->bench;
    if (b->rate == 0) {
        start_one(slot, now_ns);
        return;
    }
    slot->next = b->idle;
    b->idle = slot;
}

static void start_due(struct bench *b, uint64_t now_ns)
{
    while (b->rate > 0 && !b->is_over && b->idle != NULL && next_due_ns(b) <= now_ns) {
        struct slot *slot = b->idle;
        b->idle = slot->next;
        start_one(slot, next_due_ns(b));
    }
}

static uint32_t turn_ms(const struct bench *b)
{
    uint64_t now_ns = weft_monotonic_ns();
    if (b->rate == 0 || b->idle == NULL) {
        return TURN_MS;
    }
    uint64_t due_ns = next_due_ns(b);
    uint64_t wait_ms = due_ns > now_ns ? (due_ns - now_ns + 999999) / 1000000 : 0;
    return wait_ms < TURN_MS ? (uint32_t)wait_ms : TURN_MS;
}

static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct slot *slot = ctx;
    struct bench *b = slot->connection->bench;
    uint64_t now_ns = weft_monotonic_ns();
    (void)answer;
    if (err != WEFT_OK) {
        if (b->errors++ == 0) {
            b->error = *msg;
        }
        /* Refused for good, or nobody answers: a load of errors measures nothing. */
        if (weft_err_class(err) != WEFT_CLASS_RETRY) {
            b->err = err;
            b->is_over = true;
        }
    } else if (now_ns >= b->from_ns && now_ns <= b->end_ns) {
        weft_histogram_add(b->histogram, now_ns - slot->sent_ns);
        b->last_ns = now_ns;
    }
    b->completed++;
    go_on(slot, now_ns);
}

static uint64_t outstanding_of(const struct bench *b)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < b->clients; i++) {
        sum += weft_client_outstanding(b->connections[i].client);
    }
    return sum;
}

static void run(struct bench *b, const struct weft_args *args)
{
    struct weft_progress progress;
    uint64_t begun_ns = weft_monotonic_ns();
    b->start_ns = begun_ns;
    b->from_ns = begun_ns + b->warmup_ms * 1000000;
    b->end_ns = b->from_ns + b->measure_ms * 1000000;
    weft_progress_start(&progress, args, what_of(b), "", b->count_max);
    for (uint64_t i = 0; i < b->clients * b->outstanding; i++) {
        go_on(&b->slots[i], weft_monotonic_ns());
    }
    while (!b->is_over && weft_monotonic_ns() < b->end_ns &&
           !(b->count_max > 0 && b->completed >= b->count_max)) {
        start_due(b, weft_monotonic_ns());
        weft_net_turn(b->net, turn_ms(b));
        weft_progress_show(&progress, b->completed);
    }
    b->is_over = true;
    weft_progress_end(&progress);
    while (outstanding_of(b) > 0) {
        weft_net_turn(b->net, TURN_MS); /* So that nobody is left writing after we report. */
    }
}

/* --- before ------------------------------------------------------------------------------ */

static enum weft_err read_options(
    const struct weft_args *args, struct bench *b, struct weft_msg *msg)
{
    uint64_t assets = b->is_read ? 1000 : 100000;
    b->is_stale = weft_args_has(args, "stale");
    b->is_spread = weft_args_has(args, "spread");
    b->prefix = weft_args_text(args, "prefix", "bench");
    if (strlen(b->prefix) + 1 + DIGITS > WEFT_ASSET_SIZE_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "--prefix: too long");
    }
    enum weft_err err = weft_args_number(args, "clients", 1, CLIENTS_MAX, 8, &b->clients, msg);
    if (err == WEFT_OK) {
        err = weft_args_number(args, "outstanding", 1, 4096, 1, &b->outstanding, msg);
    }
    if (err == WEFT_OK) {
        err =
            weft_args_number(args, "size", 1, WEFT_VALUE_SIZE_MAX - 1024, 300, &b->size_bytes, msg);
    }
    if (err == WEFT_OK && !b->is_read) {
        err = weft_args_number(args, "records", 1, RECORDS_MAX, 1, &b->records, msg);
    }
    if (err == WEFT_OK && !b->is_read) {
        err = weft_args_number(args, "kinds", 1, KINDS_MAX, 0, &b->kinds, msg);
    }
    if (err == WEFT_OK) {
        err = weft_args_number(args, "rate", 1, RATE_MAX, 0, &b->rate, msg);
    }
    if (err == WEFT_OK) {
        err = weft_args_number(args, "assets", 1, 9999999999u, assets, &b->assets, msg);
    }
    if (err == WEFT_OK) {
        err = weft_args_number(args, "count", 1, UINT64_MAX, 0, &b->count_max, msg);
    }
    if (err == WEFT_OK) {
        err = weft_args_duration_ms(args, "seconds", 10000, &b->measure_ms, msg);
    }
    if (err == WEFT_OK) {
        /* With a count all of it is measured. */
        err =
            weft_args_duration_ms(args, "warmup", b->count_max > 0 ? 0 : 1000, &b->warmup_ms, msg);
    }
    return err;
}

static void ignore_commit(
    void *ctx, const struct weft_commit_result *result, uint32_t first, uint32_t last)
{
    (void)ctx, (void)result, (void)first, (void)last;
}

/* Reads need something to read. */
static enum weft_err prepare_assets(struct bench *b, struct weft_msg *msg)
{
    struct weft_committer committer;
    struct weft_client *client = b->connections[0].client;
    static char text[WEFT_VALUE_SIZE_MAX];
    memset(text, 'x', sizeof(text));
    struct weft_field field = {WEFT_TEXT("text"), {text, (size_t)b->size_bytes}, WEFT_VALUE_TEXT};
    enum weft_err err =
        weft_committer_init(&committer, client, PREPARE_BATCH, 4, ignore_commit, NULL, msg);
    for (uint64_t i = 0; err == WEFT_OK && i < b->assets; i++) {
        char asset[WEFT_ASSET_SIZE_MAX + 1];
        (void)snprintf(asset, sizeof(asset), "%s/%0*" PRIu64, b->prefix, DIGITS, i);
        struct weft_record record = {.kind = WEFT_TEXT(KIND),
            .asset = weft_arena_text(weft_committer_arena(&committer), weft_text_of(asset)),
            .fields = &field,
            .field_count = 1};
        err = weft_committer_add(&committer, &record, (uint32_t)i, msg);
    }
    if (err == WEFT_OK) {
        err = weft_committer_finish(&committer, msg);
    } else {
        weft_committer_abandon(&committer);
    }
    weft_committer_destroy(&committer);
    return err == WEFT_OK ? WEFT_OK : weft_wrap(msg, err, "write what is to be read");
}

static enum weft_err connect_one(
    struct bench *b, uint64_t number, uint64_t timeout_ms, struct weft_msg *msg)
{
    struct connection *c = &b->connections[number];
    struct weft_context context = b->context;
    if (b->is_spread) {
        uint32_t first = (uint32_t)(number % b->context.endpoint_count);
        for (uint32_t i = 0; i < context.endpoint_count; i++) {
            memcpy(context.endpoints[i], b->context.endpoints[(first + i) % context.endpoint_count],
                sizeof(context.endpoints[i]));
        }
    }
    c->bench = b;
    (void)snprintf(c->kind, sizeof(c->kind), KIND);
    if (b->kinds > 0) {
        (void)snprintf(c->kind, sizeof(c->kind), KIND ".%" PRIu64, number % b->kinds);
    }
    enum weft_err err = weft_client_create(b->net, &context, timeout_ms, false, &c->client, msg);
    return err == WEFT_OK ? make_template(c, msg) : err;
}

static enum weft_err prepare(const struct weft_args *args, struct bench *b, struct weft_msg *msg)
{
    uint64_t timeout_ms = 0;
    enum weft_err err =
        weft_args_duration_ms(args, "timeout", WEFT_CLIENT_TIMEOUT_MS, &timeout_ms, msg);
    if (err == WEFT_OK) {
        err = weft_context_resolve(args, &b->context, msg);
    }
    if (err == WEFT_OK) {
        err = weft_net_from_args(args, &b->context, &b->net, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    b->connections = calloc(b->clients, sizeof(*b->connections));
    b->slots = calloc(b->clients * b->outstanding, sizeof(*b->slots));
    b->histogram = calloc(1, sizeof(*b->histogram));
    if (b->connections == NULL || b->slots == NULL || b->histogram == NULL ||
        getrandom(&b->id_high, sizeof(b->id_high), 0) != sizeof(b->id_high)) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for so many requests");
    }
    b->random = b->id_high | 1;
    for (uint64_t i = 0; err == WEFT_OK && i < b->clients; i++) {
        err = connect_one(b, i, timeout_ms, msg);
    }
    for (uint64_t i = 0; i < b->clients * b->outstanding; i++) {
        b->slots[i].connection = &b->connections[i % b->clients];
    }
    return err == WEFT_OK && b->is_read && b->trace == NULL ? prepare_assets(b, msg) : err;
}

/* --- after ------------------------------------------------------------------------------- */

struct figures {
    double seconds, per_second, cpu_percent;
    double mean_us, p50_us, p90_us, p99_us, p999_us, max_us;
    uint64_t repeats;
};

static double us(uint64_t ns)
{
    return (double)ns / 1000;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static struct figures figures_of(const struct bench *b, double cpu_before)
{
    const struct weft_histogram *h = b->histogram;
    struct figures f = {0};
    uint64_t until_ns = b->count_max > 0 && b->last_ns > 0 ? b->last_ns : b->end_ns;
    f.seconds = (double)(until_ns - b->from_ns) / 1e9;
    f.per_second = f.seconds > 0 ? (double)h->count / f.seconds : 0;
    f.cpu_percent =
        (cpu_seconds() - cpu_before) * 100 / ((double)(weft_monotonic_ns() - b->start_ns) / 1e9);
    f.mean_us = weft_histogram_mean(h) / 1000;
    f.p50_us = us(weft_histogram_quantile(h, 0.5));
    f.p90_us = us(weft_histogram_quantile(h, 0.9));
    f.p99_us = us(weft_histogram_quantile(h, 0.99));
    f.p999_us = us(weft_histogram_quantile(h, 0.999));
    f.max_us = us(h->max);
    for (uint64_t i = 0; i < b->clients; i++) {
        f.repeats += weft_client_repeats(b->connections[i].client);
    }
    return f;
}

static enum weft_err report(const struct weft_args *args, const struct bench *b,
    const struct figures *f, struct weft_msg *msg)
{
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (format == WEFT_FORMAT_TABLE) {
        struct weft_table t;
        (void)printf("%s: %" PRIu64 " connections, %" PRIu64
                     " in flight each, %.1f s, about %" PRIu64 " bytes\n",
            what_of(b), b->clients, b->outstanding, f->seconds, b->size_bytes);
        weft_table_init(
            &t, ">PER SECOND|>COUNT|>ERRORS|>REPEATED|>P50 us|>P90|>P99|>P99.9|>MAX|>OWN CPU");
        weft_table_format(&t, "%.0f", f->per_second);
        weft_table_format(&t, "%" PRIu64, b->histogram->count);
        weft_table_format(&t, "%" PRIu64, b->errors);
        weft_table_format(&t, "%" PRIu64, f->repeats);
        weft_table_format(&t, "%.0f", f->p50_us);
        weft_table_format(&t, "%.0f", f->p90_us);
        weft_table_format(&t, "%.0f", f->p99_us);
        weft_table_format(&t, "%.0f", f->p999_us);
        weft_table_format(&t, "%.0f", f->max_us);
        weft_table_format(&t, "%.0f %%", f->cpu_percent);
        weft_table_print(&t, stdout);
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "operation",
        b->trace != NULL ? WEFT_TEXT("trace")
        : b->is_read     ? WEFT_TEXT("read")
                         : WEFT_TEXT("write"));
    weft_writer_unsigned(&w, "clients", b->clients);
    weft_writer_unsigned(&w, "outstanding", b->outstanding);
    weft_writer_unsigned(&w, "size_bytes", b->size_bytes);
    weft_writer_unsigned(&w, "records", b->records);
    weft_writer_real(&w, "seconds", f->seconds, 3);
    weft_writer_unsigned(&w, "count", b->histogram->count);
    weft_writer_real(&w, "per_second", f->per_second, 1);
    weft_writer_unsigned(&w, "errors", b->errors);
    weft_writer_unsigned(&w, "repeats", f->repeats);
    weft_writer_real(&w, "mean_us", f->mean_us, 1);
    weft_writer_real(&w, "p50_us", f->p50_us, 1);
    weft_writer_real(&w, "p90_us", f->p90_us, 1);
    weft_writer_real(&w, "p99_us", f->p99_us, 1);
    weft_writer_real(&w, "p999_us", f->p999_us, 1);
    weft_writer_real(&w, "max_us", f->max_us, 1);
    weft_writer_real(&w, "client_cpu_percent", f->cpu_percent, 1);
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

static void destroy(struct bench *b)
{
    for (uint64_t i = 0; b->connections != NULL && i < b->clients; i++) {
        weft_client_destroy(b->connections[i].client);
        weft_buffer_destroy(&b->connections[i].template);
    }
    weft_net_close(b->net);
    free(b->connections);
    free(b->slots);
    free(b->histogram);
}

static enum weft_exit bench(const struct weft_args *args, bool is_read, bool is_trace)
{
    struct bench b = {.is_read = is_read, .trace = is_trace ? args : NULL};
    struct weft_msg msg = {""};
    enum weft_err err = read_options(args, &b, &msg);
    if (err == WEFT_OK) {
        err = prepare(args, &b, &msg);
    }
    if (err == WEFT_OK) {
        double cpu_before = cpu_seconds();
        run(&b, args);
        struct figures f = figures_of(&b, cpu_before);
        err = report(args, &b, &f, &msg);
    }
    if (err == WEFT_OK && b.errors + (b.err != WEFT_OK ? 1 : 0) > 0) {
        err = b.err != WEFT_OK ? b.err : WEFT_EUNAVAILABLE;
        (void)weft_fail(&msg, err, "%" PRIu64 " errors, the first: %.300s", b.errors, b.error.text);
    }
    destroy(&b);
    return weft_complain(err, &msg);
}

enum weft_exit weft_cmd_bench_write(const struct weft_args *args)
{
    return bench(args, false, false);
}

enum weft_exit weft_cmd_bench_read(const struct weft_args *args)
{
    return bench(args, true, false);
}

enum weft_exit weft_cmd_bench_trace(const struct weft_args *args)
{
    return bench(args, true, true);
}
