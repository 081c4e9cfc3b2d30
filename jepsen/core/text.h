/* jepsen/core/text.h: a text that grows, and a message for a human. What is written piece by piece
 * (a line of history, a page of report) is built here and leaves in one write. */
#ifndef WEFT_JEPSEN_CORE_TEXT_H
#define WEFT_JEPSEN_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    JEP_MESSAGE_BYTES = 512
};

/* Why something failed, for a human. Functions that fail take it last; NULL is allowed. */
struct jep_message {
    char text[JEP_MESSAGE_BYTES];
};

/* Writes the message and returns false, so that a failing function can `return jep_failed(...)`. */
bool jep_failed(struct jep_message *message, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct jep_text {
    char *bytes; /* ends with a zero byte once something is in it; NULL before */
    size_t size;
    size_t capacity;
};

/* Start with a zeroed struct. */
void jep_text_add(struct jep_text *text, const char *bytes, size_t size);
void jep_text_puts(struct jep_text *text, const char *zero_terminated);
void jep_text_printf(struct jep_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Empties it and keeps the memory. */
void jep_text_reset(struct jep_text *text);
void jep_text_free(struct jep_text *text);

/* The whole file into an empty text. False: cannot read, or larger than max_bytes. */
bool jep_text_read_file(struct jep_text *text, const char *path, size_t max_bytes,
    struct jep_message *message) __attribute__((warn_unused_result));
/* Replaces the file at path in one rename, so that a reader sees the old one or the new one. */
bool jep_text_write_file(const struct jep_text *text, const char *path, struct jep_message *message)
    __attribute__((warn_unused_result));

#endif
