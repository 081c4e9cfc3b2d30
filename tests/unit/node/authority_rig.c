#include "tests/unit/node/authority_rig.h"

#include <stdio.h>
#include <string.h>

#include "node/state/authority.h"
#include "node/state/labels.h"
#include "proto/arith.h"
#include "tests/lib/test.h"

static struct weft_buffer notes[RIG_RECORDS];
static char assets[RIG_RECORDS][80];
static struct weft_field fields[RIG_RECORDS];
static uint32_t used, used_labels;
static uint64_t requests;

void rig_start(struct fixture *f, const char *name)
{
    fixture_init(f, name);
    f->options.org = "oem.example";
    f->time_ns = SIGNERS_NOW_NS;
    requests = 0;
    fixture_open(f);
}

struct weft_record rig_record(const char *asset, struct weft_text text, const char *const *names)
{
    uint32_t n = used++ % RIG_RECORDS;
    weft_buffer_destroy(&notes[n]);
    notes[n] = signers_note(text, names);
    (void)snprintf(assets[n], sizeof(assets[n]), "%s", asset);
    fields[n] =
        (struct weft_field){WEFT_TEXT("note"), weft_buffer_as_text(&notes[n]), WEFT_VALUE_TEXT};
    return (struct weft_record){.kind = WEFT_TEXT("authority"),
        .asset = weft_text_of(assets[n]),
        .fields = &fields[n],
        .field_count = 1};
}

struct weft_record rig_org(const struct weft_org *org, const char *const *names)
{
    struct weft_buffer text = signers_org_text(org);
    struct weft_record record = rig_record("authority:org", weft_buffer_as_text(&text), names);
    weft_buffer_destroy(&text);
    return record;
}

struct weft_digest rig_org_digest(const struct weft_org *org)
{
    struct weft_buffer text = signers_org_text(org);
    struct weft_digest digest = weft_sha256(text.data, text.size);
    weft_buffer_destroy(&text);
    return digest;
}

/* Over the nonce of the ring; the key itself signs too. */
static struct weft_record key_record(const char *who, const struct weft_signer *signer,
    const struct weft_verifier *replaced, const struct weft_keyring *ring,
    const struct weft_org *org, const char *const *names)
{
    char asset[80];
    struct weft_enroll enroll = {.org = WEFT_TEXT("oem.example"),
        .principal = signers_principal(who),
        .key = signer->verifier,
        .is_replacing = replaced != NULL,
        .issued_ns = SIGNERS_NOW_NS,
        .expires_ns = SIGNERS_NOW_NS + SIGNERS_DAY_NS};
    struct weft_digest digest = rig_org_digest(org);
    if (replaced != NULL) {
        enroll.replaced = *replaced;
    }
    weft_enroll_nonce(
        &digest, WEFT_TEXT("oem.example/plant1"), ring, &enroll.principal, enroll.nonce);
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, weft_enroll_encode(&enroll, &text, &msg));
    (void)snprintf(asset, sizeof(asset), "authority:key/%s", who + strlen("oem.example/plant1/"));
    struct weft_record record = rig_record(asset, weft_buffer_as_text(&text), names);
    uint32_t n = (used - 1) % RIG_RECORDS;
    signers_add_line(&notes[n], signer);
    fields[n].value = weft_buffer_as_text(&notes[n]);
    weft_buffer_destroy(&text);
    return record;
}

struct weft_record rig_key(
    const char *who, bool is_other, const struct weft_org *org, const char *const *names)
{
    static const struct weft_keyring none = {NULL, 0, 0};
    struct weft_signer signer = is_other ? signers_make_other(who) : signers_make(who);
    return key_record(who, &signer, NULL, &none, org, names);
}

struct weft_record rig_next_key(struct fixture *f, const char *who, bool is_replacing,
    const struct weft_org *org, const char *const *names)
{
    struct weft_signer signer = signers_make_other(who);
    struct weft_verifier first = signers_make(who).verifier;
    return key_record(who, &signer, is_replacing ? &first : NULL,
        weft_authority_keyring(weft_state_authority(f->state)), org, names);
}

struct weft_record rig_key_beside(struct fixture *f, const char *who,
    const struct weft_signer *signer, const struct weft_org *org, const char *const *names)
{
    return key_record(
        who, signer, NULL, weft_authority_keyring(weft_state_authority(f->state)), org, names);
}

struct weft_record rig_policy(uint64_t version, const struct weft_digest *prev, const char *rest,
    const char *const *names, struct weft_digest *ret_digest)
{
    struct weft_buffer text = {0};
    char digest[WEFT_DIGEST_TEXT_SIZE] = "";
    if (version > 1) {
        weft_digest_format(prev, digest);
    }
    EXPECT_EQ(WEFT_OK, weft_buffer_format(&text, "policy plant1-core %llu\n%s%s\n%s",
                           (unsigned long long)version, version > 1 ? "prev " : "", digest, rest));
    if (ret_digest != NULL) {
        *ret_digest = weft_sha256(text.data, text.size);
    }
    struct weft_record record = rig_record("authority:policy", weft_buffer_as_text(&text), names);
    weft_buffer_destroy(&text);
    return record;
}

struct weft_record rig_revoke(const char *who, const struct weft_chain_link *before,
    const char *const *names, struct weft_chain_link *ret_link)
{
    struct weft_verifier key = signers_make(who).verifier;
    return rig_revoke_key(who, &key, before, names, ret_link);
}

struct weft_record rig_revoke_key(const char *who, const struct weft_verifier *key,
    const struct weft_chain_link *before, const char *const *names,
    struct weft_chain_link *ret_link)
{
    char asset[80];
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    struct weft_revoke revoke = {.org = WEFT_TEXT("oem.example"),
        .link = {.version = before != NULL ? before->version + 1 : 1,
            .issued_ns = SIGNERS_NOW_NS,
            .expires_ns = INT64_MAX},
        .principal = signers_principal(who),
        .key = *key,
        .reason = WEFT_TEXT("lost")};
    if (before != NULL) {
        revoke.link.prev = before->digest;
    }
    enum weft_err err = weft_revoke_encode(&revoke, &text, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    *ret_link = revoke.link;
    ret_link->digest = weft_sha256(text.data, text.size);
    (void)snprintf(
        asset, sizeof(asset), "authority:revoke/%llu", (unsigned long long)revoke.link.version);
    struct weft_record record = rig_record(asset, weft_buffer_as_text(&text), names);
    weft_buffer_destroy(&text);
    return record;
}

struct weft_record rig_labels(const char *asset, const char *const *labels)
{
    static struct weft_field said[RIG_RECORDS][4];
    static char paths[4][16];
    struct weft_field *of = said[used_labels++ % RIG_RECORDS];
    uint32_t count = 0;
    for (; count < 4 && labels[count] != NULL; count++) {
        (void)snprintf(paths[count], sizeof(paths[count]), "labels/[%u]", count);
        of[count] = (struct weft_field){
            weft_text_of(paths[count]), weft_text_of(labels[count]), WEFT_VALUE_TEXT};
    }
    if (count == 0) {
        of[count++] = (struct weft_field){WEFT_TEXT("labels"), {NULL, 0}, WEFT_VALUE_EMPTY_ARRAY};
    }
    return (struct weft_record){.kind = WEFT_TEXT(WEFT_LABELS_KIND),
        .asset = weft_text_of(asset),
        .fields = of,
        .field_count = count};
}

const struct weft_applied_item *rig_commit(
    struct fixture *f, const char *who, const struct weft_record *records, uint32_t count)
{
    struct weft_commit commit = {.records = records, .record_count = count};
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    weft_put_le64(commit.request_id.bytes, ++requests);
    (void)snprintf(uri, sizeof(uri), "spiffe://%s", who);
    test_entry_begin(&f->entry);
    EXPECT_TRUE(test_entry_commit(&f->entry, uri, &commit));
    fixture_apply(f);
    EXPECT_EQ(1, f->item_count);
    return &f->items[0];
}

const struct weft_applied_item *rig_commit_by_note(struct fixture *f, const char *who,
    const struct weft_warrant *warrant, const struct weft_record *record)
{
    f->entry.warrant = warrant;
    const struct weft_applied_item *item = rig_commit(f, who, record, 1);
    f->entry.warrant = NULL;
    return item;
}

struct weft_digest rig_govern(struct fixture *f)
{
    static const char *const roots[] = {RIG_ROOT_A, RIG_ROOT_B, NULL};
    static const char *const by_ann[] = {RIG_ANN, NULL};
    struct weft_org org = signers_org();
    struct weft_digest digest;
    const struct weft_record records[] = {rig_org(&org, roots),
        rig_key(RIG_ANN, false, &org, roots), rig_key(RIG_BO, false, &org, roots),
        rig_policy(1, NULL, RIG_POLICY, by_ann, &digest)};
    const struct weft_applied_item *item = rig_commit(f, "oem.example/plant1/node/n1", records, 4);
    EXPECT_TEXT("", item->err == WEFT_OK ? "" : item->error.detail.data);
    return digest;
}
