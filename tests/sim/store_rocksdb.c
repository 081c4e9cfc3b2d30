/* Crashes of the product's store: what is on the disk now is set aside, since a close would flush
 * the rest, and put back. */
#include "tests/sim/store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/checkpoint/tree.h"
#include "node/state/store.h"

enum {
    PATH_SIZE = 1400
};

/* Whether RocksDB finds a block in memory depends on when its threads flushed and compacted, so
 * two runs of a seed would differ; reads from memory alone are store_memory.c's to play. */
const struct weft_store_snapshot *sim_snapshot_in_memory(
    const struct weft_store_snapshot *snapshot) __asm__("__wrap_weft_store_snapshot_in_memory");

const struct weft_store_snapshot *sim_snapshot_in_memory(const struct weft_store_snapshot *snapshot)
{
    return snapshot;
}

void sim_store_set_faults(const struct sim_store_faults *faults)
{
    (void)faults; /* RocksDB has none to plant. */
}

static void must(enum weft_err rv, const struct weft_msg *msg)
{
    if (rv != WEFT_OK) {
        (void)fprintf(stderr, "%s\n", msg->text);
        abort();
    }
}

static void aside_of(const char *directory, char ret_path[PATH_SIZE])
{
    (void)snprintf(ret_path, PATH_SIZE, "%s.aside", directory);
}

static bool is_immutable(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcmp(dot, ".sst") == 0 || strcmp(dot, ".blob") == 0);
}

void sim_store_crash(const char *directory)
{
    char aside[PATH_SIZE], from[PATH_SIZE + 300], to[PATH_SIZE + 300];
    struct weft_msg msg = {""};
    const struct dirent *entry;
    aside_of(directory, aside);
    must(weft_tree_remove(aside, &msg), &msg);
    must(weft_tree_make(aside, &msg), &msg);
    DIR *d = opendir(directory);
    if (d == NULL) {
        abort();
    }
    while ((entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strcmp(entry->d_name, "LOCK") == 0 || strncmp(entry->d_name, "LOG", 3) == 0) {
            continue;
        }
        (void)snprintf(from, sizeof(from), "%s/%s", directory, entry->d_name);
        (void)snprintf(to, sizeof(to), "%s/%s", aside, entry->d_name);
        enum weft_err rv = is_immutable(entry->d_name) ? weft_tree_link(from, to, &msg)
                                                       : weft_tree_copy(from, to, &msg);
        /* A table that a flush or compaction has just removed was not in force. */
        must(rv == WEFT_ENOTFOUND ? WEFT_OK : rv, &msg);
    }
    (void)closedir(d);
}

void sim_store_crashed(const char *directory)
{
    char aside[PATH_SIZE];
    struct weft_msg msg = {""};
    aside_of(directory, aside);
    must(weft_tree_remove(directory, &msg), &msg);
    must(weft_tree_rename(aside, directory, &msg), &msg);
}
