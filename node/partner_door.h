/* node/partner_door.h: the partner door: connections with the sites of partners, and who they are.
 *
 * A partner is known by what operators pinned of him: his site, the root that certifies his nodes,
 * and where they can be reached. Whoever comes, or is called, must have a certificate of class
 * "partner" of that site and below that root (NOD-240); nobody else is admitted. One endpoint after
 * the other of each partner is called until one stays, since it is the leader of a site that
 * speaks: a node that does not lead hangs up. What is said is partners.h's. The loop's. */
#ifndef WEFT_NODE_PARTNER_DOOR_H
#define WEFT_NODE_PARTNER_DOOR_H

#include "node/link/link.h"
#include "proto/limits.h"

enum {
    WEFT_PARTNER_DOOR_MAX = 256,     /* Partners; chosen. */
    WEFT_PARTNER_ENDPOINTS_MAX = 8,  /* Of one; chosen: as a site has members. */
    WEFT_PARTNER_ACCEPTED_MAX = 2,   /* Of one; the newest stays: an old one may be dead. */
    WEFT_PARTNER_DIAL_MS = 2000,     /* An endpoint that is not up by then: the next one. */
    WEFT_PARTNER_REST_MS_MIN = 50,   /* Between two endpoints, once all were tried, ... */
    WEFT_PARTNER_REST_MS_MAX = 2000, /* ...doubling. Chosen. */
    WEFT_PARTNER_QUEUE_SIZE_MAX = 8 * 1024 * 1024, /* Waits to be sent to one; four batches. */
};

struct weft_partner_door;
struct weft_partner_conn; /* One connection that is up. */

/* What is pinned of a partner. */
struct weft_partner_place {
    struct weft_text site;      /* "<org>/<site>" */
    struct weft_text endpoints; /* One to a line. */
    struct weft_text ca;        /* PEM. */
};

struct weft_partner_door_callbacks {
    void *ctx;
    void (*on_up)(void *ctx, struct weft_partner_conn *conn);
    /* A whole message, borrowed, aligned to 8. Not WEFT_OK: the connection is dropped. */
    enum weft_err (*on_message)(
        void *ctx, struct weft_partner_conn *conn, struct weft_bytes message);
    /* It is dead after this call. */
    void (*on_down)(void *ctx, struct weft_partner_conn *conn);
    /* Half of a full queue has gone. */
    void (*on_drained)(void *ctx, struct weft_partner_conn *conn);
};

struct weft_partner_door_options {
    struct weft_link_options link; /* ca_file and callbacks are the door's. listen: may be NULL. */
    const char *roots_file;        /* Of the door: what partners' roots are written to. */
    struct weft_partner_door_callbacks callbacks;
};

struct weft_partner_link {
    bool is_dialled;   /* Up, ... */
    uint32_t accepted; /* ...and how many were accepted. */
    uint64_t bytes_in, bytes_out, connects;
};

/* Nothing is opened before there is a partner whose root counts. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_partner_door_open(const struct weft_partner_door_options *options,
    struct weft_partner_door **ret_door, struct weft_msg *msg);
/* No callback follows but on_down. Asynchronous. */
void weft_partner_door_close(struct weft_partner_door *door, void (*on_closed)(void *), void *ctx);

/* These are the partners now. What changed of one ends his connections; one whose root or endpoints
 * do not count is told of in the log, and harms no other. WEFT_ENOMEM, or as files and links fail:
 * not all of it is so yet, and the same is to be said again, later. */
WEFT_MUST_USE enum weft_err weft_partner_door_update(
    struct weft_partner_door *door, const struct weft_partner_place *places, uint32_t count);
/* Only who leads calls, and is called: else every connection ends. Dials what is due. */
void weft_partner_door_turn(struct weft_partner_door *door, bool is_leading, uint64_t now_ms);
uint64_t weft_partner_door_deadline(const struct weft_partner_door *door);
/* Certificates are read again. */
WEFT_MUST_USE enum weft_err weft_partner_door_reload(
    struct weft_partner_door *door, struct weft_msg *msg);

/* WEFT_EBUSY: the queue is full; on_drained follows. */
WEFT_MUST_USE enum weft_err weft_partner_door_send(
    struct weft_partner_conn *conn, struct weft_bytes message);
void weft_partner_door_pause(struct weft_partner_conn *conn, bool is_paused);
/* on_down follows, within the call. */
void weft_partner_door_hang_up(struct weft_partner_door *door, struct weft_partner_conn *conn);
/* Whose it is: "<org>/<site>"; who is there, as a URI. */
const char *weft_partner_door_site(const struct weft_partner_conn *conn);
const char *weft_partner_door_identity(const struct weft_partner_conn *conn);
bool weft_partner_door_is_dialled(const struct weft_partner_conn *conn);

/* For its figures; NULL: there is no link yet. */
const struct weft_link *weft_partner_door_of(const struct weft_partner_door *door);
/* False: no such partner. */
bool weft_partner_door_link(const struct weft_partner_door *door, struct weft_text site,
    struct weft_partner_link *ret_link);

#endif
