/* node/audit_sign.h: a node signs the trees of its audit log, and collects what others signed.
 *
 * The leader says which size is signed next: at most every 250 ms, the one that it has applied. Who
 * has applied as much and finds the same root there signs it and tells everybody, so that each node
 * comes to hold a checkpoint that a majority of the voters has signed. Before a signature leaves,
 * (size, root) is on the disk, and what was signed once binds: no other tree is signed (NOD-160).
 * Without a key it only collects. The loop's; the disk is written by the pool. */
#ifndef WEFT_NODE_AUDIT_SIGN_H
#define WEFT_NODE_AUDIT_SIGN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "node/state/state.h"
#include "policy/note.h"
#include "proto/peer.h"
#include "raft/configuration.h"

struct weft_audit_sign;

enum {
    /* Between two sizes. Measured: each takes three nodes 4 ms of a processor, for signatures,
     * their verification and syncs; what comes after a pause is signed at once. */
    WEFT_AUDIT_SIGN_EVERY_MS = 250,
    /* The same between two for which machines wait. Chosen: one command by itself waits for
     * nothing, and of a thousand a second 25 share what a size takes. */
    WEFT_AUDIT_SIGN_HURRY_MS = 25,
    WEFT_AUDIT_SIGN_AGAIN_MS = 1000, /* Until the leader asks again for what is not signed. */
};

struct weft_audit_sign_options {
    uv_loop_t *loop;
    const char *directory; /* Of the file "signed"; made if it does not exist. */
    const char *key_file;  /* PKCS #8, without passphrase. */
    const char *origin;    /* "<org>/<site>/audit" */
    uint64_t self_id;
    void *ctx;
    /* To every other member. Borrowed. Without a line: what the leader wants signed. */
    void (*tell)(void *ctx, const struct weft_audit_line *line);
    void (*wake)(void *ctx); /* A turn is wanted. */
};

/* No key file: *ret_sign signs nothing, which is logged. WEFT_ECORRUPT: the file "signed" is
 * damaged: who removes it says that nothing was signed. WEFT_EIO, WEFT_ENOMEM; of the key file. */
WEFT_MUST_USE enum weft_err weft_audit_sign_open(const struct weft_audit_sign_options *options,
    struct weft_audit_sign **ret_sign, struct weft_msg *msg);
/* NOD-161: a node that was restored signs nothing. What the file "signed" says is left as it is; if
 * there is none it says that all trees were signed. WEFT_EIO, WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_audit_sign_bar(
    const char *directory, const char *origin, struct weft_msg *msg);
void weft_audit_sign_close(struct weft_audit_sign *sign, void (*on_closed)(void *ctx), void *ctx);

/* End of a turn of the loop. */
void weft_audit_sign_turn(struct weft_audit_sign *sign, struct weft_state *state,
    const struct weft_configuration *configuration, uint64_t leader_id, uint64_t now_ms);
/* Monotonic ms at which turn must run again at the latest; UINT64_MAX: never. */
uint64_t weft_audit_sign_deadline(const struct weft_audit_sign *sign);
/* Of the leader: a machine waits for a checkpoint that covers this leaf, which is applied. */
void weft_audit_sign_hurry(struct weft_audit_sign *sign, uint64_t leaf);
/* From a member. What does not verify is dropped. */
void weft_audit_sign_receive(
    struct weft_audit_sign *sign, uint64_t from, const struct weft_audit_line *line);

/* The newest note of a majority; empty: none yet. Valid until the next call of the others. */
struct weft_bytes weft_audit_sign_note(const struct weft_audit_sign *sign);
/* Accepts NULL. */
uint64_t weft_audit_sign_note_size(const struct weft_audit_sign *sign);

#endif
