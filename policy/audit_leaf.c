#include "policy/audit_leaf.h"

#include <inttypes.h>

#include "proto/check.h"
#include "proto/time.h"

static const char header[] = "weft-audit/v1";

static const char *const effect_names[WEFT_AUDIT_EFFECTS] = {
    [WEFT_AUDIT_NO_DECISION] = "",
    [WEFT_AUDIT_ALLOW] = "allow",
    [WEFT_AUDIT_DENY] = "deny",
};

/* --- rules ----------------------------------------------------------------------------------- */

static bool is_word(struct weft_text text, bool has_capitals, const char *marks)
{
    if (text.size == 0 || text.size > WEFT_AUDIT_WORD_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (has_capitals && c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || strchr(marks, c) == NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_subject(struct weft_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return false;
        }
    }
    return text.size <= WEFT_AUDIT_SUBJECT_SIZE_MAX && weft_text_is_utf8(text);
}

static bool is_ascending(const struct weft_audit_leaf *leaf)
{
    for (uint32_t i = 1; i < leaf->evidence_count; i++) {
        if (memcmp(leaf->evidence[i - 1].bytes, leaf->evidence[i].bytes, WEFT_DIGEST_SIZE) >= 0) {
            return false;
        }
    }
    return true;
}

/* NULL if all values may be there, together; else what breaks a rule. */
static const char *find_fault(const struct weft_audit_leaf *leaf)
{
    bool has_statement = leaf->statement.size > 0;
    if (!is_word(leaf->act, false, ".-")) {
        return "an act is 1 to 63 of a-z 0-9 . -";
    }
    if (!is_subject(leaf->subject)) {
        return "a subject is up to 255 bytes of UTF-8 without control characters";
    }
    if ((unsigned)leaf->effect >= WEFT_AUDIT_EFFECTS ||
        (has_statement &&
            (leaf->effect == WEFT_AUDIT_NO_DECISION || !is_word(leaf->statement, true, ".-_")))) {
        return "a decision is allow or deny, and a statement 1 to 63 of A-Z a-z 0-9 . - _";
    }
    if (leaf->count == 0) {
        return "a leaf stands for one act at least";
    }
    if ((leaf->from.size > 0 || leaf->to.size > 0) &&
        (!is_word(leaf->from, true, "-_") || !is_word(leaf->to, true, "-_"))) {
        return "states are two words of A-Z a-z 0-9 - _";
    }
    if (leaf->evidence_count > WEFT_AUDIT_EVIDENCE_MAX || !is_ascending(leaf)) {
        return "evidence is up to 16 digests, ascending";
    }
    return NULL;
}

/* --- encoded --------------------------------------------------------------------------------- */

enum {
    NUMBER_SIZE_MAX = 20, /* digits of 2^64 - 1 */
    /* All lines with their longest values: what find_fault lets through fits. */
    TEXT_SIZE_MAX = 512 + WEFT_TIME_TEXT_SIZE + 4 * (WEFT_AUDIT_WORD_SIZE_MAX + 1) +
                    WEFT_AUDIT_SUBJECT_SIZE_MAX +
                    (WEFT_AUDIT_EVIDENCE_MAX + 1) * (WEFT_DIGEST_TEXT_SIZE + 10),
};

/* One leaf for each commit: printf's way through a format took longer than the leaf's hash. */
struct pen {
    char text[TEXT_SIZE_MAX];
    size_t size;
};

static void put(struct pen *p, const char *data, size_t size)
{
    weft_assert(size <= sizeof(p->text) - p->size); /* POL-49 */
    memcpy(p->text + p->size, data, size);
    p->size += size;
}

#define PUT(pen, literal) put((pen), "" literal, sizeof(literal) - 1)

static void put_text(struct pen *p, struct weft_text text)
{
    put(p, text.data, text.size);
}

static void put_number(struct pen *p, uint64_t number)
{
    char digits[NUMBER_SIZE_MAX];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(p, digits + at, sizeof(digits) - at);
}

static void put_place(struct pen *p, const struct weft_audit_leaf *leaf)
{
    char time[WEFT_TIME_TEXT_SIZE];
    weft_time_format(leaf->time_ns, time);
    put(p, header, sizeof(header) - 1);
    PUT(p, "\nn ");
    put_number(p, leaf->number);
    PUT(p, "\nentry ");
    put_number(p, leaf->term);
    PUT(p, " ");
    put_number(p, leaf->index);
    PUT(p, "\ntime ");
    put_text(p, weft_text_of(time));
    PUT(p, "\nact ");
    put_text(p, leaf->act);
    PUT(p, "\n");
}

/* And the end of its line. */
static void put_digest(struct pen *p, const struct weft_digest *digest)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    text[WEFT_DIGEST_TEXT_SIZE - 1] = '\n';
    put(p, text, sizeof(text));
}

static void put_decision(struct pen *p, const struct weft_audit_leaf *leaf)
{
    PUT(p, "decision ");
    put_text(p, weft_text_of(effect_names[leaf->effect]));
    if (leaf->statement.size > 0) {
        PUT(p, " ");
        put_text(p, leaf->statement);
        PUT(p, "@");
        put_number(p, leaf->version);
        PUT(p, ":");
        put_number(p, leaf->line);
    }
    PUT(p, "\n");
}

static void put_all(struct pen *p, const struct weft_audit_leaf *leaf)
{
    put_place(p, leaf);
    if (leaf->has_actor) {
        PUT(p, "actor ");
        put_digest(p, &leaf->actor);
    }
    if (leaf->subject.size > 0) {
        PUT(p, "subject ");
        put_text(p, leaf->subject);
        PUT(p, "\n");
    }
    if (leaf->effect != WEFT_AUDIT_NO_DECISION) {
        put_decision(p, leaf);
    }
    if (leaf->count != 1) {
        PUT(p, "count ");
        put_number(p, leaf->count);
        PUT(p, "\n");
    }
    if (leaf->from.size > 0) {
        PUT(p, "state ");
        put_text(p, leaf->from);
        PUT(p, " ");
        put_text(p, leaf->to);
        PUT(p, "\n");
    }
    for (uint32_t i = 0; i < leaf->evidence_count; i++) {
        PUT(p, "evidence ");
        put_digest(p, &leaf->evidence[i]);
    }
}

enum weft_err weft_audit_leaf_encode(
    const struct weft_audit_leaf *leaf, struct weft_buffer *out, struct weft_msg *msg)
{
    struct pen pen;
    const char *fault = find_fault(leaf);
    if (fault != NULL) {
        return weft_fail(msg, WEFT_EINVAL, "%s", fault);
    }
    pen.size = 0;
    put_all(&pen, leaf);
    enum weft_err err = weft_buffer_append(out, pen.text, pen.size);
    return err == WEFT_OK ? err : weft_fail(msg, err, "no room for a leaf");
}

/* --- parsed ---------------------------------------------------------------------------------- */

struct parser {
    struct weft_text rest;
    unsigned line;
    struct weft_msg *msg;
};

/* Takes the line "<key> <value>" if it is the next one. */
static bool take(struct parser *p, const char *key, struct weft_text *ret_value)
{
    size_t size = strlen(key);
    struct weft_text behind = p->rest, line;
    if (!weft_text_cut(&behind, '\n', &line) || line.size < size + 1 ||
        memcmp(line.data, key, size) != 0 || line.data[size] != ' ') {
        return false;
    }
    *ret_value = (struct weft_text){line.data + size + 1, line.size - size - 1};
    p->rest = behind;
    p->line++;
    return true;
}

static enum weft_err fail(struct parser *p, const char *what)
{
    return weft_fail(p->msg, WEFT_EMALFORMED, "line %u: %s", p->line, what);
}

/* Splits at the last `mark`. */
static bool split(
    struct weft_text text, char mark, struct weft_text *ret_a, struct weft_text *ret_b)
{
    for (size_t i = text.size; i > 0; i--) {
        if (text.data[i - 1] == mark) {
            *ret_a = (struct weft_text){text.data, i - 1};
            *ret_b = (struct weft_text){text.data + i, text.size - i};
            return true;
        }
    }
    return false;
}

static enum weft_err parse_place(struct parser *p, struct weft_audit_leaf *leaf)
{
    struct weft_text value, a, b;
    if (!take(p, "n", &value) || !weft_text_number(value, &leaf->number)) {
        p->line = 2;
        return fail(p, "not \"n <number>\"");
    }
    if (!take(p, "entry", &value) || !split(value, ' ', &a, &b) ||
        !weft_text_number(a, &leaf->term) || !weft_text_number(b, &leaf->index)) {
        p->line = 3;
        return fail(p, "not \"entry <term> <index>\"");
    }
    if (!take(p, "time", &value) || weft_time_parse(value, &leaf->time_ns, NULL) != WEFT_OK) {
        p->line = 4;
        return fail(p, "not \"time <RFC 3339>\"");
    }
    if (!take(p, "act", &leaf->act)) {
        p->line = 5;
        return fail(p, "not \"act <word>\"");
    }
    return WEFT_OK;
}

static enum weft_err parse_decision(
    struct parser *p, struct weft_text value, struct weft_audit_leaf *leaf)
{
    struct weft_text effect = value, statement = {NULL, 0}, version, line;
    if (split(value, ' ', &effect, &statement) &&
        (!split(statement, ':', &statement, &line) ||
            !split(statement, '@', &leaf->statement, &version) ||
            !weft_text_number(version, &leaf->version) || !weft_text_number(line, &leaf->line))) {
        return fail(p, "not \"decision <effect> <statement>@<version>:<line>\"");
    }
    for (int i = WEFT_AUDIT_ALLOW; i < WEFT_AUDIT_EFFECTS; i++) {
        if (weft_text_is(effect, effect_names[i])) {
            leaf->effect = (enum weft_audit_effect)i;
            return WEFT_OK;
        }
    }
    return fail(p, "a decision is allow or deny");
}

static enum weft_err parse_rest(struct parser *p, struct weft_audit_leaf *leaf)
{
    struct weft_text value;
    if (take(p, "actor", &value)) {
        leaf->has_actor = true;
        if (weft_digest_parse(value, &leaf->actor) != WEFT_OK) {
            return fail(p, "not a digest");
        }
    }
    if (take(p, "subject", &value)) {
        leaf->subject = value;
    }
    if (take(p, "decision", &value)) {
        enum weft_err err = parse_decision(p, value, leaf);
        if (err != WEFT_OK) {
            return err;
        }
    }
    if (take(p, "count", &value) && !weft_text_number(value, &leaf->count)) {
        return fail(p, "not a number");
    }
    if (take(p, "state", &value) && !split(value, ' ', &leaf->from, &leaf->to)) {
        return fail(p, "not \"state <from> <to>\"");
    }
    while (take(p, "evidence", &value)) {
        if (leaf->evidence_count == WEFT_AUDIT_EVIDENCE_MAX) {
            return fail(p, "more evidence than a leaf has");
        }
        if (weft_digest_parse(value, &leaf->evidence[leaf->evidence_count++]) != WEFT_OK) {
            return fail(p, "not a digest");
        }
    }
    p->line++;
    return p->rest.size == 0 ? WEFT_OK : fail(p, "not a line that can stand here");
}

/* POL-49: whether `text` is what encode gives, so that a leaf has one text. */
static enum weft_err expect_canonical(
    struct weft_text text, const struct weft_audit_leaf *leaf, struct weft_msg *msg)
{
    struct pen again;
    const char *fault = find_fault(leaf);
    if (fault != NULL) {
        return weft_fail(msg, WEFT_EMALFORMED, "%s", fault);
    }
    again.size = 0;
    put_all(&again, leaf);
    if (weft_text_equal(text, (struct weft_text){again.text, again.size})) {
        return WEFT_OK;
    }
    size_t same = 0;
    unsigned line = 1;
    while (same < text.size && same < again.size && again.text[same] == text.data[same]) {
        line += text.data[same++] == '\n' ? 1 : 0;
    }
    return weft_fail(msg, WEFT_EMALFORMED, "line %u: not its one spelling", line);
}

enum weft_err weft_audit_leaf_parse(
    struct weft_text text, struct weft_audit_leaf *ret_leaf, struct weft_msg *msg)
{
    struct parser p = {.rest = text, .line = 1, .msg = msg};
    struct weft_audit_leaf leaf = {.count = 1};
    const size_t skip = sizeof(header); /* with the newline in the place of the zero */
    if (text.size > WEFT_LEAF_SIZE_MAX) {
        return weft_fail(msg, WEFT_EMALFORMED, "line 1: over %d bytes", WEFT_LEAF_SIZE_MAX);
    }
    if (text.size < skip || memcmp(text.data, header, skip - 1) != 0 ||
        text.data[skip - 1] != '\n') {
        return weft_fail(msg, WEFT_EVERSION, "line 1: not \"%s\"", header);
    }
    p.rest.data += skip;
    p.rest.size -= skip;
    enum weft_err err = parse_place(&p, &leaf);
    if (err == WEFT_OK) {
        err = parse_rest(&p, &leaf);
    }
    if (err == WEFT_OK) {
        err = expect_canonical(text, &leaf, msg);
    }
    if (err == WEFT_OK) {
        *ret_leaf = leaf;
    }
    return err;
}

bool weft_audit_leaf_keeps_blobs(const struct weft_audit_leaf *leaf)
{
    return weft_text_starts(leaf->act, WEFT_AUDIT_ACT_AUTHORITY);
}

bool weft_audit_leaf_redacts_blobs(const struct weft_audit_leaf *leaf)
{
    return weft_text_is(leaf->act, WEFT_AUDIT_ACT_REDACT) &&
           weft_text_is(leaf->subject, WEFT_AUDIT_SUBJECT_EVIDENCE);
}

enum weft_err weft_audit_order_step(
    struct weft_audit_order *order, const struct weft_audit_leaf *leaf, struct weft_msg *msg)
{
    if (leaf->number != order->next) {
        return weft_fail(msg, WEFT_EMALFORMED, "leaf %" PRIu64 " says that it is %" PRIu64,
            order->next, leaf->number);
    }
    if (leaf->term < order->term || leaf->index < order->index || leaf->time_ns < order->time_ns) {
        return weft_fail(msg, WEFT_EMALFORMED,
            "leaf %" PRIu64 " is of an earlier entry than the one before", leaf->number);
    }
    *order = (struct weft_audit_order){leaf->number + 1, leaf->term, leaf->index, leaf->time_ns};
    return WEFT_OK;
}
