#include "node/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/checkpoint/install.h"
#include "node/checkpoint/keeper.h"
#include "node/checkpoint/tree.h"
#include "node/logger.h"
#include "node/node.h"
#include "node/wall.h"

enum {
    ASIDE_MAX = 100,
    ANEW_MAX = 3,                 /* Chosen: a disk that damages so much is to be looked at. */
    ANEW_WITHIN_S = 24 * 60 * 60, /* Chosen. */
};

/* One level down, so that both are limited, each by itself. An error that matters fails the next
 * write or flush; RocksDB warns of each checkpoint. */
static void on_complaint(bool is_error, const char *text)
{
    if (is_error) {
        weft_log(WEFT_LOG_WARN, "store_error", weft_kv("text", text),
            weft_kv("next", "the node stops if a write or flush fails"));
    } else {
        weft_log(WEFT_LOG_INFO, "store_warning", weft_kv("text", text));
    }
}

struct weft_state_options weft_rebuild_state_options(struct weft_node *node)
{
    return (struct weft_state_options){.directory = node->datadir.state,
        .site = node->config.node.site,
        .org = node->config.node.org,
        .cluster = node->datadir.identity.cluster,
        .cache_bytes = node->config.limits.cache_bytes,
        .memtable_bytes = node->config.limits.memtable_bytes,
        .lineage_bytes = node->config.limits.lineage_bytes,
        .on_complaint = on_complaint,
        .on_damage = {weft_damage_note, node}};
}

void weft_rebuild_watch_lineage(struct weft_node *node)
{
    struct weft_lineage_stats stats;
    weft_state_lineage(node->state, &stats);
    if (stats.is_given_up && !node->lineage_is_given_up) {
        weft_log(WEFT_LOG_WARN, "lineage_given_up", weft_kv("limit_bytes", stats.limit_bytes),
            weft_kv("nodes", stats.nodes), weft_kv("edges", stats.edges),
            weft_kv("next", "traces are read from the store until a restart with a higher "
                            "limits.lineage_bytes"));
    }
    node->lineage_is_given_up = stats.is_given_up;
}

static void log_lineage(struct weft_node *node)
{
    struct weft_lineage_stats stats;
    weft_state_lineage(node->state, &stats);
    weft_log(WEFT_LOG_INFO, "lineage_loaded", weft_kv("nodes", stats.nodes),
        weft_kv("edges", stats.edges), weft_kv("bytes", stats.used_bytes));
    weft_rebuild_watch_lineage(node);
}

static void mark_path(const struct weft_datadir *datadir, char *ret_path, size_t size)
{
    (void)snprintf(ret_path, size, "%s/rebuild-state", datadir->path);
}

void weft_rebuild_mark(const struct weft_datadir *datadir)
{
    char path[WEFT_DATADIR_PATH_SIZE];
    mark_path(datadir, path, sizeof(path));
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

static bool is_marked(const struct weft_datadir *datadir)
{
    char path[WEFT_DATADIR_PATH_SIZE];
    struct stat st;
    mark_path(datadir, path, sizeof(path));
    return stat(path, &st) == 0;
}

static void unmark(const struct weft_datadir *datadir)
{
    char path[WEFT_DATADIR_PATH_SIZE];
    mark_path(datadir, path, sizeof(path));
    (void)unlink(path);
}

/* When it was set aside is the time of a directory's last change. */
static bool is_of_late(const struct stat *st)
{
    return st->st_mtime + ANEW_WITHIN_S > weft_wall_ns() / 1000000000;
}

/* NOD-22: what is met again and again is not mended by making the state anew. */
static enum weft_err check_aside(const struct weft_datadir *datadir, struct weft_msg *msg)
{
    char aside[WEFT_DATADIR_PATH_SIZE + 16];
    struct stat st;
    int count = 0;
    for (int i = 1; i < ASIDE_MAX; i++) {
        (void)snprintf(aside, sizeof(aside), "%s.damaged-%d", datadir->state, i);
        count += stat(aside, &st) == 0 && is_of_late(&st);
    }
    return count < ANEW_MAX
               ? WEFT_OK
               : weft_fail(msg, WEFT_ESTATE,
                     "%s was set aside and made anew %d times within a day, and is damaged again: "
                     "look at the disk (ops/runbooks/corrupted-log.md), remove %s.damaged-*, then "
                     "start again",
                     datadir->state, count, datadir->state);
}

/* The damaged state is evidence: it is renamed, never removed. */
static enum weft_err set_aside(const struct weft_datadir *datadir, struct weft_msg *msg)
{
    char aside[WEFT_DATADIR_PATH_SIZE + 16];
    struct stat st;
    if (stat(datadir->state, &st) != 0) {
        return WEFT_OK;
    }
    enum weft_err rv = check_aside(datadir, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    for (int i = 1; i < ASIDE_MAX; i++) {
        (void)snprintf(aside, sizeof(aside), "%s.damaged-%d", datadir->state, i);
        if (stat(aside, &st) == 0) {
            continue;
        }
        if (rename(datadir->state, aside) != 0) {
            return weft_fail(msg, WEFT_EIO, "rename %s: %s", datadir->state, strerror(errno));
        }
        (void)utimensat(AT_FDCWD, aside, NULL, 0);
        weft_log(WEFT_LOG_WARN, "state_set_aside", weft_kv("directory", (const char *)aside),
            weft_kv("next", "remove it once it has been looked at"));
        return WEFT_OK;
    }
    return weft_fail(msg, WEFT_ESTATE, "%d damaged states beside %s: remove them", ASIDE_MAX - 1,
        datadir->state);
}

/* NOD-9. The state directory is gone or set aside. */
static enum weft_err rebuild(struct weft_node *node, struct weft_msg *msg)
{
    struct weft_state_options options = weft_rebuild_state_options(node);
    uint64_t base_index = node->log_start.base_index;
    struct weft_keeper_checkpoint newest;
    enum weft_err rv = weft_keeper_newest(weft_checkpoints_keeper(&node->checkpoints), &newest);
    bool is_usable = rv == WEFT_OK && newest.manifest->index >= base_index;
    if (!is_usable && base_index > 0) {
        return weft_fail(msg, WEFT_ECORRUPT,
            "the state is lost, and the raft log starts at %llu with no checkpoint that reaches "
            "it: empty the data directory and start with --join",
            (unsigned long long)base_index + 1);
    }
    if (is_usable) {
        const bool never = false;
        weft_log(WEFT_LOG_WARN, "state_rebuild", weft_kv("checkpoint", newest.manifest->index),
            weft_kv("log_to", node->log_start.last_index));
        rv = weft_install_prepare(
            newest.directory, newest.manifest, options.directory, true, &never, msg);
        if (rv == WEFT_OK) {
            rv = weft_install_commit(options.directory, msg);
        }
        if (rv == WEFT_OK) {
            rv = weft_install_clean(options.directory, msg);
        }
        if (rv != WEFT_OK) {
            return weft_wrap(msg, rv, "rebuild the state from checkpoint %llu",
                (unsigned long long)newest.manifest->index);
        }
    } else if (node->log_start.last_index > 0) {
        weft_log(WEFT_LOG_WARN, "state_rebuild", weft_kv("checkpoint", 0),
            weft_kv("log_to", node->log_start.last_index));
    }
    rv = weft_state_open(&options, &node->state, msg);
    if (rv == WEFT_OK) {
        log_lineage(node);
        unmark(&node->datadir);
    }
    return rv == WEFT_OK ? rv : weft_wrap(msg, rv, "rebuilt state");
}

enum weft_err weft_rebuild_open_state(struct weft_node *node, struct weft_msg *msg)
{
    struct weft_state_options options = weft_rebuild_state_options(node);
    enum weft_install_outcome outcome;
    struct weft_state_position position = {.index = UINT64_MAX};
    enum weft_err rv = weft_install_recover(options.directory, &outcome, msg);
    if (rv == WEFT_OK && !is_marked(&node->datadir)) {
        rv = weft_state_open(&options, &node->state, msg);
    } else if (rv == WEFT_OK) {
        rv = weft_fail(msg, WEFT_ECORRUPT, "it failed in the last run");
    }
    if (rv == WEFT_OK) {
        weft_state_position(node->state, &position);
        if (position.index >= node->log_start.base_index) {
            log_lineage(node);
            return WEFT_OK;
        }
        weft_state_close(node->state);
        node->state = NULL;
        rv = weft_fail(msg, WEFT_ECORRUPT, "it ends at %llu, before the log starts",
            (unsigned long long)position.index);
    }
    if (rv != WEFT_ECORRUPT) {
        return weft_wrap(msg, rv, "state");
    }
    weft_log(WEFT_LOG_WARN, "state_damaged", weft_kv("error", (const char *)msg->text));
    if (position.index == 0) { /* It was gone: what was made in its place is no evidence. */
        rv = weft_tree_remove(node->datadir.state, msg);
    } else {
        rv = set_aside(&node->datadir, msg);
    }
    return rv == WEFT_OK ? rebuild(node, msg) : rv;
}
