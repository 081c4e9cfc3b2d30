#include "ops/weft/agreement_note.h"

#include <string.h>

#include "ops/weft/files.h"
#include "ops/weft/partner_source.h"

void weft_agreement_note_destroy(struct weft_agreement_note *agreement)
{
    weft_authority_note_destroy(&agreement->note);
    weft_arena_destroy(&agreement->arena);
}

void weft_agreement_orgs_destroy(struct weft_agreement_orgs *orgs)
{
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        weft_org_source_destroy(&orgs->sources[i]);
    }
}

/* What stands in note.text. */
static enum weft_err decode(struct weft_agreement_note *agreement, struct weft_msg *msg)
{
    agreement->arena.size_max = WEFT_CONTRACT_MEMORY_MAX;
    enum weft_err err = weft_contract_decode(
        weft_buffer_as_text(&agreement->note.text), &agreement->arena, &agreement->contract, msg);
    agreement->is_there = err == WEFT_OK;
    return err;
}

enum weft_err weft_agreement_note_take(
    struct weft_text text, struct weft_agreement_note *agreement, struct weft_msg *msg)
{
    enum weft_err err = weft_buffer_text(&agreement->note.text, text);
    return err == WEFT_OK ? decode(agreement, msg) : weft_fail(msg, err, "keep an agreement");
}

enum weft_err weft_agreement_note_of(
    struct weft_text text, struct weft_agreement_note *agreement, struct weft_msg *msg)
{
    struct weft_note note;
    enum weft_err err = WEFT_OK;
    if (weft_note_parse(text, &note, NULL) == WEFT_OK) {
        size_t before = note.text.size + 1; /* And the blank line. */
        err = weft_buffer_append(
            &agreement->note.lines, (const uint8_t *)text.data + before, text.size - before);
        text = note.text;
    }
    return err == WEFT_OK ? weft_agreement_note_take(text, agreement, msg)
                          : weft_fail(msg, err, "keep an agreement");
}

enum weft_err weft_agreement_note_read(
    const char *path, struct weft_agreement_note *agreement, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX + 1};
    enum weft_err err = weft_files_read(path, &bytes, msg);
    if (err == WEFT_OK) {
        err = weft_agreement_note_of(weft_buffer_as_text(&bytes), agreement, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_err weft_agreement_note_site(struct weft_client *client, const char *name,
    const char *file, struct weft_agreement_note *agreement, struct weft_msg *msg)
{
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX + 1};
    enum weft_err err = weft_partner_source_file(client, name, file, &bytes, msg);
    if (err == WEFT_OK) {
        err = weft_agreement_note_of(weft_buffer_as_text(&bytes), agreement, msg);
    }
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_err weft_agreement_note_site_base(struct weft_client *client, const char *name,
    struct weft_agreement_note *base, struct weft_msg *msg)
{
    enum weft_err err = weft_agreement_note_site(client, name, "note", base, msg);
    return err == WEFT_ENOTFOUND ? WEFT_OK : err;
}

void weft_agreement_note_print_changes(const struct weft_contract_differences *d, FILE *out)
{
    for (uint32_t i = 0; i < d->count; i++) {
        (void)fprintf(out, "%-8s %.*s\n", weft_policy_direction_name(d->items[i].direction),
            (int)d->items[i].what.size, d->items[i].what.data);
    }
}

enum weft_err weft_agreement_orgs_read(
    const struct weft_args *args, struct weft_agreement_orgs *orgs, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    const char *path;
    while (err == WEFT_OK && (path = weft_args_nth(args, "org", (int)orgs->count)) != NULL) {
        if (orgs->count == WEFT_CONTRACT_PARTIES) {
            return weft_fail(msg, WEFT_EINVAL, "--org %s: there are two parties", path);
        }
        struct weft_org_source *source = &orgs->sources[orgs->count];
        err = weft_org_source_file(path, source, msg);
        if (err == WEFT_OK && orgs->count > 0 &&
            weft_text_equal(orgs->orgs[0]->org, source->org.org)) {
            err = weft_fail(msg, WEFT_EINVAL, "--org %s: a second document of %.*s", path,
                (int)source->org.org.size, source->org.org.data);
        }
        if (err == WEFT_OK) {
            orgs->orgs[orgs->count++] = &source->org;
        }
    }
    return err;
}

/* NULL: it is not at hand. */
static const struct weft_org *find_org(
    const struct weft_agreement_orgs *orgs, struct weft_text name)
{
    for (uint32_t i = 0; i < orgs->count; i++) {
        if (weft_text_equal(orgs->orgs[i]->org, name)) {
            return orgs->orgs[i];
        }
    }
    return NULL;
}

enum weft_err weft_agreement_note_count(const struct weft_agreement_note *agreement,
    const struct weft_agreement_orgs *orgs, uint32_t party, uint32_t *ret_count,
    uint32_t *ret_threshold, struct weft_msg *msg)
{
    const struct weft_contract_party *p = &agreement->contract.parties[party];
    const struct weft_org *org = find_org(orgs, p->org);
    struct weft_note note;
    *ret_count = *ret_threshold = 0;
    if (org == NULL) {
        return WEFT_OK;
    }
    if (!weft_digest_equal(&org->link.digest, &p->pin)) {
        char digest[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&p->pin, digest);
        return weft_fail(msg, WEFT_EPEER,
            "%.*s is judged by its org document %s, and the one at hand (version %llu) is another",
            (int)p->org.size, p->org.data, digest, (unsigned long long)org->link.version);
    }
    *ret_threshold = org->root_threshold;
    if (agreement->note.lines.size == 0) {
        return WEFT_OK;
    }
    enum weft_err err =
        weft_note_parse_lines(weft_buffer_as_text(&agreement->note.lines), &note, msg);
    note.text = weft_buffer_as_text(&agreement->note.text);
    return err == WEFT_OK ? weft_org_count_roots(org, &note, ret_count, msg) : err;
}

enum weft_err weft_agreement_note_check(const struct weft_agreement_note *agreement,
    const struct weft_agreement_note *base, int64_t now_ns, struct weft_msg *msg)
{
    const struct weft_contract *next = &agreement->contract, *old = &base->contract;
    enum weft_chain_fault fault;
    if (!base->is_there && next->link.version > 1) { /* Of what it follows nothing is known. */
        return next->link.expires_ns > now_ns
                   ? WEFT_OK
                   : weft_chain_fail(WEFT_CHAIN_FREEZE, &fault, msg, "the offer ran out");
    }
    if (base->is_there && !(weft_text_equal(next->name, old->name) &&
                              weft_text_equal(next->parties[0].site, old->parties[0].site) &&
                              weft_text_equal(next->parties[1].site, old->parties[1].site))) {
        return weft_fail(msg, WEFT_EPEER,
            "it is between other parties, or of another name, than what it would follow");
    }
    return weft_chain_check(base->is_there ? &old->link : NULL, &next->link, now_ns, &fault, msg);
}

enum weft_err weft_agreement_note_check_key(const struct weft_agreement_note *agreement,
    const struct weft_agreement_orgs *orgs, const struct weft_verifier *verifier,
    struct weft_msg *msg)
{
    struct weft_text rest = weft_text_of(verifier->name), org_name, word;
    bool is_root = weft_text_cut(&rest, '/', &org_name) && weft_text_cut(&rest, '/', &word) &&
                   weft_text_is(word, "root");
    bool is_party = false;
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        is_party = is_party || weft_text_equal(agreement->contract.parties[i].org, org_name);
    }
    if (!is_root || !is_party) {
        return weft_fail(msg, WEFT_EREFUSED,
            "%s signs no such agreement: roots of %.*s and %.*s do", verifier->name,
            (int)agreement->contract.parties[0].org.size, agreement->contract.parties[0].org.data,
            (int)agreement->contract.parties[1].org.size, agreement->contract.parties[1].org.data);
    }
    const struct weft_org *org = find_org(orgs, org_name);
    for (uint32_t i = 0; org != NULL && i < org->root_count; i++) {
        if (weft_verifier_equal(&org->roots[i], verifier)) {
            return WEFT_OK;
        }
    }
    return org == NULL ? WEFT_OK
                       : weft_fail(msg, WEFT_EREFUSED, "%s is no root of %.*s: it would not count",
                             verifier->name, (int)org_name.size, org_name.data);
}

enum weft_err weft_agreement_note_changes(const struct weft_agreement_note *agreement,
    const struct weft_agreement_note *base, struct weft_arena *arena,
    struct weft_contract_differences *ret_differences, struct weft_msg *msg)
{
    *ret_differences = (struct weft_contract_differences){.count = 0};
    if (!base->is_there && agreement->contract.link.version > 1) {
        return WEFT_OK; /* Against what is not known. */
    }
    arena->size_max = WEFT_CONTRACT_CHANGE_MEMORY_MAX;
    enum weft_err err = weft_contract_diff(
        base->is_there ? &base->contract : NULL, &agreement->contract, arena, ret_differences);
    return err == WEFT_OK ? err : weft_fail(msg, err, "compare agreements");
}
