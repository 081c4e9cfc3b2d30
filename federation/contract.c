#include "federation/contract.h"

#include "federation/contract_path.h"
#include "proto/check.h"

/* --- what it says ---------------------------------------------------------------------------- */

static const char *const disclosure_names[WEFT_DISCLOSURES] = {
    [WEFT_DISCLOSED] = "disclosed",
    [WEFT_COMMITTED] = "committed",
    [WEFT_HIDDEN] = "hidden",
};

const char *weft_disclosure_name(enum weft_disclosure disclosure)
{
    weft_assert((unsigned)disclosure < WEFT_DISCLOSURES); /* FED-1 */
    return disclosure_names[disclosure];
}

uint32_t weft_contract_party(const struct weft_contract *contract, struct weft_text site)
{
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        if (weft_text_equal(contract->parties[i].site, site)) {
            return i;
        }
    }
    return WEFT_CONTRACT_NOBODY;
}

static const struct weft_contract_kind *find_kind(
    const struct weft_contract_side *side, struct weft_text kind)
{
    for (uint32_t i = 0; i < side->kind_count; i++) {
        if (weft_text_equal(side->kinds[i].kind, kind)) {
            return &side->kinds[i];
        }
    }
    return NULL;
}

bool weft_contract_has_kind(const struct weft_contract_side *side, struct weft_text kind)
{
    return find_kind(side, kind) != NULL;
}

static bool has_part(const struct weft_contract_side *side, const struct weft_contract_facts *facts)
{
    for (uint32_t i = 0; i < side->part_count; i++) {
        for (uint32_t j = 0; j < facts->part_count; j++) {
            if (weft_text_equal(side->parts[i], facts->parts[j])) {
                return true;
            }
        }
    }
    return side->part_count == 0;
}

bool weft_contract_is_in_scope(const struct weft_contract_side *side, struct weft_text kind,
    const struct weft_contract_facts *facts)
{
    /* A unit that is nowhere inside a shipped one has the depth ANY, above each number. */
    bool is_near =
        !facts->is_unit || side->depth == WEFT_CONTRACT_DEPTH_ANY || facts->depth <= side->depth;
    return weft_contract_has_kind(side, kind) &&
           (facts->is_addressed || (is_near && has_part(side, facts)));
}

enum weft_disclosure weft_contract_disclosure(
    const struct weft_contract_side *side, struct weft_text kind, struct weft_text path)
{
    const struct weft_contract_kind *found = find_kind(side, kind);
    if (found == NULL) {
        return WEFT_HIDDEN;
    }
    enum weft_disclosure disclosure = found->disclosure;
    size_t longest = 0;
    for (uint32_t i = 0; i < side->mask_count; i++) {
        const struct weft_contract_mask *mask = &side->masks[i];
        if (mask->path.size > longest && weft_contract_path_covers(mask->path, path) &&
            weft_text_equal(mask->kind, kind)) {
            longest = mask->path.size;
            disclosure = mask->disclosure;
        }
    }
    return disclosure;
}

bool weft_contract_can(
    const struct weft_contract_side *side, struct weft_text kind, enum weft_disclosure disclosure)
{
    const struct weft_contract_kind *found = find_kind(side, kind);
    bool can = found != NULL && found->disclosure == disclosure;
    for (uint32_t i = 0; i < side->mask_count && found != NULL && !can; i++) {
        can = side->masks[i].disclosure == disclosure && weft_text_equal(side->masks[i].kind, kind);
    }
    return can;
}

/* FED-2: no two groups of a kind overlap, so there is at most one. */
uint32_t weft_contract_authority(
    const struct weft_contract *contract, struct weft_text kind, struct weft_text group)
{
    for (uint32_t i = 0; i < contract->authority_count; i++) {
        const struct weft_contract_authority *a = &contract->authorities[i];
        if (weft_contract_path_covers(a->group, group) && weft_text_equal(a->kind, kind)) {
            return a->party;
        }
    }
    return WEFT_CONTRACT_NOBODY;
}

enum weft_cell_rule weft_contract_rule(
    const struct weft_contract *contract, struct weft_text kind, struct weft_text path)
{
    enum weft_cell_rule rule = WEFT_CELL_OWNER;
    size_t longest = 0;
    for (uint32_t i = 0; i < contract->cell_count; i++) {
        const struct weft_contract_cell *cell = &contract->cells[i];
        if (cell->path.size + 1 > longest && weft_contract_path_covers(cell->path, path) &&
            weft_text_equal(cell->kind, kind)) {
            longest = cell->path.size + 1;
            rule = cell->rule;
        }
    }
    return rule;
}

uint32_t weft_contract_template_depth(
    const struct weft_contract *contract, struct weft_text template_name)
{
    for (uint32_t i = 0; i < contract->template_count; i++) {
        if (weft_text_equal(contract->templates[i].name, template_name)) {
            return contract->templates[i].depth;
        }
    }
    return 0;
}

/* --- the next version ------------------------------------------------------------------------ */

static enum weft_err check_parties(const struct weft_contract *next,
    const struct weft_contract *current, const struct weft_org *orgs, struct weft_msg *msg)
{
    if (current != NULL && !weft_text_equal(current->name, next->name)) {
        return weft_fail(msg, WEFT_EPEER, "an agreement \"%.*s\" does not amend \"%.*s\"",
            (int)next->name.size, next->name.data, (int)current->name.size, current->name.data);
    }
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        const struct weft_contract_party *party = &next->parties[i];
        if (current != NULL && !weft_text_equal(current->parties[i].site, party->site)) {
            return weft_fail(msg, WEFT_EPEER, "an amendment has the parties that there were");
        }
        if (!weft_text_equal(orgs[i].org, party->org)) {
            return weft_fail(msg, WEFT_EPEER, "%.*s is judged by the document of %.*s",
                (int)party->site.size, party->site.data, (int)orgs[i].org.size, orgs[i].org.data);
        }
        if (!weft_digest_equal(&orgs[i].link.digest, &party->pin)) {
            return weft_fail(msg, WEFT_EPEER,
                "the org document of %.*s is another one than is "
                "named here",
                (int)party->org.size, party->org.data);
        }
    }
    return WEFT_OK;
}

/* FED-3 */
static enum weft_err check_signatures(const struct weft_note *note, const struct weft_org *orgs,
    enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        uint32_t count = 0;
        enum weft_err err = weft_org_count_roots(&orgs[i], note, &count, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (count < orgs[i].root_threshold) {
            return weft_chain_fail(WEFT_CHAIN_THRESHOLD, ret_fault, msg,
                "%u roots of %.*s signed, of at least %u", count, (int)orgs[i].org.size,
                orgs[i].org.data, orgs[i].root_threshold);
        }
    }
    return WEFT_OK;
}

enum weft_err weft_contract_accept(const struct weft_note *note,
    const struct weft_contract *current, const struct weft_org orgs[WEFT_CONTRACT_PARTIES],
    int64_t now_ns, struct weft_arena *arena, struct weft_contract *ret_contract,
    enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    struct weft_contract next;
    *ret_fault = WEFT_CHAIN_SOUND;
    enum weft_err err = weft_contract_decode(note->text, arena, &next, msg);
    if (err == WEFT_OK) {
        err = check_parties(&next, current, orgs, msg);
    }
    if (err == WEFT_OK) {
        err = weft_chain_check(
            current != NULL ? &current->link : NULL, &next.link, now_ns, ret_fault, msg);
    }
    if (err == WEFT_OK) {
        err = check_signatures(note, orgs, ret_fault, msg);
    }
    if (err == WEFT_OK) {
        *ret_contract = next;
    }
    return err;
}
