#include "raft/log_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/check.h"
#include "raft/failpoint.h"
#include "raft/log_frame.h"
#include "raft/mutant.h"

/* Blocks of one batch; chosen: 16 MiB of full ones. What is more goes with the next. */
enum {
    RANGES_MAX = 64
};

struct range {
    struct weft_log_segment *segment;
    uint32_t offset;
    uint32_t size;
    const uint8_t *memory;
};

struct batch {
    struct range ranges[RANGES_MAX];
    uint32_t count;
    uint64_t last_sequence;
    uint64_t bytes;
};

struct weft_log_writer {
    const struct weft_log_directory *directory;
    struct weft_log_meta *meta;
    struct weft_log_slots *slots;
    weft_log_on_sync *on_sync;
    void *on_sync_ctx;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wanted;  /* For the thread. */
    pthread_cond_t changed; /* For the loop. */
    /* Below: under the mutex. */
    struct weft_log_block *head; /* Oldest in memory. */
    struct weft_log_block *tail;
    struct weft_log_block *cursor; /* First that may still have something to write. */
    uint64_t pending_bytes;
    uint64_t published_sequence;
    uint64_t taken_sequence;
    uint64_t durable_sequence;
    enum weft_err err;
    struct weft_msg msg;
    bool is_waiting; /* The thread. */
    bool stop;
    uint64_t syncs;
    uint64_t sync_ns_total;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- The thread ---- */

/* With the mutex. */
static void take(struct weft_log_writer *w, struct batch *ret_batch)
{
    ret_batch->count = 0;
    ret_batch->bytes = 0;
    while (w->cursor != NULL && ret_batch->count < RANGES_MAX) {
        struct weft_log_block *b = w->cursor;
        if (b->taken < b->filled) {
            ret_batch->ranges[ret_batch->count++] = (struct range){
                b->segment, b->file_offset + b->taken, b->filled - b->taken, b->memory + b->taken};
            ret_batch->bytes += b->filled - b->taken;
            ret_batch->last_sequence = b->filled_sequence;
            b->taken = b->filled;
        }
        if (b->next == NULL) {
            break;
        }
        w->cursor = b->next;
    }
    if (ret_batch->count > 0) {
        w->taken_sequence = ret_batch->last_sequence;
    }
}

/* The segment's first write: find it a file, and say in its header what it is. */
static enum weft_err attach(
    struct weft_log_writer *w, struct weft_log_segment *segment, struct weft_msg *msg)
{
    struct weft_log_slot slot;
    uint8_t page[WEFT_LOG_PAGE_SIZE];
    char name[WEFT_LOG_SLOT_NAME_SIZE];
    enum weft_err rv = weft_log_slots_take(w->slots, &slot, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    const struct weft_log_segment_header header = {
        .cluster = w->meta->cluster,
        .number = segment->number,
        .first_sequence = segment->first_sequence,
        .first_index = segment->first_index,
        .chain = segment->chain,
        .size_bytes = segment->size_bytes,
        .salt = segment->salt,
    };
    weft_log_segment_encode(&header, page);
    weft_log_slot_name(slot.number, name);
    rv = weft_log_file_write(w->directory, slot.fd, name, page, sizeof(page), 0, msg);
    (void)pthread_mutex_lock(&w->mutex);
    segment->slot = slot;
    (void)pthread_mutex_unlock(&w->mutex);
    return rv;
}

/* A write ends on a page of zeros: whole pages spare the kernel from reading them first, and
 * recovery sees where the log ends. */
static enum weft_err write_range(
    struct weft_log_writer *w, const struct range *r, bool is_last, struct weft_msg *msg)
{
    static const uint8_t zeros[WEFT_LOG_PAGE_SIZE];
    const struct weft_log_directory *d = w->directory;
    size_t pad = is_last ? -(size_t)(r->offset + r->size) % WEFT_LOG_PAGE_SIZE : 0;
    char name[WEFT_LOG_SLOT_NAME_SIZE];
    struct iovec pieces[2] = {
        {(void *)(uintptr_t)r->memory, r->size}, {(void *)(uintptr_t)zeros, pad}};
    ssize_t put;
    weft_failpoint(WEFT_FAILPOINT_LOG_WRITE);
    do {
        put = d->ops->write(d->ops->ctx, r->segment->slot.fd, pieces, 2, (off_t)r->offset);
    } while (put == -EINTR);
    if (put == (ssize_t)(r->size + pad)) {
        return WEFT_OK;
    }
    weft_log_slot_name(r->segment->slot.number, name);
    if (put < 0) {
        return weft_fail(msg, weft_log_file_err((int)put),
            "%s/%s: write %zu bytes at %" PRIu32 ": %s", d->path, name, r->size + pad, r->offset,
            strerror((int)-put));
    }
    /* Short: write the rest again, which gives the reason if there is one. */
    size_t done = (size_t)put < r->size ? (size_t)put : r->size;
    enum weft_err rv = weft_log_file_write(
        d, r->segment->slot.fd, name, r->memory + done, r->size - done, r->offset + done, msg);
    if (rv == WEFT_OK) {
        rv = weft_log_file_write(
            d, r->segment->slot.fd, name, zeros, pad, (uint64_t)r->offset + r->size, msg);
    }
    return rv;
}

static enum weft_err sync_segment(
    struct weft_log_writer *w, const struct weft_log_segment *segment, struct weft_msg *msg)
{
    char name[WEFT_LOG_SLOT_NAME_SIZE];
    if (weft_mutant(WEFT_MUTANT_SYNC_SKIPPED)) {
        return WEFT_OK;
    }
    weft_log_slot_name(segment->slot.number, name);
    return weft_log_file_sync(w->directory, segment->slot.fd, name, msg);
}

static enum weft_err write_batch(
    struct weft_log_writer *w, const struct batch *batch, struct weft_msg *msg)
{
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && i < batch->count; i++) {
        const struct range *r = &batch->ranges[i];
        bool is_last = i + 1 == batch->count || r[1].segment != r->segment;
        if (r->segment->slot.fd < 0) {
            rv = attach(w, r->segment, msg);
        }
        if (rv == WEFT_OK) {
            rv = write_range(w, r, is_last, msg);
        }
    }
    weft_failpoint(WEFT_FAILPOINT_LOG_SYNC);
    for (uint32_t i = 0; rv == WEFT_OK && i < batch->count; i++) {
        const struct range *r = &batch->ranges[i];
        if (i + 1 == batch->count || r[1].segment != r->segment) {
            rv = sync_segment(w, r->segment, msg);
        }
    }
    weft_failpoint(WEFT_FAILPOINT_LOG_MARK);
    /* Not synced itself: it serves a start after a kill at once, and after a power cut once the
     * log has rested. Before anybody hears of the batch. */
    if (rv == WEFT_OK && !weft_mutant(WEFT_MUTANT_SYNC_SKIPPED)) {
        rv = weft_log_meta_mark(w->meta, batch->last_sequence, msg);
    }
    return rv;
}

/* With the mutex. The only writer of w->err. */
static void die(struct weft_log_writer *w, enum weft_err err, const struct weft_msg *msg)
{
    if (w->err != WEFT_OK) {
        return;
    }
    w->err = err;
    w->msg = *msg;
    if (err == WEFT_ENOSPC) {
        /* Room for the log line, and for the operator, that say so. */
        (void)w->directory->ops->unlink(w->directory->ops->ctx, w->directory->fd, "reserve");
    }
    (void)pthread_cond_broadcast(&w->changed);
}

/* With the mutex. False: the time is up. */
static bool wait_for_work(struct weft_log_writer *w, bool is_mark_dirty)
{
    int rv = 0;
    w->is_waiting = true;
    if (is_mark_dirty) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += WEFT_LOG_MARK_SYNC_MS / 1000;
        rv = pthread_cond_timedwait(&w->wanted, &w->mutex, &until);
    } else {
        rv = pthread_cond_wait(&w->wanted, &w->mutex);
    }
    w->is_waiting = false;
    return rv != ETIMEDOUT;
}

/* Without the mutex; carries `batch` out and tells. */
static void run_batch(struct weft_log_writer *w, const struct batch *batch)
{
    struct weft_msg msg = {""};
    uint64_t start_ns = now_ns();
    enum weft_err rv = write_batch(w, batch, &msg);
    uint64_t spent_ns = now_ns() - start_ns;
    (void)pthread_mutex_lock(&w->mutex);
    if (rv != WEFT_OK && !weft_mutant(WEFT_MUTANT_DISK_ERROR_IGNORED)) {
        die(w, rv, &msg);
    } else {
        w->durable_sequence = batch->last_sequence;
        w->pending_bytes -= batch->bytes;
        w->syncs++;
        w->sync_ns_total += spent_ns;
        (void)pthread_cond_broadcast(&w->changed);
    }
    (void)pthread_mutex_unlock(&w->mutex);
    if (w->on_sync != NULL) {
        w->on_sync(w->on_sync_ctx);
    }
}

static void sync_mark(struct weft_log_writer *w)
{
    struct weft_msg msg = {""};
    enum weft_err rv = weft_log_meta_sync(w->meta, &msg);
    if (rv != WEFT_OK) {
        (void)pthread_mutex_lock(&w->mutex);
        die(w, rv, &msg);
        (void)pthread_mutex_unlock(&w->mutex);
        if (w->on_sync != NULL) {
            w->on_sync(w->on_sync_ctx);
        }
    }
}

static void *run(void *arg)
{
    struct weft_log_writer *w = arg;
    struct batch batch;
    bool is_mark_dirty = false;
    sigset_t all; /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (;;) {
        bool has_time = true;
        (void)pthread_mutex_lock(&w->mutex);
        take(w, &batch);
        if (batch.count == 0 && !w->stop && w->err == WEFT_OK) {
            has_time = wait_for_work(w, is_mark_dirty);
            take(w, &batch);
        }
        bool is_over = w->err != WEFT_OK || (w->stop && batch.count == 0);
        (void)pthread_mutex_unlock(&w->mutex);
        if (is_over) {
            break;
        }
        if (batch.count > 0) {
            run_batch(w, &batch);
            is_mark_dirty = true;
        } else if (!has_time) {
            sync_mark(w);
            is_mark_dirty = false;
        }
    }
    if (is_mark_dirty) {
        sync_mark(w);
    }
    return NULL;
}

/* ---- The loop ---- */

enum weft_err weft_log_writer_create(const struct weft_log_directory *directory,
    struct weft_log_meta *meta, struct weft_log_slots *slots, uint64_t durable_sequence,
    weft_log_on_sync *on_sync, void *on_sync_ctx, struct weft_log_writer **ret_writer,
    struct weft_msg *msg)
{
    struct weft_log_writer *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "start the disk thread");
    }
    w->directory = directory;
    w->meta = meta;
    w->slots = slots;
    w->on_sync = on_sync;
    w->on_sync_ctx = on_sync_ctx;
    w->published_sequence = w->taken_sequence = w->durable_sequence = durable_sequence;
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&w->mutex, NULL);
    (void)pthread_cond_init(&w->wanted, &attributes);
    (void)pthread_cond_init(&w->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    int rv = pthread_create(&w->thread, NULL, run, w);
    if (rv != 0) {
        free(w);
        return weft_fail(msg, WEFT_EIO, "start the disk thread: %s", strerror(rv));
    }
    *ret_writer = w;
    return WEFT_OK;
}

struct weft_log_block *weft_log_writer_destroy(struct weft_log_writer *writer)
{
    (void)pthread_mutex_lock(&writer->mutex);
    writer->stop = true;
    (void)pthread_cond_signal(&writer->wanted);
    (void)pthread_mutex_unlock(&writer->mutex);
    (void)pthread_join(writer->thread, NULL);
    (void)pthread_cond_destroy(&writer->changed);
    (void)pthread_cond_destroy(&writer->wanted);
    (void)pthread_mutex_destroy(&writer->mutex);
    struct weft_log_block *blocks = writer->head;
    free(writer);
    return blocks;
}

/* With the mutex. */
static enum weft_err error_of(const struct weft_log_writer *w, struct weft_msg *msg)
{
    if (w->err != WEFT_OK && msg != NULL) {
        *msg = w->msg;
    }
    return w->err;
}

enum weft_err weft_log_writer_admit(
    struct weft_log_writer *writer, uint64_t *ret_taken, struct weft_msg *msg)
{
    (void)pthread_mutex_lock(&writer->mutex);
    while (writer->err == WEFT_OK && writer->pending_bytes >= WEFT_LOG_PENDING_BYTES_MAX) {
        (void)pthread_cond_wait(&writer->changed, &writer->mutex);
    }
    enum weft_err rv = error_of(writer, msg);
    *ret_taken = writer->taken_sequence;
    (void)pthread_mutex_unlock(&writer->mutex);
    return rv;
}

/* With the mutex: what is laid out in the last block is the thread's to write. */
static void fill(struct weft_log_writer *w)
{
    struct weft_log_block *b = w->tail;
    if (b != NULL && b->filled < b->laid) {
        w->pending_bytes += b->laid - b->filled;
        b->filled = b->laid;
        b->filled_sequence = b->last_sequence;
        w->published_sequence = b->last_sequence;
    }
}

void weft_log_writer_add(struct weft_log_writer *writer, struct weft_log_block *block)
{
    (void)pthread_mutex_lock(&writer->mutex);
    fill(writer);
    *(writer->tail != NULL ? &writer->tail->next : &writer->head) = block;
    writer->tail = block;
    if (writer->cursor == NULL) {
        writer->cursor = block;
    }
    (void)pthread_mutex_unlock(&writer->mutex);
}

void weft_log_writer_publish(struct weft_log_writer *writer)
{
    (void)pthread_mutex_lock(&writer->mutex);
    fill(writer);
    if (writer->is_waiting) {
        (void)pthread_cond_signal(&writer->wanted);
    }
    (void)pthread_mutex_unlock(&writer->mutex);
}

struct weft_log_block *weft_log_writer_release(struct weft_log_writer *writer)
{
    struct weft_log_block *released = NULL;
    (void)pthread_mutex_lock(&writer->mutex);
    struct weft_log_block *b = writer->head;
    if (b != NULL && b != writer->tail && b != writer->cursor &&
        b->last_sequence <= writer->durable_sequence) {
        weft_assert(b->taken == b->laid);
        writer->head = b->next;
        released = b;
    }
    (void)pthread_mutex_unlock(&writer->mutex);
    return released;
}

uint64_t weft_log_writer_durable(
    struct weft_log_writer *writer, enum weft_err *ret_err, struct weft_msg *msg)
{
    (void)pthread_mutex_lock(&writer->mutex);
    uint64_t durable = writer->durable_sequence;
    *ret_err = error_of(writer, msg);
    (void)pthread_mutex_unlock(&writer->mutex);
    return durable;
}

enum weft_err weft_log_writer_drain(struct weft_log_writer *writer, struct weft_msg *msg)
{
    (void)pthread_mutex_lock(&writer->mutex);
    while (writer->err == WEFT_OK && writer->durable_sequence < writer->published_sequence) {
        (void)pthread_cond_wait(&writer->changed, &writer->mutex);
    }
    enum weft_err rv = error_of(writer, msg);
    (void)pthread_mutex_unlock(&writer->mutex);
    return rv;
}

void weft_log_writer_kill(
    struct weft_log_writer *writer, enum weft_err err, const struct weft_msg *msg)
{
    (void)pthread_mutex_lock(&writer->mutex);
    die(writer, err, msg);
    (void)pthread_cond_signal(&writer->wanted);
    (void)pthread_mutex_unlock(&writer->mutex);
}

void weft_log_writer_stats(struct weft_log_writer *writer, struct weft_log_stats *stats)
{
    (void)pthread_mutex_lock(&writer->mutex);
    stats->syncs = writer->syncs;
    stats->sync_ns_total = writer->sync_ns_total;
    (void)pthread_mutex_unlock(&writer->mutex);
}
