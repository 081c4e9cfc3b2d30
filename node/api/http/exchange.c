#include "node/api/http/door.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"
#include "proto/check.h"

/* The life of one request, driven by libmicrohttpd's callbacks:
 *
 *     IDLE --line--> HEAD --head--> BODY --whole--> ASKING --answer--> READY --> SENDING --> IDLE
 *
 * with a way from HEAD and BODY straight to READY for whatever the door answers by itself. */

static const char *header(const struct weft_http_conn *c, const char *name)
{
    return MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, name);
}

struct weft_waiter weft_http_waiter(const struct weft_http_conn *c)
{
    c->door->has_asked = true;
    return (struct weft_waiter){.client = (uint32_t)(c - c->door->conns),
        .generation = c->generation,
        .asked_ns = uv_hrtime(),
        .door = WEFT_DOOR_HTTP};
}

/* --- replies ----------------------------------------------------------------------------- */

void weft_http_exchange_refuse(
    struct weft_http_conn *c, enum weft_err err, unsigned status, const char *detail)
{
    weft_http_reply_problem(&c->reply, err, status, detail, NULL);
}

void weft_http_exchange_ready(struct weft_http_conn *c)
{
    c->state = WEFT_EXCHANGE_READY;
    c->deadline_ms = UINT64_MAX;
    if (c->held_until_ms == 0) {
        weft_http_resume(c);
    }
}

void weft_http_exchange_late(struct weft_http_conn *c)
{
    c->generation++; /* An answer that still comes is nobody's. */
    weft_http_exchange_refuse(c, WEFT_ETIMEDOUT, 0,
        c->method == WEFT_HTTP_POST
            ? "not answered in time: the outcome is unknown; ask again with the same request id"
            : "not answered in time; ask again");
    weft_http_exchange_ready(c);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (value[0] != '\0') {
        (void)MHD_add_response_header(response, name, value);
    }
}

static void add_headers(struct weft_http_conn *c, struct MHD_Response *response)
{
    const struct weft_http_reply *r = &c->reply;
    char text[32];
    uint64_t index = r->index > 0 ? r->index : c->door->applied_index;
    (void)snprintf(text, sizeof(text), "%" PRIu64, index);
    add_header(response, "Weft-Index", text);
    if (r->body.out.size > 0) {
        add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->content_type);
    }
    add_header(response, MHD_HTTP_HEADER_ETAG, r->etag);
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, r->is_storable ? "no-cache" : "no-store");
    add_header(response, MHD_HTTP_HEADER_LOCATION, r->location);
    add_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
    add_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
        r->asks_identity ? "Bearer realm=\"weft\"" : "");
    add_header(response, MHD_HTTP_HEADER_CONNECTION, r->must_close ? "close" : "");
    if (r->retry_after_s > 0) {
        (void)snprintf(text, sizeof(text), "%u", r->retry_after_s);
        add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
    }
}

static enum MHD_Result queue(struct weft_http_conn *c)
{
    struct weft_http_reply *r = &c->reply;
    struct weft_buffer *out = &r->body.out;
    unsigned status = r->status;
    struct MHD_Response *response =
        out->size > 0
            ? MHD_create_response_from_buffer(out->size, out->data, MHD_RESPMEM_MUST_FREE)
            : MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    if (response == NULL) {
        return MHD_NO;
    }
    add_headers(c, response);
    if (out->size > 0) {
        *out = (struct weft_buffer){0}; /* libmicrohttpd's now. */
    }
    enum MHD_Result result = MHD_queue_response(c->mhd, status, response);
    MHD_destroy_response(response);
    c->state = WEFT_EXCHANGE_SENDING;
    c->deadline_ms = UINT64_MAX; /* WEFT_HTTP_STALL_S bounds it. */
    c->door->stats.requests[status < 600 ? status : 599]++;
    return result;
}

/* --- for whom ------------------------------------------------------------------------------ */

static unsigned status_of_doubt(enum weft_err err)
{
    return err == WEFT_EPEER || err == WEFT_EREFUSED ? 401 : 0;
}

void weft_http_exchange_believe(
    struct weft_http_conn *c, enum weft_err err, const struct weft_msg *msg)
{
    bool is_whole = c->state == WEFT_EXCHANGE_DOUBTING;
    c->is_doubtful = false;
    if (err != WEFT_OK) {
        c->door->stats.refused_peer++;
        c->is_refused = true;
        weft_buffer_destroy(&c->body);
        weft_http_exchange_refuse(c, err, status_of_doubt(err), msg->text);
    }
    if (is_whole && err == WEFT_OK) {
        c->state = WEFT_EXCHANGE_BODY; /* libmicrohttpd asks again, and it goes on. */
        c->deadline_ms = UINT64_MAX;
        weft_http_resume(c);
    } else if (is_whole) {
        weft_http_exchange_ready(c);
    }
}

/* --- head -------------------------------------------------------------------------------- */

struct lengths {
    uint64_t size;
    unsigned content_lengths;
    unsigned encodings;
    bool is_chunked;
    bool is_bad;
};

static enum MHD_Result on_length(
    void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct lengths *l = ctx;
    (void)kind;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        l->content_lengths++;
        l->is_bad = l->is_bad || value == NULL || !weft_text_number(weft_text_of(value), &l->size);
    } else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        l->encodings++;
        l->is_chunked = value != NULL && strcasecmp(value, "chunked") == 0;
    }
    return MHD_YES;
}

/* RFC 9112, 6.3: a length that can be read in two ways is how requests are smuggled. */
static bool check_lengths(struct weft_http_conn *c, struct lengths *l)
{
    (void)MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, on_length, l);
    if (l->is_bad || l->content_lengths > 1 || l->encodings > 1 ||
        (l->content_lengths > 0 && l->encodings > 0)) {
        weft_http_exchange_refuse(c, WEFT_EMALFORMED, 0,
            "one Content-Length, or Transfer-Encoding: chunked, and not both");
    } else if (l->encodings > 0 && !l->is_chunked) {
        weft_http_exchange_refuse(
            c, WEFT_EVERSION, 501, "Transfer-Encoding: nothing but chunked is understood");
    } else {
        return true;
    }
    return false;
}

static bool check_target(struct weft_http_conn *c, const char *method)
{
    struct weft_msg msg = {""};
    enum weft_err err;
    c->method = weft_http_method_parse(method);
    err = c->raw_target.data != NULL
              ? weft_http_target_parse(c->raw_target, &c->arena, &c->target, &msg)
              : weft_fail(&msg, WEFT_ETOOBIG, "the request target is too large");
    if (err != WEFT_OK) {
        weft_http_exchange_refuse(c, err, err == WEFT_ETOOBIG ? 414 : 0, msg.text);
        return false;
    }
    if ((c->target.rule->methods & c->method) == 0) {
        weft_http_exchange_refuse(c, WEFT_EINVAL, 405, "not a method of this path");
        weft_http_allow(c->target.rule, c->reply.allow);
        return false;
    }
    err = c->target.rule->is_open ? WEFT_OK : weft_http_identify(c, &msg);
    if (err != WEFT_OK) {
        c->door->stats.refused_peer++;
        weft_http_exchange_refuse(c, err, status_of_doubt(err), msg.text);
        return false;
    }
    err = weft_http_target_check_params(&c->target, c->method, &msg);
    if (err != WEFT_OK) {
        weft_http_exchange_refuse(c, err, 0, msg.text);
        return false;
    }
    return true;
}

static bool check_head(struct weft_http_conn *c, const char *method, const struct lengths *l)
{
    bool has_body = l->size > 0 || l->encodings > 0;
    if (!check_target(c, method)) {
        return false;
    }
    if (c->method != WEFT_HTTP_POST) {
        if (has_body) {
            weft_http_exchange_refuse(c, WEFT_EINVAL, 0, "content where none is asked for");
        }
        return !has_body;
    }
    c->media = weft_http_media_parse(header(c, MHD_HTTP_HEADER_CONTENT_TYPE));
    bool is_free = c->target.resource == WEFT_HTTP_WITNESS; /* tlog-witness names no type. */
    if (is_free) {
        c->media = WEFT_HTTP_MEDIA_JSON;
    }
    if (c->media == WEFT_HTTP_MEDIA_OTHER ||
        (c->media == WEFT_HTTP_MEDIA_NDJSON && c->target.resource != WEFT_HTTP_COMMITS)) {
        weft_http_exchange_refuse(c, WEFT_EVERSION, 415,
            "Content-Type: application/json, or application/x-ndjson for commits, in UTF-8");
        return false;
    }
    const char *encoding = header(c, MHD_HTTP_HEADER_CONTENT_ENCODING);
    if (encoding != NULL && strcasecmp(encoding, "identity") != 0) {
        weft_http_exchange_refuse(c, WEFT_EVERSION, 415, "Content-Encoding: none is understood");
        return false;
    }
    if (l->size > c->target.rule->body_max) {
        char text[96];
        (void)snprintf(text, sizeof(text), "content of %" PRIu64 " bytes, at most %zu", l->size,
            c->target.rule->body_max);
        weft_http_exchange_refuse(c, WEFT_ETOOBIG, 0, text);
        return false;
    }
    return true;
}

static enum MHD_Result on_head(struct weft_http_conn *c, const char *method)
{
    struct lengths l = {0};
    bool is_good = check_lengths(c, &l);
    bool has_body = l.size > 0 || l.encodings > 0;
    is_good = is_good && check_head(c, method, &l);
    if (!is_good && (has_body || l.is_bad)) {
        c->reply.must_close = true; /* What follows is not read. */
        return queue(c);
    }
    c->state = is_good ? WEFT_EXCHANGE_BODY : WEFT_EXCHANGE_READY;
    c->deadline_ms =
        has_body ? weft_http_now_ms(c->door) + 1000u * c->target.rule->body_s_max : UINT64_MAX;
    c->body.size_max = is_good ? c->target.rule->body_max : 0;
    return MHD_YES;
}

/* --- body -------------------------------------------------------------------------------- */

static enum MHD_Result on_body(struct weft_http_conn *c, const char *data, size_t *size)
{
    size_t body_max = c->target.rule->body_max;
    c->body_seen += *size;
    if (c->body_seen <= body_max && !c->is_refused) {
        if (weft_buffer_append(&c->body, data, *size) != WEFT_OK) {
            return MHD_NO;
        }
    } else if (c->body_seen > WEFT_HTTP_DRAIN_BYTES) {
        /* In the middle of a body nothing can be said: hang up. */
        c->door->stats.dropped_endless++;
        return MHD_NO;
    } else {
        weft_buffer_destroy(&c->body);
    }
    *size = 0;
    return MHD_YES;
}

static void suspend(struct weft_http_conn *c, enum weft_http_state state)
{
    c->state = state;
    c->deadline_ms = weft_http_now_ms(c->door) + c->door->node->config.timers.request_ms;
    c->is_suspended = true;
    MHD_suspend_connection(c->mhd);
}

static enum MHD_Result on_whole(struct weft_http_conn *c)
{
    c->deadline_ms = UINT64_MAX;
    if (c->body_seen > c->target.rule->body_max) {
        char text[64];
        (void)snprintf(
            text, sizeof(text), "content of more than %zu bytes", c->target.rule->body_max);
        weft_http_exchange_refuse(c, WEFT_ETOOBIG, 0, text);
        return queue(c);
    }
    if (c->is_refused) {
        return queue(c);
    }
    if (c->is_doubtful) {
        suspend(c, WEFT_EXCHANGE_DOUBTING);
        return MHD_YES;
    }
    weft_http_dispatch(c);
    weft_buffer_destroy(&c->body);
    if (c->state == WEFT_EXCHANGE_READY) {
        return queue(c);
    }
    if (c->state == WEFT_EXCHANGE_STREAMING) {
        return weft_http_stream_start(c);
    }
    suspend(c, WEFT_EXCHANGE_ASKING);
    return MHD_YES;
}

enum MHD_Result weft_http_on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_size,
    void **request)
{
    struct weft_http_conn *c = *request;
    (void)ctx, (void)mhd, (void)url, (void)version;
    if (c == NULL || c->is_hung_up) {
        return MHD_NO;
    }
    switch (c->state) {
    case WEFT_EXCHANGE_HEAD:
        return on_head(c, method);
    case WEFT_EXCHANGE_BODY:
        return *upload_size > 0 ? on_body(c, upload, upload_size) : on_whole(c);
    case WEFT_EXCHANGE_READY:
        return queue(c);
    case WEFT_EXCHANGE_FREE:
    case WEFT_EXCHANGE_IDLE:
    case WEFT_EXCHANGE_DOUBTING:
    case WEFT_EXCHANGE_ASKING:
    case WEFT_EXCHANGE_SENDING:
    case WEFT_EXCHANGE_STREAMING:
        break;
    }
    return MHD_NO;
}

/* --- end --------------------------------------------------------------------------------- */

void weft_http_exchange_end(struct weft_http_conn *c)
{
    if (c->state == WEFT_EXCHANGE_STREAMING) {
        weft_http_stream_end(c);
    }
    c->generation++;
    c->state = WEFT_EXCHANGE_IDLE;
    c->is_suspended = false;
    c->deadline_ms = weft_http_now_ms(c->door) + WEFT_HTTP_IDLE_MS;
    weft_arena_destroy(&c->arena);
    weft_buffer_destroy(&c->body);
    weft_http_reply_destroy(&c->reply);
    c->raw_target = (struct weft_text){NULL, 0};
    c->target = (struct weft_http_target){0};
    c->condition = (struct weft_http_condition){0};
    c->asked = (struct weft_http_asked){0};
    c->body_seen = 0;
    c->held_until_ms = 0;
    c->principal[0] = '\0';
    c->is_doubtful = c->is_refused = c->has_warrant = false;
}

void weft_http_on_completed(
    void *ctx, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode code)
{
    struct weft_http_conn *c = *request;
    (void)ctx, (void)mhd;
    if (c == NULL) {
        return;
    }
    c->door->stats.dropped_gone +=
        code != MHD_REQUEST_TERMINATED_COMPLETED_OK && c->state != WEFT_EXCHANGE_STREAMING;
    weft_http_exchange_end(c);
    *request = NULL;
}
