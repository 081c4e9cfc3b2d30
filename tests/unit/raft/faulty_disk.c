#include "tests/unit/raft/faulty_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FILES_MAX = 4096,
    NAMES_MAX = 256,
    FDS_MAX = 1024,
    SECTOR = 512
};

struct content {
    uint8_t *data;
    size_t size;
};

struct pending {
    struct pending *next;
    uint64_t offset;
    size_t size;
    uint8_t data[];
};

/* An inode. */
struct file {
    struct content platter;
    struct pending *head, **tail;
    bool is_used;
};

struct name {
    char text[32];
    uint32_t file; /* UINT32_MAX: none. */
};

struct directory_op {
    struct name set;  /* text names file; UINT32_MAX removes it. */
    char removes[32]; /* And this name goes. */
};

struct fault {
    uint64_t calls_left;
    int error;
    bool stays;
};

struct faulty_disk {
    struct weft_log_file_ops ops;
    pthread_mutex_t mutex;
    pthread_cond_t released;
    char directory[512];
    struct file files[FILES_MAX];
    uint32_t file_count;
    struct name live[NAMES_MAX];
    struct name durable[NAMES_MAX];
    struct directory_op pending[1024];
    uint32_t pending_count;
    uint32_t file_of_fd[FDS_MAX];
    struct fault faults[FAULTY_OPS];
    uint64_t limit_bytes;
    uint64_t syncs;
    uint64_t random;
    bool is_frozen;
    bool lies;
    bool holds_syncs;
    char aim[32];          /* Faults strike files whose name begins so. */
    uint64_t changes_left; /* Then frozen; 0: not planted. */
};

static uint64_t next(struct faulty_disk *d)
{
    uint64_t z = (d->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0, or -errno. */
static int admit(struct faulty_disk *d, enum faulty_op op)
{
    struct fault *f = &d->faults[op];
    if (d->is_frozen) {
        return -EIO;
    }
    if (f->calls_left > 0 && --f->calls_left == 0) {
        f->calls_left = f->stays ? 1 : 0;
        return -f->error;
    }
    return 0;
}

/* A spare segment in the making must not catch a fault that is meant for others. */
static bool is_aimed_at(const struct faulty_disk *d, int fd)
{
    for (int i = 0; i < NAMES_MAX; i++) {
        if (d->live[i].text[0] != '\0' && d->live[i].file == d->file_of_fd[fd]) {
            return strcmp(d->live[i].text, "segment.new") != 0 &&
                   strncmp(d->live[i].text, d->aim, strlen(d->aim)) == 0;
        }
    }
    return d->aim[0] == '\0';
}

static int admit_file(struct faulty_disk *d, enum faulty_op op, int fd)
{
    return is_aimed_at(d, fd) ? admit(d, op) : (d->is_frozen ? -EIO : 0);
}

/* An operation that changes something has been carried out. */
static void changed(struct faulty_disk *d)
{
    if (d->changes_left > 0 && --d->changes_left == 0) {
        d->is_frozen = true;
    }
}

static struct name *find(struct name *names, const char *text, bool add)
{
    for (int i = 0; i < NAMES_MAX; i++) {
        if (strcmp(names[i].text, text) == 0) {
            return &names[i];
        }
    }
    for (int i = 0; add && i < NAMES_MAX; i++) {
        if (names[i].text[0] == '\0') {
            (void)snprintf(names[i].text, sizeof(names[i].text), "%s", text);
            names[i].file = UINT32_MAX;
            return &names[i];
        }
    }
    return NULL;
}

static void apply_directory_op(struct name *names, const struct directory_op *op)
{
    if (op->removes[0] != '\0') {
        struct name *gone = find(names, op->removes, false);
        if (gone != NULL) {
            gone->text[0] = '\0';
        }
    }
    if (op->set.text[0] != '\0') {
        find(names, op->set.text, true)->file = op->set.file;
    }
}

static void note_directory_op(
    struct faulty_disk *d, const char *set, uint32_t file, const char *gone)
{
    struct directory_op op = {.set.file = file};
    (void)snprintf(op.set.text, sizeof(op.set.text), "%s", set);
    (void)snprintf(op.removes, sizeof(op.removes), "%s", gone);
    apply_directory_op(d->live, &op);
    if (d->pending_count == sizeof(d->pending) / sizeof(d->pending[0])) {
        apply_directory_op(d->durable, &d->pending[0]);
        memmove(d->pending, d->pending + 1, --d->pending_count * sizeof(d->pending[0]));
    }
    d->pending[d->pending_count++] = op;
}

static void store(struct content *c, const uint8_t *data, size_t size, uint64_t offset)
{
    if (offset + size > c->size) {
        c->data = realloc(c->data, offset + size);
        memset(c->data + c->size, 0, offset + size - c->size);
        c->size = offset + size;
    }
    memcpy(c->data + offset, data, size);
}

static void note_write(struct file *f, const uint8_t *data, size_t size, uint64_t offset)
{
    struct pending *p = malloc(sizeof(*p) + size);
    p->next = NULL;
    p->offset = offset;
    p->size = size;
    memcpy(p->data, data, size);
    *f->tail = p;
    f->tail = &p->next;
}

/* Every sector of every unsynced write reaches the platter with chance keep of 256. */
static void settle(struct faulty_disk *d, struct file *f, unsigned keep)
{
    while (f->head != NULL) {
        struct pending *p = f->head;
        f->head = p->next;
        for (size_t at = 0; at < p->size;) {
            size_t piece = SECTOR - (p->offset + at) % SECTOR;
            piece = piece < p->size - at ? piece : p->size - at;
            if (next(d) % 256 < keep) {
                store(&f->platter, p->data + at, piece, p->offset + at);
            }
            at += piece;
        }
        free(p);
    }
    f->tail = &f->head;
}

static int faulty_open(void *ctx, int directory, const char *name, int flags)
{
    struct faulty_disk *d = ctx;
    (void)pthread_mutex_lock(&d->mutex);
    int fd = admit(d, FAULTY_OPEN);
    struct name *known = find(d->live, name, false);
    if (fd == 0) {
        fd = openat(directory, name, flags | O_CLOEXEC, 0600);
        fd = fd >= 0 ? fd : -errno;
    }
    if (fd >= FDS_MAX) {
        abort();
    }
    if (fd >= 0 && (known == NULL || (flags & O_TRUNC) != 0)) {
        /* Truncation is a new inode here: stricter than any file system. */
        uint32_t file = d->file_count++;
        if (file >= FILES_MAX) {
            abort();
        }
        d->files[file].is_used = true;
        d->files[file].tail = &d->files[file].head;
        note_directory_op(d, name, file, "");
        known = find(d->live, name, false);
    }
    if (fd >= 0) {
        d->file_of_fd[fd] = known->file;
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return fd;
}

static void faulty_close(void *ctx, int fd)
{
    struct faulty_disk *d = ctx;
    (void)pthread_mutex_lock(&d->mutex);
    (void)close(fd);
    (void)pthread_mutex_unlock(&d->mutex);
}

static ssize_t faulty_read(void *ctx, int fd, void *data, size_t size, off_t offset)
{
    struct faulty_disk *d = ctx;
    (void)pthread_mutex_lock(&d->mutex);
    ssize_t rv = admit(d, FAULTY_READ);
    if (rv == 0) {
        rv = pread(fd, data, size, offset);
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return rv;
}

static uint64_t live_bytes(const struct faulty_disk *d)
{
    uint64_t bytes = 0;
    char path[1024];
    for (int i = 0; i < NAMES_MAX; i++) {
        if (d->live[i].text[0] != '\0') {
            (void)snprintf(path, sizeof(path), "%s/%s", d->directory, d->live[i].text);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
            bytes += end > 0 ? (uint64_t)end : 0;
            (void)close(fd);
        }
    }
    return bytes;
}

static bool is_over_limit(struct faulty_disk *d, int fd, size_t size, off_t offset)
{
    off_t end = lseek(fd, 0, SEEK_END);
    return d->limit_bytes > 0 && offset + (off_t)size > end &&
           live_bytes(d) + (uint64_t)(offset + (off_t)size - end) > d->limit_bytes;
}

static ssize_t faulty_write(void *ctx, int fd, const struct iovec *pieces, int count, off_t offset)
{
    struct faulty_disk *d = ctx;
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        size += pieces[i].iov_len;
    }
    uint8_t *data = malloc(size + 1);
    for (int i = 0, at = 0; i < count; i++) {
        memcpy(data + at, pieces[i].iov_base, pieces[i].iov_len);
        at += (int)pieces[i].iov_len;
    }
    (void)pthread_mutex_lock(&d->mutex);
    ssize_t rv = admit_file(d, FAULTY_WRITE, fd);
    if (rv == 0 && admit_file(d, FAULTY_SHORT_WRITE, fd) != 0) {
        size /= 2;
        d->faults[FAULTY_WRITE] = (struct fault){1, d->faults[FAULTY_SHORT_WRITE].error, true};
    }
    if (rv == 0 && is_over_limit(d, fd, size, offset)) {
        rv = -ENOSPC;
    }
    if (rv == 0) {
        rv = pwrite(fd, data, size, offset);
        if (rv != (ssize_t)size) {
            abort();
        }
        note_write(&d->files[d->file_of_fd[fd]], data, size, (uint64_t)offset);
        changed(d);
    }
    (void)pthread_mutex_unlock(&d->mutex);
    free(data);
    return rv;
}

/* A failed sync leaves the pages clean and part of them lost, as Linux does: a later sync says
 * nothing of them. */
static int faulty_sync(void *ctx, int fd)
{
    struct faulty_disk *d = ctx;
    (void)pthread_mutex_lock(&d->mutex);
    while (d->holds_syncs && is_aimed_at(d, fd)) {
        (void)pthread_cond_wait(&d->released, &d->mutex);
    }
    int rv = admit_file(d, FAULTY_SYNC, fd);
    if (!d->is_frozen) {
        settle(d, &d->files[d->file_of_fd[fd]], rv == 0 && !d->lies ? 256 : 100);
        d->syncs++;
        changed(d);
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return rv;
}

static int faulty_allocate(void *ctx, int fd, off_t size)
{
    struct faulty_disk *d = ctx;
    (void)pthread_mutex_lock(&d->mutex);
    int rv = admit(d, FAULTY_ALLOCATE);
    if (rv == 0 && is_over_limit(d, fd, (size_t)size, 0)) {
        rv = -ENOSPC;
    }
    if (rv == 0) {
        rv = -posix_fallocate(fd, 0, size);
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return rv;
}

static int faulty_sync_directory(void *ctx, int directory)
{
    struct faulty_disk *d = ctx;
    (void)directory;
    (void)pthread_mutex_lock(&d->mutex);
    int rv = admit(d, FAULTY_SYNC_DIRECTORY);
    for (uint32_t i = 0; rv == 0 && i < d->pending_count; i++) {
        apply_directory_op(d->durable, &d->pending[i]);
    }
    if (rv == 0) {
        d->pending_count = 0;
        changed(d);
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return rv;
}

static int faulty_rename(void *ctx, int directory, const char *from, const char *to)
{
    struct faulty_disk *d = ctx;
    (void)pthread_mutex_lock(&d->mutex);
    int rv = admit(d, FAULTY_RENAME);
    if (rv == 0) {
        rv = renameat(directory, from, directory, to) == 0 ? 0 : -errno;
    }
    if (rv == 0) {
        note_directory_op(d, to, find(d->live, from, false)->file, from);
        changed(d);
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return rv;
}

static int faulty_unlink(void *ctx, int directory, const char *name)
{
    struct faulty_disk *d = ctx;
    (void)pthread_mutex_lock(&d->mutex);
    int rv = d->is_frozen ? -EIO : 0;
    if (rv == 0) {
        rv = unlinkat(directory, name, 0) == 0 ? 0 : -errno;
    }
    if (rv == 0) {
        note_directory_op(d, "", UINT32_MAX, name);
        changed(d);
    }
    (void)pthread_mutex_unlock(&d->mutex);
    return rv;
}

struct faulty_disk *faulty_disk_create(const char *directory)
{
    struct faulty_disk *d = calloc(1, sizeof(*d));
    (void)snprintf(d->directory, sizeof(d->directory), "%s", directory);
    (void)pthread_mutex_init(&d->mutex, NULL);
    (void)pthread_cond_init(&d->released, NULL);
    d->ops = (struct weft_log_file_ops){
        .ctx = d,
        .open = faulty_open,
        .close = faulty_close,
        .read = faulty_read,
        .write = faulty_write,
        .sync = faulty_sync,
        .allocate = faulty_allocate,
        .sync_directory = faulty_sync_directory,
        .rename = faulty_rename,
        .unlink = faulty_unlink,
    };
    return d;
}

void faulty_disk_destroy(struct faulty_disk *d)
{
    for (uint32_t i = 0; i < d->file_count; i++) {
        settle(d, &d->files[i], 0);
        free(d->files[i].platter.data);
    }
    (void)pthread_cond_destroy(&d->released);
    (void)pthread_mutex_destroy(&d->mutex);
    free(d);
}

const struct weft_log_file_ops *faulty_disk_ops(struct faulty_disk *d)
{
    return &d->ops;
}

void faulty_disk_fail(struct faulty_disk *d, enum faulty_op op, uint64_t nth, int error, bool stays)
{
    (void)pthread_mutex_lock(&d->mutex);
    d->faults[op] = (struct fault){nth, error, stays};
    (void)pthread_mutex_unlock(&d->mutex);
}

void faulty_disk_aim(struct faulty_disk *d, const char *prefix)
{
    (void)pthread_mutex_lock(&d->mutex);
    (void)snprintf(d->aim, sizeof(d->aim), "%s", prefix);
    (void)pthread_mutex_unlock(&d->mutex);
}

void faulty_disk_limit(struct faulty_disk *d, uint64_t bytes)
{
    (void)pthread_mutex_lock(&d->mutex);
    d->limit_bytes = bytes;
    (void)pthread_mutex_unlock(&d->mutex);
}

void faulty_disk_lie(struct faulty_disk *d)
{
    (void)pthread_mutex_lock(&d->mutex);
    d->lies = true;
    (void)pthread_mutex_unlock(&d->mutex);
}

void faulty_disk_hold_syncs(struct faulty_disk *d, bool holds)
{
    (void)pthread_mutex_lock(&d->mutex);
    d->holds_syncs = holds;
    (void)pthread_cond_broadcast(&d->released);
    (void)pthread_mutex_unlock(&d->mutex);
}

uint64_t faulty_disk_syncs(const struct faulty_disk *d)
{
    return d->syncs;
}

void faulty_disk_freeze(struct faulty_disk *d)
{
    (void)pthread_mutex_lock(&d->mutex);
    d->is_frozen = true;
    (void)pthread_mutex_unlock(&d->mutex);
}

void faulty_disk_freeze_after(struct faulty_disk *d, uint64_t nth)
{
    (void)pthread_mutex_lock(&d->mutex);
    d->changes_left = nth;
    (void)pthread_mutex_unlock(&d->mutex);
}

void faulty_disk_thaw(struct faulty_disk *d)
{
    d->changes_left = 0;
    memset(d->faults, 0, sizeof(d->faults));
    d->is_frozen = false;
}

static void put_file(const char *path, const struct content *c)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, c->data, c->size) != (ssize_t)c->size) {
        abort();
    }
    (void)close(fd);
}

void faulty_disk_cut(struct faulty_disk *d, uint64_t seed)
{
    char path[1024];
    d->random = seed;
    /* Nothing, everything, or any mixture. */
    uint64_t mode = next(d) % 4;
    unsigned keep = mode == 0 ? 0 : mode == 1 ? 256 : (unsigned)(next(d) % 256);
    uint64_t kept = next(d) % (d->pending_count + 1);
    for (uint64_t i = 0; i < kept; i++) {
        apply_directory_op(d->durable, &d->pending[i]);
    }
    d->pending_count = 0;
    for (uint32_t i = 0; i < d->file_count; i++) {
        settle(d, &d->files[i], keep);
    }
    DIR *directory = opendir(d->directory);
    for (const struct dirent *e; (e = readdir(directory)) != NULL;) {
        (void)snprintf(path, sizeof(path), "%s/%s", d->directory, e->d_name);
        (void)unlink(path);
    }
    (void)closedir(directory);
    memcpy(d->live, d->durable, sizeof(d->live));
    for (int i = 0; i < NAMES_MAX; i++) {
        if (d->live[i].text[0] != '\0') {
            (void)snprintf(path, sizeof(path), "%s/%s", d->directory, d->live[i].text);
            put_file(path, &d->files[d->live[i].file].platter);
        }
    }
    faulty_disk_thaw(d);
}
