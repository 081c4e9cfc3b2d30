#include "ops/gateway/config.h"

#include <cyaml/cyaml.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/files.h"

enum {
    FILE_SIZE_MAX = 256 * 1024, /* chosen: a hundred channels of fifty lines */
    TEXT_MAX = 1023,
};

#define TEXT(key, type, member)                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 1, TEXT_MAX)
#define TEXT_OPTIONAL(key, type, member)                                                           \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 1, TEXT_MAX)
#define NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)

static const cyaml_schema_field_t read_fields[] = {
    TEXT("metric", struct weft_gateway_read_config, metric),
    TEXT("path", struct weft_gateway_read_config, path),
    TEXT_OPTIONAL("unit", struct weft_gateway_read_config, unit),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t read_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_gateway_read_config, read_fields)};

static const cyaml_schema_field_t write_fields[] = {
    TEXT("verb", struct weft_gateway_write_config, verb),
    TEXT_OPTIONAL("arg", struct weft_gateway_write_config, arg),
    TEXT("metric", struct weft_gateway_write_config, metric),
    TEXT_OPTIONAL("confirm", struct weft_gateway_write_config, confirm),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t write_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_gateway_write_config, write_fields)};

static const cyaml_schema_field_t sim_fields[] = {
    TEXT("kind", struct weft_gateway_sim_config, kind),
    TEXT("directory", struct weft_gateway_sim_config, directory),
    NUMBER("answer_ms", struct weft_gateway_sim_config, answer_ms),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t sparkplug_fields[] = {
    TEXT("group", struct weft_gateway_sparkplug_config, group),
    TEXT("node", struct weft_gateway_sparkplug_config, node),
    TEXT("device", struct weft_gateway_sparkplug_config, device),
    TEXT_OPTIONAL("shadow", struct weft_gateway_sparkplug_config, shadow),
    NUMBER("answer_ms", struct weft_gateway_sparkplug_config, answer_ms),
    CYAML_FIELD_SEQUENCE("reads", CYAML_FLAG_POINTER, struct weft_gateway_sparkplug_config, reads,
        &read_schema, 1, WEFT_GATEWAY_METRICS_MAX),
    CYAML_FIELD_SEQUENCE("writes", CYAML_FLAG_POINTER, struct weft_gateway_sparkplug_config, writes,
        &write_schema, 1, WEFT_GATEWAY_METRICS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t channel_fields[] = {
    TEXT("machine", struct weft_gateway_channel_config, machine),
    TEXT_OPTIONAL("asset", struct weft_gateway_channel_config, asset),
    NUMBER("show_s", struct weft_gateway_channel_config, show_s),
    NUMBER("lost_s", struct weft_gateway_channel_config, lost_s),
    CYAML_FIELD_MAPPING_PTR("sim", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
        struct weft_gateway_channel_config, sim, sim_fields),
    CYAML_FIELD_MAPPING_PTR("sparkplug", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
        struct weft_gateway_channel_config, sparkplug, sparkplug_fields),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t channel_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct weft_gateway_channel_config, channel_fields)};

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TEXT_MAX)};
static const cyaml_schema_value_t count_schema = {CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint32_t)};

/* Sections lie within the whole: their members have its offsets. */
static const cyaml_schema_field_t gateway_fields[] = {
    TEXT("org", struct weft_gateway_config, gateway.org),
    TEXT("site", struct weft_gateway_config, gateway.site),
    TEXT("name", struct weft_gateway_config, gateway.name),
    TEXT("data", struct weft_gateway_config, gateway.data),
    TEXT("key", struct weft_gateway_config, gateway.key),
    TEXT_OPTIONAL("passphrase_file", struct weft_gateway_config, gateway.passphrase_file),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t plant_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("endpoints", CYAML_FLAG_POINTER, struct weft_gateway_config,
        plant.endpoints, plant.endpoints_count, &text_schema, 1, WEFT_GATEWAY_LOGS_MAX),
    TEXT("identity", struct weft_gateway_config, plant.identity),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t trust_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("logs", CYAML_FLAG_POINTER, struct weft_gateway_config, trust.logs,
        trust.logs_count, &text_schema, 1, WEFT_GATEWAY_LOGS_MAX),
    CYAML_FIELD_UINT("needed", CYAML_FLAG_DEFAULT, struct weft_gateway_config, trust.needed),
    TEXT("keys", struct weft_gateway_config, trust.keys),
    CYAML_FIELD_SEQUENCE_COUNT("approvals", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
        struct weft_gateway_config, trust.approvals, trust.approvals_count, &count_schema, 0,
        WEFT_COMMAND_TIER_MAX + 1),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t mqtt_fields[] = {
    TEXT("host", struct weft_gateway_config, mqtt.host),
    CYAML_FIELD_UINT("port", CYAML_FLAG_DEFAULT, struct weft_gateway_config, mqtt.port),
    TEXT_OPTIONAL("ca", struct weft_gateway_config, mqtt.ca),
    TEXT_OPTIONAL("cert", struct weft_gateway_config, mqtt.cert),
    TEXT_OPTIONAL("key", struct weft_gateway_config, mqtt.key),
    TEXT_OPTIONAL("username", struct weft_gateway_config, mqtt.username),
    TEXT_OPTIONAL("password_file", struct weft_gateway_config, mqtt.password_file),
    TEXT_OPTIONAL("host_id", struct weft_gateway_config, mqtt.host_id),
    CYAML_FIELD_END,
};

#define SECTION(name, section_flags, section_fields)                                               \
    {                                                                                              \
        .key = (name), .value = {                                                                  \
            .type = CYAML_MAPPING,                                                                 \
            .flags = (section_flags),                                                              \
            .data_size = sizeof(struct weft_gateway_config),                                       \
            .mapping = {.fields = (section_fields)}                                                \
        }                                                                                          \
    }

static const cyaml_schema_field_t top_fields[] = {
    SECTION("gateway", CYAML_FLAG_DEFAULT, gateway_fields),
    SECTION("plant", CYAML_FLAG_DEFAULT, plant_fields),
    SECTION("trust", CYAML_FLAG_DEFAULT, trust_fields),
    SECTION("mqtt", CYAML_FLAG_OPTIONAL, mqtt_fields),
    CYAML_FIELD_SEQUENCE("channels", CYAML_FLAG_POINTER, struct weft_gateway_config, channels,
        &channel_schema, 1, WEFT_ACTOR_CHANNELS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t top_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct weft_gateway_config, top_fields)};

/* --- reading --------------------------------------------------------------------------------- */

/* What libcyaml said: the reason, then the innermost place of its backtrace. */
struct complaint {
    char reason[200];
    unsigned line, column;
};

__attribute__((format(printf, 3, 0))) static void on_cyaml(
    cyaml_log_t level, void *ctx, const char *format, va_list args)
{
    struct complaint *complaint = ctx;
    char text[256];
    (void)level;
    (void)vsnprintf(text, sizeof(text), format, args);
    text[strcspn(text, "\n")] = '\0';
    const char *place = strstr(text, "(line: ");
    if (place != NULL) {
        if (complaint->line == 0) {
            (void)sscanf(place, "(line: %u, column: %u)", &complaint->line, &complaint->column);
        }
    } else if (complaint->reason[0] == '\0') {
        const char *reason = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
        (void)snprintf(complaint->reason, sizeof(complaint->reason), "%.199s", reason);
    }
}

static const cyaml_config_t freeing = {
    .log_fn = NULL, .log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem};

void weft_gateway_config_destroy(struct weft_gateway_config *config)
{
    if (config != NULL) {
        (void)cyaml_free(&freeing, &top_schema, config, 0);
    }
}

/* Relative to the file's own directory. Allocated as libcyaml does, which will free it. */
static enum weft_err make_absolute(char **path, const char *base, struct weft_msg *msg)
{
    char whole[WEFT_FILES_PATH_SIZE];
    if (*path == NULL || (*path)[0] == '/') {
        return WEFT_OK;
    }
    enum weft_err err = weft_files_join(base, *path, whole, msg);
    char *copy = err == WEFT_OK ? cyaml_mem(NULL, NULL, strlen(whole) + 1) : NULL;
    if (copy == NULL) {
        return err == WEFT_OK ? weft_fail(msg, WEFT_ENOMEM, "no memory") : err;
    }
    memcpy(copy, whole, strlen(whole) + 1);
    (void)cyaml_mem(NULL, *path, 0);
    *path = copy;
    return WEFT_OK;
}

static enum weft_err make_all_absolute(
    struct weft_gateway_config *c, const char *base, struct weft_msg *msg)
{
    char **paths[] = {&c->gateway.data, &c->gateway.key, &c->gateway.passphrase_file,
        &c->plant.identity, &c->trust.keys, &c->mqtt.ca, &c->mqtt.cert, &c->mqtt.key,
        &c->mqtt.password_file};
    enum weft_err err = WEFT_OK;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && err == WEFT_OK; i++) {
        err = make_absolute(paths[i], base, msg);
    }
    for (uint32_t i = 0; i < c->channels_count && err == WEFT_OK; i++) {
        if (c->channels[i].sim != NULL) {
            err = make_absolute(&c->channels[i].sim->directory, base, msg);
        }
    }
    return err;
}

static enum weft_err check_channel(const struct weft_gateway_config *c,
    const struct weft_gateway_channel_config *channel, struct weft_msg *msg)
{
    if ((channel->sim != NULL) == (channel->sparkplug != NULL)) {
        return weft_fail(msg, WEFT_EINVAL, "channel %s: either sim or sparkplug", channel->machine);
    }
    if (channel->sparkplug != NULL && c->mqtt.host == NULL) {
        return weft_fail(
            msg, WEFT_EINVAL, "channel %s: sparkplug needs the section mqtt", channel->machine);
    }
    for (uint32_t i = 0; i < c->channels_count; i++) {
        if (&c->channels[i] != channel && strcmp(c->channels[i].machine, channel->machine) == 0) {
            return weft_fail(msg, WEFT_EINVAL, "channel %s: given twice", channel->machine);
        }
    }
    return WEFT_OK;
}

/* GW-1: a majority of nodes is more than half of those that are trusted, or it is none. */
static enum weft_err check(const struct weft_gateway_config *c, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    if (c->trust.needed > c->trust.logs_count || 2 * c->trust.needed <= c->trust.logs_count) {
        return weft_fail(msg, WEFT_EINVAL,
            "trust.needed: more than half of the %u keys in trust.logs, and no more than all",
            c->trust.logs_count);
    }
    if (c->mqtt.host != NULL && (c->mqtt.port == 0 || c->mqtt.port > UINT16_MAX)) {
        return weft_fail(msg, WEFT_EINVAL, "mqtt.port: 1 to 65535");
    }
    for (uint32_t i = 0; i < c->trust.approvals_count; i++) {
        if (c->trust.approvals[i] > WEFT_COMMAND_APPROVALS_MAX) {
            return weft_fail(
                msg, WEFT_EINVAL, "trust.approvals: at most %d", WEFT_COMMAND_APPROVALS_MAX);
        }
    }
    for (uint32_t i = 0; i < c->channels_count && err == WEFT_OK; i++) {
        err = check_channel(c, &c->channels[i], msg);
    }
    return err;
}

static enum weft_err parse(const char *path, const struct weft_buffer *yaml,
    struct weft_gateway_config **ret_config, struct weft_msg *msg)
{
    struct complaint complaint = {{0}, 0, 0};
    const cyaml_config_t config = {.log_fn = on_cyaml,
        .log_ctx = &complaint,
        .log_level = CYAML_LOG_ERROR,
        .mem_fn = cyaml_mem,
        .flags = CYAML_CFG_NO_ALIAS};
    cyaml_data_t *data = NULL;
    cyaml_err_t result = cyaml_load_data(yaml->data, yaml->size, &config, &top_schema, &data, NULL);
    if (result == CYAML_ERR_OOM) {
        return weft_fail(msg, WEFT_ENOMEM, "%s: no memory", path);
    }
    if (result != CYAML_OK || data == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "%s:%u:%u: %s", path, complaint.line, complaint.column,
            complaint.reason[0] != '\0' ? complaint.reason : cyaml_strerror(result));
    }
    *ret_config = (struct weft_gateway_config *)data;
    return WEFT_OK;
}

enum weft_err weft_gateway_config_load(
    const char *path, struct weft_gateway_config **ret_config, struct weft_msg *msg)
{
    struct weft_buffer yaml = {.size_max = FILE_SIZE_MAX};
    struct weft_gateway_config *config = NULL;
    char base[PATH_MAX];
    enum weft_err err = weft_files_read(path, &yaml, msg);
    if (err == WEFT_OK) {
        err = parse(path, &yaml, &config, msg);
    }
    if (err == WEFT_OK && realpath(path, base) == NULL) {
        err = weft_fail(msg, WEFT_EIO, "%s: where is it?", path);
    }
    if (err == WEFT_OK) {
        *strrchr(base, '/') = '\0';
        err = make_all_absolute(config, base[0] != '\0' ? base : "/", msg);
    }
    if (err == WEFT_OK) {
        err = check(config, msg);
        err = err == WEFT_OK ? WEFT_OK : weft_wrap(msg, err, "%s", path);
    }
    weft_buffer_destroy(&yaml);
    if (err != WEFT_OK) {
        weft_gateway_config_destroy(config);
        return err;
    }
    *ret_config = config;
    return WEFT_OK;
}
