#include "policy/document.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/note.h"
#include "proto/check.h"
#include "proto/time.h"

enum {
    MS_NS = 1000 * 1000,
    HEADER_SIZE = 48, /* "weft-<kind>/v1", terminated */
};

static const char *const kind_names[WEFT_DOCUMENT_KINDS] = {
    [WEFT_DOCUMENT_ORG] = "org",
    [WEFT_DOCUMENT_ENROLL] = "enroll",
    [WEFT_DOCUMENT_REVOKE] = "revoke",
    [WEFT_DOCUMENT_AGREEMENT] = "agreement",
    [WEFT_DOCUMENT_POLICY] = "policy",
    [WEFT_DOCUMENT_ENVELOPE] = "envelope",
    [WEFT_DOCUMENT_CALENDAR] = "calendar",
    [WEFT_DOCUMENT_COMMAND] = "command",
    [WEFT_DOCUMENT_APPROVAL] = "approval",
    [WEFT_DOCUMENT_RECEIPT] = "receipt",
    [WEFT_DOCUMENT_REQUEST] = "request",
    [WEFT_DOCUMENT_TOKEN] = "token",
    [WEFT_DOCUMENT_CHECKPOINT] = "checkpoint",
    [WEFT_DOCUMENT_COSIGNATURE] = "cosignature",
    [WEFT_DOCUMENT_REFUSAL] = "refusal",
    [WEFT_DOCUMENT_RESOLUTION] = "resolution",
    [WEFT_DOCUMENT_HANDOVER] = "handover",
    [WEFT_DOCUMENT_BUNDLE] = "bundle",
};

const char *weft_document_kind_name(enum weft_document_kind kind)
{
    weft_assert((unsigned)kind < WEFT_DOCUMENT_KINDS); /* POL-26 */
    return kind_names[kind];
}

/* --- reading --------------------------------------------------------------------------------- */

enum weft_err weft_document_fail(const struct weft_document_reader *reader, struct weft_msg *msg,
    enum weft_err err, const char *format, ...)
{
    char reason[sizeof(msg->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    return weft_fail(msg, err, "line %u: %s", reader->line, reason);
}

/* The next line without its newline, which is still in `rest`. False: there is none. */
static bool peek(const struct weft_document_reader *reader, struct weft_text *ret_line)
{
    struct weft_text rest = reader->rest;
    return weft_text_cut(&rest, '\n', ret_line);
}

static void skip(struct weft_document_reader *reader, struct weft_text line)
{
    reader->rest.data += line.size + 1;
    reader->rest.size -= line.size + 1;
    reader->line++;
}

static bool has_key(struct weft_text line, const char *key)
{
    size_t size = strlen(key);
    return line.size > size && memcmp(line.data, key, size) == 0 && line.data[size] == ' ';
}

enum weft_err weft_document_open(struct weft_text text, enum weft_document_kind kind,
    struct weft_document_reader *ret_reader, struct weft_msg *msg)
{
    struct weft_document_reader reader = {.rest = text, .line = 0};
    struct weft_text line;
    char expected[HEADER_SIZE];
    int size = snprintf(expected, sizeof(expected), "weft-%s/v1", weft_document_kind_name(kind));
    enum weft_err err = weft_note_check_text(text, msg);
    if (err != WEFT_OK) {
        return err;
    }
    bool is_there = peek(&reader, &line);
    weft_assert(is_there); /* POL-26: the text has a last newline */
    skip(&reader, line);
    if (!weft_text_is(line, expected)) {
        /* All but the number is right: a later version of this product wrote it. */
        size_t stem = (size_t)size - 1;
        uint64_t version;
        bool is_kind = line.size > stem && memcmp(line.data, expected, stem) == 0;
        bool is_version =
            is_kind &&
            weft_text_number((struct weft_text){line.data + stem, line.size - stem}, &version);
        return weft_document_fail(&reader, msg, is_version ? WEFT_EVERSION : WEFT_EMALFORMED,
            "expected \"%s\"", expected);
    }
    *ret_reader = reader;
    return WEFT_OK;
}

bool weft_document_is_next(const struct weft_document_reader *reader, const char *key)
{
    struct weft_text line;
    return peek(reader, &line) && has_key(line, key);
}

uint32_t weft_document_count(const struct weft_document_reader *reader, const char *key)
{
    struct weft_document_reader ahead = *reader;
    struct weft_text line;
    uint32_t count = 0;
    while (peek(&ahead, &line) && has_key(line, key)) {
        skip(&ahead, line);
        count++;
    }
    return count;
}

enum weft_err weft_document_read(struct weft_document_reader *reader, const char *key,
    struct weft_text *ret_value, struct weft_msg *msg)
{
    struct weft_text line = {"", 0};
    bool is_there = peek(reader, &line);
    if (is_there) {
        skip(reader, line);
    } else {
        reader->line++;
    }
    if (!is_there || !has_key(line, key)) {
        return weft_document_fail(reader, msg, WEFT_EMALFORMED, "expected \"%s ...\"", key);
    }
    size_t before = strlen(key) + 1;
    struct weft_text value = {line.data + before, line.size - before};
    if (value.size > WEFT_DOCUMENT_VALUE_SIZE_MAX) {
        return weft_document_fail(reader, msg, WEFT_ETOOBIG, "\"%s\" has more than %d bytes", key,
            WEFT_DOCUMENT_VALUE_SIZE_MAX);
    }
    if (value.size == 0 || value.data[0] == ' ' || value.data[value.size - 1] == ' ') {
        return weft_document_fail(reader, msg, WEFT_EMALFORMED,
            "one space between \"%s\" and its value, and none behind", key);
    }
    *ret_value = value;
    return WEFT_OK;
}

enum weft_err weft_document_read_sorted(struct weft_document_reader *reader, const char *key,
    struct weft_text *previous, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    int order = weft_text_compare(*previous, value);
    if (order >= 0) {
        return weft_document_fail(reader, msg, WEFT_EMALFORMED,
            order == 0 ? "\"%s\" is there twice" : "\"%s\" is not in order", key);
    }
    *previous = value;
    return WEFT_OK;
}

enum weft_err weft_document_read_number(struct weft_document_reader *reader, const char *key,
    uint64_t max, uint64_t *ret_number, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    uint64_t number;
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_text_exact_number(value, &number)) {
        return weft_document_fail(
            reader, msg, WEFT_EMALFORMED, "\"%s\" is a number without sign and leading zeros", key);
    }
    if (number > max) {
        return weft_document_fail(
            reader, msg, WEFT_EINVAL, "\"%s\" is at most %llu", key, (unsigned long long)max);
    }
    *ret_number = number;
    return WEFT_OK;
}

/* Exactly three digits of fraction, also when they are zero: one form of each time. */
void weft_document_format_time(int64_t ns, char ret_text[WEFT_DOCUMENT_TIME_TEXT_SIZE])
{
    char text[WEFT_TIME_TEXT_SIZE];
    weft_time_format(ns - ns % MS_NS, text);
    bool has_fraction = strchr(text, '.') != NULL;
    text[strlen(text) - 1] = '\0'; /* The "Z". */
    (void)snprintf(
        ret_text, WEFT_DOCUMENT_TIME_TEXT_SIZE, "%s%sZ", text, has_fraction ? "" : ".000");
}

bool weft_document_parse_time(struct weft_text text, int64_t *ret_ns)
{
    int64_t ns;
    char again[WEFT_DOCUMENT_TIME_TEXT_SIZE];
    if (weft_time_parse(text, &ns, NULL) != WEFT_OK || ns < 0) {
        return false;
    }
    weft_document_format_time(ns, again);
    if (!weft_text_is(text, again)) {
        return false;
    }
    *ret_ns = ns;
    return true;
}

enum weft_err weft_document_read_time(
    struct weft_document_reader *reader, const char *key, int64_t *ret_ns, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK || weft_document_parse_time(value, ret_ns)) {
        return err;
    }
    return weft_document_fail(
        reader, msg, WEFT_EMALFORMED, "\"%s\" is a time like 2026-03-01T08:00:00.000Z", key);
}

enum weft_err weft_document_read_digest(struct weft_document_reader *reader, const char *key,
    struct weft_digest *ret_digest, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_digest_parse(value, ret_digest) != WEFT_OK) {
        return weft_document_fail(
            reader, msg, WEFT_EMALFORMED, "\"%s\" is sha256: and 64 hexadecimal digits", key);
    }
    return WEFT_OK;
}

enum weft_err weft_document_read_nonce(struct weft_document_reader *reader, const char *key,
    uint8_t ret_nonce[WEFT_DOCUMENT_NONCE_SIZE], struct weft_msg *msg)
{
    static const char digits[] = "0123456789abcdef";
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE] = {0};
    bool is_hex = value.size == 2 * sizeof(nonce);
    for (size_t i = 0; is_hex && i < value.size; i++) {
        const char *digit = memchr(digits, value.data[i], sizeof(digits) - 1);
        is_hex = digit != NULL;
        nonce[i / 2] = (uint8_t)(nonce[i / 2] << 4 | (is_hex ? digit - digits : 0));
    }
    if (!is_hex) {
        return weft_document_fail(reader, msg, WEFT_EMALFORMED,
            "\"%s\" is %d lower-case hexadecimal digits", key, 2 * WEFT_DOCUMENT_NONCE_SIZE);
    }
    memcpy(ret_nonce, nonce, sizeof(nonce));
    return WEFT_OK;
}

enum weft_err weft_document_read_principal(struct weft_document_reader *reader, const char *key,
    struct weft_principal *ret_principal, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_principal_parse(value, ret_principal, msg);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "line %u", reader->line);
}

enum weft_err weft_document_read_verifier(struct weft_document_reader *reader, const char *key,
    struct weft_verifier *ret_verifier, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_verifier_parse(value, ret_verifier, msg);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "line %u", reader->line);
}

enum weft_err weft_document_close(const struct weft_document_reader *reader, struct weft_msg *msg)
{
    if (reader->rest.size > 0) {
        struct weft_document_reader next = {.line = reader->line + 1};
        return weft_document_fail(&next, msg, WEFT_EMALFORMED, "a line that does not belong here");
    }
    return WEFT_OK;
}

/* --- writing --------------------------------------------------------------------------------- */

enum weft_err weft_document_begin(struct weft_buffer *out, enum weft_document_kind kind)
{
    return weft_buffer_format(out, "weft-%s/v1\n", weft_document_kind_name(kind));
}

enum weft_err weft_document_write(struct weft_buffer *out, const char *key, struct weft_text value)
{
    return weft_buffer_format(out, "%s %.*s\n", key, (int)value.size, value.data);
}

enum weft_err weft_document_write_number(struct weft_buffer *out, const char *key, uint64_t number)
{
    return weft_buffer_format(out, "%s %llu\n", key, (unsigned long long)number);
}

enum weft_err weft_document_write_time(struct weft_buffer *out, const char *key, int64_t ns)
{
    char text[WEFT_DOCUMENT_TIME_TEXT_SIZE];
    if (ns < 0) {
        return WEFT_EINVAL;
    }
    weft_document_format_time(ns, text);
    return weft_document_write(out, key, weft_text_of(text));
}

enum weft_err weft_document_write_digest(
    struct weft_buffer *out, const char *key, const struct weft_digest *digest)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    return weft_document_write(out, key, weft_text_of(text));
}

enum weft_err weft_document_write_nonce(
    struct weft_buffer *out, const char *key, const uint8_t nonce[WEFT_DOCUMENT_NONCE_SIZE])
{
    char text[2 * WEFT_DOCUMENT_NONCE_SIZE + 1];
    for (size_t i = 0; i < WEFT_DOCUMENT_NONCE_SIZE; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", nonce[i]);
    }
    return weft_document_write(out, key, weft_text_of(text));
}

enum weft_err weft_document_write_principal(
    struct weft_buffer *out, const char *key, const struct weft_principal *principal)
{
    char text[WEFT_PRINCIPAL_TEXT_SIZE];
    weft_principal_format(principal, text);
    return weft_document_write(out, key, weft_text_of(text));
}

enum weft_err weft_document_write_verifier(
    struct weft_buffer *out, const char *key, const struct weft_verifier *verifier)
{
    char text[WEFT_VKEY_TEXT_SIZE];
    weft_verifier_format(verifier, text);
    return weft_document_write(out, key, weft_text_of(text));
}

enum weft_err weft_document_expect_again(
    struct weft_text text, enum weft_err written, struct weft_buffer *again, struct weft_msg *msg)
{
    struct weft_text other = weft_buffer_as_text(again);
    enum weft_err err = written;
    if (written == WEFT_OK && !weft_text_equal(text, other)) {
        uint32_t line = 1;
        for (size_t i = 0; i < text.size && i < other.size && text.data[i] == other.data[i]; i++) {
            line += text.data[i] == '\n';
        }
        err = weft_fail(msg, WEFT_EMALFORMED, "line %u: not its one spelling", line);
    }
    weft_buffer_destroy(again);
    return err;
}

enum weft_err weft_document_end(struct weft_buffer *out, size_t before, enum weft_err written,
    enum weft_err decoded, struct weft_msg *msg)
{
    if (written == WEFT_OK && decoded == WEFT_OK) {
        return WEFT_OK;
    }
    out->size = before;
    if (written != WEFT_OK) {
        return weft_fail(msg, written, "write a document: %s", weft_err_name(written));
    }
    return decoded == WEFT_ETOOBIG || decoded == WEFT_ENOMEM ? decoded : WEFT_EINVAL;
}
