#include "jepsen/work/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "jepsen/cluster/process.h"
#include "jepsen/core/results.h"

enum {
    WORDS_MAX = 64,
    RESULTS_BYTES_MAX = 256 * 1024 * 1024
};

pid_t jep_child_start(const char *const *argv, const char *log)
{
    int flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC;
    int fd = log != NULL ? open(log, flags, 0644) : -1;
    struct jep_program program = {
        .argv = argv, .out = fd > 0 ? fd : STDOUT_FILENO, .err = fd > 0 ? fd : STDERR_FILENO};
    struct jep_message message;
    (void)fflush(stdout);
    pid_t pid = jep_process_start(&program, &message);
    if (pid < 0) {
        (void)fprintf(stderr, "jepsen: %s: %s\n", argv[0], message.text);
    }
    if (fd > 0) {
        (void)close(fd);
    }
    return pid;
}

int jep_child_wait(pid_t pid, int64_t deadline_ns)
{
    int status;
    if (pid < 0) {
        return JEP_EXIT_HARNESS;
    }
    if (!jep_process_wait(pid, deadline_ns, &status)) {
        (void)kill(-pid, SIGKILL); /* it leads a session: process.c */
        (void)jep_process_wait(pid, INT64_MAX, &status);
        return -1;
    }
    return jep_process_code(status);
}

int jep_child_run(const char *const *argv, const char *log)
{
    const char *words[WORDS_MAX] = {"/proc/self/exe"};
    for (size_t count = 1; *argv != NULL && count + 1 < WORDS_MAX; argv++) {
        words[count++] = *argv;
    }
    return jep_child_wait(jep_child_start(words, log), INT64_MAX);
}

bool jep_child_results(const char *directory, struct jep_arena *arena, struct jep_edn *ret_results)
{
    struct jep_text text = {0};
    char path[4352];
    (void)snprintf(path, sizeof(path), "%s/results.edn", directory);
    bool is_read = jep_text_read_file(&text, path, RESULTS_BYTES_MAX, NULL) &&
                   jep_edn_parse(arena, text.bytes, text.size, ret_results, NULL);
    jep_text_free(&text);
    return is_read;
}
