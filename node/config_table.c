#include "node/config_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node/long_reads.h"
#include "policy/principal.h"
#include "proto/record.h"

#define AT(member) offsetof(struct weft_config, member)
#define KIB (1024ull)
#define MIB (1024ull * KIB)
#define GIB (1024ull * MIB)
#define TIB (1024ull * GIB)

/* clang-format off */
const struct weft_setting weft_settings[WEFT_SETTINGS] = {
/* section, key, type, member, default, min, max, SIGHUP, meaning */
{"node", "name", WEFT_SETTING_NODE, AT(node.name), NULL, 0, 0, false,
    "name of this node; its certificate says spiffe://ORG/SITE/node/NAME"},
{"node", "site", WEFT_SETTING_NAME, AT(node.site), NULL, 0, 0, false,
    "the plant"},
{"node", "org", WEFT_SETTING_ORG, AT(node.org), NULL, 0, 0, false,
    "the organization: its trust domain"},
{"node", "data", WEFT_SETTING_PATH, AT(node.data), NULL, 0, 0, false,
    "data directory; made at the first start"},
{"node", "listen_peer", WEFT_SETTING_ADDRESS, AT(node.listen_peer), NULL, 0, 0, false,
    "host:port of the door for other nodes"},
{"node", "listen_client", WEFT_SETTING_ADDRESS, AT(node.listen_client), NULL, 0, 0, false,
    "host:port of the door for clients"},
{"node", "listen_http", WEFT_SETTING_ADDRESS, AT(node.listen_http), "", 0, 0, false,
    "host:port of the HTTP door; absent: none"},
{"node", "listen_partner", WEFT_SETTING_ADDRESS, AT(node.listen_partner), "", 0, 0, false,
    "host:port of the door for partners' sites; absent: this node only calls them"},
{"node.advertise", "peer", WEFT_SETTING_ADDRESS, AT(node.advertise_peer), "", 0, 0, false,
    "where others reach listen_peer; default: as listen_peer"},
{"node.advertise", "client", WEFT_SETTING_ADDRESS, AT(node.advertise_client), "", 0, 0, false,
    "where clients reach listen_client; default: as listen_client"},

{"tls", "cert", WEFT_SETTING_PATH, AT(tls.cert), NULL, 0, 0, false,
    "this node's certificate, PEM; the file is read again at SIGHUP, as are the next two"},
{"tls", "key", WEFT_SETTING_PATH, AT(tls.key), NULL, 0, 0, false,
    "its private key, PEM, mode 0600"},
{"tls", "ca", WEFT_SETTING_PATH, AT(tls.ca), NULL, 0, 0, false,
    "the organization's trust root, PEM; behind it, perhaps, its list of revoked certificates"},

{"partner", "cert", WEFT_SETTING_PATH, AT(partner.cert), "", 0, 0, false,
    "certificate for partners, spiffe://ORG/SITE/partner/NAME (weft pki partner); absent: none"},
{"partner", "key", WEFT_SETTING_PATH, AT(partner.key), "", 0, 0, false,
    "its private key, PEM, mode 0600; both files are read again at SIGHUP"},

{"http", "tokens", WEFT_SETTING_PATH, AT(http.tokens), "", 0, 0, true,
    "file of bearer tokens: lines of principal and sha256:DIGEST (weft pki token); absent: none"},

{"policy", "org", WEFT_SETTING_PATH, AT(policy.org), "", 0, 0, true,
    "the signed org document: with --bootstrap the site's first commit (weft pki org)"},
{"policy", "file", WEFT_SETTING_PATH, AT(policy.file), "", 0, 0, true,
    "the signed first policy: the same"},
{"policy", "keys", WEFT_SETTING_PATH, AT(policy.keys), "", 0, 0, true,
    "directory of signed enrolments of the admins' keys, *.note: the same"},
{"policy", "mode", WEFT_SETTING_MODE, AT(policy.is_ungoverned), "governed", 0, 0, true,
    "governed or ungoverned; `policy: ungoverned` for short: everybody with a certificate may all"},

{"link", "peer", WEFT_SETTING_LINK, AT(link.peer), "direct", 0, 0, false,
    "transport between nodes: direct or nng (evidence: node/README.md)"},
{"link", "client", WEFT_SETTING_LINK, AT(link.client), "direct", 0, 0, false,
    "transport of the client door: direct or nng"},

{"limits", "log_bytes", WEFT_SETTING_BYTES, AT(limits.log_bytes), "512 MiB", 64 * MIB, TIB,
    false, "Raft log on disk; a checkpoint is taken and the log trimmed above it"},
{"limits", "cache_bytes", WEFT_SETTING_BYTES, AT(limits.cache_bytes), "64 MiB", MIB, TIB, false,
    "cache for reads of the state"},
{"limits", "memtable_bytes", WEFT_SETTING_BYTES, AT(limits.memtable_bytes), "32 MiB", MIB, GIB,
    false, "state not yet written to its files, per memtable; at most 3 live"},
{"limits", "lineage_bytes", WEFT_SETTING_BYTES, AT(limits.lineage_bytes), "512 MiB", 0, TIB, false,
    "memory of the index behind traces; beyond it they are slow; 0: none"},
{"limits", "waiting_bytes", WEFT_SETTING_BYTES, AT(limits.waiting_bytes), "64 MiB", 2 * MIB, GIB,
    false, "commits admitted and not yet answered; above it clients hear busy"},
{"limits", "client_queue_bytes", WEFT_SETTING_BYTES, AT(limits.client_queue_bytes), "16 MiB",
    8 * MIB, GIB, false, "answers that wait to be sent, per client"},
{"limits", "peer_queue_bytes", WEFT_SETTING_BYTES, AT(limits.peer_queue_bytes), "64 MiB",
    16 * MIB, GIB, false, "messages that wait to be sent, per peer"},
{"limits", "connections", WEFT_SETTING_COUNT, AT(limits.connections), "1024", 4, 65536, false,
    "connections on the client door"},
{"limits", "http_connections", WEFT_SETTING_COUNT, AT(limits.http_connections), "1024", 4, 65536,
    false, "connections on the HTTP door, event streams included"},
{"limits", "requests", WEFT_SETTING_COUNT, AT(limits.requests), "4096", 1, 65536, true,
    "unanswered requests per client connection"},
{"limits", "inflight_entries", WEFT_SETTING_COUNT, AT(limits.inflight_entries), "4", 1, 256,
    false, "Raft entries proposed ahead of their commit"},
{"limits", "long_reads", WEFT_SETTING_COUNT, AT(limits.long_reads), "0", 0,
    WEFT_LONG_READS_THREADS_MAX, false,
    "traces and other long reads at once; 0: half of the cores, 1 to 4"},
{"limits", "long_reads_waiting", WEFT_SETTING_COUNT, AT(limits.long_reads_waiting), "64", 1, 4096,
    false, "long reads that wait, a quarter of them of one client; above it clients hear busy"},
{"limits", "long_reads_percent", WEFT_SETTING_COUNT, AT(limits.long_reads_percent), "10", 1, 100,
    false, "of its time that each long read works while commits are under way; 100: all"},
{"limits", "workers", WEFT_SETTING_COUNT, AT(limits.workers), "2", 1, 64, false,
    "threads for reads, checkpoints and digests"},
{"limits", "checkpoints", WEFT_SETTING_COUNT, AT(limits.checkpoints), "2", 1, 64, false,
    "checkpoints kept"},
{"limits", "checkpoint_entries", WEFT_SETTING_LONG, AT(limits.checkpoint_entries), "65536", 64,
    1ull << 40, false, "Raft entries from one checkpoint to the next"},
{"limits", "trailing_entries", WEFT_SETTING_LONG, AT(limits.trailing_entries), "8192", 0,
    1ull << 40, false, "Raft entries kept below a checkpoint for slow followers"},

{"timers", "election_ms", WEFT_SETTING_MS, AT(timers.election_ms), "150", 20, 60000, false,
    "without a leader for 1 to 2 times this: election"},
{"timers", "heartbeat_ms", WEFT_SETTING_MS, AT(timers.heartbeat_ms), "30", 5, 30000, false,
    "leader's heartbeat; at most half of election_ms"},
{"timers", "link_heartbeat_ms", WEFT_SETTING_MS, AT(timers.link_heartbeat_ms), "500", 400, 1000,
    false, "on idle connections; silent for 3 of them: dropped"},
{"timers", "handshake_ms", WEFT_SETTING_MS, AT(timers.handshake_ms), "5000", 100, 60000, false,
    "from accepting a connection to its being authenticated"},
{"timers", "request_ms", WEFT_SETTING_MS, AT(timers.request_ms), "10000", 100, 600000, false,
    "a request is answered by then, or told that it timed out"},
{"timers", "shutdown_ms", WEFT_SETTING_MS, AT(timers.shutdown_ms), "10000", 100, 600000, false,
    "clean stop, leadership hand-over included"},

{"log", "level", WEFT_SETTING_LEVEL, AT(log.level), "info", 0, 0, true,
    "debug, info, warn or error"},
{"log", "file", WEFT_SETTING_PATH, AT(log.file), "", 0, 0, false,
    "absent: standard error; opened again at SIGHUP"},
};
/* clang-format on */

size_t weft_setting_size(const struct weft_setting *setting)
{
    switch (setting->type) {
    case WEFT_SETTING_ORG:
    case WEFT_SETTING_NODE:
    case WEFT_SETTING_NAME:
        return WEFT_CONFIG_NAME_SIZE;
    case WEFT_SETTING_PATH:
        return WEFT_CONFIG_PATH_SIZE;
    case WEFT_SETTING_ADDRESS:
        return WEFT_ADDRESS_SIZE_MAX + 1;
    case WEFT_SETTING_BYTES:
    case WEFT_SETTING_LONG:
        return sizeof(uint64_t);
    case WEFT_SETTING_COUNT:
    case WEFT_SETTING_MS:
        return sizeof(uint32_t);
    case WEFT_SETTING_LINK:
        return sizeof(enum weft_link_type);
    case WEFT_SETTING_LEVEL:
        return sizeof(enum weft_log_level);
    case WEFT_SETTING_MODE:
        return sizeof(bool);
    }
    return 0;
}

/* Only digits, then for sizes an optional unit of 1024. */
static bool parse_number(const char *text, bool has_unit, uint64_t *ret_number)
{
    static const struct {
        const char *unit;
        uint64_t factor;
    } units[] = {{"", 1}, {"B", 1}, {"KiB", KIB}, {"MiB", MIB}, {"GiB", GIB}, {"TiB", TIB}};
    char *end;
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0) {
        return false;
    }
    if (!has_unit) {
        *ret_number = number;
        return *end == '\0';
    }
    end += *end == ' ' ? 1 : 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0) {
            return !__builtin_mul_overflow(number, units[i].factor, ret_number);
        }
    }
    return false;
}

static void format_bytes(uint64_t bytes, char *ret_text, size_t size)
{
    static const char *const units[] = {"", " KiB", " MiB", " GiB", " TiB"};
    size_t unit = 0;
    while (unit < 4 && bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(ret_text, size, "%" PRIu64 "%s", bytes, units[unit]);
}

static enum weft_err parse_integer(
    const struct weft_setting *setting, const char *text, void *member, struct weft_msg *msg)
{
    bool is_bytes = setting->type == WEFT_SETTING_BYTES;
    bool is_ms = setting->type == WEFT_SETTING_MS;
    uint64_t number;
    if (!parse_number(text, is_bytes, &number)) {
        return weft_fail(msg, WEFT_EINVAL, "\"%.80s\" is not a whole number%s", text,
            is_bytes ? " of bytes, KiB, MiB, GiB or TiB" : (is_ms ? " of milliseconds" : ""));
    }
    if (number < setting->min || number > setting->max) {
        char low[32], high[32];
        format_bytes(setting->min, low, sizeof(low));
        format_bytes(setting->max, high, sizeof(high));
        return is_bytes
                   ? weft_fail(msg, WEFT_EINVAL, "%.80s is not within %s to %s", text, low, high)
                   : weft_fail(msg, WEFT_EINVAL, "%.80s is not within %" PRIu64 " to %" PRIu64 "%s",
                         text, setting->min, setting->max, is_ms ? " ms" : "");
    }
    if (weft_setting_size(setting) == sizeof(uint64_t)) {
        memcpy(member, &number, sizeof(number));
    } else {
        uint32_t small = (uint32_t)number;
        memcpy(member, &small, sizeof(small));
    }
    return WEFT_OK;
}

static enum weft_err parse_path(
    const char *text, const char *base_directory, char *member, struct weft_msg *msg)
{
    int used = text[0] == '/' || text[0] == '\0'
                   ? snprintf(member, WEFT_CONFIG_PATH_SIZE, "%s", text)
                   : snprintf(member, WEFT_CONFIG_PATH_SIZE, "%s/%s", base_directory, text);
    if (used < 0 || used >= WEFT_CONFIG_PATH_SIZE) {
        return weft_fail(
            msg, WEFT_EINVAL, "a path of more than %d bytes", WEFT_CONFIG_PATH_SIZE - 1);
    }
    return WEFT_OK;
}

static enum weft_err parse_name(
    const struct weft_setting *setting, const char *text, char *member, struct weft_msg *msg)
{
    bool is_org = setting->type == WEFT_SETTING_ORG;
    struct weft_text value = weft_text_of(text);
    if (is_org ? !weft_principal_is_org(value) : !weft_principal_is_part(value)) {
        return weft_fail(msg, WEFT_EINVAL, "\"%.80s\" is not 1 to %d of %s . - _", text,
            WEFT_PRINCIPAL_PART_SIZE_MAX, is_org ? "a-z 0-9" : "A-Z a-z 0-9");
    }
    /* The group's configuration knows nodes by this name (proto/record.h's rule for names). */
    if (setting->type == WEFT_SETTING_NODE && !weft_name_is_valid(value)) {
        return weft_fail(msg, WEFT_EINVAL, "\"%.80s\" is not 1 to 63 of a-z 0-9 . - _", text);
    }
    (void)snprintf(member, WEFT_CONFIG_NAME_SIZE, "%s", text);
    return WEFT_OK;
}

_Static_assert(WEFT_CONFIG_NAME_SIZE == WEFT_PRINCIPAL_PART_SIZE_MAX + 1, "names fit");

enum weft_err weft_setting_parse(const struct weft_setting *setting, const char *text,
    const char *base_directory, struct weft_config *config, struct weft_msg *msg)
{
    void *member = (char *)config + setting->offset;
    switch (setting->type) {
    case WEFT_SETTING_ORG:
    case WEFT_SETTING_NODE:
    case WEFT_SETTING_NAME:
        return parse_name(setting, text, member, msg);
    case WEFT_SETTING_PATH:
        return parse_path(text, base_directory, member, msg);
    case WEFT_SETTING_ADDRESS:
        if (text[0] == '\0') {
            *(char *)member = '\0';
            return WEFT_OK;
        }
        return weft_config_parse_address(text, member, msg);
    case WEFT_SETTING_BYTES:
    case WEFT_SETTING_COUNT:
    case WEFT_SETTING_LONG:
    case WEFT_SETTING_MS:
        return parse_integer(setting, text, member, msg);
    case WEFT_SETTING_LINK: {
        enum weft_link_type type = strcmp(text, "nng") == 0 ? WEFT_LINK_NNG : WEFT_LINK_DIRECT;
        if (type == WEFT_LINK_DIRECT && strcmp(text, "direct") != 0) {
            return weft_fail(msg, WEFT_EINVAL, "\"%.80s\" is neither direct nor nng", text);
        }
        memcpy(member, &type, sizeof(type));
        return WEFT_OK;
    }
    case WEFT_SETTING_LEVEL: {
        enum weft_log_level level;
        enum weft_err err = weft_log_level_parse(text, &level);
        if (err != WEFT_OK) {
            return weft_fail(msg, err, "\"%.80s\" is none of debug, info, warn, error", text);
        }
        memcpy(member, &level, sizeof(level));
        return WEFT_OK;
    }
    case WEFT_SETTING_MODE: {
        bool is_ungoverned = strcmp(text, "ungoverned") == 0;
        if (!is_ungoverned && strcmp(text, "governed") != 0) {
            return weft_fail(
                msg, WEFT_EINVAL, "\"%.80s\" is neither governed nor ungoverned", text);
        }
        memcpy(member, &is_ungoverned, sizeof(is_ungoverned));
        return WEFT_OK;
    }
    }
    return weft_fail(msg, WEFT_EINVAL, "unknown type of setting");
}

void weft_setting_format(const struct weft_setting *setting, const struct weft_config *config,
    char *ret_text, size_t size)
{
    const void *member = (const char *)config + setting->offset;
    switch (setting->type) {
    case WEFT_SETTING_ORG:
    case WEFT_SETTING_NODE:
    case WEFT_SETTING_NAME:
    case WEFT_SETTING_PATH:
    case WEFT_SETTING_ADDRESS:
        (void)snprintf(ret_text, size, "%s", (const char *)member);
        return;
    case WEFT_SETTING_BYTES:
        format_bytes(*(const uint64_t *)member, ret_text, size);
        return;
    case WEFT_SETTING_LONG:
        (void)snprintf(ret_text, size, "%" PRIu64, *(const uint64_t *)member);
        return;
    case WEFT_SETTING_COUNT:
    case WEFT_SETTING_MS:
        (void)snprintf(ret_text, size, "%" PRIu32, *(const uint32_t *)member);
        return;
    case WEFT_SETTING_LINK:
        (void)snprintf(ret_text, size, "%s",
            *(const enum weft_link_type *)member == WEFT_LINK_NNG ? "nng" : "direct");
        return;
    case WEFT_SETTING_LEVEL:
        (void)snprintf(
            ret_text, size, "%s", weft_log_level_name(*(const enum weft_log_level *)member));
        return;
    case WEFT_SETTING_MODE:
        (void)snprintf(ret_text, size, "%s", *(const bool *)member ? "ungoverned" : "governed");
        return;
    }
}
