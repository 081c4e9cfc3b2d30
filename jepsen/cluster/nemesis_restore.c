#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "jepsen/cluster/accord.h"
#include "jepsen/cluster/aim.h"
#include "jepsen/cluster/effect.h"
#include "jepsen/cluster/files.h"
#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/nemesis_table.h"
#include "jepsen/cluster/process.h"

/* A whole site is lost, and comes back from a backup that is some seconds old, as the runbook of
 * backups says: one node restores it, all get new keys for what they sign, the others join it
 * anew, and partners are told of the keys. What the site had acknowledged behind the backup is gone
 * by right, but for what its partners have: that they give back. Seen to have happened where the
 * site has applied less than it had.
 *
 * restore-apart: the same of several sites that have agreements, within one fault, each from a
 * backup of another time: what is behind the last of the backups nobody has any more. */

enum {
    COMMAND_MS = 15000,
    SERVE_MS = 20000,
    PATH_BYTES = JEP_PART_PATH_BYTES + 64,
    GAP_MS_MIN = 100, /* between two backups: some statements, and some heads */
    GAP_MS_MAX = 2000,
    NS_PER_MS = 1000000
};

/* One site of the fault. */
struct lost_site {
    unsigned cluster;
    int64_t at_ms; /* from the start on: the backup was not begun before */
    uint64_t before, after;
    char path[PATH_BYTES];
};

static struct {
    unsigned number; /* of the backups of a plant */
    unsigned count;  /* 0: there is no backup */
    struct lost_site sites[JEP_CLUSTERS_MAX];
} memory;

JEP_PLAN(plan_restore)
{
    struct jep_edn_list map = {0};
    jep_aim_nodes(&map, rng, shape, JEP_TARGET_ALL, arena, NULL);
    return jep_edn_take_map(&map, arena);
}

/* The first site has an agreement with each other one: it and one, or all, in the order of their
 * backups. */
JEP_PLAN(plan_apart)
{
    struct jep_edn sites[JEP_CLUSTERS_MAX];
    struct jep_edn_list map = {0};
    unsigned count = 1;
    bool are_all = jep_rng_chance(rng, 1, 2);
    unsigned one = 1 + (unsigned)jep_rng_below(rng, shape->clusters > 1 ? shape->clusters - 1 : 1);
    sites[0] = jep_edn_int(0);
    for (unsigned c = 1; c < shape->clusters; c++) {
        if (are_all || c == one) {
            sites[count++] = jep_edn_int(c);
        }
    }
    jep_rng_shuffle(rng, sites, count, sizeof(sites[0]));
    jep_edn_put(&map, "clusters", jep_edn_vector(arena, sites, count));
    jep_edn_put(&map, "gap-ms", jep_edn_int(jep_rng_between(rng, GAP_MS_MIN, GAP_MS_MAX)));
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

static bool back_up(
    struct jep_plant *plant, unsigned cluster, int64_t began_ns, struct jep_message *message)
{
    struct lost_site *site = &memory.sites[memory.count];
    int leader = jep_plant_leader(plant, cluster, 2000);
    *site = (struct lost_site){.cluster = cluster, .at_ms = (jep_now_ns() - began_ns) / NS_PER_MS};
    (void)snprintf(site->path, sizeof(site->path), "%.400s/backup-%u-%u", plant->out, cluster + 1,
        ++memory.number);
    const char *const backup[] = {"backup", site->path, "-q", NULL};
    if (leader < 0 || !jep_files_remove(site->path, message) ||
        !jep_part_weft(plant, (unsigned)leader, backup, COMMAND_MS, message)) {
        return false;
    }
    site->before = applied(plant, cluster);
    memory.count++;
    return true;
}

static unsigned nodes_of_all(const struct jep_plant *plant)
{
    unsigned nodes = 0;
    for (unsigned i = 0; i < memory.count; i++) {
        nodes |= nodes_of(plant, memory.sites[i].cluster);
    }
    return nodes;
}

JEP_ACT(start)
{
    struct jep_evidence e = {.arena = arena};
    const struct jep_edn *apart = jep_edn_get(plan, "clusters");
    const int64_t began_ns = jep_now_ns();
    const unsigned wanted = apart != NULL ? apart->count : 1;
    memory.count = 0;
    for (unsigned i = 0; i < wanted; i++) {
        unsigned cluster = apart != NULL ? (unsigned)apart->items[i].integer % JEP_CLUSTERS_MAX
                                         : jep_effect_cluster(plan);
        jep_sleep_ms(i > 0 ? (unsigned)jep_aim_int(plan, "gap-ms") : 0);
        if (!back_up(plant, cluster, began_ns, message)) {
            memory.count = 0;
            *ret_value = jep_effect_skipped(plant, arena, "there is no backup");
            return true;
        }
        jep_evidence_int(
            &e, jep_arena_format(arena, "applied-%u", cluster), (int64_t)memory.sites[i].before);
    }
    *ret_value = jep_effect_told(plant, nodes_of_all(plant), JEP_EFFECT_LATER, &e);
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
static bool restore(struct jep_plant *plant, const struct lost_site *site, unsigned first,
    struct jep_message *message)
{
    char option[PATH_BYTES + 16], signed_file[PATH_BYTES];
    (void)snprintf(option, sizeof(option), "--restore=%s", site->path);
    (void)snprintf(
        signed_file, sizeof(signed_file), "%s/audit/signed", plant->parts[first].info.data);
    for (unsigned i = 0; i < plant->count; i++) {
        if (is_of(plant, i, site->cluster) &&
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

static bool bring_back(struct jep_plant *plant, struct lost_site *site, struct jep_message *message)
{
    unsigned first = 0;
    while (!is_of(plant, first, site->cluster)) {
        first++;
    }
    if (!restore(plant, site, first, message)) {
        return false;
    }
    site->after = applied(plant, site->cluster);
    for (unsigned i = first + 1; i < plant->count; i++) {
        if (is_of(plant, i, site->cluster) &&
            (!jep_node_start(plant, i, message) || !jep_part_wait_serves(plant, i, SERVE_MS))) {
            return jep_failed(message, "%s does not join", plant->parts[i].name);
        }
    }
    return true;
}

/* :clusters tells the judge whose acknowledged commits may be gone, :backed-up-ms from when on,
 * from the start of the fault, :lost which heads were given up. */
static struct jep_edn told(
    const struct jep_plant *plant, struct jep_edn_list *lost, struct jep_arena *arena)
{
    struct jep_evidence e = {.arena = arena};
    struct jep_edn_list map = {0}, clusters = {0}, times = {0};
    bool are_behind = true;
    for (unsigned i = 0; i < memory.count; i++) {
        const struct lost_site *site = &memory.sites[i];
        jep_edn_push(&clusters, jep_edn_int(site->cluster));
        jep_edn_push(&times, jep_edn_int(site->at_ms));
        jep_evidence_int(
            &e, jep_arena_format(arena, "applied-before-%u", site->cluster), (int64_t)site->before);
        jep_evidence_int(
            &e, jep_arena_format(arena, "applied-after-%u", site->cluster), (int64_t)site->after);
        are_behind = are_behind && site->after < site->before;
    }
    struct jep_edn value = jep_effect_told(
        plant, nodes_of_all(plant), are_behind ? JEP_EFFECT_SEEN : JEP_EFFECT_NONE, &e);
    for (uint32_t i = 0; i < 2 * value.count; i++) {
        jep_edn_push(&map, value.items[i]);
    }
    jep_edn_put(&map, "clusters", jep_edn_take_vector(&clusters, arena));
    jep_edn_put(&map, "backed-up-ms", jep_edn_take_vector(&times, arena));
    jep_edn_put(&map, "lost", jep_edn_take_vector(lost, arena));
    return jep_edn_take_map(&map, arena);
}

/* All are down before the first comes back, and all are there before anybody is told of keys. */
JEP_ACT(stop)
{
    struct jep_evidence e = {.arena = arena};
    struct jep_edn_list lost = {0};
    bool is_good = true;
    (void)plan;
    if (memory.count == 0) {
        *ret_value = jep_effect_told(plant, 0, JEP_EFFECT_LATER, &e);
        return true;
    }
    for (unsigned i = 0; i < memory.count; i++) {
        memory.sites[i].before = applied(plant, memory.sites[i].cluster);
        plant->was_restored[memory.sites[i].cluster] = true;
    }
    jep_part_kill_all(plant, nodes_of_all(plant));
    for (unsigned i = 0; i < memory.count && is_good; i++) {
        is_good = bring_back(plant, &memory.sites[i], message);
    }
    for (unsigned i = 0; i < memory.count && is_good; i++) {
        is_good = jep_accords_rekey(plant, memory.sites[i].cluster, message);
    }
    is_good = is_good && jep_accords_lose(plant, arena, &lost, message);
    *ret_value = told(plant, &lost, arena);
    memory.count = 0;
    return is_good;
}

#define RESTORE(name, plan)                                                                        \
    {                                                                                              \
        name, "restore", JEP_CAN_SIGNAL, JEP_NEMESIS_SITES | JEP_NEMESIS_MAJORITY, plan, start,    \
            stop                                                                                   \
    }

const struct jep_nemesis jep_nemeses_restore[] = {
    RESTORE("restore", plan_restore),
    RESTORE("restore-apart", plan_apart),
    {.name = NULL},
};
