#include <string.h>

#include "jepsen/cluster/group.h"
#include "jepsen/cluster/limits.h"
#include "jepsen/cluster/parts.h"
#include "jepsen/cluster/process.h"

/* A plant becomes whole: the first time, and after faults. */

enum {
    LOOK_MS = 20,
    STATUS_MS = 2000
};

/* --- waiting ----------------------------------------------------------------------------- */

bool jep_part_wait(bool (*is_true)(void *ctx), void *ctx, unsigned timeout_ms)
{
    int64_t deadline = jep_now_ns() + (int64_t)timeout_ms * 1000000;
    while (!is_true(ctx)) {
        if (jep_now_ns() > deadline) {
            return false;
        }
        jep_sleep_ms(LOOK_MS);
    }
    return true;
}

struct one {
    struct jep_plant *plant;
    unsigned node;
};

static bool serves(void *ctx)
{
    const struct one *one = ctx;
    struct jep_node_status status;
    return jep_node_status(one->plant, one->node, STATUS_MS, &status) &&
           strcmp(status.role, "voter") == 0 && status.leader_id != 0;
}

bool jep_part_wait_serves(struct jep_plant *plant, unsigned node, unsigned timeout_ms)
{
    struct one one = {plant, node};
    return jep_part_wait(serves, &one, timeout_ms);
}

struct whole {
    struct jep_plant *plant;
    struct jep_message why; /* it is not whole yet */
};

static bool cluster_is_whole(struct whole *w, unsigned cluster)
{
    struct jep_node_status s[JEP_NODES_MAX];
    bool is_known[JEP_NODES_MAX];
    unsigned members = 0;
    uint64_t leader = 0;
    (void)jep_plant_statuses(w->plant, cluster, STATUS_MS, s, is_known);
    for (unsigned i = 0; i < w->plant->count; i++) {
        members += w->plant->parts[i].info.cluster == cluster && jep_node_is_member(w->plant, i);
    }
    for (unsigned i = 0; i < w->plant->count; i++) {
        const struct jep_part *p = &w->plant->parts[i];
        if (p->info.cluster != cluster || !jep_node_is_member(w->plant, i)) {
            continue;
        }
        leader = leader == 0 && is_known[i] ? s[i].leader_id : leader;
        if (!is_known[i]) {
            return jep_failed(&w->why, "%s does not answer", p->name);
        }
        if (strcmp(s[i].role, "voter") != 0 || s[i].voters != members || s[i].leader_id == 0 ||
            s[i].leader_id != leader) {
            return jep_failed(&w->why, "%s is %s (%s) in term %llu, sees %u voters, leader %llx",
                p->name, s[i].state, s[i].role, (unsigned long long)s[i].term, s[i].voters,
                (unsigned long long)s[i].leader_id);
        }
    }
    return true;
}

static bool is_whole(void *ctx)
{
    struct whole *w = ctx;
    for (unsigned c = 0; c < w->plant->options.clusters; c++) {
        if (!cluster_is_whole(w, c)) {
            return false;
        }
    }
    return true;
}

bool jep_plant_wait_whole(struct jep_plant *plant, unsigned timeout_ms, struct jep_message *message)
{
    struct whole w = {.plant = plant};
    if (!jep_part_wait(is_whole, &w, timeout_ms)) {
        return jep_failed(message, "not whole within %u ms: %s", timeout_ms, w.why.text);
    }
    for (unsigned c = 0; c < plant->options.clusters; c++) {
        plant->disk_lost[c] = -1; /* whoever gave up waiting for its node: here it is */
    }
    return true;
}

bool jep_plant_start(struct jep_plant *plant, unsigned timeout_ms, struct jep_message *message)
{
    int64_t begin = jep_now_ns();
    for (unsigned i = 0; i < plant->count; i++) {
        if (plant->parts[i].is_first && !jep_node_start(plant, i, message)) {
            return false;
        }
    }
    for (unsigned i = 0; i < plant->count; i++) {
        const struct jep_part *p = &plant->parts[i];
        if (p->info.number == 0 && !jep_part_wait_serves(plant, i, timeout_ms)) {
            return jep_failed(message, "%s does not serve; see %s/weftd.log", p->name, p->home);
        }
        if (p->info.number > 0 && !p->info.is_spare && !jep_node_start(plant, i, message)) {
            return false;
        }
    }
    int64_t spent_ms = (jep_now_ns() - begin) / 1000000;
    return jep_plant_wait_whole(
        plant, spent_ms < timeout_ms ? timeout_ms - (unsigned)spent_ms : 1, message);
}

/* --- healing ----------------------------------------------------------------------------- */

static void heal_links(struct jep_plant *plant)
{
    static const struct jep_link_rule whole;
    unsigned last = plant->count + plant->gate_count;
    for (unsigned from = 0; from <= last; from++) {
        for (unsigned to = 0; to <= last; to++) {
            if (from != to) {
                jep_switch_set(plant->sw, from, to, &whole);
            }
        }
    }
}

void jep_part_heal_clock_wish(struct jep_part *p)
{
    struct jep_clock_page *page = p->wish.clock;
    jep_wish_set(page->drift_ppm, 0);
    jep_wish_set(page->strobe_ms, 0);
    jep_wish_set(page->offset_ns, (int64_t)JEP_CLOCK_BASE_S * 1000000000);
}

void jep_part_heal_disk_wish(struct jep_part *p)
{
    struct jep_disk_page *page = p->wish.disk;
    jep_wish_set(page->calls, 0);
    jep_wish_set(page->torn, 0);
    jep_wish_set(page->sync_delay_us, 0);
    jep_wish_set(p->wish.fail->left, 0);
    jep_wish_set(p->wish.memory->left, 0);
}

void jep_part_heal_group(struct jep_part *p)
{
    if (p->is_starved) {
        jep_group_release(p->name);
        p->is_starved = false;
    }
}

void jep_part_heal_files(struct jep_plant *plant, unsigned node)
{
    struct jep_part *p = &plant->parts[node];
    struct jep_message ignored; /* it may have ended; a new one has a limit of its own */
    if (p->files_before != 0 && jep_node_state(plant, node) != JEP_NODE_DOWN && p->pid > 0) {
        (void)!jep_limits_set_files(p->pid, p->files_before, NULL, &ignored);
    }
    p->files_before = 0;
}

bool jep_part_heal_disk(struct jep_plant *plant, unsigned node, struct jep_message *message)
{
    struct jep_part *p = &plant->parts[node];
    if (p->is_broken) {
        jep_node_kill(plant, node);
        if (!jep_volume_repair(&p->volume, message)) {
            return false;
        }
        p->is_broken = false;
    }
    if (p->is_filled) {
        jep_volume_drain(&p->volume);
        p->is_filled = false;
    }
    return true;
}

bool jep_plant_heal(struct jep_plant *plant, struct jep_message *message)
{
    bool is_healed = true;
    heal_links(plant);
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_part *p = &plant->parts[i];
        jep_part_heal_clock_wish(p);
        jep_part_heal_disk_wish(p);
        jep_part_heal_group(p);
        jep_part_heal_files(plant, i);
        jep_node_resume(plant, i);
        is_healed = jep_part_heal_disk(plant, i, message) && is_healed;
        enum jep_node_state state = jep_node_state(plant, i);
        if (p->is_refused) { /* as the runbook of a damaged disk says */
            is_healed = jep_node_wipe(plant, i, message) && is_healed;
        }
        if (p->is_member && (state == JEP_NODE_DOWN || state == JEP_NODE_NEW)) {
            is_healed = jep_node_start(plant, i, message) && is_healed;
        }
    }
    return jep_gates_heal(plant, message) && is_healed;
}

bool jep_plant_supervise(struct jep_plant *plant, struct jep_message *message)
{
    bool is_good = true;
    for (unsigned i = 0; i < plant->count; i++) {
        const struct jep_part *p = &plant->parts[i];
        if (jep_node_state(plant, i) == JEP_NODE_DOWN && p->is_member && !p->is_held &&
            !p->is_refused) {
            is_good = jep_node_start(plant, i, message) && is_good;
        }
    }
    return jep_gates_supervise(plant, message) && is_good;
}

/* --- one disk at a time ------------------------------------------------------------------ */

bool jep_part_take_disk(struct jep_plant *plant, unsigned node)
{
    unsigned cluster = plant->parts[node].info.cluster;
    for (unsigned i = 0; i < plant->count; i++) {
        bool is_up = jep_node_state(plant, i) == JEP_NODE_UP;
        if (plant->parts[i].info.cluster == cluster && jep_node_is_member(plant, i) && !is_up) {
            return false;
        }
    }
    struct whole w = {.plant = plant};
    if (plant->disk_lost[cluster] >= 0 && !cluster_is_whole(&w, cluster)) {
        return false;
    }
    plant->disk_lost[cluster] = (int)node;
    return true;
}

void jep_part_give_back(struct jep_plant *plant, unsigned node)
{
    unsigned cluster = plant->parts[node].info.cluster;
    if (plant->disk_lost[cluster] == (int)node) {
        plant->disk_lost[cluster] = -1;
    }
}
