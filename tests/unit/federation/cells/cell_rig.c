#include "tests/unit/federation/cells/cell_rig.h"

#include <stdlib.h>
#include <string.h>

#include "proto/arith.h"
#include "tests/lib/test.h"

const struct weft_text rig_parties[WEFT_CELL_PARTIES] = {
    {"a.example", sizeof("a.example") - 1}, {"b.example", sizeof("b.example") - 1}};
const struct weft_text rig_holder = {"a.example/p1", sizeof("a.example/p1") - 1};
const struct weft_text rig_kind = {"inspection", sizeof("inspection") - 1};
const struct weft_text rig_authors[4] = {{"a.example/p1", sizeof("a.example/p1") - 1},
    {"b.example/q1", sizeof("b.example/q1") - 1}, {"a.example/p2", sizeof("a.example/p2") - 1},
    {"c.example/r1", sizeof("c.example/r1") - 1}};

struct weft_digest rig_digest(uint64_t number)
{
    uint8_t bytes[8];
    weft_put_be64(bytes, number);
    return weft_sha256(bytes, sizeof(bytes));
}

struct weft_cell_statement rig_say(
    uint64_t number, unsigned author, uint64_t index, const char *value)
{
    return (struct weft_cell_statement){.digest = rig_digest(number),
        .act = WEFT_CELL_SAY,
        .author = rig_authors[author],
        .revision = {1, index, 0},
        .time_ns = (int64_t)(number * 7919 % 101),
        .value = weft_text_of(value)};
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

struct weft_cell_statement rig_about(uint64_t number, enum weft_cell_act act, unsigned author,
    uint64_t index, const char *value, struct weft_digest *names, uint32_t name_count)
{
    struct weft_cell_statement s = rig_say(number, author, index, value);
    qsort(names, name_count, sizeof(*names), compare_digests);
    s.act = act;
    s.names = names;
    s.name_count = name_count;
    return s;
}

/* --- worlds ---------------------------------------------------------------------------------- */

static const char *draw_value(enum weft_cell_rule rule)
{
    static const char *const verdicts[] = {"PASS", "CONDITIONAL", "FAIL", "BLOCK", "SCRAP"};
    static const char *const values[] = {"x", "y", "z"};
    return rule == WEFT_CELL_JOIN ? verdicts[test_random(5)] : values[test_random(3)];
}

static unsigned draw_author(void)
{
    static const unsigned authors[] = {0, 0, 0, 1, 1, 1, 2, 3};
    return authors[test_random(8)];
}

/* A few of those there are, each once, as names of statement `at`. */
static uint32_t draw_names(struct rig_world *w, uint32_t at)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->count && count < RIG_NAMES_MAX; i++) {
        if (test_random(2) == 0) {
            w->names[at][count++] = w->statements[i].digest;
        }
    }
    if (count == 0) {
        w->names[at][count++] = rig_digest(test_random(0)); /* Of one that never comes. */
    }
    return count;
}

static void draw_one(struct rig_world *w, uint64_t base)
{
    uint32_t at = w->count;
    uint64_t kind = test_random(10);
    unsigned author = draw_author();
    uint64_t index = 1 + test_random(6);
    const char *value = draw_value(w->rule);
    uint64_t number = base + at;
    if (kind < 7 || at == 0) {
        w->statements[at] = rig_say(number, author, index, value);
        w->statements[at].revision.epoch = 1 + test_random(3);
        if (test_random(12) == 0) {
            w->statements[at].is_withheld = true;
            w->statements[at].value = (struct weft_text){NULL, 0};
        }
    } else if (kind < 8) {
        uint32_t names = draw_names(w, at);
        w->statements[at] =
            rig_about(number, WEFT_CELL_RETRACT, author, 6 + index, "", w->names[at], names);
    } else {
        uint32_t names = draw_names(w, at);
        w->statements[at] =
            rig_about(number, WEFT_CELL_RESOLVE, author, 6 + index, value, w->names[at], names);
    }
    w->count++;
}

/* As the newest resolution, by the other party. */
static void draw_other_half(struct rig_world *w, uint64_t base)
{
    struct weft_cell_statement *first = &w->statements[w->count - 1];
    if (first->act != WEFT_CELL_RESOLVE || test_random(4) == 0) {
        return;
    }
    struct weft_cell_statement second = *first;
    bool is_of_a = weft_cell_is_of(first->author, rig_parties[0]);
    second.digest = rig_digest(base + w->count);
    second.author = rig_authors[is_of_a ? 1 : 0];
    second.revision.index = 13 + test_random(4);
    w->statements[w->count++] = second;
}

static void draw_handoffs(struct rig_world *w, uint64_t base)
{
    w->handoff_count = 0;
    while (w->handoff_count + 2 <= RIG_HANDOFFS_MAX && test_random(3) > 0) {
        uint64_t epoch = 2 + test_random(2);
        unsigned from = (unsigned)test_random(3), to = (unsigned)test_random(3);
        uint64_t until = test_random(6);
        bool is_cosigned = test_random(4) > 0;
        struct weft_handoff handoff = {.kind = rig_kind,
            .from = rig_authors[from],
            .to = rig_authors[to],
            .epoch = epoch,
            .until = {1 + test_random(2), until, 0}};
        for (unsigned half = 0; half < (is_cosigned ? 2u : 1u); half++) {
            struct weft_handoff_statement *s = &w->handoffs[w->handoff_count];
            s->digest = rig_digest(base + 1000 + w->handoff_count);
            s->author = half == 0 ? handoff.from : handoff.to;
            s->revision.epoch = 1 + test_random(2);
            s->revision.index = test_random(4);
            s->handoff = handoff;
            w->handoff_count++;
        }
    }
}

void rig_draw(struct rig_world *world, enum weft_cell_rule rule, uint32_t count_max)
{
    uint64_t base = test_random(0);
    uint32_t count = 1 + (uint32_t)test_random(count_max);
    world->rule = rule;
    world->count = 0;
    while (world->count < count) {
        draw_one(world, base);
        if (world->count < count) {
            draw_other_half(world, base);
        }
    }
    draw_handoffs(world, base);
}

/* --- sides ----------------------------------------------------------------------------------- */

void rig_empty(struct rig_side *side)
{
    side->set = (struct weft_cell_set){side->memory, 0, RIG_STATEMENTS_MAX, 0};
    side->handoff_count = 0;
    if (side->arena.size_max == 0) {
        side->arena.size_max = 1 << 20;
    }
}

void rig_add(struct rig_side *side, const struct weft_cell_statement *statement)
{
    EXPECT_EQ(WEFT_OK, weft_cell_add(&side->set, statement));
}

void rig_hand(struct rig_side *side, const struct weft_handoff_statement *handoff)
{
    side->handoffs[side->handoff_count++] = *handoff;
}

const struct weft_cell_answer *rig_judge(struct rig_side *side, enum weft_cell_rule rule)
{
    struct weft_cell_terms terms = {
        .rule = rule, .parties = {rig_parties[0], rig_parties[1]}, .authority = &side->authority};
    weft_arena_reset(&side->arena);
    EXPECT_EQ(WEFT_OK, weft_cell_authority_fold(rig_kind, WEFT_TEXT(""), rig_holder, 1,
                           side->handoffs, side->handoff_count, &side->authority));
    EXPECT_EQ(WEFT_OK, weft_cell_judge(&terms, &side->set, &side->arena, &side->answer));
    return &side->answer;
}

struct weft_digest rig_state(struct rig_side *side)
{
    const struct weft_digest cell = rig_digest(0);
    return weft_cell_state(&cell, &side->set, &side->answer);
}

void rig_end(struct rig_side *side)
{
    weft_arena_destroy(&side->arena);
}

uint16_t rig_claim(const struct rig_side *side, uint64_t number)
{
    struct weft_digest digest = rig_digest(number);
    for (uint32_t i = 0; i < side->set.count; i++) {
        if (weft_digest_equal(&side->set.statements[i].digest, &digest)) {
            return side->answer.claims[i];
        }
    }
    test_expect_true(false, "the statement is there", __FILE__, __LINE__);
    return 0;
}
