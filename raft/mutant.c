#include "raft/mutant.h"

/* Only in the test library weft_raft_mutants. */
uint64_t weft_mutants_on;
