#include "node/replies.h"

#include "node/api/http/capture.h"
#include "node/api/http/http.h"
#include "node/label_reads.h"
#include "node/logger.h"
#include "node/node.h"

static void note_latency(struct weft_node *node, const struct weft_waiter *waiter, uint16_t kind)
{
    if (waiter->asked_ns == 0) {
        return;
    }
    uint64_t took_ns = uv_hrtime() - waiter->asked_ns;
    if (kind == WEFT_KIND_COMMIT_RESULT) {
        weft_latency_add(&node->replies.commit, took_ns);
    } else if (kind == WEFT_KIND_PAGE) {
        weft_latency_add(&node->replies.read, took_ns);
    }
}

/* NOD-230: who is refused waits, once that comes too often. */
uint64_t weft_reply_pace(struct weft_node *node, const char *principal)
{
    const struct weft_patience_verdict verdict =
        weft_patience_charge(&node->patience, weft_warrants_share(principal), uv_now(&node->loop));
    if (verdict.is_news) {
        weft_log(WEFT_LOG_WARN, "refusals_paced", weft_kv("principal", principal),
            weft_kv("wait_ms", verdict.wait_ms), weft_kv("paced", node->patience.paced),
            weft_kv("next", "its requests are read at the pace of refusals; the audit log has "
                            "what was refused, and why"));
    }
    return verdict.wait_ms;
}

/* Members' doors and imports pace for themselves: what is refused here may be another's. */
static void note_refusal(
    struct weft_node *node, const struct weft_waiter *waiter, enum weft_err err)
{
    node->replies.refused[(unsigned)err < WEFT_ERRS ? err : WEFT_EINVAL]++;
    if (err != WEFT_EREFUSED) {
        return;
    }
    if (waiter->door == WEFT_DOOR_CLIENT && node->native != NULL) {
        weft_native_refused(node->native, waiter);
    } else if (waiter->door == WEFT_DOOR_HTTP && node->http != NULL) {
        weft_http_refused(node->http, waiter);
    }
}

void weft_reply(struct weft_node *node, const struct weft_waiter *waiter,
    const struct weft_client_message *message)
{
    if (waiter->door == WEFT_DOOR_READS) { /* Whoever waits behind it is answered then. */
        if (node->label_reads != NULL) {
            bool has_failed = message->kind == WEFT_KIND_ERROR;
            weft_label_reads_done(
                node->label_reads, waiter, has_failed ? message->error.err : WEFT_OK);
        }
        return;
    }
    if (waiter->door == WEFT_DOOR_PARTNERS) {
        if (node->partners != NULL) {
            bool has_failed = message->kind == WEFT_KIND_ERROR;
            weft_partners_done(node->partners, waiter, has_failed ? message->error.err : WEFT_OK);
        }
        return;
    }
    if (message->kind == WEFT_KIND_ERROR) {
        note_refusal(node, waiter, message->error.err);
    } else {
        note_latency(node, waiter, (uint16_t)message->kind);
    }
    switch (waiter->door) {
    case WEFT_DOOR_CLIENT:
        if (node->native != NULL) {
            weft_native_answer(node->native, waiter, message);
        }
        return;
    case WEFT_DOOR_HTTP:
        if (node->http != NULL) {
            weft_http_answer(node->http, waiter, message);
        }
        return;
    case WEFT_DOOR_CAPTURE:
        if (node->http != NULL) {
            weft_http_captures_answer(weft_http_captures(node->http), waiter, message);
        }
        return;
    case WEFT_DOOR_NOTICES:
        weft_notices_answer(node, waiter, message);
        return;
    case WEFT_DOOR_READS:
    case WEFT_DOOR_PARTNERS:
        return; /* Above. */
    }
}

static void note_bytes(
    struct weft_node *node, const struct weft_waiter *waiter, struct weft_bytes bytes)
{
    struct weft_envelope envelope;
    struct weft_client_message message;
    struct weft_arena arena = {.size_max = 64 * 1024};
    if (weft_envelope_decode(bytes, WEFT_MESSAGE_SIZE_MAX, &envelope) == WEFT_OK) {
        if (envelope.kind != WEFT_KIND_ERROR) {
            note_latency(node, waiter, envelope.kind);
        } else if (weft_client_decode(bytes, &arena, &message, NULL, NULL) == WEFT_OK) {
            note_refusal(node, waiter, message.error.err);
        }
    }
    weft_arena_destroy(&arena);
}

void weft_reply_give(
    struct weft_node *node, const struct weft_waiter *waiter, struct weft_buffer *message)
{
    const struct weft_bytes bytes = {message->data, message->size};
    if (waiter->door != WEFT_DOOR_CLIENT || node->native == NULL) {
        weft_reply_bytes(node, waiter, bytes);
        return;
    }
    note_bytes(node, waiter, bytes);
    weft_native_give(node->native, waiter, message);
}

void weft_reply_give_json(struct weft_node *node, const struct weft_waiter *waiter, uint64_t index,
    struct weft_buffer *json)
{
    note_latency(node, waiter, WEFT_KIND_TRACE_RESULT);
    if (node->http != NULL) {
        weft_http_answer_json(node->http, waiter, index, json);
    }
}

bool weft_reply_is_awaited(struct weft_node *node, const struct weft_waiter *waiter)
{
    switch (waiter->door) {
    case WEFT_DOOR_CLIENT:
        return node->native != NULL && weft_native_is_awaited(node->native, waiter);
    case WEFT_DOOR_HTTP:
        return node->http != NULL && weft_http_is_awaited(node->http, waiter);
    case WEFT_DOOR_CAPTURE:
    case WEFT_DOOR_NOTICES:
    case WEFT_DOOR_READS:
    case WEFT_DOOR_PARTNERS:
        break; /* They ask nothing that takes long. */
    }
    return true;
}

void weft_reply_bytes(
    struct weft_node *node, const struct weft_waiter *waiter, struct weft_bytes bytes)
{
    note_bytes(node, waiter, bytes);
    switch (waiter->door) {
    case WEFT_DOOR_CLIENT:
        if (node->native != NULL) {
            weft_native_answer_bytes(node->native, waiter, bytes);
        }
        return;
    case WEFT_DOOR_HTTP:
        if (node->http != NULL) {
            weft_http_answer_bytes(node->http, waiter, bytes);
        }
        return;
    case WEFT_DOOR_CAPTURE:
    case WEFT_DOOR_NOTICES:
    case WEFT_DOOR_READS:
    case WEFT_DOOR_PARTNERS:
        return; /* They ask nothing whose answer is encoded. */
    }
}

void weft_reply_refuse(
    struct weft_node *node, const struct weft_waiter *waiter, enum weft_err err, const char *detail)
{
    struct weft_client_message message = {.kind = WEFT_KIND_ERROR,
        .request_id = waiter->request_id,
        .error = {.err = err, .detail = weft_text_of(detail)}};
    if (err == WEFT_ENOTLEADER || err == WEFT_EUNAVAILABLE) {
        message.error.leader = weft_text_of(weft_node_leader_address(node));
    }
    weft_reply(node, waiter, &message);
}

void weft_reply_not_leader(struct weft_node *node, const struct weft_waiter *waiter)
{
    bool has_leader = weft_node_leader_address(node)[0] != '\0';
    weft_reply_refuse(node, waiter, WEFT_ENOTLEADER,
        has_leader ? "this node does not lead" : "the site has no leader at the moment");
}

void weft_reply_audit_note(struct weft_node *node, const struct weft_waiter *waiter)
{
    const struct weft_merkle_head head =
        node->state != NULL ? weft_state_audit(node->state) : (struct weft_merkle_head){.size = 0};
    struct weft_client_message message = {.kind = WEFT_KIND_AUDIT_RESULT,
        .request_id = waiter->request_id,
        .audit = {.size = head.size, .root = head.root}};
    if (node->audit_sign != NULL) {
        message.audit.content = weft_audit_sign_note(node->audit_sign);
    }
    if (message.audit.content.size == 0) {
        weft_reply_refuse(node, waiter, WEFT_ENOTFOUND,
            "no checkpoint of the audit log was signed by a majority of the nodes yet: each "
            "needs a log.key beside its certificate");
        return;
    }
    weft_reply(node, waiter, &message);
}
