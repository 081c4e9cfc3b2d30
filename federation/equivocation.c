#include "federation/equivocation.h"

#include "policy/tlog_proof.h"
#include "proto/check.h"

static const char head_line[] = "weft-equivocation/v1 ";

static const char *const kind_names[WEFT_EQUIVOCATION_KINDS] = {
    [WEFT_EQUIVOCATION_HEADS] = "heads",
    [WEFT_EQUIVOCATION_LEAVES] = "leaves",
    [WEFT_EQUIVOCATION_STATEMENTS] = "statements",
    [WEFT_EQUIVOCATION_BEGINNINGS] = "beginnings",
};

const char *weft_equivocation_kind_name(enum weft_equivocation_kind kind)
{
    weft_assert((unsigned)kind < WEFT_EQUIVOCATION_KINDS); /* FED-26 */
    return kind_names[kind];
}

static uint32_t parts_of(enum weft_equivocation_kind kind)
{
    return kind == WEFT_EQUIVOCATION_HEADS ? 2 : kind == WEFT_EQUIVOCATION_BEGINNINGS ? 3 : 4;
}

/* --- the text -------------------------------------------------------------------------------- */

enum weft_err weft_equivocation_encode(
    const struct weft_equivocation *equivocation, struct weft_buffer *out)
{
    const size_t before = out->size;
    weft_assert(equivocation->part_count == parts_of(equivocation->kind)); /* FED-26 */
    enum weft_err err =
        weft_buffer_format(out, "%s%s\n", head_line, kind_names[equivocation->kind]);
    for (uint32_t i = 0; i < equivocation->part_count && err == WEFT_OK; i++) {
        err = weft_buffer_format(out, "part %zu\n", equivocation->parts[i].size);
        if (err == WEFT_OK) {
            err = weft_buffer_text(out, equivocation->parts[i]);
        }
        if (err == WEFT_OK) {
            err = weft_buffer_text(out, WEFT_TEXT("\n"));
        }
    }
    if (err == WEFT_OK && out->size - before > WEFT_STREAM_TEXT_SIZE_MAX) {
        err = WEFT_ETOOBIG;
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}

enum weft_err weft_equivocation_proof_encode(
    const struct weft_merkle_proof *proof, struct weft_buffer *out)
{
    const size_t before = out->size;
    enum weft_err err = WEFT_OK;
    for (unsigned i = 0; err == WEFT_OK && i < proof->count; i++) {
        char text[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&proof->hashes[i], text);
        err = weft_buffer_format(out, "%s\n", text);
    }
    if (err != WEFT_OK) {
        out->size = before;
    }
    return err;
}

static bool take_part(struct weft_text *rest, struct weft_text *ret_part)
{
    struct weft_text line;
    uint64_t size;
    if (!weft_text_cut(rest, '\n', &line) || !weft_text_starts(line, "part ")) {
        return false;
    }
    const struct weft_text number = {line.data + 5, line.size - 5};
    if (!weft_text_exact_number(number, &size) || size >= rest->size || rest->data[size] != '\n') {
        return false;
    }
    *ret_part = (struct weft_text){rest->data, (size_t)size};
    rest->data += size + 1;
    rest->size -= (size_t)size + 1;
    return true;
}

enum weft_err weft_equivocation_parse(
    struct weft_text text, struct weft_equivocation *ret_equivocation, struct weft_msg *msg)
{
    struct weft_equivocation e = {.kind = WEFT_EQUIVOCATION_KINDS};
    struct weft_text rest = text, line;
    if (text.size > WEFT_STREAM_TEXT_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "evidence of %zu bytes", text.size);
    }
    if (!weft_text_cut(&rest, '\n', &line) || !weft_text_starts(line, head_line)) {
        bool is_ours = weft_text_starts(line, "weft-equivocation/");
        return weft_fail(msg, is_ours ? WEFT_EVERSION : WEFT_EMALFORMED,
            "line 1: expected \"%s...\"", head_line);
    }
    line.data += sizeof(head_line) - 1;
    line.size -= sizeof(head_line) - 1;
    for (unsigned i = 0; i < WEFT_EQUIVOCATION_KINDS; i++) {
        if (weft_text_is(line, kind_names[i])) {
            e.kind = (enum weft_equivocation_kind)i;
        }
    }
    if (e.kind == WEFT_EQUIVOCATION_KINDS) {
        return weft_fail(msg, WEFT_EVERSION, "line 1: no kind of evidence that is known");
    }
    for (; e.part_count < parts_of(e.kind); e.part_count++) {
        if (!take_part(&rest, &e.parts[e.part_count])) {
            return weft_fail(msg, WEFT_EMALFORMED, "part %u: cut short", e.part_count + 1);
        }
    }
    if (rest.size > 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "more than %u parts", e.part_count);
    }
    *ret_equivocation = e;
    return WEFT_OK;
}

/* --- what it proves -------------------------------------------------------------------------- */

static enum weft_err verify_note(struct weft_text note, const struct weft_stream_signers *signers,
    struct weft_merkle_head *ret_head, struct weft_msg *msg)
{
    enum weft_stream_fault fault = weft_stream_verify_head(note, signers, ret_head, msg);
    if (fault == WEFT_STREAM_SOUND) {
        return WEFT_OK;
    }
    return fault == WEFT_STREAM_MALFORMED ? WEFT_EMALFORMED
           : fault == WEFT_STREAM_ORIGIN  ? WEFT_EPEER
                                          : WEFT_EBADSIG;
}

static enum weft_err verify_heads(const struct weft_equivocation *e,
    const struct weft_stream_signers *signers, struct weft_msg *msg)
{
    struct weft_merkle_head heads[2];
    for (int i = 0; i < 2; i++) {
        enum weft_err err = verify_note(e->parts[i], signers, &heads[i], msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    bool is_split = heads[0].size == heads[1].size && heads[0].size > 0 &&
                    !weft_digest_equal(&heads[0].root, &heads[1].root);
    return is_split ? WEFT_OK : weft_fail(msg, WEFT_EREFUSED, "two trees that one log can have");
}

static enum weft_err parse_proof(
    struct weft_text text, struct weft_merkle_proof *ret_proof, struct weft_msg *msg)
{
    struct weft_text rest = text, line;
    ret_proof->count = 0;
    while (rest.size > 0) {
        if (ret_proof->count == WEFT_MERKLE_PROOF_MAX || !weft_text_cut(&rest, '\n', &line) ||
            weft_digest_parse(line, &ret_proof->hashes[ret_proof->count++]) != WEFT_OK) {
            return weft_fail(msg, WEFT_EMALFORMED, "part 3 is no proof");
        }
    }
    return WEFT_OK;
}

static enum weft_err verify_beginnings(const struct weft_equivocation *e,
    const struct weft_stream_signers *signers, struct weft_msg *msg)
{
    struct weft_merkle_head heads[2];
    struct weft_merkle_proof proof;
    for (int i = 0; i < 2; i++) {
        enum weft_err err = verify_note(e->parts[i], signers, &heads[i], msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    enum weft_err err = parse_proof(e->parts[2], &proof, msg);
    return err == WEFT_OK ? weft_merkle_verify_inconsistency(heads[0].size, heads[1].size,
                                &heads[0].root, &proof, &heads[1].root, msg)
                          : err;
}

/* The leaf is in a tree that the keys signed, at *ret_index. */
static enum weft_err verify_leaf(struct weft_text leaf, struct weft_text text,
    const struct weft_stream_signers *signers, uint64_t *ret_index, struct weft_msg *msg)
{
    struct weft_tlog_proof proof;
    struct weft_merkle_head head;
    enum weft_err err = weft_tlog_proof_parse(text, &proof, msg);
    if (err == WEFT_OK) {
        err = verify_note(proof.checkpoint, signers, &head, msg);
    }
    if (err == WEFT_OK) {
        const struct weft_bytes bytes = {(const uint8_t *)leaf.data, leaf.size};
        err = weft_tlog_proof_verify(&proof, bytes, &head, msg);
    }
    if (err == WEFT_OK) {
        *ret_index = proof.index;
    }
    return err;
}

static enum weft_err verify_leaves(const struct weft_equivocation *e,
    const struct weft_stream_signers *signers, struct weft_msg *msg)
{
    uint64_t index[2];
    for (int i = 0; i < 2; i++) {
        struct weft_stream_leaf leaf;
        if (weft_stream_leaf_parse(e->parts[2 * i], &leaf) != WEFT_OK) {
            return weft_fail(msg, WEFT_EMALFORMED, "part %d is no leaf", 2 * i + 1);
        }
        enum weft_err err =
            verify_leaf(e->parts[2 * i], e->parts[2 * i + 1], signers, &index[i], msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    bool is_fork = index[0] == index[1] && !weft_text_equal(e->parts[0], e->parts[2]);
    return is_fork ? WEFT_OK : weft_fail(msg, WEFT_EREFUSED, "two leaves that one stream can have");
}

bool weft_equivocation_is_of_headers(
    const struct weft_statement_header *a, const struct weft_statement_header *b)
{
    struct weft_digest first = weft_statement_header_digest(a);
    struct weft_digest second = weft_statement_header_digest(b);
    return weft_digest_equal(&a->subject, &b->subject) && weft_text_equal(a->kind, b->kind) &&
           weft_text_equal(a->group, b->group) && weft_text_equal(a->authority, b->authority) &&
           a->epoch == b->epoch && a->index == b->index && a->ordinal == b->ordinal &&
           !weft_digest_equal(&first, &second);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Lower case, two digits a byte. */
static bool take_hex(struct weft_text text, uint8_t *ret_bytes, size_t capacity, size_t *ret_size)
{
    if (text.size % 2 != 0 || text.size / 2 > capacity) {
        return false;
    }
    for (size_t i = 0; i < text.size; i += 2) {
        int high = hex_digit(text.data[i]), low = hex_digit(text.data[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_bytes[i / 2] = (uint8_t)(high << 4 | low);
    }
    *ret_size = text.size / 2;
    return true;
}

static enum weft_err verify_statement(struct weft_text hex, struct weft_text proof,
    const struct weft_stream_signers *signers, struct weft_arena *arena,
    struct weft_statement_header *ret_header, struct weft_msg *msg)
{
    uint8_t *bytes = weft_arena_alloc(arena, WEFT_STATEMENT_HEADER_SIZE_MAX);
    char leaf[WEFT_STREAM_LEAF_SIZE];
    size_t size;
    uint64_t index;
    if (bytes == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a header");
    }
    if (!take_hex(hex, bytes, WEFT_STATEMENT_HEADER_SIZE_MAX, &size)) {
        return weft_fail(msg, WEFT_EMALFORMED, "no header in hexadecimal");
    }
    enum weft_err err =
        weft_statement_header_decode((struct weft_bytes){bytes, size}, arena, ret_header);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "a statement's header: %s", weft_err_name(err));
    }
    const struct weft_stream_leaf statement = {
        .kind = WEFT_STREAM_STATEMENT, .digest = weft_statement_header_digest(ret_header)};
    size = weft_stream_leaf_format(&statement, leaf);
    return verify_leaf((struct weft_text){leaf, size}, proof, signers, &index, msg);
}

static enum weft_err verify_statements(const struct weft_equivocation *e,
    const struct weft_stream_signers *signers, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = 64 * 1024}; /* Two headers, each of 3 KiB, and bases. */
    struct weft_statement_header headers[2] = {{.epoch = 0}, {.epoch = 0}};
    enum weft_err err = WEFT_OK;
    for (int i = 0; i < 2 && err == WEFT_OK; i++) {
        err = verify_statement(
            e->parts[2 * i], e->parts[2 * i + 1], signers, &arena, &headers[i], msg);
    }
    if (err == WEFT_OK && !weft_equivocation_is_of_headers(&headers[0], &headers[1])) {
        err = weft_fail(msg, WEFT_EREFUSED, "two statements that one authority can make");
    }
    weft_arena_destroy(&arena);
    return err;
}

enum weft_err weft_equivocation_verify(struct weft_text text,
    const struct weft_stream_signers *signers, enum weft_equivocation_kind *ret_kind,
    struct weft_msg *msg)
{
    struct weft_equivocation e;
    enum weft_err err = weft_equivocation_parse(text, &e, msg);
    if (err != WEFT_OK) {
        return err;
    }
    switch (e.kind) {
    case WEFT_EQUIVOCATION_HEADS:
        err = verify_heads(&e, signers, msg);
        break;
    case WEFT_EQUIVOCATION_LEAVES:
        err = verify_leaves(&e, signers, msg);
        break;
    case WEFT_EQUIVOCATION_STATEMENTS:
        err = verify_statements(&e, signers, msg);
        break;
    case WEFT_EQUIVOCATION_BEGINNINGS:
        err = verify_beginnings(&e, signers, msg);
        break;
    case WEFT_EQUIVOCATION_KINDS:
        weft_unreachable("FED-26: parse gives a kind");
    }
    if (err == WEFT_OK) {
        *ret_kind = e.kind;
    }
    return err;
}

bool weft_equivocation_heads(struct weft_text text, const struct weft_stream_signers *signers,
    struct weft_merkle_head ret_heads[2])
{
    struct weft_equivocation e;
    struct weft_msg msg = {""};
    if (weft_equivocation_parse(text, &e, &msg) != WEFT_OK) {
        return false;
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct weft_tlog_proof proof;
        struct weft_text note = e.parts[i];
        if (parts_of(e.kind) == 4) {
            note = weft_tlog_proof_parse(e.parts[2 * i + 1], &proof, &msg) == WEFT_OK
                       ? proof.checkpoint
                       : (struct weft_text){"", 0};
        }
        if (verify_note(note, signers, &ret_heads[i], &msg) != WEFT_OK) {
            return false;
        }
    }
    return true;
}

bool weft_equivocation_is_of_lost(
    struct weft_text text, const struct weft_stream_signers *signers, const struct weft_lost *lost)
{
    struct weft_merkle_head heads[2];
    return weft_equivocation_heads(text, signers, heads) &&
           (weft_lost_has(lost, &heads[0]) || weft_lost_has(lost, &heads[1]));
}
