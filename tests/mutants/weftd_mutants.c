/* weftd_mutants: weftd with planted faults, for harnesses that must show that they can fail.
 *
 * WEFT_MUTANTS=name[,name] plants them, --mutants lists them; else it is weftd. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/mutants/planted.h"

int weftd_main(int argc, char **argv); /* node/main.c, built under this name. */

int main(int argc, char **argv)
{
    const char *names = getenv("WEFT_MUTANTS");
    const char *bad;
    if (argc == 2 && strcmp(argv[1], "--mutants") == 0) {
        weft_planted_print(stdout);
        return 0;
    }
    if (!weft_planted_select(names, &bad)) {
        (void)fprintf(stderr, "weftd_mutants: WEFT_MUTANTS: there is no mutant '%.*s'\n",
            (int)strcspn(bad, ","), bad);
        return 2;
    }
    (void)fprintf(stderr, "weftd_mutants: planted: %s\n",
        names != NULL && *names != '\0' ? names : "nothing");
    return weftd_main(argc, argv);
}
