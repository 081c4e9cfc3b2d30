/* node/config_table.h: every setting of weftd in one table: key, type, range, default, meaning.
 *
 * Private to node/config*.c. The schema, the parser, --help-config, the printed configuration
 * and the rule what SIGHUP may change are all made from it. */
#ifndef WEFT_NODE_CONFIG_TABLE_H
#define WEFT_NODE_CONFIG_TABLE_H

#include "node/config.h"

enum weft_setting_type {
    WEFT_SETTING_ORG,     /* char[WEFT_CONFIG_NAME_SIZE] */
    WEFT_SETTING_NODE,    /* char[WEFT_CONFIG_NAME_SIZE] */
    WEFT_SETTING_NAME,    /* char[WEFT_CONFIG_NAME_SIZE] */
    WEFT_SETTING_PATH,    /* char[WEFT_CONFIG_PATH_SIZE], made absolute */
    WEFT_SETTING_ADDRESS, /* char[WEFT_ADDRESS_SIZE_MAX + 1] */
    WEFT_SETTING_BYTES,   /* uint64_t; "64 MiB" */
    WEFT_SETTING_COUNT,   /* uint32_t */
    WEFT_SETTING_LONG,    /* uint64_t */
    WEFT_SETTING_MS,      /* uint32_t */
    WEFT_SETTING_LINK,    /* enum weft_link_type */
    WEFT_SETTING_LEVEL,   /* enum weft_log_level */
    WEFT_SETTING_MODE,    /* bool: is it ungoverned? */
};

struct weft_setting {
    const char *section; /* "node", "node.advertise" */
    const char *key;
    enum weft_setting_type type;
    size_t offset;        /* In struct weft_config. */
    const char *fallback; /* NULL: must be given. "": may be absent. */
    uint64_t min;
    uint64_t max;
    bool may_reload; /* SIGHUP takes it over. */
    const char *help;
};

enum {
    WEFT_SETTINGS = 48
};
extern const struct weft_setting weft_settings[WEFT_SETTINGS];

/* WEFT_EINVAL: `msg` says what the value should be. */
WEFT_MUST_USE enum weft_err weft_setting_parse(const struct weft_setting *setting, const char *text,
    const char *base_directory, struct weft_config *config, struct weft_msg *msg);
/* The value as the file would have it. */
void weft_setting_format(const struct weft_setting *setting, const struct weft_config *config,
    char *ret_text, size_t size);
/* Bytes of the setting's member. */
size_t weft_setting_size(const struct weft_setting *setting);

#endif
