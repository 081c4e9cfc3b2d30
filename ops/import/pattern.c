#include "ops/import/pattern.h"

#include "proto/check.h"

struct matching {
    struct weft_captures *captures;
    uint32_t steps;
};

/* One place of a pattern: a literal, a wildcard, or a capture. */
struct part {
    char kind; /* 'c' literal, '*', '?', '{' any run, '#' digits */
    char literal;
    struct weft_text name;
    size_t size; /* Bytes of the pattern. */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(struct weft_text name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && c != '_') {
            return false;
        }
    }
    return name.size > 0 && name.size <= 24;
}

/* False: a brace without its other. */
static bool first_part(struct weft_text pattern, struct part *ret_part)
{
    char c = pattern.data[0];
    *ret_part = (struct part){.kind = 'c', .literal = c, .size = 1};
    if (c == '*' || c == '?') {
        ret_part->kind = c;
    } else if (c == '{') {
        const char *end = memchr(pattern.data, '}', pattern.size);
        if (end == NULL) {
            return false;
        }
        size_t size = (size_t)(end - pattern.data) - 1;
        bool is_number = size > 0 && pattern.data[size] == '#';
        ret_part->kind = is_number ? '#' : '{';
        ret_part->name = (struct weft_text){pattern.data + 1, is_number ? size - 1 : size};
        ret_part->size = size + 2;
        return is_word(ret_part->name);
    }
    return c != '}';
}

static struct weft_text behind(struct weft_text text, size_t size)
{
    return (struct weft_text){text.data + size, text.size - size};
}

enum weft_err weft_pattern_check(struct weft_text pattern, struct weft_msg *msg)
{
    uint32_t captures = 0;
    if (pattern.size == 0 || pattern.size > WEFT_PATTERN_SIZE_MAX) {
        return weft_fail(msg, WEFT_EINVAL, "a pattern is %zu bytes, 1 to %d are allowed",
            pattern.size, WEFT_PATTERN_SIZE_MAX);
    }
    for (struct part part; pattern.size > 0; pattern = behind(pattern, part.size)) {
        if (!first_part(pattern, &part)) {
            return weft_fail(msg, WEFT_EINVAL,
                "a pattern has a brace that is not {word} or {word#} at '%.*s'",
                (int)(pattern.size < 40 ? pattern.size : 40), pattern.data);
        }
        captures += part.kind == '{' || part.kind == '#';
    }
    return captures <= WEFT_PATTERN_CAPTURES_MAX
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL, "a pattern has more than %d words",
                     WEFT_PATTERN_CAPTURES_MAX);
}

static struct weft_text without_zeros(struct weft_text digits)
{
    while (digits.size > 1 && digits.data[0] == '0') {
        digits = behind(digits, 1);
    }
    return digits;
}

static bool fits(struct matching *m, struct weft_text pattern, struct weft_text text);

/* Capture the first `size` bytes and match the rest. */
static bool fits_captured(struct matching *m, const struct part *part, struct weft_text pattern,
    struct weft_text text, size_t size)
{
    struct weft_text value = {text.data, size};
    uint32_t place = m->captures->count;
    if (place == WEFT_PATTERN_CAPTURES_MAX) {
        return false;
    }
    m->captures->list[m->captures->count++] =
        (struct weft_capture){part->name, part->kind == '#' ? without_zeros(value) : value};
    if (fits(m, pattern, behind(text, size))) {
        return true;
    }
    m->captures->count = place;
    return false;
}

static bool fits_run(
    struct matching *m, const struct part *part, struct weft_text pattern, struct weft_text text)
{
    if (part->kind == '#') {
        size_t size = 0;
        while (size < text.size && is_digit(text.data[size])) {
            size++;
        }
        return size > 0 && fits_captured(m, part, pattern, text, size);
    }
    for (size_t size = part->kind == '*' ? 0 : 1; size <= text.size; size++) {
        bool is_fit = part->kind == '*' ? fits(m, pattern, behind(text, size))
                                        : fits_captured(m, part, pattern, text, size);
        if (is_fit) {
            return true;
        }
    }
    return false;
}

/* Recursion is as deep as the pattern has wildcards and captures. */
static bool fits(struct matching *m, struct weft_text pattern, struct weft_text text)
{
    while (pattern.size > 0) {
        struct part part;
        bool is_part = first_part(pattern, &part);
        weft_assert(is_part); /* It was checked. */
        if (++m->steps > WEFT_PATTERN_STEPS_MAX) {
            return false;
        }
        if (part.kind != 'c' && part.kind != '?') {
            return fits_run(m, &part, behind(pattern, part.size), text);
        }
        if (text.size == 0 || (part.kind == 'c' && text.data[0] != part.literal)) {
            return false;
        }
        pattern = behind(pattern, part.size);
        text = behind(text, 1);
    }
    return text.size == 0;
}

bool weft_pattern_fits(
    struct weft_text pattern, struct weft_text text, struct weft_captures *captures)
{
    struct matching m = {.captures = captures};
    uint32_t before = captures->count;
    if (fits(&m, pattern, text)) {
        return true;
    }
    captures->count = before;
    return false;
}

void weft_capture_add(struct weft_captures *captures, const char *name, struct weft_text value)
{
    if (captures->count < WEFT_PATTERN_CAPTURES_MAX) {
        captures->list[captures->count++] = (struct weft_capture){weft_text_of(name), value};
    }
}

struct weft_text weft_captured(const struct weft_captures *captures, const char *name)
{
    for (uint32_t i = captures->count; i > 0; i--) {
        if (weft_text_is(captures->list[i - 1].name, name)) {
            return captures->list[i - 1].value;
        }
    }
    return (struct weft_text){NULL, 0};
}

/* What a part of a template becomes; data NULL: it was not captured. */
static struct weft_text filling(const struct part *part, const struct weft_captures *captures)
{
    if (part->kind != '{' && part->kind != '#') {
        return (struct weft_text){&part->literal, 1};
    }
    for (uint32_t i = captures->count; i > 0; i--) {
        if (weft_text_equal(captures->list[i - 1].name, part->name)) {
            return captures->list[i - 1].value;
        }
    }
    return (struct weft_text){NULL, 0};
}

enum weft_err weft_pattern_fill(struct weft_text template, const struct weft_captures *captures,
    struct weft_arena *arena, struct weft_text *ret_text, struct weft_msg *msg)
{
    struct weft_buffer out = {0};
    enum weft_err err = WEFT_OK;
    for (struct part part; template.size > 0 && err == WEFT_OK;
         template = behind(template, part.size)) {
        if (!first_part(template, &part)) {
            err = weft_fail(msg, WEFT_EINVAL, "a template has a brace that is not {word}");
            break;
        }
        struct weft_text text = filling(&part, captures);
        err = text.data != NULL ? weft_buffer_text(&out, text)
                                : weft_fail(msg, WEFT_EINVAL, "{%.*s} is not known here",
                                      (int)part.name.size, part.name.data);
    }
    if (err == WEFT_OK) {
        *ret_text = weft_arena_text(arena, (struct weft_text){(char *)out.data, out.size});
        err = ret_text->data != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    weft_buffer_destroy(&out);
    return err;
}
