/* node/state/query_file.h: what those questions have in common that are asked and answered as files
 * beside the audit log's (`partner/...`, `cells/...`): whose path it is, and the answer. */
#ifndef WEFT_NODE_STATE_QUERY_FILE_H
#define WEFT_NODE_STATE_QUERY_FILE_H

#include "node/state/view.h"

/* "<stem>", or below it: "<stem>/...". */
bool weft_query_file_is(struct weft_text path, const char *stem);
/* The end of such a question: with `err` WEFT_OK what is in `out` becomes the answer, kept in the
 * arena; else nothing was told, and the view's tally says so. `err`; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_query_file_end(struct weft_view *view, enum weft_err err,
    const struct weft_buffer *out, struct weft_arena *arena, struct weft_client_message *ret_answer,
    struct weft_msg *msg);

#endif
