/* Where something that is recalled is used here, and where that was shipped to. */
#include <stdlib.h>

#include "node/state/machine.h"
#include "node/state/recalls.h"
#include "node/state/walks.h"
#include "proto/thread.h"

enum {
    EVENTS_MAX = 256, /* of one rel about one asset that are looked at; as location.c */
    CANDIDATES = 2,   /* spellings of one name */
};

static const char uuid[] = "urn:uuid:";

/* A list of ids that grows in the arena. */
struct ids {
    struct weft_arena *arena;
    uint64_t *items;
    uint32_t count;
    uint32_t capacity;
};

static enum weft_err add_id(struct ids *ids, uint64_t id)
{
    for (uint32_t i = ids->count; i > 0 && i + 16 > ids->count; i--) {
        if (ids->items[i - 1] == id) {
            return WEFT_OK;
        }
    }
    if (ids->count == ids->capacity) {
        uint32_t capacity = ids->capacity == 0 ? 64 : 2 * ids->capacity;
        uint64_t *items = weft_arena_array(ids->arena, capacity, sizeof(*items));
        if (items == NULL) {
            return WEFT_ENOMEM;
        }
        if (ids->count > 0) {
            memcpy(items, ids->items, ids->count * sizeof(*items));
        }
        ids->items = items;
        ids->capacity = capacity;
    }
    ids->items[ids->count++] = id;
    return WEFT_OK;
}

/* --- which assets ---------------------------------------------------------------------------- */

/* The asset, if this site has it. */
static enum weft_err add_asset(struct weft_recalls *r, struct weft_text name, struct ids *ids)
{
    struct weft_head head;
    enum weft_err err = weft_run_head(r->run, name, &head);
    return err == WEFT_OK ? add_id(ids, head.id) : err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

/* Of a name that is this site's, or nobody's: what it stands for here. */
static enum weft_err add_named(
    struct weft_recalls *r, const struct weft_subject_name *name, struct ids *ids)
{
    if (name->authority.size > 0 && !weft_text_equal(name->authority, r->site)) {
        return WEFT_OK;
    }
    enum weft_err err = add_asset(r, name->key, ids);
    if (err == WEFT_OK && weft_text_starts(name->key, uuid)) {
        err = add_asset(r,
            (struct weft_text){
                name->key.data + sizeof(uuid) - 1, name->key.size - sizeof(uuid) + 1},
            ids);
    }
    return err;
}

/* Is the asset, as this site names it, that subject? */
static bool is_subject(
    const struct weft_recalls *r, struct weft_text asset, const struct weft_digest *subject)
{
    static const struct weft_digest none;
    char key[WEFT_SUBJECT_KEY_SIZE];
    struct weft_subject_name name;
    if (weft_cells_name_thing(r->site, asset, true, &none, key, &name) != WEFT_SUBJECT_TO_CELL) {
        return false;
    }
    struct weft_digest own = weft_subject_of(&name);
    return weft_digest_equal(&own, subject);
}

/* What the record itself names: the asset that it is on, and those that it links to. */
static enum weft_err resolve_own(struct weft_recalls *r, const struct weft_recalls_act *act,
    const struct weft_digest *subject, struct ids *ids)
{
    enum weft_err err =
        is_subject(r, act->asset, subject) ? add_asset(r, act->asset, ids) : WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < act->link_count; i++) {
        if (is_subject(r, act->links[i].to, subject)) {
            err = add_asset(r, act->links[i].to, ids);
        }
    }
    return err;
}

/* Whatever the agreement has joined with it. */
static enum weft_err resolve_shared(struct weft_recalls *r,
    const struct weft_cells_agreement *agreement, const struct weft_digest *subject,
    struct ids *ids)
{
    struct weft_alias_set set;
    const struct weft_cells_desk desk = {
        .rows = &r->rows, .agreement = agreement, .arena = &r->arena, .msg = r->run->msg};
    enum weft_err err = weft_cells_set(&desk, subject, &set);
    for (uint32_t i = 0; err == WEFT_OK && i < set.count; i++) {
        struct weft_cells_subject known = {.is_known = false};
        err = weft_cells_subject(&desk, &set.subjects[i], &known);
        err = err == WEFT_OK ? add_named(r, &known.name, ids) : err;
        err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    return err;
}

enum weft_err weft_recalls_resolve(struct weft_recalls *r, const struct weft_recalls_act *act,
    uint64_t **ret_ids, uint32_t *ret_count, uint64_t *ret_unknown)
{
    struct ids ids = {.arena = &r->arena};
    enum weft_err err = WEFT_OK;
    *ret_unknown = 0;
    for (uint32_t i = 0; err == WEFT_OK && i < act->subjects.count; i++) {
        const struct weft_digest *subject = &act->subjects.items[i];
        const uint32_t before = ids.count;
        err = resolve_own(r, act, subject, &ids);
        for (uint32_t k = 0; err == WEFT_OK && k < r->agreement_count; k++) {
            err = resolve_shared(r, &r->agreements[k], subject, &ids);
        }
        *ret_unknown += err == WEFT_OK && ids.count == before;
        err = err == WEFT_OK ? weft_run_yield(r->run, 1) : err;
    }
    *ret_ids = ids.items;
    *ret_count = ids.count;
    return err;
}

enum weft_err weft_recalls_assets(struct weft_recalls *r, const struct weft_subject_name *name,
    const struct weft_digest *subjects, uint32_t count, uint64_t **ret_ids, uint32_t *ret_count)
{
    struct ids ids = {.arena = &r->arena};
    enum weft_err err = add_named(r, name, &ids);
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        for (uint32_t k = 0; err == WEFT_OK && k < r->agreement_count; k++) {
            struct weft_cells_subject known = {.is_known = false};
            const struct weft_cells_desk desk = {.rows = &r->rows,
                .agreement = &r->agreements[k],
                .arena = &r->arena,
                .msg = r->run->msg};
            err = weft_cells_subject(&desk, &subjects[i], &known);
            err = err == WEFT_OK ? add_named(r, &known.name, &ids) : err;
            err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
        }
    }
    *ret_ids = ids.items;
    *ret_count = ids.count;
    return err;
}

static int compare_named_by(const void *a, const void *b)
{
    const struct weft_recalls_named_by *x = a, *y = b;
    int order = memcmp(x->subject.bytes, y->subject.bytes, WEFT_DIGEST_SIZE);
    return order != 0 ? order : (x->agreement > y->agreement) - (x->agreement < y->agreement);
}

enum weft_err weft_recalls_resolve_told(struct weft_recalls *r, struct weft_recalls_named_by *told,
    uint32_t count, uint64_t **ret_ids, uint32_t *ret_count, uint64_t *ret_subjects,
    uint64_t *ret_unknown)
{
    struct ids ids = {.arena = &r->arena};
    enum weft_err err = WEFT_OK;
    *ret_subjects = *ret_unknown = 0;
    if (count > 1) {
        qsort(told, count, sizeof(*told), compare_named_by);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < count;) {
        const struct weft_digest *subject = &told[i].subject;
        const uint32_t before = ids.count;
        bool was_delivered = false;
        for (; err == WEFT_OK && i < count && weft_digest_equal(&told[i].subject, subject); i++) {
            bool is_again = told[i].subject.bytes != subject->bytes &&
                            told[i - 1].agreement == told[i].agreement;
            was_delivered = was_delivered || told[i].is_delivery;
            err = is_again ? WEFT_OK
                           : resolve_shared(r, &r->agreements[told[i].agreement], subject, &ids);
        }
        *ret_subjects += 1;
        *ret_unknown += was_delivered && ids.count == before;
        err = err == WEFT_OK ? weft_run_yield(r->run, 1) : err;
    }
    *ret_ids = ids.items;
    *ret_count = ids.count;
    return err;
}

/* --- what they went into --------------------------------------------------------------------- */

struct naming {
    char recall[WEFT_DIGEST_TEXT_SIZE];
    bool has_one;
};

static enum weft_err on_version(
    void *ctx, const struct weft_ref *ref, struct weft_bytes stored, bool *ret_ends)
{
    struct naming *n = ctx;
    struct weft_text value;
    enum weft_value_type type;
    (void)ref;
    if (weft_stored_field(stored, WEFT_TEXT("recall"), &type, &value) == WEFT_OK) {
        *ret_ends = n->has_one = weft_text_is(value, n->recall);
    }
    return WEFT_OK;
}

/* Has the unit a record of that kind that names the recall? */
static enum weft_err has_record(struct weft_recalls *r, uint64_t asset, uint16_t kind,
    const struct weft_digest *recall, bool *ret_has)
{
    struct naming naming = {.has_one = false};
    weft_digest_format(recall, naming.recall);
    enum weft_err err =
        kind != 0 ? weft_walk_versions(r->run, asset, kind, on_version, &naming) : WEFT_OK;
    *ret_has = naming.has_one;
    return err;
}

static enum weft_err count_unit(struct weft_recalls *r, struct weft_trace *trace, uint64_t asset,
    struct weft_acknowledgement *counts)
{
    struct weft_trace_step step = {.location = {NULL, 0}};
    bool is_blocked = false, is_done = false;
    enum weft_err err = weft_trace_locate(trace, asset, &step);
    err = err == WEFT_OK ? has_record(r, asset, r->blocks, &counts->recall, &is_blocked) : err;
    err = err == WEFT_OK ? has_record(r, asset, r->disposes, &counts->recall, &is_done) : err;
    counts->affected++;
    counts->located += step.location.size > 0;
    counts->blocked += is_blocked;
    counts->done += is_done;
    return err;
}

static enum weft_err keep_reached(
    struct weft_recalls *r, struct weft_trace *trace, struct weft_recalls_reach *reach)
{
    const struct weft_search *search = &trace->search;
    enum weft_err err = WEFT_OK;
    reach->count = search->count;
    reach->assets = weft_arena_array(&r->arena, search->count, sizeof(*reach->assets));
    reach->names = weft_arena_array(&r->arena, search->count, sizeof(*reach->names));
    reach->is_unit = weft_arena_array(&r->arena, search->count, sizeof(*reach->is_unit));
    if (reach->assets == NULL || reach->names == NULL || reach->is_unit == NULL) {
        return weft_fail(r->run->msg, WEFT_ENOMEM, "the units of a recall");
    }
    for (uint32_t i = 0; err == WEFT_OK && i < search->count; i++) {
        const struct weft_reached *reached = &search->reached[i];
        reach->assets[i] = weft_around_asset(&trace->around, reached->number);
        reach->is_unit[i] = reached->is_leaf;
        err = weft_around_name(&trace->around, reached->number, &reach->names[i]);
        reach->names[i] = weft_arena_text(&r->arena, reach->names[i]);
        if (err == WEFT_OK && reach->names[i].data == NULL) {
            err = weft_fail(r->run->msg, WEFT_ENOMEM, "the units of a recall");
        }
        if (err == WEFT_OK && reached->is_leaf) {
            err = count_unit(r, trace, reach->assets[i], &reach->counts);
        }
        err = err == WEFT_OK ? weft_run_yield(r->run, 4) : err;
    }
    return err;
}

enum weft_err weft_recalls_search(struct weft_recalls *r, const struct weft_digest *recall,
    const uint64_t *starts, uint32_t start_count, struct weft_recalls_reach *ret_reach)
{
    struct weft_trace *trace = weft_trace_create(r->run, true);
    *ret_reach = (struct weft_recalls_reach){.counts = {.recall = *recall}};
    if (trace == NULL) {
        return weft_fail(r->run->msg, WEFT_ENOMEM, "the units of a recall");
    }
    trace->search.wants_leaves = true;
    enum weft_err err = weft_around_open(&trace->around, r->run, (struct weft_text){NULL, 0});
    for (uint32_t i = 0; err == WEFT_OK && i < start_count; i++) {
        err = weft_search_enter(&trace->search, starts[i]);
    }
    err = err == WEFT_OK ? weft_search_run(&trace->search) : err;
    err = err == WEFT_OK ? keep_reached(r, trace, ret_reach) : err;
    weft_trace_destroy(trace);
    return err;
}

/* --- where that went ------------------------------------------------------------------------- */

struct shipping {
    struct weft_recalls *r;
    uint16_t word; /* Of the rel that is looked for, ... */
    const char *rel;
    struct weft_recalls_shipped *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t place;
};

static enum weft_err add_shipped(struct shipping *s, uint64_t to)
{
    for (uint32_t i = s->count; i > 0 && s->items[i - 1].place == s->place; i--) {
        if (s->items[i - 1].to == to) {
            return WEFT_OK;
        }
    }
    if (s->count == s->capacity) {
        uint32_t capacity = s->capacity == 0 ? 64 : 2 * s->capacity;
        struct weft_recalls_shipped *items =
            weft_arena_array(&s->r->arena, capacity, sizeof(*items));
        if (items == NULL) {
            return weft_fail(s->r->run->msg, WEFT_ENOMEM, "where a recall leads");
        }
        if (s->count > 0) {
            memcpy(items, s->items, s->count * sizeof(*items));
        }
        s->items = items;
        s->capacity = capacity;
    }
    s->items[s->count++] = (struct weft_recalls_shipped){s->place, to};
    return WEFT_OK;
}

/* NOD-170: as far as whoever asks may see it. */
static enum weft_err take_links(
    void *ctx, const struct weft_ref *ref, struct weft_links *links, bool *ret_ends)
{
    struct shipping *s = ctx;
    enum weft_err err = WEFT_OK;
    (void)ret_ends;
    while (err == WEFT_OK && links->left > 0) {
        uint16_t word;
        uint64_t to;
        bool may_see = true;
        if (!weft_links_next(links, &word, &to)) {
            return weft_run_damaged(s->r->run, "a record's links");
        }
        if (word != s->word) {
            continue;
        }
        err = s->r->run->reveal == NULL
                  ? WEFT_OK
                  : weft_run_may_see_link(s->r->run, ref, weft_text_of(s->rel), &may_see);
        err = err == WEFT_OK && may_see ? add_shipped(s, to) : err;
    }
    return err;
}

/* A shipment is a record of its own, too, about what was shipped. */
static enum weft_err on_event(void *ctx, const struct weft_ref *ref, uint64_t owner, bool *ret_ends)
{
    struct shipping *s = ctx;
    (void)ret_ends;
    return weft_walk_links_of(s->r->run, owner, ref, take_links, s);
}

enum weft_err weft_recalls_find_shipped(struct weft_recalls *r,
    const struct weft_recalls_reach *reach, struct weft_recalls_shipped **ret_shipped,
    uint32_t *ret_count)
{
    struct shipping s = {.r = r, .word = r->shipped_to, .rel = "shipped_to"};
    enum weft_err err = WEFT_OK;
    for (s.place = 0; err == WEFT_OK && r->shipped_to != 0 && s.place < reach->count; s.place++) {
        const uint64_t asset = reach->assets[s.place];
        err = weft_walk_links(r->run, asset, take_links, &s);
        for (size_t k = 0; err == WEFT_OK && k < sizeof(r->events) / sizeof(r->events[0]); k++) {
            err = r->events[k] != 0 ? weft_walk_mirror_back(r->run, asset, r->events[k], INT64_MAX,
                                          EVENTS_MAX, on_event, &s)
                                    : WEFT_OK;
        }
        err = err == WEFT_OK ? weft_run_yield(r->run, 4) : err;
    }
    *ret_shipped = s.items;
    *ret_count = s.count;
    return err;
}

enum weft_err weft_recalls_find_maker(
    struct weft_recalls *r, const uint64_t *ids, uint32_t count, uint64_t *ret_maker)
{
    struct shipping s = {.r = r, .rel = "made_by"};
    enum weft_err err = weft_run_word(r->run, 'r', weft_text_of(s.rel), &s.word);
    for (uint32_t i = 0; err == WEFT_OK && s.word != 0 && s.count == 0 && i < count; i++) {
        err = weft_walk_links(r->run, ids[i], take_links, &s);
    }
    *ret_maker = s.count > 0 ? s.items[0].to : 0;
    return err;
}

enum weft_err weft_recalls_name(struct weft_recalls *r, uint64_t asset, struct weft_text *ret_name)
{
    struct weft_around around;
    uint32_t number;
    enum weft_err err = weft_around_open(&around, r->run, (struct weft_text){NULL, 0});
    err = err == WEFT_OK ? weft_around_number(&around, asset, &number) : err;
    err = err == WEFT_OK ? weft_around_name(&around, number, ret_name) : err;
    if (err == WEFT_OK) {
        *ret_name = weft_arena_text(&r->arena, *ret_name);
        err = ret_name->data != NULL ? WEFT_OK : weft_fail(r->run->msg, WEFT_ENOMEM, "a name");
    }
    weft_around_close(&around);
    return err;
}
