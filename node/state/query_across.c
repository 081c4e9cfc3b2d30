/* What an asset is made of across organizations, asked for as a file beside the audit log's: AUDIT
 * with the path "across/ASSET".
 *
 *     tree <nodes> <holes>
 *     node <number> <number of what it is in> <rel> <site that says so> agreed|disputed <site whose
 *                                             name it is> <kind> <name>
 *     way <number> <number of what it is in, too> <rel> <site that says so> agreed|disputed
 *     hole <site> <number> <why>
 *     hole <this site> <number> <why> <how much> <kind>   of it whoever asks may see no more
 *     told <site> <index of its log> <ms since 1970>      of each who answered, if some were asked
 *
 * Nodes stand by their numbers, from 0 on, each behind what it is in; of the start, which is in
 * itself, rel and site are "-", and so is the rel of what a partner says. Words as
 * query_cells.h has them. */
#include <inttypes.h>
#include <stdio.h>

#include "node/state/across.h"
#include "node/state/machine.h"
#include "node/state/query_file.h"

static const char stem[] = "across/";

static const char *why(enum weft_across_hole hole)
{
    switch (hole) {
    case WEFT_ACROSS_NO_HOLE:
        break;
    case WEFT_ACROSS_UNKNOWN:
        return "nobody has stated anything of it";
    case WEFT_ACROSS_STRANGER:
        return "there is no agreement with whoever made it";
    case WEFT_ACROSS_SILENT:
        return "whoever made it has stated nothing of it";
    case WEFT_ACROSS_NOT_ASKED:
        return "what is inside was not disclosed; the agreement lets us ask";
    case WEFT_ACROSS_CLOSED:
        return "what is inside was not disclosed; the agreement answers no such question";
    case WEFT_ACROSS_CUT:
        return "the tree is as large as one may be";
    case WEFT_ACROSS_ASKED:
        break;
    }
    return "-";
}

static enum weft_err put_node(
    struct weft_cells_asking *a, const struct weft_across_node *node, uint32_t number)
{
    enum weft_err err =
        weft_buffer_format(&a->out, "node %" PRIu32 " %" PRIu32, number, node->parent);
    err = err == WEFT_OK ? weft_cells_put_word(a, node->rel) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, node->by) : err;
    err = err == WEFT_OK ? weft_buffer_text(&a->out,
                               node->is_disputed ? WEFT_TEXT(" disputed") : WEFT_TEXT(" agreed"))
                         : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, node->name.authority) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, node->name.kind) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, node->name.key) : err;
    return err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("\n")) : err;
}

static enum weft_err put_way(struct weft_cells_asking *a, const struct weft_across_way *way)
{
    enum weft_err err =
        weft_buffer_format(&a->out, "way %" PRIu32 " %" PRIu32, way->node, way->parent);
    err = err == WEFT_OK ? weft_cells_put_word(a, way->rel) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, way->by) : err;
    return err == WEFT_OK ? weft_buffer_text(&a->out, way->is_disputed ? WEFT_TEXT(" disputed\n")
                                                                       : WEFT_TEXT(" agreed\n"))
                          : err;
}

/* NOD-275 */
static enum weft_err put_hole(struct weft_cells_asking *a, const struct weft_across *x, uint32_t i)
{
    const struct weft_across_node *node = &x->nodes[i];
    struct weft_text who = node->maker;
    const bool is_asked = node->hole == WEFT_ACROSS_ASKED;
    if (is_asked) {
        who = node->asked_of;
    } else if (node->knower != UINT32_MAX) {
        const struct weft_contract *c = &x->site->agreements[node->knower].contract;
        who = c->parties[1 - weft_contract_party(c, x->site->site)].site;
    }
    enum weft_err err = weft_buffer_text(&a->out, WEFT_TEXT("hole"));
    err = err == WEFT_OK ? weft_cells_put_word(a, who) : err;
    err = err == WEFT_OK ? weft_buffer_format(&a->out, " %" PRIu32, i) : err;
    err = err == WEFT_OK
              ? weft_cells_put_word(a,
                    weft_text_of(is_asked ? weft_ask_fault_reason(node->asked) : why(node->hole)))
              : err;
    return err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("\n")) : err;
}

/* NOD-280: of what he may not see the kind of the records, and how much. */
static enum weft_err put_withheld(
    struct weft_cells_asking *a, const struct weft_across *x, const struct weft_across_withheld *w)
{
    char text[160];
    const int size = snprintf(text, sizeof(text),
        "the policy withholds more of what is in it: %" PRIu32 " %s%.*s", w->count,
        w->kind.size > 0 ? "by records of kind " : "as partners have answered", (int)w->kind.size,
        w->kind.data);
    enum weft_err err = weft_buffer_text(&a->out, WEFT_TEXT("hole"));
    err = err == WEFT_OK ? weft_cells_put_word(a, x->site->site) : err;
    err = err == WEFT_OK ? weft_buffer_format(&a->out, " %" PRIu32, w->node) : err;
    err = err == WEFT_OK && size > 0 ? weft_cells_put_word(a, weft_text_of(text)) : err;
    err = err == WEFT_OK ? weft_buffer_format(&a->out, " %" PRIu32, w->count) : err;
    err = err == WEFT_OK ? weft_cells_put_word(a, w->kind) : err;
    return err == WEFT_OK ? weft_buffer_text(&a->out, WEFT_TEXT("\n")) : err;
}

static enum weft_err put_tree(struct weft_cells_asking *a, const struct weft_across *x)
{
    uint32_t holes = x->withheld_count;
    for (uint32_t i = 0; i < x->count; i++) {
        holes += x->nodes[i].hole != WEFT_ACROSS_NO_HOLE;
    }
    enum weft_err err =
        weft_buffer_format(&a->out, "tree %" PRIu32 " %" PRIu32 "\n", x->count, holes);
    for (uint32_t i = 0; err == WEFT_OK && i < x->count; i++) {
        err = put_node(a, &x->nodes[i], i);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < x->way_count; i++) {
        err = put_way(a, &x->ways[i]);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < x->count; i++) {
        err = x->nodes[i].hole != WEFT_ACROSS_NO_HOLE ? put_hole(a, x, i) : WEFT_OK;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < x->withheld_count; i++) {
        err = put_withheld(a, x, &x->withheld[i]);
    }
    return err;
}

/* An answer is of the time it was given: each site's newest. */
static enum weft_err put_told(
    struct weft_cells_asking *a, const struct weft_across *x, const struct weft_tiers_answer *told)
{
    const struct weft_text site = x->site->site;
    enum weft_err err = WEFT_OK;
    uint64_t index = 0, time_ms = 0;
    for (uint32_t i = 0; err == WEFT_OK && i < told->count; i++) {
        const struct weft_tiers_part *part = &told->parts[i];
        struct weft_text rest = part->content;
        struct weft_ask_line line;
        uint64_t ms = 0;
        if ((x->is_told[i] || a->run->reveal == NULL) && weft_ask_next(&rest, &line) &&
            weft_text_number(line.words[1], &ms) && ms > time_ms) {
            time_ms = ms;
            index = part->head;
        }
        bool is_last = i + 1 == told->count ||
                       !weft_text_equal(told->parts[i + 1].organization, part->organization);
        if (is_last && time_ms > 0 && !weft_text_equal(part->organization, site)) {
            err = weft_buffer_text(&a->out, WEFT_TEXT("told"));
            err = err == WEFT_OK ? weft_cells_put_word(a, part->organization) : err;
            err = err == WEFT_OK
                      ? weft_buffer_format(&a->out, " %" PRIu64 " %" PRIu64 "\n", index, time_ms)
                      : err;
        }
        index = is_last ? 0 : index;
        time_ms = is_last ? 0 : time_ms;
    }
    return err;
}

/* What partners answered comes with the question (node/questions.h). */
static enum weft_err read_told(
    struct weft_run *run, struct weft_arena *arena, struct weft_tiers_answer *ret_told)
{
    const struct weft_text told = run->query->where_value;
    return weft_tiers_decode(
        (struct weft_bytes){(const uint8_t *)told.data, told.size}, arena, ret_told, run->msg);
}

bool weft_state_is_across_path(struct weft_text path)
{
    return weft_text_starts(path, stem);
}

enum weft_err weft_query_across(struct weft_run *run, struct weft_client_message *ret_answer)
{
    struct weft_view *view = run->view;
    struct weft_arena *arena = run->arena;
    struct weft_cells_asking a = {
        .run = run, .out = {.size_max = WEFT_ANSWER_SIZE_MAX - 1024}, .msg = run->msg};
    struct weft_recalls site;
    struct weft_across across = {.site = NULL};
    const struct weft_text asset = {
        run->query->asset.data + sizeof(stem) - 1, run->query->asset.size - (sizeof(stem) - 1)};
    enum weft_err err = weft_recalls_begin(run);
    if (err != WEFT_OK) {
        return err;
    }
    const bool has_asked = run->query->where_value.size > 0;
    struct weft_tiers_answer told = {.count = 0};
    err = weft_recalls_open_site(&site, run);
    err = err == WEFT_OK && has_asked ? read_told(run, &site.kept, &told) : err;
    err = err == WEFT_OK ? weft_across_open(&across, &site, &a, asset, has_asked ? &told : NULL)
                         : err;
    err = err == WEFT_OK ? put_tree(&a, &across) : err;
    err = err == WEFT_OK ? put_told(&a, &across, &told) : err;
    weft_across_close(&across);
    weft_recalls_close(&site);
    weft_loader_close(&run->loader);
    run->arena = arena;
    if (view->yield != NULL && view->yield->err != WEFT_OK) {
        err = weft_fail(run->msg, view->yield->err, "%s", view->yield->msg.text);
    }
    err = weft_query_file_end(view, err, &a.out, arena, ret_answer, run->msg);
    weft_buffer_destroy(&a.out);
    return err;
}
