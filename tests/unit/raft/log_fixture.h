/* tests/unit/raft/log_fixture.h: a disk log in a test directory, and waiting for its thread. */
#ifndef WEFT_TESTS_LOG_FIXTURE_H
#define WEFT_TESTS_LOG_FIXTURE_H

#include "raft/log.h"
#include "tests/unit/raft/faulty_disk.h"

enum {
    FIXTURE_CLUSTER = 0x11223344,
    FIXTURE_SEGMENT = 32 * 1024
};

struct weft_log_options fixture_options(const char *directory);
/* Must succeed. disk NULL: the system's. */
struct weft_log *fixture_open(
    struct faulty_disk *disk, const char *directory, struct weft_log_start *ret_start);
/* Until everything is durable, or the log is dead. */
enum weft_err fixture_settle(struct weft_log *log);
/* A fresh directory below the test's. */
const char *fixture_directory(int number);
enum weft_err fixture_append(
    struct weft_log *log, uint64_t index, uint64_t term, const void *data, size_t size);
/* Entry `index` holds `text`. */
void fixture_expect(struct weft_log *log, uint64_t index, const char *text);

#endif
