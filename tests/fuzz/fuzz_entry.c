#include "tests/fuzz/twice.h"

/* An entry that can be read to its end has one form only: written again, it is the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    struct weft_entry_reader reader;
    struct weft_entry_item item;
    if (weft_entry_open((struct weft_bytes){data, size}, &reader) != WEFT_OK) {
        return 0;
    }
    enum weft_err err = weft_entry_init(&out);
    weft_assert(err == WEFT_OK); /* PRO-10 */
    while ((err = weft_entry_next(&reader, &item)) == WEFT_OK) {
        struct weft_commit commit;
        if (item.type == WEFT_ITEM_COMMIT &&
            weft_commit_decode(item.body, &arena, &commit, NULL) == WEFT_OK) {
            sample_commit_json(&commit, &first);
        }
        weft_buffer_clear(&first);
        weft_arena_reset(&arena);
        err = weft_entry_add(&out, &item);
        weft_assert(err == WEFT_OK); /* PRO-10 */
    }
    if (err == WEFT_ENOTFOUND) {
        weft_entry_seal(&out, reader.time_ns, reader.salt_seed);
        weft_assert(out.size == size && memcmp(out.data, data, size) == 0); /* PRO-10 */
    }
    return 0;
}
