#include "node/state/reveal.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/pack.h"
#include "proto/arith.h"
#include "proto/check.h"
#include "proto/digest.h"
#include "proto/statement.h"

enum {
    DECISIONS_MAX = 64, /* Different ones that are kept, 1 KiB each; chosen. */
    SLOTS = 512,        /* Kinds and assets whose decision is remembered; 160 KiB; chosen. */
    SLOT_TEXT_SIZE = WEFT_KIND_SIZE_MAX + WEFT_ASSET_SIZE_MAX,
    NUMBERED_PATH_SIZE = sizeof(WEFT_REVEAL_HIDDEN ".4294967295"),
};

_Static_assert((SLOTS & (SLOTS - 1)) == 0, "slots are found by a mask");
_Static_assert(WEFT_KIND_SIZE_MAX <= UINT8_MAX && WEFT_ASSET_SIZE_MAX <= UINT8_MAX, "sizes fit");

/* What was decided of a kind and an asset; one of them empty: of all such, perhaps with doubt. */
struct slot {
    bool is_taken;
    uint8_t kind_size;
    uint8_t asset_size;
    uint8_t decision;
    char text[SLOT_TEXT_SIZE];
};

struct weft_reveal {
    struct weft_authority *authority;
    const struct weft_policy *policy; /* NULL: nothing is permitted, or all is. */
    struct weft_text site;
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    size_t uri_size;
    struct weft_principal principal;
    struct weft_policy_subject subject;
    struct weft_policy_request request;
    bool shows_all;
    bool is_somebody;
    struct weft_policy_decision everything; /* Holds for all unless it has doubt. */
    struct weft_policy_decision other;      /* One that there was no room to keep. */
    struct weft_policy_decision *decisions[DECISIONS_MAX];
    uint32_t decision_count;
    /* Who was decided of last, and how: a record is asked for several times in a row. */
    const struct slot *last; /* NULL: nobody. */
    struct slot *slots;      /* NULL: none was needed yet, or there was no memory. */
    uint64_t seed_index;
    uint8_t seed[WEFT_SALT_SEED_SIZE]; /* Of seed_index; 0: none. Leaves in no answer. */
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
    r->request.asset = asset;
    weft_policy_decide(r->policy, &r->request, ret_decision);
}

enum weft_err weft_reveal_create(
    const struct weft_asker *asker, struct weft_reveal **ret_reveal, struct weft_msg *msg)
{
    struct weft_reveal *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "who may see what");
    }
    struct weft_text site = asker->site;
    const char *slash = memchr(site.data, '/', site.size);
    weft_assert(slash != NULL); /* NOD-170: "<org>/<site>" */
    size_t org_size = (size_t)(slash - site.data);
    r->authority = weft_authority_retain(asker->authority);
    r->site = site;
    r->uri_size = asker->principal.size < sizeof(r->uri) ? asker->principal.size : 0;
    if (r->uri_size > 0) {
        memcpy(r->uri, asker->principal.data, r->uri_size);
    }
    r->is_somebody = weft_principal_parse_uri(
                         (struct weft_text){r->uri, r->uri_size}, &r->principal, NULL) == WEFT_OK;
    r->policy = weft_authority_policy(r->authority);
    r->request = (struct weft_policy_request){.subject = &r->subject,
        .org = {site.data, org_size},
        .site = {slash + 1, site.size - org_size - 1},
        .action = asker->action,
        .verb = {WEFT_FACT_NONE, {NULL, 0}},
        .tier_presence = WEFT_FACT_NONE,
        .labels_presence = WEFT_FACT_NONE,
        .time_ns = asker->time_ns};
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
    explicit_bzero(reveal->seed, sizeof(reveal->seed));
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

static struct slot *slot_of(struct weft_reveal *r, struct weft_text kind, struct weft_text asset)
{
    const struct weft_text texts[2] = {kind, asset};
    uint64_t hash = UINT64_C(0xcbf29ce484222325) + kind.size; /* FNV-1a */
    for (int t = 0; t < 2; t++) {
        for (size_t i = 0; i < texts[t].size; i++) {
            hash = (hash ^ (uint8_t)texts[t].data[i]) * UINT64_C(0x100000001b3);
        }
    }
    return &r->slots[(hash ^ hash >> 32) & (SLOTS - 1)];
}

static bool is_of(const struct slot *s, struct weft_text kind, struct weft_text asset)
{
    return s->is_taken && s->kind_size == kind.size && s->asset_size == asset.size &&
           (kind.size == 0 || memcmp(s->text, kind.data, kind.size) == 0) &&
           (asset.size == 0 || memcmp(s->text + kind.size, asset.data, asset.size) == 0);
}

/* In what is asked of a decision here. */
static bool is_alike(const struct weft_policy_decision *a, const struct weft_policy_decision *b)
{
    return a->effect == b->effect && a->has_all == b->has_all && a->has_hide == b->has_hide &&
           a->has_doubt == b->has_doubt &&
           memcmp(a->applied.words, b->applied.words, sizeof(a->applied.words)) == 0;
}

/* The place of a decision that is alike, kept if there is none; DECISIONS_MAX: there is no room. */
static uint32_t keep(struct weft_reveal *r, const struct weft_policy_decision *d)
{
    for (uint32_t i = 0; i < r->decision_count; i++) {
        if (is_alike(r->decisions[i], d)) {
            return i;
        }
    }
    if (r->decision_count == DECISIONS_MAX) {
        return DECISIONS_MAX;
    }
    struct weft_policy_decision *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return DECISIONS_MAX;
    }
    *copy = *d;
    r->decisions[r->decision_count] = copy;
    return r->decision_count++;
}

/* One of them empty: whichever. */
static const struct weft_policy_decision *find(
    struct weft_reveal *r, struct weft_text kind, struct weft_text asset)
{
    bool may_keep = kind.size <= WEFT_KIND_SIZE_MAX && asset.size <= WEFT_ASSET_SIZE_MAX;
    if (r->slots == NULL) {
        r->slots = calloc(SLOTS, sizeof(*r->slots));
        may_keep = may_keep && r->slots != NULL;
    }
    struct slot *s = may_keep ? slot_of(r, kind, asset) : NULL;
    r->last = s;
    if (s != NULL && is_of(s, kind, asset)) {
        return r->decisions[s->decision];
    }
    decide(r, kind.size > 0 ? given(kind) : unknown, asset.size > 0 ? given(asset) : unknown,
        &r->other);
    uint32_t place = s != NULL ? keep(r, &r->other) : DECISIONS_MAX;
    if (place == DECISIONS_MAX) {
        r->last = NULL;
        return &r->other;
    }
    s->is_taken = true;
    s->kind_size = (uint8_t)kind.size;
    s->asset_size = (uint8_t)asset.size;
    s->decision = (uint8_t)place;
    if (kind.size > 0) {
        memcpy(s->text, kind.data, kind.size);
    }
    if (asset.size > 0) {
        memcpy(s->text + kind.size, asset.data, asset.size);
    }
    return r->decisions[place];
}

const struct weft_policy_decision *weft_reveal_decide(
    struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset)
{
    struct weft_reveal *r = reveal;
    if (!r->everything.has_doubt) {
        return &r->everything;
    }
    if (r->last != NULL && is_of(r->last, kind, asset)) {
        return r->decisions[r->last->decision];
    }
    const struct weft_policy_decision *d = find(r, kind, (struct weft_text){NULL, 0});
    return d->has_doubt ? find(r, kind, asset) : d;
}

const struct weft_policy_decision *weft_reveal_of_asset(
    struct weft_reveal *reveal, struct weft_text asset)
{
    const struct weft_policy_decision *d = &reveal->everything;
    d = d->has_doubt ? find(reveal, (struct weft_text){NULL, 0}, asset) : d;
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
static struct weft_text link_path(
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
    return link_path(text, rel, (struct weft_text){NULL, 0});
}

bool weft_reveal_shows_link(
    struct weft_reveal *reveal, struct weft_text kind, struct weft_text asset, struct weft_text rel)
{
    char path[WEFT_REVEAL_LINK_PATH_SIZE];
    return weft_reveal_shows(
        reveal, kind, asset, link_path(path, rel, (struct weft_text){NULL, 0}));
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

/* --- records --------------------------------------------------------------------------------- */

/* A record, what is decided of it, and where what replaces its parts is kept. */
struct rewriting {
    struct weft_reveal *reveal;
    const struct weft_policy_decision *decision;
    struct weft_arena *arena;
    struct weft_record *record;
    const struct weft_digest *leaves; /* NULL: what is hidden is left out. */
    size_t more;
    bool has_memory;
};

static bool shows(const struct rewriting *w, struct weft_text path)
{
    return weft_policy_shows(w->reveal->policy, w->decision, path);
}

/* "@hidden:sha256..." or, of a field of its own, the digest alone. */
static struct weft_text commitment(struct rewriting *w, uint32_t leaf, bool is_marked)
{
    static const char mark[] = WEFT_REVEAL_HIDDEN ":";
    size_t mark_size = is_marked ? sizeof(mark) - 1 : 0;
    char *text = weft_arena_alloc(w->arena, mark_size + WEFT_DIGEST_TEXT_SIZE);
    if (text == NULL) {
        w->has_memory = false;
        return (struct weft_text){NULL, 0};
    }
    memcpy(text, mark, mark_size);
    weft_digest_format(&w->leaves[leaf], text + mark_size);
    w->more += mark_size + WEFT_DIGEST_TEXT_SIZE;
    return weft_text_of(text);
}

/* "cost" becomes "cost/@hidden", so that no value can be taken for a commitment. Of a path that
 * would be too long for an answer the number of the field is told instead. */
static struct weft_text hidden_path(struct rewriting *w, struct weft_text path, uint32_t field)
{
    static const char tail[] = "/" WEFT_REVEAL_HIDDEN;
    bool fits = path.size + sizeof(tail) - 1 <= WEFT_PATH_SIZE_MAX;
    size_t size = fits ? path.size + sizeof(tail) : NUMBERED_PATH_SIZE;
    char *text = weft_arena_alloc(w->arena, size);
    if (text == NULL) {
        w->has_memory = false;
        return path;
    }
    if (fits) {
        memcpy(text, path.data, path.size);
        memcpy(text + path.size, tail, sizeof(tail));
    } else {
        (void)snprintf(text, size, WEFT_REVEAL_HIDDEN ".%u", field);
    }
    w->more += sizeof(tail);
    return weft_text_of(text);
}

static void rewrite_fields(struct rewriting *w)
{
    struct weft_record *r = w->record;
    struct weft_field *fields = weft_arena_array(w->arena, r->field_count, sizeof(*fields));
    uint32_t count = 0;
    if (fields == NULL) {
        w->has_memory = false;
        return;
    }
    for (uint32_t i = 0; i < r->field_count; i++) {
        struct weft_field field = r->fields[i];
        bool is_shown = shows(w, field.path);
        if (!is_shown && w->leaves == NULL) {
            continue;
        }
        if (!is_shown) {
            field.value = commitment(w, i, false);
            field.type = WEFT_VALUE_TEXT;
            field.path = hidden_path(w, field.path, i);
        }
        fields[count++] = field;
    }
    r->fields = fields;
    r->field_count = count;
}

/* Fields of a link that is shown. Its leaf is of the whole link: it stands for those left out. */
static void rewrite_link(struct rewriting *w, struct weft_link *link, uint32_t leaf)
{
    char path[WEFT_REVEAL_LINK_PATH_SIZE];
    uint32_t count = 0;
    struct weft_field *fields =
        weft_arena_array(w->arena, (size_t)link->field_count + 1, sizeof(*fields));
    if (fields == NULL) {
        w->has_memory = false;
        return;
    }
    for (uint32_t i = 0; i < link->field_count; i++) {
        if (shows(w, link_path(path, link->rel, link->fields[i].path))) {
            fields[count++] = link->fields[i];
        }
    }
    if (count < link->field_count && w->leaves != NULL) {
        fields[count++] = (struct weft_field){.path = WEFT_TEXT(WEFT_REVEAL_HIDDEN),
            .value = commitment(w, leaf, false),
            .type = WEFT_VALUE_TEXT};
    }
    link->fields = fields;
    link->field_count = count;
}

static void rewrite_links(struct rewriting *w)
{
    struct weft_record *r = w->record;
    struct weft_link *links = weft_arena_array(w->arena, r->link_count, sizeof(*links));
    uint32_t first_leaf = r->field_count + WEFT_LEAVES_RESERVED, count = 0;
    char path[WEFT_REVEAL_LINK_PATH_SIZE];
    if (links == NULL) {
        w->has_memory = false;
        return;
    }
    for (uint32_t i = 0; i < r->link_count; i++) {
        struct weft_link link = r->links[i];
        bool is_shown = shows(w, link_path(path, link.rel, (struct weft_text){NULL, 0}));
        if (!is_shown && w->leaves == NULL) {
            continue;
        }
        if (is_shown) {
            rewrite_link(w, &link, first_leaf + i);
        } else {
            link.to = commitment(w, first_leaf + i, true);
            link.fields = NULL;
            link.field_count = 0;
        }
        links[count++] = link;
    }
    r->links = links;
    r->link_count = count;
}

enum weft_err weft_reveal_link(struct weft_reveal *reveal, struct weft_text kind,
    struct weft_text asset, struct weft_arena *arena, struct weft_link *link)
{
    if (weft_reveal_shows_record(reveal, kind, asset) ||
        weft_node_mutant(WEFT_NODE_MUTANT_QUANTITY_UNFILTERED)) {
        return WEFT_OK;
    }
    struct rewriting w = {.reveal = reveal,
        .decision = weft_reveal_decide(reveal, kind, asset),
        .arena = arena,
        .has_memory = true};
    rewrite_link(&w, link, 0);
    return w.has_memory ? WEFT_OK : WEFT_ENOMEM;
}

/* Links first: numbers of leaves count the record's fields. */
static enum weft_err rewrite(struct rewriting *w, int64_t commit_ns, struct weft_msg *msg)
{
    struct weft_record *r = w->record;
    const uint32_t reserved = r->field_count;
    const struct weft_text none = {NULL, 0};
    w->has_memory = true;
    rewrite_links(w);
    if (r->author.size > 0 && !shows(w, WEFT_TEXT("@author"))) {
        r->author = w->leaves != NULL ? commitment(w, reserved + 1, true) : none;
    }
    if (r->source.size > 0 && !shows(w, WEFT_TEXT("@source"))) {
        r->source = w->leaves != NULL ? commitment(w, reserved + 2, true) : none;
    }
    if (!shows(w, WEFT_TEXT("@at"))) {
        r->at_ns = commit_ns; /* Which is told anyway. */
        r->has_at = w->leaves == NULL;
    }
    rewrite_fields(w);
    return w->has_memory ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "hide fields of a record");
}

/* The salts of an index follow from the seed in its first pack. */
static enum weft_err read_seed(struct weft_reveal *r, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint64_t index, struct weft_msg *msg)
{
    if (r->seed_index == index && index != 0) {
        return WEFT_OK;
    }
    struct weft_store_value value = {.handle = NULL};
    struct weft_pack pack = {.seed = NULL};
    struct weft_key key = weft_key_records(index, 0);
    enum weft_err rv = weft_store_get(store, snapshot, &key, &value, msg);
    bool is_whole = rv == WEFT_OK && weft_pack_open(value.bytes, &pack) == WEFT_OK;
    if (is_whole && pack.seed != NULL) {
        memcpy(r->seed, pack.seed, sizeof(r->seed));
        r->seed_index = index;
    } else if (rv == WEFT_OK || rv == WEFT_ENOTFOUND) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "the first pack of records of index %llu is damaged",
            (unsigned long long)index);
    }
    weft_store_release(&value);
    return rv;
}

enum weft_err weft_reveal_place_key(struct weft_reveal *reveal, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, uint64_t index, const uint64_t numbers[3],
    struct weft_digest *ret_key, struct weft_msg *msg)
{
    static const char label[] = "weft-place-key/v1\n";
    struct weft_sha256 hash;
    enum weft_err rv = read_seed(reveal, store, snapshot, index, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, label, sizeof(label) - 1);
    weft_sha256_update(&hash, reveal->seed, sizeof(reveal->seed));
    for (int i = 0; i < 3; i++) {
        uint8_t number[8];
        weft_put_be64(number, numbers[i]);
        weft_sha256_update(&hash, number, sizeof(number));
    }
    *ret_key = weft_sha256_final(&hash);
    return WEFT_OK;
}

enum weft_err weft_reveal_record(struct weft_reveal *reveal, struct weft_store *store,
    const struct weft_store_snapshot *snapshot, struct weft_stored_record *stored,
    struct weft_arena *arena, size_t *ret_more, struct weft_msg *msg)
{
    struct weft_record *record = &stored->record;
    *ret_more = 0;
    if (weft_reveal_shows_all(reveal)) {
        return WEFT_OK;
    }
    const struct weft_policy_decision *d = weft_reveal_decide(reveal, record->kind, record->asset);
    if (d->effect != WEFT_EFFECT_ALLOW) {
        return weft_reveal_refuse(reveal, record->asset, stored->index, msg);
    }
    if (weft_policy_shows_all(d)) {
        return WEFT_OK;
    }
    size_t count = (size_t)record->field_count + WEFT_LEAVES_RESERVED + record->link_count;
    struct weft_digest *leaves = weft_arena_array(arena, count, sizeof(*leaves));
    enum weft_err rv = leaves != NULL ? read_seed(reveal, store, snapshot, stored->index, msg)
                                      : weft_fail(msg, WEFT_ENOMEM, "hide fields of a record");
    if (rv == WEFT_OK &&
        weft_statement_leaves(record, reveal->seed, stored->ordinal, arena, leaves) != WEFT_OK) {
        rv = weft_fail(msg, WEFT_ENOMEM, "hide fields of a record");
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    struct rewriting w = {
        .reveal = reveal, .decision = d, .arena = arena, .record = record, .leaves = leaves};
    rv = rewrite(&w, stored->time_ns, msg);
    *ret_more = w.more;
    return rv;
}

enum weft_err weft_reveal_strip(struct weft_reveal *reveal, struct weft_record *record,
    int64_t commit_ns, struct weft_arena *arena, bool *ret_is_permitted, struct weft_msg *msg)
{
    *ret_is_permitted = true;
    if (weft_reveal_shows_all(reveal)) {
        return WEFT_OK;
    }
    const struct weft_policy_decision *d = weft_reveal_decide(reveal, record->kind, record->asset);
    if (d->effect != WEFT_EFFECT_ALLOW) {
        *ret_is_permitted = false;
        *record = (struct weft_record){.has_at = true, .at_ns = commit_ns};
        return WEFT_OK;
    }
    if (weft_policy_shows_all(d)) {
        return WEFT_OK;
    }
    struct rewriting w = {.reveal = reveal, .decision = d, .arena = arena, .record = record};
    return rewrite(&w, commit_ns, msg);
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
