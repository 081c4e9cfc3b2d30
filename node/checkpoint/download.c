#include "node/checkpoint/download.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "node/checkpoint/fetcher.h"
#include "node/checkpoint/record.h"
#include "node/checkpoint/stage.h"
#include "proto/check.h"
#include "proto/crc32c.h"

enum job_type {
    JOB_SCAN,
    JOB_WRITE,
    JOB_VERIFY,
    JOB_FINISH,
};

/* Something for the thread, and then its result. */
struct job {
    struct job *next;
    enum job_type type;
    uint32_t file;
    uint64_t offset;
    enum weft_err err;
    struct weft_msg msg;
    bool is_intact;
    size_t size;
    uint8_t data[]; /* WRITE */
};

struct jobs {
    struct job *head;
    struct job **tail;
};

struct weft_download {
    struct weft_download_io io;
    struct weft_record *record; /* The manifest. */
    struct weft_fetcher fetcher;
    struct weft_fetcher_file *files;
    struct weft_stage stage; /* The thread's. */
    uint64_t reused_bytes;   /* Written by the scan, read after its result. */
    uint64_t scan_reused_bytes;
    uint32_t jobs;
    bool is_scanned;
    bool link_failed; /* A request could not be sent. */
    enum weft_download_phase phase;
    enum weft_err err;
    struct weft_msg msg;
    bool cancel; /* Atomic. */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wanted;
    /* Under the mutex. */
    struct jobs todo;
    struct jobs done;
    bool stop;
};

/* ---- The thread ---- */

static void push(struct jobs *jobs, struct job *job)
{
    job->next = NULL;
    *jobs->tail = job;
    jobs->tail = &job->next;
}

static struct job *pop(struct jobs *jobs)
{
    struct job *job = jobs->head;
    if (job != NULL) {
        jobs->head = job->next;
        if (jobs->head == NULL) {
            jobs->tail = &jobs->head;
        }
    }
    return job;
}

static void carry_out_job(struct weft_download *d, struct job *job)
{
    switch (job->type) {
    case JOB_SCAN:
        job->err = weft_stage_scan(&d->stage, d->files, &d->scan_reused_bytes, &job->msg);
        break;
    case JOB_WRITE:
        job->err =
            weft_stage_write(&d->stage, job->file, job->offset, job->data, job->size, &job->msg);
        break;
    case JOB_VERIFY:
        job->err = weft_stage_verify(&d->stage, job->file, &job->is_intact, &job->msg);
        break;
    case JOB_FINISH:
        job->err = weft_stage_finish(&d->stage,
            (struct weft_bytes){d->record->encoded.data, d->record->encoded.size}, &job->msg);
        break;
    }
}

static void *run(void *arg)
{
    struct weft_download *d = arg;
    sigset_t all; /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    (void)pthread_mutex_lock(&d->mutex);
    for (;;) {
        while (d->todo.head == NULL && !d->stop) {
            (void)pthread_cond_wait(&d->wanted, &d->mutex);
        }
        if (d->stop) {
            break;
        }
        struct job *job = pop(&d->todo);
        (void)pthread_mutex_unlock(&d->mutex);
        carry_out_job(d, job);
        (void)pthread_mutex_lock(&d->mutex);
        push(&d->done, job);
        (void)pthread_mutex_unlock(&d->mutex);
        if (d->io.wake != NULL) {
            d->io.wake(d->io.ctx);
        }
        (void)pthread_mutex_lock(&d->mutex);
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return NULL;
}

/* ---- The loop ---- */

static void fail(struct weft_download *d, enum weft_err err, const char *text)
{
    if (d->phase == WEFT_DOWNLOAD_RUNNING) {
        d->phase = WEFT_DOWNLOAD_FAILED;
        d->err = err;
        (void)weft_fail(&d->msg, err, "fetch checkpoint %s: %s", d->record->name, text);
    }
}

static void submit(struct weft_download *d, enum job_type type, uint32_t file, uint64_t offset,
    struct weft_bytes data)
{
    struct job *job = calloc(1, sizeof(*job) + data.size);
    if (job == NULL) {
        fail(d, WEFT_ENOMEM, "no memory for a piece");
        return;
    }
    job->type = type;
    job->file = file;
    job->offset = offset;
    job->size = data.size;
    if (data.size > 0) {
        memcpy(job->data, data.data, data.size);
    }
    d->jobs++;
    (void)pthread_mutex_lock(&d->mutex);
    push(&d->todo, job);
    (void)pthread_cond_signal(&d->wanted);
    (void)pthread_mutex_unlock(&d->mutex);
}

static void send_requests(struct weft_download *d, const struct weft_fetcher_update *update)
{
    for (uint32_t i = 0; i < update->request_count; i++) {
        const struct weft_fetch fetch = {
            .checkpoint = d->record->manifest.name,
            .file = d->record->manifest.files[update->requests[i].file].name,
            .offset = update->requests[i].offset,
            .size_bytes = update->requests[i].size_bytes,
        };
        if (d->io.request(d->io.ctx, &fetch) != WEFT_OK) {
            d->link_failed = true;
            return;
        }
    }
}

static const char *reason(enum weft_err err)
{
    switch ((int)err) {
    case WEFT_ENOTFOUND:
        return "no source has it any more";
    case WEFT_ETIMEDOUT:
        return "nothing has arrived for a long time";
    case WEFT_EBADSIG:
        return "a file is not what the manifest says, again and again";
    default:
        return weft_err_name(err);
    }
}

/* In the order of the fields. */
static void carry_out(struct weft_download *d, const struct weft_fetcher_update *update,
    struct weft_bytes data, uint32_t file, uint64_t offset)
{
    if (update->disconnect) {
        d->io.disconnect(d->io.ctx);
    }
    if (update->connect) {
        d->io.connect(d->io.ctx, update->source);
    }
    if (update->write) {
        submit(d, JOB_WRITE, file, offset, data);
    }
    if (update->verify) {
        submit(d, JOB_VERIFY, update->verify_file, 0, (struct weft_bytes){0});
    }
    /* update->restart: weft_stage_verify has removed what was wrong. */
    send_requests(d, update);
    if (update->staged) {
        submit(d, JOB_FINISH, 0, 0, (struct weft_bytes){0});
    }
    if (update->failed) {
        fail(d, d->fetcher.err, reason(d->fetcher.err));
    }
}

static void step(struct weft_download *d, struct weft_fetcher_event event, struct weft_bytes data)
{
    struct weft_fetcher_update update;
    if (d->phase != WEFT_DOWNLOAD_RUNNING) {
        return;
    }
    if (event.now_ms < d->fetcher.now_ms) {
        event.now_ms = d->fetcher.now_ms;
    }
    /* Refused events change nothing; what a bad chunk costs its source is in the update. */
    (void)!weft_fetcher_step(&d->fetcher, &event, &update);
    carry_out(d, &update, data, event.file, event.offset);
    while (d->link_failed && d->phase == WEFT_DOWNLOAD_RUNNING) {
        const struct weft_fetcher_event down = {
            .type = WEFT_FETCHER_LINK_DOWN, .now_ms = event.now_ms};
        d->link_failed = false;
        (void)!weft_fetcher_step(&d->fetcher, &down, &update);
        carry_out(d, &update, (struct weft_bytes){0}, 0, 0);
    }
}

static const struct weft_bytes nothing;

static void on_done(
    struct weft_download *d, const struct job *job, uint32_t source_count, uint64_t now_ms)
{
    struct weft_fetcher_event event = {
        .now_ms = now_ms, .file = job->file, .offset = job->offset, .err = job->err};
    if (job->err != WEFT_OK) {
        fail(d, job->err, job->msg.text);
        d->io.disconnect(d->io.ctx);
        return;
    }
    switch (job->type) {
    case JOB_SCAN:
        d->is_scanned = true;
        d->reused_bytes = d->scan_reused_bytes;
        event.type = WEFT_FETCHER_START;
        event.files = d->files;
        event.file_count = d->record->manifest.file_count;
        event.source_count = source_count;
        break;
    case JOB_WRITE:
        event.type = WEFT_FETCHER_WRITTEN;
        event.size_bytes = (uint32_t)job->size;
        break;
    case JOB_VERIFY:
        event.type = WEFT_FETCHER_VERIFIED;
        event.is_intact = job->is_intact;
        break;
    case JOB_FINISH:
        d->phase = WEFT_DOWNLOAD_STAGED;
        return;
    }
    step(d, event, nothing);
}

void weft_download_turn(struct weft_download *download, uint64_t now_ms)
{
    struct weft_download *d = download;
    for (;;) {
        (void)pthread_mutex_lock(&d->mutex);
        struct job *job = pop(&d->done);
        (void)pthread_mutex_unlock(&d->mutex);
        if (job == NULL) {
            break;
        }
        d->jobs--;
        if (d->phase == WEFT_DOWNLOAD_RUNNING) {
            on_done(d, job, d->fetcher.source_count, now_ms);
        }
        free(job);
    }
    const struct weft_fetcher_event tick = {.type = WEFT_FETCHER_TICK, .now_ms = now_ms};
    step(d, tick, nothing);
}

uint64_t weft_download_deadline(const struct weft_download *download)
{
    return download->phase == WEFT_DOWNLOAD_RUNNING ? download->fetcher.deadline_ms : 0;
}

void weft_download_chunk(
    struct weft_download *download, const struct weft_chunk *chunk, uint64_t now_ms)
{
    struct weft_download *d = download;
    const struct weft_manifest *m = &d->record->manifest;
    const struct weft_checkpoint_file *file = weft_record_find(m, chunk->file);
    if (!weft_text_equal(chunk->checkpoint, m->name) || file == NULL) {
        return;
    }
    const struct weft_fetcher_event event = {
        .type = WEFT_FETCHER_CHUNK,
        .now_ms = now_ms,
        .file = (uint32_t)(file - m->files),
        .offset = chunk->offset,
        .size_bytes = chunk->data.size <= UINT32_MAX ? (uint32_t)chunk->data.size : 0,
        .err = chunk->err,
        .is_intact = weft_crc32c(0, chunk->data.data, chunk->data.size) == chunk->crc32c,
    };
    step(d, event, chunk->data);
}

void weft_download_link(struct weft_download *download, bool is_up, uint64_t now_ms)
{
    const struct weft_fetcher_event event = {
        .type = is_up ? WEFT_FETCHER_LINK_UP : WEFT_FETCHER_LINK_DOWN, .now_ms = now_ms};
    step(download, event, nothing);
}

struct weft_text weft_download_name(const struct weft_download *download)
{
    return download->record->manifest.name;
}

void weft_download_status(
    const struct weft_download *download, struct weft_download_status *ret_status)
{
    const struct weft_download *d = download;
    *ret_status = (struct weft_download_status){
        .phase = d->phase,
        .err = d->err,
        .msg = d->msg,
        .total_bytes = d->record->file_bytes,
        .fetched_bytes = d->fetcher.fetched_bytes,
        .reused_bytes = d->reused_bytes,
        .source = d->fetcher.source,
        .jobs = d->jobs,
    };
    for (uint32_t i = 0; d->is_scanned && i < d->record->manifest.file_count; i++) {
        const struct weft_fetcher_file *f = &d->files[i];
        ret_status->present_bytes +=
            f->state == WEFT_FETCHER_FILE_DONE ? f->size_bytes : f->written_bytes;
    }
}

/* ---- Open and close ---- */

static void destroy(struct weft_download *d)
{
    struct job *job;
    while ((job = pop(&d->todo)) != NULL || (job = pop(&d->done)) != NULL) {
        free(job);
    }
    weft_stage_close(&d->stage);
    (void)pthread_cond_destroy(&d->wanted);
    (void)pthread_mutex_destroy(&d->mutex);
    weft_record_destroy(d->record);
    free(d->files);
    free(d);
}

static enum weft_err prepare(
    struct weft_download *d, const struct weft_download_options *options, struct weft_msg *msg)
{
    enum weft_err rv = weft_record_create(options->directory, options->manifest, &d->record, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    const struct weft_manifest *m = &d->record->manifest;
    if (options->cluster != 0 && m->cluster != options->cluster) {
        return weft_fail(msg, WEFT_EPEER, "checkpoint %s is of cluster %016" PRIx64,
            d->record->name, m->cluster);
    }
    d->files = calloc(m->file_count + 1u, sizeof(*d->files));
    if (d->files == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "fetch checkpoint %s", d->record->name);
    }
    return weft_stage_init(&d->stage, options->directory, options->keeper, m, &d->cancel, msg);
}

enum weft_err weft_download_open(const struct weft_download_options *options, uint64_t now_ms,
    struct weft_download **ret_download, struct weft_msg *msg)
{
    struct weft_download *d = calloc(1, sizeof(*d));
    if (d == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "fetch a checkpoint");
    }
    d->io = options->io;
    d->todo.tail = &d->todo.head;
    d->done.tail = &d->done.head;
    d->stage.fd = -1;
    weft_fetcher_init(&d->fetcher);
    d->fetcher.now_ms = now_ms;
    d->fetcher.source_count = options->source_count;
    (void)pthread_mutex_init(&d->mutex, NULL);
    (void)pthread_cond_init(&d->wanted, NULL);
    enum weft_err rv = WEFT_EINVAL;
    if (options->source_count == 0 || options->source_count > WEFT_FETCHER_SOURCES_MAX) {
        rv = weft_fail(
            msg, rv, "fetch a checkpoint from %" PRIu32 " sources", options->source_count);
    } else {
        rv = prepare(d, options, msg);
    }
    if (rv == WEFT_OK) {
        submit(d, JOB_SCAN, 0, 0, nothing);
        rv = d->phase == WEFT_DOWNLOAD_FAILED ? d->err : WEFT_OK;
    }
    int error_number = rv == WEFT_OK ? pthread_create(&d->thread, NULL, run, d) : 0;
    if (error_number != 0) {
        rv = weft_fail(msg, WEFT_EIO, "start the thread of a download: %s", strerror(error_number));
    }
    if (rv != WEFT_OK) {
        destroy(d);
        return rv;
    }
    *ret_download = d;
    return WEFT_OK;
}

void weft_download_close(struct weft_download *download)
{
    if (download == NULL) {
        return;
    }
    __atomic_store_n(&download->cancel, true, __ATOMIC_RELAXED);
    (void)pthread_mutex_lock(&download->mutex);
    download->stop = true;
    (void)pthread_cond_signal(&download->wanted);
    (void)pthread_mutex_unlock(&download->mutex);
    (void)pthread_join(download->thread, NULL);
    destroy(download);
}
