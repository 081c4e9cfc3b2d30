#include "node/checkpoint/fetcher.h"

#include <string.h>

#include "tests/lib/test.h"

enum {
    PIECE = WEFT_FETCHER_PIECE_BYTES
};

/* The driver and the world around it, played by hand. */
struct world {
    struct weft_fetcher f;
    struct weft_fetcher_file files[8];
    struct weft_fetcher_update update;
    uint64_t now_ms;
};

static enum weft_err step(struct world *w, struct weft_fetcher_event event)
{
    event.now_ms = w->now_ms;
    return weft_fetcher_step(&w->f, &event, &w->update);
}

static void start(struct world *w, const uint64_t *sizes, uint32_t count, uint32_t source_count)
{
    memset(w, 0, sizeof(*w));
    w->now_ms = 1000;
    weft_fetcher_init(&w->f);
    for (uint32_t i = 0; i < count; i++) {
        w->files[i].size_bytes = sizes[i];
    }
    EXPECT_EQ(WEFT_OK, step(w, (struct weft_fetcher_event){.type = WEFT_FETCHER_START,
                                   .files = w->files,
                                   .file_count = count,
                                   .source_count = source_count}));
}

static void up(struct world *w)
{
    EXPECT_EQ(WEFT_OK, step(w, (struct weft_fetcher_event){.type = WEFT_FETCHER_LINK_UP}));
}

static enum weft_err chunk(struct world *w, uint32_t file, uint64_t offset, uint32_t size)
{
    return step(w, (struct weft_fetcher_event){.type = WEFT_FETCHER_CHUNK,
                       .file = file,
                       .offset = offset,
                       .size_bytes = size,
                       .is_intact = true});
}

static enum weft_err written(struct world *w, uint32_t file, uint64_t offset)
{
    return step(w,
        (struct weft_fetcher_event){.type = WEFT_FETCHER_WRITTEN, .file = file, .offset = offset});
}

static enum weft_err verified(struct world *w, uint32_t file, bool is_intact)
{
    return step(w, (struct weft_fetcher_event){
                       .type = WEFT_FETCHER_VERIFIED, .file = file, .is_intact = is_intact});
}

static void tick(struct world *w, uint64_t wait_ms)
{
    w->now_ms += wait_ms;
    EXPECT_EQ(WEFT_OK, step(w, (struct weft_fetcher_event){.type = WEFT_FETCHER_TICK}));
}

TEST(fetcher, asks_for_a_window_of_pieces_and_no_more)
{
    struct world w;
    const uint64_t sizes[] = {PIECE + 10, 20ull * PIECE};
    start(&w, sizes, 2, 1);
    EXPECT_TRUE(w.update.connect);
    EXPECT_EQ(WEFT_FETCHER_CONNECTING, w.f.state);
    up(&w);
    EXPECT_EQ(WEFT_FETCHER_WINDOW_MAX, w.update.request_count);
    EXPECT_EQ(0, w.update.requests[0].file);
    EXPECT_EQ(PIECE, w.update.requests[0].size_bytes);
    EXPECT_EQ(10, w.update.requests[1].size_bytes);
    EXPECT_EQ(1, w.update.requests[2].file);
    EXPECT_EQ(5ull * PIECE, w.update.requests[7].offset);
    EXPECT_EQ(WEFT_OK, chunk(&w, 0, 0, PIECE));
    EXPECT_TRUE(w.update.write);
    EXPECT_EQ(0, w.update.request_count);
    EXPECT_EQ(WEFT_OK, written(&w, 0, 0));
    EXPECT_EQ(1, w.update.request_count);
    EXPECT_EQ(6ull * PIECE, w.update.requests[0].offset);
}

TEST(fetcher, is_staged_once_every_file_is_verified_and_not_before)
{
    struct world w;
    const uint64_t sizes[] = {10, 20};
    start(&w, sizes, 2, 1);
    up(&w);
    EXPECT_EQ(WEFT_OK, chunk(&w, 1, 0, 20));
    EXPECT_EQ(WEFT_OK, chunk(&w, 0, 0, 10));
    EXPECT_EQ(WEFT_OK, written(&w, 1, 0));
    EXPECT_TRUE(w.update.verify && w.update.verify_file == 1);
    EXPECT_EQ(WEFT_OK, written(&w, 0, 0));
    EXPECT_TRUE(w.update.verify && w.update.verify_file == 0);
    EXPECT_EQ(WEFT_FETCHER_VERIFYING, w.f.state);
    EXPECT_EQ(WEFT_OK, verified(&w, 1, true));
    EXPECT_TRUE(!w.update.staged);
    EXPECT_EQ(WEFT_OK, verified(&w, 0, true));
    EXPECT_TRUE(w.update.staged && w.update.disconnect);
    EXPECT_EQ(0, w.update.deadline_ms);
    EXPECT_EQ(30, w.f.fetched_bytes);
}

TEST(fetcher, what_is_here_already_is_not_asked_for)
{
    struct world w;
    memset(&w, 0, sizeof(w));
    weft_fetcher_init(&w.f);
    w.files[0] = (struct weft_fetcher_file){.size_bytes = 10, .state = WEFT_FETCHER_FILE_DONE};
    w.files[1] =
        (struct weft_fetcher_file){.size_bytes = 3ull * PIECE, .written_bytes = 2ull * PIECE};
    struct weft_fetcher_event event = {
        .type = WEFT_FETCHER_START, .files = w.files, .file_count = 2, .source_count = 1};
    EXPECT_EQ(WEFT_OK, step(&w, event));
    up(&w);
    EXPECT_EQ(1, w.update.request_count);
    EXPECT_EQ(1, w.update.requests[0].file);
    EXPECT_EQ(2ull * PIECE, w.update.requests[0].offset);
    /* All of it: no connection at all. */
    weft_fetcher_init(&w.f);
    w.files[1].state = WEFT_FETCHER_FILE_DONE;
    EXPECT_EQ(WEFT_OK, step(&w, event));
    EXPECT_TRUE(w.update.staged && !w.update.connect && !w.update.disconnect);
}

TEST(fetcher, what_was_on_its_way_is_asked_for_again_after_a_new_connection)
{
    struct world w;
    const uint64_t sizes[] = {3ull * PIECE};
    start(&w, sizes, 1, 2);
    up(&w);
    EXPECT_EQ(3, w.update.request_count);
    EXPECT_EQ(WEFT_OK, chunk(&w, 0, PIECE, PIECE));
    EXPECT_EQ(WEFT_OK, step(&w, (struct weft_fetcher_event){.type = WEFT_FETCHER_LINK_DOWN}));
    EXPECT_EQ(WEFT_FETCHER_CONNECTING, w.f.state);
    EXPECT_EQ(1, w.f.source);
    EXPECT_EQ(WEFT_OK, written(&w, 0, PIECE)); /* The disk has it all the same. */
    /* A chunk of the old connection, and the echo of hanging up, change nothing. */
    EXPECT_EQ(WEFT_ESTATE, chunk(&w, 0, 0, PIECE));
    EXPECT_EQ(WEFT_OK, step(&w, (struct weft_fetcher_event){.type = WEFT_FETCHER_LINK_DOWN}));
    EXPECT_EQ(1, w.f.source);
    tick(&w, WEFT_FETCHER_BACKOFF_MIN_MS - 1);
    EXPECT_TRUE(!w.update.connect);
    tick(&w, 1);
    EXPECT_TRUE(w.update.connect && w.update.source == 1);
    up(&w);
    EXPECT_EQ(2, w.update.request_count);
    EXPECT_EQ(2ull * PIECE, w.update.requests[0].offset + w.update.requests[1].offset);
}

TEST(fetcher, bad_pieces_are_asked_for_again_and_then_cost_the_source)
{
    struct world w;
    const uint64_t sizes[] = {10};
    struct weft_fetcher_event bad = {
        .type = WEFT_FETCHER_CHUNK, .size_bytes = 10, .is_intact = false};
    start(&w, sizes, 1, 2);
    up(&w);
    EXPECT_EQ(WEFT_EMALFORMED, chunk(&w, 0, 5, 5)); /* Not asked for: no strike. */
    EXPECT_EQ(WEFT_EMALFORMED, step(&w, bad));
    EXPECT_EQ(1, w.update.request_count);
    EXPECT_TRUE(!w.update.write);
    EXPECT_EQ(WEFT_EMALFORMED, chunk(&w, 0, 0, 9)); /* Of another size. */
    EXPECT_EQ(1, w.update.request_count);
    EXPECT_EQ(0, w.f.source);
    EXPECT_EQ(WEFT_EMALFORMED, step(&w, bad));
    EXPECT_EQ(0, w.update.request_count);
    EXPECT_TRUE(w.update.disconnect);
    EXPECT_EQ(1, w.f.source);
}

TEST(fetcher, a_source_without_the_checkpoint_is_not_asked_again_and_none_is_the_end)
{
    struct world w;
    const uint64_t sizes[] = {10};
    const struct weft_fetcher_event gone = {.type = WEFT_FETCHER_CHUNK, .err = WEFT_ENOTFOUND};
    start(&w, sizes, 1, 3);
    for (uint32_t source = 0; source < 3; source++) {
        EXPECT_EQ(source, w.f.source);
        up(&w);
        EXPECT_EQ(WEFT_OK, step(&w, gone));
        tick(&w, WEFT_FETCHER_BACKOFF_MAX_MS);
    }
    EXPECT_EQ(WEFT_FETCHER_FAILED, w.f.state);
    EXPECT_EQ(WEFT_ENOTFOUND, w.f.err);
    EXPECT_EQ(0, w.update.deadline_ms);
}

TEST(fetcher, silence_costs_the_source_from_both_sides_of_the_deadline)
{
    struct world w;
    const uint64_t sizes[] = {2ull * PIECE};
    start(&w, sizes, 1, 2);
    up(&w);
    EXPECT_EQ(w.now_ms + WEFT_FETCHER_SILENCE_MS, w.update.deadline_ms);
    w.now_ms += WEFT_FETCHER_SILENCE_MS - 1;
    EXPECT_EQ(WEFT_OK, chunk(&w, 0, 0, PIECE)); /* Not silent: a new deadline for all. */
    tick(&w, WEFT_FETCHER_SILENCE_MS - 1);
    EXPECT_EQ(WEFT_FETCHER_FETCHING, w.f.state);
    tick(&w, 1);
    EXPECT_EQ(WEFT_FETCHER_CONNECTING, w.f.state);
    EXPECT_EQ(1, w.f.source);
    /* Silence while connecting, too. */
    tick(&w, WEFT_FETCHER_BACKOFF_MIN_MS);
    EXPECT_TRUE(w.update.connect);
    tick(&w, WEFT_FETCHER_SILENCE_MS);
    EXPECT_TRUE(w.update.disconnect);
    EXPECT_EQ(0, w.f.source);
}

TEST(fetcher, nothing_moving_is_the_end_after_a_while)
{
    struct world w;
    const uint64_t sizes[] = {10};
    start(&w, sizes, 1, 1);
    uint64_t began_ms = w.now_ms, connects = 1;
    while (w.f.state != WEFT_FETCHER_FAILED) {
        EXPECT_TRUE(w.update.deadline_ms > w.now_ms);
        tick(&w, w.update.deadline_ms - w.now_ms);
        connects += w.update.connect;
    }
    EXPECT_EQ(WEFT_ETIMEDOUT, w.f.err);
    EXPECT_EQ(began_ms + WEFT_FETCHER_STALL_MS, w.now_ms);
    EXPECT_TRUE(connects >= 10 && connects < 30);
}

TEST(fetcher, a_file_with_a_wrong_digest_is_fetched_anew_and_not_for_ever)
{
    struct world w;
    const uint64_t sizes[] = {10, 10};
    start(&w, sizes, 2, 2);
    up(&w);
    EXPECT_EQ(WEFT_OK, chunk(&w, 1, 0, 10));
    EXPECT_EQ(WEFT_OK, written(&w, 1, 0));
    EXPECT_EQ(WEFT_OK, verified(&w, 1, true));
    for (int i = 1;; i++) {
        EXPECT_EQ(WEFT_OK, chunk(&w, 0, 0, 10));
        EXPECT_EQ(WEFT_OK, written(&w, 0, 0));
        EXPECT_EQ(WEFT_OK, verified(&w, 0, false));
        EXPECT_TRUE(w.update.restart && w.update.restart_file == 0);
        if (i == WEFT_FETCHER_MISMATCHES_MAX) {
            break;
        }
        if (i == 2) { /* The second time from one source: the next one. */
            EXPECT_EQ(1, w.f.source);
            tick(&w, WEFT_FETCHER_BACKOFF_MIN_MS);
            up(&w);
        }
        EXPECT_EQ(1, w.update.request_count);
    }
    EXPECT_EQ(WEFT_FETCHER_FAILED, w.f.state);
    EXPECT_EQ(WEFT_EBADSIG, w.f.err);
}

TEST(fetcher, an_error_of_the_disk_is_the_end)
{
    struct world w;
    const uint64_t sizes[] = {10};
    start(&w, sizes, 1, 2);
    up(&w);
    EXPECT_EQ(WEFT_OK, chunk(&w, 0, 0, 10));
    EXPECT_EQ(WEFT_OK,
        step(&w, (struct weft_fetcher_event){.type = WEFT_FETCHER_WRITTEN, .err = WEFT_ENOSPC}));
    EXPECT_TRUE(w.update.failed && w.update.disconnect);
    EXPECT_EQ(WEFT_ENOSPC, w.f.err);
    EXPECT_EQ(WEFT_ESTATE, chunk(&w, 0, 0, 10));
}

TEST(fetcher, a_wrong_file_found_after_the_link_has_gone_is_fetched_over_a_new_one)
{
    struct world w;
    const uint64_t sizes[] = {10};
    start(&w, sizes, 1, 1);
    up(&w);
    EXPECT_EQ(WEFT_OK, chunk(&w, 0, 0, 10));
    EXPECT_EQ(WEFT_OK, written(&w, 0, 0));
    EXPECT_EQ(WEFT_OK, step(&w, (struct weft_fetcher_event){.type = WEFT_FETCHER_LINK_DOWN}));
    EXPECT_EQ(WEFT_FETCHER_VERIFYING, w.f.state);
    EXPECT_EQ(WEFT_OK, verified(&w, 0, false));
    EXPECT_EQ(WEFT_FETCHER_CONNECTING, w.f.state);
    tick(&w, WEFT_FETCHER_BACKOFF_MIN_MS);
    EXPECT_TRUE(w.update.connect);
    up(&w);
    EXPECT_EQ(1, w.update.request_count);
}

/* ---- Random lives: sources, network, disk and hash thread in any order ---- */

struct queue {
    struct weft_fetcher_event events[64];
    uint32_t count;
};

static void push(struct queue *q, struct weft_fetcher_event event)
{
    EXPECT_TRUE(q->count < 64);
    q->events[q->count++] = event;
}

static struct weft_fetcher_event take(struct queue *q)
{
    uint32_t place = (uint32_t)test_random(q->count);
    struct weft_fetcher_event event = q->events[place];
    q->events[place] = q->events[--q->count];
    return event;
}

struct life {
    struct world w;
    struct queue link; /* Chunks on their way, and the link itself. */
    struct queue disk;
    bool is_connected;
    uint64_t disk_bytes[8]; /* Of each file, written since it was last cut. */
    unsigned downs, bad, wrong, silences;
};

static void obey(struct life *l, const struct weft_fetcher_event *cause)
{
    const struct weft_fetcher_update *u = &l->w.update;
    if (u->disconnect || u->connect) {
        l->link.count = 0;
        l->is_connected = false;
    }
    if (u->connect && test_random(5) > 0) {
        push(&l->link,
            (struct weft_fetcher_event){
                .type = test_random(4) > 0 ? WEFT_FETCHER_LINK_UP : WEFT_FETCHER_LINK_DOWN});
    }
    if (u->write) {
        l->disk_bytes[cause->file] += cause->size_bytes;
        push(&l->disk,
            (struct weft_fetcher_event){
                .type = WEFT_FETCHER_WRITTEN, .file = cause->file, .offset = cause->offset});
    }
    if (u->restart) {
        l->disk_bytes[u->restart_file] = 0;
    }
    if (u->verify) {
        EXPECT_EQ(l->w.files[u->verify_file].size_bytes, l->disk_bytes[u->verify_file]);
        bool is_wrong = test_random(40) == 0;
        l->wrong += is_wrong;
        push(&l->disk,
            (struct weft_fetcher_event){
                .type = WEFT_FETCHER_VERIFIED, .file = u->verify_file, .is_intact = !is_wrong});
    }
    for (uint32_t i = 0; i < u->request_count; i++) {
        struct weft_fetcher_event answer = {.type = WEFT_FETCHER_CHUNK,
            .file = u->requests[i].file,
            .offset = u->requests[i].offset,
            .size_bytes = u->requests[i].size_bytes,
            .is_intact = test_random(50) > 0};
        l->bad += !answer.is_intact;
        if (test_random(200) > 0) { /* Else it is lost without a sound. */
            push(&l->link, answer);
        }
    }
}

static void live(struct life *l)
{
    uint64_t sizes[8];
    uint32_t count = 1 + (uint32_t)test_random(8);
    for (uint32_t i = 0; i < count; i++) {
        sizes[i] = 1 + test_random(12ull * PIECE);
    }
    start(&l->w, sizes, count, 1 + (uint32_t)test_random(3));
    obey(l, NULL);
    while (l->w.f.state != WEFT_FETCHER_STAGED && l->w.f.state != WEFT_FETCHER_FAILED) {
        struct weft_fetcher_event event = {.type = WEFT_FETCHER_TICK};
        uint32_t due = l->link.count + l->disk.count;
        l->w.now_ms += test_random(20);
        if (due == 0) {
            l->w.now_ms =
                l->w.update.deadline_ms > l->w.now_ms ? l->w.update.deadline_ms : l->w.now_ms;
            l->silences++;
        } else if (test_random(300) == 0) {
            event.type = WEFT_FETCHER_LINK_DOWN;
            l->link.count = 0;
            l->downs++;
        } else {
            event = take(test_random(due) < l->link.count ? &l->link : &l->disk);
        }
        (void)!step(&l->w, event);
        obey(l, &event);
    }
}

TEST(fetcher, random_lives_end_staged_with_every_byte_verified)
{
    unsigned staged = 0, failed = 0, downs = 0, bad = 0, wrong = 0, silences = 0;
    for (int i = 0; i < 2000; i++) {
        struct life l;
        memset(&l, 0, sizeof(l));
        live(&l);
        if (l.w.f.state == WEFT_FETCHER_STAGED) {
            for (uint32_t k = 0; k < l.w.f.file_count; k++) {
                EXPECT_EQ(l.w.files[k].size_bytes, l.disk_bytes[k]);
                EXPECT_EQ(WEFT_FETCHER_FILE_DONE, l.w.files[k].state);
            }
            staged++;
        } else {
            failed++;
        }
        downs += l.downs, bad += l.bad, wrong += l.wrong, silences += l.silences;
    }
    EXPECT_TRUE(staged > 1900);
    EXPECT_TRUE(downs > 100 && bad > 500 && wrong > 100 && silences > 100);
}
