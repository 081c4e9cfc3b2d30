/* tests/unit/node/checkpoint/fixture.h: a store made of a few files, for the keeper to copy. */
#ifndef WEFT_TESTS_CHECKPOINT_FIXTURE_H
#define WEFT_TESTS_CHECKPOINT_FIXTURE_H

#include "node/checkpoint/keeper.h"

enum {
    FIXTURE_CLUSTER = 77
};

/* Files "NNNN.sst" that never change, and "CURRENT", which does: the source links and copies. */
struct fixture_store {
    char directory[600];
    uint64_t index;
    uint64_t term;
    uint64_t cluster;
    uint32_t tables;        /* Number of .sst files. */
    enum weft_err take_err; /* Not WEFT_OK: take fails with it. */
    volatile int blocks;    /* take waits until it is 0. */
};

/* "<test directory>/<name>", made. */
const char *fixture_path(const char *name);
void fixture_store_init(struct fixture_store *s, const char *name);
/* One more table of `size` bytes; the position moves by one. */
void fixture_store_grow(struct fixture_store *s, size_t size);
struct weft_keeper_source fixture_source(struct fixture_store *s);

struct weft_keeper *fixture_keeper(
    const char *directory, uint32_t kept, struct weft_keeper_start *ret_start);
/* Take one and wait for it. */
struct weft_keeper_result fixture_take(struct weft_keeper *keeper, struct fixture_store *s);
/* Wait for one that is being taken. */
struct weft_keeper_result fixture_wait(struct weft_keeper *keeper);

void fixture_put(const char *path, const void *data, size_t size);
size_t fixture_get(const char *path, void *ret_data, size_t size_max);
/* Number of entries of a directory, "." and ".." not counted; -1: there is none. */
int fixture_count(const char *directory);

#endif
