/* Answers that hold what is labelled: none leaves before it is said that it was read. */
#include "node/label_reads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/read_report.h"
#include "tests/lib/test.h"

enum {
    BYTES_MAX = 4096,
    ITEMS_MAX = 4096,
};

/* What was proposed and is not done. */
struct item {
    struct weft_waiter waiter;
    char principal[64];
    struct weft_read_report report;
};

struct fixture {
    struct weft_label_reads *reads;
    enum weft_err propose_err;
    struct item items[ITEMS_MAX];
    uint32_t proposed;
    uint32_t done;
    uint64_t counted; /* Records in reports that were proposed. */
    uint32_t given, json_given, refused;
    enum weft_err last_err;
    uint64_t last_request;
};

static enum weft_err on_propose(
    void *ctx, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    struct fixture *f = ctx;
    struct item *at = &f->items[f->proposed % ITEMS_MAX];
    EXPECT_EQ(WEFT_ITEM_READS, item->type);
    EXPECT_EQ(WEFT_DOOR_READS, waiter->door);
    if (f->propose_err != WEFT_OK) {
        return f->propose_err;
    }
    EXPECT_EQ(WEFT_OK, weft_read_report_decode(item->body, &at->report));
    for (uint32_t i = 0; i < at->report.count; i++) {
        f->counted += at->report.labels[i].records;
    }
    (void)snprintf(at->principal, sizeof(at->principal), "%.*s", (int)item->principal.size,
        item->principal.data);
    at->waiter = *waiter;
    f->proposed++;
    return WEFT_OK;
}

static void on_refuse(
    void *ctx, const struct weft_waiter *waiter, enum weft_err err, const char *detail)
{
    struct fixture *f = ctx;
    EXPECT_TRUE(strlen(detail) > 0);
    f->refused++;
    f->last_err = err;
    f->last_request = waiter->request_id;
}

static void on_give(void *ctx, const struct weft_waiter *waiter, struct weft_buffer *message)
{
    struct fixture *f = ctx;
    EXPECT_EQ(3, message->size);
    if (waiter->request_id % 2 == 0) { /* Perhaps it takes it. */
        weft_buffer_destroy(message);
        *message = (struct weft_buffer){.data = NULL};
    }
    f->given++;
    f->last_request = waiter->request_id;
}

static void on_give_json(
    void *ctx, const struct weft_waiter *waiter, uint64_t index, struct weft_buffer *json)
{
    struct fixture *f = ctx;
    EXPECT_EQ(77, index);
    EXPECT_EQ(3, json->size);
    f->json_given++;
    f->last_request = waiter->request_id;
}

static void start(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    const struct weft_label_reads_options options = {.ctx = f,
        .propose = on_propose,
        .refuse = on_refuse,
        .door = {.ctx = f, .give = on_give, .give_json = on_give_json},
        .bytes_max = BYTES_MAX};
    EXPECT_EQ(WEFT_OK, weft_label_reads_open(&options, &f->reads));
}

static void hold(struct fixture *f, const char *who, enum weft_read_act act, const char *label,
    uint64_t records, uint64_t request)
{
    const struct weft_waiter waiter = {.client = 5, .request_id = request};
    struct weft_read_report report = {.act = act};
    struct weft_buffer body = {0}, answer = {0};
    EXPECT_TRUE(weft_read_report_add(&report, weft_text_of(label), records));
    EXPECT_EQ(WEFT_OK, weft_read_report_encode(&report, &body));
    EXPECT_EQ(WEFT_OK, weft_buffer_append(&answer, "abc", 3));
    const struct weft_read_note note = {weft_text_of(who), {body.data, body.size}};
    weft_label_reads_hold(f->reads, &waiter, &note, &answer, request % 3 == 0, 77);
    weft_buffer_destroy(&answer);
    weft_buffer_destroy(&body);
}

static void done(struct fixture *f, enum weft_err err)
{
    struct weft_waiter waiter = f->items[f->done++ % ITEMS_MAX].waiter;
    weft_label_reads_done(f->reads, &waiter, err);
}

/* NOD-182 */
TEST(label_reads, an_answer_leaves_when_it_is_in_the_log_that_it_was_read)
{
    static struct fixture f;
    start(&f);
    hold(&f, "ann", WEFT_READ_ACT_READ, "itar", 7, 1);
    EXPECT_EQ(1, f.proposed);
    EXPECT_EQ(0, f.given);
    EXPECT_TEXT("ann", f.items[0].principal);
    EXPECT_EQ(WEFT_READ_ACT_READ, f.items[0].report.act);
    EXPECT_EQ(7, f.items[0].report.labels[0].records);
    done(&f, WEFT_OK);
    EXPECT_EQ(1, f.given);
    EXPECT_EQ(1, f.last_request);
    hold(&f, "ann", WEFT_READ_ACT_READ, "itar", 7, 3);
    done(&f, WEFT_OK);
    EXPECT_EQ(1, f.json_given);
    EXPECT_EQ(0, weft_label_reads_waiting(f.reads));
    weft_label_reads_close(f.reads);
}

TEST(label_reads, what_comes_while_a_report_is_on_its_way_goes_together_with_the_next)
{
    static struct fixture f;
    start(&f);
    for (uint64_t i = 0; i < 10; i++) {
        hold(&f, "ann", WEFT_READ_ACT_READ, i % 2 == 0 ? "itar" : "ear", 1 + i, 2 * i);
    }
    hold(&f, "bo", WEFT_READ_ACT_READ, "itar", 5, 100);
    hold(&f, "ann", WEFT_READ_ACT_SUBSCRIBE, "itar", 5, 102);
    EXPECT_EQ(3, f.proposed); /* Others do not wait for hers. */
    done(&f, WEFT_OK);
    EXPECT_EQ(4, f.proposed);
    EXPECT_EQ(1, f.given + f.json_given);
    EXPECT_EQ(2, f.items[3].report.count);
    EXPECT_EQ(3 + 5 + 7 + 9, f.items[3].report.labels[1].records);
    EXPECT_EQ(2 + 4 + 6 + 8 + 10, f.items[3].report.labels[0].records);
    done(&f, WEFT_OK);
    done(&f, WEFT_OK);
    EXPECT_EQ(3, f.given + f.json_given);
    done(&f, WEFT_OK);
    EXPECT_EQ(12, f.given + f.json_given);
    EXPECT_EQ(4, f.proposed);
    weft_label_reads_close(f.reads);
}

TEST(label_reads, what_cannot_be_logged_is_not_answered)
{
    static struct fixture f;
    start(&f);
    f.propose_err = WEFT_EUNAVAILABLE;
    hold(&f, "ann", WEFT_READ_ACT_READ, "itar", 1, 1);
    EXPECT_EQ(1, f.refused);
    EXPECT_EQ(WEFT_EUNAVAILABLE, f.last_err);
    f.propose_err = WEFT_OK;
    hold(&f, "ann", WEFT_READ_ACT_READ, "itar", 1, 2);
    hold(&f, "ann", WEFT_READ_ACT_READ, "itar", 1, 4);
    f.propose_err = WEFT_ENOTLEADER; /* Leadership goes: the first is lost, the second not taken. */
    done(&f, WEFT_EUNAVAILABLE);
    EXPECT_EQ(3, f.refused);
    EXPECT_EQ(0, f.given);
    f.propose_err = WEFT_OK;
    hold(&f, "ann", WEFT_READ_ACT_READ, "itar", 1, 8);
    weft_label_reads_close(f.reads); /* NOD-8 */
    EXPECT_EQ(4, f.refused);
    EXPECT_EQ(WEFT_ECLOSED, f.last_err);
    EXPECT_EQ(0, f.given);
}

TEST(label_reads, waiters_that_are_not_known_any_more_release_nothing)
{
    static struct fixture f;
    start(&f);
    hold(&f, "ann", WEFT_READ_ACT_READ, "itar", 1, 2);
    struct weft_waiter waiter = f.items[0].waiter;
    waiter.generation++;
    weft_label_reads_done(f.reads, &waiter, WEFT_OK);
    waiter.generation -= 2;
    weft_label_reads_done(f.reads, &waiter, WEFT_OK);
    waiter.client = UINT32_MAX;
    weft_label_reads_done(f.reads, &waiter, WEFT_OK);
    EXPECT_EQ(0, f.given);
    done(&f, WEFT_OK);
    EXPECT_EQ(1, f.given);
    f.done = 0;
    done(&f, WEFT_OK); /* Once more. */
    EXPECT_EQ(1, f.given);
    weft_label_reads_close(f.reads);
}

TEST(label_reads, more_principals_or_bytes_than_may_wait_are_refused)
{
    static struct fixture f;
    char who[32];
    start(&f);
    for (uint32_t i = 0; f.refused == 0; i++) {
        hold(&f, "ann", WEFT_READ_ACT_READ, "itar", 1, i);
        EXPECT_TRUE(i <= BYTES_MAX / 3);
    }
    EXPECT_EQ(WEFT_EBUSY, f.last_err);
    weft_label_reads_close(f.reads);
    start(&f);
    const struct weft_label_reads_options options = {.ctx = &f,
        .propose = on_propose,
        .refuse = on_refuse,
        .door = {.ctx = &f, .give = on_give, .give_json = on_give_json},
        .bytes_max = 1 << 20};
    weft_label_reads_close(f.reads);
    EXPECT_EQ(WEFT_OK, weft_label_reads_open(&options, &f.reads));
    for (uint32_t i = 0; i <= WEFT_LABEL_READS_GROUPS_MAX; i++) {
        (void)snprintf(who, sizeof(who), "p%u", i);
        hold(&f, who, WEFT_READ_ACT_READ, "itar", 1, 2);
    }
    EXPECT_EQ(1, f.refused);
    done(&f, WEFT_OK);
    hold(&f, "p256", WEFT_READ_ACT_READ, "itar", 1, 2);
    EXPECT_EQ(1, f.refused);
    weft_label_reads_close(f.reads);
}

/* Never fewer in the log than left. */
TEST(label_reads, over_any_history_what_left_was_counted_before)
{
    static struct fixture f;
    static uint64_t held;
    char who[8];
    start(&f);
    held = 0;
    for (uint32_t step = 0; step < 20000; step++) {
        f.propose_err = test_random(20) == 0 ? WEFT_EUNAVAILABLE : WEFT_OK;
        if (test_random(2) == 0) {
            (void)snprintf(who, sizeof(who), "p%u", (unsigned)test_random(4));
            enum weft_read_act act =
                test_random(2) == 0 ? WEFT_READ_ACT_READ : WEFT_READ_ACT_SUBSCRIBE;
            hold(&f, who, act, test_random(2) == 0 ? "itar" : "ear", 1, step);
            held++;
        } else if (f.done < f.proposed) {
            done(&f, test_random(10) == 0 ? WEFT_EUNAVAILABLE : WEFT_OK);
        }
        uint64_t left = (uint64_t)f.given + f.json_given;
        EXPECT_TRUE(left <= f.counted);
        EXPECT_EQ(held, left + f.refused + weft_label_reads_waiting(f.reads));
    }
    EXPECT_TRUE(f.given > 1000 && f.refused > 100);
    f.propose_err = WEFT_OK;
    while (f.done < f.proposed) {
        done(&f, WEFT_OK);
    }
    EXPECT_EQ(0, weft_label_reads_waiting(f.reads));
    weft_label_reads_close(f.reads);
}
