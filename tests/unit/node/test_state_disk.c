/* The replicated state on its disk: the same bytes everywhere, kills, checkpoints, damage. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/state/store.h"
#include "tests/lib/test.h"
#include "tests/unit/node/state_fixture.h"

enum {
    HISTORY = 1500,
    CHILD_FD = 7,
};

/* --- the same bytes -------------------------------------------------------------------------- */

TEST(state_disk, is_the_same_to_the_byte_however_entries_are_batched)
{
    struct fixture one, many;
    fixture_init(&one, "one");
    fixture_init(&many, "many");
    many.options.memtable_bytes = 1 << 20; /* files of other sizes, too */
    fixture_open(&one);
    fixture_open(&many);
    for (uint64_t last = HISTORY / 5; last <= HISTORY; last += HISTORY / 5) {
        struct weft_state_position a, b;
        fixture_replay(&one, last, 1, true);
        fixture_replay(&many, last, 100, false);
        struct weft_digest_result x = fixture_digest(&one), y = fixture_digest(&many);
        weft_state_position(one.state, &a);
        weft_state_position(many.state, &b);
        EXPECT_EQ(x.keys, y.keys);
        EXPECT_MEM(x.digest.bytes, y.digest.bytes, WEFT_DIGEST_SIZE);
        EXPECT_MEM(a.chain.bytes, b.chain.bytes, WEFT_DIGEST_SIZE);
        EXPECT_EQ(a.records, b.records);
        fixture_close(&many);
        fixture_open(&many);
    }
    fixture_destroy(&one);
    fixture_destroy(&many);
}

/* --- kills ----------------------------------------------------------------------------------- */

/* Run by itself as a child: applies the history and tells each index, until it is killed. RocksDB
 * keeps threads, so the child is a new program and not a fork of this one. */
TEST(state_disk, child)
{
    struct fixture f;
    const char *directory = getenv("WEFT_TEST_STATE");
    if (directory == NULL) {
        return;
    }
    fixture_init(&f, "unused");
    (void)snprintf(f.directory, sizeof(f.directory), "%s", directory);
    fixture_open(&f);
    while (f.index < HISTORY) {
        fixture_replay(&f, f.index + 1, 1, false);
        if (f.index % 170 == 0) {
            EXPECT_EQ(WEFT_OK, weft_state_flush(f.state, &f.msg));
        }
        EXPECT_EQ(sizeof(f.index), write(CHILD_FD, &f.index, sizeof(f.index)));
    }
    (void)pause();
}

/* Start the child; kill it as soon as it has applied `until`. Returns what it told last. */
static uint64_t kill_at(const char *directory, uint64_t until)
{
    int ends[2];
    uint64_t told = 0, index;
    EXPECT_EQ(0, pipe(ends));
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        (void)dup2(ends[1], CHILD_FD);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setenv("WEFT_TEST_STATE", directory, 1);
        (void)execl("/proc/self/exe", "test_state_disk", "state_disk.child", (char *)NULL);
        _exit(127);
    }
    EXPECT_TRUE(pid > 0);
    (void)close(ends[1]);
    while (told < until && read(ends[0], &index, sizeof(index)) == sizeof(index)) {
        told = index;
    }
    EXPECT_EQ(0, kill(pid, SIGKILL));
    while (read(ends[0], &index, sizeof(index)) == sizeof(index)) {
        told = index;
    }
    (void)close(ends[0]);
    int status;
    EXPECT_EQ(pid, waitpid(pid, &status, 0));
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return told;
}

TEST(state_disk, comes_back_whole_from_every_kill_and_goes_on_to_the_same_state)
{
    struct fixture straight, killed;
    int lost = 0, kept = 0;
    fixture_init(&killed, "killed");
    uint64_t reached = 0;
    while (reached < HISTORY) {
        uint64_t until = reached + 1 + test_random(200);
        uint64_t told = kill_at(killed.directory, until < HISTORY ? until : HISTORY);
        EXPECT_TRUE(told >= reached);
        fixture_open(&killed);
        uint64_t flushed = killed.index;
        EXPECT_TRUE(flushed <= told + 1);
        EXPECT_TRUE(flushed >= reached);
        EXPECT_EQ(flushed, weft_state_durable_index(killed.state));
        lost += flushed < told;
        kept += flushed > 0;
        if (test_random(3) == 0) {
            fixture_replay(&killed, flushed + (told > flushed ? told - flushed : 0), 50, false);
        }
        fixture_close(&killed);
        fixture_open(&killed);
        reached = killed.index;
        fixture_close(&killed);
        struct weft_state_check check = {.directory = killed.directory};
        enum weft_err err = weft_state_check(&check, &killed.msg);
        if (err != WEFT_OK) {
            (void)fprintf(stderr, "%s\n", killed.msg.text);
        }
        EXPECT_EQ(WEFT_OK, err);
        if (told == HISTORY) {
            break;
        }
    }
    EXPECT_TRUE(lost > 3);
    EXPECT_TRUE(kept > 3);
    fixture_open(&killed);
    fixture_replay(&killed, HISTORY, 10, false);
    fixture_init(&straight, "straight");
    fixture_open(&straight);
    fixture_replay(&straight, HISTORY, 10, false);
    struct weft_digest_result x = fixture_digest(&straight), y = fixture_digest(&killed);
    EXPECT_EQ(x.keys, y.keys);
    EXPECT_MEM(x.digest.bytes, y.digest.bytes, WEFT_DIGEST_SIZE);
    fixture_destroy(&straight);
    fixture_destroy(&killed);
}

TEST(state_disk, knows_what_is_durable)
{
    struct fixture f;
    fixture_init(&f, "state");
    f.options.memtable_bytes = 8 << 20;
    fixture_open(&f);
    EXPECT_EQ(0, weft_state_durable_index(f.state));
    fixture_replay(&f, 40, 10, false);
    EXPECT_EQ(0, weft_state_durable_index(f.state));
    EXPECT_EQ(WEFT_OK, weft_state_flush(f.state, &f.msg));
    EXPECT_EQ(40, weft_state_durable_index(f.state));
    fixture_replay(&f, 60, 10, false);
    EXPECT_EQ(40, weft_state_durable_index(f.state));
    fixture_close(&f); /* a clean end flushes */
    fixture_open(&f);
    EXPECT_EQ(60, f.index);
    EXPECT_EQ(60, weft_state_durable_index(f.state));
    fixture_destroy(&f);
}

/* --- checkpoints ----------------------------------------------------------------------------- */

struct checkpointer {
    struct weft_state *state;
    char directory[700];
    struct weft_msg msg;
    enum weft_err err;
};

static void *take_checkpoint(void *ctx)
{
    struct checkpointer *c = ctx;
    c->err = weft_state_checkpoint(c->state, c->directory, &c->msg);
    return NULL;
}

TEST(state_disk, gives_checkpoints_while_entries_are_applied)
{
    enum {
        CHECKPOINTS = 8,
        STEP = 60
    };
    struct fixture f;
    struct checkpointer checkpointers[CHECKPOINTS];
    fixture_init(&f, "state");
    fixture_open(&f);
    for (int i = 0; i < CHECKPOINTS; i++) {
        struct checkpointer *c = &checkpointers[i];
        pthread_t thread;
        fixture_replay(&f, f.index + STEP, 3, false);
        uint64_t before = f.index;
        c->state = f.state;
        (void)snprintf(c->directory, sizeof(c->directory), "%s/checkpoint%d", test_directory(), i);
        EXPECT_EQ(0, pthread_create(&thread, NULL, take_checkpoint, c));
        fixture_replay(&f, f.index + STEP, 1, false);
        EXPECT_EQ(0, pthread_join(thread, NULL));
        EXPECT_EQ(WEFT_OK, c->err);

        /* What it holds is the state of one index between. */
        struct fixture copy, straight;
        char name[32];
        (void)snprintf(name, sizeof(name), "checkpoint%d", i);
        fixture_init(&copy, name);
        copy.options.read_only = true;
        fixture_open(&copy);
        EXPECT_TRUE(copy.index >= before && copy.index <= f.index);
        if (i % 4 == 0) {
            (void)snprintf(name, sizeof(name), "straight%d", i);
            fixture_init(&straight, name);
            fixture_open(&straight);
            fixture_replay(&straight, copy.index, 20, false);
            struct weft_digest x = fixture_digest(&straight).digest;
            struct weft_digest y = fixture_digest(&copy).digest;
            EXPECT_MEM(x.bytes, y.bytes, WEFT_DIGEST_SIZE);
            fixture_destroy(&straight);
        }
        fixture_destroy(&copy);
    }
    EXPECT_EQ(WEFT_OK != checkpointers[0].err, false);
    EXPECT_TRUE(weft_state_checkpoint(f.state, checkpointers[0].directory, &f.msg) != WEFT_OK);
    fixture_destroy(&f);
}

/* --- damage ---------------------------------------------------------------------------------- */

/* Change a byte of the n-th file that ends so, in its middle. False: there is no such file. */
static bool damage_file(const char *directory, const char *suffix, char ret_name[256])
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    bool done = false;
    EXPECT_TRUE(dir != NULL);
    while (!done && (entry = readdir(dir)) != NULL) {
        char path[1024];
        struct stat st;
        const char *dot = strrchr(entry->d_name, '.');
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (dot == NULL || strcmp(dot, suffix) != 0 || stat(path, &st) != 0 || st.st_size < 200) {
            continue;
        }
        int fd = open(path, O_RDWR);
        uint8_t byte;
        EXPECT_EQ(1, pread(fd, &byte, 1, st.st_size / 3));
        byte ^= 0x10;
        EXPECT_EQ(1, pwrite(fd, &byte, 1, st.st_size / 3));
        (void)close(fd);
        (void)snprintf(ret_name, 256, "%s", entry->d_name);
        done = true;
    }
    (void)closedir(dir);
    return done;
}

TEST(state_disk, reports_where_a_file_is_damaged)
{
    static const char *const suffixes[] = {".sst", ".blob"};
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        char name[256], number[16];
        fixture_init(&f, i == 0 ? "state0" : "state1");
        fixture_open(&f);
        fixture_replay(&f, 200, 20, false);
        fixture_close(&f);
        EXPECT_TRUE(damage_file(f.directory, suffixes[i], name));
        struct weft_state_check check = {.directory = f.directory};
        EXPECT_EQ(WEFT_ECORRUPT, weft_state_check(&check, &f.msg));
        /* RocksDB names the file of a block; of a blob it does not, so record or leaf is named. */
        (void)snprintf(number, sizeof(number), "%.6s", name);
        const char *place = i == 0 ? number : "index ";
        if (strstr(f.msg.text, place) == NULL && strstr(f.msg.text, "record ") == NULL &&
            strstr(f.msg.text, "leaf ") == NULL) {
            (void)fprintf(stderr, "%s: %s\n", name, f.msg.text);
            EXPECT_TRUE(false);
        }
        fixture_destroy(&f);
    }
}

static void remove_files(const char *directory, const char *start)
{
    DIR *dir = opendir(directory);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char path[1024];
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        const char *dot = strrchr(entry->d_name, '.');
        if (strncmp(entry->d_name, start, strlen(start)) == 0 ||
            (dot != NULL && strcmp(dot, start) == 0)) {
            EXPECT_EQ(0, unlink(path));
        }
    }
    (void)closedir(dir);
}

TEST(state_disk, does_not_begin_anew_where_files_are_missing)
{
    static const char *const missing[] = {"CURRENT", "MANIFEST", ".sst", ".blob"};
    for (int i = 0; i < 4; i++) {
        struct fixture f;
        char name[16];
        (void)snprintf(name, sizeof(name), "state%d", i);
        fixture_init(&f, name);
        fixture_open(&f);
        fixture_replay(&f, 200, 20, false);
        fixture_close(&f);
        remove_files(f.directory, missing[i]);
        enum weft_err err = weft_state_open(&f.options, &f.state, &f.msg);
        if (err != WEFT_ECORRUPT) {
            (void)fprintf(stderr, "%s: %s\n", missing[i], f.msg.text);
        }
        EXPECT_EQ(WEFT_ECORRUPT, err);
        EXPECT_TRUE(strstr(f.msg.text, f.directory) != NULL);
        fixture_destroy(&f);
    }
}

/* --- the offline check ----------------------------------------------------------------------- */

static bool count_progress(void *ctx, uint64_t records, uint64_t total)
{
    int *calls = ctx;
    (*calls)++;
    EXPECT_TRUE(records <= total);
    return *calls != 5;
}

TEST(state_disk, checks_a_good_state_and_counts_it)
{
    struct fixture f;
    struct weft_state_position position;
    int calls = 5;
    fixture_init(&f, "state");
    fixture_open(&f);
    fixture_replay(&f, 400, 20, false);
    weft_state_position(f.state, &position);
    struct weft_digest_result digest = fixture_digest(&f);
    struct weft_state_check check = {
        .directory = f.directory, .on_progress = count_progress, .ctx = &calls};
    fixture_close(&f);
    EXPECT_EQ(WEFT_OK, weft_state_check(&check, &f.msg));
    EXPECT_EQ(digest.keys, check.keys);
    EXPECT_EQ(position.records, check.position.records);
    EXPECT_EQ(400, check.position.index);
    EXPECT_TRUE(check.links > 100 && check.requests > 1000 && calls > 50);
    calls = 0;
    EXPECT_EQ(WEFT_ECLOSED, weft_state_check(&check, &f.msg));
    fixture_open(&f);
    fixture_destroy(&f);
}

/* Each kind of key in turn: one forgotten, one changed. */
TEST(state_disk, finds_each_index_that_does_not_agree_with_the_records)
{
    static const char types[] = "CDEIKLMNPQRSTV";
    for (const char *type = types; *type != '\0'; type++) {
        for (int change = 0; change < 2; change++) {
            struct fixture f;
            char name[16];
            (void)snprintf(name, sizeof(name), "state%c%d", *type, change);
            fixture_init(&f, name);
            f.options.memtable_bytes = 1 << 20;
            fixture_open(&f);
            fixture_replay(&f, 60, 20, false);
            fixture_close(&f);

            struct weft_store *store;
            struct weft_msg msg;
            bool created;
            const struct weft_store_options options = {
                .directory = f.directory, .cache_bytes = 1 << 20, .memtable_bytes = 1 << 20};
            EXPECT_EQ(WEFT_OK, weft_store_open(&options, &store, &created, &msg));
            struct weft_store_walk *walk = weft_store_walk_create(store, NULL, false);
            struct weft_store_batch *batch = weft_store_batch_create();
            struct weft_key key = {.size = 1, .bytes = {(uint8_t)*type}};
            weft_store_walk_to(walk, &key);
            EXPECT_TRUE(weft_store_walk_is_below(walk, weft_key_bytes(&key)));
            struct weft_bytes at = weft_store_walk_key(walk);
            struct weft_bytes value = weft_store_walk_value(walk);
            memcpy(key.bytes, at.data, at.size);
            key.size = at.size;
            if (change == 0) {
                weft_store_batch_remove(batch, &key);
            } else {
                uint8_t copy[8192];
                EXPECT_TRUE(value.size <= sizeof(copy));
                memcpy(copy, value.data, value.size);
                copy[value.size - 1] ^= 1;
                weft_store_batch_put(batch, &key, copy, value.size);
            }
            weft_store_walk_destroy(walk);
            EXPECT_EQ(WEFT_OK, weft_store_write(store, batch, &msg));
            weft_store_batch_destroy(batch);
            weft_store_close(store);

            struct weft_state_check check = {.directory = f.directory};
            enum weft_err err = weft_state_check(&check, &msg);
            /* The configuration is opaque, the chain in the position cannot be made again, and
             * whose state it is only the operator knows; the rest must be found. */
            bool is_open = change == 1 && strchr("CPS", *type) != NULL;
            if (!is_open && err != WEFT_ECORRUPT) {
                (void)fprintf(stderr, "type %c, change %d\n", *type, change);
            }
            EXPECT_TRUE(is_open || err == WEFT_ECORRUPT);
            fixture_destroy(&f);
        }
    }
}

/* --- the disk says no ------------------------------------------------------------------------ */

static atomic_int complaints;

static void hear(bool is_error, const char *text)
{
    (void)is_error; /* RocksDB warns before it calls it an error. */
    atomic_fetch_add(&complaints, strstr(text, "File too large") != NULL);
}

TEST(state_disk, stops_when_the_disk_takes_no_more_and_rocksdb_is_heard)
{
    struct fixture f;
    struct rlimit before, small;
    char log[sizeof(f.directory) + 8];
    fixture_init(&f, "state");
    f.options.on_complaint = hear;
    atomic_store(&complaints, 0);
    f.options.memtable_bytes = 8 << 20;
    fixture_open(&f);
    fixture_replay(&f, 100, 20, false);
    EXPECT_EQ(0, getrlimit(RLIMIT_FSIZE, &before));
    (void)signal(SIGXFSZ, SIG_IGN);
    small = (struct rlimit){1024, before.rlim_max};
    EXPECT_EQ(0, setrlimit(RLIMIT_FSIZE, &small));
    enum weft_err flushed = weft_state_flush(f.state, &f.msg);
    EXPECT_EQ(0, setrlimit(RLIMIT_FSIZE, &before));
    EXPECT_EQ(WEFT_EIO, flushed);
    EXPECT_TRUE(atomic_load(&complaints) > 0);
    (void)snprintf(log, sizeof(log), "%s/LOG", f.directory);
    EXPECT_EQ(-1, access(log, F_OK));
    EXPECT_TRUE(strstr(f.msg.text, "flush") != NULL);
    EXPECT_TRUE(weft_state_durable_index(f.state) < 100);
    struct test_entry e = {.bytes = {.data = NULL}};
    struct weft_log_entry entry = fixture_history(&e, 101);
    EXPECT_EQ(WEFT_EIO,
        weft_state_apply(f.state, &entry, 1, false, &f.arena, &f.items, &f.item_count, &f.msg));
    EXPECT_EQ(WEFT_ESTATE,
        weft_state_apply(f.state, &entry, 1, false, &f.arena, &f.items, &f.item_count, &f.msg));
    test_entry_destroy(&e);
    fixture_close(&f);
    /* What was flushed is still there, and the log brings the rest. */
    fixture_open(&f);
    EXPECT_TRUE(f.index < 100);
    fixture_replay(&f, 100, 20, false);
    fixture_destroy(&f);
}

/* As a full disk does, at each place where an open writes: a limit is met by a write in parts and
 * by every write after it. An assertion inside RocksDB would end this process. */
TEST(state_disk, opens_or_says_why_not_however_little_room_there_is)
{
    static const rlim_t rooms[] = {0, 1, 40, 200, 1000, 2000, 4096, 6000, 10000, 20000, 1 << 20};
    unsigned opened = 0, refused = 0;
    struct rlimit before;
    EXPECT_EQ(0, getrlimit(RLIMIT_FSIZE, &before));
    (void)signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < 2 * sizeof(rooms) / sizeof(rooms[0]); i++) {
        char name[16];
        struct fixture f;
        (void)snprintf(name, sizeof(name), "room-%zu", i);
        fixture_init(&f, name);
        if (i % 2 == 1) { /* There is a state already. */
            fixture_open(&f);
            fixture_replay(&f, 50, 20, false);
            fixture_close(&f);
        }
        const struct rlimit room = {rooms[i / 2], before.rlim_max};
        EXPECT_EQ(0, setrlimit(RLIMIT_FSIZE, &room));
        enum weft_err err = weft_state_open(&f.options, &f.state, &f.msg);
        opened += err == WEFT_OK;
        refused += err != WEFT_OK;
        if (err == WEFT_OK) {
            (void)!weft_state_flush(f.state, &f.msg);
            fixture_close(&f);
        }
        EXPECT_EQ(0, setrlimit(RLIMIT_FSIZE, &before));
        EXPECT_TRUE(err == WEFT_OK || err == WEFT_EIO || err == WEFT_ENOSPC);
        fixture_destroy(&f);
    }
    EXPECT_TRUE(opened > 0 && refused > 0);
}
