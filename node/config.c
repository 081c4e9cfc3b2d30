#include "node/config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/config_table.h"
#include "node/yaml_places.h"
#include "proto/check.h"

enum {
    FILE_SIZE_MAX = 256 * 1024, /* chosen: a hundred times the annotated sample */
    SECTIONS = 10,
    FIELDS_MAX = WEFT_SETTINGS + 2 * SECTIONS + 4,
};

/* What libcyaml fills: every value as text. Mappings lie at offset 0 of it, so that one flat
 * struct serves all sections. */
struct raw {
    char *values[WEFT_SETTINGS];
    char **peers;
    unsigned peer_count;
};

struct schema {
    cyaml_schema_field_t fields[FIELDS_MAX];
    cyaml_schema_value_t top;
    uint32_t used;
};

/* Order: a nested section before the one that holds it. */
static const struct {
    const char *path, *parent, *key;
} sections[SECTIONS] = {
    {"node.advertise", "node", "advertise"},
    {"node", "", "node"},
    {"tls", "", "tls"},
    {"partner", "", "partner"},
    {"http", "", "http"},
    {"policy", "", "policy"},
    {"link", "", "link"},
    {"limits", "", "limits"},
    {"timers", "", "timers"},
    {"log", "", "log"},
};

static const cyaml_schema_value_t peer_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, WEFT_ADDRESS_SIZE_MAX + 16)};

static cyaml_schema_field_t *add_field(struct schema *schema)
{
    weft_assert(schema->used < FIELDS_MAX);
    return &schema->fields[schema->used++];
}

static void add_mapping(struct schema *schema, const char *key, const cyaml_schema_field_t *fields)
{
    *add_field(schema) = (cyaml_schema_field_t){.key = key,
        .value = {.type = CYAML_MAPPING,
            .flags = CYAML_FLAG_OPTIONAL,
            .data_size = sizeof(struct raw),
            .mapping = {.fields = fields}}};
}

static void add_settings(struct schema *schema, const char *section)
{
    for (uint32_t i = 0; i < WEFT_SETTINGS; i++) {
        if (strcmp(weft_settings[i].section, section) == 0) {
            *add_field(schema) = (cyaml_schema_field_t){.key = weft_settings[i].key,
                .data_offset = (uint32_t)(offsetof(struct raw, values) + i * sizeof(char *)),
                .value = {.type = CYAML_STRING,
                    .flags = (enum cyaml_flag)(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL),
                    .data_size = sizeof(char),
                    .string = {.min = 0, .max = WEFT_CONFIG_PATH_SIZE - 1}}};
        }
    }
}

/* `policy: ungoverned`: a word in the place of its section. */
static void add_mode(struct schema *schema)
{
    for (uint32_t i = 0; i < WEFT_SETTINGS; i++) {
        if (weft_settings[i].type == WEFT_SETTING_MODE) {
            *add_field(schema) = (cyaml_schema_field_t){.key = weft_settings[i].section,
                .data_offset = (uint32_t)(offsetof(struct raw, values) + i * sizeof(char *)),
                .value = {.type = CYAML_STRING,
                    .flags = (enum cyaml_flag)(CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL),
                    .data_size = sizeof(char),
                    .string = {.min = 0, .max = WEFT_CONFIG_NAME_SIZE}}};
        }
    }
}

static bool has_below(const struct weft_yaml_places *places, const char *section)
{
    size_t size = strlen(section);
    for (uint32_t i = 0; i < places->count; i++) {
        const char *path = places->places[i].path;
        if (strncmp(path, section, size) == 0 && path[size] == '.') {
            return true;
        }
    }
    return false;
}

/* The schema that the table of settings describes. */
static void make_schema(struct schema *schema, const struct weft_yaml_places *places)
{
    const cyaml_schema_field_t *firsts[SECTIONS];
    memset(schema, 0, sizeof(*schema));
    for (uint32_t s = 0; s < SECTIONS; s++) {
        firsts[s] = &schema->fields[schema->used];
        add_settings(schema, sections[s].path);
        for (uint32_t inner = 0; inner < s; inner++) {
            if (strcmp(sections[inner].parent, sections[s].path) == 0) {
                add_mapping(schema, sections[inner].key, firsts[inner]);
            }
        }
        (void)add_field(schema); /* The end: a field without key. */
    }
    const cyaml_schema_field_t *top = &schema->fields[schema->used];
    for (uint32_t s = 0; s < SECTIONS; s++) {
        if (strcmp(sections[s].key, "policy") == 0 && !has_below(places, "policy")) {
            add_mode(schema);
        } else if (sections[s].parent[0] == '\0') {
            add_mapping(schema, sections[s].key, firsts[s]);
        }
    }
    *add_field(schema) = (cyaml_schema_field_t)CYAML_FIELD_SEQUENCE_COUNT("peers",
        CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, peers, peer_count, &peer_schema, 0,
        WEFT_MEMBERS_MAX);
    (void)add_field(schema);
    schema->top = (cyaml_schema_value_t){CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, top)};
}

/* What libcyaml said: the reason, then the innermost place of its backtrace. */
struct complaint {
    char reason[160];
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
        (void)snprintf(complaint->reason, sizeof(complaint->reason), "%.159s", reason);
    }
}

static bool is_known(const char *path)
{
    char known[WEFT_YAML_PATH_SIZE];
    if (strcmp(path, "peers") == 0 || strncmp(path, "peers.", 6) == 0) {
        return true;
    }
    for (uint32_t s = 0; s < SECTIONS; s++) {
        if (strcmp(sections[s].path, path) == 0) {
            return true;
        }
    }
    for (uint32_t i = 0; i < WEFT_SETTINGS; i++) {
        size_t size = (size_t)snprintf(
            known, sizeof(known), "%s.%s", weft_settings[i].section, weft_settings[i].key);
        /* What stands below a setting is of the wrong type: that is the schema's to say. */
        if (strncmp(known, path, size) == 0 && (path[size] == '\0' || path[size] == '.')) {
            return true;
        }
    }
    return false;
}

/* "unknown key "nmae" in node; it knows name, site, ...". */
static enum weft_err fail_unknown(
    const char *file, const struct weft_yaml_place *place, struct weft_msg *msg)
{
    char section[WEFT_YAML_PATH_SIZE];
    (void)snprintf(section, sizeof(section), "%s", place->path);
    char *dot = strrchr(section, '.');
    const char *key = dot != NULL ? dot + 1 : place->path;
    if (dot != NULL) {
        *dot = '\0';
    } else {
        section[0] = '\0';
    }
    char list[400] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < WEFT_SETTINGS && used < sizeof(list) - 40; i++) {
        if (strcmp(weft_settings[i].section, section) == 0) {
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "",
                weft_settings[i].key);
        }
    }
    for (uint32_t s = 0; s < SECTIONS && used < sizeof(list) - 40; s++) {
        if (strcmp(sections[s].parent, section) == 0) {
            used += (size_t)snprintf(
                list + used, sizeof(list) - used, "%s%s", used > 0 ? ", " : "", sections[s].key);
        }
    }
    if (dot == NULL) {
        (void)snprintf(list + used, sizeof(list) - used, ", peers");
    }
    return weft_fail(msg, WEFT_EINVAL,
        "%s:%" PRIu32 ":%" PRIu32 ": unknown key \"%.60s\"%s%s; known: %s", file, place->line,
        place->column, key, dot != NULL ? " in " : "", section, list);
}

static enum weft_err load_raw(const char *path, struct weft_bytes yaml,
    const struct weft_yaml_places *places, struct schema *schema, struct raw **ret_raw,
    struct weft_msg *msg)
{
    struct complaint complaint = {{0}, 0, 0};
    cyaml_config_t config = {.log_fn = on_cyaml,
        .log_ctx = &complaint,
        .log_level = CYAML_LOG_ERROR,
        .mem_fn = cyaml_mem,
        .flags = CYAML_CFG_NO_ALIAS};
    for (uint32_t i = 0; i < places->count; i++) {
        if (!is_known(places->places[i].path)) {
            return fail_unknown(path, &places->places[i], msg);
        }
    }
    cyaml_data_t *data = NULL;
    cyaml_err_t result = cyaml_load_data(yaml.data, yaml.size, &config, &schema->top, &data, NULL);
    if (result == CYAML_ERR_OOM) {
        return weft_fail(msg, WEFT_ENOMEM, "%s: no memory", path);
    }
    if (result != CYAML_OK || data == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "%s:%u:%u: %s", path, complaint.line, complaint.column,
            complaint.reason[0] != '\0' ? complaint.reason : cyaml_strerror(result));
    }
    *ret_raw = (struct raw *)data;
    return WEFT_OK;
}

static void free_raw(struct schema *schema, struct raw *raw)
{
    cyaml_config_t config = {.log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem};
    (void)cyaml_free(&config, &schema->top, raw, 0);
}

/* Prefix the reason in `msg` with file, place and key. */
static enum weft_err fail_value(const char *file, const struct weft_yaml_places *places,
    const char *path, enum weft_err err, struct weft_msg *msg)
{
    const struct weft_yaml_place *place = weft_yaml_places_find(places, path);
    const char *dot = strrchr(path, '.');
    if (place == NULL && dot != NULL) { /* A word in the place of its section. */
        char section[WEFT_YAML_PATH_SIZE];
        (void)snprintf(section, sizeof(section), "%.*s", (int)(dot - path), path);
        place = weft_yaml_places_find(places, section);
    }
    uint32_t line = place != NULL ? place->line : 1;
    uint32_t column = place != NULL ? place->column : 1;
    return weft_wrap(msg, err, "%s:%" PRIu32 ":%" PRIu32 ": %s", file, line, column, path);
}

static enum weft_err read_settings(const char *file, const char *base,
    const struct weft_yaml_places *places, const struct raw *raw, struct weft_config *config,
    struct weft_msg *msg)
{
    for (uint32_t i = 0; i < WEFT_SETTINGS; i++) {
        const struct weft_setting *setting = &weft_settings[i];
        char path[WEFT_YAML_PATH_SIZE];
        (void)snprintf(path, sizeof(path), "%s.%s", setting->section, setting->key);
        const char *text = raw->values[i];
        if (text != NULL && text[0] == '\0') {
            (void)weft_fail(msg, WEFT_EINVAL, "empty value");
            return fail_value(file, places, path, WEFT_EINVAL, msg);
        }
        if (text == NULL) {
            text = setting->fallback;
        }
        if (text == NULL) {
            return weft_fail(
                msg, WEFT_EINVAL, "%s:1:1: %s is missing: %s", file, path, setting->help);
        }
        enum weft_err err = weft_setting_parse(setting, text, base, config, msg);
        if (err != WEFT_OK) {
            return fail_value(file, places, path, err, msg);
        }
    }
    for (unsigned i = 0; i < raw->peer_count; i++) {
        enum weft_err err =
            weft_config_parse_address(raw->peers[i], config->peers.endpoints[i], msg);
        if (err != WEFT_OK) {
            char path[32];
            (void)snprintf(path, sizeof(path), "peers.%u", i);
            return fail_value(file, places, path, err, msg);
        }
    }
    config->peers.count = raw->peer_count;
    return WEFT_OK;
}

/* Port 0 takes any free one: then others must be told where (advertise), or nobody finds us. */
static bool has_port_zero(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon != NULL && strtoul(colon + 1, NULL, 10) == 0;
}

static bool have_two_doors_one_address(const struct weft_config *config)
{
    const char *const doors[] = {config->node.listen_peer, config->node.listen_client,
        config->node.listen_http, config->node.listen_partner};
    for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
        for (size_t k = 0; k < i; k++) {
            if (doors[i][0] != '\0' && strcmp(doors[i], doors[k]) == 0) {
                return true;
            }
        }
    }
    return false;
}

static enum weft_err check_together(const char *file, const struct weft_yaml_places *places,
    struct weft_config *config, struct weft_msg *msg)
{
    if (config->node.advertise_peer[0] == '\0') {
        memcpy(config->node.advertise_peer, config->node.listen_peer,
            sizeof(config->node.advertise_peer));
    }
    if (config->node.advertise_client[0] == '\0') {
        memcpy(config->node.advertise_client, config->node.listen_client,
            sizeof(config->node.advertise_client));
    }
    if (has_port_zero(config->node.advertise_peer) || has_port_zero(config->node.listen_peer)) {
        (void)weft_fail(msg, WEFT_EINVAL, "port 0: other nodes could not find this one");
        return fail_value(file, places, "node.listen_peer", WEFT_EINVAL, msg);
    }
    if (has_port_zero(config->node.advertise_client) || has_port_zero(config->node.listen_client)) {
        (void)weft_fail(msg, WEFT_EINVAL, "port 0: clients could not find this node");
        return fail_value(file, places, "node.listen_client", WEFT_EINVAL, msg);
    }
    if (have_two_doors_one_address(config)) {
        (void)weft_fail(msg, WEFT_EINVAL, "two doors on one address");
        return fail_value(file, places, "node.listen_client", WEFT_EINVAL, msg);
    }
    bool has_cert = config->partner.cert[0] != '\0', has_key = config->partner.key[0] != '\0';
    if (has_cert != has_key || (config->node.listen_partner[0] != '\0' && !has_cert)) {
        (void)weft_fail(msg, WEFT_EINVAL,
            "listen_partner needs partner.cert and partner.key, which come together");
        return fail_value(file, places, "partner", WEFT_EINVAL, msg);
    }
    bool has_org = config->policy.org[0] != '\0', has_file = config->policy.file[0] != '\0';
    if (has_org != has_file || (config->policy.is_ungoverned && has_org)) {
        (void)weft_fail(msg, WEFT_EINVAL, "org and file come together, or mode: ungoverned alone");
        return fail_value(file, places, "policy", WEFT_EINVAL, msg);
    }
    if (config->timers.heartbeat_ms > config->timers.election_ms / 2) {
        (void)weft_fail(msg, WEFT_EINVAL,
            "%" PRIu32 " ms is more than half of election_ms (%" PRIu32
            " ms): one late heartbeat would cost the leader",
            config->timers.heartbeat_ms, config->timers.election_ms);
        return fail_value(file, places, "timers.heartbeat_ms", WEFT_EINVAL, msg);
    }
    return WEFT_OK;
}

static enum weft_err read_file(const char *path, struct weft_buffer *out, struct weft_msg *msg)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return weft_fail(
            msg, errno == ENOENT ? WEFT_ENOTFOUND : WEFT_EIO, "%s: %s", path, strerror(errno));
    }
    char block[4096];
    size_t size;
    enum weft_err err = WEFT_OK;
    while (err == WEFT_OK && (size = fread(block, 1, sizeof(block), file)) > 0) {
        err = weft_buffer_append(out, block, size);
    }
    if (err == WEFT_ETOOBIG) {
        err = weft_fail(msg, WEFT_EINVAL, "%s:1:1: more than %d bytes", path, FILE_SIZE_MAX);
    } else if (err == WEFT_OK && ferror(file) != 0) {
        err = weft_fail(msg, WEFT_EIO, "%s: %s", path, strerror(errno));
    }
    (void)fclose(file);
    return err;
}

/* The directory of the file, absolute. */
static enum weft_err base_of(
    const char *path, char ret_base[WEFT_CONFIG_PATH_SIZE], struct weft_msg *msg)
{
    char *real = realpath(path, NULL);
    char *slash = real != NULL ? strrchr(real, '/') : NULL;
    if (slash == NULL || slash - real >= WEFT_CONFIG_PATH_SIZE) {
        free(real);
        return weft_fail(msg, WEFT_EIO, "%s: its path cannot be resolved", path);
    }
    *slash = '\0';
    (void)snprintf(ret_base, WEFT_CONFIG_PATH_SIZE, "%s", real);
    free(real);
    return WEFT_OK;
}

static enum weft_err load(
    const char *path, struct weft_buffer *yaml, struct weft_config *config, struct weft_msg *msg)
{
    static struct schema schema; /* Large; written once per load, by the loop's thread alone. */
    struct weft_yaml_places *places = calloc(1, sizeof(*places));
    char base[WEFT_CONFIG_PATH_SIZE];
    struct raw *raw = NULL;
    if (places == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "%s: no memory", path);
    }
    enum weft_err err = read_file(path, yaml, msg);
    if (err == WEFT_OK) {
        err = base_of(path, base, msg);
    }
    if (err == WEFT_OK) {
        err = weft_yaml_places_read((struct weft_bytes){yaml->data, yaml->size}, places, msg);
        if (err != WEFT_OK) {
            struct weft_msg inner = *msg;
            (void)weft_fail(msg, err, "%s:%s", path, inner.text);
        }
    }
    if (err == WEFT_OK) {
        make_schema(&schema, places);
        err =
            load_raw(path, (struct weft_bytes){yaml->data, yaml->size}, places, &schema, &raw, msg);
    }
    if (err == WEFT_OK) {
        err = read_settings(path, base, places, raw, config, msg);
        free_raw(&schema, raw);
    }
    if (err == WEFT_OK) {
        err = check_together(path, places, config, msg);
    }
    free(places);
    return err;
}

enum weft_err weft_config_load(
    const char *path, struct weft_config *ret_config, struct weft_msg *msg)
{
    struct weft_buffer yaml = {.size_max = FILE_SIZE_MAX};
    struct weft_config *config = calloc(1, sizeof(*config));
    struct weft_msg unused;
    msg = msg != NULL ? msg : &unused;
    if (config == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "%s: no memory", path);
    }
    enum weft_err err = load(path, &yaml, config, msg);
    if (err == WEFT_OK) {
        *ret_config = *config;
    }
    weft_buffer_destroy(&yaml);
    free(config);
    return err;
}

static enum weft_err check_file(const char *key, const char *file, struct weft_msg *msg)
{
    if (access(file, R_OK) != 0) {
        return weft_fail(msg, errno == ENOENT ? WEFT_ENOTFOUND : WEFT_EINVAL,
            "%s: %s: %s (weft pki makes it)", key, file, strerror(errno));
    }
    return WEFT_OK;
}

static enum weft_err check_key_file(const char *key, const char *file, struct weft_msg *msg)
{
    struct stat st;
    enum weft_err err = check_file(key, file, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (stat(file, &st) != 0) {
        return weft_fail(msg, WEFT_EINVAL, "%s: %s: %s", key, file, strerror(errno));
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return weft_fail(msg, WEFT_EINVAL,
            "%s: %s has mode %04o: a private key is nobody else's to read (chmod 600)", key, file,
            (unsigned)(st.st_mode & 07777));
    }
    return WEFT_OK;
}

enum weft_err weft_config_check_files(const struct weft_config *config, struct weft_msg *msg)
{
    enum weft_err err = check_file("tls.ca", config->tls.ca, msg);
    err = err == WEFT_OK ? check_file("tls.cert", config->tls.cert, msg) : err;
    err = err == WEFT_OK ? check_key_file("tls.key", config->tls.key, msg) : err;
    if (err == WEFT_OK && config->partner.cert[0] != '\0') {
        err = check_file("partner.cert", config->partner.cert, msg);
        err = err == WEFT_OK ? check_key_file("partner.key", config->partner.key, msg) : err;
    }
    return err;
}

enum weft_err weft_config_check_reload(
    const struct weft_config *old, const struct weft_config *new, struct weft_msg *msg)
{
    for (uint32_t i = 0; i < WEFT_SETTINGS; i++) {
        const struct weft_setting *setting = &weft_settings[i];
        char before[WEFT_CONFIG_PATH_SIZE], after[WEFT_CONFIG_PATH_SIZE];
        weft_setting_format(setting, old, before, sizeof(before));
        weft_setting_format(setting, new, after, sizeof(after));
        if (!setting->may_reload && strcmp(before, after) != 0) {
            return weft_fail(msg, WEFT_ESTATE,
                "%s.%s changed from %.100s to %.100s: that takes a restart", setting->section,
                setting->key, before, after);
        }
    }
    return WEFT_OK;
}

/* YAML, 7.3.2: in single quotes only the quote itself is escaped, by doubling it. */
static void print_quoted(const char *text, FILE *out)
{
    (void)fputc('\'', out);
    for (; *text != '\0'; text++) {
        (void)fputs(*text == '\'' ? "'" : "", out);
        (void)fputc(*text, out);
    }
    (void)fputs("'\n", out);
}

void weft_config_print(const struct weft_config *config, FILE *out)
{
    const char *section = "";
    for (uint32_t i = 0; i < WEFT_SETTINGS; i++) {
        const struct weft_setting *setting = &weft_settings[i];
        char text[WEFT_CONFIG_PATH_SIZE];
        weft_setting_format(setting, config, text, sizeof(text));
        if (text[0] == '\0') {
            continue;
        }
        const char *dot = strchr(setting->section, '.');
        if (strcmp(section, setting->section) != 0) {
            section = setting->section;
            (void)fprintf(out, "%s%s:\n", dot != NULL ? "  " : "", dot != NULL ? dot + 1 : section);
        }
        (void)fprintf(out, "%s%s: ", dot != NULL ? "    " : "  ", setting->key);
        print_quoted(text, out);
    }
    if (config->peers.count > 0) {
        (void)fprintf(out, "peers:\n");
    }
    for (uint32_t i = 0; i < config->peers.count; i++) {
        (void)fprintf(out, "  - ");
        print_quoted(config->peers.endpoints[i], out);
    }
}

void weft_config_help(FILE *out)
{
    (void)fprintf(out, "%-28s %-12s %s\n", "SETTING", "DEFAULT", "MEANING");
    for (uint32_t i = 0; i < WEFT_SETTINGS; i++) {
        const struct weft_setting *setting = &weft_settings[i];
        char key[64];
        (void)snprintf(key, sizeof(key), "%s.%s", setting->section, setting->key);
        const char *fallback = setting->fallback != NULL ? setting->fallback : "(required)";
        (void)fprintf(out, "%-28s %-12s %s%s\n", key, fallback[0] != '\0' ? fallback : "-",
            setting->help, setting->may_reload ? " [SIGHUP]" : "");
    }
    (void)fprintf(out, "%-28s %-12s %s\n", "peers", "-",
        "list of client doors of other nodes: where a first start joins");
}

void weft_config_beside(
    const struct weft_config *config, const char *name, char *ret_path, size_t size)
{
    const char *slash = strrchr(config->tls.cert, '/');
    int parent = slash != NULL ? (int)(slash - config->tls.cert) + 1 : 0;
    (void)snprintf(ret_path, size, "%.*s%s", parent, config->tls.cert, name);
}

enum weft_err weft_config_parse_address(
    const char *text, char ret_address[WEFT_ADDRESS_SIZE_MAX + 1], struct weft_msg *msg)
{
    static const char scheme[] = "tls+tcp://";
    const char *address = text;
    if (strncmp(address, scheme, sizeof(scheme) - 1) == 0) {
        address += sizeof(scheme) - 1;
    }
    const char *colon = strrchr(address, ':');
    size_t host_size = colon != NULL ? (size_t)(colon - address) : 0;
    bool is_v6 = host_size > 2 && address[0] == '[' && address[host_size - 1] == ']';
    bool has_host =
        host_size > 0 && strlen(address) <= WEFT_ADDRESS_SIZE_MAX &&
        strspn(address, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_[]:%") ==
            strlen(address) &&
        (is_v6 ||
            (memchr(address, ':', host_size) == NULL && memchr(address, '[', host_size) == NULL));
    char *end = NULL;
    unsigned long port = colon != NULL ? strtoul(colon + 1, &end, 10) : 0;
    bool has_port = colon != NULL && colon[1] >= '0' && colon[1] <= '9' && *end == '\0' &&
                    port <= 65535 && strlen(colon + 1) <= 5;
    if (!has_host || !has_port) {
        return weft_fail(msg, WEFT_EINVAL, "\"%.80s\" is not host:port (port 0 to 65535)", text);
    }
    (void)snprintf(ret_address, WEFT_ADDRESS_SIZE_MAX + 1, "%s", address);
    return WEFT_OK;
}

bool weft_config_is_address(struct weft_text text, char ret_address[WEFT_ADDRESS_SIZE_MAX + 1])
{
    struct weft_msg msg;
    char terminated[WEFT_ADDRESS_SIZE_MAX + 1];
    if (text.size == 0 || text.size > WEFT_ADDRESS_SIZE_MAX) {
        return false;
    }
    memcpy(terminated, text.data, text.size);
    terminated[text.size] = '\0';
    return weft_config_parse_address(terminated, ret_address, &msg) == WEFT_OK;
}
