#include <stdarg.h>
#include <stdio.h>

#include "proto/check.h"
#include "proto/model/element.h"
#include "proto/model/lexical.h"
#include "proto/model/model.h"
#include "proto/order.h"
#include "proto/time.h"

/* A record against its model. The fields of an object stand together once they are sorted by
 * path, so every object is a range of them, looked at once per level. */

enum {
    POINTER_SIZE = 256,
    EXPECTED_SIZE = 200, /* Of "an Enum of A, B, C" in a message. */
};

struct checker {
    const struct weft_field *fields;
    const uint16_t *sorted;
    bool is_link;  /* The fields are those of a link: */
    uint32_t link; /* its number. */
    char *ret_pointer;
    struct weft_msg *msg;
};

/* Fields [from, to) in order, all of them below `path`. */
struct range {
    uint32_t from;
    uint32_t to;
    struct weft_text path; /* Empty: all. */
};

static enum weft_err check_value(struct checker *c, const struct weft_model_property *property,
    const struct range *range, bool is_leaf);

/* --- messages -------------------------------------------------------------------------------- */

enum {
    BASE_SIZE = 32
};

/* "" or "/links/3" */
static void base_of(const struct checker *c, char ret_base[BASE_SIZE])
{
    ret_base[0] = '\0';
    if (c->is_link) {
        (void)snprintf(ret_base, BASE_SIZE, "/links/%u", c->link);
    }
}

/* What is said where a pointer has been written. */
static enum weft_err fail_with(const struct checker *c, const char *format, va_list args)
{
    if (c->msg != NULL) {
        (void)vsnprintf(c->msg->text, sizeof(c->msg->text), format, args);
    }
    return WEFT_EINVAL;
}

static enum weft_err fail(const struct checker *c, struct weft_text path, const char *member,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* `member`: below `path`; NULL: `path` itself. */
static enum weft_err fail(
    const struct checker *c, struct weft_text path, const char *member, const char *format, ...)
{
    if (c->ret_pointer != NULL) {
        char base[BASE_SIZE];
        base_of(c, base);
        weft_record_pointer(base, path, c->ret_pointer);
        size_t used = strlen(c->ret_pointer);
        if (member != NULL) {
            (void)snprintf(c->ret_pointer + used, POINTER_SIZE - used, "/%s", member);
        }
    }
    va_list args;
    va_start(args, format);
    enum weft_err err = fail_with(c, format, args);
    va_end(args);
    return err;
}

static void add(char *text, size_t *used, const char *between, struct weft_text what)
{
    what = weft_element_shown(what);
    if (*used + strlen(between) + what.size + sizeof(", ...") < EXPECTED_SIZE) {
        int wrote = snprintf(
            text + *used, EXPECTED_SIZE - *used, "%s%.*s", between, (int)what.size, what.data);
        *used += wrote > 0 ? (size_t)wrote : 0;
    } else if (*used > 3 && memcmp(text + *used - 3, "...", 3) != 0) {
        (void)snprintf(text + *used, EXPECTED_SIZE - *used, ", ...");
        *used += 5;
    }
}

/* "double in mm", "Enum of PASS, FAIL", "Array of string". */
static void describe(const struct weft_model_property *property, char ret_text[EXPECTED_SIZE])
{
    const struct weft_model_schema *schema = property->schema;
    size_t used = 0;
    ret_text[0] = '\0';
    add(ret_text, &used, "", weft_text_of(weft_model_type_name(schema->type)));
    for (uint32_t i = 0; schema->type == WEFT_MODEL_ENUM && i < schema->value_count; i++) {
        add(ret_text, &used, i == 0 ? " of " : ", ", schema->values[i]);
    }
    if (schema->type == WEFT_MODEL_ARRAY || schema->type == WEFT_MODEL_MAP) {
        add(ret_text, &used, " of ",
            weft_text_of(weft_model_type_name(schema->element->schema->type)));
    }
    for (uint32_t i = 0; i < property->unit_count; i++) {
        add(ret_text, &used, i == 0 ? " in " : " or ", property->units[i]);
    }
}

static enum weft_err fail_type(const struct checker *c, const struct weft_model_property *property,
    struct weft_text path, const char *is)
{
    char expected[EXPECTED_SIZE];
    describe(property, expected);
    if (property->unit_count > 0) {
        return fail(
            c, path, NULL, "%s: {\"value\": ..., \"unit\": ...} was expected, a %s", is, expected);
    }
    return fail(c, path, NULL, "%s: %s was expected", is, expected);
}

/* --- scalars --------------------------------------------------------------------------------- */

/* JSON's integer literal, which fits in 64 bits, in 4 bytes? */
static bool is_int32(struct weft_text literal)
{
    int64_t value = 0;
    bool is_negative = literal.size > 0 && literal.data[0] == '-';
    if (literal.size > sizeof("-2147483648") - 1) {
        return false;
    }
    for (size_t i = is_negative ? 1 : 0; i < literal.size; i++) {
        value = value * 10 + (literal.data[i] - '0');
    }
    return is_negative ? value <= (int64_t)INT32_MAX + 1 : value <= INT32_MAX;
}

/* Behind 'e': held to +-1,000,000. */
static long exponent_of(const char *p, const char *end)
{
    bool is_negative = p < end && *p == '-';
    long value = 0;
    for (p += p < end && (*p == '-' || *p == '+'); p < end && value < 1000000; p++) {
        value = value * 10 + (*p - '0');
    }
    return is_negative ? -value : value;
}

/* A number of JSON within single precision, by its digits: strtof reads the locale's point. The
 * largest float is 3.40282347e38 as written with nine digits. */
static bool is_float(struct weft_text literal)
{
    const char *end = literal.data + literal.size, *p = literal.data;
    long exponent = 0, digits = 0, leading = 0, whole = 0;
    bool is_fraction = false;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            is_fraction = true;
        } else if (*p != '-') {
            exponent -= is_fraction && digits == 0 && *p == '0';
            whole += !is_fraction && (digits > 0 || *p != '0');
            if (digits < 9 && (digits > 0 || *p != '0')) {
                leading = leading * 10 + (*p - '0');
                digits++;
            }
        }
    }
    if (digits == 0) {
        return true; /* Zero. */
    }
    exponent += whole > 0 ? whole - 1 : -1;
    exponent += p < end ? exponent_of(p + 1, end) : 0;
    for (; digits < 9; digits++) {
        leading *= 10;
    }
    return exponent < 38 || (exponent == 38 && leading <= 340282347);
}

static bool is_one_of(const struct weft_model_schema *schema, struct weft_text value)
{
    uint32_t low = 0, high = schema->value_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = weft_text_compare(schema->values[schema->sorted[middle]], value);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static bool is_scalar(const struct weft_model_schema *schema, const struct weft_field *field)
{
    bool is_text = field->type == WEFT_VALUE_TEXT, is_int = field->type == WEFT_VALUE_INT;
    int64_t at_ns;
    switch (schema->type) {
    case WEFT_MODEL_BOOLEAN:
        return field->type == WEFT_VALUE_BOOL;
    case WEFT_MODEL_DATE:
        return is_text && weft_lexical_is_date(field->value);
    case WEFT_MODEL_DATE_TIME:
        return is_text && weft_time_parse(field->value, &at_ns, NULL) == WEFT_OK;
    case WEFT_MODEL_DOUBLE:
        return is_int || field->type == WEFT_VALUE_REAL;
    case WEFT_MODEL_FLOAT:
        return (is_int || field->type == WEFT_VALUE_REAL) && is_float(field->value);
    case WEFT_MODEL_DURATION:
        return is_text && weft_lexical_is_duration(field->value);
    case WEFT_MODEL_INTEGER:
        return is_int && is_int32(field->value);
    case WEFT_MODEL_LONG:
        return is_int;
    case WEFT_MODEL_STRING:
        return is_text;
    case WEFT_MODEL_TIME:
        return is_text && weft_lexical_is_time(field->value);
    case WEFT_MODEL_ENUM:
        return (schema->is_text ? is_text : is_int) && is_one_of(schema, field->value);
    case WEFT_MODEL_OBJECT:
    case WEFT_MODEL_MAP:
    case WEFT_MODEL_ARRAY:
        break;
    }
    return false;
}

static enum weft_err check_scalar(
    struct checker *c, const struct weft_model_property *property, const struct weft_field *field)
{
    if (is_scalar(property->schema, field)) {
        return WEFT_OK;
    }
    char expected[EXPECTED_SIZE], is[96] = "an empty object";
    struct weft_text value = weft_element_shown(field->value);
    describe(property, expected);
    if (field->type == WEFT_VALUE_EMPTY_ARRAY) {
        (void)snprintf(is, sizeof(is), "an empty array");
    } else if (field->type != WEFT_VALUE_EMPTY_OBJECT) {
        const char *quote = field->type == WEFT_VALUE_TEXT ? "\"" : "";
        (void)snprintf(is, sizeof(is), "%s%.*s%s", quote, (int)value.size, value.data, quote);
    }
    return fail(c, field->path, NULL, "%s is no %s", is, expected);
}

/* --- ranges ---------------------------------------------------------------------------------- */

static const struct weft_field *field_at(const struct checker *c, uint32_t i)
{
    return &c->fields[c->sorted[i]];
}

/* The member of `of` that begins at `from`. *ret_leaf: a value, not an object or array. */
static struct range member_at(
    const struct checker *c, const struct range *of, uint32_t from, bool *ret_leaf)
{
    struct weft_text first = field_at(c, from)->path;
    size_t start = of->path.size > 0 ? of->path.size + 1 : 0;
    const char *slash = memchr(first.data + start, '/', first.size - start);
    struct range member = {from, from + 1, first};
    *ret_leaf = slash == NULL;
    if (slash == NULL) {
        return member;
    }
    member.path.size = (size_t)(slash - first.data);
    while (member.to < of->to) {
        struct weft_text path = field_at(c, member.to)->path;
        size_t size = member.path.size + 1 - start; /* With the slash. */
        if (path.size < member.path.size + 1 ||
            memcmp(path.data + start, first.data + start, size) != 0) {
            break;
        }
        member.to++;
    }
    return member;
}

static struct weft_text segment_of(const struct range *of, const struct range *member)
{
    size_t start = of->path.size > 0 ? of->path.size + 1 : 0;
    return (struct weft_text){member->path.data + start, member->path.size - start};
}

/* An array's elements, or an object's members? A range that holds more than a value is one. */
static bool is_array(const struct checker *c, const struct range *range)
{
    return field_at(c, range->from)->path.data[range->path.size + 1] == '[';
}

/* --- objects, maps, arrays, quantities ------------------------------------------------------- */

/* Null is as good as absent. */
static bool is_absent(const struct checker *c, const struct range *member, bool is_leaf)
{
    return is_leaf && field_at(c, member->from)->type == WEFT_VALUE_NULL;
}

static enum weft_err check_required(struct checker *c, const struct weft_model_object *object,
    const uint8_t *seen, struct weft_text path)
{
    for (uint32_t i = 0; i < object->count; i++) {
        const struct weft_model_property *p = &object->properties[i];
        if (p->is_required && (seen[i / 8] >> (i % 8) & 1) == 0) {
            char name[WEFT_MODEL_NAME_SIZE_MAX + 1], expected[EXPECTED_SIZE];
            (void)snprintf(name, sizeof(name), "%.*s", (int)p->name.size, p->name.data);
            describe(p, expected);
            return fail(c, path, name, "'%.64s' is missing: %s is required", name, expected);
        }
    }
    return WEFT_OK;
}

static enum weft_err check_members(
    struct checker *c, const struct weft_model_object *object, const struct range *range)
{
    uint8_t seen[WEFT_MODEL_MEMBERS_MAX / 8] = {0};
    bool is_leaf;
    weft_assert(object->count <= WEFT_MODEL_MEMBERS_MAX); /* PRO-102 */
    for (uint32_t i = range->from; i < range->to;) {
        struct range member = member_at(c, range, i, &is_leaf);
        struct weft_text name = segment_of(range, &member);
        const struct weft_model_property *property = weft_model_find(object, name);
        i = member.to;
        if (property == NULL) {
            if (object->is_closed) {
                name = weft_element_shown(name);
                return fail(c, member.path, NULL, "'%.*s' is not declared, and the model is closed",
                    (int)name.size, name.data);
            }
        } else if (!is_absent(c, &member, is_leaf)) {
            size_t n = (size_t)(property - object->properties);
            seen[n / 8] = (uint8_t)(seen[n / 8] | 1 << (n % 8));
            enum weft_err err = check_value(c, property, &member, is_leaf);
            if (err != WEFT_OK) {
                return err;
            }
        }
    }
    return check_required(c, object, seen, range->path);
}

/* The values of a MAP or the elements of an ARRAY. */
static enum weft_err check_elements(
    struct checker *c, const struct weft_model_property *element, const struct range *range)
{
    bool is_leaf;
    for (uint32_t i = range->from; i < range->to;) {
        struct range member = member_at(c, range, i, &is_leaf);
        i = member.to;
        enum weft_err err =
            is_absent(c, &member, is_leaf) ? WEFT_OK : check_value(c, element, &member, is_leaf);
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

static enum weft_err check_unit(struct checker *c, const struct weft_model_property *property,
    struct weft_text path, const struct weft_field *unit)
{
    char expected[EXPECTED_SIZE];
    describe(property, expected);
    if (unit == NULL) {
        return fail(c, path, "unit", "the unit is missing: %s was expected", expected);
    }
    for (uint32_t i = 0; unit->type == WEFT_VALUE_TEXT && i < property->unit_count; i++) {
        if (weft_text_equal(unit->value, property->units[i])) {
            return WEFT_OK;
        }
    }
    struct weft_text shown = weft_element_shown(unit->value);
    return fail(c, path, "unit", "unit \"%.*s\" is not allowed: %s was expected (UCUM)",
        (int)shown.size, shown.data, expected);
}

/* {"value": 0.014, "unit": "mm", ...}: other members are the record's own business. */
static enum weft_err check_annotated(
    struct checker *c, const struct weft_model_property *property, const struct range *range)
{
    const struct weft_field *value = NULL, *unit = NULL;
    bool is_leaf;
    for (uint32_t i = range->from; i < range->to;) {
        struct range member = member_at(c, range, i, &is_leaf);
        struct weft_text name = segment_of(range, &member);
        i = member.to;
        if (is_leaf && weft_text_is(name, "value")) {
            value = field_at(c, member.from);
        } else if (is_leaf && weft_text_is(name, "unit")) {
            unit = field_at(c, member.from);
        }
    }
    if (value == NULL) {
        char expected[EXPECTED_SIZE];
        describe(property, expected);
        return fail(c, range->path, "value", "\"value\" is missing: %s was expected", expected);
    }
    enum weft_err err = check_scalar(c, property, value);
    return err == WEFT_OK && property->unit_count > 0 ? check_unit(c, property, range->path, unit)
                                                      : err;
}

static enum weft_err check_leaf(
    struct checker *c, const struct weft_model_property *property, const struct range *range)
{
    const struct weft_field *field = field_at(c, range->from);
    const struct range nothing = {range->from, range->from, range->path};
    bool is_object = field->type == WEFT_VALUE_EMPTY_OBJECT;
    switch (property->schema->type) {
    case WEFT_MODEL_OBJECT:
        return is_object ? check_members(c, &property->schema->object, &nothing)
                         : fail_type(c, property, range->path, "a value");
    case WEFT_MODEL_MAP:
        return is_object ? WEFT_OK : fail_type(c, property, range->path, "a value");
    case WEFT_MODEL_ARRAY:
        return field->type == WEFT_VALUE_EMPTY_ARRAY
                   ? WEFT_OK
                   : fail_type(c, property, range->path, "not an array");
    case WEFT_MODEL_BOOLEAN:
    case WEFT_MODEL_DATE:
    case WEFT_MODEL_DATE_TIME:
    case WEFT_MODEL_DOUBLE:
    case WEFT_MODEL_DURATION:
    case WEFT_MODEL_FLOAT:
    case WEFT_MODEL_INTEGER:
    case WEFT_MODEL_LONG:
    case WEFT_MODEL_STRING:
    case WEFT_MODEL_TIME:
    case WEFT_MODEL_ENUM:
        break;
    }
    return property->unit_count == 0 ? check_scalar(c, property, field)
                                     : fail_type(c, property, range->path, "a value without unit");
}

/* Recursion is as deep as schemas nest: WEFT_MODEL_SCHEMA_DEPTH_MAX and a component. */
static enum weft_err check_value(struct checker *c, const struct weft_model_property *property,
    const struct range *range, bool is_leaf)
{
    const struct weft_model_schema *schema = property->schema;
    if (is_leaf) {
        return check_leaf(c, property, range);
    }
    if (is_array(c, range) != (schema->type == WEFT_MODEL_ARRAY)) {
        return fail_type(c, property, range->path, is_array(c, range) ? "an array" : "an object");
    }
    if (schema->type == WEFT_MODEL_OBJECT) {
        return check_members(c, &schema->object, range);
    }
    if (schema->type == WEFT_MODEL_MAP || schema->type == WEFT_MODEL_ARRAY) {
        return check_elements(c, schema->element, range);
    }
    return check_annotated(c, property, range);
}

/* --- fields, links, record ------------------------------------------------------------------- */

static int compare_fields(const void *context, uint16_t a, uint16_t b)
{
    const struct weft_field *fields = context;
    return weft_text_compare(fields[a].path, fields[b].path);
}

static enum weft_err check_fields(struct checker *c, const struct weft_model_object *object,
    const struct weft_field *fields, uint32_t count)
{
    uint16_t sorted[WEFT_RECORD_FIELDS_MAX], rest[WEFT_RECORD_FIELDS_MAX];
    const struct range all = {0, count, {NULL, 0}};
    weft_assert(count <= WEFT_RECORD_FIELDS_MAX); /* PRO-102 */
    weft_order_sort(sorted, rest, count, compare_fields, fields);
    c->fields = fields;
    c->sorted = sorted;
    enum weft_err err = check_members(c, object, &all);
    c->sorted = NULL;
    return err;
}

static bool has_prefix(struct weft_text id, const struct weft_text *prefixes, uint32_t prefix_count)
{
    for (uint32_t i = 0; i < prefix_count; i++) {
        if (id.size >= prefixes[i].size &&
            memcmp(id.data, prefixes[i].data, prefixes[i].size) == 0) {
            return true;
        }
    }
    return prefix_count == 0;
}

static enum weft_err fail_at(const struct checker *c, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum weft_err fail_at(const struct checker *c, const char *pointer, const char *format, ...)
{
    if (c->ret_pointer != NULL) {
        char base[BASE_SIZE];
        base_of(c, base);
        (void)snprintf(c->ret_pointer, POINTER_SIZE, "%s%s", base, pointer);
    }
    va_list args;
    va_start(args, format);
    enum weft_err err = fail_with(c, format, args);
    va_end(args);
    return err;
}

static void describe_prefixes(
    const struct weft_text *prefixes, uint32_t count, char ret_text[EXPECTED_SIZE])
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        add(ret_text, &used, i == 0 ? "" : " or ", prefixes[i]);
    }
}

/* `counts`: links of each declared rel so far. */
static enum weft_err check_link(struct checker *c, const struct weft_model *model,
    const struct weft_link *link, uint16_t *counts)
{
    const struct weft_model_link *declared = weft_model_find_link(model, link->rel);
    if (declared == NULL) {
        return model->is_closed_links
                   ? fail_at(c, "/rel", "rel '%.*s' is not declared, and the model is closed",
                         (int)link->rel.size, link->rel.data)
                   : WEFT_OK;
    }
    uint16_t *count = &counts[declared - model->links];
    (*count)++;
    if (declared->count_max > 0 && *count > declared->count_max) {
        return fail_at(c, "/rel", "more than %u links '%.*s'", declared->count_max,
            (int)link->rel.size, link->rel.data);
    }
    if (!has_prefix(link->to, declared->prefixes, declared->prefix_count)) {
        char expected[EXPECTED_SIZE];
        describe_prefixes(declared->prefixes, declared->prefix_count, expected);
        return fail_at(
            c, "/to", "'%.*s' begins with %s", (int)link->rel.size, link->rel.data, expected);
    }
    return check_fields(c, &declared->properties, link->fields, link->field_count);
}

static enum weft_err check_links(
    struct checker *c, const struct weft_model *model, const struct weft_record *record)
{
    uint16_t counts[WEFT_MODEL_LINKS_MAX] = {0};
    weft_assert(record->link_count <= WEFT_RECORD_LINKS_MAX); /* PRO-102 */
    for (uint32_t i = 0; i < record->link_count; i++) {
        c->is_link = true;
        c->link = i;
        enum weft_err err = check_link(c, model, &record->links[i], counts);
        if (err != WEFT_OK) {
            return err;
        }
    }
    c->is_link = false;
    for (uint32_t i = 0; i < model->link_count; i++) {
        const struct weft_model_link *link = &model->links[i];
        if (link->is_required && counts[i] == 0) {
            return fail_at(c, "/links", "a link '%.*s' is missing: at least one is required",
                (int)link->rel.size, link->rel.data);
        }
    }
    return WEFT_OK;
}

enum weft_err weft_model_check_record(const struct weft_model *model,
    const struct weft_record *record, char ret_pointer[256], struct weft_msg *msg)
{
    struct checker c = {.ret_pointer = ret_pointer, .msg = msg};
    enum weft_err err = WEFT_OK;
    if (!has_prefix(record->asset, model->prefixes, model->prefix_count)) {
        char expected[EXPECTED_SIZE];
        describe_prefixes(model->prefixes, model->prefix_count, expected);
        err = fail_at(&c, "/asset", "the asset of a %.*s begins with %s", (int)model->kind.size,
            model->kind.data, expected);
    }
    if (err == WEFT_OK) {
        err = check_fields(&c, &model->attributes, record->fields, record->field_count);
    }
    if (err == WEFT_OK) {
        err = check_links(&c, model, record);
    }
    if (err != WEFT_OK && msg != NULL) {
        for (char *p = msg->text; *p != '\0'; p++) {
            *p = (char)((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
        }
    }
    return err;
}
