#include "node/state/room.h"

#include "node/state/machine.h"

/* Stored bytes of one commit: FlatBuffers can make a small message of a large one by naming one
 * text from many places. */
enum {
    COMMIT_STORED_SIZE_MAX = 4 * 1024 * 1024
};

static size_t fields_size(const struct weft_field *fields, uint32_t count)
{
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        size += 8 + fields[i].path.size + fields[i].value.size;
    }
    return size;
}

static size_t stored_size(const struct weft_record *r)
{
    size_t size = 64 + r->kind.size + r->asset.size + r->author.size + r->source.size +
                  fields_size(r->fields, r->field_count);
    for (uint32_t i = 0; i < r->link_count; i++) {
        size += 8 + r->links[i].rel.size + r->links[i].to.size +
                fields_size(r->links[i].fields, r->links[i].field_count);
    }
    return size;
}

/* Is there room for the words that the commit would add? They are counted without looking which
 * are the same: near the limit that refuses a little early, on every replica alike. */
static bool has_room_for_words(struct weft_state *state, const struct weft_commit *commit)
{
    struct weft_words *kinds = weft_names_kinds(state->names);
    struct weft_words *rels = weft_names_rels(state->names);
    uint32_t new_kinds = 0, new_rels = 0;
    for (uint32_t i = 0; i < commit->record_count; i++) {
        const struct weft_record *r = &commit->records[i];
        new_kinds += weft_words_find(kinds, r->kind) == 0;
        for (uint32_t j = 0; j < r->link_count; j++) {
            new_rels += weft_words_find(rels, r->links[j].rel) == 0;
        }
    }
    return new_kinds <= WEFT_STATE_WORDS_MAX - kinds->count &&
           new_rels <= WEFT_STATE_WORDS_MAX - rels->count;
}

bool weft_room_has(struct weft_state *state, const struct weft_state_position *position,
    uint32_t ordinal, const struct weft_commit *commit)
{
    uint64_t links = 0;
    size_t size = 0;
    for (uint32_t i = 0; i < commit->record_count; i++) {
        size += stored_size(&commit->records[i]);
        links += commit->records[i].link_count;
    }
    /* Far from the limit it need not be known which words are new. */
    bool are_words_few =
        commit->record_count <= WEFT_STATE_WORDS_MAX - weft_names_kinds(state->names)->count &&
        links <= WEFT_STATE_WORDS_MAX - weft_names_rels(state->names)->count;
    return size <= COMMIT_STORED_SIZE_MAX &&
           commit->record_count + links <= WEFT_STATE_ASSETS_MAX - position->assets &&
           commit->record_count <= WEFT_STATE_ORDINAL_MAX - ordinal &&
           (are_words_few || has_room_for_words(state, commit));
}
