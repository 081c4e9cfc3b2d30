#include "tests/unit/node/stream_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/state/authority.h"
#include "proto/arith.h"
#include "tests/lib/test.h"

static const char *const orgs[2] = {"oem.example", "supplier.example"};
static const char *const names[2] = {"plant1", "west"};
static const char *const sites[2] = {"oem.example/plant1", "supplier.example/west"};

const char *rig_site_of(uint32_t party)
{
    return sites[party];
}

static void must(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "rig: %s: %s\n", weft_err_name(err), msg->text);
        abort();
    }
}

/* --- texts ----------------------------------------------------------------------------------- */

/* A copy that lives as records do. */
static struct weft_text keep(struct weft_text text)
{
    static struct weft_buffer kept[4 * RIG_TEXTS];
    static uint32_t used;
    struct weft_buffer *buffer = &kept[used++ % (4 * RIG_TEXTS)];
    weft_buffer_clear(buffer);
    must(weft_buffer_text(buffer, text), &(struct weft_msg){"memory"});
    must(weft_buffer_append(buffer, "", 1), &(struct weft_msg){"memory"});
    return (struct weft_text){(const char *)buffer->data, buffer->size - 1};
}

static struct weft_field *fields_of(uint32_t count)
{
    static struct weft_field fields[RIG_TEXTS][8];
    static uint32_t used;
    EXPECT_TRUE(count <= 8);
    return fields[used++ % RIG_TEXTS];
}

static struct weft_field text_field(const char *path, struct weft_text value)
{
    return (struct weft_field){weft_text_of(path), keep(value), WEFT_VALUE_TEXT};
}

static struct weft_record record_of(
    const char *kind, const char *asset, const struct weft_field *fields, uint32_t count)
{
    return (struct weft_record){.kind = keep(weft_text_of(kind)),
        .asset = keep(weft_text_of(asset)),
        .fields = fields,
        .field_count = count};
}

struct weft_record rig_note(const char *kind, const char *asset, struct weft_text note)
{
    struct weft_field *fields = fields_of(1);
    fields[0] = text_field("note", note);
    return record_of(kind, asset, fields, 1);
}

/* --- keys and documents ---------------------------------------------------------------------- */

static struct weft_signer signer_of(const char *format, uint32_t party, uint32_t node)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "%s%s%u", sites[party], format, node);
    return signers_make(name);
}

static struct weft_signer root_of(uint32_t party)
{
    char name[96];
    (void)snprintf(name, sizeof(name), "%s/root/a", orgs[party]);
    return signers_make(name);
}

static void admin_of(uint32_t party, char ret_name[96])
{
    (void)snprintf(ret_name, 96, "%s/op/ann", sites[party]);
}

static struct weft_org org_of(uint32_t party)
{
    static struct weft_verifier roots[2];
    static struct weft_principal admins[2];
    char admin[96];
    admin_of(party, admin);
    roots[party] = root_of(party).verifier;
    admins[party] = signers_principal(admin);
    return (struct weft_org){.org = weft_text_of(orgs[party]),
        .link = {.version = 1,
            .issued_ns = SIGNERS_NOW_NS,
            .expires_ns = SIGNERS_NOW_NS + 365 * SIGNERS_DAY_NS},
        .root_threshold = 1,
        .root_count = 1,
        .admin_threshold = 1,
        .admin_count = 1,
        .roots = &roots[party],
        .admins = &admins[party]};
}

static struct weft_digest org_digest(uint32_t party)
{
    struct weft_org org = org_of(party);
    struct weft_buffer text = signers_org_text(&org);
    struct weft_digest digest = weft_sha256(text.data, text.size);
    weft_buffer_destroy(&text);
    return digest;
}

static struct weft_text org_note(uint32_t party)
{
    char root[96];
    const char *const by[] = {root, NULL};
    struct weft_org org = org_of(party);
    struct weft_buffer text = signers_org_text(&org);
    (void)snprintf(root, sizeof(root), "%s/root/a", orgs[party]);
    struct weft_buffer note = signers_note(weft_buffer_as_text(&text), by);
    struct weft_text kept = keep(weft_buffer_as_text(&note));
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
    return kept;
}

/* The admin's key, over the nonce of an empty ring. */
static struct weft_text key_note(uint32_t party)
{
    static const struct weft_keyring none = {NULL, 0, 0};
    char admin[96], root[96];
    const char *const by[] = {root, admin, NULL};
    const struct weft_digest digest = org_digest(party);
    struct weft_buffer text = {0};
    struct weft_msg msg = {""};
    admin_of(party, admin);
    (void)snprintf(root, sizeof(root), "%s/root/a", orgs[party]);
    struct weft_enroll enroll = {.org = weft_text_of(orgs[party]),
        .principal = signers_principal(admin),
        .key = signers_make(admin).verifier,
        .issued_ns = SIGNERS_NOW_NS,
        .expires_ns = SIGNERS_NOW_NS + SIGNERS_DAY_NS};
    weft_enroll_nonce(&digest, weft_text_of(sites[party]), &none, &enroll.principal, enroll.nonce);
    must(weft_enroll_encode(&enroll, &text, &msg), &msg);
    struct weft_buffer note = signers_note(weft_buffer_as_text(&text), by);
    struct weft_text kept = keep(weft_buffer_as_text(&note));
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
    return kept;
}

static struct weft_text policy_note(uint32_t party)
{
    char admin[96];
    const char *const by[] = {admin, NULL};
    struct weft_buffer text = {0};
    admin_of(party, admin);
    must(weft_buffer_format(&text,
             "policy core 1\n"
             "permit admin\n  who  op ann\n  do   admin-policy admin-keys share redact\n"
             "permit write\n  who  op ann svc robot\n  do   write create\n"
             "permit partners\n  who  partner %s\n  do   share\n"
             "permit look\n  who  op cy\n  do   read\n  hide cost/*\n"
             "permit builds\n  who  op dee\n  do   read\n  on   kind as_built\n"
             "forbid secret\n  who  op cy op dee\n  do   read\n  on   label secret\n"
             "forbid itar\n  do   share\n  on   label itar\n"
             "forbid sealed\n  who  partner %s\n  do   write\n  on   label sealed\n"
             "forbid kept\n  who  partner %s\n  do   redact\n  on   label kept\n",
             orgs[1 - party], orgs[1 - party], orgs[1 - party]),
        &(struct weft_msg){"memory"});
    struct weft_buffer note = signers_note(weft_buffer_as_text(&text), by);
    struct weft_text kept = keep(weft_buffer_as_text(&note));
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
    return kept;
}

/* --- the agreement --------------------------------------------------------------------------- */

struct weft_contract rig_contract(void)
{
    static const struct weft_contract_authority authorities[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT(""), RIG_SUPPLIER},
        {WEFT_TEXT("part_revision"), WEFT_TEXT(""), RIG_OEM},
    };
    static const struct weft_contract_cell cells[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT("verdict"), WEFT_CELL_JOIN}};
    static const struct weft_contract_kind kinds[2][2] = {
        {{WEFT_TEXT("inspection"), WEFT_DISCLOSED}, {WEFT_TEXT("part_revision"), WEFT_DISCLOSED}},
        {{WEFT_TEXT("inspection"), WEFT_DISCLOSED}}};
    static const struct weft_contract_mask masks[] = {
        {WEFT_TEXT("inspection"), WEFT_TEXT("operator"), WEFT_COMMITTED},
        {WEFT_TEXT("inspection"), WEFT_TEXT("cost"), WEFT_HIDDEN}};
    struct weft_contract contract = {.name = WEFT_TEXT(RIG_NAME),
        .link = {.version = 1,
            .issued_ns = SIGNERS_NOW_NS,
            .expires_ns = SIGNERS_NOW_NS + 30 * SIGNERS_DAY_NS},
        .authorities = authorities,
        .authority_count = 2,
        .cells = cells,
        .cell_count = 1};
    for (uint32_t i = 0; i < 2; i++) {
        contract.parties[i] = (struct weft_contract_party){
            weft_text_of(sites[i]), weft_text_of(orgs[i]), org_digest(i)};
        contract.sides[i] = (struct weft_contract_side){.threshold = RIG_NODES,
            .kinds = kinds[i],
            .kind_count = i == RIG_OEM ? 2 : 1,
            .masks = masks,
            .mask_count = i == RIG_OEM ? 0 : 2,
            .depth = WEFT_CONTRACT_DEPTH_ANY,
            .retain_days = 3650,
            .rate_statements = 10000,
            .rate_bytes = 20000000,
            .queue_statements = 100000,
            .quarantine_statements = 3};
    }
    return contract;
}

struct weft_buffer rig_contract_note(
    const struct rig_pair *pair, struct weft_contract *contract, bool by_oem, bool by_supplier)
{
    struct weft_arena arena = {.size_max = WEFT_CONTRACT_MEMORY_MAX};
    struct weft_buffer text = {0}, note = {0};
    struct weft_msg msg = {""};
    struct weft_signer signers[2];
    uint32_t count = 0;
    contract->link.version = pair->contract.link.version + 1;
    contract->link.prev = pair->digest;
    if (by_oem) {
        signers[count++] = root_of(RIG_OEM);
    }
    if (by_supplier) {
        signers[count++] = root_of(RIG_SUPPLIER);
    }
    must(weft_contract_encode(contract, &arena, &text, &msg), &msg);
    contract->link.digest = weft_sha256(text.data, text.size);
    must(weft_note_sign(weft_buffer_as_text(&text), signers, count, &note, &msg), &msg);
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&text);
    return note;
}

void rig_amend(struct rig_pair *pair, struct weft_contract *contract, bool by_oem, bool by_supplier)
{
    struct weft_buffer note = rig_contract_note(pair, contract, true, true);
    for (uint32_t i = 0; i < 2; i++) {
        if (i == RIG_OEM ? by_oem : by_supplier) {
            rig_must(&pair->sites[i],
                rig_note("agreement", "agreement:" RIG_NAME, weft_buffer_as_text(&note)));
        }
    }
    pair->contract = *contract;
    pair->digest = contract->link.digest;
    weft_buffer_destroy(&note);
}

/* --- records --------------------------------------------------------------------------------- */

static struct weft_record partner_record(uint32_t party, bool is_own, const char *ends)
{
    struct weft_field *fields = fields_of(5);
    struct weft_buffer keys = {0};
    char asset[96], vkey[WEFT_VKEY_TEXT_SIZE];
    uint32_t count = 0;
    for (uint32_t i = 0; i < RIG_NODES; i++) {
        struct weft_signer signer = signer_of("/node", party, i);
        weft_verifier_format(&signer.verifier, vkey);
        must(weft_buffer_format(&keys, "%s%s\n", vkey, ends), &(struct weft_msg){"memory"});
    }
    fields[count++] = text_field("keys", weft_buffer_as_text(&keys));
    fields[count++] = text_field("endpoints", WEFT_TEXT("127.0.0.1:9000\n"));
    if (!is_own) {
        fields[count++] = text_field("org", org_note(party));
        fields[count++] = text_field("ca", WEFT_TEXT("-----BEGIN CERTIFICATE-----\n"));
        fields[count++] = text_field("names", WEFT_TEXT("customer:north"));
    }
    (void)snprintf(asset, sizeof(asset), "partner:%s", sites[party]);
    weft_buffer_destroy(&keys);
    return record_of("partner", asset, fields, count);
}

struct weft_record rig_partner(uint32_t party, bool is_own)
{
    return partner_record(party, is_own, "");
}

struct weft_record rig_former(uint32_t party, bool is_own, const char *ends)
{
    return partner_record(party, is_own, ends);
}

struct weft_record rig_act(const char *act)
{
    struct weft_field *fields = fields_of(1);
    fields[0] = text_field("act", weft_text_of(act));
    return record_of("stream_act", "agreement:" RIG_NAME, fields, 1);
}

struct weft_record rig_lost(
    const char *act, const struct weft_merkle_head *head, const struct weft_merkle_head *base)
{
    char texts[2][WEFT_LOST_TEXT_SIZE];
    struct weft_field *fields = fields_of(3);
    weft_lost_format(base, texts[0]);
    weft_lost_format(head, texts[1]);
    fields[0] = text_field("act", weft_text_of(act));
    fields[1] = text_field("base", weft_text_of(texts[0]));
    fields[2] = text_field("head", weft_text_of(texts[1]));
    return record_of("stream_act", "agreement:" RIG_NAME, fields, 3);
}

struct weft_record rig_inspection(uint64_t number, const char *verdict)
{
    struct weft_field *fields = fields_of(3);
    char asset[32];
    (void)snprintf(asset, sizeof(asset), "serial:box/%" PRIu64, number);
    fields[0] = text_field("cost", WEFT_TEXT("SECRET-12.50"));
    fields[1] = text_field("operator", WEFT_TEXT("op/17"));
    fields[2] = text_field("verdict", weft_text_of(verdict));
    return record_of("inspection", asset, fields, 3);
}

struct weft_record rig_link(const char *kind, const char *asset, const char *rel, const char *to)
{
    static struct weft_link links[RIG_TEXTS];
    static uint32_t used;
    struct weft_link *link = &links[used++ % RIG_TEXTS];
    *link = (struct weft_link){keep(weft_text_of(rel)), keep(weft_text_of(to)), NULL, 0};
    struct weft_record record = record_of(kind, asset, NULL, 0);
    record.links = link;
    record.link_count = 1;
    return record;
}

/* --- entries --------------------------------------------------------------------------------- */

/* The entry that was applied last stays on the tape. */
static enum weft_err outcome(struct rig_site *site, const struct weft_applied_item *item)
{
    const struct weft_buffer *bytes = &site->f.entry.bytes;
    EXPECT_TRUE(site->taped < RIG_TAPE_MAX);
    must(weft_buffer_append(&site->tape[site->taped++], bytes->data, bytes->size),
        &(struct weft_msg){"tape"});
    site->msg.text[0] = '\0';
    if (item->err != WEFT_OK) {
        (void)snprintf(site->msg.text, sizeof(site->msg.text), "%.*s (%.*s)",
            (int)item->error.detail.size, item->error.detail.data, (int)item->error.pointer.size,
            item->error.pointer.data);
    }
    return item->err;
}

static enum weft_err commit(
    struct rig_site *site, const struct weft_record *records, uint32_t count)
{
    struct weft_commit commit = {.records = records, .record_count = count};
    char uri[128], admin[96];
    admin_of(site->party, admin);
    (void)snprintf(uri, sizeof(uri), "spiffe://%s", admin);
    weft_put_le64(commit.request_id.bytes, ++site->requests);
    test_entry_begin(&site->f.entry);
    EXPECT_TRUE(test_entry_commit(&site->f.entry, uri, &commit));
    fixture_apply(&site->f);
    EXPECT_EQ(1, site->f.item_count);
    return outcome(site, &site->f.items[0]);
}

enum weft_err rig_commit(struct rig_site *site, struct weft_record record)
{
    return commit(site, &record, 1);
}

void rig_must(struct rig_site *site, struct weft_record record)
{
    enum weft_err err = rig_commit(site, record);
    EXPECT_TEXT("", site->msg.text);
    EXPECT_EQ(WEFT_OK, err);
}

enum weft_err rig_item(struct rig_site *site, const struct weft_stream_entry *entry)
{
    struct weft_buffer body = {0};
    char uri[128];
    (void)snprintf(uri, sizeof(uri), "spiffe://%s/node/n1", sites[site->party]);
    must(weft_stream_entry_encode(entry, &body), &(struct weft_msg){"item"});
    test_entry_begin(&site->f.entry);
    test_entry_item(&site->f.entry, WEFT_ITEM_STREAM, uri, body.data, body.size);
    fixture_apply(&site->f);
    weft_buffer_destroy(&body);
    EXPECT_EQ(1, site->f.item_count);
    return outcome(site, &site->f.items[0]);
}

enum weft_err rig_message(struct rig_site *site, enum weft_stream_act act, uint64_t number,
    uint32_t provider, struct weft_partner_message *message)
{
    struct weft_buffer bytes = {0};
    message->stream = (struct weft_stream_name){WEFT_TEXT(RIG_NAME), weft_text_of(sites[provider])};
    must(weft_partner_encode(message, &bytes), &(struct weft_msg){"message"});
    const struct weft_stream_entry entry = {.act = act,
        .number = number,
        .agreement = WEFT_TEXT(RIG_NAME),
        .message = {bytes.data, bytes.size}};
    enum weft_err err = rig_item(site, &entry);
    weft_buffer_destroy(&bytes);
    return err;
}

/* --- sites ----------------------------------------------------------------------------------- */

static void govern(struct rig_site *site)
{
    const struct weft_record records[] = {
        rig_note("authority", "authority:org", org_note(site->party)),
        rig_note("authority", "authority:key/op/ann", key_note(site->party)),
        rig_note("authority", "authority:policy", policy_note(site->party))};
    enum weft_err err = commit(site, records, 3);
    EXPECT_TEXT("", site->msg.text);
    EXPECT_EQ(WEFT_OK, err);
}

void rig_pair_start(struct rig_pair *pair, const char *name)
{
    memset(pair, 0, sizeof(*pair));
    for (uint32_t i = 0; i < 2; i++) {
        struct rig_site *site = &pair->sites[i];
        char directory[64];
        (void)snprintf(directory, sizeof(directory), "%s%u", name, i);
        fixture_init(&site->f, directory);
        site->party = i;
        site->f.options.org = orgs[i];
        site->f.options.site = names[i];
        site->f.time_ns = SIGNERS_NOW_NS;
        fixture_open(&site->f);
        govern(site);
        rig_must(site, rig_partner(1 - i, false));
        rig_must(site, rig_partner(i, true));
    }
}

void rig_pair_agree(struct rig_pair *pair)
{
    struct weft_contract contract = rig_contract();
    rig_amend(pair, &contract, true, true);
}

void rig_pair_stop(struct rig_pair *pair)
{
    for (uint32_t i = 0; i < 2; i++) {
        for (uint32_t k = 0; k < pair->sites[i].taped; k++) {
            weft_buffer_destroy(&pair->sites[i].tape[k]);
        }
        fixture_destroy(&pair->sites[i].f);
    }
}

void rig_reopen(struct rig_site *site)
{
    fixture_close(&site->f);
    fixture_open(&site->f);
}

struct weft_agreement rig_agreement(struct rig_site *site)
{
    struct weft_agreement agreement;
    EXPECT_TRUE(
        weft_streams_find(weft_state_streams(site->f.state), WEFT_TEXT(RIG_NAME), &agreement));
    return agreement;
}

const struct weft_provider *rig_provider(struct rig_site *site)
{
    return rig_agreement(site).provider;
}

const struct weft_consumer *rig_consumer(struct rig_site *site)
{
    return rig_agreement(site).consumer;
}

uint32_t rig_step(struct rig_site *site)
{
    uint32_t number = 0, steps = 0;
    while (weft_streams_due(weft_state_streams(site->f.state), &number)) {
        const struct weft_stream_entry entry = {
            .act = WEFT_STREAM_ACT_STEP, .agreement = rig_agreement(site).name};
        EXPECT_EQ(WEFT_OK, rig_item(site, &entry));
        EXPECT_TRUE(++steps < 10000);
        number = 0;
    }
    return steps;
}

/* --- transfers ------------------------------------------------------------------------------- */

struct weft_buffer rig_head_note(
    uint32_t party, const char *origin, const struct weft_merkle_head *head)
{
    const struct weft_checkpoint_note checkpoint = {.origin = weft_text_of(origin), .head = *head};
    struct weft_signer signers[RIG_NODES];
    struct weft_buffer text = {0}, note = {0};
    struct weft_msg msg = {""};
    for (uint32_t i = 0; i < RIG_NODES; i++) {
        signers[i] = signer_of("/node", party, i);
    }
    must(weft_checkpoint_note_encode(&checkpoint, &text, &msg), &msg);
    must(weft_note_sign(weft_buffer_as_text(&text), signers, RIG_NODES, &note, &msg), &msg);
    weft_buffer_destroy(&text);
    return note;
}

void rig_sign(struct rig_site *from)
{
    const struct weft_merkle_head tree = weft_stream_tree(&rig_provider(from)->stream);
    const struct weft_stream_entry entry = {.act = WEFT_STREAM_ACT_SIGN,
        .number = tree.size,
        .root = tree.root,
        .agreement = WEFT_TEXT(RIG_NAME)};
    enum weft_err err = rig_item(from, &entry);
    EXPECT_TEXT("", from->msg.text);
    EXPECT_EQ(WEFT_OK, err);
    EXPECT_EQ(tree.size, rig_provider(from)->signed_head.size);
}

static struct weft_stream_source source_of(struct rig_site *site, enum weft_direction direction)
{
    struct weft_stream_source source;
    EXPECT_EQ(WEFT_OK, weft_stream_source(site->f.state, 0, direction, &source));
    return source;
}

enum weft_err rig_send_head(struct rig_pair *pair, uint32_t from)
{
    struct rig_site *a = &pair->sites[from], *b = &pair->sites[1 - from];
    const struct weft_stream_source source = source_of(a, WEFT_SENT);
    const struct weft_merkle_head head = rig_provider(a)->signed_head;
    const uint64_t known = rig_consumer(b)->head.size;
    struct weft_merkle_proof proof = {.count = 0};
    char origin[WEFT_STREAM_ORIGIN_SIZE];
    weft_stream_origin(weft_text_of(sites[from]), WEFT_TEXT(RIG_NAME), origin);
    struct weft_buffer note = rig_head_note(from, origin, &head);
    if (known > 0 && known <= head.size) {
        must(weft_stream_source_consistency(&source, known, head.size, &proof, &a->msg), &a->msg);
    }
    struct weft_partner_message message = {.kind = WEFT_KIND_STREAM_HEAD,
        .head = {.note = weft_buffer_as_text(&note),
            .old_size = known,
            .proof = weft_stream_proof_bytes(&proof)}};
    enum weft_err err = rig_message(b, WEFT_STREAM_ACT_HEAD, 0, from, &message);
    weft_buffer_destroy(&note);
    return err;
}

enum weft_err rig_send_batch(struct rig_pair *pair, uint32_t from, uint32_t count_max)
{
    struct rig_site *a = &pair->sites[from], *b = &pair->sites[1 - from];
    const struct weft_stream_source source = source_of(a, WEFT_SENT);
    const uint64_t next = rig_consumer(b)->stream.tree.size;
    const uint64_t head = rig_consumer(b)->head.size;
    struct weft_buffer items = {0};
    struct weft_merkle_proof proof = {.count = 0};
    uint32_t count = 0;
    const uint64_t left = head - next < count_max ? head - next : count_max;
    must(weft_stream_source_items(
             &source, next, (uint32_t)left, 256 * 1024, pair->is_explicit, &items, &count, &a->msg),
        &a->msg);
    must(weft_stream_source_consistency(&source, next + count, head, &proof, &a->msg), &a->msg);
    struct weft_partner_message message = {.kind = WEFT_KIND_STREAM_BATCH,
        .batch = {.first = next,
            .count = count,
            .items = {items.data, items.size},
            .head_size = head,
            .proof = weft_stream_proof_bytes(&proof)}};
    enum weft_err err = rig_message(b, WEFT_STREAM_ACT_BATCH, next + count, from, &message);
    weft_buffer_destroy(&items);
    return err;
}

enum weft_err rig_send_receipt(struct rig_pair *pair, uint32_t from)
{
    struct rig_site *a = &pair->sites[from], *b = &pair->sites[1 - from];
    const struct weft_merkle_head tree = weft_stream_tree(&rig_consumer(b)->stream);
    char origin[WEFT_STREAM_ORIGIN_SIZE];
    weft_stream_receipt_origin(weft_text_of(sites[1 - from]), WEFT_TEXT(RIG_NAME), origin);
    struct weft_buffer note = rig_head_note(1 - from, origin, &tree);
    struct weft_partner_message message = {
        .kind = WEFT_KIND_STREAM_RECEIPT, .receipt = {.note = weft_buffer_as_text(&note)}};
    enum weft_err err = rig_message(a, WEFT_STREAM_ACT_RECEIPT, 0, from, &message);
    weft_buffer_destroy(&note);
    return err;
}

void rig_transfer(struct rig_pair *pair, uint32_t from, uint32_t count_max)
{
    struct rig_site *a = &pair->sites[from], *b = &pair->sites[1 - from];
    rig_sign(a);
    EXPECT_EQ(WEFT_OK, rig_send_head(pair, from));
    while (rig_consumer(b)->stream.tree.size < rig_consumer(b)->head.size) {
        enum weft_err err = rig_send_batch(pair, from, count_max);
        EXPECT_TEXT("", b->msg.text);
        EXPECT_EQ(WEFT_OK, err);
    }
    EXPECT_EQ(WEFT_OK, rig_send_receipt(pair, from));
    EXPECT_EQ(rig_provider(a)->signed_head.size, rig_provider(a)->receipt.size);
}

void rig_expect_equal(struct rig_pair *pair, uint32_t from)
{
    const struct weft_stream *sent = &rig_provider(&pair->sites[from])->stream;
    const struct weft_stream *received = &rig_consumer(&pair->sites[1 - from])->stream;
    const struct weft_merkle_head a = weft_stream_tree(sent), b = weft_stream_tree(received);
    EXPECT_EQ(a.size, b.size);
    EXPECT_TRUE(weft_digest_equal(&a.root, &b.root));
    EXPECT_EQ(sent->phase, received->phase);
    EXPECT_EQ(sent->version, received->version);
    EXPECT_EQ(sent->statement_count, received->statement_count);
}

void rig_expect_sound(struct rig_site *site)
{
    struct weft_state_check check = {.directory = site->f.directory};
    struct weft_msg msg = {""};
    fixture_close(&site->f);
    enum weft_err err = weft_state_check(&check, &msg);
    EXPECT_TEXT("", msg.text);
    EXPECT_EQ(WEFT_OK, err);
    fixture_open(&site->f);
}

void rig_expect_replayed(struct rig_site *site, const char *name, uint32_t batch_max)
{
    static struct weft_log_entry entries[64];
    static struct rig_site twin;
    EXPECT_TRUE(batch_max <= 64);
    memset(&twin, 0, sizeof(twin));
    fixture_init(&twin.f, name);
    twin.f.options.org = site->f.options.org;
    twin.f.options.site = site->f.options.site;
    fixture_open(&twin.f);
    for (uint32_t done = 0; done < site->taped;) {
        uint32_t count = 1 + (uint32_t)test_random(batch_max);
        count = count < site->taped - done ? count : site->taped - done;
        for (uint32_t i = 0; i < count; i++) {
            const struct weft_buffer *tape = &site->tape[done + i];
            entries[i] = (struct weft_log_entry){.index = done + i + 1,
                .term = 1,
                .type = WEFT_ENTRY_COMMAND,
                .data = {tape->data, tape->size}};
        }
        weft_arena_reset(&twin.f.arena);
        must(weft_state_apply(twin.f.state, entries, count, test_random(2) == 0, &twin.f.arena,
                 &twin.f.items, &twin.f.item_count, &twin.f.msg),
            &twin.f.msg);
        done += count;
        twin.f.index = done;
        if (test_random(20) == 0) {
            rig_reopen(&twin);
        }
    }
    const struct weft_digest_result a = fixture_digest(&site->f);
    const struct weft_digest_result b = fixture_digest(&twin.f);
    EXPECT_EQ(a.index, b.index);
    EXPECT_EQ(a.keys, b.keys);
    EXPECT_TRUE(weft_digest_equal(&a.digest, &b.digest));
    fixture_destroy(&twin.f);
}

struct weft_text rig_file(struct rig_site *site, const char *path, struct weft_arena *arena)
{
    char node[64];
    (void)snprintf(node, sizeof(node), "spiffe://%s/node/n1", sites[site->party]);
    const struct weft_query q = {
        .type = WEFT_QUERY_AUDIT, .asset = weft_text_of(path), .principal = weft_text_of(node)};
    struct weft_client_message answer;
    struct weft_view *view;
    EXPECT_EQ(WEFT_OK, weft_view_open(site->f.state, &view, &site->msg));
    enum weft_err err = weft_view_query(view, &q, arena, &answer, &site->msg);
    weft_view_close(view);
    return err == WEFT_OK ? (struct weft_text){(const char *)answer.audit.content.data,
                                answer.audit.content.size}
                          : (struct weft_text){NULL, 0};
}
