#include "node/link/limiter.h"

#include <stdio.h>
#include <string.h>

#include "proto/check.h"

static bool is_over(uint64_t since_ms, uint64_t now_ms)
{
    return now_ms - since_ms >= WEFT_LIMITER_WINDOW_MS;
}

/* The entry of (cause, peer), else a free or outdated one, else NULL. */
static struct weft_limiter_entry *find(
    struct weft_limiter *l, int cause, const char *peer, uint64_t now_ms, bool *ret_is_known)
{
    struct weft_limiter_entry *spare = NULL;
    *ret_is_known = false;
    for (size_t i = 0; i < WEFT_LIMITER_ENTRIES_MAX; i++) {
        struct weft_limiter_entry *e = &l->entries[i];
        if (e->cause == cause && strncmp(e->peer, peer, sizeof(e->peer) - 1) == 0) {
            *ret_is_known = true;
            return e;
        }
        bool is_free = e->cause == 0 || is_over(e->since_ms, now_ms);
        if (is_free && (spare == NULL || spare->cause != 0)) {
            spare = e;
        }
    }
    return spare;
}

bool weft_limiter_hit(
    struct weft_limiter *l, int cause, const char *peer, uint64_t now_ms, uint64_t *ret_count)
{
    bool is_known;
    weft_assert(cause > 0); /* LNK-9 */
    struct weft_limiter_entry *e = find(l, cause, peer, now_ms, &is_known);
    if (e == NULL) { /* 64 different ones in this window: told together from here on. */
        bool is_told = l->overflow_since_ms == 0 || is_over(l->overflow_since_ms, now_ms);
        if (!is_told) {
            l->overflow_count++;
            return false;
        }
        *ret_count = l->overflow_count;
        l->overflow_count = 0;
        l->overflow_since_ms = now_ms;
        return true;
    }
    if (is_known && !is_over(e->since_ms, now_ms)) {
        e->count++;
        return false;
    }
    *ret_count = is_known ? e->count : 0;
    e->cause = cause;
    e->since_ms = now_ms;
    e->count = 0;
    (void)snprintf(e->peer, sizeof(e->peer), "%s", peer);
    return true;
}
