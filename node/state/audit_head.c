#include "node/state/audit_head.h"

#include "node/state/keys.h"
#include "proto/check.h"

/* --- encoded --------------------------------------------------------------------------------- */

static uint8_t *put_word(uint8_t *p, const char *word)
{
    size_t size = strlen(word);
    weft_assert(size <= WEFT_AUDIT_WORD_SIZE_MAX); /* NOD-153 */
    *p++ = (uint8_t)size;
    for (size_t i = 0; i < size; i++) {
        *p++ = (uint8_t)word[i];
    }
    return p;
}

static uint8_t *put_digest(uint8_t *p, const struct weft_digest *digest)
{
    memcpy(p, digest->bytes, WEFT_DIGEST_SIZE);
    return p + WEFT_DIGEST_SIZE;
}

size_t weft_audit_head_encode(
    const struct weft_audit_head *head, uint8_t ret_bytes[WEFT_AUDIT_HEAD_SIZE_MAX])
{
    uint8_t *p = ret_bytes;
    weft_put_be64(p, head->first_index);
    weft_put_be64(p + 8, head->last_index);
    weft_put_be64(p + 16, head->range.size);
    p = put_digest(p + 24, &head->secret);
    for (unsigned h = 0; h <= WEFT_MERKLE_HEIGHT_MAX; h++) {
        if ((head->range.size >> h & 1) != 0) {
            p = put_digest(p, &head->range.roots[h]);
        }
    }
    weft_put_be64(p, (uint64_t)head->second);
    p[8] = (uint8_t)head->pending_count;
    p += 9;
    for (uint32_t i = 0; i < head->pending_count; i++) {
        const struct weft_audit_pending *pending = &head->pending[i];
        p = put_word(p, pending->act);
        p = put_word(p, pending->statement);
        *p++ = (uint8_t)pending->effect;
        p = put_digest(p, &pending->actor);
        p = put_digest(p, &pending->evidence);
        weft_put_be64(p, pending->version);
        weft_put_be64(p + 8, pending->line);
        weft_put_be64(p + 16, pending->count);
        p += 24;
    }
    return (size_t)(p - ret_bytes);
}

/* --- decoded --------------------------------------------------------------------------------- */

/* NULL once something was not there. */
static const uint8_t *take(struct weft_bytes *rest, size_t size)
{
    const uint8_t *p = rest->data;
    if (p == NULL || rest->size < size) {
        *rest = (struct weft_bytes){NULL, 0};
        return NULL;
    }
    rest->data += size;
    rest->size -= size;
    return p;
}

static uint64_t take_number(struct weft_bytes *rest)
{
    const uint8_t *p = take(rest, 8);
    return p != NULL ? weft_get_be64(p) : 0;
}

static void take_digest(struct weft_bytes *rest, struct weft_digest *ret_digest)
{
    const uint8_t *p = take(rest, WEFT_DIGEST_SIZE);
    if (p != NULL) {
        memcpy(ret_digest->bytes, p, WEFT_DIGEST_SIZE);
    }
}

static void take_word(struct weft_bytes *rest, char ret_word[WEFT_AUDIT_WORD_SIZE_MAX + 1])
{
    const uint8_t *size = take(rest, 1);
    const uint8_t *p = size != NULL ? take(rest, *size) : NULL;
    ret_word[0] = '\0';
    if (p == NULL || *size > WEFT_AUDIT_WORD_SIZE_MAX || memchr(p, 0, *size) != NULL) {
        *rest = (struct weft_bytes){NULL, 0};
        return;
    }
    memcpy(ret_word, p, *size);
    ret_word[*size] = '\0';
}

static void take_pending(struct weft_bytes *rest, struct weft_audit_pending *pending)
{
    take_word(rest, pending->act);
    take_word(rest, pending->statement);
    const uint8_t *effect = take(rest, 1);
    if (effect == NULL || *effect >= WEFT_AUDIT_EFFECTS) {
        *rest = (struct weft_bytes){NULL, 0};
        return;
    }
    pending->effect = (enum weft_audit_effect) * effect;
    take_digest(rest, &pending->actor);
    take_digest(rest, &pending->evidence);
    pending->version = take_number(rest);
    pending->line = take_number(rest);
    pending->count = take_number(rest);
}

enum weft_err weft_audit_head_decode(struct weft_bytes bytes, struct weft_audit_head *ret_head)
{
    struct weft_bytes rest = bytes;
    *ret_head = (struct weft_audit_head){.first_index = take_number(&rest)};
    ret_head->last_index = take_number(&rest);
    ret_head->range.size = take_number(&rest);
    take_digest(&rest, &ret_head->secret);
    for (unsigned h = 0; h <= WEFT_MERKLE_HEIGHT_MAX; h++) {
        if ((ret_head->range.size >> h & 1) != 0) {
            take_digest(&rest, &ret_head->range.roots[h]);
        }
    }
    ret_head->second = (int64_t)take_number(&rest);
    const uint8_t *count = take(&rest, 1);
    ret_head->pending_count = count != NULL ? *count : 0;
    if (ret_head->pending_count > WEFT_AUDIT_PENDING_MAX) {
        return WEFT_ECORRUPT;
    }
    for (uint32_t i = 0; i < ret_head->pending_count; i++) {
        take_pending(&rest, &ret_head->pending[i]);
    }
    bool is_whole = rest.data != NULL && rest.size == 0;
    return is_whole && ret_head->first_index > 0 && ret_head->first_index <= ret_head->last_index
               ? WEFT_OK
               : WEFT_ECORRUPT;
}
