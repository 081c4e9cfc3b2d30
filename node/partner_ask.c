#include "node/partner_ask.h"

#include "federation/cells/ask.h"

/* Questions to partners, and theirs: signed, sent, verified (node/questions.h). */

/* The one on which the last hello of that site came, which is of who leads there; NULL: none. */
static const struct weft_partner_peer *greeted(const struct weft_partners *p, struct weft_text site)
{
    const struct weft_partner_peer *last = NULL;
    for (uint32_t i = 0; i < p->peer_end; i++) {
        const struct weft_partner_peer *peer = &p->peers[i];
        if (peer->conn != NULL && peer->hello > 0 && weft_text_is(site, peer->site) &&
            (last == NULL || peer->hello > last->hello)) {
            last = peer;
        }
    }
    return last;
}

enum weft_err weft_partners_ask(struct weft_partners *p, const struct weft_agreement *a,
    bool is_question, struct weft_bytes body)
{
    const struct weft_partner_peer *peer = greeted(p, a->terms->partner);
    const struct weft_partner_message m = {
        .kind = is_question ? WEFT_KIND_STREAM_QUESTION : WEFT_KIND_STREAM_ANSWER,
        .stream = {a->name, is_question ? a->terms->partner : a->terms->site},
        .body = body};
    if (peer == NULL || !p->is_leading) {
        return WEFT_EUNAVAILABLE;
    }
    /* NOD-297: a node that does not know the kind drops the connection. */
    return peer->knows_questions ? weft_partners_send(p, peer->conn, &m) : WEFT_EVERSION;
}

enum weft_err weft_partners_sign_answer(
    const struct weft_partners *p, struct weft_text text, struct weft_buffer *out)
{
    struct weft_msg msg = {""};
    return weft_partner_sign_line(&p->sign, text, out, &msg);
}

/* By one of the keys that sign what he states, and have not ended: an answer has no position. */
bool weft_partners_is_answer_signed(
    const struct weft_agreement *a, struct weft_text text, struct weft_text line)
{
    struct weft_partner_lines lines = {.count = 0};
    struct weft_msg msg = {""};
    enum weft_err err = weft_partner_lines_begin(&lines, text);
    err = err == WEFT_OK ? weft_partner_lines_add(&lines, &a->terms->their_heads, line, &msg) : err;
    weft_partner_lines_destroy(&lines);
    return err == WEFT_OK;
}

bool weft_partner_ask_hear(struct weft_partners *p, const struct weft_agreement *a, void *conn,
    const struct weft_partner_message *m)
{
    const bool is_question = m->kind == WEFT_KIND_STREAM_QUESTION;
    if (!is_question && m->kind != WEFT_KIND_STREAM_ANSWER) {
        return false;
    }
    const struct weft_text answers = is_question ? a->terms->site : a->terms->partner;
    if (p->options.io.ask == NULL) {
        return true;
    }
    weft_partners_charge(p, conn, m->body.size);
    if (!weft_text_equal(m->stream.provider, answers) ||
        !p->options.io.ask(p->options.io.ctx, a, is_question, m->body)) {
        p->options.io.hang_up(p->options.io.ctx, conn);
    }
    return true;
}
