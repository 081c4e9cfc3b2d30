#include "ops/import/csv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/import/csv_map.h"
#include "proto/limits.h"
#include "proto/record_json.h"

enum {
    MAP_MEMORY_MAX = 64 * 1024 * 1024, /* Of a mapping of 1 MiB, as a tree. */
    ROW_MEMORY_MAX = 16 * 1024 * 1024, /* Of one record. */
};

struct csv {
    struct weft_importer base;
    struct weft_arena map_memory, row_memory;
    struct weft_csv_map map;
    struct weft_csv_reader reader;
    bool has_header;
    uint32_t width; /* Cells in the header. */
    struct weft_record record;
    char name[WEFT_SOURCE_SIZE_MAX + 1];
};

static void destroy(struct weft_importer *importer)
{
    struct csv *c = (struct csv *)importer;
    weft_csv_reader_close(&c->reader);
    weft_arena_destroy(&c->map_memory);
    weft_arena_destroy(&c->row_memory);
    free(c);
}

static enum weft_err create(const struct weft_import_options *options,
    struct weft_importer **ret_importer, struct weft_msg *msg)
{
    if (options->option.size == 0) {
        return weft_fail(msg, WEFT_EINVAL,
            "a table needs a mapping: --map FILE says which column is what (weft import csv "
            "--help)");
    }
    struct csv *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an importer");
    }
    c->map_memory.size_max = MAP_MEMORY_MAX;
    c->row_memory.size_max = ROW_MEMORY_MAX;
    if (options->name.size > 0 && options->name.size < sizeof(c->name)) {
        memcpy(c->name, options->name.data, options->name.size);
    }
    enum weft_err err = weft_csv_map_read(options->option, &c->map_memory, &c->map, msg);
    if (err != WEFT_OK) {
        destroy(&c->base);
        return err;
    }
    weft_csv_reader_init(&c->reader, c->map.delimiter);
    *ret_importer = &c->base;
    return WEFT_OK;
}

static void feed(struct weft_importer *importer, struct weft_bytes bytes, bool is_last)
{
    struct csv *c = (struct csv *)importer;
    weft_csv_reader_feed(
        &c->reader, (struct weft_text){(const char *)bytes.data, bytes.size}, is_last);
}

/* --- the header ------------------------------------------------------------------------------ */

/* Two columns of one name: which of them is meant cannot be known. */
static enum weft_err refuse_twins(const struct csv *c, struct weft_msg *msg)
{
    const struct weft_csv_cell *cells = c->reader.cells;
    for (uint32_t i = 0; i < c->reader.cell_count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (cells[i].text.size > 0 && weft_text_equal(cells[i].text, cells[j].text)) {
                return weft_fail(msg, WEFT_EINVAL,
                    "line %" PRIu64 ", column %u: the header has '%.*s' twice", cells[i].line,
                    cells[i].column, weft_csv_shown(cells[i].text), cells[i].text.data);
            }
        }
    }
    return WEFT_OK;
}

static enum weft_err take_header(struct csv *c, struct weft_msg *msg)
{
    const struct weft_csv_reader *r = &c->reader;
    enum weft_err err = refuse_twins(c, msg);
    for (uint32_t i = 0; i < c->map.column_count && err == WEFT_OK; i++) {
        struct weft_csv_column *column = &c->map.columns[i];
        uint32_t index = 0;
        while (index < r->cell_count && !weft_text_equal(r->cells[index].text, column->name)) {
            index++;
        }
        if (index == r->cell_count) {
            err = weft_fail(msg, WEFT_EINVAL,
                "line %" PRIu64 ", column 1: the header has no '%.*s', which the mapping names at "
                "%s",
                r->row_line, weft_csv_shown(column->name), column->name.data, column->pointer);
        }
        column->index = index;
    }
    c->width = r->cell_count;
    c->has_header = true;
    return err;
}

/* --- rows ------------------------------------------------------------------------------------ */

static enum weft_err fill_required(const struct weft_csv_row *row, const char *what,
    const struct weft_csv_template *from, struct weft_text *ret_text)
{
    const struct weft_csv_cell *cell = NULL;
    enum weft_err err = weft_csv_fill(row, from, ret_text, &cell);
    if (err == WEFT_ENOTFOUND) {
        return weft_csv_fail(row, from, WEFT_EINVAL, "is empty: the row has no %s", what);
    }
    return err == WEFT_OK ? WEFT_OK : weft_csv_fail(row, from, err, "out of memory");
}

static enum weft_err add_links(
    const struct weft_csv_row *row, struct weft_link **ret_links, uint32_t *ret_count)
{
    const struct weft_csv_map *map = row->map;
    struct weft_link *links = weft_arena_array(row->arena, map->link_count, sizeof(*links));
    if (links == NULL) {
        return weft_csv_fail(row, &map->asset, WEFT_ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; i < map->link_count; i++) {
        const struct weft_csv_link *from = &map->links[i];
        const struct weft_csv_cell *cell = NULL;
        struct weft_link link = {.rel = from->rel};
        struct weft_field *fields = NULL;
        enum weft_err err = weft_csv_fill(row, &from->to, &link.to, &cell);
        if (err == WEFT_ENOTFOUND && !from->is_required) {
            continue;
        }
        if (err != WEFT_OK) {
            return weft_csv_fail(row, &from->to, err == WEFT_ENOTFOUND ? WEFT_EINVAL : err,
                err == WEFT_ENOTFOUND ? "is empty, but required" : "out of memory");
        }
        if (!weft_asset_is_valid(link.to)) {
            return weft_csv_fail(row, &from->to, WEFT_EINVAL, "'%.*s' cannot be the id of an asset",
                weft_csv_shown(link.to), link.to.data);
        }
        for (uint32_t j = 0; j < from->attr_count && err == WEFT_OK; j++) {
            err = weft_csv_add_value(row, &from->attrs[j], &fields, &link.field_count);
        }
        if (err != WEFT_OK) {
            return err;
        }
        link.fields = fields;
        links[(*ret_count)++] = link;
    }
    *ret_links = links;
    return WEFT_OK;
}

static enum weft_err map_row(struct csv *c, const struct weft_csv_row *row)
{
    const struct weft_csv_map *map = row->map;
    struct weft_record record = {.has_at = false};
    struct weft_field *fields = NULL;
    struct weft_link *links = NULL;
    char pointer[256];
    enum weft_err err = fill_required(row, "kind", &map->kind, &record.kind);
    err = err == WEFT_OK ? fill_required(row, "asset", &map->asset, &record.asset) : err;
    if (err == WEFT_OK && map->has_at) {
        err = weft_csv_time(row, &map->at, &record.at_ns, &record.has_at);
    }
    for (uint32_t i = 0; i < map->attr_count && err == WEFT_OK; i++) {
        err = weft_csv_add_value(row, &map->attrs[i], &fields, &record.field_count);
    }
    err = err == WEFT_OK ? add_links(row, &links, &record.link_count) : err;
    if (err != WEFT_OK) {
        return err;
    }
    record.fields = fields;
    record.links = links;
    char line[32];
    (void)snprintf(line, sizeof(line), "%" PRIu64, c->reader.row_line);
    record.source = weft_import_source(row->arena, "csv", weft_text_of(c->name), line);
    err = weft_record_check(&record, pointer, row->msg);
    if (err != WEFT_OK) {
        (void)weft_wrap(row->msg, err, "%s of its record", pointer);
        return weft_wrap(row->msg, err, "line %" PRIu64 ", column 1", c->reader.row_line);
    }
    c->record = record;
    return WEFT_OK;
}

static enum weft_err take_row(
    struct csv *c, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    const struct weft_csv_reader *r = &c->reader;
    ret_item->place = (struct weft_import_place){.line = r->row_line, .column = 1};
    if (r->cell_count != c->width) {
        return weft_fail(msg, WEFT_EINVAL,
            "line %" PRIu64 ", column %u: the row has %u cells, the header %u", r->row_line,
            r->cells[r->cell_count > c->width ? c->width : r->cell_count - 1].column, r->cell_count,
            c->width);
    }
    const struct weft_csv_row row = {&c->map, r->cells, &c->row_memory, msg};
    weft_arena_reset(&c->row_memory);
    enum weft_err err = map_row(c, &row);
    if (err != WEFT_OK) {
        return err;
    }
    ret_item->records = &c->record;
    ret_item->record_count = 1;
    ret_item->id = weft_import_id_of_records(&c->record, 1);
    ret_item->once = WEFT_ONCE_BY_MARKER;
    return WEFT_OK;
}

static enum weft_err next(
    struct weft_importer *importer, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    struct csv *c = (struct csv *)importer;
    for (;;) {
        enum weft_err err = weft_csv_reader_next(&c->reader, msg);
        importer->is_over = c->reader.is_over && err != WEFT_OK;
        if (err == WEFT_ENOTFOUND && importer->is_over && !c->has_header) {
            return weft_fail(msg, WEFT_EINVAL, "line 1, column 1: the file has no header");
        }
        if (err != WEFT_OK && err != WEFT_ENOTFOUND && !c->has_header) {
            importer->is_over = true; /* Without a header no row means anything. */
        }
        if (err != WEFT_OK) {
            ret_item->place = (struct weft_import_place){.line = c->reader.row_line};
            return err;
        }
        if (c->has_header) {
            return take_row(c, ret_item, msg);
        }
        err = take_header(c, msg);
        if (err != WEFT_OK) {
            importer->is_over = true;
            return err;
        }
    }
}

const struct weft_importer_type weft_csv_importer = {
    .format = "csv",
    .items = "rows",
    .create = create,
    .feed = feed,
    .next = next,
    .destroy = destroy,
};
