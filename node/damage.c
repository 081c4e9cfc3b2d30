#include "node/damage.h"

#include "node/node.h"
#include "node/rebuild.h"

enum {
    ANSWERS_MS = 250 /* Chosen: those who met it hear where to ask; others ask again elsewhere. */
};

void weft_damage_note(void *node, const char *text)
{
    struct weft_node *n = node;
    if (atomic_exchange(&n->damage.is_met, true)) {
        return;
    }
    (void)weft_fail(&n->damage.msg, WEFT_ECORRUPT, "%s", text);
    atomic_store(&n->damage.is_told, true);
    weft_node_wake(n);
}

void weft_damage_turn(struct weft_node *node, uint64_t now_ms)
{
    struct weft_damage *d = &node->damage;
    if (!atomic_load_explicit(&d->is_told, memory_order_acquire)) {
        return;
    }
    if (d->stop_ms == 0) {
        d->stop_ms = now_ms + ANSWERS_MS;
        weft_rebuild_mark(&node->datadir); /* Also if the node is stopped or killed before. */
    } else if (now_ms >= d->stop_ms && node->phase < WEFT_NODE_STOPPING) { /* NOD-21 */
        weft_node_fail(node, WEFT_NODE_STATE_FAILED, WEFT_ECORRUPT, &d->msg);
    }
}
