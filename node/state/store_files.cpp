// C++, since RocksDB's C API, as of 7.8, says nothing of checksums of files.
#include "node/state/store_files.h"

#include <memory>
#include <string>
#include <vector>

#include <rocksdb/c.h>
#include <rocksdb/db.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/options.h>

// What its own db/c.cc defines under these names, and hands on from.
struct rocksdb_options_t {
    rocksdb::Options rep;
};
struct rocksdb_t {
    rocksdb::DB *rep;
};

void weft_store_files_keep(rocksdb_options_t *options)
{
    options->rep.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
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
        // Of functions, only this one's is known: four bytes, big-endian.
        if (functions[i] != "FileChecksumCrc32c" || checksums[i].size() != 4) {
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
