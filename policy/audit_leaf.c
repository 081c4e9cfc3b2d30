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

static enum weft_err put_place(const struct weft_audit_leaf *leaf, struct weft_buffer *out)
{
    char time[WEFT_TIME_TEXT_SIZE];
    weft_time_format(leaf->time_ns, time);
    return weft_buffer_format(out,
        "%s\nn %" PRIu64 "\nentry %" PRIu64 " %" PRIu64 "\ntime %s\nact %.*s\n", header,
        leaf->number, leaf->term, leaf->index, time, (int)leaf->act.size, leaf->act.data);
}

static enum weft_err put_digest(
    struct weft_buffer *out, const char *key, const struct weft_digest *digest)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    return weft_buffer_format(out, "%s %s\n", key, text);
}

static enum weft_err put_decision(const struct weft_audit_leaf *leaf, struct weft_buffer *out)
{
    if (leaf->statement.size == 0) {
        return weft_buffer_format(out, "decision %s\n", effect_names[leaf->effect]);
    }
    return weft_buffer_format(out, "decision %s %.*s@%" PRIu64 ":%" PRIu64 "\n",
        effect_names[leaf->effect], (int)leaf->statement.size, leaf->statement.data, leaf->version,
        leaf->line);
}

static enum weft_err put_all(const struct weft_audit_leaf *leaf, struct weft_buffer *out)
{
    enum weft_err err = put_place(leaf, out);
    if (err == WEFT_OK && leaf->has_actor) {
        err = put_digest(out, "actor", &leaf->actor);
    }
    if (err == WEFT_OK && leaf->subject.size > 0) {
        err =
            weft_buffer_format(out, "subject %.*s\n", (int)leaf->subject.size, leaf->subject.data);
    }
    if (err == WEFT_OK && leaf->effect != WEFT_AUDIT_NO_DECISION) {
        err = put_decision(leaf, out);
    }
    if (err == WEFT_OK && leaf->count != 1) {
        err = weft_buffer_format(out, "count %" PRIu64 "\n", leaf->count);
    }
    if (err == WEFT_OK && leaf->from.size > 0) {
        err = weft_buffer_format(out, "state %.*s %.*s\n", (int)leaf->from.size, leaf->from.data,
            (int)leaf->to.size, leaf->to.data);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < leaf->evidence_count; i++) {
        err = put_digest(out, "evidence", &leaf->evidence[i]);
    }
    return err;
}

enum weft_err weft_audit_leaf_encode(
    const struct weft_audit_leaf *leaf, struct weft_buffer *out, struct weft_msg *msg)
{
    const size_t before = out->size;
    const char *fault = find_fault(leaf);
    if (fault != NULL) {
        return weft_fail(msg, WEFT_EINVAL, "%s", fault);
    }
    enum weft_err err = put_all(leaf, out);
    if (err != WEFT_OK) {
        out->size = before;
        return weft_fail(msg, err, "no room for a leaf");
    }
    weft_assert(out->size - before <= WEFT_LEAF_SIZE_MAX); /* POL-49 */
    return WEFT_OK;
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
    struct weft_buffer again = {.size_max = 2 * WEFT_LEAF_SIZE_MAX};
    enum weft_err err = weft_audit_leaf_encode(leaf, &again, msg);
    if (err == WEFT_EINVAL) {
        err = WEFT_EMALFORMED;
    }
    if (err == WEFT_OK && !weft_text_equal(text, weft_buffer_as_text(&again))) {
        size_t same = 0;
        unsigned line = 1;
        while (same < text.size && same < again.size && (char)again.data[same] == text.data[same]) {
            line += text.data[same++] == '\n' ? 1 : 0;
        }
        err = weft_fail(msg, WEFT_EMALFORMED, "line %u: not its one spelling", line);
    }
    weft_buffer_destroy(&again);
    return err;
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
