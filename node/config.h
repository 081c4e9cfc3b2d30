/* node/config.h: the configuration file of weftd: YAML against a schema, strictly.
 *
 * Unknown keys, keys given twice, wrong types and values out of range are errors that name
 * file, line and column. Every setting with its type, range and default stands in one table in
 * config.c; ops/samples/weftd.yaml is the annotated sample. Relative paths are relative to the
 * directory of the file. */
#ifndef WEFT_NODE_CONFIG_H
#define WEFT_NODE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "node/link/link.h"
#include "node/logger.h"
#include "proto/err.h"
#include "proto/limits.h"

enum {
    WEFT_CONFIG_NAME_SIZE = 64,
    WEFT_CONFIG_PATH_SIZE = 1024
};

/* Every text is terminated; "" where an optional one is not given. */
struct weft_config {
    struct {
        char name[WEFT_CONFIG_NAME_SIZE]; /* Of the certificate: spiffe://org/site/node/name. */
        char site[WEFT_CONFIG_NAME_SIZE];
        char org[WEFT_CONFIG_NAME_SIZE];
        char data[WEFT_CONFIG_PATH_SIZE];
        char listen_peer[WEFT_ADDRESS_SIZE_MAX + 1]; /* host:port */
        char listen_client[WEFT_ADDRESS_SIZE_MAX + 1];
        char listen_http[WEFT_ADDRESS_SIZE_MAX + 1];    /* Optional. */
        char listen_partner[WEFT_ADDRESS_SIZE_MAX + 1]; /* Optional. */
        char advertise_peer[WEFT_ADDRESS_SIZE_MAX + 1]; /* Default: listen_peer. */
        char advertise_client[WEFT_ADDRESS_SIZE_MAX + 1];
    } node;
    struct { /* What the site is governed by from its first commit on. */
        char org[WEFT_CONFIG_PATH_SIZE];  /* Note of the org document; "": none. */
        char file[WEFT_CONFIG_PATH_SIZE]; /* Note of the first policy. */
        char keys[WEFT_CONFIG_PATH_SIZE]; /* Directory of enrolments, *.note. */
        bool is_ungoverned;               /* "policy: ungoverned", in so many words. */
    } policy;
    struct { /* Client doors of other nodes: where a first start without --bootstrap joins. */
        char endpoints[WEFT_MEMBERS_MAX][WEFT_ADDRESS_SIZE_MAX + 1];
        uint32_t count;
    } peers;
    struct {
        char cert[WEFT_CONFIG_PATH_SIZE];
        char key[WEFT_CONFIG_PATH_SIZE];
        char ca[WEFT_CONFIG_PATH_SIZE];
    } tls;
    struct { /* As what it meets partners; "": it speaks to none. */
        char cert[WEFT_CONFIG_PATH_SIZE];
        char key[WEFT_CONFIG_PATH_SIZE];
    } partner;
    struct {
        char tokens[WEFT_CONFIG_PATH_SIZE]; /* Bearer tokens; "": none. */
    } http;
    struct {
        enum weft_link_type peer;
        enum weft_link_type client;
    } link;
    struct {
        uint64_t log_bytes;          /* Raft log on disk; trimmed by checkpoints above it. */
        uint64_t cache_bytes;        /* RocksDB block cache. */
        uint64_t memtable_bytes;     /* Per memtable, at most 3 live. */
        uint64_t lineage_bytes;      /* Index of lineage in memory; beyond it there is none. */
        uint64_t waiting_bytes;      /* Commits admitted and not yet answered. */
        uint64_t client_queue_bytes; /* Answers that wait to be sent, per client. */
        uint64_t peer_queue_bytes;   /* Messages that wait to be sent, per peer. */
        uint32_t connections;        /* On the client door. */
        uint32_t http_connections;   /* On the HTTP door. */
        uint32_t requests;           /* Unanswered requests per client connection. */
        uint32_t inflight_entries;   /* Raft entries proposed ahead of their commit. */
        uint32_t workers;            /* Threads for reads, checkpoints and digests. */
        uint32_t checkpoints;        /* Kept. */
        uint64_t checkpoint_entries; /* Applied entries from one checkpoint to the next. */
        uint64_t trailing_entries;   /* Kept below a checkpoint for slow followers. */
        uint32_t long_reads;         /* At once; 0: by the number of cores. */
        uint32_t long_reads_waiting; /* Above it clients hear busy. */
        uint32_t long_reads_percent; /* Of a thread's time, while commits are under way. */
    } limits;
    struct {
        uint32_t election_ms; /* Timeout is drawn from [election_ms, 2 * election_ms). */
        uint32_t heartbeat_ms;
        uint32_t link_heartbeat_ms; /* On idle connections; silent for 3 of them: dropped. */
        uint32_t handshake_ms;      /* From accept to authenticated. */
        uint32_t request_ms;        /* A client's request is answered by then, or timed out. */
        uint32_t shutdown_ms;       /* Clean stop, leadership hand-over included. */
    } timers;
    struct {
        enum weft_log_level level;
        char file[WEFT_CONFIG_PATH_SIZE]; /* "": stderr. */
    } log;
};

/* `msg` starts with "FILE:LINE:COLUMN: ". *ret_config is untouched on failure.
 * WEFT_ENOTFOUND: no such file; WEFT_EIO: unreadable; WEFT_EINVAL: its content; WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_config_load(
    const char *path, struct weft_config *ret_config, struct weft_msg *msg);

/* Beyond the file itself: TLS files exist and are readable, the key is nobody else's to read.
 * For --check-config and for the start. WEFT_EINVAL, WEFT_ENOTFOUND. */
WEFT_MUST_USE enum weft_err weft_config_check_files(
    const struct weft_config *config, struct weft_msg *msg);

/* Is every setting that SIGHUP cannot change equal in both? `msg` names the first that is not.
 * log.level, http.tokens and limits.requests may change (config_table.c). WEFT_ESTATE. */
WEFT_MUST_USE enum weft_err weft_config_check_reload(
    const struct weft_config *old, const struct weft_config *new, struct weft_msg *msg);

/* The path of the file of that name beside the node's certificate. */
void weft_config_beside(
    const struct weft_config *config, const char *name, char *ret_path, size_t size);

/* Every setting with its value, as a configuration file. */
void weft_config_print(const struct weft_config *config, FILE *out);
/* The table of settings for people: key, default, range, meaning. */
void weft_config_help(FILE *out);

/* "host:port", "[v6]:port" or a URL "tls+tcp://host:port": the form without scheme.
 * WEFT_EINVAL says what is wrong with it. */
WEFT_MUST_USE enum weft_err weft_config_parse_address(
    const char *text, char ret_address[WEFT_ADDRESS_SIZE_MAX + 1], struct weft_msg *msg);
/* The same for what came in a message: false, and nothing of it is used. */
bool weft_config_is_address(struct weft_text text, char ret_address[WEFT_ADDRESS_SIZE_MAX + 1]);

#endif
