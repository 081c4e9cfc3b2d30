#include "proto/codec_query.h"
#include "proto/packed.h"

_Static_assert((int)WEFT_LINEARIZABLE == WEFT_WIRE_CONSISTENCY_LINEARIZABLE &&
                   (int)WEFT_STALE == WEFT_WIRE_CONSISTENCY_STALE &&
                   (int)WEFT_MIN_INDEX == WEFT_WIRE_CONSISTENCY_MIN_INDEX,
    "consistencies are the schema's");
_Static_assert((int)WEFT_QUERY_ASSET == WEFT_WIRE_QUERY_TYPE_ASSET &&
                   (int)WEFT_QUERY_STORY == WEFT_WIRE_QUERY_TYPE_STORY &&
                   (int)WEFT_QUERY_FIND == WEFT_WIRE_QUERY_TYPE_FIND &&
                   (int)WEFT_QUERY_COMMITS == WEFT_WIRE_QUERY_TYPE_COMMITS &&
                   (int)WEFT_QUERY_TRACE_FORWARD == WEFT_WIRE_QUERY_TYPE_TRACE_FORWARD &&
                   (int)WEFT_QUERY_TRACE_BACK == WEFT_WIRE_QUERY_TYPE_TRACE_BACK &&
                   (int)WEFT_QUERY_RECALL == WEFT_WIRE_QUERY_TYPE_RECALL &&
                   (int)WEFT_QUERY_TWIN == WEFT_WIRE_QUERY_TYPE_TWIN &&
                   (int)WEFT_QUERY_DIFF == WEFT_WIRE_QUERY_TYPE_DIFF &&
                   (int)WEFT_QUERY_AUDIT == WEFT_WIRE_QUERY_TYPE_AUDIT,
    "query types are the schema's");
_Static_assert((int)WEFT_TWIN_UNSPECIFIED == WEFT_WIRE_CONFIGURATION_UNSPECIFIED &&
                   (int)WEFT_TWIN_DESIGNED == WEFT_WIRE_CONFIGURATION_DESIGNED &&
                   (int)WEFT_TWIN_BUILT == WEFT_WIRE_CONFIGURATION_BUILT &&
                   (int)WEFT_TWIN_MAINTAINED == WEFT_WIRE_CONFIGURATION_MAINTAINED,
    "configurations are the schema's");
_Static_assert((int)WEFT_OP_NONE == WEFT_WIRE_OPERATOR_ALWAYS &&
                   (int)WEFT_OP_EQ == WEFT_WIRE_OPERATOR_EQUAL &&
                   (int)WEFT_OP_NE == WEFT_WIRE_OPERATOR_NOT_EQUAL &&
                   (int)WEFT_OP_LT == WEFT_WIRE_OPERATOR_LESS &&
                   (int)WEFT_OP_LE == WEFT_WIRE_OPERATOR_LESS_EQUAL &&
                   (int)WEFT_OP_GT == WEFT_WIRE_OPERATOR_GREATER &&
                   (int)WEFT_OP_GE == WEFT_WIRE_OPERATOR_GREATER_EQUAL &&
                   (int)WEFT_OP_GLOB == WEFT_WIRE_OPERATOR_GLOB,
    "operators are the schema's");
_Static_assert((int)WEFT_ROLE_STANDBY == WEFT_WIRE_ROLE_STANDBY &&
                   (int)WEFT_ROLE_VOTER == WEFT_WIRE_ROLE_VOTER &&
                   (int)WEFT_ROLE_SPARE == WEFT_WIRE_ROLE_SPARE,
    "roles are the schema's");

/* --- queries --------------------------------------------------------------------------------- */

static enum weft_twin_configuration read_configuration(
    struct weft_codec_in *in, uint8_t value, const char *name)
{
    return (enum weft_twin_configuration)weft_codec_enum(
        in, value, WEFT_TWIN_UNSPECIFIED, WEFT_TWIN_MAINTAINED, name);
}

/* What traces, recalls, twins and diffs ask with. */
static void read_thread(
    struct weft_codec_in *in, const struct weft_wire_query *wire, struct weft_query *q)
{
    q->depth_max = wire->depth_max;
    q->rels = weft_codec_text(in, wire->rels, WEFT_RELS_SIZE_MAX, "rels");
    q->to_kind = weft_codec_text(in, wire->to_kind, WEFT_KIND_SIZE_MAX, "to_kind");
    q->machine = weft_codec_text(in, wire->machine, WEFT_ASSET_SIZE_MAX, "machine");
    q->has_window = wire->has_window;
    q->window_from_ns = wire->has_window ? wire->window_from_ns : 0;
    q->window_to_ns = wire->has_window ? wire->window_to_ns : 0;
    q->part = weft_codec_text(in, wire->part, WEFT_ASSET_SIZE_MAX, "part");
    q->first_step = wire->first_step;
    q->ids_only = wire->ids_only;
    q->with_records = wire->with_records;
    q->left = read_configuration(in, wire->left, "left");
    q->right = read_configuration(in, wire->right, "right");
    q->other_as_of = wire->other_as_of;
    q->other_has_at = wire->other_has_at;
    q->other_at_ns = wire->other_has_at ? wire->other_at_ns : 0;
    q->sections = wire->sections;
    q->differs_path = weft_codec_text(in, wire->differs_path, WEFT_PATH_SIZE_MAX, "differs_path");
    q->differs_by = weft_codec_text(in, wire->differs_by, WEFT_PATH_SIZE_MAX, "differs_by");
}

static uint32_t limit_max(const struct weft_query *q)
{
    bool is_trace = q->type == WEFT_QUERY_TRACE_FORWARD || q->type == WEFT_QUERY_TRACE_BACK ||
                    q->type == WEFT_QUERY_RECALL;
    return is_trace ? WEFT_TRACE_IDS_MAX : WEFT_PAGE_RECORDS_MAX;
}

void weft_codec_read_query(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_query q;
    weft_wire_query_read(table, &q);
    m->query = (struct weft_query){
        .type = (enum weft_query_type)weft_codec_enum(
            in, q.query_type, WEFT_QUERY_ASSET, WEFT_QUERY_AUDIT, "query_type"),
        .consistency = (enum weft_consistency)weft_codec_enum(
            in, q.consistency, WEFT_LINEARIZABLE, WEFT_MIN_INDEX, "consistency"),
        .min_index = q.min_index,
        .asset = weft_codec_text(in, q.asset, WEFT_ASSET_SIZE_MAX, "asset"),
        .asset_glob = weft_codec_text(in, q.asset_glob, WEFT_ASSET_SIZE_MAX, "asset_glob"),
        .kind = weft_codec_text(in, q.kind, WEFT_KIND_SIZE_MAX, "kind"),
        .where_path = weft_codec_text(in, q.where_path, WEFT_PATH_SIZE_MAX, "where_path"),
        .where_op = (enum weft_operator)weft_codec_enum(
            in, q.where_operator, WEFT_OP_NONE, WEFT_OP_GLOB, "where_operator"),
        .where_value = weft_codec_text(in, q.where_value, WEFT_VALUE_SIZE_MAX, "where_value"),
        .from_index = q.from_index,
        .as_of = q.as_of,
        .as_of_ns = q.has_as_of_ns ? q.as_of_ns : 0,
        .has_as_of_ns = q.has_as_of_ns,
        .at_ns = q.has_at ? q.at_ns : 0,
        .has_at = q.has_at,
        .no_inside = q.no_inside,
        .limit = q.limit_records,
        .wait_ms = q.wait_ms,
        .cursor = weft_codec_bytes(in, q.cursor, WEFT_CURSOR_SIZE_MAX, "cursor"),
        .packed = q.packed,
    };
    read_thread(in, &q, &m->query);
    if (q.limit_records > limit_max(&m->query)) {
        weft_codec_fail(in, WEFT_EINVAL, "limit_records", "%u, at most %u", q.limit_records,
            limit_max(&m->query));
    }
}

struct weft_wire_ref weft_codec_put_query(struct weft_wire_builder *b, const struct weft_query *q)
{
    const struct weft_wire_query_refs refs = {
        .query_type = (uint8_t)q->type,
        .consistency = (uint8_t)q->consistency,
        .min_index = q->min_index,
        .asset = weft_codec_put_text(b, q->asset, WEFT_ASSET_SIZE_MAX),
        .asset_glob = weft_codec_put_text(b, q->asset_glob, WEFT_ASSET_SIZE_MAX),
        .kind = weft_codec_put_text(b, q->kind, WEFT_KIND_SIZE_MAX),
        .where_path = weft_codec_put_text(b, q->where_path, WEFT_PATH_SIZE_MAX),
        .where_operator = (uint8_t)q->where_op,
        .where_value = weft_codec_put_text(b, q->where_value, WEFT_VALUE_SIZE_MAX),
        .from_index = q->from_index,
        .as_of = q->as_of,
        .as_of_ns = q->has_as_of_ns ? q->as_of_ns : 0,
        .has_as_of_ns = q->has_as_of_ns,
        .at_ns = q->has_at ? q->at_ns : 0,
        .has_at = q->has_at,
        .no_inside = q->no_inside,
        .limit_records = q->limit,
        .wait_ms = q->wait_ms,
        .cursor = weft_codec_put_bytes(b, q->cursor, WEFT_CURSOR_SIZE_MAX),
        .depth_max = q->depth_max,
        .rels = weft_codec_put_text(b, q->rels, WEFT_RELS_SIZE_MAX),
        .to_kind = weft_codec_put_text(b, q->to_kind, WEFT_KIND_SIZE_MAX),
        .machine = weft_codec_put_text(b, q->machine, WEFT_ASSET_SIZE_MAX),
        .window_from_ns = q->has_window ? q->window_from_ns : 0,
        .window_to_ns = q->has_window ? q->window_to_ns : 0,
        .has_window = q->has_window,
        .part = weft_codec_put_text(b, q->part, WEFT_ASSET_SIZE_MAX),
        .first_step = q->first_step,
        .ids_only = q->ids_only,
        .with_records = q->with_records,
        .left = (uint8_t)q->left,
        .right = (uint8_t)q->right,
        .other_as_of = q->other_as_of,
        .other_at_ns = q->other_has_at ? q->other_at_ns : 0,
        .other_has_at = q->other_has_at,
        .sections = q->sections,
        .differs_path = weft_codec_put_text(b, q->differs_path, WEFT_PATH_SIZE_MAX),
        .differs_by = weft_codec_put_text(b, q->differs_by, WEFT_PATH_SIZE_MAX),
        .packed = q->packed,
    };
    return weft_wire_query_write(b, &refs);
}

/* --- pages ----------------------------------------------------------------------------------- */

void weft_codec_read_stored(
    struct weft_codec_in *in, const void *table, struct weft_stored_record *ret_stored)
{
    struct weft_wire_stored_record s;
    weft_wire_stored_record_read(table, &s);
    *ret_stored = (struct weft_stored_record){
        .index = s.index,
        .ordinal = s.ordinal,
        .time_ns = s.time_ns,
        .digest = weft_codec_digest(in, s.digest, "digest"),
        .encoded = s.encoded,
    };
    /* What is in it is charged below; the bytes themselves are not charged again. */
    if (s.encoded.size > WEFT_COMMIT_SIZE_MAX) {
        weft_codec_fail(in, WEFT_ETOOBIG, "encoded", "%zu bytes, at most %d", s.encoded.size,
            WEFT_COMMIT_SIZE_MAX);
        return;
    }
    struct weft_bytes aligned = weft_codec_aligned(in, s.encoded);
    const void *record = in->err == WEFT_OK ? weft_wire_record_open(aligned, NULL) : NULL;
    if (record == NULL) {
        weft_codec_fail(in, WEFT_EMALFORMED, "encoded", "not a Record table");
        return;
    }
    weft_codec_read_record(in, record, &ret_stored->record);
}

void weft_codec_read_page(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_page p;
    weft_wire_page_read(table, &p);
    struct weft_stored_record *records =
        weft_codec_array(in, p.records, WEFT_PAGE_RECORDS_MAX, sizeof(*records), "records");
    for (uint32_t i = 0; i < p.records.count && in->err == WEFT_OK; i++) {
        weft_codec_read_stored(in, weft_wire_at(p.records, i), &records[i]);
        if (in->err != WEFT_OK) {
            (void)weft_wrap(in->msg, in->err, "record %u", i);
        }
    }
    m->page = (struct weft_page){
        .index = p.index,
        .next_index = p.next_index,
        .asset_rev = p.asset_rev,
        .cursor = weft_codec_bytes(in, p.cursor, WEFT_CURSOR_SIZE_MAX, "cursor"),
        .records = records,
        .record_count = p.records.count,
        .packed = weft_codec_packed(in, p.packed, p.packed_count, WEFT_PAGE_RECORDS_MAX,
            weft_packed_check_records, "packed"),
    };
}

/* The record's own message, from the state as it is, or written here. A written one is copied
 * at once: the nested builder's memory serves the next record. */
static struct weft_wire_ref put_encoded(
    struct weft_wire_builder *b, const struct weft_stored_record *stored)
{
    if (stored->encoded.size > 0) {
        return weft_codec_put_bytes(b, stored->encoded, WEFT_COMMIT_SIZE_MAX);
    }
    struct weft_wire_builder *nested = weft_wire_begin(WEFT_WIRE_NESTED, WEFT_COMMIT_SIZE_MAX);
    return weft_wire_nest(b, nested, weft_codec_put_record(nested, &stored->record));
}

struct weft_wire_ref weft_codec_put_stored(struct weft_wire_builder *b,
    const struct weft_stored_record *records, uint32_t record_count, uint32_t count_max)
{
    uint32_t count = weft_codec_put_count(b, record_count, count_max);
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_stored_record *stored = &records[i];
        const struct weft_wire_stored_record_refs s = {
            .index = stored->index,
            .ordinal = stored->ordinal,
            .time_ns = stored->time_ns,
            .digest = weft_codec_put_digest(b, &stored->digest),
            .encoded = put_encoded(b, stored),
        };
        weft_wire_push(b, weft_wire_stored_record_write(b, &s));
    }
    return weft_wire_take(b, mark);
}

struct weft_wire_ref weft_codec_put_page(struct weft_wire_builder *b, const struct weft_page *page)
{
    const struct weft_wire_page_refs refs = {
        .index = page->index,
        .next_index = page->next_index,
        .asset_rev = page->asset_rev,
        .records =
            weft_codec_put_stored(b, page->records, page->record_count, WEFT_PAGE_RECORDS_MAX),
        .packed = weft_codec_put_bytes(b, page->packed.bytes, WEFT_ANSWER_SIZE_MAX),
        .packed_count = weft_codec_put_count(b, page->packed.count, WEFT_PAGE_RECORDS_MAX),
        .cursor = weft_codec_put_bytes(b, page->cursor, WEFT_CURSOR_SIZE_MAX),
    };
    return weft_wire_page_write(b, &refs);
}

/* --- members and status ---------------------------------------------------------------------- */

const struct weft_member *weft_codec_read_members(
    struct weft_codec_in *in, struct weft_wire_vector vector)
{
    struct weft_member *members =
        weft_codec_array(in, vector, WEFT_MEMBERS_MAX, sizeof(*members), "members");
    for (uint32_t i = 0; i < vector.count && in->err == WEFT_OK; i++) {
        struct weft_wire_member m;
        weft_wire_member_read(weft_wire_at(vector, i), &m);
        members[i] = (struct weft_member){
            .id = m.member_id,
            .name = weft_codec_text(in, m.name, WEFT_PRINCIPAL_SIZE_MAX, "name"),
            .peer_address =
                weft_codec_text(in, m.peer_address, WEFT_ADDRESS_SIZE_MAX, "peer_address"),
            .client_address =
                weft_codec_text(in, m.client_address, WEFT_ADDRESS_SIZE_MAX, "client_address"),
            .role = (enum weft_role)weft_codec_enum(
                in, m.role, WEFT_ROLE_STANDBY, WEFT_ROLE_SPARE, "role"),
            .wants_vote = m.wants_vote,
            .is_leader = m.is_leader,
            .is_connected = m.is_connected,
            .match_index = m.match_index,
        };
    }
    return members;
}

struct weft_wire_ref weft_codec_put_members(
    struct weft_wire_builder *b, const struct weft_member *members, uint32_t member_count)
{
    uint32_t count = weft_codec_put_count(b, member_count, WEFT_MEMBERS_MAX);
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_member *member = &members[i];
        const struct weft_wire_member_refs m = {
            .member_id = member->id,
            .name = weft_codec_put_text(b, member->name, WEFT_PRINCIPAL_SIZE_MAX),
            .peer_address = weft_codec_put_text(b, member->peer_address, WEFT_ADDRESS_SIZE_MAX),
            .client_address = weft_codec_put_text(b, member->client_address, WEFT_ADDRESS_SIZE_MAX),
            .role = (uint8_t)member->role,
            .wants_vote = member->wants_vote,
            .is_leader = member->is_leader,
            .is_connected = member->is_connected,
            .match_index = member->match_index,
        };
        weft_wire_push(b, weft_wire_member_write(b, &m));
    }
    return weft_wire_take(b, mark);
}

static const struct weft_gauge *read_gauges(
    struct weft_codec_in *in, struct weft_wire_vector vector)
{
    struct weft_gauge *gauges =
        weft_codec_array(in, vector, WEFT_GAUGES_MAX, sizeof(*gauges), "gauges");
    for (uint32_t i = 0; i < vector.count && in->err == WEFT_OK; i++) {
        struct weft_wire_gauge g;
        weft_wire_gauge_read(weft_wire_at(vector, i), &g);
        gauges[i] = (struct weft_gauge){
            .name = weft_codec_text(in, g.name, WEFT_PATH_SIZE_MAX, "gauge"),
            .value = g.value,
        };
    }
    return gauges;
}

static struct weft_wire_ref put_gauges(
    struct weft_wire_builder *b, const struct weft_gauge *gauges, uint32_t gauge_count)
{
    uint32_t count = weft_codec_put_count(b, gauge_count, WEFT_GAUGES_MAX);
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_wire_gauge_refs g = {
            .name = weft_codec_put_text(b, gauges[i].name, WEFT_PATH_SIZE_MAX),
            .value = gauges[i].value,
        };
        weft_wire_push(b, weft_wire_gauge_write(b, &g));
    }
    return weft_wire_take(b, mark);
}

void weft_codec_read_status(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_status s;
    weft_wire_status_read(table, &s);
    m->status_result = (struct weft_status){
        .site = weft_codec_text(in, s.site, WEFT_ASSET_SIZE_MAX, "site"),
        .org = weft_codec_text(in, s.org, WEFT_ASSET_SIZE_MAX, "org"),
        .node = weft_codec_text(in, s.node, WEFT_PRINCIPAL_SIZE_MAX, "node"),
        .version = weft_codec_text(in, s.software, WEFT_PATH_SIZE_MAX, "software"),
        .state = weft_codec_text(in, s.state, WEFT_PATH_SIZE_MAX, "state"),
        .node_id = s.node_id,
        .cluster = s.cluster,
        .leader_id = s.leader_id,
        .term = s.term,
        .commit_index = s.commit_index,
        .applied_index = s.applied_index,
        .first_log_index = s.first_log_index,
        .last_log_index = s.last_log_index,
        .checkpoint_index = s.checkpoint_index,
        .chain = weft_codec_digest(in, s.chain, "chain"),
        .audit_size = s.audit_size,
        .audit_root = weft_codec_digest(in, s.audit_root, "audit_root"),
        .members = weft_codec_read_members(in, s.members),
        .member_count = s.members.count,
        .gauges = read_gauges(in, s.gauges),
        .gauge_count = s.gauges.count,
        .policy = weft_codec_text(in, s.policy, WEFT_PATH_SIZE_MAX, "policy"),
    };
}

struct weft_wire_ref weft_codec_put_status(struct weft_wire_builder *b, const struct weft_status *s)
{
    const struct weft_wire_status_refs refs = {
        .site = weft_codec_put_text(b, s->site, WEFT_ASSET_SIZE_MAX),
        .org = weft_codec_put_text(b, s->org, WEFT_ASSET_SIZE_MAX),
        .node = weft_codec_put_text(b, s->node, WEFT_PRINCIPAL_SIZE_MAX),
        .software = weft_codec_put_text(b, s->version, WEFT_PATH_SIZE_MAX),
        .state = weft_codec_put_text(b, s->state, WEFT_PATH_SIZE_MAX),
        .node_id = s->node_id,
        .cluster = s->cluster,
        .leader_id = s->leader_id,
        .term = s->term,
        .commit_index = s->commit_index,
        .applied_index = s->applied_index,
        .first_log_index = s->first_log_index,
        .last_log_index = s->last_log_index,
        .checkpoint_index = s->checkpoint_index,
        .chain = weft_codec_put_digest(b, &s->chain),
        .audit_size = s->audit_size,
        .audit_root = weft_codec_put_digest(b, &s->audit_root),
        .members = weft_codec_put_members(b, s->members, s->member_count),
        .gauges = put_gauges(b, s->gauges, s->gauge_count),
        .policy = weft_codec_put_text(b, s->policy, WEFT_PATH_SIZE_MAX),
    };
    return weft_wire_status_write(b, &refs);
}
