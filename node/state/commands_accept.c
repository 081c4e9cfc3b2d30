/* What an accepted record of kind `command`, `envelope` or `handover` changes, and its leaf. */
#include <stdlib.h>

#include "node/state/audit_acts.h"
#include "node/state/commands_parts.h"
#include "proto/check.h"

/* What the audit log says of it. */
struct act {
    const char *word; /* NULL: nothing changed. */
    const char *from; /* NULL: no state. */
    const char *to;
    bool is_decided;
    bool is_allowed;
    struct weft_text statement; /* Of the policy in force. */
    uint64_t version;
    uint32_t line;
    uint32_t evidence_count;
    struct weft_digest evidence[2 + WEFT_COMMAND_APPROVALS_MAX]; /* Rising. */
};

static void add_evidence(struct act *act, const struct weft_digest *digest)
{
    uint32_t at = 0;
    while (at < act->evidence_count &&
           memcmp(act->evidence[at].bytes, digest->bytes, WEFT_DIGEST_SIZE) < 0) {
        at++;
    }
    memmove(
        &act->evidence[at + 1], &act->evidence[at], (act->evidence_count - at) * sizeof(*digest));
    act->evidence[at] = *digest;
    act->evidence_count++;
}

static void tell_decision(const struct weft_commands_checked *k, struct act *act)
{
    bool is_asked = k->is_judged &&
                    (k->act.kind == WEFT_COMMAND_PROPOSE || k->act.kind == WEFT_COMMAND_APPROVE ||
                        k->act.kind == WEFT_COMMAND_DISPATCH);
    act->is_decided = is_asked;
    act->is_allowed =
        !(k->act.kind == WEFT_COMMAND_DISPATCH && weft_command_state_is_end(k->act.to));
    if (is_asked) {
        act->statement = k->judgement.statement;
        act->version = k->judgement.version;
        act->line = k->judgement.line;
    }
}

/* What a gateway will look for: the command and the approvals that counted, and nothing else. */
static void tell(const struct weft_commands_checked *k, struct act *act)
{
    act->word = weft_command_act_name(&k->act);
    act->from = weft_command_state_name(k->act.from);
    act->to = weft_command_state_name(k->act.to);
    tell_decision(k, act);
    add_evidence(act, &k->machine.digest);
    if (k->has_evidence) {
        add_evidence(act, &k->evidence);
    }
    for (uint32_t i = 0; k->act.kind == WEFT_COMMAND_DISPATCH && i < k->machine.approval_count;
         i++) {
        if ((k->machine.counted >> i & 1) != 0) {
            add_evidence(act, &k->machine.approvals[i].digest);
        }
    }
}

static enum weft_err keep_notes(
    struct weft_commands *c, struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct weft_commands_checked *k = &c->checked;
    if (k->is_new) {
        struct weft_key note = weft_key_command(k->live->id, 1);
        struct weft_key open = weft_key_open(k->live->command.not_after_ns, k->live->id);
        struct weft_key seq = weft_key_seq(k->seq);
        uint8_t number[8];
        weft_put_be64(number, k->live->command.seq);
        weft_store_batch_put(batch, &note, k->live->note.data, k->live->note.size);
        weft_store_batch_put(batch, &open, "", 0);
        if (!c->is_replay) { /* Then the last one counts, at the end. */
            weft_store_batch_put(batch, &seq, number, sizeof(number));
        }
        for (uint32_t i = 0; c->is_replay && i < c->seq_count; i++) {
            if (memcmp(c->seqs[i].digest, k->seq, sizeof(k->seq)) == 0) {
                c->seqs[i] = c->seqs[--c->seq_count];
                break;
            }
        }
        if (c->seq_count == c->seq_capacity) {
            uint32_t capacity = c->seq_capacity > 0 ? 2 * c->seq_capacity : 64;
            struct weft_command_seq *seqs = realloc(c->seqs, capacity * sizeof(*seqs));
            if (seqs == NULL) {
                return weft_fail(msg, WEFT_ENOMEM, "keep a command");
            }
            c->seqs = seqs;
            c->seq_capacity = capacity;
        }
        memcpy(c->seqs[c->seq_count].digest, k->seq, sizeof(k->seq));
        c->seqs[c->seq_count++].seq = k->live->command.seq;
    }
    if (k->approval.size > 0) {
        struct weft_key key =
            weft_key_command(k->live->id, (uint8_t)(1 + k->machine.approval_count));
        weft_store_batch_put(batch, &key, k->approval.data, k->approval.size);
    }
    return WEFT_OK;
}

/* Nobody has used it before. */
static enum weft_err keep_channel(struct weft_commands *c, struct weft_msg *msg)
{
    struct weft_commands_checked *k = &c->checked;
    if (k->channel == &k->fresh) {
        k->channel = weft_commands_keep_channel(c, &k->fresh);
    }
    return k->channel != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "keep a channel");
}

static bool is_open(const struct weft_command_machine *m)
{
    return m->state != WEFT_COMMAND_NONE &&
           (!weft_command_state_is_end(m->state) || weft_command_machine_holds(m));
}

/* The channel's part: who is in flight, what moved, what was verified. ACT-7. */
static void change_channel(struct weft_commands *c)
{
    struct weft_commands_checked *k = &c->checked;
    struct weft_channel_value *v = &k->channel->value;
    bool holds = weft_command_machine_holds(&k->machine);
    bool is_holder = v->is_held && memcmp(v->holder, k->live->id, sizeof(v->holder)) == 0;
    weft_assert(!holds || !v->is_held || is_holder); /* ACT-7 */
    if (holds && !is_holder) {
        v->is_held = true;
        memcpy(v->holder, k->live->id, sizeof(v->holder));
    } else if (!holds && is_holder) {
        v->is_held = false;
        memset(v->holder, 0, sizeof(v->holder));
    }
    if (k->act.is_move) {
        if (v->move_count == WEFT_ENVELOPE_MOVES_MAX) {
            memmove(v->moves_ns, v->moves_ns + 1,
                (WEFT_ENVELOPE_MOVES_MAX - 1) * sizeof(v->moves_ns[0]));
            v->move_count--;
        }
        v->moves_ns[v->move_count++] = k->place.time_ns;
        v->what = (struct weft_digest){{0}};
    }
    if (k->act.to == WEFT_COMMAND_VERIFIED && !k->live->command.is_shadow) {
        struct weft_text asset = weft_command_note_asset(&k->live->command);
        v->what = weft_commands_what(&k->live->command);
        v->verified_ns = k->place.time_ns;
        v->asset_size = (uint16_t)asset.size;
        memcpy(v->asset, asset.data, asset.size);
    }
    weft_commands_change_channel(c, k->channel);
}

static enum weft_err accept_command(struct weft_commands *c, uint64_t leaf,
    struct weft_store_batch *batch, struct act *act, struct weft_msg *msg)
{
    struct weft_commands_checked *k = &c->checked;
    if (k->act.is_repeat) {
        return WEFT_OK;
    }
    enum weft_err err = keep_notes(c, batch, msg);
    if (err == WEFT_OK) {
        err = keep_channel(c, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    c->open_count += is_open(&k->machine);
    c->open_count -= is_open(&k->live->value.machine);
    bool is_token = k->act.kind == WEFT_COMMAND_DISPATCH &&
                    (k->act.to == WEFT_COMMAND_INTENT || k->act.to == WEFT_COMMAND_SHADOW);
    tell(k, act);
    k->live->value.machine = k->machine;
    k->live->value.index = k->place.index;
    k->live->value.time_ns = k->place.time_ns;
    k->live->value.leaf = is_token ? leaf : k->live->value.leaf;
    weft_commands_change(c, k->live);
    change_channel(c);
    weft_commands_wait(c, k->live, k->channel);
    if (k->is_new) {
        weft_commands_insert(c, k->live);
        k->is_new = false;
    }
    if (weft_command_state_is_end(k->act.to)) {
        weft_commands_may_end(c, k->live);
    }
    return WEFT_OK;
}

static enum weft_err accept(struct weft_commands *c, uint64_t leaf, struct weft_store_batch *batch,
    struct act *act, struct weft_msg *msg)
{
    struct weft_commands_checked *k = &c->checked;
    struct weft_digest digest;
    enum weft_err err;
    switch (k->what) {
    case WEFT_COMMANDS_NOTHING:
        break;
    case WEFT_COMMANDS_COMMAND:
        return accept_command(c, leaf, batch, act, msg);
    case WEFT_COMMANDS_ENVELOPE:
        act->word = WEFT_AUDIT_ACT_ENVELOPE;
        digest = weft_envelopes_accept(c->envelopes, c->is_replay ? NULL : batch);
        add_evidence(act, &digest);
        break;
    case WEFT_COMMANDS_HANDOVER:
        err = keep_channel(c, msg);
        if (err != WEFT_OK) {
            return err;
        }
        act->word = WEFT_AUDIT_ACT_HANDOVER;
        act->from = weft_command_rank_name(k->channel->value.authority.rank);
        act->to = weft_command_rank_name(k->authority.rank);
        add_evidence(act, &k->evidence);
        k->channel->value.authority = k->authority;
        weft_commands_change_channel(c, k->channel);
        break;
    }
    return WEFT_OK;
}

static enum weft_err add_leaf(const struct weft_commands_checked *k, const struct act *told,
    struct weft_audit *audit, struct weft_store_batch *batch, struct weft_msg *msg)
{
    char actor[WEFT_PRINCIPAL_URI_SIZE];
    struct weft_text principal = k->place.principal; /* Of an envelope: who brought it. */
    if (k->signer.name[0] != '\0') {
        weft_principal_format_uri(&k->signer, actor);
        principal = weft_text_of(actor);
    }
    const struct weft_audit_act act = {.act = told->word,
        .principal = principal,
        .effect = !told->is_decided  ? WEFT_AUDIT_NO_DECISION
                  : told->is_allowed ? WEFT_AUDIT_ALLOW
                                     : WEFT_AUDIT_DENY,
        .statement = told->statement,
        .version = told->version,
        .line = told->line,
        .count = 1,
        .evidence = told->evidence,
        .evidence_count = told->evidence_count,
        .subject = weft_text_of(k->asset),
        .from = weft_text_of(told->from),
        .to = weft_text_of(told->to)};
    return weft_audit_add(audit, &act, batch, msg);
}

enum weft_err weft_commands_accept(struct weft_commands *c, struct weft_audit *audit,
    struct weft_store_batch *batch, struct weft_msg *msg)
{
    struct act act = {.word = NULL};
    if (c->checked.what == WEFT_COMMANDS_NOTHING) {
        return WEFT_OK;
    }
    enum weft_err err = accept(c, audit != NULL ? weft_audit_next(audit) : 0, batch, &act, msg);
    if (err == WEFT_OK && act.word != NULL && audit != NULL) { /* A repeat changes nothing. */
        err = add_leaf(&c->checked, &act, audit, batch, msg);
    }
    weft_commands_forget(c);
    return err;
}
