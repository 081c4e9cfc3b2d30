#include "jepsen/core/history.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    HARNESS_ERROR = 3
};

struct jep_history_writer {
    pthread_mutex_t lock;
    int fd;
    uint64_t next_index;
    int64_t last_ns;
    struct timespec start;
    struct jep_text line;
};

static void put_keyword(struct jep_text *text, const char *key, const char *value)
{
    jep_text_puts(text, key);
    jep_text_puts(text, value);
}

static void put_value(struct jep_text *text, const char *key, const struct jep_edn *value)
{
    jep_text_puts(text, key);
    jep_edn_write(text, value);
}

void jep_op_write(struct jep_text *text, const struct jep_op *op)
{
    struct jep_edn index = jep_edn_int((int64_t)op->index), time = jep_edn_int(op->time_ns);
    struct jep_edn process =
        op->process == JEP_NEMESIS ? jep_edn_keyword("nemesis") : jep_edn_int(op->process);
    put_value(text, "{:index ", &index);
    put_value(text, ", :time ", &time);
    put_keyword(text, ", :type :", jep_op_type_name(op->type));
    put_value(text, ", :process ", &process);
    put_keyword(text, ", :f :", op->f);
    put_value(text, ", :value ", &op->value);
    if (op->node != NULL) {
        struct jep_edn node = jep_edn_string(op->node);
        put_value(text, ", :node ", &node);
    }
    if (!jep_edn_is_nil(&op->error)) {
        put_value(text, ", :error ", &op->error);
    }
    jep_text_add(text, "}\n", 2);
}

bool jep_history_writer_create(
    const char *path, struct jep_history_writer **ret_writer, struct jep_message *message)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0644);
    if (fd < 0) {
        return jep_failed(message, "%s: cannot write: %s", path, strerror(errno));
    }
    struct jep_history_writer *writer = jep_alloc(1, sizeof(*writer));
    writer->fd = fd;
    (void)pthread_mutex_init(&writer->lock, NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &writer->start);
    *ret_writer = writer;
    return true;
}

int64_t jep_history_writer_now_ns(const struct jep_history_writer *writer)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - writer->start.tv_sec) * 1000000000 + now.tv_nsec -
           writer->start.tv_nsec;
}

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, bytes, size);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            (void)fprintf(stderr, "jepsen: cannot write the history: %s\n", strerror(errno));
            _exit(HARNESS_ERROR);
        }
        bytes += wrote;
        size -= (size_t)wrote;
    }
}

void jep_history_write(
    struct jep_history_writer *writer, const struct jep_op *op, struct jep_op *ret_op)
{
    struct jep_op written = *op;
    (void)pthread_mutex_lock(&writer->lock);
    if (written.time_ns < 0) {
        written.time_ns = jep_history_writer_now_ns(writer);
    }
    if (written.time_ns < writer->last_ns) {
        written.time_ns = writer->last_ns; /* a virtual clock that was read before the lock */
    }
    writer->last_ns = written.time_ns;
    written.index = writer->next_index++;
    jep_text_reset(&writer->line);
    jep_op_write(&writer->line, &written);
    write_all(writer->fd, writer->line.bytes, writer->line.size);
    (void)pthread_mutex_unlock(&writer->lock);
    if (ret_op != NULL) {
        *ret_op = written;
    }
}

void jep_history_writer_destroy(struct jep_history_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    (void)close(writer->fd);
    (void)pthread_mutex_destroy(&writer->lock);
    jep_text_free(&writer->line);
    free(writer);
}
