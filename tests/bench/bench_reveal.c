/* What asking the policy costs a trace: the names of 100,000 units that a lot went into, for whom
 * nothing need be asked, for whom a kind is, and for whom each asset is. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/lib/test.h"
#include "tests/unit/node/authority_rig.h"

enum {
    UNITS = 100000,
    COMMIT_UNITS = 1000,
    ROUNDS = 15,
};

static const char *const by_ann[] = {RIG_ANN, NULL};

static double milliseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure(struct fixture *f, const char *who, const char *what)
{
    double times[ROUNDS];
    struct weft_arena arena = {.size_max = 64 << 20};
    struct weft_client_message m = {.trace = {.answers_total = 0}};
    for (int i = 0; i < ROUNDS; i++) {
        struct weft_view *view;
        const struct weft_query q = {.type = WEFT_QUERY_TRACE_FORWARD,
            .asset = WEFT_TEXT("lot:1"),
            .ids_only = true,
            .principal = weft_text_of(who)};
        weft_arena_reset(&arena);
        double from = milliseconds();
        EXPECT_EQ(WEFT_OK, weft_view_open(f->state, &view, &f->msg));
        EXPECT_EQ(WEFT_OK, weft_view_query(view, &q, &arena, &m, &f->msg));
        weft_view_close(view);
        times[i] = milliseconds() - from;
    }
    qsort(times, ROUNDS, sizeof(times[0]), compare);
    (void)printf("%-28s %6u names: median %8.2f ms, least %8.2f, most %8.2f\n", what,
        m.trace.answers_total, times[ROUNDS / 2], times[0], times[ROUNDS - 1]);
    weft_arena_destroy(&arena);
}

static void fill(struct fixture *f)
{
    static struct weft_record records[COMMIT_UNITS];
    static char names[COMMIT_UNITS][32];
    static const struct weft_link link = {.rel = WEFT_TEXT("consumes"), .to = WEFT_TEXT("lot:1")};
    for (uint32_t unit = 0; unit < UNITS; unit += COMMIT_UNITS) {
        for (uint32_t i = 0; i < COMMIT_UNITS; i++) {
            (void)snprintf(names[i], sizeof(names[i]), "line1/unit/%u", unit + i);
            records[i] = (struct weft_record){.kind = WEFT_TEXT("as_built"),
                .asset = weft_text_of(names[i]),
                .links = &link,
                .link_count = 1};
        }
        EXPECT_EQ(WEFT_OK, rig_commit(f, RIG_CY, records, COMMIT_UNITS)->err);
    }
}

TEST(reveal, names_of_many)
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
    for (int i = 0; i < 2; i++) {
        measure(&f, "spiffe://oem.example/plant1/node/n1", "a node");
        measure(&f, "spiffe://" RIG_ANN, "all is permitted");
        measure(&f, "spiffe://" RIG_CY, "all, a field is hidden");
        measure(&f, "spiffe://" RIG_BO, "a kind is permitted");
        measure(&f, "spiffe://" RIG_ROBOT, "assets below one are");
    }
    fixture_destroy(&f);
}
