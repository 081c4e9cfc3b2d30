#include "node/state/portrait_sheet.h"

/* --- what an asset is ------------------------------------------------------------------------ */

void weft_sheet_moment(struct weft_sheet *s, const struct weft_moment *moment)
{
    weft_sheet_time(s, "at", moment->at_ns);
    weft_sheet_unsigned(s, "rev", moment->index);
}

static void put_since(struct weft_sheet *s, const struct weft_moment *since)
{
    weft_sheet_unsigned(s, "since_index", since->index);
    weft_sheet_time(s, "since", since->at_ns);
}

void weft_portrait_sheet_head(const struct weft_portrait *p, struct weft_sheet *s)
{
    bool is_told[WEFT_ISSUE_KINDS] = {false};
    weft_sheet_open(s, "health", '{');
    weft_sheet_text(s, "status", weft_text_of(weft_health_name(p->health)));
    weft_sheet_open(s, "reasons", '[');
    for (uint32_t i = 0; i < p->issue_count; i++) {
        const struct weft_issue *issue = &p->issues[i];
        if (!is_told[issue->kind]) {
            is_told[issue->kind] = true;
            weft_sheet_text(s, NULL, weft_text_of(weft_issue_kind_name(issue->kind)));
        }
    }
    weft_sheet_close(s);
    weft_sheet_close(s);
    if (p->part.type.size > 0) {
        weft_sheet_open(s, "part", '{');
        weft_sheet_text(s, "type", p->part.type);
        weft_sheet_maybe(s, "revision", p->revision);
        if (p->revision.size > 0) {
            weft_sheet_bool(s, "is_assumed", p->is_assumed);
        }
        weft_sheet_close(s);
    }
    if (p->unit.lot_count > 0) {
        weft_sheet_open(s, "lots", '[');
        for (uint32_t i = 0; i < p->unit.lot_count; i++) {
            weft_sheet_text(s, NULL, p->unit.lots[i]);
        }
        weft_sheet_close(s);
    }
    if (p->unit.is_built) {
        weft_sheet_open(s, "built", '{');
        weft_sheet_moment(s, &p->unit.built);
        weft_sheet_close(s);
    }
    if (p->retirement != NULL) {
        struct weft_moment moment = weft_moment_of(p->retirement);
        weft_sheet_open(s, "retired", '{');
        weft_sheet_moment(s, &moment);
        weft_sheet_close(s);
    }
}

/* --- values ---------------------------------------------------------------------------------- */

/* "flatness" of "flatness/value": a value and its unit stand or fall together. */
static struct weft_text root_of(struct weft_text path)
{
    const char *slash = path.size > 0 ? memchr(path.data, '/', path.size) : NULL;
    return (struct weft_text){path.data, slash != NULL ? (size_t)(slash - path.data) : path.size};
}

/* A value counts if no newer record states the same. Fields of one root stand together in a
 * record as a rule: the answer of the one before is tried first. */
static bool is_effective(const struct weft_portrait *p, uint32_t record, struct weft_text root)
{
    for (uint32_t i = 0; i < record; i++) {
        const struct weft_record *newer = &p->newest[i]->record;
        for (uint32_t f = 0; f < newer->field_count; f++) {
            if (weft_text_equal(root_of(newer->fields[f].path), root)) {
                return false;
            }
        }
    }
    return true;
}

static void put_source(struct weft_sheet *s, const struct weft_stored_record *stored)
{
    struct weft_moment moment = weft_moment_of(stored);
    weft_sheet_moment(s, &moment);
    weft_sheet_text(s, "author", stored->record.author);
    weft_sheet_text(s, "source", stored->record.source);
}

void weft_portrait_sheet_values(const struct weft_portrait *p, struct weft_sheet *s)
{
    weft_sheet_open(s, "values", '[');
    for (uint32_t i = 0; i < p->newest_count; i++) {
        const struct weft_record *record = &p->newest[i]->record;
        struct weft_text root = {NULL, 0};
        bool is_told = false;
        for (uint32_t f = 0; f < record->field_count; f++) {
            const struct weft_field *field = &record->fields[f];
            if (f == 0 || !weft_text_equal(root_of(field->path), root)) {
                root = root_of(field->path);
                is_told = is_effective(p, i, root);
            }
            if (is_told) {
                weft_sheet_open(s, NULL, '{');
                weft_sheet_text(s, "path", field->path);
                weft_sheet_field(s, "value", field->type, field->value);
                weft_sheet_text(s, "kind", record->kind);
                put_source(s, p->newest[i]);
                weft_sheet_close(s);
            }
        }
    }
    weft_sheet_close(s);
    weft_sheet_open(s, "links", '[');
    for (uint32_t i = 0; i < p->newest_count; i++) {
        const struct weft_record *record = &p->newest[i]->record;
        for (uint32_t l = 0; l < record->link_count; l++) {
            weft_sheet_open(s, NULL, '{');
            weft_sheet_text(s, "rel", record->links[l].rel);
            weft_sheet_text(s, "to", record->links[l].to);
            weft_sheet_text(s, "kind", record->kind);
            put_source(s, p->newest[i]);
            weft_sheet_close(s);
        }
    }
    weft_sheet_close(s);
}

/* --- properties ------------------------------------------------------------------------------ */

static void put_property(struct weft_sheet *s, const struct weft_property *property)
{
    weft_sheet_text(s, "name", property->name);
    weft_sheet_field(s, "value", property->value->type, property->value->value);
    weft_sheet_maybe(s, "unit", property->unit);
    weft_sheet_maybe(s, "quality", property->quality);
    put_source(s, property->stored);
}

static void put_wish(
    const struct weft_portrait *p, struct weft_sheet *s, const struct weft_property *wish)
{
    const struct weft_property *is = weft_properties_find(&p->reported, wish->name);
    double wanted, found, age_s, freshness_s;
    weft_sheet_open(s, NULL, '{');
    put_property(s, wish);
    if (wish->tolerance.size > 0 && weft_fact_number(wish->tolerance, &wanted)) {
        weft_sheet_real(s, "tolerance", wanted);
    }
    weft_sheet_bool(s, "is_met", is != NULL && weft_property_equal(wish, is));
    if (is != NULL) {
        (void)weft_portrait_freshness(p, is, &age_s, &freshness_s);
        weft_sheet_field(s, "reported", is->value->type, is->value->value);
        weft_sheet_real(s, "reported_age_s", age_s);
        if (weft_text_equal(is->unit, wish->unit) &&
            weft_fact_number(wish->value->value, &wanted) &&
            weft_fact_number(is->value->value, &found)) {
            weft_sheet_real(s, "difference", found - wanted);
        }
    }
    weft_sheet_close(s);
}

void weft_portrait_sheet_properties(const struct weft_portrait *p, struct weft_sheet *s)
{
    weft_sheet_open(s, "properties", '{');
    weft_sheet_open(s, "reported", '[');
    for (uint32_t i = 0; i < p->reported.count; i++) {
        double age_s, freshness_s;
        const struct weft_property *property = &p->reported.items[i];
        bool has_policy = weft_portrait_freshness(p, property, &age_s, &freshness_s);
        weft_sheet_open(s, NULL, '{');
        put_property(s, property);
        weft_sheet_real(s, "age_s", age_s);
        if (has_policy) {
            weft_sheet_real(s, "freshness_s", freshness_s);
            weft_sheet_bool(s, "is_stale", age_s > freshness_s);
        }
        weft_sheet_close(s);
    }
    weft_sheet_close(s);
    weft_sheet_open(s, "desired", '[');
    for (uint32_t i = 0; i < p->desired.count; i++) {
        put_wish(p, s, &p->desired.items[i]);
    }
    weft_sheet_close(s);
    weft_sheet_bool(s, "is_complete", !p->reported.is_full && !p->desired.is_full);
    weft_sheet_close(s);
}

/* --- configuration --------------------------------------------------------------------------- */

/* A number is written as the number that it is in the record. */
static void put_quantity(struct weft_sheet *s, struct weft_text quantity, struct weft_text unit)
{
    double number;
    if (quantity.size > 0 && weft_fact_number(quantity, &number)) {
        weft_sheet_real(s, "quantity", number);
    } else {
        weft_sheet_maybe(s, "quantity", quantity);
    }
    weft_sheet_maybe(s, "unit", unit);
}

/* `designators` is a text or an array of texts. */
static void put_designators(struct weft_sheet *s, const struct weft_link *link)
{
    static const char name[] = "designators";
    weft_sheet_open(s, name, '[');
    for (uint32_t i = 0; i < link->field_count; i++) {
        struct weft_text path = link->fields[i].path;
        bool is_one = path.size >= sizeof(name) - 1 &&
                      memcmp(path.data, name, sizeof(name) - 1) == 0 &&
                      (path.size == sizeof(name) - 1 || path.data[sizeof(name) - 1] == '/');
        if (is_one && link->fields[i].type == WEFT_VALUE_TEXT) {
            weft_sheet_text(s, NULL, link->fields[i].value);
        }
    }
    weft_sheet_close(s);
}

void weft_sheet_line(struct weft_sheet *s, const struct weft_bom *bom, uint32_t n)
{
    const struct weft_bom_line *line = &bom->lines[n];
    weft_sheet_open(s, NULL, '{');
    weft_sheet_maybe(s, "find", line->find);
    weft_sheet_text(s, "part", line->part.type);
    weft_sheet_maybe(s, "revision", line->part.revision);
    put_quantity(s, line->quantity.size > 0 ? line->quantity : WEFT_TEXT("1"), line->unit);
    put_designators(s, line->link);
    weft_sheet_open(s, "alternates", '[');
    for (uint32_t i = 0; i < bom->alternate_count; i++) {
        if (weft_text_equal(bom->alternates[i].find, line->find)) {
            weft_sheet_text(s, NULL, bom->alternates[i].to);
        }
    }
    weft_sheet_close(s);
    weft_sheet_close(s);
}

void weft_sheet_component(struct weft_sheet *s, const struct weft_component *c)
{
    weft_sheet_open(s, NULL, '{');
    weft_sheet_text(s, "asset", c->asset);
    weft_sheet_maybe(s, "part", c->part.type);
    weft_sheet_maybe(s, "revision", c->part.revision);
    weft_sheet_maybe(s, "find", c->find);
    put_quantity(s, c->quantity, c->unit);
    weft_sheet_text(s, "rel", c->rel);
    weft_sheet_text(s, "evidence", c->evidence);
    weft_sheet_moment(s, &c->since);
    weft_sheet_close(s);
}

static void put_effective(struct weft_sheet *s, const struct weft_effective *effective)
{
    weft_sheet_text(s, "revision", effective->revision);
    weft_sheet_text(s, "status", weft_text_of(weft_revision_status_name(effective->status)));
    if (effective->order != NULL) {
        weft_sheet_text(s, "change_order", effective->order->asset);
    }
    if (effective->has_since) {
        put_since(s, &effective->since);
    }
}

static void put_contents(struct weft_sheet *s, const char *name,
    const struct weft_contents *contents, bool is_built, struct weft_text revision)
{
    weft_sheet_open(s, name, '{');
    weft_sheet_maybe(s, "revision", revision);
    if (is_built) {
        weft_sheet_open(s, "components", '[');
        for (uint32_t i = 0; i < contents->component_count; i++) {
            weft_sheet_component(s, &contents->components[i]);
        }
        weft_sheet_close(s);
    }
    weft_sheet_close(s);
}

static void put_difference(
    struct weft_sheet *s, const struct weft_difference *d, const struct weft_moment *since)
{
    weft_sheet_open(s, NULL, '{');
    weft_sheet_text(s, "kind", weft_text_of(weft_difference_kind_name(d->kind)));
    weft_sheet_maybe(s, "find", d->find);
    weft_sheet_maybe(s, "component", d->component);
    weft_sheet_maybe(
        s, "wanted", d->wanted.revision.size > 0 ? d->wanted.revision : d->wanted.type);
    weft_sheet_maybe(s, "found", d->found.revision.size > 0 ? d->found.revision : d->found.type);
    if (d->kind == WEFT_DIFFERENCE_QUANTITY || d->kind == WEFT_DIFFERENCE_MISSING) {
        put_quantity(s, d->quantity, d->unit);
        weft_sheet_real(s, "quantity_found", d->quantity_found);
    }
    weft_sheet_maybe(s, "covered_by", d->covered_by);
    if (since != NULL) {
        put_since(s, since);
    }
    weft_sheet_close(s);
}

void weft_portrait_sheet_configuration(const struct weft_portrait *p, struct weft_sheet *s)
{
    bool is_known = p->unit.is_built || p->event_count > 0;
    weft_sheet_open(s, "configuration", '{');
    weft_sheet_open(s, "designed", '{');
    if (p->designed.revision.size > 0) {
        put_effective(s, &p->designed);
        weft_sheet_open(s, "lines", '[');
        for (uint32_t i = 0; p->has_bom && i < p->bom.line_count; i++) {
            weft_sheet_line(s, &p->bom, i);
        }
        weft_sheet_close(s);
    }
    weft_sheet_close(s);
    put_contents(s, "built", &p->built, is_known, p->part.revision);
    put_contents(s, "maintained", &p->maintained, is_known, p->revision);
    weft_sheet_open(s, "deviations", '[');
    for (uint32_t i = 0; i < p->deviation_count; i++) {
        put_difference(s, &p->deviations[i], NULL);
    }
    weft_sheet_close(s);
    weft_sheet_open(s, "out_of_date", '[');
    for (uint32_t i = 0; i < p->outdated_count; i++) {
        put_difference(s, &p->outdated[i], &p->outdated_since[i]);
    }
    weft_sheet_close(s);
    weft_sheet_close(s);
}

/* --- issues ---------------------------------------------------------------------------------- */

void weft_portrait_sheet_issues(const struct weft_portrait *p, struct weft_sheet *s)
{
    weft_sheet_open(s, "issues", '[');
    for (uint32_t i = 0; i < p->issue_count; i++) {
        const struct weft_issue *issue = &p->issues[i];
        weft_sheet_open(s, NULL, '{');
        weft_sheet_text(s, "kind", weft_text_of(weft_issue_kind_name(issue->kind)));
        weft_sheet_text(s, "health", weft_text_of(weft_health_name(issue->health)));
        weft_sheet_text(s, "asset", issue->asset);
        weft_sheet_maybe(s, "detail", issue->detail);
        weft_sheet_moment(s, &issue->since);
        if (issue->has_due) {
            weft_sheet_time(s, "due", issue->due_ns);
        }
        weft_sheet_close(s);
    }
    weft_sheet_close(s);
}
