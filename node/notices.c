#include "node/notices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/node.h"
#include "node/state/notice.h"
#include "proto/limits.h"

/* As every commit of a door: what is not OK is not on its way. */
static enum weft_err commit(struct weft_node *node, const struct weft_notice *notice)
{
    char uri[WEFT_PRINCIPAL_URI_SIZE];
    struct weft_principal self;
    struct weft_buffer table = {.size_max = WEFT_COMMIT_SIZE_MAX};
    const struct weft_waiter waiter = {
        .generation = ++node->notices.sent, .door = WEFT_DOOR_NOTICES};
    enum weft_err err = weft_principal_make(WEFT_PRINCIPAL_NODE, node->config.node.org,
        node->config.node.site, node->config.node.name, &self, NULL);
    if (err == WEFT_OK) {
        weft_principal_format_uri(&self, uri);
        err = weft_notice_encode(notice, &table);
    }
    if (err == WEFT_OK) {
        const struct weft_entry_item item = {.type = WEFT_ITEM_COMMIT,
            .principal = weft_text_of(uri),
            .body = {table.data, table.size}};
        err = weft_node_commit(node, &item, &waiter);
    }
    weft_buffer_destroy(&table);
    return err;
}

static void look_at_clock(struct weft_notices *n, int64_t wall_ns)
{
    const int64_t ms = 1000000;
    int64_t offset_ms = wall_ns / ms - (int64_t)(uv_hrtime() / (uint64_t)ms);
    int64_t step_ms = n->has_offset ? offset_ms - n->offset_ms : 0;
    n->offset_ms = offset_ms;
    n->has_offset = true;
    if (step_ms >= WEFT_NOTICES_CLOCK_STEP_MS || step_ms <= -WEFT_NOTICES_CLOCK_STEP_MS) {
        weft_log(WEFT_LOG_WARN, "clock_stepped", weft_kv("ms", step_ms),
            weft_kv("next", "commit times stay in order; keep clocks synchronized"));
        n->step_ms += step_ms;
    }
}

/* False: nothing is to be told. */
static bool choose(const struct weft_node *node, char *text, size_t size, bool *ret_is_clock)
{
    const struct weft_notices *n = &node->notices;
    *ret_is_clock = n->is_started;
    if (!n->is_started) {
        (void)snprintf(text, size, "weftd %s", WEFT_VERSION);
        return true;
    }
    int64_t ms = n->step_ms;
    (void)snprintf(
        text, size, "%c%lld.%03d s", ms < 0 ? '-' : '+', llabs(ms / 1000), abs((int)(ms % 1000)));
    return ms != 0;
}

bool weft_notices_is_telling(const struct weft_notices *n)
{
    return !n->is_started || n->step_ms != 0;
}

void weft_notices_turn(struct weft_node *node, int64_t wall_ns, uint64_t now_ms)
{
    struct weft_notices *n = &node->notices;
    char text[64];
    bool is_clock;
    look_at_clock(n, wall_ns);
    if (n->is_waiting || now_ms < n->again_ms || node->leader_id == 0 || !node->is_member ||
        node->phase != WEFT_NODE_RUNNING || !choose(node, text, sizeof(text), &is_clock)) {
        return;
    }
    const struct weft_notice notice = {
        is_clock ? WEFT_NOTICE_CLOCK : WEFT_NOTICE_START, weft_text_of(text)};
    n->is_clock = is_clock;
    n->telling_ms = n->step_ms;
    n->again_ms = now_ms + WEFT_NOTICES_AGAIN_MS;
    n->is_waiting = commit(node, &notice) == WEFT_OK;
}

void weft_notices_answer(struct weft_node *node, const struct weft_waiter *waiter,
    const struct weft_client_message *message)
{
    struct weft_notices *n = &node->notices;
    if (!n->is_waiting || waiter->generation != n->sent) {
        return;
    }
    n->is_waiting = false;
    n->again_ms = uv_now(&node->loop) + WEFT_NOTICES_AGAIN_MS;
    if (message->kind == WEFT_KIND_ERROR &&
        weft_err_class(message->error.err) == WEFT_CLASS_RETRY) {
        return;
    }
    if (message->kind == WEFT_KIND_ERROR) { /* A leader that knows no notices. */
        weft_log(WEFT_LOG_WARN, "notice_refused",
            weft_kv("error", weft_err_name(message->error.err)),
            weft_kv("next", "the audit log does not have it"));
    }
    n->step_ms -= n->is_clock ? n->telling_ms : 0;
    n->is_started = true;
}
