/* How a record of kind `command` or `handover` is judged, and what it changes. */
#include <stdio.h>
#include <stdlib.h>

#include "node/mutant.h"
#include "node/state/commands_parts.h"
#include "proto/check.h"

static const char note_path[] = "note", step_path[] = "step", channel_path[] = "channel";
static const char log_name[] = "/audit";

bool weft_commands_is_kind(struct weft_text kind)
{
    return weft_text_is(kind, WEFT_COMMAND_KIND) || weft_text_is(kind, WEFT_ENVELOPE_KIND) ||
           weft_text_is(kind, WEFT_HANDOVER_KIND);
}

/* One record, looked at. */
struct take {
    struct weft_commands *c;
    struct weft_commands_checked *k;
    const struct weft_commands_place *place;
    const struct weft_record *record;
    struct weft_note note;
    struct weft_refusal *r;
    enum weft_policy_action *action;
    struct weft_msg *msg;
};

void weft_commands_forget(struct weft_commands *c)
{
    struct weft_buffer approval = c->checked.approval;
    if (c->checked.is_new) {
        weft_command_live_destroy(c->checked.live);
    }
    weft_buffer_clear(&approval);
    c->checked = (struct weft_commands_checked){.approval = approval};
}

static const struct weft_keyring *ring_of(const struct take *t)
{
    return weft_authority_keyring(t->place->authority);
}

/* Cut, if it is longer: two that are alike so far count as one. */
static struct weft_text person_of(const struct take *t, const struct weft_principal *who)
{
    struct weft_policy_subject subject;
    weft_authority_subject(t->place->authority, who, &subject);
    if (subject.person.size > WEFT_PRINCIPAL_PART_SIZE_MAX) {
        subject.person.size = WEFT_PRINCIPAL_PART_SIZE_MAX;
    }
    return subject.person;
}

/* Signed by whom its text names, with a key that is valid here. */
static enum weft_err verify(struct take *t, enum weft_document_kind kind,
    const struct weft_principal *signer, uint32_t *ret_key_id)
{
    enum weft_err err =
        weft_keyring_verify(ring_of(t), &t->note, kind, signer, t->place->index, &t->r->detail);
    if (err != WEFT_OK) {
        return err;
    }
    bool has_key =
        weft_command_signer_key(ring_of(t), &t->note, signer, t->place->index, ret_key_id);
    weft_assert(has_key); /* ACT-9: the signature was verified by one */
    t->k->signer = *signer;
    return WEFT_OK;
}

/* What the refusal's code is; what the process lacks is the apply's error. */
static enum weft_err settle(struct take *t, enum weft_err err)
{
    if (err == WEFT_ENOMEM || err == WEFT_EIO || err == WEFT_ECORRUPT) {
        return weft_fail(t->msg, err, "check a command");
    }
    t->r->err = err;
    return WEFT_OK;
}

/* --- the machine ----------------------------------------------------------------------------- */

static enum weft_err judge(struct take *t, const struct weft_command_approval *more)
{
    struct weft_commands_room room;
    struct weft_command_law law;
    struct weft_commands_checked *k = t->k;
    const struct weft_command_note *command = &k->live->command;
    enum weft_err err = weft_commands_law(t->c, t->place->authority, t->place->index,
        t->place->time_ns, command, k->channel, &room, &law, t->msg);
    if (err == WEFT_OK) {
        err = weft_commands_last_seq(t->c, command->channel, &command->proposer, k->machine.key_id,
            k->seq, &law.last_seq, t->msg);
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_SEQ_FORGOTTEN)) {
        law.last_seq = 0;
    }
    if (err == WEFT_OK) {
        weft_command_judge(
            &law, &k->machine, command, k->machine.key_id, more, &k->judgement, &t->r->detail);
        k->is_judged = true;
    }
    return err;
}

static enum weft_err ask_policy(
    struct take *t, const struct weft_principal *who, enum weft_policy_action action, bool *ret_may)
{
    struct weft_commands_room room;
    struct weft_command_law law;
    enum weft_err err = weft_commands_law(t->c, t->place->authority, t->place->index,
        t->place->time_ns, &t->k->live->command, t->k->channel, &room, &law, t->msg);
    *ret_may = err == WEFT_OK && (weft_command_may(&law, who, action, &t->k->live->command) ||
                                     weft_node_mutant(WEFT_NODE_MUTANT_APPROVER_UNASKED));
    return err;
}

static enum weft_err step(struct take *t, struct weft_command_event *event)
{
    struct weft_msg why = {""};
    event->place = (struct weft_fence){t->place->term, t->place->index};
    event->now_ns = t->place->time_ns;
    event->command = &t->k->live->command;
    event->judgement = &t->k->judgement;
    event->is_channel_free =
        !t->k->channel->value.is_held || weft_node_mutant(WEFT_NODE_MUTANT_CHANNEL_SHARED);
    enum weft_err err = weft_command_machine_step(&t->k->machine, event, &t->k->act, &why);
    if (err != WEFT_OK && t->r->detail.text[0] != '\0') { /* The judgement's: "hard: speed (...)" */
        return weft_wrap(&t->r->detail, err, "%s", why.text);
    }
    if (err != WEFT_OK) {
        t->r->detail = why;
    }
    return err;
}

/* One that nobody has used is the operator's. */
static enum weft_err use_channel(struct take *t, struct weft_text channel)
{
    struct weft_command_channel *fresh = &t->k->fresh;
    t->k->channel = weft_commands_channel(t->c, channel);
    if (t->k->channel != NULL) {
        return WEFT_OK;
    }
    if (t->c->channel_count >= WEFT_CHANNELS_MAX) {
        return weft_fail(&t->r->detail, WEFT_ETOOBIG, "more than %d channels", WEFT_CHANNELS_MAX);
    }
    *fresh = (struct weft_command_channel){.name_size = (uint16_t)channel.size};
    memcpy(fresh->name, channel.data, channel.size);
    t->k->channel = fresh;
    return WEFT_OK;
}

/* The one that the record is about, with its channel. */
static enum weft_err find(struct take *t)
{
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    if (!weft_command_subject_parse(t->record->asset, id)) {
        return weft_fail(&t->r->detail, WEFT_EINVAL,
            "a record of kind %s stands on %s and 32 hexadecimal digits", WEFT_COMMAND_KIND,
            WEFT_COMMAND_ASSET);
    }
    enum weft_err err = weft_commands_find(t->c, id, &t->k->live, t->msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (t->k->live == NULL) {
        return weft_fail(&t->r->detail, WEFT_ENOTFOUND, "no such command");
    }
    t->k->machine = t->k->live->value.machine;
    return use_channel(t, t->k->live->command.channel);
}

/* --- notes ----------------------------------------------------------------------------------- */

/* Is it for this site's log, and on its own asset? */
static enum weft_err check_origin(struct take *t, const struct weft_command_note *command)
{
    char subject[WEFT_COMMAND_SUBJECT_SIZE];
    struct weft_text origin = command->origin, site = t->c->site;
    weft_command_subject(command->id, subject);
    if (!weft_text_is(t->record->asset, subject)) {
        return weft_fail(&t->r->detail, WEFT_EINVAL, "the command is %s", subject);
    }
    bool is_ours = origin.size == site.size + sizeof(log_name) - 1 &&
                   memcmp(origin.data, site.data, site.size) == 0 &&
                   memcmp(origin.data + site.size, log_name, sizeof(log_name) - 1) == 0;
    return is_ours ? WEFT_OK
                   : weft_fail(&t->r->detail, WEFT_EPEER, "its origin is not %.*s%s",
                         (int)site.size, site.data, log_name);
}

/* As if there were none of its id: the machine says what it is if there is. */
static enum weft_err take_command(struct take *t)
{
    struct weft_commands_checked *k = t->k;
    struct weft_command_live *known = NULL;
    struct weft_command_event event = {.kind = WEFT_COMMAND_PROPOSE};
    enum weft_err err =
        weft_commands_read_note(t->record->fields[0].value, &k->live, &t->r->detail);
    if (err != WEFT_OK) {
        k->live = NULL;
        return err;
    }
    k->is_new = true;
    *t->action = k->live->command.is_break_glass ? WEFT_ACTION_BREAK_GLASS : WEFT_ACTION_PROPOSE;
    err = check_origin(t, &k->live->command);
    if (err == WEFT_OK) {
        err = verify(t, WEFT_DOCUMENT_COMMAND, &k->live->command.proposer, &event.key_id);
    }
    if (err == WEFT_OK) {
        err = weft_commands_find(t->c, k->live->id, &known, t->msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    err = use_channel(t, k->live->command.channel);
    if (err != WEFT_OK) {
        return err;
    }
    if (known == NULL && t->c->open_count >= WEFT_COMMANDS_OPEN_MAX) {
        return weft_fail(
            &t->r->detail, WEFT_ETOOBIG, "%d commands are open", WEFT_COMMANDS_OPEN_MAX);
    }
    if (known != NULL) {
        k->machine = known->value.machine;
        return step(t, &event); /* ACT-8: a repeat, or another one. */
    }
    k->machine = (struct weft_command_machine){.key_id = event.key_id};
    event.person = person_of(t, &k->live->command.proposer);
    err = judge(t, NULL);
    return err == WEFT_OK ? step(t, &event) : err;
}

static enum weft_err take_approval(struct take *t)
{
    static const enum weft_command_event_kind kinds[WEFT_APPROVAL_MEANINGS] = {
        WEFT_COMMAND_APPROVE, WEFT_COMMAND_REJECT, WEFT_COMMAND_CANCEL};
    struct weft_approval_note approval;
    struct weft_command_event event = {.approval = &approval};
    enum weft_err err = weft_approval_note_decode(t->note.text, &approval, &t->r->detail);
    if (err == WEFT_OK) {
        *t->action =
            approval.meaning == WEFT_APPROVAL_CANCEL ? WEFT_ACTION_CANCEL : WEFT_ACTION_APPROVE;
        err = find(t);
    }
    if (err == WEFT_OK) {
        err = verify(t, WEFT_DOCUMENT_APPROVAL, &approval.approver, &event.key_id);
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_command_approval more = {.who = approval.approver,
        .key_id = event.key_id,
        .signed_ns = approval.signed_ns,
        .expires_ns = approval.expires_ns};
    event.kind = kinds[approval.meaning];
    event.person = person_of(t, &approval.approver);
    t->k->evidence = approval.digest;
    t->k->has_evidence = true;
    err = ask_policy(t, &approval.approver, *t->action, &event.is_permitted);
    if (err != WEFT_OK) {
        return err;
    }
    err = judge(t, event.kind == WEFT_COMMAND_APPROVE ? &more : NULL);
    t->r->detail.text[0] = '\0'; /* The envelope's say is for the dispatch. */
    if (err == WEFT_OK) {
        err = step(t, &event);
    }
    if (err == WEFT_OK && event.kind == WEFT_COMMAND_APPROVE && !t->k->act.is_repeat) {
        err = weft_buffer_text(&t->k->approval, t->record->fields[0].value);
    }
    return err;
}

static enum weft_err take_receipt(struct take *t)
{
    struct weft_receipt_note receipt;
    struct weft_command_event event = {.kind = WEFT_COMMAND_RECEIPT, .receipt = &receipt};
    *t->action = WEFT_ACTION_ACK;
    enum weft_err err = weft_receipt_note_decode(t->note.text, &receipt, &t->r->detail);
    if (err == WEFT_OK) {
        err = find(t);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_assert(t->k->live != NULL); /* ACT-9: find() */
    if (memcmp(receipt.id, t->k->live->id, sizeof(receipt.id)) != 0) {
        return weft_fail(&t->r->detail, WEFT_EINVAL, "the receipt is of another command");
    }
    t->note.together = &t->c->together; /* POL-71 */
    err = verify(t, WEFT_DOCUMENT_RECEIPT, &receipt.gateway, &event.key_id);
    t->k->evidence = receipt.digest;
    t->k->has_evidence = true;
    return err == WEFT_OK ? step(t, &event) : err;
}

static enum weft_err take_resolution(struct take *t)
{
    struct weft_resolution_note resolution;
    struct weft_command_event event = {.kind = WEFT_COMMAND_RESOLVE, .resolution = &resolution};
    *t->action = WEFT_ACTION_ACK;
    enum weft_err err = weft_resolution_note_decode(t->note.text, &resolution, &t->r->detail);
    if (err == WEFT_OK) {
        err = find(t);
    }
    if (err == WEFT_OK) {
        err = verify(t, WEFT_DOCUMENT_RESOLUTION, &resolution.resolver, &event.key_id);
    }
    if (err != WEFT_OK) {
        return err;
    }
    t->k->evidence = resolution.digest;
    t->k->has_evidence = true;
    err = ask_policy(t, &resolution.resolver, WEFT_ACTION_ACK, &event.is_permitted);
    return err == WEFT_OK ? step(t, &event) : err;
}

static enum weft_err take_note(struct take *t)
{
    static const struct {
        const char *header;
        enum weft_err (*take)(struct take *t);
    } notes[] = {
        {"weft-command/v1\n", take_command},
        {"weft-approval/v1\n", take_approval},
        {"weft-receipt/v1\n", take_receipt},
        {"weft-resolution/v1\n", take_resolution},
    };
    enum weft_err err = weft_note_parse(t->record->fields[0].value, &t->note, &t->r->detail);
    if (err != WEFT_OK) {
        return err;
    }
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        if (weft_text_starts(t->note.text, notes[i].header)) {
            return notes[i].take(t);
        }
    }
    return weft_fail(&t->r->detail, WEFT_EINVAL,
        "neither a command, an approval, a receipt nor a resolution, of version 1");
}

/* The fault judged_once: what was good when it was approved is good. */
static enum weft_err judged_before(struct take *t)
{
    t->k->judgement = (struct weft_command_judgement){.effect = WEFT_EFFECT_ALLOW,
        .counted = UINT32_MAX,
        .is_known = true,
        .is_of_policy = true,
        .is_of_envelopes = true,
        .is_of_rank = true,
        .is_of_rev = true,
        .is_next = true};
    return WEFT_OK;
}

/* Of the leader; but whoever sends it, it is taken only when it is due. */
static enum weft_err take_step(struct take *t)
{
    struct weft_command_event event = {.kind = WEFT_COMMAND_EVENTS};
    struct weft_text site = t->c->site, org;
    *t->action = WEFT_ACTION_DISPATCH;
    (void)weft_text_cut(&site, '/', &org);
    if (weft_principal_parse_uri(t->place->principal, &t->k->signer, NULL) != WEFT_OK ||
        (!weft_node_mutant(WEFT_NODE_MUTANT_STEP_OF_ANYBODY) &&
            (t->k->signer.class != WEFT_PRINCIPAL_NODE || !weft_text_is(org, t->k->signer.org) ||
                !weft_text_is(site, t->k->signer.site)))) {
        return weft_fail(&t->r->detail, WEFT_EREFUSED, "a step is for the nodes of the site");
    }
    if (!weft_command_step_parse(t->record->fields[1].value, &event.kind)) {
        return weft_fail(&t->r->detail, WEFT_EINVAL, "no step is called so");
    }
    enum weft_err err = find(t);
    if (err == WEFT_OK &&
        !weft_text_equal(t->record->fields[0].value, t->k->live->command.channel)) {
        err = weft_fail(&t->r->detail, WEFT_EINVAL, "not the command's channel");
    }
    if (err == WEFT_OK && event.kind == WEFT_COMMAND_DISPATCH) {
        err = weft_node_mutant(WEFT_NODE_MUTANT_JUDGED_ONCE) ? judged_before(t) : judge(t, NULL);
    }
    return err == WEFT_OK ? step(t, &event) : err;
}

/* --- hand-overs ------------------------------------------------------------------------------ */

static enum weft_err take_handover(struct take *t)
{
    struct weft_handover_note handover;
    struct weft_command_law law = {.policy = weft_authority_policy(t->place->authority),
        .ring = ring_of(t),
        .subjects = weft_authority_subjects(t->place->authority),
        .index = t->place->index,
        .now_ns = t->place->time_ns};
    struct weft_text asset = t->record->asset;
    struct weft_commands_room room;
    uint32_t key_id;
    *t->action = WEFT_ACTION_TAKE_AUTHORITY;
    weft_commands_ask_of(t->place->authority, asset, &room, &law);
    law.site = t->c->site;
    (void)weft_text_cut(&law.site, '/', &law.org);
    enum weft_err err = weft_note_parse(t->record->fields[0].value, &t->note, &t->r->detail);
    if (err == WEFT_OK) {
        err = weft_handover_note_decode(t->note.text, &handover, &t->r->detail);
    }
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text channel = asset, site = handover.channel, own;
    (void)weft_text_cut(&channel, ':', &own);
    (void)weft_text_cut(&site, '/', &own);
    if (!weft_text_starts(asset, WEFT_CHANNEL_ASSET) ||
        !weft_text_equal(channel, handover.channel) || !weft_text_equal(own, law.site)) {
        return weft_fail(&t->r->detail, WEFT_EINVAL,
            "a record of kind %s stands on %s and its channel, of this site", WEFT_HANDOVER_KIND,
            WEFT_CHANNEL_ASSET);
    }
    err = verify(t, WEFT_DOCUMENT_HANDOVER, &handover.signer, &key_id);
    if (err == WEFT_OK && !weft_command_may_take(&law, &handover.signer, asset)) {
        err = weft_fail(&t->r->detail, WEFT_EREFUSED, "policy: not permitted");
    }
    if (err == WEFT_OK) {
        err = use_channel(t, handover.channel);
    }
    if (err == WEFT_OK) {
        err = weft_handover_check(&handover, &t->k->channel->value.authority,
            weft_command_rank_of(&law, &handover.signer), t->place->time_ns, &t->r->detail);
    }
    t->k->authority = (struct weft_command_authority){handover.version, handover.to};
    t->k->evidence = handover.digest;
    t->k->has_evidence = true;
    return err;
}

/* --- the commit ------------------------------------------------------------------------------ */

static bool is_text(const struct weft_record *record, uint32_t field, const char *path)
{
    return weft_text_is(record->fields[field].path, path) &&
           record->fields[field].type == WEFT_VALUE_TEXT;
}

static enum weft_err take_envelope(struct take *t)
{
    const struct weft_authority_place place = {
        .site = t->c->site, .index = t->place->index, .time_ns = t->place->time_ns};
    *t->action = WEFT_ACTION_ADMIN_POLICY;
    t->k->what = WEFT_COMMANDS_ENVELOPE;
    return weft_envelopes_check(t->c->envelopes, t->place->authority, &place, t->record->asset,
        t->record->fields[0].value, t->r, t->msg);
}

static enum weft_err take(struct take *t)
{
    const struct weft_record *record = t->record;
    bool is_command = weft_text_is(record->kind, WEFT_COMMAND_KIND);
    bool is_step = is_command && record->field_count == 2 && is_text(record, 0, channel_path) &&
                   is_text(record, 1, step_path);
    bool is_note = record->field_count == 1 && is_text(record, 0, note_path);
    if (record->link_count != 0 || (!is_note && !is_step)) {
        t->r->err = weft_fail(&t->r->detail, WEFT_EINVAL,
            "a signed note as attribute %s and nothing else, or of a node %s and %s", note_path,
            channel_path, step_path);
        return WEFT_OK;
    }
    if (weft_text_is(record->kind, WEFT_ENVELOPE_KIND)) {
        return take_envelope(t);
    }
    t->k->what = is_command ? WEFT_COMMANDS_COMMAND : WEFT_COMMANDS_HANDOVER;
    return settle(t, is_step ? take_step(t) : is_command ? take_note(t) : take_handover(t));
}

enum weft_err weft_commands_check(struct weft_commands *c, const struct weft_commit *commit,
    const struct weft_commands_place *place, struct weft_refusal *ret_refusal,
    enum weft_policy_action *ret_action, struct weft_msg *msg)
{
    struct weft_refusal *r = ret_refusal;
    uint32_t ours = 0, which = 0;
    r->err = WEFT_OK;
    r->pointer[0] = r->detail.text[0] = '\0';
    if (c->checked.what != WEFT_COMMANDS_NOTHING) {
        weft_commands_forget(c);
    }
    if (weft_authority_org(place->authority) == NULL) {
        return WEFT_OK;
    }
    for (uint32_t i = 0; i < commit->record_count; i++) {
        if (weft_commands_is_kind(commit->records[i].kind)) {
            which = ours++ == 0 ? i : which;
        }
    }
    if (ours == 0) {
        return WEFT_OK;
    }
    struct take t = {.c = c,
        .k = &c->checked,
        .place = place,
        .record = &commit->records[which],
        .r = r,
        .action = ret_action,
        .msg = msg};
    enum weft_err err = WEFT_OK;
    *ret_action = WEFT_ACTION_WRITE;
    c->checked.place = *place;
    if (commit->record_count > 1) {
        r->err = weft_fail(&r->detail, WEFT_EINVAL, "a commit of such a record has no other");
    } else {
        err = take(&t);
    }
    if (err == WEFT_OK && r->err != WEFT_OK) {
        (void)snprintf(r->pointer, sizeof(r->pointer), "/records/%u/attrs", which);
        r->detail.text[weft_text_utf8_prefix(weft_text_of(r->detail.text))] = '\0';
    }
    if (err != WEFT_OK || r->err != WEFT_OK) {
        weft_commands_forget(c);
    } else {
        (void)snprintf(c->checked.asset, sizeof(c->checked.asset), "%.*s",
            (int)t.record->asset.size, t.record->asset.data);
    }
    return err;
}
