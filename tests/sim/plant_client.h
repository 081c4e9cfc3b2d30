/* tests/sim/plant_client.h: a client: one operation at a time, each a row of requests. For
 * plant_client.c (requests and their outcomes), plant_ops.c (what operations do) and plant_answer.c
 * (what answers must say). */
#ifndef WEFT_TESTS_SIM_PLANT_CLIENT_H
#define WEFT_TESTS_SIM_PLANT_CLIENT_H

#include "tests/sim/plant.h"
#include "tests/sim/plant_history.h"

enum {
    OP_KEYS_MAX = 4,
    OP_TEXT_SIZE = 32,
    REGISTER_KEYS = 3,
    AS_OF_KEYS = 3, /* Registers of their own, behind the others. */
    LIST_KEYS = 3,
    ACCOUNTS = 4,
    ACCOUNT_START = 20,
    PARTS = 12,
    LOGS = 2,
};

enum plant_op_type {
    OP_READ,
    OP_WRITE,
    OP_CAS,
    OP_TXN, /* Reads of some lists at one index, then appends, if the lists are still so. */
    OP_ADD,
    OP_SET_READ,
    OP_SETUP, /* Accounts get their money. */
    OP_TRANSFER,
    OP_BANK_READ,
    OP_ASSEMBLE,
    OP_TRACE,
    OP_TRACE_FORWARD,
    OP_EVENT,
    OP_WATCH,
    OP_AS_OF,
    OP_DIGEST,
    OP_STALE, /* Whatever a node has, or what it has from an index on. */
    OP_PROBE,
};

struct plant_op {
    enum plant_op_type type;
    enum plant_workload workload;
    const char *f;
    uint32_t step;
    uint64_t keys[OP_KEYS_MAX];
    int64_t values[OP_KEYS_MAX];
    uint64_t revs[OP_KEYS_MAX];
    uint32_t key_count;
    uint32_t read_count; /* TXN: of the keys, the first so many are read. */
    uint32_t append_count;
    int64_t old;
    uint64_t index; /* That it reads at; of a commit: that it has. */
    uint32_t tries;
    bool has_found; /* Something of the list under construction. */
    struct weft_buffer found;
};

struct plant_client {
    struct plant *plant;
    uint32_t id;
    int64_t process;
    bool is_busy;
    struct plant_op op;
    uint64_t deadline_ms; /* Of the operation. */
    uint64_t pinned;      /* Ask this node alone; 0: any. */
    uint64_t leader;      /* That it was last told of; 0: none. */
    uint64_t node;        /* That was last asked. */
    bool was_ok;          /* The last operation. */
    /* The request under way. */
    bool is_waiting;
    bool is_commit;
    bool is_unknown; /* An attempt may have been carried out. */
    uint32_t attempts;
    uint64_t serial;
    uint64_t floor; /* A linearizable answer speaks for this index at least. */
    struct weft_request_id request_id;
    struct weft_buffer request;
    struct weft_query query;
    char asset[OP_TEXT_SIZE];
    uint8_t cursor[256];
    uint64_t page_index; /* Of the first page. */
    uint32_t page_place; /* In the model, of what comes next. */
    char texts[2 * OP_KEYS_MAX][OP_TEXT_SIZE];
    /* From one operation to the next. */
    int64_t seen[REGISTER_KEYS]; /* Values that a read has given. */
    uint64_t watch_next;
    uint64_t watch_index; /* Of the last record that it was told of. */
    uint64_t watch_ordinal;
    struct weft_buffer value;
    struct weft_arena arena;
};

/* plant_client.c. Requests of the operation under way; what comes of them goes to plant_op_*. */
void plant_ask(struct plant_client *c, const char *asset);              /* c->query. */
void plant_ask_again(struct plant_client *c, struct weft_bytes cursor); /* Its next page. */
void plant_ask_digest(struct plant_client *c, uint64_t node, uint64_t index);
void plant_commit(struct plant_client *c, const struct weft_record *records, uint32_t count);
void plant_wait(struct plant_client *c, uint64_t delay_ms); /* Then plant_op_waited. */
void plant_finish(struct plant_client *c, const char *type, const char *error);
void plant_begin(struct plant_client *c);
void plant_put(struct weft_buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
uint64_t plant_next_value(struct plant *p);

/* plant_ops.c */
bool plant_op_choose(struct plant_client *c); /* False: nothing to do for now. */
void plant_op_final(struct plant_client *c, uint32_t n, bool *ret_is_last);
void plant_op_invoked(const struct plant_client *c, struct weft_buffer *ret_value);
void plant_op_completed(const struct plant_client *c, struct weft_buffer *ret_value);
void plant_op_start(struct plant_client *c);
/* `m`: what the model allows, already judged; of kind ERROR: WEFT_ENOTFOUND alone. */
void plant_op_answered(struct plant_client *c, const struct weft_client_message *m);
void plant_op_waited(struct plant_client *c);

/* plant_answer.c. Fails the run if the answer is not what it must be. */
void plant_answer_open(struct plant *p);
void plant_answer_close(struct plant *p);
void plant_answer_page(struct plant_client *c, const struct weft_page *page);
void plant_answer_trace(struct plant_client *c, const struct weft_trace_result *trace);
void plant_answer_none(struct plant_client *c, uint64_t index);
void plant_answer_commit(struct plant_client *c, const struct weft_commit_result *result);
/* The client was told for certain that it did not happen. */
void plant_answer_refused(struct plant *p, const struct weft_request_id *id);
void plant_answer_digest(struct plant *p, uint64_t node, const struct weft_digest_result *result);
void plant_answer_end(struct plant *p);
int64_t plant_record_value(const struct weft_record *record);

#endif
