// C++, since RocksDB's C API, as of 7.8, says nothing of checksums of files.
#include "node/state/store_files.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <rocksdb/c.h>
#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/options.h>

extern "C" {
#include "proto/crc32c.h"
}

// What its own db/c.cc defines under these names, and hands on from.
struct rocksdb_options_t {
    rocksdb::Options rep;
};
struct rocksdb_t {
    rocksdb::DB *rep;
};

namespace
{

const char checksum_name[] = "weft-crc32c";

// RocksDB has one of its own, which Debian's build computes in software.
class generator final : public rocksdb::FileChecksumGenerator
{
  public:
    void Update(const char *data, size_t size) override
    {
        crc32c_ = weft_crc32c(crc32c_, data, size);
    }

    void Finalize() override
    {
        for (int shift = 24; shift >= 0; shift -= 8) {
            checksum_.push_back(static_cast<char>(crc32c_ >> shift & 0xff));
        }
    }

    std::string GetChecksum() const override
    {
        return checksum_;
    }

    const char *Name() const override
    {
        return checksum_name;
    }

  private:
    uint32_t crc32c_ = 0;
    std::string checksum_;
};

class factory final : public rocksdb::FileChecksumGenFactory
{
  public:
    std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
        const rocksdb::FileChecksumGenContext &) override
    {
        return std::make_unique<generator>();
    }

    const char *Name() const override
    {
        return checksum_name;
    }
};

} // namespace

void weft_store_files_keep(rocksdb_options_t *options)
{
    options->rep.file_checksum_gen_factory = std::make_shared<factory>();
}

bool weft_store_files_list(rocksdb_t *db, weft_store_on_file *on_file, void *ctx)
{
    const std::unique_ptr<rocksdb::FileChecksumList> list(rocksdb::NewFileChecksumList());
    std::vector<uint64_t> numbers;
    std::vector<std::string> checksums, functions;
    if (!db->rep->GetLiveFilesChecksumInfo(list.get()).ok() ||
        !list->GetAllFileChecksums(&numbers, &checksums, &functions).ok()) {
        return false;
    }
    for (size_t i = 0; i < numbers.size(); i++) {
        if (functions[i] != checksum_name || checksums[i].size() != 4) {
            continue;
        }
        uint32_t crc32c = 0;
        for (const char c : checksums[i]) {
            crc32c = crc32c << 8 | static_cast<uint8_t>(c);
        }
        if (!on_file(ctx, numbers[i], crc32c)) {
            break;
        }
    }
    return true;
}

bool weft_store_files_is_held(rocksdb_t *db, uint64_t sequence)
{
    uint64_t oldest = 0; // 0: there is none.
    return db->rep->GetIntProperty(rocksdb::DB::Properties::kOldestSnapshotSequence, &oldest) &&
           oldest != 0 && oldest < sequence;
}

// Blobs move with the keys that name them: a blob file goes when nothing in it is named any more.
bool weft_store_files_rewrite(rocksdb_t *db, char ret_reason[256])
{
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    options.blob_garbage_collection_age_cutoff = 1.0;
    const rocksdb::Status status = db->rep->CompactRange(options, nullptr, nullptr);
    (void)std::snprintf(ret_reason, 256, "%s", status.ToString().c_str());
    return status.ok();
}
