/* Messages about sets: whatever comes, a turn is bounded, and only what is lacking is missing. */
#include "federation/reconcile.h"
#include "tests/fuzz/again.h"

static struct weft_trie trie;

static enum weft_err on_missing(void *ctx, const struct weft_digest *member, struct weft_msg *msg)
{
    (void)ctx;
    (void)msg;
    weft_assert(!weft_trie_has(&trie, member)); /* FED-24 */
    return WEFT_OK;
}

static void fill(void)
{
    for (uint64_t i = 0; i < 1000; i++) {
        struct weft_digest member = weft_sha256(&i, sizeof(i));
        bool is_new;
        enum weft_err err = weft_trie_add(&trie, &member, &is_new);
        weft_assert(err == WEFT_OK && is_new); /* FED-23 */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_reconcile machine;
    struct weft_msg msg = {""};
    if (trie.member_count == 0) {
        fill();
    }
    struct weft_trie_view view = weft_trie_view_of(&trie);
    weft_reconcile_init(&machine, &view, on_missing, NULL);
    enum weft_err err = weft_reconcile_step(&machine, (struct weft_bytes){data, size}, &out, &msg);
    weft_assert(err == WEFT_OK || msg.text[0] != '\0');       /* FED-24 */
    weft_assert(out.size <= WEFT_RECONCILE_MESSAGE_SIZE_MAX); /* FED-24 */
    weft_buffer_clear(&out);
    weft_reconcile_destroy(&machine);
    return 0;
}
