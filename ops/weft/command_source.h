/* ops/weft/command_source.h: commands and envelopes as the site has them.
 *
 * Nothing of them is verified here: that is for the site, and for gateways. */
#ifndef WEFT_OPS_COMMAND_SOURCE_H
#define WEFT_OPS_COMMAND_SOURCE_H

#include "ops/weft/client.h"
#include "policy/command/command_note.h"
#include "policy/command/envelope_note.h"

/* Zero-initialized is none; owns what it points to. */
struct weft_command_source {
    struct weft_buffer bytes; /* As the site answers: state lines, an empty line, the note. */
    struct weft_text state;   /* The lines. */
    struct weft_text note;
    struct weft_text text; /* What was signed. */
    struct weft_command_note command;
};

void weft_command_source_destroy(struct weft_command_source *source);
/* `id`: 32 hexadecimal digits, perhaps behind "command:". WEFT_EINVAL, WEFT_ENOTFOUND;
 * WEFT_ECORRUPT: the site's answer is none. As weft_client_call. */
WEFT_MUST_USE enum weft_err weft_command_source_read(struct weft_client *client, const char *id,
    struct weft_command_source *source, struct weft_msg *msg);
/* The value of a state line ("state", "index", "code", ...); empty: there is none. */
struct weft_text weft_command_source_line(
    const struct weft_command_source *source, const char *key);

/* "command", or what is below it, into `out`. As weft_client_call. */
WEFT_MUST_USE enum weft_err weft_command_source_file(
    struct weft_client *client, const char *path, struct weft_buffer *out, struct weft_msg *msg);

enum {
    WEFT_ENVELOPE_SOURCE_MAX = 64, /* about one target and verb; chosen: a site has few */
};

/* Newest notes of envelopes. Owns them. */
struct weft_envelope_source {
    uint32_t count;
    struct weft_buffer notes[WEFT_ENVELOPE_SOURCE_MAX];
    struct weft_envelope_note *envelopes; /* As many; each borrows its note. Sorted by name. */
    uint64_t *revs;
};

void weft_envelope_source_destroy(struct weft_envelope_source *source);
/* All in force (`target` empty), or those about it and the verb. As weft_client_call;
 * WEFT_ETOOBIG. */
WEFT_MUST_USE enum weft_err weft_envelope_source_read(struct weft_client *client,
    struct weft_text target, struct weft_text verb, struct weft_envelope_source *source,
    struct weft_msg *msg);

#endif
