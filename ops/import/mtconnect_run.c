#include "ops/import/mtconnect_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/import/decimal.h"
#include "proto/time.h"

static struct weft_text text_of(const struct weft_run_text *t)
{
    return (struct weft_text){t->data, t->size};
}

static void copy(struct weft_run_text *to, struct weft_text from)
{
    size_t size = from.size < WEFT_RUN_TEXT_SIZE_MAX ? from.size : WEFT_RUN_TEXT_SIZE_MAX;
    while (size > 0 && size < from.size && ((uint8_t)from.data[size] & 0xc0) == 0x80) {
        size--; /* Not within a character. */
    }
    to->size = (uint16_t)size;
    if (size > 0) {
        memcpy(to->data, from.data, size);
    }
}

void weft_run_summary_init(struct weft_run_summary *run, const struct weft_devices *devices,
    const struct weft_device *device)
{
    memset(run, 0, sizeof(*run));
    run->devices = devices;
    run->device = device;
}

/* --- one sample ------------------------------------------------------------------------------ */

static struct weft_run_item *find_item(struct weft_run_summary *run, struct weft_text name)
{
    for (uint32_t i = 0; i < run->item_count; i++) {
        uint32_t at = (run->item_last + i) % run->item_count;
        if (weft_text_equal(text_of(&run->items[at].name), name)) {
            run->item_last = at;
            return &run->items[at];
        }
    }
    if (run->item_count == WEFT_RUN_ITEMS_MAX) {
        return NULL;
    }
    struct weft_run_item *item = &run->items[run->item_count++];
    copy(&item->name, name);
    if (run->device != NULL) {
        item->model = weft_device_item(run->devices, run->device, name);
    }
    return item;
}

/* Neumaier's sum: the mean of half a million values loses nothing that is shown. */
static void add_number(struct weft_run_item *item, double value, struct weft_text literal)
{
    double sum = item->sum + value;
    item->rest +=
        fabs(item->sum) >= fabs(value) ? (item->sum - sum) + value : (value - sum) + item->sum;
    item->sum = sum;
    if (item->numbers == 0 || value < item->min) {
        item->min = value;
        copy(&item->min_text, literal);
    }
    if (item->numbers == 0 || value > item->max) {
        item->max = value;
        copy(&item->max_text, literal);
    }
    item->numbers++;
}

static void count_value(struct weft_run_item *item, struct weft_text value)
{
    for (uint32_t i = 0; i < item->value_count; i++) {
        if (weft_text_equal(text_of(&item->values[i].text), value)) {
            item->values[i].count++;
            return;
        }
    }
    if (item->value_count == WEFT_RUN_VALUES_MAX || value.size > WEFT_RUN_TEXT_SIZE_MAX) {
        item->has_more_values = true;
        return;
    }
    copy(&item->values[item->value_count].text, value);
    item->values[item->value_count++].count = 1;
}

static bool read_number(struct weft_text value, double *ret_number)
{
    char text[65], *end;
    if (value.size > 64 || weft_decimal_type(value) == WEFT_VALUE_TEXT) {
        return false;
    }
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    *ret_number = strtod(text, &end);
    return *end == '\0' && isfinite(*ret_number);
}

static void add_program(struct weft_run_summary *run, struct weft_text program)
{
    copy(&run->program, program);
    for (uint32_t i = 0; i < run->program_count; i++) {
        if (weft_text_equal(text_of(&run->programs[i]), text_of(&run->program))) {
            return;
        }
    }
    if (run->program_count == WEFT_RUN_PROGRAMS_MAX) {
        run->has_more_programs = true;
        return;
    }
    run->programs[run->program_count++] = run->program;
}

static void add_sample(struct weft_run_summary *run, struct weft_text name, struct weft_text value)
{
    struct weft_run_item *item = find_item(run, name);
    double number;
    run->samples++;
    if (item == NULL) {
        run->left_out++;
        return;
    }
    item->count++;
    if (value.size == 0 || weft_text_is(value, "UNAVAILABLE")) {
        item->missing++;
        return;
    }
    if (item->count - item->missing == 1) {
        copy(&item->first, value);
    }
    copy(&item->last, value);
    if (read_number(value, &number)) {
        add_number(item, number, value);
    } else {
        count_value(item, value);
    }
    if (item->model != NULL && weft_text_is(item->model->type, "PROGRAM")) {
        add_program(run, value);
    }
}

/* --- one line -------------------------------------------------------------------------------- */

/* What stands in front of the next '|', which is taken off. False: there is none. */
static bool take(struct weft_text *line, struct weft_text *ret_part)
{
    const char *bar = line->size > 0 ? memchr(line->data, '|', line->size) : NULL;
    if (bar == NULL) {
        return false;
    }
    *ret_part = (struct weft_text){line->data, (size_t)(bar - line->data)};
    line->data = bar + 1;
    line->size -= ret_part->size + 1;
    return true;
}

static bool is_condition(const struct weft_run_summary *run, struct weft_text name)
{
    const struct weft_data_item *model =
        run->device != NULL ? weft_device_item(run->devices, run->device, name) : NULL;
    return model != NULL && model->category == WEFT_CATEGORY_CONDITION;
}

/* Take a pair off the rest of a line. False: it is none. *ret_is_last: nothing comes behind. */
static bool take_pair(const struct weft_run_summary *run, struct weft_text *rest, bool is_first,
    struct weft_text *ret_name, struct weft_text *ret_value, bool *ret_is_last)
{
    if (!take(rest, ret_name) || ret_name->size == 0 || ret_name->size > WEFT_RUN_TEXT_SIZE_MAX) {
        return false;
    }
    *ret_is_last = !take(rest, ret_value);
    if (*ret_is_last) {
        *ret_value = *rest;
    }
    /* Behind a condition's level stand its code, severity, qualifier and text. */
    *ret_is_last = *ret_is_last || (is_first && is_condition(run, *ret_name));
    return true;
}

static bool is_sound(const struct weft_run_summary *run, struct weft_text rest)
{
    struct weft_text name, value;
    bool is_last = false;
    for (bool is_first = true; !is_last; is_first = false) {
        if (!take_pair(run, &rest, is_first, &name, &value, &is_last)) {
            return false;
        }
    }
    return true;
}

static void count_damaged(struct weft_run_summary *run)
{
    run->first_damaged = run->damaged == 0 ? run->lines : run->first_damaged;
    run->damaged++;
}

void weft_run_summary_line(struct weft_run_summary *run, struct weft_text line)
{
    struct weft_text time, name;
    int64_t ns;
    run->lines++;
    if (line.size > 0 && line.data[line.size - 1] == '\r') {
        line.size--;
    }
    if (line.size > WEFT_RUN_LINE_SIZE_MAX || !weft_text_is_utf8(line) || !take(&line, &time)) {
        count_damaged(run);
        return;
    }
    const char *duration = memchr(time.data, '@', time.size);
    time.size = duration != NULL ? (size_t)(duration - time.data) : time.size;
    if (weft_time_parse(time, &ns, NULL) != WEFT_OK || !is_sound(run, line)) {
        count_damaged(run);
        return;
    }
    bool is_first = run->samples == 0;
    run->out_of_order += !is_first && ns < run->last_ns;
    run->last_ns = ns;
    run->start_ns = is_first || ns < run->start_ns ? ns : run->start_ns;
    run->end_ns = is_first || ns > run->end_ns ? ns : run->end_ns;
    struct weft_text value = {NULL, 0};
    bool is_last = false;
    for (bool is_start = true; !is_last && take_pair(run, &line, is_start, &name, &value, &is_last);
         is_start = false) {
        add_sample(run, name, value);
    }
}

/* --- fields ---------------------------------------------------------------------------------- */

static void add_numbers(
    const struct weft_run_item *item, struct weft_fieldset *f, struct weft_text path)
{
    char mean[40];
    struct weft_text min = text_of(&item->min_text), max = text_of(&item->max_text);
    weft_fieldset_add(f, path, "min", min, weft_decimal_type(min));
    weft_fieldset_add(f, path, "max", max, weft_decimal_type(max));
    (void)snprintf(mean, sizeof(mean), "%.12g", (item->sum + item->rest) / (double)item->numbers);
    weft_fieldset_add(f, path, "mean", weft_text_of(mean), weft_decimal_type(weft_text_of(mean)));
}

static void add_count(
    struct weft_fieldset *f, struct weft_text path, const char *name, uint64_t count)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
    weft_fieldset_add(f, path, name, weft_text_of(text), WEFT_VALUE_INT);
}

static void add_values(
    const struct weft_run_item *item, struct weft_fieldset *f, struct weft_text path)
{
    struct weft_text values = weft_fieldset_below(f, path, WEFT_TEXT("values"));
    for (uint32_t i = 0; i < item->value_count; i++) {
        char name[WEFT_RUN_TEXT_SIZE_MAX + 1];
        memcpy(name, item->values[i].text.data, item->values[i].text.size);
        name[item->values[i].text.size] = '\0';
        add_count(f, values, name, item->values[i].count);
    }
    if (item->has_more_values) {
        weft_fieldset_add(f, path, "has_more_values", WEFT_TEXT("true"), WEFT_VALUE_BOOL);
    }
}

static void add_item(const struct weft_run_item *item, struct weft_fieldset *f)
{
    struct weft_text items =
        weft_fieldset_below(f, (struct weft_text){NULL, 0}, WEFT_TEXT("items"));
    struct weft_text path = weft_fieldset_below(f, items, text_of(&item->name));
    struct weft_text first = text_of(&item->first), last = text_of(&item->last);
    if (item->model != NULL) {
        weft_fieldset_add(f, path, "type", item->model->type, WEFT_VALUE_TEXT);
        weft_fieldset_add(f, path, "unit", item->model->unit, WEFT_VALUE_TEXT);
    }
    add_count(f, path, "count", item->count);
    if (item->missing > 0) {
        add_count(f, path, "missing", item->missing);
    }
    bool is_number = item->numbers > 0 && item->numbers == item->count - item->missing;
    if (is_number) {
        add_numbers(item, f, path);
    } else if (item->value_count > 0) {
        add_values(item, f, path);
    }
    weft_fieldset_add(
        f, path, "first", first, is_number ? weft_decimal_type(first) : WEFT_VALUE_TEXT);
    weft_fieldset_add(f, path, "last", last, is_number ? weft_decimal_type(last) : WEFT_VALUE_TEXT);
}

static void add_time(struct weft_fieldset *f, const char *path, int64_t ns)
{
    char text[WEFT_TIME_TEXT_SIZE];
    weft_time_format(ns, text);
    weft_fieldset_text(f, path, weft_text_of(text));
}

void weft_run_summary_fields(const struct weft_run_summary *run, struct weft_fieldset *f)
{
    add_time(f, "start", run->start_ns);
    add_time(f, "end", run->end_ns);
    weft_fieldset_text(f, "program", text_of(&run->program));
    for (uint32_t i = 0; i < run->program_count; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "programs/[%u]", i);
        weft_fieldset_text(f, path, text_of(&run->programs[i]));
    }
    if (run->has_more_programs) {
        weft_fieldset_bool(f, "has_more_programs", true);
    }
    weft_fieldset_count(f, "samples", run->samples);
    weft_fieldset_count(f, "lines/count", run->lines);
    weft_fieldset_count(f, "lines/damaged", run->damaged);
    if (run->damaged > 0) {
        weft_fieldset_count(f, "lines/first_damaged", run->first_damaged);
    }
    if (run->out_of_order > 0) {
        weft_fieldset_count(f, "lines/out_of_order", run->out_of_order);
    }
    if (run->left_out > 0) {
        weft_fieldset_count(f, "samples_of_further_items", run->left_out);
    }
    for (uint32_t i = 0; i < run->item_count; i++) {
        add_item(&run->items[i], f);
    }
}
