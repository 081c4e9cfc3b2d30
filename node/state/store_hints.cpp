// C++, since RocksDB's C API, as of 7.8, says nothing of hints of memtables.
#include "node/state/store_hints.h"

#include <rocksdb/c.h>
#include <rocksdb/options.h>
#include <rocksdb/slice_transform.h>

// What its own db/c.cc defines under this name, and hands on from.
struct rocksdb_options_t {
    rocksdb::Options rep;
};

namespace
{

class by_type final : public rocksdb::SliceTransform
{
  public:
    explicit by_type(bool (*has)(uint8_t)) : has_(has)
    {
    }

    const char *Name() const override
    {
        return "weft-type";
    }

    rocksdb::Slice Transform(const rocksdb::Slice &key) const override
    {
        return {key.data(), 1};
    }

    bool InDomain(const rocksdb::Slice &key) const override
    {
        return !key.empty() && has_(static_cast<uint8_t>(key[0]));
    }

  private:
    bool (*has_)(uint8_t);
};

} // namespace

void weft_store_hints_keep(rocksdb_options_t *options, bool (*has)(uint8_t type))
{
    options->rep.memtable_insert_with_hint_prefix_extractor = std::make_shared<by_type>(has);
}
