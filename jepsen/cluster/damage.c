#include "jepsen/cluster/damage.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jepsen/cluster/files.h"

enum {
    BLOCK_BYTES = 512,
    WINDOW_BYTES = 65536
};

static const struct {
    const char *name, *directory, *prefix, *suffix;
} parts[JEP_DAMAGE_PARTS] = {
    [JEP_DAMAGE_LOG] = {"log", "raft", "segment-", ""},
    [JEP_DAMAGE_META] = {"meta", "raft", "meta", ""},
    [JEP_DAMAGE_STATE] = {"state", "state", "", ".sst"},
    [JEP_DAMAGE_CHECKPOINT] = {"checkpoint", "checkpoints", "", ".sst"},
};

const char *jep_damage_part_name(enum jep_damage_part part)
{
    return parts[part].name;
}

/* Up to the last byte that is not zero: segments are zeroed ahead. */
static uint64_t used_bytes(const char *path, uint64_t size)
{
    static char window[WINDOW_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t end = size;
    while (fd >= 0 && end > 0) {
        uint64_t from = end > sizeof(window) ? end - sizeof(window) : 0;
        ssize_t got = pread(fd, window, end - from, (off_t)from);
        while (got > 0 && window[got - 1] == 0) {
            got--;
        }
        end = got > 0 ? from + (uint64_t)got : from;
        if (got > 0) {
            break;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return end;
}

static bool is_part(const char *path, enum jep_damage_part part)
{
    const char *name = strrchr(path, '/') + 1, *suffix = parts[part].suffix;
    size_t size = strlen(name), suffix_size = strlen(suffix);
    return strncmp(name, parts[part].prefix, strlen(parts[part].prefix)) == 0 &&
           size >= suffix_size && strcmp(name + size - suffix_size, suffix) == 0;
}

/* The file that holds most; "" for none. */
static uint64_t choose(const char *data, enum jep_damage_part part, char *ret_path, size_t size)
{
    struct jep_arena *arena = jep_arena_create();
    const char *directory = jep_arena_format(arena, "%s/%s", data, parts[part].directory);
    struct jep_files files = jep_files_list(directory, arena);
    uint64_t most = 0;
    ret_path[0] = 0;
    for (size_t i = 0; i < files.count; i++) {
        uint64_t used = is_part(files.items[i].path, part)
                            ? used_bytes(files.items[i].path, files.items[i].size)
                            : 0;
        if (used > most) {
            most = used;
            (void)snprintf(ret_path, size, "%s", files.items[i].path);
        }
    }
    jep_arena_destroy(arena);
    return most;
}

/* A copy in its place, which is no link. */
static bool unlink_from_others(const char *path, struct jep_message *message)
{
    char copy[600];
    struct stat st;
    if (stat(path, &st) != 0 || st.st_nlink == 1) {
        return true;
    }
    (void)snprintf(copy, sizeof(copy), "%.580s.copy", path);
    if (!jep_files_copy(path, copy, message)) {
        return false;
    }
    return rename(copy, path) == 0 || jep_failed(message, "rename %s: %s", copy, strerror(errno));
}

static bool change(int fd, enum jep_damage_how how, struct jep_damage *d)
{
    unsigned char bytes[BLOCK_BYTES];
    size_t size = how == JEP_DAMAGE_FLIP ? 1 : sizeof(bytes);
    ssize_t got = pread(fd, bytes, size, (off_t)d->offset);
    if (got <= 0) {
        return false;
    }
    for (ssize_t i = 0; i < got; i++) {
        bytes[i] = (unsigned char)(bytes[i] ^ (how == JEP_DAMAGE_FLIP ? 0x40 : 0x55));
    }
    d->bytes = (uint64_t)got;
    return pwrite(fd, bytes, (size_t)got, (off_t)d->offset) == got;
}

/* From d->offset on, in text: alone among bytes that are none it may be of a length or a checksum.
 */
static bool change_digit(int fd, struct jep_damage *d)
{
    static char window[WINDOW_BYTES];
    ssize_t got = pread(fd, window, sizeof(window), (off_t)d->offset);
    for (ssize_t i = 2; i < got; i++) {
        bool is_text =
            isprint((unsigned char)window[i - 1]) && isprint((unsigned char)window[i - 2]);
        if (is_text && isdigit((unsigned char)window[i])) {
            window[i] ^= 1;
            d->offset += (uint64_t)i;
            d->bytes = 1;
            return pwrite(fd, &window[i], 1, (off_t)d->offset) == 1;
        }
    }
    return got >= 0;
}

static bool change_whole(int fd, uint64_t size, struct jep_damage *d)
{
    bool is_changed = true;
    uint64_t sum = 0;
    for (d->offset = 0; is_changed && d->offset < size; d->offset += BLOCK_BYTES) {
        is_changed = change(fd, JEP_DAMAGE_BLOCK, d);
        sum += d->bytes;
    }
    d->offset = 0;
    d->bytes = sum;
    return is_changed;
}

bool jep_damage_do(const char *data, enum jep_damage_part part, enum jep_damage_how how,
    uint32_t part_ppm, struct jep_damage *ret_damage, struct jep_message *message)
{
    char path[512];
    memset(ret_damage, 0, sizeof(*ret_damage));
    uint64_t used = choose(data, part, path, sizeof(path));
    if (used == 0) {
        return true;
    }
    if (!unlink_from_others(path, message)) {
        return false;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ret_damage->offset = used / 1000 * part_ppm / 1000;
    bool is_done = fd >= 0;
    if (is_done && part == JEP_DAMAGE_META) {
        is_done = change_whole(fd, used, ret_damage);
    } else if (is_done && how == JEP_DAMAGE_TRUNCATE) {
        ret_damage->bytes = used - ret_damage->offset;
        is_done = ftruncate(fd, (off_t)ret_damage->offset) == 0;
    } else if (is_done && how == JEP_DAMAGE_DIGIT) {
        is_done = change_digit(fd, ret_damage);
    } else if (is_done) {
        is_done = change(fd, how, ret_damage);
    }
    is_done = is_done && fsync(fd) == 0;
    int failure = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)snprintf(ret_damage->file, sizeof(ret_damage->file), "%s", path + strlen(data) + 1);
    return is_done || jep_failed(message, "damage %s: %s", path, strerror(failure));
}
