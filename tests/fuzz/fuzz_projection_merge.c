/* Two projections of one statement: what both together show has its digest, keeps all that was
 * shown but for what is erased, and is the same again when it is told again. What does not verify
 * is merged too, where its header lets it: that must be safe. */
#include "federation/projection.h"
#include "tests/fuzz/again.h"

static struct weft_arena arena = {.size_max = 32 << 20};
static struct weft_buffer merged, twice;

static bool decode(struct weft_bytes bytes, struct weft_projection *ret_projection)
{
    struct weft_msg msg = {""};
    return weft_projection_decode(bytes, &arena, ret_projection, &msg) == WEFT_OK;
}

/* FED-40: item by item of what was known. */
static void expect_kept(const struct weft_projection *known, const struct weft_projection *now,
    const struct weft_projection_change *change, bool keeps_erased)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < known->item_count; i++) {
        const struct weft_projection_item *item = &known->items[i], *found;
        if (item->shape == WEFT_PROJECTION_BLIND) {
            continue;
        }
        found = weft_projection_find(now, item->path);
        weft_assert(found != NULL); /* FED-40 */
        if (item->shape == WEFT_PROJECTION_SHOWN) {
            lost += found->shape != WEFT_PROJECTION_SHOWN;
        } else if (item->shape == WEFT_PROJECTION_ERASED && !keeps_erased) {
            weft_assert(found->shape == WEFT_PROJECTION_ERASED); /* FED-40 */
        }
    }
    weft_assert(keeps_erased ? lost == 0 : lost == change->erased_count); /* FED-40 */
}

static void merge(
    const struct weft_projection *known, const struct weft_projection *told, bool keeps_erased)
{
    struct weft_projection_change change, none;
    struct weft_projection now;
    struct weft_digest digests[3];
    struct weft_msg msg = {""};
    weft_buffer_clear(&merged);
    weft_buffer_clear(&twice);
    enum weft_err err =
        weft_projection_merge(known, told, keeps_erased, &arena, &merged, &change, &msg);
    if (err != WEFT_OK) {
        weft_assert(msg.text[0] != '\0' && merged.size == 0); /* FED-40 */
        return;
    }
    weft_assert(decode((struct weft_bytes){merged.data, merged.size}, &now)); /* FED-5 */
    expect_kept(known, &now, &change, keeps_erased);
    if (weft_projection_verify(known, &digests[0], &msg) == WEFT_OK &&
        weft_projection_verify(told, &digests[1], &msg) == WEFT_OK) {
        weft_assert(weft_projection_verify(&now, &digests[2], &msg) == WEFT_OK); /* FED-4 */
        weft_assert(weft_digest_equal(&digests[0], &digests[2]));                /* FED-4 */
    }
    err = weft_projection_merge(&now, told, keeps_erased, &arena, &twice, &none, &msg);
    weft_assert(err == WEFT_OK && none.shown_count == 0);           /* FED-40 */
    weft_assert(keeps_erased || none.erased_count == 0);            /* FED-40 */
    weft_assert(twice.size == merged.size);                         /* FED-40 */
    weft_assert(memcmp(twice.data, merged.data, merged.size) == 0); /* FED-40 */
}

/* Two bytes with the size of the first, both, and one bit for what is kept. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_projection known, told;
    if (size < 3) {
        return 0;
    }
    const bool keeps_erased = (data[2] & 1) != 0;
    size_t first = (size_t)data[0] << 8 | data[1];
    data += 3;
    size -= 3;
    first = first < size ? first : size;
    weft_arena_reset(&arena);
    if (decode((struct weft_bytes){data, first}, &known) &&
        decode((struct weft_bytes){data + first, size - first}, &told)) {
        merge(&known, &told, keeps_erased);
        merge(&told, &known, keeps_erased);
    }
    return 0;
}
