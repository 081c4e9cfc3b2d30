/* FIND with differs_path: assets on which the newest records of several groups disagree in a
 * field: two organizations on a verdict, two machines on a measurement. An asset's newest record
 * of a group is the one true latest; of each asset that differs, all of them are the answer, one
 * behind the other, in the order of the assets' ids. Groups that do not state the field have no
 * part in it. */
#include "node/state/condition.h"
#include "node/state/view.h"
#include "proto/check.h"

enum {
    GROUPS_MAX = 16, /* Of one asset; what further groups say is not looked at. */
    SCRATCH_SIZE_MAX = 16 * 1024 * 1024,
};

struct group {
    struct weft_text name;
    struct weft_text value;
    enum weft_value_type type;
    struct weft_ref ref;
    bool has_value;
};

struct differs {
    struct weft_run *run;
    uint16_t kind;
    uint32_t limit;            /* Records; an asset that was begun is ended. */
    struct weft_arena scratch; /* Of the asset at hand. */
    struct group groups[GROUPS_MAX];
    uint32_t group_count;
    struct weft_ref last; /* The last asset that was dealt with, as an index. */
};

/* --- one record ------------------------------------------------------------------------------ */

/* What is hidden is not there. */
static void hide(struct differs *d, struct weft_bytes bytes, struct weft_text path, bool *is_there)
{
    struct weft_reveal *reveal = d->run->reveal;
    struct weft_stored_head head;
    if (*is_there && reveal != NULL) {
        *is_there = weft_stored_peek(bytes, &head) == WEFT_OK &&
                    weft_reveal_shows(reveal, head.kind, head.asset, path);
    }
}

/* A quantity may be named without its "/value", as in a condition. */
static enum weft_err field_of(struct differs *d, struct weft_bytes bytes, struct weft_text path,
    enum weft_value_type *ret_type, struct weft_text *ret_value, bool *ret_is_there)
{
    char longer[WEFT_PATH_SIZE_MAX + sizeof("/value")];
    enum weft_err rv = weft_stored_field(bytes, path, ret_type, ret_value);
    if (rv == WEFT_ENOTFOUND) {
        memcpy(longer, path.data, path.size);
        memcpy(longer + path.size, "/value", sizeof("/value"));
        path = weft_text_of(longer);
        rv = weft_stored_field(bytes, path, ret_type, ret_value);
    }
    *ret_is_there = rv == WEFT_OK;
    hide(d, bytes, path, ret_is_there);
    return rv == WEFT_OK || rv == WEFT_ENOTFOUND ? WEFT_OK : weft_run_damaged(d->run, "a record");
}

static enum weft_err group_name(
    struct differs *d, struct weft_bytes bytes, struct weft_text *ret_name, bool *ret_is_there)
{
    struct weft_text by = d->run->query->differs_by;
    struct weft_record record;
    struct weft_digest digest;
    enum weft_value_type type;
    bool is_author = by.size == 0 || weft_text_is(by, "author");
    *ret_is_there = true;
    if (!is_author && !weft_text_is(by, "source")) {
        return field_of(d, bytes, by, &type, ret_name, ret_is_there);
    }
    enum weft_err rv = weft_stored_decode(bytes, &d->scratch, &digest, &record);
    if (rv != WEFT_OK) {
        return weft_run_damaged(d->run, "a record");
    }
    *ret_name = is_author ? record.author : record.source;
    const char *hash = is_author || record.source.size == 0
                           ? NULL
                           : memchr(record.source.data, '#', record.source.size);
    if (hash != NULL) {
        ret_name->size = (size_t)(hash - record.source.data);
    }
    hide(d, bytes, is_author ? WEFT_TEXT("@author") : WEFT_TEXT("@source"), ret_is_there);
    return WEFT_OK;
}

static bool is_newer(const struct weft_ref *a, const struct weft_ref *b)
{
    if (a->at_ns != b->at_ns) {
        return a->at_ns > b->at_ns;
    }
    return a->index != b->index ? a->index > b->index : a->ordinal > b->ordinal;
}

/* The group of that name, made if need be; NULL: there are too many, or no memory. */
static struct group *find_group(struct differs *d, struct weft_text name)
{
    for (uint32_t i = 0; i < d->group_count; i++) {
        if (weft_text_equal(d->groups[i].name, name)) {
            return &d->groups[i];
        }
    }
    struct weft_text copy = weft_arena_text(&d->scratch, name);
    if (d->group_count == GROUPS_MAX || copy.data == NULL) {
        return NULL;
    }
    d->groups[d->group_count] = (struct group){.name = copy};
    return &d->groups[d->group_count++];
}

static enum weft_err take(struct differs *d, const struct weft_ref *ref)
{
    struct weft_run *run = d->run;
    struct weft_bytes bytes;
    struct weft_text name, value = {NULL, 0};
    enum weft_value_type type = WEFT_VALUE_NULL;
    int64_t time_ns;
    bool is_named = false, has_value = false, may_see = false;
    enum weft_err rv = weft_loader_get(&run->loader, ref, &bytes, &time_ns, run->msg);
    if (rv == WEFT_OK) {
        rv = weft_run_may_see_record(run, bytes, &may_see);
    }
    if (rv != WEFT_OK || !may_see) {
        return rv;
    }
    if (rv == WEFT_OK) {
        rv = group_name(d, bytes, &name, &is_named);
    }
    if (rv == WEFT_OK) {
        rv = field_of(d, bytes, run->query->differs_path, &type, &value, &has_value);
    }
    struct group *g = rv == WEFT_OK && is_named ? find_group(d, name) : NULL;
    if (g == NULL || (g->ref.index != 0 && !is_newer(ref, &g->ref))) {
        return rv;
    }
    g->ref = *ref;
    g->type = type;
    g->has_value = has_value && type != WEFT_VALUE_REDACTED;
    g->value = weft_arena_text(&d->scratch, value);
    return g->value.data != NULL || value.size == 0
               ? WEFT_OK
               : weft_fail(run->msg, WEFT_ENOMEM, "compare records");
}

/* --- one asset ------------------------------------------------------------------------------- */

static bool is_equal(const struct group *a, const struct group *b)
{
    bool are_numbers = (a->type == WEFT_VALUE_INT || a->type == WEFT_VALUE_REAL) &&
                       (b->type == WEFT_VALUE_INT || b->type == WEFT_VALUE_REAL);
    return are_numbers ? weft_number_compare(a->value, b->value) == 0
                       : a->type == b->type && weft_text_equal(a->value, b->value);
}

static bool do_differ(const struct differs *d)
{
    const struct group *first = NULL;
    for (uint32_t i = 0; i < d->group_count; i++) {
        const struct group *g = &d->groups[i];
        if (g->has_value && first != NULL && !is_equal(first, g)) {
            return true;
        }
        first = g->has_value && first == NULL ? g : first;
    }
    return false;
}

/* Those that state the field, in the order in which they were agreed. */
static enum weft_err add_groups(struct differs *d, bool *ret_added)
{
    struct weft_run *run = d->run;
    uint32_t before = run->page->record_count;
    *ret_added = true;
    for (uint32_t done = 0; done < d->group_count && *ret_added; done++) {
        struct group *next = NULL;
        for (uint32_t i = 0; i < d->group_count; i++) {
            struct group *g = &d->groups[i];
            if (g->has_value &&
                (next == NULL || g->ref.index < next->ref.index ||
                    (g->ref.index == next->ref.index && g->ref.ordinal < next->ref.ordinal))) {
                next = g;
            }
        }
        if (next == NULL) {
            break;
        }
        enum weft_err rv = weft_run_add(run, &next->ref, ret_added);
        if (rv != WEFT_OK) {
            return rv;
        }
        next->has_value = false;
    }
    if (!*ret_added && before > 0) {
        run->page->record_count = before; /* All of it on the next page. */
    } else {
        *ret_added = true; /* Larger than a page: what fits. */
    }
    return WEFT_OK;
}

/* Is the asset one that was asked for? Its name stands in its records. */
static enum weft_err is_asked(struct differs *d, const struct weft_ref *ref, bool *ret_is_asked)
{
    struct weft_run *run = d->run;
    struct weft_bytes bytes;
    struct weft_stored_head head;
    int64_t time_ns;
    enum weft_err rv = weft_loader_get(&run->loader, ref, &bytes, &time_ns, run->msg);
    if (rv == WEFT_OK && weft_stored_peek(bytes, &head) != WEFT_OK) {
        rv = weft_run_damaged(run, "a record");
    }
    *ret_is_asked = rv == WEFT_OK && weft_glob_fits(run->query->asset_glob, head.asset);
    return rv;
}

static enum weft_err look_at_asset(struct differs *d, uint64_t asset, bool *ret_added)
{
    struct weft_run *run = d->run;
    struct weft_key key = weft_key_version(asset, d->kind, 0, 0);
    const struct weft_bytes prefix = {key.bytes, WEFT_KEY_VERSION_PREFIX_SIZE};
    enum weft_err rv = WEFT_OK;
    bool is_first = true, is_wanted = true;
    weft_arena_reset(&d->scratch);
    d->group_count = 0;
    *ret_added = true;
    for (; rv == WEFT_OK && is_wanted && weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        struct weft_ref ref;
        uint16_t kind;
        bool is_late;
        rv = weft_run_version(run, weft_store_walk_key(run->walk), weft_store_walk_value(run->walk),
            &ref, &kind, &is_late);
        if (rv != WEFT_OK || ref.index > run->as_of) {
            break;
        }
        run->steps++;
        if (is_first && run->query->asset_glob.size > 0) {
            rv = is_asked(d, &ref, &is_wanted);
        }
        is_first = false;
        if (rv == WEFT_OK && is_wanted && weft_run_sees(run, ref.index, ref.at_ns)) {
            rv = take(d, &ref);
        }
    }
    return rv == WEFT_OK && do_differ(d) ? add_groups(d, ret_added) : rv;
}

/* --- all assets ------------------------------------------------------------------------------ */

/* To the next asset at or behind `asset` that has a record of the kind. */
static enum weft_err next_asset(struct differs *d, uint64_t *asset, bool *ret_is_there)
{
    struct weft_run *run = d->run;
    const uint8_t type[1] = {WEFT_KEY_VERSION};
    for (;;) {
        struct weft_key key = weft_key_version(*asset, d->kind, 0, 0);
        weft_store_walk_to(run->walk, &key);
        *ret_is_there = weft_store_walk_is_below(run->walk, (struct weft_bytes){type, 1});
        if (!*ret_is_there) {
            return weft_store_walk_err(run->walk, run->msg);
        }
        struct weft_bytes found = weft_store_walk_key(run->walk);
        if (found.size != WEFT_KEY_VERSION_SIZE) {
            return weft_run_damaged(run, "a version");
        }
        uint64_t id = weft_get_be40(found.data + 1);
        uint16_t kind = weft_get_be16(found.data + 6);
        if (kind == d->kind) {
            *asset = id;
            return WEFT_OK;
        }
        /* Its kinds stand in order: the wanted one may still come, or comes no more. */
        *asset = id == *asset || kind > d->kind ? id + 1 : id;
        if (!weft_run_step(run)) {
            *ret_is_there = false;
            d->last.index = *asset - 1;
            return weft_run_stop(run, &d->last);
        }
    }
}

static enum weft_err walk_assets(struct differs *d)
{
    struct weft_run *run = d->run;
    uint64_t asset = run->has_after ? run->after.index + 1 : 1;
    enum weft_err rv = WEFT_OK;
    while (rv == WEFT_OK) {
        bool is_there = false, is_added = true;
        rv = next_asset(d, &asset, &is_there);
        if (rv != WEFT_OK || !is_there) {
            return rv;
        }
        rv = look_at_asset(d, asset, &is_added);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (!is_added) {
            return weft_run_stop(run, &d->last);
        }
        d->last.index = asset++;
        if (run->page->record_count >= d->limit || !weft_run_step(run)) {
            return weft_run_stop(run, &d->last);
        }
    }
    return rv;
}

/* Room for the rest of an asset behind the limit. */
static enum weft_err make_room(struct differs *d)
{
    struct weft_run *run = d->run;
    uint32_t limit_max = WEFT_PAGE_RECORDS_MAX - GROUPS_MAX;
    d->limit = run->limit < limit_max ? run->limit : limit_max;
    run->limit = d->limit + GROUPS_MAX;
    run->records = weft_arena_array(run->arena, run->limit, sizeof(*run->records));
    run->page->records = run->records;
    return run->records != NULL ? WEFT_OK : weft_fail(run->msg, WEFT_ENOMEM, "a page of records");
}

enum weft_err weft_query_differs(struct weft_run *run)
{
    const struct weft_query *q = run->query;
    struct differs d = {.run = run, .scratch = {.size_max = SCRATCH_SIZE_MAX}};
    if (q->kind.size == 0 || q->where_path.size > 0 || q->where_op != WEFT_OP_NONE) {
        return weft_fail(run->msg, WEFT_EINVAL,
            q->kind.size == 0 ? "to find what differs, a kind is needed"
                              : "what differs is found without a condition");
    }
    if (q->differs_path.size > WEFT_PATH_SIZE_MAX || q->differs_by.size > WEFT_PATH_SIZE_MAX) {
        return weft_fail(run->msg, WEFT_EINVAL, "a path is more than %d bytes", WEFT_PATH_SIZE_MAX);
    }
    d.last.index = run->has_after ? run->after.index : 0;
    enum weft_err rv = weft_run_word(run, 'k', q->kind, &d.kind);
    if (rv == WEFT_OK && d.kind != 0) {
        rv = make_room(&d);
        rv = rv == WEFT_OK ? walk_assets(&d) : rv;
    }
    weft_arena_destroy(&d.scratch);
    return rv;
}
