#include <stdlib.h>

#include "ops/import/epcis.h"

enum {
    DOCUMENT_SIZE_MAX = 256 * 1024 * 1024,
    TREE_SIZE_MAX = 1024 * 1024 * 1024,
    EVENT_SIZE_MAX = 64 * 1024 * 1024,
};

struct epcis_importer {
    struct weft_importer base;
    struct weft_buffer text;
    struct weft_arena document_arena, event_arena;
    struct weft_text name;
    struct weft_epcis document;
    struct weft_epcis_event event;
    enum weft_err feed_err;
    bool is_whole, is_open;
};

static enum weft_err create(const struct weft_import_options *options,
    struct weft_importer **ret_importer, struct weft_msg *msg)
{
    struct epcis_importer *e = calloc(1, sizeof(*e));
    if (e == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an importer");
    }
    e->text.size_max = DOCUMENT_SIZE_MAX;
    e->document_arena.size_max = TREE_SIZE_MAX;
    e->event_arena.size_max = EVENT_SIZE_MAX;
    e->name = weft_arena_text(&e->document_arena, options->name);
    *ret_importer = &e->base;
    return WEFT_OK;
}

static void feed(struct weft_importer *importer, struct weft_bytes bytes, bool is_last)
{
    struct epcis_importer *e = (struct epcis_importer *)importer;
    enum weft_err err = weft_buffer_append(&e->text, bytes.data, bytes.size);
    e->feed_err = e->feed_err != WEFT_OK ? e->feed_err : err;
    e->is_whole = is_last;
}

static enum weft_err next(
    struct weft_importer *importer, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    struct epcis_importer *e = (struct epcis_importer *)importer;
    enum weft_err err = e->feed_err;
    if (err != WEFT_OK) {
        importer->is_over = true;
        return weft_fail(msg, err, "line 1, column 1 (): too large");
    }
    if (!e->is_whole) {
        return WEFT_ENOTFOUND;
    }
    if (!e->is_open) {
        struct weft_text text = {(const char *)e->text.data, e->text.size};
        err = weft_epcis_open(&e->document, text, e->name, &e->document_arena, msg);
        if (err != WEFT_OK) {
            importer->is_over = true;
            return err;
        }
        e->is_open = true;
    }
    weft_arena_reset(&e->event_arena);
    err = weft_epcis_next(&e->document, &e->event_arena, &e->event, msg);
    if (err == WEFT_ENOTFOUND) {
        importer->is_over = true;
        importer->notice =
            e->document.has_master_data ? "its vocabulary list is not imported" : NULL;
        return err;
    }
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
    weft_arena_destroy(&e->document_arena);
    weft_arena_destroy(&e->event_arena);
    weft_buffer_destroy(&e->text);
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
