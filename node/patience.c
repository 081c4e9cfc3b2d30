#include "node/patience.h"

#include <stddef.h>

#include "proto/check.h"

/* Its account, refilled, or NULL: the principal was not refused lately. Places once used stay so:
 * behind one that never was there is nothing. */
static struct weft_patience_account *find(struct weft_patience *p, uint64_t key, uint64_t now_ms)
{
    for (uint32_t i = 0; i < WEFT_PATIENCE_PROBES; i++) {
        struct weft_patience_account *at = &p->accounts[(key + i) % WEFT_PATIENCE_ACCOUNTS];
        if (!at->is_used) {
            return NULL;
        }
        if (at->key == key) {
            weft_bucket_refill(&at->bucket, WEFT_PATIENCE_BURST, WEFT_PATIENCE_TOKEN_MS, now_ms);
            return at;
        }
    }
    return NULL;
}

/* NOD-232: a place for it: one never used, else that of whom it matters least to forget. */
static struct weft_patience_account *make(struct weft_patience *p, uint64_t key, uint64_t now_ms)
{
    struct weft_patience_account *best = NULL;
    for (uint32_t i = 0; i < WEFT_PATIENCE_PROBES; i++) {
        struct weft_patience_account *at = &p->accounts[(key + i) % WEFT_PATIENCE_ACCOUNTS];
        if (!at->is_used) {
            best = at;
            break;
        }
        weft_bucket_refill(&at->bucket, WEFT_PATIENCE_BURST, WEFT_PATIENCE_TOKEN_MS, now_ms);
        if (best == NULL || at->bucket.left > best->bucket.left) {
            best = at;
        }
    }
    weft_assert(best != NULL); /* PROBES > 0 */
    *best = (struct weft_patience_account){.key = key,
        .bucket = {.left = WEFT_PATIENCE_BURST, .refilled_ms = now_ms},
        .is_used = true};
    return best;
}

struct weft_patience_verdict weft_patience_charge(
    struct weft_patience *p, uint64_t key, uint64_t now_ms)
{
    struct weft_patience_account *a = find(p, key, now_ms);
    if (a == NULL) {
        a = make(p, key, now_ms);
    }
    weft_bucket_take(&a->bucket, -WEFT_PATIENCE_DEBT_MAX);
    struct weft_patience_verdict verdict = {
        .wait_ms = weft_bucket_wait_ms(&a->bucket, WEFT_PATIENCE_TOKEN_MS, now_ms)};
    if (verdict.wait_ms > 0) {
        p->paced++;
        verdict.is_news = !a->is_told || now_ms - a->told_ms >= WEFT_PATIENCE_TOLD_MS;
    }
    if (verdict.is_news) {
        a->is_told = true;
        a->told_ms = now_ms;
    }
    return verdict;
}

uint64_t weft_patience_wait_ms(struct weft_patience *p, uint64_t key, uint64_t now_ms)
{
    const struct weft_patience_account *a = find(p, key, now_ms);
    return a != NULL ? weft_bucket_wait_ms(&a->bucket, WEFT_PATIENCE_TOKEN_MS, now_ms) : 0;
}

uint32_t weft_patience_ahead(struct weft_patience *p, uint64_t key, uint64_t now_ms)
{
    const struct weft_patience_account *a = find(p, key, now_ms);
    if (a == NULL || a->bucket.left > WEFT_PATIENCE_BURST / 2) {
        return UINT32_MAX;
    }
    return a->bucket.left > 1 ? (uint32_t)a->bucket.left : 1;
}
