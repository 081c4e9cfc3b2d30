#include "ops/gateway/mutant.h"

/* Only in the test objects weft_gate_mutants. */
uint64_t weft_gate_mutants_on;

/* The names are the constants in lower case; a test looks for them in what is delivered. */
const char *const weft_gate_mutant_names[WEFT_GATE_MUTANTS] = {
    [WEFT_GATE_MUTANT_ACTS_FIRST] = "gate_acts_first",
    [WEFT_GATE_MUTANT_NO_FENCE] = "gate_no_fence",
};
