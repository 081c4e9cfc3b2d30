#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ops/weft/agreement_draft.h"
#include "ops/weft/agreement_note.h"
#include "ops/weft/agreement_sample.h"
#include "ops/weft/consent.h"
#include "ops/weft/files.h"
#include "ops/weft/keys.h"
#include "ops/weft/output.h"
#include "ops/weft/partner_source.h"
#include "proto/limits.h"

/* partner propose, amend, sign, check: agreements as notes, on machines without a connection, since
 * that is where the roots' keys are; sign --offered where they are at hand. */

static const int64_t second_ns = 1000 * 1000 * 1000;

enum {
    OFFER_DAYS = 30, /* chosen: until when it may be accepted; in force it does not run out */
    OFFER_DAYS_MAX = 3650,
};

/* What the commands below work on. Zero-initialized is empty; owns what it points to. */
struct working {
    const struct weft_args *args;
    struct weft_agreement_note agreement;
    struct weft_agreement_note base; /* The version before; perhaps none. */
    struct weft_agreement_orgs orgs;
    struct weft_arena arena; /* Of the differences. */
    struct weft_contract_differences differences;
};

static void end(struct working *w)
{
    weft_agreement_note_destroy(&w->agreement);
    weft_agreement_note_destroy(&w->base);
    weft_agreement_orgs_destroy(&w->orgs);
    weft_arena_destroy(&w->arena);
}

static int64_t now_ns(void)
{
    return (int64_t)time(NULL) * second_ns;
}

/* --- what it says ---------------------------------------------------------------------------- */

static void print_differences(const struct working *w, FILE *out)
{
    weft_agreement_note_print_changes(&w->differences, out);
    if (!w->base.is_there && w->agreement.contract.link.version > 1) {
        (void)fprintf(out, "what it changes is not known: --base FILE is the version before\n");
    } else if (w->base.is_there) {
        (void)fprintf(out, "%s\n", weft_policy_direction_name(w->differences.direction));
    }
}

/* "oem.example/plant1: 1 of its roots signed, of at least 2". *ret_is_whole: both have. */
static enum weft_err print_signed(
    const struct working *w, FILE *out, bool *ret_is_whole, struct weft_msg *msg)
{
    *ret_is_whole = true;
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        const struct weft_text site = w->agreement.contract.parties[i].site;
        uint32_t count = 0, threshold = 0;
        enum weft_err err =
            weft_agreement_note_count(&w->agreement, &w->orgs, i, &count, &threshold, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (threshold == 0) {
            (void)fprintf(out, "%.*s: who signed is not known without --org FILE of its org.note\n",
                (int)site.size, site.data);
        } else {
            (void)fprintf(out, "%.*s: %" PRIu32 " of its roots signed, of at least %" PRIu32 "\n",
                (int)site.size, site.data, count, threshold);
        }
        *ret_is_whole = *ret_is_whole && threshold > 0 && count >= threshold;
    }
    return WEFT_OK;
}

/* The file, what came before, org documents; and whether it can stand at all. */
static enum weft_err begin(struct working *w, const char *path, struct weft_msg *msg)
{
    const char *base = weft_args_text(w->args, "base", NULL);
    enum weft_err err = weft_agreement_orgs_read(w->args, &w->orgs, msg);
    if (err == WEFT_OK && base != NULL) {
        err = weft_agreement_note_read(base, &w->base, msg);
    }
    if (err == WEFT_OK && path != NULL) {
        err = weft_agreement_note_read(path, &w->agreement, msg);
    }
    return err;
}

static enum weft_err judge(struct working *w, struct weft_msg *msg)
{
    enum weft_err err = weft_agreement_note_check(&w->agreement, &w->base, now_ns(), msg);
    return err == WEFT_OK ? weft_agreement_note_changes(
                                &w->agreement, &w->base, &w->arena, &w->differences, msg)
                          : err;
}

/* --- signing --------------------------------------------------------------------------------- */

static enum weft_err sign_by_each(struct working *w, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    const char *path;
    for (int i = 0; err == WEFT_OK && (path = weft_args_nth(w->args, "key", i)) != NULL; i++) {
        struct weft_signer signer;
        err = weft_keys_open(w->args, path, &signer, msg);
        if (err == WEFT_OK) {
            err = weft_agreement_note_check_key(&w->agreement, &w->orgs, &signer.verifier, msg);
            if (err == WEFT_OK) {
                err = weft_authority_note_sign(&w->agreement.note, &signer, msg);
            }
            weft_signer_wipe(&signer);
        }
    }
    return err;
}

/* OPS-9: shown whole, with what it changes, then signed as it was shown, into a new file. */
static enum weft_err sign_into(struct working *w, const char *out, struct weft_msg *msg)
{
    bool is_whole = false;
    if (weft_args_nth(w->args, "key", 0) == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--key FILE is missing: the root's that signs");
    }
    if (weft_files_exists(out)) {
        return weft_fail(msg, WEFT_ESTATE, "%s exists already; --out FILE names another", out);
    }
    enum weft_err err = weft_consent_ask(
        w->args, "the agreement", weft_buffer_as_text(&w->agreement.note.text), msg);
    if (err == WEFT_OK) {
        err = sign_by_each(w, msg);
    }
    if (err == WEFT_OK) {
        err = print_signed(w, stderr, &is_whole, msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_write(out, &w->agreement.note, msg);
    }
    if (err == WEFT_OK && !weft_args_has(w->args, "quiet")) {
        (void)fprintf(stderr,
            is_whole ? "%s: both have signed\n"
                     : "next, who still has to sign: weft partner sign %s --key "
                       "ROOT.key --out FILE\n",
            out);
    }
    return err;
}

/* Into the site that gathers the signatures. */
static enum weft_err bring(
    struct working *w, struct weft_client *client, const char *name, struct weft_msg *msg)
{
    struct weft_buffer status = {.size_max = WEFT_ANSWER_SIZE_MAX};
    struct weft_note parsed;
    char asset[WEFT_CONTRACT_NAME_SIZE_MAX + 16];
    uint64_t index = 0;
    (void)snprintf(asset, sizeof(asset), "agreement:%s", name);
    enum weft_err err = weft_authority_note_join(&w->agreement.note, &parsed, msg);
    if (err == WEFT_OK) {
        err = weft_authority_note_commit_as(client, "agreement", asset,
            weft_buffer_as_text(&w->agreement.note.joined), NULL, &index, msg);
    }
    if (err == WEFT_OK) {
        err = weft_partner_source_file(client, name, NULL, &status, msg);
    }
    if (err == WEFT_OK) {
        bool waits =
            weft_text_is(weft_partner_source_line(weft_buffer_as_text(&status), "offer"), "yes");
        (void)printf("%s version %" PRIu64 " at index %" PRIu64 ": %s\n", asset,
            w->agreement.contract.link.version, index,
            waits ? "it waits for more signatures"
                  : "in force here; the partner is sent the signatures");
    }
    weft_buffer_destroy(&status);
    return err;
}

/* What a partner has offered over the link, read from the site and brought back to it. */
static enum weft_err sign_offered(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct working w = {.args = args};
    const char *name = args->operands[0];
    bool is_whole = false;
    enum weft_err err = begin(&w, NULL, msg);
    if (err == WEFT_OK) {
        err = weft_agreement_note_site(client, name, "offer", &w.agreement, msg);
    }
    if (err == WEFT_OK && !w.base.is_there) {
        err = weft_agreement_note_site_base(client, name, &w.base, msg);
    }
    if (err == WEFT_OK && w.orgs.count == 0 &&
        weft_org_source_site(client, &w.orgs.sources[0], msg) == WEFT_OK) {
        w.orgs.orgs[w.orgs.count++] = &w.orgs.sources[0].org;
    }
    if (err == WEFT_OK) {
        err = judge(&w, msg);
    }
    if (err == WEFT_OK && weft_args_nth(args, "key", 0) == NULL) {
        err = weft_fail(msg, WEFT_EINVAL, "--key FILE is missing: the root's that signs");
    }
    if (err == WEFT_OK) {
        print_differences(&w, stderr);
        err = weft_consent_ask(
            args, "the agreement", weft_buffer_as_text(&w.agreement.note.text), msg);
    }
    if (err == WEFT_OK) {
        err = sign_by_each(&w, msg);
    }
    if (err == WEFT_OK) {
        err = print_signed(&w, stderr, &is_whole, msg);
    }
    if (err == WEFT_OK) {
        err = bring(&w, client, name, msg);
    }
    end(&w);
    return err;
}

enum weft_exit weft_cmd_partner_sign(const struct weft_args *args)
{
    if (weft_args_has(args, "offered")) {
        return weft_with_client(args, sign_offered);
    }
    struct working w = {.args = args};
    struct weft_msg msg = {""};
    const char *out = weft_args_text(args, "out", NULL);
    enum weft_err err = begin(&w, args->operands[0], &msg);
    if (err == WEFT_OK) {
        err = judge(&w, &msg);
    }
    if (err == WEFT_OK && out == NULL) {
        err = weft_fail(&msg, WEFT_EINVAL, "--out FILE is missing: where the signed note goes");
    }
    if (err == WEFT_OK) {
        print_differences(&w, stderr);
        err = sign_into(&w, out, &msg);
    }
    end(&w);
    return weft_complain(err, &msg);
}

/* --- proposing and amending ------------------------------------------------------------------ */

static enum weft_err edit(
    const struct weft_args *args, struct weft_agreement_draft *draft, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    const char *line;
    for (int i = 0; err == WEFT_OK && (line = weft_args_nth(args, "unset", i)) != NULL; i++) {
        err = weft_agreement_draft_unset(draft, line, msg);
    }
    for (int i = 0; err == WEFT_OK && (line = weft_args_nth(args, "set", i)) != NULL; i++) {
        err = weft_agreement_draft_set(draft, line, msg);
    }
    return err;
}

/* The draft, or the version before, with what the options say. */
static enum weft_err compose(
    struct working *w, const char *path, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_agreement_draft draft = {NULL, 0};
    struct weft_buffer bytes = {.size_max = WEFT_NOTE_SIZE_MAX + 1};
    struct weft_text name = weft_text_of(w->args->operands[0]);
    struct weft_chain_link link = {.version = 1, .issued_ns = now_ns()};
    uint64_t days = 0;
    enum weft_err err =
        weft_args_number(w->args, "days", 1, OFFER_DAYS_MAX, OFFER_DAYS, &days, msg);
    link.expires_ns = link.issued_ns + (int64_t)days * 24 * 3600 * second_ns;
    if (w->base.is_there) {
        link.version = w->base.contract.link.version + 1;
        link.prev = w->base.contract.link.digest;
    }
    if (err == WEFT_OK && path != NULL) {
        err = weft_files_read(path, &bytes, msg);
    } else if (err == WEFT_OK && w->base.is_there) {
        err = weft_buffer_text(&bytes, weft_buffer_as_text(&w->base.note.text));
    }
    if (err == WEFT_OK) {
        err = weft_agreement_draft_read(
            &draft, weft_buffer_as_text(&bytes), path != NULL ? path : "the version before", msg);
    }
    if (err == WEFT_OK) {
        err = edit(w->args, &draft, msg);
    }
    if (err == WEFT_OK) {
        err =
            weft_agreement_draft_write(&draft, name, &link, w->orgs.orgs, w->orgs.count, out, msg);
    }
    weft_agreement_draft_destroy(&draft);
    weft_buffer_destroy(&bytes);
    return err;
}

/* Without a key: the text alone, for who reads it first. */
static enum weft_err finish(struct working *w, const char *suffix, struct weft_msg *msg)
{
    char out[WEFT_FILES_PATH_SIZE];
    const char *given = weft_args_text(w->args, "out", NULL);
    print_differences(w, stderr);
    if (weft_args_nth(w->args, "key", 0) == NULL && given == NULL) {
        const struct weft_buffer *text = &w->agreement.note.text;
        (void)fwrite(text->data, 1, text->size, stdout);
        return WEFT_OK;
    }
    (void)snprintf(out, sizeof(out), "%s.%s", w->args->operands[0], suffix);
    return sign_into(w, given != NULL ? given : out, msg);
}

static enum weft_exit make(const struct weft_args *args, bool is_amendment)
{
    struct working w = {.args = args};
    struct weft_buffer text = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_msg msg = {""};
    const char *draft = args->operand_count > 1 ? args->operands[1] : NULL;
    enum weft_err err = begin(&w, NULL, &msg);
    if (err == WEFT_OK && is_amendment && !w.base.is_there) {
        err = weft_fail(&msg, WEFT_EINVAL,
            "--base FILE is missing: the agreement as it is in force, which both have signed");
    }
    if (err == WEFT_OK) {
        err = compose(&w, draft, &text, &msg);
    }
    if (err == WEFT_OK) {
        err = weft_agreement_note_take(weft_buffer_as_text(&text), &w.agreement, &msg);
    }
    if (err == WEFT_OK) {
        err = judge(&w, &msg);
    }
    if (err == WEFT_OK) {
        err = finish(&w, is_amendment ? "amendment" : "offer", &msg);
    }
    weft_buffer_destroy(&text);
    end(&w);
    return weft_complain(err, &msg);
}

enum weft_exit weft_cmd_partner_propose(const struct weft_args *args)
{
    struct weft_msg msg = {""};
    if (weft_args_has(args, "sample")) {
        (void)fputs(weft_agreement_sample, stdout);
        return WEFT_EXIT_DONE;
    }
    if (args->operand_count == 0 ||
        (args->operand_count == 1 && !weft_args_has(args, "set"))) { /* Of --set alone, perhaps. */
        return weft_complain(
            weft_fail(&msg, WEFT_EINVAL,
                "%s is missing: weft partner propose NAME DRAFT; weft partner propose --sample "
                ">box.draft writes one to begin with",
                args->operand_count == 0 ? "NAME" : "DRAFT"),
            &msg);
    }
    return make(args, false);
}

enum weft_exit weft_cmd_partner_amend(const struct weft_args *args)
{
    return make(args, true);
}

/* --- check ----------------------------------------------------------------------------------- */

static enum weft_err write_json(struct working *w, struct weft_msg *msg)
{
    const struct weft_contract *c = &w->agreement.contract;
    struct weft_writer out = {0};
    char digest[WEFT_DIGEST_TEXT_SIZE];
    enum weft_err err = WEFT_OK;
    weft_digest_format(&c->link.digest, digest);
    weft_writer_open(&out, NULL, '{');
    weft_writer_text(&out, "agreement", c->name);
    weft_writer_unsigned(&out, "version", c->link.version);
    weft_writer_text(&out, "digest", weft_text_of(digest));
    weft_writer_open(&out, "parties", '[');
    for (uint32_t i = 0; err == WEFT_OK && i < WEFT_CONTRACT_PARTIES; i++) {
        uint32_t count = 0, threshold = 0;
        err = weft_agreement_note_count(&w->agreement, &w->orgs, i, &count, &threshold, msg);
        weft_writer_open(&out, NULL, '{');
        weft_writer_text(&out, "site", c->parties[i].site);
        if (threshold > 0) {
            weft_writer_unsigned(&out, "roots_signed", count);
            weft_writer_unsigned(&out, "roots_needed", threshold);
        }
        weft_writer_close(&out, '}');
    }
    weft_writer_close(&out, ']');
    weft_writer_open(&out, "changes", '[');
    for (uint32_t i = 0; i < w->differences.count; i++) {
        const struct weft_contract_difference *d = &w->differences.items[i];
        weft_writer_open(&out, NULL, '{');
        weft_writer_text(&out, "direction", weft_text_of(weft_policy_direction_name(d->direction)));
        weft_writer_text(&out, "what", d->what);
        weft_writer_close(&out, '}');
    }
    weft_writer_close(&out, ']');
    weft_writer_close(&out, '}');
    if (err == WEFT_OK) {
        err = weft_writer_print(&out, stdout, msg);
    }
    weft_writer_destroy(&out);
    return err;
}

static enum weft_err report(struct working *w, struct weft_msg *msg)
{
    const struct weft_contract *c = &w->agreement.contract;
    enum weft_format format;
    char digest[WEFT_DIGEST_TEXT_SIZE];
    bool is_whole = false;
    enum weft_err err = weft_output_format(w->args, &format, msg);
    if (err != WEFT_OK || format != WEFT_FORMAT_TABLE) {
        return err == WEFT_OK ? write_json(w, msg) : err;
    }
    weft_digest_format(&c->link.digest, digest);
    (void)printf("agreement %.*s, version %" PRIu64 ", %s\n", (int)c->name.size, c->name.data,
        c->link.version, digest);
    err = print_signed(w, stdout, &is_whole, msg);
    if (err == WEFT_OK) {
        print_differences(w, stdout);
    }
    return err;
}

enum weft_exit weft_cmd_partner_check(const struct weft_args *args)
{
    struct working w = {.args = args};
    struct weft_msg msg = {""};
    enum weft_err err = begin(&w, args->operands[0], &msg);
    if (err == WEFT_OK) {
        err = judge(&w, &msg);
    }
    if (err == WEFT_OK) {
        err = report(&w, &msg);
    }
    end(&w);
    return weft_complain(err, &msg);
}
