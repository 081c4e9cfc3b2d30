/* jepsen/cluster/shim/memory.c: preloaded into a node: allocations of some size are refused, as the
 * page says (page.h), and counted. Whoever frees does not come by here: what is given is the C
 * library's own. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "jepsen/cluster/shim/page.h"

#define EXPORT __attribute__((visibility("default")))

/* Of the C library, under names that nobody else has: looking them up would allocate. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static struct jep_memory_page *page;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv(JEP_MEMORY_ENV);
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) {
        return;
    }
    void *mapped = mmap(NULL, JEP_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    page = mapped != MAP_FAILED ? mapped : NULL;
}

/* One fewer, never below zero. True: there was one. */
static bool take_one(uint32_t *count)
{
    uint32_t left = __atomic_load_n(count, __ATOMIC_RELAXED);
    while (left != 0 && !__atomic_compare_exchange_n(
                            count, &left, left - 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    return left != 0;
}

/* RocksDB's flushes and compactions: LZ4 below them writes to what it did not get (RocksDB does not
 * look at what LZ4_createStream gives), which would be all that is ever seen. */
static bool is_in_background(void)
{
    char name[16] = "";
    (void)prctl(PR_GET_NAME, name);
    return strncmp(name, "rocksdb:", 8) == 0;
}

static bool is_refused(size_t size)
{
    if (page == NULL || __atomic_load_n(&page->left, __ATOMIC_RELAXED) == 0 ||
        size < __atomic_load_n(&page->at_least, __ATOMIC_RELAXED) || is_in_background() ||
        take_one(&page->passes) || !take_one(&page->left)) {
        return false;
    }
    (void)__atomic_fetch_add(&page->refused, 1, __ATOMIC_RELAXED);
    errno = ENOMEM;
    return true;
}

EXPORT void *malloc(size_t size)
{
    return is_refused(size) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    size_t bytes;
    bool is_too_much = __builtin_mul_overflow(count, size, &bytes);
    return !is_too_much && is_refused(bytes) ? NULL : __libc_calloc(count, size);
}

EXPORT void *realloc(void *memory, size_t size)
{
    return is_refused(size) ? NULL : __libc_realloc(memory, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    return is_refused(size) ? NULL : __libc_memalign(alignment, size);
}

EXPORT int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }
    void *memory = is_refused(size) ? NULL : __libc_memalign(alignment, size);
    if (memory == NULL) {
        return ENOMEM;
    }
    *ret_memory = memory;
    return 0;
}
