/* Linked into weft-gateway_mutants, and into tests of their own: WEFT_MUTANTS=name[,name] plants
 * faults of ops/gateway/mutant.h before main. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/gateway/mutant.h"

__attribute__((constructor)) static void plant(void)
{
    const char *names = getenv("WEFT_MUTANTS");
    for (const char *at = names; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ",");
        unsigned n = 0;
        while (n < WEFT_GATE_MUTANTS && (strlen(weft_gate_mutant_names[n]) != size ||
                                            memcmp(weft_gate_mutant_names[n], at, size) != 0)) {
            n++;
        }
        if (n == WEFT_GATE_MUTANTS) {
            (void)fprintf(stderr, "WEFT_MUTANTS: there is no mutant '%s'\n", at);
            _Exit(2);
        }
        weft_gate_mutants_on |= UINT64_C(1) << n;
        at += size + (at[size] == ',' ? 1 : 0);
    }
}
