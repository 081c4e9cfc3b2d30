#include "node/state/store.h"

#include <dirent.h>
#include <errno.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "node/state/store_hints.h"
#include "node/state/waiting.h"
#include "proto/check.h"

enum {
    ALL_TIER = 0,       /* rocksdb::kReadAllTier */
    MEMORY_TIER = 1,    /* rocksdb::kBlockCacheTier: reads never wait for a disk */
    PERSISTED_TIER = 2, /* rocksdb::kPersistedTier: reads skip what only memory holds */
    BLOCK_SIZE_BYTES = 8 * 1024,
    BLOOM_BITS_PER_KEY = 10,
    PARTITION_SIZE_BYTES = 4 * 1024, /* RocksDB's own default */
    FILE_SIZE_BYTES = 64 * 1024 * 1024,
    LEVEL_1_SIZE_BYTES = 256 * 1024 * 1024,
    BLOB_FILE_SIZE_BYTES = 256 * 1024 * 1024,
    PURGE_WAIT_TENTHS = 600,    /* of a second: no query takes that long */
    BLOB_SIZE_MIN_BYTES = 1100, /* Above the nodes of shared digests, which are replaced. */
    OPEN_FILES_MAX = 512,
    BYTES_PER_SYNC = 1024 * 1024,
    MEMTABLES_MAX = 3,
    LEVELS = 7,
    SEEK_STEPS = 4,      /* measured: about as long as so many moves to the next key */
    NEAR_STEPS = 8,      /* chosen: past them a descent costs less than was lost */
    CHECKSUM_XXH3 = 4,   /* rocksdb::kXXH3; Debian's build computes CRC32C in software */
    TWO_LEVEL_INDEX = 2, /* rocksdb::kTwoLevelIndexSearch */
};

struct weft_store {
    rocksdb_t *db;
    rocksdb_column_family_handle_t *family; /* The only one. */
    rocksdb_options_t *options;
    rocksdb_block_based_table_options_t *table;
    rocksdb_cache_t *cache;
    rocksdb_writeoptions_t *write;
    rocksdb_readoptions_t *read;
    rocksdb_readoptions_t *read_durable;
    struct weft_store_damage on_damage;
    atomic_bool is_damaged; /* As a read has found. */
};

struct weft_store_snapshot {
    const rocksdb_snapshot_t *snapshot;
    rocksdb_readoptions_t *read;
    int tier;
    struct weft_store_snapshot *in_memory; /* The same moment by MEMORY_TIER; NULL: this is it. */
};

struct weft_store_batch {
    rocksdb_writebatch_t *batch;
    struct weft_waiting *waiting;
};

struct weft_store_walk {
    struct weft_store *store;
    rocksdb_iterator_t *iterator;
    rocksdb_readoptions_t *read;
    struct weft_yield *yield;
    bool is_stopped; /* By it. */
};

/* Of a memtable's size; chosen: 10 bits for a row of 80 bytes. */
static const double MEMTABLE_FILTER_RATIO = 0.016;

/* RocksDB's C API gives errors as text alone: "<class>: <detail>". Takes `error`. */
static enum weft_err translate(char *error, struct weft_msg *msg, const char *what)
{
    enum weft_err err = WEFT_EIO;
    if (error == NULL) {
        return WEFT_OK;
    }
    if (strncmp(error, "Corruption", 10) == 0) {
        err = WEFT_ECORRUPT;
    } else if (strstr(error, "No space left") != NULL || strstr(error, "NoSpace") != NULL) {
        err = WEFT_ENOSPC;
    } else if (strncmp(error, "Result incomplete", 17) == 0) {
        err = WEFT_EBUSY; /* Of a read that memory alone was to answer. */
    } else if (strstr(error, "lock ") != NULL || strstr(error, "lock:") != NULL) {
        err = WEFT_EBUSY;
    } else if (strstr(error, "No such file") != NULL || strstr(error, "does not exist") != NULL) {
        err = WEFT_ECORRUPT; /* A file that the manifest names. */
    }
    (void)weft_fail(msg, err, "%s: %s", what, error);
    rocksdb_free(error);
    return err;
}

/* Of any read, on any thread; what is damaged is told once. */
static enum weft_err read_failed(struct weft_store *store, char *error, struct weft_msg *msg)
{
    struct weft_msg own = {""};
    struct weft_msg *text = msg != NULL ? msg : &own;
    enum weft_err err = translate(error, text, "read");
    if (err == WEFT_ECORRUPT && !atomic_exchange(&store->is_damaged, true) &&
        store->on_damage.tell != NULL) {
        store->on_damage.tell(store->on_damage.ctx, text->text);
    }
    return err;
}

void weft_store_watch(struct weft_store *store, const struct weft_store_damage *on_damage)
{
    store->on_damage = *on_damage;
    atomic_store(&store->is_damaged, false);
}

bool weft_store_is_damaged(const struct weft_store *store)
{
    return atomic_load(&store->is_damaged);
}

/* --- open and close -------------------------------------------------------------------------- */

static void set_levels(rocksdb_options_t *o, uint64_t memtable_bytes)
{
    const int compression[LEVELS] = {rocksdb_no_compression, rocksdb_no_compression,
        rocksdb_lz4_compression, rocksdb_lz4_compression, rocksdb_lz4_compression,
        rocksdb_lz4_compression, rocksdb_lz4_compression};
    rocksdb_options_set_write_buffer_size(o, (size_t)memtable_bytes);
    rocksdb_options_set_max_write_buffer_number(o, MEMTABLES_MAX);
    /* Half of what apply asks for is not there: a filter says so without a search in memtables. */
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(o, MEMTABLE_FILTER_RATIO);
    rocksdb_options_set_memtable_whole_key_filtering(o, 1);
    rocksdb_options_set_num_levels(o, LEVELS);
    rocksdb_options_set_compression_per_level(o, compression, LEVELS);
    rocksdb_options_set_level0_file_num_compaction_trigger(o, 6);
    rocksdb_options_set_level0_slowdown_writes_trigger(o, 24);
    rocksdb_options_set_level0_stop_writes_trigger(o, 40);
    rocksdb_options_set_target_file_size_base(o, FILE_SIZE_BYTES);
    rocksdb_options_set_max_bytes_for_level_base(o, LEVEL_1_SIZE_BYTES);
    /* What is large is written once and never changes: kept out of compaction, it is copied no
     * more after its flush. What is replaced would stay in blob files until all else there is. */
    rocksdb_options_set_enable_blob_files(o, 1);
    rocksdb_options_set_min_blob_size(o, BLOB_SIZE_MIN_BYTES);
    rocksdb_options_set_blob_file_size(o, BLOB_FILE_SIZE_BYTES);
    rocksdb_options_set_blob_compression_type(o, rocksdb_lz4_compression);
}

static void set_options(struct weft_store *s, const struct weft_store_options *options)
{
    rocksdb_options_t *o = s->options;
    rocksdb_options_set_create_if_missing(o, options->read_only ? 0 : 1);
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_max_open_files(o, OPEN_FILES_MAX);
    weft_store_log_set(o, options->on_complaint);
    weft_store_files_keep(o);
    weft_store_hints_keep(o, weft_key_is_never_ranged);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
    /* One writer: the locks and hints of several cost time and gain nothing. */
    rocksdb_options_set_allow_concurrent_memtable_write(o, 0);
    rocksdb_options_set_enable_write_thread_adaptive_yield(o, 0);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_bytes_per_sync(o, BYTES_PER_SYNC);
    set_levels(o, options->memtable_bytes);

    s->cache = rocksdb_cache_create_lru((size_t)options->cache_bytes);
    s->table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(s->table, s->cache);
    rocksdb_block_based_options_set_block_size(s->table, BLOCK_SIZE_BYTES);
    rocksdb_block_based_options_set_format_version(s->table, 5);
    rocksdb_block_based_options_set_checksum(s->table, CHECKSUM_XXH3);
    /* Takes the policy. */
    rocksdb_block_based_options_set_filter_policy(
        s->table, rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS_PER_KEY));
    rocksdb_block_based_options_set_whole_key_filtering(s->table, 1);
    /* In the cache, so that its limit is the limit of all that is kept of files. */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(s->table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(s->table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(s->table, 1);
    /* In parts: the filter of a file of a million keys, whole, is larger than the share of the
     * cache that may hold it (1 MiB of 64), and would be read from the file by each get. */
    rocksdb_block_based_options_set_index_type(s->table, TWO_LEVEL_INDEX);
    rocksdb_block_based_options_set_partition_filters(s->table, 1);
    rocksdb_block_based_options_set_metadata_block_size(s->table, PARTITION_SIZE_BYTES);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(s->table, 1);
    rocksdb_options_set_block_based_table_factory(o, s->table);
    /* Blobs are checked by CRC32C when they are read: what is asked for again is kept. */
    rocksdb_options_set_blob_cache(o, s->cache);
}

/* Is there a store? WEFT_ECORRUPT: files of one, but not the file that says which are in force;
 * RocksDB would begin an empty store beside them. */
static enum weft_err look_for_store(const char *directory, bool *ret_exists, struct weft_msg *msg)
{
    DIR *dir = opendir(directory);
    if (dir == NULL) {
        if (errno == ENOENT) {
            *ret_exists = false;
            return WEFT_OK;
        }
        return weft_fail(msg, WEFT_EIO, "open directory %s: %s", directory, strerror(errno));
    }
    bool has_current = false, has_data = false;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');
        has_current = has_current || strcmp(entry->d_name, "CURRENT") == 0;
        has_data =
            has_data || (dot != NULL && (strcmp(dot, ".sst") == 0 || strcmp(dot, ".blob") == 0));
    }
    (void)closedir(dir);
    if (has_data && !has_current) {
        return weft_fail(msg, WEFT_ECORRUPT, "%s holds data files but no file CURRENT", directory);
    }
    *ret_exists = has_current;
    return WEFT_OK;
}

/* With the handle of the column family, which reading many keys at once asks for. */
static enum weft_err open_db(
    struct weft_store *s, const struct weft_store_options *options, struct weft_msg *msg)
{
    const char *const name = "default";
    const rocksdb_options_t *family_options = s->options;
    char *error = NULL;
    if (options->read_only) {
        s->db = rocksdb_open_for_read_only_column_families(
            s->options, options->directory, 1, &name, &family_options, &s->family, 0, &error);
    } else {
        s->db = rocksdb_open_column_families(
            s->options, options->directory, 1, &name, &family_options, &s->family, &error);
    }
    return translate(error, msg, "open");
}

enum weft_err weft_store_open(const struct weft_store_options *options,
    struct weft_store **ret_store, bool *ret_created, struct weft_msg *msg)
{
    bool exists = false;
    enum weft_err rv = look_for_store(options->directory, &exists, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (!exists && options->read_only) {
        return weft_fail(msg, WEFT_ENOTFOUND, "there is no state in %s", options->directory);
    }
    if (!exists && mkdir(options->directory, 0700) != 0 && errno != EEXIST) {
        return weft_fail(
            msg, WEFT_EIO, "make directory %s: %s", options->directory, strerror(errno));
    }
    struct weft_store *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open %s", options->directory);
    }
    s->options = rocksdb_options_create();
    set_options(s, options);
    s->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(s->write, 1);
    s->read = rocksdb_readoptions_create();
    s->read_durable = rocksdb_readoptions_create();
    rocksdb_readoptions_set_read_tier(s->read_durable, PERSISTED_TIER);
    rv = open_db(s, options, msg);
    if (rv != WEFT_OK) {
        weft_store_close(s);
        return weft_wrap(msg, rv, "%s", options->directory);
    }
    *ret_created = !exists;
    *ret_store = s;
    return WEFT_OK;
}

void weft_store_close(struct weft_store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->db != NULL) {
        rocksdb_column_family_handle_destroy(store->family);
        rocksdb_close(store->db);
    }
    rocksdb_readoptions_destroy(store->read_durable);
    rocksdb_readoptions_destroy(store->read);
    rocksdb_writeoptions_destroy(store->write);
    rocksdb_options_destroy(store->options);
    rocksdb_block_based_options_destroy(store->table);
    rocksdb_cache_destroy(store->cache);
    free(store);
}

/* --- reading --------------------------------------------------------------------------------- */

static void take_slice(struct weft_store_value *ret_value, rocksdb_pinnableslice_t *slice)
{
    *ret_value = (struct weft_store_value){.handle = slice};
    if (slice != NULL) {
        const char *data = rocksdb_pinnableslice_value(slice, &ret_value->bytes.size);
        ret_value->bytes.data = (const uint8_t *)data;
    }
}

static enum weft_err get(struct weft_store *store, const rocksdb_readoptions_t *read,
    const struct weft_key *key, struct weft_store_value *ret_value, struct weft_msg *msg)
{
    char *error = NULL;
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned(store->db, read, (const char *)key->bytes, key->size, &error);
    if (error != NULL) {
        return read_failed(store, error, msg);
    }
    if (slice == NULL) {
        return WEFT_ENOTFOUND;
    }
    take_slice(ret_value, slice);
    return WEFT_OK;
}

enum weft_err weft_store_get(struct weft_store *store, const struct weft_store_snapshot *snapshot,
    const struct weft_key *key, struct weft_store_value *ret_value, struct weft_msg *msg)
{
    return get(store, snapshot != NULL ? snapshot->read : store->read, key, ret_value, msg);
}

enum weft_err weft_store_get_durable(struct weft_store *store, const struct weft_key *key,
    struct weft_store_value *ret_value, struct weft_msg *msg)
{
    return get(store, store->read_durable, key, ret_value, msg);
}

enum weft_err weft_store_get_many(struct weft_store *store,
    const struct weft_store_snapshot *snapshot, const struct weft_key *keys, uint32_t count,
    struct weft_store_value *ret_values, struct weft_msg *msg)
{
    const char *data[WEFT_STORE_GETS_MAX];
    size_t sizes[WEFT_STORE_GETS_MAX];
    rocksdb_pinnableslice_t *slices[WEFT_STORE_GETS_MAX] = {NULL};
    char *errors[WEFT_STORE_GETS_MAX] = {NULL};
    enum weft_err rv = WEFT_OK;
    weft_assert(count <= WEFT_STORE_GETS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        data[i] = (const char *)keys[i].bytes;
        sizes[i] = keys[i].size;
    }
    rocksdb_batched_multi_get_cf(store->db, snapshot != NULL ? snapshot->read : store->read,
        store->family, count, data, sizes, slices, errors, true);
    for (uint32_t i = 0; i < count; i++) {
        enum weft_err err = errors[i] != NULL ? read_failed(store, errors[i], msg) : WEFT_OK;
        rv = rv == WEFT_OK ? err : rv;
        take_slice(&ret_values[i], slices[i]);
    }
    for (uint32_t i = 0; i < count && rv != WEFT_OK; i++) {
        weft_store_release(&ret_values[i]);
    }
    return rv;
}

void weft_store_release(struct weft_store_value *value)
{
    if (value->handle != NULL) {
        rocksdb_pinnableslice_destroy(value->handle);
    }
    *value = (struct weft_store_value){.handle = NULL};
}

/* --- writing --------------------------------------------------------------------------------- */

struct weft_store_batch *weft_store_batch_create(void)
{
    struct weft_store_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) {
        return NULL;
    }
    batch->waiting = weft_waiting_create();
    if (batch->waiting == NULL) {
        free(batch);
        return NULL;
    }
    batch->batch = rocksdb_writebatch_create();
    return batch;
}

void weft_store_batch_destroy(struct weft_store_batch *batch)
{
    if (batch != NULL) {
        rocksdb_writebatch_destroy(batch->batch);
        weft_waiting_destroy(batch->waiting);
        free(batch);
    }
}

void weft_store_batch_put(
    struct weft_store_batch *batch, const struct weft_key *key, const void *value, size_t size)
{
    if (!weft_waiting_take(batch->waiting, key, value, size)) {
        rocksdb_writebatch_put(batch->batch, (const char *)key->bytes, key->size, value, size);
    }
}

static void put_waited(void *ctx, struct weft_bytes key, struct weft_bytes value)
{
    rocksdb_writebatch_put(
        ctx, (const char *)key.data, key.size, (const char *)value.data, value.size);
}

void weft_store_batch_forget(
    struct weft_store_batch *batch, const struct weft_key *from, const struct weft_key *to)
{
    weft_assert(!weft_key_is_never_ranged(from->bytes[0])); /* store_hints.h */
    rocksdb_writebatch_delete_range(
        batch->batch, (const char *)from->bytes, from->size, (const char *)to->bytes, to->size);
}

void weft_store_batch_remove(struct weft_store_batch *batch, const struct weft_key *key)
{
    rocksdb_writebatch_delete(batch->batch, (const char *)key->bytes, key->size);
}

struct drain {
    void (*on_put)(void *ctx, struct weft_bytes key, struct weft_bytes value);
    void *ctx;
};

static void drain_put(void *ctx, const char *k, size_t k_size, const char *v, size_t v_size)
{
    const struct drain *drain = ctx;
    drain->on_put(drain->ctx, (struct weft_bytes){(const uint8_t *)k, k_size},
        (struct weft_bytes){(const uint8_t *)v, v_size});
}

static void drain_deleted(void *ctx, const char *k, size_t k_size)
{
    (void)ctx, (void)k, (void)k_size;
}

void weft_store_batch_drain(struct weft_store_batch *batch,
    void (*on_put)(void *ctx, struct weft_bytes key, struct weft_bytes value), void *ctx)
{
    struct drain drain = {on_put, ctx};
    weft_waiting_end(batch->waiting, put_waited, batch->batch);
    rocksdb_writebatch_iterate(batch->batch, &drain, drain_put, drain_deleted);
    rocksdb_writebatch_clear(batch->batch);
}

enum weft_err weft_store_write(
    struct weft_store *store, struct weft_store_batch *batch, struct weft_msg *msg)
{
    char *error = NULL;
    weft_waiting_end(batch->waiting, put_waited, batch->batch);
    rocksdb_write(store->db, store->write, batch->batch, &error);
    rocksdb_writebatch_clear(batch->batch);
    return translate(error, msg, "write");
}

/* --- snapshots and walks --------------------------------------------------------------------- */

static struct weft_store_snapshot *reader_of(const rocksdb_snapshot_t *of, int tier)
{
    struct weft_store_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot != NULL) {
        snapshot->snapshot = of;
        snapshot->tier = tier;
        snapshot->read = rocksdb_readoptions_create();
        rocksdb_readoptions_set_snapshot(snapshot->read, of);
        rocksdb_readoptions_set_read_tier(snapshot->read, tier);
    }
    return snapshot;
}

static void free_reader(struct weft_store_snapshot *snapshot)
{
    if (snapshot != NULL) {
        rocksdb_readoptions_destroy(snapshot->read);
        free(snapshot);
    }
}

struct weft_store_snapshot *weft_store_snapshot_create(struct weft_store *store)
{
    const rocksdb_snapshot_t *of = rocksdb_create_snapshot(store->db);
    struct weft_store_snapshot *snapshot = reader_of(of, ALL_TIER);
    struct weft_store_snapshot *in_memory = reader_of(of, MEMORY_TIER);
    if (snapshot == NULL || in_memory == NULL) {
        free_reader(snapshot);
        free_reader(in_memory);
        rocksdb_release_snapshot(store->db, of);
        return NULL;
    }
    snapshot->in_memory = in_memory;
    return snapshot;
}

const struct weft_store_snapshot *weft_store_snapshot_in_memory(
    const struct weft_store_snapshot *snapshot)
{
    return snapshot->in_memory;
}

void weft_store_snapshot_destroy(struct weft_store *store, struct weft_store_snapshot *snapshot)
{
    if (snapshot != NULL) {
        rocksdb_release_snapshot(store->db, snapshot->snapshot);
        free_reader(snapshot->in_memory);
        free_reader(snapshot);
    }
}

struct weft_store_walk *weft_store_walk_create(
    struct weft_store *store, const struct weft_store_snapshot *snapshot, bool bulk)
{
    struct weft_store_walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL) {
        return NULL;
    }
    walk->store = store;
    walk->read = rocksdb_readoptions_create();
    if (snapshot != NULL) {
        rocksdb_readoptions_set_snapshot(walk->read, snapshot->snapshot);
        rocksdb_readoptions_set_read_tier(walk->read, snapshot->tier);
    }
    rocksdb_readoptions_set_fill_cache(walk->read, bulk ? 0 : 1);
    walk->iterator = rocksdb_create_iterator(store->db, walk->read);
    return walk;
}

void weft_store_walk_destroy(struct weft_store_walk *walk)
{
    if (walk != NULL) {
        enum weft_err err = weft_store_walk_err(walk, NULL); /* Told, whoever asked or did not. */
        (void)err;
        rocksdb_iter_destroy(walk->iterator);
        rocksdb_readoptions_destroy(walk->read);
        free(walk);
    }
}

void weft_store_walk_yield_with(struct weft_store_walk *walk, struct weft_yield *yield)
{
    walk->yield = yield;
    walk->is_stopped = false;
}

/* False: it goes no further. */
static bool may_move(struct weft_store_walk *walk, uint32_t steps)
{
    walk->is_stopped = weft_yield_step(walk->yield, steps) != WEFT_OK;
    return !walk->is_stopped;
}

void weft_store_walk_to(struct weft_store_walk *walk, const struct weft_key *key)
{
    if (may_move(walk, SEEK_STEPS)) {
        rocksdb_iter_seek(walk->iterator, (const char *)key->bytes, key->size);
    }
}

void weft_store_walk_back_to(struct weft_store_walk *walk, const struct weft_key *key)
{
    if (may_move(walk, SEEK_STEPS)) {
        rocksdb_iter_seek_for_prev(walk->iterator, (const char *)key->bytes, key->size);
    }
}

/* Below 0: the walk stands at a key below this one. */
static int compare_to(const struct weft_store_walk *walk, const struct weft_key *key)
{
    struct weft_bytes at = weft_store_walk_key(walk);
    size_t size = at.size < key->size ? at.size : key->size;
    int order = memcmp(at.data, key->bytes, size);
    return order != 0 ? order : at.size < key->size ? -1 : at.size > key->size;
}

void weft_store_walk_on_to(struct weft_store_walk *walk, const struct weft_key *key)
{
    for (int i = 0; i < NEAR_STEPS && weft_store_walk_is_at_key(walk); i++) {
        if (compare_to(walk, key) >= 0) {
            return;
        }
        weft_store_walk_next(walk);
    }
    weft_store_walk_to(walk, key);
}

void weft_store_walk_first(struct weft_store_walk *walk)
{
    if (may_move(walk, SEEK_STEPS)) {
        rocksdb_iter_seek_to_first(walk->iterator);
    }
}

void weft_store_walk_next(struct weft_store_walk *walk)
{
    if (may_move(walk, 1)) {
        rocksdb_iter_next(walk->iterator);
    }
}

void weft_store_walk_back(struct weft_store_walk *walk)
{
    if (may_move(walk, 1)) {
        rocksdb_iter_prev(walk->iterator);
    }
}

bool weft_store_walk_is_at_key(const struct weft_store_walk *walk)
{
    return !walk->is_stopped && rocksdb_iter_valid(walk->iterator) != 0;
}

struct weft_bytes weft_store_walk_key(const struct weft_store_walk *walk)
{
    struct weft_bytes key;
    key.data = (const uint8_t *)rocksdb_iter_key(walk->iterator, &key.size);
    return key;
}

struct weft_bytes weft_store_walk_value(const struct weft_store_walk *walk)
{
    struct weft_bytes value;
    value.data = (const uint8_t *)rocksdb_iter_value(walk->iterator, &value.size);
    return value;
}

bool weft_store_walk_is_below(const struct weft_store_walk *walk, struct weft_bytes prefix)
{
    if (!weft_store_walk_is_at_key(walk)) {
        return false;
    }
    struct weft_bytes key = weft_store_walk_key(walk);
    return key.size >= prefix.size && memcmp(key.data, prefix.data, prefix.size) == 0;
}

enum weft_err weft_store_walk_err(const struct weft_store_walk *walk, struct weft_msg *msg)
{
    char *error = NULL;
    if (walk->is_stopped) {
        return weft_fail(msg, walk->yield->err, "%s", walk->yield->msg.text);
    }
    rocksdb_iter_get_error(walk->iterator, &error);
    return error != NULL ? read_failed(walk->store, error, msg) : WEFT_OK;
}

/* --- the disk -------------------------------------------------------------------------------- */

enum weft_err weft_store_flush(struct weft_store *store, struct weft_msg *msg)
{
    char *error = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(store->db, options, &error);
    rocksdb_flushoptions_destroy(options);
    return translate(error, msg, "flush");
}

enum weft_err weft_store_purge(
    struct weft_store *store, const volatile bool *cancel, struct weft_msg *msg)
{
    const struct timespec tenth = {.tv_nsec = 100 * 1000 * 1000};
    const uint64_t sequence = rocksdb_get_latest_sequence_number(store->db);
    char reason[256];
    for (int i = 0; weft_store_files_is_held(store->db, sequence); i++) {
        if (i == PURGE_WAIT_TENTHS || *cancel) {
            return weft_fail(msg, *cancel ? WEFT_ECLOSED : WEFT_EBUSY,
                "what was redacted is still looked at by somebody");
        }
        (void)nanosleep(&tenth, NULL);
    }
    enum weft_err rv = weft_store_flush(store, msg);
    if (rv == WEFT_OK && !weft_store_files_rewrite(store->db, reason)) {
        rv = weft_fail(msg, WEFT_EIO, "write the state's files anew: %s", reason);
    }
    return rv;
}

enum weft_err weft_store_checkpoint(
    struct weft_store *store, const char *directory, struct weft_msg *msg)
{
    char *error = NULL;
    rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(store->db, &error);
    if (error == NULL) {
        /* 0: flush the memtable whatever the size of the log; there is no log. */
        rocksdb_checkpoint_create(checkpoint, directory, 0, &error);
    }
    if (checkpoint != NULL) {
        rocksdb_checkpoint_object_destroy(checkpoint);
    }
    enum weft_err rv = translate(error, msg, "checkpoint");
    return rv == WEFT_OK ? WEFT_OK : weft_wrap(msg, rv, "%s", directory);
}

enum weft_err weft_store_files(
    struct weft_store *store, weft_store_on_file *on_file, void *ctx, struct weft_msg *msg)
{
    return weft_store_files_list(store->db, on_file, ctx)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EIO, "read the checksums of the state's files");
}
