// C++, since RocksDB's C API, as of 7.8, says nothing of hints of memtables.
#include "node/state/store_hints.h"

#include <rocksdb/c.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>

// What its own db/c.cc defines under this name, and hands on from.
struct rocksdb_options_t {
    rocksdb::Options rep;
};

void weft_store_hints_keep(rocksdb_options_t *options)
{
    options->rep.memtable_insert_with_hint_prefix_extractor.reset(
        rocksdb::NewCappedPrefixTransform(1));
}
