/* tests/fuzz/seeds.c: writes the seed corpora of the message decoders.
 *
 *     fuzz_seeds DIRECTORY
 *
 * DIRECTORY/<decoder>/<number>: the same random samples every time. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "proto/read_report.h"
#include "proto/stream_entry.h"
#include "proto/record_json.h"
#include "proto/time.h"
#include "tests/lib/sample.h"

enum {
    ROUNDS = 12,
    SIZE_MAX_BYTES = 16 * 1024 /* Larger ones only make the fuzzers slow. */
};

static struct weft_arena arena = {.size_max = 64 << 20};
static struct weft_buffer out;
static const char *root;
static unsigned written;

static void must(enum weft_err err, const char *what)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s\n", what, weft_err_name(err));
        exit(1);
    }
}

static void save(const char *decoder)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", root, decoder);
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        perror(path);
        exit(1);
    }
    (void)snprintf(path, sizeof(path), "%s/%s/%04u", root, decoder, written++);
    FILE *file = out.size <= SIZE_MAX_BYTES ? fopen(path, "wb") : NULL;
    if (file != NULL) {
        if (fwrite(out.data, 1, out.size, file) != out.size || fclose(file) != 0) {
            perror(path);
            exit(1);
        }
    } else if (out.size <= SIZE_MAX_BYTES) {
        perror(path);
        exit(1);
    }
    weft_buffer_clear(&out);
    weft_arena_reset(&arena);
}

static void save_parts(struct sample *s)
{
    struct weft_record record;
    sample_record(s, &record);
    must(weft_record_encode(&record, &out), "record");
    save("record");
    struct weft_commit commit;
    sample_commit(s, &commit);
    must(weft_commit_encode(&commit, &out), "commit");
    save("commit");
    struct weft_manifest manifest;
    sample_manifest(s, &manifest);
    must(weft_manifest_encode(&manifest, &out), "manifest");
    save("manifest");
    sample_entry(s, &out);
    save("entry");
    struct weft_read_report report = {
        .act = sample_random(s, 2) == 0 ? WEFT_READ_ACT_READ : WEFT_READ_ACT_SUBSCRIBE};
    for (uint64_t i = 0; i <= sample_random(s, 3); i++) {
        static const char *const labels[] = {"itar", "ear", "export-de.2", "0", "a"};
        uint64_t number = sample_random(s, sizeof(labels) / sizeof(labels[0]));
        (void)weft_read_report_add(&report, weft_text_of(labels[number]), 1 + i);
    }
    must(weft_read_report_encode(&report, &out), "read_report");
    save("read_report");
    const struct weft_stream_entry of_stream = {
        .act = (enum weft_stream_act)(1 + sample_random(s, WEFT_STREAM_ACTS - 1)),
        .number = sample_random(s, 0),
        .agreement = WEFT_TEXT("box-2026"),
        .message = {(const uint8_t *)"0123456789abcdef", 16 * (size_t)sample_random(s, 2)}};
    must(weft_stream_entry_encode(&of_stream, &out), "stream_entry");
    save("stream_entry");
    const struct weft_envelope envelope = {(uint32_t)(16 + sample_random(s, 1000)),
        (uint16_t)sample_random(s, 80), WEFT_ENVELOPE_VERSION, sample_random(s, 0)};
    uint8_t frame[WEFT_ENVELOPE_SIZE];
    weft_envelope_encode(&envelope, frame);
    must(weft_buffer_append(&out, frame, sizeof(frame)), "envelope");
    save("envelope");
    for (uint32_t i = 0; i < 5; i++) { /* A stream of messages behind each other. */
        struct weft_envelope e = envelope;
        uint8_t body[WEFT_ENVELOPE_SIZE + 64] = {0};
        e.size_bytes = (uint32_t)(WEFT_ENVELOPE_SIZE + sample_random(s, 64));
        weft_envelope_encode(&e, body);
        must(weft_buffer_append(&out, body, e.size_bytes), "frames");
    }
    save("link_framing");
}

/* As fuzz_packed.c takes them. */
static void save_packed(struct sample *s)
{
    struct weft_client_message m;
    sample_client(s, WEFT_KIND_TRACE_RESULT, &m);
    const struct weft_packed parts[2] = {m.trace.records, m.trace.steps};
    uint32_t i = (uint32_t)sample_random(s, 2);
    uint8_t head = (uint8_t)(parts[i].count * 2 + i);
    must(weft_buffer_append(&out, &head, 1), "packed");
    must(weft_buffer_append(&out, parts[i].bytes.data, parts[i].bytes.size), "packed");
    save("packed");
}

static void save_text(const char *decoder, const char *text)
{
    must(weft_buffer_text(&out, weft_text_of(text)), decoder);
    save(decoder);
}

/* The decoders of text: what the encoders write, and forms that they do not. */
static void save_texts(struct sample *s)
{
    static const char *const json[] = {"{}", "[]", "null", "-0.0e-7", "[1,[2,[3,{\"a\":[]}]]]",
        " { \"k\" : [ true , false , null , 1e400 ] } ", "\"\\u00e9\\ud83d\\ude00\\n\""};
    static const char *const times[] = {"2017-07-28T08:16:42Z", "2016-12-31T23:59:60Z",
        "1677-09-21T00:12:43.145224193Z", "2262-04-11t23:47:16.854775807z",
        "2000-02-29 12:00:00.5+14:00", "2024-01-01T00:00:00.123456-00:30"};
    for (size_t i = 0; i < 2; i++) {
        struct weft_record record;
        sample_record(s, &record);
        must(weft_record_to_json(&record, NULL, &arena, &out), "record as JSON");
        save(i == 0 ? "record_json" : "json");
    }
    save_text("json", json[sample_random(s, sizeof(json) / sizeof(json[0]))]);
    save_text("time", times[sample_random(s, sizeof(times) / sizeof(times[0]))]);
    static const char *const names[] = {"spiffe://acme.example/plant1/node/n1",
        "spiffe://acme.example/op/ann", "spiffe://a/b/c/d/e", "spiffe://acme.example/./../x"};
    save_text("link_identity", names[sample_random(s, sizeof(names) / sizeof(names[0]))]);
    char time[WEFT_TIME_TEXT_SIZE];
    weft_time_format((int64_t)sample_random(s, 0), time);
    save_text("time", time);
}

/* Commits of the kinds that fuzz_redaction.c reads. */
static void save_redactions(struct sample *s)
{
    static const char digest[] =
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const struct weft_field field[] = {
        {WEFT_TEXT("kind"), WEFT_TEXT("inspection"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("index"), WEFT_TEXT("8812"), WEFT_VALUE_INT},
        {WEFT_TEXT("path"), WEFT_TEXT("operator/name"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("reason"), WEFT_TEXT("was asked to"), WEFT_VALUE_TEXT}};
    const struct weft_field evidence[] = {
        {WEFT_TEXT("evidence"), weft_text_of(digest), WEFT_VALUE_TEXT},
        {WEFT_TEXT("reason"), WEFT_TEXT("was asked to"), WEFT_VALUE_TEXT}};
    const struct weft_field hold[] = {{WEFT_TEXT("name"), WEFT_TEXT("case-7"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("until"), WEFT_TEXT("2031-01-01T00:00:00Z"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("released"), WEFT_TEXT("true"), WEFT_VALUE_BOOL}};
    const struct weft_field notice[] = {{WEFT_TEXT("act"), WEFT_TEXT("start"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("subject"), WEFT_TEXT("weftd 1.2"), WEFT_VALUE_TEXT}};
    const struct {
        const char *kind;
        const char *asset;
        const struct weft_field *fields;
        uint32_t count;
    } all[] = {{"redaction", "serial:box/7", field, 4}, {"redaction", "weft:audit", evidence, 2},
        {"retention_hold", "serial:box/7", hold, 3}, {"retention_hold", "serial:box/7", hold, 2},
        {"node_notice", "weft:node", notice, 2}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct weft_record records[2];
        sample_record(s, &records[1]);
        records[0] = (struct weft_record){.kind = weft_text_of(all[i].kind),
            .asset = weft_text_of(all[i].asset),
            .fields = all[i].fields,
            .field_count = all[i].count};
        const struct weft_commit commit = {
            .records = records, .record_count = 1 + (uint32_t)sample_random(s, 2)};
        must(weft_commit_encode(&commit, &out), "redaction");
        save("redaction");
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    root = argv[1];
    if (mkdir(root, 0755) != 0 && errno != EEXIST) {
        perror(root);
        return 1;
    }
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct sample s = {round, &arena};
        for (const enum weft_message_kind *kind = sample_peer_kinds; *kind != 0; kind++) {
            struct weft_peer_message m;
            sample_peer(&s, *kind, &m);
            must(weft_peer_encode(&m, &out), "peer message");
            save("peer");
        }
        for (const enum weft_message_kind *kind = sample_client_kinds; *kind != 0; kind++) {
            struct weft_client_message m;
            sample_client(&s, *kind, &m);
            must(weft_client_encode(&m, &out), "client message");
            save("client");
        }
        save_parts(&s);
        for (int i = 0; i < 4; i++) {
            save_packed(&s);
        }
        save_texts(&s);
        save_redactions(&s);
    }
    (void)fprintf(stderr, "%u seeds in %s\n", written, root);
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
    return 0;
}
