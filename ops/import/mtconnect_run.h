/* ops/import/mtconnect_run.h: the lines of one run of a machine, summed up as they come.
 *
 * A line is "time|item|value" or, as adapters also write it, "time|item|value|item|value...";
 * of a condition only the level is looked at. A line that is neither is counted as damaged: it
 * stays in the block, byte for byte, and takes no part in the summary. Memory does not grow. */
#ifndef WEFT_OPS_IMPORT_MTCONNECT_RUN_H
#define WEFT_OPS_IMPORT_MTCONNECT_RUN_H

#include "ops/import/fieldset.h"
#include "ops/import/mtconnect_devices.h"

enum {
    WEFT_RUN_ITEMS_MAX = 40,    /* data items that are summed up; 11 fields each at most */
    WEFT_RUN_VALUES_MAX = 6,    /* different texts that are counted, of one item */
    WEFT_RUN_PROGRAMS_MAX = 16, /* that are named */
    WEFT_RUN_TEXT_SIZE_MAX = 120,
    WEFT_RUN_LINE_SIZE_MAX = 64 * 1024,
};

struct weft_run_text {
    uint16_t size; /* Cut at WEFT_RUN_TEXT_SIZE_MAX, at a whole character. */
    char data[WEFT_RUN_TEXT_SIZE_MAX];
};

struct weft_run_value {
    struct weft_run_text text;
    uint64_t count;
};

struct weft_run_item {
    struct weft_run_text name;
    const struct weft_data_item *model; /* NULL: the device model does not have it. */
    uint64_t count, missing, numbers;   /* missing: empty or UNAVAILABLE. */
    double min, max, sum, rest;         /* Of the numbers; rest: what the sum has lost. */
    struct weft_run_text min_text, max_text, first, last;
    struct weft_run_value values[WEFT_RUN_VALUES_MAX];
    uint32_t value_count;
    bool has_more_values;
};

struct weft_run_summary {
    const struct weft_devices *devices;
    const struct weft_device *device; /* NULL: no model. */
    struct weft_run_item items[WEFT_RUN_ITEMS_MAX];
    uint32_t item_count, item_last;
    uint64_t lines, samples, damaged, first_damaged, left_out, out_of_order;
    int64_t start_ns, end_ns, last_ns;
    struct weft_run_text programs[WEFT_RUN_PROGRAMS_MAX]; /* In order of their first run. */
    uint32_t program_count;
    struct weft_run_text program; /* The last one. */
    bool has_more_programs;
};

void weft_run_summary_init(struct weft_run_summary *run, const struct weft_devices *devices,
    const struct weft_device *device);
/* Without its end of line. */
void weft_run_summary_line(struct weft_run_summary *run, struct weft_text line);
/* What the run says, as fields. */
void weft_run_summary_fields(const struct weft_run_summary *run, struct weft_fieldset *f);

#endif
