#include "node/question_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/logger.h"

enum {
    ANSWER_TIMES = 4, /* What an answer's parts take, by their bytes, at most. */
};

struct weft_question_site weft_question_own_site(const struct weft_node *node)
{
    struct weft_question_site site;
    (void)snprintf(
        site.text, sizeof(site.text), "%s/%s", node->config.node.org, node->config.node.site);
    return site;
}

enum weft_err weft_question_add(
    struct weft_tiers_answer *answer, const struct weft_tiers_part *part)
{
    if (answer->count == answer->capacity && answer->count < WEFT_TIERS_PARTS_MAX) {
        const uint32_t capacity = answer->capacity == 0 ? 64 : 2 * answer->capacity;
        void *parts = realloc(answer->parts, capacity * sizeof(*answer->parts));
        if (parts == NULL) {
            return WEFT_ENOMEM;
        }
        answer->parts = parts;
        answer->capacity = capacity;
    }
    return weft_tiers_add(answer, part);
}

/* NOD-298: what one says of others counts where they have not said it themselves. */
enum weft_err weft_question_add_relayed(struct weft_ask *ask)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < ask->relayed.count; i++) {
        const struct weft_tiers_part *part = &ask->relayed.parts[i];
        bool is_said = false;
        for (uint32_t k = 0; !is_said && k < ask->answer.count; k++) {
            const struct weft_tiers_part *of = &ask->answer.parts[k];
            is_said = weft_digest_equal(&of->subject, &part->subject) &&
                      weft_text_equal(of->organization, part->organization);
        }
        err = is_said ? WEFT_OK : weft_question_add(&ask->answer, part);
    }
    return err;
}

static size_t size_of(const struct weft_ask *ask)
{
    return sizeof(*ask) + ask->arena.used_bytes +
           (ask->answer.capacity + ask->relayed.capacity) * sizeof(*ask->answer.parts);
}

/* Of questions that nobody looks at just now. */
static size_t held(const struct weft_questions *r, const struct weft_ask *like)
{
    const struct weft_ask *ask;
    size_t bytes = 0;
    TAILQ_FOREACH(ask, &r->asks, next)
    {
        if (!ask->is_looking && (like == NULL || (ask->is_own == like->is_own &&
                                                     (ask->is_own || weft_text_equal(ask->agreement,
                                                                         like->agreement))))) {
            bytes += size_of(ask);
        }
    }
    return bytes;
}

/* The largest of the partner who holds more than that, and most; NULL: nobody does. */
static struct weft_ask *find_largest(struct weft_questions *r, size_t more_than)
{
    struct weft_ask *ask, *found = NULL;
    size_t most = more_than, largest = 0;
    TAILQ_FOREACH(ask, &r->asks, next)
    {
        const size_t bytes = ask->is_own || ask->is_looking ? 0 : held(r, ask);
        if (bytes > most || (found != NULL && bytes == most && size_of(ask) > largest)) {
            most = bytes;
            largest = size_of(ask);
            found = ask;
        }
    }
    return found;
}

/* NOD-299: and so much more of it? Clients' give way to nobody. */
bool weft_question_has_room(const struct weft_ask *ask, size_t bytes)
{
    struct weft_questions *r = &ask->node->questions;
    const size_t own = held(r, ask) + bytes;
    if (own > WEFT_QUESTIONS_BYTES_OF_ONE) {
        return false;
    }
    while (held(r, NULL) + bytes > WEFT_QUESTIONS_BYTES) {
        struct weft_ask *yields = find_largest(r, own);
        if (yields == NULL) {
            return false;
        }
        weft_question_yield(yields);
    }
    return true;
}

/* What this site says of that thing ends there: by name. */
void weft_question_leave(
    struct weft_ask *ask, const struct weft_ask_onward *on, enum weft_ask_fault fault)
{
    const struct weft_question_site own = weft_question_own_site(ask->node);
    const struct weft_text site = weft_text_of(own.text);
    struct weft_tiers_part *mine = NULL;
    struct weft_buffer text = {.size_max = WEFT_TIERS_CONTENT_SIZE_MAX};
    for (uint32_t i = 0; i < ask->answer.count; i++) {
        struct weft_tiers_part *part = &ask->answer.parts[i];
        if (weft_text_equal(part->organization, site) &&
            weft_digest_equal(&part->subject, &on->subject)) {
            mine = part;
        }
    }
    enum weft_err err =
        mine != NULL ? weft_buffer_text(&text, mine->content)
                     : weft_buffer_format(&text, "at\t%" PRIu64 "\n", weft_question_wall_ms());
    err = err == WEFT_OK ? weft_ask_put_hole(&text, on->partner, fault) : err;
    const struct weft_tiers_part part = {.organization = weft_arena_text(&ask->arena, site),
        .subject = on->subject,
        .head = ask->found.index > 0 ? ask->found.index : 1,
        .content = weft_arena_text(&ask->arena, weft_buffer_as_text(&text))};
    weft_buffer_destroy(&text);
    if (err != WEFT_OK || part.content.data == NULL || part.organization.data == NULL) {
        return; /* The thing stands there without what is in it. */
    }
    if (mine != NULL) {
        mine->content = part.content;
    } else {
        (void)!weft_question_add(&ask->answer, &part);
    }
}

/* NULL: it counts. */
static const char *look_at_answer(struct weft_ask *ask, const struct weft_ask_onward *on,
    const struct weft_agreement *a, const struct weft_ask_answer *answer,
    struct weft_tiers_answer *ret_parts)
{
    const struct weft_ask_deed deed = {
        a->name, a->terms->partner, a->terms->site, ask->root, on->subject};
    struct weft_buffer text = {.size_max = 4096};
    struct weft_msg msg = {""};
    *ret_parts = (struct weft_tiers_answer){.count = 0};
    bool is_signed = weft_ask_text(&deed, answer, &text) == WEFT_OK &&
                     weft_partners_is_answer_signed(a, weft_buffer_as_text(&text), answer->line);
    weft_buffer_destroy(&text);
    if (!is_signed) {
        return "it is signed by none of his keys";
    }
    if (answer->fault != WEFT_ASK_ANSWERED) {
        return NULL;
    }
    const struct weft_text kept = weft_arena_text(
        &ask->arena, (struct weft_text){(const char *)answer->parts.data, answer->parts.size});
    if (kept.data == NULL ||
        weft_tiers_decode((struct weft_bytes){(const uint8_t *)kept.data, kept.size}, &ask->arena,
            ret_parts, &msg) != WEFT_OK) {
        return "its parts cannot be read";
    }
    return weft_ask_parts_fault(ret_parts, a->terms->site, &on->subject, &ask->arena);
}

/* With it, does all of this still go into one text, with a hole for each who is yet to answer? */
static bool is_one_text(struct weft_ask *ask, const struct weft_ask_answer *answer,
    const struct weft_tiers_answer *parts)
{
    const uint32_t holes = ask->is_own ? ask->open : 0; /* A partner is told them in own parts. */
    if (ask->told_bytes + answer->parts.size > WEFT_QUESTION_TOLD_MAX ||
        ask->answer.count + ask->relayed.count + parts->count + holes > WEFT_TIERS_PARTS_MAX) {
        return false;
    }
    ask->told_bytes += answer->parts.size;
    return true;
}

void weft_question_take(struct weft_ask *ask, uint32_t place, const struct weft_agreement *a,
    const struct weft_ask_answer *answer)
{
    const struct weft_ask_onward *on = &ask->found.onward[place];
    struct weft_tiers_answer parts;
    if (!weft_question_has_room(ask, ANSWER_TIMES * answer->parts.size)) {
        weft_question_leave(ask, on, WEFT_ASK_MANY);
        return;
    }
    const char *fault = look_at_answer(ask, on, a, answer, &parts);
    enum weft_err err = WEFT_OK;
    if (fault != NULL) {
        weft_question_count_refused(ask->node, a->number, false);
        weft_question_leave(ask, on, WEFT_ASK_WRONG);
        char name[WEFT_CONTRACT_NAME_SIZE_MAX + 1];
        (void)snprintf(name, sizeof(name), "%.*s", (int)a->name.size, a->name.data);
        weft_log(WEFT_LOG_WARN, "partner_answer_refused", weft_kv("agreement", (const char *)name),
            weft_kv("error", fault), weft_kv("next", "what it is about is a hole"));
    } else if (answer->fault != WEFT_ASK_ANSWERED) {
        weft_question_leave(ask, on, answer->fault);
    }
    if (fault == NULL && !is_one_text(ask, answer, &parts)) {
        err = WEFT_ETOOBIG;
    }
    for (uint32_t i = 0; fault == NULL && err == WEFT_OK && i < parts.count; i++) {
        const bool is_own = weft_text_equal(parts.parts[i].organization, a->terms->partner);
        err = weft_question_add(is_own ? &ask->answer : &ask->relayed, &parts.parts[i]);
    }
    if (err != WEFT_OK) {
        weft_question_leave(ask, on, WEFT_ASK_MANY);
    }
}

void weft_question_count_refused(struct weft_node *node, uint32_t agreement, bool is_question)
{
    struct weft_question_partner *p =
        weft_question_gate_at(&node->questions.gate, agreement, uv_now(&node->loop));
    if (p != NULL) {
        *(is_question ? &p->questions_refused : &p->answers_refused) += 1;
    }
}
