#include "federation/cells/omission.h"

#include "federation/cells/exact.h"
#include "federation/cells/mutant.h"
#include "proto/arith.h"
#include "proto/check.h"

int weft_omission_compare(const struct weft_omission_entry *a, const struct weft_omission_entry *b)
{
    int order = weft_text_compare(a->group, b->group);
    return order != 0 ? order : weft_text_compare(a->member, b->member);
}

struct weft_digest weft_omission_leaf(const struct weft_omission_entry *entry)
{
    static const uint8_t prefix = 0x00; /* RFC 6962, 2.1 */
    uint8_t size[4];
    struct weft_sha256 h;
    weft_put_be32(size, (uint32_t)entry->group.size);
    weft_sha256_init(&h);
    weft_sha256_update(&h, &prefix, 1);
    weft_sha256_update(&h, size, sizeof(size));
    weft_sha256_update(&h, entry->group.data, entry->group.size);
    weft_sha256_update(&h, entry->member.data, entry->member.size);
    return weft_sha256_final(&h);
}

/* --- subtrees -------------------------------------------------------------------------------- */

/* The height of the largest full subtree of leaves [at, end) that begins at `at`, as the tree has
 * them: its place is a multiple of its size. */
static unsigned height_at(uint64_t at, uint64_t end)
{
    unsigned height = 0;
    while (height < WEFT_MERKLE_HEIGHT_MAX && (at >> height & 1u) == 0 &&
           (UINT64_C(1) << (height + 1)) <= end - at) {
        height++;
    }
    return height;
}

static bool is_section(const struct weft_omission_section *s)
{
    return s->size <= WEFT_MERKLE_SIZE_MAX && s->first <= s->size &&
           s->count <= s->size - s->first && s->count <= WEFT_OMISSION_ENTRIES_MAX;
}

/* How many subtrees leaves [at, end) are made of. */
static uint32_t count_subtrees(uint64_t at, uint64_t end)
{
    uint32_t count = 0;
    while (at < end) {
        at += UINT64_C(1) << height_at(at, end);
        count++;
    }
    return count;
}

static enum weft_err get_subtrees(struct weft_omission_section *s, uint64_t at, uint64_t end,
    weft_omission_get_root *get_root, void *ctx)
{
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && at < end) {
        unsigned height = height_at(at, end);
        weft_assert(s->hash_count < WEFT_OMISSION_HASHES_MAX); /* FED-129 */
        err = get_root(ctx, at, height, &s->hashes[s->hash_count++]);
        at += UINT64_C(1) << height;
    }
    return err;
}

enum weft_err weft_omission_prove(
    struct weft_omission_section *section, weft_omission_get_root *get_root, void *ctx)
{
    if (!is_section(section)) {
        return WEFT_EINVAL;
    }
    section->hash_count = 0;
    enum weft_err err = get_subtrees(section, 0, section->first, get_root, ctx);
    if (err == WEFT_OK) {
        err = get_subtrees(section, section->first + section->count, section->size, get_root, ctx);
    }
    return err;
}

/* Append the section's subtrees of [at, end), from hash number *hash on. */
static enum weft_err append_subtrees(const struct weft_omission_section *s, uint64_t end,
    uint32_t *hash, struct weft_merkle_range *range)
{
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && range->size < end) {
        unsigned height = height_at(range->size, end);
        err = weft_merkle_append_subtree(range, height, &s->hashes[(*hash)++]);
    }
    return err;
}

enum weft_err weft_omission_verify(const struct weft_omission_section *section,
    const struct weft_merkle_head *head, struct weft_msg *msg)
{
    struct weft_merkle_range range = {.size = 0};
    uint32_t hash = 0;
    uint64_t end = section->first + section->count;
    if (!is_section(section) || section->size != head->size) {
        return weft_fail(msg, WEFT_EINVAL, "no section of this tree");
    }
    if (section->hash_count !=
        count_subtrees(0, section->first) + count_subtrees(end, section->size)) {
        return weft_fail(msg, WEFT_EMALFORMED, "the wrong number of hashes");
    }
    for (uint32_t i = 1; i < section->count; i++) {
        if (weft_omission_compare(&section->entries[i - 1], &section->entries[i]) >= 0) {
            return weft_fail(msg, WEFT_EMALFORMED, "entry %u is not behind the one before", i);
        }
    }
    enum weft_err err = append_subtrees(section, section->first, &hash, &range);
    for (uint32_t i = 0; err == WEFT_OK && i < section->count; i++) {
        struct weft_digest leaf = weft_omission_leaf(&section->entries[i]);
        err = weft_merkle_append(&range, &leaf);
    }
    if (err == WEFT_OK) {
        err = append_subtrees(section, section->size, &hash, &range);
    }
    weft_assert(err == WEFT_OK && hash == section->hash_count); /* FED-129 */
    struct weft_digest root = weft_merkle_root(&range);
    return weft_digest_equal(&root, &head->root)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EBADSIG, "the tree has another root");
}

/* --- what it says ---------------------------------------------------------------------------- */

/* Would the entry stand among the section's? Its neighbours on both sides are, or there are none.
 */
static bool would_be_inside(
    const struct weft_omission_section *s, const struct weft_omission_entry *entry)
{
    bool is_behind_first =
        s->first == 0 || (s->count > 0 && weft_omission_compare(&s->entries[0], entry) < 0);
    bool is_before_last =
        s->first + s->count == s->size ||
        (s->count > 0 && weft_omission_compare(entry, &s->entries[s->count - 1]) < 0);
    return (is_behind_first && is_before_last) ||
           weft_cell_mutant(WEFT_CELL_MUTANT_ABSENT_ANYWHERE);
}

enum weft_omission_finding weft_omission_find(
    const struct weft_omission_section *section, const struct weft_omission_entry *entry)
{
    uint32_t low = 0, high = section->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (weft_omission_compare(&section->entries[middle], entry) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < section->count && weft_omission_compare(&section->entries[low], entry) == 0) {
        return WEFT_OMISSION_PRESENT;
    }
    return would_be_inside(section, entry) ? WEFT_OMISSION_ABSENT : WEFT_OMISSION_SILENT;
}

bool weft_omission_covers(const struct weft_omission_section *section, struct weft_text group,
    uint32_t *ret_from, uint32_t *ret_count)
{
    uint32_t from = 0, to;
    while (from < section->count && weft_text_compare(section->entries[from].group, group) < 0) {
        from++;
    }
    to = from;
    while (to < section->count && weft_text_equal(section->entries[to].group, group)) {
        to++;
    }
    *ret_from = from;
    *ret_count = to - from;
    return (from > 0 || section->first == 0) &&
           (to < section->count || section->first + section->count == section->size);
}

bool weft_omission_is_proof(const struct weft_omission_section *before,
    const struct weft_omission_section *after, const struct weft_omission_entry *entry)
{
    return weft_omission_find(before, entry) == WEFT_OMISSION_PRESENT &&
           weft_omission_find(after, entry) == WEFT_OMISSION_ABSENT;
}

/* --- encoded --------------------------------------------------------------------------------- */

enum {
    HEAD_SIZE_MAX = 4 * WEFT_VARINT_SIZE_MAX,
};

enum weft_err weft_omission_encode(
    const struct weft_omission_section *section, struct weft_buffer *out)
{
    size_t size = HEAD_SIZE_MAX + (size_t)section->hash_count * WEFT_DIGEST_SIZE;
    weft_assert(section->hash_count <= WEFT_OMISSION_HASHES_MAX); /* FED-129 */
    if (section->count > WEFT_OMISSION_ENTRIES_MAX) {
        return WEFT_ETOOBIG;
    }
    for (uint32_t i = 0; i < section->count; i++) {
        const struct weft_omission_entry *entry = &section->entries[i];
        if (entry->group.size > WEFT_OMISSION_TEXT_SIZE_MAX ||
            entry->member.size > WEFT_OMISSION_TEXT_SIZE_MAX) {
            return WEFT_ETOOBIG;
        }
        size += 2 * (size_t)WEFT_VARINT_SIZE_MAX + entry->group.size + entry->member.size;
    }
    enum weft_err err = weft_buffer_reserve(out, size);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *p = weft_put_varint(out->data + out->size, section->size);
    p = weft_put_varint(p, section->first);
    p = weft_put_varint(p, section->count);
    for (uint32_t i = 0; i < section->count; i++) {
        p = weft_octets_put_text(p, section->entries[i].group);
        p = weft_octets_put_text(p, section->entries[i].member);
    }
    p = weft_put_varint(p, section->hash_count);
    if (section->hash_count > 0) {
        memcpy(p, section->hashes, (size_t)section->hash_count * WEFT_DIGEST_SIZE);
    }
    p += (size_t)section->hash_count * WEFT_DIGEST_SIZE;
    weft_assert((size_t)(p - out->data) <= out->size + size); /* FED-129 */
    out->size = (size_t)(p - out->data);
    return WEFT_OK;
}

static struct weft_text get_text(struct weft_octets *r)
{
    struct weft_text text = weft_exact_text(r);
    r->is_bad = r->is_bad || text.size > WEFT_OMISSION_TEXT_SIZE_MAX || !weft_text_is_utf8(text);
    return text;
}

enum weft_err weft_omission_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_omission_section *ret_section, struct weft_msg *msg)
{
    struct weft_octets r = weft_octets_of(bytes);
    struct weft_omission_section section = {.size = weft_exact_number(&r)};
    section.first = weft_exact_number(&r);
    uint64_t count = weft_exact_number(&r);
    if (r.is_bad || count > (size_t)(r.end - r.p) / 2) {
        return weft_fail(msg, WEFT_EMALFORMED, "a section is cut short");
    }
    if (count > WEFT_OMISSION_ENTRIES_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d entries", WEFT_OMISSION_ENTRIES_MAX);
    }
    struct weft_omission_entry *entries = weft_arena_array(arena, (size_t)count, sizeof(*entries));
    if (entries == NULL) {
        return WEFT_ENOMEM;
    }
    section.count = (uint32_t)count;
    section.entries = entries;
    for (uint32_t i = 0; i < section.count; i++) {
        entries[i].group = get_text(&r);
        entries[i].member = get_text(&r);
    }
    uint64_t hash_count = weft_exact_number(&r);
    const uint8_t *hashes = hash_count <= WEFT_OMISSION_HASHES_MAX
                                ? weft_octets_bytes(&r, hash_count * WEFT_DIGEST_SIZE)
                                : NULL;
    if (r.is_bad || hashes == NULL || r.p != r.end) {
        return weft_fail(msg, WEFT_EMALFORMED, "not a section, or something behind it");
    }
    section.hash_count = (uint32_t)hash_count;
    memcpy(section.hashes, hashes, (size_t)hash_count * WEFT_DIGEST_SIZE);
    *ret_section = section;
    return WEFT_OK;
}
