/* jepsen/cluster/shim/disk.c: preloaded into a node: writes and syncs below its data directory
 * fail, take long, or are torn, as the page says (page.h), and are counted. The functions have the
 * names of the C library's, whose own ones do the work. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "jepsen/cluster/shim/page.h"

#define EXPORT __attribute__((visibility("default")))

enum {
    DESCRIPTORS_MAX = 65536, /* others are not looked at; chosen: above any limit of a node */
    PATH_BYTES = 512,
    SECTOR_BYTES = 512, /* what a disk writes whole */
    AREA_UNKNOWN = 0
};

static struct jep_disk_page *page;
static uint8_t areas[DESCRIPTORS_MAX]; /* jep_disk_area + 1; AREA_UNKNOWN: not looked at yet */

/* Resolved once: no call of the C library's own may come back to ours. */
static struct {
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*sync_file_range)(int, off_t, off_t, unsigned);
    int (*fallocate)(int, int, off_t, off_t);
    int (*posix_fallocate)(int, off_t, off_t);
    int (*close)(int);
    int (*open)(const char *, int, ...);
    int (*openat)(int, const char *, int, ...);
    int (*socket)(int, int, int);
    int (*accept4)(int, struct sockaddr *, socklen_t *, int);
    int (*accept)(int, struct sockaddr *, socklen_t *);
    int (*mkdir)(const char *, mode_t);
    int (*link)(const char *, const char *);
    int (*rename)(const char *, const char *);
    int (*renameat)(int, const char *, int, const char *);
} real;

static void resolve(void)
{
#define RESOLVE(name)                                                                              \
    do {                                                                                           \
        void *found = dlsym(RTLD_NEXT, #name);                                                     \
        memcpy(&real.name, &found, sizeof(found));                                                 \
    } while (0)
    RESOLVE(write);
    RESOLVE(pwrite);
    RESOLVE(writev);
    RESOLVE(pwritev);
    RESOLVE(fsync);
    RESOLVE(fdatasync);
    RESOLVE(sync_file_range);
    RESOLVE(fallocate);
    RESOLVE(posix_fallocate);
    RESOLVE(close);
    RESOLVE(open);
    RESOLVE(openat);
    RESOLVE(socket);
    RESOLVE(accept4);
    RESOLVE(accept);
    RESOLVE(mkdir);
    RESOLVE(link);
    RESOLVE(rename);
    RESOLVE(renameat);
#undef RESOLVE
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv(JEP_DISK_ENV);
    if (real.close == NULL) {
        resolve();
    }
    int fd = path != NULL ? real.open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) {
        return;
    }
    void *mapped = mmap(NULL, JEP_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)real.close(fd);
    page = mapped != MAP_FAILED ? mapped : NULL;
}

static uint32_t get(const uint32_t *field)
{
    return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static void add(uint64_t *field, uint64_t count)
{
    (void)__atomic_fetch_add(field, count, __ATOMIC_RELAXED);
}

static enum jep_disk_area look_at(int fd)
{
    char link[32], path[PATH_BYTES];
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof(path) - 1);
    if (size <= 0) {
        return JEP_AREA_NONE;
    }
    path[size] = 0;
    if (strstr(path, "/disk/") == NULL) {
        return JEP_AREA_NONE;
    }
    /* The directory itself is synced too. */
    return strstr(path, "/raft/") != NULL || strcmp(path + size - 5, "/raft") == 0 ? JEP_AREA_LOG
                                                                                   : JEP_AREA_STATE;
}

static enum jep_disk_area area_of(int fd)
{
    if (page == NULL || fd < 0 || fd >= DESCRIPTORS_MAX) {
        return JEP_AREA_NONE;
    }
    uint8_t known = __atomic_load_n(&areas[fd], __ATOMIC_RELAXED);
    if (known == AREA_UNKNOWN) {
        int before = errno;
        known = (uint8_t)(look_at(fd) + 1);
        errno = before;
        __atomic_store_n(&areas[fd], known, __ATOMIC_RELAXED);
    }
    return (enum jep_disk_area)(known - 1);
}

/* Any generator will do: which of the calls fail is chance of the machine anyway. */
static bool draws(uint32_t per_million)
{
    static uint64_t state = 88172645463325252u;
    uint64_t x = __atomic_load_n(&state, __ATOMIC_RELAXED);
    x ^= x << 13, x ^= x >> 7, x ^= x << 17; /* xorshift64 (Marsaglia 2003) */
    __atomic_store_n(&state, x, __ATOMIC_RELAXED);
    return x % 1000000 < per_million;
}

/* The errno that this call shall fail with; 0: it shall not. */
static int failure_of(enum jep_disk_area area, enum jep_disk_calls call)
{
    if (area == JEP_AREA_NONE || (get(&page->calls) & (uint32_t)call) == 0 ||
        (get(&page->areas) & 1u << area) == 0 || !draws(get(&page->per_million))) {
        return 0;
    }
    add(&page->failed, 1);
    return (int)get(&page->error);
}

static void count_error(enum jep_disk_area area, int error)
{
    if (area == JEP_AREA_NONE) {
        return;
    }
    if (error == ENOSPC) {
        add(&page->no_space, 1);
    } else if (error == EIO) {
        add(&page->io_errors, 1);
    } else if (error == EROFS) {
        add(&page->read_only, 1);
    }
}

/* The power goes in the middle of this write: its first sectors are on the disk, the rest never
 * is. A process that lives cannot see it, so it ends here. */
static void tear(int fd, const struct iovec *pieces, int count, off_t offset)
{
    size_t size = 0, kept = 0;
    for (int i = 0; i < count; i++) {
        size += pieces[i].iov_len;
    }
    size_t keep = size * get(&page->torn_part) / 1000000 / SECTOR_BYTES * SECTOR_BYTES;
    for (int i = 0; i < count && kept < keep; i++) {
        size_t piece = pieces[i].iov_len < keep - kept ? pieces[i].iov_len : keep - kept;
        ssize_t put = offset >= 0 ? real.pwrite(fd, pieces[i].iov_base, piece, offset + (off_t)kept)
                                  : real.write(fd, pieces[i].iov_base, piece);
        if (put <= 0) {
            break;
        }
        kept += (size_t)put;
    }
    (void)real.fdatasync(fd);
    add(&page->torn_bytes, size - kept);
    (void)kill(getpid(), SIGKILL);
    for (;;) {
        (void)pause();
    }
}

static ssize_t put_pieces(int fd, const struct iovec *pieces, int count, off_t offset)
{
    enum jep_disk_area area = area_of(fd);
    int failure = failure_of(area, JEP_CALL_WRITE);
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    if (area == JEP_AREA_LOG && get(&page->torn) != 0 &&
        __atomic_exchange_n(&page->torn, 0, __ATOMIC_RELAXED) != 0) {
        tear(fd, pieces, count, offset);
    }
    ssize_t put =
        offset >= 0 ? real.pwritev(fd, pieces, count, offset) : real.writev(fd, pieces, count);
    if (put < 0) {
        count_error(area, errno);
    } else if (area != JEP_AREA_NONE) {
        add(&page->writes, 1);
        add(&page->write_bytes, (uint64_t)put);
    }
    return put;
}

EXPORT ssize_t write(int fd, const void *data, size_t size)
{
    if (real.close == NULL) {
        resolve();
    }
    if (area_of(fd) == JEP_AREA_NONE) {
        return real.write(fd, data, size);
    }
    struct iovec piece = {(void *)(uintptr_t)data, size};
    return put_pieces(fd, &piece, 1, -1);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    struct iovec piece = {(void *)(uintptr_t)data, size};
    return put_pieces(fd, &piece, 1, offset);
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    return put_pieces(fd, pieces, count, -1);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return put_pieces(fd, pieces, count, offset);
}

/* Files above 2 GiB have a second set of names, which on 64 bits means the same. */
EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
    __attribute__((alias("pwrite")));
EXPORT ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t offset)
    __attribute__((alias("pwritev")));

static void delay(enum jep_disk_area area)
{
    uint32_t us = area != JEP_AREA_NONE && (get(&page->areas) & 1u << area) != 0
                      ? get(&page->sync_delay_us)
                      : 0;
    if (us > 0) {
        struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};
        add(&page->delayed, 1);
        while (nanosleep(&left, &left) != 0 && errno == EINTR) {
        }
    }
}

static int sync_with(int fd, int (*how)(int))
{
    enum jep_disk_area area = area_of(fd);
    int failure = failure_of(area, JEP_CALL_SYNC);
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    if (area != JEP_AREA_NONE) {
        delay(area);
        add(&page->syncs, 1);
    }
    int rv = how(fd);
    if (rv != 0) {
        count_error(area, errno);
    }
    return rv;
}

EXPORT int fsync(int fd)
{
    return sync_with(fd, real.fsync);
}

EXPORT int fdatasync(int fd)
{
    return sync_with(fd, real.fdatasync);
}

EXPORT int sync_file_range(int fd, off_t offset, off_t size, unsigned flags)
{
    enum jep_disk_area area = area_of(fd);
    int rv = real.sync_file_range(fd, offset, size, flags);
    if (rv != 0) {
        count_error(area, errno);
    }
    return rv;
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t size)
{
    enum jep_disk_area area = area_of(fd);
    int failure = failure_of(area, JEP_CALL_ALLOCATE);
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    int rv = real.fallocate(fd, mode, offset, size);
    if (rv != 0) {
        count_error(area, errno);
    }
    return rv;
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t size)
{
    enum jep_disk_area area = area_of(fd);
    int failure = failure_of(area, JEP_CALL_ALLOCATE);
    int rv = failure != 0 ? failure : real.posix_fallocate(fd, offset, size);
    if (failure == 0) {
        count_error(area, rv);
    }
    return rv;
}

/* --- names: nothing fails here on purpose, but a disk that is full or read-only is told of --- */

static int told(int rv)
{
    if (rv < 0 && page != NULL) {
        count_error(JEP_AREA_STATE, errno);
    }
    return rv;
}

/* Of a call that makes a descriptor. */
static int told_descriptor(int rv)
{
    if (rv < 0 && page != NULL && errno == EMFILE) {
        add(&page->no_descriptor, 1);
    }
    return rv;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list arguments;
    if (real.close == NULL) {
        resolve();
    }
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return told_descriptor(told(real.open(path, flags, mode)));
}

EXPORT int openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return told_descriptor(told(real.openat(directory, path, flags, mode)));
}

EXPORT int open64(const char *path, int flags, ...) __attribute__((alias("open")));
EXPORT int openat64(int directory, const char *path, int flags, ...)
    __attribute__((alias("openat")));

EXPORT int socket(int domain, int type, int protocol)
{
    if (real.close == NULL) {
        resolve();
    }
    return told_descriptor(real.socket(domain, type, protocol));
}

/* The header's own type of an address: a union that takes pointers of any family. */
EXPORT int accept4(int fd, __SOCKADDR_ARG peer, socklen_t *size, int flags)
{
    return told_descriptor(real.accept4(fd, peer.__sockaddr__, size, flags));
}

EXPORT int accept(int fd, __SOCKADDR_ARG peer, socklen_t *size)
{
    return told_descriptor(real.accept(fd, peer.__sockaddr__, size));
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    return told(real.mkdir(path, mode));
}

EXPORT int link(const char *from, const char *to)
{
    return told(real.link(from, to));
}

EXPORT int rename(const char *from, const char *to)
{
    return told(real.rename(from, to));
}

EXPORT int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    return told(real.renameat(from_directory, from, to_directory, to));
}

EXPORT int fallocate64(int fd, int mode, off_t offset, off_t size)
    __attribute__((alias("fallocate")));
EXPORT int posix_fallocate64(int fd, off_t offset, off_t size)
    __attribute__((alias("posix_fallocate")));

EXPORT int close(int fd)
{
    if (real.close == NULL) {
        resolve();
    }
    if (fd >= 0 && fd < DESCRIPTORS_MAX) {
        __atomic_store_n(&areas[fd], AREA_UNKNOWN, __ATOMIC_RELAXED);
    }
    return real.close(fd);
}
