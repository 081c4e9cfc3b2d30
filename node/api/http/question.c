#include "node/api/http/question.h"

#include <inttypes.h>

#include "policy/evidence.h"
#include "policy/tile.h"
#include "proto/limits.h"
#include "proto/query_text.h"
#include "proto/time.h"

/* One being read. */
struct question {
    const struct weft_http_target *target;
    struct weft_query *query;
    struct weft_arena *arena;
    struct weft_msg *msg;
};

static bool has(const struct question *q, const char *name, struct weft_text *ret_value)
{
    return weft_http_target_param(q->target, name, ret_value);
}

enum weft_err weft_http_question_number(const struct weft_http_target *target, const char *name,
    uint64_t min, uint64_t max, uint64_t *number, struct weft_msg *msg)
{
    struct weft_text value;
    uint64_t given;
    if (!weft_http_target_param(target, name, &value)) {
        return WEFT_OK;
    }
    if (!weft_text_number(value, &given) || given < min || given > max) {
        return weft_fail(msg, WEFT_EINVAL, "parameter %s: a number from %" PRIu64 " to %" PRIu64,
            name, min, max);
    }
    *number = given;
    return WEFT_OK;
}

static enum weft_err read_bool(const struct question *q, const char *name, bool *flag)
{
    struct weft_text value;
    if (!has(q, name, &value)) {
        return WEFT_OK;
    }
    *flag = weft_text_is(value, "true");
    return *flag || weft_text_is(value, "false")
               ? WEFT_OK
               : weft_fail(q->msg, WEFT_EINVAL, "parameter %s: true or false", name);
}

static enum weft_err read_time(const struct question *q, const char *name, int64_t *ns, bool *given)
{
    struct weft_text value;
    if (!has(q, name, &value)) {
        return WEFT_OK;
    }
    enum weft_err err = weft_time_parse(value, ns, q->msg);
    *given = true;
    return err == WEFT_OK ? WEFT_OK : weft_wrap(q->msg, err, "parameter %s", name);
}

static enum weft_err named(const struct question *q, enum weft_err err, const char *name)
{
    return err == WEFT_OK ? WEFT_OK : weft_wrap(q->msg, err, "parameter %s", name);
}

/* Both times and the place in the pages, where the resource has them. */
static enum weft_err read_common(struct question *q)
{
    struct weft_query *query = q->query;
    struct weft_text value;
    uint64_t limit = WEFT_PAGE_RECORDS_DEFAULT;
    enum weft_err err =
        weft_http_question_number(q->target, "limit", 1, WEFT_PAGE_RECORDS_MAX, &limit, q->msg);
    query->limit = (uint32_t)limit;
    if (err == WEFT_OK && has(q, "as_of", &value)) {
        err = named(q, weft_query_parse_as_of(value, query, q->msg), "as_of");
    }
    if (err == WEFT_OK) {
        err = read_time(q, "at", &query->at_ns, &query->has_at);
    }
    if (err == WEFT_OK && has(q, "cursor", &value)) {
        err = weft_query_parse_cursor(value, q->arena, &query->cursor, q->msg);
    }
    return err;
}

/* --- records ----------------------------------------------------------------------------- */

static enum weft_err read_story(struct question *q)
{
    bool is_inside = true;
    enum weft_err err = read_bool(q, "inside", &is_inside);
    q->query->no_inside = !is_inside;
    return err;
}

static enum weft_err read_find(struct question *q)
{
    struct weft_text value;
    (void)has(q, "kind", &q->query->kind);
    (void)has(q, "asset", &q->query->asset_glob);
    return has(q, "where", &value)
               ? named(q, weft_query_parse_where(value, q->query, q->msg), "where")
               : WEFT_OK;
}

static enum weft_err read_feed(struct question *q)
{
    (void)has(q, "asset", &q->query->asset_glob);
    q->query->from_index = 1;
    return weft_http_question_number(
        q->target, "from", 1, UINT64_MAX, &q->query->from_index, q->msg);
}

/* --- the thread -------------------------------------------------------------------------- */

static enum weft_err read_twin(struct question *q)
{
    struct weft_text value;
    return has(q, "sections", &value)
               ? named(q, weft_query_parse_sections(value, q->query, q->msg), "sections")
               : WEFT_OK;
}

/* What traces and recalls have in common. */
static enum weft_err read_trace(struct question *q)
{
    struct weft_query *query = q->query;
    uint64_t depth = 0;
    enum weft_err err =
        weft_http_question_number(q->target, "depth", 1, UINT32_MAX, &depth, q->msg);
    query->depth_max = (uint32_t)depth;
    if (has(q, "via", &query->rels) && query->rels.size > WEFT_RELS_SIZE_MAX && err == WEFT_OK) {
        err = weft_fail(
            q->msg, WEFT_EINVAL, "parameter via: at most %d bytes", (int)WEFT_RELS_SIZE_MAX);
    }
    if (err == WEFT_OK) {
        err = read_bool(q, "ids", &query->ids_only);
    }
    if (err == WEFT_OK) {
        err = read_bool(q, "records", &query->with_records);
    }
    if (err == WEFT_OK && query->ids_only && query->with_records) {
        err = weft_fail(q->msg, WEFT_EINVAL, "parameters ids and records exclude each other");
    }
    return err;
}

static enum weft_err read_direction(struct question *q)
{
    (void)has(q, "to", &q->query->to_kind);
    return read_trace(q);
}

static enum weft_err read_window(struct question *q)
{
    struct weft_query *query = q->query;
    query->window_from_ns = INT64_MIN;
    query->window_to_ns = INT64_MAX;
    enum weft_err err = read_time(q, "from", &query->window_from_ns, &query->has_window);
    if (err == WEFT_OK) {
        err = read_time(q, "to", &query->window_to_ns, &query->has_window);
    }
    if (err == WEFT_OK && query->has_window && query->machine.size == 0) {
        err = weft_fail(q->msg, WEFT_EINVAL, "parameters from and to belong to machine");
    }
    return err;
}

static enum weft_err read_recall(struct question *q)
{
    struct weft_query *query = q->query;
    struct weft_text part = {NULL, 0}, revision = {NULL, 0};
    char *buffer = weft_arena_alloc(q->arena, WEFT_QUERY_PART_SIZE);
    if (buffer == NULL) {
        return weft_fail(q->msg, WEFT_ENOMEM, "no memory for the query");
    }
    (void)has(q, "lot", &query->asset);
    (void)has(q, "machine", &query->machine);
    (void)has(q, "part", &part);
    (void)has(q, "rev", &revision);
    enum weft_err err = weft_query_parse_part(part, revision, buffer, query, q->msg);
    if (err != WEFT_OK) {
        return weft_wrap(q->msg, err, "parameters part and rev");
    }
    if (query->asset.size == 0 && query->machine.size == 0 && query->part.size == 0) {
        return weft_fail(q->msg, WEFT_EINVAL,
            "parameter lot, machine or part: one at least says what is to be recalled");
    }
    err = read_window(q);
    return err == WEFT_OK ? read_trace(q) : err;
}

static enum weft_err read_audit(struct question *q)
{
    struct weft_tile tile;
    struct weft_digest commitment;
    return weft_text_is(q->query->asset, "checkpoint") || weft_http_is_of_asset(q->query->asset) ||
                   weft_evidence_parse_path(q->query->asset, &commitment) == WEFT_OK ||
                   weft_tile_parse(q->query->asset, &tile) == WEFT_OK
               ? WEFT_OK
               : weft_fail(q->msg, WEFT_ENOTFOUND,
                     "an audit log has checkpoint, tile/{L}/{N}[.p/{W}], "
                     "tile/entries/{N}[.p/{W}] and evidence/{sha256}");
}

/* ----------------------------------------------------------------------------------------- */

static enum weft_err read_own(struct question *q)
{
    switch (q->target->resource) {
    case WEFT_HTTP_COMMITS:
        q->query->type = WEFT_QUERY_COMMITS;
        return read_feed(q);
    case WEFT_HTTP_ASSET:
        q->query->type = WEFT_QUERY_TWIN;
        return read_twin(q);
    case WEFT_HTTP_ASSET_RECORDS:
        q->query->type = WEFT_QUERY_ASSET;
        return WEFT_OK;
    case WEFT_HTTP_STORY:
        q->query->type = WEFT_QUERY_STORY;
        return read_story(q);
    case WEFT_HTTP_RECORDS:
        q->query->type = WEFT_QUERY_FIND;
        return read_find(q);
    case WEFT_HTTP_TRACE_FORWARD:
        q->query->type = WEFT_QUERY_TRACE_FORWARD;
        return read_direction(q);
    case WEFT_HTTP_TRACE_BACK:
        q->query->type = WEFT_QUERY_TRACE_BACK;
        return read_direction(q);
    case WEFT_HTTP_RECALL:
        q->query->type = WEFT_QUERY_RECALL;
        return read_recall(q);
    case WEFT_HTTP_AUDIT:
        q->query->type = WEFT_QUERY_AUDIT;
        return read_audit(q);
    case WEFT_HTTP_IMPORT_EPCIS:
    case WEFT_HTTP_IMPORT_JOB:
    case WEFT_HTTP_WITNESS:
    case WEFT_HTTP_STATUS:
    case WEFT_HTTP_HEALTHZ:
    case WEFT_HTTP_READYZ:
    case WEFT_HTTP_METRICS:
    case WEFT_HTTP_OPENAPI:
    case WEFT_HTTP_RESOURCES:
        break;
    }
    return weft_fail(q->msg, WEFT_EINVAL, "not a resource that is read by a query");
}

enum weft_err weft_http_question_parse(const struct weft_http_target *target,
    struct weft_arena *arena, struct weft_query *ret_query, struct weft_msg *msg)
{
    struct weft_query query = {.asset = target->id};
    struct question q = {target, &query, arena, msg};
    enum weft_err err = read_common(&q);
    if (err == WEFT_OK) {
        err = read_own(&q);
    }
    if (err == WEFT_OK) {
        *ret_query = query;
    }
    return err;
}
