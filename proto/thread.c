#include "proto/thread.h"

#include "proto/check.h"

/* By enumerator; within a class by name, so that the eye finds it. */
static const struct weft_rel_traits rels[WEFT_RELS] = {
    [WEFT_REL_OTHER] = {.name = ""},

    [WEFT_REL_CONSUMES] = {"consumes", WEFT_REL_CLASS_MATERIAL, false, false, false},
    [WEFT_REL_USES_LOT] = {"uses_lot", WEFT_REL_CLASS_MATERIAL, false, false, false},
    [WEFT_REL_INPUT] = {"input", WEFT_REL_CLASS_MATERIAL, false, false, false},
    [WEFT_REL_CONTAINS] = {"contains", WEFT_REL_CLASS_MATERIAL, false, true, true},
    [WEFT_REL_INSTALLS] = {"installs", WEFT_REL_CLASS_MATERIAL, false, true, false},
    [WEFT_REL_OUTPUT] = {"output", WEFT_REL_CLASS_MATERIAL, true, false, false},
    [WEFT_REL_PART_OF] = {"part_of", WEFT_REL_CLASS_MATERIAL, true, true, false},
    [WEFT_REL_INSTALLED_IN] = {"installed_in", WEFT_REL_CLASS_MATERIAL, true, true, false},

    [WEFT_REL_RELEASES] = {"releases", WEFT_REL_CLASS_END, false, false, true},
    [WEFT_REL_REMOVES] = {"removes", WEFT_REL_CLASS_END, false, false, false},
    [WEFT_REL_REMOVED_FROM] = {"removed_from", WEFT_REL_CLASS_END, true, false, false},
    [WEFT_REL_EMPTIES] = {"empties", WEFT_REL_CLASS_END, true, false, false},

    [WEFT_REL_PARENT] = {"parent", WEFT_REL_CLASS_PARENT, true, false, false},

    [WEFT_REL_ABOUT] = {.name = "about"},
    [WEFT_REL_ALLOWS] = {.name = "allows"},
    [WEFT_REL_ALTERNATE] = {.name = "alternate"},
    [WEFT_REL_BIZ_LOCATION] = {.name = "biz_location"},
    [WEFT_REL_BOM_LINE] = {.name = "bom_line"},
    [WEFT_REL_CLOSES] = {.name = "closes"},
    [WEFT_REL_COVERS] = {.name = "covers"},
    [WEFT_REL_EVENT] = {.name = "event"},
    [WEFT_REL_IMPLEMENTS] = {.name = "implements"},
    [WEFT_REL_INSPECTS] = {.name = "inspects"},
    [WEFT_REL_INSTANCE_OF] = {.name = "instance_of"},
    [WEFT_REL_INTRODUCES] = {.name = "introduces"},
    [WEFT_REL_LOCATION] = {.name = "location"},
    [WEFT_REL_MADE_BY] = {.name = "made_by"},
    [WEFT_REL_MADE_ON] = {.name = "made_on"},
    [WEFT_REL_OF_LOT] = {.name = "of_lot"},
    [WEFT_REL_REPLACES] = {.name = "replaces"},
    [WEFT_REL_REVISION_OF] = {.name = "revision_of"},
    [WEFT_REL_SHIPPED_TO] = {.name = "shipped_to"},
    [WEFT_REL_SUPERSEDES] = {.name = "supersedes"},
};

static const struct weft_thread_kind_traits kinds[WEFT_THREAD_KINDS] = {
    [WEFT_THREAD_OTHER] = {"", WEFT_SEGMENT_NONE},

    [WEFT_THREAD_BOM] = {"bom", WEFT_SEGMENT_DESIGN},
    [WEFT_THREAD_CHANGE_ORDER] = {"change_order", WEFT_SEGMENT_DESIGN},
    [WEFT_THREAD_CONCESSION] = {"concession", WEFT_SEGMENT_DESIGN},
    [WEFT_THREAD_PART_REVISION] = {"part_revision", WEFT_SEGMENT_DESIGN},
    [WEFT_THREAD_PART_TYPE] = {"part_type", WEFT_SEGMENT_DESIGN},
    [WEFT_THREAD_SPECIFICATION] = {"specification", WEFT_SEGMENT_DESIGN},

    [WEFT_THREAD_AS_BUILT] = {"as_built", WEFT_SEGMENT_MANUFACTURING},
    [WEFT_THREAD_GENEALOGY] = {"genealogy", WEFT_SEGMENT_MANUFACTURING},
    [WEFT_THREAD_MACHINE_CONDITION] = {"machine_condition", WEFT_SEGMENT_MANUFACTURING},
    [WEFT_THREAD_PROCESS_RUN] = {"process_run", WEFT_SEGMENT_MANUFACTURING},

    [WEFT_THREAD_CERTIFICATE] = {"certificate", WEFT_SEGMENT_QUALITY},
    [WEFT_THREAD_DISPOSITION] = {"disposition", WEFT_SEGMENT_QUALITY},
    [WEFT_THREAD_INSPECTION] = {"inspection", WEFT_SEGMENT_QUALITY},
    [WEFT_THREAD_NONCONFORMANCE] = {"nonconformance", WEFT_SEGMENT_QUALITY},
    [WEFT_THREAD_TEST] = {"test", WEFT_SEGMENT_QUALITY},

    [WEFT_THREAD_FAILURE] = {"failure", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_FEEDBACK] = {"feedback", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_INSTALLATION] = {"installation", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_MAINTENANCE] = {"maintenance", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_MAINTENANCE_PLAN] = {"maintenance_plan", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_REMOVAL] = {"removal", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_REPAIR] = {"repair", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_REPLACEMENT] = {"replacement", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_RETIREMENT] = {"retirement", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_SHIPMENT] = {"shipment", WEFT_SEGMENT_SERVICE},
    [WEFT_THREAD_WARRANTY_CLAIM] = {"warranty_claim", WEFT_SEGMENT_SERVICE},

    [WEFT_THREAD_DESIRED] = {"desired", WEFT_SEGMENT_TWIN},
    [WEFT_THREAD_REPORTED] = {"reported", WEFT_SEGMENT_TWIN},
    [WEFT_THREAD_TWIN_POLICY] = {"twin_policy", WEFT_SEGMENT_TWIN},

    [WEFT_THREAD_MODEL] = {"model", WEFT_SEGMENT_GOVERNANCE},
    [WEFT_THREAD_SITE_SETTING] = {"site_setting", WEFT_SEGMENT_GOVERNANCE},
};

enum weft_rel weft_thread_rel(struct weft_text name)
{
    for (unsigned rel = WEFT_REL_OTHER + 1; rel < WEFT_RELS; rel++) {
        if (weft_text_is(name, rels[rel].name)) {
            return (enum weft_rel)rel;
        }
    }
    return WEFT_REL_OTHER;
}

const struct weft_rel_traits *weft_thread_rel_traits(enum weft_rel rel)
{
    weft_assert((unsigned)rel < WEFT_RELS); /* PRO-11 */
    return &rels[rel];
}

enum weft_thread_kind weft_thread_kind(struct weft_text name)
{
    for (unsigned kind = WEFT_THREAD_OTHER + 1; kind < WEFT_THREAD_KINDS; kind++) {
        if (weft_text_is(name, kinds[kind].name)) {
            return (enum weft_thread_kind)kind;
        }
    }
    return WEFT_THREAD_OTHER;
}

const struct weft_thread_kind_traits *weft_thread_kind_traits(enum weft_thread_kind kind)
{
    weft_assert((unsigned)kind < WEFT_THREAD_KINDS); /* PRO-11 */
    return &kinds[kind];
}
