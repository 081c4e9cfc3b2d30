#include "jepsen/core/edn.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool read_value(struct jep_edn_reader *reader, struct jep_arena *arena,
    struct jep_edn *ret_value, struct jep_message *message);

static bool failed(struct jep_edn_reader *reader, struct jep_message *message, const char *what)
{
    return jep_failed(message, "line %zu, column %zu: %s", reader->line + 1,
        reader->at - reader->line_start + 1, what);
}

static int peek(const struct jep_edn_reader *reader)
{
    return reader->at < reader->size ? (unsigned char)reader->text[reader->at] : -1;
}

static void advance(struct jep_edn_reader *reader)
{
    if (reader->text[reader->at++] == '\n') {
        reader->line++;
        reader->line_start = reader->at;
    }
}

static bool is_space(int c)
{
    return c == ' ' || c == '\n' || c == ',' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* Of a symbol or keyword, past the first (edn: "Symbols"). */
static bool is_symbol_char(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) ||
           (c > 0 && strchr(".*+!-_?$%&=<>/:#'|", c) != NULL) || c >= 0x80;
}

static bool is_end_of_token(int c)
{
    return c < 0 || is_space(c) || strchr("()[]{}\";", c) != NULL;
}

/* Spaces, commas, comments and #_ (a value that is read and dropped). */
static bool skip(
    struct jep_edn_reader *reader, struct jep_arena *arena, struct jep_message *message)
{
    for (;;) {
        int c = peek(reader);
        if (is_space(c)) {
            advance(reader);
        } else if (c == ';') {
            while (peek(reader) >= 0 && peek(reader) != '\n') {
                advance(reader);
            }
        } else if (c == '#' && reader->at + 1 < reader->size &&
                   reader->text[reader->at + 1] == '_') {
            struct jep_edn dropped = jep_edn_nil();
            if (reader->depth >= JEP_EDN_DEPTH_MAX) {
                return failed(reader, message, "nested too deeply");
            }
            reader->at += 2;
            reader->depth++;
            if (!read_value(reader, arena, &dropped, message)) {
                return false;
            }
            reader->depth--;
        } else {
            return true;
        }
    }
}

static size_t token_size(const struct jep_edn_reader *reader)
{
    size_t end = reader->at;
    while (end < reader->size && !is_end_of_token((unsigned char)reader->text[end])) {
        end++;
    }
    return end - reader->at;
}

static bool read_number(
    struct jep_edn_reader *reader, struct jep_edn *ret_value, struct jep_message *message)
{
    char digits[64];
    size_t size = token_size(reader);
    const char *text = reader->text + reader->at;
    if (size == 0 || size >= sizeof(digits)) {
        return failed(reader, message, "number of more than 63 characters");
    }
    memcpy(digits, text, size);
    digits[size] = '\0';
    size_t at = digits[0] == '-' || digits[0] == '+' ? 1 : 0;
    if (digits[at] == '0' && is_digit(digits[at + 1])) {
        return failed(reader, message, "number with a leading zero (octal is not read)");
    }
    bool is_whole = strspn(digits + at, "0123456789") == size - at;
    if (!is_whole && digits[size - 1] == 'N') { /* 1N: Clojure's big integer */
        digits[size - 1] = '\0';
        is_whole = strspn(digits + at, "0123456789") == size - 1 - at;
    }
    char *end = NULL;
    errno = 0;
    if (is_whole) {
        long long integer = strtoll(digits, &end, 10);
        if (errno != 0) {
            return failed(reader, message, "integer outside of 64 bits");
        }
        *ret_value = jep_edn_int(integer);
    } else {
        double real = strtod(digits, &end);
        if (strspn(digits + at, "0123456789.eE+-") != size - at || *end != '\0' ||
            !isfinite(real)) {
            return failed(reader, message, "not a number");
        }
        *ret_value = jep_edn_float(real);
    }
    reader->at += size;
    return true;
}

/* \uXXXX as UTF-8; a surrogate pair is not put together, as nothing here writes one. */
static bool read_unicode(
    struct jep_edn_reader *reader, struct jep_text *text, struct jep_message *message)
{
    uint32_t code = 0;
    if (reader->size - reader->at < 5) {
        return failed(reader, message, "\\u needs four hexadecimal digits");
    }
    for (size_t i = 1; i <= 4; i++) {
        int c = (unsigned char)reader->text[reader->at + i];
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return failed(reader, message, "\\u needs four hexadecimal digits");
        }
        code = code * 16 + (uint32_t)digit;
    }
    if (code == 0 || (code >= 0xd800 && code < 0xe000)) {
        return failed(reader, message, "\\u with zero or half of a pair");
    }
    char bytes[3];
    size_t size = 0;
    if (code < 0x80) {
        bytes[size++] = (char)code;
    } else if (code < 0x800) {
        bytes[size++] = (char)(0xc0u | (code >> 6));
        bytes[size++] = (char)(0x80u | (code & 0x3fu));
    } else {
        bytes[size++] = (char)(0xe0u | (code >> 12));
        bytes[size++] = (char)(0x80u | ((code >> 6) & 0x3fu));
        bytes[size++] = (char)(0x80u | (code & 0x3fu));
    }
    jep_text_add(text, bytes, size);
    reader->at += 5;
    return true;
}

static bool read_escape(
    struct jep_edn_reader *reader, struct jep_text *text, struct jep_message *message)
{
    static const char names[] = "\"\\ntrfb";
    static const char meant[] = "\"\\\n\t\r\f\b";
    int c = peek(reader);
    const char *found = c > 0 ? strchr(names, c) : NULL;
    if (c == 'u') {
        return read_unicode(reader, text, message);
    }
    if (found == NULL) {
        return failed(reader, message, "unknown escape in a string");
    }
    jep_text_add(text, &meant[found - names], 1);
    advance(reader);
    return true;
}

static bool read_string(struct jep_edn_reader *reader, struct jep_arena *arena,
    struct jep_edn *ret_value, struct jep_message *message)
{
    struct jep_text text = {0};
    bool good = true;
    advance(reader);
    while (good) {
        size_t start = reader->at;
        while (peek(reader) > 0 && peek(reader) != '"' && peek(reader) != '\\') {
            advance(reader);
        }
        jep_text_add(&text, reader->text + start, reader->at - start);
        if (peek(reader) == '"') {
            break;
        }
        if (peek(reader) != '\\') {
            good = failed(reader, message, "string without an end");
        } else {
            advance(reader);
            good = read_escape(reader, &text, message);
        }
    }
    if (good) {
        advance(reader);
        *ret_value = jep_edn_string(jep_arena_text(arena, text.bytes, text.size));
    }
    jep_text_free(&text);
    return good;
}

static bool read_symbol(struct jep_edn_reader *reader, struct jep_arena *arena,
    struct jep_edn *ret_value, struct jep_message *message)
{
    size_t size = token_size(reader);
    const char *text = reader->text + reader->at;
    bool is_keyword = text[0] == ':';
    size_t start = is_keyword ? 1 : 0;
    if (size == start || (is_keyword && text[1] == ':') || is_digit(text[start]) ||
        (text[start] == '#')) {
        return failed(reader, message, "not a value");
    }
    for (size_t i = start; i < size; i++) {
        if (!is_symbol_char((unsigned char)text[i])) {
            return failed(reader, message, "not a value");
        }
    }
    reader->at += size;
    if (size == 3 && memcmp(text, "nil", 3) == 0) {
        *ret_value = jep_edn_nil();
    } else if (size == 4 && memcmp(text, "true", 4) == 0) {
        *ret_value = jep_edn_bool(true);
    } else if (size == 5 && memcmp(text, "false", 5) == 0) {
        *ret_value = jep_edn_bool(false);
    } else {
        *ret_value = jep_edn_keyword(jep_arena_text(arena, text + start, size - start));
        ret_value->type = is_keyword ? JEP_EDN_KEYWORD : JEP_EDN_SYMBOL;
    }
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    return jep_edn_compare(*(const struct jep_edn *const *)a, *(const struct jep_edn *const *)b);
}

/* Clojure's reader refuses a set or map that names a thing twice. */
static bool has_duplicate(const struct jep_edn *items, size_t count, size_t width)
{
    if (count <= 8) {
        for (size_t i = 0; i < count; i++) {
            for (size_t j = i + 1; j < count; j++) {
                if (jep_edn_equal(&items[i * width], &items[j * width])) {
                    return true;
                }
            }
        }
        return false;
    }
    const struct jep_edn **sorted = jep_alloc(count, sizeof(struct jep_edn *));
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &items[i * width];
    }
    qsort(sorted, count, sizeof(struct jep_edn *), compare_keys);
    bool is_twice = false;
    for (size_t i = 1; i < count && !is_twice; i++) {
        is_twice = jep_edn_equal(sorted[i - 1], sorted[i]);
    }
    free(sorted);
    return is_twice;
}

static bool read_items(struct jep_edn_reader *reader, struct jep_arena *arena, int close,
    struct jep_edn_list *list, struct jep_message *message)
{
    if (reader->depth >= JEP_EDN_DEPTH_MAX) {
        return failed(reader, message, "nested too deeply");
    }
    reader->depth++;
    for (;;) {
        if (!skip(reader, arena, message)) {
            return false;
        }
        if (peek(reader) == close) {
            advance(reader);
            reader->depth--;
            return true;
        }
        struct jep_edn item = jep_edn_nil();
        if (!read_value(reader, arena, &item, message)) {
            return false;
        }
        if (list->count >= UINT32_MAX) {
            return failed(reader, message, "too many items");
        }
        jep_edn_push(list, item);
    }
}

static bool read_collection(struct jep_edn_reader *reader, struct jep_arena *arena,
    enum jep_edn_type type, int close, struct jep_edn *ret_value, struct jep_message *message)
{
    struct jep_edn_list list = {0};
    struct jep_edn_reader start = *reader;
    advance(reader);
    bool good = read_items(reader, arena, close, &list, message);
    size_t width = type == JEP_EDN_MAP ? 2 : 1;
    if (good && list.count % width != 0) {
        good = failed(&start, message, "map with a key and no value");
    }
    if (good && (type == JEP_EDN_MAP || type == JEP_EDN_SET) &&
        has_duplicate(list.items, list.count / width, width)) {
        good = failed(&start, message, "the same key or element twice");
    }
    if (good) {
        *ret_value = type == JEP_EDN_MAP ? jep_edn_take_map(&list, arena)
                                         : jep_edn_take_vector(&list, arena);
        ret_value->type = type;
    }
    free(list.items);
    return good;
}

/* ##NaN, #{...} and #tag value. */
static bool read_dispatch(struct jep_edn_reader *reader, struct jep_arena *arena,
    struct jep_edn *ret_value, struct jep_message *message)
{
    static const struct {
        const char *name;
        double real;
    } special[] = {{"##NaN", NAN}, {"##Inf", INFINITY}, {"##-Inf", -INFINITY}};
    size_t size = token_size(reader);
    const char *text = reader->text + reader->at;
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (size == strlen(special[i].name) && memcmp(text, special[i].name, size) == 0) {
            reader->at += size;
            *ret_value = jep_edn_float(special[i].real);
            return true;
        }
    }
    advance(reader);
    if (peek(reader) == '{') {
        return read_collection(reader, arena, JEP_EDN_SET, '}', ret_value, message);
    }
    struct jep_edn items[2] = {jep_edn_nil(), jep_edn_nil()};
    if (reader->depth >= JEP_EDN_DEPTH_MAX) {
        return failed(reader, message, "nested too deeply");
    }
    if (peek(reader) < 0 || !read_symbol(reader, arena, &items[0], message) ||
        items[0].type != JEP_EDN_SYMBOL) {
        return failed(reader, message, "# without a set or tag");
    }
    reader->depth++;
    if (!read_value(reader, arena, &items[1], message)) {
        return false;
    }
    reader->depth--;
    *ret_value = jep_edn_vector(arena, items, 2);
    ret_value->type = JEP_EDN_TAGGED;
    return true;
}

static bool read_value(struct jep_edn_reader *reader, struct jep_arena *arena,
    struct jep_edn *ret_value, struct jep_message *message)
{
    if (!skip(reader, arena, message)) {
        return false;
    }
    int c = peek(reader);
    if (c < 0) {
        return failed(reader, message, "the text ends within a value");
    }
    int next = reader->at + 1 < reader->size ? (unsigned char)reader->text[reader->at + 1] : -1;
    if (is_digit(c) || ((c == '-' || c == '+') && is_digit(next))) {
        return read_number(reader, ret_value, message);
    }
    switch (c) {
    case '"':
        return read_string(reader, arena, ret_value, message);
    case '(':
        return read_collection(reader, arena, JEP_EDN_LIST, ')', ret_value, message);
    case '[':
        return read_collection(reader, arena, JEP_EDN_VECTOR, ']', ret_value, message);
    case '{':
        return read_collection(reader, arena, JEP_EDN_MAP, '}', ret_value, message);
    case '#':
        return read_dispatch(reader, arena, ret_value, message);
    case ')':
    case ']':
    case '}':
        return failed(reader, message, "closes what is not open");
    default:
        return read_symbol(reader, arena, ret_value, message);
    }
}

bool jep_edn_read(struct jep_edn_reader *reader, struct jep_arena *arena, struct jep_edn *ret_value,
    bool *ret_end, struct jep_message *message)
{
    if (!skip(reader, arena, message)) {
        return false;
    }
    *ret_end = peek(reader) < 0;
    return *ret_end || read_value(reader, arena, ret_value, message);
}

bool jep_edn_parse(struct jep_arena *arena, const char *text, size_t size,
    struct jep_edn *ret_value, struct jep_message *message)
{
    struct jep_edn_reader reader = {.text = text, .size = size};
    if (!read_value(&reader, arena, ret_value, message) || !skip(&reader, arena, message)) {
        return false;
    }
    return peek(&reader) < 0 || failed(&reader, message, "more than one value");
}
