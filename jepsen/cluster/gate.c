#include "jepsen/cluster/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jepsen/cluster/layout.h"
#include "jepsen/cluster/parts.h"
#include "jepsen/cluster/process.h"

enum {
    SUBNET = 8, /* 10.9.9.1, behind those of all clusters */
    COMMAND_MS = 10000,
    PATH_BYTES = JEP_PART_PATH_BYTES + 64,
    VKEY_BYTES = 512
};

static const char *const people[] = {"ann", "bo", "cy", "di"};

enum {
    PEOPLE = sizeof(people) / sizeof(people[0])
};

/* --- making ------------------------------------------------------------------------------ */

const char *jep_gates_policy(const struct jep_plant_options *options)
{
    return options->gates == 0 ? ""
                               : "\ngroup approvers = op plant1/bo, op plant1/cy, op plant1/di\n"
                                 "group gateways = gw plant1/gw1, gw plant1/gw2\n\n"
                                 "permit proposers\n  who  op plant1/ann\n  do   propose cancel\n\n"
                                 "permit approvers\n  who  approvers\n  do   approve ack\n\n"
                                 "permit gateways\n  who  gateways\n  do   read subscribe\n"
                                 "  on   kind command\n\n"
                                 "require two\n  do   propose\n  on   tier >= 2\n"
                                 "  need 2 of approvers not proposer distinct-persons\n";
}

struct jep_address jep_gate_address(unsigned gate)
{
    return jep_address_of(SUBNET, gate);
}

bool jep_gates_make(struct jep_plant *plant, struct jep_message *message)
{
    plant->gate_count = plant->options.gates;
    for (unsigned i = 0; i < JEP_GATES_MAX; i++) {
        plant->gates[i].port = (struct jep_port){-1, -1};
    }
    if (plant->gate_count == 0) {
        return true;
    }
    char directory[PATH_BYTES];
    (void)snprintf(directory, sizeof(directory), "%s/people", plant->scratch);
    if ((mkdir(directory, 0755) != 0 && errno != EEXIST) ||
        !jep_wish_create(&plant->people, directory, plant->shims, message)) {
        return jep_failed(message, "%s: no pages", directory);
    }
    plant->people.clock->offset_ns = (int64_t)JEP_CLOCK_BASE_S * 1000000000;
    (void)snprintf(plant->people_env, sizeof(plant->people_env), "LD_PRELOAD=%s/libjepsen_clock.so",
        plant->shims);
    for (unsigned i = 0; i < plant->gate_count; i++) {
        struct jep_gate *g = &plant->gates[i];
        struct jep_address address = jep_gate_address(i);
        (void)snprintf(g->name, sizeof(g->name), "gw%u", i + 1);
        jep_address_print(&address, g->ip);
        (void)snprintf(g->home, sizeof(g->home), "%.400s/gw%u", plant->out, i + 1);
        (void)snprintf(g->scratch, sizeof(g->scratch), "%.400s/gw%u", plant->scratch, i + 1);
        if ((mkdir(g->home, 0755) != 0 && errno != EEXIST) ||
            (mkdir(g->scratch, 0755) != 0 && errno != EEXIST)) {
            return jep_failed(message, "%s: %s", g->home, strerror(errno));
        }
        if (!jep_wish_create(&g->wish, g->scratch, plant->shims, message)) {
            return false;
        }
        g->wish.clock->offset_ns = (int64_t)JEP_CLOCK_BASE_S * 1000000000;
        g->state = JEP_NODE_NEW;
    }
    return true;
}

void jep_gates_close(struct jep_plant *plant)
{
    for (unsigned i = 0; i < plant->gate_count; i++) {
        (void)jep_gate_kill(plant, i);
        jep_port_close(&plant->gates[i].port);
        jep_wish_destroy(&plant->gates[i].wish);
    }
    jep_wish_destroy(&plant->people);
}

/* --- people ------------------------------------------------------------------------------ */

static void pki_of(const struct jep_plant *plant, char *ret_path, size_t size)
{
    (void)snprintf(ret_path, size, "%.400s/pki-1", plant->out);
}

void jep_people_key(const struct jep_plant *plant, const char *who, char *ret_path, size_t size)
{
    (void)snprintf(ret_path, size, "%.400s/pki-1/%s/note.key", plant->out, who);
}

void jep_people_env(const struct jep_plant *plant, const char *ret_env[8])
{
    size_t count = 0;
    for (size_t i = 0; jep_layout_env[i] != NULL && count < 5; i++) {
        ret_env[count++] = jep_layout_env[i];
    }
    if (plant->shims[0] != 0) {
        ret_env[count++] = plant->people_env;
        ret_env[count++] = plant->people.clock_env;
    }
    ret_env[count] = NULL;
}

/* `weft pki CLASS NAME ... --out DIRECTORY`, and its key into the site. */
static bool enroll(struct jep_plant *plant, const char *class, const char *name,
    const char *directory, struct jep_message *message)
{
    char weft[PATH_BYTES], pki[PATH_BYTES], admin[PATH_BYTES + 32], key[PATH_BYTES + 16];
    (void)snprintf(weft, sizeof(weft), "%s/weft", plant->bin);
    pki_of(plant, pki, sizeof(pki));
    (void)snprintf(admin, sizeof(admin), "%s/site/admins/client.key", pki);
    (void)snprintf(key, sizeof(key), "%s/note.key", directory);
    const char *const person[] = {weft, "pki", class, name, "--org", jep_layout_org(0), "--site",
        jep_layout_site(0), "--only", "note", "--clear", "--out", directory, "-q", NULL};
    const char *const program[] = {weft, "pki", class, name, "--site", jep_layout_site(0), "--pki",
        pki, "--out", directory, "-q", NULL};
    const char *const bring[] = {"pki", "enroll", key, "--key", admin, NULL};
    return jep_run(strcmp(class, "person") == 0 ? person : program, jep_layout_env, COMMAND_MS,
               message) &&
           jep_part_weft(plant, 0, bring, COMMAND_MS, message);
}

/* Of one machine: an envelope has one target. */
static bool bring_envelope(
    struct jep_plant *plant, const char *gate, unsigned machine, struct jep_message *message)
{
    struct jep_text text = {0};
    char path[PATH_BYTES + 32], admin[PATH_BYTES + 32], pki[PATH_BYTES];
    pki_of(plant, pki, sizeof(pki));
    (void)snprintf(path, sizeof(path), "%s/%s-press%u", pki, gate, machine);
    (void)snprintf(admin, sizeof(admin), "%s/site/admins/client.key", pki);
    jep_text_printf(&text,
        "weft-envelope/v1\nname %s-press%u\nparty site\nversion 1\nprev none\n"
        "issued 2026-01-01T00:00:00.000Z\nexpires 2099-01-01T00:00:00.000Z\n"
        "target %s/%s/line/%s-press%u\nverb jog\nverb set-speed\nhard speed 0 .. 60 rpm\n"
        "finish 5s\nsafe hold\n",
        gate, machine, jep_layout_org(0), jep_layout_site(0), gate, machine);
    const char *const apply[] = {"envelope", "apply", path, "--key", admin, "--yes", NULL};
    bool is_there = jep_text_write_file(&text, path, message) &&
                    jep_part_weft(plant, 0, apply, COMMAND_MS, message);
    jep_text_free(&text);
    return is_there;
}

static bool bring_envelopes(struct jep_plant *plant, struct jep_message *message)
{
    for (unsigned g = 0; g < plant->gate_count; g++) {
        for (unsigned m = 1; m <= JEP_GATE_MACHINES; m++) {
            if (!bring_envelope(plant, plant->gates[g].name, m, message)) {
                return false;
            }
        }
    }
    return true;
}

/* --- what a gateway is told and trusts --------------------------------------------------- */

/* The file's first line, to the end of the text. */
static bool add_line(struct jep_text *text, const char *path, struct jep_message *message)
{
    struct jep_text line = {0};
    bool is_read = jep_text_read_file(&line, path, VKEY_BYTES, message);
    if (is_read) {
        jep_text_add(text, line.bytes, strcspn(line.bytes, "\n"));
    }
    jep_text_free(&line);
    return is_read;
}

static bool write_persons(
    const struct jep_plant *plant, const char *home, struct jep_message *message)
{
    struct jep_text text = {0};
    char path[PATH_BYTES];
    bool is_good = true;
    for (size_t i = 0; i < PEOPLE && is_good; i++) {
        (void)snprintf(path, sizeof(path), "%.400s/pki-1/%s/note.vkey", plant->out, people[i]);
        jep_text_printf(
            &text, "key 1 - %s/%s/op/%s ", jep_layout_org(0), jep_layout_site(0), people[i]);
        is_good = add_line(&text, path, message);
        jep_text_puts(&text, "\n");
    }
    (void)snprintf(path, sizeof(path), "%s/persons", home);
    is_good = is_good && jep_text_write_file(&text, path, message);
    jep_text_free(&text);
    return is_good;
}

static bool write_settings(
    const struct jep_plant *plant, const struct jep_gate *g, struct jep_message *message)
{
    struct jep_text text = {0};
    char path[PATH_BYTES];
    unsigned members = 0;
    bool is_good = true;
    jep_text_printf(&text,
        "gateway:\n  org: %s\n  site: %s\n  name: %s\n  data: data\n"
        "  key: identity/note.key\nplant:\n  identity: identity\n  endpoints:\n",
        jep_layout_org(0), jep_layout_site(0), g->name);
    for (unsigned i = 0; i < plant->count; i++) {
        if (plant->parts[i].info.cluster == 0 && !plant->parts[i].info.is_spare) {
            jep_text_printf(&text, "    - \"%s\"\n", plant->parts[i].client);
            members++;
        }
    }
    jep_text_printf(&text,
        "trust:\n  needed: %u\n  keys: persons\n  approvals: [0, 1, 2]\n  logs:\n",
        members / 2 + 1);
    for (unsigned i = 0; i < plant->count && is_good; i++) {
        if (plant->parts[i].info.cluster == 0 && !plant->parts[i].info.is_spare) {
            (void)snprintf(path, sizeof(path), "%s/tls/log.vkey", plant->parts[i].home);
            jep_text_puts(&text, "    - \"");
            is_good = add_line(&text, path, message);
            jep_text_puts(&text, "\"\n");
        }
    }
    jep_text_puts(&text, "channels:\n");
    for (unsigned m = 1; m <= JEP_GATE_MACHINES; m++) {
        jep_text_printf(&text,
            "  - machine: press%u\n    sim:\n      kind: press\n      directory: press%u\n", m, m);
    }
    (void)snprintf(path, sizeof(path), "%s/gateway.yaml", g->home);
    is_good = is_good && jep_text_write_file(&text, path, message);
    jep_text_free(&text);
    return is_good;
}

bool jep_gates_open(struct jep_plant *plant, struct jep_message *message)
{
    char directory[PATH_BYTES];
    for (size_t i = 0; plant->gate_count > 0 && i < PEOPLE; i++) {
        (void)snprintf(directory, sizeof(directory), "%.400s/pki-1/%s", plant->out, people[i]);
        if (!enroll(plant, "person", people[i], directory, message)) {
            return false;
        }
    }
    if (!bring_envelopes(plant, message)) {
        return false;
    }
    for (unsigned i = 0; i < plant->gate_count; i++) {
        struct jep_gate *g = &plant->gates[i];
        (void)snprintf(directory, sizeof(directory), "%s/identity", g->home);
        if (!enroll(plant, "gateway", g->name, directory, message) ||
            !write_persons(plant, g->home, message) || !write_settings(plant, g, message) ||
            !jep_gate_start(plant, i, message)) {
            return false;
        }
    }
    return true;
}

/* --- processes --------------------------------------------------------------------------- */

unsigned jep_gates_count(const struct jep_plant *plant)
{
    return plant->gate_count;
}

unsigned jep_gates_ends(const struct jep_plant *plant)
{
    unsigned ends = 0;
    for (unsigned i = 0; i < plant->gate_count; i++) {
        ends += plant->gates[i].ends;
    }
    return ends;
}

const char *jep_gate_name(const struct jep_plant *plant, unsigned gate)
{
    return plant->gates[gate].name;
}

const char *jep_gate_home(const struct jep_plant *plant, unsigned gate)
{
    return plant->gates[gate].home;
}

/* Faults of gateways are planted in them, all others in nodes. */
bool jep_gate_has_mutant(const char *mutants)
{
    return strncmp(mutants, JEP_GATE_MUTANT, sizeof(JEP_GATE_MUTANT) - 1) == 0;
}

bool jep_gate_start(struct jep_plant *plant, unsigned gate, struct jep_message *message)
{
    struct jep_gate *g = &plant->gates[gate];
    char program[PATH_BYTES], log[PATH_BYTES], mutants[160];
    const char *env[4] = {NULL};
    size_t count = 0;
    if (g->pid > 0) {
        return true;
    }
    (void)snprintf(program, sizeof(program), "%s/weft-gateway", plant->bin);
    (void)snprintf(log, sizeof(log), "%s/gateway.log", g->home);
    (void)snprintf(mutants, sizeof(mutants), "WEFT_MUTANTS=%s", plant->mutants);
    if (plant->shims[0] != 0) {
        env[count++] = plant->people_env;
        env[count++] = g->wish.clock_env;
    }
    if (jep_gate_has_mutant(plant->mutants)) {
        env[count++] = mutants;
    }
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (out < 0) {
        return jep_failed(message, "%s: %s", log, strerror(errno));
    }
    const char *argv[] = {program, "--config", "gateway.yaml", NULL};
    struct jep_program start = {
        .argv = argv, .env = env, .netns = g->port.netns, .cwd = g->home, .out = out, .err = out};
    pid_t pid = jep_process_start(&start, message);
    (void)close(out);
    if (pid < 0) {
        return false;
    }
    g->pid = pid;
    g->state = JEP_NODE_UP;
    g->is_held = false;
    g->starts++;
    return true;
}

bool jep_gate_kill(struct jep_plant *plant, unsigned gate)
{
    struct jep_gate *g = &plant->gates[gate];
    int status;
    if (g->pid <= 0) {
        return false;
    }
    (void)kill(g->pid, SIGKILL);
    bool is_gone = jep_process_wait(g->pid, INT64_MAX, &status);
    g->pid = 0;
    g->state = JEP_NODE_DOWN;
    g->is_held = true;
    return is_gone && WIFSIGNALED(status);
}

bool jep_gate_pause(struct jep_plant *plant, unsigned gate)
{
    struct jep_gate *g = &plant->gates[gate];
    if (g->pid <= 0 || kill(g->pid, SIGSTOP) != 0) {
        return false;
    }
    g->state = JEP_NODE_PAUSED;
    return true;
}

bool jep_gate_resume(struct jep_plant *plant, unsigned gate)
{
    struct jep_gate *g = &plant->gates[gate];
    if (g->state != JEP_NODE_PAUSED || kill(g->pid, SIGCONT) != 0) {
        return false;
    }
    g->state = JEP_NODE_UP;
    return true;
}

bool jep_gates_supervise(struct jep_plant *plant, struct jep_message *message)
{
    bool is_good = true;
    for (unsigned i = 0; i < plant->gate_count; i++) {
        struct jep_gate *g = &plant->gates[i];
        int status;
        if (g->pid > 0 && waitpid(g->pid, &status, WNOHANG) == g->pid) {
            g->pid = 0;
            g->state = JEP_NODE_DOWN;
            g->ends++;
        }
        if (g->state == JEP_NODE_DOWN && !g->is_held) {
            is_good = jep_gate_start(plant, i, message) && is_good;
        }
    }
    return is_good;
}

bool jep_gates_heal(struct jep_plant *plant, struct jep_message *message)
{
    bool is_good = true;
    for (unsigned i = 0; i < plant->gate_count; i++) {
        struct jep_gate *g = &plant->gates[i];
        jep_wish_set(g->wish.clock->drift_ppm, 0);
        jep_wish_set(g->wish.clock->strobe_ms, 0);
        jep_wish_set(g->wish.clock->offset_ns, (int64_t)JEP_CLOCK_BASE_S * 1000000000);
        (void)jep_gate_resume(plant, i);
        if (g->state == JEP_NODE_DOWN) {
            is_good = jep_gate_start(plant, i, message) && is_good;
        }
    }
    return is_good;
}
