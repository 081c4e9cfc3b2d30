#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/weft/files.h"
#include "ops/weft/output.h"
#include "ops/weft/policy_source.h"
#include "policy/explain.h"
#include "policy/policy_trial.h"
#include "proto/json.h"
#include "proto/limits.h"
#include "proto/time.h"

/* policy why, who-can, what-if: the policy that the site has, or one in a file, asked. What an
 * entry's time and the org document say is what counts, as it does when a commit is applied. */

enum {
    LINES_SIZE_MAX = 64 * 1024 * 1024, /* of a file of requests; chosen */
    LINE_ARENA_SIZE_MAX = 1024 * 1024,
    LABELS_MAX = WEFT_POLICY_FACTS_MAX,
    PEOPLE_MAX = WEFT_ORG_ADMINS_MAX + WEFT_ORG_ROLES_MAX + WEFT_ORG_ATTRIBUTES_MAX,
};

/* What is asked, of what. Large: for the heap. */
struct asking {
    const struct weft_args *args;
    struct weft_policy_source policy;
    struct weft_org_source org;
    struct weft_policy_request request;
    struct weft_principal principal;
    struct weft_policy_subject subject;
    struct weft_text labels[LABELS_MAX];
    struct weft_msg *msg;
};

static struct weft_policy_fact fact_of(const char *text)
{
    return text != NULL ? (struct weft_policy_fact){WEFT_FACT_GIVEN, weft_text_of(text)}
                        : (struct weft_policy_fact){WEFT_FACT_NONE, {NULL, 0}};
}

static enum weft_err read_time(struct asking *a)
{
    const char *text = weft_args_text(a->args, "time", NULL);
    a->request.time_ns = (int64_t)time(NULL) * 1000000000;
    return text == NULL ? WEFT_OK
                        : weft_time_parse(weft_text_of(text), &a->request.time_ns, a->msg);
}

static enum weft_err read_action(struct asking *a, const char *action)
{
    return weft_policy_action_parse(weft_text_of(action), &a->request.action)
               ? WEFT_OK
               : weft_fail(a->msg, WEFT_EINVAL, "\"%.60s\" is no action: read, write, create, ...",
                     action);
}

/* What the command line says of the thing that is asked for. */
static enum weft_err read_options(struct asking *a, const char *action, const char *asset)
{
    uint64_t tier = 0;
    a->request.asset = fact_of(asset);
    a->request.kind = fact_of(weft_args_text(a->args, "kind", NULL));
    a->request.verb = fact_of(weft_args_text(a->args, "verb", NULL));
    a->request.tier_presence = WEFT_FACT_NONE;
    a->request.labels_presence = WEFT_FACT_NONE;
    a->request.labels = a->labels;
    enum weft_err err = read_action(a, action);
    if (err == WEFT_OK && weft_args_has(a->args, "tier")) {
        err = weft_args_number(a->args, "tier", 0, UINT32_MAX, 0, &tier, a->msg);
        a->request.tier_presence = WEFT_FACT_GIVEN;
        a->request.tier = (int64_t)tier;
    }
    for (int i = 0; i < LABELS_MAX && weft_args_nth(a->args, "label", i) != NULL; i++) {
        a->labels[a->request.label_count++] = weft_text_of(weft_args_nth(a->args, "label", i));
        a->request.labels_presence = WEFT_FACT_GIVEN;
    }
    return err == WEFT_OK ? read_time(a) : err;
}

static enum weft_err read_who(struct asking *a, struct weft_text who)
{
    enum weft_err err = weft_principal_parse(who, &a->principal, a->msg);
    if (err == WEFT_OK) {
        weft_subjects_find(&a->org.subjects, &a->principal, &a->subject);
        a->request.subject = &a->subject;
    }
    return err;
}

/* Whose policy it is. */
static void read_place(struct asking *a)
{
    const char *site = weft_args_text(a->args, "site", NULL);
    a->request.org = a->org.org.org;
    a->request.site = weft_text_of(site != NULL ? site : a->org.org.admins[0].site);
}

/* --- where policy and org document come from ------------------------------------------------- */

static enum weft_err open_sources(struct asking *a, struct weft_client *client)
{
    const char *policy = weft_args_text(a->args, "policy", NULL);
    const char *org = weft_args_text(a->args, "org", NULL);
    enum weft_err err = org != NULL ? weft_org_source_file(org, &a->org, a->msg)
                                    : weft_org_source_site(client, &a->org, a->msg);
    if (err == WEFT_OK) {
        err = policy != NULL ? weft_policy_source_file(policy, &a->policy, a->msg)
                             : weft_policy_source_site(client, &a->policy, a->msg);
    }
    if (err == WEFT_OK) {
        read_place(a);
    }
    return err;
}

static enum weft_err with_sources(const struct weft_args *args, struct weft_client *client,
    enum weft_err (*ask)(struct asking *a), struct weft_msg *msg)
{
    struct asking *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    a->args = args;
    a->msg = msg;
    enum weft_err err = open_sources(a, client);
    if (err == WEFT_OK) {
        err = ask(a);
    }
    weft_policy_source_destroy(&a->policy);
    weft_org_source_destroy(&a->org);
    free(a);
    return err;
}

/* Without a connection if both are files. */
static enum weft_exit run(const struct weft_args *args, enum weft_err (*ask)(struct asking *a),
    enum weft_err (*online)(const struct weft_args *, struct weft_client *, struct weft_msg *))
{
    struct weft_msg msg;
    return weft_args_has(args, "policy") && weft_args_has(args, "org")
               ? weft_complain(with_sources(args, NULL, ask, &msg), &msg)
               : weft_with_client(args, online);
}

/* --- why ------------------------------------------------------------------------------------- */

static enum weft_err why(struct asking *a)
{
    struct weft_policy_decision decision;
    struct weft_buffer text = {.size_max = WEFT_POLICY_SIZE_MAX};
    enum weft_err err = read_who(a, weft_text_of(a->args->operands[0]));
    if (err == WEFT_OK) {
        err = read_options(a, a->args->operands[1], a->args->operands[2]);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_policy_decide(a->policy.policy, &a->request, &decision);
    err = weft_policy_explain(a->policy.policy, &a->request, &decision, &text);
    if (err == WEFT_OK) {
        (void)fwrite(text.data, 1, text.size, stdout);
        (void)fputs(text.size > 0 && text.data[text.size - 1] == '\n' ? "" : "\n", stdout);
    }
    weft_buffer_destroy(&text);
    if (err == WEFT_OK && decision.effect != WEFT_EFFECT_ALLOW) {
        return weft_fail(a->msg, WEFT_ENOTFOUND, "it is not permitted");
    }
    return err == WEFT_OK ? err : weft_fail(a->msg, err, "explain");
}

static enum weft_err why_online(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return with_sources(args, client, why, msg);
}

enum weft_exit weft_cmd_policy_why(const struct weft_args *args)
{
    return run(args, why, why_online);
}

/* --- who can --------------------------------------------------------------------------------- */

/* Everybody whom the org document names, and who else is asked about. */
struct people {
    struct weft_policy_subject subjects[PEOPLE_MAX];
    const struct weft_policy_subject *list[PEOPLE_MAX];
    struct weft_principal others[PEOPLE_MAX];
    enum weft_policy_effect effects[PEOPLE_MAX];
    uint32_t count;
};

static void add_person(
    struct people *p, const struct asking *a, const struct weft_principal *principal)
{
    for (uint32_t i = 0; i < p->count; i++) {
        if (weft_principal_equal(p->subjects[i].principal, principal)) {
            return;
        }
    }
    if (p->count < PEOPLE_MAX) {
        weft_subjects_find(&a->org.subjects, principal, &p->subjects[p->count]);
        p->list[p->count] = &p->subjects[p->count];
        p->count++;
    }
}

static enum weft_err gather_people(struct people *p, struct asking *a)
{
    const char *who;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < a->org.org.admin_count; i++) {
        add_person(p, a, &a->org.org.admins[i]);
    }
    for (uint32_t i = 0; i < a->org.subjects.count; i++) {
        add_person(p, a, a->org.subjects.list[i].principal);
    }
    for (int i = 0; err == WEFT_OK && (who = weft_args_nth(a->args, "who", i)) != NULL; i++) {
        err = weft_principal_parse(weft_text_of(who), &p->others[i], a->msg);
        if (err == WEFT_OK) {
            add_person(p, a, &p->others[i]);
        }
    }
    return err;
}

static enum weft_err print_people(const struct people *p, struct asking *a)
{
    static const char *const effects[] = {
        [WEFT_EFFECT_DENY] = "no", [WEFT_EFFECT_NEEDS] = "needs", [WEFT_EFFECT_ALLOW] = "yes"};
    struct weft_table t;
    struct weft_writer w = {0};
    enum weft_format format;
    enum weft_err err = weft_output_format(a->args, &format, a->msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_table_init(&t, "PRINCIPAL|MAY");
    weft_writer_open(&w, NULL, '[');
    for (uint32_t i = 0; i < p->count; i++) {
        char who[WEFT_PRINCIPAL_TEXT_SIZE];
        weft_principal_format(p->subjects[i].principal, who);
        weft_table_cell(&t, weft_text_of(who));
        weft_table_cell(&t, weft_text_of(effects[p->effects[i]]));
        weft_writer_open(&w, NULL, '{');
        weft_writer_text(&w, "principal", weft_text_of(who));
        weft_writer_text(&w, "may", weft_text_of(effects[p->effects[i]]));
        weft_writer_close(&w, '}');
    }
    weft_writer_close(&w, ']');
    if (format == WEFT_FORMAT_TABLE) {
        weft_table_print(&t, stdout);
    } else {
        err = weft_writer_print(&w, stdout, a->msg);
    }
    weft_buffer_destroy(&t.cells);
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err who_can(struct asking *a)
{
    struct people *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return weft_fail(a->msg, WEFT_ENOMEM, "no memory");
    }
    enum weft_err err = read_options(a, a->args->operands[0], a->args->operands[1]);
    if (err == WEFT_OK) {
        err = gather_people(p, a);
    }
    if (err == WEFT_OK) {
        (void)weft_policy_who_can(a->policy.policy, &a->request, p->list, p->count, p->effects);
        err = print_people(p, a);
    }
    free(p);
    return err;
}

static enum weft_err who_can_online(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return with_sources(args, client, who_can, msg);
}

enum weft_exit weft_cmd_policy_who_can(const struct weft_args *args)
{
    return run(args, who_can, who_can_online);
}

/* --- what if --------------------------------------------------------------------------------- */

/* A text member, or none. */
static enum weft_err read_member(struct asking *a, const struct weft_json *line, const char *key,
    struct weft_policy_fact *ret_fact)
{
    const struct weft_json *member = weft_json_get(line, key);
    *ret_fact = fact_of(NULL);
    if (member == NULL) {
        return WEFT_OK;
    }
    enum weft_err err = weft_json_expect(member, WEFT_JSON_STRING, a->msg);
    *ret_fact = (struct weft_policy_fact){WEFT_FACT_GIVEN, member->text};
    return err;
}

/* {"principal":"oem.example/plant1/op/ann","action":"write","asset":"x","kind":"y","time":"..."} */
static enum weft_err read_line(struct asking *a, const struct weft_json *line)
{
    struct weft_policy_fact who, action, when;
    struct weft_policy_request *r = &a->request;
    r->tier_presence = r->labels_presence = WEFT_FACT_NONE;
    enum weft_err err = read_member(a, line, "principal", &who);
    if (err == WEFT_OK) {
        err = read_member(a, line, "action", &action);
    }
    if (err == WEFT_OK) {
        err = read_member(a, line, "time", &when);
    }
    if (err == WEFT_OK && (who.presence != WEFT_FACT_GIVEN || action.presence != WEFT_FACT_GIVEN)) {
        err = weft_json_fail(line, a->msg, WEFT_EINVAL, "principal and action are missing");
    }
    if (err == WEFT_OK) {
        err = read_who(a, who.text);
    }
    if (err == WEFT_OK && !weft_policy_action_parse(action.text, &r->action)) {
        err = weft_json_fail(line, a->msg, WEFT_EINVAL, "that is no action");
    }
    if (err == WEFT_OK && when.presence == WEFT_FACT_GIVEN) {
        err = weft_time_parse(when.text, &r->time_ns, a->msg);
    }
    if (err == WEFT_OK) {
        err = read_member(a, line, "asset", &r->asset);
    }
    if (err == WEFT_OK) {
        err = read_member(a, line, "kind", &r->kind);
    }
    return err == WEFT_OK ? read_member(a, line, "verb", &r->verb) : err;
}

/* One flip, as it comes. */
struct flips {
    struct weft_text line;
    uint32_t number;
    uint32_t count;
};

static void on_flip(void *ctx, const struct weft_policy_flip *flip)
{
    static const char *const effects[] = {
        [WEFT_EFFECT_DENY] = "deny", [WEFT_EFFECT_NEEDS] = "needs", [WEFT_EFFECT_ALLOW] = "allow"};
    struct flips *f = ctx;
    f->count++;
    (void)printf("%" PRIu32 " %s -> %s %.*s\n", f->number, effects[flip->before.effect],
        effects[flip->after.effect], (int)f->line.size, f->line.data);
}

static enum weft_err try_lines(
    struct asking *a, const struct weft_policy *new, struct weft_text rest, struct flips *f)
{
    struct weft_arena arena = {.size_max = LINE_ARENA_SIZE_MAX};
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && rest.size > 0) {
        struct weft_json *line;
        (void)weft_text_cut(&rest, '\n', &f->line);
        f->number++;
        weft_arena_reset(&arena);
        if (f->line.size > 0) {
            err = weft_json_parse(f->line, f->number, &arena, &line, a->msg);
            err = err == WEFT_OK ? read_line(a, line) : err;
        }
        if (f->line.size > 0 && err == WEFT_OK) {
            const struct weft_policy_recorded one = {a->request, NULL, 0};
            (void)weft_policy_what_if(a->policy.policy, new, &one, 1, on_flip, f);
        }
    }
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err what_if(struct asking *a)
{
    struct weft_policy_source new = {.rev = 0};
    struct weft_buffer lines = {.size_max = LINES_SIZE_MAX};
    struct flips flips = {.count = 0};
    enum weft_err err = read_time(a);
    if (err == WEFT_OK) {
        err = weft_policy_source_file(a->args->operands[0], &new, a->msg);
    }
    if (err == WEFT_OK) {
        err = weft_files_read(a->args->operands[1], &lines, a->msg);
    }
    if (err == WEFT_OK) {
        err = try_lines(a, new.policy, weft_buffer_as_text(&lines), &flips);
        err = err == WEFT_OK ? err : weft_wrap(a->msg, err, "%s", a->args->operands[1]);
    }
    if (err == WEFT_OK) {
        (void)fprintf(
            stderr, "%" PRIu32 " of %" PRIu32 " requests flip\n", flips.count, flips.number);
    }
    weft_buffer_destroy(&lines);
    weft_policy_source_destroy(&new);
    return err;
}

static enum weft_err what_if_online(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return with_sources(args, client, what_if, msg);
}

enum weft_exit weft_cmd_policy_what_if(const struct weft_args *args)
{
    return run(args, what_if, what_if_online);
}
