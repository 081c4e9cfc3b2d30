#include "proto/json_reader.h"

#include <stdio.h>

#include "proto/check.h"

enum {
    NAME_SHOWN_MAX = 64, /* Bytes of a name in a message. */
    TOKEN_SIZE_MAX = 64 * 1024 * 1024,
};

/* What a byte may be. */
enum byte_class {
    OTHER = '.',
    WORD = 'w',    /* Of a number or a literal. */
    HIGH = 'h',    /* Above 0x7f. */
    CONTROL = 'c', /* Below 0x20. */
    QUOTE = 'q',
    BACKSLASH = 'b',
};

static const char classes[] = "cccccccccccccccccccccccccccccccc"
                              "..q........w.ww.wwwwwwwwww......"
                              ".wwwwwwwwwwwwwwwwwwwwwwwwww.b..."
                              ".wwwwwwwwwwwwwwwwwwwwwwwwww....."
                              "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"
                              "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"
                              "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"
                              "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh";
_Static_assert(sizeof(classes) == 256 + 1, "each byte has a class");

static char class_of(char c)
{
    return classes[(uint8_t)c];
}

/* --- places and errors ----------------------------------------------------------------------- */

/* Of the byte at `at` of the chunk, in the line that the reader has reached. */
static uint32_t column_of(const struct weft_json_reader *r, size_t at)
{
    uint64_t column = r->chunk_start + at - r->line_start + 1;
    return column < UINT32_MAX ? (uint32_t)column : UINT32_MAX;
}

static enum weft_err stop(struct weft_json_reader *r, enum weft_err err, uint32_t column,
    const char *reason, struct weft_msg *msg)
{
    r->err = weft_fail(msg, err, "line %u, column %u: %s", r->line, column, reason);
    return err;
}

static enum weft_err stop_for_memory(struct weft_json_reader *r, const struct weft_arena *arena,
    uint32_t column, struct weft_msg *msg)
{
    char reason[96];
    (void)snprintf(
        reason, sizeof(reason), "the text needs more than %zu bytes of memory", arena->size_max);
    return stop(r, WEFT_ETOOBIG, column, reason, msg);
}

static bool is_array_open(const struct weft_json_reader *r)
{
    return r->depth > 0 && r->levels[r->depth - 1].value->type == WEFT_JSON_ARRAY;
}

/* Something other than what must come. */
static enum weft_err stop_unexpected(
    struct weft_json_reader *r, uint32_t column, struct weft_msg *msg)
{
    const char *reason = "unallowed token at this point in JSON text";
    switch (r->state) {
    case WEFT_JSON_VALUE:
    case WEFT_JSON_FIRST_VALUE:
        break;
    case WEFT_JSON_FIRST_KEY:
    case WEFT_JSON_KEY:
        reason = "invalid object key (must be a string)";
        break;
    case WEFT_JSON_COLON:
        reason = "object key and value must be separated by a colon (':')";
        break;
    case WEFT_JSON_AFTER:
        reason = is_array_open(r) ? "after array element, I expect ',' or ']'"
                                  : "after key and value, inside map, I expect ',' or '}'";
        break;
    case WEFT_JSON_END:
        reason = "trailing garbage";
        break;
    }
    return stop(r, WEFT_EMALFORMED, column, reason, msg);
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

static bool wants_value(const struct weft_json_reader *r)
{
    return r->state == WEFT_JSON_VALUE || r->state == WEFT_JSON_FIRST_VALUE;
}

static struct weft_arena *arena_of(const struct weft_json_reader *r)
{
    return r->depth > 0 ? r->levels[r->depth - 1].arena : r->arena;
}

/* A value begins at `column`; `more` bytes lie behind it, for its text. */
static enum weft_err add_value(struct weft_json_reader *r, enum weft_json_type type,
    uint32_t column, size_t more, struct weft_json **ret_value, struct weft_arena **ret_arena,
    bool *ret_is_taken, struct weft_msg *msg)
{
    struct weft_json_level *level = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
    struct weft_json *parent = level != NULL ? level->value : NULL;
    struct weft_json begun = {.type = type,
        .line = r->line,
        .column = column,
        .key = r->key,
        .parent = parent,
        .index = parent != NULL ? parent->count : 0};
    struct weft_arena *arena = arena_of(r);
    struct weft_arena *chosen = r->choose != NULL ? r->choose(r->ctx, &begun) : NULL;
    arena = chosen != NULL ? chosen : arena;
    struct weft_json *value =
        more < SIZE_MAX / 2 ? weft_arena_alloc(arena, sizeof(*value) + more) : NULL;
    if (value == NULL) {
        return stop_for_memory(r, arena, column, msg);
    }
    *value = begun;
    r->key = (struct weft_text){NULL, 0};
    if (parent != NULL) {
        parent->count++; /* Within 2^32 where it is kept: the arena is smaller. */
    }
    if (chosen == NULL && parent == NULL) {
        r->root = value;
    } else if (chosen == NULL) {
        if (level->last == NULL) {
            parent->first = value;
        } else {
            level->last->next = value;
        }
        level->last = value;
    }
    *ret_value = value;
    *ret_arena = arena;
    *ret_is_taken = chosen != NULL;
    return WEFT_OK;
}

/* A value is whole. */
static void end_value(struct weft_json_reader *r, struct weft_json *value, bool is_taken)
{
    r->state = r->depth == 0 ? WEFT_JSON_END : WEFT_JSON_AFTER;
    r->finished = is_taken ? value : NULL;
}

static enum weft_err open_value(
    struct weft_json_reader *r, enum weft_json_type type, struct weft_msg *msg)
{
    struct weft_json_level level = {.last = NULL};
    uint32_t column = column_of(r, r->at);
    if (!wants_value(r)) {
        return stop_unexpected(r, column, msg);
    }
    if (r->depth == WEFT_JSON_DEPTH_MAX) {
        char reason[64];
        (void)snprintf(reason, sizeof(reason), "nested deeper than %d", WEFT_JSON_DEPTH_MAX);
        return stop(r, WEFT_ETOOBIG, column, reason, msg);
    }
    enum weft_err err =
        add_value(r, type, column, 0, &level.value, &level.arena, &level.is_taken, msg);
    if (err == WEFT_OK) {
        r->levels[r->depth++] = level;
        r->state = type == WEFT_JSON_ARRAY ? WEFT_JSON_FIRST_VALUE : WEFT_JSON_FIRST_KEY;
        r->at++;
    }
    return err;
}

static enum weft_err refuse_twins(
    struct weft_json_reader *r, const struct weft_json *object, struct weft_msg *msg)
{
    const struct weft_json *twin = NULL;
    if (weft_json_find_twin(object, r->repeatable, &twin) != WEFT_OK) {
        return stop(r, WEFT_ENOMEM, column_of(r, r->at), "out of memory", msg);
    }
    if (twin != NULL) {
        char name[NAME_SHOWN_MAX + 4];
        show_name(twin->key, name);
        r->err = weft_fail(msg, WEFT_EMALFORMED, "line %u, column %u: member \"%s\" is there twice",
            twin->line, twin->column, name);
    }
    return r->err;
}

static enum weft_err close_value(
    struct weft_json_reader *r, enum weft_json_type type, struct weft_msg *msg)
{
    enum weft_json_state first =
        type == WEFT_JSON_ARRAY ? WEFT_JSON_FIRST_VALUE : WEFT_JSON_FIRST_KEY;
    bool is_open = r->depth > 0 && r->levels[r->depth - 1].value->type == type;
    if (!is_open || (r->state != WEFT_JSON_AFTER && r->state != first)) {
        return stop_unexpected(r, column_of(r, r->at), msg);
    }
    struct weft_json_level *level = &r->levels[r->depth - 1];
    enum weft_err err = type == WEFT_JSON_OBJECT ? refuse_twins(r, level->value, msg) : WEFT_OK;
    if (err == WEFT_OK) {
        r->depth--;
        r->at++;
        end_value(r, level->value, level->is_taken);
    }
    return err;
}

/* --- tokens ---------------------------------------------------------------------------------- */

static enum weft_err put_string(struct weft_json_reader *r, struct weft_text raw, char *out,
    struct weft_text *ret_text, struct weft_msg *msg)
{
    struct weft_json_fault fault = {0, NULL};
    size_t size = raw.size;
    size_t good = r->has_high ? weft_text_utf8_prefix(raw) : raw.size;
    if (good < raw.size) {
        fault = (struct weft_json_fault){good, "not UTF-8"};
    } else if (r->has_escape) {
        size = weft_json_unescape(raw, out, &fault);
    } else if (raw.size > 0) {
        memcpy(out, raw.data, raw.size);
    }
    if (fault.reason != NULL) {
        return stop(
            r, WEFT_EMALFORMED, r->token_column + 1 + (uint32_t)fault.offset, fault.reason, msg);
    }
    out[size] = '\0';
    *ret_text = (struct weft_text){out, size};
    return WEFT_OK;
}

/* The content of a string is there whole. */
static enum weft_err end_string(
    struct weft_json_reader *r, struct weft_text raw, struct weft_msg *msg)
{
    if (r->state == WEFT_JSON_KEY || r->state == WEFT_JSON_FIRST_KEY) {
        char *out = weft_arena_alloc(arena_of(r), raw.size + 1);
        if (out == NULL) {
            return stop_for_memory(r, arena_of(r), r->token_column, msg);
        }
        r->state = WEFT_JSON_COLON;
        return put_string(r, raw, out, &r->key, msg);
    }
    struct weft_json *value = NULL;
    struct weft_arena *arena;
    bool is_taken;
    enum weft_err err = add_value(
        r, WEFT_JSON_STRING, r->token_column, raw.size + 1, &value, &arena, &is_taken, msg);
    if (err == WEFT_OK) {
        err = put_string(r, raw, (char *)(value + 1), &value->text, msg);
    }
    if (err == WEFT_OK) {
        end_value(r, value, is_taken);
    }
    return err;
}

/* A number or a literal is there whole. */
static enum weft_err end_word(
    struct weft_json_reader *r, struct weft_text word, struct weft_msg *msg)
{
    enum weft_json_type type = WEFT_JSON_NULL;
    struct weft_json_fault fault = {0, NULL};
    enum weft_err err = weft_json_classify(word, &type, &fault);
    if (err != WEFT_OK && fault.reason != NULL) {
        return stop(
            r, WEFT_EMALFORMED, r->token_column + (uint32_t)fault.offset, fault.reason, msg);
    }
    if (!wants_value(r)) {
        return stop_unexpected(r, r->token_column, msg);
    }
    if (err != WEFT_OK) { /* A number at once behind a number. */
        r->state = r->depth == 0 ? WEFT_JSON_END : WEFT_JSON_AFTER;
        return stop_unexpected(r, r->token_column + (uint32_t)fault.offset, msg);
    }
    struct weft_json *value = NULL;
    struct weft_arena *arena;
    bool is_taken;
    size_t more = type == WEFT_JSON_NUMBER ? word.size + 1 : 0;
    err = add_value(r, type, r->token_column, more, &value, &arena, &is_taken, msg);
    if (err != WEFT_OK) {
        return err;
    }
    value->boolean = type == WEFT_JSON_BOOL && word.data[0] == 't';
    if (more > 0) {
        char *text = (char *)(value + 1); /* The arena gives zeros: it is terminated. */
        memcpy(text, word.data, word.size);
        value->text = (struct weft_text){text, word.size};
    }
    end_value(r, value, is_taken);
    return WEFT_OK;
}

/* The token goes on behind the chunk: keep what there is of it. */
static enum weft_err keep_beginning(struct weft_json_reader *r, struct weft_msg *msg)
{
    enum weft_err err =
        weft_buffer_append(&r->beginning, r->chunk.data + r->token_at, r->chunk.size - r->token_at);
    r->at = r->token_at = r->chunk.size;
    return err == WEFT_OK ? WEFT_OK
                          : stop(r, err, r->token_column, "too large a string or number", msg);
}

/* The token ends before `end` of the chunk. */
static enum weft_err end_token(struct weft_json_reader *r, size_t end, struct weft_msg *msg)
{
    struct weft_text raw = {r->chunk.data + r->token_at, end - r->token_at};
    if (r->beginning.size > 0) {
        enum weft_err err = weft_buffer_text(&r->beginning, raw);
        if (err != WEFT_OK) {
            return stop(r, err, r->token_column, "too large a string or number", msg);
        }
        raw = (struct weft_text){(const char *)r->beginning.data, r->beginning.size};
    }
    bool is_string = r->token == WEFT_JSON_IN_STRING;
    r->token = WEFT_JSON_NO_TOKEN;
    r->at = is_string ? end + 1 : end;
    enum weft_err err = is_string ? end_string(r, raw, msg) : end_word(r, raw, msg);
    weft_buffer_clear(&r->beginning);
    return err;
}

static enum weft_err read_string(struct weft_json_reader *r, struct weft_msg *msg)
{
    const char *text = r->chunk.data;
    size_t i = r->at;
    while (i < r->chunk.size) {
        char class = class_of(text[i]);
        if (class == OTHER || class == WORD) {
            i++;
        } else if (class == HIGH) {
            r->has_high = true;
            i++;
        } else if (class == CONTROL) {
            return stop(r, WEFT_EMALFORMED, column_of(r, i),
                text[i] == '\0' ? "zero byte" : "invalid character inside string", msg);
        } else if (r->is_escaped) {
            i++; /* Quote or backslash; the others are told when the escapes are undone. */
        } else if (class == QUOTE) {
            return end_token(r, i, msg);
        } else {
            r->is_escaped = r->has_escape = true;
            i++;
            continue;
        }
        r->is_escaped = false;
    }
    return keep_beginning(r, msg);
}

static enum weft_err read_word(struct weft_json_reader *r, struct weft_msg *msg)
{
    size_t i = r->at;
    while (i < r->chunk.size && class_of(r->chunk.data[i]) == WORD) {
        i++;
    }
    return i < r->chunk.size ? end_token(r, i, msg) : keep_beginning(r, msg);
}

static void begin_token(struct weft_json_reader *r, enum weft_json_token token)
{
    r->token = token;
    r->token_column = column_of(r, r->at);
    r->at += token == WEFT_JSON_IN_STRING ? 1 : 0;
    r->token_at = r->at;
    r->is_escaped = r->has_escape = r->has_high = false;
}

/* --- between tokens -------------------------------------------------------------------------- */

/* A byte that begins no token. */
static enum weft_err stop_at_byte(struct weft_json_reader *r, struct weft_msg *msg)
{
    const char *p = r->chunk.data + r->at;
    const char *reason = "invalid char in json text";
    if (*p == '\0') {
        reason = "zero byte";
    } else if (class_of(*p) == HIGH && ((uint8_t)*p < 0xc2 || (uint8_t)*p > 0xf4)) {
        reason = "not UTF-8"; /* No character begins so (RFC 3629, 4). */
    } else if (class_of(*p) != CONTROL && r->state == WEFT_JSON_END) {
        reason = "trailing garbage";
    } else if (*p == '/') {
        reason = "probable comment found in input text, comments are not enabled";
    }
    return stop(r, WEFT_EMALFORMED, column_of(r, r->at), reason, msg);
}

static enum weft_err read_comma(struct weft_json_reader *r, struct weft_msg *msg)
{
    if (r->state != WEFT_JSON_AFTER) {
        return stop_unexpected(r, column_of(r, r->at), msg);
    }
    r->state = is_array_open(r) ? WEFT_JSON_VALUE : WEFT_JSON_KEY;
    r->at++;
    return WEFT_OK;
}

static enum weft_err read_colon(struct weft_json_reader *r, struct weft_msg *msg)
{
    if (r->state != WEFT_JSON_COLON) {
        return stop_unexpected(r, column_of(r, r->at), msg);
    }
    r->state = WEFT_JSON_VALUE;
    r->at++;
    return WEFT_OK;
}

static enum weft_err read_token(struct weft_json_reader *r, struct weft_msg *msg)
{
    switch (r->chunk.data[r->at]) {
    case '\n':
        r->line++;
        r->line_start = r->chunk_start + r->at + 1;
        r->at++;
        return WEFT_OK;
    case ' ':
    case '\t':
    case '\r':
        r->at++;
        return WEFT_OK;
    case ',':
        return read_comma(r, msg);
    case ':':
        return read_colon(r, msg);
    case '{':
        return open_value(r, WEFT_JSON_OBJECT, msg);
    case '[':
        return open_value(r, WEFT_JSON_ARRAY, msg);
    case '}':
        return close_value(r, WEFT_JSON_OBJECT, msg);
    case ']':
        return close_value(r, WEFT_JSON_ARRAY, msg);
    case '"':
        if (r->state == WEFT_JSON_COLON || r->state == WEFT_JSON_AFTER ||
            r->state == WEFT_JSON_END) {
            return stop_unexpected(r, column_of(r, r->at), msg);
        }
        begin_token(r, WEFT_JSON_IN_STRING);
        return WEFT_OK;
    default:
        if (class_of(r->chunk.data[r->at]) != WORD || r->state == WEFT_JSON_END) {
            return stop_at_byte(r, msg);
        }
        begin_token(r, WEFT_JSON_IN_WORD);
        return WEFT_OK;
    }
}

/* A byte order mark is ignored, as RFC 8259, section 8.1 permits. */
static enum weft_err read_mark(struct weft_json_reader *r, struct weft_msg *msg)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (r->chunk.data[r->at] == mark[r->mark]) {
        r->mark++;
        r->chunk = (struct weft_text){r->chunk.data + 1, r->chunk.size - 1};
        return WEFT_OK;
    }
    if (r->mark > 0) {
        return stop(r, WEFT_EMALFORMED, 1, "not UTF-8", msg);
    }
    r->mark = sizeof(mark) - 1;
    return WEFT_OK;
}

/* There is no more. */
static enum weft_err end_text(struct weft_json_reader *r, struct weft_msg *msg)
{
    if (r->token == WEFT_JSON_IN_WORD) {
        return end_token(r, r->at, msg); /* Only its end tells that a number is over. */
    }
    bool is_half_mark = r->mark > 0 && r->mark < 3;
    if (r->token != WEFT_JSON_NO_TOKEN || r->state != WEFT_JSON_END || is_half_mark) {
        return stop(r, WEFT_EMALFORMED, column_of(r, r->at), "the text ends too early", msg);
    }
    r->is_done = true;
    return WEFT_ENOTFOUND;
}

/* --- for users ------------------------------------------------------------------------------- */

void weft_json_reader_init(struct weft_json_reader *r, struct weft_arena *arena,
    uint32_t first_line, const char *repeatable, weft_json_choose *choose, void *ctx)
{
    *r = (struct weft_json_reader){.choose = choose,
        .ctx = ctx,
        .arena = arena,
        .repeatable = weft_text_of(repeatable),
        .line = first_line,
        .beginning = {.size_max = TOKEN_SIZE_MAX}};
}

void weft_json_reader_feed(struct weft_json_reader *r, struct weft_text chunk, bool is_last)
{
    weft_assert(r->at == r->chunk.size && !r->is_last); /* PRO-5 */
    r->chunk_start += r->chunk.size;
    r->chunk = chunk;
    r->at = 0;
    r->token_at = 0;
    r->is_last = is_last;
}

static enum weft_err step(struct weft_json_reader *r, struct weft_msg *msg)
{
    if (r->at == r->chunk.size) {
        return r->is_last ? end_text(r, msg) : WEFT_ENOTFOUND;
    }
    if (r->mark < 3) {
        return read_mark(r, msg);
    }
    switch (r->token) {
    case WEFT_JSON_NO_TOKEN:
        return read_token(r, msg);
    case WEFT_JSON_IN_STRING:
        return read_string(r, msg);
    case WEFT_JSON_IN_WORD:
        return read_word(r, msg);
    }
    weft_unreachable("token of a JSON text"); /* PRO-5 */
}

enum weft_err weft_json_reader_next(
    struct weft_json_reader *r, struct weft_json **ret_value, struct weft_msg *msg)
{
    if (r->err != WEFT_OK) {
        return weft_fail(msg, r->err, "line %u, column 1: it was refused before", r->line);
    }
    for (;;) {
        enum weft_err err = step(r, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (r->finished != NULL) {
            *ret_value = r->finished;
            r->finished = NULL;
            return WEFT_OK;
        }
    }
}

bool weft_json_reader_is_open_in(const struct weft_json_reader *r, const struct weft_arena *arena)
{
    for (uint32_t i = 0; i < r->depth; i++) {
        if (r->levels[i].arena == arena) {
            return true;
        }
    }
    return false;
}

void weft_json_reader_close(struct weft_json_reader *r)
{
    weft_buffer_destroy(&r->beginning);
}
