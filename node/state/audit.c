#include "node/state/audit.h"

#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/audit_read.h"
#include "policy/tile_builder.h"
#include "proto/check.h"
#include "proto/entry.h"
#include "proto/time.h"

#define SECOND_NS INT64_C(1000000000)

struct weft_audit {
    struct weft_audit_head head;
    struct weft_tile_builder tree;
    struct weft_audit_entry entry; /* Under way; its seed is not looked at later. */
    struct weft_buffer leaves;     /* Of it, as in a bundle. */
    uint64_t first;                /* Number of the first of them. */
    struct weft_buffer leaf;       /* Under construction. */
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

enum weft_err weft_audit_add(struct weft_audit *audit, const struct weft_audit_act *act,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    if (weft_node_mutant(WEFT_NODE_MUTANT_LEAF_DROPPED) && audit->entry.index % 8 == 0) {
        return WEFT_OK;
    }
    struct weft_audit_leaf leaf = {.act = weft_text_of(act->act),
        .has_actor = act->principal.size > 0,
        .effect = act->effect,
        .statement = act->statement,
        .version = act->version,
        .line = act->line,
        .count = act->count,
        .evidence_count = act->evidence != NULL ? 1 : 0};
    if (leaf.has_actor) {
        leaf.actor = weft_audit_actor(&audit->head.secret, act->principal);
    }
    if (act->evidence != NULL) {
        leaf.evidence[0] = *act->evidence;
    }
    return append(audit, &leaf, batch, msg);
}

/* --- refusals -------------------------------------------------------------------------------- */

/* A leaf for each, in the order in which they were first refused. Its subject is the second. */
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
            .effect = WEFT_AUDIT_DENY,
            .statement = weft_text_of(pending->statement),
            .version = pending->version,
            .line = pending->line,
            .count = pending->count};
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
        if (weft_digest_equal(&pending->actor, actor) && pending->version == act->version &&
            pending->line == act->line && weft_text_is(act->statement, pending->statement) &&
            strcmp(act->act, pending->act) == 0) {
            return pending;
        }
    }
    return NULL;
}

enum weft_err weft_audit_refuse(struct weft_audit *audit, const struct weft_audit_act *act,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct weft_audit_head *head = &audit->head;
    struct weft_digest actor = {{0}};
    size_t act_size = strlen(act->act);
    weft_assert(act->effect == WEFT_AUDIT_DENY && act->count > 0 &&
                act_size <= WEFT_AUDIT_WORD_SIZE_MAX &&
                act->statement.size <= WEFT_AUDIT_WORD_SIZE_MAX); /* NOD-153 */
    if (act->principal.size > 0) {
        actor = weft_audit_actor(&head->secret, act->principal);
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_REFUSAL_UNCOUNTED) && audit->entry.index % 8 == 0) {
        return WEFT_OK;
    }
    struct weft_audit_pending *pending = find_pending(head, act, &actor);
    if (pending != NULL) {
        pending->count += act->count;
        return WEFT_OK;
    }
    if (head->pending_count == WEFT_AUDIT_PENDING_MAX) {
        enum weft_err rv = flush_pending(audit, batch, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    pending = &head->pending[head->pending_count++];
    *pending = (struct weft_audit_pending){
        .actor = actor, .version = act->version, .line = act->line, .count = act->count};
    memcpy(pending->act, act->act, act_size);
    if (act->statement.size > 0) {
        memcpy(pending->statement, act->statement.data, act->statement.size);
    }
    return WEFT_OK;
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

struct weft_merkle_head weft_audit_tree(const struct weft_audit *audit)
{
    return (struct weft_merkle_head){audit->head.range.size, weft_merkle_root(&audit->head.range)};
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
        free(audit);
    }
}
