/* ops/weft/document.h: answers that are a document (TWIN, DIFF): asked for, printed, looked into.
 */
#ifndef WEFT_OPS_DOCUMENT_H
#define WEFT_OPS_DOCUMENT_H

#include "ops/weft/client.h"
#include "ops/weft/output.h"
#include "proto/json.h"

/* Ask, and give the document as JSON text (*ret_json, the caller's) and as a tree over it, in the
 * arena. The client's errors. */
WEFT_MUST_USE enum weft_err weft_document_ask(struct weft_client *client,
    const struct weft_query *query, struct weft_arena *arena, struct weft_buffer *ret_json,
    const struct weft_json **ret_root, struct weft_msg *msg);
/* One line on stdout. WEFT_EIO. */
WEFT_MUST_USE enum weft_err weft_document_print(
    const struct weft_buffer *json, struct weft_msg *msg);

/* The text of a scalar member; empty if there is none. Objects and arrays have none. */
struct weft_text weft_document_text(const struct weft_json *object, const char *member);
/* The member's children, NULL if it has none; go on with ->next. */
const struct weft_json *weft_document_list(const struct weft_json *object, const char *member);
bool weft_document_is_true(const struct weft_json *object, const char *member);
/* "NAME  " before a text that is not empty, to stdout, fit for a terminal. */
void weft_document_say(const char *name, struct weft_text text);

#endif
