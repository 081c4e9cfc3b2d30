/* A cell as text:
 *
 *     cell <id> <kind> <group> <rule>
 *     subject <digest> <site> <kind> <key>           of each name of it; of an edge parent, child
 *     state agreed|awaited|disputed|@hidden [<dispute>]
 *     value <value>
 *     claim <statement> <author> <asset> <epoch> <index>.<ordinal> <time> <standing,...> <value>
 *     field <path> <value>                           of the claim above, if its value is of several
 *     more <claims that are not told>
 *
 * and an empty line. */
#include <inttypes.h>

#include "node/mutant.h"
#include "node/state/query_cells.h"
#include "policy/document.h"

#define HIDDEN WEFT_TEXT(WEFT_REVEAL_HIDDEN)

/* --- what may be seen ------------------------------------------------------------------------ */

static bool is_open(const struct weft_cells_asking *a)
{
    return a->run->reveal == NULL || weft_node_mutant(WEFT_NODE_MUTANT_CELL_UNFILTERED);
}

bool weft_cells_may_see(struct weft_cells_asking *a, struct weft_text kind, struct weft_text asset)
{
    return is_open(a) || weft_reveal_is_permitted(a->run->reveal, kind, asset);
}

bool weft_cells_may_see_all(
    struct weft_cells_asking *a, struct weft_text kind, struct weft_text asset)
{
    return is_open(a) || (weft_reveal_is_permitted(a->run->reveal, kind, asset) &&
                             weft_reveal_shows_record(a->run->reveal, kind, asset));
}

static bool may_see_path(
    struct weft_cells_asking *a, const struct weft_cells_place *place, struct weft_text path)
{
    return weft_cells_may_see_all(a, place->kind, place->asset) ||
           (weft_cells_may_see(a, place->kind, place->asset) &&
               weft_reveal_shows(a->run->reveal, place->kind, place->asset, path));
}

/* --- words ----------------------------------------------------------------------------------- */

enum weft_err weft_cells_put_word(struct weft_cells_asking *a, struct weft_text word)
{
    static const char digits[] = "0123456789ABCDEF";
    bool is_text = weft_text_is_utf8(word);
    enum weft_err err = weft_buffer_text(&a->out, word.size > 0 ? WEFT_TEXT(" ") : WEFT_TEXT(" -"));
    for (size_t i = 0; err == WEFT_OK && i < word.size; i++) {
        uint8_t byte = (uint8_t)word.data[i];
        char text[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        bool is_plain = byte > ' ' && byte != '%' && byte != 0x7f && (byte < 0x80 || is_text);
        err = is_plain ? weft_buffer_append(&a->out, &byte, 1)
                       : weft_buffer_append(&a->out, text, sizeof(text));
    }
    return err;
}

enum weft_err weft_cells_put_digest(struct weft_cells_asking *a, const struct weft_digest *digest)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(digest, text);
    return weft_cells_put_word(a, weft_text_of(text));
}

static enum weft_err put_line(struct weft_cells_asking *a, const char *text)
{
    return weft_buffer_text(&a->out, weft_text_of(text));
}

enum weft_err weft_cells_put_name(struct weft_cells_asking *a, const char *line,
    const struct weft_digest *subject, const struct weft_subject_name *name)
{
    enum weft_err err = put_line(a, line);
    err = err == WEFT_OK ? weft_cells_put_digest(a, subject) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, name->authority) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, name->kind) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, name->key) : err;
    return err == WEFT_OK ? put_line(a, "\n") : err;
}

/* --- values ---------------------------------------------------------------------------------- */

/* The next field of a value that is of several (federation/cells/intake.c). */
static bool next_field(struct weft_bytes *rest, struct weft_field *ret_field)
{
    const uint8_t *p = rest->data;
    size_t left = rest->size;
    if (left < 4 || weft_get_be32(p) > left - 4) {
        return false;
    }
    ret_field->path = (struct weft_text){(const char *)p + 4, weft_get_be32(p)};
    p += 4 + ret_field->path.size;
    left -= 4 + ret_field->path.size;
    if (left < 5 || weft_get_be32(p + 1) > left - 5) {
        return false;
    }
    ret_field->type = (enum weft_value_type)p[0];
    ret_field->value = (struct weft_text){(const char *)p + 5, weft_get_be32(p + 1)};
    *rest = (struct weft_bytes){p + 5 + ret_field->value.size, left - 5 - ret_field->value.size};
    return ret_field->path.size > 0;
}

/* Is the value of several fields, and may each be seen? */
static bool is_of_fields(struct weft_cells_asking *a, const struct weft_cells_place *place,
    struct weft_text value, bool *ret_may_see_all)
{
    struct weft_bytes rest = {(const uint8_t *)value.data, value.size};
    struct weft_field field;
    *ret_may_see_all = true;
    while (rest.size > 0) {
        if (!next_field(&rest, &field)) {
            return false;
        }
        *ret_may_see_all = *ret_may_see_all && may_see_path(a, place, field.path);
    }
    return value.size > 0;
}

static enum weft_err put_fields(
    struct weft_cells_asking *a, const struct weft_cells_place *place, struct weft_text value)
{
    struct weft_bytes rest = {(const uint8_t *)value.data, value.size};
    struct weft_field field;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && rest.size > 0 && next_field(&rest, &field)) {
        bool may_see = may_see_path(a, place, field.path);
        err = put_line(a, "field");
        err = err == WEFT_OK ? weft_cells_put_word(a, field.path) : err;
        err = err == WEFT_OK ? weft_cells_put_word(a, may_see ? field.value : HIDDEN) : err;
        err = err == WEFT_OK ? put_line(a, "\n") : err;
    }
    return err;
}

/* --- claims ---------------------------------------------------------------------------------- */

enum sight {
    SIGHT_NONE,
    SIGHT_PART,
    SIGHT_ALL,
};

struct claim {
    struct weft_cells_place place;
    enum sight sight;
    bool is_of_fields;
};

/* A value that is not one of its group's own field, as of several, or of a word, is of the record.
 */
static enum weft_err look(struct weft_cells_asking *a, const struct weft_cells_judged *judged,
    const struct weft_cell_statement *s, struct claim *ret_claim)
{
    bool may_see_fields, is_say = s->act == WEFT_CELL_SAY;
    *ret_claim = (struct claim){.sight = SIGHT_NONE};
    enum weft_err err = weft_cells_place(&a->desk, &s->digest, &ret_claim->place);
    if (err != WEFT_OK) {
        return err == WEFT_ENOTFOUND
                   ? weft_fail(a->msg, WEFT_ECORRUPT, "a statement of a cell is missing")
                   : err;
    }
    const struct weft_cells_place *place = &ret_claim->place;
    if (!weft_cells_may_see(a, place->kind, place->asset)) {
        return WEFT_OK;
    }
    weft_labels_note(&a->run->view->tally, place->asset, (struct weft_text){NULL, 0});
    ret_claim->is_of_fields = is_say && is_of_fields(a, place, s->value, &may_see_fields);
    bool may_see = weft_cells_may_see_all(a, place->kind, place->asset);
    if (!may_see && is_say && judged->group.size > 0) {
        may_see = ret_claim->is_of_fields ? may_see_fields : may_see_path(a, place, judged->group);
    }
    ret_claim->sight = may_see ? SIGHT_ALL : SIGHT_PART;
    return WEFT_OK;
}

static enum weft_err put_standing(struct weft_cells_asking *a, uint16_t claims)
{
    static const char *const words[] = {"counts", "effective", "open", "retracted", "settled",
        "valid", "equivocal", "fenced", "foreign", "current"};
    enum weft_err err = put_line(a, " ");
    bool is_first = true;
    for (unsigned i = 0; err == WEFT_OK && i < sizeof(words) / sizeof(words[0]); i++) {
        if ((claims >> i & 1u) != 0) {
            err = weft_buffer_format(&a->out, "%s%s", is_first ? "" : ",", words[i]);
            is_first = false;
        }
    }
    return err == WEFT_OK && is_first ? put_line(a, "-") : err;
}

/* How it stands follows from all claims: it is told with them. */
static enum weft_err put_claim(struct weft_cells_asking *a, const struct weft_cell_statement *s,
    uint16_t standing, const struct claim *claim, bool is_state_told)
{
    char time[WEFT_DOCUMENT_TIME_TEXT_SIZE];
    bool is_whole = claim->sight == SIGHT_ALL;
    struct weft_text value = s->is_withheld                ? WEFT_TEXT("@withheld")
                             : s->act == WEFT_CELL_RETRACT ? WEFT_TEXT("@retract")
                             : claim->is_of_fields         ? WEFT_TEXT("@fields")
                             : is_whole                    ? s->value
                                                           : HIDDEN;
    weft_document_format_time(s->time_ns, time);
    enum weft_err err = put_line(a, "claim");
    err = err == WEFT_OK ? weft_cells_put_digest(a, &s->digest) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, s->author) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, claim->place.asset) : err;
    if (err == WEFT_OK) {
        err = weft_buffer_format(&a->out, " %" PRIu64 " %" PRIu64 ".%" PRIu32 " %s",
            s->revision.epoch, s->revision.index, s->revision.ordinal, time);
    }
    if (err == WEFT_OK) {
        err = is_state_told ? put_standing(a, standing) : weft_cells_put_word(a, HIDDEN);
    }
    err = err == WEFT_OK ? weft_cells_put_word(a, value) : err;
    err = err == WEFT_OK ? put_line(a, "\n") : err;
    return err == WEFT_OK && claim->is_of_fields ? put_fields(a, &claim->place, s->value) : err;
}

/* --- cells ----------------------------------------------------------------------------------- */

static enum weft_err put_state(struct weft_cells_asking *a, const struct weft_cells_judged *j,
    const struct weft_digest *ends, uint32_t end_count)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < end_count; i++) {
        struct weft_cells_subject subject = {.is_known = false};
        err = weft_cells_subject(&a->desk, &ends[i], &subject);
        if (err == WEFT_OK || err == WEFT_ENOTFOUND) {
            err = weft_cells_put_name(a, "subject", &ends[i], &subject.name);
        }
    }
    if (err == WEFT_OK) {
        err = put_line(a, j->answer.is_disputed  ? "state disputed"
                          : j->answer.is_awaited ? "state awaited"
                                                 : "state agreed");
    }
    if (err == WEFT_OK && j->answer.is_disputed) {
        err = weft_cells_put_digest(a, &j->answer.dispute);
    }
    if (err == WEFT_OK) {
        err = put_line(a, j->is_overfull ? " overfull\n" : "\n");
    }
    bool of_fields, may_see;
    const struct weft_cells_place nobodys = {.kind = j->kind};
    of_fields = is_of_fields(a, &nobodys, j->answer.value, &may_see);
    if (err == WEFT_OK && j->answer.has_value) {
        err = put_line(a, "value");
        err = err == WEFT_OK
                  ? weft_cells_put_word(a, of_fields ? WEFT_TEXT("@fields") : j->answer.value)
                  : err;
        err = err == WEFT_OK ? put_line(a, "\n") : err;
    }
    return err;
}

enum weft_err weft_cells_put_cell(struct weft_cells_asking *a, const struct weft_cells_judged *j,
    const struct weft_digest *ends, uint32_t end_count, bool *ret_is_told)
{
    uint32_t told = 0, whole = 0;
    struct claim *claims = weft_arena_array(&a->arena, j->set.count, sizeof(*claims));
    enum weft_err err = claims != NULL ? WEFT_OK : WEFT_ENOMEM;
    for (uint32_t i = 0; err == WEFT_OK && i < j->set.count; i++) {
        err = look(a, j, &j->set.statements[i], &claims[i]);
        told += claims[i].sight != SIGHT_NONE;
        whole += claims[i].sight == SIGHT_ALL;
    }
    *ret_is_told = err == WEFT_OK && told > 0;
    if (!*ret_is_told) {
        return err;
    }
    bool is_state_told = whole == j->set.count;
    err = put_line(a, "cell");
    err = err == WEFT_OK ? weft_cells_put_digest(a, &j->cell) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, j->kind) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, j->group.size > 0 ? j->group : WEFT_TEXT("*"))
                         : err;
    if (err == WEFT_OK) {
        err = weft_buffer_format(&a->out, " %s\n", weft_cell_rule_name(j->rule));
    }
    if (err == WEFT_OK) {
        err = is_state_told ? put_state(a, j, ends, end_count)
                            : put_line(a, "state " WEFT_REVEAL_HIDDEN "\n");
    }
    uint32_t left_out = told > WEFT_CELLS_CLAIMS_MAX ? told - WEFT_CELLS_CLAIMS_MAX : 0;
    for (uint32_t i = 0; err == WEFT_OK && i < j->set.count && told > left_out; i++) {
        if (claims[i].sight != SIGHT_NONE) {
            err =
                put_claim(a, &j->set.statements[i], j->answer.claims[i], &claims[i], is_state_told);
            told--;
        }
    }
    if (err == WEFT_OK && left_out > 0) {
        err = weft_buffer_format(&a->out, "more %" PRIu32 "\n", left_out);
    }
    return err == WEFT_OK ? put_line(a, "\n") : err;
}
