#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jepsen/cluster/enclosure.h"
#include "jepsen/cluster/probe.h"
#include "jepsen/cluster/process.h"

enum {
    END_MS = 2000,
    SLEEPER_S = 60
};

/* --- an enclosure whose shell is killed -------------------------------------------------- */

/* A process that would live for a minute, in an enclosure or not; it holds the pipe open. */
static _Noreturn void be_shell(const char *mount_point, bool is_enclosed, int held)
{
    struct jep_enclosure enclosure;
    struct jep_message message;
    if (is_enclosed && !jep_enclosure_enter(mount_point, &enclosure, &message)) {
        _exit(1);
    }
    pid_t sleeper = fork();
    if (sleeper == 0) {
        (void)!write(held, &(pid_t){getpid()}, sizeof(pid_t));
        (void)sleep(SLEEPER_S);
        _exit(0);
    }
    (void)sleep(SLEEPER_S);
    _exit(0);
}

/* Whether all writers of the pipe are gone within the time. */
static bool is_closed(int fd, int64_t deadline_ns)
{
    char byte;
    while (jep_now_ns() < deadline_ns) {
        ssize_t got = read(fd, &byte, 1);
        if (got == 0) {
            return true;
        }
        jep_sleep_ms(5);
    }
    return false;
}

bool jep_probe_enclose(
    const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    int ends[2], status;
    pid_t sleeper = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return jep_failed(told, "pipe: %s", strerror(errno));
    }
    pid_t shell = fork();
    if (shell == 0) {
        (void)close(ends[0]);
        be_shell(place->scratch, is_faulty, ends[1]);
    }
    (void)close(ends[1]);
    bool is_there = read(ends[0], &sleeper, sizeof(sleeper)) == (ssize_t)sizeof(sleeper);
    (void)kill(shell, SIGKILL);
    (void)waitpid(shell, &status, 0);
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int64_t wait_ms = is_faulty ? END_MS : 100;
    bool is_gone = is_there && is_closed(ends[0], jep_now_ns() + wait_ms * 1000000);
    (void)close(ends[0]);
    if (!is_faulty && is_there) {
        (void)kill(sleeper, SIGKILL);
    }
    if (!is_there) {
        return jep_failed(told, "no enclosure within this one");
    }
    (void)jep_failed(told, "its process %s", is_gone ? "ended with it" : "lives on");
    return is_gone == is_faulty;
}

/* --- a process that is paused ------------------------------------------------------------ */

bool jep_probe_signal(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    int ends[2], status;
    char bytes[4096];
    (void)place;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return jep_failed(told, "pipe: %s", strerror(errno));
    }
    pid_t child = fork();
    if (child == 0) {
        for (;;) {
            (void)!write(ends[1], "x", 1);
            jep_sleep_ms(1);
        }
    }
    jep_sleep_ms(20);
    if (is_faulty) {
        (void)kill(child, SIGSTOP);
        (void)waitpid(child, &status, WUNTRACED);
    }
    (void)!read(ends[0], bytes, sizeof(bytes));
    jep_sleep_ms(50);
    ssize_t got = read(ends[0], bytes, sizeof(bytes));
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)jep_failed(told, "%zd signs of life in 50 ms", got > 0 ? got : 0);
    return (got > 0) != is_faulty;
}
