/* FIND and COMMITS: records by revision, filtered. Three ways to the same answer: the histories
 * of the few assets that a glob can mean, the index of kinds, or all records in order. */
#include "node/mutant.h"
#include "node/state/collect.h"
#include "node/state/condition.h"
#include "proto/check.h"

enum {
    FEW_ASSETS = 1024
}; /* One descent per asset and page: some ms. */

struct filter {
    struct weft_text glob;
    struct weft_text kind;
    struct weft_condition condition;
};

/* What is hidden fits no condition, whatever that says of it. */
static bool is_told(
    struct weft_run *run, const struct weft_stored_head *head, struct weft_text path)
{
    return run->reveal == NULL || weft_node_mutant(WEFT_NODE_MUTANT_CONDITION_UNFILTERED) ||
           weft_reveal_shows(run->reveal, head->kind, head->asset, path);
}

/* Is the record one that was asked for? A quantity may be named without its "/value".
 * *ret_may_see: whether anything is told of it. */
static enum weft_err fits(struct weft_run *run, const struct filter *f, struct weft_bytes bytes,
    struct weft_ref *ref, bool *ret_may_see, bool *ret_fits)
{
    struct weft_stored_head head;
    *ret_fits = *ret_may_see = false;
    if (weft_stored_peek(bytes, &head) != WEFT_OK) {
        return weft_run_damaged(run, "a record");
    }
    ref->at_ns = head.at_ns;
    *ret_may_see = weft_run_may_see(run, head.kind, head.asset);
    if (!*ret_may_see) {
        return WEFT_OK;
    }
    if (!weft_run_sees(run, ref->index, ref->at_ns) || !weft_glob_fits(f->glob, head.asset) ||
        (f->kind.size > 0 && !weft_text_equal(f->kind, head.kind))) {
        return WEFT_OK;
    }
    if (f->condition.op == WEFT_OP_NONE) {
        *ret_fits = true;
        return WEFT_OK;
    }
    enum weft_value_type type;
    struct weft_text value, told = f->condition.path;
    char path[WEFT_PATH_SIZE_MAX + sizeof("/value")];
    enum weft_err rv = weft_stored_field(bytes, f->condition.path, &type, &value);
    if (rv == WEFT_ENOTFOUND && f->condition.path.size <= WEFT_PATH_SIZE_MAX) {
        memcpy(path, f->condition.path.data, f->condition.path.size);
        memcpy(path + f->condition.path.size, "/value", sizeof("/value"));
        told = weft_text_of(path);
        rv = weft_stored_field(bytes, told, &type, &value);
    }
    if (rv == WEFT_OK) {
        *ret_fits = is_told(run, &head, told) && weft_condition_holds(&f->condition, type, value);
    }
    return rv == WEFT_ENOTFOUND ? WEFT_OK : rv == WEFT_OK ? rv : weft_run_damaged(run, "a record");
}

/* Look at one record. *ret_more false: the page ends here, with its cursor if need be. */
static enum weft_err consider(struct weft_run *run, const struct filter *f, struct weft_ref *ref,
    struct weft_bytes bytes, int64_t time_ns, struct weft_ref *last, bool *ret_more)
{
    bool may_see, is_fit, is_added = true;
    *ret_more = true;
    enum weft_err rv = fits(run, f, bytes, ref, &may_see, &is_fit);
    if (rv == WEFT_OK && is_fit) {
        rv = weft_run_add_bytes(run, ref, bytes, time_ns, &is_added);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    if (!is_added) {
        *ret_more = false;
        return weft_run_stop(run, last);
    }
    if (may_see) {
        *last = *ref; /* A cursor speaks of what may not be seen only where it must. */
    }
    if (!weft_run_step(run)) {
        *ret_more = false;
        return weft_run_stop(run, ref);
    }
    return WEFT_OK;
}

static bool is_after(const struct weft_ref *after, uint64_t index, uint32_t ordinal)
{
    return index > after->index || (index == after->index && ordinal > after->ordinal);
}

/* --- all records in order -------------------------------------------------------------------- */

/* The pack under the walk. */
static enum weft_err scan_pack(struct weft_run *run, const struct filter *f,
    const struct weft_ref *from, struct weft_ref *last, bool *ret_more)
{
    struct weft_bytes key = weft_store_walk_key(run->walk);
    struct weft_bytes value = weft_store_walk_value(run->walk);
    struct weft_pack pack;
    if (key.size != WEFT_KEY_RECORDS_SIZE || weft_pack_open(value, &pack) != WEFT_OK) {
        return weft_run_damaged(run, "a pack of records");
    }
    struct weft_ref ref = {
        .index = weft_get_be48(key.data + 1), .first = weft_get_be24(key.data + 7)};
    run->loader.loaded_bytes += value.size;
    const uint8_t *size_at = pack.sizes.data;
    const uint8_t *record = pack.records.data;
    *ret_more = ref.index <= run->as_of;
    for (uint32_t i = 0; i < pack.count && *ret_more; i++) {
        uint64_t size = 0;
        size_at = weft_get_varint(size_at, pack.records.data, &size);
        ref.ordinal = ref.first + i;
        if (is_after(from, ref.index, ref.ordinal)) {
            struct weft_bytes bytes = {record, (size_t)size};
            enum weft_err rv = consider(run, f, &ref, bytes, pack.time_ns, last, ret_more);
            if (rv != WEFT_OK) {
                return rv;
            }
        }
        record += size;
    }
    return WEFT_OK;
}

/* Everything behind `from`, which is the place before the first wanted. */
static enum weft_err scan(struct weft_run *run, const struct filter *f, const struct weft_ref *from)
{
    const uint8_t prefix[1] = {WEFT_KEY_RECORDS};
    const struct weft_bytes records = {prefix, 1};
    struct weft_key key = weft_key_records(from->index, from->ordinal);
    struct weft_ref last = *from;
    bool more = true;
    weft_store_walk_back_to(run->walk, &key);
    if (!weft_store_walk_is_below(run->walk, records)) {
        weft_store_walk_to(run->walk, &key);
    }
    while (more && weft_store_walk_is_below(run->walk, records)) {
        enum weft_err rv = scan_pack(run, f, from, &last, &more);
        if (rv != WEFT_OK) {
            return rv;
        }
        weft_store_walk_next(run->walk);
    }
    return weft_store_walk_err(run->walk, run->msg);
}

/* --- by kind --------------------------------------------------------------------------------- */

static enum weft_err scan_ordinals(struct weft_run *run, const struct filter *f,
    const struct weft_ref *from, struct weft_ref *last, bool *ret_more)
{
    struct weft_bytes key = weft_store_walk_key(run->walk);
    struct weft_bytes value = weft_store_walk_value(run->walk);
    const uint8_t *p = value.data, *end = value.data + value.size;
    if (key.size != WEFT_KEY_KIND_SIZE) {
        return weft_run_damaged(run, "the index of kinds");
    }
    struct weft_ref ref = {.index = weft_get_be48(key.data + 3)};
    uint64_t ordinal = 0;
    *ret_more = ref.index <= run->as_of;
    while (p < end && *ret_more) {
        uint64_t step;
        p = weft_get_varint(p, end, &step);
        if (p == NULL || !weft_add_u64(ordinal, step, &ordinal) ||
            ordinal > WEFT_STATE_ORDINAL_MAX) {
            return weft_run_damaged(run, "the index of kinds");
        }
        ref.ordinal = (uint32_t)ordinal;
        if (!is_after(from, ref.index, ref.ordinal)) {
            continue;
        }
        struct weft_bytes bytes;
        int64_t time_ns;
        enum weft_err rv =
            weft_loader_find(&run->loader, ref.index, ref.ordinal, &bytes, &time_ns, run->msg);
        if (rv == WEFT_OK) {
            rv = consider(run, f, &ref, bytes, time_ns, last, ret_more);
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}

static enum weft_err scan_kind(
    struct weft_run *run, const struct filter *f, uint16_t kind, const struct weft_ref *from)
{
    struct weft_key key = weft_key_kind(kind, from->index);
    struct weft_bytes prefix = {key.bytes, 1 + WEFT_WORD_ID_SIZE};
    struct weft_ref last = *from;
    bool more = true;
    for (weft_store_walk_to(run->walk, &key); more && weft_store_walk_is_below(run->walk, prefix);
         weft_store_walk_next(run->walk)) {
        enum weft_err rv = scan_ordinals(run, f, from, &last, &more);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return weft_store_walk_err(run->walk, run->msg);
}

/* --- by the names that a glob can mean ------------------------------------------------------- */

/* Ids of the assets that fit the glob, in *ret_assets, of which there is room for FEW_ASSETS.
 * *ret_few false: there are more, or more names to look at than that is worth. */
static enum weft_err few_assets(struct weft_run *run, struct weft_text glob, uint64_t *ret_assets,
    uint32_t *ret_count, bool *ret_few)
{
    struct weft_text prefix = weft_glob_prefix(glob);
    *ret_count = 0;
    *ret_few = false;
    if (prefix.size == 0) {
        return WEFT_OK;
    }
    if (prefix.size > WEFT_ASSET_SIZE_MAX) {
        *ret_few = true;
        return WEFT_OK;
    }
    struct weft_key key = weft_key_name(prefix);
    weft_store_walk_to(run->walk, &key);
    for (uint32_t looked = 0; weft_store_walk_is_below(run->walk, weft_key_bytes(&key));
         weft_store_walk_next(run->walk)) {
        struct weft_bytes at = weft_store_walk_key(run->walk);
        struct weft_text name = {(const char *)at.data + 1, at.size - 1};
        struct weft_head head;
        if (weft_glob_fits(glob, name)) {
            if (weft_head_decode(weft_store_walk_value(run->walk), &head) != WEFT_OK) {
                return weft_run_damaged(run, "an asset's head");
            }
            if (*ret_count == FEW_ASSETS) {
                return WEFT_OK;
            }
            weft_assert(ret_assets != NULL);
            ret_assets[(*ret_count)++] = head.id;
        }
        if (++looked == 8 * FEW_ASSETS) {
            return WEFT_OK;
        }
        if (prefix.size == glob.size) {
            break; /* No wildcard: one name. */
        }
    }
    *ret_few = true;
    return weft_store_walk_err(run->walk, run->msg);
}

/* The histories of these assets, a page's worth of places at a time. */
static enum weft_err scan_assets(struct weft_run *run, const struct filter *f,
    const uint64_t *assets, uint32_t asset_count, uint16_t kind)
{
    struct weft_collect collect;
    enum weft_err rv = weft_collect_init(&collect, run, run->limit + 1, false);
    struct weft_ref last = run->after;
    bool more = true;
    while (rv == WEFT_OK && more) {
        collect.count = 0;
        for (uint32_t i = 0; i < asset_count && rv == WEFT_OK; i++) {
            rv = weft_collect_asset(&collect, run, assets[i], kind);
        }
        for (uint32_t i = 0; i < collect.count && rv == WEFT_OK && more; i++) {
            struct weft_bytes bytes;
            int64_t time_ns;
            rv = weft_loader_get(&run->loader, &collect.refs[i], &bytes, &time_ns, run->msg);
            if (rv == WEFT_OK) {
                rv = consider(run, f, &collect.refs[i], bytes, time_ns, &last, &more);
            }
        }
        more = more && collect.count == collect.capacity;
        collect.has_after = true;
        collect.after = collect.count > 0 ? collect.refs[collect.count - 1] : last;
    }
    return rv;
}

/* --- the queries ----------------------------------------------------------------------------- */

static enum weft_err check_glob(struct weft_run *run)
{
    struct weft_text glob = run->query->asset_glob;
    if (glob.size > WEFT_ASSET_SIZE_MAX || !weft_text_is_utf8(glob)) {
        return weft_fail(run->msg, WEFT_EINVAL, "the glob is not UTF-8 of at most %d bytes",
            WEFT_ASSET_SIZE_MAX);
    }
    return WEFT_OK;
}

enum weft_err weft_query_find(struct weft_run *run)
{
    const struct weft_query *q = run->query;
    struct filter f = {.glob = q->asset_glob, .kind = q->kind};
    enum weft_err rv = weft_condition_init(q, &f.condition, run->msg);
    uint16_t kind = 0;
    uint64_t *assets = weft_arena_array(run->arena, FEW_ASSETS, sizeof(*assets));
    uint32_t asset_count;
    bool is_few;
    if (rv == WEFT_OK && assets == NULL) {
        rv = weft_fail(run->msg, WEFT_ENOMEM, "find records");
    }
    if (rv == WEFT_OK) {
        rv = check_glob(run);
    }
    if (rv == WEFT_OK) {
        rv = weft_run_word(run, 'k', q->kind, &kind);
    }
    if (rv != WEFT_OK || (q->kind.size > 0 && kind == 0)) {
        return rv; /* No record is of that kind: an empty page. */
    }
    rv = few_assets(run, f.glob, assets, &asset_count, &is_few);
    if (rv != WEFT_OK || is_few) {
        return rv == WEFT_OK ? scan_assets(run, &f, assets, asset_count, kind) : rv;
    }
    return kind != 0 ? scan_kind(run, &f, kind, &run->after) : scan(run, &f, &run->after);
}

enum weft_err weft_query_commits(struct weft_run *run)
{
    const struct weft_query *q = run->query;
    struct filter f = {.glob = q->asset_glob};
    struct weft_ref from = run->after;
    enum weft_err rv = weft_condition_init(q, &f.condition, run->msg);
    if (rv == WEFT_OK) {
        rv = check_glob(run);
    }
    if (!run->has_after && q->from_index > 0) {
        from = (struct weft_ref){.index = q->from_index - 1, .ordinal = WEFT_STATE_ORDINAL_MAX};
    }
    if (rv == WEFT_OK && from.index < WEFT_STATE_INDEX_MAX) {
        rv = scan(run, &f, &from);
    }
    run->page->next_index = run->as_of + 1;
    if (weft_node_mutant(WEFT_NODE_MUTANT_WATCH_REPEATS) && run->as_of % 16 == 0) {
        run->page->next_index--;
    }
    if (run->page->cursor.size > 0) {
        /* The index of the last record looked at may have more of them. */
        run->page->next_index = run->stopped.index;
    }
    return rv;
}
