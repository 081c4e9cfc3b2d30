#include "ops/gateway/alarms.h"

#include <string.h>

#include "policy/command/proof_bundle.h"
#include "proto/check.h"

/* Those of a channel itself. What became of a command the plant learns by receipts, and makes
 * alarms of that itself (node/state/commands_follow.c). */
static const char *const own[] = {
    "fence", "id-conflict", "elsewhere", "busy", "full", "plant-lost", "journal"};

bool weft_alarms_is_told(const char *word, const char **ret_word, const char **ret_code)
{
    *ret_word = word;
    *ret_code = "";
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (strcmp(word, own[i]) == 0) {
            return true;
        }
    }
    for (int i = 0; i < WEFT_PROOF_FAULTS; i++) {
        enum weft_proof_fault fault = (enum weft_proof_fault)i;
        if (fault != WEFT_PROOF_SOUND && strcmp(word, weft_proof_fault_name(fault)) == 0) {
            *ret_word = "signature";
            *ret_code = word;
            /* What is late is no forgery: it comes of slow links and clocks. */
            return fault != WEFT_PROOF_STALE && fault != WEFT_PROOF_WINDOW;
        }
    }
    return false;
}

static bool is_alike(const struct weft_alarm *a, const struct weft_alarm *b)
{
    return a->channel == b->channel && strcmp(a->word, b->word) == 0;
}

void weft_alarms_raise(struct weft_alarms *s, const struct weft_alarm *alarm, uint64_t now_ms)
{
    struct weft_alarm next = *alarm;
    next.count = 1;
    next.due_ms = now_ms;
    for (uint32_t i = s->is_flying ? 1 : 0; i < s->count; i++) {
        if (is_alike(&s->waiting[i], alarm)) {
            s->waiting[i].count++;
            return;
        }
    }
    for (uint32_t i = 0; i < s->told_count; i++) {
        if (is_alike(&s->told[i], alarm) && s->told[i].due_ms > now_ms) {
            next.due_ms = s->told[i].due_ms;
        }
    }
    if (s->is_flying && is_alike(&s->waiting[0], alarm)) {
        next.due_ms = now_ms + WEFT_ALARMS_EVERY_MS;
    }
    if (s->count == WEFT_ALARMS_MAX) {
        s->left_out++;
        return;
    }
    s->waiting[s->count++] = next;
}

const struct weft_alarm *weft_alarms_next(struct weft_alarms *s, uint64_t now_ms)
{
    for (uint32_t i = 0; i < s->count && !s->is_flying; i++) {
        if (s->waiting[i].due_ms <= now_ms) {
            const struct weft_alarm first = s->waiting[i];
            memmove(&s->waiting[1], &s->waiting[0], i * sizeof(first));
            s->waiting[0] = first;
            s->is_flying = true;
            return &s->waiting[0];
        }
    }
    return NULL;
}

/* The oldest gives way: it may be told again a little too soon. */
static void note_told(struct weft_alarms *s, const struct weft_alarm *alarm, uint64_t now_ms)
{
    uint32_t place = s->told_count;
    for (uint32_t i = 0; i < s->told_count; i++) {
        place = is_alike(&s->told[i], alarm) ? i : place;
    }
    if (place == WEFT_ALARMS_MAX) {
        memmove(&s->told[0], &s->told[1], (WEFT_ALARMS_MAX - 1) * sizeof(s->told[0]));
        place--;
    }
    s->told_count = place == s->told_count ? place + 1 : s->told_count;
    s->told[place] = *alarm;
    s->told[place].due_ms = now_ms + WEFT_ALARMS_EVERY_MS;
}

void weft_alarms_settle(struct weft_alarms *s, bool is_over, uint64_t now_ms)
{
    weft_assert(s->is_flying && s->count > 0); /* GW-11 */
    s->is_flying = false;
    if (!is_over) {
        return;
    }
    note_told(s, &s->waiting[0], now_ms);
    s->count--;
    memmove(&s->waiting[0], &s->waiting[1], s->count * sizeof(s->waiting[0]));
}
