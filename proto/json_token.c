/* Tokens of JSON that are there whole: strings with escapes, numbers, literals. */
#include "proto/json_reader.h"

static enum weft_err fault(struct weft_json_fault *ret_fault, size_t offset, const char *reason)
{
    *ret_fault = (struct weft_json_fault){offset, reason};
    return WEFT_EMALFORMED;
}

/* --- strings --------------------------------------------------------------------------------- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Four hexadecimal digits at `at`; -1: there are none. */
static int32_t read_hex4(struct weft_text raw, size_t at)
{
    int32_t value = 0;
    if (raw.size < at || raw.size - at < 4) {
        return -1;
    }
    for (size_t i = at; i < at + 4; i++) {
        int digit = digit_of(raw.data[i]);
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* "\uXXXX" at `at`, perhaps with the other half of a pair behind it. A zero byte has no place
 * in our texts. */
static enum weft_err read_unicode(struct weft_text raw, size_t at, uint32_t *ret_code,
    size_t *ret_size, struct weft_json_fault *ret_fault)
{
    int32_t code = read_hex4(raw, at + 2);
    if (code < 0) {
        return fault(ret_fault, at, "inside a string, '\\u' is followed by a non-hex digit");
    }
    if (code == 0) {
        return fault(ret_fault, at, "zero byte in a string");
    }
    *ret_code = (uint32_t)code;
    *ret_size = 6;
    if (code < 0xd800 || code > 0xdfff) {
        return WEFT_OK;
    }
    bool is_pair =
        code < 0xdc00 && raw.size - at >= 12 && raw.data[at + 6] == '\\' && raw.data[at + 7] == 'u';
    int32_t low = is_pair ? read_hex4(raw, at + 8) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        return fault(ret_fault, at, "half a surrogate pair in a string");
    }
    *ret_code = 0x10000 + (((uint32_t)code & 0x3ff) << 10 | ((uint32_t)low & 0x3ff));
    *ret_size = 12;
    return WEFT_OK;
}

/* The byte that a two-byte escape stands for; 0: there is no such escape. */
static char read_short(char letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/':
        return letter;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

size_t weft_json_unescape(struct weft_text raw, char *ret_text, struct weft_json_fault *ret_fault)
{
    size_t used = 0;
    for (size_t at = 0; at < raw.size;) {
        if (raw.data[at] != '\\') {
            ret_text[used++] = raw.data[at++];
            continue;
        }
        char letter = at + 1 < raw.size ? raw.data[at + 1] : '\0';
        if (letter == 'u') {
            uint32_t code = 0;
            size_t size = 0;
            if (read_unicode(raw, at, &code, &size, ret_fault) != WEFT_OK) {
                return 0;
            }
            used += put_utf8(ret_text + used, code); /* Shorter than its escape. */
            at += size;
            continue;
        }
        char c = read_short(letter);
        if (c == 0) {
            (void)fault(ret_fault, at + 1,
                "inside a string, '\\' occurs before a character which it may not");
            return 0;
        }
        ret_text[used++] = c;
        at += 2;
    }
    return used;
}

/* --- words ----------------------------------------------------------------------------------- */

static size_t digits_from(struct weft_text word, size_t at)
{
    while (at < word.size && word.data[at] >= '0' && word.data[at] <= '9') {
        at++;
    }
    return at;
}

static char byte_at(struct weft_text word, size_t at)
{
    return at < word.size ? word.data[at] : '\0';
}

/* The size of the number at the start of the word (RFC 8259, 6); 0: the fault is set. */
static size_t number_size(struct weft_text word, struct weft_json_fault *ret_fault)
{
    size_t at = byte_at(word, 0) == '-' ? 1 : 0;
    size_t end = digits_from(word, at);
    if (end == at) {
        (void)fault(ret_fault, 0, "malformed number, a digit is required after the minus sign");
        return 0;
    }
    at = word.data[at] == '0' ? at + 1 : end;
    if (byte_at(word, at) == '.') {
        end = digits_from(word, at + 1);
        if (end == at + 1) {
            (void)fault(
                ret_fault, 0, "malformed number, a digit is required after the decimal point");
            return 0;
        }
        at = end;
    }
    if (byte_at(word, at) == 'e' || byte_at(word, at) == 'E') {
        size_t first = at + 1;
        first += byte_at(word, first) == '+' || byte_at(word, first) == '-' ? 1 : 0;
        end = digits_from(word, first);
        if (end == first) {
            (void)fault(ret_fault, 0, "malformed number, a digit is required after the exponent");
            return 0;
        }
        at = end;
    }
    return at;
}

enum weft_err weft_json_classify(
    struct weft_text word, enum weft_json_type *ret_type, struct weft_json_fault *ret_fault)
{
    static const struct {
        const char *word;
        const char *reason;
    } not_numbers[] = {{"NaN", "NaN is not a JSON number"}, {"nan", "nan is not a JSON number"},
        {"Infinity", "Infinity is not a JSON number"},
        {"-Infinity", "-Infinity is not a JSON number"}, {"inf", "inf is not a JSON number"},
        {"-inf", "-inf is not a JSON number"}};
    char first = byte_at(word, 0);
    for (size_t i = 0; i < sizeof(not_numbers) / sizeof(*not_numbers); i++) {
        if (weft_text_is(word, not_numbers[i].word)) {
            return fault(ret_fault, 0, not_numbers[i].reason);
        }
    }
    if (weft_text_is(word, "true") || weft_text_is(word, "false")) {
        *ret_type = WEFT_JSON_BOOL;
        return WEFT_OK;
    }
    if (weft_text_is(word, "null")) {
        *ret_type = WEFT_JSON_NULL;
        return WEFT_OK;
    }
    if (first != '-' && (first < '0' || first > '9')) {
        bool is_near = first == 't' || first == 'f' || first == 'n';
        return fault(
            ret_fault, 0, is_near ? "invalid string in json text" : "invalid char in json text");
    }
    size_t size = number_size(word, ret_fault);
    if (size == 0) {
        return WEFT_EMALFORMED;
    }
    if (size < word.size) {
        char next = word.data[size];
        /* A second number: the reader says what it expected instead. */
        bool is_number = next == '-' || (next >= '0' && next <= '9');
        return fault(ret_fault, size, is_number ? NULL : "invalid char in json text");
    }
    *ret_type = WEFT_JSON_NUMBER;
    return WEFT_OK;
}
