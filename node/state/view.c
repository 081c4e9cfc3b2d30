#include "node/state/view.h"

#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/across.h"
#include "node/state/links.h"
#include "node/state/machine.h"
#include "node/state/recalls.h"
#include "proto/arith.h"
#include "proto/check.h"
#include "proto/packed.h"

enum {
    CURSOR_VERSION = 1,
    CURSOR_SIZE = 1 + 1 + 8 + 8 + 8 + 8 + 4,
    RECORD_OVERHEAD = 256, /* bytes of a record's tables besides its texts, about */
    FIELD_OVERHEAD = 40,
    TREE_KEY_PREFIX_SIZE = 8,
};

/* --- views ----------------------------------------------------------------------------------- */

enum weft_err weft_view_open(
    struct weft_state *state, struct weft_view **ret_view, struct weft_msg *msg)
{
    struct weft_view *view = calloc(1, sizeof(*view));
    if (view == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open a view");
    }
    view->state = state;
    view->store = state->store;
    view->index = state->position.public.index;
    view->packs_generation = weft_packs_generation(state->packs);
    view->time_ns = state->position.public.time_ns;
    view->snapshot = weft_store_snapshot_create(state->store);
    if (view->snapshot == NULL) {
        free(view);
        return weft_fail(msg, WEFT_ENOMEM, "open a view");
    }
    view->lineage = state->feed->lineage;
    if (view->lineage != NULL) {
        weft_lineage_retain(view->lineage);
        view->span = weft_lineage_span(view->lineage);
    }
    if (state->authorities != NULL) {
        view->authority = weft_authority_retain(weft_state_authority(state));
    }
    atomic_fetch_add(&state->views, 1);
    *ret_view = view;
    return WEFT_OK;
}

uint64_t weft_view_index(const struct weft_view *view)
{
    return view->index;
}

void weft_view_yield_with(struct weft_view *view, struct weft_yield *yield)
{
    view->yield = yield;
}

bool weft_view_is_damaged(const struct weft_view *view)
{
    return weft_store_is_damaged(view->store);
}

void weft_view_close(struct weft_view *view)
{
    if (view == NULL) {
        return;
    }
    weft_store_walk_destroy(view->walk);
    weft_store_walk_destroy(view->memory_walk);
    weft_lineage_release(view->lineage);
    weft_reveal_destroy(view->reveal);
    weft_buffer_destroy(&view->packed);
    weft_authority_release(view->authority);
    weft_store_snapshot_destroy(view->store, view->snapshot);
    atomic_fetch_sub(&view->state->views, 1);
    free(view);
}

/* --- the digest ------------------------------------------------------------------------------ */

enum weft_err weft_view_digest(struct weft_view *view, const volatile bool *cancel,
    struct weft_digest_result *ret_result, struct weft_msg *msg)
{
    struct weft_store_walk *walk = weft_store_walk_create(view->store, view->snapshot, true);
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "digest the state");
    }
    struct weft_sha256 hash;
    uint64_t keys = 0;
    enum weft_err rv = WEFT_OK;
    weft_sha256_init(&hash);
    for (weft_store_walk_first(walk); weft_store_walk_is_at_key(walk); weft_store_walk_next(walk)) {
        if (cancel != NULL && *cancel) {
            rv = weft_fail(msg, WEFT_ECLOSED, "digest the state: cancelled");
            break;
        }
        struct weft_bytes key = weft_store_walk_key(walk);
        struct weft_bytes value = weft_store_walk_value(walk);
        uint8_t sizes[TREE_KEY_PREFIX_SIZE];
        weft_put_be32(sizes, (uint32_t)key.size);
        weft_put_be32(sizes + 4, (uint32_t)value.size);
        weft_sha256_update(&hash, sizes, sizeof(sizes));
        weft_sha256_update(&hash, key.data, key.size);
        weft_sha256_update(&hash, value.data, value.size);
        keys++;
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(walk, msg);
    }
    weft_store_walk_destroy(walk);
    if (rv != WEFT_OK) {
        return rv;
    }
    *ret_result = (struct weft_digest_result){
        .index = view->index, .is_done = true, .keys = keys, .digest = weft_sha256_final(&hash)};
    return WEFT_OK;
}

/* --- what queries look up -------------------------------------------------------------------- */

enum weft_err weft_run_damaged(struct weft_run *run, const char *what)
{
    return weft_fail(run->msg, WEFT_ECORRUPT, "%s in the state is damaged", what);
}

enum weft_err weft_run_head(
    struct weft_run *run, struct weft_text asset, struct weft_head *ret_head)
{
    struct weft_store_value value = {.handle = NULL};
    enum weft_err rv = WEFT_ENOTFOUND;
    if (asset.size > 0 && asset.size <= WEFT_ASSET_SIZE_MAX) {
        struct weft_key key = weft_key_name(asset);
        rv = weft_store_get(run->view->store, run->snapshot, &key, &value, run->msg);
    }
    if (rv == WEFT_OK && weft_head_decode(value.bytes, ret_head) != WEFT_OK) {
        rv = weft_run_damaged(run, "an asset's head");
    }
    weft_store_release(&value);
    if (rv == WEFT_OK && ret_head->since > run->as_of) {
        rv = WEFT_ENOTFOUND;
    }
    return rv != WEFT_ENOTFOUND
               ? rv
               : weft_fail(run->msg, rv, "there is no asset '%.*s'", (int)asset.size, asset.data);
}

enum weft_err weft_run_word(
    struct weft_run *run, char words, struct weft_text name, uint16_t *ret_id)
{
    *ret_id = 0;
    if (name.size == 0 || name.size > WEFT_KIND_SIZE_MAX) {
        return WEFT_OK;
    }
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_word(words, name);
    enum weft_err rv = weft_store_get(run->view->store, run->snapshot, &key, &value, run->msg);
    if (rv == WEFT_OK && value.bytes.size != WEFT_WORD_ID_SIZE) {
        rv = weft_run_damaged(run, "the dictionary");
    } else if (rv == WEFT_OK) {
        *ret_id = weft_get_be16(value.bytes.data);
    } else if (rv == WEFT_ENOTFOUND) {
        rv = WEFT_OK;
    }
    weft_store_release(&value);
    return rv;
}

enum weft_err weft_run_version(struct weft_run *run, struct weft_bytes key, struct weft_bytes value,
    struct weft_ref *ret_ref, uint16_t *ret_kind, bool *ret_late)
{
    uint64_t place = 0;
    if (key.size != WEFT_KEY_VERSION_SIZE || value.size < 9 ||
        weft_get_varint(value.data + 8, value.data + value.size, &place) !=
            value.data + value.size) {
        return weft_run_damaged(run, "a version");
    }
    *ret_kind = weft_get_be16(key.data + 6);
    ret_ref->index = weft_get_be48(key.data + 8);
    ret_ref->ordinal = weft_get_be24(key.data + 14);
    ret_ref->first = ret_ref->ordinal - (uint32_t)(place >> 1);
    ret_ref->at_ns = weft_get_time(value.data);
    *ret_late = (place & 1) != 0;
    return place >> 1 <= ret_ref->ordinal ? WEFT_OK : weft_run_damaged(run, "a version");
}

enum weft_err weft_run_mirror(struct weft_run *run, struct weft_bytes key, struct weft_bytes value,
    struct weft_ref *ret_ref, uint64_t *ret_asset)
{
    return weft_mirror_read(key, value, ret_ref, ret_asset)
               ? WEFT_OK
               : weft_run_damaged(run, "a mirrored link");
}

/* The first index from `from` on that committed records. *ret_index 0: there is none. */
static enum weft_err first_from(
    struct weft_run *run, uint64_t from, uint64_t *ret_index, int64_t *ret_time_ns)
{
    const uint8_t prefix[1] = {WEFT_KEY_RECORDS};
    struct weft_key key = weft_key_records(from, 0);
    struct weft_pack pack;
    *ret_index = 0;
    weft_store_walk_to(run->walk, &key);
    if (!weft_store_walk_is_below(run->walk, (struct weft_bytes){prefix, 1})) {
        return weft_store_walk_err(run->walk, run->msg);
    }
    struct weft_bytes at = weft_store_walk_key(run->walk);
    if (at.size != WEFT_KEY_RECORDS_SIZE ||
        weft_pack_open(weft_store_walk_value(run->walk), &pack) != WEFT_OK) {
        return weft_run_damaged(run, "a pack of records");
    }
    *ret_index = weft_get_be48(at.data + 1);
    *ret_time_ns = pack.time_ns;
    return WEFT_OK;
}

/* The last index that had committed records by a time. Commit times rise with the index, so it is
 * found by halving: at most 48 descents. */
static enum weft_err index_by(struct weft_run *run, int64_t time_ns, uint64_t *ret_index)
{
    uint64_t low = 0, high = run->view->index + 1; /* low: by then. high: later, or not there. */
    enum weft_err rv = WEFT_OK;
    while (rv == WEFT_OK && low + 1 < high) {
        uint64_t middle = low + (high - low) / 2, index = 0;
        int64_t found_ns = 0;
        rv = first_from(run, middle, &index, &found_ns);
        if (index == 0 || found_ns > time_ns) {
            high = middle;
        } else {
            low = index;
        }
    }
    if (rv == WEFT_OK && low == 0) {
        rv = weft_fail(run->msg, WEFT_ENOTFOUND, "nothing was committed by then");
    }
    *ret_index = low;
    return rv;
}

/* --- pages ----------------------------------------------------------------------------------- */

static void count_fields(struct weft_run *run, uint32_t field_count)
{
    run->tables += field_count;
    run->size_bytes += (size_t)field_count * FIELD_OVERHEAD;
}

enum weft_err weft_run_decode(struct weft_run *run, const struct weft_ref *ref,
    struct weft_bytes bytes, int64_t time_ns, bool is_first, struct weft_stored_record *ret_record,
    bool *ret_fits)
{
    size_t tables_before = run->tables, size_before = run->size_bytes;
    *ret_fits = false;
    if (!is_first && run->size_bytes + bytes.size > run->size_max) {
        return WEFT_OK;
    }
    uint8_t *copy = weft_arena_alloc(run->arena, bytes.size);
    if (copy == NULL) {
        return weft_fail(run->msg, WEFT_ENOMEM, "a page of records");
    }
    memcpy(copy, bytes.data, bytes.size);
    struct weft_stored_record r = {
        .index = ref->index, .ordinal = ref->ordinal, .time_ns = time_ns};
    enum weft_err rv =
        weft_stored_decode((struct weft_bytes){copy, bytes.size}, run->arena, &r.digest, &r.record);
    if (rv != WEFT_OK) {
        return weft_fail(
            run->msg, rv, "record %llu/%u", (unsigned long long)ref->index, ref->ordinal);
    }
    size_t more = 0;
    if (!weft_node_mutant(WEFT_NODE_MUTANT_PAGE_UNFILTERED)) {
        rv = weft_reveal_record(
            run->reveal, run->view->store, run->snapshot, &r, run->arena, &more, run->msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    run->tables += 2 + (size_t)r.record.link_count;
    run->size_bytes += RECORD_OVERHEAD + bytes.size + more;
    count_fields(run, r.record.field_count);
    for (uint32_t i = 0; i < r.record.link_count; i++) {
        count_fields(run, r.record.links[i].field_count + 1);
    }
    if (!is_first && (run->tables > WEFT_RUN_TABLES_MAX || run->size_bytes > run->size_max)) {
        run->tables = tables_before;
        run->size_bytes = size_before;
        return WEFT_OK;
    }
    weft_labels_note(&run->view->tally, r.record.asset, (struct weft_text){NULL, 0});
    *ret_record = r;
    *ret_fits = true;
    return WEFT_OK;
}

/* As it is stored: a copy, and no table is made of it. */
static enum weft_err add_packed(struct weft_run *run, const struct weft_ref *ref,
    struct weft_bytes bytes, int64_t time_ns, bool *ret_added)
{
    struct weft_buffer *packed = &run->view->packed;
    size_t before = packed->size;
    bool is_first = run->page->packed.count == 0;
    *ret_added = false;
    if (!is_first && before + bytes.size > run->size_max) {
        return WEFT_OK;
    }
    enum weft_err rv = weft_run_give(run, ref, bytes, time_ns, run->arena, packed);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (!is_first && packed->size > run->size_max) {
        packed->size = before;
        return WEFT_OK;
    }
    struct weft_stored_head head;
    if (run->view->tally.labels != NULL && weft_stored_peek(bytes, &head) == WEFT_OK) {
        weft_labels_note(&run->view->tally, head.asset, (struct weft_text){NULL, 0});
    }
    run->page->packed.count++;
    *ret_added = true;
    return WEFT_OK;
}

enum weft_err weft_run_add_bytes(struct weft_run *run, const struct weft_ref *ref,
    struct weft_bytes bytes, int64_t time_ns, bool *ret_added)
{
    struct weft_page *page = run->page;
    *ret_added = false;
    if (weft_run_count(run) == run->limit) {
        return WEFT_OK;
    }
    if (run->records == NULL) {
        return add_packed(run, ref, bytes, time_ns, ret_added);
    }
    enum weft_err rv = weft_run_decode(run, ref, bytes, time_ns, page->record_count == 0,
        &run->records[page->record_count], ret_added);
    if (rv == WEFT_OK && *ret_added) {
        page->record_count++;
    }
    return rv;
}

enum weft_err weft_run_add(struct weft_run *run, const struct weft_ref *ref, bool *ret_added)
{
    struct weft_bytes bytes;
    int64_t time_ns;
    enum weft_err rv = weft_loader_get(&run->loader, ref, &bytes, &time_ns, run->msg);
    return rv == WEFT_OK ? weft_run_add_bytes(run, ref, bytes, time_ns, ret_added) : rv;
}

/* --- cursors --------------------------------------------------------------------------------- */

uint64_t weft_run_hash(const struct weft_query *query)
{
    const struct weft_query *q = query;
    const struct weft_text texts[] = {q->asset, q->asset_glob, q->kind, q->where_path,
        q->where_value, q->rels, q->to_kind, q->machine, q->part, q->differs_path, q->differs_by,
        weft_node_mutant(WEFT_NODE_MUTANT_CURSOR_SHARED) ? q->asset : q->principal}; /* NOD-175 */
    uint8_t numbers[56];
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint8_t size[8];
        weft_put_be64(size, texts[i].size);
        weft_sha256_update(&hash, size, sizeof(size));
        weft_sha256_update(&hash, texts[i].data, texts[i].size);
    }
    weft_put_be64(numbers, (uint64_t)q->type << 32 | (uint64_t)q->where_op);
    weft_put_be64(numbers + 8, q->as_of);
    weft_put_be64(numbers + 16, q->has_at ? (uint64_t)q->at_ns : 0);
    weft_put_be64(numbers + 24, (q->has_at ? 1u : 0u) | (q->no_inside ? 2u : 0u) |
                                    (q->has_window ? 4u : 0u) | (q->ids_only ? 8u : 0u) |
                                    (q->has_as_of_ns ? 16u : 0u) | (uint64_t)q->depth_max << 32);
    weft_put_be64(numbers + 32, q->has_window ? (uint64_t)q->window_from_ns : 0);
    weft_put_be64(numbers + 40, q->has_window ? (uint64_t)q->window_to_ns : 0);
    weft_put_be64(numbers + 48, q->has_as_of_ns ? (uint64_t)q->as_of_ns : 0);
    weft_sha256_update(&hash, numbers, sizeof(numbers));
    struct weft_digest digest = weft_sha256_final(&hash);
    return weft_get_be64(digest.bytes);
}

enum weft_err weft_run_stop(struct weft_run *run, const struct weft_ref *ref)
{
    uint64_t hash = weft_run_hash(run->query), at;
    uint8_t *p = weft_arena_alloc(run->arena, CURSOR_SIZE);
    if (p == NULL) {
        return weft_fail(run->msg, WEFT_ENOMEM, "a page's cursor");
    }
    enum weft_err rv = weft_run_seal(run, ref, &at, &hash);
    if (rv != WEFT_OK) {
        return rv;
    }
    run->page->cursor = (struct weft_bytes){p, CURSOR_SIZE};
    run->stopped = *ref;
    p[0] = CURSOR_VERSION;
    p[1] = (uint8_t)run->query->type;
    weft_put_be64(p + 2, hash);
    weft_put_be64(p + 10, run->as_of);
    weft_put_be64(p + 18, at);
    weft_put_be64(p + 26, ref->index);
    weft_put_be32(p + 34, ref->ordinal);
    return WEFT_OK;
}

static enum weft_err read_cursor(struct weft_run *run)
{
    const struct weft_query *q = run->query;
    const uint8_t *p = q->cursor.data;
    if (q->cursor.size != CURSOR_SIZE || p[0] != CURSOR_VERSION || p[1] != (uint8_t)q->type) {
        return weft_fail(run->msg, WEFT_EINVAL, WEFT_RUN_FOREIGN_CURSOR);
    }
    uint64_t hash = weft_get_be64(p + 2);
    run->has_after = true;
    run->as_of = weft_get_be64(p + 10);
    run->after.index = weft_get_be64(p + 26);
    run->after.ordinal = weft_get_be32(p + 34);
    if (run->as_of == 0 || run->after.index > WEFT_STATE_INDEX_MAX ||
        run->after.ordinal > WEFT_STATE_ORDINAL_MAX) {
        return weft_fail(run->msg, WEFT_EINVAL, "the cursor is not one of ours");
    }
    enum weft_err rv = weft_run_unseal(run, &run->after, weft_get_be64(p + 18), &hash);
    if (rv == WEFT_OK && hash != weft_run_hash(q)) {
        rv = weft_fail(run->msg, WEFT_EINVAL, WEFT_RUN_FOREIGN_CURSOR);
    }
    run->after.index += weft_node_mutant(WEFT_NODE_MUTANT_PAGE_SKIPS) ? 1 : 0;
    return rv;
}

/* --- queries --------------------------------------------------------------------------------- */

/* Indexes instead of the time, which later pages of the answer may not find again: of those the
 * cursor says it. */
static enum weft_err settle_as_of(struct weft_run *run, struct weft_query *q)
{
    uint64_t index = 0;
    if (!q->has_as_of_ns || (q->as_of != 0 && q->other_as_of != 0)) {
        return WEFT_OK;
    }
    if (q->cursor.size == CURSOR_SIZE) {
        index = weft_get_be64(q->cursor.data + 10);
    } else {
        enum weft_err rv = run->walk == NULL ? weft_fail(run->msg, WEFT_ENOMEM, "a walk")
                                             : index_by(run, q->as_of_ns, &index);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    q->as_of = q->as_of != 0 ? q->as_of : index;
    q->other_as_of = q->other_as_of != 0 ? q->other_as_of : index;
    return WEFT_OK;
}

static enum weft_err begin(struct weft_run *run)
{
    const struct weft_query *q = run->query;
    run->limit = q->limit == 0 ? WEFT_PAGE_RECORDS_DEFAULT : q->limit;
    if (run->limit > WEFT_PAGE_RECORDS_MAX) {
        run->limit = WEFT_PAGE_RECORDS_MAX;
    }
    run->as_of = q->as_of != 0 ? q->as_of : run->view->index;
    if (weft_node_mutant(WEFT_NODE_MUTANT_AS_OF_NOW)) {
        run->as_of = run->view->index;
    }
    if (q->cursor.size > 0) {
        enum weft_err rv = read_cursor(run);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    if (run->as_of > run->view->index) {
        return weft_fail(run->msg, WEFT_EUNAVAILABLE,
            "this node has applied up to index %llu, not %llu",
            (unsigned long long)run->view->index, (unsigned long long)run->as_of);
    }
    bool is_packed = q->packed && (q->type == WEFT_QUERY_STORY ||
                                      (q->type == WEFT_QUERY_FIND && q->differs_path.size == 0));
    if (!is_packed) {
        run->records = weft_arena_array(run->arena, run->limit, sizeof(*run->records));
    }
    if ((run->records == NULL && !is_packed) || run->walk == NULL) {
        return weft_fail(run->msg, WEFT_ENOMEM, "a page of records");
    }
    *run->page = (struct weft_page){.index = run->as_of, .records = run->records};
    return WEFT_OK;
}

static enum weft_err dispatch(struct weft_run *run)
{
    switch (run->query->type) {
    case WEFT_QUERY_ASSET:
        return weft_query_asset(run);
    case WEFT_QUERY_STORY:
        return weft_query_story(run);
    case WEFT_QUERY_FIND:
        return run->query->differs_path.size > 0 ? weft_query_differs(run) : weft_query_find(run);
    case WEFT_QUERY_COMMITS:
        return weft_query_commits(run);
    case WEFT_QUERY_TWIN:
        return weft_query_twin(run);
    case WEFT_QUERY_DIFF:
        return weft_query_diff(run);
    case WEFT_QUERY_TRACE_FORWARD:
    case WEFT_QUERY_TRACE_BACK:
        return weft_query_trace(run);
    case WEFT_QUERY_RECALL:
        return weft_query_recall(run);
    case WEFT_QUERY_AUDIT:
        break;
    }
    return weft_fail(run->msg, WEFT_EINVAL, "there is no query of type %d", (int)run->query->type);
}

/* The answer in the form that its type of query has. */
static void finish(const struct weft_run *run, struct weft_client_message *ret_answer)
{
    switch (run->query->type) {
    case WEFT_QUERY_ASSET:
    case WEFT_QUERY_STORY:
    case WEFT_QUERY_FIND:
    case WEFT_QUERY_COMMITS:
        *ret_answer = (struct weft_client_message){.kind = WEFT_KIND_PAGE, .page = *run->page};
        ret_answer->page.packed.bytes =
            (struct weft_bytes){run->view->packed.data, run->view->packed.size};
        break;
    case WEFT_QUERY_TRACE_FORWARD:
    case WEFT_QUERY_TRACE_BACK:
    case WEFT_QUERY_RECALL:
        *ret_answer =
            (struct weft_client_message){.kind = WEFT_KIND_TRACE_RESULT, .trace = *run->trace};
        ret_answer->trace.index = run->page->index;
        ret_answer->trace.cursor = run->page->cursor;
        break;
    case WEFT_QUERY_TWIN:
    case WEFT_QUERY_DIFF:
        *ret_answer =
            (struct weft_client_message){.kind = WEFT_KIND_DOCUMENT, .document = *run->document};
        break;
    case WEFT_QUERY_AUDIT:
        break;
    }
}

/* `walk` is the view's own: to make one costs as much as to answer a small question with it. */
static enum weft_err answer_by(
    struct weft_run *run, struct weft_store_walk **walk, struct weft_client_message *ret_answer)
{
    struct weft_view *view = run->view;
    struct weft_page page;
    struct weft_trace_result trace = {.index = 0};
    struct weft_document document = {.index = 0};
    struct weft_query settled = *run->query;
    if (*walk == NULL) {
        *walk = weft_store_walk_create(view->store, run->snapshot, false);
    }
    run->walk = *walk;
    if (run->walk != NULL) {
        weft_store_walk_yield_with(run->walk, view->yield);
    }
    run->page = &page;
    run->trace = &trace;
    run->document = &document;
    run->size_max = WEFT_RUN_SIZE_MAX;
    view->packed.size_max = WEFT_ANSWER_SIZE_MAX;
    weft_buffer_clear(&view->packed);
    weft_loader_init(&run->loader, view->store, run->snapshot);
    run->loader.packs = view->state->packs;
    run->loader.packs_generation = view->packs_generation;
    run->loader.is_on_loop = run->is_brief; /* NOD-14 */
    weft_run_begin_tally(run);
    enum weft_err rv = weft_run_find_reveal(run);
    if (rv == WEFT_OK) {
        rv = settle_as_of(run, &settled);
    }
    run->query = &settled;
    if (rv == WEFT_OK) {
        rv = begin(run);
    }
    if (rv == WEFT_OK) {
        rv = dispatch(run);
        rv = rv == WEFT_ENOTFOUND && run->reveal != NULL ? weft_run_be_opaque(run) : rv;
    }
    weft_loader_close(&run->loader);
    if (view->yield != NULL && view->yield->err != WEFT_OK) {
        return weft_fail(run->msg, view->yield->err, "%s", view->yield->msg.text);
    }
    if (rv == WEFT_OK) {
        finish(run, ret_answer);
    }
    return rv;
}

enum weft_err weft_view_query(struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    if (query->type == WEFT_QUERY_AUDIT && weft_state_is_command_path(query->asset)) {
        return weft_query_command(view, query, arena, ret_answer, msg);
    }
    if (query->type == WEFT_QUERY_AUDIT && weft_state_is_partner_path(query->asset)) {
        return weft_query_partner(view, query, arena, ret_answer, msg);
    }
    struct weft_run run = {.view = view,
        .snapshot = view->snapshot,
        .query = query,
        .arena = arena,
        .msg = msg,
        .steps_max = WEFT_RUN_STEPS_MAX,
        .loaded_bytes_max = WEFT_RUN_LOADED_BYTES_MAX};
    if (query->type == WEFT_QUERY_AUDIT && weft_state_is_cells_path(query->asset)) {
        return weft_query_cells(&run, ret_answer);
    }
    if (query->type == WEFT_QUERY_AUDIT && weft_state_is_recalls_path(query->asset)) {
        return weft_query_recalls(&run, ret_answer);
    }
    if (query->type == WEFT_QUERY_AUDIT && weft_state_is_across_path(query->asset)) {
        return weft_query_across(&run, ret_answer);
    }
    if (query->type == WEFT_QUERY_AUDIT) {
        weft_labels_begin(&view->tally, NULL);
        enum weft_err rv = weft_run_may_see_audit(&run);
        return rv == WEFT_OK ? weft_query_audit(view, query->asset, arena, ret_answer, msg) : rv;
    }
    return answer_by(&run, &view->walk, ret_answer);
}

enum weft_err weft_view_query_memory(struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    if (query->type != WEFT_QUERY_ASSET || query->has_as_of_ns) {
        return WEFT_EBUSY;
    }
    struct weft_run run = {.view = view,
        .snapshot = weft_store_snapshot_in_memory(view->snapshot),
        .query = query,
        .arena = arena,
        .msg = msg,
        .is_brief = true,
        .steps_max = WEFT_RUN_MEMORY_STEPS_MAX,
        .loaded_bytes_max = WEFT_RUN_MEMORY_BYTES_MAX};
    enum weft_err rv = answer_by(&run, &view->memory_walk, ret_answer);
    if (rv == WEFT_EBUSY || rv == WEFT_ETOOBIG) {
        /* A walk that missed an index block when it was made misses it for ever. */
        weft_store_walk_destroy(view->memory_walk);
        view->memory_walk = NULL;
        return WEFT_EBUSY;
    }
    return rv;
}
