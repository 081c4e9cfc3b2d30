#include <stdio.h>
#include <stdlib.h>

#include "node/partner_set_parts.h"
#include "proto/check.h"

/* What of a comparison is done on a thread: the set is read of a view, and turns are taken. */

enum {
    YIELD_EVERY = 4096, /* Statements, between two looks whether somebody waits. */
};

static enum weft_err should_end(void *ctx, struct weft_msg *msg)
{
    const struct weft_set_work *work = ctx;
    return atomic_load(&work->partners->is_set_over)
               ? weft_fail(msg, WEFT_ECLOSED, "the node stops")
               : WEFT_OK;
}

static enum weft_err on_filed(void *ctx, const struct weft_digest *statement, struct weft_msg *msg)
{
    struct weft_set_work *work = ctx;
    enum weft_err err = weft_trie_list_add(&work->list, statement);
    return err == WEFT_OK ? err
                          : weft_fail(msg, err == WEFT_EINVAL ? WEFT_ECORRUPT : err,
                                "more statements are filed than are compared");
}

/* What is too much is counted; the next comparison has it. */
static enum weft_err on_missing(void *ctx, const struct weft_digest *member, struct weft_msg *msg)
{
    struct weft_set_work *work = ctx;
    (void)msg;
    if (work->lacking_count < WEFT_PARTNER_SET_LACKING_MAX) {
        work->lacking[work->lacking_count++] = *member;
    }
    return WEFT_OK;
}

static void on_work(uv_work_t *uv)
{
    struct weft_set_work *work = uv->data;
    const uint64_t from_ns = uv_hrtime();
    work->err = WEFT_OK;
    if (work->view != NULL) {
        weft_view_yield_with(work->view, &work->yield);
        work->err =
            weft_view_filed(work->view, weft_text_of(work->agreement), on_filed, work, &work->msg);
        if (work->err == WEFT_OK && weft_trie_list_seal(&work->list) != WEFT_OK) {
            work->err = weft_fail(&work->msg, WEFT_ENOMEM, "compare what is filed");
        }
        if (work->err == WEFT_OK) {
            const struct weft_trie_view view = weft_trie_list_view(&work->list);
            weft_reconcile_init(&work->machine, &view, on_missing, work);
        }
    }
    weft_buffer_clear(&work->out);
    if (work->err == WEFT_OK) {
        work->err =
            work->in.size == 0
                ? weft_reconcile_begin(&work->machine, &work->out, &work->msg)
                : weft_reconcile_step(&work->machine,
                      (struct weft_bytes){work->in.data, work->in.size}, &work->out, &work->msg);
    }
    work->spent_ns += uv_hrtime() - from_ns;
}

static void on_worked(uv_work_t *uv, int status)
{
    struct weft_set_work *work = uv->data;
    struct weft_partners *p = work->partners;
    struct weft_agreement a;
    struct weft_partner_exchange *x = weft_partners_exchange(p, work->number);
    (void)status;
    weft_view_close(work->view); /* Before anything is applied to what it is of. */
    work->view = NULL;
    p->set_jobs--;
    if (work->is_forgotten) {
        weft_set_work_free(work);
    } else {
        x->set->is_working = false;
        if (weft_partners_begin(p) &&
            weft_partners_find_agreed(p, weft_text_of(work->agreement), &a)) {
            weft_partner_set_worked(p, x, &a);
        }
    }
    if (p->is_closing) {
        weft_partners_closed(p);
    } else {
        weft_partners_due(p, 0);
        p->options.io.wake(p->options.io.ctx);
    }
}

enum weft_err weft_set_work_make(struct weft_partners *p, uint32_t number,
    const struct weft_agreement *a, struct weft_set_work **ret_work, struct weft_msg *msg)
{
    struct weft_set_work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "compare what is filed");
    }
    work->partners = p;
    work->number = number;
    work->in.size_max = work->out.size_max = WEFT_RECONCILE_MESSAGE_SIZE_MAX;
    work->yield = (struct weft_yield){
        .ctx = work, .ask = should_end, .every = YIELD_EVERY, .left = YIELD_EVERY};
    (void)snprintf(work->agreement, sizeof(work->agreement), "%.*s", (int)a->terms->name.size,
        a->terms->name.data);
    enum weft_err err = weft_view_open(p->state, &work->view, msg);
    if (err != WEFT_OK) {
        weft_set_work_free(work);
        return err;
    }
    *ret_work = work;
    return WEFT_OK;
}

void weft_set_work_begin(struct weft_set_work *work)
{
    struct weft_partners *p = work->partners;
    work->work.data = work;
    p->set_jobs++;
    if (p->options.threads == 0) {
        on_work(&work->work);
        on_worked(&work->work, 0);
        return;
    }
    int status = uv_queue_work(p->options.loop, &work->work, on_work, on_worked);
    weft_assert(status == 0);
}

void weft_set_work_free(struct weft_set_work *work)
{
    if (work != NULL) {
        weft_view_close(work->view);
        weft_reconcile_destroy(&work->machine);
        weft_trie_list_destroy(&work->list);
        weft_buffer_destroy(&work->in);
        weft_buffer_destroy(&work->out);
        free(work);
    }
}
