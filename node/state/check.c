/* The offline check: the state's indexes are made again from its records and compared.
 *
 * Made again by the same code that made them (stage.c), over names in memory, so the check finds
 * damage, not faults of that code: those are the tests' matter. What is compared is, by type of
 * key, the number of pairs and the sum of their digests: order does not matter, and no second
 * copy is kept. */
#include "node/state/audit_check.h"
#include "node/state/commands.h"
#include "node/state/loader.h"
#include "node/state/machine.h"
#include "node/state/salts.h"
#include "node/state/stream_check.h"
#include "proto/arith.h"

enum {
    PROGRESS_STEPS = 100
};

struct sum {
    uint64_t count;
    uint64_t low; /* Of the first half of each pair's digest, added up. */
    uint64_t high;
};

struct checker {
    struct weft_state_check *check;
    struct weft_store *store;
    struct weft_store_walk *walk;
    struct weft_names *names; /* Of the world made again. */
    struct weft_models *models;
    struct weft_authorities *authorities;
    struct weft_audit_check *audit;
    struct weft_commands *commands;
    bool has_commands; /* False: of some it is not known in which term they were. */
    struct weft_epochs epochs;
    struct weft_stream_check *streams;
    struct weft_store_batch *batch;
    struct weft_stage stage;
    struct weft_position position;
    struct weft_buffer authority;
    struct sum found[256]; /* By type byte. */
    struct sum made[256];
    uint64_t assets;
    uint64_t records;
    /* Of the index under way. */
    uint64_t index;
    uint32_t ordinal;
    uint8_t seed[WEFT_SALT_SEED_SIZE];
    bool has_seed; /* False: something of the index is redacted. */
    struct weft_msg *msg;
};

static struct sum sum_of(struct weft_bytes key, struct weft_bytes value)
{
    struct weft_sha256 hash;
    uint8_t sizes[8];
    weft_put_be32(sizes, (uint32_t)key.size);
    weft_put_be32(sizes + 4, (uint32_t)value.size);
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, sizes, sizeof(sizes));
    weft_sha256_update(&hash, key.data, key.size);
    weft_sha256_update(&hash, value.data, value.size);
    struct weft_digest digest = weft_sha256_final(&hash);
    return (struct sum){1, weft_get_be64(digest.bytes), weft_get_be64(digest.bytes + 8)};
}

static void sum_add(struct sum *sum, struct weft_bytes key, struct weft_bytes value)
{
    const struct sum one = sum_of(key, value);
    sum->count += one.count;
    sum->low += one.low;
    sum->high += one.high;
}

static void sum_take(struct sum *sum, struct weft_bytes key, struct weft_bytes value)
{
    const struct sum one = sum_of(key, value);
    sum->count -= one.count;
    sum->low -= one.low;
    sum->high -= one.high;
}

static void on_made(void *ctx, struct weft_bytes key, struct weft_bytes value)
{
    struct checker *c = ctx;
    sum_add(&c->made[key.data[0]], key, value);
}

/* --- records, made again --------------------------------------------------------------------- */

static enum weft_err end_index(struct checker *c)
{
    enum weft_err rv =
        weft_stage_end_entry(&c->stage, c->has_seed ? c->seed : NULL, c->batch, c->msg);
    rv = rv == WEFT_OK ? weft_commands_replay_settle(c->commands, c->batch, c->msg) : rv;
    weft_store_batch_drain(c->batch, on_made, c);
    weft_stage_clear(&c->stage);
    c->stage.is_split = false;
    return rv;
}

static enum weft_err bad_record(const struct checker *c, const char *what)
{
    return weft_fail(
        c->msg, WEFT_ECORRUPT, "record %llu/%u %s", (unsigned long long)c->index, c->ordinal, what);
}

/* Of a record of an entry whose seed is gone. What is redacted has no salt either. */
static enum weft_err read_salts(struct checker *c, const struct weft_record *record,
    const uint32_t *leaves, const struct weft_salt **ret_salts)
{
    static const struct weft_salt none;
    struct weft_salt *salts = NULL;
    const struct weft_key key = weft_key_salts(c->index, c->ordinal);
    enum weft_err rv = weft_salts_get(
        c->store, NULL, c->index, c->ordinal, record, &c->stage.arena, &salts, c->msg);
    if (rv == WEFT_OK) {
        sum_add(&c->made[WEFT_KEY_SALTS], (struct weft_bytes){key.bytes, key.size},
            (struct weft_bytes){salts->bytes, weft_statement_leaf_count(record) * sizeof(*salts)});
    }
    for (uint32_t i = 0; rv == WEFT_OK && i < record->field_count; i++) {
        if (record->fields[i].type == WEFT_VALUE_REDACTED &&
            memcmp(&salts[leaves[i]], &none, sizeof(none)) != 0) {
            rv = weft_fail(c->msg, WEFT_ECORRUPT, "the salt of what is redacted is there");
        }
    }
    *ret_salts = salts;
    return rv;
}

/* As a commit's, but that values may be redacted where the seed is gone. */
static enum weft_err check_fields(
    struct checker *c, const struct weft_record *record, const struct weft_salt **ret_salts)
{
    struct weft_record plain = *record;
    struct weft_field *fields =
        weft_arena_array(&c->stage.arena, record->field_count, sizeof(*fields));
    uint32_t *leaves = weft_arena_array(&c->stage.arena, record->field_count, sizeof(*leaves));
    if (fields == NULL || leaves == NULL ||
        weft_statement_field_leaves(record, &c->stage.arena, leaves) != WEFT_OK) {
        return weft_fail(c->msg, WEFT_ENOMEM, "check the state");
    }
    for (uint32_t i = 0; i < record->field_count; i++) {
        fields[i] = record->fields[i];
        if (fields[i].type == WEFT_VALUE_REDACTED && !c->has_seed) {
            fields[i].type = WEFT_VALUE_NULL;
            fields[i].value = (struct weft_text){NULL, 0};
        }
    }
    plain.fields = fields;
    enum weft_err rv = weft_record_check(&plain, NULL, c->msg);
    return rv == WEFT_OK && !c->has_seed ? read_salts(c, record, leaves, ret_salts) : rv;
}

/* Commands to machines are made again, as apply made them. */
static enum weft_err check_command(
    struct checker *c, const struct weft_record *record, int64_t time_ns)
{
    struct weft_commands_place place = {.authority = weft_authorities_at(c->authorities, c->index),
        .index = c->index,
        .time_ns = time_ns,
        .principal = record->author};
    if (!weft_commands_is_kind(record->kind) || !c->has_commands) {
        return WEFT_OK;
    }
    c->has_commands = weft_audit_check_term(c->audit, c->index, &place.term);
    enum weft_err rv = c->has_commands
                           ? weft_commands_replay(c->commands, record, &place, c->batch, c->msg)
                           : WEFT_OK;
    return rv == WEFT_OK
               ? rv
               : weft_wrap(c->msg, rv, "record %llu/%u", (unsigned long long)c->index, c->ordinal);
}

static enum weft_err check_record(struct checker *c, struct weft_bytes bytes, int64_t time_ns)
{
    struct weft_record record;
    struct weft_digest stored, made;
    uint32_t name;
    weft_arena_reset(&c->stage.arena);
    enum weft_err rv = weft_stored_decode(bytes, &c->stage.arena, &stored, &record);
    if (rv != WEFT_OK) {
        return rv == WEFT_ENOMEM ? weft_fail(c->msg, rv, "decode a record")
                                 : bad_record(c, "does not decode");
    }
    const struct weft_salt *salts = NULL;
    rv = check_fields(c, &record, &salts);
    if (rv != WEFT_OK) {
        return weft_wrap(
            c->msg, WEFT_ECORRUPT, "record %llu/%u", (unsigned long long)c->index, c->ordinal);
    }
    struct weft_stage_context context = {.names = c->names,
        .batch = c->batch,
        .place = {.authority = {(const char *)c->authority.data, c->authority.size},
            .authority_epoch = weft_epochs_at(&c->epochs, c->index),
            .index = c->index,
            .ordinal = c->ordinal,
            .time_ns = time_ns,
            .schema = weft_models_schema(c->models, record.kind, c->index),
            .salt_seed = c->seed,
            .salts = salts},
        .assets = &c->assets};
    rv = weft_names_find(c->names, record.asset, &name, c->msg);
    if (rv == WEFT_OK) {
        rv = weft_stage_record(&c->stage, &context, &record, name, &made, NULL, c->msg);
    }
    if (rv == WEFT_OK && !weft_digest_equal(&stored, &made)) {
        rv = bad_record(c, "has another digest than its content");
    }
    if (rv == WEFT_OK) {
        rv = weft_models_learn(c->models, &record, c->index, c->msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_authorities_learn(c->authorities, &record, c->index, time_ns, c->msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_audit_check_record(c->audit, c->index, &stored, c->msg);
    }
    if (rv == WEFT_OK) {
        rv = check_command(c, &record, time_ns);
    }
    c->check->links += record.link_count;
    return rv;
}

static enum weft_err check_pack(struct checker *c, struct weft_bytes key, struct weft_bytes value)
{
    struct weft_pack pack;
    uint64_t index = key.size == WEFT_KEY_RECORDS_SIZE ? weft_get_be48(key.data + 1) : 0;
    if (index != c->index) {
        enum weft_err rv = end_index(c);
        if (rv != WEFT_OK) {
            return rv;
        }
        c->index = index;
        c->ordinal = 0;
    }
    if (index == 0 || index > c->position.public.index ||
        weft_get_be24(key.data + 7) != c->ordinal) {
        return bad_record(c, "is missing, or what follows does not belong there");
    }
    if (weft_pack_open(value, &pack) != WEFT_OK || (c->ordinal > 0 && pack.seed != NULL)) {
        return bad_record(c, "begins a pack that does not decode");
    }
    if (c->ordinal == 0) {
        c->has_seed = pack.seed != NULL;
        c->stage.is_split =
            !c->has_seed; /* Packs were made by sizes that are not known any more. */
    }
    if (pack.seed != NULL) {
        memcpy(c->seed, pack.seed, sizeof(c->seed));
    }
    for (uint32_t i = 0; i < pack.count; i++) {
        struct weft_bytes bytes;
        enum weft_err rv = weft_pack_record(&pack, i, &bytes);
        rv = rv == WEFT_OK ? check_record(c, bytes, pack.time_ns) : bad_record(c, "is missing");
        if (rv != WEFT_OK) {
            return rv;
        }
        c->ordinal++;
        c->records++;
    }
    weft_stage_end_pack(&c->stage);
    return WEFT_OK;
}

/* --- request ids ----------------------------------------------------------------------------- */

/* Every answer that is remembered can be given: its first and last record are there. */
static enum weft_err check_requests(
    struct checker *c, struct weft_bytes key, struct weft_bytes value)
{
    struct weft_request_id id;
    struct weft_request_place place;
    uint64_t index = key.size == WEFT_KEY_REQUESTS_SIZE ? weft_get_be48(key.data + 1) : 0;
    enum weft_err rv;
    uint32_t next = 0;
    for (uint32_t n = 0; (rv = weft_requests_read(value, index, n, &id, &place)) == WEFT_OK; n++) {
        if (place.first_ordinal < next || place.record_count == 0) {
            rv = WEFT_ECORRUPT;
            break;
        }
        next = place.first_ordinal + place.record_count;
        c->check->requests++;
    }
    if (rv == WEFT_ENOTFOUND) {
        struct weft_loader loader;
        struct weft_bytes bytes;
        int64_t time_ns;
        weft_loader_init(&loader, c->store, NULL);
        rv = weft_loader_find(&loader, index, next - 1, &bytes, &time_ns, c->msg);
        weft_loader_close(&loader);
        return rv == WEFT_OK
                   ? rv
                   : weft_wrap(c->msg, rv, "request ids of index %llu", (unsigned long long)index);
    }
    return weft_fail(
        c->msg, WEFT_ECORRUPT, "request ids of index %llu are damaged", (unsigned long long)index);
}

/* --- the walk -------------------------------------------------------------------------------- */

static bool report(struct checker *c, uint64_t before)
{
    uint64_t step = c->position.public.records / PROGRESS_STEPS + 1;
    if (c->check->on_progress == NULL || c->records / step == before / step) {
        return true;
    }
    return c->check->on_progress(c->check->ctx, c->records, c->position.public.records);
}

static enum weft_err check_leaves(struct checker *c, struct weft_bytes key, struct weft_bytes value)
{
    enum weft_err rv = weft_audit_check_leaves(c->audit, key, value, c->batch, c->msg);
    weft_store_batch_drain(c->batch, on_made, c);
    return rv;
}

static enum weft_err check_stream_row(
    struct checker *c, struct weft_bytes key, struct weft_bytes value)
{
    enum weft_err rv = weft_stream_check_row(c->streams, key, value, c->batch, c->msg);
    struct weft_key other;
    struct weft_bytes instead;
    weft_store_batch_drain(c->batch, on_made, c);
    if (rv == WEFT_OK && weft_stream_check_replaces(c->streams, &other, &instead)) {
        sum_take(&c->made[other.bytes[0]], weft_key_bytes(&other), instead);
    }
    return rv;
}

static enum weft_err check_key(struct checker *c, struct weft_bytes key, struct weft_bytes value)
{
    uint64_t before = c->records;
    enum weft_err rv = WEFT_OK;
    c->check->keys++;
    c->check->bytes += key.size + value.size;
    sum_add(&c->found[key.data[0]], key, value);
    if (key.data[0] == WEFT_KEY_RECORDS) {
        rv = check_pack(c, key, value);
    } else if (key.data[0] == WEFT_KEY_REQUESTS) {
        rv = check_requests(c, key, value);
    } else if (key.data[0] == WEFT_KEY_AUDIT_LEAVES) {
        rv = check_leaves(c, key, value);
    } else if (key.data[0] == WEFT_KEY_EVIDENCE) {
        rv = weft_audit_check_evidence(key, value, c->msg);
    } else if (weft_stream_check_is_key(key.data[0])) {
        rv = check_stream_row(c, key, value);
    }
    if (rv == WEFT_OK && !report(c, before)) {
        rv = weft_fail(c->msg, WEFT_ECLOSED, "stopped");
    }
    return rv;
}

static enum weft_err check_keys(struct checker *c)
{
    enum weft_err rv = WEFT_OK;
    for (weft_store_walk_first(c->walk); rv == WEFT_OK && weft_store_walk_is_at_key(c->walk);
         weft_store_walk_next(c->walk)) {
        rv = check_key(c, weft_store_walk_key(c->walk), weft_store_walk_value(c->walk));
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(c->walk, c->msg);
        if (rv != WEFT_OK && c->records == 0) { /* RocksDB does not name the file of a blob. */
            return weft_wrap(c->msg, rv, "at or behind leaf %llu of the audit log",
                (unsigned long long)weft_audit_check_next(c->audit));
        }
    }
    return rv == WEFT_OK ? end_index(c) : rv;
}

/* --- what is compared at the end ------------------------------------------------------------- */

static void make_heads(struct checker *c)
{
    for (uint32_t i = 0; i < weft_names_count(c->names); i++) {
        const struct weft_name *name = weft_names_at(c->names, i);
        uint8_t head[WEFT_HEAD_SIZE_MAX];
        size_t size = weft_head_encode(&name->head, head);
        struct weft_key key = weft_key_name(name->text);
        weft_store_batch_put(c->batch, &key, head, size);
        weft_store_batch_drain(c->batch, on_made, c);
    }
}

static enum weft_err compare_sums(struct checker *c)
{
    static const struct {
        enum weft_key_type type;
        const char *what;
    } types[] = {
        {WEFT_KEY_DICTIONARY, "names of kinds and rels"},
        {WEFT_KEY_WORD, "ids of kinds and rels"},
        {WEFT_KEY_ASSETS, "names of assets"},
        {WEFT_KEY_NAME, "heads of assets"},
        {WEFT_KEY_KIND, "records by kind"},
        {WEFT_KEY_LINKS, "links"},
        {WEFT_KEY_MIRROR, "links in the other direction"},
        {WEFT_KEY_RECORDS, "packs of records"},
        {WEFT_KEY_LATE, "records out of order of time"},
        {WEFT_KEY_VERSION, "records by asset"},
        {WEFT_KEY_AUDIT_TILE, "tiles of the audit log"},
        {WEFT_KEY_SALTS, "salts of records of which something is redacted"},
        {WEFT_KEY_STATEMENT, "where statements stand in streams"},
        {WEFT_KEY_STREAM_TILE, "tiles of streams"},
        {WEFT_KEY_ENVELOPE, "envelopes in force"},
        {WEFT_KEY_CHANNEL, "channels of machines"},
        {WEFT_KEY_COMMAND, "commands to machines"},
        {WEFT_KEY_SEQ, "numbers of commands"},
        {WEFT_KEY_OPEN, "commands by their time"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const struct sum *found = &c->found[types[i].type], *made = &c->made[types[i].type];
        if (!c->has_commands && strchr("FGHJO", (int)types[i].type) != NULL) {
            continue;
        }
        if (found->count != made->count) {
            return weft_fail(c->msg, WEFT_ECORRUPT,
                "%s (keys '%c'): %llu keys, but the records make %llu", types[i].what,
                types[i].type, (unsigned long long)found->count, (unsigned long long)made->count);
        }
        if (found->low != made->low || found->high != made->high) {
            return weft_fail(c->msg, WEFT_ECORRUPT,
                "%s (keys '%c'): %llu keys, of which some say other than the records do",
                types[i].what, types[i].type, (unsigned long long)found->count);
        }
    }
    return WEFT_OK;
}

static enum weft_err compare_counts(struct checker *c)
{
    const struct weft_state_position *p = &c->position.public;
    uint64_t window = c->position.window.next - c->position.window.oldest;
    if (c->records != p->records || c->assets != p->assets) {
        return weft_fail(c->msg, WEFT_ECORRUPT,
            "%llu records on %llu assets, but the position says %llu on %llu",
            (unsigned long long)c->records, (unsigned long long)c->assets,
            (unsigned long long)p->records, (unsigned long long)p->assets);
    }
    if (c->check->requests != window) {
        return weft_fail(c->msg, WEFT_ECORRUPT, "%llu request ids, but the position says %llu",
            (unsigned long long)c->check->requests, (unsigned long long)window);
    }
    if (c->found[WEFT_KEY_CONFIGURATION].count != (p->conf_index != 0)) {
        return weft_fail(c->msg, WEFT_ECORRUPT, "the configuration is missing or left over");
    }
    return WEFT_OK;
}

static enum weft_err check_types(const struct checker *c)
{
    for (int type = 0; type < 256; type++) {
        if (c->found[type].count > 0 &&
            strchr("ABCDEFGHIJKLMNOPQRSTUVWXYabcdeflmoqrstvz", type) == NULL) {
            return weft_fail(c->msg, WEFT_ECORRUPT, "%llu keys of unknown type 0x%02x",
                (unsigned long long)c->found[type].count, type);
        }
    }
    return WEFT_OK;
}

/* --- begin and end --------------------------------------------------------------------------- */

static enum weft_err read_single(struct checker *c, enum weft_key_type type)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_identity identity;
    struct weft_key key = weft_key_single(type);
    enum weft_err rv = weft_store_get(c->store, NULL, &key, &value, c->msg);
    if (rv == WEFT_OK && type == WEFT_KEY_IDENTITY) {
        rv = weft_identity_decode(value.bytes, &identity);
        if (rv == WEFT_OK) {
            rv = weft_buffer_format(&c->authority, "%.*s/%.*s", (int)identity.org.size,
                identity.org.data, (int)identity.site.size, identity.site.data);
        } else {
            (void)weft_fail(c->msg, rv, "the identity is damaged, or of another format");
        }
    } else if (rv == WEFT_OK && weft_position_decode(value.bytes, &c->position) != WEFT_OK) {
        rv = weft_fail(c->msg, WEFT_ECORRUPT, "the position is damaged");
    }
    weft_store_release(&value);
    if (rv == WEFT_ENOTFOUND && type == WEFT_KEY_IDENTITY) {
        return weft_fail(c->msg, WEFT_ECORRUPT, "the state has no identity");
    }
    return rv == WEFT_ENOTFOUND ? WEFT_OK : rv; /* No position: nothing was applied. */
}

static enum weft_err begin(struct checker *c)
{
    const struct weft_store_options options = {.directory = c->check->directory,
        .cache_bytes = 32 << 20,
        .memtable_bytes = 1 << 20,
        .read_only = true};
    bool is_created;
    enum weft_err rv = weft_store_open(&options, &c->store, &is_created, c->msg);
    if (rv == WEFT_OK) {
        rv = read_single(c, WEFT_KEY_IDENTITY);
    }
    if (rv == WEFT_OK) {
        rv = read_single(c, WEFT_KEY_POSITION);
    }
    if (rv == WEFT_OK) {
        rv = weft_names_create(NULL, 0, 0, 0, &c->names, c->msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_models_create(0, &c->models, c->msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_authorities_create(weft_buffer_as_text(&c->authority), &c->authorities, c->msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_epochs_load(&c->epochs, c->store, c->msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_audit_check_create(c->store, &c->audit, c->msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_commands_create(
            weft_buffer_as_text(&c->authority), c->store, c->names, &c->commands, c->msg);
    }
    if (rv == WEFT_OK) {
        c->has_commands = true;
        weft_commands_begin_replay(c->commands);
    }
    if (rv == WEFT_OK) {
        rv = weft_stream_check_create(&c->streams, c->msg);
    }
    if (rv == WEFT_OK) {
        c->batch = weft_store_batch_create();
        c->walk = weft_store_walk_create(c->store, NULL, true);
        c->stage.arena.size_max = WEFT_STATE_ARENA_SIZE_MAX;
        c->stage.statement.size_max = WEFT_STATE_ARENA_SIZE_MAX;
        c->stage.bytes.size_max = SIZE_MAX / 2;
        if (c->batch == NULL || c->walk == NULL) {
            rv = weft_fail(c->msg, WEFT_ENOMEM, "check the state");
        }
    }
    return rv;
}

enum weft_err weft_state_check(struct weft_state_check *check, struct weft_msg *msg)
{
    struct checker c = {.check = check, .msg = msg};
    check->keys = check->bytes = check->links = check->requests = 0;
    enum weft_err rv = begin(&c);
    if (rv == WEFT_OK) {
        check->position = c.position.public;
        rv = check_keys(&c);
    }
    if (rv == WEFT_OK) {
        rv = check_types(&c);
    }
    if (rv == WEFT_OK) {
        make_heads(&c);
        rv = weft_commands_replay_end(c.commands, c.batch, msg);
        weft_store_batch_drain(c.batch, on_made, &c);
    }
    if (rv == WEFT_OK) {
        rv = compare_sums(&c);
    }
    if (rv == WEFT_OK) {
        rv = compare_counts(&c);
    }
    if (rv == WEFT_OK) {
        rv = weft_audit_check_end(c.audit, c.position.public.index, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_stream_check_end(c.streams, msg);
    }
    weft_models_destroy(c.models);
    weft_authorities_destroy(c.authorities);
    weft_audit_check_destroy(c.audit);
    weft_commands_destroy(c.commands);
    weft_stream_check_destroy(c.streams);
    weft_names_destroy(c.names);
    weft_stage_destroy(&c.stage);
    weft_store_batch_destroy(c.batch);
    weft_store_walk_destroy(c.walk);
    weft_store_close(c.store);
    weft_buffer_destroy(&c.authority);
    return rv == WEFT_OK ? WEFT_OK : weft_wrap(msg, rv, "%s", check->directory);
}
