#include "node/bundles.h"

#include <stdlib.h>
#include <string.h>

#include "node/node.h"
#include "node/state/commands.h"
#include "policy/principal.h"

/* One that waits. */
struct weft_bundle_wait {
    TAILQ_ENTRY(weft_bundle_wait) next;
    struct weft_waiter waiter;
    struct weft_query query;
    struct weft_arena texts; /* Of the query. */
    uint64_t leaf;
    uint64_t until_ms;
};

void weft_bundles_init(struct weft_bundles *bundles)
{
    TAILQ_INIT(&bundles->waits);
    bundles->count = 0;
}

/* A bundle is proved under the newest checkpoint that this node holds. */
void weft_bundles_ask(struct weft_node *node, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms)
{
    struct weft_query proved = *query;
    proved.wait_ms = 0;
    if (node->audit_sign != NULL) {
        const struct weft_bytes note = weft_audit_sign_note(node->audit_sign);
        proved.where_value = (struct weft_text){(const char *)note.data, note.size};
    }
    enum weft_err err = weft_reads_add(&node->reads, &proved, waiter, now_ms);
    if (err != WEFT_OK) {
        weft_reply_refuse(node, waiter, err, "too many queries wait on this node; try again");
    }
}

/* Whoever is no gateway is told at once that there is nothing, or not yet (NOD-173). */
static bool is_gateway(const struct weft_query *query)
{
    struct weft_principal who;
    return weft_principal_parse_uri(query->principal, &who, NULL) == WEFT_OK &&
           who.class == WEFT_PRINCIPAL_GW;
}

/* "command/<id>/bundle" of one that is applied here, and whose leaf no checkpoint covers. */
static bool has_to_wait(struct weft_node *node, const struct weft_query *query, uint64_t *ret_leaf)
{
    static const char stem[] = "command/", end[] = "/bundle";
    enum {
        STEM_SIZE = sizeof(stem) - 1,
        ID_TEXT_SIZE = 2 * WEFT_COMMAND_ID_SIZE,
        END_SIZE = sizeof(end) - 1
    };
    char subject[WEFT_COMMAND_SUBJECT_SIZE] = WEFT_COMMAND_ASSET;
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    struct weft_text path = query->asset;
    if (query->type != WEFT_QUERY_AUDIT || query->wait_ms == 0 || node->audit_sign == NULL ||
        path.size != STEM_SIZE + ID_TEXT_SIZE + END_SIZE || !weft_text_starts(path, stem) ||
        memcmp(path.data + STEM_SIZE + ID_TEXT_SIZE, end, END_SIZE) != 0 || !is_gateway(query)) {
        return false;
    }
    memcpy(subject + sizeof(WEFT_COMMAND_ASSET) - 1, path.data + STEM_SIZE, ID_TEXT_SIZE);
    return weft_command_subject_parse(
               (struct weft_text){subject, sizeof(WEFT_COMMAND_ASSET) - 1 + ID_TEXT_SIZE}, id) &&
           weft_commands_wants_proof(weft_state_commands(node->state), id, ret_leaf) &&
           weft_audit_sign_note_size(node->audit_sign) <= *ret_leaf;
}

static void free_wait(struct weft_bundles *bundles, struct weft_bundle_wait *wait)
{
    TAILQ_REMOVE(&bundles->waits, wait, next);
    bundles->count--;
    weft_arena_destroy(&wait->texts);
    free(wait);
}

/* What it is about is applied here, and proves itself: nobody else has to be asked. */
bool weft_bundles_hold(struct weft_node *node, const struct weft_query *query,
    const struct weft_waiter *waiter, uint64_t now_ms)
{
    uint64_t leaf, wait_ms = query->wait_ms;
    if (node->bundles.count == WEFT_BUNDLES_MAX || !has_to_wait(node, query, &leaf)) {
        return false;
    }
    struct weft_bundle_wait *wait = calloc(1, sizeof(*wait));
    if (wait == NULL) {
        return false;
    }
    wait->texts.size_max = 64 * 1024;
    if (weft_read_copy(&wait->texts, query, &wait->query) != WEFT_OK) {
        weft_arena_destroy(&wait->texts);
        free(wait);
        return false;
    }
    wait->query.consistency = WEFT_STALE;
    wait->waiter = *waiter;
    wait->leaf = leaf;
    wait->until_ms =
        now_ms + (wait_ms < WEFT_BUNDLES_WAIT_MS_MAX ? wait_ms : WEFT_BUNDLES_WAIT_MS_MAX);
    TAILQ_INSERT_TAIL(&node->bundles.waits, wait, next);
    node->bundles.count++;
    return true;
}

void weft_bundles_turn(struct weft_node *node, uint64_t now_ms)
{
    uint64_t size = weft_audit_sign_note_size(node->audit_sign);
    struct weft_bundle_wait *wait = TAILQ_FIRST(&node->bundles.waits), *next;
    for (; wait != NULL; wait = next) {
        next = TAILQ_NEXT(wait, next);
        if (wait->leaf < size || wait->until_ms <= now_ms) {
            weft_bundles_ask(node, &wait->query, &wait->waiter, now_ms);
            free_wait(&node->bundles, wait);
        }
    }
}

uint64_t weft_bundles_deadline(const struct weft_bundles *bundles)
{
    const struct weft_bundle_wait *wait;
    uint64_t deadline_ms = UINT64_MAX;
    TAILQ_FOREACH(wait, &bundles->waits, next)
    {
        deadline_ms = wait->until_ms < deadline_ms ? wait->until_ms : deadline_ms;
    }
    return deadline_ms;
}

void weft_bundles_close(struct weft_node *node)
{
    while (!TAILQ_EMPTY(&node->bundles.waits)) {
        struct weft_bundle_wait *wait = TAILQ_FIRST(&node->bundles.waits);
        weft_reply_refuse(node, &wait->waiter, WEFT_ECLOSED, "the node is shutting down");
        free_wait(&node->bundles, wait);
    }
}
