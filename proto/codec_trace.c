#include "proto/codec_query.h"
#include "proto/packed.h"

/* What traces and recalls answer, documents, and what is packed. */

/* --- traces ---------------------------------------------------------------------------------- */

struct weft_packed weft_codec_packed(struct weft_codec_in *in, struct weft_bytes bytes,
    uint32_t count, uint32_t count_max, enum weft_err (*check)(const struct weft_packed *),
    const char *name)
{
    struct weft_packed packed = {weft_codec_bytes(in, bytes, WEFT_ANSWER_SIZE_MAX, name), count};
    if (count > count_max) {
        weft_codec_fail(in, WEFT_ETOOBIG, name, "%u, at most %u", count, count_max);
    }
    enum weft_err err = in->err == WEFT_OK ? check(&packed) : WEFT_OK;
    if (err != WEFT_OK) {
        weft_codec_fail(in, err, name, "not %u of them, each within its limits", count);
    }
    return packed;
}

void weft_codec_read_trace(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_trace_result t;
    weft_wire_trace_result_read(table, &t);
    m->trace = (struct weft_trace_result){
        .index = t.index,
        .cursor = weft_codec_bytes(in, t.cursor, WEFT_CURSOR_SIZE_MAX, "cursor"),
        .first_step = t.first_step,
        .steps_total = t.steps_total,
        .answers_total = t.answers_total,
        .depth_reached = t.depth_reached,
        .has_cycles = t.has_cycles,
        .steps = weft_codec_packed(
            in, t.steps, t.step_count, WEFT_TRACE_STEPS_MAX, weft_packed_check_steps, "steps"),
        .records = weft_codec_packed(in, t.records, t.record_count, WEFT_TRACE_STEPS_MAX,
            weft_packed_check_records, "records"),
        .assets = weft_codec_text(in, t.assets, WEFT_ANSWER_SIZE_MAX, "assets"),
    };
}

struct weft_wire_ref weft_codec_put_trace(
    struct weft_wire_builder *b, const struct weft_trace_result *t)
{
    const struct weft_wire_trace_result_refs refs = {
        .steps = weft_codec_put_bytes(b, t->steps.bytes, WEFT_ANSWER_SIZE_MAX),
        .step_count = weft_codec_put_count(b, t->steps.count, WEFT_TRACE_STEPS_MAX),
        .records = weft_codec_put_bytes(b, t->records.bytes, WEFT_ANSWER_SIZE_MAX),
        .record_count = weft_codec_put_count(b, t->records.count, WEFT_TRACE_STEPS_MAX),
        .assets = weft_codec_put_text(b, t->assets, WEFT_ANSWER_SIZE_MAX),
        .cursor = weft_codec_put_bytes(b, t->cursor, WEFT_CURSOR_SIZE_MAX),
        .index = t->index,
        .first_step = t->first_step,
        .steps_total = t->steps_total,
        .answers_total = t->answers_total,
        .depth_reached = t->depth_reached,
        .has_cycles = t->has_cycles,
    };
    return weft_wire_trace_result_write(b, &refs);
}

/* --- documents ------------------------------------------------------------------------------- */

void weft_codec_read_document(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_document d;
    weft_wire_document_read(table, &d);
    struct weft_field *fields =
        weft_codec_array(in, d.content, WEFT_DOCUMENT_FIELDS_MAX, sizeof(*fields), "content");
    for (uint32_t i = 0; i < d.content.count && in->err == WEFT_OK; i++) {
        struct weft_wire_field f;
        weft_wire_field_read(weft_wire_at(d.content, i), &f);
        fields[i] = (struct weft_field){
            .path = weft_codec_text(in, f.path, WEFT_DOCUMENT_PATH_SIZE_MAX, "path"),
            .value = weft_codec_text(in, f.value, WEFT_VALUE_SIZE_MAX, "value"),
            .type = (enum weft_value_type)weft_codec_enum(
                in, f.value_type, WEFT_VALUE_NULL, WEFT_VALUE_REDACTED, "value_type"),
        };
    }
    m->document = (struct weft_document){
        .index = d.index,
        .asset_rev = d.asset_rev,
        .fields = fields,
        .field_count = d.content.count,
    };
}

struct weft_wire_ref weft_codec_put_document(
    struct weft_wire_builder *b, const struct weft_document *document)
{
    uint32_t count = weft_codec_put_count(b, document->field_count, WEFT_DOCUMENT_FIELDS_MAX);
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_field *field = &document->fields[i];
        const struct weft_wire_field_refs f = {
            .path = weft_codec_put_text(b, field->path, WEFT_DOCUMENT_PATH_SIZE_MAX),
            .value = weft_codec_put_text(b, field->value, WEFT_VALUE_SIZE_MAX),
            .value_type = (uint8_t)field->type,
        };
        weft_wire_push(b, weft_wire_field_write(b, &f));
    }
    const struct weft_wire_document_refs refs = {
        .content = weft_wire_take(b, mark),
        .index = document->index,
        .asset_rev = document->asset_rev,
    };
    return weft_wire_document_write(b, &refs);
}
