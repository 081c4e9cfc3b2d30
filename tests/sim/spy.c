#include "tests/sim/check.h"
#include "tests/sim/sim.h"

/* The replica's log: what it appends is shown to the judge, then passed on. */
static struct sim_node *node_of(const struct weft_log *log)
{
    return (struct sim_node *)((uintptr_t)log - offsetof(struct sim_node, spied));
}

static enum weft_err spy_append(struct weft_log *log, uint64_t index,
    const struct weft_peer_entry *entries, uint32_t count, struct weft_msg *msg)
{
    struct sim_node *n = node_of(log);
    uint64_t term = index > 1 ? n->log->engine->term_of(n->log, index - 1) : 0;
    enum weft_err rv = n->log->engine->append(n->log, index, entries, count, msg);
    for (uint32_t i = 0; i < count && rv == WEFT_OK; i++) {
        sim_check_append(n, index + i, term, &entries[i]);
        term = entries[i].term;
    }
    return rv;
}

static enum weft_err spy_truncate(struct weft_log *log, uint64_t index, struct weft_msg *msg)
{
    struct sim_node *n = node_of(log);
    n->sim->counts[SIM_TRUNCATED]++;
    return n->log->engine->truncate(n->log, index, msg);
}

static enum weft_err spy_set_term(
    struct weft_log *log, uint64_t term, uint64_t voted_for, struct weft_msg *msg)
{
    struct sim_node *n = node_of(log);
    return n->log->engine->set_term(n->log, term, voted_for, msg);
}

static enum weft_err spy_trim(struct weft_log *log, uint64_t index, struct weft_msg *msg)
{
    struct sim_node *n = node_of(log);
    return n->log->engine->trim(n->log, index, msg);
}

static bool spy_scrub(struct weft_log *log, uint64_t index)
{
    struct sim_node *n = node_of(log);
    return n->log->engine->scrub(n->log, index);
}

static enum weft_err spy_reset(
    struct weft_log *log, uint64_t index, uint64_t term, struct weft_msg *msg)
{
    struct sim_node *n = node_of(log);
    return n->log->engine->reset(n->log, index, term, msg);
}

static enum weft_err spy_read(struct weft_log *log, uint64_t index, size_t size_max,
    uint32_t count_max, struct weft_log_entry *ret_entries, uint32_t *ret_count,
    struct weft_msg *msg)
{
    struct sim_node *n = node_of(log);
    return n->log->engine->read(n->log, index, size_max, count_max, ret_entries, ret_count, msg);
}

static uint64_t spy_term_of(const struct weft_log *log, uint64_t index)
{
    const struct sim_node *n = node_of(log);
    return n->log->engine->term_of(n->log, index);
}

static uint64_t spy_base_index(const struct weft_log *log)
{
    const struct sim_node *n = node_of(log);
    return n->log->engine->base_index(n->log);
}

static uint64_t spy_last_index(const struct weft_log *log)
{
    const struct sim_node *n = node_of(log);
    return n->log->engine->last_index(n->log);
}

static uint64_t spy_durable_index(
    struct weft_log *log, enum weft_err *ret_err, struct weft_msg *msg)
{
    struct sim_node *n = node_of(log);
    return n->log->engine->durable_index(n->log, ret_err, msg);
}

static void spy_stats(const struct weft_log *log, struct weft_log_stats *ret_stats)
{
    const struct sim_node *n = node_of(log);
    n->log->engine->stats(n->log, ret_stats);
}

static void spy_close(struct weft_log *log)
{
    (void)log; /* The node closes its own. */
}

const struct weft_log_engine sim_spy_engine = {
    .append = spy_append,
    .truncate = spy_truncate,
    .set_term = spy_set_term,
    .trim = spy_trim,
    .scrub = spy_scrub,
    .reset = spy_reset,
    .read = spy_read,
    .term_of = spy_term_of,
    .base_index = spy_base_index,
    .last_index = spy_last_index,
    .durable_index = spy_durable_index,
    .stats = spy_stats,
    .close = spy_close,
};
