/* node/link/link.h: authenticated, ordered, bounded message streams over mutual TLS 1.3.
 *
 * One interface, two implementations: link_nng.c (nng's streams with our OpenSSL engine) and
 * link_direct.c (libuv and OpenSSL). Both speak the same bytes: TLS 1.3, then messages framed
 * by their own envelope (proto/envelope.h), so either end may use either. The supervisor in
 * both: heartbeats, reconnection with back-off, bounded queues, limits on strangers. Everything
 * happens on the loop's thread; callbacks never run inside the call that caused them. Which
 * door uses which, why, and what stands on the wire: node/link/README.md. */
#ifndef WEFT_NODE_LINK_H
#define WEFT_NODE_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "proto/bytes.h"
#include "proto/digest.h"
#include "proto/envelope.h"
#include "proto/err.h"

enum weft_link_type {
    WEFT_LINK_DIRECT,
    WEFT_LINK_NNG
};

enum {
    WEFT_IDENTITY_SIZE = 256
};

/* Who is at the other end, from its certificate: exactly one URI SAN,
 * "spiffe://<org>/<site>/<class>/<name>" (policy.md, section 1). Terminated texts. */
struct weft_identity {
    char uri[WEFT_IDENTITY_SIZE];
    char org[64];
    char site[64];  /* Empty for classes without a site. */
    char class[16]; /* "node", "op", "svc", "auditor", ... */
    char name[64];
    struct weft_digest root; /* SHA-256 of the root that certifies it (DER). */
};

struct weft_link;      /* A door with its connections, or a client's side of one. */
struct weft_link_conn; /* One connection, accepted or dialled. */

struct weft_link_stats {
    uint64_t accepted, refused_tls, refused_identity, refused_limit;
    uint64_t dropped_malformed, dropped_oversized, dropped_silent, dropped_slow;
    uint64_t connects, disconnects;
    uint64_t messages_in, messages_out, bytes_in, bytes_out;
    uint64_t listener_reopened;
};

struct weft_link_callbacks {
    void *ctx;
    /* Before anything else of the connection: may it stay? `reason` is logged. NULL: all. */
    bool (*admit)(
        void *ctx, const struct weft_identity *identity, bool is_dialled, struct weft_msg *reason);
    void (*on_up)(void *ctx, struct weft_link_conn *conn);
    /* One whole message, envelope decoded and its size and version checked, aligned to 8;
     * borrowed. Return anything but WEFT_OK to drop the connection (counted as malformed). */
    enum weft_err (*on_message)(void *ctx, struct weft_link_conn *conn,
        const struct weft_envelope *envelope, struct weft_bytes message);
    /* The other end is gone. An accepted connection is dead after this call; a dialled one
     * tries again by itself. */
    void (*on_down)(void *ctx, struct weft_link_conn *conn);
    /* The queue fell below half after weft_link_send said WEFT_EBUSY. May be NULL. */
    void (*on_drained)(void *ctx, struct weft_link_conn *conn);
    /* A decision worth a log line, e.g. a refused stranger. Rate-limited per cause. */
    void (*on_event)(void *ctx, const char *event, const char *detail);
};

struct weft_link_options {
    uv_loop_t *loop;
    enum weft_link_type type;
    const char *listen;      /* "host:port"; NULL: only dials. Port 0: any free one. */
    const char *ca_file;     /* PEM: the trust root. */
    const char *cert_file;   /* PEM: our certificate. */
    const char *key_file;    /* PEM: its key. */
    size_t message_size_max; /* Received; larger ones drop the connection unread. */
    size_t queue_size_max;   /* Bytes that wait to be sent, per connection. */
    uint32_t connections_max;
    uint32_t handshake_ms; /* From accept to authenticated; then it is dropped. */
    /* Sent when idle; silent for 3 of them, or of the other end's if they are longer: dropped.
     * 0: none. */
    uint32_t heartbeat_ms;
    uint32_t slow_ms;        /* The queue stays full for so long: dropped. 0: 10 s. */
    uint32_t handshakes_max; /* Strangers at a time; the oldest gives way. 0: 256. */
    struct weft_link_callbacks callbacks;
};

/* Keeps nothing of `options` but the loop and the callbacks. WEFT_EINVAL (address, files: says
 * which), WEFT_EUNAVAILABLE (address in use), WEFT_ENOMEM; what had been opened by then closes
 * in the loop's next turns. Ignores SIGPIPE for the whole process. */
WEFT_MUST_USE enum weft_err weft_link_open(
    const struct weft_link_options *options, struct weft_link **ret_link, struct weft_msg *msg);
/* Asynchronous: in the next turn every connection goes down, then on_closed is called, exactly
 * once; the link and all its connections are dead then. Once only. */
void weft_link_close(struct weft_link *link, void (*on_closed)(void *ctx), void *ctx);
/* The bound address as "host:port" (listen with port 0). */
const char *weft_link_address(const struct weft_link *link);
void weft_link_stats(const struct weft_link *link, struct weft_link_stats *ret_stats);
/* Certificates are read again; new connections use them. Old files stay in force on error. */
WEFT_MUST_USE enum weft_err weft_link_reload(struct weft_link *link, struct weft_msg *msg);

/* Is `pem` one root, perhaps with its list of revoked certificates, that speaks for the trust
 * domain `org` and for no other? *ret_root is then as in weft_identity. WEFT_EINVAL says why not.
 */
WEFT_MUST_USE enum weft_err weft_link_check_root(
    struct weft_text pem, const char *org, struct weft_digest *ret_root, struct weft_msg *msg);

/* A connection that dials, and dials again (back-off 50 ms doubling to 1 s) until it is
 * closed. The handle lives until weft_link_conn_close. WEFT_EINVAL: the address. */
WEFT_MUST_USE enum weft_err weft_link_dial(struct weft_link *link, const char *address,
    struct weft_link_conn **ret_conn, struct weft_msg *msg);

/* Copies `message` (a whole one, envelope first) into the queue; all that is queued in one turn
 * of the loop goes out together. WEFT_EBUSY: the queue is full; WEFT_EUNAVAILABLE: down. */
WEFT_MUST_USE enum weft_err weft_link_send(struct weft_link_conn *conn, struct weft_bytes message);
/* The same, and may take the buffer's memory and leave it empty, so that a message of megabytes is
 * not copied. */
WEFT_MUST_USE enum weft_err weft_link_give(
    struct weft_link_conn *conn, struct weft_buffer *message);
/* A dialled connection only: who must be at the other end, by its URI; anybody else is refused
 * as if `admit` had. NULL: whom `admit` admits. */
void weft_link_conn_expect(struct weft_link_conn *conn, const char *uri);
/* What is queued still goes out as far as the socket takes it at once. No callback of it
 * follows; the pointer is dead. Allowed in every callback. */
void weft_link_conn_close(struct weft_link_conn *conn);
bool weft_link_conn_is_up(const struct weft_link_conn *conn);
/* Valid while up. */
const struct weft_identity *weft_link_conn_identity(const struct weft_link_conn *conn);
/* One word for the user of the connection; NULL at first. */
void weft_link_conn_set_user(struct weft_link_conn *conn, void *user);
void *weft_link_conn_user(const struct weft_link_conn *conn);
/* The other end's address, "host:port". */
const char *weft_link_conn_remote(const struct weft_link_conn *conn);
/* Why it last went down or could not come up; "" if it never did. */
const char *weft_link_conn_error(const struct weft_link_conn *conn);
/* Stop or go on reading from it: back-pressure towards one client. */
void weft_link_conn_pause(struct weft_link_conn *conn, bool is_paused);

#endif
