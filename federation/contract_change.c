#include "federation/contract_change.h"

#include <inttypes.h>

struct differ {
    const struct weft_contract *old; /* NULL: there is none. */
    const struct weft_contract *new;
    struct weft_arena *arena;
    struct weft_buffer line;
    struct weft_contract_difference *items;
    uint32_t count;
    uint32_t capacity;
    unsigned direction; /* Bits of enum weft_policy_direction. */
    enum weft_err err;  /* The first one; the rest is then of no interest. */
};

/* --- reports --------------------------------------------------------------------------------- */

static void fail(struct differ *d, enum weft_err err)
{
    d->err = d->err == WEFT_OK ? err : d->err;
}

static bool make_room(struct differ *d)
{
    if (d->count < d->capacity) {
        return true;
    }
    uint32_t capacity = d->capacity == 0 ? 64 : 2 * d->capacity;
    struct weft_contract_difference *items = weft_arena_array(d->arena, capacity, sizeof(items[0]));
    if (items == NULL) {
        fail(d, d->arena->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG);
        return false;
    }
    if (d->count > 0) {
        memcpy(items, d->items, d->count * sizeof(items[0]));
    }
    d->items = items;
    d->capacity = capacity;
    return true;
}

/* What stands in d->line. */
static void add(struct differ *d, enum weft_policy_direction direction)
{
    if (d->err != WEFT_OK || !make_room(d)) {
        return;
    }
    struct weft_text what = weft_arena_text(d->arena, weft_buffer_as_text(&d->line));
    if (what.data == NULL) {
        fail(d, d->arena->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG);
        return;
    }
    d->items[d->count++] = (struct weft_contract_difference){direction, what};
    d->direction |= (unsigned)direction;
}

/* A line anew: "supplier.example/west: ", or nothing for what is common. */
static void begin(struct differ *d, const struct weft_contract_party *party)
{
    weft_buffer_clear(&d->line);
    if (party != NULL) {
        fail(d, weft_buffer_format(&d->line, "%.*s: ", (int)party->site.size, party->site.data));
    }
}

static void put(struct differ *d, struct weft_text text)
{
    fail(d, weft_buffer_text(&d->line, text));
}

static void put_word(struct differ *d, const char *word)
{
    put(d, weft_text_of(word));
}

/* "KIND" or "KIND PATH", then ": ". */
static void put_place(struct differ *d, struct weft_text kind, struct weft_text path)
{
    put(d, kind);
    put_word(d, path.size > 0 ? " " : "");
    put(d, path);
    put_word(d, ": ");
}

static void put_number(struct differ *d, uint64_t number, uint64_t any, const char *any_word)
{
    fail(d, number == any ? weft_buffer_text(&d->line, weft_text_of(any_word))
                          : weft_buffer_format(&d->line, "%" PRIu64, number));
}

static enum weft_policy_direction direction_of(uint64_t old, uint64_t new)
{
    return new > old ? WEFT_DIRECTION_WIDENS : WEFT_DIRECTION_NARROWS;
}

/* --- common lines ---------------------------------------------------------------------------- */

static const char *none = "nobody";

static struct weft_text party_name(const struct weft_contract *contract, uint32_t party)
{
    return contract != NULL && party != WEFT_CONTRACT_NOBODY ? contract->parties[party].site
                                                             : weft_text_of(none);
}

static uint32_t authority_of(
    const struct weft_contract *contract, const struct weft_contract_authority *of)
{
    return contract != NULL ? weft_contract_authority(contract, of->kind, of->group)
                            : WEFT_CONTRACT_NOBODY;
}

static bool names_authority(
    const struct weft_contract *contract, const struct weft_contract_authority *of)
{
    for (uint32_t i = 0; contract != NULL && i < contract->authority_count; i++) {
        const struct weft_contract_authority *a = &contract->authorities[i];
        if (weft_text_equal(a->kind, of->kind) && weft_text_equal(a->group, of->group)) {
            return true;
        }
    }
    return false;
}

static void compare_authority(struct differ *d, const struct weft_contract_authority *of)
{
    uint32_t was = authority_of(d->old, of), is = authority_of(d->new, of);
    if (was == is) { /* Parties are the same, in their order. */
        return;
    }
    begin(d, NULL);
    put_word(d, "authority ");
    put_place(d, of->kind, of->group);
    put(d, party_name(d->new, is));
    put_word(d, ", was ");
    put(d, party_name(d->old, was));
    add(d, WEFT_DIRECTION_BOTH);
}

static void compare_authorities(struct differ *d)
{
    for (uint32_t i = 0; d->old != NULL && i < d->old->authority_count; i++) {
        compare_authority(d, &d->old->authorities[i]);
    }
    for (uint32_t i = 0; i < d->new->authority_count; i++) {
        if (!names_authority(d->old, &d->new->authorities[i])) {
            compare_authority(d, &d->new->authorities[i]);
        }
    }
}

static enum weft_cell_rule rule_of(
    const struct weft_contract *contract, const struct weft_contract_cell *of)
{
    return contract != NULL ? weft_contract_rule(contract, of->kind, of->path) : WEFT_CELL_OWNER;
}

static bool names_cell(const struct weft_contract *contract, const struct weft_contract_cell *of)
{
    for (uint32_t i = 0; contract != NULL && i < contract->cell_count; i++) {
        const struct weft_contract_cell *c = &contract->cells[i];
        if (weft_text_equal(c->kind, of->kind) && weft_text_equal(c->path, of->path)) {
            return true;
        }
    }
    return false;
}

static void compare_cell(struct differ *d, const struct weft_contract_cell *of)
{
    enum weft_cell_rule was = rule_of(d->old, of), is = rule_of(d->new, of);
    if (was == is) {
        return;
    }
    begin(d, NULL);
    put_word(d, "cell ");
    put_place(d, of->kind, of->path);
    put_word(d, weft_cell_rule_name(is));
    put_word(d, ", was ");
    put_word(d, weft_cell_rule_name(was));
    add(d, WEFT_DIRECTION_BOTH);
}

static void compare_cells(struct differ *d)
{
    for (uint32_t i = 0; d->old != NULL && i < d->old->cell_count; i++) {
        compare_cell(d, &d->old->cells[i]);
    }
    for (uint32_t i = 0; i < d->new->cell_count; i++) {
        if (!names_cell(d->old, &d->new->cells[i])) {
            compare_cell(d, &d->new->cells[i]);
        }
    }
}

static void compare_template(struct differ *d, struct weft_text name)
{
    uint32_t was = d->old != NULL ? weft_contract_template_depth(d->old, name) : 0;
    uint32_t is = weft_contract_template_depth(d->new, name);
    if (was == is) {
        return;
    }
    begin(d, NULL);
    put_word(d, "template ");
    put(d, name);
    put_word(d, ": ");
    put_number(d, is, 0, "not allowed");
    put_word(d, ", was ");
    put_number(d, was, 0, "not allowed");
    add(d, direction_of(was, is));
}

static void compare_templates(struct differ *d)
{
    for (uint32_t i = 0; d->old != NULL && i < d->old->template_count; i++) {
        compare_template(d, d->old->templates[i].name);
    }
    for (uint32_t i = 0; i < d->new->template_count; i++) {
        struct weft_text name = d->new->templates[i].name;
        if (d->old == NULL || weft_contract_template_depth(d->old, name) == 0) {
            compare_template(d, name);
        }
    }
}

static void compare_pins(struct differ *d)
{
    for (uint32_t i = 0; d->old != NULL && i < WEFT_CONTRACT_PARTIES; i++) {
        const struct weft_contract_party *party = &d->new->parties[i];
        char digest[WEFT_DIGEST_TEXT_SIZE];
        if (!weft_digest_equal(&party->pin, &d->old->parties[i].pin)) {
            weft_digest_format(&party->pin, digest);
            begin(d, party);
            put_word(d, "judged by another org document: ");
            put_word(d, digest);
            add(d, WEFT_DIRECTION_BOTH);
        }
    }
}

/* --- what a side lets the other have --------------------------------------------------------- */

/* One side in both versions; old NULL: there was none. */
struct sides {
    const struct weft_contract_party *party;
    const struct weft_contract_side *old;
    const struct weft_contract_side *new;
};

/* How much goes out, most last. */
enum shares {
    NOT_SHARED,
    SHARES_HIDDEN,
    SHARES_COMMITTED,
    SHARES_DISCLOSED
};

static enum shares shares_of(
    const struct weft_contract_side *side, struct weft_text kind, struct weft_text path)
{
    if (side == NULL || !weft_contract_has_kind(side, kind)) {
        return NOT_SHARED;
    }
    return (enum shares)(SHARES_DISCLOSED - (int)weft_contract_disclosure(side, kind, path));
}

_Static_assert((int)WEFT_DISCLOSED == 0 && (int)WEFT_COMMITTED == 1 && (int)WEFT_HIDDEN == 2,
    "disclosures are in the order of how much goes out");

static const char *shares_name(enum shares shares)
{
    static const char *const names[] = {"not shared", "hidden", "committed", "disclosed"};
    return names[shares];
}

static void compare_path(
    struct differ *d, const struct sides *s, struct weft_text kind, struct weft_text path)
{
    enum shares was = shares_of(s->old, kind, path), is = shares_of(s->new, kind, path);
    if (was == is) {
        return;
    }
    begin(d, s->party);
    put_place(d, kind, path);
    put_word(d, shares_name(is));
    put_word(d, ", was ");
    put_word(d, shares_name(was));
    add(d, direction_of(was, is));
}

static bool names_path(
    const struct weft_contract_side *side, struct weft_text kind, struct weft_text path)
{
    for (uint32_t i = 0; side != NULL && i < side->mask_count; i++) {
        if (weft_text_equal(side->masks[i].kind, kind) &&
            weft_text_equal(side->masks[i].path, path)) {
            return true;
        }
    }
    return false;
}

/* FED-31: where two masks differ at all, they do at a path that one of them names: of the longest
 * path of each that covers a field, the longer one is covered by both. */
static void compare_fields(struct differ *d, const struct sides *s)
{
    static const struct weft_text whole = {"", 0};
    for (uint32_t i = 0; s->old != NULL && i < s->old->kind_count; i++) {
        compare_path(d, s, s->old->kinds[i].kind, whole);
    }
    for (uint32_t i = 0; i < s->new->kind_count; i++) {
        if (s->old == NULL || !weft_contract_has_kind(s->old, s->new->kinds[i].kind)) {
            compare_path(d, s, s->new->kinds[i].kind, whole);
        }
    }
    for (uint32_t i = 0; s->old != NULL && i < s->old->mask_count; i++) {
        compare_path(d, s, s->old->masks[i].kind, s->old->masks[i].path);
    }
    for (uint32_t i = 0; i < s->new->mask_count; i++) {
        const struct weft_contract_mask *mask = &s->new->masks[i];
        if (!names_path(s->old, mask->kind, mask->path)) {
            compare_path(d, s, mask->kind, mask->path);
        }
    }
}

static bool names_part(const struct weft_contract_side *side, struct weft_text part)
{
    for (uint32_t i = 0; i < side->part_count; i++) {
        if (weft_text_equal(side->parts[i], part)) {
            return true;
        }
    }
    return false;
}

static void report_part(struct differ *d, const struct sides *s, struct weft_text part,
    enum weft_policy_direction direction)
{
    begin(d, s->party);
    put_word(d, direction == WEFT_DIRECTION_WIDENS ? "part added: " : "part removed: ");
    put(d, part);
    add(d, direction);
}

static void compare_parts(struct differ *d, const struct sides *s)
{
    if (s->old == NULL || (s->old->part_count == 0) != (s->new->part_count == 0)) {
        if (s->old == NULL && s->new->kind_count == 0) {
            return; /* Nothing goes out of any part. */
        }
        bool is_any = s->new->part_count == 0;
        begin(d, s->party);
        fail(d, is_any ? weft_buffer_text(&d->line, WEFT_TEXT("of any part"))
                       : weft_buffer_format(&d->line, "of %u parts%s", s->new->part_count,
                             s->old != NULL ? ", was of any" : ""));
        add(d, is_any || s->old == NULL ? WEFT_DIRECTION_WIDENS : WEFT_DIRECTION_NARROWS);
        return;
    }
    for (uint32_t i = 0; i < s->old->part_count; i++) {
        if (!names_part(s->new, s->old->parts[i])) {
            report_part(d, s, s->old->parts[i], WEFT_DIRECTION_NARROWS);
        }
    }
    for (uint32_t i = 0; i < s->new->part_count; i++) {
        if (!names_part(s->old, s->new->parts[i])) {
            report_part(d, s, s->new->parts[i], WEFT_DIRECTION_WIDENS);
        }
    }
}

/* A number whose word `any` stands for more than all others. */
static void compare_number(struct differ *d, const struct sides *s, const char *key, uint64_t was,
    uint64_t is, uint64_t any, const char *any_word)
{
    if (was == is) {
        return;
    }
    begin(d, s->party);
    put_word(d, key);
    put_word(d, " ");
    put_number(d, is, any, any_word);
    put_word(d, ", was ");
    put_number(d, was, any, any_word);
    add(d, is == any || (was != any && is > was) ? WEFT_DIRECTION_WIDENS : WEFT_DIRECTION_NARROWS);
}

static void compare_limits(struct differ *d, const struct sides *s)
{
    const struct weft_contract_side *old = s->old, *new = s->new;
    static const char *const never = "";
    compare_number(d, s, "depth", old->depth, new->depth, WEFT_CONTRACT_DEPTH_ANY, "any");
    if (old->may_forward != new->may_forward) {
        begin(d, s->party);
        put_word(d, new->may_forward ? "forward yes, was no" : "forward no, was yes");
        add(d, direction_of(old->may_forward, new->may_forward));
    }
    compare_number(d, s, "retain", old->retain_days, new->retain_days, 0, "for ever");
    compare_number(d, s, "rate", old->rate_statements, new->rate_statements, UINT64_MAX, never);
    compare_number(d, s, "bytes", old->rate_bytes, new->rate_bytes, UINT64_MAX, never);
    compare_number(d, s, "queue", old->queue_statements, new->queue_statements, UINT64_MAX, never);
    compare_number(d, s, "quarantine", old->quarantine_statements, new->quarantine_statements,
        UINT64_MAX, never);
    if (old->threshold != new->threshold) { /* Neither: who signs, not what goes out. */
        begin(d, s->party);
        fail(d,
            weft_buffer_format(&d->line, "threshold %u, was %u", new->threshold, old->threshold));
        add(d, WEFT_DIRECTION_BOTH);
    }
}

enum weft_err weft_contract_diff(const struct weft_contract *old, const struct weft_contract *new,
    struct weft_arena *arena, struct weft_contract_differences *ret_differences)
{
    struct differ d = {.old = old, .new = new, .arena = arena};
    compare_pins(&d);
    compare_authorities(&d);
    compare_cells(&d);
    compare_templates(&d);
    for (uint32_t i = 0; i < WEFT_CONTRACT_PARTIES; i++) {
        const struct sides s = {
            &new->parties[i], old != NULL ? &old->sides[i] : NULL, &new->sides[i]};
        compare_fields(&d, &s);
        compare_parts(&d, &s);
        if (old != NULL) { /* What is new whole has its limits in its text. */
            compare_limits(&d, &s);
        }
    }
    weft_buffer_destroy(&d.line);
    if (d.err == WEFT_OK) {
        *ret_differences = (struct weft_contract_differences){
            d.items, d.count, (enum weft_policy_direction)d.direction};
    }
    return d.err;
}
