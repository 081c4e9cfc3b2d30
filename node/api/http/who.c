#include "node/api/http/door.h"

#include <string.h>

#include "node/checkpoint/tree.h"
#include "node/logger.h"
#include "node/node.h"
#include "node/wall.h"
#include "policy/base64.h"
#include "policy/crypto/pki.h"

/* Who a request is from: a bearer token where one is given, else the certificate. */

static enum weft_err read_file(
    const char *path, size_t size_max, struct weft_buffer *out, struct weft_msg *msg)
{
    weft_buffer_clear(out);
    out->size_max = size_max;
    return weft_tree_read(path, out, NULL, msg) == WEFT_OK ? WEFT_OK : WEFT_EINVAL;
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
        err = weft_pki_verify(
            bytes_of(&leaf), root, weft_wall_ns() / 1000000000, false, &principal, msg);
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
    if (principal.class == WEFT_PRINCIPAL_PARTNER) {
        return weft_fail(
            msg, WEFT_EPEER, "a certificate of partner/%s asks nothing here", principal.name);
    }
    weft_principal_format_uri(&principal, c->peer);
    return WEFT_OK;
}

/* Whose share of the notes it is: that of the host. */
static uint64_t share_of(const struct weft_http_conn *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char address[64] = "";
    if (info != NULL) {
        (void)uv_ip_name(info->client_addr, address, sizeof(address));
    }
    return weft_warrants_share(address);
}

static void believe(struct weft_http_conn *c, const struct weft_warranted *warranted)
{
    weft_principal_format_uri(&warranted->principal, c->principal);
    c->has_warrant = true;
    c->warrant = warranted->warrant;
}

/* A token that its principal has signed. */
static enum weft_err ask_warrant(
    struct weft_http_conn *c, struct weft_text note, struct weft_msg *msg)
{
    struct weft_node *node = c->door->node;
    struct weft_warrants_answer answer;
    struct weft_warrants_question question = {
        .waiter = weft_http_waiter(c), .share = share_of(c), .note = note};
    struct weft_msg why = {""};
    enum weft_err err;
    if (node->replica == NULL || node->warrants == NULL) {
        return weft_fail(msg, WEFT_EUNAVAILABLE, "this node is still joining its site");
    }
    if (weft_authority_org(weft_state_authority(node->state)) == NULL) {
        err = weft_fail(&why, WEFT_EREFUSED, "the site is ungoverned: it knows nobody's keys");
        return weft_warrants_tell("http", c->peer, err, &why, msg);
    }
    weft_node_place_question(node, &question);
    err = weft_warrants_ask(node->warrants, &question, &answer);
    if (err == WEFT_OK && answer.is_known) {
        believe(c, &answer.warranted);
    } else if (err == WEFT_OK) {
        c->is_doubtful = true;
    } else {
        return weft_warrants_tell("http", c->peer, err, &why, msg);
    }
    return WEFT_OK;
}

enum weft_err weft_http_check_token(const struct weft_http_conn *c, struct weft_msg *msg)
{
    enum weft_http_resource resource = c->target.resource;
    struct weft_msg why = {""};
    enum weft_policy_action action = WEFT_ACTION_READ;
    /* Of commits each record's action counts, when it is applied. */
    if (!c->has_warrant || c->method == WEFT_HTTP_POST) {
        return WEFT_OK;
    }
    action = resource == WEFT_HTTP_COMMITS ? WEFT_ACTION_SUBSCRIBE : action;
    if (weft_warrant_allows(&c->warrant, action)) {
        return WEFT_OK;
    }
    (void)weft_fail(
        &why, WEFT_EREFUSED, "the token is not for %s", weft_policy_action_name(action));
    return weft_warrants_tell("http", c->principal, WEFT_EREFUSED, &why, msg);
}

bool weft_http_is_warranted(const struct weft_http_conn *c)
{
    struct weft_node *node = c->door->node;
    struct weft_warrants_question now;
    if (!c->has_warrant) {
        return true;
    }
    weft_node_place_question(node, &now);
    return weft_warrant_check(&c->warrant, weft_text_of(c->principal),
               weft_authority_keyring(now.authority), now.index, now.time_ns, NULL) == WEFT_OK;
}

static enum weft_err find_bearer(struct weft_http_conn *c, const char *given, struct weft_msg *msg)
{
    static const char start[] = "weft-token/";
    uint8_t note[WEFT_TOKEN_SIZE_MAX];
    struct weft_text token;
    size_t size;
    bool is_bearer = weft_http_bearer(given, &token);
    const char *uri = is_bearer ? weft_http_tokens_find(&c->door->tokens, token) : NULL;
    if (uri != NULL) {
        (void)snprintf(c->principal, sizeof(c->principal), "%s", uri);
        return WEFT_OK;
    }
    if (is_bearer && weft_base64_parse_url(token, note, sizeof(note), &size) == WEFT_OK &&
        size > sizeof(start) && memcmp(note, start, sizeof(start) - 1) == 0) {
        return ask_warrant(c, (struct weft_text){(const char *)note, size}, msg);
    }
    return weft_fail(msg, WEFT_EPEER, "Authorization: not a bearer token of this site");
}

enum weft_err weft_http_identify(struct weft_http_conn *c, struct weft_msg *msg)
{
    const char *given =
        MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    if (given != NULL) {
        return find_bearer(c, given, msg);
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
