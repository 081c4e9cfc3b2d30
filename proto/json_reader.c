#include "proto/json_reader.h"

#include <stdio.h>

#include <yajl/yajl_parse.h>

#include "proto/arith.h"
#include "proto/check.h"

/* yajl checks the grammar and unescapes. It cannot be stopped at a value and go on, nor tell the
 * place of one. So it is given the text in pieces that end where a value to be handed over may:
 * only between tokens, since it reads a token in parts again from its beginning each time. And
 * beside it the tokens are followed in the piece: between two of them stand only white space,
 * commas and colons, and the size of each is known from its kind or from what yajl consumed. */

enum {
    NAME_SHOWN_MAX = 64, /* Bytes of a name in a message. */
    TOKEN_SIZE_MAX = 64 * 1024 * 1024,
};

/* --- places and errors ----------------------------------------------------------------------- */

/* Of a byte of the piece, in the line that the reader has reached. */
static uint32_t column_of(const struct weft_json_reader *r, size_t offset)
{
    uint64_t column = r->piece_start + offset - r->line_start + 1;
    return column < UINT32_MAX ? (uint32_t)column : UINT32_MAX;
}

/* Returns 0, for yajl. */
static int stop(struct weft_json_reader *r, enum weft_err err, size_t offset, const char *reason)
{
    r->err =
        weft_fail(&r->reason, err, "line %u, column %u: %s", r->line, column_of(r, offset), reason);
    return 0;
}

static int stop_for_memory(struct weft_json_reader *r, const struct weft_arena *arena)
{
    char reason[96];
    (void)snprintf(
        reason, sizeof(reason), "the text needs more than %zu bytes of memory", arena->size_max);
    return stop(r, WEFT_ETOOBIG, r->offset, reason);
}

/* To the first byte of the next token. yajl takes form feeds and vertical tabs for white space,
 * RFC 8259 (2) does not. False after stop(). */
static bool skip_to_token(struct weft_json_reader *r, size_t separators_end)
{
    while (r->offset < r->piece.size) {
        char c = r->piece.data[r->offset];
        if (c == '\n') {
            r->line++;
            r->line_start = r->piece_start + r->offset + 1;
        } else if (c == '\f' || c == '\v') {
            (void)stop(r, WEFT_EMALFORMED, r->offset, "invalid char in json text");
            return false;
        } else if (c == ',' || c == ':') {
            if (r->offset >= separators_end) {
                return true;
            }
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return true;
        }
        r->offset++;
    }
    return true;
}

/* A name as it may stand in a message: cut, and without control characters. */
static void show_name(struct weft_text name, char ret_shown[NAME_SHOWN_MAX + 4])
{
    size_t size = name.size;
    if (size > NAME_SHOWN_MAX) {
        size = weft_text_utf8_prefix((struct weft_text){name.data, NAME_SHOWN_MAX});
    }
    for (size_t i = 0; i < size; i++) {
        char c = name.data[i];
        ret_shown[i] = (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
    }
    (void)snprintf(ret_shown + size, 4, "%s", size < name.size ? "..." : "");
}

/* --- the tree -------------------------------------------------------------------------------- */

static struct weft_arena *arena_of(const struct weft_json_reader *r)
{
    return r->depth > 0 ? r->levels[r->depth - 1].arena : r->arena;
}

/* A value begins at the cursor; `more` bytes lie behind it, for its text. False after stop(). */
static bool add_value(struct weft_json_reader *r, enum weft_json_type type, size_t more,
    struct weft_json_level *ret_level)
{
    struct weft_json_level *around = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
    struct weft_json *parent = around != NULL ? around->value : NULL;
    struct weft_json begun = {.type = type,
        .line = r->line,
        .column = column_of(r, r->offset),
        .key = r->key,
        .parent = parent,
        .index = parent != NULL ? parent->count : 0};
    struct weft_arena *chosen = r->choose != NULL ? r->choose(r->ctx, &begun) : NULL;
    struct weft_arena *arena = chosen != NULL ? chosen : arena_of(r);
    struct weft_json *value =
        more < SIZE_MAX / 2 ? weft_arena_alloc(arena, sizeof(*value) + more) : NULL;
    if (value == NULL) {
        (void)stop_for_memory(r, arena);
        return false;
    }
    *value = begun;
    r->key = (struct weft_text){NULL, 0};
    if (parent != NULL) {
        parent->count++; /* Within 2^32 where it is kept: the arena is smaller. */
    }
    if (chosen == NULL && parent == NULL) {
        r->root = value;
    } else if (chosen == NULL) {
        if (around->last == NULL) {
            parent->first = value;
        } else {
            around->last->next = value;
        }
        around->last = value;
    }
    *ret_level =
        (struct weft_json_level){.value = value, .arena = arena, .is_taken = chosen != NULL};
    return true;
}

/* A value is whole. */
static int end_value(struct weft_json_reader *r, const struct weft_json_level *level)
{
    if (level->is_taken) {
        weft_assert(r->finished_count < WEFT_JSON_FINISHED_MAX); /* PRO-5 */
        r->finished[r->finished_count++] = *level;
    }
    return 1;
}

static int open_value(struct weft_json_reader *r, enum weft_json_type type)
{
    struct weft_json_level level;
    if (!skip_to_token(r, SIZE_MAX)) {
        return 0;
    }
    if (r->depth == WEFT_JSON_DEPTH_MAX) {
        char reason[64];
        (void)snprintf(reason, sizeof(reason), "nested deeper than %d", WEFT_JSON_DEPTH_MAX);
        return stop(r, WEFT_ETOOBIG, r->offset, reason);
    }
    if (!add_value(r, type, 0, &level)) {
        return 0;
    }
    r->levels[r->depth++] = level;
    r->offset++;
    return 1;
}

static int close_value(struct weft_json_reader *r)
{
    r->offset++;
    r->depth--;
    return end_value(r, &r->levels[r->depth]);
}

/* --- strings --------------------------------------------------------------------------------- */

/* Four hexadecimal digits that yajl has accepted. */
static unsigned read_hex4(const char *p)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];
        value = value << 4 | (c <= '9' ? c - (unsigned)'0' : (c | 0x20u) - 'a' + 10u);
    }
    return value;
}

/* yajl would put '?' for half a pair, and a zero byte has no place in our texts. `raw` goes to
 * the closing quote. False after stop(). */
static bool check_escapes(struct weft_json_reader *r, struct weft_text raw, size_t offset)
{
    size_t at = 0;
    while (at < raw.size) {
        const char *p = raw.data + at;
        size_t size = *p != '\\' ? 1 : p[1] != 'u' ? 2 : 6;
        unsigned code = size == 6 ? read_hex4(p + 2) : ' ';
        if (code == 0) {
            return stop(r, WEFT_EMALFORMED, offset + at, "zero byte in a string") != 0;
        }
        if (code >= 0xd800 && code <= 0xdfff) {
            bool is_pair = code < 0xdc00 && p[6] == '\\' && p[7] == 'u' &&
                           (read_hex4(p + 8) & 0xfc00) == 0xdc00;
            if (!is_pair) {
                return stop(r, WEFT_EMALFORMED, offset + at, "half a surrogate pair in a string");
            }
            size = 12;
        }
        at += size;
    }
    return true;
}

/* What yajl lets pass in the string at the cursor, of which it undid the escapes to `size` bytes.
 * `ret_end`: behind the string. False after stop(). */
static bool check_string(struct weft_json_reader *r, size_t size, size_t *ret_end)
{
    size_t start = r->offset + 1;
    size_t end = yajl_get_bytes_consumed(r->parser);
    weft_assert(end > start && end <= r->piece.size && r->piece.data[start - 1] == '"'); /* PRO-5 */
    struct weft_text raw = {r->piece.data + start, end - 1 - start};
    size_t good = weft_text_utf8_prefix(raw);
    if (good < raw.size) {
        return stop(r, WEFT_EMALFORMED, start + good, "not UTF-8") != 0;
    }
    *ret_end = end;
    return size == raw.size || check_escapes(r, raw, start); /* Each escape is longer. */
}

/* --- what yajl tells ------------------------------------------------------------------------- */

static int on_word(struct weft_json_reader *r, enum weft_json_type type, struct weft_text literal,
    bool boolean, size_t size)
{
    struct weft_json_level level;
    size_t more = literal.size > 0 ? literal.size + 1 : 0;
    if (!skip_to_token(r, SIZE_MAX) || !add_value(r, type, more, &level)) {
        return 0;
    }
    level.value->boolean = boolean;
    if (more > 0) {
        char *text = (char *)(level.value + 1); /* The arena gives zeros: it is terminated. */
        memcpy(text, literal.data, literal.size);
        level.value->text = (struct weft_text){text, literal.size};
    }
    r->offset += size;
    return end_value(r, &level);
}

static int on_null(void *context)
{
    return on_word(context, WEFT_JSON_NULL, (struct weft_text){NULL, 0}, false, 4);
}

static int on_boolean(void *context, int value)
{
    bool is_true = value != 0;
    return on_word(context, WEFT_JSON_BOOL, (struct weft_text){NULL, 0}, is_true, is_true ? 4 : 5);
}

static int on_number(void *context, const char *literal, size_t size)
{
    return on_word(context, WEFT_JSON_NUMBER, (struct weft_text){literal, size}, false, size);
}

static int on_string(void *context, const unsigned char *data, size_t size)
{
    struct weft_json_reader *r = context;
    struct weft_json_level level;
    size_t end = 0;
    if (!skip_to_token(r, SIZE_MAX) || !check_string(r, size, &end) ||
        !add_value(r, WEFT_JSON_STRING, size + 1, &level)) {
        return 0;
    }
    char *text = (char *)(level.value + 1); /* Terminated, as above. */
    if (size > 0) {
        memcpy(text, data, size);
    }
    level.value->text = (struct weft_text){text, size};
    r->offset = end;
    return end_value(r, &level);
}

static int on_key(void *context, const unsigned char *data, size_t size)
{
    struct weft_json_reader *r = context;
    size_t end = 0;
    if (!skip_to_token(r, SIZE_MAX) || !check_string(r, size, &end)) {
        return 0;
    }
    r->key = weft_arena_text(arena_of(r), (struct weft_text){(const char *)data, size});
    if (r->key.data == NULL) {
        return stop_for_memory(r, arena_of(r));
    }
    r->offset = end;
    return 1;
}

static int on_object(void *context)
{
    return open_value(context, WEFT_JSON_OBJECT);
}

static int on_array(void *context)
{
    return open_value(context, WEFT_JSON_ARRAY);
}

static int on_array_end(void *context)
{
    return skip_to_token(context, SIZE_MAX) ? close_value(context) : 0;
}

static int on_object_end(void *context)
{
    struct weft_json_reader *r = context;
    const struct weft_json *twin = NULL;
    if (!skip_to_token(r, SIZE_MAX)) {
        return 0;
    }
    if (weft_json_find_twin(r->levels[r->depth - 1].value, r->repeatable, &twin) != WEFT_OK) {
        return stop(r, WEFT_ENOMEM, r->offset, "out of memory");
    }
    if (twin != NULL) {
        char name[NAME_SHOWN_MAX + 4];
        show_name(twin->key, name);
        r->err = weft_fail(&r->reason, WEFT_EMALFORMED,
            "line %u, column %u: member \"%s\" is there twice", twin->line, twin->column, name);
        return 0;
    }
    return close_value(r);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_object_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_array_end,
};

/* --- what yajl refuses ----------------------------------------------------------------------- */

/* What yajl has against the text; whether it is its characters rather than their order.
 * "lexical error: invalid char in json text.\n": without its class and end. */
static bool read_error(struct weft_json_reader *r, char *ret_reason, size_t size)
{
    unsigned char *text = yajl_get_error(r->parser, 0, NULL, 0);
    const char *start = text != NULL ? strstr((const char *)text, ": ") : NULL;
    bool is_lexical = text != NULL && strncmp((const char *)text, "lexical", 7) == 0;
    (void)snprintf(ret_reason, size, "%s", start != NULL ? start + 2 : "not JSON");
    size_t end = strcspn(ret_reason, "\n");
    ret_reason[end > 0 && ret_reason[end - 1] == '.' ? end - 1 : end] = '\0';
    if (strcmp(ret_reason, "premature EOF") == 0) {
        (void)snprintf(ret_reason, size, "the text ends too early");
    }
    if (text != NULL) {
        yajl_free_error(r->parser, text);
    }
    return is_lexical;
}

/* Within a string the byte is told. `error_offset`: of it. */
static void refuse_string(struct weft_json_reader *r, size_t error_offset, const char *reason)
{
    size_t start = r->offset + 1;
    size_t end = error_offset < r->piece.size ? error_offset : r->piece.size;
    end = end > start ? end : start;
    size_t good = weft_text_utf8_prefix((struct weft_text){r->piece.data + start, end - start});
    if (start + good < end) {
        (void)stop(r, WEFT_EMALFORMED, start + good, "not UTF-8");
    } else {
        bool is_zero = end < r->piece.size && r->piece.data[end] == '\0';
        (void)stop(r, WEFT_EMALFORMED, end, is_zero ? "zero byte" : reason);
    }
}

/* Says why yajl refused the text, and where. */
static void refuse(struct weft_json_reader *r, size_t error_offset)
{
    static const char *const not_numbers[] = {"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"};
    char reason[128];
    bool is_lexical = read_error(r, reason, sizeof(reason));
    /* A comma or colon that yajl did not expect is behind its offset. */
    size_t separators_end = error_offset > 0 ? error_offset - 1 : 0;
    if (!skip_to_token(r, is_lexical ? SIZE_MAX : separators_end)) {
        return;
    }
    struct weft_text rest = {r->piece.data + r->offset, r->piece.size - r->offset};
    for (size_t i = 0; i < sizeof(not_numbers) / sizeof(*not_numbers); i++) {
        size_t size = strlen(not_numbers[i]);
        if (rest.size >= size && memcmp(rest.data, not_numbers[i], size) == 0) {
            (void)snprintf(reason, sizeof(reason), "%s is not a JSON number", not_numbers[i]);
        }
    }
    uint8_t first = rest.size > 0 ? (uint8_t)rest.data[0] : ' ';
    if (first == '"' && is_lexical) {
        refuse_string(r, error_offset, reason);
    } else if (first == '\0') {
        (void)stop(r, WEFT_EMALFORMED, r->offset, "zero byte");
    } else if (first >= 0x80 && (first < 0xc2 || first > 0xf4)) {
        (void)stop(r, WEFT_EMALFORMED, r->offset, "not UTF-8"); /* None begins so (RFC 3629, 4). */
    } else {
        bool is_cut = first == '"' && error_offset > r->piece.size;
        (void)stop(r, WEFT_EMALFORMED, is_cut ? r->piece.size : r->offset, reason);
    }
}

/* --- pieces ---------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    char letter = (char)(c | 0x20);
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+' ||
           c == '.';
}

/* Behind the string, or the chunk. */
static size_t skip_string(struct weft_json_reader *r, size_t at)
{
    while (at < r->chunk.size) {
        if (!r->is_escaped && r->chunk.size - at >= 8) {
            uint64_t bytes = weft_get_le64((const uint8_t *)r->chunk.data + at);
            uint64_t marks = weft_bytes_like(bytes, '"') | weft_bytes_like(bytes, '\\');
            if (marks == 0) {
                at += 8;
                continue;
            }
            at += (size_t)__builtin_ctzll(marks) / 8;
        }
        char c = r->chunk.data[at++];
        if (r->is_escaped) {
            r->is_escaped = false;
        } else if (c == '\\') {
            r->is_escaped = true;
        } else if (c == '"') {
            r->is_in_string = false;
            break;
        }
    }
    return at;
}

/* Where the next piece ends in the chunk: between two tokens, with a byte between them. At most one
 * array or object ends in it, and begins as its last byte; and one element of an array that was
 * open. */
static size_t find_end(struct weft_json_reader *r, size_t *ret_scanned)
{
    bool is_in_array = r->depth > 0 && r->levels[r->depth - 1].value->type == WEFT_JSON_ARRAY;
    size_t end = r->at, at = r->at;
    bool is_found = false;
    while (at < r->chunk.size && !is_found) {
        if (r->is_in_string) {
            at = skip_string(r, at);
            if (r->is_in_string) {
                break;
            }
            end = at;
            is_found = r->token.size > 0;
            continue;
        }
        char c = r->chunk.data[at++];
        if (c == '"') {
            r->is_in_string = true;
        } else if (!is_word(c)) {
            end = at;
            bool is_end = c == '{' || c == '}' || c == '[' || c == ']' || (c == ',' && is_in_array);
            is_found = r->token.size > 0 || (r->choose != NULL && is_end);
        }
    }
    *ret_scanned = at;
    return end;
}

/* The next piece of the chunk; empty: there is none. */
static enum weft_err take_piece(struct weft_json_reader *r, struct weft_text *ret_piece)
{
    struct weft_text rest = {r->chunk.data + r->at, r->chunk.size - r->at};
    if (r->is_last && r->choose == NULL && r->token.size == 0) {
        r->at = r->chunk.size; /* As it is: nothing is handed over. */
        *ret_piece = rest;
        return WEFT_OK;
    }
    size_t scanned = r->at;
    size_t size = find_end(r, &scanned) - r->at;
    enum weft_err err = WEFT_OK;
    *ret_piece = (struct weft_text){rest.data, size};
    if (r->token.size > 0 && size > 0) {
        err = weft_buffer_append(&r->token, rest.data, size);
        *ret_piece = (struct weft_text){(const char *)r->token.data, r->token.size};
        weft_buffer_clear(&r->token);
    } else if (scanned > r->at + size) {
        err = weft_buffer_append(&r->token, rest.data + size, scanned - r->at - size);
        size = scanned - r->at;
    }
    r->at += size;
    return err;
}

static void judge(struct weft_json_reader *r, yajl_status status, size_t error_offset)
{
    if (status == yajl_status_error) {
        refuse(r, error_offset);
    } else if (status == yajl_status_client_canceled) {
        weft_assert(r->err != WEFT_OK); /* PRO-5 */
    } else {
        (void)skip_to_token(r, SIZE_MAX);
    }
}

static void parse(struct weft_json_reader *r, struct weft_text piece)
{
    r->piece_start += r->piece.size;
    r->piece = piece;
    r->offset = 0;
    if (piece.size > 0) {
        yajl_status status = yajl_parse(r->parser, (const unsigned char *)piece.data, piece.size);
        judge(r, status, yajl_get_bytes_consumed(r->parser));
    }
}

/* There is no more. */
static void end_text(struct weft_json_reader *r)
{
    if (r->token.size > 0) {
        parse(r, (struct weft_text){(const char *)r->token.data, r->token.size});
    }
    if (r->err == WEFT_OK) { /* A number may be over only now. */
        judge(r, yajl_complete_parse(r->parser), r->piece.size + 1);
    }
    if (r->err == WEFT_OK && r->mark > 0 && r->mark < 3) {
        (void)stop(r, WEFT_EMALFORMED, 0, "the text ends too early");
    }
    r->is_done = r->err == WEFT_OK;
}

/* A byte order mark is ignored, as RFC 8259, section 8.1 permits. */
static void read_mark(struct weft_json_reader *r)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (r->chunk.data[r->at] == mark[r->mark]) {
        r->mark++;
        r->at++;
    } else if (r->mark > 0) {
        (void)stop(r, WEFT_EMALFORMED, 0, "not UTF-8");
    } else {
        r->mark = sizeof(mark) - 1;
    }
}

static void step(struct weft_json_reader *r)
{
    struct weft_text piece = {NULL, 0};
    if (r->parser == NULL) {
        r->parser = yajl_alloc(&callbacks, NULL, r);
        if (r->parser == NULL) {
            (void)stop(r, WEFT_ENOMEM, 0, "out of memory");
            return;
        }
        (void)yajl_config(r->parser, yajl_dont_validate_strings, 1); /* check_string is stricter. */
    }
    if (r->at == r->chunk.size) {
        end_text(r);
        return;
    }
    if (r->mark < 3) {
        read_mark(r);
        return;
    }
    enum weft_err err = take_piece(r, &piece);
    if (err != WEFT_OK) {
        (void)stop(r, err, r->offset, "too large a string or number");
        return;
    }
    parse(r, piece);
}

/* --- for users ------------------------------------------------------------------------------- */

void weft_json_reader_init(struct weft_json_reader *r, struct weft_arena *arena,
    uint32_t first_line, const char *repeatable, weft_json_choose *choose, void *ctx)
{
    *r = (struct weft_json_reader){.choose = choose,
        .ctx = ctx,
        .arena = arena,
        .repeatable = weft_text_of(repeatable),
        .piece = {"", 0},
        .line = first_line,
        .token = {.size_max = TOKEN_SIZE_MAX}};
}

void weft_json_reader_feed(struct weft_json_reader *r, struct weft_text chunk, bool is_last)
{
    weft_assert(r->at == r->chunk.size && !r->is_last); /* PRO-5 */
    r->chunk = chunk;
    r->at = 0;
    r->is_last = is_last;
}

static struct weft_json *take_finished(struct weft_json_reader *r)
{
    struct weft_json *value = r->finished[0].value;
    r->finished_count--;
    memmove(r->finished, r->finished + 1, r->finished_count * sizeof(*r->finished));
    return value;
}

enum weft_err weft_json_reader_next(
    struct weft_json_reader *r, struct weft_json **ret_value, struct weft_msg *msg)
{
    for (;;) {
        if (r->finished_count > 0) {
            *ret_value = take_finished(r);
            return WEFT_OK;
        }
        if (r->err != WEFT_OK) {
            break;
        }
        if (r->is_done || (r->at == r->chunk.size && !r->is_last)) {
            return WEFT_ENOTFOUND;
        }
        step(r);
    }
    if (r->is_told) {
        return weft_fail(msg, r->err, "line %u, column 1: it was refused before", r->line);
    }
    r->is_told = true;
    return weft_fail(msg, r->err, "%s", r->reason.text);
}

bool weft_json_reader_is_open_in(const struct weft_json_reader *r, const struct weft_arena *arena)
{
    for (uint32_t i = 0; i < r->depth; i++) {
        if (r->levels[i].arena == arena) {
            return true;
        }
    }
    for (uint32_t i = 0; i < r->finished_count; i++) {
        if (r->finished[i].arena == arena) {
            return true;
        }
    }
    return false;
}

void weft_json_reader_close(struct weft_json_reader *r)
{
    if (r->parser != NULL) {
        yajl_free(r->parser);
    }
    weft_buffer_destroy(&r->token);
}
