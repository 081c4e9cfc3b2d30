/* node/logger.h: the log: one line per decision, key=value, under a stable event name.
 *
 *     2017-07-28T08:16:42.104Z info event=leader_elected node=n1 term=7
 *
 * Values that hold anything but plain characters are quoted and escaped, so that one event is
 * one line whatever a peer put into it. Events that repeat are limited per name; what was
 * left out is said when the name is next let through. No secrets or payloads. Safe to call from any
 * thread. */
#ifndef WEFT_NODE_LOGGER_H
#define WEFT_NODE_LOGGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

enum weft_log_level {
    WEFT_LOG_DEBUG,
    WEFT_LOG_INFO,
    WEFT_LOG_WARN,
    WEFT_LOG_ERROR,
    WEFT_LOG_LEVELS
};

/* WEFT_LOG_LINE_SIZE_MAX cuts longer lines. Per event name, WEFT_LOG_BURST lines pass at once
 * and one more each WEFT_LOG_REFILL_MS; lines of level error always pass. */
enum {
    WEFT_LOG_LINE_SIZE_MAX = 2048,
    WEFT_LOG_BURST = 20,
    WEFT_LOG_REFILL_MS = 1000
};

/* `file` NULL or "": stderr. `node` is written into each line unless it is "".
 * WEFT_EINVAL, WEFT_EIO: the log goes on where it went before (stderr at first). */
WEFT_MUST_USE enum weft_err weft_log_to(
    enum weft_log_level level, const char *file, const char *node, struct weft_msg *msg);
/* Open the file again (after log rotation; SIGHUP). Not from a signal handler. */
WEFT_MUST_USE enum weft_err weft_log_reopen(struct weft_msg *msg);
void weft_log_set_level(enum weft_log_level level);
bool weft_log_is_on(enum weft_log_level level);
/* Write and close; later lines go to stderr. */
void weft_log_close(void);

/* "debug", "info", "warn", "error". */
const char *weft_log_level_name(enum weft_log_level level);
/* WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_log_level_parse(const char *text, enum weft_log_level *ret_level);

/* A value with its key; keys are [a-z0-9_] literals. Made by weft_kv. */
struct weft_log_field {
    const char *key;
    enum {
        WEFT_LOG_TEXT,
        WEFT_LOG_UNSIGNED,
        WEFT_LOG_SIGNED
    } type;
    const char *text; /* NULL is written as "". */
    uint64_t number;
};

static inline struct weft_log_field weft_log_text(const char *key, const char *text)
{
    return (struct weft_log_field){.key = key, .type = WEFT_LOG_TEXT, .text = text};
}

static inline struct weft_log_field weft_log_unsigned(const char *key, uint64_t number)
{
    return (struct weft_log_field){.key = key, .type = WEFT_LOG_UNSIGNED, .number = number};
}

static inline struct weft_log_field weft_log_signed(const char *key, int64_t number)
{
    return (struct weft_log_field){.key = key, .type = WEFT_LOG_SIGNED, .number = (uint64_t)number};
}

#define weft_kv(key, value)                                                                        \
    _Generic((value),                                                                              \
        char *: weft_log_text,                                                                     \
        const char *: weft_log_text,                                                               \
        signed char: weft_log_signed,                                                              \
        short: weft_log_signed,                                                                    \
        int: weft_log_signed,                                                                      \
        long: weft_log_signed,                                                                     \
        long long: weft_log_signed,                                                                \
        default: weft_log_unsigned)((key), (value))

/* One line, if the level is on and the event's rate allows:
 *
 *     weft_log(WEFT_LOG_INFO, "leader_elected", weft_kv("term", term), weft_kv("by", name));
 *
 * `event` is a [a-z0-9_] literal. */
#define weft_log(level, event, ...)                                                                \
    weft_log_write((level), (event), (const struct weft_log_field[]){{0}, __VA_ARGS__} + 1,        \
        sizeof((const struct weft_log_field[]){{0}, __VA_ARGS__}) /                                \
                sizeof(struct weft_log_field) -                                                    \
            1)
void weft_log_write(enum weft_log_level level, const char *event,
    const struct weft_log_field *fields, size_t field_count);

/* Lines kept back by the rate limit since the start. */
uint64_t weft_log_suppressed(void);

#endif
