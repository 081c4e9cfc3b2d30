// C++, since RocksDB's C API takes a logger and, as of 7.8, has no function that makes one.
#include "node/state/store_log.h"

#include <cstdio>

#include <rocksdb/c.h>
#include <rocksdb/env.h>

// What its own db/c.cc defines under this name, and hands on from.
struct rocksdb_logger_t {
    std::shared_ptr<rocksdb::Logger> rep;
};

namespace
{

class lines final : public rocksdb::Logger
{
  public:
    explicit lines(weft_store_complaint *on_complaint)
        : Logger(rocksdb::WARN_LEVEL), on_complaint_(on_complaint)
    {
    }

    using Logger::Logv;

    void Logv(rocksdb::InfoLogLevel level, const char *format, va_list arguments) override
    {
        if (level == rocksdb::WARN_LEVEL || level == rocksdb::ERROR_LEVEL ||
            level == rocksdb::FATAL_LEVEL) {
            tell(level != rocksdb::WARN_LEVEL, format, arguments);
        }
    }

    // Lines without a level are of its INFO.
    void Logv(const char *, va_list) override
    {
    }

    void LogHeader(const char *, va_list) override
    {
    }

  private:
    void tell(bool is_error, const char *format, va_list arguments) const
    {
        char line[WEFT_STORE_LINE_SIZE_MAX];
        if (on_complaint_ != nullptr) {
            (void)std::vsnprintf(line, sizeof(line), format, arguments);
            on_complaint_(is_error, line);
        }
    }

    weft_store_complaint *on_complaint_;
};

} // namespace

void weft_store_log_set(rocksdb_options_t *options, weft_store_complaint *on_complaint)
{
    rocksdb_logger_t logger{std::make_shared<lines>(on_complaint)};
    rocksdb_options_set_info_log(options, &logger);
}
