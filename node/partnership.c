#include "node/partnership.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"
#include "node/node.h"
#include "node/wall.h"
#include "policy/principal.h"

enum {
    THREADS = 1, /* That judge; chosen: one judges 100,000 statements in a second. */
    HANDSHAKES_MAX = 64,
    AGAIN_MS = 1000, /* Until the door is told again of partners that it did not take; chosen. */
};

/* --- between the parts ------------------------------------------------------------------------ */

static enum weft_err io_propose(
    void *ctx, const struct weft_entry_item *item, const struct weft_waiter *waiter)
{
    struct weft_node *node = ctx;
    weft_node_wake(node);
    return weft_node_propose(node, item, waiter);
}

static enum weft_err io_send(void *ctx, void *conn, struct weft_bytes message)
{
    (void)ctx;
    return weft_partner_door_send(conn, message);
}

static void io_pause(void *ctx, void *conn, bool is_paused)
{
    (void)ctx;
    weft_partner_door_pause(conn, is_paused);
}

static void io_hang_up(void *ctx, void *conn)
{
    struct weft_node *node = ctx;
    weft_partner_door_hang_up(node->partner_door, conn);
}

static bool io_is_dialled(void *ctx, void *conn)
{
    (void)ctx;
    return weft_partner_door_is_dialled(conn);
}

static void io_tell(void *ctx, uint64_t to, const struct weft_audit_line *line)
{
    struct weft_node *node = ctx;
    const struct weft_peer_message message = {.kind = WEFT_KIND_AUDIT_LINE, .audit_line = *line};
    if (node->peers != NULL && to == 0) {
        weft_peers_tell(node->peers, &message);
    } else if (node->peers != NULL) {
        weft_peers_tell_one(node->peers, to, &message);
    }
}

static struct weft_state *io_get_state(void *ctx)
{
    const struct weft_node *node = ctx;
    return node->state;
}

static void io_wake(void *ctx)
{
    weft_node_wake(ctx);
}

static bool io_ask(
    void *ctx, const struct weft_agreement *agreement, bool is_question, struct weft_bytes body)
{
    return weft_questions_hear(ctx, agreement, is_question, body);
}

static void door_up(void *ctx, struct weft_partner_conn *conn)
{
    struct weft_node *node = ctx;
    weft_partners_up(node->partners, conn, weft_partner_door_site(conn));
}

static enum weft_err door_message(
    void *ctx, struct weft_partner_conn *conn, struct weft_bytes message)
{
    struct weft_node *node = ctx;
    return weft_partners_hear(node->partners, conn, message);
}

static void door_down(void *ctx, struct weft_partner_conn *conn)
{
    struct weft_node *node = ctx;
    if (node->partners != NULL) {
        weft_partners_down(node->partners, conn);
    }
}

static void door_drained(void *ctx, struct weft_partner_conn *conn)
{
    struct weft_node *node = ctx;
    weft_partners_drained(node->partners, conn);
}

/* --- open and close --------------------------------------------------------------------------- */

static enum weft_err open_partners(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    char key[PATH_MAX], uri[WEFT_PRINCIPAL_URI_SIZE], site[WEFT_STREAM_NAME_SIZE_MAX + 1];
    struct weft_principal self;
    weft_config_beside(config, "log.key", key, sizeof(key));
    (void)snprintf(site, sizeof(site), "%s/%s", config->node.org, config->node.site);
    enum weft_err err = weft_principal_make(
        WEFT_PRINCIPAL_NODE, config->node.org, config->node.site, config->node.name, &self, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_principal_format_uri(&self, uri);
    const struct weft_partners_options options = {.loop = &node->loop,
        .io = {.ctx = node,
            .get_state = io_get_state,
            .propose = io_propose,
            .send = io_send,
            .pause = io_pause,
            .hang_up = io_hang_up,
            .is_dialled = io_is_dialled,
            .tell = io_tell,
            .wake = io_wake,
            .ask = io_ask},
        .principal = uri,
        .key_file = key,
        .site = site,
        .self_id = node->datadir.identity.member_id,
        .threads = THREADS};
    return weft_partners_open(&options, &node->partners, msg);
}

static enum weft_err open_door(struct weft_node *node, struct weft_msg *msg)
{
    const struct weft_config *config = &node->config;
    char roots[PATH_MAX];
    const char *listen = config->node.listen_partner;
    (void)snprintf(roots, sizeof(roots), "%s/partners.pem", config->node.data);
    const struct weft_partner_door_options options = {
        .link = {.loop = &node->loop,
            .type = WEFT_LINK_NNG,
            .listen = listen[0] != '\0' ? listen : NULL,
            .cert_file = config->partner.cert,
            .key_file = config->partner.key,
            .message_size_max = WEFT_STREAM_MESSAGE_SIZE_MAX,
            .queue_size_max = WEFT_PARTNER_QUEUE_SIZE_MAX,
            .connections_max = WEFT_PARTNERS_CONNS_MAX,
            .handshake_ms = config->timers.handshake_ms,
            .heartbeat_ms = config->timers.link_heartbeat_ms,
            .handshakes_max = HANDSHAKES_MAX},
        .roots_file = roots,
        .callbacks = {.ctx = node,
            .on_up = door_up,
            .on_message = door_message,
            .on_down = door_down,
            .on_drained = door_drained}};
    return weft_partner_door_open(&options, &node->partner_door, msg);
}

enum weft_err weft_partnership_open(struct weft_node *node, struct weft_msg *msg)
{
    enum weft_err err = open_partners(node, msg);
    if (err == WEFT_OK && node->config.partner.cert[0] != '\0') {
        err = open_door(node, msg);
    }
    return err;
}

uint32_t weft_partnership_parts(const struct weft_node *node)
{
    return (node->partner_door != NULL ? 1U : 0U) + (node->partners != NULL ? 1U : 0U);
}

void weft_partnership_close(struct weft_node *node, void (*on_closed)(void *ctx), void *ctx)
{
    if (node->partner_door != NULL) {
        weft_partner_door_close(node->partner_door, on_closed, ctx);
        node->partner_door = NULL;
    }
    if (node->partners != NULL) {
        weft_partners_close(node->partners, on_closed, ctx);
        node->partners = NULL;
    }
}

enum weft_err weft_partnership_reload(struct weft_node *node, struct weft_msg *msg)
{
    return node->partner_door != NULL ? weft_partner_door_reload(node->partner_door, msg) : WEFT_OK;
}

/* --- turns ------------------------------------------------------------------------------------ */

/* Changes with whatever operators say of a partner. */
static uint64_t fingerprint(const struct weft_streams *streams)
{
    uint64_t count = weft_streams_partner_count(streams), newest = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_partner partner = weft_streams_partner_at(streams, i);
        newest = partner.index > newest ? partner.index : newest;
    }
    return newest * (WEFT_PARTNERS_MAX + 1) + count;
}

/* Whom operators pinned, but for this site itself. */
static enum weft_err update_door(struct weft_node *node, const struct weft_streams *streams)
{
    char own[WEFT_STREAM_NAME_SIZE_MAX + 1];
    uint32_t count = weft_streams_partner_count(streams), used = 0;
    struct weft_partner_place *places = calloc(count > 0 ? count : 1, sizeof(*places));
    if (places == NULL) {
        return WEFT_ENOMEM;
    }
    (void)snprintf(own, sizeof(own), "%s/%s", node->config.node.org, node->config.node.site);
    for (uint32_t i = 0; i < count; i++) {
        const struct weft_partner partner = weft_streams_partner_at(streams, i);
        if (!weft_text_is(partner.site, own)) {
            places[used++] = (struct weft_partner_place){
                .site = partner.site, .endpoints = partner.endpoints, .ca = partner.ca};
        }
    }
    enum weft_err err = weft_partner_door_update(node->partner_door, places, used);
    free(places);
    return err;
}

/* NOD-246: what the door did not take it is told again. */
static void look_at_partners(
    struct weft_node *node, const struct weft_streams *streams, uint64_t now_ms)
{
    uint64_t changed = weft_streams_changed(streams), now;
    bool is_due = node->partners_again_ms != 0 && now_ms >= node->partners_again_ms;
    if (changed == node->streams_seen && !is_due) {
        return;
    }
    node->streams_seen = changed;
    now = fingerprint(streams);
    if (now == node->partners_seen && !is_due) {
        return;
    }
    enum weft_err err = update_door(node, streams);
    node->partners_seen = now;
    node->partners_again_ms = err == WEFT_OK ? 0 : now_ms + AGAIN_MS;
}

void weft_partnership_turn(struct weft_node *node, uint64_t now_ms, int64_t now_ns)
{
    if (node->partners == NULL || node->state == NULL) {
        return;
    }
    const struct weft_streams *streams = weft_state_streams(node->state);
    if (node->partner_door != NULL) {
        look_at_partners(node, streams, now_ms);
        weft_partner_door_turn(
            node->partner_door, node->is_leader && node->phase == WEFT_NODE_RUNNING, now_ms);
    }
    weft_partners_turn(node->partners,
        node->is_leader ? node->datadir.identity.member_id : node->leader_id, now_ms, now_ns);
}

uint64_t weft_partnership_deadline(const struct weft_node *node)
{
    uint64_t deadline =
        node->partners != NULL ? weft_partners_deadline(node->partners) : UINT64_MAX;
    uint64_t door =
        node->partner_door != NULL ? weft_partner_door_deadline(node->partner_door) : UINT64_MAX;
    deadline = door < deadline ? door : deadline;
    uint64_t again = node->partners_again_ms != 0 ? node->partners_again_ms : UINT64_MAX;
    return again < deadline ? again : deadline;
}

/* --- questions -------------------------------------------------------------------------------- */

/* What was refused of his questions and answers, what he said of an offer, and how it stands with
 * what both have filed; of a state nothing is kept of it. Good until the next call. */
static struct weft_text told_of(const struct weft_node *node, struct weft_text name)
{
    static struct weft_buffer text = {.size_max = 8 * 1024};
    struct weft_agreement agreement;
    if (!node->is_leader || node->state == NULL ||
        !weft_streams_find(weft_state_streams(node->state), name, &agreement)) {
        return (struct weft_text){"", 0};
    }
    const struct weft_text answer =
        node->partners != NULL ? weft_partners_offer_answer(node->partners, agreement.number)
                               : (struct weft_text){"", 0};
    const struct weft_question_partner p =
        weft_question_gate_figures(&node->questions.gate, agreement.number);
    weft_buffer_clear(&text);
    enum weft_err err =
        weft_buffer_format(&text, "questions.refused %" PRIu64 "\nanswers.refused %" PRIu64 "\n",
            p.questions_refused, p.answers_refused);
    if (err == WEFT_OK && answer.size > 0) {
        err = weft_buffer_format(&text, "offer.answer %.*s\n", (int)answer.size, answer.data);
    }
    if (err == WEFT_OK && node->partners != NULL) {
        err = weft_partners_set_lines(node->partners, agreement.number, &text);
    }
    return err == WEFT_OK ? weft_buffer_as_text(&text) : (struct weft_text){"", 0};
}

/* NOD-313: who may not share the agreement begins none. */
static struct weft_text begin_audit(
    struct weft_node *node, struct weft_text principal, const struct weft_agreement *agreement)
{
    if (!weft_state_may_share(node->state, principal, agreement->name, weft_wall_ns())) {
        return (struct weft_text){"", 0}; /* The view says so. */
    }
    switch ((int)weft_partners_audit(node->partners, agreement->number)) {
    case WEFT_OK:
        return WEFT_TEXT("audit begins\n");
    case WEFT_EVERSION:
        return WEFT_TEXT("audit old\n");
    default:
        return WEFT_TEXT("audit apart\n");
    }
}

enum weft_err weft_partnership_note(
    struct weft_node *node, const struct weft_query *query, struct weft_text *ret_note)
{
    static const char sent[] = "sent/checkpoint", received[] = "received/receipt";
    struct weft_text rest = query->asset, name;
    struct weft_agreement agreement;
    (void)weft_text_cut(&rest, '/', &name); /* "partner" */
    *ret_note = (struct weft_text){"", 0};
    if (!weft_text_cut(&rest, '/', &name)) {
        *ret_note = told_of(node, name);
        return WEFT_OK;
    }
    const bool is_audit = weft_text_is(rest, "audit");
    if (!(is_audit || weft_text_is(rest, sent) || weft_text_is(rest, received))) {
        return WEFT_OK;
    }
    if (!node->is_leader || node->partners == NULL || node->state == NULL) {
        return WEFT_ENOTLEADER;
    }
    if (weft_streams_find(weft_state_streams(node->state), name, &agreement)) {
        *ret_note = is_audit ? begin_audit(node, query->principal, &agreement)
                             : weft_partners_note(node->partners, agreement.number,
                                   weft_text_is(rest, sent) ? WEFT_SENT : WEFT_RECEIVED);
    }
    return WEFT_OK;
}

/* NOD-247 */
enum weft_err weft_partnership_carry(struct weft_node *node, struct weft_text principal,
    const struct weft_carry *carried, const struct weft_waiter *waiter, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = WEFT_STREAM_MESSAGE_SIZE_MAX};
    struct weft_partner_message m;
    struct weft_agreement agreement;
    if (!node->is_leader || node->partners == NULL || node->state == NULL) {
        return WEFT_ENOTLEADER;
    }
    enum weft_err err = weft_partner_decode(carried->message, &arena, &m, msg);
    if (err == WEFT_OK &&
        !weft_state_may_share(node->state, principal, m.stream.agreement, weft_wall_ns())) {
        err = weft_fail(msg, WEFT_EREFUSED, "to share agreement:%.*s is not permitted",
            (int)m.stream.agreement.size, m.stream.agreement.data);
    }
    if (err == WEFT_OK &&
        (!weft_streams_find(weft_state_streams(node->state), m.stream.agreement, &agreement) ||
            agreement.terms == NULL)) {
        err = weft_fail(msg, WEFT_ENOTFOUND, "no such agreement is in force");
    }
    if (err == WEFT_OK) {
        err = weft_partners_take(node->partners, agreement.terms->partner, carried, waiter, msg);
    }
    weft_arena_destroy(&arena);
    return err;
}
