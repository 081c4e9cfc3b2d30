#include "node/state/audit.h"

#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/audit_read.h"
#include "policy/evidence.h"
#include "policy/principal.h"
#include "policy/tile_builder.h"
#include "proto/arith.h"
#include "proto/check.h"
#include "proto/crc32c.h"
#include "proto/entry.h"
#include "proto/time.h"

#define SECOND_NS INT64_C(1000000000)

enum {
    ACTORS = 64, /* A power of two. Chosen: who writes at once; 20 KiB */
};

/* A pseudonym that was worked out: it follows from the secret, and takes two hashes. */
struct actor {
    size_t size; /* 0: the place is free. */
    char principal[WEFT_PRINCIPAL_URI_SIZE];
    struct weft_digest digest;
};

struct weft_audit {
    struct weft_audit_head head;
    struct weft_tile_builder tree;
    struct weft_audit_entry entry; /* Under way; its seed is not looked at later. */
    uint32_t blobs;                /* Kept for it. */
    struct weft_buffer file;       /* Of evidence, under construction. */
    struct weft_buffer leaves;     /* Of it, as in a bundle. */
    uint64_t first;                /* Number of the first of them. */
    struct weft_buffer leaf;       /* Under construction. */
    struct actor actors[ACTORS];
};

/* --- pseudonyms ------------------------------------------------------------------------------ */

struct weft_digest weft_audit_actor(const struct weft_digest *secret, struct weft_text principal)
{
    static const char salt_label[] = "weft-audit/v1 salt", actor_label[] = "weft-audit/v1 actor";
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, salt_label, sizeof(salt_label));
    weft_sha256_update(&hash, secret->bytes, WEFT_DIGEST_SIZE);
    weft_sha256_update(&hash, principal.data, principal.size);
    /* Who opens one pseudonym tells this salt, and nothing of the secret or of others. */
    struct weft_digest salt = weft_sha256_final(&hash);
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, actor_label, sizeof(actor_label));
    weft_sha256_update(&hash, salt.bytes, WEFT_DIGEST_SIZE);
    weft_sha256_update(&hash, principal.data, principal.size);
    return weft_sha256_final(&hash);
}

static struct weft_digest actor_of(struct weft_audit *audit, struct weft_text principal)
{
    struct actor *known = &audit->actors[weft_crc32c(0, principal.data, principal.size) % ACTORS];
    if (principal.size > sizeof(known->principal)) {
        return weft_audit_actor(&audit->head.secret, principal);
    }
    if (!weft_text_equal(principal, (struct weft_text){known->principal, known->size})) {
        known->size = principal.size;
        memcpy(known->principal, principal.data, principal.size);
        known->digest = weft_audit_actor(&audit->head.secret, principal);
    }
    return known->digest;
}

static bool is_zero(const struct weft_digest *digest)
{
    static const struct weft_digest zero;
    return weft_digest_equal(digest, &zero);
}

static void draw_secret(struct weft_audit *audit, const uint8_t *seed)
{
    static const char label[] = "weft-audit/v1 secret";
    struct weft_sha256 hash;
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, label, sizeof(label));
    weft_sha256_update(&hash, seed, WEFT_SALT_SEED_SIZE);
    audit->head.secret = weft_sha256_final(&hash);
    memset(audit->actors, 0, sizeof(audit->actors));
}

/* --- leaves ---------------------------------------------------------------------------------- */

static enum weft_err append(struct weft_audit *audit, struct weft_audit_leaf *leaf,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    leaf->number = audit->head.range.size;
    leaf->term = audit->entry.term;
    leaf->index = audit->entry.index;
    leaf->time_ns = audit->entry.time_ns;
    weft_buffer_clear(&audit->leaf);
    enum weft_err rv = weft_audit_leaf_encode(leaf, &audit->leaf, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    struct weft_bytes bytes = {audit->leaf.data, audit->leaf.size};
    struct weft_digest hash = weft_merkle_leaf(bytes.data, bytes.size);
    rv = weft_bundle_append(&audit->leaves, bytes);
    if (rv == WEFT_OK) {
        rv = weft_merkle_append(&audit->head.range, &hash);
    }
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "a leaf of the audit log");
    }
    return weft_tile_builder_append(&audit->tree, &hash, weft_audit_put_tile, batch, msg);
}

/* --- evidence -------------------------------------------------------------------------------- */

/* The salt follows from the entry's seed, and goes with it (node/state/redact.h). */
static enum weft_err keep_blob(struct weft_audit *audit, struct weft_bytes blob,
    struct weft_store_batch *batch, struct weft_digest *ret_commitment, struct weft_msg *msg)
{
    static const char label[] = "weft-audit/v1 evidence";
    struct weft_evidence_salt salt;
    struct weft_sha256 hash;
    uint8_t number[4];
    weft_assert(audit->entry.seed != NULL); /* NOD-154 */
    weft_put_be32(number, audit->blobs++);
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, label, sizeof(label));
    weft_sha256_update(&hash, audit->entry.seed, WEFT_SALT_SEED_SIZE);
    weft_sha256_update(&hash, number, sizeof(number));
    struct weft_digest digest = weft_sha256_final(&hash);
    memcpy(salt.bytes, digest.bytes, sizeof(salt.bytes));
    *ret_commitment = weft_evidence_commit(WEFT_EVIDENCE_BLOB, &salt, blob);
    weft_buffer_clear(&audit->file);
    uint8_t index[8];
    weft_put_be64(index, audit->entry.index);
    enum weft_err rv = weft_buffer_append(&audit->file, index, sizeof(index));
    if (rv == WEFT_OK) {
        rv = weft_evidence_encode(&salt, blob, &audit->file);
    }
    if (rv != WEFT_OK) {
        return weft_fail(msg, rv, "evidence of the audit log");
    }
    struct weft_key key = weft_key_evidence(ret_commitment);
    weft_store_batch_put(batch, &key, audit->file.data, audit->file.size);
    return WEFT_OK;
}

enum weft_err weft_audit_add(struct weft_audit *audit, const struct weft_audit_act *act,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    if (weft_node_mutant(WEFT_NODE_MUTANT_LEAF_DROPPED) && audit->entry.index % 8 == 0) {
        return WEFT_OK;
    }
    struct weft_audit_leaf leaf = {.act = weft_text_of(act->act),
        .has_actor = act->principal.size > 0,
        .subject = act->subject,
        .effect = act->effect,
        .statement = act->statement,
        .version = act->version,
        .line = act->line,
        .count = act->count,
        .from = act->from,
        .to = act->to,
        .evidence_count = act->blob.size > 0 ? 1 : act->evidence_count};
    if (leaf.has_actor) {
        leaf.actor = actor_of(audit, act->principal);
    }
    if (act->blob.size > 0) {
        enum weft_err rv = keep_blob(audit, act->blob, batch, &leaf.evidence[0], msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    } else if (act->evidence_count > 0) {
        memcpy(leaf.evidence, act->evidence, act->evidence_count * sizeof(*act->evidence));
    }
    return append(audit, &leaf, batch, msg);
}

/* --- what is counted -------------------------------------------------------------------------- */

/* A leaf for each, in the order in which they first came. Its subject is the second. */
static enum weft_err flush_pending(
    struct weft_audit *audit, struct weft_store_batch *batch, struct weft_msg *msg)
{
    char second[WEFT_TIME_TEXT_SIZE];
    enum weft_err rv = WEFT_OK;
    weft_time_format(audit->head.second * SECOND_NS, second);
    for (uint32_t i = 0; rv == WEFT_OK && i < audit->head.pending_count; i++) {
        const struct weft_audit_pending *pending = &audit->head.pending[i];
        struct weft_audit_leaf leaf = {.act = weft_text_of(pending->act),
            .has_actor = !is_zero(&pending->actor),
            .actor = pending->actor,
            .subject = weft_text_of(second),
            .effect = pending->effect,
            .statement = weft_text_of(pending->statement),
            .version = pending->version,
            .line = pending->line,
            .count = pending->count,
            .evidence = {pending->evidence},
            .evidence_count = is_zero(&pending->evidence) ? 0 : 1};
        rv = append(audit, &leaf, batch, msg);
    }
    audit->head.pending_count = 0;
    return rv;
}

static struct weft_audit_pending *find_pending(
    struct weft_audit_head *head, const struct weft_audit_act *act, const struct weft_digest *actor)
{
    for (uint32_t i = 0; i < head->pending_count; i++) {
        struct weft_audit_pending *pending = &head->pending[i];
        if (weft_digest_equal(&pending->actor, actor) && pending->effect == act->effect &&
            pending->version == act->version && pending->line == act->line &&
            weft_text_is(act->statement, pending->statement) &&
            strcmp(act->act, pending->act) == 0) {
            return pending;
        }
    }
    return NULL;
}

enum weft_err weft_audit_count(struct weft_audit *audit, const struct weft_audit_act *act,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct weft_audit_head *head = &audit->head;
    struct weft_digest actor = {{0}};
    size_t act_size = strlen(act->act);
    weft_assert(act->count > 0 && act_size <= WEFT_AUDIT_WORD_SIZE_MAX &&
                act->statement.size <= WEFT_AUDIT_WORD_SIZE_MAX); /* NOD-153 */
    if (act->principal.size > 0) {
        actor = actor_of(audit, act->principal);
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_REFUSAL_UNCOUNTED) && audit->entry.index % 8 == 0) {
        return WEFT_OK;
    }
    struct weft_audit_pending *pending = find_pending(head, act, &actor);
    if (pending != NULL) {
        if (!weft_add_u64(pending->count, act->count, &pending->count)) {
            pending->count = UINT64_MAX;
        }
        return WEFT_OK;
    }
    if (head->pending_count == WEFT_AUDIT_PENDING_MAX) {
        enum weft_err rv = flush_pending(audit, batch, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    pending = &head->pending[head->pending_count++];
    *pending = (struct weft_audit_pending){.effect = act->effect,
        .actor = actor,
        .version = act->version,
        .line = act->line,
        .count = act->count};
    memcpy(pending->act, act->act, act_size);
    if (act->statement.size > 0) {
        memcpy(pending->statement, act->statement.data, act->statement.size);
    }
    return act->blob.size > 0 ? keep_blob(audit, act->blob, batch, &pending->evidence, msg)
                              : WEFT_OK;
}

/* --- entries --------------------------------------------------------------------------------- */

static int64_t second_of(int64_t time_ns)
{
    return time_ns / SECOND_NS - (time_ns % SECOND_NS < 0 ? 1 : 0);
}

enum weft_err weft_audit_begin(struct weft_audit *audit, const struct weft_audit_entry *entry,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct weft_audit_head *head = &audit->head;
    int64_t second = second_of(entry->time_ns);
    enum weft_err rv = WEFT_OK;
    audit->entry = *entry;
    audit->first = head->range.size;
    audit->blobs = 0;
    weft_buffer_clear(&audit->leaves);
    if (head->first_index == 0) {
        head->first_index = entry->index;
    }
    head->last_index = entry->index;
    if (entry->seed != NULL && is_zero(&head->secret)) {
        draw_secret(audit, entry->seed);
    }
    if (second != head->second) {
        rv = flush_pending(audit, batch, msg);
        head->second = second;
    }
    return rv;
}

void weft_audit_end(struct weft_audit *audit, struct weft_store_batch *batch)
{
    weft_assert(audit->tree.size == audit->head.range.size); /* NOD-151 */
    if (audit->leaves.size > 0) {
        struct weft_key key = weft_key_audit_leaves(audit->first);
        weft_store_batch_put(batch, &key, audit->leaves.data, audit->leaves.size);
    }
}

void weft_audit_put(struct weft_audit *audit, struct weft_store_batch *batch)
{
    uint8_t bytes[WEFT_AUDIT_HEAD_SIZE_MAX];
    size_t size = weft_audit_head_encode(&audit->head, bytes);
    struct weft_key key = weft_key_single(WEFT_KEY_AUDIT);
    weft_store_batch_put(batch, &key, bytes, size);
}

uint64_t weft_audit_next(const struct weft_audit *audit)
{
    return audit->head.range.size;
}

struct weft_merkle_head weft_audit_tree(const struct weft_audit *audit)
{
    return (struct weft_merkle_head){audit->head.range.size, weft_merkle_root(&audit->head.range)};
}

bool weft_audit_open_tile(const struct weft_audit *audit, const struct weft_tile *tile,
    struct weft_digest ret_hashes[WEFT_TILE_WIDTH])
{
    const struct weft_tile_open *open = &audit->tree.levels[tile->level];
    const uint64_t hashes = audit->tree.size >> (tile->level * WEFT_TILE_HEIGHT);
    if (tile->index != hashes / WEFT_TILE_WIDTH || tile->width > open->count) {
        return false;
    }
    memcpy(ret_hashes, open->hashes, tile->width * sizeof(ret_hashes[0]));
    return true;
}

/* --- open and close -------------------------------------------------------------------------- */

static enum weft_err load(struct weft_audit *audit, struct weft_audit_reader *reader,
    uint64_t applied, struct weft_msg *msg)
{
    enum weft_err rv = weft_audit_read_head(reader, &audit->head, msg);
    if (rv == WEFT_ENOTFOUND) {
        return WEFT_OK; /* A state that is empty, or older than the log. */
    }
    if (rv == WEFT_OK && audit->head.last_index < applied) {
        rv = weft_fail(msg, WEFT_ECORRUPT,
            "the audit log ends at entry %llu, but entries up to %llu were applied: by a version "
            "of the program that knows no audit log",
            (unsigned long long)audit->head.last_index, (unsigned long long)applied);
    }
    if (rv == WEFT_OK) {
        rv = weft_tile_builder_load(
            &audit->tree, audit->head.range.size, weft_audit_read_tile, reader, msg);
    }
    if (rv == WEFT_OK) {
        struct weft_digest stored = weft_merkle_root(&audit->head.range);
        struct weft_digest made = weft_tile_builder_root(&audit->tree);
        if (!weft_digest_equal(&stored, &made)) {
            rv = weft_fail(msg, WEFT_ECORRUPT, "the audit log's tiles make another root");
        }
    }
    return rv;
}

enum weft_err weft_audit_create(
    struct weft_store *store, uint64_t applied, struct weft_audit **ret_audit, struct weft_msg *msg)
{
    struct weft_audit *audit = calloc(1, sizeof(*audit));
    if (audit == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open the audit log");
    }
    audit->leaf.size_max = WEFT_LEAF_SIZE_MAX;
    audit->file.size_max = 8 + WEFT_EVIDENCE_SALT_SIZE + WEFT_EVIDENCE_SIZE_MAX;
    audit->leaves.size_max = SIZE_MAX / 2;
    struct weft_audit_reader reader;
    weft_audit_reader_init(&reader, store, NULL);
    enum weft_err rv = load(audit, &reader, applied, msg);
    weft_audit_reader_close(&reader);
    if (rv != WEFT_OK) {
        weft_audit_destroy(audit);
        return rv;
    }
    *ret_audit = audit;
    return WEFT_OK;
}

void weft_audit_destroy(struct weft_audit *audit)
{
    if (audit != NULL) {
        weft_buffer_destroy(&audit->leaves);
        weft_buffer_destroy(&audit->leaf);
        weft_buffer_destroy(&audit->file);
        free(audit);
    }
}
