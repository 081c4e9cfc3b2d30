#include "ops/weft/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/weft/files.h"
#include "ops/weft/import_batch.h"
#include "ops/weft/import_flight.h"
#include "ops/weft/output.h"
#include "ops/weft/telemetry_upload.h"
#include "proto/limits.h"
#include "proto/record_json.h"

enum {
    READ_SIZE = 256 * 1024,
    MAP_SIZE_MAX = 1024 * 1024,
    MODEL_SIZE_MAX = 16 * 1024 * 1024,
    PRINT_SIZE_MAX = 64 * 1024 * 1024,
    PAUSE_MS = 50,            /* A pipe that is silent for so long holds up no batch. */
    ITEMS_DEFAULT = 64,       /* measured: ops/import/README.md */
    OUTSTANDING_DEFAULT = 32, /* chosen: fills the entries in flight of a site */
    OUTSTANDING_MAX = 256,
};

struct import {
    const struct weft_args *args;
    const struct weft_importer_type *type;
    enum weft_format format;
    bool is_dry_run;
    struct weft_buffer map, model;
    struct weft_net *net; /* NULL: dry run. */
    struct weft_client *client;
    struct weft_upload *upload; /* NULL: no block has come yet. */
    struct weft_progress progress;
    struct weft_writer writer;
    struct weft_import_flights flights;
    uint64_t files, items, bytes_read, start_ns;
    enum weft_err err; /* Nobody answers, or the output is closed: the end. */
    struct weft_msg msg;
};

/* The file that is read. */
struct input {
    const char *path; /* For messages. */
    int fd;
    bool is_seekable;
    uint8_t *block;
};

static void refuse(void *ctx, const char *place, enum weft_err err, const char *reason)
{
    struct import *im = ctx;
    weft_progress_end(&im->progress); /* The bar's line is the message's now. */
    (void)fprintf(stderr, "weft: %s: %s\n", place, reason);
    weft_import_flights_count_refused(&im->flights, err);
}

/* --- one item --------------------------------------------------------------------------------- */

static void print_item(struct import *im, const struct weft_import_item *item)
{
    struct weft_buffer json = {0};
    struct weft_arena arena = {.size_max = PRINT_SIZE_MAX};
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < item->record_count && err == WEFT_OK; i++) {
        weft_buffer_clear(&json);
        weft_arena_reset(&arena);
        err = weft_record_to_json(&item->records[i], NULL, &arena, &json);
        if (err != WEFT_OK) {
            (void)weft_fail(&im->msg, err, "a record cannot be written as JSON");
            break;
        }
        weft_writer_raw(&im->writer, NULL, (struct weft_text){(char *)json.data, json.size});
        err = weft_writer_print(&im->writer, stdout, &im->msg);
    }
    im->err = im->err != WEFT_OK ? im->err : err;
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&json);
}

static void take_item(struct import *im, const char *path, const struct weft_import_item *item)
{
    if (im->is_dry_run) {
        print_item(im, item);
        return;
    }
    enum weft_err err = weft_import_flights_add(&im->flights, item, path, &im->msg);
    if (err == WEFT_EINVAL || err == WEFT_ETOOBIG) {
        char place[WEFT_FILES_PATH_SIZE + 32];
        (void)snprintf(place, sizeof(place), "%.900s: line %" PRIu64, path, item->place.line);
        refuse(im, place, err, im->msg.text);
    } else if (err != WEFT_OK) {
        im->err = err;
    }
}

/* Before anything that names it. */
static void take_block(struct import *im, const char *path, const struct weft_import_item *item)
{
    enum weft_err err = WEFT_OK;
    if (im->is_dry_run) {
        return;
    }
    if (im->upload == NULL) {
        uint64_t timeout_ms = WEFT_CLIENT_TIMEOUT_MS;
        err = weft_args_duration_ms(
            im->args, "timeout", WEFT_CLIENT_TIMEOUT_MS, &timeout_ms, &im->msg);
        if (err == WEFT_OK) {
            err = weft_upload_open(im->client, timeout_ms, &im->upload, &im->msg);
        }
    }
    if (err == WEFT_OK) {
        err = weft_upload_put(im->upload, &item->block_digest, item->block, &im->msg);
    }
    im->err = err == WEFT_OK ? err : weft_wrap(&im->msg, err, "%.320s", path);
}

static void take_items(struct import *im, const char *path, struct weft_importer *importer)
{
    while (im->err == WEFT_OK) {
        struct weft_import_item item = {.record_count = 0};
        struct weft_msg msg;
        enum weft_err err = weft_importer_next(importer, &item, &msg);
        if (err == WEFT_ENOTFOUND) {
            return;
        }
        if (err == WEFT_OK && item.record_count == 0) {
            take_block(im, path, &item);
        } else if (err == WEFT_OK) {
            im->items++;
            take_item(im, path, &item);
        } else {
            im->items += importer->is_over ? 0 : 1; /* The rest of a document is no item. */
            refuse(im, path, err, msg.text);        /* The text holds the place. */
        }
    }
}

/* --- files ------------------------------------------------------------------------------------ */

static enum weft_err open_input(struct import *im, const char *path, struct input *in)
{
    struct stat st;
    bool is_stdin = strcmp(path, "-") == 0;
    *in = (struct input){.path = is_stdin ? "stdin" : path, .fd = STDIN_FILENO};
    if (!is_stdin) {
        in->fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (in->fd < 0 || fstat(in->fd, &st) != 0) {
        /* A file that is not there is wrong usage, not an answer of no. */
        return weft_fail(&im->msg, errno == ENOENT ? WEFT_EINVAL : WEFT_EIO, "%s", strerror(errno));
    }
    if (S_ISDIR(st.st_mode)) {
        return weft_fail(&im->msg, WEFT_EINVAL, "is a directory");
    }
    in->is_seekable = S_ISREG(st.st_mode);
    in->block = malloc(READ_SIZE);
    return in->block != NULL ? WEFT_OK : weft_fail(&im->msg, WEFT_ENOMEM, "no memory");
}

/* Up to READ_SIZE bytes; 0 at the end. Somebody who writes slowly holds up neither answers nor
 * heartbeats nor what is ready to be sent. */
static enum weft_err read_some(struct import *im, struct input *in, size_t *ret_size)
{
    while (
        !in->is_seekable && im->net != NULL && !weft_net_wait_readable(im->net, in->fd, PAUSE_MS)) {
        weft_import_flights_flush(&im->flights);
    }
    for (;;) {
        ssize_t size = read(in->fd, in->block, READ_SIZE);
        if (size >= 0) {
            *ret_size = (size_t)size;
            return WEFT_OK;
        }
        if (errno != EINTR && errno != EAGAIN) {
            return weft_fail(&im->msg, WEFT_EIO, "%s", strerror(errno));
        }
    }
}

/* From the first byte. */
static enum weft_err again(struct import *im, const struct input *in)
{
    return lseek(in->fd, 0, SEEK_SET) == 0 ? WEFT_OK
                                           : weft_fail(&im->msg, WEFT_EIO, "%s", strerror(errno));
}

/* What comes through a pipe and will be read twice goes into a file without a name first. */
static enum weft_err spool(struct import *im, struct input *in)
{
    FILE *file = tmpfile();
    int fd = file != NULL ? dup(fileno(file)) : -1;
    size_t size = 1;
    enum weft_err err = WEFT_OK;
    while (fd >= 0 && err == WEFT_OK && size > 0) {
        err = read_some(im, in, &size);
        if (err == WEFT_OK && fwrite(in->block, 1, size, file) != size) {
            err = weft_fail(&im->msg, WEFT_EIO, "a temporary copy: %s", strerror(errno));
        }
    }
    if (fd < 0 || (fclose(file) != 0 && err == WEFT_OK)) {
        err = weft_fail(&im->msg, WEFT_EIO, "a temporary copy: %s", strerror(errno));
    }
    if (in->fd > STDIN_FILENO) {
        (void)close(in->fd);
    }
    in->fd = fd;
    in->is_seekable = true;
    return err == WEFT_OK ? again(im, in) : err;
}

static void read_all(struct import *im, struct input *in, struct weft_importer *importer)
{
    bool is_last = false;
    while ((!is_last || importer->wants_again) && !importer->is_over && im->err == WEFT_OK) {
        size_t size = 0;
        enum weft_err err = importer->wants_again ? again(im, in) : WEFT_OK;
        err = err == WEFT_OK ? read_some(im, in, &size) : err;
        if (err != WEFT_OK) {
            refuse(im, in->path, err, im->msg.text);
            return;
        }
        is_last = size == 0;
        im->bytes_read += size;
        weft_importer_feed(importer, (struct weft_bytes){in->block, size}, is_last);
        take_items(im, in->path, importer);
        weft_progress_show(&im->progress, im->bytes_read);
    }
    if (importer->notice != NULL) {
        (void)fprintf(stderr, "weft: %s: %s\n", in->path, importer->notice);
    }
}

static void import_file(struct import *im, const char *path)
{
    struct weft_importer *importer = NULL;
    struct input in;
    const char *slash = strrchr(path, '/');
    const char *name = strcmp(path, "-") == 0 ? "" : slash != NULL ? slash + 1 : path;
    const struct weft_import_options options = {.name = weft_text_of(name),
        .option = {(const char *)im->map.data, im->map.size},
        .model = {(const char *)im->model.data, im->model.size}};
    im->files++;
    enum weft_err err = open_input(im, path, &in);
    if (err == WEFT_OK && im->type->reads_twice && !in.is_seekable) {
        err = spool(im, &in);
    }
    if (err == WEFT_OK) {
        err = weft_importer_create(im->type, &options, &importer, &im->msg);
    }
    if (err == WEFT_OK) {
        read_all(im, &in, importer);
    } else {
        refuse(im, path, err, im->msg.text);
    }
    weft_importer_destroy(importer);
    free(in.block);
    if (in.fd > STDIN_FILENO) {
        (void)close(in.fd);
    }
}

/* Of all files together; 0 if that is not known. */
static uint64_t total_size(const struct weft_args *args)
{
    uint64_t total = 0;
    for (int i = 0; i < args->operand_count; i++) {
        struct stat st;
        if (stat(args->operands[i], &st) != 0 || !S_ISREG(st.st_mode)) {
            return 0;
        }
        total += (uint64_t)st.st_size;
    }
    return total;
}

/* --- the whole -------------------------------------------------------------------------------- */

static enum weft_err report(struct import *im)
{
    const struct weft_import_counts *n = &im->flights.counts;
    const char *items = im->type->items;
    double seconds = (double)(weft_monotonic_ns() - im->start_ns) / 1e9;
    if (im->is_dry_run) {
        (void)fprintf(stderr,
            "%" PRIu64 " %s in %" PRIu64 " files, %" PRIu64 " refused; nothing was committed\n",
            im->items, items, im->files, n->refused);
        return WEFT_OK;
    }
    if (im->format == WEFT_FORMAT_TABLE) {
        (void)printf("%" PRIu64 " %s in %" PRIu64 " files: %" PRIu64 " imported, %" PRIu64
                     " known already, %" PRIu64 " refused; %.1f s, %.0f/s\n",
            im->items, items, im->files, n->imported, n->unchanged, n->refused, seconds,
            seconds > 0 ? (double)im->items / seconds : 0.0);
        return WEFT_OK;
    }
    weft_writer_open(&im->writer, NULL, '{');
    weft_writer_unsigned(&im->writer, "files", im->files);
    weft_writer_unsigned(&im->writer, items, im->items);
    weft_writer_unsigned(&im->writer, "imported", n->imported);
    weft_writer_unsigned(&im->writer, "unchanged", n->unchanged);
    weft_writer_unsigned(&im->writer, "refused", n->refused);
    weft_writer_unsigned(&im->writer, "records", n->records);
    weft_writer_unsigned(&im->writer, "commits", n->commits);
    weft_writer_real(&im->writer, "seconds", seconds, 3);
    weft_writer_close(&im->writer, '}');
    return weft_writer_print(&im->writer, stdout, &im->msg);
}

/* The index that the import begins behind. */
static enum weft_err read_index(struct import *im)
{
    struct weft_arena arena = {.size_max = PRINT_SIZE_MAX};
    struct weft_client_message answer;
    const struct weft_client_message request = {.kind = WEFT_KIND_QUERY,
        .query = {.type = WEFT_QUERY_COMMITS, .from_index = 1, .limit = 1}};
    enum weft_err err = weft_client_call(im->client, &request, &arena, &answer, &im->msg);
    if (err == WEFT_OK) {
        im->flights.begun_index = answer.page.index;
    }
    weft_arena_destroy(&arena);
    return err;
}

/* A file that an option names, whole. */
static enum weft_err read_option(
    struct import *im, const char *option, size_t size_max, struct weft_buffer *out)
{
    const char *path = weft_args_text(im->args, option, NULL);
    out->size_max = size_max;
    enum weft_err err = path != NULL ? weft_files_read(path, out, &im->msg) : WEFT_OK;
    return err == WEFT_ENOTFOUND ? WEFT_EINVAL : err;
}

static enum weft_err start(struct import *im)
{
    const struct weft_args *args = im->args;
    uint64_t items = 0, outstanding = 0;
    enum weft_err err = weft_output_format(args, &im->format, &im->msg);
    if (err == WEFT_OK) {
        err = weft_args_number(
            args, "batch", 1, WEFT_COMMIT_RECORDS_MAX / 2, ITEMS_DEFAULT, &items, &im->msg);
    }
    if (err == WEFT_OK) {
        err = weft_args_number(
            args, "outstanding", 1, OUTSTANDING_MAX, OUTSTANDING_DEFAULT, &outstanding, &im->msg);
    }
    if (err == WEFT_OK) {
        err = read_option(im, "map", MAP_SIZE_MAX, &im->map);
    }
    if (err == WEFT_OK) {
        err = read_option(im, "devices", MODEL_SIZE_MAX, &im->model);
    }
    if (err == WEFT_OK && !im->is_dry_run) {
        err = weft_client_from_args(args, &im->net, &im->client, &im->msg);
    }
    if (err == WEFT_OK) {
        weft_import_flights_init(
            &im->flights, im->type, im->client, (uint32_t)items, (uint32_t)outstanding, refuse, im);
    }
    return err == WEFT_OK && !im->is_dry_run ? read_index(im) : err;
}

enum weft_exit weft_import_run(const struct weft_args *args, const struct weft_importer_type *type)
{
    struct import im = {.args = args,
        .type = type,
        .is_dry_run = weft_args_has(args, "dry-run"),
        .start_ns = weft_monotonic_ns()};
    im.err = start(&im);
    weft_progress_start(&im.progress, args, "import", "bytes", total_size(args));
    for (int i = 0; im.err == WEFT_OK && i < args->operand_count; i++) {
        import_file(&im, args->operands[i]);
    }
    if (!im.is_dry_run && im.client != NULL) {
        enum weft_err err = weft_import_flights_finish(&im.flights, &im.msg);
        im.err = im.err != WEFT_OK ? im.err : err;
    }
    weft_progress_end(&im.progress);
    if (im.err == WEFT_OK) {
        im.err = report(&im);
    } else if (im.flights.counts.imported > 0) {
        (void)fprintf(stderr, "weft: %" PRIu64 " %s were imported before; run it again to go on\n",
            im.flights.counts.imported, type->items);
    }
    weft_import_flights_destroy(&im.flights);
    weft_upload_close(im.upload);
    weft_client_destroy(im.client);
    weft_net_close(im.net);
    weft_writer_destroy(&im.writer);
    weft_buffer_destroy(&im.map);
    weft_buffer_destroy(&im.model);
    return im.err != WEFT_OK ? weft_complain(im.err, &im.msg) : im.flights.counts.worst;
}
