#include "node/mutant.h"
#include "node/state/permit.h"

#include <stdio.h>

#include "node/state/agreements.h"
#include "node/state/commands.h"
#include "node/state/notice.h"
#include "node/state/redaction.h"
#include "policy/explain.h"
#include "proto/arith.h"
#include "proto/digest.h"

enum {
    EXPLANATION_SIZE_MAX = 400, /* of struct weft_msg's 512 */
};

/* policy/README.md, Actions. */
static const struct {
    const char *kind;
    enum weft_policy_action action;
} kinds[] = {
    {WEFT_LABELS_KIND, WEFT_ACTION_ADMIN_POLICY},
    {WEFT_AGREEMENT_KIND, WEFT_ACTION_SHARE},
    {WEFT_PARTNER_KIND, WEFT_ACTION_SHARE},
    {WEFT_STREAM_ACT_KIND, WEFT_ACTION_SHARE},
    {"model", WEFT_ACTION_ADMIN_POLICY},
    {WEFT_REDACTION_KIND, WEFT_ACTION_REDACT},
    {WEFT_HOLD_KIND, WEFT_ACTION_ADMIN_POLICY},
    {"retirement", WEFT_ACTION_RETIRE},
    {"site_setting", WEFT_ACTION_ADMIN_POLICY},
    {"twin_policy", WEFT_ACTION_ADMIN_POLICY},
};

enum weft_policy_action weft_permit_action(const struct weft_record *record, uint64_t rev)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (weft_text_is(record->kind, kinds[i].kind)) {
            return kinds[i].action;
        }
    }
    return rev == 0 ? WEFT_ACTION_CREATE : WEFT_ACTION_WRITE;
}

/* What stays the same for all records of a commit. */
static struct weft_policy_request request_of(const struct weft_permit *permit,
    const struct weft_policy_subject *subject, enum weft_policy_action action)
{
    struct weft_policy_request request =
        weft_policy_request_at(permit->site, action, permit->time_ns);
    request.subject = subject;
    return request;
}

/* Whoever may read the policy may know why; all others are told a number to ask somebody with. */
static bool may_know(const struct weft_policy *policy, struct weft_policy_request request)
{
    struct weft_policy_decision decision;
    request.action = WEFT_ACTION_READ;
    request.asset = (struct weft_policy_fact){WEFT_FACT_GIVEN, WEFT_TEXT(WEFT_POLICY_ASSET)};
    request.kind = (struct weft_policy_fact){WEFT_FACT_GIVEN, WEFT_TEXT(WEFT_POLICY_KIND)};
    request.labels_presence = WEFT_FACT_NONE;
    weft_policy_decide(policy, &request, &decision);
    return decision.effect == WEFT_EFFECT_ALLOW;
}

static void correlate(const struct weft_permit *permit, struct weft_denial *d)
{
    static const char label[] = "weft-denial/v1\n";
    uint8_t place[12];
    struct weft_sha256 hash;
    weft_put_be64(place, permit->index);
    weft_put_be32(place + 8, permit->item);
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, label, sizeof(label) - 1);
    weft_sha256_update(&hash, permit->site.data, permit->site.size);
    weft_sha256_update(&hash, place, sizeof(place));
    struct weft_digest digest = weft_sha256_final(&hash);
    (void)snprintf(d->correlation, sizeof(d->correlation), "%016llx",
        (unsigned long long)weft_get_be64(digest.bytes));
}

static void explain(const struct weft_policy *policy, const struct weft_policy_request *request,
    struct weft_denial *d)
{
    struct weft_buffer text = {.size_max = EXPLANATION_SIZE_MAX};
    /* What does not fit is left out: the explanation is a help, and `weft policy why` has all. */
    (void)!weft_policy_explain(policy, request, &d->decision, &text);
    size_t size = weft_text_utf8_prefix(weft_buffer_as_text(&text));
    while (size > 0 && text.data[size - 1] == '\n') {
        size--;
    }
    (void)weft_fail(&d->detail, WEFT_EREFUSED, "not permitted (correlation %s): %.*s",
        d->correlation, (int)size, (const char *)text.data);
    (void)snprintf(d->pointer, sizeof(d->pointer), "/records/%u", d->record);
    weft_buffer_destroy(&text);
}

static void find_ground(const struct weft_policy *policy, struct weft_denial *d)
{
    d->ground = (struct weft_ground){.is_decided = true};
    if (d->decision.statement != WEFT_POLICY_NO_STATEMENT) {
        d->ground.statement = weft_policy_statement(policy, d->decision.statement).name;
        d->ground.version = weft_policy_head(policy)->version;
        d->ground.line = d->decision.line;
    }
}

/* `request` NULL: there is no policy, or nobody that it could speak of. */
static void deny(const struct weft_permit *permit, const struct weft_policy *policy,
    const struct weft_policy_request *request, struct weft_denial *d)
{
    d->is_denied = true;
    find_ground(policy, d);
    correlate(permit, d);
    if (!permit->with_text) {
        return;
    }
    (void)weft_fail(&d->detail, WEFT_EREFUSED, "not permitted (correlation %s)", d->correlation);
    if (request != NULL && may_know(policy, *request)) {
        explain(policy, request, d);
    }
}

/* What its nodes tell partners of recalls follows from what the site has: it is theirs to state
 * where nothing speaks against it. */
static bool is_own_word(const struct weft_permit *permit, const struct weft_record *record,
    const struct weft_policy_decision *decision)
{
    return permit->warrant == NULL && decision->reason == WEFT_REASON_NO_PERMIT &&
           (weft_text_is(record->kind, "impact") ||
               weft_text_is(record->kind, "acknowledgement")) &&
           weft_text_starts(record->asset, WEFT_PARTNER_ASSET) &&
           weft_notice_is_node(permit->principal, permit->site);
}

/* NOD-18: a key that was revoked, or a note that ran out, between the door and here. */
static bool is_warranted(const struct weft_permit *permit, const struct weft_person *person)
{
    return permit->warrant == NULL || weft_node_mutant(WEFT_NODE_MUTANT_REVOKED_KNOWN) ||
           weft_warrant_counts(permit->warrant, person->key, permit->index, permit->time_ns);
}

enum weft_err weft_permit_check(const struct weft_permit *permit, struct weft_names *names,
    const struct weft_commit *commit, struct weft_denial *ret_denial, struct weft_msg *msg)
{
    struct weft_denial *d = ret_denial;
    const struct weft_policy *policy = weft_authority_policy(permit->authority);
    d->is_denied = false;
    d->ground = (struct weft_ground){.is_decided = false};
    d->pointer[0] = '\0';
    d->detail.text[0] = '\0';
    if (weft_authority_org(permit->authority) == NULL) {
        return WEFT_OK;
    }
    const struct weft_person *person =
        weft_persons_find(permit->persons, permit->authority, permit->principal, permit->warrant);
    const bool is_somebody = person->is_somebody && is_warranted(permit, person);
    struct weft_policy_request request = request_of(permit, &person->subject, WEFT_ACTION_WRITE);
    struct weft_text labels[WEFT_LABELS_MAX];
    for (d->record = 0; d->record < commit->record_count; d->record++) {
        const struct weft_record *record = &commit->records[d->record];
        uint32_t name;
        if (weft_text_is(record->kind, WEFT_AUTHORITY_KIND) ||
            weft_commands_is_kind(record->kind)) {
            continue;
        }
        enum weft_err err = weft_names_find(names, record->asset, &name, msg);
        if (err != WEFT_OK) {
            return err;
        }
        d->action = weft_permit_action(record, weft_names_at(names, name)->head.rev);
        if (policy == NULL || !is_somebody ||
            (permit->warrant != NULL && !weft_warrant_allows(permit->warrant, d->action))) {
            d->decision = (struct weft_policy_decision){.effect = WEFT_EFFECT_DENY,
                .reason = WEFT_REASON_NO_PERMIT,
                .statement = WEFT_POLICY_NO_STATEMENT};
            deny(permit, policy, NULL, d);
            return WEFT_OK;
        }
        request.action = d->action;
        weft_authority_ask_of(permit->authority, record->asset, labels, &request);
        request.kind = (struct weft_policy_fact){WEFT_FACT_GIVEN,
            d->action == WEFT_ACTION_REDACT ? weft_redaction_kind(record) : record->kind};
        weft_policy_decide(policy, &request, &d->decision);
        if (d->decision.effect != WEFT_EFFECT_ALLOW && !is_own_word(permit, record, &d->decision)) {
            deny(permit, policy, &request, d);
            return WEFT_OK;
        }
        if (!d->ground.is_decided) {
            find_ground(policy, d);
        }
    }
    return WEFT_OK;
}

bool weft_permit_knows(const struct weft_permit *permit, struct weft_text asset)
{
    const struct weft_policy *policy = weft_authority_policy(permit->authority);
    struct weft_policy_decision decision;
    if (weft_authority_org(permit->authority) == NULL) {
        return true;
    }
    const struct weft_person *person =
        weft_persons_find(permit->persons, permit->authority, permit->principal, NULL);
    if (policy == NULL || !person->is_somebody) {
        return false;
    }
    struct weft_policy_request request = request_of(permit, &person->subject, WEFT_ACTION_READ);
    struct weft_text labels[WEFT_LABELS_MAX];
    weft_authority_ask_of(permit->authority, asset, labels, &request);
    weft_policy_decide(policy, &request, &decision); /* Its kind is unknown. */
    return decision.effect == WEFT_EFFECT_ALLOW && !decision.has_doubt;
}
