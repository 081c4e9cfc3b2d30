#include "ops/weft/session_request.h"

#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/limits.h"
#include "proto/query_text.h"
#include "proto/record_json.h"
#include "proto/request_id.h"
#include "proto/time.h"

/* One row per op, one per member; a member names the ops that take it. */

enum {
    COMMIT = 1,
    READ = 2,
    FIND = 4,
    TRACE = 8,
    WATCH = 16,
    STATUS = 32,
    DIGEST = 64,
    FILE_OF = 128,
    ANSWERED = READ | FIND | TRACE, /* Of a state that can be chosen. */
};

struct reading {
    struct weft_client_message *message;
    struct weft_arena *arena;
    struct weft_msg *msg;
};

typedef enum weft_err set_member(struct reading *r, const struct weft_json *value);

static enum weft_err read_number(
    const struct weft_json *value, uint64_t max, uint64_t *ret_number, struct weft_msg *msg)
{
    uint64_t number = 0;
    for (size_t i = 0; i < value->text.size; i++) {
        char c = value->text.data[i];
        if (c < '0' || c > '9' || number > (max - (uint64_t)(c - '0')) / 10) {
            return weft_json_fail(
                value, msg, WEFT_EINVAL, "is no whole number up to %llu", (unsigned long long)max);
        }
        number = number * 10 + (uint64_t)(c - '0');
    }
    *ret_number = number;
    return WEFT_OK;
}

static enum weft_err set_number32(
    struct reading *r, const struct weft_json *value, uint32_t max, uint32_t *ret_number)
{
    uint64_t number;
    enum weft_err err = read_number(value, max, &number, r->msg);
    *ret_number = err == WEFT_OK ? (uint32_t)number : *ret_number;
    return err;
}

/* --- members ----------------------------------------------------------------------------- */

static enum weft_err set_records(struct reading *r, const struct weft_json *value)
{
    struct weft_commit *commit = &r->message->commit;
    if (value->count == 0 || value->count > WEFT_COMMIT_RECORDS_MAX) {
        return weft_json_fail(
            value, r->msg, WEFT_EINVAL, "a commit has 1 to %d records", WEFT_COMMIT_RECORDS_MAX);
    }
    struct weft_record *records = weft_arena_array(r->arena, value->count, sizeof(*records));
    if (records == NULL) {
        return weft_json_fail(value, r->msg, WEFT_ENOMEM, "no memory");
    }
    commit->records = records;
    for (const struct weft_json *c = value->first; c != NULL; c = c->next) {
        enum weft_err err =
            weft_record_from_json(c, r->arena, &records[commit->record_count++], r->msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

static enum weft_err set_request_id(struct reading *r, const struct weft_json *value)
{
    enum weft_err err =
        weft_request_id_parse(value->text.data, &r->message->commit.request_id, r->msg);
    return err == WEFT_OK ? err : weft_json_place(value, NULL, r->msg, err);
}

static enum weft_err set_asset(struct reading *r, const struct weft_json *value)
{
    enum weft_query_type type = r->message->query.type;
    bool is_glob = type == WEFT_QUERY_FIND || type == WEFT_QUERY_COMMITS;
    *(is_glob ? &r->message->query.asset_glob : &r->message->query.asset) = value->text;
    return WEFT_OK;
}

static enum weft_err set_path(struct reading *r, const struct weft_json *value)
{
    r->message->query.asset = value->text;
    return WEFT_OK;
}

static enum weft_err set_kind(struct reading *r, const struct weft_json *value)
{
    r->message->query.kind = value->text;
    return WEFT_OK;
}

static enum weft_err set_where(struct reading *r, const struct weft_json *value)
{
    enum weft_err err = weft_query_parse_where(value->text, &r->message->query, r->msg);
    return err == WEFT_OK ? err : weft_json_place(value, NULL, r->msg, err);
}

static enum weft_err set_limit(struct reading *r, const struct weft_json *value)
{
    return set_number32(r, value, WEFT_PAGE_RECORDS_MAX, &r->message->query.limit);
}

static enum weft_err set_cursor(struct reading *r, const struct weft_json *value)
{
    enum weft_err err =
        weft_query_parse_cursor(value->text, r->arena, &r->message->query.cursor, r->msg);
    return err == WEFT_OK ? err : weft_json_place(value, NULL, r->msg, err);
}

static enum weft_err set_direction(struct reading *r, const struct weft_json *value)
{
    bool is_back = weft_text_is(value->text, "back");
    if (!is_back && !weft_text_is(value->text, "forward")) {
        return weft_json_fail(value, r->msg, WEFT_EINVAL, "is neither forward nor back");
    }
    r->message->query.type = is_back ? WEFT_QUERY_TRACE_BACK : WEFT_QUERY_TRACE_FORWARD;
    return WEFT_OK;
}

static enum weft_err set_depth(struct reading *r, const struct weft_json *value)
{
    return set_number32(r, value, UINT32_MAX, &r->message->query.depth_max);
}

static enum weft_err set_via(struct reading *r, const struct weft_json *value)
{
    r->message->query.rels = value->text;
    return WEFT_OK;
}

static enum weft_err set_to(struct reading *r, const struct weft_json *value)
{
    r->message->query.to_kind = value->text;
    return WEFT_OK;
}

static enum weft_err set_ids(struct reading *r, const struct weft_json *value)
{
    r->message->query.ids_only = value->boolean;
    return WEFT_OK;
}

static enum weft_err set_with_records(struct reading *r, const struct weft_json *value)
{
    r->message->query.with_records = value->boolean;
    return WEFT_OK;
}

static enum weft_err set_from(struct reading *r, const struct weft_json *value)
{
    return read_number(value, UINT64_MAX, &r->message->query.from_index, r->msg);
}

static enum weft_err set_wait_ms(struct reading *r, const struct weft_json *value)
{
    return set_number32(r, value, UINT32_MAX, &r->message->query.wait_ms);
}

static enum weft_err set_index(struct reading *r, const struct weft_json *value)
{
    return read_number(value, UINT64_MAX, &r->message->digest.index, r->msg);
}

static enum weft_err set_as_of(struct reading *r, const struct weft_json *value)
{
    return read_number(value, UINT64_MAX, &r->message->query.as_of, r->msg);
}

static enum weft_err set_at(struct reading *r, const struct weft_json *value)
{
    r->message->query.has_at = true;
    enum weft_err err = weft_time_parse(value->text, &r->message->query.at_ns, r->msg);
    return err == WEFT_OK ? err : weft_json_place(value, NULL, r->msg, err);
}

static enum weft_err set_consistency(
    struct reading *r, const struct weft_json *value, enum weft_consistency consistency)
{
    if (r->message->query.consistency != WEFT_LINEARIZABLE) {
        return weft_json_fail(value, r->msg, WEFT_EINVAL, "stale and min_index exclude each other");
    }
    r->message->query.consistency = consistency;
    return WEFT_OK;
}

static enum weft_err set_stale(struct reading *r, const struct weft_json *value)
{
    return value->boolean ? set_consistency(r, value, WEFT_STALE) : WEFT_OK;
}

static enum weft_err set_min_index(struct reading *r, const struct weft_json *value)
{
    enum weft_err err = set_consistency(r, value, WEFT_MIN_INDEX);
    return err == WEFT_OK ? read_number(value, UINT64_MAX, &r->message->query.min_index, r->msg)
                          : err;
}

/* --- the tables -------------------------------------------------------------------------- */

static const struct op {
    const char *name;
    unsigned bit;
    enum weft_message_kind kind;
    enum weft_query_type type; /* Of a QUERY. */
    const char *required;      /* Member without which it means nothing; NULL: none. */
} ops[] = {
    {"commit", COMMIT, WEFT_KIND_COMMIT, 0, "records"},
    {"read", READ, WEFT_KIND_QUERY, WEFT_QUERY_ASSET, "asset"},
    {"find", FIND, WEFT_KIND_QUERY, WEFT_QUERY_FIND, NULL},
    {"trace", TRACE, WEFT_KIND_QUERY, WEFT_QUERY_TRACE_FORWARD, "asset"},
    {"watch", WATCH, WEFT_KIND_QUERY, WEFT_QUERY_COMMITS, "from"},
    {"file", FILE_OF, WEFT_KIND_QUERY, WEFT_QUERY_AUDIT, "path"},
    {"status", STATUS, WEFT_KIND_STATUS, 0, NULL},
    {"digest", DIGEST, WEFT_KIND_DIGEST, 0, NULL},
};

static const struct member {
    const char *name;
    enum weft_json_type type;
    unsigned ops;
    set_member *set;
} members[] = {
    {"records", WEFT_JSON_ARRAY, COMMIT, set_records},
    {"request_id", WEFT_JSON_STRING, COMMIT, set_request_id},
    {"asset", WEFT_JSON_STRING, ANSWERED | WATCH, set_asset},
    {"path", WEFT_JSON_STRING, FILE_OF, set_path},
    {"kind", WEFT_JSON_STRING, FIND, set_kind},
    {"where", WEFT_JSON_STRING, FIND, set_where},
    {"limit", WEFT_JSON_NUMBER, FIND | WATCH, set_limit},
    {"cursor", WEFT_JSON_STRING, FIND | WATCH, set_cursor},
    {"direction", WEFT_JSON_STRING, TRACE, set_direction},
    {"depth", WEFT_JSON_NUMBER, TRACE, set_depth},
    {"via", WEFT_JSON_STRING, TRACE, set_via},
    {"to", WEFT_JSON_STRING, TRACE, set_to},
    {"ids", WEFT_JSON_BOOL, TRACE, set_ids},
    {"records", WEFT_JSON_BOOL, TRACE, set_with_records},
    {"from", WEFT_JSON_NUMBER, WATCH, set_from},
    {"wait_ms", WEFT_JSON_NUMBER, WATCH, set_wait_ms},
    {"index", WEFT_JSON_NUMBER, DIGEST, set_index},
    {"as_of", WEFT_JSON_NUMBER, ANSWERED, set_as_of},
    {"at", WEFT_JSON_STRING, ANSWERED, set_at},
    {"stale", WEFT_JSON_BOOL, ANSWERED | FILE_OF, set_stale},
    {"min_index", WEFT_JSON_NUMBER, ANSWERED | FILE_OF, set_min_index},
};

static const struct member *find_member(struct weft_text name, unsigned op)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (weft_text_is(name, members[i].name) && (members[i].ops & op) != 0) {
            return &members[i];
        }
    }
    return NULL;
}

/* NULL: WEFT_EINVAL, and `msg` says why. */
static const struct op *find_op(const struct weft_json *root, struct weft_msg *msg)
{
    const struct weft_json *name = weft_json_get(root, "op");
    if (name == NULL || name->type != WEFT_JSON_STRING) {
        (void)weft_json_fail(root, msg, WEFT_EINVAL, "names no \"op\"");
        return NULL;
    }
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        if (weft_text_is(name->text, ops[i].name)) {
            return &ops[i];
        }
    }
    (void)weft_json_fail(
        name, msg, WEFT_EINVAL, "is none of commit, read, find, trace, watch, status, digest");
    return NULL;
}

static enum weft_err read_members(
    struct reading *r, const struct weft_json *root, const struct op *op)
{
    for (const struct weft_json *value = root->first; value != NULL; value = value->next) {
        if (weft_text_is(value->key, "op")) {
            continue;
        }
        const struct member *member = find_member(value->key, op->bit);
        if (member == NULL) {
            return weft_json_fail(value, r->msg, WEFT_EINVAL, "%s has no such member", op->name);
        }
        enum weft_err err = weft_json_expect(value, member->type, r->msg);
        if (err == WEFT_OK) {
            err = member->set(r, value);
        }
        if (err != WEFT_OK) {
            return err;
        }
    }
    if (op->required != NULL && weft_json_get(root, op->required) == NULL) {
        return weft_json_fail(root, r->msg, WEFT_EINVAL, "%s wants \"%s\"", op->name, op->required);
    }
    return WEFT_OK;
}

enum weft_err weft_session_request_parse(struct weft_text line, uint32_t line_number,
    struct weft_arena *arena, struct weft_client_message *ret_request, struct weft_msg *msg)
{
    struct weft_client_message message = {.kind = 0};
    struct reading r = {.message = &message, .arena = arena, .msg = msg};
    struct weft_json *root;
    enum weft_err err = weft_json_parse(line, line_number, arena, &root, msg);
    if (err == WEFT_OK) {
        err = weft_json_expect(root, WEFT_JSON_OBJECT, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct op *op = find_op(root, msg);
    if (op == NULL) {
        return WEFT_EINVAL;
    }
    message.kind = op->kind;
    if (op->kind == WEFT_KIND_QUERY) {
        message.query.type = op->type;
    }
    err = read_members(&r, root, op);
    if (err == WEFT_OK) {
        *ret_request = message;
    }
    return err;
}
