#include "proto/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <yajl/yajl_parse.h>

#include "proto/check.h"
#include "proto/limits.h"

enum {
    NAME_SHOWN_MAX = 64, /* Bytes of a name in a message. */
    PAIRWISE_MAX = 12,   /* Members that are compared each with each; more are sorted. */
};

/* yajl checks the grammar and unescapes; it tells no place but that of an error. The tokens
 * are therefore followed in the text beside it: between two of them stand only white space,
 * commas and colons, and the size of each token is known from its kind or found by its quote. */
struct parser {
    struct weft_text text;
    size_t offset;     /* Behind the last token. */
    size_t line_start; /* Offset of the first byte of the line. */
    uint32_t line;
    struct weft_arena *arena;
    struct weft_json *root;
    struct weft_json *open;      /* Innermost array or object. */
    struct weft_json *last;      /* Newest child of `open`. */
    struct weft_text key;        /* Of the member whose value comes next. */
    struct weft_text repeatable; /* Key that an object may have more than once. */
    uint32_t depth;
    enum weft_err err; /* Why a callback stopped the parse. */
    struct weft_msg *msg;
};

/* --- places and errors ----------------------------------------------------------------------- */

static uint32_t column_of(const struct parser *p, size_t offset)
{
    size_t column = offset - p->line_start + 1;
    return column < UINT32_MAX ? (uint32_t)column : UINT32_MAX;
}

/* At `offset`, which is in the line that the parser has reached. Returns 0 for yajl. */
static int stop(struct parser *p, enum weft_err err, size_t offset, const char *reason)
{
    p->err =
        weft_fail(p->msg, err, "line %u, column %u: %s", p->line, column_of(p, offset), reason);
    return 0;
}

static int stop_for_memory(struct parser *p, size_t offset)
{
    char reason[96];
    (void)snprintf(
        reason, sizeof(reason), "the text needs more than %zu bytes of memory", p->arena->size_max);
    return stop(p, WEFT_ETOOBIG, offset, reason);
}

/* To the first byte of the next token. */
static void skip_to_token(struct parser *p)
{
    while (p->offset < p->text.size) {
        char c = p->text.data[p->offset];
        if (c == '\n') {
            p->line++;
            p->line_start = p->offset + 1;
        } else if (c != ' ' && c != '\t' && c != '\r' && c != ',' && c != ':') {
            return;
        }
        p->offset++;
    }
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

static struct weft_json *add_node(struct parser *p, enum weft_json_type type)
{
    skip_to_token(p);
    struct weft_json *node = weft_arena_alloc(p->arena, sizeof(*node));
    if (node == NULL) {
        (void)stop_for_memory(p, p->offset);
        return NULL;
    }
    node->type = type;
    node->line = p->line;
    node->column = column_of(p, p->offset);
    node->key = p->key;
    node->parent = p->open;
    p->key = (struct weft_text){NULL, 0};
    if (p->open == NULL) {
        p->root = node;
    } else {
        if (p->last == NULL) {
            p->open->first = node;
        } else {
            p->last->next = node;
        }
        p->last = node;
        node->index = p->open->count;
        p->open->count++; /* Cannot pass 2^32: the arena is smaller. */
    }
    return node;
}

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

/* Of the escape at `at` ("\u...."): its size; 0 after stop(). yajl would put '?' for half a
 * pair, and a zero byte has no place in our texts. */
static size_t check_unicode_escape(struct parser *p, size_t at)
{
    const char *raw = p->text.data;
    unsigned code = read_hex4(raw + at + 2);
    if (code == 0) {
        (void)stop(p, WEFT_EMALFORMED, at, "zero byte in a string");
        return 0;
    }
    if (code < 0xd800 || code > 0xdfff) {
        return 6;
    }
    bool is_pair = code < 0xdc00 && raw[at + 6] == '\\' && raw[at + 7] == 'u' &&
                   (read_hex4(raw + at + 8) & 0xfc00) == 0xdc00;
    if (!is_pair) {
        (void)stop(p, WEFT_EMALFORMED, at, "half a surrogate pair in a string");
        return 0;
    }
    return 12;
}

/* Move behind the string token at the cursor and keep its content. False after stop(). */
static bool take_string(
    struct parser *p, const unsigned char *value, size_t size, struct weft_text *ret_text)
{
    skip_to_token(p);
    weft_assert(p->offset < p->text.size && p->text.data[p->offset] == '"'); /* PRO-5 */
    size_t start = p->offset, at = start + 1;
    while (p->text.data[at] != '"') {
        if (p->text.data[at] != '\\') {
            at++;
        } else if (p->text.data[at + 1] != 'u') {
            at += 2;
        } else {
            size_t escape = check_unicode_escape(p, at);
            if (escape == 0) {
                return false;
            }
            at += escape;
        }
    }
    struct weft_text text =
        weft_arena_text(p->arena, (struct weft_text){(const char *)value, size});
    if (text.data == NULL) {
        (void)stop_for_memory(p, start);
        return false;
    }
    p->offset = at + 1;
    *ret_text = text;
    return true;
}

static int on_null(void *context)
{
    struct parser *p = context;
    struct weft_json *node = add_node(p, WEFT_JSON_NULL);
    p->offset += 4;
    return node != NULL;
}

static int on_boolean(void *context, int value)
{
    struct parser *p = context;
    struct weft_json *node = add_node(p, WEFT_JSON_BOOL);
    if (node == NULL) {
        return 0;
    }
    node->boolean = value != 0;
    p->offset += value != 0 ? 4 : 5;
    return 1;
}

static int on_number(void *context, const char *literal, size_t size)
{
    struct parser *p = context;
    struct weft_json *node = add_node(p, WEFT_JSON_NUMBER);
    if (node == NULL) {
        return 0;
    }
    node->text = weft_arena_text(p->arena, (struct weft_text){literal, size});
    if (node->text.data == NULL) {
        return stop_for_memory(p, p->offset);
    }
    p->offset += size;
    return 1;
}

static int on_string(void *context, const unsigned char *value, size_t size)
{
    struct parser *p = context;
    struct weft_json *node = add_node(p, WEFT_JSON_STRING);
    return node != NULL && take_string(p, value, size, &node->text);
}

static int on_key(void *context, const unsigned char *value, size_t size)
{
    struct parser *p = context;
    return take_string(p, value, size, &p->key);
}

static int open_container(struct parser *p, enum weft_json_type type)
{
    struct weft_json *node = add_node(p, type);
    if (node == NULL) {
        return 0;
    }
    if (p->depth == WEFT_JSON_DEPTH_MAX) {
        char reason[64];
        (void)snprintf(reason, sizeof(reason), "nested deeper than %d", WEFT_JSON_DEPTH_MAX);
        return stop(p, WEFT_ETOOBIG, p->offset, reason);
    }
    p->depth++;
    p->offset++;
    p->open = node;
    p->last = NULL;
    return 1;
}

static void close_container(struct parser *p)
{
    skip_to_token(p);
    p->offset++;
    p->depth--;
    p->last = p->open;
    p->open = p->open->parent;
}

static int on_object(void *context)
{
    return open_container(context, WEFT_JSON_OBJECT);
}

static int on_array(void *context)
{
    return open_container(context, WEFT_JSON_ARRAY);
}

static int on_array_end(void *context)
{
    close_container(context);
    return 1;
}

/* --- duplicate keys -------------------------------------------------------------------------- */

/* Without such a key every one, the empty one too, may be there only once. */
static bool is_repeatable(struct weft_text key, struct weft_text repeatable)
{
    return repeatable.data != NULL && weft_text_equal(key, repeatable);
}

/* By key, then by place. */
static int compare_members(const void *a, const void *b)
{
    const struct weft_json *ma = *(const struct weft_json *const *)a;
    const struct weft_json *mb = *(const struct weft_json *const *)b;
    int order = weft_text_compare(ma->key, mb->key);
    if (order != 0) {
        return order;
    }
    if (ma->line != mb->line) {
        return ma->line < mb->line ? -1 : 1;
    }
    return ma->column < mb->column ? -1 : ma->column > mb->column;
}

/* Sorting rather than hashing: no choice of keys makes it slow. */
static enum weft_err find_twin_sorted(
    const struct weft_json *object, struct weft_text repeatable, const struct weft_json **ret_twin)
{
    const struct weft_json **members = calloc(object->count, sizeof(struct weft_json *));
    if (members == NULL) {
        return WEFT_ENOMEM;
    }
    uint32_t n = 0;
    for (const struct weft_json *m = object->first; m != NULL; m = m->next) {
        members[n++] = m;
    }
    qsort(members, n, sizeof(struct weft_json *), compare_members);
    for (uint32_t i = 1; i < n && *ret_twin == NULL; i++) {
        if (weft_text_equal(members[i - 1]->key, members[i]->key) &&
            !is_repeatable(members[i]->key, repeatable)) {
            *ret_twin = members[i];
        }
    }
    free(members);
    return WEFT_OK;
}

/* A member whose key an earlier one has. Unchanged if there is none. */
static enum weft_err find_twin(
    const struct weft_json *object, struct weft_text repeatable, const struct weft_json **ret_twin)
{
    if (object->count > PAIRWISE_MAX) {
        return find_twin_sorted(object, repeatable, ret_twin);
    }
    for (const struct weft_json *a = object->first; a != NULL; a = a->next) {
        for (const struct weft_json *b = a->next; b != NULL; b = b->next) {
            if (weft_text_equal(a->key, b->key) && !is_repeatable(a->key, repeatable)) {
                *ret_twin = b;
                return WEFT_OK;
            }
        }
    }
    return WEFT_OK;
}

static int on_object_end(void *context)
{
    struct parser *p = context;
    const struct weft_json *twin = NULL;
    if (find_twin(p->open, p->repeatable, &twin) != WEFT_OK) {
        (void)stop(p, WEFT_ENOMEM, p->offset, "out of memory");
        return 0;
    }
    if (twin != NULL) {
        char name[NAME_SHOWN_MAX + 4];
        show_name(twin->key, name);
        p->err = weft_fail(p->msg, WEFT_EMALFORMED,
            "line %u, column %u: member \"%s\" is there twice", twin->line, twin->column, name);
        return 0;
    }
    close_container(p);
    return 1;
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

/* --- parsing --------------------------------------------------------------------------------- */

static bool starts_with(struct weft_text text, size_t offset, const char *z)
{
    size_t size = strlen(z);
    return text.size - offset >= size && memcmp(text.data + offset, z, size) == 0;
}

/* Says why yajl refused the text, and where. */
static enum weft_err refuse(struct parser *p, yajl_handle handle, size_t error_offset)
{
    static const char *const not_numbers[] = {"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"};
    char reason[128];
    skip_to_token(p);
    for (size_t i = 0; i < sizeof(not_numbers) / sizeof(*not_numbers); i++) {
        if (starts_with(p->text, p->offset, not_numbers[i])) {
            (void)snprintf(reason, sizeof(reason), "%s is not a JSON number", not_numbers[i]);
            (void)stop(p, WEFT_EMALFORMED, p->offset, reason);
            return p->err;
        }
    }
    /* "lexical error: invalid char in json text.\n": without its class and end. */
    unsigned char *text = yajl_get_error(handle, 0, NULL, 0);
    const char *start = text != NULL ? strstr((const char *)text, ": ") : NULL;
    (void)snprintf(reason, sizeof(reason), "%s", start != NULL ? start + 2 : "not JSON");
    size_t size = strcspn(reason, "\n");
    reason[size > 0 && reason[size - 1] == '.' ? size - 1 : size] = '\0';
    if (strcmp(reason, "premature EOF") == 0) {
        (void)snprintf(reason, sizeof(reason), "the text ends too early");
    }
    if (text != NULL) {
        yajl_free_error(handle, text);
    }
    /* Within a string the offset is the culprit's; otherwise the token is. */
    bool is_string = p->offset < p->text.size && p->text.data[p->offset] == '"';
    size_t offset = is_string && error_offset > p->offset ? error_offset : p->offset;
    (void)stop(p, WEFT_EMALFORMED, offset < p->text.size ? offset : p->text.size, reason);
    return p->err;
}

/* Offset of a form feed or vertical tab: yajl takes them for white space, RFC 8259 does not, and
 * within a string no control character may stand. */
static size_t find_foreign_space(struct weft_text text)
{
    static const char spaces[] = {'\f', '\v'};
    size_t first = text.size;
    for (size_t i = 0; i < sizeof(spaces); i++) {
        const char *found = first > 0 ? memchr(text.data, spaces[i], first) : NULL;
        first = found != NULL ? (size_t)(found - text.data) : first;
    }
    return first;
}

/* What yajl would let pass. */
static enum weft_err check_bytes(struct parser *p)
{
    size_t good = weft_text_utf8_prefix(p->text);
    size_t space = find_foreign_space((struct weft_text){p->text.data, good});
    if (good == p->text.size && space == good) {
        return WEFT_OK;
    }
    const char *reason = "not UTF-8";
    if (space < good) {
        good = space;
        reason = "invalid char in json text";
    } else if (p->text.data[good] == '\0') {
        reason = "zero byte";
    }
    for (size_t i = 0; i < good; i++) {
        if (p->text.data[i] == '\n') {
            p->line++;
            p->line_start = i + 1;
        }
    }
    (void)stop(p, WEFT_EMALFORMED, good, reason);
    return p->err;
}

enum weft_err weft_json_parse(struct weft_text text, uint32_t first_line, struct weft_arena *arena,
    struct weft_json **ret_root, struct weft_msg *msg)
{
    return weft_json_parse_foreign(text, first_line, NULL, arena, ret_root, msg);
}

enum weft_err weft_json_parse_foreign(struct weft_text text, uint32_t first_line,
    const char *repeatable, struct weft_arena *arena, struct weft_json **ret_root,
    struct weft_msg *msg)
{
    /* A byte order mark is ignored, as RFC 8259, section 8.1 permits. */
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        text.data += 3;
        text.size -= 3;
    }
    struct parser p = {
        .text = text,
        .line = first_line,
        .repeatable = weft_text_of(repeatable),
        .arena = arena,
        .msg = msg,
    };
    enum weft_err err = check_bytes(&p);
    if (err != WEFT_OK) {
        return err;
    }
    yajl_handle handle = yajl_alloc(&callbacks, NULL, &p);
    if (handle == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "line %u, column 1: out of memory", first_line);
    }
    yajl_status status = yajl_parse(handle, (const unsigned char *)text.data, text.size);
    size_t error_offset = yajl_get_bytes_consumed(handle);
    if (status == yajl_status_ok) {
        status = yajl_complete_parse(handle);
        error_offset = text.size;
    }
    if (status == yajl_status_error) {
        err = refuse(&p, handle, error_offset);
    } else if (status == yajl_status_client_canceled) {
        weft_assert(p.err != WEFT_OK); /* PRO-5 */
        err = p.err;
    }
    yajl_free(handle);
    if (err == WEFT_OK) {
        weft_assert(p.root != NULL && p.open == NULL && p.depth == 0); /* PRO-5 */
        *ret_root = p.root;
    }
    return err;
}
