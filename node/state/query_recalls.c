/* Recalls that cross companies, asked for as files beside the audit log's: AUDIT with one of these
 * paths.
 *
 *     recalls                  one line each: "recall" as below
 *     recalls/<digest>         one of them:
 *
 *     recall <digest> <from> <action> <reason> <affected> <located> <blocked> <done> <awaited>
 *     here <affected> <located> <blocked> <done> <unknown>
 *     tier <number> <affected> <silent>            0: this site, 1: its customers, ...
 *     upstream <site> <subjects> <unknown> first|also acknowledged|due
 *     customer <site> <units> <told> answered|silent <affected> <located> <blocked> <done>
 * <awaited> hole <site or asset> <units> <why>
 *
 * and an empty line. `from` is "own", who told of it, or "-". Counts of a `recall` line are those
 * of this site and of all that was acknowledged from below. Who may not read the recall, and what
 * was told and acknowledged of it, is told nothing of it. */
#include <inttypes.h>
#include <stdio.h>

#include "node/state/machine.h"
#include "node/state/query_cells.h"
#include "node/state/query_file.h"
#include "node/state/recalls.h"

static const char stem[] = "recalls";

struct asking {
    struct weft_cells_asking a; /* Words, and what may be seen. */
    struct weft_recalls recalls;
};

/* --- what may be seen ------------------------------------------------------------------------ */

/* NOD-170: all of it or nothing, since counts are of all of it. */
static bool may_see(struct asking *q, const struct weft_recalls_account *account)
{
    const struct weft_recalls *r = &q->recalls;
    bool may = account->origin == NULL ||
               weft_cells_may_see_all(&q->a, WEFT_TEXT("recall"), account->origin->asset);
    for (uint32_t i = 0; may && i < account->upstream_count; i++) {
        struct weft_text asset = r->partners[account->upstreams[i].partner].asset;
        may = weft_cells_may_see_all(&q->a, WEFT_TEXT("impact"), asset) &&
              weft_cells_may_see_all(&q->a, WEFT_TEXT("acknowledgement"), asset);
    }
    for (uint32_t i = 0; may && i < account->customer_count; i++) {
        struct weft_text asset = account->customers[i].asset;
        may = weft_cells_may_see_all(&q->a, WEFT_TEXT("impact"), asset) &&
              weft_cells_may_see_all(&q->a, WEFT_TEXT("acknowledgement"), asset);
    }
    return may;
}

/* --- lines ----------------------------------------------------------------------------------- */

static enum weft_err put_counts(struct asking *q, const struct weft_acknowledgement *c)
{
    return weft_buffer_format(&q->a.out,
        " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, c->affected, c->located,
        c->blocked, c->done, c->awaited);
}

static enum weft_err put_recall(struct asking *q, const struct weft_recalls_account *account)
{
    static const struct weft_text none = {NULL, 0};
    const struct weft_recalls_act *origin = account->origin;
    struct weft_text from = account->is_own ? WEFT_TEXT("own")
                            : account->upstream_count > 0
                                ? q->recalls.partners[account->upstreams[0].partner].site
                                : none;
    enum weft_err err = weft_buffer_text(&q->a.out, WEFT_TEXT("recall"));
    err = err == WEFT_OK ? weft_cells_put_digest(&q->a, &account->recall) : err;
    err = err == WEFT_OK ? weft_cells_put_word(&q->a, from) : err;
    err = err == WEFT_OK ? weft_cells_put_word(&q->a, origin != NULL ? origin->action : none) : err;
    err = err == WEFT_OK ? weft_cells_put_word(&q->a, origin != NULL ? origin->reason : none) : err;
    err = err == WEFT_OK ? put_counts(q, &account->sum) : err;
    return err == WEFT_OK ? weft_buffer_text(&q->a.out, WEFT_TEXT("\n")) : err;
}

static enum weft_err put_upstream(struct asking *q, const struct weft_recalls_upstream *u)
{
    enum weft_err err = weft_buffer_text(&q->a.out, WEFT_TEXT("upstream"));
    err = err == WEFT_OK ? weft_cells_put_word(&q->a, q->recalls.partners[u->partner].site) : err;
    return err == WEFT_OK
               ? weft_buffer_format(&q->a.out, " %" PRIu64 " %" PRIu64 " %s %s\n", u->subjects,
                     u->unknown, u->is_first ? "first" : "also",
                     u->newest != NULL && weft_recalls_is_same(&u->newest->counts, &u->own)
                         ? "acknowledged"
                         : "due")
               : err;
}

static enum weft_err put_customer(struct asking *q, const struct weft_recalls_customer *c)
{
    if (c->partner == UINT32_MAX) {
        return WEFT_OK;
    }
    enum weft_err err = weft_buffer_text(&q->a.out, WEFT_TEXT("customer"));
    err = err == WEFT_OK ? weft_cells_put_word(&q->a, q->recalls.partners[c->partner].site) : err;
    err = err == WEFT_OK ? weft_buffer_format(&q->a.out, " %" PRIu64 " %" PRIu64 " %s", c->shipped,
                               c->told, c->is_answered ? "answered" : "silent")
                         : err;
    err = err == WEFT_OK ? put_counts(q, &c->reply) : err;
    return err == WEFT_OK ? weft_buffer_text(&q->a.out, WEFT_TEXT("\n")) : err;
}

static enum weft_err put_hole(
    struct asking *q, struct weft_text who, uint64_t units, const char *why)
{
    enum weft_err err = weft_buffer_text(&q->a.out, WEFT_TEXT("hole"));
    err = err == WEFT_OK ? weft_cells_put_word(&q->a, who) : err;
    err = err == WEFT_OK ? weft_buffer_format(&q->a.out, " %" PRIu64, units) : err;
    err = err == WEFT_OK ? weft_cells_put_word(&q->a, weft_text_of(why)) : err;
    return err == WEFT_OK ? weft_buffer_text(&q->a.out, WEFT_TEXT("\n")) : err;
}

/* NOD-273: what is not known of it, by name. */
static enum weft_err put_holes_of(struct asking *q, const struct weft_recalls_customer *c)
{
    if (c->partner == UINT32_MAX) {
        return put_hole(q, c->asset, c->shipped, "there is no agreement with whoever has it");
    }
    const struct weft_recalls_partner *p = &q->recalls.partners[c->partner];
    enum weft_err err = WEFT_OK;
    if (!p->tells) {
        return put_hole(q, p->site, c->shipped, "the agreement lets no impact go out");
    }
    if (c->due > 0) {
        err = put_hole(q, p->site, c->due, "not told yet");
    }
    if (err == WEFT_OK && c->told > 0 && !c->is_answered) {
        err = put_hole(q, p->site, c->told,
            p->hears ? "told, and silent" : "told; the agreement brings no acknowledgement");
    }
    if (err == WEFT_OK && c->is_answered && c->reply.awaited > 0) {
        err = put_hole(q, p->site, c->reply.awaited, "sites below it are silent");
    }
    return err;
}

static enum weft_err put_holes(struct asking *q, const struct weft_recalls_account *account)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < account->customer_count; i++) {
        err = put_holes_of(q, &account->customers[i]);
    }
    return err == WEFT_OK && account->unknown > 0
               ? put_hole(q, q->recalls.site, account->unknown,
                     "nothing here is known by these names: an alias may say what they are")
               : err;
}

static enum weft_err put_account(struct asking *q, const struct weft_recalls_account *account)
{
    const struct weft_acknowledgement *own = &account->own, *sum = &account->sum;
    enum weft_err err = put_recall(q, account);
    if (err == WEFT_OK) {
        err = weft_buffer_format(&q->a.out,
            "here %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", own->affected,
            own->located, own->blocked, own->done, account->unknown);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < sum->tiers.count; i++) {
        err = weft_buffer_format(&q->a.out, "tier %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", i,
            sum->tiers.items[i], i < sum->silent.count ? sum->silent.items[i] : 0);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < account->upstream_count; i++) {
        err = put_upstream(q, &account->upstreams[i]);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < account->customer_count; i++) {
        err = put_customer(q, &account->customers[i]);
    }
    err = err == WEFT_OK ? put_holes(q, account) : err;
    return err == WEFT_OK ? weft_buffer_text(&q->a.out, WEFT_TEXT("\n")) : err;
}

/* --- the question ---------------------------------------------------------------------------- */

static enum weft_err put_one(struct asking *q, struct weft_text name)
{
    struct weft_digest recall;
    struct weft_recalls_account account;
    if (weft_digest_parse(name, &recall) != WEFT_OK) {
        return weft_fail(q->a.msg, WEFT_EINVAL, "recalls/sha256:...");
    }
    enum weft_err err = weft_recalls_judge(&q->recalls, &recall, &account);
    if (err == WEFT_OK && (!weft_recalls_has(&account) || !may_see(q, &account))) {
        err = weft_fail(q->a.msg, WEFT_ENOTFOUND, "no such recall");
    }
    return err == WEFT_OK ? put_account(q, &account) : err;
}

static enum weft_err put_all(struct asking *q)
{
    uint32_t place = 0;
    struct weft_digest recall;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && weft_recalls_next(&q->recalls, &place, &recall)) {
        struct weft_recalls_account account;
        err = weft_recalls_judge(&q->recalls, &recall, &account);
        if (err == WEFT_OK && may_see(q, &account)) {
            err = put_recall(q, &account);
        }
        if (err == WEFT_OK && q->a.out.size > WEFT_CELLS_PAGE_BYTES) {
            return weft_buffer_text(&q->a.out, WEFT_TEXT("more\n"));
        }
    }
    return err;
}

bool weft_state_is_recalls_path(struct weft_text path)
{
    return weft_query_file_is(path, stem);
}

enum weft_err weft_query_recalls(struct weft_run *run, struct weft_client_message *ret_answer)
{
    struct weft_view *view = run->view;
    struct weft_arena *arena = run->arena;
    struct asking q = {
        .a = {.run = run, .out = {.size_max = WEFT_ANSWER_SIZE_MAX - 1024}, .msg = run->msg}};
    struct weft_text rest = run->query->asset, word;
    enum weft_err err = weft_recalls_begin(run);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_recalls_open(&q.recalls, run);
    if (err == WEFT_OK) {
        err = weft_text_cut(&rest, '/', &word) ? put_one(&q, rest) : put_all(&q);
    }
    weft_recalls_close(&q.recalls);
    weft_loader_close(&run->loader);
    run->arena = arena;
    if (view->yield != NULL && view->yield->err != WEFT_OK) {
        err = weft_fail(run->msg, view->yield->err, "%s", view->yield->msg.text);
    }
    err = weft_query_file_end(view, err, &q.a.out, arena, ret_answer, run->msg);
    weft_buffer_destroy(&q.a.out);
    return err;
}
