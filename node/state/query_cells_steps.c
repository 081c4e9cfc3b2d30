/* A workflow as text:
 *
 *     workflow <workflow> <subject> <state>[ over][ disputed <dispute>]
 *     head <statement>                                    what the next step names
 *     step <statement> <author> <step> <time> <standing>
 *
 * Its status follows from all of its steps: it is told to whom all of them are. */
#include "federation/cells/workflow.h"
#include "node/state/query_cells.h"
#include "policy/document.h"

struct steps {
    struct weft_workflow_step steps[WEFT_WORKFLOW_STEPS_MAX];
    int64_t times[WEFT_WORKFLOW_STEPS_MAX];
    bool is_seen[WEFT_WORKFLOW_STEPS_MAX];
    uint32_t count;
    bool is_all_seen;
};

/* The first ones by digest, as far as a fold goes. */
static enum weft_err read_steps(
    struct weft_cells_asking *a, const struct weft_key *prefix, struct steps *s)
{
    struct weft_cells_cursor cursor;
    enum weft_err err = weft_cells_cursor_open(&a->rows, prefix, NULL, &cursor, a->msg);
    if (err != WEFT_OK) {
        return err;
    }
    s->is_all_seen = true;
    while (
        err == WEFT_OK && s->count < WEFT_WORKFLOW_STEPS_MAX && weft_cells_cursor_next(&cursor)) {
        struct weft_cells_word word;
        struct weft_cells_place place;
        struct weft_workflow_step *step = &s->steps[s->count];
        uint8_t *copy = weft_arena_alloc(&a->arena, cursor.value.size);
        if (copy == NULL || weft_cells_cursor_rest(&cursor).size != WEFT_DIGEST_SIZE) {
            err = weft_fail(a->msg, copy == NULL ? WEFT_ENOMEM : WEFT_ECORRUPT, "a step");
            break;
        }
        memcpy(copy, cursor.value.data, cursor.value.size);
        err = weft_cells_word_decode(
            (struct weft_bytes){copy, cursor.value.size}, &a->arena, &word, a->msg);
        *step = (struct weft_workflow_step){.author = word.statement.author,
            .step = word.statement.value,
            .after = {word.statement.names, word.statement.name_count}};
        memcpy(step->digest.bytes, weft_cells_cursor_rest(&cursor).data, WEFT_DIGEST_SIZE);
        s->times[s->count] = word.statement.time_ns;
        err = err == WEFT_OK ? weft_cells_place(&a->desk, &step->digest, &place) : err;
        if (err == WEFT_OK) {
            bool is_seen = weft_cells_may_see_all(a, place.kind, place.asset);
            if (is_seen) {
                weft_labels_note(&a->run->view->tally, place.asset, (struct weft_text){NULL, 0});
            }
            s->is_seen[s->count++] = is_seen;
            s->is_all_seen = s->is_all_seen && is_seen;
        }
    }
    return weft_cells_cursor_close(&cursor, err);
}

static enum weft_err put_status(
    struct weft_cells_asking *a, const struct weft_workflow_status *status)
{
    enum weft_err err =
        weft_buffer_format(&a->out, " %s%s", status->state, status->is_over ? " over" : "");
    if (err == WEFT_OK && status->is_disputed) {
        err = weft_buffer_text(&a->out, WEFT_TEXT(" disputed"));
        err = err == WEFT_OK ? weft_cells_put_digest(a, &status->dispute) : err;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < status->heads.count; i++) {
        err = weft_buffer_text(&a->out, WEFT_TEXT("\nhead"));
        err = err == WEFT_OK ? weft_cells_put_digest(a, &status->heads.items[i]) : err;
    }
    return err;
}

static enum weft_err put_steps(
    struct weft_cells_asking *a, const struct steps *s, const struct weft_workflow_status *status)
{
    static const char *const standings[] = {"taken", "refused", "crossed", "waiting", "foreign"};
    enum weft_err err = weft_buffer_text(&a->out, WEFT_TEXT("\n"));
    for (uint32_t i = 0; err == WEFT_OK && i < s->count; i++) {
        char time[WEFT_DOCUMENT_TIME_TEXT_SIZE];
        if (!s->is_seen[i]) {
            continue;
        }
        weft_document_format_time(s->times[i], time);
        err = weft_buffer_text(&a->out, WEFT_TEXT("step"));
        err = err == WEFT_OK ? weft_cells_put_digest(a, &s->steps[i].digest) : err;
        err = err == WEFT_OK ? weft_cells_put_word(a, s->steps[i].author) : err;
        err = err == WEFT_OK ? weft_cells_put_word(a, s->steps[i].step) : err;
        if (err == WEFT_OK) {
            err = weft_buffer_format(&a->out, " %s %s\n", time,
                s->is_all_seen ? standings[status->standing[i]] : WEFT_REVEAL_HIDDEN);
        }
    }
    return err;
}

enum weft_err weft_cells_put_workflow(struct weft_cells_asking *a, struct weft_text rest)
{
    struct weft_text name;
    struct weft_digest subject;
    uint8_t kg[WEFT_CELLS_KG_SIZE];
    struct weft_workflow_status status;
    (void)weft_text_cut(&rest, '/', &name);
    enum weft_workflow workflow = weft_workflow_of(name);
    if (workflow == WEFT_WORKFLOWS || weft_digest_parse(rest, &subject) != WEFT_OK) {
        return weft_fail(a->msg, WEFT_EINVAL, "workflow/<workflow>/sha256:<subject>");
    }
    struct weft_key prefix = weft_cells_key_of(&a->desk, WEFT_CELLS_STEPS, &subject, NULL);
    weft_cells_kg(name, (struct weft_text){NULL, 0}, kg);
    weft_cells_key_add(&prefix, kg, sizeof(kg));
    struct steps *s = weft_arena_alloc(&a->arena, sizeof(*s));
    if (s == NULL) {
        return weft_fail(a->msg, WEFT_ENOMEM, "a workflow");
    }
    enum weft_err err = read_steps(a, &prefix, s);
    if (err == WEFT_OK) {
        err = weft_workflow_fold(
            workflow, a->agreement.parties, s->steps, s->count, &a->arena, &status);
        err = err == WEFT_ETOOBIG ? weft_fail(a->msg, err, "it has too many steps") : err;
    }
    bool is_any_seen = false;
    for (uint32_t i = 0; err == WEFT_OK && i < s->count; i++) {
        is_any_seen = is_any_seen || s->is_seen[i];
    }
    if (err != WEFT_OK || !is_any_seen) {
        return err;
    }
    err = weft_buffer_text(&a->out, WEFT_TEXT("workflow"));
    err = err == WEFT_OK ? weft_cells_put_word(a, name) : err;
    err = err == WEFT_OK ? weft_cells_put_digest(a, &subject) : err;
    if (err == WEFT_OK) {
        err = s->is_all_seen ? put_status(a, &status)
                             : weft_buffer_text(&a->out, WEFT_TEXT(" " WEFT_REVEAL_HIDDEN));
    }
    return err == WEFT_OK ? put_steps(a, s, &status) : err;
}
