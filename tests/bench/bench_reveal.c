/* What asking the policy costs a trace to the 10,000 units that a lot went into, in time of the
 * processor: for whom nothing need be asked, from whom a field is hidden, for whom a kind is asked
 * for, and for whom each asset is. The least of many rounds, since others use the machine, too.
 *
 * usage: bench_reveal */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/lib/test.h"
#include "tests/unit/node/authority_rig.h"

enum {
    UNITS = 10000,
    COMMIT_UNITS = 1000,
    ROUNDS = 60,
};

static const char *const by_ann[] = {RIG_ANN, NULL};

static double milliseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

enum form {
    NAMES,
    STEPS,
    RECORDS,
    FORMS
};

/* All pages. */
static double once(struct fixture *f, const char *who, enum form form, uint32_t *ret_count)
{
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_client_message m;
    struct weft_view *view;
    uint8_t cursor[256];
    struct weft_query q = {.type = WEFT_QUERY_TRACE_FORWARD,
        .asset = WEFT_TEXT("lot:1"),
        .ids_only = form == NAMES,
        .with_records = form == RECORDS,
        .principal = weft_text_of(who)};
    double from = milliseconds();
    EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &f->msg));
    do {
        weft_arena_reset(&arena);
        EXPECT_EQ(WEFT_OK, weft_view_query(view, &q, &arena, &m, &f->msg));
        EXPECT_TRUE(m.trace.cursor.size <= sizeof(cursor));
        if (m.trace.cursor.size > 0) {
            memcpy(cursor, m.trace.cursor.data, m.trace.cursor.size);
        }
        q.cursor = (struct weft_bytes){cursor, m.trace.cursor.size};
    } while (q.cursor.size > 0);
    weft_view_close(view);
    *ret_count = m.trace.answers_total;
    weft_arena_destroy(&arena);
    return milliseconds() - from;
}

static void measure(struct fixture *f, const char *who, const char *what)
{
    uint32_t count = 0;
    (void)printf("%-28s", what);
    for (enum form form = NAMES; form < FORMS; form++) {
        double least = 1e9;
        for (int i = 0; i < ROUNDS; i++) {
            double took = once(f, who, form, &count);
            least = took < least ? took : least;
        }
        (void)printf(" %9.2f", least);
    }
    (void)printf(" ms, %u units\n", count);
}

static void fill(struct fixture *f)
{
    static struct weft_record records[COMMIT_UNITS];
    static char names[COMMIT_UNITS][32];
    static const struct weft_field fields[] = {
        {WEFT_TEXT("cost"), WEFT_TEXT("12.5"), WEFT_VALUE_REAL},
        {WEFT_TEXT("torque/unit"), WEFT_TEXT("N.m"), WEFT_VALUE_TEXT},
        {WEFT_TEXT("torque/value"), WEFT_TEXT("41.7"), WEFT_VALUE_REAL},
        {WEFT_TEXT("verdict"), WEFT_TEXT("PASS"), WEFT_VALUE_TEXT}};
    static const struct weft_link link = {.rel = WEFT_TEXT("consumes"), .to = WEFT_TEXT("lot:1")};
    for (uint32_t unit = 0; unit < UNITS; unit += COMMIT_UNITS) {
        for (uint32_t i = 0; i < COMMIT_UNITS; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "line1/unit/%u", unit + i);
            records[i] = (struct weft_record){.kind = WEFT_TEXT("as_built"),
                .asset = weft_text_of(names[i]),
                .fields = fields,
                .field_count = sizeof(fields) / sizeof(fields[0]),
                .links = &link,
                .link_count = 1};
        }
        EXPECT_EQ(WEFT_OK, rig_commit(f, RIG_CY, records, COMMIT_UNITS)->err);
    }
}

TEST(reveal, costs_of_a_trace)
{
    struct fixture f;
    rig_start(&f, "state");
    struct weft_digest digest = rig_govern(&f);
    fixture_close(&f);
    f.options.lineage_bytes = 256 << 20;
    fixture_open(&f);
    fill(&f);
    struct weft_record policy = rig_policy(2, &digest,
        "permit admin\n  who op ann op bo\n  do admin-policy admin-keys\n"
        "permit p1\n  who op ann\n  do read\n"
        "permit p2\n  who op bo\n  do read\n  on kind as_built\n"
        "permit p3\n  who op cy\n  do read\n  hide cost\n"
        "permit p4\n  who svc robot\n  do read\n  on asset line1/...\n",
        by_ann, &digest);
    EXPECT_EQ(WEFT_OK, rig_commit(&f, RIG_BO, &policy, 1)->err);
    (void)printf("%-28s %9s %9s %9s\n", "", "names", "steps", "records");
    measure(&f, "spiffe://oem.example/plant1/node/n1", "a node");
    measure(&f, "spiffe://" RIG_ANN, "all is permitted");
    measure(&f, "spiffe://" RIG_CY, "all, a field is hidden");
    measure(&f, "spiffe://" RIG_BO, "a kind is permitted");
    measure(&f, "spiffe://" RIG_ROBOT, "assets below one are");
    fixture_destroy(&f);
}
