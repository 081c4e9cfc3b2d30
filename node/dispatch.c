#include "node/dispatch.h"

#include "node/logger.h"
#include "node/node.h"
#include "node/state/commands.h"
#include "policy/principal.h"
#include "proto/arith.h"
#include "proto/codec.h"

static const int64_t ms_ns = 1000 * 1000;

/* Drawn from what it is: the same step of the same state is one commit, however often it is
 * proposed; the next one is another. */
static struct weft_request_id request_id_of(
    const struct weft_node *node, const struct weft_commands_step *step)
{
    struct weft_request_id id;
    struct weft_sha256 hash;
    uint8_t place[17] = {(uint8_t)step->kind};
    weft_put_be64(place + 1, node->dispatch.index);
    weft_put_be64(place + 9, (uint64_t)node->dispatch.when_ns);
    weft_sha256_init(&hash);
    weft_sha256_update(&hash, step->id, WEFT_COMMAND_ID_SIZE);
    weft_sha256_update(&hash, place, sizeof(place));
    struct weft_digest digest = weft_sha256_final(&hash);
    memcpy(id.bytes, digest.bytes, sizeof(id.bytes));
    return id;
}

static enum weft_err propose(struct weft_node *node, const struct weft_commands_step *step)
{
    struct weft_buffer body = {.size_max = WEFT_COMMIT_SIZE_MAX};
    char uri[WEFT_PRINCIPAL_URI_SIZE], asset[WEFT_COMMAND_SUBJECT_SIZE];
    struct weft_principal self;
    /* Nobody waits: no client has this place. */
    const struct weft_waiter nobody = {.client = UINT32_MAX, .door = WEFT_DOOR_CLIENT};
    const struct weft_field fields[] = {{WEFT_TEXT("channel"), step->channel, WEFT_VALUE_TEXT},
        {WEFT_TEXT("step"), weft_text_of(weft_command_event_name(step->kind)), WEFT_VALUE_TEXT}};
    weft_command_subject(step->id, asset);
    const struct weft_record record = {.kind = WEFT_TEXT(WEFT_COMMAND_KIND),
        .asset = weft_text_of(asset),
        .fields = fields,
        .field_count = 2};
    const struct weft_commit commit = {
        .request_id = request_id_of(node, step), .records = &record, .record_count = 1};
    enum weft_err err = weft_principal_make(WEFT_PRINCIPAL_NODE, node->config.node.org,
        node->config.node.site, node->config.node.name, &self, NULL);
    if (err == WEFT_OK) {
        err = weft_commit_encode(&commit, &body);
    }
    if (err == WEFT_OK) {
        weft_principal_format_uri(&self, uri);
        const struct weft_entry_item item = {.type = WEFT_ITEM_COMMIT,
            .principal = weft_text_of(uri),
            .body = {body.data, body.size}};
        err = weft_proposer_add(&node->proposer, &item, &nobody);
    }
    weft_buffer_destroy(&body);
    return err;
}

/* What cannot be queued now is due a second later too. Behind a `select` comes its `dispatch`, in
 * the same round; if that is not due yet, it is refused, and comes when it is. */
static void on_step(void *ctx, const struct weft_commands_step *step)
{
    struct weft_node *node = ctx;
    struct weft_commands_step next = *step;
    enum weft_err err = propose(node, step);
    node->dispatch.steps += err == WEFT_OK;
    if (err == WEFT_OK && step->kind == WEFT_COMMAND_SELECT) {
        next.kind = WEFT_COMMAND_DISPATCH;
        err = propose(node, &next);
        node->dispatch.steps += err == WEFT_OK;
    }
    if (err != WEFT_OK && weft_err_class(err) != WEFT_CLASS_RETRY) {
        char asset[WEFT_COMMAND_SUBJECT_SIZE];
        weft_command_subject(step->id, asset);
        weft_log(WEFT_LOG_ERROR, "step_not_proposed", weft_kv("command", (const char *)asset),
            weft_kv("step", weft_command_event_name(step->kind)),
            weft_kv("error", weft_err_name(err)), weft_kv("next", "it is tried again"));
    }
}

void weft_dispatch_turn(struct weft_node *node, int64_t now_ns)
{
    struct weft_dispatch *d = &node->dispatch;
    struct weft_state_position position;
    uint64_t leaf;
    weft_state_position(node->state, &position);
    if (!node->is_leader ||
        (d->index == position.index && d->term == node->term && now_ns < d->when_ns)) {
        return;
    }
    d->index = position.index;
    d->term = node->term;
    d->when_ns = now_ns; /* Told apart by it: a step that is proposed again at the same index. */
    d->when_ns = weft_commands_due(weft_state_commands(node->state),
        weft_state_authority(node->state), node->term, now_ns, on_step, node, &leaf);
    if (leaf != 0 && node->audit_sign != NULL &&
        weft_audit_sign_note_size(node->audit_sign) <= leaf) {
        weft_replica_tell_commit(node->replica); /* Who has not applied it cannot sign it. */
        weft_audit_sign_hurry(node->audit_sign, leaf);
    }
}

uint64_t weft_dispatch_deadline(const struct weft_node *node, int64_t now_ns, uint64_t now_ms)
{
    int64_t when_ns = node->dispatch.when_ns;
    if (!node->is_leader || when_ns == INT64_MAX) {
        return UINT64_MAX;
    }
    return when_ns > now_ns ? now_ms + (uint64_t)((when_ns - now_ns) / ms_ns) + 1 : now_ms;
}
