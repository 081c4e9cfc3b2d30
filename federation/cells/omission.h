/* federation/cells/omission.h: an index that its maker has committed to, and what it leaves out.
 *
 * A supplier commits to what it shipped of which lot: the entries (group, member), ascending, are
 * the leaves of a tree (RFC 6962) whose size and root it states, signed as all its statements. A
 * section proves that certain entries stand in it, side by side: so that an entry is there, that
 * one is not (its neighbours touch), and that these are all of a lot. Two sections of one maker
 * that contradict each other prove to anybody that it left a committed unit out. Pure; who keeps
 * the entries is the caller. Rules: README.md, "Committed indexes". */
#ifndef WEFT_FEDERATION_CELLS_OMISSION_H
#define WEFT_FEDERATION_CELLS_OMISSION_H

#include <stdbool.h>

#include "policy/merkle.h"
#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_OMISSION_TEXT_SIZE_MAX = 255, /* bytes of a group or member; as assets */
    WEFT_OMISSION_ENTRIES_MAX = 16384, /* of one section; chosen: units of a lot, 4 MB at most */
    WEFT_OMISSION_HASHES_MAX = 189, /* of one section: before it 63 at most, behind it twice 63 */
};

/* "lot:AL6061/22" and "serial:box/7": what was shipped of it. Borrows. */
struct weft_omission_entry {
    struct weft_text group;
    struct weft_text member;
};

/* By group, then member, as bytes: the order of the leaves. */
int weft_omission_compare(const struct weft_omission_entry *a, const struct weft_omission_entry *b);
/* SHA-256(0x00 || be32(size of group) || group || member). */
struct weft_digest weft_omission_leaf(const struct weft_omission_entry *entry);

/* Entries [first, first + count) of a tree, and what is needed of the rest for its root. Borrows.
 */
struct weft_omission_section {
    uint64_t size; /* Of the tree. */
    uint64_t first;
    uint32_t count;
    const struct weft_omission_entry *entries;
    /* Roots of the subtrees that the rest is made of, from the left: before, then behind. */
    uint32_t hash_count;
    struct weft_digest hashes[WEFT_OMISSION_HASHES_MAX];
};

/* Gives the root over leaves [at, at + 2^height): from a cache, from tiles, from the entries. An
 * error of it is passed on. */
typedef enum weft_err weft_omission_get_root(
    void *ctx, uint64_t at, unsigned height, struct weft_digest *ret_root);

/* The hashes of a section whose size, first, count and entries are set. WEFT_EINVAL: there is no
 * such section. */
WEFT_MUST_USE enum weft_err weft_omission_prove(
    struct weft_omission_section *section, weft_omission_get_root *get_root, void *ctx);
/* Its entries are those of the tree with that head: ascending, and in their places.
 * WEFT_EINVAL: no section of such a tree; WEFT_EMALFORMED: entries not ascending, or another number
 * of hashes; WEFT_EBADSIG: another root. */
WEFT_MUST_USE enum weft_err weft_omission_verify(const struct weft_omission_section *section,
    const struct weft_merkle_head *head, struct weft_msg *msg);

/* What a section that was verified says. */
enum weft_omission_finding {
    WEFT_OMISSION_PRESENT, /* The entry is one of its. */
    WEFT_OMISSION_ABSENT,  /* It would stand among its entries, and does not. */
    WEFT_OMISSION_SILENT,  /* It would stand elsewhere. */
};

enum weft_omission_finding weft_omission_find(
    const struct weft_omission_section *section, const struct weft_omission_entry *entry);
/* Are all entries of the group among its? Then *ret_from and *ret_count say which they are. */
bool weft_omission_covers(const struct weft_omission_section *section, struct weft_text group,
    uint32_t *ret_from, uint32_t *ret_count);

/* FED-130: an index only grows. The entry was committed to (`before` has it), and `after`, of a
 * head that the same maker signed later, does not have it: both, with their heads, prove it. False:
 * they do not. */
bool weft_omission_is_proof(const struct weft_omission_section *before,
    const struct weft_omission_section *after, const struct weft_omission_entry *entry);

/* varints: size, first, count; of each entry group and member, behind their sizes; varint of
 * hashes, and 32 bytes each. WEFT_ETOOBIG, WEFT_ENOMEM. On failure `out` is as before. */
WEFT_MUST_USE enum weft_err weft_omission_encode(
    const struct weft_omission_section *section, struct weft_buffer *out);
/* All of `bytes`; entries are in the arena. The form alone. WEFT_EMALFORMED, WEFT_ETOOBIG,
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_omission_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_omission_section *ret_section, struct weft_msg *msg);

#endif
