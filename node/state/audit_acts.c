#include "node/state/audit_acts.h"

#include <stdio.h>

#include "node/state/offers.h"
#include "node/state/streams_parts.h"
#include "policy/chain.h"
#include "proto/check.h"

/* An act about whoever asked, under what decided. */
static struct weft_audit_act act_of(const struct weft_audit_acts *acts, const char *word)
{
    return (struct weft_audit_act){.act = word,
        .principal = acts->principal,
        .effect = acts->ground.is_decided ? WEFT_AUDIT_ALLOW : WEFT_AUDIT_NO_DECISION,
        .statement = acts->ground.statement,
        .version = acts->ground.version,
        .line = acts->ground.line,
        .count = 1};
}

static enum weft_err add(const struct weft_audit_acts *acts, const struct weft_audit_act *act)
{
    return weft_audit_add(acts->audit, act, acts->batch, acts->msg);
}

static enum weft_err count(const struct weft_audit_acts *acts, const struct weft_audit_act *act)
{
    return weft_audit_count(acts->audit, act, acts->batch, acts->msg);
}

/* --- commits --------------------------------------------------------------------------------- */

enum weft_err weft_audit_acts_commit(
    const struct weft_audit_acts *acts, const struct weft_merkle_range *statements)
{
    struct weft_digest evidence = weft_merkle_root(statements);
    struct weft_audit_act act = act_of(acts, WEFT_AUDIT_ACT_COMMIT);
    act.count = statements->size;
    act.evidence = &evidence;
    act.evidence_count = 1;
    return add(acts, &act);
}

enum weft_err weft_audit_acts_denied(
    const struct weft_audit_acts *acts, enum weft_policy_action action)
{
    char word[WEFT_AUDIT_WORD_SIZE_MAX + 1];
    (void)snprintf(
        word, sizeof(word), "%s%s", WEFT_AUDIT_ACT_REFUSED, weft_policy_action_name(action));
    struct weft_audit_act act = act_of(acts, word);
    act.effect = WEFT_AUDIT_DENY;
    return count(acts, &act);
}

/* Whoever answers was permitted to: no statement is named. */
enum weft_err weft_audit_acts_reads(
    const struct weft_audit_acts *acts, const struct weft_read_report *report)
{
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && i < report->count; i++) {
        const struct weft_read_count *read = &report->labels[i];
        char word[WEFT_AUDIT_WORD_SIZE_MAX + 1];
        (void)snprintf(word, sizeof(word), "%s%.*s",
            report->act == WEFT_READ_ACT_READ ? WEFT_AUDIT_ACT_READ : WEFT_AUDIT_ACT_SUBSCRIBE,
            (int)read->size, read->label);
        const struct weft_audit_act act = {.act = word,
            .principal = acts->principal,
            .effect = WEFT_AUDIT_ALLOW,
            .count = read->records};
        rv = count(acts, &act);
    }
    return rv;
}

/* --- what governs ---------------------------------------------------------------------------- */

/* "org", "policy", "key", "revoke": the asset behind its prefix, as far as it is not a name. */
static struct weft_text document_of(struct weft_text asset)
{
    static const char *const words[] = {"org", "policy", "key", "revoke"};
    const char *colon = asset.size > 0 ? memchr(asset.data, ':', asset.size) : NULL;
    size_t skip = colon != NULL ? (size_t)(colon - asset.data) + 1 : asset.size;
    struct weft_text head = {asset.data + skip, asset.size - skip};
    const char *slash = head.size > 0 ? memchr(head.data, '/', head.size) : NULL;
    head.size = slash != NULL ? (size_t)(slash - head.data) : head.size;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (weft_text_is(head, words[i])) {
            return head;
        }
    }
    return WEFT_TEXT("other");
}

/* The word in front of the refusal's text (node/state/authority.h): of those that there are. */
static const char *fault_of(const struct weft_refusal *refusal)
{
    static const char *const others[] = {"not-permitted", "lock-out"};
    struct weft_text rest = weft_text_of(refusal->detail.text), word;
    if (weft_text_cut(&rest, ':', &word)) {
        for (int fault = WEFT_CHAIN_SOUND + 1; fault < WEFT_CHAIN_FAULTS; fault++) {
            if (weft_text_is(word, weft_chain_fault_name((enum weft_chain_fault)fault))) {
                return weft_chain_fault_name((enum weft_chain_fault)fault);
            }
        }
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
            if (weft_text_is(word, others[i])) {
                return others[i];
            }
        }
    }
    return "invalid";
}

static struct weft_bytes note_of(const struct weft_record *record)
{
    bool has_note = record->field_count == 1 && record->fields[0].type == WEFT_VALUE_TEXT;
    struct weft_text note = has_note ? record->fields[0].value : (struct weft_text){NULL, 0};
    return (struct weft_bytes){(const uint8_t *)note.data, note.size};
}

static enum weft_err authority(const struct weft_audit_acts *acts, const struct weft_record *record,
    const struct weft_refusal *refusal)
{
    char word[WEFT_AUDIT_WORD_SIZE_MAX + 1];
    struct weft_text document = document_of(record->asset);
    (void)snprintf(word, sizeof(word), "%s%.*s%s%s", WEFT_AUDIT_ACT_AUTHORITY, (int)document.size,
        document.data, refusal != NULL ? "." : "", refusal != NULL ? fault_of(refusal) : "");
    /* Signatures decided, and no statement. */
    const struct weft_audit_act act = {.act = word,
        .principal = acts->principal,
        .effect = refusal != NULL ? WEFT_AUDIT_DENY : WEFT_AUDIT_ALLOW,
        .count = 1,
        .blob = note_of(record)};
    return refusal != NULL ? count(acts, &act) : add(acts, &act);
}

enum weft_err weft_audit_acts_authority(
    const struct weft_audit_acts *acts, const struct weft_commit *commit)
{
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && i < commit->record_count; i++) {
        if (weft_text_is(commit->records[i].kind, WEFT_AUTHORITY_KIND)) {
            rv = authority(acts, &commit->records[i], NULL);
        }
    }
    return rv;
}

enum weft_err weft_audit_acts_authority_refused(const struct weft_audit_acts *acts,
    const struct weft_commit *commit, const struct weft_refusal *refusal)
{
    weft_assert(refusal->record < commit->record_count); /* NOD-154 */
    return authority(acts, &commit->records[refusal->record], refusal);
}

/* --- redactions ------------------------------------------------------------------------------ */

enum weft_err weft_audit_acts_redacted(
    const struct weft_audit_acts *acts, const struct weft_redacted *redacted)
{
    char subject[32] = WEFT_AUDIT_SUBJECT_EVIDENCE;
    if (redacted->index != 0) {
        (void)snprintf(subject, sizeof(subject), "index %llu", (unsigned long long)redacted->index);
    }
    struct weft_audit_act act = act_of(acts, WEFT_AUDIT_ACT_REDACT);
    act.subject = weft_text_of(subject);
    act.evidence = redacted->commitments;
    act.evidence_count = redacted->count;
    return add(acts, &act);
}

/* --- statements that are told again ----------------------------------------------------------- */

enum weft_err weft_audit_acts_told(
    const struct weft_audit_acts *acts, const struct weft_streams_note *note)
{
    static const char *const words[WEFT_STREAMS_DEEDS] = {
        [WEFT_STREAMS_DISCLOSED] = WEFT_AUDIT_ACT_DISCLOSED,
        [WEFT_STREAMS_ERASED] = WEFT_AUDIT_ACT_ERASED,
        [WEFT_STREAMS_REFUSED] = WEFT_AUDIT_ACT_PARTNER_REFUSED,
    };
    char subject[WEFT_CONTRACT_NAME_SIZE_MAX + 40];
    const struct weft_text name = note->accord->row.name;
    (void)snprintf(subject, sizeof(subject), "%.*s %s %llu", (int)name.size, name.data,
        note->direction == WEFT_SENT ? "sent" : "received", (unsigned long long)note->sequence);
    struct weft_audit_act act = {.act = words[note->deed],
        .principal = acts->principal,
        .subject = weft_text_of(subject),
        .count = note->count,
        .evidence = note->evidence,
        .evidence_count = note->evidence_count};
    if (note->deed == WEFT_STREAMS_REFUSED) {
        act.effect = WEFT_AUDIT_DENY;
        if (note->statement != WEFT_POLICY_NO_STATEMENT) {
            act.statement = weft_policy_statement(note->policy, note->statement).name;
            act.version = weft_policy_head(note->policy)->version;
            act.line = note->line;
        }
    }
    return add(acts, &act);
}

enum weft_err weft_audit_acts_offer(
    const struct weft_audit_acts *acts, const struct weft_offers_deed *deed)
{
    char subject[WEFT_CONTRACT_NAME_SIZE_MAX + 40];
    (void)snprintf(subject, sizeof(subject), "%.*s version %llu", (int)deed->agreement.size,
        deed->agreement.data, (unsigned long long)deed->version);
    const struct weft_audit_act act = {.act = deed->act,
        .principal = acts->principal,
        .subject = weft_text_of(subject),
        .count = 1,
        .evidence = &deed->digest,
        .evidence_count = 1};
    return add(acts, &act);
}

/* --- the rest -------------------------------------------------------------------------------- */

enum weft_err weft_audit_acts_members(
    const struct weft_audit_acts *acts, struct weft_bytes configuration)
{
    struct weft_digest evidence = weft_sha256(configuration.data, configuration.size);
    const struct weft_audit_act act = {
        .act = WEFT_AUDIT_ACT_MEMBERS, .count = 1, .evidence = &evidence, .evidence_count = 1};
    return add(acts, &act);
}

enum weft_err weft_audit_acts_notice(
    const struct weft_audit_acts *acts, const struct weft_notice *notice)
{
    const struct weft_audit_act act = {
        .act = notice->act, .principal = acts->principal, .subject = notice->subject, .count = 1};
    return add(acts, &act);
}

enum weft_err weft_audit_acts_clock(
    const struct weft_audit_acts *acts, int64_t before_ns, int64_t time_ns)
{
    const struct weft_audit_act act = {.act = WEFT_AUDIT_ACT_CLOCK_BEHIND, .count = 1};
    uint64_t behind = time_ns < before_ns ? (uint64_t)before_ns - (uint64_t)time_ns : 0;
    return behind >= (uint64_t)WEFT_AUDIT_CLOCK_BEHIND_NS ? count(acts, &act) : WEFT_OK;
}
