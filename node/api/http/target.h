/* node/api/http/target.h: what a request line asks for: method, path and parameters. Pure.
 *
 * One table names every resource with its methods, its parameters and who may use it; router,
 * 405's Allow and the test of the OpenAPI document read it. An asset id in a path may be
 * percent-encoded as a whole ("serial%3Abox%2F7") or with its slashes as they are
 * ("serial:box/7"); below /v1/assets/ only an id that itself ends in "/story" or "/records" must
 * have that slash encoded. */
#ifndef WEFT_NODE_API_HTTP_TARGET_H
#define WEFT_NODE_API_HTTP_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_HTTP_TARGET_SIZE_MAX = 8192, /* A request target; a long id and a long cursor fit. */
    WEFT_HTTP_PARAMS_MAX = 16,
};

enum weft_http_resource {
    WEFT_HTTP_COMMITS,
    WEFT_HTTP_ASSET,
    WEFT_HTTP_ASSET_RECORDS,
    WEFT_HTTP_STORY,
    WEFT_HTTP_RECORDS,
    WEFT_HTTP_TRACE_FORWARD,
    WEFT_HTTP_TRACE_BACK,
    WEFT_HTTP_RECALL,
    WEFT_HTTP_IMPORT_EPCIS,
    WEFT_HTTP_IMPORT_JOB,
    WEFT_HTTP_AUDIT,
    WEFT_HTTP_WITNESS,
    WEFT_HTTP_STATUS,
    WEFT_HTTP_HEALTHZ,
    WEFT_HTTP_READYZ,
    WEFT_HTTP_METRICS,
    WEFT_HTTP_OPENAPI,
    WEFT_HTTP_RESOURCES
};

enum weft_http_method {
    WEFT_HTTP_GET = 1,
    WEFT_HTTP_HEAD = 2, /* Answered like GET, without the content. */
    WEFT_HTTP_POST = 4,
    WEFT_HTTP_OTHER = 8,
};

struct weft_http_rule {
    const char *path;    /* "/v1/assets/{id}/story", as OpenAPI writes it. */
    unsigned methods;    /* Of enum weft_http_method, or-ed. */
    bool is_open;        /* Needs no identity. */
    const char *get;     /* Parameters of GET, space separated. */
    const char *post;    /* Of POST. */
    size_t body_max;     /* Of POST, bytes. */
    unsigned body_s_max; /* Of POST: the body is here by then, s. */
};

struct weft_http_param {
    struct weft_text name;
    struct weft_text value;
};

struct weft_http_target {
    enum weft_http_resource resource;
    const struct weft_http_rule *rule;
    struct weft_text id; /* The asset of the path; of IMPORT_JOB its number as text. */
    struct weft_http_param params[WEFT_HTTP_PARAMS_MAX];
    uint32_t param_count;
};

const struct weft_http_rule *weft_http_rule(enum weft_http_resource resource);
enum weft_http_method weft_http_method_parse(const char *method);
/* "GET, HEAD, POST" of a rule, for Allow. */
void weft_http_allow(const struct weft_http_rule *rule, char ret_text[32]);

/* Texts are in the arena. Does not look at the names of parameters.
 * WEFT_ENOTFOUND: no such path. WEFT_EINVAL: an escape that is none, bytes that are not UTF-8, an
 * id that no asset can have. WEFT_ETOOBIG: the target, or the number of parameters. */
WEFT_MUST_USE enum weft_err weft_http_target_parse(struct weft_text raw, struct weft_arena *arena,
    struct weft_http_target *ret_target, struct weft_msg *msg);

/* A file of AUDIT that is about an asset, and no part of the audit log. */
bool weft_http_is_of_asset(struct weft_text path);

/* Every parameter is one that the method knows, and there once. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_http_target_check_params(
    const struct weft_http_target *target, enum weft_http_method method, struct weft_msg *msg);
/* False: it is not given. */
bool weft_http_target_param(
    const struct weft_http_target *target, const char *name, struct weft_text *ret_value);

#endif
