#include "jepsen/cluster/survey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DEPTH_MAX = 8 /* a data directory has 4 */
};

struct walk {
    struct jep_arena *arena;
    struct jep_survey_file *files;
    size_t count, capacity, root_size;
};

/* FNV-1a over words (Fowler, Noll, Vo): no adversary here, and a block a microsecond. */
static uint64_t hash_block(const uint8_t *bytes, size_t size)
{
    uint64_t hash = 14695981039346656037u, word = 0;
    for (size_t at = 0; at < size; at += sizeof(word)) {
        word = 0;
        memcpy(&word, bytes + at, size - at < sizeof(word) ? size - at : sizeof(word));
        hash = (hash ^ word) * 1099511628211u;
    }
    return hash;
}

static void add_file(struct walk *w, const char *path, uint64_t size)
{
    uint8_t block[JEP_SURVEY_BLOCK_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return;
    }
    uint64_t blocks = (size + sizeof(block) - 1) / sizeof(block), at = 0;
    struct jep_survey_file file = {
        .path = jep_arena_text(w->arena, path + w->root_size, strlen(path) - w->root_size),
        .hashes = jep_arena_array(w->arena, blocks, sizeof(uint64_t))};
    ssize_t got;
    while (at < blocks && (got = read(fd, block, sizeof(block))) > 0) {
        file.hashes[at++] = hash_block(block, (size_t)got);
        file.size += (uint64_t)got;
    }
    (void)close(fd);
    if (w->count == w->capacity) {
        w->capacity = w->capacity == 0 ? 64 : 2 * w->capacity;
        w->files = jep_realloc(w->files, w->capacity, sizeof(*w->files));
    }
    w->files[w->count++] = file;
}

static bool walk(struct walk *w, const char *path, unsigned depth, struct jep_message *message)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return (depth > 0 && errno == ENOENT) ||
               jep_failed(message, "read %s: %s", path, strerror(errno));
    }
    const struct dirent *entry;
    bool is_good = true;
    while (is_good && (entry = readdir(directory)) != NULL) {
        char below[4096];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        int size = snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
        if (size < 0 || (size_t)size >= sizeof(below) || lstat(below, &st) != 0) {
            continue;
        }
        if (S_ISREG(st.st_mode)) {
            add_file(w, below, (uint64_t)st.st_size);
        } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            is_good = walk(w, below, depth + 1, message);
        }
    }
    (void)closedir(directory);
    return is_good;
}

bool jep_survey_take(const char *directory, struct jep_arena *arena, struct jep_survey *ret_survey,
    struct jep_message *message)
{
    struct walk w = {.arena = arena, .root_size = strlen(directory) + 1};
    if (!walk(&w, directory, 0, message)) {
        free(w.files);
        return false;
    }
    ret_survey->count = w.count;
    ret_survey->files = jep_arena_array(arena, w.count, sizeof(*w.files));
    if (w.count > 0) {
        memcpy(ret_survey->files, w.files, w.count * sizeof(*w.files));
    }
    free(w.files);
    return true;
}

static const struct jep_survey_file *find(const struct jep_survey *survey, const char *path)
{
    for (size_t i = 0; i < survey->count; i++) {
        if (strcmp(survey->files[i].path, path) == 0) {
            return &survey->files[i];
        }
    }
    return NULL;
}

struct jep_survey_loss jep_survey_compare(
    const struct jep_survey *before, const struct jep_survey *after, const char *mark)
{
    struct jep_survey_loss loss = {0};
    for (size_t i = 0; i < before->count; i++) {
        const struct jep_survey_file *then = &before->files[i], *now = find(after, then->path);
        uint64_t blocks = (then->size + JEP_SURVEY_BLOCK_BYTES - 1) / JEP_SURVEY_BLOCK_BYTES;
        uint64_t there =
            now != NULL ? (now->size + JEP_SURVEY_BLOCK_BYTES - 1) / JEP_SURVEY_BLOCK_BYTES : 0;
        uint64_t lost = 0;
        for (uint64_t b = 0; b < blocks; b++) {
            lost += b >= there || then->hashes[b] != now->hashes[b];
        }
        loss.blocks += lost;
        loss.marked += strstr(then->path, mark) != NULL ? lost : 0;
        loss.files += lost > 0 || now == NULL;
    }
    return loss;
}
