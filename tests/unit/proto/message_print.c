/* tests/unit/proto/message_print.c: the product's side of proto.foreign_reader.
 *
 *     message_print DIRECTORY ROUNDS      random messages of every kind: DIRECTORY/N.bin as they
 *                                         go over the wire, N.json what is in them
 *     message_print client|peer FILE      decode a message and print what is in it as JSON */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/lib/sample.h"

enum {
    FILE_SIZE_MAX = 1 << 20
};

static struct weft_arena arena = {.size_max = 64 << 20};
static struct weft_buffer message, json;
static unsigned written;

static void must(bool ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void must_encode(enum weft_err err)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "encode: %s\n", weft_err_name(err));
        exit(1);
    }
}

static void write_file(const char *directory, const char *ending, const struct weft_buffer *b)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%u.%s", directory, written, ending);
    FILE *file = fopen(path, "wb");
    must(file != NULL, path);
    must(fwrite(b->data, 1, b->size, file) == b->size, path);
    must(fclose(file) == 0, path);
}

static void save(const char *directory)
{
    write_file(directory, "bin", &message);
    write_file(directory, "json", &json);
    written++;
    weft_buffer_clear(&message);
    weft_buffer_clear(&json);
    weft_arena_reset(&arena);
}

static void write_all(const char *directory, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        struct sample s = {round, &arena};
        for (const enum weft_message_kind *kind = sample_peer_kinds; *kind != 0; kind++) {
            struct weft_peer_message m;
            sample_peer(&s, *kind, &m);
            must_encode(weft_peer_encode(&m, &message));
            sample_peer_json(&m, &json);
            save(directory);
        }
        for (const enum weft_message_kind *kind = sample_client_kinds; *kind != 0; kind++) {
            struct weft_client_message m;
            sample_client(&s, *kind, &m);
            must_encode(weft_client_encode(&m, &message));
            sample_client_json(&m, &json);
            save(directory);
        }
    }
}

static enum weft_err decode(const char *door, struct weft_bytes bytes, struct weft_msg *msg)
{
    if (strcmp(door, "peer") == 0) {
        struct weft_peer_message m;
        enum weft_err err = weft_peer_decode(bytes, &arena, &m);
        if (err == WEFT_OK) {
            sample_peer_json(&m, &json);
        }
        return err;
    }
    struct weft_client_message m;
    enum weft_err err = weft_client_decode(bytes, &arena, &m, NULL, msg);
    if (err == WEFT_OK) {
        sample_client_json(&m, &json);
    }
    return err;
}

static int print_decoded(const char *door, const char *path)
{
    static _Alignas(8) uint8_t block[FILE_SIZE_MAX];
    FILE *file = fopen(path, "rb");
    must(file != NULL, path);
    size_t size = fread(block, 1, sizeof(block), file);
    (void)fclose(file);
    struct weft_msg msg = {""};
    enum weft_err err = decode(door, (struct weft_bytes){block, size}, &msg);
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "%s: %s\n", weft_err_name(err), msg.text);
        return 1;
    }
    return fwrite(json.data, 1, json.size, stdout) == json.size ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(
            stderr, "usage: %s DIRECTORY ROUNDS | %s client|peer FILE\n", argv[0], argv[0]);
        return 2;
    }
    int status = 0;
    if (strcmp(argv[1], "client") == 0 || strcmp(argv[1], "peer") == 0) {
        status = print_decoded(argv[1], argv[2]);
    } else {
        write_all(argv[1], (unsigned)strtoul(argv[2], NULL, 10));
    }
    weft_buffer_destroy(&message);
    weft_buffer_destroy(&json);
    weft_arena_destroy(&arena);
    return status;
}
