#include "federation/recovery.h"

#include "proto/check.h"

static enum weft_recovery_act want(struct weft_recovery *recovery, uint64_t next)
{
    recovery->is_forking = false;
    recovery->is_wanting = true;
    recovery->next = next;
    return WEFT_RECOVERY_WANTS;
}

bool weft_recovery_may_begin(
    const struct weft_provider *provider, const struct weft_stream_hello *hello)
{
    return weft_provider_is_behind(provider) && hello->next == provider->fence.size &&
           hello->head_size == provider->fence.size &&
           weft_digest_equal(&hello->root, &provider->fence.root);
}

enum weft_err weft_recovery_begin(struct weft_recovery *recovery,
    const struct weft_provider *provider, struct weft_buffer *out, enum weft_recovery_act *ret_act,
    struct weft_msg *msg)
{
    const uint64_t size = provider->stream.tree.size, fence = provider->fence.size;
    *recovery = (struct weft_recovery){.is_forking = false};
    *ret_act = WEFT_RECOVERY_WAITS;
    if (!weft_provider_is_behind(provider)) {
        return WEFT_OK;
    }
    if (size == 0) {
        *ret_act = want(recovery, 0);
        return WEFT_OK;
    }
    enum weft_err err =
        weft_fork_begin(&recovery->fork, size < fence ? size : fence, &provider->fence, out, msg);
    if (err == WEFT_OK) {
        recovery->is_forking = true;
        *ret_act = WEFT_RECOVERY_ASKS;
    }
    return err;
}

enum weft_err weft_recovery_hear_fork(struct weft_recovery *recovery,
    const struct weft_provider *provider, struct weft_bytes answer, weft_fork_node *node, void *ctx,
    struct weft_buffer *out, enum weft_recovery_act *ret_act, struct weft_msg *msg)
{
    const size_t before = out->size;
    *ret_act = WEFT_RECOVERY_WAITS;
    if (!recovery->is_forking || !weft_provider_is_behind(provider)) {
        return WEFT_OK;
    }
    enum weft_err err = weft_fork_step(&recovery->fork, answer, node, ctx, out, msg);
    if (err != WEFT_OK) {
        recovery->is_forking = false;
        return err;
    }
    if (out->size > before) {
        *ret_act = WEFT_RECOVERY_ASKS;
    } else if (recovery->fork.state == WEFT_FORK_SAME) {
        *ret_act = want(recovery, provider->stream.tree.size);
    } else if (recovery->fork.leaf < provider->signed_head.size) {
        recovery->is_forking = false;
        *ret_act = WEFT_RECOVERY_SPLITS; /* FED-12: it will not go back behind its own word. */
    } else {
        recovery->is_forking = false;
        recovery->next = recovery->fork.leaf;
        *ret_act = WEFT_RECOVERY_REWINDS;
    }
    return WEFT_OK;
}

enum weft_recovery_act weft_recovery_hear_batch(struct weft_recovery *recovery,
    const struct weft_provider *provider, const struct weft_stream_batch *message,
    struct weft_arena *arena, struct weft_batch *ret_batch, enum weft_stream_fault *ret_fault,
    struct weft_msg *msg)
{
    *ret_fault = WEFT_STREAM_SOUND;
    if (!recovery->is_wanting || !weft_provider_is_behind(provider)) {
        return WEFT_RECOVERY_WAITS;
    }
    *ret_fault =
        weft_batch_verify(&provider->stream, &provider->fence, message, arena, ret_batch, msg);
    if (*ret_fault != WEFT_STREAM_SOUND) {
        return WEFT_RECOVERY_WAITS;
    }
    recovery->is_wanting = false; /* Until it is applied. */
    return WEFT_RECOVERY_APPENDS;
}

enum weft_recovery_act weft_recovery_applied(
    struct weft_recovery *recovery, const struct weft_provider *provider)
{
    if (weft_provider_is_behind(provider)) {
        return want(recovery, provider->stream.tree.size);
    }
    *recovery = (struct weft_recovery){.is_forking = false};
    return weft_provider_is_fenced(provider) ? WEFT_RECOVERY_WAITS : WEFT_RECOVERY_ENDS;
}
