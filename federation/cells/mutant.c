#include "federation/cells/mutant.h"

uint64_t weft_cell_mutants_on;

const char *const weft_cell_mutant_names[WEFT_CELL_MUTANTS] = {
    [WEFT_CELL_MUTANT_LAST_WRITER] = "last_writer",
    [WEFT_CELL_MUTANT_LAST_ARRIVED] = "last_arrived",
    [WEFT_CELL_MUTANT_SET_UNSORTED] = "set_unsorted",
    [WEFT_CELL_MUTANT_JOIN_MILDEST] = "join_mildest",
    [WEFT_CELL_MUTANT_UNKNOWN_PASSES] = "unknown_passes",
    [WEFT_CELL_MUTANT_RESOLVED_ALONE] = "resolved_alone",
    [WEFT_CELL_MUTANT_RESOLVED_FOR_GOOD] = "resolved_for_good",
    [WEFT_CELL_MUTANT_RETRACTED_BY_ALL] = "retracted_by_all",
    [WEFT_CELL_MUTANT_NOT_FENCED] = "not_fenced",
    [WEFT_CELL_MUTANT_HANDED_ALONE] = "handed_alone",
    [WEFT_CELL_MUTANT_ALIAS_UNDENIED] = "alias_undenied",
    [WEFT_CELL_MUTANT_STEPS_AS_COME] = "steps_as_come",
    [WEFT_CELL_MUTANT_CROSSED_UNTOLD] = "crossed_untold",
    [WEFT_CELL_MUTANT_BUILD_EXCUSED] = "build_excused",
    [WEFT_CELL_MUTANT_RECALL_REPEATED] = "recall_repeated",
    [WEFT_CELL_MUTANT_ANSWER_REPLACED] = "answer_replaced",
    [WEFT_CELL_MUTANT_ABSENT_ANYWHERE] = "absent_anywhere",
};
