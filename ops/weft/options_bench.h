/* ops/weft/options_bench.h: options of the loads: lists for the rows of commands.c, each with its
 * end. */
#ifndef WEFT_OPS_OPTIONS_BENCH_H
#define WEFT_OPS_OPTIONS_BENCH_H

#include "ops/weft/command.h"

extern const struct weft_option weft_bench_write_options[];
extern const struct weft_option weft_bench_read_options[];
extern const struct weft_option weft_bench_trace_options[];

#endif
