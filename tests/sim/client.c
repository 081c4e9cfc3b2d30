#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/sim.h"

/* Of sim_cluster, whose state is a chain: whoever leads is asked to append a number. */
static bool propose(struct sim_node *n)
{
    struct sim *s = n->sim;
    struct weft_msg msg = {""};
    uint8_t bytes[512] = {0};
    struct sim_proposal p = {.value = s->next_value++};
    size_t size = 8 + sim_random(s, sim_chance(s, 100) ? sizeof(bytes) - 8 : 32);
    memcpy(bytes, &p.value, sizeof(p.value));
    enum weft_err rv = weft_replica_propose(
        n->replica, (struct weft_bytes){bytes, size}, s->now_ms, &p.index, &p.term, &msg);
    if (rv == WEFT_OK) {
        s->counts[SIM_PROPOSED]++;
        n->proposals[n->proposal_count < 63 ? n->proposal_count++ : 63] = p;
    }
    sim_node_after(n, rv, &msg);
    return rv == WEFT_OK;
}

static void read_somewhere(struct sim *s)
{
    struct sim_node *n = sim_any_running(s);
    if (n == NULL || n->read_count == 256) {
        return;
    }
    uint64_t id = ++s->next_read;
    n->reads[n->read_count++] = (struct sim_read){id, sim_check_read_floor(s)};
    weft_replica_read(n->replica, id, s->now_ms);
    sim_node_after(n, WEFT_OK, NULL);
}

void sim_client(struct sim *s, const struct sim_event *event)
{
    struct sim_event next = {.type = SIM_EVENT_CLIENT};
    struct sim_node *leader = sim_leader(s);
    (void)event;
    if (s->is_healing) {
        return;
    }
    if (leader != NULL && leader->paused_until_ms <= s->now_ms) {
        uint32_t burst = sim_chance(s, 200) ? 1 + (uint32_t)sim_random(s, 6) : 1;
        for (uint32_t i = 0; i < burst && leader->replica != NULL && propose(leader); i++) {
        }
    }
    if (sim_chance(s, 100)) { /* A client that has not heard of the new leader. */
        struct sim_node *n = sim_any_running(s);
        if (n != NULL) {
            (void)propose(n);
        }
    }
    if (sim_chance(s, 500)) {
        read_somewhere(s);
    }
    sim_operate(s);
    sim_plan(s, &next, 1 + sim_random(s, 20));
}

void sim_kind_open(struct sim *s)
{
    s->has_values = true;
}

void sim_kind_begin(struct sim *s)
{
    struct sim_event client = {.type = SIM_EVENT_CLIENT};
    sim_plan(s, &client, 1);
}

void sim_kind_probe(struct sim_node *leader)
{
    (void)propose(leader);
}

void sim_kind_end(struct sim *s)
{
    sim_check_end(s);
}

void sim_kind_close(struct sim *s)
{
    (void)s;
}

void sim_kind_drop(const struct sim_event *event)
{
    (void)event; /* It holds nothing of ours. */
}
