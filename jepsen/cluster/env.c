#include "jepsen/cluster/env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jepsen/cluster/enclosure.h"
#include "jepsen/cluster/files.h"
#include "jepsen/cluster/probe.h"
#include "jepsen/cluster/process.h"
#include "jepsen/core/results.h"

static const struct control {
    enum jep_capability capability;
    const char *name;
    const char *fault;
    jep_probe *probe;
} controls[] = {
    {JEP_CAN_ENCLOSE, "enclose", "the shell of an enclosure is killed", jep_probe_enclose},
    {JEP_CAN_LINK, "cut", "a link is cut in one direction", jep_probe_cut},
    {JEP_CAN_LINK, "delay", "a link takes 40 ms", jep_probe_delay},
    {JEP_CAN_SIGNAL, "pause", "a process is stopped", jep_probe_signal},
    {JEP_CAN_TMPFS, "full", "a tmpfs is full", jep_probe_full},
    {JEP_CAN_EXT4, "ext4", "an ext4 on a loop device is full", jep_probe_ext4},
    {JEP_CAN_CUT, "power", "the power of an ext4 is cut", jep_probe_power},
    {JEP_CAN_READONLY, "readonly", "an ext4 finds an error", jep_probe_readonly},
    {JEP_CAN_CLOCK, "clock", "a preloaded clock is 3600 s ahead", jep_probe_clock},
    {JEP_CAN_DISK, "disk", "a preloaded sync fails", jep_probe_disk},
    {JEP_CAN_DISK, "torn", "a preloaded write is torn", jep_probe_torn},
    {JEP_CAN_MEMORY, "memory", "a preloaded allocation fails", jep_probe_memory},
    {JEP_CAN_LIMIT, "files", "a process may open no more files", jep_probe_files},
    {JEP_CAN_QUOTA, "cpu", "a process has 2 % of a processor", jep_probe_quota},
};

enum {
    CONTROLS = sizeof(controls) / sizeof(controls[0])
};

const char *jep_env_name(enum jep_capability one)
{
    for (size_t i = 0; i < CONTROLS; i++) {
        if (controls[i].capability == one) {
            return controls[i].name;
        }
    }
    return "?";
}

void jep_env_shims(char *ret_path, size_t size)
{
    char self[1024];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[length > 0 ? length : 0] = 0;
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(self, '/');
        if (slash != NULL) {
            *slash = 0;
        }
    }
    (void)snprintf(ret_path, size, "%s/lib", self);
}

/* One side of a control, in a directory of its own. */
static bool run_one(const struct control *control, const char *scratch, const char *shims,
    bool is_faulty, struct jep_message *told)
{
    struct jep_probe_place place = {.shims = shims};
    struct jep_message ignored;
    int size = snprintf(place.scratch, sizeof(place.scratch), "%s/probe-%s-%s", scratch,
        control->name, is_faulty ? "with" : "without");
    if (size < 0 || (size_t)size >= sizeof(place.scratch)) {
        return jep_failed(told, "%s: too long", scratch);
    }
    if (mkdir(place.scratch, 0755) != 0 && errno != EEXIST) {
        return jep_failed(told, "%s: %s", place.scratch, strerror(errno));
    }
    bool is_good = control->probe(&place, is_faulty, told);
    return jep_files_remove(place.scratch, &ignored) && is_good;
}

static void print_row(FILE *table, const struct control *control, const bool is_good[2],
    const struct jep_message told[2], int64_t spent_ns)
{
    (void)fprintf(table, "%-9s %-8s %s\n", control->name,
        is_good[0] && is_good[1] ? "ok" : "CANNOT", control->fault);
    for (int side = 0; side < 2; side++) {
        (void)fprintf(table, "          %-8s %-7s %s\n", is_good[side] ? "" : "  wrong",
            side == 0 ? "without" : "with", told[side].text);
    }
    (void)fprintf(table, "          %*s %.0f ms\n", 16, "", (double)spent_ns / 1e6);
}

void jep_env_probe(const char *scratch, const char *shims, FILE *table, struct jep_env *ret_env)
{
    unsigned cannot = 0;
    *ret_env = (struct jep_env){0};
    for (size_t i = 0; i < CONTROLS; i++) {
        struct jep_message told[2] = {{{0}}, {{0}}};
        bool is_good[2];
        int64_t begin = jep_now_ns();
        for (int side = 0; side < 2; side++) {
            is_good[side] = run_one(&controls[i], scratch, shims, side == 1, &told[side]);
        }
        ret_env->can |= (unsigned)controls[i].capability;
        if (!is_good[0] || !is_good[1]) {
            cannot |= (unsigned)controls[i].capability;
            if (ret_env->why.text[0] == 0) {
                (void)jep_failed(
                    &ret_env->why, "%s: %s", controls[i].name, told[is_good[0] ? 1 : 0].text);
            }
        }
        if (table != NULL) {
            print_row(table, &controls[i], is_good, told, jep_now_ns() - begin);
        }
    }
    ret_env->can &= ~cannot;
}

static int usage(FILE *out, int code)
{
    (void)fputs(
        "usage: jepsen env [--strict] [--quiet]\n\n"
        "What this machine can break: each fault is made on purpose, and looked for with it\n"
        "and without it. Exit: 0 what a run needs is there, 77 it is not; with --strict 2 if\n"
        "anything at all is missing.\n",
        out);
    return code;
}

static int judge(const struct jep_env *env, bool is_strict)
{
    if ((env->can & JEP_CAN_RUN) != JEP_CAN_RUN) {
        (void)fprintf(stderr, "jepsen: cannot run here: %s\n", env->why.text);
        return JEP_EXIT_CANNOT_RUN;
    }
    if (env->why.text[0] != 0) {
        (void)fprintf(stderr, "jepsen: not everything can be broken here: %s\n", env->why.text);
        return is_strict ? JEP_EXIT_UNKNOWN : JEP_EXIT_VALID;
    }
    return JEP_EXIT_VALID;
}

static char mount_point[] = "/tmp/jepsen-env-XXXXXX";

/* Outside, where it is empty and free again; inside it is neither. */
static void remove_mount_point(void)
{
    (void)rmdir(mount_point);
}

int jep_verb_env(int argc, char **argv)
{
    bool is_strict = false, is_quiet = false;
    char shims[1100];
    struct jep_enclosure enclosure;
    struct jep_message message;
    struct jep_env env;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--strict") == 0) {
            is_strict = true;
        } else if (strcmp(argv[i], "--quiet") == 0) {
            is_quiet = true;
        } else {
            bool is_help = strcmp(argv[i], "--help") == 0;
            return usage(is_help ? stdout : stderr, is_help ? 0 : JEP_EXIT_HARNESS);
        }
    }
    if (mkdtemp(mount_point) == NULL) {
        (void)fprintf(stderr, "jepsen: %s: %s\n", mount_point, strerror(errno));
        return JEP_EXIT_HARNESS;
    }
    jep_env_shims(shims, sizeof(shims));
    (void)atexit(remove_mount_point);
    if (!jep_enclosure_enter(mount_point, &enclosure, &message)) {
        (void)fprintf(stderr, "jepsen: cannot run here: %s\n", message.text);
        return JEP_EXIT_CANNOT_RUN;
    }
    jep_env_probe(enclosure.scratch, shims, is_quiet ? NULL : stdout, &env);
    return judge(&env, is_strict);
}
