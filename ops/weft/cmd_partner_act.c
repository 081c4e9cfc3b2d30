#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ops/weft/agreement_note.h"
#include "ops/weft/files.h"
#include "ops/weft/keys.h"
#include "ops/weft/output.h"
#include "ops/weft/partner_source.h"
#include "ops/weft/query.h"
#include "policy/crypto/pki.h"
#include "proto/limits.h"

/* partner add, apply, withdraw, decline, suspend, resume, terminate, release, disclose: what a site
 * is told of its partners. */

static const int64_t second_ns = 1000 * 1000 * 1000;

/* --- add ------------------------------------------------------------------------------------- */

/* Sorted, as fields are. */
enum attribute {
    CA,
    ENDPOINTS,
    KEYS,
    NAMES,
    ORG,
    ATTRIBUTES
};

static const char *const attribute_names[ATTRIBUTES] = {"ca", "endpoints", "keys", "names", "org"};

struct adding {
    const struct weft_args *args;
    char asset[2 * WEFT_PRINCIPAL_PART_SIZE_MAX + 16];
    struct weft_buffer values[ATTRIBUTES]; /* Given, or as they were. */
    struct weft_buffer before[ATTRIBUTES];
    uint64_t known; /* Index of the newest record that pins something. */
    uint64_t rev;   /* Of the asset: recalls are told on it, too. */
    struct weft_org_source org;
};

static void end_adding(struct adding *a)
{
    for (int i = 0; i < ATTRIBUTES; i++) {
        weft_buffer_destroy(&a->values[i]);
        weft_buffer_destroy(&a->before[i]);
    }
    weft_org_source_destroy(&a->org);
}

/* What is pinned: of the newest record. */
static enum weft_err on_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    struct adding *a = ctx;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < page->record_count && err == WEFT_OK; i++) {
        const struct weft_stored_record *stored = &page->records[i];
        const struct weft_record *r = &stored->record;
        a->rev = stored->index > a->rev ? stored->index : a->rev;
        if (!weft_text_is(r->kind, "partner") || stored->index < a->known) {
            continue;
        }
        a->known = stored->index;
        for (int j = 0; j < ATTRIBUTES && err == WEFT_OK; j++) {
            weft_buffer_clear(&a->before[j]);
            for (uint32_t k = 0; k < r->field_count && err == WEFT_OK; k++) {
                if (weft_text_is(r->fields[k].path, attribute_names[j])) {
                    err = weft_buffer_text(&a->before[j], r->fields[k].value);
                }
            }
        }
    }
    return err == WEFT_OK ? err : weft_fail(msg, err, "keep what is known of a partner");
}

/* Each --OPTION, one to a line: a file's content, or the word itself. */
static enum weft_err gather(
    struct adding *a, enum attribute which, const char *option, bool is_file, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    struct weft_buffer *out = &a->values[which];
    const char *given;
    for (int i = 0; err == WEFT_OK && (given = weft_args_nth(a->args, option, i)) != NULL; i++) {
        if (out->size > 0 && out->data[out->size - 1] != '\n') {
            err = weft_buffer_text(out, WEFT_TEXT("\n"));
        }
        if (err == WEFT_OK) {
            err = is_file ? weft_files_read(given, out, msg)
                          : weft_buffer_text(out, weft_text_of(given));
        }
    }
    return err;
}

/* Lists end with a line's end. */
static enum weft_err end_lines(struct adding *a, struct weft_msg *msg)
{
    static const enum attribute lists[] = {ENDPOINTS, KEYS, NAMES};
    enum weft_err err = WEFT_OK;
    for (size_t i = 0; err == WEFT_OK && i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct weft_buffer *b = &a->values[lists[i]];
        if (b->size > 0 && b->data[b->size - 1] != '\n') {
            err = weft_buffer_text(b, WEFT_TEXT("\n"));
        }
    }
    return err == WEFT_OK ? err : weft_fail(msg, err, "keep what is said of a partner");
}

static enum weft_err read_given(struct adding *a, struct weft_msg *msg)
{
    enum weft_err err = gather(a, CA, "ca", true, msg);
    if (err == WEFT_OK) {
        err = gather(a, ENDPOINTS, "partner-endpoint", false, msg);
    }
    if (err == WEFT_OK) {
        err = gather(a, KEYS, "keys", true, msg);
    }
    if (err == WEFT_OK) {
        err = gather(a, NAMES, "ships-to", false, msg);
    }
    if (err == WEFT_OK) {
        err = gather(a, ORG, "org", true, msg);
    }
    return err == WEFT_OK ? end_lines(a, msg) : err;
}

/* The site judges the lines; a file that has none of them is told by its name. */
static enum weft_err check_keys(const struct adding *a, struct weft_msg *msg)
{
    struct weft_text rest = weft_buffer_as_text(&a->values[KEYS]), line, key;
    struct weft_verifier verifier;
    const char *path = weft_args_text(a->args, "keys", "");
    (void)weft_text_cut(&rest, '\n', &line);
    (void)weft_text_cut(&line, ' ', &key);
    enum weft_err err = weft_verifier_parse(key, &verifier, msg);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "--keys %s", path);
}

/* HOST:PORT, each. */
static enum weft_err check_doors(const struct adding *a, struct weft_msg *msg)
{
    const char *given, *colon;
    uint64_t port;
    for (int i = 0; (given = weft_args_nth(a->args, "partner-endpoint", i)) != NULL; i++) {
        colon = strrchr(given, ':');
        if (colon == NULL || colon == given ||
            !weft_text_exact_number(weft_text_of(colon + 1), &port) || port == 0 ||
            port > UINT16_MAX) {
            return weft_fail(msg, WEFT_EINVAL,
                "--partner-endpoint %.80s: a door is HOST:PORT, as 10.0.0.7:7104", given);
        }
    }
    return WEFT_OK;
}

/* Is that the org document of who is added? */
static enum weft_err check_org(const struct adding *a, const char *path, struct weft_msg *msg)
{
    const char *site = a->args->operands[0];
    const struct weft_text org = a->org.org.org;
    const bool is_his = strncmp(site, org.data, org.size) == 0 && site[org.size] == '/';
    return is_his ? WEFT_OK
                  : weft_fail(msg, WEFT_EPEER, "--org %s: it is of %.*s, and not of who is %s",
                        path, (int)org.size, org.data, site);
}

/* What is pinned is shown: who types it has it from the partner, by a way that he trusts. */
static enum weft_err show_pinned(struct adding *a, struct weft_msg *msg)
{
    const char *path = weft_args_text(a->args, "org", NULL);
    char digest[WEFT_DIGEST_TEXT_SIZE];
    struct weft_pki_facts facts;
    enum weft_err err = check_doors(a, msg);
    if (err == WEFT_OK && path != NULL) {
        err = weft_org_source_file(path, &a->org, msg);
        err = err == WEFT_OK ? check_org(a, path, msg) : err;
        if (err == WEFT_OK) {
            weft_digest_format(&a->org.org.link.digest, digest);
            (void)fprintf(stderr, "org document %.*s version %" PRIu64 " %s, %u of %u roots\n",
                (int)a->org.org.org.size, a->org.org.org.data, a->org.org.link.version, digest,
                a->org.org.root_threshold, a->org.org.root_count);
        }
    }
    if (err == WEFT_OK && weft_args_has(a->args, "ca")) {
        err = weft_pki_inspect(
            (struct weft_bytes){a->values[CA].data, a->values[CA].size}, &facts, msg);
        if (err == WEFT_OK) {
            (void)fprintf(
                stderr, "trust root of %s sha256:%s\n", facts.principal.org, facts.fingerprint);
        } else {
            err = weft_wrap(msg, err, "--ca %s", weft_args_text(a->args, "ca", ""));
        }
    }
    if (err == WEFT_OK && weft_args_has(a->args, "keys")) {
        err = check_keys(a, msg);
    }
    if (err == WEFT_OK && weft_args_has(a->args, "keys")) {
        (void)fprintf(stderr, "keys of its nodes:\n%.*s", (int)a->values[KEYS].size,
            (const char *)a->values[KEYS].data);
    }
    return err;
}

static enum weft_err commit_pinned(
    struct adding *a, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_field fields[ATTRIBUTES];
    uint32_t count = 0;
    uint64_t index = 0;
    for (int i = 0; i < ATTRIBUTES; i++) {
        const struct weft_buffer *b = a->values[i].size > 0 ? &a->values[i] : &a->before[i];
        if (b->size > 0) {
            fields[count++] = (struct weft_field){
                weft_text_of(attribute_names[i]), weft_buffer_as_text(b), WEFT_VALUE_TEXT};
        }
    }
    if (count == 0) {
        return weft_fail(msg, WEFT_EINVAL,
            "nothing is said of it: --keys, --partner-endpoint, --ca, --org (weft partner add "
            "--help)");
    }
    enum weft_err err =
        weft_partner_commit(client, "partner", a->asset, fields, count, &a->rev, &index, msg);
    if (err == WEFT_OK) {
        (void)printf("%s is known from index %" PRIu64 " on\n", a->asset, index);
        weft_partner_source_warn_of(client, NULL);
    }
    return err;
}

static enum weft_err add(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct adding a = {.args = args};
    int size = snprintf(a.asset, sizeof(a.asset), "partner:%s", args->operands[0]);
    const struct weft_query query = {.type = WEFT_QUERY_ASSET, .asset = weft_text_of(a.asset)};
    for (int i = 0; i < ATTRIBUTES; i++) {
        a.values[i].size_max = a.before[i].size_max = WEFT_NOTE_SIZE_MAX + 1;
    }
    enum weft_err err =
        size > 0 && size < (int)sizeof(a.asset) && strchr(args->operands[0], '/') != NULL
            ? read_given(&a, msg)
            : weft_fail(msg, WEFT_EINVAL, "%.80s: a partner is ORG/SITE, as oem.example/plant1",
                  args->operands[0]);
    if (err == WEFT_OK) {
        err = show_pinned(&a, msg);
    }
    if (err == WEFT_OK) {
        err = weft_query_pages(client, &query, 0, on_page, &a, msg);
        err = err == WEFT_ENOTFOUND ? WEFT_OK : err;
    }
    if (err == WEFT_OK) {
        err = commit_pinned(&a, client, msg);
    }
    end_adding(&a);
    return err;
}

enum weft_exit weft_cmd_partner_add(const struct weft_args *args)
{
    return weft_with_client(args, add);
}

/* --- apply ----------------------------------------------------------------------------------- */

static enum weft_err tell_changes(const struct weft_agreement_note *agreement,
    const struct weft_agreement_note *base, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = WEFT_CONTRACT_CHANGE_MEMORY_MAX};
    struct weft_contract_differences differences;
    enum weft_err err =
        weft_agreement_note_check(agreement, base, (int64_t)time(NULL) * second_ns, msg);
    if (err == WEFT_OK) {
        err = weft_agreement_note_changes(agreement, base, &arena, &differences, msg);
    }
    if (err == WEFT_OK) {
        weft_agreement_note_print_changes(&differences, stderr);
    }
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err apply(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_agreement_note agreement = {.is_there = false}, base = {.is_there = false};
    struct weft_note parsed;
    char asset[WEFT_CONTRACT_NAME_SIZE_MAX + 16], name[WEFT_CONTRACT_NAME_SIZE_MAX + 1];
    uint64_t index = 0;
    enum weft_err err = weft_agreement_note_read(args->operands[0], &agreement, msg);
    if (err == WEFT_OK) {
        err = weft_authority_note_join(&agreement.note, &parsed, msg);
    }
    if (err == WEFT_OK) {
        (void)snprintf(name, sizeof(name), "%.*s", (int)agreement.contract.name.size,
            agreement.contract.name.data);
        err = weft_agreement_note_site_base(client, name, &base, msg);
    }
    if (err == WEFT_OK) {
        err = tell_changes(&agreement, &base, msg);
    }
    if (err == WEFT_OK && !weft_args_has(args, "dry-run")) {
        (void)snprintf(asset, sizeof(asset), "agreement:%s", name);
        err = weft_authority_note_commit_as(client, "agreement", asset,
            weft_buffer_as_text(&agreement.note.joined), NULL, &index, msg);
        if (err == WEFT_OK) {
            (void)printf("%s version %" PRIu64 " at index %" PRIu64 "\n", asset,
                agreement.contract.link.version, index);
        }
    }
    weft_agreement_note_destroy(&agreement);
    weft_agreement_note_destroy(&base);
    return err;
}

enum weft_exit weft_cmd_partner_apply(const struct weft_args *args)
{
    return weft_with_client(args, apply);
}

/* --- acts ------------------------------------------------------------------------------------ */

/* What an act is about; NULL: it says nothing of it. */
struct about {
    const char *from;
    const char *until;
    const char *path;
};

static const struct about nothing;

static enum weft_err act(const struct weft_args *args, struct weft_client *client, const char *word,
    const struct about *about, struct weft_msg *msg)
{
    char asset[WEFT_CONTRACT_NAME_SIZE_MAX + 16];
    const char *reason = weft_args_text(args, "reason", NULL);
    const char *lost = weft_args_text(args, "lost", NULL);
    struct weft_field fields[7];
    uint32_t count = 0;
    uint64_t index = 0;
    int size = snprintf(asset, sizeof(asset), "agreement:%s", args->operands[0]);
    if (size < 0 || size >= (int)sizeof(asset)) {
        return weft_fail(msg, WEFT_EINVAL, "%.80s...: no agreement's name", args->operands[0]);
    }
    if (reason == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--reason TEXT is missing: it is kept");
    }
    fields[count++] = (struct weft_field){WEFT_TEXT("act"), weft_text_of(word), WEFT_VALUE_TEXT};
    if (lost != NULL) {
        fields[count++] = (struct weft_field){
            WEFT_TEXT("base"), weft_text_of(weft_args_text(args, "base", "")), WEFT_VALUE_TEXT};
    }
    if (about->from != NULL) {
        fields[count++] =
            (struct weft_field){WEFT_TEXT("from"), weft_text_of(about->from), WEFT_VALUE_INT};
    }
    if (lost != NULL) {
        fields[count++] =
            (struct weft_field){WEFT_TEXT("head"), weft_text_of(lost), WEFT_VALUE_TEXT};
    }
    if (about->path != NULL) {
        fields[count++] =
            (struct weft_field){WEFT_TEXT("path"), weft_text_of(about->path), WEFT_VALUE_TEXT};
    }
    fields[count++] =
        (struct weft_field){WEFT_TEXT("reason"), weft_text_of(reason), WEFT_VALUE_TEXT};
    if (about->until != NULL) {
        fields[count++] =
            (struct weft_field){WEFT_TEXT("until"), weft_text_of(about->until), WEFT_VALUE_INT};
    }
    enum weft_err err =
        weft_partner_commit(client, "stream_act", asset, fields, count, NULL, &index, msg);
    if (err == WEFT_OK) {
        (void)printf("%s: %s at index %" PRIu64 "\n", asset, word, index);
    }
    return weft_partner_name_it(args->operands[0], err, msg);
}

static enum weft_err suspend(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return act(args, client, weft_args_has(args, "received") ? "hold" : "suspend", &nothing, msg);
}

static enum weft_err resume(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    bool is_received = weft_args_has(args, "received"), is_frozen = weft_args_has(args, "frozen");
    if (is_received && is_frozen) {
        return weft_fail(msg, WEFT_EINVAL, "--received or --frozen, one of them");
    }
    if (weft_args_has(args, "lost") != weft_args_has(args, "base") ||
        (weft_args_has(args, "lost") && is_frozen)) {
        return weft_fail(
            msg, WEFT_EINVAL, "--lost HEAD and --base TREE, both and without --frozen");
    }
    if (weft_args_has(args, "lost")) {
        return act(args, client, is_received ? "supersede" : "lose", &nothing, msg);
    }
    return act(args, client,
        is_frozen     ? "unfreeze"
        : is_received ? "unhold"
                      : "resume",
        &nothing, msg);
}

static enum weft_err terminate(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    if (!weft_args_has(args, "yes")) {
        return weft_fail(msg, WEFT_EINVAL,
            "nothing is ever sent under this agreement again: --yes says that it is meant");
    }
    return act(args, client, "end", &nothing, msg);
}

/* SEQUENCE or SEQUENCE..SEQUENCE */
static enum weft_err release(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    char from[24], until[24];
    const char *given = args->operands[1], *dots = strstr(given, "..");
    uint64_t first, last;
    int size = dots != NULL ? (int)(dots - given) : (int)strlen(given);
    (void)snprintf(from, sizeof(from), "%.*s", size < 20 ? size : 20, given);
    (void)snprintf(until, sizeof(until), "%.20s", dots != NULL ? dots + 2 : given);
    if (!weft_text_exact_number(weft_text_of(from), &first) ||
        !weft_text_exact_number(weft_text_of(until), &last) || first > last) {
        return weft_fail(msg, WEFT_EINVAL,
            "%.40s: the place of a statement in its stream, as 17 or 17..20", given);
    }
    return act(args, client, "release", &(struct about){from, until, NULL}, msg);
}

static enum weft_err disclose(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    const char *leaf = args->operands[1];
    uint64_t number;
    if (!weft_text_exact_number(weft_text_of(leaf), &number)) {
        return weft_fail(
            msg, WEFT_EINVAL, "%.40s: the place of a statement in what is sent, as 17", leaf);
    }
    return act(args, client, "disclose", &(struct about){leaf, NULL, args->operands[2]}, msg);
}

static enum weft_err withdraw(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return act(args, client, "withdraw", &nothing, msg);
}

static enum weft_err decline(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return act(args, client, "decline", &nothing, msg);
}

enum weft_exit weft_cmd_partner_withdraw(const struct weft_args *args)
{
    return weft_with_client(args, withdraw);
}

enum weft_exit weft_cmd_partner_decline(const struct weft_args *args)
{
    return weft_with_client(args, decline);
}

enum weft_exit weft_cmd_partner_suspend(const struct weft_args *args)
{
    return weft_with_client(args, suspend);
}

enum weft_exit weft_cmd_partner_resume(const struct weft_args *args)
{
    return weft_with_client(args, resume);
}

enum weft_exit weft_cmd_partner_terminate(const struct weft_args *args)
{
    return weft_with_client(args, terminate);
}

enum weft_exit weft_cmd_partner_release(const struct weft_args *args)
{
    return weft_with_client(args, release);
}

enum weft_exit weft_cmd_partner_disclose(const struct weft_args *args)
{
    return weft_with_client(args, disclose);
}
