/* node/state/store.h without RocksDB: keys in order in memory, versions by number, and one file
 * that holds what is durable. To open one costs a tenth of a millisecond, where RocksDB takes ten;
 * so that a simulation can start and crash nodes by the thousand. What was not flushed is lost when
 * sim_store_crash says so: as RocksDB loses it, whose own log is off. */
#include "node/state/store.h"
#include "proto/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/arith.h"
#include "tests/sim/store.h"

enum {
    PATH_SIZE = 1400,
};

struct version {
    struct version *older;
    uint64_t number; /* Of the write that made it. */
    uint32_t size;
    bool is_gone;
    uint8_t data[];
};

struct slot {
    struct version *newest;
    uint32_t size;
    uint8_t key[];
};

struct weft_store {
    char directory[PATH_SIZE];
    struct slot **slots; /* By key. None ever goes. */
    size_t count;
    size_t capacity;
    uint64_t number;  /* Of the last write. */
    uint64_t durable; /* Of the last one in the file. */
    uint64_t file;    /* "<file>.sst"; 0: there is none. */
    bool read_only;
    struct weft_store *next; /* Of those that are open. */
};

struct weft_store_snapshot {
    uint64_t number;
    bool is_in_memory;
    struct weft_store_snapshot *in_memory;
};

struct put {
    struct weft_bytes key, value; /* A range: from, to. */
    bool is_range;
};

struct weft_store_batch {
    struct put *puts;
    size_t count;
    size_t capacity;
};

struct weft_store_walk {
    struct weft_store *store;
    uint64_t number;
    bool is_at_key;
    bool has_missed;
    struct weft_yield *yield;
    struct slot *slot;
    const struct version *version;
};

static struct weft_store *stores;
static const char *crashing; /* Directory whose next close loses what is not durable. */
static const struct sim_store_faults *faults;

void sim_store_set_faults(const struct sim_store_faults *f)
{
    faults = f;
}

void sim_store_crash(const char *directory)
{
    crashing = directory;
}

void sim_store_crashed(const char *directory)
{
    (void)directory;
    crashing = NULL;
}

static void *must(void *block)
{
    if (block == NULL) {
        abort();
    }
    return block;
}

static int compare(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* The place of the first key at or above. */
static size_t lower(const struct weft_store *s, const uint8_t *key, size_t size)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(s->slots[middle]->key, s->slots[middle]->size, key, size) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct slot *find(const struct weft_store *s, const uint8_t *key, size_t size)
{
    size_t at = lower(s, key, size);
    bool is_it = at < s->count && compare(s->slots[at]->key, s->slots[at]->size, key, size) == 0;
    return is_it ? s->slots[at] : NULL;
}

static void add_version(
    struct weft_store *s, struct slot *slot, const void *data, size_t size, bool is_gone)
{
    struct version *v = must(malloc(sizeof(*v) + size));
    *v = (struct version){slot->newest, s->number, (uint32_t)size, is_gone};
    if (size > 0) {
        memcpy(v->data, data, size);
    }
    slot->newest = v;
}

static void put(struct weft_store *s, struct weft_bytes key, struct weft_bytes value)
{
    size_t at = lower(s, key.data, key.size);
    if (at == s->count || compare(s->slots[at]->key, s->slots[at]->size, key.data, key.size) != 0) {
        if (s->count == s->capacity) {
            s->capacity = 2 * s->capacity + 256;
            s->slots = must(realloc(s->slots, s->capacity * sizeof(struct slot *)));
        }
        memmove(&s->slots[at + 1], &s->slots[at], (s->count - at) * sizeof(struct slot *));
        struct slot *slot = must(malloc(sizeof(*slot) + key.size));
        slot->newest = NULL;
        slot->size = (uint32_t)key.size;
        memcpy(slot->key, key.data, key.size);
        s->slots[at] = slot;
        s->count++;
    }
    add_version(s, s->slots[at], value.data, value.size, false);
}

static const struct version *seen(const struct slot *slot, uint64_t number)
{
    const struct version *v = slot->newest;
    while (v != NULL && v->number > number) {
        v = v->older;
    }
    return v != NULL && !v->is_gone ? v : NULL;
}

/* --- the file -------------------------------------------------------------------------------- */

static void path_of(const char *directory, uint64_t file, char ret_path[PATH_SIZE + 40])
{
    if (file == 0) {
        (void)snprintf(ret_path, PATH_SIZE + 40, "%s/CURRENT", directory);
    } else {
        (void)snprintf(
            ret_path, PATH_SIZE + 40, "%s/%06llu.sst", directory, (unsigned long long)file);
    }
}

static void put_image(const struct weft_store *s, struct weft_buffer *out)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct version *v = seen(s->slots[i], s->number);
        uint8_t sizes[8];
        if (v == NULL) {
            continue;
        }
        weft_put_be32(sizes, s->slots[i]->size);
        weft_put_be32(sizes + 4, v->size);
        if (weft_buffer_append(out, sizes, sizeof(sizes)) != WEFT_OK ||
            weft_buffer_append(out, s->slots[i]->key, s->slots[i]->size) != WEFT_OK ||
            weft_buffer_append(out, v->data, v->size) != WEFT_OK) {
            abort();
        }
    }
}

static enum weft_err write_file(
    const char *path, const void *data, size_t size, struct weft_msg *msg)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, data, size) == (ssize_t)size;
    if (fd >= 0) {
        (void)close(fd);
    }
    return ok ? WEFT_OK : weft_fail(msg, WEFT_EIO, "%s: write: %s", path, strerror(errno));
}

static enum weft_err write_current(const char *directory, uint64_t file, struct weft_msg *msg)
{
    char path[PATH_SIZE + 40], fresh[PATH_SIZE + 48], text[24];
    path_of(directory, 0, path);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    int size = snprintf(text, sizeof(text), "%06llu\n", (unsigned long long)file);
    enum weft_err rv = write_file(fresh, text, (size_t)size, msg);
    if (rv == WEFT_OK && rename(fresh, path) != 0) {
        rv = weft_fail(msg, WEFT_EIO, "%s: rename: %s", path, strerror(errno));
    }
    return rv;
}

enum weft_err weft_store_flush(struct weft_store *store, struct weft_msg *msg)
{
    char path[PATH_SIZE + 40];
    if (store->file != 0 && store->durable == store->number) {
        return WEFT_OK;
    }
    struct weft_buffer image = {0};
    put_image(store, &image);
    path_of(store->directory, store->file + 1, path);
    enum weft_err rv = write_file(path, image.data, image.size, msg);
    weft_buffer_destroy(&image);
    if (rv == WEFT_OK) {
        rv = write_current(store->directory, store->file + 1, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    if (store->file != 0) {
        path_of(store->directory, store->file, path);
        (void)unlink(path);
    }
    store->file++;
    store->durable = store->number;
    return WEFT_OK;
}

enum weft_err weft_store_files(
    struct weft_store *store, weft_store_on_file *on_file, void *ctx, struct weft_msg *msg)
{
    (void)store, (void)on_file, (void)ctx, (void)msg;
    return WEFT_OK; /* It keeps none. */
}

/* What was replaced is nowhere. */
enum weft_err weft_store_purge(
    struct weft_store *store, const volatile bool *cancel, struct weft_msg *msg)
{
    (void)store, (void)cancel, (void)msg;
    return WEFT_OK;
}

enum weft_err weft_store_checkpoint(
    struct weft_store *store, const char *directory, struct weft_msg *msg)
{
    char from[PATH_SIZE + 40], to[PATH_SIZE + 40];
    enum weft_err rv = weft_store_flush(store, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    path_of(store->directory, store->file, from);
    path_of(directory, store->file, to);
    if (mkdir(directory, 0700) != 0 || link(from, to) != 0) {
        return weft_fail(msg, WEFT_EIO, "checkpoint %s: %s", directory, strerror(errno));
    }
    return write_current(directory, store->file, msg);
}

static enum weft_err load_pairs(struct weft_store *s, const uint8_t *p, size_t size)
{
    while (size > 0) {
        size_t key_size = size >= 8 ? weft_get_be32(p) : 0;
        size_t value_size = size >= 8 ? weft_get_be32(p + 4) : 0;
        if (size < 8 || key_size + value_size > size - 8) {
            return WEFT_ECORRUPT;
        }
        put(s, (struct weft_bytes){p + 8, key_size},
            (struct weft_bytes){p + 8 + key_size, value_size});
        p += 8 + key_size + value_size;
        size -= 8 + key_size + value_size;
    }
    return WEFT_OK;
}

static enum weft_err load(struct weft_store *s, struct weft_msg *msg)
{
    char path[PATH_SIZE + 40], text[24] = "";
    struct stat st;
    path_of(s->directory, 0, path);
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return WEFT_ENOTFOUND;
    }
    bool is_read = fgets(text, sizeof(text), f) != NULL;
    (void)fclose(f);
    s->file = is_read ? strtoull(text, NULL, 10) : 0;
    path_of(s->directory, s->file, path);
    int fd = s->file != 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return weft_fail(msg, WEFT_ECORRUPT, "%s: a file is missing", s->directory);
    }
    uint8_t *bytes = must(malloc((size_t)st.st_size + 1));
    bool is_whole = read(fd, bytes, (size_t)st.st_size) == st.st_size;
    (void)close(fd);
    enum weft_err rv = is_whole ? load_pairs(s, bytes, (size_t)st.st_size) : WEFT_ECORRUPT;
    free(bytes);
    return rv == WEFT_OK ? rv : weft_fail(msg, rv, "%s: damaged", path);
}

/* --- open and close -------------------------------------------------------------------------- */

static void free_store(struct weft_store *s)
{
    for (size_t i = 0; i < s->count; i++) {
        for (struct version *v = s->slots[i]->newest; v != NULL;) {
            struct version *older = v->older;
            free(v);
            v = older;
        }
        free(s->slots[i]);
    }
    free(s->slots);
    free(s);
}

enum weft_err weft_store_open(const struct weft_store_options *options,
    struct weft_store **ret_store, bool *ret_created, struct weft_msg *msg)
{
    struct weft_store *s = must(calloc(1, sizeof(*s)));
    (void)snprintf(s->directory, sizeof(s->directory), "%s", options->directory);
    s->read_only = options->read_only;
    s->number = 1;
    enum weft_err rv = load(s, msg);
    s->durable = s->number;
    if (rv == WEFT_ENOTFOUND && !options->read_only) {
        *ret_created = true;
        rv = mkdir(s->directory, 0700) == 0 || errno == EEXIST
                 ? WEFT_OK
                 : weft_fail(msg, WEFT_EIO, "%s: %s", s->directory, strerror(errno));
    } else {
        *ret_created = false;
    }
    if (rv != WEFT_OK) {
        free_store(s);
        return rv == WEFT_ENOTFOUND
                   ? weft_fail(msg, rv, "there is no state in %s", options->directory)
                   : rv;
    }
    s->next = stores;
    stores = s;
    *ret_store = s;
    return WEFT_OK;
}

void weft_store_close(struct weft_store *store)
{
    struct weft_msg msg;
    if (store == NULL) {
        return;
    }
    bool is_lost = crashing != NULL && strcmp(crashing, store->directory) == 0;
    if (!store->read_only && !is_lost && weft_store_flush(store, &msg) != WEFT_OK) {
        abort();
    }
    for (struct weft_store **at = &stores; *at != NULL; at = &(*at)->next) {
        if (*at == store) {
            *at = store->next;
            break;
        }
    }
    free_store(store);
}

/* --- reading --------------------------------------------------------------------------------- */

static bool misses(void)
{
    return faults != NULL && faults->misses(faults->ctx);
}

static enum weft_err get(struct weft_store *store, uint64_t number, const struct weft_key *key,
    struct weft_store_value *ret_value)
{
    const struct slot *slot = find(store, key->bytes, key->size);
    const struct version *v = slot != NULL ? seen(slot, number) : NULL;
    if (v == NULL) {
        return WEFT_ENOTFOUND;
    }
    ret_value->bytes = (struct weft_bytes){v->data, v->size};
    ret_value->handle = store;
    return WEFT_OK;
}

void weft_store_watch(struct weft_store *store, const struct weft_store_damage *on_damage)
{
    (void)store, (void)on_damage;
}

bool weft_store_is_damaged(const struct weft_store *store)
{
    (void)store;
    return false;
}

enum weft_err weft_store_get(struct weft_store *store, const struct weft_store_snapshot *snapshot,
    const struct weft_key *key, struct weft_store_value *ret_value, struct weft_msg *msg)
{
    if (snapshot != NULL && snapshot->is_in_memory && misses()) {
        return weft_fail(msg, WEFT_EBUSY, "not in memory");
    }
    return get(store, snapshot != NULL ? snapshot->number : store->number, key, ret_value);
}

enum weft_err weft_store_get_durable(struct weft_store *store, const struct weft_key *key,
    struct weft_store_value *ret_value, struct weft_msg *msg)
{
    (void)msg;
    return get(store, store->durable, key, ret_value);
}

enum weft_err weft_store_get_many(struct weft_store *store,
    const struct weft_store_snapshot *snapshot, const struct weft_key *keys, uint32_t count,
    struct weft_store_value *ret_values, struct weft_msg *msg)
{
    for (uint32_t i = 0; i < count; i++) {
        weft_assert(i == 0 ||
                    compare(keys[i - 1].bytes, keys[i - 1].size, keys[i].bytes, keys[i].size) < 0);
        ret_values[i] = (struct weft_store_value){.handle = NULL};
        enum weft_err rv = weft_store_get(store, snapshot, &keys[i], &ret_values[i], msg);
        if (rv != WEFT_OK && rv != WEFT_ENOTFOUND) {
            return rv;
        }
    }
    return WEFT_OK;
}

void weft_store_release(struct weft_store_value *value)
{
    *value = (struct weft_store_value){.handle = NULL};
}

/* --- writing --------------------------------------------------------------------------------- */

struct weft_store_batch *weft_store_batch_create(void)
{
    return calloc(1, sizeof(struct weft_store_batch));
}

static void clear(struct weft_store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free((void *)(uintptr_t)batch->puts[i].key.data);
    }
    batch->count = 0;
}

void weft_store_batch_destroy(struct weft_store_batch *batch)
{
    if (batch != NULL) {
        clear(batch);
        free(batch->puts);
        free(batch);
    }
}

static void add_put(
    struct weft_store_batch *batch, struct weft_bytes key, struct weft_bytes value, bool is_range)
{
    if (batch->count == batch->capacity) {
        batch->capacity = 2 * batch->capacity + 64;
        batch->puts = must(realloc(batch->puts, batch->capacity * sizeof(*batch->puts)));
    }
    uint8_t *copy = must(malloc(key.size + value.size + 1));
    memcpy(copy, key.data, key.size);
    if (value.size > 0) {
        memcpy(copy + key.size, value.data, value.size);
    }
    batch->puts[batch->count++] =
        (struct put){{copy, key.size}, {copy + key.size, value.size}, is_range};
}

void weft_store_batch_put(
    struct weft_store_batch *batch, const struct weft_key *key, const void *value, size_t size)
{
    add_put(
        batch, (struct weft_bytes){key->bytes, key->size}, (struct weft_bytes){value, size}, false);
}

void weft_store_batch_forget(
    struct weft_store_batch *batch, const struct weft_key *from, const struct weft_key *to)
{
    add_put(batch, (struct weft_bytes){from->bytes, from->size},
        (struct weft_bytes){to->bytes, to->size}, true);
}

void weft_store_batch_remove(struct weft_store_batch *batch, const struct weft_key *key)
{
    uint8_t behind[WEFT_KEY_SIZE_MAX + 1]; /* The next key that there can be. */
    memcpy(behind, key->bytes, key->size);
    behind[key->size] = 0;
    add_put(batch, (struct weft_bytes){key->bytes, key->size},
        (struct weft_bytes){behind, key->size + 1}, true);
}

void weft_store_batch_drain(struct weft_store_batch *batch,
    void (*on_put)(void *ctx, struct weft_bytes key, struct weft_bytes value), void *ctx)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->puts[i].is_range) {
            on_put(ctx, batch->puts[i].key, batch->puts[i].value);
        }
    }
    clear(batch);
}

static void forget(struct weft_store *s, struct weft_bytes from, struct weft_bytes to)
{
    size_t end = lower(s, to.data, to.size);
    for (size_t i = lower(s, from.data, from.size); i < end; i++) {
        add_version(s, s->slots[i], NULL, 0, true);
    }
}

enum weft_err weft_store_write(
    struct weft_store *store, struct weft_store_batch *batch, struct weft_msg *msg)
{
    enum weft_err rv = faults != NULL ? faults->write(faults->ctx, store->directory) : WEFT_OK;
    if (rv != WEFT_OK) {
        clear(batch);
        return weft_fail(msg, rv, "%s: write", store->directory);
    }
    store->number++;
    for (size_t i = 0; i < batch->count; i++) {
        const struct put *p = &batch->puts[i];
        if (p->is_range) {
            forget(store, p->key, p->value);
        } else {
            put(store, p->key, p->value);
        }
    }
    clear(batch);
    return WEFT_OK;
}

/* --- snapshots and walks --------------------------------------------------------------------- */

struct weft_store_snapshot *weft_store_snapshot_create(struct weft_store *store)
{
    struct weft_store_snapshot *s = must(calloc(1, sizeof(*s)));
    s->in_memory = must(calloc(1, sizeof(*s)));
    s->number = s->in_memory->number = store->number;
    s->in_memory->is_in_memory = true;
    return s;
}

void weft_store_snapshot_destroy(struct weft_store *store, struct weft_store_snapshot *snapshot)
{
    (void)store;
    if (snapshot != NULL) {
        free(snapshot->in_memory);
        free(snapshot);
    }
}

const struct weft_store_snapshot *weft_store_snapshot_in_memory(
    const struct weft_store_snapshot *snapshot)
{
    return snapshot->in_memory;
}

struct weft_store_walk *weft_store_walk_create(
    struct weft_store *store, const struct weft_store_snapshot *snapshot, bool bulk)
{
    struct weft_store_walk *walk = must(calloc(1, sizeof(*walk)));
    (void)bulk;
    walk->store = store;
    walk->number = snapshot != NULL ? snapshot->number : store->number;
    walk->has_missed = snapshot != NULL && snapshot->is_in_memory && misses();
    return walk;
}

void weft_store_walk_destroy(struct weft_store_walk *walk)
{
    free(walk);
}

void weft_store_walk_yield_with(struct weft_store_walk *walk, struct weft_yield *yield)
{
    walk->yield = yield;
}

static void settle(struct weft_store_walk *walk, size_t at, bool is_back)
{
    walk->is_at_key = false;
    if (weft_yield_step(walk->yield, 1) != WEFT_OK) {
        return;
    }
    while (!walk->has_missed && at < walk->store->count) {
        walk->slot = walk->store->slots[at];
        walk->version = seen(walk->slot, walk->number);
        if (walk->version != NULL) {
            walk->is_at_key = true;
            return;
        }
        at = is_back ? at - 1 : at + 1; /* Below 0 is SIZE_MAX: the end, too. */
    }
}

void weft_store_walk_to(struct weft_store_walk *walk, const struct weft_key *key)
{
    settle(walk, lower(walk->store, key->bytes, key->size), false);
}

void weft_store_walk_on_to(struct weft_store_walk *walk, const struct weft_key *key)
{
    weft_store_walk_to(walk, key);
}

void weft_store_walk_back_to(struct weft_store_walk *walk, const struct weft_key *key)
{
    size_t at = lower(walk->store, key->bytes, key->size);
    const struct slot *slot = at < walk->store->count ? walk->store->slots[at] : NULL;
    bool is_it = slot != NULL && compare(slot->key, slot->size, key->bytes, key->size) == 0;
    settle(walk, is_it ? at : at - 1, true);
}

void weft_store_walk_first(struct weft_store_walk *walk)
{
    settle(walk, 0, false);
}

void weft_store_walk_next(struct weft_store_walk *walk)
{
    settle(walk, lower(walk->store, walk->slot->key, walk->slot->size) + 1, false);
}

void weft_store_walk_back(struct weft_store_walk *walk)
{
    settle(walk, lower(walk->store, walk->slot->key, walk->slot->size) - 1, true);
}

bool weft_store_walk_is_at_key(const struct weft_store_walk *walk)
{
    return walk->is_at_key;
}

struct weft_bytes weft_store_walk_key(const struct weft_store_walk *walk)
{
    return (struct weft_bytes){walk->slot->key, walk->slot->size};
}

struct weft_bytes weft_store_walk_value(const struct weft_store_walk *walk)
{
    return (struct weft_bytes){walk->version->data, walk->version->size};
}

bool weft_store_walk_is_below(const struct weft_store_walk *walk, struct weft_bytes prefix)
{
    return walk->is_at_key && walk->slot->size >= prefix.size &&
           memcmp(walk->slot->key, prefix.data, prefix.size) == 0;
}

enum weft_err weft_store_walk_err(const struct weft_store_walk *walk, struct weft_msg *msg)
{
    if (walk->yield != NULL && walk->yield->err != WEFT_OK) {
        return weft_fail(msg, walk->yield->err, "%s", walk->yield->msg.text);
    }
    return walk->has_missed ? weft_fail(msg, WEFT_EBUSY, "not in memory") : WEFT_OK;
}
