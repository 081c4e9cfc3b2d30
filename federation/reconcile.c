#include "federation/reconcile.h"

#include "proto/check.h"
#include "proto/octets.h"

/* A message is a byte (1: there is more to come) and entries: type, depth, the prefix's digits in
 * whole bytes, and what the type has. The numbers are on the wire. */
enum {
    ENTRY_ROOT = 1, /* hash: of the whole set; depth 0 */
    ENTRY_NODE = 2, /* be16 bits of the children, a hash of each */
    ENTRY_ALL = 3,  /* count, members: all that the sender has there */
    ENTRY_HAVE = 4, /* count, members: some that the sender has and the other does not */
    ENTRY_WANT = 5, /* nothing: the sender has nothing there and wants all */
};

enum {
    HAS_MORE = 1,
    ENTRY_HEAD_MAX = 2 + WEFT_DIGEST_SIZE,
    ENTRY_SIZE_MAX =
        ENTRY_HEAD_MAX + WEFT_VARINT_SIZE_MAX + WEFT_RECONCILE_LIST_MAX * WEFT_DIGEST_SIZE,
};

_Static_assert((int)ENTRY_SIZE_MAX < (int)WEFT_RECONCILE_MESSAGE_SIZE_MAX, "a message holds one");

/* What is to be said of a prefix when there is room. */
struct task {
    unsigned type; /* ENTRY_NODE: whatever is best; ENTRY_WANT. */
    struct weft_trie_prefix prefix;
};

struct entry {
    unsigned type;
    struct weft_trie_prefix prefix;
    unsigned bits;
    uint32_t count;
    const uint8_t *content; /* Hashes, or members. */
};

void weft_reconcile_init(struct weft_reconcile *r, const struct weft_trie_view *view,
    weft_reconcile_on_missing *on_missing, void *ctx)
{
    *r = (struct weft_reconcile){.view = *view,
        .on_missing = on_missing,
        .ctx = ctx,
        .tasks = {.size_max = WEFT_RECONCILE_TASKS_MAX * sizeof(struct task)}};
}

void weft_reconcile_destroy(struct weft_reconcile *r)
{
    weft_buffer_destroy(&r->tasks);
}

static enum weft_err add_task(struct weft_reconcile *r, unsigned type,
    const struct weft_trie_prefix *prefix, struct weft_msg *msg)
{
    const struct task task = {type, *prefix};
    enum weft_err err = weft_buffer_append(&r->tasks, &task, sizeof(task));
    return err == WEFT_OK ? err : weft_fail(msg, err, "the sets differ in too much");
}

/* --- writing --------------------------------------------------------------------------------- */

static enum weft_err put_head(
    struct weft_buffer *out, unsigned type, const struct weft_trie_prefix *prefix)
{
    uint8_t head[ENTRY_HEAD_MAX];
    size_t digits = (prefix->depth + 1) / 2;
    head[0] = (uint8_t)type;
    head[1] = (uint8_t)prefix->depth;
    memcpy(head + 2, prefix->digits.bytes, digits);
    return weft_buffer_append(out, head, 2 + digits);
}

static enum weft_err put_members(struct weft_buffer *out, unsigned type,
    const struct weft_trie_prefix *prefix, const struct weft_digest *members, uint32_t count)
{
    uint8_t size[WEFT_VARINT_SIZE_MAX];
    uint8_t *end = weft_put_varint(size, count);
    enum weft_err err = put_head(out, type, prefix);
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, size, (size_t)(end - size));
    }
    return err == WEFT_OK ? weft_buffer_append(out, members, count * sizeof(*members)) : err;
}

static enum weft_err put_node(struct weft_buffer *out, const struct weft_trie_prefix *prefix,
    const struct weft_trie_children *children)
{
    uint8_t bytes[2 + WEFT_TRIE_WIDTH * WEFT_RECONCILE_HASH_SIZE];
    size_t size = 2;
    unsigned bits = 0;
    for (unsigned i = 0; i < WEFT_TRIE_WIDTH; i++) {
        if (children->counts[i] > 0) {
            bits |= 1u << i;
            memcpy(bytes + size, children->hashes[i].bytes, WEFT_RECONCILE_HASH_SIZE);
            size += WEFT_RECONCILE_HASH_SIZE;
        }
    }
    bytes[0] = (uint8_t)(bits >> 8);
    bytes[1] = (uint8_t)bits;
    enum weft_err err = put_head(out, ENTRY_NODE, prefix);
    return err == WEFT_OK ? weft_buffer_append(out, bytes, size) : err;
}

static bool has_room(const struct weft_buffer *out, size_t start)
{
    return out->size - start + ENTRY_SIZE_MAX <= WEFT_RECONCILE_MESSAGE_SIZE_MAX;
}

/* All members where they are few, else the children's hashes. `few` says how many are few. */
static enum weft_err say(struct weft_reconcile *r, const struct weft_trie_prefix *prefix,
    uint32_t few, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_trie_children children;
    struct weft_digest members[WEFT_RECONCILE_LIST_MAX];
    uint32_t count = 0;
    enum weft_err err = r->view.children(r->view.ctx, prefix, &children, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (children.count > few && prefix->depth < WEFT_TRIE_DEPTH_MAX) {
        return put_node(out, prefix, &children);
    }
    err = r->view.members(r->view.ctx, prefix, WEFT_RECONCILE_LIST_MAX, members, &count, msg);
    return err == WEFT_OK ? put_members(out, ENTRY_ALL, prefix, members, count) : err;
}

/* As many of the tasks as there is room for. */
static enum weft_err put_tasks(
    struct weft_reconcile *r, struct weft_buffer *out, size_t start, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    while (r->tasks_done < r->tasks.size && err == WEFT_OK && has_room(out, start)) {
        struct task task;
        memcpy(&task, r->tasks.data + r->tasks_done, sizeof(task));
        r->tasks_done += sizeof(task);
        switch (task.type) {
        case ENTRY_WANT:
            err = put_head(out, ENTRY_WANT, &task.prefix);
            break;
        case ENTRY_ALL:
            err = say(r, &task.prefix, WEFT_RECONCILE_LIST_MAX, out, msg);
            break;
        default:
            err = say(r, &task.prefix, WEFT_RECONCILE_LIST_FEW, out, msg);
            break;
        }
    }
    if (r->tasks_done == r->tasks.size) {
        weft_buffer_clear(&r->tasks);
        r->tasks_done = 0;
    } else if (err == WEFT_OK) {
        out->data[start] |= HAS_MORE;
    }
    return err;
}

/* --- reading --------------------------------------------------------------------------------- */

static bool take_entry(struct weft_octets *r, struct entry *ret_entry)
{
    struct entry entry = {.type = 0};
    const uint8_t *head = weft_octets_bytes(r, 2);
    if (head == NULL || head[0] < ENTRY_ROOT || head[0] > ENTRY_WANT ||
        head[1] > WEFT_TRIE_DEPTH_MAX || (head[0] == ENTRY_ROOT && head[1] > 0) ||
        (head[0] == ENTRY_NODE && head[1] == WEFT_TRIE_DEPTH_MAX)) {
        return false;
    }
    entry.type = head[0];
    entry.prefix.depth = head[1];
    size_t digits = (entry.prefix.depth + 1) / 2, size = 0;
    const uint8_t *p = weft_octets_bytes(r, digits);
    if (p == NULL) {
        return false;
    }
    memcpy(entry.prefix.digits.bytes, p, digits);
    if (entry.prefix.depth % 2 != 0 && (entry.prefix.digits.bytes[digits - 1] & 15) != 0) {
        return false;
    }
    if (entry.type == ENTRY_ROOT) {
        size = WEFT_RECONCILE_HASH_SIZE;
    } else if (entry.type == ENTRY_NODE) {
        p = weft_octets_bytes(r, 2);
        entry.bits = p != NULL ? (unsigned)p[0] << 8 | p[1] : 0;
        size = (size_t)__builtin_popcount(entry.bits) * WEFT_RECONCILE_HASH_SIZE;
    } else if (entry.type != ENTRY_WANT) {
        entry.count = weft_octets_count(r, WEFT_DIGEST_SIZE);
        size = entry.count * (size_t)WEFT_DIGEST_SIZE;
    }
    entry.content = weft_octets_bytes(r, size);
    *ret_entry = entry;
    return entry.content != NULL && entry.count <= WEFT_RECONCILE_LIST_MAX;
}

static struct weft_digest member_at(const struct entry *entry, uint32_t number)
{
    struct weft_digest member;
    weft_assert(number < entry->count); /* FED-24 */
    memcpy(member.bytes, entry->content + number * (size_t)WEFT_DIGEST_SIZE, WEFT_DIGEST_SIZE);
    return member;
}

/* Sorted, each once, and all below the prefix. */
static bool is_list(const struct entry *entry)
{
    for (uint32_t i = 0; i < entry->count; i++) {
        struct weft_digest member = member_at(entry, i);
        if (!weft_trie_is_below(&entry->prefix, &member)) {
            return false;
        }
        if (i > 0 && memcmp(entry->content + (i - 1) * (size_t)WEFT_DIGEST_SIZE, member.bytes,
                         WEFT_DIGEST_SIZE) >= 0) {
            return false;
        }
    }
    return true;
}

/* --- comparing ------------------------------------------------------------------------------- */

static enum weft_err compare_root(
    struct weft_reconcile *r, const struct entry *entry, struct weft_msg *msg)
{
    struct weft_trie_children children;
    struct weft_digest root = {{0}};
    enum weft_err err = r->view.children(r->view.ctx, &entry->prefix, &children, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (children.count > 0) {
        root = weft_trie_node_hash(children.hashes);
    }
    return memcmp(root.bytes, entry->content, WEFT_RECONCILE_HASH_SIZE) == 0
               ? WEFT_OK
               : add_task(r, ENTRY_NODE, &entry->prefix, msg);
}

static enum weft_err compare_node(
    struct weft_reconcile *r, const struct entry *entry, struct weft_msg *msg)
{
    struct weft_trie_children own;
    const uint8_t *theirs = entry->content;
    enum weft_err err = r->view.children(r->view.ctx, &entry->prefix, &own, msg);
    for (unsigned i = 0; i < WEFT_TRIE_WIDTH && err == WEFT_OK; i++) {
        bool is_theirs = (entry->bits >> i & 1) != 0, is_own = own.counts[i] > 0;
        bool is_same = is_theirs && is_own &&
                       memcmp(theirs, own.hashes[i].bytes, WEFT_RECONCILE_HASH_SIZE) == 0;
        theirs += is_theirs ? WEFT_RECONCILE_HASH_SIZE : 0;
        if (is_same || (!is_theirs && !is_own)) {
            continue;
        }
        struct weft_trie_prefix below = weft_trie_below(&entry->prefix, i);
        unsigned type = !is_own ? ENTRY_WANT : !is_theirs ? ENTRY_ALL : ENTRY_NODE;
        err = add_task(r, type, &below, msg);
    }
    return err;
}

/* Is it in a sorted list? */
static bool is_listed(const struct entry *entry, const struct weft_digest *member)
{
    uint32_t low = 0, high = entry->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct weft_digest other = member_at(entry, middle);
        int order = memcmp(other.bytes, member->bytes, WEFT_DIGEST_SIZE);
        if (order == 0) {
            return true;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return false;
}

/* FED-24: own members are looked at below the prefix alone, and those of the list that are none of
 * them are missing. */
static enum weft_err compare_list(struct weft_reconcile *r, const struct entry *entry,
    struct weft_buffer *out, size_t start, struct weft_msg *msg)
{
    struct weft_digest own[WEFT_RECONCILE_LIST_MAX], extra[WEFT_RECONCILE_LIST_MAX];
    uint32_t count = 0, extra_count = 0, at = 0;
    struct weft_trie_children children;
    enum weft_err err = r->view.children(r->view.ctx, &entry->prefix, &children, msg);
    if (err == WEFT_OK && children.count > WEFT_RECONCILE_LIST_MAX) {
        return add_task(r, ENTRY_NODE, &entry->prefix, msg); /* It will want what it lacks. */
    }
    if (err == WEFT_OK) {
        err =
            r->view.members(r->view.ctx, &entry->prefix, WEFT_RECONCILE_LIST_MAX, own, &count, msg);
    }
    for (uint32_t i = 0; i < entry->count && err == WEFT_OK; i++) {
        struct weft_digest member = member_at(entry, i);
        while (at < count && memcmp(own[at].bytes, member.bytes, WEFT_DIGEST_SIZE) < 0) {
            at++;
        }
        if (at == count || !weft_digest_equal(&own[at], &member)) {
            r->missing_count++;
            err = r->on_missing(r->ctx, &member, msg);
        }
    }
    for (uint32_t i = 0; i < count && entry->type == ENTRY_ALL; i++) {
        if (!is_listed(entry, &own[i])) {
            extra[extra_count++] = own[i];
        }
    }
    if (err != WEFT_OK || extra_count == 0) {
        return err;
    }
    return has_room(out, start)
               ? put_members(out, ENTRY_HAVE, &entry->prefix, extra, extra_count)
               : add_task(r, ENTRY_ALL, &entry->prefix, msg); /* In another turn, whole. */
}

static enum weft_err compare(struct weft_reconcile *r, const struct entry *entry,
    struct weft_buffer *out, size_t start, struct weft_msg *msg)
{
    switch (entry->type) {
    case ENTRY_ROOT:
        return compare_root(r, entry, msg);
    case ENTRY_NODE:
        return compare_node(r, entry, msg);
    case ENTRY_WANT:
        return add_task(r, ENTRY_ALL, &entry->prefix, msg);
    default:
        return is_list(entry) ? compare_list(r, entry, out, start, msg)
                              : weft_fail(msg, WEFT_EMALFORMED, "a list that is not in order");
    }
}

/* --- turns ----------------------------------------------------------------------------------- */

enum weft_err weft_reconcile_begin(
    struct weft_reconcile *r, struct weft_buffer *out, struct weft_msg *msg)
{
    const struct weft_trie_prefix all = {.depth = 0};
    struct weft_trie_children children;
    struct weft_digest root = {{0}};
    enum weft_err err = r->view.children(r->view.ctx, &all, &children, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (children.count > 0) {
        root = weft_trie_node_hash(children.hashes);
    }
    err = weft_buffer_append(out, "", 1);
    if (err == WEFT_OK) {
        err = put_head(out, ENTRY_ROOT, &all);
    }
    return err == WEFT_OK ? weft_buffer_append(out, root.bytes, WEFT_RECONCILE_HASH_SIZE) : err;
}

enum weft_err weft_reconcile_step(struct weft_reconcile *r, struct weft_bytes message,
    struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_octets octets = weft_octets_of(message);
    const size_t start = out->size;
    const uint8_t *flags = weft_octets_bytes(&octets, 1);
    if (message.size > WEFT_RECONCILE_MESSAGE_SIZE_MAX || flags == NULL || *flags > HAS_MORE) {
        return weft_fail(msg, WEFT_EMALFORMED, "no message about a set");
    }
    if (++r->turns > WEFT_RECONCILE_TURNS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d turns", WEFT_RECONCILE_TURNS_MAX);
    }
    enum weft_err err = weft_buffer_append(out, "", 1);
    while (octets.p < octets.end && err == WEFT_OK) {
        struct entry entry;
        err = take_entry(&octets, &entry)
                  ? compare(r, &entry, out, start, msg)
                  : weft_fail(msg, WEFT_EMALFORMED, "an entry that is cut short");
    }
    if (err == WEFT_OK) {
        err = put_tasks(r, out, start, msg);
    }
    if (err != WEFT_OK) {
        out->size = start;
    } else if (out->size == start + 1 && *flags == 0) {
        out->size = start; /* Nothing to say, and nothing to wait for. */
    }
    return err;
}
