/* node/api/http/reply.h: what goes back to a request: status, headers, content. Pure.
 *
 * Turns the answers of the node (proto/client.h) into HTTP: which code of ours is which status is
 * one table, and every error is a problem of RFC 9457. */
#ifndef WEFT_NODE_API_HTTP_REPLY_H
#define WEFT_NODE_API_HTTP_REPLY_H

#include "node/api/http/header.h"
#include "node/api/http/target.h"
#include "proto/client.h"
#include "proto/writer.h"

struct weft_http_reply {
    unsigned status;
    const char *content_type;
    struct weft_writer body;
    uint64_t index; /* Weft-Index. */
    char etag[WEFT_HTTP_ETAG_SIZE];
    char location[64];
    char allow[32];
    unsigned retry_after_s;
    bool is_storable;   /* By a cache, which asks again: a 304 tells the truth. */
    bool asks_identity; /* WWW-Authenticate. */
    bool must_close;
};

/* What of the request decides how an answer looks. */
struct weft_http_asked {
    enum weft_http_resource resource;
    struct weft_text asset;
    bool has_condition; /* If-Match or If-None-Match of a commit: a conflict is 412. */
    bool is_present;    /* Of an asset as it is now: it has an ETag. */
    bool ids_only;      /* Of a trace. */
    const char *if_none_match;
};

unsigned weft_http_status_of(enum weft_err err);

/* Empty, 200, JSON; keeps memory. */
void weft_http_reply_reset(struct weft_http_reply *r);
void weft_http_reply_destroy(struct weft_http_reply *r);
/* `status` 0: that of the code. `pointer` may be NULL. */
void weft_http_reply_problem(struct weft_http_reply *r, enum weft_err err, unsigned status,
    const char *detail, const char *pointer);
/* `arena` is scratch. Whatever goes wrong becomes a problem. */
void weft_http_reply_message(struct weft_http_reply *r, const struct weft_http_asked *asked,
    const struct weft_client_message *message, struct weft_arena *arena);

#endif
