/* ops/gateway/config.h: the configuration of weft-gateway: YAML against a schema, strictly.
 *
 * Unknown keys, wrong types and values out of range are errors that name file, line and column or
 * the setting. Relative paths are relative to the directory of the file. Annotated sample:
 * ops/samples/gateway/gateway.yaml. */
#ifndef WEFT_OPS_GATEWAY_CONFIG_H
#define WEFT_OPS_GATEWAY_CONFIG_H

#include <stdint.h>
#include <stdio.h>

#include "ops/gateway/actor.h"

enum {
    WEFT_GATEWAY_LOGS_MAX = 16,
    WEFT_GATEWAY_METRICS_MAX = 64,
};

/* As libcyaml fills them: NULL, 0: not given. */
struct weft_gateway_read_config {
    char *metric;
    char *path;
    char *unit;
};
struct weft_gateway_write_config {
    char *verb;
    char *arg;
    char *metric;
    char *confirm;
};
struct weft_gateway_sim_config {
    char *kind;      /* "press", "pump" */
    char *directory; /* Made absolute. */
    uint32_t answer_ms;
};
struct weft_gateway_sparkplug_config {
    char *group;
    char *node;
    char *device;
    char *shadow;
    uint32_t answer_ms;
    struct weft_gateway_read_config *reads;
    uint32_t reads_count;
    struct weft_gateway_write_config *writes;
    uint32_t writes_count;
};
struct weft_gateway_channel_config {
    char *machine; /* The channel's last part. */
    char *asset;   /* What its values are shown on; NULL: nowhere. */
    uint32_t show_s;
    uint32_t lost_s;                     /* 0: WEFT_GATEWAY_LOST_S */
    struct weft_gateway_sim_config *sim; /* One of the two. */
    struct weft_gateway_sparkplug_config *sparkplug;
};

struct weft_gateway_config {
    struct {
        char *org;
        char *site;
        char *name;
        char *data; /* Directory of the journal. */
        char *key;  /* Of receipts: NAME.key, with NAME.vkey beside it. */
        char *passphrase_file;
    } gateway;
    struct {
        char **endpoints;
        uint32_t endpoints_count;
        char *identity; /* Directory with ca.crt, tls.crt, tls.key. */
    } plant;
    struct {
        char **logs; /* Verifier keys of the site's nodes. */
        uint32_t logs_count;
        uint32_t needed;     /* Of them. */
        char *keys;          /* File: who may command and approve (policy/keyring.h). */
        uint32_t *approvals; /* At least, by tier from 0 on. */
        uint32_t approvals_count;
    } trust;
    struct {
        char *host;
        uint32_t port;
        char *ca;
        char *cert;
        char *key;
        char *username;
        char *password_file;
        char *host_id;
    } mqtt;
    struct weft_gateway_channel_config *channels;
    uint32_t channels_count;
};

enum {
    WEFT_GATEWAY_LOST_S = 30, /* chosen: longer than an election and a restart of a node */
};

/* `msg` names file and place. WEFT_ENOTFOUND, WEFT_EIO: the file; WEFT_EINVAL: its content;
 * WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_gateway_config_load(
    const char *path, struct weft_gateway_config **ret_config, struct weft_msg *msg);
void weft_gateway_config_destroy(struct weft_gateway_config *config); /* Accepts NULL. */

#endif
