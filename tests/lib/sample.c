#include "tests/lib/sample.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/check.h"
#include "proto/limits.h"
#include "proto/packed.h"
#include "tests/lib/sample_draw.h"

const enum weft_message_kind sample_peer_kinds[] = {WEFT_KIND_REQUEST_VOTE,
    WEFT_KIND_REQUEST_VOTE_RESULT, WEFT_KIND_APPEND_ENTRIES, WEFT_KIND_APPEND_ENTRIES_RESULT,
    WEFT_KIND_INSTALL_SNAPSHOT, WEFT_KIND_TIMEOUT_NOW, WEFT_KIND_PING, WEFT_KIND_PONG,
    WEFT_KIND_READ_INDEX, WEFT_KIND_READ_INDEX_RESULT, WEFT_KIND_FETCH, WEFT_KIND_CHUNK,
    WEFT_KIND_AUDIT_LINE, (enum weft_message_kind)0};

const enum weft_message_kind sample_client_kinds[] = {WEFT_KIND_COMMIT, WEFT_KIND_COMMIT_RESULT,
    WEFT_KIND_QUERY, WEFT_KIND_PAGE, WEFT_KIND_STATUS, WEFT_KIND_STATUS_RESULT, WEFT_KIND_MEMBER,
    WEFT_KIND_MEMBER_RESULT, WEFT_KIND_DIGEST, WEFT_KIND_DIGEST_RESULT, WEFT_KIND_CHECKPOINT,
    WEFT_KIND_CHECKPOINT_RESULT, WEFT_KIND_FILE, WEFT_KIND_FILE_RESULT, WEFT_KIND_ERROR,
    WEFT_KIND_TRACE_RESULT, WEFT_KIND_DOCUMENT, WEFT_KIND_BLOCK_PUT, WEFT_KIND_BLOCK_PUT_RESULT,
    WEFT_KIND_BLOCK_GET, WEFT_KIND_BLOCK_RESULT, WEFT_KIND_FORWARD, WEFT_KIND_AUDIT_RESULT,
    WEFT_KIND_AUTHORIZED, WEFT_KIND_CARRY, (enum weft_message_kind)0};

/* --- records --------------------------------------------------------------------------------- */

static struct weft_text value(struct sample *s, enum weft_value_type type)
{
    static const char *const reals[] = {"0.014", "-1.5e-7", "1E+300", "0.0"};
    static const char *const integers[] = {
        "0", "-9223372036854775808", "9223372036854775807", "42"};
    switch (type) {
    case WEFT_VALUE_BOOL:
        return weft_text_of(draw_coin(s) ? "true" : "false");
    case WEFT_VALUE_INT:
        return weft_text_of(integers[sample_random(s, 4)]);
    case WEFT_VALUE_REAL:
        return weft_text_of(reals[sample_random(s, 4)]);
    case WEFT_VALUE_TEXT:
        return sample_text(s, 2000);
    case WEFT_VALUE_NULL:
    case WEFT_VALUE_EMPTY_OBJECT:
    case WEFT_VALUE_EMPTY_ARRAY:
    case WEFT_VALUE_TYPES:
        break;
    }
    return (struct weft_text){NULL, 0};
}

/* Paths differ in their first segment, so none is within another. */
static const struct weft_field *fields(struct sample *s, uint32_t *ret_count)
{
    uint32_t n = sample_random(s, 64) == 0 ? 300 : draw_count(s, 6);
    struct weft_field *f = draw_alloc(s, n, sizeof(*f));
    for (uint32_t i = 0; i < n; i++) {
        char text[64];
        const char *tail = draw_coin(s) ? "/value" : "";
        (void)snprintf(text, sizeof(text), "field%" PRIu32 "\xc3\xa9~1%s", i, tail);
        f[i].path = weft_arena_text(s->arena, weft_text_of(text));
        f[i].type = (enum weft_value_type)sample_random(s, WEFT_VALUE_TYPES);
        f[i].value = value(s, f[i].type);
    }
    *ret_count = n;
    return f;
}

void sample_record(struct sample *s, struct weft_record *ret_record)
{
    struct weft_record r = {
        .kind = draw_name(s),
        .asset = draw_line(s, 1, WEFT_ASSET_SIZE_MAX),
        .source = draw_line(s, 0, WEFT_SOURCE_SIZE_MAX),
        .author = draw_line(s, 0, WEFT_PRINCIPAL_SIZE_MAX),
        .has_at = draw_coin(s),
        .has_expect = draw_coin(s),
    };
    r.at_ns = r.has_at ? (int64_t)draw_number(s) : 0;
    r.expect_rev = r.has_expect ? draw_number(s) : 0;
    r.fields = fields(s, &r.field_count);
    r.link_count = sample_random(s, 64) == 0 ? 200 : draw_count(s, 4);
    struct weft_link *links = draw_alloc(s, r.link_count, sizeof(*links));
    for (uint32_t i = 0; i < r.link_count; i++) {
        links[i].rel = draw_name(s);
        links[i].to = draw_line(s, 1, WEFT_ASSET_SIZE_MAX);
        if (i < 4) {
            links[i].fields = fields(s, &links[i].field_count);
        }
    }
    r.links = links;
    *ret_record = r;
}

void sample_commit(struct sample *s, struct weft_commit *ret_commit)
{
    uint32_t n = 1 + draw_count(s, 3);
    struct weft_record *records = draw_alloc(s, n, sizeof(*records));
    for (uint32_t i = 0; i < n; i++) {
        sample_record(s, &records[i]);
    }
    *ret_commit = (struct weft_commit){draw_request_id(s), records, n};
}

static struct weft_warrant warrant(struct sample *s)
{
    return (struct weft_warrant){
        (uint32_t)sample_random(s, 0), (uint32_t)sample_random(s, 0), (int64_t)sample_random(s, 0)};
}

void sample_entry(struct sample *s, struct weft_buffer *out)
{
    struct weft_buffer body = {0};
    enum weft_err err = weft_entry_init(out);
    for (uint32_t i = draw_count(s, 4); err == WEFT_OK && i > 0; i--) {
        struct weft_entry_item item = {.type = WEFT_ITEM_DIGEST, .body = draw_bytes_of_size(s, 8)};
        if (draw_coin(s)) {
            struct weft_commit commit;
            sample_commit(s, &commit);
            weft_buffer_clear(&body);
            err = weft_commit_encode(&commit, &body);
            item.type = WEFT_ITEM_COMMIT;
            item.principal = draw_line(s, 0, WEFT_PRINCIPAL_SIZE_MAX);
            item.body = (struct weft_bytes){body.data, body.size};
            item.has_warrant = draw_coin(s);
            item.warrant = warrant(s);
        } else if (draw_coin(s)) {
            item.type = WEFT_ITEM_READS;
            item.principal = draw_line(s, 0, WEFT_PRINCIPAL_SIZE_MAX);
        }
        if (err == WEFT_OK) {
            err = weft_entry_add(out, &item);
        }
    }
    weft_assert(err == WEFT_OK);
    weft_entry_seal(out, (int64_t)draw_number(s), draw_bytes_of_size(s, WEFT_SALT_SEED_SIZE).data);
    weft_buffer_destroy(&body);
}

/* --- checkpoints ----------------------------------------------------------------------------- */

void sample_manifest(struct sample *s, struct weft_manifest *ret_manifest)
{
    uint32_t n = sample_random(s, 16) == 0 ? 500 : draw_count(s, 5);
    struct weft_checkpoint_file *files = draw_alloc(s, n, sizeof(*files));
    for (uint32_t i = 0; i < n; i++) {
        files[i] = (struct weft_checkpoint_file){draw_file_name(s), draw_number(s), draw_digest(s)};
    }
    *ret_manifest = (struct weft_manifest){
        .name = draw_file_name(s),
        .site = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .cluster = draw_number(s),
        .index = draw_number(s),
        .term = draw_number(s),
        .time_ns = (int64_t)draw_number(s),
        .conf_index = draw_number(s),
        .configuration = sample_bytes(s, WEFT_CONFIGURATION_SIZE_MAX),
        .chain = draw_digest(s),
        .format = (uint32_t)draw_number(s),
        .files = files,
        .file_count = n,
    };
}

static struct weft_bytes encoded_manifest(struct sample *s)
{
    struct weft_manifest manifest;
    struct weft_buffer out = {0};
    sample_manifest(s, &manifest);
    enum weft_err err = weft_manifest_encode(&manifest, &out);
    weft_assert(err == WEFT_OK);
    uint8_t *copy = draw_alloc(s, out.size, 1);
    memcpy(copy, out.data, out.size);
    struct weft_bytes bytes = {copy, out.size};
    weft_buffer_destroy(&out);
    return bytes;
}

static struct weft_fetch fetch(struct sample *s)
{
    return (struct weft_fetch){draw_file_name(s), draw_file_name(s), draw_number(s),
        (uint32_t)sample_random(s, WEFT_CHUNK_SIZE_MAX + 1)};
}

static struct weft_chunk chunk(struct sample *s)
{
    struct weft_chunk c = {.checkpoint = draw_file_name(s),
        .file = draw_file_name(s),
        .offset = draw_number(s),
        .err = (enum weft_err)sample_random(s, draw_coin(s) ? WEFT_ERRS : 1),
        .crc32c = (uint32_t)draw_number(s)};
    if (c.err == WEFT_OK) {
        c.data = sample_bytes(s, 70000);
    }
    return c;
}

/* --- the peer door --------------------------------------------------------------------------- */

static const struct weft_peer_entry *entries(struct sample *s, uint32_t *ret_count)
{
    uint32_t n = draw_count(s, 5);
    struct weft_peer_entry *e = draw_alloc(s, n, sizeof(*e));
    for (uint32_t i = 0; i < n; i++) {
        e[i].term = draw_number(s);
        e[i].type = (enum weft_entry_type)(WEFT_ENTRY_COMMAND + sample_random(s, 3));
        e[i].data = sample_bytes(s, 5000);
    }
    *ret_count = n;
    return e;
}

void sample_peer(
    struct sample *s, enum weft_message_kind kind, struct weft_peer_message *ret_message)
{
    struct weft_peer_message m = {.kind = kind};
    m.header = (struct weft_peer_header){draw_number(s), draw_number(s), draw_number(s),
        draw_number(s), draw_number(s), draw_number(s), draw_number(s), draw_number(s)};
    unsigned tag = kind;
    switch (tag) {
    case WEFT_KIND_REQUEST_VOTE:
        m.request_vote = (struct weft_request_vote){draw_number(s), draw_number(s), draw_number(s),
            draw_number(s), draw_coin(s), draw_coin(s)};
        break;
    case WEFT_KIND_REQUEST_VOTE_RESULT:
        m.request_vote_result = (struct weft_request_vote_result){draw_number(s), draw_coin(s),
            draw_coin(s), (uint16_t)draw_number(s), (uint16_t)draw_number(s)};
        break;
    case WEFT_KIND_APPEND_ENTRIES:
        m.append_entries = (struct weft_append_entries){
            draw_number(s), draw_number(s), draw_number(s), draw_number(s), NULL, 0};
        m.append_entries.entries = entries(s, &m.append_entries.entry_count);
        break;
    case WEFT_KIND_APPEND_ENTRIES_RESULT:
        m.append_entries_result =
            (struct weft_append_entries_result){draw_number(s), draw_number(s), draw_number(s),
                (uint16_t)draw_number(s), (uint16_t)draw_number(s), draw_number(s), draw_digest(s)};
        break;
    case WEFT_KIND_INSTALL_SNAPSHOT:
        m.install_snapshot = (struct weft_install_snapshot){draw_number(s), draw_number(s),
            draw_number(s), draw_number(s), sample_bytes(s, 3000), encoded_manifest(s),
            sample_text(s, WEFT_ADDRESS_SIZE_MAX)};
        break;
    case WEFT_KIND_TIMEOUT_NOW:
        m.timeout_now = (struct weft_timeout_now){draw_number(s), draw_number(s), draw_number(s)};
        break;
    case WEFT_KIND_PING:
        m.ping.round = draw_number(s);
        break;
    case WEFT_KIND_PONG:
        m.pong.round = draw_number(s);
        break;
    case WEFT_KIND_READ_INDEX:
        m.read_index.id = draw_number(s);
        break;
    case WEFT_KIND_AUDIT_LINE:
        m.audit_line = (struct weft_audit_line){draw_number(s), draw_digest(s),
            sample_text(s, WEFT_AUDIT_LINE_SIZE_MAX), sample_text(s, WEFT_AUDIT_LINE_SIZE_MAX),
            sample_text(s, WEFT_AUDIT_LINE_SIZE_MAX)};
        break;
    case WEFT_KIND_READ_INDEX_RESULT:
        m.read_index_result = (struct weft_read_index_result){
            draw_number(s), draw_number(s), (enum weft_err)sample_random(s, WEFT_ERRS)};
        break;
    case WEFT_KIND_FETCH:
        m.fetch = fetch(s);
        break;
    case WEFT_KIND_CHUNK:
        m.chunk = chunk(s);
        break;
    }
    *ret_message = m;
}

/* --- the client door ------------------------------------------------------------------------- */

static struct weft_query query(struct sample *s)
{
    struct weft_query q = {
        .type = (enum weft_query_type)(WEFT_QUERY_ASSET + sample_random(s, WEFT_QUERY_AUDIT)),
        .consistency = (enum weft_consistency)sample_random(s, 3),
        .min_index = draw_number(s),
        .asset = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .asset_glob = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .kind = sample_text(s, WEFT_KIND_SIZE_MAX),
        .where_path = sample_text(s, WEFT_PATH_SIZE_MAX),
        .where_op = (enum weft_operator)sample_random(s, WEFT_OP_GLOB + 1),
        .where_value = sample_text(s, WEFT_VALUE_SIZE_MAX),
        .from_index = draw_number(s),
        .as_of = draw_number(s),
        .has_at = draw_coin(s),
        .no_inside = draw_coin(s),
        .limit = (uint32_t)sample_random(s, WEFT_PAGE_RECORDS_MAX + 1),
        .wait_ms = (uint32_t)draw_number(s),
        .cursor = sample_bytes(s, WEFT_CURSOR_SIZE_MAX),
        .depth_max = (uint32_t)draw_number(s),
        .rels = sample_text(s, WEFT_RELS_SIZE_MAX),
        .to_kind = sample_text(s, WEFT_KIND_SIZE_MAX),
        .machine = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .has_window = draw_coin(s),
        .part = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .first_step = (uint32_t)draw_number(s),
        .ids_only = draw_coin(s),
        .with_records = draw_coin(s),
        .left = (enum weft_twin_configuration)sample_random(s, WEFT_TWIN_MAINTAINED + 1),
        .right = (enum weft_twin_configuration)sample_random(s, WEFT_TWIN_MAINTAINED + 1),
        .other_as_of = draw_number(s),
        .other_has_at = draw_coin(s),
        .has_as_of_ns = draw_coin(s),
        .sections = (uint32_t)draw_number(s),
        .differs_path = sample_text(s, WEFT_PATH_SIZE_MAX),
        .differs_by = sample_text(s, WEFT_PATH_SIZE_MAX),
        .packed = draw_coin(s),
    };
    q.at_ns = q.has_at ? (int64_t)draw_number(s) : 0;
    q.window_from_ns = q.has_window ? (int64_t)draw_number(s) : 0;
    q.window_to_ns = q.has_window ? (int64_t)draw_number(s) : 0;
    q.as_of_ns = q.has_as_of_ns ? (int64_t)draw_number(s) : 0;
    q.other_at_ns = q.other_has_at ? (int64_t)draw_number(s) : 0;
    return q;
}

static const struct weft_stored_record *stored_records(struct sample *s, uint32_t *ret_count)
{
    uint32_t n = draw_count(s, 4);
    struct weft_stored_record *records = draw_alloc(s, n, sizeof(*records));
    for (uint32_t i = 0; i < n; i++) {
        records[i] = (struct weft_stored_record){.index = draw_number(s),
            .ordinal = (uint32_t)draw_number(s),
            .time_ns = (int64_t)draw_number(s),
            .digest = draw_digest(s)};
        sample_record(s, &records[i].record);
        records[i].record.has_at = true; /* Once it is agreed. */
        records[i].record.has_expect = false;
        records[i].record.expect_rev = 0;
        if (draw_coin(s)) { /* As the state gives it. */
            struct weft_buffer out = {0};
            enum weft_err err = weft_record_encode(&records[i].record, &out);
            weft_assert(err == WEFT_OK);
            uint8_t *copy = draw_alloc(s, out.size, 1);
            memcpy(copy, out.data, out.size);
            records[i].encoded = (struct weft_bytes){copy, out.size};
            weft_buffer_destroy(&out);
        }
    }
    *ret_count = n;
    return records;
}

static struct weft_page page(struct sample *s)
{
    struct weft_page p = {.index = draw_number(s)};
    p.next_index = draw_number(s);
    p.asset_rev = draw_number(s);
    p.cursor = sample_bytes(s, WEFT_CURSOR_SIZE_MAX);
    p.records = stored_records(s, &p.record_count);
    sample_packed_records(s, &p.packed);
    return p;
}

static struct weft_trace_step step(struct sample *s)
{
    return (struct weft_trace_step){.asset = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .from_step = (uint32_t)draw_number(s),
        .depth = (uint32_t)draw_number(s),
        .flags = (uint32_t)sample_random(s, 32),
        .rel = sample_text(s, WEFT_REL_SIZE_MAX),
        .quantity = sample_text(s, WEFT_PATH_SIZE_MAX),
        .unit = sample_text(s, WEFT_PATH_SIZE_MAX),
        .kind = sample_text(s, WEFT_KIND_SIZE_MAX),
        .index = draw_number(s),
        .ordinal = (uint32_t)draw_number(s),
        .at_ns = (int64_t)draw_number(s),
        .location = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .location_rel = sample_text(s, WEFT_REL_SIZE_MAX),
        .location_index = draw_number(s),
        .location_ordinal = (uint32_t)draw_number(s),
        .location_at_ns = (int64_t)draw_number(s)};
}

static struct weft_packed packed_of(struct sample *s, struct weft_buffer *bytes, uint32_t n)
{
    uint8_t *copy = draw_alloc(s, bytes->size, 1);
    if (bytes->size > 0) {
        memcpy(copy, bytes->data, bytes->size);
    }
    struct weft_packed packed = {{copy, bytes->size}, n};
    weft_buffer_destroy(bytes);
    return packed;
}

static struct weft_packed packed_steps(struct sample *s, uint32_t first)
{
    uint32_t n = draw_count(s, 6);
    struct weft_buffer bytes = {0};
    struct weft_packed_steps steps = {.number = first};
    for (uint32_t i = 0; i < n; i++) {
        struct weft_trace_step next = step(s);
        if (i > 0 && draw_coin(s)) { /* As they often follow each other. */
            next.rel = steps.rel;
            next.kind = steps.kind;
        }
        enum weft_err err = weft_packed_add_step(&bytes, &steps, &next);
        weft_assert(err == WEFT_OK);
    }
    return packed_of(s, &bytes, n);
}

void sample_packed_records(struct sample *s, struct weft_packed *ret_packed)
{
    struct weft_buffer bytes = {0};
    uint32_t n;
    const struct weft_stored_record *records = stored_records(s, &n);
    for (uint32_t i = 0; i < n; i++) {
        enum weft_err err = weft_packed_add_stored(&bytes, &records[i]);
        weft_assert(err == WEFT_OK);
    }
    *ret_packed = packed_of(s, &bytes, n);
}

static struct weft_trace_result trace(struct sample *s)
{
    struct weft_trace_result t = {.index = draw_number(s),
        .cursor = sample_bytes(s, WEFT_CURSOR_SIZE_MAX),
        .first_step = (uint32_t)draw_number(s),
        .steps_total = (uint32_t)draw_number(s),
        .answers_total = (uint32_t)draw_number(s),
        .depth_reached = (uint32_t)draw_number(s),
        .has_cycles = draw_coin(s),
        .assets = sample_text(s, 4096)};
    t.steps = packed_steps(s, t.first_step);
    sample_packed_records(s, &t.records);
    return t;
}

static struct weft_audit_result audit(struct sample *s)
{
    return (struct weft_audit_result){draw_number(s), draw_number(s), draw_number(s),
        draw_digest(s), draw_bytes_of_size(s, sample_random(s, 20000))};
}

static struct weft_error_answer error(struct sample *s)
{
    return (struct weft_error_answer){(enum weft_err)(1 + sample_random(s, WEFT_ERRS - 1)),
        sample_text(s, WEFT_DETAIL_SIZE_MAX), sample_text(s, 255),
        sample_text(s, WEFT_ADDRESS_SIZE_MAX), draw_number(s), draw_number(s)};
}

static struct weft_document document(struct sample *s)
{
    uint32_t n = draw_count(s, 12);
    struct weft_field *fields = draw_alloc(s, n, sizeof(*fields));
    for (uint32_t i = 0; i < n; i++) {
        fields[i] = (struct weft_field){sample_text(s, WEFT_DOCUMENT_PATH_SIZE_MAX),
            sample_text(s, WEFT_VALUE_SIZE_MAX),
            (enum weft_value_type)sample_random(s, WEFT_VALUE_TYPES)};
    }
    return (struct weft_document){draw_number(s), draw_number(s), fields, n};
}

static const struct weft_member *members(struct sample *s, uint32_t *ret_count)
{
    uint32_t n = draw_count(s, WEFT_MEMBERS_MAX);
    struct weft_member *m = draw_alloc(s, n, sizeof(*m));
    for (uint32_t i = 0; i < n; i++) {
        m[i] = (struct weft_member){draw_number(s), sample_text(s, WEFT_PRINCIPAL_SIZE_MAX),
            sample_text(s, WEFT_ADDRESS_SIZE_MAX), sample_text(s, WEFT_ADDRESS_SIZE_MAX),
            (enum weft_role)sample_random(s, 3), draw_coin(s), draw_coin(s), draw_coin(s),
            draw_number(s)};
    }
    *ret_count = n;
    return m;
}

static struct weft_member_result member_result(struct sample *s)
{
    struct weft_member_result r = {
        draw_number(s), sample_text(s, WEFT_ASSET_SIZE_MAX), draw_number(s), NULL, 0};
    r.members = members(s, &r.member_count);
    return r;
}

static struct weft_status status(struct sample *s)
{
    struct weft_status st = {
        .site = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .org = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .node = sample_text(s, WEFT_PRINCIPAL_SIZE_MAX),
        .version = sample_text(s, 20),
        .state = sample_text(s, 20),
        .node_id = draw_number(s),
        .cluster = draw_number(s),
        .leader_id = draw_number(s),
        .term = draw_number(s),
        .commit_index = draw_number(s),
        .applied_index = draw_number(s),
        .first_log_index = draw_number(s),
        .last_log_index = draw_number(s),
        .checkpoint_index = draw_number(s),
        .chain = draw_digest(s),
        .audit_size = draw_number(s),
        .audit_root = draw_digest(s),
        .gauge_count = draw_count(s, 30),
        .policy = sample_text(s, 20),
    };
    st.members = members(s, &st.member_count);
    struct weft_gauge *gauges = draw_alloc(s, st.gauge_count, sizeof(*gauges));
    for (uint32_t i = 0; i < st.gauge_count; i++) {
        gauges[i] = (struct weft_gauge){sample_text(s, 60), draw_number(s)};
    }
    st.gauges = gauges;
    return st;
}

static struct weft_commit_result commit_result(struct sample *s)
{
    uint32_t n = draw_count(s, 5);
    struct weft_receipt *receipts = draw_alloc(s, n, sizeof(*receipts));
    for (uint32_t i = 0; i < n; i++) {
        receipts[i] = (struct weft_receipt){
            sample_text(s, WEFT_ASSET_SIZE_MAX), draw_number(s), draw_digest(s)};
    }
    return (struct weft_commit_result){
        draw_request_id(s), draw_number(s), (int64_t)draw_number(s), draw_coin(s), receipts, n};
}

static struct weft_forward forward(struct sample *s)
{
    struct weft_forward f = {
        .principal = sample_text(s, WEFT_PRINCIPAL_SIZE_MAX), .commit = sample_bytes(s, 3000)};
    f.has_warrant = draw_coin(s);
    if (f.has_warrant) {
        f.warrant = warrant(s);
    }
    f.is_reads = draw_coin(s);
    return f;
}

static struct weft_authorized authorized(struct sample *s)
{
    static const enum weft_message_kind kinds[] = {
        WEFT_KIND_COMMIT, WEFT_KIND_QUERY, WEFT_KIND_STATUS, WEFT_KIND_MEMBER, WEFT_KIND_BLOCK_PUT};
    return (struct weft_authorized){.note = sample_text(s, WEFT_AUTHORIZATION_SIZE_MAX),
        .request_kind = kinds[sample_random(s, sizeof(kinds) / sizeof(kinds[0]))],
        .request = sample_bytes(s, 3000)};
}

static void hand_on(struct sample *s, struct weft_client_message *m)
{
    if (m->kind == WEFT_KIND_CARRY) {
        m->carry.message = sample_bytes(s, 3000);
        m->carry.is_vouched = draw_coin(s);
    } else if (m->kind == WEFT_KIND_FORWARD) {
        m->forward = forward(s);
    } else {
        m->authorized = authorized(s);
    }
}

static void block(struct sample *s, struct weft_client_message *m)
{
    const struct weft_digest digest = draw_digest(s);
    if (m->kind == WEFT_KIND_BLOCK_PUT_RESULT) {
        m->block_put_result = (struct weft_block_put_result){digest, draw_coin(s)};
    } else if (m->kind == WEFT_KIND_BLOCK_GET) {
        m->block_get = (struct weft_block_get){digest, draw_coin(s)};
    } else {
        m->block = (struct weft_block){digest, draw_bytes_of_size(s, 1 + sample_random(s, 50000))};
    }
}

void sample_client(
    struct sample *s, enum weft_message_kind kind, struct weft_client_message *ret_message)
{
    struct weft_client_message m = {.kind = kind, .request_id = draw_number(s)};
    unsigned tag = kind;
    switch (tag) {
    case WEFT_KIND_COMMIT:
        sample_commit(s, &m.commit);
        break;
    case WEFT_KIND_COMMIT_RESULT:
        m.commit_result = commit_result(s);
        break;
    case WEFT_KIND_QUERY:
        m.query = query(s);
        break;
    case WEFT_KIND_PAGE:
        m.page = page(s);
        break;
    case WEFT_KIND_STATUS_RESULT:
        m.status_result = status(s);
        break;
    case WEFT_KIND_MEMBER:
        m.member = (struct weft_member_request){
            (enum weft_member_action)(WEFT_MEMBER_JOIN + sample_random(s, 6)), draw_number(s),
            sample_text(s, WEFT_PRINCIPAL_SIZE_MAX), sample_text(s, WEFT_ADDRESS_SIZE_MAX),
            sample_text(s, WEFT_ADDRESS_SIZE_MAX), draw_coin(s), draw_coin(s)};
        break;
    case WEFT_KIND_MEMBER_RESULT:
        m.member_result = member_result(s);
        break;
    case WEFT_KIND_DIGEST:
        m.digest.index = draw_number(s);
        break;
    case WEFT_KIND_DIGEST_RESULT:
        m.digest_result = (struct weft_digest_result){
            draw_number(s), draw_coin(s), draw_number(s), draw_digest(s)};
        break;
    case WEFT_KIND_CHECKPOINT:
        m.checkpoint.newest = draw_coin(s);
        break;
    case WEFT_KIND_CHECKPOINT_RESULT:
        m.checkpoint_result.manifest = encoded_manifest(s);
        break;
    case WEFT_KIND_FILE:
        m.file = fetch(s);
        break;
    case WEFT_KIND_FILE_RESULT:
        m.file_result = chunk(s);
        break;
    case WEFT_KIND_ERROR:
        m.error = error(s);
        break;
    case WEFT_KIND_TRACE_RESULT:
        m.trace = trace(s);
        break;
    case WEFT_KIND_DOCUMENT:
        m.document = document(s);
        break;
    case WEFT_KIND_BLOCK_PUT:
    case WEFT_KIND_BLOCK_RESULT:
    case WEFT_KIND_BLOCK_PUT_RESULT:
    case WEFT_KIND_BLOCK_GET:
        block(s, &m);
        break;
    case WEFT_KIND_AUDIT_RESULT:
        m.audit = audit(s);
        break;
    case WEFT_KIND_FORWARD:
    case WEFT_KIND_AUTHORIZED:
    case WEFT_KIND_CARRY:
        hand_on(s, &m);
        break;
    }
    *ret_message = m;
}
