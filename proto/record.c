#include "proto/record.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/arith.h"
#include "proto/order.h"

enum {
    POINTER_SIZE = 256,
    /* What a field or link costs in a message besides its texts: a table and its offsets. So
     * the sum bounds the encoded size and, with it, the number of fields in all links. */
    ITEM_OVERHEAD = 32,
    INDEX_DIGITS_MAX = 9,
};

/* --- names ----------------------------------------------------------------------------------- */

/* Eight bytes of which each is from the space to the tilde? The highest bit of each tells; no sum
 * passes 0xff, so none carries into the next byte. */
static bool are_printable(const char *bytes)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t v = weft_get_le64((const uint8_t *)bytes);
    uint64_t low = v & (ones * 0x7f);
    uint64_t is_from_space = low + ones * 0x60; /* 0x20 + 0x60 = 0x80 */
    uint64_t is_delete = low + ones;            /* 0x7f + 1 = 0x80 */
    return (((is_from_space & ~is_delete & ~v) ^ ones * 0x80) & (ones * 0x80)) == 0;
}

static bool has_control(struct weft_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        while (text.size - i >= 8 && are_printable(text.data + i)) {
            i += 8;
        }
        if (i == text.size) {
            break;
        }
        if (weft_text_control(text, i) > 0) {
            return true;
        }
    }
    return false;
}

bool weft_asset_is_valid(struct weft_text asset)
{
    return asset.size >= 1 && asset.size <= WEFT_ASSET_SIZE_MAX && asset.data[0] != ' ' &&
           asset.data[asset.size - 1] != ' ' && !has_control(asset) && weft_text_is_utf8(asset);
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool weft_name_is_valid(struct weft_text name)
{
    if (name.size < 1 || name.size > WEFT_KIND_SIZE_MAX || !is_name_start(name.data[0])) {
        return false;
    }
    for (size_t i = 1; i < name.size; i++) {
        char c = name.data[i];
        if (!is_name_start(c) && c != '_' && c != '.' && c != '-') {
            return false;
        }
    }
    return true;
}

static enum weft_err check_asset(struct weft_text asset, struct weft_msg *msg)
{
    if (weft_asset_is_valid(asset)) {
        return WEFT_OK;
    }
    if (asset.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "asset id is empty");
    }
    if (asset.size > WEFT_ASSET_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "asset id is %zu bytes, at most %d", asset.size,
            WEFT_ASSET_SIZE_MAX);
    }
    if (!weft_text_is_utf8(asset)) {
        return weft_fail(msg, WEFT_EMALFORMED, "asset id is not UTF-8");
    }
    return weft_fail(msg, WEFT_EINVAL, "asset id has a control character or a space at an end");
}

static enum weft_err check_name(struct weft_text name, const char *what, struct weft_msg *msg)
{
    if (weft_name_is_valid(name)) {
        return WEFT_OK;
    }
    if (name.size > WEFT_KIND_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "%s is %zu bytes, at most %d", what, name.size, WEFT_KIND_SIZE_MAX);
    }
    return weft_fail(msg, WEFT_EINVAL,
        "%s must be 1 to %d of a-z 0-9 _ . - and start with a letter or digit", what,
        WEFT_KIND_SIZE_MAX);
}

/* Source and author: a line of text that may be absent. */
static enum weft_err check_line(
    struct weft_text text, size_t size_max, const char *what, struct weft_msg *msg)
{
    if (text.size > size_max) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "%s is %zu bytes, at most %zu", what, text.size, size_max);
    }
    if (!weft_text_is_utf8(text)) {
        return weft_fail(msg, WEFT_EMALFORMED, "%s is not UTF-8", what);
    }
    if (has_control(text)) {
        return weft_fail(msg, WEFT_EINVAL, "%s has a control character", what);
    }
    return WEFT_OK;
}

/* --- values ---------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A JSON number literal, taken apart. */
struct number {
    struct weft_text whole, fraction, exponent; /* Digits; the exponent with its sign. */
    bool is_negative;
    bool is_real; /* Has a fraction or an exponent. */
};

static struct weft_text take_digits(const char **p, const char *end)
{
    const char *start = *p;
    while (*p < end && is_digit(**p)) {
        (*p)++;
    }
    return (struct weft_text){start, (size_t)(*p - start)};
}

/* RFC 8259, section 6. */
static bool split_number(struct weft_text text, struct number *ret_number)
{
    struct number n = {0};
    const char *p = text.data, *end = p + text.size;
    if (p < end && *p == '-') {
        n.is_negative = true;
        p++;
    }
    n.whole = take_digits(&p, end);
    if (n.whole.size == 0 || (n.whole.size > 1 && n.whole.data[0] == '0')) {
        return false;
    }
    if (p < end && *p == '.') {
        p++;
        n.is_real = true;
        n.fraction = take_digits(&p, end);
        if (n.fraction.size == 0) {
            return false;
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *start = ++p;
        n.is_real = true;
        if (p < end && (*p == '+' || *p == '-')) {
            p++;
        }
        if (take_digits(&p, end).size == 0) {
            return false;
        }
        n.exponent = (struct weft_text){start, (size_t)(p - start)};
    }
    *ret_number = n;
    return p == end;
}

bool weft_record_is_number(struct weft_text literal)
{
    struct number n;
    return literal.size > 0 && split_number(literal, &n);
}

static bool fits_int64(const struct number *n)
{
    uint64_t limit = n->is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;
    for (size_t i = 0; i < n->whole.size; i++) {
        if (__builtin_mul_overflow(value, 10u, &value) ||
            !weft_add_u64(value, (uint64_t)(n->whole.data[i] - '0'), &value) || value > limit) {
            return false;
        }
    }
    return true;
}

/* The exponent's value, held to +-1,000,000: far beyond a double's either way. */
static int64_t exponent_of(const struct number *n)
{
    int64_t value = 0;
    bool is_negative = n->exponent.size > 0 && n->exponent.data[0] == '-';
    for (size_t i = 0; i < n->exponent.size; i++) {
        if (is_digit(n->exponent.data[i]) && value < 1000000) {
            value = value * 10 + (n->exponent.data[i] - '0');
        }
    }
    return is_negative ? -value : value;
}

/* True if the literal is finite as an IEEE 754 double. Most literals are decided by their
 * number of digits; the rest are converted from digits without a point, since strtod reads
 * the point of the process's locale. */
static bool is_finite(const struct number *n)
{
    enum {
        DIGITS_MAX = 40
    }; /* Decide between double's values; 17 are significant. */
    char text[DIGITS_MAX + 32];
    size_t used = 0;
    int64_t place =
        (int64_t)n->whole.size + exponent_of(n); /* Of the first digit, from the point. */
    if (place <= 308) {
        return true;
    }
    for (size_t i = 0; i < n->whole.size + n->fraction.size; i++) {
        char c = i < n->whole.size ? n->whole.data[i] : n->fraction.data[i - n->whole.size];
        if (used == 0 && c == '0') {
            place--;
        } else if (used < DIGITS_MAX) {
            text[used++] = c;
        }
    }
    if (used == 0) {
        return true; /* 0e999 is zero. */
    }
    if (place > 309) {
        return false;
    }
    (void)snprintf(text + used, sizeof(text) - used, "e%lld", (long long)place - (long long)used);
    return strtod(text, NULL) <= __DBL_MAX__;
}

static enum weft_err check_number(const struct weft_field *field, struct weft_msg *msg)
{
    struct number n;
    if (!split_number(field->value, &n)) {
        return weft_fail(msg, WEFT_EINVAL, "value is not a JSON number");
    }
    if (n.is_real != (field->type == WEFT_VALUE_REAL)) {
        return weft_fail(
            msg, WEFT_EINVAL, "a number is real if and only if it has a fraction or an exponent");
    }
    if (!n.is_real && !fits_int64(&n)) {
        return weft_fail(msg, WEFT_EINVAL, "integer is outside 64 bits");
    }
    if (n.is_real && !is_finite(&n)) {
        return weft_fail(msg, WEFT_EINVAL, "number is too large for a double");
    }
    return WEFT_OK;
}

static enum weft_err check_value(const struct weft_field *field, struct weft_msg *msg)
{
    if (field->value.size > WEFT_VALUE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "value is %zu bytes, at most %d", field->value.size,
            WEFT_VALUE_SIZE_MAX);
    }
    switch (field->type) {
    case WEFT_VALUE_NULL:
    case WEFT_VALUE_EMPTY_OBJECT:
    case WEFT_VALUE_EMPTY_ARRAY:
        if (field->value.size != 0) {
            return weft_fail(msg, WEFT_EINVAL, "value of a type without content is not empty");
        }
        return WEFT_OK;
    case WEFT_VALUE_BOOL:
        if (!weft_text_is(field->value, "true") && !weft_text_is(field->value, "false")) {
            return weft_fail(msg, WEFT_EINVAL, "boolean is neither true nor false");
        }
        return WEFT_OK;
    case WEFT_VALUE_INT:
    case WEFT_VALUE_REAL:
        return check_number(field, msg);
    case WEFT_VALUE_TEXT:
        if (!weft_text_is_utf8(field->value)) {
            return weft_fail(msg, WEFT_EMALFORMED, "value is not UTF-8 without a zero byte");
        }
        return WEFT_OK;
    case WEFT_VALUE_TYPES:
        break;
    }
    return weft_fail(msg, WEFT_EINVAL, "value has no known type");
}

/* --- paths ----------------------------------------------------------------------------------- */

/* "[N]" without leading zeros. */
static bool is_element(const char *p, size_t size)
{
    size_t digits = size - 2;
    if (size < 3 || digits > INDEX_DIGITS_MAX || p[0] != '[' || p[size - 1] != ']' ||
        (digits > 1 && p[1] == '0')) {
        return false;
    }
    for (size_t i = 1; i < size - 1; i++) {
        if (!is_digit(p[i])) {
            return false;
        }
    }
    return true;
}

/* One segment has one spelling: '~' only as "~0" and "~1", and "~2" only at its start. */
static bool is_segment(const char *p, size_t size)
{
    if (size == 0) {
        return false;
    }
    if (p[0] == '[') {
        return is_element(p, size);
    }
    for (size_t i = 0; i < size; i++) {
        if (p[i] == '~') {
            char next = i + 1 < size ? p[i + 1] : '\0';
            if (next != '0' && next != '1' && !(next == '2' && i == 0)) {
                return false;
            }
        }
    }
    return true;
}

static size_t segment_size(struct weft_text path, size_t start)
{
    const char *end = memchr(path.data + start, '/', path.size - start);
    return end != NULL ? (size_t)(end - path.data) - start : path.size - start;
}

static enum weft_err check_path(struct weft_text path, struct weft_msg *msg)
{
    if (path.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "a name is empty");
    }
    if (path.size > WEFT_PATH_SIZE_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "path is %zu bytes, at most %d", path.size, WEFT_PATH_SIZE_MAX);
    }
    if (path.data[0] == '@') {
        return weft_fail(msg, WEFT_EINVAL, "names that start with '@' are reserved");
    }
    if (path.data[0] == '[') {
        return weft_fail(msg, WEFT_EINVAL, "attributes are an object, not an array");
    }
    if (!weft_text_is_utf8(path)) {
        return weft_fail(msg, WEFT_EMALFORMED, "path is not UTF-8 without a zero byte");
    }
    for (size_t start = 0; start <= path.size;) {
        size_t size = segment_size(path, start);
        if (!is_segment(path.data + start, size)) {
            return weft_fail(
                msg, WEFT_EINVAL, size == 0 ? "a name is empty" : "path has a bad segment");
        }
        start += size + 1;
    }
    return WEFT_OK;
}

/* Start of the segment in which two paths differ; *ret_at is the byte. */
static size_t differing_segment(struct weft_text a, struct weft_text b, size_t *ret_at)
{
    size_t common = a.size < b.size ? a.size : b.size;
    size_t i = 0;
    while (common - i >= 8 && memcmp(a.data + i, b.data + i, 8) == 0) {
        i += 8;
    }
    while (i < common && a.data[i] == b.data[i]) {
        i++;
    }
    size_t start = i;
    while (start > 0 && a.data[start - 1] != '/') {
        start--;
    }
    *ret_at = i;
    return start;
}

/* Segment by segment, a parent before what is in it, elements of an array by number: so what
 * belongs together stands together, and neighbours show every conflict. */
static int compare_paths(const void *context, uint16_t ia, uint16_t ib)
{
    const struct weft_field *fields = context;
    struct weft_text a = fields[ia].path, b = fields[ib].path;
    size_t at;
    size_t start = differing_segment(a, b, &at);
    if (at == a.size || at == b.size) {
        return a.size < b.size ? -1 : a.size > b.size;
    }
    if (a.data[start] == '[' && b.data[start] == '[') {
        size_t a_size = segment_size(a, start), b_size = segment_size(b, start);
        if (a_size != b_size) {
            return a_size < b_size ? -1 : 1;
        }
    }
    unsigned a_byte = a.data[at] == '/' ? 0 : (uint8_t)a.data[at];
    unsigned b_byte = b.data[at] == '/' ? 0 : (uint8_t)b.data[at];
    return a_byte < b_byte ? -1 : 1;
}

static unsigned long element_number(struct weft_text path, size_t start)
{
    unsigned long number = 0;
    for (size_t i = start + 1; i < path.size && is_digit(path.data[i]); i++) {
        number = number * 10 + (unsigned long)(path.data[i] - '0');
    }
    return number;
}

/* From the segment at `start` on, every array begins with its element 0. */
static bool begins_arrays(struct weft_text path, size_t start)
{
    while (start < path.size) {
        size_t size = segment_size(path, start);
        if (path.data[start] == '[' && element_number(path, start) != 0) {
            return false;
        }
        start += size + 1;
    }
    return true;
}

/* Two neighbours in the order of compare_paths; `before` is empty for the first one. */
static enum weft_err check_neighbours(
    struct weft_text before, struct weft_text after, struct weft_msg *msg)
{
    size_t at, start = 0;
    if (before.size > 0) {
        start = differing_segment(before, after, &at);
        if (at == before.size && at == after.size) {
            return weft_fail(msg, WEFT_EINVAL, "attribute is there twice");
        }
        if (at == before.size && after.data[at] == '/') {
            return weft_fail(msg, WEFT_EINVAL, "attribute is a value and has members");
        }
        bool is_element_before = before.data[start] == '[';
        if (is_element_before != (after.data[start] == '[')) {
            return weft_fail(msg, WEFT_EINVAL, "attribute is an array and an object");
        }
        if (is_element_before) {
            if (element_number(after, start) != element_number(before, start) + 1) {
                return weft_fail(msg, WEFT_EINVAL, "array has a gap before this element");
            }
            start += segment_size(after, start) + 1;
        }
    }
    if (!begins_arrays(after, start)) {
        return weft_fail(msg, WEFT_EINVAL, "array has a gap before this element");
    }
    return WEFT_OK;
}

/* --- fields, links, record ------------------------------------------------------------------- */

/* The fields of a record or of a link. `*size` grows by what they weigh; on error *ret_culprit
 * is the field at fault, or `count` if it is their number. */
static enum weft_err check_fields(const struct weft_field *fields, uint32_t count, size_t *size,
    uint32_t *ret_culprit, struct weft_msg *msg)
{
    uint16_t index[WEFT_RECORD_FIELDS_MAX], scratch[WEFT_RECORD_FIELDS_MAX];
    *ret_culprit = count;
    if (count > WEFT_RECORD_FIELDS_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "%u attributes, at most %d", count, WEFT_RECORD_FIELDS_MAX);
    }
    for (uint32_t i = 0; i < count; i++) {
        *ret_culprit = i;
        enum weft_err err = check_path(fields[i].path, msg);
        if (err != WEFT_OK) {
            return err;
        }
        err = check_value(&fields[i], msg);
        if (err != WEFT_OK) {
            return err;
        }
        *size += fields[i].path.size + fields[i].value.size + ITEM_OVERHEAD;
    }
    weft_order_sort(index, scratch, count, compare_paths, fields);
    for (uint32_t i = 0; i < count; i++) {
        struct weft_text before = i > 0 ? fields[index[i - 1]].path : (struct weft_text){NULL, 0};
        *ret_culprit = index[i];
        enum weft_err err = check_neighbours(before, fields[index[i]].path, msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

void weft_record_pointer(const char *base, struct weft_text path, char ret_pointer[256])
{
    int used = snprintf(ret_pointer, POINTER_SIZE, "%s/attrs", base);
    if (path.data == NULL || used < 0) {
        return;
    }
    size_t at = (size_t)used;
    bool is_start = true;
    if (at < POINTER_SIZE - 1) {
        ret_pointer[at++] = '/';
    }
    for (size_t i = 0; i < path.size && at < POINTER_SIZE - 1; i++) {
        char c = path.data[i];
        if (is_start && c == '[' && is_element(path.data + i, segment_size(path, i))) {
            i++;
            while (path.data[i] != ']' && at < POINTER_SIZE - 1) {
                ret_pointer[at++] = path.data[i++];
            }
            is_start = false;
            continue;
        }
        if (is_start && c == '~' && i + 1 < path.size && path.data[i + 1] == '2') {
            c = '[';
            i++;
        }
        is_start = c == '/';
        ret_pointer[at++] = c;
    }
    /* Neither a cut character nor a bad one: the pointer goes into JSON answers. */
    at = weft_text_utf8_prefix((struct weft_text){ret_pointer, at});
    ret_pointer[at] = '\0';
}

static void point_at_field(char *ret_pointer, const char *base, const struct weft_field *field)
{
    if (ret_pointer != NULL) {
        struct weft_text path = {NULL, 0};
        if (field != NULL) {
            path = field->path.size > 0 ? field->path : WEFT_TEXT("");
        }
        weft_record_pointer(base, path, ret_pointer);
    }
}

static enum weft_err point_at(char *ret_pointer, enum weft_err err, const char *pointer)
{
    if (ret_pointer != NULL) {
        (void)snprintf(ret_pointer, POINTER_SIZE, "%s", pointer);
    }
    return err;
}

static enum weft_err point_at_link(
    char *ret_pointer, enum weft_err err, uint32_t number, const char *member)
{
    char place[64];
    (void)snprintf(place, sizeof(place), "/links/%u%s", number, member);
    return point_at(ret_pointer, err, place);
}

static enum weft_err check_link(const struct weft_link *link, uint32_t number, size_t *size,
    char *ret_pointer, struct weft_msg *msg)
{
    enum weft_err err = check_name(link->rel, "rel", msg);
    if (err != WEFT_OK) {
        return point_at_link(ret_pointer, err, number, "/rel");
    }
    err = check_asset(link->to, msg);
    if (err != WEFT_OK) {
        return point_at_link(ret_pointer, err, number, "/to");
    }
    *size += link->rel.size + link->to.size + ITEM_OVERHEAD;
    uint32_t culprit;
    err = check_fields(link->fields, link->field_count, size, &culprit, msg);
    if (err != WEFT_OK) {
        char base[32]; /* Only here: to format it takes longer than to check a link. */
        (void)snprintf(base, sizeof(base), "/links/%u", number);
        point_at_field(
            ret_pointer, base, culprit < link->field_count ? &link->fields[culprit] : NULL);
    }
    return err;
}

static enum weft_err check_head(
    const struct weft_record *record, char *ret_pointer, struct weft_msg *msg)
{
    enum weft_err err = check_name(record->kind, "kind", msg);
    if (err != WEFT_OK) {
        return point_at(ret_pointer, err, "/kind");
    }
    err = check_asset(record->asset, msg);
    if (err != WEFT_OK) {
        return point_at(ret_pointer, err, "/asset");
    }
    err = check_line(record->source, WEFT_SOURCE_SIZE_MAX, "source", msg);
    if (err != WEFT_OK) {
        return point_at(ret_pointer, err, "/source");
    }
    err = check_line(record->author, WEFT_PRINCIPAL_SIZE_MAX, "author", msg);
    return err == WEFT_OK ? WEFT_OK : point_at(ret_pointer, err, "/author");
}

enum weft_err weft_record_check(
    const struct weft_record *record, char ret_pointer[256], struct weft_msg *msg)
{
    enum weft_err err = check_head(record, ret_pointer, msg);
    if (err != WEFT_OK) {
        return err;
    }
    size_t size =
        record->kind.size + record->asset.size + record->source.size + record->author.size;
    uint32_t culprit;
    err = check_fields(record->fields, record->field_count, &size, &culprit, msg);
    if (err != WEFT_OK) {
        point_at_field(
            ret_pointer, "", culprit < record->field_count ? &record->fields[culprit] : NULL);
        return err;
    }
    if (record->link_count > WEFT_RECORD_LINKS_MAX) {
        err = weft_fail(
            msg, WEFT_ETOOBIG, "%u links, at most %d", record->link_count, WEFT_RECORD_LINKS_MAX);
        return point_at(ret_pointer, err, "/links");
    }
    for (uint32_t i = 0; i < record->link_count && size <= WEFT_RECORD_SIZE_MAX; i++) {
        err = check_link(&record->links[i], i, &size, ret_pointer, msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    if (size > WEFT_RECORD_SIZE_MAX) {
        err = weft_fail(msg, WEFT_ETOOBIG, "record is over %d bytes", WEFT_RECORD_SIZE_MAX);
        return point_at(ret_pointer, err, "");
    }
    return WEFT_OK;
}
