/* proto/writer.h: writes one JSON document after another into a buffer.
 *
 * Members and elements come in the order of the calls; commas are its own business. Errors are
 * kept: a writer that is broken goes on doing nothing of use, and whoever takes the text looks at
 * is_broken once. What the text says is proto/answer_json.h's, who reads it is the caller's. */
#ifndef WEFT_PROTO_WRITER_H
#define WEFT_PROTO_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"

/* Zero-initialized is ready; out.size_max may be set. */
struct weft_writer {
    struct weft_buffer out;
    bool wants_comma;
    bool is_broken; /* Memory ran out, or out.size_max. */
};

/* `key` NULL: an element, or the root. Texts must be UTF-8. */
void weft_writer_open(struct weft_writer *w, const char *key, char bracket); /* '{' or '[' */
void weft_writer_close(struct weft_writer *w, char bracket);                 /* '}' or ']' */
void weft_writer_text(struct weft_writer *w, const char *key, struct weft_text text);
void weft_writer_unsigned(struct weft_writer *w, const char *key, uint64_t number);
void weft_writer_real(struct weft_writer *w, const char *key, double number, int decimals);
void weft_writer_bool(struct weft_writer *w, const char *key, bool value);
/* JSON as it is. */
void weft_writer_raw(struct weft_writer *w, const char *key, struct weft_text json);
/* The document is whole: an end of line, and the next one may start. */
void weft_writer_end_line(struct weft_writer *w);
/* Empty and whole again; keeps the memory. */
void weft_writer_reset(struct weft_writer *w);
void weft_writer_destroy(struct weft_writer *w);

#endif
