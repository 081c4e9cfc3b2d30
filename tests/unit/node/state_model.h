/* tests/unit/node/state_model.h: a plain model of the replicated state, to judge the real one.
 *
 * Arrays in memory and brute force; it shares no code with node/state. Statement digests come
 * from proto, which has its own golden vectors. */
#ifndef WEFT_TESTS_UNIT_NODE_STATE_MODEL_H
#define WEFT_TESTS_UNIT_NODE_STATE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/client.h"
#include "proto/statement.h"

enum {
    MODEL_ASSETS = 48,
    MODEL_KINDS = 6,
    MODEL_RELS = 20,
    MODEL_LINKS_MAX = 3,
    MODEL_COMMIT_MAX = 4,
};

extern const char *const model_kinds[MODEL_KINDS];
extern const char *const model_rels[MODEL_RELS];

/* A record as it is asked for: small numbers, from which names and fields are made. */
struct model_spec {
    int asset;
    int kind;
    int value;  /* fields n, q/value and t follow from it */
    int author; /* 0: the principal */
    bool has_at;
    int64_t at_ns;
    bool has_expect;
    uint64_t expect_rev;
    int link_count;
    int links[MODEL_LINKS_MAX][2]; /* rel, to */
};

struct model_record {
    struct model_spec spec; /* at filled in */
    uint64_t index;
    uint32_t ordinal;
    int64_t time_ns;
    int principal;
    struct weft_digest digest;
};

struct model_commit {
    struct weft_request_id id;
    int principal;
    int count;
    struct model_spec specs[MODEL_COMMIT_MAX];
    uint64_t index; /* 0: not accepted */
    uint32_t first_ordinal;
};

/* What the model says should become of a commit. */
struct model_outcome {
    bool is_repeated;
    bool is_other;    /* a known id with other content */
    bool is_conflict; /* expect of record `culprit` */
    int culprit;
    uint64_t present_rev;
    const struct model_commit *commit; /* accepted or repeated */
};

struct model {
    struct model_record *records;
    int record_count, record_capacity;
    struct model_commit *commits; /* Accepted ones that have an id. */
    int commit_count, commit_capacity;
    struct weft_digest digests[MODEL_ASSETS]; /* Of the last statement. */
    uint64_t revs[MODEL_ASSETS];
    uint64_t mentioned[MODEL_ASSETS]; /* Index of the first mention; 0: none. */
    int kind_order[MODEL_KINDS];      /* As first mentioned. */
    int kind_count;
    uint64_t index;
    uint32_t ordinal; /* Of the entry under way. */
    int64_t time_ns;
    uint8_t seed[WEFT_SALT_SEED_SIZE];
};

void model_destroy(struct model *m);
void model_begin_entry(struct model *m, uint64_t index, int64_t time_ns, const uint8_t *seed);
struct model_outcome model_commit(struct model *m, const struct model_commit *commit);

/* When the index was the last that had committed records: from *ret_from_ns until before
 * *until_ns, which is as before if it still is. False: it has committed none. */
bool model_times_of(const struct model *m, uint64_t index, int64_t *ret_from_ns, int64_t *until_ns);

/* Names that specs stand for; static storage, several alive at once. */
const char *model_asset_name(int asset);
const char *model_principal(int principal);

/* The record of a spec; its texts and arrays are in the arena. */
struct weft_record model_build(const struct model_spec *spec, struct weft_arena *arena);

/* The whole answer to a query, all pages, as places in m->records. Returns how many, or -1 where
 * the answer is that there is none. `ret_places` has room for record_count. */
int model_query(const struct model *m, const struct weft_query *q, int asset, int kind,
    const char *glob, int where_field, int *ret_places);
/* One of the rels, or of those in `names`. From the test's seed, as the links: an event names a
 * `parent`. */
int model_random_rel(const char *names);
void model_random_links(struct model_spec *spec, bool may_be_event);

/* --- traces and recalls: state_model_trace.c ------------------------------------------------ */

struct model_step {
    int asset;
    int from; /* Place of the step before; its own at depth 0. */
    int depth;
    int record; /* Place in m->records; -1 at depth 0. */
    int rel;    /* Of model_rels. */
    bool is_dangling, is_cycle, has_ended, is_leaf, is_answer;
};

/* A trace or a recall as the model is asked. */
struct model_trace {
    bool is_forward;
    uint32_t rels; /* Bits of model_rels. */
    int depth_max; /* 0: none. */
    int to_kind;   /* -1: all. */
    /* A recall: as the query has it; -1: not given. */
    bool is_recall;
    int lot, machine, part;
};

/* The steps of the whole answer. Returns how many, or -1: there is no such asset. A recall's
 * steps are its answers alone, in order of assets. */
int model_trace(const struct model *m, const struct weft_query *q, int asset,
    const struct model_trace *t, struct model_step ret_steps[MODEL_ASSETS]);
/* Does the asset fit the recall's machine and part? */
bool model_is_meant(
    const struct model *m, const struct weft_query *q, const struct model_trace *t, int asset);
/* Does the record state a link, by this rel, that puts `child` inside `parent` and has not been
 * ended as the question sees it? */
bool model_is_inside(
    const struct model *m, const struct weft_query *q, int record, int rel, int parent, int child);
/* Where an asset is: place of the record and of its link; false: nowhere known. */
bool model_locate(
    const struct model *m, const struct weft_query *q, int asset, int *ret_record, int *ret_link);

/* The asset's revision as of an index. */
uint64_t model_rev(const struct model *m, int asset, uint64_t as_of);

enum {
    MODEL_WHERE_NONE,
    MODEL_WHERE_N,
    MODEL_WHERE_Q,
    MODEL_WHERE_T
};

/* The records of a page that may be packed, for as long as the arena. True: they were. */
bool model_open_page(struct weft_page *page, struct weft_arena *arena);
/* The steps and records of a page, which must be those that it says; records are decoded in the
 * arena. */
void model_unpack(const struct weft_trace_result *trace, struct weft_arena *arena,
    struct weft_trace_step *ret_steps, struct weft_stored_record *ret_records);

#endif
