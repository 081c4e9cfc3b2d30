/* ops/import/map.h: what the qif and mtconnect importers are told about a site (--map).
 *
 * Documents name parts, units and machines as their makers do, and leave out who inspected, in
 * which units and zone. What is filled in is an assumption of whoever wrote the map, and each
 * record says so. A map is a JSON object; members are told in ops/import/README.md. */
#ifndef WEFT_OPS_IMPORT_MAP_H
#define WEFT_OPS_IMPORT_MAP_H

#include "ops/import/pattern.h"

enum {
    WEFT_MAP_RULES_MAX = 256,
    WEFT_MAP_SIZE_MAX = 256 * 1024,
};

/* What a name of the document is called here. */
struct weft_map_rule {
    struct weft_text pattern;
    struct weft_text name;
};

struct weft_map {
    struct weft_arena arena;       /* Holds all of it. */
    struct weft_text organization; /* Who inspected, or made. Empty: as the document says. */
    struct weft_text inspection;   /* "first_article", "incoming", ... */
    struct weft_text serial;       /* Pattern; empty: a serial is taken as it is. */
    struct weft_text file;         /* Pattern of the document's name; empty: none. */
    struct weft_text time;         /* Pattern of the document's name, for its time. */
    struct weft_text zone;         /* "Z" or "+01:00", for times without one. */
    struct weft_text unit_asset;   /* Templates of the names of assets. */
    struct weft_text part_asset;
    struct weft_text machine_asset;
    struct weft_text linear_unit; /* UCUM, for documents that say none. */
    struct weft_text angular_unit;
    const struct weft_map_rule *parts;
    uint32_t part_count;
};

/* `text` may be empty: everything as the documents say it. WEFT_EMALFORMED, WEFT_EINVAL,
 * WEFT_ETOOBIG: "line L, column C (pointer): reason"; WEFT_ENOMEM. On failure nothing is held. */
WEFT_MUST_USE enum weft_err weft_map_read(
    struct weft_text text, struct weft_map *ret_map, struct weft_msg *msg);
void weft_map_destroy(struct weft_map *map);

/* The first rule that fits, or the name itself. */
struct weft_text weft_map_part(const struct weft_map *map, struct weft_text part);

/* The time that a document's name says, by the pattern `time`. False: it says none. */
bool weft_map_time(const struct weft_map *map, struct weft_text name, int64_t *ret_ns);

#endif
