#include "node/state/envelopes.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/policy_file.h"
#include "proto/check.h"

/* One in force: its note, and what it says, which borrows from there. */
struct entry {
    struct weft_buffer note;
    struct weft_envelope_note envelope;
};

struct weft_envelopes {
    struct entry **list; /* Sorted by name. */
    uint32_t count;
    struct entry *checked; /* The last; NULL: none. */
};

static void destroy_entry(struct entry *entry)
{
    if (entry != NULL) {
        weft_buffer_destroy(&entry->note);
        free(entry);
    }
}

enum weft_err weft_envelopes_create(struct weft_envelopes **ret_envelopes)
{
    struct weft_envelopes *e = calloc(1, sizeof(*e));
    if (e != NULL) {
        e->list = calloc(WEFT_ENVELOPES_MAX, sizeof(struct entry *));
    }
    if (e == NULL || e->list == NULL) {
        free(e);
        return WEFT_ENOMEM;
    }
    *ret_envelopes = e;
    return WEFT_OK;
}

void weft_envelopes_destroy(struct weft_envelopes *e)
{
    if (e == NULL) {
        return;
    }
    for (uint32_t i = 0; i < e->count; i++) {
        destroy_entry(e->list[i]);
    }
    destroy_entry(e->checked);
    free(e->list);
    free(e);
}

/* A copy of the note, read. WEFT_ENOMEM; of the note and its text. */
static enum weft_err read_entry(
    struct weft_text note, struct entry **ret_entry, struct weft_msg *msg)
{
    struct weft_note parsed;
    struct entry *entry = calloc(1, sizeof(*entry));
    enum weft_err err = entry != NULL ? weft_buffer_text(&entry->note, note) : WEFT_ENOMEM;
    if (err != WEFT_OK) {
        destroy_entry(entry);
        (void)weft_fail(msg, WEFT_ENOMEM, "read an envelope");
        return WEFT_ENOMEM;
    }
    err = weft_note_parse(weft_buffer_as_text(&entry->note), &parsed, msg);
    if (err == WEFT_OK) {
        err = weft_envelope_note_decode(parsed.text, &entry->envelope, msg);
    }
    if (err != WEFT_OK) {
        destroy_entry(entry);
        return err;
    }
    *ret_entry = entry;
    return WEFT_OK;
}

/* The first that is not below the name. */
static uint32_t place_of(const struct weft_envelopes *e, struct weft_text name)
{
    uint32_t at = 0;
    while (at < e->count && weft_text_compare(e->list[at]->envelope.name, name) < 0) {
        at++;
    }
    return at;
}

static bool is_at(const struct weft_envelopes *e, uint32_t at, struct weft_text name)
{
    return at < e->count && weft_text_equal(e->list[at]->envelope.name, name);
}

/* Takes the entry. There is room. */
static void insert(struct weft_envelopes *e, struct entry *entry)
{
    uint32_t at = place_of(e, entry->envelope.name);
    if (is_at(e, at, entry->envelope.name)) {
        destroy_entry(e->list[at]);
        e->list[at] = entry;
        return;
    }
    weft_assert(e->count < WEFT_ENVELOPES_MAX); /* ACT-5 */
    memmove(&e->list[at + 1], &e->list[at], (e->count - at) * sizeof(struct entry *));
    e->list[at] = entry;
    e->count++;
}

enum weft_err weft_envelopes_load(
    struct weft_envelopes *e, struct weft_store *store, struct weft_msg *msg)
{
    const struct weft_key prefix = weft_key_single(WEFT_KEY_ENVELOPE);
    struct weft_store_walk *walk = weft_store_walk_create(store, NULL, false);
    enum weft_err err = walk != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "load envelopes");
    if (walk != NULL) {
        weft_store_walk_to(walk, &prefix);
    }
    while (err == WEFT_OK && weft_store_walk_is_below(walk, weft_key_bytes(&prefix))) {
        struct weft_bytes value = weft_store_walk_value(walk);
        struct entry *entry = NULL;
        err = read_entry((struct weft_text){(const char *)value.data, value.size}, &entry, msg);
        if (err == WEFT_OK && e->count == WEFT_ENVELOPES_MAX) {
            destroy_entry(entry);
            err = weft_fail(msg, WEFT_ECORRUPT, "more than %d envelopes", WEFT_ENVELOPES_MAX);
        } else if (err == WEFT_OK) {
            insert(e, entry);
        } else if (err != WEFT_ENOMEM) {
            err = weft_wrap(msg, WEFT_ECORRUPT, "an envelope in force");
        }
        weft_store_walk_next(walk);
    }
    if (err == WEFT_OK) {
        err = weft_store_walk_err(walk, msg);
    }
    weft_store_walk_destroy(walk);
    return err;
}

/* --- the rules ------------------------------------------------------------------------------- */

/* The admins that have signed, as subjects of a decision. */
static enum weft_err find_signers(const struct weft_authority *authority,
    const struct weft_note *note, uint64_t index, struct weft_policy_subject *subjects,
    uint32_t *ret_count, struct weft_msg *msg)
{
    const struct weft_org *org = weft_authority_org(authority);
    *ret_count = 0;
    for (uint32_t i = 0; i < org->admin_count; i++) {
        uint32_t count = 0;
        enum weft_err err = weft_keyring_count(weft_authority_keyring(authority), note,
            WEFT_DOCUMENT_ENVELOPE, &org->admins[i], 1, index, &count, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (count > 0) {
            weft_authority_subject(authority, &org->admins[i], &subjects[(*ret_count)++]);
        }
    }
    return WEFT_OK;
}

/* About what a decision is. */
struct asked {
    struct weft_text asset;  /* "envelope:NAME" */
    struct weft_text target; /* As the envelope says it. */
};

/* Of its own asset and of the machine's, or of what several are below: whom a label keeps away from
 * the machine does not say within what it moves. */
static uint32_t find_labels(const struct weft_authority *authority, struct weft_text asset,
    struct weft_text target, struct weft_text names[WEFT_LABELS_MAX])
{
    static const char tree[] = "/...";
    const struct weft_labels *labels = weft_authority_labels(authority);
    struct weft_text org;
    size_t tail = sizeof(tree) - 1;
    (void)weft_text_cut(&target, '/', &org);
    if (target.size > tail && memcmp(target.data + target.size - tail, tree, tail) == 0) {
        target.size -= tail;
    }
    return weft_labels_names(
        labels, weft_labels_of(labels, asset) | weft_labels_of(labels, target), names);
}

/* One of them asks, the others have approved. */
static bool is_permitted(const struct weft_authority *authority,
    const struct weft_authority_place *place, const struct asked *asked,
    const struct weft_policy_subject *subjects, uint32_t count)
{
    const struct weft_policy *policy = weft_authority_policy(authority);
    struct weft_policy_approval approvals[WEFT_ORG_ADMINS_MAX];
    struct weft_policy_decision decision;
    struct weft_text labels[WEFT_LABELS_MAX];
    struct weft_text site = place->site, org;
    (void)weft_text_cut(&site, '/', &org);
    struct weft_policy_request request = {.org = org,
        .site = site,
        .action = WEFT_ACTION_ADMIN_POLICY,
        .asset = {WEFT_FACT_GIVEN, asked->asset},
        .kind = {WEFT_FACT_GIVEN, WEFT_TEXT(WEFT_ENVELOPE_KIND)},
        .verb = {WEFT_FACT_NONE, {NULL, 0}},
        .tier_presence = WEFT_FACT_NONE,
        .labels_presence = WEFT_FACT_GIVEN,
        .labels = labels,
        .label_count = find_labels(authority, asked->asset, asked->target, labels),
        .time_ns = place->time_ns,
        .approvals = approvals};
    for (uint32_t i = 0; policy != NULL && i < count; i++) {
        request.subject = &subjects[i];
        request.approval_count = 0;
        for (uint32_t k = 0; k < count; k++) {
            if (k != i) {
                approvals[request.approval_count++] =
                    (struct weft_policy_approval){&subjects[k], place->time_ns};
            }
        }
        weft_policy_decide(policy, &request, &decision);
        if (decision.effect == WEFT_EFFECT_ALLOW) {
            return true;
        }
    }
    return false;
}

static enum weft_err check_signers(const struct weft_authority *authority,
    const struct weft_authority_place *place, const struct asked *asked,
    const struct weft_note *note, struct weft_msg *detail)
{
    struct weft_policy_subject subjects[WEFT_ORG_ADMINS_MAX];
    const struct weft_org *org = weft_authority_org(authority);
    enum weft_chain_fault fault;
    uint32_t count = 0;
    enum weft_err err = find_signers(authority, note, place->index, subjects, &count, detail);
    if (err == WEFT_OK && count < org->admin_threshold) {
        err = weft_chain_fail(WEFT_CHAIN_THRESHOLD, &fault, detail,
            "%u admins have signed, %u have to", count, org->admin_threshold);
    }
    if (err == WEFT_OK && !is_permitted(authority, place, asked, subjects, count)) {
        err = weft_fail(
            detail, WEFT_EREFUSED, "not-permitted: admin-policy is not for those who have signed");
    }
    return err;
}

static enum weft_err check(struct weft_envelopes *e, const struct weft_authority *authority,
    const struct weft_authority_place *place, struct weft_text asset, struct weft_msg *detail)
{
    const struct weft_envelope_note *next = &e->checked->envelope;
    struct weft_note note;
    enum weft_chain_fault fault;
    struct weft_text name = asset, org, own;
    uint32_t at = place_of(e, next->name);
    bool is_there = is_at(e, at, next->name);
    name.data += sizeof(WEFT_ENVELOPE_ASSET) - 1;
    name.size -= sizeof(WEFT_ENVELOPE_ASSET) - 1;
    if (!weft_text_equal(name, next->name)) {
        return weft_fail(
            detail, WEFT_EINVAL, "the envelope is %.*s", (int)next->name.size, next->name.data);
    }
    own = place->site;
    struct weft_text target = next->target, target_org;
    (void)weft_text_cut(&own, '/', &org);
    (void)weft_text_cut(&target, '/', &target_org);
    if (!weft_text_equal(org, target_org)) {
        return weft_fail(detail, WEFT_EPEER, "it is about a machine of another organization");
    }
    if (!is_there && e->count == WEFT_ENVELOPES_MAX) {
        return weft_fail(detail, WEFT_ETOOBIG, "more than %d envelopes", WEFT_ENVELOPES_MAX);
    }
    enum weft_err err = weft_chain_check(
        is_there ? &e->list[at]->envelope.link : NULL, &next->link, place->time_ns, &fault, detail);
    if (err == WEFT_OK) {
        err = weft_note_parse(weft_buffer_as_text(&e->checked->note), &note, detail);
    }
    const struct asked asked = {asset, next->target};
    return err == WEFT_OK ? check_signers(authority, place, &asked, &note, detail) : err;
}

enum weft_err weft_envelopes_check(struct weft_envelopes *e, const struct weft_authority *authority,
    const struct weft_authority_place *place, struct weft_text asset, struct weft_text note,
    struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    destroy_entry(e->checked);
    e->checked = NULL;
    enum weft_err err = WEFT_EINVAL;
    if (weft_text_starts(asset, WEFT_ENVELOPE_ASSET)) {
        err = read_entry(note, &e->checked, &ret_refusal->detail);
    } else {
        (void)weft_fail(&ret_refusal->detail, err, "a record of kind %s stands on %sNAME",
            WEFT_ENVELOPE_KIND, WEFT_ENVELOPE_ASSET);
    }
    if (err == WEFT_OK) {
        err = check(e, authority, place, asset, &ret_refusal->detail);
    }
    if (err == WEFT_ENOMEM) {
        return weft_fail(msg, err, "check an envelope");
    }
    ret_refusal->err = err;
    return WEFT_OK;
}

static void put_entry(struct weft_store_batch *batch, const struct entry *entry)
{
    struct weft_key key = weft_key_envelope(entry->envelope.name);
    weft_store_batch_put(batch, &key, entry->note.data, entry->note.size);
}

struct weft_digest weft_envelopes_accept(struct weft_envelopes *e, struct weft_store_batch *batch)
{
    struct entry *entry = e->checked;
    weft_assert(entry != NULL); /* ACT-5 */
    if (batch != NULL) {
        put_entry(batch, entry);
    }
    e->checked = NULL;
    insert(e, entry);
    return entry->envelope.link.digest;
}

void weft_envelopes_put(const struct weft_envelopes *e, struct weft_store_batch *batch)
{
    for (uint32_t i = 0; i < e->count; i++) {
        put_entry(batch, e->list[i]);
    }
}

uint32_t weft_envelopes_about(const struct weft_envelopes *e, struct weft_text target,
    struct weft_text verb, const struct weft_envelope_note **ret_list, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < e->count; i++) {
        if (weft_envelope_note_is_about(&e->list[i]->envelope, target, verb)) {
            if (count < max) {
                ret_list[count] = &e->list[i]->envelope;
            }
            count++;
        }
    }
    return count;
}
