/* federation/contract.h: what two sites share, and by which rules: weft-agreement/v1.
 *
 *     weft-agreement/v1
 *     agreement box-2026
 *     version 2
 *     prev sha256:...                              (version 1: none)
 *     issued 2026-03-01T08:00:00.000Z
 *     expires 2026-04-01T08:00:00.000Z             until when it may be accepted
 *     party oem.example/plant1 sha256:<org>        exactly 2, sorted; digest of the org document
 *     party supplier.example/west sha256:<org>     that its signatures are judged by
 *     authority inspection supplier.example/west * 0 to 512: kind, party, field group
 *     cell inspection JOIN verdict                 0 to 512: kind, rule, path or *
 *     template where-used 5                        0 to 64: name, depth in tiers
 *     provider oem.example/plant1                  and for each of the parties, in their order:
 *     threshold 2                                  keys that must sign a head of its stream
 *     kind inspection disclosed                    0 to 256: disclosed, committed or hidden
 *     mask inspection hidden cost                  0 to 1024: what is otherwise, by path
 *     part part:box/rev/B                          0 to 1024; none: any part
 *     depth 2                                      or any: units shipped, and inside to that depth
 *     forward no                                   may it forward what others state: yes, no
 *     retain 3650                                  days; 0: for ever
 *     rate 10000                                   statements per second
 *     bytes 20000000                               bytes per second
 *     queue 100000                                 statements that are not acknowledged
 *     quarantine 1000                              statements in quarantine until it is held
 *
 * Lists are sorted by their bytes. It is a note signed by the roots of both organizations, each to
 * their threshold. Versions are a chain (policy/chain.h); which is in force at a place of a stream
 * that stream says (leaf.h). Rules: federation/README.md, "Contract". */
#ifndef WEFT_FEDERATION_CONTRACT_H
#define WEFT_FEDERATION_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

#include "federation/cell_rule.h"
#include "policy/chain.h"
#include "policy/note.h"
#include "policy/org.h"

enum {
    WEFT_CONTRACT_PARTIES = 2,
    WEFT_CONTRACT_NAME_SIZE_MAX = 63, /* as principals' parts: it is in origins */
    WEFT_CONTRACT_KINDS_MAX = 256,
    WEFT_CONTRACT_MASKS_MAX = 1024,
    WEFT_CONTRACT_PARTS_MAX = 1024, /* a note has 64 KiB */
    WEFT_CONTRACT_AUTHORITIES_MAX = 512,
    WEFT_CONTRACT_CELLS_MAX = 512,
    WEFT_CONTRACT_TEMPLATES_MAX = 64,
    WEFT_CONTRACT_DEPTH_MAX = 64,          /* of assemblies, and of tiers; chosen */
    WEFT_CONTRACT_LIMIT_MAX = 1000000000,  /* of a rate or count; chosen: far above any link */
    WEFT_CONTRACT_MEMORY_MAX = 512 * 1024, /* chosen: an arena holds the largest, read */
};

#define WEFT_CONTRACT_DEPTH_ANY UINT32_MAX
#define WEFT_CONTRACT_NOBODY UINT32_MAX

/* How much of a field goes out. The words stand in contracts. */
enum weft_disclosure {
    WEFT_DISCLOSED, /* Value and salt. */
    WEFT_COMMITTED, /* Path, and the hash of its leaf. */
    WEFT_HIDDEN,    /* Nothing but a hash that may be of several leaves. */
    WEFT_DISCLOSURES
};

struct weft_contract_party {
    struct weft_text site;  /* "<org>/<site>": as statements name their authority. */
    struct weft_text org;   /* Its first part. */
    struct weft_digest pin; /* Of the org document. */
};

struct weft_contract_authority {
    struct weft_text kind;
    struct weft_text group; /* Empty: all fields. */
    uint32_t party;
};

struct weft_contract_cell {
    struct weft_text kind;
    struct weft_text path; /* Empty: all. */
    enum weft_cell_rule rule;
};

struct weft_contract_template {
    struct weft_text name;
    uint32_t depth;
};

struct weft_contract_kind {
    struct weft_text kind;
    enum weft_disclosure disclosure;
};

struct weft_contract_mask {
    struct weft_text kind;
    struct weft_text path; /* This and all below it. Links are "@link/<rel>". */
    enum weft_disclosure disclosure;
};

/* What one party lets the other have. */
struct weft_contract_side {
    uint32_t threshold;
    uint32_t kind_count;
    uint32_t mask_count;
    uint32_t part_count;
    const struct weft_contract_kind *kinds;
    const struct weft_contract_mask *masks;
    const struct weft_text *parts;
    uint32_t depth; /* WEFT_CONTRACT_DEPTH_ANY. */
    bool may_forward;
    uint32_t retain_days;
    uint32_t rate_statements; /* Per second; so is the next. */
    uint32_t rate_bytes;
    uint32_t queue_statements;
    uint32_t quarantine_statements;
};

/* Everything it points to is in the arena or the text that it was decoded from. */
struct weft_contract {
    struct weft_text name;
    struct weft_chain_link link;
    struct weft_contract_party parties[WEFT_CONTRACT_PARTIES];
    struct weft_contract_side sides[WEFT_CONTRACT_PARTIES]; /* As providers. */
    uint32_t authority_count;
    uint32_t cell_count;
    uint32_t template_count;
    const struct weft_contract_authority *authorities;
    const struct weft_contract_cell *cells;
    const struct weft_contract_template *templates;
};

/* What a contract's scope asks of an asset, which the state knows. */
struct weft_contract_facts {
    /* Part types and revisions that the asset is, or is an instance of. */
    const struct weft_text *parts;
    uint32_t part_count;
    bool is_unit;   /* A serial or lot: `depth` counts. */
    uint32_t depth; /* Steps from a unit that was shipped to the partner; WEFT_CONTRACT_DEPTH_ANY:
                       it is not inside of one. */
    bool is_addressed; /* It stands for the partner himself: whatever its part and depth. */
};

/* The text alone: nothing is said of signatures or of what came before. WEFT_EMALFORMED,
 * WEFT_EINVAL, WEFT_EVERSION, WEFT_ETOOBIG: `msg` names the line. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_contract_decode(struct weft_text text, struct weft_arena *arena,
    struct weft_contract *ret_contract, struct weft_msg *msg);
/* Append the text for signing; lists as decode wants them. What comes out decodes, or WEFT_EINVAL
 * with what decode says of it. WEFT_ETOOBIG, WEFT_ENOMEM. `arena` is scratch. */
WEFT_MUST_USE enum weft_err weft_contract_encode(const struct weft_contract *contract,
    struct weft_arena *arena, struct weft_buffer *out, struct weft_msg *msg);

/* Is the note the next version after `current` (NULL: the first) at now_ns, signed by both?
 * `orgs`: the org documents in force of the parties, in their order. *ret_fault is always stored.
 * As decode, and WEFT_ECONFLICT, WEFT_EREFUSED: the fault (freeze: an offer that ran out;
 * threshold: one of the two did not sign). WEFT_EPEER: other parties, or other org documents than
 * it pins. WEFT_EBADSIG: a root's signature does not verify. */
WEFT_MUST_USE enum weft_err weft_contract_accept(const struct weft_note *note,
    const struct weft_contract *current, const struct weft_org orgs[WEFT_CONTRACT_PARTIES],
    int64_t now_ns, struct weft_arena *arena, struct weft_contract *ret_contract,
    enum weft_chain_fault *ret_fault, struct weft_msg *msg);

/* Which party is that; WEFT_CONTRACT_NOBODY: none. */
uint32_t weft_contract_party(const struct weft_contract *contract, struct weft_text site);
/* May a record of that kind, about an asset of which those facts hold, go out of that side? */
bool weft_contract_is_in_scope(const struct weft_contract_side *side, struct weft_text kind,
    const struct weft_contract_facts *facts);
/* Does the side provide that kind at all? */
bool weft_contract_has_kind(const struct weft_contract_side *side, struct weft_text kind);
/* The longest path of the mask that covers `path`, else the kind's own. Of a kind that the side
 * does not have: WEFT_HIDDEN. */
enum weft_disclosure weft_contract_disclosure(
    const struct weft_contract_side *side, struct weft_text kind, struct weft_text path);
/* Can anything of that kind have that disclosure? */
bool weft_contract_can(
    const struct weft_contract_side *side, struct weft_text kind, enum weft_disclosure disclosure);
/* Whose a field group (empty: all fields) of a kind is; WEFT_CONTRACT_NOBODY: neither's. */
uint32_t weft_contract_authority(
    const struct weft_contract *contract, struct weft_text kind, struct weft_text group);
/* By the longest path that covers `path`; OWNER where the contract says nothing. */
enum weft_cell_rule weft_contract_rule(
    const struct weft_contract *contract, struct weft_text kind, struct weft_text path);
/* How many tiers a query template may go; 0: it is not allowed. */
uint32_t weft_contract_template_depth(
    const struct weft_contract *contract, struct weft_text template_name);

/* "disclosed", ... */
const char *weft_disclosure_name(enum weft_disclosure disclosure);

#endif
