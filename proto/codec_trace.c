#include "proto/codec_query.h"

/* What traces and recalls answer, and documents. */

/* --- traces ---------------------------------------------------------------------------------- */

static void read_step(struct weft_codec_in *in, const void *table, struct weft_trace_step *ret_step)
{
    struct weft_wire_trace_step s;
    weft_wire_trace_step_read(table, &s);
    *ret_step = (struct weft_trace_step){
        .asset = weft_codec_text(in, s.asset, WEFT_ASSET_SIZE_MAX, "asset"),
        .from_step = s.from_step,
        .depth = s.depth,
        .flags = s.flags,
        .rel = weft_codec_text(in, s.rel, WEFT_REL_SIZE_MAX, "rel"),
        .quantity = weft_codec_text(in, s.quantity, WEFT_PATH_SIZE_MAX, "quantity"),
        .unit = weft_codec_text(in, s.unit, WEFT_PATH_SIZE_MAX, "unit"),
        .kind = weft_codec_text(in, s.kind, WEFT_KIND_SIZE_MAX, "kind"),
        .index = s.index,
        .ordinal = s.ordinal,
        .at_ns = s.at_ns,
        .location = weft_codec_text(in, s.location, WEFT_ASSET_SIZE_MAX, "location"),
        .location_rel = weft_codec_text(in, s.location_rel, WEFT_REL_SIZE_MAX, "location_rel"),
        .location_index = s.location_index,
        .location_ordinal = s.location_ordinal,
        .location_at_ns = s.location_at_ns,
    };
}

void weft_codec_read_trace(
    struct weft_codec_in *in, const void *table, struct weft_client_message *m)
{
    struct weft_wire_trace_result t;
    weft_wire_trace_result_read(table, &t);
    struct weft_trace_step *steps =
        weft_codec_array(in, t.steps, WEFT_TRACE_STEPS_MAX, sizeof(*steps), "steps");
    for (uint32_t i = 0; i < t.steps.count && in->err == WEFT_OK; i++) {
        read_step(in, weft_wire_at(t.steps, i), &steps[i]);
    }
    struct weft_stored_record *records =
        weft_codec_array(in, t.records, WEFT_TRACE_STEPS_MAX, sizeof(*records), "records");
    for (uint32_t i = 0; i < t.records.count && in->err == WEFT_OK; i++) {
        weft_codec_read_stored(in, weft_wire_at(t.records, i), &records[i]);
        if (in->err != WEFT_OK) {
            (void)weft_wrap(in->msg, in->err, "record %u", i);
        }
    }
    m->trace = (struct weft_trace_result){
        .index = t.index,
        .cursor = weft_codec_bytes(in, t.cursor, WEFT_CURSOR_SIZE_MAX, "cursor"),
        .first_step = t.first_step,
        .steps_total = t.steps_total,
        .answers_total = t.answers_total,
        .depth_reached = t.depth_reached,
        .has_cycles = t.has_cycles,
        .steps = steps,
        .step_count = t.steps.count,
        .records = records,
        .record_count = t.records.count,
        .assets = weft_codec_text(in, t.assets, WEFT_ANSWER_SIZE_MAX, "assets"),
    };
}

static struct weft_wire_ref put_step(struct weft_wire_builder *b, const struct weft_trace_step *s)
{
    const struct weft_wire_trace_step_refs refs = {
        .asset = weft_codec_put_text(b, s->asset, WEFT_ASSET_SIZE_MAX),
        .from_step = s->from_step,
        .depth = s->depth,
        .flags = s->flags,
        .rel = weft_codec_put_text(b, s->rel, WEFT_REL_SIZE_MAX),
        .quantity = weft_codec_put_text(b, s->quantity, WEFT_PATH_SIZE_MAX),
        .unit = weft_codec_put_text(b, s->unit, WEFT_PATH_SIZE_MAX),
        .kind = weft_codec_put_text(b, s->kind, WEFT_KIND_SIZE_MAX),
        .index = s->index,
        .ordinal = s->ordinal,
        .at_ns = s->at_ns,
        .location = weft_codec_put_text(b, s->location, WEFT_ASSET_SIZE_MAX),
        .location_rel = weft_codec_put_text(b, s->location_rel, WEFT_REL_SIZE_MAX),
        .location_index = s->location_index,
        .location_ordinal = s->location_ordinal,
        .location_at_ns = s->location_at_ns,
    };
    return weft_wire_trace_step_write(b, &refs);
}

struct weft_wire_ref weft_codec_put_trace(
    struct weft_wire_builder *b, const struct weft_trace_result *t)
{
    uint32_t count = weft_codec_put_count(b, t->step_count, WEFT_TRACE_STEPS_MAX);
    size_t mark = weft_wire_mark(b);
    for (uint32_t i = 0; i < count; i++) {
        weft_wire_push(b, put_step(b, &t->steps[i]));
    }
    const struct weft_wire_trace_result_refs refs = {
        .steps = weft_wire_take(b, mark),
        .records = weft_codec_put_stored(b, t->records, t->record_count, WEFT_TRACE_STEPS_MAX),
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
                in, f.value_type, WEFT_VALUE_NULL, WEFT_VALUE_TYPES - 1, "value_type"),
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
