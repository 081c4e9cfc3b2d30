#include "node/partner_signing.h"

#include <stdio.h>

#include "node/logger.h"
#include "node/partner_parts.h"

static void log_unsigned(const struct weft_partner_signing *signing, const struct weft_msg *msg)
{
    weft_log(WEFT_LOG_WARN, "partner_unsigned", weft_kv("agreement", signing->asked.agreement),
        weft_kv("error", (const char *)msg->text),
        weft_kv("next",
            "the partner gets what enough other nodes sign; the record partner:ORG/SITE "
            "of this site names the keys that count"));
}

/* This node's line, and the others' are asked for. */
static void ask(
    struct weft_partners *p, const struct weft_agreement *a, struct weft_partner_signing *signing)
{
    struct weft_buffer line = {.size_max = WEFT_AUDIT_LINE_SIZE_MAX};
    struct weft_msg msg = {""};
    signing->again_ms = p->now_ms + WEFT_PARTNER_LINES_MS;
    enum weft_err err =
        weft_partner_sign_line(&p->sign, weft_buffer_as_text(&signing->lines.text), &line, &msg);
    if (err == WEFT_OK) {
        err = weft_partner_lines_add(
            &signing->lines, &a->terms->own_heads, weft_buffer_as_text(&line), &msg);
    }
    if (err != WEFT_OK) {
        log_unsigned(signing, &msg);
    }
    if (signing->lines.note.size == 0) {
        weft_partner_sign_ask(&p->sign, &signing->asked, weft_buffer_as_text(&line));
        weft_partners_due(p, signing->again_ms);
    }
    weft_buffer_destroy(&line);
}

void weft_partners_sign(struct weft_partners *p, const struct weft_agreement *a,
    struct weft_partner_signing *signing, const struct weft_partner_asked *asked)
{
    struct weft_buffer text = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_msg msg = {""};
    signing->asked = *asked;
    signing->is_under_way = false;
    (void)snprintf(signing->asked.agreement, sizeof(signing->asked.agreement), "%.*s",
        (int)a->terms->name.size, a->terms->name.data);
    signing->next = asked->head.size;
    enum weft_err err =
        weft_partner_sign_text(&p->sign, p->state, &signing->asked, &text, &signing->next, &msg);
    if (err == WEFT_OK) {
        err = weft_partner_lines_begin(&signing->lines, weft_buffer_as_text(&text));
    }
    if (err == WEFT_OK) {
        if (asked->what == WEFT_PARTNER_TEXT_REFUSAL) {
            signing->asked.head.root = signing->lines.digest;
        }
        signing->is_under_way = true;
        ask(p, a, signing);
    } else {
        log_unsigned(signing, &msg);
    }
    weft_buffer_destroy(&text);
}

bool weft_partners_is_signed(struct weft_partners *p, struct weft_partner_signing *signing)
{
    struct weft_agreement a;
    if (!signing->is_under_way || signing->lines.note.size > 0) {
        return signing->is_under_way;
    }
    if (p->now_ms >= signing->again_ms &&
        weft_partners_find_agreed(p, weft_text_of(signing->asked.agreement), &a)) {
        ask(p, &a, signing);
    }
    weft_partners_due(p, signing->again_ms);
    return signing->lines.note.size > 0;
}

static struct weft_partner_signing *find_signing(
    struct weft_partner_exchange *x, const struct weft_partner_asked *asked)
{
    struct weft_partner_signing *const of[WEFT_PARTNER_TEXTS] = {
        [WEFT_PARTNER_TEXT_HEAD] = &x->out.signing,
        [WEFT_PARTNER_TEXT_RECEIPT] = &x->in.receipt,
        [WEFT_PARTNER_TEXT_REFUSAL] = &x->in.refusal};
    struct weft_partner_signing *signing = of[asked->what];
    bool is_it = signing->is_under_way && signing->asked.from == asked->from &&
                 signing->asked.head.size == asked->head.size &&
                 weft_digest_equal(&signing->asked.head.root, &asked->head.root);
    return is_it ? signing : NULL;
}

void weft_partners_receive_line(
    struct weft_partners *p, uint64_t from, const struct weft_audit_line *line)
{
    struct weft_partner_asked asked;
    struct weft_agreement a;
    struct weft_msg msg = {""};
    if (!weft_partners_begin(p) || !weft_partner_sign_parse(&p->sign, line, &asked)) {
        return;
    }
    if (!p->is_leading) {
        if (from == p->leader_id) {
            weft_partner_sign_owe(&p->sign, p->state, from, &asked, p->now_ms);
        }
        return;
    }
    if (!weft_partners_find_agreed(p, weft_text_of(asked.agreement), &a)) {
        return;
    }
    struct weft_partner_exchange *x = weft_partners_exchange(p, a.terms->number);
    struct weft_partner_signing *signing = x != NULL ? find_signing(x, &asked) : NULL;
    if (signing == NULL || signing->lines.note.size > 0) {
        return;
    }
    if (weft_partner_lines_add(&signing->lines, &a.terms->own_heads, line->line, &msg) != WEFT_OK) {
        log_unsigned(signing, &msg);
    }
    weft_partners_due(p, p->now_ms);
    p->options.io.wake(p->options.io.ctx);
}
