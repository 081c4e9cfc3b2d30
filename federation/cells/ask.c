#include "federation/cells/ask.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "federation/cells/exact.h"

static const struct {
    const char *word, *reason;
} faults[WEFT_ASK_FAULTS] = {
    [WEFT_ASK_ANSWERED] = {"answered", "-"},
    [WEFT_ASK_CLOSED] = {"closed", "asked: what is inside is not disclosed"},
    [WEFT_ASK_BUSY] = {"busy", "asked: too many questions at once"},
    [WEFT_ASK_DEEP] = {"deep", "asked: the agreement lets the question go no tier further"},
    [WEFT_ASK_MANY] = {"many", "asked: more than an answer may hold"},
    [WEFT_ASK_SILENT] = {"silent", "asked: not answered in time"},
    [WEFT_ASK_APART] = {"apart", "not asked: not connected"},
    [WEFT_ASK_STRANGER] = {"stranger", "asked: there is no agreement with whoever made it"},
    [WEFT_ASK_UNKNOWN] = {"unknown", "asked: nobody has stated anything of it"},
    [WEFT_ASK_LOOP] = {"loop", "asked: answered already, to this question"},
    [WEFT_ASK_WRONG] = {"wrong", "asked: what was answered does not count"},
    [WEFT_ASK_OLD] = {"old", "not asked: his node knows no questions"},
};

const char *weft_ask_fault_word(enum weft_ask_fault fault)
{
    return faults[fault < WEFT_ASK_FAULTS ? fault : WEFT_ASK_WRONG].word;
}

const char *weft_ask_fault_reason(enum weft_ask_fault fault)
{
    return faults[fault < WEFT_ASK_FAULTS ? fault : WEFT_ASK_WRONG].reason;
}

enum weft_ask_fault weft_ask_fault_of(struct weft_text word)
{
    int i = 1;
    while (i < WEFT_ASK_FAULTS && !weft_text_is(word, faults[i].word)) {
        i++;
    }
    return (enum weft_ask_fault)i;
}

/* --- question and answer ---------------------------------------------------------------------- */

enum weft_err weft_ask_question_encode(const struct weft_ask_question *q, struct weft_buffer *out)
{
    const size_t before = out->size;
    if (q->wait_ms > WEFT_ASK_WAIT_MS_MAX) {
        return WEFT_EINVAL;
    }
    enum weft_err err =
        weft_buffer_reserve(out, 5 * (size_t)WEFT_VARINT_SIZE_MAX + q->name.authority.size +
                                     q->name.kind.size + q->name.key.size);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *p = weft_put_varint(out->data + out->size, q->id);
    p = weft_put_varint(p, q->wait_ms);
    p = weft_octets_put_text(p, q->name.authority);
    p = weft_octets_put_text(p, q->name.kind);
    p = weft_octets_put_text(p, q->name.key);
    out->size = (size_t)(p - out->data);
    err = weft_tiers_question_encode(&q->tiers, out);
    out->size = err == WEFT_OK ? out->size : before;
    return err;
}

enum weft_err weft_ask_question_decode(
    struct weft_bytes bytes, struct weft_ask_question *ret_question, struct weft_msg *msg)
{
    struct weft_octets r = weft_octets_of(bytes);
    struct weft_ask_question q = {.id = weft_exact_number(&r)};
    const uint64_t wait_ms = weft_exact_number(&r);
    q.name.authority = weft_exact_text(&r);
    q.name.kind = weft_exact_text(&r);
    q.name.key = weft_exact_text(&r);
    if (r.is_bad || wait_ms > WEFT_ASK_WAIT_MS_MAX || q.name.key.size == 0 ||
        q.name.key.size > WEFT_ASSET_SIZE_MAX || !weft_ask_is_word(q.name.key) ||
        q.name.kind.size > WEFT_ASSET_SIZE_MAX || !weft_text_is_utf8(q.name.kind) ||
        q.name.authority.size > WEFT_STREAM_NAME_SIZE_MAX || !weft_text_is_utf8(q.name.authority)) {
        return weft_fail(msg, WEFT_EMALFORMED, "not a question");
    }
    const struct weft_bytes rest = {r.p, (size_t)(r.end - r.p)};
    enum weft_err err = weft_tiers_question_decode(rest, &q.tiers, msg);
    const struct weft_digest subject = weft_subject_of(&q.name);
    if (err == WEFT_OK && !weft_digest_equal(&subject, &q.tiers.subject)) {
        err = weft_fail(msg, WEFT_EMALFORMED, "a question of another thing than it names");
    }
    q.wait_ms = (uint32_t)wait_ms;
    if (err == WEFT_OK) {
        *ret_question = q;
    }
    return err;
}

enum weft_err weft_ask_answer_encode(const struct weft_ask_answer *a, struct weft_buffer *out)
{
    if (a->parts.size > WEFT_ASK_PARTS_SIZE_MAX || a->line.size > WEFT_ASK_LINE_SIZE_MAX) {
        return WEFT_EINVAL;
    }
    enum weft_err err =
        weft_buffer_reserve(out, 6 * (size_t)WEFT_VARINT_SIZE_MAX + a->parts.size + a->line.size);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *p = weft_put_varint(out->data + out->size, a->id);
    p = weft_put_varint(p, a->fault);
    p = weft_put_varint(p, a->index);
    p = weft_put_varint(p, a->time_ms);
    p = weft_octets_put_text(p, (struct weft_text){(const char *)a->parts.data, a->parts.size});
    p = weft_octets_put_text(p, a->line);
    out->size = (size_t)(p - out->data);
    return WEFT_OK;
}

enum weft_err weft_ask_answer_decode(
    struct weft_bytes bytes, struct weft_ask_answer *ret_answer, struct weft_msg *msg)
{
    struct weft_octets r = weft_octets_of(bytes);
    struct weft_ask_answer a = {.id = weft_exact_number(&r)};
    const uint64_t fault = weft_exact_number(&r);
    a.index = weft_exact_number(&r);
    a.time_ms = weft_exact_number(&r);
    const struct weft_text parts = weft_exact_text(&r);
    a.line = weft_exact_text(&r);
    if (r.is_bad || r.p != r.end || fault >= WEFT_ASK_FAULTS ||
        parts.size > WEFT_ASK_PARTS_SIZE_MAX || a.line.size > WEFT_ASK_LINE_SIZE_MAX ||
        !weft_text_is_utf8(a.line)) {
        return weft_fail(msg, WEFT_EMALFORMED, "not an answer");
    }
    a.fault = (enum weft_ask_fault)fault;
    a.parts = (struct weft_bytes){(const uint8_t *)parts.data, parts.size};
    *ret_answer = a;
    return WEFT_OK;
}

enum weft_err weft_ask_text(
    const struct weft_ask_deed *deed, const struct weft_ask_answer *answer, struct weft_buffer *out)
{
    char query[WEFT_DIGEST_TEXT_SIZE], subject[WEFT_DIGEST_TEXT_SIZE];
    char parts[WEFT_DIGEST_TEXT_SIZE];
    const struct weft_digest digest = weft_sha256(answer->parts.data, answer->parts.size);
    weft_digest_format(&deed->query, query);
    weft_digest_format(&deed->subject, subject);
    weft_digest_format(&digest, parts);
    return weft_buffer_format(out,
        "weft-answer/v1\nagreement %.*s\nby %.*s\nto %.*s\nquery %s\nsubject %s\nfault %s\n"
        "index %" PRIu64 "\nat %" PRIu64 "\nparts %s\n",
        (int)deed->agreement.size, deed->agreement.data, (int)deed->provider.size,
        deed->provider.data, (int)deed->asker.size, deed->asker.data, query, subject,
        weft_ask_fault_word(answer->fault), answer->index, answer->time_ms, parts);
}

/* --- the text of a part ----------------------------------------------------------------------- */

bool weft_ask_is_word(struct weft_text word)
{
    for (size_t i = 0; i < word.size; i++) {
        if ((uint8_t)word.data[i] < ' ' || word.data[i] == 0x7f) {
            return false;
        }
    }
    return word.size > 0 && weft_text_is_utf8(word);
}

/* FED-135: nobody is asked of a thing by another name than a question may have. */
static bool is_in_bounds(const struct weft_ask_line *line)
{
    return line->words[1].size <= WEFT_REL_SIZE_MAX &&
           line->words[2].size <= WEFT_STREAM_NAME_SIZE_MAX &&
           line->words[3].size <= WEFT_ASSET_SIZE_MAX && line->words[4].size <= WEFT_ASSET_SIZE_MAX;
}

static bool is_line(const struct weft_ask_line *line)
{
    static const struct {
        const char *word;
        uint32_t count;
    } forms[] = {{"at", 2}, {"in", 5}, {"made", 1}, {"hole", 3}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (weft_text_is(line->words[0], forms[i].word)) {
            return line->count == forms[i].count;
        }
    }
    return false;
}

bool weft_ask_next(struct weft_text *rest, struct weft_ask_line *ret_line)
{
    struct weft_text left = *rest, line;
    *ret_line = (struct weft_ask_line){.count = 0};
    if (!weft_text_cut(&left, '\n', &line)) {
        return false;
    }
    for (bool has_more = true; has_more;) {
        struct weft_text word = line;
        has_more = weft_text_cut(&line, '\t', &word);
        if (ret_line->count == WEFT_ASK_WORDS_MAX || !weft_ask_is_word(word)) {
            return false;
        }
        ret_line->words[ret_line->count++] = word;
    }
    if (!is_line(ret_line)) {
        return false;
    }
    *rest = left;
    return true;
}

struct weft_text weft_ask_said(struct weft_text word)
{
    return weft_text_is(word, "-") ? (struct weft_text){"", 0} : word;
}

struct weft_subject_name weft_ask_named(const struct weft_ask_line *line)
{
    return (struct weft_subject_name){
        weft_ask_said(line->words[2]), weft_ask_said(line->words[3]), line->words[4]};
}

bool weft_ask_is_content(struct weft_text content)
{
    struct weft_ask_line line;
    uint64_t number;
    bool has_time = weft_ask_next(&content, &line) && weft_text_is(line.words[0], "at") &&
                    weft_text_number(line.words[1], &number);
    while (has_time && weft_ask_next(&content, &line)) {
        if (weft_text_is(line.words[0], "at") ||
            (line.count == WEFT_ASK_WORDS_MAX && !is_in_bounds(&line)) ||
            (weft_text_is(line.words[0], "hole") &&
                weft_ask_fault_of(line.words[2]) == WEFT_ASK_FAULTS)) {
            return false;
        }
    }
    return has_time && content.size == 0;
}

/* Parts by what they are of. */
struct reach {
    const struct weft_tiers_part **by; /* Ascending by subject. */
    uint32_t count;
    uint32_t *todo; /* Of `by`: found, not looked at. */
    uint32_t todo_count, found;
    bool *is_found;
};

static int compare_subjects(const void *a, const void *b)
{
    const struct weft_tiers_part *const *one = a, *const *other = b;
    return memcmp((*one)->subject.bytes, (*other)->subject.bytes, WEFT_DIGEST_SIZE);
}

static void find(struct reach *r, const struct weft_digest *subject)
{
    uint32_t low = 0, high = r->count;
    while (low < high) {
        const uint32_t at = low + (high - low) / 2;
        if (memcmp(r->by[at]->subject.bytes, subject->bytes, WEFT_DIGEST_SIZE) < 0) {
            low = at + 1;
        } else {
            high = at;
        }
    }
    for (; low < r->count && weft_digest_equal(&r->by[low]->subject, subject); low++) {
        if (r->is_found[low]) {
            return; /* With all others of that subject. */
        }
        r->is_found[low] = true;
        r->todo[r->todo_count++] = low;
        r->found++;
    }
}

/* Which parts the thing leads to; what is in a thing by the word of `but` leads nowhere. False: no
 * memory. */
static bool reach(struct reach *r, const struct weft_tiers_answer *parts,
    const struct weft_digest *subject, struct weft_text but, struct weft_arena *arena)
{
    *r = (struct reach){.by = weft_arena_array(arena, parts->count, sizeof(*r->by)),
        .count = parts->count,
        .todo = weft_arena_array(arena, parts->count, sizeof(*r->todo)),
        .is_found = weft_arena_array(arena, parts->count, sizeof(*r->is_found))};
    if (r->by == NULL || r->todo == NULL || r->is_found == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        r->by[i] = &parts->parts[i];
    }
    qsort(r->by, r->count, sizeof(*r->by), compare_subjects);
    find(r, subject);
    while (r->todo_count > 0) {
        const struct weft_tiers_part *part = r->by[r->todo[--r->todo_count]];
        struct weft_text rest = part->content;
        struct weft_ask_line line;
        while (!weft_text_equal(part->organization, but) && weft_ask_next(&rest, &line)) {
            if (weft_text_is(line.words[0], "in")) {
                const struct weft_subject_name name = weft_ask_named(&line);
                const struct weft_digest in = weft_subject_of(&name);
                find(r, &in);
            }
        }
    }
    return true;
}

/* Its own words, and what only these lead to, whoever asks knows better. */
static void leave_out(struct weft_tiers_answer *parts, const struct reach *r,
    struct weft_text asker, struct weft_arena *arena)
{
    struct weft_tiers_part *kept = weft_arena_array(arena, parts->count, sizeof(*kept));
    uint32_t count = 0;
    for (uint32_t i = 0; kept != NULL && i < r->count; i++) {
        if (r->is_found[i] && !weft_text_equal(r->by[i]->organization, asker)) {
            kept[count++] = *r->by[i];
        }
    }
    *parts = (struct weft_tiers_answer){kept, count, count};
}

const char *weft_ask_parts_fault(struct weft_tiers_answer *parts, struct weft_text asker,
    const struct weft_digest *subject, struct weft_arena *arena)
{
    struct reach r;
    bool has_own = false;
    for (uint32_t i = 0; i < parts->count; i++) {
        const struct weft_tiers_part *part = &parts->parts[i];
        if (!weft_ask_is_word(part->organization)) {
            return "an organization has no such name";
        }
        if (part->head > 0 && !weft_ask_is_content(part->content)) {
            return "a part is no answer";
        }
        has_own = has_own || weft_text_equal(part->organization, asker);
    }
    if (!reach(&r, parts, subject, (struct weft_text){NULL, 0}, arena) || r.found != r.count) {
        return "it speaks of what was not asked";
    }
    if (has_own) {
        if (!reach(&r, parts, subject, asker, arena)) {
            return "no memory";
        }
        leave_out(parts, &r, asker, arena);
    }
    for (uint32_t i = 0; i < parts->count; i++) {
        if (weft_digest_equal(&parts->parts[i].subject, subject)) {
            return NULL;
        }
    }
    return "it says nothing of what was asked";
}
