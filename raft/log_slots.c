#include "raft/log_slots.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

static const char new_name[] = "segment.new";

struct weft_log_slots {
    const struct weft_log_directory *directory;
    uint32_t size_bytes;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wanted;  /* For the thread: something to do. */
    pthread_cond_t changed; /* For takers: a spare, an error, the end. */
    /* Below: under the mutex. */
    struct weft_log_slot *spares;
    uint32_t spare_count;
    uint32_t spare_capacity;
    uint32_t numbers_used;
    uint32_t waiting;  /* Takers. */
    bool is_scrubbing; /* What is given is removed. */
    enum weft_err err; /* Of the last attempt to make one. Cleared by a new attempt. */
    struct weft_msg msg;
    bool stop; /* Read without the mutex by the maker of zeros, atomically. */
};

void weft_log_slot_name(uint32_t number, char ret_name[WEFT_LOG_SLOT_NAME_SIZE])
{
    (void)snprintf(ret_name, WEFT_LOG_SLOT_NAME_SIZE, "segment-%04" PRIu32, number);
}

uint32_t weft_log_slot_parse(const char *name)
{
    static const char prefix[] = "segment-";
    uint32_t number = 0;
    if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || strlen(name) != sizeof(prefix) - 1 + 4) {
        return 0;
    }
    for (const char *c = name + sizeof(prefix) - 1; *c != '\0'; c++) {
        if (*c < '0' || *c > '9') {
            return 0;
        }
        number = number * 10 + (uint32_t)(*c - '0');
    }
    return number;
}

/* The new file has its size, its zeros and its place on disk before it has its name. */
static enum weft_err make(
    struct weft_log_slots *s, uint32_t number, struct weft_log_slot *ret_slot, struct weft_msg *msg)
{
    const struct weft_log_directory *d = s->directory;
    char name[WEFT_LOG_SLOT_NAME_SIZE];
    int fd = d->ops->open(d->ops->ctx, d->fd, new_name, O_RDWR | O_CREAT | O_TRUNC);
    if (fd < 0) {
        return weft_fail(
            msg, weft_log_file_err(fd), "%s/%s: create: %s", d->path, new_name, strerror(-fd));
    }
    enum weft_err rv = weft_log_file_zero(d, fd, new_name, 0, s->size_bytes, &s->stop, msg);
    if (rv == WEFT_OK) {
        weft_log_slot_name(number, name);
        int renamed = d->ops->rename(d->ops->ctx, d->fd, new_name, name);
        if (renamed != 0) {
            rv = weft_fail(msg, weft_log_file_err(renamed), "%s/%s: rename to %s: %s", d->path,
                new_name, name, strerror(-renamed));
        } else {
            rv = weft_log_file_sync_directory(d, msg);
        }
    }
    if (rv != WEFT_OK) {
        d->ops->close(d->ops->ctx, fd);
        /* Half of it would only make a full disk fuller. */
        (void)d->ops->unlink(d->ops->ctx, d->fd, new_name);
        return rv;
    }
    *ret_slot = (struct weft_log_slot){number, fd};
    return WEFT_OK;
}

static bool push(struct weft_log_slots *s, struct weft_log_slot slot)
{
    if (s->spare_count == s->spare_capacity) {
        uint32_t capacity = s->spare_capacity * 2 + 8;
        struct weft_log_slot *spares = realloc(s->spares, capacity * sizeof(*spares));
        if (spares == NULL) {
            return false;
        }
        s->spares = spares;
        s->spare_capacity = capacity;
    }
    s->spares[s->spare_count++] = slot;
    return true;
}

static void make_one(struct weft_log_slots *s)
{
    struct weft_log_slot slot;
    struct weft_msg msg = {""};
    enum weft_err rv;
    s->err = WEFT_OK;
    if (s->numbers_used >= WEFT_LOG_SLOTS_MAX) {
        rv = weft_fail(&msg, WEFT_ENOSPC, "%s: more than %d segments; take a checkpoint",
            s->directory->path, WEFT_LOG_SLOTS_MAX);
    } else {
        uint32_t number = s->numbers_used + 1;
        (void)pthread_mutex_unlock(&s->mutex);
        rv = make(s, number, &slot, &msg);
        (void)pthread_mutex_lock(&s->mutex);
        if (rv == WEFT_OK) {
            s->numbers_used = number;
            rv = push(s, slot) ? WEFT_OK : weft_fail(&msg, WEFT_ENOMEM, "keep a spare segment");
        }
    }
    s->err = rv;
    s->msg = msg;
    (void)pthread_cond_broadcast(&s->changed);
}

/* A file that cannot be removed stays; it is found as a spare at the next start. */
static void discard(struct weft_log_slots *s, struct weft_log_slot slot)
{
    const struct weft_log_directory *d = s->directory;
    char name[WEFT_LOG_SLOT_NAME_SIZE];
    weft_log_slot_name(slot.number, name);
    (void)d->ops->unlink(d->ops->ctx, d->fd, name);
    d->ops->close(d->ops->ctx, slot.fd);
}

static void discard_one(struct weft_log_slots *s)
{
    struct weft_log_slot slot = s->spares[--s->spare_count];
    (void)pthread_mutex_unlock(&s->mutex);
    discard(s, slot);
    (void)pthread_mutex_lock(&s->mutex);
}

static void *run(void *arg)
{
    struct weft_log_slots *s = arg;
    sigset_t all; /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    (void)pthread_mutex_lock(&s->mutex);
    while (!s->stop) {
        bool is_wanted = s->spare_count < WEFT_LOG_SPARES_MIN + s->waiting;
        if (is_wanted && (s->err == WEFT_OK || s->waiting > 0)) {
            make_one(s);
            /* A taker that was told of the error is gone before the next attempt. */
            while (s->err != WEFT_OK && s->waiting > 0 && !s->stop) {
                (void)pthread_cond_wait(&s->wanted, &s->mutex);
            }
        } else if (s->spare_count > WEFT_LOG_SPARES_MAX) {
            discard_one(s);
        } else {
            (void)pthread_cond_wait(&s->wanted, &s->mutex);
        }
    }
    (void)pthread_mutex_unlock(&s->mutex);
    return NULL;
}

enum weft_err weft_log_slots_create(const struct weft_log_directory *directory, uint32_t size_bytes,
    uint32_t numbers_used, struct weft_log_slots **ret_slots, struct weft_msg *msg)
{
    struct weft_log_slots *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "keep spare segments");
    }
    s->directory = directory;
    s->size_bytes = size_bytes;
    s->numbers_used = numbers_used;
    (void)pthread_mutex_init(&s->mutex, NULL);
    (void)pthread_cond_init(&s->wanted, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    int rv = pthread_create(&s->thread, NULL, run, s);
    if (rv != 0) {
        free(s);
        return weft_fail(msg, WEFT_EIO, "start the thread for spare segments: %s", strerror(rv));
    }
    *ret_slots = s;
    return WEFT_OK;
}

void weft_log_slots_stop(struct weft_log_slots *slots)
{
    (void)pthread_mutex_lock(&slots->mutex);
    __atomic_store_n(&slots->stop, true, __ATOMIC_RELAXED);
    (void)pthread_cond_broadcast(&slots->wanted);
    (void)pthread_cond_broadcast(&slots->changed);
    (void)pthread_mutex_unlock(&slots->mutex);
}

void weft_log_slots_destroy(struct weft_log_slots *slots)
{
    const struct weft_log_directory *d = slots->directory;
    weft_log_slots_stop(slots);
    (void)pthread_join(slots->thread, NULL);
    weft_assert(slots->waiting == 0);
    for (uint32_t i = 0; i < slots->spare_count; i++) {
        d->ops->close(d->ops->ctx, slots->spares[i].fd);
    }
    (void)pthread_cond_destroy(&slots->changed);
    (void)pthread_cond_destroy(&slots->wanted);
    (void)pthread_mutex_destroy(&slots->mutex);
    free(slots->spares);
    free(slots);
}

void weft_log_slots_give(
    struct weft_log_slots *slots, struct weft_log_slot slot, uint32_t size_bytes)
{
    if (size_bytes != slots->size_bytes) {
        discard(slots, slot);
        return;
    }
    (void)pthread_mutex_lock(&slots->mutex);
    if (slots->is_scrubbing) {
        (void)pthread_mutex_unlock(&slots->mutex);
        discard(slots, slot);
        return;
    }
    if (!push(slots, slot)) {
        /* Forgotten until the next start finds it. */
        slots->directory->ops->close(slots->directory->ops->ctx, slot.fd);
    }
    (void)pthread_cond_signal(&slots->wanted);
    (void)pthread_cond_broadcast(&slots->changed);
    (void)pthread_mutex_unlock(&slots->mutex);
}

enum weft_err weft_log_slots_take(
    struct weft_log_slots *slots, struct weft_log_slot *ret_slot, struct weft_msg *msg)
{
    struct weft_log_slots *s = slots;
    enum weft_err rv = WEFT_OK;
    (void)pthread_mutex_lock(&s->mutex);
    s->err = WEFT_OK; /* What failed a while ago may work now: the thread tries once more. */
    s->waiting++;
    while (s->spare_count == 0 && s->err == WEFT_OK && !s->stop) {
        (void)pthread_cond_signal(&s->wanted);
        (void)pthread_cond_wait(&s->changed, &s->mutex);
    }
    s->waiting--;
    if (s->spare_count > 0) {
        /* The oldest: which one it is does not depend on who was faster. */
        *ret_slot = s->spares[0];
        memmove(s->spares, s->spares + 1, --s->spare_count * sizeof(*s->spares));
    } else if (s->stop) {
        rv = weft_fail(msg, WEFT_ECLOSED, "%s: closing", s->directory->path);
    } else {
        rv = s->err;
        if (msg != NULL) {
            *msg = s->msg;
        }
    }
    (void)pthread_cond_signal(&s->wanted);
    (void)pthread_mutex_unlock(&s->mutex);
    return rv;
}

void weft_log_slots_scrub(struct weft_log_slots *slots, bool is_on)
{
    (void)pthread_mutex_lock(&slots->mutex);
    slots->is_scrubbing = is_on;
    while (slots->spare_count > 0) {
        discard(slots, slots->spares[--slots->spare_count]);
    }
    (void)pthread_cond_signal(&slots->wanted);
    (void)pthread_mutex_unlock(&slots->mutex);
}

uint64_t weft_log_slots_spare_bytes(struct weft_log_slots *slots)
{
    (void)pthread_mutex_lock(&slots->mutex);
    uint64_t bytes = (uint64_t)slots->spare_count * slots->size_bytes;
    (void)pthread_mutex_unlock(&slots->mutex);
    return bytes;
}
