/* jepsen/work/orders.h: what the people of a run have ordered of its machines, and their hands: the
 * commands of `weft` that they sign with, by the nodes' time. Any thread. */
#ifndef WEFT_JEPSEN_WORK_ORDERS_H
#define WEFT_JEPSEN_WORK_ORDERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "jepsen/core/edn.h"

struct jep_site;

enum {
    JEP_ORDER_ID_BYTES = 33, /* 32 hexadecimal digits */
    JEP_ORDER_WORD_BYTES = 24,
    JEP_HAND_ARGS_MAX = 40
};

struct jep_order {
    char id[JEP_ORDER_ID_BYTES];
    unsigned channel; /* number: of gateway channel / JEP_GATE_MACHINES */
    bool is_over;     /* it was seen to have ended, and nothing is left to be done about it */
};

struct jep_orders {
    pthread_mutex_t mutex;
    struct jep_order *items;
    size_t count, capacity;
};

void jep_orders_init(struct jep_orders *orders);
void jep_orders_destroy(struct jep_orders *orders);
void jep_orders_add(struct jep_orders *orders, const char *id, unsigned channel);
void jep_orders_end(struct jep_orders *orders, const char *id);
/* Of the channel, the oldest `max` that are not over. Gives how many. */
size_t jep_orders_open(
    struct jep_orders *orders, unsigned channel, struct jep_order *ret_orders, size_t max);

/* `weft ARGUMENTS` at any node of the site, with the key of `who` (NULL: none). Gives its exit code
 * (-1: it did not end in time), and what it printed as JSON (its last line), or nil. */
int jep_hand(const struct jep_site *site, const char *who, const char *const *arguments,
    unsigned wait_ms, struct jep_arena *arena, struct jep_edn *ret_said);
/* At that node alone, as it is there. */
int jep_hand_at(const struct jep_site *site, unsigned node, const char *const *arguments,
    struct jep_arena *arena, struct jep_edn *ret_said);

/* "gw1/press3", "plant1/line/gw1-press3", "plant1/gw1/press3". */
const char *jep_order_machine(unsigned channel, struct jep_arena *arena);
const char *jep_order_asset(unsigned channel, struct jep_arena *arena);
const char *jep_order_channel(unsigned channel, struct jep_arena *arena);

/* Was the machine really told the order? As a person looks. */
bool jep_order_was_told(const struct jep_site *site, unsigned channel, const char *id);

/* Looks after what is open on the channel: what is UNKNOWN is resolved by whoever looks. Gives how
 * many are open still. */
size_t jep_orders_look_after(const struct jep_site *site, struct jep_orders *orders,
    unsigned channel, struct jep_arena *arena);

#endif
