#include "ops/weft/trace_pages.h"

#include "proto/limits.h"

enum {
    AHEAD = 3,      /* pages under way; chosen: one is made, one travels, one is looked at */
    TURN_MS = 1000, /* the client has deadlines of its own */
};

struct asking {
    struct weft_client *client;
    struct weft_client_message request;
    weft_trace_on_page *on_page;
    void *ctx;
    struct weft_msg *msg;
    enum weft_err err;
    struct weft_buffer cursor;
    uint32_t outstanding;
    bool has_total;
    uint32_t total;      /* Steps of the answer. */
    uint32_t taken;      /* Of them, those that on_page has seen. */
    uint32_t asked;      /* Of them, those that were asked for. */
    uint32_t page_steps; /* To ask for at once: as many as the first page had. */
    bool has_gap;        /* What is under way does not follow: it comes again. */
    uint32_t restarted;  /* What was taken when that was found the last time. */
};

static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg);

static void submit(struct asking *a)
{
    enum weft_err err = weft_client_submit(a->client, &a->request, on_answer, a);
    a->outstanding += err == WEFT_OK;
    if (err != WEFT_OK && a->err == WEFT_OK) {
        a->err = weft_fail(a->msg, err, "the question cannot be asked");
    }
}

/* Names and answers without steps: page after page, as the cursors say. */
static void go_on(struct asking *a)
{
    if (a->cursor.size > 0) {
        submit(a);
    }
}

static void ask_ahead(struct asking *a)
{
    if (a->outstanding == 0 && a->asked > a->taken) { /* What came did not follow. */
        if (a->restarted == a->taken) {
            a->err = weft_fail(a->msg, WEFT_EMALFORMED, "the answer has no step %u", a->taken);
        }
        a->asked = a->restarted = a->taken;
        a->has_gap = false;
    }
    while (a->err == WEFT_OK && !a->has_gap && a->outstanding < AHEAD && a->asked < a->total) {
        a->request.query.first_step = a->asked;
        a->request.query.limit = a->page_steps;
        a->asked += a->page_steps < a->total - a->asked ? a->page_steps : a->total - a->asked;
        submit(a);
    }
}

static enum weft_err settle_on(struct asking *a, const struct weft_trace_result *page)
{
    struct weft_query *q = &a->request.query;
    weft_buffer_clear(&a->cursor);
    enum weft_err err = weft_buffer_append(&a->cursor, page->cursor.data, page->cursor.size);
    q->cursor = (struct weft_bytes){a->cursor.data, a->cursor.size};
    /* Later pages may come from another node: it must know at least as much. */
    q->consistency = WEFT_MIN_INDEX;
    q->min_index = page->index;
    return err == WEFT_OK ? err : weft_fail(a->msg, err, "no memory for a cursor");
}

static bool is_done(const struct asking *a)
{
    return a->has_total && a->taken >= a->total;
}

/* The first page, and each page of names, brings the cursor that the next is asked with. The
 * next is under way before this one is looked at. */
static enum weft_err take_first(struct asking *a, const struct weft_trace_result *page)
{
    enum weft_err err = settle_on(a, page);
    if (err != WEFT_OK) {
        return err;
    }
    if (page->steps.count > 0 && a->cursor.size > 0) {
        a->has_total = true;
        a->total = page->steps_total;
        a->page_steps = page->steps.count;
        a->taken = a->asked = page->first_step + page->steps.count;
        ask_ahead(a);
    } else {
        go_on(a);
    }
    return a->on_page(a->ctx, page, a->msg);
}

/* What does not follow what was taken comes again: a page before it ended early. */
static enum weft_err take_next(struct asking *a, const struct weft_trace_result *page)
{
    enum weft_err err = WEFT_OK;
    if (page->first_step == a->taken && page->steps.count > 0) {
        a->taken += page->steps.count;
        err = a->on_page(a->ctx, page, a->msg);
    } else if (page->steps.count > 0) {
        a->has_gap = true;
    } else {
        err = weft_fail(a->msg, WEFT_EMALFORMED, "a page of the answer is empty");
    }
    if (err == WEFT_OK && !is_done(a)) {
        ask_ahead(a);
    }
    return err;
}

static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct asking *a = ctx;
    a->outstanding--;
    if (a->err != WEFT_OK) {
        return;
    }
    if (err != WEFT_OK) {
        a->err = err;
        *a->msg = *msg;
    } else if (answer->kind != WEFT_KIND_TRACE_RESULT) {
        a->err = weft_fail(a->msg, WEFT_EVERSION, "the node answered with another kind of message");
    } else {
        a->err = a->has_total ? take_next(a, &answer->trace) : take_first(a, &answer->trace);
    }
}

enum weft_err weft_trace_pages(struct weft_client *client, const struct weft_query *query,
    weft_trace_on_page *on_page, void *ctx, struct weft_msg *msg)
{
    struct asking a = {.client = client,
        .request = {.kind = WEFT_KIND_QUERY, .query = *query},
        .on_page = on_page,
        .ctx = ctx,
        .msg = msg};
    submit(&a);
    while (a.outstanding > 0) {
        weft_net_turn(weft_client_net(client), TURN_MS);
    }
    weft_buffer_destroy(&a.cursor);
    return a.err;
}
