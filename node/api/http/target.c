#include "node/api/http/target.h"

#include <stdio.h>
#include <string.h>

#include "proto/record.h"

#define KIB (1024u)
#define MIB (1024u * KIB)
#define GET (WEFT_HTTP_GET | WEFT_HTTP_HEAD)
#define READING "at as_of limit cursor"
#define TRACE READING " depth via ids records"

/* clang-format off */
static const struct weft_http_rule rules[WEFT_HTTP_RESOURCES] = {
    /* The largest commit is 896 KiB encoded; as JSON it is less than twice that. */
    [WEFT_HTTP_COMMITS] = {"/v1/commits", GET | WEFT_HTTP_POST, false,
        "from asset limit cursor", "", 2 * MIB, 20},
    [WEFT_HTTP_ASSET] = {"/v1/assets/{id}", GET, false,
        "at as_of sections", "", 0, 0},
    [WEFT_HTTP_ASSET_RECORDS] = {"/v1/assets/{id}/records", GET, false,
        READING, "", 0, 0},
    [WEFT_HTTP_STORY] = {"/v1/assets/{id}/story", GET, false,
        READING " inside", "", 0, 0},
    [WEFT_HTTP_RECORDS] = {"/v1/records", GET, false,
        READING " kind where asset", "", 0, 0},
    [WEFT_HTTP_TRACE_FORWARD] = {"/v1/trace/forward/{id}", GET, false,
        TRACE " to", "", 0, 0},
    [WEFT_HTTP_TRACE_BACK] = {"/v1/trace/back/{id}", GET, false,
        TRACE " to", "", 0, 0},
    [WEFT_HTTP_RECALL] = {"/v1/recall", GET, false,
        TRACE " lot machine from to part rev", "", 0, 0},
    [WEFT_HTTP_IMPORT_EPCIS] = {"/v1/import/epcis", WEFT_HTTP_POST, false,
        "", "name", 16 * MIB, 120},
    [WEFT_HTTP_IMPORT_JOB] = {"/v1/import/{job}", GET, false,
        "", "", 0, 0},
    [WEFT_HTTP_AUDIT] = {"/v1/audit/{path}", GET, false, "", "", 0, 0},
    /* Of C2SP tlog-witness, whose requests are signed by the log that they are about. */
    [WEFT_HTTP_WITNESS] = {"/add-checkpoint", WEFT_HTTP_POST, true, "", "", 72 * KIB, 20},
    [WEFT_HTTP_STATUS] = {"/v1/status", GET, false, "", "", 0, 0},
    [WEFT_HTTP_HEALTHZ] = {"/healthz", GET, true, "", "", 0, 0},
    [WEFT_HTTP_READYZ] = {"/readyz", GET, true, "", "", 0, 0},
    [WEFT_HTTP_METRICS] = {"/metrics", GET, false, "", "", 0, 0},
    [WEFT_HTTP_OPENAPI] = {"/openapi.json", GET, true, "", "", 0, 0},
};
/* clang-format on */

const struct weft_http_rule *weft_http_rule(enum weft_http_resource resource)
{
    return &rules[resource];
}

enum weft_http_method weft_http_method_parse(const char *method)
{
    return strcmp(method, "GET") == 0    ? WEFT_HTTP_GET
           : strcmp(method, "HEAD") == 0 ? WEFT_HTTP_HEAD
           : strcmp(method, "POST") == 0 ? WEFT_HTTP_POST
                                         : WEFT_HTTP_OTHER;
}

void weft_http_allow(const struct weft_http_rule *rule, char ret_text[32])
{
    (void)snprintf(ret_text, 32, "%s%s%s", (rule->methods & WEFT_HTTP_GET) != 0 ? "GET, HEAD" : "",
        (rule->methods & WEFT_HTTP_GET) != 0 && (rule->methods & WEFT_HTTP_POST) != 0 ? ", " : "",
        (rule->methods & WEFT_HTTP_POST) != 0 ? "POST" : "");
}

/* --- percent-encoding (RFC 3986, 2.1) ---------------------------------------------------- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* In a query '+' is a space (WHATWG URL, application/x-www-form-urlencoded), in a path it is
 * itself. */
static enum weft_err decode(struct weft_text raw, bool is_query, struct weft_arena *arena,
    struct weft_text *ret_text, struct weft_msg *msg)
{
    char *text = weft_arena_alloc(arena, raw.size + 1);
    size_t size = 0;
    if (text == NULL) {
        return weft_fail(msg, WEFT_ETOOBIG, "the request target is too large");
    }
    for (size_t i = 0; i < raw.size; i++) {
        char c = raw.data[i];
        if (c == '%') {
            bool is_whole = raw.size - i > 2;
            int high = is_whole ? digit_of(raw.data[i + 1]) : -1;
            int low = is_whole ? digit_of(raw.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return weft_fail(msg, WEFT_EINVAL,
                    "byte %zu of the target's part: %% without two hexadecimal digits", i + 1);
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        text[size++] = c;
    }
    *ret_text = (struct weft_text){text, size};
    return weft_text_is_utf8(*ret_text)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL, "the target is not UTF-8 once it is decoded");
}

/* --- path -------------------------------------------------------------------------------- */

static bool has_prefix(struct weft_text text, const char *prefix, struct weft_text *ret_rest)
{
    if (!weft_text_starts(text, prefix)) {
        return false;
    }
    size_t size = strlen(prefix);
    *ret_rest = (struct weft_text){text.data + size, text.size - size};
    return true;
}

/* The id, with what stands behind it in the path taken away. */
static enum weft_err parse_id(struct weft_text raw, struct weft_arena *arena,
    enum weft_http_resource resource, struct weft_http_target *t, struct weft_msg *msg)
{
    enum weft_err err = decode(raw, false, arena, &t->id, msg);
    t->resource = resource;
    if (err == WEFT_OK && !weft_asset_is_valid(t->id)) {
        err = weft_fail(msg, WEFT_EINVAL,
            "the path holds no asset id: 1 to %d bytes, no control characters, no space at the "
            "ends",
            WEFT_ASSET_SIZE_MAX);
    }
    return err;
}

static bool has_suffix(struct weft_text text, const char *suffix, struct weft_text *ret_rest)
{
    size_t size = strlen(suffix);
    if (text.size < size || memcmp(text.data + text.size - size, suffix, size) != 0) {
        return false;
    }
    *ret_rest = (struct weft_text){text.data, text.size - size};
    return true;
}

static enum weft_err parse_asset(struct weft_text rest, struct weft_arena *arena,
    struct weft_http_target *t, struct weft_msg *msg)
{
    enum weft_http_resource resource = has_suffix(rest, "/story", &rest) ? WEFT_HTTP_STORY
                                       : has_suffix(rest, "/records", &rest)
                                           ? WEFT_HTTP_ASSET_RECORDS
                                           : WEFT_HTTP_ASSET;
    return parse_id(rest, arena, resource, t, msg);
}

static enum weft_err parse_trace(struct weft_text rest, struct weft_arena *arena,
    struct weft_http_target *t, struct weft_msg *msg)
{
    if (has_prefix(rest, "forward/", &rest)) {
        return parse_id(rest, arena, WEFT_HTTP_TRACE_FORWARD, t, msg);
    }
    if (has_prefix(rest, "back/", &rest)) {
        return parse_id(rest, arena, WEFT_HTTP_TRACE_BACK, t, msg);
    }
    return weft_fail(msg, WEFT_ENOTFOUND,
        "a trace goes /v1/trace/forward/{id} (where an asset went) or /v1/trace/back/{id} (what it "
        "is made of)");
}

/* How many bytes of it stand before the asset; 0: it is about none. */
static size_t stem_size(struct weft_text path)
{
    static const char *const stems[] = {"across/", "ask/", "cells/*/asset/"};
    for (size_t i = 0; i < sizeof(stems) / sizeof(stems[0]); i++) {
        if (weft_text_starts(path, stems[i])) {
            return strlen(stems[i]);
        }
    }
    return 0;
}

bool weft_http_is_of_asset(struct weft_text path)
{
    return stem_size(path) > 0;
}

static enum weft_err parse_about(struct weft_text raw, struct weft_arena *arena,
    struct weft_http_target *t, struct weft_msg *msg)
{
    const size_t skip = stem_size(raw);
    struct weft_http_target of = {.param_count = 0};
    enum weft_err err = parse_id(
        (struct weft_text){raw.data + skip, raw.size - skip}, arena, WEFT_HTTP_AUDIT, &of, msg);
    return err == WEFT_OK ? decode(raw, false, arena, &t->id, msg) : err;
}

static enum weft_err parse_path(struct weft_text path, struct weft_arena *arena,
    struct weft_http_target *t, struct weft_msg *msg)
{
    struct weft_text rest;
    if (has_prefix(path, "/v1/assets/", &rest)) {
        return parse_asset(rest, arena, t, msg);
    }
    if (has_prefix(path, "/v1/trace/", &rest)) {
        return parse_trace(rest, arena, t, msg);
    }
    if (has_prefix(path, "/v1/audit/", &rest)) {
        t->resource = WEFT_HTTP_AUDIT;
        t->id = rest; /* As C2SP tlog-tiles names files: nothing in it is percent-encoded. */
        return weft_http_is_of_asset(rest) ? parse_about(rest, arena, t, msg) : WEFT_OK;
    }
    for (int i = 0; i < WEFT_HTTP_RESOURCES; i++) {
        if (weft_text_is(path, rules[i].path)) {
            t->resource = (enum weft_http_resource)i;
            return WEFT_OK;
        }
    }
    uint64_t number;
    if (has_prefix(path, "/v1/import/", &rest) && weft_text_number(rest, &number)) {
        t->resource = WEFT_HTTP_IMPORT_JOB;
        t->id = rest;
        return WEFT_OK;
    }
    return weft_fail(
        msg, WEFT_ENOTFOUND, "there is no such path; /openapi.json lists those that there are");
}

/* --- parameters -------------------------------------------------------------------------- */

static enum weft_err parse_params(struct weft_text query, struct weft_arena *arena,
    struct weft_http_target *t, struct weft_msg *msg)
{
    while (query.size > 0) {
        const char *end = memchr(query.data, '&', query.size);
        size_t size = end != NULL ? (size_t)(end - query.data) : query.size;
        struct weft_text pair = {query.data, size};
        size_t taken = size + (end != NULL ? 1 : 0);
        query = (struct weft_text){query.data + taken, query.size - taken};
        if (pair.size == 0) {
            continue;
        }
        if (t->param_count == WEFT_HTTP_PARAMS_MAX) {
            return weft_fail(msg, WEFT_ETOOBIG, "more than %d parameters", WEFT_HTTP_PARAMS_MAX);
        }
        const char *equals = memchr(pair.data, '=', pair.size);
        size_t name_size = equals != NULL ? (size_t)(equals - pair.data) : pair.size;
        struct weft_text value = {equals != NULL ? equals + 1 : pair.data + pair.size,
            equals != NULL ? pair.size - name_size - 1 : 0};
        struct weft_http_param *p = &t->params[t->param_count++];
        enum weft_err err =
            decode((struct weft_text){pair.data, name_size}, true, arena, &p->name, msg);
        if (err == WEFT_OK) {
            err = decode(value, true, arena, &p->value, msg);
        }
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

enum weft_err weft_http_target_parse(struct weft_text raw, struct weft_arena *arena,
    struct weft_http_target *ret_target, struct weft_msg *msg)
{
    struct weft_http_target t = {0};
    if (raw.size > WEFT_HTTP_TARGET_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a request target of %zu bytes, at most %d", raw.size,
            WEFT_HTTP_TARGET_SIZE_MAX);
    }
    const char *mark = raw.size > 0 ? memchr(raw.data, '?', raw.size) : NULL;
    struct weft_text path = {raw.data, mark != NULL ? (size_t)(mark - raw.data) : raw.size};
    enum weft_err err = parse_path(path, arena, &t, msg);
    if (err == WEFT_OK && mark != NULL) {
        err = parse_params((struct weft_text){mark + 1, raw.size - path.size - 1}, arena, &t, msg);
    }
    if (err == WEFT_OK) {
        t.rule = &rules[t.resource];
        *ret_target = t;
    }
    return err;
}

/* `name` is one of the words of `list`. */
static bool is_listed(const char *list, struct weft_text name)
{
    while (*list != '\0') {
        size_t size = strcspn(list, " ");
        if (weft_text_equal((struct weft_text){list, size}, name)) {
            return true;
        }
        list += size + (list[size] == ' ' ? 1 : 0);
    }
    return false;
}

enum weft_err weft_http_target_check_params(
    const struct weft_http_target *t, enum weft_http_method method, struct weft_msg *msg)
{
    const char *known = method == WEFT_HTTP_POST ? t->rule->post : t->rule->get;
    for (uint32_t i = 0; i < t->param_count; i++) {
        struct weft_text name = t->params[i].name;
        int shown = (int)weft_text_utf8_prefix(
            (struct weft_text){name.data, name.size < 40 ? name.size : 40});
        if (!is_listed(known, name)) {
            return weft_fail(msg, WEFT_EINVAL, "unknown parameter \"%.*s\"%s%s", shown, name.data,
                known[0] != '\0' ? "; there are: " : "; there are none here", known);
        }
        for (uint32_t k = 0; k < i; k++) {
            if (weft_text_equal(t->params[k].name, name)) {
                return weft_fail(
                    msg, WEFT_EINVAL, "parameter \"%.*s\" is given twice", shown, name.data);
            }
        }
    }
    return WEFT_OK;
}

bool weft_http_target_param(
    const struct weft_http_target *t, const char *name, struct weft_text *ret_value)
{
    for (uint32_t i = 0; i < t->param_count; i++) {
        if (weft_text_is(t->params[i].name, name)) {
            *ret_value = t->params[i].value;
            return true;
        }
    }
    return false;
}
