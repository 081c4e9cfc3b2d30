/* tests/lib/entries.h: Raft entries as a leader makes them, for tests and benches of the state. */
#ifndef WEFT_TESTS_LIB_ENTRIES_H
#define WEFT_TESTS_LIB_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/client.h"
#include "proto/entry.h"
#include "raft/log.h"

/* Zero-initialized is ready. Memory is kept from one entry to the next. */
struct test_entry {
    struct weft_buffer bytes;
    struct weft_buffer body;
    const struct weft_warrant *warrant; /* Of items that are added from now on; NULL: none. */
};

void test_entry_begin(struct test_entry *e);
/* False: the entry is full; it is as before. */
bool test_entry_commit(
    struct test_entry *e, const char *principal, const struct weft_commit *commit);
void test_entry_item(struct test_entry *e, enum weft_item_type type, const char *principal,
    const void *body, size_t size);
/* Seal with a salt seed that follows from the index. The result borrows from `e`. */
struct weft_log_entry test_entry_end(
    struct test_entry *e, uint64_t index, uint64_t term, int64_t time_ns);
void test_entry_destroy(struct test_entry *e);

#endif
