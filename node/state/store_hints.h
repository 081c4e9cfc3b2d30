/* node/state/store_hints.h: where memtables look first for the place of a new key.
 *
 * A write batch has its keys in order, or nearly. By default a memtable begins anew unless a key
 * goes in right behind the last one, whatever it is of. */
#ifndef WEFT_NODE_STATE_STORE_HINTS_H
#define WEFT_NODE_STATE_STORE_HINTS_H

struct rocksdb_options_t;

#ifdef __cplusplus
extern "C" {
#endif

/* Before opening: of each type of key from where its last one went in. */
void weft_store_hints_keep(struct rocksdb_options_t *options);

#ifdef __cplusplus
}
#endif

#endif
