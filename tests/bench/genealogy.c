#include "tests/bench/genealogy.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/check.h"

enum {
    BATCH_UNITS = 25,
    LEAVES_PER_LOT = 500,
    PARTS_PER_GLUE = 2000,
    LINES = 4, /* Each takes every fourth unit, and a lot goes to one of them. */
    FIELDS_MAX = 8,
    LINKS_MAX = 8,
};

#define TIME_FIRST INT64_C(1704067200000000000) /* 2024-01-01T00:00:00Z, ns */
#define TIME_STEP INT64_C(1000000000)           /* between records, ns */

/* Parts of a unit on each level; GENEALOGY_UNIT_PARTS together. */
static const uint32_t sizes[GENEALOGY_LEVELS] = {1, 2, 4, 8, 12, 14, 15, 15, 15, 14};

static const char *const kinds[GENEALOGY_PART_RECORDS] = {"as_built", "inspection", "movement"};

/* --- words ----------------------------------------------------------------------------------- */

uint64_t genealogy_mix(uint64_t number)
{
    uint64_t x = number + UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static struct weft_text text(struct weft_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static struct weft_text text(struct weft_arena *arena, const char *format, ...)
{
    char buffer[64];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(buffer, sizeof(buffer), format, args);
    va_end(args);
    weft_assert(size >= 0 && (size_t)size < sizeof(buffer));
    struct weft_text copy = weft_arena_text(arena, weft_text_of(buffer));
    weft_assert(copy.data != NULL); /* The caller's arena is large enough. */
    return copy;
}

struct weft_text genealogy_part(struct weft_arena *arena, uint32_t level, uint32_t number)
{
    return text(arena, "serial:p%" PRIu32 "/%07" PRIu32, level, number);
}

/* --- how many -------------------------------------------------------------------------------- */

uint32_t genealogy_parts(const struct genealogy *g, uint32_t level)
{
    weft_assert(level < GENEALOGY_LEVELS);
    return g->units * sizes[level];
}

static uint32_t up(uint32_t number, uint32_t step)
{
    return (number + step - 1) / step;
}

/* The first of the parts of a unit, one level deeper, that part `number` of this level is made of.
 */
static uint32_t first_below(uint32_t level, uint32_t number)
{
    return up(number * sizes[level + 1], sizes[level]);
}

static bool is_leaf(uint32_t level, uint32_t number)
{
    return level + 1 == GENEALOGY_LEVELS ||
           first_below(level, number) == first_below(level, number + 1);
}

/* Parts of a unit that are made of no parts, among those before this one, deepest level first. */
static uint32_t leaves_before(uint32_t level, uint32_t number)
{
    uint32_t count = 0;
    for (uint32_t l = GENEALOGY_LEVELS; l-- > level;) {
        for (uint32_t i = 0; i < (l == level ? number : sizes[l]); i++) {
            count += is_leaf(l, i);
        }
    }
    return count;
}

static uint32_t leaves_of_unit(void)
{
    return leaves_before(0, sizes[0]);
}

static uint32_t raw_lots(const struct genealogy *g)
{
    return up(g->units * leaves_of_unit(), LEAVES_PER_LOT);
}

static uint32_t glue_lots(const struct genealogy *g, uint32_t level)
{
    return up(genealogy_parts(g, level), PARTS_PER_GLUE);
}

uint32_t genealogy_lots(const struct genealogy *g)
{
    uint32_t count = 2 + raw_lots(g);
    for (uint32_t level = 0; level < GENEALOGY_LEVELS; level++) {
        count += glue_lots(g, level);
    }
    return count;
}

uint64_t genealogy_records(const struct genealogy *g)
{
    return genealogy_lots(g) + (uint64_t)g->units * GENEALOGY_UNIT_PARTS * GENEALOGY_PART_RECORDS;
}

/* --- a record -------------------------------------------------------------------------------- */

/* One being made. */
struct draft {
    struct weft_arena *arena;
    struct weft_field *fields;
    struct weft_link *links;
    uint32_t field_count, link_count;
};

static struct draft begin(struct weft_arena *arena)
{
    struct draft d = {.arena = arena,
        .fields = weft_arena_array(arena, FIELDS_MAX, sizeof(*d.fields)),
        .links = weft_arena_array(arena, LINKS_MAX, sizeof(*d.links))};
    weft_assert(d.fields != NULL && d.links != NULL); /* The caller's arena is large enough. */
    return d;
}

static void field(
    struct draft *d, const char *path, enum weft_value_type type, struct weft_text value)
{
    weft_assert(d->field_count < FIELDS_MAX);
    d->fields[d->field_count++] = (struct weft_field){weft_text_of(path), value, type};
}

static void link_to(struct draft *d, const char *rel, struct weft_text to)
{
    weft_assert(d->link_count < LINKS_MAX);
    d->links[d->link_count++] = (struct weft_link){.rel = weft_text_of(rel), .to = to};
}

/* With a quantity of the link's own. */
static void material(struct draft *d, const char *rel, struct weft_text to, const char *quantity,
    enum weft_value_type type, const char *unit)
{
    struct weft_field *fields = weft_arena_array(d->arena, 2, sizeof(*fields));
    weft_assert(fields != NULL);
    fields[0] = (struct weft_field){WEFT_TEXT("quantity"), weft_text_of(quantity), type};
    fields[1] = (struct weft_field){WEFT_TEXT("unit"), weft_text_of(unit), WEFT_VALUE_TEXT};
    link_to(d, rel, to);
    d->links[d->link_count - 1].fields = fields;
    d->links[d->link_count - 1].field_count = unit[0] != '\0' ? 2 : 1;
}

/* A lot that one unit in `share` takes: those of one line, from `from` per cent of all units on,
 * until it is used up. */
static bool takes(
    const struct genealogy *g, uint32_t unit, uint32_t share, uint32_t from, uint32_t line)
{
    uint32_t first = g->units / 100 * from, size = LINES * (g->units / share);
    return unit >= first && unit < first + size && unit % LINES == line;
}

static void lots_of_leaf(
    const struct genealogy *g, struct draft *d, uint32_t level, uint32_t unit, uint32_t number)
{
    uint32_t leaf = unit * leaves_of_unit() + leaves_before(level, number);
    material(d, "uses_lot", text(d->arena, "lot:raw/%" PRIu32, leaf / LEAVES_PER_LOT), "0.25",
        WEFT_VALUE_REAL, "kg");
    if (takes(g, unit, 10, 20, 1)) {
        material(d, "uses_lot", WEFT_TEXT(GENEALOGY_LOT_BIG), "0.1", WEFT_VALUE_REAL, "kg");
    }
    if (takes(g, unit, 100, 10, 2)) {
        material(d, "uses_lot", WEFT_TEXT(GENEALOGY_LOT_MID), "0.1", WEFT_VALUE_REAL, "kg");
    }
}

static void as_built(
    const struct genealogy *g, struct draft *d, uint32_t level, uint32_t part, uint64_t random)
{
    uint32_t unit = part / sizes[level], number = part % sizes[level], line = unit % LINES;
    field(d, "station", WEFT_VALUE_TEXT,
        text(d->arena, "plant1/line%" PRIu32 "/st-%02" PRIu32, line, 3 * level + number % 3));
    field(d, "operator", WEFT_VALUE_TEXT, text(d->arena, "op/%03u", (unsigned)(random % 200)));
    field(d, "program", WEFT_VALUE_TEXT, text(d->arena, "P%" PRIu32 "-r2", level));
    field(d, "torque/value", WEFT_VALUE_REAL, text(d->arena, "12.%03u", (unsigned)(random % 1000)));
    field(d, "torque/unit", WEFT_VALUE_TEXT, WEFT_TEXT("N.m"));
    field(d, "cycle_s", WEFT_VALUE_INT, text(d->arena, "%u", (unsigned)(20 + random % 60)));
    if (is_leaf(level, number)) {
        lots_of_leaf(g, d, level, unit, number);
    } else {
        for (uint32_t i = first_below(level, number); i < first_below(level, number + 1); i++) {
            material(d, "consumes",
                genealogy_part(d->arena, level + 1, unit * sizes[level + 1] + i), "1",
                WEFT_VALUE_INT, "");
        }
    }
    if (random % 2 == 0) {
        material(d, "uses_lot",
            text(d->arena, "lot:glue%" PRIu32 "/%" PRIu32, level, part / PARTS_PER_GLUE), "2",
            WEFT_VALUE_INT, "g");
    }
    link_to(d, "instance_of", text(d->arena, "part:p%" PRIu32 "-%02" PRIu32, level, number));
    link_to(d, "made_on",
        text(d->arena, "plant1/line%" PRIu32 "/mill-%" PRIu32, line, level * 8 + number % 8));
}

static void inspection(struct draft *d, uint32_t part, uint64_t random)
{
    bool is_bad = random % 64 == 0;
    field(d, "verdict", WEFT_VALUE_TEXT, is_bad ? WEFT_TEXT("FAIL") : WEFT_TEXT("PASS"));
    field(d, "flatness/value", WEFT_VALUE_REAL,
        text(d->arena, "0.0%02u", (unsigned)(is_bad ? 51 : random % 50)));
    field(d, "flatness/unit", WEFT_VALUE_TEXT, WEFT_TEXT("mm"));
    field(d, "flatness/max", WEFT_VALUE_REAL, WEFT_TEXT("0.050"));
    field(d, "gauge", WEFT_VALUE_TEXT, text(d->arena, "gauge/%02" PRIu32, part % 40));
    field(d, "operator", WEFT_VALUE_TEXT, text(d->arena, "op/%03u", (unsigned)(random % 30)));
}

static void movement(struct draft *d, uint32_t level, uint32_t part)
{
    field(d, "from", WEFT_VALUE_TEXT, text(d->arena, "plant1/buffer/%02" PRIu32, level));
    field(d, "carrier", WEFT_VALUE_TEXT, text(d->arena, "tray/%04" PRIu32, part % 5000));
    link_to(d, "location", text(d->arena, "plant1/store/%02" PRIu32, part % 60));
}

/* --- one after another ----------------------------------------------------------------------- */

static struct weft_text lot_name(
    const struct genealogy *g, struct weft_arena *arena, uint32_t number)
{
    if (number < 2) {
        return number == 0 ? WEFT_TEXT(GENEALOGY_LOT_BIG) : WEFT_TEXT(GENEALOGY_LOT_MID);
    }
    number -= 2;
    if (number < raw_lots(g)) {
        return text(arena, "lot:raw/%" PRIu32, number);
    }
    number -= raw_lots(g);
    uint32_t level = 0;
    while (number >= glue_lots(g, level)) {
        number -= glue_lots(g, level++);
    }
    return text(arena, "lot:glue%" PRIu32 "/%" PRIu32, level, number);
}

static void step_part(struct genealogy *g)
{
    g->statement++;
    if (g->statement < GENEALOGY_PART_RECORDS) {
        return;
    }
    g->statement = 0;
    g->part++;
    if (g->part < BATCH_UNITS * sizes[g->level]) {
        return;
    }
    g->part = 0;
    if (g->level > 0) {
        g->level--;
        return;
    }
    g->level = GENEALOGY_LEVELS - 1;
    g->batch++;
}

void genealogy_init(struct genealogy *g, uint32_t units, uint64_t seed)
{
    weft_assert(units > 0 && units <= GENEALOGY_UNITS_MAX && units % GENEALOGY_UNITS_STEP == 0);
    *g = (struct genealogy){.seed = seed, .units = units, .level = GENEALOGY_LEVELS - 1};
}

bool genealogy_next(struct genealogy *g, struct weft_arena *arena, struct weft_record *ret_record)
{
    if (g->made == genealogy_records(g)) {
        return false;
    }
    struct draft d = begin(arena);
    uint64_t random = genealogy_mix(g->seed ^ genealogy_mix(g->made));
    struct weft_record record = {
        .at_ns = TIME_FIRST + (int64_t)g->made * TIME_STEP, .has_at = true};
    if (g->lot < genealogy_lots(g)) {
        record.kind = WEFT_TEXT("receipt");
        record.asset = lot_name(g, arena, g->lot++);
        field(
            &d, "supplier", WEFT_VALUE_TEXT, text(arena, "supplier-%02u", (unsigned)(random % 40)));
        field(&d, "mass/value", WEFT_VALUE_INT, text(arena, "%u", (unsigned)(random % 5000)));
        field(&d, "mass/unit", WEFT_VALUE_TEXT, WEFT_TEXT("kg"));
    } else {
        uint32_t part = g->batch * BATCH_UNITS * sizes[g->level] + g->part;
        record.kind = weft_text_of(kinds[g->statement]);
        record.asset = genealogy_part(arena, g->level, part);
        if (g->statement == 0) {
            as_built(g, &d, g->level, part, random);
        } else if (g->statement == 1) {
            inspection(&d, part, random);
        } else {
            movement(&d, g->level, part);
        }
        step_part(g);
    }
    g->made++;
    record.fields = d.fields;
    record.field_count = d.field_count;
    record.links = d.links;
    record.link_count = d.link_count;
    *ret_record = record;
    return true;
}
