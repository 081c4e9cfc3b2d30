/* What a decision of policy costs at 1,000 statements: one by one, in processor time.
 *
 * usage: bench_decide [DECISIONS]
 *
 * Four policies: a plant (statements spread over its presses, kinds, groups), the same asked about
 * an asset that is not known (nothing is passed by), one where no statement names an asset and all
 * are of one action, and the dearest that compiles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/decide.h"
#include "policy/policy_file.h"

enum {
    STATEMENTS = 1000,
    GROUPS = 40,
    DECISIONS_MAX = 10 * 1000 * 1000,
};

static uint64_t random_state = 1;

static uint64_t draw(uint64_t bound) /* splitmix64 */
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % bound;
}

/* Processor time, since a machine may be busy with others; asking costs about 0.3 us. */
static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void must(enum weft_err err, const struct weft_msg *msg)
{
    if (err != WEFT_OK) {
        (void)fprintf(stderr, "bench_decide: %s: %s\n", weft_err_name(err), msg->text);
        exit(1);
    }
}

static void put(struct weft_buffer *b, const char *text)
{
    must(weft_buffer_text(b, weft_text_of(text)), &(struct weft_msg){"text"});
}

static void write_groups(struct weft_buffer *b)
{
    char line[256];
    put(b, "policy bench 1\n");
    for (int i = 0; i < GROUPS; i++) {
        (void)snprintf(line, sizeof(line),
            "group g%d = role operator @ plant1/line%d, op p%d, op p%d, role lead%d\n", i, i % 10,
            i, i + 1, i);
        put(b, line);
    }
}

static void write_plant(struct weft_buffer *b)
{
    char text[512];
    write_groups(b);
    for (unsigned i = 0; i < STATEMENTS; i++) {
        unsigned line = i % 10, press = i / 10 % 20;
        const char *end = i % 3 == 0 ? "\n  hide cost/* operator/name\n" : "\n";
        if (i % 10 < 7) {
            (void)snprintf(text, sizeof(text),
                "permit s%u\n  who g%u g%u\n  do read subscribe write\n"
                "  on asset plant1/line%u/press%u/... kind k%u*%s",
                i, i % GROUPS, (i + 7) % GROUPS, line, press, i % 5, end);
        } else if (i % 10 < 9) {
            (void)snprintf(text, sizeof(text),
                "forbid s%u\n  who not attr us-person = true\n  do any\n  on label l%u\n", i,
                i % 50);
        } else {
            (void)snprintf(text, sizeof(text),
                "require s%u\n  do propose write\n  on asset plant1/line%u/... tier >= 2\n"
                "  need 2 of g%u not proposer within 10m\n",
                i, line, i % GROUPS);
        }
        put(b, text);
    }
}

static void write_flat(struct weft_buffer *b)
{
    char text[512];
    write_groups(b);
    for (unsigned i = 0; i < STATEMENTS; i++) {
        (void)snprintf(text, sizeof(text),
            "%s s%u\n  who g%u role r%u attr level >= %u\n  do read\n  on kind k%u*\n"
            "  when time 06:00..22:00 +01:00\n",
            i % 5 == 0 ? "forbid" : "permit", i, i % GROUPS, i, i, i % 50);
        put(b, text);
    }
}

/* As many steps as there may be: approvals that are held to a long group. */
static void write_dearest(struct weft_buffer *b)
{
    char text[512];
    put(b, "policy bench 1\ngroup g = op p0");
    for (int i = 1; i < 300; i++) {
        (void)snprintf(text, sizeof(text), ", op p%d", i);
        put(b, text);
    }
    put(b, "\npermit all\n  who any\n  do any\n");
    for (int i = 0; i < 20; i++) {
        (void)snprintf(
            text, sizeof(text), "require r%d\n  do read\n  need 16 of g distinct-persons\n", i);
        put(b, text);
    }
}

/* --- requests ----------------------------------------------------------------------------- */

struct asked {
    struct weft_principal principal;
    struct weft_policy_role roles[3];
    struct weft_policy_attr attrs[2];
    struct weft_policy_subject subject;
    struct weft_policy_request request;
    struct weft_policy_approval approvals[WEFT_POLICY_APPROVALS_MAX];
    struct weft_text label;
    char asset[64], kind[16], role[16], label_name[16];
};

static void make_request(struct asked *a, bool knows_asset)
{
    struct weft_msg msg = {""};
    char name[16];
    memset(a, 0, sizeof(*a));
    (void)snprintf(name, sizeof(name), "p%u", (unsigned)draw(60));
    must(weft_principal_make(WEFT_PRINCIPAL_OP, "oem.example", "plant1", name, &a->principal, &msg),
        &msg);
    (void)snprintf(a->asset, sizeof(a->asset), "plant1/line%u/press%u/die%u", (unsigned)draw(10),
        (unsigned)draw(20), (unsigned)draw(4));
    (void)snprintf(a->kind, sizeof(a->kind), "k%ux", (unsigned)draw(50));
    (void)snprintf(a->role, sizeof(a->role), "lead%u", (unsigned)draw(GROUPS));
    (void)snprintf(a->label_name, sizeof(a->label_name), "l%u", (unsigned)draw(60));
    a->label = weft_text_of(a->label_name);
    a->roles[0] = (struct weft_policy_role){WEFT_TEXT("operator"), WEFT_TEXT("plant1/line2")};
    a->roles[1] = (struct weft_policy_role){weft_text_of(a->role), {NULL, 0}};
    a->roles[2] = (struct weft_policy_role){WEFT_TEXT("viewer"), {NULL, 0}};
    a->attrs[0] = (struct weft_policy_attr){
        .key = WEFT_TEXT("us-person"), .type = WEFT_ATTR_BOOL, .number = draw(10) > 0};
    a->attrs[1] = (struct weft_policy_attr){
        .key = WEFT_TEXT("level"), .type = WEFT_ATTR_INT, .number = (int64_t)draw(1000)};
    a->subject = (struct weft_policy_subject){.principal = &a->principal,
        .roles = a->roles,
        .attrs = a->attrs,
        .role_count = 3,
        .attr_count = 2};
    for (int i = 0; i < WEFT_POLICY_APPROVALS_MAX; i++) {
        a->approvals[i].subject = &a->subject;
    }
    a->request = (struct weft_policy_request){.subject = &a->subject,
        .org = WEFT_TEXT("oem.example"),
        .site = WEFT_TEXT("plant1"),
        .action = draw(3) > 0 ? WEFT_ACTION_READ : WEFT_ACTION_WRITE,
        .asset = {knows_asset ? WEFT_FACT_GIVEN : WEFT_FACT_UNKNOWN, weft_text_of(a->asset)},
        .kind = {WEFT_FACT_GIVEN, weft_text_of(a->kind)},
        .verb = {WEFT_FACT_NONE, {NULL, 0}},
        .tier_presence = WEFT_FACT_NONE,
        .labels_presence = WEFT_FACT_GIVEN,
        .labels = &a->label,
        .label_count = draw(2) > 0,
        .approvals = a->approvals,
        .approval_count = WEFT_POLICY_APPROVALS_MAX,
        .time_ns = 1772409600000000000 + (int64_t)draw(86400) * 1000000000};
}

/* --- measuring ---------------------------------------------------------------------------- */

static uint32_t *took_ns;

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, int count, const char *note)
{
    qsort(took_ns, (size_t)count, sizeof(took_ns[0]), compare);
    size_t p99 = (size_t)count * 99 / 100;
    size_t p999 = (size_t)count * 999 / 1000;
    size_t p50 = (size_t)count / 2;
    (void)printf("%-34s %8.2f %8.2f %8.2f %8.2f  %s\n", what, took_ns[p50] / 1e3,
        took_ns[p99] / 1e3, took_ns[p999] / 1e3, took_ns[count - 1] / 1e3, note);
}

static void measure_fields(const struct weft_policy *policy, int count)
{
    static const struct weft_text paths[] = {WEFT_TEXT("flatness/value"), WEFT_TEXT("cost/total"),
        WEFT_TEXT("operator/name"), WEFT_TEXT("operator/shift"), WEFT_TEXT("@author")};
    struct asked a;
    struct weft_policy_decision decision;
    uint64_t sum = 0;
    do {
        make_request(&a, true);
        weft_policy_decide(policy, &a.request, &decision);
    } while (decision.effect != WEFT_EFFECT_ALLOW || !decision.has_hide);
    uint64_t start = now_ns();
    for (int i = 0; i < count; i++) {
        sum += weft_policy_shows(policy, &decision, paths[i % 5]);
    }
    (void)printf("one field, shown or hidden: %.1f ns (%llu shown)\n",
        (double)(now_ns() - start) / count, (unsigned long long)sum);
}

static void measure(
    const char *what, void (*write)(struct weft_buffer *b), bool knows_asset, int count)
{
    struct weft_buffer text = {.size_max = WEFT_POLICY_SIZE_MAX};
    struct weft_arena arena = {.size_max = WEFT_POLICY_MEMORY_MAX};
    const struct weft_policy *policy;
    struct weft_msg msg = {""};
    unsigned allowed = 0;
    enum {
        REQUESTS = 512
    };
    static struct asked asked[REQUESTS];
    write(&text);
    uint64_t start = now_ns();
    must(weft_policy_parse((struct weft_text){(const char *)text.data, text.size}, "bench", &arena,
             &policy, NULL, &msg),
        &msg);
    double compile_us = (double)(now_ns() - start) / 1e3;
    for (int i = 0; i < REQUESTS; i++) {
        make_request(&asked[i], knows_asset);
        /* The array is where its subjects point. */
        asked[i].request.subject = &asked[i].subject;
    }
    for (int i = 0; i < count; i++) {
        struct weft_policy_decision decision;
        start = now_ns();
        weft_policy_decide(policy, &asked[draw(REQUESTS)].request, &decision);
        took_ns[i] = (uint32_t)(now_ns() - start);
        allowed += decision.effect == WEFT_EFFECT_ALLOW;
    }
    char note[128];
    (void)snprintf(note, sizeof(note), "%5.1f %% allowed; worst %u steps; compiled in %.0f us",
        100.0 * allowed / count, weft_policy_bounds(policy)->steps_max, compile_us);
    report(what, count, note);
    if (write == write_plant && knows_asset) {
        measure_fields(policy, count);
    }
    weft_arena_destroy(&arena);
    weft_buffer_destroy(&text);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 200000;
    if (count < 1000 || count > DECISIONS_MAX) {
        (void)fprintf(stderr, "usage: bench_decide [DECISIONS], 1000 to %d\n", DECISIONS_MAX);
        return 2;
    }
    took_ns = malloc((size_t)count * sizeof(took_ns[0]));
    if (took_ns == NULL) {
        return 1;
    }
    (void)printf("%-34s %8s %8s %8s %8s\n", "one decision, us", "p50", "p99", "p99.9", "max");
    measure("a plant of 1,000 statements", write_plant, true, count);
    measure("the same, asset not known", write_plant, false, count);
    measure("1,000 statements of any asset", write_flat, true, count);
    measure("the dearest that compiles", write_dearest, true, count / 10);
    free(took_ns);
    return 0;
}
