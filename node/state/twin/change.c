#include "node/state/twin/change.h"

#include <stdio.h>

static const char *const status_names[] = {"draft", "released", "superseded", "cancelled"};

const char *weft_change_status_name(enum weft_change_status status)
{
    return status_names[status];
}

static enum weft_err read_status(const struct weft_record *record,
    enum weft_change_status *ret_status, char ret_pointer[256], struct weft_msg *msg)
{
    struct weft_text text = weft_fact_text(record, "status");
    *ret_status = WEFT_CHANGE_DRAFT;
    if (weft_fact_field(record->fields, record->field_count, "status") == NULL) {
        return WEFT_OK;
    }
    for (int i = 0; i < 4; i++) {
        if (weft_text_is(text, status_names[i])) {
            *ret_status = (enum weft_change_status)i;
            return WEFT_OK;
        }
    }
    (void)snprintf(ret_pointer, 256, "/attrs/status");
    return weft_fail(msg, WEFT_EINVAL,
        "a change order is draft, released, superseded or cancelled, not '%.*s'",
        (int)(text.size < 40 ? text.size : 40), text.size > 0 ? text.data : "");
}

enum weft_err weft_change_read(const struct weft_record *record, const struct weft_moment *moment,
    struct weft_arena *arena, struct weft_change *ret_change, char ret_pointer[256],
    struct weft_msg *msg)
{
    struct weft_change change = {.moment = *moment, .record = record};
    struct weft_effectivity *effectivity;
    enum weft_err rv = read_status(record, &change.status, ret_pointer, msg);
    if (rv == WEFT_OK) {
        rv = weft_effectivity_read(
            record, arena, &effectivity, &change.effectivity_count, ret_pointer, msg);
    }
    if (rv != WEFT_OK) {
        return rv;
    }
    change.effectivity = effectivity;
    if (change.status == WEFT_CHANGE_RELEASED) {
        if (change.effectivity_count == 0) {
            (void)snprintf(ret_pointer, 256, "/attrs/effectivity");
            return weft_fail(msg, WEFT_EINVAL,
                "a released change order states its effectivity: each statement replaces the one "
                "before");
        }
        if (weft_fact_link(record, "about", 0) == NULL ||
            weft_fact_link(record, "introduces", 0) == NULL) {
            (void)snprintf(ret_pointer, 256, "/links");
            return weft_fail(msg, WEFT_EINVAL,
                "a released change order links to the part type it is 'about' and to the revision "
                "it 'introduces'");
        }
    }
    *ret_change = change;
    return WEFT_OK;
}

bool weft_change_may_follow(enum weft_change_status from, enum weft_change_status to)
{
    switch (from) {
    case WEFT_CHANGE_DRAFT:
        return true;
    case WEFT_CHANGE_RELEASED:
        return to != WEFT_CHANGE_DRAFT;
    case WEFT_CHANGE_SUPERSEDED:
    case WEFT_CHANGE_CANCELLED:
        return to == from;
    }
    return false;
}

static bool has_same_links(
    const struct weft_record *a, const struct weft_record *b, const char *rel)
{
    for (uint32_t i = 0;; i++) {
        const struct weft_link *x = weft_fact_link(a, rel, i), *y = weft_fact_link(b, rel, i);
        if (x == NULL || y == NULL) {
            return x == y;
        }
        if (!weft_text_equal(x->to, y->to)) {
            return false;
        }
    }
}

bool weft_change_is_same(const struct weft_change *a, const struct weft_change *b)
{
    static const char *const rels[] = {"about", "introduces", "replaces", "supersedes"};
    for (size_t i = 0; i < sizeof(rels) / sizeof(rels[0]); i++) {
        if (!has_same_links(a->record, b->record, rels[i])) {
            return false;
        }
    }
    if (a->effectivity_count != b->effectivity_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->effectivity_count; i++) {
        if (!weft_effectivity_equal(&a->effectivity[i], &b->effectivity[i])) {
            return false;
        }
    }
    return true;
}

static bool is_before(const struct weft_change *change, const struct weft_moment *until)
{
    return until == NULL || weft_moment_compare(&change->moment, until) < 0;
}

const struct weft_change *weft_change_current(
    const struct weft_change_history *history, const struct weft_moment *until)
{
    for (uint32_t i = history->count; i > 0; i--) {
        if (is_before(&history->changes[i - 1], until)) {
            return &history->changes[i - 1];
        }
    }
    return NULL;
}

const struct weft_change *weft_change_release(
    const struct weft_change_history *history, const struct weft_moment *until)
{
    const struct weft_change *release = NULL;
    for (uint32_t i = history->count; i > 0; i--) {
        const struct weft_change *change = &history->changes[i - 1];
        if (!is_before(change, until)) {
            continue;
        }
        if (change->status != WEFT_CHANGE_RELEASED) {
            break;
        }
        release = change;
    }
    return release;
}

const struct weft_effectivity *weft_change_overlap(const struct weft_change *a,
    int64_t a_release_ns, const struct weft_change *b, int64_t b_release_ns)
{
    for (uint32_t i = 0; i < a->effectivity_count; i++) {
        for (uint32_t j = 0; j < b->effectivity_count; j++) {
            if (weft_effectivity_overlaps(
                    &a->effectivity[i], a_release_ns, &b->effectivity[j], b_release_ns)) {
                return &a->effectivity[i];
            }
        }
    }
    return NULL;
}

/* Each change order is entered once, so that rings of them end. */
bool weft_change_supersedes(const struct weft_change_history *histories, uint32_t count,
    const struct weft_change *from, struct weft_text to, bool *scratch)
{
    if (weft_fact_links_to(from->record, "supersedes", to)) {
        return true;
    }
    bool has_grown = true;
    for (uint32_t i = 0; i < count; i++) {
        scratch[i] = weft_fact_links_to(from->record, "supersedes", histories[i].asset);
    }
    while (has_grown) {
        has_grown = false;
        for (uint32_t i = 0; i < count; i++) {
            const struct weft_change *by = weft_change_current(&histories[i], NULL);
            if (!scratch[i] || by == NULL) {
                continue;
            }
            if (weft_fact_links_to(by->record, "supersedes", to)) {
                return true;
            }
            for (uint32_t j = 0; j < count; j++) {
                if (!scratch[j] &&
                    weft_fact_links_to(by->record, "supersedes", histories[j].asset)) {
                    scratch[j] = true;
                    has_grown = true;
                }
            }
        }
    }
    return false;
}
