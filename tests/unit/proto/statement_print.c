/* Prints root and digest of each statement described on standard input, one JSON object per
 * line: {"record": {...}, "author": "...", "time": "...", "authority": "...", "epoch": "1",
 * "index": "1", "ordinal": "0", "previous": "<64 hex>", "seed": "<64 hex>"}. For
 * golden_statement.py, which has an implementation of its own. */
#include <stdio.h>
#include <stdlib.h>

#include "proto/record_json.h"
#include "proto/statement.h"
#include "proto/time.h"

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024
};

_Noreturn static void give_up(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

static struct weft_text text_member(const struct weft_json *object, const char *name)
{
    const struct weft_json *value = weft_json_get(object, name);
    if (value == NULL || value->type != WEFT_JSON_STRING) {
        give_up(name, "no such text");
    }
    return value->text;
}

static uint64_t number_member(const struct weft_json *object, const char *name)
{
    return strtoull(text_member(object, name).data, NULL, 10);
}

static void bytes_member(const struct weft_json *object, const char *name, uint8_t ret_bytes[32])
{
    struct weft_digest digest;
    char text[WEFT_DIGEST_TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "sha256:%s", text_member(object, name).data);
    if (weft_digest_parse(weft_text_of(text), &digest) != WEFT_OK) {
        give_up(name, "not 64 hexadecimal digits");
    }
    memcpy(ret_bytes, digest.bytes, sizeof(digest.bytes));
}

static void print_one(struct weft_text line, struct weft_arena *arena)
{
    struct weft_json *tree;
    struct weft_msg msg;
    struct weft_record record;
    if (weft_json_parse(line, 1, arena, &tree, &msg) != WEFT_OK ||
        weft_record_from_json(weft_json_get(tree, "record"), arena, &record, &msg) != WEFT_OK) {
        give_up("record", msg.text);
    }
    uint8_t seed[WEFT_SALT_SEED_SIZE];
    struct weft_statement_place place = {
        .authority = text_member(tree, "authority"),
        .authority_epoch = number_member(tree, "epoch"),
        .index = number_member(tree, "index"),
        .ordinal = (uint32_t)number_member(tree, "ordinal"),
        .schema = text_member(tree, "schema"),
        .salt_seed = seed,
    };
    bytes_member(tree, "previous", place.previous.bytes);
    bytes_member(tree, "seed", seed);
    if (weft_time_parse(text_member(tree, "time"), &place.time_ns, &msg) != WEFT_OK) {
        give_up("time", msg.text);
    }
    record.author = text_member(tree, "author");
    if (!record.has_at) {
        record.at_ns = place.time_ns;
        record.has_at = true;
    }
    struct weft_digest root, digest;
    if (weft_statement_digest(&record, &place, arena, &root, &digest) != WEFT_OK) {
        give_up("digest", "no memory");
    }
    char root_text[WEFT_DIGEST_TEXT_SIZE], digest_text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(&root, root_text);
    weft_digest_format(&digest, digest_text);
    (void)printf("%s %s\n", root_text, digest_text);
}

int main(void)
{
    struct weft_arena arena = {.size_max = ARENA_SIZE_MAX};
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    while ((size = getline(&line, &capacity, stdin)) > 0) {
        print_one((struct weft_text){line, (size_t)size}, &arena);
        weft_arena_reset(&arena);
    }
    weft_arena_destroy(&arena);
    free(line);
    return 0;
}
