#include "ops/import/qif_record.h"

#include <inttypes.h>
#include <stdio.h>

#include "ops/import/decimal.h"
#include "ops/import/fieldset.h"
#include "proto/limits.h"
#include "proto/time.h"

/* --- units ----------------------------------------------------------------------------------- */

/* As documents name them, and as UCUM does. */
static const struct {
    const char *name, *ucum;
} units[] = {
    {"mm", "mm"},
    {"millimeter", "mm"},
    {"cm", "cm"},
    {"m", "m"},
    {"meter", "m"},
    {"um", "um"},
    {"micrometer", "um"},
    {"micron", "um"},
    {"in", "[in_i]"},
    {"inch", "[in_i]"},
    {"ft", "[ft_i]"},
    {"foot", "[ft_i]"},
    {"degree", "deg"},
    {"deg", "deg"},
    {"rad", "rad"},
    {"radian", "rad"},
};

/* A unit without a UCUM name is kept as it is called. */
static struct weft_text ucum_of(struct weft_text name)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (weft_text_is(name, units[i].name)) {
            return weft_text_of(units[i].ucum);
        }
    }
    return name;
}

enum dimension {
    NONE,
    LINEAR,
    ANGULAR
};

/* What the standard measures in lengths and angles. A user's own characteristic, and any that
 * is not known here, has no unit but the one that stands at its value. */
static enum dimension dimension_of(struct weft_text type)
{
    static const char *const linear[] = {"Circularity", "CircularRunout", "Coaxiality",
        "Concentricity", "Cylindricity", "Chord", "Depth", "Diameter", "Distance",
        "DistanceBetween", "DistanceFrom", "DistanceWith", "Flatness", "Height", "Length",
        "LineProfile", "LinearCoordinate", "OtherForm", "Parallelism", "Perpendicularity",
        "Angularity", "PointProfile", "Position", "Radius", "SphericalDiameter", "SphericalRadius",
        "Sphericity", "Straightness", "SurfaceProfile", "SurfaceProfileNonUniform", "Symmetry",
        "Thickness", "TotalRunout", "Width"};
    static const char *const angular[] = {
        "Angle", "AngleBetween", "AngleFrom", "AngularCoordinate"};
    for (size_t i = 0; i < sizeof(linear) / sizeof(linear[0]); i++) {
        if (weft_text_is(type, linear[i])) {
            return LINEAR;
        }
    }
    for (size_t i = 0; i < sizeof(angular) / sizeof(angular[0]); i++) {
        if (weft_text_is(type, angular[i])) {
            return ANGULAR;
        }
    }
    return NONE;
}

static struct weft_text unit_of(
    const struct weft_qif_maker *m, const struct weft_qif_actual *actual)
{
    const struct weft_qif_head *head = &m->document->head;
    enum dimension dimension = dimension_of(actual->type);
    if (actual->unit.size > 0) {
        return ucum_of(actual->unit);
    }
    if (dimension == LINEAR) {
        return head->linear_unit.size > 0 ? ucum_of(head->linear_unit) : m->map->linear_unit;
    }
    if (dimension == ANGULAR) {
        return head->angular_unit.size > 0 ? ucum_of(head->angular_unit) : m->map->angular_unit;
    }
    return (struct weft_text){NULL, 0};
}

/* --- characteristics ------------------------------------------------------------------------- */

/* An absolute limit: as written, or the nominal and what is written. */
static void add_limit(struct weft_fieldset *f, struct weft_text path, const char *name,
    const char *offset_name, struct weft_text limit, bool is_absolute, struct weft_text nominal)
{
    char sum[WEFT_DECIMAL_SIZE];
    if (limit.size == 0) {
        return;
    }
    if (!is_absolute && weft_decimal_add(nominal, limit, sum) == WEFT_OK) {
        weft_fieldset_add(f, path, name, weft_text_of(sum), weft_decimal_type(weft_text_of(sum)));
    } else {
        weft_fieldset_add(
            f, path, is_absolute ? name : offset_name, limit, weft_decimal_type(limit));
    }
}

/* "characteristics/<name>", for the second measurement of the same item "<name>#2". An item
 * without a name, or with that of another, is told by its id. */
static struct weft_text path_of(struct weft_fieldset *f, const struct weft_qif_actual *actual,
    const struct weft_qif_entry *item)
{
    struct weft_text prefix =
        weft_fieldset_below(f, (struct weft_text){NULL, 0}, WEFT_TEXT("characteristics"));
    char label[WEFT_PATH_SIZE_MAX], number[24] = "";
    struct weft_text name = item != NULL ? item->name : (struct weft_text){NULL, 0};
    int size = (int)(name.size < 160 ? name.size : 160);
    if (actual->repeat > 1) {
        (void)snprintf(number, sizeof(number), "#%" PRIu32, actual->repeat);
    }
    if (size == 0) {
        (void)snprintf(label, sizeof(label), "item %" PRIu64 "%s", actual->item, number);
    } else if (item->is_namesake || (size_t)size < name.size) {
        size = (int)weft_text_utf8_prefix((struct weft_text){name.data, (size_t)size});
        (void)snprintf(label, sizeof(label), "%.*s (item %" PRIu64 ")%s", size, name.data,
            actual->item, number);
    } else {
        (void)snprintf(label, sizeof(label), "%.*s%s", size, name.data, number);
    }
    return weft_fieldset_below(f, prefix, weft_text_of(label));
}

static void add_characteristic(
    const struct weft_qif_maker *m, struct weft_fieldset *f, uint32_t place)
{
    const struct weft_qif_document *d = m->document;
    const struct weft_qif_actual *actual = &d->result.actuals[place];
    const struct weft_qif_entry *item = weft_qif_entry_find(&d->items, actual->item);
    const struct weft_qif_entry *nominal =
        item != NULL ? weft_qif_entry_find(&d->nominals, item->next) : NULL;
    const struct weft_qif_entry *definition =
        nominal != NULL ? weft_qif_entry_find(&d->definitions, nominal->next) : NULL;
    struct weft_text path = path_of(f, actual, item);
    struct weft_text target = nominal != NULL ? nominal->target : (struct weft_text){NULL, 0};
    weft_fieldset_add(f, path, "value", actual->value, weft_decimal_type(actual->value));
    weft_fieldset_add(f, path, "unit", unit_of(m, actual), WEFT_VALUE_TEXT);
    weft_fieldset_add(f, path, "nominal", target, weft_decimal_type(target));
    if (definition != NULL) {
        bool is_absolute =
            weft_text_is(definition->as_limit, "true") || weft_text_is(definition->as_limit, "1");
        add_limit(f, path, "min", "minus", definition->min, is_absolute, target);
        add_limit(f, path, "max", "plus", definition->max, is_absolute, target);
        weft_fieldset_add(
            f, path, "tolerance", definition->tolerance, weft_decimal_type(definition->tolerance));
    }
    weft_fieldset_add(f, path, "status", actual->status, WEFT_VALUE_TEXT);
    weft_fieldset_add(f, path, "type", actual->type, WEFT_VALUE_TEXT);
}

static void add_characteristics(
    const struct weft_qif_maker *m, struct weft_fieldset *f, uint32_t first)
{
    uint32_t end = m->document->result.actual_count;
    end = end - first > WEFT_QIF_CHARACTERISTICS_MAX ? first + WEFT_QIF_CHARACTERISTICS_MAX : end;
    for (uint32_t i = first; i < end; i++) {
        add_characteristic(m, f, i);
    }
}

/* --- who is it ------------------------------------------------------------------------------- */

struct unit {
    struct weft_text asset, part;
    struct weft_text serial;
    struct weft_text number;
    bool has_serial, is_matched, is_inferred;
};

static struct weft_text part_name(const struct weft_qif_maker *m)
{
    const struct weft_qif_head *head = &m->document->head;
    struct weft_text given = head->part.size > 0      ? head->part
                             : head->drawing.size > 0 ? head->drawing
                                                      : WEFT_TEXT("unnamed");
    return weft_map_part(m->map, given);
}

/* A unit without a serial number is told by its document and the component's id, in a name that
 * no range of numbers covers. */
static enum weft_err name_unserialized(
    const struct weft_qif_maker *m, uint64_t component, struct weft_captures *captures)
{
    char text[WEFT_ASSET_SIZE_MAX];
    const struct weft_qif_head *head = &m->document->head;
    struct weft_text of = head->qpid.size > 0 && head->qpid.size < 100 ? head->qpid : m->name;
    int size = snprintf(text, sizeof(text), "no-serial/%.*s/component-%" PRIu64,
        (int)(of.size < 150 ? of.size : 150), of.data != NULL ? of.data : "", component);
    struct weft_text name =
        weft_arena_text(m->arena, (struct weft_text){text, size > 0 ? (size_t)size : 0});
    weft_capture_add(captures, "number", name);
    return name.data != NULL ? WEFT_OK : WEFT_ENOMEM;
}

static enum weft_err identify(const struct weft_qif_maker *m, uint64_t component_id,
    struct unit *ret_unit, struct weft_msg *msg)
{
    const struct weft_qif_component *component = weft_qif_component_find(m->document, component_id);
    struct weft_captures captures = {.count = 0};
    struct unit unit = {.part = part_name(m)};
    enum weft_err err = WEFT_OK;
    unit.serial = component != NULL ? component->serial : (struct weft_text){NULL, 0};
    unit.has_serial = unit.serial.size > 0;
    weft_capture_add(&captures, "part", unit.part);
    if (!unit.has_serial) {
        err = name_unserialized(m, component_id, &captures);
    } else {
        weft_capture_add(&captures, "number", unit.serial);
        unit.is_matched =
            m->map->serial.size > 0 && weft_pattern_fits(m->map->serial, unit.serial, &captures);
        unit.number = weft_captured(&captures, "number");
        unit.is_inferred = unit.is_matched && !weft_text_equal(unit.number, unit.serial);
    }
    if (err == WEFT_OK) {
        err = weft_pattern_fill(m->map->unit_asset, &captures, m->arena, &unit.asset, msg);
    }
    *ret_unit = unit;
    return err;
}

static void add_identity(
    const struct weft_qif_maker *m, struct weft_fieldset *f, const struct unit *unit)
{
    const struct weft_qif_head *head = &m->document->head;
    struct weft_text given_part = head->part.size > 0 ? head->part : head->drawing;
    weft_fieldset_text(f, "identity/serial", unit->serial);
    weft_fieldset_text(f, "identity/part", given_part);
    if (!unit->has_serial) {
        weft_fieldset_bool(f, "identity/serial_missing", true);
        weft_fieldset_text(f, "identity/note",
            WEFT_TEXT("the document gives no serial number for this unit; "
                      "which unit it is was not guessed"));
        weft_fieldset_text(f, "identity/results_file", m->document->result.uri);
        return;
    }
    weft_fieldset_bool(
        f, "identity/inferred", unit->is_inferred || !weft_text_equal(given_part, unit->part));
    if (m->map->serial.size > 0) {
        weft_fieldset_text(f, "identity/rule", m->map->serial);
        weft_fieldset_bool(f, "identity/rule_fits", unit->is_matched);
    }
    if (unit->is_inferred) {
        weft_fieldset_text(f, "identity/note",
            WEFT_TEXT("matched by the number within the serial, as the import's map says"));
    }
}

/* --- when and who ---------------------------------------------------------------------------- */

/* A time of the document, which may lack its zone. False: it is none. */
static bool read_time(
    const struct weft_qif_maker *m, struct weft_text text, int64_t *ret_ns, bool *ret_assumed)
{
    char zoned[96];
    *ret_assumed = false;
    if (text.size == 0 || text.size > 40) {
        return false;
    }
    if (weft_time_parse(text, ret_ns, NULL) == WEFT_OK) {
        return true;
    }
    (void)snprintf(zoned, sizeof(zoned), "%.*s%.*s", (int)text.size, text.data,
        (int)m->map->zone.size, m->map->zone.data);
    *ret_assumed = true;
    return weft_time_parse(weft_text_of(zoned), ret_ns, NULL) == WEFT_OK;
}

static void add_time(
    const struct weft_qif_maker *m, struct weft_fieldset *f, struct weft_record *record)
{
    const struct weft_qif_document *d = m->document;
    const struct {
        struct weft_text text;
        const char *from;
    } times[] = {
        {d->result.end, "InspectionEnd"},
        {d->result.start, "InspectionStart"},
        {d->head.reported, "ReportPreparationDate"},
        {d->head.created, "TimeCreated"},
    };
    bool is_assumed = false;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]) && !record->has_at; i++) {
        record->has_at = read_time(m, times[i].text, &record->at_ns, &is_assumed);
        if (record->has_at) {
            weft_fieldset_text(f, "time/from", weft_text_of(times[i].from));
            weft_fieldset_text(f, "time/given", times[i].text);
        }
    }
    if (!record->has_at && weft_map_time(m->map, m->name, &record->at_ns)) {
        record->has_at = is_assumed = true;
        weft_fieldset_text(f, "time/from", WEFT_TEXT("the document's name"));
        weft_fieldset_text(f, "time/given", m->name);
    }
    if (!record->has_at) {
        weft_fieldset_text(f, "time/from", WEFT_TEXT("nothing: the time of the import"));
    } else if (is_assumed) {
        weft_fieldset_text(f, "time/zone_assumed", m->map->zone);
    }
}

/* InspectionStatusEnum in the words of the thread; what has none there has no verdict. */
static struct weft_text verdict_of(struct weft_text status)
{
    static const struct {
        const char *status, *verdict;
    } verdicts[] = {{"PASS", "PASS"}, {"FAIL", "FAIL"}, {"REWORK", "CONDITIONAL"}};
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        if (weft_text_is(status, verdicts[i].status)) {
            return weft_text_of(verdicts[i].verdict);
        }
    }
    return (struct weft_text){NULL, 0};
}

static void add_document(const struct weft_qif_maker *m, struct weft_fieldset *f)
{
    const struct weft_qif_head *head = &m->document->head;
    weft_fieldset_text(f, "organization",
        m->map->organization.size > 0 ? m->map->organization : head->organization);
    weft_fieldset_text(f, "inspection", m->map->inspection);
    weft_fieldset_text(f, "device", head->device);
    weft_fieldset_text(f, "qif/version", head->version);
    weft_fieldset_text(f, "qif/document", head->qpid);
    weft_fieldset_count(f, "qif/result", m->document->result.id);
    weft_fieldset_text(f, "qif/inspection_mode", head->mode);
    weft_fieldset_text(f, "qif/inspection_scope", head->scope);
    if (m->map->organization.size > 0) {
        weft_fieldset_text(f, "qif/inspecting_organization", head->organization);
    }
    if (head->linear_unit.size == 0 && m->map->linear_unit.size > 0) {
        weft_fieldset_text(f, "units_assumed", WEFT_TEXT("the document gives none"));
    }
}

/* --- records --------------------------------------------------------------------------------- */

static enum weft_err finish(const struct weft_qif_maker *m, struct weft_fieldset *f,
    const struct unit *unit, struct weft_record *record, struct weft_msg *msg)
{
    char pointer[256], number[32];
    struct weft_link *link = weft_arena_alloc(m->arena, sizeof(*link));
    struct weft_captures captures = {.count = 0};
    weft_capture_add(&captures, "part", unit->part);
    if (f->err != WEFT_OK || link == NULL) {
        return weft_fail(msg, f->err != WEFT_OK ? f->err : WEFT_ENOMEM,
            "a result cannot be made a record: too many or too long fields");
    }
    link->rel = WEFT_TEXT("instance_of");
    enum weft_err err = weft_pattern_fill(m->map->part_asset, &captures, m->arena, &link->to, msg);
    if (err != WEFT_OK) {
        return err;
    }
    (void)snprintf(number, sizeof(number), "%" PRIu64, m->document->result.id);
    record->asset = unit->asset;
    record->source = weft_import_source(m->arena, "qif", m->name, number);
    record->fields = f->list;
    record->field_count = f->count;
    record->links = link;
    record->link_count = 1;
    err = weft_record_check(record, pointer, msg);
    return err == WEFT_OK ? err : weft_wrap(msg, err, "%s", pointer);
}

/* The inspection itself: what is said of the result and its first characteristics. */
static enum weft_err make_inspection(const struct weft_qif_maker *m, const struct unit *unit,
    struct weft_text status, struct weft_record *ret_record, struct weft_msg *msg)
{
    struct weft_fieldset f = {.arena = m->arena};
    struct weft_record record = {.kind = WEFT_TEXT("inspection")};
    const struct weft_qif_result *r = &m->document->result;
    weft_fieldset_text(&f, "verdict", verdict_of(status));
    weft_fieldset_text(&f, "qif/status", status);
    add_document(m, &f);
    add_identity(m, &f, unit);
    add_time(m, &f, &record);
    weft_fieldset_count(&f, "characteristic_count", r->actual_count);
    add_characteristics(m, &f, 0);
    enum weft_err err = finish(m, &f, unit, &record, msg);
    *ret_record = record;
    return err;
}

/* Its further characteristics. */
static enum weft_err make_continuation(const struct weft_qif_maker *m, const struct unit *unit,
    uint32_t first, struct weft_record *ret_record, struct weft_msg *msg)
{
    struct weft_fieldset f = {.arena = m->arena};
    struct weft_record record = {.kind = WEFT_TEXT("inspection.characteristics")};
    weft_fieldset_text(&f, "qif/document", m->document->head.qpid);
    weft_fieldset_count(&f, "qif/result", m->document->result.id);
    weft_fieldset_count(&f, "first", first);
    add_time(m, &f, &record);
    add_characteristics(m, &f, first);
    enum weft_err err = finish(m, &f, unit, &record, msg);
    *ret_record = record;
    return err;
}

/* A further component of the same result: it has a verdict of its own, and no measurements. */
static enum weft_err make_further(const struct weft_qif_maker *m, uint64_t component_id,
    const struct unit *first, struct weft_record *ret_record, struct weft_msg *msg)
{
    const struct weft_qif_component *component = weft_qif_component_find(m->document, component_id);
    struct weft_fieldset f = {.arena = m->arena};
    struct weft_record record = {.kind = WEFT_TEXT("inspection")};
    struct unit unit;
    enum weft_err err = identify(m, component_id, &unit, msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text status = component != NULL ? component->status : (struct weft_text){NULL, 0};
    weft_fieldset_text(&f, "verdict", verdict_of(status));
    weft_fieldset_text(&f, "qif/status", status);
    add_document(m, &f);
    add_identity(m, &f, &unit);
    add_time(m, &f, &record);
    weft_fieldset_text(&f, "shares_result_with", first->asset);
    err = finish(m, &f, &unit, &record, msg);
    *ret_record = record;
    return err;
}

enum weft_err weft_qif_records(const struct weft_qif_maker *m, struct weft_record **ret_records,
    uint32_t *ret_count, struct weft_msg *msg)
{
    const struct weft_qif_result *r = &m->document->result;
    uint64_t first_id = r->component_count > 0 ? r->components[0] : 0;
    const struct weft_qif_component *first = weft_qif_component_find(m->document, first_id);
    /* With several components the result's status is that of all of them together. */
    struct weft_text status = r->component_count > 1 && first != NULL && first->status.size > 0
                                  ? first->status
                              : r->status.size > 0 || first == NULL ? r->status
                                                                    : first->status;
    uint32_t more = r->actual_count > WEFT_QIF_CHARACTERISTICS_MAX
                        ? (r->actual_count - 1) / WEFT_QIF_CHARACTERISTICS_MAX
                        : 0;
    uint32_t further = r->component_count > 1 ? r->component_count - 1 : 0, count = 0;
    struct weft_record *records =
        weft_arena_array(m->arena, 1 + (size_t)more + further, sizeof(*records));
    struct unit unit = {.is_matched = false};
    if (records == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for records");
    }
    enum weft_err err = identify(m, first_id != 0 ? first_id : r->id, &unit, msg);
    if (err == WEFT_OK) {
        err = make_inspection(m, &unit, status, &records[count++], msg);
    }
    for (uint32_t i = 0; i < further && err == WEFT_OK; i++) {
        err = make_further(m, r->components[i + 1], &unit, &records[count++], msg);
    }
    for (uint32_t i = 0; i < more && err == WEFT_OK; i++) {
        uint32_t at = (i + 1) * WEFT_QIF_CHARACTERISTICS_MAX;
        err = make_continuation(m, &unit, at, &records[count++], msg);
    }
    *ret_records = records;
    *ret_count = count;
    return err;
}
