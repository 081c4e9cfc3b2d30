#include "ops/weft/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/json.h"
#include "proto/limits.h"
#include "proto/record_json.h"

enum {
    BLOCK_SIZE = 64 * 1024
};

enum weft_err weft_source_open(
    const char *path, struct weft_source *ret_source, struct weft_msg *msg)
{
    bool is_stdin = path == NULL || strcmp(path, "-") == 0;
    struct weft_source s = {.name = is_stdin ? "stdin" : path};
    struct stat st;
    s.fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (s.fd < 0) {
        return weft_fail(
            msg, errno == ENOENT ? WEFT_EINVAL : WEFT_EIO, "%s: %s", path, strerror(errno));
    }
    if (fstat(s.fd, &st) == 0) {
        s.is_seekable = S_ISREG(st.st_mode);
        if (S_ISDIR(st.st_mode)) {
            weft_source_close(&s);
            return weft_fail(msg, WEFT_EINVAL, "%s is a directory", path);
        }
    }
    s.block = malloc(BLOCK_SIZE);
    if (s.block == NULL) {
        weft_source_close(&s);
        return weft_fail(msg, WEFT_ENOMEM, "%s: no memory", s.name);
    }
    *ret_source = s;
    return WEFT_OK;
}

static enum weft_err grow(struct weft_source *s, struct weft_msg *msg)
{
    size_t capacity = s->capacity == 0 ? 4096 : s->capacity * 2;
    char *text = realloc(s->text, capacity);
    if (text == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "%s: line %u: no memory", s->name, s->line);
    }
    s->text = text;
    s->capacity = capacity;
    return WEFT_OK;
}

/* More of the file. WEFT_ENOTFOUND: there is no more. */
static enum weft_err fill(struct weft_source *s, struct weft_msg *msg)
{
    for (;;) {
        if (s->wait != NULL && !s->is_seekable) {
            s->wait(s->wait_ctx, s->fd);
        }
        ssize_t size = read(s->fd, s->block, BLOCK_SIZE);
        if (size > 0) {
            s->block_at = 0;
            s->block_end = (size_t)size;
            return WEFT_OK;
        }
        if (size == 0) {
            return WEFT_ENOTFOUND;
        }
        if (errno != EINTR && errno != EAGAIN) {
            return weft_fail(msg, WEFT_EIO, "%s: %s", s->name, strerror(errno));
        }
    }
}

static enum weft_err append(
    struct weft_source *s, size_t *size, const uint8_t *data, size_t more, struct weft_msg *msg)
{
    if (*size + more > WEFT_JSON_LINE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "%s: line %u: longer than %d bytes", s->name, s->line,
            WEFT_JSON_LINE_SIZE_MAX);
    }
    while (*size + more > s->capacity) {
        enum weft_err err = grow(s, msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    memcpy(s->text + *size, data, more);
    *size += more;
    return WEFT_OK;
}

/* One line without its end. WEFT_ENOTFOUND: there is none left. */
static enum weft_err read_line(struct weft_source *s, size_t *ret_size, struct weft_msg *msg)
{
    bool is_begun = false;       /* An empty line is one, too; the end of the file is none. */
    enum weft_err err = WEFT_OK; /* Of the line: it is read to its end all the same. */
    *ret_size = 0;
    s->line++;
    for (;;) {
        if (s->block_at == s->block_end) {
            enum weft_err filled = fill(s, msg);
            if (filled != WEFT_OK) {
                return filled == WEFT_ENOTFOUND && is_begun ? err : filled;
            }
        }
        const uint8_t *from = s->block + s->block_at;
        size_t left = s->block_end - s->block_at;
        const uint8_t *end = memchr(from, '\n', left);
        size_t size = end != NULL ? (size_t)(end - from) : left;
        err = err == WEFT_OK ? append(s, ret_size, from, size, msg) : err;
        s->block_at += size + (end != NULL ? 1 : 0);
        is_begun = true;
        if (end != NULL) {
            return err;
        }
    }
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r') {
            return false;
        }
    }
    return true;
}

enum weft_err weft_source_line(struct weft_source *s, struct weft_arena *arena,
    struct weft_text *ret_line, struct weft_msg *msg)
{
    size_t size = 0;
    enum weft_err err;
    do {
        err = read_line(s, &size, msg);
    } while (err == WEFT_OK && is_blank(s->text, size));
    if (err != WEFT_OK) {
        return err;
    }
    *ret_line = weft_arena_text(arena, (struct weft_text){s->text, size});
    return ret_line->data != NULL
               ? WEFT_OK
               : weft_fail(msg, WEFT_ETOOBIG, "%s: line %u: too large", s->name, s->line);
}

enum weft_err weft_source_next(struct weft_source *s, struct weft_arena *arena,
    struct weft_record *ret_record, struct weft_msg *msg)
{
    struct weft_json *root = NULL;
    struct weft_text text;
    enum weft_err err = weft_source_line(s, arena, &text, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_json_parse(text, s->line, arena, &root, msg);
    if (err == WEFT_OK) {
        err = weft_record_from_json(root, arena, ret_record, msg);
    }
    return err == WEFT_OK ? WEFT_OK : weft_wrap(msg, err, "%s", s->name);
}

enum weft_err weft_source_rewind(struct weft_source *s, struct weft_msg *msg)
{
    if (lseek(s->fd, 0, SEEK_SET) != 0) {
        return weft_fail(msg, WEFT_EIO, "%s: %s", s->name, strerror(errno));
    }
    s->line = 0;
    s->block_at = s->block_end = 0;
    return WEFT_OK;
}

void weft_source_close(struct weft_source *s)
{
    if (s->fd > STDIN_FILENO) {
        (void)close(s->fd);
    }
    free(s->block);
    free(s->text);
    *s = (struct weft_source){.fd = -1};
}
