/* tests/bench/genealogy.h: the history of a generated plant, record by record, from a seed.
 *
 * A unit is a pump of 100 parts on ten BOM levels, its parts made of parts one level deeper and,
 * at the end of each path, of raw lots; half of all parts take glue from a lot, too. Units are
 * built 25 at a time, the deepest level first; each part is built, inspected and put into store,
 * one record each. The receipts of all lots come first. Two lots are there to be traced: what they
 * are in is exactly one unit in ten and one in a hundred, with all of its parts. Pure. */
#ifndef WEFT_TESTS_BENCH_GENEALOGY_H
#define WEFT_TESTS_BENCH_GENEALOGY_H

#include <stdint.h>

#include "proto/record.h"

enum {
    GENEALOGY_LEVELS = 10,
    GENEALOGY_UNIT_PARTS = 100,
    GENEALOGY_PART_RECORDS = 3,
    GENEALOGY_UNITS_STEP = 100, /* Units come in hundreds, so that the traced lots are exact. */
    GENEALOGY_UNITS_MAX = 100 * 1000,
};

#define GENEALOGY_LOT_BIG "lot:big"
#define GENEALOGY_LOT_MID "lot:mid"

struct genealogy {
    uint64_t seed;
    uint32_t units; /* A multiple of GENEALOGY_UNITS_STEP. */
    uint64_t made;  /* Records so far. */
    uint32_t lot;   /* Receipts so far. */
    /* The next record's part: of this batch of units, this level of BOM, this number in it. */
    uint32_t batch, level, part, statement;
};

void genealogy_init(struct genealogy *g, uint32_t units, uint64_t seed);
/* The next record, with everything in it in the arena, which is large enough for it. False: that
 * was the last one. */
bool genealogy_next(struct genealogy *g, struct weft_arena *arena, struct weft_record *ret_record);

/* How many of all there are. */
uint64_t genealogy_records(const struct genealogy *g);
uint32_t genealogy_lots(const struct genealogy *g);
/* Parts of a level in all units together. */
uint32_t genealogy_parts(const struct genealogy *g, uint32_t level);

/* "serial:p3/0001234", from 0 on. */
struct weft_text genealogy_part(struct weft_arena *arena, uint32_t level, uint32_t number);

/* Numbers that look random (splitmix64, Steele, Lea and Flood, 2014). */
uint64_t genealogy_mix(uint64_t number);

#endif
