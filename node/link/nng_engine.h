/* node/link/nng_engine.h: OpenSSL as the TLS engine of nng's streams (engine ABI v1, nng 1.5).
 *
 * nng's stock engine is mbedTLS 2.28: no TLS 1.3, no name of the peer. This one runs the same
 * contexts as the direct link (tls.h), and tells who is at the other end or why the handshake
 * failed, which the ABI has no call for. Its functions run on nng's threads. */
#ifndef WEFT_NODE_LINK_NNG_ENGINE_H
#define WEFT_NODE_LINK_NNG_ENGINE_H

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include "node/link/tls.h"

struct weft_nng_report {
    bool is_secured; /* The handshake is done; `identity` is filled in. */
    struct weft_identity identity;
    char reason[WEFT_TLS_REASON_SIZE]; /* Why it failed; "" if it did not. */
};

/* For the whole process, once. WEFT_EVERSION: an nng with another ABI. */
WEFT_MUST_USE enum weft_err weft_nng_engine_install(struct weft_msg *msg);

/* A configuration that stands for `ctx`, which it references. Each stream made with it holds it,
 * and nng frees streams on a thread of its own, some time later: on_free(ctx_of_free) is called
 * when the last of them and the caller's own reference are gone, on any thread. WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_nng_engine_config(SSL_CTX *ctx, bool is_server,
    void (*on_free)(void *ctx_of_free), void *ctx_of_free, nng_tls_config **ret_config);

/* nng_stream_recv, but it fails where nng's own would wait for ever: after an error of the socket
 * that came while nobody received. What was received before is given first. */
void weft_nng_engine_receive(nng_stream *stream, nng_aio *aio);

/* Of a stream made with such a configuration, any time before it is freed. */
void weft_nng_engine_report(nng_stream *stream, struct weft_nng_report *ret_report);

#endif
