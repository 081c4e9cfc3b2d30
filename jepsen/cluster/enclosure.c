#include "jepsen/cluster/enclosure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jepsen/cluster/group.h"
#include "jepsen/cluster/port.h"
#include "jepsen/cluster/process.h"

/* JEP-41. Three processes: the shell (the caller, outside), the init (process 1 inside, which the
 * kernel takes everything with), and the run (its child, which returns from jep_enclosure_enter).
 *
 *     shell ends  ->  init gets SIGKILL (PR_SET_PDEATHSIG; a pipe closes the race before it is set)
 *     init ends   ->  the kernel ends all processes of its namespace, and waits for them
 *     run ends    ->  init sees it, and ends with the same exit code; so does the shell */

static volatile sig_atomic_t passes_to; /* whom SIGINT and SIGTERM are for */

static void pass_on(int number)
{
    if (passes_to > 0) {
        (void)kill((pid_t)passes_to, number);
    }
}

static void pass_signals_to(pid_t pid)
{
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    passes_to = pid;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static void take_signals_again(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static bool write_whole(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool is_written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    (void)close(fd);
    return is_written;
}

/* In the user namespace of a caller who is not root, the caller is. */
static bool map_user(uid_t uid, gid_t gid, struct jep_message *message)
{
    char map[64];
    (void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
    if (!write_whole("/proc/self/uid_map", map)) {
        return jep_failed(message, "write uid_map: %s", strerror(errno));
    }
    (void)write_whole("/proc/self/setgroups", "deny");
    (void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
    if (!write_whole("/proc/self/gid_map", map)) {
        return jep_failed(message, "write gid_map: %s", strerror(errno));
    }
    return true;
}

static bool set_up(const char *mount_point, struct jep_message *message)
{
    /* Nothing that is mounted here may reach the outside. */
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return jep_failed(message, "make mounts private: %s", strerror(errno));
    }
    /* A container that hides parts of /proc refuses a new one; the old one does for us. */
    (void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    if (mount("jepsen", mount_point, "tmpfs", MS_NOSUID, "mode=0755") != 0) {
        return jep_failed(message, "mount tmpfs at %s: %s", mount_point, strerror(errno));
    }
    if (sethostname("jepsen", 6) != 0) {
        return jep_failed(message, "set host name: %s", strerror(errno));
    }
    return jep_port_raise_loopback(message);
}

static _Noreturn void be_init(pid_t run)
{
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, 0);
        if (ended == run) {
            _exit(jep_process_code(status));
        }
        if (ended < 0 && errno != EINTR) {
            _exit(3);
        }
    }
}

struct gate {
    int alive[2]; /* never written: its end is the shell's end */
    int ready[2]; /* a message from init: empty text for success */
    uid_t uid;
    gid_t gid;
    bool is_root;
};

/* Process 1. Returns in the run alone. */
static void begin_inside(const struct gate *gate, const char *mount_point)
{
    struct jep_message message = {{0}};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)close(gate->alive[1]);
    (void)close(gate->ready[0]);
    struct pollfd end = {.fd = gate->alive[0], .events = POLLIN};
    if (poll(&end, 1, 0) != 0) {
        _exit(3); /* the shell ended before the signal was asked for */
    }
    bool is_set_up = (gate->is_root || map_user(gate->uid, gate->gid, &message)) &&
                     set_up(mount_point, &message);
    pid_t run = is_set_up ? fork() : 0;
    if (run < 0) {
        is_set_up = jep_failed(&message, "fork: %s", strerror(errno));
    }
    if (run != 0 || !is_set_up) {
        (void)!write(gate->ready[1], &message, sizeof(message));
        (void)close(gate->ready[1]);
    }
    if (!is_set_up) {
        _exit(3);
    }
    if (run != 0) {
        pass_signals_to(run);
        (void)close(gate->alive[0]);
        be_init(run);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    take_signals_again();
    (void)close(gate->ready[1]);
    (void)close(gate->alive[0]);
}

static bool open_gate(struct gate *gate, struct jep_message *message)
{
    gate->uid = geteuid();
    gate->gid = getegid();
    gate->is_root = gate->uid == 0;
    if (pipe2(gate->alive, O_CLOEXEC) != 0) {
        return jep_failed(message, "pipe: %s", strerror(errno));
    }
    if (pipe2(gate->ready, O_CLOEXEC) != 0) {
        (void)close(gate->alive[0]);
        (void)close(gate->alive[1]);
        return jep_failed(message, "pipe: %s", strerror(errno));
    }
    return true;
}

/* fork(2) into new namespaces. fork() again before anything that asks libc for its own thread. */
static pid_t fork_into(unsigned long flags)
{
    return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

bool jep_enclosure_enter(
    const char *mount_point, struct jep_enclosure *ret_enclosure, struct jep_message *message)
{
    struct gate gate;
    if (strlen(mount_point) >= sizeof(ret_enclosure->scratch)) {
        return jep_failed(message, "%s: too long", mount_point);
    }
    if (!open_gate(&gate, message)) {
        return false;
    }
    unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                          (gate.is_root ? 0 : (unsigned long)CLONE_NEWUSER);
    (void)fflush(NULL);
    jep_group_watch();
    pid_t init = fork_into(flags);
    if (init == 0) {
        begin_inside(&gate, mount_point);
        (void)snprintf(ret_enclosure->scratch, sizeof(ret_enclosure->scratch), "%s", mount_point);
        ret_enclosure->is_root = gate.is_root;
        return true;
    }
    int failure = errno;
    (void)close(gate.alive[0]);
    (void)close(gate.ready[1]);
    if (init < 0) {
        (void)close(gate.alive[1]);
        (void)close(gate.ready[0]);
        return jep_failed(message, "no namespaces here: %s", strerror(failure));
    }
    pass_signals_to(init);
    struct jep_message told;
    ssize_t got = read(gate.ready[0], &told, sizeof(told));
    (void)close(gate.ready[0]);
    int status;
    if (got != (ssize_t)sizeof(told) || told.text[0] != 0) {
        (void)close(gate.alive[1]);
        (void)waitpid(init, &status, 0);
        take_signals_again();
        return jep_failed(message, "%s", got > 0 ? told.text : "the enclosure ended at once");
    }
    while (waitpid(init, &status, 0) < 0 && errno == EINTR) {
    }
    exit(
        jep_process_code(status)); /* what the caller wants done at its end is done here, outside */
}
