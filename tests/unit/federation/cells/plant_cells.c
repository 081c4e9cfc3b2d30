/* Linked into a test of its own, before which the faults of WEFT_MUTANTS=name[,name] are planted
 * (federation/cells/mutant.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/cells/mutant.h"

__attribute__((constructor)) static void plant(void)
{
    const char *names = getenv("WEFT_MUTANTS");
    while (names != NULL && *names != '\0') {
        size_t size = strcspn(names, ",");
        unsigned m = 0;
        while (m < WEFT_CELL_MUTANTS && (strlen(weft_cell_mutant_names[m]) != size ||
                                            memcmp(weft_cell_mutant_names[m], names, size) != 0)) {
            m++;
        }
        if (m == WEFT_CELL_MUTANTS) {
            (void)fprintf(stderr, "WEFT_MUTANTS: there is no mutant '%s'\n", names);
            _Exit(2);
        }
        weft_cell_mutants_on |= UINT64_C(1) << m;
        names += size + (names[size] == ',' ? 1 : 0);
    }
}
