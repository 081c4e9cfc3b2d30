#include "ops/import/qif_document.h"

#include <stdlib.h>

#include "proto/check.h"

enum tag {
    OTHER,
    ACTUAL, /* ...CharacteristicActual of 2.1, ...CharacteristicMeasurement of 3.0 */
    ACTUAL_COMPONENT,
    ACTUAL_COMPONENT_IDS,
    ANGULAR_UNIT,
    DEFINITION,
    EXTERNAL_FILE,
    FEATURES,
    HEADER,
    INSPECTING_ORGANIZATION,
    INSPECTION_STATUS,
    ITEM,
    LINEAR_UNIT,
    MEASUREMENT_DEVICE,
    MEASUREMENT_RESULTS,
    NOMINAL,
    PART,
    PRIMARY_UNITS,
    PRINTED_DRAWING,
    ROOT,
    STATISTICS,
    STATUS,
    TOLERANCE,
    VERSION,
    /* Elements whose text is wanted. */
    AS_LIMIT,
    CHARACTERISTIC_STATUS,
    DEFINITION_ID,
    ID,
    INSPECTION_END,
    INSPECTION_MODE,
    INSPECTION_SCOPE,
    INSPECTION_START,
    INSPECTION_STATUS_ENUM,
    ITEM_ID,
    MAX_VALUE,
    MIN_VALUE,
    NAME,
    NOMINAL_ID,
    QPID,
    REPORT_DATE,
    SERIAL,
    TARGET,
    TIME_CREATED,
    TOLERANCE_VALUE,
    UNIT_NAME,
    URI,
    VALUE,
    FIRST_TEXT = AS_LIMIT,
};

static const struct {
    const char *name;
    enum tag tag;
} names[] = {
    {"ActualComponent", ACTUAL_COMPONENT},
    {"ActualComponentIds", ACTUAL_COMPONENT_IDS},
    {"AngularUnit", ANGULAR_UNIT},
    {"CharacteristicDefinitionId", DEFINITION_ID},
    {"CharacteristicItemId", ITEM_ID},
    {"CharacteristicNominalId", NOMINAL_ID},
    {"CharacteristicStatusEnum", CHARACTERISTIC_STATUS},
    {"DefinedAsLimit", AS_LIMIT},
    {"ExternalFileReference", EXTERNAL_FILE},
    {"Header", HEADER},
    {"Id", ID},
    {"InspectingOrganization", INSPECTING_ORGANIZATION},
    {"InspectionEnd", INSPECTION_END},
    {"InspectionMode", INSPECTION_MODE},
    {"InspectionScope", INSPECTION_SCOPE},
    {"InspectionStart", INSPECTION_START},
    {"InspectionStatus", INSPECTION_STATUS},
    {"InspectionStatusEnum", INSPECTION_STATUS_ENUM},
    {"LinearUnit", LINEAR_UNIT},
    {"MaxValue", MAX_VALUE},
    {"MeasuredFeatures", FEATURES},
    {"MeasurementDevice", MEASUREMENT_DEVICE},
    {"MeasurementResults", MEASUREMENT_RESULTS},
    {"MinValue", MIN_VALUE},
    {"Name", NAME},
    {"Part", PART},
    {"PrimaryUnits", PRIMARY_UNITS},
    {"PrintedDrawing", PRINTED_DRAWING},
    {"QPId", QPID},
    {"ReportPreparationDate", REPORT_DATE},
    {"SerialNumber", SERIAL},
    {"Statistics", STATISTICS},
    {"Status", STATUS},
    {"TargetValue", TARGET},
    {"TimeCreated", TIME_CREATED},
    {"Tolerance", TOLERANCE},
    {"ToleranceValue", TOLERANCE_VALUE},
    {"URI", URI},
    {"UnitName", UNIT_NAME},
    {"Value", VALUE},
    {"Version", VERSION},
};

/* --- tables ---------------------------------------------------------------------------------- */

static uint32_t slot_of(const struct weft_qif_table *t, uint64_t id)
{
    uint32_t slot = (uint32_t)(id * 0x9e3779b97f4a7c15u >> 32) & (t->capacity - 1);
    while (t->ids[slot] != 0 && t->ids[slot] != id) {
        slot = (slot + 1) & (t->capacity - 1);
    }
    return slot;
}

static void *table_find(const struct weft_qif_table *t, uint64_t id)
{
    uint32_t slot = t->capacity > 0 && id != 0 ? slot_of(t, id) : 0;
    return t->capacity > 0 && id != 0 && t->ids[slot] == id
               ? (char *)t->values + slot * t->value_size
               : NULL;
}

static enum weft_err table_grow(struct weft_qif_table *t)
{
    struct weft_qif_table grown = {
        .value_size = t->value_size, .capacity = t->capacity == 0 ? 256 : t->capacity * 2};
    grown.ids = calloc(grown.capacity, sizeof(*grown.ids));
    grown.values = calloc(grown.capacity, grown.value_size);
    if (grown.ids == NULL || grown.values == NULL) {
        free(grown.ids);
        free(grown.values);
        return WEFT_ENOMEM;
    }
    for (uint32_t i = 0; t->values != NULL && i < t->capacity; i++) {
        if (t->ids[i] != 0) {
            uint32_t slot = slot_of(&grown, t->ids[i]);
            grown.ids[slot] = t->ids[i];
            memcpy((char *)grown.values + slot * t->value_size,
                (char *)t->values + i * t->value_size, t->value_size);
        }
    }
    free(t->ids);
    free(t->values);
    grown.count = t->count;
    *t = grown;
    return WEFT_OK;
}

static enum weft_err table_add(struct weft_qif_table *t, uint64_t id, const void *value,
    const char *what, struct weft_msg *msg)
{
    if (table_find(t, id) != NULL) {
        return weft_fail(
            msg, WEFT_EINVAL, "the id %llu of a %s stands twice", (unsigned long long)id, what);
    }
    if (t->count == WEFT_QIF_TABLE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d of %s", WEFT_QIF_TABLE_MAX, what);
    }
    if (4 * (t->count + 1) > 3 * t->capacity && table_grow(t) != WEFT_OK) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a %s", what);
    }
    weft_assert(t->values != NULL); /* There is room: it has grown. */
    uint32_t slot = slot_of(t, id);
    t->ids[slot] = id;
    memcpy((char *)t->values + slot * t->value_size, value, t->value_size);
    t->count++;
    return WEFT_OK;
}

/* FNV-1a; never 0. Two names of one hash only get a longer label. */
static uint64_t hash_of(struct weft_text name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.size; i++) {
        hash = (hash ^ (uint8_t)name.data[i]) * 0x100000001b3u;
    }
    return hash != 0 ? hash : 1;
}

static void table_free(struct weft_qif_table *t)
{
    free(t->ids);
    free(t->values);
}

const struct weft_qif_entry *weft_qif_entry_find(const struct weft_qif_table *table, uint64_t id)
{
    return table_find(table, id);
}

const struct weft_qif_component *weft_qif_component_find(
    const struct weft_qif_document *d, uint64_t id)
{
    return table_find(&d->components, id);
}

/* --- names of tags --------------------------------------------------------------------------- */

static bool ends_with(struct weft_text name, const char *tail, struct weft_text *ret_front)
{
    size_t size = strlen(tail);
    if (name.size <= size || memcmp(name.data + name.size - size, tail, size) != 0) {
        return false;
    }
    *ret_front = (struct weft_text){name.data, name.size - size};
    return true;
}

/* `ret_type`: what stands in front of "CharacteristicItem" and so on. */
static enum tag classify(struct weft_text name, struct weft_text *ret_type)
{
    static const struct {
        const char *tail;
        enum tag tag;
    } tails[] = {
        {"CharacteristicActual", ACTUAL},
        {"CharacteristicMeasurement", ACTUAL},
        {"CharacteristicDefinition", DEFINITION},
        {"CharacteristicItem", ITEM},
        {"CharacteristicNominal", NOMINAL},
    };
    size_t low = 0, high = sizeof(names) / sizeof(names[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = weft_text_compare(name, weft_text_of(names[middle].name));
        if (order == 0) {
            return names[middle].tag;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        if (ends_with(name, tails[i].tail, ret_type)) {
            return tails[i].tag;
        }
    }
    return OTHER;
}

static enum tag outer(const struct weft_qif_document *d, uint32_t levels)
{
    return d->depth > levels ? (enum tag)d->tags[d->depth - levels] : OTHER;
}

static bool is_within(const struct weft_qif_document *d, enum tag tag)
{
    for (uint32_t i = d->depth; i > 0; i--) {
        if (d->tags[i] == tag) {
            return true;
        }
    }
    return false;
}

/* --- start tags ------------------------------------------------------------------------------ */

static enum weft_err check_root(
    struct weft_qif_document *d, const struct weft_xml_tag *tag, struct weft_msg *msg)
{
    static const char *const spaces[] = {
        "http://qifstandards.org/xsd/qif2", "http://qifstandards.org/xsd/qif3"};
    struct weft_text version = weft_xml_attribute(tag, "versionQIF");
    size_t i = 0;
    while (i < 2 && !weft_text_is(tag->uri, spaces[i])) {
        i++;
    }
    if (!weft_text_is(tag->name, "QIFDocument") || i == 2) {
        return weft_fail(msg, WEFT_EINVAL, "the root is {%.*s}%.*s, not a QIFDocument of %s or %s",
            (int)tag->uri.size, tag->uri.data, (int)tag->name.size, tag->name.data, spaces[0],
            spaces[1]);
    }
    if (version.size < 4 || memcmp(version.data, i == 0 ? "2.1." : "3.0.", 4) != 0) {
        return weft_fail(msg, WEFT_EINVAL, "versionQIF is '%.*s'; 2.1 and 3.0 are read",
            (int)(version.size < 40 ? version.size : 40), version.data);
    }
    if (!d->is_second) {
        d->head.version = weft_arena_text(&d->arena, version);
    }
    return WEFT_OK;
}

static bool read_id(struct weft_text text, uint64_t *ret_id)
{
    uint64_t id = 0;
    text = weft_xml_trim(text);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == 18) {
            return false;
        }
        id = id * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret_id = id;
    return id > 0;
}

static enum weft_err required_id(
    const struct weft_xml_tag *tag, uint64_t *ret_id, struct weft_msg *msg)
{
    return read_id(weft_xml_attribute(tag, "id"), ret_id)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL, "has no id");
}

static void begin_result(struct weft_qif_document *d, uint64_t id)
{
    weft_arena_reset(&d->result_arena);
    d->result_number++;
    d->result = (struct weft_qif_result){
        .id = id, .line = weft_xml_line(d->xml), .column = weft_xml_column(d->xml)};
    d->has_result = false;
}

static enum weft_err begin(struct weft_qif_document *d, enum tag what,
    const struct weft_xml_tag *tag, struct weft_text type, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    if (what == DEFINITION || what == NOMINAL || what == ITEM) {
        err = required_id(tag, &d->open_id, msg);
        d->open = (struct weft_qif_entry){.next = 0};
        if (!d->is_second) {
            d->open.type = weft_arena_text(&d->arena, type);
        }
    } else if (what == ACTUAL_COMPONENT) {
        err = required_id(tag, &d->open_id, msg);
        d->open_component = (struct weft_qif_component){{NULL, 0}, {NULL, 0}};
    } else if (what == MEASUREMENT_RESULTS) {
        uint64_t id;
        err = required_id(tag, &id, msg);
        d->result_count += err == WEFT_OK && !d->is_second;
        begin_result(d, id);
    } else if (what == ACTUAL) {
        d->actual = (struct weft_qif_actual){.item = 0};
        if (d->is_second) {
            d->actual.type = weft_arena_text(&d->result_arena, type);
        }
    } else if (what == VALUE && outer(d, 1) == ACTUAL && d->is_second) {
        struct weft_text unit = weft_xml_attribute(tag, "linearUnit");
        unit = unit.size > 0 ? unit : weft_xml_attribute(tag, "angularUnit");
        d->actual.unit = weft_arena_text(&d->result_arena, unit);
    } else if (what == FEATURES) {
        d->head.has_features = true;
    } else if (what == STATISTICS) {
        d->head.has_statistics = true;
    }
    return err;
}

static enum weft_err on_start(
    void *ctx, const struct weft_xml_tag *tag, bool *ret_wants_text, struct weft_msg *msg)
{
    struct weft_qif_document *d = ctx;
    struct weft_text type = {NULL, 0};
    weft_assert(tag->depth == d->depth + 1 && tag->depth <= WEFT_XML_DEPTH_MAX);
    enum tag what = tag->depth == 1 ? ROOT : classify(tag->name, &type);
    enum weft_err err = tag->depth == 1 ? check_root(d, tag, msg) : WEFT_OK;
    d->tags[++d->depth] = (uint16_t)what;
    *ret_wants_text = what >= FIRST_TEXT;
    return err == WEFT_OK ? begin(d, what, tag, type, msg) : err;
}

/* --- end tags -------------------------------------------------------------------------------- */

/* The first one that is not empty stays. */
static void keep(struct weft_arena *arena, struct weft_text *where, struct weft_text text)
{
    text = weft_xml_trim(text);
    if (where->size == 0 && text.size > 0) {
        *where = weft_arena_text(arena, text);
    }
}

/* Leaves of what is said once. */
static void read_head(struct weft_qif_document *d, enum tag what, struct weft_text text)
{
    struct weft_qif_head *h = &d->head;
    enum tag up = outer(d, 1), upper = outer(d, 2);
    bool is_within_results = is_within(d, MEASUREMENT_RESULTS);
    if (what == QPID && up == ROOT) {
        keep(&d->arena, &h->qpid, text);
    } else if (what == UNIT_NAME && up == LINEAR_UNIT && upper == PRIMARY_UNITS) {
        keep(&d->arena, &h->linear_unit, text);
    } else if (what == UNIT_NAME && up == ANGULAR_UNIT && upper == PRIMARY_UNITS) {
        keep(&d->arena, &h->angular_unit, text);
    } else if (what == TIME_CREATED && up == VERSION && upper == ROOT) {
        keep(&d->arena, &h->created, text);
    } else if (what == REPORT_DATE && !is_within_results) {
        keep(&d->arena, &h->reported, text);
    } else if (what == NAME && up == INSPECTING_ORGANIZATION && !is_within_results) {
        keep(&d->arena, &h->organization, text);
    } else if (what == INSPECTION_MODE && !is_within_results) {
        keep(&d->arena, &h->mode, text);
    } else if (what == INSPECTION_SCOPE && !is_within_results) {
        keep(&d->arena, &h->scope, text);
    } else if (what == NAME && up == MEASUREMENT_DEVICE) {
        keep(&d->arena, &h->device, text);
    } else if (what == NAME && (up == PART || (up == HEADER && upper == PART))) {
        keep(&d->arena, &h->part, text);
    } else if (what == NAME && up == PRINTED_DRAWING) {
        keep(&d->arena, &h->drawing, text);
    }
}

/* Leaves of a definition, nominal, item or component. */
static void read_entry(struct weft_qif_document *d, enum tag what, struct weft_text text)
{
    enum tag up = outer(d, 1), upper = outer(d, 2);
    struct weft_qif_entry *e = &d->open;
    if (what == NAME && (up == DEFINITION || up == ITEM)) {
        keep(&d->arena, &e->name, text);
    } else if (what == MAX_VALUE && up == TOLERANCE && upper == DEFINITION) {
        keep(&d->arena, &e->max, text);
    } else if (what == MIN_VALUE && up == TOLERANCE && upper == DEFINITION) {
        keep(&d->arena, &e->min, text);
    } else if (what == AS_LIMIT && up == TOLERANCE && upper == DEFINITION) {
        keep(&d->arena, &e->as_limit, text);
    } else if (what == TOLERANCE_VALUE && up == DEFINITION) {
        keep(&d->arena, &e->tolerance, text);
    } else if (what == TARGET && up == NOMINAL) {
        keep(&d->arena, &e->target, text);
    } else if ((what == DEFINITION_ID && up == NOMINAL) || (what == NOMINAL_ID && up == ITEM)) {
        (void)read_id(text, &e->next); /* One that is none leaves 0: nothing is found there. */
    } else if (what == SERIAL && up == ACTUAL_COMPONENT) {
        keep(&d->arena, &d->open_component.serial, text);
    } else if (what == INSPECTION_STATUS_ENUM && up == STATUS && upper == ACTUAL_COMPONENT) {
        keep(&d->arena, &d->open_component.status, text);
    }
}

static enum weft_err end_entry(struct weft_qif_document *d, enum tag what, struct weft_msg *msg)
{
    if (what == DEFINITION) {
        return table_add(&d->definitions, d->open_id, &d->open, "characteristic definition", msg);
    }
    if (what == NOMINAL) {
        return table_add(&d->nominals, d->open_id, &d->open, "characteristic nominal", msg);
    }
    if (what == ITEM) {
        uint64_t hash = hash_of(d->open.name);
        const char is_there = 1;
        d->open.is_namesake = table_find(&d->names, hash) != NULL;
        if (!d->open.is_namesake) {
            enum weft_err err = table_add(&d->names, hash, &is_there, "name", msg);
            if (err != WEFT_OK) {
                return err;
            }
        }
        return table_add(&d->items, d->open_id, &d->open, "characteristic item", msg);
    }
    if (what == ACTUAL_COMPONENT) {
        return table_add(&d->components, d->open_id, &d->open_component, "component", msg);
    }
    return WEFT_OK;
}

/* One item may be measured at several features: four holes of one diameter. */
static void count_repeat(struct weft_qif_document *d)
{
    struct weft_qif_entry *item = table_find(&d->items, d->actual.item);
    d->actual.repeat = 1;
    if (item != NULL) {
        item->seen = item->seen_in == d->result_number ? item->seen + 1 : 1;
        item->seen_in = d->result_number;
        d->actual.repeat = item->seen;
    }
}

static enum weft_err add_actual(struct weft_qif_document *d, struct weft_msg *msg)
{
    struct weft_qif_result *r = &d->result;
    if (r->actual_count == WEFT_QIF_ACTUALS_MAX) {
        return weft_fail(
            msg, WEFT_ETOOBIG, "more than %d characteristics in one result", WEFT_QIF_ACTUALS_MAX);
    }
    if (r->actual_count == r->actual_capacity) {
        uint32_t capacity = r->actual_capacity == 0 ? 64 : r->actual_capacity * 2;
        struct weft_qif_actual *grown =
            weft_arena_array(&d->result_arena, capacity, sizeof(*grown));
        if (grown == NULL) {
            return weft_fail(
                msg, WEFT_ETOOBIG, "a result takes more than %d bytes", WEFT_QIF_RESULT_SIZE_MAX);
        }
        if (r->actual_count > 0) {
            memcpy(grown, r->actuals, r->actual_count * sizeof(*grown));
        }
        r->actuals = grown;
        r->actual_capacity = capacity;
    }
    count_repeat(d);
    r->actuals[r->actual_count++] = d->actual;
    return WEFT_OK;
}

static enum weft_err read_result(
    struct weft_qif_document *d, enum tag what, struct weft_text text, struct weft_msg *msg)
{
    struct weft_qif_result *r = &d->result;
    enum tag up = outer(d, 1), upper = outer(d, 2);
    if (what == VALUE && up == ACTUAL) {
        keep(&d->result_arena, &d->actual.value, text);
    } else if (what == CHARACTERISTIC_STATUS && up == STATUS && upper == ACTUAL) {
        keep(&d->result_arena, &d->actual.status, text);
    } else if (what == ITEM_ID && up == ACTUAL) {
        (void)read_id(text, &d->actual.item);
    } else if (what == ACTUAL) {
        return add_actual(d, msg);
    } else if (what == INSPECTION_STATUS_ENUM && up == INSPECTION_STATUS &&
               upper == MEASUREMENT_RESULTS) {
        keep(&d->result_arena, &r->status, text);
    } else if (what == INSPECTION_START) {
        keep(&d->result_arena, &r->start, text);
    } else if (what == INSPECTION_END) {
        keep(&d->result_arena, &r->end, text);
    } else if (what == URI && up == EXTERNAL_FILE) {
        keep(&d->result_arena, &r->uri, text);
    } else if (what == ID && up == ACTUAL_COMPONENT_IDS) {
        if (r->component_count == WEFT_QIF_RESULT_IDS_MAX) {
            return weft_fail(msg, WEFT_ETOOBIG, "more than %d components in one result",
                WEFT_QIF_RESULT_IDS_MAX);
        }
        if (!read_id(text, &r->components[r->component_count++])) {
            return weft_fail(msg, WEFT_EINVAL, "is not an id");
        }
    } else if (what == MEASUREMENT_RESULTS) {
        d->has_result = true;
        weft_xml_pause(d->xml);
    }
    return WEFT_OK;
}

static enum weft_err on_end(
    void *ctx, struct weft_text name, struct weft_text text, struct weft_msg *msg)
{
    struct weft_qif_document *d = ctx;
    enum tag what = outer(d, 0);
    enum weft_err err = WEFT_OK;
    (void)name;
    if (d->is_second && is_within(d, MEASUREMENT_RESULTS)) {
        err = read_result(d, what, text, msg);
    } else if (!d->is_second && what != OTHER) {
        read_head(d, what, text);
        read_entry(d, what, text);
        err = end_entry(d, what, msg);
        if (err == WEFT_OK && d->arena.used_bytes > WEFT_QIF_TABLES_SIZE_MAX - 64 * 1024) {
            err = weft_fail(msg, WEFT_ETOOBIG,
                "its characteristics and components take more "
                "than %d bytes",
                WEFT_QIF_TABLES_SIZE_MAX);
        }
    }
    d->depth--;
    return err;
}

/* --- life ------------------------------------------------------------------------------------ */

void weft_qif_document_init(struct weft_qif_document *d)
{
    *d = (struct weft_qif_document){.arena = {.size_max = WEFT_QIF_TABLES_SIZE_MAX},
        .result_arena = {.size_max = WEFT_QIF_RESULT_SIZE_MAX}};
    d->definitions.value_size = d->nominals.value_size = d->items.value_size =
        sizeof(struct weft_qif_entry);
    d->components.value_size = sizeof(struct weft_qif_component);
    d->names.value_size = 1;
}

void weft_qif_document_destroy(struct weft_qif_document *d)
{
    weft_arena_destroy(&d->arena);
    weft_arena_destroy(&d->result_arena);
    table_free(&d->definitions);
    table_free(&d->nominals);
    table_free(&d->items);
    table_free(&d->components);
    table_free(&d->names);
}

void weft_qif_document_again(struct weft_qif_document *d)
{
    d->is_second = true;
    d->depth = 0;
    d->has_result = false;
}

struct weft_xml_handler weft_qif_document_handler(struct weft_qif_document *d)
{
    return (struct weft_xml_handler){.ctx = d, .on_start = on_start, .on_end = on_end};
}
