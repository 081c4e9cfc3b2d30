/* jepsen/forge/model.h: one model for a workload: what a client would ask, and what happens to a
 * single state when it takes effect. The driver (forge.c) decides when, and whether at all. */
#ifndef WEFT_JEPSEN_FORGE_MODEL_H
#define WEFT_JEPSEN_FORGE_MODEL_H

#include "jepsen/core/edn.h"
#include "jepsen/core/rng.h"
#include "jepsen/core/table.h"

struct jep_step {
    const char *f;
    struct jep_edn value;  /* of the invocation */
    struct jep_edn result; /* set by apply; nil: the same as value */
    bool is_refused;       /* set by apply: certainly did not happen */
    bool is_read;          /* has no effect: an unknown outcome says nothing */
};

struct jep_model {
    struct jep_arena *arena; /* of values */
    uint64_t keys;
    uint32_t nodes;
    int64_t next_value;
    int64_t next_key;
    int64_t commits;            /* index of the last */
    int64_t *numbers;           /* registers, balances; by key */
    struct jep_edn_list *lists; /* by key: appended values, parts */
    size_t lists_count;
    struct jep_edn_list elements; /* set; feed: [index [id]] */
    struct past {
        int64_t key, value, index;
    } * past; /* as-of */
    size_t past_count;
    int64_t sum; /* counter */
};

struct jep_model_kind {
    const char *name;
    void (*plan)(struct jep_model *model, struct jep_rng *rng, struct jep_step *ret_step);
    void (*apply)(struct jep_model *model, struct jep_step *step);
    /* The i-th of the last reads of a node; false: no more. */
    bool (*last)(struct jep_model *model, uint64_t i, struct jep_step *ret_step);
};

/* Ended by one without a name. */
const struct jep_model_kind *jep_model_kinds(void);
void jep_model_init(
    struct jep_model *model, struct jep_arena *arena, uint64_t keys, uint32_t nodes);
void jep_model_free(struct jep_model *model);

#endif
