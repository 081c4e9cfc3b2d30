#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jepsen/cluster/accord.h"
#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/files.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/nemesis_table.h"

/* A whole site is lost, and comes back from a backup that is some seconds old, as the runbook of
 * backups says: one node restores it, all get new keys for what they sign, the others join it
 * anew, and partners are told of the keys. What the site had acknowledged behind the backup is gone
 * by right, but for what its partners have: that they give back. Seen to have happened where the
 * site has applied less than it had. */

enum {
    COMMAND_MS = 15000,
    SERVE_MS = 20000,
    PATH_BYTES = JEP_PART_PATH_BYTES + 64
};

static struct {
    bool has_backup;
    unsigned cluster, number; /* of the backups of a plant */
    char path[PATH_BYTES];
} memory;

JEP_PLAN(plan_restore)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_ALL, arena, NULL);
    return jep_edn_take_map(&map, arena);
}

static bool is_of(const struct jep_plant *plant, unsigned node, unsigned cluster)
{
    return plant->parts[node].info.cluster == cluster && !plant->parts[node].info.is_spare;
}

static unsigned nodes_of(const struct jep_plant *plant, unsigned cluster)
{
    unsigned nodes = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        nodes |= is_of(plant, i, cluster) ? 1u << i : 0;
    }
    return nodes;
}

/* Highest index that a node of the cluster has applied. */
static uint64_t applied(const struct jep_plant *plant, unsigned cluster)
{
    struct jep_node_status s[JEP_NODES_MAX];
    bool is_known[JEP_NODES_MAX];
    uint64_t most = 0;
    (void)jep_plant_statuses(plant, cluster, 2000, s, is_known);
    for (unsigned i = 0; i < plant->count; i++) {
        most = is_known[i] && s[i].applied_index > most ? s[i].applied_index : most;
    }
    return most;
}

JEP_ACT(start)
{
    struct jep_evidence e = {.arena = arena};
    const unsigned cluster = jep_effect_cluster(plan);
    int leader = jep_plant_leader(plant, cluster, 2000);
    (void)snprintf(memory.path, sizeof(memory.path), "%.400s/backup-%u-%u", plant->out, cluster + 1,
        ++memory.number);
    const char *const backup[] = {"backup", memory.path, "-q", NULL};
    memory.cluster = cluster;
    memory.has_backup = jep_files_remove(memory.path, message) && leader >= 0 &&
                        jep_part_weft(plant, (unsigned)leader, backup, COMMAND_MS, message);
    if (!memory.has_backup) {
        *ret_value = jep_effect_skipped(plant, arena, "there is no backup");
        return true;
    }
    jep_evidence_int(&e, "applied", (int64_t)applied(plant, cluster));
    *ret_value = jep_effect_told(plant, nodes_of(plant, cluster), JEP_EFFECT_LATER, &e);
    return true;
}

static bool renew_key(struct jep_plant *plant, unsigned node, struct jep_message *message)
{
    static const char *const files[] = {"log.key", "log.vkey"};
    char path[PATH_BYTES];
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s/tls/%s", plant->parts[node].home, files[i]);
        (void)unlink(path);
    }
    return jep_layout_keys(&plant->options, &plant->parts[node].info, message);
}

/* The first node has the backup's state, and no others are there. */
static bool restore(struct jep_plant *plant, unsigned first, struct jep_message *message)
{
    char option[PATH_BYTES + 16], signed_file[PATH_BYTES];
    (void)snprintf(option, sizeof(option), "--restore=%s", memory.path);
    (void)snprintf(
        signed_file, sizeof(signed_file), "%s/audit/signed", plant->parts[first].info.data);
    for (unsigned i = 0; i < plant->count; i++) {
        if (is_of(plant, i, memory.cluster) &&
            (!jep_node_wipe(plant, i, message) || !renew_key(plant, i, message))) {
            return false;
        }
    }
    if (!jep_part_run(plant, first, option, COMMAND_MS, message)) {
        return false;
    }
    (void)unlink(signed_file);
    return jep_node_start(plant, first, message) &&
           (jep_part_wait_serves(plant, first, SERVE_MS) ||
               jep_failed(message, "%s does not serve what it restored", plant->parts[first].name));
}

static bool join_others(struct jep_plant *plant, unsigned first, struct jep_message *message)
{
    for (unsigned i = 0; i < plant->count; i++) {
        if (i != first && is_of(plant, i, memory.cluster) &&
            (!jep_node_start(plant, i, message) || !jep_part_wait_serves(plant, i, SERVE_MS))) {
            return jep_failed(message, "%s does not join", plant->parts[i].name);
        }
    }
    return true;
}

/* :cluster tells the judge whose acknowledged commits may be gone. */
static struct jep_edn told(
    const struct jep_plant *plant, uint64_t before, uint64_t after, struct jep_arena *arena)
{
    struct jep_evidence e = {.arena = arena};
    struct jep_edn_list map = {0};
    jep_evidence_int(&e, "applied-before", (int64_t)before);
    jep_evidence_int(&e, "applied-after", (int64_t)after);
    struct jep_edn value = jep_effect_told(plant, nodes_of(plant, memory.cluster),
        after < before ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    for (uint32_t i = 0; i < 2 * value.count; i++) {
        jep_edn_push(&map, value.items[i]);
    }
    jep_edn_put(&map, "cluster", jep_edn_int(memory.cluster));
    return jep_edn_take_map(&map, arena);
}

JEP_ACT(stop)
{
    struct jep_evidence e = {.arena = arena};
    unsigned first = 0;
    (void)plan;
    if (!memory.has_backup) {
        *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
        return true;
    }
    while (!is_of(plant, first, memory.cluster)) {
        first++;
    }
    uint64_t before = applied(plant, memory.cluster);
    plant->was_restored[memory.cluster] = true;
    jep_part_kill_all(plant, nodes_of(plant, memory.cluster));
    if (!restore(plant, first, message)) {
        return false;
    }
    uint64_t after = applied(plant, memory.cluster);
    if (!join_others(plant, first, message) || !jep_accords_rekey(plant, memory.cluster, message)) {
        return false;
    }
    *ret_value = told(plant, before, after, arena);
    memory.has_backup = false;
    return true;
}

const struct jep_nemesis jep_nemeses_restore[] = {
    {"restore", "restore", JEP_CAN_SIGNAL, JEP_NEMESIS_SITES | JEP_NEMESIS_MAJORITY, plan_restore,
        start, stop},
    {.name = NULL},
};
