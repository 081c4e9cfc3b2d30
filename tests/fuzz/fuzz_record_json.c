/* A record as JSON: what is accepted passes the check and comes back with the same digest. */
#include <stddef.h>
#include <stdint.h>

#include "proto/check.h"
#include "proto/record_json.h"
#include "proto/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum weft_err read_record(struct weft_text text, struct weft_arena *arena,
    struct weft_record *ret_record, struct weft_msg *msg)
{
    struct weft_json *tree;
    enum weft_err err = weft_json_parse(text, 1, arena, &tree, msg);
    return err == WEFT_OK ? weft_record_from_json(tree, arena, ret_record, msg) : err;
}

static struct weft_digest digest_of(struct weft_record record, struct weft_arena *arena)
{
    static const uint8_t seed[WEFT_SALT_SEED_SIZE] = {1};
    struct weft_statement_place place = {.authority = WEFT_TEXT("a/b"), .salt_seed = seed};
    struct weft_digest digest;
    record.has_at = true;
    enum weft_err err = weft_statement_digest(&record, &place, arena, NULL, &digest);
    weft_assert(err == WEFT_OK); /* PRO-4 */
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_arena arena = {.size_max = 64 * 1024 * 1024};
    struct weft_buffer out = {.size = 0};
    struct weft_record record, again;
    struct weft_msg msg;
    struct weft_text text = {(const char *)data, size};
    if (size <= 64 * 1024 && read_record(text, &arena, &record, &msg) == WEFT_OK) {
        enum weft_err err = weft_record_check(&record, NULL, NULL);
        weft_assert(err == WEFT_OK); /* PRO-6 */
        err = weft_record_to_json(&record, NULL, &arena, &out);
        weft_assert(err == WEFT_OK); /* PRO-6 */
        err =
            read_record((struct weft_text){(const char *)out.data, out.size}, &arena, &again, &msg);
        weft_assert(err == WEFT_OK); /* PRO-6 */
        struct weft_digest first = digest_of(record, &arena), second = digest_of(again, &arena);
        weft_assert(weft_digest_equal(&first, &second)); /* PRO-6 */
    }
    weft_buffer_destroy(&out);
    weft_arena_destroy(&arena);
    return 0;
}
