/* proto/thread.h: the vocabulary of the thread: rels and kinds that the house knows by meaning.
 *
 * Any name may be a rel or a kind; those listed here are the ones that traces, twins and
 * importers act on. A rel's class says what a link states about lineage; the table of meanings
 * stands in proto/README.md. The enumerators are ours alone: neither wire nor store holds them. */
#ifndef WEFT_PROTO_THREAD_H
#define WEFT_PROTO_THREAD_H

#include <stdbool.h>

#include "proto/bytes.h"

enum weft_rel {
    WEFT_REL_OTHER, /* Not of this vocabulary. */

    /* Material, up to WEFT_REL_MATERIAL_LAST. Edges of one record are ordered by these numbers. */
    WEFT_REL_CONSUMES,
    WEFT_REL_USES_LOT,
    WEFT_REL_INPUT,
    WEFT_REL_CONTAINS,
    WEFT_REL_INSTALLS,
    WEFT_REL_OUTPUT,
    WEFT_REL_PART_OF,
    WEFT_REL_INSTALLED_IN,

    /* End of containment. */
    WEFT_REL_RELEASES,
    WEFT_REL_REMOVES,
    WEFT_REL_REMOVED_FROM,
    WEFT_REL_EMPTIES, /* Of all at once: the target is the container, whatever was in it. */

    WEFT_REL_PARENT,

    /* About assets, without material. */
    WEFT_REL_ABOUT,
    WEFT_REL_ALLOWS,
    WEFT_REL_ALTERNATE,
    WEFT_REL_BIZ_LOCATION,
    WEFT_REL_BOM_LINE,
    WEFT_REL_CLOSES,
    WEFT_REL_COVERS,
    WEFT_REL_EVENT,
    WEFT_REL_IMPLEMENTS,
    WEFT_REL_INSPECTS,
    WEFT_REL_INSTANCE_OF,
    WEFT_REL_INTRODUCES,
    WEFT_REL_LOCATION,
    WEFT_REL_MADE_BY,
    WEFT_REL_MADE_ON,
    WEFT_REL_OF_LOT,
    WEFT_REL_REPLACES,
    WEFT_REL_REVISION_OF,
    WEFT_REL_SHIPPED_TO,
    WEFT_REL_SUPERSEDES,

    WEFT_RELS, /* Number of them; not one of them. */
    WEFT_REL_MATERIAL_LAST = WEFT_REL_INSTALLED_IN,
    WEFT_REL_LINEAGE_LAST = WEFT_REL_EMPTIES, /* Material and its ends. */
};

enum weft_rel_class {
    WEFT_REL_CLASS_NONE,     /* Says nothing about what is inside what. */
    WEFT_REL_CLASS_MATERIAL, /* From `at` on one of the two is inside the other. */
    WEFT_REL_CLASS_END,      /* Ends from `at` on what a material link began, if that can end. */
    WEFT_REL_CLASS_PARENT,   /* Stands in for the record's asset in `contains`, `releases`. */
};

struct weft_rel_traits {
    const char *name;
    enum weft_rel_class rel_class;
    bool is_asset_inside; /* The record's asset is inside the target; else the other way. */
    bool can_end;         /* Material: an END for the same two assets ends it. */
    bool uses_parent;     /* The one asset of its `parent` links takes the place of its asset. */
};

/* WEFT_REL_OTHER: none of ours. */
enum weft_rel weft_thread_rel(struct weft_text name);
/* Of WEFT_REL_OTHER: an empty name, class NONE. */
const struct weft_rel_traits *weft_thread_rel_traits(enum weft_rel rel);

enum weft_thread_kind {
    WEFT_THREAD_OTHER, /* Not of this vocabulary. */

    WEFT_THREAD_BOM,
    WEFT_THREAD_CHANGE_ORDER,
    WEFT_THREAD_CONCESSION,
    WEFT_THREAD_PART_REVISION,
    WEFT_THREAD_PART_TYPE,
    WEFT_THREAD_SPECIFICATION,

    WEFT_THREAD_AS_BUILT,
    WEFT_THREAD_GENEALOGY,
    WEFT_THREAD_MACHINE_CONDITION,
    WEFT_THREAD_PROCESS_RUN,

    WEFT_THREAD_CERTIFICATE,
    WEFT_THREAD_DISPOSITION,
    WEFT_THREAD_INSPECTION,
    WEFT_THREAD_NONCONFORMANCE,
    WEFT_THREAD_TEST,

    WEFT_THREAD_FAILURE,
    WEFT_THREAD_FEEDBACK,
    WEFT_THREAD_INSTALLATION,
    WEFT_THREAD_MAINTENANCE,
    WEFT_THREAD_MAINTENANCE_PLAN,
    WEFT_THREAD_REMOVAL,
    WEFT_THREAD_REPAIR,
    WEFT_THREAD_REPLACEMENT,
    WEFT_THREAD_RETIREMENT,
    WEFT_THREAD_SHIPMENT,
    WEFT_THREAD_WARRANTY_CLAIM,

    WEFT_THREAD_DESIRED,
    WEFT_THREAD_REPORTED,
    WEFT_THREAD_TWIN_POLICY,

    WEFT_THREAD_MODEL,
    WEFT_THREAD_SITE_SETTING,

    WEFT_THREAD_KINDS /* Number of them; not one of them. */
};

/* The part of a product's life that a kind speaks of. */
enum weft_segment {
    WEFT_SEGMENT_NONE,
    WEFT_SEGMENT_DESIGN,
    WEFT_SEGMENT_MANUFACTURING,
    WEFT_SEGMENT_QUALITY,
    WEFT_SEGMENT_SERVICE,
    WEFT_SEGMENT_TWIN,
    WEFT_SEGMENT_GOVERNANCE,
};

struct weft_thread_kind_traits {
    const char *name;
    enum weft_segment segment;
};

/* WEFT_THREAD_OTHER: none of ours. */
enum weft_thread_kind weft_thread_kind(struct weft_text name);
/* Of WEFT_THREAD_OTHER: an empty name, no segment. */
const struct weft_thread_kind_traits *weft_thread_kind_traits(enum weft_thread_kind kind);

#endif
