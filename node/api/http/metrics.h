/* node/api/http/metrics.h: the node's figures in the text format of Prometheus. Pure.
 *
 * Names follow Prometheus' conventions (base units, _total); a gauge that the table here does not
 * know is exported under its own name, so that a new one is never invisible. */
#ifndef WEFT_NODE_API_HTTP_METRICS_H
#define WEFT_NODE_API_HTTP_METRICS_H

#include "node/api/http/http.h"
#include "node/latency.h"
#include "proto/client.h"

struct weft_http_metrics {
    const struct weft_status *status;
    const struct weft_latency *commit;
    const struct weft_latency *read;
    const uint64_t *refused; /* By code; WEFT_ERRS of them. */
    const struct weft_http_stats *http;
};

/* WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_http_metrics_write(
    const struct weft_http_metrics *m, struct weft_buffer *out);

#endif
