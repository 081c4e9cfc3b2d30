/* tests/bench/thread_disk.c: what each index of a state takes on the disk.
 *
 * usage: thread_disk DIRECTORY (of the state, of a node that is stopped)
 *
 * Keys begin with the letter of their type (node/state/README.md), so RocksDB's estimate of the
 * bytes between two letters is what the type takes, compressed as it is. Prints JSON. */
#include <rocksdb/c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TYPES = 256
};

int main(int argc, char **argv)
{
    char *error = NULL;
    char bounds[TYPES][2];
    const char *from[TYPES], *to[TYPES];
    size_t from_sizes[TYPES], to_sizes[TYPES];
    uint64_t bytes[TYPES] = {0};
    if (argc != 2) {
        (void)fprintf(stderr, "usage: thread_disk DIRECTORY\n");
        return 2;
    }
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_options_set_info_log_level(options, 4); /* FATAL */
    rocksdb_t *db = rocksdb_open_for_read_only(options, argv[1], 0, &error);
    if (db == NULL) {
        (void)fprintf(stderr, "thread_disk: %s\n", error);
        free(error);
        return 1;
    }
    for (int i = 0; i < TYPES; i++) {
        bounds[i][0] = (char)i;
        bounds[i][1] = (char)0xff; /* With the letter before it: behind all of its keys. */
        from[i] = to[i] = bounds[i];
        from_sizes[i] = to_sizes[i] = 1;
    }
    for (int i = 0; i + 1 < TYPES; i++) {
        to[i] = bounds[i + 1];
    }
    to_sizes[TYPES - 1] = 2;
    rocksdb_approximate_sizes(db, TYPES, from, from_sizes, to, to_sizes, bytes, &error);
    if (error != NULL) {
        (void)fprintf(stderr, "thread_disk: %s\n", error);
        free(error);
        return 1;
    }
    const char *comma = "{";
    for (int i = 'A'; i <= 'Z'; i++) {
        if (bytes[i] > 0) {
            (void)printf("%s\"%c\": %llu", comma, i, (unsigned long long)bytes[i]);
            comma = ", ";
        }
    }
    (void)printf("%s}\n", comma[0] == '{' ? "{" : "");
    rocksdb_close(db);
    rocksdb_options_destroy(options);
    return 0;
}
