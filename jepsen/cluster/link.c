#include "jepsen/cluster/link.h"

#include <stdio.h>
#include <string.h>

static const int64_t us = 1000, ms = 1000000, s = 1000000000;

void jep_link_init(struct jep_link *link, uint64_t seed, unsigned from, unsigned to)
{
    memset(link, 0, sizeof(*link));
    link->rng = jep_rng_stream_at(seed, "link", (uint64_t)from << 32 | to);
}

void jep_link_set(struct jep_link *link, const struct jep_link_rule *rule, int64_t now_ns)
{
    link->rule = *rule;
    link->rule_since_ns = now_ns;
}

bool jep_link_is_cut(const struct jep_link *link, int64_t now_ns)
{
    if (!link->rule.is_cut || link->rule.flap_ms == 0) {
        return link->rule.is_cut;
    }
    return (now_ns - link->rule_since_ns) / (link->rule.flap_ms * ms) % 2 == 0;
}

/* Each chance is drawn only where its rule is on: a whole link draws nothing. */
static bool happens(struct jep_link *link, uint32_t ppm)
{
    return ppm > 0 && jep_rng_chance(&link->rng, ppm, JEP_PPM);
}

static int64_t delay_ns(struct jep_link *link)
{
    const struct jep_link_rule *r = &link->rule;
    int64_t jitter = r->jitter_us > 0 ? jep_rng_between(&link->rng, 0, r->jitter_us) : 0;
    return ((int64_t)r->delay_us + jitter) * us;
}

/* When the last byte is on the wire; -1: the queue before the wire is full. */
static int64_t leave_wire(struct jep_link *link, size_t size, int64_t now_ns)
{
    uint64_t rate = link->rule.rate_bytes_per_s;
    if (rate == 0) {
        return now_ns;
    }
    int64_t begin = link->wire_free_ns > now_ns ? link->wire_free_ns : now_ns;
    if (begin - now_ns > JEP_LINK_QUEUE_MS * ms) {
        return -1;
    }
    link->wire_free_ns = begin + (int64_t)(size * (uint64_t)s / rate);
    return link->wire_free_ns;
}

struct jep_link_fate jep_link_decide(struct jep_link *link, size_t size, int64_t now_ns)
{
    const struct jep_link_rule *r = &link->rule;
    struct jep_link_counts *c = &link->counts;
    struct jep_link_fate drop = {.kind = JEP_LINK_DROP};
    if (jep_link_is_cut(link, now_ns)) {
        c->cut++;
        return drop;
    }
    if (happens(link, r->loss_ppm)) {
        c->lost++;
        return drop;
    }
    int64_t left_ns = leave_wire(link, size, now_ns);
    if (left_ns < 0) {
        c->overflowed++;
        return drop;
    }
    struct jep_link_fate fate = {.kind = JEP_LINK_DELIVER, .due_ns = left_ns + delay_ns(link)};
    if (fate.due_ns < link->last_due_ns) {
        fate.due_ns = link->last_due_ns;
    }
    if (happens(link, r->reorder_ppm)) {
        c->reordered++;
        fate.due_ns += r->reorder_us * us;
    } else {
        link->last_due_ns = fate.due_ns;
    }
    if (happens(link, r->duplicate_ppm)) {
        c->duplicated++;
        fate.kind = JEP_LINK_DELIVER_TWICE;
        fate.twin_due_ns = fate.due_ns + jep_rng_between(&link->rng, 0, 5 * ms);
    }
    if (happens(link, r->corrupt_ppm)) {
        fate.is_corrupt = true;
        fate.corrupt_at = (uint32_t)jep_rng_next(&link->rng);
    }
    if (fate.due_ns > now_ns) {
        c->delayed++;
        c->delay_us += (uint64_t)((fate.due_ns - now_ns) / us);
    }
    c->passed++;
    c->bytes += size;
    return fate;
}
