/* A policy's text, and behind it, after a zero byte, an asset and a field by lines: what is refused
 * has a place; what is taken prints as a policy that prints as itself, has no difference to it, and
 * decides alike. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/policy_change.h"
#include "policy/policy_file.h"
#include "policy/policy_trial.h"
#include "proto/check.h"

static struct weft_arena arenas[2] = {
    {.size_max = WEFT_POLICY_MEMORY_MAX}, {.size_max = WEFT_POLICY_MEMORY_MAX}};
static struct weft_arena scratch = {.size_max = WEFT_POLICY_MEMORY_MAX};
static struct weft_buffer printed[2];
static struct weft_buffer why;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(
    const struct weft_policy_place *place, const struct weft_msg *msg, enum weft_err err)
{
    char start[64];
    (void)snprintf(start, sizeof(start), "f:%u:%u: expected ", place->line, place->column);
    weft_assert(strncmp(msg->text, start, strlen(start)) == 0); /* POL-62 */
    weft_assert(err == WEFT_EINVAL || err == WEFT_EMALFORMED || err == WEFT_ETOOBIG);
}

/* All but the line, which is that of another text. */
static bool are_alike(const struct weft_policy_decision *a, const struct weft_policy_decision *b)
{
    return a->effect == b->effect && a->reason == b->reason && a->statement == b->statement &&
           a->is_by_error == b->is_by_error && a->has_all == b->has_all &&
           a->has_hide == b->has_hide && a->unmet_count == b->unmet_count &&
           memcmp(a->applied.words, b->applied.words, sizeof(a->applied.words)) == 0 &&
           memcmp(a->unmet.words, b->unmet.words, sizeof(a->unmet.words)) == 0;
}

static void check_decisions(const struct weft_policy *const *policies, struct weft_text rest)
{
    static const struct weft_principal who = {WEFT_PRINCIPAL_OP, "o.example", "s", "ann"};
    static const struct weft_policy_role role = {WEFT_TEXT("operator"), {NULL, 0}};
    static const struct weft_policy_subject subject = {
        .principal = &who, .roles = &role, .role_count = 1};
    const struct weft_policy_subject *const admin = &subject;
    const char *line = rest.size > 0 ? memchr(rest.data, '\n', rest.size) : NULL;
    struct weft_text asset = {rest.data, line != NULL ? (size_t)(line - rest.data) : rest.size};
    struct weft_text field = {rest.data + asset.size, rest.size - asset.size};
    struct weft_policy_request request = {.subject = &subject,
        .org = WEFT_TEXT("o.example"),
        .site = WEFT_TEXT("s"),
        .kind = {WEFT_FACT_NONE, {NULL, 0}},
        .asset = {asset.size > 0 ? WEFT_FACT_GIVEN : WEFT_FACT_UNKNOWN, asset},
        .time_ns = (int64_t)rest.size * 3600 * 1000000000};
    for (int action = 0; action < WEFT_ACTIONS; action++) {
        struct weft_policy_decision decisions[2];
        request.action = (enum weft_policy_action)action;
        for (int i = 0; i < 2; i++) {
            weft_policy_decide(policies[i], &request, &decisions[i]);
        }
        bool is_shown = weft_policy_shows(policies[0], &decisions[0], field);
        weft_assert(are_alike(&decisions[0], &decisions[1]));                          /* POL-63 */
        weft_assert(is_shown == weft_policy_shows(policies[1], &decisions[1], field)); /* POL-63 */
        weft_assert(!is_shown || decisions[0].effect == WEFT_EFFECT_ALLOW);            /* POL-65 */
        weft_buffer_clear(&why);
        enum weft_err err = weft_policy_explain(policies[0], &request, &decisions[0], &why);
        weft_assert(err == WEFT_OK && why.size > 0);
    }
    bool is_locked[2];
    for (int i = 0; i < 2; i++) {
        is_locked[i] = weft_policy_locks_out(policies[i], request.org, request.site, &admin, 1, 0);
    }
    weft_assert(is_locked[0] == is_locked[1]); /* POL-63 */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    size_t text_size = zero != NULL ? (size_t)(zero - data) : size;
    struct weft_text text = {(const char *)data, text_size};
    const struct weft_policy *policies[2];
    struct weft_policy_differences differences;
    struct weft_policy_place place = {0, 0};
    struct weft_msg msg = {""};
    for (int i = 0; i < 2; i++) {
        weft_arena_reset(&arenas[i]);
        weft_buffer_clear(&printed[i]);
    }
    weft_arena_reset(&scratch);
    enum weft_err err = weft_policy_parse(text, "f", &arenas[0], &policies[0], &place, &msg);
    if (err != WEFT_OK) {
        check_refusal(&place, &msg, err);
        return 0;
    }
    err = weft_policy_print(policies[0], &printed[0]);
    weft_assert(err == WEFT_OK); /* POL-63 */
    text = (struct weft_text){(const char *)printed[0].data, printed[0].size};
    if (text.size > WEFT_POLICY_SIZE_MAX) {
        return 0; /* Quotes and "any" may be longer than what was written. */
    }
    err = weft_policy_parse(text, "f", &arenas[1], &policies[1], &place, &msg);
    weft_assert(err == WEFT_OK); /* POL-63 */
    err = weft_policy_print(policies[1], &printed[1]);
    weft_assert(err == WEFT_OK && printed[0].size == printed[1].size);           /* POL-63 */
    weft_assert(memcmp(printed[0].data, printed[1].data, printed[0].size) == 0); /* POL-63 */
    err = weft_policy_diff(policies[0], policies[1], &scratch, &differences);
    weft_assert(err == WEFT_OK && differences.count == 0); /* POL-66 */
    struct weft_text rest = {"", 0};
    if (zero != NULL) {
        rest = (struct weft_text){(const char *)zero + 1, size - text_size - 1};
    }
    check_decisions(policies, rest);
    return 0;
}
