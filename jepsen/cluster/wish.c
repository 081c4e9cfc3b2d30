#include "jepsen/cluster/wish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *map_new(const char *path, struct jep_message *message)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    void *page = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, JEP_PAGE_BYTES) == 0) {
        page = mmap(NULL, JEP_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (page == MAP_FAILED) {
        (void)jep_failed(message, "share %s: %s", path, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return page != MAP_FAILED ? page : NULL;
}

bool jep_wish_create(
    struct jep_wish *wish, const char *directory, const char *shims, struct jep_message *message)
{
    memset(wish, 0, sizeof(*wish));
    int clock =
        snprintf(wish->clock_env, sizeof(wish->clock_env), "%s=%s/clock", JEP_CLOCK_ENV, directory);
    int disk =
        snprintf(wish->disk_env, sizeof(wish->disk_env), "%s=%s/pages", JEP_DISK_ENV, directory);
    int memory = snprintf(
        wish->memory_env, sizeof(wish->memory_env), "%s=%s/memory", JEP_MEMORY_ENV, directory);
    int fail =
        snprintf(wish->fail_env, sizeof(wish->fail_env), "%s=%s/fail", JEP_FAIL_ENV, directory);
    int preload = snprintf(wish->preload_env, sizeof(wish->preload_env),
        "LD_PRELOAD=%s/libjepsen_clock.so:%s/libjepsen_disk.so:%s/libjepsen_memory.so", shims,
        shims, shims);
    if (clock >= JEP_WISH_PATH_BYTES || disk >= JEP_WISH_PATH_BYTES ||
        memory >= JEP_WISH_PATH_BYTES || fail >= JEP_WISH_PATH_BYTES ||
        preload >= 3 * JEP_WISH_PATH_BYTES) {
        return jep_failed(message, "%s: too long", directory);
    }
    wish->clock = map_new(wish->clock_env + sizeof(JEP_CLOCK_ENV), message);
    wish->disk =
        wish->clock != NULL ? map_new(wish->disk_env + sizeof(JEP_DISK_ENV), message) : NULL;
    wish->memory =
        wish->disk != NULL ? map_new(wish->memory_env + sizeof(JEP_MEMORY_ENV), message) : NULL;
    wish->fail =
        wish->memory != NULL ? map_new(wish->fail_env + sizeof(JEP_FAIL_ENV), message) : NULL;
    if (wish->fail == NULL) {
        jep_wish_destroy(wish);
        return false;
    }
    return true;
}

void jep_wish_destroy(struct jep_wish *wish)
{
    if (wish->clock != NULL) {
        (void)munmap(wish->clock, JEP_PAGE_BYTES);
    }
    if (wish->disk != NULL) {
        (void)munmap(wish->disk, JEP_PAGE_BYTES);
    }
    if (wish->memory != NULL) {
        (void)munmap(wish->memory, JEP_PAGE_BYTES);
    }
    if (wish->fail != NULL) {
        (void)munmap(wish->fail, JEP_PAGE_BYTES);
    }
    wish->fail = NULL;
    wish->memory = NULL;
    wish->clock = NULL;
    wish->disk = NULL;
}
