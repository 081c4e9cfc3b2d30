#include "ops/weft/agreement_draft.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- lines ----------------------------------------------------------------------------------- */

/* What of a line says of what it is: another such line is in its place. */
enum identity {
    ALONE,      /* One for each block. */
    FIRST_WORD, /* kind inspection ... */
    BUT_SECOND, /* mask inspection ... cost */
    ALL_OF_IT,  /* part part:box */
};

enum block {
    HEAD, /* Not the draft's to say. */
    COMMON,
    PROVIDER,
};

/* In the order of the text. */
static const struct {
    const char *key;
    enum block block;
    enum identity identity;
    const char *fallback; /* chosen: as the example of federation/contract.h */
} keys[] = {
    {"agreement", HEAD, ALONE, NULL},
    {"version", HEAD, ALONE, NULL},
    {"prev", HEAD, ALONE, NULL},
    {"issued", HEAD, ALONE, NULL},
    {"expires", HEAD, ALONE, NULL},
    {"party", COMMON, FIRST_WORD, NULL},
    {"authority", COMMON, BUT_SECOND, NULL},
    {"cell", COMMON, BUT_SECOND, NULL},
    {"template", COMMON, FIRST_WORD, NULL},
    {"threshold", PROVIDER, ALONE, "2"}, /* A majority of three nodes. */
    {"kind", PROVIDER, FIRST_WORD, NULL},
    {"mask", PROVIDER, BUT_SECOND, NULL},
    {"part", PROVIDER, ALL_OF_IT, NULL},
    {"depth", PROVIDER, ALONE, "0"}, /* What was shipped, and nothing inside. */
    {"forward", PROVIDER, ALONE, "no"},
    {"retain", PROVIDER, ALONE, "3650"},
    {"rate", PROVIDER, ALONE, "10000"},
    {"bytes", PROVIDER, ALONE, "20000000"},
    {"queue", PROVIDER, ALONE, "100000"},
    {"quarantine", PROVIDER, ALONE, "1000"},
};

enum {
    KEYS = sizeof(keys) / sizeof(keys[0]),
    PARTY = 5,
};

void weft_agreement_draft_destroy(struct weft_agreement_draft *draft)
{
    free(draft->lines);
    *draft = (struct weft_agreement_draft){NULL, 0};
}

static struct weft_text trim(struct weft_text t)
{
    while (t.size > 0 && (t.data[0] == ' ' || t.data[0] == '\t')) {
        t = (struct weft_text){t.data + 1, t.size - 1};
    }
    while (t.size > 0 && strchr(" \t\r", t.data[t.size - 1]) != NULL) {
        t.size--;
    }
    return t;
}

/* "FILE:12: ", or of an option "--set 'LINE': ", in front of the reason in `msg`. */
static enum weft_err blame(
    const struct weft_agreement_line *line, struct weft_msg *msg, enum weft_err err)
{
    if (line->number > 0) {
        return weft_wrap(msg, err, "%s:%" PRIu32, line->place, line->number);
    }
    return weft_wrap(msg, err, "%s", line->place);
}

/* Splits "KEY REST"; a head's line gives a key too. */
static enum weft_err split(
    struct weft_text text, struct weft_agreement_line *line, struct weft_msg *msg)
{
    struct weft_text word;
    line->rest = text;
    bool has_rest = weft_text_cut(&line->rest, ' ', &word);
    line->rest = has_rest ? trim(line->rest) : (struct weft_text){"", 0};
    for (line->key = 0; line->key < KEYS; line->key++) {
        if (weft_text_is(word, keys[line->key].key)) {
            break;
        }
    }
    if (line->key == KEYS) {
        return weft_fail(msg, WEFT_EINVAL, "\"%.*s\" begins no line of an agreement",
            (int)(word.size < 40 ? word.size : 40), word.data);
    }
    if (line->rest.size == 0) {
        return weft_fail(msg, WEFT_EINVAL, "there is nothing behind \"%s\"", keys[line->key].key);
    }
    if (keys[line->key].block == PROVIDER && line->site.size == 0) {
        return weft_fail(msg, WEFT_EINVAL,
            "\"%s\" is of a provider: it stands behind \"provider ORG/SITE\", or as an option "
            "behind \"ORG/SITE: \"",
            keys[line->key].key);
    }
    if (keys[line->key].block != PROVIDER) {
        line->site = (struct weft_text){"", 0};
    }
    return WEFT_OK;
}

static enum weft_err append(struct weft_agreement_draft *draft,
    const struct weft_agreement_line *line, struct weft_msg *msg)
{
    if (draft->count == WEFT_AGREEMENT_DRAFT_LINES_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d lines", WEFT_AGREEMENT_DRAFT_LINES_MAX);
    }
    if (draft->lines == NULL) {
        draft->lines = calloc(WEFT_AGREEMENT_DRAFT_LINES_MAX, sizeof(*draft->lines));
        if (draft->lines == NULL) {
            return weft_fail(msg, WEFT_ENOMEM, "no memory for an agreement");
        }
    }
    draft->lines[draft->count++] = *line;
    return WEFT_OK;
}

enum weft_err weft_agreement_draft_read(struct weft_agreement_draft *draft, struct weft_text text,
    const char *place, struct weft_msg *msg)
{
    struct weft_text rest = text, row, site = {"", 0};
    uint32_t number = 0;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && rest.size > 0) {
        struct weft_agreement_line line = {.site = site, .place = place, .number = ++number};
        if (!weft_text_cut(&rest, '\n', &row)) {
            rest = (struct weft_text){"", 0};
        }
        row = trim(row);
        if (row.size == 0 || row.data[0] == '#' || weft_text_starts(row, "weft-agreement/")) {
            continue;
        }
        if (weft_text_starts(row, "provider ")) {
            site = trim((struct weft_text){row.data + 9, row.size - 9});
            continue;
        }
        err = split(row, &line, msg);
        if (err == WEFT_OK && keys[line.key].block != HEAD) {
            err = append(draft, &line, msg);
        }
        err = err == WEFT_OK ? err : blame(&line, msg, err);
    }
    return err;
}

/* --- by options ------------------------------------------------------------------------------ */

static enum weft_err read_option(
    const char *text, struct weft_agreement_line *line, struct weft_msg *msg)
{
    struct weft_text whole = trim(weft_text_of(text)), site;
    struct weft_text rest = whole;
    *line = (struct weft_agreement_line){.site = {"", 0}, .place = text};
    /* A line's first word is a key, and no key has a slash in it. */
    const char *colon = memchr(whole.data, ':', whole.size);
    const char *slash = memchr(whole.data, '/', whole.size);
    const char *space = memchr(whole.data, ' ', whole.size);
    if (colon != NULL && slash != NULL && slash < colon && (space == NULL || colon < space)) {
        (void)weft_text_cut(&rest, ':', &site);
        line->site = site;
        whole = trim(rest);
    }
    enum weft_err err = split(whole, line, msg);
    if (err == WEFT_OK && keys[line->key].block == HEAD) {
        err = weft_fail(msg, WEFT_EINVAL, "\"%s\" follows by itself", keys[line->key].key);
    }
    return err == WEFT_OK ? err : blame(line, msg, err);
}

/* Without the second word. */
static bool is_same_but_second(struct weft_text a, struct weft_text b)
{
    struct weft_text first_a, first_b, word;
    (void)weft_text_cut(&a, ' ', &first_a);
    (void)weft_text_cut(&b, ' ', &first_b);
    return weft_text_equal(first_a, first_b) && weft_text_cut(&a, ' ', &word) &&
           weft_text_cut(&b, ' ', &word) && weft_text_equal(a, b);
}

static bool is_same(const struct weft_agreement_line *a, const struct weft_agreement_line *b)
{
    struct weft_text first_a, first_b, rest_a = a->rest, rest_b = b->rest;
    if (a->key != b->key || !weft_text_equal(a->site, b->site)) {
        return false;
    }
    switch (keys[a->key].identity) {
    case ALONE:
        return true;
    case FIRST_WORD:
        (void)weft_text_cut(&rest_a, ' ', &first_a);
        (void)weft_text_cut(&rest_b, ' ', &first_b);
        return weft_text_equal(first_a, first_b);
    case BUT_SECOND:
        return is_same_but_second(a->rest, b->rest);
    case ALL_OF_IT:
        return weft_text_equal(a->rest, b->rest);
    }
    return false;
}

enum weft_err weft_agreement_draft_set(
    struct weft_agreement_draft *draft, const char *text, struct weft_msg *msg)
{
    struct weft_agreement_line line;
    enum weft_err err = read_option(text, &line, msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (uint32_t i = 0; i < draft->count; i++) {
        if (is_same(&draft->lines[i], &line)) {
            draft->lines[i] = line;
            return WEFT_OK;
        }
    }
    return append(draft, &line, msg);
}

enum weft_err weft_agreement_draft_unset(
    struct weft_agreement_draft *draft, const char *text, struct weft_msg *msg)
{
    struct weft_agreement_line line;
    enum weft_err err = read_option(text, &line, msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (uint32_t i = 0; i < draft->count; i++) {
        const struct weft_agreement_line *l = &draft->lines[i];
        if (l->key == line.key && weft_text_equal(l->site, line.site) &&
            weft_text_equal(l->rest, line.rest)) {
            draft->lines[i] = draft->lines[--draft->count];
            return WEFT_OK;
        }
    }
    return weft_fail(msg, WEFT_ENOTFOUND, "%s: there is no such line to take out", text);
}

/* --- the text -------------------------------------------------------------------------------- */

struct writing {
    struct weft_agreement_draft *draft;
    const struct weft_org *const *orgs;
    uint32_t org_count;
    struct weft_buffer *out;
    struct weft_msg *msg;
    /* Of each line of the text the draft's, NULL: it follows by itself. */
    const struct weft_agreement_line **origins;
    uint32_t line_count;
    enum weft_err err;
};

enum {
    ORIGINS_MAX = WEFT_AGREEMENT_DRAFT_LINES_MAX + 64
};

/* Blocks follow the order of the sites' names, and lists that of their bytes. */
static int compare_lines(const void *a, const void *b)
{
    const struct weft_agreement_line *l = a, *r = b;
    bool is_left_common = keys[l->key].block == COMMON,
         is_right_common = keys[r->key].block == COMMON;
    if (is_left_common != is_right_common) {
        return is_left_common ? -1 : 1;
    }
    int order = weft_text_compare(l->site, r->site);
    order = order != 0 ? order : (int)l->key - (int)r->key;
    return order != 0 ? order : weft_text_compare(l->rest, r->rest);
}

static void put(struct writing *w, const char *key, struct weft_text value,
    const struct weft_agreement_line *origin)
{
    if (w->err == WEFT_OK) {
        w->err = weft_document_write(w->out, key, value);
        w->origins[w->line_count++] = origin;
    }
}

static void put_head(struct writing *w, struct weft_text name, const struct weft_chain_link *link)
{
    w->err = weft_document_begin(w->out, WEFT_DOCUMENT_AGREEMENT);
    w->origins[w->line_count++] = NULL;
    put(w, "agreement", name, NULL);
    if (w->err == WEFT_OK) {
        w->err = weft_chain_write(w->out, link);
        for (uint32_t i = 0; i < 4; i++) {
            w->origins[w->line_count++] = NULL;
        }
    }
}

/* Pinned to the document at hand; else as it stands. */
static void put_party(struct writing *w, const struct weft_agreement_line *line)
{
    struct weft_text rest = line->rest, site, site_rest, org;
    char value[2 * WEFT_PRINCIPAL_PART_SIZE_MAX + WEFT_DIGEST_TEXT_SIZE + 3];
    char digest[WEFT_DIGEST_TEXT_SIZE];
    bool has_pin = weft_text_cut(&rest, ' ', &site);
    site_rest = site;
    (void)weft_text_cut(&site_rest, '/', &org);
    for (uint32_t i = 0; i < w->org_count; i++) {
        if (weft_text_equal(w->orgs[i]->org, org) &&
            site.size <= 2 * WEFT_PRINCIPAL_PART_SIZE_MAX + 1) {
            weft_digest_format(&w->orgs[i]->link.digest, digest);
            (void)snprintf(value, sizeof(value), "%.*s %s", (int)site.size, site.data, digest);
            put(w, "party", weft_text_of(value), line);
            return;
        }
    }
    if (!has_pin && w->err == WEFT_OK) {
        w->err = weft_fail(w->msg, WEFT_EINVAL,
            "by which org document is %.*s judged? --org FILE of its org.note, or its digest "
            "behind the name",
            (int)(org.size < 80 ? org.size : 80), org.data);
        w->err = blame(line, w->msg, w->err);
        return;
    }
    put(w, "party", line->rest, line);
}

/* Of a block all keys in their order, with what is left out. Returns the first line behind it. */
static uint32_t put_block(struct writing *w, struct weft_text site, uint32_t at)
{
    const struct weft_agreement_draft *d = w->draft;
    put(w, "provider", site, NULL);
    for (uint32_t key = 0; key < KEYS; key++) {
        bool is_said = false;
        while (
            at < d->count && weft_text_equal(d->lines[at].site, site) && d->lines[at].key == key) {
            put(w, keys[key].key, d->lines[at].rest, &d->lines[at]);
            at++;
            is_said = true;
        }
        if (keys[key].block == PROVIDER && keys[key].fallback != NULL && !is_said) {
            put(w, keys[key].key, weft_text_of(keys[key].fallback), NULL);
        }
    }
    return at;
}

static struct weft_text site_of(const struct weft_agreement_line *party)
{
    struct weft_text rest = party->rest, site;
    (void)weft_text_cut(&rest, ' ', &site);
    return site;
}

static void put_all(struct writing *w)
{
    const struct weft_agreement_draft *d = w->draft;
    uint32_t at = 0, first_party = 0, party_count = 0;
    for (; at < d->count && keys[d->lines[at].key].block == COMMON; at++) {
        const struct weft_agreement_line *line = &d->lines[at];
        if (line->key == PARTY) {
            first_party = party_count == 0 ? at : first_party;
            party_count++;
            put_party(w, line);
        } else {
            put(w, keys[line->key].key, line->rest, line);
        }
    }
    if (party_count != WEFT_CONTRACT_PARTIES && w->err == WEFT_OK) {
        w->err = weft_fail(w->msg, WEFT_EINVAL,
            "%" PRIu32 " lines \"party ORG/SITE\": an agreement is between two sites", party_count);
    }
    for (uint32_t i = 0; i < party_count && w->err == WEFT_OK; i++) {
        struct weft_text site = site_of(&d->lines[first_party + i]);
        if (at < d->count && weft_text_compare(d->lines[at].site, site) < 0) {
            break;
        }
        at = put_block(w, site, at);
    }
    if (at < d->count && w->err == WEFT_OK) {
        const struct weft_agreement_line *line = &d->lines[at];
        w->err = weft_fail(w->msg, WEFT_EINVAL, "%.*s provides, and is no party",
            (int)(line->site.size < 120 ? line->site.size : 120), line->site.data);
        w->err = blame(line, w->msg, w->err);
    }
}

/* "line 12: reason" of the text becomes "FILE:7: reason" of the draft. */
static enum weft_err blame_origin(const struct writing *w, enum weft_err err)
{
    char *end = NULL;
    unsigned long number =
        strncmp(w->msg->text, "line ", 5) == 0 ? strtoul(w->msg->text + 5, &end, 10) : 0;
    if (number == 0 || number > w->line_count || strncmp(end, ": ", 2) != 0 ||
        w->origins[number - 1] == NULL) {
        return err;
    }
    const struct weft_msg reason = *w->msg;
    (void)weft_fail(w->msg, err, "%s", reason.text + (end + 2 - w->msg->text));
    return blame(w->origins[number - 1], w->msg, err);
}

enum weft_err weft_agreement_draft_write(struct weft_agreement_draft *draft, struct weft_text name,
    const struct weft_chain_link *link, const struct weft_org *const *orgs, uint32_t org_count,
    struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = WEFT_CONTRACT_MEMORY_MAX};
    struct weft_contract contract;
    struct writing w = {
        .draft = draft, .orgs = orgs, .org_count = org_count, .out = out, .msg = msg};
    w.origins = calloc(ORIGINS_MAX, sizeof(*w.origins));
    if (w.origins == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for an agreement");
    }
    if (draft->count > 0) {
        qsort(draft->lines, draft->count, sizeof(draft->lines[0]), compare_lines);
    }
    msg->text[0] = '\0';
    put_head(&w, name, link);
    put_all(&w);
    if (w.err == WEFT_OK) {
        w.err = weft_contract_decode(weft_buffer_as_text(out), &arena, &contract, msg);
        w.err = w.err == WEFT_OK ? w.err : blame_origin(&w, w.err);
    } else if (msg->text[0] == '\0') {
        w.err = weft_fail(msg, w.err, "write an agreement: %s", weft_err_name(w.err));
    }
    weft_arena_destroy(&arena);
    free(w.origins);
    return w.err;
}
