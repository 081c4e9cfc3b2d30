/* The text of a contract: line by line, both ways. */
#include <stdio.h>

#include "federation/contract.h"
#include "federation/contract_path.h"
#include "proto/check.h"
#include "proto/record.h"

/* --- decode ---------------------------------------------------------------------------------- */

struct decoding {
    struct weft_document_reader reader;
    struct weft_arena *arena;
    struct weft_contract contract;
    struct weft_msg *msg;
};

/* One value of a list into `item`, behind `count` others that begin at `list`. */
typedef enum weft_err read_item(
    struct decoding *d, struct weft_text value, const void *list, uint32_t count, void *item);

static enum weft_err read_list(struct decoding *d, const char *key, uint32_t max, size_t size,
    read_item *read, uint32_t *ret_count, const void **ret_list)
{
    uint32_t count = weft_document_count(&d->reader, key);
    struct weft_text value = {"", 0};
    if (count > max) {
        struct weft_document_reader next = {.line = d->reader.line + 1};
        return weft_document_fail(
            &next, d->msg, WEFT_ETOOBIG, "%u lines \"%s\", at most %u", count, key, max);
    }
    char *list = weft_arena_array(d->arena, count, size);
    if (list == NULL) {
        return weft_fail(d->msg, WEFT_ENOMEM, "no memory for an agreement");
    }
    for (uint32_t i = 0; i < count; i++) {
        enum weft_err err = weft_document_read_sorted(&d->reader, key, &value, d->msg);
        if (err == WEFT_OK) {
            err = read(d, value, list, i, list + i * size);
        }
        if (err != WEFT_OK) {
            return err;
        }
    }
    *ret_count = count;
    *ret_list = list;
    return WEFT_OK;
}

static enum weft_err refuse(struct decoding *d, const char *why)
{
    return weft_document_fail(&d->reader, d->msg, WEFT_EINVAL, "%s", why);
}

/* The words in front of the rest of a line, which must not be empty either. */
static enum weft_err cut(struct decoding *d, struct weft_text *rest, struct weft_text *ret_word)
{
    if (!weft_text_cut(rest, ' ', ret_word) || ret_word->size == 0 || rest->size == 0) {
        return weft_document_fail(&d->reader, d->msg, WEFT_EMALFORMED, "a word is missing");
    }
    return WEFT_OK;
}

static enum weft_err cut_kind(
    struct decoding *d, struct weft_text *rest, struct weft_text *ret_kind)
{
    enum weft_err err = cut(d, rest, ret_kind);
    return err != WEFT_OK || weft_name_is_valid(*ret_kind) ? err : refuse(d, "not a kind");
}

/* A path, or "*", which becomes the empty one. */
static enum weft_err take_path(
    struct decoding *d, struct weft_text text, struct weft_text *ret_path)
{
    if (weft_text_is(text, "*")) {
        *ret_path = WEFT_TEXT("");
        return WEFT_OK;
    }
    if (text.size > WEFT_PATH_SIZE_MAX || text.data[0] == '/' || text.data[text.size - 1] == '/') {
        return refuse(d, "a path is segments with '/' between, at most 255 bytes");
    }
    *ret_path = text;
    return WEFT_OK;
}

static enum weft_err take_disclosure(
    struct decoding *d, struct weft_text word, enum weft_disclosure *ret_disclosure)
{
    for (unsigned i = 0; i < WEFT_DISCLOSURES; i++) {
        if (weft_text_is(word, weft_disclosure_name((enum weft_disclosure)i))) {
            *ret_disclosure = (enum weft_disclosure)i;
            return WEFT_OK;
        }
    }
    return refuse(d, "one of disclosed, committed, hidden");
}

static enum weft_err read_party(
    struct decoding *d, struct weft_text value, const void *list, uint32_t count, void *item)
{
    (void)list;
    (void)count;
    struct weft_contract_party *party = item;
    struct weft_text rest = value, name;
    enum weft_err err = cut(d, &rest, &party->site);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_digest_parse(rest, &party->pin) != WEFT_OK) {
        return weft_document_fail(
            &d->reader, d->msg, WEFT_EMALFORMED, "\"party\" is a site and sha256: of 64 digits");
    }
    name = party->site;
    if (!weft_text_cut(&name, '/', &party->org) || !weft_principal_is_org(party->org) ||
        !weft_principal_is_part(name)) {
        return refuse(d, "a party is <organization>/<site>");
    }
    return WEFT_OK;
}

static enum weft_err read_authority(
    struct decoding *d, struct weft_text value, const void *list, uint32_t count, void *item)
{
    const struct weft_contract_authority *before = list;
    struct weft_contract_authority *authority = item;
    struct weft_text rest = value, site;
    enum weft_err err = cut_kind(d, &rest, &authority->kind);
    if (err == WEFT_OK) {
        err = cut(d, &rest, &site);
    }
    if (err == WEFT_OK) {
        authority->party = weft_contract_party(&d->contract, site);
        err = authority->party != WEFT_CONTRACT_NOBODY
                  ? take_path(d, rest, &authority->group)
                  : refuse(d, "authority of somebody who is no party");
    }
    /* FED-2 */
    for (uint32_t i = 0; i < count && err == WEFT_OK; i++) {
        if (weft_text_equal(before[i].kind, authority->kind) &&
            (weft_contract_path_covers(before[i].group, authority->group) ||
                weft_contract_path_covers(authority->group, before[i].group))) {
            err = weft_document_fail(&d->reader, d->msg, WEFT_EINVAL,
                "overlapping-authority: line %u has these fields too", d->reader.line - count + i);
        }
    }
    return err;
}

static enum weft_err read_cell(
    struct decoding *d, struct weft_text value, const void *list, uint32_t count, void *item)
{
    const struct weft_contract_cell *before = list;
    struct weft_contract_cell *cell = item;
    struct weft_text rest = value, rule;
    enum weft_err err = cut_kind(d, &rest, &cell->kind);
    if (err == WEFT_OK) {
        err = cut(d, &rest, &rule);
    }
    if (err == WEFT_OK) {
        err = weft_cell_rule_parse(rule, &cell->rule)
                  ? take_path(d, rest, &cell->path)
                  : refuse(d, "one of OWNER, JOIN, UNION, MATCH, DUAL");
    }
    for (uint32_t i = 0; i < count && err == WEFT_OK; i++) {
        if (weft_text_equal(before[i].kind, cell->kind) &&
            weft_text_equal(before[i].path, cell->path)) {
            err = refuse(d, "a second rule of one cell");
        }
    }
    return err;
}

static enum weft_err read_template(
    struct decoding *d, struct weft_text value, const void *list, uint32_t count, void *item)
{
    const struct weft_contract_template *before = list;
    struct weft_contract_template *template = item;
    struct weft_text rest = value;
    uint64_t depth = 0;
    enum weft_err err = cut_kind(d, &rest, &template->name);
    if (err == WEFT_OK &&
        (!weft_text_exact_number(rest, &depth) || depth == 0 || depth > WEFT_CONTRACT_DEPTH_MAX)) {
        err = refuse(d, "a template's depth is 1 to 64");
    }
    if (err == WEFT_OK && count > 0 && weft_text_equal(before[count - 1].name, template->name)) {
        err = refuse(d, "a second depth of one template");
    }
    template->depth = (uint32_t)depth;
    return err;
}

static enum weft_err read_kind(
    struct decoding *d, struct weft_text value, const void *list, uint32_t count, void *item)
{
    const struct weft_contract_kind *before = list;
    struct weft_contract_kind *kind = item;
    struct weft_text rest = value;
    enum weft_err err = cut_kind(d, &rest, &kind->kind);
    if (err == WEFT_OK) {
        err = take_disclosure(d, rest, &kind->disclosure);
    }
    if (err == WEFT_OK && count > 0 && weft_text_equal(before[count - 1].kind, kind->kind)) {
        err = refuse(d, "a second disclosure of one kind");
    }
    return err;
}

static enum weft_err read_part(
    struct decoding *d, struct weft_text value, const void *list, uint32_t count, void *item)
{
    (void)list;
    (void)count;
    *(struct weft_text *)item = value;
    return weft_asset_is_valid(value) ? WEFT_OK : refuse(d, "not an asset's id");
}

/* Of the side that is read: its kinds are read before its masks. */
static enum weft_err check_mask(struct decoding *d, const struct weft_contract_side *side,
    const struct weft_contract_mask *before, uint32_t count, const struct weft_contract_mask *mask)
{
    if (!weft_contract_has_kind(side, mask->kind)) {
        return refuse(d, "a mask of a kind that is not provided");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (weft_text_equal(before[i].kind, mask->kind) &&
            weft_text_equal(before[i].path, mask->path)) {
            return refuse(d, "a second disclosure of one path");
        }
    }
    return WEFT_OK;
}

static enum weft_err read_mask(
    struct decoding *d, struct weft_text value, const void *list, uint32_t count, void *item)
{
    (void)list;
    (void)count;
    struct weft_contract_mask *mask = item;
    struct weft_text rest = value, word;
    enum weft_err err = cut_kind(d, &rest, &mask->kind);
    if (err == WEFT_OK) {
        err = cut(d, &rest, &word);
    }
    if (err == WEFT_OK) {
        err = take_disclosure(d, word, &mask->disclosure);
    }
    if (err == WEFT_OK) {
        err = take_path(d, rest, &mask->path);
    }
    if (err == WEFT_OK && mask->path.size == 0) {
        err = refuse(d, "a mask's path is not \"*\": that is the kind's own disclosure");
    }
    return err;
}

static enum weft_err read_masks(struct decoding *d, struct weft_contract_side *side)
{
    uint32_t first = d->reader.line + 1;
    enum weft_err err = read_list(d, "mask", WEFT_CONTRACT_MASKS_MAX, sizeof(*side->masks),
        read_mask, &side->mask_count, (const void **)&side->masks);
    for (uint32_t i = 0; i < side->mask_count && err == WEFT_OK; i++) {
        uint32_t last = d->reader.line;
        d->reader.line = first + i; /* What is refused names its line. */
        err = check_mask(d, side, side->masks, i, &side->masks[i]);
        d->reader.line = last;
    }
    return err;
}

static enum weft_err read_limit(
    struct decoding *d, const char *key, uint32_t min, uint32_t *ret_number)
{
    uint64_t number = 0;
    enum weft_err err =
        weft_document_read_number(&d->reader, key, WEFT_CONTRACT_LIMIT_MAX, &number, d->msg);
    if (err == WEFT_OK && number < min) {
        err =
            weft_document_fail(&d->reader, d->msg, WEFT_EINVAL, "\"%s\" is at least %u", key, min);
    }
    *ret_number = (uint32_t)number;
    return err;
}

static enum weft_err read_depth(struct decoding *d, uint32_t *ret_depth)
{
    struct weft_text value;
    uint64_t depth = 0;
    enum weft_err err = weft_document_read(&d->reader, "depth", &value, d->msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_text_is(value, "any")) {
        *ret_depth = WEFT_CONTRACT_DEPTH_ANY;
        return WEFT_OK;
    }
    if (!weft_text_exact_number(value, &depth) || depth > WEFT_CONTRACT_DEPTH_MAX) {
        return refuse(d, "\"depth\" is 0 to 64, or any");
    }
    *ret_depth = (uint32_t)depth;
    return WEFT_OK;
}

static enum weft_err read_forward(struct decoding *d, bool *ret_may_forward)
{
    struct weft_text value;
    enum weft_err err = weft_document_read(&d->reader, "forward", &value, d->msg);
    if (err != WEFT_OK) {
        return err;
    }
    *ret_may_forward = weft_text_is(value, "yes");
    return *ret_may_forward || weft_text_is(value, "no") ? WEFT_OK
                                                         : refuse(d, "\"forward\" is yes or no");
}

static enum weft_err read_limits(struct decoding *d, struct weft_contract_side *side)
{
    enum weft_err err = read_depth(d, &side->depth);
    if (err == WEFT_OK) {
        err = read_forward(d, &side->may_forward);
    }
    if (err == WEFT_OK) {
        err = read_limit(d, "retain", 0, &side->retain_days);
    }
    if (err == WEFT_OK) {
        err = read_limit(d, "rate", 1, &side->rate_statements);
    }
    if (err == WEFT_OK) {
        err = read_limit(d, "bytes", 1, &side->rate_bytes);
    }
    if (err == WEFT_OK) {
        err = read_limit(d, "queue", 1, &side->queue_statements);
    }
    if (err == WEFT_OK) {
        err = read_limit(d, "quarantine", 1, &side->quarantine_statements);
    }
    return err;
}

static enum weft_err read_side(struct decoding *d, uint32_t number)
{
    struct weft_contract_side *side = &d->contract.sides[number];
    struct weft_text site;
    enum weft_err err = weft_document_read(&d->reader, "provider", &site, d->msg);
    if (err == WEFT_OK && !weft_text_equal(site, d->contract.parties[number].site)) {
        err = refuse(d, "each party provides, in their order");
    }
    if (err == WEFT_OK) {
        err = read_limit(d, "threshold", 1, &side->threshold);
    }
    if (err == WEFT_OK && side->threshold > WEFT_ORG_LOGS_MAX) {
        err = refuse(d, "more keys than an organization can have");
    }
    if (err == WEFT_OK) {
        err = read_list(d, "kind", WEFT_CONTRACT_KINDS_MAX, sizeof(*side->kinds), read_kind,
            &side->kind_count, (const void **)&side->kinds);
    }
    if (err == WEFT_OK) {
        err = read_masks(d, side);
    }
    if (err == WEFT_OK) {
        err = read_list(d, "part", WEFT_CONTRACT_PARTS_MAX, sizeof(*side->parts), read_part,
            &side->part_count, (const void **)&side->parts);
    }
    return err == WEFT_OK ? read_limits(d, side) : err;
}

static enum weft_err read_parties(struct decoding *d)
{
    uint32_t count = 0;
    const void *list = NULL;
    enum weft_err err = read_list(d, "party", WEFT_CONTRACT_PARTIES,
        sizeof(struct weft_contract_party), read_party, &count, &list);
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_contract_party *parties = list;
    if (count != WEFT_CONTRACT_PARTIES) {
        struct weft_document_reader next = {.line = d->reader.line + 1};
        return weft_document_fail(&next, d->msg, WEFT_EMALFORMED, "two lines \"party\"");
    }
    if (weft_text_equal(parties[0].site, parties[1].site)) {
        return refuse(d, "a site has no agreement with itself");
    }
    memcpy(d->contract.parties, parties, sizeof(d->contract.parties));
    return WEFT_OK;
}

static enum weft_err read_head(struct decoding *d, struct weft_text text)
{
    struct weft_text *name = &d->contract.name;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_AGREEMENT, &d->reader, d->msg);
    if (err == WEFT_OK) {
        err = weft_document_read(&d->reader, "agreement", name, d->msg);
    }
    if (err == WEFT_OK &&
        (!weft_principal_is_part(*name) || name->size > WEFT_CONTRACT_NAME_SIZE_MAX)) {
        err = refuse(d, "an agreement's name is 1 to 63 of A-Z a-z 0-9 . - _");
    }
    if (err == WEFT_OK) {
        err = weft_chain_read(&d->reader, text, true, &d->contract.link, d->msg);
    }
    return err == WEFT_OK ? read_parties(d) : err;
}

static enum weft_err read_common(struct decoding *d)
{
    struct weft_contract *c = &d->contract;
    enum weft_err err =
        read_list(d, "authority", WEFT_CONTRACT_AUTHORITIES_MAX, sizeof(*c->authorities),
            read_authority, &c->authority_count, (const void **)&c->authorities);
    if (err == WEFT_OK) {
        err = read_list(d, "cell", WEFT_CONTRACT_CELLS_MAX, sizeof(*c->cells), read_cell,
            &c->cell_count, (const void **)&c->cells);
    }
    if (err == WEFT_OK) {
        err = read_list(d, "template", WEFT_CONTRACT_TEMPLATES_MAX, sizeof(*c->templates),
            read_template, &c->template_count, (const void **)&c->templates);
    }
    return err;
}

enum weft_err weft_contract_decode(struct weft_text text, struct weft_arena *arena,
    struct weft_contract *ret_contract, struct weft_msg *msg)
{
    struct decoding d = {.arena = arena, .msg = msg};
    enum weft_err err = read_head(&d, text);
    if (err == WEFT_OK) {
        err = read_common(&d);
    }
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES && err == WEFT_OK; i++) {
        err = read_side(&d, i);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&d.reader, msg);
    }
    if (err == WEFT_OK) {
        *ret_contract = d.contract;
    }
    return err;
}

/* --- encode ---------------------------------------------------------------------------------- */

/* The first failure stays; looked at once, at the end. */
struct writing {
    struct weft_buffer *out;
    enum weft_err err;
};

static void put_text(struct writing *w, const char *key, struct weft_text value)
{
    w->err = w->err == WEFT_OK ? weft_document_write(w->out, key, value) : w->err;
}

static void put_number(struct writing *w, const char *key, uint64_t number)
{
    w->err = w->err == WEFT_OK ? weft_document_write_number(w->out, key, number) : w->err;
}

/* "key a b c"; an empty c is "*". */
static void put_words(
    struct writing *w, const char *key, struct weft_text a, struct weft_text b, struct weft_text c)
{
    c = c.size > 0 ? c : WEFT_TEXT("*");
    if (w->err == WEFT_OK) {
        w->err = weft_buffer_format(w->out, "%s %.*s %.*s %.*s\n", key, (int)a.size, a.data,
            (int)b.size, b.data, (int)c.size, c.data);
    }
}

static void put_head(struct writing *w, const struct weft_contract *c)
{
    w->err = weft_document_begin(w->out, WEFT_DOCUMENT_AGREEMENT);
    put_text(w, "agreement", c->name);
    w->err = w->err == WEFT_OK ? weft_chain_write(w->out, &c->link) : w->err;
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        char pin[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&c->parties[i].pin, pin);
        struct weft_text site = c->parties[i].site;
        if (w->err == WEFT_OK) {
            w->err = weft_buffer_format(w->out, "party %.*s %s\n", (int)site.size, site.data, pin);
        }
    }
}

static void put_common(struct writing *w, const struct weft_contract *c)
{
    for (uint32_t i = 0; i < c->authority_count; i++) {
        const struct weft_contract_authority *a = &c->authorities[i];
        uint32_t party = a->party < WEFT_CONTRACT_PARTIES ? a->party : 0;
        put_words(w, "authority", a->kind, c->parties[party].site, a->group);
    }
    for (uint32_t i = 0; i < c->cell_count; i++) {
        const struct weft_contract_cell *cell = &c->cells[i];
        put_words(w, "cell", cell->kind, weft_text_of(weft_cell_rule_name(cell->rule)), cell->path);
    }
    for (uint32_t i = 0; i < c->template_count && w->err == WEFT_OK; i++) {
        struct weft_text name = c->templates[i].name;
        w->err = weft_buffer_format(
            w->out, "template %.*s %u\n", (int)name.size, name.data, c->templates[i].depth);
    }
}

static void put_side(
    struct writing *w, const struct weft_contract_party *party, const struct weft_contract_side *s)
{
    put_text(w, "provider", party->site);
    put_number(w, "threshold", s->threshold);
    for (uint32_t i = 0; i < s->kind_count && w->err == WEFT_OK; i++) {
        struct weft_text kind = s->kinds[i].kind;
        w->err = weft_buffer_format(w->out, "kind %.*s %s\n", (int)kind.size, kind.data,
            weft_disclosure_name(s->kinds[i].disclosure));
    }
    for (uint32_t i = 0; i < s->mask_count; i++) {
        const struct weft_contract_mask *mask = &s->masks[i];
        put_words(w, "mask", mask->kind, weft_text_of(weft_disclosure_name(mask->disclosure)),
            mask->path);
    }
    for (uint32_t i = 0; i < s->part_count; i++) {
        put_text(w, "part", s->parts[i]);
    }
    if (s->depth == WEFT_CONTRACT_DEPTH_ANY) {
        put_text(w, "depth", WEFT_TEXT("any"));
    } else {
        put_number(w, "depth", s->depth);
    }
    put_text(w, "forward", s->may_forward ? WEFT_TEXT("yes") : WEFT_TEXT("no"));
    put_number(w, "retain", s->retain_days);
    put_number(w, "rate", s->rate_statements);
    put_number(w, "bytes", s->rate_bytes);
    put_number(w, "queue", s->queue_statements);
    put_number(w, "quarantine", s->quarantine_statements);
}

enum weft_err weft_contract_encode(const struct weft_contract *contract, struct weft_arena *arena,
    struct weft_buffer *out, struct weft_msg *msg)
{
    const size_t before = out->size;
    struct writing w = {.out = out};
    put_head(&w, contract);
    put_common(&w, contract);
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        put_side(&w, &contract->parties[i], &contract->sides[i]);
    }
    enum weft_err decoded = WEFT_OK;
    if (w.err == WEFT_OK) {
        struct weft_contract again;
        const struct weft_text text = {(const char *)out->data + before, out->size - before};
        decoded = weft_contract_decode(text, arena, &again, msg);
    }
    return weft_document_end(out, before, w.err, decoded, msg);
}
