#include "raft/log_table.h"

#include <stdlib.h>
#include <string.h>

#include "proto/check.h"

void weft_log_table_restart(struct weft_log_table *t, uint64_t first)
{
    t->begin = t->end = 0;
    t->first = first;
}

enum weft_err weft_log_table_reserve(struct weft_log_table *t, size_t more)
{
    if (t->end + more <= t->capacity) {
        return WEFT_OK;
    }
    size_t count = t->end - t->begin;
    /* Move to the front when that alone frees half of the room: amortized constant. */
    if (t->begin >= t->capacity / 2 && count + more <= t->capacity) {
        memmove(t->refs, t->refs + t->begin, count * sizeof(*t->refs));
    } else {
        size_t capacity = (count + more) * 2;
        struct weft_log_ref *refs = malloc(capacity * sizeof(*refs));
        if (refs == NULL) {
            return WEFT_ENOMEM;
        }
        if (count > 0) {
            memcpy(refs, t->refs + t->begin, count * sizeof(*refs));
        }
        free(t->refs);
        t->refs = refs;
        t->capacity = capacity;
    }
    t->begin = 0;
    t->end = count;
    return WEFT_OK;
}

struct weft_log_ref *weft_log_table_push(struct weft_log_table *t)
{
    weft_assert(t->end < t->capacity);
    return &t->refs[t->end++];
}

void weft_log_table_cut(struct weft_log_table *t, uint64_t index)
{
    if (index < t->first) {
        weft_log_table_restart(t, index);
    } else if (index < weft_log_table_next(t)) {
        t->end = t->begin + (size_t)(index - t->first);
    }
}

void weft_log_table_drop(struct weft_log_table *t, uint64_t index)
{
    if (index <= t->first) {
        return;
    }
    if (index >= weft_log_table_next(t)) {
        weft_log_table_restart(t, index);
    } else {
        t->begin += (size_t)(index - t->first);
        t->first = index;
    }
}

void weft_log_table_destroy(struct weft_log_table *t)
{
    free(t->refs);
    *t = (struct weft_log_table){0};
}
