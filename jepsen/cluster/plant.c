#include "jepsen/cluster/plant.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/parts.h"
#include "jepsen/cluster/process.h"
#include "jepsen/core/arena.h"

enum {
    PATH_MOST = 400, /* bytes of a directory given; what is below it takes less than 100 */
    PEER_PORT = 7101,
    CLIENT_PORT = 7102,
    DOOR_PORT = 7104,
    CHECKPOINT_ENTRIES = 256,
    TRAILING_ENTRIES = 32
};

#define DISK_BYTES ((uint64_t)384 << 20) /* log 64 MiB, its spare, two checkpoints, room */

/* --- making ------------------------------------------------------------------------------ */

static void copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from != NULL ? from : "");
}

static void keep_options(struct jep_plant *plant, const struct jep_plant_options *options)
{
    struct jep_plant_options *o = &plant->options;
    *o = *options;
    copy_text(plant->bin, sizeof(plant->bin), options->bin);
    copy_text(plant->old_bin, sizeof(plant->old_bin), options->old_bin);
    copy_text(plant->shims, sizeof(plant->shims), options->shims);
    copy_text(plant->out, sizeof(plant->out), options->out);
    copy_text(plant->scratch, sizeof(plant->scratch), options->scratch);
    copy_text(plant->mutants, sizeof(plant->mutants), options->mutants);
    o->bin = plant->bin;
    o->old_bin = options->old_bin != NULL ? plant->old_bin : NULL;
    o->shims = plant->shims;
    o->out = plant->out;
    o->scratch = plant->scratch;
    o->disk_bytes = o->disk_bytes != 0 ? o->disk_bytes : DISK_BYTES;
    o->checkpoint_entries = o->checkpoint_entries != 0 ? o->checkpoint_entries : CHECKPOINT_ENTRIES;
    o->trailing_entries = o->trailing_entries != 0 ? o->trailing_entries : TRAILING_ENTRIES;
}

static void name_part(struct jep_plant *plant, unsigned node, unsigned cluster, unsigned number)
{
    struct jep_part *p = &plant->parts[node];
    struct jep_address address = jep_address_of((int)cluster, number);
    char name[sizeof(p->name)], ip[sizeof(p->ip)]; /* gcc takes texts of one struct to overlap. */
    (void)snprintf(name, sizeof(name), "%c%u", "nml"[cluster], number + 1);
    jep_address_print(&address, ip);
    copy_text(p->name, sizeof(p->name), name);
    copy_text(p->ip, sizeof(p->ip), ip);
    (void)snprintf(p->client, sizeof(p->client), "%s:%d", ip, CLIENT_PORT);
    (void)snprintf(p->peer, sizeof(p->peer), "%s:%d", ip, PEER_PORT);
    (void)snprintf(p->door, sizeof(p->door), "%s:%d", ip, DOOR_PORT);
    (void)snprintf(p->home, sizeof(p->home), "%.400s/%s", plant->out, name);
    (void)snprintf(p->scratch, sizeof(p->scratch), "%.400s/%s", plant->scratch, name);
    (void)snprintf(p->data, sizeof(p->data), "%.400s/%s/disk/data", plant->scratch, name);
    p->info = (struct jep_node_info){.name = p->name,
        .cluster = cluster,
        .number = number,
        .is_spare = number >= jep_plant_nodes_of(&plant->options, cluster),
        .ip = p->ip,
        .client = p->client,
        .peer = p->peer,
        .door = p->door,
        .home = p->home,
        .data = p->data};
    p->is_member = !p->info.is_spare;
    p->is_first = number == 0;
    p->port = (struct jep_port){-1, -1};
    p->volume.loop = -1;
}

static bool open_ports(struct jep_plant *plant, struct jep_message *message)
{
    struct jep_address all[JEP_PORTS_MAX];
    struct jep_port ports[JEP_PORTS_MAX];
    unsigned count = plant->count + 1 + plant->gate_count;
    all[JEP_CLIENTS_PORT] = jep_address_of(-1, 0);
    for (unsigned i = 0; i < plant->count; i++) {
        const struct jep_node_info *info = &plant->parts[i].info;
        all[i + 1] = jep_address_of((int)info->cluster, info->number);
    }
    for (unsigned i = 0; i < plant->gate_count; i++) {
        all[plant->count + 1 + i] = jep_gate_address(i);
    }
    if (!jep_port_open(&plant->clients, all, count, JEP_CLIENTS_PORT, false, message)) {
        return false;
    }
    ports[JEP_CLIENTS_PORT] = plant->clients;
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_part *p = &plant->parts[i];
        if (!jep_port_open(&p->port, all, count, i + 1, true, message)) {
            return false;
        }
        p->info.netns = p->port.netns;
        ports[i + 1] = p->port;
    }
    for (unsigned i = 0; i < plant->gate_count; i++) {
        struct jep_gate *g = &plant->gates[i];
        if (!jep_port_open(&g->port, all, count, plant->count + 1 + i, true, message)) {
            return false;
        }
        ports[plant->count + 1 + i] = g->port;
    }
    return jep_switch_start(ports, all, count, plant->options.seed, &plant->sw, message);
}

/* Without an order, the first node's file system says what the machine can. */
static bool make_volume(struct jep_plant *plant, struct jep_part *p, struct jep_message *message)
{
    uint64_t size = plant->options.disk_bytes;
    if (jep_volume_create(&p->volume, p->scratch, plant->is_ext4, size, message)) {
        return true;
    }
    if (plant->options.disk != JEP_DISK_AUTO || !plant->is_ext4 || p != &plant->parts[0]) {
        return false;
    }
    plant->is_ext4 = false;
    return jep_volume_create(&p->volume, p->scratch, false, size, message);
}

static bool make_part(struct jep_plant *plant, unsigned node, struct jep_message *message)
{
    struct jep_part *p = &plant->parts[node];
    const char *peers[JEP_NODES_MAX];
    unsigned peers_count = 0;
    if (mkdir(p->scratch, 0755) != 0 && errno != EEXIST) {
        return jep_failed(message, "%s: %s", p->scratch, strerror(errno));
    }
    for (unsigned i = 0; i < plant->count; i++) {
        const struct jep_node_info *other = &plant->parts[i].info;
        if (i != node && other->cluster == p->info.cluster && !other->is_spare) {
            peers[peers_count++] = other->client;
        }
    }
    if (!make_volume(plant, p, message) ||
        !jep_wish_create(&p->wish, p->scratch, plant->shims, message)) {
        return false;
    }
    p->wish.clock->offset_ns = (int64_t)JEP_CLOCK_BASE_S * 1000000000;
    return jep_layout_node(&plant->options, &p->info, peers, peers_count, message);
}

static bool make(struct jep_plant *plant, struct jep_message *message)
{
    if (!jep_gates_make(plant, message) || !open_ports(plant, message)) {
        return false;
    }
    for (unsigned c = 0; c < plant->options.clusters; c++) {
        if (!jep_layout_authority(
                &plant->options, c, plant->identity[c], sizeof(plant->identity[c]), message)) {
            return false;
        }
    }
    for (unsigned i = 0; i < plant->count; i++) {
        if (!make_part(plant, i, message)) {
            return false;
        }
    }
    return true;
}

struct jep_plant *jep_plant_create(
    const struct jep_plant_options *options, struct jep_message *message)
{
    unsigned count = 0;
    for (unsigned c = 0; c < options->clusters && count <= JEP_NODES_MAX; c++) {
        count += jep_plant_size_of(options, c);
    }
    if (options->clusters < 1 || options->clusters > JEP_CLUSTERS_MAX || options->nodes < 1 ||
        count > JEP_NODES_MAX) {
        (void)jep_failed(message,
            "%u clusters of %u nodes and %u spares: at most %d clusters, %d "
            "nodes in all",
            options->clusters, options->nodes, options->spares, JEP_CLUSTERS_MAX, JEP_NODES_MAX);
        return NULL;
    }
    if (strlen(options->out) > PATH_MOST || strlen(options->scratch) > PATH_MOST) {
        (void)jep_failed(message, "%s: longer than %d bytes", options->out, PATH_MOST);
        return NULL;
    }
    struct jep_plant *plant = jep_alloc(1, sizeof(*plant));
    memset(plant, 0, sizeof(*plant));
    (void)pthread_mutex_init(&plant->lock, NULL);
    keep_options(plant, options);
    plant->is_ext4 = options->disk != JEP_DISK_TMPFS;
    plant->clients = (struct jep_port){-1, -1};
    for (unsigned c = 0; c < options->clusters; c++) {
        for (unsigned i = 0; i < jep_plant_size_of(options, c); i++) {
            name_part(plant, plant->count++, c, i);
        }
    }
    for (unsigned c = 0; c < JEP_CLUSTERS_MAX; c++) {
        plant->disk_lost[c] = -1;
    }
    if (!make(plant, message)) {
        jep_plant_destroy(plant);
        return NULL;
    }
    return plant;
}

void jep_plant_destroy(struct jep_plant *plant)
{
    if (plant == NULL) {
        return;
    }
    jep_part_kill_all(plant, UINT32_MAX);
    jep_switch_close(plant->sw);
    jep_gates_close(plant);
    for (unsigned i = 0; i < plant->count; i++) {
        struct jep_part *p = &plant->parts[i];
        jep_part_heal_group(p);
        jep_port_close(&p->port);
        jep_volume_destroy(&p->volume);
        jep_wish_destroy(&p->wish);
    }
    jep_port_close(&plant->clients);
    free(plant->deaths);
    (void)pthread_mutex_destroy(&plant->lock);
    free(plant);
}

/* --- looking ----------------------------------------------------------------------------- */

unsigned jep_plant_nodes_of(const struct jep_plant_options *options, unsigned cluster)
{
    return cluster > 0 && options->partner_nodes > 0 ? options->partner_nodes : options->nodes;
}

unsigned jep_plant_size_of(const struct jep_plant_options *options, unsigned cluster)
{
    return jep_plant_nodes_of(options, cluster) + options->spares;
}

unsigned jep_plant_count(const struct jep_plant *plant)
{
    return plant->count;
}

const struct jep_node_info *jep_plant_node(const struct jep_plant *plant, unsigned node)
{
    return &plant->parts[node].info;
}

int jep_plant_find(const struct jep_plant *plant, const char *name)
{
    for (unsigned i = 0; i < plant->count; i++) {
        if (strcmp(plant->parts[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *jep_plant_identity(const struct jep_plant *plant, unsigned cluster)
{
    return plant->identity[cluster];
}

bool jep_plant_is_governed(const struct jep_plant *plant)
{
    return plant->options.old_bin == NULL;
}

bool jep_plant_was_restored(const struct jep_plant *plant, unsigned cluster)
{
    return plant->was_restored[cluster];
}

enum jep_disk jep_plant_disk(const struct jep_plant *plant)
{
    return plant->is_ext4 ? JEP_DISK_EXT4 : JEP_DISK_TMPFS;
}

void jep_part_reach(const struct jep_plant *plant, unsigned cluster, struct jep_reach *ret_reach,
    unsigned *ret_first)
{
    unsigned each = jep_plant_size_of(&plant->options, cluster), first = 0;
    for (unsigned c = 0; c < cluster; c++) {
        first += jep_plant_size_of(&plant->options, c);
    }
    memset(ret_reach, 0, sizeof(*ret_reach));
    ret_reach->count = each;
    for (unsigned i = 0; i < each; i++) {
        ret_reach->is_member[i] = jep_node_is_member(plant, first + i);
        /* One whose disk is not whole may be up, and of no use yet. */
        ret_reach->is_up[i] = jep_node_state(plant, first + i) == JEP_NODE_UP &&
                              plant->disk_lost[cluster] != (int)(first + i);
        for (unsigned k = 0; k < each; k++) {
            struct jep_link_rule rule;
            if (i != k) {
                jep_switch_rule(plant->sw, first + i + 1, first + k + 1, &rule);
                ret_reach->is_cut[i][k] = rule.is_cut;
            }
        }
    }
    *ret_first = first;
}

bool jep_plant_has_quorum(const struct jep_plant *plant, unsigned cluster)
{
    struct jep_reach reach;
    unsigned first;
    jep_part_reach(plant, cluster, &reach, &first);
    return jep_reach_has_quorum(&reach);
}

static struct jep_edn counts_of(const struct jep_link_counts *c, struct jep_arena *arena)
{
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {{"passed", c->passed}, {"bytes", c->bytes}, {"cut", c->cut}, {"lost", c->lost},
        {"overflowed", c->overflowed}, {"delayed", c->delayed}, {"delay-us", c->delay_us},
        {"duplicated", c->duplicated}, {"reordered", c->reordered}, {"corrupted", c->corrupted}};
    struct jep_edn_list map = {0};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].value > 0) {
            jep_edn_put(&map, all[i].name, jep_edn_int((int64_t)all[i].value));
        }
    }
    return jep_edn_take_map(&map, arena);
}

struct jep_edn jep_plant_links(struct jep_plant *plant, struct jep_arena *arena)
{
    struct jep_edn_list links = {0};
    for (unsigned from = 0; from <= plant->count; from++) {
        for (unsigned to = 0; to <= plant->count; to++) {
            struct jep_link_counts counts;
            if (from == to) {
                continue;
            }
            jep_switch_counts(plant->sw, from, to, &counts);
            jep_edn_push(&links, jep_edn_string(jep_arena_format(arena, "%s>%s",
                                     from > 0 ? plant->parts[from - 1].name : "clients",
                                     to > 0 ? plant->parts[to - 1].name : "clients")));
            jep_edn_push(&links, counts_of(&counts, arena));
        }
    }
    return jep_edn_take_map(&links, arena);
}

/* Room for the texts of a command line of weft. */
struct command {
    char weft[JEP_PART_PATH_BYTES + 16], timeout[32];
    const char *argv[40];
};

static void ask_node(const struct jep_plant *plant, unsigned node, const char *const *arguments,
    unsigned timeout_ms, struct command *ret_command)
{
    const struct jep_part *p = &plant->parts[node];
    struct command *c = ret_command;
    size_t count = 0;
    (void)snprintf(c->weft, sizeof(c->weft), "%s/weft", plant->bin);
    (void)snprintf(c->timeout, sizeof(c->timeout), "%ums", timeout_ms);
    c->argv[count++] = c->weft;
    while (*arguments != NULL && count < 32) {
        c->argv[count++] = *arguments++;
    }
    const char *const last[] = {"--endpoint", p->client, "--identity",
        plant->identity[p->info.cluster], "--timeout", c->timeout, NULL};
    memcpy(c->argv + count, last, sizeof(last));
}

bool jep_part_weft(const struct jep_plant *plant, unsigned node, const char *const *arguments,
    unsigned timeout_ms, struct jep_message *message)
{
    struct command c;
    ask_node(plant, node, arguments, timeout_ms, &c);
    return jep_run(c.argv, jep_layout_env, timeout_ms + 2000, message);
}

static int ask(const struct jep_plant *plant, unsigned node, const char *const *arguments,
    unsigned timeout_ms, struct jep_text *said)
{
    struct command c;
    struct jep_capture capture;
    struct jep_message ignored;
    ask_node(plant, node, arguments, timeout_ms, &c);
    if (!jep_capture_start(&capture, c.argv, jep_layout_env, NULL, &ignored)) {
        return -1;
    }
    int code = jep_capture_finish(&capture, jep_now_ns() + (timeout_ms + 500) * (int64_t)1000000);
    if (said != NULL) {
        jep_text_add(said, capture.stdout_text.bytes, capture.stdout_text.size);
    }
    jep_capture_free(&capture);
    return code;
}

bool jep_part_weft_said(const struct jep_plant *plant, unsigned node, const char *const *arguments,
    unsigned timeout_ms, struct jep_text *said)
{
    return ask(plant, node, arguments, timeout_ms, said) == 0;
}

int jep_part_ask(
    const struct jep_plant *plant, unsigned node, const char *const *arguments, unsigned timeout_ms)
{
    return ask(plant, node, arguments, timeout_ms, NULL);
}
