#include "node/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/check.h"
#include "proto/time.h"

enum {
    PATH_SIZE = 1024,
    NODE_SIZE = 64,
    /* Event names counted at once; chosen: more than there are. Past it the least recently
     * used name is forgotten, so that a flood cannot grow the table. */
    EVENTS_MAX = 256,
    EVENT_SIZE = 48,
};

struct rate {
    char event[EVENT_SIZE];
    uint32_t tokens;
    uint64_t refilled_ms;
    uint64_t used_ms;
    uint64_t suppressed; /* Since a line was last let through. */
};

static struct {
    pthread_mutex_t mutex;
    enum weft_log_level level;
    int fd;
    char path[PATH_SIZE]; /* "": standard error. */
    char node[NODE_SIZE];
    struct rate rates[EVENTS_MAX];
    uint32_t rate_count;
    uint64_t suppressed;
} logger = {.mutex = PTHREAD_MUTEX_INITIALIZER, .level = WEFT_LOG_INFO, .fd = STDERR_FILENO};

static const char *const level_names[WEFT_LOG_LEVELS] = {
    [WEFT_LOG_DEBUG] = "debug",
    [WEFT_LOG_INFO] = "info",
    [WEFT_LOG_WARN] = "warn",
    [WEFT_LOG_ERROR] = "error",
};

const char *weft_log_level_name(enum weft_log_level level)
{
    weft_assert((unsigned)level < WEFT_LOG_LEVELS);
    return level_names[level];
}

enum weft_err weft_log_level_parse(const char *text, enum weft_log_level *ret_level)
{
    for (int i = 0; i < WEFT_LOG_LEVELS; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret_level = (enum weft_log_level)i;
            return WEFT_OK;
        }
    }
    return WEFT_EINVAL;
}

static enum weft_err open_log(const char *path, int *ret_fd, struct weft_msg *msg)
{
    if (path[0] == '\0') {
        *ret_fd = STDERR_FILENO;
        return WEFT_OK;
    }
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return weft_fail(msg, WEFT_EIO, "log file %s: %s", path, strerror(errno));
    }
    *ret_fd = fd;
    return WEFT_OK;
}

/* With the mutex held. */
static void replace_fd(int fd)
{
    if (logger.fd != STDERR_FILENO) {
        (void)close(logger.fd);
    }
    logger.fd = fd;
}

enum weft_err weft_log_to(
    enum weft_log_level level, const char *file, const char *node, struct weft_msg *msg)
{
    int fd = -1;
    file = file != NULL ? file : "";
    if (strlen(file) >= PATH_SIZE || strlen(node) >= NODE_SIZE) {
        return weft_fail(msg, WEFT_EINVAL, "log file or node name too long");
    }
    enum weft_err err = open_log(file, &fd, msg);
    if (err != WEFT_OK) {
        return err;
    }
    (void)pthread_mutex_lock(&logger.mutex);
    replace_fd(fd);
    logger.level = level;
    (void)snprintf(logger.path, sizeof(logger.path), "%s", file);
    (void)snprintf(logger.node, sizeof(logger.node), "%s", node);
    (void)pthread_mutex_unlock(&logger.mutex);
    return WEFT_OK;
}

enum weft_err weft_log_reopen(struct weft_msg *msg)
{
    int fd = -1;
    (void)pthread_mutex_lock(&logger.mutex);
    enum weft_err err = open_log(logger.path, &fd, msg);
    if (err == WEFT_OK) {
        replace_fd(fd);
    }
    (void)pthread_mutex_unlock(&logger.mutex);
    return err;
}

void weft_log_set_level(enum weft_log_level level)
{
    __atomic_store_n(&logger.level, level, __ATOMIC_RELAXED);
}

bool weft_log_is_on(enum weft_log_level level)
{
    return level >= __atomic_load_n(&logger.level, __ATOMIC_RELAXED);
}

void weft_log_close(void)
{
    (void)pthread_mutex_lock(&logger.mutex);
    replace_fd(STDERR_FILENO);
    logger.path[0] = '\0';
    (void)pthread_mutex_unlock(&logger.mutex);
}

uint64_t weft_log_suppressed(void)
{
    (void)pthread_mutex_lock(&logger.mutex);
    uint64_t suppressed = logger.suppressed;
    (void)pthread_mutex_unlock(&logger.mutex);
    return suppressed;
}

static struct rate *rate_of(const char *event, uint64_t now_ms)
{
    struct rate *oldest = &logger.rates[0];
    for (uint32_t i = 0; i < logger.rate_count; i++) {
        if (strncmp(logger.rates[i].event, event, EVENT_SIZE - 1) == 0) {
            return &logger.rates[i];
        }
        oldest = logger.rates[i].used_ms < oldest->used_ms ? &logger.rates[i] : oldest;
    }
    struct rate *rate =
        logger.rate_count < EVENTS_MAX ? &logger.rates[logger.rate_count++] : oldest;
    *rate = (struct rate){.tokens = WEFT_LOG_BURST, .refilled_ms = now_ms};
    (void)snprintf(rate->event, sizeof(rate->event), "%s", event);
    return rate;
}

/* A token bucket per event name. *ret_suppressed: lines to own up to in the one let through. */
static bool may_pass(
    enum weft_log_level level, const char *event, uint64_t now_ms, uint64_t *ret_suppressed)
{
    struct rate *rate = rate_of(event, now_ms);
    uint64_t refill = (now_ms - rate->refilled_ms) / WEFT_LOG_REFILL_MS;
    rate->used_ms = now_ms;
    if (refill > 0) {
        rate->tokens = refill >= WEFT_LOG_BURST - rate->tokens ? WEFT_LOG_BURST
                                                               : rate->tokens + (uint32_t)refill;
        rate->refilled_ms += refill * WEFT_LOG_REFILL_MS;
    }
    if (rate->tokens == 0 && level < WEFT_LOG_ERROR) {
        rate->suppressed++;
        logger.suppressed++;
        return false;
    }
    rate->tokens -= rate->tokens > 0 ? 1 : 0;
    *ret_suppressed = rate->suppressed;
    rate->suppressed = 0;
    return true;
}

struct line {
    char text[WEFT_LOG_LINE_SIZE_MAX];
    size_t size;
    bool is_cut;
};

static void put(struct line *line, const char *data, size_t size)
{
    /* Room is kept for the closing quote, the mark of a cut and the end of the line. */
    size_t room = sizeof(line->text) - line->size - 8;
    if (size > room) {
        line->is_cut = true;
        return;
    }
    memcpy(line->text + line->size, data, size);
    line->size += size;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

static bool is_plain(const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@+-,[]%#*";
    return text[0] != '\0' && strspn(text, plain) == strlen(text);
}

/* In quotes, with what could break the line or the quotes escaped; UTF-8 passes as it is,
 * control characters (C0, DEL) do not. */
static void put_value(struct line *line, const char *text)
{
    if (is_plain(text)) {
        put_text(line, text);
        return;
    }
    put_text(line, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0' && !line->is_cut; c++) {
        char escape[8];
        if (*c == '"' || *c == '\\') {
            (void)snprintf(escape, sizeof(escape), "\\%c", *c);
        } else if (*c == '\n') {
            (void)snprintf(escape, sizeof(escape), "\\n");
        } else if (*c < 0x20 || *c == 0x7f) {
            (void)snprintf(escape, sizeof(escape), "\\x%02x", *c);
        } else {
            escape[0] = (char)*c;
            escape[1] = '\0';
        }
        put_text(line, escape);
    }
    line->text[line->size++] = '"'; /* From the room that put() keeps. */
}

static void put_field(struct line *line, const struct weft_log_field *field)
{
    char number[24];
    if (line->is_cut) {
        return;
    }
    put_text(line, " ");
    put_text(line, field->key);
    put_text(line, "=");
    switch (field->type) {
    case WEFT_LOG_TEXT:
        put_value(line, field->text != NULL ? field->text : "");
        return;
    case WEFT_LOG_UNSIGNED:
        (void)snprintf(number, sizeof(number), "%" PRIu64, field->number);
        put_text(line, number);
        return;
    case WEFT_LOG_SIGNED:
        (void)snprintf(number, sizeof(number), "%" PRId64, (int64_t)field->number);
        put_text(line, number);
        return;
    }
}

static void make_line(struct line *line, enum weft_log_level level, const char *event,
    const struct weft_log_field *fields, size_t field_count)
{
    char time_text[WEFT_TIME_TEXT_SIZE];
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    weft_time_format((int64_t)now.tv_sec * 1000000000 + now.tv_nsec / 1000000 * 1000000, time_text);
    line->size = 0;
    line->is_cut = false;
    put_text(line, time_text);
    put_text(line, " ");
    put_text(line, weft_log_level_name(level));
    put_text(line, " event=");
    put_text(line, event);
    if (logger.node[0] != '\0') {
        struct weft_log_field node = weft_log_text("node", logger.node);
        put_field(line, &node);
    }
    for (size_t i = 0; i < field_count; i++) {
        put_field(line, &fields[i]);
    }
    if (line->is_cut) {
        memcpy(line->text + line->size, " ...", 4);
        line->size += 4;
    }
    line->text[line->size++] = '\n';
}

/* One write a line, so that lines of several processes on one stderr do not mix. A log that
 * cannot be written must not stop the node. */
static void write_line(const struct line *line)
{
    size_t done = 0;
    while (done < line->size) {
        ssize_t written = write(logger.fd, line->text + done, line->size - done);
        if (written < 0 && errno != EINTR) {
            return;
        }
        done += written > 0 ? (size_t)written : 0;
    }
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void weft_log_write(enum weft_log_level level, const char *event,
    const struct weft_log_field *fields, size_t field_count)
{
    uint64_t suppressed = 0;
    if (!weft_log_is_on(level)) {
        return;
    }
    (void)pthread_mutex_lock(&logger.mutex);
    if (may_pass(level, event, monotonic_ms(), &suppressed)) {
        struct line line;
        if (suppressed > 0) {
            struct weft_log_field own_up[] = {
                weft_log_text("of", event), weft_log_unsigned("lines", suppressed)};
            make_line(&line, WEFT_LOG_WARN, "log_suppressed", own_up, 2);
            write_line(&line);
        }
        make_line(&line, level, event, fields, field_count);
        write_line(&line);
    }
    (void)pthread_mutex_unlock(&logger.mutex);
}
