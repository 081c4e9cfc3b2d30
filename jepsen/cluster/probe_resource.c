#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jepsen/cluster/group.h"
#include "jepsen/cluster/limits.h"
#include "jepsen/cluster/probe.h"
#include "jepsen/cluster/process.h"

enum {
    SPIN_MS = 500,  /* five periods */
    SEEN_MS = 5000, /* a busy machine gives it less than its quota for a while */
    PERCENT = 2,    /* of one processor */
    NO_QUOTA = 100
};

/* --- a process with a quota of processor time -------------------------------------------- */

bool jep_probe_quota(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    struct jep_group_stat stat = {0};
    int status;
    (void)place;
    pid_t child = fork();
    if (child == 0) {
        for (volatile unsigned turns = 0;; turns++) {
        }
    }
    bool is_limited =
        child > 0 && jep_group_limit("probe", child, is_faulty ? PERCENT : NO_QUOTA, told);
    if (is_limited) {
        int64_t deadline = jep_now_ns() + SEEN_MS * (int64_t)1000000;
        do {
            jep_sleep_ms(SPIN_MS);
            stat = jep_group_stat("probe");
        } while (is_faulty && stat.throttled == 0 && jep_now_ns() < deadline);
    }
    if (child > 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
    }
    jep_group_release("probe");
    if (!is_limited) {
        return false;
    }
    (void)jep_failed(told, "throttled in %llu of %llu periods", (unsigned long long)stat.throttled,
        (unsigned long long)stat.periods);
    return (stat.throttled > 0) == is_faulty;
}

/* --- a process that may open no more files ----------------------------------------------- */

/* Opens one when it is told to, and says how that went. */
static _Noreturn void be_opener(int orders, int answers)
{
    char byte;
    int error = 0;
    if (read(orders, &byte, 1) == 1) {
        error = open("/dev/null", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
    }
    (void)!write(answers, &error, sizeof(error));
    _exit(0);
}

bool jep_probe_files(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    int orders[2], answers[2], error = -1, status;
    (void)place;
    if (pipe2(orders, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0) {
        return jep_failed(told, "pipe: %s", strerror(errno));
    }
    pid_t child = fork();
    if (child == 0) {
        be_opener(orders[0], answers[1]);
    }
    (void)close(answers[1]);
    unsigned next = jep_limits_next_file(child);
    uint64_t limit = is_faulty ? jep_limits_files_below(next, 1) : next + 16;
    bool is_limited = child > 0 && jep_limits_set_files(child, limit, NULL, told);
    bool is_told = is_limited && write(orders[1], "o", 1) == 1 &&
                   read(answers[0], &error, sizeof(error)) == (ssize_t)sizeof(error);
    (void)close(orders[0]);
    (void)close(orders[1]);
    (void)close(answers[0]);
    if (child > 0) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
    }
    if (!is_limited) {
        return false;
    }
    (void)jep_failed(told, "%u is next, limit %llu: %s", next, (unsigned long long)limit,
        !is_told     ? "no answer"
        : error == 0 ? "another one opened"
                     : strerror(error));
    return is_told && error == (is_faulty ? EMFILE : 0);
}
