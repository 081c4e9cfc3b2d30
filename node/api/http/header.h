/* node/api/http/header.h: what the values of request headers mean. Pure: text in, values out. */
#ifndef WEFT_NODE_API_HTTP_HEADER_H
#define WEFT_NODE_API_HTTP_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/client.h"

enum {
    WEFT_HTTP_ETAG_SIZE = 32,
    WEFT_HTTP_EVENT_ID_SIZE = 36, /* "<index>-<ordinal>", terminated. */
};

/* RFC 9110, 8.8.3: the tag of an asset at a revision is "rev-N", strong, quotes included. */
void weft_http_etag_format(uint64_t rev, char ret_etag[WEFT_HTTP_ETAG_SIZE]);

/* RFC 9110, 13.1, of a commit: what its records are to expect. */
struct weft_http_condition {
    bool is_given;
    uint64_t rev; /* 0: the asset must not exist. */
};
/* If-Match with one tag of ours, or If-None-Match: *. Either may be NULL. WEFT_EINVAL: both, a
 * list, a weak tag, or another's. */
WEFT_MUST_USE enum weft_err weft_http_condition_parse(const char *if_match,
    const char *if_none_match, struct weft_http_condition *ret_condition, struct weft_msg *msg);
/* Of a reading request: does If-None-Match (a list, or *) name the revision? RFC 9110, 13.1.2:
 * compared weakly. Tags that are not ours match nothing. */
bool weft_http_is_unmodified(const char *if_none_match, uint64_t rev);

/* Weft-Consistency and Weft-Min-Index (either may be NULL) into the query: linearizable unless
 * something else is said; stale with an index waits for the index. WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_http_consistency_parse(
    const char *consistency, const char *min_index, struct weft_query *query, struct weft_msg *msg);

enum weft_http_media {
    WEFT_HTTP_MEDIA_JSON,   /* application/json, application/ld+json, or none given. */
    WEFT_HTTP_MEDIA_NDJSON, /* application/x-ndjson */
    WEFT_HTTP_MEDIA_OTHER,
};
/* Content-Type; parameters are let pass, but for a charset other than UTF-8. */
enum weft_http_media weft_http_media_parse(const char *content_type);
/* Accept names text/event-stream, before anything that is JSON. */
bool weft_http_wants_stream(const char *accept);

/* The token of "Bearer <token>" (RFC 6750, 2.1). False: another scheme, or no token. */
bool weft_http_bearer(const char *authorization, struct weft_text *ret_token);

/* The id of an event: the place of its record in the feed. */
void weft_http_event_id_format(
    uint64_t index, uint32_t ordinal, char ret_id[WEFT_HTTP_EVENT_ID_SIZE]);
bool weft_http_event_id_parse(struct weft_text text, uint64_t *ret_index, uint32_t *ret_ordinal);

#endif
