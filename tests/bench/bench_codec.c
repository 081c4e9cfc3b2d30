/* tests/bench/bench_codec.c: what it costs to encode, and to verify and decode, the main messages.
 *
 *     bench_codec            table of ns of CPU time per message, best of 5 rounds */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/check.h"
#include "proto/client.h"
#include "proto/entry.h"
#include "proto/limits.h"
#include "proto/peer.h"

enum {
    ROUNDS = 5,
    ROUND_NS = 60 * 1000 * 1000
};

static struct weft_arena arena = {.size_max = 64 << 20};
static struct weft_buffer out;
static uint8_t payload[WEFT_ENTRY_SIZE_MAX];

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Best of ROUNDS rounds of about ROUND_NS each. */
static double measure(void (*work)(const void *input), const void *input)
{
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t count = 0, start = now_ns(), end;
        do {
            for (int i = 0; i < 64; i++) {
                work(input);
            }
            count += 64;
            end = now_ns();
        } while (end - start < ROUND_NS);
        double each = (double)(end - start) / (double)count;
        best = each < best ? each : best;
    }
    return best;
}

static void must(enum weft_err err)
{
    weft_assert(err == WEFT_OK); /* PRO-9 */
}

static void encode_client(const void *input)
{
    weft_buffer_clear(&out);
    must(weft_client_encode(input, &out));
}

static void encode_peer(const void *input)
{
    weft_buffer_clear(&out);
    must(weft_peer_encode(input, &out));
}

static void encode_record(const void *input)
{
    weft_buffer_clear(&out);
    must(weft_record_encode(input, &out));
}

static void decode_client(const void *input)
{
    struct weft_client_message m;
    weft_arena_reset(&arena);
    must(weft_client_decode(*(const struct weft_bytes *)input, &arena, &m, NULL, NULL));
}

static void decode_peer(const void *input)
{
    struct weft_peer_message m;
    weft_arena_reset(&arena);
    must(weft_peer_decode(*(const struct weft_bytes *)input, &arena, &m));
}

static void decode_record(const void *input)
{
    struct weft_record r;
    weft_arena_reset(&arena);
    must(weft_record_decode(*(const struct weft_bytes *)input, &arena, &r));
}

static void check_record(const void *input)
{
    must(weft_record_check(input, NULL, NULL));
}

static void copy(const void *input)
{
    const struct weft_bytes *bytes = input;
    memcpy(out.data, bytes->data, bytes->size);
    __asm__ volatile("" : : "r"(out.data) : "memory");
}

/* --- messages -------------------------------------------------------------------------------- */

static const struct weft_field attributes[] = {
    {WEFT_TEXT("verdict"), WEFT_TEXT("FAIL"), WEFT_VALUE_TEXT},
    {WEFT_TEXT("flatness/value"), WEFT_TEXT("0.014"), WEFT_VALUE_REAL},
    {WEFT_TEXT("flatness/unit"), WEFT_TEXT("mm"), WEFT_VALUE_TEXT},
    {WEFT_TEXT("flatness/max"), WEFT_TEXT("0.010"), WEFT_VALUE_REAL},
    {WEFT_TEXT("operator"), WEFT_TEXT("op/17"), WEFT_VALUE_TEXT},
};

static const struct weft_link links[] = {
    {.rel = WEFT_TEXT("made_on"), .to = WEFT_TEXT("plant1/line2/mill-2")},
    {.rel = WEFT_TEXT("uses_lot"), .to = WEFT_TEXT("lot:AL6061/22")},
};

static const struct weft_record record = {
    .kind = WEFT_TEXT("inspection"),
    .asset = WEFT_TEXT("serial:box/7"),
    .source = WEFT_TEXT("qif:Box_Results.qif#7"),
    .at_ns = 1501229802000000000,
    .has_at = true,
    .fields = attributes,
    .field_count = 5,
    .links = links,
    .link_count = 2,
};

static struct weft_bytes kept(void)
{
    uint8_t *data = malloc(out.size);
    weft_assert(data != NULL); /* PRO-9 */
    memcpy(data, out.data, out.size);
    return (struct weft_bytes){data, out.size};
}

static void row(const char *name, size_t size, double encode_ns, double decode_ns)
{
    (void)printf("%-34s %9zu %12.0f %12.0f\n", name, size, encode_ns, decode_ns);
}

static void client_row(const char *name, const struct weft_client_message *m)
{
    double encode_ns = measure(encode_client, m);
    struct weft_bytes message = kept();
    row(name, message.size, encode_ns, measure(decode_client, &message));
    free((void *)message.data);
}

static void peer_row(const char *name, const struct weft_peer_message *m)
{
    double encode_ns = measure(encode_peer, m);
    struct weft_bytes message = kept();
    row(name, message.size, encode_ns, measure(decode_peer, &message));
    free((void *)message.data);
}

static void client_rows(void)
{
    static struct weft_stored_record stored[25];
    struct weft_client_message m = {
        .kind = WEFT_KIND_COMMIT, .commit = {.records = &record, .record_count = 1}};
    client_row("COMMIT, 1 record", &m);
    double check_ns = measure(check_record, &record);
    double encode_ns = measure(encode_record, &record);
    struct weft_bytes encoded = kept();
    row("record alone", encoded.size, encode_ns, measure(decode_record, &encoded));
    row("of COMMIT: weft_record_check", 0, 0, check_ns);
    struct weft_receipt receipt = {WEFT_TEXT("serial:box/7"), 123456, {{1}}};
    m = (struct weft_client_message){.kind = WEFT_KIND_COMMIT_RESULT,
        .commit_result = {.index = 123456, .receipts = &receipt, .receipt_count = 1}};
    client_row("COMMIT_RESULT", &m);
    m = (struct weft_client_message){.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_ASSET, .asset = WEFT_TEXT("serial:box/7")}};
    client_row("QUERY", &m);
    for (int i = 0; i < 25; i++) {
        stored[i] = (struct weft_stored_record){.index = 7, .digest = {{1}}, .encoded = encoded};
    }
    m = (struct weft_client_message){
        .kind = WEFT_KIND_PAGE, .page = {.records = stored, .record_count = 25}};
    client_row("PAGE, 25 records as stored", &m);
    for (int i = 0; i < 25; i++) {
        stored[i].encoded.size = 0;
        stored[i].record = record;
    }
    client_row("PAGE, 25 records as structs", &m);
    free((void *)encoded.data);
}

static void peer_rows(void)
{
    static struct weft_peer_entry entries[64];
    struct weft_peer_message m = {.kind = WEFT_KIND_APPEND_ENTRIES,
        .header = {1, 2, 3, 4, 5, 0, 0, 0},
        .append_entries = {.term = 4, .prev_log_index = 9, .entries = entries}};
    peer_row("APPEND_ENTRIES, heartbeat", &m);
    static const struct {
        const char *name;
        uint32_t count;
        size_t size;
    } cases[] = {{"APPEND_ENTRIES, 1 of 400 bytes", 1, 400}, {"APPEND_ENTRIES, 8 of 4 KB", 8, 4096},
        {"APPEND_ENTRIES, 1 of 100 KB", 1, 100000},
        {"APPEND_ENTRIES, 4 of 1 MB", 4, WEFT_ENTRY_SIZE_MAX}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (uint32_t j = 0; j < cases[i].count; j++) {
            entries[j] = (struct weft_peer_entry){4, WEFT_ENTRY_COMMAND, {payload, cases[i].size}};
        }
        m.append_entries.entry_count = cases[i].count;
        peer_row(cases[i].name, &m);
        if (cases[i].count == 1) {
            row("  for comparison: one memcpy", cases[i].size, measure(copy, &entries[0].data), 0);
        }
    }
    m = (struct weft_peer_message){.kind = WEFT_KIND_APPEND_ENTRIES_RESULT,
        .header = {1, 2, 3, 4, 5, 6, 7, 8},
        .append_entries_result = {.last_log_index = 9, .applied_chain = {{1}}}};
    peer_row("APPEND_ENTRIES_RESULT", &m);
}

int main(void)
{
    memset(payload, 0x5a, sizeof(payload));
    (void)printf("%-34s %9s %12s %12s\n", "message", "bytes", "encode ns", "verify+decode ns");
    client_rows();
    peer_rows();
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&out);
    return 0;
}
