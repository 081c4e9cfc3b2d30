#include "jepsen/cluster/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at;
    const char *end;
    struct jep_arena *arena;
    unsigned depth;
};

static bool read_value(struct reader *r, struct jep_edn *ret_value);

static void skip_space(struct reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != 0) {
        r->at++;
    }
}

static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->at >= r->end || *r->at != c) {
        return false;
    }
    r->at++;
    return true;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, word, size) != 0) {
        return false;
    }
    r->at += size;
    return true;
}

static int hex4(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = at[i] != 0 ? strchr(digits, at[i] | 0x20) : NULL;
        if (digit == NULL) {
            return -1;
        }
        value = value * 16 + (int)(digit - digits);
    }
    return value;
}

static size_t put_utf8(char *to, unsigned code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* Behind \u. Two of them can be one character (RFC 8259, 7). */
static bool take_code(struct reader *r, unsigned *ret_code)
{
    int high = r->end - r->at >= 4 ? hex4(r->at) : -1;
    if (high < 0) {
        return false;
    }
    r->at += 4;
    *ret_code = (unsigned)high;
    if (high >= 0xd800 && high < 0xdc00) {
        int low = r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u' ? hex4(r->at + 2) : -1;
        if (low < 0xdc00 || low > 0xdfff) {
            return false;
        }
        r->at += 6;
        *ret_code = 0x10000u + ((unsigned)high - 0xd800u) * 0x400u + ((unsigned)low - 0xdc00u);
    }
    return true;
}

static bool take_escape(struct reader *r, char *to, size_t *ret_size)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (r->at >= r->end || *r->at == 0) {
        return false;
    }
    char c = *r->at++;
    if (c == 'u') {
        unsigned code;
        if (!take_code(r, &code)) {
            return false;
        }
        *ret_size = put_utf8(to, code);
        return true;
    }
    const char *found = strchr(from, c);
    if (found == NULL) {
        return false;
    }
    *to = into[found - from];
    *ret_size = 1;
    return true;
}

/* Behind the opening quote. What is written is never longer than what was read. */
static bool read_string(struct reader *r, struct jep_edn *ret_value)
{
    const char *end = r->at;
    while (end < r->end && *end != '"') {
        end += *end == '\\' ? 2 : 1;
    }
    if (end >= r->end) {
        return false;
    }
    char *text = jep_arena_alloc(r->arena, (size_t)(end - r->at) + 1);
    size_t size = 0;
    while (r->at < end) {
        if (*r->at == '\\') {
            size_t added;
            r->at++;
            if (!take_escape(r, text + size, &added)) {
                return false;
            }
            size += added;
        } else {
            text[size++] = *r->at++;
        }
    }
    r->at = end + 1;
    text[size] = 0;
    *ret_value = jep_edn_string(text);
    return true;
}

static bool read_number(struct reader *r, struct jep_edn *ret_value)
{
    char text[64];
    size_t size = 0;
    bool is_integer = true;
    while (r->at < r->end && *r->at != 0 && strchr("+-.0123456789eE", *r->at) != NULL) {
        is_integer = is_integer && strchr(".eE", *r->at) == NULL;
        if (size >= sizeof(text) - 1) {
            return false;
        }
        text[size++] = *r->at++;
    }
    text[size] = 0;
    char *end = text;
    errno = 0;
    if (is_integer && text[0] == '-') {
        *ret_value = jep_edn_int(strtoll(text, &end, 10));
    } else if (is_integer) {
        *ret_value = jep_edn_int((int64_t)strtoull(text, &end, 10));
    }
    if (!is_integer || errno == ERANGE) {
        *ret_value = jep_edn_float(strtod(text, &end));
    }
    return size > 0 && *end == 0;
}

static bool read_array(struct reader *r, struct jep_edn *ret_value)
{
    struct jep_edn_list items = {0};
    bool is_good = true;
    if (!take(r, ']')) {
        do {
            struct jep_edn item;
            is_good = read_value(r, &item);
            if (is_good) {
                jep_edn_push(&items, item);
            }
        } while (is_good && take(r, ','));
        is_good = is_good && take(r, ']');
    }
    *ret_value = jep_edn_take_vector(&items, r->arena);
    return is_good;
}

static bool read_object(struct reader *r, struct jep_edn *ret_value)
{
    struct jep_edn_list items = {0};
    bool is_good = true;
    if (!take(r, '}')) {
        do {
            struct jep_edn key, value;
            is_good = take(r, '"') && read_string(r, &key) && take(r, ':') && read_value(r, &value);
            if (is_good) {
                jep_edn_push(&items, key);
                jep_edn_push(&items, value);
            }
        } while (is_good && take(r, ','));
        is_good = is_good && take(r, '}');
    }
    *ret_value = jep_edn_take_map(&items, r->arena);
    return is_good;
}

static bool read_compound(struct reader *r, struct jep_edn *ret_value)
{
    if (r->depth >= JEP_EDN_DEPTH_MAX) {
        return false;
    }
    r->depth++;
    bool is_good = *r->at++ == '{' ? read_object(r, ret_value) : read_array(r, ret_value);
    r->depth--;
    return is_good;
}

static bool read_value(struct reader *r, struct jep_edn *ret_value)
{
    skip_space(r);
    if (r->at >= r->end) {
        return false;
    }
    switch (*r->at) {
    case '{':
    case '[':
        return read_compound(r, ret_value);
    case '"':
        r->at++;
        return read_string(r, ret_value);
    case 't':
        *ret_value = jep_edn_bool(true);
        return take_word(r, "true");
    case 'f':
        *ret_value = jep_edn_bool(false);
        return take_word(r, "false");
    case 'n':
        *ret_value = jep_edn_nil();
        return take_word(r, "null");
    default:
        return read_number(r, ret_value);
    }
}

bool jep_json_parse(struct jep_arena *arena, const char *text, size_t size,
    struct jep_edn *ret_value, struct jep_message *message)
{
    struct reader r = {.at = text, .end = text + size, .arena = arena};
    bool is_good = read_value(&r, ret_value);
    skip_space(&r);
    if (!is_good || r.at != r.end) {
        return jep_failed(message, "not JSON at byte %zu", (size_t)(r.at - text));
    }
    return true;
}

const struct jep_edn *jep_json_get(const struct jep_edn *object, const char *key)
{
    struct jep_edn name = jep_edn_string(key);
    return object != NULL && object->type == JEP_EDN_MAP ? jep_edn_find(object, &name) : NULL;
}

int64_t jep_json_int(const struct jep_edn *object, const char *key, int64_t otherwise)
{
    const struct jep_edn *value = jep_json_get(object, key);
    return value != NULL && jep_edn_is_int(value) ? value->integer : otherwise;
}

const char *jep_json_text(const struct jep_edn *object, const char *key)
{
    const struct jep_edn *value = jep_json_get(object, key);
    return value != NULL && value->type == JEP_EDN_STRING ? value->text : "";
}

void jep_json_quote(struct jep_text *text, const char *zero_terminated)
{
    jep_text_puts(text, "\"");
    for (const char *c = zero_terminated; *c != 0; c++) {
        if (*c == '"' || *c == '\\') {
            jep_text_printf(text, "\\%c", *c);
        } else if ((unsigned char)*c < 0x20) {
            jep_text_printf(text, "\\u%04x", (unsigned)(unsigned char)*c);
        } else {
            jep_text_add(text, c, 1);
        }
    }
    jep_text_puts(text, "\"");
}
