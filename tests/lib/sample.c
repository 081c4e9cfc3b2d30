#include "tests/lib/sample.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"
#include "proto/limits.h"
#include "proto/packed.h"

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
    (enum weft_message_kind)0};

/* --- scalars --------------------------------------------------------------------------------- */

/* splitmix64, as tests/lib/test.c; here with a state of its own, for programs without tests. */
uint64_t sample_random(struct sample *s, uint64_t bound)
{
    uint64_t z = (s->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return bound == 0 ? z : z % bound;
}

static void *alloc(struct sample *s, size_t count, size_t size)
{
    void *p = weft_arena_array(s->arena, count, size);
    if (p == NULL) {
        (void)fprintf(stderr, "sample: the arena is too small\n");
        abort();
    }
    return p;
}

/* Zero, small, or anything: defaults and extremes both occur. */
static uint64_t number(struct sample *s)
{
    switch (sample_random(s, 4)) {
    case 0:
        return 0;
    case 1:
        return sample_random(s, 1000);
    case 2:
        return UINT64_MAX - sample_random(s, 2);
    default:
        return sample_random(s, 0);
    }
}

static bool coin(struct sample *s)
{
    return sample_random(s, 2) == 1;
}

static uint32_t count(struct sample *s, uint32_t usual)
{
    return (uint32_t)sample_random(s, usual + 1);
}

static size_t size_up_to(struct sample *s, size_t size_max)
{
    if (sample_random(s, 32) == 0) {
        return size_max; /* The limit itself. */
    }
    size_t usual = size_max < 40 ? size_max : 40;
    return sample_random(s, usual + 1);
}

static struct weft_bytes bytes_of_size(struct sample *s, size_t size)
{
    uint8_t *p = alloc(s, size, 1);
    for (size_t i = 0; i < size; i++) {
        p[i] = (uint8_t)sample_random(s, 256);
    }
    return (struct weft_bytes){size > 0 ? p : NULL, size};
}

struct weft_bytes sample_bytes(struct sample *s, size_t size_max)
{
    return bytes_of_size(s, size_up_to(s, size_max));
}

static struct weft_digest digest(struct sample *s)
{
    struct weft_digest d = {{0}};
    if (sample_random(s, 8) != 0) { /* Else zero, which is not sent. */
        memcpy(d.bytes, bytes_of_size(s, sizeof(d.bytes)).data, sizeof(d.bytes));
    }
    return d;
}

static struct weft_request_id request_id(struct sample *s)
{
    struct weft_request_id id;
    memcpy(id.bytes, bytes_of_size(s, sizeof(id.bytes)).data, sizeof(id.bytes));
    return id;
}

/* --- texts ----------------------------------------------------------------------------------- */

static struct weft_text text_of_size(struct sample *s, size_t size, bool has_controls)
{
    static const struct weft_text wide[] = {WEFT_TEXT("\xc3\xa9"), WEFT_TEXT("\xe2\x82\xac"),
        WEFT_TEXT("\xf0\x9f\x94\xa9"), WEFT_TEXT("\xf4\x8f\xbf\xbf")};
    char *p = alloc(s, size, 1);
    size_t at = 0;
    while (at < size) {
        struct weft_text c = wide[sample_random(s, 4)];
        if (sample_random(s, 4) == 0 && c.size <= size - at) {
            memcpy(p + at, c.data, c.size);
            at += c.size;
        } else if (has_controls && sample_random(s, 16) == 0) {
            p[at++] = (char)(1 + sample_random(s, 31));
        } else {
            p[at++] = (char)(0x21 + sample_random(s, 0x7f - 0x21)); /* Quotes and slashes too. */
        }
    }
    return (struct weft_text){size > 0 ? p : NULL, size};
}

struct weft_text sample_text(struct sample *s, size_t size_max)
{
    return text_of_size(s, size_up_to(s, size_max), true);
}

/* Asset ids, sources, authors: a line. */
static struct weft_text line(struct sample *s, size_t size_min, size_t size_max)
{
    size_t size = size_up_to(s, size_max);
    return text_of_size(s, size < size_min ? size_min : size, false);
}

static struct weft_text from_alphabet(struct sample *s, const char *alphabet, size_t size)
{
    char *p = alloc(s, size, 1);
    for (size_t i = 0; i < size; i++) {
        p[i] = alphabet[sample_random(s, strlen(alphabet))];
    }
    return (struct weft_text){p, size};
}

static struct weft_text name(struct sample *s)
{
    size_t size = size_up_to(s, WEFT_KIND_SIZE_MAX);
    return from_alphabet(s, "abcxyz0189", size > 0 ? size : 1);
}

static struct weft_text file_name(struct sample *s)
{
    size_t size = size_up_to(s, WEFT_FILE_NAME_SIZE_MAX);
    return from_alphabet(s, "0123456789abcdef-_", size > 0 ? size : 1);
}

/* --- records --------------------------------------------------------------------------------- */

static struct weft_text value(struct sample *s, enum weft_value_type type)
{
    static const char *const reals[] = {"0.014", "-1.5e-7", "1E+300", "0.0"};
    static const char *const integers[] = {
        "0", "-9223372036854775808", "9223372036854775807", "42"};
    switch (type) {
    case WEFT_VALUE_BOOL:
        return weft_text_of(coin(s) ? "true" : "false");
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
    uint32_t n = sample_random(s, 64) == 0 ? 300 : count(s, 6);
    struct weft_field *f = alloc(s, n, sizeof(*f));
    for (uint32_t i = 0; i < n; i++) {
        char text[64];
        const char *tail = coin(s) ? "/value" : "";
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
        .kind = name(s),
        .asset = line(s, 1, WEFT_ASSET_SIZE_MAX),
        .source = line(s, 0, WEFT_SOURCE_SIZE_MAX),
        .author = line(s, 0, WEFT_PRINCIPAL_SIZE_MAX),
        .has_at = coin(s),
        .has_expect = coin(s),
    };
    r.at_ns = r.has_at ? (int64_t)number(s) : 0;
    r.expect_rev = r.has_expect ? number(s) : 0;
    r.fields = fields(s, &r.field_count);
    r.link_count = sample_random(s, 64) == 0 ? 200 : count(s, 4);
    struct weft_link *links = alloc(s, r.link_count, sizeof(*links));
    for (uint32_t i = 0; i < r.link_count; i++) {
        links[i].rel = name(s);
        links[i].to = line(s, 1, WEFT_ASSET_SIZE_MAX);
        if (i < 4) {
            links[i].fields = fields(s, &links[i].field_count);
        }
    }
    r.links = links;
    *ret_record = r;
}

void sample_commit(struct sample *s, struct weft_commit *ret_commit)
{
    uint32_t n = 1 + count(s, 3);
    struct weft_record *records = alloc(s, n, sizeof(*records));
    for (uint32_t i = 0; i < n; i++) {
        sample_record(s, &records[i]);
    }
    *ret_commit = (struct weft_commit){request_id(s), records, n};
}

void sample_entry(struct sample *s, struct weft_buffer *out)
{
    struct weft_buffer body = {0};
    enum weft_err err = weft_entry_init(out);
    for (uint32_t i = count(s, 4); err == WEFT_OK && i > 0; i--) {
        struct weft_entry_item item = {.type = WEFT_ITEM_DIGEST, .body = bytes_of_size(s, 8)};
        if (coin(s)) {
            struct weft_commit commit;
            sample_commit(s, &commit);
            weft_buffer_clear(&body);
            err = weft_commit_encode(&commit, &body);
            item.type = WEFT_ITEM_COMMIT;
            item.principal = line(s, 0, WEFT_PRINCIPAL_SIZE_MAX);
            item.body = (struct weft_bytes){body.data, body.size};
        }
        if (err == WEFT_OK) {
            err = weft_entry_add(out, &item);
        }
    }
    weft_assert(err == WEFT_OK);
    weft_entry_seal(out, (int64_t)number(s), bytes_of_size(s, WEFT_SALT_SEED_SIZE).data);
    weft_buffer_destroy(&body);
}

/* --- checkpoints ----------------------------------------------------------------------------- */

void sample_manifest(struct sample *s, struct weft_manifest *ret_manifest)
{
    uint32_t n = sample_random(s, 16) == 0 ? 500 : count(s, 5);
    struct weft_checkpoint_file *files = alloc(s, n, sizeof(*files));
    for (uint32_t i = 0; i < n; i++) {
        files[i] = (struct weft_checkpoint_file){file_name(s), number(s), digest(s)};
    }
    *ret_manifest = (struct weft_manifest){
        .name = file_name(s),
        .site = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .cluster = number(s),
        .index = number(s),
        .term = number(s),
        .time_ns = (int64_t)number(s),
        .conf_index = number(s),
        .configuration = sample_bytes(s, WEFT_CONFIGURATION_SIZE_MAX),
        .chain = digest(s),
        .format = (uint32_t)number(s),
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
    uint8_t *copy = alloc(s, out.size, 1);
    memcpy(copy, out.data, out.size);
    struct weft_bytes bytes = {copy, out.size};
    weft_buffer_destroy(&out);
    return bytes;
}

static struct weft_fetch fetch(struct sample *s)
{
    return (struct weft_fetch){
        file_name(s), file_name(s), number(s), (uint32_t)sample_random(s, WEFT_CHUNK_SIZE_MAX + 1)};
}

static struct weft_chunk chunk(struct sample *s)
{
    struct weft_chunk c = {.checkpoint = file_name(s),
        .file = file_name(s),
        .offset = number(s),
        .err = (enum weft_err)sample_random(s, coin(s) ? WEFT_ERRS : 1),
        .crc32c = (uint32_t)number(s)};
    if (c.err == WEFT_OK) {
        c.data = sample_bytes(s, 70000);
    }
    return c;
}

/* --- the peer door --------------------------------------------------------------------------- */

static const struct weft_peer_entry *entries(struct sample *s, uint32_t *ret_count)
{
    uint32_t n = count(s, 5);
    struct weft_peer_entry *e = alloc(s, n, sizeof(*e));
    for (uint32_t i = 0; i < n; i++) {
        e[i].term = number(s);
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
    m.header = (struct weft_peer_header){
        number(s), number(s), number(s), number(s), number(s), number(s), number(s), number(s)};
    unsigned tag = kind;
    switch (tag) {
    case WEFT_KIND_REQUEST_VOTE:
        m.request_vote = (struct weft_request_vote){
            number(s), number(s), number(s), number(s), coin(s), coin(s)};
        break;
    case WEFT_KIND_REQUEST_VOTE_RESULT:
        m.request_vote_result = (struct weft_request_vote_result){
            number(s), coin(s), coin(s), (uint16_t)number(s), (uint16_t)number(s)};
        break;
    case WEFT_KIND_APPEND_ENTRIES:
        m.append_entries =
            (struct weft_append_entries){number(s), number(s), number(s), number(s), NULL, 0};
        m.append_entries.entries = entries(s, &m.append_entries.entry_count);
        break;
    case WEFT_KIND_APPEND_ENTRIES_RESULT:
        m.append_entries_result = (struct weft_append_entries_result){number(s), number(s),
            number(s), (uint16_t)number(s), (uint16_t)number(s), number(s), digest(s)};
        break;
    case WEFT_KIND_INSTALL_SNAPSHOT:
        m.install_snapshot = (struct weft_install_snapshot){
            number(s), number(s), number(s), number(s), sample_bytes(s, 3000), encoded_manifest(s)};
        break;
    case WEFT_KIND_TIMEOUT_NOW:
        m.timeout_now = (struct weft_timeout_now){number(s), number(s), number(s)};
        break;
    case WEFT_KIND_PING:
        m.ping.round = number(s);
        break;
    case WEFT_KIND_PONG:
        m.pong.round = number(s);
        break;
    case WEFT_KIND_READ_INDEX:
        m.read_index.id = number(s);
        break;
    case WEFT_KIND_AUDIT_LINE:
        m.audit_line = (struct weft_audit_line){number(s), digest(s),
            sample_text(s, WEFT_AUDIT_LINE_SIZE_MAX), sample_text(s, WEFT_AUDIT_LINE_SIZE_MAX)};
        break;
    case WEFT_KIND_READ_INDEX_RESULT:
        m.read_index_result = (struct weft_read_index_result){
            number(s), number(s), (enum weft_err)sample_random(s, WEFT_ERRS)};
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
        .min_index = number(s),
        .asset = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .asset_glob = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .kind = sample_text(s, WEFT_KIND_SIZE_MAX),
        .where_path = sample_text(s, WEFT_PATH_SIZE_MAX),
        .where_op = (enum weft_operator)sample_random(s, WEFT_OP_GLOB + 1),
        .where_value = sample_text(s, WEFT_VALUE_SIZE_MAX),
        .from_index = number(s),
        .as_of = number(s),
        .has_at = coin(s),
        .no_inside = coin(s),
        .limit = (uint32_t)sample_random(s, WEFT_PAGE_RECORDS_MAX + 1),
        .wait_ms = (uint32_t)number(s),
        .cursor = sample_bytes(s, WEFT_CURSOR_SIZE_MAX),
        .depth_max = (uint32_t)number(s),
        .rels = sample_text(s, WEFT_RELS_SIZE_MAX),
        .to_kind = sample_text(s, WEFT_KIND_SIZE_MAX),
        .machine = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .has_window = coin(s),
        .part = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .first_step = (uint32_t)number(s),
        .ids_only = coin(s),
        .with_records = coin(s),
        .left = (enum weft_twin_configuration)sample_random(s, WEFT_TWIN_MAINTAINED + 1),
        .right = (enum weft_twin_configuration)sample_random(s, WEFT_TWIN_MAINTAINED + 1),
        .other_as_of = number(s),
        .other_has_at = coin(s),
        .has_as_of_ns = coin(s),
        .sections = (uint32_t)number(s),
        .differs_path = sample_text(s, WEFT_PATH_SIZE_MAX),
        .differs_by = sample_text(s, WEFT_PATH_SIZE_MAX),
    };
    q.at_ns = q.has_at ? (int64_t)number(s) : 0;
    q.window_from_ns = q.has_window ? (int64_t)number(s) : 0;
    q.window_to_ns = q.has_window ? (int64_t)number(s) : 0;
    q.as_of_ns = q.has_as_of_ns ? (int64_t)number(s) : 0;
    q.other_at_ns = q.other_has_at ? (int64_t)number(s) : 0;
    return q;
}

static const struct weft_stored_record *stored_records(struct sample *s, uint32_t *ret_count)
{
    uint32_t n = count(s, 4);
    struct weft_stored_record *records = alloc(s, n, sizeof(*records));
    for (uint32_t i = 0; i < n; i++) {
        records[i] = (struct weft_stored_record){.index = number(s),
            .ordinal = (uint32_t)number(s),
            .time_ns = (int64_t)number(s),
            .digest = digest(s)};
        sample_record(s, &records[i].record);
        records[i].record.has_at = true; /* Once it is agreed. */
        records[i].record.has_expect = false;
        records[i].record.expect_rev = 0;
        if (coin(s)) { /* As the state gives it. */
            struct weft_buffer out = {0};
            enum weft_err err = weft_record_encode(&records[i].record, &out);
            weft_assert(err == WEFT_OK);
            uint8_t *copy = alloc(s, out.size, 1);
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
    struct weft_page p = {
        number(s), number(s), number(s), sample_bytes(s, WEFT_CURSOR_SIZE_MAX), NULL, 0};
    p.records = stored_records(s, &p.record_count);
    return p;
}

static struct weft_trace_step step(struct sample *s)
{
    return (struct weft_trace_step){.asset = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .from_step = (uint32_t)number(s),
        .depth = (uint32_t)number(s),
        .flags = (uint32_t)sample_random(s, 32),
        .rel = sample_text(s, WEFT_REL_SIZE_MAX),
        .quantity = sample_text(s, WEFT_PATH_SIZE_MAX),
        .unit = sample_text(s, WEFT_PATH_SIZE_MAX),
        .kind = sample_text(s, WEFT_KIND_SIZE_MAX),
        .index = number(s),
        .ordinal = (uint32_t)number(s),
        .at_ns = (int64_t)number(s),
        .location = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .location_rel = sample_text(s, WEFT_REL_SIZE_MAX),
        .location_index = number(s),
        .location_ordinal = (uint32_t)number(s),
        .location_at_ns = (int64_t)number(s)};
}

static struct weft_packed packed_of(struct sample *s, struct weft_buffer *bytes, uint32_t n)
{
    uint8_t *copy = alloc(s, bytes->size, 1);
    if (bytes->size > 0) {
        memcpy(copy, bytes->data, bytes->size);
    }
    struct weft_packed packed = {{copy, bytes->size}, n};
    weft_buffer_destroy(bytes);
    return packed;
}

static struct weft_packed packed_steps(struct sample *s, uint32_t first)
{
    uint32_t n = count(s, 6);
    struct weft_buffer bytes = {0};
    struct weft_packed_steps steps = {.number = first};
    for (uint32_t i = 0; i < n; i++) {
        struct weft_trace_step next = step(s);
        if (i > 0 && coin(s)) { /* As they often follow each other. */
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
    struct weft_trace_result t = {.index = number(s),
        .cursor = sample_bytes(s, WEFT_CURSOR_SIZE_MAX),
        .first_step = (uint32_t)number(s),
        .steps_total = (uint32_t)number(s),
        .answers_total = (uint32_t)number(s),
        .depth_reached = (uint32_t)number(s),
        .has_cycles = coin(s),
        .assets = sample_text(s, 4096)};
    t.steps = packed_steps(s, t.first_step);
    sample_packed_records(s, &t.records);
    return t;
}

static struct weft_audit_result audit(struct sample *s)
{
    return (struct weft_audit_result){
        number(s), number(s), number(s), digest(s), bytes_of_size(s, sample_random(s, 20000))};
}

static struct weft_error_answer error(struct sample *s)
{
    return (struct weft_error_answer){(enum weft_err)(1 + sample_random(s, WEFT_ERRS - 1)),
        sample_text(s, WEFT_DETAIL_SIZE_MAX), sample_text(s, 255),
        sample_text(s, WEFT_ADDRESS_SIZE_MAX), number(s), number(s)};
}

static struct weft_document document(struct sample *s)
{
    uint32_t n = count(s, 12);
    struct weft_field *fields = alloc(s, n, sizeof(*fields));
    for (uint32_t i = 0; i < n; i++) {
        fields[i] = (struct weft_field){sample_text(s, WEFT_DOCUMENT_PATH_SIZE_MAX),
            sample_text(s, WEFT_VALUE_SIZE_MAX),
            (enum weft_value_type)sample_random(s, WEFT_VALUE_TYPES)};
    }
    return (struct weft_document){number(s), number(s), fields, n};
}

static const struct weft_member *members(struct sample *s, uint32_t *ret_count)
{
    uint32_t n = count(s, WEFT_MEMBERS_MAX);
    struct weft_member *m = alloc(s, n, sizeof(*m));
    for (uint32_t i = 0; i < n; i++) {
        m[i] = (struct weft_member){number(s), sample_text(s, WEFT_PRINCIPAL_SIZE_MAX),
            sample_text(s, WEFT_ADDRESS_SIZE_MAX), sample_text(s, WEFT_ADDRESS_SIZE_MAX),
            (enum weft_role)sample_random(s, 3), coin(s), coin(s), coin(s), number(s)};
    }
    *ret_count = n;
    return m;
}

static struct weft_status status(struct sample *s)
{
    struct weft_status st = {
        .site = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .org = sample_text(s, WEFT_ASSET_SIZE_MAX),
        .node = sample_text(s, WEFT_PRINCIPAL_SIZE_MAX),
        .version = sample_text(s, 20),
        .state = sample_text(s, 20),
        .node_id = number(s),
        .cluster = number(s),
        .leader_id = number(s),
        .term = number(s),
        .commit_index = number(s),
        .applied_index = number(s),
        .first_log_index = number(s),
        .last_log_index = number(s),
        .checkpoint_index = number(s),
        .chain = digest(s),
        .audit_size = number(s),
        .audit_root = digest(s),
        .gauge_count = count(s, 30),
        .policy = sample_text(s, 20),
    };
    st.members = members(s, &st.member_count);
    struct weft_gauge *gauges = alloc(s, st.gauge_count, sizeof(*gauges));
    for (uint32_t i = 0; i < st.gauge_count; i++) {
        gauges[i] = (struct weft_gauge){sample_text(s, 60), number(s)};
    }
    st.gauges = gauges;
    return st;
}

static struct weft_commit_result commit_result(struct sample *s)
{
    uint32_t n = count(s, 5);
    struct weft_receipt *receipts = alloc(s, n, sizeof(*receipts));
    for (uint32_t i = 0; i < n; i++) {
        receipts[i] =
            (struct weft_receipt){sample_text(s, WEFT_ASSET_SIZE_MAX), number(s), digest(s)};
    }
    return (struct weft_commit_result){
        request_id(s), number(s), (int64_t)number(s), coin(s), receipts, n};
}

void sample_client(
    struct sample *s, enum weft_message_kind kind, struct weft_client_message *ret_message)
{
    struct weft_client_message m = {.kind = kind, .request_id = number(s)};
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
            (enum weft_member_action)(WEFT_MEMBER_JOIN + sample_random(s, 6)), number(s),
            sample_text(s, WEFT_PRINCIPAL_SIZE_MAX), sample_text(s, WEFT_ADDRESS_SIZE_MAX),
            sample_text(s, WEFT_ADDRESS_SIZE_MAX), coin(s), coin(s)};
        break;
    case WEFT_KIND_MEMBER_RESULT:
        m.member_result = (struct weft_member_result){
            number(s), sample_text(s, WEFT_ASSET_SIZE_MAX), number(s), NULL, 0};
        m.member_result.members = members(s, &m.member_result.member_count);
        break;
    case WEFT_KIND_DIGEST:
        m.digest.index = number(s);
        break;
    case WEFT_KIND_DIGEST_RESULT:
        m.digest_result = (struct weft_digest_result){number(s), coin(s), number(s), digest(s)};
        break;
    case WEFT_KIND_CHECKPOINT:
        m.checkpoint.newest = coin(s);
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
        m.block = (struct weft_block){digest(s), bytes_of_size(s, 1 + sample_random(s, 50000))};
        break;
    case WEFT_KIND_BLOCK_PUT_RESULT:
        m.block_put_result = (struct weft_block_put_result){digest(s), coin(s)};
        break;
    case WEFT_KIND_BLOCK_GET:
        m.block_get = (struct weft_block_get){digest(s), coin(s)};
        break;
    case WEFT_KIND_AUDIT_RESULT:
        m.audit = audit(s);
        break;
    case WEFT_KIND_FORWARD:
        m.forward =
            (struct weft_forward){sample_text(s, WEFT_PRINCIPAL_SIZE_MAX), sample_bytes(s, 3000)};
        break;
    }
    *ret_message = m;
}
