/* How a record of kind `authority` or `access_label` changes what governs: node/state/README.md,
 * "Authority", "Labels". */
#include <stdio.h>
#include <stdlib.h>

#include "node/state/authority_parts.h"
#include "policy/policy_trial.h"
#include "proto/check.h"
#include "proto/limits.h"

enum {
    /* The document, and its facts once more by principal. */
    ORG_MEMORY_MAX = 2 * WEFT_ORG_MEMORY_MAX,
};

static const char asset_prefix[] = "authority:";
static const char note_path[] = "note";

/* One record, looked at. */
struct step {
    const struct weft_authority *before;
    const struct weft_authority_place *place;
    struct weft_authority *next;
    struct weft_text name; /* Of the asset, behind its prefix. */
    struct weft_note note;
    enum weft_chain_fault fault;
    struct weft_msg *detail;
};

/* The admins that have signed, as subjects of a decision. */
struct signers {
    struct weft_policy_subject subjects[WEFT_ORG_ADMINS_MAX];
    uint32_t count;
};

/* --- who signed, and may they ---------------------------------------------------------------- */

static enum weft_err find_signers(
    struct step *s, enum weft_document_kind kind, struct signers *ret_signers)
{
    const struct weft_org *org = weft_authority_org(s->before);
    ret_signers->count = 0;
    for (uint32_t i = 0; i < org->admin_count; i++) {
        uint32_t count;
        enum weft_err err = weft_keyring_count(weft_authority_keyring(s->before), &s->note, kind,
            &org->admins[i], 1, s->place->index, &count, s->detail);
        if (err != WEFT_OK) {
            return err;
        }
        if (count > 0) {
            weft_authority_subject(
                s->before, &org->admins[i], &ret_signers->subjects[ret_signers->count++]);
        }
    }
    return WEFT_OK;
}

static struct weft_text site_of(struct weft_text place)
{
    const char *slash = memchr(place.data, '/', place.size);
    weft_assert(slash != NULL); /* NOD-144: "<org>/<site>" */
    return (struct weft_text){slash + 1, (size_t)(place.data + place.size - slash) - 1};
}

static struct weft_text org_of(struct weft_text place)
{
    return (struct weft_text){place.data, place.size - site_of(place).size - 1};
}

/* Under the policy in force: one of those who signed asks, the others have approved. */
static enum weft_err check_permitted(struct step *s, const struct signers *signers,
    enum weft_policy_action action, const char *asset, const char *kind)
{
    const struct weft_policy *policy = weft_authority_policy(s->before);
    struct weft_policy_approval approvals[WEFT_ORG_ADMINS_MAX];
    struct weft_policy_decision decision;
    struct weft_policy_request request =
        weft_policy_request_at(s->place->site, action, s->place->time_ns);
    request.asset = (struct weft_policy_fact){WEFT_FACT_GIVEN, weft_text_of(asset)};
    request.kind = (struct weft_policy_fact){WEFT_FACT_GIVEN, weft_text_of(kind)};
    request.approvals = approvals;
    for (uint32_t i = 0; policy != NULL && i < signers->count; i++) {
        request.subject = &signers->subjects[i];
        request.approval_count = 0;
        for (uint32_t k = 0; k < signers->count; k++) {
            if (k != i) {
                approvals[request.approval_count++] =
                    (struct weft_policy_approval){&signers->subjects[k], s->place->time_ns};
            }
        }
        weft_policy_decide(policy, &request, &decision);
        if (decision.effect == WEFT_EFFECT_ALLOW) {
            return WEFT_OK;
        }
    }
    return policy == NULL
               ? WEFT_OK /* There is none yet: the org document's thresholds stand alone. */
               : weft_fail(s->detail, WEFT_EREFUSED,
                     "not-permitted: %s is not for those who have signed, under the policy in "
                     "force",
                     weft_policy_action_name(action));
}

/* Roots to their threshold are asked of no policy: it is they who mend one. */
static enum weft_err check_keys_permitted(struct step *s, enum weft_document_kind kind)
{
    const struct weft_org *org = weft_authority_org(s->before);
    struct signers signers;
    uint32_t roots;
    enum weft_err err = weft_org_count_roots(org, &s->note, &roots, s->detail);
    if (err != WEFT_OK || roots >= org->root_threshold) {
        return err;
    }
    err = find_signers(s, kind, &signers);
    return err == WEFT_OK ? check_permitted(s, &signers, WEFT_ACTION_ADMIN_KEYS, WEFT_KEYS_ASSET,
                                WEFT_KEYS_KIND)
                          : err;
}

/* POL-67: could somebody still change the policy? All admins count, since roots can give each
 * of them a key. */
static enum weft_err check_lock_out(struct step *s)
{
    const struct weft_org *org = weft_authority_org(s->next);
    const struct weft_policy *policy = weft_authority_policy(s->next);
    struct weft_policy_subject subjects[WEFT_ORG_ADMINS_MAX];
    const struct weft_policy_subject *admins[WEFT_ORG_ADMINS_MAX];
    if (policy == NULL) {
        return WEFT_OK;
    }
    for (uint32_t i = 0; i < org->admin_count; i++) {
        weft_authority_subject(s->next, &org->admins[i], &subjects[i]);
        admins[i] = &subjects[i];
    }
    return weft_policy_locks_out(policy, org_of(s->place->site), site_of(s->place->site), admins,
               org->admin_count, s->place->time_ns)
               ? weft_fail(s->detail, WEFT_EREFUSED,
                     "lock-out: none of the %u admins could change the policy again",
                     org->admin_count)
               : WEFT_OK;
}

/* --- the documents --------------------------------------------------------------------------- */

/* What a limit of the arena says is the document's fault; what the process lacks is not. */
static enum weft_err fault_of(
    enum weft_err err, const struct weft_authority_part *part, struct step *s)
{
    return err == WEFT_ENOMEM && !part->arena.is_starved
               ? weft_fail(s->detail, WEFT_ETOOBIG, "a document that is too large once read")
               : err;
}

static enum weft_err take_org(struct step *s)
{
    const struct weft_org *now = weft_authority_org(s->before);
    if (now == NULL && !s->place->is_beginning) {
        return weft_fail(
            s->detail, WEFT_ESTATE, "a site is governed from its first commit on, or not at all");
    }
    struct weft_authority_part *part = weft_authority_part_create(ORG_MEMORY_MAX);
    if (part == NULL) {
        return WEFT_ENOMEM;
    }
    weft_authority_part_release(s->next->org);
    s->next->org = part;
    enum weft_err err = weft_org_accept(
        &s->note, now, s->place->time_ns, &part->arena, &part->org, &s->fault, s->detail);
    if (err == WEFT_OK && !weft_text_equal(part->org.org, org_of(s->place->site))) {
        err = weft_fail(s->detail, WEFT_EPEER, "the document of another organization");
    }
    if (err == WEFT_OK) {
        err = weft_subjects_make(&part->org, &part->arena, &part->subjects);
    }
    return err == WEFT_OK ? check_lock_out(s) : fault_of(err, part, s);
}

static struct weft_chain_link link_of(const struct weft_policy_head *head)
{
    bool ends = head->has_valid && head->valid_to_ns < INT64_MAX;
    return (struct weft_chain_link){.version = head->version,
        .digest = head->digest,
        .prev = head->prev,
        .expires_ns = ends ? head->valid_to_ns + 1 : INT64_MAX};
}

static enum weft_err check_policy_order(struct step *s, const struct weft_authority_part *part)
{
    const struct weft_authority_part *now = s->before->policy;
    enum weft_err err = weft_chain_check(now != NULL ? &now->policy_link : NULL, &part->policy_link,
        s->place->time_ns, &s->fault, s->detail);
    if (err != WEFT_OK || now == NULL) {
        return err;
    }
    struct weft_text name = weft_policy_head(now->policy)->name;
    return weft_text_equal(name, weft_policy_head(part->policy)->name)
               ? WEFT_OK
               : weft_chain_fail(WEFT_CHAIN_FORK, &s->fault, s->detail, "policy %.*s is in force",
                     (int)name.size, name.data);
}

static enum weft_err check_policy_signers(struct step *s)
{
    const struct weft_org *org = weft_authority_org(s->before);
    struct signers signers;
    enum weft_err err = find_signers(s, WEFT_DOCUMENT_POLICY, &signers);
    if (err == WEFT_OK && signers.count < org->admin_threshold) {
        err = weft_chain_fail(WEFT_CHAIN_THRESHOLD, &s->fault, s->detail,
            "%u admins have signed, %u have to", signers.count, org->admin_threshold);
    }
    return err == WEFT_OK ? check_permitted(s, &signers, WEFT_ACTION_ADMIN_POLICY,
                                WEFT_POLICY_ASSET, WEFT_POLICY_KIND)
                          : err;
}

static enum weft_err take_policy(struct step *s)
{
    struct weft_authority_part *part = weft_authority_part_create(WEFT_POLICY_MEMORY_MAX);
    if (part == NULL) {
        return WEFT_ENOMEM;
    }
    weft_authority_part_release(s->next->policy);
    s->next->policy = part;
    enum weft_err err =
        weft_policy_parse(s->note.text, "policy", &part->arena, &part->policy, NULL, s->detail);
    if (err != WEFT_OK) {
        return fault_of(err, part, s);
    }
    part->policy_link = link_of(weft_policy_head(part->policy));
    err = check_policy_order(s, part);
    if (err == WEFT_OK) {
        err = check_policy_signers(s);
    }
    return err == WEFT_OK ? check_lock_out(s) : err;
}

/* A part of its own, with the keys that there are. */
static enum weft_err copy_ring(struct step *s, struct weft_authority_part **ret_part)
{
    const struct weft_authority_part *now = s->before->ring;
    struct weft_authority_part *part = weft_authority_part_create(1);
    if (part == NULL) {
        return WEFT_ENOMEM;
    }
    weft_authority_part_release(s->next->ring);
    s->next->ring = part;
    if (now != NULL) {
        part->has_revoked = now->has_revoked;
        part->revoked = now->revoked;
    }
    if (now != NULL && now->ring.count > 0) {
        size_t size = now->ring.count * sizeof(*now->ring.keys);
        part->ring.keys = malloc(size);
        if (part->ring.keys == NULL) {
            return WEFT_ENOMEM;
        }
        memcpy(part->ring.keys, now->ring.keys, size);
        part->ring.count = part->ring.capacity = now->ring.count;
    }
    *ret_part = part;
    return WEFT_OK;
}

/* "key/op/ann", or of another site of the organization "key/plant2/op/ann". */
static bool is_name_of(const struct step *s, const struct weft_principal *principal)
{
    char asset[WEFT_ENROLL_ASSET_SIZE];
    weft_enroll_asset(principal, site_of(s->place->site), asset);
    return weft_text_is(s->name, asset + sizeof(asset_prefix) - 1);
}

static enum weft_err take_key(struct step *s)
{
    const struct weft_org *org = weft_authority_org(s->before);
    struct weft_authority_part *part;
    struct weft_enroll enroll;
    enum weft_err err = copy_ring(s, &part);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_enroll_accept(&s->note, s->place->site, org, s->place->time_ns, s->place->index,
        &part->ring, &enroll, &s->fault, s->detail);
    if (err == WEFT_OK && !is_name_of(s, &enroll.principal)) {
        err = weft_fail(s->detail, WEFT_EINVAL, "the key is of %s/%s",
            weft_principal_class_name(enroll.principal.class), enroll.principal.name);
    }
    /* POL-32: a rotation is the owner's own. */
    return err == WEFT_OK && !enroll.is_rotation ? check_keys_permitted(s, WEFT_DOCUMENT_ENROLL)
                                                 : err;
}

static enum weft_err take_revoke(struct step *s)
{
    struct weft_authority_part *part;
    struct weft_revoke revoke;
    char name[32];
    enum weft_err err = copy_ring(s, &part);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_revoke_accept(&s->note, weft_authority_org(s->before),
        part->has_revoked ? &part->revoked : NULL, s->place->index, &part->ring, &revoke, &s->fault,
        s->detail);
    if (err != WEFT_OK) {
        return err;
    }
    part->has_revoked = true;
    part->revoked = revoke.link;
    (void)snprintf(name, sizeof(name), "revoke/%llu", (unsigned long long)revoke.link.version);
    return weft_text_is(s->name, name)
               ? check_keys_permitted(s, WEFT_DOCUMENT_REVOKE)
               : weft_fail(s->detail, WEFT_EINVAL, "the document is of %s", name);
}

/* --- the record ------------------------------------------------------------------------------ */

static enum weft_err take(struct step *s)
{
    if (weft_text_is(s->name, "org")) {
        return take_org(s);
    }
    if (weft_authority_org(s->before) == NULL) {
        return weft_fail(s->detail, WEFT_ESTATE, "the site has no org document: it is ungoverned");
    }
    return weft_text_is(s->name, "policy")     ? take_policy(s)
           : weft_text_starts(s->name, "key/") ? take_key(s)
                                               : take_revoke(s);
}

static enum weft_err refuse(
    struct weft_refusal *r, enum weft_err err, uint32_t number, const char *pointer)
{
    r->err = err;
    (void)snprintf(r->pointer, sizeof(r->pointer), "/records/%u%s", number, pointer);
    r->detail.text[weft_text_utf8_prefix(weft_text_of(r->detail.text))] = '\0';
    return WEFT_OK;
}

/* False: the refusal says why. */
static bool read_record(
    const struct weft_record *record, uint32_t number, struct step *s, struct weft_refusal *r)
{
    s->name = record->asset;
    bool has_name = weft_text_starts(s->name, asset_prefix);
    if (has_name) {
        s->name.data += sizeof(asset_prefix) - 1;
        s->name.size -= sizeof(asset_prefix) - 1;
    }
    if (!has_name ||
        (!weft_text_is(s->name, "org") && !weft_text_is(s->name, "policy") &&
            !weft_text_starts(s->name, "key/") && !weft_text_starts(s->name, "revoke/"))) {
        (void)weft_fail(&r->detail, WEFT_EINVAL,
            "a record of kind %s stands on %sorg, %spolicy, %skey/CLASS/NAME or %srevoke/N",
            WEFT_AUTHORITY_KIND, asset_prefix, asset_prefix, asset_prefix, asset_prefix);
        (void)refuse(r, WEFT_EINVAL, number, "/asset");
        return false;
    }
    if (record->field_count != 1 || record->link_count != 0 ||
        !weft_text_is(record->fields[0].path, note_path) ||
        record->fields[0].type != WEFT_VALUE_TEXT) {
        (void)weft_fail(
            &r->detail, WEFT_EINVAL, "a signed note as attribute %s, and nothing else", note_path);
        (void)refuse(r, WEFT_EINVAL, number, "/attrs");
        return false;
    }
    return true;
}

/* --- labels ---------------------------------------------------------------------------------- */

bool weft_authority_is_kind(struct weft_text kind)
{
    return weft_text_is(kind, WEFT_AUTHORITY_KIND) || weft_text_is(kind, WEFT_LABELS_KIND);
}

/* Whether its author may was asked of the policy in force, as of any record. */
static enum weft_err take_labels(const struct weft_record *record, uint32_t number, struct step *s,
    struct weft_refusal *r, struct weft_msg *msg)
{
    struct weft_labels_said said;
    struct weft_labels *labels = NULL;
    char base[32];
    (void)snprintf(base, sizeof(base), "/records/%u", number);
    if (!weft_labels_read(record, base, &said, r->pointer, &r->detail)) {
        r->err = WEFT_EINVAL;
        return WEFT_OK;
    }
    enum weft_err err =
        weft_labels_set(s->before->labels, record->asset, &said, &labels, &r->detail);
    if (err == WEFT_OK) {
        err = weft_authority_relabel(s->before, s->place->index, labels, &s->next);
    }
    weft_labels_release(labels);
    return err == WEFT_OK       ? WEFT_OK
           : err == WEFT_ENOMEM ? weft_fail(msg, err, "label an asset")
                                : refuse(r, err, number, "/asset");
}

enum weft_err weft_authority_next(const struct weft_authority *authority,
    const struct weft_record *record, uint32_t number, const struct weft_authority_place *place,
    struct weft_authority **ret_next, struct weft_refusal *ret_refusal, struct weft_msg *msg)
{
    struct weft_refusal *r = ret_refusal;
    struct step s = {.before = authority, .place = place, .detail = &r->detail};
    r->err = WEFT_OK;
    r->record = number;
    r->detail.text[0] = '\0';
    if (weft_text_is(record->kind, WEFT_LABELS_KIND)) {
        enum weft_err failed = take_labels(record, number, &s, r, msg);
        *ret_next = s.next;
        return failed;
    }
    if (!read_record(record, number, &s, r)) {
        return WEFT_OK;
    }
    enum weft_err err = weft_authority_follow(authority, place->index, &s.next);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "change what governs");
    }
    err = weft_note_parse(record->fields[0].value, &s.note, &r->detail);
    if (err == WEFT_OK) {
        err = take(&s);
    }
    if (err == WEFT_OK) {
        *ret_next = s.next;
        return WEFT_OK;
    }
    weft_authority_release(s.next);
    return err == WEFT_ENOMEM ? weft_fail(msg, err, "change what governs")
                              : refuse(r, err, number, "/attrs/note");
}
