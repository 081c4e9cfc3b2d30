/* Recalls, impacts and acknowledgements that came: each is kept under the recall that it is of. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/state/cells_parts.h"

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, WEFT_DIGEST_SIZE);
}

enum {
    TEXT_SIZE_MAX = (5 + 2 * (WEFT_ACT_TIERS_MAX + 1)) * 21,
};

/* Counts as a text: five in the order of federation/cells/act.h; then, if they are by tier,
 * " / <affected> ... / <awaited> ...". */
static struct weft_text format_counts(
    const struct weft_acknowledgement *counts, char ret_text[TEXT_SIZE_MAX])
{
    const struct weft_act_counts *lists[] = {&counts->tiers, &counts->silent};
    int size = snprintf(ret_text, TEXT_SIZE_MAX,
        "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, counts->affected,
        counts->located, counts->blocked, counts->done, counts->awaited);
    for (int l = 0; l < 2 && (counts->tiers.count > 0 || counts->silent.count > 0); l++) {
        size += snprintf(ret_text + size, (size_t)(TEXT_SIZE_MAX - size), " /");
        for (uint32_t i = 0; i < lists[l]->count; i++) {
            size += snprintf(
                ret_text + size, (size_t)(TEXT_SIZE_MAX - size), " %" PRIu64, lists[l]->items[i]);
        }
    }
    return (struct weft_text){ret_text, (size_t)size};
}

bool weft_cells_counts_parse(struct weft_text text, struct weft_acknowledgement *counts)
{
    uint64_t *const totals[] = {
        &counts->affected, &counts->located, &counts->blocked, &counts->done, &counts->awaited};
    struct weft_act_counts *const lists[] = {NULL, &counts->tiers, &counts->silent};
    struct weft_text word;
    uint64_t list = 0, at = 0;
    counts->tiers.count = counts->silent.count = 0;
    for (bool has_more = true; has_more;) {
        has_more = weft_text_cut(&text, ' ', &word);
        uint64_t number = 0;
        if (weft_text_is(word, "/")) {
            list++;
            at = 0;
        } else if (list > 2 || at >= (list == 0 ? 5 : WEFT_ACT_TIERS_MAX) ||
                   !weft_text_exact_number(word, &number)) {
            return false;
        } else if (list == 0) {
            *totals[at++] = number;
        } else {
            lists[list]->items[at++] = number;
            lists[list]->count = at;
        }
        if (list > 2) {
            return false;
        }
    }
    return true;
}

/* What is recalled is a digest; its name is known by an `about` link to it, if that is shown. */
static enum weft_err note_names(struct weft_cells_work *w,
    const struct weft_cells_statement *statement, const struct weft_projection *projection,
    const struct weft_act_digests *subjects)
{
    struct weft_record record = {.link_count = 0};
    struct weft_msg why = {""};
    enum weft_err err = weft_projection_record(projection, &w->cells->arena, &record, &why);
    if (err != WEFT_OK) {
        return err == WEFT_ENOMEM ? weft_fail(w->msg, err, "names of a recall") : WEFT_OK;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < record.link_count; i++) {
        char key[WEFT_SUBJECT_KEY_SIZE];
        struct weft_subject_name name;
        struct weft_digest subject;
        bool is_new;
        if (!weft_text_is(record.links[i].rel, "about") ||
            weft_cells_name_thing(projection->header.authority, record.links[i].to, true,
                &statement->digest, key, &name) != WEFT_SUBJECT_TO_CELL) {
            continue;
        }
        subject = weft_subject_of(&name);
        if (bsearch(&subject, subjects->items, subjects->count, sizeof(subject), compare) != NULL) {
            err = weft_cells_note_subject(w, &subject, &name, false, false, &is_new);
        }
    }
    return err;
}

enum weft_err weft_cells_take_recall(struct weft_cells_work *w,
    const struct weft_cells_statement *statement, const struct weft_projection *projection,
    const struct weft_intake_act *act)
{
    const struct weft_statement_header *h = &projection->header;
    struct weft_cells_word word = {.statement = {.act = WEFT_CELL_SAY,
                                       .author = h->authority,
                                       .revision = {h->epoch, h->index, h->ordinal},
                                       .time_ns = h->time_ns},
        .kind = h->kind};
    struct weft_digest recall = statement->digest;
    const struct weft_act_digests *subjects = NULL;
    char counts[TEXT_SIZE_MAX];
    if (act->act.kind == WEFT_ACT_RECALL) {
        subjects = &act->act.recall.subjects;
        word.statement.value = act->act.recall.action;
        word.group = act->act.recall.reason;
    } else if (act->act.kind == WEFT_ACT_IMPACT) {
        subjects = &act->act.impact.subjects;
        recall = act->act.impact.recall;
    } else {
        recall = act->act.acknowledgement.recall;
        word.statement.value = format_counts(&act->act.acknowledgement, counts);
    }
    if (subjects != NULL) {
        word.statement.names = subjects->items;
        word.statement.name_count = subjects->count;
        enum weft_err err = note_names(w, statement, projection, subjects);
        if (err != WEFT_OK) {
            return err;
        }
    }
    struct weft_key key =
        weft_cells_key_of(&w->desk, WEFT_CELLS_RECALLS, &recall, &statement->digest);
    return weft_cells_store(w, &key, weft_cells_word_encode(&word, &w->cells->buffer, w->msg));
}
