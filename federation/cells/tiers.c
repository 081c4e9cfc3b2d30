#include "federation/cells/tiers.h"

#include "federation/cells/exact.h"
#include "federation/cells/mutant.h"
#include "proto/check.h"
#include "proto/record.h"

enum {
    FLAG_MISSED = 1,
    FLAG_EQUIVOCAL = 2,
};

struct weft_digest weft_tiers_visit(
    const struct weft_digest *query, const struct weft_digest *subject)
{
    static const char domain[] = "weft-tier/v1\n";
    struct weft_sha256 h;
    weft_sha256_init(&h);
    weft_sha256_update(&h, domain, sizeof(domain) - 1);
    weft_sha256_update(&h, query->bytes, WEFT_DIGEST_SIZE);
    weft_sha256_update(&h, subject->bytes, WEFT_DIGEST_SIZE);
    return weft_sha256_final(&h);
}

/* --- questions ------------------------------------------------------------------------------- */

enum weft_tiers_turn weft_tiers_take(const struct weft_tiers_question *question, bool was_visited,
    uint32_t depth_max, struct weft_tiers_question *ret_next)
{
    uint32_t depth = question->depth < depth_max ? question->depth : depth_max;
    if (was_visited) {
        return WEFT_TIERS_CUT;
    }
    if (depth == 0) {
        return WEFT_TIERS_ANSWER;
    }
    *ret_next = *question;
    ret_next->depth = depth - 1;
    return WEFT_TIERS_PASS_ON;
}

enum weft_err weft_tiers_question_encode(
    const struct weft_tiers_question *question, struct weft_buffer *out)
{
    if (!weft_name_is_valid(question->template) || question->depth > WEFT_TIERS_DEPTH_MAX) {
        return WEFT_EINVAL;
    }
    enum weft_err err = weft_buffer_reserve(out,
        2 * (size_t)WEFT_VARINT_SIZE_MAX + question->template.size + 2 * (size_t)WEFT_DIGEST_SIZE);
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *p = weft_octets_put_text(out->data + out->size, question->template);
    memcpy(p, question->query.bytes, WEFT_DIGEST_SIZE);
    memcpy(p + WEFT_DIGEST_SIZE, question->subject.bytes, WEFT_DIGEST_SIZE);
    p = weft_put_varint(p + 2 * (size_t)WEFT_DIGEST_SIZE, question->depth);
    out->size = (size_t)(p - out->data);
    return WEFT_OK;
}

enum weft_err weft_tiers_question_decode(
    struct weft_bytes bytes, struct weft_tiers_question *ret_question, struct weft_msg *msg)
{
    struct weft_octets r = weft_octets_of(bytes);
    struct weft_tiers_question question = {.template = weft_exact_text(&r)};
    const uint8_t *digests = weft_octets_bytes(&r, 2 * (uint64_t)WEFT_DIGEST_SIZE);
    uint64_t depth = weft_exact_number(&r);
    if (r.is_bad || r.p != r.end || depth > WEFT_TIERS_DEPTH_MAX ||
        !weft_name_is_valid(question.template)) {
        return weft_fail(msg, WEFT_EMALFORMED, "not a question");
    }
    memcpy(question.query.bytes, digests, WEFT_DIGEST_SIZE);
    memcpy(question.subject.bytes, digests + WEFT_DIGEST_SIZE, WEFT_DIGEST_SIZE);
    question.depth = (uint32_t)depth;
    *ret_question = question;
    return WEFT_OK;
}

/* --- answers --------------------------------------------------------------------------------- */

static int compare(const struct weft_tiers_part *a, const struct weft_tiers_part *b)
{
    int order = weft_text_compare(a->organization, b->organization);
    return order != 0 ? order : memcmp(a->subject.bytes, b->subject.bytes, WEFT_DIGEST_SIZE);
}

/* NULL: nothing is wrong with it. */
static const char *find_fault(const struct weft_tiers_part *p)
{
    if (p->organization.size == 0 || p->organization.size > WEFT_TIERS_NAME_SIZE_MAX ||
        !weft_text_is_utf8(p->organization)) {
        return "an organization has a name of 1 to 255 bytes";
    }
    if (p->content.size > WEFT_TIERS_CONTENT_SIZE_MAX || !weft_text_is_utf8(p->content)) {
        return "a content is a text of 64 KiB at most";
    }
    if (p->head == 0 && (p->content.size > 0 || p->is_equivocal || !p->was_missed)) {
        return "who has not answered was missed, and has no content";
    }
    return !p->was_missed && p->since != 0 ? "since is of one who was missed" : NULL;
}

/* Each member is the larger of both: of answers by head, of misses by what was known. */
static void merge(struct weft_tiers_part *into, const struct weft_tiers_part *part)
{
    int order = weft_text_compare(part->content, into->content);
    if (part->head > into->head || weft_cell_mutant(WEFT_CELL_MUTANT_ANSWER_REPLACED)) {
        into->head = part->head;
        into->content = part->content;
        into->is_equivocal = part->is_equivocal;
    } else if (part->head == into->head) {
        into->is_equivocal = into->is_equivocal || part->is_equivocal || order != 0;
        into->content = order < 0 ? part->content : into->content;
    }
    into->was_missed = into->was_missed || part->was_missed;
    into->since = part->since > into->since ? part->since : into->since;
}

enum weft_err weft_tiers_add(struct weft_tiers_answer *answer, const struct weft_tiers_part *part)
{
    uint32_t low = 0, high = answer->count;
    if (find_fault(part) != NULL) {
        return WEFT_EINVAL;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(&answer->parts[middle], part) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < answer->count && compare(&answer->parts[low], part) == 0) {
        merge(&answer->parts[low], part);
        return WEFT_OK;
    }
    if (answer->count >= answer->capacity || answer->count >= WEFT_TIERS_PARTS_MAX) {
        return WEFT_ETOOBIG;
    }
    memmove(answer->parts + low + 1, answer->parts + low,
        (size_t)(answer->count - low) * sizeof(*answer->parts));
    answer->parts[low] = *part;
    answer->count++;
    return WEFT_OK;
}

uint32_t weft_tiers_holes(const struct weft_tiers_answer *answer)
{
    uint32_t holes = 0;
    for (uint32_t i = 0; i < answer->count; i++) {
        holes += weft_tiers_is_hole(&answer->parts[i]);
    }
    return holes;
}

/* --- encoded --------------------------------------------------------------------------------- */

enum {
    PART_HEAD_SIZE_MAX = 4 * WEFT_VARINT_SIZE_MAX + WEFT_DIGEST_SIZE + 1,
    PART_SIZE_MIN = 1 + 1 + WEFT_DIGEST_SIZE + 1 + 1 + 1 + 1, /* a name of one byte */
};

enum weft_err weft_tiers_encode(const struct weft_tiers_answer *answer, struct weft_buffer *out)
{
    size_t size = WEFT_VARINT_SIZE_MAX;
    for (uint32_t i = 0; i < answer->count; i++) {
        const struct weft_tiers_part *part = &answer->parts[i];
        size += PART_HEAD_SIZE_MAX + part->organization.size + part->content.size;
    }
    enum weft_err err = size <= WEFT_TIERS_SIZE_MAX ? weft_buffer_reserve(out, size) : WEFT_ETOOBIG;
    if (err != WEFT_OK) {
        return err;
    }
    uint8_t *p = weft_put_varint(out->data + out->size, answer->count);
    for (uint32_t i = 0; i < answer->count; i++) {
        const struct weft_tiers_part *part = &answer->parts[i];
        p = weft_octets_put_text(p, part->organization);
        memcpy(p, part->subject.bytes, WEFT_DIGEST_SIZE);
        p += WEFT_DIGEST_SIZE;
        *p++ = (uint8_t)((part->was_missed ? FLAG_MISSED : 0) |
                         (part->is_equivocal ? FLAG_EQUIVOCAL : 0));
        p = weft_put_varint(p, part->head);
        p = weft_put_varint(p, part->since);
        p = weft_octets_put_text(p, part->content);
    }
    weft_assert((size_t)(p - out->data) <= out->size + size); /* FED-128 */
    out->size = (size_t)(p - out->data);
    return WEFT_OK;
}

static bool get_part(struct weft_octets *r, struct weft_tiers_part *part)
{
    part->organization = weft_exact_text(r);
    const uint8_t *subject = weft_octets_bytes(r, WEFT_DIGEST_SIZE);
    const uint8_t *flags = weft_octets_bytes(r, 1);
    part->head = weft_exact_number(r);
    part->since = weft_exact_number(r);
    part->content = weft_exact_text(r);
    if (r->is_bad || *flags > (FLAG_MISSED | FLAG_EQUIVOCAL)) {
        return false;
    }
    memcpy(part->subject.bytes, subject, WEFT_DIGEST_SIZE);
    part->was_missed = (*flags & FLAG_MISSED) != 0;
    part->is_equivocal = (*flags & FLAG_EQUIVOCAL) != 0;
    return true;
}

enum weft_err weft_tiers_decode(struct weft_bytes bytes, struct weft_arena *arena,
    struct weft_tiers_answer *ret_answer, struct weft_msg *msg)
{
    struct weft_octets r = weft_octets_of(bytes);
    if (bytes.size > WEFT_TIERS_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "an answer of %zu bytes, at most %d", bytes.size,
            WEFT_TIERS_SIZE_MAX);
    }
    uint64_t count = weft_exact_number(&r);
    if (r.is_bad || count > (size_t)(r.end - r.p) / PART_SIZE_MIN) {
        return weft_fail(msg, WEFT_EMALFORMED, "an answer is cut short");
    }
    if (count > WEFT_TIERS_PARTS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d parts", WEFT_TIERS_PARTS_MAX);
    }
    struct weft_tiers_part *parts = weft_arena_array(arena, (size_t)count, sizeof(*parts));
    if (parts == NULL) {
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!get_part(&r, &parts[i])) {
            return weft_fail(msg, WEFT_EMALFORMED, "part %u is cut short", i);
        }
        const char *fault = find_fault(&parts[i]);
        if (fault != NULL) {
            return weft_fail(msg, WEFT_EMALFORMED, "part %u: %s", i, fault);
        }
        if (i > 0 && compare(&parts[i - 1], &parts[i]) >= 0) {
            return weft_fail(msg, WEFT_EMALFORMED, "part %u is not behind the one before", i);
        }
    }
    if (r.p != r.end) {
        return weft_fail(msg, WEFT_EMALFORMED, "something behind an answer");
    }
    *ret_answer = (struct weft_tiers_answer){parts, (uint32_t)count, (uint32_t)count};
    return WEFT_OK;
}
