/* ops/gateway/plant_client.h: the gateway's plant over the client door of its nodes.
 *
 * It dials out (ops/weft/client.h), asks for the list of commands, then watches for steps of the
 * leader that are about its channels: at a dispatch it asks for the bundle, until a checkpoint
 * covers it; at a question it asks for the command and passes the question on. Receipts are
 * commits, in order for each command, under request ids that follow from their text, so that one
 * that was sent twice stands once. Nothing is remembered here: after a lost connection the list is
 * asked for again. */
#ifndef WEFT_OPS_GATEWAY_PLANT_CLIENT_H
#define WEFT_OPS_GATEWAY_PLANT_CLIENT_H

#include "ops/gateway/plant.h"
#include "ops/weft/client.h"

struct weft_plant_client_options {
    struct weft_net *net;          /* Kept; its loop is the gateway's. */
    struct weft_client *client;    /* Taken. */
    struct weft_text channel_stem; /* "site/gateway/": whose commands are ours; kept. */
    struct weft_plant_callbacks callbacks;
};

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_plant_client_open(const struct weft_plant_client_options *options,
    struct weft_plant **ret_plant, struct weft_msg *msg);

/* What can be read of the text that a node answers about a command (node/state/README.md,
 * Commands): pure. False: it is not one. */
struct weft_plant_command {
    struct weft_text state;
    struct weft_digest digest;
    struct weft_fence asked; /* Zeros: nobody asked. */
    struct weft_text channel;
};
bool weft_plant_command_parse(struct weft_text text, struct weft_plant_command *ret_command);
/* A line of the list: "<id> <state> ... <channel> ...". False: it is not one. */
bool weft_plant_line_parse(struct weft_text line, uint8_t ret_id[WEFT_COMMAND_ID_SIZE],
    struct weft_text *ret_state, struct weft_text *ret_channel);

#endif
