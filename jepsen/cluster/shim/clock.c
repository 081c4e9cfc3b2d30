/* jepsen/cluster/shim/clock.c: preloaded into a node: its wall clock is what the page says
 * (page.h). The functions have the names of the C library's, whose own ones do the work. Deadlines
 * on the wall clock (pthread_cond_timedwait and its like) are taken back to true time, so that a
 * clock that jumps ends a wait early or late, as it would. */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "jepsen/cluster/shim/page.h"

#define EXPORT __attribute__((visibility("default")))
#define NEXT(name) ((__typeof__(&(name)))next(#name))

static struct jep_clock_page *page;
static const int64_t second = 1000000000;
/* A deadline above this is one of the wall clock: no machine has been up since 2001. */
static const time_t wall_clock_min_s = 1000000000;

static void *next(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static int (*real_clock_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv(JEP_CLOCK_ENV);
    real_clock_gettime = NEXT(clock_gettime);
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) {
        return;
    }
    void *mapped = mmap(NULL, JEP_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    page = mapped != MAP_FAILED ? mapped : NULL;
}

static int64_t get(const int64_t *field)
{
    return __atomic_load_n(field, __ATOMIC_RELAXED);
}

static int64_t monotonic_ns(void)
{
    struct timespec t;
    (void)real_clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * second + t.tv_nsec;
}

static int64_t offset_ns(void)
{
    int64_t offset = get(&page->offset_ns), drift = get(&page->drift_ppm);
    int64_t strobe_ms = get(&page->strobe_ms);
    if (drift != 0) {
        offset += (monotonic_ns() - get(&page->drift_since_ns)) / 1000000 * drift;
    }
    if (strobe_ms > 0 && monotonic_ns() / (strobe_ms * 1000000) % 2 == 1) {
        offset += get(&page->strobe_ns);
    }
    return offset;
}

/* The wall clock as the page has it. */
static void read_clock(struct timespec *t)
{
    (void)real_clock_gettime(CLOCK_REALTIME, t);
    if (page == NULL) {
        return;
    }
    int64_t offset = offset_ns(), told = t->tv_sec * second + t->tv_nsec + offset;
    t->tv_sec = told / second;
    t->tv_nsec = told % second;
    (void)__atomic_fetch_add(&page->reads, 1, __ATOMIC_RELAXED);
    if (__atomic_exchange_n(&page->last_offset_ns, offset, __ATOMIC_RELAXED) != offset) {
        (void)__atomic_fetch_add(&page->changes, 1, __ATOMIC_RELAXED);
    }
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *t)
{
    if (real_clock_gettime == NULL) { /* another library's constructor was first */
        real_clock_gettime = NEXT(clock_gettime);
    }
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) {
        return real_clock_gettime(clock, t);
    }
    read_clock(t);
    return 0;
}

EXPORT int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    (void)zone;
    struct timespec exact;
    (void)clock_gettime(CLOCK_REALTIME, &exact);
    t->tv_sec = exact.tv_sec;
    t->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

EXPORT time_t time(time_t *ret_time)
{
    struct timespec exact;
    (void)clock_gettime(CLOCK_REALTIME, &exact);
    if (ret_time != NULL) {
        *ret_time = exact.tv_sec;
    }
    return exact.tv_sec;
}

EXPORT int timespec_get(struct timespec *t, int base)
{
    return base == TIME_UTC && clock_gettime(CLOCK_REALTIME, t) == 0 ? base : 0;
}

/* The deadline in true time, for the kernel. */
static struct timespec true_deadline(const struct timespec *deadline)
{
    if (page == NULL || deadline->tv_sec < wall_clock_min_s) {
        return *deadline;
    }
    int64_t ns = deadline->tv_sec * second + deadline->tv_nsec - offset_ns();
    return (struct timespec){.tv_sec = ns / second, .tv_nsec = ns % second};
}

EXPORT int pthread_cond_timedwait(pthread_cond_t *restrict condition,
    pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline)
{
    struct timespec until = true_deadline(deadline);
    return NEXT(pthread_cond_timedwait)(condition, mutex, &until);
}

EXPORT int pthread_mutex_timedlock(
    pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline)
{
    struct timespec until = true_deadline(deadline);
    return NEXT(pthread_mutex_timedlock)(mutex, &until);
}

EXPORT int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict deadline)
{
    struct timespec until = true_deadline(deadline);
    return NEXT(sem_timedwait)(semaphore, &until);
}
