#include "node/governing.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/node.h"
#include "node/state/authority.h"
#include "node/wall.h"

enum {
    NOTES_MAX = 2 + WEFT_ORG_ADMINS_MAX, /* org document, a key for each admin, policy */
    ARENA_SIZE_MAX = 16 * 1024 * 1024,   /* chosen: all of them, three times */
    NAME_SIZE_MAX = 255,                 /* of a file in a directory: readdir(3) */
};

static const char note_suffix[] = ".note";

/* The first commit, as it is gathered. */
struct first {
    const struct weft_config *config;
    struct weft_arena arena;
    struct weft_record records[NOTES_MAX];
    struct weft_field fields[NOTES_MAX];
    const char *files[NOTES_MAX];
    uint32_t count;
    struct weft_msg *msg;
};

/* --- files ----------------------------------------------------------------------------------- */

static enum weft_err read_note(struct first *f, const char *path, struct weft_text *ret_note)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return weft_fail(f->msg, errno == ENOENT ? WEFT_ENOTFOUND : WEFT_EIO,
            "%s: %s (weft pki org makes it)", path, strerror(errno));
    }
    char *bytes = weft_arena_alloc(&f->arena, WEFT_NOTE_SIZE_MAX + 1);
    size_t size = bytes != NULL ? fread(bytes, 1, WEFT_NOTE_SIZE_MAX + 1, file) : 0;
    bool has_failed = ferror(file) != 0;
    (void)fclose(file);
    if (bytes == NULL) {
        return weft_fail(f->msg, WEFT_ENOMEM, "%s: no memory", path);
    }
    if (has_failed || size > WEFT_NOTE_SIZE_MAX) {
        return weft_fail(f->msg, has_failed ? WEFT_EIO : WEFT_ETOOBIG, "%s: %s", path,
            has_failed ? "cannot be read" : "more than 64 KiB");
    }
    *ret_note = (struct weft_text){bytes, size};
    return WEFT_OK;
}

/* A record on `asset`, which the arena keeps. */
static enum weft_err add(
    struct first *f, const char *path, const char *asset, struct weft_text note)
{
    if (f->count == NOTES_MAX) {
        return weft_fail(f->msg, WEFT_ETOOBIG, "%s: more than %d notes", path, NOTES_MAX);
    }
    uint32_t n = f->count++;
    f->files[n] = weft_arena_text(&f->arena, weft_text_of(path)).data;
    f->fields[n] = (struct weft_field){WEFT_TEXT("note"), note, WEFT_VALUE_TEXT};
    f->records[n] = (struct weft_record){.kind = WEFT_TEXT(WEFT_AUTHORITY_KIND),
        .asset = weft_arena_text(&f->arena, weft_text_of(asset)),
        .fields = &f->fields[n],
        .field_count = 1};
    return f->files[n] != NULL && f->records[n].asset.data != NULL
               ? WEFT_OK
               : weft_fail(f->msg, WEFT_ENOMEM, "%s: no memory", path);
}

static enum weft_err add_file(struct first *f, const char *path, const char *asset)
{
    struct weft_text note;
    enum weft_err err = read_note(f, path, &note);
    return err == WEFT_OK ? add(f, path, asset, note) : err;
}

/* An enrolment's asset is named after whose key it is. */
static enum weft_err add_key(struct first *f, const char *path)
{
    struct weft_note note;
    struct weft_enroll enroll = {.is_replacing = false};
    char asset[WEFT_ENROLL_ASSET_SIZE];
    struct weft_text bytes = {NULL, 0};
    enum weft_err err = read_note(f, path, &bytes);
    if (err == WEFT_OK) {
        err = weft_note_parse(bytes, &note, f->msg);
        err = err == WEFT_OK ? weft_enroll_decode(note.text, &enroll, f->msg) : err;
        err = err == WEFT_OK ? err : weft_wrap(f->msg, err, "%s", path);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_enroll_asset(&enroll.principal, weft_text_of(f->config->node.site), asset);
    return add(f, path, asset, bytes);
}

static int is_note(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name), suffix = sizeof(note_suffix) - 1;
    return size > suffix && strcmp(entry->d_name + size - suffix, note_suffix) == 0;
}

/* In the order of their names, so that every node makes the same commit of them. */
static enum weft_err add_keys(struct first *f)
{
    struct dirent **entries;
    const char *directory = f->config->policy.keys;
    if (directory[0] == '\0') {
        return WEFT_OK;
    }
    int count = scandir(directory, &entries, is_note, alphasort);
    if (count < 0) {
        return weft_fail(f->msg, errno == ENOENT ? WEFT_ENOTFOUND : WEFT_EIO, "%s: %s", directory,
            strerror(errno));
    }
    enum weft_err err = WEFT_OK;
    for (int i = 0; i < count; i++) {
        char path[WEFT_CONFIG_PATH_SIZE + NAME_SIZE_MAX + 2];
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        err = err == WEFT_OK ? add_key(f, path) : err;
        free(entries[i]);
    }
    free(entries);
    return err;
}

/* --- the first commit ------------------------------------------------------------------------ */

/* As apply will, at index 1: what it would refuse is told before anything is begun. */
static enum weft_err try_out(struct first *f, int64_t now_ns)
{
    struct weft_authority *authority;
    char site[2 * WEFT_CONFIG_NAME_SIZE];
    (void)snprintf(site, sizeof(site), "%s/%s", f->config->node.org, f->config->node.site);
    enum weft_err err = weft_authority_create(&authority);
    if (err != WEFT_OK) {
        return weft_fail(f->msg, err, "no memory");
    }
    for (uint32_t i = 0; i < f->count && err == WEFT_OK; i++) {
        const struct weft_authority_place place = {weft_text_of(site), 1, now_ns, i == 0};
        struct weft_authority *next = NULL;
        struct weft_refusal refusal;
        err = weft_authority_next(authority, &f->records[i], i, &place, &next, &refusal, f->msg);
        if (err == WEFT_OK && refusal.err != WEFT_OK) {
            err = weft_fail(f->msg, refusal.err, "%s: %s", f->files[i], refusal.detail.text);
        }
        if (err == WEFT_OK) {
            weft_authority_release(authority);
            authority = next;
        }
    }
    weft_authority_release(authority);
    return err;
}

/* The same files give the same id, so that a commit that is proposed twice is made once. */
static struct weft_request_id request_id_of(const struct first *f)
{
    struct weft_sha256 hash;
    struct weft_request_id id;
    weft_sha256_init(&hash);
    for (uint32_t i = 0; i < f->count; i++) {
        weft_sha256_update(&hash, f->fields[i].value.data, f->fields[i].value.size);
    }
    struct weft_digest digest = weft_sha256_final(&hash);
    memcpy(id.bytes, digest.bytes, sizeof(id.bytes));
    return id;
}

static enum weft_err gather(struct first *f)
{
    enum weft_err err = add_file(f, f->config->policy.org, WEFT_AUTHORITY_ORG_ASSET);
    if (err == WEFT_OK) {
        err = add_keys(f);
    }
    return err == WEFT_OK ? add_file(f, f->config->policy.file, WEFT_AUTHORITY_POLICY_ASSET) : err;
}

enum weft_err weft_governing_read(const struct weft_config *config, int64_t now_ns,
    struct weft_buffer *ret_commit, struct weft_msg *msg)
{
    if (config->policy.org[0] == '\0') {
        return weft_fail(msg, WEFT_EINVAL,
            "policy.org and policy.file are missing: a site is governed from its first commit on "
            "(weft pki org makes them), or says that it is not: `policy: ungoverned`");
    }
    struct first *f = calloc(1, sizeof(*f));
    if (f == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    f->config = config;
    f->msg = msg;
    f->arena.size_max = ARENA_SIZE_MAX;
    enum weft_err err = gather(f);
    if (err == WEFT_OK) {
        err = try_out(f, now_ns);
    }
    if (err == WEFT_OK) {
        struct weft_commit commit = {
            .request_id = request_id_of(f), .records = f->records, .record_count = f->count};
        err = weft_commit_encode(&commit, ret_commit);
        err = err == WEFT_OK ? err : weft_fail(msg, err, "the first commit");
    }
    weft_arena_destroy(&f->arena);
    free(f);
    return err;
}

/* --- the node -------------------------------------------------------------------------------- */

enum weft_err weft_governing_check_start(const struct weft_node *node, struct weft_msg *msg)
{
    struct weft_buffer commit = {.size_max = WEFT_COMMIT_SIZE_MAX};
    if (node->config.policy.is_ungoverned != node->options.ungoverned) {
        return weft_fail(msg, WEFT_EINVAL, "%s",
            node->options.ungoverned
                ? "--ungoverned is refused unless the configuration says `policy: ungoverned`"
                : "the configuration says `policy: ungoverned`: then --bootstrap --ungoverned says "
                  "it too");
    }
    if (node->options.ungoverned) {
        return WEFT_OK;
    }
    enum weft_err err = weft_governing_read(&node->config, weft_wall_ns(), &commit, msg);
    weft_buffer_destroy(&commit);
    return err;
}

static bool is_governed(const struct weft_node *node)
{
    return weft_authority_org(weft_state_authority(node->state)) != NULL;
}

bool weft_governing_is_done(const struct weft_node *node)
{
    struct weft_state_position position;
    weft_state_position(node->state, &position);
    return position.records > 0 || node->config.policy.is_ungoverned;
}

void weft_governing_warn(struct weft_node *node)
{
    if (weft_governing_is_done(node) && !is_governed(node)) {
        weft_log(WEFT_LOG_WARN, "ungoverned",
            weft_kv("next", "everybody with a certificate of the site may do all; only a new site "
                            "can be governed"));
    }
}

static enum weft_err propose_first(
    struct weft_node *node, int64_t now_ns, struct weft_buffer *commit, struct weft_msg *msg)
{
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    struct weft_principal self;
    /* Nobody waits: no client has this place. */
    const struct weft_waiter nobody = {.client = UINT32_MAX, .door = WEFT_DOOR_CLIENT};
    enum weft_err err = weft_governing_read(&node->config, now_ns, commit, msg);
    if (err == WEFT_OK) {
        err = weft_principal_make(WEFT_PRINCIPAL_NODE, node->config.node.org,
            node->config.node.site, node->config.node.name, &self, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_principal_format_uri(&self, uri);
    const struct weft_entry_item item = {.type = WEFT_ITEM_COMMIT,
        .principal = weft_text_of(uri),
        .body = {commit->data, commit->size}};
    err = weft_proposer_add(&node->proposer, &item, &nobody);
    return err == WEFT_OK ? err : weft_fail(msg, err, "propose the first commit");
}

void weft_governing_turn(struct weft_node *node, int64_t now_ns)
{
    struct weft_buffer commit = {.size_max = WEFT_COMMIT_SIZE_MAX};
    struct weft_msg msg = {""};
    if (!node->is_leader || node->governing_term == node->term || weft_governing_is_done(node)) {
        return;
    }
    node->governing_term = node->term;
    enum weft_err err = propose_first(node, now_ns, &commit, &msg);
    if (err == WEFT_OK) {
        weft_log(WEFT_LOG_INFO, "governing", weft_kv("org", (const char *)node->config.policy.org),
            weft_kv("file", (const char *)node->config.policy.file));
    } else {
        weft_log(WEFT_LOG_ERROR, "governing_failed", weft_kv("error", (const char *)msg.text),
            weft_kv("next", "no commit is taken until a leader has what governs the site"));
    }
    weft_buffer_destroy(&commit);
}

void weft_governing_note(const struct weft_node *node, const struct weft_applied_item *item)
{
    if (item->err != WEFT_OK && item->type == WEFT_ITEM_COMMIT && !weft_governing_is_done(node)) {
        char detail[512];
        (void)snprintf(detail, sizeof(detail), "%.*s", (int)item->error.detail.size,
            item->error.detail.size > 0 ? item->error.detail.data : "");
        weft_log(WEFT_LOG_ERROR, "governing_refused", weft_kv("error", (const char *)detail),
            weft_kv("next", "no commit is taken until a leader has what governs the site"));
    }
}

struct weft_text weft_governing_name(const struct weft_node *node, struct weft_arena *arena)
{
    const struct weft_policy *policy = weft_authority_policy(weft_state_authority(node->state));
    char text[WEFT_POLICY_NAME_SIZE_MAX + 24];
    if (policy == NULL) {
        return is_governed(node) ? WEFT_TEXT("none") : WEFT_TEXT("ungoverned");
    }
    const struct weft_policy_head *head = weft_policy_head(policy);
    (void)snprintf(text, sizeof(text), "%.*s %llu", (int)head->name.size, head->name.data,
        (unsigned long long)head->version);
    return weft_arena_text(arena, weft_text_of(text));
}
