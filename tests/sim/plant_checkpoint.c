/* Checkpoints of a simulated node: taken, named, fetched and installed by the files of
 * node/checkpoint; the keeper's thread and the fetcher's pieces are left out. */
#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/checkpoint/install.h"
#include "node/checkpoint/state_source.h"
#include "node/checkpoint/tree.h"
#include "tests/sim/plant.h"

enum {
    KEPT = 2,
    PATH_SIZE = PLANT_PATH_SIZE + 320,
};

static void must(enum weft_err rv, const struct weft_msg *msg)
{
    if (rv != WEFT_OK) {
        (void)fprintf(stderr, "simulation: %s\n", msg->text);
        abort();
    }
}

static void place(const struct plant_node *pn, const char *name, char ret_path[PATH_SIZE])
{
    (void)snprintf(ret_path, PATH_SIZE, "%s/%s", pn->checkpoints, name);
}

/* The index of the `nth` newest one on the disk, from 0, and its name. 0: there is none. */
static uint64_t find(const struct plant_node *pn, uint32_t nth, char ret_name[64])
{
    uint64_t indexes[16];
    char names[16][64];
    uint32_t count = 0;
    const struct dirent *entry;
    DIR *d = opendir(pn->checkpoints);
    if (d == NULL) {
        abort();
    }
    while ((entry = readdir(d)) != NULL && count < 16) {
        uint64_t index;
        if (sim_kept_parse_name(entry->d_name, &index)) {
            uint32_t at = count++;
            for (; at > 0 && indexes[at - 1] < index; at--) {
                indexes[at] = indexes[at - 1];
                memcpy(names[at], names[at - 1], sizeof(names[0]));
            }
            indexes[at] = index;
            (void)snprintf(names[at], sizeof(names[0]), "%.60s", entry->d_name);
        }
    }
    (void)closedir(d);
    if (nth >= count) {
        return 0;
    }
    memcpy(ret_name, names[nth], sizeof(names[0]));
    return indexes[nth];
}

void plant_checkpoint_load(struct plant_node *pn)
{
    char name[64], path[PATH_SIZE];
    struct weft_msg msg = {""};
    sim_kept_destroy(pn->newest);
    pn->newest = NULL;
    while (find(pn, KEPT, name) != 0) {
        place(pn, name, path);
        must(weft_tree_remove(path, &msg), &msg);
    }
    if (find(pn, 0, name) != 0) {
        place(pn, name, path);
        must(sim_kept_load(path, &pn->newest, &msg), &msg);
        pn->node.checkpoints.newest_index = sim_kept_manifest(pn->newest)->index;
    }
}

void plant_checkpoint_forget(struct plant_node *pn)
{
    sim_kept_destroy(pn->taking);
    sim_kept_destroy(pn->newest);
    pn->taking = pn->newest = NULL;
}

void plant_checkpoint_take(struct plant_node *pn)
{
    struct sim *s = pn->sim->sim;
    struct weft_state_position position;
    char staging[PATH_SIZE];
    struct weft_msg msg = {""};
    weft_state_position(pn->node.state, &position);
    if (pn->taking != NULL ||
        position.index <= (pn->newest != NULL ? sim_kept_manifest(pn->newest)->index : 0)) {
        return;
    }
    struct weft_state_source source = {.state = pn->node.state,
        .options = {.site = pn->node.config.node.site,
            .org = pn->node.config.node.org,
            .cluster = SIM_CLUSTER,
            .cache_bytes = 1 << 20,
            .memtable_bytes = 1 << 20}};
    place(pn, ".taking", staging);
    const struct weft_keeper_source keeper = weft_state_source(&source);
    must(sim_kept_take(&keeper, staging, SIM_CLUSTER, pn->newest, &pn->taking, &msg), &msg);
    if (pn->taking == NULL) {
        return;
    }
    struct sim_event event = {.type = SIM_EVENT_TAKEN, .node = pn->sim->id, .life = pn->sim->life};
    sim_plan(s, &event, 1 + sim_random(s, 60));
}

void plant_checkpoint_taken(struct plant_node *pn)
{
    struct sim_node *n = pn->sim;
    char staging[PATH_SIZE], path[PATH_SIZE];
    struct weft_msg msg = {""};
    uint64_t index = sim_kept_manifest(pn->taking)->index,
             term = sim_kept_manifest(pn->taking)->term;
    place(pn, ".taking", staging);
    place(pn, sim_kept_name(pn->taking), path);
    if (!weft_tree_exists(path)) {
        must(weft_tree_rename(staging, path, &msg), &msg);
    }
    sim_kept_destroy(pn->taking);
    pn->taking = NULL;
    plant_checkpoint_load(pn);
    n->checkpoint_index = index;
    n->sim->counts[SIM_CHECKPOINT]++;
    sim_note(n->sim, "node %" PRIu64 " checkpoint %" PRIu64, n->id, index);
    enum weft_err rv = weft_replica_checkpointed(n->replica, index, term, n->sim->now_ms, &msg);
    sim_node_after(n, rv, &msg);
}

/* From its source's directory, as pieces over the bulk link would come. */
static bool fetch_files(
    struct plant_node *pn, const struct weft_manifest *manifest, const char *from, const char *to)
{
    char old[PATH_SIZE + 300], new[PATH_SIZE + 300];
    struct weft_msg msg = {""};
    (void)pn;
    for (uint32_t i = 0; i < manifest->file_count; i++) {
        struct weft_text name = manifest->files[i].name;
        (void)snprintf(old, sizeof(old), "%s/files/%.*s", from, (int)name.size, name.data);
        (void)snprintf(new, sizeof(new), "%s/files/%.*s", to, (int)name.size, name.data);
        if (weft_tree_copy(old, new, &msg) != WEFT_OK) {
            return false;
        }
    }
    return true;
}

static bool adopt(struct plant_node *pn, const struct weft_manifest *manifest, const char *from)
{
    char staging[PATH_SIZE], files[PATH_SIZE + 8], path[PATH_SIZE], name[64];
    struct weft_msg msg = {""};
    (void)snprintf(name, sizeof(name), "%.*s", (int)manifest->name.size, manifest->name.data);
    place(pn, name, path);
    if (weft_tree_exists(path)) {
        return true;
    }
    place(pn, ".fetching", staging);
    (void)snprintf(files, sizeof(files), "%s/files", staging);
    must(weft_tree_remove(staging, &msg), &msg);
    must(weft_tree_make(staging, &msg), &msg);
    must(weft_tree_make(files, &msg), &msg);
    if (!fetch_files(pn, manifest, from, staging)) {
        return false;
    }
    enum weft_err rv = weft_checkpoint_verify(files, manifest, NULL, &msg);
    if (rv != WEFT_OK) {
        sim_fail(pn->sim->sim, "node %" PRIu64 " fetched checkpoint %s: %s", pn->sim->id, name,
            msg.text);
        return false;
    }
    must(sim_kept_write_manifest(staging, pn->sim->offer.manifest, &msg), &msg);
    must(weft_tree_rename(staging, path, &msg), &msg);
    return true;
}

/* The one that is here now: its own of the same name was kept, whose files may be cut otherwise. */
static void install(struct plant_node *pn, const struct weft_manifest *offered)
{
    char name[64], path[PATH_SIZE];
    struct sim_kept *kept;
    struct weft_msg msg = {""};
    (void)snprintf(name, sizeof(name), "%.*s", (int)offered->name.size, offered->name.data);
    place(pn, name, path);
    must(sim_kept_load(path, &kept, &msg), &msg);
    must(weft_install_prepare(sim_kept_files(kept), sim_kept_manifest(kept), pn->node.datadir.state,
             sim_chance(pn->sim->sim, 500), NULL, &msg),
        &msg);
    sim_kept_destroy(kept);
}

bool plant_checkpoint_fetch(struct plant_node *pn)
{
    struct sim_node *n = pn->sim;
    struct sim *s = n->sim;
    const struct sim_node *source = &s->nodes[n->offer_from];
    struct weft_arena arena = {.size_max = 1 << 20};
    struct weft_manifest manifest;
    char from[PATH_SIZE];
    if (weft_manifest_decode(n->offer.manifest, &arena, &manifest) != WEFT_OK) {
        sim_fail(s, "node %" PRIu64 ": the manifest that it was offered is none", n->id);
        return false;
    }
    (void)snprintf(from, sizeof(from), "%s/%.*s", source->plant->checkpoints,
        (int)manifest.name.size, manifest.name.data);
    bool is_here = source->replica != NULL && !s->network.is_cut[n->id][source->id] &&
                   !s->network.is_cut[source->id][n->id] && weft_tree_exists(from) &&
                   adopt(pn, &manifest, from);
    if (is_here) {
        install(pn, &manifest);
        plant_checkpoint_load(pn);
    }
    weft_arena_destroy(&arena);
    return is_here;
}

enum weft_err plant_checkpoint_rebuild(struct plant_node *pn, struct weft_msg *msg)
{
    enum weft_err rv = weft_tree_remove(pn->node.datadir.state, msg);
    uint64_t base_index = pn->sim->log_start.base_index;
    if (pn->newest == NULL || sim_kept_manifest(pn->newest)->index < base_index) {
        return rv == WEFT_OK && base_index > 0
                   ? weft_fail(msg, WEFT_ECORRUPT,
                         "no checkpoint reaches the log, which begins at %" PRIu64, base_index + 1)
                   : rv;
    }
    if (rv == WEFT_OK) {
        rv = weft_install_prepare(sim_kept_files(pn->newest), sim_kept_manifest(pn->newest),
            pn->node.datadir.state, true, NULL, msg);
    }
    if (rv == WEFT_OK) {
        rv = weft_install_commit(pn->node.datadir.state, msg);
    }
    return rv == WEFT_OK ? weft_install_clean(pn->node.datadir.state, msg) : rv;
}
