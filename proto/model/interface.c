#include "proto/model/interface.h"

#include "proto/check.h"
#include "proto/model/content.h"
#include "proto/model/dtmi.h"
#include "proto/model/schema.h"
#include "proto/order.h"

enum visit {
    UNSEEN,
    OPEN, /* Its ancestors are being looked at. */
    DONE
};

struct interface {
    const struct weft_json *at;
    struct weft_text id; /* In the tree. */
    struct weft_dtmi dtmi;
    struct weft_content *contents;
    uint32_t content_count;
    const struct weft_json *first_name; /* Of what it extends, siblings. */
    struct interface **parents;         /* What these names stand for: once it was visited. */
    uint32_t parent_count;
    bool is_closed;
    bool is_closed_links;
    enum visit visit;
    uint32_t height; /* Levels of ancestors. */
    uint32_t stamp;  /* Of the gathering that has been here. */
    const struct weft_model_schema *as_component;
};

struct builder {
    struct weft_model_reader *r;
    struct interface *interfaces;
    uint32_t count;
    uint32_t stamp;
    /* What a gathering has found: contents of an interface and of its ancestors, by name. */
    struct weft_content **found;
    uint32_t found_count;
    bool is_closed;
    bool is_closed_links;
};

static const char context_core[] = "dtmi:dtdl:context;3";
static const char context_quantities[] = "dtmi:dtdl:extension:quantitativeTypes;1";
static const char context_weft[] = "dtmi:weft:context;1";

static struct interface *find(const struct builder *b, struct weft_text id)
{
    for (uint32_t i = 0; i < b->count; i++) {
        if (weft_text_equal(b->interfaces[i].id, id)) {
            return &b->interfaces[i];
        }
    }
    return NULL;
}

static enum weft_err no_scratch(struct builder *b, const struct weft_json *at)
{
    return weft_json_fail(at, b->r->msg, WEFT_ETOOBIG,
        "the model needs more than %zu bytes while it is read: make it smaller",
        b->r->scratch->size_max);
}

/* The only name in "NAME" or the names in ["A", "B"]. */
static const struct weft_json *list_of(const struct weft_json *value, uint32_t *ret_count)
{
    bool is_array = value != NULL && value->type == WEFT_JSON_ARRAY;
    *ret_count = value == NULL ? 0 : is_array ? value->count : 1;
    return is_array ? value->first : value;
}

/* --- contexts -------------------------------------------------------------------------------- */

static enum weft_err read_context(struct builder *b, const struct weft_json *interface)
{
    struct weft_model_reader *r = b->r;
    const struct weft_json *context = weft_json_get(interface, "@context");
    uint32_t count;
    const struct weft_json *item = list_of(context, &count);
    r->has_quantities = r->has_weft = false;
    if (count == 0) {
        return weft_json_fail(interface, r->msg, WEFT_EINVAL,
            "\"@context\" is missing: \"%s\" comes first in it", context_core);
    }
    for (uint32_t i = 0; i < count; i++, item = item->next) {
        enum weft_err err = weft_json_expect(item, WEFT_JSON_STRING, r->msg);
        if (err != WEFT_OK) {
            return err;
        }
        struct weft_text name = weft_element_shown(item->text);
        if (weft_text_is(item->text, context_core) != (i == 0)) {
            return weft_json_fail(item, r->msg, WEFT_EINVAL,
                "\"%s\" comes first in @context, and once", context_core);
        }
        if (weft_text_is(item->text, context_quantities)) {
            r->has_quantities = true;
        } else if (weft_text_is(item->text, context_weft)) {
            r->has_weft = true;
        } else if (i > 0) {
            return weft_json_fail(item, r->msg, WEFT_EINVAL,
                "unknown context '%.*s': known are %s, %s and %s", (int)name.size, name.data,
                context_core, context_quantities, context_weft);
        }
    }
    return WEFT_OK;
}

/* --- interfaces ------------------------------------------------------------------------------ */

static enum weft_err read_id(struct builder *b, struct interface *interface)
{
    struct weft_model_reader *r = b->r;
    const struct weft_json *id = weft_json_get(interface->at, "@id");
    if (id == NULL) {
        return weft_json_fail(interface->at, r->msg, WEFT_EINVAL, "\"@id\" is missing");
    }
    enum weft_err err = weft_json_expect(id, WEFT_JSON_STRING, r->msg);
    if (err == WEFT_OK) {
        err = weft_dtmi_parse(id->text, WEFT_DTMI_INTERFACE_SIZE_MAX, &interface->dtmi, r->msg);
        err = err == WEFT_OK ? err : weft_json_place(id, NULL, r->msg, err);
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct interface *other = find(b, id->text);
    if (other != NULL) {
        return weft_json_fail(id, r->msg, WEFT_EINVAL, "duplicate @id: also at line %u",
            weft_json_get(other->at, "@id")->line);
    }
    interface->id = id->text;
    return WEFT_OK;
}

static enum weft_err read_contents(struct builder *b, struct interface *interface)
{
    struct weft_model_reader *r = b->r;
    const struct weft_json *list = weft_json_get(interface->at, "contents");
    uint32_t count;
    const struct weft_json *item = list_of(list, &count);
    interface->contents = weft_arena_array(r->scratch, count, sizeof(*interface->contents));
    if (interface->contents == NULL) {
        return no_scratch(b, list);
    }
    for (; interface->content_count < count; item = item->next) {
        enum weft_err err = weft_json_expect(item, WEFT_JSON_OBJECT, r->msg);
        if (err == WEFT_OK) {
            err = weft_content_read(r, item, &interface->contents[interface->content_count]);
        }
        if (err != WEFT_OK) {
            return err;
        }
        interface->content_count++;
    }
    return WEFT_OK;
}

static enum weft_err read_interface(
    struct builder *b, const struct weft_json *element, struct interface *interface)
{
    static const char *const members[] = {"@context", "contents", "extends", "schemas", "weft:kind",
        "weft:closed", "weft:closedLinks", "weft:assetPrefix", NULL};
    struct weft_model_reader *r = b->r;
    struct weft_unit_type none;
    interface->at = element;
    enum weft_err err = weft_json_expect(element, WEFT_JSON_OBJECT, r->msg);
    if (err == WEFT_OK) {
        err = read_context(b, element);
    }
    if (err == WEFT_OK) {
        err = weft_element_check(r, element, members);
    }
    if (err == WEFT_OK) {
        err = weft_element_type(r, element, "Interface", false, false, &none);
    }
    if (err == WEFT_OK) {
        err = read_id(b, interface);
    }
    if (err == WEFT_OK) {
        err = weft_element_bool(r, element, "weft:closed", &interface->is_closed);
    }
    if (err == WEFT_OK) {
        err = weft_element_bool(r, element, "weft:closedLinks", &interface->is_closed_links);
    }
    if (err == WEFT_OK) {
        err = weft_schema_open_named(r, element);
    }
    if (err == WEFT_OK) {
        err = read_contents(b, interface);
    }
    if (err == WEFT_OK) {
        err = weft_schema_read_named(r);
    }
    interface->first_name = list_of(weft_json_get(element, "extends"), &interface->parent_count);
    interface->parents =
        weft_arena_array(r->scratch, interface->parent_count, sizeof(struct interface *));
    return err == WEFT_OK && interface->parents == NULL ? no_scratch(b, element) : err;
}

static enum weft_err read_interfaces(struct builder *b, const struct weft_json *root)
{
    bool is_array = root->type == WEFT_JSON_ARRAY;
    uint32_t count = is_array ? root->count : 1, contents = 0;
    if (count == 0 || count > WEFT_MODEL_INTERFACES_MAX) {
        return weft_json_fail(root, b->r->msg, count == 0 ? WEFT_EINVAL : WEFT_ETOOBIG,
            "%u interfaces, 1 to %d were expected", count, WEFT_MODEL_INTERFACES_MAX);
    }
    b->interfaces = weft_arena_array(b->r->scratch, count, sizeof(*b->interfaces));
    if (b->interfaces == NULL) {
        return no_scratch(b, root);
    }
    for (const struct weft_json *item = is_array ? root->first : root; b->count < count;
         item = item->next) {
        enum weft_err err = read_interface(b, item, &b->interfaces[b->count]);
        if (err != WEFT_OK) {
            return err;
        }
        contents += b->interfaces[b->count++].content_count;
    }
    b->found = weft_arena_array(b->r->scratch, contents, sizeof(struct weft_content *));
    return b->found != NULL ? WEFT_OK : no_scratch(b, root);
}

/* --- inheritance ----------------------------------------------------------------------------- */

static enum weft_err look_up(
    struct builder *b, const struct weft_json *name, struct interface **ret_interface)
{
    enum weft_err err = weft_json_expect(name, WEFT_JSON_STRING, b->r->msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct interface *found = find(b, name->text);
    if (found == NULL) {
        struct weft_text shown = weft_element_shown(name->text);
        return weft_json_fail(name, b->r->msg, WEFT_EINVAL,
            "there is no interface '%.*s' in this text: a model is whole in itself, put it there",
            (int)shown.size, shown.data);
    }
    *ret_interface = found;
    return WEFT_OK;
}

/* Ancestors first. Recursion is bounded by the number of interfaces. */
static enum weft_err visit(struct builder *b, struct interface *interface)
{
    const struct weft_json *name = interface->first_name;
    interface->visit = OPEN;
    for (uint32_t i = 0; i < interface->parent_count; i++, name = name->next) {
        struct interface *parent = NULL;
        enum weft_err err = look_up(b, name, &parent);
        if (err != WEFT_OK) {
            return err;
        }
        weft_assert(parent != NULL); /* PRO-101 */
        if (parent->visit == OPEN) {
            err = weft_json_fail(name, b->r->msg, WEFT_EINVAL,
                "the interfaces extend each other in a cycle: take this one away");
        }
        if (err == WEFT_OK && parent->visit == UNSEEN) {
            err = visit(b, parent);
        }
        if (err == WEFT_OK && parent->height + 1 > WEFT_MODEL_EXTENDS_DEPTH_MAX) {
            err = weft_json_fail(name, b->r->msg, WEFT_ETOOBIG,
                "more than %d levels of interfaces that extend each other (DTDL v3)",
                WEFT_MODEL_EXTENDS_DEPTH_MAX);
        }
        if (err != WEFT_OK) {
            return err;
        }
        interface->parents[i] = parent;
        if (parent->height + 1 > interface->height) {
            interface->height = parent->height + 1;
        }
    }
    interface->visit = DONE;
    return WEFT_OK;
}

static void gather_from(struct builder *b, struct interface *interface)
{
    if (interface->stamp == b->stamp) {
        return; /* Inherited twice: it is there once. */
    }
    interface->stamp = b->stamp;
    b->is_closed = b->is_closed || interface->is_closed;
    b->is_closed_links = b->is_closed_links || interface->is_closed_links;
    weft_assert(interface->visit == DONE); /* PRO-101 */
    for (uint32_t i = 0; i < interface->parent_count; i++) {
        gather_from(b, interface->parents[i]);
    }
    for (uint32_t i = 0; i < interface->content_count; i++) {
        b->found[b->found_count++] = &interface->contents[i];
    }
}

static int compare_found(const void *context, uint16_t a, uint16_t c)
{
    struct weft_content *const *found = context;
    return weft_text_compare(found[a]->name, found[c]->name);
}

/* Everything that the interface has, its own and inherited, into b->found, in order of name. */
static enum weft_err gather(struct builder *b, struct interface *interface)
{
    uint16_t index[WEFT_MODEL_MEMBERS_MAX], rest[WEFT_MODEL_MEMBERS_MAX];
    struct weft_content *sorted[WEFT_MODEL_MEMBERS_MAX];
    b->stamp++;
    b->found_count = 0;
    b->is_closed = b->is_closed_links = false;
    gather_from(b, interface);
    if (b->found_count > WEFT_MODEL_MEMBERS_MAX) {
        return weft_json_fail(interface->at, b->r->msg, WEFT_ETOOBIG,
            "%u contents, inherited ones included, at most %d", b->found_count,
            WEFT_MODEL_MEMBERS_MAX);
    }
    weft_order_sort(index, rest, b->found_count, compare_found, b->found);
    for (uint32_t i = 0; i < b->found_count; i++) {
        sorted[i] = b->found[index[i]];
        if (i > 0 && weft_text_equal(sorted[i - 1]->name, sorted[i]->name)) {
            struct weft_text name = weft_element_shown(sorted[i]->name);
            return weft_json_fail(sorted[i]->at, b->r->msg, WEFT_EINVAL,
                "duplicate name '%.*s': also at line %u", (int)name.size, name.data,
                sorted[i - 1]->at->line);
        }
    }
    memcpy(b->found, sorted, b->found_count * sizeof(sorted[0]));
    return WEFT_OK;
}

/* What was gathered, compiled. `links` NULL: links are not wanted. */
static enum weft_err compile_found(struct builder *b, const struct weft_json *at,
    struct weft_model_object *ret_object, const struct weft_model_link **ret_links,
    uint32_t *ret_link_count)
{
    enum weft_err err;
    uint32_t property_count = 0, link_count = 0;
    for (uint32_t i = 0; i < b->found_count; i++) {
        link_count += b->found[i]->is_link;
    }
    if (link_count > WEFT_MODEL_LINKS_MAX) {
        return weft_json_fail(at, b->r->msg, WEFT_ETOOBIG, "%u relationships, at most %d",
            link_count, WEFT_MODEL_LINKS_MAX);
    }
    struct weft_model_property *properties =
        weft_element_alloc(b->r, at, b->found_count - link_count, sizeof(*properties), &err);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_model_link *links = weft_element_alloc(b->r, at, link_count, sizeof(*links), &err);
    if (err != WEFT_OK) {
        return err;
    }
    link_count = 0;
    for (uint32_t i = 0; i < b->found_count; i++) {
        const struct weft_content *content = b->found[i];
        if (content->is_link) {
            links[link_count++] = content->link;
        } else {
            properties[property_count++] = content->property;
        }
    }
    *ret_object = (struct weft_model_object){properties, property_count, b->is_closed};
    *ret_links = links;
    *ret_link_count = link_count;
    return WEFT_OK;
}

/* --- components ------------------------------------------------------------------------------ */

/* Does a Component below `from` lead back to `to`? Recursion is bounded by the number of
 * interfaces, each of which is looked at once. */
static bool leads_to(struct builder *b, struct interface *from, const struct interface *to)
{
    if (from == to) {
        return true;
    }
    if (from->stamp == b->stamp) {
        return false;
    }
    from->stamp = b->stamp;
    for (uint32_t i = 0; i < from->parent_count; i++) {
        if (leads_to(b, from->parents[i], to)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < from->content_count; i++) {
        struct interface *next = from->contents[i].of;
        if (next != NULL && leads_to(b, next, to)) {
            return true;
        }
    }
    return false;
}

/* The schema of an interface's value, for those that consist of it. */
static enum weft_err compile_component(
    struct builder *b, const struct weft_json *at, struct interface *interface)
{
    enum weft_err err = gather(b, interface);
    for (uint32_t i = 0; err == WEFT_OK && i < b->found_count; i++) {
        if (b->found[i]->component != NULL || b->found[i]->is_link) {
            err = weft_json_fail(at, b->r->msg, WEFT_EINVAL,
                "the interface of a Component has no %s (line %u): links and components are "
                "those of the record",
                b->found[i]->is_link ? "Relationship" : "Component (DTDL v3)",
                b->found[i]->at->line);
        }
    }
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_model_schema *schema = weft_element_alloc(b->r, at, 1, sizeof(*schema), &err);
    const struct weft_model_link *links;
    uint32_t link_count;
    if (err == WEFT_OK) {
        schema->type = WEFT_MODEL_OBJECT;
        schema->depth = 1;
        err = compile_found(b, interface->at, &schema->object, &links, &link_count);
    }
    interface->as_component = schema;
    return err;
}

static enum weft_err use_component(
    struct builder *b, struct interface *holder, struct weft_content *content)
{
    enum weft_err err = WEFT_OK;
    b->stamp++;
    if (leads_to(b, content->of, holder)) {
        return weft_json_fail(content->component, b->r->msg, WEFT_EINVAL,
            "the components form a cycle: a value would have no end; take this one away");
    }
    if (content->of->as_component == NULL) {
        err = compile_component(b, content->component, content->of);
    }
    content->property.schema = content->of->as_component;
    return err;
}

/* First what every Component is of, then what that is. */
static enum weft_err compile_components(struct builder *b)
{
    enum weft_err err = WEFT_OK;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < b->count; i++) {
            struct interface *holder = &b->interfaces[i];
            for (uint32_t n = 0; n < holder->content_count && err == WEFT_OK; n++) {
                struct weft_content *content = &holder->contents[n];
                if (content->component != NULL) {
                    err = pass == 0 ? look_up(b, content->component, &content->of)
                                    : use_component(b, holder, content);
                }
            }
        }
    }
    return err;
}

/* --- the kind -------------------------------------------------------------------------------- */

static enum weft_err find_kind(
    struct builder *b, const struct weft_json *root, struct interface **ret_interface)
{
    struct interface *found = NULL;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct weft_json *kind = weft_json_get(b->interfaces[i].at, "weft:kind");
        if (kind == NULL) {
            continue;
        }
        if (kind->type != WEFT_JSON_STRING || !weft_name_is_valid(kind->text)) {
            return weft_json_fail(kind, b->r->msg, WEFT_EINVAL,
                "a kind is 1 to %d of a-z 0-9 _ . - and starts with a letter or digit",
                WEFT_KIND_SIZE_MAX);
        }
        if (found != NULL) {
            return weft_json_fail(kind, b->r->msg, WEFT_EINVAL,
                "a second kind: a model is of one, give each a text of its own");
        }
        found = &b->interfaces[i];
    }
    if (found == NULL) {
        return weft_json_fail(root, b->r->msg, WEFT_EINVAL,
            "no interface says which record kind it is of: \"weft:kind\": \"inspection\", with "
            "\"%s\" in its @context",
            context_weft);
    }
    if (found->dtmi.major == 0 || found->dtmi.minor != 0) {
        return weft_json_fail(weft_json_get(found->at, "@id"), b->r->msg, WEFT_EINVAL,
            "the interface of a kind has a version of one part, such as ;1");
    }
    *ret_interface = found;
    return WEFT_OK;
}

static enum weft_err compile_kind(
    struct builder *b, struct interface *interface, struct weft_model *model)
{
    struct weft_model_reader *r = b->r;
    weft_assert(interface != NULL); /* PRO-101: find_kind() has found it */
    const struct weft_json *at = interface->at;
    struct weft_text *prefixes;
    enum weft_err err = gather(b, interface);
    if (err == WEFT_OK) {
        err = compile_found(b, at, &model->attributes, &model->links, &model->link_count);
    }
    model->is_closed_links = b->is_closed_links;
    model->version = interface->dtmi.major;
    if (err == WEFT_OK) {
        err = weft_element_copy(r, at, weft_json_get(at, "weft:kind")->text, &model->kind);
    }
    if (err == WEFT_OK) {
        err = weft_element_copy(r, at, interface->id, &model->id);
    }
    if (err == WEFT_OK) {
        err = weft_element_labels(r, at, &model->title, &model->description);
    }
    if (err == WEFT_OK) {
        err = weft_element_texts(r, at, "weft:assetPrefix", WEFT_MODEL_UNITS_MAX,
            weft_content_check_prefix, &prefixes, &model->prefix_count);
        model->prefixes = prefixes;
    }
    return err;
}

enum weft_err weft_interface_compile(
    struct weft_model_reader *r, const struct weft_json *root, struct weft_model *ret_model)
{
    struct builder b = {.r = r};
    struct weft_model model = {.version = 0};
    struct interface *kind = NULL;
    enum weft_err err = read_interfaces(&b, root);
    for (uint32_t i = 0; i < b.count && err == WEFT_OK; i++) {
        if (b.interfaces[i].visit == UNSEEN) {
            err = visit(&b, &b.interfaces[i]);
        }
    }
    for (uint32_t i = 0; i < b.count && err == WEFT_OK; i++) {
        err = gather(&b, &b.interfaces[i]);
    }
    if (err == WEFT_OK) {
        err = compile_components(&b);
    }
    if (err == WEFT_OK) {
        err = find_kind(&b, root, &kind);
    }
    if (err == WEFT_OK) {
        err = compile_kind(&b, kind, &model);
    }
    if (err == WEFT_OK) {
        *ret_model = model;
    }
    return err;
}
