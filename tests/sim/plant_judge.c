#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/check.h"
#include "tests/sim/plant.h"

/* The judge at the state machine: every replica gives each item of the agreed log the outcome that
 * the model gives it, and reaches the same chain. */

static struct plant_outcome *outcome_of(struct plant *p, uint64_t index)
{
    if (index >= p->outcome_capacity) {
        uint64_t capacity = 2 * index + 1024;
        p->outcomes = realloc(p->outcomes, capacity * sizeof(*p->outcomes));
        if (p->outcomes == NULL) {
            abort();
        }
        memset(&p->outcomes[p->outcome_capacity], 0,
            (capacity - p->outcome_capacity) * sizeof(*p->outcomes));
        p->outcome_capacity = capacity;
    }
    return &p->outcomes[index];
}

static void agree(struct plant *p, const struct weft_log_entry *entry)
{
    struct plant_outcome *o = outcome_of(p, entry->index);
    const struct model_item *items = NULL;
    uint32_t count = 0;
    if (entry->type == WEFT_ENTRY_COMMAND &&
        !model_apply(p->model, entry->index, entry->data, &items, &count)) {
        sim_fail(p->sim, "entry %" PRIu64 " is none that a leader makes", entry->index);
    }
    if (p->item_count + count > p->item_capacity) {
        p->item_capacity = 2 * (p->item_count + count) + 1024;
        p->items = realloc(p->items, p->item_capacity * sizeof(*p->items));
        if (p->items == NULL) {
            abort();
        }
    }
    o->first = p->item_count;
    o->count = count;
    o->is_known = true;
    if (count > 0) {
        memcpy(&p->items[p->item_count], items, count * sizeof(*items));
    }
    p->item_count += count;
}

void plant_judge_entry(
    struct plant_node *pn, const struct weft_log_entry *entry, struct sim_state *ret_state)
{
    struct sim_node *n = pn->sim;
    struct plant *p = n->sim->plant;
    if (entry->index != n->next_expected) {
        sim_fail(n->sim, "node %" PRIu64 " is given %" PRIu64 " to apply, not %" PRIu64, n->id,
            entry->index, n->next_expected);
        return;
    }
    n->next_expected++;
    *ret_state = sim_check_apply(n, entry);
    if (!outcome_of(p, entry->index)->is_known && !n->sim->has_failed) {
        agree(p, entry);
    }
}

static bool is_as_agreed(const struct weft_applied_item *got, const struct model_item *item)
{
    switch (item->fate) {
    case MODEL_ACCEPTED:
        return got->err == WEFT_OK &&
               (got->type == WEFT_ITEM_DIGEST ||
                   (got->result.index == item->index && !got->result.repeated));
    case MODEL_REPEATED:
        return got->err == WEFT_OK && got->result.index == item->index && got->result.repeated;
    case MODEL_CONFLICT:
    case MODEL_OTHER_BODY:
        return got->err == WEFT_ECONFLICT;
    }
    return false;
}

static const char *fate_name(enum model_fate fate)
{
    static const char *const names[] = {
        "accepted", "repeated", "a conflict", "another commit's id"};
    return names[fate];
}

void plant_judge_items(struct plant_node *pn, const struct weft_applied_item *items, uint32_t count)
{
    struct plant *p = pn->sim->sim->plant;
    for (uint32_t i = 0; i < count; i++) {
        const struct plant_outcome *o = outcome_of(p, items[i].entry_index);
        if (items[i].item >= o->count) {
            sim_fail(p->sim, "node %" PRIu64 " found %u items at %" PRIu64, pn->sim->id,
                items[i].item + 1, items[i].entry_index);
            return;
        }
        const struct model_item *item = &p->items[o->first + items[i].item];
        if (!is_as_agreed(&items[i], item)) {
            sim_fail(p->sim,
                "node %" PRIu64 ": item %u of %" PRIu64 " is %s for the model, %s at %" PRIu64
                "%s for the node",
                pn->sim->id, items[i].item, items[i].entry_index, fate_name(item->fate),
                weft_err_name(items[i].err), items[i].result.index,
                items[i].result.repeated ? " (repeated)" : "");
            return;
        }
    }
}

void plant_judge_chain(struct plant_node *pn, uint64_t index, const struct weft_digest *chain)
{
    struct plant *p = pn->sim->sim->plant;
    struct plant_outcome *o = outcome_of(p, index);
    weft_chains_note(&pn->node.chains, index, chain);
    if (!o->has_chain) {
        o->has_chain = true;
        o->chain = *chain;
    } else if (!weft_digest_equal(&o->chain, chain)) {
        sim_fail(p->sim, "node %" PRIu64 " has another state at %" PRIu64 " than others had",
            pn->sim->id, index);
    }
}
