#include "proto/codec.h"

#include <stdio.h>

/* Records are one table within a commit and one whole buffer each in the state and in pages. */

_Static_assert((int)WEFT_VALUE_NULL == WEFT_WIRE_VALUE_TYPE_NULL_VALUE &&
                   (int)WEFT_VALUE_BOOL == WEFT_WIRE_VALUE_TYPE_BOOL_VALUE &&
                   (int)WEFT_VALUE_INT == WEFT_WIRE_VALUE_TYPE_INT_VALUE &&
                   (int)WEFT_VALUE_REAL == WEFT_WIRE_VALUE_TYPE_REAL_VALUE &&
                   (int)WEFT_VALUE_TEXT == WEFT_WIRE_VALUE_TYPE_TEXT_VALUE &&
                   (int)WEFT_VALUE_EMPTY_OBJECT == WEFT_WIRE_VALUE_TYPE_EMPTY_OBJECT &&
                   (int)WEFT_VALUE_EMPTY_ARRAY == WEFT_WIRE_VALUE_TYPE_EMPTY_ARRAY,
    "value types are the schema's");

/* --- reading --------------------------------------------------------------------------------- */

static const struct weft_field *read_fields(
    struct weft_codec_in *in, struct weft_wire_vector vector, uint32_t *ret_count)
{
    struct weft_field *fields =
        weft_codec_array(in, vector, WEFT_RECORD_FIELDS_MAX, sizeof(*fields), "fields");
    for (uint32_t i = 0; i < vector.count && in->err == WEFT_OK; i++) {
        struct weft_wire_field f;
        weft_wire_field_read(weft_wire_at(vector, i), &f);
        fields[i] = (struct weft_field){
            .path = weft_codec_text(in, f.path, WEFT_PATH_SIZE_MAX, "path"),
            .value = weft_codec_text(in, f.value, WEFT_VALUE_SIZE_MAX, "value"),
            .type = (enum weft_value_type)weft_codec_enum(
                in, f.value_type, WEFT_VALUE_NULL, WEFT_VALUE_REDACTED, "value_type"),
        };
    }
    *ret_count = vector.count;
    return fields;
}

static const struct weft_link *read_links(
    struct weft_codec_in *in, struct weft_wire_vector vector, uint32_t *ret_count)
{
    struct weft_link *links =
        weft_codec_array(in, vector, WEFT_RECORD_LINKS_MAX, sizeof(*links), "links");
    for (uint32_t i = 0; i < vector.count && in->err == WEFT_OK; i++) {
        struct weft_wire_link l;
        weft_wire_link_read(weft_wire_at(vector, i), &l);
        links[i].rel = weft_codec_text(in, l.rel, WEFT_REL_SIZE_MAX, "rel");
        links[i].to = weft_codec_text(in, l.target, WEFT_ASSET_SIZE_MAX, "target");
        links[i].fields = read_fields(in, l.fields, &links[i].field_count);
    }
    *ret_count = vector.count;
    return links;
}

void weft_codec_read_record(
    struct weft_codec_in *in, const void *table, struct weft_record *ret_record)
{
    struct weft_wire_record r;
    weft_wire_record_read(table, &r);
    struct weft_record record = {
        .kind = weft_codec_text(in, r.kind, WEFT_KIND_SIZE_MAX, "kind"),
        .asset = weft_codec_text(in, r.asset, WEFT_ASSET_SIZE_MAX, "asset"),
        .source = weft_codec_text(in, r.source, WEFT_SOURCE_SIZE_MAX, "source"),
        .author = weft_codec_text(in, r.author, WEFT_PRINCIPAL_SIZE_MAX, "author"),
        .at_ns = r.has_at ? r.at_ns : 0,
        .has_at = r.has_at,
        .has_expect = r.has_expect,
        .expect_rev = r.has_expect ? r.expect_rev : 0,
    };
    record.fields = read_fields(in, r.fields, &record.field_count);
    record.links = read_links(in, r.links, &record.link_count);
    if (in->err == WEFT_OK) {
        *ret_record = record;
    }
}

void weft_codec_read_commit(
    struct weft_codec_in *in, const void *table, struct weft_commit *ret_commit)
{
    struct weft_wire_commit_request c;
    weft_wire_commit_request_read(table, &c);
    struct weft_commit commit = {
        .request_id = weft_codec_request_id(in, c.request_id),
        .record_count = c.records.count,
    };
    struct weft_record *records =
        weft_codec_array(in, c.records, WEFT_COMMIT_RECORDS_MAX, sizeof(*records), "records");
    if (c.records.count == 0) {
        weft_codec_fail(in, WEFT_EINVAL, "records", "a commit has at least one");
    }
    for (uint32_t i = 0; i < c.records.count && in->err == WEFT_OK; i++) {
        char pointer[256] = "";
        in->is_checked_later = true;
        weft_codec_read_record(in, weft_wire_at(c.records, i), &records[i]);
        in->is_checked_later = false;
        if (in->err == WEFT_OK) {
            in->err = weft_record_check(&records[i], pointer, in->msg);
        }
        if (in->err != WEFT_OK) {
            (void)weft_wrap(in->msg, in->err, "/records/%u%s", i, pointer);
        }
    }
    commit.records = records;
    if (in->err == WEFT_OK) {
        *ret_commit = commit;
    }
}

/* --- writing --------------------------------------------------------------------------------- */

static struct weft_wire_ref put_fields(
    struct weft_wire_builder *b, const struct weft_field *fields, uint32_t field_count)
{
    uint32_t count = weft_codec_put_count(b, field_count, WEFT_RECORD_FIELDS_MAX);
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_wire_field_refs f = {
            .path = weft_codec_put_text(b, fields[i].path, WEFT_PATH_SIZE_MAX),
            .value = weft_codec_put_text(b, fields[i].value, WEFT_VALUE_SIZE_MAX),
            .value_type = (uint8_t)fields[i].type,
        };
        weft_wire_push(b, weft_wire_field_write(b, &f));
    }
    return weft_wire_take(b, mark);
}

static struct weft_wire_ref put_links(
    struct weft_wire_builder *b, const struct weft_link *links, uint32_t link_count)
{
    uint32_t count = weft_codec_put_count(b, link_count, WEFT_RECORD_LINKS_MAX);
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_wire_link_refs l = {
            .rel = weft_codec_put_text(b, links[i].rel, WEFT_REL_SIZE_MAX),
            .target = weft_codec_put_text(b, links[i].to, WEFT_ASSET_SIZE_MAX),
            .fields = put_fields(b, links[i].fields, links[i].field_count),
        };
        weft_wire_push(b, weft_wire_link_write(b, &l));
    }
    return weft_wire_take(b, mark);
}

struct weft_wire_ref weft_codec_put_record(
    struct weft_wire_builder *b, const struct weft_record *record)
{
    const struct weft_wire_record_refs r = {
        .kind = weft_codec_put_text(b, record->kind, WEFT_KIND_SIZE_MAX),
        .asset = weft_codec_put_text(b, record->asset, WEFT_ASSET_SIZE_MAX),
        .source = weft_codec_put_text(b, record->source, WEFT_SOURCE_SIZE_MAX),
        .author = weft_codec_put_text(b, record->author, WEFT_PRINCIPAL_SIZE_MAX),
        .at_ns = record->has_at ? record->at_ns : 0,
        .expect_rev = record->has_expect ? record->expect_rev : 0,
        .has_at = record->has_at,
        .has_expect = record->has_expect,
        .fields = put_fields(b, record->fields, record->field_count),
        .links = put_links(b, record->links, record->link_count),
    };
    return weft_wire_record_write(b, &r);
}

struct weft_wire_ref weft_codec_put_commit(
    struct weft_wire_builder *b, const struct weft_commit *commit)
{
    uint32_t count = weft_codec_put_count(b, commit->record_count, WEFT_COMMIT_RECORDS_MAX);
    size_t mark = weft_wire_mark(b);
    if (count > 1) {
        weft_wire_share(b); /* Records of one commit have paths, rels and much else in common. */
    }
    for (uint32_t i = 0; i < count; i++) {
        weft_wire_push(b, weft_codec_put_record(b, &commit->records[i]));
    }
    const struct weft_bytes request_id = {
        commit->request_id.bytes, sizeof(commit->request_id.bytes)};
    const struct weft_wire_commit_request_refs c = {
        .records = weft_wire_take(b, mark),
        .request_id = weft_wire_bytes(b, request_id),
    };
    return weft_wire_commit_request_write(b, &c);
}

/* --- whole buffers --------------------------------------------------------------------------- */

enum weft_err weft_record_encode(const struct weft_record *record, struct weft_buffer *out)
{
    struct weft_wire_builder *b = weft_wire_begin(WEFT_WIRE_NESTED, WEFT_COMMIT_SIZE_MAX);
    return weft_wire_finish(b, weft_codec_put_record(b, record), NULL, 0, out);
}

enum weft_err weft_record_decode(
    struct weft_bytes bytes, struct weft_arena *arena, struct weft_record *ret_record)
{
    struct weft_codec_in in = {
        .arena = arena, .budget_bytes = WEFT_COMMIT_SIZE_MAX, .bad_value = WEFT_EMALFORMED};
    if (bytes.size > WEFT_COMMIT_SIZE_MAX) {
        return WEFT_ETOOBIG;
    }
    bytes = weft_codec_aligned(&in, bytes);
    if (in.err != WEFT_OK) {
        return in.err;
    }
    const void *table = weft_wire_record_open(bytes, NULL);
    if (table == NULL) {
        return WEFT_EMALFORMED;
    }
    weft_codec_read_record(&in, table, ret_record);
    return in.err;
}

enum weft_err weft_commit_encode(const struct weft_commit *commit, struct weft_buffer *out)
{
    struct weft_wire_builder *b = weft_wire_begin(WEFT_WIRE_OUTER, WEFT_COMMIT_SIZE_MAX);
    return weft_wire_finish(b, weft_codec_put_commit(b, commit), NULL, 0, out);
}

enum weft_err weft_commit_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_commit *ret_commit, struct weft_msg *msg)
{
    struct weft_codec_in in = {
        .arena = arena, .msg = msg, .budget_bytes = WEFT_COMMIT_SIZE_MAX, .bad_value = WEFT_EINVAL};
    if (bytes.size > WEFT_COMMIT_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "commit is %zu bytes, at most %d", bytes.size, WEFT_COMMIT_SIZE_MAX);
    }
    bytes = weft_codec_aligned(&in, bytes);
    if (in.err != WEFT_OK) {
        return in.err;
    }
    const void *table = weft_wire_commit_request_open(bytes, NULL);
    if (table == NULL) {
        return weft_fail(msg, WEFT_EMALFORMED, "commit is not a CommitRequest table");
    }
    weft_codec_read_commit(&in, table, ret_commit);
    return in.err;
}
