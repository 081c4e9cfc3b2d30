#include "node/checkpoint/state_source.h"

#include <string.h>

#include "node/mutant.h"

static enum weft_err take(void *ctx, const char *directory, struct weft_msg *msg)
{
    struct weft_state_source *s = ctx;
    return weft_state_checkpoint(s->state, directory, msg);
}

static enum weft_err copy_bytes(
    struct weft_arena *arena, struct weft_bytes from, struct weft_bytes *ret_copy)
{
    uint8_t *data = weft_arena_alloc(arena, from.size + 1);
    if (data == NULL) {
        return WEFT_ENOMEM;
    }
    if (from.size > 0) {
        memcpy(data, from.data, from.size);
    }
    *ret_copy = (struct weft_bytes){data, from.size};
    return WEFT_OK;
}

/* The copy itself says what it speaks for: whatever was applied since does not matter. */
static enum weft_err describe(void *ctx, const char *directory, struct weft_arena *arena,
    struct weft_manifest *ret_manifest, struct weft_msg *msg)
{
    const struct weft_state_source *s = ctx;
    struct weft_state_options options = s->options;
    struct weft_state_position position;
    struct weft_state *copy;
    options.directory = directory;
    options.read_only = true;
    options.take_over = false;
    enum weft_err rv = weft_state_open(&options, &copy, msg);
    if (rv != WEFT_OK) {
        return weft_wrap(msg, rv, "open the copy");
    }
    weft_state_position(copy, &position);
    struct weft_bytes configuration;
    struct weft_text site = weft_arena_text(arena, weft_text_of(options.site));
    rv = copy_bytes(arena, position.configuration, &configuration);
    if (rv != WEFT_OK || site.data == NULL) {
        rv = weft_fail(msg, WEFT_ENOMEM, "describe the copy");
    } else {
        *ret_manifest = (struct weft_manifest){
            .site = site,
            .cluster = options.cluster,
            .index =
                position.index - (weft_node_mutant(WEFT_NODE_MUTANT_CHECKPOINT_BEHIND) ? 1 : 0),
            .term = position.term,
            .time_ns = position.time_ns,
            .conf_index = position.conf_index,
            .configuration = configuration,
            .chain = position.chain,
            .format = WEFT_CHECKPOINT_STATE_FORMAT,
        };
    }
    weft_state_close(copy);
    return rv;
}

struct weft_keeper_source weft_state_source(struct weft_state_source *s)
{
    return (struct weft_keeper_source){s, take, describe};
}
