/* federation/mutant.h: faults that tests can plant in streams, to show that the simulation of whole
 * transfers sees each.
 *
 * As raft/mutant.h: only the test library weft_federation_mutants is built with
 * WEFT_STREAM_MUTANTS_PLANTED; in the product every test below is the constant false and vanishes.
 */
#ifndef WEFT_FEDERATION_MUTANT_H
#define WEFT_FEDERATION_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

enum weft_stream_mutant {
    WEFT_STREAM_MUTANT_CURSOR_OUTSIDE, /* Leaves are taken without a look at the cursor. */
    WEFT_STREAM_MUTANT_CURSOR_KEPT,    /* The cursor does not move with the leaves. */
    WEFT_STREAM_MUTANT_UNPROVEN,       /* No proof leads from a batch to the head. */
    WEFT_STREAM_MUTANT_HEAD_BACK,      /* An older head replaces a newer one. */
    WEFT_STREAM_MUTANT_UNFENCED,       /* A provider from a backup goes on at once. */
    WEFT_STREAM_MUTANT_GREETS_ALL,     /* Whoever says hello is served. */
    WEFT_STREAM_MUTANT_LEAK,           /* A hidden field is shown. */
    WEFT_STREAM_MUTANT_RECEIPT_EARLY,  /* What is not committed is acknowledged (of drivers). */
    WEFT_STREAM_MUTANT_LOSES_ANY,      /* Whatever head an operator names is lost. */
    WEFT_STREAM_MUTANT_LOST_BACK,      /* A lost head is taken again. */
    WEFT_STREAM_MUTANT_LEAF_UNBOUND,   /* A leaf's hash leaves out the end of its digest. */
    WEFT_STREAM_MUTANT_HEAD_BELIEVED, /* Of the partner's newest head only the size is looked at. */
    WEFT_STREAM_MUTANTS,
};

#ifdef WEFT_STREAM_MUTANTS_PLANTED
extern const char *const weft_stream_mutant_names[WEFT_STREAM_MUTANTS];
extern uint64_t weft_stream_mutants_on; /* A bit for each. */
static inline bool weft_stream_mutant(enum weft_stream_mutant m)
{
    return (weft_stream_mutants_on >> m & 1u) != 0;
}
#else
/* No function: its parameter's type would stand in the debugging symbols of the product. */
#define weft_stream_mutant(m) false
#endif

#endif
