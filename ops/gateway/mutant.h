/* ops/gateway/mutant.h: faults that tests can plant in a gateway, to show that what judges it sees
 * them.
 *
 * As raft/mutant.h: only the test objects weft_gate_mutants are built with
 * WEFT_GATE_MUTANTS_PLANTED; in the product every test below is the constant false and vanishes. */
#ifndef WEFT_OPS_GATEWAY_MUTANT_H
#define WEFT_OPS_GATEWAY_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

enum weft_gate_mutant {
    WEFT_GATE_MUTANT_ACTS_FIRST, /* The machine is told before "begun" is durable. */
    WEFT_GATE_MUTANT_NO_FENCE,   /* Tokens are not compared. */
    WEFT_GATE_MUTANTS,
};

#ifdef WEFT_GATE_MUTANTS_PLANTED
extern const char *const weft_gate_mutant_names[WEFT_GATE_MUTANTS];
extern uint64_t weft_gate_mutants_on; /* A bit for each. */
static inline bool weft_gate_mutant(enum weft_gate_mutant m)
{
    return (weft_gate_mutants_on >> m & 1u) != 0;
}
#else
/* No function: its parameter's type would stand in the debugging symbols of the product. */
#define weft_gate_mutant(m) false
#endif

#endif
