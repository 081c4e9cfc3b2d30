/* node/state/store_files.h: what RocksDB knows of its files from when it wrote them.
 *
 * A block's own checksum is looked at when the block is read, which may be long after a file was
 * damaged and copied into checkpoints. The checksum of a whole file is taken while it is written
 * and kept apart from it, so whoever reads the file anyway can compare. */
#ifndef WEFT_NODE_STATE_STORE_FILES_H
#define WEFT_NODE_STATE_STORE_FILES_H

#include <stdbool.h>
#include <stdint.h>

struct rocksdb_options_t;
struct rocksdb_t;

/* Of a live table or blob file: its number ("000010.sst" or "000010.blob") and the CRC-32C of its
 * bytes. Files written before checksums were kept are not told of. False: no more. */
typedef bool weft_store_on_file(void *ctx, uint64_t number, uint32_t crc32c);

#ifdef __cplusplus
extern "C" {
#endif

/* Before opening: keep checksums of what is written from now on. */
void weft_store_files_keep(struct rocksdb_options_t *options);
/* Write all of them anew, without what was replaced. False: `ret_reason` says why not. */
bool weft_store_files_rewrite(struct rocksdb_t *db, char ret_reason[256]);
/* Is a snapshot held that is older than `sequence`? */
bool weft_store_files_is_held(struct rocksdb_t *db, uint64_t sequence);
/* False: they cannot be read. */
bool weft_store_files_list(struct rocksdb_t *db, weft_store_on_file *on_file, void *ctx);

#ifdef __cplusplus
}
#endif

#endif
