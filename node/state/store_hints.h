/* node/state/store_hints.h: where memtables look first for the place of a new key.
 *
 * A write batch has its keys in order, or nearly. By default a memtable begins anew unless a key
 * goes in right behind the last one, whatever it is of. RocksDB keeps one hint for what is put and
 * for ranges that are forgotten, though these are in tables of their own, and a hint of the wrong
 * table spoils the list: so types of which a range is ever forgotten have none. */
#ifndef WEFT_NODE_STATE_STORE_HINTS_H
#define WEFT_NODE_STATE_STORE_HINTS_H

#include <stdbool.h>
#include <stdint.h>

struct rocksdb_options_t;

#ifdef __cplusplus
extern "C" {
#endif

/* Before opening: keys of a type that `has` (a key's first byte) have a hint for it: from where its
 * last one went in. Any thread. */
void weft_store_hints_keep(struct rocksdb_options_t *options, bool (*has)(uint8_t type));

#ifdef __cplusplus
}
#endif

#endif
