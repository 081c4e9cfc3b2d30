#include "tests/unit/federation/rig_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "federation/cells/ask.h"
#include "proto/octets.h"
#include "tests/unit/federation/rig.h"

enum {
    CHAIN = 3000, /* things, each in the one before */
    BUSHES = 5,   /* things with... */
    TWIGS = 1000, /* ...so many in them */
};

static void must(bool is_done, const char *what)
{
    if (!is_done) {
        (void)fprintf(stderr, "rig_answer: %s\n", what);
        exit(1);
    }
}

/* What is answered. */
struct tale {
    struct weft_arena arena;
    struct weft_ask_question question;
    struct weft_tiers_answer parts;
    struct weft_tiers_part room[CHAIN + BUSHES + 1];
};

/* "urn:epc:x:<number>", or what was asked of. */
static struct weft_subject_name thing(struct tale *t, uint32_t number)
{
    char key[64];
    (void)snprintf(key, sizeof(key), "urn:epc:x:%" PRIu32, number);
    return number == 0 ? t->question.name
                       : (struct weft_subject_name){{"", 0}, WEFT_TEXT("epc"),
                             weft_arena_text(&t->arena, weft_text_of(key))};
}

static void put_in(struct tale *t, uint32_t number, struct weft_buffer *out)
{
    const struct weft_subject_name name = thing(t, number);
    must(weft_buffer_format(out, "in\t-\t-\t%.*s\t%.*s\n", (int)name.kind.size, name.kind.data,
             (int)name.key.size, name.key.data) == WEFT_OK,
        "a line");
}

/* In the name of that site, of that thing: in it are `count` from `first` on; of none it is made.
 */
static void tell(struct tale *t, const char *site, uint32_t of, uint32_t first, uint32_t count)
{
    const struct weft_subject_name name = thing(t, of);
    struct weft_buffer text = {0};
    must(weft_buffer_text(&text, WEFT_TEXT("at\t1772352000000\n")) == WEFT_OK, "a time");
    for (uint32_t i = 0; i < count; i++) {
        put_in(t, first + i, &text);
    }
    if (count == 0) {
        must(weft_buffer_text(&text, WEFT_TEXT("made\n")) == WEFT_OK, "a line");
    }
    const struct weft_tiers_part part = {.organization = weft_text_of(site),
        .subject = weft_subject_of(&name),
        .head = 7,
        .content = weft_arena_text(&t->arena, weft_buffer_as_text(&text))};
    must(part.content.data != NULL && weft_tiers_add(&t->parts, &part) == WEFT_OK, "a part");
    weft_buffer_destroy(&text);
}

static void tell_made(struct tale *t)
{
    tell(t, rig_site(RIG_SUPPLIER), 0, 0, 0);
}

static void tell_in_our_name(struct tale *t)
{
    tell(t, rig_site(RIG_OEM), 0, 0, 0);
}

static void tell_of_another(struct tale *t)
{
    tell_made(t);
    tell(t, rig_site(RIG_SUPPLIER), 1, 0, 0);
}

/* Each is in the one before, and the first in the last. */
static void tell_chain(struct tale *t)
{
    for (uint32_t i = 0; i < CHAIN; i++) {
        tell(t, rig_site(RIG_SUPPLIER), i, (i + 1) % CHAIN, 1);
    }
}

static void tell_bushes(struct tale *t)
{
    tell(t, rig_site(RIG_SUPPLIER), 0, 1, BUSHES);
    for (uint32_t i = 1; i <= BUSHES; i++) {
        tell(t, rig_site(RIG_SUPPLIER), i, 100 + i * TWIGS, TWIGS);
    }
}

static const struct {
    const char *how;
    void (*tell)(struct tale *t);
    bool is_unsigned;
    size_t padding; /* Octets behind the parts. */
} answers[] = {
    {"made", tell_made, false, 0},
    {"unsigned", tell_made, true, 0},
    {"own", tell_in_our_name, false, 0},
    {"another", tell_of_another, false, 0},
    {"chain", tell_chain, false, 0},
    {"bushes", tell_bushes, false, 0},
    {"torn", tell_made, false, 1},
    {"large", tell_made, false, WEFT_ASK_PARTS_SIZE_MAX},
};

/* As weft_ask_answer_encode has it, of whatever size. */
static struct weft_buffer encode(
    const struct tale *t, struct weft_text agreement, struct weft_bytes parts, bool is_unsigned)
{
    struct weft_ask_answer a = {
        .id = t->question.id, .index = 7, .time_ms = 1772352000000, .parts = parts};
    const struct weft_ask_deed deed = {agreement, weft_text_of(rig_site(RIG_SUPPLIER)),
        weft_text_of(rig_site(RIG_OEM)), t->question.tiers.query, t->question.tiers.subject};
    struct weft_buffer text = {0}, body = {0};
    must(weft_ask_text(&deed, &a, &text) == WEFT_OK, "what is signed");
    struct weft_buffer note = rig_sign(RIG_SUPPLIER, 1, weft_buffer_as_text(&text));
    struct weft_text line = {
        (const char *)note.data + text.size + 1, is_unsigned ? 0 : note.size - text.size - 1};
    must(weft_buffer_reserve(&body, parts.size + line.size + 100) == WEFT_OK, "memory");
    uint8_t *p = weft_put_varint(body.data, a.id);
    p = weft_put_varint(p, a.fault);
    p = weft_put_varint(p, a.index);
    p = weft_put_varint(p, a.time_ms);
    p = weft_octets_put_text(p, (struct weft_text){(const char *)parts.data, parts.size});
    p = weft_octets_put_text(p, line);
    body.size = (size_t)(p - body.data);
    weft_buffer_destroy(&text);
    weft_buffer_destroy(&note);
    return body;
}

struct weft_buffer rig_answer(
    struct weft_text agreement, const char *how, struct weft_bytes question)
{
    static struct tale t; /* Large. */
    struct weft_buffer parts = {0};
    struct weft_msg msg = {""};
    size_t i = 0;
    t = (struct tale){.arena = {.size_max = 16 * 1024 * 1024}, .parts = {t.room, 0, CHAIN}};
    must(weft_ask_question_decode(question, &t.question, &msg) == WEFT_OK, msg.text);
    while (i < sizeof(answers) / sizeof(answers[0]) && strcmp(answers[i].how, how) != 0) {
        i++;
    }
    must(i < sizeof(answers) / sizeof(answers[0]), how);
    answers[i].tell(&t);
    must(weft_tiers_encode(&t.parts, &parts) == WEFT_OK &&
             weft_buffer_reserve(&parts, answers[i].padding) == WEFT_OK,
        "parts");
    memset(parts.data + parts.size, 0, answers[i].padding);
    struct weft_buffer body = encode(&t, agreement,
        (struct weft_bytes){parts.data, parts.size + answers[i].padding}, answers[i].is_unsigned);
    weft_buffer_destroy(&parts);
    weft_arena_destroy(&t.arena);
    return body;
}
