#include <stdlib.h>
#include <string.h>

#include "tests/sim/plant_client.h"

const char *const plant_workload_names[PLANT_WORKLOADS] = {
    [PLANT_REGISTER] = "register",
    [PLANT_APPEND] = "append",
    [PLANT_SET] = "set",
    [PLANT_BANK] = "bank",
    [PLANT_LINEAGE] = "lineage",
    [PLANT_WATCH] = "watch",
    [PLANT_AS_OF] = "as-of",
    [PLANT_DIGEST] = "digest",
};

enum {
    MAIN_PERMILLE = 700, /* Operations of the run's own workload. */
};

static uint64_t chance(const struct plant_client *c, uint64_t bound)
{
    return sim_random(c->plant->sim, bound);
}

uint64_t plant_next_value(struct plant *p)
{
    return p->sim->next_value++;
}

/* --- choosing -------------------------------------------------------------------------------- */

static void choose_register(struct plant_client *c)
{
    struct plant_op *op = &c->op;
    uint64_t what = chance(c, 100);
    op->keys[0] = chance(c, REGISTER_KEYS);
    op->type = what < 45 ? OP_READ : what < 72 ? OP_WRITE : OP_CAS;
    op->old = c->seen[op->keys[0]];
    if (op->type == OP_CAS && op->old == 0) {
        op->type = OP_READ;
    }
    op->f = op->type == OP_READ ? "read" : op->type == OP_WRITE ? "write" : "cas";
    op->values[0] = op->type == OP_READ ? 0 : (int64_t)plant_next_value(c->plant);
}

static void choose_append(struct plant_client *c)
{
    struct plant_op *op = &c->op;
    uint64_t what = chance(c, 100), first = chance(c, LIST_KEYS);
    op->type = OP_TXN;
    op->f = "txn";
    op->key_count = 1 + (uint32_t)chance(c, LIST_KEYS);
    op->read_count = what < 40 ? op->key_count : what < 80 ? 0 : 1;
    op->append_count = what < 40 ? 0 : op->key_count;
    for (uint32_t i = 0; i < op->key_count; i++) {
        op->keys[i] = (first + i) % LIST_KEYS;
        op->values[i] = i < op->append_count ? (int64_t)plant_next_value(c->plant) : 0;
    }
}

static void choose_set(struct plant_client *c)
{
    bool is_read = chance(c, 100) < 30;
    c->op.type = is_read ? OP_SET_READ : OP_ADD;
    c->op.f = is_read ? "read" : "add";
    c->op.values[0] = is_read ? 0 : (int64_t)plant_next_value(c->plant);
}

static bool choose_bank(struct plant_client *c)
{
    struct plant_op *op = &c->op;
    if (!c->plant->has_accounts) {
        op->type = OP_SETUP;
        op->f = "-setup";
        return c->id == 0;
    }
    op->type = chance(c, 100) < 60 ? OP_TRANSFER : OP_BANK_READ;
    op->f = op->type == OP_TRANSFER ? "transfer" : "read";
    op->keys[0] = chance(c, ACCOUNTS);
    op->keys[1] = (op->keys[0] + 1 + chance(c, ACCOUNTS - 1)) % ACCOUNTS;
    op->old = 1 + (int64_t)chance(c, 5); /* How much. */
    return true;
}

static bool choose_lineage(struct plant_client *c)
{
    struct plant_op *op = &c->op;
    struct plant *p = c->plant;
    uint64_t what = chance(c, 100);
    op->type = what < 50 ? OP_ASSEMBLE : what < 85 ? OP_TRACE : OP_TRACE_FORWARD;
    op->f = op->type == OP_ASSEMBLE ? "assemble" : op->type == OP_TRACE ? "trace" : "-forward";
    if (op->type == OP_ASSEMBLE) {
        uint64_t first = chance(c, PARTS);
        op->keys[0] = p->next_unit++;
        op->key_count = 2 + (uint32_t)chance(c, OP_KEYS_MAX - 1); /* Parts. */
        for (uint32_t i = 0; i < op->key_count; i++) {
            op->values[i] = (int64_t)((first + 5 * i) % PARTS);
        }
        return true;
    }
    op->keys[0] = op->type == OP_TRACE ? chance(c, p->next_unit) : chance(c, PARTS);
    return p->next_unit > 0;
}

static void choose_watch(struct plant_client *c)
{
    bool is_event = chance(c, 100) < 60;
    c->op.type = is_event ? OP_EVENT : OP_WATCH;
    c->op.f = is_event ? "append-commit" : "watch";
    c->op.keys[0] = is_event ? chance(c, LOGS) : c->watch_next;
    c->op.values[0] = is_event ? (int64_t)plant_next_value(c->plant) : 0;
}

static void choose_as_of(struct plant_client *c)
{
    struct plant_op *op = &c->op;
    op->keys[0] = REGISTER_KEYS + chance(c, AS_OF_KEYS);
    if (chance(c, 100) < 40) {
        op->type = OP_WRITE;
        op->f = "-write";
        op->values[0] = (int64_t)plant_next_value(c->plant);
        return;
    }
    op->type = OP_AS_OF;
    op->f = "as-of";
    op->keys[1] = 1 + chance(c, c->plant->told_max + 1);
}

static void choose_digest(struct plant_client *c)
{
    c->op.type = chance(c, 100) < 30 ? OP_DIGEST : OP_STALE;
    c->op.f = c->op.type == OP_DIGEST ? "digest" : "-stale";
    c->op.keys[0] = chance(c, REGISTER_KEYS);
    c->op.keys[1] = chance(c, 2); /* At least some index? */
}

static void reset(struct plant_client *c, enum plant_workload workload)
{
    struct weft_buffer found = c->op.found;
    c->op = (struct plant_op){.workload = workload, .found = found, .key_count = 1};
}

bool plant_op_choose(struct plant_client *c)
{
    struct plant *p = c->plant;
    bool is_main = chance(c, 1000) < MAIN_PERMILLE;
    reset(c, is_main ? p->options->workload : (enum plant_workload)chance(c, PLANT_WORKLOADS));
    switch (c->op.workload) {
    case PLANT_REGISTER:
        choose_register(c);
        return true;
    case PLANT_APPEND:
        choose_append(c);
        return true;
    case PLANT_SET:
        choose_set(c);
        return true;
    case PLANT_BANK:
        return choose_bank(c);
    case PLANT_LINEAGE:
        return choose_lineage(c);
    case PLANT_WATCH:
        choose_watch(c);
        return true;
    case PLANT_AS_OF:
        choose_as_of(c);
        return true;
    case PLANT_DIGEST:
    case PLANT_WORKLOADS:
        choose_digest(c);
        return true;
    }
    return false;
}

/* The nth of the final reads. */
void plant_op_final(struct plant_client *c, uint32_t n, bool *ret_is_last)
{
    struct plant *p = c->plant;
    static const uint32_t units_max = 6;
    uint32_t units = p->next_unit < units_max ? (uint32_t)p->next_unit : units_max;
    *ret_is_last = false;
    if (n < REGISTER_KEYS) {
        reset(c, PLANT_REGISTER);
        c->op.type = OP_READ;
        c->op.f = "read";
        c->op.keys[0] = n;
    } else if (n == REGISTER_KEYS) {
        reset(c, PLANT_APPEND);
        c->op.type = OP_TXN;
        c->op.f = "txn";
        c->op.key_count = c->op.read_count = LIST_KEYS;
        for (uint32_t i = 0; i < LIST_KEYS; i++) {
            c->op.keys[i] = i;
        }
    } else if (n == REGISTER_KEYS + 1) {
        reset(c, PLANT_SET);
        c->op.type = OP_SET_READ;
        c->op.f = "read";
    } else if (n == REGISTER_KEYS + 2) {
        reset(c, PLANT_BANK);
        c->op.type = OP_BANK_READ;
        c->op.f = "read";
    } else if (n == REGISTER_KEYS + 3) {
        reset(c, PLANT_WATCH);
        c->op.type = OP_WATCH;
        c->op.f = "watch";
        c->op.keys[0] = c->watch_next;
    } else if (n < REGISTER_KEYS + 4 + units) {
        reset(c, PLANT_LINEAGE);
        c->op.type = OP_TRACE;
        c->op.f = "trace";
        c->op.keys[0] = p->next_unit - units + n - REGISTER_KEYS - 4;
    } else {
        reset(c, PLANT_DIGEST);
        c->op.type = OP_DIGEST;
        c->op.f = "digest";
        *ret_is_last = true;
    }
}
