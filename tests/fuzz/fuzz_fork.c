/* Questions and answers about a fork: a question gets an answer that is taken, or a reason. */
#include "federation/fork.h"
#include "tests/fuzz/again.h"

enum {
    LEAVES = 300,
};

/* A tree whose nodes are the hashes of their places: nothing here looks above a step. */
static enum weft_err node(
    void *ctx, unsigned height, uint64_t index, struct weft_digest *ret_hash, struct weft_msg *msg)
{
    (void)ctx;
    (void)msg;
    weft_assert(index < (uint64_t)LEAVES >> height); /* FED-21 */
    if (height == 0) {
        *ret_hash = weft_sha256(&index, sizeof(index));
        return WEFT_OK;
    }
    struct weft_digest left, right;
    enum weft_err err = node(ctx, height - 1, 2 * index, &left, msg);
    if (err == WEFT_OK) {
        err = node(ctx, height - 1, 2 * index + 1, &right, msg);
    }
    *ret_hash = weft_merkle_node(&left, &right);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_bytes bytes = {data, size};
    struct weft_merkle_head none = {.size = 0};
    struct weft_fork fork;
    struct weft_msg msg = {""};
    enum weft_err err = weft_fork_answer(bytes, LEAVES, node, NULL, &out, &msg);
    weft_assert(err == WEFT_OK ? out.size > 0 : out.size == 0 && msg.text[0] != '\0'); /* FED-21 */
    weft_buffer_clear(&out);
    err = weft_fork_begin(&fork, LEAVES, &none, &out, &msg);
    weft_assert(err == WEFT_OK); /* FED-21 */
    weft_buffer_clear(&out);
    err = weft_fork_step(&fork, bytes, node, NULL, &out, &msg);
    weft_assert(err == WEFT_OK || msg.text[0] != '\0'); /* FED-22 */
    weft_buffer_clear(&out);
    return 0;
}
