#include "node/link/nng_engine.h"

#include <nng/supplemental/tls/engine.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Rules learnt from nng 1.5.2's tls_common.c, stricter than engine.h says:
 *  - send and recv are called before the handshake is complete, so they must drive it;
 *  - fini is called on connections whose init never ran (all zero);
 *  - NNG_EAGAIN may be returned only after nng_tls_engine_send or _recv said so, or nothing
 *    will ever call again;
 *  - NNG_ECLOSED and NNG_ECANCELED mean nng's own shutdown and are never returned. */

enum {
    /* nng buffers 16 KiB towards the socket: two records in it keep one in flight while the
     * next is being sealed. A TLS 1.3 record adds 22 bytes (RFC 8446, 5.2). */
    FRAGMENT_SIZE = 8192 - 32,
};

struct nng_tls_engine_config {
    SSL_CTX *ctx;
    bool is_server;
    void (*on_free)(void *ctx);
    void *ctx_of_free;
};

struct nng_tls_engine_conn {
    SSL *ssl;
    char reason[WEFT_TLS_REASON_SIZE];
};

static BIO_METHOD *bio_method;
static enum weft_err install_result;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* nng makes the engine's half of a configuration inside nng_tls_config_alloc, asks it for a
 * connection's verification inside nng_stream_get_bool, and for what there is to receive inside
 * nng_stream_recv, all on the caller's own thread. These carry what the ABI has no parameter
 * for. */
static _Thread_local const nng_tls_engine_config *offered;
static _Thread_local struct weft_nng_report *wanted_report;
static _Thread_local nng_stream *receiving;

/* --- BIO over nng's lower stream --------------------------------------------------------- */

static int bio_write(BIO *bio, const char *buf, size_t size, size_t *ret_size)
{
    size_t n = size;
    BIO_clear_retry_flags(bio);
    int result = nng_tls_engine_send(BIO_get_data(bio), (const uint8_t *)buf, &n);
    if (result == NNG_EAGAIN) {
        BIO_set_retry_write(bio);
    }
    *ret_size = result == 0 ? n : 0;
    return result == 0;
}

static int bio_read(BIO *bio, char *buf, size_t size, size_t *ret_size)
{
    size_t n = size;
    BIO_clear_retry_flags(bio);
    int result = nng_tls_engine_recv(BIO_get_data(bio), (uint8_t *)buf, &n);
    if (result == NNG_EAGAIN) {
        BIO_set_retry_read(bio);
    }
    *ret_size = result == 0 ? n : 0;
    return result == 0;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

/* --- connections ------------------------------------------------------------------------- */

static int conn_init(nng_tls_engine_conn *c, void *stream, nng_tls_engine_config *config)
{
    if (config->ctx == NULL) {
        return NNG_ECRYPTO; /* nng's own default configuration: never used by us. */
    }
    BIO *bio = BIO_new(bio_method);
    c->ssl = weft_tls_connection(config->ctx, !config->is_server);
    if (bio == NULL || c->ssl == NULL || SSL_set_max_send_fragment(c->ssl, FRAGMENT_SIZE) != 1) {
        BIO_free(bio);
        SSL_free(c->ssl);
        c->ssl = NULL;
        return NNG_ENOMEM;
    }
    (void)SSL_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
    BIO_set_data(bio, stream);
    BIO_set_init(bio, 1);
    SSL_set_bio(c->ssl, bio, bio);
    return 0;
}

static void conn_fini(nng_tls_engine_conn *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
}

static void conn_close(nng_tls_engine_conn *c)
{
    if (c->ssl != NULL && SSL_is_init_finished(c->ssl)) {
        ERR_clear_error();
        (void)SSL_shutdown(c->ssl);
        ERR_clear_error();
    }
}

static int result_of(nng_tls_engine_conn *c, int ok)
{
    if (ok == 1) {
        return 0;
    }
    switch (SSL_get_error(c->ssl, ok)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return NNG_EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
    case SSL_ERROR_SYSCALL:
        ERR_clear_error();
        return NNG_ECONNSHUT;
    }
    weft_tls_error(c->ssl, c->reason, sizeof(c->reason));
    return SSL_is_init_finished(c->ssl) ? NNG_ECRYPTO : NNG_EPEERAUTH;
}

static int conn_handshake(nng_tls_engine_conn *c)
{
    ERR_clear_error();
    return result_of(c, SSL_do_handshake(c->ssl));
}

/* An error that nng met before this receive has closed the socket, and nobody will call again;
 * one that comes after it goes to who receives (tls_tcp_error). */
static bool is_forgotten(void)
{
    nng_sockaddr peer;
    return receiving != NULL && nng_stream_get_addr(receiving, NNG_OPT_REMADDR, &peer) != 0;
}

/* All that there is, as far as it fits: each call costs a hop between threads. */
static int conn_recv(nng_tls_engine_conn *c, uint8_t *buf, size_t *size)
{
    size_t total = 0, n;
    int result = conn_handshake(c);
    while (result == 0 && total < *size) {
        result = result_of(c, SSL_read_ex(c->ssl, buf + total, *size - total, &n));
        total += result == 0 ? n : 0;
    }
    if (total == 0) {
        return result == NNG_EAGAIN && is_forgotten() ? NNG_ECONNSHUT : result;
    }
    *size = total;
    return 0; /* An error comes again with the next call. */
}

static int conn_send(nng_tls_engine_conn *c, const uint8_t *buf, size_t *size)
{
    size_t total = 0, n;
    int result = conn_handshake(c);
    while (result == 0 && total < *size) {
        result = result_of(c, SSL_write_ex(c->ssl, buf + total, *size - total, &n));
        total += result == 0 ? n : 0;
    }
    if (total == 0) {
        return result;
    }
    weft_tls_sealed(c->ssl, total);
    *size = total;
    return 0;
}

static bool conn_verified(nng_tls_engine_conn *c)
{
    struct weft_identity identity;
    struct weft_msg msg = {""};
    bool is_secured = c->ssl != NULL && weft_tls_identity(c->ssl, &identity, &msg) == WEFT_OK;
    if (wanted_report != NULL) {
        wanted_report->is_secured = is_secured;
        if (is_secured) {
            wanted_report->identity = identity;
        }
        bool is_done = c->ssl != NULL && SSL_is_init_finished(c->ssl);
        (void)snprintf(wanted_report->reason, sizeof(wanted_report->reason), "%s",
            c->reason[0] == '\0' && is_done ? msg.text : c->reason);
    }
    return is_secured;
}

void weft_nng_engine_receive(nng_stream *stream, nng_aio *aio)
{
    receiving = stream;
    nng_stream_recv(stream, aio);
    receiving = NULL;
}

void weft_nng_engine_report(nng_stream *stream, struct weft_nng_report *ret_report)
{
    bool is_verified;
    *ret_report = (struct weft_nng_report){0};
    wanted_report = ret_report;
    if (nng_stream_get_bool(stream, NNG_OPT_TLS_VERIFIED, &is_verified) != 0) {
        ret_report->is_secured = false;
    }
    wanted_report = NULL;
}

/* --- configuration ----------------------------------------------------------------------- */

static int config_init(nng_tls_engine_config *config, nng_tls_mode mode)
{
    (void)mode;
    if (offered == NULL) {
        return 0; /* nng's own default, of a listener or dialer that gets ours at once. */
    }
    *config = *offered;
    return SSL_CTX_up_ref(config->ctx) == 1 ? 0 : NNG_ENOMEM;
}

static void config_fini(nng_tls_engine_config *config)
{
    SSL_CTX_free(config->ctx);
    if (config->on_free != NULL) {
        config->on_free(config->ctx_of_free);
    }
}

/* What nng would set is set already, in the context that tls.c made. */
static int config_server(nng_tls_engine_config *config, const char *name)
{
    (void)config, (void)name;
    return 0;
}

static int config_auth(nng_tls_engine_config *config, nng_tls_auth_mode mode)
{
    (void)config;
    return mode == NNG_TLS_AUTH_MODE_REQUIRED ? 0 : NNG_ENOTSUP;
}

static int config_ca_chain(nng_tls_engine_config *config, const char *certs, const char *crl)
{
    (void)config, (void)certs, (void)crl;
    return NNG_ENOTSUP;
}

static int config_own_cert(
    nng_tls_engine_config *config, const char *cert, const char *key, const char *pass)
{
    (void)config, (void)cert, (void)key, (void)pass;
    return NNG_ENOTSUP;
}

static int config_version(nng_tls_engine_config *config, nng_tls_version min, nng_tls_version max)
{
    (void)config;
    return min <= NNG_TLS_1_3 && max >= NNG_TLS_1_3 ? 0 : NNG_ENOTSUP;
}

enum weft_err weft_nng_engine_config(SSL_CTX *ctx, bool is_server,
    void (*on_free)(void *ctx_of_free), void *ctx_of_free, nng_tls_config **ret_config)
{
    struct nng_tls_engine_config config = {
        .ctx = ctx, .is_server = is_server, .on_free = on_free, .ctx_of_free = ctx_of_free};
    offered = &config;
    int result =
        nng_tls_config_alloc(ret_config, is_server ? NNG_TLS_MODE_SERVER : NNG_TLS_MODE_CLIENT);
    offered = NULL;
    return result == 0 ? WEFT_OK : WEFT_ENOMEM;
}

/* --- registration ------------------------------------------------------------------------ */

static nng_tls_engine_config_ops config_ops = {
    .size = sizeof(nng_tls_engine_config),
    .init = config_init,
    .fini = config_fini,
    .server = config_server,
    .auth = config_auth,
    .ca_chain = config_ca_chain,
    .own_cert = config_own_cert,
    .version = config_version,
};

static nng_tls_engine_conn_ops conn_ops = {
    .size = sizeof(nng_tls_engine_conn),
    .init = conn_init,
    .fini = conn_fini,
    .close = conn_close,
    .handshake = conn_handshake,
    .recv = conn_recv,
    .send = conn_send,
    .verified = conn_verified,
};

static const nng_tls_engine engine = {
    .version = NNG_TLS_ENGINE_VERSION,
    .config_ops = &config_ops,
    .conn_ops = &conn_ops,
    .name = "weft",
    .description = "OpenSSL, TLS 1.3",
};

static void install(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "nng");
    if (bio_method == NULL || !BIO_meth_set_write_ex(bio_method, bio_write) ||
        !BIO_meth_set_read_ex(bio_method, bio_read) || !BIO_meth_set_ctrl(bio_method, bio_ctrl)) {
        install_result = WEFT_ENOMEM;
        return;
    }
    /* Not decoration: this initialises nng, which registers mbedTLS as it starts. An engine
     * registered before that would be overwritten. */
    (void)nng_tls_engine_name();
    install_result = nng_tls_engine_register(&engine) == 0 ? WEFT_OK : WEFT_EVERSION;
}

enum weft_err weft_nng_engine_install(struct weft_msg *msg)
{
    (void)pthread_once(&once, install);
    return install_result == WEFT_OK ? WEFT_OK
                                     : weft_fail(msg, install_result,
                                           "nng %s does not take our TLS engine", nng_version());
}
