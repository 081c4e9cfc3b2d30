#include "policy/command/mutant.h"

/* Only in the test objects weft_command_mutants. */
uint64_t weft_command_mutants_on;

/* The names are the constants in lower case; a test looks for them in what is delivered. */
const char *const weft_command_mutant_names[WEFT_COMMAND_MUTANTS] = {
    [WEFT_COMMAND_MUTANT_CLASS_C_AGAIN] = "class_c_again",
    [WEFT_COMMAND_MUTANT_PERSON_TWICE] = "person_twice",
};

const char *const weft_command_mutant_faults[WEFT_COMMAND_MUTANTS] = {
    [WEFT_COMMAND_MUTANT_CLASS_C_AGAIN] =
        "a command of class C that its gateway has not seen is sent once more",
    [WEFT_COMMAND_MUTANT_PERSON_TWICE] = "each signature counts, whosever it is",
};
