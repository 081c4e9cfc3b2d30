#include "ops/weft/import_flight.h"

#include <stdlib.h>

#include "proto/limits.h"

enum {
    TURN_MS = 1000,
    /* Of a commit: chosen, so that several fit into one entry of the log. */
    BATCH_SIZE_MAX = 256 * 1024,
};

/* A batch that was sent; spare ones keep their memory. */
struct weft_import_flight {
    struct weft_import_flight *next;
    struct weft_import_flights *all;
    struct weft_import_batch *batch;
    bool *is_known;      /* Of each item: it is there. */
    uint32_t unanswered; /* Parts and questions. */
    bool was_asked;
};

/* A run of the batch's items in one commit, or the question after one. */
struct part {
    struct weft_import_flight *flight;
    uint32_t first, count; /* Items. */
};

static void part_answered(struct part *part);

/* --- counts ----------------------------------------------------------------------------------- */

void weft_import_flights_count_refused(struct weft_import_flights *f, enum weft_err err)
{
    f->counts.refused++;
    f->counts.worst = f->counts.worst == WEFT_EXIT_DONE ? weft_exit_of(err) : f->counts.worst;
}

static void fail(struct weft_import_flights *f, enum weft_err err, const char *text)
{
    f->err = f->err != WEFT_OK ? f->err : weft_fail(&f->msg, err, "%s", text);
}

static void refuse(struct part *part, enum weft_err err, const char *reason)
{
    struct weft_import_flights *f = part->flight->all;
    f->on_refused(f->ctx, part->flight->batch->items[part->first].place, err, reason);
}

/* --- stating ---------------------------------------------------------------------------------- */

/* Hand a part to the client. The flight counts it until it is answered. */
static void submit(
    struct part what, const struct weft_client_message *message, weft_client_on_answer *on_answer)
{
    struct weft_import_flights *f = what.flight->all;
    struct part *part = malloc(sizeof(*part));
    enum weft_err err = WEFT_ENOMEM;
    if (part != NULL) {
        *part = what;
        err = weft_client_submit(f->client, message, on_answer, part);
    }
    if (err == WEFT_OK) {
        what.flight->unanswered++;
        return;
    }
    free(part);
    if (err == WEFT_ETOOBIG && what.count == 1) {
        refuse(&what, err, "it does not fit into one commit");
    } else {
        fail(f, err, weft_err_name(err));
    }
}

static void on_stated(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg);

static void state(struct weft_import_flight *flight, uint32_t first, uint32_t count)
{
    const struct weft_import_batch *b = flight->batch;
    const struct weft_import_batch_item *head = &b->items[first],
                                        *last = &b->items[first + count - 1];
    struct weft_client_message message = {.kind = WEFT_KIND_COMMIT,
        .commit = {.request_id = weft_import_batch_id(b, first, count),
            .records = &b->records[head->first_record],
            .record_count = last->first_record + last->record_count - head->first_record}};
    submit((struct part){flight, first, count}, &message, on_stated);
}

static void state_each(struct weft_import_flight *flight, uint32_t first, uint32_t count)
{
    for (uint32_t i = 0; i < count && flight->all->err == WEFT_OK; i++) {
        state(flight, first + i, 1);
    }
}

/* --- asking ----------------------------------------------------------------------------------- */

/* All of the batch's questions are answered: state what is not there, in its order. */
static void state_unknown(struct weft_import_flight *flight)
{
    uint32_t count = flight->batch->item_count, known = 0;
    for (uint32_t i = 0; i < count;) {
        uint32_t end = i;
        while (end < count && !flight->is_known[end]) {
            end++;
        }
        if (end > i && flight->all->err == WEFT_OK) {
            state(flight, i, end - i);
        }
        known += end < count ? 1 : 0;
        i = end + 1;
    }
    flight->all->counts.unchanged += known;
    flight->all->is_asking = known > 0;
}

/* Whatever the answer is, what is stated afterwards is so on its own condition: this is only to
 * save the trouble. */
static void on_told(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct part *part = ctx;
    struct weft_import_flight *flight = part->flight;
    (void)msg;
    flight->is_known[part->first] = err == WEFT_OK && answer->page.asset_rev > 0;
    if (flight->unanswered == 1) {
        state_unknown(flight);
    }
    part_answered(part);
}

/* Is each item there? Its first record's asset is what nothing else would have made. */
static void ask(struct weft_import_flight *flight)
{
    const struct weft_import_batch *b = flight->batch;
    flight->was_asked = true;
    memset(flight->is_known, 0, b->item_count * sizeof(*flight->is_known));
    for (uint32_t i = 0; i < b->item_count && flight->all->err == WEFT_OK; i++) {
        /* No record was true that long ago: the answer is the revision alone. */
        struct weft_client_message message = {.kind = WEFT_KIND_QUERY,
            .query = {.type = WEFT_QUERY_ASSET,
                .consistency = WEFT_STALE,
                .asset = b->records[b->items[i].first_record].asset,
                .at_ns = INT64_MIN,
                .has_at = true,
                .limit = 1}};
        submit((struct part){flight, i, 1}, &message, on_told);
    }
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool is_there(enum weft_err err, const struct weft_client_message *answer)
{
    return err == WEFT_ECONFLICT && answer != NULL && weft_import_is_there(&answer->error);
}

static void on_stated(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct part *part = ctx;
    struct weft_import_flight *flight = part->flight;
    struct weft_import_flights *f = flight->all;
    /* Answered again, after a lost connection, is what this import committed itself. */
    if (err == WEFT_OK &&
        (!answer->commit_result.repeated || answer->commit_result.index > f->begun_index)) {
        f->counts.imported += part->count;
        f->counts.records += answer->commit_result.receipt_count;
        f->counts.commits++;
    } else if (err == WEFT_OK || (is_there(err, answer) && part->count == 1)) {
        f->counts.unchanged += part->count;
        f->is_asking = f->is_asking || (err == WEFT_OK && part->count > 1);
    } else if (weft_err_class(err) == WEFT_CLASS_RETRY) {
        fail(f, err, msg->text);
    } else if (part->count == 1) {
        refuse(part, err, msg->text);
    } else if (is_there(err, answer) && !flight->was_asked) {
        ask(flight);
    } else {
        state_each(flight, part->first, part->count);
    }
    part_answered(part);
}

/* --- batches ---------------------------------------------------------------------------------- */

static void release(struct weft_import_flight *flight)
{
    struct weft_import_flights *f = flight->all;
    if (--flight->unanswered == 0) {
        flight->next = f->spare;
        f->spare = flight;
        f->batch_count--;
    }
}

static void part_answered(struct part *part)
{
    struct weft_import_flight *flight = part->flight;
    free(part);
    release(flight);
}

static void destroy_flight(struct weft_import_flight *flight)
{
    if (flight != NULL) {
        weft_import_batch_destroy(flight->batch);
        free(flight->is_known);
        free(flight);
    }
}

static struct weft_import_flight *create_flight(struct weft_import_flights *f)
{
    struct weft_import_flight *flight = calloc(1, sizeof(*flight));
    if (flight == NULL) {
        return NULL;
    }
    flight->all = f;
    flight->is_known = calloc(f->items_max, sizeof(*flight->is_known));
    if (flight->is_known == NULL ||
        weft_import_batch_create(f->items_max, BATCH_SIZE_MAX, &flight->batch) != WEFT_OK) {
        destroy_flight(flight);
        return NULL;
    }
    return flight;
}

/* An empty batch to be filled. */
static enum weft_err begin(struct weft_import_flights *f)
{
    struct weft_import_flight *flight = f->spare;
    if (flight != NULL) {
        f->spare = flight->next;
    } else {
        flight = create_flight(f);
    }
    if (flight == NULL) {
        return WEFT_ENOMEM;
    }
    weft_import_batch_clear(flight->batch);
    flight->was_asked = false;
    f->filling = flight;
    return WEFT_OK;
}

static void wait_below(struct weft_import_flights *f, uint32_t batches)
{
    while (f->batch_count > batches) {
        weft_net_turn(weft_client_net(f->client), TURN_MS);
    }
}

void weft_import_flights_flush(struct weft_import_flights *f)
{
    struct weft_import_flight *flight = f->filling;
    if (flight == NULL || flight->batch->item_count == 0 || f->err != WEFT_OK) {
        return;
    }
    wait_below(f, f->batches_max - 1);
    f->filling = NULL;
    f->batch_count++;
    flight->unanswered = 1; /* Ours, until all is handed over. */
    if (f->is_asking) {
        ask(flight);
    } else {
        state(flight, 0, flight->batch->item_count);
    }
    release(flight);
    /* Send at once: the next item may be long in coming. */
    weft_net_turn(weft_client_net(f->client), 0);
}

static enum weft_err failed(const struct weft_import_flights *f, struct weft_msg *msg)
{
    if (f->err != WEFT_OK) {
        *msg = f->msg;
    }
    return f->err;
}

enum weft_err weft_import_flights_add(struct weft_import_flights *f,
    const struct weft_import_item *item, const char *file_name, struct weft_msg *msg)
{
    enum weft_err err = WEFT_EBUSY;
    for (int tries = 0; tries < 2 && err == WEFT_EBUSY; tries++) {
        if (f->filling == NULL && begin(f) != WEFT_OK) {
            fail(f, WEFT_ENOMEM, "no memory for a batch");
        }
        if (f->err != WEFT_OK) {
            return failed(f, msg);
        }
        err = weft_import_batch_add(f->filling->batch, f->type, item, file_name);
        if (err == WEFT_EBUSY) {
            weft_import_flights_flush(f);
        }
    }
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "%s",
            err == WEFT_EINVAL ? "two of its records expect the same asset not to exist"
                               : weft_err_name(err));
    }
    if (f->filling->batch->item_count == f->items_max) {
        weft_import_flights_flush(f);
    }
    return failed(f, msg);
}

enum weft_err weft_import_flights_finish(struct weft_import_flights *f, struct weft_msg *msg)
{
    weft_import_flights_flush(f);
    wait_below(f, 0);
    return failed(f, msg);
}

void weft_import_flights_init(struct weft_import_flights *f, const struct weft_importer_type *type,
    struct weft_client *client, uint32_t items_max, uint32_t batches_max,
    weft_import_on_refused *on_refused, void *ctx)
{
    *f = (struct weft_import_flights){.type = type,
        .client = client,
        .items_max = items_max,
        .batches_max = batches_max,
        .on_refused = on_refused,
        .ctx = ctx};
}

void weft_import_flights_destroy(struct weft_import_flights *f)
{
    destroy_flight(f->filling);
    while (f->spare != NULL) {
        struct weft_import_flight *flight = f->spare;
        f->spare = flight->next;
        destroy_flight(flight);
    }
}
