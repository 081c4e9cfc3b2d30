/* federation/recovery.h: how a provider that came from a backup gets its own leaves back from its
 * partner, who holds them and the head that was signed over them.
 *
 * State of one connection, as sender.h; what changes the stream is a provider.h event in apply. The
 * partner is believed nothing: its answers lead to the head, or they are not taken. */
#ifndef WEFT_FEDERATION_RECOVERY_H
#define WEFT_FEDERATION_RECOVERY_H

#include "federation/batch.h"
#include "federation/fork.h"
#include "federation/provider.h"

enum weft_recovery_act {
    WEFT_RECOVERY_WAITS,
    WEFT_RECOVERY_ASKS,    /* Send what was appended to `out`: a question about the fork. */
    WEFT_RECOVERY_WANTS,   /* Send a hello for its own stream: leaves from `next` on. */
    WEFT_RECOVERY_REWINDS, /* In apply: weft_provider_rewind to `next` leaves; then applied. */
    WEFT_RECOVERY_APPENDS, /* In apply: weft_provider_recover for each entry; then applied. */
    WEFT_RECOVERY_SPLITS, /* What its own state knows to be signed is another tree: equivocation. */
    WEFT_RECOVERY_ENDS,   /* It has all that was signed. */
};

/* Embed by value; zero-initialized waits. */
struct weft_recovery {
    bool is_forking; /* A question is under way. */
    bool is_wanting; /* Leaves are. */
    uint64_t next;   /* WANTS, REWINDS: how many leaves both have. */
    struct weft_fork fork;
};

/* A partner came who has the fence's tree whole, so that nothing needs to be shown first: as of one
 * that operators agreed on, which has no signatures. */
bool weft_recovery_may_begin(
    const struct weft_provider *provider, const struct weft_stream_hello *hello);
/* The provider is behind its fence. ASKS, WANTS. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_recovery_begin(struct weft_recovery *recovery,
    const struct weft_provider *provider, struct weft_buffer *out, enum weft_recovery_act *ret_act,
    struct weft_msg *msg);
/* An answer about the fork. `node` is of the own tree. ASKS, WANTS, REWINDS, SPLITS; WAITS: nothing
 * was asked. WEFT_EMALFORMED, WEFT_EBADSIG: as weft_fork_step; begin again, or give up. */
WEFT_MUST_USE enum weft_err weft_recovery_hear_fork(struct weft_recovery *recovery,
    const struct weft_provider *provider, struct weft_bytes answer, weft_fork_node *node, void *ctx,
    struct weft_buffer *out, enum weft_recovery_act *ret_act, struct weft_msg *msg);
/* Leaves came. APPENDS: *ret_batch is verified; WAITS: *ret_fault says why not, or nothing is
 * wanted. */
enum weft_recovery_act weft_recovery_hear_batch(struct weft_recovery *recovery,
    const struct weft_provider *provider, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, enum weft_stream_fault *ret_fault,
    struct weft_msg *msg);
/* What was proposed is applied. WANTS the rest, ENDS, or WAITS if it is not behind any more. */
enum weft_recovery_act weft_recovery_applied(
    struct weft_recovery *recovery, const struct weft_provider *provider);

#endif
