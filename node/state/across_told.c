#include "node/state/across_sight.h"
#include "node/state/machine.h"

enum {
    PARTS_OF_STEP = 16, /* compared in the time of a step; chosen */
};

/* Is it `at`, or what that is in? */
static bool is_around(const struct weft_across *x, uint32_t at, const struct weft_digest *subject)
{
    for (;; at = x->nodes[at].parent) {
        for (uint32_t s = 0; s < x->nodes[at].subject_count; s++) {
            if (weft_digest_equal(&x->nodes[at].subjects[s], subject)) {
                return true;
            }
        }
        if (at == 0) {
            return false;
        }
    }
}

static void leave_hole(
    struct weft_across *x, uint32_t at, enum weft_ask_fault fault, struct weft_text who)
{
    struct weft_across_node *node = &x->nodes[at];
    if (node->asked == WEFT_ASK_ANSWERED) {
        node->asked = fault;
        node->asked_of = weft_arena_text(&x->site->kept, who);
    }
}

static enum weft_err add_told(struct weft_across *x, uint32_t at,
    const struct weft_tiers_part *part, const struct weft_ask_line *line)
{
    const struct weft_subject_name name = weft_ask_named(line);
    const struct weft_digest subject = weft_subject_of(&name);
    const struct weft_across_node as = {.parent = at,
        .depth = x->nodes[at].depth + 1,
        .rel = weft_ask_said(line->words[1]),
        .by = part->organization,
        .is_disputed = part->is_equivocal};
    if (is_around(x, at, &subject)) { /* It ends here: each thing stands in the tree once. */
        leave_hole(x, at, WEFT_ASK_LOOP, part->organization);
        x->nodes[at].is_ring = x->nodes[at].asked == WEFT_ASK_LOOP;
        return WEFT_OK;
    }
    weft_labels_note(&x->site->run->view->tally, name.key, (struct weft_text){NULL, 0});
    return weft_across_add(x, &name, &as, UINT32_MAX);
}

/* NOD-280: may whoever asks know what that line says of the thing? A hole is of what is in it. */
static bool may_see(const struct weft_across *x, uint32_t at, const struct weft_ask_line *line)
{
    const struct weft_text parent = x->nodes[at].name.key, none = {NULL, 0};
    const bool is_in = weft_text_is(line->words[0], "in");
    return is_in ? weft_across_may_see_told(
                       x, weft_ask_said(line->words[1]), parent, weft_ask_named(line).key)
                 : weft_across_may_see_told(x, none, parent, none);
}

static enum weft_err graft_line(struct weft_across *x, uint32_t at,
    const struct weft_tiers_part *part, const struct weft_ask_line *line)
{
    const bool is_in = weft_text_is(line->words[0], "in");
    if (weft_text_is(line->words[0], "at")) {
        return WEFT_OK;
    }
    if (!may_see(x, at, line)) {
        weft_across_keep_back(x, at, (struct weft_text){"", 0});
        return is_in ? weft_across_withhold(x, at, (struct weft_text){"", 0}) : WEFT_OK;
    }
    x->is_told[part - x->told->parts] = true;
    if (weft_text_is(line->words[0], "made")) {
        x->nodes[at].is_told = true;
    } else if (weft_text_is(line->words[0], "hole")) {
        leave_hole(x, at, weft_ask_fault_of(line->words[2]), weft_ask_said(line->words[1]));
    }
    return is_in ? add_told(x, at, part, line) : WEFT_OK;
}

static enum weft_err graft(struct weft_across *x, uint32_t at, const struct weft_tiers_part *part)
{
    struct weft_text rest = part->content;
    struct weft_ask_line line;
    enum weft_err err = WEFT_OK;
    if (weft_tiers_is_hole(part)) {
        leave_hole(x, at, WEFT_ASK_SILENT, part->organization);
    }
    /* Each name in it is looked for with every agreement; of a tree that is full nothing is. */
    while (err == WEFT_OK && x->nodes[at].hole != WEFT_ACROSS_CUT && weft_ask_next(&rest, &line)) {
        err = weft_run_yield(x->site->run, 1 + x->site->agreement_count);
        err = err == WEFT_OK ? graft_line(x, at, part, &line) : err;
    }
    return err;
}

enum weft_err weft_across_graft(struct weft_across *x, uint32_t at)
{
    enum weft_err err = weft_run_yield(x->site->run, 1 + x->told->count / PARTS_OF_STEP);
    for (uint32_t i = 0; err == WEFT_OK && i < x->told->count; i++) {
        const struct weft_tiers_part *part = &x->told->parts[i];
        bool is_of_it = false;
        for (uint32_t s = 0; s < x->nodes[at].subject_count; s++) {
            is_of_it = is_of_it || weft_digest_equal(&x->nodes[at].subjects[s], &part->subject);
        }
        err = is_of_it ? graft(x, at, part) : WEFT_OK;
    }
    return err;
}
