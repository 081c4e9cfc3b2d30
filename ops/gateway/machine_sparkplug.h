/* ops/gateway/machine_sparkplug.h: a machine behind MQTT and Sparkplug B; libmosquitto's owner.
 *
 * The gateway is a host application: it hears an edge node's births, data and deaths, and is the
 * only one that writes (the broker's rules say so: ops/samples/gateway). A command is a DCMD with
 * quality of service 0, as the specification has it, so that it reached the device is known by
 * what the device says afterwards: "done" is the confirming metric with the value that was written
 * or, of a verb that writes no argument, with another one than before. Without it the outcome is
 * unknown; without a connection and a born device nothing is sent. */
#ifndef WEFT_OPS_GATEWAY_MACHINE_SPARKPLUG_H
#define WEFT_OPS_GATEWAY_MACHINE_SPARKPLUG_H

#include "ops/gateway/machine.h"

enum {
    WEFT_MACHINE_SPARKPLUG_ANSWER_MS = 5000, /* chosen: from a DCMD to what confirms it */
    WEFT_MACHINE_SPARKPLUG_WRITES_MAX = 32,
};

/* A metric that is read as a field. `unit` empty: a truth or a word. */
struct weft_machine_sparkplug_read {
    struct weft_text metric;
    struct weft_text path;
    struct weft_text unit;
};

/* What a verb writes: `arg` into the metric or, if that is empty, true. */
struct weft_machine_sparkplug_write {
    struct weft_text verb;
    struct weft_text arg;
    struct weft_text metric;
    struct weft_text confirm; /* Empty: the metric itself. */
};

/* Texts and arrays are borrowed for good. */
struct weft_machine_sparkplug_options {
    uv_loop_t *loop;
    const char *host;
    uint16_t port;
    const char *client_id;
    const char *ca_file; /* NULL: no TLS, on loopback alone. */
    const char *cert_file;
    const char *key_file;
    const char *username; /* NULL: none. */
    const char *password;
    struct weft_text host_id; /* Of STATE; empty: none is said. */
    struct weft_text group;
    struct weft_text node;
    struct weft_text device;
    struct weft_text shadow; /* Another device of the node; empty: there is none. */
    const struct weft_machine_sparkplug_read *reads;
    uint32_t read_count;
    const struct weft_machine_sparkplug_write *writes;
    uint32_t write_count;
    uint32_t channel;
    uint32_t answer_ms;
    struct weft_machine_callbacks callbacks;
};

/* The broker need not be there: it is dialled until it is. WEFT_EINVAL: options; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_machine_sparkplug_open(
    const struct weft_machine_sparkplug_options *options, struct weft_machine **ret_machine,
    struct weft_msg *msg);

#endif
