/* Nodes of the shared digest: the first byte is a depth, the next 32 the prefix. */
#include "federation/cells/shared.h"
#include "proto/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_shared_path path = {.depth = 0};
    struct weft_shared_node node;
    struct weft_msg msg = {""};
    uint8_t again[WEFT_SHARED_NODE_SIZE_MAX];
    if (size < 1 + WEFT_DIGEST_SIZE) {
        return 0;
    }
    uint32_t depth = data[0] % (WEFT_SHARED_DEPTH_MAX + 1);
    while (path.depth < depth) {
        uint8_t byte = data[1 + path.depth / 2];
        path = weft_shared_below(&path, path.depth % 2 == 0 ? byte >> 4 : byte & 15u);
    }
    struct weft_bytes bytes = {data + 1 + WEFT_DIGEST_SIZE, size - 1 - WEFT_DIGEST_SIZE};
    if (weft_shared_decode(bytes, &path, &node, &msg) != WEFT_OK) {
        weft_assert(msg.text[0] != '\0'); /* FED-120 */
        return 0;
    }
    size_t written = weft_shared_encode(&node, again);
    weft_assert(written == bytes.size);                   /* FED-120 */
    weft_assert(memcmp(again, bytes.data, written) == 0); /* FED-120 */
    return 0;
}
