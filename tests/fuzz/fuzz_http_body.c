/* The content of a commit: what is accepted can be encoded, and each of its records passes the
 * check. The first byte chooses the form and whether a header has a condition. */
#include <stddef.h>
#include <stdint.h>

#include "node/api/http/body.h"
#include "proto/check.h"
#include "proto/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_arena arena = {.size_max = 16 * 1024 * 1024};
    struct weft_http_commit commit;
    struct weft_msg msg = {""};
    char pointer[WEFT_HTTP_POINTER_SIZE];
    if (size == 0 || size > 64 * 1024) {
        return 0;
    }
    struct weft_http_condition condition = {.is_given = (data[0] & 2) != 0, .rev = data[0] >> 2};
    struct weft_text text = {(const char *)data + 1, size - 1};
    enum weft_http_media media = (data[0] & 1) != 0 ? WEFT_HTTP_MEDIA_NDJSON : WEFT_HTTP_MEDIA_JSON;
    if (weft_http_body_parse(text, media, &condition, &arena, &commit, pointer, &msg) == WEFT_OK) {
        struct weft_buffer out = {.size_max = WEFT_COMMIT_SIZE_MAX};
        weft_assert(commit.commit.record_count > 0); /* NOD-402 */
        for (uint32_t i = 0; i < commit.commit.record_count; i++) {
            enum weft_err err = weft_record_check(&commit.commit.records[i], NULL, NULL);
            weft_assert(err == WEFT_OK); /* NOD-402 */
        }
        enum weft_err err = weft_commit_encode(&commit.commit, &out);
        weft_assert(err == WEFT_OK || err == WEFT_ETOOBIG); /* NOD-402 */
        weft_buffer_destroy(&out);
    } else {
        weft_assert(msg.text[0] != '\0'); /* Every refusal says why. NOD-402 */
    }
    weft_arena_destroy(&arena);
    return 0;
}
