#include "jepsen/cluster/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jepsen/core/arena.h"

enum {
    OUTPUT_BYTES_MAX = 4 * 1024 * 1024, /* chosen: the status of a site is 20 KiB */
    NOT_STARTED = 127                   /* as a shell has it */
};

extern char **environ;

int64_t jep_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void jep_sleep_ms(unsigned ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* "NAME=..." of an entry is given anew in env. */
static bool is_replaced(const char *entry, const char *const *env)
{
    size_t size = strcspn(entry, "=");
    for (; env != NULL && *env != NULL; env++) {
        if (strncmp(entry, *env, size) == 0 && (*env)[size] == '=') {
            return true;
        }
    }
    return false;
}

/* Pointers into environ and env; freed by the caller. */
static char **merge_environment(const char *const *env)
{
    size_t count = 0, added = 0, at = 0;
    while (environ[count] != NULL) {
        count++;
    }
    while (env != NULL && env[added] != NULL) {
        added++;
    }
    char **merged = jep_alloc(count + added + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        if (!is_replaced(environ[i], env)) {
            merged[at++] = environ[i];
        }
    }
    for (size_t i = 0; i < added; i++) {
        merged[at++] = (char *)(uintptr_t)env[i];
    }
    merged[at] = NULL;
    return merged;
}

static void be_descriptor(int fd, int wanted, int null)
{
    /* Copies, so that the flag that closes them at exec is off. */
    if (dup2(fd > 0 ? fd : null, wanted) < 0) {
        _exit(NOT_STARTED);
    }
}

/* After fork in a process with threads: async-signal-safe calls only (fork(2)). */
static _Noreturn void be_program(const struct jep_program *p, char **environment, int null)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;
    (void)sigemptyset(&none);
    for (int number = 1; number < 32; number++) {
        (void)sigaction(number, &action, NULL);
    }
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid(); /* a terminal's ^C is for the harness */
    struct rlimit core = {p->core_bytes, p->core_bytes};
    (void)setrlimit(RLIMIT_CORE, &core);
    if ((p->netns > 0 && setns(p->netns, CLONE_NEWNET) != 0) ||
        (p->cwd != NULL && chdir(p->cwd) != 0)) {
        _exit(NOT_STARTED);
    }
    be_descriptor(p->in, 0, null);
    be_descriptor(p->out, 1, null);
    be_descriptor(p->err, 2, null);
    (void)execve(p->argv[0], (char *const *)(uintptr_t)p->argv, environment);
    _exit(NOT_STARTED);
}

pid_t jep_process_start(const struct jep_program *program, struct jep_message *message)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        (void)jep_failed(message, "open /dev/null: %s", strerror(errno));
        return -1;
    }
    char **environment = merge_environment(program->env);
    pid_t pid = fork();
    if (pid == 0) {
        be_program(program, environment, null);
    }
    if (pid < 0) {
        (void)jep_failed(message, "fork: %s", strerror(errno));
    }
    free(environment);
    (void)close(null);
    return pid;
}

bool jep_process_wait(pid_t pid, int64_t deadline_ns, int *ret_status)
{
    for (;;) {
        pid_t ended = waitpid(pid, ret_status, WNOHANG);
        if (ended == pid) {
            return true;
        }
        if (ended < 0 && errno != EINTR) {
            *ret_status = 0; /* not ours any more */
            return true;
        }
        if (jep_now_ns() >= deadline_ns) {
            return false;
        }
        jep_sleep_ms(1);
    }
}

int jep_process_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool open_pipe(int *ret_read, int *ret_write)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    *ret_read = ends[0];
    *ret_write = ends[1];
    return true;
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i] > 0) {
            (void)close(fds[i]);
        }
    }
}

bool jep_capture_open(struct jep_capture *capture, const char *const *argv, const char *const *env,
    int *ret_feed, struct jep_message *message)
{
    struct jep_program program = {.argv = argv, .env = env};
    memset(capture, 0, sizeof(*capture));
    if (ret_feed != NULL) {
        *ret_feed = 0;
    }
    bool is_open = open_pipe(&capture->out, &program.out) &&
                   open_pipe(&capture->err, &program.err) &&
                   (ret_feed == NULL || open_pipe(&program.in, ret_feed));
    if (!is_open) {
        (void)jep_failed(message, "pipe: %s", strerror(errno));
    }
    capture->pid = is_open ? jep_process_start(&program, message) : -1;
    close_all((const int[]){program.in, program.out, program.err}, 3);
    if (capture->pid < 0) {
        close_all((const int[]){capture->out, capture->err, ret_feed != NULL ? *ret_feed : 0}, 3);
        return false;
    }
    return true;
}

bool jep_capture_start(struct jep_capture *capture, const char *const *argv, const char *const *env,
    const char *input, struct jep_message *message)
{
    int feed = 0;
    if (!jep_capture_open(capture, argv, env, input != NULL ? &feed : NULL, message)) {
        return false;
    }
    if (input != NULL) {
        (void)!write(feed, input, strlen(input)); /* fits into the pipe */
        (void)close(feed);
    }
    return true;
}

/* False: the end of the pipe. */
static bool read_some(int fd, struct jep_text *text)
{
    char bytes[4096];
    ssize_t got = read(fd, bytes, sizeof(bytes));
    if (got > 0 && text->size + (size_t)got <= OUTPUT_BYTES_MAX) {
        jep_text_add(text, bytes, (size_t)got);
    }
    return got > 0 || (got < 0 && errno == EINTR);
}

static unsigned count_lines(const struct jep_text *text)
{
    unsigned lines = 0;
    for (size_t i = 0; i < text->size; i++) {
        lines += text->bytes[i] == '\n';
    }
    return lines;
}

bool jep_capture_lines(struct jep_capture *capture, unsigned lines, int64_t deadline_ns)
{
    struct pollfd fd = {.fd = capture->out, .events = POLLIN};
    while (count_lines(&capture->stdout_text) < lines) {
        int64_t left_ms = (deadline_ns - jep_now_ns()) / 1000000;
        if (left_ms <= 0 || (poll(&fd, 1, (int)left_ms) < 0 && errno != EINTR)) {
            return false;
        }
        if (fd.revents != 0 && !read_some(capture->out, &capture->stdout_text)) {
            return false;
        }
    }
    return true;
}

int jep_capture_finish(struct jep_capture *capture, int64_t deadline_ns)
{
    struct pollfd fds[2] = {
        {.fd = capture->out, .events = POLLIN}, {.fd = capture->err, .events = POLLIN}};
    struct jep_text *texts[2] = {&capture->stdout_text, &capture->stderr_text};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        int64_t left_ms = (deadline_ns - jep_now_ns()) / 1000000;
        if (left_ms <= 0 ||
            (poll(fds, 2, left_ms < 1000 ? (int)left_ms : 1000) < 0 && errno != EINTR)) {
            break;
        }
        for (int i = 0; i < 2; i++) {
            if (fds[i].fd >= 0 && fds[i].revents != 0 && !read_some(fds[i].fd, texts[i])) {
                fds[i].fd = -1;
            }
        }
    }
    int status = 0;
    bool is_ended = jep_process_wait(capture->pid, deadline_ns, &status);
    if (!is_ended) {
        (void)kill(capture->pid, SIGKILL);
        (void)waitpid(capture->pid, &status, 0);
    }
    (void)close(capture->out);
    (void)close(capture->err);
    capture->pid = 0;
    return !is_ended ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void jep_capture_free(struct jep_capture *capture)
{
    jep_text_free(&capture->stdout_text);
    jep_text_free(&capture->stderr_text);
}

bool jep_run(const char *const *argv, const char *const *env, unsigned timeout_ms,
    struct jep_message *message)
{
    struct jep_capture capture;
    if (!jep_capture_start(&capture, argv, env, NULL, message)) {
        return false;
    }
    int code = jep_capture_finish(&capture, jep_now_ns() + (int64_t)timeout_ms * 1000000);
    bool is_done = code == 0;
    if (!is_done) {
        const char *said = capture.stderr_text.size > 0 ? capture.stderr_text.bytes : "";
        size_t size = strlen(said), most = JEP_MESSAGE_BYTES / 2;
        (void)jep_failed(message, "%s %s: exit %d: %s", argv[0], argv[1] != NULL ? argv[1] : "",
            code, size > most ? said + size - most : said);
    }
    jep_capture_free(&capture);
    return is_done;
}
