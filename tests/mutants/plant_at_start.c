/* Linked into a test of its own, before which the faults of WEFT_MUTANTS=name[,name] are planted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/mutants/planted.h"

__attribute__((constructor)) static void plant(void)
{
    const char *bad;
    if (!weft_planted_select(getenv("WEFT_MUTANTS"), &bad)) {
        (void)fprintf(stderr, "WEFT_MUTANTS: there is no mutant '%s'\n", bad);
        _Exit(2);
    }
}
