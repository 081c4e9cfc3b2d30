#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/import/epcis.h"
#include "ops/weft/committer.h"
#include "proto/limits.h"
#include "proto/record_json.h"

/* import epcis: one event is one record is one commit, under a request id made of the event
 * itself and on the condition that its record does not exist: so a second import, or the same
 * event in two files, changes nothing. */

enum {
    FILE_SIZE_MAX = 256 * 1024 * 1024,
    TREE_SIZE_MAX = 1024 * 1024 * 1024,
    EVENT_SIZE_MAX = 64 * 1024 * 1024,
    OUTSTANDING_DEFAULT = 64, /* chosen: fills the entries in flight of a site */
    TURN_MS = 1000,
    PLACE_SIZE = WEFT_FILES_PATH_SIZE + 320,
};

struct import {
    const struct weft_args *args;
    enum weft_format format;
    bool is_dry_run;
    uint64_t outstanding_max;
    struct weft_net *net;
    struct weft_client *client; /* NULL: dry run. */
    struct weft_progress progress;
    struct weft_writer writer;
    uint64_t files, events, imported, unchanged, refused;
    enum weft_exit worst;
    enum weft_err err; /* Nobody answers, or the output is closed: the end. */
    struct weft_msg msg;
};

/* An event on its way, with the place to name if it is refused. */
struct flight {
    struct import *import;
    char place[PLACE_SIZE];
};

static void refuse(struct import *im, const char *place, enum weft_err err, const char *reason)
{
    enum weft_exit result = weft_exit_of(err);
    weft_progress_end(&im->progress); /* The bar's line is the message's now. */
    (void)fprintf(stderr, "weft: %s: %s\n", place, reason);
    im->refused++;
    im->worst = im->worst == WEFT_EXIT_DONE ? result : im->worst;
}

static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct flight *flight = ctx;
    struct import *im = flight->import;
    /* The record exists, or its id was used for the same event out of another file: the id is
     * made of the event alone, the record also names its file. */
    bool is_there =
        err == WEFT_ECONFLICT && answer != NULL &&
        (answer->error.present_rev > 0 || weft_text_is(answer->error.pointer, "/request_id"));
    if (err == WEFT_OK && !answer->commit_result.repeated) {
        im->imported++;
    } else if (err == WEFT_OK || is_there) {
        im->unchanged++;
    } else if (weft_err_class(err) == WEFT_CLASS_RETRY) {
        im->err = im->err != WEFT_OK ? im->err : weft_fail(&im->msg, err, "%s", msg->text);
    } else {
        refuse(im, flight->place, err, msg->text);
    }
    weft_progress_show(&im->progress, im->imported + im->unchanged + im->refused);
    free(flight);
}

static void wait_below(struct import *im, uint32_t outstanding)
{
    while (im->client != NULL && weft_client_outstanding(im->client) > outstanding) {
        weft_net_turn(im->net, TURN_MS);
    }
}

static void print_record(struct import *im, const struct weft_epcis_event *event)
{
    struct weft_buffer json = {0};
    struct weft_arena arena = {.size_max = EVENT_SIZE_MAX};
    enum weft_err err = weft_record_to_json(&event->record, NULL, &arena, &json);
    if (err == WEFT_OK) {
        weft_writer_raw(&im->writer, NULL, (struct weft_text){(char *)json.data, json.size});
        err = weft_writer_print(&im->writer, stdout, &im->msg);
    } else {
        (void)weft_fail(&im->msg, err, "a record cannot be written as JSON");
    }
    im->err = im->err != WEFT_OK ? im->err : err;
    im->imported++;
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&json);
}

static void commit(struct import *im, const struct weft_epcis_event *event, const char *place)
{
    struct weft_client_message message = {.kind = WEFT_KIND_COMMIT,
        .commit = {.request_id = event->request_id, .records = &event->record, .record_count = 1}};
    struct flight *flight = malloc(sizeof(*flight));
    if (flight == NULL) {
        im->err = weft_fail(&im->msg, WEFT_ENOMEM, "no memory");
        return;
    }
    wait_below(im, (uint32_t)im->outstanding_max - 1);
    flight->import = im;
    (void)snprintf(flight->place, sizeof(flight->place), "%s", place);
    enum weft_err err = weft_client_submit(im->client, &message, on_answer, flight);
    if (err != WEFT_OK) {
        free(flight);
        refuse(im, place, err, weft_err_name(err));
        return;
    }
    weft_net_turn(im->net, 0);
}

static void import_events(struct import *im, const char *path, struct weft_epcis *document)
{
    struct weft_arena arena = {.size_max = EVENT_SIZE_MAX};
    while (im->err == WEFT_OK) {
        struct weft_epcis_event event = {.pointer = ""};
        struct weft_msg msg;
        char place[PLACE_SIZE];
        weft_arena_reset(&arena);
        enum weft_err err = weft_epcis_next(document, &arena, &event, &msg);
        if (err == WEFT_ENOTFOUND) {
            break;
        }
        im->events++;
        (void)snprintf(place, sizeof(place), "%s: %s", path, event.pointer);
        if (err != WEFT_OK) {
            refuse(im, path, err, msg.text); /* The text holds line, column and pointer. */
        } else if (im->is_dry_run) {
            print_record(im, &event);
        } else {
            commit(im, &event, place);
        }
    }
    if (document->has_master_data) {
        (void)fprintf(stderr, "weft: %s: its vocabulary list is not imported\n", path);
    }
    weft_arena_destroy(&arena);
}

static void import_file(struct import *im, const char *path)
{
    struct weft_buffer text = {.size_max = FILE_SIZE_MAX};
    struct weft_arena arena = {.size_max = TREE_SIZE_MAX};
    struct weft_epcis document;
    struct weft_msg msg;
    const char *slash = strrchr(path, '/');
    bool is_stdin = strcmp(path, "-") == 0;
    im->files++;
    enum weft_err err = weft_files_read(path, &text, &msg);
    if (err == WEFT_ENOTFOUND) {
        err = WEFT_EINVAL; /* A file that is not there is wrong usage, not an answer of no. */
    }
    if (err != WEFT_OK) {
        refuse(im, "import", err, msg.text);
    } else {
        err = weft_epcis_open(&document, (struct weft_text){(char *)text.data, text.size},
            weft_text_of(is_stdin        ? ""
                         : slash != NULL ? slash + 1
                                         : path),
            &arena, &msg);
        if (err != WEFT_OK) {
            refuse(im, path, err, msg.text);
        } else {
            import_events(im, path, &document);
        }
    }
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&text);
}

static enum weft_err report(struct import *im)
{
    if (im->is_dry_run) {
        (void)fprintf(stderr,
            "%" PRIu64 " events in %" PRIu64 " files, %" PRIu64 " refused; nothing was committed\n",
            im->events, im->files, im->refused);
        return WEFT_OK;
    }
    if (im->format == WEFT_FORMAT_TABLE) {
        (void)printf("%" PRIu64 " events in %" PRIu64 " files: %" PRIu64 " imported, %" PRIu64
                     " known already, %" PRIu64 " refused\n",
            im->events, im->files, im->imported, im->unchanged, im->refused);
        return WEFT_OK;
    }
    weft_writer_open(&im->writer, NULL, '{');
    weft_writer_unsigned(&im->writer, "files", im->files);
    weft_writer_unsigned(&im->writer, "events", im->events);
    weft_writer_unsigned(&im->writer, "imported", im->imported);
    weft_writer_unsigned(&im->writer, "unchanged", im->unchanged);
    weft_writer_unsigned(&im->writer, "refused", im->refused);
    weft_writer_close(&im->writer, '}');
    return weft_writer_print(&im->writer, stdout, &im->msg);
}

enum weft_exit weft_cmd_import_epcis(const struct weft_args *args)
{
    struct import im = {.args = args, .is_dry_run = weft_args_has(args, "dry-run")};
    im.err = weft_output_format(args, &im.format, &im.msg);
    if (im.err == WEFT_OK) {
        im.err = weft_args_number(args, "outstanding", 1, WEFT_COMMITTER_OUTSTANDING_MAX,
            OUTSTANDING_DEFAULT, &im.outstanding_max, &im.msg);
    }
    if (im.err == WEFT_OK && !im.is_dry_run) {
        im.err = weft_client_from_args(args, &im.net, &im.client, &im.msg);
    }
    weft_progress_start(&im.progress, args, "import", "events", 0);
    for (int i = 0; im.err == WEFT_OK && i < args->operand_count; i++) {
        import_file(&im, args->operands[i]);
    }
    wait_below(&im, 0);
    weft_progress_end(&im.progress);
    if (im.err == WEFT_OK) {
        im.err = report(&im);
    }
    weft_client_destroy(im.client);
    weft_net_close(im.net);
    weft_writer_destroy(&im.writer);
    return im.err != WEFT_OK ? weft_complain(im.err, &im.msg) : im.worst;
}
