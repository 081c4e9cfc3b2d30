#include "proto/writer.h"

#include <inttypes.h>

#include "proto/json.h"

static void put(struct weft_writer *w, const char *data, size_t size)
{
    w->is_broken = w->is_broken || weft_buffer_append(&w->out, data, size) != WEFT_OK;
}

static void begin(struct weft_writer *w, const char *key)
{
    if (w->wants_comma) {
        put(w, ",", 1);
    }
    if (key != NULL) {
        w->is_broken = w->is_broken || weft_json_quote(&w->out, weft_text_of(key)) != WEFT_OK;
        put(w, ":", 1);
    }
    w->wants_comma = true;
}

void weft_writer_open(struct weft_writer *w, const char *key, char bracket)
{
    begin(w, key);
    put(w, &bracket, 1);
    w->wants_comma = false;
}

void weft_writer_close(struct weft_writer *w, char bracket)
{
    put(w, &bracket, 1);
    w->wants_comma = true;
}

void weft_writer_text(struct weft_writer *w, const char *key, struct weft_text text)
{
    begin(w, key);
    w->is_broken = w->is_broken || weft_json_quote(&w->out, text) != WEFT_OK;
}

void weft_writer_unsigned(struct weft_writer *w, const char *key, uint64_t number)
{
    begin(w, key);
    w->is_broken = w->is_broken || weft_buffer_format(&w->out, "%" PRIu64, number) != WEFT_OK;
}

void weft_writer_real(struct weft_writer *w, const char *key, double number, int decimals)
{
    begin(w, key);
    w->is_broken = w->is_broken || weft_buffer_format(&w->out, "%.*f", decimals, number) != WEFT_OK;
}

void weft_writer_bool(struct weft_writer *w, const char *key, bool value)
{
    begin(w, key);
    put(w, value ? "true" : "false", value ? 4 : 5);
}

void weft_writer_raw(struct weft_writer *w, const char *key, struct weft_text json)
{
    begin(w, key);
    put(w, json.data, json.size);
}

void weft_writer_end_line(struct weft_writer *w)
{
    put(w, "\n", 1);
    w->wants_comma = false;
}

void weft_writer_reset(struct weft_writer *w)
{
    weft_buffer_clear(&w->out);
    w->wants_comma = false;
    w->is_broken = false;
}

void weft_writer_destroy(struct weft_writer *w)
{
    weft_buffer_destroy(&w->out);
}
