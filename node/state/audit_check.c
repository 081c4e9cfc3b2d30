#include "node/state/audit_check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "node/state/audit_acts.h"
#include "node/state/audit_read.h"
#include "policy/evidence.h"
#include "policy/tile_builder.h"

struct weft_audit_check {
    struct weft_audit_head head;
    bool has_head;
    struct weft_audit_order order;
    struct weft_tile_builder tree;
    /* The leaves once more, beside the records. */
    struct weft_store_walk *walk;
    struct weft_bytes rest; /* Of the value at the walk. */
    struct weft_audit_leaf leaf;
    uint64_t left; /* Records of the leaf's commit that have not come. */
    struct weft_merkle_range statements;
};

enum weft_err weft_audit_check_create(
    struct weft_store *store, struct weft_audit_check **ret_check, struct weft_msg *msg)
{
    struct weft_audit_check *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "check the audit log");
    }
    struct weft_audit_reader reader;
    const struct weft_key key = weft_key_audit_leaves(0);
    weft_audit_reader_init(&reader, store, NULL);
    enum weft_err rv = weft_audit_read_head(&reader, &c->head, msg);
    weft_audit_reader_close(&reader);
    c->has_head = rv == WEFT_OK;
    c->walk = weft_store_walk_create(store, NULL, true);
    if (rv == WEFT_ENOTFOUND) {
        rv = WEFT_OK;
    }
    if (rv == WEFT_OK && c->walk == NULL) {
        rv = weft_fail(msg, WEFT_ENOMEM, "check the audit log");
    }
    if (rv != WEFT_OK) {
        weft_audit_check_destroy(c);
        return rv;
    }
    weft_store_walk_to(c->walk, &key);
    *ret_check = c;
    return WEFT_OK;
}

void weft_audit_check_destroy(struct weft_audit_check *check)
{
    if (check != NULL) {
        weft_store_walk_destroy(check->walk);
        free(check);
    }
}

/* --- leaves ---------------------------------------------------------------------------------- */

static enum weft_err bad_leaf(uint64_t number, enum weft_err err, struct weft_msg *msg)
{
    return weft_wrap(
        msg, err == WEFT_ENOMEM ? err : WEFT_ECORRUPT, "leaf %" PRIu64 " of the audit log", number);
}

static enum weft_err parse(
    struct weft_bytes bytes, struct weft_audit_leaf *ret_leaf, struct weft_msg *msg)
{
    struct weft_text text = {(const char *)bytes.data, bytes.size};
    return weft_audit_leaf_parse(text, ret_leaf, msg);
}

enum weft_err weft_audit_check_leaves(struct weft_audit_check *c, struct weft_bytes key,
    struct weft_bytes value, struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct weft_bytes rest = value, bytes;
    struct weft_audit_leaf leaf;
    if (key.size != WEFT_KEY_AUDIT_LEAVES_SIZE || weft_get_be64(key.data + 1) != c->order.next ||
        value.size == 0) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "leaf %" PRIu64 " of the audit log is missing, or what follows does not belong there",
            c->order.next);
    }
    while (rest.size > 0) {
        uint64_t number = c->order.next;
        enum weft_err rv = weft_bundle_next(&rest, &bytes);
        rv = rv == WEFT_OK ? parse(bytes, &leaf, msg) : weft_fail(msg, rv, "it is cut short");
        if (rv == WEFT_OK) {
            rv = weft_audit_order_step(&c->order, &leaf, msg);
        }
        if (rv != WEFT_OK) {
            return bad_leaf(number, rv, msg);
        }
        struct weft_digest hash = weft_merkle_leaf(bytes.data, bytes.size);
        rv = weft_tile_builder_append(&c->tree, &hash, weft_audit_put_tile, batch, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    return WEFT_OK;
}

uint64_t weft_audit_check_next(const struct weft_audit_check *check)
{
    return check->order.next;
}

enum weft_err weft_audit_check_evidence(
    struct weft_bytes key, struct weft_bytes value, struct weft_msg *msg)
{
    struct weft_digest commitment;
    struct weft_bytes file, blob;
    uint64_t index;
    if (key.size != WEFT_KEY_EVIDENCE_SIZE) {
        return weft_fail(msg, WEFT_ECORRUPT, "a key of evidence is damaged");
    }
    memcpy(commitment.bytes, key.data + 1, WEFT_DIGEST_SIZE);
    enum weft_err rv = weft_audit_open_evidence(value, &index, &file, msg);
    if (rv == WEFT_OK) {
        rv = weft_evidence_open(file, &commitment, &blob, msg);
    }
    return rv == WEFT_OK ? rv : weft_wrap(msg, WEFT_ECORRUPT, "evidence of the audit log");
}

/* --- records --------------------------------------------------------------------------------- */

static bool is_accepted_commit(const struct weft_audit_leaf *leaf)
{
    return weft_text_is(leaf->act, WEFT_AUDIT_ACT_COMMIT) && leaf->effect != WEFT_AUDIT_DENY;
}

/* c->leaf: the next commit's. *ret_found false: there is none. */
static enum weft_err next_commit(struct weft_audit_check *c, bool *ret_found, struct weft_msg *msg)
{
    const uint8_t prefix[1] = {WEFT_KEY_AUDIT_LEAVES};
    *ret_found = false;
    while (weft_store_walk_is_below(c->walk, (struct weft_bytes){prefix, 1})) {
        struct weft_bytes bytes;
        if (c->rest.data == NULL) {
            c->rest = weft_store_walk_value(c->walk);
        }
        while (c->rest.size > 0) {
            enum weft_err rv = weft_bundle_next(&c->rest, &bytes);
            if (rv == WEFT_OK) {
                rv = parse(bytes, &c->leaf, msg);
            }
            *ret_found = rv == WEFT_OK && is_accepted_commit(&c->leaf);
            if (rv != WEFT_OK || *ret_found) {
                return rv;
            }
        }
        c->rest = (struct weft_bytes){NULL, 0};
        weft_store_walk_next(c->walk);
    }
    return weft_store_walk_err(c->walk, msg);
}

enum weft_err weft_audit_check_record(struct weft_audit_check *c, uint64_t index,
    const struct weft_digest *statement, struct weft_msg *msg)
{
    /* NOD-152 */
    if (!c->has_head || index < c->head.first_index) {
        return WEFT_OK; /* The state is older than its log. */
    }
    if (c->left == 0) {
        bool is_found;
        enum weft_err rv = next_commit(c, &is_found, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        if (!is_found || c->leaf.index != index || c->leaf.evidence_count != 1) {
            return weft_fail(msg, WEFT_ECORRUPT,
                "the audit log has no leaf of the commit of index %" PRIu64, index);
        }
        c->left = c->leaf.count;
        c->statements = (struct weft_merkle_range){0};
    }
    struct weft_digest leaf = weft_merkle_leaf(statement->bytes, WEFT_DIGEST_SIZE);
    enum weft_err rv = weft_merkle_append(&c->statements, &leaf);
    c->left--;
    if (rv == WEFT_OK && c->left == 0) {
        struct weft_digest root = weft_merkle_root(&c->statements);
        if (c->leaf.index != index || !weft_digest_equal(&root, &c->leaf.evidence[0])) {
            rv = weft_fail(msg, WEFT_ECORRUPT,
                "leaf %" PRIu64 " of the audit log is of other records than those of index "
                "%" PRIu64,
                c->leaf.number, index);
        }
    }
    return rv;
}

bool weft_audit_check_term(const struct weft_audit_check *c, uint64_t index, uint64_t *ret_term)
{
    *ret_term = c->leaf.term;
    return c->has_head && index >= c->head.first_index && c->leaf.index == index;
}

enum weft_err weft_audit_check_end(
    struct weft_audit_check *c, uint64_t applied, struct weft_msg *msg)
{
    bool is_found;
    enum weft_err rv = next_commit(c, &is_found, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (is_found || c->left > 0) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "leaf %" PRIu64 " of the audit log is of records that are not there", c->leaf.number);
    }
    struct weft_digest stored = weft_merkle_root(&c->head.range);
    struct weft_digest made = weft_tile_builder_root(&c->tree);
    if (c->tree.size != c->head.range.size || !weft_digest_equal(&stored, &made)) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "the audit log's %" PRIu64 " leaves do not make the tree that it says it is",
            c->tree.size);
    }
    if (c->has_head && c->head.last_index != applied) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "the audit log ends at entry %" PRIu64 ", the state at %" PRIu64, c->head.last_index,
            applied);
    }
    return WEFT_OK;
}
