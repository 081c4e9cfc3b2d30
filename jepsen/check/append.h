/* jepsen/check/append.h: transactions over lists, taken apart: what the parts of the append checker
 * (append.c reads and orders, append_graph.c links, append_tell.c puts into words) share. */
#ifndef WEFT_JEPSEN_CHECK_APPEND_H
#define WEFT_JEPSEN_CHECK_APPEND_H

#include "jepsen/check/check.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/graph.h"
#include "jepsen/check/span.h"
#include "jepsen/core/table.h"

struct jep_txn {
    struct jep_span span;
    bool is_committed;   /* :ok, or unknown and one of its appends was read */
    uint32_t first_read; /* into reads */
    uint32_t reads_count;
};

/* One append: element number e is the e-th that was ever seen in an :append. */
struct jep_element {
    uint32_t txn;
    uint32_t key;
    struct jep_edn value;
    bool is_last;     /* of its transaction on its key */
    uint32_t version; /* place in the key's order from 1; 0: no read showed it */
};

/* What a transaction read from a key before it appended to it itself. */
struct jep_read {
    uint32_t txn;
    uint32_t key;
    const struct jep_edn *items;
    uint32_t count; /* without the transaction's own appends before */
    uint32_t whole; /* with them */
};

struct jep_key {
    struct jep_edn key;
    bool is_read;
    const struct jep_edn *items; /* the longest read: the order of versions */
    uint32_t count;
    uint32_t by;        /* who read it */
    uint32_t *elements; /* element at version v + 1, or JEP_NUMBER_NONE */
    uint32_t tail[64];  /* committed elements that no read showed, the earliest to end first */
    uint32_t tail_count;
};

struct jep_append {
    struct jep_history *history;
    const struct jep_check_options *options;
    struct jep_arena *arena;
    struct jep_findings findings;
    struct jep_txn *txns;
    uint32_t txns_count;
    struct jep_element *elements;
    uint32_t elements_count;
    struct jep_read *reads;
    uint32_t reads_count;
    struct jep_key *keys;
    uint32_t keys_count;
    struct jep_table key_numbers;
    struct jep_table element_numbers; /* of [key value] */
};

/* Number of the element; JEP_NUMBER_NONE: nobody appended it. */
uint32_t jep_append_find(struct jep_append *append, uint32_t key, const struct jep_edn *value);

/* Edges between committed transactions; why is the element that they are about. Nodes 0..txns_count
 * - 1 are the transactions. */
void jep_append_link(struct jep_append *append, struct jep_graph *graph);
/* Looks for circles of every kind and tells the shortest of each. */
void jep_append_circles(
    struct jep_append *append, struct jep_graph *graph, struct jep_limits *limits);

#endif
