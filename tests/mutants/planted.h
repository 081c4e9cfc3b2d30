/* tests/mutants/planted.h: faults by name: those of raft/mutant.h, node/mutant.h and
 * policy/command/mutant.h. */
#ifndef WEFT_TESTS_MUTANTS_PLANTED_H
#define WEFT_TESTS_MUTANTS_PLANTED_H

#include <stdbool.h>
#include <stdio.h>

#include "node/mutant.h"
#include "policy/command/mutant.h"

/* The n-th of all, Raft's first; NULL: there are no more. */
const struct weft_mutant_info *weft_planted_at(unsigned n);

/* Names with commas between; exactly these are on afterwards ("" or NULL: none). False: `ret_bad`
 * (may be NULL) is a name that is none, and nothing has changed. */
bool weft_planted_select(const char *names, const char **ret_bad);

/* One a line: name, "plant" or "sim" (where it is to be found), what is wrong; tabs between. */
void weft_planted_print(FILE *out);

#endif
