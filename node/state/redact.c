#include "node/state/redact.h"

#include <stdio.h>

#include "node/mutant.h"
#include "node/state/audit_read.h"
#include "node/state/dossier.h"
#include "node/state/pack.h"
#include "node/state/redaction.h"
#include "node/state/salts.h"
#include "policy/evidence.h"
#include "proto/check.h"
#include "proto/statement.h"
#include "proto/stored.h"

enum {
    ARENA_SIZE_MAX = 64 * 1024 * 1024,
    HOLD_STEPS_MAX = 50 * 1000, /* keys looked at for the holds of an asset; as govern's */
};

/* One redaction of fields. */
struct run {
    const struct weft_redact *redact;
    struct weft_redaction asked;
    struct weft_redacted *done;
    struct weft_refusal *refusal;
    struct weft_arena arena;
    struct weft_buffer value; /* A pack, under construction. */
    struct weft_buffer bytes; /* Its records. */
    struct weft_msg *msg;
    struct weft_store_batch *batch; /* Its own: a refusal leaves nothing. */
    struct weft_text asset_name;
    uint64_t asset;
    uint64_t index;      /* Of the entry whose packs are written anew. */
    const uint8_t *seed; /* Its; NULL: its salts are told already. */
    uint64_t records;    /* That match. */
    uint64_t gone;       /* Fields of them that were redacted before. */
};

/* Kinds that the state is made of when it is opened, and what says that something is redacted. */
static bool is_kept(struct weft_text kind)
{
    static const char *const kinds[] = {"authority", "command", "envelope", "handover", "model",
        "site_setting", "twin_policy", WEFT_REDACTION_KIND, WEFT_HOLD_KIND};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (weft_text_is(kind, kinds[i])) {
            return true;
        }
    }
    return false;
}

static enum weft_err refuse(struct weft_refusal *r, enum weft_err err, const char *pointer)
{
    r->err = err;
    (void)snprintf(r->pointer, sizeof(r->pointer), "/records/0%s", pointer);
    return WEFT_OK;
}

static enum weft_err no_memory(struct run *r)
{
    (void)weft_fail(r->msg, WEFT_ENOMEM, "redact");
    return WEFT_ENOMEM;
}

static enum weft_err damaged(struct run *r)
{
    return weft_fail(r->msg, WEFT_ECORRUPT, "the records of index %llu are damaged",
        (unsigned long long)r->index);
}

/* --- holds ----------------------------------------------------------------------------------- */

/* The holds of the asset, one after the other; a machine that has none says when one lasts. */
static enum weft_err check_holds(struct run *r, bool *ret_free)
{
    const struct weft_redact *d = r->redact;
    struct weft_evidence_record held = {.is_redacted = false};
    const struct weft_stored_record *records = NULL;
    struct weft_loader loader;
    uint32_t count = 0;
    weft_loader_init(&loader, d->store, NULL);
    struct weft_dossier dossier = {.store = d->store,
        .names = d->names,
        .walk = weft_store_walk_create(d->store, NULL, false),
        .loader = &loader,
        .arena = &r->arena,
        .msg = r->msg,
        .as_of = UINT64_MAX,
        .at_ns = INT64_MAX,
        .steps_left = HOLD_STEPS_MAX};
    enum weft_err rv = dossier.walk != NULL ? WEFT_OK : no_memory(r);
    if (rv == WEFT_OK && r->asset != 0) {
        rv = weft_dossier_history(&dossier, r->asset, WEFT_TEXT(WEFT_HOLD_KIND), &records, &count);
    }
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && err == WEFT_OK && i < count; i++) {
        struct weft_hold hold;
        if (weft_hold_read(&records[i].record, &hold, NULL) != WEFT_OK) {
            continue; /* From before there were rules for it. */
        }
        /* To release what is not held changes nothing. */
        err = !hold.is_released
                  ? weft_evidence_hold(&held, hold.name, hold.until_ns, &r->refusal->detail)
                  : weft_evidence_release(&held, hold.name, NULL);
        err = hold.is_released ? WEFT_OK : err;
    }
    weft_store_walk_destroy(dossier.walk);
    weft_loader_close(&loader);
    if (rv == WEFT_OK && err == WEFT_OK) {
        err = weft_evidence_redact(&held, d->time_ns, 0, &r->refusal->detail);
    }
    err = weft_node_mutant(WEFT_NODE_MUTANT_HOLD_IGNORED) ? WEFT_OK : err;
    *ret_free = rv == WEFT_OK && err == WEFT_OK;
    return rv == WEFT_OK && err != WEFT_OK ? refuse(r->refusal, err, "/asset") : rv;
}

/* --- fields ---------------------------------------------------------------------------------- */

/* The path itself, or below it. */
static bool is_meant(struct weft_text path, struct weft_text asked)
{
    return path.size >= asked.size && memcmp(path.data, asked.data, asked.size) == 0 &&
           (path.size == asked.size || path.data[asked.size] == '/');
}

/* *ret_salts: of the record's leaves. */
static enum weft_err find_salts(
    struct run *r, const struct weft_record *record, uint32_t ordinal, struct weft_salt **ret_salts)
{
    uint32_t count = weft_statement_leaf_count(record);
    if (r->seed == NULL) {
        return weft_salts_get(
            r->redact->store, NULL, r->index, ordinal, record, &r->arena, ret_salts, r->msg);
    }
    struct weft_salt *salts = weft_arena_array(&r->arena, count, sizeof(*salts));
    if (salts == NULL) {
        return no_memory(r);
    }
    for (uint32_t i = 0; i < count; i++) {
        salts[i] = weft_statement_salt(r->seed, ordinal, i);
    }
    *ret_salts = salts;
    return WEFT_OK;
}

static enum weft_err add_commitment(struct run *r, const struct weft_digest *leaf)
{
    struct weft_redacted *done = r->done;
    if (done->count == WEFT_AUDIT_EVIDENCE_MAX) {
        (void)weft_fail(&r->refusal->detail, WEFT_ETOOBIG,
            "more than %d fields are there: name fewer of them at once", WEFT_AUDIT_EVIDENCE_MAX);
        return refuse(r->refusal, WEFT_ETOOBIG, "/attrs/path");
    }
    uint32_t place = done->count++;
    while (place > 0 && memcmp(&done->commitments[place - 1], leaf, sizeof(*leaf)) > 0) {
        done->commitments[place] = done->commitments[place - 1];
        place--;
    }
    done->commitments[place] = *leaf;
    return WEFT_OK;
}

/* The record without the values that are meant; their salts are zeros. */
static enum weft_err strike(struct run *r, struct weft_record *record,
    const struct weft_digest *digest, struct weft_salt *salts)
{
    uint32_t count = record->field_count;
    struct weft_redacted_statement *told = weft_arena_alloc(r->redact->arena, sizeof(*told));
    struct weft_text *paths = weft_arena_array(r->redact->arena, count, sizeof(*paths));
    if (told == NULL || paths == NULL) {
        return no_memory(r);
    }
    struct weft_field *fields = weft_arena_array(&r->arena, count, sizeof(*fields));
    uint32_t *leaves = weft_arena_array(&r->arena, count, sizeof(*leaves));
    if (fields == NULL || leaves == NULL ||
        weft_statement_field_leaves(record, &r->arena, leaves) != WEFT_OK) {
        return no_memory(r);
    }
    r->records++;
    enum weft_err rv = WEFT_OK;
    for (uint32_t i = 0; rv == WEFT_OK && i < count; i++) {
        fields[i] = record->fields[i];
        if (!is_meant(fields[i].path, r->asked.path)) {
            continue;
        }
        if (fields[i].type == WEFT_VALUE_REDACTED) {
            r->gone++;
            continue;
        }
        struct weft_digest leaf =
            weft_statement_leaf(&salts[leaves[i]], fields[i].path, fields[i].type, fields[i].value);
        char *text = weft_arena_alloc(&r->arena, WEFT_DIGEST_TEXT_SIZE);
        paths[told->path_count] = weft_arena_text(r->redact->arena, fields[i].path);
        if (text == NULL || paths[told->path_count++].data == NULL) {
            return no_memory(r);
        }
        weft_digest_format(&leaf, text);
        if (!weft_node_mutant(WEFT_NODE_MUTANT_SALT_KEPT)) {
            salts[leaves[i]] = (struct weft_salt){{0}};
        }
        fields[i].type = WEFT_VALUE_REDACTED;
        fields[i].value = weft_text_of(text);
        rv = add_commitment(r, &leaf);
    }
    record->fields = fields;
    told->digest = *digest;
    told->paths = paths;
    told->next = r->done->statements;
    r->done->statements = told;
    return rv;
}

/* A record of the entry, as it stands in r->bytes from now on. */
static enum weft_err rewrite_record(
    struct run *r, struct weft_bytes bytes, uint32_t ordinal, uint32_t *ret_size)
{
    struct weft_record record;
    struct weft_digest digest;
    struct weft_salt *salts = NULL;
    size_t before = r->bytes.size;
    enum weft_err rv = weft_stored_decode(bytes, &r->arena, &digest, &record);
    if (rv != WEFT_OK) {
        return rv == WEFT_ENOMEM ? no_memory(r) : damaged(r);
    }
    rv = find_salts(r, &record, ordinal, &salts);
    if (rv == WEFT_OK && weft_text_equal(record.kind, r->asked.kind) &&
        weft_text_equal(record.asset, r->asset_name)) {
        rv = strike(r, &record, &digest, salts);
    }
    if (rv == WEFT_OK && weft_stored_encode(&record, &digest, &r->bytes) != WEFT_OK) {
        rv = no_memory(r);
    }
    if (rv == WEFT_OK) {
        const struct weft_key key = weft_key_salts(r->index, ordinal);
        weft_store_batch_put(
            r->batch, &key, salts, weft_statement_leaf_count(&record) * sizeof(*salts));
        *ret_size = (uint32_t)(r->bytes.size - before);
    }
    return rv;
}

/* A pack of the entry, with the same records; the first one has no seed any more. */
static enum weft_err rewrite_pack(
    struct run *r, struct weft_bytes key_bytes, struct weft_bytes value)
{
    struct weft_pack pack;
    uint32_t first = weft_get_be24(key_bytes.data + 7);
    if (weft_pack_open(value, &pack) != WEFT_OK) {
        return damaged(r);
    }
    if (first == 0) {
        r->seed = pack.seed;
    }
    uint32_t *sizes = weft_arena_array(&r->arena, pack.count, sizeof(*sizes));
    enum weft_err rv = sizes != NULL ? WEFT_OK : no_memory(r);
    weft_buffer_clear(&r->bytes);
    for (uint32_t i = 0; rv == WEFT_OK && i < pack.count; i++) {
        struct weft_bytes bytes;
        rv = weft_pack_record(&pack, i, &bytes) == WEFT_OK
                 ? rewrite_record(r, bytes, first + i, &sizes[i])
                 : damaged(r);
    }
    const uint8_t *seed = weft_node_mutant(WEFT_NODE_MUTANT_SEED_KEPT) ? pack.seed : NULL;
    weft_buffer_clear(&r->value);
    if (rv == WEFT_OK &&
        (weft_pack_begin(pack.time_ns, seed, sizes, pack.count, &r->value) != WEFT_OK ||
            weft_buffer_append(&r->value, r->bytes.data, r->bytes.size) != WEFT_OK)) {
        rv = no_memory(r);
    }
    if (rv == WEFT_OK) {
        const struct weft_key key = weft_key_records(r->index, first);
        weft_store_batch_put(r->batch, &key, r->value.data, r->value.size);
    }
    return rv;
}

static enum weft_err rewrite_packs(struct run *r)
{
    const struct weft_key key = weft_key_records(r->index, 0);
    const struct weft_bytes prefix = {key.bytes, 1 + WEFT_INDEX_SIZE};
    struct weft_store_walk *walk = weft_store_walk_create(r->redact->store, NULL, false);
    uint8_t seed[WEFT_SALT_SEED_SIZE];
    enum weft_err rv = WEFT_OK;
    if (walk == NULL) {
        return no_memory(r);
    }
    for (weft_store_walk_to(walk, &key);
         rv == WEFT_OK && r->refusal->err == WEFT_OK && weft_store_walk_is_below(walk, prefix);
         weft_store_walk_next(walk)) {
        rv = rewrite_pack(r, weft_store_walk_key(walk), weft_store_walk_value(walk));
        if (r->seed != NULL && r->seed != seed) { /* The walk moves on. */
            memcpy(seed, r->seed, sizeof(seed));
            r->seed = seed;
        }
    }
    if (rv == WEFT_OK) {
        rv = weft_store_walk_err(walk, r->msg);
    }
    weft_store_walk_destroy(walk);
    r->seed = NULL; /* It stands here alone. */
    return rv;
}

static enum weft_err redact_fields(struct run *r)
{
    struct weft_refusal *refusal = r->refusal;
    if (is_kept(r->asked.kind)) {
        (void)weft_fail(&refusal->detail, WEFT_EREFUSED, "records of kind %.*s are not redacted",
            (int)r->asked.kind.size, r->asked.kind.data);
        return refuse(refusal, WEFT_EREFUSED, "/attrs/kind");
    }
    if (r->asked.index >= r->redact->index) {
        (void)weft_fail(&refusal->detail, WEFT_ENOTFOUND, "there is no such index yet");
        return refuse(refusal, WEFT_ENOTFOUND, "/attrs/index");
    }
    r->index = r->asked.index;
    enum weft_err rv = rewrite_packs(r);
    if (rv != WEFT_OK || refusal->err != WEFT_OK || r->done->count > 0) {
        return rv;
    }
    (void)weft_fail(&refusal->detail, r->gone > 0 ? WEFT_ESTATE : WEFT_ENOTFOUND,
        r->gone > 0      ? "it is redacted already"
        : r->records > 0 ? "the record has no such field"
                         : "there is no record of that kind on the asset at that index");
    return refuse(refusal, r->gone > 0 ? WEFT_ESTATE : WEFT_ENOTFOUND,
        r->records > 0 ? "/attrs/path" : "/attrs/index");
}

/* --- evidence -------------------------------------------------------------------------------- */

/* Its salt follows from the seed of the entry that it came with: that goes too. */
static enum weft_err redact_evidence(struct run *r)
{
    struct weft_store_value value = {.handle = NULL};
    struct weft_key key = weft_key_evidence(&r->asked.evidence), end = key;
    struct weft_bytes file;
    enum weft_err rv = weft_store_get(r->redact->store, NULL, &key, &value, r->msg);
    if (rv == WEFT_OK) {
        rv = weft_audit_open_evidence(value.bytes, &r->index, &file, r->msg);
    }
    weft_store_release(&value);
    if (rv == WEFT_ENOTFOUND) {
        (void)weft_fail(&r->refusal->detail, rv,
            "no such evidence is kept: it was redacted, or "
            "never was");
        return refuse(r->refusal, rv, "/attrs/evidence");
    }
    if (rv == WEFT_OK) {
        rv = rewrite_packs(r);
    }
    if (rv == WEFT_OK) {
        end.bytes[end.size++] = 0; /* The next key after it. */
        weft_store_batch_forget(r->redact->batch, &key, &end);
        r->done->count = 1;
        r->done->commitments[0] = r->asked.evidence;
    }
    return rv;
}

/* --- all of it ------------------------------------------------------------------------------- */

static void hand_over(void *ctx, struct weft_bytes key_bytes, struct weft_bytes value)
{
    struct weft_key key = {.size = key_bytes.size};
    memcpy(key.bytes, key_bytes.data, key_bytes.size);
    weft_store_batch_put(ctx, &key, value.data, value.size);
}

static enum weft_err run(struct run *r)
{
    bool is_free = false;
    enum weft_err rv = check_holds(r, &is_free);
    if (rv == WEFT_OK && is_free) {
        rv = r->asked.is_evidence ? redact_evidence(r) : redact_fields(r);
    }
    if (rv == WEFT_OK && r->refusal->err == WEFT_OK) {
        weft_redact_note(r->redact->batch, r->redact->index);
        weft_store_batch_drain(r->batch, hand_over, r->redact->batch);
    }
    return rv;
}

static enum weft_err redact_one(struct run *r, const struct weft_record *record)
{
    struct weft_msg *detail = &r->refusal->detail;
    r->batch = weft_store_batch_create();
    r->asset_name = record->asset;
    if (r->batch == NULL) {
        return no_memory(r);
    }
    enum weft_err err = weft_redaction_read(record, &r->asked, detail);
    enum weft_err rv = err == WEFT_OK ? run(r) : refuse(r->refusal, err, "/attrs");
    r->done->index = r->asked.index;
    weft_store_batch_destroy(r->batch);
    weft_arena_destroy(&r->arena);
    weft_buffer_destroy(&r->value);
    weft_buffer_destroy(&r->bytes);
    return rv;
}

enum weft_err weft_redact_run(const struct weft_redact *redact, const struct weft_commit *commit,
    uint64_t asset, struct weft_redacted *ret_redacted, struct weft_refusal *ret_refusal)
{
    struct weft_refusal *refusal = ret_refusal;
    struct weft_hold hold;
    *ret_redacted = (struct weft_redacted){.count = 0};
    refusal->err = WEFT_OK;
    for (uint32_t i = 0; i < commit->record_count && refusal->err == WEFT_OK; i++) {
        if (weft_text_is(commit->records[i].kind, WEFT_HOLD_KIND)) {
            refusal->err = weft_hold_read(&commit->records[i], &hold, &refusal->detail);
            (void)snprintf(refusal->pointer, sizeof(refusal->pointer), "/records/%u/attrs", i);
        }
    }
    if (refusal->err != WEFT_OK || !weft_redaction_is(commit)) {
        return WEFT_OK;
    }
    if (commit->record_count != 1) {
        (void)weft_fail(&refusal->detail, WEFT_EINVAL, "a redaction is alone in its commit");
        return refuse(refusal, WEFT_EINVAL, "");
    }
    if (redact->is_busy) {
        (void)weft_fail(&refusal->detail, WEFT_EBUSY, "another redaction came first: try again");
        return refuse(refusal, WEFT_EBUSY, "");
    }
    struct run r = {.redact = redact,
        .done = ret_redacted,
        .refusal = refusal,
        .arena = {.size_max = ARENA_SIZE_MAX},
        .value = {.size_max = SIZE_MAX / 2},
        .bytes = {.size_max = SIZE_MAX / 2},
        .msg = redact->msg,
        .asset = asset};
    return redact_one(&r, &commit->records[0]);
}

void weft_redact_note(struct weft_store_batch *batch, uint64_t index)
{
    uint8_t bytes[8];
    const struct weft_key key = weft_key_single(WEFT_KEY_REDACTED);
    weft_put_be64(bytes, index);
    weft_store_batch_put(batch, &key, bytes, sizeof(bytes));
}

enum weft_err weft_redact_last(struct weft_store *store, uint64_t *ret_index, struct weft_msg *msg)
{
    struct weft_store_value value = {.handle = NULL};
    const struct weft_key key = weft_key_single(WEFT_KEY_REDACTED);
    enum weft_err rv = weft_store_get(store, NULL, &key, &value, msg);
    *ret_index = 0;
    if (rv == WEFT_OK && value.bytes.size != 8) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "the index of the last redaction is damaged");
    } else if (rv == WEFT_OK) {
        *ret_index = weft_get_be64(value.bytes.data);
    }
    weft_store_release(&value);
    return rv == WEFT_ENOTFOUND ? WEFT_OK : rv;
}
