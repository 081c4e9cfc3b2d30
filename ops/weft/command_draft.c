#include "ops/weft/command_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/weft/consent.h"
#include "policy/command/envelope_check.h"
#include "policy/crypto/random.h"
#include "proto/time.h"

static const int64_t ms_ns = 1000 * 1000;
static const uint64_t default_life_ms = 5 * 60 * 1000; /* chosen: a colleague reads and signs */

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t ns = (int64_t)now.tv_sec * 1000 * ms_ns + now.tv_nsec;
    return ns - ns % ms_ns;
}

static int compare_args(const void *a, const void *b)
{
    return weft_text_compare(
        ((const struct weft_command_arg *)a)->name, ((const struct weft_command_arg *)b)->name);
}

static int compare_demands(const void *a, const void *b)
{
    return weft_demand_compare(a, b);
}

static int compare_outcomes(const void *a, const void *b)
{
    return weft_text_compare(
        ((const struct weft_outcome *)a)->path, ((const struct weft_outcome *)b)->path);
}

/* --arg 'speed=42.5 rpm' */
static enum weft_err read_args(struct weft_command_draft *p, struct weft_msg *msg)
{
    struct weft_command_note *c = &p->command;
    const char *given;
    while ((given = weft_args_nth(p->args, "arg", (int)c->arg_count)) != NULL) {
        struct weft_command_arg *arg = &c->args[c->arg_count];
        struct weft_text value = weft_text_of(given);
        if (c->arg_count == WEFT_COMMAND_ARGS_MAX || !weft_text_cut(&value, '=', &arg->name) ||
            !weft_scalar_parse(value, &arg->value)) {
            return weft_fail(msg, WEFT_EINVAL,
                "--arg '%.60s': NAME=VALUE, of which VALUE is like '42.5 rpm', true or a word",
                given);
        }
        c->arg_count++;
    }
    qsort(c->args, c->arg_count, sizeof(c->args[0]), compare_args);
    return WEFT_OK;
}

static enum weft_err read_fields(struct weft_command_draft *p, struct weft_msg *msg)
{
    struct weft_command_note *c = &p->command;
    const char *given;
    while ((given = weft_args_nth(p->args, "pre", (int)c->pre_count)) != NULL) {
        if (c->pre_count == WEFT_COMMAND_PRES_MAX ||
            !weft_demand_parse(weft_text_of(given), &c->pres[c->pre_count])) {
            return weft_fail(msg, WEFT_EINVAL, "--pre '%.60s': like 'guard/closed = true'", given);
        }
        c->pre_count++;
    }
    while ((given = weft_args_nth(p->args, "post", (int)c->post_count)) != NULL) {
        if (c->post_count == WEFT_COMMAND_POSTS_MAX ||
            !weft_outcome_parse(weft_text_of(given), &c->posts[c->post_count])) {
            return weft_fail(
                msg, WEFT_EINVAL, "--post '%.60s': like 'speed = 42.5 +- 0.5 rpm by 20s'", given);
        }
        c->post_count++;
    }
    qsort(c->pres, c->pre_count, sizeof(c->pres[0]), compare_demands);
    qsort(c->posts, c->post_count, sizeof(c->posts[0]), compare_outcomes);
    return WEFT_OK;
}

static enum weft_err read_place(struct weft_command_draft *p, struct weft_msg *msg)
{
    struct weft_command_note *c = &p->command;
    const char *channel = weft_args_text(p->args, "channel", NULL);
    if (channel == NULL) {
        return weft_fail(msg, WEFT_EINVAL,
            "--channel SITE/GATEWAY/MACHINE is missing: by whom it is carried out");
    }
    (void)snprintf(p->target, sizeof(p->target), "%s/%s", c->proposer.org, p->args->operands[1]);
    struct weft_text site = weft_text_of(channel), rest = site;
    (void)weft_text_cut(&rest, '/', &site);
    (void)snprintf(p->origin, sizeof(p->origin), "%s/%.*s/audit", c->proposer.org,
        (int)(site.size < WEFT_PRINCIPAL_PART_SIZE_MAX ? site.size : WEFT_PRINCIPAL_PART_SIZE_MAX),
        site.data);
    c->target = weft_text_of(p->target);
    c->origin = weft_text_of(p->origin);
    c->channel = weft_text_of(channel);
    c->verb = weft_text_of(p->args->operands[0]);
    return WEFT_OK;
}

static enum weft_err read_kind(struct weft_command_draft *p, struct weft_msg *msg)
{
    static const char *const classes[] = {"A", "B", "C"};
    struct weft_command_note *c = &p->command;
    const char *class = weft_args_text(p->args, "class", "C");
    uint64_t tier = 0;
    int i = 0;
    while (i < WEFT_COMMAND_CLASSES && strcmp(class, classes[i]) != 0) {
        i++;
    }
    if (i == WEFT_COMMAND_CLASSES) {
        return weft_fail(msg, WEFT_EINVAL, "--class is A, B or C");
    }
    c->class = (enum weft_command_class)i;
    enum weft_err err = weft_args_number(
        p->args, "tier", 0, WEFT_COMMAND_TIER_MAX, WEFT_COMMAND_TIER_MAX, &tier, msg);
    c->tier = (uint32_t)tier;
    c->is_shadow = weft_args_has(p->args, "shadow");
    c->is_break_glass = weft_args_has(p->args, "break-glass");
    c->is_safe_on_unknown = strcmp(weft_args_text(p->args, "on-unknown", "hold"), "safe") == 0;
    c->has_rev = weft_args_has(p->args, "pre-rev");
    return err == WEFT_OK ? weft_args_number(p->args, "pre-rev", 0, UINT64_MAX, 0, &c->rev, msg)
                          : err;
}

static enum weft_err read_time(struct weft_command_draft *p, struct weft_msg *msg)
{
    struct weft_command_note *c = &p->command;
    const char *from = weft_args_text(p->args, "not-before", NULL);
    uint64_t life_ms = 0, seq = 0;
    c->signed_ns = c->not_before_ns = now_ns();
    enum weft_err err =
        from != NULL ? weft_time_parse(weft_text_of(from), &c->not_before_ns, msg) : WEFT_OK;
    if (err == WEFT_OK) {
        err = weft_args_duration_ms(p->args, "for", default_life_ms, &life_ms, msg);
    }
    if (err == WEFT_OK) { /* A clock that goes on makes it rise. */
        err = weft_args_number(
            p->args, "seq", 0, INT64_MAX, (uint64_t)(c->signed_ns / ms_ns), &seq, msg);
    }
    c->seq = seq;
    c->not_after_ns = c->not_before_ns + (int64_t)life_ms * ms_ns;
    if (err == WEFT_OK) {
        err = weft_random_bytes(c->nonce, sizeof(c->nonce), msg);
    }
    return err == WEFT_OK ? weft_random_bytes(c->id, sizeof(c->id), msg) : err;
}

/* Policy and envelopes in force, as the command has to name them. */
static enum weft_err read_law(
    struct weft_command_draft *p, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_command_note *c = &p->command;
    enum weft_err err = weft_policy_source_site(client, &p->policy, msg);
    if (err == WEFT_OK) {
        err = weft_envelope_source_read(client, c->target, c->verb, &p->envelopes, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    if (p->envelopes.count == 0 || p->envelopes.count > WEFT_COMMAND_ENVELOPES_MAX) {
        return weft_fail(msg, WEFT_EREFUSED,
            "%u envelopes are about %s of %s: a command stands on 1 to %d", p->envelopes.count,
            p->args->operands[0], p->args->operands[1], WEFT_COMMAND_ENVELOPES_MAX);
    }
    c->policy_version = weft_policy_head(p->policy.policy)->version;
    c->policy_digest = weft_policy_head(p->policy.policy)->digest;
    for (uint32_t i = 0; i < p->envelopes.count; i++) {
        const struct weft_envelope_note *e = &p->envelopes.envelopes[i];
        c->envelopes[c->envelope_count++] =
            (struct weft_envelope_ref){e->name, e->link.version, e->link.digest};
    }
    return WEFT_OK;
}

enum weft_err weft_command_draft_make(const struct weft_args *args, struct weft_client *client,
    struct weft_command_draft *p, struct weft_msg *msg)
{
    p->args = args;
    enum weft_err err = read_place(p, msg);
    if (err == WEFT_OK) {
        err = read_kind(p, msg);
    }
    if (err == WEFT_OK) {
        err = read_args(p, msg);
    }
    if (err == WEFT_OK) {
        err = read_fields(p, msg);
    }
    if (err == WEFT_OK) {
        err = read_time(p, msg);
    }
    return err == WEFT_OK ? read_law(p, client, msg) : err;
}

enum weft_err weft_command_draft_check(const struct weft_command_draft *p, struct weft_msg *msg)
{
    const struct weft_envelope_facts facts = {.now_ns = p->command.signed_ns};
    return weft_envelope_check(p->envelopes.envelopes, p->envelopes.count, &p->command, &facts,
               msg) == WEFT_ENVELOPE_PASSED
               ? WEFT_OK
               : WEFT_EREFUSED;
}

void weft_command_draft_destroy(struct weft_command_draft *p)
{
    weft_policy_source_destroy(&p->policy);
    weft_envelope_source_destroy(&p->envelopes);
}
