#include "jepsen/core/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/core/arena.h"

bool jep_failed(struct jep_message *message, const char *format, ...)
{
    if (message != NULL) {
        char text[JEP_MESSAGE_BYTES]; /* the arguments may point into the message itself */
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        memcpy(message->text, text, sizeof(text));
    }
    return false;
}

static void reserve(struct jep_text *text, size_t more)
{
    size_t need = text->size + more + 1;
    if (need > text->capacity) {
        size_t capacity = text->capacity < 256 ? 256 : text->capacity * 2;
        text->capacity = capacity > need ? capacity : need;
        text->bytes = jep_realloc(text->bytes, text->capacity, 1);
    }
}

void jep_text_add(struct jep_text *text, const char *bytes, size_t size)
{
    reserve(text, size);
    if (size > 0) {
        memcpy(text->bytes + text->size, bytes, size);
    }
    text->size += size;
    text->bytes[text->size] = '\0';
}

void jep_text_puts(struct jep_text *text, const char *zero_terminated)
{
    jep_text_add(text, zero_terminated, strlen(zero_terminated));
}

void jep_text_printf(struct jep_text *text, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size > 0) {
        reserve(text, (size_t)size);
        (void)vsnprintf(text->bytes + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
}

void jep_text_reset(struct jep_text *text)
{
    text->size = 0;
    if (text->bytes != NULL) {
        text->bytes[0] = '\0';
    }
}

void jep_text_free(struct jep_text *text)
{
    free(text->bytes);
    memset(text, 0, sizeof(*text));
}

bool jep_text_read_file(
    struct jep_text *text, const char *path, size_t max_bytes, struct jep_message *message)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return jep_failed(message, "%s: cannot open: %s", path, strerror(errno));
    }
    bool good = true;
    for (;;) {
        reserve(text, 1 << 16);
        size_t got = fread(text->bytes + text->size, 1, 1 << 16, file);
        text->size += got;
        if (got == 0) {
            break;
        }
        if (text->size > max_bytes) {
            good = jep_failed(message, "%s: larger than %zu bytes", path, max_bytes);
            break;
        }
    }
    text->bytes[text->size] = '\0';
    if (ferror(file) != 0) {
        good = jep_failed(message, "%s: cannot read: %s", path, strerror(errno));
    }
    (void)fclose(file);
    return good;
}

bool jep_text_write_file(const struct jep_text *text, const char *path, struct jep_message *message)
{
    char beside[4096];
    if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside)) {
        return jep_failed(message, "%s: path too long", path);
    }
    FILE *file = fopen(beside, "we");
    if (file == NULL) {
        return jep_failed(message, "%s: cannot write: %s", beside, strerror(errno));
    }
    bool good = fwrite(text->bytes, 1, text->size, file) == text->size;
    good = fclose(file) == 0 && good;
    if (!good || rename(beside, path) != 0) {
        (void)jep_failed(message, "%s: cannot write: %s", path, strerror(errno));
        (void)remove(beside);
        return false;
    }
    return true;
}
