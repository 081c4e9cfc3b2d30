#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/sim.h"

/* What the judge knows. It sees what goes into logs, what is applied, who leads, what clients
 * were told; it asks no replica anything but its log's terms. */
struct written { /* An entry in any log, by index and term. */
    uint64_t index;
    uint64_t term;
    uint64_t hash;
    uint64_t prev_term;
    bool is_prev_known;
};

struct agreed {    /* The entry that was applied at an index. */
    uint64_t term; /* 0: none yet. */
    uint64_t hash;
    uint64_t value;
    uint64_t chain; /* After it. */
    uint64_t conf_index;
};

struct told { /* A client was told that its value is at an index. */
    uint64_t index;
    uint64_t term;
    uint64_t value;
};

struct leader {
    uint64_t term;
    uint64_t node;
};

struct sim_check {
    struct written *written; /* Open addressing. */
    size_t written_count;
    size_t written_capacity;
    struct agreed *agreed; /* By index. */
    uint64_t agreed_capacity;
    uint64_t applied_max;
    struct told *told;
    size_t told_count;
    size_t told_capacity;
    struct leader *leaders;
    size_t leader_count;
    size_t leader_capacity;
    struct weft_configuration *configurations; /* In order of index. */
    size_t configuration_count;
    size_t configuration_capacity;
    uint64_t told_max;     /* Highest index that a client was told of. */
    uint64_t observed_max; /* Highest state that a finished read saw. */
};

static void *grow(void *block, size_t *capacity, size_t item)
{
    *capacity = 2 * *capacity + 64;
    void *more = realloc(block, *capacity * item);
    if (more == NULL) {
        abort();
    }
    return more;
}

struct sim_check *sim_check_create(void)
{
    struct sim_check *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        abort();
    }
    c->written_capacity = 1024;
    c->written = calloc(c->written_capacity, sizeof(*c->written));
    return c;
}

void sim_check_destroy(struct sim_check *c)
{
    free(c->written);
    free(c->agreed);
    free(c->told);
    free(c->leaders);
    free(c->configurations);
    free(c);
}

static uint64_t hash_of(uint64_t seed, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t hash = seed ^ UINT64_C(14695981039346656037);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    }
    return hash;
}

static struct written *find_written(struct sim_check *c, uint64_t index, uint64_t term)
{
    size_t at =
        (size_t)((index * UINT64_C(0x9e3779b97f4a7c15) ^ term * UINT64_C(0xbf58476d1ce4e5b9)) %
                 c->written_capacity);
    while (c->written[at].index != 0 &&
           (c->written[at].index != index || c->written[at].term != term)) {
        at = (at + 1) % c->written_capacity;
    }
    return &c->written[at];
}

static void rehash(struct sim_check *c)
{
    struct written *old = c->written;
    size_t old_capacity = c->written_capacity;
    c->written_capacity *= 2;
    c->written = calloc(c->written_capacity, sizeof(*c->written));
    if (c->written == NULL) {
        abort();
    }
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].index != 0) {
            *find_written(c, old[i].index, old[i].term) = old[i];
        }
    }
    free(old);
}

/* Log matching: "if two logs contain an entry with the same index and term, then the logs are
 * identical in all entries up through the given index" (figure 3.2), by induction over pairs of
 * neighbours. */
void sim_check_append(
    struct sim_node *n, uint64_t index, uint64_t prev_term, const struct weft_peer_entry *entry)
{
    struct sim_check *c = n->sim->check;
    uint64_t hash = hash_of(entry->type, entry->data.data, entry->data.size);
    if (2 * c->written_count > c->written_capacity) {
        rehash(c);
    }
    struct written *w = find_written(c, index, entry->term);
    if (w->index == 0) {
        *w = (struct written){index, entry->term, hash, prev_term, prev_term != 0 || index == 1};
        c->written_count++;
        return;
    }
    if (w->hash != hash) {
        sim_fail(n->sim,
            "log matching: two entries of index %" PRIu64 " and term %" PRIu64
            ", the second one on node %" PRIu64,
            index, entry->term, n->id);
    }
    if (prev_term != 0 && w->is_prev_known && w->prev_term != prev_term) {
        sim_fail(n->sim,
            "log matching: entry %" PRIu64 " of term %" PRIu64 " follows terms %" PRIu64
            " and %" PRIu64,
            index, entry->term, w->prev_term, prev_term);
    }
    if (prev_term != 0 && !w->is_prev_known) {
        w->prev_term = prev_term;
        w->is_prev_known = true;
    }
}

/* Election safety, and leader completeness for what was applied anywhere before. */
void sim_check_leader(struct sim_node *n, uint64_t term)
{
    struct sim *s = n->sim;
    struct sim_check *c = s->check;
    bool is_newest = true;
    for (size_t i = 0; i < c->leader_count; i++) {
        if (c->leaders[i].term == term && c->leaders[i].node != n->id) {
            sim_fail(s, "election safety: nodes %" PRIu64 " and %" PRIu64 " lead term %" PRIu64,
                c->leaders[i].node, n->id, term);
        }
        is_newest = is_newest && c->leaders[i].term < term;
    }
    if (c->leader_count == c->leader_capacity) {
        c->leaders = grow(c->leaders, &c->leader_capacity, sizeof(*c->leaders));
    }
    c->leaders[c->leader_count++] = (struct leader){term, n->id};
    if (!is_newest) {
        return; /* Elected late: what is committed since, it need not have. */
    }
    uint64_t last = n->log->engine->last_index(n->log);
    if (last < c->applied_max) {
        sim_fail(s,
            "leader completeness: node %" PRIu64 " leads term %" PRIu64 " with a log up to %" PRIu64
            ", %" PRIu64 " is committed",
            n->id, term, last, c->applied_max);
    }
    for (uint64_t i = n->log->engine->base_index(n->log) + 1; i <= c->applied_max && i <= last;
         i++) {
        if (c->agreed[i].term != 0 && n->log->engine->term_of(n->log, i) != c->agreed[i].term) {
            sim_fail(s,
                "leader completeness: node %" PRIu64 " leads term %" PRIu64
                " without committed entry %" PRIu64,
                n->id, term, i);
            return;
        }
    }
}

static void keep_configuration(struct sim_node *n, const struct weft_log_entry *entry)
{
    struct sim_check *c = n->sim->check;
    struct weft_configuration configuration;
    struct weft_msg msg = {""};
    if (weft_configuration_decode(entry->data, &configuration, &msg) != WEFT_OK) {
        sim_fail(n->sim, "entry %" PRIu64 " is no configuration: %s", entry->index, msg.text);
        return;
    }
    configuration.index = entry->index;
    if (c->configuration_count == c->configuration_capacity) {
        c->configurations =
            grow(c->configurations, &c->configuration_capacity, sizeof(*c->configurations));
    }
    c->configurations[c->configuration_count++] = configuration;
}

/* State machine safety: "if a server has applied a log entry at a given index to its state
 * machine, no other server will ever apply a different log entry for the same index". */
struct sim_state sim_check_apply(struct sim_node *n, const struct weft_log_entry *entry)
{
    struct sim *s = n->sim;
    struct sim_check *c = s->check;
    uint64_t hash = hash_of(entry->type, entry->data.data, entry->data.size);
    struct sim_state before = *sim_node_state(n);
    struct agreed now = {.term = entry->term, .hash = hash, .conf_index = before.conf_index};
    now.chain = hash_of(before.chain ^ entry->term, &hash, sizeof(hash));
    if (entry->type == WEFT_ENTRY_CHANGE) {
        now.conf_index = entry->index;
    } else if (entry->type == WEFT_ENTRY_COMMAND && s->has_values) {
        memcpy(&now.value, entry->data.data, sizeof(now.value));
    }
    while (entry->index >= c->agreed_capacity) {
        uint64_t old = c->agreed_capacity;
        size_t capacity = (size_t)old;
        c->agreed = grow(c->agreed, &capacity, sizeof(*c->agreed));
        c->agreed_capacity = capacity;
        memset(&c->agreed[old], 0, (capacity - old) * sizeof(*c->agreed));
    }
    struct agreed *a = &c->agreed[entry->index];
    if (a->term == 0) {
        *a = now;
        if (entry->type == WEFT_ENTRY_CHANGE) {
            keep_configuration(n, entry);
        }
        c->applied_max = entry->index > c->applied_max ? entry->index : c->applied_max;
    } else if (a->term != now.term || a->hash != now.hash || a->chain != now.chain) {
        sim_fail(s,
            "state machine safety: node %" PRIu64 " applies another entry at %" PRIu64
            ": term %" PRIu64 ", agreed was %" PRIu64,
            n->id, entry->index, now.term, a->term);
    }
    return (struct sim_state){entry->index, entry->term, now.chain, now.conf_index};
}

void sim_check_install(struct sim_node *n, uint64_t index, uint64_t term, uint64_t chain)
{
    const struct sim_check *c = n->sim->check;
    if (index > c->applied_max || c->agreed[index].term != term ||
        c->agreed[index].chain != chain) {
        sim_fail(n->sim, "node %" PRIu64 " installs a state at %" PRIu64 " that nobody had", n->id,
            index);
    }
}

void sim_check_acknowledge(struct sim *s, uint64_t index, uint64_t term, uint64_t value)
{
    struct sim_check *c = s->check;
    if (c->told_count == c->told_capacity) {
        c->told = grow(c->told, &c->told_capacity, sizeof(*c->told));
    }
    c->told[c->told_count++] = (struct told){index, term, value};
    c->told_max = index > c->told_max ? index : c->told_max;
}

uint64_t sim_check_read_floor(const struct sim *s)
{
    const struct sim_check *c = s->check;
    return c->told_max > c->observed_max ? c->told_max : c->observed_max;
}

/* Linearizability of reads: not less than what was acknowledged, or seen by a read that had
 * ended, before this one began. */
void sim_check_read(struct sim_node *n, uint64_t floor, uint64_t index, uint64_t applied)
{
    struct sim_check *c = n->sim->check;
    if (index < floor) {
        sim_fail(n->sim,
            "linearizability: a read on node %" PRIu64 " at %" PRIu64 " began when %" PRIu64
            " was known",
            n->id, index, floor);
    }
    if (applied < index) {
        sim_fail(n->sim, "a read on node %" PRIu64 " goes on at %" PRIu64 " of %" PRIu64, n->id,
            applied, index);
    }
    c->observed_max = applied > c->observed_max ? applied : c->observed_max;
}

const struct weft_configuration *sim_check_configuration(const struct sim *s)
{
    const struct sim_check *c = s->check;
    const struct weft_configuration *newest = NULL;
    for (size_t i = 0; i < c->configuration_count; i++) {
        if (newest == NULL || c->configurations[i].index > newest->index) {
            newest = &c->configurations[i];
        }
    }
    return newest;
}

const struct weft_configuration *sim_check_configuration_at(const struct sim *s, uint64_t index)
{
    const struct sim_check *c = s->check;
    for (size_t i = 0; i < c->configuration_count; i++) {
        if (c->configurations[i].index == index) {
            return &c->configurations[i];
        }
    }
    abort(); /* A state names only configurations that were applied. */
}

struct sim_state sim_check_state_at(const struct sim *s, uint64_t index)
{
    const struct sim_check *c = s->check;
    if (index == 0) {
        return (struct sim_state){0};
    }
    if (index > c->applied_max || c->agreed[index].term == 0) {
        abort(); /* A state names only indexes that were applied. */
    }
    const struct agreed *a = &c->agreed[index];
    return (struct sim_state){index, a->term, a->chain, a->conf_index};
}

uint64_t sim_check_applied_max(const struct sim *s)
{
    return s->check->applied_max;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void sim_check_end(struct sim *s)
{
    const struct sim_check *c = s->check;
    uint64_t *values = calloc(c->applied_max + 1, sizeof(*values));
    size_t count = 0;
    if (values == NULL) {
        abort();
    }
    for (size_t i = 0; i < c->told_count; i++) {
        const struct told *t = &c->told[i];
        if (t->index > c->applied_max || c->agreed[t->index].value != t->value ||
            c->agreed[t->index].term != t->term) {
            sim_fail(
                s, "acknowledged value %" PRIu64 " at %" PRIu64 " is lost", t->value, t->index);
        }
    }
    for (uint64_t i = 1; i <= c->applied_max; i++) {
        if (c->agreed[i].value != 0) {
            values[count++] = c->agreed[i].value;
        }
    }
    qsort(values, count, sizeof(*values), by_value);
    for (size_t i = 1; i < count; i++) {
        if (values[i] == values[i - 1]) {
            sim_fail(s, "value %" PRIu64 " is in the history twice", values[i]);
        }
    }
    free(values);
}
