#include "ops/weft/commit_once.h"

#include <sys/random.h>

enum weft_err weft_commit_once(struct weft_client *client, struct weft_client_message *request,
    struct weft_arena *arena, struct weft_client_message *ret_answer, struct weft_msg *msg)
{
    struct weft_request_id *id = &request->commit.request_id;
    return getrandom(id->bytes, sizeof(id->bytes), 0) == (ssize_t)sizeof(id->bytes)
               ? weft_client_call(client, request, arena, ret_answer, msg)
               : weft_fail(msg, WEFT_EIO, "no random request id");
}
