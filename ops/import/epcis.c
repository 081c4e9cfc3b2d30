#include "ops/import/epcis.h"

#include <stdio.h>

#include "ops/import/epcis_document.h"
#include "ops/import/epcis_event.h"
#include "ops/import/epcis_identity.h"
#include "proto/limits.h"
#include "proto/record_json.h"

enum {
    PLACES_CAPACITY_FIRST = 64,
    DIGEST_BYTES_SHOWN = 16, /* Of the asset's name: 128 bits tell events apart. */
};

/* --- the document ---------------------------------------------------------------------------- */

static enum weft_err add_place(struct weft_epcis *e, struct weft_arena *arena, uint32_t *capacity,
    const struct weft_epcis_place *place, struct weft_msg *msg)
{
    if (e->count == *capacity) {
        uint32_t more = *capacity == 0 ? PLACES_CAPACITY_FIRST : *capacity * 2;
        struct weft_epcis_place *places = weft_arena_array(arena, more, sizeof(*places));
        if (places == NULL) {
            return weft_json_fail(place->event, msg, WEFT_ENOMEM, "out of memory for events");
        }
        if (e->count > 0) {
            memcpy(places, e->places, e->count * sizeof(*places));
        }
        e->places = places;
        *capacity = more;
    }
    e->places[e->count++] = *place;
    return WEFT_OK;
}

enum weft_err weft_epcis_open(struct weft_epcis *e, struct weft_text text, struct weft_text name,
    struct weft_arena *arena, struct weft_msg *msg)
{
    struct weft_epcis_document document;
    struct weft_epcis_place place;
    struct weft_epcis opened = {.count = 0};
    uint32_t capacity = 0;
    enum weft_err err = WEFT_OK;
    weft_epcis_document_init(&document, arena, arena, arena, true);
    weft_epcis_document_feed(&document, text, true);
    while (err == WEFT_OK) {
        err = weft_epcis_document_next(&document, &place, msg);
        if (err == WEFT_OK) {
            err = add_place(&opened, arena, &capacity, &place, msg);
        }
    }
    opened.has_master_data = document.has_master_data;
    weft_epcis_document_close(&document);
    if (err != WEFT_ENOTFOUND) {
        return err;
    }
    opened.name = weft_arena_text(arena, name);
    if (opened.name.data == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "line 1, column 1 (): out of memory");
    }
    *e = opened;
    return WEFT_OK;
}

/* --- one event ------------------------------------------------------------------------------- */

/* "<eventID>#<32 hex digits>", or "epcis:event#<...>" without an eventID. */
static enum weft_err name_asset(const struct weft_epcis_mapping *m,
    const struct weft_digest *digest, struct weft_text *ret_asset)
{
    static const char digits[] = "0123456789abcdef";
    struct weft_text base = m->event_id.size > 0 ? m->event_id : WEFT_TEXT("epcis:event");
    size_t size = base.size + 1 + 2 * DIGEST_BYTES_SHOWN;
    if (size > WEFT_ASSET_SIZE_MAX) {
        return weft_json_fail(weft_json_get(m->event, "eventID"), m->msg, WEFT_ETOOBIG,
            "is %zu bytes, at most %d", base.size,
            WEFT_ASSET_SIZE_MAX - 1 - 2 * DIGEST_BYTES_SHOWN);
    }
    char *name = weft_arena_alloc(m->arena, size + 1);
    if (name == NULL) {
        return weft_json_fail(m->event, m->msg, WEFT_ENOMEM, "out of memory");
    }
    memcpy(name, base.data, base.size);
    char *p = name + base.size;
    *p++ = '#';
    for (size_t i = 0; i < DIGEST_BYTES_SHOWN; i++) {
        *p++ = digits[digest->bytes[i] >> 4];
        *p++ = digits[digest->bytes[i] & 15];
    }
    *ret_asset = (struct weft_text){name, size};
    return WEFT_OK;
}

/* The namespaces of the extensions that were kept: "context/<prefix>". */
static enum weft_err keep_prefixes(
    struct weft_epcis_mapping *m, const struct weft_epcis_prefixes *prefixes)
{
    for (uint32_t i = 0; i < prefixes->count; i++) {
        struct weft_field field = {.value = prefixes->list[i].iri, .type = WEFT_VALUE_TEXT};
        enum weft_err err =
            weft_path_add(m->arena, WEFT_TEXT("context"), prefixes->list[i].name, &field.path);
        if (err == WEFT_OK) {
            err = weft_field_add(m->arena, &m->fields, &m->field_count, field);
        }
        if (err != WEFT_OK) {
            return weft_json_fail(m->event, m->msg, err, "too many fields or too long a prefix");
        }
    }
    return WEFT_OK;
}

/* Name the event's member that is behind "/attrs/..." or "/links/N/..." of the record. */
static enum weft_err place_in_event(
    const struct weft_epcis_mapping *m, const char *pointer, enum weft_err err)
{
    static const char attrs[] = "/attrs", links[] = "/links/";
    const struct weft_json *at = m->event;
    unsigned number;
    if (strncmp(pointer, attrs, sizeof(attrs) - 1) == 0) {
        at = weft_json_at(m->event, pointer + sizeof(attrs) - 1);
    } else if (strncmp(pointer, links, sizeof(links) - 1) == 0 &&
               sscanf(pointer + sizeof(links) - 1, "%u", &number) == 1 && number < m->link_count) {
        at = m->link_sources[number];
    }
    return weft_json_place(at, NULL, m->msg, err);
}

static enum weft_err finish_record(struct weft_epcis_mapping *m, struct weft_text name,
    const struct weft_epcis_place *place, struct weft_epcis_event *event)
{
    struct weft_epcis_prefixes prefixes;
    struct weft_digest digest;
    char pointer[256];
    enum weft_err err = weft_epcis_find_prefixes(place, &prefixes, m->msg);
    if (err == WEFT_OK) {
        err = keep_prefixes(m, &prefixes);
    }
    if (err == WEFT_OK) {
        err = weft_epcis_digest(place, &prefixes, m->arena, &digest, m->msg);
    }
    if (err == WEFT_OK) {
        err = name_asset(m, &digest, &event->record.asset);
    }
    if (err != WEFT_OK) {
        return err;
    }
    event->record.kind = weft_text_of(m->kind);
    event->record.source = weft_import_source(m->arena, "epcis", name, event->pointer);
    event->record.at_ns = m->at_ns;
    event->record.has_at = true;
    event->record.has_expect = true;
    event->record.expect_rev = 0;
    event->record.fields = m->fields;
    event->record.field_count = m->field_count;
    event->record.links = m->links;
    event->record.link_count = m->link_count;
    /* The half of the digest that the asset's name does not show. */
    memcpy(event->request_id.bytes, digest.bytes + DIGEST_BYTES_SHOWN,
        sizeof(event->request_id.bytes));
    err = weft_record_check(&event->record, pointer, m->msg);
    return err == WEFT_OK ? WEFT_OK : place_in_event(m, pointer, err);
}

enum weft_err weft_epcis_record(const struct weft_epcis_place *place, struct weft_text name,
    struct weft_arena *arena, struct weft_epcis_event *ret_event, struct weft_msg *msg)
{
    struct weft_epcis_event event = {.line = place->event->line, .column = place->event->column};
    weft_json_pointer(place->event, event.pointer, sizeof(event.pointer));
    struct weft_epcis_mapping m = {.arena = arena, .msg = msg, .event = place->event};
    enum weft_err err = weft_epcis_map(&m);
    if (err == WEFT_OK) {
        err = finish_record(&m, name, place, &event);
    }
    if (err != WEFT_OK) {
        event.record = (struct weft_record){.has_at = false};
    }
    *ret_event = event;
    return err;
}

enum weft_err weft_epcis_next(struct weft_epcis *e, struct weft_arena *arena,
    struct weft_epcis_event *ret_event, struct weft_msg *msg)
{
    if (e->next == e->count) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no more events");
    }
    return weft_epcis_record(&e->places[e->next++], e->name, arena, ret_event, msg);
}
