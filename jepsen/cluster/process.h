/* jepsen/cluster/process.h: starting a program, from any thread, in a network namespace and a
 * directory; and running one to its end for what it prints. Children inherit the descriptors
 * 0, 1, 2 given here and no others, and default signals. */
#ifndef WEFT_JEPSEN_CLUSTER_PROCESS_H
#define WEFT_JEPSEN_CLUSTER_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "jepsen/core/text.h"

struct jep_program {
    const char *const *argv; /* argv[0] is a path; ends with NULL */
    const char *const *env;  /* NAME=VALUE, over the inherited ones; ends with NULL; NULL: none */
    int netns;               /* descriptor; 0: the caller's */
    const char *cwd;         /* NULL: the caller's */
    int in, out, err;        /* descriptors; 0: /dev/null */
    uint64_t core_bytes;     /* limit of a core file in cwd; 0: none is written */
};

/* -1: not started. A program that is not there is started, and ends with 127. */
pid_t jep_process_start(const struct jep_program *program, struct jep_message *message);
/* Waits until deadline_ns (CLOCK_MONOTONIC; 0: looks once). True: it ended, *ret_status is that of
 * waitpid(2), and the process is no more. */
bool jep_process_wait(pid_t pid, int64_t deadline_ns, int *ret_status);
/* Of waitpid(2)'s status: the exit code, or 128 + N for a signal, as a shell has it. */
int jep_process_code(int status);
/* CLOCK_MONOTONIC. */
int64_t jep_now_ns(void);
void jep_sleep_ms(unsigned ms);

/* A program whose output is kept. */
struct jep_capture {
    pid_t pid; /* 0: not running */
    int out, err;
    struct jep_text stdout_text, stderr_text;
};

/* argv and env as above. input: what it reads (at most 4096 bytes, so that nobody waits); NULL:
 * nothing. */
bool jep_capture_start(struct jep_capture *capture, const char *const *argv, const char *const *env,
    const char *input, struct jep_message *message) __attribute__((warn_unused_result));
/* The same, but its input stays open: *ret_feed, which the caller closes. */
bool jep_capture_open(struct jep_capture *capture, const char *const *argv, const char *const *env,
    int *ret_feed, struct jep_message *message) __attribute__((warn_unused_result));
/* Until it has printed as many lines as that, all told. False: its end, or the deadline. */
bool jep_capture_lines(struct jep_capture *capture, unsigned lines, int64_t deadline_ns);
/* Until its end, or the deadline, when it is killed. The exit code; 128 + N for a signal; -1 for
 * the deadline. Free the texts with jep_capture_free. */
int jep_capture_finish(struct jep_capture *capture, int64_t deadline_ns);
void jep_capture_free(struct jep_capture *capture);
/* Both, for what has to exit with 0: else false, with the last of what it said. */
bool jep_run(const char *const *argv, const char *const *env, unsigned timeout_ms,
    struct jep_message *message) __attribute__((warn_unused_result));

#endif
