#include "proto/query_text.h"

#include <string.h>

#include "proto/limits.h"
#include "proto/time.h"

enum {
    SHOWN_MAX = 80 /* Bytes of a condition in a message. */
};

static struct weft_text trim(struct weft_text text)
{
    while (text.size > 0 && *text.data == ' ') {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && text.data[text.size - 1] == ' ') {
        text.size--;
    }
    return text;
}

/* Where the operator starts; text.size if there is none. '~' is also how a path escapes: as an
 * operator it stands behind a space. */
static size_t find_operator(struct weft_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        bool is_tilde = text.data[i] == '~' && i > 0 && text.data[i - 1] == ' ';
        if (is_tilde || (text.data[i] != '\0' && strchr("=!<>", text.data[i]) != NULL)) {
            return i;
        }
    }
    return text.size;
}

enum weft_err weft_query_parse_where(
    struct weft_text text, struct weft_query *query, struct weft_msg *msg)
{
    /* Longer ones first, so that "<=" is not read as "<". */
    static const struct {
        const char *sign;
        enum weft_operator op;
    } operators[] = {{"==", WEFT_OP_EQ}, {"!=", WEFT_OP_NE}, {"<=", WEFT_OP_LE}, {">=", WEFT_OP_GE},
        {"=", WEFT_OP_EQ}, {"<", WEFT_OP_LT}, {">", WEFT_OP_GT}, {"~", WEFT_OP_GLOB}};
    size_t at = find_operator(text);
    int shown = (int)(text.size < SHOWN_MAX ? text.size : SHOWN_MAX);
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        size_t size = strlen(operators[i].sign);
        if (text.size - at < size || memcmp(text.data + at, operators[i].sign, size) != 0) {
            continue;
        }
        struct weft_text path = trim((struct weft_text){text.data, at});
        if (path.size == 0) {
            return weft_fail(
                msg, WEFT_EINVAL, "condition '%.*s': the path is missing", shown, text.data);
        }
        query->where_path = path;
        query->where_op = operators[i].op;
        query->where_value = trim((struct weft_text){text.data + at + size, text.size - at - size});
        return WEFT_OK;
    }
    return weft_fail(msg, WEFT_EINVAL,
        "condition '%.*s': PATH OP VALUE, where OP is = != < <= > >= or ~", shown,
        text.size > 0 ? text.data : "");
}

enum weft_err weft_query_parse_as_of(
    struct weft_text text, struct weft_query *query, struct weft_msg *msg)
{
    uint64_t index;
    if (weft_text_number(text, &index)) {
        query->as_of = index;
        return index > 0 ? WEFT_OK : weft_fail(msg, WEFT_EINVAL, "an index is above 0");
    }
    enum weft_err err = weft_time_parse(text, &query->as_of_ns, msg);
    query->has_as_of_ns = err == WEFT_OK;
    return err == WEFT_OK ? WEFT_OK : weft_wrap(msg, err, "neither an index nor a time");
}

enum weft_err weft_query_parse_sections(
    struct weft_text text, struct weft_query *query, struct weft_msg *msg)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } sections[] = {{"values", WEFT_TWIN_VALUES}, {"properties", WEFT_TWIN_PROPERTIES},
        {"configuration", WEFT_TWIN_CONFIGURATION}, {"issues", WEFT_TWIN_ISSUES},
        {"below", WEFT_TWIN_BELOW}};
    for (bool is_last = false; !is_last;) {
        const char *end = text.size > 0 ? memchr(text.data, ',', text.size) : NULL;
        struct weft_text name = {text.data, end != NULL ? (size_t)(end - text.data) : text.size};
        uint32_t bit = 0;
        for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
            bit = weft_text_is(name, sections[i].name) ? sections[i].bit : bit;
        }
        if (bit == 0) {
            return weft_fail(msg, WEFT_EINVAL,
                "'%.*s': values, properties, configuration, issues or below",
                (int)(name.size < SHOWN_MAX ? name.size : SHOWN_MAX),
                name.size > 0 ? name.data : "");
        }
        query->sections |= bit;
        is_last = end == NULL;
        text = (struct weft_text){is_last ? NULL : end + 1, text.size - name.size - !is_last};
    }
    return WEFT_OK;
}

enum weft_err weft_query_parse_part(struct weft_text type, struct weft_text revision,
    char buffer[WEFT_QUERY_PART_SIZE], struct weft_query *query, struct weft_msg *msg)
{
    static const char between[] = "/rev/";
    size_t between_size = revision.size > 0 ? sizeof(between) - 1 : 0;
    if (type.size == 0 && revision.size > 0) {
        return weft_fail(msg, WEFT_EINVAL, "a revision is one of a part, which is not named");
    }
    if (type.size + between_size + revision.size > WEFT_ASSET_SIZE_MAX) {
        return weft_fail(msg, WEFT_EINVAL,
            "part and revision are together one id, at most %d bytes", WEFT_ASSET_SIZE_MAX);
    }
    memcpy(buffer, type.size > 0 ? type.data : "", type.size);
    memcpy(buffer + type.size, between, between_size);
    memcpy(
        buffer + type.size + between_size, revision.size > 0 ? revision.data : "", revision.size);
    query->part = (struct weft_text){buffer, type.size + between_size + revision.size};
    return WEFT_OK;
}

enum weft_err weft_query_format_cursor(struct weft_bytes cursor, struct weft_buffer *out)
{
    static const char digits[] = "0123456789abcdef";
    enum weft_err err = weft_buffer_reserve(out, 2 * cursor.size);
    for (size_t i = 0; err == WEFT_OK && i < cursor.size; i++) {
        const char pair[2] = {digits[cursor.data[i] >> 4], digits[cursor.data[i] & 15]};
        err = weft_buffer_append(out, pair, sizeof(pair));
    }
    return err;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum weft_err weft_query_parse_cursor(struct weft_text text, struct weft_arena *arena,
    struct weft_bytes *ret_cursor, struct weft_msg *msg)
{
    size_t size = text.size / 2;
    bool is_hex = text.size % 2 == 0 && size <= WEFT_CURSOR_SIZE_MAX;
    uint8_t *bytes = weft_arena_alloc(arena, is_hex ? size : 1);
    if (bytes == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for the cursor");
    }
    for (size_t i = 0; is_hex && i < size; i++) {
        int high = digit_of(text.data[2 * i]), low = digit_of(text.data[2 * i + 1]);
        is_hex = high >= 0 && low >= 0;
        bytes[i] = (uint8_t)(is_hex ? high * 16 + low : 0);
    }
    if (!is_hex) {
        return weft_fail(msg, WEFT_EINVAL, "cursor: not one that an answer gave");
    }
    *ret_cursor = (struct weft_bytes){bytes, size};
    return WEFT_OK;
}
