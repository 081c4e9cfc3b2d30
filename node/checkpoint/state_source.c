#include "node/checkpoint/state_source.h"

#include <string.h>

#include "node/mutant.h"

static enum weft_err take(void *ctx, const char *directory, struct weft_msg *msg)
{
    struct weft_state_source *s = ctx;
    enum weft_err rv = s->is_purging ? weft_state_purge(s->state, s->cancel, msg) : WEFT_OK;
    return rv == WEFT_OK ? weft_state_checkpoint(s->state, directory, msg) : rv;
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

struct weft_state_file {
    uint64_t number;
    uint32_t crc32c;
};

enum {
    FILES_MAX = WEFT_CHECKPOINT_FILES_MAX, /* No checkpoint has more. */
    DIGITS_MAX = 19                        /* Of a number that fits in 64 bits. */
};

static bool add_file(void *ctx, uint64_t number, uint32_t crc32c)
{
    struct weft_state_source *s = ctx;
    s->files[s->file_count++] = (struct weft_state_file){number, crc32c};
    return s->file_count < FILES_MAX;
}

static enum weft_err list_files(struct weft_state_source *s, struct weft_state *copy,
    struct weft_arena *arena, struct weft_msg *msg)
{
    s->files = weft_arena_array(arena, FILES_MAX, sizeof(*s->files));
    if (s->files == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "list the files of the copy");
    }
    s->file_count = 0;
    return weft_state_files(copy, add_file, s, msg);
}

/* Tables and blob files are called after their numbers; others are small, and read at open. */
static const struct weft_state_file *find(const struct weft_state_source *s, struct weft_text name)
{
    uint64_t number = 0;
    size_t i = 0;
    while (i < name.size && i < DIGITS_MAX && name.data[i] >= '0' && name.data[i] <= '9') {
        number = number * 10 + (uint64_t)(name.data[i++] - '0');
    }
    const struct weft_text suffix = {name.data + i, name.size - i};
    if (i == 0 || !(weft_text_is(suffix, ".sst") || weft_text_is(suffix, ".blob"))) {
        return NULL;
    }
    for (size_t k = 0; k < s->file_count; k++) {
        if (s->files[k].number == number) {
            return &s->files[k];
        }
    }
    return NULL;
}

/* NOD-205 */
static enum weft_err check(void *ctx, struct weft_text name, uint32_t crc32c, struct weft_msg *msg)
{
    const struct weft_state_file *file = find(ctx, name);
    if (file == NULL || crc32c == file->crc32c) {
        return WEFT_OK;
    }
    return weft_fail(msg, WEFT_ECORRUPT,
        "%.*s of the state is damaged: its CRC-32C is %08x and was %08x when it was written",
        (int)name.size, name.data, crc32c, file->crc32c);
}

/* The copy itself says what it speaks for: whatever was applied since does not matter. */
static enum weft_err describe(void *ctx, const char *directory, struct weft_arena *arena,
    struct weft_manifest *ret_manifest, struct weft_msg *msg)
{
    struct weft_state_source *s = ctx;
    struct weft_state_options options = s->options;
    struct weft_state_position position;
    struct weft_state *copy;
    options.directory = directory;
    options.read_only = true;
    options.take_over = false;
    options.on_damage.tell = NULL; /* Of the copy: whoever asks for it hears. */
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
    if (rv == WEFT_OK) {
        rv = list_files(s, copy, arena, msg);
    }
    weft_state_close(copy);
    return rv;
}

struct weft_keeper_source weft_state_source(struct weft_state_source *s)
{
    return (struct weft_keeper_source){s, take, describe, check};
}
