#include "ops/import/epcis_event.h"

#include "proto/limits.h"
#include "proto/record_json.h"

enum {
    OBJECT = 1,
    AGGREGATION = 2,
    TRANSACTION = 4,
    TRANSFORMATION = 8,
    ASSOCIATION = 16,
    ALL = 31,
};

enum {
    LINKS_CAPACITY_FIRST = 8
};

static const struct {
    const char *name;
    const char *kind;
    unsigned type;
} event_types[] = {
    {"ObjectEvent", "epcis.object", OBJECT},
    {"AggregationEvent", "epcis.aggregation", AGGREGATION},
    {"TransactionEvent", "epcis.transaction", TRANSACTION},
    {"TransformationEvent", "epcis.transformation", TRANSFORMATION},
    {"AssociationEvent", "epcis.association", ASSOCIATION},
};

/* --- checks ---------------------------------------------------------------------------------- */

static enum weft_err missing(
    const struct weft_epcis_mapping *m, const struct weft_json *object, const char *member)
{
    (void)weft_fail(m->msg, WEFT_EINVAL, "is missing");
    return weft_json_place(object, member, m->msg, WEFT_EINVAL);
}

static enum weft_err unknown(const struct weft_epcis_mapping *m, const struct weft_json *member)
{
    return weft_json_fail(member, m->msg, WEFT_EINVAL,
        "unknown member (one of the user's has a prefix, as in example:name)");
}

static bool is_one_of(struct weft_text name, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (weft_text_is(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* --- fields and links ------------------------------------------------------------------------ */

enum weft_err weft_epcis_keep(struct weft_epcis_mapping *m, const struct weft_json *member)
{
    struct weft_text path;
    enum weft_err err = weft_path_add(m->arena, (struct weft_text){NULL, 0}, member->key, &path);
    if (err != WEFT_OK) {
        return weft_json_fail(member, m->msg, err, "name is over %d bytes", WEFT_PATH_SIZE_MAX);
    }
    return weft_fields_from_json(member, path, m->arena, &m->fields, &m->field_count, m->msg);
}

static enum weft_err grow_links(struct weft_epcis_mapping *m)
{
    uint32_t capacity = m->link_capacity == 0 ? LINKS_CAPACITY_FIRST : m->link_capacity * 2;
    struct weft_link *links = weft_arena_array(m->arena, capacity, sizeof(*links));
    const struct weft_json **sources = weft_arena_array(m->arena, capacity, sizeof(*sources));
    if (links == NULL || sources == NULL) {
        return WEFT_ENOMEM;
    }
    if (m->link_count > 0) {
        memcpy(links, m->links, m->link_count * sizeof(*links));
        memcpy(sources, m->link_sources, m->link_count * sizeof(*sources));
    }
    m->links = links;
    m->link_sources = sources;
    m->link_capacity = capacity;
    return WEFT_OK;
}

enum weft_err weft_epcis_add_link(struct weft_epcis_mapping *m, const char *rel, const char *role,
    const struct weft_json *to, struct weft_field *fields, uint32_t field_count)
{
    enum weft_err err = WEFT_OK;
    if (m->link_count == WEFT_RECORD_LINKS_MAX) {
        return weft_json_fail(to, m->msg, WEFT_ETOOBIG,
            "more than %d things in one event: split it", WEFT_RECORD_LINKS_MAX);
    }
    if (role != NULL) {
        struct weft_field field = {WEFT_TEXT("role"), weft_text_of(role), WEFT_VALUE_TEXT};
        err = weft_field_add(m->arena, &fields, &field_count, field);
    }
    if (err == WEFT_OK && m->link_count == m->link_capacity) {
        err = grow_links(m);
    }
    if (err != WEFT_OK) {
        return weft_json_fail(to, m->msg, err, "out of memory for links");
    }
    m->link_sources[m->link_count] = to;
    m->links[m->link_count++] = (struct weft_link){
        .rel = weft_text_of(rel), .to = to->text, .fields = fields, .field_count = field_count};
    return WEFT_OK;
}

/* A link to an EPC or class. An error declaration states nothing about what is inside what: it
 * is about the things, and their part in the event is told beside it. */
static enum weft_err add_thing(struct weft_epcis_mapping *m, const char *rel, const char *role,
    const struct weft_json *to, struct weft_field *fields, uint32_t field_count)
{
    enum weft_err err = weft_epcis_check_uri(to, m->msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (m->is_error && strcmp(rel, "about") != 0) {
        role = rel;
        rel = "about";
    }
    return weft_epcis_add_link(m, rel, role, to, fields, field_count);
}

/* What an object says besides its id: the members named in `allowed`, and extensions. */
static enum weft_err attributes_of(struct weft_epcis_mapping *m, const struct weft_json *object,
    const char *id, const char *const *allowed, struct weft_field **ret_fields, uint32_t *ret_count)
{
    for (const struct weft_json *v = object->first; v != NULL; v = v->next) {
        struct weft_text path;
        if (weft_text_is(v->key, id)) {
            continue;
        }
        if (!is_one_of(v->key, allowed) && !weft_epcis_is_extension(v->key)) {
            return unknown(m, v);
        }
        enum weft_err err = weft_path_add(m->arena, (struct weft_text){NULL, 0}, v->key, &path);
        if (err != WEFT_OK) {
            return weft_json_fail(v, m->msg, err, "name is over %d bytes", WEFT_PATH_SIZE_MAX);
        }
        err = weft_fields_from_json(v, path, m->arena, ret_fields, ret_count, m->msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    return WEFT_OK;
}

/* {"<id>": URI, ...}: the URI, which must be there. */
static enum weft_err id_of(struct weft_epcis_mapping *m, const struct weft_json *object,
    const char *id, const struct weft_json **ret_to)
{
    enum weft_err err = weft_json_expect(object, WEFT_JSON_OBJECT, m->msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_to = weft_json_get(object, id);
    return *ret_to != NULL ? weft_epcis_check_uri(*ret_to, m->msg) : missing(m, object, id);
}

/* --- members --------------------------------------------------------------------------------- */

static enum weft_err read_nothing(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    (void)m, (void)value; /* "type" is the kind; "@context" is in the identity. */
    return WEFT_OK;
}

static enum weft_err read_event_time(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_epcis_check_time(value, &m->at_ns, m->msg);
    return err == WEFT_OK ? weft_epcis_keep(m, value) : err;
}

static enum weft_err read_time(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    int64_t ns;
    enum weft_err err = weft_epcis_check_time(value, &ns, m->msg);
    return err == WEFT_OK ? weft_epcis_keep(m, value) : err;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "+hh:mm" up to 14:00, as the schema has it. */
static enum weft_err read_offset(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, m->msg);
    if (err != WEFT_OK) {
        return err;
    }
    const char *p = value->text.data;
    bool is_good = value->text.size == 6 && (p[0] == '+' || p[0] == '-') && is_digit(p[1]) &&
                   is_digit(p[2]) && p[3] == ':' && is_digit(p[4]) && is_digit(p[5]) && p[4] <= '5';
    int hours = is_good ? (p[1] - '0') * 10 + (p[2] - '0') : 99;
    if (hours > 14 || (hours == 14 && (p[4] != '0' || p[5] != '0'))) {
        return weft_json_fail(value, m->msg, WEFT_EINVAL, "must be an offset like +01:00");
    }
    return weft_epcis_keep(m, value);
}

static enum weft_err link_event_id(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_epcis_check_uri(value, m->msg);
    return err == WEFT_OK ? weft_epcis_add_link(m, "event", NULL, value, NULL, 0) : err;
}

/* The last eventID is the event's, as JSON parsers have it; every one is a way to ask for it. */
static enum weft_err read_event_id(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    const struct weft_json *last = value;
    enum weft_err err = link_event_id(m, value);
    for (const struct weft_json *v = value->next; v != NULL && err == WEFT_OK; v = v->next) {
        if (weft_text_equal(v->key, value->key)) {
            err = link_event_id(m, v);
            last = v;
        }
    }
    m->event_id = last->text;
    return err == WEFT_OK ? weft_epcis_keep(m, last) : err;
}

static enum weft_err read_action(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    static const char *const actions[] = {"ADD", "OBSERVE", "DELETE", NULL};
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, m->msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!is_one_of(value->text, actions)) {
        return weft_json_fail(value, m->msg, WEFT_EINVAL, "must be ADD, OBSERVE or DELETE");
    }
    m->is_delete = weft_text_is(value->text, "DELETE");
    return weft_epcis_keep(m, value);
}

static enum weft_err read_text(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, m->msg);
    return err == WEFT_OK ? weft_epcis_keep(m, value) : err;
}

static enum weft_err read_certification(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = WEFT_OK;
    if (value->type != WEFT_JSON_ARRAY) {
        err = weft_epcis_check_uri(value, m->msg);
    }
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = weft_epcis_check_uri(v, m->msg);
    }
    return err == WEFT_OK ? weft_epcis_keep(m, value) : err;
}

static enum weft_err read_correctives(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_ARRAY, m->msg);
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = weft_epcis_check_uri(v, m->msg);
        if (err == WEFT_OK) {
            err = weft_epcis_add_link(m, "corrected_by", NULL, v, NULL, 0);
        }
    }
    return err;
}

static enum weft_err read_error(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_OBJECT, m->msg);
    int64_t ns;
    if (err == WEFT_OK && weft_json_get(value, "declarationTime") == NULL) {
        return missing(m, value, "declarationTime");
    }
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        if (weft_text_is(v->key, "declarationTime")) {
            err = weft_epcis_check_time(v, &ns, m->msg);
        } else if (weft_text_is(v->key, "reason")) {
            err = weft_json_expect(v, WEFT_JSON_STRING, m->msg);
        } else if (weft_text_is(v->key, "correctiveEventIDs")) {
            err = read_correctives(m, v);
        } else if (!weft_epcis_is_extension(v->key)) {
            err = unknown(m, v);
        }
    }
    return err == WEFT_OK ? weft_epcis_keep(m, value) : err;
}

static enum weft_err read_persistent(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_OBJECT, m->msg);
    if (err == WEFT_OK && value->count == 0) {
        return weft_json_fail(value, m->msg, WEFT_EINVAL, "must have set or unset");
    }
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        if (!weft_text_is(v->key, "set") && !weft_text_is(v->key, "unset")) {
            return unknown(m, v);
        }
        err = weft_json_expect(v, WEFT_JSON_ARRAY, m->msg);
        for (const struct weft_json *d = v->first; d != NULL && err == WEFT_OK; d = d->next) {
            err = weft_json_expect(d, WEFT_JSON_STRING, m->msg);
        }
    }
    return err == WEFT_OK ? weft_epcis_keep(m, value) : err;
}

static enum weft_err read_location(
    struct weft_epcis_mapping *m, const struct weft_json *value, const char *rel)
{
    static const char *const allowed[] = {NULL};
    const struct weft_json *to = NULL;
    struct weft_field *fields = NULL;
    uint32_t count = 0;
    enum weft_err err = id_of(m, value, "id", &to);
    if (err == WEFT_OK) {
        err = attributes_of(m, value, "id", allowed, &fields, &count);
    }
    return err == WEFT_OK ? weft_epcis_add_link(m, rel, NULL, to, fields, count) : err;
}

static enum weft_err read_read_point(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_location(m, value, "read_point");
}

static enum weft_err read_biz_location(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_location(m, value, "biz_location");
}

/* A list of {"type": ..., "<id>": URI}. */
static enum weft_err read_typed_list(struct weft_epcis_mapping *m, const struct weft_json *value,
    const char *rel, const char *id, bool needs_type)
{
    static const char *const allowed[] = {"type", NULL};
    enum weft_err err = weft_json_expect(value, WEFT_JSON_ARRAY, m->msg);
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        const struct weft_json *to = NULL;
        struct weft_field *fields = NULL;
        uint32_t count = 0;
        err = id_of(m, v, id, &to);
        const struct weft_json *type = weft_json_get(v, "type");
        if (err == WEFT_OK && type != NULL) {
            err = weft_json_expect(type, WEFT_JSON_STRING, m->msg);
        } else if (err == WEFT_OK && needs_type) {
            err = missing(m, v, "type");
        }
        if (err == WEFT_OK) {
            err = attributes_of(m, v, id, allowed, &fields, &count);
        }
        if (err == WEFT_OK) {
            err = weft_epcis_add_link(m, rel, NULL, to, fields, count);
        }
    }
    return err;
}

static enum weft_err read_transactions(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_typed_list(m, value, "transaction", "bizTransaction", false);
}

static enum weft_err read_sources(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_typed_list(m, value, "source", "source", true);
}

static enum weft_err read_destinations(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_typed_list(m, value, "destination", "destination", true);
}

static enum weft_err read_ilmd(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_OBJECT, m->msg);
    return err == WEFT_OK ? weft_epcis_keep(m, value) : err;
}

/* --- the things an event is about ------------------------------------------------------------ */

static enum weft_err read_things(
    struct weft_epcis_mapping *m, const struct weft_json *value, const char *rel)
{
    enum weft_err err = weft_json_expect(value, WEFT_JSON_ARRAY, m->msg);
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = add_thing(m, rel, NULL, v, NULL, 0);
    }
    return err;
}

static enum weft_err check_quantity(struct weft_epcis_mapping *m, const struct weft_json *element)
{
    const struct weft_json *quantity = weft_json_get(element, "quantity");
    const struct weft_json *unit = weft_json_get(element, "uom");
    enum weft_err err =
        quantity != NULL ? weft_json_expect(quantity, WEFT_JSON_NUMBER, m->msg) : WEFT_OK;
    if (err == WEFT_OK && unit != NULL) {
        err = weft_json_expect(unit, WEFT_JSON_STRING, m->msg);
    }
    if (err == WEFT_OK && unit != NULL && quantity == NULL) {
        err = missing(m, element, "quantity");
    }
    return err;
}

/* A list of {"epcClass": URI, "quantity": 10, "uom": "KGM"}. */
static enum weft_err read_quantities(
    struct weft_epcis_mapping *m, const struct weft_json *value, const char *rel)
{
    static const char *const allowed[] = {"quantity", "uom", NULL};
    enum weft_err err = weft_json_expect(value, WEFT_JSON_ARRAY, m->msg);
    for (const struct weft_json *v = value->first; v != NULL && err == WEFT_OK; v = v->next) {
        const struct weft_json *to = NULL;
        struct weft_field *fields = NULL;
        uint32_t count = 0;
        err = id_of(m, v, "epcClass", &to);
        if (err == WEFT_OK) {
            err = check_quantity(m, v);
        }
        if (err == WEFT_OK) {
            err = attributes_of(m, v, "epcClass", allowed, &fields, &count);
        }
        if (err == WEFT_OK) {
            err = add_thing(m, rel, NULL, to, fields, count);
        }
    }
    return err;
}

static enum weft_err read_epcs(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_things(m, value, "about");
}

static enum weft_err read_quantity_list(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_quantities(m, value, "about");
}

static bool has_any(const struct weft_json *event, const char *list, const char *other)
{
    const struct weft_json *a = weft_json_get(event, list);
    const struct weft_json *b = weft_json_get(event, other);
    return (a != NULL && a->count > 0) || (b != NULL && b->count > 0);
}

static enum weft_err read_parent(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    /* A transaction's parent only stands for what it holds; a container's is what contains. */
    if (m->type == TRANSACTION) {
        return add_thing(m, "about", "parent", value, NULL, 0);
    }
    enum weft_err err = add_thing(m, "parent", NULL, value, NULL, 0);
    /* 7.4.3, 7.4.6: without children, DELETE speaks of all of them. */
    if (err == WEFT_OK && m->is_delete && !has_any(m->event, "childEPCs", "childQuantityList")) {
        err = add_thing(m, "empties", NULL, value, NULL, 0);
    }
    return err;
}

static enum weft_err read_children(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_things(m, value, m->is_delete ? "releases" : "contains");
}

static enum weft_err read_child_quantities(
    struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_quantities(m, value, m->is_delete ? "releases" : "contains");
}

static enum weft_err read_inputs(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_things(m, value, "input");
}

static enum weft_err read_input_quantities(
    struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_quantities(m, value, "input");
}

static enum weft_err read_outputs(struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_things(m, value, "output");
}

static enum weft_err read_output_quantities(
    struct weft_epcis_mapping *m, const struct weft_json *value)
{
    return read_quantities(m, value, "output");
}

static enum weft_err read_transformation_id(
    struct weft_epcis_mapping *m, const struct weft_json *value)
{
    enum weft_err err = weft_epcis_check_uri(value, m->msg);
    return err == WEFT_OK ? weft_epcis_add_link(m, "transformation", NULL, value, NULL, 0) : err;
}

/* --- the event ------------------------------------------------------------------------------- */

/* In this order their fields and links stand in the record, whatever the event's order is.
 * "action" comes before what depends on it. */
static const struct {
    struct weft_text name;
    unsigned types;    /* Event types that have it... */
    unsigned required; /* ...and must have it. */
    enum weft_err (*read)(struct weft_epcis_mapping *m, const struct weft_json *value);
} members[] = {
    {WEFT_TEXT("@context"), ALL, 0, read_nothing},
    {WEFT_TEXT("type"), ALL, ALL, read_nothing},
    {WEFT_TEXT("eventID"), ALL, 0, read_event_id},
    {WEFT_TEXT("eventTime"), ALL, ALL, read_event_time},
    {WEFT_TEXT("eventTimeZoneOffset"), ALL, ALL, read_offset},
    {WEFT_TEXT("recordTime"), ALL, 0, read_time},
    {WEFT_TEXT("action"), ALL & ~(unsigned)TRANSFORMATION, ALL & ~(unsigned)TRANSFORMATION,
        read_action},
    {WEFT_TEXT("bizStep"), ALL, 0, read_text},
    {WEFT_TEXT("disposition"), ALL, 0, read_text},
    {WEFT_TEXT("persistentDisposition"), OBJECT | TRANSFORMATION, 0, read_persistent},
    {WEFT_TEXT("certificationInfo"), ALL, 0, read_certification},
    {WEFT_TEXT("errorDeclaration"), ALL, 0, read_error},
    {WEFT_TEXT("epcList"), OBJECT | TRANSACTION, 0, read_epcs},
    {WEFT_TEXT("quantityList"), OBJECT | TRANSACTION, 0, read_quantity_list},
    {WEFT_TEXT("parentID"), AGGREGATION | ASSOCIATION | TRANSACTION, ASSOCIATION, read_parent},
    {WEFT_TEXT("childEPCs"), AGGREGATION | ASSOCIATION, 0, read_children},
    {WEFT_TEXT("childQuantityList"), AGGREGATION | ASSOCIATION, 0, read_child_quantities},
    {WEFT_TEXT("inputEPCList"), TRANSFORMATION, 0, read_inputs},
    {WEFT_TEXT("inputQuantityList"), TRANSFORMATION, 0, read_input_quantities},
    {WEFT_TEXT("outputEPCList"), TRANSFORMATION, 0, read_outputs},
    {WEFT_TEXT("outputQuantityList"), TRANSFORMATION, 0, read_output_quantities},
    {WEFT_TEXT("transformationID"), TRANSFORMATION, 0, read_transformation_id},
    {WEFT_TEXT("readPoint"), ALL, 0, read_read_point},
    {WEFT_TEXT("bizLocation"), ALL, 0, read_biz_location},
    {WEFT_TEXT("bizTransactionList"), ALL, TRANSACTION, read_transactions},
    {WEFT_TEXT("sourceList"), ALL, 0, read_sources},
    {WEFT_TEXT("destinationList"), ALL, 0, read_destinations},
    {WEFT_TEXT("sensorElementList"), ALL, 0, weft_epcis_map_sensors},
    {WEFT_TEXT("ilmd"), OBJECT | TRANSFORMATION, 0, read_ilmd},
};

enum {
    MEMBERS = sizeof(members) / sizeof(*members)
};

static enum weft_err find_type(struct weft_epcis_mapping *m)
{
    enum weft_err err = weft_json_expect(m->event, WEFT_JSON_OBJECT, m->msg);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *type = weft_json_get(m->event, "type");
    if (type == NULL) {
        return missing(m, m->event, "type");
    }
    err = weft_json_expect(type, WEFT_JSON_STRING, m->msg);
    for (size_t i = 0; i < sizeof(event_types) / sizeof(*event_types) && err == WEFT_OK; i++) {
        if (weft_text_is(type->text, event_types[i].name)) {
            m->type = event_types[i].type;
            m->kind = event_types[i].kind;
            return WEFT_OK;
        }
    }
    return err == WEFT_OK ? weft_json_fail(type, m->msg, WEFT_EINVAL, "unknown event type") : err;
}

/* Those that there are, the first of each name. */
static enum weft_err find_members(
    struct weft_epcis_mapping *m, const struct weft_json *ret_found[MEMBERS])
{
    for (const struct weft_json *v = m->event->first; v != NULL; v = v->next) {
        size_t i = 0;
        while (i < MEMBERS && !weft_text_equal(v->key, members[i].name)) {
            i++;
        }
        if (i == MEMBERS && !weft_epcis_is_extension(v->key)) {
            return unknown(m, v);
        }
        if (i < MEMBERS && (members[i].types & m->type) == 0) {
            return weft_json_fail(v, m->msg, WEFT_EINVAL, "is not a member of this type of event");
        }
        if (i < MEMBERS && ret_found[i] == NULL) {
            ret_found[i] = v;
        }
    }
    return WEFT_OK;
}

static enum weft_err needs(const struct weft_epcis_mapping *m, const char *what)
{
    return weft_json_fail(m->event, m->msg, WEFT_EINVAL, "has no %s", what);
}

/* What the standard asks of a type beyond single members (7.4.2 to 7.4.6). */
static enum weft_err check_whole(const struct weft_epcis_mapping *m)
{
    const struct weft_json *e = m->event;
    bool has_parent = weft_json_get(e, "parentID") != NULL;
    bool has_epcs = weft_json_get(e, "epcList") != NULL || has_any(e, "quantityList", "epcList");
    switch (m->type) {
    case OBJECT:
        /* An empty epcList is one: the schema has it so, for events of sensors alone. */
        return has_epcs || has_any(e, "sensorElementList", "sensorElementList")
                   ? WEFT_OK
                   : needs(m, "epcList, quantityList or sensorElementList");
    case AGGREGATION:
    case ASSOCIATION:
        if (!m->is_delete && !has_any(e, "childEPCs", "childQuantityList")) {
            return needs(m, "childEPCs or childQuantityList");
        }
        if (!has_parent && !weft_text_is(weft_json_get(e, "action")->text, "OBSERVE")) {
            return missing(m, e, "parentID");
        }
        return WEFT_OK;
    case TRANSACTION:
        if (!has_any(e, "bizTransactionList", "bizTransactionList")) {
            return needs(m, "bizTransactionList with an element");
        }
        return has_epcs || has_parent || m->is_delete
                   ? WEFT_OK
                   : needs(m, "epcList, quantityList or parentID");
    default: /* TRANSFORMATION */
        break;
    }
    bool has_inputs = has_any(e, "inputEPCList", "inputQuantityList");
    bool has_outputs = has_any(e, "outputEPCList", "outputQuantityList");
    if (weft_json_get(e, "transformationID") != NULL) {
        return has_inputs || has_outputs ? WEFT_OK : needs(m, "inputs or outputs");
    }
    return has_inputs && has_outputs ? WEFT_OK : needs(m, "inputs and outputs");
}

enum weft_err weft_epcis_map(struct weft_epcis_mapping *m)
{
    const struct weft_json *found[MEMBERS] = {NULL};
    enum weft_err err = find_type(m);
    if (err == WEFT_OK) {
        err = find_members(m, found);
    }
    if (err != WEFT_OK) {
        return err;
    }
    m->is_error = weft_json_get(m->event, "errorDeclaration") != NULL;
    for (size_t i = 0; i < MEMBERS && err == WEFT_OK; i++) {
        if (found[i] != NULL) {
            err = members[i].read(m, found[i]);
        } else if ((members[i].required & m->type) != 0) {
            err = missing(m, m->event, members[i].name.data);
        }
    }
    if (err == WEFT_OK) {
        err = check_whole(m);
    }
    for (const struct weft_json *v = m->event->first; v != NULL && err == WEFT_OK; v = v->next) {
        if (weft_epcis_is_extension(v->key)) {
            err = weft_epcis_keep(m, v);
        }
    }
    return err;
}
