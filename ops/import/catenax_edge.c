/* Ids, fields and links of a Catena-X twin. */
#include "ops/import/catenax_twin.h"
#include "proto/limits.h"
#include "proto/record_json.h"

enum {
    UUID_SIZE = 36,
    LINKS_FIRST = 16,
};

/* --- ids ------------------------------------------------------------------------------------- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* 8-4-4-4-12 hexadecimal digits (RFC 9562, 4). */
static bool is_uuid(struct weft_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = lower(text.data[i]);
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (is_dash ? c != '-' : !is_hex) {
            return false;
        }
    }
    return text.size == UUID_SIZE;
}

enum weft_err weft_catenax_id(const struct weft_json *value, struct weft_arena *arena,
    struct weft_text *ret_id, struct weft_msg *msg)
{
    static const char head[] = "urn:uuid:";
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text id = value->text;
    bool has_head = id.size >= sizeof(head) - 1;
    for (size_t i = 0; has_head && i < sizeof(head) - 1; i++) {
        has_head = lower(id.data[i]) == head[i];
    }
    if (has_head) {
        id = (struct weft_text){id.data + sizeof(head) - 1, id.size - (sizeof(head) - 1)};
    }
    if (!is_uuid(id)) {
        *ret_id = value->text;
        return weft_asset_is_valid(value->text)
                   ? WEFT_OK
                   : weft_json_fail(value, msg, WEFT_EINVAL, "cannot be the id of a twin");
    }
    char *text = weft_arena_alloc(arena, sizeof(head) + UUID_SIZE);
    if (text == NULL) {
        return weft_json_fail(value, msg, WEFT_ENOMEM, "out of memory");
    }
    memcpy(text, head, sizeof(head) - 1);
    for (size_t i = 0; i < UUID_SIZE; i++) {
        text[sizeof(head) - 1 + i] = lower(id.data[i]);
    }
    *ret_id = (struct weft_text){text, sizeof(head) - 1 + UUID_SIZE};
    return WEFT_OK;
}

/* --- fields ---------------------------------------------------------------------------------- */

enum weft_err weft_catenax_text(struct weft_catenax_draft *d, const struct weft_json *at,
    const char *path, struct weft_text text)
{
    if (text.size == 0) {
        return WEFT_OK;
    }
    const struct weft_field field = {weft_text_of(path), text, WEFT_VALUE_TEXT};
    enum weft_err err = weft_field_add(d->arena, &d->fields, &d->field_count, field);
    return err == WEFT_OK ? WEFT_OK : weft_json_fail(at, d->msg, err, "too many attributes");
}

enum weft_err weft_catenax_keep(
    struct weft_catenax_draft *d, const struct weft_json *member, const char *name)
{
    struct weft_text path;
    struct weft_text segment = name != NULL ? weft_text_of(name) : member->key;
    enum weft_err err = weft_path_add(d->arena, (struct weft_text){NULL, 0}, segment, &path);
    if (err != WEFT_OK) {
        return weft_json_fail(
            member, d->msg, err, "its name is empty or over %d bytes", WEFT_PATH_SIZE_MAX);
    }
    return weft_fields_from_json(member, path, d->arena, &d->fields, &d->field_count, d->msg);
}

/* --- links ----------------------------------------------------------------------------------- */

enum weft_err weft_catenax_link(struct weft_catenax_draft *d, const struct weft_json *at,
    const char *rel, struct weft_text to, struct weft_field *fields, uint32_t field_count)
{
    if (d->link_count == WEFT_RECORD_LINKS_MAX) {
        return weft_json_fail(
            at, d->msg, WEFT_ETOOBIG, "more than %d edges of one twin", WEFT_RECORD_LINKS_MAX);
    }
    if (d->link_count == d->link_capacity) {
        uint32_t capacity = d->link_capacity == 0 ? LINKS_FIRST : d->link_capacity * 2;
        struct weft_link *links = weft_arena_array(d->arena, capacity, sizeof(*links));
        if (links == NULL) {
            return weft_json_fail(at, d->msg, WEFT_ENOMEM, "out of memory for links");
        }
        if (d->link_count > 0) {
            memcpy(links, d->links, d->link_count * sizeof(*links));
        }
        d->links = links;
        d->link_capacity = capacity;
    }
    d->links[d->link_count++] = (struct weft_link){
        .rel = weft_text_of(rel), .to = to, .fields = fields, .field_count = field_count};
    return WEFT_OK;
}

/* UCUM for the units of the Catena-X catalogue that it has a word for; others as they are. */
static struct weft_text unit_of(struct weft_text unit)
{
    static const struct {
        const char *theirs, *ucum;
    } units[] = {{"unit:piece", "{piece}"}, {"unit:kilogram", "kg"}, {"unit:gram", "g"},
        {"unit:milligram", "mg"}, {"unit:tonneMetricTon", "t"}, {"unit:litre", "L"},
        {"unit:millilitre", "mL"}, {"unit:metre", "m"}, {"unit:millimetre", "mm"},
        {"unit:squareMetre", "m2"}, {"unit:cubicMetre", "m3"}, {"unit:secondUnitOfTime", "s"},
        {"unit:hourUnitOfTime", "h"}, {"unit:kilowattHour", "kW.h"}};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (weft_text_is(unit, units[i].theirs)) {
            return weft_text_of(units[i].ucum);
        }
    }
    return unit;
}

/* {"value": 2.5, "unit": "unit:litre"}, or in the older spelling {"quantityNumber": "0.19",
 * "measurementUnit": "unit:kilogram" or {"lexicalValue": "unit:kilogram"}}. */
static enum weft_err add_quantity(struct weft_catenax_draft *d, const struct weft_json *quantity)
{
    enum weft_err err = weft_json_expect(quantity, WEFT_JSON_OBJECT, d->msg);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *number = weft_json_get(quantity, "value");
    const struct weft_json *unit = weft_json_get(quantity, "unit");
    number = number != NULL ? number : weft_json_get(quantity, "quantityNumber");
    unit = unit != NULL ? unit : weft_json_get(quantity, "measurementUnit");
    const struct weft_json *lexical = weft_json_get(unit, "lexicalValue");
    unit = lexical != NULL ? lexical : unit;
    bool is_number = number != NULL &&
                     (number->type == WEFT_JSON_NUMBER || number->type == WEFT_JSON_STRING) &&
                     weft_record_is_number(number->text);
    if (!is_number) {
        return weft_json_fail(
            number != NULL ? number : quantity, d->msg, WEFT_EINVAL, "has no number as quantity");
    }
    struct weft_json literal = *number; /* A number that was given as a text is one all the same. */
    literal.type = WEFT_JSON_NUMBER;
    err = weft_catenax_keep(d, &literal, "quantity");
    if (err == WEFT_OK && unit != NULL) {
        err = weft_json_expect(unit, WEFT_JSON_STRING, d->msg);
    }
    return err == WEFT_OK && unit != NULL ? weft_catenax_text(d, unit, "unit", unit_of(unit->text))
                                          : err;
}

static bool is_id(struct weft_text key)
{
    return weft_text_is(key, "catenaXId") || weft_text_is(key, "childCatenaXId") ||
           weft_text_is(key, "parentCatenaXId");
}

/* A parent that is only possible, or an edge of another phase than it was built in, says nothing
 * about what is in what. */
static bool is_statement(const struct weft_json *edge)
{
    const struct weft_json *possible = weft_json_get(edge, "isOnlyPotentialParent");
    const struct weft_json *phase = weft_json_get(edge, "lifecycleContext");
    bool is_possible = possible != NULL && possible->type == WEFT_JSON_BOOL && possible->boolean;
    bool is_built = phase == NULL || phase->type != WEFT_JSON_STRING ||
                    weft_text_is(phase->text, "AsBuilt") || weft_text_is(phase->text, "asBuilt");
    return is_built && !is_possible;
}

static enum weft_err add_edge(struct weft_catenax_draft *d, const struct weft_json *edge,
    const char *rel, const struct weft_json *owner)
{
    struct weft_catenax_draft attributes = {.arena = d->arena, .msg = d->msg};
    const struct weft_json *id = NULL;
    enum weft_err err = weft_json_expect(edge, WEFT_JSON_OBJECT, d->msg);
    if (err == WEFT_OK && owner != NULL) {
        err = weft_catenax_keep(&attributes, owner, "businessPartner");
    }
    for (const struct weft_json *v = edge->first; v != NULL && err == WEFT_OK; v = v->next) {
        if (is_id(v->key)) {
            id = v;
        } else if (weft_text_is(v->key, "quantity")) {
            err = add_quantity(&attributes, v);
        } else {
            err = weft_catenax_keep(&attributes, v, NULL);
        }
    }
    if (err == WEFT_OK && id == NULL) {
        return weft_json_fail(edge, d->msg, WEFT_EINVAL, "has no catenaXId");
    }
    struct weft_text to;
    if (err == WEFT_OK) {
        err = weft_catenax_id(id, d->arena, &to, d->msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    return weft_catenax_link(
        d, edge, is_statement(edge) ? rel : "about", to, attributes.fields, attributes.field_count);
}

enum weft_err weft_catenax_edges(struct weft_catenax_draft *d, const struct weft_json *list,
    const char *rel, const struct weft_json *owner)
{
    enum weft_err err = weft_json_expect(list, WEFT_JSON_ARRAY, d->msg);
    for (const struct weft_json *v = list->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = add_edge(d, v, rel, owner);
    }
    return err;
}
