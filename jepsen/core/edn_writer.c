#include "jepsen/core/edn.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As Clojure's `pr` escapes a string (clojure.core/char-escape-string); other bytes are as given,
 * which is UTF-8 for the histories of Jepsen. */
static void write_string(struct jep_text *text, const struct jep_edn *value)
{
    jep_text_add(text, "\"", 1);
    size_t start = 0;
    for (size_t i = 0; i < value->count; i++) {
        const char *escape = NULL;
        switch (value->text[i]) {
        case '"':
            escape = "\\\"";
            break;
        case '\\':
            escape = "\\\\";
            break;
        case '\n':
            escape = "\\n";
            break;
        case '\t':
            escape = "\\t";
            break;
        case '\r':
            escape = "\\r";
            break;
        case '\f':
            escape = "\\f";
            break;
        case '\b':
            escape = "\\b";
            break;
        default:
            continue;
        }
        jep_text_add(text, value->text + start, i - start);
        jep_text_add(text, escape, 2);
        start = i + 1;
    }
    jep_text_add(text, value->text + start, value->count - start);
    jep_text_add(text, "\"", 1);
}

/* As Java's Double.toString: the shortest digits that read back as the same number, plain between
 * 1e-3 and 1e7, otherwise with an exponent, always with a point. */
static void write_float(struct jep_text *text, double real)
{
    if (isnan(real) || isinf(real)) {
        jep_text_puts(text, isnan(real) ? "##NaN" : real > 0 ? "##Inf" : "##-Inf");
        return;
    }
    char digits[40];
    int precision = 0;
    do {
        (void)snprintf(digits, sizeof(digits), "%.*e", precision, real);
    } while (strtod(digits, NULL) != real && ++precision < 17);
    int exponent = atoi(strchr(digits, 'e') + 1); // NOLINT(cert-err34-c): printf wrote it
    if (real == 0 || (exponent >= -3 && exponent < 7)) {
        int places = precision - exponent > 1 ? precision - exponent : 1;
        jep_text_printf(text, "%.*f", places, real);
        return;
    }
    *strchr(digits, 'e') = '\0';
    jep_text_printf(text, "%s%sE%d", digits, strchr(digits, '.') != NULL ? "" : ".0", exponent);
}

static void write_int(struct jep_text *text, int64_t integer)
{
    char digits[24];
    char *at = digits + sizeof(digits);
    uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (integer < 0) {
        *--at = '-';
    }
    jep_text_add(text, at, (size_t)(digits + sizeof(digits) - at));
}

static void write_items(
    struct jep_text *text, const struct jep_edn *value, const char *open, const char *close)
{
    jep_text_puts(text, open);
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0) {
            jep_text_add(text, " ", 1);
        }
        jep_edn_write(text, &value->items[i]);
    }
    jep_text_puts(text, close);
}

static void write_map(struct jep_text *text, const struct jep_edn *value)
{
    jep_text_add(text, "{", 1);
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0) {
            jep_text_add(text, ", ", 2);
        }
        jep_edn_write(text, &value->items[2 * i]);
        jep_text_add(text, " ", 1);
        jep_edn_write(text, &value->items[2 * i + 1]);
    }
    jep_text_add(text, "}", 1);
}

void jep_edn_write(struct jep_text *text, const struct jep_edn *value)
{
    switch (value->type) {
    case JEP_EDN_NIL:
        jep_text_add(text, "nil", 3);
        break;
    case JEP_EDN_BOOL:
        jep_text_puts(text, value->boolean ? "true" : "false");
        break;
    case JEP_EDN_INT:
        write_int(text, value->integer);
        break;
    case JEP_EDN_FLOAT:
        write_float(text, value->real);
        break;
    case JEP_EDN_STRING:
        write_string(text, value);
        break;
    case JEP_EDN_KEYWORD:
        jep_text_add(text, ":", 1);
        jep_text_add(text, value->text, value->count);
        break;
    case JEP_EDN_SYMBOL:
        jep_text_add(text, value->text, value->count);
        break;
    case JEP_EDN_LIST:
        write_items(text, value, "(", ")");
        break;
    case JEP_EDN_VECTOR:
        write_items(text, value, "[", "]");
        break;
    case JEP_EDN_SET:
        write_items(text, value, "#{", "}");
        break;
    case JEP_EDN_MAP:
        write_map(text, value);
        break;
    case JEP_EDN_TAGGED:
        write_items(text, value, "#", "");
        break;
    }
}

static bool is_flat(const struct jep_edn *value)
{
    if (value->type == JEP_EDN_MAP) {
        return value->count == 0;
    }
    if (!jep_edn_is_sequence(value)) {
        return true;
    }
    for (size_t i = 0; i < value->count; i++) {
        if (value->items[i].type == JEP_EDN_MAP || !is_flat(&value->items[i])) {
            return false;
        }
    }
    return true;
}

static void new_line(struct jep_text *text, size_t indent)
{
    jep_text_printf(text, "\n%*s", (int)indent, "");
}

static void pretty(struct jep_text *text, const struct jep_edn *value, size_t indent)
{
    if (is_flat(value)) {
        jep_edn_write(text, value);
        return;
    }
    if (value->type == JEP_EDN_MAP) {
        jep_text_add(text, "{", 1);
        for (size_t i = 0; i < value->count; i++) {
            if (i > 0) {
                jep_text_add(text, ",", 1);
                new_line(text, indent + 1);
            }
            jep_edn_write(text, &value->items[2 * i]);
            const struct jep_edn *inner = &value->items[2 * i + 1];
            if (is_flat(inner)) {
                jep_text_add(text, " ", 1);
            } else {
                new_line(text, indent + 2);
            }
            pretty(text, inner, indent + 2);
        }
        jep_text_add(text, "}", 1);
        return;
    }
    bool is_set = value->type == JEP_EDN_SET, is_list = value->type == JEP_EDN_LIST;
    jep_text_puts(text, is_set ? "#{" : is_list ? "(" : "[");
    for (size_t i = 0; i < value->count; i++) {
        if (i > 0) {
            new_line(text, indent + (is_set ? 2 : 1));
        }
        pretty(text, &value->items[i], indent + (is_set ? 2 : 1));
    }
    jep_text_puts(text, is_set ? "}" : is_list ? ")" : "]");
}

void jep_edn_write_pretty(struct jep_text *text, const struct jep_edn *value)
{
    pretty(text, value, 0);
}

const char *jep_edn_show(struct jep_arena *arena, const struct jep_edn *value, size_t max_bytes)
{
    struct jep_text text = {0};
    jep_edn_write(&text, value);
    size_t size = text.size;
    if (size > max_bytes) {
        size = max_bytes;
        while (size > 0 && ((unsigned char)text.bytes[size] & 0xc0u) == 0x80u) {
            size--; /* not in the middle of a character */
        }
        text.size = size;
        jep_text_puts(&text, " ...");
    }
    const char *shown = jep_arena_text(arena, text.bytes, text.size);
    jep_text_free(&text);
    return shown;
}
