#include "node/state/models.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/state/authority.h"
#include "node/state/commands.h"
#include "node/state/loader.h"
#include "node/state/redaction.h"
#include "proto/check.h"
#include "proto/digest.h"
#include "proto/model/model.h"

enum {
    TABLE_SIZE = 2 * WEFT_MODELS_MAX,
    RECORD_ARENA_SIZE_MAX = 4 * 1024 * 1024, /* chosen: a record of many small fields, decoded */
};

static const char model_kind[] = "model";
static const char setting_kind[] = "site_setting";

/* Kinds whose rules stand elsewhere: authorities.c, redact.c. */
static bool is_others(struct weft_text kind)
{
    return weft_authority_is_kind(kind) || weft_text_is(kind, WEFT_REDACTION_KIND) ||
           weft_text_is(kind, WEFT_HOLD_KIND);
}
static const char asset_prefix[] = "kind:";
static const char settings_asset[] = "site:settings";

/* A model of a kind. */
struct version {
    struct weft_model model;
    struct weft_arena arena;
    struct weft_digest text; /* Of its text. */
    uint64_t index;          /* In force behind it. */
    struct version *next;    /* In weft_models.staged. */
};

struct entry {
    uint64_t hash;
    struct version *in_force;
    struct version *coming; /* Of the newest index that registered one; NULL: none. */
};

/* May kinds be used that are not registered? */
struct setting {
    bool refuses;
    bool refuses_coming; /* In force behind coming_index. */
    uint64_t coming_index;
};

struct weft_models {
    uint64_t secret;
    struct entry entries[WEFT_MODELS_MAX];
    uint32_t count;
    uint16_t table[TABLE_SIZE]; /* Place in `entries` plus 1, by hash; 0: free. */
    struct setting setting;
    /* Of the commit that was checked last. */
    struct version *staged; /* Newest first. */
    bool has_staged_setting;
    bool staged_refuses;
    uint64_t staged_index;
    /* Scratch. */
    struct weft_arena scratch; /* Of compiling and comparing. */
    struct weft_arena record;  /* Of the record being loaded. */
};

/* What a `model` record says. */
struct registration {
    struct weft_text kind;
    struct weft_text dtdl;
    uint64_t version;
    bool is_breaking;
};

/* --- versions -------------------------------------------------------------------------------- */

static void destroy_version(struct version *v)
{
    if (v != NULL) {
        weft_arena_destroy(&v->arena);
        free(v);
    }
}

static void drop_staged(struct weft_models *models)
{
    while (models->staged != NULL) {
        struct version *next = models->staged->next;
        destroy_version(models->staged);
        models->staged = next;
    }
    models->has_staged_setting = false;
}

enum weft_err weft_models_create(
    uint64_t secret, struct weft_models **ret_models, struct weft_msg *msg)
{
    struct weft_models *models = calloc(1, sizeof(*models));
    if (models == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "open the registry of models");
    }
    models->secret = secret;
    models->scratch.size_max = WEFT_MODEL_SCRATCH_MAX;
    models->record.size_max = RECORD_ARENA_SIZE_MAX;
    *ret_models = models;
    return WEFT_OK;
}

void weft_models_destroy(struct weft_models *models)
{
    if (models == NULL) {
        return;
    }
    drop_staged(models);
    for (uint32_t i = 0; i < models->count; i++) {
        destroy_version(models->entries[i].in_force);
        destroy_version(models->entries[i].coming);
    }
    weft_arena_destroy(&models->scratch);
    weft_arena_destroy(&models->record);
    free(models);
}

/* --- the table ------------------------------------------------------------------------------- */

static struct weft_text kind_of(const struct entry *entry)
{
    return entry->coming != NULL ? entry->coming->model.kind : entry->in_force->model.kind;
}

/* Where the kind stands in the table, or the free place where it would. */
static uint16_t *slot_of(struct weft_models *models, struct weft_text kind, uint64_t hash)
{
    for (uint64_t i = hash % TABLE_SIZE;; i = (i + 1) % TABLE_SIZE) {
        uint16_t *slot = &models->table[i];
        if (*slot == 0 || (models->entries[*slot - 1].hash == hash &&
                              weft_text_equal(kind_of(&models->entries[*slot - 1]), kind))) {
            return slot;
        }
    }
}

static struct entry *find(struct weft_models *models, struct weft_text kind)
{
    if (models->count == 0) {
        return NULL;
    }
    uint64_t hash = weft_name_hash(models->secret, kind.data, kind.size);
    uint16_t slot = *slot_of(models, kind, hash);
    return slot != 0 ? &models->entries[slot - 1] : NULL;
}

/* The model that a record at `index` is held to; NULL: none. NOD-141 */
static const struct version *in_force(struct entry *entry, uint64_t index)
{
    if (entry != NULL && entry->coming != NULL && entry->coming->index < index) {
        destroy_version(entry->in_force);
        entry->in_force = entry->coming;
        entry->coming = NULL;
    }
    return entry != NULL ? entry->in_force : NULL;
}

static bool refuses_unregistered(struct weft_models *models, uint64_t index)
{
    struct setting *s = &models->setting;
    if (s->coming_index != 0 && s->coming_index < index) {
        s->refuses = s->refuses_coming;
        s->coming_index = 0;
    }
    return s->refuses;
}

/* Takes the version. */
static void put(struct weft_models *models, struct version *version)
{
    struct weft_text kind = version->model.kind;
    uint64_t hash = weft_name_hash(models->secret, kind.data, kind.size);
    uint16_t *slot = slot_of(models, kind, hash);
    if (*slot == 0) {
        weft_assert(models->count < WEFT_MODELS_MAX); /* NOD-142 */
        models->entries[models->count++] = (struct entry){.hash = hash, .coming = version};
        *slot = (uint16_t)models->count;
        return;
    }
    struct entry *entry = &models->entries[*slot - 1];
    (void)in_force(entry, version->index); /* One that an earlier index registered moves up. */
    destroy_version(entry->coming);
    entry->coming = version;
}

static void set(struct weft_models *models, bool refuses, uint64_t index)
{
    (void)refuses_unregistered(models, index);
    models->setting.refuses_coming = refuses;
    models->setting.coming_index = index;
}

/* --- model records --------------------------------------------------------------------------- */

static enum weft_err refuse(
    struct weft_models_refusal *r, enum weft_err err, uint32_t record, const char *pointer)
{
    r->err = err;
    (void)snprintf(r->pointer, sizeof(r->pointer), "/records/%u%s", record, pointer);
    return WEFT_OK;
}

static const struct weft_field *field_of(const struct weft_record *record, const char *path)
{
    for (uint32_t i = 0; i < record->field_count; i++) {
        if (weft_text_is(record->fields[i].path, path)) {
            return &record->fields[i];
        }
    }
    return NULL;
}

/* Digits that fit in 32 bits; 0: they do not. */
static uint64_t number_of(const struct weft_field *field)
{
    uint64_t number = 0;
    if (field == NULL || field->type != WEFT_VALUE_INT || field->value.size > 9) {
        return 0;
    }
    for (size_t i = 0; i < field->value.size; i++) {
        if (field->value.data[i] < '0' || field->value.data[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint64_t)(field->value.data[i] - '0');
    }
    return number;
}

/* False: *ret_pointer and *msg say why. */
static bool read_registration(const struct weft_record *record, struct registration *ret_reg,
    const char **ret_pointer, struct weft_msg *msg)
{
    struct weft_text asset = record->asset;
    size_t prefix = sizeof(asset_prefix) - 1;
    const struct weft_field *dtdl = field_of(record, "dtdl");
    const struct weft_field *breaking = field_of(record, "breaking");
    *ret_pointer = "/asset";
    if (asset.size <= prefix || memcmp(asset.data, asset_prefix, prefix) != 0) {
        (void)weft_fail(msg, WEFT_EINVAL, "a model stands on the asset kind:NAME of its kind");
        return false;
    }
    ret_reg->kind = (struct weft_text){asset.data + prefix, asset.size - prefix};
    if (!weft_name_is_valid(ret_reg->kind) || weft_text_is(ret_reg->kind, model_kind) ||
        weft_text_is(ret_reg->kind, setting_kind) || is_others(ret_reg->kind)) {
        (void)weft_fail(msg, WEFT_EINVAL,
            "'%.*s' is not a kind that may be registered: 1 to 63 of a-z 0-9 _ . -, none of %s, "
            "%s, %s and %s",
            (int)(ret_reg->kind.size < 64 ? ret_reg->kind.size : 64), ret_reg->kind.data,
            model_kind, setting_kind, WEFT_AUTHORITY_KIND, WEFT_LABELS_KIND);
        return false;
    }
    *ret_pointer = "/attrs/dtdl";
    if (dtdl == NULL || dtdl->type != WEFT_VALUE_TEXT) {
        (void)weft_fail(msg, WEFT_EINVAL, "the text of the model, DTDL v3, was expected");
        return false;
    }
    ret_reg->dtdl = dtdl->value;
    *ret_pointer = "/attrs/version";
    ret_reg->version = number_of(field_of(record, "version"));
    if (ret_reg->version == 0) {
        (void)weft_fail(
            msg, WEFT_EINVAL, "the version of the model, a whole number from 1 on, was expected");
        return false;
    }
    *ret_pointer = "/attrs/breaking";
    if (breaking != NULL && breaking->type != WEFT_VALUE_BOOL) {
        (void)weft_fail(msg, WEFT_EINVAL, "true or false was expected");
        return false;
    }
    ret_reg->is_breaking = breaking != NULL && weft_text_is(breaking->value, "true");
    return true;
}

/* Compile into memory of its own. WEFT_ENOMEM is the process's; other errors are the text's. */
static enum weft_err compile(struct weft_models *models, struct weft_text dtdl, uint64_t index,
    struct version **ret_version, struct weft_msg *msg)
{
    struct version *v = calloc(1, sizeof(*v));
    if (v == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "compile a model");
    }
    v->arena.size_max = WEFT_MODEL_MEMORY_MAX;
    v->index = index;
    v->text = weft_sha256(dtdl.data, dtdl.size);
    weft_arena_reset(&models->scratch);
    enum weft_err err = weft_model_parse(dtdl, &v->arena, &models->scratch, &v->model, msg);
    if (v->arena.is_starved || models->scratch.is_starved) {
        err = weft_fail(msg, WEFT_ENOMEM, "compile a model"); /* Not the text's fault. */
    }
    weft_arena_reset(&models->scratch);
    if (err != WEFT_OK) {
        destroy_version(v);
        return err;
    }
    *ret_version = v;
    return WEFT_OK;
}

/* What a further version of the kind is compared with; NULL: it is the first. */
static const struct version *newest(struct weft_models *models, struct weft_text kind)
{
    for (const struct version *v = models->staged; v != NULL; v = v->next) {
        if (weft_text_equal(v->model.kind, kind)) {
            return v;
        }
    }
    const struct entry *entry = find(models, kind);
    return entry == NULL ? NULL : entry->coming != NULL ? entry->coming : entry->in_force;
}

static uint32_t count_staged(const struct weft_models *models)
{
    uint32_t count = 0;
    for (const struct version *v = models->staged; v != NULL; v = v->next) {
        count++;
    }
    return count;
}

/* May `v` follow `old`? */
static enum weft_err check_successor(struct weft_models *models, const struct version *old,
    const struct version *v, bool is_breaking, uint32_t n, struct weft_models_refusal *r)
{
    struct weft_model_changes changes;
    struct weft_text kind = v->model.kind;
    if (v->model.version == old->model.version && weft_digest_equal(&v->text, &old->text)) {
        return WEFT_OK; /* The same once more. */
    }
    if (v->model.version <= old->model.version) {
        (void)weft_fail(&r->detail, WEFT_ECONFLICT,
            "kind %.*s is at version %u: give the model version %u or above", (int)kind.size,
            kind.data, old->model.version, old->model.version + 1);
        return refuse(r, WEFT_ECONFLICT, n, "/attrs/version");
    }
    weft_arena_reset(&models->scratch);
    if (weft_model_compare(&old->model, &v->model, &models->scratch, &changes) != WEFT_OK) {
        return WEFT_ENOMEM;
    }
    if (changes.breaking == 0 || is_breaking) {
        return WEFT_OK;
    }
    uint32_t i = 0;
    while (i + 1 < changes.count && !changes.changes[i].is_breaking) {
        i++;
    }
    const struct weft_model_change *first = &changes.changes[i];
    (void)weft_fail(&r->detail, WEFT_ECONFLICT,
        "version %u of kind %.*s breaks version %u in %u ways, of which the first: %.*s: %.*s; if "
        "that is meant, say \"breaking\": true",
        v->model.version, (int)kind.size, kind.data, old->model.version, changes.breaking,
        (int)first->where.size, first->where.data, (int)first->what.size, first->what.data);
    return refuse(r, WEFT_ECONFLICT, n, "/attrs/dtdl");
}

static enum weft_err check_version(struct weft_models *models, const struct registration *reg,
    const struct version *v, uint32_t n, struct weft_models_refusal *r)
{
    struct weft_text kind = v->model.kind;
    if (!weft_text_equal(kind, reg->kind)) {
        (void)weft_fail(
            &r->detail, WEFT_EINVAL, "the text is a model of kind %.*s", (int)kind.size, kind.data);
        return refuse(r, WEFT_EINVAL, n, "/asset");
    }
    if (v->model.version != reg->version) {
        (void)weft_fail(
            &r->detail, WEFT_EINVAL, "the text is version %u of its model", v->model.version);
        return refuse(r, WEFT_EINVAL, n, "/attrs/version");
    }
    const struct version *old = newest(models, kind);
    if (old != NULL) {
        return check_successor(models, old, v, reg->is_breaking, n, r);
    }
    if (models->count + count_staged(models) >= WEFT_MODELS_MAX) {
        (void)weft_fail(&r->detail, WEFT_ETOOBIG, "%d kinds are registered, which is the limit",
            WEFT_MODELS_MAX);
        return refuse(r, WEFT_ETOOBIG, n, "");
    }
    return WEFT_OK;
}

static enum weft_err check_model(struct weft_models *models, const struct weft_record *record,
    uint32_t n, uint64_t index, struct weft_models_refusal *r, struct weft_msg *msg)
{
    struct registration reg;
    struct version *v = NULL;
    const char *pointer;
    if (!read_registration(record, &reg, &pointer, &r->detail)) {
        return refuse(r, WEFT_EINVAL, n, pointer);
    }
    enum weft_err err = compile(models, reg.dtdl, index, &v, &r->detail);
    if (err == WEFT_ENOMEM) {
        return weft_fail(msg, err, "compile a model");
    }
    if (err != WEFT_OK) {
        return refuse(r, err, n, "/attrs/dtdl");
    }
    weft_assert(v != NULL); /* NOD-141: compiled */
    err = check_version(models, &reg, v, n, r);
    if (err != WEFT_OK || r->err != WEFT_OK) {
        destroy_version(v);
        return err == WEFT_OK ? WEFT_OK : weft_fail(msg, err, "compare models");
    }
    v->next = models->staged;
    models->staged = v;
    return WEFT_OK;
}

/* --- settings -------------------------------------------------------------------------------- */

/* False: *ret_pointer and *msg say why. *ret_has false: the record does not set it. */
static bool read_setting(const struct weft_record *record, bool *ret_has, bool *ret_refuses,
    const char **ret_pointer, struct weft_msg *msg)
{
    *ret_pointer = "/asset";
    if (!weft_text_is(record->asset, settings_asset)) {
        (void)weft_fail(
            msg, WEFT_EINVAL, "the settings of a site stand on the asset %s", settings_asset);
        return false;
    }
    *ret_has = false;
    for (uint32_t i = 0; i < record->field_count; i++) {
        const struct weft_field *f = &record->fields[i];
        if (!weft_text_is(f->path, "unregistered_kinds")) {
            *ret_pointer = "/attrs";
            (void)weft_fail(
                msg, WEFT_EINVAL, "unknown setting: unregistered_kinds is what can be set");
            return false;
        }
        bool refuses = weft_text_is(f->value, "refuse");
        if (f->type != WEFT_VALUE_TEXT || (!refuses && !weft_text_is(f->value, "allow"))) {
            *ret_pointer = "/attrs/unregistered_kinds";
            (void)weft_fail(msg, WEFT_EINVAL, "\"allow\" or \"refuse\" was expected");
            return false;
        }
        *ret_has = true;
        *ret_refuses = refuses;
    }
    return true;
}

static enum weft_err check_setting(struct weft_models *models, const struct weft_record *record,
    uint32_t n, struct weft_models_refusal *r)
{
    const char *pointer;
    bool has, refuses = false;
    if (!read_setting(record, &has, &refuses, &pointer, &r->detail)) {
        return refuse(r, WEFT_EINVAL, n, pointer);
    }
    if (has) {
        models->has_staged_setting = true;
        models->staged_refuses = refuses;
    }
    return WEFT_OK;
}

/* --- commits --------------------------------------------------------------------------------- */

static enum weft_err check_typed(const struct version *version, const struct weft_record *record,
    uint32_t n, struct weft_models_refusal *r)
{
    char pointer[256] = "";
    enum weft_err err = weft_model_check_record(&version->model, record, pointer, &r->detail);
    return err == WEFT_OK ? WEFT_OK : refuse(r, err, n, pointer);
}

static enum weft_err refuse_unregistered(
    const struct weft_record *record, uint32_t n, struct weft_models_refusal *r)
{
    (void)weft_fail(&r->detail, WEFT_EINVAL,
        "kind '%.*s' is not registered, and the site refuses such kinds: register a model of it "
        "(weft model add), or set unregistered_kinds to allow",
        (int)record->kind.size, record->kind.data);
    return refuse(r, WEFT_EINVAL, n, "/kind");
}

enum weft_err weft_models_check(struct weft_models *models, const struct weft_commit *commit,
    uint64_t index, struct weft_models_refusal *ret_refusal, struct weft_msg *msg)
{
    struct weft_models_refusal *r = ret_refusal;
    const struct version *version = NULL;
    struct weft_text kind = {NULL, 0}; /* Of the record before: most have the same. */
    bool refuses = refuses_unregistered(models, index);
    drop_staged(models);
    models->staged_index = index;
    r->err = WEFT_OK;
    for (uint32_t n = 0; n < commit->record_count && r->err == WEFT_OK; n++) {
        const struct weft_record *record = &commit->records[n];
        enum weft_err rv = WEFT_OK;
        if (weft_text_is(record->kind, model_kind)) {
            rv = check_model(models, record, n, index, r, msg);
        } else if (weft_text_is(record->kind, setting_kind)) {
            rv = check_setting(models, record, n, r);
        } else if ((models->count > 0 || refuses) && !is_others(record->kind) &&
                   !weft_commands_is_kind(record->kind)) {
            if (kind.size == 0 || !weft_text_equal(kind, record->kind)) {
                kind = record->kind;
                version = in_force(find(models, kind), index);
            }
            rv = version != NULL ? check_typed(version, record, n, r)
                 : refuses       ? refuse_unregistered(record, n, r)
                                 : WEFT_OK;
        }
        if (rv != WEFT_OK) {
            return rv;
        }
    }
    if (r->err != WEFT_OK) {
        drop_staged(models);
        /* The text goes into an answer: no half character at its end. */
        r->detail.text[weft_text_utf8_prefix(weft_text_of(r->detail.text))] = '\0';
    }
    return WEFT_OK;
}

void weft_models_accept(struct weft_models *models)
{
    /* Oldest first, so that of two versions in one commit the later one stays. */
    struct version *oldest = NULL;
    while (models->staged != NULL) {
        struct version *next = models->staged->next;
        models->staged->next = oldest;
        oldest = models->staged;
        models->staged = next;
    }
    while (oldest != NULL) {
        struct version *next = oldest->next;
        oldest->next = NULL;
        put(models, oldest);
        oldest = next;
    }
    if (models->has_staged_setting) {
        set(models, models->staged_refuses, models->staged_index);
        models->has_staged_setting = false;
    }
}

struct weft_text weft_models_schema(
    struct weft_models *models, struct weft_text kind, uint64_t index)
{
    const struct version *version = in_force(find(models, kind), index);
    return version != NULL ? version->model.id : (struct weft_text){NULL, 0};
}

/* --- from records that there are ------------------------------------------------------------- */

enum weft_err weft_models_learn(struct weft_models *models, const struct weft_record *record,
    uint64_t index, struct weft_msg *msg)
{
    const char *pointer;
    if (weft_text_is(record->kind, model_kind)) {
        struct registration reg;
        struct version *v = NULL;
        if (!read_registration(record, &reg, &pointer, msg)) {
            return weft_wrap(msg, WEFT_ECORRUPT, "a model: %s", pointer);
        }
        enum weft_err err = compile(models, reg.dtdl, index, &v, msg);
        if (err != WEFT_OK) { /* PRO-104: it was taken once. */
            return err == WEFT_ENOMEM ? err
                                      : weft_wrap(msg, WEFT_ECORRUPT, "the model of kind %.*s",
                                            (int)reg.kind.size, reg.kind.data);
        }
        weft_assert(v != NULL); /* NOD-141: compiled */
        if (!weft_text_equal(v->model.kind, reg.kind) ||
            (find(models, reg.kind) == NULL && models->count == WEFT_MODELS_MAX)) {
            destroy_version(v);
            return weft_fail(msg, WEFT_ECORRUPT, "a model that no apply has taken");
        }
        put(models, v);
    } else if (weft_text_is(record->kind, setting_kind)) {
        bool has, refuses = false;
        if (!read_setting(record, &has, &refuses, &pointer, msg)) {
            return weft_wrap(msg, WEFT_ECORRUPT, "a setting: %s", pointer);
        }
        if (has) {
            set(models, refuses, index);
        }
    }
    return WEFT_OK;
}

static enum weft_err on_stored(void *ctx, const struct weft_stored *stored, struct weft_msg *msg)
{
    return weft_models_learn(ctx, &stored->record, stored->index, msg);
}

enum weft_err weft_models_load(struct weft_models *models, struct weft_names *names,
    struct weft_store *store, struct weft_msg *msg)
{
    static const char *const kinds[] = {model_kind, setting_kind};
    enum weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        uint16_t kind = weft_words_find(weft_names_kinds(names), weft_text_of(kinds[i]));
        err = weft_loader_each(store, kind, &models->record, on_stored, models, msg);
    }
    return err;
}
