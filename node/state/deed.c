#include "node/state/deed.h"

#include <stdlib.h>

#include "node/state/coder.h"
#include "proto/check.h"

/* --- versions -------------------------------------------------------------------------------- */

static void destroy_deed(struct weft_deed *deed)
{
    weft_arena_destroy(&deed->arena);
    weft_buffer_destroy(&deed->note);
    free(deed);
}

enum weft_err weft_deed_read(
    struct weft_text note, struct weft_deed **ret_deed, struct weft_msg *msg)
{
    struct weft_note parsed;
    struct weft_deed *deed = calloc(1, sizeof(*deed));
    if (deed == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "read an agreement");
    }
    weft_holders_init(&deed->holders);
    deed->arena.size_max = WEFT_CONTRACT_MEMORY_MAX;
    deed->note.size_max = WEFT_NOTE_SIZE_MAX;
    enum weft_err err = weft_buffer_text(&deed->note, note);
    if (err == WEFT_OK) {
        err = weft_note_parse(weft_buffer_as_text(&deed->note), &parsed, msg);
    } else {
        (void)weft_fail(msg, err, "an agreement of %zu bytes", note.size);
    }
    if (err == WEFT_OK) {
        err = weft_contract_decode(parsed.text, &deed->arena, &deed->contract, msg);
    }
    if (err == WEFT_ENOMEM && !deed->arena.is_starved) {
        err = weft_fail(msg, WEFT_ETOOBIG, "an agreement that is too large once read");
    }
    if (err != WEFT_OK) {
        destroy_deed(deed);
        return err;
    }
    *ret_deed = deed;
    return WEFT_OK;
}

struct weft_deed *weft_deed_retain(struct weft_deed *deed)
{
    if (deed != NULL) {
        weft_holders_add(&deed->holders);
    }
    return deed;
}

void weft_deed_release(struct weft_deed *deed)
{
    if (deed != NULL && weft_holders_drop(&deed->holders)) {
        destroy_deed(deed);
    }
}

/* --- partners -------------------------------------------------------------------------------- */

static void destroy_pinned(struct weft_pinned *pinned)
{
    weft_arena_destroy(&pinned->arena);
    free(pinned);
}

bool weft_pinned_line(struct weft_text *rest, struct weft_text *ret_line)
{
    if (rest->size == 0) {
        return false;
    }
    (void)weft_text_cut(rest, '\n', ret_line); /* The last one may have no newline. */
    return true;
}

static enum weft_err copy(
    struct weft_pinned *p, struct weft_text from, struct weft_text *ret_to, struct weft_msg *msg)
{
    if (from.size == 0) {
        return WEFT_OK;
    }
    *ret_to = weft_arena_text(&p->arena, from);
    return ret_to->data != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "pin a partner");
}

static enum weft_err copy_texts(
    struct weft_pinned *p, const struct weft_pinned_texts *texts, struct weft_msg *msg)
{
    const struct weft_text all[] = {texts->keys, texts->endpoints, texts->ca, texts->names};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].size > WEFT_PINNED_TEXT_SIZE_MAX) {
            return weft_fail(msg, WEFT_ETOOBIG,
                "keys, endpoints, ca and names have at most %d bytes each",
                WEFT_PINNED_TEXT_SIZE_MAX);
        }
    }
    enum weft_err err = copy(p, texts->org, &p->texts.org, msg);
    err = err == WEFT_OK ? copy(p, texts->keys, &p->texts.keys, msg) : err;
    err = err == WEFT_OK ? copy(p, texts->endpoints, &p->texts.endpoints, msg) : err;
    err = err == WEFT_OK ? copy(p, texts->ca, &p->texts.ca, msg) : err;
    return err == WEFT_OK ? copy(p, texts->names, &p->texts.names, msg) : err;
}

/* A word, and the space behind it, behind which there is something. */
static bool take_last(struct weft_text *rest, struct weft_text *ret_word)
{
    bool has_more = weft_text_cut(rest, ' ', ret_word);
    if (!has_more) {
        rest->size = 0;
    }
    return !has_more || rest->size > 0;
}

/* Takes "NAME SENT RECEIVED" off `rest`. */
static bool take_end(struct weft_text *rest, struct weft_text *ret_name, uint64_t ret_ends[2])
{
    struct weft_text sent, received;
    return weft_text_cut(rest, ' ', ret_name) && ret_name->size > 0 &&
           weft_text_cut(rest, ' ', &sent) && weft_text_exact_number(sent, &ret_ends[0]) &&
           take_last(rest, &received) && weft_text_exact_number(received, &ret_ends[1]);
}

/* FED-33 */
uint64_t weft_pinned_end(
    const struct weft_pinned *pinned, uint32_t key, struct weft_text agreement, bool is_receipt)
{
    struct weft_text rest = pinned->ends[key], name;
    uint64_t ends[2];
    if (rest.size == 0) {
        return UINT64_MAX;
    }
    while (rest.size > 0 && take_end(&rest, &name, ends)) {
        if (weft_text_equal(name, agreement)) {
            return ends[is_receipt ? 1 : 0];
        }
    }
    return 0;
}

/* "until", and an end for each agreement that the key ever signed for. */
static enum weft_err read_ends(struct weft_text text, struct weft_text *ret_ends)
{
    struct weft_text rest = text, word;
    uint64_t ends[2];
    if (!weft_text_cut(&rest, ' ', &word) || !weft_text_is(word, "until") || rest.size == 0) {
        return WEFT_EMALFORMED;
    }
    *ret_ends = rest;
    while (rest.size > 0) {
        if (!take_end(&rest, &word, ends)) {
            return WEFT_EMALFORMED;
        }
    }
    return WEFT_OK;
}

static enum weft_err read_keys(struct weft_pinned *p, struct weft_msg *msg)
{
    struct weft_text rest = p->texts.keys, line;
    p->ends = weft_arena_array(&p->arena, WEFT_PINNED_KEYS_MAX, sizeof(*p->ends));
    p->keys = weft_arena_array(&p->arena, WEFT_PINNED_KEYS_MAX, sizeof(*p->keys));
    if (p->keys == NULL || p->ends == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "pin a partner");
    }
    while (weft_pinned_line(&rest, &line)) {
        if (p->key_count == WEFT_PINNED_KEYS_MAX) {
            return weft_fail(msg, WEFT_ETOOBIG, "more than %d keys", WEFT_PINNED_KEYS_MAX);
        }
        struct weft_text vkey, *ends = &p->ends[p->key_count];
        *ends = (struct weft_text){NULL, 0};
        bool is_former = weft_text_cut(&line, ' ', &vkey);
        enum weft_err err = weft_verifier_parse(vkey, &p->keys[p->key_count], msg);
        if (err == WEFT_OK && is_former && read_ends(line, ends) != WEFT_OK) {
            err = weft_fail(msg, WEFT_EINVAL,
                "a former key is VKEY until NAME SENT RECEIVED, for each agreement");
        }
        if (err != WEFT_OK) {
            return weft_wrap(msg, err, "key %u", p->key_count + 1);
        }
        for (uint32_t i = 0; i < p->key_count; i++) {
            if (p->keys[i].key_id == p->keys[p->key_count].key_id) {
                return weft_fail(
                    msg, WEFT_EINVAL, "duplicate-key-id: keys %u and %u", i + 1, p->key_count + 1);
            }
        }
        p->key_count++;
    }
    return WEFT_OK;
}

static enum weft_err read_org(struct weft_pinned *p, struct weft_msg *msg)
{
    struct weft_note note;
    enum weft_chain_fault fault;
    if (p->texts.org.size == 0) {
        return WEFT_OK;
    }
    enum weft_err err = weft_note_parse(p->texts.org, &note, msg);
    if (err == WEFT_OK) {
        err = weft_org_decode(note.text, &p->arena, &p->org, &fault, msg);
    }
    p->has_org = err == WEFT_OK;
    return err == WEFT_OK ? err : weft_wrap(msg, err, "org");
}

enum weft_err weft_pinned_read(struct weft_text site, const struct weft_pinned_texts *texts,
    uint64_t index, struct weft_pinned **ret_pinned, struct weft_msg *msg)
{
    struct weft_pinned *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "pin a partner");
    }
    weft_holders_init(&p->holders);
    p->arena.size_max = WEFT_PINNED_MEMORY_MAX;
    p->index = index;
    enum weft_err err = copy(p, site, &p->site, msg);
    if (err == WEFT_OK) {
        err = copy_texts(p, texts, msg);
    }
    if (err == WEFT_OK) {
        err = read_org(p, msg);
    }
    if (err == WEFT_OK) {
        err = read_keys(p, msg);
    }
    if (err == WEFT_ENOMEM && !p->arena.is_starved) {
        err = weft_fail(msg, WEFT_ETOOBIG, "a partner's texts are too large once read");
    }
    if (err != WEFT_OK) {
        destroy_pinned(p);
        return err;
    }
    *ret_pinned = p;
    return WEFT_OK;
}

struct weft_pinned *weft_pinned_retain(struct weft_pinned *pinned)
{
    if (pinned != NULL) {
        weft_holders_add(&pinned->holders);
    }
    return pinned;
}

void weft_pinned_release(struct weft_pinned *pinned)
{
    if (pinned != NULL && weft_holders_drop(&pinned->holders)) {
        destroy_pinned(pinned);
    }
}

/* --- its row --------------------------------------------------------------------------------- */

enum weft_err weft_pinned_encode(const struct weft_pinned *pinned, struct weft_buffer *out)
{
    struct weft_coder c = {.out = out};
    struct weft_pinned_texts texts = pinned->texts;
    uint64_t index = pinned->index;
    weft_code_u64(&c, &index);
    weft_code_slice(&c, &texts.org);
    weft_code_slice(&c, &texts.keys);
    weft_code_slice(&c, &texts.endpoints);
    weft_code_slice(&c, &texts.ca);
    weft_code_slice(&c, &texts.names);
    return c.err;
}

enum weft_err weft_pinned_decode(struct weft_text site, struct weft_bytes value,
    struct weft_pinned **ret_pinned, struct weft_msg *msg)
{
    struct weft_coder c = {.rest = value};
    struct weft_pinned_texts texts = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    uint64_t index = 0;
    weft_code_u64(&c, &index);
    weft_code_slice(&c, &texts.org);
    weft_code_slice(&c, &texts.keys);
    weft_code_slice(&c, &texts.endpoints);
    weft_code_slice(&c, &texts.ca);
    weft_code_slice(&c, &texts.names);
    if (weft_coder_end(&c) != WEFT_OK) {
        return weft_fail(msg, WEFT_ECORRUPT, "what is pinned of a partner is damaged");
    }
    enum weft_err err = weft_pinned_read(site, &texts, index, ret_pinned, msg);
    return err == WEFT_OK || err == WEFT_ENOMEM
               ? err
               : weft_wrap(msg, WEFT_ECORRUPT, "what is pinned of a partner");
}
