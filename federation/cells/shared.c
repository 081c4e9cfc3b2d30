#include "federation/cells/shared.h"

#include "proto/check.h"

/* --- paths and nodes ------------------------------------------------------------------------- */

static uint32_t nibble_of(const struct weft_digest *digest, uint32_t depth)
{
    uint8_t byte = digest->bytes[depth / 2];
    return depth % 2 == 0 ? byte >> 4 : byte & 15u;
}

static struct weft_shared_path path_to(const struct weft_digest *cell, uint32_t depth)
{
    struct weft_shared_path path = {.depth = depth};
    memcpy(path.prefix.bytes, cell->bytes, depth / 2);
    if (depth % 2 != 0) {
        path.prefix.bytes[depth / 2] = cell->bytes[depth / 2] & 0xf0u;
    }
    return path;
}

struct weft_shared_path weft_shared_below(const struct weft_shared_path *path, uint32_t slot)
{
    struct weft_shared_path below = *path;
    weft_assert(path->depth < WEFT_SHARED_DEPTH_MAX && slot < WEFT_SHARED_WIDTH); /* FED-120 */
    below.prefix.bytes[path->depth / 2] |= (uint8_t)(path->depth % 2 == 0 ? slot << 4 : slot);
    below.depth++;
    return below;
}

struct weft_digest weft_shared_digest(const struct weft_shared_node *node)
{
    static const char domain[] = "weft-shared/v2\n";
    uint8_t bytes[WEFT_SHARED_NODE_SIZE_MAX];
    size_t size = weft_shared_encode(node, bytes);
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, domain, sizeof(domain) - 1);
    weft_sha256_update(&h, bytes, size);
    return weft_sha256_final(&h);
}

struct weft_digest weft_shared_leaf(
    const struct weft_digest *subject, const struct weft_digest *states, uint32_t count)
{
    static const char domain[] = "weft-subject-state/v1\n";
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, domain, sizeof(domain) - 1);
    weft_sha256_update(&h, subject->bytes, WEFT_DIGEST_SIZE);
    for (uint32_t i = 0; i < count; i++) {
        weft_assert(i == 0 || memcmp(&states[i - 1], &states[i], WEFT_DIGEST_SIZE) < 0);
        weft_sha256_update(&h, states[i].bytes, WEFT_DIGEST_SIZE);
    }
    return weft_sha256_final(&h);
}

static bool is_same_slot(const struct weft_shared_slot *a, const struct weft_shared_slot *b)
{
    return a->type == b->type &&
           (a->type == WEFT_SHARED_EMPTY ||
               (weft_digest_equal(&a->digest, &b->digest) &&
                   (a->type == WEFT_SHARED_NODE || weft_digest_equal(&a->cell, &b->cell))));
}

uint16_t weft_shared_differ(const struct weft_shared_node *a, const struct weft_shared_node *b)
{
    unsigned differ = 0;
    for (unsigned i = 0; i < WEFT_SHARED_WIDTH; i++) {
        differ |= is_same_slot(&a->slots[i], &b->slots[i]) ? 0 : 1u << i;
    }
    return (uint16_t)differ;
}

/* The only slot that is not empty, if there is one alone and it is a leaf: NULL otherwise. */
static const struct weft_shared_slot *lone_leaf(const struct weft_shared_node *node)
{
    const struct weft_shared_slot *found = NULL;
    for (unsigned i = 0; i < WEFT_SHARED_WIDTH; i++) {
        if (node->slots[i].type == WEFT_SHARED_EMPTY) {
            continue;
        }
        if (found != NULL) {
            return NULL;
        }
        found = &node->slots[i];
    }
    return found != NULL && found->type == WEFT_SHARED_LEAF ? found : NULL;
}

static bool is_empty_node(const struct weft_shared_node *node)
{
    unsigned i = 0;
    while (i < WEFT_SHARED_WIDTH && node->slots[i].type == WEFT_SHARED_EMPTY) {
        i++;
    }
    return i == WEFT_SHARED_WIDTH;
}

/* --- changing -------------------------------------------------------------------------------- */

struct change_range {
    const struct weft_shared_store *store;
    const struct weft_shared_change *changes;
    uint32_t count;
};

static enum weft_err read_node(const struct weft_shared_store *store,
    const struct weft_shared_path *path, const struct weft_shared_slot *above,
    struct weft_shared_node *ret_node)
{
    struct weft_digest digest;
    enum weft_err err = store->read(store->ctx, path, ret_node, &digest);
    if (err == WEFT_OK && above != NULL && !weft_digest_equal(&digest, &above->digest)) {
        err = WEFT_ECORRUPT;
    }
    return err == WEFT_ENOTFOUND && above != NULL ? WEFT_ECORRUPT : err;
}

/* How many cells a slot without a node has behind its changes, counted up to two. */
static uint32_t cells_behind(const struct weft_shared_slot *slot, const struct change_range *group,
    struct weft_shared_slot *ret_alone)
{
    uint32_t count = slot->type == WEFT_SHARED_LEAF ? 1 : 0;
    *ret_alone = *slot;
    for (uint32_t i = 0; count < 2 && i < group->count; i++) {
        const struct weft_shared_change *change = &group->changes[i];
        bool is_it =
            slot->type == WEFT_SHARED_LEAF && weft_digest_equal(&slot->cell, &change->cell);
        if (is_it && change->is_gone) {
            count--;
        } else if (!change->is_gone) {
            count += is_it ? 0 : 1;
            *ret_alone = (struct weft_shared_slot){
                .type = WEFT_SHARED_LEAF, .cell = change->cell, .digest = change->state};
        }
    }
    return count;
}

static enum weft_err merge(const struct change_range *range, const struct weft_shared_path *path,
    struct weft_shared_slot *slot);

/* The changes in one slot of the node at `path`. */
static enum weft_err merge_slot(const struct change_range *group,
    const struct weft_shared_path *path, uint32_t nibble, struct weft_shared_slot *slot)
{
    struct weft_shared_slot alone;
    if (slot->type != WEFT_SHARED_NODE) {
        uint32_t count = cells_behind(slot, group, &alone);
        if (count < 2) {
            *slot = count == 1 ? alone : (struct weft_shared_slot){.type = WEFT_SHARED_EMPTY};
            return WEFT_OK;
        }
    }
    weft_assert(path->depth < WEFT_SHARED_DEPTH_MAX); /* FED-120: two cells differ somewhere */
    struct weft_shared_path below = weft_shared_below(path, nibble);
    return merge(group, &below, slot);
}

static enum weft_err merge_slots(const struct change_range *range,
    const struct weft_shared_path *path, struct weft_shared_node *node)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < range->count;) {
        const uint32_t nibble = nibble_of(&range->changes[i].cell, path->depth), first = i;
        while (i < range->count && nibble_of(&range->changes[i].cell, path->depth) == nibble) {
            i++;
        }
        const struct change_range group = {range->store, range->changes + first, i - first};
        err = merge_slot(&group, path, nibble, &node->slots[nibble]);
    }
    return err;
}

/* Below a slot: a node, or a leaf or nothing of which the changes make one. A node with one cell
 * alone becomes that cell's leaf. */
static enum weft_err merge(const struct change_range *range, const struct weft_shared_path *path,
    struct weft_shared_slot *slot)
{
    const struct weft_shared_store *store = range->store;
    const bool was_node = slot->type == WEFT_SHARED_NODE;
    struct weft_shared_node node = {.slots = {{.type = WEFT_SHARED_EMPTY}}};
    enum weft_err err = was_node ? read_node(store, path, slot, &node) : WEFT_OK;
    if (slot->type == WEFT_SHARED_LEAF) {
        node.slots[nibble_of(&slot->cell, path->depth)] = *slot;
    }
    err = err == WEFT_OK ? merge_slots(range, path, &node) : err;
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_shared_slot *leaf = lone_leaf(&node);
    bool is_empty = leaf == NULL && is_empty_node(&node);
    if (leaf != NULL || is_empty) {
        *slot = leaf != NULL ? *leaf : (struct weft_shared_slot){.type = WEFT_SHARED_EMPTY};
        return was_node ? store->erase(store->ctx, path) : WEFT_OK;
    }
    const struct weft_shared_slot before = *slot;
    *slot =
        (struct weft_shared_slot){.type = WEFT_SHARED_NODE, .digest = weft_shared_digest(&node)};
    bool is_same = was_node && weft_digest_equal(&before.digest, &slot->digest);
    return is_same ? WEFT_OK : store->write(store->ctx, path, &node, &slot->digest);
}

enum weft_err weft_shared_put_all(const struct weft_shared_store *store,
    const struct weft_shared_change *changes, uint32_t count, struct weft_digest *ret_root)
{
    const struct weft_shared_path top = {.depth = 0};
    const struct change_range all = {store, changes, count};
    struct weft_shared_node node = {.slots = {{.type = WEFT_SHARED_EMPTY}}};
    for (uint32_t i = 1; i < count; i++) {
        weft_assert(memcmp(&changes[i - 1].cell, &changes[i].cell, WEFT_DIGEST_SIZE) < 0);
    }
    enum weft_err err = read_node(store, &top, NULL, &node);
    err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
    err = err == WEFT_OK ? merge_slots(&all, &top, &node) : err;
    if (err == WEFT_OK) {
        *ret_root = weft_shared_digest(&node);
        err = store->write(store->ctx, &top, &node, ret_root);
    }
    return err;
}

enum weft_err weft_shared_put(const struct weft_shared_store *store, const struct weft_digest *cell,
    const struct weft_digest *state, struct weft_digest *ret_root)
{
    struct weft_shared_change change = {.cell = *cell, .is_gone = state == NULL};
    if (state != NULL) {
        change.state = *state;
    }
    return weft_shared_put_all(store, &change, 1, ret_root);
}

enum weft_err weft_shared_get(const struct weft_shared_store *store, const struct weft_digest *cell,
    struct weft_digest *ret_state)
{
    struct weft_shared_slot slot = {.type = WEFT_SHARED_NODE};
    struct weft_shared_node node;
    for (uint32_t depth = 0; slot.type == WEFT_SHARED_NODE; depth++) {
        if (depth > WEFT_SHARED_DEPTH_MAX) {
            return WEFT_ECORRUPT;
        }
        const struct weft_shared_path path = path_to(cell, depth);
        enum weft_err err = read_node(store, &path, depth > 0 ? &slot : NULL, &node);
        if (err != WEFT_OK) {
            return err;
        }
        slot = node.slots[nibble_of(cell, depth)];
    }
    if (slot.type == WEFT_SHARED_EMPTY || !weft_digest_equal(&slot.cell, cell)) {
        return WEFT_ENOTFOUND;
    }
    *ret_state = slot.digest;
    return WEFT_OK;
}

/* --- encoded --------------------------------------------------------------------------------- */

static void put_be16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

size_t weft_shared_encode(
    const struct weft_shared_node *node, uint8_t ret_bytes[WEFT_SHARED_NODE_SIZE_MAX])
{
    unsigned leaves = 0, nodes = 0;
    uint8_t *p = ret_bytes + 4;
    for (unsigned i = 0; i < WEFT_SHARED_WIDTH; i++) {
        const struct weft_shared_slot *slot = &node->slots[i];
        if (slot->type == WEFT_SHARED_EMPTY) {
            continue;
        }
        if (slot->type == WEFT_SHARED_LEAF) {
            memcpy(p, slot->cell.bytes, WEFT_DIGEST_SIZE);
            p += WEFT_DIGEST_SIZE;
        }
        leaves |= slot->type == WEFT_SHARED_LEAF ? 1u << i : 0;
        nodes |= slot->type == WEFT_SHARED_NODE ? 1u << i : 0;
        memcpy(p, slot->digest.bytes, WEFT_DIGEST_SIZE);
        p += WEFT_DIGEST_SIZE;
    }
    put_be16(ret_bytes, leaves);
    put_be16(ret_bytes + 2, nodes);
    return (size_t)(p - ret_bytes);
}

/* Can the cell be in the slot of the node at `path`? */
static bool is_cell_of(
    const struct weft_digest *cell, const struct weft_shared_path *path, uint32_t slot)
{
    for (uint32_t i = 0; i < path->depth; i++) {
        if (nibble_of(cell, i) != nibble_of(&path->prefix, i)) {
            return false;
        }
    }
    return nibble_of(cell, path->depth) == slot;
}

enum weft_err weft_shared_decode(struct weft_bytes bytes, const struct weft_shared_path *path,
    struct weft_shared_node *ret_node, struct weft_msg *msg)
{
    struct weft_shared_node node = {.slots = {{.type = WEFT_SHARED_EMPTY}}};
    weft_assert(path->depth <= WEFT_SHARED_DEPTH_MAX); /* FED-120 */
    if (bytes.size < 4) {
        return weft_fail(msg, WEFT_EMALFORMED, "a node has 4 bytes at least");
    }
    unsigned leaves = (unsigned)bytes.data[0] << 8 | bytes.data[1];
    unsigned nodes = (unsigned)bytes.data[2] << 8 | bytes.data[3];
    size_t size =
        4 + (size_t)(2 * __builtin_popcount(leaves) + __builtin_popcount(nodes)) * WEFT_DIGEST_SIZE;
    if ((leaves & nodes) != 0 || size != bytes.size) {
        return weft_fail(msg, WEFT_EMALFORMED, "a node of %zu bytes has %zu", size, bytes.size);
    }
    if (nodes != 0 && path->depth == WEFT_SHARED_DEPTH_MAX) {
        return weft_fail(msg, WEFT_EMALFORMED, "there is nothing below a node of this depth");
    }
    const uint8_t *p = bytes.data + 4;
    for (unsigned i = 0; i < WEFT_SHARED_WIDTH; i++) {
        struct weft_shared_slot *slot = &node.slots[i];
        if ((leaves >> i & 1u) != 0) {
            slot->type = WEFT_SHARED_LEAF;
            memcpy(slot->cell.bytes, p, WEFT_DIGEST_SIZE);
            p += WEFT_DIGEST_SIZE;
            if (!is_cell_of(&slot->cell, path, i)) {
                return weft_fail(msg, WEFT_EMALFORMED, "slot %u has a cell of elsewhere", i);
            }
        } else if ((nodes >> i & 1u) != 0) {
            slot->type = WEFT_SHARED_NODE;
        } else {
            continue;
        }
        memcpy(slot->digest.bytes, p, WEFT_DIGEST_SIZE);
        p += WEFT_DIGEST_SIZE;
    }
    if (path->depth > 0 && ((leaves | nodes) == 0 || lone_leaf(&node) != NULL)) {
        return weft_fail(msg, WEFT_EMALFORMED, "a node below the root has two cells at least");
    }
    *ret_node = node;
    return WEFT_OK;
}
