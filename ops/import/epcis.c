#include "ops/import/epcis.h"

#include <stdio.h>

#include "ops/import/epcis_event.h"
#include "ops/import/epcis_identity.h"
#include "proto/limits.h"
#include "proto/record_json.h"

enum {
    PLACES_CAPACITY_FIRST = 64,
    DIGEST_BYTES_SHOWN = 16, /* Of the asset's name: 128 bits tell events apart. */
};

/* --- the document ---------------------------------------------------------------------------- */

/* Finding the events of a document. */
struct finder {
    struct weft_epcis *e;
    struct weft_arena *arena;
    struct weft_msg *msg;
    uint32_t capacity;
};

static enum weft_err add_place(
    struct finder *f, const struct weft_json *event, const struct weft_json *context)
{
    struct weft_epcis *e = f->e;
    if (e->count == f->capacity) {
        uint32_t capacity = f->capacity == 0 ? PLACES_CAPACITY_FIRST : f->capacity * 2;
        struct weft_epcis_place *places = weft_arena_array(f->arena, capacity, sizeof(*places));
        if (places == NULL) {
            return weft_json_fail(event, f->msg, WEFT_ENOMEM, "out of memory for events");
        }
        if (e->count > 0) {
            memcpy(places, e->places, e->count * sizeof(*places));
        }
        e->places = places;
        f->capacity = capacity;
    }
    e->places[e->count++] = (struct weft_epcis_place){event, context};
    return WEFT_OK;
}

/* A member that must be there and of that type. */
static enum weft_err required(struct finder *f, const struct weft_json *object, const char *name,
    enum weft_json_type type, const struct weft_json **ret_member)
{
    *ret_member = weft_json_get(object, name);
    if (*ret_member == NULL) {
        (void)weft_fail(f->msg, WEFT_EINVAL, "is missing");
        return weft_json_place(object, name, f->msg, WEFT_EINVAL);
    }
    return weft_json_expect(*ret_member, type, f->msg);
}

static enum weft_err refuse_unknown(
    struct finder *f, const struct weft_json *object, const char *const *known)
{
    for (const struct weft_json *v = object->first; v != NULL; v = v->next) {
        size_t i = 0;
        while (known[i] != NULL && !weft_text_is(v->key, known[i])) {
            i++;
        }
        if (known[i] == NULL && !weft_epcis_is_extension(v->key)) {
            return weft_json_fail(v, f->msg, WEFT_EINVAL, "unknown member of an EPCIS document");
        }
    }
    return WEFT_OK;
}

static enum weft_err find_in_list(
    struct finder *f, const struct weft_json *holder, const struct weft_json *context)
{
    static const char *const known[] = {"eventList", "vocabularyList", NULL};
    const struct weft_json *list = NULL;
    enum weft_err err = refuse_unknown(f, holder, known);
    if (weft_json_get(holder, "vocabularyList") != NULL) {
        f->e->has_master_data = true;
        if (weft_json_get(holder, "eventList") == NULL) {
            return err;
        }
    }
    if (err == WEFT_OK) {
        err = required(f, holder, "eventList", WEFT_JSON_ARRAY, &list);
    }
    if (err != WEFT_OK) {
        return err;
    }
    for (const struct weft_json *v = list->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = add_place(f, v, context);
    }
    return err;
}

/* An EPCISDocument or EPCISQueryDocument (EPCIS 2.0, 10). */
static enum weft_err find_in_document(
    struct finder *f, const struct weft_json *document, bool is_query)
{
    static const char *const known[] = {"@context", "id", "type", "schemaVersion", "creationDate",
        "instanceIdentifier", "sender", "receiver", "epcisHeader", "epcisBody", NULL};
    static const char *const known_results[] = {"queryName", "subscriptionID", "resultsBody", NULL};
    static const char *const known_body[] = {"queryResults", NULL};
    const struct weft_json *context = weft_json_get(document, "@context");
    const struct weft_json *body = NULL, *results = NULL, *holder = NULL;
    enum weft_err err = refuse_unknown(f, document, known);
    if (weft_json_get(document, "epcisHeader") != NULL) {
        f->e->has_master_data = true;
    }
    if (err == WEFT_OK) {
        err = required(f, document, "epcisBody", WEFT_JSON_OBJECT, &body);
    }
    if (err != WEFT_OK || !is_query) {
        return err == WEFT_OK ? find_in_list(f, body, context) : err;
    }
    err = refuse_unknown(f, body, known_body);
    if (err == WEFT_OK) {
        err = required(f, body, "queryResults", WEFT_JSON_OBJECT, &results);
    }
    if (err == WEFT_OK) {
        err = refuse_unknown(f, results, known_results);
    }
    if (err == WEFT_OK) {
        err = required(f, results, "resultsBody", WEFT_JSON_OBJECT, &holder);
    }
    return err == WEFT_OK ? find_in_list(f, holder, context) : err;
}

/* Nesting of arrays is bounded by the parser's depth. */
static enum weft_err find_events(struct finder *f, const struct weft_json *value)
{
    enum weft_err err = WEFT_OK;
    if (value->type == WEFT_JSON_ARRAY) {
        for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
            err = find_events(f, v);
        }
        return err;
    }
    err = weft_json_expect(value, WEFT_JSON_OBJECT, f->msg);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *type = weft_json_get(value, "type");
    if (type == NULL && weft_json_get(value, "eventList") != NULL) {
        return find_in_list(f, value, NULL);
    }
    err = required(f, value, "type", WEFT_JSON_STRING, &type);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_text_is(type->text, "EPCISDocument")) {
        return find_in_document(f, value, false);
    }
    if (weft_text_is(type->text, "EPCISQueryDocument")) {
        return find_in_document(f, value, true);
    }
    return add_place(f, value, NULL);
}

enum weft_err weft_epcis_open(struct weft_epcis *e, struct weft_text text, struct weft_text name,
    struct weft_arena *arena, struct weft_msg *msg)
{
    struct weft_json *root;
    struct weft_epcis opened = {.count = 0};
    /* One of GS1's own examples names an event twice (README.md). */
    enum weft_err err = weft_json_parse_foreign(text, 1, "eventID", arena, &root, msg);
    if (err != WEFT_OK) {
        return err;
    }
    opened.name = weft_arena_text(arena, name);
    if (opened.name.data == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "line 1, column 1 (): out of memory");
    }
    struct finder f = {&opened, arena, msg, 0};
    err = find_events(&f, root);
    if (err == WEFT_OK) {
        *e = opened;
    }
    return err;
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

static enum weft_err finish_record(struct weft_epcis_mapping *m, const struct weft_epcis *e,
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
    event->record.source = weft_import_source(m->arena, "epcis", e->name, event->pointer);
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

enum weft_err weft_epcis_next(struct weft_epcis *e, struct weft_arena *arena,
    struct weft_epcis_event *ret_event, struct weft_msg *msg)
{
    if (e->next == e->count) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no more events");
    }
    const struct weft_epcis_place *place = &e->places[e->next++];
    struct weft_epcis_event event = {.line = place->event->line, .column = place->event->column};
    weft_json_pointer(place->event, event.pointer, sizeof(event.pointer));
    struct weft_epcis_mapping m = {.arena = arena, .msg = msg, .event = place->event};
    enum weft_err err = weft_epcis_map(&m);
    if (err == WEFT_OK) {
        err = finish_record(&m, e, place, &event);
    }
    if (err != WEFT_OK) {
        event.record = (struct weft_record){.has_at = false};
    }
    *ret_event = event;
    return err;
}
