#include "node/state/names.h"

#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/filter.h"
#include "proto/arith.h"
#include "proto/check.h"

enum {
    CACHE_NAME_SIZE_MAX = 63, /* Longer names are read from the store each time. */
    CACHE_WAYS = 4,
    TAG_TAKEN = 1, /* 0: the place is free. */
    TAG_USED = 2,  /* Asked for since its set was last gone round. */
    TABLE_SIZE_FIRST = 1024,
    WORDS_FIRST = 64,
};

/* 128 bytes: two cache lines, of which none is looked at before its tag is that of the name. */
struct cached {
    struct weft_head head;
    uint8_t size;
    char text[CACHE_NAME_SIZE_MAX];
};
_Static_assert(sizeof(struct cached) == 128, "two cache lines");

struct weft_names {
    struct weft_store *store; /* NULL: an empty world, with texts of its own. */
    struct weft_arena texts;
    uint64_t secret;
    struct cached *cache;
    uint32_t *tags; /* Of the places in the cache: upper bits of the hash, TAG_... in the lowest. */
    uint64_t set_mask;
    struct weft_name *names; /* The apply's own table. */
    uint32_t count;
    uint32_t capacity;
    uint32_t *table; /* Place + 1; 0: free. */
    uint32_t table_mask;
    struct weft_filter filter; /* Of every name that has an id. */
    struct weft_words kinds;
    struct weft_words rels;
};

/* Multiply and fold, eight bytes at a time. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t weft_name_hash(uint64_t secret, const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t hash = secret ^ size;
    while (size >= 8) {
        hash = fold(hash ^ weft_get_le64(p), UINT64_C(0x9e3779b97f4a7c15));
        p += 8;
        size -= 8;
    }
    uint64_t tail = 0;
    if (size > 0) {
        memcpy(&tail, p, size);
    }
    return fold(hash ^ tail, secret | UINT64_C(0xa0761d6478bd642f));
}

/* --- heads ----------------------------------------------------------------------------------- */

size_t weft_head_encode(const struct weft_head *head, uint8_t ret_bytes[WEFT_HEAD_SIZE_MAX])
{
    uint8_t *p = ret_bytes;
    weft_put_be40(p, head->id);
    weft_put_be48(p + 5, head->since);
    if (head->rev == 0) {
        return 11;
    }
    weft_put_be48(p + 11, head->rev);
    weft_put_time(p + 17, head->at_max_ns);
    memcpy(p + 25, head->digest.bytes, WEFT_DIGEST_SIZE);
    return WEFT_HEAD_SIZE_MAX;
}

enum weft_err weft_head_decode(struct weft_bytes bytes, struct weft_head *ret_head)
{
    struct weft_head head = {.at_max_ns = INT64_MIN};
    if (bytes.size != 11 && bytes.size != WEFT_HEAD_SIZE_MAX) {
        return WEFT_ECORRUPT;
    }
    head.id = weft_get_be40(bytes.data);
    head.since = weft_get_be48(bytes.data + 5);
    if (bytes.size == WEFT_HEAD_SIZE_MAX) {
        head.rev = weft_get_be48(bytes.data + 11);
        head.at_max_ns = weft_get_time(bytes.data + 17);
        memcpy(head.digest.bytes, bytes.data + 25, WEFT_DIGEST_SIZE);
    }
    if (head.id == 0 || head.since == 0 || (head.rev != 0 && head.rev < head.since)) {
        return WEFT_ECORRUPT;
    }
    *ret_head = head;
    return WEFT_OK;
}

/* --- words: kinds and rels ------------------------------------------------------------------- */

static enum weft_err grow_words(struct weft_words *w)
{
    if (w->count < w->capacity) {
        return WEFT_OK;
    }
    uint32_t capacity = w->capacity == 0 ? WORDS_FIRST : w->capacity * 2;
    struct weft_word *words = realloc(w->words, capacity * sizeof(*words));
    if (words == NULL) {
        return WEFT_ENOMEM;
    }
    w->words = words;
    uint32_t *table = calloc((size_t)capacity * 2, sizeof(*table));
    if (table == NULL) {
        return WEFT_ENOMEM;
    }
    free(w->table);
    w->table = table;
    w->table_size = capacity * 2;
    w->capacity = capacity;
    for (uint32_t i = 0; i < w->count; i++) {
        uint32_t slot = (uint32_t)words[i].hash & (w->table_size - 1);
        while (table[slot] != 0) {
            slot = (slot + 1) & (w->table_size - 1);
        }
        table[slot] = i + 1;
    }
    return WEFT_OK;
}

/* The slot that holds the word, or the free one where it belongs. */
static uint32_t slot_of_word(const struct weft_words *w, uint64_t hash, struct weft_text text)
{
    uint32_t slot = (uint32_t)hash & (w->table_size - 1);
    while (w->table[slot] != 0) {
        const struct weft_word *word = &w->words[w->table[slot] - 1];
        if (word->hash == hash && word->size == text.size &&
            memcmp(word->text, text.data, text.size) == 0) {
            break;
        }
        slot = (slot + 1) & (w->table_size - 1);
    }
    return slot;
}

uint16_t weft_words_find(const struct weft_words *w, struct weft_text text)
{
    if (w->count == 0) {
        return 0;
    }
    uint64_t hash = weft_name_hash(w->secret, text.data, text.size);
    return (uint16_t)w->table[slot_of_word(w, hash, text)];
}

static enum weft_err add_word(struct weft_words *w, struct weft_text text)
{
    enum weft_err rv = grow_words(w);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_assert(text.size <= WEFT_KIND_SIZE_MAX); /* NOD-101 */
    struct weft_word *word = &w->words[w->count];
    word->hash = weft_name_hash(w->secret, text.data, text.size);
    word->size = (uint8_t)text.size;
    memcpy(word->text, text.data, text.size);
    w->table[slot_of_word(w, word->hash, text)] = w->count + 1;
    w->count++;
    return WEFT_OK;
}

enum weft_err weft_words_intern(
    struct weft_words *w, struct weft_text text, struct weft_store_batch *batch, uint16_t *ret_id)
{
    uint16_t id = weft_words_find(w, text);
    if (id != 0) {
        *ret_id = id;
        return WEFT_OK;
    }
    if (w->count == WEFT_STATE_WORDS_MAX) {
        return WEFT_ETOOBIG;
    }
    enum weft_err rv = add_word(w, text);
    if (rv != WEFT_OK) {
        return rv;
    }
    id = (uint16_t)w->count;
    struct weft_key key = weft_key_dictionary(w->letter, id);
    weft_store_batch_put(batch, &key, text.data, text.size);
    uint8_t value[WEFT_WORD_ID_SIZE];
    weft_put_be16(value, id);
    key = weft_key_word(w->letter, text);
    weft_store_batch_put(batch, &key, value, sizeof(value));
    *ret_id = id;
    return WEFT_OK;
}

static enum weft_err load_words(
    struct weft_names *names, struct weft_words *w, struct weft_msg *msg)
{
    struct weft_store_walk *walk = weft_store_walk_create(names->store, NULL, true);
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "load the dictionary");
    }
    const uint8_t prefix[2] = {WEFT_KEY_DICTIONARY, (uint8_t)w->letter};
    struct weft_key key = weft_key_dictionary(w->letter, 0);
    enum weft_err rv = WEFT_OK;
    weft_store_walk_to(walk, &key);
    while (rv == WEFT_OK && weft_store_walk_is_below(walk, (struct weft_bytes){prefix, 2})) {
        struct weft_bytes at = weft_store_walk_key(walk);
        struct weft_bytes text = weft_store_walk_value(walk);
        if (at.size != 2 + WEFT_WORD_ID_SIZE || weft_get_be16(at.data + 2) != w->count + 1 ||
            text.size == 0 || text.size > WEFT_KIND_SIZE_MAX) {
            rv = weft_fail(msg, WEFT_ECORRUPT, "dictionary '%c' is damaged behind id %u", w->letter,
                (unsigned)w->count);
            break;
        }
        rv = add_word(w, (struct weft_text){(const char *)text.data, text.size});
        weft_store_walk_next(walk);
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(walk, msg);
    }
    weft_store_walk_destroy(walk);
    return rv;
}

/* The names of an ASSETS value: each behind its size. */
static enum weft_err load_names_of(struct weft_names *names, struct weft_bytes value)
{
    const uint8_t *p = value.data, *end = value.data + value.size;
    while (p < end) {
        size_t size = *p++;
        if (size == 0 || size > (size_t)(end - p)) {
            return WEFT_ECORRUPT;
        }
        weft_filter_add(&names->filter, weft_name_hash(names->secret, p, size));
        p += size;
    }
    return WEFT_OK;
}

static enum weft_err load_filter(struct weft_names *names, uint64_t assets, struct weft_msg *msg)
{
    if (weft_node_mutant(WEFT_NODE_MUTANT_EMPTY_AFTER_START)) {
        return WEFT_OK;
    }
    if (assets > WEFT_FILTER_NAMES_MAX) {
        names->filter.is_full = true;
        return WEFT_OK;
    }
    struct weft_store_walk *walk = weft_store_walk_create(names->store, NULL, true);
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "load the names of assets");
    }
    const uint8_t prefix[1] = {WEFT_KEY_ASSETS};
    struct weft_key key = weft_key_assets(0);
    enum weft_err rv = WEFT_OK;
    for (weft_store_walk_to(walk, &key);
         rv == WEFT_OK && weft_store_walk_is_below(walk, (struct weft_bytes){prefix, 1});
         weft_store_walk_next(walk)) {
        rv = load_names_of(names, weft_store_walk_value(walk));
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(walk, msg);
    }
    weft_store_walk_destroy(walk);
    bool is_counted =
        names->filter.count == assets || weft_node_mutant(WEFT_NODE_MUTANT_APPLY_TWICE);
    if (rv == WEFT_ECORRUPT || (rv == WEFT_OK && !is_counted)) {
        return weft_fail(msg, WEFT_ECORRUPT, "the names of assets are damaged: %llu of %llu found",
            (unsigned long long)names->filter.count, (unsigned long long)assets);
    }
    return rv;
}

void weft_names_is_new(struct weft_names *names, const struct weft_name *name)
{
    weft_filter_add(&names->filter, name->hash);
}

struct weft_words *weft_names_kinds(struct weft_names *names)
{
    return &names->kinds;
}

struct weft_words *weft_names_rels(struct weft_names *names)
{
    return &names->rels;
}

/* --- the cache ------------------------------------------------------------------------------- */

/* First of the places that may hold it. */
static uint64_t set_of(const struct weft_names *names, uint64_t hash)
{
    return ((hash >> 20) & names->set_mask) * CACHE_WAYS;
}

static uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32) | TAG_TAKEN | TAG_USED;
}

static bool holds(const struct cached *c, struct weft_text text)
{
    return c->size == text.size && memcmp(c->text, text.data, text.size) == 0;
}

static bool cache_get(const struct weft_names *names, uint64_t hash, struct weft_text text,
    struct weft_head *ret_head)
{
    uint64_t set = set_of(names, hash);
    uint32_t tag = tag_of(hash);
    for (uint64_t i = set; i < set + CACHE_WAYS; i++) {
        if ((names->tags[i] | TAG_USED) == tag && holds(&names->cache[i], text)) {
            names->tags[i] = tag;
            *ret_head = names->cache[i].head;
            return true;
        }
    }
    return false;
}

/* The one that holds the name, a free one, or the first that nobody asked for lately. */
static uint64_t cache_place(const struct weft_names *names, uint64_t hash, struct weft_text text)
{
    uint64_t set = set_of(names, hash), place = UINT64_MAX;
    uint32_t tag = tag_of(hash);
    for (uint64_t i = set; i < set + CACHE_WAYS; i++) {
        if ((names->tags[i] | TAG_USED) == tag && holds(&names->cache[i], text)) {
            return i;
        }
        if (place == UINT64_MAX && (names->tags[i] & TAG_USED) == 0) {
            place = i;
        }
    }
    if (place == UINT64_MAX) {
        for (uint64_t i = set; i < set + CACHE_WAYS; i++) {
            names->tags[i] &= ~(uint32_t)TAG_USED;
        }
        place = set + (hash >> 8) % CACHE_WAYS;
    }
    return place;
}

static void cache_put(const struct weft_names *names, const struct weft_name *name)
{
    if (name->text.size > CACHE_NAME_SIZE_MAX) {
        return;
    }
    uint64_t place = cache_place(names, name->hash, name->text);
    struct cached *c = &names->cache[place];
    names->tags[place] = tag_of(name->hash);
    c->head = name->head;
    c->size = (uint8_t)name->text.size;
    memcpy(c->text, name->text.data, name->text.size);
}

/* --- the apply's own table ------------------------------------------------------------------- */

enum weft_err weft_names_create(struct weft_store *store, uint64_t cache_bytes, uint64_t assets,
    uint64_t secret, struct weft_names **ret_names, struct weft_msg *msg)
{
    struct weft_names *names = calloc(1, sizeof(*names));
    if (names == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "names");
    }
    uint64_t sets = 1;
    while (sets * 2 * CACHE_WAYS * sizeof(struct cached) <= cache_bytes) {
        sets *= 2;
    }
    names->store = store;
    names->secret = secret;
    names->set_mask = sets - 1;
    names->table_mask = TABLE_SIZE_FIRST - 1;
    names->kinds = (struct weft_words){.letter = 'k', .secret = secret};
    names->rels = (struct weft_words){.letter = 'r', .secret = secret};
    names->cache = aligned_alloc(sizeof(*names->cache), sets * CACHE_WAYS * sizeof(*names->cache));
    names->tags = calloc(sets * CACHE_WAYS, sizeof(*names->tags));
    names->table = calloc(TABLE_SIZE_FIRST, sizeof(*names->table));
    enum weft_err rv = names->cache != NULL && names->tags != NULL && names->table != NULL
                           ? WEFT_OK
                           : weft_fail(msg, WEFT_ENOMEM, "names");
    names->texts.size_max = SIZE_MAX / 2;
    if (rv == WEFT_OK && store != NULL) {
        rv = load_words(names, &names->kinds, msg);
        if (rv == WEFT_OK) {
            rv = load_words(names, &names->rels, msg);
        }
        if (rv == WEFT_OK) {
            rv = load_filter(names, assets, msg);
        }
    }
    if (rv != WEFT_OK) {
        weft_names_destroy(names);
        return rv;
    }
    *ret_names = names;
    return WEFT_OK;
}

void weft_names_destroy(struct weft_names *names)
{
    if (names == NULL) {
        return;
    }
    weft_filter_destroy(&names->filter);
    weft_arena_destroy(&names->texts);
    free(names->kinds.words);
    free(names->kinds.table);
    free(names->rels.words);
    free(names->rels.table);
    free(names->table);
    free(names->names);
    free(names->cache);
    free(names->tags);
    free(names);
}

static enum weft_err grow_table(struct weft_names *names)
{
    if (names->count == names->capacity) {
        uint32_t capacity = names->capacity == 0 ? TABLE_SIZE_FIRST / 2 : names->capacity * 2;
        struct weft_name *array = realloc(names->names, capacity * sizeof(*array));
        if (array == NULL) {
            return WEFT_ENOMEM;
        }
        names->names = array;
        names->capacity = capacity;
    }
    if (names->count * 2 < names->table_mask) {
        return WEFT_OK;
    }
    uint32_t mask = names->table_mask * 2 + 1;
    uint32_t *table = calloc((size_t)mask + 1, sizeof(*table));
    if (table == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < names->count; i++) {
        uint32_t slot = (uint32_t)names->names[i].hash & mask;
        while (table[slot] != 0) {
            slot = (slot + 1) & mask;
        }
        table[slot] = i + 1;
    }
    free(names->table);
    names->table = table;
    names->table_mask = mask;
    return WEFT_OK;
}

static enum weft_err load_head(struct weft_names *names, struct weft_text text, uint64_t hash,
    struct weft_head *ret_head, bool *ret_is_cached, struct weft_msg *msg)
{
    *ret_is_cached = cache_get(names, hash, text, ret_head);
    if (*ret_is_cached) {
        return WEFT_OK;
    }
    if (names->store == NULL || !weft_filter_may_hold(&names->filter, hash)) {
        *ret_head = (struct weft_head){.at_max_ns = INT64_MIN};
        return WEFT_OK;
    }
    struct weft_key key = weft_key_name(text);
    struct weft_store_value value = {.handle = NULL};
    enum weft_err rv = weft_store_get(names->store, NULL, &key, &value, msg);
    if (rv == WEFT_ENOTFOUND) {
        *ret_head = (struct weft_head){.at_max_ns = INT64_MIN};
        return WEFT_OK;
    }
    if (rv == WEFT_OK && weft_head_decode(value.bytes, ret_head) != WEFT_OK) {
        rv = weft_fail(
            msg, WEFT_ECORRUPT, "head of asset '%.*s' is damaged", (int)text.size, text.data);
    }
    weft_store_release(&value);
    return rv;
}

void weft_names_expect(const struct weft_names *names, struct weft_text text)
{
    uint64_t hash = weft_name_hash(names->secret, text.data, text.size);
    uint64_t set = set_of(names, hash);
    uint32_t tag = tag_of(hash);
    __builtin_prefetch(&names->table[(uint32_t)hash & names->table_mask]);
    for (uint64_t i = set; i < set + CACHE_WAYS; i++) {
        if ((names->tags[i] | TAG_USED) == tag) {
            __builtin_prefetch(&names->cache[i]);
            __builtin_prefetch(names->cache[i].text);
            return;
        }
    }
    weft_filter_expect(&names->filter, hash);
}

/* False: the apply has not looked at it yet. */
static bool find_in_table(
    const struct weft_names *names, struct weft_text text, uint64_t hash, uint32_t *ret_place)
{
    uint32_t slot = (uint32_t)hash & names->table_mask;
    while (names->table[slot] != 0) {
        uint32_t place = names->table[slot] - 1;
        if (names->names[place].hash == hash && weft_text_equal(names->names[place].text, text)) {
            *ret_place = place;
            return true;
        }
        slot = (slot + 1) & names->table_mask;
    }
    return false;
}

enum weft_err weft_names_peek(struct weft_names *names, struct weft_text text,
    struct weft_head *ret_head, struct weft_msg *msg)
{
    uint32_t place;
    bool is_cached;
    uint64_t hash = weft_name_hash(names->secret, text.data, text.size);
    if (find_in_table(names, text, hash, &place)) {
        *ret_head = names->names[place].head;
        return WEFT_OK;
    }
    return load_head(names, text, hash, ret_head, &is_cached, msg);
}

enum weft_err weft_names_find(
    struct weft_names *names, struct weft_text text, uint32_t *ret_place, struct weft_msg *msg)
{
    uint64_t hash = weft_name_hash(names->secret, text.data, text.size);
    if (find_in_table(names, text, hash, ret_place)) {
        return WEFT_OK;
    }
    enum weft_err rv = grow_table(names);
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "names");
    }
    struct weft_name *name = &names->names[names->count];
    rv = load_head(names, text, hash, &name->head, &name->is_cached, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (names->store == NULL) {
        text = weft_arena_text(&names->texts, text);
        if (text.data == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "names");
        }
    }
    name->text = text;
    name->hash = hash;
    name->is_changed = false;
    uint32_t slot = (uint32_t)hash & names->table_mask;
    while (names->table[slot] != 0) {
        slot = (slot + 1) & names->table_mask;
    }
    *ret_place = names->count++;
    names->table[slot] = names->count;
    return WEFT_OK;
}

struct weft_name *weft_names_at(struct weft_names *names, uint32_t place)
{
    weft_assert(place < names->count); /* NOD-101 */
    return &names->names[place];
}

uint32_t weft_names_count(const struct weft_names *names)
{
    return names->count;
}

void weft_names_settle(struct weft_names *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        struct weft_name *name = &names->names[i];
        uint32_t slot = (uint32_t)name->hash & names->table_mask;
        while (names->table[slot] != i + 1) {
            slot = (slot + 1) & names->table_mask;
        }
        /* Freed in order of place: who was put behind this one is looked for by its own place,
         * so the holes this leaves in a run do not hide it. */
        names->table[slot] = 0;
        if (name->head.id != 0 && (name->is_changed || !name->is_cached)) {
            cache_put(names, name);
        }
    }
    names->count = 0;
}

void weft_names_put(struct weft_names *names, struct weft_store_batch *batch)
{
    for (uint32_t i = 0; i < weft_names_count(names); i++) {
        const struct weft_name *name = weft_names_at(names, i);
        if (name->is_changed) {
            uint8_t head[WEFT_HEAD_SIZE_MAX];
            size_t size = weft_head_encode(&name->head, head);
            struct weft_key key = weft_key_name(name->text);
            weft_store_batch_put(batch, &key, head, size);
        }
    }
}
