#include "node/state/labels.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

enum {
    WAYS = 64, /* Of root and branches: 4,096 leaves, of some 25 assets each when it is full. */
    WAY_BITS = 6,
    NO_LABEL = WEFT_LABELS_MAX,
};

_Static_assert(1 << WAY_BITS == WAYS, "a way is chosen by bits of the hash");
_Static_assert(WEFT_LABELS_MAX <= 64, "a set is a word");

static const char labels_path[] = "labels";
static const char reason_path[] = "reason";

/* An asset that a record is on. */
struct labelled {
    atomic_uint holders;
    uint64_t set;
    uint32_t size;
    char name[];
};

/* Immutable, as all that follow, once something holds it. */
struct leaf {
    atomic_uint holders;
    uint32_t count;
    struct {
        uint32_t hash;
        struct labelled *asset;
    } slots[];
};

struct branch {
    atomic_uint holders;
    struct leaf *leaves[WAYS]; /* NULL: empty. */
};

struct weft_labels {
    atomic_uint holders;
    uint32_t count;
    uint32_t name_count;
    uint8_t name_sizes[WEFT_LABELS_MAX];
    char names[WEFT_LABELS_MAX][WEFT_READ_LABEL_SIZE_MAX];
    struct branch *branches[WAYS]; /* NULL: empty. */
};

/* --- who holds what -------------------------------------------------------------------------- */

static void hold(atomic_uint *holders)
{
    (void)atomic_fetch_add_explicit(holders, 1, memory_order_relaxed);
}

static bool is_last(atomic_uint *holders)
{
    return atomic_fetch_sub_explicit(holders, 1, memory_order_acq_rel) == 1;
}

static void release_asset(struct labelled *asset)
{
    if (is_last(&asset->holders)) {
        free(asset);
    }
}

static void release_leaf(struct leaf *leaf)
{
    if (leaf == NULL || !is_last(&leaf->holders)) {
        return;
    }
    for (uint32_t i = 0; i < leaf->count; i++) {
        release_asset(leaf->slots[i].asset);
    }
    free(leaf);
}

static void release_branch(struct branch *branch)
{
    if (branch == NULL || !is_last(&branch->holders)) {
        return;
    }
    for (int i = 0; i < WAYS; i++) {
        release_leaf(branch->leaves[i]);
    }
    free(branch);
}

struct weft_labels *weft_labels_retain(struct weft_labels *labels)
{
    if (labels != NULL) {
        hold(&labels->holders);
    }
    return labels;
}

void weft_labels_release(struct weft_labels *labels)
{
    if (labels == NULL || !is_last(&labels->holders)) {
        return;
    }
    for (int i = 0; i < WAYS; i++) {
        release_branch(labels->branches[i]);
    }
    free(labels);
}

/* --- finding --------------------------------------------------------------------------------- */

/* FNV-1a of the name so far: what an asset is below has the hash at its slash. */
static uint32_t hash_byte(uint32_t hash, char byte)
{
    return (hash ^ (uint8_t)byte) * UINT32_C(16777619);
}

static uint32_t hash_of(struct weft_text name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < name.size; i++) {
        hash = hash_byte(hash, name.data[i]);
    }
    return hash;
}

/* The multiplication leaves the low bits the worst mixed. */
static uint32_t first_way(uint32_t hash)
{
    return hash >> (32 - WAY_BITS);
}

static uint32_t second_way(uint32_t hash)
{
    return (hash >> (32 - 2 * WAY_BITS)) & (WAYS - 1);
}

static const struct leaf *leaf_of(const struct weft_labels *labels, uint32_t hash)
{
    const struct branch *branch = labels->branches[first_way(hash)];
    return branch != NULL ? branch->leaves[second_way(hash)] : NULL;
}

/* The leaf's slot of the name; its count: there is none. */
static uint32_t slot_of(const struct leaf *leaf, uint32_t hash, struct weft_text name)
{
    for (uint32_t i = 0; i < leaf->count; i++) {
        const struct labelled *asset = leaf->slots[i].asset;
        if (leaf->slots[i].hash == hash &&
            weft_text_equal((struct weft_text){asset->name, asset->size}, name)) {
            return i;
        }
    }
    return leaf->count;
}

static uint64_t set_of(const struct weft_labels *labels, uint32_t hash, struct weft_text name)
{
    const struct leaf *leaf = leaf_of(labels, hash);
    uint32_t slot = leaf != NULL ? slot_of(leaf, hash, name) : 0;
    return leaf != NULL && slot < leaf->count ? leaf->slots[slot].asset->set : 0;
}

uint32_t weft_labels_count(const struct weft_labels *labels)
{
    return labels != NULL ? labels->count : 0;
}

uint64_t weft_labels_of(const struct weft_labels *labels, struct weft_text asset)
{
    uint32_t hash = hash_of((struct weft_text){NULL, 0});
    uint64_t set = 0;
    if (weft_labels_count(labels) == 0) {
        return 0;
    }
    for (size_t i = 0; i < asset.size; i++) {
        if (asset.data[i] == '/') {
            set |= set_of(labels, hash, (struct weft_text){asset.data, i});
        }
        hash = hash_byte(hash, asset.data[i]);
    }
    return set | set_of(labels, hash, asset);
}

struct weft_text weft_labels_name(const struct weft_labels *labels, uint32_t number)
{
    weft_assert(number < labels->name_count); /* NOD-180 */
    return (struct weft_text){labels->names[number], labels->name_sizes[number]};
}

uint32_t weft_labels_names(
    const struct weft_labels *labels, uint64_t set, struct weft_text ret_names[WEFT_LABELS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; set != 0; i++, set >>= 1) {
        if ((set & 1) != 0) {
            ret_names[count++] = weft_labels_name(labels, i);
        }
    }
    return count;
}

/* --- changing -------------------------------------------------------------------------------- */

/* Of one holder, with the parts of the one before. NULL: no memory. */
static struct weft_labels *copy_labels(const struct weft_labels *before)
{
    struct weft_labels *l = calloc(1, sizeof(*l));
    if (l == NULL) {
        return NULL;
    }
    if (before != NULL) {
        l->count = before->count;
        l->name_count = before->name_count;
        memcpy(l->name_sizes, before->name_sizes, sizeof(l->name_sizes));
        memcpy(l->names, before->names, sizeof(l->names));
        memcpy(l->branches, before->branches, sizeof(l->branches));
    }
    atomic_init(&l->holders, 1);
    for (int i = 0; i < WAYS; i++) {
        if (l->branches[i] != NULL) {
            hold(&l->branches[i]->holders);
        }
    }
    return l;
}

static struct branch *copy_branch(const struct branch *before)
{
    struct branch *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return NULL;
    }
    if (before != NULL) {
        memcpy(b->leaves, before->leaves, sizeof(b->leaves));
    }
    atomic_init(&b->holders, 1);
    for (int i = 0; i < WAYS; i++) {
        if (b->leaves[i] != NULL) {
            hold(&b->leaves[i]->holders);
        }
    }
    return b;
}

/* All of `before` (may be NULL) but the slot `without`, and `asset` (NULL: nothing), which it
 * takes. */
static struct leaf *copy_leaf(
    const struct leaf *before, uint32_t without, uint32_t hash, struct labelled *asset)
{
    uint32_t count = before != NULL ? before->count : 0;
    struct leaf *leaf = malloc(sizeof(*leaf) + ((size_t)count + 1) * sizeof(leaf->slots[0]));
    if (leaf == NULL) {
        return NULL;
    }
    atomic_init(&leaf->holders, 1);
    leaf->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i != without) {
            hold(&before->slots[i].asset->holders);
            leaf->slots[leaf->count++] = before->slots[i];
        }
    }
    if (asset != NULL) {
        leaf->slots[leaf->count].hash = hash;
        leaf->slots[leaf->count++].asset = asset;
    }
    return leaf;
}

static struct labelled *make_asset(struct weft_text name, uint64_t set)
{
    struct labelled *asset = malloc(sizeof(*asset) + name.size);
    if (asset != NULL) {
        atomic_init(&asset->holders, 1);
        asset->set = set;
        asset->size = (uint32_t)name.size;
        memcpy(asset->name, name.data, name.size);
    }
    return asset;
}

/* Number of a name, which becomes one if it is none. NO_LABEL: there is no room. */
static uint32_t number_of(struct weft_labels *l, struct weft_text name)
{
    for (uint32_t i = 0; i < l->name_count; i++) {
        if (weft_text_equal(weft_labels_name(l, i), name)) {
            return i;
        }
    }
    if (l->name_count == WEFT_LABELS_MAX) {
        return NO_LABEL;
    }
    memcpy(l->names[l->name_count], name.data, name.size);
    l->name_sizes[l->name_count] = (uint8_t)name.size;
    return l->name_count++;
}

/* Into a registry that nobody else has yet. `set` 0: the asset is no longer in it. */
static enum weft_err put(struct weft_labels *l, struct weft_text name, uint64_t set)
{
    uint32_t hash = hash_of(name);
    const struct leaf *before = leaf_of(l, hash);
    uint32_t count = before != NULL ? before->count : 0;
    uint32_t slot = before != NULL ? slot_of(before, hash, name) : 0;
    if (slot == count && set == 0) {
        return WEFT_OK;
    }
    if (slot == count && l->count == WEFT_LABELLED_ASSETS_MAX) {
        return WEFT_ETOOBIG;
    }
    struct labelled *asset = set != 0 ? make_asset(name, set) : NULL;
    struct leaf *leaf = set == 0 || asset != NULL ? copy_leaf(before, slot, hash, asset) : NULL;
    struct branch *branch = leaf != NULL ? copy_branch(l->branches[first_way(hash)]) : NULL;
    if (branch == NULL) {
        if (leaf != NULL) {
            release_leaf(leaf);
        } else {
            free(asset);
        }
        return WEFT_ENOMEM;
    }
    l->count += slot == count;
    l->count -= set == 0;
    release_leaf(branch->leaves[second_way(hash)]);
    branch->leaves[second_way(hash)] = leaf;
    release_branch(l->branches[first_way(hash)]);
    l->branches[first_way(hash)] = branch;
    return WEFT_OK;
}

enum weft_err weft_labels_set(const struct weft_labels *before, struct weft_text asset,
    const struct weft_labels_said *said, struct weft_labels **ret_labels, struct weft_msg *msg)
{
    struct weft_labels *l = copy_labels(before);
    uint64_t set = 0;
    if (l == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "label an asset");
    }
    for (uint32_t i = 0; i < said->count; i++) {
        uint32_t number = number_of(l, said->names[i]);
        if (number == NO_LABEL) {
            weft_labels_release(l);
            return weft_fail(
                msg, WEFT_ETOOBIG, "a site names at most %d different labels", WEFT_LABELS_MAX);
        }
        set |= UINT64_C(1) << number;
    }
    enum weft_err err = put(l, asset, set);
    if (err != WEFT_OK) {
        weft_labels_release(l);
        return err == WEFT_ENOMEM ? weft_fail(msg, err, "label an asset")
                                  : weft_fail(msg, err,
                                        "at most %d assets are labelled, each for "
                                        "itself and what is below it",
                                        WEFT_LABELLED_ASSETS_MAX);
    }
    *ret_labels = l;
    return WEFT_OK;
}

/* --- records --------------------------------------------------------------------------------- */

/* "labels/[3]". Their order means nothing. */
static bool is_element(struct weft_text path)
{
    size_t digits = sizeof("labels/[") - 1;
    if (!weft_text_starts(path, "labels/[") || path.size < digits + 2 ||
        path.data[path.size - 1] != ']') {
        return false;
    }
    while (digits + 1 < path.size && path.data[digits] >= '0' && path.data[digits] <= '9') {
        digits++;
    }
    return digits + 1 == path.size;
}

bool weft_labels_read(const struct weft_record *record, const char *base,
    struct weft_labels_said *ret_said, char ret_pointer[256], struct weft_msg *msg)
{
    static const char form[] = "an array `labels` of at most 64 names (1 to 48 of a-z 0-9 . -), "
                               "perhaps a text `reason`, and nothing else";
    struct weft_labels_said *said = ret_said;
    struct weft_text wrong = {NULL, 0};
    bool has_labels = false;
    said->count = 0;
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct weft_field *field = &record->fields[i];
        if (weft_text_is(field->path, reason_path) && field->type == WEFT_VALUE_TEXT) {
            continue;
        }
        bool is_empty =
            weft_text_is(field->path, labels_path) && field->type == WEFT_VALUE_EMPTY_ARRAY;
        bool is_label = said->count < WEFT_LABELS_MAX && is_element(field->path) &&
                        field->type == WEFT_VALUE_TEXT && weft_read_label_is_valid(field->value);
        if (!is_empty && !is_label) {
            has_labels = false;
            wrong = field->path;
            break;
        }
        if (is_label) {
            said->names[said->count++] = field->value;
        }
        has_labels = true;
    }
    if (has_labels && record->link_count == 0) {
        return true;
    }
    weft_record_pointer(base, wrong, ret_pointer);
    (void)weft_fail(msg, WEFT_EINVAL, "%s", form);
    return false;
}

/* --- what was read --------------------------------------------------------------------------- */

void weft_labels_begin(struct weft_labels_tally *tally, const struct weft_labels *labels)
{
    tally->labels = weft_labels_count(labels) > 0 ? labels : NULL;
    if (tally->set != 0) {
        tally->set = 0;
        memset(tally->records, 0, sizeof(tally->records));
    }
}

void weft_labels_note(
    struct weft_labels_tally *tally, struct weft_text asset, struct weft_text other)
{
    if (tally == NULL || tally->labels == NULL) {
        return;
    }
    uint64_t set = weft_labels_of(tally->labels, asset);
    if (other.size > 0 && !weft_text_equal(asset, other)) {
        set |= weft_labels_of(tally->labels, other);
    }
    tally->set |= set;
    for (uint32_t i = 0; set != 0; i++, set >>= 1) {
        tally->records[i] += set & 1;
    }
}

void weft_labels_report(const struct weft_labels_tally *tally, enum weft_read_act act,
    struct weft_read_report *ret_report)
{
    ret_report->act = act;
    ret_report->count = 0;
    for (uint32_t i = 0; i < WEFT_LABELS_MAX && tally->set >> i != 0; i++) {
        if ((tally->set >> i & 1) != 0) {
            bool has_room = weft_read_report_add(
                ret_report, weft_labels_name(tally->labels, i), tally->records[i]);
            weft_assert(has_room); /* NOD-182: as many as there are labels */
        }
    }
}
