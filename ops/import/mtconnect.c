#include "ops/import/mtconnect.h"

#include <stdio.h>
#include <stdlib.h>

#include "ops/import/map.h"
#include "ops/import/mtconnect_run.h"
#include "ops/import/telemetry_block.h"
#include "proto/check.h"
#include "proto/time.h"

enum {
    RECORD_SIZE_MAX = 4 * 1024 * 1024,
};

struct mtconnect_importer {
    struct weft_importer base;
    struct weft_map map;
    struct weft_devices devices;
    struct weft_arena name_arena, arena;
    struct weft_text name;
    struct weft_captures captures; /* Of the document's name, with `part` as the map calls it. */
    struct weft_run_summary run;

    struct weft_bytes fed;
    bool is_last;
    struct weft_buffer raw; /* Lines of the block under way. */
    size_t line_start;      /* In raw: what was not yet summed up. */
    struct weft_sha256 raw_hash;
    uint64_t raw_size, packed_size;
    struct weft_buffer block;
    struct weft_digest blocks[WEFT_RUN_BLOCKS_MAX];
    uint32_t block_count;
    struct weft_record record;
    struct weft_link links[2];
};

static void destroy(struct weft_importer *importer)
{
    struct mtconnect_importer *t = (struct mtconnect_importer *)importer;
    weft_map_destroy(&t->map);
    weft_devices_destroy(&t->devices);
    weft_arena_destroy(&t->name_arena);
    weft_arena_destroy(&t->arena);
    weft_buffer_destroy(&t->raw);
    weft_buffer_destroy(&t->block);
    free(t);
}

/* Whose run it is, from the document's name, and the machine's model. */
static enum weft_err find_device(struct mtconnect_importer *t, struct weft_msg *msg)
{
    if (t->map.file.size > 0 && !weft_pattern_fits(t->map.file, t->name, &t->captures)) {
        return weft_fail(msg, WEFT_EINVAL, "the name of the file does not fit the map's '%.*s'",
            (int)t->map.file.size, t->map.file.data);
    }
    struct weft_text machine = weft_captured(&t->captures, "machine");
    struct weft_text part = weft_captured(&t->captures, "part");
    if (machine.size == 0 && t->devices.count == 1) {
        const struct weft_device *only = &t->devices.list[0];
        machine = only->name.size > 0 ? only->name : only->id;
        weft_capture_add(&t->captures, "machine", machine);
    }
    if (machine.size == 0) {
        return weft_fail(msg, WEFT_EINVAL,
            "which machine it was is not known: the map's 'file' captures no {machine}, and the "
            "device model has %u devices",
            t->devices.count);
    }
    if (part.size > 0) {
        weft_capture_add(&t->captures, "part", weft_map_part(&t->map, part));
    }
    const struct weft_device *device = weft_devices_find(&t->devices, machine);
    if (device == NULL && t->devices.count > 0) {
        return weft_fail(
            msg, WEFT_EINVAL, "the device model has no %.*s", (int)machine.size, machine.data);
    }
    weft_run_summary_init(&t->run, &t->devices, device);
    return WEFT_OK;
}

static enum weft_err create(const struct weft_import_options *options,
    struct weft_importer **ret_importer, struct weft_msg *msg)
{
    struct mtconnect_importer *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an importer");
    }
    t->name_arena.size_max = 4096 + WEFT_SOURCE_SIZE_MAX;
    t->arena.size_max = RECORD_SIZE_MAX;
    t->raw.size_max = WEFT_BLOCK_RAW_SIZE_MAX;
    t->block.size_max = WEFT_BLOCK_SIZE_MAX;
    weft_sha256_init(&t->raw_hash);
    if (options->name.size <= WEFT_SOURCE_SIZE_MAX) {
        t->name = weft_arena_text(&t->name_arena, options->name);
    }
    enum weft_err err = weft_map_read(options->option, &t->map, msg);
    err = err == WEFT_OK ? WEFT_OK : weft_wrap(msg, err, "map");
    if (err == WEFT_OK && options->model.size > 0) {
        err = weft_devices_read(options->model, &t->devices, msg);
        err = err == WEFT_OK ? WEFT_OK : weft_wrap(msg, err, "device model");
    }
    err = err == WEFT_OK ? find_device(t, msg) : err;
    if (err != WEFT_OK) {
        destroy(&t->base);
        return err;
    }
    *ret_importer = &t->base;
    return WEFT_OK;
}

static void feed(struct weft_importer *importer, struct weft_bytes bytes, bool is_last)
{
    struct mtconnect_importer *t = (struct mtconnect_importer *)importer;
    weft_assert(t->fed.size == 0 && !t->is_last);
    t->fed = bytes;
    t->is_last = is_last;
}

/* --- lines and blocks ------------------------------------------------------------------------ */

/* Sum up the whole lines that are in `raw`; with `is_end` also one without its end. */
static void read_lines(struct mtconnect_importer *t, bool is_end)
{
    while (t->line_start < t->raw.size) {
        const char *start = (const char *)t->raw.data + t->line_start;
        size_t size = t->raw.size - t->line_start;
        const char *end = memchr(start, '\n', size);
        if (end == NULL && !is_end) {
            return;
        }
        size_t length = end != NULL ? (size_t)(end - start) : size;
        weft_run_summary_line(&t->run, (struct weft_text){start, length});
        t->line_start += length + (end != NULL);
    }
}

/* The first bytes of `raw` as a block. */
static enum weft_err cut_block(
    struct mtconnect_importer *t, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    size_t packed;
    if (t->block_count == WEFT_RUN_BLOCKS_MAX) {
        t->base.is_over = true;
        return weft_fail(msg, WEFT_ETOOBIG, "line %llu: a run is more than %d blocks",
            (unsigned long long)t->run.lines, WEFT_RUN_BLOCKS_MAX);
    }
    /* Whole lines; what is behind them is still coming. */
    enum weft_err err =
        weft_block_pack((struct weft_bytes){t->raw.data, t->line_start}, &t->block, &packed);
    if (err != WEFT_OK) {
        t->base.is_over = true;
        return weft_fail(
            msg, err, "line %llu: no memory for a block", (unsigned long long)t->run.lines);
    }
    weft_sha256_update(&t->raw_hash, t->raw.data, packed);
    t->raw_size += packed;
    t->packed_size += t->block.size;
    memmove(t->raw.data, t->raw.data + packed, t->raw.size - packed);
    t->raw.size -= packed;
    t->line_start -= packed;
    t->blocks[t->block_count] = weft_sha256(t->block.data, t->block.size);
    *ret_item = (struct weft_import_item){.block = {t->block.data, t->block.size},
        .block_digest = t->blocks[t->block_count],
        .place = {.line = t->run.lines}};
    t->block_count++;
    return WEFT_OK;
}

/* --- the record ------------------------------------------------------------------------------ */

static void add_device(const struct mtconnect_importer *t, struct weft_fieldset *f)
{
    const struct weft_device *device = t->run.device;
    weft_fieldset_text(f, "machine", weft_captured(&t->captures, "machine"));
    if (device != NULL) {
        weft_fieldset_text(f, "device/uuid", device->uuid);
        weft_fieldset_text(f, "device/manufacturer", device->manufacturer);
        weft_fieldset_text(f, "device/model", device->model);
    }
}

static void add_identity(const struct mtconnect_importer *t, struct weft_fieldset *f)
{
    if (weft_captured(&t->captures, "number").size > 0) {
        weft_fieldset_text(f, "identity/file", t->name);
        weft_fieldset_text(f, "identity/rule", t->map.file);
        weft_fieldset_bool(f, "identity/inferred", true);
        weft_fieldset_text(f, "identity/note",
            WEFT_TEXT(
                "which unit was made is taken from the file's name, as the import's map says"));
    }
}

static void add_telemetry(struct mtconnect_importer *t, struct weft_fieldset *f)
{
    char digest_text[WEFT_DIGEST_TEXT_SIZE];
    struct weft_digest digest = weft_sha256_final(&t->raw_hash);
    weft_digest_format(&digest, digest_text);
    weft_fieldset_text(f, "telemetry/format", WEFT_TEXT("zstd, lines as they came"));
    weft_fieldset_text(f, "telemetry/raw_digest", weft_text_of(digest_text));
    weft_fieldset_count(f, "telemetry/raw_bytes", t->raw_size);
}

/* Not hashed: another version of zstd packs the same lines into other bytes. */
static void add_blocks(const struct mtconnect_importer *t, struct weft_fieldset *f)
{
    weft_fieldset_count(f, "telemetry/bytes", t->packed_size);
    for (uint32_t i = 0; i < t->block_count; i++) {
        char path[40], digest[WEFT_DIGEST_TEXT_SIZE];
        (void)snprintf(path, sizeof(path), "telemetry/blocks/[%u]", i);
        weft_digest_format(&t->blocks[i], digest);
        weft_fieldset_text(f, path, weft_text_of(digest));
    }
}

/* "run:<machine>/<start>-<16 hex digits of what the record says>" */
static enum weft_err name_run(
    struct mtconnect_importer *t, const struct weft_digest *digest, struct weft_msg *msg)
{
    char text[WEFT_ASSET_SIZE_MAX + 1], start[WEFT_TIME_TEXT_SIZE];
    struct weft_text machine = weft_captured(&t->captures, "machine");
    int size = 0;
    weft_time_format(t->run.start_ns, start);
    start[19] = '\0'; /* To the second. */
    size = snprintf(text, sizeof(text), "run:%.*s/%sZ-", (int)machine.size, machine.data, start);
    for (size_t i = 0; i < 8 && size > 0 && (size_t)size + 3 < sizeof(text); i++) {
        size += snprintf(text + size, sizeof(text) - (size_t)size, "%02x", digest->bytes[i]);
    }
    if (size < 0 || (size_t)size + 3 >= sizeof(text)) {
        return weft_fail(msg, WEFT_ETOOBIG, "line 1: the machine's name is too long");
    }
    t->record.asset = weft_arena_text(&t->arena, (struct weft_text){text, (size_t)size});
    return t->record.asset.data != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "no memory");
}

static enum weft_err add_links(struct mtconnect_importer *t, struct weft_msg *msg)
{
    uint32_t count = 0;
    t->links[count].rel = WEFT_TEXT("made_on");
    enum weft_err err = weft_pattern_fill(
        t->map.machine_asset, &t->captures, &t->arena, &t->links[count++].to, msg);
    if (err == WEFT_OK && weft_captured(&t->captures, "number").size > 0) {
        t->links[count].rel = WEFT_TEXT("output");
        err = weft_pattern_fill(
            t->map.unit_asset, &t->captures, &t->arena, &t->links[count++].to, msg);
    }
    t->record.links = t->links;
    t->record.link_count = count;
    return err == WEFT_OK ? err : weft_wrap(msg, err, "line 1: map");
}

static enum weft_err make_record(
    struct mtconnect_importer *t, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    struct weft_fieldset f = {.arena = &t->arena};
    struct weft_sha256 hash;
    char pointer[256];
    t->record = (struct weft_record){.kind = WEFT_TEXT("process_run"),
        .at_ns = t->run.end_ns,
        .has_at = true,
        .has_expect = true};
    enum weft_err err = add_links(t, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_fieldset_text(&f, "organization", t->map.organization);
    weft_fieldset_text(&f, "part", weft_captured(&t->captures, "part"));
    add_device(t, &f);
    weft_run_summary_fields(&t->run, &f);
    add_identity(t, &f);
    add_telemetry(t, &f);
    t->record.fields = f.list;
    t->record.field_count = f.count;
    weft_sha256_init(&hash);
    weft_fieldset_hash(&hash, &t->record);
    struct weft_digest digest = weft_sha256_final(&hash);
    add_blocks(t, &f);
    t->record.fields = f.list;
    t->record.field_count = f.count;
    t->record.source = weft_import_source(&t->arena, "mtconnect", t->name, "run");
    err = f.err == WEFT_OK ? name_run(t, &digest, msg)
                           : weft_fail(msg, f.err, "line 1: a run cannot be made a record");
    if (err == WEFT_OK) {
        err = weft_record_check(&t->record, pointer, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "line 1 (%s)", pointer);
    }
    *ret_item = (struct weft_import_item){.records = &t->record,
        .record_count = 1,
        .id = weft_import_id_of(&digest),
        .once = WEFT_ONCE_BY_ASSET,
        .place = {.line = 1}};
    return err;
}

/* All lines are in blocks: the run itself. */
static enum weft_err end(
    struct mtconnect_importer *t, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    t->base.is_over = true;
    if (t->run.samples == 0) {
        ret_item->place = (struct weft_import_place){.line = 1};
        return weft_fail(msg, WEFT_EINVAL, "line 1: none of %llu lines is time|item|value",
            (unsigned long long)t->run.lines);
    }
    if (t->run.damaged > 0) {
        t->base.notice = "some lines are not time|item|value: the blocks hold them as they came, "
                         "the record counts them (lines/damaged)";
    }
    return make_record(t, ret_item, msg);
}

static enum weft_err next(
    struct weft_importer *importer, struct weft_import_item *ret_item, struct weft_msg *msg)
{
    struct mtconnect_importer *t = (struct mtconnect_importer *)importer;
    for (;;) {
        size_t room = WEFT_BLOCK_RAW_SIZE_MAX - t->raw.size;
        size_t size = t->fed.size < room ? t->fed.size : room;
        if (weft_buffer_append(&t->raw, t->fed.data, size) != WEFT_OK) {
            importer->is_over = true;
            return weft_fail(msg, WEFT_ENOMEM, "no memory for a block");
        }
        if (size > 0) {
            t->fed.data += size;
            t->fed.size -= size;
        }
        bool is_end = t->is_last && t->fed.size == 0;
        bool is_full = t->raw.size == WEFT_BLOCK_RAW_SIZE_MAX;
        read_lines(t, is_end);
        if (is_full && t->line_start == 0) {
            read_lines(t, true); /* A line that fills it is none. */
        }
        if (is_full || (is_end && t->raw.size > 0)) {
            return cut_block(t, ret_item, msg);
        }
        if (is_end) {
            return end(t, ret_item, msg);
        }
        if (t->fed.size == 0) {
            return WEFT_ENOTFOUND;
        }
    }
}

const struct weft_importer_type weft_mtconnect_importer = {
    .format = "mtconnect",
    .items = "runs",
    .create = create,
    .feed = feed,
    .next = next,
    .destroy = destroy,
};
