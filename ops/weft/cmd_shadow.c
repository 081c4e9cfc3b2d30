#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/weft/command.h"
#include "ops/weft/command_draft.h"
#include "ops/weft/document.h"
#include "ops/weft/output.h"
#include "ops/weft/site_keys.h"
#include "policy/command/command_judge.h"
#include "proto/time.h"

/* shadow: what a command would meet now, of which nothing is sent. */

enum {
    READINGS_MAX = 256,
    TEXT_SIZE = 96,
    ARENA_SIZE_MAX = 16 * 1024 * 1024,
};

struct shadowing {
    const struct weft_args *args;
    struct weft_command_draft draft;
    struct weft_org_source org;
    struct weft_arena arena;
    struct weft_buffer json;
    struct weft_reading readings[READINGS_MAX];
    uint32_t count;
    int64_t now_ns;
    struct weft_table table;
    struct weft_writer w;
    enum weft_format format;
    bool is_not;       /* Something of it does not hold. */
    enum weft_err err; /* Of the output. */
    struct weft_msg *msg;
};

static void tell(struct shadowing *s, const char *what, const char *name, bool is_so,
    const char *verdict, const char *why)
{
    s->is_not = s->is_not || !is_so;
    if (s->format == WEFT_FORMAT_TABLE) {
        weft_table_cell(&s->table, weft_text_of(what));
        weft_table_cell(&s->table, weft_text_of(name));
        weft_table_cell(&s->table, weft_text_of(verdict));
        weft_table_cell(&s->table, weft_text_of(why));
        return;
    }
    weft_writer_open(&s->w, NULL, '{');
    weft_writer_text(&s->w, "what", weft_text_of(what));
    weft_writer_text(&s->w, "name", weft_text_of(name));
    weft_writer_bool(&s->w, "holds", is_so);
    weft_writer_text(&s->w, "verdict", weft_text_of(verdict));
    weft_writer_text(&s->w, "why", weft_text_of(why));
    weft_writer_close(&s->w, '}');
    if (s->format == WEFT_FORMAT_JSONL && s->err == WEFT_OK) {
        s->err = weft_writer_print(&s->w, stdout, s->msg);
    }
}

/* --- what the machine says ------------------------------------------------------------------- */

/* One of the twin's reported properties as a gateway reads it. */
static bool read_property(
    struct shadowing *s, const struct weft_json *property, struct weft_reading *ret_reading)
{
    struct weft_text value = weft_document_text(property, "value");
    struct weft_text unit = weft_document_text(property, "unit");
    char text[TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "%.*s%s%.*s", (int)value.size, value.data,
        unit.size > 0 ? " " : "", (int)unit.size, unit.size > 0 ? unit.data : "");
    struct weft_text copy = weft_arena_text(&s->arena, weft_text_of(text));
    ret_reading->path = weft_document_text(property, "name");
    return copy.data != NULL && weft_scalar_parse(copy, &ret_reading->value) &&
           weft_time_parse(weft_document_text(property, "at"), &ret_reading->at_ns, NULL) ==
               WEFT_OK;
}

static enum weft_err read_machine(
    struct shadowing *s, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_query query = {
        .type = WEFT_QUERY_TWIN, .asset = weft_text_of(s->args->operands[1])};
    const struct weft_json *twin = NULL;
    s->arena.size_max = ARENA_SIZE_MAX;
    enum weft_err err = weft_document_ask(client, &query, &s->arena, &s->json, &twin, msg);
    if (err == WEFT_ENOTFOUND) {
        return WEFT_OK; /* Nothing is known of it: demands are unread. */
    }
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *property =
        weft_document_list(weft_json_get(twin, "properties"), "reported");
    for (; property != NULL && s->count < READINGS_MAX; property = property->next) {
        s->count += read_property(s, property, &s->readings[s->count]);
    }
    return WEFT_OK;
}

/* --- envelopes ------------------------------------------------------------------------------- */

static void tell_demand(struct shadowing *s, const char *what,
    const struct weft_envelope_demand *demand, bool is_denied)
{
    struct weft_buffer name = {0}, found = {0};
    char why[2 * TEXT_SIZE];
    const struct weft_reading *reading =
        weft_reading_find(s->readings, s->count, demand->demand.path);
    enum weft_demand_verdict verdict =
        weft_demand_judge(&demand->demand, s->readings, s->count, s->now_ns, demand->fresh_ms);
    bool is_so = verdict == (is_denied ? WEFT_DEMAND_UNMET : WEFT_DEMAND_MET);
    bool is_made = weft_demand_format(&demand->demand, &name) == WEFT_OK &&
                   weft_buffer_append(&name, "", 1) == WEFT_OK &&
                   (reading == NULL || weft_scalar_format(&reading->value, &found) == WEFT_OK);
    if (reading == NULL || !is_made) {
        (void)snprintf(why, sizeof(why), "it is not reported");
    } else {
        (void)snprintf(why, sizeof(why), "reported %.*s, %.1f s ago; at most %.1f s",
            (int)(found.size < TEXT_SIZE ? found.size : TEXT_SIZE), (const char *)found.data,
            (double)(s->now_ns - reading->at_ns) / 1e9, (double)demand->fresh_ms / 1e3);
    }
    tell(s, what, is_made ? (const char *)name.data : "", is_so,
        is_so                           ? "holds"
        : verdict == WEFT_DEMAND_UNREAD ? "unread"
                                        : "does not hold",
        why);
    weft_buffer_destroy(&name);
    weft_buffer_destroy(&found);
}

static void tell_demands(struct shadowing *s, const char *what,
    const struct weft_envelope_demands *demands, bool is_denied)
{
    for (uint32_t i = 0; i < demands->count; i++) {
        tell_demand(s, what, &demands->list[i], is_denied);
    }
}

static void tell_envelope(struct shadowing *s, const struct weft_envelope_note *envelope)
{
    char name[TEXT_SIZE];
    struct weft_msg why = {""};
    const struct weft_envelope_facts facts = {.now_ns = s->now_ns};
    enum weft_envelope_fault fault =
        weft_envelope_check(envelope, 1, &s->draft.command, &facts, &why);
    (void)snprintf(name, sizeof(name), "%.*s %" PRIu64, (int)envelope->name.size,
        envelope->name.data, envelope->link.version);
    tell(s, "envelope", name, fault == WEFT_ENVELOPE_PASSED, weft_envelope_fault_name(fault),
        fault == WEFT_ENVELOPE_PASSED ? "" : why.text);
    tell_demands(s, "interlock", &envelope->interlocks, false);
    tell_demands(s, "require", &envelope->requires, false);
    tell_demands(s, "deny", &envelope->denies, true);
    if (envelope->has_shadow) {
        tell(s, "stage", "shadow", true, "wanted", "the shadow device does it first");
    }
    if (envelope->canary_count > 0) {
        (void)snprintf(name, sizeof(name), "%" PRIu32 " of %.*s", envelope->canary_count,
            (int)envelope->canary_group.size, envelope->canary_group.data);
        tell(s, "stage", name, true, "wanted", "other machines do it first, and soak");
    }
}

/* --- the policy ------------------------------------------------------------------------------ */

/* Labels are the site's to know: it decides with them, here is decided without. */
static void tell_policy(struct shadowing *s)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE], why[2 * TEXT_SIZE];
    const struct weft_command_note *c = &s->draft.command;
    const struct weft_command_machine none = {.state = WEFT_COMMAND_NONE};
    struct weft_text site = c->channel, rest = c->channel;
    struct weft_policy_requirement need = {.statement = 0};
    (void)weft_text_cut(&rest, '/', &site);
    const struct weft_command_law law = {.policy = s->draft.policy.policy,
        .subjects = &s->org.subjects,
        .org = weft_text_of(c->proposer.org),
        .site = site,
        .now_ns = s->now_ns};
    weft_principal_format(&c->proposer, who);
    uint32_t from = 0, needs = 0;
    for (; weft_command_next_unmet(&law, &none, c, from, &need); from = need.statement + 1u) {
        (void)snprintf(why, sizeof(why), "%.*s: %" PRIu32 " of %.*s", (int)need.name.size,
            need.name.data, need.need_count, (int)need.group.size, need.group.data);
        tell(s, "policy", who, true, "needs", why);
        needs++;
    }
    bool may = weft_command_may(
        &law, &c->proposer, c->is_break_glass ? WEFT_ACTION_BREAK_GLASS : WEFT_ACTION_PROPOSE, c);
    if (needs == 0) {
        tell(s, "policy", who, may, may ? "permits" : "does not permit", "");
    }
}

/* --- all ------------------------------------------------------------------------------------- */

static enum weft_err find_proposer(
    struct shadowing *s, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_site_keys keys = {.has_revoked = false};
    const char *who = weft_args_text(s->args, "who", NULL);
    if (who == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--who NAME is missing: who would propose it");
    }
    enum weft_err err = weft_site_keys_read(client, &keys, msg);
    if (err == WEFT_OK) {
        err = weft_site_keys_principal(&keys, who, &s->draft.command.proposer, msg);
    }
    weft_site_keys_destroy(&keys);
    return err == WEFT_OK ? weft_org_source_site(client, &s->org, msg) : err;
}

static enum weft_err look(struct shadowing *s, struct weft_client *client, struct weft_msg *msg)
{
    enum weft_err err = weft_output_format(s->args, &s->format, msg);
    if (err == WEFT_OK) {
        err = find_proposer(s, client, msg);
    }
    if (err == WEFT_OK) {
        err = weft_command_draft_make(s->args, client, &s->draft, msg);
    }
    if (err == WEFT_OK) {
        s->now_ns = s->draft.command.signed_ns;
        err = read_machine(s, client, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_table_init(&s->table, "WHAT|OF|VERDICT|WHY");
    if (s->format == WEFT_FORMAT_JSON) {
        weft_writer_open(&s->w, NULL, '[');
    }
    for (uint32_t i = 0; i < s->draft.envelopes.count; i++) {
        tell_envelope(s, &s->draft.envelopes.envelopes[i]);
    }
    tell_policy(s);
    if (s->format == WEFT_FORMAT_TABLE) {
        weft_table_print(&s->table, stdout);
    } else {
        weft_buffer_destroy(&s->table.cells);
    }
    if (s->format == WEFT_FORMAT_JSON) {
        weft_writer_close(&s->w, ']');
        s->err = weft_writer_print(&s->w, stdout, msg);
    }
    err = s->err;
    return err == WEFT_OK && s->is_not
               ? weft_fail(msg, WEFT_ENOTFOUND, "it would not be carried out now")
               : err;
}

static enum weft_err shadow(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct shadowing *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "look at a command");
    }
    s->args = args;
    s->msg = msg;
    enum weft_err err = look(s, client, msg);
    weft_writer_destroy(&s->w);
    weft_buffer_destroy(&s->json);
    weft_arena_destroy(&s->arena);
    weft_org_source_destroy(&s->org);
    weft_command_draft_destroy(&s->draft);
    free(s);
    return err;
}

enum weft_exit weft_cmd_shadow(const struct weft_args *args)
{
    return weft_with_client(args, shadow);
}
