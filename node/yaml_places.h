/* node/yaml_places.h: where in a YAML file each value stands, so that an error can name it.
 *
 * Also holds the file to the plain part of YAML that a configuration needs: one document,
 * a mapping, no key twice, no aliases, a bounded number of values. */
#ifndef WEFT_NODE_YAML_PLACES_H
#define WEFT_NODE_YAML_PLACES_H

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum {
    WEFT_YAML_PLACES_MAX = 256,
    WEFT_YAML_PATH_SIZE = 128,
    WEFT_YAML_DEPTH_MAX = 4
};

struct weft_yaml_place {
    char path[WEFT_YAML_PATH_SIZE]; /* "node.advertise.peer", "peers.0" */
    uint32_t line;                  /* Of the key; of the item in a sequence. From 1. */
    uint32_t column;
};

struct weft_yaml_places {
    uint32_t count;
    struct weft_yaml_place places[WEFT_YAML_PLACES_MAX];
};

/* `msg` is "LINE:COLUMN: reason". WEFT_EINVAL, WEFT_ENOMEM. */
WEFT_MUST_USE enum weft_err weft_yaml_places_read(
    struct weft_bytes yaml, struct weft_yaml_places *ret_places, struct weft_msg *msg);

/* NULL: the file does not have it. */
const struct weft_yaml_place *weft_yaml_places_find(
    const struct weft_yaml_places *places, const char *path);

#endif
