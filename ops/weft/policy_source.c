#include "ops/weft/policy_source.h"

#include <string.h>

#include "ops/weft/files.h"
#include "ops/weft/query.h"
#include "proto/limits.h"

enum {
    ANSWER_SIZE_MAX = WEFT_NOTE_SIZE_MAX + 1
};

void weft_policy_source_destroy(struct weft_policy_source *source)
{
    weft_buffer_destroy(&source->bytes);
    weft_arena_destroy(&source->arena);
}

void weft_org_source_destroy(struct weft_org_source *source)
{
    weft_buffer_destroy(&source->bytes);
    weft_arena_destroy(&source->arena);
}

/* The text of the note, or all of it if it is none. */
static struct weft_text text_of(const struct weft_buffer *bytes)
{
    struct weft_note note;
    const struct weft_text all = weft_buffer_as_text(bytes);
    return weft_note_parse(all, &note, NULL) == WEFT_OK ? note.text : all;
}

/* The newest note on an asset. */
struct newest {
    struct weft_buffer *bytes;
    uint64_t rev;
};

static enum weft_err on_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    struct newest *n = ctx;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; i < page->record_count && err == WEFT_OK; i++) {
        const struct weft_stored_record *stored = &page->records[i];
        const struct weft_record *r = &stored->record;
        if (weft_text_is(r->kind, "authority") && r->field_count == 1 && stored->index > n->rev) {
            weft_buffer_clear(n->bytes);
            err = weft_buffer_text(n->bytes, r->fields[0].value);
            n->rev = stored->index;
        }
    }
    return err == WEFT_OK ? err : weft_fail(msg, err, "keep a note");
}

static enum weft_err read_site(struct weft_client *client, const char *asset,
    struct weft_buffer *bytes, uint64_t *ret_rev, struct weft_msg *msg)
{
    const struct weft_query query = {.type = WEFT_QUERY_ASSET, .asset = weft_text_of(asset)};
    struct newest newest = {.bytes = bytes};
    bytes->size_max = ANSWER_SIZE_MAX;
    enum weft_err err = weft_query_pages(client, &query, 0, on_page, &newest, msg);
    if (err == WEFT_ENOTFOUND || (err == WEFT_OK && newest.rev == 0)) {
        return weft_fail(msg, WEFT_ENOTFOUND, "the site has no %s: it is ungoverned", asset);
    }
    *ret_rev = newest.rev;
    return err;
}

static enum weft_err compile(
    const char *name, struct weft_policy_source *source, struct weft_msg *msg)
{
    source->arena.size_max = WEFT_POLICY_MEMORY_MAX;
    source->text = text_of(&source->bytes);
    return weft_policy_parse(source->text, name, &source->arena, &source->policy, NULL, msg);
}

enum weft_err weft_policy_source_file(
    const char *path, struct weft_policy_source *source, struct weft_msg *msg)
{
    source->bytes.size_max = WEFT_POLICY_SIZE_MAX + WEFT_NOTE_SIZE_MAX;
    enum weft_err err = weft_files_read(path, &source->bytes, msg);
    return err == WEFT_OK ? compile(path, source, msg) : err;
}

enum weft_err weft_policy_source_site(
    struct weft_client *client, struct weft_policy_source *source, struct weft_msg *msg)
{
    enum weft_err err = read_site(client, "authority:policy", &source->bytes, &source->rev, msg);
    return err == WEFT_OK ? compile("the site's policy", source, msg) : err;
}

static enum weft_err decode(struct weft_org_source *source, struct weft_msg *msg)
{
    enum weft_chain_fault fault;
    source->arena.size_max = 2 * WEFT_ORG_MEMORY_MAX; /* With the subjects. */
    source->text = text_of(&source->bytes);
    enum weft_err err = weft_org_decode(source->text, &source->arena, &source->org, &fault, msg);
    if (err == WEFT_OK &&
        weft_subjects_make(&source->org, &source->arena, &source->subjects) != WEFT_OK) {
        err = weft_fail(msg, WEFT_ENOMEM, "no memory");
    }
    return err;
}

enum weft_err weft_org_source_file(
    const char *path, struct weft_org_source *source, struct weft_msg *msg)
{
    source->bytes.size_max = WEFT_NOTE_SIZE_MAX + 1;
    enum weft_err err = weft_files_read(path, &source->bytes, msg);
    if (err == WEFT_OK) {
        err = decode(source, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", path);
    }
    return err;
}

enum weft_err weft_org_source_site(
    struct weft_client *client, struct weft_org_source *source, struct weft_msg *msg)
{
    uint64_t rev;
    enum weft_err err = read_site(client, "authority:org", &source->bytes, &rev, msg);
    return err == WEFT_OK ? decode(source, msg) : err;
}
