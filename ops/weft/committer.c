#include "ops/weft/committer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "proto/arith.h"
#include "proto/digest.h"
#include "proto/limits.h"
#include "proto/time.h"

enum {
    BATCH_ARENA_SIZE_MAX = 256 * 1024 * 1024,
    /* Per record beside its own encoding: its offset in the vector, alignment. */
    RECORD_OVERHEAD = 32,
    COMMIT_OVERHEAD = 256,
    TURN_MS = 1000,
};

/* --- request ids ------------------------------------------------------------------------- */

/* The id of a batch: the same input under the same --request-id gives the same ids, so that a
 * repeated put is recognized batch by batch. */
static enum weft_err id_of_batch(struct weft_committer *c, struct weft_request_id *ret_id)
{
    if (!c->has_request_id) {
        return getrandom(ret_id->bytes, sizeof(ret_id->bytes), 0) == sizeof(ret_id->bytes)
                   ? WEFT_OK
                   : WEFT_EIO;
    }
    if (c->is_atomic) {
        *ret_id = c->request_id;
        return WEFT_OK;
    }
    uint8_t input[sizeof(c->request_id.bytes) + sizeof(uint64_t)];
    memcpy(input, c->request_id.bytes, sizeof(c->request_id.bytes));
    weft_put_be64(input + sizeof(c->request_id.bytes), c->batches);
    struct weft_digest digest = weft_sha256(input, sizeof(input));
    memcpy(ret_id->bytes, digest.bytes, sizeof(ret_id->bytes));
    return WEFT_OK;
}

/* --- answers ----------------------------------------------------------------------------- */

/* One commit on its way. */
struct flight {
    struct weft_committer *committer;
    uint32_t first_line, last_line;
};

static void on_answer(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct flight *flight = ctx;
    struct weft_committer *c = flight->committer;
    if (err == WEFT_OK) {
        const struct weft_commit_result *result = &answer->commit_result;
        c->commits++;
        c->committed += result->receipt_count;
        c->repeated += result->repeated ? 1 : 0;
        c->on_commit(c->ctx, result, flight->first_line, flight->last_line);
    } else if (c->err == WEFT_OK) {
        c->err = flight->first_line == flight->last_line
                     ? weft_fail(&c->msg, err, "line %u: %s", flight->first_line, msg->text)
                     : weft_fail(&c->msg, err, "lines %u to %u: %s", flight->first_line,
                           flight->last_line, msg->text);
    }
    free(flight);
}

/* --- batches ----------------------------------------------------------------------------- */

enum weft_err weft_committer_init(struct weft_committer *c, struct weft_client *client,
    uint32_t batch_max, uint32_t outstanding_max, weft_committer_on_commit *on_commit, void *ctx,
    struct weft_msg *msg)
{
    bool is_atomic = batch_max == 0;
    *c = (struct weft_committer){.client = client,
        .batch_max = is_atomic ? WEFT_COMMIT_RECORDS_MAX : batch_max,
        .outstanding_max = outstanding_max,
        .is_atomic = is_atomic,
        .on_commit = on_commit,
        .ctx = ctx,
        .arena = {.size_max = BATCH_ARENA_SIZE_MAX},
        .size_bytes = COMMIT_OVERHEAD};
    c->records = calloc(c->batch_max, sizeof(*c->records));
    return c->records != NULL ? WEFT_OK : weft_fail(msg, WEFT_ENOMEM, "no memory for a batch");
}

struct weft_arena *weft_committer_arena(struct weft_committer *c)
{
    return &c->arena;
}

static enum weft_err failed(const struct weft_committer *c, struct weft_msg *msg)
{
    if (c->err != WEFT_OK) {
        *msg = c->msg;
    }
    return c->err;
}

static void wait_below(struct weft_committer *c, uint32_t outstanding)
{
    while (weft_client_outstanding(c->client) > outstanding) {
        weft_net_turn(weft_client_net(c->client), TURN_MS);
    }
}

enum weft_err weft_committer_flush(struct weft_committer *c, struct weft_msg *msg)
{
    struct weft_client_message message = {.kind = WEFT_KIND_COMMIT};
    if (c->count == 0 || c->err != WEFT_OK) {
        return failed(c, msg);
    }
    wait_below(c, c->outstanding_max - 1);
    if (c->err != WEFT_OK) {
        return failed(c, msg);
    }
    struct flight *flight = malloc(sizeof(*flight));
    enum weft_err err = flight != NULL ? id_of_batch(c, &message.commit.request_id) : WEFT_ENOMEM;
    if (err == WEFT_OK) {
        *flight = (struct flight){c, c->first_line, c->last_line};
        message.commit.records = c->records;
        message.commit.record_count = c->count;
        err = weft_client_submit(c->client, &message, on_answer, flight);
    }
    if (err != WEFT_OK) {
        free(flight);
        c->err = weft_fail(&c->msg, err, "lines %u to %u: the commit cannot be sent: %s",
            c->first_line, c->last_line, weft_err_name(err));
        return failed(c, msg);
    }
    c->batches++;
    c->count = 0;
    c->size_bytes = COMMIT_OVERHEAD;
    weft_arena_reset(&c->arena);
    /* Send at once: the next record may be long in coming. */
    weft_net_turn(weft_client_net(c->client), 0);
    return failed(c, msg);
}

/* What the record will take in a commit. */
static enum weft_err measure(const struct weft_record *record, size_t *ret_size)
{
    struct weft_buffer bytes = {0};
    enum weft_err err = weft_record_encode(record, &bytes);
    *ret_size = bytes.size + RECORD_OVERHEAD;
    weft_buffer_destroy(&bytes);
    return err;
}

enum weft_err weft_committer_add(
    struct weft_committer *c, const struct weft_record *record, uint32_t line, struct weft_msg *msg)
{
    size_t size = 0;
    enum weft_err err = measure(record, &size);
    if (err != WEFT_OK) {
        return weft_fail(msg, err, "line %u: %s", line, weft_err_name(err));
    }
    if (size + COMMIT_OVERHEAD > WEFT_COMMIT_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "line %u: %zu bytes, a commit holds %d", line, size,
            WEFT_COMMIT_SIZE_MAX);
    }
    bool is_full = c->count == c->batch_max || c->size_bytes + size > WEFT_COMMIT_SIZE_MAX;
    if (is_full && c->is_atomic) {
        return weft_fail(msg, WEFT_ETOOBIG,
            "line %u: more than fits into one commit (%d records, %d bytes); --batch N makes "
            "several, each all or nothing by itself",
            line, WEFT_COMMIT_RECORDS_MAX, WEFT_COMMIT_SIZE_MAX);
    }
    if (is_full) {
        /* The record lives in the arena that the flush empties: it is taken along. */
        struct weft_buffer bytes = {0};
        struct weft_record again = *record;
        err = weft_record_encode(record, &bytes);
        err = err == WEFT_OK ? weft_committer_flush(c, msg) : err;
        uint8_t *copy = err == WEFT_OK ? weft_arena_alloc(&c->arena, bytes.size) : NULL;
        if (copy != NULL) {
            memcpy(copy, bytes.data, bytes.size);
            err = weft_record_decode((struct weft_bytes){copy, bytes.size}, &c->arena, &again);
        }
        weft_buffer_destroy(&bytes);
        if (err != WEFT_OK || copy == NULL) {
            return err != WEFT_OK ? err : weft_fail(msg, WEFT_ENOMEM, "line %u: no memory", line);
        }
        c->records[c->count++] = again;
    } else {
        c->records[c->count++] = *record;
    }
    c->size_bytes += size;
    c->first_line = c->count == 1 ? line : c->first_line;
    c->last_line = line;
    return c->count == c->batch_max && !c->is_atomic ? weft_committer_flush(c, msg)
                                                     : failed(c, msg);
}

enum weft_err weft_committer_finish(struct weft_committer *c, struct weft_msg *msg)
{
    enum weft_err err = weft_committer_flush(c, msg);
    wait_below(c, 0);
    return err != WEFT_OK ? err : failed(c, msg);
}

void weft_committer_abandon(struct weft_committer *c)
{
    c->count = 0;
    wait_below(c, 0);
}

void weft_committer_destroy(struct weft_committer *c)
{
    weft_arena_destroy(&c->arena);
    free(c->records);
    c->records = NULL;
}
