#include "node/checkpoint/download.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node/checkpoint/fetcher.h"
#include "node/checkpoint/tree.h"
#include "proto/limits.h"
#include "tests/lib/test.h"
#include "tests/unit/node/checkpoint/fixture.h"

enum {
    REQUESTS_MAX = 256,
    PIECE = WEFT_FETCHER_PIECE_BYTES
};

struct request {
    char checkpoint[64], file[128];
    uint64_t offset;
    uint32_t size;
};

/* Two nodes and what lies between them. Time is the test's. */
struct pair {
    struct weft_keeper *sources[2];
    struct weft_keeper *own;
    char directory[600];
    struct weft_download *download;
    struct weft_keeper_checkpoint offer;
    uint64_t now_ms;
    uint32_t source; /* That the link goes to. */
    bool connect_wanted;
    bool is_up;
    unsigned connects;
    struct request requests[REQUESTS_MAX];
    uint32_t request_count;
    unsigned corrupt_every; /* One answer in so many is damaged on its way. */
    unsigned lose_every;
    pthread_mutex_t mutex;
    pthread_cond_t woken;
    unsigned wakes;
};

static void io_connect(void *ctx, uint32_t source)
{
    struct pair *p = ctx;
    p->source = source;
    p->connect_wanted = true;
    p->is_up = false;
    p->request_count = 0;
    p->connects++;
}

static void io_disconnect(void *ctx)
{
    struct pair *p = ctx;
    p->connect_wanted = p->is_up = false;
    p->request_count = 0;
}

static enum weft_err io_request(void *ctx, const struct weft_fetch *fetch)
{
    struct pair *p = ctx;
    EXPECT_TRUE(p->is_up);
    EXPECT_TRUE(p->request_count < REQUESTS_MAX);
    struct request *r = &p->requests[p->request_count++];
    (void)snprintf(r->checkpoint, sizeof(r->checkpoint), "%.*s", (int)fetch->checkpoint.size,
        fetch->checkpoint.data);
    (void)snprintf(r->file, sizeof(r->file), "%.*s", (int)fetch->file.size, fetch->file.data);
    r->offset = fetch->offset;
    r->size = fetch->size_bytes;
    return WEFT_OK;
}

static void io_wake(void *ctx)
{
    struct pair *p = ctx;
    (void)pthread_mutex_lock(&p->mutex);
    p->wakes++;
    (void)pthread_cond_signal(&p->woken);
    (void)pthread_mutex_unlock(&p->mutex);
}

static void wait_wake(struct pair *p)
{
    (void)pthread_mutex_lock(&p->mutex);
    while (p->wakes == 0) {
        (void)pthread_cond_wait(&p->woken, &p->mutex);
    }
    p->wakes = 0;
    (void)pthread_mutex_unlock(&p->mutex);
}

static enum weft_err try_open(struct pair *p, uint32_t source_count, struct weft_msg *msg)
{
    const struct weft_download_options options = {.directory = p->directory,
        .keeper = p->own,
        .manifest = p->offer.encoded,
        .cluster = FIXTURE_CLUSTER,
        .source_count = source_count,
        .io = {p, io_connect, io_disconnect, io_request, io_wake}};
    p->request_count = 0;
    p->is_up = p->connect_wanted = false;
    p->wakes = 0;
    return weft_download_open(&options, p->now_ms, &p->download, msg);
}

static void open_download(struct pair *p, uint32_t source_count)
{
    struct weft_msg msg = {""};
    EXPECT_EQ(WEFT_OK, try_open(p, source_count, &msg));
}

static void set(struct pair *p, struct fixture_store *store)
{
    memset(p, 0, sizeof(*p));
    (void)pthread_mutex_init(&p->mutex, NULL);
    (void)pthread_cond_init(&p->woken, NULL);
    p->now_ms = 1000;
    p->sources[0] = fixture_keeper(fixture_path("source"), 9, NULL);
    (void)snprintf(p->directory, sizeof(p->directory), "%s", fixture_path("own"));
    p->own = fixture_keeper(p->directory, 9, NULL);
    fixture_store_init(store, "store");
    fixture_store_grow(store, 5 * PIECE + 7);
    fixture_store_grow(store, 0);
    fixture_store_grow(store, 20 * PIECE);
    EXPECT_EQ(WEFT_OK, fixture_take(p->sources[0], store).err);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(p->sources[0], &p->offer));
}

static void clear(struct pair *p)
{
    weft_download_close(p->download);
    weft_keeper_close(p->sources[0]);
    weft_keeper_close(p->sources[1]);
    weft_keeper_close(p->own);
    (void)pthread_cond_destroy(&p->woken);
    (void)pthread_mutex_destroy(&p->mutex);
}

static struct weft_download_status status_of(const struct pair *p)
{
    struct weft_download_status status;
    weft_download_status(p->download, &status);
    return status;
}

/* The source answers its oldest request, or the link loses or damages the answer. */
static void answer_one(struct pair *p)
{
    static uint8_t buffer[WEFT_CHUNK_SIZE_MAX];
    struct request r = p->requests[0];
    struct weft_chunk chunk;
    memmove(p->requests, p->requests + 1, --p->request_count * sizeof(r));
    const struct weft_fetch fetch = {
        weft_text_of(r.checkpoint), weft_text_of(r.file), r.offset, r.size};
    weft_keeper_read(p->sources[p->source], &fetch, p->now_ms, buffer, &chunk);
    if (p->lose_every > 0 && test_random(p->lose_every) == 0) {
        return;
    }
    if (p->corrupt_every > 0 && test_random(p->corrupt_every) == 0 && chunk.data.size > 0) {
        buffer[test_random(chunk.data.size)] ^= 1;
    }
    weft_download_chunk(p->download, &chunk, p->now_ms);
}

/* One thing happens. False: it ended. */
static bool turn(struct pair *p)
{
    weft_download_turn(p->download, p->now_ms);
    if (status_of(p).phase != WEFT_DOWNLOAD_RUNNING) {
        return false;
    }
    if (p->connect_wanted && !p->is_up) {
        p->connect_wanted = false;
        p->is_up = true;
        weft_download_link(p->download, true, p->now_ms);
    } else if (p->request_count > 0) {
        answer_one(p);
    } else {
        if (status_of(p).jobs > 0) {
            wait_wake(p);
        } else {
            EXPECT_TRUE(weft_download_deadline(p->download) > p->now_ms);
            p->now_ms = weft_download_deadline(p->download);
        }
    }
    return true;
}

static void run(struct pair *p)
{
    while (turn(p)) {
    }
}

static void expect_staged(struct pair *p)
{
    struct weft_keeper_checkpoint c;
    struct weft_msg msg;
    struct weft_download_status status = status_of(p);
    if (status.phase != WEFT_DOWNLOAD_STAGED) {
        (void)fprintf(stderr, "%s\n", status.msg.text);
    }
    EXPECT_EQ(WEFT_DOWNLOAD_STAGED, status.phase);
    EXPECT_EQ(status.total_bytes, status.present_bytes);
    EXPECT_EQ(WEFT_OK, weft_keeper_find(p->own, weft_download_name(p->download), &c));
    EXPECT_EQ(WEFT_OK, weft_checkpoint_verify(c.directory, c.manifest, NULL, &msg));
    EXPECT_EQ(p->offer.encoded.size, c.encoded.size);
    EXPECT_MEM(p->offer.encoded.data, c.encoded.data, c.encoded.size);
    char path[700];
    (void)snprintf(path, sizeof(path), "%s/.fetching", p->directory);
    EXPECT_TRUE(!weft_tree_exists(path));
}

TEST(download, a_checkpoint_arrives_whole_and_becomes_a_local_one)
{
    struct pair p;
    struct fixture_store store;
    set(&p, &store);
    open_download(&p, 1);
    EXPECT_TRUE(weft_text_is(weft_download_name(p.download), "3-3"));
    run(&p);
    expect_staged(&p);
    EXPECT_EQ(1, p.connects);
    EXPECT_EQ(status_of(&p).total_bytes, status_of(&p).fetched_bytes);
    EXPECT_EQ(0, weft_download_deadline(p.download));
    EXPECT_TRUE(!p.is_up); /* It hung up. */
    clear(&p);
}

TEST(download, damaged_and_lost_answers_cost_time_and_nothing_else)
{
    struct pair p;
    struct fixture_store store;
    set(&p, &store);
    p.corrupt_every = 6;
    p.lose_every = 20;
    open_download(&p, 1);
    run(&p);
    expect_staged(&p);
    clear(&p);
}

/* The process stops in the middle, any time; the next one goes on from what is there. */
TEST(download, after_a_restart_what_is_here_is_not_fetched_again)
{
    struct pair p;
    struct fixture_store store;
    set(&p, &store);
    uint64_t fetched = 0;
    unsigned rounds = 0;
    for (bool is_over = false; !is_over; rounds++) {
        open_download(&p, 1);
        for (int i = 0; i < 25 && !is_over; i++) {
            is_over = !turn(&p);
        }
        fetched += status_of(&p).fetched_bytes;
        if (!is_over) {
            weft_download_close(p.download);
            weft_keeper_close(p.own);
            struct weft_keeper_start start;
            p.own = fixture_keeper(p.directory, 9, &start);
            EXPECT_EQ(0, start.half_made + start.damaged);
        }
    }
    expect_staged(&p);
    EXPECT_TRUE(rounds > 1);
    /* At most the window of unsure bytes is fetched twice, for each interruption. */
    EXPECT_TRUE(
        fetched <= p.offer.file_bytes + rounds * (uint64_t)WEFT_FETCHER_WINDOW_MAX * PIECE * 2);
    clear(&p);
}

TEST(download, what_a_local_checkpoint_has_is_linked_and_not_fetched)
{
    struct pair p;
    struct fixture_store store;
    set(&p, &store);
    open_download(&p, 1);
    run(&p);
    expect_staged(&p);
    weft_download_close(p.download);
    fixture_store_grow(&store, 3 * PIECE);
    EXPECT_EQ(WEFT_OK, fixture_take(p.sources[0], &store).err);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(p.sources[0], &p.offer));
    open_download(&p, 1);
    run(&p);
    expect_staged(&p);
    EXPECT_EQ(25ull * PIECE + 7, status_of(&p).reused_bytes);
    EXPECT_EQ(3ull * PIECE + 1, status_of(&p).fetched_bytes);
    clear(&p);
}

/* Its digest was right once: that is not enough. */
TEST(download, a_local_file_that_has_changed_is_fetched)
{
    struct pair p;
    struct fixture_store store;
    struct weft_keeper_checkpoint c;
    char path[1400];
    set(&p, &store);
    open_download(&p, 1);
    run(&p);
    expect_staged(&p);
    weft_download_close(p.download);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(p.own, &c));
    (void)snprintf(path, sizeof(path), "%s/0001.sst", c.directory);
    static uint8_t junk[5 * PIECE + 7];
    fixture_put(path, junk, sizeof(junk));
    fixture_store_grow(&store, 10);
    EXPECT_EQ(WEFT_OK, fixture_take(p.sources[0], &store).err);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(p.sources[0], &p.offer));
    open_download(&p, 1);
    run(&p);
    expect_staged(&p);
    EXPECT_EQ(20ull * PIECE, status_of(&p).reused_bytes);
    clear(&p);
}

TEST(download, a_newer_offer_keeps_what_it_can_of_the_older_one)
{
    struct pair p;
    struct fixture_store store;
    set(&p, &store);
    open_download(&p, 1);
    while (status_of(&p).present_bytes < 8ull * PIECE) {
        EXPECT_TRUE(turn(&p));
    }
    weft_download_close(p.download); /* The first table is whole, the third begun. */
    fixture_store_grow(&store, 10);
    EXPECT_EQ(WEFT_OK, fixture_take(p.sources[0], &store).err);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(p.sources[0], &p.offer));
    open_download(&p, 1);
    run(&p);
    expect_staged(&p);
    EXPECT_TRUE(status_of(&p).fetched_bytes <= 20ull * PIECE + 11);
    clear(&p);
}

TEST(download, a_source_that_lost_it_is_left_for_the_next_one)
{
    struct pair p;
    struct fixture_store store;
    set(&p, &store);
    p.sources[1] = p.sources[0];
    p.sources[0] = fixture_keeper(fixture_path("empty"), 9, NULL);
    open_download(&p, 2);
    run(&p);
    expect_staged(&p);
    EXPECT_EQ(1, p.source);
    EXPECT_EQ(2, p.connects);
    clear(&p);
}

TEST(download, a_checkpoint_that_nobody_has_any_more_is_the_end_and_says_so)
{
    struct pair p;
    struct fixture_store store;
    set(&p, &store);
    weft_keeper_close(p.sources[0]);
    p.sources[0] = fixture_keeper(fixture_path("empty"), 9, NULL);
    struct weft_keeper *other = fixture_keeper(fixture_path("source"), 9, NULL);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(other, &p.offer));
    open_download(&p, 1);
    run(&p);
    EXPECT_EQ(WEFT_DOWNLOAD_FAILED, status_of(&p).phase);
    EXPECT_EQ(WEFT_ENOTFOUND, status_of(&p).err);
    EXPECT_TEXT("fetch checkpoint 3-3: no source has it any more", status_of(&p).msg.text);
    EXPECT_EQ(0, weft_download_deadline(p.download));
    weft_keeper_close(other);
    clear(&p);
}

/* The source's file is not what its own manifest says: never staged. */
TEST(download, a_source_with_a_damaged_file_fails_with_a_wrong_digest)
{
    struct pair p;
    struct fixture_store store;
    char path[1400];
    uint8_t byte = 7;
    set(&p, &store);
    (void)snprintf(path, sizeof(path), "%s/CURRENT", p.offer.directory);
    fixture_put(path, &byte, 1);
    open_download(&p, 1);
    run(&p);
    EXPECT_EQ(WEFT_DOWNLOAD_FAILED, status_of(&p).phase);
    EXPECT_EQ(WEFT_EBADSIG, status_of(&p).err);
    clear(&p);
}

TEST(download, offers_that_cannot_be_ours_are_refused)
{
    struct pair p;
    struct fixture_store store;
    struct weft_msg msg;
    set(&p, &store);
    struct weft_bytes good = p.offer.encoded;
    static uint8_t bytes[4096];
    memcpy(bytes, good.data, good.size);
    p.offer.encoded = (struct weft_bytes){bytes, good.size / 2};
    EXPECT_EQ(WEFT_EMALFORMED, try_open(&p, 1, &msg));
    bytes[7] ^= 1; /* The version in the identifier. */
    p.offer.encoded.size = good.size;
    EXPECT_EQ(WEFT_EVERSION, try_open(&p, 1, &msg));
    p.offer.encoded = (struct weft_bytes){bytes, WEFT_MANIFEST_SIZE_MAX + 1};
    EXPECT_EQ(WEFT_ETOOBIG, try_open(&p, 1, &msg));
    p.offer.encoded = good;
    EXPECT_EQ(WEFT_EINVAL, try_open(&p, 0, &msg));
    store.cluster++;
    struct weft_keeper_options options = {.directory = fixture_path("foreign")};
    struct weft_keeper *foreign;
    struct weft_keeper_start start;
    EXPECT_EQ(WEFT_OK, weft_keeper_open(&options, &foreign, &start, &msg));
    struct weft_keeper_source source = fixture_source(&store);
    EXPECT_EQ(WEFT_OK, weft_keeper_take(foreign, &source));
    struct weft_keeper_result result;
    weft_keeper_cancel(foreign);
    while (!weft_keeper_drain(foreign, &result)) {
    }
    if (result.err == WEFT_OK) {
        EXPECT_EQ(WEFT_OK, weft_keeper_newest(foreign, &p.offer));
        EXPECT_EQ(WEFT_EPEER, try_open(&p, 1, &msg));
    }
    weft_keeper_close(foreign);
    p.download = NULL;
    clear(&p);
}
