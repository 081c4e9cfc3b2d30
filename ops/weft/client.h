/* ops/weft/client.h: a client of a site: requests over a link of its own, until they are answered.
 *
 * A net is a loop and a link; any number of clients, one connection each, share it. A client
 * follows the leader that nodes name, tries other endpoints when one does not answer, waits
 * with a back-off, and sends a request again under its old ids: a commit counts once however
 * often it is sent. Requests are sent in the order they were submitted, and again in that order
 * after a lost connection. Single-threaded: everything happens within weft_net_turn. */
#ifndef WEFT_OPS_CLIENT_H
#define WEFT_OPS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/weft/context.h"
#include "proto/client.h"

struct weft_net;
struct weft_speaker;
struct weft_client;

enum {
    WEFT_CLIENT_TIMEOUT_MS = 10000, /* --timeout; chosen: several elections */
    WEFT_CLIENT_REQUESTS_MAX = 65536,
};

/* `err` WEFT_OK: `answer` is what was asked for. Otherwise `msg` says why; `answer` is then the
 * ERROR that came, or NULL if none did. Borrowed. May submit further requests. */
typedef void weft_client_on_answer(void *ctx, enum weft_err err,
    const struct weft_client_message *answer, const struct weft_msg *msg);

/* WEFT_EINVAL: the identity's files. */
WEFT_MUST_USE enum weft_err weft_net_open(
    const char *identity, struct weft_net **ret_net, struct weft_msg *msg);
/* All requests of its clients are said by it, which is the net's from now on; NULL: by whom the
 * identity is. */
void weft_net_speak(struct weft_net *net, struct weft_speaker *speaker);
/* After its clients are destroyed. Accepts NULL. */
void weft_net_close(struct weft_net *net);
/* Do what is to be done, waiting at most `wait_ms` for something to do. */
void weft_net_turn(struct weft_net *net, uint32_t wait_ms);
/* Turn until `fd` (a pipe, socket or terminal) can be read, or for `wait_ms`. True: it can. */
bool weft_net_wait_readable(struct weft_net *net, int fd, uint32_t wait_ms);
uint64_t weft_net_now_ms(const struct weft_net *net);

/* `is_pinned`: stay with the first endpoint, whoever leads. */
WEFT_MUST_USE enum weft_err weft_client_create(struct weft_net *net,
    const struct weft_context *context, uint64_t timeout_ms, bool is_pinned,
    struct weft_client **ret_client, struct weft_msg *msg);
/* From now on a request is sent at most once: what a node refuses for the moment, and what a lost
 * connection leaves open, is told at once instead of being tried again. */
void weft_client_attempt_once(struct weft_client *client);
/* Requests that wait are forgotten, without callback. Accepts NULL. */
void weft_client_destroy(struct weft_client *client);

/* A further client on one endpoint: for asking each node of a site. */
WEFT_MUST_USE enum weft_err weft_client_pin(struct weft_net *net, const char *endpoint,
    uint64_t timeout_ms, struct weft_client **ret_client, struct weft_msg *msg);

/* Encode and queue. `message`'s request_id is not read. The callback comes exactly once, never
 * before this returns, unless the client is destroyed.
 * WEFT_EBUSY: WEFT_CLIENT_REQUESTS_MAX outstanding; WEFT_ETOOBIG; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_client_submit(struct weft_client *client,
    const struct weft_client_message *message, weft_client_on_answer *on_answer, void *ctx);
/* The same for an encoded message, whose envelope's request id is written over. */
WEFT_MUST_USE enum weft_err weft_client_submit_raw(struct weft_client *client,
    struct weft_bytes message, weft_client_on_answer *on_answer, void *ctx);
uint32_t weft_client_outstanding(const struct weft_client *client);
/* Of the request answered last, in its callback and until the next: it was sent, perhaps, and
 * nothing came back, so that it may be done, or be done yet. Without doubt and answer: it never
 * left. */
bool weft_client_is_in_doubt(const struct weft_client *client);
/* Requests that were sent more than once so far. */
uint64_t weft_client_repeats(const struct weft_client *client);
struct weft_net *weft_client_net(const struct weft_client *client);
/* The endpoint in use, "host:port". */
const char *weft_client_endpoint(const struct weft_client *client);

/* Submit, and turn until it is answered. Everything in *ret_answer lives in the arena. The
 * error's text is in `msg`; *ret_answer is set too if an ERROR came (kind ERROR), else its kind
 * is 0. */
WEFT_MUST_USE enum weft_err weft_client_call(struct weft_client *client,
    const struct weft_client_message *message, struct weft_arena *arena,
    struct weft_client_message *ret_answer, struct weft_msg *msg);

/* With the speaker that the options say. As weft_speaker_open, weft_net_open. */
WEFT_MUST_USE enum weft_err weft_net_from_args(const struct weft_args *args,
    const struct weft_context *context, struct weft_net **ret_net, struct weft_msg *msg);
/* From the command line: context, --timeout, a net and one client on it. */
WEFT_MUST_USE enum weft_err weft_client_from_args(const struct weft_args *args,
    struct weft_net **ret_net, struct weft_client **ret_client, struct weft_msg *msg);
/* A client for the time of `run`; complains about what went wrong. */
enum weft_exit weft_with_client(const struct weft_args *args,
    enum weft_err (*run)(const struct weft_args *, struct weft_client *, struct weft_msg *));

#endif
