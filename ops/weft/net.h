/* ops/weft/net.h: the loop and the link that clients share. Private to net.c, client.c and
 * ops/gateway/plant_client.c, whose timers run on the loop. */
#ifndef WEFT_OPS_NET_H
#define WEFT_OPS_NET_H

#include "node/link/link.h"
#include "ops/weft/client.h"

enum {
    WEFT_NET_TICK_MS = 10, /* How often deadlines and back-offs are looked at. */
};

struct weft_net {
    uv_loop_t loop;
    struct weft_link *link;
    uv_timer_t tick;   /* Runs while a client waits for something. */
    uv_timer_t wakeup; /* Bounds a turn. */
    struct weft_client *clients;
    struct weft_speaker *speaker; /* NULL: the identity speaks. */
    struct weft_arena arena;      /* Of the answer being decoded. */
    bool is_closed;
};

/* What the link says, handed to the client of the connection. */
void weft_client_on_up(struct weft_client *client);
void weft_client_on_down(struct weft_client *client);
void weft_client_on_drained(struct weft_client *client);
/* Anything but WEFT_OK drops the connection. */
WEFT_MUST_USE enum weft_err weft_client_on_message(
    struct weft_client *client, struct weft_bytes message);
/* Something waits for time to pass: true. */
bool weft_client_tick(struct weft_client *client, uint64_t now_ms);
struct weft_client *weft_client_next(const struct weft_client *client);

#endif
