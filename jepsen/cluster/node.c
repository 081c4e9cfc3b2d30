#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jepsen/cluster/files.h"
#include "jepsen/cluster/parts.h"
#include "jepsen/cluster/process.h"
#include "jepsen/core/arena.h"

/* One node's process: its starts and its ends. */

#define CORE_BYTES_MAX ((uint64_t)512 << 20)

/* --- how it ended ------------------------------------------------------------------------ */

/* The last bytes of the log, from the start of a line on. */
static void read_tail(const struct jep_part *p, char *to, size_t size)
{
    char path[JEP_PART_PATH_BYTES + 16];
    to[0] = 0;
    (void)snprintf(path, sizeof(path), "%s/weftd.log", p->home);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    off_t end = lseek(fd, 0, SEEK_END), from = end > (off_t)size - 1 ? end - (off_t)size + 1 : 0;
    ssize_t got = pread(fd, to, size - 1, from);
    (void)close(fd);
    to[got > 0 ? got : 0] = 0;
    const char *line = from > 0 ? strchr(to, '\n') : NULL;
    if (line != NULL) {
        memmove(to, line + 1, strlen(line + 1) + 1);
    }
}

/* Moves the core aside, so that the next one has a place. */
static bool keep_core(const struct jep_part *p)
{
    char core[JEP_PART_PATH_BYTES + 32], kept[JEP_PART_PATH_BYTES + 32];
    (void)snprintf(core, sizeof(core), "%s/core", p->home);
    if (access(core, F_OK) != 0) {
        (void)snprintf(core, sizeof(core), "%s/core.%d", p->home, (int)p->pid);
    }
    (void)snprintf(kept, sizeof(kept), "%s/core-of-start-%u", p->home, p->starts);
    return rename(core, kept) == 0;
}

/* What was damaged is found when it is read. */
static bool has_found_damage(const struct jep_part *p, const char *log)
{
    return p->is_damaged && strstr(log, "class=corrupt") != NULL;
}

/* JEP-46 */
static bool is_announced(const struct jep_part *p, int status, const char *log)
{
    if (WIFEXITED(status)) {
        return p->may_exit || has_found_damage(p, log);
    }
    return WTERMSIG(status) == SIGKILL ? p->may_be_killed : p->may_crash;
}

static void note_end(struct jep_plant *plant, unsigned node, int status)
{
    struct jep_part *p = &plant->parts[node];
    if (plant->deaths_count == plant->deaths_capacity) {
        plant->deaths_capacity = plant->deaths_capacity == 0 ? 16 : 2 * plant->deaths_capacity;
        plant->deaths = jep_realloc(plant->deaths, plant->deaths_capacity, sizeof(*plant->deaths));
    }
    struct jep_death *death = &plant->deaths[plant->deaths_count++];
    *death = (struct jep_death){.node = node, .status = status};
    death->has_core = keep_core(p);
    read_tail(p, death->log, sizeof(death->log));
    death->is_announced = is_announced(p, status, death->log);
    p->is_refused =
        has_found_damage(p, death->log) && strstr(death->log, "event=start_failed") != NULL;
    p->pid = 0;
    p->state = JEP_NODE_DOWN;
}

void jep_part_look(struct jep_plant *plant, unsigned node)
{
    struct jep_part *p = &plant->parts[node];
    int status;
    (void)pthread_mutex_lock(&plant->lock);
    if (p->pid > 0 && waitpid(p->pid, &status, WNOHANG) == p->pid) {
        note_end(plant, node, status);
    }
    (void)pthread_mutex_unlock(&plant->lock);
}

static void set_state(struct jep_plant *plant, unsigned node, enum jep_node_state state)
{
    (void)pthread_mutex_lock(&plant->lock);
    plant->parts[node].state = state;
    (void)pthread_mutex_unlock(&plant->lock);
}

enum jep_node_state jep_node_state(const struct jep_plant *plant, unsigned node)
{
    /* The plant is not changed but for what happened to it anyway. */
    struct jep_plant *p = (struct jep_plant *)(uintptr_t)plant;
    jep_part_look(p, node);
    (void)pthread_mutex_lock(&p->lock);
    enum jep_node_state state = p->parts[node].state;
    (void)pthread_mutex_unlock(&p->lock);
    return state;
}

bool jep_node_is_member(const struct jep_plant *plant, unsigned node)
{
    struct jep_plant *p = (struct jep_plant *)(uintptr_t)plant;
    (void)pthread_mutex_lock(&p->lock);
    bool is_member = p->parts[node].is_member;
    (void)pthread_mutex_unlock(&p->lock);
    return is_member;
}

/* --- starting ---------------------------------------------------------------------------- */

static pid_t launch(struct jep_plant *plant, unsigned node, bool bootstraps, const char *option,
    struct jep_message *message)
{
    struct jep_part *p = &plant->parts[node];
    char weftd[JEP_PART_PATH_BYTES + 16], log[JEP_PART_PATH_BYTES + 16], mutants[160];
    const char *env[8];
    size_t count = 0;
    (void)snprintf(weftd, sizeof(weftd), "%s/weftd", p->runs_old ? plant->old_bin : plant->bin);
    (void)snprintf(log, sizeof(log), "%s/weftd.log", p->home);
    (void)snprintf(mutants, sizeof(mutants), "WEFT_MUTANTS=%s", plant->mutants);
    if (plant->shims[0] != 0) {
        env[count++] = p->wish.preload_env;
        env[count++] = p->wish.clock_env;
        env[count++] = p->wish.disk_env;
        env[count++] = p->wish.memory_env;
    }
    env[count++] = p->wish.fail_env;
    if (plant->mutants[0] != 0 && !jep_gate_has_mutant(plant->mutants)) {
        env[count++] = mutants;
    }
    env[count] = NULL;
    const char *argv[] = {weftd, "--config", p->runs_old ? "weftd-old.yaml" : "weftd.yaml",
        bootstraps ? "--bootstrap" : option,
        bootstraps && !p->runs_old && !jep_plant_is_governed(plant) ? "--ungoverned" : NULL, NULL};
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (out < 0) {
        (void)jep_failed(message, "%s: %s", log, strerror(errno));
        return -1;
    }
    struct jep_program program = {.argv = argv,
        .env = env,
        .netns = p->port.netns,
        .cwd = p->home,
        .out = out,
        .err = out,
        .core_bytes = CORE_BYTES_MAX};
    pid_t pid = jep_process_start(&program, message);
    (void)close(out);
    return pid;
}

bool jep_part_run(struct jep_plant *plant, unsigned node, const char *option, unsigned timeout_ms,
    struct jep_message *message)
{
    int status = 0;
    pid_t pid = launch(plant, node, false, option, message);
    if (pid < 0) {
        return false;
    }
    if (!jep_process_wait(pid, jep_now_ns() + (int64_t)timeout_ms * 1000000, &status)) {
        (void)kill(pid, SIGKILL);
        (void)jep_process_wait(pid, INT64_MAX, &status);
    }
    return jep_process_code(status) == 0 ||
           jep_failed(message, "%s: weftd %s: %d, see its log", plant->parts[node].name, option,
               jep_process_code(status));
}

static bool has_bad_disk(const struct jep_part *p)
{
    return p->is_filled || p->is_broken || jep_wish_get(p->wish.disk->calls) != 0;
}

bool jep_part_start_with(
    struct jep_plant *plant, unsigned node, const char *option, struct jep_message *message)
{
    struct jep_part *p = &plant->parts[node];
    if (jep_node_state(plant, node) == JEP_NODE_UP || p->state == JEP_NODE_PAUSED) {
        return true;
    }
    jep_wish_set(p->wish.memory->left, 0); /* refused to the process before it alone */
    pid_t pid = launch(plant, node, p->is_first && !p->has_data, option, message);
    if (pid < 0) {
        return false;
    }
    (void)pthread_mutex_lock(&plant->lock);
    p->pid = pid;
    p->state = JEP_NODE_UP;
    p->is_first = false;
    p->has_data = true;
    p->is_held = false;
    p->may_exit = has_bad_disk(p); /* started by another fault's end, or as an init system does */
    p->may_be_killed = false;
    p->may_crash = false;
    p->files_before = 0;
    p->starts++;
    (void)pthread_mutex_unlock(&plant->lock);
    return true;
}

bool jep_node_start(struct jep_plant *plant, unsigned node, struct jep_message *message)
{
    return jep_part_start_with(plant, node, NULL, message);
}

/* --- ending ------------------------------------------------------------------------------ */

static bool wait_end(struct jep_plant *plant, unsigned node, int64_t deadline_ns, int *ret_status)
{
    struct jep_part *p = &plant->parts[node];
    if (!jep_process_wait(p->pid, deadline_ns, ret_status)) {
        return false;
    }
    (void)pthread_mutex_lock(&plant->lock);
    p->pid = 0;
    p->state = JEP_NODE_DOWN;
    p->is_held = true;
    (void)pthread_mutex_unlock(&plant->lock);
    return true;
}

static bool has_process(struct jep_plant *plant, unsigned node)
{
    enum jep_node_state state = jep_node_state(plant, node);
    return state == JEP_NODE_UP || state == JEP_NODE_PAUSED;
}

void jep_node_kill(struct jep_plant *plant, unsigned node)
{
    jep_part_kill_all(plant, 1u << node);
}

void jep_part_kill_all(struct jep_plant *plant, unsigned nodes)
{
    unsigned running = 0;
    for (unsigned i = 0; i < plant->count; i++) {
        if ((nodes >> i & 1) != 0 && has_process(plant, i)) {
            (void)kill(plant->parts[i].pid, SIGKILL);
            running |= 1u << i;
        }
    }
    for (unsigned i = 0; i < plant->count; i++) {
        int status;
        if ((running >> i & 1) != 0 && !wait_end(plant, i, INT64_MAX, &status)) {
            abort(); /* there is no such deadline */
        }
    }
}

bool jep_node_stop(struct jep_plant *plant, unsigned node, unsigned timeout_ms)
{
    int status;
    if (!has_process(plant, node)) {
        return true;
    }
    jep_node_resume(plant, node); /* it could not hear otherwise */
    (void)kill(plant->parts[node].pid, SIGTERM);
    if (wait_end(plant, node, jep_now_ns() + (int64_t)timeout_ms * 1000000, &status)) {
        /* A node that was told to stop, and crashes over it, has crashed. */
        if (!WIFEXITED(status)) {
            (void)pthread_mutex_lock(&plant->lock);
            note_end(plant, node, status);
            (void)pthread_mutex_unlock(&plant->lock);
        }
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    jep_node_kill(plant, node);
    return false;
}

void jep_node_pause(struct jep_plant *plant, unsigned node)
{
    if (jep_node_state(plant, node) == JEP_NODE_UP) {
        (void)kill(plant->parts[node].pid, SIGSTOP);
        set_state(plant, node, JEP_NODE_PAUSED);
    }
}

void jep_node_resume(struct jep_plant *plant, unsigned node)
{
    if (jep_node_state(plant, node) == JEP_NODE_PAUSED) {
        (void)kill(plant->parts[node].pid, SIGCONT);
        set_state(plant, node, JEP_NODE_UP);
    }
}

bool jep_node_wipe(struct jep_plant *plant, unsigned node, struct jep_message *message)
{
    struct jep_part *p = &plant->parts[node];
    jep_node_kill(plant, node);
    if (!jep_files_remove(p->data, message)) {
        return false;
    }
    (void)pthread_mutex_lock(&plant->lock);
    p->has_data = false;
    p->is_damaged = false;
    p->is_refused = false;
    p->state = JEP_NODE_NEW;
    (void)pthread_mutex_unlock(&plant->lock);
    return true;
}

/* --- for the verdict --------------------------------------------------------------------- */

struct jep_edn jep_plant_deaths(struct jep_plant *plant, struct jep_arena *arena)
{
    struct jep_edn_list deaths = {0};
    for (unsigned i = 0; i < plant->count; i++) {
        jep_part_look(plant, i);
    }
    (void)pthread_mutex_lock(&plant->lock);
    for (size_t i = 0; i < plant->deaths_count; i++) {
        const struct jep_death *d = &plant->deaths[i];
        struct jep_edn_list map = {0};
        if (d->is_announced) {
            continue;
        }
        bool is_exit = WIFEXITED(d->status);
        jep_edn_put(&map, "node", jep_edn_string_copy(arena, plant->parts[d->node].name));
        jep_edn_put(&map, "status",
            jep_edn_string(jep_arena_format(arena, "%s %d", is_exit ? "exit" : "signal",
                is_exit ? WEXITSTATUS(d->status) : WTERMSIG(d->status))));
        jep_edn_put(&map, "core", jep_edn_bool(d->has_core));
        jep_edn_put(&map, "log", jep_edn_string_copy(arena, d->log));
        jep_edn_push(&deaths, jep_edn_take_map(&map, arena));
    }
    (void)pthread_mutex_unlock(&plant->lock);
    return jep_edn_take_vector(&deaths, arena);
}
