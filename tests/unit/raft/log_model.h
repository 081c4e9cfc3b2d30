/* tests/unit/raft/log_model.h: what any engine of the log must do, judged from outside.
 *
 * A model keeps every entry as it was given and knows what was reported durable. It drives a
 * log with random operations, compares everything readable, and after a crash demands a state
 * that the calls before it explain. */
#ifndef WEFT_TESTS_LOG_MODEL_H
#define WEFT_TESTS_LOG_MODEL_H

#include "raft/log.h"

enum {
    MODEL_ENTRIES_MAX = 4096,
    MODEL_HISTORY_MAX = 4096
};

struct model_entry {
    uint64_t term;
    enum weft_entry_type type;
    uint32_t size;
    uint64_t seed; /* Its bytes are drawn from it. */
};

/* The entries as they stood after one append of one entry, or after one truncation. */
struct model_write {
    uint64_t index;
    bool is_truncation;
    struct model_entry entry;
};

struct model {
    uint64_t base_index;
    uint64_t base_term;
    uint64_t last_index;
    uint64_t durable_index; /* Highest that was reported, for entries as they stand now. */
    uint64_t term;
    uint64_t voted_for;
    struct model_entry entries[MODEL_ENTRIES_MAX]; /* By index modulo. */
    struct model_write writes[MODEL_HISTORY_MAX];  /* Since everything was durable. */
    uint32_t write_count;
    struct model_entry sure[MODEL_ENTRIES_MAX]; /* Durable at writes[0]. */
    uint64_t sure_last_index;
    uint32_t size_max; /* Of an entry. */
    uint64_t next_seed;
    /* Calls that failed: a crash shows whether they had reached the disk. */
    bool has_unsure_term;
    uint64_t unsure_term;
    uint64_t unsure_voted_for;
    enum {
        MODEL_SURE,
        MODEL_TRIMMED,
        MODEL_RESET
    } unsure_base;
    uint64_t unsure_base_index;
    uint64_t unsure_base_term;
    /* What the run has seen, so that a test can tell that it reached its cases. */
    uint32_t lost_count;
    uint32_t truncation_count;
    uint32_t trim_count;
    uint32_t reset_count;
    uint32_t survived_undurable_count;
};

void model_init(struct model *m, uint32_t size_max);
/* One random operation, carried out on both. False: the log gave an error (which is returned);
 * only model_reopen may follow. */
bool model_step(struct model *m, struct weft_log *log, enum weft_err *ret_err);
/* Ask the log what is durable and take it for granted from now on. */
void model_sync(struct model *m, struct weft_log *log);
/* Everything readable is as the model has it. */
void model_compare(const struct model *m, struct weft_log *log);
/* The log was opened again with `start`: is it one of the states that the writes since the last
 * durable one explain? Then the model continues from there. */
bool model_explains(struct model *m, struct weft_log *log, const struct weft_log_start *start);
/* Demands that, and that everything readable is right. */
void model_reopen(struct model *m, struct weft_log *log, const struct weft_log_start *start);

#endif
