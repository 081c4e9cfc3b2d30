#include "node/checkpoint/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "node/checkpoint/record.h"
#include "node/checkpoint/take.h"
#include "node/checkpoint/tree.h"
#include "proto/check.h"
#include "proto/crc32c.h"
#include "proto/limits.h"
#include "raft/failpoint.h"

enum {
    KEPT_DEFAULT = 2,
    NICE = 10, /* Hashing gives way to the loop. */
};

struct weft_keeper {
    struct weft_keeper_options options;
    char directory[WEFT_CHECKPOINT_PATH_SIZE];
    char staging[WEFT_CHECKPOINT_PATH_SIZE];
    pthread_mutex_t mutex;
    pthread_mutex_t entering; /* Held around giving a checkpoint its name; taken before mutex. */
    pthread_t thread;
    bool has_thread; /* To be joined; the loop's. */
    bool cancel;     /* Atomic. */
    struct weft_keeper_source source;
    /* Below: under the mutex. */
    struct weft_record *records; /* Newest first. */
    struct weft_record *gone;    /* Removed, newest first; the loop may still borrow from them. */
    uint64_t floor;              /* weft_keeper_forget_below */
    bool is_taking;
    bool has_result;
    struct weft_keeper_result result;
};

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void lock(const struct weft_keeper *k)
{
    (void)pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&k->mutex);
}

static void unlock(const struct weft_keeper *k)
{
    (void)pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&k->mutex);
}

/* ---- The list; with the mutex ---- */

static void insert(struct weft_keeper *k, struct weft_record *record)
{
    struct weft_record **place = &k->records;
    while (*place != NULL && ((*place)->manifest.index > record->manifest.index ||
                                 ((*place)->manifest.index == record->manifest.index &&
                                     (*place)->manifest.term > record->manifest.term))) {
        place = &(*place)->next;
    }
    record->next = *place;
    *place = record;
}

static struct weft_record *find(const struct weft_keeper *k, struct weft_text name)
{
    struct weft_record *r = k->records;
    while (r != NULL && !weft_text_is(name, r->name)) {
        r = r->next;
    }
    return r;
}

/* Kept apart for a while: the loop may borrow from it. */
static void let_go(struct weft_keeper *k, struct weft_record *record)
{
    struct weft_record **place = &k->gone;
    record->next = k->gone;
    k->gone = record;
    for (int i = 0; i < WEFT_KEEPER_GONE_MAX && *place != NULL; i++) {
        place = &(*place)->next;
    }
    while (*place != NULL) {
        struct weft_record *oldest = *place;
        *place = oldest->next;
        weft_record_destroy(oldest);
    }
}

/* The oldest one that may go; NULL: none. Taken from the list. */
static struct weft_record *take_surplus(struct weft_keeper *k)
{
    struct weft_record **surplus = NULL;
    uint32_t count = 0;
    uint64_t now = now_ms();
    bool is_above = k->records != NULL && k->records->manifest.index >= k->floor;
    for (struct weft_record **place = &k->records; *place != NULL; place = &(*place)->next) {
        count++;
        bool is_surplus =
            count > k->options.kept || (is_above && (*place)->manifest.index < k->floor);
        if (is_surplus && (*place)->pinned_ms <= now) {
            surplus = place;
        }
    }
    if (surplus == NULL) {
        return NULL;
    }
    struct weft_record *record = *surplus;
    *surplus = record->next;
    return record;
}

/* ---- On disk ---- */

/* Out of sight by one rename first: a checkpoint is whole or not there. What cannot be removed
 * is tried again at the next start. */
static void prune(struct weft_keeper *k)
{
    char gone[WEFT_CHECKPOINT_PATH_SIZE + 64];
    for (;;) {
        lock(k);
        struct weft_record *record = take_surplus(k);
        unlock(k);
        if (record == NULL) {
            return;
        }
        struct weft_msg msg;
        (void)snprintf(gone, sizeof(gone), "%s/.gone-%s", k->directory, record->name);
        if (weft_tree_rename(record->directory, gone, &msg) != WEFT_OK ||
            weft_tree_remove(gone, &msg) != WEFT_OK) {
            /* Left for the next start. */
        }
        lock(k);
        let_go(k, record);
        unlock(k);
    }
}

static bool has(const struct weft_keeper *k, const char *name)
{
    struct weft_keeper_checkpoint present;
    return weft_keeper_find(k, weft_text_of(name), &present) == WEFT_OK;
}

static enum weft_err give_name(
    struct weft_keeper *k, const char *path, struct weft_record *record, struct weft_msg *msg)
{
    char place[WEFT_CHECKPOINT_PATH_SIZE];
    enum weft_err rv = weft_record_join(k->directory, weft_text_of(record->name), place, msg);
    if (rv == WEFT_OK) {
        rv = weft_tree_remove(place, msg); /* Not in the list: nothing that anybody relies on. */
    }
    if (rv == WEFT_OK) {
        weft_failpoint(WEFT_FAILPOINT_CHECKPOINT_RENAME);
        rv = weft_tree_rename(path, place, msg);
        weft_failpoint(WEFT_FAILPOINT_CHECKPOINT_SYNC);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_sync(k->directory, msg); /* NOD-201 */
    }
    if (rv == WEFT_OK && snprintf(record->files, sizeof(record->files), "%s/files", place) >=
                             (int)sizeof(record->files)) {
        rv = weft_fail(msg, WEFT_ETOOBIG, "%s: path too long", place);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    memcpy(record->directory, place, sizeof(place));
    lock(k);
    insert(k, record);
    unlock(k);
    return WEFT_OK;
}

/* Give the complete directory `path` its name and enter `record`, which is taken, into the
 * list. An equal one that is there already stays instead. */
static enum weft_err enter(
    struct weft_keeper *k, const char *path, struct weft_record *record, struct weft_msg *msg)
{
    enum weft_err rv;
    (void)pthread_mutex_lock(&k->entering);
    if (has(k, record->name)) {
        weft_record_destroy(record);
        rv = weft_tree_remove(path, msg);
    } else {
        rv = give_name(k, path, record, msg);
        if (rv != WEFT_OK) {
            weft_record_destroy(record);
        }
    }
    (void)pthread_mutex_unlock(&k->entering);
    return rv;
}

/* ---- Taking ---- */

static void take_one(struct weft_keeper *k, struct weft_keeper_result *ret_result)
{
    struct weft_take_result taken;
    lock(k);
    /* Only this thread and adopt change the list; adopt only adds. */
    const struct weft_record *before = k->records;
    unlock(k);
    const struct weft_take take = {k->staging, k->options.cluster, k->source, before, &k->cancel};
    uint64_t start_ms = now_ms();
    enum weft_err rv = weft_take_run(&take, &taken, &ret_result->msg);
    if (rv == WEFT_OK && taken.record != NULL) {
        ret_result->index = taken.record->manifest.index;
        ret_result->term = taken.record->manifest.term;
        rv = enter(k, k->staging, taken.record, &ret_result->msg);
    } else if (rv == WEFT_OK) {
        ret_result->index = before->manifest.index;
        ret_result->term = before->manifest.term;
    }
    if (rv == WEFT_OK) {
        ret_result->is_new = taken.record != NULL;
        ret_result->file_bytes = taken.file_bytes;
        ret_result->hashed_bytes = taken.hashed_bytes;
    } else {
        rv = weft_wrap(&ret_result->msg, rv, "take a checkpoint");
    }
    struct weft_msg ignored;
    (void)!weft_tree_remove(k->staging, &ignored); /* Tried again by the next one. */
    ret_result->err = rv;
    ret_result->duration_ms = now_ms() - start_ms;
}

static void *run(void *arg)
{
    struct weft_keeper *k = arg;
    struct weft_keeper_result result = {.err = WEFT_OK};
    sigset_t all; /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    (void)setpriority(PRIO_PROCESS, 0, NICE); /* Linux: of this thread. */
    take_one(k, &result);
    prune(k);
    lock(k);
    k->result = result;
    k->has_result = true;
    k->is_taking = false;
    unlock(k);
    if (k->options.on_change != NULL) {
        k->options.on_change(k->options.on_change_ctx);
    }
    return NULL;
}

enum weft_err weft_keeper_take(struct weft_keeper *keeper, const struct weft_keeper_source *source)
{
    if (weft_keeper_is_busy(keeper)) {
        return WEFT_EBUSY;
    }
    weft_assert(!keeper->has_thread);
    keeper->source = *source;
    keeper->is_taking = true;
    __atomic_store_n(&keeper->cancel, false, __ATOMIC_RELAXED);
    if (pthread_create(&keeper->thread, NULL, run, keeper) != 0) {
        keeper->is_taking = false;
        return WEFT_EBUSY; /* No room for a thread now. */
    }
    keeper->has_thread = true;
    return WEFT_OK;
}

bool weft_keeper_is_busy(const struct weft_keeper *keeper)
{
    lock(keeper);
    bool is_busy = keeper->is_taking || keeper->has_result;
    unlock(keeper);
    return is_busy;
}

void weft_keeper_forget_below(struct weft_keeper *keeper, uint64_t index)
{
    lock(keeper);
    keeper->floor = index;
    unlock(keeper);
}

static void join(struct weft_keeper *k)
{
    if (k->has_thread) {
        (void)pthread_join(k->thread, NULL);
        k->has_thread = false;
    }
}

void weft_keeper_cancel(struct weft_keeper *keeper)
{
    __atomic_store_n(&keeper->cancel, true, __ATOMIC_RELAXED);
    join(keeper);
}

bool weft_keeper_drain(struct weft_keeper *keeper, struct weft_keeper_result *ret_result)
{
    lock(keeper);
    bool has_result = keeper->has_result;
    if (has_result) {
        *ret_result = keeper->result;
        keeper->has_result = false;
    }
    unlock(keeper);
    if (has_result) {
        join(keeper);
    }
    return has_result;
}

/* ---- Looking up and serving ---- */

static struct weft_keeper_checkpoint view_of(const struct weft_record *r)
{
    return (struct weft_keeper_checkpoint){
        &r->manifest, {r->encoded.data, r->encoded.size}, r->files, r->file_bytes};
}

enum weft_err weft_keeper_newest(
    const struct weft_keeper *keeper, struct weft_keeper_checkpoint *ret_checkpoint)
{
    lock(keeper);
    const struct weft_record *r = keeper->records;
    if (r != NULL) {
        *ret_checkpoint = view_of(r);
    }
    unlock(keeper);
    return r != NULL ? WEFT_OK : WEFT_ENOTFOUND;
}

enum weft_err weft_keeper_find(const struct weft_keeper *keeper, struct weft_text name,
    struct weft_keeper_checkpoint *ret_checkpoint)
{
    lock(keeper);
    const struct weft_record *r = find(keeper, name);
    if (r != NULL) {
        *ret_checkpoint = view_of(r);
    }
    unlock(keeper);
    return r != NULL ? WEFT_OK : WEFT_ENOTFOUND;
}

void weft_keeper_pin(struct weft_keeper *keeper, struct weft_text name, uint64_t until_ms)
{
    lock(keeper);
    struct weft_record *r = find(keeper, name);
    if (r != NULL && r->pinned_ms < until_ms) {
        r->pinned_ms = until_ms;
    }
    unlock(keeper);
}

/* Path and size of the file that is asked for. */
static enum weft_err locate_file(struct weft_keeper *k, const struct weft_fetch *fetch,
    uint64_t now, char ret_path[WEFT_CHECKPOINT_PATH_SIZE], uint64_t *ret_size_bytes)
{
    enum weft_err rv = WEFT_ENOTFOUND;
    lock(k);
    struct weft_record *r = find(k, fetch->checkpoint);
    const struct weft_checkpoint_file *file =
        r != NULL ? weft_record_find(&r->manifest, fetch->file) : NULL;
    /* The name was found in our manifest, which holds none but plain ones (NOD-203). */
    if (file != NULL) {
        rv = weft_record_join(r->files, file->name, ret_path, NULL);
        *ret_size_bytes = file->size_bytes;
        if (r->pinned_ms < now + WEFT_KEEPER_PIN_MS) {
            r->pinned_ms = now + WEFT_KEEPER_PIN_MS;
        }
    }
    unlock(k);
    return rv;
}

static enum weft_err read_piece(const char *path, uint64_t offset, uint8_t *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? WEFT_ENOTFOUND : WEFT_EIO;
    }
    enum weft_err rv = WEFT_OK;
    while (rv == WEFT_OK && size > 0) {
        ssize_t got = pread(fd, buffer, size, (off_t)offset);
        if (got > 0) {
            buffer += got, size -= (size_t)got, offset += (uint64_t)got;
        } else if (got == 0) {
            rv = WEFT_ECORRUPT;
        } else if (errno != EINTR) {
            rv = WEFT_EIO;
        }
    }
    (void)close(fd);
    return rv;
}

void weft_keeper_read(struct weft_keeper *keeper, const struct weft_fetch *fetch,
    uint64_t request_ms, uint8_t *buffer, struct weft_chunk *ret_chunk)
{
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    uint64_t size_bytes = 0;
    size_t size = fetch->size_bytes;
    *ret_chunk = (struct weft_chunk){
        .checkpoint = fetch->checkpoint, .file = fetch->file, .offset = fetch->offset};
    enum weft_err rv = size == 0 || size > WEFT_CHUNK_SIZE_MAX ? WEFT_EINVAL : WEFT_OK;
    if (rv == WEFT_OK) {
        rv = locate_file(keeper, fetch, request_ms, path, &size_bytes);
    }
    if (rv == WEFT_OK && fetch->offset >= size_bytes) {
        rv = WEFT_EINVAL;
    }
    if (rv == WEFT_OK) {
        uint64_t rest = size_bytes - fetch->offset;
        size = rest < size ? (size_t)rest : size;
        rv = read_piece(path, fetch->offset, buffer, size);
    }
    ret_chunk->err = rv;
    if (rv == WEFT_OK) {
        ret_chunk->data = (struct weft_bytes){buffer, size};
        ret_chunk->crc32c = weft_crc32c(0, buffer, size);
    }
}

enum weft_err weft_keeper_locate(struct weft_keeper *keeper, const struct weft_digest *digest,
    uint64_t size_bytes, char ret_path[WEFT_CHECKPOINT_PATH_SIZE])
{
    enum weft_err rv = WEFT_ENOTFOUND;
    lock(keeper);
    for (const struct weft_record *r = keeper->records; r != NULL && rv != WEFT_OK; r = r->next) {
        for (uint32_t i = 0; i < r->manifest.file_count && rv != WEFT_OK; i++) {
            const struct weft_checkpoint_file *f = &r->manifest.files[i];
            if (f->size_bytes == size_bytes && weft_digest_equal(&f->digest, digest)) {
                rv = weft_record_join(r->files, f->name, ret_path, NULL);
            }
        }
    }
    unlock(keeper);
    return rv;
}

enum weft_err weft_keeper_adopt(
    struct weft_keeper *keeper, const char *path, struct weft_bytes manifest, struct weft_msg *msg)
{
    struct weft_record *record;
    char manifest_path[WEFT_CHECKPOINT_PATH_SIZE];
    enum weft_err rv = weft_record_create(path, manifest, &record, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (keeper->options.cluster != 0 && record->manifest.cluster != keeper->options.cluster) {
        rv = weft_fail(msg, WEFT_EPEER, "checkpoint %s is of cluster %016" PRIx64, record->name,
            record->manifest.cluster);
        weft_record_destroy(record);
        return rv;
    }
    rv = weft_record_check_files(record, msg);
    if (rv == WEFT_OK) {
        rv = weft_record_join(path, WEFT_TEXT("manifest"), manifest_path, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_remove(manifest_path, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_record_write_manifest(path, manifest, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_sync(record->files, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_sync(path, msg);
    }
    if (rv != WEFT_OK) {
        weft_record_destroy(record);
        return rv;
    }
    record->pinned_ms = now_ms() + WEFT_KEEPER_PIN_MS;
    return enter(keeper, path, record, msg);
}

/* ---- Open and close ---- */

/* Its name keeps it from being taken for a good one; what was wrong is told once. */
static enum weft_err set_aside(struct weft_keeper *k, const char *path, const struct weft_msg *why,
    struct weft_keeper_start *start, struct weft_msg *msg)
{
    char damaged[WEFT_CHECKPOINT_PATH_SIZE + 16];
    (void)snprintf(damaged, sizeof(damaged), "%s.damaged", path);
    if (start->damaged++ == 0) {
        start->first = *why;
    }
    enum weft_err rv = weft_tree_remove(damaged, msg);
    if (rv == WEFT_OK) {
        rv = weft_tree_rename(path, damaged, msg);
    }
    return rv == WEFT_OK ? weft_tree_sync(k->directory, msg) : rv;
}

static enum weft_err load_one(
    struct weft_keeper *k, const char *name, struct weft_keeper_start *start, struct weft_msg *msg)
{
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    struct weft_record *record;
    struct weft_msg why = {""};
    enum weft_err rv = weft_record_join(k->directory, weft_text_of(name), path, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    rv = weft_record_load(path, &record, &why);
    if (rv == WEFT_OK) {
        rv = weft_record_check_files(record, &why);
        if (rv == WEFT_OK && k->options.cluster != 0 &&
            record->manifest.cluster != k->options.cluster) {
            rv = weft_fail(
                &why, WEFT_ECORRUPT, "%s: of cluster %016" PRIx64, path, record->manifest.cluster);
        }
        if (rv == WEFT_OK) {
            insert(k, record);
            start->checkpoints++;
            return WEFT_OK;
        }
        weft_record_destroy(record);
    }
    if (rv == WEFT_EIO || rv == WEFT_ENOMEM) {
        *msg = why;
        return rv;
    }
    return set_aside(k, path, &why, start, msg);
}

static enum weft_err look_at(
    struct weft_keeper *k, const char *name, struct weft_keeper_start *start, struct weft_msg *msg)
{
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    uint64_t index, term;
    if (strcmp(name, ".taking") == 0 || strncmp(name, ".gone-", 6) == 0) {
        enum weft_err rv = weft_record_join(k->directory, weft_text_of(name), path, msg);
        start->half_made++;
        return rv == WEFT_OK ? weft_tree_remove(path, msg) : rv;
    }
    return weft_record_parse_name(name, &index, &term) ? load_one(k, name, start, msg) : WEFT_OK;
}

/* Names first: the directory changes while it is walked. */
static enum weft_err list(
    struct weft_keeper *k, struct weft_keeper_start *start, struct weft_msg *msg)
{
    struct dirent **entries;
    int count = scandir(k->directory, &entries, NULL, NULL);
    enum weft_err rv = WEFT_OK;
    if (count < 0) {
        return weft_fail(msg, WEFT_EIO, "%s: list: %s", k->directory, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        if (rv == WEFT_OK) {
            rv = look_at(k, entries[i]->d_name, start, msg);
        }
        free(entries[i]);
    }
    free(entries);
    return rv;
}

enum weft_err weft_keeper_open(const struct weft_keeper_options *options,
    struct weft_keeper **ret_keeper, struct weft_keeper_start *ret_start, struct weft_msg *msg)
{
    struct weft_keeper *k = calloc(1, sizeof(*k));
    struct weft_keeper_start start = {0};
    struct weft_msg own;
    msg = msg != NULL ? msg : &own;
    if (k == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open checkpoints");
    }
    k->options = *options;
    k->options.directory = k->directory;
    k->options.kept = options->kept != 0 ? options->kept : KEPT_DEFAULT;
    (void)pthread_mutex_init(&k->mutex, NULL);
    (void)pthread_mutex_init(&k->entering, NULL);
    enum weft_err rv = WEFT_OK;
    if (snprintf(k->directory, sizeof(k->directory), "%s", options->directory) >=
            (int)sizeof(k->directory) ||
        snprintf(k->staging, sizeof(k->staging), "%s/.taking", options->directory) >=
            (int)sizeof(k->staging)) {
        rv = weft_fail(msg, WEFT_EIO, "%s: path too long", options->directory);
    }
    if (rv == WEFT_OK) {
        rv = list(k, &start, msg);
    }
    if (rv != WEFT_OK) {
        weft_keeper_close(k);
        return rv;
    }
    *ret_keeper = k;
    *ret_start = start;
    return WEFT_OK;
}

void weft_keeper_close(struct weft_keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    weft_keeper_cancel(keeper);
    while (keeper->records != NULL || keeper->gone != NULL) {
        struct weft_record **list_of = keeper->records != NULL ? &keeper->records : &keeper->gone;
        struct weft_record *r = *list_of;
        *list_of = r->next;
        weft_record_destroy(r);
    }
    (void)pthread_mutex_destroy(&keeper->entering);
    (void)pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
}

enum weft_err weft_checkpoint_verify(const char *files_directory,
    const struct weft_manifest *manifest, const volatile bool *cancel, struct weft_msg *msg)
{
    char path[WEFT_CHECKPOINT_PATH_SIZE];
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        const struct weft_checkpoint_file *f = &manifest->files[i];
        struct weft_tree_sum sum = {.size_bytes = 0};
        enum weft_err rv = weft_record_join(files_directory, f->name, path, msg);
        if (rv == WEFT_OK) {
            rv = weft_tree_sum(path, cancel, &sum, msg);
        }
        if (rv == WEFT_ENOTFOUND) {
            rv = weft_fail(msg, WEFT_ECORRUPT, "%s: is missing", path);
        }
        if (rv == WEFT_OK &&
            (sum.size_bytes != f->size_bytes || !weft_digest_equal(&sum.digest, &f->digest))) {
            rv = weft_fail(msg, WEFT_ECORRUPT, "%s: is not what the manifest says", path);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}
