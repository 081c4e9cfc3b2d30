/* jepsen/cluster/survey.h: what a directory holds at one moment, to be compared with what it holds
 * later: how much of it a power cut threw away. Regular files alone, by path, in blocks of 4 KiB.
 */
#ifndef WEFT_JEPSEN_CLUSTER_SURVEY_H
#define WEFT_JEPSEN_CLUSTER_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jepsen/core/arena.h"
#include "jepsen/core/text.h"

enum {
    JEP_SURVEY_BLOCK_BYTES = 4096
};

struct jep_survey_file {
    const char *path; /* below the directory */
    uint64_t size;
    uint64_t *hashes; /* one per block */
};

struct jep_survey {
    struct jep_survey_file *files;
    size_t count;
};

struct jep_survey_loss {
    uint64_t files;  /* that are gone, shorter, or differ */
    uint64_t blocks; /* of 4 KiB, gone or different */
    uint64_t marked; /* those of them in files whose path contains the mark */
};

/* Everything lives in the arena. Files that vanish meanwhile are left out. */
bool jep_survey_take(const char *directory, struct jep_arena *arena, struct jep_survey *ret_survey,
    struct jep_message *message) __attribute__((warn_unused_result));
/* What was there before and is not now. */
struct jep_survey_loss jep_survey_compare(
    const struct jep_survey *before, const struct jep_survey *after, const char *mark);

#endif
