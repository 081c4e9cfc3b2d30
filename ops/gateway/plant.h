/* ops/gateway/plant.h: a gateway's plant as its driver sees it: what is to be done, what was done.
 *
 * The real one dials the plant's nodes (plant_client.h); tests have one in the same process. All on
 * the loop's thread; no callback runs inside the call that caused it. Nothing that comes is
 * believed here: bundles prove themselves, and a question binds no more than its command. */
#ifndef WEFT_OPS_GATEWAY_PLANT_H
#define WEFT_OPS_GATEWAY_PLANT_H

#include "ops/gateway/actor.h"
#include "ops/gateway/alarms.h"

struct weft_plant; /* Starts with a pointer to its type. */

/* Texts are borrowed. */
struct weft_plant_callbacks {
    void *ctx;
    /* A node answers, or none does. */
    void (*on_plant)(void *ctx, bool is_up);
    /* Perhaps more than once, and in any order. */
    void (*on_bundle)(void *ctx, struct weft_text bundle);
    void (*on_ask)(void *ctx, const struct weft_actor_ask *ask);
    /* The receipt stands in the log, or will never be taken: `why` says so, else NULL. */
    void (*on_settled)(void *ctx, uint64_t counter, const char *why);
    void (*on_notice)(void *ctx, const char *word, const char *text);
    /* The alarm stands in the log, or will never be taken: `why` says so; "": it can come again. */
    void (*on_alarmed)(void *ctx, const char *why);
};

struct weft_plant_type {
    const char *name;
    /* A signed receipt on its way. The same counter may come again. */
    void (*send)(struct weft_plant *plant, uint64_t counter, const uint8_t id[WEFT_COMMAND_ID_SIZE],
        struct weft_text note);
    /* Behind the last of a turn. NULL: this plant does not wait for it. */
    void (*flush)(struct weft_plant *plant);
    /* What a machine shows, for people and twins; may be left out when there is too much. */
    void (*show)(struct weft_plant *plant, struct weft_text asset,
        const struct weft_reading *readings, uint32_t count);
    /* One for people, on the machine's asset, exactly once; one on its way at a time. False: it is
     * not on its way. NULL: this plant takes none. */
    bool (*alarm)(struct weft_plant *plant, struct weft_text asset, struct weft_text channel,
        const struct weft_alarm *alarm);
    /* Frees it, in a later turn. */
    void (*close)(struct weft_plant *plant);
};

struct weft_plant {
    const struct weft_plant_type *type;
};

#endif
