/* ops/gateway/gateway.h: the driver of an actor: its journal, machines, plant and clock.
 *
 * Events of one turn of the loop are stepped in first, then all that follows is carried out, each
 * effect before the next; so what came together is durable with one sync. It stops when its journal
 * fails: a gateway that cannot remember must not act. */
#ifndef WEFT_OPS_GATEWAY_GATEWAY_H
#define WEFT_OPS_GATEWAY_GATEWAY_H

#include "ops/gateway/journal.h"
#include "ops/gateway/machine.h"
#include "ops/gateway/plant.h"
#include "policy/signer.h"

struct weft_gateway;

/* A line of the log: words that never change, and text. */
typedef void weft_gateway_on_log(void *ctx, const char *level, const char *word, const char *text);
/* It cannot go on: end the process. */
typedef void weft_gateway_on_end(void *ctx, enum weft_err err, const char *text);

struct weft_gateway_channel {
    struct weft_text name;  /* "site/gateway/machine" */
    struct weft_text asset; /* What it shows is of this; empty: it shows nothing. */
    uint64_t lost_ms;       /* So long without a plant, and it is brought into its safe state. */
    uint64_t show_ms;       /* What it shows, at most this often. */
};

struct weft_gateway_options {
    uv_loop_t *loop;
    const char *directory;                /* Of the journal. */
    const struct weft_proof_trust *trust; /* Kept. */
    const struct weft_signer *signer;     /* Of receipts; kept. */
    const struct weft_gateway_channel *channels;
    uint32_t channel_count;
    weft_gateway_on_log *on_log;
    weft_gateway_on_end *on_end;
    void *ctx;
};

/* Reads the journal. Machines and the plant are added before the loop runs. As weft_journal_open,
 * weft_actor_load. */
WEFT_MUST_USE enum weft_err weft_gateway_open(const struct weft_gateway_options *options,
    struct weft_gateway **ret_gateway, struct weft_msg *msg);
/* What machines and the plant are to call. */
struct weft_machine_callbacks weft_gateway_machine_callbacks(struct weft_gateway *gateway);
struct weft_plant_callbacks weft_gateway_plant_callbacks(struct weft_gateway *gateway);
/* Takes them: closed by weft_gateway_close. Channels by their place in the options. */
void weft_gateway_set_machine(
    struct weft_gateway *gateway, uint32_t channel, struct weft_machine *machine);
void weft_gateway_set_plant(struct weft_gateway *gateway, struct weft_plant *plant);

/* What was begun is carried on until then; afterwards only what is on the disk counts. Frees it in
 * a later turn of the loop. */
void weft_gateway_close(struct weft_gateway *gateway);

struct weft_gateway_counts {
    uint64_t acts;
    uint64_t refusals; /* Of bundles that were not sound. */
    uint64_t frames;
    uint64_t journal_bytes;
    uint32_t unsettled;
    uint32_t commands;
};
struct weft_gateway_counts weft_gateway_count(const struct weft_gateway *gateway);

#endif
