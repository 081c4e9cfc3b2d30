/* A request line's target and the values of headers. The first line is the target, each further one
 * is taken as every header that we read. */
#include <string.h>

#include "node/api/http/header.h"
#include "node/api/http/question.h"
#include "node/api/http/target.h"
#include "node/api/http/tokens.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_target(struct weft_text text)
{
    struct weft_arena arena = {.size_max = 256 * 1024};
    struct weft_http_target t;
    struct weft_msg msg = {""};
    if (weft_http_target_parse(text, &arena, &t, &msg) == WEFT_OK) {
        weft_assert(t.resource < WEFT_HTTP_RESOURCES && t.rule != NULL); /* NOD-402 */
        bool has_id = t.resource == WEFT_HTTP_ASSET || t.resource == WEFT_HTTP_STORY ||
                      t.resource == WEFT_HTTP_TRACE_BACK || t.resource == WEFT_HTTP_TRACE_FORWARD;
        weft_assert(!has_id || weft_asset_is_valid(t.id)); /* NOD-402 */
        for (uint32_t i = 0; i < t.param_count; i++) {
            weft_assert(weft_text_is_utf8(t.params[i].value)); /* NOD-402 */
        }
        struct weft_query query;
        if (weft_http_question_parse(&t, &arena, &query, &msg) == WEFT_OK) {
            weft_assert(query.limit <= WEFT_PAGE_RECORDS_MAX &&
                        query.rels.size <= WEFT_RELS_SIZE_MAX &&
                        query.part.size <= WEFT_ASSET_SIZE_MAX); /* NOD-402 */
        }
        for (unsigned method = WEFT_HTTP_GET; method <= WEFT_HTTP_OTHER; method *= 2) {
            (void)!weft_http_target_check_params(&t, (enum weft_http_method)method, &msg);
        }
    }
    weft_arena_destroy(&arena);
}

static void try_header(const char *value)
{
    struct weft_http_condition condition;
    struct weft_query query = {0};
    struct weft_msg msg = {""};
    struct weft_text token;
    uint64_t index;
    uint32_t ordinal;
    if (weft_http_condition_parse(value, NULL, &condition, &msg) == WEFT_OK) {
        char etag[WEFT_HTTP_ETAG_SIZE];
        weft_http_etag_format(condition.rev, etag);
        weft_assert(weft_http_is_unmodified(value, condition.rev)); /* NOD-402 */
    }
    (void)!weft_http_condition_parse(NULL, value, &condition, &msg);
    (void)weft_http_is_unmodified(value, 7);
    (void)!weft_http_consistency_parse(value, NULL, &query, &msg);
    (void)!weft_http_consistency_parse(NULL, value, &query, &msg);
    (void)weft_http_media_parse(value);
    (void)weft_http_wants_stream(value);
    (void)weft_http_bearer(value, &token);
    if (weft_http_event_id_parse(weft_text_of(value), &index, &ordinal)) {
        char id[WEFT_HTTP_EVENT_ID_SIZE];
        uint64_t again;
        weft_http_event_id_format(index, ordinal, id);
        bool is_id = weft_http_event_id_parse(weft_text_of(id), &again, &ordinal);
        weft_assert(is_id && again == index); /* NOD-405 */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weft_http_tokens tokens;
    char line[2048];
    struct weft_msg msg = {""};
    struct weft_text rest = {(const char *)data, size};
    (void)!weft_http_tokens_parse(rest, "oem.example", "plant1", &tokens, &msg);
    for (bool is_first = true; rest.size > 0; is_first = false) {
        const char *end = memchr(rest.data, '\n', rest.size);
        size_t length = end != NULL ? (size_t)(end - rest.data) : rest.size;
        if (is_first) {
            try_target((struct weft_text){rest.data, length});
        } else if (length < sizeof(line)) {
            memcpy(line, rest.data, length);
            line[length] = '\0';
            try_header(line);
        }
        size_t taken = length + (end != NULL ? 1 : 0);
        rest = (struct weft_text){rest.data + taken, rest.size - taken};
    }
    return 0;
}
