#include "ops/weft/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/json.h"
#include "proto/limits.h"
#include "proto/record_json.h"

enum weft_err weft_source_open(
    const char *path, struct weft_source *ret_source, struct weft_msg *msg)
{
    struct weft_source s = {.is_stdin = path == NULL || strcmp(path, "-") == 0};
    struct stat st;
    s.name = s.is_stdin ? "stdin" : path;
    s.file = s.is_stdin ? stdin : fopen(path, "rb");
    if (s.file == NULL) {
        return weft_fail(
            msg, errno == ENOENT ? WEFT_EINVAL : WEFT_EIO, "%s: %s", path, strerror(errno));
    }
    if (fstat(fileno(s.file), &st) == 0) {
        s.is_seekable = S_ISREG(st.st_mode);
        s.size_bytes = s.is_seekable ? (uint64_t)st.st_size : 0;
        if (S_ISDIR(st.st_mode)) {
            weft_source_close(&s);
            return weft_fail(msg, WEFT_EINVAL, "%s is a directory", path);
        }
    }
    *ret_source = s;
    return WEFT_OK;
}

static enum weft_err grow(struct weft_source *s, struct weft_msg *msg)
{
    size_t capacity = s->capacity == 0 ? 4096 : s->capacity * 2;
    if (capacity > 2 * (size_t)WEFT_JSON_LINE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "%s: line %u: longer than %d bytes", s->name, s->line,
            WEFT_JSON_LINE_SIZE_MAX);
    }
    char *text = realloc(s->text, capacity);
    if (text == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "%s: line %u: no memory", s->name, s->line);
    }
    s->text = text;
    s->capacity = capacity;
    return WEFT_OK;
}

/* One line without its end. WEFT_ENOTFOUND: there is none left. */
static enum weft_err read_line(struct weft_source *s, size_t *ret_size, struct weft_msg *msg)
{
    size_t size = 0;
    s->line++;
    for (;;) {
        int c = getc_unlocked(s->file);
        if (c == EOF && ferror(s->file) != 0) {
            return weft_fail(msg, WEFT_EIO, "%s: %s", s->name, strerror(errno));
        }
        if (c == '\n' || c == EOF) {
            *ret_size = size;
            return c == EOF && size == 0 ? WEFT_ENOTFOUND : WEFT_OK;
        }
        if (size == s->capacity) {
            enum weft_err err = grow(s, msg);
            if (err != WEFT_OK) {
                return err;
            }
        }
        s->text[size++] = (char)c;
        if (size > WEFT_JSON_LINE_SIZE_MAX) {
            return weft_fail(msg, WEFT_ETOOBIG, "%s: line %u: longer than %d bytes", s->name,
                s->line, WEFT_JSON_LINE_SIZE_MAX);
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

enum weft_err weft_source_next(struct weft_source *s, struct weft_arena *arena,
    struct weft_record *ret_record, struct weft_msg *msg)
{
    size_t size = 0;
    enum weft_err err;
    do {
        err = read_line(s, &size, msg);
    } while (err == WEFT_OK && is_blank(s->text, size));
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_json *root = NULL;
    struct weft_text text = weft_arena_text(arena, (struct weft_text){s->text, size});
    if (text.data == NULL) {
        return weft_fail(msg, WEFT_ETOOBIG, "%s: line %u: too large", s->name, s->line);
    }
    err = weft_json_parse(text, s->line, arena, &root, msg);
    if (err == WEFT_OK) {
        err = weft_record_from_json(root, arena, ret_record, msg);
    }
    return err == WEFT_OK ? WEFT_OK : weft_wrap(msg, err, "%s", s->name);
}

enum weft_err weft_source_rewind(struct weft_source *s, struct weft_msg *msg)
{
    if (fseek(s->file, 0, SEEK_SET) != 0) {
        return weft_fail(msg, WEFT_EIO, "%s: %s", s->name, strerror(errno));
    }
    s->line = 0;
    return WEFT_OK;
}

uint64_t weft_source_position(const struct weft_source *s)
{
    long at = s->is_seekable ? ftell(s->file) : 0;
    return at > 0 ? (uint64_t)at : 0;
}

void weft_source_close(struct weft_source *s)
{
    if (s->file != NULL && !s->is_stdin) {
        (void)fclose(s->file);
    }
    free(s->text);
    s->text = NULL;
    s->file = NULL;
}
