/* tests/unit/federation/cells/cell_rig.h: small random worlds of statements on one cell. */
#ifndef WEFT_TESTS_UNIT_FEDERATION_CELLS_CELL_RIG_H
#define WEFT_TESTS_UNIT_FEDERATION_CELLS_CELL_RIG_H

#include "federation/cells/cell.h"

enum {
    RIG_STATEMENTS_MAX = 24,
    RIG_HANDOFFS_MAX = 8,
    RIG_NAMES_MAX = 8,
};

extern const struct weft_text rig_parties[WEFT_CELL_PARTIES];
extern const struct weft_text rig_holder; /* "a.example/p1", in term 1. */
extern const struct weft_text rig_kind;
extern const struct weft_text rig_authors[4]; /* The last is of neither party. */

/* Too large for the stack of a thread, not of a test. Holds no memory of its own. */
struct rig_world {
    enum weft_cell_rule rule;
    uint32_t count;
    struct weft_cell_statement statements[RIG_STATEMENTS_MAX];
    struct weft_digest names[RIG_STATEMENTS_MAX][RIG_NAMES_MAX];
    uint32_t handoff_count;
    struct weft_handoff_statement handoffs[RIG_HANDOFFS_MAX];
};

/* The digest that follows from a number; no two are alike. */
struct weft_digest rig_digest(uint64_t number);
/* A statement by author number `author`: revision `index`:0, epoch 1. */
struct weft_cell_statement rig_say(
    uint64_t number, unsigned author, uint64_t index, const char *value);
/* About `names`, which are sorted in place. */
struct weft_cell_statement rig_about(uint64_t number, enum weft_cell_act act, unsigned author,
    uint64_t index, const char *value, struct weft_digest *names, uint32_t name_count);

/* A random world of up to `count_max` statements. */
void rig_draw(struct rig_world *world, enum weft_cell_rule rule, uint32_t count_max);

/* What a side keeps of one cell. */
struct rig_side {
    struct weft_cell_statement memory[RIG_STATEMENTS_MAX];
    struct weft_cell_set set;
    struct weft_handoff_statement handoffs[2 * RIG_HANDOFFS_MAX];
    uint32_t handoff_count;
    struct weft_cell_authority authority;
    struct weft_arena arena;
    struct weft_cell_answer answer;
};

void rig_empty(struct rig_side *side);
void rig_add(struct rig_side *side, const struct weft_cell_statement *statement);
void rig_hand(struct rig_side *side, const struct weft_handoff_statement *handoff);
/* The answer stays in the side until the next one. */
const struct weft_cell_answer *rig_judge(struct rig_side *side, enum weft_cell_rule rule);
struct weft_digest rig_state(struct rig_side *side);
void rig_end(struct rig_side *side);
/* How a statement stands in the side's answer; by the number of its digest. */
uint16_t rig_claim(const struct rig_side *side, uint64_t number);

#endif
