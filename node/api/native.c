#include "node/api/native_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/node.h"
#include "node/partnership.h"
#include "node/replies.h"
#include "node/state/requests.h"
#include "node/wall.h"
#include "proto/read_report.h"
#include "policy/principal.h"
#include "proto/check.h"

struct weft_native_client *weft_native_find(struct weft_native *n, const struct weft_waiter *waiter)
{
    struct weft_native_client *c =
        waiter->client < n->client_max ? &n->clients[waiter->client] : NULL;
    return c != NULL && c->conn != NULL && c->generation == waiter->generation ? c : NULL;
}

/* Its queue is full: it asks and does not listen. Nothing is lost, since a request id brings the
 * answer again. */
static void drop_slow(struct weft_native *n, struct weft_native_client *c)
{
    struct weft_link_conn *conn = c->conn;
    weft_log(WEFT_LOG_WARN, "client_dropped_slow",
        weft_kv("client", (const char *)weft_link_conn_identity(conn)->uri));
    c->conn = NULL;
    c->generation++;
    c->next_free = n->first_free;
    n->first_free = (uint32_t)(c - n->clients);
    n->client_count--;
    weft_link_conn_close(conn);
}

void weft_native_answer_bytes(
    struct weft_native *n, const struct weft_waiter *waiter, struct weft_bytes message)
{
    struct weft_native_client *c = weft_native_find(n, waiter);
    if (c == NULL) {
        return;
    }
    weft_native_flow_answered(n, c);
    if (weft_link_send(c->conn, message) != WEFT_OK) {
        drop_slow(n, c);
    }
}

void weft_native_give(
    struct weft_native *n, const struct weft_waiter *waiter, struct weft_buffer *message)
{
    struct weft_native_client *c = weft_native_find(n, waiter);
    if (c == NULL) {
        return;
    }
    weft_native_flow_answered(n, c);
    if (weft_link_give(c->conn, message) != WEFT_OK) {
        drop_slow(n, c);
    }
}

bool weft_native_is_awaited(struct weft_native *n, const struct weft_waiter *waiter)
{
    return weft_native_find(n, waiter) != NULL;
}

void weft_native_answer(struct weft_native *n, const struct weft_waiter *waiter,
    const struct weft_client_message *message)
{
    if (weft_native_find(n, waiter) == NULL) {
        return;
    }
    weft_buffer_clear(&n->scratch);
    enum weft_err rv = weft_client_encode(message, &n->scratch);
    if (rv != WEFT_OK && message->kind != WEFT_KIND_ERROR) {
        weft_reply_refuse(n->node, waiter, rv, "the answer cannot be encoded");
        return;
    }
    weft_assert(rv == WEFT_OK);
    weft_native_answer_bytes(n, waiter, (struct weft_bytes){n->scratch.data, n->scratch.size});
}

/* Who asks: by the connection's certificate, or by a note. */
struct asker {
    const struct weft_identity *identity;
    const struct weft_warrant *warrant; /* NULL: by the certificate. */
};

static void propose(
    struct weft_native *n, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    enum weft_err rv = weft_node_propose(n->node, item, waiter);
    if (rv == WEFT_ENOTLEADER || rv == WEFT_EUNAVAILABLE) {
        weft_reply_not_leader(n->node, waiter);
    } else if (rv != WEFT_OK) {
        weft_reply_refuse(n->node, waiter, rv, "too many commits wait on this node; try again");
    }
}

static void on_commit(struct weft_native *n, const struct asker *asker, struct weft_bytes body,
    const struct weft_waiter *waiter)
{
    struct weft_entry_item item = {
        .type = WEFT_ITEM_COMMIT, .principal = weft_text_of(asker->identity->uri), .body = body};
    if (asker->warrant != NULL) {
        item.has_warrant = true;
        item.warrant = *asker->warrant;
    }
    propose(n, &item, waiter);
}

bool weft_native_is_member(const struct weft_native *n, const struct weft_identity *identity)
{
    const struct weft_replica *replica = n->node->replica;
    if (replica == NULL) {
        return false; /* It joins, and knows of none yet. */
    }
    const struct weft_configuration *conf = weft_replica_configuration(replica);
    for (uint32_t i = 0; strcmp(identity->class, "node") == 0 && i < conf->count; i++) {
        if (strcmp(conf->members[i].name, identity->name) == 0) {
            return true;
        }
    }
    return false;
}

/* NOD-406: a member hands over what it has taken at its HTTP door. It could as well lead and write
 * it into the log itself, so its word for the principal is as good as the log; others' is not. */
static void on_forward(struct weft_native *n, const struct weft_identity *identity,
    const struct weft_forward *forward, const struct weft_waiter *waiter)
{
    struct weft_node *node = n->node;
    struct weft_principal principal;
    struct weft_commit commit;
    struct weft_msg msg = {""};
    struct weft_read_report report;
    enum weft_err rv =
        weft_native_is_member(n, identity)
            ? weft_principal_parse_uri(forward->principal, &principal, &msg)
            : weft_fail(&msg, WEFT_EREFUSED, "only a member of the group hands on commits");
    if (rv == WEFT_OK && !forward->is_reads &&
        (strcmp(principal.org, node->config.node.org) != 0 ||
            strcmp(principal.site, node->config.node.site) != 0)) {
        rv = weft_fail(&msg, WEFT_EREFUSED, "the commit is of a principal of another site");
    }
    if (rv == WEFT_OK && forward->is_reads) {
        rv = weft_read_report_decode(forward->commit, &report);
        rv = rv == WEFT_OK ? rv : weft_fail(&msg, rv, "not a report of reads");
    } else if (rv == WEFT_OK) {
        rv = weft_commit_decode(forward->commit, &n->arena, &commit, &msg);
    }
    if (rv != WEFT_OK) {
        weft_reply_refuse(n->node, waiter, rv, msg.text);
        return;
    }
    const struct weft_entry_item item = {
        .type = forward->is_reads ? WEFT_ITEM_READS : WEFT_ITEM_COMMIT,
        .has_warrant = forward->has_warrant,
        .warrant = forward->warrant,
        .principal = forward->principal,
        .body = forward->commit};
    propose(n, &item, waiter);
}

static void on_digest(struct weft_native *n, const struct weft_digest_request *request,
    const struct weft_waiter *waiter)
{
    if (request->index == 0) {
        static const uint64_t mark[1] = {1};
        struct weft_entry_item item = {.type = WEFT_ITEM_DIGEST,
            .principal = WEFT_TEXT("digest"),
            .body = {(const uint8_t *)mark, sizeof(mark)}};
        enum weft_err rv = weft_node_propose(n->node, &item, waiter);
        if (rv != WEFT_OK) {
            weft_reply_not_leader(n->node, waiter);
        }
        return;
    }
    struct weft_client_message message = {
        .kind = WEFT_KIND_DIGEST_RESULT, .request_id = waiter->request_id};
    enum weft_err rv = weft_digests_find(&n->node->digests, request->index, &message.digest_result);
    struct weft_state_position position;
    weft_state_position(n->node->state, &position);
    if (rv == WEFT_ENOTFOUND && request->index > position.index) {
        message.digest_result.index = request->index; /* Not here yet: ask again. */
        rv = WEFT_OK;
    }
    if (rv != WEFT_OK) {
        weft_reply_refuse(
            n->node, waiter, rv, "this node has not seen a digest marker at that index");
        return;
    }
    weft_reply(n->node, waiter, &message);
}

static void on_status(struct weft_native *n, const struct weft_waiter *waiter)
{
    struct weft_client_message message = {
        .kind = WEFT_KIND_STATUS_RESULT, .request_id = waiter->request_id};
    enum weft_err rv = weft_node_status(n->node, &n->arena, &message.status_result);
    if (rv != WEFT_OK) {
        weft_reply_refuse(n->node, waiter, rv, "status");
        return;
    }
    weft_reply(n->node, waiter, &message);
}

static void on_query(struct weft_native *n, const struct asker *asker,
    const struct weft_query *asked, const struct weft_waiter *waiter, uint64_t now_ms)
{
    struct weft_query query = *asked;
    query.principal = weft_text_of(asker->identity->uri);
    query.has_warrant = asker->warrant != NULL;
    if (query.type == WEFT_QUERY_AUDIT) { /* NOD-300: there the node itself says what it knows. */
        query.where_value = (struct weft_text){"", 0};
    }
    if (query.has_warrant) {
        query.warrant = *asker->warrant;
    }
    if (query.type == WEFT_QUERY_AUDIT && weft_text_is(query.asset, "checkpoint")) {
        weft_reply_audit_note(n->node, waiter);
        return;
    }
    if (query.type == WEFT_QUERY_AUDIT && weft_state_is_command_path(query.asset)) {
        if (!weft_bundles_hold(n->node, &query, waiter, now_ms)) {
            weft_bundles_ask(n->node, &query, waiter, now_ms);
        }
        return;
    }
    if (query.type == WEFT_QUERY_AUDIT && weft_questions_hold(n->node, &query, waiter, now_ms)) {
        return;
    }
    if (query.type == WEFT_QUERY_AUDIT && weft_state_is_partner_path(query.asset) &&
        weft_partnership_note(n->node, &query, &query.where_value) != WEFT_OK) {
        weft_reply_not_leader(n->node, waiter);
        return;
    }
    enum weft_err rv = weft_reads_add(&n->node->reads, &query, waiter, now_ms);
    if (rv != WEFT_OK) {
        weft_reply_refuse(n->node, waiter, rv, "too many queries wait on this node; try again");
    }
}

static void on_carry(struct weft_native *n, const struct asker *asker,
    const struct weft_carry *carried, const struct weft_waiter *waiter)
{
    struct weft_msg msg = {""};
    enum weft_err rv =
        weft_partnership_carry(n->node, weft_text_of(asker->identity->uri), carried, waiter, &msg);
    if (rv == WEFT_ENOTLEADER || rv == WEFT_EUNAVAILABLE) {
        weft_reply_not_leader(n->node, waiter);
    } else if (rv != WEFT_OK) {
        weft_reply_refuse(n->node, waiter, rv, msg.text);
    }
}

static void on_authorized(struct weft_native *n, const struct weft_identity *identity,
    const struct weft_authorized *authorized, const struct weft_waiter *waiter);

static void dispatch(struct weft_native *n, const struct asker *asker,
    const struct weft_client_message *message, struct weft_bytes body,
    const struct weft_waiter *waiter)
{
    struct weft_node *node = n->node;
    const struct weft_identity *identity = asker->identity;
    uint64_t now_ms = uv_now(&node->loop);
    if (node->replica == NULL) {
        weft_reply_refuse(
            n->node, waiter, WEFT_EUNAVAILABLE, "this node is still joining its site");
        return;
    }
    switch (message->kind) {
    case WEFT_KIND_COMMIT:
        on_commit(n, asker, body, waiter);
        return;
    case WEFT_KIND_QUERY:
        on_query(n, asker, &message->query, waiter, now_ms);
        return;
    case WEFT_KIND_STATUS:
        on_status(n, waiter);
        return;
    case WEFT_KIND_MEMBER:
        weft_membership_request(&node->membership, &message->member, identity, waiter, now_ms);
        return;
    case WEFT_KIND_FORWARD:
        on_forward(n, identity, &message->forward, waiter);
        return;
    case WEFT_KIND_AUTHORIZED:
        on_authorized(n, identity, &message->authorized, waiter);
        return;
    case WEFT_KIND_DIGEST:
        on_digest(n, &message->digest, waiter);
        return;
    case WEFT_KIND_CHECKPOINT:
        weft_checkpoints_request(&node->checkpoints, &message->checkpoint, waiter);
        return;
    case WEFT_KIND_FILE:
        weft_checkpoints_file(&node->checkpoints, &message->file, waiter);
        return;
    case WEFT_KIND_BLOCK_PUT:
        weft_telemetry_put(node->telemetry, &message->block, waiter);
        return;
    case WEFT_KIND_BLOCK_GET:
        weft_telemetry_get(node->telemetry, &message->block_get, waiter);
        return;
    case WEFT_KIND_CARRY:
        on_carry(n, asker, &message->carry, waiter);
        return;
    case WEFT_KIND_HEARTBEAT:
    case WEFT_KIND_REQUEST_VOTE:
    case WEFT_KIND_REQUEST_VOTE_RESULT:
    case WEFT_KIND_APPEND_ENTRIES:
    case WEFT_KIND_APPEND_ENTRIES_RESULT:
    case WEFT_KIND_INSTALL_SNAPSHOT:
    case WEFT_KIND_TIMEOUT_NOW:
    case WEFT_KIND_PING:
    case WEFT_KIND_PONG:
    case WEFT_KIND_READ_INDEX:
    case WEFT_KIND_READ_INDEX_RESULT:
    case WEFT_KIND_FETCH:
    case WEFT_KIND_CHUNK:
    case WEFT_KIND_AUDIT_LINE:
    case WEFT_KIND_AUDIT_RESULT:
    case WEFT_KIND_COMMIT_RESULT:
    case WEFT_KIND_PAGE:
    case WEFT_KIND_STATUS_RESULT:
    case WEFT_KIND_MEMBER_RESULT:
    case WEFT_KIND_DIGEST_RESULT:
    case WEFT_KIND_CHECKPOINT_RESULT:
    case WEFT_KIND_FILE_RESULT:
    case WEFT_KIND_ERROR:
    case WEFT_KIND_TRACE_RESULT:
    case WEFT_KIND_DOCUMENT:
    case WEFT_KIND_BLOCK_PUT_RESULT:
    case WEFT_KIND_BLOCK_RESULT:
        break;
    }
    weft_reply_refuse(n->node, waiter, WEFT_EVERSION, "not a request");
}

static void answer_request(struct weft_native *n, const struct asker *asker,
    const struct weft_client_message *message, struct weft_bytes body, struct weft_waiter *waiter)
{
    if (message->kind == WEFT_KIND_QUERY && message->query.wait_ms != 0) {
        waiter->asked_ns = 0; /* It is to take long. */
    }
    dispatch(n, asker, message, body, waiter);
}

/* --- requests of somebody whom a note names ----------------------------------------------------
 */

/* What a token has to be good for. Of a commit each record's action counts, when it is applied. */
static enum weft_policy_action action_of(const struct weft_client_message *message)
{
    unsigned kind = message->kind;
    switch (kind) {
    case WEFT_KIND_QUERY:
        return message->query.type == WEFT_QUERY_COMMITS ? WEFT_ACTION_SUBSCRIBE : WEFT_ACTION_READ;
    case WEFT_KIND_MEMBER:
        return WEFT_ACTION_ADMIN_KEYS;
    case WEFT_KIND_CHECKPOINT:
    case WEFT_KIND_FILE:
        return WEFT_ACTION_EXPORT;
    case WEFT_KIND_BLOCK_PUT:
        return WEFT_ACTION_WRITE;
    case WEFT_KIND_CARRY:
        return WEFT_ACTION_SHARE;
    }
    return WEFT_ACTION_READ;
}

/* NOD-19: a signed request happens once: a commit under its request id, all else on this node. */
static enum weft_err check_once(struct weft_native *n, const struct weft_client_message *message,
    const struct weft_warranted *w, struct weft_msg *msg)
{
    if (w->is_token) {
        return WEFT_OK;
    }
    if (message->kind == WEFT_KIND_COMMIT) {
        bool is_its = !weft_request_id_is_none(&w->id) &&
                      memcmp(&w->id, &message->commit.request_id, sizeof(w->id)) == 0;
        return is_its ? WEFT_OK
                      : weft_fail(msg, WEFT_ECONFLICT, "the signature is for another request id");
    }
    enum weft_err rv =
        weft_warrants_note_id(n->node->warrants, &w->id, w->warrant.until_ns, weft_wall_ns());
    return rv == WEFT_OK ? rv : weft_fail(msg, rv, "a signed request was made here before");
}

static void refuse_note(struct weft_native *n, const struct weft_identity *identity,
    const struct weft_waiter *waiter, enum weft_err err, const struct weft_msg *why)
{
    struct weft_msg detail;
    err = weft_warrants_tell("client", identity->uri, err, why, &detail);
    weft_reply_refuse(n->node, waiter, err, detail.text);
}

static void on_warranted(struct weft_native *n, const struct weft_identity *bringer,
    const struct weft_warranted *w, uint32_t kind, struct weft_bytes table,
    struct weft_waiter *waiter)
{
    struct weft_client_message message;
    struct weft_identity author = {.uri = ""};
    struct weft_msg msg = {""};
    enum weft_err rv = weft_client_decode_table(
        (enum weft_message_kind)kind, waiter->request_id, table, &n->arena, &message, &msg);
    if (rv != WEFT_OK) {
        weft_reply_refuse(n->node, waiter, rv, msg.text);
        return;
    }
    rv = check_once(n, &message, w, &msg);
    if (rv == WEFT_OK && kind != WEFT_KIND_COMMIT &&
        !weft_warrant_allows(&w->warrant, action_of(&message))) {
        rv = weft_fail(&msg, WEFT_EREFUSED, "the token is not for %s",
            weft_policy_action_name(action_of(&message)));
    }
    if (rv != WEFT_OK) {
        refuse_note(n, bringer, waiter, rv, &msg);
        return;
    }
    weft_principal_format_uri(&w->principal, author.uri);
    (void)snprintf(author.org, sizeof(author.org), "%s", w->principal.org);
    (void)snprintf(author.site, sizeof(author.site), "%s", w->principal.site);
    (void)snprintf(
        author.class, sizeof(author.class), "%s", weft_principal_class_name(w->principal.class));
    (void)snprintf(author.name, sizeof(author.name), "%s", w->principal.name);
    const struct asker asker = {&author, &w->warrant};
    answer_request(n, &asker, &message, table, waiter);
}

static enum weft_err check_bringer(
    struct weft_native *n, const struct weft_identity *identity, struct weft_msg *msg)
{
    const struct weft_config *config = &n->node->config;
    struct weft_request_site site = {.org = ""};
    struct weft_principal bringer;
    (void)snprintf(site.org, sizeof(site.org), "%s", config->node.org);
    (void)snprintf(site.site, sizeof(site.site), "%s", config->node.site);
    enum weft_err rv = weft_principal_parse_uri(weft_text_of(identity->uri), &bringer, msg);
    if (rv == WEFT_OK) {
        rv = weft_warrant_may_bring(&bringer, &site, msg);
    }
    if (rv == WEFT_OK && weft_authority_org(weft_state_authority(n->node->state)) == NULL) {
        rv = weft_fail(msg, WEFT_EREFUSED, "the site is ungoverned: it knows nobody's keys");
    }
    return rv;
}

static void on_authorized(struct weft_native *n, const struct weft_identity *identity,
    const struct weft_authorized *authorized, const struct weft_waiter *waiter)
{
    struct weft_node *node = n->node;
    struct weft_waiter own = *waiter;
    struct weft_warrants_answer answer;
    struct weft_msg msg = {""};
    enum weft_err rv = check_bringer(n, identity, &msg);
    if (rv == WEFT_OK) {
        struct weft_warrants_question question = {.waiter = own,
            .share = weft_warrants_share(identity->uri),
            .note = authorized->note,
            .kind = (uint32_t)authorized->request_kind,
            .request = authorized->request};
        weft_node_place_question(node, &question);
        rv = weft_warrants_ask(node->warrants, &question, &answer);
        if (rv == WEFT_OK && answer.is_known) {
            on_warranted(n, identity, &answer.warranted, question.kind, authorized->request, &own);
        } else if (rv == WEFT_EBUSY && answer.is_disgraced) {
            weft_native_flow_penalize(n, waiter);
        }
    }
    if (rv != WEFT_OK) {
        refuse_note(n, identity, waiter, rv, &msg);
    }
}

void weft_native_verdict(struct weft_native *n, const struct weft_warrants_verdict *verdict)
{
    struct weft_native_client *c = weft_native_find(n, &verdict->waiter);
    struct weft_waiter waiter = verdict->waiter;
    if (c == NULL) {
        return;
    }
    const struct weft_identity *identity = weft_link_conn_identity(c->conn);
    weft_arena_reset(&n->arena);
    if (verdict->err == WEFT_OK && n->node->replica == NULL) {
        weft_reply_refuse(n->node, &waiter, WEFT_EUNAVAILABLE, "this node is closing");
    } else if (verdict->err == WEFT_OK) {
        on_warranted(n, identity, &verdict->warranted, verdict->kind, verdict->request, &waiter);
    } else {
        refuse_note(n, identity, &waiter, verdict->err, &verdict->msg);
    }
}

/* --- the link ----------------------------------------------------------------------------------
 */

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes bytes)
{
    struct weft_native *n = ctx;
    struct weft_native_client *c = weft_link_conn_user(conn);
    struct weft_client_message message;
    struct weft_bytes body = {0};
    struct weft_msg msg = {""};
    if (c == NULL) { /* The table was full when it came: on_up has hung up. */
        return WEFT_EBUSY;
    }
    struct weft_waiter waiter = {.client = (uint32_t)(c - n->clients),
        .generation = c->generation,
        .request_id = envelope->request_id,
        .asked_ns = uv_hrtime()};
    weft_arena_reset(&n->arena);
    enum weft_err rv = weft_client_decode(bytes, &n->arena, &message, &body, &msg);
    if (rv == WEFT_EMALFORMED) {
        return rv; /* Not from a client of ours: the link hangs up and counts. */
    }
    n->requests++;
    weft_native_flow_asked(n, c);
    if (rv != WEFT_OK) {
        weft_reply_refuse(n->node, &waiter, rv, msg.text);
        return WEFT_OK;
    }
    const struct asker asker = {.identity = weft_link_conn_identity(conn)};
    answer_request(n, &asker, &message, body, &waiter);
    return WEFT_OK;
}

/* One that may ask here; a partner's place is its own door. */
static bool is_class(const char *word)
{
    for (int i = 0; i < WEFT_PRINCIPAL_CLASSES; i++) {
        if (strcmp(word, weft_principal_class_name((enum weft_principal_class)i)) == 0) {
            return i != WEFT_PRINCIPAL_PARTNER;
        }
    }
    return false;
}

static bool admit(
    void *ctx, const struct weft_identity *identity, bool is_dialled, struct weft_msg *reason)
{
    const struct weft_native *n = ctx;
    (void)is_dialled;
    if (strcmp(identity->org, n->node->config.node.org) != 0 ||
        (identity->site[0] != '\0' && strcmp(identity->site, n->node->config.node.site) != 0)) {
        (void)weft_fail(reason, WEFT_EPEER, "%s is not of %s/%s", identity->uri,
            n->node->config.node.org, n->node->config.node.site);
        return false;
    }
    if (!is_class(identity->class)) {
        (void)weft_fail(reason, WEFT_EPEER, "%s is of no known class, or of one that asks nothing",
            identity->uri);
        return false;
    }
    return true;
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    struct weft_native *n = ctx;
    if (n->first_free == n->client_max) {
        weft_log(WEFT_LOG_WARN, "client_refused_full", weft_kv("clients", n->client_count));
        weft_link_conn_close(conn);
        return;
    }
    struct weft_native_client *c = &n->clients[n->first_free];
    n->first_free = c->next_free;
    n->client_count++;
    c->conn = conn;
    c->generation++;
    weft_link_conn_set_user(conn, c);
    weft_native_flow_up(n, c);
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    struct weft_native *n = ctx;
    struct weft_native_client *c = weft_link_conn_user(conn);
    if (c == NULL || c->conn != conn) {
        return;
    }
    c->conn = NULL;
    c->generation++;
    c->next_free = n->first_free;
    n->first_free = (uint32_t)(c - n->clients);
    n->client_count--;
}

static void on_event(void *ctx, const char *event, const char *detail)
{
    (void)ctx;
    weft_log(WEFT_LOG_WARN, event, weft_kv("door", "client"), weft_kv("detail", detail));
}

static void destroy(struct weft_native *n)
{
    weft_arena_destroy(&n->arena);
    weft_buffer_destroy(&n->scratch);
    free(n->clients);
    free(n);
}

enum weft_err weft_native_open(
    struct weft_node *node, struct weft_native **ret_native, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    struct weft_native *n = calloc(1, sizeof(*n));
    struct weft_native_client *clients = calloc(config->limits.connections, sizeof(*clients));
    if (n == NULL || clients == NULL) {
        free(n);
        free(clients);
        return weft_fail(msg, WEFT_ENOMEM, "client door: no memory");
    }
    n->node = node;
    n->clients = clients;
    n->client_max = config->limits.connections;
    n->paced_due_ms = UINT64_MAX;
    for (uint32_t i = 0; i < n->client_max; i++) {
        clients[i].next_free = i + 1;
    }
    n->arena.size_max = 16 * 1024 * 1024;
    n->scratch.size_max = WEFT_MESSAGE_SIZE_MAX;
    struct weft_link_options link = {.loop = &node->loop,
        .type = config->link.client,
        .listen = config->node.listen_client,
        .ca_file = config->tls.ca,
        .cert_file = config->tls.cert,
        .key_file = config->tls.key,
        .message_size_max = WEFT_CLIENT_MESSAGE_SIZE_MAX,
        .queue_size_max = config->limits.client_queue_bytes,
        .connections_max = config->limits.connections,
        .handshake_ms = config->timers.handshake_ms,
        .heartbeat_ms = config->timers.link_heartbeat_ms,
        .callbacks = {.ctx = n,
            .admit = admit,
            .on_up = on_up,
            .on_message = on_message,
            .on_down = on_down,
            .on_event = on_event}};
    enum weft_err rv = weft_link_open(&link, &n->link, msg);
    if (rv != WEFT_OK) {
        destroy(n);
        return weft_wrap(msg, rv, "client door");
    }
    *ret_native = n;
    return WEFT_OK;
}

static void on_link_closed(void *ctx)
{
    struct weft_native *n = ctx;
    void (*on_closed)(void *) = n->on_closed;
    void *closed_ctx = n->ctx;
    destroy(n);
    on_closed(closed_ctx);
}

void weft_native_close(struct weft_native *n, void (*on_closed)(void *ctx), void *ctx)
{
    n->on_closed = on_closed;
    n->ctx = ctx;
    weft_link_close(n->link, on_link_closed, n);
}

struct weft_link *weft_native_link(struct weft_native *n)
{
    return n->link;
}

uint64_t weft_native_requests(const struct weft_native *n)
{
    return n->requests;
}

uint32_t weft_native_clients(const struct weft_native *n)
{
    return n->client_count;
}
