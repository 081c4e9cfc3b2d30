#include "node/state/twin/bom.h"

#include <math.h>

/* Sums of decimal literals in binary: equal within what the rounding of many can add up to. */
#define QUANTITY_TOLERANCE 1e-9

static const char *const kind_names[] = {
    "", "revision", "missing", "unexpected", "component", "quantity"};

const char *weft_difference_kind_name(enum weft_difference_kind kind)
{
    return kind_names[kind];
}

enum weft_err weft_bom_read(const struct weft_record *record, const struct weft_moment *moment,
    struct weft_arena *arena, struct weft_bom *ret_bom)
{
    struct weft_bom bom = {.moment = *moment};
    bom.lines = weft_arena_array(arena, record->link_count, sizeof(*bom.lines));
    bom.alternates = weft_arena_array(arena, record->link_count, sizeof(*bom.alternates));
    if (bom.lines == NULL || bom.alternates == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < record->link_count; i++) {
        const struct weft_link *link = &record->links[i];
        struct weft_text find = weft_fact_link_text(link, "find");
        if (weft_text_is(link->rel, "bom_line")) {
            bom.lines[bom.line_count++] = (struct weft_bom_line){.to = link->to,
                .quantity = weft_fact_link_text(link, "quantity"),
                .unit = weft_fact_link_text(link, "unit"),
                .find = find,
                .link = link};
        } else if (weft_text_is(link->rel, "alternate")) {
            bom.alternates[bom.alternate_count++] =
                (struct weft_alternate){.to = link->to, .find = find};
        }
    }
    *ret_bom = bom;
    return WEFT_OK;
}

bool weft_part_fits(const struct weft_part *want, const struct weft_part *have)
{
    return weft_text_equal(want->type, have->type) &&
           (want->revision.size == 0 || have->revision.size == 0 ||
               weft_text_equal(want->revision, have->revision));
}

/* --- comparing ------------------------------------------------------------------------------- */

struct tally {
    double wanted;
    double found;
    uint32_t component_count;
    bool is_uncounted; /* Something in it has no quantity: it is there, nobody knows how much. */
};

struct comparison {
    const struct weft_bom *bom;
    struct tally *tallies; /* Of the lines. */
    struct weft_difference *differences;
    uint32_t count;
};

static double number_or(struct weft_text text, double fallback)
{
    double number;
    return weft_fact_number(text, &number) ? number : fallback;
}

/* Does the component belong to the line? Exactly, as an alternate, or (`is_loose`) as another
 * revision of the part that the line wants. */
static bool belongs(const struct weft_bom *bom, const struct weft_bom_line *line,
    const struct weft_component *component, bool is_loose)
{
    if (line->find.size > 0 && component->find.size > 0 &&
        !weft_text_equal(line->find, component->find)) {
        return false;
    }
    if (is_loose) {
        return weft_text_equal(line->part.type, component->part.type);
    }
    if (weft_part_fits(&line->part, &component->part)) {
        return true;
    }
    for (uint32_t i = 0; i < bom->alternate_count; i++) {
        const struct weft_alternate *alternate = &bom->alternates[i];
        if (weft_text_equal(alternate->find, line->find) &&
            weft_part_fits(&alternate->part, &component->part)) {
            return true;
        }
    }
    return false;
}

/* The line that it belongs to: one that still wants some, else the first. -1: none. */
static int64_t line_of(
    const struct comparison *c, const struct weft_component *component, bool is_loose)
{
    int64_t first = -1;
    for (uint32_t i = 0; i < c->bom->line_count; i++) {
        if (belongs(c->bom, &c->bom->lines[i], component, is_loose)) {
            if (c->tallies[i].found < c->tallies[i].wanted) {
                return i;
            }
            first = first < 0 ? i : first;
        }
    }
    return first;
}

static void place(struct comparison *c, const struct weft_component *component)
{
    int64_t line = line_of(c, component, false);
    if (line < 0) {
        line = line_of(c, component, true);
        struct weft_difference difference = {.kind = WEFT_DIFFERENCE_UNEXPECTED,
            .find = component->find,
            .found = component->part,
            .component = component->asset};
        if (line >= 0) {
            difference.kind = WEFT_DIFFERENCE_COMPONENT;
            difference.wanted = c->bom->lines[line].part;
            difference.find = c->bom->lines[line].find;
        }
        c->differences[c->count++] = difference;
        if (line < 0) {
            return;
        }
    }
    struct tally *tally = &c->tallies[line];
    const struct weft_bom_line *wanted = &c->bom->lines[line];
    bool is_other_unit = component->unit.size > 0 && wanted->unit.size > 0 &&
                         !weft_text_equal(component->unit, wanted->unit);
    tally->component_count++;
    tally->is_uncounted = tally->is_uncounted || !component->is_counted || is_other_unit;
    tally->found += number_or(component->quantity, 1);
}

static void judge(struct comparison *c, uint32_t line)
{
    const struct tally *tally = &c->tallies[line];
    const struct weft_bom_line *wanted = &c->bom->lines[line];
    struct weft_difference difference = {.kind = WEFT_DIFFERENCE_MISSING,
        .find = wanted->find,
        .wanted = wanted->part,
        .quantity = wanted->quantity.size > 0 ? wanted->quantity : WEFT_TEXT("1"),
        .unit = wanted->unit,
        .quantity_found = tally->found};
    if (tally->component_count > 0) {
        double slack = QUANTITY_TOLERANCE * fmax(fabs(tally->wanted), fabs(tally->found));
        if (tally->is_uncounted || fabs(tally->found - tally->wanted) <= slack) {
            return;
        }
        difference.kind = WEFT_DIFFERENCE_QUANTITY;
    } else if (tally->wanted == 0) {
        return; /* A line for reference. */
    }
    c->differences[c->count++] = difference;
}

enum weft_err weft_bom_compare(const struct weft_bom *bom, const struct weft_component *components,
    uint32_t component_count, struct weft_arena *arena, struct weft_difference **ret_differences,
    uint32_t *ret_count)
{
    struct comparison c = {.bom = bom};
    c.tallies = weft_arena_array(arena, bom->line_count, sizeof(*c.tallies));
    c.differences =
        weft_arena_array(arena, (size_t)bom->line_count + component_count, sizeof(*c.differences));
    if (c.tallies == NULL || c.differences == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < bom->line_count; i++) {
        c.tallies[i].wanted = number_or(bom->lines[i].quantity, 1);
    }
    for (uint32_t i = 0; i < component_count; i++) {
        place(&c, &components[i]);
    }
    for (uint32_t i = 0; i < bom->line_count; i++) {
        judge(&c, i);
    }
    *ret_differences = c.differences;
    *ret_count = c.count;
    return WEFT_OK;
}
