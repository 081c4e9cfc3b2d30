/* tests/sim/model.h: what the agreed log means, by plain arrays: the judge's own state machine.
 *
 * It is fed each COMMAND entry once, in order, by whoever applies it first, and knows what every
 * answer must be at every index. It shares with the product the decoder of entries alone. */
#ifndef WEFT_TESTS_SIM_MODEL_H
#define WEFT_TESTS_SIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/client.h"
#include "proto/entry.h"

enum {
    MODEL_NAME_SIZE = 24,
    MODEL_LINKS_MAX = 4,
};

struct model_record {
    uint64_t index;
    uint32_t ordinal;
    char asset[MODEL_NAME_SIZE];
    char kind[MODEL_NAME_SIZE];
    int64_t value; /* Of its field "v". */
    char links[MODEL_LINKS_MAX][MODEL_NAME_SIZE];
    uint32_t link_count;
    uint32_t previous; /* Place of the record before it about the same asset, plus 1. */
};

enum model_fate {
    MODEL_ACCEPTED,
    MODEL_REPEATED,
    MODEL_CONFLICT,   /* An `expect` does not hold. */
    MODEL_OTHER_BODY, /* The request id stands for another commit. */
};

/* What became of an item of an entry. */
struct model_item {
    struct weft_request_id request_id;
    enum model_fate fate;
    uint64_t index; /* Of its commit: an earlier one if it is repeated. */
    uint32_t record_count;
    uint64_t present_rev; /* CONFLICT. */
};

struct model;
struct model *model_create(void);
void model_destroy(struct model *m);

/* *ret_items: valid until the next call. False: not an entry that a leader makes. */
bool model_apply(struct model *m, uint64_t index, struct weft_bytes entry,
    const struct model_item **ret_items, uint32_t *ret_count);

uint64_t model_index(const struct model *m);
/* The newest record of the kind about the asset up to `index`; NULL: there is none. */
const struct model_record *model_newest(
    const struct model *m, const char *asset, const char *kind, uint64_t index);
/* In the order of the log, from the place on that `at` says; `at` goes on. NULL: no more. */
const struct model_record *model_next(const struct model *m, uint32_t *at);
/* Place of the first record of `index` or above. */
uint32_t model_place(const struct model *m, uint64_t index);
/* Index at which the commit was accepted; 0: it was not. */
uint64_t model_request(const struct model *m, const struct weft_request_id *id);

#endif
