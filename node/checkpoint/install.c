#include "node/checkpoint/install.h"

#include <stdio.h>
#include <string.h>

#include "node/checkpoint/keeper.h"
#include "node/checkpoint/record.h"
#include "node/checkpoint/tree.h"
#include "proto/check.h"
#include "raft/failpoint.h"

/* The places of a swap. What there is of them after a crash decides (README, NOD-204):
 *
 *     install marker   state.new   state   what the crash interrupted, and what recover does
 *     no               no          any     nothing (state.old is removed)
 *     no               yes         any     prepare, or a discard: state.new is removed
 *     yes              yes         yes     before the old one moved: both renames
 *     yes              yes         no      between the renames: the second one
 *     yes              no          yes     before the marker went: the marker
 *     yes              no          no      cannot be: WEFT_ECORRUPT */
struct places {
    char parent[WEFT_CHECKPOINT_PATH_SIZE];
    char state[WEFT_CHECKPOINT_PATH_SIZE];
    char fresh[WEFT_CHECKPOINT_PATH_SIZE];
    char old[WEFT_CHECKPOINT_PATH_SIZE];
    char marker[WEFT_CHECKPOINT_PATH_SIZE];
};

static enum weft_err find_places(
    const char *state_directory, struct places *ret_places, struct weft_msg *msg)
{
    size_t size = strlen(state_directory);
    if (size + sizeof(".install") > sizeof(ret_places->state)) {
        return weft_fail(msg, WEFT_ETOOBIG, "%s: path too long", state_directory);
    }
    const char *slash = strrchr(state_directory, '/');
    size_t parent_size = slash != NULL ? (size_t)(slash - state_directory) : 0;
    (void)snprintf(ret_places->parent, sizeof(ret_places->parent), "%.*s%s", (int)parent_size,
        state_directory,
        slash == NULL      ? "."
        : parent_size == 0 ? "/"
                           : "");
    (void)snprintf(ret_places->state, sizeof(ret_places->state), "%s", state_directory);
    (void)snprintf(ret_places->fresh, sizeof(ret_places->fresh), "%s.new", state_directory);
    (void)snprintf(ret_places->old, sizeof(ret_places->old), "%s.old", state_directory);
    (void)snprintf(ret_places->marker, sizeof(ret_places->marker), "%s.install", state_directory);
    return WEFT_OK;
}

static bool is_immutable(struct weft_text name)
{
    return (name.size > 4 && memcmp(name.data + name.size - 4, ".sst", 4) == 0) ||
           (name.size > 5 && memcmp(name.data + name.size - 5, ".blob", 5) == 0);
}

/* A link where the file never changes; where it cannot be linked, and for all else, a copy. */
static enum weft_err place_file(const char *files_directory, const char *fresh,
    const struct weft_checkpoint_file *file, struct weft_msg *msg)
{
    char from[WEFT_CHECKPOINT_PATH_SIZE], to[WEFT_CHECKPOINT_PATH_SIZE];
    enum weft_err rv = weft_record_join(files_directory, file->name, from, msg);
    if (rv == WEFT_OK) {
        rv = weft_record_join(fresh, file->name, to, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    if (is_immutable(file->name)) {
        rv = weft_tree_link(from, to, msg);
        if (rv == WEFT_OK || rv == WEFT_ENOSPC) {
            return rv;
        }
    }
    rv = weft_tree_copy(from, to, msg);
    return rv == WEFT_ENOTFOUND ? weft_fail(msg, WEFT_ECORRUPT, "%s: is missing", from) : rv;
}

static enum weft_err place_files(const char *files_directory, const struct weft_manifest *manifest,
    const struct places *p, const volatile bool *cancel, struct weft_msg *msg)
{
    enum weft_err rv = weft_tree_make(p->fresh, msg);
    for (uint32_t i = 0; rv == WEFT_OK && i < manifest->file_count; i++) {
        if (weft_tree_is_cancelled(cancel)) {
            rv = weft_fail(msg, WEFT_ECLOSED, "cancelled");
        } else {
            rv = place_file(files_directory, p->fresh, &manifest->files[i], msg);
        }
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_sync(p->fresh, msg);
    }
    return rv == WEFT_OK ? weft_tree_sync(p->parent, msg) : rv;
}

enum weft_err weft_install_prepare(const char *files_directory,
    const struct weft_manifest *manifest, const char *state_directory, bool verify,
    const volatile bool *cancel, struct weft_msg *msg)
{
    struct places p;
    struct weft_msg ignored;
    enum weft_err rv = find_places(state_directory, &p, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    weft_assert(!weft_tree_exists(p.marker)); /* NOD-204: recover comes first. */
    if (verify) {
        rv = weft_checkpoint_verify(files_directory, manifest, cancel, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_remove(p.fresh, msg);
    }
    if (rv == WEFT_OK) {
        rv = place_files(files_directory, manifest, &p, cancel, msg);
        if (rv != WEFT_OK) {
            (void)!weft_tree_remove(p.fresh, &ignored);
        }
    }
    return rv;
}

/* From the marker on; each step may have been done already. */
static enum weft_err swap(const struct places *p, struct weft_msg *msg)
{
    enum weft_err rv = WEFT_OK;
    if (weft_tree_exists(p->fresh)) {
        if (weft_tree_exists(p->state)) {
            rv = weft_tree_remove(p->old, msg);
            if (rv == WEFT_OK) {
                rv = weft_tree_rename(p->state, p->old, msg);
            }
        }
        if (rv == WEFT_OK) {
            weft_failpoint(WEFT_FAILPOINT_INSTALL_SWAP);
            rv = weft_tree_rename(p->fresh, p->state, msg);
        }
    }
    /* The new state's name is durable before the word that it is still to come goes. */
    if (rv == WEFT_OK) {
        rv = weft_tree_sync(p->parent, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_remove(p->marker, msg);
    }
    return rv == WEFT_OK ? weft_tree_sync(p->parent, msg) : rv;
}

enum weft_err weft_install_commit(const char *state_directory, struct weft_msg *msg)
{
    static const char text[] = "the state is being replaced by its .new\n";
    struct places p;
    enum weft_err rv = find_places(state_directory, &p, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (!weft_tree_exists(p.fresh)) {
        return weft_fail(msg, WEFT_ESTATE, "%s: nothing is prepared", p.fresh);
    }
    /* An old one left behind would make the rename below long, or fail: clean comes first. */
    rv = weft_tree_remove(p.old, msg);
    if (rv == WEFT_OK) {
        rv = weft_tree_write(p.marker, text, sizeof(text) - 1, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_sync(p.parent, msg);
    }
    return rv == WEFT_OK ? swap(&p, msg) : rv;
}

enum weft_err weft_install_clean(const char *state_directory, struct weft_msg *msg)
{
    struct places p;
    enum weft_err rv = find_places(state_directory, &p, msg);
    return rv == WEFT_OK ? weft_tree_remove(p.old, msg) : rv;
}

enum weft_err weft_install_discard(const char *state_directory, struct weft_msg *msg)
{
    struct places p;
    enum weft_err rv = find_places(state_directory, &p, msg);
    return rv == WEFT_OK ? weft_tree_remove(p.fresh, msg) : rv;
}

enum weft_err weft_install_recover(
    const char *state_directory, enum weft_install_outcome *ret_outcome, struct weft_msg *msg)
{
    struct places p;
    enum weft_install_outcome outcome = WEFT_INSTALL_NOTHING;
    enum weft_err rv = find_places(state_directory, &p, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    bool has_new = weft_tree_exists(p.fresh);
    if (weft_tree_exists(p.marker)) {
        if (!has_new && !weft_tree_exists(p.state)) {
            return weft_fail(msg, WEFT_ECORRUPT,
                "%s: says that a new state is in place, but there is none", p.marker);
        }
        outcome = WEFT_INSTALL_FINISHED;
        rv = swap(&p, msg);
    } else if (has_new) {
        outcome = WEFT_INSTALL_UNDONE;
        rv = weft_tree_remove(p.fresh, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_tree_remove(p.old, msg);
    }
    if (rv == WEFT_OK) {
        *ret_outcome = outcome;
    }
    return rv;
}
