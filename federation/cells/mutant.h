/* federation/cells/mutant.h: faults that tests can plant in the rules of cells, to show that what
 * judges them sees each.
 *
 * As raft/mutant.h: only the test library weft_cells_mutants is built with
 * WEFT_CELL_MUTANTS_PLANTED; in the product every test below is the constant false and vanishes. */
#ifndef WEFT_FEDERATION_CELLS_MUTANT_H
#define WEFT_FEDERATION_CELLS_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

enum weft_cell_mutant {
    WEFT_CELL_MUTANT_LAST_WRITER,       /* The newest by the clock counts. */
    WEFT_CELL_MUTANT_LAST_ARRIVED,      /* What came last counts. */
    WEFT_CELL_MUTANT_SET_UNSORTED,      /* Statements are kept, and hashed, as they came. */
    WEFT_CELL_MUTANT_JOIN_MILDEST,      /* The mildest verdict counts. */
    WEFT_CELL_MUTANT_UNKNOWN_PASSES,    /* A word that nobody knows is left out. */
    WEFT_CELL_MUTANT_RESOLVED_ALONE,    /* One side's resolution settles. */
    WEFT_CELL_MUTANT_RESOLVED_FOR_GOOD, /* What a resolution does not name is settled by it. */
    WEFT_CELL_MUTANT_RETRACTED_BY_ALL,  /* Anybody withdraws anything. */
    WEFT_CELL_MUTANT_NOT_FENCED,        /* Whoever had authority once has it still. */
    WEFT_CELL_MUTANT_HANDED_ALONE,      /* A handoff counts without whom it is to. */
    WEFT_CELL_MUTANT_ALIAS_UNDENIED,    /* A denial of an alias changes nothing. */
    WEFT_CELL_MUTANT_STEPS_AS_COME,     /* Steps of a workflow have their turns as they came. */
    WEFT_CELL_MUTANT_CROSSED_UNTOLD,    /* A step that crossed another is refused like any. */
    WEFT_CELL_MUTANT_BUILD_EXCUSED,     /* A build that knew better deviates. */
    WEFT_CELL_MUTANT_RECALL_REPEATED,   /* A customer is told again. */
    WEFT_CELL_MUTANT_ANSWER_REPLACED,   /* The answer that came last counts. */
    WEFT_CELL_MUTANT_ABSENT_ANYWHERE,   /* What a section does not have is absent. */
    WEFT_CELL_MUTANTS,
};

#ifdef WEFT_CELL_MUTANTS_PLANTED
struct weft_digest;
extern const char *const weft_cell_mutant_names[WEFT_CELL_MUTANTS];
extern uint64_t weft_cell_mutants_on; /* A bit for each. */
static inline bool weft_cell_mutant(enum weft_cell_mutant m)
{
    return (weft_cell_mutants_on >> m & 1u) != 0;
}
#else
/* No function: its parameter's type would stand in the debugging symbols of the product. */
#define weft_cell_mutant(m) false
#endif

#endif
