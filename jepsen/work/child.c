#include "jepsen/work/child.h"

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

static int run(const char *const *argv, int64_t deadline_ns)
{
    struct jep_program program = {
        .argv = argv, .in = 0, .out = STDOUT_FILENO, .err = STDERR_FILENO};
    struct jep_message message;
    int status;
    (void)fflush(stdout);
    pid_t pid = jep_process_start(&program, &message);
    if (pid < 0) {
        (void)fprintf(stderr, "jepsen: %s: %s\n", argv[0], message.text);
        return JEP_EXIT_HARNESS;
    }
    if (!jep_process_wait(pid, deadline_ns, &status)) {
        (void)kill(pid, SIGKILL);
        (void)jep_process_wait(pid, INT64_MAX, &status);
        return -1;
    }
    return jep_process_code(status);
}

int jep_child_run(const char *const *argv)
{
    const char *words[WORDS_MAX] = {"/proc/self/exe"};
    size_t count = 1;
    for (; *argv != NULL && count + 1 < WORDS_MAX; argv++) {
        words[count++] = *argv;
    }
    words[count] = NULL;
    return run(words, INT64_MAX);
}

int jep_child_run_program(const char *const *argv, const char *bin, unsigned limit_s)
{
    const char *words[WORDS_MAX];
    char path[4352];
    size_t count = 1;
    (void)snprintf(path, sizeof(path), "%s/%s", bin, argv[0]);
    words[0] = path;
    for (argv++; *argv != NULL && count + 1 < WORDS_MAX; argv++) {
        words[count++] = *argv;
    }
    words[count] = NULL;
    return run(words, jep_now_ns() + (int64_t)limit_s * 1000000000);
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
