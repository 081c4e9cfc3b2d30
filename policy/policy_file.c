#include "policy/policy_file.h"

#include "policy/lang.h"
#include "proto/check.h"

const char *weft_policy_statement_kind_name(enum weft_policy_statement_kind kind)
{
    static const char *const names[] = {[WEFT_STATEMENT_PERMIT] = "permit",
        [WEFT_STATEMENT_FORBID] = "forbid",
        [WEFT_STATEMENT_REQUIRE] = "require"};
    weft_assert((unsigned)kind <= WEFT_STATEMENT_REQUIRE); /* POL-60 */
    return names[kind];
}

enum weft_err weft_policy_parse(struct weft_text text, const char *file, struct weft_arena *arena,
    const struct weft_policy **ret_policy, struct weft_policy_place *ret_place,
    struct weft_msg *msg)
{
    if (text.size > WEFT_POLICY_SIZE_MAX) {
        if (ret_place != NULL) {
            *ret_place = (struct weft_policy_place){1, 1};
        }
        return weft_fail(msg, WEFT_ETOOBIG, "%s:1:1: expected at most %d bytes, found %zu", file,
            WEFT_POLICY_SIZE_MAX, text.size);
    }
    struct weft_policy *policy = weft_arena_alloc(arena, sizeof(*policy));
    struct weft_text copy = weft_arena_text(arena, text);
    if (policy == NULL || copy.data == NULL) {
        enum weft_err err = arena->is_starved ? WEFT_ENOMEM : WEFT_ETOOBIG;
        return weft_fail(msg, err, "%s:1:1: expected a policy that fits in memory", file);
    }
    struct weft_arena scratch = {.size_max = WEFT_POLICY_MEMORY_MAX};
    const struct weft_lang_parse parse = {.text = copy,
        .file = file,
        .arena = arena,
        .scratch = &scratch,
        .ret_place = ret_place,
        .msg = msg};
    enum weft_err err = weft_lang_parse(&parse, policy);
    if (err == WEFT_OK) {
        err = weft_lang_compile(&parse, policy);
    }
    weft_arena_destroy(&scratch);
    if (err == WEFT_OK) {
        policy->head.digest = weft_sha256(text.data, text.size);
        *ret_policy = policy;
    }
    return err;
}

const struct weft_policy_head *weft_policy_head(const struct weft_policy *policy)
{
    return &policy->head;
}

const struct weft_policy_bounds *weft_policy_bounds(const struct weft_policy *policy)
{
    return &policy->bounds;
}

struct weft_policy_statement weft_policy_statement(const struct weft_policy *policy, uint32_t index)
{
    weft_assert(index < policy->statement_count); /* POL-60 */
    const struct weft_lang_statement *s = &policy->statements[index];
    return (struct weft_policy_statement){s->kind, s->name, s->line, s->cite};
}

struct weft_text weft_policy_asset_class(const struct weft_policy *policy, struct weft_text asset)
{
    uint32_t left = policy->asset_depth;
    if (left == 0) {
        return (struct weft_text){asset.data, 0};
    }
    for (size_t i = 0; i < asset.size; i++) {
        if (asset.data[i] == '/' && --left == 0) {
            return (struct weft_text){asset.data, i + 1};
        }
    }
    return asset;
}
