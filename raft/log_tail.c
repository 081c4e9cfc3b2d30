#include "raft/log_tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "proto/check.h"

enum {
    BLOCKS_FREE_MAX = 8
};

static enum weft_err add_segment(struct weft_log_tail *t, uint64_t next_index, struct weft_msg *msg)
{
    struct weft_log_segment *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "begin a segment");
    }
    s->number = t->next_segment;
    s->first_sequence = t->next_sequence;
    s->first_index = next_index;
    s->chain = t->chain;
    s->size_bytes = t->segment_size_bytes;
    s->slot.fd = -1;
    if (getrandom(&s->salt, sizeof(s->salt), 0) != (ssize_t)sizeof(s->salt)) {
        free(s);
        return weft_fail(msg, WEFT_EIO, "getrandom: %s", strerror(errno));
    }
    *(t->last != NULL ? &t->last->next : &t->segments) = s;
    t->last = s;
    t->next_segment++;
    t->offset = WEFT_LOG_PAGE_SIZE;
    t->is_sealed = false;
    return WEFT_OK;
}

static struct weft_log_block *new_block(struct weft_log_tail *t, size_t size)
{
    struct weft_log_block *b = t->blocks_free;
    if (size <= WEFT_LOG_BLOCK_SIZE && b != NULL) {
        t->blocks_free = b->next;
        t->blocks_free_count--;
        *b = (struct weft_log_block){.memory = b->memory, .capacity = b->capacity};
        return b;
    }
    size_t capacity = size <= WEFT_LOG_BLOCK_SIZE ? WEFT_LOG_BLOCK_SIZE : size;
    b = calloc(1, sizeof(*b));
    uint8_t *memory = malloc(capacity);
    if (b == NULL || memory == NULL) {
        free(b);
        free(memory);
        return NULL;
    }
    b->memory = memory;
    b->capacity = (uint32_t)capacity;
    return b;
}

static void free_block(struct weft_log_tail *t, struct weft_log_block *b)
{
    if (b->capacity == WEFT_LOG_BLOCK_SIZE && t->blocks_free_count < BLOCKS_FREE_MAX) {
        b->next = t->blocks_free;
        t->blocks_free = b;
        t->blocks_free_count++;
        return;
    }
    free(b->memory);
    free(b);
}

/* A block with room for `size` more bytes at the end of the log. */
static enum weft_err reserve_block(struct weft_log_tail *t, size_t size, struct weft_msg *msg)
{
    struct weft_log_block *b = t->block;
    if (b != NULL && b->segment == t->last && b->laid + size <= b->capacity) {
        return WEFT_OK;
    }
    b = new_block(t, size);
    if (b == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "keep %zu bytes of the log in memory", size);
    }
    b->segment = t->last;
    b->file_offset = t->offset;
    b->first_sequence = b->last_sequence = t->next_sequence;
    weft_log_writer_add(t->writer, b);
    t->block = b;
    t->cached_bytes += b->capacity;
    return WEFT_OK;
}

/* Put one frame at the end of `last`, which has room for it. */
static enum weft_err lay(struct weft_log_tail *t, struct weft_log_frame *frame, const uint8_t *data,
    struct weft_log_place *ret_place, struct weft_msg *msg)
{
    size_t whole = weft_log_frame_bytes(frame->size_bytes);
    enum weft_err rv = reserve_block(t, whole, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint8_t *bytes = t->block->memory + t->block->laid;
    *ret_place = (struct weft_log_place){t->last, t->offset, t->chain, bytes};
    frame->sequence = t->next_sequence++;
    frame->after = t->after;
    t->chain = weft_log_frame_encode(frame, data, t->last->salt, t->chain, bytes);
    t->block->laid += (uint32_t)whole;
    t->block->last_sequence = frame->sequence;
    t->offset += (uint32_t)whole;
    weft_assert(t->offset <= t->last->size_bytes); /* RFT-101 */
    return WEFT_OK;
}

/* See to it that `last` has room for `whole` bytes, and for its seal behind them. */
static enum weft_err make_room(
    struct weft_log_tail *t, size_t whole, uint64_t next_index, struct weft_msg *msg)
{
    if (t->last != NULL && !t->is_sealed) {
        if (t->offset + whole + WEFT_LOG_FRAME_SIZE <= t->last->size_bytes) {
            return WEFT_OK;
        }
        struct weft_log_frame seal = {.type = WEFT_LOG_FRAME_SEAL};
        struct weft_log_place place;
        enum weft_err rv = lay(t, &seal, NULL, &place, msg);
        if (rv != WEFT_OK) {
            return rv;
        }
        t->is_sealed = true;
    }
    return add_segment(t, next_index, msg);
}

enum weft_err weft_log_tail_put(struct weft_log_tail *t, struct weft_log_frame *frame,
    const uint8_t *data, uint64_t next_index, struct weft_log_place *ret_place,
    struct weft_msg *msg)
{
    enum weft_err rv = make_room(t, weft_log_frame_bytes(frame->size_bytes), next_index, msg);
    return rv == WEFT_OK ? lay(t, frame, data, ret_place, msg) : rv;
}

void weft_log_tail_evict(struct weft_log_tail *t)
{
    while (t->cached_bytes > t->cache_size_max) {
        struct weft_log_block *b = weft_log_writer_release(t->writer);
        if (b == NULL) {
            break;
        }
        t->cached_sequence = b->last_sequence + 1;
        t->cached_bytes -= b->capacity;
        free_block(t, b);
    }
}

void weft_log_tail_retire(
    struct weft_log_tail *t, const struct weft_log_segment *keep, struct weft_log_slots *slots)
{
    while (t->segments != keep) {
        struct weft_log_segment *s = t->segments;
        t->segments = s->next;
        weft_log_slots_give(slots, s->slot, s->size_bytes);
        free(s);
    }
    if (keep == NULL) {
        t->last = NULL;
        t->block = NULL; /* Of a segment that is gone; the writer lets go of it in time. */
    }
}

void weft_log_tail_destroy(struct weft_log_tail *t, struct weft_log_block *blocks,
    const struct weft_log_directory *directory)
{
    while (blocks != NULL || t->blocks_free != NULL) {
        struct weft_log_block **list = blocks != NULL ? &blocks : &t->blocks_free;
        struct weft_log_block *b = *list;
        *list = b->next;
        free(b->memory);
        free(b);
    }
    while (t->segments != NULL) {
        struct weft_log_segment *s = t->segments;
        t->segments = s->next;
        if (s->slot.fd >= 0) {
            directory->ops->close(directory->ops->ctx, s->slot.fd);
        }
        free(s);
    }
}
