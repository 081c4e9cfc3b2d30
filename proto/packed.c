#include "proto/packed.h"

#include "proto/check.h"
#include "proto/octets.h"
#include "proto/stored.h"

/* A place in the log, and its time. */
static uint8_t *put_place(uint8_t *p, uint64_t index, uint32_t ordinal, int64_t time_ns)
{
    p = weft_put_varint(p, index);
    p = weft_put_varint(p, ordinal);
    return weft_octets_put_le64(p, (uint64_t)time_ns);
}

static uint32_t get_uint32(struct weft_octets *r)
{
    uint64_t v = weft_octets_varint(r);
    r->is_bad = r->is_bad || v > UINT32_MAX;
    return (uint32_t)v;
}

static void get_place(
    struct weft_octets *r, uint64_t *ret_index, uint32_t *ret_ordinal, int64_t *ret_time_ns)
{
    *ret_index = weft_octets_varint(r);
    *ret_ordinal = get_uint32(r);
    *ret_time_ns = (int64_t)weft_octets_le64(r);
}

/* --- records --------------------------------------------------------------------------------- */

enum {
    RECORD_HEAD_SIZE_MAX = 3 * WEFT_VARINT_SIZE_MAX + 8,
};

enum weft_err weft_packed_add_record(
    struct weft_buffer *out, const struct weft_packed_record *record)
{
    enum weft_err rv = weft_buffer_reserve(out, RECORD_HEAD_SIZE_MAX + record->stored.size);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint8_t *p = put_place(out->data + out->size, record->index, record->ordinal, record->time_ns);
    p = weft_put_varint(p, record->stored.size);
    memcpy(p, record->stored.data, record->stored.size);
    out->size = (size_t)(p - out->data) + record->stored.size;
    return WEFT_OK;
}

enum weft_err weft_packed_add_stored(
    struct weft_buffer *out, const struct weft_stored_record *stored)
{
    struct weft_buffer bytes = {.size_max = WEFT_COMMIT_SIZE_MAX};
    enum weft_err rv = weft_stored_encode(&stored->record, &stored->digest, &bytes);
    if (rv == WEFT_OK) {
        const struct weft_packed_record record = {
            stored->index, stored->ordinal, stored->time_ns, {bytes.data, bytes.size}};
        rv = weft_packed_add_record(out, &record);
    }
    weft_buffer_destroy(&bytes);
    return rv;
}

/* False: it is not there as it should be. */
static bool get_record(struct weft_octets *r, struct weft_packed_record *ret_record)
{
    get_place(r, &ret_record->index, &ret_record->ordinal, &ret_record->time_ns);
    uint64_t size = weft_octets_varint(r);
    ret_record->stored = (struct weft_bytes){weft_octets_bytes(r, size), (size_t)size};
    return !r->is_bad;
}

enum weft_err weft_packed_check_records(const struct weft_packed *records)
{
    struct weft_octets r = weft_octets_of(records->bytes);
    struct weft_packed_record record;
    for (uint32_t i = 0; i < records->count; i++) {
        if (!get_record(&r, &record)) {
            return WEFT_EMALFORMED;
        }
        if (record.stored.size > WEFT_COMMIT_SIZE_MAX) {
            return WEFT_ETOOBIG;
        }
    }
    return r.p == r.end ? WEFT_OK : WEFT_EMALFORMED;
}

bool weft_packed_next_record(struct weft_bytes *rest, struct weft_packed_record *ret_record)
{
    struct weft_octets r = weft_octets_of(*rest);
    if (rest->size == 0 || !get_record(&r, ret_record)) {
        return false;
    }
    *rest = (struct weft_bytes){r.p, (size_t)(r.end - r.p)};
    return true;
}

enum weft_err weft_packed_open_record(const struct weft_packed_record *record,
    struct weft_arena *arena, struct weft_stored_record *ret_stored)
{
    struct weft_stored_record stored = {
        .index = record->index, .ordinal = record->ordinal, .time_ns = record->time_ns};
    enum weft_err rv = weft_stored_decode(record->stored, arena, &stored.digest, &stored.record);
    if (rv == WEFT_OK) {
        rv = weft_stored_check(&stored.record);
    }
    if (rv == WEFT_OK) {
        *ret_stored = stored;
    }
    return rv == WEFT_ECORRUPT ? WEFT_EMALFORMED : rv; /* It did not come from our disk. */
}

enum weft_err weft_packed_open_page(struct weft_page *page, struct weft_arena *arena)
{
    struct weft_bytes rest = page->packed.bytes;
    struct weft_packed_record packed;
    uint32_t count = 0;
    if (page->packed.count == 0) {
        return WEFT_OK;
    }
    struct weft_stored_record *records =
        weft_arena_array(arena, page->packed.count, sizeof(*records));
    if (records == NULL) {
        return WEFT_ENOMEM;
    }
    while (count < page->packed.count && weft_packed_next_record(&rest, &packed)) {
        enum weft_err rv = weft_packed_open_record(&packed, arena, &records[count++]);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    page->records = records;
    page->record_count = count;
    page->packed = (struct weft_packed){.count = 0};
    return WEFT_OK;
}

/* --- steps ----------------------------------------------------------------------------------- */

/* The low bits of a step's first number; its flags are above. */
enum {
    HAS_EVIDENCE = 1,
    IS_AS_BEFORE = 2, /* Its rel and kind are those of the step before. */
    HAS_LOCATION = 4,
    FLAGS_SHIFT = 3,
};

static bool has_evidence(const struct weft_trace_step *s)
{
    return s->rel.size + s->kind.size + s->quantity.size + s->unit.size > 0 || s->index != 0 ||
           s->ordinal != 0 || s->at_ns != 0;
}

static bool has_location(const struct weft_trace_step *s)
{
    return s->location.size + s->location_rel.size > 0 || s->location_index != 0 ||
           s->location_ordinal != 0 || s->location_at_ns != 0;
}

static bool is_within_limits(const struct weft_trace_step *s)
{
    return s->asset.size <= WEFT_ASSET_SIZE_MAX && s->rel.size <= WEFT_REL_SIZE_MAX &&
           s->kind.size <= WEFT_KIND_SIZE_MAX && s->quantity.size <= WEFT_PATH_SIZE_MAX &&
           s->unit.size <= WEFT_PATH_SIZE_MAX && s->location.size <= WEFT_ASSET_SIZE_MAX &&
           s->location_rel.size <= WEFT_REL_SIZE_MAX;
}

enum weft_err weft_packed_add_step(
    struct weft_buffer *out, struct weft_packed_steps *steps, const struct weft_trace_step *s)
{
    size_t bound = s->asset.size + s->rel.size + s->kind.size + s->quantity.size + s->unit.size +
                   s->location.size + s->location_rel.size + 14 * (size_t)WEFT_VARINT_SIZE_MAX + 16;
    enum weft_err rv = is_within_limits(s) ? weft_buffer_reserve(out, bound) : WEFT_ETOOBIG;
    if (rv != WEFT_OK) {
        return rv;
    }
    bool is_as_before = has_evidence(s) && steps->kind.size > 0 &&
                        weft_text_equal(s->kind, steps->kind) &&
                        weft_text_equal(s->rel, steps->rel);
    uint64_t head = (uint64_t)s->flags << FLAGS_SHIFT | (has_evidence(s) ? HAS_EVIDENCE : 0) |
                    (is_as_before ? IS_AS_BEFORE : 0) | (has_location(s) ? HAS_LOCATION : 0);
    uint8_t *p = weft_put_varint(out->data + out->size, head);
    p = weft_put_varint(p, steps->number - s->from_step);
    p = weft_put_varint(p, s->depth);
    p = weft_octets_put_text(p, s->asset);
    if (has_evidence(s)) {
        if (!is_as_before) {
            p = weft_octets_put_text(p, s->rel);
            p = weft_octets_put_text(p, s->kind);
            steps->rel = s->rel;
            steps->kind = s->kind;
        }
        p = put_place(p, s->index, s->ordinal, s->at_ns);
        p = weft_octets_put_text(p, s->quantity);
        p = weft_octets_put_text(p, s->unit);
    }
    if (has_location(s)) {
        p = weft_octets_put_text(p, s->location);
        p = weft_octets_put_text(p, s->location_rel);
        p = put_place(p, s->location_index, s->location_ordinal, s->location_at_ns);
    }
    weft_assert((size_t)(p - (out->data + out->size)) <= bound); /* PRO-12 */
    out->size = (size_t)(p - out->data);
    steps->number++;
    return WEFT_OK;
}

static bool get_step(
    struct weft_octets *r, struct weft_packed_steps *steps, struct weft_trace_step *ret_step)
{
    uint64_t head = weft_octets_varint(r);
    r->is_bad = r->is_bad || head >> FLAGS_SHIFT > UINT32_MAX;
    *ret_step = (struct weft_trace_step){.flags = (uint32_t)(head >> FLAGS_SHIFT)};
    ret_step->from_step = steps->number - get_uint32(r);
    ret_step->depth = get_uint32(r);
    ret_step->asset = weft_octets_text(r);
    if ((head & HAS_EVIDENCE) != 0) {
        if ((head & IS_AS_BEFORE) == 0) {
            steps->rel = weft_octets_text(r);
            steps->kind = weft_octets_text(r);
        }
        ret_step->rel = steps->rel;
        ret_step->kind = steps->kind;
        get_place(r, &ret_step->index, &ret_step->ordinal, &ret_step->at_ns);
        ret_step->quantity = weft_octets_text(r);
        ret_step->unit = weft_octets_text(r);
    }
    if ((head & HAS_LOCATION) != 0) {
        ret_step->location = weft_octets_text(r);
        ret_step->location_rel = weft_octets_text(r);
        get_place(
            r, &ret_step->location_index, &ret_step->location_ordinal, &ret_step->location_at_ns);
    }
    steps->number++;
    return !r->is_bad;
}

static bool has_texts(const struct weft_trace_step *s, bool is_as_before)
{
    return weft_text_is_utf8(s->asset) && weft_text_is_utf8(s->quantity) &&
           weft_text_is_utf8(s->unit) &&
           (is_as_before || (weft_text_is_utf8(s->rel) && weft_text_is_utf8(s->kind))) &&
           weft_text_is_utf8(s->location) && weft_text_is_utf8(s->location_rel);
}

enum weft_err weft_packed_check_steps(const struct weft_packed *packed)
{
    struct weft_octets r = weft_octets_of(packed->bytes);
    struct weft_packed_steps steps = {.number = 0};
    struct weft_trace_step step;
    for (uint32_t i = 0; i < packed->count; i++) {
        const char *rel = steps.rel.data;
        if (!get_step(&r, &steps, &step)) {
            return WEFT_EMALFORMED;
        }
        if (!is_within_limits(&step)) {
            return WEFT_ETOOBIG;
        }
        if (!has_texts(&step, rel != NULL && step.rel.data == rel)) {
            return WEFT_EMALFORMED;
        }
    }
    return r.p == r.end ? WEFT_OK : WEFT_EMALFORMED;
}

struct weft_packed_steps weft_packed_read_steps(const struct weft_trace_result *trace)
{
    return (struct weft_packed_steps){.rest = trace->steps.bytes, .number = trace->first_step};
}

bool weft_packed_next_step(struct weft_packed_steps *steps, struct weft_trace_step *ret_step)
{
    struct weft_octets r = weft_octets_of(steps->rest);
    if (steps->rest.size == 0 || !get_step(&r, steps, ret_step)) {
        return false;
    }
    steps->rest = (struct weft_bytes){r.p, (size_t)(r.end - r.p)};
    return true;
}
