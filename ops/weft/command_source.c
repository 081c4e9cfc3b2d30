#include "ops/weft/command_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/audit_files.h"
#include "ops/weft/query.h"
#include "policy/note.h"

/* --- commands -------------------------------------------------------------------------------- */

void weft_command_source_destroy(struct weft_command_source *source)
{
    weft_buffer_destroy(&source->bytes);
}

enum weft_err weft_command_source_file(
    struct weft_client *client, const char *path, struct weft_buffer *out, struct weft_msg *msg)
{
    struct weft_audit_source files;
    struct weft_audit_result result;
    weft_audit_source_init(&files, client, false);
    enum weft_err err = weft_audit_source_ask(&files, path, &result, msg);
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, result.content.data, result.content.size);
    }
    weft_audit_source_close(&files);
    return err;
}

static enum weft_err split(struct weft_command_source *source, struct weft_msg *msg)
{
    struct weft_note note;
    struct weft_text all = weft_buffer_as_text(&source->bytes);
    const char *gap = memmem(all.data, all.size, "\n\n", 2);
    if (gap == NULL) {
        return weft_fail(msg, WEFT_ECORRUPT, "the site's answer is no command");
    }
    source->state = (struct weft_text){all.data, (size_t)(gap - all.data) + 1};
    source->note = (struct weft_text){gap + 2, all.size - source->state.size - 1};
    enum weft_err err = weft_note_parse(source->note, &note, msg);
    if (err == WEFT_OK) {
        source->text = note.text;
        err = weft_command_note_decode(note.text, &source->command, msg);
    }
    return err == WEFT_OK ? err : weft_wrap(msg, WEFT_ECORRUPT, "the site's answer");
}

enum weft_err weft_command_source_read(struct weft_client *client, const char *id,
    struct weft_command_source *source, struct weft_msg *msg)
{
    char path[64];
    const char *digits = strncmp(id, "command:", 8) == 0 ? id + 8 : id;
    if (strlen(digits) != 2 * WEFT_COMMAND_ID_SIZE) {
        return weft_fail(msg, WEFT_EINVAL, "%.40s: an id has 32 hexadecimal digits", id);
    }
    (void)snprintf(path, sizeof(path), "command/%s", digits);
    enum weft_err err = weft_command_source_file(client, path, &source->bytes, msg);
    return err == WEFT_OK ? split(source, msg) : err;
}

struct weft_text weft_command_source_line(const struct weft_command_source *source, const char *key)
{
    struct weft_text rest = source->state, line, word;
    while (weft_text_cut(&rest, '\n', &line)) {
        if (weft_text_cut(&line, ' ', &word) && weft_text_is(word, key)) {
            return line;
        }
    }
    return (struct weft_text){"", 0};
}

/* --- envelopes ------------------------------------------------------------------------------- */

void weft_envelope_source_destroy(struct weft_envelope_source *source)
{
    for (uint32_t i = 0; i < source->count; i++) {
        weft_buffer_destroy(&source->notes[i]);
    }
    free(source->envelopes);
    free(source->revs);
}

/* While the pages come. */
struct gathering {
    struct weft_envelope_source *source;
    struct weft_text target;
    struct weft_text verb;
};

static enum weft_err keep(
    struct gathering *g, struct weft_text text, uint64_t rev, struct weft_msg *msg)
{
    struct weft_envelope_source *s = g->source;
    struct weft_buffer bytes = {0};
    struct weft_note note;
    struct weft_envelope_note envelope;
    enum weft_err err = weft_buffer_text(&bytes, text);
    if (err == WEFT_OK) {
        err = weft_note_parse(weft_buffer_as_text(&bytes), &note, msg);
    }
    if (err == WEFT_OK) {
        err = weft_envelope_note_decode(note.text, &envelope, msg);
    }
    if (err != WEFT_OK) {
        weft_buffer_destroy(&bytes);
        return err;
    }
    uint32_t at = 0;
    while (at < s->count && !weft_text_equal(s->envelopes[at].name, envelope.name)) {
        at++;
    }
    if (at == WEFT_ENVELOPE_SOURCE_MAX) {
        weft_buffer_destroy(&bytes);
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d envelopes", WEFT_ENVELOPE_SOURCE_MAX);
    }
    if (at < s->count && s->envelopes[at].link.version > envelope.link.version) {
        weft_buffer_destroy(&bytes); /* An older one. */
        return WEFT_OK;
    }
    if (at < s->count) {
        weft_buffer_destroy(&s->notes[at]);
    } else {
        s->count++;
    }
    s->notes[at] = bytes;
    s->envelopes[at] = envelope;
    s->revs[at] = rev;
    return WEFT_OK;
}

static enum weft_err on_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    struct gathering *g = ctx;
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < page->record_count; i++) {
        const struct weft_record *r = &page->records[i].record;
        if (r->field_count == 1 && weft_text_is(r->fields[0].path, "note")) {
            err = keep(g, r->fields[0].value, page->records[i].index, msg);
        }
    }
    return err;
}

/* Those of which nobody asked are dropped; the rest is sorted, as a command names them. */
static void settle(struct gathering *g)
{
    struct weft_envelope_source *s = g->source;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        bool is_asked = g->target.size == 0 ||
                        weft_envelope_note_is_about(&s->envelopes[i], g->target, g->verb);
        if (!is_asked) {
            weft_buffer_destroy(&s->notes[i]);
            continue;
        }
        const struct weft_envelope_note envelope = s->envelopes[i];
        const struct weft_buffer note = s->notes[i];
        const uint64_t rev = s->revs[i];
        uint32_t at = kept++;
        while (at > 0 && weft_text_compare(s->envelopes[at - 1].name, envelope.name) > 0) {
            s->envelopes[at] = s->envelopes[at - 1];
            s->notes[at] = s->notes[at - 1];
            s->revs[at] = s->revs[at - 1];
            at--;
        }
        s->envelopes[at] = envelope;
        s->notes[at] = note;
        s->revs[at] = rev;
    }
    s->count = kept;
}

enum weft_err weft_envelope_source_read(struct weft_client *client, struct weft_text target,
    struct weft_text verb, struct weft_envelope_source *source, struct weft_msg *msg)
{
    struct gathering g = {.source = source, .target = target, .verb = verb};
    const struct weft_query query = {
        .type = WEFT_QUERY_FIND, .kind = WEFT_TEXT("envelope"), .limit = 100};
    source->envelopes = calloc(WEFT_ENVELOPE_SOURCE_MAX, sizeof(*source->envelopes));
    source->revs = calloc(WEFT_ENVELOPE_SOURCE_MAX, sizeof(*source->revs));
    if (source->envelopes == NULL || source->revs == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "read envelopes");
    }
    enum weft_err err = weft_query_pages(client, &query, 0, on_page, &g, msg);
    if (err == WEFT_OK) {
        settle(&g);
    }
    return err;
}
