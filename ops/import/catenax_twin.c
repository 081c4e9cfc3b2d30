#include "ops/import/catenax_twin.h"

#include <stdio.h>

#include "proto/limits.h"
#include "proto/record_json.h"
#include "proto/time.h"

enum aspect {
    PART,    /* The thing itself: serial part, batch. */
    PLANNED, /* A part of the catalogue. */
    BOM,     /* What is in it, as built. */
    USAGE,   /* What it is in, as built. */
    BOM_PLANNED,
    USAGE_PLANNED,
    OTHER, /* Kept whole. */
};

/* One twin while it is mapped. */
struct mapping {
    struct weft_arena *arena;
    struct weft_msg *msg;
    const struct weft_json *entry;
    struct weft_text source;
    struct weft_text asset;
    struct weft_text owner;        /* BPN of who states this; empty: not given. */
    struct weft_text manufacturer; /* BPN */
    struct weft_text part;         /* Its number at the manufacturer. */
    int64_t at_ns;
    bool has_at;
    struct weft_catenax_draft built, usage;
    uint32_t aspect_count; /* Named in `built`. */
    struct weft_catenax_twin *twin;
};

static enum weft_err no_memory(struct mapping *m, const struct weft_json *at)
{
    return weft_json_fail(at, m->msg, WEFT_ENOMEM, "out of memory");
}

static struct weft_catenax_draft draft(struct mapping *m)
{
    return (struct weft_catenax_draft){.arena = m->arena, .msg = m->msg};
}

static enum weft_err add_record(struct mapping *m, const struct weft_json *at, const char *kind,
    const struct weft_catenax_draft *d)
{
    char pointer[256];
    struct weft_catenax_twin *twin = m->twin;
    if (twin->record_count == WEFT_CATENAX_RECORDS_MAX) {
        return weft_json_fail(
            at, m->msg, WEFT_ETOOBIG, "more than %d records of one twin", WEFT_CATENAX_RECORDS_MAX);
    }
    const struct weft_record record = {.kind = weft_arena_text(m->arena, weft_text_of(kind)),
        .asset = m->asset,
        .source = m->source,
        .at_ns = m->at_ns,
        .has_at = m->has_at,
        .fields = d->fields,
        .links = d->links,
        .field_count = d->field_count,
        .link_count = d->link_count};
    enum weft_err err = weft_record_check(&record, pointer, m->msg);
    if (err != WEFT_OK) {
        (void)weft_wrap(m->msg, err, "%s of its record", pointer);
        return weft_json_place(at, NULL, m->msg, err);
    }
    twin->records[twin->record_count++] = record;
    return WEFT_OK;
}

/* --- the thing itself ------------------------------------------------------------------------ */

/* RFC 3339; without a zone UTC is assumed, and without a time midnight. */
static enum weft_err read_time(struct mapping *m, const struct weft_json *value)
{
    char text[64];
    int64_t at_ns;
    enum weft_err err = weft_json_expect(value, WEFT_JSON_STRING, m->msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_time_parse(value->text, &at_ns, m->msg);
    if (err != WEFT_OK && value->text.size < 32) {
        (void)snprintf(text, sizeof(text), "%.*s%s", (int)value->text.size, value->text.data,
            memchr(value->text.data, ':', value->text.size) != NULL ? "Z" : "T00:00:00Z");
        err = weft_time_parse(weft_text_of(text), &at_ns, m->msg);
        m->twin->has_assumed_zone = m->twin->has_assumed_zone || err == WEFT_OK;
    }
    if (err != WEFT_OK) {
        return weft_json_place(value, NULL, m->msg, err);
    }
    m->at_ns = at_ns;
    m->has_at = true;
    return WEFT_OK;
}

/* [{"key": "manufacturerId", "value": "BPNL..."}, ...] with no key twice. */
static bool is_map(const struct weft_json *list)
{
    for (const struct weft_json *v = list->first; v != NULL; v = v->next) {
        const struct weft_json *key = weft_json_get(v, "key"), *value = weft_json_get(v, "value");
        if (key == NULL || key->type != WEFT_JSON_STRING || key->text.size == 0 || value == NULL ||
            value->type != WEFT_JSON_STRING || v->count != 2) {
            return false;
        }
        for (const struct weft_json *u = list->first; u != v; u = u->next) {
            if (weft_text_equal(weft_json_get(u, "key")->text, key->text)) {
                return false;
            }
        }
    }
    return true;
}

/* As localIdentifiers/<key>, so that they can be asked for; what is no plain map stays a list. */
static enum weft_err read_identifiers(struct mapping *m, const struct weft_json *list)
{
    enum weft_err err = weft_json_expect(list, WEFT_JSON_ARRAY, m->msg);
    if (err != WEFT_OK || !is_map(list)) {
        return err == WEFT_OK ? weft_catenax_keep(&m->built, list, NULL) : err;
    }
    for (const struct weft_json *v = list->first; v != NULL && err == WEFT_OK; v = v->next) {
        const struct weft_json *key = weft_json_get(v, "key"), *value = weft_json_get(v, "value");
        struct weft_field field = {.value = value->text, .type = WEFT_VALUE_TEXT};
        if (weft_text_is(key->text, "manufacturerId")) {
            m->manufacturer = value->text;
        } else if (weft_text_is(key->text, "manufacturerPartId")) {
            m->part = value->text;
        }
        err = weft_path_add(m->arena, WEFT_TEXT("localIdentifiers"), key->text, &field.path);
        if (err == WEFT_OK) {
            err = weft_field_add(m->arena, &m->built.fields, &m->built.field_count, field);
        }
        if (err != WEFT_OK) {
            return weft_json_fail(v, m->msg, err, "cannot be kept");
        }
    }
    return err;
}

/* The payload's own id must be that of its twin. */
static enum weft_err check_id(struct mapping *m, const struct weft_json *value)
{
    struct weft_text id;
    enum weft_err err = weft_catenax_id(value, m->arena, &id, m->msg);
    if (err == WEFT_OK && !weft_text_equal(id, m->asset)) {
        return weft_json_fail(value, m->msg, WEFT_EINVAL, "is not the id of the twin it stands in");
    }
    return err;
}

static enum weft_err read_part(struct mapping *m, const struct weft_json *payload)
{
    enum weft_err err = WEFT_OK;
    for (const struct weft_json *v = payload->first; v != NULL && err == WEFT_OK; v = v->next) {
        if (weft_text_is(v->key, "catenaXId")) {
            err = check_id(m, v);
        } else if (weft_text_is(v->key, "localIdentifiers")) {
            err = read_identifiers(m, v);
        } else {
            err = weft_catenax_keep(&m->built, v, NULL);
        }
    }
    const struct weft_json *made = weft_json_get(payload, "manufacturingInformation");
    const struct weft_json *date = weft_json_get(made, "date");
    if (err == WEFT_OK && date != NULL) {
        err = read_time(m, date);
    }
    return err;
}

/* The type that it is one of: a record on `part:<manufacturer>/<number>`, and a link to it. */
static enum weft_err read_part_type(struct mapping *m, struct weft_catenax_draft *d,
    const struct weft_json *payload, const char *rel)
{
    const struct weft_json *type = weft_json_get(payload, "partTypeInformation");
    const struct weft_json *number = weft_json_get(type, "manufacturerPartId");
    if (number != NULL && number->type == WEFT_JSON_STRING && number->text.size > 0) {
        m->part = number->text;
    }
    if (m->part.size == 0) {
        return WEFT_OK;
    }
    char asset[WEFT_ASSET_SIZE_MAX + 1];
    int size = snprintf(asset, sizeof(asset), "part:%.*s%s%.*s", (int)m->manufacturer.size,
        m->manufacturer.data, m->manufacturer.size > 0 ? "/" : "", (int)m->part.size, m->part.data);
    struct weft_text id = weft_arena_text(m->arena, weft_text_of(asset));
    if (size < 0 || (size_t)size >= sizeof(asset) || !weft_asset_is_valid(id)) {
        return weft_json_fail(payload, m->msg, WEFT_EINVAL, "its part number cannot be an id");
    }
    struct weft_catenax_draft about = draft(m);
    static const char *const names[] = {
        "manufacturerPartId", "nameAtManufacturer", "classification", "partClassification"};
    enum weft_err err = weft_catenax_text(&about, payload, "manufacturerId", m->manufacturer);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names) && err == WEFT_OK; i++) {
        const struct weft_json *member = weft_json_get(type, names[i]);
        err = member != NULL ? weft_catenax_keep(&about, member, NULL) : WEFT_OK;
    }
    if (err != WEFT_OK) {
        return err;
    }
    m->twin->part_type = (struct weft_record){.kind = WEFT_TEXT("part_type"),
        .asset = id,
        .source = m->source,
        .fields = about.fields,
        .field_count = about.field_count};
    m->twin->has_part_type = about.field_count > 0 && type != NULL;
    return weft_catenax_link(d, payload, rel, id, NULL, 0);
}

/* --- edges ----------------------------------------------------------------------------------- */

/* Children or parents, by whatever name this version of the aspect has for them. */
static enum weft_err read_edges(struct mapping *m, struct weft_catenax_draft *d,
    const struct weft_json *payload, const char *rel, const struct weft_json *owner)
{
    static const char *const lists[] = {"childItems", "childParts", "parentItems", "parentParts"};
    enum weft_err err = WEFT_OK;
    for (const struct weft_json *v = payload->first; v != NULL && err == WEFT_OK; v = v->next) {
        bool is_list = false;
        for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
            is_list = is_list || weft_text_is(v->key, lists[i]);
        }
        if (weft_text_is(v->key, "catenaXId")) {
            err = check_id(m, v);
        } else if (is_list) {
            err = weft_catenax_edges(d, v, rel, owner);
        } else if (weft_text_is(v->key, "customers") && owner == NULL) {
            err = weft_json_expect(v, WEFT_JSON_ARRAY, m->msg);
            for (const struct weft_json *c = v->first; c != NULL && err == WEFT_OK; c = c->next) {
                err = weft_json_expect(c, WEFT_JSON_OBJECT, m->msg);
                const struct weft_json *customer = weft_json_get(c, "businessPartner");
                err = err == WEFT_OK
                          ? read_edges(m, d, c, rel, customer != NULL ? customer : c->first)
                          : err;
            }
        } else if (!weft_text_is(v->key, "businessPartner") || owner == NULL) {
            err = weft_catenax_keep(d, v, NULL);
        }
    }
    return err;
}

/* --- aspects --------------------------------------------------------------------------------- */

static enum aspect aspect_of(struct weft_text name)
{
    static const struct {
        const char *name;
        enum aspect aspect;
    } aspects[] = {{"SerialPart", PART}, {"SerialPartTypization", PART}, {"Batch", PART},
        {"JustInSequencePart", PART}, {"PartAsPlanned", PLANNED}, {"SingleLevelBomAsBuilt", BOM},
        {"AssemblyPartRelationship", BOM}, {"SingleLevelUsageAsBuilt", USAGE},
        {"SingleLevelBomAsPlanned", BOM_PLANNED}, {"SingleLevelUsageAsPlanned", USAGE_PLANNED}};
    for (size_t i = 0; i < sizeof(aspects) / sizeof(*aspects); i++) {
        if (weft_text_is(name, aspects[i].name)) {
            return aspects[i].aspect;
        }
    }
    return OTHER;
}

/* "catenax.physical_dimension" for "PhysicalDimension". */
static void kind_of(struct weft_text name, char ret_kind[WEFT_KIND_SIZE_MAX + 1])
{
    size_t used = (size_t)snprintf(ret_kind, WEFT_KIND_SIZE_MAX + 1, "catenax.");
    for (size_t i = 0; i < name.size && used + 2 < WEFT_KIND_SIZE_MAX; i++) {
        char c = name.data[i];
        bool is_upper = c >= 'A' && c <= 'Z';
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (is_upper && i > 0) {
            ret_kind[used++] = '_';
        }
        ret_kind[used++] = is_upper ? (char)(c - 'A' + 'a') : is_plain ? c : '_';
    }
    ret_kind[used] = '\0';
}

/* Whole, as a record of its own. */
static enum weft_err read_other(
    struct mapping *m, struct weft_text name, const struct weft_json *payload)
{
    char kind[WEFT_KIND_SIZE_MAX + 1];
    struct weft_catenax_draft d = draft(m);
    enum weft_err err = weft_catenax_text(&d, payload, "owner", m->owner);
    for (const struct weft_json *v = payload->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = weft_text_is(v->key, "catenaXId") ? check_id(m, v) : weft_catenax_keep(&d, v, NULL);
    }
    kind_of(name, kind);
    return err == WEFT_OK ? add_record(m, payload, kind, &d) : err;
}

static enum weft_err read_planned(
    struct mapping *m, enum aspect aspect, const struct weft_json *payload)
{
    struct weft_catenax_draft d = draft(m);
    enum weft_err err = weft_catenax_text(&d, payload, "owner", m->owner);
    if (err != WEFT_OK) {
        return err;
    }
    if (aspect != PLANNED) {
        bool is_bom = aspect == BOM_PLANNED;
        err = read_edges(m, &d, payload, is_bom ? "bom_line" : "about", NULL);
        return err == WEFT_OK
                   ? add_record(m, payload, is_bom ? "bom" : "catenax.usage_as_planned", &d)
                   : err;
    }
    for (const struct weft_json *v = payload->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = weft_text_is(v->key, "catenaXId") ? check_id(m, v) : weft_catenax_keep(&d, v, NULL);
    }
    m->manufacturer = m->manufacturer.size > 0 ? m->manufacturer : m->owner;
    if (err == WEFT_OK) {
        err = read_part_type(m, &d, payload, "about");
    }
    return err == WEFT_OK ? add_record(m, payload, "part_type", &d) : err;
}

/* Each aspect that goes into the as-built record is named there. */
static enum weft_err name_aspect(struct mapping *m, const struct weft_json *aspect)
{
    char path[32];
    (void)snprintf(path, sizeof(path), "aspects/[%u]", m->aspect_count++);
    struct weft_text copy = weft_arena_text(m->arena, weft_text_of(path));
    if (copy.data == NULL) {
        return no_memory(m, aspect);
    }
    return weft_catenax_text(&m->built, aspect, copy.data, aspect->key);
}

static enum weft_err read_payload(struct mapping *m, const struct weft_json *member,
    struct weft_text name, const struct weft_json *payload)
{
    enum aspect aspect = aspect_of(name);
    enum weft_err err = weft_json_expect(payload, WEFT_JSON_OBJECT, m->msg);
    if (err != WEFT_OK) {
        return err;
    }
    switch (aspect) {
    case PART:
        err = name_aspect(m, member);
        if (err == WEFT_OK) {
            err = read_part(m, payload);
        }
        return err == WEFT_OK ? read_part_type(m, &m->built, payload, "instance_of") : err;
    case BOM:
        err = name_aspect(m, member);
        return err == WEFT_OK ? read_edges(m, &m->built, payload, "contains", NULL) : err;
    case USAGE:
        return read_edges(m, &m->usage, payload, "part_of", NULL);
    case PLANNED:
    case BOM_PLANNED:
    case USAGE_PLANNED:
        return read_planned(m, aspect, payload);
    case OTHER:
        break;
    }
    return read_other(m, name, payload);
}

static enum weft_err read_aspect(struct mapping *m, const struct weft_json *member)
{
    const char *hash = memchr(member->key.data, '#', member->key.size);
    struct weft_text name = member->key;
    if (hash != NULL) {
        name.data = hash + 1;
        name.size = (size_t)(member->key.data + member->key.size - name.data);
    }
    if (member->type != WEFT_JSON_ARRAY) {
        return read_payload(m, member, name, member);
    }
    enum weft_err err = WEFT_OK;
    for (const struct weft_json *v = member->first; v != NULL && err == WEFT_OK; v = v->next) {
        err = read_payload(m, member, name, v);
    }
    return err;
}

/* --- the twin -------------------------------------------------------------------------------- */

static enum weft_err read_head(struct mapping *m)
{
    const struct weft_json *id = weft_json_get(m->entry, "catenaXId");
    const struct weft_json *owner = weft_json_get(m->entry, "bpnl");
    if (id == NULL) {
        return weft_json_fail(m->entry, m->msg, WEFT_EINVAL, "a twin has a catenaXId");
    }
    enum weft_err err = weft_catenax_id(id, m->arena, &m->asset, m->msg);
    if (err == WEFT_OK && owner != NULL) {
        err = weft_json_expect(owner, WEFT_JSON_STRING, m->msg);
        m->owner = owner->text;
    }
    return err;
}

/* The parts first, since the others take their time. */
static enum weft_err read_aspects(struct mapping *m, bool is_part)
{
    enum weft_err err = WEFT_OK;
    for (const struct weft_json *v = m->entry->first; v != NULL && err == WEFT_OK; v = v->next) {
        const char *hash = memchr(v->key.data, '#', v->key.size);
        struct weft_text name = {hash != NULL ? hash + 1 : v->key.data, 0};
        name.size = (size_t)(v->key.data + v->key.size - name.data);
        if (weft_text_is(v->key, "catenaXId") || weft_text_is(v->key, "bpnl") ||
            (aspect_of(name) == PART) != is_part) {
            continue;
        }
        if (hash == NULL && !weft_text_is(v->key, "PlainObject")) {
            return weft_json_fail(v, m->msg, WEFT_EINVAL,
                "unknown member of a twin (an aspect is named by <urn>#<name>)");
        }
        err = read_aspect(m, v);
    }
    return err;
}

static enum weft_err finish(struct mapping *m)
{
    struct weft_text owner = m->owner.size > 0 ? m->owner : m->manufacturer;
    enum weft_err err = WEFT_OK;
    bool is_built = m->built.field_count + m->built.link_count > 0;
    bool is_bare = !is_built && m->twin->record_count == 0 && m->usage.link_count == 0;
    if (is_built || is_bare) {
        err = weft_catenax_text(&m->built, m->entry, "owner", owner);
    }
    if (err == WEFT_OK && m->manufacturer.size > 0 && is_built) {
        char maker[WEFT_ASSET_SIZE_MAX + 1];
        (void)snprintf(
            maker, sizeof(maker), "bpn:%.*s", (int)m->manufacturer.size, m->manufacturer.data);
        struct weft_text id = weft_arena_text(m->arena, weft_text_of(maker));
        err = id.data != NULL ? weft_catenax_link(&m->built, m->entry, "made_by", id, NULL, 0)
                              : no_memory(m, m->entry);
    }
    if (err == WEFT_OK && (is_built || is_bare)) {
        err = add_record(m, m->entry, is_built ? "as_built" : "catenax.twin", &m->built);
    }
    if (err == WEFT_OK && m->usage.link_count + m->usage.field_count > 0) {
        err = weft_catenax_text(&m->usage, m->entry, "owner", owner);
        if (err == WEFT_OK) {
            err = add_record(m, m->entry, "genealogy", &m->usage);
        }
    }
    return err;
}

enum weft_err weft_catenax_map(const struct weft_json *entry, struct weft_text source,
    struct weft_arena *arena, struct weft_catenax_twin *ret_twin, struct weft_msg *msg)
{
    struct mapping m = {
        .arena = arena, .msg = msg, .entry = entry, .source = source, .twin = ret_twin};
    *ret_twin = (struct weft_catenax_twin){.record_count = 0};
    m.built = m.usage = draft(&m);
    enum weft_err err = weft_json_expect(entry, WEFT_JSON_OBJECT, msg);
    if (err == WEFT_OK) {
        ret_twin->records =
            weft_arena_array(arena, WEFT_CATENAX_RECORDS_MAX, sizeof(*ret_twin->records));
        err = ret_twin->records != NULL ? read_head(&m) : no_memory(&m, entry);
    }
    if (err == WEFT_OK) {
        err = read_aspects(&m, true);
    }
    if (err == WEFT_OK) {
        err = read_aspects(&m, false);
    }
    return err == WEFT_OK ? finish(&m) : err;
}
