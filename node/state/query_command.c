/* Commands, asked for as files beside the audit log's: AUDIT with one of these paths.
 *
 *     command                  the newest 200, by the end of their time: one line each
 *     command/<id>             one, line by line
 *     command/<id>/bundle      what its gateway acts on (policy/command/proof_bundle.h); the
 * checkpoint comes with the question, from the node that answers it */
#include <inttypes.h>
#include <stdlib.h>

#include "node/state/audit_read.h"
#include "node/state/commands.h"
#include "node/state/machine.h"
#include "node/state/query_file.h"
#include "node/state/view.h"
#include "policy/tlog_proof.h"

enum {
    LIST_MAX = 200
};

static const char stem[] = "command";

/* One command, read from the view. Values are held until it is closed. */
struct found {
    struct weft_store_value state;
    struct weft_store_value note;
    struct weft_command_value value;
    struct weft_command_note command;
};

struct asking {
    struct weft_view *view;
    const struct weft_query *query;
    struct weft_buffer out;
    bool is_machinery; /* Who asks is a node, or the gateway of the command looked at last. */
    struct weft_msg *msg;
};

static void close_found(struct found *f)
{
    weft_store_release(&f->state);
    weft_store_release(&f->note);
}

static struct weft_text text_of(struct weft_bytes bytes)
{
    return (struct weft_text){(const char *)bytes.data, bytes.size};
}

static enum weft_err read_found(
    struct asking *a, const uint8_t id[WEFT_COMMAND_ID_SIZE], struct found *f)
{
    struct weft_note note;
    struct weft_key key = weft_key_command(id, 0);
    enum weft_err err = weft_store_get(a->view->store, a->view->snapshot, &key, &f->state, a->msg);
    if (err == WEFT_ENOTFOUND) {
        return weft_fail(a->msg, err, "no such command");
    }
    if (err == WEFT_OK) {
        key = weft_key_command(id, 1);
        err = weft_store_get(a->view->store, a->view->snapshot, &key, &f->note, a->msg);
    }
    if (err == WEFT_OK) {
        err = weft_command_value_decode(f->state.bytes, &f->value);
    }
    if (err == WEFT_OK) {
        err = weft_note_parse(text_of(f->note.bytes), &note, a->msg);
    }
    if (err == WEFT_OK) {
        err = weft_command_note_decode(note.text, &f->command, a->msg);
    }
    return err == WEFT_OK || err == WEFT_EIO || err == WEFT_ENOMEM
               ? err
               : weft_wrap(a->msg, WEFT_ECORRUPT, "a command in the state");
}

/* Nodes of the site, the channel's gateway, and whom the policy lets read commands of the asset. */
static bool may_read(struct asking *a, const struct weft_command_note *command)
{
    struct weft_principal who, gateway;
    struct weft_policy_subject subject;
    struct weft_policy_decision decision;
    const struct weft_authority *authority = a->view->authority;
    const struct weft_policy *policy = authority != NULL ? weft_authority_policy(authority) : NULL;
    struct weft_text origin = command->origin, org, site;
    (void)weft_text_cut(&origin, '/', &org);
    (void)weft_text_cut(&origin, '/', &site);
    if (weft_principal_parse_uri(a->query->principal, &who, NULL) != WEFT_OK) {
        return false;
    }
    a->is_machinery = (who.class == WEFT_PRINCIPAL_NODE && weft_text_is(org, who.org) &&
                          weft_text_is(site, who.site)) ||
                      (weft_channel_gateway(command->channel, org, &gateway) &&
                          weft_principal_equal(&gateway, &who));
    if (a->is_machinery || policy == NULL) {
        return a->is_machinery;
    }
    weft_authority_subject(authority, &who, &subject);
    struct weft_text labels[WEFT_LABELS_MAX];
    struct weft_policy_request request = {.subject = &subject,
        .org = org,
        .site = site,
        .action = WEFT_ACTION_READ,
        .kind = {WEFT_FACT_GIVEN, WEFT_TEXT(WEFT_COMMAND_KIND)},
        .verb = {WEFT_FACT_NONE, {NULL, 0}},
        .tier_presence = WEFT_FACT_NONE,
        .time_ns = a->view->time_ns};
    weft_authority_ask_of(authority, weft_command_note_asset(command), labels, &request);
    weft_policy_decide(policy, &request, &decision);
    return decision.effect == WEFT_EFFECT_ALLOW;
}

/* NOD-182: told of a machine that is labelled. What its own gateway acts on has the leaf of its
 * intent, and does not wait for another one. */
static void note_label(struct asking *a, const struct weft_command_note *command)
{
    if (!a->is_machinery) {
        weft_labels_note(
            &a->view->tally, weft_command_note_asset(command), (struct weft_text){NULL, 0});
    }
}

/* --- a list ---------------------------------------------------------------------------------- */

static enum weft_err put_line(struct asking *a, const struct found *f)
{
    char time[WEFT_DOCUMENT_TIME_TEXT_SIZE], subject[WEFT_COMMAND_SUBJECT_SIZE];
    const struct weft_command_machine *m = &f->value.machine;
    struct weft_text asset = weft_command_note_asset(&f->command);
    weft_document_format_time(f->value.time_ns, time);
    weft_command_subject(f->command.id, subject);
    return weft_buffer_format(&a->out, "%s %s %s %" PRIu64 " %s %.*s %.*s %.*s %s\n",
        subject + sizeof(WEFT_COMMAND_ASSET) - 1, weft_command_state_name(m->state),
        m->is_resolved ? weft_resolution_finding_name(m->finding) : "-", f->value.index, time,
        (int)f->command.channel.size, f->command.channel.data, (int)asset.size, asset.data,
        (int)f->command.verb.size, f->command.verb.data, m->code[0] != '\0' ? m->code : "-");
}

static enum weft_err put_list(struct asking *a)
{
    static const uint8_t last_id[WEFT_COMMAND_ID_SIZE] = {0xff};
    const struct weft_key last = weft_key_open(INT64_MAX, last_id);
    const uint8_t prefix[1] = {WEFT_KEY_OPEN};
    struct weft_store_walk *walk = weft_store_walk_create(a->view->store, a->view->snapshot, false);
    uint32_t count = 0;
    if (walk == NULL) {
        return weft_fail(a->msg, WEFT_ENOMEM, "list commands");
    }
    enum weft_err err = WEFT_OK;
    weft_store_walk_back_to(walk, &last);
    while (err == WEFT_OK && count < LIST_MAX &&
           weft_store_walk_is_below(walk, (struct weft_bytes){prefix, 1}) &&
           weft_store_walk_key(walk).size > 1) { /* Before them stands their number. */
        struct found f = {.value = {.index = 0}};
        struct weft_bytes key = weft_store_walk_key(walk);
        err = key.size == WEFT_KEY_OPEN_SIZE
                  ? read_found(a, key.data + 9, &f)
                  : weft_fail(a->msg, WEFT_ECORRUPT, "the list of commands is damaged");
        if (err == WEFT_OK && may_read(a, &f.command)) {
            note_label(a, &f.command);
            err = put_line(a, &f);
            count++;
        }
        close_found(&f);
        weft_store_walk_back(walk);
    }
    if (err == WEFT_OK) {
        err = weft_store_walk_err(walk, a->msg);
    }
    weft_store_walk_destroy(walk);
    return err;
}

/* --- one ------------------------------------------------------------------------------------- */

static enum weft_err put_fence(struct asking *a, const char *key, const struct weft_fence *fence)
{
    return weft_fence_is_none(fence) ? WEFT_OK
                                     : weft_buffer_format(&a->out, "%s %" PRIu64 " %" PRIu64 "\n",
                                           key, fence->term, fence->index);
}

static enum weft_err put_approvals(struct asking *a, const struct weft_command_machine *m)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < m->approval_count; i++) {
        char name[WEFT_PRINCIPAL_TEXT_SIZE], until[WEFT_DOCUMENT_TIME_TEXT_SIZE];
        weft_principal_format(&m->approvals[i].who, name);
        weft_document_format_time(m->approvals[i].expires_ns, until);
        err = weft_buffer_format(&a->out, "approval %s until %s\n", name, until);
    }
    return err;
}

/* What a proposal waits for, by the policy in force: "two-person: 1 of 2 of approvers". */
static enum weft_err put_needs(struct asking *a, const struct found *f)
{
    const struct weft_authority *authority = a->view->authority;
    struct weft_text labels[WEFT_LABELS_MAX], origin = f->command.origin;
    struct weft_policy_request request;
    struct weft_policy_requirement need = {.statement = 0};
    enum weft_err err = WEFT_OK;
    if (authority == NULL || f->value.machine.state != WEFT_COMMAND_PROPOSED) {
        return WEFT_OK;
    }
    weft_authority_ask_of(authority, weft_command_note_asset(&f->command), labels, &request);
    struct weft_command_law law = {.policy = weft_authority_policy(authority),
        .ring = weft_authority_keyring(authority),
        .subjects = weft_authority_subjects(authority),
        .index = a->view->index + 1,
        .now_ns = a->view->time_ns,
        .labels = labels,
        .label_count = request.label_count};
    (void)weft_text_cut(&origin, '/', &law.org);
    (void)weft_text_cut(&origin, '/', &law.site);
    for (uint32_t from = 0; err == WEFT_OK && weft_command_next_unmet(&law, &f->value.machine,
                                                  &f->command, from, &need);
         from = need.statement + 1u) {
        err = weft_buffer_format(&a->out, "needs %.*s: %" PRIu32 " of %" PRIu32 " of %.*s\n",
            (int)need.name.size, need.name.data, need.have_count, need.need_count,
            (int)need.group.size, need.group.data);
    }
    return err;
}

static enum weft_err put_state(struct asking *a, const struct found *f)
{
    char time[WEFT_DOCUMENT_TIME_TEXT_SIZE], digest[WEFT_DIGEST_TEXT_SIZE];
    const struct weft_command_machine *m = &f->value.machine;
    weft_document_format_time(f->value.time_ns, time);
    weft_digest_format(&m->digest, digest);
    enum weft_err err =
        weft_buffer_format(&a->out, "state %s\nsince %s\nindex %" PRIu64 "\ndigest %s\n",
            weft_command_state_name(m->state), time, f->value.index, digest);
    if (err == WEFT_OK && m->code[0] != '\0') {
        err = weft_buffer_format(&a->out, "code %s\n", m->code);
    }
    if (err == WEFT_OK && m->is_resolved) {
        err =
            weft_buffer_format(&a->out, "resolved %s\n", weft_resolution_finding_name(m->finding));
    }
    if (err == WEFT_OK) {
        err = put_needs(a, f);
    }
    if (err == WEFT_OK) {
        err = put_fence(a, "token", &m->fence);
    }
    if (err == WEFT_OK) {
        err = put_fence(a, "asked", &m->asked);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(&a->out, "sends %" PRIu32 "\n", m->sends);
    }
    if (err == WEFT_OK && !weft_fence_is_none(&m->fence)) {
        err = weft_buffer_format(&a->out, "leaf %" PRIu64 "\n", f->value.leaf);
    }
    if (err == WEFT_OK) {
        err = put_approvals(a, m);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_text(&a->out, WEFT_TEXT("\n"));
    }
    return err == WEFT_OK ? weft_buffer_text(&a->out, text_of(f->note.bytes)) : err;
}

/* --- a bundle -------------------------------------------------------------------------------- */

/* Notes that the bundle borrows. */
struct parts {
    struct weft_store_value values[WEFT_COMMAND_APPROVALS_MAX + WEFT_COMMAND_ENVELOPES_MAX];
    uint32_t count;
    struct weft_buffer leaves; /* One, behind its size. */
    struct weft_buffer proof;
};

static enum weft_err add_part(
    struct asking *a, struct parts *p, const struct weft_key *key, struct weft_text *ret_note)
{
    struct weft_store_value *value = &p->values[p->count];
    enum weft_err err = weft_store_get(a->view->store, a->view->snapshot, key, value, a->msg);
    if (err == WEFT_OK) {
        p->count++;
        *ret_note = text_of(value->bytes);
    }
    return err == WEFT_ENOTFOUND
               ? weft_fail(a->msg, WEFT_ECORRUPT, "a note in the state is missing")
               : err;
}

/* The approvals that counted; the envelopes' texts, if they are still those that it names. */
static enum weft_err add_notes(
    struct asking *a, const struct found *f, struct parts *p, struct weft_proof_bundle *b)
{
    const struct weft_command_machine *m = &f->value.machine;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < m->approval_count; i++) {
        if ((m->counted >> i & 1) != 0) {
            struct weft_key key = weft_key_command(f->command.id, (uint8_t)(2 + i));
            err = add_part(a, p, &key, &b->approvals[b->approval_count++]);
        }
    }
    for (uint32_t i = 0; err == WEFT_OK && i < f->command.envelope_count; i++) {
        struct weft_key key = weft_key_envelope(f->command.envelopes[i].name);
        struct weft_text whole = {NULL, 0};
        struct weft_note note;
        err = add_part(a, p, &key, &whole);
        if (err == WEFT_OK) {
            err = weft_note_parse(whole, &note, a->msg);
        }
        if (err == WEFT_OK) {
            struct weft_digest digest = weft_sha256(note.text.data, note.text.size);
            b->envelopes[b->envelope_count++] = note.text;
            if (!weft_digest_equal(&digest, &f->command.envelopes[i].digest)) {
                err = weft_fail(a->msg, WEFT_ESTATE, "an envelope has changed since");
            }
        }
    }
    return err;
}

static enum weft_err prove(struct asking *a, struct weft_audit_reader *reader,
    const struct found *f, struct weft_text checkpoint, uint64_t size, struct parts *p)
{
    struct weft_tlog_proof proof = {.index = f->value.leaf, .checkpoint = checkpoint};
    struct weft_merkle_prover *prover = malloc(sizeof(*prover)); /* 64 KiB */
    if (prover == NULL) {
        return weft_fail(a->msg, WEFT_ENOMEM, "prove a leaf");
    }
    weft_merkle_prover_init(prover, size, weft_audit_read_tile, reader);
    enum weft_err err = weft_merkle_prove_inclusion(prover, f->value.leaf, &proof.proof, a->msg);
    free(prover);
    return err == WEFT_OK ? weft_tlog_proof_encode(&proof, &p->proof) : err;
}

/* The leaf, and its place in the tree of the checkpoint that came with the question. */
static enum weft_err add_proof(
    struct asking *a, const struct found *f, struct parts *p, struct weft_proof_bundle *b)
{
    struct weft_note note;
    struct weft_checkpoint_note checkpoint;
    struct weft_audit_head head;
    struct weft_audit_reader reader;
    struct weft_bytes rest, leaf = {NULL, 0};
    if (a->query->where_value.size == 0) {
        return weft_fail(a->msg, WEFT_EBUSY,
            "no checkpoint of the audit log was signed by a majority of the nodes yet: each needs "
            "a log.key beside its certificate");
    }
    enum weft_err err = weft_note_parse(a->query->where_value, &note, a->msg);
    if (err == WEFT_OK) {
        err = weft_checkpoint_note_parse(note.text, &checkpoint, a->msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_audit_reader_init(&reader, a->view->store, a->view->snapshot);
    reader.roots = &a->view->state->audit_roots;
    err = weft_audit_read_head(&reader, &head, a->msg);
    if (err == WEFT_OK &&
        (checkpoint.head.size <= f->value.leaf || checkpoint.head.size > head.range.size)) {
        err = weft_fail(a->msg, WEFT_EBUSY, "no checkpoint covers its leaf yet: ask again");
    }
    if (err == WEFT_OK) {
        err = weft_audit_read_leaves(&reader, f->value.leaf, 1, &p->leaves, a->msg);
    }
    rest = (struct weft_bytes){p->leaves.data, p->leaves.size};
    if (err == WEFT_OK) {
        err = weft_bundle_next(&rest, &leaf);
    }
    if (err == WEFT_OK) {
        err = prove(a, &reader, f, a->query->where_value, checkpoint.head.size, p);
    }
    weft_audit_reader_close(&reader);
    b->leaf = text_of(leaf);
    b->proof = weft_buffer_as_text(&p->proof);
    return err;
}

static enum weft_err put_bundle(struct asking *a, const struct found *f)
{
    const struct weft_command_machine *m = &f->value.machine;
    struct parts p = {.count = 0};
    struct weft_proof_bundle b = {.fence = m->fence, .command = text_of(f->note.bytes)};
    if (m->state != WEFT_COMMAND_INTENT && m->state != WEFT_COMMAND_SHADOW) {
        return weft_fail(a->msg, WEFT_ESTATE, "the command is %s: there is nothing to act on",
            weft_command_state_name(m->state));
    }
    enum weft_err err = add_notes(a, f, &p, &b);
    if (err == WEFT_OK) {
        err = add_proof(a, f, &p, &b);
    }
    if (err == WEFT_OK) {
        err = weft_proof_bundle_encode(&b, &a->out, a->msg);
    }
    for (uint32_t i = 0; i < p.count; i++) {
        weft_store_release(&p.values[i]);
    }
    weft_buffer_destroy(&p.leaves);
    weft_buffer_destroy(&p.proof);
    return err;
}

/* --- the question ---------------------------------------------------------------------------- */

static enum weft_err answer(struct asking *a, struct weft_text path)
{
    struct weft_text rest = path, word, id_text;
    char subject[WEFT_COMMAND_SUBJECT_SIZE] = WEFT_COMMAND_ASSET;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    struct found f = {.value = {.index = 0}};
    if (!weft_text_cut(&rest, '/', &word)) {
        return put_list(a);
    }
    bool has_more = weft_text_cut(&rest, '/', &id_text);
    if (id_text.size == 2 * sizeof(id)) {
        memcpy(subject + sizeof(WEFT_COMMAND_ASSET) - 1, id_text.data, id_text.size);
    }
    if (!weft_command_subject_parse((struct weft_text){subject, sizeof(subject) - 1}, id) ||
        (has_more && !weft_text_is(rest, "bundle"))) {
        return weft_fail(a->msg, WEFT_EINVAL, "command, command/<id> or command/<id>/bundle");
    }
    enum weft_err err = read_found(a, id, &f);
    if (err == WEFT_OK && !may_read(a, &f.command)) {
        err = weft_fail(a->msg, WEFT_ENOTFOUND, "no such command"); /* NOD-173 */
    }
    if (err == WEFT_OK) {
        note_label(a, &f.command);
        err = has_more ? put_bundle(a, &f) : put_state(a, &f);
    }
    close_found(&f);
    return err;
}

bool weft_state_is_command_path(struct weft_text path)
{
    return weft_query_file_is(path, stem);
}

enum weft_err weft_query_command(struct weft_view *view, const struct weft_query *query,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    struct asking a = {
        .view = view, .query = query, .out = {.size_max = WEFT_ANSWER_SIZE_MAX - 1024}, .msg = msg};
    weft_labels_begin(
        &view->tally, view->authority != NULL && weft_authority_org(view->authority) != NULL
                          ? weft_authority_labels(view->authority)
                          : NULL);
    enum weft_err err = answer(&a, query->asset);
    err = weft_query_file_end(view, err, &a.out, arena, ret_answer, msg);
    weft_buffer_destroy(&a.out);
    return err;
}
