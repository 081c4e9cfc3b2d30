#include "node/checkpoint/install.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/checkpoint/tree.h"
#include "tests/lib/test.h"
#include "tests/unit/node/checkpoint/fixture.h"

/* A checkpoint of a store with two tables, and a state directory of another content. */
struct scene {
    char checkpoints[600];
    char parent[600];
    char state[700];
    struct weft_keeper *keeper;
    struct weft_keeper_checkpoint c;
};

static const char *beside(const struct scene *s, const char *suffix)
{
    static char paths[4][900];
    static int next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s%s", s->state, suffix);
    return path;
}

static void open_keeper(struct scene *s)
{
    s->keeper = fixture_keeper(s->checkpoints, 2, NULL);
}

static void set(struct scene *s, const char *name)
{
    struct fixture_store store;
    char text[64];
    (void)snprintf(text, sizeof(text), "%s-checkpoints", name);
    (void)snprintf(s->checkpoints, sizeof(s->checkpoints), "%s", fixture_path(text));
    open_keeper(s);
    (void)snprintf(text, sizeof(text), "%s-store", name);
    fixture_store_init(&store, text);
    fixture_store_grow(&store, 3000);
    fixture_store_grow(&store, 100);
    EXPECT_EQ(WEFT_OK, fixture_take(s->keeper, &store).err);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(s->keeper, &s->c));
    (void)snprintf(s->parent, sizeof(s->parent), "%s", fixture_path(name));
    (void)snprintf(s->state, sizeof(s->state), "%s/state", s->parent);
    EXPECT_EQ(0, mkdir(s->state, 0700));
    fixture_put(beside(s, "/old"), "old", 3);
}

/* 'o': the old state, whole; 'n': the new one, whole; otherwise neither. */
static char what_is(const struct scene *s)
{
    struct weft_msg msg;
    if (weft_tree_exists(beside(s, "/old"))) {
        return fixture_count(s->state) == 1 ? 'o' : '?';
    }
    return fixture_count(s->state) == 3 &&
                   weft_checkpoint_verify(s->state, s->c.manifest, NULL, &msg) == WEFT_OK
               ? 'n'
               : '?';
}

static enum weft_err install(const struct scene *s, struct weft_msg *msg)
{
    enum weft_err rv =
        weft_install_prepare(s->c.directory, s->c.manifest, s->state, true, NULL, msg);
    if (rv == WEFT_OK) {
        rv = weft_install_commit(s->state, msg);
    }
    return rv == WEFT_OK ? weft_install_clean(s->state, msg) : rv;
}

TEST(install, the_checkpoint_becomes_the_state_and_nothing_else_is_left)
{
    struct scene s;
    struct weft_msg msg;
    enum weft_install_outcome outcome;
    struct stat a, b;
    set(&s, "data");
    EXPECT_EQ(WEFT_OK, install(&s, &msg));
    EXPECT_EQ('n', what_is(&s));
    EXPECT_EQ(1, fixture_count(s.parent));
    EXPECT_EQ(WEFT_OK, weft_install_recover(s.state, &outcome, &msg));
    EXPECT_EQ(WEFT_INSTALL_NOTHING, outcome);
    /* Tables are shared with the checkpoint, the rest is the state's own. */
    char path[1400];
    (void)snprintf(path, sizeof(path), "%s/0001.sst", s.c.directory);
    EXPECT_EQ(0, stat(path, &a));
    EXPECT_EQ(0, stat(beside(&s, "/0001.sst"), &b));
    EXPECT_EQ(a.st_ino, b.st_ino);
    (void)snprintf(path, sizeof(path), "%s/CURRENT", s.c.directory);
    EXPECT_EQ(0, stat(path, &a));
    EXPECT_EQ(0, stat(beside(&s, "/CURRENT"), &b));
    EXPECT_TRUE(a.st_ino != b.st_ino);
    weft_keeper_close(s.keeper);
}

TEST(install, a_lost_state_is_rebuilt_where_there_was_none)
{
    struct scene s;
    struct weft_msg msg;
    set(&s, "data");
    EXPECT_EQ(WEFT_OK, weft_tree_remove(s.state, &msg));
    EXPECT_EQ(WEFT_OK, install(&s, &msg));
    EXPECT_EQ('n', what_is(&s));
    weft_keeper_close(s.keeper);
}

TEST(install, a_damaged_checkpoint_never_replaces_the_state)
{
    struct scene s;
    struct weft_msg msg;
    char path[1400];
    set(&s, "data");
    (void)snprintf(path, sizeof(path), "%s/CURRENT", s.c.directory);
    fixture_put(path, "9", 1);
    EXPECT_EQ(WEFT_ECORRUPT, install(&s, &msg));
    EXPECT_TRUE(strstr(msg.text, "CURRENT: is not what the manifest says") != NULL);
    EXPECT_EQ(0, unlink(path));
    EXPECT_EQ(WEFT_ECORRUPT,
        weft_install_prepare(s.c.directory, s.c.manifest, s.state, false, NULL, &msg));
    EXPECT_EQ('o', what_is(&s));
    EXPECT_EQ(1, fixture_count(s.parent));
    weft_keeper_close(s.keeper);
}

TEST(install, what_was_prepared_can_be_cancelled_discarded_and_is_needed_to_commit)
{
    struct scene s;
    struct weft_msg msg;
    const bool yes = true;
    set(&s, "data");
    EXPECT_EQ(WEFT_ESTATE, weft_install_commit(s.state, &msg));
    EXPECT_EQ(WEFT_ECLOSED,
        weft_install_prepare(s.c.directory, s.c.manifest, s.state, false, &yes, &msg));
    EXPECT_EQ(WEFT_ESTATE, weft_install_commit(s.state, &msg));
    EXPECT_EQ(
        WEFT_OK, weft_install_prepare(s.c.directory, s.c.manifest, s.state, false, NULL, &msg));
    EXPECT_EQ(WEFT_OK, weft_install_discard(s.state, &msg));
    EXPECT_EQ(WEFT_ESTATE, weft_install_commit(s.state, &msg));
    EXPECT_EQ('o', what_is(&s));
    EXPECT_EQ(1, fixture_count(s.parent));
    weft_keeper_close(s.keeper);
}

TEST(install, a_marker_without_any_state_is_refused)
{
    struct scene s;
    struct weft_msg msg;
    enum weft_install_outcome outcome;
    set(&s, "data");
    EXPECT_EQ(WEFT_OK, weft_tree_remove(s.state, &msg));
    fixture_put(beside(&s, ".install"), "x", 1);
    EXPECT_EQ(WEFT_ECORRUPT, weft_install_recover(s.state, &outcome, &msg));
    EXPECT_TRUE(strstr(msg.text, "state.install") != NULL);
    weft_keeper_close(s.keeper);
}

/* ---- Kill points ---- */

static int changes_left;
static bool has_marker;

static void count_down(const char *operation, const char *path)
{
    (void)operation, (void)path;
    if (--changes_left == 0) {
        _exit(9);
    }
}

/* Install, or recover, in a child that is killed before its n-th change of the disk. True if it
 * was. Nobody forks beside the keeper's thread: the child would inherit what that holds. */
static bool run_killed(struct scene *s, int n, bool recover)
{
    int status;
    weft_keeper_close(s->keeper);
    pid_t child = fork();
    if (child == 0) {
        struct weft_msg msg;
        enum weft_install_outcome outcome;
        open_keeper(s);
        if (weft_keeper_newest(s->keeper, &s->c) != WEFT_OK) {
            _exit(1);
        }
        changes_left = n;
        weft_tree_on_change = count_down;
        enum weft_err rv =
            recover ? weft_install_recover(s->state, &outcome, &msg) : install(s, &msg);
        _exit(rv == WEFT_OK ? 0 : 1);
    }
    EXPECT_EQ(child, waitpid(child, &status, 0));
    EXPECT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == 9 || WEXITSTATUS(status) == 0));
    open_keeper(s);
    EXPECT_EQ(WEFT_OK, weft_keeper_newest(s->keeper, &s->c));
    return WEXITSTATUS(status) == 9;
}

/* And killed again at any point of the recovery, as often as there are points. */
TEST(install, killed_at_any_point_the_state_is_the_old_or_the_new_one_whole)
{
    unsigned outcomes[3] = {0}, twice = 0;
    bool is_killed = true;
    for (int n = 1; is_killed; n++) {
        bool is_killed_again = true;
        for (int k = 1; is_killed_again; k++) {
            struct scene s;
            struct weft_msg msg;
            char name[32];
            enum weft_install_outcome outcome;
            (void)snprintf(name, sizeof(name), "data%d-%d", n, k);
            set(&s, name);
            is_killed = run_killed(&s, n, false);
            has_marker = weft_tree_exists(beside(&s, ".install"));
            is_killed_again = run_killed(&s, k, true);
            EXPECT_EQ(WEFT_OK, weft_install_recover(s.state, &outcome, &msg));
            char state = what_is(&s);
            EXPECT_TRUE(state == 'o' || state == 'n');
            EXPECT_TRUE(is_killed || state == 'n');
            EXPECT_TRUE(!has_marker || state == 'n');
            EXPECT_EQ(1, fixture_count(s.parent));
            outcomes[outcome]++;
            twice += is_killed_again;
            weft_keeper_close(s.keeper);
            EXPECT_EQ(WEFT_OK, weft_tree_remove(s.parent, &msg));
        }
    }
    EXPECT_TRUE(outcomes[WEFT_INSTALL_NOTHING] > 0 && outcomes[WEFT_INSTALL_FINISHED] > 3 &&
                outcomes[WEFT_INSTALL_UNDONE] > 3 && twice > 20);
}

/* NOD-204: no name is relied upon before the directory that holds it was synced. */
static char journal[4096];

static void note(const char *operation, const char *path)
{
    const char *name = strrchr(path, '/');
    size_t used = strlen(journal);
    (void)snprintf(journal + used, sizeof(journal) - used, "%s %s\n", operation,
        name != NULL ? name + 1 : path);
}

TEST(install, the_order_of_commits_operations_is_the_one_that_survives_a_power_cut)
{
    struct scene s;
    struct weft_msg msg;
    set(&s, "data");
    EXPECT_EQ(
        WEFT_OK, weft_install_prepare(s.c.directory, s.c.manifest, s.state, false, NULL, &msg));
    weft_tree_on_change = note;
    EXPECT_EQ(WEFT_OK, weft_install_commit(s.state, &msg));
    weft_tree_on_change = NULL;
    EXPECT_TEXT("write state.install\n" /* Synced by itself. */
                "sync data\n"
                "rename state\n"
                "rename state.new\n"
                "sync data\n"
                "remove state.install\n"
                "sync data\n",
        journal);
    weft_keeper_close(s.keeper);
}
