/* ops/weft/context.h: where to connect and as whom: from options, a context, or both.
 *
 * Contexts are files NAME.json in WEFT_CONFIG_DIR, or $XDG_CONFIG_HOME/weft, or ~/.config/weft;
 * the file `current` holds the name of the one in use. Order: --endpoint and --identity, then
 * --context, then WEFT_CONTEXT, then the current one.
 *
 * An identity is a directory: ca.crt (trust root), tls.crt and tls.key. `weft pki` makes it. */
#ifndef WEFT_OPS_CONTEXT_H
#define WEFT_OPS_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/weft/args.h"
#include "ops/weft/files.h"
#include "proto/err.h"
#include "proto/limits.h"

enum {
    WEFT_CONTEXT_NAME_SIZE = 64,
    WEFT_CONTEXT_ENDPOINTS_MAX = 16
};

#define WEFT_IDENTITY_CA "ca.crt"
#define WEFT_IDENTITY_CERT "tls.crt"
#define WEFT_IDENTITY_KEY "tls.key"

struct weft_context {
    char name[WEFT_CONTEXT_NAME_SIZE]; /* "": made of options alone. */
    char identity[WEFT_FILES_PATH_SIZE];
    char endpoints[WEFT_CONTEXT_ENDPOINTS_MAX][WEFT_ADDRESS_SIZE_MAX + 1]; /* host:port */
    uint32_t endpoint_count;
};

/* WEFT_EINVAL: neither options nor context say where; `msg` tells how. WEFT_ENOTFOUND: the
 * context that was named. */
WEFT_MUST_USE enum weft_err weft_context_resolve(
    const struct weft_args *args, struct weft_context *ret_context, struct weft_msg *msg);

/* "tls+tcp://host:port" or "host:port", several separated by commas, added to the context.
 * WEFT_EINVAL. */
WEFT_MUST_USE enum weft_err weft_context_add_endpoints(
    struct weft_context *context, const char *list, struct weft_msg *msg);

/* WEFT_ENOTFOUND, WEFT_EINVAL: its content. */
WEFT_MUST_USE enum weft_err weft_context_load(
    const char *name, struct weft_context *ret_context, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_context_save(
    const struct weft_context *context, bool may_replace, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_context_remove(const char *name, struct weft_msg *msg);
WEFT_MUST_USE enum weft_err weft_context_use(const char *name, struct weft_msg *msg);
/* Name of the context in force without options: WEFT_CONTEXT or the current one; "" for none. */
WEFT_MUST_USE enum weft_err weft_context_current(
    char ret_name[WEFT_CONTEXT_NAME_SIZE], struct weft_msg *msg);
/* Calls `on_name` for each, in the order of their names. */
WEFT_MUST_USE enum weft_err weft_context_list(
    void (*on_name)(void *ctx, const char *name), void *ctx, struct weft_msg *msg);

#endif
