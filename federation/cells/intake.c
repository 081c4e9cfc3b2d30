#include "federation/cells/intake.h"

#include <stdio.h>

#include "federation/contract_path.h"
#include "proto/arith.h"
#include "proto/check.h"
#include "proto/thread.h"

static struct weft_cell_statement statement_of(
    const struct weft_projection *projection, const struct weft_digest *digest)
{
    const struct weft_statement_header *h = &projection->header;
    return (struct weft_cell_statement){.digest = *digest,
        .act = WEFT_CELL_SAY,
        .author = h->authority,
        .revision = {h->epoch, h->index, h->ordinal},
        .time_ns = h->time_ns};
}

/* --- parts ----------------------------------------------------------------------------------- */

enum {
    LINK_PATH_SIZE = 6 + WEFT_REL_SIZE_MAX + 1, /* "@link/", rel, zero */
};

struct parting {
    const struct weft_contract *contract;
    const struct weft_projection *projection;
    struct weft_arena *arena;
    struct weft_intake_part *parts;
    uint32_t *shown;         /* Items of each part. */
    size_t *sizes;           /* Bytes of their values together. */
    uint16_t *part_of;       /* Of each item; NO_PART. */
    struct weft_text *paths; /* Of each item, as contracts name it. */
    uint32_t count;
};

enum {
    NO_PART = UINT16_MAX
};

_Static_assert((int)WEFT_STATEMENT_LEAVES_MAX < (int)NO_PART, "parts are told by 16 bits");

/* FED-131: the longer of the contract's cell and of its field group that cover the path: both do,
 * so one begins with the other, and each field is in one cell. */
static struct weft_text group_of(
    const struct weft_contract *contract, struct weft_text kind, struct weft_text path)
{
    struct weft_text group = {NULL, 0};
    for (uint32_t i = 0; i < contract->cell_count; i++) {
        const struct weft_contract_cell *cell = &contract->cells[i];
        if (cell->path.size > group.size && weft_contract_path_covers(cell->path, path) &&
            weft_text_equal(cell->kind, kind)) {
            group = cell->path;
        }
    }
    for (uint32_t i = 0; i < contract->authority_count; i++) {
        const struct weft_contract_authority *a = &contract->authorities[i];
        if (a->group.size > group.size && weft_contract_path_covers(a->group, path) &&
            weft_text_equal(a->kind, kind)) {
            group = a->group;
        }
    }
    return group;
}

static bool is_reserved(struct weft_text path)
{
    return weft_text_starts(path, "@") && !weft_text_starts(path, "@link/");
}

/* Of a shown link "@link/<rel>", and its value's bytes behind the rel; else as it stands. */
static enum weft_err name_path(
    struct parting *p, const struct weft_projection_item *item, struct weft_text *ret_path)
{
    *ret_path = item->path;
    if (item->shape != WEFT_PROJECTION_SHOWN || item->type != WEFT_LEAF_LINK) {
        return WEFT_OK;
    }
    const uint8_t *value = (const uint8_t *)item->value.data;
    uint32_t size = item->value.size >= 4 ? weft_get_be32(value) : UINT32_MAX;
    if (item->value.size < 4 || size > item->value.size - 4 || size > WEFT_REL_SIZE_MAX) {
        return WEFT_EMALFORMED;
    }
    char *path = weft_arena_alloc(p->arena, LINK_PATH_SIZE);
    if (path == NULL) {
        return WEFT_ENOMEM;
    }
    int length = snprintf(path, LINK_PATH_SIZE, "@link/%.*s", (int)size, item->value.data + 4);
    *ret_path = (struct weft_text){path, (size_t)length};
    return WEFT_OK;
}

static uint16_t part_for(struct parting *p, struct weft_text path, const struct weft_digest *digest)
{
    const struct weft_text kind = p->projection->header.kind;
    struct weft_text group = group_of(p->contract, kind, path);
    uint16_t at = 0;
    while (at < p->count && !weft_text_equal(p->parts[at].group, group)) {
        at++;
    }
    if (at == p->count) {
        p->parts[p->count++] = (struct weft_intake_part){.group = group,
            .rule = weft_contract_rule(p->contract, kind, group),
            .authority = weft_contract_authority(p->contract, kind, group),
            .statement = statement_of(p->projection, digest)};
    }
    return at;
}

static enum weft_err part_items(struct parting *p, const struct weft_digest *digest)
{
    for (uint32_t i = 0; i < p->projection->item_count; i++) {
        const struct weft_projection_item *item = &p->projection->items[i];
        p->part_of[i] = NO_PART;
        if (item->shape == WEFT_PROJECTION_BLIND || is_reserved(item->path)) {
            continue;
        }
        enum weft_err err = name_path(p, item, &p->paths[i]);
        if (err != WEFT_OK) {
            return err;
        }
        uint16_t at = part_for(p, p->paths[i], digest);
        p->part_of[i] = at;
        if (item->shape == WEFT_PROJECTION_SHOWN) {
            p->shown[at]++;
            p->sizes[at] += 4 + p->paths[i].size + 1 + 4 + item->value.size;
        }
    }
    return WEFT_OK;
}

static uint8_t *put_text(uint8_t *out, struct weft_text text)
{
    weft_put_be32(out, (uint32_t)text.size);
    if (text.size > 0) {
        memcpy(out + 4, text.data, text.size);
    }
    return out + 4 + text.size;
}

/* Of one field that is the group itself its value; of others text(path) type text(value) of each
 * that is shown, in their order. */
static enum weft_err give_value(struct parting *p, uint16_t at)
{
    struct weft_cell_statement *s = &p->parts[at].statement;
    uint8_t *value = weft_arena_alloc(p->arena, p->sizes[at]), *out = value;
    if (value == NULL) {
        return WEFT_ENOMEM;
    }
    s->is_withheld = p->shown[at] == 0;
    for (uint32_t i = 0; i < p->projection->item_count; i++) {
        const struct weft_projection_item *item = &p->projection->items[i];
        if (p->part_of[i] != at || item->shape != WEFT_PROJECTION_SHOWN) {
            continue;
        }
        if (p->shown[at] == 1 && weft_text_equal(p->paths[i], p->parts[at].group)) {
            s->value = item->value;
            return WEFT_OK;
        }
        out = put_text(out, p->paths[i]);
        *out++ = item->type;
        out = put_text(out, item->value);
    }
    weft_assert(out == value + p->sizes[at]); /* FED-131 */
    s->value = (struct weft_text){(const char *)value, p->sizes[at]};
    return WEFT_OK;
}

static enum weft_err begin(struct parting *p)
{
    uint32_t count = p->projection->item_count;
    p->parts = weft_arena_array(p->arena, count, sizeof(*p->parts));
    p->shown = weft_arena_array(p->arena, count, sizeof(*p->shown));
    p->sizes = weft_arena_array(p->arena, count, sizeof(*p->sizes));
    p->part_of = weft_arena_array(p->arena, count, sizeof(*p->part_of));
    p->paths = weft_arena_array(p->arena, count, sizeof(*p->paths));
    bool is_there = p->parts != NULL && p->shown != NULL && p->sizes != NULL &&
                    p->part_of != NULL && p->paths != NULL;
    return is_there ? WEFT_OK : WEFT_ENOMEM;
}

enum weft_err weft_intake_parts(const struct weft_contract *contract,
    const struct weft_projection *projection, const struct weft_digest *digest,
    struct weft_arena *arena, struct weft_intake_part **ret_parts, uint32_t *ret_count,
    struct weft_msg *msg)
{
    struct parting p = {.contract = contract, .projection = projection, .arena = arena};
    weft_assert(projection->item_count <= WEFT_STATEMENT_LEAVES_MAX); /* FED-131 */
    enum weft_err err = begin(&p);
    if (err == WEFT_OK) {
        err = part_items(&p, digest);
    }
    for (uint16_t at = 0; err == WEFT_OK && at < p.count; at++) {
        err = give_value(&p, at);
    }
    if (err != WEFT_OK) {
        return weft_fail(msg, err,
            err == WEFT_EMALFORMED ? "a link that is none" : "no memory for a statement's parts");
    }
    *ret_parts = p.parts;
    *ret_count = p.count;
    return WEFT_OK;
}

/* --- acts ------------------------------------------------------------------------------------ */

static void give_act(struct weft_intake_act *a, const struct weft_digest *digest)
{
    const struct weft_cell_statement *s = &a->statement;
    switch (a->act.kind) {
    case WEFT_ACT_RESOLUTION:
        a->statement.act = WEFT_CELL_RESOLVE;
        a->statement.value = a->act.resolution.value;
        a->statement.names = a->act.resolution.names.items;
        a->statement.name_count = a->act.resolution.names.count;
        return;
    case WEFT_ACT_RETRACT:
        a->statement.act = WEFT_CELL_RETRACT;
        a->statement.names = a->act.retract.names.items;
        a->statement.name_count = a->act.retract.names.count;
        return;
    case WEFT_ACT_HANDOFF:
        a->handoff =
            (struct weft_handoff_statement){*digest, s->author, s->revision, a->act.handoff};
        return;
    case WEFT_ACT_ALIAS:
        a->word = (struct weft_alias_word){
            *digest, s->author, s->revision, .is_denied = !a->act.alias.is_same};
        return;
    case WEFT_ACT_STEP:
        a->step =
            (struct weft_workflow_step){*digest, s->author, a->act.step.step, a->act.step.after};
        return;
    case WEFT_ACT_RECALL:
    case WEFT_ACT_IMPACT:
    case WEFT_ACT_ACKNOWLEDGEMENT:
        return;
    case WEFT_ACT_KINDS:
        break;
    }
    weft_unreachable("FED-121");
}

enum weft_err weft_intake_act(const struct weft_projection *projection,
    const struct weft_digest *digest, struct weft_arena *arena, struct weft_intake_act *ret_act,
    struct weft_msg *msg)
{
    struct weft_intake_act a;
    struct weft_record record = {.kind = projection->header.kind};
    memset(&a, 0, sizeof(a));
    if (weft_act_kind_of(record.kind) == WEFT_ACT_KINDS) {
        return weft_fail(
            msg, WEFT_EINVAL, "no act is of kind %.*s", (int)record.kind.size, record.kind.data);
    }
    enum weft_err err = weft_projection_record(projection, arena, &record, msg);
    if (err == WEFT_OK) {
        err = weft_act_decode(&record, arena, &a.act, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    a.statement = statement_of(projection, digest);
    give_act(&a, digest);
    *ret_act = a;
    return WEFT_OK;
}

/* --- edges ----------------------------------------------------------------------------------- */

/* As whoever states it calls a thing: of its kind is what stands before the first ':'. */
static enum weft_err name_thing(const struct weft_projection *projection, struct weft_text asset,
    const struct weft_digest *digest, struct weft_arena *arena, bool *ret_has_name,
    struct weft_subject_name *ret_name)
{
    struct weft_text rest = asset, kind;
    char *key = weft_arena_alloc(arena, WEFT_SUBJECT_KEY_SIZE);
    if (key == NULL) {
        return WEFT_ENOMEM;
    }
    if (!weft_text_cut(&rest, ':', &kind) || !weft_name_is_valid(kind)) {
        kind = WEFT_TEXT("asset");
    }
    *ret_has_name = weft_subject_admit(projection->header.authority, kind, asset, true, digest, key,
                        ret_name) == WEFT_SUBJECT_TO_CELL;
    return WEFT_OK;
}

static enum weft_cell_rule rule_of(const struct weft_contract *contract,
    const struct weft_projection *projection, struct weft_text rel)
{
    char path[LINK_PATH_SIZE];
    int size = snprintf(path, sizeof(path), "@link/%.*s", (int)rel.size, rel.data);
    return weft_contract_rule(
        contract, projection->header.kind, (struct weft_text){path, (size_t)size});
}

/* The asset that the record's `parent` links name, if there are any: an EPCIS event stands for it
 * (proto/thread.h). Empty: they name several. */
static struct weft_text parent_of(const struct weft_record *record, struct weft_text asset)
{
    struct weft_text parent = asset;
    bool is_named = false;
    for (uint32_t i = 0; i < record->link_count; i++) {
        if (weft_thread_rel(record->links[i].rel) != WEFT_REL_PARENT) {
            continue;
        }
        if (is_named && !weft_text_equal(parent, record->links[i].to)) {
            return (struct weft_text){NULL, 0};
        }
        parent = record->links[i].to;
        is_named = true;
    }
    return parent;
}

struct edging {
    const struct weft_contract *contract;
    const struct weft_projection *projection;
    const struct weft_digest *digest;
    struct weft_arena *arena;
    struct weft_text parent;
    struct weft_intake_edge *edges;
    uint32_t count;
};

static enum weft_err add_edge(struct edging *e, const struct weft_link *link)
{
    enum weft_rel rel = weft_thread_rel(link->rel);
    const struct weft_rel_traits *traits = weft_thread_rel_traits(rel);
    bool is_end = traits->rel_class == WEFT_REL_CLASS_END, has_names[2] = {false, false};
    struct weft_text asset = traits->uses_parent ? e->parent : e->projection->asset;
    struct weft_subject_name names[2]; /* The asset, what it links to. */
    if ((!is_end && traits->rel_class != WEFT_REL_CLASS_MATERIAL) || rel == WEFT_REL_EMPTIES) {
        return WEFT_OK;
    }
    enum weft_err err =
        name_thing(e->projection, asset, e->digest, e->arena, &has_names[0], &names[0]);
    if (err == WEFT_OK) {
        err = name_thing(e->projection, link->to, e->digest, e->arena, &has_names[1], &names[1]);
    }
    if (err != WEFT_OK || !has_names[0] || !has_names[1]) {
        return err;
    }
    struct weft_intake_edge *edge = &e->edges[e->count++];
    *edge = (struct weft_intake_edge){.parent = names[traits->is_asset_inside ? 1 : 0],
        .child = names[traits->is_asset_inside ? 0 : 1],
        .rule = rule_of(e->contract, e->projection, link->rel),
        .statement = statement_of(e->projection, e->digest)};
    edge->statement.value = is_end ? WEFT_TEXT("out") : WEFT_TEXT("in");
    return WEFT_OK;
}

enum weft_err weft_intake_edges(const struct weft_contract *contract,
    const struct weft_projection *projection, const struct weft_digest *digest,
    struct weft_arena *arena, struct weft_intake_edge **ret_edges, uint32_t *ret_count,
    struct weft_msg *msg)
{
    struct edging e = {
        .contract = contract, .projection = projection, .digest = digest, .arena = arena};
    struct weft_record record = {.link_count = 0};
    enum weft_err err = weft_projection_record(projection, arena, &record, msg);
    if (err != WEFT_OK) {
        return err;
    }
    e.parent = parent_of(&record, projection->asset);
    e.edges = weft_arena_array(arena, record.link_count, sizeof(*e.edges));
    err = e.edges != NULL ? WEFT_OK : WEFT_ENOMEM;
    for (uint32_t i = 0; err == WEFT_OK && i < record.link_count; i++) {
        err = add_edge(&e, &record.links[i]);
    }
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "no memory for a statement's edges");
    }
    *ret_edges = e.edges;
    *ret_count = e.count;
    return WEFT_OK;
}

struct weft_digest weft_intake_edge_subject(
    const struct weft_digest *parent, const struct weft_digest *child)
{
    static const char domain[] = "weft-edge/v1\n";
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, domain, sizeof(domain) - 1);
    weft_sha256_update(&h, parent->bytes, WEFT_DIGEST_SIZE);
    weft_sha256_update(&h, child->bytes, WEFT_DIGEST_SIZE);
    return weft_sha256_final(&h);
}
