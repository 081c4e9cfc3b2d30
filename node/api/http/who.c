#include "node/api/http/door.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "node/logger.h"
#include "node/node.h"
#include "policy/crypto/pki.h"

/* Who a request is from: a bearer token where one is given, else the certificate. */

static enum weft_err read_file(
    const char *path, size_t size_max, struct weft_buffer *out, struct weft_msg *msg)
{
    uint8_t block[4096];
    size_t got;
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "%s cannot be read", path);
    }
    enum weft_err err = WEFT_OK;
    weft_buffer_clear(out);
    out->size_max = size_max;
    while (err == WEFT_OK && (got = fread(block, 1, sizeof(block), file)) > 0) {
        err = weft_buffer_append(out, block, got);
    }
    if (err == WEFT_OK && ferror(file)) {
        err = WEFT_EIO;
    }
    (void)fclose(file);
    explicit_bzero(block, sizeof(block));
    return err == WEFT_OK ? err : weft_fail(msg, WEFT_EINVAL, "%s: %s", path, weft_err_name(err));
}

static void wipe(struct weft_buffer *b)
{
    if (b->data != NULL) {
        explicit_bzero(b->data, b->capacity);
    }
    weft_buffer_destroy(b);
}

static struct weft_bytes bytes_of(const struct weft_buffer *b)
{
    return (struct weft_bytes){b->data, b->size};
}

static enum weft_err load_tokens(struct weft_http *h, struct weft_msg *msg)
{
    const struct weft_config *config = &h->node->config;
    struct weft_buffer text = {0};
    if (config->http.tokens[0] == '\0') {
        h->tokens.count = 0;
        return WEFT_OK;
    }
    enum weft_err err = read_file(config->http.tokens, WEFT_HTTP_TOKEN_FILE_MAX, &text, msg);
    if (err == WEFT_OK) {
        err = weft_http_tokens_parse((struct weft_text){(char *)text.data, text.size},
            config->node.org, config->node.site, &h->tokens, msg);
        err = err == WEFT_OK ? err : weft_wrap(msg, err, "%s", config->http.tokens);
    }
    weft_buffer_destroy(&text);
    return err;
}

enum weft_err weft_http_load_files(struct weft_http *h, struct weft_msg *msg)
{
    const struct weft_config *config = &h->node->config;
    struct weft_buffer cert = {0}, key = {0}, root = {0};
    enum weft_err err = read_file(config->tls.cert, WEFT_PKI_PEM_SIZE_MAX, &cert, msg);
    if (err == WEFT_OK) {
        err = read_file(config->tls.key, WEFT_PKI_PEM_SIZE_MAX, &key, msg);
    }
    if (err == WEFT_OK) {
        err = read_file(config->tls.ca, WEFT_PKI_PEM_SIZE_MAX, &root, msg);
    }
    if (err == WEFT_OK) {
        struct weft_pki_facts facts;
        err = weft_pki_inspect(bytes_of(&root), &facts, msg);
        if (err == WEFT_OK && !facts.is_root) {
            err = weft_fail(msg, WEFT_EINVAL, "not a trust root");
        }
        err = err == WEFT_OK ? err : weft_wrap(msg, WEFT_EINVAL, "tls.ca");
    }
    if (err == WEFT_OK) {
        err = weft_buffer_append(&root, "", 1); /* libmicrohttpd wants it terminated. */
    }
    if (err == WEFT_OK) {
        err = load_tokens(h, msg);
    }
    if (err == WEFT_OK) {
        err = weft_http_credentials_load(bytes_of(&cert), bytes_of(&key), &h->credentials, msg);
    }
    if (err == WEFT_OK) {
        struct weft_buffer old = h->root;
        h->root = root;
        root = old;
        weft_http_credentials_use(h->credentials);
    }
    wipe(&key);
    weft_buffer_destroy(&cert);
    weft_buffer_destroy(&root);
    return err;
}

/* --- requests ---------------------------------------------------------------------------- */

static int64_t wall_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

/* Once per connection: the other end proved in the handshake that it holds the key. */
static enum weft_err verify_peer(struct weft_http_conn *c, struct weft_msg *msg)
{
    const struct weft_config *config = &c->door->node->config;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    struct weft_buffer leaf = {0};
    struct weft_principal principal;
    if (info == NULL) {
        return weft_fail(msg, WEFT_EPEER, "no TLS");
    }
    enum weft_err err = weft_http_peer_leaf(info->tls_session, &leaf, msg);
    if (err == WEFT_OK) {
        struct weft_bytes root = {c->door->root.data, c->door->root.size - 1};
        err = weft_pki_verify(bytes_of(&leaf), root, wall_s(), false, &principal, msg);
    }
    weft_buffer_destroy(&leaf);
    if (err != WEFT_OK) {
        return err;
    }
    /* As the native door admits. */
    if (strcmp(principal.org, config->node.org) != 0 ||
        strcmp(principal.site, config->node.site) != 0) {
        return weft_fail(msg, WEFT_EPEER, "spiffe://%s/%s/... is not of %s/%s", principal.org,
            principal.site, config->node.org, config->node.site);
    }
    weft_principal_format_uri(&principal, c->peer);
    return WEFT_OK;
}

enum weft_err weft_http_identify(struct weft_http_conn *c, struct weft_msg *msg)
{
    const char *given =
        MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (given != NULL) {
        struct weft_text token;
        const char *uri =
            weft_http_bearer(given, &token) ? weft_http_tokens_find(&c->door->tokens, token) : NULL;
        if (uri == NULL) {
            return weft_fail(msg, WEFT_EPEER, "Authorization: not a bearer token of this node");
        }
        (void)snprintf(c->principal, sizeof(c->principal), "%s", uri);
        return WEFT_OK;
    }
    if (!c->has_peer) {
        c->has_peer = true;
        enum weft_err err = verify_peer(c, msg);
        if (err != WEFT_OK && err != WEFT_ENOTFOUND) {
            weft_log(WEFT_LOG_WARN, "http_stranger", weft_kv("reason", (const char *)msg->text),
                weft_kv("next", "answered 401"));
        }
    }
    if (c->peer[0] == '\0') {
        return weft_fail(msg, WEFT_EPEER,
            "who asks is not known: a certificate of this site, or a bearer token");
    }
    (void)snprintf(c->principal, sizeof(c->principal), "%s", c->peer);
    return WEFT_OK;
}
