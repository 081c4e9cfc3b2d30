/* ops/gateway/alarms.h: what a gateway tells its plant that people are called for, until it is
 * told.
 *
 * Alarms of a channel and a word are one while they wait, and one in so many seconds: whoever sends
 * rubbish makes no flood of records. Each has an id of its own, so that it is there once however
 * often it is sent. What a kill takes is in the log of the gateway alone. Pure: times and ids are
 * given. Words: ops/gateway/README.md. */
#ifndef WEFT_OPS_GATEWAY_ALARMS_H
#define WEFT_OPS_GATEWAY_ALARMS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/record.h"

enum {
    WEFT_ALARMS_MAX = 64,             /* that wait; beyond it the newest are left out */
    WEFT_ALARMS_EVERY_MS = 10 * 1000, /* chosen: of a channel and a word */
    WEFT_ALARMS_WORD_SIZE = 32,
    WEFT_ALARMS_TEXT_SIZE = 256,
};

struct weft_alarm {
    uint32_t channel;
    char word[WEFT_ALARMS_WORD_SIZE]; /* "fence", "signature", "plant-lost", ... */
    char code[WEFT_ALARMS_WORD_SIZE]; /* "": none. Of a signature: what is not sound. */
    char text[WEFT_ALARMS_TEXT_SIZE]; /* Of the first. */
    uint64_t count;                   /* How often it was, since it was told last. */
    struct weft_request_id id;
    uint64_t due_ms;
};

struct weft_alarms {
    struct weft_alarm waiting[WEFT_ALARMS_MAX]; /* In order. */
    uint32_t count;
    bool is_flying;                          /* The first of them is on its way. */
    struct weft_alarm told[WEFT_ALARMS_MAX]; /* Of late; due_ms: when the next may be. */
    uint32_t told_count;
    uint64_t left_out;
};

/* Is it one that the plant does not make itself of the receipts? *ret_code: what is not sound. */
bool weft_alarms_is_told(const char *word, const char **ret_word, const char **ret_code);

/* `id`: a new one, drawn at random. */
void weft_alarms_raise(struct weft_alarms *alarms, const struct weft_alarm *alarm, uint64_t now_ms);
/* What is to be sent now: it is on its way. NULL: nothing, or something is. */
const struct weft_alarm *weft_alarms_next(struct weft_alarms *alarms, uint64_t now_ms);
/* It was taken, or never will be; false: it comes again, under the same id. */
void weft_alarms_settle(struct weft_alarms *alarms, bool is_over, uint64_t now_ms);

#endif
