#include "jepsen/cluster/files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* nftw(3) takes no context. Each thread walks for itself. */
static __thread struct {
    struct jep_message *message;
    const char *from, *to;
    struct jep_arena *arena;
    struct jep_files *list;
    size_t capacity;
} walk;

enum {
    DESCRIPTORS = 16
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)ftw;
    int rv = kind == FTW_DP ? rmdir(path) : unlink(path);
    if (rv != 0 && errno != ENOENT) {
        (void)jep_failed(walk.message, "remove %s: %s", path, strerror(errno));
        return -1;
    }
    return 0;
}

bool jep_files_remove(const char *path, struct jep_message *message)
{
    walk.message = message;
    if (access(path, F_OK) != 0 && errno == ENOENT) {
        return true;
    }
    return nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0;
}

static bool copy_bytes(const char *from, const char *to, mode_t mode)
{
    char bytes[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    ssize_t got = in >= 0 && out >= 0 ? 1 : -1;
    while (got > 0) {
        got = read(in, bytes, sizeof(bytes));
        if (got > 0 && write(out, bytes, (size_t)got) != got) {
            got = -1;
        }
    }
    if (in >= 0) {
        (void)close(in);
    }
    return (out < 0 || close(out) == 0) && got == 0;
}

static int copy_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    char to[4096];
    (void)ftw;
    int size = snprintf(to, sizeof(to), "%s%s", walk.to, path + strlen(walk.from));
    bool is_good = size > 0 && (size_t)size < sizeof(to);
    if (is_good && kind == FTW_D) {
        is_good = mkdir(to, st->st_mode & 07777) == 0;
    } else if (is_good && kind == FTW_F && S_ISREG(st->st_mode)) {
        is_good = copy_bytes(path, to, st->st_mode & 07777);
    }
    if (!is_good) {
        (void)jep_failed(walk.message, "copy %s: %s", path, strerror(errno));
    }
    return is_good ? 0 : -1;
}

bool jep_files_copy(const char *from, const char *to, struct jep_message *message)
{
    walk.message = message;
    walk.from = from;
    walk.to = to;
    int rv = nftw(from, copy_one, DESCRIPTORS, FTW_PHYS | FTW_MOUNT);
    return rv == 0;
}

static int list_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    if (kind != FTW_F || !S_ISREG(st->st_mode)) {
        return 0;
    }
    struct jep_files *list = walk.list;
    if (list->count == walk.capacity) {
        walk.capacity = walk.capacity == 0 ? 64 : 2 * walk.capacity;
        list->items = jep_realloc(list->items, walk.capacity, sizeof(*list->items));
    }
    list->items[list->count++] =
        (struct jep_file){jep_arena_text(walk.arena, path, strlen(path)), (uint64_t)st->st_size};
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct jep_file *first = a, *second = b;
    return strcmp(first->path, second->path);
}

struct jep_files jep_files_list(const char *directory, struct jep_arena *arena)
{
    struct jep_files list = {0}, kept = {0};
    walk.arena = arena;
    walk.list = &list;
    walk.capacity = 0;
    (void)nftw(directory, list_one, DESCRIPTORS, FTW_PHYS | FTW_MOUNT);
    walk.list = NULL;
    if (list.count > 0) {
        qsort(list.items, list.count, sizeof(*list.items), by_path);
        kept.items = jep_arena_array(arena, list.count, sizeof(*list.items));
        memcpy(kept.items, list.items, list.count * sizeof(*list.items));
        kept.count = list.count;
    }
    free(list.items);
    return kept;
}
