#include "ops/import/epcis_document.h"

#include <stdlib.h>

#include "ops/import/epcis_event.h"

enum {
    HELD_CAPACITY_FIRST = 64
};

/* --- where values stand ---------------------------------------------------------------------- */

static bool is_under(const struct weft_json *value, const char *key, enum weft_json_type type)
{
    return value != NULL && value->type == type && weft_text_is(value->key, key);
}

/* A document or an event alone: whatever stands in nothing but arrays. Their nesting is bounded
 * by the reader's depth. */
static bool is_frame(const struct weft_json *value)
{
    if (value->type == WEFT_JSON_ARRAY) {
        return false;
    }
    const struct weft_json *around = value->parent;
    while (around != NULL && around->type == WEFT_JSON_ARRAY) {
        around = around->parent;
    }
    return around == NULL;
}

/* The frame that the list of events stands in: {"eventList"}, {"epcisBody": {"eventList"}} or
 * {"epcisBody": {"queryResults": {"resultsBody": {"eventList"}}}}. NULL: it is no such list. */
static const struct weft_json *frame_of(const struct weft_json *list, const char **ret_type)
{
    const struct weft_json *holder = list->parent;
    if (!is_under(list, "eventList", WEFT_JSON_ARRAY) || holder == NULL) {
        return NULL;
    }
    if (is_frame(holder)) {
        *ret_type = NULL;
        return weft_json_get(holder, "type") == NULL ? holder : NULL;
    }
    *ret_type = "EPCISDocument";
    if (is_under(holder, "resultsBody", WEFT_JSON_OBJECT)) {
        holder = is_under(holder->parent, "queryResults", WEFT_JSON_OBJECT) ? holder->parent->parent
                                                                            : NULL;
        *ret_type = "EPCISQueryDocument";
    }
    bool is_body = is_under(holder, "epcisBody", WEFT_JSON_OBJECT) && is_frame(holder->parent);
    return is_body ? holder->parent : NULL;
}

/* weft_json_choose: each frame and each event is handed over by itself. */
static struct weft_arena *choose(void *ctx, const struct weft_json *value)
{
    struct weft_epcis_document *d = ctx;
    const char *type;
    if (is_frame(value)) {
        return d->frame;
    }
    bool is_element = value->parent != NULL && value->parent->type == WEFT_JSON_ARRAY;
    return is_element && frame_of(value->parent, &type) != NULL ? d->events : NULL;
}

/* --- frames ---------------------------------------------------------------------------------- */

/* A member that must be there and of that type. */
static enum weft_err required(const struct weft_json *object, const char *name,
    enum weft_json_type type, const struct weft_json **ret_member, struct weft_msg *msg)
{
    *ret_member = weft_json_get(object, name);
    if (*ret_member == NULL) {
        (void)weft_fail(msg, WEFT_EINVAL, "is missing");
        return weft_json_place(object, name, msg, WEFT_EINVAL);
    }
    return weft_json_expect(*ret_member, type, msg);
}

static enum weft_err refuse_unknown(
    const struct weft_json *object, const char *const *known, struct weft_msg *msg)
{
    for (const struct weft_json *v = object->first; v != NULL; v = v->next) {
        size_t i = 0;
        while (known[i] != NULL && !weft_text_is(v->key, known[i])) {
            i++;
        }
        if (known[i] == NULL && !weft_epcis_is_extension(v->key)) {
            return weft_json_fail(v, msg, WEFT_EINVAL, "unknown member of an EPCIS document");
        }
    }
    return WEFT_OK;
}

static enum weft_err check_list(
    struct weft_epcis_document *d, const struct weft_json *holder, struct weft_msg *msg)
{
    static const char *const known[] = {"eventList", "vocabularyList", NULL};
    const struct weft_json *list = NULL;
    enum weft_err err = refuse_unknown(holder, known, msg);
    if (weft_json_get(holder, "vocabularyList") != NULL) {
        d->has_master_data = true;
        if (weft_json_get(holder, "eventList") == NULL) {
            return err;
        }
    }
    return err == WEFT_OK ? required(holder, "eventList", WEFT_JSON_ARRAY, &list, msg) : err;
}

/* An EPCISDocument or EPCISQueryDocument (EPCIS 2.0, 10). */
static enum weft_err check_document(struct weft_epcis_document *d, const struct weft_json *document,
    bool is_query, struct weft_msg *msg)
{
    static const char *const known[] = {"@context", "id", "type", "schemaVersion", "creationDate",
        "instanceIdentifier", "sender", "receiver", "epcisHeader", "epcisBody", NULL};
    static const char *const known_results[] = {"queryName", "subscriptionID", "resultsBody", NULL};
    static const char *const known_body[] = {"queryResults", NULL};
    const struct weft_json *body = NULL, *results = NULL, *holder = NULL;
    enum weft_err err = refuse_unknown(document, known, msg);
    if (weft_json_get(document, "epcisHeader") != NULL) {
        d->has_master_data = true;
    }
    if (err == WEFT_OK) {
        err = required(document, "epcisBody", WEFT_JSON_OBJECT, &body, msg);
    }
    if (err != WEFT_OK || !is_query) {
        return err == WEFT_OK ? check_list(d, body, msg) : err;
    }
    err = refuse_unknown(body, known_body, msg);
    if (err == WEFT_OK) {
        err = required(body, "queryResults", WEFT_JSON_OBJECT, &results, msg);
    }
    if (err == WEFT_OK) {
        err = refuse_unknown(results, known_results, msg);
    }
    if (err == WEFT_OK) {
        err = required(results, "resultsBody", WEFT_JSON_OBJECT, &holder, msg);
    }
    return err == WEFT_OK ? check_list(d, holder, msg) : err;
}

static enum weft_err check_frame(struct weft_epcis_document *d, const struct weft_json *frame,
    bool *ret_is_event, struct weft_msg *msg)
{
    enum weft_err err = weft_json_expect(frame, WEFT_JSON_OBJECT, msg);
    *ret_is_event = false;
    if (err != WEFT_OK) {
        return err;
    }
    const struct weft_json *type = weft_json_get(frame, "type");
    if (type == NULL && weft_json_get(frame, "eventList") != NULL) {
        return check_list(d, frame, msg);
    }
    err = required(frame, "type", WEFT_JSON_STRING, &type, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_text_is(type->text, "EPCISDocument")) {
        return check_document(d, frame, false, msg);
    }
    if (weft_text_is(type->text, "EPCISQueryDocument")) {
        return check_document(d, frame, true, msg);
    }
    *ret_is_event = true;
    return WEFT_OK;
}

/* --- events that wait ------------------------------------------------------------------------ */

static enum weft_err hold(
    struct weft_epcis_document *d, const struct weft_json *event, struct weft_msg *msg)
{
    if (d->held_count == d->held_capacity) {
        uint32_t capacity = d->held_capacity == 0 ? HELD_CAPACITY_FIRST : d->held_capacity * 2;
        struct weft_epcis_place *held = realloc(d->held, capacity * sizeof(*held));
        if (held == NULL) {
            return weft_json_fail(event, msg, WEFT_ENOMEM, "out of memory for events");
        }
        d->held = held;
        d->held_capacity = capacity;
    }
    d->held[d->held_count++] = (struct weft_epcis_place){event, NULL};
    return WEFT_OK;
}

/* The context that an event is read in is told by its frame, once that is known. */
static void tell_context(struct weft_epcis_document *d, const struct weft_json *context)
{
    for (uint32_t i = d->held_first; i < d->held_count; i++) {
        d->held[i].context = context;
    }
}

/* Whether the frame's type and context are there by now. */
static bool is_known(
    struct weft_epcis_document *d, const struct weft_json *frame, const char *wanted)
{
    if (d->known == frame) {
        return true;
    }
    const struct weft_json *type = weft_json_get(frame, "type");
    bool is_wanted = wanted == NULL || (type != NULL && type->type == WEFT_JSON_STRING &&
                                           weft_text_is(type->text, wanted));
    if (is_wanted && (wanted == NULL || weft_json_get(frame, "@context") != NULL)) {
        d->known = frame;
    }
    return d->known == frame;
}

/* An event has ended. */
static enum weft_err take_event(
    struct weft_epcis_document *d, const struct weft_json *event, struct weft_msg *msg)
{
    const char *type = NULL;
    const struct weft_json *frame = frame_of(event->parent, &type);
    enum weft_err err = hold(d, event, msg);
    if (err == WEFT_OK && frame != NULL && is_known(d, frame, type)) {
        tell_context(d, type != NULL ? weft_json_get(frame, "@context") : NULL);
    }
    return err;
}

/* A frame has ended: what waited can be given, or the document is none. */
static enum weft_err take_frame(
    struct weft_epcis_document *d, const struct weft_json *frame, struct weft_msg *msg)
{
    bool is_event;
    enum weft_err err = check_frame(d, frame, &is_event, msg);
    if (err == WEFT_OK && is_event) {
        err = hold(d, frame, msg);
    } else if (err == WEFT_OK) {
        tell_context(d, weft_json_get(frame, "@context"));
    }
    d->is_framed = true;
    d->known = frame;
    return err;
}

/* --- the text -------------------------------------------------------------------------------- */

/* Memory of what was given and is not wanted any more. */
static void take_back(struct weft_epcis_document *d)
{
    if (d->held_first < d->held_count) {
        return;
    }
    d->held_first = d->held_count = 0;
    if (!d->is_kept && !weft_json_reader_is_open_in(&d->reader, d->events)) {
        weft_arena_reset(d->events);
    }
    if (d->is_framed) {
        d->is_framed = false;
        d->known = NULL;
        if (!d->is_kept) {
            weft_arena_reset(d->frame);
        }
    }
}

static enum weft_err end(struct weft_epcis_document *d, enum weft_err err, struct weft_msg *msg)
{
    d->is_over = true;
    if (err == WEFT_ETOOBIG && d->held_first < d->held_count) {
        const struct weft_json *first = d->held[d->held_first].event;
        return weft_json_fail(first, msg, WEFT_ETOOBIG,
            "more than %zu bytes of events in front of the document's type and @context: these "
            "must stand first",
            d->events->size_max);
    }
    return err;
}

enum weft_err weft_epcis_document_next(
    struct weft_epcis_document *d, struct weft_epcis_place *ret_place, struct weft_msg *msg)
{
    take_back(d);
    while (d->held_first == d->held_count || d->known == NULL) {
        struct weft_json *value = NULL;
        enum weft_err err = weft_json_reader_next(&d->reader, &value, msg);
        if (err == WEFT_ENOTFOUND && !d->reader.is_done) {
            return err;
        }
        if (err == WEFT_OK) {
            err = is_frame(value) ? take_frame(d, value, msg) : take_event(d, value, msg);
        }
        if (err != WEFT_OK) {
            return end(d, err, msg);
        }
        if (d->is_framed && d->held_first == d->held_count) {
            take_back(d);
        }
    }
    *ret_place = d->held[d->held_first++];
    return WEFT_OK;
}

void weft_epcis_document_init(struct weft_epcis_document *d, struct weft_arena *around,
    struct weft_arena *frame, struct weft_arena *events, bool is_kept)
{
    *d = (struct weft_epcis_document){
        .around = around, .frame = frame, .events = events, .is_kept = is_kept};
    /* One of GS1's own examples names an event twice (README.md). */
    weft_json_reader_init(&d->reader, around, 1, "eventID", choose, d);
}

void weft_epcis_document_feed(struct weft_epcis_document *d, struct weft_text chunk, bool is_last)
{
    weft_json_reader_feed(&d->reader, chunk, is_last);
}

void weft_epcis_document_close(struct weft_epcis_document *d)
{
    weft_json_reader_close(&d->reader);
    free(d->held);
}
