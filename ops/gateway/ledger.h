/* ops/gateway/ledger.h: every command that a gateway has ever had to do with, by its id.
 *
 * A command that is here in another state than "none" is not carried out again, of whatever class
 * it is (GW-3). Shadow and machine are apart: a command has one life on each. What may be
 * forgotten is what no sound bundle can be about any more: its own time is over since an hour, and
 * it is not under way (GW-9). Owns its array; zero-initialized is empty. Pure. */
#ifndef WEFT_OPS_GATEWAY_LEDGER_H
#define WEFT_OPS_GATEWAY_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/command/command_note.h"
#include "policy/command/fence.h"
#include "policy/command/receipt_note.h"

enum {
    WEFT_LEDGER_ITEMS_MAX = 1024 * 1024, /* chosen: 150 MiB; two years of a command a minute */
    WEFT_LEDGER_FORGET_S = 3600,         /* chosen: behind a command's own time */
};

struct weft_ledger_item {
    uint8_t id[WEFT_COMMAND_ID_SIZE];
    bool is_used;
    bool is_shadow;
    uint16_t channel; /* Of the gateway, by number. */
    enum weft_command_class class;
    enum weft_receipt_state state;
    struct weft_digest digest;
    struct weft_fence fence; /* Under which it is or was carried out. */
    struct weft_fence asked; /* Somebody was told that below it, it never will be. */
    int64_t at_ns;           /* Of its state. */
    int64_t not_after_ns;
};

struct weft_ledger {
    struct weft_ledger_item *items;
    uint32_t count;
    uint32_t capacity;  /* A power of two, or 0. */
    uint32_t count_max; /* 0: WEFT_LEDGER_ITEMS_MAX. */
};

void weft_ledger_destroy(struct weft_ledger *ledger);

/* NULL: never seen. Borrowed until the next put. */
struct weft_ledger_item *weft_ledger_find(
    const struct weft_ledger *ledger, const uint8_t id[WEFT_COMMAND_ID_SIZE], bool is_shadow);
/* That of the id, or a new one, of which only id and shadow are set. Forgets first what may be
 * forgotten at now_ns if it is full. WEFT_ETOOBIG: it is full still; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_ledger_put(struct weft_ledger *ledger,
    const uint8_t id[WEFT_COMMAND_ID_SIZE], bool is_shadow, int64_t now_ns,
    struct weft_ledger_item **ret_item);

#endif
