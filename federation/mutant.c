#include "federation/mutant.h"

uint64_t weft_stream_mutants_on;

const char *const weft_stream_mutant_names[WEFT_STREAM_MUTANTS] = {
    [WEFT_STREAM_MUTANT_CURSOR_OUTSIDE] = "cursor_outside",
    [WEFT_STREAM_MUTANT_CURSOR_KEPT] = "cursor_kept",
    [WEFT_STREAM_MUTANT_UNPROVEN] = "unproven",
    [WEFT_STREAM_MUTANT_HEAD_BACK] = "head_back",
    [WEFT_STREAM_MUTANT_UNFENCED] = "unfenced",
    [WEFT_STREAM_MUTANT_GREETS_ALL] = "greets_all",
    [WEFT_STREAM_MUTANT_LEAK] = "leak",
    [WEFT_STREAM_MUTANT_RECEIPT_EARLY] = "receipt_early",
    [WEFT_STREAM_MUTANT_LOSES_ANY] = "loses_any",
    [WEFT_STREAM_MUTANT_LOST_BACK] = "lost_back",
    [WEFT_STREAM_MUTANT_LEAF_UNBOUND] = "leaf_unbound",
    [WEFT_STREAM_MUTANT_HEAD_BELIEVED] = "head_believed",
};
