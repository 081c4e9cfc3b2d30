/* policy/command/mutant.h: faults that tests can plant in the machine of commands, to show that
 * what judges it sees them.
 *
 * As raft/mutant.h: only the test objects weft_command_mutants are built with
 * WEFT_COMMAND_MUTANTS_PLANTED; in the product every test below is the constant false and
 * vanishes. */
#ifndef WEFT_POLICY_COMMAND_MUTANT_H
#define WEFT_POLICY_COMMAND_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

enum weft_command_mutant {
    WEFT_COMMAND_MUTANT_CLASS_C_AGAIN, /* A class C that was not seen is sent once more. */
    WEFT_COMMAND_MUTANT_PERSON_TWICE,  /* Each signature counts, whosever it is. */
    WEFT_COMMAND_MUTANTS,
};

#ifdef WEFT_COMMAND_MUTANTS_PLANTED
extern const char *const weft_command_mutant_names[WEFT_COMMAND_MUTANTS];
extern const char *const weft_command_mutant_faults[WEFT_COMMAND_MUTANTS];
extern uint64_t weft_command_mutants_on; /* A bit for each. */
static inline bool weft_command_mutant(enum weft_command_mutant m)
{
    return (weft_command_mutants_on >> m & 1u) != 0;
}
#else
/* No function: its parameter's type would stand in the debugging symbols of the product. */
#define weft_command_mutant(m) false
#endif

#endif
