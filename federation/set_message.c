#include "federation/set_message.h"

#include <string.h>

#include "proto/arith.h"
#include "proto/octets.h"

enum {
    HEAD_SIZE = 1 + 8,
    COMPARE_SIZE = 8 + 8 + WEFT_DIGEST_SIZE,
    GIVEN_SIZE = 8 + 4,
    PARTIES = 2,
};

const char *weft_set_end_name(enum weft_set_end end)
{
    static const char *const names[WEFT_SET_ENDS] = {[WEFT_SET_DONE] = "done",
        [WEFT_SET_BUSY] = "busy",
        [WEFT_SET_MOVED] = "moved",
        [WEFT_SET_LARGE] = "too-large",
        [WEFT_SET_FAULT] = "fault",
        [WEFT_SET_CLOSED] = "closed"};
    return names[end];
}

enum weft_err weft_set_encode(const struct weft_set_message *m, struct weft_buffer *out)
{
    uint8_t bytes[HEAD_SIZE + COMPARE_SIZE + 1];
    struct weft_bytes rest = m->list;
    const size_t start = out->size;
    size_t size = HEAD_SIZE;
    bytes[0] = (uint8_t)m->what;
    weft_put_be64(bytes + 1, m->session);
    if (m->what == WEFT_SET_COMPARE) {
        weft_put_be64(bytes + size, m->sent);
        weft_put_be64(bytes + size + 8, m->received);
        memcpy(bytes + size + 16, m->shared.bytes, WEFT_DIGEST_SIZE);
        size += COMPARE_SIZE;
        rest = m->turn;
    } else if (m->what == WEFT_SET_END) {
        bytes[size++] = (uint8_t)m->end;
        rest = (struct weft_bytes){NULL, 0};
    }
    enum weft_err err = weft_buffer_append(out, bytes, size);
    err = err == WEFT_OK && rest.size > 0 ? weft_buffer_append(out, rest.data, rest.size) : err;
    out->size = err == WEFT_OK ? out->size : start;
    return err;
}

/* FED-35: one form, and no more than one side asks for. */
static bool is_wanted(struct weft_bytes list)
{
    const size_t count = list.size / WEFT_DIGEST_SIZE;
    if (list.size % WEFT_DIGEST_SIZE != 0 || count == 0 || count > WEFT_SET_WANT_MAX) {
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        const uint8_t *at = list.data + i * WEFT_DIGEST_SIZE;
        if (memcmp(at - WEFT_DIGEST_SIZE, at, WEFT_DIGEST_SIZE) >= 0) {
            return false;
        }
    }
    return true;
}

static bool take_given(struct weft_octets *r, struct weft_set_given *ret_given)
{
    struct weft_set_given given = {.is_there = false};
    const uint8_t *head = weft_octets_bytes(r, WEFT_DIGEST_SIZE + 1);
    if (head == NULL || head[WEFT_DIGEST_SIZE] > PARTIES) {
        r->is_bad = true;
        return false;
    }
    memcpy(given.digest.bytes, head, WEFT_DIGEST_SIZE);
    given.is_there = head[WEFT_DIGEST_SIZE] > 0;
    if (given.is_there) {
        const uint8_t *place = weft_octets_bytes(r, GIVEN_SIZE);
        given.party = head[WEFT_DIGEST_SIZE] - 1u;
        given.sequence = place != NULL ? weft_get_be64(place) : 0;
        given.item.size = place != NULL ? weft_get_be32(place + 8) : 0;
        given.item.data = weft_octets_bytes(r, given.item.size);
    }
    *ret_given = given;
    return !r->is_bad;
}

static bool is_given(struct weft_bytes list)
{
    struct weft_octets r = weft_octets_of(list);
    struct weft_set_given given;
    size_t count = 0;
    while (r.p < r.end && count < WEFT_SET_WANT_MAX && take_given(&r, &given)) {
        count++;
    }
    return count > 0 && !r.is_bad && r.p == r.end;
}

enum weft_err weft_set_decode(struct weft_bytes bytes, struct weft_set_message *ret_message)
{
    struct weft_octets r = weft_octets_of(bytes);
    struct weft_set_message m = {.what = WEFT_SET_END};
    const uint8_t *head = weft_octets_bytes(&r, HEAD_SIZE), *p = NULL;
    if (head == NULL || head[0] < WEFT_SET_COMPARE || head[0] > WEFT_SET_END) {
        return WEFT_EMALFORMED;
    }
    m.what = (enum weft_set_what)head[0];
    m.session = weft_get_be64(head + 1);
    bool is_good = true;
    if (m.what == WEFT_SET_COMPARE) {
        p = weft_octets_bytes(&r, COMPARE_SIZE);
        m.turn = (struct weft_bytes){r.p, (size_t)(r.end - r.p)};
        is_good = p != NULL && m.turn.size > 0;
    } else if (m.what == WEFT_SET_END) {
        p = weft_octets_bytes(&r, 1);
        is_good = p != NULL && *p < WEFT_SET_ENDS && r.p == r.end;
        m.end = is_good ? (enum weft_set_end) * p : WEFT_SET_FAULT;
    } else {
        m.list = (struct weft_bytes){r.p, (size_t)(r.end - r.p)};
        is_good = m.what == WEFT_SET_WANT ? is_wanted(m.list) : is_given(m.list);
    }
    if (!is_good) {
        return WEFT_EMALFORMED;
    }
    if (m.what == WEFT_SET_COMPARE) {
        m.sent = weft_get_be64(p);
        m.received = weft_get_be64(p + 8);
        memcpy(m.shared.bytes, p + 16, WEFT_DIGEST_SIZE);
    }
    *ret_message = m;
    return WEFT_OK;
}

enum weft_err weft_set_give(const struct weft_set_given *given, struct weft_buffer *out)
{
    uint8_t bytes[WEFT_DIGEST_SIZE + 1 + GIVEN_SIZE];
    const size_t start = out->size;
    size_t size = WEFT_DIGEST_SIZE + 1;
    memcpy(bytes, given->digest.bytes, WEFT_DIGEST_SIZE);
    bytes[WEFT_DIGEST_SIZE] = given->is_there ? (uint8_t)(given->party + 1) : 0;
    if (given->is_there) {
        weft_put_be64(bytes + size, given->sequence);
        weft_put_be32(bytes + size + 8, (uint32_t)given->item.size);
        size += GIVEN_SIZE;
    }
    enum weft_err err = weft_buffer_append(out, bytes, size);
    if (err == WEFT_OK && given->is_there) {
        err = weft_buffer_append(out, given->item.data, given->item.size);
    }
    out->size = err == WEFT_OK ? out->size : start;
    return err;
}

bool weft_set_given_next(struct weft_bytes *list, struct weft_set_given *ret_given)
{
    struct weft_octets r = weft_octets_of(*list);
    if (list->size == 0 || !take_given(&r, ret_given)) {
        return false;
    }
    *list = (struct weft_bytes){r.p, (size_t)(r.end - r.p)};
    return true;
}
