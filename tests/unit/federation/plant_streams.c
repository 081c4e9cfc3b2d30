/* Linked into a test of its own, before which the faults of WEFT_MUTANTS=name[,name] are planted
 * (federation/mutant.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/mutant.h"

__attribute__((constructor)) static void plant(void)
{
    const char *names = getenv("WEFT_MUTANTS");
    while (names != NULL && *names != '\0') {
        size_t size = strcspn(names, ",");
        unsigned m = 0;
        while (
            m < WEFT_STREAM_MUTANTS && (strlen(weft_stream_mutant_names[m]) != size ||
                                           memcmp(weft_stream_mutant_names[m], names, size) != 0)) {
            m++;
        }
        if (m == WEFT_STREAM_MUTANTS) {
            (void)fprintf(stderr, "WEFT_MUTANTS: there is no mutant '%s'\n", names);
            _Exit(2);
        }
        weft_stream_mutants_on |= UINT64_C(1) << m;
        names += size + (names[size] == ',' ? 1 : 0);
    }
}
