#include "tests/sim/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADS = 4096
};

struct asset {
    char name[MODEL_NAME_SIZE];
    uint64_t rev;
    uint32_t last; /* Place of its newest record, plus 1. */
    uint32_t next; /* In its chain, plus 1. */
};

struct request {
    struct weft_request_id id;
    struct weft_digest body;
    uint64_t index;
    uint32_t record_count;
    uint32_t next; /* In its chain, plus 1. */
};

struct model {
    uint32_t asset_heads[HEADS];
    uint32_t request_heads[HEADS];
    struct model_record *records;
    uint32_t record_count, record_capacity;
    struct asset *assets;
    uint32_t asset_count, asset_capacity;
    struct request *requests;
    uint32_t request_count, request_capacity;
    struct model_item *items;
    uint32_t item_count, item_capacity;
    uint64_t index;
    struct weft_arena arena;
};

static void *grow(void *block, uint32_t *capacity, size_t item)
{
    *capacity = 2 * *capacity + 64;
    void *more = realloc(block, *capacity * item);
    if (more == NULL) {
        abort();
    }
    return more;
}

struct model *model_create(void)
{
    struct model *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        abort();
    }
    m->arena.size_max = 16 << 20;
    return m;
}

void model_destroy(struct model *m)
{
    if (m != NULL) {
        weft_arena_destroy(&m->arena);
        free(m->records);
        free(m->assets);
        free(m->requests);
        free(m->items);
        free(m);
    }
}

static void copy_name(char ret_name[MODEL_NAME_SIZE], struct weft_text text)
{
    if (text.size >= MODEL_NAME_SIZE) {
        abort(); /* Names are the simulation's own. */
    }
    memcpy(ret_name, text.data, text.size);
    ret_name[text.size] = '\0';
}

static uint32_t chain_of(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 16777619u;
    }
    return hash % HEADS;
}

static struct asset *find_asset(const struct model *m, struct weft_text name)
{
    uint32_t at = m->asset_heads[chain_of(name.data, name.size)];
    while (at != 0 && !weft_text_is(name, m->assets[at - 1].name)) {
        at = m->assets[at - 1].next;
    }
    return at != 0 ? &m->assets[at - 1] : NULL;
}

static struct asset *asset_of(struct model *m, struct weft_text name)
{
    struct asset *known = find_asset(m, name);
    uint32_t *head = &m->asset_heads[chain_of(name.data, name.size)];
    if (known != NULL) {
        return known;
    }
    if (m->asset_count == m->asset_capacity) {
        m->assets = grow(m->assets, &m->asset_capacity, sizeof(*m->assets));
    }
    struct asset *a = &m->assets[m->asset_count++];
    *a = (struct asset){.next = *head};
    *head = m->asset_count;
    copy_name(a->name, name);
    return a;
}

static const struct request *request_of(const struct model *m, const struct weft_request_id *id)
{
    uint32_t at = m->request_heads[chain_of(id->bytes, sizeof(id->bytes))];
    while (at != 0 && memcmp(m->requests[at - 1].id.bytes, id->bytes, sizeof(id->bytes)) != 0) {
        at = m->requests[at - 1].next;
    }
    return at != 0 ? &m->requests[at - 1] : NULL;
}

static void add_record(struct model *m, const struct weft_record *r, uint32_t ordinal)
{
    if (m->record_count == m->record_capacity) {
        m->records = grow(m->records, &m->record_capacity, sizeof(*m->records));
    }
    struct model_record *to = &m->records[m->record_count];
    *to = (struct model_record){.index = m->index, .ordinal = ordinal};
    copy_name(to->asset, r->asset);
    copy_name(to->kind, r->kind);
    for (uint32_t i = 0; i < r->field_count; i++) {
        if (weft_text_is(r->fields[i].path, "v")) {
            to->value = strtoll(r->fields[i].value.data, NULL, 10);
        }
    }
    for (uint32_t i = 0; i < r->link_count && i < MODEL_LINKS_MAX; i++) {
        copy_name(to->links[to->link_count++], r->links[i].to);
    }
    struct asset *asset = asset_of(m, r->asset);
    to->previous = asset->last;
    asset->last = ++m->record_count;
    asset->rev = m->index;
}

static bool holds(struct model *m, const struct weft_commit *commit, struct model_item *item)
{
    for (uint32_t i = 0; i < commit->record_count; i++) {
        const struct weft_record *r = &commit->records[i];
        uint64_t rev = asset_of(m, r->asset)->rev;
        if (r->has_expect && r->expect_rev != rev) {
            item->fate = MODEL_CONFLICT;
            item->present_rev = rev;
            return false;
        }
    }
    return true;
}

static void apply_commit(struct model *m, struct weft_bytes body, const struct weft_commit *commit,
    struct model_item *item, uint32_t *ordinal)
{
    struct weft_digest digest = weft_sha256(body.data, body.size);
    const struct request *known = request_of(m, &commit->request_id);
    item->request_id = commit->request_id;
    item->index = m->index;
    item->record_count = commit->record_count;
    if (known != NULL) {
        item->fate = weft_digest_equal(&known->body, &digest) ? MODEL_REPEATED : MODEL_OTHER_BODY;
        item->index = known->index;
        return;
    }
    if (!holds(m, commit, item)) {
        return;
    }
    for (uint32_t i = 0; i < commit->record_count; i++) {
        add_record(m, &commit->records[i], (*ordinal)++);
    }
    if (m->request_count == m->request_capacity) {
        m->requests = grow(m->requests, &m->request_capacity, sizeof(*m->requests));
    }
    uint32_t *head =
        &m->request_heads[chain_of(commit->request_id.bytes, sizeof(commit->request_id.bytes))];
    m->requests[m->request_count++] =
        (struct request){commit->request_id, digest, m->index, commit->record_count, *head};
    *head = m->request_count;
    item->fate = MODEL_ACCEPTED;
}

bool model_apply(struct model *m, uint64_t index, struct weft_bytes entry,
    const struct model_item **ret_items, uint32_t *ret_count)
{
    struct weft_entry_reader reader;
    struct weft_entry_item from;
    uint32_t ordinal = 0;
    m->index = index;
    m->item_count = 0;
    if (weft_entry_open(entry, &reader) != WEFT_OK) {
        return false;
    }
    while (weft_entry_next(&reader, &from) == WEFT_OK) {
        struct weft_commit commit;
        struct weft_msg msg;
        if (m->item_count == m->item_capacity) {
            m->items = grow(m->items, &m->item_capacity, sizeof(*m->items));
        }
        struct model_item *item = &m->items[m->item_count++];
        *item = (struct model_item){.fate = MODEL_ACCEPTED, .index = index};
        weft_arena_reset(&m->arena);
        if (from.type == WEFT_ITEM_COMMIT) {
            if (weft_commit_decode(from.body, &m->arena, &commit, &msg) != WEFT_OK) {
                return false;
            }
            apply_commit(m, from.body, &commit, item, &ordinal);
        }
    }
    *ret_items = m->items;
    *ret_count = m->item_count;
    return true;
}

uint64_t model_index(const struct model *m)
{
    return m->index;
}

const struct model_record *model_newest(
    const struct model *m, const char *asset, const char *kind, uint64_t index)
{
    const struct asset *a = find_asset(m, weft_text_of(asset));
    for (uint32_t at = a != NULL ? a->last : 0; at > 0; at = m->records[at - 1].previous) {
        const struct model_record *r = &m->records[at - 1];
        if (r->index <= index && strcmp(r->kind, kind) == 0) {
            return r;
        }
    }
    return NULL;
}

const struct model_record *model_next(const struct model *m, uint32_t *at)
{
    return *at < m->record_count ? &m->records[(*at)++] : NULL;
}

uint32_t model_place(const struct model *m, uint64_t index)
{
    uint32_t low = 0, high = m->record_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (m->records[middle].index < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint64_t model_request(const struct model *m, const struct weft_request_id *id)
{
    const struct request *r = request_of(m, id);
    return r != NULL ? r->index : 0;
}
