#include "node/api/http/header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "node/api/http/target.h"

/* RFC 9110, 5.6.3: what may stand around the elements of a list. */
static struct weft_text trim(struct weft_text text)
{
    while (text.size > 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t')) {
        text.size--;
    }
    return text;
}

static bool is_word(struct weft_text text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

/* The next element of a list whose separator is `separator`; quotes are not looked into, since
 * no value of ours holds one with a separator inside. */
static bool next_element(struct weft_text *list, char separator, struct weft_text *ret_element)
{
    if (list->size == 0) {
        return false;
    }
    const char *end = memchr(list->data, separator, list->size);
    size_t size = end != NULL ? (size_t)(end - list->data) : list->size;
    size_t taken = size + (end != NULL ? 1 : 0);
    *ret_element = trim((struct weft_text){list->data, size});
    *list = (struct weft_text){list->data + taken, list->size - taken};
    return true;
}

/* --- conditions -------------------------------------------------------------------------- */

void weft_http_etag_format(uint64_t rev, char ret_etag[WEFT_HTTP_ETAG_SIZE])
{
    (void)snprintf(ret_etag, WEFT_HTTP_ETAG_SIZE, "\"rev-%" PRIu64 "\"", rev);
}

static bool parse_etag(struct weft_text tag, uint64_t *ret_rev)
{
    static const char open[] = "\"rev-";
    const size_t open_size = sizeof(open) - 1;
    if (tag.size < open_size + 2 || memcmp(tag.data, open, open_size) != 0 ||
        tag.data[tag.size - 1] != '"') {
        return false;
    }
    struct weft_text digits = {tag.data + open_size, tag.size - open_size - 1};
    return weft_text_number(digits, ret_rev);
}

enum weft_err weft_http_condition_parse(const char *if_match, const char *if_none_match,
    struct weft_http_condition *ret_condition, struct weft_msg *msg)
{
    struct weft_http_condition condition = {.is_given = if_match != NULL || if_none_match != NULL};
    if (if_match != NULL && if_none_match != NULL) {
        return weft_fail(msg, WEFT_EINVAL, "If-Match and If-None-Match exclude each other");
    }
    if (if_match != NULL &&
        (!parse_etag(trim(weft_text_of(if_match)), &condition.rev) || condition.rev == 0)) {
        return weft_fail(msg, WEFT_EINVAL, "If-Match: exactly one tag \"rev-N\", N above 0");
    }
    if (if_none_match != NULL && !weft_text_is(trim(weft_text_of(if_none_match)), "*")) {
        return weft_fail(msg, WEFT_EINVAL, "If-None-Match of a commit: * alone");
    }
    *ret_condition = condition;
    return WEFT_OK;
}

bool weft_http_is_unmodified(const char *if_none_match, uint64_t rev)
{
    struct weft_text list = weft_text_of(if_none_match), element;
    while (next_element(&list, ',', &element)) {
        uint64_t named;
        if (weft_text_is(element, "*")) {
            return true;
        }
        if (element.size > 2 && memcmp(element.data, "W/", 2) == 0) {
            element = (struct weft_text){element.data + 2, element.size - 2};
        }
        if (parse_etag(element, &named) && named == rev) {
            return true;
        }
    }
    return false;
}

enum weft_err weft_http_consistency_parse(
    const char *consistency, const char *min_index, struct weft_query *query, struct weft_msg *msg)
{
    enum weft_consistency wanted = min_index != NULL ? WEFT_MIN_INDEX : WEFT_LINEARIZABLE;
    uint64_t index = 0;
    if (min_index != NULL && !weft_text_number(trim(weft_text_of(min_index)), &index)) {
        return weft_fail(msg, WEFT_EINVAL, "Weft-Min-Index: an index, in digits");
    }
    if (consistency != NULL) {
        struct weft_text word = trim(weft_text_of(consistency));
        if (is_word(word, "linearizable")) {
            wanted = WEFT_LINEARIZABLE; /* It has every index that anybody has seen. */
        } else if (!is_word(word, "stale")) {
            return weft_fail(msg, WEFT_EINVAL, "Weft-Consistency: linearizable or stale");
        } else if (min_index == NULL) {
            wanted = WEFT_STALE;
        }
    }
    query->consistency = wanted;
    query->min_index = index;
    return WEFT_OK;
}

/* --- media ------------------------------------------------------------------------------- */

enum weft_http_media weft_http_media_parse(const char *content_type)
{
    struct weft_text list = weft_text_of(content_type), element;
    enum weft_http_media media = WEFT_HTTP_MEDIA_JSON;
    if (next_element(&list, ';', &element)) {
        if (is_word(element, "application/x-ndjson") || is_word(element, "application/jsonl")) {
            media = WEFT_HTTP_MEDIA_NDJSON;
        } else if (!is_word(element, "application/json") &&
                   !is_word(element, "application/ld+json")) {
            return WEFT_HTTP_MEDIA_OTHER;
        }
    }
    while (next_element(&list, ';', &element)) {
        static const char charset[] = "charset=";
        const size_t size = sizeof(charset) - 1;
        if (element.size >= size && strncasecmp(element.data, charset, size) == 0) {
            struct weft_text value = {element.data + size, element.size - size};
            if (!is_word(value, "utf-8") && !is_word(value, "\"utf-8\"")) {
                return WEFT_HTTP_MEDIA_OTHER;
            }
        }
    }
    return media;
}

bool weft_http_wants_stream(const char *accept)
{
    struct weft_text list = weft_text_of(accept), element;
    while (next_element(&list, ',', &element)) {
        struct weft_text type = {NULL, 0};
        (void)next_element(&element, ';', &type);
        if (is_word(type, "text/event-stream")) {
            return true;
        }
        if (is_word(type, "application/json") || is_word(type, "application/*")) {
            return false;
        }
    }
    return false;
}

/* --- who, and from where ----------------------------------------------------------------- */

bool weft_http_bearer(const char *authorization, struct weft_text *ret_token)
{
    static const char scheme[] = "Bearer ";
    const size_t size = sizeof(scheme) - 1;
    struct weft_text value = trim(weft_text_of(authorization));
    if (value.size <= size || strncasecmp(value.data, scheme, size) != 0) {
        return false;
    }
    *ret_token = trim((struct weft_text){value.data + size, value.size - size});
    return ret_token->size > 0;
}

void weft_http_event_id_format(
    uint64_t index, uint32_t ordinal, char ret_id[WEFT_HTTP_EVENT_ID_SIZE])
{
    (void)snprintf(ret_id, WEFT_HTTP_EVENT_ID_SIZE, "%" PRIu64 "-%" PRIu32, index, ordinal);
}

bool weft_http_event_id_parse(struct weft_text text, uint64_t *ret_index, uint32_t *ret_ordinal)
{
    const char *dash = text.size > 0 ? memchr(text.data, '-', text.size) : NULL;
    uint64_t index, ordinal;
    if (dash == NULL) {
        return false;
    }
    size_t size = (size_t)(dash - text.data);
    if (!weft_text_number((struct weft_text){text.data, size}, &index) ||
        !weft_text_number((struct weft_text){dash + 1, text.size - size - 1}, &ordinal) ||
        ordinal > UINT32_MAX || index == 0) {
        return false;
    }
    *ret_index = index;
    *ret_ordinal = (uint32_t)ordinal;
    return true;
}
