#include "node/state/commands_code.h"

#include "node/state/coder.h"

static void code_fence(struct weft_coder *c, struct weft_fence *fence)
{
    weft_code_u64(c, &fence->term);
    weft_code_u64(c, &fence->index);
}

static void code_principal(struct weft_coder *c, struct weft_principal *p)
{
    uint32_t class = (uint32_t)p->class;
    weft_code_u32(c, &class, WEFT_PRINCIPAL_CLASSES);
    p->class = (enum weft_principal_class) class;
    weft_code_text(c, p->org, sizeof(p->org));
    weft_code_text(c, p->site, sizeof(p->site));
    weft_code_text(c, p->name, sizeof(p->name));
}

static void code_approval(struct weft_coder *c, struct weft_command_approval *a)
{
    code_principal(c, &a->who);
    weft_code_text(c, a->person, sizeof(a->person));
    weft_code_u32(c, &a->key_id, UINT64_C(1) << 32);
    weft_code_time(c, &a->signed_ns);
    weft_code_time(c, &a->expires_ns);
    weft_code_bytes(c, a->digest.bytes, WEFT_DIGEST_SIZE);
}

static void code_machine(struct weft_coder *c, struct weft_command_machine *m)
{
    uint32_t state = (uint32_t)m->state, finding = (uint32_t)m->finding;
    weft_code_u32(c, &state, WEFT_COMMAND_STATES);
    m->state = (enum weft_command_state)state;
    weft_code_bytes(c, m->digest.bytes, WEFT_DIGEST_SIZE);
    weft_code_text(c, m->person, sizeof(m->person));
    weft_code_u32(c, &m->key_id, UINT64_C(1) << 32);
    weft_code_u32(c, &m->approval_count, WEFT_COMMAND_APPROVALS_MAX + 1);
    for (uint32_t i = 0; c->err == WEFT_OK && i < m->approval_count; i++) {
        code_approval(c, &m->approvals[i]);
    }
    weft_code_u32(c, &m->counted, UINT64_C(1) << WEFT_COMMAND_APPROVALS_MAX);
    code_fence(c, &m->fence);
    weft_code_time(c, &m->fence_ns);
    code_fence(c, &m->asked);
    weft_code_time(c, &m->asked_ns);
    weft_code_bool(c, &m->is_lost);
    weft_code_bool(c, &m->is_unseen);
    weft_code_u32(c, &m->sends, UINT64_C(1) << 32);
    weft_code_bool(c, &m->is_shadow_done);
    weft_code_u64(c, &m->finish_ms);
    weft_code_time(c, &m->accepted_ns);
    weft_code_time(c, &m->done_ns);
    weft_code_time(c, &m->done_at_ns);
    weft_code_u32(c, &m->shown, UINT64_C(1) << WEFT_COMMAND_POSTS_MAX);
    weft_code_text(c, m->code, sizeof(m->code));
    weft_code_bool(c, &m->is_resolved);
    weft_code_u32(c, &finding, WEFT_RESOLUTION_FINDINGS);
    m->finding = (enum weft_resolution_finding)finding;
}

static void code_command(struct weft_coder *c, struct weft_command_value *value)
{
    code_machine(c, &value->machine);
    weft_code_u64(c, &value->index);
    weft_code_time(c, &value->time_ns);
    weft_code_u64(c, &value->leaf);
}

static void code_channel(struct weft_coder *c, struct weft_channel_value *value)
{
    uint32_t rank = (uint32_t)value->authority.rank, asset_size = value->asset_size;
    weft_code_u64(c, &value->authority.version);
    weft_code_u32(c, &rank, WEFT_COMMAND_RANKS);
    value->authority.rank = (enum weft_command_rank)rank;
    weft_code_bool(c, &value->is_held);
    weft_code_bytes(c, value->holder, sizeof(value->holder));
    weft_code_u32(c, &value->move_count, WEFT_ENVELOPE_MOVES_MAX + 1);
    for (uint32_t i = 0; c->err == WEFT_OK && i < value->move_count; i++) {
        weft_code_time(c, &value->moves_ns[i]);
    }
    weft_code_bytes(c, value->what.bytes, WEFT_DIGEST_SIZE);
    weft_code_time(c, &value->verified_ns);
    weft_code_u32(c, &asset_size, WEFT_ASSET_SIZE_MAX + 1);
    value->asset_size = (uint16_t)asset_size;
    weft_code_bytes(c, value->asset, value->asset_size);
}

enum weft_err weft_command_value_encode(
    const struct weft_command_value *value, struct weft_buffer *out)
{
    struct weft_command_value copy = *value;
    struct weft_coder c = {.out = out};
    code_command(&c, &copy);
    return c.err;
}

enum weft_err weft_channel_value_encode(
    const struct weft_channel_value *value, struct weft_buffer *out)
{
    struct weft_channel_value copy = *value;
    struct weft_coder c = {.out = out};
    code_channel(&c, &copy);
    return c.err;
}

enum weft_err weft_command_value_decode(
    struct weft_bytes bytes, struct weft_command_value *ret_value)
{
    struct weft_command_value value = {.index = 0};
    struct weft_coder c = {.rest = bytes};
    code_command(&c, &value);
    enum weft_err err = weft_coder_end(&c);
    if (err == WEFT_OK) {
        *ret_value = value;
    }
    return err;
}

enum weft_err weft_channel_value_decode(
    struct weft_bytes bytes, struct weft_channel_value *ret_value)
{
    struct weft_channel_value value = {.move_count = 0};
    struct weft_coder c = {.rest = bytes};
    code_channel(&c, &value);
    enum weft_err err = weft_coder_end(&c);
    if (err == WEFT_OK) {
        *ret_value = value;
    }
    return err;
}
