#include "node/api/http/reply.h"

#include <string.h>

#include "node/api/http/target.h"
#include "proto/answer_json.h"

static const char json[] = "application/json", problem[] = "application/problem+json";

unsigned weft_http_status_of(enum weft_err err)
{
    switch (err) {
    case WEFT_OK:
        return 200;
    case WEFT_EMALFORMED:
    case WEFT_EINVAL:
    case WEFT_EVERSION:
    case WEFT_EBADSIG:
        return 400;
    case WEFT_EREFUSED:
    case WEFT_EPEER:
        return 403;
    case WEFT_ENOTFOUND:
        return 404;
    case WEFT_ECONFLICT:
    case WEFT_ESTATE:
        return 409;
    case WEFT_ETOOBIG:
        return 413;
    case WEFT_EBUSY:
    case WEFT_ENOTLEADER:
    case WEFT_EUNAVAILABLE:
    case WEFT_ENOMEM:
    case WEFT_ECLOSED:
        return 503;
    case WEFT_ETIMEDOUT:
        return 504;
    case WEFT_ENOSPC:
        return 507;
    case WEFT_ECORRUPT:
    case WEFT_EIO:
    case WEFT_ERRS:
        return 500;
    }
    return 500;
}

void weft_http_reply_reset(struct weft_http_reply *r)
{
    struct weft_writer body = r->body;
    weft_writer_reset(&body);
    *r = (struct weft_http_reply){.status = 200, .content_type = json, .body = body};
}

void weft_http_reply_destroy(struct weft_http_reply *r)
{
    weft_writer_destroy(&r->body);
    *r = (struct weft_http_reply){0};
}

static void reply_error(
    struct weft_http_reply *r, const struct weft_error_answer *error, unsigned status)
{
    uint64_t index = r->index;
    weft_http_reply_reset(r);
    r->index = error->index > index ? error->index : index;
    r->status = status;
    r->content_type = problem;
    r->retry_after_s = status == 503 || status == 504 ? 1 : 0;
    r->asks_identity = status == 401;
    weft_answer_write_problem(&r->body, error, status);
}

void weft_http_reply_problem(struct weft_http_reply *r, enum weft_err err, unsigned status,
    const char *detail, const char *pointer)
{
    struct weft_error_answer error = {
        .err = err, .detail = weft_text_of(detail), .pointer = weft_text_of(pointer)};
    reply_error(r, &error, status != 0 ? status : weft_http_status_of(err));
}

/* Whatever was written of it is forgotten. */
static void reply_unwritten(struct weft_http_reply *r, enum weft_err err)
{
    weft_http_reply_problem(
        r, err, 500, "the answer cannot be written as JSON; ask with a smaller limit", NULL);
}

static void reply_page(struct weft_http_reply *r, const struct weft_http_asked *asked,
    const struct weft_page *page, struct weft_arena *arena)
{
    bool is_asset = asked->resource == WEFT_HTTP_ASSET_RECORDS;
    r->index = page->index;
    if (is_asset && asked->is_present && page->asset_rev > 0) {
        weft_http_etag_format(page->asset_rev, r->etag);
        r->is_storable = true;
        if (asked->if_none_match != NULL &&
            weft_http_is_unmodified(asked->if_none_match, page->asset_rev)) {
            r->status = 304;
            return;
        }
    }
    struct weft_text asset =
        is_asset || asked->resource == WEFT_HTTP_STORY ? asked->asset : (struct weft_text){NULL, 0};
    struct weft_page shown = *page;
    if (asked->resource != WEFT_HTTP_COMMITS) {
        shown.next_index = 0;
    }
    enum weft_err err = weft_answer_write_page(&r->body, asset, &shown, arena);
    if (err != WEFT_OK) {
        reply_unwritten(r, err);
    }
}

/* The tag of a twin is its asset's revision, which is what a commit can expect. It says nothing of
 * the rest of a twin, which follows from other assets and from the clock too: so it is never 304,
 * and not to be stored. */
static void reply_document(struct weft_http_reply *r, const struct weft_http_asked *asked,
    const struct weft_document *document, struct weft_arena *arena)
{
    r->index = document->index;
    if (asked->is_present && document->asset_rev > 0) {
        weft_http_etag_format(document->asset_rev, r->etag);
    }
    enum weft_err err = weft_answer_write_document(&r->body, document, arena);
    if (err != WEFT_OK) {
        reply_unwritten(r, err);
    }
}

static void reply_trace(struct weft_http_reply *r, const struct weft_http_asked *asked,
    const struct weft_trace_result *trace, struct weft_arena *arena)
{
    r->index = trace->index;
    enum weft_err err =
        weft_answer_write_trace(&r->body, NULL, trace, asked->ids_only, arena, NULL);
    if (err != WEFT_OK) {
        reply_unwritten(r, err);
    }
}

static void reply_commit(struct weft_http_reply *r, const struct weft_commit_result *result)
{
    r->index = result->index;
    r->status = result->repeated ? 200 : 201;
    bool is_one = result->receipt_count > 0;
    for (uint32_t i = 1; i < result->receipt_count; i++) {
        is_one = is_one && weft_text_equal(result->receipts[0].asset, result->receipts[i].asset);
    }
    if (is_one) {
        weft_http_etag_format(result->receipts[0].rev, r->etag);
    }
    weft_answer_write_commit(&r->body, result);
}

/* A file as it is: a signed note, or bytes. */
static void reply_audit(struct weft_http_reply *r, const struct weft_http_asked *asked,
    const struct weft_audit_result *audit)
{
    r->index = audit->index;
    r->content_type =
        weft_text_is(asked->asset, "checkpoint") || weft_http_is_of_asset(asked->asset)
            ? "text/plain; charset=utf-8"
            : "application/octet-stream";
    if (weft_buffer_append(&r->body.out, audit->content.data, audit->content.size) != WEFT_OK) {
        r->body.is_broken = true;
    }
}

void weft_http_reply_message(struct weft_http_reply *r, const struct weft_http_asked *asked,
    const struct weft_client_message *message, struct weft_arena *arena)
{
    weft_http_reply_reset(r);
    if (message->kind == WEFT_KIND_PAGE) {
        reply_page(r, asked, &message->page, arena);
    } else if (message->kind == WEFT_KIND_DOCUMENT) {
        reply_document(r, asked, &message->document, arena);
    } else if (message->kind == WEFT_KIND_TRACE_RESULT) {
        reply_trace(r, asked, &message->trace, arena);
    } else if (message->kind == WEFT_KIND_AUDIT_RESULT) {
        reply_audit(r, asked, &message->audit);
    } else if (message->kind == WEFT_KIND_COMMIT_RESULT) {
        reply_commit(r, &message->commit_result);
    } else if (message->kind == WEFT_KIND_STATUS_RESULT) {
        r->index = message->status_result.applied_index;
        weft_answer_write_status(&r->body, &message->status_result);
    } else if (message->kind == WEFT_KIND_ERROR) {
        const struct weft_error_answer *error = &message->error;
        unsigned status = weft_http_status_of(error->err);
        /* A request id that was used for something else is no failed precondition. */
        bool is_precondition = error->err == WEFT_ECONFLICT && asked->has_condition &&
                               !weft_text_is(error->pointer, "/request_id");
        reply_error(r, error, is_precondition ? 412 : status);
    } else {
        weft_http_reply_problem(r, WEFT_EVERSION, 500, "an answer of an unknown kind", NULL);
    }
    if (r->body.is_broken) {
        weft_http_reply_problem(r, WEFT_ENOMEM, 0, "no memory for the answer", NULL);
    }
}
