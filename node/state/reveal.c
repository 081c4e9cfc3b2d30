#include "node/state/reveal_parts.h"

#include <stdlib.h>

#include "proto/arith.h"
#include "proto/digest.h"

enum {
    SLOTS = 512, /* Kinds and assets whose decision is remembered; 170 KiB; chosen. */
    SLOT_TEXT_SIZE = WEFT_KIND_SIZE_MAX + WEFT_ASSET_SIZE_MAX,
};

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are found by a mask");
_Static_assert(WEFT_KIND_SIZE_MAX <= UINT8_MAX && WEFT_ASSET_SIZE_MAX <= UINT8_MAX, "sizes fit");

/* What was decided of a kind and a class of assets (POL-69); one of them empty: of all such,
 * perhaps with doubt. */
struct weft_reveal_slot {
    bool is_taken;
    bool has_asset;
    uint8_t kind_size;
    uint8_t asset_size;
    uint8_t decision;
    uint64_t labels;
    char text[SLOT_TEXT_SIZE];
};

/* --- who asks -------------------------------------------------------------------------------- */

static const struct weft_policy_fact unknown = {WEFT_FACT_UNKNOWN, {NULL, 0}};

/* Nodes of the site hold all of it anyway. */
static bool is_own_node(const struct weft_reveal *r)
{
    return r->is_somebody && r->principal.class == WEFT_PRINCIPAL_NODE &&
           weft_text_is(r->request.org, r->principal.org) &&
           weft_text_is(r->request.site, r->principal.site);
}

static void decide(struct weft_reveal *r, struct weft_policy_fact kind,
    struct weft_policy_fact asset, struct weft_policy_decision *ret_decision)
{
    if (r->policy == NULL || !r->is_somebody) {
        *ret_decision = (struct weft_policy_decision){.effect = WEFT_EFFECT_DENY,
            .reason = WEFT_REASON_NO_PERMIT,
            .statement = WEFT_POLICY_NO_STATEMENT};
        return;
    }
    r->request.kind = kind;
    if (asset.presence == WEFT_FACT_GIVEN) {
        weft_authority_ask_of(r->authority, asset.text, r->labels, &r->request);
    } else {
        weft_authority_ask_of_any(r->authority, &r->request);
    }
    weft_policy_decide(r->policy, &r->request, ret_decision);
}

enum weft_err weft_reveal_create(
    const struct weft_asker *asker, struct weft_reveal **ret_reveal, struct weft_msg *msg)
{
    struct weft_reveal *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "who may see what");
    }
    r->authority = weft_authority_retain(asker->authority);
    r->site = asker->site;
    r->uri_size = asker->principal.size < sizeof(r->uri) ? asker->principal.size : 0;
    if (r->uri_size > 0) {
        memcpy(r->uri, asker->principal.data, r->uri_size);
    }
    r->is_somebody = weft_principal_parse_uri(
                         (struct weft_text){r->uri, r->uri_size}, &r->principal, NULL) == WEFT_OK;
    r->policy = weft_authority_policy(r->authority);
    r->request = weft_policy_request_at(asker->site, asker->action, asker->time_ns);
    r->request.subject = &r->subject;
    if (weft_authority_org(r->authority) == NULL || is_own_node(r)) {
        r->shows_all = true;
        *ret_reveal = r;
        return WEFT_OK;
    }
    if (r->is_somebody) {
        weft_authority_subject(r->authority, &r->principal, &r->subject);
    }
    decide(r, unknown, unknown, &r->everything);
    r->shows_all = !r->everything.has_doubt && weft_policy_shows_all(&r->everything);
    *ret_reveal = r;
    return WEFT_OK;
}

void weft_reveal_destroy(struct weft_reveal *reveal)
{
    if (reveal == NULL) {
        return;
    }
    for (uint32_t i = 0; i < reveal->decision_count; i++) {
        free(reveal->decisions[i]);
    }
    free(reveal->slots);
    weft_authority_release(reveal->authority);
    explicit_bzero(&reveal->salts, sizeof(reveal->salts));
    free(reveal);
}

bool weft_reveal_is_for(const struct weft_reveal *reveal, const struct weft_asker *asker)
{
    return reveal->request.action == asker->action && reveal->authority == asker->authority &&
           weft_text_equal((struct weft_text){reveal->uri, reveal->uri_size}, asker->principal);
}

bool weft_reveal_shows_all(const struct weft_reveal *reveal)
{
    return reveal == NULL || reveal->shows_all;
}

bool weft_reveal_is_of_all(const struct weft_reveal *reveal)
{
    return weft_reveal_shows_all(reveal) || !reveal->everything.has_doubt;
}

/* --- what was decided ------------------------------------------------------------------------ */

static struct weft_policy_fact given(struct weft_text text)
{
    return (struct weft_policy_fact){WEFT_FACT_GIVEN, text};
}

/* Of whom is asked: assets of one class with the same labels are one. */
struct key {
    struct weft_text kind;
    struct weft_text class;
    bool has_asset;
    uint64_t labels;
};

static struct key key_of(const struct weft_reveal *r, struct weft_text kind, struct weft_text asset)
{
    struct key key = {.kind = kind, .has_asset = asset.size > 0};
    if (key.has_asset) {
        key.class = r->policy != NULL ? weft_policy_asset_class(r->policy, asset) : asset;
        key.labels = weft_labels_of(weft_authority_labels(r->authority), asset);
    }
    return key;
}

static struct weft_reveal_slot *slot_of(struct weft_reveal *r, const struct key *key)
{
    const struct weft_text texts[2] = {key->kind, key->class};
    uint64_t hash = UINT64_C(0xcbf29ce484222325) + key->kind.size; /* FNV-1a */
    hash = (hash ^ key->labels ^ key->has_asset) * UINT64_C(0x100000001b3);
    for (int t = 0; t < 2; t++) {
        for (size_t i = 0; i < texts[t].size; i++) {
            hash = (hash ^ (uint8_t)texts[t].data[i]) * UINT64_C(0x100000001b3);
        }
    }
    return &r->slots[(hash ^ hash >> 32) & (SLOTS - 1)];
}

static bool is_of(const struct weft_reveal_slot *s, const struct key *key)
{
    struct weft_text kind = key->kind, class = key->class;
    return s->is_taken && s->kind_size == kind.size && s->asset_size == class.size &&
           s->has_asset == key->has_asset && s->labels == key->labels &&
           (kind.size == 0 || memcmp(s->text, kind.data, kind.size) == 0) &&
           (class.size == 0 || memcmp(s->text + kind.size, class.data, class.size) == 0);
}

/* In what is asked of a decision here. */
static bool is_alike(const struct weft_policy_decision *a, const struct weft_policy_decision *b)
{
    return a->effect == b->effect && a->has_all == b->has_all && a->has_hide == b->has_hide &&
           a->has_doubt == b->has_doubt &&
           memcmp(a->applied.words, b->applied.words, sizeof(a->applied.words)) == 0;
}

/* The place of a decision that is alike, kept if there is none; WEFT_REVEAL_DECISIONS_MAX: there is
 * no room. */
static uint32_t keep(struct weft_reveal *r, const struct weft_policy_decision *d)
{
    for (uint32_t i = 0; i < r->decision_count; i++) {
        if (is_alike(r->decisions[i], d)) {
            return i;
        }
    }
    if (r->decision_count == WEFT_REVEAL_DECISIONS_MAX) {
        return WEFT_REVEAL_DECISIONS_MAX;
    }
    struct weft_policy_decision *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return WEFT_REVEAL_DECISIONS_MAX;
    }
    *copy = *d;
    r->decisions[r->decision_count] = copy;
    return r->decision_count++;
}

/* One of them empty: whichever. */
static const struct weft_policy_decision *find(
    struct weft_reveal *r, const struct key *key, struct weft_text asset)
{
    struct weft_text kind = key->kind, class = key->class;
    bool may_keep = kind.size <= WEFT_KIND_SIZE_MAX && class.size <= WEFT_ASSET_SIZE_MAX;
    if (r->slots == NULL) {
        r->slots = calloc(SLOTS, sizeof(*r->slots));
        may_keep = may_keep && r->slots != NULL;
    }
    struct weft_reveal_slot *s = may_keep ? slot_of(r, key) : NULL;
    r->last = s;
    if (s != NULL && is_of(s, key)) {
        return r->decisions[s->decision];
    }
    decide(r, kind.size > 0 ? given(kind) : unknown, asset.size > 0 ? given(asset) : unknown,
        &r->other);
    uint32_t place = s != NULL ? keep(r, &r->other) : WEFT_REVEAL_DECISIONS_MAX;
    if (place == WEFT_REVEAL_DECISIONS_MAX) {
        r->last = NULL;
        return &r->other;
    }
    *s = (struct weft_reveal_slot){.is_taken = true,
        .has_asset = key->has_asset,
        .kind_size = (uint8_t)kind.size,
        .asset_size = (uint8_t) class.size,
        .decision = (uint8_t)place,
        .labels = key->labels};
    if (kind.size > 0) {
        memcpy(s->text, kind.data, kind.size);
    }
    if (class.size > 0) {
        memcpy(s->text + kind.size, class.data, class.size);
    }
    return r->decisions[place];
}

const struct weft_policy_decision *weft_reveal_decide(
    struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset)
{
    struct weft_reveal *r = reveal;
    const struct weft_text any = {NULL, 0};
    if (!r->everything.has_doubt) {
        return &r->everything;
    }
    struct key key = key_of(r, kind, asset);
    if (r->last != NULL && is_of(r->last, &key)) {
        return r->decisions[r->last->decision];
    }
    const struct key of_kind = {.kind = kind};
    const struct weft_policy_decision *d = find(r, &of_kind, any);
    return d->has_doubt ? find(r, &key, asset) : d;
}

const struct weft_policy_decision *weft_reveal_of_asset(
    struct weft_reveal *reveal, struct weft_text asset)
{
    const struct weft_policy_decision *d = &reveal->everything;
    if (d->has_doubt) {
        struct key key = key_of(reveal, (struct weft_text){NULL, 0}, asset);
        d = find(reveal, &key, asset);
    }
    return d->has_doubt ? NULL : d;
}

bool weft_reveal_is_permitted(
    struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset)
{
    return weft_reveal_shows_all(reveal) ||
           weft_reveal_decide(reveal, kind, asset)->effect == WEFT_EFFECT_ALLOW;
}

bool weft_reveal_shows(struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset,
    struct weft_text path)
{
    if (weft_reveal_shows_all(reveal)) {
        return true;
    }
    return weft_reveal_tells(reveal, weft_reveal_decide(reveal, kind, asset), path);
}

bool weft_reveal_tells(const struct weft_reveal *reveal,
    const struct weft_policy_decision *decision, struct weft_text path)
{
    return reveal->policy != NULL && weft_policy_shows(reveal->policy, decision, path);
}

/* "@link/REL", or "@link/REL/PATH". */
struct weft_text weft_reveal_path(
    char text[WEFT_REVEAL_LINK_PATH_SIZE], struct weft_text rel, struct weft_text path)
{
    size_t size = sizeof("@link/") - 1;
    memcpy(text, "@link/", size);
    size_t rel_size = rel.size <= WEFT_KIND_SIZE_MAX ? rel.size : WEFT_KIND_SIZE_MAX;
    if (rel_size > 0) {
        memcpy(text + size, rel.data, rel_size);
    }
    size += rel_size;
    if (path.size > 0 && path.size <= WEFT_PATH_SIZE_MAX) {
        text[size++] = '/';
        memcpy(text + size, path.data, path.size);
        size += path.size;
    }
    return (struct weft_text){text, size};
}

struct weft_text weft_reveal_link_path(char text[WEFT_REVEAL_LINK_PATH_SIZE], struct weft_text rel)
{
    return weft_reveal_path(text, rel, (struct weft_text){NULL, 0});
}

bool weft_reveal_shows_link(
    struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset, struct weft_text rel)
{
    char path[WEFT_REVEAL_LINK_PATH_SIZE];
    return weft_reveal_shows(
        reveal, kind, asset, weft_reveal_path(path, rel, (struct weft_text){NULL, 0}));
}

bool weft_reveal_shows_record(
    struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset)
{
    return weft_reveal_shows_all(reveal) ||
           weft_policy_shows_all(weft_reveal_decide(reveal, kind, asset));
}

bool weft_reveal_knows(struct weft_reveal *reveal, struct weft_text asset)
{
    if (weft_reveal_shows_all(reveal)) {
        return true;
    }
    const struct weft_policy_decision *d = weft_reveal_of_asset(reveal, asset);
    return d != NULL && d->effect == WEFT_EFFECT_ALLOW;
}

/* --- refusals -------------------------------------------------------------------------------- */

enum weft_err weft_reveal_refuse(
    const struct weft_reveal *reveal, struct weft_text asset, uint64_t index, struct weft_msg *msg)
{
    static const char label[] = "weft-read-denial/v1\n";
    const struct weft_text texts[] = {reveal->site, {reveal->uri, reveal->uri_size}, asset};
    struct weft_sha256 hash;
    uint8_t number[8];
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, label, sizeof(label) - 1);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        weft_put_be64(number, texts[i].size);
        weft_sha256_update(&hash, number, sizeof(number));
        weft_sha256_update(&hash, texts[i].data, texts[i].size);
    }
    weft_put_be64(number, index);
    weft_sha256_update(&hash, number, sizeof(number));
    struct weft_digest digest = weft_sha256_final(&hash);
    return weft_fail(msg, WEFT_EREFUSED, "not permitted (correlation %016llx)",
        (unsigned long long)weft_get_be64(digest.bytes));
}
