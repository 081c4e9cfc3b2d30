/* tests/bench/thread_answer.h: what both sides of the `thread` measurement share: the questions,
 * what an answer amounts to, and the clock.
 *
 * A question is a line of the standard input:
 *
 *     LABEL story|ids|records|paths ROUNDS AS_OF ASSET|@unit:N|@part:N
 *
 * AS_OF 0 is now; @unit:N stands for N finished units, @part:N for N parts of any level, drawn from
 * the seed. Each is first asked once, and what came is summed up; then ROUNDS times for the clock
 * alone. The answer is a line of JSON. Sums of equal answers are equal, whichever side gave them:
 * of names (ids), of records with their texts (records; a story's in its order), or of records and
 * of each asset with the rel by which it was reached and how deep (paths). */
#ifndef WEFT_TESTS_BENCH_THREAD_ANSWER_H
#define WEFT_TESTS_BENCH_THREAD_ANSWER_H

#include "proto/bytes.h"
#include "proto/record.h"

enum thread_what {
    THREAD_STORY,
    THREAD_IDS,
    THREAD_RECORDS,
    THREAD_PATHS,
    THREAD_WHATS,
};

struct thread_sum {
    uint64_t count; /* Of names or records. */
    uint64_t words[2];
    uint64_t bytes; /* Of names or texts. */
    struct weft_buffer text;
};

void thread_sum_name(struct thread_sum *sum, struct weft_text name);
/* Beside its record. */
void thread_sum_step(
    struct thread_sum *sum, struct weft_text asset, struct weft_text rel, uint32_t depth);
/* `body` as thread_body gives it. `is_ordered`: the next place in the answer is part of it. */
void thread_sum_record(struct thread_sum *sum, bool is_ordered, struct weft_text asset,
    struct weft_text kind, int64_t at_us, struct weft_text body);

/* What PostgreSQL keeps as it is: {"attrs": {...}, "links": [...]}, into an empty buffer. */
void thread_body(
    const struct weft_record *record, struct weft_arena *scratch, struct weft_buffer *out);

/* The options of both programs. */
struct thread_options {
    const char *operation; /* "load" or "ask" */
    const char *connect;   /* Endpoints, or what libpq calls a connection string. */
    const char *identity;  /* Of a client; weft alone. */
    const char *indexes;   /* File: of which index each record is; load alone. */
    uint64_t seed;
    uint32_t units;
};

void thread_options_read(int argc, char **argv, struct thread_options *ret_options);

/* Asks one question about one asset. `sum` NULL: fetch the answer, and that is all. */
typedef void thread_ask(void *ctx, enum thread_what what, struct weft_text asset, uint64_t as_of,
    struct thread_sum *sum);

/* All questions of the standard input. */
void thread_ask_all(const struct thread_options *options, thread_ask *ask, void *ctx);

/* Ends the program with a message unless `is_true`. */
void thread_must(bool is_true, const char *format, ...) __attribute__((format(printf, 2, 3)));
double thread_seconds(void);

#endif
