#include "ops/weft/across_source.h"

#include "ops/weft/audit_files.h"

enum weft_err weft_across_ask(
    struct weft_client *client, const char *path, struct weft_buffer *out, struct weft_msg *msg)
{
    return weft_across_ask_within(client, path, 0, out, msg);
}

enum weft_err weft_across_ask_within(struct weft_client *client, const char *path, uint32_t wait_ms,
    struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_audit_source source;
    struct weft_audit_result result;
    weft_buffer_clear(out);
    weft_audit_source_init(&source, client, false);
    source.wait_ms = wait_ms;
    enum weft_err err = weft_audit_source_ask(&source, path, &result, msg);
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, result.content.data, result.content.size);
        err = err == WEFT_OK ? err : weft_fail(msg, err, "keep an answer");
    }
    weft_audit_source_close(&source);
    return err;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool weft_across_word(struct weft_text word, enum weft_across_bytes bytes, struct weft_arena *arena,
    struct weft_text *ret_word)
{
    char *text = weft_arena_alloc(arena, word.size + 1);
    size_t size = 0;
    for (size_t i = 0; text != NULL && i < word.size; i++) {
        int high = i + 2 < word.size ? digit_of(word.data[i + 1]) : -1;
        int low = i + 2 < word.size ? digit_of(word.data[i + 2]) : -1;
        int byte = word.data[i] == '%' && high >= 0 && low >= 0 ? high << 4 | low : -1;
        bool is_code = byte >= 0 && (bytes == WEFT_ACROSS_ALL || (byte >= ' ' && byte <= '~'));
        text[size++] = is_code ? (char)byte : word.data[i];
        i += is_code ? 2 : 0;
    }
    *ret_word = (struct weft_text){text, size};
    return text != NULL;
}

bool weft_across_next(
    struct weft_text *rest, struct weft_arena *arena, struct weft_across_line *ret_line)
{
    struct weft_text line, word;
    ret_line->count = 0;
    if (rest->size == 0) {
        return false;
    }
    if (!weft_text_cut(rest, '\n', &line)) {
        *rest = (struct weft_text){"", 0};
    }
    bool is_read = true, has_more = line.size > 0;
    while (is_read && has_more && ret_line->count < WEFT_ACROSS_WORDS_MAX) {
        has_more = weft_text_cut(&line, ' ', &word);
        is_read =
            weft_across_word(word, WEFT_ACROSS_ALL, arena, &ret_line->words[ret_line->count++]);
    }
    return is_read;
}
