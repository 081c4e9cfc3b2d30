#include "proto/model/schema.h"

#include "proto/model/dtmi.h"
#include "proto/order.h"

static enum weft_err read_schema(struct weft_model_reader *r, const struct weft_json *value,
    const struct weft_model_schema **ret_schema);

/* --- units ----------------------------------------------------------------------------------- */

static enum weft_err check_ucum(struct weft_text text, struct weft_msg *msg)
{
    if (!weft_unit_ucum_is_plausible(text)) {
        return weft_fail(msg, WEFT_EINVAL,
            "not a UCUM code: 1 to %d characters of ASCII without spaces", WEFT_UNIT_SIZE_MAX);
    }
    return WEFT_OK;
}

/* DTDL's `unit`. *ret_ucum NULL: there is none. */
static enum weft_err read_unit(struct weft_model_reader *r, const struct weft_json *element,
    struct weft_unit_type quantity, const char **ret_ucum)
{
    const struct weft_json *unit = weft_json_get(element, "unit");
    struct weft_unit_type type;
    *ret_ucum = NULL;
    if (unit == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_json_expect(unit, WEFT_JSON_STRING, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text name = weft_element_shown(unit->text);
    if (!weft_unit_find(unit->text, &type, ret_ucum)) {
        return weft_json_fail(unit, r->msg, WEFT_EINVAL,
            "unknown unit '%.*s': DTDL spells them out (millimetre); UCUM codes stand in "
            "\"weft:units\"",
            (int)name.size, name.data);
    }
    if (quantity.id == 0) {
        return weft_json_fail(unit, r->msg, WEFT_EINVAL,
            "a unit needs a semantic type beside the class, such as [\"Property\", \"Length\"]");
    }
    if (type.id != quantity.id) {
        return weft_json_fail(unit, r->msg, WEFT_EINVAL,
            "conflicting units: %.*s is a %s, the semantic type takes a %s", (int)name.size,
            name.data, weft_unit_type_name(type), weft_unit_type_name(quantity));
    }
    if (*ret_ucum == NULL) {
        return weft_json_fail(unit, r->msg, WEFT_EINVAL,
            "%.*s has no UCUM code: leave it out and give one in \"weft:units\"", (int)name.size,
            name.data);
    }
    return WEFT_OK;
}

/* "weft:units" against the semantic type and the unit. The declared unit comes first. */
static enum weft_err check_units(struct weft_model_reader *r, const struct weft_json *list,
    struct weft_unit_type quantity, const char *ucum, struct weft_text *units, uint32_t count)
{
    bool has_unit = ucum == NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct weft_unit_type type = weft_unit_type_of_ucum(units[i]);
        if (quantity.id != 0 && type.id != 0 && type.id != quantity.id) {
            return weft_json_fail(list, r->msg, WEFT_EINVAL,
                "conflicting units: %.*s is a %s, the semantic type takes a %s", (int)units[i].size,
                units[i].data, weft_unit_type_name(type), weft_unit_type_name(quantity));
        }
        if (!has_unit && weft_text_is(units[i], ucum)) {
            struct weft_text declared = units[i];
            memmove(units + 1, units, i * sizeof(*units));
            units[0] = declared;
            has_unit = true;
        }
    }
    if (!has_unit) {
        return weft_json_fail(list, r->msg, WEFT_EINVAL,
            "conflicting units: \"unit\" is %s, which is not in this list", ucum);
    }
    return WEFT_OK;
}

/* Every code of the type: a semantic type without a unit. */
static enum weft_err take_all_units(struct weft_model_reader *r, const struct weft_json *element,
    struct weft_unit_type quantity, struct weft_model_property *property)
{
    uint32_t count = 0;
    enum weft_err err;
    while (weft_unit_ucum_nth(quantity, count) != NULL) {
        count++;
    }
    if (count == 0) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL,
            "no unit of %s has a UCUM code: give one in \"weft:units\"",
            weft_unit_type_name(quantity));
    }
    struct weft_text *units = weft_element_alloc(r, element, count, sizeof(*units), &err);
    for (uint32_t i = 0; i < count && err == WEFT_OK; i++) {
        units[i] = weft_text_of(weft_unit_ucum_nth(quantity, i));
    }
    property->units = units;
    property->unit_count = err == WEFT_OK ? count : 0;
    return err;
}

static bool is_numeric(const struct weft_model_schema *schema)
{
    return schema->type == WEFT_MODEL_DOUBLE || schema->type == WEFT_MODEL_FLOAT ||
           schema->type == WEFT_MODEL_INTEGER || schema->type == WEFT_MODEL_LONG;
}

static enum weft_err read_units(struct weft_model_reader *r, const struct weft_json *element,
    struct weft_unit_type quantity, struct weft_model_property *property)
{
    const struct weft_json *list = weft_json_get(element, "weft:units");
    struct weft_text *units = NULL;
    const char *ucum;
    enum weft_err err = read_unit(r, element, quantity, &ucum);
    if (err == WEFT_OK) {
        err = weft_element_texts(r, element, "weft:units", WEFT_MODEL_UNITS_MAX, check_ucum, &units,
            &property->unit_count);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (list == NULL && quantity.id == 0) {
        return WEFT_OK;
    }
    if (!is_numeric(property->schema)) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL,
            "a quantity needs a schema of double, float, integer or long, not %s",
            weft_model_type_name(property->schema->type));
    }
    if (list != NULL) {
        property->units = units;
        return check_units(r, list, quantity, ucum, units, property->unit_count);
    }
    if (ucum == NULL) {
        return take_all_units(r, element, quantity, property);
    }
    struct weft_text *one = weft_element_alloc(r, element, 1, sizeof(*one), &err);
    if (err == WEFT_OK) {
        one[0] = weft_text_of(ucum);
        property->units = one;
        property->unit_count = 1;
    }
    return err;
}

/* --- properties ------------------------------------------------------------------------------ */

static const char *const property_members[] = {
    "name", "schema", "writable", "unit", "weft:required", "weft:units", NULL};
static const char *const field_members[] = {
    "name", "schema", "unit", "weft:required", "weft:units", NULL};
static const char *const value_members[] = {"name", "schema", "unit", "weft:units", NULL};

/* A Property, Field or MapValue. */
static enum weft_err read_valued(struct weft_model_reader *r, const struct weft_json *element,
    const char *class, const char *const *members, struct weft_model_property *ret_property)
{
    struct weft_model_property p = {.schema = NULL};
    struct weft_unit_type quantity;
    bool is_writable;
    enum weft_err err = weft_element_check(r, element, members);
    if (err == WEFT_OK) {
        err = weft_element_type(r, element, class, members != property_members, true, &quantity);
    }
    if (err == WEFT_OK) {
        err = weft_element_name(r, element, &p.name);
    }
    if (err == WEFT_OK) {
        err = weft_element_labels(r, element, &p.title, &p.description);
    }
    if (err == WEFT_OK) {
        err = weft_element_bool(r, element, "writable", &is_writable);
    }
    if (err == WEFT_OK) {
        err = weft_element_bool(r, element, "weft:required", &p.is_required);
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *schema = weft_json_get(element, "schema");
    if (schema == NULL) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL, "\"schema\" is missing");
    }
    err = read_schema(r, schema, &p.schema);
    if (err == WEFT_OK) {
        err = read_units(r, element, quantity, &p);
    }
    if (err == WEFT_OK) {
        *ret_property = p;
    }
    return err;
}

enum weft_err weft_schema_read_property(struct weft_model_reader *r,
    const struct weft_json *element, struct weft_model_property *ret_property)
{
    return read_valued(r, element, "Property", property_members, ret_property);
}

static int compare_names(const void *context, uint16_t a, uint16_t b)
{
    const struct weft_model_property *properties = context;
    return weft_text_compare(properties[a].name, properties[b].name);
}

enum weft_err weft_schema_sort(struct weft_model_reader *r, struct weft_model_property *properties,
    const struct weft_json **at, uint32_t count)
{
    uint16_t index[WEFT_MODEL_MEMBERS_MAX], rest[WEFT_MODEL_MEMBERS_MAX];
    if (count > WEFT_MODEL_MEMBERS_MAX) {
        return weft_json_fail(at[WEFT_MODEL_MEMBERS_MAX], r->msg, WEFT_ETOOBIG,
            "%u members, at most %d", count, WEFT_MODEL_MEMBERS_MAX);
    }
    weft_order_sort(index, rest, count, compare_names, properties);
    for (uint32_t i = 1; i < count; i++) {
        struct weft_text name = weft_element_shown(properties[index[i]].name);
        if (weft_text_equal(properties[index[i - 1]].name, properties[index[i]].name)) {
            return weft_json_fail(at[index[i]], r->msg, WEFT_EINVAL,
                "duplicate name '%.*s': also at line %u", (int)name.size, name.data,
                at[index[i - 1]]->line);
        }
    }
    /* Each cycle of the permutation once round: the place of the first is kept aside. */
    for (uint32_t i = 0; i < count; i++) {
        struct weft_model_property kept = properties[i];
        const struct weft_json *kept_at = at[i];
        uint32_t to = i;
        while (index[to] != to) {
            uint32_t from = index[to];
            index[to] = (uint16_t)to;
            properties[to] = from == i ? kept : properties[from];
            at[to] = from == i ? kept_at : at[from];
            to = from;
        }
    }
    return WEFT_OK;
}

/* `class` "Field" or "Property". */
static enum weft_err read_list(struct weft_model_reader *r, const struct weft_json *list,
    const char *class, const char *const *members, struct weft_model_object *ret_object)
{
    ret_object->properties = NULL;
    ret_object->count = 0;
    if (list == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_json_expect(list, WEFT_JSON_ARRAY, r->msg);
    if (err == WEFT_OK && list->count > WEFT_MODEL_MEMBERS_MAX) {
        err = weft_json_fail(list, r->msg, WEFT_ETOOBIG, "%u members, at most %d", list->count,
            WEFT_MODEL_MEMBERS_MAX);
    }
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_model_property *properties =
        weft_element_alloc(r, list, list->count, sizeof(*properties), &err);
    const struct weft_json **at = weft_arena_array(r->scratch, list->count, sizeof(*at));
    if (err == WEFT_OK && at == NULL) {
        err = weft_json_fail(list, r->msg, WEFT_ETOOBIG, "no memory for %u members", list->count);
    }
    if (err != WEFT_OK || at == NULL) {
        return err;
    }
    uint32_t n = 0;
    for (const struct weft_json *item = list->first; err == WEFT_OK && item != NULL;
         item = item->next, n++) {
        at[n] = item;
        err = read_valued(r, item, class, members, &properties[n]);
    }
    if (err == WEFT_OK) {
        err = weft_schema_sort(r, properties, at, n);
    }
    ret_object->properties = properties;
    ret_object->count = err == WEFT_OK ? n : 0;
    return err;
}

enum weft_err weft_schema_read_properties(
    struct weft_model_reader *r, const struct weft_json *list, struct weft_model_object *ret_object)
{
    return read_list(r, list, "Property", property_members, ret_object);
}

/* --- enumerations ---------------------------------------------------------------------------- */

static const char *const enum_members[] = {"valueSchema", "enumValues", NULL};
static const char *const enum_value_members[] = {"name", "enumValue", NULL};

static bool is_whole(struct weft_text literal)
{
    return memchr(literal.data, '.', literal.size) == NULL &&
           memchr(literal.data, 'e', literal.size) == NULL &&
           memchr(literal.data, 'E', literal.size) == NULL;
}

static enum weft_err read_enum_value(struct weft_model_reader *r, const struct weft_json *element,
    bool is_text, struct weft_text *ret_name, struct weft_text *ret_value)
{
    struct weft_unit_type none;
    enum weft_err err = weft_element_check(r, element, enum_value_members);
    if (err == WEFT_OK) {
        err = weft_element_type(r, element, "EnumValue", true, false, &none);
    }
    if (err == WEFT_OK) {
        err = weft_element_name(r, element, ret_name);
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *value = weft_json_get(element, "enumValue");
    if (value == NULL) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL, "\"enumValue\" is missing");
    }
    err = weft_json_expect(value, is_text ? WEFT_JSON_STRING : WEFT_JSON_NUMBER, r->msg);
    if (err == WEFT_OK && !is_text && (!is_whole(value->text) || value->text.size > 11)) {
        err = weft_json_fail(
            value, r->msg, WEFT_EINVAL, "a whole number of 4 bytes was expected (valueSchema)");
    }
    return err == WEFT_OK ? weft_element_copy(r, value, value->text, ret_value) : err;
}

static int compare_texts(const void *context, uint16_t a, uint16_t b)
{
    const struct weft_text *texts = context;
    return weft_text_compare(texts[a], texts[b]);
}

/* Neighbours of the sorted `texts` that are equal. */
static enum weft_err refuse_twins(struct weft_model_reader *r, const struct weft_json *list,
    const struct weft_text *texts, const uint16_t *sorted, uint32_t count, const char *what)
{
    for (uint32_t i = 1; i < count; i++) {
        struct weft_text text = weft_element_shown(texts[sorted[i]]);
        if (weft_text_equal(texts[sorted[i - 1]], texts[sorted[i]])) {
            return weft_json_fail(
                list, r->msg, WEFT_EINVAL, "duplicate %s '%.*s'", what, (int)text.size, text.data);
        }
    }
    return WEFT_OK;
}

static enum weft_err read_enum_values(
    struct weft_model_reader *r, const struct weft_json *list, struct weft_model_schema *schema)
{
    enum weft_err err = weft_json_expect(list, WEFT_JSON_ARRAY, r->msg);
    uint32_t count = list->count;
    if (err == WEFT_OK && (count == 0 || count > UINT16_MAX)) {
        err = weft_json_fail(list, r->msg, WEFT_EINVAL, "an Enum has 1 to 65535 values");
    }
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text *values = weft_element_alloc(r, list, count, sizeof(*values), &err);
    uint16_t *sorted = NULL;
    if (err == WEFT_OK) {
        sorted = weft_element_alloc(r, list, count, sizeof(*sorted), &err);
    }
    struct weft_text *names = weft_arena_array(r->scratch, count, sizeof(*names));
    uint16_t *rest = weft_arena_array(r->scratch, count, sizeof(*rest));
    if (err == WEFT_OK && (names == NULL || rest == NULL)) {
        err = weft_json_fail(list, r->msg, WEFT_ETOOBIG, "no memory for %u values", count);
    }
    uint32_t n = 0;
    for (const struct weft_json *item = list->first; err == WEFT_OK && item != NULL;
         item = item->next, n++) {
        err = read_enum_value(r, item, schema->is_text, &names[n], &values[n]);
    }
    if (err == WEFT_OK) {
        weft_order_sort(sorted, rest, count, compare_texts, names);
        err = refuse_twins(r, list, names, sorted, count, "name");
    }
    if (err == WEFT_OK) {
        weft_order_sort(sorted, rest, count, compare_texts, values);
        err = refuse_twins(r, list, values, sorted, count, "enumValue");
    }
    schema->values = values;
    schema->sorted = sorted;
    schema->value_count = err == WEFT_OK ? count : 0;
    return err;
}

static enum weft_err read_enum(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_model_schema *schema)
{
    enum weft_err err = weft_element_check(r, element, enum_members);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *value_schema = weft_json_get(element, "valueSchema");
    const struct weft_json *list = weft_json_get(element, "enumValues");
    if (value_schema == NULL || list == NULL) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL,
            "an Enum has \"valueSchema\" and at least one of \"enumValues\"");
    }
    err = weft_json_expect(value_schema, WEFT_JSON_STRING, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    schema->is_text = weft_text_is(value_schema->text, "string");
    if (!schema->is_text && !weft_text_is(value_schema->text, "integer")) {
        return weft_json_fail(
            value_schema, r->msg, WEFT_EINVAL, "\"string\" or \"integer\" was expected");
    }
    return read_enum_values(r, list, schema);
}

/* --- other complex schemas ------------------------------------------------------------------- */

static const char *const object_members[] = {"fields", "weft:closed", NULL};
static const char *const map_members[] = {"mapKey", "mapValue", NULL};
static const char *const map_key_members[] = {"name", "schema", NULL};
static const char *const array_members[] = {"elementSchema", NULL};

static enum weft_err read_object(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_model_schema *schema)
{
    enum weft_err err = weft_element_check(r, element, object_members);
    if (err == WEFT_OK) {
        err = weft_element_bool(r, element, "weft:closed", &schema->object.is_closed);
    }
    if (err == WEFT_OK) {
        err =
            read_list(r, weft_json_get(element, "fields"), "Field", field_members, &schema->object);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < schema->object.count; i++) {
        uint32_t depth = schema->object.properties[i].schema->depth;
        schema->depth = depth > schema->depth ? depth : schema->depth;
    }
    return err;
}

static enum weft_err read_map(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_model_schema *schema)
{
    struct weft_unit_type none;
    struct weft_text name;
    enum weft_err err = weft_element_check(r, element, map_members);
    const struct weft_json *key = weft_json_get(element, "mapKey");
    const struct weft_json *value = weft_json_get(element, "mapValue");
    if (err == WEFT_OK && (key == NULL || value == NULL)) {
        err = weft_json_fail(element, r->msg, WEFT_EINVAL, "a Map has \"mapKey\" and \"mapValue\"");
    }
    if (err == WEFT_OK) {
        err = weft_element_check(r, key, map_key_members);
    }
    if (err == WEFT_OK) {
        err = weft_element_type(r, key, "MapKey", true, false, &none);
    }
    if (err == WEFT_OK) {
        err = weft_element_name(r, key, &name);
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *key_schema = weft_json_get(key, "schema");
    if (key_schema == NULL || !weft_text_is(key_schema->text, "string")) {
        return weft_json_fail(key_schema != NULL ? key_schema : key, r->msg, WEFT_EINVAL,
            "the schema of a mapKey is \"string\"");
    }
    struct weft_model_property *property = weft_element_alloc(r, value, 1, sizeof(*property), &err);
    if (err == WEFT_OK) {
        err = read_valued(r, value, "MapValue", value_members, property);
    }
    schema->element = property;
    schema->depth = err == WEFT_OK ? property->schema->depth : 0;
    return err;
}

static enum weft_err read_array(
    struct weft_model_reader *r, const struct weft_json *element, struct weft_model_schema *schema)
{
    enum weft_err err = weft_element_check(r, element, array_members);
    const struct weft_json *of = weft_json_get(element, "elementSchema");
    if (err != WEFT_OK) {
        return err;
    }
    if (of == NULL) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL, "\"elementSchema\" is missing");
    }
    struct weft_model_property *property =
        weft_element_alloc(r, element, 1, sizeof(*property), &err);
    if (err == WEFT_OK) {
        err = read_schema(r, of, &property->schema);
    }
    schema->element = property;
    schema->depth = err == WEFT_OK ? property->schema->depth : 0;
    return err;
}

static enum weft_err refuse_depth(struct weft_model_reader *r, const struct weft_json *element)
{
    return weft_json_fail(element, r->msg, WEFT_ETOOBIG,
        "complex schemas nested deeper than %d (DTDL v3)", WEFT_MODEL_SCHEMA_DEPTH_MAX);
}

/* The depth is held on the way in, which bounds the recursion, and on the way out, where schemas
 * that were read before count too. */
static enum weft_err read_complex(struct weft_model_reader *r, const struct weft_json *element,
    const struct weft_model_schema **ret_schema)
{
    static const struct {
        const char *class;
        enum weft_model_type type;
        enum weft_err (*read)(struct weft_model_reader *r, const struct weft_json *element,
            struct weft_model_schema *schema);
    } classes[] = {{"Enum", WEFT_MODEL_ENUM, read_enum}, {"Object", WEFT_MODEL_OBJECT, read_object},
        {"Map", WEFT_MODEL_MAP, read_map}, {"Array", WEFT_MODEL_ARRAY, read_array}};
    size_t n = 0;
    while (n < 4 && !weft_element_is(element, classes[n].class)) {
        n++;
    }
    if (n == 4) {
        return weft_json_fail(element, r->msg, WEFT_EINVAL,
            "\"@type\": \"Enum\", \"Object\", \"Map\" or \"Array\" was expected here");
    }
    if (r->depth == WEFT_MODEL_SCHEMA_DEPTH_MAX) {
        return refuse_depth(r, element);
    }
    struct weft_unit_type none;
    enum weft_err err = weft_element_type(r, element, classes[n].class, false, false, &none);
    struct weft_model_schema *schema = NULL;
    if (err == WEFT_OK) {
        schema = weft_element_alloc(r, element, 1, sizeof(*schema), &err);
    }
    if (err == WEFT_OK) {
        schema->type = classes[n].type;
        r->depth++;
        err = classes[n].read(r, element, schema);
        r->depth--;
    }
    if (err == WEFT_OK && ++schema->depth > WEFT_MODEL_SCHEMA_DEPTH_MAX) {
        err = refuse_depth(r, element);
    }
    *ret_schema = schema;
    return err;
}

/* --- schemas by name ------------------------------------------------------------------------- */

static const struct weft_model_schema primitives[] = {{.type = WEFT_MODEL_BOOLEAN},
    {.type = WEFT_MODEL_DATE}, {.type = WEFT_MODEL_DATE_TIME}, {.type = WEFT_MODEL_DOUBLE},
    {.type = WEFT_MODEL_DURATION}, {.type = WEFT_MODEL_FLOAT}, {.type = WEFT_MODEL_INTEGER},
    {.type = WEFT_MODEL_LONG}, {.type = WEFT_MODEL_STRING}, {.type = WEFT_MODEL_TIME}};

static enum weft_err read_one_named(
    struct weft_model_reader *r, struct weft_model_named *named, const struct weft_json *at)
{
    if (named->schema != NULL) {
        return WEFT_OK;
    }
    if (named->is_open) {
        return weft_json_fail(at, r->msg, WEFT_EINVAL,
            "the schemas form a cycle: a value would have no end; take this reference away");
    }
    named->is_open = true;
    return read_complex(r, named->at, &named->schema);
}

static enum weft_err refuse_name(struct weft_model_reader *r, const struct weft_json *value)
{
    static const char *const geospatial[] = {
        "lineString", "multiLineString", "multiPoint", "multiPolygon", "point", "polygon"};
    struct weft_text name = weft_element_shown(value->text);
    for (size_t i = 0; i < sizeof(geospatial) / sizeof(geospatial[0]); i++) {
        if (weft_text_is(value->text, geospatial[i])) {
            return weft_json_fail(value, r->msg, WEFT_EINVAL,
                "geospatial schemas are not in the subset: use an Object of doubles");
        }
    }
    return weft_json_fail(value, r->msg, WEFT_EINVAL,
        "unknown schema '%.*s': a primitive one, or the @id of one in this interface's "
        "\"schemas\"",
        (int)name.size, name.data);
}

static enum weft_err read_schema(struct weft_model_reader *r, const struct weft_json *value,
    const struct weft_model_schema **ret_schema)
{
    if (value->type == WEFT_JSON_OBJECT) {
        return read_complex(r, value, ret_schema);
    }
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (size_t i = 0; i < sizeof(primitives) / sizeof(primitives[0]); i++) {
        if (weft_text_is(value->text, weft_model_type_name(primitives[i].type))) {
            *ret_schema = &primitives[i];
            return WEFT_OK;
        }
    }
    for (uint32_t i = 0; i < r->named_count; i++) {
        if (weft_text_equal(r->named[i].id, value->text)) {
            err = read_one_named(r, &r->named[i], value);
            *ret_schema = r->named[i].schema;
            return err;
        }
    }
    return refuse_name(r, value);
}

enum weft_err weft_schema_open_named(struct weft_model_reader *r, const struct weft_json *interface)
{
    const struct weft_json *list = weft_json_get(interface, "schemas");
    r->named = NULL;
    r->named_count = 0;
    if (list == NULL) {
        return WEFT_OK;
    }
    bool is_array = list->type == WEFT_JSON_ARRAY;
    uint32_t count = is_array ? list->count : 1;
    if (count > WEFT_MODEL_INTERFACES_MAX) {
        return weft_json_fail(
            list, r->msg, WEFT_ETOOBIG, "%u schemas, at most %d", count, WEFT_MODEL_INTERFACES_MAX);
    }
    r->named = weft_arena_array(r->scratch, count, sizeof(*r->named));
    if (r->named == NULL) {
        return weft_json_fail(list, r->msg, WEFT_ETOOBIG, "no memory for %u schemas", count);
    }
    for (const struct weft_json *item = is_array ? list->first : list; r->named_count < count;
         item = item->next) {
        const struct weft_json *id = weft_json_get(item, "@id");
        if (id == NULL || id->type != WEFT_JSON_STRING) {
            return weft_json_fail(item, r->msg, WEFT_EINVAL,
                "each of \"schemas\" is an object with an \"@id\" to name it by");
        }
        for (uint32_t i = 0; i < r->named_count; i++) {
            if (weft_text_equal(r->named[i].id, id->text)) {
                return weft_json_fail(id, r->msg, WEFT_EINVAL, "two schemas have this @id");
            }
        }
        r->named[r->named_count++] = (struct weft_model_named){.at = item, .id = id->text};
    }
    return WEFT_OK;
}

enum weft_err weft_schema_read_named(struct weft_model_reader *r)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < r->named_count && err == WEFT_OK; i++) {
        err = read_one_named(r, &r->named[i], r->named[i].at);
    }
    return err;
}
