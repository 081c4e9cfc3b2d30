#include "node/state/state.h"

#include <stdlib.h>
#include <sys/random.h>

#include "node/state/audit_read.h"
#include "node/state/loader.h"
#include "node/state/machine.h"
#include "node/state/redact.h"
#include "policy/merkle_proof.h"
#include "proto/arith.h"
#include "proto/check.h"

enum {
    HISTORIES_SHARE = 16, /* Chosen: beside the block cache, so much of its size. */
    PACKS_SHARE = 4,      /* Chosen: of the block cache, so much in packs that were read of late. */
    HEADS_BYTES = 32 * 1024 * 1024, /* chosen: 260,000 heads of assets in memory */
    IDENTITY_SIZE_MAX = 4 + 8 + 2 * (2 + 255),
};

/* --- position -------------------------------------------------------------------------------- */

void weft_position_encode(
    const struct weft_position *position, uint8_t ret_bytes[WEFT_POSITION_SIZE])
{
    const struct weft_state_position *s = &position->public;
    const uint64_t words[WEFT_POSITION_WORDS] = {s->index, s->term, (uint64_t)s->time_ns,
        s->conf_index, s->records, s->assets, position->window.oldest, position->window.next};
    uint8_t *p = ret_bytes;
    for (unsigned i = 0; i < WEFT_POSITION_WORDS; i++, p += 8) {
        weft_put_be64(p, words[i]);
    }
    memcpy(p, s->chain.bytes, WEFT_DIGEST_SIZE);
}

enum weft_err weft_position_decode(struct weft_bytes bytes, struct weft_position *ret_position)
{
    if (bytes.size != WEFT_POSITION_SIZE) {
        return WEFT_ECORRUPT;
    }
    const uint8_t *p = bytes.data;
    struct weft_position position = {
        .public = {.index = weft_get_be64(p),
            .term = weft_get_be64(p + 8),
            .time_ns = (int64_t)weft_get_be64(p + 16),
            .conf_index = weft_get_be64(p + 24),
            .records = weft_get_be64(p + 32),
            .assets = weft_get_be64(p + 40)},
        .window = {.oldest = weft_get_be64(p + 48), .next = weft_get_be64(p + 56)},
    };
    memcpy(position.public.chain.bytes, p + 8 * WEFT_POSITION_WORDS, WEFT_DIGEST_SIZE);
    if (position.public.index > WEFT_STATE_INDEX_MAX ||
        position.public.conf_index > position.public.index ||
        position.window.oldest > position.window.next) {
        return WEFT_ECORRUPT;
    }
    *ret_position = position;
    return WEFT_OK;
}

/* WEFT_ENOTFOUND: a state that has applied nothing. */
static enum weft_err load_position(struct weft_state *s, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_single(WEFT_KEY_POSITION);
    enum weft_err rv = weft_store_get(s->store, NULL, &key, &value, msg);
    if (rv == WEFT_OK && weft_position_decode(value.bytes, &s->position) != WEFT_OK) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "the position is damaged");
    }
    weft_store_release(&value);
    if (rv != WEFT_OK) {
        return rv == WEFT_ENOTFOUND ? WEFT_OK : rv;
    }
    key = weft_key_single(WEFT_KEY_CONFIGURATION);
    rv = weft_store_get(s->store, NULL, &key, &value, msg);
    if (rv == WEFT_OK) {
        rv = weft_buffer_append(&s->configuration, value.bytes.data, value.bytes.size);
    } else if (rv == WEFT_ENOTFOUND && s->position.public.conf_index == 0) {
        rv = WEFT_OK;
    } else if (rv == WEFT_ENOTFOUND) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "the configuration is missing");
    }
    weft_store_release(&value);
    s->position.public.configuration =
        (struct weft_bytes){s->configuration.data, s->configuration.size};
    return rv;
}

/* --- identity -------------------------------------------------------------------------------- */

static size_t put_identity(const struct weft_state_options *o, uint8_t ret_bytes[IDENTITY_SIZE_MAX])
{
    size_t site_size = strlen(o->site), org_size = strlen(o->org);
    uint8_t *p = ret_bytes;
    weft_put_be32(p, WEFT_STATE_FORMAT);
    weft_put_be64(p + 4, o->cluster);
    weft_put_be16(p + 12, (uint16_t)site_size);
    memcpy(p + 14, o->site, site_size);
    p += 14 + site_size;
    weft_put_be16(p, (uint16_t)org_size);
    memcpy(p + 2, o->org, org_size);
    return (size_t)(p + 2 + org_size - ret_bytes);
}

enum weft_err weft_identity_decode(struct weft_bytes bytes, struct weft_identity *ret_identity)
{
    uint32_t format = bytes.size >= 16 ? weft_get_be32(bytes.data) : 0;
    if (format == 0) {
        return WEFT_ECORRUPT;
    }
    ret_identity->format = format;
    if (format != WEFT_STATE_FORMAT) {
        return WEFT_EVERSION;
    }
    size_t site_size = weft_get_be16(bytes.data + 12);
    if (bytes.size < 16 + site_size) {
        return WEFT_ECORRUPT;
    }
    const uint8_t *org = bytes.data + 14 + site_size;
    size_t org_size = weft_get_be16(org);
    if (bytes.size != 16 + site_size + org_size) {
        return WEFT_ECORRUPT;
    }
    ret_identity->cluster = weft_get_be64(bytes.data + 4);
    ret_identity->site = (struct weft_text){(const char *)bytes.data + 14, site_size};
    ret_identity->org = (struct weft_text){(const char *)org + 2, org_size};
    return WEFT_OK;
}

static enum weft_err compare_identity(
    struct weft_bytes bytes, const struct weft_state_options *o, struct weft_msg *msg)
{
    struct weft_identity found;
    enum weft_err rv = weft_identity_decode(bytes, &found);
    if (rv == WEFT_EVERSION) {
        return weft_fail(msg, rv,
            "the state is of format %u, this program knows %d: use the one that wrote it",
            found.format, WEFT_STATE_FORMAT);
    }
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "the state's identity is damaged");
    }
    if (!weft_text_is(found.site, o->site) || !weft_text_is(found.org, o->org)) {
        return weft_fail(msg, WEFT_EPEER, "the state is of site %.*s of %.*s, not of %s of %s",
            (int)found.site.size, found.site.data, (int)found.org.size, found.org.data, o->site,
            o->org);
    }
    if (found.cluster != o->cluster && !o->take_over) {
        return weft_fail(msg, WEFT_EPEER, "the state is of cluster %016llx, not of %016llx",
            (unsigned long long)found.cluster, (unsigned long long)o->cluster);
    }
    return WEFT_OK;
}

static enum weft_err write_identity(
    struct weft_state *s, const struct weft_state_options *o, struct weft_msg *msg)
{
    uint8_t identity[IDENTITY_SIZE_MAX];
    size_t size = put_identity(o, identity);
    struct weft_key key = weft_key_single(WEFT_KEY_IDENTITY);
    weft_store_batch_put(s->batch, &key, identity, size);
    enum weft_err rv = weft_store_write(s->store, s->batch, msg);
    return rv == WEFT_OK ? weft_store_flush(s->store, msg) : rv;
}

/* A store without identity is one whose creation was cut short: it must be empty then. */
static enum weft_err make_identity(
    struct weft_state *s, const struct weft_state_options *o, struct weft_msg *msg)
{
    struct weft_store_walk *walk = weft_store_walk_create(s->store, NULL, false);
    if (walk == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open the state");
    }
    weft_store_walk_first(walk);
    bool has_keys = weft_store_walk_is_at_key(walk);
    enum weft_err rv = weft_store_walk_err(walk, msg);
    weft_store_walk_destroy(walk);
    if (rv == WEFT_OK && (has_keys || s->is_read_only)) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "the state has no identity");
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    return write_identity(s, o, msg);
}

/* *ret_restored: it is another cluster's, taken over; its identity is still to be written. */
static enum weft_err check_identity(struct weft_state *s, const struct weft_state_options *o,
    bool *ret_restored, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_identity found;
    struct weft_key key = weft_key_single(WEFT_KEY_IDENTITY);
    enum weft_err rv = weft_store_get(s->store, NULL, &key, &value, msg);
    *ret_restored = false;
    if (rv == WEFT_ENOTFOUND) {
        return make_identity(s, o, msg);
    }
    if (rv == WEFT_OK) {
        rv = compare_identity(value.bytes, o, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_identity_decode(value.bytes, &found);
        *ret_restored = rv == WEFT_OK && found.cluster != o->cluster;
    }
    weft_store_release(&value);
    return rv;
}

/* NOD-199: in one write with the identity, so that it cannot be lost between. A governed site that
 * knows of no agreement may have had one. */
static enum weft_err take_over(
    struct weft_state *s, const struct weft_state_options *o, struct weft_msg *msg)
{
    enum weft_err rv = WEFT_OK;
    if (weft_authority_org(weft_state_authority(s)) != NULL) {
        weft_streams_restore(s->streams, s->position.public.index);
        rv = weft_epochs_raise(&s->epochs, s->position.public.index, o->take_over_s, s->batch, msg);
        rv = rv == WEFT_OK ? weft_streams_put(s->streams, s->batch, msg) : rv;
    }
    return rv == WEFT_OK ? write_identity(s, o, msg) : rv;
}

/* --- open and close -------------------------------------------------------------------------- */

static struct weft_text authority_of(const struct weft_state *s)
{
    return (struct weft_text){(const char *)s->authority.data, s->authority.size};
}

/* Cells follow from the statements of streams (node/state/cells.h). */
static enum weft_err on_contract(
    void *ctx, const struct weft_contract *contract, struct weft_text text, struct weft_msg *msg)
{
    (void)contract;
    return weft_cells_agree(ctx, text, msg);
}

static enum weft_err on_statement(
    void *ctx, const struct weft_streams_told *told, struct weft_msg *msg)
{
    const struct weft_cells_statement statement = {told->contract, told->party, told->sequence,
        *told->digest, told->projection, told->is_first};
    return weft_cells_take(ctx, &statement, msg);
}

static enum weft_err open_streams(struct weft_state *s, const struct weft_state_options *o,
    bool is_restored, struct weft_msg *msg)
{
    enum weft_err rv =
        weft_streams_create(authority_of(s), s->store, s->names, &s->epochs, &s->streams, msg);
    if (rv == WEFT_OK) {
        const struct weft_streams_listener listener = {s->cells, on_contract, on_statement};
        weft_streams_listen(s->streams, &listener);
        rv = weft_streams_load(s->streams, weft_state_authority(s), msg);
    }
    return rv == WEFT_OK && is_restored ? take_over(s, o, msg) : rv;
}

static enum weft_err open_parts(
    struct weft_state *s, const struct weft_state_options *o, struct weft_msg *msg)
{
    uint64_t secret;
    if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret)) {
        return weft_fail(msg, WEFT_EIO, "draw a random number");
    }
    bool is_restored;
    enum weft_err rv = check_identity(s, o, &is_restored, msg);
    if (rv == WEFT_OK) {
        rv = weft_buffer_format(&s->authority, "%s/%s", o->org, o->site);
    }
    if (rv == WEFT_OK) {
        rv = load_position(s, msg);
    }
    if (rv != WEFT_OK || s->is_read_only) {
        return rv;
    }
    rv = weft_redact_last(s->store, &s->redacted_index, msg);
    if (rv == WEFT_OK) {
        rv = weft_epochs_load(&s->epochs, s->store, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_audit_create(s->store, s->position.public.index, &s->audit, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    rv =
        weft_names_create(s->store, HEADS_BYTES, s->position.public.assets, secret, &s->names, msg);
    if (rv == WEFT_OK) {
        rv = weft_requests_create(s->store, secret, &s->position.window, &s->requests, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_models_create(secret, &s->models, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_models_load(s->models, s->names, s->store, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_authorities_create(authority_of(s), &s->authorities, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_authorities_load(s->authorities, s->names, s->store, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_commands_create(authority_of(s), s->store, s->names, &s->commands, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_commands_load(s->commands, s->position.public.time_ns, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_cells_create(s->store, s->batch, &s->cells, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_feed_load(s->feed, s->store, s->names, s->position.public.assets, msg);
    }
    if (rv == WEFT_OK) {
        rv = open_streams(s, o, is_restored, msg);
    }
    if (rv == WEFT_OK && weft_govern_create(s->store, s->names, &s->govern) != WEFT_OK) {
        rv = weft_fail(msg, WEFT_ENOMEM, "open the state");
    }
    return rv;
}

enum weft_err weft_state_open(
    const struct weft_state_options *options, struct weft_state **ret_state, struct weft_msg *msg)
{
    if (strlen(options->site) > 255 || strlen(options->org) > 255) {
        return weft_fail(msg, WEFT_EINVAL, "the name of the site or organization is too long");
    }
    struct weft_state *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open the state");
    }
    s->is_read_only = options->read_only;
    weft_shelf_init(&s->shelf);
    weft_audit_roots_init(&s->audit_roots);
    s->stage.arena.size_max = WEFT_STATE_ARENA_SIZE_MAX;
    s->stage.statement.size_max = WEFT_STATE_ARENA_SIZE_MAX;
    s->stage.bytes.size_max = SIZE_MAX / 2;
    s->batch = weft_store_batch_create();
    s->packs = weft_packs_create(options->cache_bytes / PACKS_SHARE);
    s->histories = weft_histories_create(options->cache_bytes / HISTORIES_SHARE);
    s->persons = weft_persons_create();
    enum weft_err rv =
        weft_feed_create(options->read_only ? 0 : options->lineage_bytes, &s->feed, msg);
    struct weft_store_options store_options = {.directory = options->directory,
        .cache_bytes = options->cache_bytes,
        .memtable_bytes = options->memtable_bytes,
        .read_only = options->read_only,
        .on_complaint = options->on_complaint};
    bool is_created;
    if (rv == WEFT_OK) {
        rv = s->batch != NULL && s->packs != NULL && s->histories != NULL && s->persons != NULL
                 ? weft_store_open(&store_options, &s->store, &is_created, msg)
                 : weft_fail(msg, WEFT_ENOMEM, "open the state");
    }
    if (rv == WEFT_OK) {
        rv = open_parts(s, options, msg);
        if (rv != WEFT_OK) {
            rv = weft_wrap(msg, rv, "%s", options->directory);
        }
    }
    if (rv != WEFT_OK) {
        weft_state_close(s);
        return rv;
    }
    weft_store_watch(s->store, &options->on_damage); /* Until now the caller of this hears. */
    *ret_state = s;
    return WEFT_OK;
}

void weft_state_close(struct weft_state *state)
{
    if (state == NULL) {
        return;
    }
    weft_assert(atomic_load(&state->views) == 0); /* NOD-109 */
    weft_models_destroy(state->models);
    weft_authorities_destroy(state->authorities);
    weft_persons_destroy(state->persons);
    weft_commands_destroy(state->commands);
    weft_cells_destroy(state->cells);
    weft_streams_destroy(state->streams);
    weft_audit_destroy(state->audit);
    weft_shelf_close(&state->shelf);
    weft_audit_roots_close(&state->audit_roots);
    weft_feed_destroy(state->feed);
    weft_govern_destroy(state->govern);
    weft_requests_destroy(state->requests);
    weft_names_destroy(state->names);
    weft_stage_destroy(&state->stage);
    weft_store_batch_destroy(state->batch);
    weft_packs_destroy(state->packs);
    weft_histories_destroy(state->histories);
    weft_store_close(state->store);
    weft_buffer_destroy(&state->configuration);
    weft_buffer_destroy(&state->authority);
    free(state);
}

void weft_state_position(const struct weft_state *state, struct weft_state_position *ret_position)
{
    *ret_position = state->position.public;
}

struct weft_authority *weft_state_authority(struct weft_state *state)
{
    return weft_authorities_at(state->authorities, state->position.public.index + 1);
}

struct weft_commands *weft_state_commands(struct weft_state *state)
{
    return state->commands;
}

void weft_state_denials(const struct weft_state *state, struct weft_denials *ret_denials)
{
    *ret_denials = state->denials;
}

struct weft_merkle_head weft_state_audit(const struct weft_state *state)
{
    return weft_audit_tree(state->audit);
}

struct tiles {
    const struct weft_audit *audit;
    struct weft_audit_reader reader;
};

/* Open ones are in memory: made of what is below them, they take up to 255 full ones. */
static enum weft_err get_tile(void *ctx, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH], struct weft_msg *msg)
{
    struct tiles *tiles = ctx;
    return weft_audit_open_tile(tiles->audit, tile, ret_hashes)
               ? WEFT_OK
               : weft_audit_read_tile(&tiles->reader, tile, ret_hashes, msg);
}

enum weft_err weft_state_audit_root(
    struct weft_state *state, uint64_t size, struct weft_digest *ret_root, struct weft_msg *msg)
{
    const struct weft_merkle_head head = weft_audit_tree(state->audit);
    if (size == 0 || size == head.size) {
        *ret_root = size == 0 ? weft_merkle_empty() : head.root;
        return WEFT_OK;
    }
    struct tiles tiles = {.audit = state->audit};
    struct weft_merkle_prover *prover = malloc(sizeof(*prover)); /* 64 KiB */
    if (prover == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "read the audit log");
    }
    weft_audit_reader_init(&tiles.reader, state->store, NULL);
    weft_merkle_prover_init(prover, head.size, get_tile, &tiles);
    enum weft_err rv = weft_merkle_prove_root(prover, size, ret_root, msg);
    weft_audit_reader_close(&tiles.reader);
    free(prover);
    return rv;
}

void weft_state_lineage(const struct weft_state *state, struct weft_lineage_stats *ret_stats)
{
    weft_feed_stats(state->feed, ret_stats);
}

bool weft_state_is_marker(const struct weft_log_entry *entry)
{
    struct weft_entry_reader reader;
    struct weft_entry_item item;
    if (entry->type != WEFT_ENTRY_COMMAND || weft_entry_open(entry->data, &reader) != WEFT_OK) {
        return false;
    }
    while (weft_entry_next(&reader, &item) == WEFT_OK) {
        if (item.type == WEFT_ITEM_DIGEST) {
            return true;
        }
    }
    return false;
}

/* --- the disk -------------------------------------------------------------------------------- */

uint64_t weft_state_redacted(const struct weft_state *state)
{
    return state->redacted_index;
}

enum weft_err weft_state_purge(
    struct weft_state *state, const volatile bool *cancel, struct weft_msg *msg)
{
    return weft_store_purge(state->store, cancel, msg);
}

enum weft_err weft_state_checkpoint(
    struct weft_state *state, const char *directory, struct weft_msg *msg)
{
    return weft_store_checkpoint(state->store, directory, msg);
}

enum weft_err weft_state_files(
    struct weft_state *state, weft_store_on_file *on_file, void *ctx, struct weft_msg *msg)
{
    return weft_store_files(state->store, on_file, ctx, msg);
}

enum weft_err weft_state_flush(struct weft_state *state, struct weft_msg *msg)
{
    return weft_store_flush(state->store, msg);
}

uint64_t weft_state_durable_index(const struct weft_state *state)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_position position = {.window = {.next = 0}};
    struct weft_key key = weft_key_single(WEFT_KEY_POSITION);
    /* Whatever goes wrong, nothing is known to be durable: index 0 is the safe answer. */
    if (weft_store_get_durable(state->store, &key, &value, NULL) == WEFT_OK &&
        weft_position_decode(value.bytes, &position) != WEFT_OK) {
        position.public.index = 0;
    }
    weft_store_release(&value);
    return position.public.index;
}

enum weft_err weft_state_cells_sum(struct weft_state *state, struct weft_text agreement,
    struct weft_cells_sum *ret_sum, struct weft_msg *msg)
{
    return weft_cells_get_sum(state->cells, agreement, ret_sum, msg);
}
