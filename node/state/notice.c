#include "node/state/notice.h"

#include <string.h>

#include "policy/audit_leaf.h"
#include "policy/principal.h"
#include "proto/client.h"

static const char asset[] = "weft:node";
static const char act_path[] = "act";
static const char subject_path[] = "subject";
static const char *const acts[] = {WEFT_NOTICE_START, WEFT_NOTICE_CLOCK};

bool weft_notice_is(const struct weft_commit *commit)
{
    for (uint32_t i = 0; i < commit->record_count; i++) {
        if (weft_text_is(commit->records[i].kind, WEFT_NOTICE_KIND)) {
            return true;
        }
    }
    return false;
}

bool weft_notice_is_node(struct weft_text uri, struct weft_text site)
{
    struct weft_principal principal;
    if (weft_principal_parse_uri(uri, &principal, NULL) != WEFT_OK ||
        principal.class != WEFT_PRINCIPAL_NODE) {
        return false;
    }
    size_t org = strlen(principal.org), name = strlen(principal.site);
    return site.size == org + 1 + name && memcmp(site.data, principal.org, org) == 0 &&
           site.data[org] == '/' && memcmp(site.data + org + 1, principal.site, name) == 0;
}

/* In a leaf's subject there is no control character. */
static bool is_subject(struct weft_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] < ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return text.size > 0 && text.size <= WEFT_AUDIT_SUBJECT_SIZE_MAX;
}

enum weft_err weft_notice_read(const struct weft_commit *commit, struct weft_text principal,
    struct weft_text site, struct weft_notice *ret_notice, struct weft_msg *msg)
{
    const struct weft_record *record = &commit->records[0];
    if (!weft_notice_is_node(principal, site)) {
        return weft_fail(
            msg, WEFT_EREFUSED, "records of kind %s are nodes' alone", WEFT_NOTICE_KIND);
    }
    if (commit->record_count != 1 || record->field_count != 2 || record->link_count != 0 ||
        !weft_text_is(record->fields[0].path, act_path) ||
        !weft_text_is(record->fields[1].path, subject_path) ||
        !is_subject(record->fields[1].value)) {
        return weft_fail(msg, WEFT_EINVAL, "not as a notice is");
    }
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (weft_text_is(record->fields[0].value, acts[i])) {
            *ret_notice = (struct weft_notice){acts[i], record->fields[1].value};
            return WEFT_OK;
        }
    }
    return weft_fail(msg, WEFT_EINVAL, "no act of a node");
}

enum weft_err weft_notice_encode(const struct weft_notice *notice, struct weft_buffer *out)
{
    const struct weft_field fields[] = {
        {weft_text_of(act_path), weft_text_of(notice->act), WEFT_VALUE_TEXT},
        {weft_text_of(subject_path), notice->subject, WEFT_VALUE_TEXT}};
    const struct weft_record record = {.kind = WEFT_TEXT(WEFT_NOTICE_KIND),
        .asset = weft_text_of(asset),
        .fields = fields,
        .field_count = 2};
    const struct weft_commit commit = {.records = &record, .record_count = 1};
    return weft_commit_encode(&commit, out);
}
