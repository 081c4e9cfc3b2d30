/* ops/weft/import_flight.h: batches of an import on their way: sent ahead of their answers, asked
 * for where they may be there already, taken apart where one of them is refused.
 *
 *             conflict                 some are there         refused, or
 *   SENT -----------------> ASKED -----------------------> SENT, the rest of it
 *     |  refused otherwise     ^                              | again in conflict
 *     |                        | after a batch of which       v
 *     +------> SINGLES         | something was there      SINGLES: each item by itself
 */
#ifndef WEFT_OPS_IMPORT_FLIGHT_H
#define WEFT_OPS_IMPORT_FLIGHT_H

#include "ops/weft/client.h"
#include "ops/weft/command.h"
#include "ops/weft/import_batch.h"

typedef void weft_import_on_refused(
    void *ctx, const char *place, enum weft_err err, const char *reason);

struct weft_import_counts {
    uint64_t imported, unchanged, refused; /* Items. */
    uint64_t records, commits;             /* That this import made. */
    enum weft_exit worst;                  /* Of the first refusal. */
};

struct weft_import_flight;

struct weft_import_flights {
    const struct weft_importer_type *type;
    struct weft_client *client;
    struct weft_import_flight *filling;
    struct weft_import_flight *spare;
    uint32_t items_max;   /* In one commit. */
    uint32_t batches_max; /* On their way. */
    uint32_t batch_count; /* That are. */
    uint64_t begun_index; /* What was committed up to it was there before the import. */
    bool is_asking;       /* The last batch was there, in part: ask before stating. */
    struct weft_import_counts counts;
    weft_import_on_refused *on_refused;
    void *ctx;
    enum weft_err err; /* The first answer that ends the import. */
    struct weft_msg msg;
};

void weft_import_flights_init(struct weft_import_flights *f, const struct weft_importer_type *type,
    struct weft_client *client, uint32_t items_max, uint32_t batches_max,
    weft_import_on_refused *on_refused, void *ctx);
/* Copies the item. WEFT_ETOOBIG, WEFT_EINVAL: this one cannot be committed. Others end it. */
WEFT_MUST_USE enum weft_err weft_import_flights_add(struct weft_import_flights *f,
    const struct weft_import_item *item, const char *file_name, struct weft_msg *msg);
/* Send what there is, even if the batch is not full. */
void weft_import_flights_flush(struct weft_import_flights *f);
/* Flush, and wait for all answers. */
WEFT_MUST_USE enum weft_err weft_import_flights_finish(
    struct weft_import_flights *f, struct weft_msg *msg);
void weft_import_flights_count_refused(struct weft_import_flights *f, enum weft_err err);
void weft_import_flights_destroy(struct weft_import_flights *f);

#endif
