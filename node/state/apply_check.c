#include "node/mutant.h"
#include "node/state/apply_parts.h"
#include "node/state/permit.h"
#include "node/state/room.h"
#include "proto/entry.h"

static struct weft_permit permit_of(struct weft_apply *a)
{
    const struct weft_state *s = a->state;
    return (struct weft_permit){
        .authority = weft_authorities_at(s->authorities, a->position.public.index),
        .persons = s->persons,
        .site = {(const char *)s->authority.data, s->authority.size},
        .principal = a->principal,
        .index = a->position.public.index,
        .time_ns = a->time_ns};
}

/* Does the policy in force permit it? NOD-145: before anything is told of what is there. */
enum weft_err weft_apply_check_permit(struct weft_apply *a, const struct weft_commit *commit,
    const struct weft_entry_item *entry_item, struct weft_applied_item *item, bool *ret_ok)
{
    struct weft_state *s = a->state;
    struct weft_denial denial;
    struct weft_permit permit = permit_of(a);
    permit.warrant = entry_item->has_warrant ? &entry_item->warrant : NULL;
    permit.item = item->item;
    permit.with_text = a->with_results;
    enum weft_err rv = weft_permit_check(&permit, s->names, commit, &denial, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    a->ground = denial.ground;
    *ret_ok = !denial.is_denied;
    if (denial.is_denied) {
        s->denials.commits++;
        s->denials.by_action[denial.action]++;
        weft_apply_refuse(a, item, WEFT_EREFUSED, denial.detail.text, denial.pointer, 0);
        const struct weft_audit_acts acts = weft_apply_acts(a);
        rv = weft_audit_acts_denied(&acts, denial.action);
    }
    return rv;
}

/* Do its documents follow those in force (node/state/authorities.h)? */
static enum weft_err check_authority(struct weft_apply *a, const struct weft_commit *commit,
    struct weft_applied_item *item, bool *ret_ok)
{
    struct weft_refusal refusal;
    const struct weft_state_position *p = &a->position.public;
    enum weft_err rv = weft_authorities_check(
        a->state->authorities, commit, p->index, a->time_ns, p->records == 0, &refusal, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (refusal.err != WEFT_OK) {
        weft_apply_refuse(a, item, refusal.err, refusal.detail.text, refusal.pointer, 0);
        const struct weft_audit_acts acts = weft_apply_acts(a);
        rv = weft_audit_acts_authority_refused(&acts, commit, &refusal);
    }
    *ret_ok = refusal.err == WEFT_OK;
    return rv;
}

/* Is it a step that a command can take (node/state/commands.h)? */
static enum weft_err check_command(struct weft_apply *a, const struct weft_commit *commit,
    struct weft_applied_item *item, bool *ret_ok)
{
    struct weft_refusal refusal;
    enum weft_policy_action action;
    const struct weft_state_position *p = &a->position.public;
    const struct weft_commands_place place = {weft_authorities_at(a->state->authorities, p->index),
        p->term, p->index, a->time_ns, a->principal};
    enum weft_err rv =
        weft_commands_check(a->state->commands, commit, &place, &refusal, &action, a->msg);
    *ret_ok = rv == WEFT_OK && refusal.err == WEFT_OK;
    if (rv == WEFT_OK && !*ret_ok) {
        const struct weft_audit_acts acts = weft_apply_acts(a);
        weft_apply_refuse(a, item, refusal.err, refusal.detail.text, refusal.pointer, 0);
        rv = refusal.err == WEFT_EREFUSED ? weft_audit_acts_denied(&acts, action) : WEFT_OK;
    }
    return rv;
}

/* May whoever commits be told what revision the asset has, and what else stands in the way of the
 * commit there? NOD-174: who may write need not be one who may read. */
static bool knows(struct weft_apply *a, struct weft_text asset)
{
    const struct weft_permit permit = permit_of(a);
    return !a->with_results || weft_permit_knows(&permit, asset);
}

/* What it would do to designs and to retired assets (node/state/govern.h). */
static enum weft_err check_design(struct weft_apply *a, const struct weft_commit *commit,
    struct weft_applied_item *item, bool *ret_ok)
{
    struct weft_refusal refusal;
    enum weft_err rv = weft_govern_check(a->state->govern, commit, a->time_ns, &refusal, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (refusal.err != WEFT_OK) {
        bool may_know = true; /* What is told may be of any asset that bears on the commit. */
        for (uint32_t i = 0; i < commit->record_count && may_know; i++) {
            may_know = knows(a, commit->records[i].asset);
        }
        weft_apply_refuse(a, item, refusal.err,
            may_know ? refusal.detail.text : "what stands there does not allow it", refusal.pointer,
            0);
    }
    *ret_ok = refusal.err == WEFT_OK;
    return WEFT_OK;
}

/* Look at every precondition before anything changes. *ret_names: where the records' assets
 * stand in weft_names, in the item's arena. *ret_ok false: the item is refused. */
enum weft_err weft_apply_check_commit(struct weft_apply *a, const struct weft_commit *commit,
    struct weft_applied_item *item, uint32_t **ret_names, bool *ret_ok)
{
    *ret_ok = false;
    if (!weft_room_has(a->state, &a->position.public, a->ordinal, commit)) {
        weft_apply_refuse(a, item, WEFT_ETOOBIG,
            "the commit passes a limit of the state: 4 MiB stored, 65535 kinds, 65535 rels", "", 0);
        return WEFT_OK;
    }
    uint32_t *names =
        weft_arena_array(&a->state->stage.arena, commit->record_count, sizeof(*names));
    if (names == NULL) {
        return weft_apply_no_memory(a);
    }
    for (uint32_t i = 0; i < commit->record_count; i++) {
        const struct weft_record *record = &commit->records[i];
        enum weft_err rv = weft_names_find(a->state->names, record->asset, &names[i], a->msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        uint64_t rev = weft_names_at(a->state->names, names[i])->head.rev;
        if (weft_node_mutant(WEFT_NODE_MUTANT_EXPECT_STALE) && rev == a->position.public.index) {
            continue;
        }
        if (record->has_expect && record->expect_rev != rev) {
            struct weft_msg detail, pointer;
            (void)weft_fail(&detail, WEFT_ECONFLICT, "asset '%.*s' is at revision %llu, not %llu",
                (int)record->asset.size, record->asset.data, (unsigned long long)rev,
                (unsigned long long)record->expect_rev);
            (void)weft_fail(&pointer, WEFT_ECONFLICT, "/records/%u/expect/rev", i);
            bool may_know = knows(a, record->asset);
            weft_apply_refuse(a, item, WEFT_ECONFLICT,
                may_know ? detail.text : "the asset is not at the revision that was expected",
                pointer.text, may_know ? rev : 0);
            return WEFT_OK;
        }
    }
    struct weft_models_refusal refusal;
    enum weft_err rv =
        weft_models_check(a->state->models, commit, a->position.public.index, &refusal, a->msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (refusal.err != WEFT_OK) {
        weft_apply_refuse(a, item, refusal.err, refusal.detail.text, refusal.pointer, 0);
        return WEFT_OK;
    }
    *ret_names = names;
    bool ok;
    rv = check_authority(a, commit, item, &ok);
    if (rv == WEFT_OK && ok) {
        rv = check_command(a, commit, item, &ok);
    }
    if (rv == WEFT_OK && ok) {
        rv = weft_apply_check_agreement(a, commit, item, &ok);
    }
    return rv == WEFT_OK && ok ? check_design(a, commit, item, ret_ok) : rv;
}

enum weft_err weft_apply_follow(struct weft_apply *a, struct weft_commit *commit, uint32_t **names)
{
    struct weft_state *s = a->state;
    struct weft_record further[WEFT_COMMANDS_FOLLOW_MAX];
    struct weft_commit whole = *commit;
    uint32_t own = commit->record_count, count = 0;
    enum weft_err rv = weft_commands_follow(s->commands, &s->stage.arena, further, &count, a->msg);
    if (rv != WEFT_OK || count == 0) {
        return rv;
    }
    struct weft_record *records = weft_arena_array(&s->stage.arena, own + count, sizeof(*records));
    uint32_t *all = weft_arena_array(&s->stage.arena, own + count, sizeof(*all));
    if (records == NULL || all == NULL) {
        return weft_apply_no_memory(a);
    }
    memcpy(records, commit->records, own * sizeof(*records));
    memcpy(records + own, further, count * sizeof(*records));
    memcpy(all, *names, own * sizeof(*all));
    whole.records = records;
    whole.record_count = own + count;
    if (!weft_room_has(s, &a->position.public, a->ordinal, &whole)) {
        return WEFT_OK;
    }
    for (uint32_t i = own; rv == WEFT_OK && i < whole.record_count; i++) {
        rv = weft_names_find(s->names, records[i].asset, &all[i], a->msg);
    }
    if (rv == WEFT_OK) {
        *commit = whole;
        *names = all;
    }
    return rv;
}
