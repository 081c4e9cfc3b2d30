/* node/state/store_log.h: RocksDB's own log, as lines for whoever listens.
 *
 * RocksDB writes no log file here. It would write one beside its data, and Debian builds it with
 * its assertions on, one of which ends the process at the next line after one that could not be
 * written: on a full disk. */
#ifndef WEFT_NODE_STATE_STORE_LOG_H
#define WEFT_NODE_STATE_STORE_LOG_H

#include <stdbool.h>

struct rocksdb_options_t;

enum {
    WEFT_STORE_LINE_SIZE_MAX = 512 /* chosen: RocksDB's warnings name a file or two */
};

/* A warning or an error in RocksDB's own words. Any thread, also within calls of the store. */
typedef void weft_store_complaint(bool is_error, const char *text);

/* Who hears of damage that a read has met. */
struct weft_store_damage {
    void (*tell)(void *ctx, const char *text); /* NULL: nobody is told. */
    void *ctx;
};

#ifdef __cplusplus
extern "C" {
#endif

/* Warnings and errors go to `on_complaint` (NULL: nowhere) until the store is closed, everything
 * else nowhere. Longer lines are cut. */
void weft_store_log_set(struct rocksdb_options_t *options, weft_store_complaint *on_complaint);

#ifdef __cplusplus
}
#endif

#endif
