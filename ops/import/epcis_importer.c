#include <stdlib.h>

#include "ops/import/epcis_document.h"
#include "proto/limits.h"

enum {
    AROUND_SIZE_MAX = 64 * 1024,        /* Arrays around documents. */
    FRAME_SIZE_MAX = 64 * 1024 * 1024,  /* All of a document but its events. */
    EVENTS_SIZE_MAX = 64 * 1024 * 1024, /* An event, or those that wait for their context. */
    RECORD_SIZE_MAX = 64 * 1024 * 1024, /* One record and what it is made with. */
};

struct epcis_importer {
    struct weft_importer base;
    struct weft_arena around, frame, events;
    struct weft_arena record; /* Of the last item. */
    struct weft_epcis_document document;
    struct weft_epcis_event event;
    char name[WEFT_SOURCE_SIZE_MAX + 1];
};

static enum weft_err create(const struct weft_import_options *options,
    struct weft_importer **ret_importer, struct weft_msg *msg)
{
    struct epcis_importer *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an importer");
    }
    e->around.size_max = AROUND_SIZE_MAX;
    e->frame.size_max = FRAME_SIZE_MAX;
    e->events.size_max = EVENTS_SIZE_MAX;
    e->record.size_max = RECORD_SIZE_MAX;
    /* A name that is too long for a source is left out of it. */
    if (options->name.size > 0 && options->name.size < sizeof(e->name)) {
        memcpy(e->name, options->name.data, options->name.size);
    }
    weft_epcis_document_init(&e->document, &e->around, &e->frame, &e->events, false);
    *ret_importer = &e->base;
    return WEFT_OK;
}

static void feed(struct weft_importer *importer, struct weft_bytes bytes, bool is_last)
{
    struct epcis_importer *e = (struct epcis_importer *)importer;
    weft_epcis_document_feed(
        &e->document, (struct weft_text){(const char *)bytes.data, bytes.size}, is_last);
}

static enum weft_err next(
    struct weft_importer *importer, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    struct epcis_importer *e = (struct epcis_importer *)importer;
    struct weft_epcis_place place;
    weft_arena_reset(&e->record);
    enum weft_err err = weft_epcis_document_next(&e->document, &place, msg);
    if (err != WEFT_OK) {
        importer->is_over = e->document.is_over;
        importer->notice =
            e->document.has_master_data ? "its vocabulary list is not imported" : NULL;
        return err;
    }
    err = weft_epcis_record(&place, weft_text_of(e->name), &e->record, &e->event, msg);
    *ret_item = (struct weft_import_item){.records = &e->event.record,
        .record_count = 1,
        .id = e->event.request_id,
        .once = WEFT_ONCE_BY_ASSET,
        .place = {.line = e->event.line, .column = e->event.column}};
    memcpy(ret_item->place.pointer, e->event.pointer, sizeof(ret_item->place.pointer));
    return err;
}

static void destroy(struct weft_importer *importer)
{
    struct epcis_importer *e = (struct epcis_importer *)importer;
    weft_epcis_document_close(&e->document);
    weft_arena_destroy(&e->around);
    weft_arena_destroy(&e->frame);
    weft_arena_destroy(&e->events);
    weft_arena_destroy(&e->record);
    free(e);
}

const struct weft_importer_type weft_epcis_importer = {
    .format = "epcis",
    .items = "events",
    .create = create,
    .feed = feed,
    .next = next,
    .destroy = destroy,
};
