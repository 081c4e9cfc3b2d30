#include "proto/model/model.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/model/element.h"

/* Two versions of a model. Everything is compared by what it does to a record that the old
 * version accepts, and to a reader who relies on the old one. */

enum {
    TEXT_SIZE = 256, /* of a place, and of what is said of it */
};

struct comparer {
    struct weft_arena *arena;
    struct weft_model_change *changes;
    struct weft_model_changes result;
    char where[TEXT_SIZE]; /* Of what is being compared. */
    bool has_failed;       /* No memory. */
};

static void add(struct comparer *c, bool is_breaking, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add(struct comparer *c, bool is_breaking, const char *format, ...)
{
    char what[TEXT_SIZE];
    va_list args;
    c->result.found++;
    c->result.breaking += is_breaking;
    if (c->result.count == WEFT_MODEL_CHANGES_MAX) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    what[weft_text_utf8_prefix(weft_text_of(what))] = '\0';
    struct weft_model_change change = {is_breaking,
        weft_arena_text(c->arena, weft_text_of(c->where)),
        weft_arena_text(c->arena, weft_text_of(what))};
    if (change.where.data == NULL || change.what.data == NULL) {
        c->has_failed = true;
        return;
    }
    c->changes[c->result.count++] = change;
}

/* Go on at "/name" below; back with leave(). */
static size_t enter(struct comparer *c, struct weft_text name)
{
    size_t size = strlen(c->where);
    name = weft_element_shown(name);
    (void)snprintf(c->where + size, sizeof(c->where) - size, "/%.*s", (int)name.size, name.data);
    return size;
}

static void leave(struct comparer *c, size_t size)
{
    c->where[size] = '\0';
}

/* --- lists of texts -------------------------------------------------------------------------- */

static bool has_text(const struct weft_text *texts, uint32_t count, struct weft_text text)
{
    for (uint32_t i = 0; i < count; i++) {
        if (weft_text_equal(texts[i], text)) {
            return true;
        }
    }
    return false;
}

/* A list that allows what is in it: `none` says whether an empty one allows everything. */
static void compare_allowed(struct comparer *c, const char *what, bool none_is_all,
    const struct weft_text *old, uint32_t old_count, const struct weft_text *new,
    uint32_t new_count)
{
    if (none_is_all && (old_count == 0) != (new_count == 0)) {
        add(c, old_count == 0,
            old_count == 0 ? "any %s before, listed ones now" : "any %s now, listed ones before",
            what);
        return;
    }
    for (uint32_t i = 0; i < old_count; i++) {
        if (!has_text(new, new_count, old[i])) {
            struct weft_text shown = weft_element_shown(old[i]);
            add(c, true, "%s no longer allowed: %.*s", what, (int)shown.size, shown.data);
        }
    }
    for (uint32_t i = 0; i < new_count; i++) {
        if (!has_text(old, old_count, new[i])) {
            struct weft_text shown = weft_element_shown(new[i]);
            add(c, false, "%s in addition: %.*s", what, (int)shown.size, shown.data);
        }
    }
}

/* --- schemas --------------------------------------------------------------------------------- */

static void compare_properties(
    struct comparer *c, const struct weft_model_object *old, const struct weft_model_object *new);
static void compare_property(struct comparer *c, const struct weft_model_property *old,
    const struct weft_model_property *new);

/* Every value of `old` is one of `new`. */
static bool is_wider(const struct weft_model_schema *schema, enum weft_model_type new)
{
    switch (schema->type) {
    case WEFT_MODEL_INTEGER:
        return new == WEFT_MODEL_LONG || new == WEFT_MODEL_FLOAT || new == WEFT_MODEL_DOUBLE;
    case WEFT_MODEL_LONG:
    case WEFT_MODEL_FLOAT:
        return new == WEFT_MODEL_DOUBLE;
    case WEFT_MODEL_BOOLEAN:
    case WEFT_MODEL_DATE:
    case WEFT_MODEL_DATE_TIME:
    case WEFT_MODEL_DOUBLE:
    case WEFT_MODEL_DURATION:
    case WEFT_MODEL_STRING:
    case WEFT_MODEL_TIME:
    case WEFT_MODEL_OBJECT:
    case WEFT_MODEL_MAP:
    case WEFT_MODEL_ARRAY:
        break;
    case WEFT_MODEL_ENUM:
        return new == (schema->is_text ? WEFT_MODEL_STRING : WEFT_MODEL_INTEGER);
    }
    return false;
}

static void compare_enums(
    struct comparer *c, const struct weft_model_schema *old, const struct weft_model_schema *new)
{
    /* Both sorted: one walk over each. */
    uint32_t i = 0, k = 0;
    while (i < old->value_count || k < new->value_count) {
        int order = i == old->value_count   ? 1
                    : k == new->value_count ? -1
                                            : weft_text_compare(old->values[old->sorted[i]],
                                                  new->values[new->sorted[k]]);
        struct weft_text shown = weft_element_shown(
            order <= 0 ? old->values[old->sorted[i]] : new->values[new->sorted[k]]);
        if (order < 0) {
            add(c, true, "value removed: %.*s", (int)shown.size, shown.data);
        } else if (order > 0) {
            add(c, false, "value added: %.*s", (int)shown.size, shown.data);
        }
        i += order <= 0;
        k += order >= 0;
    }
}

static void compare_schemas(
    struct comparer *c, const struct weft_model_schema *old, const struct weft_model_schema *new)
{
    bool is_same =
        old->type == new->type && (old->type != WEFT_MODEL_ENUM || old->is_text == new->is_text);
    if (!is_same) {
        add(c, !is_wider(old, new->type), "type %s before, %s now", weft_model_type_name(old->type),
            weft_model_type_name(new->type));
        return;
    }
    if (old->type == WEFT_MODEL_ENUM) {
        compare_enums(c, old, new);
    } else if (old->type == WEFT_MODEL_OBJECT) {
        compare_properties(c, &old->object, &new->object);
    } else if (old->type == WEFT_MODEL_MAP || old->type == WEFT_MODEL_ARRAY) {
        size_t size = enter(c, WEFT_TEXT("*"));
        compare_property(c, old->element, new->element);
        leave(c, size);
    }
}

static void compare_units(struct comparer *c, const struct weft_model_property *old,
    const struct weft_model_property *new)
{
    size_t size = enter(c, WEFT_TEXT("unit"));
    if ((old->unit_count == 0) != (new->unit_count == 0)) {
        /* A quantity is an object with its unit, which a bare number does not take. */
        add(c, true, new->unit_count == 0 ? "no unit any more" : "a unit is required now");
    } else {
        compare_allowed(c, "unit", false, old->units, old->unit_count, new->units, new->unit_count);
    }
    leave(c, size);
}

static void compare_property(struct comparer *c, const struct weft_model_property *old,
    const struct weft_model_property *new)
{
    if (old->is_required != new->is_required) {
        add(c, new->is_required, new->is_required ? "required now" : "no longer required");
    }
    compare_schemas(c, old->schema, new->schema);
    compare_units(c, old, new);
}

/* Members of both in order of their names. */
static void compare_properties(
    struct comparer *c, const struct weft_model_object *old, const struct weft_model_object *new)
{
    uint32_t i = 0, k = 0;
    if (old->is_closed != new->is_closed) {
        add(c, new->is_closed, new->is_closed ? "closed now" : "no longer closed");
    }
    while (i < old->count || k < new->count) {
        int order = i == old->count ? 1
                    : k == new->count
                        ? -1
                        : weft_text_compare(old->properties[i].name, new->properties[k].name);
        const struct weft_model_property *p =
            order <= 0 ? &old->properties[i] : &new->properties[k];
        size_t size = enter(c, p->name);
        if (order < 0) {
            add(c, true, "removed");
        } else if (order > 0) {
            add(c, p->is_required, p->is_required ? "new, and required" : "new");
        } else {
            compare_property(c, p, &new->properties[k]);
        }
        leave(c, size);
        i += order <= 0;
        k += order >= 0;
    }
}

/* --- links ----------------------------------------------------------------------------------- */

static void compare_link(
    struct comparer *c, const struct weft_model_link *old, const struct weft_model_link *new)
{
    if (old->is_required != new->is_required) {
        add(c, new->is_required,
            new->is_required ? "at least one is required now" : "no longer required");
    }
    if (old->count_max != new->count_max) {
        bool is_tighter =
            new->count_max != 0 && (old->count_max == 0 || new->count_max < old->count_max);
        char before[16] = "any number", now[16] = "any number";
        if (old->count_max != 0) {
            (void)snprintf(before, sizeof(before), "at most %u", old->count_max % 1000000);
        }
        if (new->count_max != 0) {
            (void)snprintf(now, sizeof(now), "at most %u", new->count_max % 1000000);
        }
        add(c, is_tighter, "%s before, %s now", before, now);
    }
    if (!weft_text_equal(old->target, new->target)) {
        struct weft_text target = weft_element_shown(new->target);
        add(c, new->target.size > 0, "target is %.*s now", (int)target.size,
            target.size > 0 ? target.data : "");
    }
    compare_allowed(c, "target's prefix", true, old->prefixes, old->prefix_count, new->prefixes,
        new->prefix_count);
    compare_properties(c, &old->properties, &new->properties);
}

static void compare_links(
    struct comparer *c, const struct weft_model *old, const struct weft_model *new)
{
    uint32_t i = 0, k = 0;
    if (old->is_closed_links != new->is_closed_links) {
        add(c, new->is_closed_links, new->is_closed_links ? "closed now" : "no longer closed");
    }
    while (i < old->link_count || k < new->link_count) {
        int order = i == old->link_count ? 1
                    : k == new->link_count
                        ? -1
                        : weft_text_compare(old->links[i].rel, new->links[k].rel);
        const struct weft_model_link *link = order <= 0 ? &old->links[i] : &new->links[k];
        size_t size = enter(c, link->rel);
        if (order < 0) {
            add(c, true, "removed");
        } else if (order > 0) {
            add(c, link->is_required, link->is_required ? "new, and required" : "new");
        } else {
            compare_link(c, link, &new->links[k]);
        }
        leave(c, size);
        i += order <= 0;
        k += order >= 0;
    }
}

/* "dtmi:com:example:box" of "dtmi:com:example:box;3". */
static struct weft_text path_of(struct weft_text id)
{
    const char *semicolon = id.size > 0 ? memchr(id.data, ';', id.size) : NULL;
    return (struct weft_text){id.data, semicolon != NULL ? (size_t)(semicolon - id.data) : id.size};
}

enum weft_err weft_model_compare(const struct weft_model *old, const struct weft_model *new,
    struct weft_arena *arena, struct weft_model_changes *ret_changes)
{
    struct comparer c = {.arena = arena};
    c.changes = weft_arena_array(arena, WEFT_MODEL_CHANGES_MAX, sizeof(*c.changes));
    if (c.changes == NULL) {
        return WEFT_ENOMEM;
    }
    if (!weft_text_equal(path_of(old->id), path_of(new->id))) {
        struct weft_text id = path_of(old->id);
        add(&c, true, "another model: it was %.*s before", (int)id.size, id.data);
    }
    size_t size = enter(&c, WEFT_TEXT("asset"));
    compare_allowed(
        &c, "prefix", true, old->prefixes, old->prefix_count, new->prefixes, new->prefix_count);
    leave(&c, size);
    size = enter(&c, WEFT_TEXT("attrs"));
    compare_properties(&c, &old->attributes, &new->attributes);
    leave(&c, size);
    size = enter(&c, WEFT_TEXT("links"));
    compare_links(&c, old, new);
    leave(&c, size);
    if (c.has_failed) {
        return WEFT_ENOMEM;
    }
    c.result.changes = c.changes;
    *ret_changes = c.result;
    return WEFT_OK;
}
