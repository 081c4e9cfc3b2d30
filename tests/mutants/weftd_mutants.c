/* weftd_mutants: weftd with planted faults, for harnesses that must show that they can fail.
 *
 * WEFT_MUTANTS=name[,name] plants them, --mutants lists them; WEFT_FAILPOINTS=FILE is the page by
 * which it can be ended at a place (raft/failpoint.h), --failpoints lists those; else it is weftd.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/mutant.h"
#include "raft/failpoint.h"
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
    if (argc == 2 && strcmp(argv[1], "--failpoints") == 0) {
        for (int point = 0; point < WEFT_FAILPOINTS; point++) {
            (void)puts(weft_failpoint_name((enum weft_failpoint)point));
        }
        return 0;
    }
    if (!weft_failpoint_open(getenv(WEFT_FAILPOINT_ENV))) {
        (void)fprintf(stderr, "weftd_mutants: %s: cannot be mapped\n", WEFT_FAILPOINT_ENV);
        return 2;
    }
    if (!weft_planted_select(names, &bad)) {
        (void)fprintf(stderr, "weftd_mutants: WEFT_MUTANTS: there is no mutant '%.*s'\n",
            (int)strcspn(bad, ","), bad);
        return 2;
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_HIDDEN_SHOWN)) { /* Federation knows nothing of nodes. */
        weft_stream_mutants_on |= UINT64_C(1) << WEFT_STREAM_MUTANT_LEAK;
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_LEAF_UNBOUND)) {
        weft_stream_mutants_on |= UINT64_C(1) << WEFT_STREAM_MUTANT_LEAF_UNBOUND;
    }
    if (weft_node_mutant(WEFT_NODE_MUTANT_UNFENCED)) {
        weft_stream_mutants_on |= UINT64_C(1) << WEFT_STREAM_MUTANT_UNFENCED |
                                  UINT64_C(1) << WEFT_STREAM_MUTANT_GREETS_ALL;
    }
    (void)fprintf(stderr, "weftd_mutants: planted: %s\n",
        names != NULL && *names != '\0' ? names : "nothing");
    return weftd_main(argc, argv);
}
