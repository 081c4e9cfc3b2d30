/* node/witnessing.h: a node cosigns the checkpoints of other sites' audit logs (C2SP tlog-witness).
 *
 * What is decided is policy/witness.h's. Here are the logs that it knows and the last checkpoint
 * of each that it cosigned, which is on the disk before the cosignature leaves (NOD-162): one
 * request after the other, so that comparing and swapping is one step. Two checkpoints that
 * contradict each other are kept. The key is of class wit, and signs nothing else. The loop's; the
 * disk is written by the pool. */
#ifndef WEFT_NODE_WITNESSING_H
#define WEFT_NODE_WITNESSING_H

#include <uv.h>

#include "node/proposer.h"
#include "policy/witness.h"

struct weft_witnessing;

enum {
    WEFT_WITNESSING_LOGS_MAX = 32,
    WEFT_WITNESSING_WAITING_MAX = 64, /* Requests; chosen: 4 MiB of bodies. */
};

struct weft_witnessing_options {
    uv_loop_t *loop;
    const char *directory;    /* Of the records; made if it does not exist. */
    const char *key_file;     /* PKCS #8, without passphrase. */
    const char *logs_file;    /* A vkey on each line; those of one name are keys of one log. */
    const char *log_key_file; /* Whose key it must not be: the audit log's own. */
    const char *name;         /* "<org>/<site>/wit/<name>" */
    void *ctx;
    /* The answer to a request: HTTP's status, and `text` of that type. Borrowed. */
    void (*answer)(void *ctx, const struct weft_waiter *waiter, unsigned status, const char *type,
        struct weft_text text);
};

/* No key file: *ret_witnessing is NULL, and nothing is cosigned here. WEFT_EINVAL: a file says what
 * it may not; WEFT_ECORRUPT: a record is damaged: what was cosigned is not known. WEFT_EIO,
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_witnessing_open(const struct weft_witnessing_options *options,
    struct weft_witnessing **ret_witnessing, struct weft_msg *msg);
/* Waiting requests are answered 503. */
void weft_witnessing_close(
    struct weft_witnessing *witnessing, void (*on_closed)(void *ctx), void *ctx);

/* The body of POST add-checkpoint, copied; answered once, now or later. `now_s`: since 1970. */
void weft_witnessing_ask(struct weft_witnessing *witnessing, struct weft_bytes body,
    const struct weft_waiter *waiter, uint64_t now_s);

#endif
