#include "node/state/twin/fact.h"

#include <stdlib.h>

#include "proto/time.h"

int weft_moment_compare_place(const struct weft_moment *a, const struct weft_moment *b)
{
    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    return a->ordinal < b->ordinal ? -1 : a->ordinal > b->ordinal;
}

int weft_moment_compare(const struct weft_moment *a, const struct weft_moment *b)
{
    if (a->at_ns != b->at_ns) {
        return a->at_ns < b->at_ns ? -1 : 1;
    }
    return weft_moment_compare_place(a, b);
}

const struct weft_field *weft_fact_field(
    const struct weft_field *fields, uint32_t count, const char *path)
{
    struct weft_text wanted = weft_text_of(path);
    for (uint32_t i = 0; i < count; i++) {
        if (weft_text_equal(fields[i].path, wanted)) {
            return &fields[i];
        }
    }
    return NULL;
}

static struct weft_text text_of(const struct weft_field *field)
{
    return field != NULL ? field->value : (struct weft_text){NULL, 0};
}

struct weft_text weft_fact_text(const struct weft_record *record, const char *path)
{
    return text_of(weft_fact_field(record->fields, record->field_count, path));
}

struct weft_text weft_fact_link_text(const struct weft_link *link, const char *path)
{
    return text_of(weft_fact_field(link->fields, link->field_count, path));
}

bool weft_fact_is_true(const struct weft_record *record, const char *path)
{
    const struct weft_field *field = weft_fact_field(record->fields, record->field_count, path);
    return field != NULL && field->type == WEFT_VALUE_BOOL && weft_text_is(field->value, "true");
}

bool weft_fact_time(const struct weft_record *record, const char *path, int64_t *ret_ns)
{
    struct weft_text text = weft_fact_text(record, path);
    return text.size > 0 && weft_time_parse(text, ret_ns, NULL) == WEFT_OK;
}

bool weft_fact_number(struct weft_text text, double *ret_number)
{
    char copy[64];
    if (text.size == 0 || text.size >= sizeof(copy)) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_part =
            (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
        if (!is_part) {
            return false; /* strtod would take "inf", "0x1p3", and leading space. */
        }
        copy[i] = c;
    }
    copy[text.size] = '\0';
    char *end;
    double number = strtod(copy, &end);
    if (end != copy + text.size) {
        return false;
    }
    *ret_number = number;
    return true;
}

const struct weft_link *weft_fact_link(
    const struct weft_record *record, const char *rel, uint32_t n)
{
    struct weft_text wanted = weft_text_of(rel);
    for (uint32_t i = 0; i < record->link_count; i++) {
        if (weft_text_equal(record->links[i].rel, wanted) && n-- == 0) {
            return &record->links[i];
        }
    }
    return NULL;
}

bool weft_fact_links_to(const struct weft_record *record, const char *rel, struct weft_text to)
{
    const struct weft_link *link;
    for (uint32_t i = 0; (link = weft_fact_link(record, rel, i)) != NULL; i++) {
        if (weft_text_equal(link->to, to)) {
            return true;
        }
    }
    return false;
}
