#include "jepsen/cluster/group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jepsen/cluster/process.h"

enum {
    PATH_BYTES = 256,
    TEXT_BYTES = 4096,
    REMOVE_MS = 10000, /* chosen: processes that end on a busy machine */
    RELEASE_MS = 1000,
    LOOK_MS = 20
};

/* Of this run; empty: no groups here. Known to everything that is forked after watch. */
static char root[PATH_BYTES / 2], home[PATH_BYTES];
static struct jep_message why_not = {"no enclosure was entered"};

/* --- texts ------------------------------------------------------------------------------- */

bool jep_group_find(const char *text, const char *controller, char *ret_path, size_t size)
{
    size_t wanted = strlen(controller);
    for (const char *line = text; *line != 0; line += strcspn(line, "\n"), line += *line != 0) {
        size_t length = strcspn(line, "\n");
        const char *names = memchr(line, ':', length);
        const char *path =
            names != NULL ? memchr(names + 1, ':', length - (size_t)(names + 1 - line)) : NULL;
        for (const char *name = names != NULL ? names + 1 : NULL; path != NULL && name < path;) {
            size_t name_size = strcspn(name, ",:");
            if (name_size == wanted && strncmp(name, controller, wanted) == 0) {
                int put = snprintf(
                    ret_path, size, "%.*s", (int)(length - (size_t)(path + 1 - line)), path + 1);
                return put > 0 && (size_t)put < size;
            }
            name += name_size + 1;
        }
    }
    return false;
}

static uint64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

struct jep_group_stat jep_group_parse(const char *text)
{
    return (struct jep_group_stat){.periods = number_after(text, "nr_periods "),
        .throttled = number_after(text, "nr_throttled "),
        .throttled_ms = number_after(text, "throttled_time ") / 1000000};
}

static void read_text(const char *path, char ret_text[TEXT_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, ret_text, TEXT_BYTES - 1) : 0;
    ret_text[got > 0 ? got : 0] = 0;
    if (fd >= 0) {
        (void)close(fd);
    }
}

static bool put_number(
    const char *directory, const char *file, long long number, struct jep_message *message)
{
    char path[2 * PATH_BYTES], text[32];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, file);
    int size = snprintf(text, sizeof(text), "%lld", number);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_put = fd >= 0 && write(fd, text, (size_t)size) == size;
    int error = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_put || jep_failed(message, "%s: %s: %s", path, text, strerror(error));
}

/* --- the warden -------------------------------------------------------------------------- */

/* False: something is left of it. */
static bool remove_home(void)
{
    DIR *groups = opendir(home);
    struct dirent *entry;
    if (groups == NULL) {
        return errno == ENOENT;
    }
    while ((entry = readdir(groups)) != NULL) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(groups), entry->d_name, AT_REMOVEDIR);
        }
    }
    (void)closedir(groups);
    return rmdir(home) == 0;
}

/* Waits for the end of all who hold the other end of the pipe: shell, init, run. Has no descriptor
 * of theirs, so that nobody waits for it. */
static _Noreturn void be_warden(int alive)
{
    char byte;
    (void)setsid(); /* a terminal's SIGINT is not for it */
    (void)signal(SIGTERM, SIG_IGN);
    int nothing = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) {
        (void)dup2(nothing, fd);
    }
    (void)dup2(alive, 3);
    (void)close_range(4, ~0u, 0);
    while (read(3, &byte, 1) < 0 && errno == EINTR) {
    }
    int64_t deadline = jep_now_ns() + REMOVE_MS * (int64_t)1000000;
    while (!remove_home() && jep_now_ns() < deadline) {
        jep_sleep_ms(LOOK_MS);
    }
    _exit(0);
}

static bool start_warden(void)
{
    int ends[2], status;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    (void)fflush(NULL);
    pid_t between = fork();
    if (between == 0) {
        pid_t warden = fork(); /* no child of the shell's, which waits for its own */
        if (warden == 0) {
            (void)close(ends[1]);
            be_warden(ends[0]);
        }
        _exit(warden > 0 ? 0 : 1);
    }
    (void)close(ends[0]); /* the other end stays open as long as anybody of the run lives */
    bool is_started = between > 0 && waitpid(between, &status, 0) == between && status == 0;
    if (!is_started) {
        (void)close(ends[1]);
    }
    return is_started;
}

static const char *find_root(void)
{
    static const char *const places[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"};
    char path[TEXT_BYTES], text[TEXT_BYTES];
    read_text("/proc/self/cgroup", text);
    if (!jep_group_find(text, "cpu", path, sizeof(path))) {
        (void)jep_failed(&why_not, "no control groups of version 1 for the processor");
        return NULL;
    }
    if (strcmp(path, "/") != 0) {
        (void)jep_failed(&why_not, "somebody else manages the groups: this is %.200s", path);
        return NULL;
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/cgroup.procs", places[i]);
        if (access(path, W_OK) == 0) {
            return places[i];
        }
    }
    (void)jep_failed(&why_not, "control groups cannot be written");
    return NULL;
}

void jep_group_watch(void)
{
    root[0] = home[0] = 0;
    const char *found = find_root();
    if (found == NULL) {
        return;
    }
    (void)snprintf(root, sizeof(root), "%s", found);
    /* Numbers of processes are given again, and are others in each namespace. */
    (void)snprintf(home, sizeof(home), "%s/weft-jepsen-%d-%llx", found, (int)getpid(),
        (unsigned long long)jep_now_ns());
    if (!start_warden()) {
        root[0] = home[0] = 0;
        (void)jep_failed(&why_not, "no warden for control groups: %s", strerror(errno));
    }
}

bool jep_group_can(struct jep_message *why)
{
    return home[0] != 0 || jep_failed(why, "%s", why_not.text);
}

/* --- groups ------------------------------------------------------------------------------ */

static void group_path(const char *name, char ret_path[2 * PATH_BYTES])
{
    (void)snprintf(ret_path, 2 * PATH_BYTES, "%s/%.60s", home, name);
}

bool jep_group_limit(const char *name, pid_t pid, unsigned percent, struct jep_message *message)
{
    char path[2 * PATH_BYTES];
    bool is_short = percent > 0 && percent < 100;
    long long period_us = 100LL * JEP_GROUP_QUOTA_US / (is_short ? percent : 1);
    long long quota_us = is_short ? JEP_GROUP_QUOTA_US : -1; /* -1: none */
    if (!jep_group_can(message)) {
        return false;
    }
    jep_group_release(name);
    group_path(name, path);
    if ((mkdir(home, 0755) != 0 && errno != EEXIST) || mkdir(path, 0755) != 0) {
        return jep_failed(message, "%s: %s", path, strerror(errno));
    }
    bool is_limited = put_number(path, "cpu.cfs_period_us", period_us, message) &&
                      put_number(path, "cpu.cfs_quota_us", quota_us, message) &&
                      put_number(path, "cgroup.procs", pid, message);
    if (!is_limited) {
        jep_group_release(name);
    }
    return is_limited;
}

struct jep_group_stat jep_group_stat(const char *name)
{
    char path[2 * PATH_BYTES], file[2 * PATH_BYTES + 16], text[TEXT_BYTES];
    group_path(name, path);
    (void)snprintf(file, sizeof(file), "%s/cpu.stat", path);
    read_text(file, text);
    return jep_group_parse(text);
}

void jep_group_release(const char *name)
{
    char path[2 * PATH_BYTES], file[2 * PATH_BYTES + 16], text[TEXT_BYTES], *rest;
    struct jep_message ignored;
    if (home[0] == 0) {
        return;
    }
    group_path(name, path);
    (void)snprintf(file, sizeof(file), "%s/cgroup.procs", path);
    int64_t deadline = jep_now_ns() + RELEASE_MS * (int64_t)1000000;
    do { /* what has just ended still counts for a moment */
        read_text(file, text);
        for (char *pid = strtok_r(text, "\n", &rest); pid != NULL;
             pid = strtok_r(NULL, "\n", &rest)) {
            (void)put_number(root, "cgroup.procs", atoll(pid), &ignored);
        }
        if (rmdir(path) == 0 || errno != EBUSY) {
            return;
        }
        jep_sleep_ms(1);
    } while (jep_now_ns() < deadline);
}
