#include "node/state/across_sight.h"

#include <stdlib.h>

#include "node/state/machine.h"
#include "proto/stored.h"
#include "proto/thread.h"

enum {
    RECORD_STEPS = 16, /* as node/state/lineage/sight.c has it */
};

static struct weft_reveal *reveal_of(const struct weft_across *x)
{
    return x->site->run->reveal;
}

/* --- what may be seen ------------------------------------------------------------------------- */

/* By that rel; empty: by each that says of two things that the one is in the other, or of an event
 * what stands in for them. */
static bool tells_link(const struct weft_reveal *reveal,
    const struct weft_policy_decision *decision, struct weft_text rel)
{
    char path[WEFT_REVEAL_LINK_PATH_SIZE];
    if (decision->effect != WEFT_EFFECT_ALLOW) {
        return false;
    }
    if (rel.size > 0) {
        return weft_reveal_tells(reveal, decision, weft_reveal_link_path(path, rel));
    }
    bool is_told = true;
    for (int i = WEFT_REL_OTHER + 1; is_told && i <= WEFT_REL_PARENT; i++) {
        rel = weft_text_of(weft_thread_rel_traits((enum weft_rel)i)->name);
        is_told = weft_reveal_tells(reveal, decision, weft_reveal_link_path(path, rel));
    }
    return is_told;
}

bool weft_across_may_see_inside(
    const struct weft_across *x, struct weft_text kind, struct weft_text asset)
{
    struct weft_reveal *reveal = reveal_of(x);
    return reveal == NULL ||
           tells_link(reveal, weft_reveal_decide(reveal, kind, asset), (struct weft_text){NULL, 0});
}

bool weft_across_may_see_edge(const struct weft_across *x, const struct weft_cells_place *of,
    struct weft_text parent, struct weft_text child)
{
    struct weft_reveal *reveal = reveal_of(x);
    return reveal == NULL || (weft_across_may_see_inside(x, of->kind, of->asset) &&
                                 weft_reveal_is_permitted(reveal, of->kind, parent) &&
                                 weft_reveal_is_permitted(reveal, of->kind, child));
}

bool weft_across_may_see_told(const struct weft_across *x, struct weft_text rel,
    struct weft_text parent, struct weft_text child)
{
    struct weft_reveal *reveal = reveal_of(x);
    if (reveal == NULL) {
        return true;
    }
    const struct weft_policy_decision *d = weft_reveal_of_asset(reveal, parent);
    return d != NULL && tells_link(reveal, d, rel) &&
           (child.size == 0 || weft_reveal_knows(reveal, child));
}

/* --- what may not ----------------------------------------------------------------------------- */

enum weft_err weft_across_withhold(struct weft_across *x, uint32_t at, struct weft_text kind)
{
    uint32_t i = x->withheld_count;
    x->nodes[at].is_withheld = true;
    while (i > 0 && x->withheld[i - 1].node == at) { /* Things are looked at one by one. */
        i--;
        if (weft_text_equal(x->withheld[i].kind, kind)) {
            x->withheld[i].count++;
            return WEFT_OK;
        }
    }
    i = x->withheld_count;
    if (i == WEFT_ACROSS_WITHHELD_MAX) {
        x->nodes[at].hole = WEFT_ACROSS_CUT;
        return WEFT_OK;
    }
    if (i == x->withheld_capacity) {
        const uint32_t capacity = i == 0 ? 16 : 2 * i;
        struct weft_across_withheld *more = realloc(x->withheld, capacity * sizeof(*more));
        if (more == NULL) {
            return weft_fail(x->site->run->msg, WEFT_ENOMEM, "what is withheld of a tree");
        }
        x->withheld = more;
        x->withheld_capacity = capacity;
    }
    const struct weft_text kept =
        kind.size > 0 ? weft_arena_text(&x->site->kept, kind) : (struct weft_text){"", 0};
    if (kept.data == NULL) {
        return weft_fail(x->site->run->msg, WEFT_ENOMEM, "what is withheld of a tree");
    }
    x->withheld[x->withheld_count++] =
        (struct weft_across_withheld){.node = at, .count = 1, .kind = kept};
    return WEFT_OK;
}

void weft_across_keep_back(struct weft_across *x, uint32_t at, struct weft_text kind)
{
    struct weft_across_node *node = &x->nodes[at];
    if (!node->is_kept_back) {
        node->is_kept_back = true;
        node->kept_back = weft_arena_text(&x->site->kept, kind);
    }
}

enum weft_err weft_across_settle(struct weft_across *x, uint32_t at)
{
    const struct weft_across_node *node = &x->nodes[at];
    return node->is_kept_back && !node->is_withheld && node->hole != WEFT_ACROSS_CUT
               ? weft_across_withhold(x, at, node->kept_back)
               : WEFT_OK;
}

/* The record behind what was reached, whoever may see it. */
static enum weft_err withhold_reached(
    struct weft_across *x, uint32_t at, const struct weft_reached *reached)
{
    struct weft_run *run = x->site->run;
    const struct weft_ref ref = weft_around_place(&x->around, reached->evidence);
    struct weft_bytes bytes;
    struct weft_stored_head head;
    int64_t time_ns;
    enum weft_err err = weft_run_yield(run, RECORD_STEPS);
    err = err == WEFT_OK ? weft_loader_get(&run->loader, &ref, &bytes, &time_ns, run->msg) : err;
    if (err == WEFT_OK && weft_stored_peek(bytes, &head) != WEFT_OK) {
        err = weft_run_damaged(run, "a record");
    }
    return err == WEFT_OK ? weft_across_withhold(x, at, head.kind) : err;
}

static bool has_reached(const struct weft_search *search, uint32_t number)
{
    return search->entered != NULL && number < search->numbers &&
           (search->entered[number / 64] >> (number % 64) & 1) != 0;
}

enum weft_err weft_across_withhold_own(struct weft_across *x, uint32_t at, const uint64_t *ids,
    uint32_t count, const struct weft_search *seen)
{
    struct weft_run *run = x->site->run;
    struct weft_reveal *reveal = run->reveal;
    struct weft_search all;
    enum weft_err err = WEFT_OK;
    if (reveal == NULL || count == 0) {
        return WEFT_OK;
    }
    weft_search_init(&all, &x->around, false);
    all.depth_max = 1;
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        err = weft_search_enter(&all, ids[i]);
    }
    run->reveal = NULL; /* What there is, for its number alone. */
    err = err == WEFT_OK ? weft_search_run(&all) : err;
    run->reveal = reveal;
    for (uint32_t i = 0; err == WEFT_OK && i < all.count; i++) {
        const struct weft_reached *reached = &all.reached[i];
        if (reached->depth == 1 && !has_reached(seen, reached->number)) {
            err = withhold_reached(x, at, reached);
        }
    }
    weft_search_close(&all);
    return err;
}
