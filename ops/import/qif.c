#include "ops/import/qif.h"

#include <stdio.h>
#include <stdlib.h>

#include "ops/import/fieldset.h"
#include "ops/import/map.h"
#include "ops/import/qif_document.h"
#include "ops/import/qif_record.h"
#include "proto/limits.h"

enum {
    RECORDS_SIZE_MAX = 256 * 1024 * 1024, /* Of one result. */
};

struct qif_importer {
    struct weft_importer base;
    struct weft_map map;
    struct weft_arena name_arena, arena;
    struct weft_text name;
    struct weft_qif_document document;
    struct weft_xml *xml;
    struct weft_record *records; /* Of the result at hand. */
    uint32_t record_count, record_next;
};

static void destroy(struct weft_importer *importer)
{
    struct qif_importer *q = (struct qif_importer *)importer;
    weft_xml_destroy(q->xml);
    weft_qif_document_destroy(&q->document);
    weft_map_destroy(&q->map);
    weft_arena_destroy(&q->name_arena);
    weft_arena_destroy(&q->arena);
    free(q);
}

static enum weft_err open_xml(struct qif_importer *q, struct weft_msg *msg)
{
    const struct weft_xml_handler handler = weft_qif_document_handler(&q->document);
    weft_xml_destroy(q->xml);
    q->xml = NULL;
    enum weft_err err = weft_xml_create(&handler, &q->xml, msg);
    q->document.xml = q->xml;
    return err;
}

static enum weft_err create(const struct weft_import_options *options,
    struct weft_importer **ret_importer, struct weft_msg *msg)
{
    struct qif_importer *q = calloc(1, sizeof(*q));
    if (q == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an importer");
    }
    q->name_arena.size_max = 4096 + WEFT_SOURCE_SIZE_MAX;
    q->arena.size_max = RECORDS_SIZE_MAX;
    weft_qif_document_init(&q->document);
    if (options->name.size <= WEFT_SOURCE_SIZE_MAX) {
        q->name = weft_arena_text(&q->name_arena, options->name);
    }
    enum weft_err err = weft_map_read(options->option, &q->map, msg);
    err = err == WEFT_OK ? open_xml(q, msg) : err;
    if (err != WEFT_OK) {
        destroy(&q->base);
        return err;
    }
    *ret_importer = &q->base;
    return WEFT_OK;
}

static void feed(struct weft_importer *importer, struct weft_bytes bytes, bool is_last)
{
    struct qif_importer *q = (struct qif_importer *)importer;
    weft_xml_feed(q->xml, bytes, is_last);
}

/* The first reading has come to its end. */
static enum weft_err end_first(struct qif_importer *q, struct weft_msg *msg)
{
    if (q->document.result_count == 0) {
        q->base.is_over = true;
        return weft_fail(
            msg, WEFT_EINVAL, "line 1, column 1 (/QIFDocument): has no MeasurementResults");
    }
    weft_qif_document_again(&q->document);
    enum weft_err err = open_xml(q, msg);
    q->base.is_over = err != WEFT_OK;
    q->base.wants_again = err == WEFT_OK;
    return err == WEFT_OK ? WEFT_ENOTFOUND : err;
}

static enum weft_err end_of_bytes(struct qif_importer *q, struct weft_msg *msg)
{
    if (!weft_xml_is_whole(q->xml)) {
        return WEFT_ENOTFOUND;
    }
    if (!q->document.is_second) {
        return end_first(q, msg);
    }
    q->base.is_over = true;
    q->base.notice = "results are imported: characteristics with values, limits and status; "
                     "features' coordinates, statistics and models are not";
    return WEFT_ENOTFOUND;
}

static void set_place(const struct qif_importer *q, struct weft_import_place *place)
{
    *place = (struct weft_import_place){
        .line = q->document.result.line, .column = q->document.result.column};
    (void)snprintf(place->pointer, sizeof(place->pointer), "MeasurementResults %llu",
        (unsigned long long)q->document.result.id);
}

/* As many of the result's records as one commit is sure to hold. */
static void give(struct qif_importer *q, struct weft_import_item *ret_item)
{
    struct weft_sha256 hash;
    uint32_t count = q->record_count - q->record_next;
    count = count > WEFT_QIF_ITEM_RECORDS_MAX ? WEFT_QIF_ITEM_RECORDS_MAX : count;
    *ret_item = (struct weft_import_item){
        .records = q->records + q->record_next, .record_count = count, .once = WEFT_ONCE_BY_MARKER};
    weft_sha256_init(&hash);
    for (uint32_t i = 0; i < count; i++) {
        weft_fieldset_hash(&hash, &ret_item->records[i]);
    }
    struct weft_digest digest = weft_sha256_final(&hash);
    ret_item->id = weft_import_id_of(&digest);
    set_place(q, &ret_item->place);
    q->record_next += count;
}

static enum weft_err make(struct qif_importer *q, struct weft_msg *msg)
{
    const struct weft_qif_maker maker = {
        .document = &q->document, .map = &q->map, .name = q->name, .arena = &q->arena};
    const struct weft_qif_result *r = &q->document.result;
    weft_arena_reset(&q->arena);
    q->record_next = 0;
    enum weft_err err = weft_qif_records(&maker, &q->records, &q->record_count, msg);
    if (err != WEFT_OK) {
        q->record_count = 0;
        return weft_wrap(msg, err, "line %llu, column %u (MeasurementResults %llu)",
            (unsigned long long)r->line, r->column, (unsigned long long)r->id);
    }
    return err;
}

static enum weft_err next(
    struct weft_importer *importer, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    struct qif_importer *q = (struct qif_importer *)importer;
    importer->wants_again = false;
    while (q->record_next == q->record_count) {
        enum weft_err err = weft_xml_run(q->xml, msg);
        if (err == WEFT_ENOTFOUND) {
            return end_of_bytes(q, msg);
        }
        if (err != WEFT_OK) {
            importer->is_over = true;
            *ret_item = (struct weft_import_item){.place = {.line = weft_xml_line(q->xml)}};
            return err;
        }
        if (!q->document.has_result || !q->document.is_second) {
            continue;
        }
        q->document.has_result = false;
        err = make(q, msg);
        if (err != WEFT_OK) {
            *ret_item = (struct weft_import_item){.record_count = 0};
            set_place(q, &ret_item->place);
            return err;
        }
    }
    give(q, ret_item);
    return WEFT_OK;
}

const struct weft_importer_type weft_qif_importer = {
    .format = "qif",
    .items = "inspections",
    .reads_twice = true,
    .create = create,
    .feed = feed,
    .next = next,
    .destroy = destroy,
};
