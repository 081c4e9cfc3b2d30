#include "ops/weft/options_bench.h"

/* Options of the loads: see commands.c. */

#define END                                                                                        \
    {                                                                                              \
        NULL, 0, NULL, NULL                                                                        \
    }

const struct weft_option weft_bench_write_options[] = {
    {"clients", 0, "N", "connections (8)"},
    {"outstanding", 0, "N", "requests in flight per connection (1)"},
    {"rate", 0, "N", "per second, all together; latency counts from when one was due"},
    {"seconds", 's', "S", "how long is measured (10)"},
    {"warmup", 0, "S", "how long before that (1)"},
    {"size", 0, "BYTES", "of a record, about (300)"},
    {"records", 0, "N", "in a commit (1)"},
    {"kinds", 0, "N", "of records: bench.load.0 and so on, one for each connection in turn"},
    {"assets", 0, "N", "written in turn (100000)"},
    {"count", 0, "N", "stop after so many commits"},
    {"prefix", 0, "ID", "of the assets (bench)"},
    END,
};
const struct weft_option weft_bench_read_options[] = {
    {"clients", 0, "N", "connections (8)"},
    {"outstanding", 0, "N", "requests in flight per connection (1)"},
    {"rate", 0, "N", "per second, all together; latency counts from when one was due"},
    {"seconds", 's', "S", "how long is measured (10)"},
    {"warmup", 0, "S", "how long before that (1)"},
    {"size", 0, "BYTES", "of a record, about (300)"},
    {"assets", 0, "N", "read at random (1000); written first"},
    {"count", 0, "N", "stop after so many reads"},
    {"prefix", 0, "ID", "of the assets (bench)"},
    {"spread", 0, NULL, "connections to all endpoints in turn instead of the first"},
    {"stale", 0, NULL, "not linearizable"},
    END,
};

const struct weft_option weft_bench_trace_options[] = {
    {"clients", 0, "N", "connections (8)"},
    {"outstanding", 0, "N", "requests in flight per connection (1)"},
    {"rate", 0, "N", "per second, all together; latency counts from when one was due"},
    {"seconds", 's', "S", "how long is measured (10)"},
    {"warmup", 0, "S", "how long before that (1)"},
    {"count", 0, "N", "stop after so many traces"},
    {"back", 0, NULL, "what it is made of, instead of where it went"},
    {"ids", 0, NULL, "only the names"},
    {"records", 0, NULL, "the records too that are the evidence"},
    {"spread", 0, NULL, "connections to all endpoints in turn instead of the first"},
    {"stale", 0, NULL, "not linearizable"},
    END,
};
