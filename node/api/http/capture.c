#include "node/api/http/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"
#include "node/replies.h"
#include "ops/import/epcis.h"
#include "node/wall.h"
#include "policy/principal.h"
#include "proto/check.h"
#include "proto/limits.h"
#include "proto/time.h"

enum {
    ITEMS_PER_TURN = 32,     /* Some 20 us each: bounds a turn to under 1 ms. */
    AGAIN_MS = 200,          /* After the site had no leader, or was busy. */
    GIVE_UP_MS = 120 * 1000, /* Without one answer that moves the job on. */
    DETAIL_SIZE = 300,
};

/* A commit on its way: kept whole, to be sent again under its id. */
struct flight {
    struct weft_buffer commit; /* size 0: free. */
    struct weft_import_place place;
    uint32_t generation;
    uint64_t again_ms; /* 0: it is out. */
};

struct failure {
    struct weft_import_place place;
    enum weft_err err;
    char detail[DETAIL_SIZE];
};

struct job {
    uint64_t number; /* 0: free. */
    bool is_running;
    bool is_whole; /* Read to its end. */
    struct weft_buffer text;
    struct weft_importer *importer;
    char principal[WEFT_PRINCIPAL_URI_SIZE];
    bool has_warrant;
    struct weft_warrant warrant;
    struct flight flights[WEFT_HTTP_CAPTURE_AHEAD];
    uint32_t out; /* Flights in use. */
    uint64_t moved_ms;
    uint64_t paced_until_ms; /* Refused too often: no event is taken before. */
    int64_t created_ns, finished_ns;
    uint64_t events, imported, unchanged, refused;
    struct failure *failures;
    uint32_t failure_count;
};

struct weft_http_captures {
    struct weft_node *node;
    struct job *jobs; /* WEFT_HTTP_CAPTURES_KEPT */
    uint64_t next_number;
    uint32_t running;
};

/* --- jobs -------------------------------------------------------------------------------- */

enum weft_err weft_http_captures_open(
    struct weft_node *node, struct weft_http_captures **ret_captures)
{
    struct weft_http_captures *c = calloc(1, sizeof(*c));
    struct job *jobs = calloc(WEFT_HTTP_CAPTURES_KEPT, sizeof(*jobs));
    if (c == NULL || jobs == NULL) {
        free(c);
        free(jobs);
        return WEFT_ENOMEM;
    }
    c->node = node;
    c->jobs = jobs;
    /* Not from 1 again: a number from before a restart must not name another job. */
    c->next_number = (uint64_t)(weft_wall_ns() / 1000000);
    *ret_captures = c;
    return WEFT_OK;
}

/* What only a running job needs. */
static void let_go(struct job *job)
{
    weft_importer_destroy(job->importer);
    job->importer = NULL;
    weft_buffer_destroy(&job->text);
    for (uint32_t i = 0; i < WEFT_HTTP_CAPTURE_AHEAD; i++) {
        weft_buffer_destroy(&job->flights[i].commit);
    }
}

static void forget(struct job *job)
{
    let_go(job);
    free(job->failures);
    *job = (struct job){.number = 0};
}

void weft_http_captures_destroy(struct weft_http_captures *c)
{
    for (uint32_t i = 0; c != NULL && i < WEFT_HTTP_CAPTURES_KEPT; i++) {
        forget(&c->jobs[i]);
    }
    if (c != NULL) {
        free(c->jobs);
        free(c);
    }
}

/* A free place, or that of the oldest job that has ended. */
static struct job *place_for_one(struct weft_http_captures *c)
{
    struct job *oldest = NULL;
    for (uint32_t i = 0; i < WEFT_HTTP_CAPTURES_KEPT; i++) {
        struct job *job = &c->jobs[i];
        if (job->number == 0) {
            return job;
        }
        if (!job->is_running && (oldest == NULL || job->number < oldest->number)) {
            oldest = job;
        }
    }
    weft_assert(oldest != NULL); /* NOD-407: fewer run than are kept. */
    forget(oldest);
    return oldest;
}

_Static_assert((int)WEFT_HTTP_CAPTURES_RUNNING < (int)WEFT_HTTP_CAPTURES_KEPT, "one has ended");

enum weft_err weft_http_captures_start(struct weft_http_captures *c, struct weft_buffer *text,
    struct weft_text name, const char *principal, const struct weft_warrant *warrant,
    uint64_t *ret_job, struct weft_msg *msg)
{
    const struct weft_import_options options = {.name = name};
    if (c->running == WEFT_HTTP_CAPTURES_RUNNING) {
        return weft_fail(msg, WEFT_EBUSY, "%d imports run on this node; try again later",
            WEFT_HTTP_CAPTURES_RUNNING);
    }
    struct job *job = place_for_one(c);
    struct failure *failures = calloc(WEFT_HTTP_CAPTURE_ERRORS, sizeof(*failures));
    enum weft_err err =
        failures != NULL ? weft_importer_create(&weft_epcis_importer, &options, &job->importer, msg)
                         : weft_fail(msg, WEFT_ENOMEM, "no memory for an import");
    if (err != WEFT_OK) {
        free(failures);
        return err;
    }
    job->number = c->next_number++;
    job->is_running = true;
    job->failures = failures;
    job->text = *text;
    *text = (struct weft_buffer){0};
    job->created_ns = weft_wall_ns();
    job->moved_ms = uv_now(&c->node->loop);
    (void)snprintf(job->principal, sizeof(job->principal), "%s", principal);
    job->has_warrant = warrant != NULL;
    if (warrant != NULL) {
        job->warrant = *warrant;
    }
    weft_importer_feed(job->importer, (struct weft_bytes){job->text.data, job->text.size}, true);
    c->running++;
    *ret_job = job->number;
    return WEFT_OK;
}

static void finish(struct weft_http_captures *c, struct job *job)
{
    let_go(job);
    job->is_running = false;
    job->finished_ns = weft_wall_ns();
    weft_assert(c->running > 0); /* NOD-407 */
    c->running--;
}

static void refuse(
    struct job *job, const struct weft_import_place *place, enum weft_err err, const char *detail)
{
    job->refused++;
    if (job->failure_count < WEFT_HTTP_CAPTURE_ERRORS) {
        struct failure *f = &job->failures[job->failure_count++];
        f->place = *place;
        f->err = err;
        (void)snprintf(f->detail, sizeof(f->detail), "%s", detail);
        size_t size = weft_text_utf8_prefix(weft_text_of(f->detail)); /* Cut between characters. */
        f->detail[size] = '\0';
    }
}

/* --- commits ----------------------------------------------------------------------------- */

static void land(struct job *job, struct flight *flight)
{
    weft_buffer_clear(&flight->commit);
    flight->generation++;
    job->out--;
}

static void submit(struct weft_http_captures *c, struct job *job, uint32_t place, uint64_t now_ms)
{
    struct flight *flight = &job->flights[place];
    const struct weft_waiter waiter = {.client = (uint32_t)(job - c->jobs),
        .generation = (uint32_t)job->number,
        .request_id = (uint64_t)flight->generation << 32 | place,
        .door = WEFT_DOOR_CAPTURE};
    flight->again_ms = 0;
    const struct weft_entry_item item = {.type = WEFT_ITEM_COMMIT,
        .has_warrant = job->has_warrant,
        .warrant = job->warrant,
        .principal = weft_text_of(job->principal),
        .body = {flight->commit.data, flight->commit.size}};
    enum weft_err err = weft_node_commit(c->node, &item, &waiter);
    if (weft_err_class(err) == WEFT_CLASS_RETRY) {
        flight->again_ms = now_ms + AGAIN_MS;
    } else if (err != WEFT_OK) {
        refuse(job, &flight->place, err, weft_err_name(err));
        land(job, flight);
    }
}

static struct job *find(const struct weft_http_captures *c, uint32_t place, uint32_t number)
{
    struct job *job = place < WEFT_HTTP_CAPTURES_KEPT ? &c->jobs[place] : NULL;
    return job != NULL && job->is_running && (uint32_t)job->number == number ? job : NULL;
}

void weft_http_captures_answer(struct weft_http_captures *c, const struct weft_waiter *waiter,
    const struct weft_client_message *message)
{
    struct job *job = find(c, waiter->client, waiter->generation);
    uint32_t place = (uint32_t)waiter->request_id;
    uint64_t now_ms = uv_now(&c->node->loop);
    if (job == NULL || place >= WEFT_HTTP_CAPTURE_AHEAD ||
        job->flights[place].generation != (uint32_t)(waiter->request_id >> 32) ||
        job->flights[place].commit.size == 0) {
        return;
    }
    struct flight *flight = &job->flights[place];
    const struct weft_error_answer *error = &message->error;
    bool is_error = message->kind == WEFT_KIND_ERROR;
    if (is_error && weft_err_class(error->err) == WEFT_CLASS_RETRY) {
        flight->again_ms = now_ms + AGAIN_MS; /* Under the same id: harmless to repeat. */
        return;
    }
    job->moved_ms = now_ms;
    bool is_there = is_error && weft_import_is_there(error);
    if (!is_error && !message->commit_result.repeated) {
        job->imported++;
    } else if (!is_error || is_there) {
        job->unchanged++;
    } else {
        char detail[DETAIL_SIZE];
        (void)snprintf(detail, sizeof(detail), "%.*s", (int)error->detail.size, error->detail.data);
        refuse(job, &flight->place, error->err, detail);
    }
    if (is_error && error->err == WEFT_EREFUSED) { /* NOD-230 */
        job->paced_until_ms = now_ms + weft_reply_pace(c->node, job->principal);
    }
    land(job, flight);
    weft_node_wake(c->node);
}

/* The next event of the document as a commit in a free flight. */
static void take_item(
    struct weft_http_captures *c, struct job *job, uint32_t place, uint64_t now_ms)
{
    struct flight *flight = &job->flights[place];
    struct weft_import_item item = {.record_count = 0};
    struct weft_msg msg = {""};
    enum weft_err err = weft_importer_next(job->importer, &item, &msg);
    if (err == WEFT_ENOTFOUND) {
        job->is_whole = true;
        return;
    }
    job->events++;
    if (err == WEFT_OK) {
        const struct weft_commit commit = {
            .request_id = item.id, .records = item.records, .record_count = item.record_count};
        flight->commit.size_max = WEFT_COMMIT_SIZE_MAX;
        err = weft_commit_encode(&commit, &flight->commit);
        if (err != WEFT_OK) {
            weft_buffer_clear(&flight->commit);
            (void)weft_fail(&msg, err, "more than the %d bytes of a commit", WEFT_COMMIT_SIZE_MAX);
        }
    }
    if (err != WEFT_OK) {
        refuse(job, &item.place, err, msg.text);
        return;
    }
    flight->place = item.place;
    job->out++;
    submit(c, job, place, now_ms);
}

static bool work(struct weft_http_captures *c, struct job *job, uint64_t now_ms)
{
    static const struct weft_import_place nowhere = {.line = 0};
    uint32_t budget = now_ms < job->paced_until_ms ? 0 : ITEMS_PER_TURN;
    bool is_paced = budget == 0;
    for (uint32_t i = 0; i < WEFT_HTTP_CAPTURE_AHEAD; i++) {
        struct flight *flight = &job->flights[i];
        if (flight->commit.size > 0 && flight->again_ms != 0 && now_ms >= flight->again_ms) {
            submit(c, job, i, now_ms);
        }
        while (flight->commit.size == 0 && !job->is_whole && budget > 0) {
            budget--;
            take_item(c, job, i, now_ms);
        }
    }
    if (job->out > 0 && now_ms - job->moved_ms >= GIVE_UP_MS) {
        refuse(job, &nowhere, WEFT_ETIMEDOUT,
            "given up: the site has not answered for 2 minutes; post the document again");
        finish(c, job);
        return false;
    }
    if (job->is_whole && job->out == 0) {
        finish(c, job);
    }
    return job->is_running && budget == 0 && !is_paced;
}

bool weft_http_captures_turn(struct weft_http_captures *c, uint64_t now_ms)
{
    bool has_more = false;
    for (uint32_t i = 0; c->running > 0 && i < WEFT_HTTP_CAPTURES_KEPT; i++) {
        has_more = (c->jobs[i].is_running && work(c, &c->jobs[i], now_ms)) || has_more;
    }
    return has_more;
}

uint64_t weft_http_captures_deadline(const struct weft_http_captures *c)
{
    uint64_t now_ms = uv_now(&c->node->loop), due_ms = UINT64_MAX;
    for (uint32_t i = 0; c->running > 0 && i < WEFT_HTTP_CAPTURES_KEPT; i++) {
        const struct job *job = &c->jobs[i];
        bool is_next = job->paced_until_ms > now_ms && job->paced_until_ms < due_ms;
        due_ms = job->is_running && is_next ? job->paced_until_ms : due_ms;
    }
    return due_ms;
}

/* --- how it goes ------------------------------------------------------------------------- */

static void write_failure(struct weft_writer *w, const struct failure *f)
{
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "code", weft_text_of(weft_err_name(f->err)));
    weft_writer_text(w, "detail", weft_text_of(f->detail));
    struct weft_text pointer = weft_text_of(f->place.pointer);
    pointer.size = weft_text_utf8_prefix(pointer); /* A long one was cut anywhere. */
    if (pointer.size > 0) {
        weft_writer_text(w, "pointer", pointer);
    }
    if (f->place.line > 0) {
        weft_writer_unsigned(w, "line", f->place.line);
        weft_writer_unsigned(w, "column", f->place.column);
    }
    weft_writer_close(w, '}');
}

static void write_time(struct weft_writer *w, const char *key, int64_t time_ns)
{
    char text[WEFT_TIME_TEXT_SIZE];
    weft_time_format(time_ns, text);
    weft_writer_text(w, key, weft_text_of(text));
}

enum weft_err weft_http_captures_write(const struct weft_http_captures *c, uint64_t number,
    const char *principal, struct weft_writer *w)
{
    const struct job *job = NULL;
    for (uint32_t i = 0; number != 0 && i < WEFT_HTTP_CAPTURES_KEPT; i++) {
        job = c->jobs[i].number == number ? &c->jobs[i] : job;
    }
    /* Its failures tell of records that somebody else may not be permitted to see. */
    if (job == NULL || strcmp(job->principal, principal) != 0) {
        return WEFT_ENOTFOUND;
    }
    weft_writer_open(w, NULL, '{');
    weft_writer_unsigned(w, "job", job->number);
    weft_writer_bool(w, "running", job->is_running);
    if (!job->is_running) {
        weft_writer_bool(w, "success", job->refused == 0);
    }
    weft_writer_unsigned(w, "events", job->events);
    weft_writer_unsigned(w, "imported", job->imported);
    weft_writer_unsigned(w, "unchanged", job->unchanged);
    weft_writer_unsigned(w, "refused", job->refused);
    weft_writer_open(w, "errors", '[');
    for (uint32_t i = 0; i < job->failure_count; i++) {
        write_failure(w, &job->failures[i]);
    }
    weft_writer_close(w, ']');
    write_time(w, "created", job->created_ns);
    if (!job->is_running) {
        write_time(w, "finished", job->finished_ns);
    }
    weft_writer_close(w, '}');
    return WEFT_OK;
}
