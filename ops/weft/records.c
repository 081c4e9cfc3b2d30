#include "ops/weft/records.h"

#include <inttypes.h>
#include <string.h>

#include "proto/answer_json.h"
#include "proto/time.h"

enum {
    SCRATCH_SIZE_MAX = 64 * 1024 * 1024,
    SUMMARY_SIZE = 100 /* chosen: fits wide terminals */
};

static const char heads[] = "AT|KIND|ASSET|>INDEX|AUTHOR|DETAIL";

void weft_records_start(struct weft_records *r, enum weft_format format)
{
    *r = (struct weft_records){.format = format, .arena = {.size_max = SCRATCH_SIZE_MAX}};
    if (format == WEFT_FORMAT_TABLE) {
        weft_table_init(&r->table, heads);
    } else if (format == WEFT_FORMAT_JSON) {
        weft_writer_open(&r->writer, NULL, '{');
        weft_writer_open(&r->writer, "records", '[');
    }
}

/* `a`, `between`, `b`, each text cut at 80 bytes. */
static void put(char *text, size_t size, size_t *used, struct weft_text a, const char *between,
    struct weft_text b)
{
    if (*used < size) {
        int wrote = snprintf(text + *used, size - *used, "%s%.*s%s%.*s", *used > 0 ? " " : "",
            (int)(a.size < 80 ? a.size : 80), a.data, between, (int)(b.size < 80 ? b.size : 80),
            b.data);
        *used += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* Cut in the middle of a character: take the rest of it away. */
static void end_whole(char *text, size_t size, size_t used)
{
    if (used < size) {
        return;
    }
    size_t end = size - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80) {
        end--;
    }
    memcpy(text + end, "...", 4);
}

void weft_records_summary(const struct weft_record *record, char *ret_text, size_t size)
{
    static const char units[] = "/unit", values[] = "/value";
    size_t used = 0;
    ret_text[0] = '\0';
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct weft_field *f = &record->fields[i];
        struct weft_text path = f->path;
        size_t unit = sizeof(units) - 1, value = sizeof(values) - 1;
        if (path.size > unit && memcmp(path.data + path.size - unit, units, unit) == 0) {
            put(ret_text, size, &used, f->value, "", WEFT_TEXT(""));
            continue;
        }
        if (path.size > value && memcmp(path.data + path.size - value, values, value) == 0) {
            path.size -= value;
        }
        put(ret_text, size, &used, path, "=", f->value);
    }
    for (uint32_t i = 0; i < record->link_count; i++) {
        put(ret_text, size, &used, record->links[i].rel, ">", record->links[i].to);
    }
    end_whole(ret_text, size, used);
}

static void add_row(struct weft_records *r, const struct weft_stored_record *stored)
{
    const struct weft_record *record = &stored->record;
    char at[WEFT_TIME_TEXT_SIZE], summary[SUMMARY_SIZE];
    weft_time_format(record->has_at ? record->at_ns : stored->time_ns, at);
    weft_records_summary(record, summary, sizeof(summary));
    if (r->table.cell_count == 0) {
        weft_table_init(&r->table, heads);
    }
    weft_table_cell(&r->table, weft_text_of(at));
    weft_table_cell(&r->table, record->kind);
    weft_table_cell(&r->table, record->asset);
    weft_table_format(&r->table, "%" PRIu64, stored->index);
    weft_table_cell(&r->table, record->author);
    weft_table_cell(&r->table, weft_text_of(summary));
}

enum weft_err weft_records_add(
    struct weft_records *r, const struct weft_stored_record *record, struct weft_msg *msg)
{
    r->count++;
    if (r->format == WEFT_FORMAT_TABLE) {
        add_row(r, record);
        return WEFT_OK;
    }
    weft_arena_reset(&r->arena);
    enum weft_err err = weft_answer_write_record(&r->writer, NULL, record, &r->arena);
    if (err == WEFT_OK) {
        err = r->format == WEFT_FORMAT_JSONL ? weft_writer_print(&r->writer, stdout, msg)
                                             : weft_writer_flush(&r->writer, stdout, msg);
    } else {
        err = weft_fail(msg, err, "record %" PRIu64 " of index %" PRIu64 ": %s", r->count,
            record->index, weft_err_name(err));
    }
    return err;
}

void weft_records_flush(struct weft_records *r)
{
    if (r->format == WEFT_FORMAT_TABLE) {
        weft_table_print(&r->table, stdout);
        (void)fflush(stdout);
    }
}

void weft_records_end_list(struct weft_records *r, uint64_t index)
{
    r->index = index;
    if (r->format == WEFT_FORMAT_JSON) {
        weft_writer_close(&r->writer, ']');
        weft_writer_unsigned(&r->writer, "index", index);
    }
}

enum weft_err weft_records_finish(struct weft_records *r, struct weft_msg *msg)
{
    if (r->format == WEFT_FORMAT_TABLE) {
        weft_table_print(&r->table, stdout);
        return WEFT_OK;
    }
    if (r->format == WEFT_FORMAT_JSON) {
        weft_writer_close(&r->writer, '}');
        return weft_writer_print(&r->writer, stdout, msg);
    }
    return WEFT_OK;
}

void weft_records_destroy(struct weft_records *r)
{
    weft_buffer_destroy(&r->table.cells);
    weft_writer_destroy(&r->writer);
    weft_arena_destroy(&r->arena);
}
