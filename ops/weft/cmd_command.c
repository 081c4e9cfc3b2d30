#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/weft/command_draft.h"
#include "ops/weft/command_source.h"
#include "ops/weft/consent.h"
#include "ops/weft/output.h"
#include "policy/command/approval_note.h"
#include "policy/command/resolution_note.h"

/* command propose, approve, reject, cancel, resolve: what people sign about machines. */

static const int64_t ms_ns = 1000 * 1000;
static const uint64_t default_life_ms = 5 * 60 * 1000; /* chosen: a colleague reads and signs */

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t ns = (int64_t)now.tv_sec * 1000 * ms_ns + now.tv_nsec;
    return ns - ns % ms_ns;
}

/* Signs, commits, and says at which index. */
static enum weft_err send(const struct weft_args *args, struct weft_client *client,
    const struct weft_signer *signer, const uint8_t id[WEFT_COMMAND_ID_SIZE],
    struct weft_authority_note *note, struct weft_msg *msg)
{
    char asset[64] = "command:";
    struct weft_note parsed;
    enum weft_format format;
    uint64_t index = 0;
    for (size_t i = 0; i < WEFT_COMMAND_ID_SIZE; i++) {
        (void)snprintf(asset + 8 + 2 * i, 3, "%02x", id[i]);
    }
    enum weft_err err = weft_authority_note_sign(note, signer, msg);
    if (err == WEFT_OK) {
        err = weft_authority_note_join(note, &parsed, msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_commit_as(
            client, "command", asset, weft_buffer_as_text(&note->joined), NULL, &index, msg);
    }
    if (err == WEFT_OK) {
        err = weft_output_format(args, &format, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("%s at index %" PRIu64 "\n", asset + 8, index);
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "id", weft_text_of(asset + 8));
    weft_writer_unsigned(&w, "index", index);
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

/* --- propose --------------------------------------------------------------------------------- */

struct proposing {
    struct weft_signer signer;
    struct weft_command_draft draft;
    struct weft_authority_note note;
};

static enum weft_err propose_at_site(const struct weft_args *args, struct proposing *p,
    struct weft_client *client, struct weft_msg *msg)
{
    struct weft_command_note *c = &p->draft.command;
    enum weft_err err = weft_consent_key(args, &p->signer, &c->proposer, msg);
    if (err == WEFT_OK) {
        c->printed_name = weft_consent_printed(args, &c->proposer);
        err = weft_consent_reason(args, &c->reason, msg);
    }
    if (err == WEFT_OK) {
        err = weft_command_draft_make(args, client, &p->draft, msg);
    }
    if (err == WEFT_OK) {
        err = weft_command_note_encode(c, &p->note.text, msg);
    }
    if (err == WEFT_OK) {
        err = weft_command_draft_check(&p->draft, msg);
    }
    if (err == WEFT_OK) {
        err = weft_consent_ask(args, "the command", weft_buffer_as_text(&p->note.text), msg);
    }
    return err == WEFT_OK ? send(args, client, &p->signer, c->id, &p->note, msg) : err;
}

static enum weft_err propose(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct proposing *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "propose a command");
    }
    enum weft_err err = propose_at_site(args, p, client, msg);
    weft_signer_wipe(&p->signer);
    weft_command_draft_destroy(&p->draft);
    weft_authority_note_destroy(&p->note);
    free(p);
    return err;
}

enum weft_exit weft_cmd_command_propose(const struct weft_args *args)
{
    return weft_with_client(args, propose);
}

/* --- approve, reject, cancel ----------------------------------------------------------------- */

struct saying {
    const struct weft_args *args;
    struct weft_signer signer;
    struct weft_principal who;
    struct weft_command_source source;
    struct weft_authority_note note;
};

/* The command as the site has it is shown whole, then what is signed about it. */
static enum weft_err begin(struct saying *s, struct weft_client *client,
    struct weft_text *ret_reason, struct weft_msg *msg)
{
    enum weft_err err = weft_consent_key(s->args, &s->signer, &s->who, msg);
    if (err == WEFT_OK) {
        err = weft_consent_reason(s->args, ret_reason, msg);
    }
    if (err == WEFT_OK) {
        err = weft_command_source_read(client, s->args->operands[0], &s->source, msg);
    }
    if (err == WEFT_OK) {
        weft_consent_show(s->args, "its state", s->source.state);
        weft_consent_show(s->args, "the command", s->source.text);
    }
    return err;
}

static enum weft_err finish(struct saying *s, struct weft_client *client, struct weft_msg *msg)
{
    enum weft_err err =
        weft_consent_ask(s->args, "what is signed", weft_buffer_as_text(&s->note.text), msg);
    return err == WEFT_OK ? send(s->args, client, &s->signer, s->source.command.id, &s->note, msg)
                          : err;
}

static void end(struct saying *s)
{
    weft_signer_wipe(&s->signer);
    weft_command_source_destroy(&s->source);
    weft_authority_note_destroy(&s->note);
}

static enum weft_err say(const struct weft_args *args, struct weft_client *client,
    enum weft_approval_meaning meaning, struct weft_msg *msg)
{
    struct saying s = {.args = args};
    struct weft_approval_note approval = {.meaning = meaning, .signed_ns = now_ns()};
    uint64_t life_ms = 0;
    enum weft_err err = weft_args_duration_ms(args, "for", default_life_ms, &life_ms, msg);
    if (err == WEFT_OK) {
        err = begin(&s, client, &approval.reason, msg);
    }
    if (err == WEFT_OK) {
        approval.command = s.source.command.digest;
        memcpy(approval.id, s.source.command.id, sizeof(approval.id));
        approval.approver = s.who;
        approval.printed_name = weft_consent_printed(args, &s.who);
        approval.expires_ns = approval.signed_ns + (int64_t)life_ms * ms_ns;
        err = weft_approval_note_encode(&approval, &s.note.text, msg);
    }
    if (err == WEFT_OK) {
        err = finish(&s, client, msg);
    }
    end(&s);
    return err;
}

static enum weft_err approve(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return say(args, client, WEFT_APPROVAL_APPROVE, msg);
}

static enum weft_err reject(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return say(args, client, WEFT_APPROVAL_REJECT, msg);
}

static enum weft_err cancel(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return say(args, client, WEFT_APPROVAL_CANCEL, msg);
}

enum weft_exit weft_cmd_command_approve(const struct weft_args *args)
{
    return weft_with_client(args, approve);
}

enum weft_exit weft_cmd_command_reject(const struct weft_args *args)
{
    return weft_with_client(args, reject);
}

enum weft_exit weft_cmd_command_cancel(const struct weft_args *args)
{
    return weft_with_client(args, cancel);
}

/* --- resolve --------------------------------------------------------------------------------- */

static enum weft_err resolve(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct saying s = {.args = args};
    struct weft_resolution_note resolution = {.signed_ns = now_ns()};
    const char *found = args->operands[1];
    int i = 0;
    while (i < WEFT_RESOLUTION_FINDINGS &&
           strcmp(found, weft_resolution_finding_name((enum weft_resolution_finding)i)) != 0) {
        i++;
    }
    if (i == WEFT_RESOLUTION_FINDINGS) {
        return weft_fail(
            msg, WEFT_EINVAL, "%.40s: what was found is done, not-done or partly", found);
    }
    resolution.finding = (enum weft_resolution_finding)i;
    enum weft_err err = begin(&s, client, &resolution.reason, msg);
    if (err == WEFT_OK) {
        resolution.command = s.source.command.digest;
        memcpy(resolution.id, s.source.command.id, sizeof(resolution.id));
        resolution.resolver = s.who;
        resolution.printed_name = weft_consent_printed(args, &s.who);
        err = weft_resolution_note_encode(&resolution, &s.note.text, msg);
    }
    if (err == WEFT_OK) {
        err = finish(&s, client, msg);
    }
    end(&s);
    return err;
}

enum weft_exit weft_cmd_command_resolve(const struct weft_args *args)
{
    return weft_with_client(args, resolve);
}
