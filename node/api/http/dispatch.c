#include "node/api/http/door.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "node/api/http/body.h"
#include "node/api/http/metrics.h"
#include "node/api/http/question.h"
#include "node/node.h"
#include "node/replies.h"
#include "proto/limits.h"
#include "proto/request_id.h"

extern const unsigned char weft_http_openapi[]; /* Made from openapi.json by the build. */
extern const size_t weft_http_openapi_size;

static const char *header(const struct weft_http_conn *c, const char *name)
{
    return MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, name);
}

static void refuse(struct weft_http_conn *c, enum weft_err err, const char *detail)
{
    weft_http_exchange_refuse(c, err, 0, detail);
    weft_http_exchange_ready(c);
}

/* --- commits ----------------------------------------------------------------------------- */

static enum weft_err read_request_id(
    struct weft_http_conn *c, struct weft_http_commit *commit, struct weft_msg *msg)
{
    const char *key = header(c, "Idempotency-Key");
    struct weft_request_id id;
    if (key != NULL) {
        enum weft_err err = weft_request_id_parse(key, &id, msg);
        if (err != WEFT_OK) {
            return weft_wrap(msg, err, "Idempotency-Key");
        }
        if (commit->has_request_id && memcmp(&id, &commit->commit.request_id, sizeof(id)) != 0) {
            return weft_fail(msg, WEFT_EINVAL, "Idempotency-Key and request_id differ");
        }
        commit->commit.request_id = id;
        commit->has_request_id = true;
    }
    if (!commit->has_request_id &&
        getrandom(&commit->commit.request_id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
        return weft_fail(msg, WEFT_EIO, "no random bytes for a request id");
    }
    return WEFT_OK;
}

static void propose(struct weft_http_conn *c, struct weft_bytes body)
{
    struct weft_node *node = c->door->node;
    struct weft_waiter waiter = weft_http_waiter(c);
    const struct weft_entry_item item = {.type = WEFT_ITEM_COMMIT,
        .has_warrant = c->has_warrant,
        .warrant = c->warrant,
        .principal = weft_text_of(c->principal),
        .body = body};
    enum weft_err err = weft_node_commit(node, &item, &waiter);
    if (err == WEFT_ENOTLEADER || err == WEFT_EUNAVAILABLE) {
        weft_reply_refuse(node, &waiter, WEFT_EUNAVAILABLE,
            node->leader_id == 0 ? "the site has no leader at the moment"
                                 : "the leader cannot be reached from here at the moment");
    } else if (err != WEFT_OK) {
        weft_reply_refuse(node, &waiter, err, "too many commits wait on this node; try again");
    }
}

static void commit(struct weft_http_conn *c)
{
    struct weft_http_commit commit;
    struct weft_buffer encoded = {.size_max = WEFT_COMMIT_SIZE_MAX};
    struct weft_msg msg = {""};
    char pointer[WEFT_HTTP_POINTER_SIZE] = "";
    enum weft_err err = weft_http_condition_parse(header(c, MHD_HTTP_HEADER_IF_MATCH),
        header(c, MHD_HTTP_HEADER_IF_NONE_MATCH), &c->condition, &msg);
    c->asked.has_condition = c->condition.is_given;
    if (err == WEFT_OK) {
        err = weft_http_body_parse((struct weft_text){(char *)c->body.data, c->body.size}, c->media,
            &c->condition, &c->arena, &commit, pointer, &msg);
    }
    if (err == WEFT_OK) {
        err = read_request_id(c, &commit, &msg);
    }
    if (err == WEFT_OK) {
        err = weft_commit_encode(&commit.commit, &encoded);
        if (err != WEFT_OK) {
            (void)weft_fail(&msg, err, "the records take more than the %d bytes of one commit",
                WEFT_COMMIT_SIZE_MAX);
        }
    }
    if (err == WEFT_OK) {
        propose(c, (struct weft_bytes){encoded.data, encoded.size});
    } else {
        weft_http_reply_problem(&c->reply, err, 0, msg.text, pointer);
        weft_http_exchange_ready(c);
    }
    weft_buffer_destroy(&encoded);
}

/* --- queries ----------------------------------------------------------------------------- */

static void ask(struct weft_http_conn *c)
{
    struct weft_node *node = c->door->node;
    struct weft_query query;
    struct weft_waiter waiter = weft_http_waiter(c);
    struct weft_msg msg = {""};
    enum weft_err err = weft_http_question_parse(&c->target, &c->arena, &query, &msg);
    if (err == WEFT_OK) {
        err = weft_http_consistency_parse(
            header(c, "Weft-Consistency"), header(c, "Weft-Min-Index"), &query, &msg);
    }
    if (err != WEFT_OK) {
        refuse(c, err, msg.text);
        return;
    }
    query.principal = weft_text_of(c->principal);
    query.has_warrant = c->has_warrant;
    query.warrant = c->warrant;
    c->asked.is_present =
        !query.has_at && query.as_of == 0 && !query.has_as_of_ns && query.cursor.size == 0;
    c->asked.ids_only = query.ids_only;
    c->asked.if_none_match = header(c, MHD_HTTP_HEADER_IF_NONE_MATCH);
    if (query.type == WEFT_QUERY_AUDIT && weft_text_is(query.asset, "checkpoint")) {
        weft_reply_audit_note(node, &waiter);
        return;
    }
    if (query.type == WEFT_QUERY_AUDIT &&
        weft_questions_hold(node, &query, &waiter, weft_http_now_ms(c->door))) {
        return;
    }
    err = weft_reads_add(&node->reads, &query, &waiter, weft_http_now_ms(c->door));
    if (err != WEFT_OK) {
        weft_reply_refuse(node, &waiter, err, "too many queries wait on this node; try again");
    }
}

/* Events from `from`, from behind Last-Event-ID, or from now on. */
static void stream(struct weft_http_conn *c)
{
    struct weft_http_stream *s = &c->stream;
    struct weft_msg msg = {""};
    struct weft_text value;
    const char *last = header(c, "Last-Event-ID");
    uint64_t index = c->door->applied_index + 1;
    uint32_t ordinal;
    *s = (struct weft_http_stream){0};
    enum weft_err err = weft_http_question_number(&c->target, "from", 1, UINT64_MAX, &index, &msg);
    if (err != WEFT_OK || weft_http_target_param(&c->target, "cursor", &value) ||
        weft_http_target_param(&c->target, "limit", &value)) {
        refuse(c, WEFT_EINVAL, err != WEFT_OK ? msg.text : "a stream has no cursor and no limit");
        return;
    }
    s->position.next_index = index;
    if (last != NULL && last[0] != '\0') {
        if (!weft_http_event_id_parse(weft_text_of(last), &index, &ordinal)) {
            refuse(c, WEFT_EINVAL, "Last-Event-ID: not the id of an event");
            return;
        }
        weft_http_position_resume(&s->position, index, ordinal);
    }
    (void)weft_http_target_param(&c->target, "asset", &s->glob);
    c->state = WEFT_EXCHANGE_STREAMING;
}

/* --- imports ----------------------------------------------------------------------------- */

static void import(struct weft_http_conn *c)
{
    struct weft_text name = {NULL, 0};
    struct weft_msg msg = {""};
    uint64_t job;
    (void)weft_http_target_param(&c->target, "name", &name);
    enum weft_err err = weft_http_captures_start(c->door->captures, &c->body, name, c->principal,
        c->has_warrant ? &c->warrant : NULL, &job, &msg);
    if (err != WEFT_OK) {
        refuse(c, err, msg.text);
        return;
    }
    if (weft_http_captures_write(c->door->captures, job, c->principal, &c->reply.body) == WEFT_OK) {
        c->reply.status = 202;
        (void)snprintf(c->reply.location, sizeof(c->reply.location), "/v1/import/%" PRIu64, job);
    }
    weft_http_exchange_ready(c);
    weft_node_wake(c->door->node);
}

static void import_job(struct weft_http_conn *c)
{
    uint64_t job = 0;
    (void)weft_text_number(c->target.id, &job); /* The router has seen that it is one. */
    if (weft_http_captures_write(c->door->captures, job, c->principal, &c->reply.body) != WEFT_OK) {
        weft_http_exchange_refuse(c, WEFT_ENOTFOUND, 0,
            "there is no such import on this node: it is forgotten, or runs on another");
    }
    weft_http_exchange_ready(c);
}

/* --- what the door answers by itself ------------------------------------------------------ */

static void health(struct weft_http_conn *c, bool is_ready, const char *why)
{
    if (!is_ready) {
        refuse(c, WEFT_EUNAVAILABLE, why);
        return;
    }
    weft_writer_open(&c->reply.body, NULL, '{');
    weft_writer_text(&c->reply.body, "status", WEFT_TEXT("ok"));
    weft_writer_close(&c->reply.body, '}');
    weft_http_exchange_ready(c);
}

/* Would a request sent here be answered? */
static void readiness(struct weft_http_conn *c)
{
    const struct weft_node *node = c->door->node;
    const char *why = node->phase == WEFT_NODE_JOINING   ? "joining its site"
                      : node->phase != WEFT_NODE_RUNNING ? "stopping"
                      : !node->is_member                 ? "not a member of its site"
                      : node->leader_id == 0             ? "no leader at the moment"
                                                         : NULL;
    health(c, why == NULL, why);
}

static void status(struct weft_http_conn *c)
{
    struct weft_client_message message = {.kind = WEFT_KIND_STATUS_RESULT};
    struct weft_waiter waiter = weft_http_waiter(c);
    enum weft_err err = weft_node_status(c->door->node, &c->arena, &message.status_result);
    waiter.asked_ns = 0;
    if (err != WEFT_OK) {
        weft_reply_refuse(c->door->node, &waiter, err, "status");
    } else {
        weft_reply(c->door->node, &waiter, &message);
    }
}

static void metrics(struct weft_http_conn *c)
{
    struct weft_node *node = c->door->node;
    struct weft_status node_status;
    enum weft_err err = weft_node_status(node, &c->arena, &node_status);
    if (err == WEFT_OK) {
        const struct weft_http_metrics m = {.status = &node_status,
            .commit = &node->replies.commit,
            .read = &node->replies.read,
            .refused = node->replies.refused,
            .http = &c->door->stats};
        c->reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
        err = weft_http_metrics_write(&m, &c->reply.body.out);
    }
    if (err != WEFT_OK) {
        weft_http_exchange_refuse(c, err, 0, "metrics");
    }
    weft_http_exchange_ready(c);
}

static void openapi(struct weft_http_conn *c)
{
    if (weft_buffer_append(&c->reply.body.out, weft_http_openapi, weft_http_openapi_size) !=
        WEFT_OK) {
        weft_http_exchange_refuse(c, WEFT_ENOMEM, 0, "no memory for the document");
    }
    weft_http_exchange_ready(c);
}

static void witness(struct weft_http_conn *c)
{
    struct weft_node *node = c->door->node;
    struct weft_waiter waiter = weft_http_waiter(c);
    if (node->witnessing == NULL) {
        refuse(c, WEFT_ENOTFOUND, "this node is no witness: it has no witness.key");
        return;
    }
    weft_witnessing_ask(node->witnessing, (struct weft_bytes){c->body.data, c->body.size}, &waiter,
        (uint64_t)time(NULL));
}

void weft_http_dispatch(struct weft_http_conn *c)
{
    const struct weft_node *node = c->door->node;
    enum weft_http_resource resource = c->target.resource;
    struct weft_msg msg = {""};
    c->asked.resource = resource;
    c->asked.asset = c->target.id;
    weft_http_reply_reset(&c->reply);
    if (node->replica == NULL && !c->target.rule->is_open) {
        refuse(c, WEFT_EUNAVAILABLE, "this node is still joining its site");
        return;
    }
    enum weft_err err = weft_http_check_token(c, &msg);
    if (err != WEFT_OK) {
        refuse(c, err, msg.text);
        return;
    }
    switch (resource) {
    case WEFT_HTTP_COMMITS:
        if (c->method == WEFT_HTTP_POST) {
            commit(c);
        } else if (weft_http_wants_stream(header(c, MHD_HTTP_HEADER_ACCEPT)) &&
                   c->method == WEFT_HTTP_GET) {
            stream(c);
        } else {
            ask(c);
        }
        return;
    case WEFT_HTTP_ASSET:
    case WEFT_HTTP_ASSET_RECORDS:
    case WEFT_HTTP_STORY:
    case WEFT_HTTP_RECORDS:
    case WEFT_HTTP_TRACE_FORWARD:
    case WEFT_HTTP_TRACE_BACK:
    case WEFT_HTTP_RECALL:
    case WEFT_HTTP_AUDIT:
        ask(c);
        return;
    case WEFT_HTTP_WITNESS:
        witness(c);
        return;
    case WEFT_HTTP_IMPORT_EPCIS:
        import(c);
        return;
    case WEFT_HTTP_IMPORT_JOB:
        import_job(c);
        return;
    case WEFT_HTTP_STATUS:
        status(c);
        return;
    case WEFT_HTTP_HEALTHZ:
        health(c, true, NULL);
        return;
    case WEFT_HTTP_READYZ:
        readiness(c);
        return;
    case WEFT_HTTP_METRICS:
        metrics(c);
        return;
    case WEFT_HTTP_OPENAPI:
        openapi(c);
        return;
    case WEFT_HTTP_RESOURCES:
        break;
    }
    refuse(c, WEFT_ENOTFOUND, "there is no such path");
}
